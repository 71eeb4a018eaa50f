"""Activations: a forward and its gradient are each one pass over blocks that stay in cache.

A ``_..._step(x, out)`` computes into ``out`` and a ``_..._slope(g, x, out)`` the gradient; ``op.reference``
is the plain composition that higher derivatives use. Values and gradients at the corners follow PyTorch.
"""

import math

import numpy as np

from .. import dtypes
from ..engine import primitive
from . import erf as _erf
from . import memory
from .axes import axis_of
from .blocks import _quiet, in_blocks, product, zero
from .choose import kept
from .elementwise import abs, exp, expm1, log1p, minimum, sigmoid, tanh, where
from .reduction import sum
from .rows import row_sums, spread, worth

_BLOCK = 1 << 16  # elements that stay in a core's cache through several passes

_blocks = _quiet(in_blocks)


def _floating(x, name):
    """Refuse integers, as PyTorch does."""
    if x.dtype.kind != "f":
        raise NotImplementedError(f"\"{name}\" not implemented for '{dtypes.of(x.dtype).title}'")


# -- the error function ----------------------------------------------------------------------------


@primitive(promote="float")
@_quiet
def erf(x):
    """The error function."""
    return in_blocks(_erf.erf_step, x, x)


erf.vjp(x=lambda g, x: g * (exp(-(x * x)) * (2 / math.sqrt(math.pi))))

# -- pieces of straight lines ----------------------------------------------------------------------


@primitive
def gate(g, x, *, low=None, high=None, closed=False):
    """``g`` where ``low < x < high`` (with ``closed``: ``<=``), else 0: the gradient of a clipped line.

    As in PyTorch a NaN among ``x`` is between open bounds, and not between closed ones.
    """
    if closed:
        keep = True if low is None else x >= low
        return kept(g, keep if high is None else keep & (x <= high))
    cut = False if low is None else x <= low
    return kept(g, np.logical_not(cut if high is None else cut | (x >= high)))


gate.vjp(g=lambda h, x, low, high, closed: gate(h, x, low=low, high=high, closed=closed), x=lambda h: zero(h))


@primitive(promote="same")
def hardtanh(x, *, low, high):
    """``x`` clipped to [low, high]; gradient 0 at the bounds."""
    return np.clip(x, *_bounds(x, low, high))


def _bounds(x, low, high):
    """The bounds in the dtype of ``x``: integers are clipped to integers."""
    if x.dtype.kind == "b":
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if x.dtype.kind == "u" and low < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    return (low, high) if x.dtype.kind == "f" else (int(low), int(high))


hardtanh.primitive.into = lambda x, *, low, high: np.copyto(x, np.clip(x, *_bounds(x, low, high)))
hardtanh.vjp(x=lambda g, x, low, high: gate(g, x, low=low, high=high))


def _leaky_step(x, slope, out):
    if 0 <= slope <= 1:
        np.multiply(x, slope, out=out)
        np.maximum(x, out, out=out)
    else:
        np.multiply(x, np.where(x > 0, 1, slope), out=out, casting="same_kind")


@primitive
def leaky_relu(x, *, slope):
    """``x`` where positive, else ``slope * x``."""
    _floating(x, "leaky_relu_cpu")
    return in_blocks(_leaky_step, x, x, slope)


leaky_relu.primitive.into = lambda x, *, slope: np.multiply(x, slope, out=x, where=x <= 0)
leaky_relu.vjp(x=lambda g, x, slope: leaky_grad(g, x, slope=slope))


def _leaky_slope(g, x, slope, out):
    np.multiply(g, slope, out=out)
    np.copyto(out, g, where=x > 0)


@primitive
def leaky_grad(g, x, *, slope):
    """``g`` where ``x`` is positive, else ``slope * g``."""
    return in_blocks(_leaky_slope, x, g, x, slope)


leaky_grad.vjp(g=lambda h, x, slope: leaky_grad(h, x, slope=slope), x=lambda h: zero(h))


@primitive(promote="same", broadcasts=True)
def prelu(x, weight):
    """``x`` where positive, else ``weight * x``."""
    return np.where(x > 0, x, weight * x)


prelu.vjp(
    x=lambda g, x, weight: where(x > 0, g, weight * g),
    weight=lambda g, x: where(x > 0, 0.0, x * g),
)


