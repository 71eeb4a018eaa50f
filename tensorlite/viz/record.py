"""A recording: what the tape alone does not keep: constants, settings, values, modules, source lines."""

from __future__ import annotations

import inspect

import numpy as np

from .. import engine
from ..engine import TensorBase, Watcher, watching

__all__ = ["Call", "Recording", "record"]


class Call:
    """One forward call of an operation, as it was seen."""

    __slots__ = ("args", "grad", "group", "name", "node", "out", "settings", "where")

    def __init__(self, name, args, settings, out, group, where):
        self.name, self.args, self.settings, self.out = name, args, settings, out
        self.group, self.where, self.node, self.grad = group, where, None, None


class Frame:
    """A call of a module that is a group in the drawing."""

    def __init__(self, key, path, module, parent):
        self.key, self.path, self.parent = key, path, parent
        self.kind = type(module).__name__
        self.parameters = sum(p._data.size for p in module.parameters())


class Recording(Watcher):
    """Sees every operation and every module call inside its ``with`` block.

    Attributes
    ----------
    calls : list of Call
    frames : dict
        Group key -> the module call.
    outputs : list of Tensor
        What the outermost modules returned.
    """

    def __init__(self, model=None) -> None:
        self.model = model
        self.calls: list[Call] = []
        self.frames: dict[str, Frame] = {}
        self.by_node: dict = {}
        self.made: dict[int, Call] = {}  # id of a result array -> the call that made it (the call holds the array)
        self.names: dict[int, tuple] = {}  # id of an array -> (kind, name)
        self.keep: list = []
        self.outputs: list = []
        self._stack: list[Frame] = []
        self._paths: dict = {}
        self._times: dict[str, int] = {}
        self._last = None
        if model is not None:
            for path, module in model.named_modules():
                self._paths[module] = path

    # -- the operations ----------------------------------------------------------------------------

    def forward(self, prim, args, settings, raw):
        out = super().forward(prim, args, settings, raw)
        if isinstance(out, (tuple, list)):
            out = tuple(np.asarray(o) for o in out)
        else:
            out = np.asarray(out)
        inputs = [(a._node if isinstance(a, TensorBase) else None, r) for a, r in zip(args, raw)]
        group = self._stack[-1].key if self._stack else ""
        self._last = call = Call(prim.name, inputs, settings, out, group, engine.where())
        self.calls.append(call)
        for o in out if isinstance(out, tuple) else (out,):
            self.made[id(o)] = call
        return out

    def recorded(self, node, args, result):
        if node.where is None:
            node.where = engine.where()
        call = self._last
        own = node.plan is not None and call is not None and call.name == node.plan.primitive.name
        if not own or call.node is not None or not _same(call.out, result):
            # no forward call of this operation came just before: an in-place write, or a custom Function
            raw = [(a._node, a._data) for a in args if isinstance(a, TensorBase)]
            out = getattr(result, "_data", None)
            call = Call(node.plan.primitive.name if node.plan else node.name(), raw, {}, out, "", node.where)
            call.group = self._stack[-1].key if self._stack else ""
            self.calls.append(call)
        call.node = node
        self.by_node[node] = call
        super().recorded(node, args, result)

    def backward(self, node, g, taped, needed):
        call = self.by_node.get(node)
        if call is not None:
            call.grad = [engine.unwrap(h) for h in g] if isinstance(g, list) else engine.unwrap(g)
        return super().backward(node, g, taped, needed)

    # -- the modules -------------------------------------------------------------------------------

    def _enter(self, module, args):
        if module not in self._paths:
            if self.model is None and not self._stack:
                for path, m in module.named_modules():
                    self._paths.setdefault(m, path)
            else:
                self._paths[module] = ""
        if not self._stack:
            names = list(inspect.signature(module.forward).parameters)
            for i, a in enumerate(args):
                if isinstance(a, TensorBase):
                    name = names[i] if i < len(names) and names[i] not in ("args", "input") else "input"
                    self.names.setdefault(id(a._data), ("input", name))
                    self.keep.append(a)
            for name, p in module.named_parameters():
                self.names.setdefault(id(p._data), ("parameter", name))
                self.keep.append(p)
            for name, b in module.named_buffers():
                self.names.setdefault(id(b._data), ("constant", name))
                self.keep.append(b)
        path = self._paths[module] or type(module).__name__
        n = self._times[path] = self._times.get(path, 0) + 1
        key = path if n == 1 else f"{path}#{n}"
        frame = Frame(key, self._paths[module], module, self._stack[-1].key if self._stack else "")
        self.frames[key] = frame
        self._stack.append(frame)

    def _leave(self, module, args, output):
        if self._stack:
            self._stack.pop()
        if not self._stack:
            self.outputs = [*_tensors(output)]

    def __enter__(self):
        from ..nn import hooks

        self._handles = [
            hooks.register_module_forward_pre_hook(self._enter),
            hooks.register_module_forward_hook(self._leave, always_call=True),
        ]
        self._watch = watching(self)
        self._watch.__enter__()
        return self

    def __exit__(self, *exc):
        self._watch.__exit__(*exc)
        for handle in self._handles:
            handle.remove()


def _same(out, result):
    """Whether the raw result ``out`` is what the tensors in ``result`` hold."""
    if isinstance(out, tuple):
        return isinstance(result, tuple) and bool(out) and bool(result) and out[0] is result[0]._data
    return isinstance(result, TensorBase) and out is result._data


def _tensors(value):
    if isinstance(value, TensorBase):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _tensors(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from _tensors(v)


def record(model=None):
    """Record what runs inside a ``with`` block, for a richer drawing.

    Parameters
    ----------
    model : Module, optional
        Names parameters and modules by their paths in it; without it the outermost module that is called does.

    Returns
    -------
    Recording
        Pass it to :func:`graph` as ``tape``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn, viz
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> with viz.record(net) as tape:
    ...     loss = net(tl.ones(1, 2)).sum()
    >>> [call.name for call in tape.calls]
    ['linear', 'relu', 'sum']
    """
    return Recording(model)
