"""Gathering and scattering along one dimension."""

import numpy as np

from ..engine import TensorBase, broadcast_to, cast, primitive, sum_to, unwrap
from .axes import axis_of
from .compare import where
from .indexing import _corner, _pad_end, index_copy
from .reduction import no_zero
from .shape import _undiagonal, broadcast_shape, expand_dims, reshape

ndarray = np.ndarray


def _check_index(name, shape, index, axis, src_shape=None):
    """What PyTorch asks of gather's and scatter's index."""
    if index.size and (index.dtype.kind != "i" or index.dtype.itemsize < 4):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    ndim = len(shape)
    if index.size and max(index.ndim, 1) != max(ndim, 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {'input' if src_shape is None else 'self'}"
                           " tensor")  # fmt: skip
    if not index.size:
        return
    for d in range(index.ndim):
        if (d != axis and index.shape[d] > shape[d]) or (src_shape is not None and index.shape[d] > src_shape[d]):
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                f"{list(shape)} apart from dimension {axis}"
                + ("" if src_shape is None else f" and to be no larger than src {list(src_shape)}")
            )
    n = shape[axis] if ndim else 1
    low, high = index.min(), index.max()
    if low < 0 or high >= n:
        raise RuntimeError(f"index {low if low < 0 else high} is out of bounds for dimension {axis} with size {n}")


def _places(shape, index, axis):
    """The flat places in an array of ``shape`` that ``index`` along ``axis`` names."""
    if not shape:
        return index.reshape(index.shape)
    out, stride = 0, 1
    for d in reversed(range(len(shape))):
        if d == axis:
            at = index
        else:
            at = np.arange(index.shape[d]).reshape([-1 if i == d else 1 for i in range(len(shape))])
        out = out + at * stride
        stride *= shape[d]
    return out


@primitive(nondiff=("index",))
def gather(x, index, *, dim):
    """``out[i][j] = x[index[i][j]][j]`` for ``dim`` 0, and so on."""
    axis = axis_of(dim, x.ndim)
    _check_index("gather", x.shape, index, axis)
    if not index.size:
        return np.empty(index.shape, x.dtype)
    if not x.ndim:
        return np.broadcast_to(x, index.shape).copy()
    if index.shape[:axis] != x.shape[:axis] or index.shape[axis + 1 :] != x.shape[axis + 1 :]:
        x = x[tuple([slice(None) if d == axis else slice(0, n) for d, n in enumerate(index.shape)])]
    return np.take_along_axis(x, index, axis)


gather.vjp(x=lambda g, x_shape, index, dim: _ungather(g, index, shape=x_shape, dim=dim))


@primitive(nondiff=("index",))
def _ungather(g, index, *, shape, dim):
    """Zeros of ``shape`` with ``g`` added at ``index`` along ``dim``."""
    out = np.zeros(shape, g.dtype)
    if index.size:
        np.add.at(out.reshape(-1), _places(shape, index, axis_of(dim, len(shape))).reshape(-1), g.reshape(-1))
    return out


_ungather.vjp(g=lambda g, index, dim: gather(g, index, dim=dim))


def _part(src, index):
    """The part of ``src`` that ``index`` has a place for."""
    if src.shape == index.shape or not src.ndim:
        return src
    return src[tuple([slice(0, n) for n in index.shape])]


@primitive(nondiff=("index",))
def scatter(x, index, src, *, dim):
    """``out[index[i][j]][j] = src[i][j]`` for ``dim`` 0, over a copy of ``x``; ``src`` may be a number."""
    out = np.array(x)
    _scatter_into(out, index, src, dim=dim)
    return out


def _scatter_into(x, index, src, *, dim):
    axis = axis_of(dim, x.ndim)
    number = not isinstance(src, ndarray) or (not src.ndim and index.ndim)
    _check_index("scatter", x.shape, index, axis, None if number else src.shape)
    if not number and src.dtype != x.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if index.size:
        values = src if number else np.broadcast_to(_part(src, index), index.shape).reshape(-1)
        flat = x.reshape(-1) if x.flags.c_contiguous else None
        places = _places(x.shape, index, axis).reshape(-1)
        if flat is None:
            x[np.unravel_index(places, x.shape)] = values
        else:
            flat[places] = values


scatter.primitive.into = _scatter_into
scatter.vjp(
    x=lambda g, index, dim: scatter(g, index, 0.0, dim=dim),
    src=lambda g, src_shape, index, dim: _from_part(gather(g, index, dim=dim), src_shape),
)


