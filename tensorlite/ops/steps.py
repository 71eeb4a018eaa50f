"""How recurrent layers take their steps: which rows belong to which step, and how threads share a batch.

The rows of all steps lie one after the other, step by step, and ``sizes`` says how many rows each step has. Sizes never
grow, as in a packed sequence; a plain (T, B, F) tensor has ``sizes = (B,) * T``.

A step is short, a dozen calls of NumPy of 2 to 50 us each, and between them the threads compete for the interpreter's
lock: one that finds it taken loses 50 us. So all that can be done for many steps at once is done outside the loop
over steps, the views of each step included.
"""

import itertools

import numpy as np

from ..engine import unwrap
from ..threads import parallel
from .memory import empty
from .products import portion
from .shape import cat, narrow, reshape

#: Numbers per pass where steps may be taken together: a dozen such arrays fit in a core's cache.
CACHED = 3 << 14

#: Nanoseconds of work per step from which threads share a batch: the calls of shorter ones get in each other's way.
LONG = 90_000


class Part:
    """The sequences ``first:last`` of a batch. Their rows lie together in what the backward pass keeps, at ``own``.

    ``runs`` are the stretches of steps with the same number of rows, as (first step, first row, rows per step,
    first of the part's own rows, own rows per step, steps), in the order in which they are taken.
    """

    def __init__(self, sizes, first, last, reverse):
        self.first, self.reverse = first, reverse
        self.runs = []
        step = row = own = begin = 0
        for size, same in itertools.groupby(sizes):
            k = len(list(same))
            if size > first:
                n = min(size, last) - first
                self.runs.append((step, row, size, own, n, k))
                own += n * k
            step, row, begin = step + k, row + size * k, begin + k * min(size, first)
        self.own = slice(begin, begin + own)
        if reverse:
            self.runs.reverse()

    def backwards(self, most):
        """From the last step taken to the first, in groups of at most ``most`` own rows: ``[(rows, runs), ...]``."""
        groups, count = [[]], 0
        for step, row, size, own, n, k in reversed(self.runs):
            while k:
                if count and count + n > most:
                    groups.append([])
                    count = 0
                m = min(k, max(1, (most - count) // n))
                skip = 0 if self.reverse else k - m
                groups[-1].append((step + skip, row + skip * size, size, own + skip * n, n, m))
                count += n * m
                k -= m
                if self.reverse:
                    step, row, own = step + m, row + m * size, own + m * n
        ends = [sorted((own, own + n * k) for *_, own, n, k in group) for group in groups if group]
        return [(slice(e[0][0], e[-1][1]), group) for e, group in zip(ends, groups)]

    def theirs(self, a, run, back=False):
        """The part's rows of ``a``, one array per step; all rows (rows, m) or (steps, batch, m)."""
        step, row, size, _, n, k = run
        a = a[step : step + k] if a.ndim == 3 else a[row : row + size * k].reshape(k, size, a.shape[1])
        a = a[:, self.first : self.first + n]
        return a[::-1] if self.reverse is not back else a

    def mine(self, a, run, back=False, begin=0):
        """The same where ``a`` has the part's own rows from ``begin`` on, (rows, m) or (blocks, rows, m)."""
        _, _, _, low, n, k = run
        low -= begin
        a = a[..., low : low + n * k, :].reshape(*a.shape[:-2], k, n, a.shape[-1])
        a = a if a.ndim == 3 else a.transpose(1, 0, 2, 3)
        return a[::-1] if self.reverse is not back else a


def share(body, batch, steps, nanoseconds):
    """``body(first, last)`` for parts of a batch, in as many threads as are worth it; returns where it was cut."""

    def run(first, last):
        with quick():
            body(first, last)
        return last

    return np.array([0, *parallel(run, batch, nanoseconds if nanoseconds >= steps * LONG else 0)])


def gather(body, cuts, nanoseconds):
    """The results of ``body(first, last)`` for the parts of a batch cut at ``cuts``, side by side where worth it."""

    def run(first, last):
        with quick():
            return [body(*cuts[k : k + 2].tolist()) for k in range(first, last)]

    return [found for some in parallel(run, len(cuts) - 1, nanoseconds) for found in some]


def start(state, batch, width, dtype):
    """A buffer that begins as ``state``, or as zeros."""
    return np.zeros((batch, width), dtype) if state is None else np.array(state, dtype, order="C")


def padded(rows, used, dtype):
    """(rows, at least ``used``), each row on a cache line of its own: products read them faster."""
    line = 64 // np.dtype(dtype).itemsize
    return empty((rows, used + -used % line), dtype)


def on_line(a):
    """A copy of ``a`` that begins on a cache line: as the second factor of :func:`products` a third faster."""
    out = empty(a.shape, a.dtype)
    out[...] = a
    return out


def products(a, w, out):
    """Per step, the factors and results of the products that make ``out[k] = a[k] @ w``, portioned as BLAS likes it.

    ``a`` is (steps, n, inner), ``w`` (inner, columns) or (blocks, inner, columns).
    """
    (k, n, inner), columns = a.shape, w.shape[-1]
    step = _portion(n, inner, columns, a.itemsize)
    whole = n // step * step if step else 0
    found = []
    if whole:
        pieces = a[:, :whole].reshape(k, -1, step, inner)
        results = out[..., :whole, :].reshape(*out.shape[:-2], -1, step, columns)
        found.append(zip(pieces, itertools.repeat(w[..., None, :, :]), results))
    if whole < n:
        found.append(zip(a[:, whole:], itertools.repeat(w), out[..., whole:, :]))
    return zip(*found)


def _portion(n, inner, columns, itemsize):
    """How many of ``n`` rows to multiply at once: best a multiple of four, and no rest that takes a call of its own."""
    most = portion(inner, columns, itemsize)
    if not most or n <= most:
        return 0
    for part in (*range(most, 0, -4), *range(most, 7, -1)):
        if n % part == 0:
            return part
    return most


def repeated(a, k):
    """``a`` as the result of each of ``k`` steps."""
    return np.lib.stride_tricks.as_strided(a, (k, *a.shape), (0, *a.strides))


class Sum:
    """The sum of matrix products of one shape."""

    def __init__(self, shape, dtype):
        self.shape, self.dtype = shape, dtype
        self.found = self.buffer = None

    def add(self, a, b):
        """Add ``a @ b``."""
        if self.found is None:
            self.found = a @ b
            return
        if self.buffer is None:
            self.buffer = np.empty(self.shape, self.dtype)
        np.matmul(a, b, self.buffer)
        np.add(self.found, self.buffer, self.found)


def total(sums):
    """What the parts of a batch found, together; zeros if nothing was added."""
    first = sums[0]
    out = np.zeros(first.shape, first.dtype) if first.found is None else first.found
    for other in sums[1:]:
        if other.found is not None:
            np.add(out, other.found, out)
    return out


class quick(np.errstate):
    """No warnings about infinities and NaN; and ufuncs read operands with gaps in place.

    By default they copy such operands in stretches first, which takes longer.
    """

    def __init__(self):
        super().__init__(all="ignore")

    def __enter__(self):
        super().__enter__()
        np.setbufsize(512)  # restored by errstate


def spans(sizes, reverse):
    """(first row, number of rows) per step, in the order in which the steps are taken."""
    spans, start = [], 0
    for n in sizes:
        spans.append((start, n))
        start += n
    return spans[::-1] if reverse else spans


def _rows(x, begin, n):
    return narrow(x, dim=0, start=begin, stop=begin + n)


def scan(x, step, states, sizes, reverse):
    """Run ``step(rows of x, states) -> (output, states)`` over all steps with plain primitives."""
    batch, rows, outs = sizes[0], reshape(x, shape=(sum(sizes), x.shape[-1])), []
    for begin, n in spans(sizes, reverse):
        out, news = step(_rows(rows, begin, n), [s if n == batch else _rows(s, 0, n) for s in states])
        states = [new if n == batch else cat(new, _rows(s, n, batch - n)) for new, s in zip(news, states)]
        outs.append(out)
    out = cat(*(outs[::-1] if reverse else outs))
    return reshape(out, shape=(*x.shape[:-1], out.shape[1])), *states


def zeros(state, batch, width, x):
    """``state``, or the state that a layer begins with where none is given."""
    return np.zeros((batch, width), unwrap(x).dtype) if state is None else state
