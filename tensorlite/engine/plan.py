"""Plans: for one pattern of arguments, what a call keeps and which vjps its backward step runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .. import dtypes, mistakes
from .node import Node, Port
from .tape import clock, ndarray, wrap

if TYPE_CHECKING:
    from .operation import Primitive


class PrimitiveNode(Node):
    """A recorded call of a :class:`Primitive`; its :class:`Plan` knows which vjps to run."""

    __slots__ = ()

    def name(self):
        prim = self.plan.primitive
        grad_name = prim.grad_name
        if grad_name is None:
            from ..ops.names import NAMES

            grad_name = prim.grad_name = NAMES.get(prim.name.strip("_")) or prim.usual_name()
        return grad_name if isinstance(grad_name, str) else grad_name(self)

    def shown(self):
        """The same node under a class of PyTorch's name (one class for all keeps the tape fast)."""
        self.__class__ = _named_node(self.name())
        return self

    @property
    def broadcasts(self):
        return self.plan.primitive.broadcasts

    @property
    def places(self):
        """As PyTorch's: None for a tensor without gradient, and for a number that it makes a tensor."""
        plan = self.plan
        while isinstance(plan, PackedPlan):
            plan = plan.plan
        prim, found = plan.primitive, {i: j for j, i in enumerate(plan.targets)}
        numbers = prim.broadcasts and prim.name != "pow"
        return tuple(
            found.get(i)
            for i in (prim.listed if prim.arrays else plan.tensors)
            if i in found or ((i in plan.tensors or numbers) and not (prim.arrays and prim.arrays[i] in prim.nondiff))
        )

    def release(self):
        if self.kept and (self.plan.frees or any(map(_holds_array, self.kept))):
            self.kept = None
            self.cells = ()

    def kept_array(self, i):
        return self.plan.kept_array(self.kept, i)

    def apply(self, g, taped, needed=None):
        kept = self.kept
        if kept is None:
            raise twice(self)
        for cell in self.cells:
            if cell[0] > self.seq:
                kept = self.plan.remade(self)
                break
        plan = self.plan
        if taped:
            return plan.pull_taped(self, g, needed, kept)
        if needed is None:
            return plan.pull(g, kept)
        return plan.pull_some(needed)(g, kept)


class ShownNode(PrimitiveNode):
    """A node that somebody has looked at: it has PyTorch's attributes for what it keeps.

    Only here, because a class with ``__getattr__`` is slower at every other attribute too.
    """

    __slots__ = ()

    def __getattr__(self, name):
        if "_saved_" not in name:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        from .saved import attribute

        return attribute(self, name)

    def __dir__(self):
        from .saved import places

        return [*super().__dir__(), *[f"_saved_{name}" for name in places(self)]]


def _holds_array(value):
    return isinstance(value, ndarray) or (isinstance(value, (tuple, list)) and any(map(_holds_array, value)))


@functools.cache
def _named_node(name):
    return type(name, (ShownNode,), {"__slots__": ()})


@functools.cache
def _fixed_node(name):
    return type(name, (PrimitiveNode,), {"__slots__": (), "name": lambda self: name, "shown": lambda self: self})


def called(tensor, name):
    """``tensor``, its last step shown under ``name``: what PyTorch computes in one step and we in several."""
    if isinstance(tensor._node, PrimitiveNode):
        tensor._node.__class__ = _fixed_node(name)
    return tensor


TWICE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have "
    "already been freed), at {}. Saved intermediate values of the graph are freed when you call .backward() or "
    "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time."
)


def twice(node):
    """The error for a node that has been freed, with the backward pass that did it."""
    from .trail import first_pass

    first = first_pass(node)
    remedy = "Call backward() once per forward pass, on the sum of the losses, or with retain_graph=True"
    remedy += "; a state carried from step to step needs detach() in between."
    message = TWICE.format(node.name()) + (f" The first backward pass was at {first}." if first else "")
    return RuntimeError(mistakes.explained(message, "TL009", remedy))


