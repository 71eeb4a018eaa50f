"""Convolution without packing patches, for images of few channels.

Channels last, what a kernel row of ``k`` pixels sees of an image row are ``k * channels`` neighbouring numbers. Of all
those windows every so-manieth one is disjoint from the next, so they are the rows of a matrix that lies in memory
already: a stretch of the image, cut into rows. With a 3-wide kernel three such matrices, each one pixel further on, are
all windows. One product per kernel row and such matrix gives that row's share of the output; the shares are added.

Windows that begin at the end of one image row reach into the next; they are computed, and left out of the
result. Several images at a time lie row by row, ``(height, images, width, channels)``, so that a kernel row is one
stretch over all of them.

It pays where BLAS does not pack either (see ``products``): otherwise many products with few terms each are slower
than one with many.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import memory, products
from .products import LIMIT, STEP

#: Bytes in use per product.
BUFFER = 1 << 20

#: Up to this many products per kernel row, adding up the pieces of a weight gradient costs less than packing patches.
SUMMED = 1 << 13


class Rows:
    """The plan of one convolution: sizes, how many images at a time, and their buffers."""

    def __init__(self, x, outs, kernel, size, stride, dilation, low):
        self.x = x.transpose(0, 2, 3, 1)
        self.outs, self.kernel, self.size, self.low = outs, kernel, size, low
        self.channels = x.shape[1]
        self.down, self.across = stride
        self.phases = -(-kernel[1] // self.across)
        # windows per row, with those that reach into the next, whose zeros on the left end this row as well
        reach, left = (size[1] - 1) * self.across + kernel[1], max(low[1], 0)
        pixels = max(min(low[1] + x.shape[3], reach), reach - left)
        self.wide = max(size[1], -(-pixels // self.across))
        #: per kernel row: which of the interleaved images (every ``down``-th row), and its first row there
        self.starts = [divmod(k * dilation[0], self.down)[::-1] for k in range(kernel[0])]
        self.high = size[0] + max(h for _, h in self.starts)
        self.inner = kernel[1] * self.channels
        row = self.wide * x.itemsize
        self.bytes = row * (self.down * self.high * self.across * self.channels + kernel[0] * size[0] * outs)

    def pays(self, dilation):
        """Whether this is the faster way."""
        return (
            products.UNPACKED
            and self.x.itemsize == 4
            and self.channels > 4
            and (self.kernel[1] == 1 or dilation[1] == 1)
            and self.inner * self.outs * STEP <= LIMIT
            and self.wide <= 1.2 * self.size[1]
            and self.bytes <= 2 * BUFFER
        )

    def chunks(self, start, stop, most):
        """Yield ``(images, filled buffers)``; matrices have up to ``most`` rows."""
        parts = -(-(stop - start) * self.bytes // BUFFER)
        each = -(-(stop - start) // max(1, parts))
        held = None
        for i in range(start, stop, each):
            n = min(each, stop - i)
            if held is None or held.images != n:
                held = _Buffers(self, n, most)
            held.fill(self.x[i : i + n])
            yield slice(i, i + n), held

    def weight(self, w):
        """``w`` (O, C, *kernel) as one matrix (kernel width * C, O) per kernel row."""
        return np.ascontiguousarray(w.transpose(2, 3, 1, 0)).reshape(self.kernel[0], self.inner, self.outs)

    def unweight(self, matrices):
        """The opposite of :meth:`weight`."""
        w = matrices.reshape(*self.kernel, self.channels, self.outs)
        return np.ascontiguousarray(w.transpose(3, 2, 0, 1))


class _Buffers:
    """Some images row by row with zeros around them, and the windows of every kernel row as matrices."""

    def __init__(self, rows, images, most):
        self.rows, self.images = rows, images
        self.windows = rows.size[0] * images * rows.wide
        each = -(-self.windows // rows.phases)
        self.blocks = -(-each // most)
        self.step = -(-each // self.blocks)
        self.all = rows.phases * self.blocks * self.step
        pixels = images * rows.wide * rows.across  # in one row of all images
        starts = [(r * rows.high + h) * pixels for r, h in rows.starts]
        need = max(starts) + (self.all - 1) * rows.across + rows.kernel[1]
        whole = rows.down * rows.high * pixels
        flat = memory.empty((max(need, whole) * rows.channels,), rows.x.dtype)
        flat[...] = 0
        self.space = flat[: whole * rows.channels].reshape(
            rows.down, rows.high, images, rows.wide * rows.across, rows.channels
        )
        c = rows.channels * rows.across
        shape = (rows.phases, self.blocks, self.step, rows.inner)
        strides = [s * flat.itemsize for s in (c, c * rows.phases * self.step, c * rows.phases, 1)]
        self.matrices = [as_strided(flat[s * rows.channels :], shape, strides, writeable=False) for s in starts]

    def fill(self, images):
        """Copy ``images`` (n, height, width, channels) to where they belong."""
        rows = self.rows
        top, left = rows.low
        height, width = images.shape[1:3]
        a, b = max(left, 0), max(min(left + width, rows.wide * rows.across), 0)
        if a >= b:
            return
        for r in range(rows.down):
            first = max(0, -(-(top - r) // rows.down))
            last = min(rows.high, -(-(height + top - r) // rows.down))
            if first < last:
                source = images[:, first * rows.down + r - top :: rows.down, a - left : b - left][:, : last - first]
                self.space[r, first:last, :, a:b] = source.transpose(1, 0, 2, 3)

    def interleaved(self, flat):
        """``flat`` (windows, O) as (phases, blocks, step, O), in the order of the matrices."""
        return flat.reshape(self.blocks, self.step, self.rows.phases, -1).transpose(2, 0, 1, 3)

    def images_of(self, flat):
        """``flat`` (windows, O) as (images, *size, O), without the windows that reach too far."""
        high, wide = self.rows.size
        seen = flat[: self.windows].reshape(high, self.images, self.rows.wide, -1)
        return seen[:, :, :wide].transpose(1, 0, 2, 3)


def correlate(rows, matrices, last, bias, start, stop):
    """The convolution of some images with ``matrices`` (see ``Rows.weight``) into ``last`` (N, *size, O), plus
    ``bias``, repeated to any divisor of an image's size."""
    held, most = None, max(STEP, min(192, LIMIT // (rows.inner * rows.outs)))
    for images, buffers in rows.chunks(start, stop, most):
        if held is not buffers:
            held = buffers
            shares = memory.empty((len(matrices), held.all, rows.outs), last.dtype)
            targets = [held.interleaved(share) for share in shares]
            first, final = held.images_of(shares[0]), held.images_of(shares[-1])
        for a, w, target in zip(held.matrices, matrices, targets):
            np.matmul(a, w, out=target)
        for share in shares[1:-1]:
            np.add(shares[0], share, out=shares[0])
        into = last[images]
        if len(shares) == 1:
            np.copyto(into, first)
        else:
            np.add(first, final, out=into)
        if bias is not None:
            flat = into.reshape(-1, bias.size)
            np.add(flat, bias, out=flat)


def weight_grad(rows, last, start, stop):
    """How some images and ``last`` (N, *size, O), the gradient of their convolution, correlate."""
    held, total = None, np.zeros((rows.kernel[0], rows.inner, rows.outs), last.dtype)
    most = max(STEP, min(256, LIMIT // (48 * rows.outs)))
    for images, buffers in rows.chunks(start, stop, most):
        if held is not buffers:
            held = buffers
            g = memory.empty((held.all, rows.outs), last.dtype)
            g[...] = 0
            right, target = held.interleaved(g)[:, :, None], held.images_of(g)
            part = products.divisor(rows.inner, max(1, LIMIT // (held.step * rows.outs)))
            shape = (rows.phases, held.blocks, held.step, rows.inner // part, part)
            lefts = [a.reshape(shape).transpose(0, 1, 3, 4, 2) for a in held.matrices]
        np.copyto(target, last[images])
        for k, left in enumerate(lefts):
            pieces = np.matmul(left, right).reshape(-1, rows.inner, rows.outs)
            np.add(total[k], np.add.reduce(pieces, axis=0), out=total[k])
    return total
