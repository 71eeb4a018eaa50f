"""Scaled dot-product attention as one primitive (A. Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, eq. 1).

The tape keeps ``exp(scores - max)`` and the sums of its rows and never the normalised weights: dividing the
small result instead of the (L, S) matrix saves a pass forward and another one backward. Where all scores are
moderate, the maximum (the slowest pass, row by row) is not needed and counts as 0. Ufuncs that repeat a number along
short rows are slow too: such numbers are written out as a matrix by BLAS, or ride along in a product as one more column.
"""

import functools

import numpy as np

from ..engine import primitive, unwrap
from ..threads import WORTHWHILE, parallel
from .blocks import _quiet, ones
from .elementwise import div, eq, exp, where
from .exponential import exponential
from .linalg import matmul
from .reduction import sum
from .rows import SMALL, WIDE, row_sums, spread
from .shape import mT

#: From this many rows on, a copy of the right factor's transpose is repaid: BLAS multiplies small matrices by a
#: transposed one at half its speed.
_ROWS = 8


def _like_heads(shape, dtype):
    """Memory for (..., heads, L, E) that lies as (..., L, heads, E), so that joining the heads again costs no copy."""
    if len(shape) < 4:
        return np.empty(shape, dtype)
    return np.empty((*shape[:-3], shape[-2], shape[-3], shape[-1]), dtype).swapaxes(-2, -3)


def _harmless(scores, log):
    """Whether every score is so moderate that its exponential keeps its digits in any sum."""
    limit = 60 * log
    return scores.size > 0 and scores.itemsize > 2 and scores.min() > -limit and scores.max() < limit


def _later(rows, columns):
    """True where a query would see a later key."""
    return np.arange(columns) > np.arange(rows)[:, None]


@functools.lru_cache(maxsize=16)
def _earlier(rows, columns, dtype):
    """1 where a query sees no later key, else 0."""
    seen = np.tril(np.ones((rows, columns), dtype))
    seen.flags.writeable = False
    return seen


def _turned(b, scale, extra=0):
    """``b^T * scale`` in memory of its own, with ``extra`` more rows."""
    out = np.empty((*b.shape[:-2], b.shape[-1] + extra, b.shape[-2]), b.dtype)
    out[..., : b.shape[-1], :] = b.swapaxes(-1, -2)
    return np.multiply(out, scale, out=out)


def _times_transposed(a, b, scale, out=None):
    """``a @ b^T * scale``."""
    if a.shape[-2] < _ROWS or b.size <= SMALL:
        return np.matmul(a * scale, b.swapaxes(-1, -2), out=out)
    return np.matmul(a, _turned(b, scale), out=out)


def _as_rows(a):
    """A view of (..., heads, L, E) in the order of :func:`_like_heads`."""
    return a.swapaxes(-2, -3) if a.ndim >= 4 else a


def _divide_rows(a, total, out):
    """``a / total``, one number per row."""
    a, total, out = _as_rows(a), _as_rows(total), _as_rows(out)
    width = a.shape[-1]
    if a.size <= SMALL or width > WIDE or not a.flags.c_contiguous or total.shape[:-1] != a.shape[:-1]:
        np.divide(a, total, out=out)
        return
    np.multiply(a, spread((1 / total).reshape(-1), width).reshape(a.shape), out=out)


def _products(a, b):
    """The sums of ``a * b`` along the last dimension."""
    x, y = _as_rows(a), _as_rows(b)
    if a.size <= SMALL or not (x.flags.c_contiguous and y.flags.c_contiguous and x.shape == y.shape):
        return np.vecdot(a, b)
    width = a.shape[-1]
    return _as_rows(row_sums((x * y).reshape(-1, width)).reshape(*x.shape[:-1], 1))[..., 0]


def _in_parts(body, arrays, nanoseconds):
    """``body(*arrays)``; large ones in parts along a leading dimension in which all agree, on all threads."""
    lead = arrays[0].shape[:-2]
    if (
        nanoseconds < WORTHWHILE
        or len(lead) < 2
        or any(x is not None and x.shape[:-2] not in (lead, ()) for x in arrays)
    ):
        body(*arrays)
    else:
        cut = lambda x, s: x if x is None or x.ndim == 2 else x[s]
        parallel(lambda i, j: body(*[cut(x, slice(i, j)) for x in arrays]), lead[0], nanoseconds)


