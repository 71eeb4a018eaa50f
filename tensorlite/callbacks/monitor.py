"""Monitor: one value of the history, and whether it got better."""

import math

from .base import Callback

__all__ = ["Monitor"]


class Monitor(Callback):
    """Base of the callbacks that watch one value.

    Parameters
    ----------
    monitor : str
        A name in the history, such as ``'val_loss'`` or ``'accuracy'``.
    mode : {'auto', 'min', 'max'}
        Whether less or more is better; 'auto' asks the metric, and takes 'min' for losses.
    min_delta : float
        Smaller changes are no improvement.
    """

    def __init__(self, monitor, mode="auto", min_delta=0.0):
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode must be 'auto', 'min' or 'max', not {mode!r}")
        if min_delta < 0:
            raise ValueError(f"min_delta must not be negative, but is {min_delta}")
        self.monitor, self.mode, self.min_delta = monitor, mode, min_delta
        self.best = None

    def direction(self, run):
        """'min' or 'max'."""
        if self.mode != "auto":
            return self.mode
        name = self.monitor.removeprefix("val_")
        metric = next((m for m in run._metrics() if m.name == name), None)
        if metric is not None:
            return "max" if getattr(metric, "higher_is_better", True) else "min"
        return "min"

    def value(self, run):
        """The watched value of this epoch.

        Raises
        ------
        ValueError
            If the history has no number of that name.
        """
        value = run.values.get(self.monitor)
        if not isinstance(value, (int, float)):
            there = ", ".join(k for k, v in run.values.items() if isinstance(v, (int, float)))
            hint = "; give validation_data for it" if self.monitor.startswith("val_") else ""
            raise ValueError(f"{type(self).__name__} watches {self.monitor!r}, but an epoch has {there}{hint}")
        return value

    def better(self, run, value):
        """Whether ``value`` beats the best so far; NaN never does."""
        if math.isnan(value):
            return False
        if self.best is None:
            return True
        if self.direction(run) == "min":
            return value < self.best - self.min_delta
        return value > self.best + self.min_delta
