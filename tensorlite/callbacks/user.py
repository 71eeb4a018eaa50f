"""LambdaCallback: a function at each moment."""

from .base import Callback

__all__ = ["LambdaCallback"]


class LambdaCallback(Callback):
    """Functions of the run, each at its moment.

    Parameters
    ----------
    on_train_begin, on_epoch_begin, before_step, on_step_end, on_epoch_end, on_train_end : callable, optional
        Called with the run; see :class:`~tensorlite.callbacks.Callback`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import LambdaCallback
    >>> model = nn.model.Model('basic', [2, 2])
    >>> say = LambdaCallback(on_epoch_end=lambda run: print('epoch', run.epoch))
    >>> _ = model.fit(tl.eye(2), [0, 1], epochs=2, verbose=0, callbacks=[say])
    epoch 0
    epoch 1
    """

    def __init__(self, *, on_train_begin=None, on_epoch_begin=None, before_step=None, on_step_end=None, on_epoch_end=None,
                 on_train_end=None):  # fmt: skip
        self.functions = {
            "on_train_begin": on_train_begin, "on_epoch_begin": on_epoch_begin, "before_step": before_step,
            "on_step_end": on_step_end, "on_epoch_end": on_epoch_end, "on_train_end": on_train_end,
        }  # fmt: skip
        for name, fn in self.functions.items():
            if fn is not None and not callable(fn):
                raise TypeError(f"{name} must be a function of the run, not {type(fn).__name__}")

    def _call(self, moment, run):
        if self.functions[moment] is not None:
            self.functions[moment](run)

    def on_train_begin(self, run):
        self._call("on_train_begin", run)

    def on_epoch_begin(self, run):
        self._call("on_epoch_begin", run)

    def before_step(self, run):
        self._call("before_step", run)

    def on_step_end(self, run):
        self._call("on_step_end", run)

    def on_epoch_end(self, run):
        self._call("on_epoch_end", run)

    def on_train_end(self, run):
        self._call("on_train_end", run)
