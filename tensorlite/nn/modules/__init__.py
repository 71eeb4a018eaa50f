"""PyTorch's door ``torch.nn.modules``: the classes of :mod:`tensorlite.nn` under their longer path."""

import sys as _sys

from .. import container, layer
from ..container import *  # noqa: F403
from ..layer import *  # noqa: F403
from ..layer.dropout import Dropout
from ..module import Module
from . import module, utils

#: PyTorch's files of modules, such as ``nn.modules.batchnorm``: doors to the same classes.
_FILES = {
    "activation", "adaptive", "batchnorm", "channelshuffle", "container", "conv", "distance", "dropout", "flatten", "fold",
    "instancenorm", "lazy", "linear", "loss", "normalization", "padding", "pixelshuffle", "pooling", "rnn", "sparse",
    "transformer", "upsampling",
}  # fmt: skip

_SMALL = {"BatchNorm", "BatchNormalization", "Dense"}

_LAYERS = {name for name, value in vars(layer).items() if isinstance(value, type)}
__all__ = sorted({*container.__all__, *_LAYERS, Dropout.__name__, Module.__name__} - _SMALL) + ["module", "utils"]


for _name in _FILES:
    globals()[_name] = _sys.modules[f"{__name__}.{_name}"] = _sys.modules[__name__]


def __getattr__(name):
    if not name.startswith("__"):
        nn = __name__.rpartition(".")[0]
        rooms = [m for path, m in list(_sys.modules.items()) if path.startswith(f"{nn}.layer.")]
        for room in (_sys.modules[nn], *rooms):  # the bases too, such as _BatchNorm
            if name in vars(room):
                return vars(room)[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
