"""What stands between the brackets: ``x[index]`` taken apart into a view and index arrays.

PyTorch applies integers, slices, ``None`` and ``...`` first, which makes a view; index tensors, lists
and masks then gather from that view. NumPy would let an integer take part in the gathering, which puts
the dimensions of ``x[0, :, idx]`` elsewhere; so the two steps are separate here too.
"""

import warnings

import numpy as np

from .dtypes import ShapeError, number, of
from .engine import RECORDING, WATCHED, TensorBase, inplace, state, touch, unwrap
from .engine.update import check_overlap
from .ops import elementwise, indexing

_AS_TUPLE = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed; use x[tuple(seq)] instead "
    "of x[seq]. To index with a nested list, use x[torch.tensor(seq)]."
)


def _is_sequence(i):
    """Whether an element of a list makes that list an index of several dimensions (PyTorch's old rule)."""
    return isinstance(i, (TensorBase, list, tuple, range, slice, np.ndarray)) or i is None or i is Ellipsis


_BASIC = (int, slice, type(None), type(...))


def _integer(i, dim, size):
    if not -size <= i < size:
        raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {size}")
    return i


def _bound(b):
    if b is None or b.__class__ is int:
        return b
    if not hasattr(b, "__index__"):
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    return b.__index__()


def _slice(s):
    start, stop, step = _bound(s.start), _bound(s.stop), _bound(s.step)
    if step is not None and step <= 0:
        raise ValueError("step must be greater than zero" if step else "slice step cannot be zero")
    return slice(start, stop, step)


def _array(i):
    """An index array or mask from a tensor, an array or a nested list (a copy: the tape may keep it)."""
    shared = isinstance(i, (TensorBase, np.ndarray))
    a = i._data if isinstance(i, TensorBase) else i
    if not shared and isinstance(a, (list, tuple, range)):
        a = [v._data if isinstance(v, TensorBase) else v for v in a]
    a = np.array(a)
    if a.dtype == np.uint8 and shared:
        warnings.warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
                      UserWarning, stacklevel=4)  # fmt: skip
        return a.astype(bool)
    if a.size == 0 and not shared:
        a = a.astype(np.int64)
    if a.dtype.kind not in "iub" or (isinstance(i, TensorBase) and a.dtype == np.int16):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return a


def parse(index, shape):
    """``(basic, arrays)``: an index that makes a view of ``shape``, then index arrays into that view (or None)."""
    if index.__class__ is list and len(index) < 32 and any(_is_sequence(i) for i in index):
        warnings.warn(_AS_TUPLE, UserWarning, stacklevel=4)
        index = tuple(index)
    items = index if isinstance(index, tuple) else (index,)
    parts = []  # (what, consumed dimensions)
    used = 0
    for i in items:
        if i.__class__ is bool or isinstance(i, np.bool_):
            parts.append(bool(i))
            continue
        if isinstance(i, np.integer):
            i = int(i)
        elif isinstance(i, TensorBase) and i._data.ndim == 0 and i._data.dtype.kind in "iu":
            i = int(i._data)
        elif not isinstance(i, _BASIC):
            if isinstance(i, str):
                raise TypeError("new(): invalid data type 'str'")
            if not isinstance(i, (TensorBase, np.ndarray, list, tuple, range)):
                if not hasattr(i, "__index__"):
                    raise IndexError(
                        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
                        f"indices (got {type(i).__name__})"
                    )
                i = i.__index__()
            else:
                i = _array(i)
        parts.append(i)
        if i.__class__ is np.ndarray and i.dtype == bool:
            used += i.ndim
        elif i is not None and i is not Ellipsis:
            used += 1
    if used > len(shape):
        if not shape and used == 1 and len(items) == 1 and isinstance(parts[0], int):
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert "
                "a 0-dim tensor to a number"
            )
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    basic, arrays, dim = [], [], 0
    for i in parts:
        if i is None:
            basic.append(None)
            arrays.append(slice(None))
        elif i is Ellipsis:
            fill = len(shape) - used
            basic += [slice(None)] * fill
            arrays += [slice(None)] * fill
            dim += fill
            used = len(shape)  # a second ellipsis stands for nothing
        elif i.__class__ is bool:
            basic.append(None)
            arrays.append(np.zeros(1 if i else 0, np.int64))
        elif isinstance(i, int):
            basic.append(_integer(i, dim, shape[dim]))
            dim += 1
        elif isinstance(i, slice):
            basic.append(_slice(i))
            arrays.append(slice(None))
            dim += 1
        else:
            taken = i.ndim if i.dtype == bool else 1
            if i.dtype == bool:
                for k, (m, s) in enumerate(zip(i.shape, shape[dim : dim + taken])):
                    if m != s:
                        raise IndexError(
                            f"The shape of the mask {list(i.shape)} at index {k} does not match the shape of the indexed "
                            f"tensor {list(shape)} at index {dim + k}"
                        )
            basic += [slice(None)] * taken
            arrays.append(i)
            if i.dtype == bool and i.ndim == 0:  # a 0-d mask adds a dimension
                basic.append(None)
                arrays[-1] = np.zeros(1 if i else 0, np.int64)
            dim += taken
    if not any(a.__class__ is np.ndarray for a in arrays):
        return tuple(basic), None
    if all(b.__class__ is slice and b == slice(None) for b in basic):
        basic = None
    while arrays and arrays[-1].__class__ is slice:
        arrays.pop()
    return basic if basic is None else tuple(basic), tuple(arrays)


