"""The constructors that tensors had before ``torch.tensor``: ``FloatTensor(2, 3)``, ``LongTensor([1, 2])``."""

import numpy as np

from . import dtypes
from ._device import Size, check_device
from .creation import _array, _size
from .engine import TensorBase, wrap

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor",
    "ShortTensor", "legacy_tensor", "set_default_tensor_type",
]  # fmt: skip


def legacy_tensor(dtype, *args, device=None):
    """The old constructors: ``FloatTensor(2, 3)`` and ``FloatTensor(Size)`` for sizes, ``FloatTensor([1, 2])`` for data."""
    check_device(device)
    if len(args) == 1 and not isinstance(args[0], (int, np.integer, Size)):
        data = args[0]
        if isinstance(data, TensorBase):
            if data._data.dtype != dtype.numpy:
                raise TypeError(
                    f"expected {dtype.typename} (got {dtypes.of(data._data.dtype).typename}); use .to(dtype) to convert"
                )
            return data.detach()
        if isinstance(data, (str, float)) or not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
        return wrap(_array(data, dtype))
    return wrap(np.empty(_size(args, None) if args else (0,), dtype.numpy))


class OldConstructor:
    """The old constructor of one dtype (``FloatTensor``): for sizes, or data. ``isinstance`` takes it for a class."""

    def __init__(self, dtype):
        self.tensor_dtype = dtype
        self.__name__ = self.__qualname__ = dtype.typename.removeprefix("torch.")

    def __call__(self, *args, device=None):
        return legacy_tensor(self.tensor_dtype, *args, device=device)

    def __instancecheck__(self, instance):
        return isinstance(instance, TensorBase) and instance._data.dtype == self.tensor_dtype.numpy

    def __repr__(self):
        return f"<class '{self.tensor_dtype.typename}'>"


FloatTensor, DoubleTensor, HalfTensor = map(OldConstructor, (dtypes.float32, dtypes.float64, dtypes.float16))
LongTensor, IntTensor, ShortTensor = map(OldConstructor, (dtypes.int64, dtypes.int32, dtypes.int16))
CharTensor, ByteTensor, BoolTensor = map(OldConstructor, (dtypes.int8, dtypes.uint8, dtypes.bool_))


def set_default_tensor_type(t):
    """Change the default dtype by an old constructor or its name (``'torch.DoubleTensor'``)."""
    dtypes.set_default_dtype(dtypes.of_type(t))
