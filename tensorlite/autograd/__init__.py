"""Differentiation as people use it: gradients, modes, checks, and functions of one's own."""

from ..engine import backward, grad
from .grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .gradcheck import gradcheck, gradgradcheck
from .variable import Variable

__all__ = [
    "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "forward_ad", "functional", "grad", "gradcheck",
    "gradgradcheck", "graph", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad",
    "profiler", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip

_modules = ("anomaly_mode", "forward_ad", "function", "functional", "graph", "profiler")
_names = {"Function": "function", "detect_anomaly": "anomaly_mode", "set_detect_anomaly": "anomaly_mode"}


def __getattr__(name):
    """Import what not every program needs when it is first used."""
    import importlib

    if name in _modules:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _names:
        value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_names[name]}"), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
