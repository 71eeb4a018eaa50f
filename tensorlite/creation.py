"""New tensors: from data, from memory, filled, counted.

Arguments that every function here takes: ``dtype`` (default: the default dtype for floats, int64 for integers),
``device`` (the CPU), ``requires_grad``, and where PyTorch has it ``out`` and ``memory_format``. ``layout`` and ``pin_memory`` have
one possible value here; another one raises.
"""

import warnings

import numpy as np

from . import dtypes, engine
from ._device import check_device, strided
from .engine import TensorBase, unwrap, wrap
from .functions import layouts
from .functions._common import into, into_same, number, sizes_of
from .ops import elementwise as ew
from .ops.spacing import evenly

_indices, _numbers = range, (int, float, complex)  # builtins; PyTorch's ``range`` and ``complex`` stand below
_COPY = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor)."
)


def _finish(array, requires_grad=False, device=None, out=None, layout=None, pin_memory=False):
    if device is not None:
        check_device(device)
    if layout is not None and layout is not strided:
        raise NotImplementedError(f"layout={layout}: sparse tensors are not supported")
    if pin_memory:
        raise RuntimeError("Cannot access accelerator device when none is available.")
    t = wrap(array)
    if out is not None:
        t = into(out, t if array.dtype == out._data.dtype else engine.cast(t, dtype=out._data.dtype), resizes=True)
    return t.requires_grad_() if requires_grad else t


# -- from data -------------------------------------------------------------------------------------


def _infer(data):
    """The NumPy dtype of nested lists in which tensors, arrays or NumPy scalars occur; None for empty ones."""
    if isinstance(data, (list, tuple)):
        found = None
        for item in data:
            d = _infer(item)
            found = d if found is None or d is None else dtypes._pair(found, d)
        return found
    if isinstance(data, TensorBase):
        return data._data.dtype
    if isinstance(data, np.ndarray):
        return data.dtype
    if isinstance(data, np.generic):
        return data.dtype
    d = dtypes._scalar_type(data)
    if d is None:
        if isinstance(data, str):
            raise TypeError("new(): invalid data type 'str'")
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    return d


def _plain(data):
    """Nested lists in which tensors stand as their arrays."""
    if isinstance(data, (list, tuple)):
        return [_plain(d) for d in data]
    if isinstance(data, TensorBase):
        if data._data.size != 1:
            raise ValueError(
                "only one element tensors can be converted to Python scalars; join tensors with torch.stack"
            )
        return data._data.reshape(())
    return data


def _leaf(data):
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data


def _from_lists(data, d):
    """An array from numbers and nested lists; Python floats take the default dtype."""
    leaf = _leaf(data)
    simple = isinstance(leaf, _numbers) and not isinstance(leaf, np.generic)
    try:
        a = np.array(data if simple else _plain(data))
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(f"expected sequences of equal length at every dimension ({error})") from None
    if a.dtype == object or a.dtype.kind in "USOV":
        _infer(data)
        raise ValueError("Overflow when unpacking long long")
    if d is None:
        if simple and a.dtype == np.uint64:
            raise ValueError("Overflow when unpacking long long")
        if not simple or a.dtype.kind not in "bifc":
            d = _infer(data)
        elif a.dtype.kind == "f":
            d = dtypes.get_default_dtype().numpy
        elif a.dtype.kind == "c":
            d = np.result_type(dtypes.get_default_dtype().numpy, np.complex64)
        else:
            d = a.dtype
        d = dtypes.get_default_dtype().numpy if d is None else d
    if simple and a.size and a.dtype != d:
        if a.dtype.kind == "c" and d.kind in "iuf":
            what = (
                "must be real number, not complex"
                if d.kind == "f"
                else "'complex' object cannot be interpreted as an integer"
            )
            raise TypeError(what)
        if d.kind in "iu":
            for extreme in (a.min(), a.max()):
                dtypes.number(extreme, d, d.name)
    with np.errstate(invalid="ignore", over="ignore"):
        return a.astype(d, copy=False)


def _array(data, dtype):
    """A fresh array with the elements of ``data``."""
    d = None if dtype is None else dtypes.to_numpy(dtype)
    if isinstance(data, TensorBase):
        with np.errstate(invalid="ignore", over="ignore"):
            return np.array(data._data, dtype=d, order="C")
    if isinstance(data, (np.ndarray, np.generic)):
        if d is None:
            dtypes.of(data.dtype)
            d = data.dtype.newbyteorder("=")
        return np.array(data, dtype=d, order="C")
    if not isinstance(data, (list, tuple, *_numbers)):
        if hasattr(data, "__array__"):
            return np.array(data.__array__(), dtype=d)
        if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (str, bytes, dict)):
            data = [data[i] for i in _indices(len(data))]
    return _from_lists(data, d)


