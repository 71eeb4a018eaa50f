"""The Gaussian error linear unit: ``x`` times the normal distribution function at ``x``.

In float32 the distribution function is ``1 / (1 + exp(w))``, where ``w`` is ``x`` times a polynomial in ``x ** 2``.
That polynomial is a product of three quadratic ones. One matrix product of their coefficients with ``(1, x^2, x^4)``
gives all three, and the exponent of the density too: BLAS multiplies and adds at once, ufuncs one after the other.

The slope is made together with the value, while everything is in cache; going back is one multiplication.
"""

import math

import numpy as np

from ..engine import RECORDING, primitive, spare, state
from ..threads import parallel
from . import erf as _erf
from . import memory
from .activation import _floating, erf
from .blocks import in_blocks
from .elementwise import tanh
from .exponential import exponential

_BLOCK = 3 << 13  # elements: seven rows of a block stay in a core's cache

#: log(Phi(-x) / Phi(x)) / x in powers of x^2 on [0, 5.4], as a product of quadratic polynomials: a minimax fit
#: (Lawson's iteration) in which Phi is exact to 3e-8. The last row is log(density).
_LOGIT = ((-1.59576988, -0.171553782, -6.87248567e-3), (1.0, -1.92447896e-2, 9.59629748e-4),
          (1.0, -4.27238015e-2, 5.32572789e-4))  # fmt: skip
_LOG_DENSITY = (-0.5 * math.log(2 * math.pi), -0.5, 0.0)
_FAR = 400.0  # x^2 where nothing changes any more
_SAFE = 1e12  # sums of x^2 up to here overflow in no term

_ROOT_HALF = math.sqrt(0.5)
_ROOT_2_OVER_PI = math.sqrt(2 / math.pi)
_DENSITY = 1 / math.sqrt(2 * math.pi)
_CUBIC = 0.044715


class _Scratch:
    """Rows of a block, in memory that stays in the core's cache; the first one holds ones."""

    def __init__(self, take, n, dtype):
        self.rows = take((7, n), dtype)

    def clear(self):
        self.rows[0] = 1


def _exact32(x, out, slope, scratch):
    """One block of float32: the value into ``out``, the slope into ``slope`` (unless that is None)."""
    powers, rows = scratch[:3], scratch[3 : 6 if slope is None else 7]
    square = powers[1]
    np.square(x, out=square)
    if not np.dot(x, x) <= _SAFE:
        np.minimum(square, _FAR, out=square)
    np.square(square, out=powers[2])
    np.matmul(_COEFFICIENTS[: len(rows)], powers, out=rows)
    w, b, c = rows[:3]
    np.multiply(w, x, out=w)
    np.multiply(b, c, out=b)
    np.multiply(w, b, out=w)
    _logistic(w, w)
    np.multiply(x, w, out=out)
    if slope is not None:
        density = _POWER(rows[3], out=rows[3])
        np.multiply(density, x, out=density)
        np.add(w, density, out=slope)


_POWER, _LOG = exponential(np.float32)
_COEFFICIENTS = np.array([[c * _LOG for c in _LOGIT[0]], *_LOGIT[1:], [c * _LOG for c in _LOG_DENSITY]], np.float32)


def _logistic(w, out):
    """``1 / (1 + base ** w)``."""
    power, _ = exponential(w.dtype)
    power(w, out=out)
    np.add(out, 1, out=out)
    np.reciprocal(out, out=out)


def _exact64(x, out, slope, scratch):
    below, density = scratch[1:3]
    _erf.erf_step(np.multiply(x, _ROOT_HALF, out=below), below)
    np.add(below, 1, out=below)
    np.multiply(below, 0.5, out=below)
    np.multiply(x, below, out=out)
    if slope is not None:
        np.square(x, out=density)
        np.multiply(density, -0.5, out=density)
        np.exp(density, out=density)
        np.multiply(density, _DENSITY, out=density)
        np.multiply(density, x, out=density)
        np.add(below, density, out=slope)


def _tanh(x, out, slope, scratch):
    """With the logistic function of ``2 a (x + b x^3)`` in the place of the normal distribution function."""
    square, w = scratch[1:3]
    log = exponential(x.dtype)[1]
    np.square(x, out=square)
    np.multiply(square, -2 * _ROOT_2_OVER_PI * _CUBIC * log, out=w)
    np.add(w, -2 * _ROOT_2_OVER_PI * log, out=w)
    np.multiply(w, x, out=w)
    _logistic(w, w)
    np.multiply(x, w, out=out)
    if slope is not None:
        np.multiply(square, 6 * _ROOT_2_OVER_PI * _CUBIC, out=square)
        np.add(square, 2 * _ROOT_2_OVER_PI, out=square)
        np.multiply(square, out, out=square)
        rest = np.subtract(1, w, out=slope)
        np.multiply(square, rest, out=square)
        np.add(w, square, out=slope)


@primitive(outputs=("out", "slope"), constant=("slope",))
def gelu(x, *, approximate="none", keep=True):
    """``x`` times the normal distribution function at ``x`` (or, with 'tanh', nearly so), and the slope there.

    Without ``keep`` the slope is empty: for calls that record nothing.
    """
    _floating(x, "GeluKernelImpl")
    if x.dtype.itemsize < 4:
        out, slope = _everywhere(x.astype(np.float32), approximate, keep)
        return out.astype(x.dtype), slope
    return _everywhere(x, approximate, keep)


def _everywhere(x, approximate, keep):
    step = _tanh if approximate == "tanh" else _exact32 if x.dtype == np.float32 else _exact64
    if not x.flags.c_contiguous:  # the results take the order of the memory
        dims = np.argsort([-s for s in x.strides], kind="stable")
        out, slope = _everywhere(np.ascontiguousarray(x.transpose(dims)), approximate, keep)
        back = np.argsort(dims)
        return out.transpose(back), slope.transpose(back) if keep else slope
    line, n = x.reshape(-1), x.size
    out = memory.empty(x.shape, x.dtype)
    slope = memory.empty(x.shape, x.dtype) if keep else np.empty(0, x.dtype)
    values, slopes = out.reshape(-1), slope.reshape(-1) if keep else None

    def body(start, stop):
        with memory.layout(_Scratch, min(_BLOCK, n), x.dtype) as scratch:
            for k in range(start, stop):
                s = slice(k * _BLOCK, (k + 1) * _BLOCK)
                part = line[s]
                step(part, values[s], slopes[s] if keep else None, scratch.rows[:, : len(part)])

    parallel(body, -(-n // _BLOCK), 2 * n)
    return out, slope


def _gelu_plain(x, *, approximate="none", keep=True):
    if approximate == "tanh":
        return x * 0.5 * (1 + tanh(_ROOT_2_OVER_PI * (x + _CUBIC * (x * x * x)))), None
    return x * 0.5 * (1 + erf(x * _ROOT_HALF)), None


def _product(a, b, out):
    np.multiply(a, b, out=out)


gelu.reference(_gelu_plain)


def _gelu_vjp(g, slope):
    into = spare(g, slope)
    return in_blocks(_product, slope, g, slope, into=into) if g.dtype == slope.dtype else g * slope


gelu.vjp(x=_gelu_vjp)


def wants_slope(x):
    """Whether a gradient with respect to the tensor ``x`` may be asked for."""
    return x._node is not None and bool(state.mode & RECORDING)
