"""Hooks on modules: what runs around ``forward`` and when gradients pass through a module."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections import OrderedDict

import numpy as np

from .._tensor import Tensor
from ..engine import RECORDING, RemovableHandle, primitive, register, wrap
from ..engine import state as tape

__all__ = [
    "RemovableHandle", "register_module_backward_hook", "register_module_buffer_registration_hook",
    "register_module_forward_hook", "register_module_forward_pre_hook", "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook", "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]  # fmt: skip


class WithModule:
    """``hook`` with a module as its first argument, which it does not keep alive."""

    def __init__(self, hook, module):
        self.hook = hook
        self.module = weakref.ref(module)

    def __call__(self, *args):
        return self.hook(self.module(), *args)

    def __getstate__(self):
        return self.hook, self.module()

    def __setstate__(self, state):
        self.hook, self.module = state[0], weakref.ref(state[1])


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
active: OrderedDict = OrderedDict()


class _Global(RemovableHandle):
    """A handle of a hook on every module; keeps :data:`active` up to date."""

    def __init__(self, hooks, hook, flags=()):
        super().__init__(hooks, extra_dict=[active, *[d for d, _ in flags]])
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
    return register(buffer_registration, hook)


def register_module_module_registration_hook(hook):
    """Call ``hook(module, name, submodule)`` whenever a module is registered; it may return another."""
    return register(module_registration, hook)


def register_module_parameter_registration_hook(hook):
    """Call ``hook(module, name, parameter)`` whenever a parameter is registered; it may return another."""
    return register(parameter_registration, hook)


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
        _hook_last_node(module, legacy, args, result)
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


def _hook_last_node(module, hooks, args, result):
    """Old backward hooks hang on the node that made the result."""
    var = result
    while not isinstance(var, Tensor):
        var = next(v for v in var.values() if isinstance(v, Tensor)) if isinstance(var, dict) else var[0]
    node = var.grad_fn
    if node is not None:
        for hook in hooks:
            bound = functools.partial(hook, module)
            bound.__name__ = getattr(hook, "__name__", "<unknown>")
            node.register_hook(bound)
        _warn_of_what_is_missing(args, result, node)


def _warn_of_what_is_missing(args, result, node):
    def warn(where, what):
        warnings.warn(
            f"Using {where} is deprecated and will be removed in future versions. This hook will be missing some "
            f"{what}. Please use register_full_backward_hook to get the documented behavior.",
            FutureWarning,
            stacklevel=6,
        )

    results, inputs = [v if isinstance(v, tuple) else (v,) for v in (result, args)]
    for values, verb, what in (
        (results, "return", "of the grad_output"),
        (inputs, "take as input", "of the grad_input"),
    ):
        if not all(isinstance(v, Tensor) for v in values):
            return warn(
                f"non-full backward hooks on a Module that does not {verb} a single Tensor or a tuple of Tensors", what
            )
    made_by = {v.grad_fn for v in results if v.grad_fn is not None}
    if len(made_by) > 1 or node not in made_by:
        return warn("a non-full backward hook when outputs are generated by different autograd Nodes", "grad_output")
    if {v.grad_fn for v in inputs if v.grad_fn is not None} != {n for n, _ in node.next_functions}:
        warn("a non-full backward hook when the forward contains multiple autograd Nodes", "grad_input")
    return None


@primitive(outputs="many")
def backward_hook_function(*xs):
    """The same values, through one node where hooks see all their gradients together."""
    return xs


backward_hook_function.vjp(xs=lambda g: g)
backward_hook_function.primitive.grad_name = "BackwardHookFunctionBackward"  # as PyTorch calls it


class BackwardHook:
    """Two identity nodes around a module: gradients leave through the first and enter through the second.

    Hooks see a gradient for each positional argument and each result: None where it is no tensor, zeros for an
    argument that takes no part.
    """

    def __init__(self, module, user_hooks, user_pre_hooks):
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs = None
        self.args = ()
        self.n_outputs = -1
        self.input_index = self.output_index = ()

    def _through(self, values, hook):
        """``values`` behind a node with ``hook``, and the places of those that want gradients."""
        index = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v._node is not None]
        if not (index and tape.mode & RECORDING):
            return values, ()
        out = list(values)
        for i, new in zip(index, backward_hook_function(*[values[i] for i in index])):
            new._cell = values[i]._cell
            out[i] = new
        out[index[0]]._node.edges[0].register_hook(hook)
        return tuple(out), index

    def setup_input_hook(self, args):
        """``args`` behind the node through which gradients leave."""
        passed, self.input_index = self._through(args, self._inputs_arrived)
        self.args = [(v._data.shape, v._data.dtype) if isinstance(v, Tensor) else None for v in args]
        return passed

    def _inputs_arrived(self, grads, _):
        if self.grad_outputs is None:
            return None  # the gradients did not come through this module's outputs
        full = [None if arg is None else wrap(np.zeros(*arg)) for arg in self.args]
        for i, g in zip(self.input_index, grads):
            full[i] = full[i] if g is None else g
        result = self._run(self.user_hooks, tuple(full), "hook", "grad_input", self.grad_outputs)
        self.grad_outputs = None
        return tuple([result[i] for i in self.input_index])

    def _run(self, hooks, grads, kind, what, *more):
        for hook in hooks:
            new = hook(self.module, grads, *more)
            if new is not None:
                if len(new) != len(grads):
                    raise RuntimeError(
                        f"Backward {kind} returned an invalid number of {what}, got {len(new)}, but expected {len(grads)}"
                    )
                grads = new
        return grads

    def setup_output_hook(self, result):
        """``result`` behind the node through which gradients enter."""
        values = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(values)
        passed, self.output_index = self._through(values, self._outputs_arrived)
        if isinstance(result, tuple):
            return passed if type(result) is tuple else type(result)(*passed)
        return passed[0]

    def _outputs_arrived(self, _, grads):
        full = [None] * self.n_outputs
        for i, g in zip(self.output_index, grads):
            full[i] = g
        grads = self.grad_outputs = self._run(self.user_pre_hooks, tuple(full), "pre hook", "grad_output")
        if not self.input_index:  # no gradient leaves through the inputs: the hooks run now
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                "inputs require gradients.", stacklevel=2)  # fmt: skip
            for hook in self.user_hooks:
                new = hook(self.module, (None,) * len(self.args), grads)
                if new is not None and not (isinstance(new, tuple) and all(g is None for g in new)):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return None or None "
                        "for all gradients."
                    )
            self.grad_outputs = None
        return tuple([grads[i] for i in self.output_index])
