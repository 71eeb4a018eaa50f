"""Tensor: an array on the tape, with PyTorch's methods."""
from __future__ import annotations

import numpy as np

from . import dtypes, engine
from .engine import TensorBase, inplace, wrap
from .ops import elementwise as ew, indexing, linalg, reduction as red, shape as sh


class Tensor(TensorBase):
    __slots__ = ()
    __array_priority__ = 1000

    shape = property(lambda self: self._data.shape)
    ndim = property(lambda self: self._data.ndim)
    dtype = property(lambda self: dtypes.of(self._data.dtype))
    requires_grad = property(lambda self: self._node is not None)

    def requires_grad_(self, v=True):
        if v and self._node is None:
            self._node = engine.Leaf(self)
        return self

    grad = property(lambda self: self._grad, lambda self, v: setattr(self, "_grad", v))

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        engine.backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self):
        return wrap(self._data, None, self._version)

    def clone(self):
        return engine.clone(self)

    def is_complex(self):
        return self._data.dtype.kind == "c"

    __add__ = lambda a, b: ew.add(a, b)
    __radd__ = lambda a, b: ew.add(b, a)
    __mul__ = lambda a, b: ew.mul(a, b)
    __rmul__ = lambda a, b: ew.mul(b, a)
    __sub__ = lambda a, b: ew.sub(a, b)
    __rsub__ = lambda a, b: ew.sub(b, a)
    __truediv__ = lambda a, b: ew.div(a, b)
    __rtruediv__ = lambda a, b: ew.div(b, a)
    __pow__ = lambda a, b: ew.pow(a, b)
    __matmul__ = lambda a, b: linalg.matmul(a, b)
    __neg__ = lambda a: ew.neg(a)
    __gt__ = lambda a, b: ew.gt(a, b)
    __ge__ = lambda a, b: ew.ge(a, b)
    __eq__ = lambda a, b: ew.eq(a, b)
    __ne__ = lambda a, b: ew.ne(a, b)
    __hash__ = object.__hash__

    def sum(self, dim=None, keepdim=False):
        return red.sum(self, dim=dim, keepdim=keepdim)

    def mul_(self, o):
        return inplace(ew.mul, self, o)

    def __getitem__(self, i):
        return indexing.getitem(self, index=i)

    def __setitem__(self, i, v):
        inplace(ew.assign, indexing.getitem(self, index=i), v)

    def __array__(self, dtype=None, copy=None):
        return self._data

    def __repr__(self):
        return f"tensor({self._data})"


engine.result_class = Tensor
