"""Optimizer: parameter groups, state, hooks, and a state_dict that PyTorch understands.

https://docs.pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

import copy
import functools
import itertools
import warnings
from collections import OrderedDict, defaultdict

import numpy as np

from .. import engine
from ..engine import Leaf, TensorBase, register
from ..engine.trail import trail
from ..mistakes import training

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook", "required"]


class _Required:
    """Marks an option that every parameter group must give."""

    def __repr__(self):
        return "<required parameter>"


required = _Required()


def number(value):
    """A hyperparameter as a Python number; one-element tensors are allowed."""
    if value.__class__ is float or value.__class__ is int:
        return value
    return float(engine.unwrap(value).reshape(())) if hasattr(engine.unwrap(value), "reshape") else float(value)


def evaluated(closure):
    """The loss that ``closure`` computes, with gradients enabled; None without one."""
    if closure is None:
        return None
    with engine.recording(True):
        return closure()


def check(ok, message):
    """Raise ``ValueError(message)`` unless ``ok``."""
    if not ok:
        raise ValueError(message)


def check_rate(lr, message="Invalid learning rate"):
    """The checks that every optimizer makes of its learning rate."""
    if isinstance(lr, TensorBase) and lr._data.size != 1:
        raise ValueError("Tensor lr must be 1-element")
    check((number(lr) if isinstance(lr, TensorBase) else lr) >= 0.0, f"{message}: {lr}")


_pre_hooks: OrderedDict = OrderedDict()
_post_hooks: OrderedDict = OrderedDict()


def register_optimizer_step_pre_hook(hook):
    """Call ``hook(optimizer, args, kwargs)`` before each step of any optimizer; it may return new ``(args, kwargs)``."""
    return register(_pre_hooks, hook)


def register_optimizer_step_post_hook(hook):
    """Call ``hook(optimizer, args, kwargs)`` after each step of any optimizer."""
    return register(_post_hooks, hook)


def _watched(step, self, args, kwargs):
    """``step`` as a range of its own in a profile."""
    from ..profiler.record import record_function

    with record_function(f"Optimizer.step#{type(self).__name__}.step"):
        return step(self, *args, **kwargs)


def _hooked(step):
    """``step`` between the hooks that the user registered; the outermost ``step`` runs them once."""

    @functools.wraps(step)
    def wrapper(self, *args, **kwargs):
        if self.__dict__.get("_opt_called") is False:  # a scheduler waits to see the first step
            self._opt_called = True
        trail.steps += 1
        if self.__dict__.get("_early"):  # the first steps are looked at for classic mistakes
            training.before_step(self, kwargs.get("closure", args[0] if args else None))
        before, after = self._optimizer_step_pre_hooks, self._optimizer_step_post_hooks
        if not (before or after or _pre_hooks or _post_hooks) or self.__dict__.get("_stepping"):
            if engine.state.watch is None:
                return step(self, *args, **kwargs)
            return _watched(step, self, args, kwargs)
        for hook in [*_pre_hooks.values(), *before.values()]:
            changed = hook(self, (self, *args), kwargs)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                (_, *args), kwargs = changed
        self._stepping = True
        try:
            result = _watched(step, self, args, kwargs)
        finally:
            self._stepping = False
        for hook in [*after.values(), *_post_hooks.values()]:
            hook(self, (self, *args), kwargs)
        return result

    return wrapper


_HOOKS = ("step_pre", "step_post", "state_dict_pre", "state_dict_post", "load_state_dict_pre", "load_state_dict_post")


class Optimizer:
    """Base class of all optimizers.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict
        What to optimize. Dicts are parameter groups with options of their own under the key ``params``.
    defaults : dict
        Options for groups that do not give them.

    Attributes
    ----------
    param_groups : list of dict
    state : dict
        Tensor -> dict of that parameter's moments and counters.

    Raises
    ------
    ValueError
        For no parameters, a tensor that is not a leaf, or a parameter in two groups.
    TypeError
        For anything that is not a tensor.

    Examples
    --------
    A new optimizer is a subclass with a ``step``:

    >>> import tensorlite as tl
    >>> class Descent(tl.optim.Optimizer):
    ...     @tl.no_grad()
    ...     def step(self, closure=None):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p -= group["lr"] * p.grad
    >>> w = tl.tensor([1.0], requires_grad=True)
    >>> (w * 2).sum().backward()
    >>> Descent([w], {"lr": 0.1}).step()
    >>> w.detach()
    tensor([0.8000])
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _hooked(cls.__dict__["step"])

    def __init__(self, params, defaults):
        self.defaults = defaults
        self._make_hooks()
        if isinstance(params, TensorBase):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{_typename(params)}"
            )
        self._state, self._private = defaultdict(dict), True
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError(training.empty("optimizer got an empty parameter list"))
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)
        training.born(self)

    def _make_hooks(self):
        for name in _HOOKS:
            self.__dict__.setdefault(f"_optimizer_{name}_hooks", OrderedDict())

    @property
    def state(self):
        """Tensor -> dict of that parameter's moments and counters."""
        self._private = False  # whoever has seen it may change it: from now on every step looks
        return self._state

    @state.setter
    def state(self, state):
        self._state, self._private = state, False

    # -- groups --------------------------------------------------------------------------------------

    def add_param_group(self, param_group):
        """Optimize more parameters, with options of their own.

        Parameters
        ----------
        param_group : dict
            ``params`` (a Tensor or an iterable of them, or of ``(name, Tensor)``) and any options.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, TensorBase):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        params = list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names:
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            param_group["param_names"] = names
            params = [p[1] for p in params]
        param_group["params"] = params
        for p in params:
            if not isinstance(p, TensorBase):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {_typename(p)}")
            if not (p._node is None or isinstance(p._node, Leaf) or getattr(p, "retains_grad", False)):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(params) != len({id(p) for p in params}):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        for group in self.param_groups:
            if ("param_names" in param_group) != ("param_names" in group):
                which = "with names" if "param_names" in param_group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {which} to the optimizer"
                )
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if not known.isdisjoint({id(p) for p in params}):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters.

        Parameters
        ----------
        set_to_none : bool, default True
            Set ``grad`` to None; otherwise fill it with zeros in place. A gradient that you hold stays as it is
            in the first case.
        """
        for group in self.param_groups:
            if set_to_none:
                for p in group["params"]:
                    p._grad = None
                continue
            for p in group["params"]:
                grad = p._grad
                if grad is not None:
                    grad._node = None
                    grad._data.fill(0)
                    engine.touch(grad)

    def step(self, closure=None):
        """Update the parameters once.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss again (with gradients enabled) and returns it.
        """
        raise NotImplementedError

    step = _hooked(step)

    def _rate(self, group):
        """The learning rate of this step; a subclass may let it depend on the number of steps."""
        return number(group["lr"])

    # -- hooks ---------------------------------------------------------------------------------------

    def _register(self, name, hook, prepend=False):
        return register(self.__dict__[f"_optimizer_{name}_hooks"], hook, prepend=prepend)

    def register_step_pre_hook(self, hook):
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return new ``(args, kwargs)``."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook):
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call ``hook(optimizer)`` before :meth:`state_dict`."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call ``hook(optimizer, state_dict)`` after :meth:`state_dict`; it may return another one."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call ``hook(optimizer, state_dict)`` before :meth:`load_state_dict`; it may return another one."""
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call ``hook(optimizer)`` after :meth:`load_state_dict`."""
        return self._register("load_state_dict_post", hook, prepend)

    # -- state ---------------------------------------------------------------------------------------

    def state_dict(self):
        """The state in PyTorch's layout: parameters are replaced by their number.

        Returns
        -------
        dict
            ``state``: number -> dict of moments and counters; ``param_groups``: options, with numbers as ``params``.
            The tensors are the optimizer's own, not copies.
        """
        for hook in list(self._optimizer_state_dict_pre_hooks.values()):
            hook(self)
        numbers = {}
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
        groups = [
            {**{k: v for k, v in group.items() if k != "params"}, "params": [numbers[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {numbers[id(k)] if isinstance(k, TensorBase) else k: v for k, v in self.state.items()}
        result = {"state": state, "param_groups": groups}
        for hook in list(self._optimizer_state_dict_post_hooks.values()):
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict):
        """Take over the state of an optimizer of the same kind, here or in PyTorch.

        Parameters
        ----------
        state_dict : dict
            From :meth:`state_dict`. Its tensors are copied, and cast to the dtype of their parameter
            (counters under the key ``step`` keep theirs).

        Raises
        ------
        ValueError
            If the groups are not of the same number and sizes.
        """
        state_dict = dict(state_dict)
        for hook in list(self._optimizer_load_state_dict_pre_hooks.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved = copy.deepcopy(state_dict["param_groups"])
        groups = self.param_groups
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(g["params"]) != len(s["params"]) for g, s in zip(groups, saved)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        numbers = itertools.chain.from_iterable(s["params"] for s in saved)
        owner = dict(zip(numbers, itertools.chain.from_iterable(g["params"] for g in groups)))
        state = defaultdict(dict)
        for k, v in state_dict["state"].items():
            if k in owner:
                state[owner[k]] = _fit(owner[k], v)
            else:
                state[k] = v
        for group, new in zip(groups, saved):
            new["params"] = group["params"]
            if "param_names" in group:
                new.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in list(self._optimizer_load_state_dict_post_hooks.values()):
            hook(self)

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        for name, value in state.items():
            setattr(self, name, value)
        for own in self._state.values():  # old releases of PyTorch saved numbers
            for name in set(getattr(self, "counters", ())).intersection(own):
                if isinstance(own[name], (int, float)):
                    own[name] = engine.wrap(np.array(own[name], np.float32))
        self._make_hooks()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self):
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            options = "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
            text += f"\nParameter Group {i}\n{options}"
        return text + ")"


def _typename(x):
    cls = type(x)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _fit(param, value, key=None):
    """A copy of loaded state that suits ``param``: dtype of the parameter, tensors of this library."""
    if isinstance(value, dict):
        return {k: _fit(param, v, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_fit(param, v) for v in value)
    if isinstance(value, TensorBase):
        array = value._data
    elif hasattr(value, "detach") and hasattr(value, "numpy"):  # a tensor of another framework
        array = value.detach().cpu().numpy()
    elif isinstance(value, np.ndarray):
        array = value
    else:
        return value
    dtype = param._data.dtype if key != "step" and param._data.dtype.kind in "fc" else array.dtype
    return engine.wrap(np.array(array, dtype=dtype, order="K"))
