"""``torch.*``: functions of tensors, in PyTorch's spelling. Tensor methods are the same functions."""

from .matrices import *  # noqa: F403
from .pointwise import *  # noqa: F403
from .reducing import *  # noqa: F403
from .shaping import *  # noqa: F403
