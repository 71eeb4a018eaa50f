"""Pooling in any number of dimensions.

A *tap* is what one element of the kernel sees: a strided view of ``x`` in the shape of the result. Some images at a
time, so that they stay in cache, the taps are copied next to each other, whole pixels at once where memory is
channels-last, and then compared in long passes. A maximum remembers which tap has won in one byte; its gradient goes
there. Where several are equal the first wins, as in PyTorch. Sums are taken tap by tap. Results lie in memory as the
input does (channels last behind a convolution).
"""

import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..engine import primitive, unwrap
from ..threads import parallel
from . import memory
from .choose import kept
from .conv import channels_last, empty_channels_last


def pooled_size(size, kernel, stride, padding, dilation, ceil_mode):
    """Spatial shape of a pooling result; in ``ceil_mode`` the last window must begin inside ``x`` or its left padding."""
    out = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation):
        span = n + 2 * p - d * (k - 1) - 1
        o = (span + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (o - 1) * s >= n + p:
            o -= 1
        out.append(o)
    return tuple(out)


class _Windows:
    """The strided views of (a padded copy of) some images, one per element of the kernel."""

    def __init__(self, shape, kernel, stride, padding, dilation, size):
        self.spatial, self.padding = shape[2:], padding
        self.reach = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(size, stride, kernel, dilation)]
        self.inside = not any(padding) and all(r <= n for r, n in zip(self.reach, self.spatial))
        self.taps = [
            (..., *[slice(k * d, k * d + (o - 1) * s + 1, s) for k, d, o, s in zip(tap, dilation, size, stride)])
            for tap in itertools.product(*map(range, kernel))
        ]
        tiled = tuple(kernel) == tuple(stride) and all(d == 1 for d in dilation)
        self.exact = self.inside and tiled and list(self.reach) == list(self.spatial)
        here = [slice(p, p + n) for p, n in zip(padding, self.spatial)]
        self.here = (..., *[slice(h.start, min(h.stop, r)) for h, r in zip(here, self.reach)])
        self.there = (..., *[slice(0, max(0, min(n, r - p))) for p, n, r in zip(padding, self.spatial, self.reach)])

    def room(self, like, fill, count=1):
        """Space for ``count`` padded images, or None where no window leaves the image."""
        if self.inside:
            return None
        room = empty_like_layout(like[:1], (count, like.shape[1], *self.reach))
        room[...] = fill
        return room

    def padded(self, images, room):
        if room is None:
            return images
        room = room[: len(images)]
        room[self.here] = images[self.there]
        return room

    def put_back(self, images, room):
        """The part of a padded gradient that belongs to the images."""
        images[...] = 0
        images[self.there] = room[self.here]


def is_channels_last(x):
    """Whether ``x`` (N, C, *spatial) is stored with the channels last (and not as (N, C, ...) as well)."""
    return not x.flags.c_contiguous and channels_last(x).flags.c_contiguous


def _empty(shape, dtype, last):
    """An uninitialised array, with the channels ``last`` in memory or in C order."""
    return empty_channels_last(shape[0], shape[1], shape[2:], dtype) if last else memory.empty(shape, dtype)


def empty_like_layout(x, shape):
    """An uninitialised array of ``shape`` with its channels where ``x`` has them."""
    return _empty(shape, x.dtype, is_channels_last(x))


