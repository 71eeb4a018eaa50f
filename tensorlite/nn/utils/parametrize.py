"""Parametrizations: a parameter that is computed from others whenever it is read.

A module with one gets a class of its own (``ParametrizedLinear``) with a property in the parameter's place;
``module.parametrizations[name]`` holds the functions and the ``original`` parameters.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import contextmanager, suppress

from ... import engine
from ..._tensor import Tensor
from ..container import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip

_cache_depth = 0
_cache: dict = {}


@contextmanager
def cached():
    """Within the block every parametrized tensor is computed once and then reused.

    Examples
    --------
    >>> from tensorlite.nn.utils import parametrize
    >>> with parametrize.cached():
    ...     pass
    """
    global _cache_depth
    _cache_depth += 1
    try:
        yield
    finally:
        _cache_depth -= 1
        if not _cache_depth:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The functions of one parametrized tensor in the order in which they are applied, and what they start from.

    Attributes
    ----------
    original, or original0, original1, ...
        What ``right_inverse`` made of the parameter: one tensor, or several.
    """

    def __init__(self, modules, original, unsafe=False):
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        new = original
        with engine.recording(False):
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with suppress(NotImplementedError):  # as in PyTorch: it then starts from the value itself
                        new = module.right_inverse(new)
        self.is_tensor = isinstance(new, Tensor)
        if not self.is_tensor and not isinstance(new, (tuple, list)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if new.dtype != original.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            if isinstance(original, Parameter):
                if new is not original:
                    original.data = new.detach()
                self.register_parameter("original", original)
            else:
                self.register_buffer("original", new.detach())
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                        f"Got element {i} of the sequence with type {type(part).__name__}."
                    )
                if isinstance(original, Parameter):
                    self.register_parameter(f"original{i}", Parameter(part.detach(), original.requires_grad))
                else:
                    self.register_buffer(f"original{i}", part.detach())

    def _originals(self):
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value):
        """Set the originals so that the parametrized tensor becomes ``value``."""
        with engine.recording(False):
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            if self.is_tensor:
                value = [value]
            elif not isinstance(value, Sequence) or len(value) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                    f"Got {f'a sequence of length {len(value)}' if isinstance(value, Sequence) else type(value)}."
                )
            for old, new in zip(self._originals(), value):
                if not isinstance(new, Tensor):
                    raise ValueError(
                        f"`right_inverse` should return a tensor. Got {type(new).__name__}"
                        if self.is_tensor
                        else f"`right_inverse` must return a sequence of tensors. Got element of type {type(new).__name__}"
                    )
                if old.dtype != new.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype {new.dtype} while `original` has dtype {old.dtype}"
                    )
                old.data = new.detach()

    def forward(self):
        first, *rest = self
        x = first(*self._originals())
        for module in rest:
            x = module(x)
        return x


def _property(name):
    def read(self):
        if _cache_depth:
            key = (id(self), name)
            if key not in _cache:
                _cache[key] = self.parametrizations[name]()
            return _cache[key]
        return self.parametrizations[name]()

    def write(self, value):
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def _own_class(module):
    """Give ``module`` a class of its own, to hang properties on."""
    cls = type(module)

    def no_getstate(self):
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(). See: "
            "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
            "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
        )

    def deepcopy(self, memo):
        found = memo.get(id(self))
        if found is None:
            found = memo[id(self)] = cls.__new__(type(self))
            Module.__setstate__(found, copy.deepcopy(Module.__getstate__(self), memo))
            found.__class__ = type(type(self).__name__, (cls,), dict(vars(type(self))))
        return found

    def set_attribute(self, name, value):
        found = vars(type(self)).get(name)
        if isinstance(found, property):
            found.fset(self, value)
        else:
            cls.__setattr__(self, name, value)

    body = {"__getstate__": no_getstate, "__deepcopy__": deepcopy, "__setattr__": set_attribute, "_parametrized": cls}
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), body)
    module.parametrizations = ModuleDict()


