"""ModelCheckpoint: models as files while they are trained."""

import os

from .monitor import Monitor

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(Monitor):
    """Save the model after each epoch, or the best one only. Keras's arguments.

    For resuming a run exactly, use :class:`~tensorlite.callbacks.Checkpoint`.

    Parameters
    ----------
    filepath : str or path
        May name values: ``'model-{epoch:02d}-{val_loss:.3f}.tl'`` (epochs count from 1 here).
    monitor : str, default 'val_loss'
    save_best_only : bool, default False
    save_weights_only : bool, default False
        ``model.save_parameters`` instead of ``model.save``.
    mode : {'auto', 'min', 'max'}
    save_freq : 'epoch' or int
        A number counts steps: the model is saved after every so many.

    Examples
    --------
    >>> import os, tempfile, tensorlite as tl
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import ModelCheckpoint
    >>> folder = tempfile.mkdtemp()
    >>> model = nn.model.Model('basic', [2, 2])
    >>> keep = ModelCheckpoint(os.path.join(folder, 'model-{epoch}.tl'), 'loss')
    >>> _ = model.fit(tl.eye(2), [0, 1], epochs=2, verbose=0, callbacks=[keep])
    >>> sorted(os.listdir(folder))
    ['model-1.tl', 'model-2.tl']
    """

    kept = ("best", "steps")

    def __init__(self, filepath, monitor="val_loss", save_best_only=False, save_weights_only=False, mode="auto",
                 save_freq="epoch"):  # fmt: skip
        super().__init__(monitor, mode)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(f"save_freq must be 'epoch' or a number of steps, not {save_freq!r}")
        if save_freq != "epoch" and save_best_only:
            raise ValueError("save_best_only compares epochs; leave out save_freq")
        self.filepath = os.fspath(filepath)
        self.save_best_only, self.save_weights_only, self.save_freq = save_best_only, save_weights_only, save_freq
        self.steps = 0

    def _save(self, run, values):
        try:
            path = self.filepath.format(**{**values, "epoch": run.epoch + 1, "step": run.step_in_epoch})
        except KeyError as error:
            raise ValueError(f"{self.filepath!r} names {error}, but there are {', '.join(values)}") from None
        run.model.save_parameters(path) if self.save_weights_only else run.model.save(path)

    def on_step_end(self, run):
        self.steps += 1
        if self.save_freq != "epoch" and self.steps % self.save_freq == 0:
            self._save(run, run.record)

    def on_epoch_end(self, run):
        if self.save_freq != "epoch":
            return
        if self.save_best_only:
            value = self.value(run)
            if not self.better(run, value):
                return
            self.best = value
        self._save(run, run.values)
