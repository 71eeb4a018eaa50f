"""From the tape (and a recording, if there is one) to a :class:`Drawing`."""

from __future__ import annotations

import functools
import os

import numpy as np

from .. import engine
from ..engine import Leaf, Node, Port, TensorBase
from .drawing import Arrow, Drawing, Group, Stats, Vertex
from .record import Recording

__all__ = ["Names", "collect", "finish", "line_of"]

ndarray = np.ndarray


class Names:
    """Which tensor is called what: parameters, a model's members, variables of the caller."""

    def __init__(self) -> None:
        self.arrays: dict[int, tuple] = {}  # id of an array -> (kind or None, name)
        self.nodes: dict[Node, tuple] = {}  # node -> (name, tensor)
        self.hold: list = []  # ids stay valid while the arrays live

    def add(self, name, tensor, kind=None):
        """Call ``tensor`` by ``name``; the first name that is given wins."""
        if not isinstance(tensor, TensorBase):
            return
        self.hold.append(tensor)
        self.arrays.setdefault(id(tensor._data), (kind, name))
        if tensor._node is not None:
            self.nodes.setdefault(tensor._node, (name, tensor))

    def add_model(self, model):
        for name, p in model.named_parameters():
            self.add(name, p, "parameter")
        for name, b in model.named_buffers():
            self.add(name, b, "constant")

    def add_variables(self, variables):
        """Tensors among the variables of a function."""
        for name, value in list(variables.items()):
            if isinstance(value, TensorBase) and not name.startswith("_"):
                self.add(name, value)


class _Collector:
    def __init__(self, names, tape) -> None:
        self.drawing = Drawing()
        self.names = names
        self.tape = tape
        self.keys: dict = {}  # node or call or id of an array -> vertex key
        self.todo: list = []
        self.hold: list = []

    # -- sources: what an argument comes from ----------------------------------------------------------

    def source(self, node, raw, arg=""):
        """The key of the vertex that an argument comes from, made if it is new."""
        while type(node) is Port:
            node = node.edges[0]
        if node is not None:
            if node in self.keys:
                return self.keys[node]
            return (
                self._leaf(node)
                if isinstance(node, Leaf)
                else self._op(node, self.tape and self.tape.by_node.get(node))
            )
        if isinstance(raw, ndarray):
            if id(raw) in self.keys:
                return self.keys[id(raw)]
            call = self.tape.made.get(id(raw)) if self.tape else None
            if call is not None:
                return self.keys.get(call.node or call) or self._op(call.node, call)
        return self._constant(raw, arg)

    def _add(self, vertex, *aliases):
        self.drawing.vertices[vertex.key] = vertex
        for alias in aliases:
            self.keys[alias] = vertex.key
        return vertex.key

    def _leaf(self, leaf):
        tensor = leaf.variable
        name, known = self.names.nodes.get(leaf, (None, None))
        tensor = known if tensor is None else tensor
        kind, name = "parameter", name
        if tensor is not None:
            seen = self.names.arrays.get(id(tensor._data))
            if self.tape is not None:
                seen = self.tape.names.get(id(tensor._data), seen)
            if seen is not None:
                kind, name = seen[0] or kind, seen[1]
        v = Vertex(f"n{leaf.seq}", kind, name or "", leaf.shape, _name(leaf.dtype), numel=int(np.prod(leaf.shape)))
        if tensor is None:
            v.note = "freed"
        else:
            v.value = tensor._data
            v.grad = None if tensor._grad is None else tensor._grad._data
            if v.grad is None:
                v.note = "no gradient yet"
        return self._add(v, leaf, *([id(tensor._data)] if tensor is not None else []))

    def _constant(self, raw, arg):
        if isinstance(raw, ndarray):
            seen = self.tape.names.get(id(raw)) if self.tape else None
            kind, name = seen or self.names.arrays.get(id(raw)) or ("constant", arg)
            kind = kind or ("input" if name and raw.ndim else "constant")
            v = Vertex(f"k{len(self.keys)}", kind, name, raw.shape, raw.dtype.name, value=raw, numel=raw.size)
            v.note = "integers have no gradient" if raw.dtype.kind not in "fc" else "does not require grad"
            self.hold.append(raw)
            return self._add(v, id(raw))
        v = Vertex(f"k{len(self.keys)}", "constant", "", (), type(raw).__name__, value=np.asarray(raw))
        v.note = "a number has no gradient"
        return self._add(v, object())

    def _op(self, node, call):
        """A vertex for an operation; its arguments are looked at later."""
        if node is not None:
            prim = getattr(node.plan, "primitive", None) if getattr(node, "plan", None) is not None else None
            label = prim.name.strip("_") if prim is not None else node.name().removesuffix("Backward")
            shapes, dtypes = _signature(node.shape, node.dtype)
            v = Vertex(f"n{node.seq}", "op", label, shapes, dtypes)
            v.where = line_of(node.where)
            v.value, v.grad = getattr(node, "scalar", None), getattr(node, "scalar_grad", None)
            name, tensor = self.names.nodes.get(node, (None, None))
            if tensor is not None and type(tensor._node) is not Port:
                v.value = tensor._data
                v.grad = tensor._grad._data if tensor._grad is not None else v.grad
        else:
            out = call.out
            shapes = tuple(o.shape for o in out) if isinstance(out, tuple) else out.shape
            dtypes = ", ".join(o.dtype.name for o in out) if isinstance(out, tuple) else out.dtype.name
            v = Vertex(f"c{len(self.keys)}", "op", call.name.strip("_"), shapes, dtypes)
            v.note = "no gradient: nothing that it uses requires one"
        if call is not None:
            v.group, v.where = call.group, v.where or line_of(call.where)
            if call.out is not None:
                v.value = call.out[0] if isinstance(call.out, tuple) and call.out else call.out
            if call.grad is not None and v.grad is None:
                v.grad = call.grad
        self.todo.append((v, node, call))
        return self._add(v, node if node is not None else call)

    # -- arguments -------------------------------------------------------------------------------------

    def visit(self, v, node, call):
        """Arrows into ``v``, and what it keeps."""
        plan = getattr(node, "plan", None)
        prim = getattr(plan, "primitive", None)
        if node is not None:
            v.kept, v.kept_bytes = _kept(node)
            if node.kept is None:
                v.note = "freed by a backward pass"
        if call is not None:
            variadic = prim is not None and prim.variadic
            for i, (source, raw) in enumerate(call.args):
                if raw is None or (not isinstance(raw, ndarray) and not isinstance(raw, (int, float, complex))):
                    continue
                arg = prim.arrays[i] if prim is not None and not variadic and i < len(prim.arrays) else ""
                self.arrow(v, node, source, raw, arg, prim)
            return
        held = dict(zip(getattr(plan, "kept_names", ()), node.kept)) if node.kept.__class__ is tuple else {}
        if prim is None or prim.variadic:
            for edge in node.edges:
                self.arrow(v, node, edge, None, "", prim)
            return
        edge_of = dict(zip(_targets(plan), node.edges))
        for i, arg in enumerate(prim.arrays):
            if i in edge_of:
                self.arrow(v, node, edge_of[i], None, arg, prim)
            elif isinstance(held.get(arg), ndarray) or type(held.get(arg)) in (int, float, complex):
                self.arrow(v, node, None, held[arg], arg, prim)

    def arrow(self, v, node, source, raw, arg, prim):
        if source is None and raw is None:
            return
        tail = self.source(source, raw, arg)
        like = source if source is not None else None
        shape, dtype = _signature(like.shape, like.dtype) if like is not None else (np.shape(raw), _dtype(raw))
        a = Arrow(tail, v.key, shape, dtype, source is not None and node is not None)
        if not a.differentiable:
            if prim is not None and arg in prim.nondiff:
                a.why = f"{prim.name} has no derivative with respect to {arg}"
            elif isinstance(raw, ndarray) and raw.dtype.kind not in "fc":
                a.why = "integers have no gradient"
            elif source is not None:
                a.why = "recording was off"
            else:
                a.why = self.drawing.vertices[tail].note or "does not require grad"
        self.drawing.arrows.append(a)


