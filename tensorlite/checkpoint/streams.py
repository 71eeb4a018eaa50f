"""Where a run stands in what it draws: the random streams, and the place in a pass over the data."""

import random
import sys

import numpy as np

from .. import rng
from ..rng import Generator

__all__ = ["Resumable", "generators_of", "random_state", "set_random_state"]


def random_state(generators=()):
    """The states of all streams: the default generator's, Python's, NumPy's, and those of ``generators``."""
    version, words, waiting = random.getstate()
    state = {
        "default": rng.default_generator.get_state(),
        "python": [version, np.array(words, np.uint32), waiting],
        "generators": [g.get_state() for g in generators],
    }
    if "numpy.random" in sys.modules:
        name, key, *rest = np.random.get_state()
        state["numpy"] = [name, key, *rest]
    return state


def set_random_state(state, generators=()):
    """Put all streams where :func:`random_state` found them.

    Raises
    ------
    ValueError
        If the number of generators differs.
    """
    if len(state["generators"]) != len(generators):
        raise ValueError(
            f"the checkpoint has the states of {len(state['generators'])} generators, but there are {len(generators)}"
        )
    rng.default_generator.set_state(state["default"])
    version, words, waiting = state["python"]
    random.setstate((version, tuple(words.tolist()), waiting))
    if "numpy" in state:
        np.random.set_state(tuple(state["numpy"]))
    for g, s in zip(generators, state["generators"]):
        g.set_state(s)


def generators_of(source):
    """The generators that a DataLoader and its samplers draw from, each once."""
    found = []
    seen = set()
    waiting = [source]
    while waiting:
        part = waiting.pop(0)
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        generator = getattr(part, "generator", None)
        if isinstance(generator, Generator) and generator is not rng.default_generator:
            if not any(g is generator for g in found):
                found.append(generator)
        waiting += [getattr(part, name, None) for name in ("batch_sampler", "sampler")]
    return found


class Resumable:
    """An iterable of batches that knows its place and can go on from there in another process.

    The place is the state of the random streams at the start of the pass and the number of batches taken; to resume,
    the pass is started again from that state and the batches are skipped (they are loaded, not trained on).

    Parameters
    ----------
    source : DataLoader, other iterable, or function that returns one
    track : bool, default True
        Whether to take the state at the start of each pass.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.checkpoint import Resumable
    >>> def batches():
    ...     return iter(tl.randperm(4).tolist())
    >>> _ = tl.manual_seed(0)
    >>> data = Resumable(batches)
    >>> taken = iter(data)
    >>> first = [next(taken), next(taken)]; place = data.state_dict(); rest = list(taken)
    >>> later = Resumable(batches)
    >>> later.load_state_dict(place)
    >>> list(later) == rest
    True
    """

    def __init__(self, source, generators=None, track=True):
        self.source = source
        self.generators = generators_of(source) if generators is None else generators
        self.track = track
        self._start = None  # the streams at the start of the pass that is under way
        self._count = 0
        self._resume = None

    def __len__(self):
        return len(self.source)

    def __getattr__(self, name):
        if name.startswith("_") or name == "source":
            raise AttributeError(name)
        return getattr(self.source, name)

    def __iter__(self):
        place, self._resume = self._resume, None
        now = None
        if place is not None:
            now = random_state(self.generators) if place["now"] is None else place["now"]
            set_random_state(place["start"], self.generators)
        self._start = random_state(self.generators) if self.track else None
        self._count = 0
        try:
            batches = iter(
                self.source() if callable(self.source) and not hasattr(self.source, "__iter__") else self.source
            )
            if place is not None:
                for taken in range(place["count"]):
                    if next(batches, self) is self:
                        raise RuntimeError(
                            f"the checkpoint was saved after {place['count']} batches of a pass, but now there are only "
                            f"{taken}"
                        )
                self._count = place["count"]
                set_random_state(now, self.generators)
            for batch in batches:
                self._count += 1
                yield batch
                batch = None  # the next one may take its memory
        finally:
            self._start = None

    def state_dict(self):
        """The place in the pass that is under way; empty between passes."""
        if self._resume is not None:  # restored, not yet iterated over
            return dict(self._resume)
        if self._start is None:
            return {}
        return {"start": self._start, "count": self._count, "now": random_state(self.generators)}

    def load_state_dict(self, state):
        """Start the next pass at the place that :meth:`state_dict` gave."""
        self._resume = dict(state) if state else None
