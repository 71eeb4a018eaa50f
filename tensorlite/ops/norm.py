"""Normalisation as fused operations: statistics, scaling and shift in two passes over blocks that stay in cache.

Two kernels do everything. ``batch_norm`` takes statistics per channel, over columns of the (pixels, channels)
matrix that channels-last memory is. ``row_norm`` takes them per row: layer, group and instance normalisation, and
RMS normalisation (without the mean). Sums run in float32 over short stretches and in float64 over those.

First gradients have formulas of their own; higher ones differentiate the plain composition (``reference``).
"""

import numpy as np

from ..engine import primitive
from ..threads import parallel
from . import memory, norm_few
from .blocks import ones
from .conv import channels_last
from .elementwise import add, mul, sub
from .reduction import mean as mean_
from .row_norm import row_norm  # noqa: F401 (the other kernel)
from .shape import reshape
from .unary import rsqrt

_BLOCK = 1 << 16  # elements that stay in a core's cache through several passes

#: Row lengths: sums run down short rows, so that they start in cache; values per channel are spread over long
#: ones, because NumPy copies a repeated row through its buffer of 8192 elements unless it is that long.
_SHORT, _LONG = 2048, 8192
_PIECE = 1 << 17  # elements per piece of a line: few calls, and two arrays of that size stay in cache

#: Up to this many standard deviations from 0, sums about 0 are as good as sums about the mean (see ``_moments``).
_NEAR = 8


# -- statistics per channel ------------------------------------------------------------------------