def line_of(where):
    """``file:line``, relative to the working directory where the file is below it."""
    here = os.getcwd() + os.sep
    return str(where).removeprefix(here) if isinstance(where, str) else ""


def _targets(plan):
    return plan.plan.targets if isinstance(plan, engine.PackedPlan) else plan.targets


_name = functools.lru_cache(lambda dtype: dtype.name)


def _signature(shape, dtype):
    if isinstance(dtype, tuple):
        return tuple(map(tuple, shape)), ", ".join(d.name for d in dtype)
    return tuple(shape), _name(dtype)


def _dtype(raw):
    return raw.dtype.name if isinstance(raw, ndarray) else type(raw).__name__


def _kept(node):
    """What a node keeps for its backward step: rows (name, what, bytes), and the bytes together."""
    rows, total, seen = [], 0, set()
    plan = getattr(node, "plan", None)
    if node.kept.__class__ is not tuple or plan is None or not hasattr(plan, "kept_names"):
        for entry in node.kept if node.kept.__class__ is tuple else ():  # a custom Function: (array, version, source)
            a = entry[0] if isinstance(entry, tuple) else None
            if isinstance(a, ndarray):
                rows.append(("saved", f"{a.dtype.name}{list(a.shape)}", a.nbytes))
        return rows, sum(r[2] for r in rows)
    for name, value in zip(plan.kept_names, node.kept):
        for a in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(a, ndarray):
                rows.append((name, f"{a.dtype.name}{list(a.shape)}", a.nbytes))
                total += 0 if id(a) in seen else a.nbytes
                seen.add(id(a))
        if not isinstance(value, ndarray) and not (
            isinstance(value, (tuple, list)) and any(isinstance(a, ndarray) for a in value)
        ):
            if value is not None:
                rows.append((name, repr(value)[:40], 0))
    return rows, total


