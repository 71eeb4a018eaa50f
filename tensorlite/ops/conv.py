"""Convolution in any number of dimensions, and its two adjoints, which close under differentiation.

``conv`` takes ``x`` (N, C, *spatial) and ``w`` (O, C / groups, *kernel) and computes the cross-correlation
that deep learning calls convolution::

    out[n, o, i] = b[o] + sum over c, k of  x[n, c, i * stride + k * dilation - padding] * w[o, c, k]

It is linear in ``x`` and in ``w``, so its gradients are two further operations of the same kind:
``conv_input_grad`` (which is the transposed convolution) and ``conv_weight_grad``. The gradients of any of the
three are the other two, to every order.

How it is fast: shapes are (N, C, ...), but results lie channels-last in memory. A few images at a time, the patches
that the kernel sees are packed into one buffer that stays in cache, and one matrix product turns them into
output pixels where they belong. The gradient of the input is a convolution again, with the kernel turned
round, once per residue of the stride. 1x1 kernels need no packing; depthwise ones are sums of shifted products.
"""

import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..engine import broadcast_to, primitive
from ..threads import parallel
from . import conv_columns, conv_pairs, conv_rows, memory, products
from .blocks import ones
from .products import rows_times, transposed_times
from .shape import reshape

#: Bytes of packed patches per matrix product: half of a second-level cache of 2 MiB.
BUFFER = 1 << 20


def channels_last(x):
    """(N, C, *spatial) seen as (N, *spatial, C)."""
    return x.transpose(0, *range(2, x.ndim), 1)


def empty_channels_last(n, channels, spatial, dtype):
    """An uninitialised (N, C, *spatial) array over channels-last memory."""
    out = memory.empty((n, *spatial, channels), dtype)
    return out.transpose(0, out.ndim - 1, *range(1, out.ndim - 1))


def output_size(size, kernel, stride, padding, dilation):
    """Spatial shape of a convolution; ``padding`` holds (low, high) pairs."""
    return tuple(
        [
            (n + lo + hi - d * (k - 1) - 1) // s + 1
            for n, k, s, (lo, hi), d in zip(size, kernel, stride, padding, dilation)
        ]
    )


