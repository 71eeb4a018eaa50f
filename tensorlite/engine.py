"""The tape: what an operation records, and the walk that turns records into gradients.

Read it from top to bottom:

* :class:`TensorBase` is what the tape knows of a tensor: an array, the node that made it, a version.
* :class:`Node` is one recorded operation. Edges go from node to node, never to tensors, so an
  intermediate result is freed as soon as nobody needs its value.
* :func:`primitive` turns a NumPy function into an operation; ``op.vjp(x=lambda g, out: ...)`` says
  how a gradient flows to argument ``x``. The *parameter names of a vjp say what the tape keeps*:
  ``out`` keeps the result, an argument's name keeps that argument, ``x_shape`` only its shape, a
  setting's name that setting. Nothing else is kept.
* :func:`walk` visits the nodes from the newest to the oldest and passes gradients along the edges.

A vjp is an ordinary expression of operators and primitives. On raw arrays it gives the gradient;
on tensors that are attached to the tape again (``create_graph=True``) it gives a gradient that can
itself be differentiated. There is no second implementation for higher orders.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
import threading
import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from . import dtypes

__all__ = [
    "Leaf", "Node", "Port", "Primitive", "TensorBase", "backward", "broadcast_to", "cast", "clone", "grad",
    "inplace", "primitive", "state", "sum_to", "view_assign", "walk", "wrap",
]  # fmt: skip

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
    walk: list | None = None  # the nodes of the backward pass that is running


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


_PACKAGE = __name__.partition(".")[0]


def where():
    """``file:line`` of the innermost caller outside this package: the line that a user wrote."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    return "an unknown place" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


class TensorBase:
    """What the tape needs of a tensor. ``tensorlite.Tensor`` adds the methods people use.

    ``_data`` is the array; ``_node`` the node that a gradient for it goes to (None: no gradient);
    ``_version`` a cell ``[time of last in-place update, number of updates]`` that views of one storage
    share; ``_grad`` the accumulated gradient; ``_view`` how a view is made from its base.
    """

    __slots__ = ("__dict__", "__weakref__", "_data", "_grad", "_node", "_version", "_view")

    _data: np.ndarray
    _node: Node | None
    _version: list[int]
    _grad: TensorBase | None
    _view: View | None


#: The class of results; ``tensorlite._tensor`` puts its ``Tensor`` here.
result_class: type[TensorBase] = TensorBase


def wrap(data, node=None, version=None):
    """A new tensor around ``data`` (no copy)."""
    t = _new(result_class)
    t._data = data if data.__class__ is ndarray else np.asarray(data)
    t._node = node
    t._version = [0, 0] if version is None else version
    t._grad = None
    t._view = None
    return t


def unwrap(x):
    """The array inside a tensor; anything else as it is."""
    return x._data if isinstance(x, TensorBase) else x


# --------------------------------------------------------------------------------------------------
# Nodes
# --------------------------------------------------------------------------------------------------


class Node:
    """One operation on the tape.

    Attributes
    ----------
    edges : tuple of Node
        Where gradients go, one per input that wants one.
    seq : int
        When it was recorded; the walk goes from high to low.
    shape, dtype
        Of the result (tuples of them where several results are differentiable).
    kept : tuple or None
        What its vjps need; None once it has been freed.
    cells : tuple
        Version cells of the kept arrays.
    hooks : list or None
        Called with the arriving gradient.
    where : object
        Provenance, when somebody asked for it (anomaly mode, ``viz``).
    """

    __slots__ = (
        "__weakref__", "_metadata", "cells", "dtype", "edges", "hooks", "kept", "plan", "ports", "seq", "shape", "where",
    )  # fmt: skip

    broadcasts = False
    trusted = False  # whether arrays that ``apply`` returns are never held elsewhere

    def name(self) -> str:
        """PyTorch's name of the operation, such as ``MulBackward0``."""
        return type(self).__name__

    def __repr__(self):
        return f"<{self.name()} object at {id(self):#x}>"

    def shown(self):
        """The node as users see it (``tensor.grad_fn``)."""
        return self

    @property
    def next_functions(self):
        """PyTorch's spelling of the edges: ``((node, output number), ...)``."""
        return tuple((e.shown(), e.slot if type(e) is Port else 0) for e in self.edges)

    @property
    def metadata(self) -> dict:
        """A dict for whatever users want to note here."""
        try:
            return self._metadata
        except AttributeError:
            self._metadata = {}
            return self._metadata

    def register_hook(self, hook):
        """Call ``hook(grad_inputs, grad_outputs)`` after this node has run in a backward pass.

        ``hook`` may return new gradients for the inputs. Returns a handle with ``remove()``.
        """
        return add_hook(self, "after", hook)

    def register_prehook(self, hook):
        """Call ``hook(grad_outputs)`` before this node runs; it may return new ones."""
        return add_hook(self, "tuple", hook)

    def apply(self, g, taped, needed=None):
        """Gradients for the edges, given the gradient ``g`` of the result."""
        raise NotImplementedError

    def release(self):
        """Forget what was kept; called once the node has run."""
        if self.kept:
            self.kept = None
            self.cells = ()

    def kept_array(self, i):
        """The array that ``cells[i]`` belongs to, for messages."""


class Leaf(Node):
    """Where gradients for a tensor made by the user arrive: ``tensor.grad``."""

    __slots__ = ("buffer", "tensor")

    def __init__(self, tensor):
        self.tensor = weakref.ref(tensor)
        self.seq = clock()
        self.edges = self.kept = self.cells = ()
        self.shape = tensor._data.shape
        self.dtype = tensor._data.dtype
        self.hooks = self.where = self.plan = None
        self.buffer = None  # an optimizer may offer memory for the gradient

    def name(self):
        return "AccumulateGrad"

    @property
    def variable(self):
        """The tensor itself, as PyTorch's ``AccumulateGrad.variable``."""
        return self.tensor()

    def accumulate(self, g, owned):
        """Add ``g`` to ``tensor.grad``; ``owned`` says that nobody else holds the array ``g``."""
        tensor = self.tensor()
        if tensor is None:
            return
        with _accumulating:
            held = tensor._grad
            if isinstance(g, TensorBase):  # create_graph: the gradient stays on the tape
                tensor._grad = clone(g) if held is None else held + g
            elif held is None:
                if self.buffer is not None and (memory := self.buffer()) is not None:
                    np.copyto(memory, g)
                    g = memory
                elif not owned or g.__class__ is not ndarray:
                    g = np.array(g)
                tensor._grad = wrap(g)
            elif held._data.flags.writeable:
                np.add(held._data, g, out=held._data)
                touch(held)
            else:
                held._data = held._data + g
                touch(held)
        if self.hooks is not None:
            for hook in [h for kind, h in self.hooks.values() if kind == "accumulated"]:
                hook(tensor)


_accumulating = threading.RLock()  # threads may train tensors that they share


class Port(Node):
    """One of several differentiable results of a node; passes its gradient to a slot there."""

    __slots__ = ("slot",)

    def __init__(self, node, slot, shape, dtype):
        self.seq = clock()
        self.edges = (node,)
        self.slot = slot
        self.shape = shape
        self.dtype = dtype
        self.kept = self.cells = ()
        self.hooks = self.where = self.plan = None

    def name(self):
        return self.edges[0].name()

    def shown(self):
        return self.edges[0].shown()

    @staticmethod
    def of(node, slot, shape, dtype):
        """The port of ``node`` at ``slot``: the one that exists, so that its hooks see every gradient."""
        try:
            ports = node.ports
        except AttributeError:
            ports = node.ports = weakref.WeakValueDictionary()
        port = ports.get(slot)
        if port is None:
            port = ports[slot] = Port(node, slot, shape, dtype)
        return port