def changed(node, cell):
    """The error for a kept value, that of ``cell``, which was changed in place afterwards; names the line that did it."""
    i = next((i for i, c in enumerate(node.cells) if c is cell), 0)
    array = node.kept_array(i)
    what = f"[{dtypes.of(array.dtype).typename} {list(array.shape)}]" if isinstance(array, ndarray) else "a value"
    where = f" The operation was recorded at {node.where}." if node.where else (
        " Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "tensorlite.autograd.set_detect_anomaly(True).")  # fmt: skip
    message = (
        f"one of the variables needed for gradient computation has been modified by an inplace operation: {what}, "
        f"which {node.name()} kept, was changed after the forward call{f', at {cell[2]}' if cell[2:] else ''}.{where}"
    )
    remedy = "Write x = x + ... instead of x += ..., or change a clone(); optimizer steps come after backward()."
    return RuntimeError(mistakes.explained(message, "TL019", remedy))


class Plan:
    """What to keep and which vjps to run, for one pattern of arguments that want gradients.

    ``key`` has two bits per argument: is it a tensor, does it want a gradient. A plan is made once
    per pattern and turned into two short functions; ``plan.source`` shows them.
    """

    __slots__ = (
        "cell_slots", "frees", "kept_names", "primitive", "pull", "pulls", "record", "source", "targets", "tensors",
    )  # fmt: skip

    def __init__(self, prim: Primitive, key: int, count: int):
        self.primitive = prim
        self.pulls: dict[tuple, Callable] = {}
        self.targets = [i for i in range(count) if key >> (2 * i) & 2]
        tensors = self.tensors = [i for i in range(count) if key >> (2 * i) & 1]
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

        def record(args, raw, out, result, *values):
            settings = dict(zip(prim.settings, values))
            n = PrimitiveNode()
            n.plan = self
            n.seq = clock()
            n.edges = tuple([args[i]._node for i in targets])
            n.kept = tuple([keep(name, raw, out, settings) for name in wanted])
            n.cells = tuple([args[i]._cell for i in cell_of])
            if "out" in wanted:
                n.cells += (result._cell,)
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

    def recorded(self, args, raw, out, result, settings):
        """:meth:`record` for arguments in a row: the node of a call."""
        values = settings.values()
        if self.primitive.variadic:
            return self.record(args, raw, out, result, *values)
        return self.record(*args, *raw, out, result, *values)

    def _compile(self, prim, tensors, names):
        """Generate ``record`` (make the node) and ``pull`` (run the vjps)."""
        outputs = list(prim.outputs) if isinstance(prim.outputs, (tuple, list)) else []
        keep, cells, self.cell_slots = [], [], []
        for slot, n in enumerate(self.kept_names):
            if n in prim.arrays:
                i = prim.arrays.index(n)
                keep.append(f"x_{n}")
                if i in tensors:
                    cells.append(f"{n}._cell")
                    self.cell_slots.append((slot, None))
            elif n.endswith("_shape") and n[:-6] in prim.arrays:
                a = n[:-6]
                keep.append(f"x_{a}.shape" if prim.arrays.index(a) in tensors else f"shape_of(x_{a})")
            elif n == "out" and not outputs:
                keep.append("out")
                if prim.outputs is None:
                    cells.append("result._cell")
                    self.cell_slots.append((slot, None))
            elif n in outputs:
                keep.append(f"out[{outputs.index(n)}]")
                cells.append(f"result[{outputs.index(n)}]._cell")
                self.cell_slots.append((slot, None))
            else:
                keep.append(n)
        row = lambda items: "(" + "".join(f"{x}, " for x in items) + ")"
        if prim.outputs is None:
            meta = "out.shape", "out.dtype"
        elif prim.live is not None and len(prim.live) == 1:
            meta = f"out[{prim.live[0]}].shape", f"out[{prim.live[0]}].dtype"
        else:
            live = f"[out[i] for i in {prim.live}]" if prim.live is not None else "out"
            meta = f"tuple([o.shape for o in {live}])", f"tuple([o.dtype for o in {live}])"
        edges = row(f"{names[i]}._node" for i in self.targets)
        record = (
            f"def record({', '.join([*names, *(f'x_{a}' for a in names), 'out', 'result', *prim.settings])}):\n"
            "    node = PrimitiveNode()\n"
            "    node.plan = plan\n"
            "    node.seq = clock()\n"
            f"    node.edges = {edges}\n"
            f"    node.kept = {row(keep) if keep else '()'}\n"
            f"    node.cells = {row(cells) if cells else '()'}\n"
            f"    node.shape = {meta[0]}\n"
            f"    node.dtype = {meta[1]}\n"
            + (
                f"    if not node.shape:\n        node.scalar = out{'.copy()' if prim.view else ''}\n"
                if prim.outputs is None
                else ""
            )
            + "    node.hooks = node.where = None\n"
            "    return node\n"
        )
        scope = {"PrimitiveNode": PrimitiveNode, "plan": self, "clock": clock, "shape_of": np.shape}
        exec(record, scope)
        self.record = scope["record"]
        self.pull, pull_source = self._make_pull(prim, names, self.targets)
        self.source = record + pull_source

    def _make_pull(self, prim, names, targets):
        at = {n: f"k[{i}]" for i, n in enumerate(self.kept_names)}
        scope = {}
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

    def remade(self, node):
        """What ``node`` kept, with a result that was changed in place computed again; else the error."""
        prim, kept = self.primitive, dict(zip(self.kept_names, node.kept))
        for (slot, _), cell in zip(self.cell_slots, node.cells):
            if cell[0] > node.seq and not (prim.remakes and self.kept_names[slot] == "out"):
                raise changed(node, cell)
        kept["out"] = prim.forward(*[kept[a] for a in prim.arrays], **{s: kept[s] for s in prim.settings})
        return tuple(kept.values())

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
        from .basic import alias  # a primitive, made of plans itself
        from .gradient import walk

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
