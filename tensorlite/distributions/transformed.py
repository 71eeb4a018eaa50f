"""Distributions of functions of other distributions' samples."""

import math

import tensorlite as tl

from .._device import Size
from . import constraints
from .continuous import Cauchy, Exponential, Gamma, Normal, Uniform
from .distribution import Distribution
from .independent import Independent
from .transforms import (
    AbsTransform,
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    PowerTransform,
    StickBreakingTransform,
    Transform,
)
from .utils import EULER, broadcast_all, sum_rightmost

__all__ = [
    "HalfCauchy", "InverseGamma", "Kumaraswamy", "LogNormal", "LogisticNormal", "Pareto", "TransformedDistribution",
    "Weibull",
]  # fmt: skip


class TransformedDistribution(Distribution):
    """The distribution of ``transform(x)`` for one transform, or several one after the other.

    Parameters
    ----------
    base_distribution : Distribution
        Of ``x``.
    transforms : Transform or list of Transform

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.distributions import Normal, TransformedDistribution, transforms
    >>> d = TransformedDistribution(Normal(0.0, 1.0), [transforms.TanhTransform(), transforms.AffineTransform(0.0, 2.0)])
    >>> d.log_prob(tl.tensor(1.0))
    tensor(-1.4753)
    """

    def __init__(self, base_distribution, transforms, validate_args=None):
        if isinstance(transforms, Transform):
            transforms = [transforms]
        elif not isinstance(transforms, list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        elif not all(isinstance(t, Transform) for t in transforms):
            raise ValueError("transforms must be a Transform or a list of Transforms")
        self.transforms, whole = transforms, ComposeTransform(transforms)
        shape, event = base_distribution.batch_shape + base_distribution.event_shape, len(base_distribution.event_shape)
        takes, gives = whole.domain.event_dim, whole.codomain.event_dim
        if len(shape) < takes:
            raise ValueError(f"base_distribution needs to have shape with size at least {takes}, but got {shape}.")
        result = Size(whole.forward_shape(shape))
        wanted = Size(whole.inverse_shape(result))
        if shape != wanted:
            base_distribution = base_distribution.expand(wanted[: len(wanted) - event])
        if takes > event:
            base_distribution = Independent(base_distribution, takes - event)
        self.base_dist = base_distribution
        cut = len(result) - max(gives, event + gives - takes)
        super().__init__(result[:cut], result[cut:], validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample)

    @constraints.dependent_property(is_discrete=False)
    def support(self):
        """The constraint that samples satisfy."""
        if not self.transforms:
            return self.base_dist.support
        region = self.transforms[-1].codomain
        more = len(self.event_shape) - region.event_dim
        return constraints.independent(region, more) if more > 0 else region

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        new = super().expand(batch_shape, _instance)
        shape = Size(batch_shape) + self.event_shape
        for t in reversed(self.transforms):
            shape = t.inverse_shape(shape)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        return new

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
        total, dim = 0.0, len(self.event_shape)
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            takes = transform.domain.event_dim
            dim += takes - transform.codomain.event_dim
            total = total - sum_rightmost(transform.log_abs_det_jacobian(x, value), dim - takes)
            value = x
        return total + sum_rightmost(self.base_dist.log_prob(value), dim - len(self.base_dist.event_shape))

    def _monotone(self, p):
        """A probability, or what is left of it if the transforms fall."""
        sign = ComposeTransform(self.transforms).sign
        return p if isinstance(sign, int) and sign == 1 else sign * (p - 0.5) + 0.5

    def cdf(self, value):
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        self.base_dist._validate_sample(value)
        return self._monotone(self.base_dist.cdf(value))

    def icdf(self, value):
        return self._forward(self.base_dist.icdf(self._monotone(value)))


def _of_base(*names):
    """Properties that ask the base distribution."""
    return [property(lambda self, name=name: getattr(self.base_dist, name)) for name in names]


class LogNormal(TransformedDistribution):
    """Numbers whose logarithm is normal with ``loc`` and ``scale``."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    loc, scale = _of_base("loc", "scale")

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args)

    mean = property(lambda self: (self.loc + self.scale**2 / 2).exp())
    mode = property(lambda self: (self.loc - self.scale**2).exp())

    @property
    def variance(self):
        square = self.scale**2
        return square.expm1() * (2 * self.loc + square).exp()

    def entropy(self):
        return self.base_dist.entropy() + self.loc


class LogisticNormal(TransformedDistribution):
    """Vectors that sum up to one: stick-breaking of normal numbers with ``loc`` and ``scale``."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    loc = property(lambda self: self.base_dist.base_dist.loc)
    scale = property(lambda self: self.base_dist.base_dist.scale)

    def __init__(self, loc, scale, validate_args=None):
        base = Normal(loc, scale, validate_args=validate_args)
        super().__init__(base if base.batch_shape else base.expand([1]), StickBreakingTransform(), validate_args)


class HalfCauchy(TransformedDistribution):
    """The absolute value of a Cauchy number of location 0 and ``scale``."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    scale, variance = _of_base("scale", "variance")

    def __init__(self, scale, validate_args=None):
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args)

    mean = property(lambda self: tl.full_like(self.scale, math.inf))
    mode = property(lambda self: tl.zeros_like(self.scale))

    def log_prob(self, value):
        self._validate_sample(value)
        value = tl.as_tensor(value, dtype=self.scale.dtype)
        return tl.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value):
        self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob):
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self):
        return self.base_dist.entropy() - math.log(2)


class InverseGamma(TransformedDistribution):
    """Reciprocals of gamma numbers of a ``concentration`` and a ``rate``."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    concentration, rate = _of_base("concentration", "rate")

    def __init__(self, concentration, rate, validate_args=None):
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())), validate_args)

    mode = property(lambda self: self.rate / (self.concentration + 1))

    @property
    def mean(self):
        return tl.where(self.concentration > 1, self.rate / (self.concentration - 1), math.inf)

    @property
    def variance(self):
        a = self.concentration
        return tl.where(a > 2, self.rate.square() / ((a - 1).square() * (a - 2)), math.inf)

    def entropy(self):
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()


