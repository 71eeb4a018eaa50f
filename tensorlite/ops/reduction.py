"""Reductions: an axis (or several, or all) folded into one value."""

import math

import numpy as np

from .. import dtypes
from ..engine import broadcast_to, primitive, titled, unwrap
from .axes import axes_of, axis_of, normal_dim
from .blocks import _quiet
from .compare import part
from .elementwise import _bar, abs, exp, isnan, pow, sgn, where, zero
from .shape import reshape

ndarray = np.ndarray


def _spread(g, shape, dim, keepdim):
    """The gradient of a reduction, shaped to broadcast against its input."""
    if shape and not keepdim:
        axes = axes_of(dim, len(shape))
        g = reshape(g, shape=tuple([1 if i in axes else n for i, n in enumerate(shape)]))
    return g


def _count(shape, dim):
    """How many elements a reduction folds into one."""
    return math.prod([shape[a] for a in axes_of(dim, len(shape))])


def _need_float(name, x):
    if x.dtype.kind not in "fc":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {dtypes.of(x.dtype).title}"
        )


# -- sums ------------------------------------------------------------------------------------------


@primitive
def sum(x, *, dim=None, keepdim=False):
    """The sum over ``dim`` (an int, a tuple, or all dimensions); integers add up in int64.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.sum(tl.tensor([[1, 2], [3, 4]]), dim=0)
    tensor([4, 6])
    """
    if x.dtype.kind in "bui":
        x = x.astype(np.int64)
    if not x.ndim:
        axes_of(dim, 0)
        return x.copy()
    return np.add.reduce(x, axis=normal_dim(dim, x.ndim), keepdims=keepdim)


sum.vjp(x=lambda g, x_shape, dim, keepdim: broadcast_to(_spread(g, x_shape, dim, keepdim), shape=x_shape))


@primitive
def mean(x, *, dim=None, keepdim=False):
    """The mean over ``dim`` (an int, a tuple, or all dimensions).

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.mean(tl.tensor([1.0, 2.0, 6.0]))
    tensor(3.)
    """
    _need_float("mean", x)
    if not x.ndim:
        axes_of(dim, 0)
        return x.copy()
    dim = normal_dim(dim, x.ndim)
    total = np.add.reduce(x, axis=dim, keepdims=keepdim)
    n = x.size if dim is None else _count(x.shape, dim)
    if n == 0:
        return np.full(total.shape, np.nan, x.dtype)
    return np.divide(total, n) if total.__class__ is not ndarray or not total.ndim else np.divide(total, n, out=total)


def _mean_vjp(g, x_shape, dim, keepdim):
    return broadcast_to(_spread(g, x_shape, dim, keepdim) / max(_count(x_shape, dim), 1), shape=x_shape)


mean.vjp(x=_mean_vjp)


def nansum(input, dim=None, keepdim=False):
    """The sum over ``dim`` in which NaN counts as 0."""
    return sum(where(isnan(input), 0.0, input), dim=dim, keepdim=keepdim) if _floats(input) else sum(
        input, dim=dim, keepdim=keepdim)  # fmt: skip


def _floats(x):
    return unwrap(x).dtype.kind in "fc"


def nanmean(input, dim=None, keepdim=False):
    """The mean over ``dim`` of what is not NaN."""
    if not _floats(input):
        raise RuntimeError("nanmean(): expected input to have floating point or complex dtype but got "
                           f"{dtypes.of(unwrap(input).dtype).title}")  # fmt: skip
    total = nansum(input, dim, keepdim)
    return total / sum(isnan(input) == False, dim=dim, keepdim=keepdim)  # noqa: E712


# -- spread ----------------------------------------------------------------------------------------


