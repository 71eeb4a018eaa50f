"""Anomaly detection: which operation was the first to produce a number that is not finite, and where."""

from __future__ import annotations

import linecache
import warnings

import numpy as np

from .. import engine
from ..engine import Watcher, unwrap, watching

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
    return f"{place}\n    {text}" if text else str(place)


def _has_nan(x):
    a = np.asarray(x)
    return a.dtype.kind in "fc" and bool(np.isnan(a).any())


class _Anomalies(Watcher):
    """Notes the line of every recorded operation, and checks forward and backward results."""

    def __init__(self, check_nan):
        self.check_nan = check_nan
        self.first = None  # where the forward pass first went wrong

    def forward(self, prim, args, settings, raw):
        out = super().forward(prim, args, settings, raw)
        if self.check_nan and self.first is None:
            outs = out if isinstance(out, (tuple, list)) else (out,)
            if any(map(_has_nan, outs)) and not any(map(_has_nan, raw)):
                names = prim.arrays if len(prim.arrays) == len(raw) else [f"input {i}" for i in range(len(raw))]
                ranges = [_range(n, r) for n, r in zip(names, raw) if r is not None]
                self.first = (
                    "\n    ".join(
                        [
                            f"the operation '{prim.name}' was the first to return nan in the forward pass; its inputs were",
                            *ranges,
                        ]
                    )
                    + f"\nat {_line(engine.where())}"
                )
                warnings.warn(f"Anomaly detection: {self.first}", RuntimeWarning, stacklevel=3)
        return out

    def recorded(self, node, args, result):
        if node.where is None:
            node.where = engine.where()
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
                if r is not None and _has_nan(unwrap(r)):
                    self._report(node, g, i)
        return grads

    def _report(self, node, g, i):
        values = []
        if node.plan is not None and isinstance(node.kept, tuple):
            values = [
                _range(name, v)
                for name, v in zip(node.plan.kept_names, node.kept)
                if isinstance(v, np.ndarray) and name not in node.plan.primitive.settings
            ]
        incoming = [_range("incoming gradient", h) for h in (g if isinstance(g, list) else [g]) if h is not None]
        raise AnomalyError(
            f"Function '{node.name()}' returned nan values in its {i}th output.\n    "
            + "\n    ".join([*incoming, *values])
            + f"\nThe forward call was at {_line(node.where or 'an unknown place: it was recorded without anomaly mode')}"
            + (f"\nBefore that, {self.first}" if self.first else "")
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
        it computed with, and the line of the forward call. The first forward operation that returns nan though
        its inputs have none is a RuntimeWarning with the same facts.

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
    if new is not None:
        watching(new).__enter__()


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
    """Whether it also looks for nan."""
    watcher = _current()
    return watcher is not None and watcher.check_nan
