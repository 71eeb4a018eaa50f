"""Operations that move elements and never change them: views where NumPy makes views."""

import math

import numpy as np

from ..dtypes import ShapeError
from ..engine import primitive, titled, unwrap
from .axes import axes_of, axis_of, integers


@primitive(view=True, grad_name="ViewBackward0")
def reshape(x, *, shape):
    """The same elements in C order under another shape."""
    return x.reshape(shape)


reshape.vjp(x=lambda g, x_shape: reshape(g, shape=x_shape))


@primitive(view=True)
def permute(x, *, dims):
    """Dimensions in the order ``dims``."""
    try:
        return x.transpose(dims)
    except np.exceptions.AxisError:
        raise
    except ValueError as error:
        if "repeated" in str(error):
            raise RuntimeError("permute(): duplicate dims are not allowed.") from None
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering "
            f"of dimensions i.e. input.dim() = {x.ndim} is not equal to len(dims) = {len(dims)}"
        ) from None


def _inverse(dims):
    out = [0] * len(dims)
    for i, d in enumerate(dims):
        out[d] = i
    return tuple(out)


permute.vjp(x=lambda g, dims: permute(g, dims=_inverse([d % len(dims) for d in dims])))


@primitive(view=True, grad_name="TransposeBackward0")
def swapaxes(x, *, dim0, dim1):
    """Two dimensions exchanged."""
    return x.swapaxes(dim0, dim1) if x.ndim else x[...]


swapaxes.vjp(x=lambda g, dim0, dim1: swapaxes(g, dim0=dim0, dim1=dim1))


@primitive(view=True, grad_name=lambda node: "TBackward0" if len(node.shape) == 2 else "TransposeBackward0")
def mT(x):
    """The last two dimensions exchanged."""
    if x.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {x.ndim}-D tensor.")
    return x.swapaxes(-1, -2)


mT.vjp(x=lambda g: mT(g))


@primitive(view=True, grad_name="UnsqueezeBackward0")
def expand_dims(x, *, dim):
    """A dimension of size 1 inserted at ``dim``."""
    if dim.__class__ is int and -x.ndim <= dim + 1 <= x.ndim + 1:  # four times faster than np.expand_dims
        return x[(slice(None),) * (dim if dim >= 0 else dim + x.ndim + 1) + (None,)]
    return np.expand_dims(x, dim)


expand_dims.vjp(x=lambda g, x_shape: reshape(g, shape=x_shape))


@primitive(promote="same")
def cat(*xs, dim=0):
    """Tensors joined along ``dim``; empty vectors may stand anywhere."""
    if not xs:
        raise RuntimeError("torch.cat(): expected a non-empty list of Tensors")
    try:
        return np.concatenate(xs, axis=dim)
    except ValueError:
        pass  # empty vectors, which NumPy refuses, or an error that is told better below
    for i, x in enumerate(xs):
        if not x.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    kept = [x for x in xs if x.shape != (0,)] or [xs[0]]
    axis = axis_of(dim, kept[0].ndim)
    for i, x in enumerate(xs):
        if x.shape == (0,):
            continue
        if x.ndim != kept[0].ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {kept[0].ndim} and {x.ndim}")
        for d, (n, m) in enumerate(zip(kept[0].shape, x.shape)):
            if n != m and d != axis:
                raise RuntimeError(f"Sizes of tensors must match except in dimension {axis}. Expected size {n} but got size "
                                   f"{m} for tensor number {i} in the list.")  # fmt: skip
    return np.concatenate(kept, axis=axis)


def _cat_vjp(g, xs_shape, dim, needs):
    out, start, axis = [], 0, dim % len(g.shape)
    for shape, need in zip(xs_shape, needs):
        if shape == (0,) and len(g.shape) > 1:
            out.append(reshape(narrow(g, dim=axis, start=0, stop=0), shape=(-1,)) if need else None)
            continue
        stop = start + shape[axis]
        out.append(narrow(g, dim=axis, start=start, stop=stop) if need else None)
        start = stop
    return out


cat.vjp(xs=_cat_vjp)


@primitive(promote="same")
def _stack(*xs, dim=0):
    """Tensors joined along a new dimension."""
    if not xs:
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, x in enumerate(xs):
        if x.shape != xs[0].shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(xs[0].shape)} at entry 0 and "
                               f"{list(x.shape)} at entry {i}")  # fmt: skip
    return np.stack(xs, axis=dim)


_stack.vjp(xs=lambda g, dim, needs: [select(g, dim=dim, index=i) if need else None for i, need in enumerate(needs)])


