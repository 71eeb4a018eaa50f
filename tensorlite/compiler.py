"""PyTorch's door ``torch.compiler``: there is no compiler, so nothing is compiling, and decorators return the function.

Examples
--------
>>> import tensorlite as torch
>>> torch.compiler.is_compiling()
False
"""

from .functions.running import compile

__all__ = [
    "allow_in_graph",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "reset",
]


def is_compiling():
    """False: Python runs."""
    return False


is_dynamo_compiling = is_compiling


def disable(fn=None, recursive=True, *, reason=None):
    """``fn`` itself; also a decorator with arguments, which only steer PyTorch's compiler."""
    return (lambda function: function) if fn is None else fn


def allow_in_graph(fn):
    """``fn`` itself."""
    return fn


def reset():
    """Nothing is cached."""


cudagraph_mark_step_begin = reset
