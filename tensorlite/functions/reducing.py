"""Reductions with PyTorch's overloads: ``max()``, ``max(dim)``, ``max(other)``."""

import warnings

from ..engine import TensorBase, titled
from ..engine.plan import called
from ..engine.trail import trail
from ..mistakes.evaluation import guessed
from ..ops import elementwise as ew
from ..ops import order, scan
from ..ops import reduction as red
from ._common import into, into_same, named, numpy_names, spelled, tensor_arg, to_dtype, wrap_dim

PAIR = ("values", "indices")


class _Omitted:
    """A ``dim`` that was not given, which is not ``dim=None``: that goes with ``keepdim``."""

    def __repr__(self):
        return "None"


_OMITTED = _Omitted()


def _reduction(op, name, *, default=None, dtype=False, casts=True):
    """PyTorch's ``op(input, dim, keepdim, *, out=None)``; NumPy's ``axis`` and ``keepdims`` work too.

    With ``default=_OMITTED`` all dimensions are meant, and ``keepdim`` needs a ``dim``.
    """

    write = into if casts else into_same

    def function(input, dim=default, keepdim=False, *, dtype=None, axis=None, keepdims=None, out=None):
        tensor_arg(input, "input", name)
        if axis is not None or keepdims is not None:
            dim, keepdim = numpy_names(None if dim is _OMITTED else dim, keepdim, axis, keepdims)
        elif dim is _OMITTED:
            if keepdim is not False:
                raise TypeError(f"{name}() received an invalid combination of arguments: keepdim needs dim")
            dim = None
        if dtype is None and out is not None and name == "sum":
            dtype = out.dtype
        if dtype is not None:
            input = to_dtype(input, dtype)
        result = op(input, dim=dim, keepdim=keepdim)
        if dtype is not None:
            result = to_dtype(result, dtype)  # small integers are added in int64
        return result if out is None else write(out, result)

    def plain(input, dim=default, keepdim=False, *, axis=None, keepdims=None, out=None):
        return function(input, dim, keepdim, axis=axis, keepdims=keepdims, out=out)

    chosen = function if dtype else plain
    chosen.__name__ = chosen.__qualname__ = function.__name__ = name
    chosen.__doc__ = op.__doc__
    return chosen


sum = _reduction(red.sum, "sum", default=_OMITTED, dtype=True)
nansum = _reduction(red.nansum, "nansum", dtype=True)
mean = _reduction(red.mean, "mean", default=_OMITTED, dtype=True)
nanmean = _reduction(red.nanmean, "nanmean", dtype=True)
amax = _reduction(red.amax, "amax", default=(), casts=False)
amin = _reduction(red.amin, "amin", default=(), casts=False)
all = _reduction(red.all, "all", casts=False)
any = _reduction(red.any, "any", casts=False)


def prod(input, dim=None, keepdim=False, *, dtype=None, axis=None, keepdims=None, out=None):
    """The product of all elements, or over one dimension."""
    dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
    tensor_arg(input, "input", "prod")
    if isinstance(dim, (tuple, list)):
        raise TypeError("prod() takes one dim, not several")
    dtype = out.dtype if dtype is None and out is not None else dtype
    result = red.prod(input if dtype is None else to_dtype(input, dtype), dim=dim, keepdim=keepdim)
    result = result if dtype is None else to_dtype(result, dtype)  # small integers are multiplied in int64
    return result if out is None else into(out, result)


@spelled
def logsumexp(input, dim, keepdim=False, *, out=None):
    """``log(sum(exp(input)))`` over ``dim`` without overflow.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.logsumexp(tl.tensor([1000.0, 1000.0]), dim=0)
    tensor(1000.6932)
    """
    result = red.logsumexp(input, dim=dim, keepdim=keepdim)
    return result if out is None else into(out, result)


@spelled
def count_nonzero(input, dim=None):
    """How many elements are nonzero, over ``dim`` or in all."""
    return red.count_nonzero(tensor_arg(input, "input", "count_nonzero"), dim=dim)


# -- extremes --------------------------------------------------------------------------------------


