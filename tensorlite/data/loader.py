"""The DataLoader: batches of a data set, in this process or from workers."""

from __future__ import annotations

import math
import os
import types
import warnings
from typing import Any

import numpy as np

from ..ops.random import generator_or_default
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader"]


class _Forever:
    """The sampler of streams: None, again and again."""

    def __iter__(self):
        while True:
            yield None


class Fetcher:
    """Samples for indices, collated."""

    def __init__(self, dataset, collate_fn, batched, drop_last):
        self.dataset = dataset
        self.collate_fn = collate_fn
        self.batched = batched
        self.drop_last = drop_last
        self.stream = iter(dataset) if isinstance(dataset, IterableDataset) else None
        self.whole = getattr(dataset, "_batch", None) if batched and collate_fn is default_collate else None
        self.items = getattr(dataset, "__getitems__", None) if batched else None

    def __call__(self, indices):
        if self.stream is not None:
            return self._from_stream(indices)
        if not self.batched:
            return self.collate_fn(self.dataset[indices])
        if self.whole is not None:
            batch = self.whole(indices)
            if batch is not None:
                return batch
            self.whole = None
        if self.items is not None:
            return self.collate_fn(self.items(indices))
        return self.collate_fn([self.dataset[i] for i in indices])

    def _from_stream(self, indices):
        if self.stream is _ENDED:
            raise StopIteration
        if not self.batched:
            return self.collate_fn(next(self.stream))
        samples = []
        for _ in indices:
            try:
                samples.append(next(self.stream))
            except StopIteration:
                self.stream = _ENDED
                break
        if not samples or (self.drop_last and len(samples) < len(indices)):
            raise StopIteration
        return self.collate_fn(samples)


_ENDED = object()


class DataLoader:
    """Batches of a data set.

    Parameters
    ----------
    dataset : Dataset
        With items (``__getitem__``), or an :class:`IterableDataset`.
    batch_size : int or None, default 1
        None: no batches, samples one by one.
    shuffle : bool
        In a new random order in each pass; the order is PyTorch's for the same seed.
    sampler : iterable, optional
        Of indices, instead of ``shuffle``.
    batch_sampler : iterable, optional
        Of lists of indices, instead of ``batch_size``, ``shuffle``, ``sampler`` and ``drop_last``.
    num_workers : int, default 0
        Processes that load ahead; 0 loads in this one.
    collate_fn : callable, default :func:`default_collate`
        Makes a batch of a list of samples.
    pin_memory : bool
        Has no effect (nor has ``pin_memory_device``), as on every computer without an accelerator; it warns as
        PyTorch does there.
    drop_last : bool, default False
        Leave out a last batch that is smaller.
    timeout : float, default 0
        Seconds to wait for a worker's batch; 0 waits for ever.
    worker_init_fn : callable, optional
        Called in each worker with its number, after seeding.
    multiprocessing_context : str or context, optional
        How workers start.
    generator : Generator, optional
        Draws the order and the workers' seeds; by default the default generator does.
    prefetch_factor : int, default 2
        Batches loaded ahead per worker.
    persistent_workers : bool, default False
        Keep the workers for the next pass.
    in_order : bool, default True
        False yields batches as workers finish them.

    Raises
    ------
    ValueError
        For sizes that are not positive and options that exclude each other.

    Examples
    --------
    >>> import tensorlite as tl
    >>> data = tl.data.TensorDataset(tl.arange(5))
    >>> _ = tl.manual_seed(0)
    >>> [x.tolist() for (x,) in tl.data.DataLoader(data, batch_size=2, shuffle=True)]
    [[1, 4], [2, 3], [0]]
    """

    __class_getitem__: Any = classmethod(types.GenericAlias)
    _ready = False

    def __init__(self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0,
                 collate_fn=None, pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None,
                 multiprocessing_context=None, generator=None, *, prefetch_factor=None, persistent_workers=False,
                 pin_memory_device="", in_order=True):  # fmt: skip
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing. let num_workers > 0 to enable "
                "multiprocessing, otherwise set prefetch_factor to None."
            )
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        stream = isinstance(dataset, IterableDataset)
        if stream:
            for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            if stream:
                sampler = _Forever()
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.dataset, self.batch_size, self.sampler, self.batch_sampler = dataset, batch_size, sampler, batch_sampler
        self.num_workers, self.collate_fn, self.drop_last, self.timeout = num_workers, collate_fn, drop_last, timeout
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.worker_init_fn, self.generator, self.in_order = worker_init_fn, generator, in_order
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.multiprocessing_context = self._context(multiprocessing_context)
        self._iterator = None
        self._promised = None  # the length that a stream gave
        self._check_workers()
        self._ready = True

    def __setattr__(self, name, value):
        fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
        if self._ready and name in fixed:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def _context(self, context):
        if context is None:
            return None
        if not self.num_workers:
            raise ValueError(
                "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                f"num_workers={self.num_workers}"
            )
        import multiprocessing

        if isinstance(context, str):
            methods = multiprocessing.get_all_start_methods()
            if context not in methods:
                raise ValueError(
                    f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                    f"multiprocessing_context={context!r}"
                )
            return multiprocessing.get_context(context)
        if not isinstance(context, multiprocessing.context.BaseContext):
            raise TypeError(
                "multiprocessing_context option should be a valid context object or a string specifying the start "
                f"method, but got multiprocessing_context={context}"
            )
        return context

    def _check_workers(self):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if self.num_workers > cores:
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested max number of "
                f"worker in current system is {cores}, which is smaller than what this DataLoader is going to create. "
                "Please be aware that excessive worker creation might get DataLoader running slow or even freeze, lower "
                "the worker number to avoid potential slowness/freeze if necessary.",
                stacklevel=3,
            )

    @property
    def _index_sampler(self):
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def _fetcher(self):
        return Fetcher(self.dataset, self.collate_fn, self.batch_sampler is not None, self.drop_last)

    def __iter__(self):
        if self.pin_memory:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
                "used.",
                stacklevel=2,
            )
        if not self.num_workers:
            if self.timeout:
                raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
            return _Iterator(self)
        from .workers import WorkerIterator

        if not self.persistent_workers:
            return WorkerIterator(self)
        if self._iterator is None:
            self._iterator = WorkerIterator(self)
        else:
            self._iterator.restart()
        return self._iterator

    def __len__(self):
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        n = self._promised = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else math.ceil(n / self.batch_size)


def base_seed(loader):
    """The number that every pass draws first; a worker's seed is this plus its number."""
    return int(generator_or_default(loader.generator).full_range(1, np.int64)[0])


class _Iterator:
    """One pass over a loader in this process."""

    def __init__(self, loader):
        self.loader = loader
        self.indices = iter(loader._index_sampler)
        base_seed(loader)
        self.fetch = loader._fetcher()
        self.count = 0

    def __iter__(self):
        return self

    def __len__(self):
        return len(self.loader._index_sampler)

    def __next__(self):
        batch = self.fetch(next(self.indices))
        self.count += 1
        warn_if_longer(self)
        return batch


def warn_if_longer(iterator):
    """Warn where a stream yields more than its length promised."""
    promised = iterator.loader._promised
    if promised is not None and iterator.count > promised:
        warnings.warn(
            f"Length of IterableDataset {iterator.loader.dataset} was reported to be {promised} (when accessing "
            f"len(dataloader)), but {iterator.count} samples have been fetched.",
            stacklevel=3,
        )