def collect(roots, names, tape: Recording | None = None, model=None):
    """Collect what leads to ``roots``.

    Parameters
    ----------
    roots : list of Tensor
    names : Names
    tape : Recording, optional
    model : Module, optional
        Where no recording tells, an operation stands in the module whose parameter it uses.

    Returns
    -------
    Drawing
        With raw arrays in ``Vertex.value`` and ``Vertex.grad``; :func:`finish` turns them into statistics.
    """
    c = _Collector(names, tape)
    for i, root in enumerate(roots):
        if root._view is not None:
            engine.renew(root)
        key = c.source(root._node, root._data)
        while c.todo:
            c.visit(*c.todo.pop())
        made = c.drawing.vertices[key]
        if made.kind != "op":
            continue
        name = names.nodes.get(root._node, (None,))[0] or names.arrays.get(id(root._data), (None, None))[1]
        v = Vertex(f"out{i}", "output", name or ("output" if len(roots) == 1 else f"output {i}"),
                   root._data.shape, root._data.dtype.name, value=root._data)  # fmt: skip
        v.grad = made.grad if not (made.shape and isinstance(made.shape[0], tuple)) else None
        v.grad = root._grad._data if root._grad is not None else v.grad
        c.drawing.vertices[v.key] = v
        c.drawing.arrows.append(
            Arrow(key, v.key, v.shape, v.dtype, root._node is not None, "" if root._node else made.note)
        )
    d = c.drawing
    if tape is not None:
        for frame in tape.frames.values():
            d.groups[frame.key] = Group(frame.key, frame.path, frame.kind, frame.parent, 1, frame.parameters)
        _place_leaves(d)
    elif model is not None:
        _place_by_parameters(d, model)
    _numbers(d, c)
    return d


def _place_by_parameters(d, model):
    """Groups for a tape that nobody recorded: an operation belongs to the module whose parameters it uses."""
    modules = dict(model.named_modules())
    owners = {}
    for a in d.arrows:
        tail = d.vertices[a.tail]
        if tail.kind == "parameter" and tail.label.rpartition(".")[0] in modules and d.vertices[a.head].kind == "op":
            owners.setdefault(a.head, set()).add(tail.label.rpartition(".")[0])
    for key, paths in owners.items():
        path = next(iter(paths))
        if len(paths) > 1 or not path:
            continue
        d.vertices[key].group = path
        while path and path not in d.groups:
            parent = path.rpartition(".")[0]
            size = sum(p._data.size for p in modules[path].parameters())
            d.groups[path] = Group(path, path, type(modules[path]).__name__, parent, 1, size)
            path = parent
    _place_leaves(d)


def _place_leaves(d):
    """Parameters and constants stand in the innermost group around everything that uses them."""
    users = {}
    for a in d.arrows:
        users.setdefault(a.tail, []).append(d.vertices[a.head].group)
    for key, v in d.vertices.items():
        if v.kind in ("parameter", "constant") and key in users:
            common = _chain(d, users[key][0])
            for group in users[key][1:]:
                common = [g for g in common if g in _chain(d, group)]
            v.group = common[0] if common else ""
    used = set()
    for v in d.vertices.values():
        used.update(_chain(d, v.group))
    d.groups = {k: g for k, g in d.groups.items() if k in used}


def _chain(d, group):
    """A group and those around it, innermost first."""
    chain = []
    while group:
        chain.append(group)
        group = d.groups[group].parent
    return chain


def _numbers(d, c):
    """A box for the value of each zero-dimensional intermediate result, as micrograd draws it."""
    named = {c.keys[n]: name for n, (name, _) in c.names.nodes.items() if n in c.keys}
    outs = {a.tail for a in d.arrows if d.vertices[a.head].kind == "output"}
    moved = {}
    for key, v in list(d.vertices.items()):
        if v.kind == "op" and v.shape == () and v.value is not None and key not in outs:
            box = Vertex(f"{key}v", "value", named.get(key, ""), (), v.dtype, v.group, v.value, v.grad)
            d.vertices[box.key] = box
            moved[key] = box.key
    if not moved:
        return
    for a in d.arrows:
        a.tail = moved.get(a.tail, a.tail)
    for key, box in moved.items():
        v = d.vertices[key]
        diff = not v.note.startswith("no gradient")
        d.arrows.append(Arrow(key, box, (), v.dtype, diff, "" if diff else v.note))


def finish(d, values="none"):
    """Turn arrays into statistics, after the drawing has been made as small as it will be."""
    for v in d.vertices.values():
        full = values == "full"
        v.value = None if v.value is None or isinstance(v.value, Stats) else Stats.of(v.value, full)
        grads = v.grad if isinstance(v.grad, (list, tuple)) else [v.grad]
        grads = [g for g in grads if g is not None]
        v.grad = Stats.of(grads[0]) if grads else None
    return d
