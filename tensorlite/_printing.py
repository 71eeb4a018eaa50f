"""How tensors read: PyTorch's ``repr``, number for number.

All numbers of a tensor share one format, chosen from those that are shown: integers with a point where every
value is whole, scientific notation where the largest is more than 1000 times the smallest, more than 1e8, or
the smallest is less than 1e-4, else ``precision`` decimals.
"""

from __future__ import annotations

import contextlib
import math

import numpy as np

from . import dtypes

__all__ = ["get_printoptions", "printoptions", "set_printoptions", "tensor_repr"]

_PROFILES: dict = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_options: dict = {**_PROFILES["default"], "sci_mode": None}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Change how tensors are printed.

    Parameters
    ----------
    precision : int, default 4
        Digits after the point.
    threshold : int, default 1000
        With more elements than that, only the edges are shown.
    edgeitems : int, default 3
        Elements at each end of a dimension in a summary.
    linewidth : int, default 80
    profile : {'default', 'short', 'full'}, optional
        A set of the options above, which may then be changed.
    sci_mode : bool, optional
        Scientific notation always or never; None, which is what a call without it sets, decides by the values.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.set_printoptions(precision=2)
    >>> tl.tensor([1.12345])
    tensor([1.12])
    >>> tl.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"profile must be one of {', '.join(_PROFILES)}, not {profile!r}")
        _options.update(_PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({k: v for k, v in given.items() if v is not None})
    _options["sci_mode"] = sci_mode


def get_printoptions():
    """The options that :func:`set_printoptions` changes, as a dict."""
    return dict(_options)


@contextlib.contextmanager
def printoptions(**options):
    """Change the options of :func:`set_printoptions` for a ``with`` block."""
    old = dict(_options)
    set_printoptions(**options)
    try:
        yield
    finally:
        _options.update(old)


class _Formatter:
    """The common format of the numbers ``a`` (real)."""

    def __init__(self, a):
        self.floating = a.dtype.kind == "f"
        self.whole, self.scientific, self.width = True, False, 1
        a = a.reshape(-1)
        if not self.floating:
            if a.dtype.kind == "b":
                self.width = max([len(str(v)) for v in a.tolist()], default=1)
            elif a.size:
                self.width = max(len(str(a.min())), len(str(a.max())))
            return
        values = a[np.isfinite(a) & (a != 0)].astype(np.float64)
        if not values.size:
            return
        sizes = np.abs(values)
        low, high = sizes.min(), sizes.max()
        self.whole = bool((values == np.ceil(values)).all())
        self.scientific = _options["sci_mode"]
        if self.scientific is None:
            self.scientific = high / low > 1000.0 or high > 1e8 or low < 1e-4
        pattern, extra = self._pattern()
        self.width = max(1, max([len(pattern.format(v)) for v in values.tolist()]) + extra)

    def _pattern(self):
        """The format, and the room for the point that whole numbers get."""
        if self.scientific:
            return f"{{:.{_options['precision']}e}}", 0
        return ("{:.0f}", 1) if self.whole else (f"{{:.{_options['precision']}f}}", 0)

    def __call__(self, value):
        if not self.floating:
            text = str(value)
        else:
            text = self._pattern()[0].format(value)
            if self.whole and not self.scientific and math.isfinite(value):
                text += "."
        return text.rjust(self.width)


def _element(value, formatters):
    """One number; a complex one as the two parts it is made of."""
    if len(formatters) == 1:
        return formatters[0](value)
    imag = (formatters[1](value.imag) + "j").lstrip()
    return formatters[0](value.real) + (imag if imag[0] in "+-" else "+" + imag)


def _vector(a, indent, summarize, formatters):
    length = formatters[0].width + 2 + (formatters[1].width + 1 if len(formatters) > 1 else 0)
    per_line = max(1, (_options["linewidth"] - indent) // length)
    edge = _options["edgeitems"]
    if summarize and not edge:
        parts = ["..."]
    elif summarize and len(a) > 2 * edge:
        parts = [_element(v, formatters) for v in a[:edge].tolist()] + [" ..."]
        parts += [_element(v, formatters) for v in a[-edge:].tolist()]
    else:
        parts = [_element(v, formatters) for v in a.tolist()]
    lines = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(a, indent, summarize, formatters):
    if a.ndim == 0:
        return _element(a.item(), formatters)
    if a.ndim == 1:
        return _vector(a, indent, summarize, formatters)
    edge = _options["edgeitems"]
    if summarize and len(a) > 2 * edge:
        rows = [_nested(a[i], indent + 1, summarize, formatters) for i in range(edge)] + ["..."]
        rows += [_nested(a[i], indent + 1, summarize, formatters) for i in range(len(a) - edge, len(a))]
    else:
        rows = [_nested(row, indent + 1, summarize, formatters) for row in a]
    return "[" + ("," + "\n" * (a.ndim - 1) + " " * (indent + 1)).join(rows) + "]"


def _shown(a):
    """The elements at the edges that a summary shows."""
    edge = _options["edgeitems"]
    for axis, n in enumerate(a.shape):
        if n > 2 * edge:
            keep = [*range(edge), *range(n - edge, n)]
            a = np.take(a, keep, axis=axis)
    return a


def _contents(a, indent):
    if not a.size:
        return "[]"
    summarize = a.size > _options["threshold"]
    shown = _shown(a) if summarize else a
    parts = (shown.real, shown.imag) if a.dtype.kind == "c" else (shown,)
    return _nested(a, indent, summarize, [_Formatter(p) for p in parts])


def _suffixes(t):
    a, default = t._data, dtypes.get_default_dtype().numpy
    out = []
    if not a.size:
        if a.ndim != 1:
            out.append(f"size={tuple(a.shape)}")
        if a.dtype != default:
            out.append(f"dtype={t.dtype}")
    else:
        if not _options["edgeitems"]:
            out.append(f"size={tuple(a.shape)}")
        if a.dtype not in (default, np.result_type(default, np.complex64), np.int64, np.bool_):
            out.append(f"dtype={t.dtype}")
    node = t.grad_fn
    if node is not None:
        out.append(f"grad_fn=<{node.name()}>")
    elif t.requires_grad:
        out.append("requires_grad=True")
    return out


def tensor_repr(t, contents=None):
    """The text that ``repr(t)`` and ``print(t)`` show; ``contents`` stands for the elements."""
    name = type(t).__name__
    prefix = "tensor(" if name in ("Tensor", "Parameter") else f"{name}("
    text = prefix + (_contents(t._data, len(prefix)) if contents is None else contents)
    last_line = len(text) - text.rfind("\n") + 1
    for suffix in _suffixes(t):
        if last_line + len(suffix) + 2 > _options["linewidth"]:
            text += ",\n" + " " * len(prefix) + suffix
            last_line = len(prefix) + len(suffix)
        else:
            text += ", " + suffix
            last_line += len(suffix) + 2
    return text + ")"
