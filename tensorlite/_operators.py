"""Python's operators on tensors, indexing, transposes, complex parts."""

import warnings

from . import _indexing
from .engine import TensorBase, inplace, titled
from .engine.trail import trail
from .functions import pointwise, shaping
from .functions.shaping import settle
from .mistakes.evaluation import compared
from .ops import elementwise as ew
from .ops import linalg
from .ops import shape as sh


def _reflected(name, op):
    @titled(name, None)
    def method(self, other):
        return op(other, self)

    return method


def _inplace(name, op):
    @titled(name, None)
    def method(self, other):
        return inplace(op, self, other)

    return method


class Operators(TensorBase):
    """Operators and views of :class:`~tensorlite.Tensor`."""

    __slots__ = ()
    __hash__ = object.__hash__

    __add__ = ew.add
    __sub__ = ew.sub
    __mul__ = ew.mul
    __truediv__ = ew.div
    __floordiv__ = ew.floor_divide
    __mod__ = ew.remainder
    __pow__ = ew.pow
    __matmul__ = linalg.matmul
    __neg__ = ew.neg
    __abs__ = ew.abs
    __and__ = ew.bitwise_and
    __or__ = ew.bitwise_or
    __xor__ = ew.bitwise_xor
    __lshift__ = ew.bitwise_left_shift
    __rshift__ = ew.bitwise_right_shift
    __lt__ = ew.lt
    __le__ = ew.le
    __gt__ = ew.gt
    __ge__ = ew.ge
    __pos__ = pointwise.positive
    __radd__ = _reflected("__radd__", ew.add)
    __rsub__ = _reflected("__rsub__", ew.sub)
    __rtruediv__ = _reflected("__rtruediv__", ew.div)
    __rfloordiv__ = _reflected("__rfloordiv__", ew.floor_divide)
    __rmod__ = _reflected("__rmod__", ew.remainder)
    __rpow__ = _reflected("__rpow__", ew.pow)
    __rmatmul__ = _reflected("__rmatmul__", linalg.matmul)
    __rand__ = _reflected("__rand__", ew.bitwise_and)
    __ror__ = _reflected("__ror__", ew.bitwise_or)
    __rxor__ = _reflected("__rxor__", ew.bitwise_xor)
    __rlshift__ = _reflected("__rlshift__", ew.bitwise_left_shift)
    __rrshift__ = _reflected("__rrshift__", ew.bitwise_right_shift)

    def __rmul__(self, other):
        if isinstance(other, (list, tuple, str)):
            return NotImplemented  # [0] * n repeats the list
        return ew.mul(other, self)

    def __invert__(self):
        if self._data.dtype.kind not in "biu":
            raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
        return ew.bitwise_not(self)

    def __eq__(self, other):
        if other is None:
            return NotImplemented
        if trail.noise:
            compared(self, other)
        try:
            return ew.eq(self, other)
        except TypeError:
            return NotImplemented

    def __ne__(self, other):
        if other is None:
            return NotImplemented
        try:
            return ew.ne(self, other)
        except TypeError:
            return NotImplemented

    __iadd__ = _inplace("__iadd__", ew.add)
    __isub__ = _inplace("__isub__", ew.sub)
    __imul__ = _inplace("__imul__", ew.mul)
    __itruediv__ = _inplace("__itruediv__", ew.div)
    __ifloordiv__ = _inplace("__ifloordiv__", ew.floor_divide)
    __imod__ = _inplace("__imod__", ew.remainder)
    __ipow__ = _inplace("__ipow__", ew.pow)
    __iand__ = _inplace("__iand__", ew.bitwise_and)
    __ior__ = _inplace("__ior__", ew.bitwise_or)
    __ixor__ = _inplace("__ixor__", ew.bitwise_xor)
    __ilshift__ = _inplace("__ilshift__", ew.bitwise_left_shift)
    __irshift__ = _inplace("__irshift__", ew.bitwise_right_shift)

    def __getitem__(self, index):
        if not self._data.flags.c_contiguous:
            settle(self)
        return _indexing.getitem(self, index)

    def __setitem__(self, index, value):
        settle(self)
        _indexing.setitem(self, index, value)

    def __delitem__(self, index):
        raise TypeError("Tensor does not support deleting items")

    @property
    def T(self):
        """The dimensions in reverse order: a view; deprecated but for matrices."""
        if self._data.ndim != 2:
            warnings.warn(
                "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw "
                "an error in a future release. Consider `x.mT` to transpose batches of matrices or "
                "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor."
                if self._data.ndim
                else "Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.",
                UserWarning,
                stacklevel=2,
            )
        return sh.permute(settle(self), dims=tuple(range(self._data.ndim))[::-1])

    @property
    def mT(self):
        """The last two dimensions exchanged: a view."""
        if self._data.ndim < 2:
            raise RuntimeError(
                f"tensor.mT is only supported on matrices or batches of matrices. Got {self._data.ndim}-D tensor."
            )
        return sh.mT(settle(self))

    @property
    def H(self):
        """The conjugate transpose of a matrix."""
        if self._data.ndim not in (0, 2):
            raise RuntimeError(
                f"tensor.H is only supported on matrices (2-D tensors). Got {self._data.ndim}-D tensor. For batches of "
                "matrices, consider using tensor.mH"
            )
        return shaping.adjoint(self)

    mH = property(shaping.adjoint, doc="The conjugate transpose of the last two dimensions.")
    real = property(pointwise.real, doc="The real part.")
    imag = property(pointwise.imag, doc="The imaginary part.")
