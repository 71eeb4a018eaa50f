"""More shapes: diagonals, triangles, grids, turns, strided views, stacks and splits of every direction."""

import functools

import numpy as np

from ..engine import TensorBase
from ..engine.plan import called
from ..ops import arrange, strides
from ..ops import shape as sh
from ..ops.axes import integers
from ._common import into, into_same, sizes_of, spelled, tensor_arg
from .shaping import settle


def _settled(function):
    """``function`` of a tensor whose memory is in C order, because the result may be a view of it."""

    @functools.wraps(function)
    def wrapper(input, *args, **kwargs):
        return function(settle(tensor_arg(input, "input", function.__name__)), *args, **kwargs)

    return wrapper


def _split(function):
    """``function`` under PyTorch's overloads ``sections=``, ``indices=`` and ``tensor_indices_or_sections=``."""
    settled = _settled(function)

    @functools.wraps(function)
    def wrapper(input, *args, **kwargs):
        for name in {"sections", "indices", "tensor_indices_or_sections"}.intersection(kwargs):
            kwargs["indices_or_sections"] = kwargs.pop(name)
        return settled(input, *args, **kwargs)

    return wrapper


movedim = moveaxis = _settled(arrange.movedim)
tensor_split = spelled(_split(arrange.tensor_split))
hsplit = _split(arrange.hsplit)
vsplit = _split(arrange.vsplit)
dsplit = _split(arrange.dsplit)
as_strided = _settled(strides.as_strided)
rot90 = _settled(arrange.rot90)
fliplr = _settled(arrange.fliplr)
flipud = _settled(arrange.flipud)
repeat_interleave = _settled(arrange.repeat_interleave)
combinations = _settled(arrange.combinations)
diag_embed = _settled(sh.diag_embed)
diagflat = _settled(sh.diagflat)
vander = arrange.vander
atleast_1d = arrange.atleast_1d
atleast_2d = arrange.atleast_2d
atleast_3d = arrange.atleast_3d
cartesian_prod = arrange.cartesian_prod
block_diag = arrange.block_diag
broadcast_tensors = arrange.broadcast_tensors


def broadcast_shapes(*shapes):
    """The common shape of arrays of the given shapes."""
    from .._device import Size

    return Size(sh.broadcast_shape(*[integers(s) for s in shapes]))


def meshgrid(*tensors, indexing=None):
    """Coordinates of a grid, one tensor per vector; ``indexing`` 'ij' (default) or 'xy'.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.meshgrid(tl.arange(2), tl.arange(3), indexing="ij")[1]
    tensor([[0, 1, 2],
            [0, 1, 2]])
    """
    if indexing is None:
        import warnings

        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            UserWarning, stacklevel=2)  # fmt: skip
    return arrange.meshgrid(*tensors, indexing=indexing or "ij")


def _joined(function):
    @functools.wraps(function)
    def wrapper(tensors, *, out=None):
        result = function(tensors)
        return result if out is None else into(out, result)

    return wrapper


hstack = _joined(arrange.hstack)
vstack = row_stack = _joined(arrange.vstack)
dstack = _joined(arrange.dstack)
column_stack = _joined(arrange.column_stack)


def roll(input, shifts, dims=None):
    """Elements shifted along ``dims`` (of the flat tensor without it); what leaves one end enters at the other.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.roll(tl.arange(4), 1)
    tensor([3, 0, 1, 2])
    """
    if dims is not None and integers(dims) and not tensor_arg(input, "input", "roll")._data.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return sh.roll(tensor_arg(input, "input", "roll"), shifts=shifts, dims=dims)


def unfold(input, dimension, size, step):
    """Windows of ``size`` elements along ``dimension``, ``step`` apart, in a new last dimension: a view."""
    return strides.unfold(settle(input), dimension=dimension, size=size, step=step)


def diagonal(input, offset=0, dim1=0, dim2=1):
    """A view of the diagonal in the plane of two dimensions, as a last dimension."""
    return sh.diagonal(settle(tensor_arg(input, "input", "diagonal")), offset=offset, dim1=dim1, dim2=dim2)


def diag(input, diagonal=0, *, out=None):
    """The diagonal of a matrix, or a matrix with the given diagonal.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.diag(tl.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    result = sh.diag(settle(tensor_arg(input, "input", "diag")), diagonal)
    return result if out is None else into_same(out, result)


def tril(input, diagonal=0, *, out=None):
    """The lower triangle; zeros above ``diagonal``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.tril(tl.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    result = sh.tril(tensor_arg(input, "input", "tril"), diagonal=diagonal)
    return result if out is None else into_same(out, result)


def triu(input, diagonal=0, *, out=None):
    """The upper triangle; zeros below ``diagonal``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.triu(tl.ones(2, 2))
    tensor([[1., 1.],
            [0., 1.]])
    """
    result = sh.triu(tensor_arg(input, "input", "triu"), diagonal=diagonal)
    return result if out is None else into_same(out, result)


def trace(input):
    """The sum of a matrix's diagonal."""
    from .reducing import sum

    if tensor_arg(input, "input", "trace")._data.ndim != 2:
        raise RuntimeError("trace: expected a matrix")
    return called(sum(diagonal(input)), "TraceBackward0")


def sum_to_size(input, *sizes, size=None):
    """The sum over the dimensions that ``size`` broadcasts."""
    from ..engine import cast, sum_to

    size = sizes_of(sizes, size)
    if input._data.dtype.kind in "bui" and (input._data.shape != size or not size):
        input = cast(input, dtype=np.dtype(np.int64))  # as every sum of integers
    return sum_to(input, shape=size)


def is_same_size(input, other):
    """Whether two tensors have the same size."""
    return isinstance(other, TensorBase) and input._data.shape == other._data.shape
