"""Nodes: what the tape remembers of an operation, where gradients arrive, and the hooks that see them."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

import numpy as np

from .. import dtypes
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
    undefined = False  # whether ``apply`` runs though no gradient arrived

    def name(self) -> str:
        """PyTorch's name of the operation, such as ``MulBackward0``."""
        return type(self).__name__

    def __repr__(self):
        return f"<{self.name()} object at {id(self):#x}>"

    def shown(self):
        """The node as users see it (``tensor.grad_fn``)."""
        return self

    @property
    def places(self):
        """The edges as PyTorch counts them: a number in ``edges``, or None for an argument without gradient."""
        return tuple(range(len(self.edges)))

    @property
    def next_functions(self):
        """PyTorch's spelling of the edges: ``((node, output number), ...)``, ``(None, 0)`` where there is none."""
        found = [(e.shown(), e.slot if type(e) is Port else 0) for e in self.edges]
        return tuple([(None, 0) if i is None else found[i] for i in self.places])

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
                returned = hook(tensor)
                if not (returned is None or isinstance(returned, TensorBase)):
                    raise TypeError(f"expected Variable, but hook returned '{type(returned).__name__}'")
            _run_after_hooks(self, (), g, False)


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


class RemovableHandle:
    """Takes a hook away again: ``remove()``, or the end of a ``with`` block.

    Parameters
    ----------
    hooks_dict : OrderedDict
        Where the hook stands under the handle's ``id``.
    extra_dict : list of OrderedDict
        Where more is noted under that ``id``.
    """

    next_id = 0

    def __init__(self, hooks_dict, *, extra_dict=()):
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.extra_dict_ref = tuple([weakref.ref(d) for d in extra_dict])
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1

    def remove(self):
        """Remove the hook; calling it twice does no harm."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self):
        return self.id, [ref() for ref in (self.hooks_dict_ref, *self.extra_dict_ref)]

    def __setstate__(self, state):
        self.id, dicts = state
        refs = [weakref.ref(OrderedDict() if d is None else d) for d in dicts]
        self.hooks_dict_ref, self.extra_dict_ref = refs[0], tuple(refs[1:])
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)  # ids stay unique after unpickling

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


def register(hooks, hook, *, prepend=False, flags=()):
    """Put ``hook`` into the ordered dict ``hooks``; ``flags`` are pairs (dict, whether the hook goes there too)."""
    handle = RemovableHandle(hooks, extra_dict=[d for d, _ in flags])
    hooks[handle.id] = hook
    for d, wanted in flags:
        if wanted:
            d[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def add_hook(node, kind, hook):
    """Hang ``hook`` on ``node``; kinds: 'grad', 'tuple', 'retain', 'after', 'accumulated'."""
    if node.hooks is None:
        node.hooks = OrderedDict()
    return register(node.hooks, (kind, hook))


def tensor_or_none(g):
    """A gradient as a tensor, as hooks see it."""
    return g if isinstance(g, TensorBase) or g is None else wrap(g)


def _run_hooks(node, g):
    """Tensor hooks, then ``retain_grad``, then the node's own pre-hooks; each in order of registration."""
    hooks = list(node.hooks.values())
    for kind, hook in hooks:
        if kind == "grad":
            new = hook(tensor_or_none(g))
            if new is not None:
                g = _answer(hook, new, g)
    for kind, hook in hooks:
        if kind == "retain" and g is not None:
            hook(tensor_or_none(g))
    for kind, hook in hooks:
        if kind == "tuple":
            held = g if isinstance(g, list) else [g]
            new = hook(tuple([tensor_or_none(x) for x in held]))
            if new is not None:
                held = _answers(hook, new, held)
                g = held if isinstance(g, list) else held[0]
    return g


def _answer(hook, new, old):
    """The gradient that a hook returned, in the form that the walk is using (array or tensor)."""
    if new is None:
        return None
    if not isinstance(new, TensorBase):
        raise TypeError(f"expected Variable, but hook returned '{type(new).__name__}'")
    if old is None:
        return new._data
    if new._data.shape != np.shape(unwrap(old)):
        raise RuntimeError(
            f"hook '{_called(hook)}' has changed the size of value: "
            f"{list(np.shape(unwrap(old)))} became {list(new._data.shape)}"
        )
    if new._data.dtype != unwrap(old).dtype:
        was, got = dtypes.of(unwrap(old).dtype).typename, dtypes.of(new._data.dtype).typename
        raise RuntimeError(f"hook '{_called(hook)}' has changed the type of value (was {was} got {got})")
    return new if isinstance(old, TensorBase) else new._data


def _answers(hook, new, old):
    """What a hook of a node returned, checked and in the walk's form."""
    if not isinstance(new, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(new).__name__}'")
    if len(new) != len(old):
        raise RuntimeError(
            f"hook '{_called(hook)}' has returned an incorrect number of values (got {len(new)}, but expected {len(old)})"
        )
    return [_answer(hook, n, x) for n, x in zip(new, old)]


def _called(hook):
    return getattr(hook, "__name__", "<unknown>")


def _run_after_hooks(node, grads, g, taped):
    places, outs = node.places, tuple([tensor_or_none(x) for x in (g if isinstance(g, list) else [g])])
    for kind, hook in list(node.hooks.values()):
        if kind == "after":
            shown = [None if i is None else grads[i] for i in places]
            new = hook(tuple([tensor_or_none(r) for r in shown]), outs)
            if new is not None:
                answers = _answers(hook, new, shown)
                grads = tuple([answers[places.index(i)] for i in range(len(grads))])
    return grads
