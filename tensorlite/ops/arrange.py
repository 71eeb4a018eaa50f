"""Functions that arrange tensors out of the primitives in ``shape``: stacking, splitting, turning, combining."""

import itertools
import math

import numpy as np

from .. import dtypes
from ..engine import broadcast_to, primitive, unwrap, wrap
from .axes import axis_of, integers
from .indexing import index_select
from .shape import (
    broadcast_shape,
    cat,
    expand_dims,
    flip,
    narrow,
    permute,
    repeat,
    reshape,
    stack,
    swapaxes,
)


def _ndim(x):
    return len(x.shape)


# -- moving dimensions -----------------------------------------------------------------------------


def movedim(input, source, destination):
    """Dimensions ``source`` moved to the places ``destination``; the others keep their order."""
    source, destination = integers(source), integers(destination)
    n = _ndim(input)
    if len(source) != len(destination):
        raise RuntimeError("movedim: Invalid source or destination dims: source "
                           f"({list(source)} dims) should contain the same number of dims as destination "
                           f"({list(destination)} dims)")  # fmt: skip
    source, destination = [axis_of(d, n) for d in source], [axis_of(d, n) for d in destination]
    for what, dims in (("source", source), ("destination", destination)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({dims})")
    if not n:
        return input
    order = [d for d in range(n) if d not in source]
    for to, d in sorted(zip(destination, source)):
        order.insert(to, d)
    return permute(input, dims=tuple(order))


moveaxis = movedim


def swapdims(input, dim0, dim1):
    """Two dimensions exchanged."""
    return swapaxes(input, dim0=dim0, dim1=dim1)


def atleast_1d(*tensors):
    """Each tensor with at least one dimension."""
    return _each(lambda t: t if _ndim(t) else reshape(t, shape=(1,)), tensors)


def atleast_2d(*tensors):
    """Each tensor with at least two dimensions; a vector becomes a row."""
    return _each(lambda t: t if _ndim(t) > 1 else reshape(t, shape=(1, -1)), tensors)


def atleast_3d(*tensors):
    """Each tensor with at least three dimensions; a matrix gets a last one."""

    def three(t):
        if _ndim(t) == 2:
            return expand_dims(t, dim=2)
        return t if _ndim(t) > 2 else reshape(t, shape=(1, -1, 1))

    return _each(three, tensors)


def _each(fn, tensors):
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        return tuple([fn(t) for t in tensors[0]])
    return fn(tensors[0]) if len(tensors) == 1 else tuple([fn(t) for t in tensors])


# -- joining and splitting -------------------------------------------------------------------------


def hstack(tensors):
    """Tensors side by side: joined along the second dimension, vectors along their only one."""
    tensors = atleast_1d(tuple(tensors))
    return cat(*tensors, dim=0 if _ndim(tensors[0]) == 1 else 1)


def vstack(tensors):
    """Tensors on top of each other; vectors become rows."""
    return cat(*atleast_2d(tuple(tensors)), dim=0)


row_stack = vstack


def dstack(tensors):
    """Tensors joined along the third dimension."""
    return cat(*atleast_3d(tuple(tensors)), dim=2)


def column_stack(tensors):
    """Tensors side by side; vectors become columns."""
    return cat(*[reshape(t, shape=(math.prod(t.shape), 1)) if _ndim(t) < 2 else t for t in tensors], dim=1)


def tensor_split(input, indices_or_sections, dim=0):
    """Pieces of ``dim``: so many of nearly equal size, or cut before the given indices. They are views."""
    if not _ndim(input):
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = axis_of(dim, _ndim(input))
    n = input.shape[dim]
    cuts = unwrap(indices_or_sections)
    if isinstance(cuts, (np.ndarray, np.integer)):
        cuts = cuts.tolist()
    if isinstance(cuts, int):
        if cuts <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {cuts}")
        part, rest = divmod(n, cuts)
        bounds = [i * part + min(i, rest) for i in range(cuts + 1)]
    else:
        bounds = [0, *[slice(0, int(c)).indices(n)[1] for c in cuts], n]
    return tuple([narrow(input, dim=dim, start=a, stop=max(a, b)) for a, b in itertools.pairwise(bounds)])


def _split_along(name, input, indices_or_sections, dim, least):
    if _ndim(input) < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension{'s' * (least > 1)}, but got a tensor with "
            f"{_ndim(input)} dimensions!"
        )
    if isinstance(indices_or_sections, int) and (indices_or_sections <= 0 or input.shape[dim] % indices_or_sections):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {input.shape[dim]} is not "
            f"divisible by the split_size {indices_or_sections}!"
        )
    return tensor_split(input, indices_or_sections, dim)


def hsplit(input, indices_or_sections):
    """Pieces along the second dimension (of a vector along its only one)."""
    return _split_along("hsplit", input, indices_or_sections, 0 if _ndim(input) == 1 else 1, 1)


def vsplit(input, indices_or_sections):
    """Pieces along the first dimension."""
    return _split_along("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input, indices_or_sections):
    """Pieces along the third dimension."""
    return _split_along("dsplit", input, indices_or_sections, 2, 3)


# -- turning and repeating -------------------------------------------------------------------------


def fliplr(input):
    """The second dimension reversed."""
    if _ndim(input) < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, dims=(1,))


def flipud(input):
    """The first dimension reversed."""
    if _ndim(input) < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, dims=(0,))


