"""Nodes: what the tape remembers of an operation, where gradients arrive, and the hooks that see them."""

from __future__ import annotations

import threading
import weakref

import numpy as np

from .tape import TensorBase, clock, ndarray, touch, unwrap, wrap


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
    scalar, scalar_grad : ndarray
        Value and last gradient of a zero-dimensional result, for drawings; unset otherwise.
    """

    __slots__ = (
        "__weakref__", "_metadata", "cells", "dtype", "edges", "hooks", "kept", "plan", "ports", "scalar", "scalar_grad",
        "seq", "shape", "where",
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
            self._metadata: dict = {}
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

    __slots__ = ("tensor",)

    def __init__(self, tensor):
        self.tensor = weakref.ref(tensor)
        self.seq = clock()
        self.edges = self.kept = self.cells = ()
        self.shape = tensor._data.shape
        self.dtype = tensor._data.dtype
        self.hooks = self.where = self.plan = None

    def name(self):
        return "torch::autograd::AccumulateGrad"

    def __repr__(self):
        return f"<AccumulateGrad object at {id(self):#x}>"

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
            if held is None and g.__class__ is ndarray:
                tensor._grad = wrap(g if owned else np.array(g))
            elif isinstance(g, TensorBase):  # create_graph: the gradient stays on the tape
                from .basic import clone

                tensor._grad = clone(g) if held is None else held + g
            elif held is None:
                tensor._grad = wrap(np.array(g))
            else:
                if "_used" in held.__dict__:  # an optimizer has used it; was it set to zero since?
                    if held.__dict__["_used"]:
                        held.__dict__["_used"] = 2 if held._data.any() else 0
                if held._data.flags.writeable:
                    np.add(held._data, g, out=held._data)
                else:
                    held._data = held._data + g
                touch(held)
        if self.hooks is not None:
            for hook in [h for kind, h in self.hooks.values() if kind == "accumulated"]:
                hook(tensor)


Leaf.__name__ = Leaf.__qualname__ = "AccumulateGrad"  # the name that PyTorch's users know

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


def tensor_or_none(g):
    """A gradient as a tensor, as hooks see it."""
    return g if isinstance(g, TensorBase) or g is None else wrap(g)


def _run_hooks(node, g):
    """Tensor hooks, then ``retain_grad``, then the node's own pre-hooks; each in order of registration."""
    hooks = list(node.hooks.values())
    for kind, hook in hooks:
        if kind == "grad" and g is not None:
            new = hook(tensor_or_none(g))
            if new is not None:
                g = _answer(new, g, node)
    for kind, hook in hooks:
        if kind == "retain":
            hook(tensor_or_none(g))
    for kind, hook in hooks:
        if kind == "tuple":
            held = g if isinstance(g, list) else [g]
            new = hook(tuple([tensor_or_none(x) for x in held]))
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
            outs = tuple([tensor_or_none(x) for x in g]) if isinstance(g, list) else (tensor_or_none(g),)
            new = hook(tuple([tensor_or_none(r) for r in grads]), outs)
            if new is not None:
                new = new if isinstance(new, (tuple, list)) else (new,)
                if len(new) != len(grads):
                    raise RuntimeError(f"a hook of {node.name()} returned {len(new)} gradients for {len(grads)} inputs")
                grads = tuple([n if taped or n is None else unwrap(n) for n in new])
    return grads
