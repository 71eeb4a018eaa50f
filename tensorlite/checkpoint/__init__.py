"""Checkpoints: a run that was interrupted goes on as if it had not been, bit for bit."""

from .. import callbacks  # noqa: F401  first, as Checkpoint is one of them
from .checkpoint import Checkpoint
from .files import DamagedCheckpoint
from .streams import Resumable

__all__ = ["Checkpoint", "DamagedCheckpoint", "Resumable"]