@primitive(broadcasts=True, nondiff=("noise",))
def rrelu(x, noise):
    """``x * noise``: slopes drawn for the negative elements, ones elsewhere."""
    return x * noise


rrelu.vjp(x=lambda g, noise: g * noise)


@primitive
def threshold(x, *, threshold, value):
    """``x`` where it exceeds ``threshold``, else ``value``."""
    return np.where(x <= threshold, np.asarray(value).astype(x.dtype), x)


threshold.vjp(x=lambda g, x, threshold: gate(g, x, low=threshold))


@primitive
def hardshrink(x, *, lambd):
    """``x`` where ``abs(x) > lambd``, else 0."""
    _floating(x, "hardshrink_cpu")
    return np.where((x >= -lambd) & (x <= lambd), x.dtype.type(0), x)


hardshrink.vjp(x=lambda g, x, lambd: _outside(g, x, lambd=lambd))


@primitive
def _outside(g, x, *, lambd):
    """``g`` where ``abs(x) > lambd``, else 0."""
    return np.where((x >= -lambd) & (x <= lambd), g.dtype.type(0), g)


_outside.vjp(g=lambda h, x, lambd: _outside(h, x, lambd=lambd), x=lambda h: zero(h))


@primitive
def softshrink(x, *, lambd):
    """``x`` moved towards 0 by ``lambd``, not past it."""
    _floating(x, "softshrink_cpu")
    return x - np.clip(x, -lambd, lambd)


softshrink.vjp(x=lambda g, x, lambd: _outside(g, x, lambd=lambd))


def _hardsigmoid_step(x, out):
    np.add(x, 3, out=out)
    np.minimum(np.maximum(out, 0, out=out), 6, out=out)
    np.divide(out, 6, out=out)


@primitive
def hardsigmoid(x):
    """``clip(x + 3, 0, 6) / 6``."""
    _floating(x, "hardsigmoid")
    return in_blocks(_hardsigmoid_step, x, x)


hardsigmoid.primitive.into = lambda x: _hardsigmoid_step(x, x)
hardsigmoid.vjp(x=lambda g, x: where(x == x, gate(g, x, low=-3, high=3), 0.0) / 6)


def _hardswish_step(x, out):
    t = np.add(x, 3)
    t = np.clip(t, 0, 6, out=t) if t.ndim else np.clip(t, 0, 6)
    np.multiply(t, x, out=out)
    np.divide(out, 6, out=out)


@primitive
@_quiet
def hardswish(x):
    """``x * clip(x + 3, 0, 6) / 6``."""
    _floating(x, "hardswish_cpu")
    return in_blocks(_hardswish_step, x, x)


hardswish.vjp(x=lambda g, x: hardswish_grad(g, x))


@primitive
def hardswish_grad(g, x):
    """The gradient of :func:`hardswish`: a ramp between 0 and ``g``."""
    return np.where(x <= -3, g.dtype.type(0), np.where(x < 3, g * (x / 3 + 0.5), g))


hardswish_grad.vjp(g=lambda h, x: hardswish_grad(h, x), x=lambda h, g, x: gate(h * g, x, low=-3, high=3) / 3)

# -- exponential units -----------------------------------------------------------------------------


def _elu_step(x, negative, positive, rate, out):
    t = np.minimum(x, 0)
    t = np.multiply(t, rate)
    t = np.multiply(np.expm1(t), negative)
    np.maximum(x, 0, out=out)
    np.multiply(out, positive, out=out)
    np.add(out, t, out=out)


def _elu_slope(g, x, negative, positive, rate, out):
    np.minimum(x, 0, out=out)
    np.multiply(out, rate, out=out)
    np.exp(out, out=out)
    np.multiply(out, negative * rate, out=out)
    np.copyto(out, positive, where=x > 0)
    np.multiply(out, g, out=out)


@primitive
@_quiet
def elu(x, *, alpha=1.0, scale=1.0, input_scale=1.0):
    """``scale * x`` where positive, else ``scale * alpha * expm1(input_scale * x)``: ELU, SELU and CELU."""
    _floating(x, "elu_cpu")
    return in_blocks(_elu_step, x, x, alpha * scale, scale, input_scale)


def _elu_plain(x, *, alpha=1.0, scale=1.0, input_scale=1.0):
    return where(x > 0, x * scale, expm1(minimum(x, 0.0) * input_scale) * (alpha * scale))