class _Patches:
    """What a sliding kernel sees of ``x``, some images at a time, as the left side of a matrix product.

    Rows are output pixels. Columns are ordered (kernel, channel) as channels-last memory has them, or
    (channel, kernel) where there are so few channels that copying whole rows of pixels is faster.
    """

    def __init__(self, x, kernel, size, stride, dilation, low):
        self.x, self.kernel, self.size, self.stride, self.dilation, self.low = x, kernel, size, stride, dilation, low
        n, channels, *spatial = x.shape
        self.narrow = channels <= 4
        self.columns = channels * math.prod(kernel)
        reach = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(size, stride, kernel, dilation)]
        self.reach = reach
        self.direct = all(k == 1 for k in kernel) and all(s == 1 for s in stride) and not any(low) and spatial == reach
        self.inside = not any(low) and all(r <= m for r, m in zip(reach, spatial))
        pixels = math.prod(size)
        if self.direct:  # the pixels are the patches
            merged = x.strides[0] == pixels * x.strides[-1] and _rows(x)
            self.images = n if merged else 1
            self.rows = size[0]
        else:
            bytes_per_image = max(1, pixels * self.columns * x.itemsize)
            self.images = max(1, min(n, BUFFER // bytes_per_image))
            self.rows = max(1, min(size[0], size[0] * BUFFER // bytes_per_image)) if self.images == 1 else size[0]

    def weight(self, w):
        """``w`` (O, C, *kernel) as the right side (columns, O)."""
        if not self.narrow:
            w = channels_last(w)
        return np.ascontiguousarray(w.reshape(len(w), -1).T)

    def unweight(self, matrix):
        """A (columns, O) matrix as (O, C, *kernel)."""
        channels, out = self.x.shape[1], matrix.shape[1]
        if self.narrow:
            return matrix.T.reshape(out, channels, *self.kernel)
        w = matrix.T.reshape(out, *self.kernel, channels)
        return w.transpose(0, w.ndim - 1, *range(1, w.ndim - 1))

    def chunks(self, start, stop):
        """Yield ``(images, rows of the first spatial dimension, patches)``; the buffer is reused."""
        if self.direct:
            last = channels_last(self.x)
            for i in range(start, stop, self.images):
                part = last[i : min(i + self.images, stop)]
                yield slice(i, i + len(part)), slice(0, self.rows), part.reshape(-1, self.columns)
            return
        x, narrow = self.x, self.narrow
        count = max(1, min(self.images, stop - start))
        buffer = memory.empty((count * self.rows * math.prod(self.size[1:]) * self.columns,), x.dtype)
        padded = None if self.inside else self._room(count)
        every = self._windows(x if padded is None else padded[0])
        for i in range(start, stop, self.images):
            n = min(self.images, stop - i)
            if padded is None:
                images = slice(i, i + n)
            else:
                target, inner = padded
                images = slice(0, n)
                target[images][(..., *inner[0])] = x[i : i + n][(..., *inner[1])]
            for r in range(0, self.size[0], self.rows):
                rows = slice(r, min(r + self.rows, self.size[0]))
                view = (
                    every[(slice(None),) * (1 + len(self.kernel)) + (images, rows)] if narrow else every[images, rows]
                )
                packed = buffer[: view.size].reshape(view.shape)
                np.copyto(packed, view)
                matrix = packed.reshape(self.columns, -1).T if narrow else packed.reshape(-1, self.columns)
                yield slice(i, i + n), rows, matrix

    def _windows(self, x):
        """The patches as a view of ``x``: (C, *kernel, N, *size) if narrow, else (N, *size, *kernel, C)."""
        n, channels = x.shape[:2]
        sn, sc, *sp = x.strides
        taps = [s * d for s, d in zip(sp, self.dilation)]
        steps = [s * t for s, t in zip(sp, self.stride)]
        if self.narrow:
            return as_strided(x, (channels, *self.kernel, n, *self.size), (sc, *taps, sn, *steps), writeable=False)
        tail, strides = (*self.kernel, channels), (*taps, sc)
        if taps[-1] == channels * sc:  # neighbouring pixels follow each other: one long run
            tail, strides = (*self.kernel[:-1], self.kernel[-1] * channels), (*taps[:-1], sc)
        return as_strided(x, (n, *self.size, *tail), (sn, *steps, *strides), writeable=False)

    def _room(self, count):
        """Zeros around (part of) some images, and which part of an image goes where."""
        x = self.x
        shape = (count, x.shape[1], *self.reach)
        if self.narrow:
            room = np.zeros(shape, x.dtype)
        else:
            room = empty_channels_last(count, x.shape[1], self.reach, x.dtype)
            room[...] = 0
        to, of = [], []
        for lo, reach, n in zip(self.low, self.reach, x.shape[2:]):
            a, b = max(lo, 0), max(min(lo + n, reach), 0)
            b = max(a, b)
            to.append(slice(a, b))
            of.append(slice(a - lo, b - lo))
        return room, (tuple(to), tuple(of))


def _rows(x):
    """Whether the images of ``x`` are pixel rows of one channels-last matrix."""
    return channels_last(x).flags.c_contiguous


def _correlate(x, w, b, size, stride, dilation, low, groups, into=None):
    """``out[n, o, i] = b[o] + sum x[n, c, i * stride + k * dilation - low] * w[o, c, k]`` for ``i`` in ``size``.

    ``into`` is where it may be written at once (with no ``b``); the caller copies a result that lies elsewhere.
    """
    n, channels = x.shape[:2]
    outs, kernel = w.shape[0], w.shape[2:]
    plan = _plan(x, outs, kernel, size, stride, dilation, low, groups)
    out = (
        into if into is not None and plan is not None and plan.anywhere else empty_channels_last(n, outs, size, x.dtype)
    )
    if out.size == 0:
        return out
    if groups > 1 and groups == channels:
        _depthwise(x, w, b, out, stride, dilation, low)
        return out
    last = channels_last(out)
    step, ostep = channels // groups, outs // groups
    work = 2 * out.size * step * math.prod(kernel) // 128
    if plan is not None:
        matrices = plan.weight(w.reshape(outs, channels, *plan.kernel))
        images, flat = _image(x), last.reshape(n, *plan.size, outs)
        parallel(lambda start, stop: plan.correlate(images, matrices, flat, b, start, stop), n, work)
        return out
    bias = None if b is None else np.tile(b, _tile(size, outs))
    for group in range(groups):
        part = x[:, group * step : (group + 1) * step] if groups > 1 else x
        patches = _Patches(part, kernel, size, stride, dilation, low)
        matrix = patches.weight(w[group * ostep : (group + 1) * ostep])
        first = group * ostep

        def body(start, stop, patches=patches, matrix=matrix, first=first):
            for images, rows, a in patches.chunks(start, stop):
                target = last[images, rows]
                if groups > 1:
                    target[..., first : first + ostep] = (a @ matrix).reshape(*target.shape[:-1], ostep)
                else:
                    rows_times(a, matrix, target.reshape(-1, outs))
                    if bias is not None:
                        flat = target.reshape(-1, bias.size)
                        np.add(flat, bias, out=flat)

        parallel(body, n, work)
    if groups > 1 and b is not None:
        np.add(last, b, out=last)
    return out


def _plan(x, outs, kernel, size, stride, dilation, low, groups):
    """How to convolve without packing patches (one or two dimensions), or None where packing is faster."""
    if groups > 1 or x.ndim > 4 or x.dtype != np.float32 or not (products.UNPACKED and x.size and outs):
        return None
    channels, *image = x.shape[1:]
    if x.ndim == 3:
        image, kernel, size, stride, dilation, low = [(1, *a) for a in (image, kernel, size, stride, dilation)] + [
            (0, *low)
        ]
    image, kernel, size, low = tuple(image), tuple(kernel), tuple(size), tuple(low)
    stride, dilation = tuple(stride), tuple(dilation)
    if kernel == (1, 1):
        return None
    if stride == dilation == (1, 1):
        plan = None
        if channels == 1 or x.strides[1] == x.itemsize:
            plan = conv_columns.plan(channels, image, outs, kernel, size, low)
        plan = plan or conv_pairs.plan(channels, image, outs, kernel, size, low)
        if plan is not None:
            return plan
    return conv_rows.plan(channels, image, outs, kernel, size, stride, dilation, low)


def _back_plan(g, channels, kernel, size, stride, dilation, low, groups):
    """How to get the gradient of an input of few channels, or None where it is a convolution like others."""
    if groups > 1 or g.ndim != 4 or g.dtype != np.float32 or not (products.UNPACKED and g.size and channels):
        return None
    if any(s != 1 for s in (*stride, *dilation)):
        return None
    return conv_columns.plan(channels, tuple(size), g.shape[1], kernel, g.shape[2:], tuple(low), back=True)


def _image(x):
    """``x`` with two spatial dimensions."""
    return x[:, :, None] if x.ndim == 3 else x


def _tile(size, outs):
    """How often to repeat a bias so that adding it runs over long rows: a divisor of the pixels of one row."""
    wide = math.prod(size[1:])
    return wide if wide * outs <= 1 << 14 else 1


def _depthwise(x, w, b, out, stride, dilation, low):
    """Every channel on its own: one multiply and one add per tap of the kernel, image by image."""
    n, channels = x.shape[:2]
    kernel, size = w.shape[2:], out.shape[2:]
    many = w.shape[0] // channels
    patches = _Patches(x, kernel, size, stride, dilation, low)
    last = channels_last(out)
    taps = list(itertools.product(*map(range, kernel)))
    weights = [[np.ascontiguousarray(w[(slice(j, None, many), 0, *tap)]) for tap in taps] for j in range(many)]

    def body(start, stop):
        room = None if patches.inside else patches._room(1)
        product = np.empty((*size, channels), x.dtype)
        total = np.empty_like(product)
        for i in range(start, stop):
            source = x[i : i + 1]
            if room is not None:
                room[0][(..., *room[1][0])] = source[(..., *room[1][1])]
                source = room[0]
            source = channels_last(source)[0]
            for j in range(many):
                for t, tap in enumerate(taps):
                    seen = source[_tap(tap, size, stride, dilation)]
                    np.multiply(seen, weights[j][t], out=product if t else total)
                    if t:
                        np.add(total, product, out=total)
                if b is not None:
                    np.add(total, b[j::many], out=total)
                last[i, ..., j::many] = total

    parallel(body, n, out.size * len(taps))


def _tap(tap, size, stride, dilation):
    return tuple([slice(k * d, k * d + (o - 1) * s + 1, s) for k, o, s, d in zip(tap, size, stride, dilation)])


# -- the three operations --------------------------------------------------------------------------


@primitive
def conv(x, w, b=None, *, stride, padding, dilation, groups=1, size=None):
    """Cross-correlation of ``x`` (N, C, *spatial) with ``w`` (O, C / groups, *kernel), plus ``b`` (O,).

    ``stride`` and ``dilation`` have one int per spatial dimension, ``padding`` one pair (low, high); ``size`` is
    the spatial shape of the result where that is not all there is.
    """
    size = size or output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return _correlate(x, w, b, size, stride, dilation, [lo for lo, _ in padding], groups)


@primitive
def conv_input_grad(g, w, *, size, stride, padding, dilation, groups=1):
    """The adjoint of :func:`conv` in ``x``: the transposed convolution to spatial shape ``size``.

    Input pixel ``j`` is fed by the taps ``k`` with ``j + low - k * dilation = i * stride``. For every residue
    of ``j + low`` modulo the stride these taps are an arithmetic progression: an ordinary convolution of ``g``
    with every so-manieth tap of the kernel, reversed.
    """
    n, outs = g.shape[:2]
    per = w.shape[1]
    turned = (
        w.reshape(groups, outs // groups, *w.shape[1:])
        .swapaxes(1, 2)
        .reshape(groups * per, outs // groups, *w.shape[2:])
    )
    low = [lo for lo, _ in padding]
    plan = _back_plan(g, per, w.shape[2:], size, stride, dilation, low, groups)
    if plan is not None:
        out = empty_channels_last(n, per, size, g.dtype)
        weight, last = plan.weight(w), channels_last(out)
        parallel(lambda start, stop: plan.input_grad(g, weight, last, start, stop), n, 2 * g.size * w[0].size // 128)
        return out
    if all(s == 1 for s in stride):
        back = [d * (k - 1) - lo for d, k, lo in zip(dilation, w.shape[2:], low)]
        return _correlate(g, _reverse(turned), None, size, stride, dilation, back, groups)
    out = empty_channels_last(n, groups * per, size, g.dtype)
    phases = [_phases(m, k, s, d, lo) for m, k, s, d, lo in zip(size, w.shape[2:], stride, dilation, low)]
    for phase in itertools.product(*phases):
        where = (slice(None), slice(None), *[p[0] for p in phase])
        if any(p[1] is None for p in phase):
            out[where] = 0
            continue
        count = out[where].shape[2:]
        part = turned[(slice(None), slice(None), *[p[1] for p in phase])]
        target = out[where]
        result = _correlate(g, _reverse(part), None, count, (1,) * len(count), [p[2] for p in phase],
                            [p[3] for p in phase], groups, target)  # fmt: skip
        if result is not target:
            target[...] = result
    return out


def _reverse(w):
    return w[(slice(None), slice(None)) + (slice(None, None, -1),) * (w.ndim - 2)]


def _phases(size, kernel, stride, dilation, low):
    """Per residue of the input pixel: (its pixels, its taps, their spacing in ``g``, low padding of ``g``)."""
    common = math.gcd(dilation, stride)
    every, spacing = stride // common, dilation // common
    out = []
    for first in range(min(stride, size)):
        taps = [k for k in range(kernel) if (first + low - k * dilation) % stride == 0]
        pixels = slice(first, None, stride)
        if not taps:
            out.append((pixels, None, 1, 0))
            continue
        start = (first + low - taps[-1] * dilation) // stride  # where the reversed taps begin in g
        out.append((pixels, slice(taps[0], None, every), spacing, -start))
    return out


@primitive
def conv_weight_grad(x, g, *, kernel, stride, padding, dilation, groups=1):
    """The adjoint of :func:`conv` in ``w``: how ``x`` and the gradient ``g`` of the result correlate."""
    n, channels = x.shape[:2]
    outs, size = g.shape[1], g.shape[2:]
    step, ostep = channels // groups, outs // groups
    low = [lo for lo, _ in padding]
    if x.size == 0 or g.size == 0:
        return np.zeros((outs, step, *kernel), x.dtype)
    if groups > 1 and groups == channels:
        return _depthwise_weight(x, g, kernel, stride, dilation, low)
    last = channels_last(g)
    work = 2 * g.size * step * math.prod(kernel) // 128
    plan = _plan(x, outs, kernel, size, stride, dilation, low, groups)
    if plan is not None and plan.weight_pays:
        images, flat = _image(x), last.reshape(n, *plan.size, outs)
        sums = parallel(lambda start, stop: plan.weight_grad(images, flat, start, stop), n, work)
        return plan.unweight(sum(sums[1:], sums[0])).reshape(outs, channels, *kernel)
    pieces = []
    for group in range(groups):
        part = x[:, group * step : (group + 1) * step] if groups > 1 else x
        patches = _Patches(part, kernel, size, stride, dilation, low)

        def body(start, stop, patches=patches, group=group):
            total = None
            for images, rows, a in patches.chunks(start, stop):
                right = last[images, rows, ..., group * ostep : (group + 1) * ostep].reshape(-1, ostep)
                product = transposed_times(a, right)
                total = product if total is None else np.add(total, product, out=total)
            return total

        sums = parallel(body, n, work)
        pieces.append(patches.unweight(sum(sums[1:], sums[0])))
    return np.ascontiguousarray(pieces[0]) if groups == 1 else np.concatenate(pieces)


def _depthwise_weight(x, g, kernel, stride, dilation, low):
    channels, size = x.shape[1], g.shape[2:]
    many = g.shape[1] // channels
    patches = _Patches(x, kernel, size, stride, dilation, low)
    last = channels_last(g)
    taps = list(itertools.product(*map(range, kernel)))

    def body(start, stop):
        out = np.zeros((g.shape[1], 1, *kernel), g.dtype)
        room = None if patches.inside else patches._room(1)
        for i in range(start, stop):
            source = x[i : i + 1]
            if room is not None:
                room[0][(..., *room[1][0])] = source[(..., *room[1][1])]
                source = room[0]
            source = channels_last(source)[0]
            for j in range(many):
                right = np.ascontiguousarray(last[i, ..., j::many])
                for tap in taps:
                    product = source[_tap(tap, size, stride, dilation)] * right
                    out[(slice(j, None, many), 0, *tap)] += np.add.reduce(product.reshape(-1, channels), axis=0)
        return out

    sums = parallel(body, len(x), g.size * len(taps))
    return sum(sums[1:], sums[0])


@primitive
def channel_sum(x):
    """Sum over everything but dimension 1."""
    last = channels_last(x)
    if x.size and last.flags.c_contiguous:
        channels = x.shape[1]
        pixels = x.shape[-1] if channels < 64 else 1  # a product is slow with few columns
        rows = last.reshape(-1, pixels * channels)
        sums = ones(len(rows), x.dtype) @ rows
        return sums if pixels == 1 else np.add.reduce(sums.reshape(pixels, channels), axis=0)
    return np.add.reduce(x, axis=(0, *range(2, x.ndim)))


channel_sum.vjp(x=lambda g, x_shape: broadcast_to(reshape(g, shape=(-1,) + (1,) * (len(x_shape) - 2)), shape=x_shape))

conv.vjp(
    x=lambda g, w, x_shape, stride, padding, dilation, groups: conv_input_grad(
        g, w, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    w=lambda g, x, w_shape, stride, padding, dilation, groups: conv_weight_grad(
        x, g, kernel=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    b=lambda g: channel_sum(g),
)
conv_input_grad.vjp(
    g=lambda g_out, w, g_shape, stride, padding, dilation, groups: conv(
        g_out, w, stride=stride, padding=padding, dilation=dilation, groups=groups, size=g_shape[2:]
    ),
    w=lambda g_out, g, w_shape, stride, padding, dilation, groups: conv_weight_grad(
        g_out, g, kernel=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
)
conv_weight_grad.vjp(
    x=lambda g_out, g, x_shape, stride, padding, dilation, groups: conv_input_grad(
        g, g_out, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    g=lambda g_out, x, g_shape, stride, padding, dilation, groups: conv(
        x, g_out, stride=stride, padding=padding, dilation=dilation, groups=groups, size=g_shape[2:]
    ),
)

#: How PyTorch calls their nodes.
conv.primitive.grad_name = conv_input_grad.primitive.grad_name = "ConvolutionBackward0"
