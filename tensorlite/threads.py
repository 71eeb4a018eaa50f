"""A small thread pool: large loops over images or rows are split evenly over the machine's cores.

NumPy releases the interpreter's lock inside its loops, so two Python threads over the two halves of an
array run side by side. What runs between the loops is Python and holds the lock: a body of few long calls gains
from a second thread, one of many short calls (under 20 us each) loses.

BLAS has threads of its own. They hand over faster, and serve programs that have nothing but matrix products
to split. But after a product they wait in a busy loop, for a twentieth of a second, on the very cores that the
pool needs: measured on a convolutional network, the two halves of every section then ran one after the other. So the
first section that is split holds BLAS to one thread, until ``set_num_threads`` is called, and large products are split
here as well (``products.times``). The machine is never oversubscribed. The parts depend only on the number of
threads, never on timing: the same seed on the same number of threads gives the same numbers.
"""

from __future__ import annotations

import ctypes
import os
import queue
import threading

import numpy as np

__all__ = ["get_num_threads", "parallel", "set_num_threads"]

#: Nanoseconds of work that are worth splitting. Waking another thread, and waiting for it, costs about 70 us; far more
#: do results that lie in the other core's cache when the next operation, too small to be split, reads them.
WORTHWHILE = 1_500_000


def _openblas():
    """``(get, set)`` of the thread count of the OpenBLAS in NumPy's wheel, or None."""
    import numpy._core._multiarray_umath as core

    try:
        lib = ctypes.CDLL(core.__file__)
        for suffix in ("64_", ""):
            for prefix in ("scipy_openblas", "openblas"):
                if hasattr(lib, f"{prefix}_set_num_threads{suffix}"):
                    return (
                        getattr(lib, f"{prefix}_get_num_threads{suffix}"),
                        getattr(lib, f"{prefix}_set_num_threads{suffix}"),
                    )
    except OSError:
        pass  # NumPy's extension cannot be opened by itself here: its BLAS keeps its own count
    return None


def openblas_core():
    """The processor that NumPy's OpenBLAS chose its kernels for, as in ``"SkylakeX"``; None without OpenBLAS."""
    import numpy._core._multiarray_umath as core

    try:
        lib = ctypes.CDLL(core.__file__)
    except OSError:
        return None
    for name in ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename", "openblas_get_corename"):
        if hasattr(lib, name):
            function = getattr(lib, name)
            function.restype = ctypes.c_char_p
            return function().decode()
    return None


class _Pool:
    """The thread count, and the workers that exist so far."""

    def __init__(self):
        self.blas = _openblas()
        self.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.count = self.blas[0]() if self.blas else int(os.environ.get("OMP_NUM_THREADS") or self.cores)
        self.splits = False  # whether the pool has taken the cores over from BLAS
        self.local = threading.local()
        self.lock = threading.Lock()
        self.forget()

    def forget(self):
        """After a fork the workers are gone."""
        self.workers: list[queue.SimpleQueue] = []
        self.busy = False

    def worker(self, i):
        while len(self.workers) <= i:
            tasks: queue.SimpleQueue = queue.SimpleQueue()
            threading.Thread(target=self.serve, args=(tasks,), daemon=True, name="tensorlite-worker").start()
            self.workers.append(tasks)
        return self.workers[i]

    def serve(self, tasks):
        self.local.inside = True
        np.seterr(all="ignore")  # a setting of each thread; operations are quiet about infinities and NaN
        while True:
            body, start, stop, done = tasks.get()
            try:
                done.put((start, body(start, stop), None))
            except BaseException as error:
                done.put((start, None, error))
            body = done = None  # hold nothing while waiting


pool = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.forget)


def get_num_threads() -> int:
    """How many threads large operations and matrix products use.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.get_num_threads() >= 1
    True
    """
    return pool.count


def set_num_threads(count: int) -> None:
    """Use ``count`` threads for large operations and for matrix products.

    Parameters
    ----------
    count : int
        At least 1. With 1 everything runs in the calling thread.

    Raises
    ------
    RuntimeError
        If ``count`` is not positive.

    Examples
    --------
    >>> import tensorlite as tl
    >>> before = tl.get_num_threads()
    >>> tl.set_num_threads(1)
    >>> tl.get_num_threads()
    1
    >>> tl.set_num_threads(before)
    """
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    pool.count = count
    pool.splits = False
    if pool.blas:
        pool.blas[1](count)


def parallel(body, count, nanoseconds, least=None):
    """Call ``body(start, stop)`` on even parts of ``range(count)``, one per thread; list of the results.

    Parameters
    ----------
    body : callable
        Works on NumPy arrays only (the tape is per thread) and returns anything.
    count : int
        Number of items (images, rows).
    nanoseconds : int
        Roughly how long one thread would take over all items; little work is not split. A pass over float32
        numbers in cache takes 0.25 ns each, a matrix product 1 ns per 128 operations.
    least : int, optional
        From how much work on it is split, instead of ``WORTHWHILE``.
    """
    parts = min(pool.count, count)
    if parts < 2 or nanoseconds < (WORTHWHILE if least is None else least) or getattr(pool.local, "inside", False):
        return [body(0, count)]
    with pool.lock:
        if pool.busy:  # another Python thread is using the pool: stay in this one
            parts = 1
        else:
            pool.busy = True
    if parts == 1:
        return [body(0, count)]
    bounds = [count * i // parts for i in range(parts + 1)]
    results = [None] * parts
    if not pool.splits:
        pool.splits = True
        if pool.blas:
            pool.blas[1](1)
    done: queue.SimpleQueue = queue.SimpleQueue()
    sent = 0
    try:
        for i in range(1, parts):
            pool.worker(i - 1).put((body, bounds[i], bounds[i + 1], done))
            sent += 1
        pool.local.inside = True
        results[0] = body(bounds[0], bounds[1])
    finally:
        pool.local.inside = False
        failed = None
        for _ in range(sent):
            start, value, error = done.get()
            results[bounds.index(start)] = value
            failed = failed or error
        pool.busy = False
    if failed is not None:
        raise failed
    return results
