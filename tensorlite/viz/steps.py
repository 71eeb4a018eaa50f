"""The backward pass, one vjp call at a time: as objects, and as a page to step through."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import numpy as np

from .. import engine
from ..engine import Leaf, Node, Port, TensorBase, Watcher, watching
from .collect import Names, collect, finish, line_of
from .drawing import Stats, number_text, tensor_text
from .html import frame, to_html
from .rules import rules_of

__all__ = ["Flow", "Player", "Step", "backward_steps", "play"]


@dataclass
class Flow:
    """What a step sends to one input.

    Attributes
    ----------
    arg : str
        The argument of the operation.
    node : Node
        Where it goes; ``leaf`` if that is a tensor's ``grad``.
    name : str
        Of the operation, parameter or variable there.
    grad : ndarray or None
    local : float or None
        The local derivative, where both ends are single numbers.
    arrival, expected : int
        The how-manieth gradient for this target it is, and how many there will be; they are added.
    """

    arg: str
    node: Node
    name: str
    grad: np.ndarray | None
    leaf: bool
    local: float | None = None
    arrival: int = 1
    expected: int = 1


@dataclass
class Step:
    """One call of a backward rule.

    Attributes
    ----------
    index : int
    node : Node
    name : str
        Of the operation.
    grad : ndarray or list
        The gradient that arrived, complete.
    kept : dict of str -> value
        What the rule computes with.
    rules : list of (argument, source)
        The vjp's own source.
    flows : list of Flow
    why : str
        Why this node runs now.
    where : str
        The line that recorded the operation, if it is known.
    """

    index: int
    node: Node
    name: str
    grad: object
    kept: dict = field(default_factory=dict)
    rules: list = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    why: str = ""
    where: str = ""

    def __str__(self):
        parts = [f"step {self.index + 1}: {self.name}, gradient {_text(self.grad)}"]
        for arg, source in self.rules:
            lines = source.split("\n")
            lines = [*lines[:5], f"... ({len(lines) - 5} lines)"] if len(lines) > 6 else lines
            parts.append(f"    rule{' for ' + arg if arg else ''}: " + "\n        ".join(lines))
        if self.kept:
            parts.append("    kept: " + ", ".join(f"{k} = {_text(v)}" for k, v in self.kept.items()))
        for f in self.flows:
            local = f" = {_text(self.grad)} × {number_text(f.local)}" if f.local is not None else ""
            parts.append(f"    -> {f.name}{' .grad' if f.leaf else ''}: {_text(f.grad)}{local}{_arrival(f)}")
        return "\n".join([*parts, f"    why now: {self.why}"])


def _arrival(f):
    return f"  ({f.arrival} of {f.expected}, added up)" if f.expected > 1 else ""


def _text(x):
    if x is None:
        return "none"
    if isinstance(x, (list, tuple)):
        return "[" + ", ".join(_text(v) for v in x) + "]"
    if not isinstance(x, np.ndarray):
        return repr(x)
    if x.size == 1:
        return number_text(x.reshape(-1)[0].item()) + ("" if x.ndim == 0 else f"  {tensor_text(x.shape, x.dtype.name)}")
    head = tensor_text(x.shape, x.dtype.name)
    if x.size <= 12:
        body = np.array2string(x, precision=3, suppress_small=True, separator=", ")
        return f"{head} {' '.join(body.split())}"
    return f"{head} ({Stats.of(x)})"


def _parent(node):
    return node.edges[0] if type(node) is Port else node


class _Observer(Watcher):
    """Notes every backward step of the engine's walk."""

    def __init__(self, nodes, names) -> None:
        self.steps: list[Step] = []
        self.names = names
        self.expected: dict[Node, list] = {}
        self.got: dict[Node, list] = {}
        for n in nodes:
            for e in n.edges if type(n) is not Port else ():
                self.expected.setdefault(_parent(e), []).append(n)

    def title(self, node):
        name = self.names.nodes.get(node, ("",))[0]
        if isinstance(node, Leaf):
            variable = node.variable
            return (
                name
                or (self.names.arrays.get(id(variable._data), ("", ""))[1] if variable is not None else "")
                or "a leaf"
            )
        plan = getattr(node, "plan", None)
        op = plan.primitive.name.strip("_") if plan is not None else node.name().removesuffix("Backward")
        return f"{name} = {op}(...)" if name else op

    def backward(self, node, g, taped, needed):
        kept = {}
        plan = getattr(node, "plan", None)
        if plan is not None and node.kept.__class__ is tuple:
            kept = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in zip(plan.kept_names, node.kept)}
        copied = (
            [None if h is None else np.array(engine.unwrap(h)) for h in g]
            if isinstance(g, list)
            else np.array(engine.unwrap(g))
        )
        step = Step(len(self.steps), node, self.title(node), copied, kept, rules_of(node), where=line_of(node.where))
        givers = self.got.get(node, [])
        if not givers:
            step.why = "the backward pass starts here: the derivative of the result with respect to itself"
        else:
            names = list(dict.fromkeys(givers))
            step.why = (
                f"everything that used its result has sent its gradient ({', '.join(names)}), and of all operations that wait "
                "it was recorded last"
            )
        grads = super().backward(node, g, taped, needed)
        prim = getattr(plan, "primitive", None)
        targets = (
            (getattr(plan, "targets", None) or getattr(getattr(plan, "plan", None), "targets", ()))
            if prim is not None
            else ()
        )
        for i, (edge, r) in enumerate(zip(node.edges, grads)):
            to = _parent(edge)
            arg = prim.arrays[targets[i]] if prim is not None and not prim.variadic and i < len(targets) else ""
            value = None if r is None else np.array(engine.unwrap(r))
            if value is not None and value.shape != edge.shape and node.broadcasts:
                value = engine.sum_to(value, shape=edge.shape)
            self.got.setdefault(to, []).append(step.name)
            flow = Flow(
                arg,
                to,
                self.title(to),
                value,
                isinstance(to, Leaf),
                None,
                len(self.got[to]),
                len(self.expected.get(to, (1,))),
            )
            if (
                value is not None
                and value.shape == ()
                and isinstance(copied, np.ndarray)
                and copied.shape == ()
                and copied
            ):
                flow.local = (value / copied).item()
            step.flows.append(flow)
        self.steps.append(step)
        return grads


