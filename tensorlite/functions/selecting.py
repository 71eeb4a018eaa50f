"""Functions that pick elements by index or mask, or put them there."""

from __future__ import annotations

import numpy as np

from ..engine import TensorBase, wrap
from ..ops import indexing as ix
from ..ops import scatter as sc
from ..ops import sorting as so
from ._common import into, tensor_arg


def gather(input, dim, index, *, sparse_grad=False, out=None):
    """``out[i][j] = input[index[i][j]][j]`` for ``dim`` 0, and so on."""
    if sparse_grad:
        raise NotImplementedError("gather(sparse_grad=True): sparse tensors are not supported")
    result = sc.gather(tensor_arg(input, "input", "gather"), tensor_arg(index, "index", "gather", 3), dim=dim)
    return result if out is None else into(out, result)


def scatter(input, dim, index, src=None, *, value=None, reduce=None, out=None):
    """``out[index[i][j]][j] = src[i][j]`` for ``dim`` 0, over a copy of ``input``; ``src`` may be a number."""
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter() needs src or value")
    if reduce is None:
        result = sc.scatter(input, index, src, dim=dim)
    else:
        if reduce not in ("add", "multiply"):
            raise RuntimeError("reduce argument must be either add or multiply.")
        if not isinstance(src, TensorBase):
            import numpy as np

            src = wrap(np.full(index._data.shape, src, input._data.dtype))
        result = scatter_reduce(input, dim, index, src, "sum" if reduce == "add" else "prod")
    return result if out is None else into(out, result)


def scatter_add(input, dim, index, src, *, out=None):
    """``out[index[i][j]][j] += src[i][j]`` for ``dim`` 0, over a copy of ``input``."""
    result = sc.scatter_add(input, index, src, dim=dim)
    return result if out is None else into(out, result)


def scatter_reduce(input, dim, index, src, reduce, *, include_self=True, out=None):
    """``src`` folded into a copy of ``input``: ``reduce`` is sum, prod, mean, amax or amin."""
    result = sc.scatter_reduce(input, index, src, dim=dim, reduce=reduce, include_self=include_self)
    return result if out is None else into(out, result)


def index_select(input, dim, index, *, out=None):
    """Slices of ``input`` along ``dim`` at a vector of indices."""
    result = ix.index_select(tensor_arg(input, "input", "index_select"), index, dim=dim)
    return result if out is None else into(out, result)


def index_add(input, dim, index, source, *, alpha=1, out=None):
    """A copy of ``input`` to which slices of ``source`` are added along ``dim``."""
    result = ix.index_add(input, index, source, dim=dim, alpha=alpha)
    return result if out is None else into(out, result)


def index_copy(input, dim, index, source, *, out=None):
    """A copy of ``input`` in which slices along ``dim`` are those of ``source``."""
    result = ix.index_copy(input, index, source, dim=dim)
    return result if out is None else into(out, result)


def index_fill(input, dim, index, value):
    """A copy of ``input`` in which slices along ``dim`` are ``value``."""
    return ix.index_fill(input, index, value, dim=dim)


def index_put(input, indices, values, accumulate=False):
    """A copy of ``input`` in which the places that a tuple of index tensors names are ``values``."""
    arrays = tuple([slice(None) if i is None else i._data.copy() for i in indices])
    return ix.index_put(input, values, index=arrays, accumulate=accumulate)


def masked_select(input, mask, *, out=None):
    """The elements where ``mask`` holds, as a vector."""
    result = ix.masked_select(tensor_arg(input, "input", "masked_select"), tensor_arg(mask, "mask", "masked_select", 2))
    return result if out is None else into(out, result)


def masked_scatter(input, mask, source):
    """The places where ``mask`` holds take the elements of ``source`` in order."""
    return ix.masked_scatter(input, mask, source)


def take(input, index):
    """Elements of the flat ``input`` at ``index``; the result has its shape."""
    return ix.take(tensor_arg(input, "input", "take"), tensor_arg(index, "index", "take", 2))


def take_along_dim(input, indices, dim=None, *, out=None):
    """Elements at ``indices`` along ``dim`` (of the flat tensor without it); the other dimensions broadcast."""
    result = sc.take_along_dim(input, indices, dim)
    return result if out is None else into(out, result)


def put(input, index, source, accumulate=False):
    """A copy of ``input`` with ``source`` at flat places ``index``."""
    return ix.put(input, index, source, accumulate=accumulate)


def nonzero(input, *, out=None, as_tuple=False):
    """Where elements are not zero: a matrix with a row per place, or a tuple with a vector per dimension."""
    tensor_arg(input, "input", "nonzero")
    if as_tuple:
        import numpy as np

        return tuple([wrap(i) for i in np.nonzero(np.atleast_1d(input._data))])
    result = so.nonzero(input)
    return result if out is None else into(out, result)


def argwhere(input):
    """Where elements are not zero: a matrix with a row per place."""
    return so.nonzero(tensor_arg(input, "input", "argwhere"))


select_scatter, slice_scatter, diagonal_scatter = sc.select_scatter, sc.slice_scatter, sc.diagonal_scatter


def unravel_index(indices, shape):
    """Coordinates of flat ``indices`` in a tensor of ``shape``, one tensor per dimension."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    flat = tensor_arg(indices, "indices", "unravel_index")._data
    if flat.dtype.kind not in "iu":
        raise ValueError(f"expected 'indices' to be an integer dtype, but got {indices.dtype}")
    return tuple([wrap(a) for a in np.unravel_index(flat, shape)])
