"""Large matrix products: on all threads, and tall ones in pieces that BLAS multiplies without copying them first.

BLAS packs both factors into buffers of its own before it multiplies. That is a large part of the time of a product with
few columns, as convolutions need. On processors with AVX-512, OpenBLAS has kernels that skip the packing where
rows * inner * columns is at most a million; so tall products are done in pieces of that size, one NumPy call
over all of them: 1.2 to 1.5 times faster. Elsewhere pieces would be a loss, and products stay whole.
"""

import numpy as np

from ..threads import openblas_core, parallel, pool

#: OpenBLAS's own limit of rows * inner * columns for its kernels without packing.
LIMIT = 1_000_000

#: Those kernels take this many rows at once.
STEP = 12

#: Whether NumPy's OpenBLAS has them.
UNPACKED = openblas_core() in ("SkylakeX", "Cooperlake", "SapphireRapids")


#: Results of this many numbers from which ``np.matmul`` is the faster call: ``np.dot`` fills them with zeros first.
SMALL = 1 << 14

#: Nanoseconds of a product that are worth splitting: less than elsewhere, as one long call needs the interpreter once.
LONG = 600_000


def times(a, b):
    """``a @ b`` for two matrices, split over the threads where BLAS does not split it itself."""
    if a.shape[0] * b.shape[1] < SMALL:
        return a.dot(b)
    return _large(a, b)


@np.errstate(all="ignore")  # kernels for whole registers may meet infinities beyond the numbers that they are given
def _large(a, b):
    (rows, inner), columns = a.shape, b.shape[1]
    if not pool.splits:
        return np.matmul(a, b)
    cost = rows * inner * columns // 64
    if cost < LONG:
        return np.matmul(a, b)
    out = np.empty((rows, columns), a.dtype)
    if rows >= columns:
        parallel(lambda start, stop: np.matmul(a[start:stop], b, out=out[start:stop]), rows, cost, LONG)
    else:
        parallel(lambda start, stop: np.matmul(a, b[:, start:stop], out=out[:, start:stop]), columns, cost, LONG)
    return out


def portion(inner, columns, itemsize):
    """How many rows of (rows, inner) are best multiplied at once by (inner, columns); 0: all of them."""
    if not UNPACKED or itemsize != 4:
        return 0
    return min(192, LIMIT // max(1, inner * columns)) // STEP * STEP


def rows_times(a, w, out):
    """``out[...] = a @ w`` for ``a`` (rows, inner), ``w`` (inner, columns), any number of rows."""
    rows, inner = a.shape
    columns = w.shape[1]
    step = portion(inner, columns, a.itemsize)
    count = rows // step if step else 0
    whole = count * step
    if count > 1:
        np.matmul(a[:whole].reshape(count, step, inner), w, out=out[:whole].reshape(count, step, columns))
        if whole == rows:
            return
        a, out = a[whole:], out[whole:]
    np.matmul(a, w, out=out)


def transposed_times(a, g):
    """``a.T @ g`` for ``a`` (rows, inner) and ``g`` (rows, columns), any number of rows."""
    rows, inner = a.shape
    columns = g.shape[1]
    if not (rows and UNPACKED and a.itemsize == 4):
        return a.T @ g
    step = min(256, rows)
    part = divisor(inner, LIMIT // max(1, step * columns))
    if part < 16 and part < inner:
        return a.T @ g
    count = rows // step
    whole = count * step
    pieces = np.matmul(
        a[:whole].reshape(count, step, inner // part, part).transpose(0, 2, 3, 1),
        g[:whole].reshape(count, 1, step, columns),
    ).reshape(count, inner, columns)
    total = pieces[0] if count == 1 else np.add.reduce(pieces, axis=0)
    return total if whole == rows else np.add(total, a[whole:].T @ g[whole:], out=total)


def divisor(n, limit):
    """The largest divisor of ``n`` that is at most ``limit``."""
    return next((d for d in range(min(n, limit), 0, -1) if n % d == 0), 0)
