"""Callbacks of ``Model.fit``: what happens between steps and epochs."""

from .base import Callback, CallbackList  # first: the others, and Checkpoint's package, start from here

# isort: split
from ..checkpoint.checkpoint import Checkpoint
from .files import CSVLogger, JSONLogger, TensorBoard
from .gradients import GradientClipping
from .keep import ModelCheckpoint
from .rates import LRScheduler, ReduceLROnPlateau
from .search import LRFinder
from .stopping import EarlyStopping
from .user import LambdaCallback

__all__ = ["CSVLogger", "Callback", "CallbackList", "Checkpoint", "EarlyStopping", "GradientClipping", "JSONLogger",
           "LRFinder", "LRScheduler", "LambdaCallback", "ModelCheckpoint", "ReduceLROnPlateau", "TensorBoard"]  # fmt: skip