class PrimitiveNode(Node):
    """A recorded call of a :class:`Primitive`; its :class:`Plan` knows which vjps to run."""

    __slots__ = ()

    trusted = True

    def name(self):
        prim = self.plan.primitive
        grad_name = prim.grad_name
        if grad_name is None:
            from .ops.names import NAMES

            grad_name = prim.grad_name = NAMES.get(prim.name.strip("_")) or prim.usual_name()
        return grad_name if isinstance(grad_name, str) else grad_name(self)

    def shown(self):
        """The same node under a class of PyTorch's name (one class for all keeps the tape fast)."""
        self.__class__ = _named_node(self.name())
        return self

    @property
    def broadcasts(self):
        return self.plan.primitive.broadcasts

    def release(self):
        if self.kept and (self.plan.frees or any(map(_holds_array, self.kept))):
            self.kept = None
            self.cells = ()

    def kept_array(self, i):
        return self.plan.kept_array(self.kept, i)

    def apply(self, g, taped, needed=None):
        kept = self.kept
        if kept is None:
            raise RuntimeError(_TWICE.format(self.name()))
        for cell in self.cells:
            if cell[0] > self.seq:
                raise _changed(self, cell)
        plan = self.plan
        if taped:
            return plan.pull_taped(self, g, needed, kept)
        if needed is None:
            return plan.pull(g, kept)
        return plan.pull_some(needed)(g, kept)


def _holds_array(value):
    return isinstance(value, ndarray) or (isinstance(value, (tuple, list)) and any(map(_holds_array, value)))


@functools.cache
def _named_node(name):
    return type(name, (PrimitiveNode,), {"__slots__": ()})


_TWICE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have "
    "already been freed), at {}. Saved intermediate values of the graph are freed when you call .backward() or "
    "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time."
)


