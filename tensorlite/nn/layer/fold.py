"""Unfold and Fold: windows of an image as columns, and back."""

from .. import functional_spatial as F
from ..module import Module

__all__ = ["Fold", "Unfold"]


class Unfold(Module):
    """Every window of an image as a column; see :func:`~tensorlite.nn.functional.unfold`.

    Parameters
    ----------
    kernel_size, dilation, padding, stride : int or pair of int

    Shapes
    ------
    ``(N, C, H, W)`` to ``(N, C * prod(kernel_size), number of windows)``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Unfold(2, stride=2)(tl.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 12, 4])
    """

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Columns added up to an image; see :func:`~tensorlite.nn.functional.fold`.

    Parameters
    ----------
    output_size : int or pair of int
    kernel_size, dilation, padding, stride : int or pair of int

    Shapes
    ------
    ``(N, C * prod(kernel_size), number of windows)`` to ``(N, C, *output_size)``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Fold((4, 4), 2, stride=2)(tl.zeros(1, 12, 4)).shape
    torch.Size([1, 3, 4, 4])
    """

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
