"""Resampling: interpolation along each axis as a small matrix, and sampling at given places.

Linear and cubic interpolation are linear maps along one axis at a time, so one operation with a matrix per axis
does them all, and its adjoint is itself with the matrices transposed.
"""

import itertools
import math

import numpy as np

from ..engine import primitive, unwrap
from .elementwise import abs as abs_
from .elementwise import add, div, mul, remainder, sub, where
from .linalg import matmul
from .pooling import adaptive_window, pick
from .shape import mT, reshape, select
from .spacing import evenly


@primitive
def separable(x, *, matrices):
    """``x`` (N, C, *spatial) with each spatial axis multiplied by its (out, in) matrix (None: left as it is)."""
    for axis, m in enumerate(matrices, 2):
        if m is None:
            continue
        m = m.astype(x.dtype, copy=False)
        shape = x.shape
        before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        if after == 1:
            x = x.reshape(before, shape[axis]) @ m.T
        else:
            x = np.matmul(m, x.reshape(before, shape[axis], after))
        x = x.reshape(*shape[:axis], len(m), *shape[axis + 1 :])
    return x


separable.vjp(x=lambda g, matrices: separable(g, matrices=transposed(matrices)))


def transposed(matrices):
    """The matrices of the gradient of :func:`separable`; None stays None."""
    return tuple([None if m is None else m.T for m in matrices])


@primitive
def take_pixels(x, *, index):
    """``x`` (N, C, *spatial) at the given positions of each spatial axis."""
    for axis, i in enumerate(index, 2):
        x = np.take(x, i, axis=axis)
    return x


take_pixels.vjp(x=lambda g, index, x_shape: separable(g, matrices=_counts(index, x_shape[2:])))


def _counts(index, sizes):
    """Matrices that add up what was taken from the same place."""
    return tuple([np.equal.outer(np.arange(n), i).astype(np.float64) for i, n in zip(index, sizes)])


# -- the matrices ----------------------------------------------------------------------------------


def _step(n, out, factor, align, dtype):
    """How far apart output pixels are in ``x``, in its own precision as PyTorch computes it."""
    if align:
        return dtype.type((n - 1) / (out - 1) if out > 1 else 0)
    return dtype.type(1 / factor) if factor else dtype.type(n) / dtype.type(out)


def nearest_index(n, out, factor, exact, dtype):
    """Which element of ``n`` each of ``out`` copies."""
    place = np.arange(out, dtype=dtype)
    step = _step(n, out, factor, False, dtype)
    return np.minimum(np.floor((place + dtype.type(0.5)) * step if exact else place * step).astype(np.int64), n - 1)


def _places(n, out, factor, align, dtype):
    place = np.arange(out, dtype=dtype)
    step = _step(n, out, factor, align, dtype)
    return place * step if align else (place + dtype.type(0.5)) * step - dtype.type(0.5)


def linear_matrix(n, out, factor, align, dtype):
    """Two weights per output element."""
    place = np.maximum(_places(n, out, factor, align, dtype), 0)
    low = np.minimum(place.astype(np.int64), n - 1)
    part = np.clip(place - low.astype(dtype), 0, 1)
    m = np.zeros((out, n), dtype)
    rows = np.arange(out)
    np.add.at(m, (rows, low), 1 - part)
    np.add.at(m, (rows, np.minimum(low + 1, n - 1)), part)
    return m


def _near(x, a=-0.75):
    """Keys' cubic kernel at distances up to 1 (R. Keys, 1981)."""
    return ((x * (a + 2) - (a + 3)) * x) * x + 1


def _far(x, a=-0.75):
    """Keys' cubic kernel at distances from 1 to 2."""
    return ((x * a - 5 * a) * x + 8 * a) * x - 4 * a


def _cubic_weights(t):
    """The weights of the four neighbours of a place at ``t`` (0 to 1) between the two inner ones."""
    return _far(t + 1), _near(t), _near(1 - t), _far(2 - t)


def cubic_matrix(n, out, factor, align, dtype):
    """Four weights per output element, from Keys' kernel with a = -0.75."""
    place = _places(n, out, factor, align, dtype)
    low = np.floor(place)
    m = np.zeros((out, n), dtype)
    rows = np.arange(out)
    for k, weight in enumerate(_cubic_weights(place - low), -1):
        np.add.at(m, (rows, np.clip(low.astype(np.int64) + k, 0, n - 1)), weight)
    return m


def smooth_matrix(n, out, factor, align, dtype, cubic):
    """Weights of a kernel as wide as the step, so that shrinking averages: a triangle, or Keys' with a = -0.5."""
    step = _step(n, out, factor, align, dtype)
    width = max(step, 1)
    reach = (2 if cubic else 1) * width
    centre = step * (np.arange(out, dtype=dtype)[:, None] + dtype.type(0.5))
    place = np.arange(n)
    x = np.abs((place - centre + 0.5) / width)
    if cubic:
        m = np.where(x < 1, _near(x, -0.5), np.where(x < 2, _far(x, -0.5), 0))
    else:
        m = np.maximum(1 - x, 0)
    m = np.where((place >= (centre - reach + 0.5).astype(int)) & (place < (centre + reach + 0.5).astype(int)), m, 0)
    return (m / m.sum(1, keepdims=True)).astype(dtype)


