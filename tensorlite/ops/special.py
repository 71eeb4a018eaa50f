"""Special functions: NumPy alone where a short series or fraction is exact, SciPy's kernels for the rest.

Sources: W. J. Cody's fractions for erf and erfc in the coefficients of Cephes (https://www.netlib.org/cephes/);
Stirling's series and its derivatives, after a shift to large arguments, for the gamma family (Abramowitz and
Stegun, 6.1.40, 6.3.18, 6.4.11).
"""

import math

import numpy as np

from ..engine import cast, primitive, titled, unwrap, wrap
from .activation import erf
from .blocks import _quiet
from .compare import where
from .elementwise import _bar, cos, exp, log, log1p, sin, square
from .erf import _P, _Q, _T, _U, _horner, erf_array

__all__ = ["erf", "erfc", "erfinv", "lgamma", "digamma", "polygamma", "sinc", "logit", "xlogy", "xlog1py", "entr"]

_ROOT_PI = math.sqrt(math.pi)


def _in_double(x, fn):
    """``fn`` in double precision, the result in the dtype of ``x``."""
    with np.errstate(all="ignore"):
        return np.asarray(fn(np.asarray(x, np.float64))).astype(x.dtype, copy=False)


def _needs_scipy(name):
    """SciPy's kernel ``name``."""
    try:
        from scipy import special
    except ImportError:
        raise ImportError(
            f'special function {name!r} needs SciPy\'s kernel: pip install "tensorlite[special]"'
        ) from None
    return getattr(special, name)


# -- the error function's family -------------------------------------------------------------------

_R = (5.64189583547755073984e-1, 1.27536670759978104416e0, 5.01905042251180477414e0, 6.16021097993053585195e0,
      7.40974269950448939160e0, 2.97886665372100240670e0)  # fmt: skip
_S = (1.0, 2.26052863220117276590e0, 9.39603524938001434673e0, 1.20489539808096656605e1, 1.70814450747565897222e1,
      9.60896809063285878198e0, 3.36907645100081516050e0)  # fmt: skip


def _tail(a):
    """``exp(a**2) * erfc(a)`` for ``a >= 1``."""
    b = np.minimum(a, 1e10)
    return np.where(
        a < 8, _horner(np.minimum(a, 8.0), _P) / _horner(np.minimum(a, 8.0), _Q), _horner(b, _R) / _horner(b, _S)
    )


def _gauss(a):
    """``exp(-a**2)`` without the rounding of the square."""
    head = np.asarray(a, np.float32).astype(np.float64)
    return np.exp(-head * head) * np.exp((head - a) * (head + a))


def _erfc64(x):
    a = np.abs(np.nan_to_num(x, posinf=30.0, neginf=-30.0, nan=0.0))
    z = np.minimum(a, 1.0) ** 2
    outer = _gauss(np.minimum(a, 30.0)) * _tail(np.maximum(a, 1.0))
    out = np.where(a < 1, 1 - x * (_horner(z, _T) / _horner(z, _U)), np.where(x < 0, 2 - outer, outer))
    return np.where(np.isnan(x), x, out)


@primitive(promote="float")
def erfc(x):
    """``1 - erf(x)`` without cancellation."""
    return _in_double(x, _erfc64)


erfc.vjp(x=lambda g, x: g * (exp(-x * x) * (-2 / _ROOT_PI)))


def _erfinv64(y):
    """A rational approximation (Giles's form, as in PyTorch), then two Newton steps."""
    a = np.abs(y)
    z = np.where(a <= 0.7, y * y, 0.0)
    inner = y * _horner(z, (-0.140543331, 0.914624893, -1.645349621, 0.886226899))
    inner = inner / _horner(z, (0.012229801, -0.329097515, 1.442710462, -2.118377725, 1.0))
    t = np.sqrt(-np.log(np.where(a < 1, (1 - a) / 2, 0.5)))
    outer = _horner(t, (1.641345311, 3.429567803, -1.624906493, -1.970840454)) / _horner(
        t, (1.637067800, 3.543889200, 1.0)
    )
    x = np.where(a <= 0.7, inner, np.copysign(outer, y))
    for _ in range(2):
        # far out, erf(x) - y is taken from erfc, where it does not cancel
        miss = np.where(a <= 0.7, erf_array(x) - y, np.sign(y) * ((1 - a) - _erfc64(np.abs(x))))
        x = x - miss / (2 / _ROOT_PI * np.exp(-x * x))
    return np.where(a < 1, x, np.where(a == 1, np.copysign(np.inf, y), np.nan))


