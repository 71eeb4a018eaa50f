"""PyTorch's door ``torch.jit``: what a script marks for TorchScript runs as the Python that it is.

There is no compiler, and a compiled function computes the same: decorators return what they were given, as
:func:`tensorlite.compile` does. What needs a compiled program (its graph, its file, its threads) is refused.

Examples
--------
>>> import tensorlite as torch
>>> @torch.jit.script
... def double(x):
...     return 2 * x
>>> double(torch.ones(2))
tensor([2., 2.])
"""

from contextlib import contextmanager
from typing import Final

from .functions.refused import refused
from .nn.module import Module

__all__ = [
    "Attribute", "Final", "ScriptModule", "annotate", "export", "fork", "freeze", "ignore", "is_scripting", "is_tracing",
    "isinstance", "load", "optimize_for_inference", "optimized_execution", "save", "script", "script_if_tracing",
    "script_method", "trace", "unused", "wait",
]  # fmt: skip

_isinstance = isinstance


class ScriptModule(Module):
    """A module: the base class of those that script themselves."""


def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """``obj`` (a function, a class or a module) itself; the other arguments only steer PyTorch's compiler."""
    return obj


def trace(
    func, example_inputs=None, optimize=None, check_trace=True, check_inputs=None, check_tolerance=1e-5, strict=True
):
    """``func`` itself, after one run on its example, as PyTorch's tracing does; the rest only steers PyTorch's compiler.

    Python's branches stay branches: nothing is frozen into the path that the example took.
    """
    if example_inputs is not None:
        func(*example_inputs if _isinstance(example_inputs, (tuple, list)) else (example_inputs,))
    return func


def export(fn):
    """``fn`` itself: what is marked for the compiler runs as Python."""
    return fn


script_if_tracing = script_method = unused = export


def ignore(drop=False, **kwargs):
    """The decorated function itself: ``@ignore`` or ``@ignore(drop=True)``."""
    return drop if callable(drop) else lambda fn: fn


def freeze(mod, preserved_attrs=None, optimize_numerics=True):
    """``mod`` itself, which must be in evaluation mode."""
    if mod.training:
        raise RuntimeError("Freezing is currently only implemented for modules in eval mode. Please call .eval() on your "
                           "module before freezing.")  # fmt: skip
    return mod


def optimize_for_inference(mod, other_methods=None):
    """``mod`` itself."""
    return mod


def is_scripting():
    """False: Python runs."""
    return False


is_tracing = is_scripting


def annotate(the_type, the_value):
    """``the_value``; the type is for PyTorch's compiler."""
    return the_value


def isinstance(obj, target_type):
    """Python's ``isinstance``."""
    return _isinstance(obj, target_type)


def Attribute(value, type):
    """``value``; the type is for PyTorch's compiler."""
    return value


@contextmanager
def optimized_execution(should_optimize):
    """Nothing changes: there is no optimizer of programs."""
    yield


_NO_PROGRAMS = "there are no compiled programs; "

save = refused("jit.save", _NO_PROGRAMS + "save the state_dict() with save()")
load = refused("jit.load", _NO_PROGRAMS + "build the module and load its state_dict()")
fork = refused("jit.fork", _NO_PROGRAMS + "call the function")
wait = refused("jit.wait", _NO_PROGRAMS + "use the function's result")
