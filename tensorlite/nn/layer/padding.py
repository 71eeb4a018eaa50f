"""Padding layers."""

from ...ops.padding import pad
from .._spatial import ntuple
from ..module import Module
from ._dimensions import over

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _Pad(Module):
    """What all padding layers share: two widths per dimension, the last dimension first."""

    _members = """
    Parameters
    ----------
    padding : int or tuple of int ({sides})

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(1)(tl.ones(1, 1, {n:2})).shape
    torch.Size([1, 1, {n:4}])
    """

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

    _members = """
    Parameters
    ----------
    padding : int or tuple of int ({sides})
        Negative widths cut off.
    value : float

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(1, 7.0)(tl.zeros(1, 1, {n:2})).shape
    torch.Size([1, 1, {n:4}])
    """

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return pad(input, self.padding, mode="constant", value=self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    """Padding with zeros."""

    _members = """
    Parameters
    ----------
    padding : int or tuple of int ({sides})
        Negative widths cut off.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(1)(tl.ones(1, 1, {n:2})).shape
    torch.Size([1, 1, {n:4}])
    """

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


@over(1)
class ConstantPad1d(_ConstantPad):
    """Padding of 1-dimensional data with one value."""


@over(2)
class ConstantPad2d(_ConstantPad):
    """Padding of 2-dimensional data with one value."""


@over(3)
class ConstantPad3d(_ConstantPad):
    """Padding of 3-dimensional data with one value."""


@over(1)
class ZeroPad1d(_ZeroPad):
    """Padding of 1-dimensional data with zeros."""


@over(2)
class ZeroPad2d(_ZeroPad):
    """Padding of 2-dimensional data with zeros."""


@over(3)
class ZeroPad3d(_ZeroPad):
    """Padding of 3-dimensional data with zeros."""


@over(1)
class ReflectionPad1d(_Pad):
    """Padding of 1-dimensional data with its mirror image, the border not repeated."""

    mode = "reflect"


@over(2)
class ReflectionPad2d(_Pad):
    """Padding of 2-dimensional data with its mirror image, the border not repeated."""

    mode = "reflect"


@over(3)
class ReflectionPad3d(_Pad):
    """Padding of 3-dimensional data with its mirror image, the border not repeated."""

    mode = "reflect"


@over(1)
class ReplicationPad1d(_Pad):
    """Padding of 1-dimensional data with copies of its border."""

    mode = "replicate"


@over(2)
class ReplicationPad2d(_Pad):
    """Padding of 2-dimensional data with copies of its border."""

    mode = "replicate"


@over(3)
class ReplicationPad3d(_Pad):
    """Padding of 3-dimensional data with copies of its border."""

    mode = "replicate"


@over(1)
class CircularPad1d(_Pad):
    """Padding of 1-dimensional data with its other end."""

    mode = "circular"


@over(2)
class CircularPad2d(_Pad):
    """Padding of 2-dimensional data with its other end."""

    mode = "circular"


@over(3)
class CircularPad3d(_Pad):
    """Padding of 3-dimensional data with its other end."""

    mode = "circular"
