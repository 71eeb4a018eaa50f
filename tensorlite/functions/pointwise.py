"""Elementwise functions: arithmetic with ``alpha``, unary mathematics, comparisons, logic."""

import functools

from .. import dtypes
from ..engine import TensorBase, cast, titled
from ..engine import clone as _clone
from ..engine.plan import called
from ..engine.trail import trail
from ..mistakes.evaluation import compared
from ..ops import elementwise as ew
from ._common import into, into_same, named, number, tensor_arg, turned_round
from .layouts import copied


def _unary(op, name=None, *, casts=True):
    """PyTorch's ``op(input, *, out=None)`` around a primitive of one argument.

    ``casts`` says whether ``out`` may have another dtype than the result.
    """
    name, write = name or op.primitive.name, into if casts else into_same

    @titled(name, op.__doc__)
    def function(input, *, out=None):
        result = op(tensor_arg(input, "input", name))
        return result if out is None else write(out, result, input)

    function.primitive_op = op
    return function


def _binary(op, name=None, *, tensors=False, number_first=False):
    """PyTorch's ``op(input, other, *, out=None)``.

    With ``tensors`` neither may be a number, with ``number_first`` the first may be one.
    """
    name = name or op.primitive.name

    @titled(name, op.__doc__)
    def function(input, other, *, out=None):
        if not (number_first and isinstance(other, TensorBase)) and not isinstance(input, TensorBase):
            tensor_arg(input, "input", name)
        if tensors:
            tensor_arg(other, "other", name, 2)
        result = op(input, other)
        return result if out is None else into(out, result, input, other)

    function.primitive_op = op
    return function


def _watched(compare):
    """``compare`` that also looks whether predictions of a model in training mode are being judged."""

    @functools.wraps(compare)
    def function(input, other, *, out=None):
        if trail.noise:
            compared(input, other)
        return compare(input, other, out=out)

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
_square = _unary(ew.square)
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
abs = absolute = _unary(ew.abs, casts=False)
neg = negative = _unary(ew.neg, casts=False)
sgn = _unary(ew.sgn, casts=False)
sign = _unary(ew.sign, casts=False)
floor = _unary(ew.floor, casts=False)
ceil = _unary(ew.ceil, casts=False)
trunc = fix = _unary(ew.trunc, casts=False)
sigmoid = _unary(ew.sigmoid)
relu = _unary(ew.relu)
angle = _unary(ew.angle)
conj = _unary(ew.conj, casts=False)
real = _unary(ew.real)
imag = _unary(ew.imag)
bitwise_not = _unary(ew.bitwise_not, casts=False)
logical_not = _unary(ew.logical_not)
isnan = _unary(ew.isnan)
isinf = _unary(ew.isinf)
isfinite = _unary(ew.isfinite)
isposinf = _unary(ew.isposinf, casts=False)
isneginf = _unary(ew.isneginf, casts=False)
isreal = _unary(ew.isreal)
signbit = _unary(ew.signbit, casts=False)
frac = _unary(ew.frac, casts=False)
deg2rad = _unary(ew.deg2rad)
rad2deg = _unary(ew.rad2deg)
view_as_real = _unary(ew.view_as_real)
view_as_complex = _unary(ew.view_as_complex)

mul = multiply = _binary(ew.mul, number_first=True)
remainder = _binary(ew.remainder, number_first=True)
fmod = _binary(ew.fmod)
floor_divide = _binary(ew.floor_divide, number_first=True)
maximum = _binary(ew.maximum, tensors=True)
minimum = _binary(ew.minimum, tensors=True)
atan2 = arctan2 = _binary(ew.atan2, tensors=True)
eq = _watched(_binary(ew.eq))
ne = not_equal = _binary(ew.ne)
lt = less = _binary(ew.lt)
le = less_equal = _binary(ew.le)
gt = greater = _binary(ew.gt)
ge = greater_equal = _binary(ew.ge)
bitwise_and = _binary(ew.bitwise_and, number_first=True)
bitwise_or = _binary(ew.bitwise_or, number_first=True)
bitwise_xor = _binary(ew.bitwise_xor, number_first=True)
bitwise_left_shift = _binary(ew.bitwise_left_shift, number_first=True)
bitwise_right_shift = _binary(ew.bitwise_right_shift, number_first=True)
logical_and = _binary(ew.logical_and, tensors=True)
logical_or = _binary(ew.logical_or, tensors=True)
logical_xor = _binary(ew.logical_xor, tensors=True)
fmax = _binary(ew.fmax, tensors=True)
fmin = _binary(ew.fmin, tensors=True)
hypot = _binary(ew.hypot, tensors=True)
logaddexp = _binary(ew.logaddexp, tensors=True)
logaddexp2 = _binary(ew.logaddexp2, tensors=True)
copysign = _binary(ew.copysign)
nextafter = _binary(ew.nextafter, tensors=True)
gcd = _binary(ew.gcd, tensors=True)
lcm = _binary(ew.lcm, tensors=True)
ldexp = _binary(ew.ldexp, "ldexp", tensors=True)
_pow = _binary(ew.pow, number_first=True)
_heaviside = _binary(ew.heaviside, tensors=True)