@primitive(promote="float")
def erfinv(x):
    """The inverse of ``erf`` on (-1, 1)."""
    return _in_double(x, _erfinv64)


erfinv.vjp(x=lambda g, out: g * (exp(out * out) * (_ROOT_PI / 2)))


@primitive(promote="float")
def ndtr(x):
    """The distribution function of the standard normal distribution."""
    return _in_double(x, lambda x: 0.5 * _erfc64(-x * math.sqrt(0.5)))


ndtr.vjp(x=lambda g, x: g * (exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))))


def ndtri(input):
    """The inverse of :func:`ndtr`."""
    if unwrap(input).dtype.kind in "bui":
        input = cast(input, dtype=np.dtype(np.float32))
    return erfinv(2 * input - 1) * math.sqrt(2)


@primitive(promote="float")
def erfcx(x):
    """``exp(x**2) * erfc(x)``."""
    return _in_double(x, lambda x: np.where(x >= 1, _tail(np.maximum(x, 1.0)), np.exp(x * x) * _erfc64(x)))


erfcx.vjp(x=lambda g, x, out: g * (2 * x * out - 2 / _ROOT_PI))


@primitive(promote="float")
def log_ndtr(x):
    """``log(ndtr(x))`` without underflow."""

    def kernel(x):
        t = x * -math.sqrt(0.5)
        low = np.log(_tail(np.maximum(t, 1.0)) / 2) - t * t
        return np.where(x < -math.sqrt(2), low, np.log1p(-0.5 * _erfc64(-t)))

    return _in_double(x, kernel)


log_ndtr.vjp(x=lambda g, x: g / erfcx(x * -math.sqrt(0.5)) * math.sqrt(2 / math.pi))

# -- the gamma family ------------------------------------------------------------------------------

#: Bernoulli numbers B2, B4, ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
_LARGE = 10.0  # where Stirling's series, cut after ten terms, is exact to double precision


def _series(x, terms):
    """``sum(terms[k] / x**(2 k))`` by Horner's rule."""
    z = 1 / (x * x)
    out = np.full_like(x, terms[-1])
    for c in terms[-2::-1]:
        out = out * z + c
    return out


def _lgamma64(x):
    """``log|gamma(x)|``: reflected to the right half, shifted to large arguments, Stirling's series."""
    left = x < 0.5
    y = np.where(left, 1 - x, x)
    product, shifted = np.ones_like(y), y.copy()
    for _ in range(int(_LARGE)):
        small = shifted < _LARGE
        product = np.where(small, product * shifted, product)
        shifted = np.where(small, shifted + 1, shifted)
    terms = [b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1)]
    out = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * math.log(2 * math.pi)
    out = out + _series(shifted, terms) / shifted - np.log(product)
    near = np.abs(y - 1.5) < 0.75  # around its zeros at 1 and 2 a Taylor series keeps the relative precision
    if near.any():
        out[near] = _lgamma_near(y[near])
    out = np.where(left, np.log(np.pi / np.abs(np.sin(np.pi * (x - np.floor(x))))) - out, out)
    out = np.where((x <= 0) & (x == np.floor(x)) | np.isinf(x), np.inf, out)
    return np.where(np.isnan(x), x, out)


#: zeta(2), zeta(3), ...: enough for |t| <= 0.5 around 1 and 2
_ZETA = None


