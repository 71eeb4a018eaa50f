"""Every layer, one family per file; also the small library's names ``Dense``, ``Dropout``, ``BatchNorm``."""

from .dense import Bilinear, LazyLinear, Linear, NonDynamicallyQuantizableLinear

__all__ = ["Bilinear", "LazyLinear", "Linear", "NonDynamicallyQuantizableLinear"]