def _changed(node, cell):
    i = next((i for i, c in enumerate(node.cells) if c is cell), 0)
    array = node.kept_array(i)
    what = f"[{dtypes.of(array.dtype).typename} {list(array.shape)}]" if isinstance(array, ndarray) else "a value"
    where = f" The operation was recorded at {node.where}." if node.where else (
        " Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "tensorlite.autograd.set_detect_anomaly(True).")  # fmt: skip
    return RuntimeError(
        f"one of the variables needed for gradient computation has been modified by an inplace operation: {what}, "
        f"which {node.name()} kept, was changed after the forward call.{where}"
    )


def touch(tensor):
    """Note an in-place change of ``tensor`` (and so of every view of its storage)."""
    cell = tensor._version
    cell[0] = clock()
    cell[1] += 1


# --------------------------------------------------------------------------------------------------
# Views: a tensor that shares memory with its base can be made again from the base
# --------------------------------------------------------------------------------------------------


class View:
    """``base`` and the steps ``(primitive, settings, output number)`` that lead from it to a view.

    ``stamp`` is the version at which the view's node was right; ``cut`` names the mode that kept the
    view off the tape when it was made.
    """

    __slots__ = ("base", "cut", "stamp", "steps")

    def __init__(self, base, steps, stamp, cut):
        self.base = base
        self.steps = steps
        self.stamp = stamp
        self.cut = cut

    @property
    def many(self):
        """Whether a function that returns several views made this one."""
        return any(slot is not None for _, _, slot in self.steps)


def replay(steps, x):
    """Make a view of ``x`` in the way that ``steps`` of a :class:`View` say."""
    for step, settings, slot in steps:
        x = step(x, **settings)
        if slot is not None:
            x = x[slot]
    return x


def _owner(a):
    """The object whose memory ``a`` shows in the end (stride tricks put a holder in between)."""
    while (base := getattr(a, "base", None)) is not None:
        a = base
    return a


def _attach_view(t, source, op, settings, slot=None):
    """Note that ``t`` is a view of ``source`` if it shares its memory."""
    a, s = t._data, source._data
    if (
        a is not s
        and a.base is not (s if s.base is None else s.base)
        and (a.base is None or _owner(a) is not _owner(s))
    ):
        return
    t._version = source._version
    step = ((op, settings, slot),)
    view = source._view
    stamp = t._version[0]
    cut = None if state.mode & RECORDING else "inference_mode" if state.inference else "no_grad mode"
    if view is None:
        t._view = View(source, step, stamp, cut)
    else:
        t._view = View(view.base, view.steps + step, stamp, cut or view.cut)


def renew(t):
    """Give a view its present place on the tape if its base has been changed since."""
    view = t._view
    if view.stamp < t._version[0] and view.base._node is not None:
        if state.mode & RECORDING:
            if view.cut:
                raise RuntimeError(_CUT.format(view.cut, _ELSEWHERE))
            if view.many:
                raise RuntimeError(_MANY.format(t._node.name() if t._node else "a function", _ELSEWHERE))
        if view.cut or view.many:
            return
        view.stamp = t._version[0]
        mode, state.mode = state.mode, RECORDING
        try:
            _move(t, replay(view.steps, view.base)._node)
        finally:
            state.mode = mode


_ELSEWHERE = "its base or another view of its base has been"
_MANY = (
    "Output 0 of {} is a view and {} modified inplace. This view is the output of a function that returns multiple views. "
    "Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an "
    "out-of-place one."
)
_CUT = (
    "A view was created in {} and {} modified inplace with grad mode enabled. Given that this use case is ambiguous and "
    "error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside "
    "the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be "
    "tracked)."
)


def _move(t, node):
    """``t`` now comes from ``node``; its ``retain_grad`` goes with it."""
    t._node = node
    if "_retain" in t.__dict__:
        t.__dict__.pop("_retain").remove()
        t.retain_grad()


# --------------------------------------------------------------------------------------------------
# Primitives
# --------------------------------------------------------------------------------------------------


class Primitive:
    """The description of an operation; the callable itself is generated from its signature.

    Positional parameters are arrays (or tensors, or numbers); keyword-only parameters are settings.
    A ``*xs`` parameter is a sequence of arrays.
    """

    def __init__(self, forward, promote, broadcasts, view, outputs, constant, nondiff, differentiable, into, kernel,
                 grad_name):  # fmt: skip
        self.forward = forward
        self.kernel = kernel or forward
        self.name = forward.__name__.rstrip("_")
        self.grad_name = grad_name
        self.promote = promote
        self.broadcasts = broadcasts
        self.view = view
        self.outputs = outputs
        self.constant = frozenset(constant)
        self.nondiff = frozenset(nondiff)
        self.differentiable = differentiable
        self.into = into
        self.reference: Callable | None = None
        self.joint: Callable | None = None
        self.vjps: dict[str, Callable] = {}
        self.names: dict[str, list[str]] = {}
        self.plans: dict[int, Plan] = {}
        self.signature = inspect.signature(forward)
        params = self.signature.parameters.values()
        self.arrays = [p.name for p in params if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.variadic = next((p.name for p in params if p.kind is p.VAR_POSITIONAL), None)
        self.settings = {p.name: p.default for p in params if p.kind is p.KEYWORD_ONLY}
        #: numbers of the differentiable results; None where the number of results varies
        self.live = None if outputs == "many" else [i for i, o in enumerate(outputs or ["out"]) if o not in constant]

    def __repr__(self):
        return f"<primitive {self.name}{self.signature}>"

    def usual_name(self):
        """``MulBackward0`` for ``mul``."""
        return "".join(w[:1].upper() + w[1:] for w in self.name.strip("_").split("_")) + "Backward0"

    # -- registration ------------------------------------------------------------------------------

    def _check(self, fn, skip):
        """The names of what ``fn`` wants kept; refuses names that mean nothing here."""
        code = None if hasattr(fn, "__wrapped__") else getattr(fn, "__code__", None)
        names = list(code.co_varnames[: code.co_argcount] if code else inspect.signature(fn).parameters)[skip:]
        arrays = [self.variadic] if self.variadic else self.arrays
        known = {*arrays, *(f"{a}_shape" for a in arrays), *self.settings, "needs", "out"}
        if isinstance(self.outputs, (tuple, list)):
            known |= set(self.outputs)
        if unknown := set(names) - known:
            raise TypeError(f"vjp of {self.name}: unknown parameter(s) {sorted(unknown)}; it may name {sorted(known)}")
        return names

    def set_vjps(self, vjps):
        arrays = [self.variadic] if self.variadic else self.arrays
        for arg, fn in vjps.items():
            if arg not in arrays:
                raise TypeError(f"{self.name} has no array argument {arg!r}; it has {arrays}")
            self.names[arg] = self._check(fn, 1)
            self.vjps[arg] = fn
        if missing := set(arrays) - set(self.vjps) - self.nondiff:
            raise TypeError(f"{self.name}: no vjp for {sorted(missing)}; declare it, or list it as nondiff")

    def set_joint(self, fn):
        self.joint = fn
        self.names["*"] = self._check(fn, 1)

    def plan(self, key, count):
        if self.variadic:  # the number of arguments is a part of the pattern; long ones are not worth keeping
            pattern = (key, count)
            plan = self.plans.get(pattern) or Plan(self, key, count)
            if count <= 16:
                self.plans[pattern] = plan
            return plan
        plan = self.plans[key] = self.plans.get(key) or Plan(self, key, count)
        return plan


class Plan:
    """What to keep and which vjps to run, for one pattern of arguments that want gradients.

    ``key`` has two bits per argument: is it a tensor, does it want a gradient. A plan is made once
    per pattern and turned into two short functions; ``plan.source`` shows them.
    """

    __slots__ = ("cell_slots", "frees", "kept_names", "primitive", "pull", "pulls", "record", "source", "targets")

    def __init__(self, prim: Primitive, key: int, count: int):
        self.primitive = prim
        self.pulls: dict[tuple, Callable] = {}
        self.targets = [i for i in range(count) if key >> (2 * i) & 2]
        tensors = [i for i in range(count) if key >> (2 * i) & 1]
        names = [prim.variadic] * count if prim.variadic else prim.arrays
        for i in self.targets:
            if names[i] in prim.nondiff:
                raise RuntimeError(
                    f"{prim.name}: the argument {names[i]!r} is not differentiable, but it was given a tensor that "
                    f"requires grad; pass {names[i]}.detach()"
                )
            if not prim.joint and names[i] not in prim.vjps:
                raise NotImplementedError(f"the derivative for '{prim.name}' is not implemented")
        if prim.joint:
            wanted = list(prim.names["*"])
        else:
            wanted = list(dict.fromkeys(n for i in self.targets for n in prim.names[names[i]]))
        if prim.reference:
            wanted += [a for a in prim.arrays if a not in wanted] + [s for s in prim.settings if s not in wanted]
        rank = {n: i for i, n in enumerate(prim.arrays)}
        self.kept_names = sorted((n for n in wanted if n != "needs"), key=lambda n: rank.get(n, len(rank)))
        outputs = prim.outputs if isinstance(prim.outputs, (tuple, list)) else ()
        #: whether values are kept (not only shapes and settings), so that a second backward is an error
        self.frees = any(n in rank or n == prim.variadic or n == "out" or n in outputs for n in self.kept_names)
        if prim.variadic:
            self._assemble(prim, tensors, count)
        else:
            self._compile(prim, tensors, names)

    def _assemble(self, prim, tensors, count):
        """``record`` and ``pull`` for a sequence of arguments: no code is generated per length."""
        xs, targets, wanted = prim.variadic, self.targets, self.kept_names
        outputs = list(prim.outputs) if isinstance(prim.outputs, (tuple, list)) else []
        cell_of = [i for i in tensors if xs in wanted]
        self.cell_slots = [(wanted.index(xs), i) for i in cell_of]
        self.source = "(a sequence of arguments: see Plan._assemble)"

        def keep(name, raw, out, settings):
            if name == xs:
                return tuple(raw)
            if name == f"{xs}_shape":
                return tuple([np.shape(r) for r in raw])
            if name in outputs:
                return out[outputs.index(name)]
            return out if name == "out" else settings[name]

        def record(args, raw, out, result, settings):
            n = _new(PrimitiveNode)
            n.plan = self
            n.seq = clock()
            n.edges = tuple([args[i]._node for i in targets])
            n.kept = tuple([keep(name, raw, out, settings) for name in wanted])
            n.cells = tuple([args[i]._version for i in cell_of])
            if "out" in wanted:
                n.cells += (result._version,)
            if prim.outputs is None:
                n.shape, n.dtype = out.shape, out.dtype
            else:
                n.shape, n.dtype = tuple([o.shape for o in out]), tuple([o.dtype for o in out])
            n.hooks = n.where = None
            return n

        if "out" in wanted:
            self.cell_slots.append((wanted.index("out"), None))
        self.record = record
        self.pull = self._make_pull_many(prim, targets, count)

    def _make_pull_many(self, prim, targets, count):
        fn = prim.joint or prim.vjps[prim.variadic]
        names = prim.names["*"] if prim.joint else prim.names[prim.variadic]
        needs = [False] * count
        for i in targets:
            needs[i] = True
        at = {n: i for i, n in enumerate(self.kept_names)}
        call = [at.get(n) for n in names]  # None: needs
        places, needs = self.targets, tuple(needs)

        def pull(g, k):
            r = fn(g, *[needs if i is None else k[i] for i in call])
            return [r[i] if needs[i] else None for i in places]

        return pull

    def _compile(self, prim, tensors, names):
        """Generate ``record`` (make the node) and ``pull`` (run the vjps)."""
        outputs = list(prim.outputs) if isinstance(prim.outputs, (tuple, list)) else []
        keep, cells, self.cell_slots = [], [], []
        for slot, n in enumerate(self.kept_names):
            if n in prim.arrays:
                i = prim.arrays.index(n)
                keep.append(f"raw[{i}]")
                if i in tensors:
                    cells.append(f"args[{i}]._version")
                    self.cell_slots.append((slot, None))
            elif n.endswith("_shape") and n[:-6] in prim.arrays:
                keep.append(f"shape_of(raw[{prim.arrays.index(n[:-6])}])")
            elif n == "out" and not outputs:
                keep.append("out")
                if prim.outputs is None:
                    cells.append("result._version")
                    self.cell_slots.append((slot, None))
            elif n in outputs:
                keep.append(f"out[{outputs.index(n)}]")
                cells.append(f"result[{outputs.index(n)}]._version")
                self.cell_slots.append((slot, None))
            else:
                keep.append(f"settings[{n!r}]")
        row = lambda items: "(" + "".join(f"{x}, " for x in items) + ")"
        if prim.outputs is None:
            meta = "out.shape", "out.dtype"
        elif prim.live is not None and len(prim.live) == 1:
            meta = f"out[{prim.live[0]}].shape", f"out[{prim.live[0]}].dtype"
        else:
            live = f"[out[i] for i in {prim.live}]" if prim.live is not None else "out"
            meta = f"tuple([o.shape for o in {live}])", f"tuple([o.dtype for o in {live}])"
        edges = row(f"args[{i}]._node" for i in self.targets)
        record = (
            "def record(args, raw, out, result, settings):\n"
            "    n = new(PrimitiveNode)\n"
            "    n.plan = plan\n"
            "    n.seq = clock()\n"
            f"    n.edges = {edges}\n"
            f"    n.kept = {row(keep) if keep else '()'}\n"
            f"    n.cells = {row(cells) if cells else '()'}\n"
            f"    n.shape = {meta[0]}\n"
            f"    n.dtype = {meta[1]}\n"
            "    n.hooks = n.where = None\n"
            "    return n\n"
        )
        scope = {"new": _new, "PrimitiveNode": PrimitiveNode, "plan": self, "clock": clock,
                 "shape_of": np.shape, "TensorBase": TensorBase}  # fmt: skip
        exec(record, scope)
        self.record = scope["record"]
        self.pull, pull_source = self._make_pull(prim, names, self.targets)
        self.source = record + pull_source

    def _make_pull(self, prim, names, targets):
        at = {n: f"k[{i}]" for i, n in enumerate(self.kept_names)}
        scope: dict[str, Any] = {}
        if prim.joint:
            scope.update(fn=prim.joint, needs=tuple(i in targets for i in range(len(names))))
            args = "".join(", needs" if n == "needs" else f", {at[n]}" for n in prim.names["*"])
            pick = "".join(f"r[{i}], " if i in targets else "None, " for i in self.targets)
            source = f"def pull(g, k):\n    r = fn(g{args})\n    return ({pick})\n"
            exec(source, scope)
            return scope["pull"], source
        parts = []
        for i in self.targets:
            if i not in targets:
                parts.append("None")
                continue
            scope[f"vjp_{names[i]}"] = prim.vjps[names[i]]
            parts.append(f"vjp_{names[i]}(g{''.join(', ' + at[n] for n in prim.names[names[i]])})")
        source = f"lambda g, k: ({''.join(p + ', ' for p in parts)})"
        return eval(source, scope), "pull = " + source

    def pull_some(self, needed):
        """``pull`` for a part of the edges only (``needed``: one bool per edge)."""
        fn = self.pulls.get(needed)
        if fn is None:
            targets = [i for i, want in zip(self.targets, needed) if want]
            prim = self.primitive
            if prim.variadic:
                return self._make_pull_many(prim, targets, max(self.targets) + 1)
            fn = self.pulls[needed] = self._make_pull(prim, prim.arrays, targets)[0]
        return fn

    def attach(self, node, kept):
        """``kept``, what ``node`` kept, as tensors in their old places on the tape (for create_graph)."""
        prim = self.primitive
        edge_of = dict(zip(self.targets, node.edges))
        out_names = list(prim.outputs) if isinstance(prim.outputs, (tuple, list)) else []
        values = []
        for n, value in zip(self.kept_names, kept):
            if prim.variadic and n == prim.variadic:
                value = tuple(wrap(v, edge_of.get(i)) if isinstance(v, ndarray) else v for i, v in enumerate(value))
            elif isinstance(value, ndarray) and n not in prim.settings:
                if n in prim.arrays:
                    value = wrap(value, edge_of.get(prim.arrays.index(n)))
                elif n == "out":
                    value = wrap(value, node)
                else:
                    i = out_names.index(n)
                    if i not in prim.live:
                        value = wrap(value)
                    elif len(prim.live) == 1:
                        value = wrap(value, node)
                    else:
                        value = wrap(value, Port.of(node, prim.live.index(i), value.shape, value.dtype))
            values.append(value)
        return values

    def pull_taped(self, node, g, needed, kept):
        """The vjps on tensors, so that the gradients are on the tape themselves."""
        values = self.attach(node, kept)
        if self.primitive.reference is not None:
            return self._pull_reference(node, g, values)
        return (self.pull if needed is None else self.pull_some(needed))(g, values)

    def _pull_reference(self, node, g, values):
        """Differentiate the plain composition that a fused primitive stands for."""
        prim = self.primitive
        kept = dict(zip(self.kept_names, values))
        args = [kept[a] for a in prim.arrays]
        inputs = [alias(args[i]) for i in self.targets]
        for i, x in zip(self.targets, inputs):
            args[i] = x
        outs = prim.reference(*args, **{s: kept[s] for s in prim.settings})
        outs = [outs[i] for i in prim.live] if isinstance(outs, (tuple, list)) else [outs]
        gs = g if isinstance(g, list) else [g]
        pairs = [(o, h) for o, h in zip(outs, gs) if h is not None and o._node is not None]
        if not pairs:
            return (None,) * len(inputs)
        found = walk([(o._node, h) for o, h in pairs], retain=True, taped=True, targets=[x._node for x in inputs])
        return tuple(found.get(x._node) for x in inputs)

    def kept_array(self, kept, cell_index):
        slot, inner = self.cell_slots[cell_index]
        return kept[slot] if inner is None else kept[slot][inner]


class PackedPlan:
    """The plan of a node whose kept values somebody else holds: ``node.kept`` is a function that returns them.

    Saved-tensor hooks and checkpoints put it in the place of the node's own plan.
    """

    frees = True

    def __init__(self, plan):
        self.plan = plan
        self.primitive = plan.primitive
        self.kept_names = plan.kept_names

    def pull(self, g, kept):
        return self._own(self.plan.pull, g, kept())

    def pull_some(self, needed):
        fn = self.plan.pull_some(needed)
        return lambda g, kept: self._own(fn, g, kept())

    @staticmethod
    def _own(fn, g, values):
        """Results of a vjp must not be arrays that the holder may hand out again."""
        return [np.array(r) if any(r is v for v in values) else r for r in fn(g, values)]

    def pull_taped(self, node, g, needed, kept):
        return self.plan.pull_taped(node, g, needed, kept())


def pack(node, holder):
    """Let ``holder()`` return the values that ``node`` has kept until now."""
    node.plan = PackedPlan(node.plan)
    node.kept = holder
    node.cells = ()


def _promote(how, args):
    """Arguments brought to their common dtype; tensors by a recorded cast."""
    d = dtypes.result_dtype(args)
    if how == "float" and d.kind not in "fc":
        d = dtypes.get_default_dtype().numpy
    out = []
    for a in args:
        if isinstance(a, TensorBase):
            out.append(a if a._data.dtype == d else cast(a, dtype=d))
        elif a is None:
            out.append(a)
        elif isinstance(a, ndarray):
            out.append(a.astype(d, copy=False))
        else:
            out.append(np.asarray(a).astype(d))
    return out


def _explain(prim, error, raw):
    """NumPy's complaint in PyTorch's terms: the operation, what it was given."""
    if prim.kernel is not prim.forward:
        try:
            prim.forward(*raw)
        except (ValueError, TypeError, IndexError, RuntimeError) as better:
            error = better
    if isinstance(error, np.exceptions.AxisError) and error.ndim is not None:
        n = max(error.ndim, 1)
        return IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {error.axis})")
    shown = ", ".join(
        f"{dtypes.of(r.dtype).name}{list(r.shape)}" if isinstance(r, ndarray) else repr(r) for r in raw
    )  # fmt: skip
    shapes = [r.shape for r in raw if isinstance(r, ndarray)]
    if prim.broadcasts and len(shapes) == 2:
        a, b = shapes
        n = max(len(a), len(b))
        a, b = (1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b
        for d in reversed(range(n)):
            if a[d] != b[d] and 1 not in (a[d], b[d]):
                return dtypes.ShapeError(
                    f"The size of tensor a ({a[d]}) must match the size of tensor b ({b[d]}) at non-singleton dimension "
                    f"{d} ({prim.name} of {shown})"
                )
    if isinstance(error, (IndexError, NotImplementedError, RuntimeError, TypeError)):
        return error
    return dtypes.ShapeError(f"{prim.name}({shown}): {error}")


def _finish_many(prim, op, args, raw, out, settings, key, mode):
    """Results of an operation that has several: tensors, with ports where gradients can enter."""
    result = tuple([wrap(o) for o in out])
    if prim.view:
        for i, t in enumerate(result):
            _attach_view(t, args[0], op, settings, i)
    if key & _GRAD_BITS(len(args)) and mode & RECORDING and prim.differentiable:
        node = prim.plan(key, len(args)).record(args, raw, out, result, settings)
        live = prim.live if prim.live is not None else range(len(out))
        if len(live) == 1 and prim.outputs != "many":
            result[live[0]]._node = node
        else:
            for slot, i in enumerate(live):
                result[i]._node = Port.of(node, slot, out[i].shape, out[i].dtype)
        if mode & WATCHED:
            state.watch.recorded(node, args, result)
    return result


def _GRAD_BITS(count):
    return (1 << 2 * count) // 3 * 2  # 0b1010...10


_OP = """
def {name}({signature}):
{unwrap}
    if not key:
        return forward({raws}{settings})
    mode = state.mode
{promote}
    try:
        out = forward({raws}{settings}) if mode < 2 else state.watch.forward(prim, ({args}), {{{pairs}}}, ({raws}))
    except (ValueError, TypeError, IndexError) as error:
        raise explain(prim, error, ({raws})) from error
{finish}
"""

_FINISH_ONE = """
    if out.__class__ is not ndarray:
        out = asarray(out)
    t = new(engine.result_class)
    t._data = out
    t._version = [0, 0]
    t._grad = t._view = None
{view}
{record}
    return t
"""

_RECORD = """
    if key & {grad_bits} and mode & 1{if_float}:
        args = ({args})
        plan = plans.get(key) or prim.plan(key, {count})
        t._node = plan.record(args, ({raws}), out, t, {{{pairs}}})
        if mode > 1:
            state.watch.recorded(t._node, args, t)
    else:
        t._node = None
"""


def _stub(*args, **kwargs):
    return finish_op()(*args, **kwargs)  # noqa: F821 (in the operation's own scope)


#: What an operation runs at its first call: compiling hundreds of them at import would take longer than NumPy's import.
_STUB = _stub.__code__


def _generate(prim: Primitive):
    """Write and compile the callable of a primitive: unwrap, promote, run, record."""
    params = list(prim.signature.parameters.values())
    pairs = "".join(f"{s!r}: {s}, " for s in prim.settings)
    settings = "".join(f"{s}={s}, " for s in prim.settings)
    scope = {
        "np": np, "engine": _module, "TensorBase": TensorBase, "state": state, "forward": prim.kernel, "prim": prim,
        "plans": prim.plans, "new": _new, "ndarray": ndarray, "asarray": np.asarray, "renew": renew,
        "promote": _promote, "explain": _explain, "finish_many": _finish_many, "attach_view": _attach_view,
        "plain_float": dtypes.plain_float, "__name__": __name__,
    }  # fmt: skip
    defaults = {f"default_{p.name}": p.default for p in params if p.default is not p.empty}
    scope.update(defaults)
    shown = [p.replace(annotation=p.empty) for p in params]
    signature = []
    star = False
    for p in shown:
        if p.kind is p.VAR_POSITIONAL:
            signature.append("*args")
            star = True
        else:
            if p.kind is p.KEYWORD_ONLY and not star:
                signature.append("*")
                star = True
            signature.append(p.name if p.default is p.empty else f"{p.name}=default_{p.name}")
    unwrap = ["    key = 0"]
    if prim.variadic:
        raws, args, count = "*raw, ", "*args, ", "len(args)"
        unwrap += [
            "    raw = list(args)",
            "    for i, a in enumerate(args):",
            "        if isinstance(a, TensorBase):",
            "            if a._view is not None:",
            "                renew(a)",
            "            raw[i] = a._data",
            "            key |= (1 if a._node is None else 3) << 2 * i",
        ]
    else:
        raws = "".join(f"x_{a}, " for a in prim.arrays)
        args = "".join(f"{a}, " for a in prim.arrays)
        count = str(len(prim.arrays))
        for i, a in enumerate(prim.arrays):
            unwrap += [
                f"    if isinstance({a}, TensorBase):",
                f"        if {a}._view is not None:",
                f"            renew({a})",
                f"        x_{a} = {a}._data",
                f"        key |= {1 << 2 * i} if {a}._node is None else {3 << 2 * i}",
                "    else:",
                f"        x_{a} = {a}",
            ]
    promote = ""
    if prim.promote:
        call_args = args
        test = _promotion_test(prim)
        promote = f"    if {test}:\n        return unpromoted(*promote({prim.promote!r}, ({call_args})), {settings})"
    if prim.outputs is not None:
        finish = f"    return finish_many(prim, self, ({args}), ({raws}), out, {{{pairs}}}, key, mode)"
    else:
        view = f"    attach_view(t, {prim.arrays[0]}, self, {{{pairs}}})" if prim.view else ""
        bits = "engine._GRAD_BITS(len(args))" if prim.variadic else str(_GRAD_BITS(len(prim.arrays)))
        if_float = " and out.dtype.kind in 'fc'" if prim.differentiable == "float" else ""
        record = (
            _RECORD.format(grad_bits=bits, args=args, raws=raws, pairs=pairs, count=count, if_float=if_float)
            if prim.differentiable
            else "    t._node = None"
        )
        finish = _FINISH_ONE.format(view=view, record=record)
    fields = dict(name=prim.forward.__name__, signature=", ".join(signature), unwrap="\n".join(unwrap), raws=raws,
                  settings=settings, args=args, pairs=pairs, finish=finish)  # fmt: skip

    def text(promote):
        return "\n".join(line for line in _OP.format(promote=promote, **fields).split("\n") if line.strip())

    def build(source, local):
        exec(compile(source, f"<primitive {prim.name}>", "exec"), local)
        return local[prim.forward.__name__]

    def finish_op():
        """Compile the operation into ``op``, which other modules hold already."""
        if promote:
            local["unpromoted"] = build(text(""), dict(scope))
        fn = build(source, local)
        op.__defaults__, op.__kwdefaults__ = fn.__defaults__, fn.__kwdefaults__
        op.__code__ = fn.__code__
        return op

    source, local = text(promote), dict(scope)
    op = FunctionType(_STUB, local, prim.forward.__name__)
    local["self"] = op
    local["finish_op"] = finish_op
    op.__doc__ = prim.forward.__doc__
    op.__module__ = prim.forward.__module__
    op.__qualname__ = prim.forward.__qualname__
    op.__signature__ = prim.signature
    op.source = source
    return op


def _promotion_test(prim):
    """When do the arguments need :func:`dtypes.promote`? The usual case is decided inline."""
    if prim.variadic:
        return "len({getattr(r, 'dtype', None) for r in raw}) > 1" + (
            " or raw[0].dtype.kind not in 'fc'" if prim.promote == "float" else ""
        )
    arrays = [f"x_{a}" for a in prim.arrays]
    if len(arrays) == 1:
        test = f"{arrays[0]}.__class__ is not ndarray"
    else:
        first, *rest = arrays
        same = " or ".join(f"{first}.dtype is not {r}.dtype" for r in rest)
        every = " and ".join(f"{r}.__class__ is ndarray" for r in arrays)
        test = f"({same} if {every} else not plain_float({', '.join(arrays)}))"
    if prim.promote == "float":
        a = arrays[0]
        test = f"{test} or ({a}.__class__ is ndarray and {a}.dtype.kind not in 'fc')"
    return test


def primitive(forward=None, *, promote=None, broadcasts=False, view=False, outputs=None, constant=(), nondiff=(),
              differentiable=True, into=None, kernel=None, grad_name=None):  # fmt: skip
    """Turn a NumPy function into an operation of the tape.

    Parameters
    ----------
    forward : callable
        Raw arrays in, raw array (or tuple of arrays) out. Positional parameters are arrays, keyword-only
        ones settings, ``*xs`` a sequence of arrays.
    promote : None, 'same' or 'float'
        Bring arguments to one dtype first (PyTorch's rules); 'float' also turns integers into floats.
    broadcasts : bool
        Whether arguments broadcast, so that gradients must be summed back to their shapes.
    view : bool
        Whether the result may share memory with the first argument.
    outputs : tuple of str or 'many'
        Names of the results where there are several; 'many' where the number varies.
    constant : tuple of str
        Results that are not differentiable (indices).
    nondiff : tuple of str
        Array arguments without a gradient (indices, masks).
    differentiable : bool or 'float'
        False for operations whose result never carries a gradient (comparisons); 'float' where only results of a
        floating dtype do (conversions).
    into : callable
        ``into(target, *others, **settings)`` computes the operation in place, for ``x.op_()``.
    kernel : callable, optional
        Called in place of ``forward`` (a bare ufunc saves a Python call); where it fails, ``forward`` explains why.
    grad_name : str or callable, optional
        PyTorch's name of the node, if it is not ``<Name>Backward0``; or a function of the node that returns it.

    Returns
    -------
    callable
        With ``op.vjp(arg=lambda g, names...: ...)`` to register gradients, one per argument;
        ``op.joint_vjp(lambda g, names..., needs: (...))`` where they share work; and
        ``op.reference(function)`` for a composition that higher orders differentiate instead.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.engine import primitive
    >>> @primitive
    ... def cube(x):
    ...     return x * x * x
    >>> cube.vjp(x=lambda g, x: g * (3 * x * x))
    >>> import tensorlite as tl
    >>> t = tl.tensor(2.0, requires_grad=True)
    >>> cube(t).backward()
    >>> t.grad
    tensor(12.)
    """
    if forward is None:
        return lambda f: primitive(f, promote=promote, broadcasts=broadcasts, view=view, outputs=outputs,
                                   constant=constant, nondiff=nondiff, differentiable=differentiable,
                                   into=into, kernel=kernel, grad_name=grad_name)  # fmt: skip
    prim = Primitive(forward, promote, broadcasts, view, outputs, constant, nondiff, differentiable, into, kernel,
                     grad_name)  # fmt: skip
    op = _generate(prim)
    op.primitive = prim
    op.vjp = lambda **vjps: prim.set_vjps(vjps)
    op.joint_vjp = lambda fn: prim.set_joint(fn)
    op.reference = lambda fn: setattr(prim, "reference", fn) or fn
    registry[f"{forward.__module__}.{prim.name}"] = op
    return op


#: Every primitive, by module and name; the tests demand sample inputs for each.
registry: dict[str, Callable] = {}


# --------------------------------------------------------------------------------------------------
# The walk
# --------------------------------------------------------------------------------------------------


def _seq(node):
    return node.seq


def order(roots, targets=None):
    """The nodes that ``roots`` reach, newest first; with ``targets``, those that lead to one."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    nodes = sorted(seen, key=_seq, reverse=True)
    if targets is None:
        return nodes, None
    needed = set(targets)
    for node in reversed(nodes):
        if node not in needed and any(e in needed for e in node.edges):
            needed.add(node)
    return [n for n in nodes if n in needed], needed


def walk(roots, *, retain, taped, targets=None):
    """Send gradients from ``roots`` through the tape.

    Parameters
    ----------
    roots : list of (Node, gradient)
    retain : bool
        Keep what the nodes kept, for another walk.
    taped : bool
        Gradients are tensors and the vjps are recorded themselves.
    targets : list of Node, optional
        Stop there and return what arrives; leaves that are not targets get nothing.

    Returns
    -------
    dict
        Node -> gradient, for ``targets``.
    """
    pending: dict[Node, Any] = {}
    owned: set[Node] = set()  # whose pending array was allocated here and is held by nobody else
    for node, g in roots:
        pending[node] = pending[node] + g if node in pending else g
    nodes, needed = order(list(pending), targets)
    outer, state.walk = state.walk, nodes
    try:
        return _visit(nodes, pending, owned, retain, taped, frozenset(targets or ()), needed)
    finally:
        state.walk = outer


def _visit(nodes, pending, owned, retain, taped, wanted, needed):
    found: dict[Node, Any] = {}
    some = None  # which edges of a node are needed; None: all
    watch = state.watch
    add, asarray = np.add, np.asarray
    for node in nodes:
        g = pending.pop(node, None)
        if g is None:
            continue
        if node.hooks:
            g = _run_hooks(node, g)
            owned.discard(node)
            if g is None:
                continue
        if node in wanted:
            found[node] = g
        kind = node.__class__
        if kind is Leaf:
            if needed is None:
                if watch is not None:
                    watch.accumulate(node, g)
                node.accumulate(g, node in owned)
            continue
        edges = node.edges
        if kind is Port:
            parent = edges[0]
            if needed is None or parent in needed:
                slots = pending.get(parent)
                if slots is None:
                    slots = pending[parent] = [None] * len(parent.shape)
                held = slots[node.slot]
                slots[node.slot] = g if held is None else held + g
            continue
        if needed is not None:
            some = tuple([e in needed for e in edges])
            if True not in some:
                continue
        grads = node.apply(g, taped, some) if watch is None else watch.backward(node, g, taped, some)
        if node.hooks:
            grads = _run_after_hooks(node, grads, g, taped)
        for edge, r in zip(edges, grads):
            if r is None or (needed is not None and edge not in needed):
                continue
            if taped:
                a = r._data
            elif r.__class__ is ndarray:
                a = r
            else:
                a = r = asarray(r)
            if a.dtype is not edge.dtype or a.shape != edge.shape:
                r = _fit(r, edge, node)
            held = pending.get(edge)
            if held is None:
                pending[edge] = r
                if edge.__class__ is Leaf and not taped and r is not g and _fresh(r, grads, node):
                    owned.add(edge)
            elif edge in owned:
                add(held, r, out=held)
            else:
                pending[edge] = r = held + r
                if r.__class__ is ndarray:
                    owned.add(edge)
        if not retain and node.kept:
            node.release()
    return found


def _fresh(r, grads, node):
    """Whether a vjp's result is an array of its own: no view, nothing kept, not given to two inputs."""
    if not node.trusted or r.base is not None or not r.flags.writeable:
        return False
    for k in node.kept if node.kept.__class__ is tuple else ():
        if k is r or (k.__class__ is tuple and any(v is r for v in k)):
            return False
    return len(grads) == 1 or sum([other is r for other in grads]) == 1


def _fit(r, edge, node):
    """Bring a vjp's result to the shape and dtype of the value that it is the gradient of."""
    if not isinstance(r, TensorBase):
        r = np.asarray(r)
        a = r
    else:
        a = r._data
    if a.shape != edge.shape:
        if not node.broadcasts or not _sums_to(a.shape, edge.shape):
            index = next((i for i, e in enumerate(node.edges) if e is edge), 0)
            raise RuntimeError(
                f"Function {node.name()} returned an invalid gradient at index {index} - got {list(a.shape)} but expected "
                f"shape compatible with {list(edge.shape)}"
            )
        r = sum_to(r, shape=edge.shape)
    if a.dtype != edge.dtype:
        r = cast(r, dtype=edge.dtype)
    return r


def _sums_to(shape, target):
    padded = (1,) * (len(shape) - len(target)) + tuple(target)
    return len(padded) == len(shape) and all(p in (s, 1) for s, p in zip(shape, padded))


# --------------------------------------------------------------------------------------------------
# Hooks
# --------------------------------------------------------------------------------------------------


class Handle:
    """Removes a hook; also a context manager that does so at its end."""

    def __init__(self, hooks, key, owner=None):
        self._hooks = hooks
        self._owner = owner
        self.id = key

    def remove(self):
        """Take the hook away; calling it twice does no harm."""
        self._hooks.pop(self.id, None)
        if self._owner is not None and not self._hooks:
            self._owner.hooks = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


def add_hook(node, kind, hook):
    """Hang ``hook`` on ``node``; kinds: 'grad', 'tuple', 'retain', 'after', 'accumulated'."""
    if node.hooks is None:
        node.hooks = {}
    key = clock()
    node.hooks[key] = (kind, hook)
    return Handle(node.hooks, key, node)


def _as_tensor(g):
    return g if isinstance(g, TensorBase) or g is None else wrap(g)


def _run_hooks(node, g):
    """Tensor hooks, then ``retain_grad``, then the node's own pre-hooks; each in order of registration."""
    hooks = list(node.hooks.values())
    for kind, hook in hooks:
        if kind == "grad" and g is not None:
            new = hook(_as_tensor(g))
            if new is not None:
                g = _answer(new, g, node)
    for kind, hook in hooks:
        if kind == "retain":
            hook(_as_tensor(g))
    for kind, hook in hooks:
        if kind == "tuple":
            held = g if isinstance(g, list) else [g]
            new = hook(tuple([_as_tensor(x) for x in held]))
            if new is not None:
                new = new if isinstance(new, (tuple, list)) else (new,)
                if len(new) != len(held):
                    raise RuntimeError(f"a pre-hook of {node.name()} returned {len(new)} gradients for {len(held)}")
                held = [_answer(n, x, node) for n, x in zip(new, held)]
                g = held if isinstance(g, list) else held[0]
    return g


def _answer(new, old, node):
    """The gradient that a hook returned, in the form that the walk is using (array or tensor)."""
    if new is None or old is None:
        return old if new is None else new._data
    if not isinstance(new, TensorBase):
        raise TypeError(f"expected a Tensor or None from a hook of {node.name()}, got {type(new).__name__}")
    if new._data.shape != np.shape(unwrap(old)):
        raise RuntimeError(
            f"hook has changed the size of value: {list(np.shape(unwrap(old)))} became {list(new._data.shape)}"
        )
    if isinstance(old, TensorBase):
        return new
    return new._data


def _run_after_hooks(node, grads, g, taped):
    for kind, hook in list(node.hooks.values()):
        if kind == "after":
            outs = tuple([_as_tensor(x) for x in g]) if isinstance(g, list) else (_as_tensor(g),)
            new = hook(tuple([_as_tensor(r) for r in grads]), outs)
            if new is not None:
                new = new if isinstance(new, (tuple, list)) else (new,)
                if len(new) != len(grads):
                    raise RuntimeError(f"a hook of {node.name()} returned {len(new)} gradients for {len(grads)} inputs")
                grads = tuple([n if taped or n is None else unwrap(n) for n in new])
    return grads


# --------------------------------------------------------------------------------------------------
# backward() and grad()
# --------------------------------------------------------------------------------------------------


def _roots(outputs, gradients, taped):
    """Pairs (node, gradient) to start a walk from; implicit ones only for scalars."""
    if isinstance(outputs, TensorBase):
        outputs = (outputs,)
    if gradients is None or isinstance(gradients, (TensorBase, ndarray)):
        gradients = (gradients,) * len(outputs) if gradients is None else (gradients,)
    if isinstance(gradients, (int, float, complex)):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradients).__name__}")
    if len(gradients) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(gradients)} gradients")
    roots = []
    for i, (out, g) in enumerate(zip(outputs, gradients)):
        if out._view is not None:
            renew(out)
        if out._node is None:
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn" + _why_cut(out)
            )
        a = out._data
        if g is None:
            if a.size != 1:
                raise RuntimeError(
                    f"grad can be implicitly created only for scalar outputs, but this one has shape {list(a.shape)}; "
                    "reduce it (.sum(), .mean()) or pass gradient="
                )
            if a.dtype.kind != "f":
                raise RuntimeError(
                    f"grad can be implicitly created only for real scalar outputs but got {dtypes.of(a.dtype)}"
                )
            g = np.ones(a.shape, a.dtype)
        elif not isinstance(g, (TensorBase, ndarray)):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
        elif unwrap(g).shape != a.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of torch.Size({list(unwrap(g).shape)}) and output[{i}] "
                f"has a shape of torch.Size({list(a.shape)})."
            )
        elif (unwrap(g).dtype.kind == "c") != (a.dtype.kind == "c"):
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
                f"grad_output[{i}] has a dtype of {dtypes.of(unwrap(g).dtype)} and output[{i}] has a dtype of "
                f"{dtypes.of(a.dtype)}."
            )
        if taped:
            g = _as_tensor(g)
            if g._data.dtype != a.dtype:
                g = cast(g, dtype=a.dtype)
        else:
            g = np.asarray(unwrap(g)).astype(a.dtype, copy=False)
        roots.append((out._node, g))
    return roots


