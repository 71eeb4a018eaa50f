"""Hooks on modules: what runs around ``forward`` and when gradients pass through a module."""

from __future__ import annotations

import warnings
from collections import OrderedDict

from .._tensor import Tensor
from ..engine import primitive

__all__ = [
    "RemovableHandle", "register_module_backward_hook", "register_module_buffer_registration_hook",
    "register_module_forward_hook", "register_module_forward_pre_hook", "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook", "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]  # fmt: skip


class RemovableHandle:
    """Takes a hook away again: ``remove()``, or the end of a ``with`` block."""

    next_id = 0

    def __init__(self, hooks, *extra):
        self.id = RemovableHandle.next_id
        self._dicts = (hooks, *extra)
        RemovableHandle.next_id += 1

    def remove(self):
        """Remove the hook; calling it twice does no harm."""
        for d in self._dicts:
            d.pop(self.id, None)

    def __setstate__(self, state):
        self.__dict__.update(state)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)  # ids stay unique after unpickling

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


def add(hooks, hook, *, prepend=False, flags=()):
    """Put ``hook`` into the ordered dict ``hooks``; ``flags`` are pairs (dict, whether the hook goes there too)."""
    handle = RemovableHandle(hooks, *[d for d, _ in flags])
    hooks[handle.id] = hook
    for d, wanted in flags:
        if wanted:
            d[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


# -- hooks on every module -------------------------------------------------------------------------

forward_pre: OrderedDict = OrderedDict()
forward: OrderedDict = OrderedDict()
forward_with_kwargs: OrderedDict = OrderedDict()
forward_always: OrderedDict = OrderedDict()
backward_pre: OrderedDict = OrderedDict()
backward: OrderedDict = OrderedDict()
backward_legacy: OrderedDict = OrderedDict()
buffer_registration: OrderedDict = OrderedDict()
module_registration: OrderedDict = OrderedDict()
parameter_registration: OrderedDict = OrderedDict()

#: Hooks on every module that take part in calls, by id: what ``Module.__call__`` looks at.
active: dict = {}


class _Global(RemovableHandle):
    """A handle of a hook on every module; keeps :data:`active` up to date."""

    def __init__(self, hooks, hook, flags=()):
        super().__init__(hooks, active, *[d for d, _ in flags])
        hooks[self.id] = hook
        active[self.id] = True
        for d, wanted in flags:
            if wanted:
                d[self.id] = True


def register_module_forward_pre_hook(hook):
    """Call ``hook(module, args)`` before ``forward`` of every module; see ``Module.register_forward_pre_hook``."""
    return _Global(forward_pre, hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Call ``hook(module, args, output)`` after ``forward`` of every module; see ``Module.register_forward_hook``."""
    return _Global(forward, hook, ((forward_with_kwargs, with_kwargs), (forward_always, always_call)))


def register_module_full_backward_pre_hook(hook):
    """Call ``hook(module, grad_output)`` before gradients enter any module."""
    return _Global(backward_pre, hook)


def register_module_full_backward_hook(hook):
    """Call ``hook(module, grad_input, grad_output)`` when the gradients of any module's inputs are known."""
    if backward_legacy:
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please use only "
            "one of them."
        )
    return _Global(backward, hook)


def register_module_backward_hook(hook):
    """The old form of :func:`register_module_full_backward_hook`: sees only a module's last operation."""
    if backward:
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please use only "
            "one of them."
        )
    return _Global(backward_legacy, hook)


def register_module_buffer_registration_hook(hook):
    """Call ``hook(module, name, buffer)`` whenever a buffer is registered; it may return another."""
    return add(buffer_registration, hook)


def register_module_module_registration_hook(hook):
    """Call ``hook(module, name, submodule)`` whenever a module is registered; it may return another."""
    return add(module_registration, hook)


def register_module_parameter_registration_hook(hook):
    """Call ``hook(module, name, parameter)`` whenever a parameter is registered; it may return another."""
    return add(parameter_registration, hook)


# -- a call with hooks -----------------------------------------------------------------------------


def call(module, args, kwargs):
    """``module.forward(*args, **kwargs)`` with the hooks of ``module`` and of every module around it."""
    seen = set()
    state = [args, None]
    try:
        return _call(module, args, kwargs, state, seen)
    except Exception:
        _call_always(module, state[0], kwargs, state[1], seen)
        raise


def _call(module, args, kwargs, state, seen):
    for key, hook in (*forward_pre.items(), *module._forward_pre_hooks.items()):
        if key in module._forward_pre_hooks_with_kwargs:
            new = hook(module, args, kwargs)
            if new is not None:
                if not (isinstance(new, tuple) and len(new) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {new}."
                    )
                args, kwargs = new
        else:
            new = hook(module, args)
            if new is not None:
                args = new if isinstance(new, tuple) else (new,)
        state[0] = args
    passing = None
    legacy = [*backward_legacy.values()]
    full = [*backward.values()]
    (legacy if module._is_full_backward_hook is False else full).extend(module._backward_hooks.values())
    pre = [*backward_pre.values(), *module._backward_pre_hooks.values()]
    if full or pre:
        passing = BackwardHook(module, full, pre)
        args = passing.setup_input_hook(args)
    result = module.forward(*args, **kwargs)
    state[1] = result
    for key, hook in (*forward.items(), *module._forward_hooks.items()):
        if key in module._forward_hooks_always_called or key in forward_always:
            seen.add(key)
        if key in module._forward_hooks_with_kwargs or key in forward_with_kwargs:
            new = hook(module, args, kwargs, result)
        else:
            new = hook(module, args, result)
        if new is not None:
            result = state[1] = new
    if passing is not None:
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(result)}", stacklevel=4)  # fmt: skip
        result = passing.setup_output_hook(result)
    if legacy:
        _hook_last_node(module, legacy, result)
    return result