def is_parametrized(module, tensor_name=None):
    """Whether ``module`` (or its tensor ``tensor_name``) has a parametrization."""
    found = module.__dict__.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def _unchanged(name, old, new, back=False):
    """Refuse a map (``back``: a ``right_inverse``) that changes the kind, dtype or shape of a tensor."""
    if not isinstance(new, Tensor):
        who = (
            "parametrization.right_inverse must return a tensor. Got:"
            if back
            else "A parametrization must return a tensor. Got"
        )
        raise ValueError(f"{who} {type(new).__name__}" + "." * (not back))
    for member in ("dtype", "shape"):
        was, now = getattr(old, member), getattr(new, member)
        if was != now:
            what = (
                f"The tensor returned by parametrization.right_inverse must have the same {member} as module.{name}"
                if back
                else f"Registering a parametrization may not change the {member} of the tensor"
            )
            raise ValueError(
                f"{what}, unless the `unsafe` flag is enabled.\nmodule.{name}.{member}: {was}\nreturned {member}: {now}"
            )


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Compute parameter or buffer ``tensor_name`` of ``module`` by ``parametrization`` from now on.

    Parameters
    ----------
    module : Module
    tensor_name : str
    parametrization : Module
        Its ``forward`` maps the original tensor to the one that is used; an optional ``right_inverse`` maps
        back, for assignments.
    unsafe : bool
        Allow another shape or dtype.

    Returns
    -------
    Module
        ``module``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.nn.utils import parametrize
    >>> class Symmetric(tl.nn.Module):
    ...     def forward(self, w):
    ...         return w.triu() + w.triu(1).transpose(-1, -2)
    >>> layer = parametrize.register_parametrization(tl.nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        listed = module.parametrizations[tensor_name]
        if not unsafe:
            now = getattr(module, tensor_name)
            after = parametrization(now)
            _unchanged(tensor_name, now, after)
            if hasattr(parametrization, "right_inverse"):
                with suppress(NotImplementedError):
                    _unchanged(tensor_name, now, parametrization.right_inverse(after), back=True)
        listed.append(parametrization)
        listed.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        before = original.detach()  # the list may put another tensor in its place
        listed = ParametrizationList([parametrization], original, unsafe)
        if not unsafe:
            with engine.recording(False):
                _unchanged(tensor_name, before, listed())
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _own_class(module)
        module.parametrizations[tensor_name] = listed
        setattr(type(module), tensor_name, _property(tensor_name))
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'"
        )
    return module


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Undo :func:`register_parametrization`.

    Parameters
    ----------
    module : Module
    tensor_name : str
    leave_parametrized : bool, default True
        Keep the computed value; otherwise the original tensor (where there is just one).
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    listed = module.parametrizations[tensor_name]
    originals = listed._originals()
    was_parameter = isinstance(originals[0], Parameter)
    if listed.is_tensor:
        kept = originals[0]
        if leave_parametrized:
            with engine.recording(False):
                kept.data = getattr(module, tensor_name).clone()
    elif leave_parametrized:
        value = getattr(module, tensor_name).detach().clone()
        kept = Parameter(value, any(o.requires_grad for o in originals)) if was_parameter else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a sequence "
            "of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        delattr(module, "parametrizations")
        module.__class__ = type(module)._parametrized
    if was_parameter:
        module.register_parameter(tensor_name, kept)
    else:
        module.register_buffer(tensor_name, kept)
    return module


def type_before_parametrizations(module):
    """The class of ``module`` without parametrizations."""
    return type(module)._parametrized if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Give ``to_module`` the parametrizations of ``from_module`` and the parameters under them."""
    if not is_parametrized(from_module):
        return to_module
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        listed = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for function in listed:
            register_parametrization(to_module, name, function)
        for old, new in zip(listed._originals(), to_module.parametrizations[name]._originals()):
            with engine.recording(False):
                new.copy_(old)
    return to_module
