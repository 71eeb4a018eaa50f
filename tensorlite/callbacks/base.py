"""Callback: what a user may do between the steps and epochs of ``Model.fit``."""

from __future__ import annotations

import warnings

__all__ = ["Callback", "CallbackList"]


class Callback:
    """Base class; override what you need. ``run`` is the Trainer.

    ``run.model``, ``run.epoch``, ``run.epochs``, ``run.step_in_epoch``, ``run.record`` (the last step),
    ``run.values`` (the epoch, in ``on_epoch_end``), ``run.history``; ``run.stop = 'reason'`` ends training.

    Attributes
    ----------
    kept : tuple of str
        Attributes that a :class:`~tensorlite.checkpoint.Checkpoint` stores, so that a resumed run goes on as if
        it had never been interrupted.
    late : bool
        Called after the others at every moment.

    Examples
    --------
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import Callback
    >>> class Say(Callback):
    ...     def on_epoch_end(self, run):
    ...         print(run.epoch, sorted(run.values)[:2])
    >>> model = nn.model.Model('basic', [2, 2])
    >>> _ = model.fit([[0.0, 1.0], [1.0, 0.0]], [0, 1], epochs=2, verbose=0, callbacks=[Say()])
    0 ['accuracy', 'data_loss']
    1 ['accuracy', 'data_loss']
    """

    kept: tuple = ()
    late = False

    def on_train_begin(self, run):
        """Before the first epoch."""

    def on_epoch_begin(self, run):
        """Before an epoch; not again for one that is resumed in its middle."""

    def before_step(self, run):
        """Gradients are there, the optimizer has not run."""

    def on_step_end(self, run):
        """After a step; ``run.record`` holds its values, ``run.updated`` says whether the optimizer has run."""

    def on_epoch_end(self, run):
        """After an epoch and its validation; ``run.values`` holds its values."""

    def on_train_end(self, run):
        """After the last epoch, also when training was interrupted."""

    def state_dict(self):
        """What a checkpoint stores: the attributes named in ``kept``."""
        return {name: getattr(self, name) for name in self.kept}

    def load_state_dict(self, state):
        """Take over what :meth:`state_dict` gave."""
        for name, value in state.items():
            setattr(self, name, value)


class CallbackList:
    """The callbacks of a run; those that do not override a moment are not called for it."""

    def __init__(self, callbacks, model):
        if isinstance(callbacks, Callback):
            callbacks = [callbacks]
        items = [c() if isinstance(c, type) else c for c in callbacks or []]
        for c in items:
            if not isinstance(c, Callback):
                raise TypeError(f"a callback is a tensorlite.callbacks.Callback, not {type(c).__name__}")
        self.items = sorted(items, key=lambda c: c.late)
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

    def state_dict(self):
        """The states of those that have one, each with the name of its class."""
        states = [[type(c).__name__, c.state_dict()] for c in self.items]
        return [[name, state] for name, state in states if state]

    def load_state_dict(self, states):
        """Hand each state to the first callback of its class that has none yet."""
        free = list(self.items)
        for name, state in states:
            taker = next((c for c in free if type(c).__name__ == name), None)
            if taker is None:
                warnings.warn(
                    f"the checkpoint has the state of a callback {name}, which this run does not use", stacklevel=2
                )
                continue
            free.remove(taker)
            taker.load_state_dict(state)
