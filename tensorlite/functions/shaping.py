"""Functions that give elements another shape: views where memory allows, copies where it does not."""

import builtins
import math

import numpy as np

from .. import dtypes
from ..dtypes import ShapeError
from ..engine import TensorBase, cast, primitive
from ..engine import broadcast_to as _broadcast_to
from ..engine.plan import called
from ..ops import shape as sh
from ._common import apart, into, sizes_of, spelled, tensor_arg, wrap_dim, wrap_dims


def settle(x):
    """Bring memory that nobody else sees into C order before a view of it is made.

    Kernels may hand out results in another order (channels last); views and strides are C order's.
    """
    if not x._data.flags.c_contiguous and x._view is None and "_fixed" not in x.__dict__:
        x._data = np.ascontiguousarray(x._data)
    return x


@primitive
def _contiguous(x):
    """A copy in C order."""
    return np.array(x, order="C")


_contiguous.vjp(x=lambda g: g)


def contiguous(input, memory_format=None):
    """The tensor itself if its elements lie in C order (or that of ``memory_format``), else a copy that does."""
    if memory_format is not None:
        from .layouts import copied, is_laid_out, order_of, preserve_format

        if memory_format is preserve_format:
            if settle(input)._data.flags.c_contiguous:
                return input
            raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
        order_of(memory_format, input._data.shape)
        return input if is_laid_out(settle(input)._data, memory_format) else copied(input, memory_format)
    return input if settle(input)._data.flags.c_contiguous else _contiguous(input)


