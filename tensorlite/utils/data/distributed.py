"""``torch.utils.data.distributed``."""

from ...data import *  # noqa: F403
from ...data import __all__ as __all__
