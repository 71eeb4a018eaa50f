"""Convolution with kernels of three rows, two output rows at a time: four products instead of six.

Winograd's F(2, 3) along the height (S. Winograd 1980; A. Lavin & S. Gray, "Fast algorithms for convolutional neural
networks", 2016). With the input rows ``d0 .. d3`` and the kernel's rows ``w0 .. w2``, each product ``*`` being the
convolution of one row with one row::

    m0 = (d0 - d2) * w0                       y0 = m0 + m1 + m2
    m1 = (d1 + d2) * (w0 + w1 + w2) / 2       y1 = m1 - m2 + m3
    m2 = (d2 - d1) * (w0 - w1 + w2) / 2
    m3 = (d1 - d3) * -w2

The sums of rows are all the packing there is: they are written as stretches of windows (see ``conv_rows``), to which
matrix products are applied where they lie. The gradient of the kernel is the transposed scheme. The gradient of the input
is a convolution.

All constants are 1 and 1/2. Against float64 the results of float32 were as exact as those of the plain sum.
An infinity may become NaN, in outputs that see it: the difference of two rows is taken.
"""

import functools

import numpy as np

from . import memory
from .conv_rows import BUFFER, Stretch, chunks
from .products import LIMIT, STEP

#: The rows that each of the four products combines, and how.
_SUMS = ((0, 2, np.subtract), (1, 2, np.add), (2, 1, np.subtract), (1, 3, np.subtract))