class Kumaraswamy(TransformedDistribution):
    """Numbers in (0, 1), much like a beta distribution's."""

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        base = Uniform(tl.zeros_like(self.concentration0), tl.ones_like(self.concentration0), validate_args)
        powers = [PowerTransform(c.reciprocal()) for c in (self.concentration0, self.concentration1)]
        super().__init__(base, [powers[0], AffineTransform(1.0, -1.0), powers[1]], validate_args)

    def _moment(self, n):
        a, b = 1 + n / self.concentration1, self.concentration0
        return b * (tl.lgamma(a) + tl.lgamma(b) - tl.lgamma(a + b)).exp()

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self.mean**2)

    @property
    def mode(self):
        a, b = self.concentration1, self.concentration0
        log_mode = b.reciprocal() * (-b).log1p() - (-b * a).log1p()
        return log_mode.masked_fill((b < 1) | (a < 1), math.nan).exp()

    def entropy(self):
        a, b = self.concentration1, self.concentration0
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * (tl.digamma(b + 1) + EULER) - a.log() - b.log()


class Pareto(TransformedDistribution):
    """Numbers from ``scale`` on, with a tail of exponent ``alpha``."""

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale, alpha, validate_args=None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        steps = [ExpTransform(), AffineTransform(0, self.scale)]
        super().__init__(Exponential(self.alpha, validate_args=validate_args), steps, validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        """The constraint that samples satisfy."""
        return constraints.greater_than_eq(self.scale)

    mode = property(lambda self: self.scale)

    @property
    def mean(self):
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def variance(self):
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    def entropy(self):
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())


class Weibull(TransformedDistribution):
    """``scale`` times a power ``1 / concentration`` of an exponential number."""

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale, concentration, validate_args=None):
        self.scale, self.concentration = broadcast_all(scale, concentration)
        steps = [PowerTransform(self.concentration_reciprocal), AffineTransform(0, self.scale)]
        super().__init__(Exponential(tl.ones_like(self.scale), validate_args=validate_args), steps, validate_args)

    concentration_reciprocal = property(lambda self: self.concentration.reciprocal())

    def _moment(self, n):
        return (1 + n * self.concentration_reciprocal).lgamma()

    mean = property(lambda self: self.scale * self._moment(1).exp())
    variance = property(lambda self: self.scale.pow(2) * (self._moment(2).exp() - (2 * self._moment(1)).exp()))

    @property
    def mode(self):
        k = self.concentration
        return self.scale * ((k - 1) / k) ** k.reciprocal()

    def entropy(self):
        r = self.concentration_reciprocal
        return EULER * (1 - r) + (self.scale * r).log() + 1
