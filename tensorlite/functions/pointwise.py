"""Elementwise functions: arithmetic with ``alpha``, unary mathematics, comparisons, logic."""

from __future__ import annotations

from ..engine import TensorBase, clone as _clone
from ..ops import elementwise as ew
from ._common import into, tensor_arg


def _unary(op, name=None):
    """PyTorch's ``op(input, *, out=None)`` around a primitive of one argument."""
    name = name or op.primitive.name

    def function(input, *, out=None):
        result = op(tensor_arg(input, "input", name))
        return result if out is None else into(out, result)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.__doc__
    function.primitive_op = op
    return function


def _binary(op, name=None):
    """PyTorch's ``op(input, other, *, out=None)`` around a primitive of two arguments."""
    name = name or op.primitive.name

    def function(input, other, *, out=None):
        if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
            tensor_arg(input, "input", name)
        result = op(input, other)
        return result if out is None else into(out, result)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.__doc__
    function.primitive_op = op
    return function


exp = _unary(ew.exp)
exp2 = _unary(ew.exp2)
expm1 = _unary(ew.expm1)
log = _unary(ew.log)
log2 = _unary(ew.log2)
log10 = _unary(ew.log10)
log1p = _unary(ew.log1p)
sqrt = _unary(ew.sqrt)
rsqrt = _unary(ew.rsqrt)
square = _unary(ew.square)
reciprocal = _unary(ew.reciprocal)
sin = _unary(ew.sin)
cos = _unary(ew.cos)
tan = _unary(ew.tan)
asin = arcsin = _unary(ew.asin)
acos = arccos = _unary(ew.acos)
atan = arctan = _unary(ew.atan)
sinh = _unary(ew.sinh)
cosh = _unary(ew.cosh)
tanh = _unary(ew.tanh)
asinh = arcsinh = _unary(ew.asinh)
acosh = arccosh = _unary(ew.acosh)
atanh = arctanh = _unary(ew.atanh)
abs = absolute = _unary(ew.abs)
neg = negative = _unary(ew.neg)
sgn = _unary(ew.sgn)
sign = _unary(ew.sign)
floor = _unary(ew.floor)
ceil = _unary(ew.ceil)
trunc = fix = _unary(ew.trunc)
sigmoid = _unary(ew.sigmoid)
relu = _unary(ew.relu)
angle = _unary(ew.angle)
conj = _unary(ew.conj)
real = _unary(ew.real)
imag = _unary(ew.imag)
bitwise_not = _unary(ew.bitwise_not)
logical_not = _unary(ew.logical_not)
isnan = _unary(ew.isnan)
isinf = _unary(ew.isinf)
isfinite = _unary(ew.isfinite)

mul = multiply = _binary(ew.mul)
pow = _binary(ew.pow)
remainder = _binary(ew.remainder)
fmod = _binary(ew.fmod)
floor_divide = _binary(ew.floor_divide)
maximum = _binary(ew.maximum)
minimum = _binary(ew.minimum)
atan2 = arctan2 = _binary(ew.atan2)
eq = _binary(ew.eq)
ne = not_equal = _binary(ew.ne)
lt = less = _binary(ew.lt)
le = less_equal = _binary(ew.le)
gt = greater = _binary(ew.gt)
ge = greater_equal = _binary(ew.ge)
bitwise_and = _binary(ew.bitwise_and)
bitwise_or = _binary(ew.bitwise_or)
bitwise_xor = _binary(ew.bitwise_xor)
bitwise_left_shift = _binary(ew.bitwise_left_shift)
bitwise_right_shift = _binary(ew.bitwise_right_shift)
logical_and = _binary(ew.logical_and)
logical_or = _binary(ew.logical_or)
logical_xor = _binary(ew.logical_xor)


def add(input, other, *, alpha=1, out=None):
    """``input + alpha * other``."""
    result = ew.add(input, other if alpha == 1 else ew.mul(other, alpha))
    return result if out is None else into(out, result)


def sub(input, other, *, alpha=1, out=None):
    """``input - alpha * other``."""
    result = ew.sub(input, other if alpha == 1 else ew.mul(other, alpha))
    return result if out is None else into(out, result)


subtract = sub


def rsub(input, other, *, alpha=1):
    """``other - alpha * input``."""
    return ew.sub(other, input if alpha == 1 else ew.mul(input, alpha))


def div(input, other, *, rounding_mode=None, out=None):
    """``input / other``, rounded where ``rounding_mode`` is 'trunc' or 'floor'."""
    if rounding_mode is None:
        result = ew.div(input, other)
    elif rounding_mode == "floor":
        result = ew.floor_divide(input, other)
    elif rounding_mode == "trunc":
        from ..dtypes import result_dtype
        from ..engine import cast

        d = result_dtype((input, other))
        result = ew.trunc(ew.div(input, other))
        result = result if result._data.dtype == d else cast(result, dtype=d)
    else:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return result if out is None else into(out, result)


divide = div


def true_divide(input, other, *, out=None):
    """``input / other``."""
    return div(input, other, out=out)


def round(input, *, decimals=0, out=None):
    """Round half to even, at ``decimals`` places."""
    result = ew.round(tensor_arg(input, "input", "round"), decimals=decimals)
    return result if out is None else into(out, result)


def positive(input):
    """``input`` itself; bools have no sign."""
    if input._data.dtype == bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def clamp(input, min=None, max=None, *, out=None):
    """``input`` within ``[min, max]``: numbers or tensors, either may be left out."""
    tensor_arg(input, "input", "clamp")
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, TensorBase) or isinstance(max, TensorBase):
        result = input
        if min is not None:
            result = ew.maximum(result, min)
        if max is not None:
            result = ew.minimum(result, max)
    else:
        if input._data.dtype.kind in "biu" and (isinstance(min, float) or isinstance(max, float)):
            from ..dtypes import result_dtype
            from ..engine import cast

            input = cast(input, dtype=result_dtype((input, 1.0)))
        result = ew._clamp(input, min, max)
    return result if out is None else into(out, result)


clip = clamp


def clamp_min(input, min, *, out=None):
    """``input`` where it is larger than ``min``, else ``min``."""
    return clamp(input, min, None, out=out)


def clamp_max(input, max, *, out=None):
    """``input`` where it is smaller than ``max``, else ``max``."""
    return clamp(input, None, max, out=out)


def where(condition, input=None, other=None, *, out=None):
    """``input`` where ``condition`` holds, else ``other``; with ``condition`` alone, where it holds."""
    if input is None and other is None:
        from .selecting import nonzero

        return nonzero(condition, as_tuple=True)
    result = ew.where(tensor_arg(condition, "condition", "where"), input, other)
    return result if out is None else into(out, result)


def clone(input, *, memory_format=None):
    """A copy of ``input`` on the tape."""
    return _clone(input)


def lerp(input, end, weight, *, out=None):
    """``input + weight * (end - input)``."""
    result = ew.add(input, ew.mul(weight, ew.sub(end, input)))
    return result if out is None else into(out, result)


def addcmul(input, tensor1, tensor2, *, value=1, out=None):
    """``input + value * tensor1 * tensor2``."""
    product = ew.mul(tensor1, tensor2)
    result = ew.add(input, product if value == 1 else ew.mul(product, value))
    return result if out is None else into(out, result)


def addcdiv(input, tensor1, tensor2, *, value=1, out=None):
    """``input + value * tensor1 / tensor2``."""
    quotient = ew.div(tensor1, tensor2)
    result = ew.add(input, quotient if value == 1 else ew.mul(quotient, value))
    return result if out is None else into(out, result)
