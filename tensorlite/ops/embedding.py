"""Rows of a table by index, and the adjoint: rows added up by index."""

import numpy as np

from ..engine import primitive


@primitive(nondiff=("index",))
def embedding(weight, index, *, padding_idx=-1, by_frequency=False):
    """``weight[index]``: rows of a table ``(rows, width)``; the row ``padding_idx`` gets no gradient."""
    return np.take(weight, index, axis=0)


@primitive(nondiff=("index",))
def embedding_grad(g, index, *, rows, padding_idx=-1, by_frequency=False):
    """A table of ``rows`` rows in which ``g`` is added up by ``index`` (with ``by_frequency``: averaged)."""
    flat = index.reshape(-1)
    g = g.reshape(flat.size, g.shape[-1])
    out = np.zeros((rows, g.shape[1]), g.dtype)
    if padding_idx >= 0:
        kept = flat != padding_idx
        flat, g = flat[kept], g[kept]
    if flat.size:
        order = np.argsort(flat, kind="stable")
        ordered = flat[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        sums = np.add.reduceat(g[order], starts, axis=0)
        if by_frequency:
            sums /= np.diff(np.append(starts, flat.size))[:, None].astype(g.dtype)
        out[ordered[starts]] = sums
    return out


def _forward_again(h, index, padding_idx, by_frequency):
    """The adjoint of :func:`embedding_grad`."""
    out = embedding(h, index, padding_idx=padding_idx, by_frequency=by_frequency)
    return out * _share(index, h, padding_idx, by_frequency) if padding_idx >= 0 or by_frequency else out


def _share(index, like, padding_idx, by_frequency):
    """What each place counts for: 0 at the padding, 1 / frequency where asked for."""
    index = getattr(index, "_data", index)
    share = (index != padding_idx).astype(getattr(like, "_data", like).dtype)
    if by_frequency:
        share /= np.bincount(index.reshape(-1))[index]
    return share[..., None]


embedding.vjp(weight=lambda g, index, weight_shape, padding_idx, by_frequency: embedding_grad(
    g, index, rows=weight_shape[0], padding_idx=padding_idx, by_frequency=by_frequency))  # fmt: skip
embedding_grad.vjp(g=lambda h, index, padding_idx, by_frequency: _forward_again(h, index, padding_idx, by_frequency))
