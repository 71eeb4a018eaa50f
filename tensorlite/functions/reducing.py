"""Reductions with PyTorch's overloads: ``max()``, ``max(dim)``, ``max(other)``."""

from __future__ import annotations

import builtins
from collections import namedtuple

import numpy as np

from ..engine import TensorBase, ndarray
from ..ops import elementwise as ew, reduction as red, shape as sh
from ._common import into, numpy_names, tensor_arg, to_dtype, wrap_dim, wrap_dims

_types = {}


def named(name, fields):
    """The named tuple ``torch.return_types.<name>``."""
    found = _types.get(name)
    if found is None:
        found = namedtuple(name, fields)
        found.__repr__ = lambda self: f"torch.return_types.{name}(\n" + ",\n".join(
            f"{f}={v!r}" for f, v in zip(self._fields, self)) + ")"  # fmt: skip
        found.__module__ = "torch.return_types"
        _types[name] = found
    return found


def sum(input, dim=None, keepdim=False, *, dtype=None, axis=None, keepdims=None, out=None):
    """The sum over ``dim`` (an int, several, or all)."""
    if dim is None and axis is None and keepdims is None and dtype is None and not keepdim:
        result = red.sum(tensor_arg(input, "input", "sum"))
    else:
        dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
        tensor_arg(input, "input", "sum")
        if dtype is not None:
            input = to_dtype(input, dtype)
        result = red.sum(input, dim=wrap_dims(dim, input._data.ndim), keepdim=keepdim)
    return result if out is None else into(out, result)


def mean(input, dim=None, keepdim=False, *, dtype=None, axis=None, keepdims=None, out=None):
    """The mean over ``dim`` (an int, several, or all)."""
    dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
    tensor_arg(input, "input", "mean")
    if dtype is not None:
        input = to_dtype(input, dtype)
    result = red.mean(input, dim=wrap_dims(dim, input._data.ndim), keepdim=keepdim)
    return result if out is None else into(out, result)


def _extreme(name, full, along, pair):
    def function(input, dim=None, keepdim=False, *, other=None, axis=None, keepdims=None, out=None):
        tensor_arg(input, "input", name)
        if isinstance(dim, TensorBase) and not (dim._data.ndim == 0 and dim._data.dtype.kind in "iu" and False):
            other, dim = dim, None
        if other is not None:
            result = pair(input, other)
            return result if out is None else into(out, result)
        dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
        if dim is None:
            if input._data.size == 0:
                raise RuntimeError(
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                    "with the 'dim' argument."
                )
            result = full(input)
        else:
            dim = wrap_dim(dim, input._data.ndim)
            if input._data.ndim and input._data.shape[dim] == 0:
                raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
            result = named(name, ("values", "indices"))(*along(input, dim=dim, keepdim=keepdim))
        return result if out is None else into(out, result)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The {name}imum of all elements; with ``dim`` a named tuple (values, indices); of two tensors elementwise."""
    return function


max = _extreme("max", red.amax, red.max_dim, ew.maximum)
min = _extreme("min", red.amin, red.min_dim, ew.minimum)


def amax(input, dim=(), keepdim=False, *, out=None):
    """The maximum over ``dim``; equal values share the gradient."""
    result = red.amax(input, dim=wrap_dims(dim, input._data.ndim), keepdim=keepdim)
    return result if out is None else into(out, result)


def amin(input, dim=(), keepdim=False, *, out=None):
    """The minimum over ``dim``; equal values share the gradient."""
    result = red.amin(input, dim=wrap_dims(dim, input._data.ndim), keepdim=keepdim)
    return result if out is None else into(out, result)


def argmax(input, dim=None, keepdim=False, *, axis=None, keepdims=None):
    """Where the maximum stands: in the flat tensor, or along ``dim``."""
    dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
    tensor_arg(input, "input", "argmax")
    return red.argmax(input, dim=None if dim is None else wrap_dim(dim, input._data.ndim), keepdim=keepdim)


def argmin(input, dim=None, keepdim=False, *, axis=None, keepdims=None):
    """Where the minimum stands: in the flat tensor, or along ``dim``."""
    dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
    tensor_arg(input, "input", "argmin")
    return red.argmin(input, dim=None if dim is None else wrap_dim(dim, input._data.ndim), keepdim=keepdim)


def all(input, dim=None, keepdim=False, *, axis=None, keepdims=None, out=None):
    """Whether every element is nonzero."""
    dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
    result = red.all(input, dim=wrap_dims(dim, input._data.ndim), keepdim=keepdim)
    return result if out is None else into(out, result)


def any(input, dim=None, keepdim=False, *, axis=None, keepdims=None, out=None):
    """Whether some element is nonzero."""
    dim, keepdim = numpy_names(dim, keepdim, axis, keepdims)
    result = red.any(input, dim=wrap_dims(dim, input._data.ndim), keepdim=keepdim)
    return result if out is None else into(out, result)


def logsumexp(input, dim, keepdim=False, *, out=None):
    """``log(sum(exp(input)))`` over ``dim`` without overflow."""
    result = red.logsumexp(input, dim=wrap_dims(dim, input._data.ndim), keepdim=keepdim)
    return result if out is None else into(out, result)


def equal(input, other):
    """Whether two tensors have the same shape and elements."""
    return bool(np.array_equal(input._data, other._data))


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Elementwise ``|input - other| <= atol + rtol * |other|``."""
    a, b = input._data, other._data
    if a.dtype != b.dtype:
        from ..dtypes import of

        raise RuntimeError(f"{of(a.dtype).title} did not match {of(b.dtype).title}")
    from ..engine import wrap

    return wrap(np.isclose(a, b, rtol, atol, equal_nan))


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether all elements satisfy ``|input - other| <= atol + rtol * |other|``."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._data.all())
