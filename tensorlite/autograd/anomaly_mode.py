"""Anomaly detection: which operation was the first to produce a number that is not finite, and where."""

import linecache
import threading
import warnings

import numpy as np

from .. import engine
from ..engine import Watcher, unwrap, watching
from ..mistakes import caller

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class AnomalyError(RuntimeError):
    """A number that is not finite, or a failed backward step, with the line of the forward call."""


def _range(name, value):
    """``name: float32[3] from -1 to 2, 1 nan``."""
    a = np.asarray(unwrap(value))
    if a.dtype.kind not in "fc":
        return f"{name}: {a.dtype.name}{list(a.shape)}"
    real = np.abs(a) if a.dtype.kind == "c" else a
    fine = real[np.isfinite(real)]
    span = f"from {fine.min():.6g} to {fine.max():.6g}" if fine.size else "nothing finite"
    bad = [f"{n} {what}" for n, what in ((np.isnan(real).sum(), "nan"), (np.isinf(real).sum(), "inf")) if n]
    return f"{name}: {a.dtype.name}{list(a.shape)} {', '.join([span, *bad])}"


def _line(place):
    """``file:line`` with the text of the line, if it can be read."""
    file, _, number = str(place).rpartition(":")
    text = linecache.getline(file, int(number)).strip() if number.isdigit() else ""
    inside = f" in module {place.module}" if getattr(place, "module", "") else ""
    return f"{place}{inside}\n    {text}" if text else f"{place}{inside}"


def _bad(x):
    """'nan', 'inf', or None where everything is finite."""
    if x is None:
        return None
    a = np.asarray(unwrap(x))
    if a.dtype.kind not in "fc" or np.isfinite(a).all():
        return None
    return "nan" if np.isnan(a).any() else "inf"


class Place(str):
    """``file:line`` with the path of the module that was running."""

    module = ""


class _Modules:
    """Which module is running: hooks on all modules while anomalies are looked for."""

    def __init__(self):
        self.running = []
        self.paths = {}
        self.thread = threading.get_ident()
        self.handles = []

    def start(self):
        from ..nn import hooks

        self.handles = [
            hooks.register_module_forward_pre_hook(self._enter),
            hooks.register_module_forward_hook(self._leave, always_call=True),
        ]

    def stop(self):
        for handle in self.handles:
            handle.remove()

    def _enter(self, module, args):
        if threading.get_ident() == self.thread:
            self.running.append(module)

    def _leave(self, module, args, result):
        if threading.get_ident() == self.thread and module in self.running:
            del self.running[self.running.index(module) :]

    def path(self):
        """Such as ``Net.encoder.fc1``; empty outside of modules."""
        if not self.running:
            return ""
        outer, inner = self.running[0], self.running[-1]
        if id(outer) not in self.paths:
            self.paths[id(outer)] = {id(m): name for name, m in outer.named_modules()}
        name = self.paths[id(outer)].get(id(inner))
        top = type(outer).__name__
        return f"{top}.{name}" if name else top if inner is outer else f"{top}, in {type(inner).__name__}"


