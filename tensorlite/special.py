"""``torch.special``: special functions with gradients.

The Bessel functions but ``i0``, the incomplete gamma functions and ``zeta`` call SciPy
(``pip install "tensorlite[special]"``); everything else needs NumPy alone.
"""

import functools

from .engine import TensorBase
from .functions._common import into, number, to_dtype, with_out
from .ops import activation as _act
from .ops import elementwise as _ew
from .ops import polynomials as _poly
from .ops import reduction as _red
from .ops import special as _sp

__all__ = [*_poly.__all__, "airy_ai", "modified_bessel_i0", "modified_bessel_i1", "scaled_modified_bessel_k0",
           "scaled_modified_bessel_k1", "spherical_bessel_j0",
           "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2",
           "expit", "expm1", "gammainc", "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr", "log_softmax",
           "logit", "logsumexp", "modified_bessel_k0", "modified_bessel_k1", "multigammaln", "ndtr", "ndtri", "polygamma",
           "psi", "round", "sinc", "softmax", "xlog1py", "xlogy", "zeta"]  # fmt: skip


def _of_two(fn):
    """``fn`` of two arguments, at least one of them a tensor, with ``out=``."""
    result = with_out(fn)

    @functools.wraps(result)
    def function(input, other, *, out=None):
        if not (isinstance(input, TensorBase) or isinstance(other, TensorBase)):
            raise TypeError(f"{fn.primitive.name}(): one of the arguments must be Tensor")
        return result(input, other, out=out)

    return function


erf, erfc, erfcx, erfinv = with_out(_sp.erf), with_out(_sp.erfc), with_out(_sp.erfcx), with_out(_sp.erfinv)
ndtr, ndtri, log_ndtr, entr = with_out(_sp.ndtr), with_out(_sp.ndtri), with_out(_sp.log_ndtr), with_out(_sp.entr)
gammaln = with_out(_sp.lgamma)
digamma = psi = with_out(_sp.digamma)
multigammaln = with_out(_sp.multigammaln)
gammainc, gammaincc, zeta = with_out(_sp.gammainc), with_out(_sp.gammaincc), _of_two(_sp.zeta)
i0, i0e, i1, i1e = with_out(_sp.i0), with_out(_sp.i0e), with_out(_sp.i1), with_out(_sp.i1e)
bessel_j0, bessel_j1 = with_out(_sp.bessel_j0), with_out(_sp.bessel_j1)
bessel_y0, bessel_y1 = with_out(_sp.bessel_y0), with_out(_sp.bessel_y1)
modified_bessel_k0, modified_bessel_k1 = with_out(_sp.modified_bessel_k0), with_out(_sp.modified_bessel_k1)
modified_bessel_i0, modified_bessel_i1 = with_out(_sp.modified_bessel_i0), with_out(_sp.modified_bessel_i1)
scaled_modified_bessel_k0 = with_out(_sp.scaled_modified_bessel_k0)
scaled_modified_bessel_k1 = with_out(_sp.scaled_modified_bessel_k1)
spherical_bessel_j0, airy_ai = with_out(_sp.spherical_bessel_j0), with_out(_sp.airy_ai)
sinc, xlogy, xlog1py = with_out(_sp.sinc), _of_two(_sp.xlogy), _of_two(_sp.xlog1py)
chebyshev_polynomial_t = _of_two(_poly.chebyshev_polynomial_t)
chebyshev_polynomial_u = _of_two(_poly.chebyshev_polynomial_u)
chebyshev_polynomial_v = _of_two(_poly.chebyshev_polynomial_v)
chebyshev_polynomial_w = _of_two(_poly.chebyshev_polynomial_w)
shifted_chebyshev_polynomial_t = _of_two(_poly.shifted_chebyshev_polynomial_t)
shifted_chebyshev_polynomial_u = _of_two(_poly.shifted_chebyshev_polynomial_u)
shifted_chebyshev_polynomial_v = _of_two(_poly.shifted_chebyshev_polynomial_v)
shifted_chebyshev_polynomial_w = _of_two(_poly.shifted_chebyshev_polynomial_w)
hermite_polynomial_h = _of_two(_poly.hermite_polynomial_h)
hermite_polynomial_he = _of_two(_poly.hermite_polynomial_he)
laguerre_polynomial_l = _of_two(_poly.laguerre_polynomial_l)
legendre_polynomial_p = _of_two(_poly.legendre_polynomial_p)
expit, exp2, expm1, log1p = with_out(_ew.sigmoid), with_out(_ew.exp2), with_out(_ew.expm1), with_out(_ew.log1p)


def _result(result, out):
    return result if out is None else into(out, result)


def polygamma(n, input, *, out=None):
    """The ``n``-th derivative of :func:`digamma`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.special.polygamma(1, tl.tensor([1.0]))
    tensor([1.6449])
    """
    return _result(_sp.polygamma(input, n=n), out)


def logit(input, eps=None, *, out=None):
    """``log(x / (1 - x))``, with ``x`` kept in ``[eps, 1 - eps]``."""
    return _result(_sp.logit(input, eps=number(eps)), out)


def round(input, *, decimals=0, out=None):
    """Round half to even, at ``decimals`` places."""
    return _result(_ew.round(input, decimals=decimals), out)


def logsumexp(input, dim, keepdim=False, *, out=None):
    """``log(sum(exp(input)))`` over ``dim`` without overflow."""
    return _result(_red.logsumexp(input, dim=dim, keepdim=keepdim), out)


def softmax(input, dim, *, dtype=None):
    """``exp(input)`` scaled to a sum of 1 along ``dim``."""
    return _act.softmax(input if dtype is None else to_dtype(input, dtype), dim=dim)


def log_softmax(input, dim, *, dtype=None):
    """The logarithm of :func:`softmax`, without overflow."""
    return _act.log_softmax(input if dtype is None else to_dtype(input, dtype), dim=dim)
