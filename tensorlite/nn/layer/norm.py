"""Normalisation layers; those with running statistics come from ``batchnorm``."""

import numpy as np

from ...creation import empty
from .. import functional_spatial as F
from .. import init
from ..module import Module
from ..parameter import Parameter
from .batchnorm import *  # noqa: F403
from .batchnorm import __all__ as _batchnorm

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm", *_batchnorm]


class GroupNorm(Module):
    """Normalisation over groups of channels of each sample.

    Parameters
    ----------
    num_groups, num_channels : int
        The second is a multiple of the first.
    eps : float, default 1e-5
    affine : bool, default True
        Whether there are a scale and a shift per channel.

    Attributes
    ----------
    weight, bias : Parameter, (num_channels,), or None

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.GroupNorm(2, 6)(tl.zeros(4, 6, 5, 5)).shape
    torch.Size([4, 6, 5, 5])
    """

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        kind = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(empty(num_channels, **kind)) if affine else None)
        self.register_parameter("bias", Parameter(empty(num_channels, **kind)) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Scale 1, shift 0."""
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LayerNorm(Module):
    """Normalisation over the last dimensions of each sample.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        Sizes of those dimensions.
    eps : float, default 1e-5
    elementwise_affine : bool, default True
        Whether there is a scale per element.
    bias : bool, default True
        Whether there is a shift too.

    Attributes
    ----------
    weight, bias : Parameter, normalized_shape, or None

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.LayerNorm(2)(tl.tensor([[1.0, 3.0]]))
    tensor([[-1.0000,  1.0000]], grad_fn=<NativeLayerNormBackward0>)
    """

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        whole = isinstance(normalized_shape, (int, np.integer))
        self.normalized_shape = (int(normalized_shape),) if whole else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        kind = {"device": device, "dtype": dtype}
        affine = elementwise_affine
        self.register_parameter("weight", Parameter(empty(self.normalized_shape, **kind)) if affine else None)
        self.register_parameter("bias", Parameter(empty(self.normalized_shape, **kind)) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Scale 1, shift 0."""
        if self.elementwise_affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Division by the root of the mean square over the last dimensions (Zhang & Sennrich, 2019).

    Parameters
    ----------
    normalized_shape : int or tuple of int
    eps : float, default the machine epsilon of the input's dtype
    elementwise_affine : bool, default True

    Attributes
    ----------
    weight : Parameter, normalized_shape, or None

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.RMSNorm(4)(tl.zeros(2, 4)).shape
    torch.Size([2, 4])
    """

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        whole = isinstance(normalized_shape, (int, np.integer))
        self.normalized_shape = (int(normalized_shape),) if whole else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def reset_parameters(self):
        """Scale 1."""
        if self.elementwise_affine:
            init.ones_(self.weight)

    def forward(self, input):
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Module):
    """Division by a power of the mean square of neighbouring channels (Krizhevsky et al., 2012).

    Parameters
    ----------
    size : int
    alpha, beta, k : float

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.LocalResponseNorm(2)(tl.zeros(1, 4, 3, 3)).shape
    torch.Size([1, 4, 3, 3])
    """

    def __init__(self, size, alpha=0.0001, beta=0.75, k=1.0):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input):
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(Module):
    """Not supported; :class:`LocalResponseNorm` is the same function."""

    def __init__(self, *args, **kwargs):
        raise NotImplementedError("CrossMapLRN2d is not supported; use LocalResponseNorm")
