"""Losses: logits or predictions and targets in, one number (or one per element) out.

Cross-entropy is one primitive from logits to the loss. It works on rows ``(samples, classes)`` in blocks that
stay in cache, keeps the logits and one logarithm per row, and has one gradient, ``softmax - target``.
"""

import functools

import numpy as np

from .. import dtypes
from ..engine import primitive
from ..mistakes.losses import out_of_range
from .activation import log_softmax
from .blocks import _quiet, ones
from .elementwise import abs, where
from .indexing import take_index
from .reduction import mean, sum
from .shape import permute, reshape

ndarray = np.ndarray

_BLOCK = 1 << 15  # elements of a block of rows
_SIGNED, _UNSIGNED = np.dtype(np.int64), np.dtype(np.uint64)


def reduce(loss, reduction):
    """``loss`` as it is ('none'), its mean or its sum."""
    if reduction == "mean":
        return mean(loss)
    if reduction == "sum":
        return sum(loss)
    if reduction == "none":
        return loss
    raise ValueError(f"{reduction} is not a valid value for reduction")


def _inexact(x, name):
    if x.dtype.kind not in "f":
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{dtypes.of(x.dtype).title}'")


# -- squares and absolute values -------------------------------------------------------------------


@primitive(promote="same")
def mse_loss(a, b, *, reduction="mean"):
    """``(a - b)**2``, reduced; equal shapes."""
    _inexact(a, "mse")
    d = np.subtract(a, b)
    if reduction == "none":
        return np.multiply(d, d)
    d = d.reshape(-1)
    total = np.add.reduce(np.multiply(d, d, out=d))
    return total if reduction == "sum" else _mean(total, d.size)


def _mse_vjp(g, a, b, reduction):
    if reduction == "mean":
        return (a - b) * (g * (2 / max(a.size if a.__class__ is ndarray else a.numel(), 1)))
    return (a - b) * (2 * g)


mse_loss.vjp(a=_mse_vjp, b=lambda g, a, b, reduction: _mse_vjp(g, b, a, reduction))


@primitive(promote="same", broadcasts=True)
def smooth_l1(a, b, *, beta):
    """``d**2 / (2 beta)`` where ``d = abs(a - b)`` is below ``beta``, else ``d - beta / 2``."""
    _inexact(a, "smooth_l1")
    d = np.abs(np.subtract(a, b))
    return np.where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta)


@primitive(promote="same", broadcasts=True)
def huber(a, b, *, delta):
    """``d**2 / 2`` where ``d = abs(a - b)`` is at most ``delta``, else ``delta * (d - delta / 2)``."""
    _inexact(a, "huber")
    d = np.abs(np.subtract(a, b))
    return np.where(d <= delta, d * d * 0.5, (d - 0.5 * delta) * delta)


def _slope(a, b, width, height):
    """The derivative with respect to ``a``: a ramp between ``-height`` and ``height``."""
    d = a - b
    return where(abs(d) < width, d * (height / width), where(d > 0, height, -height))


smooth_l1.vjp(
    a=lambda g, a, b, beta: g * _slope(a, b, beta, 1.0),
    b=lambda g, a, b, beta: g * _slope(b, a, beta, 1.0),
)
huber.vjp(
    a=lambda g, a, b, delta: g * _slope(a, b, delta, float(delta)),
    b=lambda g, a, b, delta: g * _slope(b, a, delta, float(delta)),
)

# -- probabilities of two classes ------------------------------------------------------------------


@primitive(promote="same")
@_quiet
def binary_cross_entropy(p, y):
    """``-(y log p + (1 - y) log(1 - p))``, each logarithm at least -100."""
    if not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError("all elements of input should be between 0 and 1")
    low = p.dtype.type(-100)
    return (y - 1) * np.maximum(np.log1p(-p), low) - y * np.maximum(np.log(p), low)


def _bce_p(g, p, y):
    spread = (1 - p) * p
    return g * (p - y) / where(spread > 1e-12, spread, 1e-12)


@primitive
@_quiet
def log_odds(p):
    """``log(1 - p) - log(p)``, each logarithm at least -100."""
    low = p.dtype.type(-100)
    return np.maximum(np.log1p(-p), low) - np.maximum(np.log(p), low)


log_odds.vjp(p=lambda g, p: g / ((p - 1) * p))
binary_cross_entropy.vjp(p=_bce_p, y=lambda g, p: g * log_odds(p))


@primitive(promote="same")
def bce_with_logits(x, y):
    """``(1 - y) x - log(sigmoid(x))``: binary cross-entropy of ``sigmoid(x)``, without overflow."""
    _inexact(x, "log_sigmoid")
    out = np.abs(x)
    out = np.negative(out)
    out = np.exp(out)
    out = np.log1p(out)
    return x * (1 - y) + np.maximum(-x, 0) + out


