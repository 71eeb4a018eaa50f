"""Indexing: basic indices make views, index arrays make copies; gather, scatter and friends."""

import math

import numpy as np

from ..engine import primitive, sum_to
from .axes import axis_of
from .compare import where
from .shape import broadcast_shape, reshape

ndarray = np.ndarray


def check_dtypes(x, values):
    """Raise where the tensors ``x`` and ``values``, which is to be put into it, differ in dtype."""
    if x._data.dtype != values._data.dtype:
        raise RuntimeError(f"Index put requires the source and destination dtypes match, got {x.dtype.title} for the "
                           f"destination and {values.dtype.title} for the source.")  # fmt: skip


@primitive(view=True)
def getitem(x, *, index):
    """``x[index]`` for integers, slices, None and Ellipsis: a view."""
    try:
        out = x[index]
    except IndexError as error:
        raise _torch_words(error) from None
    if out.__class__ is not ndarray:  # a NumPy scalar: keep it a view of one element
        out = x[(*index, ...)] if isinstance(index, tuple) else x[index, ...]
    return out


getitem.vjp(x=lambda g, x_shape, index: _ungetitem(g, shape=x_shape, index=index))


def _torch_words(error):
    text = str(error)
    if text.startswith("index ") and "axis" in text:
        return IndexError(text.replace("axis", "dimension"))
    if text.startswith("too many indices"):
        return IndexError(f"{text}")
    return IndexError(text)


@primitive
def _ungetitem(g, *, shape, index):
    """Zeros of ``shape`` with ``g`` at a basic ``index``."""
    out = np.zeros(shape, g.dtype)
    out[index] = g
    return out


_ungetitem.vjp(g=lambda g, index: getitem(g, index=index))

# -- index arrays ----------------------------------------------------------------------------------


def _rows(index):
    """The array of integers that selects along the first dimension, if ``index`` is just that."""
    if index.__class__ is tuple and len(index) == 1:
        index = index[0]
    return index if index.__class__ is ndarray and index.dtype.kind in "iu" else None


@primitive(grad_name="IndexBackward0")
def take_index(x, *, index):
    """``x[index]`` with index arrays or masks: a copy."""
    rows = _rows(index)
    try:
        return x[index] if rows is None or not x.ndim else x.take(rows, 0)
    except IndexError as error:
        raise _torch_words(error) from None


take_index.vjp(x=lambda g, x_shape, index: add_index(g, shape=x_shape, index=index))


@primitive
def add_index(g, *, shape, index):
    """Zeros of ``shape`` with ``g`` added at ``index``; repeated places add up."""
    out = np.zeros(shape, g.dtype)
    _accumulate(out, index, g)
    return out


add_index.vjp(g=lambda g, index: take_index(g, index=index))


def _accumulate(out, index, g):
    """``out[index] += g`` in which repeated places add up."""
    parts = index if index.__class__ is tuple else (index,)
    if [p for p in parts if p.__class__ is not ndarray] or not out.flags.c_contiguous or not out.size:
        np.add.at(out, index, g)
        return
    if len(parts) == 1 and parts[0].dtype == bool:  # a mask names each place once
        out[index] += g
        return
    if [p for p in parts if p.dtype.kind not in "iu"]:
        np.add.at(out, index, g)
        return
    lead = out.shape[: len(parts)]
    rows = parts[0] if len(parts) == 1 else np.ravel_multi_index(
        [np.where(p < 0, p + n, p) for p, n in zip(np.broadcast_arrays(*parts), lead)], lead)  # fmt: skip
    width = math.prod(out.shape[len(parts) :])
    g = np.broadcast_to(g, rows.shape + out.shape[len(parts) :])
    add_rows(out.reshape(-1, width), rows.reshape(-1), g.reshape(-1, width))


