"""Cumulative operations: running sums, products and extremes, differences, trapezoids."""

import math

import numpy as np

from .. import dtypes
from ..engine import cast, clone, primitive, titled, unwrap
from .axes import axis_of, integers
from .compare import part
from .elementwise import _bar, exp, log, ne, where
from .reduction import no_zero, sum
from .shape import cat, flip, narrow


def _running(x, dim):
    """``x`` ready for a running sum along a checked axis; the axis is None for a zero-dimensional ``x``."""
    axis = axis_of(dim, x.ndim)
    if x.dtype.kind in "bui":
        x = x.astype(np.int64)
    return x, axis if x.ndim else None


@primitive
def cumsum(x, *, dim):
    """The running sum along ``dim``; integers add up in int64.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.cumsum(tl.tensor([1, 2, 3]), dim=0)
    tensor([1, 3, 6])
    """
    x, axis = _running(x, dim)
    return x.copy() if axis is None else np.add.accumulate(x, axis=axis)


cumsum.vjp(x=lambda g, dim: _sum_from(g, dim=dim))


def _back(axis):
    return (slice(None),) * axis + (slice(None, None, -1),)


@primitive
def _sum_from(x, *, dim):
    """The sum from each place to the end of ``dim``: the adjoint of :func:`cumsum`."""
    x, axis = _running(x, dim)
    return x.copy() if axis is None else np.add.accumulate(x[_back(axis)], axis=axis)[_back(axis)]


_sum_from.vjp(x=lambda g, dim: cumsum(g, dim=dim))


@primitive
def cumprod(x, *, dim):
    """The running product along ``dim``; integers multiply in int64."""
    x, axis = _running(x, dim)
    return x.copy() if axis is None else np.multiply.accumulate(x, axis=axis)


def _cumprod_vjp(g, x, out, dim):
    """With zeros, ``grad[k] = prod(x[:k]) * s[k]``, where ``s[k] = g[k] + x[k+1] * s[k+1]``."""
    if not len(x.shape):
        return g
    axis, x = axis_of(dim, len(x.shape)), _bar(x)
    if no_zero(x):
        return _sum_from(g * _bar(out), dim=dim) / x
    n = x.shape[axis]
    one = narrow(x, dim=axis, start=0, stop=1) * 0 + 1
    before = cat(one, narrow(_bar(out), dim=axis, start=0, stop=n - 1), dim=axis)
    return before * flip(recur(flip(g, dims=(axis,)), _delay(flip(x, dims=(axis,)), axis), dim=axis), dims=(axis,))


cumprod.vjp(x=_cumprod_vjp)


def _delay(x, axis):
    """``x`` shifted one place along ``axis``, 0 first."""
    n = x.shape[axis]
    first = narrow(x, dim=axis, start=0, stop=1) * 0
    return cat(first, narrow(x, dim=axis, start=0, stop=n - 1), dim=axis)


@primitive
def recur(x, a, *, dim):
    """The linear recurrence ``y[k] = x[k] + a[k] * y[k-1]`` along ``dim``."""
    out = np.moveaxis(np.array(x), dim, 0)
    a = np.moveaxis(a, dim, 0)
    for k in range(1, len(out)):
        out[k] += a[k] * out[k - 1]
    return np.moveaxis(out, 0, dim)


def _recur_x(g, a, dim):
    """The same recurrence backwards, with ``a`` one place ahead."""
    return flip(recur(flip(g, dims=(dim,)), _delay(flip(_bar(a), dims=(dim,)), dim), dim=dim), dims=(dim,))


recur.vjp(x=_recur_x, a=lambda g, a, out, dim: _recur_x(g, a, dim) * _bar(_delay(out, dim)))


@primitive(promote="float")
def logcumsumexp(x, *, dim):
    """``log(cumsum(exp(x)))`` along ``dim`` without overflow."""
    axis = axis_of(dim, x.ndim)
    if not x.ndim:
        return x.copy()
    with np.errstate(all="ignore"):
        return np.logaddexp.accumulate(x, axis=axis)


