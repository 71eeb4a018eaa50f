"""Scaled dot-product attention as one primitive (A. Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, eq. 1).

The tape keeps ``exp(scores - max)`` and the sums of its rows and never the normalised weights: dividing the
small result instead of the (L, S) matrix saves a pass forward and another one backward. Where all scores are
moderate, the maximum (the slowest pass, row by row) is not needed and counts as 0. Ufuncs that repeat a number along
short rows are slow too: such numbers are written out as a matrix by BLAS, or ride along in a product as one more column.

Where no query sees a later key, queries are taken in bands, and what no query of a band sees is left out.
"""

import functools
import itertools
import math

import numpy as np

from ..engine import primitive, unwrap
from ..threads import WORTHWHILE, parallel
from .blocks import _quiet, ones
from .elementwise import div, eq, exp, where
from .exponential import exponential
from .linalg import matmul
from .reduction import sum as sum_
from .rows import SMALL, WIDE, row_sums, spread
from .shape import mT

#: From this many rows on, a copy of the right factor's transpose is repaid: BLAS multiplies small matrices by a
#: transposed one at half its speed.
_ROWS = 8

#: Of causal attention: queries per band at least, and bands at most.
_BAND, _BANDS = 64, 8


def _like_heads(shape, dtype):
    """Memory for (..., heads, L, E) that lies as (..., L, heads, E), so that joining the heads again costs no copy."""
    if len(shape) < 4:
        return np.empty(shape, dtype)
    return np.empty((*shape[:-3], shape[-2], shape[-3], shape[-1]), dtype).swapaxes(-2, -3)


def _harmless(scores, log):
    """Whether every score is so moderate that its exponential keeps its digits in any sum."""
    limit = 60 * log
    return scores.size > 0 and scores.itemsize > 2 and scores.min() > -limit and scores.max() < limit


