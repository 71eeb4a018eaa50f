"""Distributions of vectors, and distributions made of others."""

import math

import tensorlite as tl

from .._device import Size
from . import constraints
from .continuous import Normal
from .distribution import HALF_LOG_2PI, Distribution, lazy, normal_like, sum_rightmost
from .transforms import ExpTransform

__all__ = ["Independent", "LogNormal", "MultivariateNormal", "TransformedDistribution"]


class MultivariateNormal(Distribution):
    """The normal distribution of vectors.

    Parameters
    ----------
    loc : Tensor (..., n)
        Mean.
    covariance_matrix, precision_matrix, scale_tril : Tensor (..., n, n)
        One of the covariance, its inverse, and its Cholesky factor.

    Raises
    ------
    ValueError
        If not exactly one matrix is given, or it is not of its kind.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {name: m for name, m in given.items() if m is not None}
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch = tl.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand((*batch, -1))
        setattr(self, name, matrix.expand((*batch, -1, -1)))
        super().__init__(batch, loc.shape[-1:], validate_args)
        if name == "covariance_matrix":
            self._factor = tl.linalg.cholesky(matrix)
        elif name == "precision_matrix":
            self._factor = _factor_of_inverse(matrix)
        else:
            self._factor = matrix

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        new = super().expand(batch_shape, _instance)
        new._factor = self._factor
        return new

    @lazy
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        return self._factor.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy
    def covariance_matrix(self):
        """The covariance."""
        return (self._factor @ self._factor.mT).expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy
    def precision_matrix(self):
        """The inverse of the covariance."""
        inverse = tl.linalg.inv(self._factor)
        return (inverse.mT @ inverse).expand(self._batch_shape + self._event_shape + self._event_shape)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: (self._factor**2).sum(-1).expand(self._batch_shape + self._event_shape))

    def rsample(self, sample_shape=Size()):
        eps = normal_like(self.loc, self._extended_shape(sample_shape))
        return self.loc + (self._factor @ eps.unsqueeze(-1)).squeeze(-1)

    def _log_volume(self):
        return self._factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value):
        self._validate_sample(value)
        difference = (value - self.loc).unsqueeze(-1)
        factor = self._factor.expand(difference.shape[:-2] + tuple(self._factor.shape[-2:]))
        y = tl.linalg.solve_triangular(factor, difference, upper=False).squeeze(-1)
        return -0.5 * (y**2).sum(-1) - self._event_shape[0] * HALF_LOG_2PI - self._log_volume()

    def entropy(self):
        h = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_volume()
        return h.expand(self._batch_shape)


def _factor_of_inverse(p):
    """The lower Cholesky factor of the inverse of ``p``."""
    flipped = tl.linalg.cholesky(p.flip((-2, -1)))
    upper = flipped.flip((-2, -1)).mT
    eye = tl.eye(p.shape[-1], dtype=p.dtype).expand(p.shape)
    return tl.linalg.solve_triangular(upper, eye, upper=False)


class Independent(Distribution):
    """A distribution whose last batch dimensions count as dimensions of the event.

    Parameters
    ----------
    base_distribution : Distribution
    reinterpreted_batch_ndims : int

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.distributions import Independent, Normal
    >>> Independent(Normal(tl.zeros(2, 3), 1.0), 1).log_prob(tl.zeros(2, 3)).shape
    torch.Size([2])
    """

    def __init__(self, base_distribution, reinterpreted_batch_ndims, validate_args=None):
        base, n = base_distribution, reinterpreted_batch_ndims
        if n > len(base.batch_shape):
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), "
                f"actual {n} vs {len(base.batch_shape)}"
            )
        self.base_dist, self.reinterpreted_batch_ndims = base, n
        split = len(base.batch_shape) - n
        super().__init__(base.batch_shape[:split], base.batch_shape[split:] + base.event_shape, validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        own = self.event_shape[: self.reinterpreted_batch_ndims]
        return type(self)(
            self.base_dist.expand(Size(batch_shape) + own), self.reinterpreted_batch_ndims, self._validate_args
        )

    has_rsample = property(lambda self: self.base_dist.has_rsample)
    has_enumerate_support = property(
        lambda self: self.reinterpreted_batch_ndims == 0 and self.base_dist.has_enumerate_support
    )
    support = property(lambda self: constraints.independent(self.base_dist.support, self.reinterpreted_batch_ndims))
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)

    def sample(self, sample_shape=Size()):
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape=Size()):
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value):
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self):
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand=True):
        if self.reinterpreted_batch_ndims > 0:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self):
        return f"{type(self).__name__}({self.base_dist}, {self.reinterpreted_batch_ndims})"


class TransformedDistribution(Distribution):
    """The distribution of ``transform(x)`` for elementwise, invertible transforms, one after the other.

    Parameters
    ----------
    base_distribution : Distribution
    transforms : Transform or list of Transform
    """

    def __init__(self, base_distribution, transforms, validate_args=None):
        transforms = transforms if isinstance(transforms, (list, tuple)) else [transforms]
        self.base_dist, self.transforms = base_distribution, list(transforms)
        super().__init__(base_distribution.batch_shape, base_distribution.event_shape, validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample)

    @property
    def support(self):
        event = len(self.event_shape)
        codomain = self.transforms[-1].codomain if self.transforms else self.base_dist.support
        return constraints.independent(codomain, event) if self.transforms and event else codomain

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        return TransformedDistribution(self.base_dist.expand(batch_shape), self.transforms, self._validate_args)

    def _forward(self, x):
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape=Size()):
        with tl.no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape=Size()):
        return self._forward(self.base_dist.rsample(sample_shape))

    def log_prob(self, value):
        self._validate_sample(value)
        total = 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            total = total - sum_rightmost(transform.log_abs_det_jacobian(x, value), len(self.event_shape))
            value = x
        return total + self.base_dist.log_prob(value)

    def cdf(self, value):
        sign = 1
        for transform in reversed(self.transforms):
            value = transform.inv(value)
            sign = sign * transform.sign
        return sign * (self.base_dist.cdf(value) - 0.5) + 0.5

    def icdf(self, value):
        sign = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return self._forward(self.base_dist.icdf(sign * (value - 0.5) + 0.5))


class LogNormal(TransformedDistribution):
    """Numbers whose logarithm is normal with ``loc`` and ``scale``."""

    shows = False
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args)

    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: (self.loc + self.scale**2 / 2).exp())
    mode = property(lambda self: (self.loc - self.scale**2).exp())

    def __repr__(self):
        return repr(self.base_dist).replace("Normal", "LogNormal")

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        return LogNormal(self.loc.expand(batch_shape), self.scale.expand(batch_shape), self._validate_args)

    @property
    def variance(self):
        square = self.scale**2
        return square.expm1() * (2 * self.loc + square).exp()

    def entropy(self):
        return self.base_dist.entropy() + self.loc
