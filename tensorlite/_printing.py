"""How tensors read: PyTorch's ``repr``."""

from __future__ import annotations

import numpy as np


def tensor_repr(t):
    """The text of a tensor."""
    return f"tensor({np.array2string(t._data, separator=', ')})"


def set_printoptions(precision=None):
    pass
