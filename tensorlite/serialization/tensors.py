"""The safetensors format: a flat dict of tensors that PyTorch and others read too.

https://huggingface.co/docs/safetensors
"""

import warnings

import numpy as np

from .. import engine
from ..engine import TensorBase

__all__ = ["read", "widen", "write"]

_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?",
    "U16": "<u2", "U32": "<u4", "U64": "<u8", "C64": "<c8",
}  # fmt: skip


def _package():
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError('.safetensors files need the package: pip install "tensorlite[io]"') from error
    return safetensors


def write(obj, file):
    """Write a dict of tensors (or arrays) to a binary file."""
    package = _package()
    if not isinstance(obj, dict) or not all(isinstance(k, str) for k in obj):
        raise TypeError(
            f"a .safetensors file holds a flat dict of names and tensors, not a {type(obj).__name__}; save nested data "
            "under another name"
        )
    arrays = {}
    for name, value in obj.items():
        if not isinstance(value, (TensorBase, np.ndarray)):
            raise TypeError(f"a .safetensors file holds tensors only, but {name!r} is a {type(value).__name__}")
        # the package writes the memory as it lies, whatever the strides say
        arrays[name] = np.array(engine.unwrap(value), order="C")
    file.write(package.numpy.save(arrays))


def read(file):
    """The dict of tensors in a binary file."""
    package = _package()
    try:
        entries = package.deserialize(file.read())
    except package.SafetensorError as error:
        raise ValueError(f"not a complete safetensors file: {error}") from error
    result = {}
    for name, entry in entries:
        kind = entry["dtype"]
        data = bytearray(entry["data"])
        if kind == "BF16":
            array = widen(np.frombuffer(data, "<u2"))
        elif kind in _TYPES:
            dtype = np.dtype(_TYPES[kind])
            array = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False)
        else:
            raise ValueError(f"{name!r} has the type {kind}, which NumPy does not have")
        result[name] = engine.wrap(array.reshape(entry["shape"]))
    if any(entry["dtype"] == "BF16" for _, entry in entries):
        note()
    return result


def widen(bits):
    """bfloat16 is the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def note():
    """Tell that a type was changed."""
    warnings.warn("NumPy has no bfloat16: such tensors were loaded as float32", UserWarning, stacklevel=4)
