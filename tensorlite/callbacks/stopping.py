"""EarlyStopping: enough is enough."""

from .monitor import Monitor

__all__ = ["EarlyStopping"]


class EarlyStopping(Monitor):
    """End training when a value has not improved for some epochs. Keras's arguments and rules.

    Parameters
    ----------
    monitor : str, default 'val_loss'
    min_delta : float, default 0
        Smaller changes are no improvement.
    patience : int, default 0
        How many epochs without improvement to wait for a better one.
    mode : {'auto', 'min', 'max'}
    restore_best_weights : bool, default False
        Whether the model ends with the weights (and buffers) of its best epoch, also if training was not stopped.

    Attributes
    ----------
    best, best_epoch, stopped_epoch
        The best value, its epoch, and the epoch after which training was stopped (None if it was not).

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import EarlyStopping
    >>> _ = tl.manual_seed(0)
    >>> model = nn.model.Model('regression', [1, 1]).set(optimizer=nn.optimizer.SGD(0.1))
    >>> x = tl.linspace(0, 1, 20).reshape(-1, 1)
    >>> history = model.fit(x, 2 * x, epochs=500, verbose=0, callbacks=[EarlyStopping('loss', 1e-4, patience=3)])
    >>> history.stopped
    'loss has not improved for 3 epochs'
    """

    kept = ("best", "best_epoch", "wait", "stopped_epoch", "weights")

    def __init__(self, monitor="val_loss", min_delta=0.0, patience=0, mode="auto", restore_best_weights=False):
        super().__init__(monitor, mode, min_delta)
        if not isinstance(patience, int) or patience < 0:
            raise ValueError(f"patience must be an integer of at least 0, but is {patience!r}")
        self.patience, self.restore_best_weights = patience, restore_best_weights
        self._reset()

    def _reset(self):
        self.best = self.best_epoch = self.stopped_epoch = self.weights = None
        self.wait = 0

    def on_train_begin(self, run):
        self._reset()

    def on_epoch_end(self, run):
        value = self.value(run)
        if self.better(run, value):
            self.best, self.best_epoch, self.wait = value, run.epoch, 0
            if self.restore_best_weights:
                self.weights = {k: v.detach().clone() for k, v in run.model.state_dict().items()}
            return
        self.wait += 1
        if self.wait >= max(self.patience, 1) and not run.stop:
            self.stopped_epoch = run.epoch
            run.stop = f"{self.monitor} has not improved for {self.wait} epoch{'s' * (self.wait > 1)}"

    def on_train_end(self, run):
        if self.weights is not None:
            run.model.load_state_dict(self.weights)
