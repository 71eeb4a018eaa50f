"""Gradients that nobody needs once a vjp has read them: their memory may take its result.

A pass that writes to fresh memory fetches what it overwrites into the cache first, and pushes out what was there. The
gradient of ReLU for two million numbers takes 0.9 ms in place and 1.7 ms in new memory.
"""

from functools import cache
from sys import getrefcount

import numpy as np

from .gradient import walk
from .plan import PrimitiveNode
from .tape import clock, ndarray, state

#: Numbers from which on looking costs less than fresh memory.
MANY = 1 << 14


def spare(g, like):
    """``g`` where the vjp that asks may write its result over it, else None.

    That is: ``g`` is a large array that lies in memory as ``like`` does, and only the walk holds it and its memory.
    To be called by the vjp itself (references are counted), of an operation with one differentiable argument: other
    vjps of the same node read ``g`` as well.
    """
    if g.__class__ is not ndarray or g.size < MANY or g.dtype != like.dtype or g.strides != like.strides:
        return None
    base = g.base
    if base is not None and (base.__class__ is not ndarray or base.base is not None or getrefcount(base) > _OF_A_BASE):
        return None
    return g if g.flags.writeable and g.shape == like.shape and getrefcount(g) <= _of_a_gradient() else None


def _of_a_base():
    """How often Python counts the memory of a view that nothing else holds, in a function that looks at it."""
    base = np.empty(2)[:1].base
    return getrefcount(base) + 1


_OF_A_BASE = _of_a_base()


@cache
def _of_a_gradient():
    """How often Python counts ``g`` in :func:`spare` if only the walk holds it: tried out on a graph of two nodes."""
    counts = []

    def look(g):
        counts.append(getrefcount(g))

    def vjp(g, kept):
        look(g)
        return np.empty(1)

    last, first = _Trial(vjp, ()), _Trial(vjp, ())
    last.edges = (first,)
    watch, state.watch = state.watch, None
    try:
        walk([(last, np.empty(1))], retain=False, taped=False)
    finally:
        state.watch = watch
    return counts[1]


class _Trial(PrimitiveNode):
    """A node that is no operation's."""

    __slots__ = ()

    def __init__(self, vjp, edges):
        self.plan = _TrialPlan(vjp)
        self.edges, self.kept, self.cells = edges, (None,), ()
        self.seq, self.shape, self.dtype = clock(), (1,), np.dtype(float)
        self.hooks = self.where = None


class _TrialPlan:
    frees = False

    def __init__(self, vjp):
        self.pull = lambda g, k: (vjp(g, k[0]),)