def _call_always(module, args, kwargs, result, seen):
    """The hooks registered with ``always_call=True`` run also when ``forward`` failed."""
    for key, hook in (*forward.items(), *module._forward_hooks.items()):
        if key in seen or not (key in module._forward_hooks_always_called or key in forward_always):
            continue
        try:
            if key in module._forward_hooks_with_kwargs or key in forward_with_kwargs:
                new = hook(module, args, kwargs, result)
            else:
                new = hook(module, args, result)
            result = result if new is None else new
        except Exception as e:
            warnings.warn(
                "module forward hook with ``always_call=True`` raised an exception that was silenced as another error "
                f"was raised in forward: {e}", stacklevel=4)  # fmt: skip


def _hook_last_node(module, hooks, result):
    """Old backward hooks hang on the node that made the result."""
    var = result
    while not isinstance(var, Tensor):
        var = next(v for v in var.values() if isinstance(v, Tensor)) if isinstance(var, dict) else var[0]
    node = var._node
    if node is not None:
        for hook in hooks:
            node.register_hook(lambda grad_in, grad_out, hook=hook: hook(module, grad_in, grad_out))


@primitive(outputs="many")
def backward_hook_function(*xs):
    """The same values, through one node where hooks see all their gradients together."""
    return xs


backward_hook_function.vjp(xs=lambda g: g)


class BackwardHook:
    """Two identity nodes around a module: gradients leave through the first and enter through the second."""

    def __init__(self, module, user_hooks, user_pre_hooks):
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs = None
        self.n_inputs = -1
        self.n_outputs = -1
        self.input_index = self.output_index = ()

    def _through(self, values, hang):
        index = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v._node is not None]
        if not index:
            return values, None
        tensors = [v for v in values if isinstance(v, Tensor)]
        at = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        passed = backward_hook_function(*tensors)
        node = None
        out = list(values)
        for i, old, new in zip(at, tensors, passed):
            if old._node is None:
                continue
            new._cell = old._cell
            out[i] = new
            node = new._node.edges[0] if new._node is not None else None
        if node is None:
            return values, None
        hang(node)
        return tuple(out), at

    def _pack(self, grads, index, n):
        full = [None] * n
        for i, g in zip(index, grads):
            full[i] = g
        return tuple(full)

    def setup_input_hook(self, args):
        def hang(node):
            node.register_hook(self._inputs_arrived)

        self.n_inputs = len(args)
        args, index = self._through(args, hang)
        if index is not None:
            # the node has an edge for each tensor that wants a gradient
            self.input_index = [i for i in index if args[i]._node is not None]
        return args

    def _inputs_arrived(self, grad_inputs, _):
        if self.grad_outputs is None:
            return None  # the gradients did not come through this module's outputs
        grads = self._pack(grad_inputs, self.input_index, self.n_inputs)
        result = self._run(grads)
        self.grad_outputs = None
        return None if result is grads else tuple([result[i] for i in self.input_index])

    def _run(self, grads):
        for hook in self.user_hooks:
            new = hook(self.module, grads, self.grad_outputs)
            if new is None:
                continue
            new = new if isinstance(new, tuple) else (new,)
            if len(new) != len(grads):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(new)}, but expected {len(grads)}"
                )
            grads = new
        return grads

    def setup_output_hook(self, result):
        single = isinstance(result, Tensor)
        if not (single or isinstance(result, tuple)):
            return result
        values = (result,) if single else result
        self.n_outputs = len(values)
        values, index = self._through(values, lambda node: node.register_prehook(self._outputs_arrived))
        self.output_index = index or ()
        return values[0] if single else values

    def _outputs_arrived(self, grads):
        self.grad_outputs = self._pack(grads, self.output_index, self.n_outputs)
        before = self.grad_outputs
        for hook in self.user_pre_hooks:
            new = hook(self.module, self.grad_outputs)
            if new is None:
                continue
            new = new if isinstance(new, tuple) else (new,)
            if len(new) != self.n_outputs:
                raise RuntimeError(
                    f"Backward pre hook returned an invalid number of grad_output, got {len(new)}, but expected "
                    f"{self.n_outputs}"
                )
            self.grad_outputs = new
        if not self.input_index:  # no gradient leaves through the inputs: the hooks run now
            grads = self._pack((), (), self.n_inputs)
            if self.user_hooks:
                warnings.warn(
                    "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                    "inputs require gradients.", stacklevel=2)  # fmt: skip
            if self._run(grads) is not grads:
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )
            answer, self.grad_outputs = self.grad_outputs, None
            return None if answer is before else tuple([answer[i] for i in self.output_index])
        return None if self.grad_outputs is before else tuple([self.grad_outputs[i] for i in self.output_index])