def _bce_logits_x(g, x, y):
    from .elementwise import sigmoid

    return g * (sigmoid(x) - y)


bce_with_logits.vjp(x=_bce_logits_x, y=lambda g, x: -g * x)

# -- classes ---------------------------------------------------------------------------------------


def rows_of(x):
    """Scores ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)`` as rows ``(samples, C)``."""
    if x.ndim == 2:
        return x
    if x.ndim == 1:
        return x.reshape(1, -1)
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)).reshape(-1, x.shape[1])


def _unrows(rows, shape):
    """Rows back in the shape of the scores that they come from."""
    if len(shape) <= 2:
        return rows.reshape(shape)
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


def labels_of(target, classes, ignore_index):
    """Flat labels, checked, and where they count (None: everywhere).

    Raises
    ------
    IndexError
        For a label that is neither a class nor ``ignore_index``.
    """
    t = target if target.ndim == 1 else target.reshape(-1)
    if t.dtype != _SIGNED:
        t = t.astype(_SIGNED)
    unsigned = t.view(_UNSIGNED)  # negative labels become the largest numbers
    if not 0 <= ignore_index < classes and (not t.size or np.maximum.reduce(unsigned) < classes):
        return t, None
    wrong = unsigned >= classes
    counts = t != ignore_index
    wrong &= counts
    if wrong.any():
        label = int(t[wrong.argmax()])
        message = f"Target {label} is out of bounds. The scores are for {classes} classes, labels 0 to {classes - 1}."
        raise IndexError(out_of_range(message, t, classes, ignore_index))
    return np.where(counts, t, 0), counts


def _importance(t, counts, weight, dtype):
    """One factor per sample, or None where all are 1."""
    if weight is None:
        return None if counts is None else counts.astype(dtype)
    return weight[t] if counts is None else weight[t] * counts


#: Sums of exponentials up to here are used as they are: their inverses are far from the smallest numbers.
_MODERATE = 1e15


