"""Functions that pick elements by index or mask, or put them there."""

import numpy as np

from .. import dtypes
from ..engine import TensorBase, wrap
from ..ops import indexing as ix
from ..ops import scatter as sc
from ..ops import sorting as so
from ..ops.axes import integers
from ._common import apart, into_same, tensor_arg, wrap_dim


def gather(input, dim, index, *, sparse_grad=False, out=None):
    """``out[i][j] = input[index[i][j]][j]`` for ``dim`` 0, and so on.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.gather(tl.tensor([[1, 2], [3, 4]]), 1, tl.tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    if sparse_grad:
        raise NotImplementedError("gather(sparse_grad=True): sparse tensors are not supported")
    if out is not None:
        apart(out, input, index)
    result = sc.gather(tensor_arg(input, "input", "gather"), tensor_arg(index, "index", "gather", 3), dim=dim)
    return result if out is None else into_same(out, result)


def scatter(input, dim, index, src=None, *, value=None, reduce=None, out=None):
    """``out[index[i][j]][j] = src[i][j]`` for ``dim`` 0, over a copy of ``input``; ``src`` may be a number."""
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter() needs src or value")
    if not isinstance(src, TensorBase):
        src = dtypes.number(src, input._data.dtype)
    if reduce is None:
        result = sc.scatter(input, index, src, dim=dim)
    else:
        if reduce not in ("add", "multiply"):
            raise RuntimeError("reduce argument must be either add or multiply.")
        if not isinstance(src, TensorBase):
            import numpy as np

            src = wrap(np.full(index._data.shape, src, input._data.dtype))
        result = scatter_reduce(input, dim, index, src, "sum" if reduce == "add" else "prod")
    return result if out is None else into_same(out, result)


def scatter_add(input, dim, index, src, *, out=None):
    """``out[index[i][j]][j] += src[i][j]`` for ``dim`` 0, over a copy of ``input``."""
    result = sc.scatter_add(input, index, src, dim=dim)
    return result if out is None else into_same(out, result)


def scatter_reduce(input, dim, index, src, reduce, *, include_self=True, out=None):
    """``src`` folded into a copy of ``input``: ``reduce`` is sum, prod, mean, amax or amin."""
    result = sc.scatter_reduce(input, index, src, dim=dim, reduce=reduce, include_self=include_self)
    return result if out is None else into_same(out, result)


def index_select(input, dim, index, *, out=None):
    """Slices of ``input`` along ``dim`` at a vector of indices."""
    result = ix.index_select(tensor_arg(input, "input", "index_select"), index, dim=dim)
    return result if out is None else into_same(out, result)


def index_add(input, dim, index, source, *, alpha=1, out=None):
    """A copy of ``input`` to which slices of ``source`` are added along ``dim``."""
    result = ix.index_add(input, index, source, dim=dim, alpha=alpha)
    return result if out is None else into_same(out, result)


def index_copy(input, dim, index, source, *, out=None):
    """A copy of ``input`` in which slices along ``dim`` are those of ``source``."""
    result = ix.index_copy(input, index, source, dim=dim)
    return result if out is None else into_same(out, result)


def index_reduce(input, dim, index, source, reduce, *, include_self=True, out=None):
    """Slices of ``source`` folded into a copy of ``input`` along ``dim``: ``reduce`` is prod, mean, amax or amin."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    if input._data.dtype != source._data.dtype:
        raise RuntimeError("index_reduce(): self and source expected to have the same dtype, but got (self) "
                           f"{input.dtype} and (source) {source.dtype}")  # fmt: skip
    if index._data.ndim > 1:
        raise IndexError("index_reduce(): Index is supposed to be a vector")
    if index._data.dtype not in (np.int32, np.int64):
        raise RuntimeError("index_reduce(): Expected dtype int32/int64 for index")
    axis, rows = wrap_dim(dim, input._data.ndim), index._data.reshape(-1)
    if source._data.ndim and rows.size != source._data.shape[axis]:
        raise RuntimeError("index_reduce(): Number of indices should be equal to self.size(dim)")
    at = (
        rows.reshape([-1 if d == axis else 1 for d in range(source._data.ndim)])
        if source._data.ndim
        else rows.reshape(())
    )
    index = wrap(np.broadcast_to(at, source._data.shape).copy())
    result = sc.scatter_reduce(input, index, source, dim=axis, reduce=reduce, include_self=include_self)
    return result if out is None else into_same(out, result)


