"""Optimizers and learning-rate schedules, with PyTorch's names, formulas and state."""

import sys as _sys

from . import adagrad, adam, adam_variants, lr_scheduler, sgd, swa_utils
from .adagrad import Adadelta, Adagrad, RMSprop
from .adam import Adam, AdamW
from .adam_variants import Adamax, NAdam, RAdam
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .rprop import Rprop
from .sgd import ASGD, SGD
from .whole import Adafactor, Muon

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon", "NAdam",
    "Optimizer", "RAdam", "RMSprop", "Rprop", "lr_scheduler", "swa_utils",
]  # fmt: skip

# PyTorch has one module per optimizer: ``torch.optim.adamw.AdamW``.
for _name, _module in {
    "adadelta": adagrad, "rmsprop": adagrad, "adamw": adam, "adamax": adam_variants, "nadam": adam_variants,
    "radam": adam_variants, "asgd": sgd,
}.items():  # fmt: skip
    _sys.modules[f"{__name__}.{_name}"] = globals()[_name] = _module


def __getattr__(name):
    if name == "SparseAdam":
        raise AttributeError("optim.SparseAdam is not supported: there are no sparse gradients; use Adam")
    # with the module at hand, Python says which name was perhaps meant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=_sys.modules[__name__])
