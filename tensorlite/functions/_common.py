"""What every function of PyTorch's shape needs: argument checks, dimensions, ``out=``."""

from __future__ import annotations

import functools
import warnings
from collections import namedtuple

import numpy as np

from .. import dtypes
from ..engine import RECORDING, TensorBase, cast, state, touch
from ..engine.update import overlap
from ..ops.axes import axes_of, axis_of


def tensor_arg(x, name, function, position=1):
    """``x`` if it is a tensor, else PyTorch's complaint."""
    if not isinstance(x, TensorBase):
        kind = ("numpy." if type(x).__module__ == "numpy" else "") + type(x).__name__
        raise TypeError(f"{function}(): argument '{name}' (position {position}) must be Tensor, not {kind}")
    return x


def wrap_dim(dim, ndim, extra=0):
    """A non-negative dimension; IndexError outside of the range."""
    return axis_of(dim, (ndim or 1) if not extra else ndim + extra)


def wrap_dims(dim, ndim):
    """``dim`` (an int, a sequence, None) as None or a tuple of non-negative, different dimensions."""
    return None if dim is None else axes_of(dim, ndim) or None


_tuples: dict = {}


def named(name, fields):
    """The named tuple ``torch.return_types.<name>``."""
    found = _tuples.get(name)
    if found is None:
        found = namedtuple(name, fields)
        found.__repr__ = _show
        found.__module__ = "torch.return_types"
        _tuples[name] = found
    return found


def _show(self):
    lines = ",\n".join(f"{field}={value!r}" for field, value in zip(self._fields, self))
    return f"torch.return_types.{type(self).__name__}(\n{lines})"


def numpy_names(dim, keepdim, axis, keepdims):
    """NumPy's argument names ``axis`` and ``keepdims`` beside PyTorch's ``dim`` and ``keepdim``."""
    if axis is not None:
        if dim is not None and dim != ():
            raise TypeError("give dim or axis, not both")
        dim = axis
    return dim, keepdim if keepdims is None else keepdims


def number(n):
    """``n`` as Python's number, whose kind counts beside a tensor but not its width: NumPy's float64 would widen."""
    return n.item() if hasattr(n, "item") else n


def _own_names(fn, args, kwargs):
    """Give arguments with NumPy's names those of ``fn``; the first may always be called ``input``. Returns ``args``."""
    for own, numpy in (("dim", "axis"), ("keepdim", "keepdims")):
        if numpy in kwargs:
            if own in kwargs:
                raise TypeError(f"{fn.__name__}(): give {own} or {numpy}, not both")
            kwargs[own] = kwargs.pop(numpy)
    return (kwargs.pop("input"), *args) if "input" in kwargs else args


def spelled(fn):
    """``fn`` that also takes NumPy's names ``axis`` and ``keepdims``, and ``input`` for its first argument."""

    @functools.wraps(fn)
    def function(*args, **kwargs):
        if kwargs:
            args = _own_names(fn, args, kwargs)
        return fn(*args, **kwargs)

    return function


def turned_round(name, *given):
    """The arguments of a deprecated overload, which had its numbers before its tensors: the tensors, then the numbers."""
    if all(isinstance(g, TensorBase) for g in given):
        raise TypeError(f"{name}() received too many tensors")
    warnings.warn(f"This overload of {name} is deprecated: numbers go behind the tensors, as alpha=, beta= and value=",
                  UserWarning, stacklevel=3)  # fmt: skip
    return *[g for g in given if isinstance(g, TensorBase)], *[g for g in given if not isinstance(g, TensorBase)]


def to_dtype(x, dtype):
    """``x`` with another dtype (itself if it has it)."""
    d = dtypes.to_numpy(dtype)
    return x if x._data.dtype == d else cast(x, dtype=d)