def average_matrix(n, out, dtype):
    """The mean of each adaptive window."""
    m = np.zeros((out, n), dtype)
    for i in range(out):
        start, stop = adaptive_window(i, n, out)
        m[i, start:stop] = 1 / (stop - start)
    return m


# -- sampling at given places ----------------------------------------------------------------------


def _reflected(x, low, high):
    """``x`` folded back into ``low..high`` at the borders."""
    span = high - low
    if span == 0:
        return mul(x, 0.0)
    distance = abs_(sub(x, low))
    extra = remainder(distance, span)
    odd = np.floor_divide(unwrap(distance), span) % 2 == 1
    return add(where(odd, sub(span, extra), extra), low)


def _clipped(x, n):
    value = unwrap(x)  # at the borders themselves the slope is 0, as PyTorch has it
    return where(value <= 0, 0.0, where(value >= n - 1, float(n - 1), x))


def grid_sample(x, grid, mode, padding_mode, align_corners):
    """``x`` (N, C, *spatial) at ``grid`` (N, *size, dims), whose last axis counts from the last dimension of ``x``.

    A composition: weights of the 2**dims neighbours times what stands there.
    """
    spatial = x.shape[2:]
    n, size = grid.shape[0], grid.shape[1:-1]
    coordinates = []
    for axis, length in enumerate(spatial):
        place = select(grid, dim=-1, index=len(spatial) - 1 - axis)
        if align_corners:
            place = mul(add(place, 1.0), (length - 1) / 2)
        else:
            place = div(sub(mul(add(place, 1.0), float(length)), 1.0), 2.0)
        coordinates.append(place if mode == "bicubic" else _inside(place, length, padding_mode, align_corners))
    if mode == "nearest":
        value = _at(x, [np.round(unwrap(c)) for c in coordinates], size)
        return where(np.True_, value, reshape(coordinates[0], shape=(n, 1, *size)))  # the grid has a gradient of 0
    if mode == "bicubic":
        return _cubic_sample(x, coordinates, size, padding_mode, align_corners)
    lows = [np.floor(unwrap(c)) for c in coordinates]
    parts = [sub(c, low) for c, low in zip(coordinates, lows)]
    total = None
    for corner in itertools.product((0, 1), repeat=len(spatial)):
        weight = None
        for up, part in zip(corner, parts):
            factor = part if up else sub(1.0, part)
            weight = factor if weight is None else mul(weight, factor)
        value = _at(x, [low + up for low, up in zip(lows, corner)], size)
        term = mul(value, reshape(weight, shape=(n, 1, *size)))
        total = term if total is None else add(total, term)
    return total


def _inside(place, length, padding_mode, align_corners):
    """Coordinates outside of the image, where ``padding_mode`` puts them."""
    if padding_mode == "reflection":
        place = _reflected(place, 0.0 if align_corners else -0.5, length - 1.0 if align_corners else length - 0.5)
    return place if padding_mode == "zeros" else _clipped(place, length)


def _cubic_sample(x, coordinates, size, padding_mode, align_corners):
    """16 neighbours per place; each of them is clipped or reflected by itself."""
    n, spatial = x.shape[0], x.shape[2:]
    lows = [np.floor(unwrap(c)) for c in coordinates]
    across, along = [
        [reshape(w, shape=(n, 1, *size)) for w in _cubic_weights(sub(c, low))] for c, low in zip(coordinates, lows)
    ]
    total = None
    for i, down in enumerate(across):
        row = None
        for j, right in enumerate(along):
            taps = [
                np.round(_inside(low + (k - 1), length, padding_mode, align_corners))
                for low, k, length in zip(lows, (i, j), spatial)
            ]
            term = mul(_at(x, taps, size), right)
            row = term if row is None else add(row, term)
        row = mul(row, down)
        total = row if total is None else add(total, row)
    return total


def _at(x, places, size):
    """``x`` at whole-numbered ``places`` (one array per axis), 0 outside."""
    spatial = x.shape[2:]
    n, channels = x.shape[:2]
    inside = np.ones(places[0].shape, bool)
    flat = np.zeros(places[0].shape, np.int64)
    for place, length in zip(places, spatial):
        ok = (place >= 0) & (place <= length - 1)
        inside &= ok
        flat = flat * length + np.where(ok, place, 0).astype(np.int64)
    index = np.broadcast_to(flat[:, None], (n, channels, *size))
    value = pick(x, index)
    return value if inside.all() else where(inside[:, None], value, 0.0)


def affine_grid(theta, size, align_corners):
    """The grid that ``theta`` (N, dims, dims + 1) maps the pixels of an output of ``size`` to."""
    dtype = unwrap(theta).dtype
    spatial = size[2:]
    axes = []
    for length in spatial:
        line = evenly(-1, 1, length, dtype) if length > 1 else np.zeros(1, dtype)
        axes.append(line if align_corners else line * dtype.type(length - 1) / dtype.type(length))
    mesh = np.meshgrid(*axes, indexing="ij")
    base = np.stack([*mesh[::-1], np.ones(spatial, dtype)], axis=-1).reshape(-1, len(spatial) + 1)
    return reshape(matmul(base, mT(theta)), shape=(size[0], *spatial, len(spatial)))
