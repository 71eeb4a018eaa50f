"""torchvision's door: data sets, transforms, pictures. Modules are imported when they are first used."""

from ..version import __version__  # noqa: F401 (torchvision has one of its own)

__all__ = ["datasets", "io", "transforms", "utils"]

#: What torchvision has and this library leaves out, and what to do instead.
_ABSENT = {
    "models": "build the network from nn's layers; its state_dict, saved by PyTorch, loads with load()",
    "ops": "operations on boxes are written in a few lines of tensor code",
}


def __getattr__(name):
    if name in __all__:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    if name in _ABSENT:
        raise AttributeError(f"tensorlite.vision.{name} is not supported: {_ABSENT[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
