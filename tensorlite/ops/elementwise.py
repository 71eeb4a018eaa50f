"""Elementwise operations: arithmetic here, the rest by its room.

Functions of one variable stand in ``unary``, comparisons and choices in ``compare``, complex numbers in
``complex``, roundings in ``rounding``; this module shows them all under one name.
"""

import math
from builtins import complex as _number  # ``complex`` is an operation here

import numpy as np

from .. import dtypes
from ..engine import TensorBase, primitive, unwrap
from .blocks import _quiet, in_blocks, product, zero  # noqa: F401
from .compare import (  # noqa: F401
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    clamp,
    eq,
    fmax,
    fmin,
    gcd,
    ge,
    gt,
    isclose,
    isfinite,
    isin,
    isinf,
    isnan,
    isneginf,
    isposinf,
    isreal,
    lcm,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    masked_fill,
    maximum,
    minimum,
    ne,
    signbit,
    where,
)  # fmt: skip
from .complex import _bar, angle, complex, conj, imag, is_complex, polar, real, view_as_complex, view_as_real  # noqa: F401
from .rounding import ceil, floor, frac, frexp, nan_to_num, round, sign, trunc  # noqa: F401
from .unary import (  # noqa: F401
    abs,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    deg2rad,
    exp,
    exp2,
    expm1,
    log,
    log1p,
    log2,
    log10,
    rad2deg,
    reciprocal,
    relu,
    rsqrt,
    sgn,
    sigmoid,
    sigmoid_grad,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    tanh_grad,
)  # fmt: skip

# -- arithmetic ------------------------------------------------------------------------------------


@primitive(promote="same", broadcasts=True, into=lambda a, b: np.add(a, b, out=a), kernel=np.add)
def add(a, b):
    """``a + b``."""
    return np.add(a, b)


add.vjp(a=lambda g: g, b=lambda g: g)


@primitive(promote="signed", broadcasts=True, into=lambda a, b: np.subtract(a, b, out=a), kernel=np.subtract)
def sub(a, b):
    """``a - b``; not of bools."""
    if np.result_type(a, b).kind == "b":
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
                           "`logical_xor()` operator instead.")  # fmt: skip
    return np.subtract(a, b)


sub.vjp(a=lambda g: g, b=lambda g: -g)


@primitive(promote="same", broadcasts=True, into=lambda a, b: np.multiply(a, b, out=a), kernel=np.multiply)
def mul(a, b):
    """``a * b``."""
    return np.multiply(a, b)


mul.vjp(a=lambda g, b: g * _bar(b), b=lambda g, a: g * _bar(a))


@primitive(promote="float", broadcasts=True, into=_quiet(lambda a, b: np.divide(a, b, out=a)))
@_quiet
def div(a, b):
    """``a / b``; integers divide to floats."""
    return np.divide(a, b)


div.vjp(a=lambda g, b: g / _bar(b), b=lambda g, a, b: -g * _bar((a / b) / b))


def _negate(a):
    if a.flags.c_contiguous:
        np.negative(a, out=a)
    else:
        a[...] = np.negative(a)  # NumPy 2.4 errs where a result is written with a stride of 16 bytes or so


@primitive(promote="same", into=_negate, kernel=np.negative)
def neg(x):
    """``-x``."""
    if x.dtype == bool:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a "
                           "mask, use the `~` or `logical_not()` operator instead.")  # fmt: skip
    return np.negative(x)


neg.vjp(x=lambda g: -g)


@primitive(promote="same", broadcasts=True)
@_quiet
def pow(a, b):
    """``a ** b``; gradient 0 with respect to ``a`` where ``b`` is 0, and to ``b`` where ``a`` is 0."""
    if b.__class__ is int or b.__class__ is float:
        if b == 2:
            return np.multiply(a, a)
        if b == 0.5 and a.dtype.kind == "f":
            return np.sqrt(a)
    if b.__class__ is np.ndarray and b.dtype.kind == "i" and np.any(b < 0):
        if not b.ndim:  # a number, or a tensor that cannot be told from one here
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        a = np.asarray(a, b.dtype)
        ones = np.where(a == 1, 1, np.where(a == -1, 1 - 2 * (b & 1), 0))  # 1 / a**|b| as an integer
        return np.where(b < 0, ones, np.power(a, np.abs(b))).astype(a.dtype)
    return np.power(a, b)