def _zetas():
    global _ZETA
    if _ZETA is None:
        n = np.arange(2.0, 60.0)
        k = np.arange(1.0, 21.0)[:, None]
        head = (k[:-1] ** -n).sum(0)
        tail = 20.0 ** (1 - n) / (n - 1) + 0.5 * 20.0**-n + n / 12 * 20.0 ** (-n - 1)
        tail += -n * (n + 1) * (n + 2) / 720 * 20.0 ** (-n - 3)
        tail += n * (n + 1) * (n + 2) * (n + 3) * (n + 4) / 30240 * 20.0 ** (-n - 5)
        _ZETA = head + tail
    return _ZETA


def _lgamma_near(y):
    """``lgamma(2 + t) = (1 - gamma) t + sum((-1)**n (zeta(n) - 1) t**n / n)``, and ``lgamma(y) = lgamma(y + 1) - log(y)``."""
    low = y < 1.5
    t = np.where(low, y - 1, y - 2)
    n = np.arange(2, 60)
    terms = (-1.0) ** n * (_zetas() - 1) / n
    out = np.zeros_like(t)
    for c in terms[::-1]:
        out = (out + c) * t
    out = (out + 1 - np.euler_gamma) * t
    return np.where(low, out - np.log1p(t), out)


@primitive(promote="float")
def lgamma(x):
    """``log|gamma(x)|``."""
    return _in_double(x, lambda x: _lgamma64(np.atleast_1d(x)).reshape(x.shape))


lgamma.vjp(x=lambda g, x: g * digamma(x))


def _digamma64(x):
    """Reflected to the right half, shifted to large arguments, asymptotic series."""
    left = x < 0
    y = np.where(left, 1 - x, x)
    extra, shifted = np.zeros_like(y), y
    for _ in range(int(_LARGE)):
        small = shifted < _LARGE
        extra = np.where(small, extra - 1 / shifted, extra)
        shifted = np.where(small, shifted + 1, shifted)
    terms = [-b / (2 * k) for k, b in enumerate(_BERNOULLI, 1)]
    out = np.log(shifted) - 0.5 / shifted + _series(shifted, terms) / (shifted * shifted) + extra
    out = np.where(left, out - np.pi / np.tan(np.pi * (x - np.floor(x))), out)
    out = np.where(left & (x == np.floor(x)), np.nan, out)
    return np.where(x == 0, np.copysign(np.inf, -x), out)


@primitive(promote="float")
def digamma(x):
    """The derivative of :func:`lgamma`."""
    return _in_double(x, _digamma64)


digamma.vjp(x=lambda g, x: g * polygamma(x, n=1))


def _polygamma64(n, x):
    """``(-1)**(n+1) n! sum(1 / (x + k)**(n+1))``: the first terms one by one, the rest by Euler and Maclaurin."""
    if n == 1:  # reflection keeps the shifts few
        left = x < 0.5
        y = np.where(left, 1 - x, x)
        out = _zeta_sum(2, y)
        return np.where(left, (np.pi / np.sin(np.pi * (x - np.floor(x)))) ** 2 - out, out)
    return (-1.0) ** (n + 1) * math.factorial(n) * _zeta_sum(n + 1, x)


def _zeta_sum(s, x):
    """Hurwitz's ``sum((x + k)**-s)`` for an integer ``s > 1``."""
    large = _LARGE + s
    out, shifted = np.zeros_like(x), x
    least = np.min(x, initial=large, where=np.isfinite(x))
    steps = int(np.clip(np.ceil(large - least), 0, 100000))
    for _ in range(steps):
        small = shifted < large
        out = np.where(small, out + shifted ** float(-s), out)
        shifted = np.where(small, shifted + 1, shifted)
    out = out + shifted ** (1.0 - s) / (s - 1) + 0.5 * shifted ** float(-s)
    rising = 1.0
    for k, b in enumerate(_BERNOULLI, 1):
        rising = math.prod(range(s, s + 2 * k - 1)) / math.factorial(2 * k)
        out = out + b * rising * shifted ** (1.0 - s - 2 * k)
    return out


