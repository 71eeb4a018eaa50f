"""Layers without parameters that reshape, shuffle or compare."""

from collections import OrderedDict

from .. import functional_basic as F
from ..module import Module

__all__ = [
    "ChannelShuffle", "CosineSimilarity", "Flatten", "Identity", "PairwiseDistance", "PixelShuffle", "PixelUnshuffle",
    "Unflatten",
]  # fmt: skip


class Identity(Module):
    """Return the input; any arguments are accepted.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Identity(54, unused=True)(tl.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        return input


class Flatten(Module):
    """Join dimensions ``start_dim`` to ``end_dim`` into one; by default all but the first.

    Parameters
    ----------
    start_dim : int, default 1
    end_dim : int, default -1

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Flatten()(tl.zeros(32, 1, 5, 5)).shape
    torch.Size([32, 25])
    """

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input):
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self):
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split dimension ``dim`` into several.

    Parameters
    ----------
    dim : int
    unflattened_size : tuple or list of int
        The new sizes; one may be -1.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Unflatten(1, (2, 5, 5))(tl.zeros(3, 50)).shape
    torch.Size([3, 2, 5, 5])
    """

    def __init__(self, dim, unflattened_size):
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(
                "'dim' must be an int: there are no named tensors here" if isinstance(dim, str)
                else f"'dim' must be an int, but got {type(dim).__name__}"
            )  # fmt: skip
        if isinstance(unflattened_size, OrderedDict) or not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple or list, but found type {type(unflattened_size).__name__}"
            )
        for i, n in enumerate(unflattened_size):
            if not isinstance(n, int):
                raise TypeError(
                    f"unflattened_size must be tuple of ints, but found element of type {type(n).__name__} at pos {i}"
                )
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input):
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self):
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class PixelShuffle(Module):
    """``(*, C r^2, H, W)`` to ``(*, C, H r, W r)`` (Shi et al. 2016).

    Parameters
    ----------
    upscale_factor : int
        ``r``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.PixelShuffle(3)(tl.zeros(1, 9, 4, 4)).shape
    torch.Size([1, 1, 12, 12])
    """

    def __init__(self, upscale_factor):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input):
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self):
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """``(*, C, H r, W r)`` to ``(*, C r^2, H, W)``: the inverse of :class:`PixelShuffle`."""

    def __init__(self, downscale_factor):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input):
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self):
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Interleave ``groups`` groups of channels (Zhang et al. 2017)."""

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, input):
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self):
        return f"groups={self.groups}"


class CosineSimilarity(Module):
    """The cosine of the angle between two tensors along ``dim``.

    Parameters
    ----------
    dim : int, default 1
    eps : float, default 1e-8
        The least length that is divided by.
    """

    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1, x2):
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The ``p``-norm of ``x1 - x2 + eps`` along the last dimension.

    Parameters
    ----------
    p : float, default 2.0
    eps : float, default 1e-6
    keepdim : bool, default False
    """

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1, x2):
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
