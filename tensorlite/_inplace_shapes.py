"""Shapes in place: the tensor shows its memory in another way."""

import numpy as np

from . import engine
from .engine import TensorBase, wrap
from .functions import arranging, shaping
from .functions._common import sizes_of
from .functions.layouts import empty_array, order_of


class InplaceShapes(TensorBase):
    """Methods of :class:`~tensorlite.Tensor`."""

    __slots__ = ()

    def _become(self, shown, *args):
        """``self = shown(self, ...)``, a view of itself."""
        engine.check_writable(self)
        source = self
        if self._view is None and self._node is not None and not isinstance(self._node, engine.Leaf):
            source = wrap(self._data, self._node, self._cell)  # the base from now on, of this tensor and its views
        with engine.recording(True):  # no value is computed: the place on the tape moves in any mode
            view = shown(source, *args)
        self._data = view._data
        if isinstance(self._node, engine.Leaf):
            self._node.shape = self._data.shape
        elif view._node is not None or self._view is not None:
            self._node, self._view = view._node, view._view
        engine.touch(self)
        return self

    def unsqueeze_(self, dim):
        """In-place :meth:`unsqueeze`."""
        return self._become(shaping.unsqueeze, dim)

    def squeeze_(self, dim=None):
        """In-place :meth:`squeeze`."""
        return self._become(shaping.squeeze, dim)

    def transpose_(self, dim0, dim1):
        """In-place :meth:`transpose`."""
        self._become(shaping.transpose, dim0, dim1).__dict__["_fixed"] = True
        return self

    swapdims_ = transpose_

    def swapaxes_(self, axis0, axis1):
        """In-place :meth:`swapaxes`."""
        return self.transpose_(axis0, axis1)

    def t_(self):
        """In-place :meth:`t`."""
        self._become(shaping.t).__dict__["_fixed"] = True
        return self

    def as_strided_(self, size, stride, storage_offset=None):
        """In-place :meth:`as_strided`."""
        self._become(arranging.as_strided, size, stride, storage_offset).__dict__["_fixed"] = True
        return self

    def resize_(self, *sizes, size=None, memory_format=None):
        """Another size: the first elements stay, new ones have any value."""
        if self.requires_grad:
            raise RuntimeError("cannot resize variables that require grad")
        shape = sizes_of(sizes, size)
        new = np.resize(self._data, shape) if self._data.size else np.zeros(shape, self._data.dtype)
        if memory_format is not None:
            new, line = empty_array(shape, new.dtype, order_of(memory_format, shape)), new.ravel()
            np.lib.stride_tricks.as_strided(new, (new.size,), (new.itemsize,))[...] = line
            self.__dict__["_fixed"] = True
        self._data = new
        engine.touch(self)
        return self

    def resize_as_(self, the_template, memory_format=None):
        """The size of another tensor."""
        return self.resize_(the_template._data.shape, memory_format=memory_format)

    def set_(self, source=None):
        """Show the memory of ``source``."""
        self._data = np.empty(0, self._data.dtype) if source is None else source._data
        engine.touch(self)
        return self
