"""Errors learn where they came from: the path of the module, what it expects, what it was given, and the layers before."""

import math

import numpy as np

from .. import dtypes
from .._tensor import Tensor
from ..dtypes import ShapeError
from ..engine import Leaf, unwrap
from ..mistakes import page

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
    """The recorded operations that led to the first tensor argument, latest first: (name, shape, their parameters)."""
    node = next((a._node for a in args if isinstance(a, Tensor) and a._node is not None), None)
    steps = []
    while node is not None and len(steps) < _DEPTH and getattr(node, "plan", None) is not None:
        leaves = [id(e.tensor()) for e in node.edges if isinstance(e, Leaf)]
        steps.append((node.plan.primitive.name, list(node.shape), leaves))
        node = next((e for e in node.edges if getattr(e, "plan", None) is not None), None)
    return steps


def _came_from(steps, root):
    """``steps`` in words; an operation with parameters of ``root`` is named by their layer."""
    layers = {id(p): path.rpartition(".")[0] for path, p in root.named_parameters()}
    words = []
    for name, shape, leaves in steps:
        layer = next((layers[i] for i in leaves if layers.get(i)), "")
        words.append(f"{layer} ({name}) {shape}" if layer else f"{name} {shape}")
    return " <- ".join(words)


#: attribute of a layer -> its place in the shape of the input
_EXPECTED = (
    ("in_features", lambda m: f"(*, {m.in_features})"),
    ("in_channels", lambda m: f"(N, {m.in_channels}{', *' if not hasattr(m, 'kernel_size') else _sizes(m)})"),
    ("num_features", lambda m: f"(N, {m.num_features}, *)"),
    ("num_channels", lambda m: f"(N, {m.num_channels}, *)"),
    ("normalized_shape", lambda m: f"(*, {', '.join(map(str, m.normalized_shape))})"),
    ("input_size", lambda m: f"(*, {m.input_size})"),
    ("embed_dim", lambda m: f"(*, {m.embed_dim})"),
)


def _sizes(module):
    return "".join(f", {n}" for n in "DHW"[-len(module.kernel_size) :]) if len(module.kernel_size) > 1 else ", L"


def _expected(module):
    """The shape of the input that a layer takes, such as ``(*, 784)``; None if it does not say."""
    for name, shape in _EXPECTED:
        if isinstance(getattr(module, name, None), (int, tuple)):
            return shape(module)
    return None


def _fits(module, x):
    """Whether the last dimension or the channels of the array ``x`` are what ``module`` asks for."""
    sizes = x.shape
    for name, axis in (
        ("in_features", -1), ("in_channels", 1), ("num_features", 1), ("num_channels", 1), ("input_size", -1),
    ):  # fmt: skip
        n = getattr(module, name, None)
        if isinstance(n, int):
            if axis == 1 and len(sizes) in (1, 2, 3) and name == "in_channels":
                axis = -len(module.kernel_size) - 1
            return len(sizes) >= abs(axis) and n in (sizes[axis], 0)
    shape = getattr(module, "normalized_shape", None)
    return shape is None or sizes[-len(shape) :] == tuple(shape)


def _remedy(module, args):
    """The code and advice for inputs of the wrong dtype or shape, or None."""
    given = next((a for a in args if isinstance(a, (Tensor, np.ndarray))), None)
    if given is None:
        return None
    x = unwrap(given)
    weight = next((p for p in module.parameters(recurse=False) if p._data.dtype.kind == "f"), None)
    if weight is not None and x.dtype.kind == "f" and x.dtype != weight._data.dtype:
        a, b = dtypes.of(x.dtype).name, dtypes.of(weight._data.dtype).name
        why = "NumPy arrays are float64: " if x.dtype == np.float64 else ""
        cast = f"{_METHODS[b]}()" if given is not x else f"astype({b!r})"
        return "TL013", f"the input is {a}, the weights are {b}; {why}convert the input with x.{cast}"
    expected = _expected(module)
    if expected is not None and not _fits(module, x):
        cure = ""
        if x.ndim > 2 and getattr(module, "in_features", None) == math.prod(x.shape[1:]):
            cure = "; flatten the samples first, with x.flatten(1) or an nn.Flatten() before this layer"
        elif getattr(module, "in_channels", None) == 1 and x.ndim == len(module.kernel_size) + 1:
            cure = "; give the samples their channel, with x.unsqueeze(1)"
        return "TL021", f"expected an input of shape {expected}, found {x.shape}{cure}"
    return None


_METHODS = {"float32": "float", "float64": "double", "float16": "half"}


class NotATensorError(TypeError, AttributeError):
    """A layer was given something else: PyTorch raises one or the other, depending on the layer."""


def misplaced(module, args):
    """The error for a layer of this library whose argument is no tensor; None if that is not what went wrong."""
    if not type(module).__module__.startswith(__package__ + ".layer"):
        return None
    names = type(module).forward.__code__.co_varnames[1:]
    for i, a in enumerate(args):
        if not (isinstance(a, (Tensor, np.ndarray, tuple)) or (a is None and i)):
            error = NotATensorError(
                f"{type(module).__name__}(): argument '{names[i]}' (position {i + 1}) must be Tensor, not {type(a).__name__}"
            )
            explain(module, args, error)
            return error
    return None


def explain(module, args, error):
    """Note on ``error`` the path from ``module`` to the module whose ``forward`` failed.

    A :class:`ShapeError`, and any error with a known remedy, gets it into its message, another one as a note (PEP 678). Each module on the way up calls this and
    puts its own name in front, so the last one leaves the whole path, relative to the outermost module that was called.
    """
    try:
        trace = error.__dict__.get("_modules")
        if trace is None:
            trace = error._modules = _Trace(module, args, str(error))
        elif trace.module is not module:
            name = next((path for path, m in module.named_modules() if m is trace.module), None)
            if name is None:
                return
            trace.module = module
            trace.path = f"{name}.{trace.path}" if trace.path else name
        note = trace.note()
        if isinstance(error, ShapeError) or (trace.remedy and len(error.args) == 1):
            error.args = (f"{trace.message} ({note})",)
            return
        notes = error.__dict__.setdefault("__notes__", [])
        if trace.shown in notes:
            notes.remove(trace.shown)
        notes.append(note)
        trace.shown = note
    except Exception:  # an explanation must never hide the error that it explains
        return


class _Trace:
    """What is known of a failed call, and the path that grows on the way up."""

    def __init__(self, module, args, message):
        self.module, self.path, self.message, self.shown = module, "", message, None
        given = ", ".join(describe(a) for a in args)
        self.what = f"{one_line(module)}, given ({given})"
        self.steps = _before(args)
        self.remedy = _remedy(module, args)

    def note(self):
        text = f"in {self.path}: {self.what}" if self.path else f"in {self.what}"
        if self.steps:
            text += f", which came from {_came_from(self.steps, self.module)}"
        if self.remedy:
            code, advice = self.remedy
            text += f"; {code}: {advice}; see {page(code)}"
        return text


def one_line(module):
    """A module's repr on one line."""
    text = " ".join(repr(module).split())
    return text if len(text) <= 100 else f"{type(module).__name__}(...)"