def _pow_base(g, a, b):
    if isinstance(b, (int, float)):
        if b == 0:
            return zero(g)
        if isinstance(a, TensorBase):  # as PyTorch's, also where it is constant the slope has a graph
            return g * _bar(b * a ** (b - 1))
        if b == 1:
            return g
        if b == 2:
            return product(g, _bar(a), 2)
        return g * _bar(b * a ** (b - 1))
    return where(b == 0, 0.0, g * _bar(b * a ** (b - 1)))


def _pow_exponent(g, a, b, out):
    if isinstance(a, (int, float)):
        slope = math.log(a) if a > 0 else (0.0 if a == 0 else math.nan)
        return where((real(b) >= 0) & (a == 0), 0.0, g * _bar(out * slope))
    return g * _bar(where((a == 0) & (real(b) >= 0), 0.0, out * log(a)))


pow.vjp(a=_pow_base, b=_pow_exponent)


def _divisible(name, a, b):
    """Refuse what has no quotients with a rest, and integers divided by zero."""
    d = np.result_type(a, b)
    if d.kind in "bc":
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{dtypes.of(d).title}'")
    if d.kind in "iu" and not np.all(b):
        raise RuntimeError("ZeroDivisionError")


@primitive(promote="same", broadcasts=True)
@_quiet
def remainder(a, b):
    """``a - b * floor(a / b)``, with the sign of ``b``."""
    _divisible("remainder", a, b)
    return np.remainder(a, b)


remainder.vjp(a=lambda g: g, b=lambda g, a, b: -g * floor_divide(a, b))


@primitive(promote="same", broadcasts=True)
@_quiet
def fmod(a, b):
    """``a - b * trunc(a / b)``, with the sign of ``a``."""
    _divisible("fmod", a, b)
    return np.fmod(a, b)


fmod.vjp(a=lambda g: g, b=lambda g, a, b: -g * trunc(a / b))


@primitive(promote="same", broadcasts=True)
@_quiet
def floor_divide(a, b):
    """``floor(a / b)``; its gradient is zero."""
    _divisible("div_floor", a, b)
    return np.floor_divide(a, b)


@primitive(promote="same", broadcasts=True)
@_quiet
def trunc_divide(a, b):
    """``trunc(a / b)``; its gradient is zero."""
    _divisible("div_trunc", a, b)
    if np.result_type(a, b).kind in "iub":
        quotient, rest = np.divmod(a, b)
        return quotient + ((rest != 0) & (quotient < 0))
    return np.trunc(np.divide(a, b))


for _op in (floor_divide, trunc_divide):
    _op.vjp(a=lambda g: zero(g), b=lambda g: zero(g))


def divide(input, other, *, rounding_mode=None):
    """``input / other``, rounded towards zero (``'trunc'``), down (``'floor'``) or not (None).

    Raises
    ------
    RuntimeError
        For another rounding mode.
    """
    if rounding_mode is None:
        return div(input, other)
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return (floor_divide if rounding_mode == "floor" else trunc_divide)(input, other)


@primitive(promote="same", broadcasts=True)
def lerp(start, end, weight):
    """``start + weight * (end - start)``, exact at both ends."""
    span = end - start
    low = np.abs(weight) < 0.5
    if np.ndim(low) == 0:
        return start + weight * span if low else end - span * (1 - weight)
    return np.where(low, start + weight * span, end - span * (1 - weight))


lerp.vjp(
    start=lambda g, weight: g * _bar(1 - weight),
    end=lambda g, weight: g * _bar(weight),
    weight=lambda g, start, end: g * _bar(end - start),
)


@primitive(promote="same", broadcasts=True)
def addcmul(x, a, b, *, value=1):
    """``x + value * a * b``."""
    return x + value * (a * b)


addcmul.vjp(
    x=lambda g: g, a=lambda g, b, value: g * _bar(b * value), b=lambda g, a, value: g * _bar(a * value)
)  # fmt: skip