def _from_part(g, shape):
    """The gradient of a whole ``src`` of which the first part was used."""
    if g.shape == shape:
        return g
    if not shape:
        return sum_to(g, shape=())
    return _pad_end(g, shape=shape)


@primitive(nondiff=("index",))
def scatter_add(x, index, src, *, dim):
    """``out[index[i][j]][j] += src[i][j]`` for ``dim`` 0, over a copy of ``x``; repetitions add up."""
    out = np.array(x)
    _scatter_add_into(out, index, src, dim=dim)
    return out


def _scatter_add_into(x, index, src, *, dim):
    axis = axis_of(dim, x.ndim)
    _check_index("scatter_add", x.shape, index, axis, src.shape)
    if src.dtype != x.dtype:
        raise RuntimeError("scatter_add(): Expected self.dtype to be equal to src.dtype")
    if not index.size:
        return
    places, values = _places(x.shape, index, axis).reshape(-1), _part(src, index).reshape(-1)
    if x.flags.c_contiguous:
        np.add.at(x.reshape(-1), places, values)
    else:
        np.add.at(x, np.unravel_index(places, x.shape), values)


scatter_add.primitive.into = _scatter_add_into
scatter_add.vjp(
    x=lambda g: g, src=lambda g, src_shape, index, dim: _from_part(gather(g, index, dim=dim), src_shape)
)  # fmt: skip