elu.reference(_elu_plain)
elu.vjp(x=lambda g, x, alpha, scale, input_scale: _blocks(
    _elu_slope, x, g, x, alpha * scale, scale, input_scale))  # fmt: skip

# -- smooth units ----------------------------------------------------------------------------------


def _logistic(x, out):
    np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    np.multiply(out, 0.5, out=out)
    np.add(out, 0.5, out=out)


def _silu_step(x, out):
    _logistic(x, out)
    np.multiply(out, x, out=out)


def _silu_slope(g, x, out):
    _logistic(x, out)
    t = np.asarray(np.subtract(1, out))
    np.multiply(t, x, out=t)
    np.add(t, 1, out=t)
    np.multiply(out, t, out=out)
    np.multiply(out, g, out=out)


@primitive
@_quiet
def silu(x):
    """``x * sigmoid(x)``."""
    _floating(x, "silu_cpu")
    return in_blocks(_silu_step, x, x)


silu.reference(lambda x: x * sigmoid(x))
silu.vjp(x=lambda g, x: in_blocks(_silu_slope, x, g, x))


def _mish_parts(x):
    """``e = exp(x)`` and ``n = e * (e + 2)``: ``tanh(softplus(x))`` is ``n / (n + 2)``; beyond 20 it is 1."""
    e = np.asarray(np.exp(np.minimum(x, 20 if x.dtype.itemsize > 2 else 5)))
    n = e + 2
    n = n * e
    return e, n


def _mish_step(x, out):
    _, n = _mish_parts(x)
    np.divide(n, n + 2, out=out)
    np.multiply(out, x, out=out)


def _mish_slope(g, x, out):
    e, n = _mish_parts(x)
    t = n / (n + 2)
    np.multiply(t, t, out=out)
    np.subtract(1, out, out=out)
    np.multiply(out, e / (e + 1), out=out)
    np.multiply(out, x, out=out)
    np.add(out, t, out=out)
    np.multiply(out, g, out=out)


@primitive
@_quiet
def mish(x):
    """``x * tanh(softplus(x))``."""
    _floating(x, "mish_cpu")
    return in_blocks(_mish_step, x, x)


mish.reference(lambda x: x * tanh(softplus(x)))
mish.vjp(x=lambda g, x: _blocks(_mish_slope, x, g, x))


def _softplus_step(x, beta, threshold, out):
    np.multiply(x, beta, out=out)
    linear = np.greater(out, threshold)
    np.exp(out, out=out)
    np.log1p(out, out=out)
    np.divide(out, beta, out=out)
    np.copyto(out, x, where=linear)


def _softplus_slope(g, x, beta, threshold, out):
    np.multiply(x, beta, out=out)
    linear = np.greater(out, threshold)
    _logistic(out.copy(), out)
    np.multiply(out, g, out=out)
    np.copyto(out, g, where=linear)


