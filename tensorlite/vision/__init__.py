"""torchvision's door: data sets, transforms, pictures. Modules are imported when they are first used."""

__all__ = ["datasets", "transforms", "utils"]


def __getattr__(name):
    if name in __all__:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
