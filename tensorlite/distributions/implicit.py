"""Gamma and Dirichlet samples with gradients.

A sample ``x`` of a distribution with distribution function F moves with a parameter a so that F(x; a) stays the same:
dx/da = -(dF/da) / p(x) (Figurnov et al. 2018, https://arxiv.org/abs/1805.08498). F is a power series whose terms are
positive, and so is its derivative: both are summed in double precision.
"""

import numpy as np

from ..autograd import Function
from ..autograd.function import once_differentiable
from ..engine import wrap
from ..ops.random import standard_gamma
from ..special import digamma
from .utils import smallest

__all__ = ["dirichlet", "gamma"]


def _psi(a):
    return digamma(wrap(a))._data


def _series(ratio, slope):
    """The sum of t_0 = 1, t_1, ... with ``t_(n+1) = t_n * ratio(n)``, and of t_n times the sum of ``slope(k)``, k < n."""
    term, total, weight, weighted, n = 1.0, 1.0, 0.0, 0.0, 0
    while n < 20000:
        factor = ratio(n)
        weight = weight + slope(n)
        term = term * factor
        total, weighted, n = total + term, weighted + term * weight, n + 1
        if n % 16 == 0 and np.all((term <= 1e-14 * total) & (factor < 1)):
            break
    return total, weighted


def gamma_slope(x, a):
    """The derivative of a gamma sample ``x`` of rate 1 by its concentration ``a``."""
    x, a = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(a, np.float64))
    result = np.empty(x.shape)
    large = a > 100
    # F / p = S x / a with S = sum x^n / ((a+1) ... (a+n))
    s, b = x[~large], a[~large]
    total, weighted = _series(lambda n: s / (b + 1 + n), lambda n: 1 / (b + 1 + n))
    result[~large] = -s / b * ((np.log(s) - _psi(b) - 1 / b) * total - weighted)
    # by the Cornish-Fisher expansion of the quantile of the standard normal number z
    s, b = x[large], a[large]
    root, z = np.sqrt(b), (s - b) / np.sqrt(b)
    for _ in range(8):
        quantile = b + root * z + (z**2 - 1) / 3 + (z**3 - 7 * z) / (36 * root) - (3 * z**4 + 7 * z**2 - 16) / (810 * b)
        z = z - (quantile - s) / (root + 2 * z / 3)
    result[large] = 1 + z / (2 * root) - (z**3 - 7 * z) / (72 * b * root) + (3 * z**4 + 7 * z**2 - 16) / (810 * b**2)
    return result


def beta_slope(x, a, b):
    """The derivative of a beta sample ``x`` by its first concentration ``a``, divided by ``1 - x``."""
    x, a, b = np.broadcast_arrays(*[np.asarray(v, np.float64) for v in (x, a, b)])
    result, low = np.empty(x.shape), x * (a + b + 2) < a + 1
    common = np.log(x) - _psi(a) + _psi(a + b)
    # F / p = S x (1-x) / a with S = sum (a+b)...(a+b+n-1) / ((a+1)...(a+n)) x^n; above the mean 1 - F in its place
    s, c, d = x[low], a[low], b[low]
    total, weighted = _series(lambda n: s * (c + d + n) / (c + 1 + n), lambda n: 1 / (c + d + n) - 1 / (c + 1 + n))
    result[low] = -s / c * ((common[low] - 1 / c) * total + weighted)
    s, c, d = x[~low], a[~low], b[~low]
    total, weighted = _series(lambda n: (1 - s) * (c + d + n) / (d + 1 + n), lambda n: 1 / (c + d + n))
    result[~low] = s / d * (common[~low] * total + weighted)
    return result


class _Gamma(Function):
    @staticmethod
    def forward(ctx, concentration):
        x = standard_gamma(concentration)
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        x, a = ctx.saved_tensors
        return g * wrap(gamma_slope(x._data, a._data).astype(a._data.dtype))


class _Dirichlet(Function):
    @staticmethod
    def forward(ctx, concentration):
        parts = standard_gamma(concentration.double())
        x = (parts / parts.sum(-1, keepdim=True)).type_as(concentration)
        d = x._data.dtype
        x = x.clamp(min=smallest(x), max=float(np.nextafter(d.type(1), d.type(0))))
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        x, a = ctx.saved_tensors
        rest = a._data.sum(-1, keepdims=True) - a._data
        slope = wrap(beta_slope(x._data, a._data, rest).astype(a._data.dtype))
        return slope * (g - (x * g).sum(-1, keepdim=True))


#: Samples of gamma distributions of rate 1, and of Dirichlet distributions, for a tensor of concentrations.
gamma, dirichlet = _Gamma.apply, _Dirichlet.apply
