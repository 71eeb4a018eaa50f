"""``torch.types``: names for type annotations."""

import os
from collections.abc import Sequence
from typing import IO, Union

from ._device import device as _device
from ._tensor import Tensor

Number = Union[int, float, bool]
Device = Union[_device, str, int, None]
FileLike = Union[str, os.PathLike, IO[bytes]]
_Number = (bool, int, float)
_TensorOrTensors = Union[Tensor, Sequence[Tensor]]
_size = Union[tuple[int, ...], list[int]]
