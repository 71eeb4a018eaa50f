"""``np.where`` without branches: on masks without a pattern it is several times faster."""

import numpy as np

_INTEGER = {2: np.int16, 4: np.int32, 8: np.int64}
_BITS = {kind: np.dtype(_INTEGER[np.dtype(kind).itemsize]) for kind in "efd"}
_BLOCK = 16384  # elements that stay in a core's cache through several passes


def kept(g, mask, out=None):
    """``g`` where ``mask``, else 0: its bits times the mask, so that infinities and NaN are cut off too."""
    bits = _BITS.get(g.dtype.char)
    if bits is None:
        return np.multiply(g, mask, out)
    if out is None:
        out = np.empty_like(g)  # not a view: whoever gets it may keep it
    np.multiply(g.view(bits), mask, out=out.view(bits))
    return out


def choose(mask, a, b):
    """``np.where(mask, a, b)`` for ``a`` and ``b`` of one dtype."""
    big = mask.size > 4096 and a.dtype.itemsize in _INTEGER and a.dtype.kind in "fiu"
    if not big or not mask.flags.c_contiguous or not _fits(a, mask) or not _fits(b, mask):
        return np.where(mask, a, b)
    kind, n = _INTEGER[a.dtype.itemsize], mask.size
    out = np.empty(mask.shape, a.dtype)
    target, keep, bits = out.reshape(-1).view(kind), mask.reshape(-1).view(np.int8), np.empty(min(n, _BLOCK), kind)
    zero = not b.ndim and b.view(kind) == 0
    x, y = [v.reshape(-1).view(kind) for v in (a, b)]
    for i in range(0, n, _BLOCK):
        s = slice(i, i + _BLOCK)
        t = target[s]
        m = bits[: t.size]
        np.copyto(m, keep[s])
        np.negative(m, out=m)  # all bits of what is kept
        xs, ys = x if not a.ndim else x[s], y if not b.ndim else y[s]
        if zero:
            np.bitwise_and(xs, m, out=t)
        else:
            np.bitwise_xor(xs, ys, out=t)
            np.bitwise_and(t, m, out=t)
            np.bitwise_xor(t, ys, out=t)
    return out


def _fits(x, mask):
    return not x.ndim or (x.shape == mask.shape and x.flags.c_contiguous)
