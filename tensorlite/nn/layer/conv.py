"""Convolution layers, plain, transposed and lazy, in one to three dimensions."""

from __future__ import annotations

import math

from ...creation import empty
from ...ops.padding import pad
from .. import functional_spatial as F
from .. import init
from .._spatial import ntuple
from ..module import Module
from ..parameter import Parameter
from ._dimensions import over

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolution layers share: sizes, parameters, initial values, the printed form."""

    dims: int
    transposed = False

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
                 padding_mode, device, dtype):  # fmt: skip
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if padding_mode not in _MODES:
            raise ValueError(f"padding_mode must be one of {set(_MODES)}, but got padding_mode='{padding_mode}'")
        dims = self.dims
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = ntuple(kernel_size, dims, "kernel_size")
        self.stride = ntuple(stride, dims, "stride")
        self.dilation = ntuple(dilation, dims, "dilation")
        self.output_padding = ntuple(output_padding, dims, "output_padding")
        self.groups = groups
        self.padding_mode = padding_mode
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
            self.padding = padding
        else:
            self.padding = ntuple(padding, dims, "padding")
        sides = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (sides[0], sides[1] // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = math.prod(self.weight.shape[1:])
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self):
        s = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * len(self.padding):
            s += f", padding={self.padding}"
        if self.dilation != (1,) * self.dims:
            s += f", dilation={self.dilation}"
        if self.output_padding != (0,) * self.dims:
            s += f", output_padding={self.output_padding}"
        if self.groups != 1:
            s += f", groups={self.groups}"
        if self.bias is None:
            s += ", bias=False"
        if self.padding_mode != "zeros":
            s += f", padding_mode={self.padding_mode}"
        return s


class _Conv(_ConvNd):
    """A convolution; the dimensional classes below say of what."""

    _members = """
    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or tuple of int
    stride, dilation : int or tuple of int, default 1
    padding : int, tuple of int, 'same' or 'valid', default 0
    groups : int, default 1
        Channels are split into so many groups that do not see each other.
    bias : bool, default True
    padding_mode : 'zeros' (default), 'reflect', 'replicate' or 'circular'
    device, dtype
        Where the parameters are and their type (default dtype).

    Attributes
    ----------
    weight : Parameter, (out_channels, in_channels / groups, *kernel_size)
        Starts uniform in ``(-k, k)`` with ``k = 1 / sqrt(in_channels / groups * prod(kernel_size))``.
    bias : Parameter, (out_channels,), or None
        Starts like the weight.

    Shapes
    ------
    ``(N, in_channels, {spatial})`` or without N, to ``(N, out_channels, ...)`` with
    ``(size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1`` pixels per dimension.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(3, 8, 3, padding=1)(tl.zeros(2, 3, {n:8})).shape
    torch.Size([2, 8, {n:8}])
    """

    function = None

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
                         padding_mode, device, dtype)  # fmt: skip

    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input, weight, bias):
        padding = self.padding
        if self.padding_mode != "zeros":
            input = pad(input, self._widths(), mode=self.padding_mode)
            padding = 0
        return type(self).function(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def _widths(self):
        """(low, high) of the last dimension, then of the one before it, for ``pad``."""
        if self.padding == "valid":
            return (0, 0) * self.dims
        widths = []
        for i in reversed(range(self.dims)):
            if self.padding == "same":
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                widths += [total // 2, total - total // 2]
            else:
                widths += [self.padding[i]] * 2
        return tuple(widths)


class _ConvTransposeNd(_ConvNd):
    """A transposed convolution; the dimensional classes below say of what."""

    _members = """
    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or tuple of int
    stride, dilation : int or tuple of int, default 1
    padding, output_padding : int or tuple of int, default 0
        What is cut off on both sides, and what is then added at the end.
    groups : int, default 1
    bias : bool, default True
    padding_mode : 'zeros'

    Attributes
    ----------
    weight : Parameter, (in_channels, out_channels / groups, *kernel_size)
    bias : Parameter, (out_channels,), or None

    Shapes
    ------
    ``(N, in_channels, {spatial})`` to ``(N, out_channels, ...)`` with
    ``(size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1`` pixels per dimension;
    ``forward(input, output_size=None)`` chooses ``output_padding`` for a wanted size.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(3, 8, 2, stride=2)(tl.zeros(2, 3, {n:8})).shape
    torch.Size([2, 8, {n:16}])
    """

    transposed = True
    function = None

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True,
                 dilation=1, padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
                         padding_mode, device, dtype)  # fmt: skip

    def forward(self, input, output_size=None):
        extra = self.output_padding if output_size is None else self._output_padding(input, output_size)
        return type(self).function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _output_padding(self, input, output_size):
        """What to add at the end of each dimension to reach ``output_size``."""
        dims, shape = self.dims, tuple(input.shape)
        lead = len(shape) - dims
        size = tuple(output_size)
        if len(size) == lead + dims:
            size = size[lead:]
        if len(size) != dims:
            raise ValueError(
                f"ConvTranspose{dims}D: for {len(shape)}D input, output_size must have {dims} or {lead + dims} elements "
                f"(got {len(size)})"
            )
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(shape[lead:], self.stride, self.padding, self.dilation, self.kernel_size)
        ]
        most = [n + s - 1 for n, s in zip(least, self.stride)]
        if any(not lo <= n <= hi for n, lo, hi in zip(size, least, most)):
            raise ValueError(
                f"requested an output size of {size}, but valid sizes range from {least} to {most} (for an input of "
                f"torch.Size({list(shape[2:])}))"
            )
        return tuple([n - lo for n, lo in zip(size, least)])


@over(1)
class Conv1d(_Conv):
    """Convolution over sequences."""

    function = staticmethod(F.conv1d)


@over(2)
class Conv2d(_Conv):
    """Convolution over images."""

    function = staticmethod(F.conv2d)


@over(3)
class Conv3d(_Conv):
    """Convolution over volumes."""

    function = staticmethod(F.conv3d)


@over(1)
class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution over sequences: as the gradient of :class:`Conv1d` in its input."""

    function = staticmethod(F.conv_transpose1d)


@over(2)
class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution over images: as the gradient of :class:`Conv2d` in its input."""

    function = staticmethod(F.conv_transpose2d)


@over(3)
class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution over volumes: as the gradient of :class:`Conv3d` in its input."""

    function = staticmethod(F.conv_transpose3d)