def add_rows(out, rows, g):
    """``out[rows] += g`` for a matrix ``out``; rows that occur several times add up.

    ``np.add.at`` visits elements one by one. If repetitions are few, one assignment settles the last
    occurrence of each row and the slow way only the others; if they are many, a sort makes runs of equal rows.
    """
    n, (height, width) = len(rows), out.shape
    if width == 1:
        np.add.at(out.reshape(-1), rows, g.reshape(-1))
        return
    if n * width < 512:
        np.add.at(out, rows, g)
        return
    if n and rows.min() < 0:
        rows = np.where(rows < 0, rows + height, rows)
    if n > height // 2:
        order = np.argsort(rows, kind="stable")
        ranked = rows[order]
        start = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        out[ranked[start]] += np.add.reduceat(g[order], start, axis=0)
        return
    place = np.arange(n, dtype=np.int32)
    mark = np.empty(height, np.int32)
    mark[rows] = place
    last = mark[rows] == place
    out[rows[last]] += g[last]
    rest = np.flatnonzero(~last)
    if len(rest):
        flat = (rows[rest, None] * width + np.arange(width)).reshape(-1)
        np.add.at(out.reshape(-1), flat, g[rest].reshape(-1))


@primitive(broadcasts=True)
def index_put(x, value, *, index, accumulate=False):
    """``x`` with ``value`` at ``index`` (index arrays or masks)."""
    out = np.array(x)
    _index_put_into(out, value, index=index, accumulate=accumulate)
    return out


def _index_put_into(x, value, *, index, accumulate=False):
    value = np.asarray(value).astype(x.dtype, copy=False)
    try:
        if accumulate:
            np.add.at(x, index, value)
        else:
            x[index] = value
    except IndexError as error:
        raise _torch_words(error) from None


index_put.primitive.into = _index_put_into
index_put.vjp(
    x=lambda g, index, accumulate: g if accumulate else index_put(g, 0.0, index=index),
    value=lambda g, index: take_index(g, index=index),
)

# -- along one dimension ---------------------------------------------------------------------------


def _along(name, ndim, dim, index, size):
    """The checked axis and the index as one line of non-negative integers."""
    axis = axis_of(dim, ndim)
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    if index.dtype.kind not in "iu":
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    index = index.reshape(-1)
    if index.size and (index.min() < -size or index.max() >= size):
        raise IndexError("index out of range in self")
    return axis, index


def _at(axis, index):
    return (slice(None),) * axis + (index,)


@primitive(nondiff=("index",))
def index_select(x, index, *, dim):
    """Slices of ``x`` along ``dim`` at a vector of indices."""
    axis, rows = _along("index_select", x.ndim, dim, index, x.shape[axis_of(dim, x.ndim)] if x.ndim else 1)
    if rows.size and rows.min() < 0:
        raise IndexError("index out of range in self")
    return x.take(rows, axis) if x.ndim else x.copy()


index_select.vjp(x=lambda g, x_shape, index, dim: _unselect_rows(g, index, shape=x_shape, dim=dim))


@primitive(nondiff=("index",))
def _unselect_rows(g, index, *, shape, dim):
    """Zeros of ``shape`` to which slices of ``g`` are added along ``dim``."""
    out = np.zeros(shape, g.dtype)
    _add_slices(out, axis_of(dim, len(shape)), index.reshape(-1), g)
    return out


_unselect_rows.vjp(g=lambda g, index, dim: index_select(g, index, dim=dim))


def _add_slices(out, axis, rows, g):
    if not out.ndim:
        out[...] = out | g.any() if out.dtype == bool else out + g.sum(dtype=out.dtype)
    elif axis == 0 and out.flags.c_contiguous and out.size:
        width = out.size // len(out)
        add_rows(out.reshape(-1, width), rows, np.ascontiguousarray(g).reshape(-1, width))
    else:
        np.add.at(out, _at(axis, rows), g)


