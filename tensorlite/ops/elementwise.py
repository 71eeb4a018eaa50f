"""Elementwise operations: one NumPy call forward, one expression per argument backward.

Subgradients follow PyTorch: 0 for ``abs`` and ``relu`` at 0, shared evenly between equal arguments of
``maximum``, 1 for ``clamp`` at its bounds. Gradients of complex functions are conjugate Wirtinger
derivatives (https://docs.pytorch.org/docs/stable/notes/autograd.html#autograd-for-complex-numbers).
"""

from __future__ import annotations

import numpy as np

from ..dtypes import result_dtype
from ..engine import primitive

ndarray = np.ndarray


def _ufunc(ufunc, *, promote="float", **options):
    """A unary primitive around a NumPy ufunc, in place through ``out=``."""

    def forward(x):
        return ufunc(x)

    forward.__name__ = options.pop("name", ufunc.__name__)
    forward.__qualname__ = forward.__name__
    forward.__doc__ = options.pop("doc", f"Elementwise ``{forward.__name__}`` of ``x``.")
    return primitive(forward, promote=promote, into=lambda a: ufunc(a, out=a), **options)


# -- complex numbers -------------------------------------------------------------------------------


@primitive
def conj(x):
    """The complex conjugate; a real ``x`` as it is."""
    return np.conjugate(x)


conj.vjp(x=lambda g: conj(g))


def _bar(x):
    """Conjugate where that means anything: gradients of real functions skip the call."""
    if x.__class__ is ndarray:
        return x.conj() if x.dtype.kind == "c" else x
    if isinstance(x, (int, float)):
        return x
    return conj(x) if getattr(x, "is_complex", lambda: isinstance(x, complex))() else x


@primitive
def real(x):
    """The real part."""
    return np.array(x.real) if x.dtype.kind == "c" else x


real.vjp(x=lambda g: g)


@primitive
def imag(x):
    """The imaginary part of a complex ``x``."""
    return np.array(x.imag)


imag.vjp(x=lambda g: 1j * g)


@primitive
def angle(x):
    """The argument of a complex number; 0 or pi for a real one."""
    return np.angle(x).astype(x.real.dtype)


angle.vjp(x=lambda g, x: g * _angle_slope(x))


@primitive(differentiable=False)
def _angle_slope(x):
    if x.dtype.kind != "c":
        return np.zeros_like(x)
    m = (x.real**2 + x.imag**2)
    return np.where(m == 0, 0, (-x.imag + 1j * x.real) / np.where(m == 0, 1, m)).astype(x.dtype)


# -- arithmetic ------------------------------------------------------------------------------------


@primitive(promote="same", broadcasts=True, into=lambda a, b: np.add(a, b, out=a))
def add(a, b):
    """``a + b``."""
    return np.add(a, b)


add.vjp(a=lambda g: g, b=lambda g: g)


@primitive(promote="same", broadcasts=True, into=lambda a, b: np.subtract(a, b, out=a))
def sub(a, b):
    """``a - b``."""
    if a.__class__ is ndarray and a.dtype == bool:
        raise TypeError("Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert "
                        "a mask, use the `~` or `logical_not()` operator instead.")  # fmt: skip
    return np.subtract(a, b)


sub.vjp(a=lambda g: g, b=lambda g: -g)


@primitive(promote="same", broadcasts=True, into=lambda a, b: np.multiply(a, b, out=a))
def mul(a, b):
    """``a * b``."""
    return np.multiply(a, b)


mul.vjp(a=lambda g, b: g * _bar(b), b=lambda g, a: g * _bar(a))


@primitive(promote="float", broadcasts=True, into=lambda a, b: np.divide(a, b, out=a))
def div(a, b):
    """``a / b``; integers divide to floats."""
    return np.divide(a, b)


div.vjp(a=lambda g, b: g / _bar(b), b=lambda g, a, b: -g * _bar((a / b) / b))


@primitive(promote="same")
def neg(x):
    """``-x``."""
    return np.negative(x)


neg.vjp(x=lambda g: -g)