def _observe(loss, gradient, names, accumulate):
    if not isinstance(loss, TensorBase):
        raise TypeError(f"backward_steps() takes a tensor, not {type(loss).__name__}")
    if loss._node is None:
        raise RuntimeError("this tensor does not require grad and has no grad_fn: there is no backward pass to show")
    nodes, _ = engine.order([loss._node])
    observer = _Observer(nodes, names)
    with watching(observer):
        if accumulate:
            engine.backward(loss, gradient, retain_graph=True)
        else:
            leaves = [n.variable for n in nodes if isinstance(n, Leaf) and n.variable is not None]
            if leaves:
                engine.grad(loss, leaves, gradient, retain_graph=True, allow_unused=True)
    return observer.steps


def _names(params, model, frame):
    names = Names()
    for name, tensor in (params or {}).items():
        names.add(name, tensor, "parameter")
    if model is not None:
        names.add_model(model)
    names.add_variables(frame.f_locals)
    return names


def backward_steps(loss, gradient=None, params=None, model=None, accumulate=True):
    """Run the backward pass of ``loss`` and go through its steps.

    The walk is the engine's own, seen by an observer: it runs as a whole when the first step is asked for, and the graph is
    retained.

    Parameters
    ----------
    loss : Tensor
    gradient : Tensor, optional
        Where to start from; 1 for a scalar.
    params : dict of str -> Tensor, optional
        Names, such as ``dict(model.named_parameters())``; variables of the caller give theirs too.
    model : Module, optional
        Names its parameters.
    accumulate : bool, default True
        Add to the ``grad`` of the leaves, as ``loss.backward()`` does; False leaves them alone.

    Yields
    ------
    Step
        ``str(step)`` tells it in words.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import viz
    >>> x = tl.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> for step in viz.backward_steps(y):
    ...     print(step.name, [(f.name, f.grad.item(), f.local) for f in step.flows])
    y = mul(...) [('x', 3.0, 3.0), ('x', 3.0, 3.0)]
    >>> x.grad
    tensor(6.)
    """
    names = _names(params, model, sys._getframe(1))
    return _iterate(loss, gradient, names, accumulate)


def _iterate(loss, gradient, names, accumulate):
    yield from _observe(loss, gradient, names, accumulate)


