"""``torch.utils.data._utils.collate``: the functions of :mod:`tensorlite.data.collate`."""

from ....data.collate import *  # noqa: F403
from ....data.collate import __all__ as __all__