@primitive(promote="float")
def polygamma(x, *, n):
    """The ``n``-th derivative of :func:`digamma`."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return _in_double(x, _digamma64 if n == 0 else lambda x: _polygamma64(n, x))


polygamma.vjp(x=lambda g, x, n: g * polygamma(x, n=n + 1))


def multigammaln(input, p):
    """The logarithm of the multivariate gamma function of dimension ``p``."""
    from .reduction import sum
    from .shape import expand_dims

    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    kind = unwrap(input).dtype
    shifts = wrap((np.arange(p) * -0.5).astype(kind if kind.kind == "f" else np.float32))
    total = sum(lgamma(expand_dims(input, dim=-1) + shifts), dim=-1)
    return total + p * (p - 1) * 0.25 * math.log(math.pi)


# -- combinations of elementary functions ----------------------------------------------------------


@primitive(promote="float")
@_quiet
def sinc(x):
    """``sin(pi x) / (pi x)``, 1 at 0."""
    return np.sinc(x).astype(x.dtype, copy=False)


def _sinc_vjp(g, x):
    t = x * math.pi
    still = t == 0
    safe = where(still, 1.0, t)
    return where(still, 0.0, g * _bar(math.pi * ((cos(safe) * safe - sin(safe)) / square(safe))))


sinc.vjp(x=_sinc_vjp)


@primitive(promote="float")
@_quiet
def logit(x, *, eps=None):
    """``log(x / (1 - x))``, with ``x`` kept in ``[eps, 1 - eps]``."""
    if eps is not None:
        x = np.clip(x, eps, 1 - eps)
    return np.log(x / (1 - x))


def _logit_vjp(g, x, eps):
    slope = g / (x * (1 - x))
    if eps is None:
        return where((x < 0) | (x > 1), math.nan, slope)
    return where((x < eps) | (x > 1 - eps), 0.0, slope)


logit.vjp(x=_logit_vjp)


def _arrays(a, b):
    """A number beside an array as an array of its dtype: NumPy's functions make float64 of numbers."""
    d = a.dtype if isinstance(a, np.ndarray) else b.dtype
    return np.asarray(a, d), np.asarray(b, d)


@primitive(promote="float", broadcasts=True)
@_quiet
def xlogy(a, b):
    """``a * log(b)``, 0 where ``a`` is 0."""
    a, b = _arrays(a, b)
    return np.where(np.isnan(b), b, np.where(np.equal(a, 0), np.zeros_like(b), a * np.log(b)))


xlogy.vjp(a=lambda g, a, b: where((a == 0) & (b <= 0), 0.0, g * log(b)), b=lambda g, a, b: g * (a / b))


@primitive(promote="float", broadcasts=True)
@_quiet
def xlog1py(a, b):
    """``a * log1p(b)``, 0 where ``a`` is 0."""
    a, b = _arrays(a, b)
    return np.where(np.isnan(b), b, np.where(np.equal(a, 0), np.zeros_like(b), a * np.log1p(b)))


xlog1py.vjp(a=lambda g, a, b: where((a == 0) & (b <= -1), 0.0, g * log1p(b)), b=lambda g, a, b: g * (a / (b + 1)))


@primitive(promote="float")
@_quiet
def entr(x):
    """``-x log(x)``, 0 at 0 and ``-inf`` below."""
    return np.where(x > 0, -x * np.log(x), np.where(x == 0, x * 0, np.where(x < 0, -np.inf, x))).astype(x.dtype)


entr.vjp(x=lambda g, x: g * where(x > 0, -log(where(x > 0, x, 1.0)) - 1, where(x == 0, math.inf, math.nan)))

# -- SciPy's kernels -------------------------------------------------------------------------------


def _scipy_unary(name, kernel, doc):
    @titled(name, doc)
    def forward(x):
        return np.asarray(_needs_scipy(kernel)(x)).astype(x.dtype, copy=False)

    return primitive(forward, promote="float", differentiable=name in ("i0e", "i1", "i1e"))


