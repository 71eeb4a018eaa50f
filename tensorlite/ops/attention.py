"""Scaled dot-product attention as one primitive (A. Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, eq. 1).

The tape keeps ``exp(scores - max)`` and the sums of its rows and never the normalised weights: dividing the
small result instead of the (L, S) matrix saves a pass forward and another one backward. Where all scores are
moderate, the maximum (the slowest pass, row by row) is not needed and counts as 0.
"""

import numpy as np

from ..engine import primitive, unwrap
from .elementwise import div, eq, exp, where
from .linalg import matmul
from .reduction import sum
from .shape import mT


def _like_heads(shape, dtype):
    """Memory for (..., heads, L, E) that lies as (..., L, heads, E), so that joining the heads again costs no copy."""
    if len(shape) < 4:
        return np.empty(shape, dtype)
    return np.empty((*shape[:-3], shape[-2], shape[-3], shape[-1]), dtype).swapaxes(-2, -3)


def _harmless(scores):
    """Whether every score is so moderate that its exponential keeps its digits in any sum."""
    return scores.size > 0 and scores.itemsize > 2 and scores.min() > -60 and scores.max() < 60


def _later(rows, columns):
    """True where a query would see a later key."""
    return np.arange(columns) > np.arange(rows)[:, None]


@primitive(outputs=("out", "raised", "total"), constant=("raised", "total"), nondiff=("drop",), broadcasts=True)
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
    scores = np.matmul(q * scale, k.swapaxes(-1, -2))
    plain = mask is None or mask.dtype == bool
    harmless = plain and _harmless(scores)  # exp can neither overflow nor vanish: no maximum needs to be subtracted
    if causal:
        scores += np.where(_later(*scores.shape[-2:]), -np.inf, 0).astype(scores.dtype)
    if mask is not None:
        if mask.dtype == bool:
            mask = np.where(mask, 0, -np.inf).astype(scores.dtype)
        fits = np.broadcast_shapes(scores.shape, mask.shape) == scores.shape
        scores = np.add(scores, mask, out=scores) if fits else scores + mask
    if not harmless:
        top = np.maximum.reduce(scores, axis=-1, keepdims=True, initial=-np.inf)
        top[np.isneginf(top)] = 0
        np.subtract(scores, top, out=scores)
    raised = np.exp(scores, out=scores)
    total = np.matmul(raised, np.ones(raised.shape[-1], raised.dtype))[..., None]
    if causal or mask is not None:
        total[total == 0] = 1
    weights = raised if drop is None else raised * drop
    shape = (*np.broadcast_shapes(weights.shape[:-2], v.shape[:-2]), q.shape[-2], v.shape[-1])
    out = np.matmul(weights, v, out=_like_heads(shape, q.dtype))
    np.divide(out, total, out=out)
    return out, raised, total


def _attention_vjp(g, q, k, v, drop, out, raised, total, scale, needs):
    g = g / total
    weights = raised if drop is None else raised * drop
    dv = np.matmul(weights.swapaxes(-1, -2), g) if needs[2] else None
    if not (needs[0] or needs[1] or needs[3]):
        return None, None, dv, None, None
    ds = np.matmul(g, v.swapaxes(-1, -2))
    if drop is not None:
        ds *= drop
    ds -= np.add.reduce(g * out, axis=-1, keepdims=True)
    ds *= raised
    dq = dk = None
    if needs[0]:
        dq = np.matmul(ds, k, out=_like_heads((*ds.shape[:-1], k.shape[-1]), ds.dtype))
        dq *= scale
    if needs[1]:
        dk = np.matmul(ds.swapaxes(-1, -2), q * scale)
    return dq, dk, dv, ds, None


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