def _logcumsumexp_vjp(g, x, out, dim):
    if not len(x.shape):
        return g
    dims = (axis_of(dim, len(x.shape)),)
    if g.__class__ is np.ndarray and x.dtype.itemsize < 8:  # differences of logarithms lose digits
        g, x = g.astype(np.float64), x.astype(np.float64)
        out = logcumsumexp(x, dim=dim)

    def part(h):  # positive and negative gradients apart, in logarithms
        weight = where(h > 0, log(where(h > 0, h, 1.0)), -math.inf) - out
        return exp(flip(logcumsumexp(flip(weight, dims=dims), dim=dim), dims=dims) + x)

    return part(g) - part(-g)


logcumsumexp.vjp(x=_logcumsumexp_vjp)


@logcumsumexp.reference
def _plain_logcumsumexp(x, *, dim):
    top = _largest(x)
    return log(cumsum(exp(x - top), dim=dim)) + top


def _largest(x):
    """The largest finite value, as a constant."""
    a = unwrap(x)
    return a.dtype.type(np.max(a, initial=-np.inf, where=np.isfinite(a))) if np.isfinite(a).any() else a.dtype.type(0)


def _running_extreme(name, ufunc, beats):
    @titled(name, f"The {beats} value so far along ``dim`` and where it stands (the last of equal ones).")
    def forward(x, *, dim):
        axis = axis_of(dim, x.ndim)
        if not x.ndim:
            return x.copy(), np.zeros((), np.int64)
        values = ufunc.accumulate(x, axis=axis)
        places = np.arange(x.shape[axis]).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        reached = (x == values) | (x != x)
        return values, np.maximum.accumulate(np.where(reached, places, 0), axis=axis)

    op = primitive(forward, outputs=("values", "indices"), constant=("indices",))
    op.vjp(x=lambda g, indices, dim: _scatter_sum(g, indices, dim=dim))
    return op


def _scatter_sum(g, indices, *, dim):
    from .scatter import scatter_add

    return scatter_add(part(g, 0.0), indices, g, dim=dim)


cummax = _running_extreme("cummax", np.maximum, "largest")
cummin = _running_extreme("cummin", np.minimum, "smallest")


# -- differences and integrals ---------------------------------------------------------------------


def diff(input, n=1, dim=-1, prepend=None, append=None):
    """The ``n``-th difference of neighbours along ``dim``; for bools whether they differ.

    Raises
    ------
    RuntimeError
        For a negative ``n`` or a zero-dimensional input.
    """
    ndim = len(input.shape)
    if not ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = axis_of(dim, ndim)
    if not n:
        return clone(input)
    joined = [t for t in (prepend, input, append) if t is not None]
    if len(joined) > 1:
        input = cat(*joined, dim=dim)
    for _ in range(min(n, input.shape[dim])):
        size = input.shape[dim]
        late = narrow(input, dim=dim, start=1, stop=size)
        early = narrow(input, dim=dim, start=0, stop=max(size - 1, 0))
        input = ne(late, early) if unwrap(input).dtype == bool else late - early
    return input


def _pairs(y, dim):
    """Neighbours along ``dim`` added up."""
    n = y.shape[dim]
    return narrow(y, dim=dim, start=1, stop=n) + narrow(y, dim=dim, start=0, stop=max(n - 1, 0))


def _widths(y, x, dim):
    """The distances of the points ``x``, to multiply with what belongs to pairs of ``y`` along ``dim``."""
    from .shape import reshape

    if len(x.shape) == 1:
        if x.shape[0] != y.shape[dim]:
            raise RuntimeError("There must be one `x` value for each sample point")
        x = reshape(x, shape=tuple([-1 if i == dim else 1 for i in range(len(y.shape))]))
    return diff(x, dim=dim - len(y.shape))