def lowest(dtype):
    """What no value is below."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _blocks(start, stop, each):
    """Some images at a time: small ones together, so that calls do not cost more than the work."""
    step = max(1, 16384 // max(1, each))
    return min(step, stop - start), [slice(i, min(i + step, stop)) for i in range(start, stop, step)]


# -- maxima ----------------------------------------------------------------------------------------

_TAPS = 1 << 17  # elements of taps that stay in cache together


class _Taps:
    """The taps of some images, copied next to each other: a matrix (taps, elements of the result).

    ``last`` says whether the images lie channels-last in memory.
    """

    def __init__(self, take, shape, dtype, last, kernel, stride, padding, dilation, size):
        self.windows = _Windows(shape, kernel, stride, padding, dilation, size)
        self.kernel, self.stride, self.dilation, self.size, self.last = kernel, stride, dilation, size, last
        self.images, self.channels = shape[:2]
        self.pixel = np.dtype((np.void, shape[1] * dtype.itemsize))
        count, self.each = math.prod(kernel), shape[1] * math.prod(size)
        self.step = max(1, min(_TAPS // (count * max(1, self.each)), self.images))
        self.matrix = take((count, self.step * self.each), dtype)
        self.hits = take(self.matrix.shape, np.bool_)
        #: what stands for each tap; the first one wins where several are equal, so it has the largest number
        self.codes = np.arange(count, 0, -1, dtype=_code(kernel))[:, None]

    def clear(self):
        """Nothing relies on what was here before."""

    def parts(self):
        """Some images as a slice, their part of a result's line, and as much of the matrix and of the hits."""
        for i in range(0, self.images, self.step):
            j = min(i + self.step, self.images)
            n = (j - i) * self.each
            yield slice(i, j), slice(i * self.each, j * self.each), self.matrix[:, :n], self.hits[:, :n]

    def line(self, a):
        """An array of the shape of the result as a line, in the order of the matrix."""
        return np.ascontiguousarray(channels_last(a) if self.last else a).reshape(-1)

    def read(self, images, matrix):
        """Copy the taps of ``images`` into the matrix."""
        seen, place = self._alike(images, matrix)
        np.copyto(place, seen)

    def write(self, images, matrix, apart):
        """Add the matrix to the taps of ``images``; where windows lie ``apart`` nothing is there yet."""
        if apart:
            np.copyto(*self._alike(images, matrix))
            return
        for tap, row in zip(self.windows.taps, matrix):
            np.add(images[tap], self._back(row), out=images[tap])

    def _alike(self, images, matrix):
        """The taps of ``images``, and the matrix in the same shape; whole pixels where they lie together."""
        if self.last:
            images, matrix = channels_last(images).view(self.pixel)[..., 0], matrix.view(self.pixel)
        lead, steps = images.ndim - len(self.size), images.strides
        shape = (*self.kernel, *images.shape[:lead], *self.size)
        along = [d * b for d, b in zip(self.dilation, steps[lead:])]
        across = [s * b for s, b in zip(self.stride, steps[lead:])]
        return as_strided(images, shape, (*along, *steps[:lead], *across)), matrix.reshape(shape)

    def _back(self, row):
        """A row of the matrix as an array of the shape of the result."""
        if not self.last:
            return row.reshape(-1, self.channels, *self.size)
        a = row.reshape(-1, *self.size, self.channels)
        return a.transpose(0, a.ndim - 1, *range(1, a.ndim - 1))


def _code(kernel):
    return np.uint8 if math.prod(kernel) < 255 else np.uint32


@primitive(outputs=("out", "winner"), constant=("winner",))
def max_pool(x, *, kernel, stride, padding, dilation, size):
    """The largest element of every window, and the code of the tap that it came from; padding never wins."""
    last = is_channels_last(x)
    out = _empty((*x.shape[:2], *size), x.dtype, last)
    winner = _empty(out.shape, _code(kernel), last)
    with memory.layout(_Taps, x.shape, x.dtype, last, kernel, stride, padding, dilation, size) as taps:
        room = taps.windows.room(x, lowest(x.dtype), taps.step)
        best, won = taps.line(out), taps.line(winner)
        for images, here, matrix, hits in taps.parts():
            taps.read(taps.windows.padded(x[images], room), matrix)
            np.maximum.reduce(matrix, axis=0, out=best[here])
            np.equal(matrix, best[here], out=hits)
            _largest(hits, taps.codes, won[here])
            if not won[here].all():  # NaN equals nothing; the last NaN of a window wins
                np.not_equal(matrix, matrix, out=hits)
                code = np.zeros_like(won[here])
                _largest(hits, taps.codes[::-1], code)
                np.copyto(won[here], len(hits) + 1 - code, where=code != 0)
    return out, winner


def _largest(hits, codes, out):
    """The largest code of a hit in every column."""
    hits = hits.view(np.uint8)
    scaled = np.multiply(hits, codes, out=hits if codes.dtype == hits.dtype else None)
    np.maximum.reduce(scaled, axis=0, out=out)


