"""Elementwise, invertible functions for :class:`TransformedDistribution`."""

import math

import tensorlite as tl

from ..nn import functional as F
from . import constraints

__all__ = ["AffineTransform", "ExpTransform", "SigmoidTransform", "TanhTransform", "Transform"]


class Transform:
    """A function with an inverse ``inv`` and the logarithm of its slope.

    Attributes
    ----------
    codomain : Constraint
        What it maps to.
    sign : number
        1 where it grows, -1 where it falls.
    """

    codomain = constraints.real
    sign = 1

    def __init__(self, cache_size=0):
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")

    def __call__(self, x):
        raise NotImplementedError

    def inv(self, y):
        """The ``x`` that becomes ``y``."""
        raise NotImplementedError

    def log_abs_det_jacobian(self, x, y):
        """The logarithm of the absolute slope at ``x``, where ``y`` is the value."""
        raise NotImplementedError

    def __repr__(self):
        return type(self).__name__ + "()"


class ExpTransform(Transform):
    """``exp(x)``."""

    codomain = constraints.positive

    def __call__(self, x):
        return x.exp()

    def inv(self, y):
        return y.log()

    def log_abs_det_jacobian(self, x, y):
        return x


class AffineTransform(Transform):
    """``loc + scale * x``."""

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size)
        if event_dim:
            raise NotImplementedError("AffineTransform works elementwise here: event_dim must be 0")
        self.loc, self.scale = loc, scale

    @property
    def sign(self):
        return self.scale.sign() if isinstance(self.scale, tl.Tensor) else math.copysign(1, self.scale)

    def __call__(self, x):
        return self.loc + self.scale * x

    def inv(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        if isinstance(self.scale, tl.Tensor):
            return self.scale.abs().log().expand(x.shape)
        return tl.full_like(x, math.log(abs(self.scale)))


class SigmoidTransform(Transform):
    """``1 / (1 + exp(-x))``."""

    codomain = constraints.unit_interval

    def __call__(self, x):
        eps = tl.finfo(x.dtype)
        return tl.sigmoid(x).clamp(min=eps.tiny, max=1 - eps.eps)

    def inv(self, y):
        eps = tl.finfo(y.dtype)
        y = y.clamp(min=eps.tiny, max=1 - eps.eps)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x, y):
        return -F.softplus(-x) - F.softplus(x)


class TanhTransform(Transform):
    """``tanh(x)``."""

    codomain = constraints.interval(-1.0, 1.0)

    def __call__(self, x):
        return x.tanh()

    def inv(self, y):
        return tl.atanh(y)

    def log_abs_det_jacobian(self, x, y):
        return 2.0 * (math.log(2.0) - x - F.softplus(-2.0 * x))
