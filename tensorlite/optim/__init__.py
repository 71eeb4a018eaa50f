"""Optimizers and learning-rate schedules, with PyTorch's names, formulas and state."""

from . import lr_scheduler, swa_utils
from .adagrad import Adadelta, Adagrad, RMSprop
from .adam import Adam, AdamW
from .adam_variants import Adamax, NAdam, RAdam
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .rprop import Rprop
from .sgd import ASGD, SGD

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "Optimizer", "RAdam",
    "RMSprop", "Rprop", "lr_scheduler", "swa_utils",
]  # fmt: skip


def __getattr__(name):
    if name in ("SparseAdam", "Adafactor", "Muon"):
        raise AttributeError(
            f"optim.{name} is not supported; there are {', '.join(n for n in __all__ if n[0].isupper())}"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
