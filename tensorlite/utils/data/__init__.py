"""``torch.utils.data``: the door to :mod:`tensorlite.data`."""

from ...data import *  # noqa: F403
from ...data import __all__ as __all__
from . import _utils as _utils
from . import dataloader as dataloader
from . import dataset as dataset
from . import distributed as distributed
from . import sampler as sampler