@primitive(promote="same", broadcasts=True)
def pow(a, b):
    """``a ** b``; gradient 0 with respect to ``a`` where ``b`` is 0, and to ``b`` where ``a`` is 0."""
    if a.__class__ is ndarray and a.dtype.kind in "iu" and np.any(np.asarray(b) < 0):
        if np.ndim(b) == 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        return np.where(np.asarray(b) < 0, np.trunc(np.power(a.astype(float), b)), np.power(a, np.abs(b))).astype(a.dtype)
    if b.__class__ is int or b.__class__ is float:
        if b == 2:
            return np.multiply(a, a)
        if b == 0.5 and a.dtype.kind == "f":
            return np.sqrt(a)
    return np.power(a, b)


def _pow_base(g, a, b):
    if isinstance(b, (int, float)):
        if b == 0:
            return g * 0
        if b == 1:
            return g
        if b == 2:
            return g * (2 * _bar(a))
        return g * _bar(b * a ** (b - 1))
    return where(b == 0, 0.0, g * _bar(b * a ** (b - 1)))


def _pow_exponent(g, a, b, out):
    return g * _bar(where((a == 0) & (real(b) >= 0), 0.0, out * log(a)))


pow.vjp(a=_pow_base, b=_pow_exponent)


@primitive(promote="same", broadcasts=True)
def remainder(a, b):
    """``a - b * floor(a / b)``, with the sign of ``b``."""
    return np.remainder(a, b)


remainder.vjp(a=lambda g: g, b=lambda g, a, b: -g * floor(a / b))


@primitive(promote="same", broadcasts=True)
def fmod(a, b):
    """``a - b * trunc(a / b)``, with the sign of ``a``."""
    return np.fmod(a, b)


fmod.vjp(a=lambda g: g, b=lambda g, a, b: -g * trunc(a / b))


@primitive(promote="same", broadcasts=True, differentiable=False)
def floor_divide(a, b):
    """``floor(a / b)``."""
    return np.floor_divide(a, b)


@primitive(broadcasts=True, nondiff=("condition",))
def where(condition, a, b):
    """``a`` where ``condition`` holds, else ``b``; the two values promote, the condition does not."""
    d = result_dtype((a, b))
    return np.where(condition, np.asarray(a).astype(d, copy=False), np.asarray(b).astype(d, copy=False))


where.vjp(a=lambda g, condition: where(condition, g, 0.0), b=lambda g, condition: where(condition, 0.0, g))


@primitive(promote="same", broadcasts=True)
def maximum(a, b):
    """The larger of two; NaN wins. Equal values share the gradient."""
    return np.maximum(a, b)


maximum.vjp(a=lambda g, a, b: g * _wins(a, b), b=lambda g, a, b: g * _wins(b, a))


@primitive(promote="same", broadcasts=True)
def minimum(a, b):
    """The smaller of two; NaN wins. Equal values share the gradient."""
    return np.minimum(a, b)


minimum.vjp(a=lambda g, a, b: g * _wins(b, a), b=lambda g, a, b: g * _wins(a, b))


@primitive(promote="same", broadcasts=True, differentiable=False)
def _wins(a, b):
    """1 where ``a > b``, one half where they are equal, else 0."""
    a, b = np.asarray(a), np.asarray(b)
    return ((a > b) + 0.5 * (a == b)).astype(np.result_type(a, b))


# -- functions of one variable ---------------------------------------------------------------------

exp = _ufunc(np.exp)
exp.vjp(x=lambda g, out: g * _bar(out))
exp2 = _ufunc(np.exp2)
exp2.vjp(x=lambda g, out: g * (_bar(out) * 0.6931471805599453))
expm1 = _ufunc(np.expm1)
expm1.vjp(x=lambda g, out: g * _bar(out + 1))
log = _ufunc(np.log)
log.vjp(x=lambda g, x: g / _bar(x))
log2 = _ufunc(np.log2)
log2.vjp(x=lambda g, x: g / _bar(x * 0.6931471805599453))
log10 = _ufunc(np.log10)
log10.vjp(x=lambda g, x: g / _bar(x * 2.302585092994046))
log1p = _ufunc(np.log1p)
log1p.vjp(x=lambda g, x: g / _bar(x + 1))
sqrt = _ufunc(np.sqrt)
sqrt.vjp(x=lambda g, out: g / _bar(2 * out))
square = _ufunc(np.square, promote="same")
square.vjp(x=lambda g, x: g * _bar(2 * x))
reciprocal = _ufunc(np.reciprocal)
reciprocal.vjp(x=lambda g, out: -g * _bar(out * out))