def sizes_of(args, named=None):
    """Sizes given as ``(2, 3)``, ``[2, 3]`` or ``2, 3``, or ``named``: by keyword."""
    if named is not None:
        if args:
            raise TypeError("sizes are given by position or by name, not both")
        args = (named,)
    if len(args) == 1 and not isinstance(args[0], (int, np.integer)) and hasattr(args[0], "__iter__"):
        if not (isinstance(args[0], TensorBase) and args[0]._data.ndim == 0):
            args = args[0]
    try:
        return tuple([a if a.__class__ is int else a.__index__() for a in args])
    except AttributeError:
        bad = next(a for a in args if not hasattr(a, "__index__"))
        raise TypeError(f"sizes must be integers, not {type(bad).__name__}") from None


def apart(out, *inputs):
    """Raise if a tensor given as ``out=`` shares memory with an input."""
    for o in out if isinstance(out, (tuple, list)) else (out,):
        for x in inputs:
            if o is x or (
                isinstance(o, TensorBase) and isinstance(x, TensorBase) and np.may_share_memory(o._data, x._data)
            ):
                raise RuntimeError(_OVERLAP)


_OVERLAP = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. "
    "Please clone() the tensor before performing the operation."
)


@np.errstate(over="ignore")  # of a number that is too large for a smaller ``out``
def into(out, result, *inputs, resizes=False):
    """Write ``result`` into the tensor ``out`` given as ``out=``, and return it (tuples: one by one).

    ``out`` may be one of the ``inputs``, but not share only a part of its memory with one. It takes the shape of
    the result, with a warning if it had elements and ``resizes`` is not set.
    """
    if isinstance(result, tuple):
        if len(out) != len(result):
            raise TypeError(f"expected out to be a tuple of {len(result)} tensors")
        done = [into(o, r) for o, r in zip(out, result)]
        return type(result)(*done) if hasattr(result, "_fields") else tuple(done)
    if not isinstance(out, TensorBase):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
    if result._node is not None or (out._node is not None and state.mode & RECORDING):
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments "
            "requires grad."
        )
    a, r = out._data, result._data
    if a.size and 0 in a.strides and [1 for n, s in zip(a.shape, a.strides) if n > 1 and not s]:
        raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single memory "
                           "location. Please clone() the tensor before performing the operation.")  # fmt: skip
    for x in inputs:
        if isinstance(x, TensorBase) and a.shape == r.shape and overlap(a, x._data):
            raise RuntimeError(_OVERLAP)
    if not dtypes.can_cast(r.dtype, a.dtype):
        raise RuntimeError(
            f"result type {dtypes.of(r.dtype).title} can't be cast to the desired output type {dtypes.of(a.dtype).title}"
        )
    if a.shape != r.shape:
        if a.size and not resizes:
            warnings.warn(
                f"An output with one or more elements was resized since it had shape {list(a.shape)}, which does not "
                f"match the required output shape {list(r.shape)}. This behavior is deprecated, and in a future PyTorch "
                "release outputs will not be resized unless they have zero elements. You can explicitly reuse an out "
                "tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                UserWarning, stacklevel=3)  # fmt: skip
        out._data = np.array(r, dtype=a.dtype)
    else:
        a[...] = r
    touch(out)
    return out


def into_same(out, result, *inputs, resizes=False):
    """:func:`into` for functions that do not cast: the dtypes must agree."""
    for o, r in zip(out, result) if isinstance(result, tuple) else [(out, result)]:
        if isinstance(o, TensorBase) and o._data.dtype != r._data.dtype:
            raise RuntimeError(f"Expected out tensor to have dtype {r.dtype}, but got {o.dtype} instead")
    return into(out, result, *inputs, resizes=resizes)


def with_out(fn, write=into):
    """``fn`` that also takes ``out=``, written by ``write``: :func:`into` or :func:`into_same`."""

    @functools.wraps(fn)
    def function(*args, out=None, **settings):
        if settings:
            args = _own_names(fn, args, settings)
        result = fn(*args, **settings)
        return result if out is None else write(out, result)

    return function