class _Columns:
    """The values of ``x`` (N, C, ...) as one line of memory, pixel by pixel, and in pieces of rows of many pixels."""

    def __init__(self, x):
        self.shape, self.channels = x.shape, x.shape[1]
        self.pixels = x.size // self.channels

    def line(self, x):
        """The values pixel by pixel, one-dimensional; a copy if they do not lie channels-last."""
        return np.ascontiguousarray(channels_last(x)).reshape(-1)

    def back(self, line):
        """A line as an array of the shape of ``x`` over channels-last memory."""
        last = line.reshape(self.shape[0], *self.shape[2:], self.channels)
        return last.transpose(0, last.ndim - 1, *range(1, last.ndim - 1))

    def width(self, least):
        """The length of rows of whole pixels with at least ``least`` elements, if there are as many."""
        return max(1, min(-(-least // self.channels), self.pixels)) * self.channels

    def tiled(self, values, width, dtype):
        """Values per channel, repeated for a row."""
        out = np.empty((width // self.channels, self.channels), dtype)
        out[...] = values
        return out.reshape(-1)

    def folded(self, sums):
        """Sums over rows (..., width) as sums per channel, in float64."""
        return np.add.reduce(sums.reshape(*sums.shape[:-1], -1, self.channels), axis=-2, dtype=np.float64)

    def pieces(self, start, stop, width):
        """Pixels start to stop as slices of the line and shapes (rows, width); the last row may be shorter."""
        i, stop = start * self.channels, stop * self.channels
        step = max(1, _PIECE // width) * width
        while i < stop:
            rows = min(step, stop - i) // width
            shape = (rows, width) if rows else (1, stop - i)
            yield slice(i, i := i + shape[0] * shape[1]), shape

    def each(self, body, passes):
        """``body`` on the pixels, on all threads."""
        return parallel(body, self.pixels, passes * self.pixels * self.channels // 4)


def _near(mean, var, dtype):
    """Whether no channel needs its mean subtracted before products are summed."""
    return dtype == np.float32 and bool((mean * mean <= _NEAR * _NEAR * var).all())


def _moments(columns, x):
    """Mean and biased variance per channel, in float64.

    Sums of values and of squares, in float32 per block and float64 over blocks, lose ``mean ** 2 / var`` roundings:
    nothing of note while means are a few standard deviations or less. Elsewhere ``_careful_moments``.
    """
    if x.dtype == np.float32:
        total, squares = _sums_of_products(columns, x, x)
        mean = total / columns.pixels
        var = squares / columns.pixels - mean * mean
        if _near(mean, var, x.dtype):
            return mean, var
    return _careful_moments(columns, x)


def _sums_of_products(columns, a, b):
    """Per channel, in float64: the sum of ``a`` and of ``a * b``."""
    width = columns.width(_SHORT)

    def body(start, stop):
        parts = np.zeros((2, width))
        for s, shape in columns.pieces(start, stop, width):
            block, n = a[s].reshape(shape), shape[1]
            parts[0, :n] += ones(shape[0], a.dtype) @ block
            parts[1, :n] += np.einsum("ij,ij->j", block, b[s].reshape(shape))
        return parts

    parts = columns.each(body, 2)
    return columns.folded(sum(parts[1:], parts[0]))


def _careful_moments(columns, x):
    """The same wherever the mean lies: per block about its own mean, then merged."""
    width = columns.width(_SHORT)

    def body(start, stop):
        parts = []
        for s, shape in columns.pieces(start, stop, width):
            block, one = x[s].reshape(shape), ones(shape[0], x.dtype)
            n = block.size // columns.channels
            mean = columns.folded(one @ block) / n
            centred = block - columns.tiled(mean, shape[1], x.dtype)
            rest = columns.folded(one @ centred) / n  # what rounding left in the mean
            np.multiply(centred, centred, out=centred)
            parts.append((n, mean + rest, columns.folded(one @ centred) - n * rest * rest))
        return parts

    parts = [p for some in columns.each(body, 5) for p in some]
    counts = np.array([n for n, _, _ in parts], np.float64)[:, None]
    means = np.array([m for _, m, _ in parts])
    mean = (counts * means).sum(0) / columns.pixels
    squares = sum(s for _, _, s in parts) + (counts * (means - mean) ** 2).sum(0)
    return mean, squares / columns.pixels


@primitive(outputs=("out", "mean", "var"), constant=("mean", "var"))
def batch_norm(x, w=None, b=None, *, eps):
    """``(x - mean) / sqrt(var + eps) * w + b`` per channel of ``x`` (N, C, ...), and the mean and biased variance.

    The statistics are float64 for use in the gradient and in running averages.
    """
    if x.size <= norm_few.FEW:
        axes, wide = _few(x)
        out, mean, var, _ = norm_few.forward(x, axes, wide(w), wide(b), eps)
        return out, mean.reshape(-1), var.reshape(-1)
    columns = _Columns(x)
    line = columns.line(x)
    mean, var = _moments(columns, line)
    scale = 1 / np.sqrt(var + eps)
    if w is not None:
        scale *= w
    shift = -mean * scale if b is None else b - mean * scale
    return _scaled(columns, line, scale, shift), mean, var


def _few(x):
    """The axes of the statistics per channel, and a function that makes values per channel broadcast to ``x``."""
    shape = (-1, *[1] * (x.ndim - 2))
    return (0, *range(2, x.ndim)), lambda v: None if v is None else v.reshape(shape)


def _scaled(columns, line, scale, shift=None):
    """``x * scale + shift`` per channel."""
    width = columns.width(_LONG)
    scale = columns.tiled(scale, width, line.dtype)
    shift = None if shift is None else columns.tiled(shift, width, line.dtype)
    out = memory.empty(line.shape, line.dtype)

    def body(start, stop):
        for s, shape in columns.pieces(start, stop, width):
            block, n = out[s].reshape(shape), shape[1]
            np.multiply(line[s].reshape(shape), scale[:n], out=block)
            if shift is not None:
                np.add(block, shift[:n], out=block)

    columns.each(body, 2)
    return columns.back(out)


def _batch_norm_vjp(g, x, w, mean, var, eps, needs):
    inverse = 1 / np.sqrt(var + eps)
    if x.size <= norm_few.FEW:
        axes, wide = _few(x)
        return norm_few.backward(g, x, axes, wide(w), wide(mean), wide(inverse), axes, needs)
    columns = _Columns(x)
    line, above = columns.line(x), columns.line(g)
    near = _near(mean, var, line.dtype)
    total, slope = _products(columns, line, above, mean, near)
    grad = None
    if needs[0]:
        pull = -inverse * inverse * slope / columns.pixels
        push = -total / columns.pixels
        scale = inverse if w is None else inverse * w
        grad = _combined(columns, line, above, mean, pull, push, scale, near)
    return (
        grad,
        (slope * inverse).astype(g.dtype) if needs[1] else None,
        total.astype(g.dtype) if needs[2] else None,
    )


def _products(columns, line, above, mean, near):
    """Per channel, in float64: the sum of ``g`` and of ``g * (x - mean)``."""
    if near:
        total, product = _sums_of_products(columns, above, line)
        return total, product - mean * total
    width = columns.width(_SHORT)
    centre = columns.tiled(mean, width, line.dtype)

    def body(start, stop):
        parts = np.zeros((2, width))
        for s, shape in columns.pieces(start, stop, width):
            one, g, n = ones(shape[0], line.dtype), above[s].reshape(shape), shape[1]
            part = line[s].reshape(shape) - centre[:n]
            np.multiply(part, g, out=part)
            parts[0, :n] += one @ g
            parts[1, :n] += one @ part
        return parts

    parts = columns.each(body, 4)
    return columns.folded(sum(parts[1:], parts[0]))


def _combined(columns, line, above, mean, pull, push, scale, near):
    """``(g + (x - mean) * pull + push) * scale`` per channel."""
    if near:
        push = push - mean * pull
    width = columns.width(_LONG)
    centre, pull, push, scale = [columns.tiled(v, width, line.dtype) for v in (mean, pull, push, scale)]
    out = memory.empty(line.shape, line.dtype)

    def body(start, stop):
        for s, shape in columns.pieces(start, stop, width):
            block, target, n = line[s].reshape(shape), out[s].reshape(shape), shape[1]
            if not near:
                block = np.subtract(block, centre[:n], out=target)
            np.multiply(block, pull[:n], out=target)
            np.add(target, push[:n], out=target)
            np.add(target, above[s].reshape(shape), out=target)
            np.multiply(target, scale[:n], out=target)

    columns.each(body, 5)
    return columns.back(out)


batch_norm.joint_vjp(_batch_norm_vjp)
batch_norm.primitive.grad_name = "NativeBatchNormBackward0"  # as PyTorch calls it


def _per_channel(v, x):
    return reshape(v, shape=(1, -1) + (1,) * (len(x.shape) - 2))


@batch_norm.reference
def _batch_norm_reference(x, w, b, eps):
    dims = (0, *range(2, len(x.shape)))
    centred = sub(x, mean_(x, dim=dims, keepdim=True))
    out = mul(centred, rsqrt(add(mean_(mul(centred, centred), dim=dims, keepdim=True), eps)))
    out = out if w is None else mul(out, _per_channel(w, x))
    return out if b is None else add(out, _per_channel(b, x))


@primitive
def channel_affine(x, w=None, b=None, *, mean, inverse):
    """``(x - mean) * inverse * w + b`` per channel with given statistics: batch normalisation in eval mode."""
    scale = inverse if w is None else inverse * w
    columns = _Columns(x)
    return _scaled(columns, columns.line(x), scale, -mean * scale if b is None else b - mean * scale)


def _channel_affine_vjp(g, x, w, mean, inverse, needs):
    columns = _Columns(x)
    above = columns.line(g)
    grad = _scaled(columns, above, inverse if w is None else inverse * w) if needs[0] else None
    if not (needs[1] or needs[2]):
        return grad, None, None
    near = _near(mean, inverse**-2.0, x.dtype)
    total, slope = _products(columns, columns.line(x), above, mean, near)
    return grad, (slope * inverse).astype(g.dtype) if needs[1] else None, total.astype(g.dtype)


channel_affine.joint_vjp(_channel_affine_vjp)
channel_affine.primitive.grad_name = "NativeBatchNormBackward0"


@channel_affine.reference
def _channel_affine_reference(x, w, b, mean, inverse):
    dtype = getattr(x, "_data", x).dtype
    out = mul(sub(x, _per_channel(mean.astype(dtype), x)), _per_channel(inverse.astype(dtype), x))
    out = out if w is None else mul(out, _per_channel(w, x))
    return out if b is None else add(out, _per_channel(b, x))