def pow(input, exponent, *, out=None):
    """``input`` to the power of ``exponent``; one of them may be a number.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.pow(tl.tensor([1, 2, 3]), 2)
    tensor([1, 4, 9])
    """
    return _pow(input, exponent, out=out)


def heaviside(input, values, *, out=None):
    """1 where ``input`` is positive, 0 where it is negative, ``values`` where it is 0."""
    return _heaviside(input, values, out=out)


def scaled(input, other, alpha):
    """``alpha * other``, to be added to ``input``."""
    if alpha.__class__ is int and alpha == 1:
        return other
    if alpha.__class__ is float and isinstance(other, TensorBase) and other._data.dtype.kind == "f":
        return ew.mul(other, alpha)
    kind = dtypes.result_dtype((input, other)).kind
    number = getattr(alpha, "item", lambda: alpha)()
    if number.__class__ is bool and kind != "b":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if number.__class__ is float and kind not in "fc":
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if number.__class__ is complex and kind != "c":
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    return ew.logical_and(other, bool(number)) if kind == "b" else ew.mul(other, alpha)


def add(input, other, *old, alpha=1, out=None):
    """``input + alpha * other``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.add(tl.tensor([1, 2]), tl.tensor([3, 4]), alpha=10)
    tensor([31, 42])
    """
    if old:
        other, alpha = turned_round("add", other, *old)
    result = ew.add(input, scaled(input, other, alpha))
    return result if out is None else into(out, result, input, other)


def sub(input, other, *old, alpha=1, out=None):
    """``input - alpha * other``."""
    if old:
        other, alpha = turned_round("sub", other, *old)
    result = ew.sub(input, scaled(input, other, alpha))
    return result if out is None else into(out, result, input, other)


subtract = sub


def rsub(input, other, *, alpha=1):
    """``other - alpha * input``."""
    tensor_arg(input, "input", "rsub")
    return ew.sub(other, scaled(other, input, alpha))


def div(input, other, *, rounding_mode=None, out=None):
    """``input / other``, rounded where ``rounding_mode`` is 'trunc' or 'floor'."""
    result = ew.divide(input, other, rounding_mode=rounding_mode)
    return result if out is None else into(out, result, input, other)


divide = div


def true_divide(input, other, *, out=None):
    """``input / other``."""
    result = ew.div(input, other)
    return result if out is None else into(out, result, input, other)


def round(input, *, decimals=0, out=None):
    """Round half to even, at ``decimals`` places."""
    result = ew.round(tensor_arg(input, "input", "round"), decimals=decimals)
    return result if out is None else into_same(out, result, input)


def positive(input):
    """``input`` itself; bools have no sign."""
    if input._data.dtype == bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def clamp(input, min=None, max=None, *, out=None):
    """``input`` within ``[min, max]``: numbers or tensors, either may be left out.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.clamp(tl.tensor([-2, 0, 5]), min=-1, max=3)
    tensor([-1,  0,  3])
    """
    d = tensor_arg(input, "input", "clamp")._data.dtype
    if d.kind == "f" or (d.kind in "iu" and not isinstance(min, float) and not isinstance(max, float)):
        low, high = [dtypes.number(v, d) for v in (min, max)]
        result = ew.clamp(input, low, high)
    else:
        result = ew.clamp(input, min, max)
    return result if out is None else into_same(out, result, input)


clip = clamp


def clamp_min(input, min, *, out=None):
    """``input`` where it is larger than ``min``, else ``min``."""
    tensor_arg(input, "input", "clamp_min")
    return called(clamp(input, min, None, out=out), f"ClampMinBackward{int(isinstance(min, TensorBase))}")


def clamp_max(input, max, *, out=None):
    """``input`` where it is smaller than ``max``, else ``max``."""
    return called(clamp(input, None, max, out=out), f"ClampMaxBackward{int(isinstance(max, TensorBase))}")


def where(condition, input=None, other=None, *, out=None):
    """``input`` where ``condition`` holds, else ``other``; with ``condition`` alone, where it holds.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.where(tl.tensor([True, False]), 1.0, 2.0)
    tensor([1., 2.])
    """
    if input is None and other is None:
        from .selecting import nonzero

        return nonzero(condition, as_tuple=True)
    if not (isinstance(input, TensorBase) or isinstance(other, TensorBase)):
        input, other = number(input), number(other)
    result = ew.where(tensor_arg(condition, "condition", "where"), input, other)
    return result if out is None else into_same(out, result, input, other, condition)


def square(input, *, out=None):
    """``input ** 2``; of bools as integers."""
    if isinstance(input, TensorBase) and input._data.dtype == bool:
        input = cast(input, dtype=dtypes.int64.numpy)
    return _square(input, out=out)


