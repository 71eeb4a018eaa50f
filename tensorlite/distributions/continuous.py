"""Distributions of real numbers. Formulas: https://en.wikipedia.org/wiki/List_of_probability_distributions"""

import math

import numpy as np

import tensorlite as tl

from .._device import Size
from . import constraints, implicit
from .distribution import Distribution
from .utils import EULER, HALF_LOG_2PI, broadcast_all, normal_like, smallest

__all__ = ["Beta", "Cauchy", "Chi2", "Dirichlet", "Exponential", "Gamma", "Gumbel", "HalfNormal", "Laplace", "Normal",
           "Uniform"]  # fmt: skip


class _Location(Distribution):
    """Distributions with ``loc`` and ``scale``."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)


class Normal(_Location):
    """The normal distribution.

    Parameters
    ----------
    loc : float or Tensor
        Mean.
    scale : float or Tensor
        Standard deviation.

    Examples
    --------
    >>> import tensorlite as tl
    >>> d = tl.distributions.Normal(0.0, 1.0)
    >>> d.log_prob(tl.tensor(1.0))
    tensor(-1.4189)
    """

    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.scale**2)

    def sample(self, sample_shape=Size()):
        shape = self._extended_shape(sample_shape)
        with tl.no_grad():
            return tl.normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape=Size()):
        return self.loc + normal_like(self.loc, self._extended_shape(sample_shape)) * self.scale

    def log_prob(self, value):
        self._validate_sample(value)
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - self.scale.log() - HALF_LOG_2PI

    def cdf(self, value):
        self._validate_sample(value)
        return 0.5 * (1 + tl.erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def icdf(self, value):
        return self.loc + self.scale * tl.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self):
        return 0.5 + HALF_LOG_2PI + self.scale.log()


class HalfNormal(Distribution):
    """The absolute value of a normal number of mean 0 and standard deviation ``scale``."""

    shows = False
    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale, validate_args=None):
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    mode = property(lambda self: tl.zeros_like(self.scale))
    variance = property(lambda self: self.scale**2 * (1 - 2 / math.pi))

    def rsample(self, sample_shape=Size()):
        return (normal_like(self.scale, self._extended_shape(sample_shape)) * self.scale).abs()

    def log_prob(self, value):
        self._validate_sample(value)
        return math.log(2) - HALF_LOG_2PI - self.scale.log() - value**2 / (2 * self.scale**2)

    def cdf(self, value):
        self._validate_sample(value)
        return tl.erf(value / (self.scale * math.sqrt(2)))

    def icdf(self, prob):
        return self.scale * tl.erfinv(prob) * math.sqrt(2)

    def entropy(self):
        return 0.5 + HALF_LOG_2PI + self.scale.log() - math.log(2)


class Laplace(_Location):
    """The Laplace (double exponential) distribution."""

    variance = property(lambda self: 2 * self.scale**2)
    stddev = property(lambda self: math.sqrt(2) * self.scale)

    def rsample(self, sample_shape=Size()):
        shape = self._extended_shape(sample_shape)
        eps = float(np.finfo(self.loc._data.dtype).eps)
        u = tl.empty(shape, dtype=self.loc.dtype).uniform_(eps - 1, 1)
        return self.loc - self.scale * u.sign() * tl.log1p(-u.abs())

    def log_prob(self, value):
        self._validate_sample(value)
        return -tl.log(2 * self.scale) - tl.abs(value - self.loc) / self.scale

    def cdf(self, value):
        self._validate_sample(value)
        return 0.5 - 0.5 * (value - self.loc).sign() * tl.expm1(-(value - self.loc).abs() / self.scale)

    def icdf(self, value):
        term = value - 0.5
        return self.loc - self.scale * term.sign() * tl.log1p(-2 * term.abs())

    def entropy(self):
        return 1 + tl.log(2 * self.scale)


class Cauchy(_Location):
    """The Cauchy distribution; it has no mean and no variance."""

    mean = property(lambda self: tl.full_like(self.loc, math.nan))
    variance = property(lambda self: tl.full_like(self.loc, math.inf))

    def rsample(self, sample_shape=Size()):
        eps = tl.empty(self._extended_shape(sample_shape), dtype=self.loc.dtype).cauchy_()
        return self.loc + eps * self.scale

    def log_prob(self, value):
        self._validate_sample(value)
        return -math.log(math.pi) - self.scale.log() - (((value - self.loc) / self.scale) ** 2).log1p()

    def cdf(self, value):
        self._validate_sample(value)
        return tl.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value):
        return tl.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self):
        return math.log(4 * math.pi) + self.scale.log()


class Gumbel(_Location):
    """The Gumbel distribution (of the largest of many)."""

    mean = property(lambda self: self.loc + self.scale * EULER)
    stddev = property(lambda self: (math.pi / math.sqrt(6)) * self.scale)
    variance = property(lambda self: self.stddev**2)

    def rsample(self, sample_shape=Size()):
        info = np.finfo(self.loc._data.dtype)
        low, high = float(info.tiny), 1 - float(info.eps)
        u = low + tl.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype) * (high - low)
        return self.loc - self.scale * tl.log(-tl.log(u))

    def log_prob(self, value):
        self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    def cdf(self, value):
        return tl.exp(-tl.exp((self.loc - value) / self.scale))

    def icdf(self, value):
        return self.loc - self.scale * tl.log(-tl.log(value))

    def entropy(self):
        return self.scale.log() + (1 + EULER)


class Uniform(Distribution):
    """Uniform in [low, high)."""

    has_rsample = True

    @property
    def arg_constraints(self):
        """What the parameters must satisfy."""
        return {"low": constraints.less_than(self.high), "high": constraints.greater_than(self.low)}

    def __init__(self, low, high, validate_args=None):
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)

    support = property(lambda self: constraints.interval(self.low, self.high))
    mean = property(lambda self: (self.high + self.low) / 2)
    mode = property(lambda self: math.nan * self.high)
    stddev = property(lambda self: (self.high - self.low) / 12**0.5)
    variance = property(lambda self: (self.high - self.low) ** 2 / 12)

    def rsample(self, sample_shape=Size()):
        u = tl.rand(self._extended_shape(sample_shape), dtype=self.low.dtype)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value):
        self._validate_sample(value)
        inside = (self.low <= value) & (self.high > value)
        return tl.log(inside.type_as(self.low)) - tl.log(self.high - self.low)

    def cdf(self, value):
        self._validate_sample(value)
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value):
        return value * (self.high - self.low) + self.low

    def entropy(self):
        return tl.log(self.high - self.low)


class Exponential(Distribution):
    """The exponential distribution of a ``rate``."""

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate, validate_args=None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    mean = property(lambda self: self.rate.reciprocal())
    stddev = property(lambda self: self.rate.reciprocal())
    mode = property(lambda self: tl.zeros_like(self.rate))
    variance = property(lambda self: self.rate**-2)

    def rsample(self, sample_shape=Size()):
        return tl.empty(self._extended_shape(sample_shape), dtype=self.rate.dtype).exponential_() / self.rate

    def log_prob(self, value):
        self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value):
        self._validate_sample(value)
        return 1 - tl.exp(-self.rate * value)

    def icdf(self, value):
        return -tl.log1p(-value) / self.rate

    def entropy(self):
        return 1.0 - tl.log(self.rate)


class Gamma(Distribution):
    """The gamma distribution of a ``concentration`` and a ``rate``."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration, rate, validate_args=None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate**2)

    def rsample(self, sample_shape=Size()):
        shape = self._extended_shape(sample_shape)
        value = implicit.gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=smallest(value))
        return value

    def cdf(self, value):
        self._validate_sample(value)
        return tl.special.gammainc(self.concentration, self.rate * value)

    def log_prob(self, value):
        a, rate = self.concentration, self.rate
        value = tl.as_tensor(value, dtype=rate.dtype)
        self._validate_sample(value)
        return tl.xlogy(a, rate) + tl.xlogy(a - 1, value) - rate * value - tl.lgamma(a)

    def entropy(self):
        a = self.concentration
        return a - tl.log(self.rate) + tl.lgamma(a) + (1.0 - a) * tl.digamma(a)


