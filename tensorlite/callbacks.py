"""Callbacks of ``Model.fit``: what happens between steps and epochs."""

from __future__ import annotations

__all__ = ["Callback", "CallbackList"]


class Callback:
    """Base class; override what you need. ``run`` is the Trainer.

    ``run.model``, ``run.epoch``, ``run.epochs``, ``run.step_in_epoch``, ``run.record`` (the last step),
    ``run.values`` (the epoch, in ``on_epoch_end``), ``run.history``; ``run.stop = 'reason'`` ends training.

    Examples
    --------
    >>> from tensorlite.callbacks import Callback
    >>> class Say(Callback):
    ...     def on_epoch_end(self, run):
    ...         print(run.epoch, sorted(run.values))
    """

    def on_train_begin(self, run):
        """Before the first epoch."""

    def on_epoch_begin(self, run):
        """Before an epoch."""

    def before_step(self, run):
        """Gradients are there, the optimizer has not run."""

    def on_step_end(self, run):
        """After a step; ``run.record`` holds its values."""

    def on_epoch_end(self, run):
        """After an epoch and its validation; ``run.values`` holds its values."""

    def on_train_end(self, run):
        """After the last epoch, also when training was interrupted."""


class CallbackList:
    """The callbacks of a run; those that do not override a moment are not called for it."""

    def __init__(self, callbacks, model):
        self.items = [c() if isinstance(c, type) else c for c in callbacks or []]
        for c in self.items:
            if not isinstance(c, Callback):
                raise TypeError(f"a callback is a tensorlite.callbacks.Callback, not {type(c).__name__}")
        moments = [m for m in vars(Callback) if m.startswith(("on_", "before_"))]
        self.by_moment = {
            m: [getattr(c, m) for c in self.items if getattr(type(c), m) is not getattr(Callback, m)] for m in moments
        }

    def call(self, moment, run):
        """Call every callback that listens to ``moment``."""
        for fn in self.by_moment[moment]:
            fn(run)

    def before_step(self, run):
        """As ``call('before_step', run)``."""
        for fn in self.by_moment["before_step"]:
            fn(run)
