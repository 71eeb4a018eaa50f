"""Kullback-Leibler divergences between pairs of distributions."""

from __future__ import annotations

import math

import tensorlite as tl

from . import continuous as c
from . import discrete as d
from . import multivariate as m
from .heavy import ContinuousBernoulli
from .independent import Independent
from .transformed import Pareto, TransformedDistribution
from .utils import EULER, sum_rightmost

__all__ = ["kl_divergence", "register_kl"]

_RULES: dict = {}


def register_kl(type_p, type_q):
    """A decorator that registers ``function(p, q)`` as the divergence of two classes (and their subclasses).

    Examples
    --------
    >>> from tensorlite.distributions import Normal, Uniform, kl_divergence, register_kl
    >>> @register_kl(Normal, Uniform)
    ... def _(p, q):
    ...     return float("inf")
    >>> kl_divergence(Normal(0.0, 1.0), Uniform(0.0, 1.0))
    inf
    """
    if not (isinstance(type_p, type) and isinstance(type_q, type)):
        raise TypeError(f"register_kl needs two classes, got {type_p} and {type_q}")

    def decorator(function):
        _RULES[type_p, type_q] = function
        return function

    return decorator


def kl_divergence(p, q):
    """The divergence ``E_p[log p(x) - log q(x)]``, a tensor of the batch shape.

    Raises
    ------
    NotImplementedError
        For pairs without a rule; :func:`register_kl` adds one.

    Examples
    --------
    >>> from tensorlite.distributions import Normal, kl_divergence
    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    found = [rule for rule in _RULES if isinstance(p, rule[0]) and isinstance(q, rule[1])]
    if not found:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    near = [type(p).__mro__.index(a) + type(q).__mro__.index(b) for a, b in found]
    return _RULES[found[near.index(min(near))]](p, q)


@register_kl(c.Normal, c.Normal)
def _normal(p, q):
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("the two distributions must have the same transforms and the same event shape")
    more = len(p.event_shape) - len(p.base_dist.event_shape)
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), more)


@register_kl(Pareto, Pareto)
def _pareto(p, q):
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return tl.where(p.scale < q.scale, math.inf, result)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p, q):
    cross = p.mean * q.logits + tl.log1p(-q.probs) + q._cont_bern_log_norm()
    return -p.entropy() - cross


@register_kl(c.HalfNormal, c.HalfNormal)
def _half_normal(p, q):
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio - 1 - ratio.log())


@register_kl(c.Laplace, c.Laplace)
def _laplace(p, q):
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * tl.exp(-distance / p.scale) - 1


@register_kl(c.Cauchy, c.Cauchy)
def _cauchy(p, q):
    return ((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2).log() - (4 * p.scale * q.scale).log()


@register_kl(c.Gumbel, c.Gumbel)
def _gumbel(p, q):
    ratio, shift = p.scale / q.scale, q.loc / q.scale
    t = p.loc / q.scale
    return -ratio.log() - shift + t + ratio * EULER + tl.exp(shift + (1 + ratio).lgamma() - t) - (1 + EULER)


@register_kl(c.Uniform, c.Uniform)
def _uniform(p, q):
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return tl.where((q.low > p.low) | (q.high < p.high), math.inf, result)


@register_kl(c.Exponential, c.Exponential)
def _exponential(p, q):
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(c.Gamma, c.Gamma)
def _gamma(p, q):
    a, b = p.concentration, q.concentration
    return (
        b * (p.rate / q.rate).log()
        + tl.lgamma(b)
        - tl.lgamma(a)
        + (a - b) * tl.digamma(a)
        + (q.rate - p.rate) * (a / p.rate)
    )


@register_kl(c.Dirichlet, c.Dirichlet)
def _dirichlet(p, q):
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    same = tl.lgamma(total) - tl.lgamma(b.sum(-1)) - (tl.lgamma(a) - tl.lgamma(b)).sum(-1)
    return same + ((a - b) * (tl.digamma(a) - tl.digamma(total).unsqueeze(-1))).sum(-1)


@register_kl(c.Beta, c.Beta)
def _beta(p, q):
    return _dirichlet(p._dirichlet, q._dirichlet)


def _binary(p, q):
    """The divergence of two probabilities."""
    a, b = p.probs, q.probs
    return _log_ratio(a, b) + _log_ratio(1 - a, 1 - b)


def _log_ratio(a, b):
    """``a * log(a / b)``: 0 where a is 0, infinite where only b is 0."""
    safe = tl.where(b == 0, 1.0, b)
    value = tl.xlogy(a, a) - a * safe.log()
    return tl.where((b == 0) & (a != 0), math.inf, value)


register_kl(d.Bernoulli, d.Bernoulli)(_binary)


@register_kl(d.Binomial, d.Binomial)
def _binomial(p, q):
    if not (p.total_count == q.total_count).all():
        if (p.total_count < q.total_count).any():
            raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
        return tl.where(p.total_count > q.total_count, math.inf, p.total_count * _binary(p, q))
    return p.total_count * _binary(p, q)


@register_kl(d.Geometric, d.Geometric)
def _geometric(p, q):
    return -p.entropy() - tl.log1p(-q.probs) / p.probs - q.logits


@register_kl(d.Poisson, d.Poisson)
def _poisson(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(d.Categorical, d.Categorical)
def _categorical(p, q):
    t = p.probs * (p.logits - q.logits)
    t = tl.where((q.probs == 0).expand(t.shape), math.inf, t)
    return tl.where((p.probs == 0).expand(t.shape), 0.0, t).sum(-1)


@register_kl(d.OneHotCategorical, d.OneHotCategorical)
def _one_hot(p, q):
    return _categorical(p._categorical, q._categorical)


@register_kl(m.LowRankMultivariateNormal, m.LowRankMultivariateNormal)
@register_kl(m.LowRankMultivariateNormal, m.MultivariateNormal)
@register_kl(m.MultivariateNormal, m.LowRankMultivariateNormal)
@register_kl(m.MultivariateNormal, m.MultivariateNormal)
def _multivariate(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be computed"
        )
    batch = tl.broadcast_shapes(p.batch_shape, q.batch_shape)
    n = p.event_shape[0]
    factor = q._factor.expand((*batch, n, n))
    trace = (tl.linalg.solve_triangular(factor, p._factor.expand((*batch, n, n)), upper=False) ** 2).sum((-2, -1))
    difference = (q.loc - p.loc).expand((*batch, n)).unsqueeze(-1)
    distance = (tl.linalg.solve_triangular(factor, difference, upper=False) ** 2).sum((-2, -1))
    return q._log_volume() - p._log_volume() + 0.5 * (trace + distance - n)


@register_kl(Independent, Independent)
def _independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("the two Independents must reinterpret the same number of dimensions")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)
