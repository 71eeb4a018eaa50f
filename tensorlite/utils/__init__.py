"""Doors where PyTorch has them (``torch.utils.data``); each is imported when it is first used."""


def __getattr__(name):
    from importlib import import_module

    if not name.startswith("__"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