max_pool.vjp(
    x=lambda g, x, winner, kernel, stride, padding, dilation, size: to_winners(
        g, winner, shape=x.shape, last=is_channels_last(unwrap(x)), kernel=kernel, stride=stride, padding=padding,
        dilation=dilation, size=size,
    )
)  # fmt: skip
max_pool.primitive.grad_name = "MaxPool2DWithIndicesBackward0"  # as PyTorch calls it


@primitive(nondiff=("winner",))
def to_winners(g, winner, *, shape, last, kernel, stride, padding, dilation, size):
    """Zeros of ``shape`` to which ``g`` is added at the winner of every window; channels ``last`` in memory or not."""
    out = _empty(shape, g.dtype, last)
    apart = all(s > (k - 1) * d for k, s, d in zip(kernel, stride, dilation))
    with memory.layout(_Taps, shape, g.dtype, last, kernel, stride, padding, dilation, size) as taps:
        room = taps.windows.room(out, 0, taps.step)
        won = taps.line(winner)
        for images, here, matrix, hits in taps.parts():
            target = out[images] if room is None else room[: images.stop - images.start]
            np.equal(won[here], taps.codes, out=hits)
            kept(taps.line(g[images]), hits, matrix)
            if not taps.windows.exact:
                target[...] = 0
            taps.write(target, matrix, apart)
            if room is not None:
                taps.windows.put_back(out[images], target)
    return out


@primitive(nondiff=("winner",))
def from_winners(x, winner, *, kernel, stride, padding, dilation, size):
    """``x`` at the winner of every window: the adjoint of :func:`to_winners`."""
    last = is_channels_last(x)
    out = _empty(winner.shape, x.dtype, last)
    with memory.layout(_Taps, x.shape, x.dtype, last, kernel, stride, padding, dilation, size) as taps:
        room = taps.windows.room(x, 0, taps.step)
        best, won = taps.line(out), taps.line(winner)
        for images, here, matrix, hits in taps.parts():
            taps.read(taps.windows.padded(x[images], room), matrix)
            np.equal(won[here], taps.codes, out=hits)
            np.multiply(matrix, hits, out=matrix)
            np.add.reduce(matrix, axis=0, out=best[here])
    return out


to_winners.vjp(
    g=lambda h, winner, kernel, stride, padding, dilation, size: from_winners(
        h, winner, kernel=kernel, stride=stride, padding=padding, dilation=dilation, size=size
    )
)
from_winners.vjp(
    x=lambda g, winner, x_shape, kernel, stride, padding, dilation, size: to_winners(
        g, winner, shape=x_shape, last=is_channels_last(unwrap(winner)), kernel=kernel, stride=stride, padding=padding,
        dilation=dilation, size=size,
    )
)  # fmt: skip


@primitive(differentiable=False)
def max_pool_index(x, *, kernel, stride, padding, dilation, size):
    """Where the first maximum of every window is, counted through the spatial dimensions of ``x`` (int64)."""
    windows = _Windows(x.shape, kernel, stride, padding, dilation, size)
    out = np.empty((*x.shape[:2], *size), np.int64)
    places = np.arange(math.prod(windows.spatial)).reshape(1, *windows.spatial)
    places = windows.padded(places[None], windows.room(places[None], -1))[0]
    room = windows.room(x, lowest(x.dtype))
    for i in range(len(x)):
        image = windows.padded(x[i : i + 1], room)[0]
        best = np.full(out.shape[1:], lowest(x.dtype), x.dtype)
        out[i] = -1
        for tap in windows.taps:
            seen, place = image[tap], np.broadcast_to(places[tap], best.shape)
            better = ((seen > best) | (seen != seen) | (out[i] < 0)) & (place >= 0)
            np.copyto(best, seen, where=better)
            np.copyto(out[i], place, where=better)
    return out


@primitive(differentiable=False)
def adaptive_max_index(x, *, size):
    """Where the first maximum of every adaptive window is, counted through the spatial dimensions (int64)."""
    spatial = x.shape[2:]
    places = np.arange(math.prod(spatial)).reshape(spatial)
    out = np.empty((*x.shape[:2], *size), np.int64)
    for at in itertools.product(*map(range, size)):
        window = tuple([slice(*adaptive_window(i, n, o)) for i, n, o in zip(at, spatial, size)])
        place = places[window].reshape(-1)
        part = x[(..., *window)].reshape(*x.shape[:2], place.size)
        out[(..., *at)] = place[part.argmax(-1)]
    return out