def nonzero_static(input, *, size, fill_value=-1):
    """The first ``size`` rows of :func:`nonzero`; ``fill_value`` where there are fewer."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, but got {size}")
    found = so.nonzero(tensor_arg(input, "input", "nonzero_static"))._data
    rows = np.full((size, found.shape[1]), fill_value, np.int64)
    rows[: len(found)] = found[:size]
    return wrap(rows)


def index_fill(input, dim, index, value):
    """A copy of ``input`` in which slices along ``dim`` are ``value``."""
    return ix.index_fill(input, index, dtypes.number(value, input._data.dtype), dim=dim)


def index_put(input, indices, values, accumulate=False):
    """A copy of ``input`` in which the places that a tuple of index tensors names are ``values``."""
    arrays = tuple([slice(None) if i is None else i._data.copy() for i in indices])
    if isinstance(values, TensorBase):
        ix.check_dtypes(input, values)
    return ix.index_put(input, values, index=arrays, accumulate=accumulate)


def masked_select(input, mask, *, out=None):
    """The elements where ``mask`` holds, as a vector."""
    if out is not None:
        apart(out, input, mask)
    result = ix.masked_select(tensor_arg(input, "input", "masked_select"), tensor_arg(mask, "mask", "masked_select", 2))
    return result if out is None else into_same(out, result)


def masked_scatter(input, mask, source):
    """The places where ``mask`` holds take the elements of ``source`` in order."""
    return ix.masked_scatter(input, mask, source)


def take(input, index, *, out=None):
    """Elements of the flat ``input`` at ``index``; the result has its shape."""
    if out is not None:
        apart(out, input, index)
    result = ix.take(tensor_arg(input, "input", "take"), tensor_arg(index, "index", "take", 2))
    return result if out is None else into_same(out, result)


def take_along_dim(input, indices, dim=None, *, out=None):
    """Elements at ``indices`` along ``dim`` (of the flat tensor without it); the other dimensions broadcast."""
    result = sc.take_along_dim(input, indices, dim)
    return result if out is None else into_same(out, result)


def put(input, index, source, accumulate=False):
    """A copy of ``input`` with ``source`` at flat places ``index``."""
    return ix.put(input, index, source, accumulate=accumulate)


def nonzero(input, *, out=None, as_tuple=False):
    """Where elements are not zero: a matrix with a row per place, or a tuple with a vector per dimension.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nonzero(tl.tensor([0, 3, 0, 4]))
    tensor([[1],
            [3]])
    """
    tensor_arg(input, "input", "nonzero")
    if as_tuple:
        import numpy as np

        if out is not None:
            raise RuntimeError("nonzero does not support the out kwarg when as_tuple is True")
        return tuple([wrap(i) for i in np.nonzero(np.atleast_1d(input._data))])
    result = so.nonzero(input)
    return result if out is None else into_same(out, result)


def argwhere(input):
    """Where elements are not zero: a matrix with a row per place."""
    return so.nonzero(tensor_arg(input, "input", "argwhere"))


select_scatter, slice_scatter, diagonal_scatter = sc.select_scatter, sc.slice_scatter, sc.diagonal_scatter


def unravel_index(indices, shape):
    """Coordinates of flat ``indices`` in a tensor of ``shape``, one tensor per dimension."""
    shape = integers(shape)
    flat = tensor_arg(indices, "indices", "unravel_index")._data
    if flat.dtype.kind not in "iu":
        raise ValueError(f"expected 'indices' to be an integer dtype, but got {indices.dtype}")
    return tuple([wrap(a) for a in np.unravel_index(flat, shape)])