@primitive
@_quiet
def var(x, *, dim=None, correction=1, keepdim=False):
    """The variance over ``dim``: squared deviations over ``n - correction``."""
    if x.dtype.kind not in "fc":
        raise RuntimeError(
            f"std and var only support floating point and complex dtypes, but got {dtypes.of(x.dtype).title}"
        )
    if x.dtype.char == "e":  # squares of float16 overflow
        return var(x.astype(np.float32), dim=dim, correction=correction, keepdim=keepdim).astype(x.dtype)
    axis = normal_dim(dim, x.ndim)
    n = _count(x.shape, dim)
    deviation = x - (np.add.reduce(x, axis=axis, keepdims=True) / max(n, 1) if x.ndim else x)
    squares = np.square(deviation.real) + np.square(deviation.imag) if x.dtype.kind == "c" else (
        np.multiply(deviation, deviation, out=deviation) if x.ndim else deviation * deviation)  # fmt: skip
    total = np.add.reduce(squares, axis=axis, keepdims=keepdim) if x.ndim else squares
    with np.errstate(all="ignore"):
        return np.divide(total, total.dtype.type(max(n - correction, 0)))


def _var_vjp(g, x, dim, correction, keepdim):
    n = _count(x.shape, dim)
    free = max(n - correction, 0)
    scale = 2.0 / free if free else math.nan
    return (_spread(g, x.shape, dim, keepdim) * scale) * (x - mean(x, dim=dim, keepdim=True))


var.vjp(x=_var_vjp)


@primitive
def std(x, *, dim=None, correction=1, keepdim=False):
    """The square root of :func:`var`; gradient 0 where it is 0."""
    if x.dtype.char == "e":
        return np.sqrt(var(x.astype(np.float32), dim=dim, correction=correction, keepdim=keepdim)).astype(x.dtype)
    return np.sqrt(var(x, dim=dim, correction=correction, keepdim=keepdim))


def _std_vjp(g, x, out, dim, correction, keepdim):
    flat = out == 0
    return _var_vjp(where(flat, 0.0, g / (2 * where(flat, 1.0, out))), x, dim, correction, keepdim)


std.vjp(x=_std_vjp)


def var_mean(input, dim=None, *, correction=1, keepdim=False):
    """The variance and the mean over ``dim``."""
    return (var(input, dim=dim, correction=correction, keepdim=keepdim), mean(input, dim=dim, keepdim=keepdim))


def std_mean(input, dim=None, *, correction=1, keepdim=False):
    """The standard deviation and the mean over ``dim``."""
    return (std(input, dim=dim, correction=correction, keepdim=keepdim), mean(input, dim=dim, keepdim=keepdim))


# -- products --------------------------------------------------------------------------------------


@primitive
def prod(x, *, dim=None, keepdim=False):
    """The product over ``dim`` (one dimension, or all); integers multiply in int64."""
    if x.dtype.kind in "bui":
        x = x.astype(np.int64)
    if not x.ndim:
        axes_of(dim, 0)
        return x.copy()
    return np.multiply.reduce(x, axis=normal_dim(dim, x.ndim), keepdims=keepdim)


def _prod_vjp(g, x, out, dim, keepdim):
    g, out = _spread(g, x.shape, dim, keepdim), _spread(out, x.shape, dim, keepdim)
    if no_zero(x):
        return g * _bar(out / x)
    if dim is None:
        line = reshape(x, shape=(-1,))
        return g * _bar(reshape(_others(line, 0), shape=x.shape))
    return g * _bar(_others(x, axis_of(dim, len(x.shape))))


def no_zero(x):
    """Whether no element is zero."""
    x = unwrap(x)
    return bool((x != 0).all())


def _others(x, dim):
    """For each element the product of the others along ``dim``: those before times those after."""
    from .scan import cumprod
    from .shape import cat, flip, narrow

    n = x.shape[dim] if x.shape else 1
    if n < 2:
        return x * 0 + 1
    one = narrow(x, dim=dim, start=0, stop=1) * 0 + 1
    before = cumprod(cat(one, narrow(x, dim=dim, start=0, stop=n - 1), dim=dim), dim=dim)
    after = flip(
        cumprod(cat(one, flip(narrow(x, dim=dim, start=1, stop=n), dims=(dim,)), dim=dim), dim=dim), dims=(dim,)
    )
    return before * after


prod.vjp(x=_prod_vjp)

# -- extremes --------------------------------------------------------------------------------------