def trapezoid(y, x=None, *, dx=1, dim=-1):
    """The integral of samples ``y`` along ``dim`` by the trapezoidal rule, at points ``x`` or ``dx`` apart."""
    dim = _samples(y, x, dim)
    if x is None:
        return sum(_pairs(y, dim), dim=dim) * (dx / 2.0)
    return sum(_pairs(y, dim) * _widths(y, x, dim), dim=dim) / 2.0


def cumulative_trapezoid(y, x=None, *, dx=1, dim=-1):
    """The running integral of samples ``y`` along ``dim`` by the trapezoidal rule."""
    dim = _samples(y, x, dim)
    if x is None:
        return cumsum(_pairs(y, dim) * (dx / 2.0), dim=dim)
    return cumsum(_pairs(y, dim) * _widths(y, x, dim), dim=dim) / 2.0


def _samples(y, x, dim):
    for name, t in (("y", y), ("x", x)):
        if t is not None and unwrap(t).dtype == bool:
            raise RuntimeError(f"trapezoid: received a bool input for {name}, but bool is not supported")
    return axis_of(dim, len(y.shape))


def gradient(input, *, spacing=1, dim=None, edge_order=1):
    """Derivatives of samples by central differences, one-sided at the edges: a list, one per dimension.

    Parameters
    ----------
    input : Tensor
    spacing : number, sequence of numbers or of vectors
        The distance of samples, for all dimensions or for each; or the samples' coordinates.
    dim : int or sequence of int, optional
        By default all.
    edge_order : {1, 2}
        How many neighbours the edges use.

    Raises
    ------
    RuntimeError
        If a dimension has too few samples or the spacings do not fit.
    """
    ndim = len(input.shape)
    spacing = 1 if spacing is None else spacing
    dims = range(ndim) if dim is None else integers(dim)
    dims = [axis_of(d, ndim) for d in dims]
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    steps = list(spacing) if isinstance(spacing, (tuple, list)) else [spacing] * len(dims)
    if len(steps) != len(dims):
        raise RuntimeError(f"torch.gradient expected spacing to be unspecified, a scalar, or a list of length {len(dims)}, but got "
                           f"a list of length {len(steps)}")  # fmt: skip
    return tuple(_slope(input, d, unwrap(h), edge_order) for d, h in zip(dims, steps))


def _slope(x, axis, step, order):
    n = x.shape[axis]
    if n < order + 1:
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    gaps = np.diff(step) if np.ndim(step) else np.full(n - 1, float(step))
    matrix = np.zeros((n, n))  # rows weigh the samples for one derivative
    for i in range(1, n - 1):
        a, b = gaps[i - 1], gaps[i]
        matrix[i, i - 1 : i + 2] = -b / (a * (a + b)), (b - a) / (a * b), a / (b * (a + b))
    if order == 1:
        matrix[0, :2] = -1 / gaps[0], 1 / gaps[0]
        matrix[-1, -2:] = -1 / gaps[-1], 1 / gaps[-1]
    else:
        a, b = gaps[0], gaps[1]
        matrix[0, :3] = -(2 * a + b) / (a * (a + b)), (a + b) / (a * b), -a / (b * (a + b))
        a, b = gaps[-2], gaps[-1]
        matrix[-1, -3:] = b / (a * (a + b)), -(a + b) / (a * b), (2 * b + a) / (b * (a + b))
    return _weigh(x, matrix, axis)


def _weigh(x, matrix, axis):
    """``matrix`` times ``x`` along ``axis``."""
    from .linalg import matmul
    from .shape import swapaxes

    a = unwrap(x)
    x = x if a.dtype.kind in "fc" else cast(x, dtype=dtypes.get_default_dtype().numpy)
    weights = matrix.T.astype(unwrap(x).dtype)
    return swapaxes(matmul(swapaxes(x, dim0=axis, dim1=-1), weights), dim0=axis, dim1=-1)
