"""Comparisons, logic, bits, and choosing between values."""

import numpy as np

from .. import dtypes
from ..engine import primitive, sum_to, titled
from .choose import choose, kept

ndarray = np.ndarray


def _made(name, doc, ufunc, count, **options):
    """A primitive of one or two arguments that is a bare ufunc."""
    forward = titled(name, doc)((lambda x: ufunc(x)) if count == 1 else lambda a, b: ufunc(a, b))
    return primitive(forward, broadcasts=count == 2, differentiable=False, kernel=ufunc, **options)


# -- comparisons -----------------------------------------------------------------------------------


def _compare(name, ufunc):
    return _made(name, f"Elementwise ``{ufunc.__name__}``; a bool tensor without gradient.", ufunc, 2, promote="same")


eq = _compare("eq", np.equal)
ne = _compare("ne", np.not_equal)
lt = _compare("lt", np.less)
le = _compare("le", np.less_equal)
gt = _compare("gt", np.greater)
ge = _compare("ge", np.greater_equal)


@primitive(promote="same", broadcasts=True, differentiable=False)
def isclose(a, b, *, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether ``|a - b| <= atol + rtol * |b|``."""
    for name, bound in (("rtol", rtol), ("atol", atol)):
        if bound < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {bound}")
    with np.errstate(all="ignore"):
        return np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


# -- logic and bits --------------------------------------------------------------------------------


def _bits(name, ufunc, kernel=None):
    @titled(name, f"Elementwise ``{ufunc.__name__}`` of integers or bools.")
    def forward(a, b):
        if np.result_type(a, b).kind not in "biu":
            title = dtypes.of(np.result_type(a, b)).title
            raise NotImplementedError(
                f"\"{kernel or name}_cpu\" not implemented for '{title}'; it takes integers and bools"
            )
        return ufunc(a, b)

    return primitive(forward, promote="same", broadcasts=True, differentiable=False, kernel=ufunc,
                     into=lambda a, b: ufunc(a, b, out=a))  # fmt: skip


bitwise_and = _bits("bitwise_and", np.bitwise_and)
bitwise_or = _bits("bitwise_or", np.bitwise_or)
bitwise_xor = _bits("bitwise_xor", np.bitwise_xor)
bitwise_left_shift = _bits("bitwise_left_shift", np.left_shift, "lshift")
bitwise_right_shift = _bits("bitwise_right_shift", np.right_shift, "rshift")


@primitive(differentiable=False, kernel=np.invert, into=lambda a: np.invert(a, out=a))
def bitwise_not(x):
    """Bitwise not; for bools logical not."""
    if x.dtype.kind not in "biu":
        title = dtypes.of(x.dtype).title
        raise NotImplementedError(f"\"bitwise_not_cpu\" not implemented for '{title}'; it takes integers and bools")
    return np.invert(x)


logical_not = _made("logical_not", "True where ``x`` is zero.", np.logical_not, 1)
logical_and = _made("logical_and", "True where both are nonzero.", np.logical_and, 2)
logical_or = _made("logical_or", "True where one is nonzero.", np.logical_or, 2)
logical_xor = _made("logical_xor", "True where exactly one is nonzero.", np.logical_xor, 2)
isnan = _made("isnan", "True where ``x`` is NaN.", np.isnan, 1)
isinf = _made("isinf", "True where ``x`` is infinite.", np.isinf, 1)
isfinite = _made("isfinite", "True where ``x`` is finite.", np.isfinite, 1)


@primitive(differentiable=False)
def isposinf(x):
    """True where ``x`` is positive infinity."""
    return np.equal(x, np.inf)


@primitive(differentiable=False)
def isneginf(x):
    """True where ``x`` is negative infinity."""
    return np.equal(x, -np.inf)


@primitive(differentiable=False)
def isreal(x):
    """True where the imaginary part is zero."""
    return np.isreal(x)


@primitive(differentiable=False)
def signbit(x):
    """True where the sign bit is set."""
    return np.signbit(x) if x.dtype.kind == "f" else np.less(x, 0)


@primitive(differentiable=False)
def isin(elements, test_elements, *, assume_unique=False, invert=False):
    """Whether each element is among ``test_elements``."""
    return np.isin(elements, test_elements, assume_unique=assume_unique, invert=invert)


@primitive(promote="same", broadcasts=True, differentiable=False)
def gcd(a, b):
    """The greatest common divisor of integers."""
    return np.gcd(a, b)


@primitive(promote="same", broadcasts=True, differentiable=False)
def lcm(a, b):
    """The least common multiple of integers."""
    return np.lcm(a, b)


# -- choosing --------------------------------------------------------------------------------------


@primitive(broadcasts=True, nondiff=("condition",))
def where(condition, a, b):
    """``a`` where ``condition`` holds, else ``b``; the two values promote, the condition does not."""
    kind = condition.dtype.kind if hasattr(condition, "dtype") else "b"
    if kind != "b" and condition.dtype != np.uint8:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}"
        )
    d = _common_dtype(a, b)
    a, b = np.asarray(a).astype(d, copy=False), np.asarray(b).astype(d, copy=False)
    if not isinstance(condition, ndarray) or condition.dtype != bool:
        return np.where(condition, a, b)
    return choose(condition, _one_value(a, condition.shape), _one_value(b, condition.shape))


def _common_dtype(a, b):
    """The dtype of a choice; the usual cases need no table."""
    if a.__class__ is ndarray and (b.__class__ is float or (b.__class__ is ndarray and a.dtype is b.dtype)):
        if b.__class__ is ndarray or a.dtype.kind in "fc":
            return a.dtype
    elif b.__class__ is ndarray and a.__class__ is float and b.dtype.kind in "fc":
        return b.dtype
    # zero-dimensional results of NumPy's operators count as arrays
    return dtypes.result_dtype([np.asarray(v) if isinstance(v, np.generic) else v for v in (a, b)])


def _one_value(x, shape):
    """A value that fills ``shape`` without memory of its own, as the gradient of a sum, as a number."""
    if x.ndim and x.size and not any(x.strides) and x.shape == shape:
        return x[(0,) * x.ndim].reshape(())
    return x


where.vjp(a=lambda g, condition: where(condition, g, 0.0), b=lambda g, condition: where(condition, 0.0, g))


@primitive(broadcasts=True, nondiff=("share",))
def part(g, share):
    """``g * share``; 0 where ``share`` is 0, of an infinite ``g`` too."""
    out = np.multiply(g, share)
    return out if np.isfinite(np.add.reduce(out, axis=None)) else kept(out, np.not_equal(share, 0))


part.vjp(g=lambda h, share: part(h, share))


@primitive(promote="same", broadcasts=True, kernel=np.maximum, into=lambda a, b: np.maximum(a, b, out=a))
def maximum(a, b):
    """The larger of two; NaN wins. Equal values share the gradient."""
    if np.result_type(a, b).kind == "c":
        raise RuntimeError("maximum not implemented for complex tensors.")
    return np.maximum(a, b)


maximum.vjp(a=lambda g, a, b: part(g, _share(a, b)), b=lambda g, a, b: part(g, _share(b, a)))


@primitive(promote="same", broadcasts=True, kernel=np.minimum, into=lambda a, b: np.minimum(a, b, out=a))
def minimum(a, b):
    """The smaller of two; NaN wins. Equal values share the gradient."""
    if np.result_type(a, b).kind == "c":
        raise RuntimeError("minimum not implemented for complex tensors.")
    return np.minimum(a, b)


minimum.vjp(a=lambda g, a, b: part(g, _share(b, a)), b=lambda g, a, b: part(g, _share(a, b)))


@primitive(promote="same", broadcasts=True, differentiable=False)
def _share(a, b):
    """0 where ``a < b``, one half where they are equal, else 1."""
    a, b = np.asarray(a), np.asarray(b)
    d = np.result_type(a, b)
    out = np.multiply(a == b, d.type(-0.5))
    return np.add(out, np.logical_not(a < b), out=out if out.ndim else None)


@primitive(promote="same", broadcasts=True)
def fmax(a, b):
    """The larger of two; a number wins over NaN, and ``a`` takes the gradient of equal values."""
    return np.fmax(a, b)


fmax.vjp(a=lambda g, a, b: where((a >= b) | (b != b), g, 0.0), b=lambda g, a, b: where((a >= b) | (b != b), 0.0, g))


@primitive(promote="same", broadcasts=True)
def fmin(a, b):
    """The smaller of two; a number wins over NaN, and ``a`` takes the gradient of equal values."""
    return np.fmin(a, b)


fmin.vjp(a=lambda g, a, b: where((a <= b) | (b != b), g, 0.0), b=lambda g, a, b: where((a <= b) | (b != b), 0.0, g))


def _clamp_into(x, low=None, high=None):
    if low is not None:
        np.maximum(x, low, out=x)
    if high is not None:
        np.minimum(x, high, out=x)


@primitive(promote="same", broadcasts=True, into=_clamp_into)
def clamp(x, low=None, high=None):
    """``x`` no less than ``low`` and no more than ``high`` (numbers or tensors); ``high`` wins over ``low``."""
    if low is None and high is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if x.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    out = x if low is None else np.maximum(x, low)
    if high is None:
        return out
    room = out is not x and out.ndim and getattr(high, "shape", ()) in ((), out.shape)
    return np.minimum(out, high, out=out if room else None)


def _inside(x, low, high):
    if low is None:
        return x <= high
    return x >= low if high is None else (x >= low) & (x <= high)


clamp.vjp(
    x=lambda g, x, low, high: where(_inside(x, low, high), g, 0.0),
    low=lambda g, x, low, high: where(x < low if high is None else (x < low) & (low < high), g, 0.0),
    high=lambda g, x, low, high: where(x > high if low is None else (x > high) | (high < low), g, 0.0),
)


@primitive(nondiff=("mask",))
def masked_fill(x, mask, value):
    """``x`` with ``value`` (a number or a zero-dimensional tensor) where ``mask`` is true."""
    if mask.dtype != bool:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}")
    if np.ndim(value):
        raise RuntimeError("masked_fill only supports a 0-dimensional value tensor, but got tensor with "
                           f"{np.ndim(value)} dimension(s).")  # fmt: skip
    value = _fitting(value, x.dtype)
    return choose(mask, value, x) if mask.shape == x.shape else np.where(mask, value, x)


def _masked_fill_into(x, mask, value):
    if mask.dtype != bool:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}")
    np.copyto(x, _fitting(value, x.dtype), where=mask)


def _fitting(value, dtype):
    """``value`` as ``dtype``; an error where it cannot be."""
    value = np.asarray(value)
    if value.dtype.kind == "c" and dtype.kind != "c":
        raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
    return value.astype(dtype)


masked_fill.primitive.into = _masked_fill_into


def _masked_fill_x(g, x_shape, mask):
    return sum_to(where(mask, 0.0, g), shape=x_shape)


def _masked_fill_value(g, mask):
    return sum_to(where(mask, g, 0.0), shape=())


masked_fill.vjp(x=_masked_fill_x, value=_masked_fill_value)
