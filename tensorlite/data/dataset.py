"""Data sets: things with items, or things that stream them."""

from __future__ import annotations

import bisect
import itertools
import math
import types
import warnings
from typing import Any

import numpy as np

from .. import rng
from ..engine import TensorBase, wrap

__all__ = [
    "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "StackDataset", "Subset", "TensorDataset",
    "random_split",
]  # fmt: skip


class Dataset:
    """A data set with items: subclasses define ``__getitem__``, and ``__len__`` for the default samplers.

    A subclass may define ``__getitems__(indices)``, which returns a list of samples, to load a batch at once.
    """

    __class_getitem__: Any = classmethod(types.GenericAlias)

    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """A data set that streams its samples: subclasses define ``__iter__``.

    In several workers each one runs the whole stream; use :func:`get_worker_info` to share it out.
    """

    def __iter__(self):
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")

    def __add__(self, other):
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Samples are the rows of tensors: item ``i`` is the tuple of ``t[i]``.

    Parameters
    ----------
    *tensors : Tensor
        With the same number of rows.

    Raises
    ------
    AssertionError
        If the numbers of rows differ.

    Notes
    -----
    A :class:`DataLoader` with the default ``collate_fn`` takes each batch with one index array per tensor.

    Examples
    --------
    >>> import tensorlite as tl
    >>> data = tl.data.TensorDataset(tl.eye(3), tl.arange(3))
    >>> data[1]
    (tensor([0., 1., 0.]), tensor(1))
    """

    def __init__(self, *tensors):
        if not tensors:
            raise ValueError("TensorDataset needs at least one tensor")
        for i, t in enumerate(tensors):
            if not isinstance(t, TensorBase):
                raise TypeError(f"TensorDataset: argument {i} must be a Tensor, not {type(t).__name__}")
        sizes = [len(t) for t in tensors]
        if len(set(sizes)) > 1:
            raise AssertionError(f"Size mismatch between tensors: they have {sizes} rows")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple([tensor[index] for tensor in self.tensors])

    def __len__(self):
        return len(self.tensors[0])

    def _batch(self, indices):
        """What collating ``[self[i] for i in indices]`` gives, by one index array; None if a subclass changed items."""
        if type(self).__getitem__ is not TensorDataset.__getitem__ or hasattr(self, "__getitems__"):
            return None
        return [take_rows(t, indices) for t in self.tensors]


def take_rows(t, indices):
    """The rows ``indices`` of the tensor ``t``, a copy."""
    if t._node is not None:
        return t[wrap(np.asarray(indices))]
    return wrap(np.take(t._data, indices, axis=0))


class StackDataset(Dataset):
    """Several data sets side by side: items are tuples, or dicts where they were given by name.

    Raises
    ------
    ValueError
        If none is given, both ways are mixed, or lengths differ.
    """

    def __init__(self, *args, **kwargs):
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or ``dict``- (via ``kwargs``) like input/output, but both "
                "types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        parts = args or tuple(kwargs.values())
        self._length = len(parts[0])
        if any(len(d) != self._length for d in parts):
            raise ValueError("Size mismatch between datasets")

    def _combine(self, get):
        if isinstance(self.datasets, dict):
            return {name: get(dataset) for name, dataset in self.datasets.items()}
        return tuple([get(dataset) for dataset in self.datasets])

    def __getitem__(self, index):
        return self._combine(lambda dataset: dataset[index])

    def __getitems__(self, indices):
        columns = self._combine(lambda dataset: _items(dataset, indices))
        if isinstance(columns, dict):
            return [dict(zip(columns, row)) for row in zip(*columns.values())]
        return list(zip(*columns))

    def __len__(self):
        return self._length


def _items(dataset, indices):
    """A list of items, all at once where the data set can."""
    if callable(getattr(dataset, "__getitems__", None)):
        items = dataset.__getitems__(indices)
        if len(items) != len(indices):
            raise ValueError(f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(items)}")
        return items
    return [dataset[i] for i in indices]


class ConcatDataset(Dataset):
    """Data sets one after the other."""

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence):
        """Running totals of the lengths."""
        return list(itertools.accumulate(len(e) for e in sequence))

    def __len__(self):
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx):
        if idx < 0:
            if -idx > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            idx += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        if which == len(self.datasets):
            raise IndexError(f"index {idx} is out of range for {len(self)} samples")
        return self.datasets[which][idx - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset):
    """Streams one after the other."""

    def __init__(self, datasets):
        self.datasets = datasets

    def __iter__(self):
        for d in self.datasets:
            if not isinstance(d, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield from d

    def __len__(self):
        return sum(len(d) for d in self.datasets)


class Subset(Dataset):
    """The items ``indices`` of a data set."""

    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = indices
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and kind.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{kind.__name__} overrides __getitem__ but not __getitems__. When subclassing Subset and overriding "
                "__getitem__, you must also override __getitems__ to ensure DataLoader works correctly with your custom "
                "logic. A simple implementation:\n\ndef __getitems__(self, indices):\n"
                "    return [self.__getitem__(idx) for idx in indices]"
            )

    def __getitem__(self, idx):
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices):
        return _items(self.dataset, [self.indices[i] for i in indices])

    def __len__(self):
        return len(self.indices)

    def _batch(self, indices):
        batch = getattr(self.dataset, "_batch", None)
        if batch is None or type(self).__getitems__ is not Subset.__getitems__:
            return None
        return batch([self.indices[i] for i in indices])


def random_split(dataset, lengths, generator=None):
    """Split a data set at random into parts that do not overlap.

    Parameters
    ----------
    dataset : Dataset
    lengths : sequence of int or of float
        The sizes of the parts, or fractions that sum up to 1; what rounding leaves over goes to the first parts.
    generator : Generator, optional

    Returns
    -------
    list of Subset

    Raises
    ------
    ValueError
        If the sizes do not sum up to the length of ``dataset``, or a fraction is not in [0, 1].

    Examples
    --------
    >>> import tensorlite as tl
    >>> g = tl.Generator().manual_seed(42)
    >>> [len(part) for part in tl.data.random_split(range(10), [0.75, 0.25], generator=g)]
    [8, 2]
    """
    total, n = sum(lengths), len(dataset)
    if math.isclose(total, 1) and total <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        lengths = [math.floor(n * fraction) for fraction in lengths]
        for i in range(n - sum(lengths)):
            lengths[i % len(lengths)] += 1
        for i, length in enumerate(lengths):
            if length == 0:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2
                )
    if sum(lengths) != n:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! "
            f"{list(lengths)} sum up to {sum(lengths)}, the data set has {n}."
        )
    order = (generator or rng.default_generator).permutation(n).tolist()
    return [Subset(dataset, order[end - k : end]) for end, k in zip(itertools.accumulate(lengths), lengths)]
