"""Checkpoint: everything a run depends on, in one file."""

import os
import warnings

from ..callbacks.base import Callback
from ..data.sampler import Sampler
from ..rng import Generator
from . import files
from .streams import Resumable, generators_of, random_state, set_random_state

__all__ = ["Checkpoint"]


class Checkpoint(Callback):
    """Stores a run and resumes it exactly; a callback of ``Model.fit``, or used by hand in a loop of your own.

    As a callback, ``Checkpoint(folder)`` saves after each epoch, and at the start of a run goes on from the newest
    checkpoint in ``folder``: run the same script again after a crash. It holds the weights, the optimizer, the
    callbacks' states (schedules, early stopping), all random streams, the place in the data and the history, so that
    the resumed run gives the same numbers, bit for bit, as one that was never interrupted. Use one folder per ``fit``.

    In a loop of your own, name the parts; what has ``state_dict`` and ``load_state_dict`` is stored by it, a Generator
    by its state, and plain data (numbers, strings, tensors, dicts, lists) as it is. Each part is an attribute. Iterate
    over ``checkpoint.loader`` to let it know the place in the middle of an epoch.

    Parameters
    ----------
    folder : str or path, optional
        For :meth:`save` and :meth:`restore` without a path, and for the callback. It is made if it does not exist.
    every : int, default 1
        Epochs between two checkpoints of the callback.
    every_steps : int, optional
        Save also every so many steps (updates of the weights).
    keep : int, default 2
        How many checkpoints stay in the folder.
    resume : bool, default True
        Whether the callback goes on from the newest checkpoint.
    **parts
        ``model``, ``optimizer``, ``scheduler``, ``loader``, ``sampler``, ``extra``: any names you like.

    Raises
    ------
    ValueError
        For counts below 1.
    DamagedCheckpoint
        On restoring a truncated or altered file; the message names the checkpoint before it.

    Notes
    -----
    The callback warns where a file can't be written, such as on a full disk, and training goes on. A file is written
    completely or not at all, carries a format version and a SHA-256 checksum, and contains no pickle.
    Python's and NumPy's global random streams are stored too.

    Examples
    --------
    >>> import tempfile, tensorlite as tl
    >>> from tensorlite.checkpoint import Checkpoint
    >>> folder = tempfile.mkdtemp()
    >>> model = tl.nn.Linear(2, 1)
    >>> optimizer = tl.optim.Adam(model.parameters())
    >>> checkpoint = Checkpoint(folder, model=model, optimizer=optimizer, epoch=0)
    >>> checkpoint.epoch = 3
    >>> path = checkpoint.save()
    >>> again = Checkpoint(folder, model=tl.nn.Linear(2, 1), optimizer=optimizer, epoch=0)
    >>> again.restore()
    True
    >>> again.epoch, bool((again.model.weight == model.weight).all())
    (3, True)
    """

    late = True

    def __init__(self, folder=None, *, every=1, every_steps=None, keep=2, resume=True, **parts):
        for name, value in (("every", every), ("keep", keep), ("every_steps", every_steps)):
            if name == "every_steps" and value is None:
                continue
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, but is {value!r}")
        self.folder = None if folder is None else os.fspath(folder)
        self.every, self.every_steps, self.keep, self.resume = every, every_steps, keep, resume
        self._parts = tuple(parts)
        for name in parts:
            if hasattr(Checkpoint, name) or name in vars(self):
                raise ValueError(f"a part can't have the name {name!r}, which Checkpoint uses itself")
        for name, part in parts.items():
            loads = hasattr(part, "batch_sampler") and hasattr(part, "dataset")
            setattr(self, name, Resumable(part) if loads else part)

    # -- files ---------------------------------------------------------------------------------------

    def save(self, path=None):
        """Write a checkpoint; returns its path.

        Parameters
        ----------
        path : str or path, optional
            A file. By default the next one in the folder, of which the ``keep`` newest stay.
        """
        return self._write(self.state_dict(), path)

    def _write(self, state, path=None):
        if path is not None:
            files.write(state, path)
            return os.fspath(path)
        folder = self._folder("save")
        os.makedirs(folder, exist_ok=True)
        files.sweep(folder)
        found = files.saved(folder)
        path = os.path.join(folder, files.name_of(found[-1][0] + 1 if found else 1))
        files.write(state, path)
        files.rotate(folder, self.keep)
        return path

    def restore(self, path=None):
        """Put all parts into the state of a checkpoint.

        Parameters
        ----------
        path : str or path, optional
            A file or a folder; by default the folder of this checkpoint.

        Returns
        -------
        bool
            False if the folder has no checkpoint yet, and nothing was changed.

        Raises
        ------
        DamagedCheckpoint
            For a truncated or altered file.
        ValueError
            If it holds other parts.
        """
        path = self._folder("restore") if path is None else path
        if path is self.folder or os.path.isdir(path):
            path = self.latest(path)
            if path is None:
                return False
        self.load_state_dict(files.read(path))
        return True

    @staticmethod
    def latest(folder):
        """The path of the newest checkpoint in a folder, or None."""
        found = files.saved(folder)
        return found[-1][1] if found else None

    @classmethod
    def load(cls, path):
        """The content of a checkpoint as plain data, checked: of a file, or of the newest one in a folder.

        Raises
        ------
        FileNotFoundError
            If there is none.
        DamagedCheckpoint
            For a truncated or altered file.
        """
        if os.path.isdir(path):
            newest = cls.latest(path)
            if newest is None:
                raise FileNotFoundError(f"there is no checkpoint in {os.fspath(path)}")
            path = newest
        return files.read(path)

    def _folder(self, what):
        if self.folder is None:
            raise ValueError(f"give a path to {what}(), or a folder to Checkpoint(folder, ...)")
        return self.folder

    # -- state ---------------------------------------------------------------------------------------

    def _generators(self):
        found = []
        for name in self._parts:
            part = getattr(self, name)
            for g in [part] if isinstance(part, Generator) else generators_of(part):
                if not any(g is h for h in found):
                    found.append(g)
        return found

    def state_dict(self):
        """The states of all parts and random streams."""
        parts = {name: _state(getattr(self, name)) for name in self._parts}
        return {"parts": parts, "random": random_state(self._generators())}

    def load_state_dict(self, state):
        """Take over what :meth:`state_dict` gave."""
        if "parts" not in state or list(state["parts"]) != list(self._parts):
            there = ", ".join(state["parts"]) if "parts" in state else "a run of Model.fit"
            raise ValueError(f"the checkpoint holds {there}, but this one has {', '.join(self._parts) or 'no parts'}")
        for name, value in state["parts"].items():
            part = getattr(self, name)
            if hasattr(part, "load_state_dict"):
                part.load_state_dict(value)
            elif hasattr(part, "set_epoch"):
                part.set_epoch(value["epoch"])
            elif isinstance(part, dict):  # in place: others may hold it
                part.clear()
                part.update(value)
            elif not isinstance(part, (Generator, Sampler)):
                setattr(self, name, value)
        set_random_state(state["random"], self._generators())

    # -- the callback --------------------------------------------------------------------------------

    def on_train_begin(self, run):
        folder = self._folder("save")
        if self._parts:
            raise ValueError("as a callback, Checkpoint stores the whole run; leave out " + ", ".join(self._parts))
        run.source.track = run.source.track or self.every_steps is not None
        newest = self.latest(folder) if self.resume else None
        if newest is not None:
            state = files.read(newest)
            if "run" not in state:
                raise ValueError(f"{newest} is no checkpoint of Model.fit")
            run.load_state_dict(state["run"])

    def on_step_end(self, run):
        if self.every_steps is not None and run.updated and run.step_in_epoch % self.every_steps < run.since_update:
            self._save_run(run)

    def on_epoch_end(self, run):
        last = run.epoch + 1 >= run.epochs or run.stop
        if last or (run.epoch + 1) % self.every == 0:
            self._save_run(run)

    def _save_run(self, run):
        try:
            self._write({"run": run.state_dict()})
        except OSError as error:  # a full disk should not cost the hours that were trained
            newest = self.latest(self.folder)
            warnings.warn(
                f"the checkpoint of epoch {run.epoch + 1} could not be written ({error}); training goes on, "
                + (f"the newest one is {newest}" if newest else "there is no older one"),
                RuntimeWarning,
                stacklevel=2,
            )


def _state(part):
    """What is stored of a part; generators are stored with the other random streams."""
    if hasattr(part, "state_dict"):
        return part.state_dict()
    if hasattr(part, "set_epoch"):
        return {"epoch": part.epoch}
    return None if isinstance(part, (Generator, Sampler)) else part
