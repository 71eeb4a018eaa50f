"""PyTorch's door ``torch.nn.modules``: the classes of :mod:`tensorlite.nn` under their longer path."""

from .. import container, layer
from ..container import *  # noqa: F403
from ..layer import *  # noqa: F403
from ..layer.dropout import Dropout
from ..module import Module
from . import module

#: PyTorch's files of modules, such as ``nn.modules.batchnorm``: doors to the same classes.
_FILES = {
    "activation", "adaptive", "batchnorm", "container", "conv", "distance", "dropout", "flatten", "fold", "instancenorm", "linear",
    "loss", "normalization", "padding", "pixelshuffle", "pooling", "rnn", "sparse", "transformer", "upsampling",
}  # fmt: skip

_SMALL = {"BatchNorm", "BatchNormalization", "Dense"}

_LAYERS = {name for name, value in vars(layer).items() if isinstance(value, type)}
__all__ = sorted({*container.__all__, *_LAYERS, Dropout.__name__, Module.__name__} - _SMALL) + ["module"]


def __getattr__(name):
    from sys import modules

    if name in _FILES:
        return modules[__name__]
    if not name.startswith("__"):
        from ... import nn

        if hasattr(nn, name):
            return getattr(nn, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
