"""Convolution without packing patches, for images of more than a few channels.

Channels last, what a kernel row of ``k`` pixels sees of an image row are ``k * channels`` neighbouring numbers. Of all
those windows every so-manieth one is disjoint from the next, so they are the rows of a matrix that lies in memory
already: a stretch of the image, cut into rows. With a 3-wide kernel three such matrices, each one pixel further on, are
all windows. One product per kernel row and such matrix gives that row's share of the output; the shares are added.

Windows that begin at the end of one image row reach into the next; they are computed, and left out of the
result. Several images at a time lie row by row, ``(height, images, width, channels)``, so that a kernel row is one
stretch over all of them.

It pays where BLAS does not pack either (see ``products``): otherwise many products with few terms each are slower
than one with many. ``conv_pairs`` does the same with fewer multiplications where the kernel has three rows.

A plan (:class:`Rows`) depends on shapes and settings only. Where its arrays lie is a layout of scratch memory
(see ``memory``), made once per thread and number of images.
"""

import functools

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import memory, products
from .products import LIMIT, STEP

#: Bytes in use per product.
BUFFER = 1 << 20

#: Up to this many products per kernel row, adding up the pieces of a weight gradient costs less than packing patches.
SUMMED = 1 << 13


class Stretch:
    """The windows of ``high * images`` rows of ``wide`` steps each, as matrices; up to ``most`` rows per matrix.

    A window is ``kernel`` pixels wide, the next one begins ``across`` pixels further on.
    """

    def __init__(self, high, images, wide, channels, kernel, across, most):
        self.high, self.images, self.wide = high, images, wide
        self.windows = high * images * wide
        self.phases = -(-kernel // across)
        self.inner = kernel * channels
        each = -(-self.windows // self.phases)
        self.blocks = -(-each // most)
        self.step = -(-each // self.blocks)
        self.all = self.phases * self.blocks * self.step
        self.apart = across * channels
        self.length = (self.all - 1) * self.apart + self.inner  # numbers from the first window to the end of the last

    def matrices(self, flat):
        """``flat`` (..., numbers) as (..., phases, blocks, step, inner)."""
        shape = (*flat.shape[:-1], self.phases, self.blocks, self.step, self.inner)
        apart = self.apart
        last = (apart, apart * self.phases * self.step, apart * self.phases, 1)
        strides = (*flat.strides[:-1], *[s * flat.itemsize for s in last])
        return as_strided(flat, shape, strides, writeable=False)

    def interleaved(self, flat):
        """``flat`` (..., windows, O) as (..., phases, blocks, step, O), in the order of the matrices."""
        shape = (*flat.shape[:-2], self.phases, self.blocks, self.step, flat.shape[-1])
        row = flat.strides[-2]
        strides = (*flat.strides[:-2], row, row * self.phases * self.step, row * self.phases, flat.itemsize)
        return as_strided(flat, shape, strides)

    def rows(self, flat):
        """``flat`` (..., windows, O) as (..., high, images, wide, O)."""
        seen = flat[..., : self.windows, :]
        return seen.reshape(*flat.shape[:-2], self.high, self.images, self.wide, flat.shape[-1])

    def tiled(self, bias):
        """``bias`` (O,) repeated: long enough to add it in long runs, and a divisor of all results."""
        return np.tile(bias, self.phases * self.step)

    def lefts(self, matrices, columns):
        """``matrices`` turned, for a weight gradient of ``columns``, and cut to what BLAS takes without packing."""
        part = products.divisor(self.inner, max(1, LIMIT // (self.step * columns)))
        split = matrices.reshape(*matrices.shape[:-1], self.inner // part, part)
        return np.moveaxis(split, -3, -1)


class Rows:
    """The plan of one convolution: sizes, and how many bytes an image takes."""

    anywhere = True  # whether results may be written to any view

    def __init__(self, channels, image, outs, kernel, size, stride, dilation, low):
        self.channels, self.image = channels, image
        self.outs, self.kernel, self.size, self.low = outs, kernel, size, low
        self.down, self.across = stride
        # windows per row, with those that reach into the next, whose zeros on the left end this row as well
        reach, left = (size[1] - 1) * self.across + kernel[1], max(low[1], 0)
        pixels = max(min(low[1] + image[1], reach), reach - left)
        self.wide = max(size[1], -(-pixels // self.across))
        #: per kernel row: which of the interleaved images (every ``down``-th row), and its first row there
        self.starts = [divmod(k * dilation[0], self.down)[::-1] for k in range(kernel[0])]
        self.high = size[0] + max(h for _, h in self.starts)
        self.inner = kernel[1] * channels
        self.weight_pays = self.inner * outs <= SUMMED
        row = 4 * self.wide
        self.bytes = row * (self.down * self.high * self.across * channels + kernel[0] * size[0] * outs)

    def weight(self, w):
        """``w`` (O, C, *kernel) as one matrix (kernel width * C, O) per kernel row."""
        return np.ascontiguousarray(w.transpose(2, 3, 1, 0)).reshape(self.kernel[0], self.inner, self.outs)

    def unweight(self, matrices):
        """The gradient of ``w`` from what :meth:`weight_grad` returns."""
        w = matrices.reshape(*self.kernel, self.channels, self.outs)
        return np.ascontiguousarray(w.transpose(3, 2, 0, 1))

    def correlate(self, x, matrices, last, bias, start, stop):
        """The convolution of some images of ``x`` with ``matrices`` (see :meth:`weight`) into ``last`` (N, *size, O),
        plus ``bias`` (O,)."""
        x = x.transpose(0, 2, 3, 1)
        for images, parts in chunks(start, stop, self.bytes):
            with memory.layout(_Forward, self, images) as views:
                shares = views.shares
                if bias is not None:
                    tiled = views.stretch.tiled(bias)
                for part in parts:
                    views.fill(x[part])
                    for a, w, target in zip(views.matrices, matrices, views.targets):
                        np.matmul(a, w, out=target)
                    if bias is not None:
                        lines = shares[0].reshape(-1, tiled.size)
                        np.add(lines, tiled, out=lines)
                    for share in shares[1:-1]:
                        np.add(shares[0], share, out=shares[0])
                    if len(shares) == 1:
                        np.copyto(last[part], views.first)
                    else:
                        np.add(views.first, views.final, out=last[part])

    def weight_grad(self, x, last, start, stop):
        """How some images of ``x`` and ``last`` (N, *size, O), the gradient of their convolution, correlate."""
        x = x.transpose(0, 2, 3, 1)
        total = np.zeros((self.kernel[0], self.inner, self.outs), last.dtype)
        for images, parts in chunks(start, stop, self.bytes):
            with memory.layout(_Weight, self, images) as views:
                for part in parts:
                    views.fill(x[part])
                    np.copyto(views.target, last[part])
                    for k, left in enumerate(views.lefts):
                        np.matmul(left, views.right, out=views.pieces)
                        np.add(total[k], np.add.reduce(views.terms, axis=0), out=total[k])
        return total


def chunks(start, stop, each):
    """Images ``start`` to ``stop`` of ``each`` bytes, a buffer full at a time: ``[(how many, slices), ...]``."""
    count = stop - start
    images = -(-count // max(1, -(-count * each // BUFFER)))
    whole = start + count // images * images
    out = [(images, [slice(i, i + images) for i in range(start, whole, images)])]
    if whole < stop:
        out.append((stop - whole, [slice(whole, stop)]))
    return out


class _Space:
    """Some images row by row with zeros around them, and the windows of every kernel row as matrices."""

    def __init__(self, take, rows, images, most):
        self.plan = rows
        self.stretch = Stretch(rows.size[0], images, rows.wide, rows.channels, rows.kernel[1], rows.across, most)
        pixels = images * rows.wide * rows.across  # in one row of all images
        starts = [(r * rows.high + h) * pixels * rows.channels for r, h in rows.starts]
        whole = rows.down * rows.high * pixels * rows.channels
        length = self.stretch.length
        self.flat = take((max(max(starts) + length, whole),), np.float32)
        self.space = self.flat[:whole].reshape(rows.down, rows.high, images, rows.wide * rows.across, rows.channels)
        self.matrices = [self.stretch.matrices(self.flat[s : s + length]) for s in starts]

    def clear(self):
        self.flat[...] = 0

    def fill(self, images):
        """Copy ``images`` (n, height, width, channels) to where they belong."""
        rows = self.plan
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


class _Forward(_Space):
    def __init__(self, take, rows, images):
        most = max(STEP, min(192, LIMIT // (rows.inner * rows.outs)))
        super().__init__(take, rows, images, most)
        stretch = self.stretch
        shares = take((rows.kernel[0], stretch.all, rows.outs), np.float32)
        self.shares = list(shares)
        self.targets = list(stretch.interleaved(shares))
        seen = stretch.rows(shares)[:, :, :, : rows.size[1]].transpose(0, 2, 1, 3, 4)
        self.first, self.final = seen[0], seen[-1]


class _Weight(_Space):
    def __init__(self, take, rows, images):
        most = max(STEP, min(256, LIMIT // (48 * rows.outs)))
        super().__init__(take, rows, images, most)
        stretch = self.stretch
        self.g = take((stretch.all, rows.outs), np.float32)
        self.right = stretch.interleaved(self.g)[:, :, None]
        self.target = stretch.rows(self.g)[:, :, : rows.size[1]].transpose(1, 0, 2, 3)
        self.lefts = [stretch.lefts(a, rows.outs) for a in self.matrices]
        self.pieces = take((*self.lefts[0].shape[:-1], rows.outs), np.float32)
        self.terms = self.pieces.reshape(-1, rows.inner, rows.outs)

    def clear(self):
        super().clear()
        self.g[...] = 0


@functools.lru_cache(maxsize=256)
def plan(channels, image, outs, kernel, size, stride, dilation, low):
    """How to convolve without packing patches, or None where packing is faster."""
    rows = Rows(channels, image, outs, kernel, size, stride, dilation, low)
    pays = (
        channels > 4
        and (kernel[1] == 1 or dilation[1] == 1)
        and rows.inner * outs * STEP <= LIMIT
        and rows.wide <= 1.2 * size[1]
        and rows.bytes <= 2 * BUFFER
    )
    return rows if pays else None
