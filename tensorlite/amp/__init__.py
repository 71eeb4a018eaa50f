"""``torch.amp``: mixed precision. NumPy has no fast half precision, so everything is computed in full precision.

Scripts run unchanged: :class:`autocast` is a block without effect (and says so once), :class:`GradScaler` scales the
loss, unscales the gradients and skips steps as PyTorch's does on a CPU.
"""

from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