@primitive
@_quiet
def softplus(x, *, beta=1.0, threshold=20.0):
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x > threshold``."""
    _floating(x, "softplus_cpu")
    return in_blocks(_softplus_step, x, x, beta, threshold)


def _softplus_plain(x, *, beta=1.0, threshold=20.0):
    z = x * beta
    return where(z > threshold, x, log1p(exp(minimum(z, float(threshold)))) / beta)


softplus.reference(_softplus_plain)
softplus.vjp(x=lambda g, x, beta, threshold: _blocks(_softplus_slope, x, g, x, beta, threshold))


def _logsigmoid_step(x, out):
    np.abs(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)
    np.subtract(np.minimum(x, 0), out, out=out)


@primitive
def logsigmoid(x):
    """``log(sigmoid(x))`` without overflow."""
    _floating(x, "log_sigmoid_cpu")
    return in_blocks(_logsigmoid_step, x, x)


logsigmoid.vjp(x=lambda g, x: g * sigmoid(-x))


@primitive(promote="float")
def softsign(x):
    """``x / (1 + abs(x))``."""
    return x / (1 + np.abs(x))


def _softsign_vjp(g, x):
    root = 1 + abs(x)
    return g / (root * root)


softsign.vjp(x=_softsign_vjp)


@primitive(promote="float")
def tanhshrink(x):
    """``x - tanh(x)``."""
    return x - np.tanh(x)


def _tanhshrink_vjp(g, x):
    t = tanh(x)
    return g * (t * t)


tanhshrink.vjp(x=_tanhshrink_vjp)


@primitive(promote="same", broadcasts=True)
def gated(a, b):
    """``a * sigmoid(b)``: the two halves of a gated linear unit."""
    _floating(a, "glu_cpu")
    out = np.empty_like(b)
    _logistic(b, out)
    return np.multiply(out, a, out=out)


def _gated_b(g, a, b):
    s = sigmoid(b)
    return product(g, a, s * (1 - s))


gated.vjp(a=lambda g, b: g * sigmoid(b), b=_gated_b)

# -- softmax ---------------------------------------------------------------------------------------


def _shifted(x, dim):
    """``x`` minus its maximum along ``dim``: a new array; rows of minus infinity stay what they are."""
    top = np.maximum.reduce(x, axis=dim, keepdims=True)
    return np.subtract(x, top)


@primitive
@_quiet
def softmax(x, *, dim):
    """``exp(x) / sum(exp(x))`` along ``dim``, without overflow."""
    _floating(x, "softmax_kernel_impl")
    if not x.ndim or not x.size:
        axis_of(dim, x.ndim)
        return np.ones_like(x)
    if x.itemsize == 2:
        return softmax(x.astype(np.float32), dim=dim).astype(x.dtype)
    if _in_rows(x, dim):
        out = memory.empty(x.shape, x.dtype)
        rows, results = x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1])
        step = max(1, _BLOCK // x.shape[-1])
        for i in range(0, len(rows), step):
            _softmax_rows(rows[i : i + step], results[i : i + step])
        return out
    out = _shifted(x, dim)
    np.exp(out, out=out)
    np.divide(out, np.add.reduce(out, axis=dim, keepdims=True), out=out)
    return out


def _in_rows(x, dim):
    """Whether ``dim`` lies along many short rows of memory."""
    return dim in (-1, x.ndim - 1) and x.flags.c_contiguous and worth(x.reshape(-1, x.shape[-1])) and x.itemsize > 2


def _softmax_rows(x, out):
    """Without a search for the largest element of each row where no element is large and no row has only small ones."""
    total = None
    if np.maximum.reduce(x, axis=None) < 60:
        total = row_sums(np.exp(x, out=out))
    if total is None or not (np.minimum.reduce(total) > 1e-20 and np.maximum.reduce(total) < np.inf):
        np.exp(np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), out=out), out=out)
        np.divide(out, np.add.reduce(out, axis=1, keepdims=True), out=out)
        return
    np.multiply(out, spread(np.divide(1, total, out=total), x.shape[1]), out=out)


softmax.vjp(x=lambda g, out, dim: softmax_grad(g, out, dim=dim))


@primitive
def softmax_grad(g, y, *, dim):
    """``y * (g - sum(g * y))`` along ``dim``."""
    if not y.ndim:
        return np.zeros_like(g)
    out = np.multiply(g, y)
    total = np.add.reduce(out, axis=dim, keepdims=True)
    return np.subtract(out, np.multiply(y, total), out=out)


def _softmax_grad_y(h, g, y, dim):
    if not y.shape:
        return zero(h)
    inner = sum(g * y, dim=dim, keepdim=True)
    return h * (g - inner) - g * sum(h * y, dim=dim, keepdim=True)


softmax_grad.vjp(g=lambda h, y, dim: softmax_grad(h, y, dim=dim), y=_softmax_grad_y)


@primitive
@_quiet
def log_softmax(x, *, dim):
    """``x - log(sum(exp(x)))`` along ``dim``, without overflow."""
    _floating(x, "log_softmax_kernel_impl")
    if not x.ndim or not x.size:
        axis_of(dim, x.ndim)
        return np.zeros_like(x)
    if x.itemsize == 2:
        return log_softmax(x.astype(np.float32), dim=dim).astype(x.dtype)
    out = _shifted(x, dim)
    total = np.add.reduce(np.exp(out), axis=dim, keepdims=True)
    return np.subtract(out, np.log(total, out=total), out=out)


def _log_softmax_vjp(g, out, dim):
    return g - exp(out) * sum(g, dim=dim, keepdim=True) if out.shape else zero(g)


log_softmax.vjp(x=_log_softmax_vjp)
