"""Sequences of different lengths: padded batches, and packed ones that hold no padding.

A packed sequence lies step by step: ``data`` has the first step of every sequence, then the second of those that
have one, and so on; ``batch_sizes[t]`` says how many sequences reach step ``t``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..._tensor import Tensor
from ...creation import full
from ...engine import wrap
from ...ops import recurrent as ops
from ...ops import shape as sh

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


_Fields.__name__ = "PackedSequence"


class PackedSequence(_Fields):
    """A batch of sequences without padding; made by :func:`pack_padded_sequence` and :func:`pack_sequence`.

    Attributes
    ----------
    data : Tensor of shape (rows, ...)
        All steps, one after the other.
    batch_sizes : int64 Tensor of shape (steps,)
        Sequences that reach each step; never growing.
    sorted_indices, unsorted_indices : int64 Tensor or None
        The order by length that was applied to the batch, and the order that undoes it.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.nn.utils.rnn import pack_sequence
    >>> packed = pack_sequence([tl.tensor([1, 2, 3]), tl.tensor([4, 5]), tl.tensor([6])])
    >>> packed.data
    tensor([1, 4, 6, 2, 5, 3])
    >>> packed.batch_sizes
    tensor([3, 2, 1])
    """

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _holding(self, data):
        return self if data is self.data else type(self)(data, *self[1:])

    def to(self, *args, **kwargs):
        """``data`` with another dtype (or device, of which there is one)."""
        return self._holding(self.data.to(*args, **kwargs))

    def double(self):
        """``data`` as float64."""
        return self._holding(self.data.double())

    def float(self):
        """``data`` as float32."""
        return self._holding(self.data.float())

    def half(self):
        """``data`` as float16."""
        return self._holding(self.data.half())

    def long(self):
        """``data`` as int64."""
        return self._holding(self.data.long())

    def int(self):
        """``data`` as int32."""
        return self._holding(self.data.int())

    def short(self):
        """``data`` as int16."""
        return self._holding(self.data.short())

    def char(self):
        """``data`` as int8."""
        return self._holding(self.data.char())

    def byte(self):
        """``data`` as uint8."""
        return self._holding(self.data.byte())

    def cpu(self, *args, **kwargs):
        """The sequence itself: there is one device."""
        return self

    def cuda(self, *args, **kwargs):
        """Refused as ``Tensor.cuda`` refuses."""
        return self._holding(self.data.cuda(*args, **kwargs))

    def pin_memory(self):
        """The sequence itself: there is no device to copy to."""
        return self

    is_cuda = property(lambda self: False)

    def is_pinned(self):
        """False: memory is never pinned."""
        return False


def invert_permutation(permutation):
    """The permutation that undoes ``permutation`` (a 1-D int64 tensor or None).

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.utils.rnn.invert_permutation(tl.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else wrap(np.argsort(permutation._data).astype(np.int64, copy=False))


def _lengths(values):
    data = values._data if isinstance(values, Tensor) else np.asarray(values)
    return data.astype(np.int64)


def _rows_of(sizes, order, batch, steps, batch_first):
    """Row numbers in a flat padded batch of the rows of a packed sequence."""
    columns = [order[:n] for n in sizes]
    if batch_first:
        return np.concatenate([c * steps + t for t, c in enumerate(columns)])
    return np.concatenate([c + t * batch for t, c in enumerate(columns)])


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Drop the padding of a batch of sequences.

    Parameters
    ----------
    input : Tensor of shape (T, B, ...), or (B, T, ...) with ``batch_first``
    lengths : Tensor or list of int
        The length of each sequence.
    batch_first : bool, default False
    enforce_sorted : bool, default True
        The sequences come in order of decreasing length; with False they are sorted here.

    Returns
    -------
    PackedSequence

    Raises
    ------
    RuntimeError
        If a length is not positive or too long, if there is not one length per sequence, or if the lengths
        are not sorted while ``enforce_sorted``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.nn.utils.rnn import pack_padded_sequence
    >>> batch = tl.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    >>> pack_padded_sequence(batch, [2, 1, 3], batch_first=True, enforce_sorted=False).data
    tensor([4, 1, 3, 5, 2, 6])
    """
    lengths = _lengths(lengths)
    batch, steps = input.shape[:2] if batch_first else input.shape[:2][::-1]
    if lengths.ndim != 1 or len(lengths) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {lengths.size} (batch_size={batch})"
        )
    order = np.arange(batch)
    if not enforce_sorted:
        order = np.argsort(-lengths, kind="stable")
        lengths = lengths[order]
    elif np.any(np.diff(lengths) > 0):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do "
            "not need ONNX exportability."
        )
    if not len(lengths) or lengths[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if lengths[0] > steps:
        raise RuntimeError(f"Expected all lengths to be at most {steps}, the padded length, but got {lengths[0]}")
    sizes = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")
    rows = sh.reshape(input, shape=(batch * steps, *input.shape[2:]))
    data = ops.take_rows(rows, index=_rows_of(sizes, order, batch, steps, batch_first))
    return PackedSequence(data, wrap(sizes.astype(np.int64)), None if enforce_sorted else wrap(order))


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """Undo :func:`pack_padded_sequence`.

    Parameters
    ----------
    sequence : PackedSequence
    batch_first : bool, default False
    padding_value : float, default 0
    total_length : int, optional
        Pad to this many steps instead of the longest sequence's.

    Returns
    -------
    padded : Tensor of shape (T, B, ...), or (B, T, ...) with ``batch_first``
    lengths : int64 Tensor of shape (B,)

    Raises
    ------
    ValueError
        If ``total_length`` is shorter than the longest sequence.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.nn.utils.rnn import pack_sequence, pad_packed_sequence
    >>> padded, lengths = pad_packed_sequence(pack_sequence([tl.tensor([1, 2]), tl.tensor([3])]), batch_first=True)
    >>> padded
    tensor([[1, 2],
            [3, 0]])
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"pad_packed_sequence needs a PackedSequence, not {type(sequence).__name__}")
    sizes = sequence.batch_sizes._data
    steps, batch = len(sizes), int(sizes[0])
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    order = np.arange(batch) if sequence.sorted_indices is None else sequence.sorted_indices._data
    lengths = np.empty(batch, np.int64)
    lengths[order] = np.add.reduce(sizes[:, None] > np.arange(batch), axis=0)
    index = _rows_of(sizes, order, batch, steps, batch_first)
    flat = ops.put_rows(sequence.data, index=index, count=batch * steps, fill=padding_value)
    shape = (batch, steps) if batch_first else (steps, batch)
    return sh.reshape(flat, shape=(*shape, *sequence.data.shape[1:])), wrap(lengths)


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Stack sequences of different lengths, padded to the longest.

    Parameters
    ----------
    sequences : iterable of Tensor of shape (L, ...)
    batch_first : bool, default False
    padding_value : float, default 0
    padding_side : {'right', 'left'}

    Returns
    -------
    Tensor of shape (T, B, ...), or (B, T, ...) with ``batch_first``

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.utils.rnn.pad_sequence([tl.tensor([1, 2]), tl.tensor([3])], batch_first=True, padding_value=-1)
    tensor([[ 1,  2],
            [ 3, -1]])
    """
    if not hasattr(sequences, "__iter__"):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = tuple(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    for i, s in enumerate(sequences):
        if not isinstance(s, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(s).__name__}")
    steps = max(s.shape[0] for s in sequences)
    rows = []
    for s in sequences:
        if s.shape[0] < steps:
            blank = full((steps - s.shape[0], *s.shape[1:]), padding_value, dtype=s.dtype)
            s = sh.cat(s, blank, dim=0) if padding_side == "right" else sh.cat(blank, s, dim=0)
        rows.append(s)
    return sh.stack(rows, dim=0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """Undo :func:`pad_sequence`: a list of tensors of shape (length, ...).

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.utils.rnn.unpad_sequence(tl.tensor([[1, 2], [3, 0]]), tl.tensor([2, 1]), batch_first=True)
    [tensor([1, 2]), tensor([3])]
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [padded_sequences[i, : int(n)] for i, n in enumerate(_lengths(lengths))]


def pack_sequence(sequences, enforce_sorted=True):
    """Pack a list of tensors of shape (length, ...); see :func:`pack_padded_sequence`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.utils.rnn.pack_sequence([tl.tensor([4]), tl.tensor([1, 2])], enforce_sorted=False).data
    tensor([1, 4, 2])
    """
    return pack_padded_sequence(pad_sequence(sequences), [s.shape[0] for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """Undo :func:`pack_sequence`: a list of tensors.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.nn.utils.rnn import pack_sequence, unpack_sequence
    >>> unpack_sequence(pack_sequence([tl.tensor([1, 2]), tl.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
