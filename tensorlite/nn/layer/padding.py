"""Padding layers."""

from __future__ import annotations

from ...ops.padding import pad
from .._spatial import ntuple
from ..module import Module

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _Pad(Module):
    """What all padding layers share: two widths per dimension, the last dimension first."""

    dims: int
    mode = "constant"

    def __init__(self, padding):
        super().__init__()
        self.padding = ntuple(padding, 2 * self.dims, "padding")

    def forward(self, input):
        n = len(input.shape)
        if self.mode != "constant" and n not in (self.dims + 1, self.dims + 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {n}D input)")
        return pad(input, self.padding, mode=self.mode)

    def extra_repr(self):
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """Padding with one value."""

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return pad(input, self.padding, mode="constant", value=self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    """Padding with zeros."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ConstantPad1d(_ConstantPad):
    """Padding of 1-dimensional data with one value.

    Parameters
    ----------
    padding : int or tuple of int (left, right)
        Negative widths cut off.
    value : float

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ConstantPad1d(1, 7.0)(tl.zeros(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """Padding of 2-dimensional data with one value.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom)
        Negative widths cut off.
    value : float

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ConstantPad2d(1, 7.0)(tl.zeros(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    dims = 2


class ConstantPad3d(_ConstantPad):
    """Padding of 3-dimensional data with one value.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom, front, back)
        Negative widths cut off.
    value : float

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ConstantPad3d(1, 7.0)(tl.zeros(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    dims = 3


class ZeroPad1d(_ZeroPad):
    """Padding of 1-dimensional data with zeros.

    Parameters
    ----------
    padding : int or tuple of int (left, right)
        Negative widths cut off.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ZeroPad1d(1)(tl.ones(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    dims = 1


class ZeroPad2d(_ZeroPad):
    """Padding of 2-dimensional data with zeros.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom)
        Negative widths cut off.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ZeroPad2d(1)(tl.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    dims = 2


class ZeroPad3d(_ZeroPad):
    """Padding of 3-dimensional data with zeros.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom, front, back)
        Negative widths cut off.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ZeroPad3d(1)(tl.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    dims = 3


class ReflectionPad1d(_Pad):
    """Padding of 1-dimensional data with its mirror image, the border not repeated.

    Parameters
    ----------
    padding : int or tuple of int (left, right)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ReflectionPad1d(1)(tl.ones(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    dims = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """Padding of 2-dimensional data with its mirror image, the border not repeated.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ReflectionPad2d(1)(tl.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    dims = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """Padding of 3-dimensional data with its mirror image, the border not repeated.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom, front, back)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ReflectionPad3d(1)(tl.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    dims = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """Padding of 1-dimensional data with copies of its border.

    Parameters
    ----------
    padding : int or tuple of int (left, right)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ReplicationPad1d(1)(tl.ones(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    dims = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """Padding of 2-dimensional data with copies of its border.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ReplicationPad2d(1)(tl.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    dims = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """Padding of 3-dimensional data with copies of its border.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom, front, back)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ReplicationPad3d(1)(tl.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    dims = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """Padding of 1-dimensional data with its other end.

    Parameters
    ----------
    padding : int or tuple of int (left, right)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.CircularPad1d(1)(tl.ones(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    dims = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """Padding of 2-dimensional data with its other end.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.CircularPad2d(1)(tl.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    dims = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """Padding of 3-dimensional data with its other end.

    Parameters
    ----------
    padding : int or tuple of int (left, right, top, bottom, front, back)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.CircularPad3d(1)(tl.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    dims = 3
    mode = "circular"