@primitive(outputs=("out", "raised", "total"), constant=("raised", "total"), nondiff=("drop",), broadcasts=True)
@_quiet
def attention(q, k, v, mask=None, drop=None, *, scale, causal=False):
    """``softmax(q k^T * scale + mask) v``.

    Parameters
    ----------
    q, k, v : (..., L, E), (..., S, E), (..., S, F)
    mask : broadcastable to (..., L, S), optional
        Bool: True takes part. Float: added to the scores, and differentiable.
    drop : (..., L, S), optional
        Factors on the normalised weights: a scaled dropout mask.
    scale : float
    causal : bool, a query sees no later key

    Returns
    -------
    out : (..., L, F)
    raised, total : ``exp(scores - max)``, (..., L, S), and its sums, (..., L, 1); a row without a key sums to 1.
    """
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], () if mask is None else mask.shape[:-2])
    raised = np.empty((*lead, q.shape[-2], k.shape[-2]), q.dtype)
    total = np.empty((*lead, q.shape[-2], 1), q.dtype)
    lead = np.broadcast_shapes(lead, v.shape[:-2], () if drop is None else drop.shape[:-2])
    out = _like_heads((*lead, q.shape[-2], v.shape[-1]), q.dtype)

    def body(raised, total, out, q, k, v, mask, drop):
        _raise(raised, q, k, mask, scale, causal)
        np.matmul(raised, ones(raised.shape[-1], raised.dtype), out=total[..., 0])
        total[total == 0] = 1
        np.matmul(raised if drop is None else raised * drop, v, out=out)
        _divide_rows(out, total, out)

    arrays = (raised, total, out, q, k, v, mask, drop)
    _in_parts(body, arrays, raised.size * (q.shape[-1] + v.shape[-1]) // 32)
    return out, raised, total


def _raise(raised, q, k, mask, scale, causal):
    """Write the exponentials of the scores."""
    power, log = exponential(q.dtype)
    shape = (*np.broadcast_shapes(q.shape[:-2], k.shape[:-2]), *raised.shape[-2:])
    whole = shape == raised.shape  # else the mask has more leading dimensions
    scores = _times_transposed(q, k, scale * log, raised if whole else None)
    if (mask is None or mask.dtype == bool) and _harmless(scores, log):
        # exp can neither overflow nor vanish: no maximum needs to be subtracted, and what is masked can be struck out after
        power(scores, out=scores)
        if causal:
            scores *= _earlier(*shape[-2:], scores.dtype)
        if mask is not None:
            np.multiply(scores, mask, out=raised)
    else:
        if causal:
            scores += np.where(_later(*shape[-2:]), -np.inf, 0).astype(scores.dtype)
        if mask is not None:
            mask = np.where(mask, 0, -np.inf).astype(scores.dtype) if mask.dtype == bool else mask * log
            np.add(scores, mask, out=raised)
        top = np.maximum.reduce(raised, axis=-1, keepdims=True, initial=-np.inf)
        top[np.isneginf(top)] = 0
        np.subtract(raised, top, out=raised)
        power(raised, out=raised)


def _gradients(shapes, dtype):
    """Memory for gradients. Those of queries, keys and values of one shape lie side by side, as one projection made them."""
    first = shapes[0]
    if first is None or len(first) < 4 or shapes != [first] * len(shapes):
        return [None if shape is None else _like_heads(shape, dtype) for shape in shapes]
    *lead, heads, length, width = first
    whole = np.empty((*lead, length, len(shapes), heads, width), dtype)
    return [whole[..., i, :, :].swapaxes(-2, -3) for i in range(len(shapes))]


def _attention_vjp(g, q, k, v, drop, out, raised, total, scale, needs):
    wanted = needs[0] or needs[1] or needs[3]
    lead, width = g.shape[:-2], v.shape[-1]
    ds = np.empty((*lead, *raised.shape[-2:]), g.dtype) if wanted else None
    dq, dk, dv = _gradients([(*lead, *x.shape[-2:]) if need else None for x, need in zip((q, k, v), needs)], g.dtype)
    factor = 1.0 if needs[3] else scale  # of the gradient of the scores: none if the mask wants it too

    def body(g, q, k, v, drop, out, raised, total, ds, dq, dk, dv):
        above, g = g, _like_heads(g.shape, g.dtype)
        _divide_rows(above, total, g)
        if dv is not None:
            np.matmul((raised if drop is None else raised * drop).swapaxes(-1, -2), g, out=dv)
        if ds is None:
            return
        inner = _products(g, out)
        if drop is None and g.shape[-2] >= _ROWS and v.size > SMALL:
            # what softmax's gradient subtracts is one more column of g
            wide = np.empty((*g.shape[:-1], width + 1), g.dtype)
            wide[..., :width] = g
            np.multiply(inner, -1, out=wide[..., width])  # not np.negative: NumPy 2.4 errs on some strides
            turned = _turned(v, factor, extra=1)
            turned[..., width, :] = factor
            np.matmul(wide, turned, out=ds)
        else:
            _times_transposed(g, v, factor, ds)
            if drop is not None:
                np.multiply(ds, drop, out=ds)
            np.subtract(ds, (inner * factor)[..., None], out=ds)
        np.multiply(ds, raised, out=ds)
        if dq is not None:
            np.matmul(ds, k, out=dq)
        if dk is not None:
            np.matmul(ds.swapaxes(-1, -2), q, out=dk)

    arrays = (g, q, k, v, drop, out, raised, total, ds, dq, dk, dv)
    _in_parts(body, arrays, raised.size * (q.shape[-1] + width) // 16)
    if needs[3]:
        dq, dk = (None if d is None else np.multiply(d, scale, out=d) for d in (dq, dk))
    return dq, dk, dv, ds if needs[3] else None, None


attention.joint_vjp(_attention_vjp)


@attention.reference
def _attention_reference(q, k, v, mask=None, drop=None, *, scale, causal=False):
    scores = matmul(q * scale, mT(k))
    if causal:
        scores = where(_later(*scores.shape[-2:]), -np.inf, scores)
    if mask is not None:
        scores = where(mask, scores, -np.inf) if unwrap(mask).dtype == bool else scores + mask
    top = np.max(unwrap(scores), axis=-1, keepdims=True, initial=-np.inf)
    raised = exp(scores - np.where(np.isneginf(top), 0, top).astype(top.dtype))
    total = sum(raised, dim=-1, keepdim=True)
    weights = div(raised, where(eq(total, 0), 1.0, total))
    return matmul(weights if drop is None else weights * drop, v), None, None