@primitive(promote="float")
def i0(x):
    """The modified Bessel function of the first kind, order 0."""
    return _in_double(x, np.i0)


i1 = _scipy_unary("i1", "i1", "The modified Bessel function of the first kind, order 1.")
i0e = _scipy_unary("i0e", "i0e", "``exp(-|x|) * i0(x)``.")
i1e = _scipy_unary("i1e", "i1e", "``exp(-|x|) * i1(x)``.")
i0.vjp(x=lambda g, x: g * i1(x))
i1.vjp(x=lambda g, x, out: g * where(x == 0, 0.5, i0(x) - out / where(x == 0, 1.0, x)))
i0e.vjp(x=lambda g, x, out: g * (i1e(x) - _sign(x) * out))
i1e.vjp(x=lambda g, x, out: g * where(x == 0, 0.5, i0e(x) - out * (_sign(x) + 1 / where(x == 0, 1.0, x))))


def _sign(x):
    return (x > 0) * 1.0 - (x < 0) * 1.0


bessel_j0 = _scipy_unary("bessel_j0", "j0", "The Bessel function of the first kind, order 0.")
bessel_j1 = _scipy_unary("bessel_j1", "j1", "The Bessel function of the first kind, order 1.")
bessel_y0 = _scipy_unary("bessel_y0", "y0", "The Bessel function of the second kind, order 0.")
bessel_y1 = _scipy_unary("bessel_y1", "y1", "The Bessel function of the second kind, order 1.")
modified_bessel_k0 = _scipy_unary(
    "modified_bessel_k0", "k0", "The modified Bessel function of the second kind, order 0."
)
modified_bessel_k1 = _scipy_unary(
    "modified_bessel_k1", "k1", "The modified Bessel function of the second kind, order 1."
)


@primitive(promote="float", broadcasts=True, nondiff=("a",))
def gammainc(a, x):
    """The regularized lower incomplete gamma function."""
    return np.asarray(_needs_scipy("gammainc")(a, x)).astype(np.result_type(a, x), copy=False)


@primitive(promote="float", broadcasts=True, nondiff=("a",))
def gammaincc(a, x):
    """The regularized upper incomplete gamma function."""
    return np.asarray(_needs_scipy("gammaincc")(a, x)).astype(np.result_type(a, x), copy=False)


def _gamma_density(a, x):
    return exp((a - 1) * log(x) - x - lgamma(a))


gammainc.vjp(x=lambda g, a, x: g * _gamma_density(a, x))
gammaincc.vjp(x=lambda g, a, x: -g * _gamma_density(a, x))


@primitive(promote="float", broadcasts=True, nondiff=("x",))
def zeta(x, q):
    """Hurwitz's zeta function ``sum((k + q)**-x)``."""
    return np.asarray(_needs_scipy("zeta")(x, q)).astype(np.result_type(x, q), copy=False)


zeta.vjp(q=lambda g, x, q: g * (-1 * x * zeta(x + 1, q)))

scaled_modified_bessel_k0 = _scipy_unary("scaled_modified_bessel_k0", "k0e", "``exp(x) * modified_bessel_k0(x)``.")
scaled_modified_bessel_k1 = _scipy_unary("scaled_modified_bessel_k1", "k1e", "``exp(x) * modified_bessel_k1(x)``.")
modified_bessel_i1 = _scipy_unary(
    "modified_bessel_i1", "i1", "The modified Bessel function of the first kind, order 1."
)


@primitive(promote="float", differentiable=False)
def modified_bessel_i0(x):
    """The modified Bessel function of the first kind, order 0."""
    return _in_double(x, np.i0)


@primitive(promote="float", differentiable=False)
def spherical_bessel_j0(x):
    """``sin(x) / x``, 1 at 0 and 0 at infinity."""
    return _in_double(
        x, lambda x: np.where(np.isinf(x), 0.0, np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1, x)))
    )


@primitive(promote="float", differentiable=False)
def airy_ai(x):
    """Airy's function Ai."""
    return _in_double(x, lambda x: _needs_scipy("airy")(x)[0])
