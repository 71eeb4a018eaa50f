"""Memory formats: copies whose dimensions lie in memory in another order than C's.

A copy keeps the order of a tensor that is dense in another one (a transposed matrix), as in PyTorch; ``memory_format=`` asks for
one. Results of other operations are in C order for whoever looks.
"""

import warnings

import numpy as np

from .. import dtypes
from .._device import channels_last, channels_last_3d, contiguous_format, preserve_format
from ..engine import cast, clone, wrap
from ..ops.random import memory_order, scattered
from ..ops.strides import laid_out

#: The dimensions from the outermost to the innermost.
_LAST = {channels_last: (0, 2, 3, 1), channels_last_3d: (0, 2, 3, 4, 1)}


def order_of(memory_format, shape):
    """The order of dimensions that a memory format asks for (not: to preserve one)."""
    order = _LAST.get(memory_format)
    if order is None:
        if memory_format is not contiguous_format:
            raise RuntimeError(f"unsupported memory format option {memory_format}")
        return tuple(range(len(shape)))
    if len(shape) != len(order):
        raise RuntimeError(f"required rank {len(order)} tensor to use {memory_format.name[6:]} format")
    return order


def kept_order(x):
    """The order of dimensions that a copy of ``x`` keeps."""
    a = x._data
    if not scattered(x) or any(s == 0 and n > 1 for s, n in zip(a.strides, a.shape)):
        return tuple(range(a.ndim))
    return tuple(memory_order(a))


def fixed(t):
    """``t``, whose strides are meant: nothing may bring it into C order."""
    if not t._data.flags.c_contiguous:
        t.__dict__["_fixed"] = True
    return t


def empty_array(shape, d, order):
    """Memory of ``shape`` whose dimensions lie in ``order``."""
    return np.empty([shape[i] for i in order], d).transpose(np.argsort(order)) if order else np.empty(shape, d)


def empty_like(x, d, memory_format):
    """Memory in the order of ``x`` where that is dense, or in the order of ``memory_format``."""
    if memory_format is None or memory_format is preserve_format:
        order = kept_order(x)
    else:
        order = order_of(memory_format, x._data.shape)
    return fixed(wrap(empty_array(x._data.shape, d, order)))


def is_laid_out(a, memory_format):
    """Whether the elements of the array ``a`` lie in the order of a memory format."""
    order = _LAST.get(memory_format)
    if order is None:
        return bool(a.flags.c_contiguous)
    return a.ndim == len(order) and bool(a.transpose(order).flags.c_contiguous)


def copied(x, memory_format=None):
    """A copy on the tape."""
    if memory_format is not None and memory_format is not preserve_format:
        return fixed(laid_out(x, order=order_of(memory_format, x._data.shape)))
    if not scattered(x):
        return clone(x)
    return fixed(laid_out(x, order=kept_order(x)))


def converted(x, dtype=None, memory_format=None, copy=False):
    """``x`` in another dtype and memory format; itself where nothing changes."""
    d = x._data.dtype if dtype is None else dtypes.to_numpy(dtype)
    preserve = memory_format is None or memory_format is preserve_format
    if d == x._data.dtype:
        if not copy and (preserve or _suggests(x, memory_format)):
            return x
        return copied(x, memory_format)
    if x._data.dtype.kind == "c" and d.kind not in "cb":
        warnings.warn("Casting complex values to real discards the imaginary part", UserWarning, stacklevel=3)
    if preserve and not scattered(x):
        return cast(x, dtype=d)
    return copied(cast(x, dtype=d), None if preserve else memory_format) if not preserve else _kept(x, cast(x, dtype=d))


def _kept(x, result):
    order = kept_order(x)
    if result._data.transpose(order).flags.c_contiguous:
        return fixed(result)
    return fixed(laid_out(result, order=order))


def _suggests(x, memory_format):
    if memory_format is contiguous_format:
        return not any(is_laid_out(x._data, f) and not x._data.flags.c_contiguous for f in _LAST) or not scattered(x)
    order_of(memory_format, x._data.shape)
    return scattered(x) and is_laid_out(x._data, memory_format)
