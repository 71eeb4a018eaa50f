"""Errors learn where they came from: the path of the module, what it is and what it was given."""

from __future__ import annotations

from .. import dtypes
from .._tensor import Tensor
from ..dtypes import ShapeError

#: How many operations before the failed one are shown.
_DEPTH = 4


def describe(value):
    """A value in an error message: tensors by dtype and shape."""
    if isinstance(value, Tensor):
        return f"{dtypes.of(value._data.dtype).name}{list(value._data.shape)}"
    if isinstance(value, (tuple, list)) and value and all(isinstance(v, Tensor) for v in value):
        return f"({', '.join(describe(v) for v in value[:4])}{', ...' if len(value) > 4 else ''})"
    return type(value).__name__


def _before(args):
    """The recorded operations that led to the first tensor argument, latest first."""
    node = next((a._node for a in args if isinstance(a, Tensor) and a._node is not None), None)
    steps = []
    while node is not None and len(steps) < _DEPTH and getattr(node, "plan", None) is not None:
        steps.append(f"{node.plan.primitive.name} {list(node.shape)}")
        node = next((e for e in node.edges if getattr(e, "plan", None) is not None), None)
    return steps


def explain(module, args, error):
    """Note on ``error`` the path from ``module`` to the module whose ``forward`` failed.

    A :class:`ShapeError` gets it into its message, another error as a note (PEP 678). Each module on the way up calls this and puts its own name in front, so the last one leaves the
    whole path, relative to the outermost module that was called.
    """
    try:
        trace = error.__dict__.get("_modules")
        if trace is None:
            given = ", ".join(describe(a) for a in args)
            text = f"given ({given})"
            if steps := _before(args):
                text += ", which came from " + " <- ".join(steps)
            trace = error._modules = [module, "", f"{one_line(module)}, {text}", str(error), None]
        elif trace[0] is not module:
            name = next((path for path, m in module.named_modules() if m is trace[0]), None)
            if name is None:
                return
            trace[:2] = module, f"{name}.{trace[1]}" if trace[1] else name
        note = f"in {trace[1]}: {trace[2]}" if trace[1] else f"in {trace[2]}"
        if isinstance(error, ShapeError):
            error.args = (f"{trace[3]} ({note})",)
            return
        notes = error.__dict__.setdefault("__notes__", [])
        if trace[4] in notes:
            notes.remove(trace[4])
        notes.append(note)
        trace[4] = note
    except Exception:  # an explanation must never hide the error that it explains
        return


def one_line(module):
    """A module's repr on one line."""
    text = " ".join(repr(module).split())
    return text if len(text) <= 100 else f"{type(module).__name__}(...)"
