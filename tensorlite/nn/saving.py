"""Whole models as files, without pickle: how each layer is constructed, and its arrays.

A layer is described by its class in ``tensorlite.nn`` and its constructor's arguments, which layers keep as
attributes of the same names. Loading calls that constructor; no code in the file is ever executed.
"""

import inspect

from .history import History
from .module import Module

__all__ = ["describe", "load_model", "restore", "save_model"]

FORMAT = 1
_PLAIN = (int, float, str, bool, type(None))


def describe(part):
    """``{"class": name, "arguments": {...}}`` for a layer, activation, loss, accuracy or optimizer of this library.

    Raises
    ------
    TypeError
        For a class that is not the library's own, or an argument that is not plain data.
    """
    if part is None:
        return None
    cls = type(part)
    where = _rooms()
    name = next((f"{room}.{cls.__name__}" for room, m in where.items() if getattr(m, cls.__name__, None) is cls), None)
    if name is None:
        raise TypeError(
            f"a model file describes layers of tensorlite.nn only, not {cls.__module__}.{cls.__qualname__}; use "
            "save_parameters() and build the model by code"
        )
    if name.startswith("optimizer."):
        return {"class": name, "arguments": part.config()}
    arguments = {}
    for p in inspect.signature(cls.__init__).parameters.values():
        if p.name in ("self", "device", "dtype", "size_average", "reduce") or p.kind in (
            p.VAR_POSITIONAL,
            p.VAR_KEYWORD,
        ):
            continue
        if p.name == "bias" and "bias" in getattr(part, "_parameters", {}):
            value = part.bias is not None
        else:
            value = getattr(part, p.name, p.default)
        if value is p.empty:
            raise TypeError(
                f"{cls.__name__} keeps no attribute {p.name!r}, so that its construction can't be described"
            )
        if isinstance(value, Module):
            value = describe(value)
        elif isinstance(value, tuple):
            value = list(value)
        if not isinstance(value, (*_PLAIN, list, dict)):
            raise TypeError(f"{cls.__name__}({p.name}={value!r}) can't be described as plain data")
        arguments[p.name] = value
    if hasattr(part, "__len__") and isinstance(part, Module) and not arguments:
        arguments["*"] = [describe(child) for child in part]
    return {"class": name, "arguments": arguments}


def restore(description):
    """The object that :func:`describe` described."""
    if description is None:
        return None
    room, name = description["class"].split(".")
    cls = getattr(_rooms().get(room), name, None)
    if not inspect.isclass(cls):
        raise ValueError(f"the file names a class {description['class']!r} that this version does not have")
    arguments = dict(description["arguments"])
    children = [restore(d) for d in arguments.pop("*", [])]
    arguments = {k: restore(v) if isinstance(v, dict) and "class" in v else v for k, v in arguments.items()}
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}
    return cls(*children, **arguments)


def _rooms():
    from . import accuracy, activation, container, layer, loss, optimizer

    return {"layer": layer, "activation": activation, "loss": loss, "accuracy": accuracy, "optimizer": optimizer,
            "container": container}  # fmt: skip


def save_model(model, path):
    """Write ``model`` with its parts, optimizer state, history and log to ``path``, atomically."""
    from ..serialization import save

    optimizer = model.optimizer
    bound = getattr(optimizer, "_inner", None) is not None
    history = model._history
    save(
        {
            "format": FORMAT,
            "layers": [describe(layer) for layer in model.layers],
            "parts": {k: describe(getattr(model, k)) for k in ("loss", "accuracy", "optimizer")},
            "state": dict(model.state_dict()),
            "optimizer": optimizer.state_dict() if bound else None,
            "history": None if history is None else history.state_dict(),
            "log": model.log.state_dict(),
            "frozen": [name for name, p in model.named_parameters() if not p.requires_grad],
        },
        path,
    )


def load_model(cls, path):
    """The model in ``path``.

    Raises
    ------
    ValueError
        If the file is no model file or has another format version.
    """
    from ..serialization import load

    data = load(path)
    if not isinstance(data, dict) or "layers" not in data or "format" not in data:
        raise ValueError(f"{path} holds no model; for parameters alone use load_parameters()")
    if data["format"] != FORMAT:
        raise ValueError(f"{path} has format {data['format']}, this version reads {FORMAT}")
    model = cls()
    for description in data["layers"]:
        model.add(restore(description))
    model.set(**{k: restore(v) for k, v in data["parts"].items()})
    if any(getattr(m, "unbuilt", False) for m in model.modules()):
        for name, value in data["state"].items():  # sizes that were taken from the first batch
            owner = model.get_submodule(name.rpartition(".")[0])
            if getattr(owner, "unbuilt", False):
                owner.make(value.shape[0])
    model.load_state_dict(data["state"])
    for name in data["frozen"]:
        model.get_parameter(name).requires_grad_(False)
    if data["optimizer"] is not None:
        model.optimizer.bind([p for p in model.parameters() if p.requires_grad])
        model.optimizer.load_state_dict(data["optimizer"])
    if data["history"] is not None:
        model._history = History()
        model._history.load_state_dict(data["history"])
    model.log.load_state_dict(data["log"])
    model.eval()
    return model
