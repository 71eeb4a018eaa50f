"""Putting samples together: a list of samples becomes one sample whose tensors have a batch dimension."""

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import numpy as np

from .. import dtypes
from ..engine import TensorBase, wrap
from ..ops.shape import stack

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

_EXPECTED = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _tensors(batch, *, collate_fn_map=None):
    first = batch[0]
    if any(t._node is not None for t in batch):
        return stack(list(batch), 0)
    arrays = [t._data for t in batch]
    shape = arrays[0].shape
    for i, a in enumerate(arrays):
        if a.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(a.shape)} at entry {i}"
            )
    if any(a.dtype != arrays[0].dtype for a in arrays):
        return stack(list(batch), 0)
    out = np.empty((len(batch), *shape), first._data.dtype)
    for row, a in zip(out if shape else (), arrays):
        row[...] = a
    if not shape:
        out[:] = [a.item() for a in arrays]
    return wrap(out)


def _arrays(batch, *, collate_fn_map=None):
    if batch[0].dtype.kind in "SUO":
        raise TypeError(_EXPECTED.format(batch[0].dtype))
    return _tensors([_as_tensor(b) for b in batch])


def _scalars(batch, *, collate_fn_map=None):
    return _as_tensor(np.array(batch))


def _floats(batch, *, collate_fn_map=None):
    return wrap(np.array(batch, dtype=np.float64))


def _ints(batch, *, collate_fn_map=None):
    return _as_tensor(np.array(batch))


def _strings(batch, *, collate_fn_map=None):
    return batch


def _as_tensor(a):
    a = np.asarray(a)
    dtypes.of(a.dtype)
    return wrap(a)


#: What :func:`default_collate` does with samples of a type (``collate_fn(batch, *, collate_fn_map)``).
default_collate_fn_map = {
    TensorBase: _tensors, np.ndarray: _arrays, (np.bool_, np.number): _scalars, float: _floats, int: _ints,
    str: _strings, bytes: _strings,
}  # fmt: skip


def collate(batch, *, collate_fn_map=None):
    """Collate with a table of functions per type, entering mappings, named tuples and sequences.

    Parameters
    ----------
    batch : list
    collate_fn_map : dict, optional
        From a type (or a tuple of types) to ``function(batch, *, collate_fn_map)``.
    """
    first = batch[0]
    table = collate_fn_map or {}
    if type(first) in table:
        return table[type(first)](batch, collate_fn_map=collate_fn_map)
    for kind, function in table.items():
        if isinstance(first, kind):
            return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        return _same_mapping(first, {k: collate([d[k] for d in batch], collate_fn_map=collate_fn_map) for k in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*[collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)])
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return _same_sequence(first, [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)])
    raise TypeError(_EXPECTED.format(type(first)))


def _same_mapping(like, items):
    """``items`` in a mapping of the type of ``like``, a dict where that cannot be made."""
    try:
        if isinstance(like, MutableMapping):
            result = copy.copy(like)
            result.update(items)
            return result
        return type(like)(items)
    except TypeError:
        return items


def _same_sequence(like, items):
    """``items`` in a sequence of the type of ``like`` (tuples become lists, as in PyTorch)."""
    if isinstance(like, tuple):
        return items
    try:
        if isinstance(like, MutableSequence):
            result = copy.copy(like)
            for i, item in enumerate(items):
                result[i] = item
            return result
        return type(like)(items)
    except TypeError:
        return items


def default_collate(batch):
    """One batch of a list of samples.

    Tensors and arrays of one shape are stacked, numbers become tensors (floats float64, as in PyTorch), strings stay
    a list; dicts, named tuples and sequences are entered.

    Parameters
    ----------
    batch : list

    Raises
    ------
    TypeError
        For samples of another kind.
    RuntimeError
        If shapes or lengths differ.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.data.default_collate([(tl.ones(2), 0), (tl.zeros(2), 1)])
    [tensor([[1., 1.],
            [0., 0.]]), tensor([0, 1])]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def default_convert(data):
    """Arrays in ``data`` as tensors, whatever holds them; everything else as it is."""
    if isinstance(data, TensorBase):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else _as_tensor(data)
    if isinstance(data, Mapping):
        return _same_mapping(data, {k: default_convert(data[k]) for k in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*[default_convert(d) for d in data])
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _same_sequence(data, [default_convert(d) for d in data])
    return data
