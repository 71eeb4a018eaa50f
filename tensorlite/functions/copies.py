"""Copies where the plain function makes a view: ``t_copy``, ``unbind_copy`` and so on."""

import functools
import inspect

from ..engine import TensorBase, clone, titled
from ..ops.strides import as_strided_scatter as _strided_scatter
from . import arranging, pointwise, shaping
from ._common import into_same, spelled, tensor_arg


def _fresh(result):
    return clone(result) if isinstance(result, TensorBase) else tuple([clone(x) for x in result])


def _copy(function, name=None):
    """``function`` whose results own their memory, with ``out=``."""
    name = name or function.__name__

    @titled(f"{name}_copy", f"``{name}`` as a copy instead of a view.")
    @functools.wraps(function)
    def wrapper(*args, out=None, **kwargs):
        result = _fresh(function(*args, **kwargs))
        return result if out is None else into_same(out, result)

    signature = inspect.signature(function)
    extra = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)
    old = [p for p in signature.parameters.values() if p.name != "out"]
    at = len(old) - (bool(old) and old[-1].kind is inspect.Parameter.VAR_KEYWORD)
    wrapper.__signature__ = signature.replace(parameters=[*old[:at], extra, *old[at:]])
    return wrapper


def alias(input):
    """A view of everything."""
    return shaping.view(tensor_arg(input, "input", "alias"), tuple(input._data.shape))


def _size_first(function):
    """``function(input, size)`` for the functions that take their sizes as one argument."""

    def wrapper(input, size, *, implicit=False):
        return function(input, size)

    wrapper.__name__ = function.__name__
    return wrapper


alias_copy = _copy(alias)
as_strided_copy = _copy(arranging.as_strided)
diagonal_copy = _copy(arranging.diagonal)
expand_copy = _copy(_size_first(shaping.expand))
narrow_copy = _copy(shaping.narrow)
permute_copy = _copy(shaping.permute)
select_copy = _copy(shaping.select)
split_copy = _copy(shaping.split)
split_with_sizes_copy = _copy(shaping.split_with_sizes)
squeeze_copy = _copy(shaping.squeeze)
t_copy = _copy(shaping.t)
transpose_copy = _copy(shaping.transpose)
unbind_copy = _copy(shaping.unbind)
unfold_copy = _copy(arranging.unfold)
unsqueeze_copy = _copy(shaping.unsqueeze)
view_copy = _copy(shaping.view)
view_as_real_copy = _copy(pointwise.view_as_real)
view_as_complex_copy = _copy(pointwise.view_as_complex)


def conj_physical(input, *, out=None):
    """The conjugate, computed at once (as :func:`conj` is here)."""
    result = pointwise.conj(tensor_arg(input, "input", "conj_physical"))
    result = clone(result) if result is input else result
    return result if out is None else into_same(out, result)


@spelled
def unsafe_split(tensor, split_size, dim=0):
    """``split`` as copies, which may be changed in place freely."""
    return _fresh(shaping.split(tensor, split_size, dim))


@spelled
def unsafe_split_with_sizes(input, split_sizes, dim=0):
    """``split_with_sizes`` as copies, which may be changed in place freely."""
    return _fresh(shaping.split_with_sizes(input, split_sizes, dim))


@spelled
def unsafe_chunk(input, chunks, dim=0):
    """``chunk`` as copies, which may be changed in place freely."""
    return _fresh(shaping.chunk(input, chunks, dim))


def constant_pad_nd(input, pad, value=0):
    """``input`` with ``value`` around it: ``pad`` holds the widths before and after, the last dimension first."""
    from ..ops.padding import pad as _pad

    return _pad(input, list(pad), "constant", value)


def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """A copy of ``input`` in which the elements of its strided view are those of ``src``."""
    if tuple(src.shape) != tuple(size):
        raise RuntimeError("expected src to have a size equal to the slice of self. src size = "
                           f"{list(src.shape)}, slice size = {list(size)}")  # fmt: skip
    return _strided_scatter(input, src, size, stride, storage_offset)