def _need_elements(name, shape, dim):
    """Reductions without a neutral element refuse empty dimensions."""
    for a in axes_of(dim, len(shape)):
        if shape[a] == 0:
            if dim is None or dim == ():
                raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                                   "reduction dim with the 'dim' argument.")  # fmt: skip
            raise IndexError(f"{name}(): Expected reduction dim {a} to have non-zero size.")


def _extreme(name, reduce):
    @titled(name, f"``{name}`` over ``dim`` (an int, a tuple, or all); equal values share the gradient evenly.")
    def forward(x, *, dim=None, keepdim=False):
        if not x.ndim:
            axes_of(dim, 0)
            return x.copy()
        if not x.size:
            _need_elements(name, x.shape, dim)
        if x.dtype.kind == "c":
            raise NotImplementedError(f"\"{name[1:]}_values_cpu\" not implemented for '{dtypes.of(x.dtype).title}'")
        return reduce(x, axis=normal_dim(dim, x.ndim), keepdims=keepdim)

    op = primitive(forward)

    def vjp(g, x, out, dim, keepdim):
        share = _ties(x, _spread(out, x.shape, dim, keepdim), dim=dim)
        return part(_spread(g, x.shape, dim, keepdim), share)

    op.vjp(x=vjp)
    return op


@primitive(differentiable=False)
def _ties(x, extreme, *, dim):
    """1 / (number of equal extremes) where ``x`` is one, else 0."""
    hit = (x == extreme) | ((x != x) & (extreme != extreme))
    if not x.ndim:
        return np.asarray(hit).astype(x.dtype)
    return (hit / np.add.reduce(hit, axis=normal_dim(dim, x.ndim), keepdims=True)).astype(x.dtype)


amax = _extreme("amax", np.maximum.reduce)
amin = _extreme("amin", np.minimum.reduce)


def aminmax(input, *, dim=None, keepdim=False):
    """The smallest and the largest value."""
    return amin(input, dim=dim, keepdim=keepdim), amax(input, dim=dim, keepdim=keepdim)


def _pick(name, arg):
    short = name.split("_")[0]

    @titled(name, f"``{short}`` along ``dim`` and where it stands; the gradient goes to that one place.")
    def forward(x, *, dim, keepdim=False):
        axis = axis_of(dim, x.ndim)
        if not x.ndim:
            return x.copy(), np.zeros((), np.int64)
        if not x.shape[axis]:
            _need_elements(short, x.shape, axis)
        indices = arg(x, axis=axis, keepdims=True)
        values = np.take_along_axis(x, indices, axis)
        return (values, indices) if keepdim else (values.squeeze(axis), indices.squeeze(axis))

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


def _arg(name, arg):
    @titled(name, f"Where the {name[3:]}imum stands: in the flat tensor, or along ``dim``.")
    def forward(x, *, dim=None, keepdim=False):
        if dim is not None:
            dim = axis_of(dim, x.ndim)
        if not x.ndim:
            return np.zeros((), np.int64)
        if not x.size and dim is None:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        if not x.size:
            _need_elements(name, x.shape, dim)
        if x.dtype.kind in "bc":
            raise RuntimeError(f"{name}(): does not support {'bool' if x.dtype.kind == 'b' else 'complex'} input")
        return arg(x, axis=dim, keepdims=keepdim)

    return primitive(forward, differentiable=False)


argmax = _arg("argmax", np.argmax)
argmin = _arg("argmin", np.argmin)

# -- truth and counts ------------------------------------------------------------------------------


def _truth(name, reduce, doc):
    @titled(name, doc)
    def forward(x, *, dim=None, keepdim=False):
        if not x.ndim:
            axes_of(dim, 0)
        # no dimension at all: unlike sums, the truth of every element
        out = np.not_equal(x, 0) if dim == () else reduce(x, axis=normal_dim(dim, x.ndim), keepdims=keepdim)
        return np.asarray(out, np.uint8) if x.dtype == np.uint8 else out

    return primitive(forward, differentiable=False)


all = _truth("all", np.all, "Whether every element is nonzero.")
any = _truth("any", np.any, "Whether some element is nonzero.")


@primitive(differentiable=False)
def count_nonzero(x, *, dim=None):
    """How many elements are nonzero."""
    return np.asarray(np.count_nonzero(x, axis=normal_dim(dim, x.ndim)), np.int64)


