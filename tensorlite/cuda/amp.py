"""``torch.cuda.amp``: the older names of :mod:`tensorlite.amp`."""

from .. import amp

__all__ = ["GradScaler", "autocast"]

GradScaler = amp.GradScaler


class autocast(amp.autocast):
    """:class:`tensorlite.amp.autocast` for ``'cuda'``."""

    def __init__(self, enabled=True, dtype=None, cache_enabled=True):
        super().__init__("cuda", dtype, enabled, cache_enabled)
