"""New tensors: from data, filled, counted."""

from __future__ import annotations

import numpy as np

from . import dtypes, engine
from ._device import Size, check_device
from .engine import TensorBase, wrap
from .functions._common import into, sizes_of

_range = range


def _finish(array, requires_grad=False, device=None, out=None):
    check_device(device)
    t = wrap(array)
    if out is not None:
        return into(out, t)
    return t.requires_grad_() if requires_grad else t


def _plain(data):
    """Nested lists in which tensors stand as their arrays."""
    if isinstance(data, (list, tuple)):
        return [_plain(d) for d in data]
    return data._data if isinstance(data, TensorBase) else data


def _array(data, dtype):
    d = None if dtype is None else dtypes.to_numpy(dtype)
    if isinstance(data, TensorBase):
        return np.array(data._data, dtype=d)
    if isinstance(data, (np.ndarray, np.generic)):
        a = np.array(data, dtype=d)
        dtypes.of(a.dtype)
        return a
    a = np.array(_plain(data))
    if a.dtype == object:
        raise TypeError(f"cannot make a tensor of {type(data).__name__}")
    if d is None:
        if not a.size and isinstance(data, (list, tuple)):
            d = dtypes.get_default_dtype().numpy
        elif a.dtype.kind == "f" and _python_float(data):
            d = dtypes.get_default_dtype().numpy
        elif a.dtype.kind == "c" and _python_float(data):
            d = np.result_type(dtypes.get_default_dtype().numpy, np.complex64)
        else:
            d = a.dtype
    return a.astype(d, copy=False)


def _python_float(data):
    """Whether some leaf of nested lists is a Python number (and so takes the default dtype)."""
    while isinstance(data, (list, tuple)):
        if not data:
            return True
        if any(isinstance(d, (float, complex)) and not isinstance(d, np.generic) for d in data):
            return True
        data = data[0]
    return isinstance(data, (int, float, complex)) and not isinstance(data, np.generic)


def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor with a copy of ``data``: numbers, nested lists, arrays, tensors.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    return _finish(_array(data, dtype), requires_grad, device)


def as_tensor(data, dtype=None, device=None):
    """``data`` as a tensor, without a copy where it is an array or a tensor of the right dtype."""
    check_device(device)
    if isinstance(data, TensorBase):
        return data if dtype is None else data.to(dtype=dtype)
    if isinstance(data, np.ndarray):
        t = from_numpy(data)
        return t if dtype is None else t.to(dtype=dtype)
    return tensor(data, dtype=dtype)


def from_numpy(ndarray):
    """A tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of(ndarray.dtype)
    t = wrap(ndarray)
    if not ndarray.flags.c_contiguous:
        t.__dict__["_fixed"] = True
    return t


def _float(dtype):
    return dtypes.get_default_dtype().numpy if dtype is None else dtypes.to_numpy(dtype)


def zeros(*size, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """Zeros of shape ``size``."""
    return _finish(np.zeros(sizes_of(size), _float(dtype)), requires_grad, device, out)


def ones(*size, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """Ones of shape ``size``."""
    return _finish(np.ones(sizes_of(size), _float(dtype)), requires_grad, device, out)


def empty(*size, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
          memory_format=None):  # fmt: skip
    """Memory of shape ``size`` with any content."""
    return _finish(np.empty(sizes_of(size), _float(dtype)), requires_grad, device, out)


def full(size, fill_value, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """Shape ``size`` filled with ``fill_value``."""
    fill = engine.unwrap(fill_value)
    d = _array(fill_value, None).dtype if dtype is None else dtypes.to_numpy(dtype)
    return _finish(np.full(sizes_of((size,)), fill, d), requires_grad, device, out)


def _like(input, dtype):
    return input._data.dtype if dtype is None else dtypes.to_numpy(dtype)


def zeros_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    """Zeros with the shape and dtype of ``input``."""
    return _finish(np.zeros(input._data.shape, _like(input, dtype)), requires_grad, device)


def ones_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    """Ones with the shape and dtype of ``input``."""
    return _finish(np.ones(input._data.shape, _like(input, dtype)), requires_grad, device)


def empty_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    """Memory with the shape and dtype of ``input``."""
    return _finish(np.empty(input._data.shape, _like(input, dtype)), requires_grad, device)


def full_like(input, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    """``fill_value`` with the shape and dtype of ``input``."""
    return _finish(np.full(input._data.shape, engine.unwrap(fill_value), _like(input, dtype)), requires_grad, device)


def arange(start, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, pin_memory=False,
           requires_grad=False):  # fmt: skip
    """Numbers from ``start`` to ``end`` (without it)."""
    if end is None:
        start, end = 0, start
    numbers = [n.item() if isinstance(n, TensorBase) else n for n in (start, end, step)]
    start, end, step = numbers
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        d = dtypes.get_default_dtype().numpy if any(isinstance(n, float) for n in numbers) else np.dtype(np.int64)
    else:
        d = dtypes.to_numpy(dtype)
    count = int(np.ceil((end - start) / step))
    if d.kind in "iu":
        a = np.arange(count, dtype=np.int64) * int(step) + int(start)
    else:
        a = np.arange(count, dtype=np.float64) * step + start
    return _finish(a.astype(d), requires_grad, device, out)


def linspace(start, end, steps, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """``steps`` numbers from ``start`` to ``end`` (with it)."""
    return _finish(np.linspace(engine.unwrap(start), engine.unwrap(end), steps).astype(_float(dtype)), requires_grad, device, out)


def eye(n, m=None, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """Ones on the diagonal, zeros elsewhere."""
    return _finish(np.eye(n, m, dtype=_float(dtype)), requires_grad, device, out)


def legacy_tensor(dtype, *args, device=None):
    """The old constructors: ``FloatTensor(2, 3)`` and ``FloatTensor(Size)`` for sizes, ``FloatTensor([1, 2])`` for data."""
    check_device(device)
    if len(args) == 1 and not isinstance(args[0], (int, np.integer, Size)):
        data = args[0]
        if isinstance(data, TensorBase):
            if data._data.dtype != dtype.numpy:
                raise TypeError(
                    f"expected {dtype.typename.replace('torch.', '')} (got {dtypes.of(data._data.dtype).typename}); "
                    "use .to(dtype) to convert"
                )
            return data.detach()
        if not isinstance(data, (list, tuple, np.ndarray)):
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
        return wrap(_array(data, dtype))
    return wrap(np.empty(sizes_of(args) if args else (0,), dtype.numpy))


def _old(dtype):
    def constructor(*args, device=None):
        return legacy_tensor(dtype, *args, device=device)

    constructor.__name__ = constructor.__qualname__ = dtype.typename.removeprefix("torch.")
    constructor.__doc__ = f"The old constructor ``{dtype.typename}``: sizes, or data."
    constructor.tensor_dtype = dtype
    return constructor


FloatTensor, DoubleTensor, HalfTensor = _old(dtypes.float32), _old(dtypes.float64), _old(dtypes.float16)
LongTensor, IntTensor, ShortTensor = _old(dtypes.int64), _old(dtypes.int32), _old(dtypes.int16)
CharTensor, ByteTensor, BoolTensor = _old(dtypes.int8), _old(dtypes.uint8), _old(dtypes.bool_)