def stack(tensors, dim=0):
    """Tensors of one shape joined along a new dimension ``dim``."""
    return _stack(*tensors, dim=dim)


@primitive(view=True)
def narrow(x, *, dim, start, stop):
    """The part ``start:stop`` of ``dim``."""
    index = [slice(None)] * x.ndim
    index[dim] = slice(start, stop)
    return x[tuple(index)]


narrow.vjp(x=lambda g, x_shape, dim, start, stop: _unnarrow(g, shape=x_shape, dim=dim, start=start, stop=stop))


@primitive
def _unnarrow(g, *, shape, dim, start, stop):
    """Zeros of ``shape`` with ``g`` in ``start:stop`` of ``dim``."""
    out = np.zeros(shape, g.dtype)
    index = [slice(None)] * len(shape)
    index[dim] = slice(start, stop)
    out[tuple(index)] = g
    return out


_unnarrow.vjp(g=lambda g, dim, start, stop: narrow(g, dim=dim, start=start, stop=stop))


@primitive(view=True)
def select(x, *, dim, index):
    """One slice of ``dim``, which disappears."""
    if not x.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    n = x.shape[axis_of(dim, x.ndim)]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {dim}")
    return x[(slice(None),) * (dim % x.ndim) + (index,)] if x.ndim > 1 else x[index : index + 1 or None].reshape(())


select.vjp(x=lambda g, x_shape, dim, index: _unselect(g, shape=x_shape, dim=dim, index=index))


@primitive
def _unselect(g, *, shape, dim, index):
    """Zeros of ``shape`` with ``g`` as one slice of ``dim``."""
    out = np.zeros(shape, g.dtype)
    out[(slice(None),) * (dim % len(shape)) + (index,)] = g
    return out


_unselect.vjp(g=lambda g, dim, index: select(g, dim=dim, index=index))


@primitive(view=True, outputs="many")
def split_with_sizes(x, *, sizes, dim=0):
    """Consecutive pieces of ``dim`` with the given sizes, as views."""
    if _total(sizes) != x.shape[dim]:
        raise ShapeError(
            f"split_with_sizes expects split_sizes to sum exactly to {x.shape[dim]} (input tensor's size at dimension "
            f"{dim}), but got split_sizes={list(sizes)}"
        )
    out, start = [], 0
    index = [slice(None)] * x.ndim
    for n in sizes:
        index[dim] = slice(start, start + n)
        out.append(x[tuple(index)])
        start += n
    return tuple(out)


_total = sum


def _split_vjp(g, x_shape, sizes, dim):
    whole = _side_by_side(g, x_shape, sizes, dim)
    if whole is not None:
        return whole
    shapes = [[n if d == dim % len(x_shape) else m for d, m in enumerate(x_shape)] for n in sizes]
    return cat(*_filled(g, shapes), dim=dim)


def _side_by_side(parts, shape, sizes, dim):
    """The array of ``shape`` whose consecutive pieces ``parts`` are already, in one memory; None if they are not."""
    first = parts[0]
    owner = first.base if first.__class__ is np.ndarray else None
    if owner.__class__ is not np.ndarray or not owner.flags.c_contiguous or owner.dtype != first.dtype:
        return None
    if owner.size != math.prod(shape):
        return None
    whole = owner.reshape(shape)
    index, start = [slice(None)] * len(shape), 0
    for part, n in zip(parts, sizes):
        index[dim] = slice(start, start + n)
        start += n
        piece = whole[tuple(index)]
        if part.__class__ is not np.ndarray or part.base is not owner or part.shape != piece.shape:
            return None
        if part.strides != piece.strides or part.ctypes.data != piece.ctypes.data:
            return None
    return whole


def _filled(gs, shapes):
    """The gradients of several results; zeros for those that had none."""
    dtype = next(unwrap(h).dtype for h in gs if h is not None)
    return [np.zeros(shape, dtype) if h is None else h for h, shape in zip(gs, shapes)]


split_with_sizes.vjp(x=_split_vjp)


@primitive(view=True, outputs="many")
def unbind(x, *, dim=0):
    """Every slice of ``dim``, as views."""
    if not x.ndim:
        raise RuntimeError("Dimension specified as 0 but tensor has no dimensions")
    rows = np.moveaxis(x, dim, 0)
    return tuple([rows[i, ...] for i in range(len(rows))])


def _unbind_vjp(g, x_shape, dim):
    shape = [n for d, n in enumerate(x_shape) if d != dim % len(x_shape)]
    return _stack(*_filled(g, [shape] * len(g)), dim=dim)


unbind.vjp(x=_unbind_vjp)


