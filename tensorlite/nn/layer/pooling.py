"""Pooling layers."""

from .. import functional_spatial as F
from .._spatial import ntuple
from ..module import Module
from ._dimensions import over

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "FractionalMaxPool2d", "FractionalMaxPool3d", "LPPool1d",
    "LPPool2d", "LPPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
]  # fmt: skip


class _MaxPoolNd(Module):
    """What the max pooling layers share."""

    _members = """
    Parameters
    ----------
    kernel_size, padding, dilation : int or tuple of int
    stride : int or tuple of int, default ``kernel_size``
    return_indices : bool, default False
        Return where the maxima are as well, counted through the spatial dimensions.
    ceil_mode : bool, default False
        Whether windows may reach over the end.

    Shapes
    ------
    ``(N, C, {spatial})`` or without N, to the same with
    ``(size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1`` per dimension.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(2)(tl.zeros(2, 3, {n:8})).shape
    torch.Size([2, 3, {n:4}])
    """

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input):
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self):
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _AvgPoolNd(Module):
    """What the average pooling layers share."""

    _members = """
    Parameters
    ----------
    kernel_size, padding : int or tuple of int
    stride : int or tuple of int, default ``kernel_size``
    ceil_mode : bool, default False
    count_include_pad : bool, default True
        Whether padding counts in the mean.
    divisor_override : int, optional
        Divide by this instead of the number of elements (not in one dimension).

    Shapes
    ------
    ``(N, C, {spatial})`` or without N, to the same with ``(size + 2 * padding - kernel_size) // stride + 1``
    per dimension.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(2)(tl.zeros(2, 3, {n:8})).shape
    torch.Size([2, 3, {n:4}])
    """

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
                 divisor_override=None):  # fmt: skip
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input):
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _LPPoolNd(Module):
    """What the power-average pooling layers share."""

    _members = """
    Parameters
    ----------
    norm_type : float
        ``p``.
    kernel_size : int or tuple of int
    stride : int or tuple of int, default ``kernel_size``
    ceil_mode : bool, default False

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(2, 2)(tl.ones(2, 3, {n:8})).shape
    torch.Size([2, 3, {n:4}])
    """

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input):
        return type(self).function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self):
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _Adaptive(Module):
    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self):
        return f"output_size={self.output_size}"


class _AdaptiveAvgPoolNd(_Adaptive):
    """What the adaptive average pooling layers share."""

    _members = """
    Parameters
    ----------
    output_size : int, None or tuple of them
        None: as the input.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(3)(tl.zeros(2, 5, {n:8})).shape
    torch.Size([2, 5, {n:3}])
    """

    def forward(self, input):
        return type(self).function(input, self.output_size)


class _AdaptiveMaxPoolNd(_Adaptive):
    """What the adaptive max pooling layers share."""

    _members = """
    Parameters
    ----------
    output_size : int, None or tuple of them
        None: as the input.
    return_indices : bool, default False

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(3)(tl.zeros(2, 5, {n:8})).shape
    torch.Size([2, 5, {n:3}])
    """

    def __init__(self, output_size, return_indices=False):
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input):
        return type(self).function(input, self.output_size, self.return_indices)


@over(1)
class MaxPool1d(_MaxPoolNd):
    """The largest element of every window of sequences."""

    function = staticmethod(F.max_pool1d)


@over(2)
class MaxPool2d(_MaxPoolNd):
    """The largest element of every window of images."""

    function = staticmethod(F.max_pool2d)


@over(3)
class MaxPool3d(_MaxPoolNd):
    """The largest element of every window of volumes."""

    function = staticmethod(F.max_pool3d)


@over(1)
class AvgPool1d(_AvgPoolNd):
    """The mean of every window of sequences."""

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        stride = kernel_size if stride is None else stride
        sizes = [ntuple(v, 1, n) for v, n in ((kernel_size, "kernel_size"), (stride, "stride"), (padding, "padding"))]
        super().__init__(*sizes, ceil_mode, count_include_pad)
        del self.divisor_override

    def forward(self, input):
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


@over(2)
class AvgPool2d(_AvgPoolNd):
    """The mean of every window of images."""

    function = staticmethod(F.avg_pool2d)


@over(3)
class AvgPool3d(_AvgPoolNd):
    """The mean of every window of volumes."""

    function = staticmethod(F.avg_pool3d)


@over(1)
class LPPool1d(_LPPoolNd):
    """``(sum of x ** p) ** (1 / p)`` over every window of sequences."""

    function = staticmethod(F.lp_pool1d)


@over(2)
class LPPool2d(_LPPoolNd):
    """``(sum of x ** p) ** (1 / p)`` over every window of images."""

    function = staticmethod(F.lp_pool2d)


@over(3)
class LPPool3d(_LPPoolNd):
    """``(sum of x ** p) ** (1 / p)`` over every window of volumes."""

    function = staticmethod(F.lp_pool3d)


@over(1)
class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means of windows chosen so that ``output_size`` of them cover sequences."""

    function = staticmethod(F.adaptive_avg_pool1d)


@over(2)
class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means of windows chosen so that ``output_size`` of them cover images."""

    function = staticmethod(F.adaptive_avg_pool2d)


@over(3)
class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Means of windows chosen so that ``output_size`` of them cover volumes."""

    function = staticmethod(F.adaptive_avg_pool3d)


@over(1)
class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maxima of windows chosen so that ``output_size`` of them cover sequences."""

    function = staticmethod(F.adaptive_max_pool1d)


@over(2)
class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Maxima of windows chosen so that ``output_size`` of them cover images."""

    function = staticmethod(F.adaptive_max_pool2d)


@over(3)
class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Maxima of windows chosen so that ``output_size`` of them cover volumes."""

    function = staticmethod(F.adaptive_max_pool3d)


class _Refused(Module):
    """Layers that are not there say so."""

    instead = ""

    def __init__(self, *args, **kwargs):
        raise NotImplementedError(f"{type(self).__name__} is not supported; {self.instead}")


class MaxUnpool1d(_Refused):
    """Not supported; use :class:`Upsample` or :class:`ConvTranspose1d`."""

    instead = "use Upsample or ConvTranspose1d"


class MaxUnpool2d(_Refused):
    """Not supported; use :class:`Upsample` or :class:`ConvTranspose2d`."""

    instead = "use Upsample or ConvTranspose2d"


class MaxUnpool3d(_Refused):
    """Not supported; use :class:`Upsample` or :class:`ConvTranspose3d`."""

    instead = "use Upsample or ConvTranspose3d"


class FractionalMaxPool2d(_Refused):
    """Not supported; use :class:`MaxPool2d` or :class:`AdaptiveMaxPool2d`."""

    instead = "use MaxPool2d or AdaptiveMaxPool2d"


class FractionalMaxPool3d(_Refused):
    """Not supported; use :class:`MaxPool3d` or :class:`AdaptiveMaxPool3d`."""

    instead = "use MaxPool3d or AdaptiveMaxPool3d"
