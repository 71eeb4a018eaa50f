"""Layers that change the resolution of images."""

from .. import functional_spatial as F
from ..module import Module

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]


class Upsample(Module):
    """Resampling to another size; see :func:`~tensorlite.nn.functional.interpolate`.

    Parameters
    ----------
    size : int or tuple of int, optional
    scale_factor : float or tuple of float, optional
        One of ``size`` and ``scale_factor``.
    mode : 'nearest' (default), 'linear', 'bilinear', 'bicubic' or 'trilinear'
    align_corners : bool, optional
    recompute_scale_factor : bool, optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Upsample(scale_factor=2, mode="bilinear")(tl.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 3, 8, 8])
    """

    def __init__(self, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple([float(f) for f in scale_factor])
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input):
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self):
        what = f"scale_factor={self.scale_factor!r}" if self.scale_factor is not None else f"size={self.size!r}"
        return f"{what}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """:class:`Upsample` of images with ``mode='nearest'``.

    Parameters
    ----------
    size : int or pair of int, optional
    scale_factor : float or pair of float, optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.UpsamplingNearest2d(scale_factor=2)(tl.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 3, 8, 8])
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """:class:`Upsample` of images with ``mode='bilinear'`` and ``align_corners=True``.

    Parameters
    ----------
    size : int or pair of int, optional
    scale_factor : float or pair of float, optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.UpsamplingBilinear2d(size=6)(tl.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 3, 6, 6])
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