@primitive(nondiff=("index",))
def index_add(x, index, source, *, dim, alpha=1):
    """A copy of ``x`` to which slices of ``source`` are added along ``dim``; repetitions add up."""
    axis, rows = _along("index_add", x.ndim, dim, index, x.shape[axis_of(dim, x.ndim)] if x.ndim else 1)
    if x.dtype != source.dtype:
        raise RuntimeError("index_add_(): self and source expected to have the same dtype, but got (self) "
                           f"{x.dtype} and (source) {source.dtype}")  # fmt: skip
    if x.ndim and source.ndim and source.shape[axis] != rows.size:
        raise RuntimeError("index_add_(): Number of indices should be equal to source.size(dim)")
    whole = x.shape[:axis] + (rows.size,) + x.shape[axis + 1 :] if x.ndim else ()
    if source.ndim and source.shape != whole and x.ndim:
        raise RuntimeError("source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
                           f"{list(x.shape)} source.shape = {list(source.shape)}")  # fmt: skip
    out = np.array(x, order="C")
    _add_slices(out, axis, rows, source if alpha == 1 else source * np.asarray(alpha).astype(x.dtype))
    return out


index_add.vjp(
    x=lambda g: g,
    source=lambda g, index, source_shape, dim, alpha: (
        reshape(index_select(g, index, dim=dim), shape=source_shape) * alpha
    ),
)


@primitive(nondiff=("index",))
def index_copy(x, index, source, *, dim):
    """A copy of ``x`` in which slices along ``dim`` are those of ``source``."""
    axis, rows = _along("index_copy", x.ndim, dim, index, x.shape[axis_of(dim, x.ndim)] if x.ndim else 1)
    if x.dtype != source.dtype:
        raise RuntimeError("index_copy_(): self and source expected to have the same dtype, but got (self) "
                           f"{x.dtype} and (source) {source.dtype}")  # fmt: skip
    if source.ndim and source.shape[axis] != rows.size:
        raise IndexError("index_copy_(): Number of indices should be equal to source.size(dim)")
    out = np.array(x)
    out[_at(axis, rows) if x.ndim else ...] = source if x.ndim else source.reshape(())
    return out


index_copy.vjp(
    x=lambda g, index, dim: index_fill(g, index, 0.0, dim=dim),
    source=lambda g, index, source_shape, dim: reshape(index_select(g, index, dim=dim), shape=source_shape),
)


@primitive(nondiff=("index",))
def index_fill(x, index, value, *, dim):
    """A copy of ``x`` in which slices along ``dim`` are ``value``."""
    axis, rows = _along("index_fill", x.ndim, dim, index, x.shape[axis_of(dim, x.ndim)] if x.ndim else 1)
    if np.ndim(value):
        raise RuntimeError("index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                           f"{np.ndim(value)} dimension(s).")  # fmt: skip
    out = np.array(x)
    out[_at(axis, rows) if x.ndim else ...] = value
    return out


index_fill.vjp(
    x=lambda g, index, dim: index_fill(g, index, 0.0, dim=dim),
    value=lambda g, index, dim: sum_to(g - index_fill(g, index, 0.0, dim=dim), shape=()),
)

# -- masks and flat places -------------------------------------------------------------------------


@primitive(nondiff=("mask",))
def masked_select(x, mask):
    """The elements of ``x`` where ``mask`` is true, as a vector."""
    _need_mask("masked_select", mask)
    x, mask = np.broadcast_arrays(x, mask)
    return x[mask]


def _need_mask(name, mask):
    if mask.dtype != bool:
        raise RuntimeError(f"{name}: expected BoolTensor for mask, but got {mask.dtype}")


def _masked_select_vjp(g, x_shape, mask):
    return sum_to(_unmask(g, mask, shape=broadcast_shape(x_shape, mask.shape)), shape=x_shape)


masked_select.vjp(x=_masked_select_vjp)


@primitive(nondiff=("mask",))
def _unmask(g, mask, *, shape):
    """Zeros of ``shape`` with the elements of ``g`` where ``mask`` is true."""
    out = np.zeros(shape, g.dtype)
    out[np.broadcast_to(mask, shape)] = g
    return out


_unmask.vjp(g=lambda g, mask: masked_select(g, mask))


@primitive
def _pad_end(g, *, shape):
    """``g`` in the first corner of zeros of ``shape``."""
    out = np.zeros(shape, g.dtype)
    out[tuple([slice(0, n) for n in g.shape])] = g
    return out


@primitive
def _corner(g, *, shape):
    """The first corner of ``g``: the adjoint of :func:`_pad_end`."""
    return g[tuple([slice(0, n) for n in shape])].copy()


_pad_end.vjp(g=lambda g, g_shape: _corner(g, shape=g_shape))
_corner.vjp(g=lambda g, g_shape: _pad_end(g, shape=g_shape))


@primitive(nondiff=("mask",))
def masked_scatter(x, mask, source):
    """``x`` in which the places where ``mask`` is true take the elements of ``source`` in order."""
    _need_mask("masked_scatter", mask)
    if x.dtype != source.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {x.dtype} and {source.dtype}"
        )
    shape = np.broadcast_shapes(x.shape, mask.shape)
    out, mask = np.array(np.broadcast_to(x, shape)), np.broadcast_to(mask, shape)
    count = np.count_nonzero(mask)
    if count > source.size:
        raise RuntimeError(
            "masked_scatter: expected the source to have at least as many elements as there are ones in mask"
        )
    out[mask] = source.reshape(-1)[:count]
    return out


