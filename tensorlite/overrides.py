"""Classes derived from ``Tensor``: their operations go through ``__torch_function__``, and results keep the class.

A program that derives no class from ``Tensor`` pays nothing: methods are wrapped in the new class alone, and the public
functions are replaced by ones that look for such arguments when the first class appears. Classes that are not derived
from ``Tensor`` are not asked.

Examples
--------
>>> import tensorlite as tl
>>> class Noted(tl.Tensor):
...     @classmethod
...     def __torch_function__(cls, func, types, args=(), kwargs=None):
...         print(func.__name__)
...         return super().__torch_function__(func, types, args, kwargs)
>>> x = tl.ones(2).as_subclass(Noted)
>>> y = (x * 2).sum()
mul
sum
>>> type(y).__name__
'Noted'
"""

import functools
import sys
import threading
from importlib import import_module
from inspect import getattr_static
from types import FunctionType, ModuleType

from .engine import Leaf, TensorBase

__all__ = ["enable_reentrant_dispatch", "has_torch_function", "is_tensor_like"]

#: Where public functions are found, and those that are never handed to a class.
_HOMES = ("", ".nn.functional", ".linalg", ".fft", ".special")
_OWN = {"is_tensor", "load", "save", "typename"}
#: Methods that make or take apart the object itself.
_PLAIN = {
    "__deepcopy__", "__dir__", "__getattr__", "__getstate__", "__hash__", "__init__", "__init_subclass__", "__new__",
    "__reduce__", "__reduce_ex__", "__setstate__", "as_subclass",
}  # fmt: skip
#: What PyTorch calls where Python calls an operator.
_OPERATORS = {
    "__abs__": "abs", "__add__": "add", "__and__": "bitwise_and", "__eq__": "eq", "__ge__": "ge", "__gt__": "gt",
    "__iadd__": "add_", "__imul__": "mul_", "__isub__": "sub_", "__itruediv__": "div_", "__le__": "le", "__lt__": "lt",
    "__matmul__": "matmul", "__mul__": "mul", "__ne__": "ne", "__neg__": "neg", "__or__": "bitwise_or", "__radd__": "add",
    "__rmul__": "mul", "__sub__": "sub", "__truediv__": "div",
}  # fmt: skip
#: Properties whose values keep the class that they have.
_AS_IS = {"_base", "grad", "grad_fn"}


class _State(threading.local):
    plain = False  # whether operations run without looking at classes


_state = _State()


class _Plainly:
    """A block in which classes are not asked."""

    def __init__(self, plain):
        self.plain = plain

    def __enter__(self):
        self.was, _state.plain = _state.plain, self.plain

    def __exit__(self, *exc):
        _state.plain = self.was


def enable_reentrant_dispatch():
    """A block, inside a ``__torch_function__``, in which classes are asked again."""
    return _Plainly(False)


def is_tensor_like(x):
    """Whether ``x`` is a tensor, or its class has ``__torch_function__``."""
    return isinstance(x, TensorBase) or hasattr(type(x), "__torch_function__")


def has_torch_function(arguments):
    """Whether one of ``arguments`` has a class that wants to be asked."""
    return not _state.plain and any(_asks(type(x)) for x in arguments)


def _asks(cls):
    return getattr(cls, "_asks", False)


def default(cls, func, args, kwargs):
    """``Tensor.__torch_function__``: run ``func``, and give tensors in its result the class ``cls``."""
    with _Plainly(True):
        result = func(*args, **kwargs)
    return result if getattr(func, "__name__", None) in _AS_IS or not _asks(cls) else _dressed(result, cls)


def _dressed(x, cls):
    if isinstance(x, TensorBase):
        if isinstance(x, cls):
            return x
        t = x.as_subclass(cls)
        if isinstance(x._node, Leaf):  # nobody else has seen ``x``
            t._node = Leaf(t)
        return t
    if isinstance(x, (tuple, list)):
        parts = [_dressed(part, cls) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return x


def _ask(func, args, kwargs):
    """``func(*args, **kwargs)`` by the most derived class among the arguments."""
    found = []
    for x in (*args, *kwargs.values()):
        for part in x if isinstance(x, (tuple, list)) else (x,):
            cls = type(part)
            if _asks(cls) and cls not in found:
                found.append(cls)
    if not found:
        return func(*args, **kwargs)
    first = next(c for c in found if not any(issubclass(d, c) and d is not c for d in found))
    result = first.__torch_function__(func, tuple(found), args, kwargs)
    if result is NotImplemented:
        raise TypeError(
            f"Multiple dispatch failed for 'torch.{func.__name__}'; all __torch_function__ handlers returned NotImplemented: "
            f"{', '.join(map(str, found))}"
        )
    return result


def _method(func):
    @functools.wraps(func)
    def method(*args, **kwargs):
        return func(*args, **kwargs) if _state.plain else _ask(func, args, kwargs)

    return method


class Function:
    """A public function that asks the classes of its arguments; equal to the function itself."""

    def __init__(self, func):
        functools.update_wrapper(self, func)
        self.func = func

    def __call__(self, *args, **kwargs):
        return self.func(*args, **kwargs) if _state.plain else _ask(self.func, args, kwargs)

    def __eq__(self, other):
        return self.func == (other.func if isinstance(other, Function) else other)

    def __hash__(self):
        return hash(self.func)

    def __repr__(self):
        return repr(self.func)


def adopt(cls, base):
    """Let the class ``cls``, derived from ``base`` (``Tensor``), take part."""
    if _asks(cls):
        return
    own = {name for c in cls.__mro__[: cls.__mro__.index(base)] for name in vars(c)}
    cls._asks = True
    for name in dir(base):
        if name in own or name in _PLAIN or name.startswith("__array"):
            continue
        found = getattr_static(base, name)
        if isinstance(found, FunctionType):
            setattr(cls, name, _method(getattr_static(base, _OPERATORS.get(name, name))))
        elif isinstance(found, property):
            getter = _method(_getter(found.fget, name))
            setattr(cls, name, property(getter, found.fset, found.fdel, found.__doc__))
    _watch_functions()


def _getter(get, name):
    def getter(self):
        return get(self)

    getter.__name__ = name if name in _AS_IS else "__get__"
    return getter


class _Operations:
    """A module of primitives, as layers see it."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        value = getattr(self._module, name)
        return Function(value) if hasattr(value, "primitive") else value


def homes():
    """The modules with public functions, and those of layers, which call primitives."""
    package = __name__.partition(".")[0]
    public = [import_module(package + home) for home in _HOMES]
    return public, [m for name, m in list(sys.modules.items()) if name.startswith(f"{package}.nn.layer.")]


def _watch_functions():
    public, layers = homes()
    for module in (*public, *layers):
        for name, value in list(vars(module).items()):
            wanted = not name.startswith("_") and name not in _OWN if module in public else hasattr(value, "primitive")
            if wanted and isinstance(value, FunctionType):
                setattr(module, name, Function(value))
            elif module in layers and isinstance(value, ModuleType) and ".ops." in value.__name__:
                setattr(module, name, _Operations(value))
