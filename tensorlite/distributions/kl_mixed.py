"""Divergences between distributions of two kinds: ``-entropy(p) - E_p[log q]``, from a few expectations under p."""

from __future__ import annotations

import math

import tensorlite as tl

from .continuous import Beta, Exponential, Gamma, Gumbel, Laplace, Normal, Uniform
from .discrete import Bernoulli, Binomial, Poisson
from .heavy import ContinuousBernoulli
from .kl import register_kl
from .transformed import Pareto
from .utils import EULER, HALF_LOG_2PI

__all__: list[str] = []


def _x_log_x(x):
    return tl.special.xlogy(x, x)


def _uniform_log(p, a, b):
    """The mean logarithm over [a, b]."""
    return (_x_log_x(b) - _x_log_x(a)) / (b - a) - 1


#: E_p[log x]
_MEAN_LOG = {
    Beta: lambda p: tl.digamma(p.concentration1) - tl.digamma(p.concentration1 + p.concentration0),
    Exponential: lambda p: -p.rate.log() - EULER,
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: lambda p: _uniform_log(p, p.low, p.high),
}
#: E_p[exp(-x / s)]
_MEAN_EXP = {
    Exponential: lambda p, s: p.rate * s / (p.rate * s + 1),
    Gamma: lambda p, s: (1 + (p.rate * s).reciprocal()) ** -p.concentration,
    Normal: lambda p, s: (-p.loc / s + 0.5 * (p.scale / s) ** 2).exp(),
    Uniform: lambda p, s: s * ((-p.low / s).exp() - (-p.high / s).exp()) / (p.high - p.low),
}


def _outside(p, q, result):
    """Infinite where p has values below or above the support of q."""
    mine, region = p.support, q.support
    low, high = [getattr(mine, name, bound) for name, bound in (("lower_bound", -math.inf), ("upper_bound", math.inf))]
    beyond = (low < region.lower_bound) | (high > getattr(region, "upper_bound", math.inf))
    return tl.where(tl.as_tensor(beyond), math.inf, result)


def _to_normal(p, q):
    distance = (p.variance + (p.mean - q.loc) ** 2) / (2 * q.scale**2)
    return -p.entropy() + q.scale.log() + HALF_LOG_2PI + distance


def _to_exponential(p, q):
    return _outside(p, q, -p.entropy() - q.rate.log() + q.rate * p.mean)


def _to_gamma(p, q):
    a = q.concentration
    cross = tl.lgamma(a) - a * q.rate.log() - (a - 1) * _MEAN_LOG[type(p)](p) + q.rate * p.mean
    return _outside(p, q, -p.entropy() + cross)


def _to_gumbel(p, q):
    mean_exp = (q.loc / q.scale).exp() * _MEAN_EXP[type(p)](p, q.scale)
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + mean_exp


def _to_uniform(p, q):
    return _outside(p, q, -p.entropy() + (q.high - q.low).log())


def _infinite(p, q):
    return tl.full_like(p.mean, math.inf)


for _kind in (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform):
    register_kl(_kind, Normal)(_to_normal)
for _kind in (Beta, ContinuousBernoulli, Gamma, Pareto, Uniform):
    register_kl(_kind, Exponential)(_to_exponential)
for _kind in _MEAN_LOG:
    register_kl(_kind, Gamma)(_to_gamma)
for _kind in _MEAN_EXP:
    register_kl(_kind, Gumbel)(_to_gumbel)
for _kind in (Beta, ContinuousBernoulli):
    register_kl(_kind, Uniform)(_to_uniform)
    register_kl(_kind, Pareto)(_infinite)
for _kind in (Exponential, Gamma, Gumbel, Laplace, Normal, Pareto):
    for _other in (Beta, ContinuousBernoulli, Uniform):
        register_kl(_kind, _other)(_infinite)
for _kind in (Exponential, Gamma, Gumbel, Laplace, Normal):
    register_kl(_kind, Pareto)(_infinite)
for _kind in (Gumbel, Laplace, Normal):
    register_kl(_kind, Exponential)(_infinite)
    register_kl(_kind, Gamma)(_infinite)
for _kind in (Bernoulli, Binomial):
    register_kl(Poisson, _kind)(_infinite)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Normal, Laplace)
def _normal_laplace(p, q):
    difference, z = p.loc - q.loc, (p.loc - q.loc) / p.scale
    mean_distance = math.sqrt(2 / math.pi) * p.scale * (-0.5 * z**2).exp() + difference * tl.erf(math.sqrt(0.5) * z)
    return -p.entropy() + (2 * q.scale).log() + mean_distance / q.scale


@register_kl(Uniform, Beta)
def _uniform_beta(p, q):
    a, b = q.concentration1, q.concentration0
    cross = (a - 1) * _uniform_log(p, p.low, p.high) + (b - 1) * _uniform_log(p, 1 - p.high, 1 - p.low)
    return _outside(p, q, -p.entropy() - cross + tl.lgamma(a) + tl.lgamma(b) - tl.lgamma(a + b))


@register_kl(Uniform, Pareto)
def _uniform_pareto(p, q):
    cross = q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _uniform_log(p, p.low, p.high)
    return _outside(p, q, -p.entropy() - cross)


@register_kl(Beta, ContinuousBernoulli)
@register_kl(Uniform, ContinuousBernoulli)
def _to_continuous_bernoulli(p, q):
    cross = p.mean * q.logits + tl.log1p(-q.probs) + q._cont_bern_log_norm()
    return _outside(p, q, -p.entropy() - cross)