def adaptive_window(i, n, o):
    """Window ``i`` of ``o`` over ``n`` elements: from floor(i n / o) to ceil((i + 1) n / o)."""
    return i * n // o, -(-(i + 1) * n // o)


@primitive(nondiff=("index",))
def pick(x, index):
    """``x`` at the flat spatial positions ``index`` (N, C, *size)."""
    flat, at = [a.reshape(*a.shape[:2], math.prod(a.shape[2:])) for a in (x, index)]
    return np.take_along_axis(flat, at, axis=2).reshape(index.shape)


@primitive(nondiff=("index",))
def unpick(g, index, *, shape):
    """Zeros of ``shape`` to which ``g`` is added at the flat spatial positions ``index``."""
    n, c = shape[:2]
    count = math.prod(shape[2:])
    rows = (np.arange(n * c) * count).reshape(n, c, 1)
    flat = (index.reshape(n, c, math.prod(index.shape[2:])) + rows).reshape(-1)
    out = np.zeros(n * c * count, g.dtype)
    np.add.at(out, flat, g.reshape(-1))
    return out.reshape(shape)


pick.vjp(x=lambda g, index, x_shape: unpick(g, index, shape=x_shape))
unpick.vjp(g=lambda g, index: pick(g, index))

# -- sums ------------------------------------------------------------------------------------------


@primitive
def sum_pool(x, *, kernel, stride, padding, size):
    """The sum of every window; padding counts as zeros."""
    windows = _Windows(x.shape, kernel, stride, padding, (1,) * len(size), size)
    out = empty_like_layout(x, (*x.shape[:2], *size))
    taps = windows.taps

    def body(start, stop):
        count, blocks = _blocks(start, stop, math.prod(out.shape[1:]))
        room = windows.room(x, 0, count)
        for i in blocks:
            image, target = windows.padded(x[i], room), out[i]
            if len(taps) == 1:
                target[...] = image[taps[0]]
                continue
            np.add(image[taps[0]], image[taps[1]], out=target)
            for tap in taps[2:]:
                np.add(target, image[tap], out=target)

    parallel(body, len(x), out.size * len(taps) // 2)
    return out


@primitive
def sum_pool_grad(g, *, shape, kernel, stride, padding):
    """The adjoint of :func:`sum_pool`: every element of ``g`` added to its whole window."""
    windows = _Windows(shape, kernel, stride, padding, (1,) * (g.ndim - 2), g.shape[2:])
    out = empty_like_layout(g, shape)

    def body(start, stop):
        count, blocks = _blocks(start, stop, math.prod(g.shape[1:]))
        spare = windows.room(out, 0, count)
        for i in blocks:
            target = out[i] if spare is None else spare[: i.stop - i.start]
            if not windows.exact:
                target[...] = 0
            for tap in windows.taps:
                if windows.exact:
                    target[tap] = g[i]
                else:
                    np.add(target[tap], g[i], out=target[tap])
            if spare is not None:
                windows.put_back(out[i], target)

    parallel(body, len(g), g.size * len(windows.taps) // 2)
    return out


sum_pool.vjp(
    x=lambda g, x_shape, kernel, stride, padding: sum_pool_grad(
        g, shape=x_shape, kernel=kernel, stride=stride, padding=padding
    )
)
sum_pool_grad.vjp(
    g=lambda g_out, g_shape, kernel, stride, padding: sum_pool(
        g_out, kernel=kernel, stride=stride, padding=padding, size=g_shape[2:]
    )
)


def window_counts(spatial, kernel, stride, padding, size, count_include_pad):
    """How many elements each window of an average counts (with padding, or without), shape ``size``."""
    counts = np.ones((1,) * len(size))
    for axis, (n, k, s, p, o) in enumerate(zip(spatial, kernel, stride, padding, size)):
        start = np.arange(o) * s - p
        stop = np.minimum(start + k, n + p)
        length = stop - start if count_include_pad else np.minimum(stop, n) - np.maximum(start, 0)
        counts = counts * length.reshape((-1,) + (1,) * (len(size) - axis - 1))
    return counts