def clone(input, *, memory_format=None):
    """A copy of ``input`` on the tape, in the order of its memory or that of ``memory_format``."""
    if memory_format is None and input._data.flags.c_contiguous:
        return _clone(input)
    return copied(input, memory_format)


def lerp(input, end, weight, *, out=None):
    """``input + weight * (end - input)``."""
    for name, x in (("end", tensor_arg(end, "end", "lerp", 2)), ("weight", weight)):
        if isinstance(x, TensorBase) and x._data.dtype != input._data.dtype:
            raise RuntimeError(f"expected dtype {input.dtype} for `{name}` but got dtype {x.dtype}")
    if input._data.dtype.kind not in "fc":
        raise NotImplementedError(f"\"lerp_kernel_scalar\" not implemented for '{input.dtype.title}'")
    result = ew.lerp(input, end, weight)
    return result if out is None else into(out, result, input, end)


def addcmul(input, tensor1, tensor2, *old, value=1, out=None):
    """``input + value * tensor1 * tensor2``."""
    if old:
        tensor1, tensor2, value = turned_round("addcmul", tensor1, tensor2, *old)
    tensor_arg(tensor1, "tensor1", "addcmul", 2), tensor_arg(tensor2, "tensor2", "addcmul", 3)
    result = ew.addcmul(input, tensor1, tensor2, value=number(value))
    return result if out is None else into(out, result, input, tensor1, tensor2)


def addcdiv(input, tensor1, tensor2, *old, value=1, out=None):
    """``input + value * tensor1 / tensor2``."""
    if old:
        tensor1, tensor2, value = turned_round("addcdiv", tensor1, tensor2, *old)
    tensor_arg(tensor1, "tensor1", "addcdiv", 2), tensor_arg(tensor2, "tensor2", "addcdiv", 3)
    result = ew.addcdiv(input, tensor1, tensor2, value=number(value))
    return result if out is None else into(out, result, input, tensor1, tensor2)


def nan_to_num(input, nan=None, posinf=None, neginf=None, *, out=None):
    """``input`` with NaN and infinities replaced."""
    result = ew.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)
    return result if out is None else into_same(out, result, input)


def frexp(input, *, out=None):
    """Mantissa and exponent: ``input = mantissa * 2**exponent``."""
    result = named("frexp", ("mantissa", "exponent"))(*ew.frexp(tensor_arg(input, "input", "frexp")))
    return result if out is None else into_same(out, result, input)


def float_power(input, exponent, *, out=None):
    """``input ** exponent`` in double precision."""
    result = ew.float_power(input, exponent)
    return result if out is None else into(out, result, input)


def masked_fill(input, mask, value):
    """``value`` (a number or a 0-d tensor) where ``mask`` holds, else ``input``."""
    value = dtypes.number(value, input._data.dtype)
    return ew.masked_fill(input, tensor_arg(mask, "mask", "masked_fill", 2), value)


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Elementwise ``|input - other| <= atol + rtol * |other|``."""
    a, b = tensor_arg(input, "input", "isclose"), tensor_arg(other, "other", "isclose", 2)
    if a._data.dtype != b._data.dtype:
        raise RuntimeError(f"{a.dtype.title} did not match {b.dtype.title}")
    return ew.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether all elements satisfy ``|input - other| <= atol + rtol * |other|``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.allclose(tl.tensor([1.0]), tl.tensor([1.0 + 1e-7]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._data.all())


def equal(input, other):
    """Whether two tensors have the same size and elements.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.equal(tl.ones(2), tl.ones(2))
    True
    """
    a, b = tensor_arg(input, "input", "equal")._data, tensor_arg(other, "other", "equal", 2)._data
    return a.shape == b.shape and bool((a == b).all())


def isin(elements, test_elements, *, assume_unique=False, invert=False, out=None):
    """Whether each element occurs in ``test_elements``."""
    result = ew.isin(elements, test_elements, assume_unique=assume_unique, invert=invert)
    return result if out is None else into_same(out, result)


def is_tensor(obj):
    """Whether ``obj`` is a tensor."""
    return isinstance(obj, TensorBase)


def is_floating_point(input):
    """Whether the elements are real floats."""
    return tensor_arg(input, "input", "is_floating_point").is_floating_point()


def is_complex(input):
    """Whether the elements are complex."""
    return tensor_arg(input, "input", "is_complex").is_complex()


def is_nonzero(input):
    """Whether the only element is not zero."""
    if input._data.size != 1:
        raise RuntimeError(
            f"Boolean value of Tensor with {'more than one' if input._data.size else 'no'} value is ambiguous"
        )
    return bool(input._data.item())


def numel(input):
    """The number of elements."""
    return tensor_arg(input, "input", "numel")._data.size


def can_cast(from_, to):
    """Whether PyTorch's rules allow the conversion: never to a lower kind (bool, integer, float, complex)."""
    return dtypes.can_cast(dtypes.to_numpy(from_), dtypes.to_numpy(to))