def _bands(rows, columns, causal):
    """Which queries are taken together, and how many keys they see: ``[(slice, keys), ...]``."""
    count = min(_BANDS, rows // _BAND) if causal else 1
    if count < 2:
        return [(slice(0, rows), columns)]
    cuts = [rows * i // count for i in range(count + 1)]
    return [(slice(a, b), min(b, columns)) for a, b in itertools.pairwise(cuts)]


def _banded(whole, lead, bands):
    """Numbers for every pair of query and key, as an array (*lead, queries, keys) per band."""
    found, start = [], 0
    for s, keys in bands:
        shape = (*lead, s.stop - s.start, keys)
        found.append(whole[start : start + math.prod(shape)].reshape(shape))
        start += found[-1].size
    return found


def _later(rows, columns, first=0):
    """True where a query, counted from ``first`` on, would see a later key."""
    return np.arange(columns) > np.arange(first, first + rows)[:, None]


@functools.lru_cache(maxsize=32)
def _earlier(rows, columns, first, dtype):
    """1 where a query, counted from ``first`` on, sees no later key, else 0."""
    seen = np.tril(np.ones((rows, columns), dtype), first)
    seen.flags.writeable = False
    return seen


def _turned(b, scale, extra=0):
    """``b^T * scale`` in memory of its own, with ``extra`` more rows."""
    out = np.empty((*b.shape[:-2], b.shape[-1] + extra, b.shape[-2]), b.dtype)
    out[..., : b.shape[-1], :] = b.swapaxes(-1, -2)
    return np.multiply(out, scale, out=out)


def _times_transposed(a, b, scale, out=None, turned=None):
    """``a @ b^T * scale``; ``turned`` is ``b^T * scale`` where that was written out before."""
    if turned is None and (a.shape[-2] < _ROWS or b.size <= SMALL):
        return np.matmul(a * scale, b.swapaxes(-1, -2), out=out)
    return np.matmul(a, _turned(b, scale) if turned is None else turned, out=out)


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
    """``body(*arrays)``; large ones in parts along a leading dimension in which all agree, on all threads.

    A list stands for several arrays.
    """
    flat = [x for y in arrays for x in (y if isinstance(y, list) else [y]) if x is not None]
    lead = flat[0].shape[:-2]
    if nanoseconds < WORTHWHILE or len(lead) < 2 or any(x.shape[:-2] not in (lead, ()) for x in flat):
        body(*arrays)
        return

    def cut(x, s):
        if isinstance(x, list):
            return [cut(y, s) for y in x]
        return x if x is None or x.ndim == 2 else x[s]

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
    raised, total : ``exp(scores - max)``, and its sums, (..., L, 1); a row without a key sums to 1
        ``raised`` is (..., L, S), or what :func:`_banded` reads where there are several bands.
    """
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], () if mask is None else mask.shape[:-2])
    bands = _bands(q.shape[-2], k.shape[-2], causal and mask is None)
    raised = np.empty(math.prod(lead) * sum([(s.stop - s.start) * keys for s, keys in bands]), q.dtype)
    parts = _banded(raised, lead, bands)
    total = np.empty((*lead, q.shape[-2], 1), q.dtype)
    lead = np.broadcast_shapes(lead, v.shape[:-2], () if drop is None else drop.shape[:-2])
    out = _like_heads((*lead, q.shape[-2], v.shape[-1]), q.dtype)

    power, log = exponential(q.dtype)

    def body(parts, total, out, q, k, v, mask, drop):
        turned = _turned(k, scale * log) if len(bands) > 1 else None
        for (s, keys), raised in zip(bands, parts):
            whole = np.broadcast_shapes(q.shape[:-2], k.shape[:-2]) == raised.shape[:-2]
            seen = None if turned is None else turned[..., :keys]
            scores = _times_transposed(q[..., s, :], k, scale * log, raised if whole else None, seen)
            _raise(raised, scores, mask, power, log, s.start if causal else None)
            np.matmul(raised, ones(keys, raised.dtype), out=total[..., s, 0])
            weights = raised if drop is None else raised * drop[..., s, :keys]
            np.matmul(weights, v[..., :keys, :], out=out[..., s, :])
        total[total == 0] = 1
        _divide_rows(out, total, out)

    arrays = (parts, total, out, q, k, v, mask, drop)
    _in_parts(body, arrays, raised.size * (q.shape[-1] + v.shape[-1]) // 32)
    return out, raised if len(bands) > 1 else parts[0], total


def _raise(raised, scores, mask, power, log, first):
    """Write the exponentials of the scores, into which the factor ``log`` went; ``first``: the first query, if causal."""
    rows, columns = raised.shape[-2:]
    if (mask is None or mask.dtype == bool) and _harmless(scores, log):
        # exp can neither overflow nor vanish: no maximum needs to be subtracted, and what is masked can be struck out after
        power(scores, out=scores)
        if first is not None:
            scores *= _earlier(rows, columns, first, scores.dtype)
        if mask is not None:
            np.multiply(scores, mask, out=raised)
    else:
        if first is not None:
            scores += np.where(_later(rows, columns, first), -np.inf, 0).astype(scores.dtype)
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


def _attention_vjp(g, q, k, v, drop, out, raised, total, scale, causal, needs):
    wanted = needs[0] or needs[1] or needs[3]
    lead, rows, columns, width = g.shape[:-2], g.shape[-2], k.shape[-2], v.shape[-1]
    bands = _bands(rows, columns, causal and raised.ndim == 1)
    parts = [raised] if len(bands) == 1 else _banded(raised, np.broadcast_shapes(q.shape[:-2], k.shape[:-2]), bands)
    ds = np.empty((*lead, rows, columns), g.dtype) if needs[3] else None
    dq, dk, dv = _gradients([(*lead, *x.shape[-2:]) if need else None for x, need in zip((q, k, v), needs)], g.dtype)
    factor = 1.0 if needs[3] else scale  # of the gradient of the scores: none if the mask wants it too

    def body(g, q, k, v, drop, out, parts, total, ds, dq, dk, dv):
        above, g = g, _like_heads(g.shape, g.dtype)
        _divide_rows(above, total, g)
        inner = turned = None
        if wanted:
            inner, left = _products(g, out), g
            if drop is None and (len(bands) > 1 or (rows >= _ROWS and v.size > SMALL)):
                # what softmax's gradient subtracts is one more column of g
                left = np.empty((*g.shape[:-1], width + 1), g.dtype)
                left[..., :width] = g
                np.multiply(inner, -1, out=left[..., width])  # not np.negative: NumPy 2.4 errs on some strides
                turned = _turned(v, factor, extra=1)
                turned[..., width, :] = factor
        for a in (dk, dv):
            if a is not None:
                a[..., bands[-1][1] :, :] = 0
        for (s, keys), raised in zip(reversed(bands), reversed(parts)):  # the last one sees most keys
            fresh = s is bands[-1][0]
            dropped = None if drop is None else drop[..., s, :keys]
            if dv is not None:
                weights = raised if drop is None else raised * dropped
                _add_product(weights.swapaxes(-1, -2), g[..., s, :], dv[..., :keys, :], fresh)
            if not wanted:
                continue
            if turned is not None:
                slope = np.matmul(left[..., s, :], turned[..., :keys], out=ds)
            else:
                slope = _times_transposed(g[..., s, :], v[..., :keys, :], factor, ds)
                if drop is not None:
                    np.multiply(slope, dropped, out=slope)
                np.subtract(slope, (inner[..., s] * factor)[..., None], out=slope)
            np.multiply(slope, raised, out=slope)
            if dq is not None:
                np.matmul(slope, k[..., :keys, :], out=dq[..., s, :])
            if dk is not None:
                _add_product(slope.swapaxes(-1, -2), q[..., s, :], dk[..., :keys, :], fresh)

    arrays = (g, q, k, v, drop, out, parts, total, ds, dq, dk, dv)
    _in_parts(body, arrays, raised.size * (q.shape[-1] + width) // 16)
    if needs[3]:
        dq, dk = (None if d is None else np.multiply(d, scale, out=d) for d in (dq, dk))
    return dq, dk, dv, ds, None


def _add_product(a, b, out, fresh):
    """``out = a @ b`` if ``fresh``, else ``out += a @ b``."""
    if fresh:
        np.matmul(a, b, out=out)
    else:
        np.add(out, np.matmul(a, b), out=out)


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
    total = sum_(raised, dim=-1, keepdim=True)
    weights = div(raised, where(eq(total, 0), 1.0, total))
    return matmul(weights if drop is None else weights * drop, v), None, None