@primitive
def flip(x, *, dims):
    """Dimensions reversed (a copy, as in PyTorch)."""
    axes = axes_of(tuple(dims), x.ndim) if len(dims) else ()
    return np.flip(x, axes).copy() if axes else x.copy()


flip.vjp(x=lambda g, dims: flip(g, dims=dims))


@primitive
def roll(x, *, shifts, dims=None):
    """Elements moved by ``shifts`` along ``dims`` (of the flat tensor without them), around the end."""
    shifts = integers(shifts)
    if dims is None:
        if len(shifts) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return np.roll(x, shifts[0])
    dims = integers(dims)
    if not dims and len(shifts) == 1:
        return np.roll(x, shifts[0])
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    return np.roll(x, shifts, [axis_of(d, x.ndim) for d in dims]) if x.ndim else x.copy()


roll.vjp(x=lambda g, shifts, dims: roll(g, shifts=[-s for s in integers(shifts)], dims=dims))


@primitive
def repeat(x, *, repeats):
    """``x`` tiled ``repeats`` times per dimension."""
    if len(repeats) < x.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if [r for r in repeats if r < 0]:
        raise RuntimeError(f"Trying to create tensor with negative dimension in repeat dims {list(repeats)}")
    return np.tile(x, repeats)


def _repeat_vjp(g, x_shape, repeats):
    from .reduction import sum

    shape = (1,) * (len(repeats) - len(x_shape)) + tuple(x_shape)
    pairs = [p for r, n in zip(repeats, shape) for p in (r, n)]
    if pairs:
        g = sum(reshape(g, shape=tuple(pairs)), dim=tuple(range(0, len(pairs), 2)))
    return reshape(g, shape=x_shape)


repeat.vjp(x=_repeat_vjp)


def broadcast_shape(*shapes):
    """The common shape of ``shapes``.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    try:
        return np.broadcast_shapes(*[tuple(s) for s in shapes])
    except ValueError:
        shown = " and ".join([str(list(s)) for s in shapes])
        raise RuntimeError(f"Shape mismatch: objects cannot be broadcast to a single shape: {shown}") from None


# -- diagonals and triangles -----------------------------------------------------------------------


@primitive(view=True)
def diagonal(x, *, offset=0, dim1=0, dim2=1):
    """The elements ``x[i, i + offset]`` of two dimensions, which become the last one."""
    a, b = axis_of(dim1, x.ndim), axis_of(dim2, x.ndim)
    if x.ndim < 2 or a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    out = np.diagonal(x, offset, a, b)
    if x.flags.writeable:
        out.flags.writeable = True
    return out


diagonal.vjp(
    x=lambda g, x_shape, offset, dim1, dim2: _undiagonal(g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2)
)  # fmt: skip


@primitive
def _undiagonal(g, *, shape, offset, dim1, dim2):
    """Zeros of ``shape`` with ``g`` as a diagonal."""
    out = np.zeros(shape, g.dtype)
    view = np.diagonal(out, offset, dim1, dim2)
    view.flags.writeable = True
    view[...] = g
    return out


_undiagonal.vjp(g=lambda g, offset, dim1, dim2: diagonal(g, offset=offset, dim1=dim1, dim2=dim2))


def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Square matrices with the last dimension of ``input`` as a diagonal; they stand in ``dim1`` and ``dim2``."""
    ndim = len(input.shape) + 1
    a, b = axis_of(dim1, ndim), axis_of(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n = input.shape[-1] + (offset if offset > 0 else -offset)
    shape = list(input.shape[:-1])
    for d in sorted((a, b)):
        shape.insert(d, n)
    return _undiagonal(input, shape=tuple(shape), offset=offset, dim1=a, dim2=b)


def diag(input, diagonal=0):
    """A vector as the diagonal of a matrix, or the diagonal of a matrix (a copy)."""
    from ..engine import clone

    ndim = len(input.shape)
    if ndim == 1:
        return diag_embed(input, diagonal)
    if ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")
    return clone(_diagonal(input, offset=diagonal))


_diagonal = diagonal


def diagflat(input, offset=0):
    """A matrix with all elements of ``input`` as its diagonal."""
    return diag_embed(reshape(input, shape=(-1,)), offset)


def _triangle(name, keep):
    @titled(name, f"The {'lower' if name == 'tril' else 'upper'} triangle of matrices, zeros elsewhere.")
    def forward(x, *, diagonal=0):
        if x.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
        return keep(x, diagonal)

    op = primitive(forward)
    op.vjp(x=lambda g, diagonal: op(g, diagonal=diagonal))
    return op


tril = _triangle("tril", np.tril)
triu = _triangle("triu", np.triu)
