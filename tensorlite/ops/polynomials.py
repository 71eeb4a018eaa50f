"""Orthogonal polynomials by their three-term recurrences (Abramowitz and Stegun, 22.7), in double precision.

The degree may differ from place to place; fractions of it are cut off and a negative one gives 0. As in PyTorch none is
differentiable.
"""

import numpy as np

from ..engine import primitive, titled

__all__ = ["chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
           "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
           "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
           "shifted_chebyshev_polynomial_w"]  # fmt: skip


def _evaluate(x, n, first, step):
    """``p[n]`` where ``p[0] = 1``, ``p[1] = first(x)`` and ``p[k+1] = step(k, x, p[k], p[k-1])``."""
    kind = np.result_type(x, n)
    x, n = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(n, np.float64))
    known = np.isfinite(n)
    n = np.where(known, np.trunc(np.where(known, n, 0)), -1)
    out = np.where(n == 0, 1.0, 0.0)
    before, now = np.ones_like(x), first(x)
    with np.errstate(all="ignore"):
        for k in range(1, int(n.max(initial=0)) + 1):
            out = np.where(n == k, now, out)
            before, now = now, step(k, x, now, before)
    return out.astype(kind)


def _polynomial(name, doc, first, step):
    @titled(name, doc)
    def forward(x, n):
        return _evaluate(x, n, first, step)

    return primitive(forward, promote="float", broadcasts=True, differentiable=False)


def _chebyshev(k, x, p, q):
    return 2 * x * p - q


def _shifted(k, x, p, q):
    return 2 * (2 * x - 1) * p - q


chebyshev_polynomial_t = _polynomial(
    "chebyshev_polynomial_t", "Chebyshev's polynomial of the first kind.", lambda x: x, _chebyshev
)
chebyshev_polynomial_u = _polynomial(
    "chebyshev_polynomial_u", "Chebyshev's polynomial of the second kind.", lambda x: 2 * x, _chebyshev
)
chebyshev_polynomial_v = _polynomial(
    "chebyshev_polynomial_v", "Chebyshev's polynomial of the third kind.", lambda x: 2 * x - 1, _chebyshev
)
chebyshev_polynomial_w = _polynomial(
    "chebyshev_polynomial_w", "Chebyshev's polynomial of the fourth kind.", lambda x: 2 * x + 1, _chebyshev
)
shifted_chebyshev_polynomial_t = _polynomial(
    "shifted_chebyshev_polynomial_t", "``chebyshev_polynomial_t(2 x - 1)``.", lambda x: 2 * x - 1, _shifted
)
shifted_chebyshev_polynomial_u = _polynomial(
    "shifted_chebyshev_polynomial_u", "``chebyshev_polynomial_u(2 x - 1)``.", lambda x: 4 * x - 2, _shifted
)
shifted_chebyshev_polynomial_v = _polynomial(
    "shifted_chebyshev_polynomial_v", "``chebyshev_polynomial_v(2 x - 1)``.", lambda x: 4 * x - 3, _shifted
)
shifted_chebyshev_polynomial_w = _polynomial(
    "shifted_chebyshev_polynomial_w", "``chebyshev_polynomial_w(2 x - 1)``.", lambda x: 4 * x - 1, _shifted
)
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h", "Hermite's polynomial, as physicists have it.", lambda x: 2 * x,
    lambda k, x, p, q: 2 * x * p - 2 * k * q,
)  # fmt: skip
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he", "Hermite's polynomial, as statisticians have it.", lambda x: x,
    lambda k, x, p, q: x * p - k * q,
)  # fmt: skip
laguerre_polynomial_l = _polynomial(
    "laguerre_polynomial_l", "Laguerre's polynomial.", lambda x: 1 - x,
    lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1),
)  # fmt: skip
legendre_polynomial_p = _polynomial(
    "legendre_polynomial_p", "Legendre's polynomial.", lambda x: x,
    lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1),
)  # fmt: skip
