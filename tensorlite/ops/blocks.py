"""What elementwise kernels share: passes over blocks that stay in cache, and a product in one buffer."""

import functools

import numpy as np

from ..engine import primitive
from ..threads import parallel
from .complex import _bar

ndarray = np.ndarray

#: NumPy warns of infinities and NaN where PyTorch does not. Operations that make them from ordinary numbers
#: (a logarithm of 0) are quiet; the cheapest ones are left bare, and what NumPy says of those is not
#: shown (see ``engine.operation``).
_quiet = np.errstate(all="ignore")

_BLOCK = 1 << 18  # bytes per array that stay in a core's cache through several passes


def _line(x, shape):
    """``x`` of ``shape`` as one line of memory; one value (also a repeated one) as a number; else None."""
    if x.__class__ is not ndarray or not x.ndim:
        return x
    if x.shape != shape:
        return None
    if x.flags.c_contiguous:
        return x.reshape(-1)
    return None if any(x.strides) else x[(0,) * x.ndim]


@functools.lru_cache(maxsize=32)
def ones(n, dtype):
    """``n`` ones, read-only: a product with them is the fastest sum."""
    a = np.ones(n, dtype)
    a.flags.writeable = False
    return a


def in_blocks(step, like, *arrays, passes=4, into=None):
    """A new array like ``like``, computed by ``step(*arrays, out)``: in blocks that stay in cache if it is large.

    ``into`` is where to put it instead, in memory of the same order; it may be one of ``arrays``. ``step`` combines
    elements of equal position, with NumPy's ``out=``; several passes over a block cost about one pass over memory.
    With enough ``passes`` to do, threads share the blocks.
    """
    if into is None and like.nbytes <= _BLOCK:
        for a in arrays:
            if a.__class__ is ndarray and a.shape != like.shape:
                break
        else:
            out = np.empty_like(like)  # keeps the memory order
            step(*arrays, out)
            return out
    n, size = like.size, _BLOCK // like.itemsize
    if n > size and not like.flags.c_contiguous:
        dims = sorted(range(like.ndim), key=lambda d: -like.strides[d])
        seen = like.transpose(dims)
        if seen.flags.c_contiguous:  # another memory order, such as channels last: the same in that order
            turned = [a.transpose(dims) if a.__class__ is ndarray and a.shape == like.shape else a for a in arrays]
            if all(a.__class__ is not ndarray or a.shape == seen.shape or not a.ndim for a in turned):
                into = None if into is None else into.transpose(dims)
                out = in_blocks(step, seen, *turned, passes=passes, into=into)
                return out.transpose([dims.index(d) for d in range(like.ndim)])
    if n > size and like.flags.c_contiguous:
        lines = [_line(a, like.shape) for a in arrays]
        if not any(line is None for line in lines):
            out = np.empty_like(like) if into is None else into
            flat = out.reshape(-1)
            blocks = -(-n // size)

            def body(first, last):
                stop = min(last * size, n)
                each = size if last - first == blocks else 4 * size  # threads: fewer calls, fewer waits for each other
                for i in range(first * size, stop, each):
                    s = slice(i, min(i + each, stop))
                    step(*[a[s] if a.__class__ is ndarray and a.ndim else a for a in lines], flat[s])

            parallel(body, blocks, passes * n // 3)
            return out
    out = into
    if out is None:
        out = np.empty(np.broadcast_shapes(*[np.shape(a) for a in arrays]), like.dtype)
        if out.ndim and out.shape == like.shape:
            out = np.empty_like(like)  # keeps the memory order
    step(*arrays, out)
    return out


@primitive(broadcasts=True)
def product(a, b, c):
    """``a * b * c`` with one buffer; ``c`` may be a number."""
    return in_blocks(product_step, b, a, b, c) if a.dtype == b.dtype else a * b * c


def product_step(a, b, c, out):
    """``a * b * c`` into ``out``."""
    np.multiply(b, c, out=out)
    np.multiply(a, out, out=out)


product.vjp(
    a=lambda g, b, c: product(g, _bar(b), _bar(c)),
    b=lambda g, a, c: product(g, _bar(a), _bar(c)),
    c=lambda g, a, b: product(g, _bar(a), _bar(b)),
)


@primitive
def zero(g):
    """The gradient of what does not depend on its input."""
    return np.zeros(g.shape, g.dtype)


zero.vjp(g=lambda g: zero(g))
