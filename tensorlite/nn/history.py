"""What a training run leaves behind: the history per epoch and the log per step."""

from __future__ import annotations

import itertools

import numpy as np

__all__ = ["History", "Log"]


class History:
    """Values per epoch: ``history.history['loss'][3]``, or ``history['loss']``.

    Attributes
    ----------
    history : dict of str -> list of float
    epoch : list of int
    params : dict
        Settings of the last run.
    interrupted : bool
        Whether Ctrl-C ended the last run.
    """

    def __init__(self) -> None:
        self.history: dict[str, list] = {}
        self.epoch: list[int] = []
        self.params: dict = {}
        self.interrupted = False
        self.stopped = None

    def append(self, epoch, values):
        """Add the values of an epoch; names that come later are padded with None."""
        for name, value in values.items():
            column = self.history.setdefault(name, [None] * len(self.epoch))
            column.append(value)
        self.epoch.append(epoch)
        for column in self.history.values():
            if len(column) < len(self.epoch):
                column.append(None)

    def state_dict(self):
        """Everything, as plain data."""
        return {
            "history": {k: list(v) for k, v in self.history.items()}, "epoch": list(self.epoch),
            "params": dict(self.params), "stopped": self.stopped,
        }  # fmt: skip

    def load_state_dict(self, state):
        """Take over what :meth:`state_dict` gave."""
        for name, value in state.items():
            setattr(self, name, value)

    def __getitem__(self, name):
        if name not in self.history:
            raise KeyError(f"no {name!r} in this history; there are {', '.join(self.history) or 'no values yet'}")
        return self.history[name]

    def __contains__(self, name):
        return name in self.history

    def __len__(self):
        return len(self.epoch)

    def __repr__(self):
        if not self.epoch:
            return "History(no epochs)"
        last = ", ".join(f"{k}={v[-1]:.4g}" for k, v in self.history.items() if isinstance(v[-1], (int, float)))
        return f"History({len(self.epoch)} epochs; last: {last})"


class Log:
    """A record per step and a record per epoch of everything a model was trained with.

    Records are dicts with ``epoch, step, accuracy, data_loss, regularization_loss, learning_rate``.

    Attributes
    ----------
    steps, epochs : list of dict
    """

    def __init__(self) -> None:
        self.steps: list[dict] = []
        self.epochs: list[dict] = []

    def state_dict(self):
        """Everything, as plain data; the steps by column, which is smaller."""
        return {"steps": _columns(self.steps), "epochs": list(self.epochs)}

    def load_state_dict(self, state):
        """Take over what :meth:`state_dict` gave."""
        self.steps, self.epochs = _rows(state["steps"]), list(state["epochs"])

    def __getitem__(self, name):
        """A column over the epochs: ``log['accuracy']``."""
        return [record.get(name) for record in self.epochs]

    def __len__(self):
        return len(self.epochs)

    def __iter__(self):
        return iter(self.epochs)

    def __repr__(self):
        return f"Log({len(self.steps)} steps, {len(self.epochs)} epochs)"


def _columns(records):
    """Records of numbers with the same names as ``{name: array}``, in runs: ``[[number of records, columns], ...]``."""
    runs = []
    for kinds, run in itertools.groupby(records, lambda r: tuple((k, type(v)) for k, v in r.items())):
        run = list(run)
        plain = all(kind in (int, float) for _, kind in kinds)
        runs.append([len(run), {k: np.array([r[k] for r in run]) for k, _ in kinds} if plain else run])
    return runs


def _rows(runs):
    """The records that :func:`_columns` packed."""
    records = []
    for _, run in runs:
        if isinstance(run, list):
            records += run
        else:
            records += [dict(zip(run, values)) for values in zip(*[column.tolist() for column in run.values()])]
    return records
