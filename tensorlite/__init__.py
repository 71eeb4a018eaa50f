"""tensorlite: PyTorch's imperative style on NumPy alone."""

from . import dtypes, engine
from ._tensor import Tensor
from .creation import *  # noqa: F403
from .device import Size, device, get_default_device, set_default_device
from .dtypes import (
    dtype, finfo, get_default_dtype, iinfo, promote_types, result_type, set_default_dtype,
)  # fmt: skip
from .functions import *  # noqa: F403

float32 = float = dtypes._NAMED["float32"]
float64 = double = dtypes._NAMED["float64"]
float16 = half = dtypes._NAMED["float16"]
int64 = long = dtypes._NAMED["int64"]
int32 = int = dtypes._NAMED["int32"]
int16 = short = dtypes._NAMED["int16"]
int8, uint8, bool = dtypes._NAMED["int8"], dtypes._NAMED["uint8"], dtypes._NAMED["bool"]
uint16, uint32, uint64 = dtypes._NAMED["uint16"], dtypes._NAMED["uint32"], dtypes._NAMED["uint64"]
complex64 = cfloat = dtypes._NAMED["complex64"]
complex128 = cdouble = dtypes._NAMED["complex128"]

__version__ = "0.1.0"


def __getattr__(name):
    import importlib

    if not name.startswith("__"):
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module 'tensorlite' has no attribute {name!r}")