_FOLD = {"sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum, "mean": np.add}
_NEUTRAL = {"sum": 0, "mean": 0, "prod": 1}


def _neutral(reduce, dtype):
    if reduce in _NEUTRAL:
        return _NEUTRAL[reduce]
    if dtype.kind == "b":
        return reduce == "amin"
    info = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    low, high = (-np.inf, np.inf) if dtype.kind == "f" else (info.min, info.max)
    return low if reduce == "amax" else high


@primitive(nondiff=("index",))
def scatter_reduce(x, index, src, *, dim, reduce, include_self=True):
    """``src`` folded into a copy of ``x`` at ``index`` by sum, prod, mean, amax or amin."""
    if reduce not in _FOLD:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    axis = axis_of(dim, x.ndim)
    _check_index("scatter_reduce", x.shape, index, axis, src.shape)
    if src.dtype != x.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    out = np.array(x, order="C")
    if index.size:
        places, flat = _places(x.shape, index, axis).reshape(-1), out.reshape(-1)
        if not include_self:
            flat[places] = _neutral(reduce, x.dtype)
        _FOLD[reduce].at(flat, places, _part(src, index).reshape(-1))
        if reduce == "mean":
            count = np.full(flat.shape, int(include_self), np.int64)
            np.add.at(count, places, 1)
            count = np.maximum(count, 1).astype(x.dtype)
            flat[...] = flat / count if x.dtype.kind in "fc" else np.floor_divide(flat, count)
    return out


def _ones(x):
    """A constant array of ones like ``x``."""
    return np.ones_like(unwrap(x))


def _scatter_reduce_vjp(g, x, index, src, out, dim, reduce, include_self, needs):
    """From the shares that ``x`` and ``src`` have in each result."""
    one, kept = _ones(src), _ones(x)
    if not include_self:
        kept = scatter(kept, index, 0.0, dim=dim)
    if reduce == "sum":
        return g * kept, None, _from_part(gather(g, index, dim=dim), src.shape)
    if reduce == "mean":
        count = scatter_add(kept, index, one, dim=dim)
        g = g / where(count == 0, 1.0, count)
        return g * kept, None, _from_part(gather(g, index, dim=dim), src.shape)
    if reduce == "prod":
        part = reshape_part(src, index)
        if no_zero(x) and no_zero(src):
            return g * kept * out / x, None, _from_part(gather(g * out, index, dim=dim) / part, src.shape)
        if isinstance(g, TensorBase):
            raise NotImplementedError("gradients of gradients (create_graph=True) of scatter_reduce(reduce='prod') are not "
                                      "supported where elements are zero")  # fmt: skip
        # products without zeros, and how many zeros each place has: a single one gets the product of the others
        filled, self_ = where(part == 0, 1.0, part), where(x == 0, 1.0, x)
        product = g * scatter_reduce(self_, index, filled, dim=dim, reduce="prod", include_self=include_self)
        holes = scatter_add(where(x == 0, kept, 0.0), index, where(part == 0, reshape_part(one, index), 0.0), dim=dim)
        none, single = where(holes == 0, product, 0.0), where(holes == 1, product, 0.0)
        of_src = where(part == 0, gather(single, index, dim=dim), gather(none, index, dim=dim) / filled)
        return where(x == 0, single, none / self_) * kept, None, _from_part(of_src, src.shape)
    part = reshape_part(src, index)
    hit, own = where(part == gather(out, index, dim=dim), reshape_part(one, index), 0.0), where(x == out, kept, 0.0)
    count = scatter_add(own, index, hit, dim=dim)
    g = g / where(count == 0, 1.0, count)
    return g * own, None, _from_part(gather(g, index, dim=dim) * hit, src.shape)


def reshape_part(src, index):
    """The part of ``src`` that ``index`` has a place for, on the tape."""
    return src if src.shape == index.shape else _corner(src, shape=index.shape)


scatter_reduce.joint_vjp(_scatter_reduce_vjp)


def take_along_dim(input, indices, dim=None):
    """Elements of ``input`` at ``indices`` along ``dim`` (of the flat tensor without it); the others broadcast."""
    if dim is None:
        return gather(reshape(input, shape=(-1,)), unwrap(indices).reshape(-1).copy(), dim=0)
    index = unwrap(indices)
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long or Int but got {index.dtype}")
    if index.ndim != len(input.shape):
        raise RuntimeError("torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
                           f"{len(input.shape)} dimensions for input, and {index.ndim} dimensions for indices")  # fmt: skip
    axis = axis_of(dim, len(input.shape))
    shape = list(broadcast_shape([1 if i == axis else n for i, n in enumerate(input.shape)],
                                 [1 if i == axis else n for i, n in enumerate(index.shape)]))  # fmt: skip
    wide = tuple([input.shape[axis] if i == axis else n for i, n in enumerate(shape)])
    index = np.broadcast_to(index, [index.shape[axis] if i == axis else n for i, n in enumerate(shape)])
    if index.size and index.min() < 0:
        index = np.where(index < 0, index + wide[axis], index)
    elif index.base is not None:  # the tape keeps it; ``indices`` may change
        index = index.copy()
    return gather(input if input.shape == wide else broadcast_to(input, shape=wide), index, dim=axis)


# -- parts replaced --------------------------------------------------------------------------------


def select_scatter(input, src, dim, index):
    """A copy of ``input`` in which the slice ``index`` of ``dim`` is ``src``."""
    axis = axis_of(dim, len(input.shape))
    n = input.shape[axis]
    if not -n <= index < n:
        raise IndexError(
            f"select_scatter(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    if tuple(src.shape) != (*input.shape[:axis], *input.shape[axis + 1 :]):
        raise RuntimeError("expected src to have a size equal to the slice of self. src size = "
                           f"{list(src.shape)}, slice size = {list(input.shape[:axis] + input.shape[axis + 1 :])}")  # fmt: skip
    src = cast(src, dtype=unwrap(input).dtype)
    return index_copy(input, np.array([index % n]), expand_dims(src, dim=axis), dim=axis)


def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """A copy of ``input`` in which the slice ``start:end:step`` of ``dim`` is ``src``."""
    axis = axis_of(dim, len(input.shape))
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    at = np.arange(*slice(start, end, step).indices(input.shape[axis]))
    if tuple(src.shape) != (*input.shape[:axis], len(at), *input.shape[axis + 1 :]):
        raise RuntimeError("expected src to have a size equal to the slice of self. src size = "
                           f"{list(src.shape)}, the slice has {len(at)} places in dimension {axis}")  # fmt: skip
    return index_copy(input, at, cast(src, dtype=unwrap(input).dtype), dim=axis)


def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """A copy of ``input`` in which a diagonal is ``src``."""
    shape = tuple(input.shape)
    a, b = axis_of(dim1, len(shape)), axis_of(dim2, len(shape))
    size = np.diagonal(np.broadcast_to(False, shape), offset, a, b).shape
    if tuple(src.shape) != size:
        raise RuntimeError("expected src to have a size equal to the slice of self. src size = "
                           f"{list(src.shape)}, slice size = {list(size)}")  # fmt: skip
    place = _undiagonal(np.ones(size, bool), shape=shape, offset=offset, dim1=a, dim2=b)
    src = cast(src, dtype=unwrap(input).dtype)
    return where(place, _undiagonal(src, shape=shape, offset=offset, dim1=a, dim2=b), input)