# -- logarithms and norms --------------------------------------------------------------------------


@primitive(promote="float")
def logsumexp(x, *, dim, keepdim=False):
    """``log(sum(exp(x)))`` over ``dim`` without overflow."""
    if not x.ndim:
        axes_of(dim, 0)
        return x.copy()
    axes = axes_of(dim, x.ndim)
    top = np.maximum.reduce(x.real, axis=axes, keepdims=True, initial=-np.inf)
    top[~np.isfinite(top)] = 0
    with np.errstate(all="ignore"):
        e = np.subtract(x, top)
        np.exp(e, out=e)
        out = np.add.reduce(e, axis=axes, keepdims=True)
        np.log(out, out=out)
        out += top
    return out if keepdim else out.squeeze(axes)


def _logsumexp_vjp(g, x, out, dim, keepdim):
    out = _spread(out, x.shape, dim, keepdim)
    return _spread(g, x.shape, dim, keepdim) * _bar(exp(x - where(out == -math.inf, 0.0, out)))


logsumexp.vjp(x=_logsumexp_vjp)


@primitive
def vector_norm(x, *, ord=2, dim=None, keepdim=False):
    """``sum(|x|**ord) ** (1 / ord)`` over ``dim``; the largest or smallest ``|x|`` for an infinite ``ord``."""
    if x.dtype.kind not in "fc":
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                           f"{dtypes.of(x.dtype).title}")  # fmt: skip
    if x.dtype.char == "e":
        return np.asarray(vector_norm(x.astype(np.float32), ord=ord, dim=dim, keepdim=keepdim)).astype(x.dtype)
    if not x.ndim:
        axes_of(dim, 0)
        return np.abs(x) if ord else (x != 0).astype(x.real.dtype)
    axis = normal_dim(dim, x.ndim)
    if ord == 2:
        if x.dtype.kind == "f" and axis is None:
            line = x.reshape(-1)
            total = line.dot(line)
            if not keepdim and 1e-30 < total < np.finfo(x.dtype).max:
                return np.sqrt(total)
        size = np.abs(x) if x.dtype.kind == "c" else x
        return np.sqrt(np.add.reduce(np.multiply(size, size), axis=axis, keepdims=keepdim))
    size = np.abs(x)
    if ord == math.inf or ord == -math.inf:
        if not x.size:
            if ord > 0 and all_nonempty(x.shape, dim) is False:
                raise RuntimeError("linalg.vector_norm cannot compute the inf norm on an empty tensor because the "
                                   "operation does not have an identity")  # fmt: skip
        return (np.maximum if ord > 0 else np.minimum).reduce(size, axis=axis, keepdims=keepdim)
    if ord == 1:
        return np.add.reduce(size, axis=axis, keepdims=keepdim)
    if ord == 0:
        return np.add.reduce(size != 0, axis=axis, keepdims=keepdim, dtype=size.dtype)
    with np.errstate(all="ignore"):
        return np.power(np.add.reduce(np.power(size, ord), axis=axis, keepdims=keepdim), 1.0 / ord)


def all_nonempty(shape, dim):
    """Whether no reduced dimension is empty."""
    return not [a for a in axes_of(dim, len(shape)) if shape[a] == 0]


def _norm_vjp(g, x, out, ord, dim, keepdim):
    g, out = _spread(g, x.shape, dim, keepdim), _spread(out, x.shape, dim, keepdim)
    if ord == 0:
        return zero(x)
    if ord == 1:
        return g * sgn(x)
    still = out == 0
    safe = where(still, 1.0, out)
    if ord == 2:
        return x * where(still, 0.0, g / safe)
    if ord == math.inf or ord == -math.inf:
        return sgn(x) * (g * _ties(abs(x), out, dim=dim))
    size = abs(x)
    if ord < 2:
        slope = sgn(x) * where(size == 0, 0.0, pow(where(size == 0, 1.0, size), ord - 1))
    else:
        slope = x * pow(size, ord - 2)
    return slope * where(still, 0.0, g * pow(safe, 1 - ord))


vector_norm.vjp(x=_norm_vjp)