def _short(grad):
    """A gradient of one number as a label on an arrow; nothing for larger ones."""
    return number_text(grad.item()).replace("-", "\u2212") if isinstance(grad, np.ndarray) and grad.size == 1 else ""


class Player:
    """The backward pass as a page with a slider; inline in notebooks.

    Attributes
    ----------
    steps : list of Step
    """

    def __init__(self, drawing, steps):
        self.drawing, self.steps = drawing, steps

    def to_html(self) -> str:
        """One file that works offline: arrow keys and a slider move through the steps."""
        totals: dict = {}
        return to_html(self.drawing, [self._data(s, totals) for s in self.steps])

    def save(self, path):
        """Write the page to ``path`` (``.html``) and return it."""
        from pathlib import Path

        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"the player is a page: save it as .html, not {path.suffix or path.name!r}")
        path.write_text(self.to_html(), encoding="utf-8")
        return path

    def _repr_html_(self):
        return frame(self.to_html(), 620)

    def __repr__(self):
        return f"<Player of {len(self.steps)} backward steps; save('backward.html')>"

    def _data(self, s, totals):
        boxes = self.drawing.vertices
        flows = []
        for i, f in enumerate(s.flows):
            me, to = f"n{s.node.seq}", f"n{f.node.seq}"
            path = [[f"{to}v", me], [to, f"{to}v"]] if f"{to}v" in boxes else [[to, me]]
            if s.index == 0 and i == 0:  # what arrives at the first step comes from the output's box
                ends = [a for a in self.drawing.arrows if a.tail == me and boxes[a.head].kind == "output"]
                path += [[a.tail, a.head, _short(s.grad)] for a in ends]
            note = ""
            if f.leaf:
                note = f"added to {f.name}.grad" + (f": gradient {f.arrival} of {f.expected}" if f.expected > 1 else "")
            elif f.expected > 1:
                note = f"gradient {f.arrival} of {f.expected} for it; it runs when all have arrived and been added"
            short = _short(f.grad)
            total = ""
            if f.leaf and f.grad is not None:
                held = totals[to] = totals[to] + f.grad if to in totals else f.grad
                total = (
                    f"grad {number_text(held.item())}"
                    if held.size == 1
                    else f"grad, norm {number_text(float(np.linalg.norm(held)))}"
                )
                total = total.replace("-", "\u2212")
            flows.append({"to": to, "total": total, "leaf": f.leaf, "name": f.name + (f" (its {f.arg})" if f.arg and not f.leaf else ""),
                          "text": _text(f.grad), "short": short, "local": number_text(f.local) if f.local is not None else "",
                          "note": note, "path": path})  # fmt: skip
        source = "\n".join(f"{arg}: {text}" if arg else text for arg, text in s.rules if text)
        kept = [[k, _text(v)] for k, v in s.kept.items()]
        return {"node": f"n{s.node.seq}", "title": s.name, "grad": _text(s.grad), "source": source, "kept": kept, "flows": flows,
                "why": s.why[:1].upper() + s.why[1:] + ".", "where": s.where}  # fmt: skip


def play(loss, gradient=None, params=None, model=None, tape=None, direction="LR", theme="light", title=""):
    """The backward pass of ``loss`` as a page: a slider and the arrow keys move through it over the drawn graph.

    Gradients light up as they arrive, and a panel shows the rule, its values, and why it runs now. The ``grad`` of the
    leaves is left alone.

    Parameters
    ----------
    loss : Tensor
    gradient : Tensor, optional
        Where to start from; 1 for a scalar.
    params, model, tape, direction, theme, title
        As for :func:`graph`.

    Returns
    -------
    Player
        With ``save('backward.html')`` and ``to_html()``; shown inline in notebooks.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import viz
    >>> x = tl.tensor(3.0, requires_grad=True)
    >>> viz.play(x * x)
    <Player of 1 backward steps; save('backward.html')>
    """
    names = _names(params, model, sys._getframe(1))
    steps = _observe(loss, gradient, names, False)
    if len(steps) > 2000:
        raise ValueError(
            f"play(): {len(steps):,} backward steps are too many for a page; play a part of the computation"
        )
    d = finish(collect([loss], names, tape))
    d.direction, d.theme, d.title, d.grads = direction, theme, title, False
    return Player(d, steps)
