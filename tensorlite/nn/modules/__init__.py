"""PyTorch's door ``torch.nn.modules``: the classes of :mod:`tensorlite.nn` under their longer path."""

from .. import container, layer
from ..container import *  # noqa: F403
from ..layer import *  # noqa: F403
from ..layer.dropout import Dropout
from ..module import Module
from . import module

_SMALL = {"BatchNorm", "BatchNormalization", "Dense"}

__all__ = sorted({*container.__all__, *layer.__all__, Dropout.__name__, Module.__name__} - _SMALL) + ["module"]