def infer_size(shape, count):
    """``shape`` with its -1 filled in, for ``count`` elements."""
    if -1 in shape:
        rest = 1
        for n in shape:
            rest *= n if n != -1 else 1
        if shape.count(-1) > 1:
            raise RuntimeError("only one dimension can be inferred")
        if rest == 0:
            if count == 0:
                raise RuntimeError(
                    f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size "
                    "-1 can be any value and is ambiguous"
                )
            raise ShapeError(f"shape '{list(shape)}' is invalid for input of size {count}")
        if count % rest == 0:
            return tuple([count // rest if n == -1 else n for n in shape])
    elif math.prod(shape) == count and (not shape or builtins.min(shape) >= 0):
        return shape
    if any(n < -1 for n in shape):
        raise RuntimeError(f"invalid shape dimension {builtins.min(shape)}")
    raise ShapeError(f"shape '{list(shape)}' is invalid for input of size {count}")


def reshape(input, *sizes, shape=None):
    """The same elements under another shape: a view where the memory allows it, else a copy.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.reshape(tl.arange(4), (2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    tensor_arg(input, "input", "reshape")
    if not input._data.flags.c_contiguous:
        settle(input)
    return sh.reshape(input, shape=infer_size(sizes_of(sizes, shape), input._data.size))


def _viewable(a, shape):
    """Whether NumPy can show array ``a`` under ``shape`` without a copy."""
    if a.flags.c_contiguous:
        return True
    try:
        np.reshape(a, shape, copy=False)
    except ValueError:
        return False
    return True


def view(input, *shape, size=None, dtype=None):
    """The same memory under another shape (or another dtype); never a copy."""
    if dtype is None and len(shape) == 1 and isinstance(shape[0], (dtypes.dtype, type, np.dtype)):
        (dtype,) = shape
    if dtype is not None:
        return view_dtype(input, dtype)
    if not input._data.flags.c_contiguous:
        settle(input)
    shape = infer_size(sizes_of(shape, size), input._data.size)
    if not _viewable(input._data, shape):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return sh.reshape(input, shape=shape)


def view_dtype(input, dtype):
    """The same bytes read as another dtype; no gradient flows through it."""
    from ..dtypes import to_numpy
    from ..engine import wrap

    settle(input)
    d = to_numpy(dtype)
    a = input._data
    if a.dtype.itemsize != d.itemsize and (not a.ndim or a.strides[-1] != a.dtype.itemsize):
        raise RuntimeError("self.stride(-1) must be 1 to view a tensor as a dtype of another size")
    try:
        return wrap(a.view(d), None, input._cell)
    except ValueError as error:
        raise RuntimeError(f"cannot view {input.dtype} as {dtype}: {error}") from None


def view_as(input, other):
    """``input.view(other.size())``."""
    return view(input, *other._data.shape) if other._data.ndim else view(input, ())


def reshape_as(input, other):
    """``input.reshape(other.size())``."""
    return reshape(input, tuple(other._data.shape))


def permute(input, *order, dims=None):
    """Dimensions in the order ``dims``: a view."""
    settle(input)
    dims = sizes_of(order, dims)
    ndim = input._data.ndim
    if len(dims) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(dims)}"
        )
    dims = tuple([wrap_dim(d, ndim) for d in dims])
    if len(set(dims)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return sh.permute(input, dims=dims)


def transpose(input, dim0, dim1):
    """Two dimensions exchanged: a view."""
    settle(input)
    ndim = input._data.ndim
    dim0, dim1 = wrap_dim(dim0, ndim), wrap_dim(dim1, ndim)
    return sh.swapaxes(input, dim0=dim0, dim1=dim1) if ndim else sh.reshape(input, shape=())


swapdims = transpose


def swapaxes(input, axis0, axis1):
    """:func:`transpose`."""
    return transpose(input, axis0, axis1)


def t(input):
    """The transpose of a matrix; a vector as it is."""
    settle(input)
    if input._data.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input._data.ndim}D")
    return sh.mT(input) if input._data.ndim == 2 else sh.reshape(input, shape=input._data.shape)


def adjoint(input):
    """The last two dimensions exchanged, conjugated."""
    from ..ops.elementwise import conj

    settle(input)
    return conj(sh.mT(input)) if input._data.dtype.kind == "c" else sh.mT(input)


@spelled
def squeeze(input, dim=None):
    """Without the dimensions of size 1 (all of them, or those in ``dim``): a view.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.squeeze(tl.zeros(1, 3, 1)).shape
    torch.Size([3])
    """
    settle(input)
    shape = input._data.shape
    if dim is None:
        dims = range(len(shape))
    elif isinstance(dim, (tuple, list)) and not dim:
        dims = ()
    else:
        dims = wrap_dims(dim, len(shape)) or ()
    out = sh.reshape(input, shape=tuple([n for i, n in enumerate(shape) if n != 1 or i not in dims]))
    kind = 0 if dim is None else 2 if isinstance(dim, (tuple, list)) else 1
    return out if out._node is None else called(out, f"SqueezeBackward{kind}")


def unsqueeze(input, dim=None, *, axis=None):
    """With a dimension of size 1 at ``dim``: a view.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.unsqueeze(tl.zeros(3), 0).shape
    torch.Size([1, 3])
    """
    if dim is None:
        if axis is None:
            raise TypeError('unsqueeze() missing 1 required positional arguments: "dim"')
        dim = axis
    settle(input)
    return sh.expand_dims(input, dim=wrap_dim(dim, input._data.ndim, 1))


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions ``start_dim`` to ``end_dim`` as one.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.flatten(tl.zeros(2, 3, 4), 1).shape
    torch.Size([2, 12])
    """
    tensor_arg(input, "input", "flatten")
    settle(input)
    shape = input._data.shape
    start, end = wrap_dim(start_dim, len(shape)), wrap_dim(end_dim, len(shape))
    if not shape:
        return sh.reshape(input, shape=(1,))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    return sh.reshape(input, shape=(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def ravel(input):
    """All elements in one dimension."""
    return reshape(input, -1) if input._data.ndim != 1 else input


def unflatten(input, dim, sizes):
    """Dimension ``dim`` taken apart into ``sizes``."""
    settle(input)
    shape = input._data.shape
    dim = wrap_dim(dim, len(shape))
    sizes = sizes_of((sizes,))
    try:
        sizes = infer_size(sizes, shape[dim])
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({shape[dim]}) in the "
            "input tensor"
        ) from None
    return sh.reshape(input, shape=(*shape[:dim], *sizes, *shape[dim + 1 :]))


def expand(input, *sizes, size=None, implicit=False):
    """Dimensions of size 1 repeated to ``sizes`` without a copy; -1 keeps a size."""
    settle(input)
    sizes = sizes_of(sizes, size)
    shape = input._data.shape
    lead = len(sizes) - len(shape)
    if lead < 0:
        raise RuntimeError(
            f"expand({input.type()}{{{list(shape)}}}, size={list(sizes)}): the number of sizes provided ({len(sizes)}) "
            f"must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    target = []
    for i, n in enumerate(sizes):
        own = shape[i - lead] if i >= lead else None
        if n == -1:
            if own is None:
                raise RuntimeError(
                    f"expand({input.type()}{{{list(shape)}}}, size={list(sizes)}): the expanded size of the tensor (-1) "
                    f"isn't allowed in a leading, non-existing dimension {i}"
                )
            n = own
        elif own is not None and own != n and own != 1:
            raise ShapeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at non-singleton dimension "
                f"{i}.  Target sizes: {list(sizes)}.  Tensor sizes: {list(shape)}"
            )
        target.append(n)
    out = _broadcast_to(input, shape=tuple(target))
    if input._data.flags.writeable:
        out._data.flags.writeable = True  # parts of it that do not overlap may be written; the engine refuses the rest
    return out


def expand_as(input, other):
    """``input.expand(other.size())``."""
    return expand(input, other._data.shape)


def broadcast_to(input, size):
    """``input`` repeated to ``size`` without a copy."""
    return expand(input, size)


def split(tensor, split_size_or_sections, dim=0):
    """Consecutive pieces of ``dim``: of one size, or of the given sizes. Views.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.split(tl.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    settle(tensor)
    dim = wrap_dim(dim, tensor._data.ndim)
    if not tensor._data.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    size = split_size_or_sections
    if isinstance(size, (list, tuple)):
        return sh.split_with_sizes(tensor, sizes=tuple(size), dim=dim)
    total = tensor._data.shape[dim]
    if size < 0 or (size == 0 and total):
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}" if size < 0 else
                           f"split_size can only be 0 if dimension size is 0, but got dimension size of {total}")  # fmt: skip
    sizes = [size] * (total // size) if size else [0]
    if (size and total % size) or not sizes:
        sizes.append(total % size)
    return sh.split_with_sizes(tensor, sizes=tuple(sizes), dim=dim)


@spelled
def split_with_sizes(input, split_sizes, dim=0):
    """Consecutive pieces of ``dim`` with the given sizes."""
    return split(input, tuple(split_sizes), dim)


@spelled
def chunk(input, chunks, dim=0):
    """At most ``chunks`` pieces of ``dim`` of equal size (the last may be smaller). Views.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.chunk(tl.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = wrap_dim(dim, input._data.ndim)
    total = input._data.shape[dim] if input._data.ndim else 1
    size = -(-total // chunks)
    if size == 0:
        return split(input, (0,) * chunks, dim)
    return split(input, size, dim)


@spelled
def unbind(input, dim=0):
    """Every slice of ``dim``, as views."""
    settle(input)
    if not input._data.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return sh.unbind(input, dim=wrap_dim(dim, input._data.ndim))


def cat(tensors, dim=0, *, axis=None, out=None):
    """Tensors joined along ``dim``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.cat([tl.zeros(1, 2), tl.ones(1, 2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    dim = dim if axis is None else axis
    if isinstance(tensors, TensorBase):
        raise TypeError("cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    tensors = list(tensors)
    if out is not None:
        apart(out, *tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorBase):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
    kept = [x for x in tensors if x._data.shape != (0,)] or tensors[:1]
    if len(kept) < len(tensors):  # what has no elements has a dtype
        d = dtypes.result_dtype(tensors)
        kept = [x if x._data.dtype == d else cast(x, dtype=d) for x in kept]
    ndim = kept[0]._data.ndim
    if any(x._data.ndim == 0 for x in kept):
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    dim = wrap_dim(dim, ndim)
    first = kept[0]._data.shape
    for i, x in enumerate(kept):
        s = x._data.shape
        if len(s) != ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {ndim} and {len(s)}")
        if s[:dim] != first[:dim] or s[dim + 1 :] != first[dim + 1 :]:
            bad = next(d for d in range(ndim) if d != dim and s[d] != first[d])
            raise ShapeError(
                f"Sizes of tensors must match except in dimension {dim}. Expected size {first[bad]} but got size {s[bad]} "
                f"for tensor number {i} in the list."
            )
    result = sh.cat(*kept, dim=dim)
    return result if out is None else into(out, result)


concat = concatenate = cat


def stack(tensors, dim=0, *, axis=None, out=None):
    """Tensors of one shape joined along a new dimension ``dim``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.stack([tl.zeros(2), tl.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    dim = dim if axis is None else axis
    if isinstance(tensors, TensorBase):
        raise TypeError("stack(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorBase):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
        if x._data.shape != tensors[0]._data.shape:
            raise ShapeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0]._data.shape)} at entry 0 and "
                f"{list(x._data.shape)} at entry {i}"
            )
    result = sh.stack(tensors, dim=wrap_dim(dim, tensors[0]._data.ndim, 1))
    return result if out is None else into(out, result)


def narrow(input, dim, start, length):
    """``length`` elements of ``dim`` from ``start`` on: a view."""
    settle(input)
    if not input._data.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, input._data.ndim)
    n = input._data.shape[dim]
    if isinstance(start, TensorBase) and (start._data.ndim or start._data.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    start = int(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return sh.narrow(input, dim=dim, start=start, stop=start + length)


def select(input, dim, index):
    """One slice of ``dim``, which disappears: a view."""
    settle(input)
    dim = wrap_dim(dim, input._data.ndim)
    n = input._data.shape[dim]
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input._data.shape)} at dimension {dim}"
        )
    return sh.select(input, dim=dim, index=int(index) % n)


def flip(input, *order, dims=None):
    """Dimensions reversed (a copy): ``flip(input, 0, 1)``, ``flip(input, (0, 1))``, ``flip(input, dims=(0, 1))``."""
    if not order and dims is None:
        raise TypeError('flip() missing 1 required positional arguments: "dims"')
    dims = sizes_of(order, dims)
    return sh.flip(input, dims=(wrap_dims(dims, input._data.ndim) or ()) if dims else ())


def repeat(input, *sizes, repeats=None):
    """``input`` tiled ``repeats`` times per dimension."""
    repeats = sizes_of(sizes, repeats)
    if len(repeats) < input._data.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return sh.repeat(input, repeats=repeats)


def tile(input, *sizes, dims=None):
    """``input`` tiled; missing leading counts are 1."""
    dims = sizes_of(sizes, dims)
    return sh.repeat(input, repeats=(1,) * (input._data.ndim - len(dims)) + dims)