class Pairs:
    """The plan of one convolution with stride 1: sizes, and how many bytes an image takes."""

    weight_pays = anywhere = True

    def __init__(self, channels, image, outs, kernel, size, low):
        self.channels, self.image, self.outs, self.kernel, self.size, self.low = (
            channels,
            image,
            outs,
            kernel,
            size,
            low,
        )
        self.inner = kernel[1] * channels
        reach, left = size[1] + kernel[1] - 1, max(low[1], 0)
        self.wide = max(size[1], min(low[1] + image[1], reach), reach - left)
        self.high = -(-size[0] // 2)
        self.bytes = 4 * self.high * self.wide * (4 * channels + 5 * outs)

    def weight(self, w):
        """``w`` (O, C, 3, width) as four matrices (width * C, O)."""
        rows = np.ascontiguousarray(w.transpose(2, 3, 1, 0)).reshape(3, self.inner, self.outs)
        out = memory.empty((4, self.inner, self.outs), w.dtype)
        np.copyto(out[0], rows[0])
        outer = (rows[0] + rows[2]) * 0.5
        middle = rows[1] * 0.5
        np.add(outer, middle, out=out[1])
        np.subtract(outer, middle, out=out[2])
        np.negative(rows[2], out=out[3])
        return out[:, None, None]

    def unweight(self, sums):
        """The gradient of ``w`` from what :meth:`weight_grad` returns."""
        outer = (sums[1] + sums[2]) * 0.5
        w = np.stack([sums[0] + outer, (sums[1] - sums[2]) * 0.5, outer - sums[3]])
        return np.ascontiguousarray(w.reshape(*self.kernel, self.channels, self.outs).transpose(3, 2, 0, 1))

    def correlate(self, x, matrices, last, bias, start, stop):
        """The convolution of some images of ``x`` with ``matrices`` (see :meth:`weight`) into ``last`` (N, *size, O),
        plus ``bias`` (O,)."""
        x = _last(x)
        for images, parts in chunks(start, stop, self.bytes):
            with memory.layout(_Forward, self, images) as views:
                m = views.products
                if bias is not None:
                    tiled = views.stretch.tiled(bias)
                    lines = m[1].reshape(-1, tiled.size)
                for part in parts:
                    views.fill(x[part])
                    np.matmul(views.matrices, matrices, out=views.targets)
                    if bias is not None:  # m1 is part of both rows
                        np.add(lines, tiled, out=lines)
                    np.add(m[1], m[2], out=m[4])
                    np.subtract(m[1], m[2], out=m[2])
                    for ours, theirs in views.pairs(last[part]):
                        np.add(*ours, out=theirs)

    def weight_grad(self, x, last, start, stop):
        """What :meth:`unweight` makes of some images and ``last`` (N, *size, O), the gradient of their convolution."""
        x = _last(x)
        total = np.zeros((4, self.inner, self.outs), last.dtype)
        for images, parts in chunks(start, stop, self.bytes):
            with memory.layout(_Weight, self, images) as views:
                for part in parts:
                    views.fill(x[part])
                    views.fill_gradient(last[part])
                    np.matmul(views.lefts, views.right, out=views.pieces)
                    np.add(total, np.add.reduce(views.terms, axis=1), out=total)
        return total


def _last(x):
    """``x`` (N, C, height, width) as (N, height, width, C) with neighbouring channels."""
    x = x.transpose(0, 2, 3, 1)
    return x if x.strides[-1] == x.itemsize else np.ascontiguousarray(x)


class _Sums:
    """The sums of rows of some images, with zeros around them, and their windows as matrices."""

    def __init__(self, take, plan, images, most):
        self.plan = plan
        self.stretch = stretch = Stretch(plan.high, images, plan.wide, plan.channels, plan.kernel[1], 1, most)
        self.sums = take((4, -(-stretch.length // 16) * 16), np.float32)
        self.matrices = stretch.matrices(self.sums)
        top, left = plan.low
        height, width = plan.image
        pixels = plan.high * images * plan.wide
        target = self.sums[:, : pixels * plan.channels].reshape(4, plan.high, images, plan.wide, plan.channels)
        target = target.transpose(0, 2, 1, 3, 4)
        a = max(left, 0)
        columns = slice(max(0, -left), min(width, plan.wide - left))
        #: what to do per image: (function, where the result goes, which rows of the image, which other rows)
        self.steps = []
        if columns.start >= columns.stop:
            return
        target = target[:, :, :, a : a + columns.stop - columns.start]

        def rows(offset, first, stop):
            start = 2 * first + offset - top
            return slice(None), slice(start, start + 2 * (stop - first) - 1, 2), columns

        for into, (one, other, function) in zip(target, _SUMS):
            ranges = [_inside(offset - top, plan.high, height) for offset in (one, other)]
            first, stop = max(r[0] for r in ranges), min(r[1] for r in ranges)
            stop = max(first, stop)
            if first < stop:
                self.steps.append((function, into[:, first:stop], rows(one, first, stop), rows(other, first, stop)))
            alone = _negated if function is np.subtract else _copy
            for offset, (low, high), copy in ((one, ranges[0], _copy), (other, ranges[1], alone)):
                for i, j in ((low, min(high, first)), (max(low, stop), high)):  # where the other row is outside
                    if i < j:
                        self.steps.append((copy, into[:, i:j], rows(offset, i, j), None))

    def clear(self):
        self.sums[...] = 0

    def fill(self, images):
        """Sum up rows of ``images`` (n, height, width, channels)."""
        for function, into, one, other in self.steps:
            if other is None:
                function(images[one], out=into)
            else:
                function(images[one], images[other], out=into)


def _copy(image, out):
    np.copyto(out, image)  # three times as fast as np.positive


def _negated(image, out):
    np.multiply(image, -1, out=out)  # not np.negative: NumPy 2.4 errs on some strides


def _inside(offset, count, height):
    """For which ``i`` of ``range(count)`` row ``2 * i + offset`` exists."""
    first = min(count, max(0, -(offset // 2)))
    return first, max(first, min(count, -(-(height - offset) // 2)))


class _Forward(_Sums):
    def __init__(self, take, plan, images):
        super().__init__(take, plan, images, max(STEP, min(192, LIMIT // (plan.inner * plan.outs))))
        stretch = self.stretch
        self.products = take((5, stretch.all, plan.outs), np.float32)
        self.targets = stretch.interleaved(self.products[:4])
        seen = stretch.rows(self.products)[:, :, :, : plan.size[1]].transpose(0, 2, 1, 3, 4)
        self.even, self.odd = (seen[0], seen[4]), (seen[3], seen[2])
        both = seen.transpose(1, 2, 0, 3, 4)
        self.both = both[:, :, 0:4:3], both[:, :, 4:1:-2]

    def pairs(self, out):
        """What to add, and where to: ``out`` (n, *size, O)."""
        n, height, *rest = out.shape
        if height % 2 == 0:
            return [(self.both, out.reshape(n, height // 2, 2, *rest))]
        fewer = height // 2
        return [(self.even, out[:, ::2]), ([a[:, :fewer] for a in self.odd], out[:, 1::2])]


class _Weight(_Sums):
    def __init__(self, take, plan, images):
        super().__init__(take, plan, images, max(STEP, min(256, LIMIT // (48 * plan.outs))))
        stretch = self.stretch
        self.g = take((4, stretch.all, plan.outs), np.float32)
        self.right = stretch.interleaved(self.g)[..., None, :, :]
        self.targets = stretch.rows(self.g)[:, :, :, : plan.size[1]].transpose(0, 2, 1, 3, 4)
        self.lefts = stretch.lefts(self.matrices, plan.outs)
        self.pieces = take((*self.lefts.shape[:-1], plan.outs), np.float32)
        self.terms = self.pieces.reshape(4, -1, plan.inner, plan.outs)

    def clear(self):
        super().clear()
        self.g[...] = 0

    def fill_gradient(self, g):
        """Sum up rows of ``g`` (n, *size, O)."""
        targets, even, odd = self.targets, g[:, ::2], g[:, 1::2]
        if g.shape[1] % 2:  # the last row has no partner
            targets[:3, :, -1:] = even[:, -1:]
            targets, even = targets[:, :, :-1], even[:, :-1]
        np.copyto(targets[0], even)
        np.copyto(targets[3], odd)
        np.add(even, odd, out=targets[1])
        np.subtract(even, odd, out=targets[2])


@functools.lru_cache(maxsize=256)
def plan(channels, image, outs, kernel, size, low):
    """How to convolve with stride 1, or None where another way is faster."""
    if kernel[0] != 3 or channels <= 4 or size[0] < 2:
        return None
    pairs = Pairs(channels, image, outs, kernel, size, low)
    few = 2 * pairs.high * pairs.wide <= 1.35 * size[0] * size[1]
    return pairs if few and pairs.inner * outs * STEP <= LIMIT and pairs.bytes <= 2 * BUFFER else None
