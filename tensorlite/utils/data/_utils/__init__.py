"""``torch.utils.data._utils``."""

from . import collate as collate
