"""Tensors and state as files. Nothing that a file contains is ever executed.

``save`` writes NumPy's npz (a zip of arrays) with a manifest in JSON that says how they are nested, or the
`safetensors <https://github.com/huggingface/safetensors>`_ format where the name ends so. ``load`` reads both, and
what PyTorch's ``torch.save`` wrote.
"""

from .files import load, save
from .safety import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save"]