def _why_cut(out):
    note = out.__dict__.get("_cut") if hasattr(out, "__dict__") else None
    return f" ({note})" if note else ""


class _Mode:
    """Sets ``state.mode`` for a block: recording on or off."""

    def __init__(self, recording):
        self.recording = recording

    def __enter__(self):
        self.old = state.mode
        state.mode = self.old | RECORDING if self.recording else self.old & ~RECORDING

    def __exit__(self, *exc):
        state.mode = state.mode & ~RECORDING | self.old & RECORDING


def _target_node(x, what):
    if not isinstance(x, TensorBase):
        raise TypeError(f"{what} must be tensors, not {type(x).__name__}")
    if x._view is not None:
        renew(x)
    if x._node is None:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return x._node


def backward(tensors, gradients=None, retain_graph=None, create_graph=False, inputs=None):
    """Accumulate gradients of ``tensors`` into the ``grad`` of the leaves they depend on.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
    gradients : Tensor or sequence, optional
        Gradients of some later result with respect to ``tensors``; ones for scalars.
    retain_graph : bool, default ``create_graph``
        Keep the graph for another backward pass.
    create_graph : bool
        Record the backward pass itself, for higher derivatives.
    inputs : sequence of Tensor, optional
        Accumulate into these only (they need not be leaves).

    Raises
    ------
    RuntimeError
        If a tensor has no graph, is no scalar and has no gradient, if the graph has been freed, or if a kept
        value was changed in place.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([1.0, 2.0], requires_grad=True)
    >>> tl.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    retain = create_graph if retain_graph is None else retain_graph
    with _Mode(create_graph), np.errstate(all="ignore"):  # PyTorch does not warn of inf and nan
        roots = _roots(tensors, gradients, create_graph)
        if inputs is None:
            walk(roots, retain=retain, taped=create_graph)
            return
        inputs = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
        if not inputs:
            raise RuntimeError("'inputs' argument to backward() cannot be empty.")
        nodes = [_target_node(x, "inputs") for x in inputs]
        found = walk(roots, retain=retain, taped=create_graph, targets=nodes)
        for x, node in dict(zip(inputs, nodes)).items():
            if node in found:
                leaf = node if isinstance(node, Leaf) else Leaf(x)
                leaf.accumulate(found[node], False)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True,
         allow_unused=None, is_grads_batched=False, materialize_grads=False):  # fmt: skip
    """Gradients of ``outputs`` with respect to ``inputs``; no ``grad`` attribute is touched.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : Tensor or sequence, optional
        The vector in the vector-Jacobian product; ones for scalars.
    retain_graph : bool, default ``create_graph``
    create_graph : bool
        Make the gradients differentiable.
    allow_unused : bool, default ``materialize_grads``
        Return None for inputs that were not used, instead of an error.
    is_grads_batched : bool
        The first dimension of ``grad_outputs`` is a batch: one walk per entry, results stacked.
    materialize_grads : bool
        Zeros instead of None for unused inputs.

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    RuntimeError
        If an input does not require grad or was not used.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor(3.0, requires_grad=True)
    >>> (dy,) = tl.autograd.grad(x ** 3, x, create_graph=True)
    >>> tl.autograd.grad(dy, x)
    (tensor(18.),)
    """
    if not only_inputs:
        raise NotImplementedError("autograd.grad(only_inputs=False) is not supported; use backward()")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    outputs = (outputs,) if isinstance(outputs, TensorBase) else tuple(outputs)
    inputs = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    if not inputs:
        raise ValueError("grad requires non-empty inputs.")
    if grad_outputs is None or isinstance(grad_outputs, TensorBase):
        grad_outputs = (grad_outputs,) * len(outputs)
    allow_unused = materialize_grads if allow_unused is None else allow_unused
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        from .ops.indexing import getitem
        from .ops.shape import stack

        grad_outputs = [_as_tensor(g) for g in grad_outputs]
        count = next(g._data.shape[0] for g in grad_outputs if g is not None)
        columns: list[list] = [[] for _ in inputs]
        for i in range(count):
            gs = [None if g is None else getitem(g, index=i) for g in grad_outputs]
            last = not retain and i == count - 1
            for column, r in zip(columns, grad(outputs, inputs, gs, not last, create_graph, True, True)):
                column.append(r)
        for i, column in enumerate(columns):
            if column and column[0] is None:
                _check_used(inputs, i, allow_unused)
                column[:] = [wrap(np.zeros_like(inputs[i]._data))] * count if materialize_grads else []
        return tuple([stack(column) if column else None for column in columns])
    nodes = [_target_node(x, "inputs") for x in inputs]
    with _Mode(create_graph), np.errstate(all="ignore"):  # PyTorch does not warn of inf and nan
        found = walk(_roots(outputs, grad_outputs, create_graph), retain=retain, taped=create_graph, targets=nodes)
    result = []
    for i, (x, node) in enumerate(zip(inputs, nodes)):
        g = found.get(node)
        if g is None:
            _check_used(inputs, i, allow_unused)
        if g is None and materialize_grads:
            g = np.zeros_like(x._data)
        if g is not None and not isinstance(g, TensorBase):
            g = wrap(np.array(g, copy=not isinstance(g, ndarray) or g.base is not None or not g.flags.writeable))
        result.append(g)
    return tuple(result)


def _check_used(inputs, i, allow_unused):
    if not allow_unused:
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph "
            f"(input {i}, shape {list(inputs[i]._data.shape)}). Set allow_unused=True if this is the desired behavior."
        )


# --------------------------------------------------------------------------------------------------
# In-place updates
# --------------------------------------------------------------------------------------------------


def check_writable(target, tracked=None):
    """Raise what PyTorch raises for in-place updates that cannot be done or that the tape cannot follow.

    ``tracked`` says whether the update is to be recorded (by default: if it would be for ``target`` alone).
    """
    view = target._view
    if view is not None:
        renew(target)
    if tracked is None:
        tracked = state.mode & RECORDING and target._node is not None
    if tracked:
        if view is not None:
            if view.cut:
                raise RuntimeError(_CUT.format(view.cut, "is being"))
            if view.many:
                raise RuntimeError(_MANY.format(target._node.name() if target._node else "a function", "is being"))
        leaf = target._node if view is None else view.base._node
        if isinstance(leaf, Leaf):
            kind = "a leaf Variable" if view is None else "a view of a leaf Variable"
            raise RuntimeError(
                f"{kind} that requires grad is being used in an in-place operation. Wrap the update in torch.no_grad() if "
                "it is not to be differentiated, or make a copy with .clone() first."
            )
    a = target._data
    if 0 in a.strides and a.size and any(s == 0 and n > 1 for s, n in zip(a.strides, a.shape)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    if not a.flags.writeable:
        raise RuntimeError("the memory of this tensor is read-only (an expanded or imported array); clone() it first")


def inplace(op, target, *others, **settings):
    """``target = op(target, *others)``, written into the memory of ``target``.

    The tape sees a new value: ``target`` moves on to a new node. If it is a view, its base does too
    (``base = view_assign(base, op(view(base)))``), and the other views of the base renew their places.
    """
    prim = op.primitive
    for o in others:
        if isinstance(o, TensorBase) and o._view is not None:
            renew(o)
    tracked = state.mode & RECORDING and (
        target._node is not None
        or any(isinstance(o, TensorBase) and o._node is not None for o in others)
        or (target._view is not None and target._view.cut and target._view.base._node is not None)
    )
    check_writable(target, tracked)
    a = target._data
    for o in others:
        if (
            isinstance(o, TensorBase)
            and o._version is target._version
            and prim.name != "assign"
            and _overlap(a, o._data)
        ):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
                "location. Please clone() the tensor before performing the operation."
            )
    if not tracked:
        if prim.into is None or state.mode & WATCHED or not _fits_in_place(a, others):
            _write(target, op(target, *others, **settings), prim)
        else:
            raw = [unwrap(o) for o in others]
            try:
                prim.into(a, *raw, **settings)
            except (ValueError, TypeError) as error:
                raise _explain_inplace(prim, error, a, raw) from error
        touch(target)
        return target
    out = op(target, *others, **settings)
    node = out._node
    if node is not None:
        _keep_old_value(node, target)
    _write(target, out, prim)
    if out._data.dtype != a.dtype:
        out = cast(out, dtype=a.dtype)
        node = out._node
    touch(target)
    if node is not None:
        node.seq = clock()  # the result is newer than the update that wrote it
        _rebind_out(node, out, target)
    rebase(target, node)
    return target


def _overlap(a, b):
    """Whether two dense arrays share a part of their memory without being the same (PyTorch's rule)."""
    (a0, a1), (b0, b1) = np.lib.array_utils.byte_bounds(a), np.lib.array_utils.byte_bounds(b)
    if a1 - a0 != a.nbytes or b1 - b0 != b.nbytes:
        return False
    if (a0, a1) == (b0, b1):
        return a.strides != b.strides
    return a0 < b1 and b0 < a1


def _fits_in_place(a, others):
    """Whether NumPy computes in the dtype of ``a`` without promotion."""
    scalars = (int, float) if a.dtype.kind in "fc" else (int,) if a.dtype.kind in "iu" else ()
    for o in others:
        o = unwrap(o)
        if not (
            o.dtype == a.dtype and o.ndim <= a.ndim if isinstance(o, ndarray) else o.__class__ in scalars or o is None
        ):
            return False
    return True


def _explain_inplace(prim, error, a, raw):
    try:
        shape = np.broadcast_shapes(a.shape, *[np.shape(r) for r in raw])
    except ValueError:
        return _explain(prim, error, (a, *raw))
    if shape != a.shape:
        return dtypes.ShapeError(_WRONG_SHAPE.format(list(a.shape), list(shape), prim.name))
    return _explain(prim, error, (a, *raw))


_WRONG_SHAPE = "output with shape {} doesn't match the broadcast shape {} (in-place {})"


def _keep_old_value(node, target):
    """If the tape kept the value that is about to be overwritten as the first argument, give it a copy.

    Kept as another argument (``x.mul_(x)``) it is lost: its cell says so to the backward pass.
    """
    plan, a = node.plan, target._data
    if node.kept.__class__ is not tuple or not node.cells:
        return
    kept, cells = list(node.kept), list(node.cells)
    for j, (slot, _) in enumerate(plan.cell_slots):
        if cells[j] is target._version:
            if plan.kept_names[slot] == plan.primitive.arrays[0]:
                kept[slot], cells[j] = a.copy(), [0, 0]
            else:
                cells[j] = _LOST
    node.kept, node.cells = tuple(kept), tuple(cells)


_LOST = [float("inf"), 0]  # the version cell of a value that was overwritten at once


def _write(target, out, prim):
    a, b = target._data, out._data
    if b.shape != a.shape:
        raise dtypes.ShapeError(_WRONG_SHAPE.format(list(a.shape), list(b.shape), prim.name))
    if not dtypes.can_cast(b.dtype, a.dtype):
        raise RuntimeError(
            f"result type {dtypes.of(b.dtype).title} can't be cast to the desired output type {dtypes.of(a.dtype).title}"
        )
    a[...] = b


def _rebind_out(node, out, target):
    """A kept result is now ``target``'s own memory, under its version."""
    plan = node.plan
    if (
        "out" in plan.kept_names
        and node.kept.__class__ is tuple
        and node.kept[plan.kept_names.index("out")] is out._data
    ):
        i = plan.kept_names.index("out")
        node.kept = node.kept[:i] + (target._data,) + node.kept[i + 1 :]
        cell = next(j for j, (slot, _) in enumerate(plan.cell_slots) if slot == i)
        node.cells = node.cells[:cell] + (target._version,) + node.cells[cell + 1 :]


def rebase(target, node):
    """Make ``node`` the origin of ``target``'s present value; a base follows its view."""
    view = target._view
    if view is None:
        _move(target, node)
        return
    base = view.base
    args = (base, wrap(target._data, node))
    key = (3 if base._node is not None else 1) | (12 if node is not None else 4)
    plan = view_assign.primitive.plan(key, 2)
    new = plan.record(args, (base._data, target._data), base._data, base, {"steps": view.steps})
    if state.mode & WATCHED:
        state.watch.recorded(new, args, base)
    _move(base, new)
    view.stamp = -1
    renew(target)


# --------------------------------------------------------------------------------------------------
# The primitives that the tape itself uses
# --------------------------------------------------------------------------------------------------

import sys as _sys  # noqa: E402

_module = _sys.modules[__name__]


@primitive
def alias(x):
    """The same value under a new node."""
    return x


alias.vjp(x=lambda g: g)


@primitive
def clone(x):
    """A copy of ``x`` on the tape."""
    return x.copy(order="K") if x.ndim else np.array(x)


clone.vjp(x=lambda g: g)


@primitive(differentiable="float", grad_name="ToCopyBackward0")
def cast(x, *, dtype):
    """``x`` with another dtype; a complex value loses its imaginary part where a real one is asked for."""
    x = x.real if x.dtype.kind == "c" and dtype.kind != "c" else x
    return x.astype(dtype)


cast.vjp(x=lambda g: g)  # the walk brings a gradient to the dtype of its value


@primitive
def sum_to(x, *, shape):
    """Sum ``x`` down to ``shape``: the adjoint of broadcasting."""
    if x.shape == shape:
        return x
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1)
    return np.add.reduce(x, axis=axes, keepdims=True).reshape(shape)


sum_to.vjp(x=lambda g, x_shape: broadcast_to(g, shape=x_shape))


@primitive(broadcasts=True, view=True)
def broadcast_to(x, *, shape):
    """A view of ``x`` repeated to ``shape`` without a copy."""
    return np.broadcast_to(x, shape)


broadcast_to.vjp(x=lambda g: g)


@primitive
def view_assign(base, value, *, steps):
    """A copy of ``base`` in which the part that the ``steps`` of a view show is ``value``."""
    out = np.array(base)
    part = replay(steps, out)
    part.flags.writeable = True  # NumPy's broadcast views are read-only; ``out`` is ours
    part[...] = value
    return out


view_assign.vjp(base=lambda g, steps: view_assign(g, 0, steps=steps), value=lambda g, steps: replay(steps, g))