def _row_sums(x, picked):
    """``shift`` and ``sum(exp(x - shift))`` of each row, in blocks of rows that stay in cache."""
    n, c = x.shape
    size = max(1, _BLOCK // max(c, 1))
    if n <= size:
        return _block_sums(x, picked)
    shift, total = np.empty(n, x.dtype), np.empty(n, x.dtype)
    for i in range(0, n, size):
        s = slice(i, i + size)
        shift[s], total[s] = _block_sums(x[s], picked[s])
    return shift, total


def _block_sums(x, picked):
    """The shift is the picked score where no other exceeds it by far, else the row's largest, which NumPy finds slowly.

    Either way a small loss is exact: its sum is near 1.
    """
    if x.dtype.char in "fd" and x.size:
        z = np.subtract(x, picked[:, None])
        total = np.exp(z, out=z).dot(ones(x.shape[1], x.dtype))
        if total.dot(ones(len(total), x.dtype)) < _MODERATE:
            return picked, total
    shift = np.maximum.reduce(x, axis=1)
    z = np.subtract(x, shift[:, None])
    return shift, np.add.reduce(np.exp(z, out=z), axis=1)


@functools.lru_cache(maxsize=32)
def _starts(n, classes):
    """Where each of ``n`` rows begins in their flat array."""
    starts = np.arange(0, n * classes, max(classes, 1))
    starts.flags.writeable = False
    return starts


def _places(t, classes):
    """Where ``rows[i, t[i]]`` stands in the flat array of the rows."""
    return _starts(t.size, classes) + t


def _mean(total, count):
    return np.array(total.item() / count if count else np.nan, total.dtype)


@primitive(
    outputs=("loss", "shift", "total", "known"), constant=("shift", "total", "known"), nondiff=("target", "weight")
)
@_quiet
def cross_entropy(x, target, weight=None, *, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """``-log(softmax(x)[target])`` from logits ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)`` and class indices."""
    rows = rows_of(x)
    n, c = rows.shape
    t, counts = labels_of(target, c, ignore_index)
    factor = _importance(t, counts, weight, x.dtype)
    at = _places(t, c)
    picked = rows.reshape(-1)[at]
    shift, total = _row_sums(rows, picked)
    known = at if factor is None else at[:0]
    loss = np.log(total)
    if shift is not picked:
        loss += shift - picked
    if factor is not None:
        loss *= factor
    if label_smoothing:
        lse = np.log(total) + shift
        smooth = lse * c - np.add.reduce(rows, axis=1) if weight is None else lse * weight.sum() - rows @ weight
        if counts is not None:
            smooth *= counts
        loss = loss * (1 - label_smoothing) + smooth * (label_smoothing / c)
    if counts is not None:
        loss[~counts] = 0  # also where the scores are not finite
    if reduction == "none":
        return loss.reshape(target.shape), shift, total, known
    value = np.add.reduce(loss)
    if reduction == "mean":
        value = _mean(value, n) if factor is None else value / np.add.reduce(factor)
    return value, shift, total, known


def _shares(x, shift, scale, out):
    np.subtract(x, shift, out=out)
    np.exp(out, out=out)
    np.multiply(out, scale, out=out)


def _cross_entropy_vjp(g, x, target, weight, shift, total, known, ignore_index, reduction, label_smoothing):
    rows = rows_of(x)
    n, c = rows.shape
    at, counts, factor = known, None, None  # the places of the labels, where all of them count alike
    if len(at) != n:
        t, counts = labels_of(target, c, ignore_index)
        factor = _importance(t, counts, weight, x.dtype)
        at = _places(t, c)
    if reduction == "none":
        g = g.reshape(-1)
    elif reduction == "mean":
        g = _mean(g, n) if factor is None else g / np.add.reduce(factor)
    at_target = g if factor is None else g * factor
    everywhere = at_target
    if label_smoothing:
        spread = g * (label_smoothing / c)
        spread = spread if counts is None else spread * counts
        at_target = at_target * (1 - label_smoothing)
        everywhere = at_target + spread * (c if weight is None else weight.sum())
        if counts is not None:
            spread = np.where(counts, spread, 0)
    if counts is not None:  # labels that do not count give 0, also where the mean over none of them is NaN
        at_target, everywhere = np.where(counts, at_target, 0), np.where(counts, everywhere, 0)
    shift, scale = shift[:, None], np.divide(everywhere, total)[:, None]
    out = np.empty((n, c), x.dtype)
    size = max(1, _BLOCK // max(c, 1))
    if n <= size:
        _shares(rows, shift, scale, out)
    else:
        for i in range(0, n, size):
            s = slice(i, i + size)
            _shares(rows[s], shift[s], scale[s], out[s])
    out.reshape(-1)[at] -= at_target
    if label_smoothing:
        spread = spread[:, None] if spread.ndim else spread
        out -= spread if weight is None else spread * weight
    return out if rows is x else _unrows(out, x.shape)


def _cross_entropy_plain(x, target, weight=None, *, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    shape = x.shape
    logp = log_softmax(x, dim=1 if len(shape) > 1 else 0)
    loss = nll_loss(logp, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    raw = getattr(target, "_data", target)
    w = getattr(weight, "_data", weight)
    counts = raw.reshape(-1) != ignore_index
    flat = _plain_rows(logp, shape)
    smooth = -sum(flat if w is None else flat * w, dim=1) * counts.astype(logp._data.dtype)
    if reduction == "none":
        smooth = reshape(smooth, shape=raw.shape)
    else:
        smooth = sum(smooth)
        if reduction == "mean":
            t = np.where(counts, raw.reshape(-1), 0)
            smooth = smooth / float((counts if w is None else w[t] * counts).sum())
    return loss * (1 - label_smoothing) + smooth * (label_smoothing / flat.shape[1])


cross_entropy.reference(_cross_entropy_plain)
cross_entropy.vjp(x=_cross_entropy_vjp)


def _plain_rows(x, shape):
    """:func:`rows_of` in recorded operations."""
    if len(shape) <= 2:
        return reshape(x, shape=(-1, shape[-1]))
    dims = (0, *range(2, len(shape)), 1)
    return reshape(permute(x, dims=dims), shape=(-1, shape[1]))


def nll_loss(logp, target, weight=None, *, ignore_index=-100, reduction="mean"):
    """``-logp[target]`` from log-probabilities ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)`` and class indices."""
    raw = getattr(target, "_data", target)
    w = getattr(weight, "_data", weight)
    shape = tuple(logp.shape)
    rows = _plain_rows(logp, shape)
    n, c = rows.shape
    t, counts = labels_of(raw, c, ignore_index)
    factor = _importance(t, counts, w, getattr(logp, "_data", logp).dtype)
    loss = -take_index(rows, index=(np.arange(n), t.copy()))  # the tape keeps it; ``target`` may change
    if factor is not None:
        loss = where(factor == 0, 0.0, loss * factor)
    if reduction == "none":
        return reshape(loss, shape=raw.shape)
    total = sum(loss)
    if reduction == "sum":
        return total
    if factor is None:
        return total / float(n) if n else total * float("nan")
    count = float(factor.sum())
    return total / count if count else total * float("nan")
