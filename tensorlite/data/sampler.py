"""Samplers: in which order a :class:`DataLoader` asks for items. The orders are PyTorch's for the same seed."""

from __future__ import annotations

import itertools
import math
import types
from typing import Any

import numpy as np

from .. import rng
from ..engine import TensorBase, wrap
from ..ops import random as draw

__all__ = [
    "BatchSampler", "DistributedSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler",
    "WeightedRandomSampler",
]  # fmt: skip


class Sampler:
    """The base of all samplers: ``__iter__`` yields indices (or lists of them)."""

    __class_getitem__: Any = classmethod(types.GenericAlias)

    def __init__(self, data_source=None):
        pass

    def __iter__(self):
        raise NotImplementedError


class SequentialSampler(Sampler):
    """0, 1, 2, ..."""

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


class RandomSampler(Sampler):
    """Indices in random order.

    Parameters
    ----------
    data_source : sized
    replacement : bool, default False
        Draw each index independently, in portions of 32, so that ``num_samples`` may be huge.
    num_samples : int, default ``len(data_source)``
        How many to draw; without replacement, one permutation follows another.
    generator : Generator, optional
        Without one, every pass draws a seed from the default generator.

    Raises
    ------
    ValueError
        For a ``num_samples`` that is not positive (an empty data source).

    Examples
    --------
    >>> import tensorlite as tl
    >>> g = tl.Generator().manual_seed(0)
    >>> list(tl.data.RandomSampler(range(4), generator=g))
    [0, 1, 3, 2]
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            empty = " (the data set is empty)" if num_samples is None else ""
            raise ValueError(
                f"num_samples should be a positive integer value, but got num_samples={self.num_samples}{empty}"
            )

    @property
    def num_samples(self):
        """How many indices one pass yields."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        n = len(self.data_source)
        g = self.generator
        if g is None:
            g = rng.Generator().manual_seed(int(rng.default_generator.full_range(1, np.int64)[0]))
        if self.replacement:
            for _ in range(self.num_samples // 32):
                yield from g.integers(32, 0, n).tolist()
            yield from g.integers(self.num_samples % 32, 0, n).tolist()
        else:
            for _ in range(self.num_samples // n):
                yield from g.permutation(n).tolist()
            yield from g.permutation(n).tolist()[: self.num_samples % n]

    def __len__(self):
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given indices in random order."""

    def __init__(self, indices, generator=None):
        self.indices = indices
        self.generator = generator

    def __iter__(self):
        for i in draw.generator_or_default(self.generator).permutation(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices 0 ... ``len(weights) - 1`` with probabilities proportional to ``weights``.

    Parameters
    ----------
    weights : sequence of float
    num_samples : int
    replacement : bool, default True
    generator : Generator, optional

    Raises
    ------
    ValueError
        If an argument is of the wrong kind, or ``weights`` has several dimensions.
    """

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(weights, (TensorBase, np.ndarray)):
            weights = [getattr(w, "_data", w) for w in weights]
        self.weights = wrap(np.array(getattr(weights, "_data", weights), dtype=np.float64))
        if self.weights._data.ndim != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {self.weights._data.shape}")
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self):
        yield from draw.multinomial(self.weights, self.num_samples, self.replacement, self.generator)._data.tolist()

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of ``batch_size`` indices of another sampler.

    Parameters
    ----------
    sampler : iterable
    batch_size : int
    drop_last : bool
        Leave out a last list that is shorter.

    Examples
    --------
    >>> import tensorlite as tl
    >>> list(tl.data.BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler, batch_size, drop_last):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self):
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self):
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


class DistributedSampler(Sampler):
    """Every ``num_replicas``-th index, from ``rank`` on: one process's share of a data set.

    Parameters
    ----------
    dataset : sized
    num_replicas, rank : int
        Both are needed: there is no process group to ask.
    shuffle : bool, default True
        In an order that depends on ``seed`` and on the epoch given to :meth:`set_epoch`.
    seed : int
    drop_last : bool, default False
        Drop what does not divide evenly, instead of repeating some.

    Raises
    ------
    RuntimeError
        Without ``num_replicas`` or ``rank``.
    ValueError
        For a rank outside of [0, num_replicas - 1].
    """

    def __init__(self, dataset, num_replicas=None, rank=None, shuffle=True, seed=0, drop_last=False):
        if num_replicas is None or rank is None:
            raise RuntimeError(
                "DistributedSampler needs num_replicas and rank: tensorlite has no process group to take them from"
            )
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.epoch, self.drop_last, self.shuffle, self.seed = 0, drop_last, shuffle, seed
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self):
        n = len(self.dataset)
        if self.shuffle:
            indices = rng.Generator().manual_seed(self.seed + self.epoch).permutation(n).tolist()
        else:
            indices = list(range(n))
        if not self.drop_last and indices:
            indices *= -(-self.total_size // n)
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def __len__(self):
        return self.num_samples

    def set_epoch(self, epoch):
        """Take the order of another epoch."""
        self.epoch = epoch