class _Anomalies(Watcher):
    """Notes the line and the module of every recorded operation, and checks forward and backward results."""

    def __init__(self, check_nan, quiet=False):
        self.check_nan = check_nan
        self.quiet = quiet  # only take notes
        self.first = None  # where the forward pass first went wrong
        self.first_gradient = None  # and the backward pass
        self.modules = _Modules()

    def _place(self):
        place = Place(engine.where())
        place.module = self.modules.path()
        return place

    def _warn(self, text):
        if not self.quiet:
            frame = caller()
            file, line = (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("<unknown>", 0)
            warnings.warn_explicit(f"Anomaly detection: {text}", RuntimeWarning, file, line)

    def forward(self, prim, args, settings, raw):
        out = super().forward(prim, args, settings, raw)
        if self.check_nan and self.first is None:
            outs = out if isinstance(out, (tuple, list)) else (out,)
            bad = next(filter(None, map(_bad, outs)), None)
            given = [*raw, *[v for v in settings.values() if isinstance(v, (float, np.ndarray))]] if bad else ()
            if bad and not any(map(_bad, given)):
                names = prim.arrays if len(prim.arrays) == len(raw) else [f"input {i}" for i in range(len(raw))]
                ranges = [_range(n, r) for n, r in zip(names, raw) if r is not None]
                self.first = (
                    "\n    ".join(
                        [
                            f"the operation '{prim.name}' was the first to return {bad} in the forward pass; its inputs were",
                            *ranges,
                        ]
                    )
                    + f"\nat {_line(self._place())}"
                )
                self._warn(self.first)
        return out

    def recorded(self, node, args, result):
        if node.where is None:
            node.where = self._place()
        super().recorded(node, args, result)

    def backward(self, node, g, taped, needed):
        try:
            grads = super().backward(node, g, taped, needed)
        except AnomalyError:
            raise
        except Exception as error:
            if node.where is not None:
                error.add_note(f"{node.name()} was recorded at {_line(node.where)}")
            raise
        if self.check_nan:
            for i, r in enumerate(grads):
                bad = _bad(r)
                if bad == "nan":
                    raise AnomalyError(self._text(node, g, i, bad))
                if bad and self.first_gradient is None and not any(map(_bad, g if isinstance(g, list) else [g])):
                    self.first_gradient = self._text(node, g, i, bad)
                    self._warn(self.first_gradient)
        return grads

    def _text(self, node, g, i, bad):
        values = []
        if node.plan is not None and isinstance(node.kept, tuple):
            values = [
                _range(name, v)
                for name, v in zip(node.plan.kept_names, node.kept)
                if isinstance(v, np.ndarray) and name not in node.plan.primitive.settings
            ]
        incoming = [_range("incoming gradient", h) for h in (g if isinstance(g, list) else [g]) if h is not None]
        before = [t for t in (self.first, self.first_gradient) if t and bad == "nan"]
        return (
            f"Function '{node.name()}' returned {bad} values in its {i}th output.\n    "
            + "\n    ".join([*incoming, *values])
            + f"\nThe forward call was at {_line(node.where or 'an unknown place: it was recorded without anomaly mode')}"
            + "".join(f"\nBefore that, {t}" for t in before)
        )


class set_detect_anomaly:
    """Switch anomaly detection on or off for this thread; also a context manager.

    Parameters
    ----------
    mode : bool
    check_nan : bool, default True
        Raise at the first nan; otherwise only note the lines for error messages.

    Raises
    ------
    RuntimeError
        While it is on: at the first backward step that returns nan, naming the operation, the ranges of what
        it computed with, the module and the line of the forward call. The first forward operation that returns nan or
        inf though its inputs are finite is a RuntimeWarning with the same facts, and so is the first infinite gradient.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([0.0], requires_grad=True)
    >>> with tl.autograd.set_detect_anomaly(True):
    ...     y = (x.sqrt() * 0).sum()
    ...     try:
    ...         y.backward()
    ...     except RuntimeError as error:
    ...         print(str(error).partition(chr(10))[0])
    Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, mode, check_nan=True):
        if not isinstance(mode, bool):
            raise TypeError(f"set_detect_anomaly(): argument 'mode' must be bool, not {type(mode).__name__}")
        self._old = _current()
        _switch(_Anomalies(check_nan) if mode else None)

    def __enter__(self):
        return None

    def __exit__(self, *exc):
        _switch(self._old)


def _current():
    w = engine.state.watch
    while w is not None and not isinstance(w, _Anomalies):
        w = w.inner
    return w


def _switch(new):
    old = _current()
    if old is not None:
        watching(old).__exit__()
        old.modules.stop()
    if new is not None:
        watching(new).__enter__()
        new.modules.start()


def first_anomaly(run):
    """Call ``run()`` and return a sentence about the first operation that is not finite, or None."""
    watcher, old = _Anomalies(True, quiet=True), _current()
    _switch(watcher)
    try:
        run()
    except AnomalyError as error:
        return watcher.first or str(error)
    finally:
        _switch(old)
    return watcher.first or watcher.first_gradient


class detect_anomaly:
    """``with detect_anomaly():`` finds the operation that first produces nan, forward or backward.

    Parameters
    ----------
    check_nan : bool, default True

    Raises
    ------
    RuntimeError
        As for :class:`set_detect_anomaly`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([0.0], requires_grad=True)
    >>> with tl.autograd.detect_anomaly():
    ...     y = (x.sqrt() * 0).sum()
    ...     try:
    ...         y.backward()
    ...     except RuntimeError as error:
    ...         print(str(error).partition(chr(10))[0])
    Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan=True):
        self.check_nan = check_nan

    def __enter__(self):
        self._old = _current()
        _switch(_Anomalies(self.check_nan))

    def __exit__(self, *exc):
        _switch(self._old)


def is_anomaly_enabled():
    """Whether anomaly detection is on in this thread."""
    return _current() is not None


def is_anomaly_check_nan_enabled():
    """Whether it also looks for nan, when it is on."""
    watcher = _current()
    return watcher is None or watcher.check_nan
