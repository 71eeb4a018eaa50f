"""Pooling in any number of dimensions.

Maxima and sums over windows are taken tap by tap: one pass over a strided view of ``x`` for each element of the
kernel, image by image so that the running result stays in cache. Where a window has several maxima its gradient
goes to the first, as in PyTorch. Results lie in memory as the input does (channels last behind a convolution).
"""

import itertools
import math

import numpy as np

from ..engine import primitive
from ..threads import parallel
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


def empty_like_layout(x, shape):
    """An uninitialised array of ``shape`` with its channels where ``x`` has them."""
    if is_channels_last(x):
        return empty_channels_last(shape[0], shape[1], shape[2:], x.dtype)
    return np.empty(shape, x.dtype)


def lowest(dtype):
    """What no value is below."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _blocks(start, stop, each):
    """Some images at a time: small ones together, so that calls do not cost more than the work."""
    step = max(1, 16384 // max(1, each))
    return min(step, stop - start), [slice(i, min(i + step, stop)) for i in range(start, stop, step)]


# -- maxima ----------------------------------------------------------------------------------------


@primitive
def max_pool(x, *, kernel, stride, padding, dilation, size):
    """The largest element of every window; windows are padded with nothing."""
    windows = _Windows(x.shape, kernel, stride, padding, dilation, size)
    out = empty_like_layout(x, (*x.shape[:2], *size))

    def body(start, stop):
        count, blocks = _blocks(start, stop, math.prod(out.shape[1:]))
        room = windows.room(x, lowest(x.dtype), count)
        for i in blocks:
            image, target = windows.padded(x[i], room), out[i]
            for axis, (k, s, d, o) in enumerate(zip(kernel, stride, dilation, size), 2):  # one dimension at a time
                taps = [(slice(None),) * axis + (slice(t * d, t * d + (o - 1) * s + 1, s),) for t in range(k)]
                into = target if axis == out.ndim - 1 else None
                first = image
                if k == 1:
                    image = first[taps[0]]
                    if into is not None:
                        into[...] = image
                    continue
                image = np.maximum(first[taps[0]], first[taps[1]], out=into)
                for tap in taps[2:]:
                    np.maximum(image, first[tap], out=image)

    parallel(body, len(x), out.size * sum(kernel) // 2)
    return out


def _max_pool_vjp(g, x, out, kernel, stride, padding, dilation, size):
    settings = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "size": size}
    if g.__class__ is np.ndarray:
        return _max_pool_grad(g, x, out, settings)
    return unpick(g, max_pool_index(x, **settings), shape=x.shape)


max_pool.vjp(x=_max_pool_vjp)
max_pool.primitive.remakes = True  # PyTorch keeps indices: an activation may overwrite the result
max_pool.primitive.grad_name = "MaxPool2DWithIndicesBackward0"  # as PyTorch calls it


def _max_pool_grad(g, x, out, settings):
    """``g`` at the first element of each window that equals its maximum."""
    windows = _Windows(x.shape, **settings)
    grad = empty_like_layout(x, x.shape)
    taps, last = windows.taps, len(windows.taps) - 1

    def body(start, stop):
        count, blocks = _blocks(start, stop, math.prod(out.shape[1:]))
        room = windows.room(x, lowest(x.dtype), count)
        spare = None if room is None else np.empty_like(room)
        rest_, part_ = np.empty_like(out[:count]), np.empty_like(out[:count])
        hit_ = np.empty_like(rest_, dtype=bool)
        for i in blocks:
            image, best = windows.padded(x[i], room), out[i]
            n = len(best)
            target = grad[i] if spare is None else spare[:n]
            rest, part, hit = rest_[:n], part_[:n], hit_[:n]
            np.copyto(rest, g[i])  # what has not found its place yet
            if not windows.exact:
                target[...] = 0
            for t, tap in enumerate(taps):
                place = target[tap]
                if t == last:
                    place[...] = rest if windows.exact else place + rest
                    break
                np.equal(image[tap], best, out=hit)
                np.multiply(rest, hit, out=part)
                if windows.exact:  # windows tile the image: every element is written once
                    place[...] = part
                else:
                    np.add(place, part, out=place)
                np.subtract(rest, part, out=rest)
            if spare is not None:
                windows.put_back(grad[i], target)

    parallel(body, len(x), out.size * len(taps) * 2)
    return grad


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
        part = x[(..., *window)].reshape(*x.shape[:2], -1)
        out[(..., *at)] = places[window].reshape(-1)[part.argmax(-1)]
    return out


def adaptive_window(i, n, o):
    """Window ``i`` of ``o`` over ``n`` elements: from floor(i n / o) to ceil((i + 1) n / o)."""
    return i * n // o, -(-(i + 1) * n // o)


@primitive(nondiff=("index",))
def pick(x, index):
    """``x`` at the flat spatial positions ``index`` (N, C, *size)."""
    flat = x.reshape(*x.shape[:2], -1)
    return np.take_along_axis(flat, index.reshape(*index.shape[:2], -1), axis=2).reshape(index.shape)


@primitive(nondiff=("index",))
def unpick(g, index, *, shape):
    """Zeros of ``shape`` to which ``g`` is added at the flat spatial positions ``index``."""
    n, c = shape[:2]
    count = math.prod(shape[2:])
    rows = (np.arange(n * c) * count).reshape(n, c, 1)
    flat = (index.reshape(n, c, -1) + rows).reshape(-1)
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
