"""The graph behind a tensor: saved-tensor hooks, nodes, and hooks on several tensors at once."""

from __future__ import annotations

import contextlib
import threading
import weakref

import numpy as np

from .. import engine
from ..engine import GradientEdge, Node, Port, TensorBase, Watcher, pack, watching, wrap
from ..engine.saved import packed
from .function import FunctionNode

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge",
    "increment_version", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip

_forbidden: list[str] = []


class saved_tensors_hooks(Watcher):
    """Decide how the tape keeps what backward will need.

    Parameters
    ----------
    pack_hook : callable
        Gets each tensor that an operation in the ``with`` block keeps; returns anything.
    unpack_hook : callable
        Gets that back when a backward pass needs it; returns a tensor of the same values.

    Raises
    ------
    RuntimeError
        Under :class:`disable_saved_tensors_hooks`.
    TypeError
        At backward, if ``unpack_hook`` returns something else.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.ones(2, requires_grad=True)
    >>> with tl.autograd.graph.saved_tensors_hooks(lambda t: t * 10, lambda t: t / 10):
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 2.])
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self):
        if _forbidden:
            raise RuntimeError(_forbidden[-1])
        self._watching = watching(self)
        self._watching.__enter__()
        return self

    def __exit__(self, *exc):
        self._watching.__exit__(*exc)

    def recorded(self, node, args, result):
        # The innermost hooks alone see a value, and they see it first.
        if isinstance(node, FunctionNode):
            self._pack_function(node)
        elif node.kept.__class__ is tuple and node.plan is not None:
            self._pack_primitive(node, args, result)
        super().recorded(node, args, result)

    def _pack(self, array, tensor):
        return packed(wrap(array) if tensor is None else tensor.detach(), self.pack_hook, self.unpack_hook)

    def _pack_primitive(self, node, args, result):
        prim = node.plan.primitive
        outputs = result if isinstance(result, tuple) else (result,)
        tensors = {id(t._data): t for t in (*args, *outputs) if isinstance(t, TensorBase)}

        def held(value, name):
            if isinstance(value, np.ndarray) and name not in prim.settings:
                return self._pack(value, tensors.get(id(value)))
            if isinstance(value, tuple) and name == prim.variadic:
                parts = [held(v, prim.name) for v in value]
                return lambda: tuple([part() for part in parts])
            return lambda: value

        if node.plan.frees:
            parts = [held(v, name) for v, name in zip(node.kept, node.plan.kept_names)]
            pack(node, lambda: tuple([part() for part in parts]))

    def _pack_function(self, node):
        if not isinstance(node.kept, tuple) or not node.kept:
            return
        parts = [(None if array is None else self._pack(array, wrap(array)), source) for array, _, source in node.kept]
        node.kept = lambda: [(None if part is None else part(), None, source) for part, source in parts]
        node.cells = ()


class save_on_cpu(saved_tensors_hooks):
    """Keep what backward needs in main memory, where everything is anyway: packs a copy-free identity.

    Parameters
    ----------
    pin_memory : bool
        Page-locked memory speeds up copies to an accelerator. There is none here, so nothing is copied.
    device_type : str

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.ones(2, requires_grad=True)
    >>> with tl.autograd.graph.save_on_cpu():
    ...     (x * x).sum().backward()
    >>> x.grad
    tensor([2., 2.])
    """

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__(lambda t: t, lambda t: t)


class allow_mutation_on_saved_tensors(Watcher):
    """``with allow_mutation_on_saved_tensors():`` what the tape keeps may be changed in place: it is copied first.

    Notes
    -----
    Copies are made by in-place operations on tensors; an optimizer's step still makes old graphs unusable.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([2.0, 3.0], requires_grad=True)
    >>> with tl.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x.clone()
    ...     z = (y * y).sum()
    ...     _ = y.zero_()
    ...     z.backward()
    >>> x.grad
    tensor([4., 6.])
    """

    def __enter__(self):
        self._holders: dict[int, list] = {}  # id of a version cell -> weak references to the nodes that hold it
        self._watching = watching(self)
        return self._watching.__enter__()

    def __exit__(self, *exc):
        self._watching.__exit__(*exc)
        self.clear()

    def clear(self):
        """Forget which nodes keep what; changes are errors again for them."""
        self._holders.clear()

    def recorded(self, node, args, result):
        for cell in node.cells:
            self._holders.setdefault(id(cell), []).append(weakref.ref(node))
        super().recorded(node, args, result)

    def changing(self, tensor):
        cell, copies = tensor._cell, {}

        def copied(array):
            if id(array) not in copies:
                copies[id(array)] = array.copy()
            return copies[id(array)]

        for node in [ref() for ref in self._holders.pop(id(cell), ())]:
            if node is None or not node.kept or cell[0] > node.seq:  # changed already: an error in the backward pass
                continue
            kept = list(node.kept)
            if isinstance(node, FunctionNode):
                node.kept = tuple([(copied(a), [0, 0], n) if c is cell else (a, c, n) for a, c, n in kept])
            else:
                for (slot, inner), held in zip(node.plan.cell_slots, node.cells):
                    if held is cell and inner is None:
                        kept[slot] = copied(kept[slot])
                    elif held is cell:
                        kept[slot] = tuple([copied(v) if i == inner else v for i, v in enumerate(kept[slot])])
                node.kept = tuple(kept)
            node.cells = tuple([[0, 0] if c is cell else c for c in node.cells])
        super().changing(tensor)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message):
    """Make :class:`saved_tensors_hooks` raise ``error_message`` in the ``with`` block."""
    w = engine.state.watch
    while w is not None:
        if isinstance(w, saved_tensors_hooks):
            raise RuntimeError(error_message)
        w = w.inner
    _forbidden.append(error_message)
    try:
        yield
    finally:
        _forbidden.pop()


def get_gradient_edge(tensor):
    """The place in the graph that the gradient of ``tensor`` goes to.

    Raises
    ------
    RuntimeError
        If it does not require grad.
    """
    if tensor._view is not None:
        engine.renew(tensor)
    node = tensor._node
    if node is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(node.shown(), node.slot if isinstance(node, Port) else 0)


def increment_version(tensor):
    """Note an in-place change of one tensor or several, so that the tape notices outdated values."""
    for t in (tensor,) if isinstance(tensor, TensorBase) else tensor:
        engine.touch(t)


class register_multi_grad_hook:
    """Call a hook once the gradients of several tensors have arrived.

    Parameters
    ----------
    tensors : sequence of Tensor
    fn : callable
        For mode 'all' it gets a list of the gradients (None for those that got none, if others did),
        for mode 'any' the first gradient.
    mode : 'all' or 'any'

    Returns
    -------
    handle with ``remove()``
    """

    def __init__(self, tensors, fn, *, mode="all") -> None:
        if mode not in ("all", "any"):
            raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
        self._lock = threading.Lock()
        self._fn, self._mode = fn, mode
        self._nodes = [t._node for t in tensors]
        self._grads: dict[int, TensorBase] = {}
        self._expected = None
        self._handles = [t.register_hook(self._arrived(i)) for i, t in enumerate(tensors)]

    def _arrived(self, i):
        def hook(g):
            with self._lock:
                walk = engine.state.walk
                if self._expected is None or self._expected[0] is not walk:
                    nodes = set(engine.order(walk)[0])
                    reached = [j for j, n in enumerate(self._nodes) if n in nodes]
                    self._expected, self._grads = (walk, reached), {}
                self._grads[i] = g
                done = len(self._grads) == (1 if self._mode == "any" else len(self._expected[1]))
                grads = [self._grads.get(j) for j in range(len(self._nodes))]
            if done:
                self._fn(grads if self._mode == "all" else g)

        return hook

    def remove(self):
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
