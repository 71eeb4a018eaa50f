"""Values of a run as files: CSV, JSON lines, TensorBoard."""

import os

import numpy as np

from .base import Callback

__all__ = ["CSVLogger", "JSONLogger", "TensorBoard"]


def _plain(value):
    """A value that JSON and CSV can hold."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


class _FileLogger(Callback):
    """A text file that grows by a line per epoch or step; a resumed run cuts off what came after its checkpoint."""

    def __init__(self, path, append=False, per="epoch"):
        if per not in ("epoch", "step"):
            raise ValueError(f"per must be 'epoch' or 'step', not {per!r}")
        self.path, self.append, self.per = os.fspath(path), append, per
        self.file = None
        self.size = None  # where a resumed run goes on

    def on_train_begin(self, run):
        self.size = None

    def state_dict(self):
        """The length of the file."""
        return {
            "size": 0
            if self.file is None and self.size is None
            else self.size
            if self.file is None
            else self.file.tell()
        }

    def _write(self, text):
        if self.file is None:
            if self.size is not None and os.path.exists(self.path):
                os.truncate(self.path, min(self.size, os.path.getsize(self.path)))
            mode = "a" if self.append or self.size is not None else "w"
            self.file = open(self.path, mode, newline="", encoding="utf-8")
        self.file.write(text)
        self.file.flush()

    def on_step_end(self, run):
        if self.per == "step":
            self.line(run.record)

    def on_epoch_end(self, run):
        if self.per == "epoch":
            self.line({"epoch": run.epoch, **run.values})

    def on_train_end(self, run):
        if self.file is not None:
            self.file.close()
            self.file = None

    def line(self, values):
        """Write one record."""
        raise NotImplementedError


class CSVLogger(_FileLogger):
    """A table with a line per epoch (or step), its header in the first line.

    Parameters
    ----------
    path : str or path
    append : bool, default False
        Go on with an existing file.
    per : {'epoch', 'step'}

    Notes
    -----
    The columns are those of the first line; a value that comes later is an error, one that is missing stays empty.
    Matrices are written as JSON lists.

    Examples
    --------
    >>> import os, tempfile, tensorlite as tl
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import CSVLogger
    >>> path = os.path.join(tempfile.mkdtemp(), 'log.csv')
    >>> model = nn.model.Model('basic', [2, 2])
    >>> _ = model.fit(tl.eye(2), [0, 1], epochs=2, verbose=0, callbacks=[CSVLogger(path)])
    >>> print(open(path).readline().strip())
    epoch,loss,data_loss,regularization_loss,accuracy,learning_rate
    """

    columns = None

    def on_train_begin(self, run):
        super().on_train_begin(run)
        self.columns = None

    def line(self, values):
        import csv
        import io
        import json

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if self.columns is None and (self.append or self.size):
            if os.path.exists(self.path) and (self.size is None or self.size):
                with open(self.path, newline="", encoding="utf-8") as file:
                    self.columns = next(csv.reader(file), None)
        if self.columns is None:
            self.columns = list(values)
            writer.writerow(self.columns)
        new = [name for name in values if name not in self.columns]
        if new:
            raise ValueError(f"{self.path} has the columns {', '.join(self.columns)}, which lack {', '.join(new)}")
        row = [_plain(values.get(name)) for name in self.columns]
        writer.writerow([json.dumps(v) if isinstance(v, (list, dict)) else v for v in row])
        self._write(text.getvalue())


class JSONLogger(_FileLogger):
    """A JSON object per line (https://jsonlines.org), for each epoch or step.

    Parameters
    ----------
    path : str or path
    append : bool, default False
        Go on with an existing file.
    per : {'epoch', 'step'}

    Examples
    --------
    >>> import json, os, tempfile, tensorlite as tl
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import JSONLogger
    >>> path = os.path.join(tempfile.mkdtemp(), 'log.jsonl')
    >>> model = nn.model.Model('basic', [2, 2])
    >>> _ = model.fit(tl.eye(2), [0, 1], epochs=2, verbose=0, callbacks=[JSONLogger(path)])
    >>> [json.loads(line)['epoch'] for line in open(path)]
    [0, 1]
    """

    def line(self, values):
        import json
        import math

        plain = {k: _plain(v) for k, v in values.items()}
        # JSON has no NaN: readers would choke on the line
        plain = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in plain.items()}
        self._write(json.dumps(plain) + "\n")


class TensorBoard(Callback):
    """Event files for TensorBoard, by the package tensorboardX.

    Parameters
    ----------
    log_dir : str or path, default 'runs'
    per : {'epoch', 'step'}
        'step' writes the values of each step too.
    histograms : bool, default False
        Histograms of all parameters after each epoch.

    Raises
    ------
    ImportError
        Without tensorboardX.

    Examples
    --------
    >>> from tensorlite.callbacks import TensorBoard
    >>> TensorBoard('runs/first', histograms=True).log_dir
    'runs/first'
    """

    kept = ("steps",)

    def __init__(self, log_dir="runs", per="epoch", histograms=False):
        if per not in ("epoch", "step"):
            raise ValueError(f"per must be 'epoch' or 'step', not {per!r}")
        self.log_dir, self.per, self.histograms = os.fspath(log_dir), per, histograms
        self.steps = 0
        self.writer = None

    def on_train_begin(self, run):
        from ..utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(self.log_dir)

    def on_step_end(self, run):
        self.steps += 1
        if self.per == "step":
            for name, value in run.record.items():
                if name not in ("epoch", "step"):
                    self.writer.add_scalar(f"step/{name}", value, self.steps)

    def on_epoch_end(self, run):
        for name, value in run.values.items():
            if isinstance(value, (int, float)):
                kind = "validation" if name.startswith("val_") else "training"
                self.writer.add_scalar(f"{name.removeprefix('val_')}/{kind}", value, run.epoch)
        if self.histograms:
            for name, p in run.model.named_parameters():
                self.writer.add_histogram(name, p.detach(), run.epoch)
        self.writer.flush()

    def on_train_end(self, run):
        if self.writer is not None:
            self.writer.close()
            self.writer = None