@primitive(promote="float")
def rsqrt(x):
    """``1 / sqrt(x)``."""
    return 1 / np.sqrt(x)


rsqrt.vjp(x=lambda g, out: g * _bar(-0.5 * (out * out * out)))

sin = _ufunc(np.sin)
sin.vjp(x=lambda g, x: g * _bar(cos(x)))
cos = _ufunc(np.cos)
cos.vjp(x=lambda g, x: g * _bar(-sin(x)))
tan = _ufunc(np.tan)
tan.vjp(x=lambda g, out: g * _bar(1 + out * out))
asin = _ufunc(np.arcsin, name="asin")
asin.vjp(x=lambda g, x: g * _bar(rsqrt(1 - x * x)))
acos = _ufunc(np.arccos, name="acos")
acos.vjp(x=lambda g, x: g * _bar(-rsqrt(1 - x * x)))
atan = _ufunc(np.arctan, name="atan")
atan.vjp(x=lambda g, x: g / _bar(x * x + 1))
sinh = _ufunc(np.sinh)
sinh.vjp(x=lambda g, x: g * _bar(cosh(x)))
cosh = _ufunc(np.cosh)
cosh.vjp(x=lambda g, x: g * _bar(sinh(x)))
tanh = _ufunc(np.tanh)
tanh.vjp(x=lambda g, out: g * _bar(1 - out * out))
asinh = _ufunc(np.arcsinh, name="asinh")
asinh.vjp(x=lambda g, x: g * _bar(rsqrt(x * x + 1)))
acosh = _ufunc(np.arccosh, name="acosh")
acosh.vjp(x=lambda g, x: g * _bar(rsqrt(x * x - 1)))
atanh = _ufunc(np.arctanh, name="atanh")
atanh.vjp(x=lambda g, x: g / _bar(1 - x * x))


@primitive(promote="float", broadcasts=True)
def atan2(a, b):
    """The angle of the point (b, a)."""
    return np.arctan2(a, b)


atan2.vjp(a=lambda g, a, b: g * (b / (a * a + b * b)), b=lambda g, a, b: g * (-a / (a * a + b * b)))


@primitive
def abs(x):
    """The absolute value; gradient 0 at 0."""
    return np.abs(x)


abs.vjp(x=lambda g, x: g * sgn(x))


@primitive
def sgn(x):
    """``x / |x|``, 0 at 0; for real numbers the sign."""
    return np.sign(x)


def _sgn_vjp(g, x, out):
    if out.dtype.kind != "c" if out.__class__ is ndarray else not out.is_complex():
        return g * 0
    m = abs(x)
    m = where(m == 0, 1.0, m)
    return (g - out * real(conj(g) * out)) / m * (x != 0)


sgn.vjp(x=_sgn_vjp)


def _step(name, ufunc):
    """A piecewise constant function: its gradient is zero everywhere."""

    def forward(x):
        return ufunc(x) if x.dtype.kind == "f" else x.copy()

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = f"Elementwise ``{name}`` of ``x``; its gradient is zero."
    op = primitive(forward)
    op.vjp(x=lambda g: g * 0)
    return op


floor = _step("floor", np.floor)
ceil = _step("ceil", np.ceil)
trunc = _step("trunc", np.trunc)


@primitive
def round(x, *, decimals=0):
    """Round half to even; its gradient is zero."""
    return np.round(x, decimals)


round.vjp(x=lambda g: g * 0)


@primitive
def sign(x):
    """-1, 0 or 1; its gradient is zero."""
    return np.sign(x) if x.dtype != bool else x.copy()


