"""Normalisation with statistics per row: layer, group and instance normalisation, and RMS normalisation (without a mean).

Row by row, the result is ``x * scale + shift`` and the gradient ``g * scale + x * pull + push``. Where rows are
short, a ufunc that repeats one number along each row takes twice the time of a plain pass. So these factors are
written out as full matrices, by a matrix product of (scale, shift, ...) with as many short rows, which is faster than any ufunc.

First gradients have formulas of their own; higher ones differentiate the plain composition (``reference``).
"""

import math

import numpy as np

from ..engine import primitive
from ..threads import parallel
from . import memory, norm_few
from .blocks import ones
from .elementwise import add, mul, sub
from .reduction import mean as mean_
from .rows import SMALL, WIDE
from .shape import reshape
from .unary import rsqrt

_BLOCK = 1 << 16  # elements: all arrays of a block stay in a core's cache

#: Up to this many standard deviations from 0, sums about 0 are as good as sums about the mean.
_NEAR = 1


class _Rows:
    """How rows, and the strips that share one factor and one shift, lie in memory.

    With ``affine`` (columns,) the factors are per column and a strip is a row. With (channels, 1) they are per channel:
    a row is a group of ``shared`` channels, each a strip of ``width`` elements; blocks are whole samples of ``group`` rows.
    """

    def __init__(self, x, rows, view, affine, w):
        self.columns = x.size // rows
        self.per_column = len(affine) == 1
        self.group = 1 if self.per_column else rows // view[0]
        self.shared = 1 if self.per_column else view[1] // self.group
        self.width = self.columns // self.shared
        self.narrow = self.width <= WIDE and x.size > SMALL
        self.weight = None if w is None else w.reshape(-1)
        self.samples = rows // self.group
        self.step = -(-self.samples // max(1, min(self.samples, x.size // _BLOCK))) * self.group
        self.shape = (min(self.step, rows) * self.shared, self.width)

    def each(self, body, nanoseconds):
        """``body(slices of rows)`` for even parts, on all threads if that is worth while."""

        def part(start, stop):
            start, stop = start * self.group, stop * self.group
            return body([slice(i, min(i + self.step, stop)) for i in range(start, stop, self.step)])

        return parallel(part, self.samples, nanoseconds)

    def patterns(self, count, dtype):
        """Short rows that factors multiply: in pattern ``k`` the weights of the columns, or ones, for factor ``k``."""
        p = np.zeros((count, count, self.width), dtype)
        for k in range(count):
            p[k, k] = 1
        if self.per_column and self.weight is not None:
            p[0, 0] = self.weight
        return p

    def strips(self, values):
        """One value per row, for each of its strips."""
        return values if self.shared == 1 else np.repeat(values, self.shared)

    def scaled(self, values):
        """One value per row times the weight of the channel of each strip."""
        if self.per_column or self.weight is None:
            return self.strips(values)
        return (values.reshape(-1, self.group, 1) * self.weight.reshape(self.group, self.shared)).reshape(-1)

    def row_sums(self, values):
        """One value per strip, added up per row; times the weights if these are per channel."""
        if self.per_column:
            return values
        values = values.reshape(-1, self.group, self.shared)
        if self.weight is not None:
            values = values * self.weight.reshape(self.group, self.shared)
        return np.add.reduce(values, axis=2).reshape(-1)

    def channel_sums(self, values):
        """One value per strip, added up per channel, in float64."""
        return np.add.reduce(values.reshape(-1, self.group * self.shared), axis=0, dtype=np.float64)


def _is_near(far):
    """Whether rows whose means are ``far`` standard deviations from 0 need no mean subtracted first."""
    return np.maximum.reduce(far) <= _NEAR and np.minimum.reduce(far) >= -_NEAR


def _statistics(block, eps, centre, mean, inverse):
    """Write ``mean`` and ``inverse``, 1 / standard deviation, of each row.

    Returns the block and ``mean * inverse``; or the block without its mean, and None.
    """
    n, dtype = block.shape[1], block.dtype
    if centre:
        np.matmul(block, ones(n, dtype), out=mean)
        np.divide(mean, n, out=mean)
        if dtype == np.float32 and block.size > SMALL:
            np.vecdot(block, block, out=inverse)
            np.divide(inverse, n, out=inverse)
            far = mean * mean
            np.subtract(inverse, far, out=inverse)
            _root(inverse, eps)
            np.multiply(mean, inverse, out=far)
            if _is_near(far):
                return block, far
        block = block - mean[:, None]
    np.vecdot(block, block, out=inverse)
    np.divide(inverse, n, out=inverse)
    _root(inverse, eps)
    return block, None


def _empty(shape, x):
    """Memory in the dtype of ``x``; where it begins matters for large arrays only."""
    return memory.empty(shape, x.dtype) if x.size > SMALL else np.empty(shape, x.dtype)


def _root(var, eps):
    np.add(var, eps, out=var)
    np.sqrt(var, out=var)
    np.divide(1, var, out=var)


@primitive(outputs=("out", "mean", "inverse"), constant=("mean", "inverse"))
def row_norm(x, w=None, b=None, *, rows, view, affine, eps, centre=True):
    """Normalise ``x``, seen as ``rows`` rows, each to mean 0 and variance 1; then scale and shift.

    ``view`` is a shape in which ``w`` and ``b``, reshaped to ``affine``, broadcast: (rows, columns) with
    ``affine`` (columns,) for layer normalisation, (N, C, pixels) with ``affine`` (C, 1) for group normalisation.
    Without ``centre`` the mean is not subtracted and the mean square takes the place of the variance.
    """
    if x.size <= norm_few.FEW and len(affine) == 1:
        lines = [None if v is None else v.reshape(-1) for v in (w, b)]
        out, mean, _, inverse = norm_few.forward(x.reshape(rows, -1), 1, *lines, eps, centre)
        mean = np.zeros(rows, x.dtype) if mean is None else mean[:, 0].astype(x.dtype)
        return out.reshape(x.shape), mean, inverse[:, 0].astype(x.dtype)
    matrix = np.ascontiguousarray(x).reshape(rows, -1)
    lie = _Rows(x, rows, view, affine, w)
    out = _empty(matrix.shape, matrix)
    mean, inverse = np.zeros(rows, x.dtype), np.empty(rows, x.dtype)
    b = None if b is None else b.reshape(-1)
    if lie.narrow:
        patterns = lie.patterns(2 if b is None or not lie.per_column else 3, x.dtype)
        if lie.per_column:
            patterns[1, 1] = patterns[0, 0]
            if b is not None:
                patterns[1, 2] = b

    def body(blocks):
        with memory.layout(memory.Arrays, x.dtype, lie.shape) as (plane,):
            run(blocks, plane)

    def run(blocks, plane):
        for s in blocks:
            block, far = _statistics(matrix[s], eps, centre, mean[s], inverse[s])
            if lie.per_column and not lie.narrow:
                target = out[s]
                np.multiply(block, inverse[s, None], out=target)
                if far is not None:
                    np.subtract(target, far[:, None], out=target)
                if w is not None:
                    np.multiply(target, lie.weight, out=target)
                if b is not None:
                    np.add(target, b, out=target)
                continue
            target = out[s].reshape(-1, lie.width)
            block = block.reshape(target.shape)
            factors = np.empty((3, len(target)), x.dtype)
            scale, shift, _ = factors
            scale[:] = lie.scaled(inverse[s])
            shift[:] = 0 if far is None else -lie.scaled(far)
            factors[2] = 1
            if b is not None and not lie.per_column:
                shift.reshape(-1, len(b))[...] += b
            if lie.narrow:
                left = factors[: patterns.shape[1]].T
                np.matmul(left, patterns[0], out=target)
                np.multiply(target, block, out=target)
                if far is not None or b is not None:
                    np.add(target, np.matmul(left, patterns[1], out=plane[: len(target)]), out=target)
                continue
            np.multiply(block, scale[:, None], out=target)
            np.add(target, shift[:, None], out=target)

    lie.each(body, x.size)
    return out.reshape(x.shape), mean, inverse


def _row_norm_vjp(g, x, w, mean, inverse, rows, view, affine, centre, needs):
    if x.size <= norm_few.FEW and len(affine) == 1:
        columns = [None if v is None else v[:, None] for v in (mean if centre else None, inverse)]
        d_x, d_w, d_b = norm_few.backward(
            g.reshape(rows, -1), x.reshape(rows, -1), 1, None if w is None else w.reshape(-1), *columns, 0, needs
        )
        shape = affine if w is None else w.shape
        return (
            None if d_x is None else d_x.reshape(x.shape),
            None if d_w is None else d_w.reshape(shape),
            None if d_b is None else d_b.reshape(shape),
        )
    matrix, above = np.ascontiguousarray(x).reshape(rows, -1), np.ascontiguousarray(g).reshape(rows, -1)
    lie = _Rows(x, rows, view, affine, w)
    dtype = x.dtype
    out = _empty(matrix.shape, matrix) if needs[0] else None
    size = math.prod(affine)
    weight = lie.weight if w is not None and lie.per_column else ones(lie.width, dtype)
    patterns = lie.patterns(3, dtype) if lie.narrow and needs[0] else None

    def body(blocks):
        with memory.layout(memory.Arrays, dtype, lie.shape) as (plane,):
            return run(blocks, plane)

    def run(blocks, plane):
        slope, total = np.zeros(size), np.zeros(size)
        for s in blocks:
            block, i = matrix[s], inverse[s]
            far = mean[s] * i if centre and lie.narrow and dtype == np.float32 else None
            if far is not None and not _is_near(far):
                far = None
            if centre and far is None:
                block = block - mean[s][:, None]
            up = above[s].reshape(-1, lie.width)
            block = block.reshape(up.shape)
            work = plane[: len(up)]
            if lie.per_column:
                product = np.multiply(up, block, out=work)
                sums, products = up @ weight, product @ weight
                if needs[1]:
                    slope += i @ product
                    if far is not None:
                        slope -= far @ up
                if needs[2]:
                    total += ones(len(up), dtype) @ up
            else:
                sums, products = up @ weight, np.vecdot(up, block)
                if needs[1]:
                    slopes = lie.strips(i) * products
                    slope += lie.channel_sums(slopes if far is None else slopes - lie.strips(far) * sums)
                if needs[2]:
                    total += lie.channel_sums(sums)
            if out is None:
                continue
            target = out[s].reshape(up.shape)
            sums, products = lie.row_sums(sums), lie.row_sums(products) * i
            if far is not None:
                products -= far * sums
            share = i / lie.columns
            factors = np.empty((3, len(up)), dtype)
            scale, pull, push = factors
            scale[:] = lie.scaled(i)
            pull[:] = lie.strips(-share * i * products)
            if centre:
                push[:] = lie.strips(share * (-sums if far is None else far * products - sums))
            if lie.narrow:
                left = factors[: 3 if centre else 2].T
                np.matmul(left, patterns[0, : left.shape[1]], out=target)
                np.multiply(target, up, out=target)
                np.matmul(left, patterns[1, : left.shape[1]], out=work)
                np.multiply(work, block, out=work)
                np.add(target, work, out=target)
                if centre:
                    np.add(target, np.matmul(left, patterns[2], out=work), out=target)
                continue
            np.multiply(up, scale[:, None], out=target)
            if lie.per_column and w is not None:
                np.multiply(target, weight, out=target)
            np.add(target, np.multiply(block, pull[:, None], out=work), out=target)
            if centre:
                np.add(target, push[:, None], out=target)
        return slope, total

    sums = lie.each(body, 2 * x.size)
    slope, total = sums[0] if len(sums) == 1 else map(sum, zip(*sums))
    return (
        None if out is None else out.reshape(x.shape),
        slope.reshape(w.shape).astype(g.dtype) if needs[1] else None,
        total.reshape(-1 if w is None else w.shape).astype(g.dtype) if needs[2] else None,
    )


row_norm.joint_vjp(_row_norm_vjp)
row_norm.primitive.grad_name = "NativeLayerNormBackward0"


@row_norm.reference
def _row_norm_reference(x, w, b, rows, view, affine, eps, centre):
    h = reshape(x, shape=(rows, -1))
    if centre:
        h = sub(h, mean_(h, dim=1, keepdim=True))
    h = mul(h, rsqrt(add(mean_(mul(h, h), dim=1, keepdim=True), eps)))
    h = reshape(h, shape=view)
    h = h if w is None else mul(h, reshape(w, shape=affine))
    h = h if b is None else add(h, reshape(b, shape=affine))
    return reshape(h, shape=x.shape)
