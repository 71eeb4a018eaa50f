"""``torch.cuda.amp``: the older names of :mod:`tensorlite.amp`."""

import sys
import warnings

from .. import amp
from ..amp import custom_bwd, custom_fwd
from ..amp.grad_scaler import OptState

__all__ = ["GradScaler", "OptState", "autocast", "custom_bwd", "custom_fwd"]


def _deprecated(name):
    warnings.warn(
        f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}('cuda', args...)` instead.",
        FutureWarning, stacklevel=3)  # fmt: skip


class GradScaler(amp.GradScaler):
    """:class:`tensorlite.amp.GradScaler` for ``'cuda'``."""

    def __init__(self, init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000, enabled=True):
        _deprecated("GradScaler")
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


class autocast(amp.autocast):
    """:class:`tensorlite.amp.autocast` for ``'cuda'``."""

    def __init__(self, enabled=True, dtype=None, cache_enabled=True):
        _deprecated("autocast")
        super().__init__("cuda", dtype, enabled, cache_enabled)


# PyTorch's is a package
sys.modules[f"{__name__}.autocast_mode"] = sys.modules[f"{__name__}.grad_scaler"] = sys.modules[__name__]
