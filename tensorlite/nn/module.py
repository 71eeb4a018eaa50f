"""Module: the base of every layer and network."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import MutableMapping

import numpy as np

from .. import dtypes
from .._device import check_device
from .._device import device as _device
from .._tensor import Tensor
from ..engine import Leaf
from ..mistakes.training import holds
from . import hooks as _hooks
from ._blame import explain, misplaced
from ._hook_methods import HookMethods
from ._state_dict import StateDict
from ._tree import Tree
from .parameter import Buffer, Parameter

__all__ = ["Module"]

#: What a wrong shape or dtype raises; such an error learns the path of the module it came from.
_EXPLAINED = (RuntimeError, ValueError, TypeError, IndexError)


#: What cannot hide layers from ``parameters()``; a list, a closure or an object of another class can.
_SIMPLE = frozenset({int, float, complex, str, bool, bytes, type(None), Tensor, np.ndarray, dtypes.dtype, _device})


class Registry(dict):
    """Members of a module by name.

    Each member also stands in the module's ``__dict__``, where Python finds attributes at once; whoever
    writes to ``module._parameters`` directly is followed there.
    """

    __slots__ = ("_owner",)

    def __init__(self, owner, items=()):
        super().__init__()
        self._owner = weakref.ref(owner)
        self.update(items)

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        owner = self._owner()
        if owner is not None:
            owner.__dict__[name] = value

    def __delitem__(self, name):
        value = self[name]
        super().__delitem__(name)
        owner = self._owner()
        if owner is not None and owner.__dict__.get(name) is value:
            owner.__dict__.pop(name, None)

    def pop(self, name, *default):
        if name not in self and default:
            return default[0]
        value = self[name]
        del self[name]
        return value

    def popitem(self):
        name = next(reversed(self), None)
        return name, self.pop(name)

    def clear(self):
        for name in list(self):
            del self[name]

    update, setdefault = MutableMapping.update, MutableMapping.setdefault

    def __ior__(self, other):
        self.update(other)
        return self

    def __reduce_ex__(self, protocol):
        return dict, (dict(self),)


_REGISTRIES = ("_parameters", "_buffers", "_modules")


def _fresh(module):
    """What a module consists of before anything is registered."""
    return dict(
        training=True,
        _parameters=Registry(module),
        _buffers=Registry(module),
        _modules=Registry(module),
        _non_persistent_buffers_set=set(),
        _backward_pre_hooks=OrderedDict(),
        _backward_hooks=OrderedDict(),
        _is_full_backward_hook=None,
        _forward_hooks=OrderedDict(),
        _forward_hooks_with_kwargs=OrderedDict(),
        _forward_hooks_always_called=OrderedDict(),
        _forward_pre_hooks=OrderedDict(),
        _forward_pre_hooks_with_kwargs=OrderedDict(),
        _state_dict_hooks=OrderedDict(),
        _state_dict_pre_hooks=OrderedDict(),
        _load_state_dict_pre_hooks=OrderedDict(),
        _load_state_dict_post_hooks=OrderedDict(),
    )


class Module(Tree, HookMethods, StateDict):
    """The base class of layers and networks.

    Parameters, buffers and modules that are assigned as attributes are registered. A subclass calls
    ``super().__init__()`` first, makes its parts and defines ``forward``.

    Attributes
    ----------
    training : bool
        Whether layers such as dropout behave as in training; see :meth:`train` and :meth:`eval`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> class Net(tl.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc = tl.nn.Linear(3, 2)
    ...     def forward(self, x):
    ...         return self.fc(x).relu()
    >>> net = Net()
    >>> net(tl.zeros(5, 3)).shape
    torch.Size([5, 2])
    >>> net
    Net(
      (fc): Linear(in_features=3, out_features=2, bias=True)
    )
    """

    dump_patches = False
    _version = 1
    training: bool
    call_super_init = False

    def __init__(self, *args, **kwargs):
        if not self.call_super_init and (args or kwargs):
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            raise TypeError(
                f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        self.__dict__.update(_fresh(self))
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # -- calling -----------------------------------------------------------------------------------

    def __call__(self, *args, **kwargs):
        if (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or _hooks.active
        ):
            run = _hooks.call
        else:
            run = None
        try:
            return self.forward(*args, **kwargs) if run is None else run(self, args, kwargs)
        except AttributeError as error:
            if (wrong := misplaced(self, args)) is not None:
                raise wrong from error
            raise
        except _EXPLAINED as error:
            explain(self, args, error)
            raise

    def forward(self, *args, **kwargs):
        """What the module computes; a subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # -- attributes --------------------------------------------------------------------------------

    def __setattr__(self, name, value):
        d = self.__dict__
        if isinstance(value, Parameter):
            self._move(name, "_parameters", "parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module) and name not in d.get("_parameters", ()):
            self._move(name, "_modules", "module")
            for hook in _hooks.module_registration.values():
                new = hook(self, name, value)
                value = value if new is None else new
            d["_modules"][name] = value
        elif isinstance(value, Buffer) and not (name in d.get("_parameters", ()) or name in d.get("_modules", ())):
            only = () if value.persistent else (False,)  # a subclass's own register_buffer may take no third argument
            self.register_buffer(name, value, *only)
        elif "_modules" in d:
            if name in d["_parameters"]:
                if value is not None:
                    raise TypeError(
                        f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                    )
                self.register_parameter(name, None)
            elif name in d["_modules"]:
                if value is not None:
                    raise TypeError(
                        f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                    )
                d["_modules"][name] = None
            elif name in d["_buffers"]:
                if value is not None and not isinstance(value, Tensor):
                    raise TypeError(
                        f"cannot assign '{typename(value)}' as buffer '{name}' "
                        "(torch.nn.Buffer, torch.Tensor or None expected)"
                    )
                d["_buffers"][name] = value
            elif name in _REGISTRIES:
                d[name].clear()
                d[name] = Registry(self, value)
            else:
                if value.__class__ not in _SIMPLE:
                    holds(self, value)
                object.__setattr__(self, name, value)
        else:
            if value.__class__ not in _SIMPLE:
                holds(self, value)
            object.__setattr__(self, name, value)

    def _move(self, name, registry, what):
        """Free ``name`` for a new member of ``registry``."""
        d = self.__dict__
        if "_modules" not in d:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if name in d[registry]:
            return
        for other in _REGISTRIES:
            d[other].pop(name, None)
        d["_non_persistent_buffers_set"].discard(name)
        d.pop(name, None)

    def __getattr__(self, name):
        for registry in _REGISTRIES:  # members are found before this; a subclass's own __getattr__ may ask here first
            if name in self.__dict__.get(registry, ()):
                return self.__dict__[registry][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        for registry in _REGISTRIES:
            if name in self.__dict__[registry]:
                del self.__dict__[registry][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self):
        names = dir(type(self)) + list(self.__dict__)
        return sorted({n for n in names if n and not n[0].isdigit()})

    def _check_name(self, name, what, registry):
        if "_modules" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {typename(name)}")
        if what == "module" and name not in self._modules and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain "."' + (f", got: {name}" if what == "module" else ""))
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in registry and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name, param):
        """Register a parameter (or None, which keeps the name for later).

        Raises
        ------
        KeyError
            If the name is taken, empty or has a dot.
        TypeError
            If ``param`` is no Parameter.
        """
        self._check_name(name, "parameter", self.__dict__.get("_parameters"))
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param._node is not None and not isinstance(param._node, Leaf):
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. "
                    f"To express '{name}' as a function of another Tensor, compute the value in the forward() method."
                )
            for hook in _hooks.parameter_registration.values():
                new = hook(self, name, param)
                param = param if new is None else new
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        """Register a tensor that is part of the state but not trained, such as a running mean.

        Parameters
        ----------
        name : str
        tensor : Tensor or None
        persistent : bool, default True
            Whether ``state_dict`` contains it.

        Examples
        --------
        >>> import tensorlite as tl
        >>> m = tl.nn.Module()
        >>> m.register_buffer("mean", tl.zeros(2))
        >>> m.mean
        tensor([0., 0.])
        """
        self._check_name(name, "buffer", self.__dict__.get("_buffers"))
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        for hook in _hooks.buffer_registration.values():
            new = hook(self, name, tensor)
            tensor = tensor if new is None else new
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name, module):
        """Register a child module under ``name`` (which need not be a Python identifier)."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name(name, "module", self.__dict__.get("_modules"))
        for hook in _hooks.module_registration.values():
            new = hook(self, name, module)
            module = module if new is None else new
        self._modules[name] = module

    def register_module(self, name, module):
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    # -- modes -------------------------------------------------------------------------------------

    def train(self, mode=True):
        """Switch this module and all below it to training mode (or, with False, to evaluation)."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Switch this module and all below it to evaluation mode; the same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Say for all parameters whether they want gradients."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters, or set them to zero."""
        for p in self.parameters():
            if p._grad is None:
                continue
            if set_to_none:
                p._grad = None
            else:
                p._grad.detach_()
                p._grad.zero_()

    # -- conversions -------------------------------------------------------------------------------

    def apply(self, fn):
        """Call ``fn(module)`` for all modules below this one, then for this one; used to initialise weights."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, recurse=True):
        """Replace each parameter, gradient and buffer by ``fn`` of it; parameters stay the same objects."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is not None:
                grad = param._grad
                param.data = fn(param.detach())
                if grad is not None:
                    param.grad = fn(grad.detach()).requires_grad_(grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Convert floating-point parameters and buffers: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``, ``to(tensor)``.

        The only device is the CPU.

        Raises
        ------
        TypeError
            For a dtype that is neither floating point nor complex.
        RuntimeError
            For another device.
        """
        _, dtype, _, memory_format = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        if dtype is None and memory_format is None:
            return self

        def convert(t):
            return t.to(
                dtype=dtype if t._data.dtype.kind in "fc" else None,
                memory_format=memory_format if t._data.ndim in (4, 5) else None,
            )

        return self._apply(convert)

    def _floating(self, dtype):
        return self._apply(lambda t: t.to(dtype) if t._data.dtype.kind == "f" else t)

    def float(self):
        """Convert floating-point parameters and buffers to float32."""
        return self._floating(dtypes.of("float32"))

    def double(self):
        """Convert floating-point parameters and buffers to float64."""
        return self._floating(dtypes.of("float64"))

    def half(self):
        """Convert floating-point parameters and buffers to float16."""
        return self._floating(dtypes.of("float16"))

    def bfloat16(self):
        """Refused: NumPy has no bfloat16."""
        raise TypeError("bfloat16 is not supported: NumPy has no such type; use half() or float()")

    def type(self, dst_type):
        """Convert all parameters and buffers to ``dst_type``."""
        return self._apply(lambda t: t.type(dst_type))

    def cpu(self):
        """Return the module: its parameters are on the CPU."""
        return self

    def cuda(self, device=None):
        """Refused: there is no GPU here."""
        raise AssertionError("tensorlite computes on the CPU only: remove .cuda(), or guard it by cuda.is_available()")

    def xpu(self, device=None):
        """Refused: there is no XPU here."""
        raise AssertionError("tensorlite computes on the CPU only: remove .xpu()")

    def to_empty(self, *, device, recurse=True):
        """Replace parameters and buffers by uninitialised ones on ``device``."""
        check_device(device)
        return self._apply(lambda t: t.new_empty(t.shape), recurse=recurse)

    def share_memory(self):
        """Move parameters and buffers to shared memory, for worker processes."""
        return self._apply(lambda t: t.share_memory_())

    def compile(self, *args, **kwargs):
        """Accepted for scripts that compile their models: there is nothing to compile, the call changes nothing."""

    # -- display and copies ------------------------------------------------------------------------

    def _get_name(self):
        return type(self).__name__

    def summary(self, input=None, **options):
        """Print and return a table of the layers; see :func:`tensorlite.viz.summary`."""
        from ..viz import summary

        return summary(self, input, **options)

    def extra_repr(self):
        """What ``repr`` shows of the module itself; a subclass may define it."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + repr(m).replace("\n", "\n  ") for name, m in self._modules.items()]
        name = self._get_name()
        if not lines and not children:
            return f"{name}()"
        if len(lines) == 1 and not children:
            return f"{name}({lines[0]})"
        return f"{name}(\n  " + "\n  ".join(lines + children) + "\n)"

    def __getstate__(self):
        state = self.__dict__.copy()
        for registry in _REGISTRIES:
            members = state.get(registry)
            if isinstance(members, Registry):
                state[registry] = dict(members)
                for name in members:
                    state.pop(name, None)
        return state

    def __setstate__(self, state):
        self.__dict__.update(_fresh(self) | state)
        for registry in _REGISTRIES:
            self.__dict__[registry] = Registry(self, self.__dict__[registry])


def typename(value):
    """The name of a value's type as PyTorch's messages give it."""
    kind = type(value)
    if isinstance(value, Tensor) and kind.__name__ == "Tensor":
        return dtypes.of(value._data.dtype).typename
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _parse_to(*args, device=None, dtype=None, non_blocking=False, memory_format=None, tensor=None, **others):
    """The arguments of ``to``: (device, dtype, non_blocking, memory_format)."""
    if "copy" in others:
        raise RuntimeError(".to() does not accept copy argument")
    left = list(args)
    followed = True  # by a bool, non_blocking: a dtype and a tensor are, a device alone is not
    if left and isinstance(left[0], Tensor):
        tensor = left.pop(0)
    elif left and (left[0] is None or isinstance(left[0], (str, int, _device))):
        device, followed = left.pop(0), False
    if left and isinstance(left[0], dtypes.dtype):
        dtype, followed = left.pop(0), True
    if tensor is not None:
        dtype = dtypes.of(tensor._data.dtype)
    for _ in range(2):  # non_blocking; copy: modules are converted in place
        if followed and left and isinstance(left[0], bool):
            left.pop(0)
    if left or others or not (dtype is None or isinstance(dtype, dtypes.dtype)):
        named = dict(dtype=dtype, **others) if dtype is not None and dtype not in args else others
        got = [type(a).__name__ for a in args] + [f"{k}={type(v).__name__}" for k, v in named.items()]
        raise TypeError(
            f"to() received an invalid combination of arguments - got ({', '.join(got)}), but expected a device, a dtype, "
            "a device and a dtype, or a tensor"
        )
    check_device(device)
    return device, dtype, non_blocking, memory_format