def rot90(input, k=1, dims=(0, 1)):
    """``input`` turned by ``k`` quarter turns in the plane of two dimensions, from the first to the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if _ndim(input) < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {_ndim(input)}")
    a, b = axis_of(dims[0], _ndim(input)), axis_of(dims[1], _ndim(input))
    if a == b:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    k %= 4
    if k == 0:
        return flip(input, dims=())
    if k == 2:
        return flip(input, dims=(a, b))
    return swapaxes(flip(input, dims=(b if k == 1 else a,)), dim0=a, dim1=b)


def tile(input, dims):
    """``input`` repeated ``dims`` times per dimension; missing leading numbers are 1."""
    return repeat(input, repeats=(1,) * (_ndim(input) - len(dims)) + tuple(dims))


def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Each element (or slice along ``dim``) repeated ``repeats`` times: a number, or one per element.

    With one argument, a tensor of counts, the result holds the index ``i`` as often as ``input[i]`` says.

    Raises
    ------
    RuntimeError
        If the number of repeats does not fit, or a count is negative.
    """
    if repeats is None:
        counts = unwrap(input)
        from ..engine import wrap

        index = _interleaved(counts, len(counts))
        return wrap(index) if input is not counts else index
    if dim is None:
        input, dim = reshape(input, shape=(-1,)), 0
    dim = axis_of(dim, _ndim(input))
    n = input.shape[dim] if _ndim(input) else 1
    counts = np.asarray(unwrap(repeats))
    if counts.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if counts.size not in (1, n):
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and "
            f"input.size({dim}) = {n}"
        )
    index = _interleaved(counts, n)
    if output_size is not None and output_size != len(index):
        raise RuntimeError(
            f"allocated size does not match required size: output_size is {output_size}, not {len(index)}"
        )
    if not _ndim(input):
        input = reshape(input, shape=(1,))
    return index_select(input, index, dim=dim)


def _interleaved(counts, n):
    if counts.dtype.kind not in "iu":
        raise RuntimeError("repeats has to be Long or Int tensor")
    if counts.size and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return np.repeat(np.arange(n), counts)


# -- combining -------------------------------------------------------------------------------------


def meshgrid(*tensors, indexing="ij"):
    """Coordinates of a grid: each vector broadcast along its own dimension (``'xy'`` exchanges the first two).

    Raises
    ------
    RuntimeError
        For an empty list, a matrix, different dtypes, or another ``indexing``.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for t in tensors:
        if _ndim(t) > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {list(t.shape)}")
        if unwrap(t).dtype != unwrap(tensors[0]).dtype:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
    swap = indexing == "xy" and len(tensors) > 1
    if swap:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    sizes = tuple([math.prod(t.shape) for t in tensors])
    grids = [
        broadcast_to(reshape(t, shape=(1,) * i + (-1,) + (1,) * (len(tensors) - i - 1)), shape=sizes)
        for i, t in enumerate(tensors)
    ]
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors):
    """All combinations of one element of each vector, one per row."""
    for t in tensors:
        if _ndim(t) != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(g, shape=(-1,)) for g in meshgrid(*tensors)], dim=1)


def combinations(input, r=2, with_replacement=False):
    """All choices of ``r`` elements of a vector in order, one per row."""
    if _ndim(input) != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    if r == 0:
        return reshape(narrow(input, dim=0, start=0, stop=0), shape=(0,))
    rows = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return reshape(index_select(input, rows.reshape(-1), dim=0), shape=rows.shape)


@primitive(promote="same")
def _block_diag(*xs):
    """A matrix with the given matrices along its diagonal."""
    out = np.zeros((sum([x.shape[0] for x in xs]), sum([x.shape[1] for x in xs])), xs[0].dtype)
    row = column = 0
    for x in xs:
        out[row : row + x.shape[0], column : column + x.shape[1]] = x
        row, column = row + x.shape[0], column + x.shape[1]
    return out


def _block_diag_vjp(g, xs_shape, needs):
    out, row, column = [], 0, 0
    for (m, n), need in zip(xs_shape, needs):
        rows = narrow(g, dim=0, start=row, stop=row + m)
        out.append(narrow(rows, dim=1, start=column, stop=column + n) if need else None)
        row, column = row + m, column + n
    return out


_block_diag.vjp(xs=_block_diag_vjp)


def block_diag(*tensors):
    """A matrix with the given matrices (vectors count as rows) along its diagonal."""
    for i, t in enumerate(tensors):
        if _ndim(t) > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {_ndim(t)} dimensions"
            )
    matrices = [t if _ndim(t) == 2 else reshape(t, shape=(1, -1)) for t in tensors]
    return _block_diag(*matrices) if matrices else wrap(np.zeros((1, 0), dtypes.get_default_dtype().numpy))


def vander(x, N=None, increasing=False):
    """The matrix of powers of a vector: ``N`` columns, the highest power first unless ``increasing``."""
    from .scan import cumprod

    n = x.shape[-1] if N is None else N
    if n < 0:
        raise RuntimeError(f"N must be non-negative, got {n}")
    column = expand_dims(x, dim=-1)
    one = column * 0 + 1
    if n == 0:
        return narrow(column, dim=-1, start=0, stop=0)
    rest = [broadcast_to(column, shape=(*x.shape, n - 1))] if n > 1 else []
    powers = cumprod(cat(one, *rest, dim=-1), dim=-1)
    return powers if increasing else flip(powers, dims=(-1,))


def broadcast_tensors(*tensors):
    """Views of all tensors in their common shape."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tensors[0]
    shape = broadcast_shape(*[t.shape for t in tensors])
    return tuple([broadcast_to(t, shape=shape) for t in tensors])
