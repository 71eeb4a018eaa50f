"""The walk from the newest node to the oldest, and its public faces ``backward`` and ``grad``."""

from __future__ import annotations

import warnings
from heapq import heapify, heappop, heappush
from operator import attrgetter
from sys import getrefcount
from typing import Any, NamedTuple

import numpy as np

from .. import dtypes
from .basic import cast, sum_to
from .node import Leaf, Node, Port, _run_after_hooks, _run_hooks, tensor_or_none
from .tape import RECORDING, TensorBase, ndarray, recording, state, unwrap, wrap
from .trail import begin, grows, why_cut
from .view import renew

_seq = attrgetter("seq")


class GradientEdge(NamedTuple):
    """A place in the graph: a node and the number of its output."""

    node: Node
    output_nr: int
    ownership_token: Node | None = None

    def place(self):
        """The node where a gradient for that output arrives."""
        node, i = self.node, self.output_nr
        return Port.of(node, i, node.shape[i], node.dtype[i]) if isinstance(node.dtype, tuple) else node


def _listed(x):
    return (x,) if isinstance(x, (TensorBase, GradientEdge)) else tuple(x)


def order(roots, targets=None):
    """The nodes that ``roots`` reach, newest first; with ``targets``, those that lead to one."""
    nodes = list(dict.fromkeys(roots))
    seen = set(nodes)
    for node in nodes:  # grows while it is read
        for edge in node.edges:
            if edge not in seen and edge is not None:
                seen.add(edge)
                nodes.append(edge)
    nodes.sort(key=_seq, reverse=True)
    if targets is None:
        return nodes, None
    needed = set(targets)
    for node in reversed(nodes):
        if node not in needed and any(e in needed for e in node.edges):
            needed.add(node)
    return [n for n in nodes if n in needed], needed


def last_senders(nodes):
    """Node -> the leaves that get the last part of their gradient from it, in PyTorch's order of its arguments."""
    senders: dict[Node, list[Leaf]] = {}
    seen = set()
    for node in reversed(nodes):
        for edge in [node.edges[i] for i in node.places if i is not None]:
            if edge.__class__ is Leaf and edge not in seen:
                seen.add(edge)
                senders.setdefault(node, []).append(edge)
    return senders


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
    arrived: dict[Node, Any] = {}
    for node, g in roots:
        arrived[node] = arrived[node] + g if node in arrived else g
    needed = None if targets is None else order(list(arrived), targets)[1]
    outer, state.walk = state.walk, list(arrived)
    try:
        return _visit(arrived, retain, taped, targets, needed)
    finally:
        state.walk = outer


def _visit(arrived, retain, taped, targets, needed):
    """The walk itself. The newest node in ``queue`` has all of its gradient, since only newer nodes give it any.

    What is left of ``arrived`` in the end is the leaves'; those with hooks get it as soon as it is complete.
    """
    found: dict[Node, Any] = {}
    sums: set[Node] = set()  # whose gradient so far is a sum, in an array of the walk's own
    senders = None  # see last_senders; where no leaf has a hook nobody asks
    some = None  # which edges of a node are needed; None: all
    watch = state.watch
    add = np.add
    wanted = frozenset(targets or ())
    queue = [(-n.seq, n) for n in arrived if n.__class__ is not Leaf and (needed is None or n in needed)]
    heapify(queue)
    while queue:
        node = heappop(queue)[1]
        g = arrived.pop(node)
        edges = node.edges
        if node.hooks:
            g = seen = _run_hooks(node, g)  # held twice: hooks see it again, no vjp may write over it
        if needed is not None:
            if node in wanted and g is not None:
                found[node] = g
            some = tuple([e in needed for e in edges])
            if True not in some:
                continue
        if g is None and not node.undefined:
            grads = (None,) * len(edges)
        elif node.__class__ is Port:
            parent = edges[0]
            if parent not in arrived:
                heappush(queue, (-parent.seq, parent))
            slots = arrived[parent] = arrived.get(parent) or [None] * len(parent.shape)
            slots[node.slot] = g if slots[node.slot] is None else slots[node.slot] + g
            continue
        else:
            if not node.shape:
                node.scalar_grad = unwrap(g)
            grads = node.apply(g, taped, some) if watch is None else watch.backward(node, g, taped, some)
            if node.hooks:
                grads = _run_after_hooks(node, grads, g, taped)
                seen = None  # noqa: F841
        for edge, r in zip(edges, grads):
            if r.__class__ is ndarray:
                if r.dtype is not edge.dtype or r.shape != edge.shape:
                    r = _fit(r, edge, node)
            elif r is not None:
                r = _fit(r, edge, node)
            if edge not in arrived:
                if needed is None or edge in needed:
                    arrived[edge] = r
                    if edge.__class__ is not Leaf:
                        heappush(queue, (-edge.seq, edge))
                    elif edge.hooks and senders is None:
                        senders = last_senders(order(state.walk, targets)[0])
            elif r is None:
                pass
            elif edge in sums:
                add(arrived[edge], r, arrived[edge])
            else:
                held = arrived[edge]
                arrived[edge] = r = r if held is None else held + r
                if held is not None and r.__class__ is ndarray:
                    sums.add(edge)
        grads = r = None  # references to gradients are counted: see ``spare``
        if not retain and node.kept:
            node.release()
        if senders is not None:
            g = None
            for leaf in senders.get(node, ()):
                if leaf in arrived:
                    _settle({leaf: arrived.pop(leaf)}, found, wanted, needed, taped)
    g = None  # references to what the leaves get are counted
    _settle(arrived, found, wanted, needed, taped)
    return found