def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor with a copy of ``data``.

    Parameters
    ----------
    data : number, nested lists, numpy.ndarray or Tensor
    dtype : dtype, optional
        Default: that of an array or tensor; the default dtype for Python floats, int64 for ints, bool for bools.
    device : device, optional
    requires_grad : bool, default False

    Raises
    ------
    ValueError
        If nested lists are of unequal lengths.
    RuntimeError
        If no dtype fits the data.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    if isinstance(data, TensorBase):
        warnings.warn(_COPY, UserWarning, stacklevel=2)
    return _finish(_array(data, dtype), requires_grad, device, pin_memory=pin_memory)


def _wrapped(value, d):
    """A number as a 0-d array."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(dtypes.number(unwrap(value), d)).astype(d, copy=False)


def scalar_tensor(s, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A 0-d tensor; of the default dtype unless ``dtype`` is given."""
    return _finish(_wrapped(s, _float(dtype)), requires_grad, device, None, layout, pin_memory)


def as_tensor(data, dtype=None, device=None):
    """``data`` as a tensor, without a copy where it is an array or a tensor of the right dtype.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.as_tensor([1.5, 2.0])
    tensor([1.5000, 2.0000])
    """
    check_device(device)
    if isinstance(data, TensorBase):
        return data if dtype is None else data.to(dtype=dtype)
    if isinstance(data, np.ndarray):
        t = from_numpy(data)
        return t if dtype is None else t.to(dtype=dtype)
    return _finish(_array(data, dtype))


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False):
    """``obj`` as a tensor; ``copy`` True always, False never (ValueError), None if it must."""
    check_device(device)
    d = None if dtype is None else dtypes.to_numpy(dtype)
    if isinstance(obj, (TensorBase, np.ndarray)):
        t = obj if isinstance(obj, TensorBase) else from_numpy(obj)
    elif isinstance(obj, (bytes, bytearray, memoryview)):
        t = frombuffer(obj, dtype=d or dtypes.get_default_dtype())
    else:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        t = _finish(_array(obj, dtype))
        copy = None
    if d is not None and t._data.dtype != d:
        if copy is False:
            raise ValueError("can't alias tensor with dtype that differs from the requested one")
        t = t.to(dtype=dtype)
    elif copy:
        t = engine.clone(t)
    if requires_grad and not t.requires_grad:
        return t.detach().requires_grad_()
    return t if requires_grad or not t.requires_grad else t.detach()


def from_numpy(ndarray):
    """A tensor that shares the memory of a NumPy array.

    Examples
    --------
    >>> import numpy as np, tensorlite as tl
    >>> a = np.zeros(2)
    >>> t = tl.from_numpy(a)
    >>> a[0] = 1
    >>> t
    tensor([1., 0.], dtype=torch.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
            "supported. (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    if ndarray.dtype not in dtypes._OF:
        raise TypeError(
            f"can't convert np.ndarray of type {ndarray.dtype.type.__module__}.{ndarray.dtype.type.__name__}. The only "
            "supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, "
            "uint32, uint16, uint8, and bool."
        )
    t = wrap(np.asarray(ndarray))
    t.__dict__["_fixed"] = True
    return t


def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """A vector that shares the memory of ``buffer`` (bytes, bytearray, array.array, ...)."""
    t = wrap(np.frombuffer(buffer, dtypes.to_numpy(dtype), count, offset))
    return t.requires_grad_() if requires_grad else t


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor that shares the memory of an object with ``__dlpack__``: a PyTorch, CuPy or NumPy array on the CPU.

    A capsule of :func:`tensorlite.utils.dlpack.to_dlpack` is taken too.
    """
    check_device(device)
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
    a = np.from_dlpack(ext_tensor) if copy is None else np.from_dlpack(ext_tensor, copy=copy)
    ours = hasattr(ext_tensor, "data_ptr") or isinstance(ext_tensor, _Capsule)
    if ours and not a.flags.writeable:  # a tensor's memory may be written; NumPy assumes not
        a = np.lib.stride_tricks.as_strided(a, writeable=False)
        a = np.asarray(_Memory(a))
    t = wrap(a)
    t.__dict__["_fixed"] = True
    return t