def _plain(s):
    """Whether a slice has bounds of Python's own integers only, and no step."""
    start, stop = s.start, s.stop
    return (start is None or start.__class__ is int) and (stop is None or stop.__class__ is int) and s.step is None


def getitem(x, index):
    """``x[index]``: a view where NumPy's basic indexing suffices, else a copy."""
    shape = x._data.shape
    if index.__class__ is int and shape:
        if not -shape[0] <= index < shape[0]:
            raise IndexError(f"index {index} is out of bounds for dimension 0 with size {shape[0]}")
        return indexing.getitem(x, index=index)
    if index.__class__ is slice and shape and _plain(index):
        return indexing.getitem(x, index=index)
    basic, arrays = parse(index, shape)
    if basic is not None:
        x = indexing.getitem(x, index=basic)
    if arrays is None:
        return x
    try:
        return indexing.take_index(x, index=arrays if len(arrays) > 1 else arrays[0])
    except IndexError as error:
        raise IndexError(_message(error, arrays)) from None


def _message(error, arrays):
    text = str(error).replace("for axis", "for dimension")
    if "could not be broadcast" in text:
        shapes = ", ".join(str(list(a.shape)) for a in arrays if a.__class__ is np.ndarray)
        text = f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
    return text


def setitem(x, index, value):
    """``x[index] = value``, in place and on the tape."""
    if not isinstance(value, (TensorBase, int, float, complex, np.ndarray, np.generic)):
        raise TypeError(f"can't assign a {type(value).__name__} to a {x.type()}")
    if isinstance(value, (complex, np.complexfloating)) or not (
        isinstance(value, (TensorBase, np.ndarray)) or x._data.dtype == np.float16  # which may become infinite
    ):
        value = number(value, x._data.dtype)
    if isinstance(index, TensorBase) and index._data.dtype == bool and index._data.shape == x._data.shape:
        number_on_plain = not isinstance(value, (TensorBase, np.ndarray)) and x._view is None
        if number_on_plain and not (state.mode & RECORDING and x._node is not None):
            _announce(x)
            np.copyto(x._data, value, where=index._data, casting="unsafe")
            touch(x)
            return
    basic, arrays = parse(index, x._data.shape)
    if (
        arrays is None
        and x._view is None
        and not (
            state.mode & RECORDING
            and (x._node is not None or (isinstance(value, TensorBase) and value._node is not None))
        )
    ):
        _write(x, basic, value)
        return
    target = x if basic is None else indexing.getitem(x, index=basic)
    if isinstance(value, (TensorBase, np.ndarray)):
        value = _fit(value, target._data.shape, arrays)
    if arrays is None:
        inplace(elementwise.assign, target, value)
        return
    if isinstance(value, TensorBase) and value._data.dtype != x._data.dtype:
        if value._data.size != 1 or len(arrays) > 1 or arrays[0].dtype != bool:  # one number fills a mask
            indexing.check_dtypes(x, value)
    try:
        inplace(indexing.index_put, target, value, index=arrays if len(arrays) > 1 else arrays[0])
    except IndexError as error:
        raise IndexError(_message(error, arrays)) from None


def _announce(x):
    """Tell who watches that ``x`` is about to be written to."""
    if state.mode & WATCHED:
        state.watch.changing(x)


def _write(x, basic, value):
    """``x[basic] = value`` where the tape need not know more than that ``x`` has changed."""
    _announce(x)
    place = (*basic, ...)  # an array even where every dimension has an index
    if isinstance(value, (TensorBase, np.ndarray)):
        a = x._data[place]
        value = _fit(value, a.shape, None)
        if isinstance(value, TensorBase) and value._cell is x._cell:
            check_overlap(a, value._data)
        elementwise.assign.primitive.into(a, unwrap(value))
    else:
        x._data[place] = value
    touch(x)


def _fit(value, shape, arrays):
    """``value`` without leading dimensions of size 1 beyond ``shape``; an error where it does not broadcast."""
    if arrays is not None:
        if len(arrays) > 1 or arrays[0].dtype != bool:
            return value
        shape = (None,) * (1 + len(shape) - arrays[0].ndim)  # one dimension for all that a mask takes
    extra = value.ndim - len(shape)
    if extra > 0 and all(n == 1 for n in value.shape[:extra]):
        value = value.reshape(tuple(value.shape[extra:]))
    if arrays is not None:
        return value
    lead = len(shape) - value.ndim
    if not shape and lead:
        raise ShapeError(
            f"expand({of(unwrap(value).dtype).typename}{{{list(value.shape)}}}, size=[]): the number of sizes provided (0) "
            f"must be greater or equal to the number of dimensions in the tensor ({value.ndim})"
        )
    for d, (n, own) in enumerate(zip(shape[max(lead, 0) :], value.shape)):
        if (own != n and own != 1) or lead < 0:
            raise ShapeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at non-singleton dimension "
                f"{max(lead, 0) + d}.  Target sizes: {list(shape)}.  Tensor sizes: {list(value.shape)}"
            )
    return value