sign.vjp(x=lambda g: g * 0)


@primitive(promote="float")
def sigmoid(x):
    """``1 / (1 + exp(-x))`` without overflow."""
    if x.dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    half = x.dtype.type(0.5)
    out = np.multiply(x, half)
    np.tanh(out, out=out) if out.__class__ is ndarray and out.ndim else None
    if out.ndim == 0:
        out = np.asarray(np.tanh(out))
    return np.add(np.multiply(out, half), half)


sigmoid.vjp(x=lambda g, out: g * _bar(out * (1 - out)))


@primitive(promote="same", into=lambda a: np.maximum(a, 0, out=a))
def relu(x):
    """``max(x, 0)``; gradient 0 at 0."""
    return np.maximum(x, 0)


relu.vjp(x=lambda g, out: g * (out > 0))


@primitive(nondiff=("low", "high"))
def _clamp(x, low, high):
    """``x`` within constant bounds."""
    return np.clip(x, low, high) if not (low is None and high is None) else x.copy()


def _inside(x, low, high):
    inside = True if low is None else x >= low
    return inside if high is None else inside & (x <= high)


_clamp.vjp(x=lambda g, x, low, high: g * _inside(x, low, high))

# -- comparisons and logic -------------------------------------------------------------------------


def _compare(name, ufunc):
    def forward(a, b):
        return ufunc(a, b)

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = f"Elementwise ``{ufunc.__name__}``; a bool tensor without gradient."
    return primitive(forward, promote="same", broadcasts=True, differentiable=False)


eq = _compare("eq", np.equal)
ne = _compare("ne", np.not_equal)
lt = _compare("lt", np.less)
le = _compare("le", np.less_equal)
gt = _compare("gt", np.greater)
ge = _compare("ge", np.greater_equal)


def _bits(name, ufunc):
    def forward(a, b):
        return ufunc(a, b)

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = f"Elementwise ``{ufunc.__name__}`` of integers or bools."
    return primitive(forward, promote="same", broadcasts=True, differentiable=False,
                     into=lambda a, b: ufunc(a, b, out=a))  # fmt: skip


bitwise_and = _bits("bitwise_and", np.bitwise_and)
bitwise_or = _bits("bitwise_or", np.bitwise_or)
bitwise_xor = _bits("bitwise_xor", np.bitwise_xor)
bitwise_left_shift = _bits("bitwise_left_shift", np.left_shift)
bitwise_right_shift = _bits("bitwise_right_shift", np.right_shift)


def _test(name, ufunc, doc, count=1):
    if count == 1:
        def forward(x):  # fmt: skip
            return ufunc(x)
    else:
        def forward(a, b):  # fmt: skip
            return ufunc(a, b)

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = doc
    return primitive(forward, broadcasts=count == 2, differentiable=False)


bitwise_not = _test("bitwise_not", np.invert, "Bitwise not; for bools logical not.")
logical_not = _test("logical_not", np.logical_not, "True where ``x`` is zero.")
logical_and = _test("logical_and", np.logical_and, "True where both are nonzero.", 2)
logical_or = _test("logical_or", np.logical_or, "True where one is nonzero.", 2)
logical_xor = _test("logical_xor", np.logical_xor, "True where exactly one is nonzero.", 2)
isnan = _test("isnan", np.isnan, "True where ``x`` is NaN.")
isinf = _test("isinf", np.isinf, "True where ``x`` is infinite.")
isfinite = _test("isfinite", np.isfinite, "True where ``x`` is finite.")

# -- in-place assignment ---------------------------------------------------------------------------


@primitive(broadcasts=True)
def assign(x, value):
    """``value`` in the shape and dtype of ``x``: what ``copy_``, ``fill_`` and ``x[i] = v`` write."""
    return np.array(np.broadcast_to(value, x.shape), dtype=x.dtype)


def _assign_into(a, value):
    if np.iscomplexobj(value) and a.dtype.kind != "c":
        value = np.real(value)
    a[...] = value


assign.primitive.into = _assign_into
assign.vjp(x=lambda g: g * 0, value=lambda g: g)
