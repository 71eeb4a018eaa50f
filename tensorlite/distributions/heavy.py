"""Distributions with heavy tails, ratios of gamma numbers, and numbers on a circle or in the unit interval."""

import math

import tensorlite as tl

from .._device import Size
from ..nn import functional as F
from . import constraints
from .continuous import Chi2, Gamma
from .discrete import _BINARY
from .distribution import Distribution, FromLogits
from .utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs, normal_like, smallest

__all__ = ["ContinuousBernoulli", "FisherSnedecor", "GeneralizedPareto", "StudentT", "VonMises"]


class StudentT(Distribution):
    """Student's t-distribution of ``df`` degrees of freedom.

    Parameters
    ----------
    df : float or Tensor
    loc : float or Tensor, default 0.0
    scale : float or Tensor, default 1.0

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.distributions.StudentT(3.0).log_prob(tl.tensor(1.0))
    tensor(-1.5763)
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    mean = property(lambda self: self.loc.masked_fill(self.df <= 1, math.nan))
    mode = property(lambda self: self.loc)

    @property
    def variance(self):
        value = tl.where(self.df > 2, self.scale**2 * self.df / (self.df - 2), math.inf)
        return value.masked_fill(self.df <= 1, math.nan)

    def rsample(self, sample_shape=Size()):
        x = normal_like(self.df, self._extended_shape(sample_shape))
        z = Chi2(self.df, validate_args=False).rsample(sample_shape)
        return self.loc + self.scale * (x * tl.rsqrt(z / self.df))

    def log_prob(self, value):
        self._validate_sample(value)
        y, df = (value - self.loc) / self.scale, self.df
        norm = self.scale.log() + 0.5 * df.log() + 0.5 * math.log(math.pi) + tl.lgamma(0.5 * df)
        return -0.5 * (df + 1.0) * tl.log1p(y**2 / df) - norm + tl.lgamma(0.5 * (df + 1.0))

    def entropy(self):
        half, more = 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = tl.lgamma(half) + math.lgamma(0.5) - tl.lgamma(more)
        return self.scale.log() + more * (tl.digamma(more) - tl.digamma(half)) + 0.5 * self.df.log() + log_beta


class FisherSnedecor(Distribution):
    """Ratios of two chi-squared numbers, each divided by its degrees of freedom ``df1`` and ``df2``."""

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1, df2, validate_args=None):
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    mode = property(
        lambda self: ((self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)).masked_fill(self.df1 <= 2, math.nan)
    )

    @property
    def mean(self):
        b = self.df2.masked_fill(self.df2 <= 2, math.nan)
        return b / (b - 2)

    @property
    def variance(self):
        a, b = self.df1, self.df2.masked_fill(self.df2 <= 4, math.nan)
        return 2 * b.pow(2) * (a + b - 2) / (a * (b - 2).pow(2) * (b - 4))

    def rsample(self, sample_shape=Size()):
        x, y = [Gamma(df * 0.5, df, validate_args=False).rsample(sample_shape) for df in (self.df1, self.df2)]
        return (x / y.clamp(min=smallest(y))).clamp(min=smallest(x))

    def log_prob(self, value):
        self._validate_sample(value)
        a, b, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        norm = (a + b).lgamma() - a.lgamma() - b.lgamma()
        return norm + a * ratio.log() + (a - 1) * tl.log(value) - (a + b) * tl.log1p(ratio * value)


class GeneralizedPareto(Distribution):
    """What exceeds a high bound: from ``loc`` on, of a ``scale``, with a tail shaped by ``concentration``."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc, scale, concentration, validate_args=None):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        """The constraint that samples satisfy."""
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, tl.where(self.concentration < 0, end, math.inf))

    def _shape(self):
        """Where the concentration is 0, and the concentration with 1 there."""
        zero = tl.isclose(self.concentration, tl.zeros_like(self.concentration))
        return zero, self.concentration.masked_fill(zero, 1.0)

    def rsample(self, sample_shape=Size()):
        return self.icdf(tl.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def log_prob(self, value):
        self._validate_sample(value)
        z, (zero, k) = (value - self.loc) / self.scale, self._shape()
        y = 1 / k + tl.ones_like(z)
        return -self.scale.log() - tl.where(zero, z, tl.where(y == 0, y, y * tl.log1p(k * z)))

    def log_survival_function(self, value):
        """The logarithm of the probability of more than ``value``."""
        self._validate_sample(value)
        z, (zero, k) = (value - self.loc) / self.scale, self._shape()
        return tl.where(zero, -z, -tl.log1p(k * z) / k)

    def log_cdf(self, value):
        """The logarithm of :meth:`cdf`."""
        return tl.log1p(-self.log_survival_function(value).exp())

    def cdf(self, value):
        return self.log_cdf(value).exp()

    def icdf(self, value):
        rest, (zero, k) = tl.log1p(-value), self._shape()
        return tl.where(zero, self.loc - self.scale * rest, self.loc + self.scale / k * tl.expm1(-k * rest))

    mode = property(lambda self: self.loc)

    @property
    def mean(self):
        k = self.concentration.masked_fill(self.concentration >= 1, math.nan)
        return self.loc + self.scale / (1 - k)

    @property
    def variance(self):
        k = self.concentration.masked_fill(self.concentration >= 0.5, math.nan)
        return self.scale**2 / ((1 - k) ** 2 * (1 - 2 * k))

    def entropy(self):
        return self.scale.log() + self.concentration + 1


class VonMises(Distribution):
    """Angles around ``loc``, the nearer the larger ``concentration`` is. Samples have no gradient (Best & Fisher 1979)."""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc, concentration, validate_args=None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: 1 - tl.special.i1e(self.concentration) / tl.special.i0e(self.concentration))

    def log_prob(self, value):
        self._validate_sample(value)
        k = self.concentration
        return k * (tl.cos(value - self.loc) - 1) - math.log(2 * math.pi) - tl.special.i0e(k).log()

    def sample(self, sample_shape=Size()):
        with tl.no_grad():
            shape = self._extended_shape(sample_shape)
            loc, k = self.loc.double(), self.concentration.double()
            tau = 1 + (1 + 4 * k**2).sqrt()
            rho = (tau - (2 * tau).sqrt()) / (2 * k)
            r = tl.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))
            x = tl.zeros(shape, dtype=loc.dtype)
            done = tl.zeros(shape, dtype=tl.bool)
            while not done.all():
                u, v, w = tl.rand((3, *shape), dtype=loc.dtype).unbind()
                z = tl.cos(math.pi * u)
                f = (1 + r * z) / (r + z)
                c = k * (r - f)
                accepted = (c * (2 - c) - v > 0) | ((c / v).log() + 1 - c >= 0)
                x = tl.where(accepted, (w - 0.5).sign() * f.acos(), x)
                done = done | accepted
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)


class ContinuousBernoulli(FromLogits, Distribution):
    """Numbers in [0, 1], of a density that grows or falls exponentially (https://arxiv.org/abs/1907.06845).

    Parameters
    ----------
    probs, logits : float or Tensor
        One of the parameter in (0, 1) and its log odds.
    lims : (float, float), default (0.499, 0.501)
        Between these, series stand for formulas that divide by nearly 0.
    """

    arg_constraints = _BINARY
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        self._take_broadcast(probs, logits)
        if probs is not None:
            if validate_args is not None and not self.arg_constraints["probs"].check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)

    @lazy_property
    def probs(self):
        """The parameter in (0, 1)."""
        return clamp_probs(logits_to_probs(self.logits, True))

    @property
    def _stable(self):
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut(self):
        return tl.where(self._stable, self.probs, self._lims[0])

    def _cont_bern_log_norm(self):
        p, x = self._cut(), (self.probs - 0.5) ** 2
        exact = tl.log(tl.abs(tl.log1p(-p) - tl.log(p))) - tl.log(tl.abs(1 - 2 * p))
        return tl.where(self._stable, exact, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self):
        p, x = self._cut(), self.probs - 0.5
        exact = p / (2.0 * p - 1.0) + 1.0 / (tl.log1p(-p) - tl.log(p))
        return tl.where(self._stable, exact, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x**2) * x)

    @property
    def variance(self):
        p, x = self._cut(), (self.probs - 0.5) ** 2
        exact = p * (p - 1.0) / (1.0 - 2.0 * p) ** 2 + 1.0 / (tl.log1p(-p) - tl.log(p)) ** 2
        return tl.where(self._stable, exact, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def rsample(self, sample_shape=Size()):
        return self.icdf(tl.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value):
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none") + self._cont_bern_log_norm()

    def cdf(self, value):
        self._validate_sample(value)
        p = self._cut()
        exact = (p**value * (1.0 - p) ** (1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        return tl.where(self._stable, exact, value).clamp(0, 1)

    def icdf(self, value):
        p = self._cut()
        exact = (tl.log1p(-p + value * (2.0 * p - 1.0)) - tl.log1p(-p)) / (tl.log(p) - tl.log1p(-p))
        return tl.where(self._stable, exact, value)

    def entropy(self):
        zero, one = tl.log1p(-self.probs), tl.log(self.probs)
        return self.mean * (zero - one) - self._cont_bern_log_norm() - zero