@primitive(promote="same", broadcasts=True)
@_quiet
def addcdiv(x, a, b, *, value=1):
    """``x + value * a / b``."""
    if np.result_type(a, b).kind in "iub":
        raise RuntimeError("Integer division with addcdiv is no longer supported; use x + value * trunc(a / b)")
    return x + value * (a / b)


addcdiv.vjp(
    x=lambda g: g, a=lambda g, b, value: g * _bar(value / b), b=lambda g, a, b, value: -g * _bar(value * a / (b * b))
)  # fmt: skip


def _need_float(name, a, b):
    if np.result_type(a, b).kind != "f":
        raise NotImplementedError(
            f"{name} is not implemented for {np.result_type(a, b)}; it takes floating-point tensors"
        )


@primitive(promote="same", broadcasts=True)
def hypot(a, b):
    """``sqrt(a**2 + b**2)`` without overflow."""
    _need_float("hypot", a, b)
    return np.hypot(a, b)


hypot.vjp(a=lambda g, a, out: g * (a / out), b=lambda g, b, out: g * (b / out))


@primitive(promote="float", broadcasts=True)
def atan2(a, b):
    """The angle of the point (b, a)."""
    return np.arctan2(a, b)


atan2.vjp(a=lambda g, a, b: g * (b / _radius2(a, b)), b=lambda g, a, b: g * (-a / _radius2(a, b)))


def _radius2(a, b):
    size = a * a + b * b
    return where(size == 0, 1.0, size)


@primitive(promote="same", broadcasts=True)
def logaddexp(a, b):
    """``log(exp(a) + exp(b))``."""
    _need_float("logaddexp", a, b)
    return np.logaddexp(a, b)


logaddexp.vjp(a=lambda g, a, b: g / (1 + exp(b - a)), b=lambda g, a, b: g / (1 + exp(a - b)))


@primitive(promote="same", broadcasts=True)
def logaddexp2(a, b):
    """``log2(2**a + 2**b)``."""
    _need_float("logaddexp2", a, b)
    return np.logaddexp2(a, b)


logaddexp2.vjp(a=lambda g, a, b: g / (1 + exp2(b - a)), b=lambda g, a, b: g / (1 + exp2(a - b)))


@primitive(promote="float", broadcasts=True)
def copysign(a, b):
    """``|a|`` with the sign of ``b``."""
    return np.copysign(a, b)


copysign.vjp(a=lambda g, a, out: where(a == 0, 0.0, g * (out / a)), b=lambda g: zero(g))


@primitive(promote="same", broadcasts=True)
def nextafter(a, b):
    """The next number after ``a`` towards ``b``."""
    _need_float("nextafter", a, b)
    return np.nextafter(a, b)


nextafter.vjp(a=lambda g, a, b: where(a == b, 0.0, g), b=lambda g: zero(g))


@primitive(promote="same", broadcasts=True, differentiable=False)
def heaviside(x, values):
    """0 below zero, ``values`` at zero, 1 above."""
    return np.where(x == 0, values, (x > 0).astype(x.dtype)).astype(x.dtype)


def float_power(input, exponent):
    """``input ** exponent`` in double precision."""
    from ..engine import cast
    from ..engine.node import tensor_or_none

    def double(v):
        if isinstance(v, (int, float, _number)):
            return v
        return cast(tensor_or_none(v), dtype=np.dtype(np.complex128 if is_complex(v) else np.float64))

    wide = np.dtype(np.complex128 if is_complex(input) or is_complex(exponent) else np.float64)
    if isinstance(input, (int, float, _number)):
        input = np.asarray(input, wide)
    return pow(double(input), double(exponent))


def ldexp(input, other):
    """``input * 2**other``."""
    return mul(input, pow(2.0, other))


# -- in-place assignment ---------------------------------------------------------------------------


@primitive(broadcasts=True)
def assign(x, value):
    """``value`` in the shape and dtype of ``x``: what ``copy_``, ``fill_`` and ``x[i] = v`` write."""
    return np.array(np.broadcast_to(value, x.shape), dtype=x.dtype)


def _assign_into(a, value):
    value = unwrap(value)
    if np.iscomplexobj(value) and a.dtype.kind != "c":
        value = np.real(value)
    a[...] = value


assign.primitive.into = _assign_into
assign.vjp(x=lambda g: zero(g), value=lambda g: g)