class Chi2(Gamma):
    """The chi-squared distribution of ``df`` degrees of freedom."""

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df, validate_args=None):
        (df,) = broadcast_all(df)
        super().__init__(0.5 * df, tl.full_like(df, 0.5), validate_args=validate_args)

    df = property(lambda self: self.concentration * 2)

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        return Chi2(self.df.expand(batch_shape), validate_args=False)


class Dirichlet(Distribution):
    """The Dirichlet distribution over vectors that sum up to one."""

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    mean = property(lambda self: self.concentration / self.concentration.sum(-1, keepdim=True))

    @property
    def mode(self):
        less = (self.concentration - 1).clamp(min=0.0)
        mode = less / less.sum(-1, keepdim=True)
        flat = (self.concentration < 1).all(dim=-1)
        mode[flat] = tl.nn.functional.one_hot(mode[flat].argmax(dim=-1), mode.shape[-1]).to(mode.dtype)
        return mode

    @property
    def variance(self):
        total = self.concentration.sum(-1, keepdim=True)
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))

    def rsample(self, sample_shape=Size()):
        return implicit.dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        self._validate_sample(value)
        a = self.concentration
        return tl.xlogy(a - 1.0, value).sum(-1) + tl.lgamma(a.sum(-1)) - tl.lgamma(a).sum(-1)

    def entropy(self):
        a, k = self.concentration, self.concentration.size(-1)
        total = a.sum(-1)
        return (
            tl.lgamma(a).sum(-1) - tl.lgamma(total) - (k - total) * tl.digamma(total)
            - ((a - 1.0) * tl.digamma(a)).sum(-1)
        )  # fmt: skip


class Beta(Distribution):
    """The beta distribution."""

    shows = False
    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    @property
    def _dirichlet(self):
        return Dirichlet(tl.stack([self.concentration1, self.concentration0], -1), validate_args=False)

    mean = property(lambda self: self.concentration1 / (self.concentration1 + self.concentration0))

    mode = property(lambda self: self._dirichlet.mode[..., 0])

    @property
    def variance(self):
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total**2 * (total + 1))

    def rsample(self, sample_shape=Size()):
        return self._dirichlet.rsample(sample_shape)[..., 0]

    def log_prob(self, value):
        self._validate_sample(value)
        return self._dirichlet.log_prob(tl.stack([value, 1.0 - value], -1))

    def entropy(self):
        return self._dirichlet.entropy()