def _settle(gradients, found, wanted, needed, taped):
    """Give leaves their whole gradients, or put them into ``found``."""
    watch = state.watch
    for leaf, g in gradients.items():
        if needed is not None and leaf not in needed:
            continue
        if leaf.hooks:
            g = _run_hooks(leaf, g)
        if g is None:
            continue
        if leaf in wanted:
            found[leaf] = g
        if needed is None:
            if watch is not None:
                watch.accumulate(leaf, g)
            owned = not taped and getrefcount(g) <= _ALONE and g.base is None
            leaf.accumulate(g, owned)


def _alone():
    """How often Python counts an array, in a loop over a dict, that nothing but this dict holds."""
    for _, g in {0: np.empty(1)}.items():
        return getrefcount(g)


_ALONE = _alone()


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


def _roots(outputs, gradients, taped, was):
    """Pairs (node, gradient) to start a walk from; implicit ones only for scalars. ``was``: the caller's mode."""
    outputs = _listed(outputs)
    if gradients is None or isinstance(gradients, (TensorBase, ndarray)):
        gradients = (gradients,) * len(outputs) if gradients is None else (gradients,)
    if isinstance(gradients, (int, float, complex)):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradients).__name__}")
    if len(gradients) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(gradients)} gradients")
    roots = []
    for i, (out, g) in enumerate(zip(outputs, gradients)):
        if out.__class__ is GradientEdge:
            place = out.place()
            out = wrap(np.broadcast_to(np.zeros((), place.dtype), place.shape), place)  # its shape and dtype count
        if out._view is not None:
            renew(out)
        if out._node is None:
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn" + why_cut(out, was)
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
            g = np.empty(a.shape, a.dtype)
            g.fill(1)
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
            g = tensor_or_none(g)
            if g._data.dtype != a.dtype:
                g = cast(g, dtype=a.dtype)
        elif g.__class__ is not ndarray or g.dtype is not a.dtype:
            g = np.asarray(unwrap(g)).astype(a.dtype, copy=False)
        roots.append((out._node, g))
    return roots


def _target_node(x):
    if isinstance(x, GradientEdge):
        return x.place()
    if not isinstance(x, TensorBase):
        raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(x).__name__}")
    if x._view is not None:
        renew(x)
    if x._node is None:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return x._node


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Accumulate gradients of ``tensors`` into the ``grad`` of the leaves they depend on.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
    grad_tensors : Tensor or sequence, optional
        Gradients of some later result with respect to ``tensors``; ones for scalars.
    retain_graph : bool, default ``create_graph``
        Keep the graph for another backward pass.
    create_graph : bool
        Record the backward pass itself, for higher derivatives.
    grad_variables : optional
        The old name of ``grad_tensors``.
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
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError("`grad_tensors` and `grad_variables` (deprecated) are one argument; use `grad_tensors`")
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        grad_tensors = grad_variables
    run_backward(tensors, grad_tensors, retain_graph, create_graph, inputs)


def run_backward(tensors, gradients, retain_graph, create_graph, inputs):
    """:func:`backward`, called by what users call: the line two frames up is theirs."""
    retain = create_graph if retain_graph is None else retain_graph
    was = state.mode & RECORDING
    with recording(create_graph), np.errstate(all="ignore"):  # PyTorch does not warn of inf and nan
        roots = _roots(tensors, gradients, create_graph, was)
        if roots:
            begin(roots[0][0], True, 3)
            if retain and not create_graph:
                grows(roots[0][0])
        if inputs is None:
            walk(roots, retain=retain, taped=create_graph)
            return
        inputs = _listed(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        nodes = [_target_node(x) for x in inputs]
        found = walk(roots, retain=retain, taped=create_graph, targets=nodes)
        for x, node in dict(zip(inputs, nodes)).items():
            if node in found:
                if isinstance(x, GradientEdge) and not isinstance(node, Leaf):
                    raise RuntimeError(
                        "backward() to a gradient edge inside the graph has no tensor to put a gradient into"
                    )
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
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other parts "
            "of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    outputs, inputs = _listed(outputs), _listed(inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if grad_outputs is None or isinstance(grad_outputs, TensorBase):
        grad_outputs = (grad_outputs,) * len(outputs)
    allow_unused = materialize_grads if allow_unused is None else allow_unused
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        from ..ops.indexing import getitem
        from ..ops.shape import stack

        grad_outputs = [tensor_or_none(g) for g in grad_outputs]
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
    nodes = [_target_node(x) for x in inputs]
    was = state.mode & RECORDING
    with recording(create_graph), np.errstate(all="ignore"):  # PyTorch does not warn of inf and nan
        roots = _roots(outputs, grad_outputs, create_graph, was)
        if roots:
            begin(roots[0][0], False, 2)
        found = walk(roots, retain=retain, taped=create_graph, targets=nodes)
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
            f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if "
            f"this is the desired behavior. (Its shape is {list(inputs[i]._data.shape)}.)"
        )