def _extreme(name, full, along, pair):
    def function(input, dim=None, keepdim=False, *, other=None, axis=None, keepdims=None, out=None):
        tensor_arg(input, "input", name)
        if isinstance(dim, TensorBase):
            dim, other = None, dim
        if other is not None:
            result = pair(input, other)
            return result if out is None else into_same(out, result)
        dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
        if input._data.dtype.kind == "c":
            raise RuntimeError(f"{name}(): does not support complex input")
        if dim is None:
            if keepdim and keepdims is None:
                raise TypeError(f"{name}() received an invalid combination of arguments: keepdim needs dim")
            if not input._data.size:
                raise RuntimeError(
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                    "with the 'dim' argument."
                )
            result = full(input)
        else:
            result = named(name, PAIR)(*along(input, dim=dim, keepdim=keepdim))
            if trail.noise:
                guessed(result[1])
        return result if out is None else into_same(out, result)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The {name}imum of all elements; over ``dim``, with its indices; or elementwise of two tensors.

    Parameters
    ----------
    input : Tensor
    dim : int or Tensor, optional
        A dimension: the result is a named tuple ``(values, indices)``. Or another tensor.
    keepdim : bool, default False

    Notes
    -----
    In the full reduction equal values share the gradient evenly; over a dimension one of them gets it.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.{name}(tl.tensor([[1.0, 3.0], [2.0, 0.0]]), dim=1).indices
    tensor([{"1, 0" if name == "max" else "0, 1"}])
    """
    return function


max = _extreme("max", red.amax, red.max_dim, ew.maximum)
min = _extreme("min", red.amin, red.min_dim, ew.minimum)


@spelled
def aminmax(input, *, dim=None, keepdim=False, out=None):
    """The smallest and the largest value, as a named tuple ``(min, max)``."""
    result = named("aminmax", ("min", "max"))(*red.aminmax(input, dim=dim, keepdim=keepdim))
    return result if out is None else into_same(out, result)


def argmax(input, dim=None, keepdim=False, *, axis=None, keepdims=None, out=None):
    """Where the maximum stands: in the flat tensor, or along ``dim``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.argmax(tl.tensor([[1, 5], [7, 2]]), dim=1)
    tensor([1, 0])
    """
    dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
    result = red.argmax(tensor_arg(input, "input", "argmax"), dim=dim, keepdim=keepdim)
    if trail.noise:
        guessed(result)
    return result if out is None else into_same(out, result)


def argmin(input, dim=None, keepdim=False, *, axis=None, keepdims=None, out=None):
    """Where the minimum stands: in the flat tensor, or along ``dim``."""
    dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
    result = red.argmin(tensor_arg(input, "input", "argmin"), dim=dim, keepdim=keepdim)
    return result if out is None else into_same(out, result)


def _median(name, full, along):
    @titled(name, (full.__doc__ or "") + " With ``dim`` a named tuple (values, indices).")
    def function(input, dim=None, keepdim=False, *, out=None):
        tensor_arg(input, "input", name)
        result = full(input) if dim is None else named(name, PAIR)(*along(input, dim=dim, keepdim=keepdim))
        return result if out is None else into_same(out, result)

    return spelled(function)


median = _median("median", order.median, order.median_dim)
nanmedian = _median("nanmedian", order.nanmedian, order.nanmedian_dim)


@spelled
def mode(input, dim=-1, keepdim=False, *, out=None):
    """The most frequent value along ``dim`` and where it stands last."""
    result = named("mode", PAIR)(*order.mode(tensor_arg(input, "input", "mode"), dim=dim, keepdim=keepdim))
    return result if out is None else into_same(out, result)


# -- spread ----------------------------------------------------------------------------------------


def _spread_arguments(dim, unbiased, keepdim, correction, axis, keepdims):
    """``var(unbiased)``, ``var(dim, unbiased, keepdim)`` and ``var(dim, correction=, keepdim=)`` as one."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return dim, correction, keepdim


def _spread(name, op, fields=None):
    @titled(name, (op.__doc__ or "") + " ``correction`` is 1, or 0 with ``unbiased=False``.")
    def function(input, dim=None, unbiased=None, keepdim=False, *, correction=None, axis=None, keepdims=None, out=None):
        tensor_arg(input, "input", name)
        dim, correction, keepdim = _spread_arguments(dim, unbiased, keepdim, correction, axis, keepdims)
        result = op(input, dim=dim, correction=correction, keepdim=keepdim)
        if red._count(input.shape, dim) <= correction:
            warnings.warn(
                f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input "
                "numel divided by output numel).",
                UserWarning,
                stacklevel=2,
            )
        return result if out is None else into(out, result)

    return function


