"""Convolution layers that take ``in_channels`` from their first batch."""

from ..parameter import UninitializedParameter
from ._dimensions import over
from ._lazy import LazyModuleMixin
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

__all__ = [
    "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
]  # fmt: skip


class _Lazy(LazyModuleMixin):
    """Takes ``in_channels`` from the first batch."""

    _members = """
    The other parameters are the same.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.{name}(4, 3)
    >>> _ = layer(tl.zeros(2, 3, {n:8}))
    >>> layer.in_channels
    3
    """

    def _make_lazy(self, out_channels, bias, device, dtype):
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input, *args, **kwargs):
        """Give the parameters the shape that ``input`` asks for, and their initial values."""
        if not self.has_uninitialized_params():
            return
        n = len(input.shape)
        if n not in (self.dims + 1, self.dims + 2):
            raise RuntimeError(
                f"Expected {self.dims + 1}D (unbatched) or {self.dims + 2}D (batched) input to {type(self).__name__}, "
                f"but got input of size: {list(input.shape)}"
            )
        self.in_channels = input.shape[n - self.dims - 1]
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        sides = (self.in_channels, self.out_channels)
        first, second = sides if self.transposed else sides[::-1]
        self.weight.materialize((first, second // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyConv(_Lazy):
    """A lazy convolution; its parameters are a convolution's."""

    def __init__(self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._make_lazy(out_channels, bias, device, dtype)


class _LazyConvTranspose(_Lazy):
    """A lazy transposed convolution; its parameters are a transposed convolution's."""

    def __init__(self, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode,
                         device, dtype)  # fmt: skip
        self._make_lazy(out_channels, bias, device, dtype)


@over(1)
class LazyConv1d(_LazyConv, Conv1d):
    """A :class:`Conv1d` that takes ``in_channels`` from its first batch."""

    cls_to_become = Conv1d


@over(2)
class LazyConv2d(_LazyConv, Conv2d):
    """A :class:`Conv2d` that takes ``in_channels`` from its first batch."""

    cls_to_become = Conv2d


@over(3)
class LazyConv3d(_LazyConv, Conv3d):
    """A :class:`Conv3d` that takes ``in_channels`` from its first batch."""

    cls_to_become = Conv3d


@over(1)
class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A :class:`ConvTranspose1d` that takes ``in_channels`` from its first batch."""

    cls_to_become = ConvTranspose1d


@over(2)
class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A :class:`ConvTranspose2d` that takes ``in_channels`` from its first batch."""

    cls_to_become = ConvTranspose2d


@over(3)
class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A :class:`ConvTranspose3d` that takes ``in_channels`` from its first batch."""

    cls_to_become = ConvTranspose3d