def _masked_scatter_source(g, mask, source_shape):
    taken = masked_select(g, mask)
    return reshape(_pad_end(taken, shape=(math.prod(source_shape),)), shape=source_shape)


masked_scatter.vjp(x=lambda g, x_shape, mask: sum_to(where(mask, 0.0, g), shape=x_shape), source=_masked_scatter_source)


@primitive(nondiff=("index",))
def take(x, index):
    """Elements of ``x``, seen as one line, at ``index``; the result has its shape."""
    if index.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {index.dtype}")
    try:
        return x.reshape(-1).take(index)
    except IndexError:
        raise IndexError("out of range: tried to access an index outside a tensor of "
                         f"{x.size} elements") from None  # fmt: skip


take.vjp(x=lambda g, x_shape, index: _untake(g, index, shape=x_shape))


@primitive(nondiff=("index",))
def _untake(g, index, *, shape):
    """Zeros of ``shape`` to which ``g`` is added at flat places."""
    out = np.zeros(math.prod(shape), g.dtype)
    np.add.at(out, index.reshape(-1), g.reshape(-1))
    return out.reshape(shape)


_untake.vjp(g=lambda g, index: take(g, index))


@primitive(nondiff=("index",))
def put(x, index, source, *, accumulate=False):
    """A copy of ``x`` with ``source`` at flat places ``index`` (added there with ``accumulate``)."""
    if index.size != source.size:
        raise RuntimeError(f"put_(): Expected source and index to have the same number of elements, but got {source.size} and "
                           f"{index.size}")  # fmt: skip
    out = np.array(x, order="C")
    flat = out.reshape(-1)
    if accumulate:
        np.add.at(flat, index.reshape(-1), source.reshape(-1))
    else:
        flat[index.reshape(-1)] = source.reshape(-1)
    return out


put.vjp(
    x=lambda g, index, accumulate: g if accumulate else put(g, index, take(g, index) * 0),
    source=lambda g, index, source_shape: reshape(take(g, index), shape=source_shape),
)


@primitive(differentiable=False)
def one_hot(x, *, num_classes=-1):
    """A new last dimension with 1 at each value and 0 elsewhere."""
    if x.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not x.size:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return np.zeros((*x.shape, num_classes), np.int64)
    if x.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    top = int(x.max()) + 1
    if num_classes != -1 and num_classes < top:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return np.equal(x[..., None], np.arange(top if num_classes == -1 else num_classes)).astype(np.int64)
