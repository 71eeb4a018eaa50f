"""Functions of one variable: one NumPy call forward, one expression backward.

Subgradients follow PyTorch: 0 for ``abs`` and ``relu`` at 0.
"""

import math

import numpy as np

from ..engine import primitive, spare, titled
from .blocks import _quiet, in_blocks, product, zero
from .choose import kept
from .compare import where
from .complex import _bar, conj, is_complex, real
from .rounding import _sign


def _ufunc(ufunc, *, promote="float", quiet=False, **options):
    """A unary primitive around a NumPy ufunc, in place through ``out=``."""

    def forward(x):
        return ufunc(x)

    def into(x):
        ufunc(x, out=x)

    if quiet:
        forward, into = _quiet(forward), _quiet(into)
    else:
        options["kernel"] = ufunc
    name = options.pop("name", ufunc.__name__)
    forward = titled(name, options.pop("doc", f"Elementwise ``{name}`` of ``x``."))(forward)
    return primitive(forward, promote=promote, into=into, **options)


exp = _ufunc(np.exp, quiet=True)
exp.vjp(x=lambda g, out: g * _bar(out))
exp2 = _ufunc(np.exp2, quiet=True)
exp2.vjp(x=lambda g, out: g * (_bar(out) * 0.6931471805599453))
expm1 = _ufunc(np.expm1, quiet=True)
expm1.vjp(x=lambda g, out: g * _bar(out + 1))
log = _ufunc(np.log, quiet=True)
log.vjp(x=lambda g, x: g / _bar(x))
log2 = _ufunc(np.log2, quiet=True)
log2.vjp(x=lambda g, x: g / _bar(x * 0.6931471805599453))
log10 = _ufunc(np.log10, quiet=True)
log10.vjp(x=lambda g, x: g / _bar(x * 2.302585092994046))
log1p = _ufunc(np.log1p, quiet=True)
log1p.vjp(x=lambda g, x: g / _bar(x + 1))
sqrt = _ufunc(np.sqrt, quiet=True)
sqrt.vjp(x=lambda g, out: g / _bar(2 * out))
square = _ufunc(np.square, promote="same")
square.vjp(x=lambda g, x: product(g, _bar(x), 2))
reciprocal = _ufunc(np.reciprocal, quiet=True)
reciprocal.vjp(x=lambda g, out: -g * _bar(out * out))


@primitive(promote="float")
@_quiet
def rsqrt(x):
    """``1 / sqrt(x)``."""
    return 1 / np.sqrt(x)


rsqrt.vjp(x=lambda g, out: g * _bar(-0.5 * (out * out * out)))

sin, cos = _ufunc(np.sin, quiet=True), _ufunc(np.cos, quiet=True)
sin.vjp(x=lambda g, x: g * _bar(cos(x)))
cos.vjp(x=lambda g, x: g * _bar(-sin(x)))
tan = _ufunc(np.tan, quiet=True)
tan.vjp(x=lambda g, out: g * _bar(1 + out * out))
asin = _ufunc(np.arcsin, name="asin", quiet=True)
asin.vjp(x=lambda g, x: g * _bar(rsqrt(1 - x * x)))
acos = _ufunc(np.arccos, name="acos", quiet=True)
acos.vjp(x=lambda g, x: g * _bar(-rsqrt(1 - x * x)))
atan = _ufunc(np.arctan, name="atan")
atan.vjp(x=lambda g, x: g / _bar(x * x + 1))
sinh, cosh = _ufunc(np.sinh, quiet=True), _ufunc(np.cosh, quiet=True)
sinh.vjp(x=lambda g, x: g * _bar(cosh(x)))
cosh.vjp(x=lambda g, x: g * _bar(sinh(x)))
tanh = _ufunc(np.tanh)
tanh.vjp(x=lambda g, out: tanh_grad(g, _bar(out)))
asinh = _ufunc(np.arcsinh, name="asinh")
asinh.vjp(x=lambda g, x: g * _bar(rsqrt(x * x + 1)))
acosh = _ufunc(np.arccosh, name="acosh", quiet=True)
acosh.vjp(x=lambda g, x: g * _bar(rsqrt(x - 1) * rsqrt(x + 1) if is_complex(x) else rsqrt(x * x - 1)))
atanh = _ufunc(np.arctanh, name="atanh", quiet=True)
atanh.vjp(x=lambda g, x: g / _bar(1 - x * x))


