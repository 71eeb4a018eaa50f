"""What a step costs apart from time: operations run, arrays allocated, bytes allocated.

NumPy lets a program replace its memory handler (NEP 49). Ours forwards to NumPy's own and counts, so every
array buffer that a step allocates is seen, temporaries of ufuncs included.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager

import numpy as np

_SET_HANDLER, _GET_HANDLER = 304, 305  # places in NumPy's C API table, fixed since NumPy 1.22

_malloc_t = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_calloc_t = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
_realloc_t = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_free_t = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class _Handler(ctypes.Structure):
    """``PyDataMem_Handler`` of NumPy's C headers."""

    _fields_ = [
        ("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("ctx", ctypes.c_void_p), ("malloc", _malloc_t),
        ("calloc", _calloc_t), ("realloc", _realloc_t), ("free", _free_t),
    ]  # fmt: skip


_kept = []  # handlers must outlive the arrays that they allocated


@contextmanager
def counting_allocations():
    """Yields a list ``[arrays, bytes]`` that grows while the block runs."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    table = ctypes.cast(pointer(np._core._multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[_SET_HANDLER])
    get_handler = ctypes.PYFUNCTYPE(ctypes.py_object)(table[_GET_HANDLER])
    inner = ctypes.cast(pointer(get_handler(), b"mem_handler"), ctypes.POINTER(_Handler)).contents
    # NumPy's own functions may release the lock themselves, so they are called with the lock held
    held = lambda f, *types: ctypes.cast(f, ctypes.PYFUNCTYPE(*types))
    pointer_t, size_t = ctypes.c_void_p, ctypes.c_size_t
    inner_malloc = held(inner.malloc, pointer_t, pointer_t, size_t)
    inner_calloc = held(inner.calloc, pointer_t, pointer_t, size_t, size_t)
    inner_realloc = held(inner.realloc, pointer_t, pointer_t, pointer_t, size_t)
    inner_free = held(inner.free, None, pointer_t, pointer_t, size_t)
    seen = [0, 0]

    def count(n):
        seen[0] += 1
        seen[1] += n

    def malloc(ctx, n):
        count(n)
        return inner_malloc(inner.ctx, n)

    def calloc(ctx, k, n):
        count(k * n)
        return inner_calloc(inner.ctx, k, n)

    handler = _Handler(
        b"counting", 1, None, _malloc_t(malloc), _calloc_t(calloc),
        _realloc_t(lambda ctx, p, n: inner_realloc(inner.ctx, p, n)),
        _free_t(lambda ctx, p, n: inner_free(inner.ctx, p, n)),
    )  # fmt: skip
    _kept.append(handler)
    old = set_handler(make(ctypes.addressof(handler), b"mem_handler", None))
    try:
        yield seen
    finally:
        set_handler(old)


def warm_up(workload):
    """How often a workload runs before it is counted."""
    return 2 if workload.unit == "step" else 1


def count_step(workload):
    """``{"operations", "arrays", "allocated"}`` of one step of a workload in tensorlite, after a warm-up.

    Means over the steps of an epoch. On one thread: NumPy's memory handler belongs to a thread.
    """
    import tensorlite
    from tensorlite import engine

    class Counter(engine.Watcher):
        """Counts primitive calls, forward and backward."""

        calls = 0

        def forward(self, prim, args, settings, raw):
            self.calls += 1
            return super().forward(prim, args, settings, raw)

        def backward(self, node, g, taped, some):
            self.calls += 1
            return super().backward(node, g, taped, some)

    threads = tensorlite.get_num_threads()
    tensorlite.set_num_threads(1)
    try:
        step = workload(tensorlite)
        for _ in range(warm_up(workload)):
            step()
        counter = Counter()
        with engine.watching(counter):
            step()
        with counting_allocations() as seen:
            step()
    finally:
        tensorlite.set_num_threads(threads)
    per_step = lambda total: round(total / workload.steps)
    return {"operations": per_step(counter.calls), "arrays": per_step(seen[0]), "allocated": per_step(seen[1])}
