"""The state of the tape: modes per thread, watchers, the clock, and what the tape knows of a tensor."""

from __future__ import annotations

import itertools
import sys
import threading
from sys import getrefcount
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .node import Node
    from .view import View

ndarray = np.ndarray

_new = object.__new__

#: One clock stamps recorded operations and in-place updates, so "was this value changed after that
#: operation used it?" is a comparison of two integers.
clock = itertools.count(1).__next__

RECORDING, WATCHED = 1, 2  # bits of ``state.mode``


class _State(threading.local):
    """Per-thread modes. ``mode`` is read once per operation."""

    mode = RECORDING
    watch: Watcher | None = None  # the innermost observer; see ``watching``
    inference = False
    walk: list | None = None  # where the backward pass that is running began


state = _State()


class Watcher:
    """Sees what the tape does; anomaly mode, saved-tensor hooks and ``viz`` are watchers.

    Every method passes on to the watcher outside this one (``super()``) and at last to the operation
    itself, so watchers nest. Override what is of interest, and use it with :func:`watching`.
    """

    inner: Watcher | None = None

    def forward(self, prim, args, settings, raw):
        """Run a primitive on ``raw`` (the arrays in ``args``) and return its raw result."""
        return prim.kernel(*raw, **settings) if self.inner is None else self.inner.forward(prim, args, settings, raw)

    def recorded(self, node, args, result):
        """A node has been made for a call with ``args``; ``result`` is a tensor or a tuple of them."""
        if self.inner is not None:
            self.inner.recorded(node, args, result)

    def changing(self, tensor):
        """An in-place operation is about to change ``tensor``."""
        if self.inner is not None:
            self.inner.changing(tensor)

    def backward(self, node, g, taped, needed):
        """Run the backward step of ``node`` and return the gradients for its edges."""
        return node.apply(g, taped, needed) if self.inner is None else self.inner.backward(node, g, taped, needed)

    def accumulate(self, leaf, g):
        """The gradient ``g`` is about to be added to the ``grad`` of ``leaf.variable``."""
        if self.inner is not None:
            self.inner.accumulate(leaf, g)


class watching:
    """``with watching(watcher):`` shows it everything the tape does in this thread."""

    def __init__(self, watcher):
        self.watcher = watcher

    def __enter__(self):
        w = outer = state.watch
        while w is not None:
            if w is self.watcher:
                raise RuntimeError(f"this {type(w).__name__} is already watching")
            w = w.inner
        self.watcher.inner = outer
        state.watch = self.watcher
        state.mode |= WATCHED
        return self.watcher

    def __exit__(self, *exc):
        """Take the watcher out of the chain, wherever it stands by now."""
        w, above = state.watch, None
        while w is not None and w is not self.watcher:
            w, above = w.inner, w
        if w is None:
            return
        if above is None:
            state.watch = w.inner
        else:
            above.inner = w.inner
        w.inner = None
        if state.watch is None:
            state.mode &= ~WATCHED


_LIBRARIES = (__name__.partition(".")[0], "numpy")


def where():
    """``file:line`` of the innermost caller outside this package and NumPy: the line that a user wrote."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _LIBRARIES:
        frame = frame.f_back
    return "an unknown place" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


class TensorBase:
    """What the tape needs of a tensor. ``tensorlite.Tensor`` adds the methods people use.

    ``_data`` is the array; ``_node`` the node that a gradient for it goes to (None: no gradient);
    ``_cell`` a cell ``[time of last in-place update, number of updates]`` that views of one storage
    share (with the line of that update in the end where the tape may miss the old value); ``_grad`` the accumulated gradient; ``_view`` how a view is made from its base.
    """

    __slots__ = ("__dict__", "__weakref__", "_cell", "_data", "_grad", "_node", "_view")

    _data: np.ndarray
    _node: Node | None
    _cell: list[int]
    _grad: TensorBase | None
    _view: View | None


#: The class of results; ``tensorlite._tensor`` puts its ``Tensor`` here.
result_class: type[TensorBase] = TensorBase


def results_are(cls):
    """Make ``cls`` (a :class:`TensorBase`) the class of all results; ``tensorlite._tensor`` calls this once."""
    global result_class
    result_class = cls


def wrap(data, node=None, version=None):
    """A new tensor around ``data`` (no copy)."""
    t = _new(result_class)
    t._data = data if data.__class__ is ndarray else np.asarray(data)
    t._node = node
    t._cell = [0, 0] if version is None else version
    t._grad = None
    t._view = None
    return t


def unwrap(x):
    """The array inside a tensor; anything else as it is."""
    return x._data if isinstance(x, TensorBase) else x


def _alone():
    """How often Python counts a cell in :func:`touch` that nothing but its tensor holds."""
    cell = [0, 0]
    return getrefcount(cell) + 1  # the tensor's


_ALONE = _alone()


def touch(tensor):
    """Note an in-place change of ``tensor`` (and so of every view of its storage).

    If something else holds the cell, perhaps a node that kept the old value, the user's line is noted too.
    """
    cell = tensor._cell
    cell[0] = clock()
    cell[1] += 1
    if getrefcount(cell) > _ALONE:
        cell[2:] = (where(),)


def touch_all(tensors):
    """:func:`touch` for several tensors that are changed together."""
    now, place = clock(), ()
    for tensor in tensors:
        cell = tensor._cell
        if getrefcount(cell) > _ALONE:
            place = place or (where(),)
            cell[2:] = place
        cell[0] = now
        cell[1] += 1


class recording:
    """Sets ``state.mode`` for a block: recording on or off."""

    def __init__(self, recording):
        self.recording = recording

    def __enter__(self):
        self.old = state.mode
        state.mode = self.old | RECORDING if self.recording else self.old & ~RECORDING

    def __exit__(self, *exc):
        state.mode = state.mode & ~RECORDING | self.old & RECORDING