var = _spread("var", red.var)
std = _spread("std", red.std)
var_mean = _spread("var_mean", red.var_mean)
std_mean = _spread("std_mean", red.std_mean)


def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """The norm of all elements as a vector, or over ``dim``: ``p`` a number, 'fro', or 'nuc'.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.norm(tl.tensor([3.0, 4.0]))
    tensor(5.)
    """
    tensor_arg(input, "input", "norm")
    if dtype is not None:
        input = to_dtype(input, dtype)
    if p == "nuc":
        from .decomposing import nuclear_norm

        result = nuclear_norm(input, keepdim, dim=dim)
    elif isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm(): unknown p {p!r}; expected a number, 'fro' or 'nuc'")
    else:
        result = red.vector_norm(input, ord=2 if p in ("fro", None) else p, dim=dim, keepdim=keepdim)
    return result if out is None else into_same(out, result)


def dist(input, other, p=2):
    """The ``p``-norm of ``input - other``."""
    return called(red.vector_norm(ew.sub(input, other), ord=p), "DistBackward0")


def renorm(input, p, dim, maxnorm, *, out=None):
    """Each slice along ``dim`` scaled down to a ``p``-norm of at most ``maxnorm``."""
    if input._data.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input._data.ndim} dimensions")
    axis = wrap_dim(dim, input._data.ndim)
    others = tuple(i for i in range(input._data.ndim) if i != axis)
    size = red.vector_norm(input, ord=p, dim=others, keepdim=True)
    result = ew.mul(input, ew.where(ew.gt(size, maxnorm), ew.div(maxnorm, ew.add(size, 1e-7)), 1.0))
    return result if out is None else into_same(out, result)


# -- running sums ----------------------------------------------------------------------------------


def _running(op, name, casts=True):
    @titled(name, op.__doc__)
    def function(input, dim=None, *, dtype=None, axis=None, out=None):
        tensor_arg(input, "input", name)
        dim = numpy_names(dim, False, axis, None)[0]
        if dim is None:
            raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
        dtype = out.dtype if dtype is None and out is not None and casts else dtype
        result = op(input if dtype is None else to_dtype(input, dtype), dim=dim)
        result = result if dtype is None else to_dtype(result, dtype)  # small integers are summed in int64
        return result if out is None else into_same(out, result)

    return function


cumsum = _running(scan.cumsum, "cumsum")
cumprod = _running(scan.cumprod, "cumprod")
logcumsumexp = _running(scan.logcumsumexp, "logcumsumexp", casts=False)


@spelled
def cummax(input, dim, *, out=None):
    """The largest value so far along ``dim`` and where it stands."""
    result = named("cummax", PAIR)(*scan.cummax(tensor_arg(input, "input", "cummax"), dim=dim))
    return result if out is None else into_same(out, result)


@spelled
def cummin(input, dim, *, out=None):
    """The smallest value so far along ``dim`` and where it stands."""
    result = named("cummin", PAIR)(*scan.cummin(tensor_arg(input, "input", "cummin"), dim=dim))
    return result if out is None else into_same(out, result)


@spelled
def diff(input, n=1, dim=-1, prepend=None, append=None, *, out=None):
    """Differences of neighbours along ``dim``, ``n`` times."""
    result = scan.diff(input, n, dim, prepend, append)
    return result if out is None else into(out, result)


@spelled
def trapezoid(y, x=None, *, dx=None, dim=-1):
    """The integral along ``dim`` by the trapezoidal rule."""
    return scan.trapezoid(y, x, dx=1 if dx is None else dx, dim=dim)


trapz = trapezoid


@spelled
def cumulative_trapezoid(y, x=None, *, dx=None, dim=-1):
    """The running integral along ``dim`` by the trapezoidal rule."""
    return scan.cumulative_trapezoid(y, x, dx=1 if dx is None else dx, dim=dim)


gradient = scan.gradient
