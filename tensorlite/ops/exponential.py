"""The fastest exponential of the processor, for kernels that may choose its base.

With AVX-512, NumPy's ``exp2`` of float32 takes half the time of its ``exp`` (0.15 ns and 0.33 ns per element in cache);
elsewhere it is a loop over the C library's function, many times slower. A kernel that scales its exponents anyway
multiplies by ``log`` of the base for nothing.
"""

import math
import sys

import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as _features

_FAST = bool(_features.get("AVX512_SKX")) and sys.platform == "linux"


def exponential(dtype):
    """``(power, log)`` such that ``power(x * log)`` is ``exp(x)`` for arrays of ``dtype``."""
    return (np.exp2, math.log2(math.e)) if _FAST and dtype == np.float32 else (np.exp, 1.0)
