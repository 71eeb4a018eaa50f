"""Convolution layers that take ``in_channels`` from their first batch."""

from ..parameter import UninitializedParameter
from ._lazy import LazyModuleMixin
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

__all__ = [
    "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
]  # fmt: skip


class _LazyConv(LazyModuleMixin):
    """Takes ``in_channels`` from the first batch."""

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


class LazyConv1d(_LazyConv, Conv1d):
    """A :class:`Conv1d` that takes ``in_channels`` from its first batch; the other parameters are the same.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.LazyConv1d(4, 3)
    >>> _ = layer(tl.zeros(2, 3, 8))
    >>> layer.in_channels
    3
    """

    cls_to_become = Conv1d

    def __init__(self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._make_lazy(out_channels, bias, device, dtype)


class LazyConv2d(_LazyConv, Conv2d):
    """A :class:`Conv2d` that takes ``in_channels`` from its first batch; the other parameters are the same.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.LazyConv2d(4, 3)
    >>> _ = layer(tl.zeros(2, 3, 8, 8))
    >>> layer.in_channels
    3
    """

    cls_to_become = Conv2d

    def __init__(self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._make_lazy(out_channels, bias, device, dtype)


class LazyConv3d(_LazyConv, Conv3d):
    """A :class:`Conv3d` that takes ``in_channels`` from its first batch; the other parameters are the same.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.LazyConv3d(4, 3)
    >>> _ = layer(tl.zeros(2, 3, 4, 4, 4))
    >>> layer.in_channels
    3
    """

    cls_to_become = Conv3d

    def __init__(self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._make_lazy(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """A :class:`ConvTranspose1d` that takes ``in_channels`` from its first batch; the other parameters are the same.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.LazyConvTranspose1d(4, 3)
    >>> _ = layer(tl.zeros(2, 3, 8))
    >>> layer.in_channels
    3
    """

    cls_to_become = ConvTranspose1d

    def __init__(self, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode,
                         device, dtype)  # fmt: skip
        self._make_lazy(out_channels, bias, device, dtype)


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """A :class:`ConvTranspose2d` that takes ``in_channels`` from its first batch; the other parameters are the same.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.LazyConvTranspose2d(4, 3)
    >>> _ = layer(tl.zeros(2, 3, 8, 8))
    >>> layer.in_channels
    3
    """

    cls_to_become = ConvTranspose2d

    def __init__(self, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode,
                         device, dtype)  # fmt: skip
        self._make_lazy(out_channels, bias, device, dtype)


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """A :class:`ConvTranspose3d` that takes ``in_channels`` from its first batch; the other parameters are the same.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.LazyConvTranspose3d(4, 3)
    >>> _ = layer(tl.zeros(2, 3, 4, 4, 4))
    >>> layer.in_channels
    3
    """

    cls_to_become = ConvTranspose3d

    def __init__(self, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode,
                         device, dtype)  # fmt: skip
        self._make_lazy(out_channels, bias, device, dtype)