def _tanh_step(g, y, out):
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    np.multiply(g, out, out=out)


@primitive
def tanh_grad(g, y):
    """``g * (1 - y**2)`` with one buffer."""
    return in_blocks(_tanh_step, y, g, y)


tanh_grad.vjp(g=lambda g, y: tanh_grad(g, _bar(y)), y=lambda h, g, y: product(h, _bar(g * y), -2))


@primitive(promote="float")
def sigmoid(x):
    """``1 / (1 + exp(-x))`` without overflow."""
    if x.dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    return in_blocks(_sigmoid_step, x, x)


def _sigmoid_step(x, out):
    np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    np.multiply(out, 0.5, out=out)
    np.add(out, 0.5, out=out)


sigmoid.primitive.into = lambda x: _sigmoid_step(x, x)
sigmoid.vjp(x=lambda g, out: sigmoid_grad(g, _bar(out)))


def _sigmoid_grad_step(g, y, out):
    np.subtract(1, y, out=out)
    np.multiply(y, out, out=out)
    np.multiply(g, out, out=out)


@primitive
def sigmoid_grad(g, y):
    """``g * y * (1 - y)`` with one buffer."""
    return in_blocks(_sigmoid_grad_step, y, g, y)


sigmoid_grad.vjp(g=lambda g, y: sigmoid_grad(g, _bar(y)), y=lambda h, g, y: h * _bar(g * (1 - 2 * y)))


@primitive(promote="same", into=lambda a: np.maximum(a, 0, out=a))
def relu(x):
    """``max(x, 0)``; gradient 0 at 0."""
    return in_blocks(_relu_step, x, x, passes=2) if x.size > _MANY else np.maximum(x, 0)


def _relu_step(x, out):
    np.maximum(x, 0, out=out)


def _relu_slope(g, y, out):
    kept(g, y != 0, out)


_MANY = 1 << 20  # elements that are worth a second thread


def _relu_vjp(g, out):
    if out.__class__ is not np.ndarray:
        return relu_grad(g, out)
    into = spare(g, out)
    if out.size > _MANY:
        return in_blocks(_relu_slope, out, g, out, passes=2, into=into)
    return kept(g, out != 0, into)


relu.vjp(x=_relu_vjp)


@primitive
def relu_grad(g, y):
    """``g`` where ``y`` is not 0, else 0."""
    return kept(g, y != 0)


relu_grad.vjp(g=lambda g, y: relu_grad(g, y), y=lambda g: zero(g))


@primitive
def abs(x):
    """The absolute value; gradient 0 at 0."""
    if x.dtype == bool:
        raise NotImplementedError("\"abs_cpu\" not implemented for 'Bool'")
    return np.abs(x)


abs.vjp(x=lambda g, x: g * sgn(x))


@primitive
def sgn(x):
    """``x / |x|``, 0 at 0; for real numbers the sign."""
    return _sign(x)


def _sgn_vjp(g, x, out):
    if not is_complex(out):
        return zero(g)
    m = abs(x)
    m = where(m == 0, 1.0, m)
    return (g - out * real(conj(g) * out)) / m * (x != 0)


sgn.vjp(x=_sgn_vjp)


@primitive(promote="float")
def deg2rad(x):
    """Degrees to radians."""
    return x * (math.pi / 180)


deg2rad.vjp(x=lambda g: g * (math.pi / 180))


@primitive(promote="float")
def rad2deg(x):
    """Radians to degrees."""
    return x * (180 / math.pi)


rad2deg.vjp(x=lambda g: g * (180 / math.pi))
