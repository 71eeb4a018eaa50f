"""Windows and strides: views of memory that ordinary indexing cannot make."""

import math

import numpy as np

from ..engine import primitive, unwrap
from .axes import axis_of
from .indexing import index_select, put
from .shape import reshape


@primitive(view=True)
def unfold(x, *, dimension, size, step):
    """Windows of ``size`` along ``dimension``, every ``step`` places; they become the last dimension."""
    axis = axis_of(dimension, x.ndim)
    n = x.shape[axis] if x.ndim else 1
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {axis} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not x.ndim:
        return x.reshape(1)[:size]
    shape = (*x.shape[:axis], (n - size) // step + 1, *x.shape[axis + 1 :], size)
    strides = (*x.strides[:axis], x.strides[axis] * step, *x.strides[axis + 1 :], x.strides[axis])
    return np.lib.stride_tricks.as_strided(x, shape, strides)


unfold.vjp(
    x=lambda g, x_shape, dimension, size, step: _refold(g, shape=x_shape, dimension=dimension, size=size, step=step)
)  # fmt: skip


@primitive
def _refold(g, *, shape, dimension, size, step):
    """Overlapping windows added up: the adjoint of :func:`unfold`."""
    out = np.zeros(shape, g.dtype)
    if not shape:
        return g.reshape(()) if size else out
    axis = axis_of(dimension, len(shape))
    rows, count = np.moveaxis(out, axis, 0), g.shape[axis]
    for i in range(size):
        rows[i : i + (count - 1) * step + 1 : step] += np.moveaxis(g[..., i], axis, 0)
    return out


_refold.vjp(g=lambda g, dimension, size, step: unfold(g, dimension=dimension, size=size, step=step))


@primitive(grad_name="CloneBackward0")
def laid_out(x, *, order):
    """A copy of ``x`` whose dimensions lie in memory in the given order, the first outermost."""
    return np.array(x.transpose(order), order="C").transpose(np.argsort(order)) if x.ndim else x.copy()


laid_out.vjp(x=lambda g: g)


@primitive(view=True)
def _strided(x, *, size, stride, offset, layout):
    """The elements of ``x``'s memory at ``offset + sum(i * stride)`` from its own first one, counted in elements."""
    item = x.itemsize
    first = np.lib.stride_tricks.as_strided(x, (), ())
    low, high = np.lib.array_utils.byte_bounds(_whole(x))
    begin = x.__array_interface__["data"][0] + offset * item
    reach = [(n - 1) * s * item for n, s in zip(size, stride)] if 0 not in size else []
    if begin < low or begin + sum([r for r in reach if r > 0]) + item > high:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize {item} requiring a "
            f"storage size of {begin - low + sum(reach) + item} are out of bounds for storage of size {high - low}"
        )
    if offset:
        whole = _whole(x)
        line = np.lib.stride_tricks.as_strided(whole, ((high - low) // item,), (item,))
        first = line[(begin - low) // item :]
    return np.lib.stride_tricks.as_strided(first, size, [s * item for s in stride])


def _whole(x):
    """The array that owns the memory of ``x``."""
    while isinstance(base := getattr(x, "base", None), np.ndarray) or hasattr(base, "__array_interface__"):
        x = base
    return np.asarray(x)


def _strided_places(shape, size, stride, offset, layout):
    """For each element of a strided view its flat place in ``x`` of ``shape``; -1 for memory outside ``x``."""
    at = np.full((), offset, np.int64)
    for n, s in zip(size, stride):
        at = at[..., None] + np.arange(n) * s
    own = np.zeros((), np.int64)
    for n, s in zip(shape, layout):
        own = own[..., None] + np.arange(n) * s
    table = np.full(max(int(own.max(initial=0)), int(at.max(initial=0))) + 1, -1)
    table[own.reshape(-1)] = np.arange(own.size)
    return np.where(at < 0, -1, table[at])


@primitive
def _unstrided(g, *, shape, size, stride, offset, layout):
    """The adjoint of :func:`_strided`: elements that several places show add up."""
    at = _strided_places(shape, size, stride, offset, layout).reshape(-1)
    out, known = np.zeros(math.prod(shape), g.dtype), at >= 0
    np.add.at(out, at[known], g.reshape(-1)[known])
    return out.reshape(shape)


@primitive
def _restrided(x, *, size, stride, offset, layout):
    """The elements that :func:`_strided` shows, as a copy of ``x`` in any layout."""
    at = _strided_places(x.shape, size, stride, offset, layout)
    return np.where(at >= 0, x.reshape(-1)[at] if x.size else 0, 0).astype(x.dtype)


def _strides_vjp(g, x_shape, size, stride, offset, layout):
    return _unstrided(g, shape=x_shape, size=size, stride=stride, offset=offset, layout=layout)


def _unstrided_vjp(g, size, stride, offset, layout):
    return _restrided(g, size=size, stride=stride, offset=offset, layout=layout)


_strided.vjp(x=_strides_vjp)
_restrided.vjp(x=_strides_vjp)
_unstrided.vjp(g=_unstrided_vjp)


def as_strided(input, size, stride, storage_offset=None):
    """A view of ``input``'s memory with any sizes and strides, counted in elements.

    Parameters
    ----------
    input : Tensor
    size, stride : sequence of int
    storage_offset : int, optional
        The first element, counted from the start of the memory; by default ``input``'s own first one.

    Raises
    ------
    RuntimeError
        If the view would leave the memory, or sizes and strides differ in number.
    """
    offset, layout = _checked(unwrap(input), size, stride, storage_offset)
    return _strided(input, size=tuple(size), stride=tuple(stride), offset=offset, layout=layout)


def _checked(a, size, stride, storage_offset):
    """The offset from the first element of ``a``, and its own strides, in elements."""
    if len(size) != len(stride):
        raise RuntimeError(f"mismatch in length of strides and shape (got {len(stride)} and {len(size)})")
    if [s for s in stride if s < 0]:
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    layout = tuple([s // a.itemsize for s in a.strides])
    offset = 0
    if storage_offset is not None:
        start = a.__array_interface__["data"][0] - _whole(a).__array_interface__["data"][0]
        offset = storage_offset - start // a.itemsize
    return offset, layout


def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """A copy of ``input`` in which the elements that :func:`as_strided` shows are those of ``src``."""
    a = unwrap(input)
    offset, layout = _checked(a, size, stride, storage_offset)
    _strided(a, size=tuple(size), stride=tuple(stride), offset=offset, layout=layout)  # refuses what leaves the memory
    at = _strided_places(a.shape, tuple(size), tuple(stride), offset, layout).reshape(-1)
    line = reshape(src, shape=(at.size,))
    if at.size and at.min() < 0:  # memory outside of ``input``
        at, line = at[at >= 0], index_select(line, np.flatnonzero(at >= 0), dim=0)
    return put(input, at, line)
