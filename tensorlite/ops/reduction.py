"""Reductions: an axis (or several, or all) folded into one value."""

from __future__ import annotations

import numpy as np

from ..engine import broadcast_to, primitive
from .elementwise import exp
from .shape import reshape

ndarray = np.ndarray


def _axes(shape, dim):
    """``dim`` as a tuple of non-negative axes."""
    if dim is None:
        return tuple(range(len(shape)))
    dims = (dim,) if isinstance(dim, (int, np.integer)) else tuple(dim)
    return tuple([d % len(shape) if shape else 0 for d in dims]) or tuple(range(len(shape)))


def _spread(g, shape, dim, keepdim):
    """The gradient of a reduction, shaped to broadcast against its input."""
    if shape and not keepdim:
        axes = _axes(shape, dim)
        g = reshape(g, shape=tuple([1 if i in axes else n for i, n in enumerate(shape)]))
    return g


@primitive
def sum(x, *, dim=None, keepdim=False):
    """The sum over ``dim`` (an int, a tuple, or all dimensions)."""
    if x.dtype.kind in "bui":
        x = x.astype(np.int64)
    if not x.ndim:
        return x.copy()
    return np.add.reduce(x, axis=dim, keepdims=keepdim)


sum.vjp(x=lambda g, x_shape, dim, keepdim: broadcast_to(_spread(g, x_shape, dim, keepdim), shape=x_shape))


def _count(shape, dim):
    return int(np.prod([shape[a] for a in _axes(shape, dim)])) if shape else 1


@primitive
def mean(x, *, dim=None, keepdim=False):
    """The mean over ``dim`` (an int, a tuple, or all dimensions)."""
    if x.dtype.kind not in "fc":
        raise RuntimeError(
            f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {x.dtype}"
        )
    if not x.ndim:
        return x.copy()
    n = _count(x.shape, dim)
    total = np.add.reduce(x, axis=dim, keepdims=keepdim)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.divide(total, n) if total.ndim == 0 else np.divide(total, n, out=total)


mean.vjp(x=lambda g, x_shape, dim, keepdim: broadcast_to(
    _spread(g, x_shape, dim, keepdim) / _count(x_shape, dim), shape=x_shape))  # fmt: skip


def _extreme(name, reduce):
    def forward(x, *, dim=None, keepdim=False):
        return reduce(x, axis=dim, keepdims=keepdim)

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = f"``{name}`` over ``dim`` (an int, a tuple, or all); equal values share the gradient evenly."
    op = primitive(forward)

    def vjp(g, x, out, dim, keepdim):
        share = _ties(x, _spread(out, x.shape, dim, keepdim), dim=dim)
        return _spread(g, x.shape, dim, keepdim) * share

    op.vjp(x=vjp)
    return op


@primitive(differentiable=False)
def _ties(x, extreme, *, dim):
    """1 / (number of equal extremes) where ``x`` is one, else 0."""
    hit = (x == extreme) | (x != x)
    return (hit / np.add.reduce(hit, axis=dim, keepdims=True)).astype(x.dtype)


amax = _extreme("amax", np.max)
amin = _extreme("amin", np.min)


def _pick(name, arg):
    def forward(x, *, dim, keepdim=False):
        if not x.ndim:
            return x.copy(), np.zeros((), np.int64)
        indices = np.expand_dims(arg(x, axis=dim), dim)
        values = np.take_along_axis(x, indices, dim)
        return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = f"``{name.split('_')[0]}`` along ``dim`` and where it stands; the gradient goes to that one place."
    op = primitive(forward, outputs=("values", "indices"), constant=("indices",))
    op.vjp(x=lambda g, indices, x_shape, dim, keepdim: _unpick(g, indices, shape=x_shape, dim=dim, keepdim=keepdim))
    return op


max_dim = _pick("max_dim", np.argmax)
min_dim = _pick("min_dim", np.argmin)


@primitive(nondiff=("indices",))
def _unpick(g, indices, *, shape, dim, keepdim):
    """Zeros of ``shape`` with ``g`` at ``indices`` along ``dim``."""
    out = np.zeros(shape, g.dtype)
    if not shape:
        out[...] = g
        return out
    if not keepdim:
        g, indices = np.expand_dims(g, dim), np.expand_dims(indices, dim)
    np.put_along_axis(out, indices, g, dim)
    return out


@primitive(nondiff=("indices",))
def _repick(x, indices, *, dim, keepdim):
    """``x`` at ``indices`` along ``dim``: the adjoint of :func:`_unpick`."""
    if not x.ndim:
        return x.copy()
    out = np.take_along_axis(x, indices if keepdim else np.expand_dims(indices, dim), dim)
    return out if keepdim else out.squeeze(dim)


_unpick.vjp(g=lambda g, indices, dim, keepdim: _repick(g, indices, dim=dim, keepdim=keepdim))
_repick.vjp(x=lambda g, indices, x_shape, dim, keepdim: _unpick(g, indices, shape=x_shape, dim=dim, keepdim=keepdim))


@primitive(differentiable=False)
def argmax(x, *, dim=None, keepdim=False):
    """Where the maximum stands: in the flat tensor, or along ``dim``."""
    return np.argmax(x, axis=dim, keepdims=keepdim) if x.ndim else np.zeros((), np.int64)


@primitive(differentiable=False)
def argmin(x, *, dim=None, keepdim=False):
    """Where the minimum stands: in the flat tensor, or along ``dim``."""
    return np.argmin(x, axis=dim, keepdims=keepdim) if x.ndim else np.zeros((), np.int64)


@primitive(differentiable=False)
def all(x, *, dim=None, keepdim=False):
    """Whether every element is nonzero."""
    return np.all(x, axis=dim, keepdims=keepdim)


@primitive(differentiable=False)
def any(x, *, dim=None, keepdim=False):
    """Whether some element is nonzero."""
    return np.any(x, axis=dim, keepdims=keepdim)


@primitive(promote="float")
def logsumexp(x, *, dim, keepdim=False):
    """``log(sum(exp(x)))`` over ``dim`` without overflow."""
    top = np.max(x, axis=dim, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        out = np.log(np.sum(np.exp(x - top), axis=dim, keepdims=True)) + top
    return out if keepdim else out.squeeze(dim)


def _logsumexp_vjp(g, x, out, dim, keepdim):
    return _spread(g, x.shape, dim, keepdim) * exp(x - _spread(out, x.shape, dim, keepdim))


logsumexp.vjp(x=_logsumexp_vjp)
