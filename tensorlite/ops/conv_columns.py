"""Convolution between few channels, several neighbouring output pixels at a time.

A matrix product with six columns runs at a third of the speed of one with forty. So ``across`` output pixels next to each
other are one row of the product: its left side is everything that they see, ``across + width - 1`` pixels of every kernel
row, and its right side the kernel, once per pixel and each time one pixel further on, with zeros around it
(a Toeplitz matrix). There are more multiplications, and all are faster; and patches overlap less.

Only along the width are patches packed: the image is cut into columns, ``(images, columns, height, pixels of a row)``, in
which the rows that a kernel sees follow each other. Those windows are the matrix, where they lie.

The gradient of the input is the transposed scheme: one product per kernel row, all rows of the result added where they
belong, and the columns laid over each other.
"""

import functools

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import memory
from .conv_rows import BUFFER, chunks
from .products import LIMIT


class Columns:
    """The plan of one convolution with stride 1, ``across`` pixels at a time."""

    weight_pays, anywhere = True, False  # results are written in whole lines

    def __init__(self, channels, image, outs, kernel, size, low, across):
        self.channels, self.image, self.outs, self.kernel, self.size, self.low = (
            channels,
            image,
            outs,
            kernel,
            size,
            low,
        )
        self.across = across
        self.columns = -(-size[1] // across)
        self.high = size[0] + kernel[0] - 1  # rows of the image, with zeros around it
        self.wide = self.columns * across + kernel[1] - 1
        self.seen = (across + kernel[1] - 1) * channels  # numbers per row that one column sees
        self.inner, self.made = kernel[0] * self.seen, across * outs

    def chunks(self, start, stop, numbers, inner, made):
        """Images that fit into the buffer, ``numbers`` each, and whose products BLAS does not pack."""
        return chunks(start, stop, max(4 * numbers, BUFFER * self.columns * inner * made // LIMIT))

    def weight(self, w):
        """``w`` (O, C, *kernel) as (*kernel, C, 1, O)."""
        return np.ascontiguousarray(w.transpose(2, 3, 1, 0))[:, :, :, None]

    def correlate(self, x, weight, last, bias, start, stop):
        """The convolution of some images of ``x`` with ``weight`` into ``last`` (N, *size, O), plus ``bias`` (O,)."""
        x, last = x.transpose(0, 2, 3, 1), _lines(last)
        bias = np.zeros((), x.dtype) if bias is None else np.tile(bias, self.size[1])
        numbers = self.high * (self.wide * self.channels + self.columns * (self.seen + self.made))
        for images, parts in self.chunks(start, stop, numbers, self.inner, self.made):
            with memory.layout(_Forward, self, images) as views:
                np.copyto(views.diagonal, weight)
                for part in parts:
                    views.fill(x[part])
                    np.matmul(views.matrices, views.weight, out=views.products)
                    np.add(views.result, bias, out=last[part])

    def weight_grad(self, x, last, start, stop):
        """The gradient of the kernel, (*kernel, C, O), from some images and ``last`` (N, *size, O)."""
        x, last = x.transpose(0, 2, 3, 1), _lines(last)
        total = np.zeros((self.inner, self.made), x.dtype)
        numbers = self.high * (self.wide * self.channels + self.columns * (self.seen + self.made))
        for images, parts in self.chunks(start, stop, numbers, self.inner, self.made):
            with memory.layout(_Weight, self, images) as views:
                for part in parts:
                    views.fill(x[part])
                    np.copyto(views.result, last[part])
                    np.matmul(views.turned, views.products, out=views.pieces)
                    np.add(total, np.add.reduce(views.pieces, axis=0), out=total)
        total = total.reshape(self.kernel[0], -1, self.channels, self.across, self.outs)
        return np.add.reduce(_diagonal(total, self, (0, 1, 2, 3, 4)), axis=3)

    def unweight(self, sums):
        """The gradient of ``w`` from what :meth:`weight_grad` returns."""
        return np.ascontiguousarray(sums.transpose(3, 2, 0, 1))

    def input_grad(self, g, weight, last, start, stop):
        """The gradient of some images from ``g`` (N, O, *size), into ``last`` (N, height, width, C); no padding."""
        g, last = _lines(g.transpose(0, 2, 3, 1)), _lines(last)
        numbers = self.high * self.columns * (self.made + self.seen * (self.kernel[0] + 1) + self.made)
        for images, parts in self.chunks(start, stop, numbers // 2, self.made, self.seen):
            with memory.layout(_Back, self, images) as views:
                np.copyto(views.diagonal, weight)
                for part in parts:
                    np.copyto(views.gradient, g[part])
                    np.matmul(views.matrices, views.weight, out=views.shares)
                    views.add_up(last[part])


def _lines(last):
    """(N, height, width, channels) as (N, height, width * channels)."""
    return last.reshape(*last.shape[:2], -1)


def _diagonal(toeplitz, plan, axes):
    """A Toeplitz matrix, whose kernel rows, pixels, channels, columns, outputs are ``axes``, as (*kernel, C, across, O)."""
    row, pixel, channel, column, out = [toeplitz.strides[i] for i in axes]
    shape = (*plan.kernel, plan.channels, plan.across, plan.outs)
    return as_strided(toeplitz, shape, (row, pixel, channel, pixel + column, out))


class _Images:
    """Some images with zeros around them, their columns, and the windows of these as matrices, one per row."""

    def __init__(self, take, plan, images):
        channels, (top, left), (height, width) = plan.channels, plan.low, plan.image
        self.zeros = [take((images, plan.high, plan.wide * channels), np.float32)]
        padded = self.zeros[0].reshape(images, plan.high, plan.wide, channels)
        a, b = max(top, 0), max(left, 0)
        rows, columns = slice(a, max(a, min(top + height, plan.high))), slice(b, max(b, min(left + width, plan.wide)))
        self.inside = padded[:, rows, columns]
        self.seen = np.s_[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        item = padded.itemsize
        image, row, pixel, _ = padded.strides
        shape = (images, plan.columns, plan.high, plan.seen)
        self.packed = as_strided(padded, shape, (image, plan.across * pixel, row, item), writeable=False)
        self.cut = take(shape, np.float32)
        rows = (plan.size[0], images * plan.columns, plan.inner)
        self.matrices = as_strided(
            self.cut, rows, (plan.seen * item, plan.high * plan.seen * item, item), writeable=False
        )
        line = plan.columns * plan.made
        products = take((plan.size[0], images, line), np.float32)
        self.products = products.reshape(plan.size[0], images * plan.columns, plan.made)
        self.result = products[:, :, : plan.size[1] * plan.outs].transpose(1, 0, 2)

    def clear(self):
        for a in self.zeros:
            a[...] = 0

    def fill(self, images):
        np.copyto(self.inside, images[self.seen])
        np.copyto(self.cut, self.packed)


class _Forward(_Images):
    def __init__(self, take, plan, images):
        super().__init__(take, plan, images)
        kernel = take((plan.kernel[0], plan.seen // plan.channels, plan.channels, plan.across, plan.outs), np.float32)
        self.zeros.append(kernel)
        self.diagonal = _diagonal(kernel, plan, (0, 1, 2, 3, 4))
        self.weight = kernel.reshape(plan.inner, plan.made)


class _Weight(_Images):
    def __init__(self, take, plan, images):
        super().__init__(take, plan, images)
        self.zeros.append(self.products)  # columns may reach beyond the result
        self.turned = self.matrices.swapaxes(1, 2)
        self.pieces = take((plan.size[0], plan.inner, plan.made), np.float32)


class _Back:
    """The gradient row by row, its products with every kernel row, and where these are added up."""

    def __init__(self, take, plan, images):
        self.plan = plan
        rows, columns = plan.size[0], plan.columns
        self.g = take((rows, images, columns * plan.made), np.float32)
        self.gradient = self.g[:, :, : plan.size[1] * plan.outs].transpose(1, 0, 2)
        self.matrices = self.g.reshape(rows, images * columns, plan.made)
        self.kernel = take(
            (plan.kernel[0], plan.across, plan.outs, plan.seen // plan.channels, plan.channels), np.float32
        )
        self.diagonal = _diagonal(self.kernel, plan, (0, 3, 4, 1, 2))
        self.weight = self.kernel.reshape(plan.kernel[0], 1, plan.made, plan.seen)
        self.shares = take((plan.kernel[0], rows, images * columns, plan.seen), np.float32)
        self.sums = take((plan.high, images, columns, plan.seen), np.float32)
        self.lines = take((plan.high, images, plan.wide * plan.channels), np.float32)

    def clear(self):
        self.g[...] = 0
        self.kernel[...] = 0

    def add_up(self, out):
        """Write the gradient of some images into ``out`` (n, height, width * C)."""
        plan, sums, lines, shares = self.plan, self.sums, self.lines, self.shares
        rows = len(shares[0])
        sums[rows:] = 0
        target = sums.reshape(plan.high, -1, plan.seen)
        np.copyto(target[:rows], shares[0])
        for k in range(1, len(shares)):
            np.add(target[k : k + rows], shares[k], out=target[k : k + rows])
        lines[...] = 0
        apart = plan.across * plan.channels
        for j in range(plan.columns):
            line = lines[:, :, j * apart : j * apart + plan.seen]
            np.add(line, sums[:, :, j], out=line)
        high, wide = min(plan.image[0], plan.high), min(plan.image[1], plan.wide) * plan.channels
        np.copyto(out[:, :high, :wide], lines[:high, :, :wide].transpose(1, 0, 2))
        out[:, high:] = 0  # pixels that no window sees
        out[:, :, wide:] = 0


def _time(rows, inner, columns):
    """Nanoseconds that a matrix product takes, roughly: vectors of sixteen columns, and what is left of the last one."""
    whole, rest = columns // 16 * 16, columns % 16
    return rows * inner * 2 * ((0.035 + 0.0052 * whole if whole else 0) + (0.06 + 0.005 * rest if rest else 0))


@functools.lru_cache(maxsize=256)
def plan(channels, image, outs, kernel, size, low, back=False):
    """How to convolve with stride 1, or to get the gradient of the input (``back``); None where another way is faster."""
    high, wide = kernel
    if channels > 8 or outs > 16 or high < 2 or high * wide < 9 or min(size) < 1:
        return None
    if back and (high * wide < 16 or any(low)):
        return None

    def time(across):
        columns, seen = -(-size[1] // across), (across + wide - 1) * channels
        if back:
            products = _time(size[0] * columns * high, across * outs, seen)
            return products + columns * (50 + high * size[0] * seen * 0.15 + image[0] * (12 + seen * 0.15))
        return _time(size[0] * columns, high * seen, across * outs) + columns * (size[0] + high) * (5 + seen * 0.1)

    across = min(range(1, min(size[1], 16) + 1), key=time)
    columns = Columns(channels, image, outs, kernel, size, low, across)
    inner, made = (columns.made, columns.seen) if back else (columns.inner, columns.made)
    numbers = columns.high * columns.columns * columns.seen * (1 + high if back else 2)
    return columns if columns.columns * inner * made <= LIMIT and 4 * numbers <= BUFFER else None
