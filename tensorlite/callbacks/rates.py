"""Learning rates that change: any schedule of tensorlite.optim, a function, or when progress stalls."""

import inspect

from .base import Callback
from .monitor import Monitor

__all__ = ["LRScheduler", "ReduceLROnPlateau"]


def rule(optimizer):
    """The :mod:`tensorlite.optim` optimizer of a Model, which schedules act on; a ``decay`` is applied on top."""
    return getattr(optimizer, "inner", optimizer)


class LRScheduler(Callback):
    """Change the learning rate by a schedule.

    Parameters
    ----------
    schedule : class or callable
        A class of :mod:`tensorlite.optim.lr_scheduler`, made with ``options``; or a function of the epoch (from 0)
        that returns the rate.
    factory : callable, optional
        Instead of ``schedule``: a function of the optimizer that returns a schedule, such as a chain of several.
    per : {'epoch', 'step'}
        When the schedule goes on. A function of the epoch is asked before each epoch.
    **options
        Arguments of the class.

    Raises
    ------
    TypeError
        For neither or both of ``schedule`` and ``factory``, or options of a function.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import LRScheduler
    >>> from tensorlite.optim.lr_scheduler import StepLR
    >>> model = nn.model.Model('basic', [2, 2]).set(optimizer=nn.optimizer.SGD(1.0))
    >>> history = model.fit(tl.eye(2), [0, 1], epochs=4, verbose=0, callbacks=[LRScheduler(StepLR, step_size=2)])
    >>> history['learning_rate']
    [1.0, 1.0, 0.1, 0.1]
    """

    def __init__(self, schedule=None, *, factory=None, per="epoch", **options):
        if (schedule is None) == (factory is None):
            raise TypeError("give either a schedule (a class or a function of the epoch) or factory=")
        for name, value in (("schedule", schedule), ("factory", factory)):
            if value is not None and not callable(value):
                raise TypeError(f"{name} must be callable, but is a {type(value).__name__}; a ready schedule belongs to "
                                "one optimizer: give its class and options")  # fmt: skip
        if per not in ("epoch", "step"):
            raise ValueError(f"per must be 'epoch' or 'step', not {per!r}")
        self.function = None if inspect.isclass(schedule) or factory is not None else schedule
        if self.function is not None and (options or per == "step"):
            raise TypeError(
                "options and per='step' belong to a schedule's class; a function is asked before each epoch"
            )
        self.factory = factory or (lambda optimizer: schedule(optimizer, **options))
        self.per = per
        self.scheduler = None

    def on_train_begin(self, run):
        if self.function is not None:
            return
        optimizer = rule(run.model.optimizer)
        if self.scheduler is None or self.scheduler.optimizer is not optimizer:
            self.scheduler = self.factory(optimizer)
            if not hasattr(self.scheduler, "step"):
                raise TypeError(f"factory must return a schedule, not {self.scheduler!r}")
            if "metrics" in inspect.signature(self.scheduler.step).parameters:
                raise TypeError("this schedule needs a value to watch: use tensorlite.callbacks.ReduceLROnPlateau")

    def on_epoch_begin(self, run):
        if self.function is not None:
            rate = float(self.function(run.epoch))
            for group in rule(run.model.optimizer).param_groups:
                group["lr"] = rate

    def on_step_end(self, run):
        if self.per == "step" and run.updated:
            self.scheduler.step()

    def on_epoch_end(self, run):
        if self.function is None and self.per == "epoch":
            self.scheduler.step()

    def state_dict(self):
        """The schedule's state."""
        return {} if self.scheduler is None else self.scheduler.state_dict()

    def load_state_dict(self, state):
        """Go on from what :meth:`state_dict` gave."""
        self.scheduler.load_state_dict(state)


class ReduceLROnPlateau(Monitor):
    """Lower the learning rate when a value has not improved for some epochs. Keras's arguments and rules.

    Parameters
    ----------
    monitor : str, default 'val_loss'
    factor : float, default 0.1
        The new rate is the old one times this.
    patience : int, default 10
        Epochs without improvement before a reduction.
    mode : {'auto', 'min', 'max'}
    min_delta : float, default 1e-4
        Smaller changes are no improvement.
    cooldown : int, default 0
        Epochs to wait after a reduction.
    min_lr : float, default 0

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import ReduceLROnPlateau
    >>> model = nn.model.Model('basic', [2, 2]).set(optimizer=nn.optimizer.SGD(0.5))
    >>> stalled = ReduceLROnPlateau('loss', factor=0.5, patience=1, min_delta=100.0)
    >>> model.fit(tl.eye(2), [0, 1], epochs=3, verbose=0, callbacks=[stalled])['learning_rate']
    [0.5, 0.5, 0.25]
    """

    kept = ("best", "wait", "cooling")

    def __init__(
        self, monitor="val_loss", factor=0.1, patience=10, mode="auto", min_delta=1e-4, cooldown=0, min_lr=0.0
    ):
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise ValueError(f"factor must lie between 0 and 1, but is {factor}")
        self.factor, self.patience, self.cooldown, self.min_lr = factor, patience, cooldown, min_lr
        self.wait = self.cooling = 0

    def on_train_begin(self, run):
        self.best, self.wait, self.cooling = None, 0, 0

    def on_epoch_end(self, run):
        value = self.value(run)
        if self.cooling:
            self.cooling -= 1
            self.wait = 0
        if self.better(run, value):
            self.best, self.wait = value, 0
        elif not self.cooling:
            self.wait += 1
            if self.wait >= self.patience:
                for group in rule(run.model.optimizer).param_groups:
                    group["lr"] = max(float(group["lr"]) * self.factor, self.min_lr)
                self.cooling, self.wait = self.cooldown, 0
