"""``torch.utils.hooks``: what registering a hook returns."""

from ..engine import RemovableHandle
from ..nn.hooks import BackwardHook

__all__ = ["BackwardHook", "RemovableHandle"]