class _Capsule:
    """A DLPack capsule as the object that it was taken from."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __dlpack__(self, **kwargs):
        return self.capsule

    def __dlpack_device__(self):
        return 1, 0  # the CPU


class _Memory:
    """The memory of an array that only NumPy's import marked as read-only, offered again as writable."""

    def __init__(self, a):
        self.owner = a
        self.__array_interface__ = {**a.__array_interface__, "data": (a.__array_interface__["data"][0], False)}


# -- filled ----------------------------------------------------------------------------------------


def _float(dtype):
    return dtypes._default.numpy if dtype is None else dtypes.to_numpy(dtype)


def _size(args, size):
    shape = sizes_of(args, size)
    if shape and min(shape) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


def zeros(*args, size=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """Zeros of the given size: ``zeros(2, 3)`` or ``zeros((2, 3))``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return _finish(np.zeros(_size(args, size), _float(dtype)), requires_grad, device, out, layout, pin_memory)


def ones(*args, size=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """Ones of the given size: ``ones(2, 3)`` or ``ones((2, 3))``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.ones(3)
    tensor([1., 1., 1.])
    """
    return _finish(np.ones(_size(args, size), _float(dtype)), requires_grad, device, out, layout, pin_memory)


def empty(*args, size=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
          memory_format=None):  # fmt: skip
    """Memory of the given size, with any content."""
    shape = _size(args, size)
    if memory_format is None:
        return _finish(np.empty(shape, _float(dtype)), requires_grad, device, out, layout, pin_memory)
    a = layouts.empty_array(shape, _float(dtype), layouts.order_of(memory_format, shape))
    return layouts.fixed(_finish(a, requires_grad, device, out, layout, pin_memory))


def full(size, fill_value, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """``fill_value`` (a number or a 0-d tensor) in every place of ``size``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    if isinstance(size, int):
        raise TypeError("full(): argument 'size' (position 1) must be tuple of ints, not int")
    d = (
        _infer(number(fill_value) if isinstance(fill_value, np.generic) else fill_value)
        if dtype is None
        else dtypes.to_numpy(dtype)
    )
    return _finish(
        np.full(_size((size,), None), _wrapped(fill_value, d), d), requires_grad, device, out, layout, pin_memory
    )


def _alike(input, value, dtype, requires_grad, device, layout, pin_memory, memory_format):
    """A tensor of the size and memory order of ``input``; ``value`` None leaves any content."""
    if not isinstance(input, TensorBase):
        raise TypeError(f"argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    d = input._data.dtype if dtype is None else dtypes.to_numpy(dtype)
    a, fixed = input._data, False
    if memory_format is not None or not a.flags.c_contiguous:
        like = layouts.empty_like(input, d, memory_format)
        a, fixed = like._data, "_fixed" in like.__dict__
    elif value is not None and not np.any(value):
        a, value = np.zeros(a.shape, d), None  # memory that the system hands out is zero already
    else:
        a = np.empty(a.shape, d)
    if value is not None:
        a[...] = value
    t = _finish(a, requires_grad, device, None, layout, pin_memory)
    if fixed:
        t.__dict__["_fixed"] = True
    return t


def zeros_like(
    input, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, memory_format=None
):
    """Zeros with the size and dtype of ``input``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.zeros_like(tl.tensor([1, 2]))
    tensor([0, 0])
    """
    return _alike(input, 0, dtype, requires_grad, device, layout, pin_memory, memory_format)


def ones_like(
    input, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, memory_format=None
):
    """Ones with the size and dtype of ``input``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.ones_like(tl.tensor([0.5, 2.0]))
    tensor([1., 1.])
    """
    return _alike(input, 1, dtype, requires_grad, device, layout, pin_memory, memory_format)


def empty_like(
    input, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, memory_format=None
):
    """Memory with the size and dtype of ``input``."""
    return _alike(input, None, dtype, requires_grad, device, layout, pin_memory, memory_format)


def full_like(input, fill_value, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
              memory_format=None):  # fmt: skip
    """``fill_value`` with the size and dtype of ``input``."""
    d = input._data.dtype if dtype is None else dtypes.to_numpy(dtype)
    return _alike(input, _wrapped(fill_value, d), dtype, requires_grad, device, layout, pin_memory, memory_format)


# -- counted ---------------------------------------------------------------------------------------


def _progression(name, start, step, count, dtype):
    """``start + i * step`` for ``count`` values of i."""
    d = dtypes.to_numpy(dtype)
    if d.kind in "iu":
        return (np.arange(count, dtype=np.int64) * int(step) + int(start)).astype(d)
    return (np.arange(count, dtype=np.float64) * step + start).astype(d)


def _checked_step(start, end, step):
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (np.isfinite(start) and np.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def arange(start=0, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, pin_memory=False,
           requires_grad=False):  # fmt: skip
    """Numbers from ``start`` to ``end`` (without it) in steps.

    Integers give int64, a float among the arguments gives the default dtype.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.arange(0, 1, 0.25)
    tensor([0.0000, 0.2500, 0.5000, 0.7500])
    """
    if end is None:
        start, end = 0, start
    start, end, step = number(start), number(end), number(step)
    whole = dtype if out is None or dtype is not None else out.dtype
    small = None  # PyTorch counts in doubles for small integers, and truncates then
    if whole is not None and dtypes.to_numpy(whole).kind in "iu":
        if dtypes.to_numpy(whole).itemsize < 8:
            _checked_step(start, end, step)
            small = int(np.ceil((end - start) / step))
        start, end, step = int(start), int(end), int(step)
    if small is None:
        _checked_step(start, end, step)
    if dtype is None:
        floating = any(isinstance(n, float) for n in (start, end, step))
        dtype = (dtypes.get_default_dtype() if floating else dtypes.int64) if out is None else out.dtype
    count = (
        -((start - end) // step) if not isinstance(start + end + step, float) else int(np.ceil((end - start) / step))
    )
    array = _progression("arange", start, step, int(count if small is None else small), dtype)
    return _finish(array, requires_grad, device, out, layout, pin_memory)


def range(start=0, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """Numbers from ``start`` to ``end`` (with it); deprecated in favour of :func:`arange`."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning, stacklevel=2)  # fmt: skip
    if end is None:
        start, end = 0, start
    start, end, step = number(start), number(end), number(step)
    _checked_step(start, end, step)
    array = _progression("range", start, step, int((end - start) / step) + 1, dtype or dtypes.get_default_dtype())
    return _finish(array, requires_grad, device, out, layout)


def _steps(name, steps):
    steps = number(steps)
    if not isinstance(steps, int):
        raise TypeError(f"{name}() received an invalid combination of arguments - steps must be an int, not "
                        f"{type(steps).__name__}")  # fmt: skip
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return steps


def linspace(
    start, end, steps, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):
    """``steps`` numbers from ``start`` to ``end`` (with it).

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    start, end, steps = number(start), number(end), _steps("linspace", steps)
    if dtype is None and (isinstance(start, _numbers[2]) or isinstance(end, _numbers[2])):
        dtype = dtypes.get_default_dtype().to_complex()
    d = _float(dtype)
    if d.kind in "iu":
        start, end = int(start), int(end)
    return _finish(evenly(start, end, steps, d), requires_grad, device, out, layout, pin_memory)


def logspace(start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None, pin_memory=False,
             requires_grad=False):  # fmt: skip
    """``base ** x`` for ``steps`` numbers x from ``start`` to ``end``."""
    start, end = number(start), number(end)
    if _float(dtype).kind in "iu":
        start, end = int(start), int(end)
    a = np.power(float(base), np.linspace(start, end, _steps("logspace", steps)))
    return _finish(a.astype(_float(dtype)), requires_grad, device, out, layout, pin_memory)


def eye(n, m=None, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """Ones on the diagonal of an ``(n, m)`` matrix, zeros elsewhere.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n must be greater or equal to 0, got {n if n < 0 else m}")
    return _finish(np.eye(n, m, dtype=_float(dtype)), requires_grad, device, out, layout, pin_memory)


def tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """The places of the lower triangle of a ``(row, col)`` matrix: two rows of indices."""
    _check_sides(row, col)
    return _finish(np.stack(np.tril_indices(row, offset, col)).astype(_integer(dtype)), False, device, None, layout)


def triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """The places of the upper triangle of a ``(row, col)`` matrix: two rows of indices."""
    _check_sides(row, col)
    return _finish(np.stack(np.triu_indices(row, offset, col)).astype(_integer(dtype)), False, device, None, layout)


def _check_sides(row, col):
    for name, n in (("row", row), ("col", col)):
        if n < 0:
            raise RuntimeError(f"{name} must be non-negative, got{n}")


def _integer(dtype):
    return np.dtype(np.int64) if dtype is None else dtypes.to_numpy(dtype)


def complex(real, imag, *, out=None):
    """``real + 1j * imag``."""
    result = ew.complex(real, imag)
    return result if out is None else into_same(out, result)


def polar(abs, angle, *, out=None):
    """``abs * exp(1j * angle)``."""
    result = ew.polar(abs, angle)
    return result if out is None else into(out, result)
