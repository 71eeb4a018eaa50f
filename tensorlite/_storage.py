"""Storages: the memory that a tensor and its views share, as one line of elements or of bytes."""

import numpy as np

from . import dtypes
from ._device import CPU
from .engine import touch


def _line(a):
    """The whole memory that the array ``a`` shows a part of, as bytes."""
    while isinstance(base := getattr(a, "base", None), np.ndarray) or hasattr(base, "__array_interface__"):
        a = base
    a = np.asarray(a)
    whole = np.lib.stride_tricks.as_strided(a, (a.size,), (a.itemsize,)) if a.size else a.reshape(-1)
    return whole.view(np.uint8)


class _Storage:
    """A line of items; changes made through it show in the tensor, whose version counts them."""

    device = CPU
    is_cuda = False

    def __init__(self, tensor, d):
        self._tensor = tensor
        line = _line(tensor._data)
        self._items = line.view(d)

    def __len__(self):
        return len(self._items)

    size = __len__

    def __getitem__(self, index):
        if isinstance(index, slice):
            raise TypeError("slices of storages are not supported; use the tensor")
        return self._items[index].item()

    def __setitem__(self, index, value):
        if not self._items.flags.writeable:
            raise RuntimeError("the memory of this storage is read-only")
        self._items[index] = value
        touch(self._tensor)

    def __iter__(self):
        return iter(self._items.tolist())

    def fill_(self, value):
        """Every item ``value``."""
        self[slice(None)] = value
        return self

    def tolist(self):
        """The items as a list of Python numbers."""
        return self._items.tolist()

    def data_ptr(self):
        """The address of the first item."""
        return self._items.__array_interface__["data"][0]

    def nbytes(self):
        """The number of bytes."""
        return self._items.nbytes

    def element_size(self):
        """Bytes per item."""
        return self._items.itemsize

    def resize_(self, size):
        """Raises: the memory of an array has a fixed size."""
        raise NotImplementedError("storages can't be resized: make a new tensor")

    def share_memory_(self):
        """Raises: tensors are not shared between processes."""
        raise NotImplementedError("share_memory_() is not supported; processes receive copies of tensors")

    def is_shared(self):
        """Whether other processes see the memory: never."""
        return False


class UntypedStorage(_Storage):
    """The memory of a tensor as bytes: ``tensor.untyped_storage()``."""

    def __init__(self, tensor):
        super().__init__(tensor, np.uint8)

    def __repr__(self):
        return "".join(f" {v}\n" for v in self._items.tolist()) + f"[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"  # fmt: skip


class TypedStorage(_Storage):
    """The memory of a tensor as elements of its dtype: ``tensor.storage()``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.arange(6).reshape(2, 3)
    >>> x[1].storage().tolist()
    [0, 1, 2, 3, 4, 5]
    """

    def __init__(self, tensor):
        super().__init__(tensor, tensor._data.dtype)

    @property
    def dtype(self):
        """The type of the elements."""
        return dtypes.of(self._items.dtype)

    def untyped(self):
        """The same memory as bytes."""
        return UntypedStorage(self._tensor)

    def __repr__(self):
        return "".join(f" {v}\n" for v in self._items.tolist()) + (
            f"[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {len(self)}]"
        )
