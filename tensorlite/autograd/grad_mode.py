"""Switching the tape off and on: ``no_grad``, ``enable_grad``, ``set_grad_enabled``, ``inference_mode``.

Each is a context manager and a decorator (of functions and generator functions), and acts on the
current thread only.
"""

from __future__ import annotations

import functools
import inspect
import warnings

from ..engine import RECORDING, state
from ..engine.trail import cut, trail

__all__ = [
    "enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad", "set_grad_enabled",
]  # fmt: skip


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread.

    Examples
    --------
    >>> import tensorlite as tl
    >>> with tl.no_grad():
    ...     tl.is_grad_enabled()
    False
    """
    return bool(state.mode & RECORDING)


def is_inference_mode_enabled() -> bool:
    """Whether :class:`inference_mode` is on in this thread."""
    return state.inference


def decorate(clone, fn):
    """``fn`` with every call (of a generator function: every step) inside the context ``clone()`` makes."""
    if isinstance(fn, type):
        warnings.warn(
            f"Decorating classes is deprecated and will be disabled in future versions. You should only decorate functions or "
            f"methods; the context applies to the construction of {fn.__name__} only.",
            FutureWarning,
            stacklevel=3,
        )
    if not callable(fn):
        raise TypeError(f"expected a function to decorate, got {type(fn).__name__}")
    if not inspect.isgeneratorfunction(fn):

        @functools.wraps(fn)
        def call(*args, **kwargs):
            with clone():
                return fn(*args, **kwargs)

        return call

    @functools.wraps(fn)
    def generate(*args, **kwargs):
        generator = fn(*args, **kwargs)
        resume, value = generator.send, None
        while True:
            try:
                with clone():
                    item = resume(value)
            except StopIteration as stop:
                return stop.value
            try:
                resume, value = generator.send, (yield item)
            except GeneratorExit:
                with clone():
                    generator.close()
                raise
            except BaseException as error:
                resume, value = generator.throw, error

    return generate


def _left(name):
    """The tape is switched off: noted for messages; a new evaluation may begin."""
    cut(f"{name}()")
    if trail.noise:
        trail.noise.clear()


class _Switch:
    """A mode with the value ``recording``; nesting one instance in itself is allowed."""

    recording = True

    def __new__(cls, fn=None):
        if fn is not None:  # used as a decorator without parentheses
            return decorate(cls, fn)
        return object.__new__(cls)

    def __init__(self, fn=None):
        self._old = []

    def __enter__(self):
        mode = state.mode
        self._old.append(mode)
        if mode & RECORDING and not self.recording:
            _left(type(self).__name__)
        state.mode = mode | RECORDING if self.recording else mode & ~RECORDING

    def __exit__(self, *exc):
        state.mode = state.mode & ~RECORDING | self._old.pop() & RECORDING

    def __call__(self, fn):
        return decorate(type(self), fn)


class no_grad(_Switch):
    """Do not record operations: results do not require gradients.

    Context manager or decorator, with or without parentheses; for the current thread.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([1.0], requires_grad=True)
    >>> with tl.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    recording = False


class enable_grad(_Switch):
    """Record operations again inside :class:`no_grad`.

    Context manager or decorator, with or without parentheses; for the current thread.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([1.0], requires_grad=True)
    >>> with tl.no_grad(), tl.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """


class set_grad_enabled:
    """Record operations or not, from now on, or in a ``with`` block, or in a decorated function.

    Parameters
    ----------
    mode : bool

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([1.0], requires_grad=True)
    >>> with tl.set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool):
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled(): argument 'mode' must be bool, not {type(mode).__name__}")
        self.mode = mode
        self._old = state.mode
        self.__enter__()

    def __enter__(self):
        if state.mode & RECORDING and not self.mode:
            _left("set_grad_enabled")
        state.mode = state.mode | RECORDING if self.mode else state.mode & ~RECORDING

    def __exit__(self, *exc):
        state.mode = state.mode & ~RECORDING | self._old & RECORDING

    def __call__(self, fn):
        self.__exit__()  # a decorator must not change the mode where it stands
        return decorate(lambda: set_grad_enabled(self.mode), fn)


class inference_mode:
    """Like :class:`no_grad`, and :func:`is_inference_mode_enabled` says so.

    Parameters
    ----------
    mode : bool, default True
        False leaves an inference mode that is on.

    Notes
    -----
    PyTorch forbids to use the results in a recorded computation later, because it saves their version
    counters. Here they cost nothing, so the results are ordinary tensors.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([1.0], requires_grad=True)
    >>> with tl.inference_mode():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, mode=True):
        if not isinstance(mode, bool):  # used as a decorator without parentheses
            return decorate(cls, mode)
        return object.__new__(cls)

    def __init__(self, mode=True):
        self.mode = mode
        self._old = []

    def __enter__(self):
        self._old.append((state.mode, state.inference))
        if state.mode & RECORDING and self.mode:
            _left("inference_mode")
        state.inference = self.mode
        state.mode = state.mode & ~RECORDING if self.mode else state.mode | RECORDING

    def __exit__(self, *exc):
        mode, state.inference = self._old.pop()
        state.mode = state.mode & ~RECORDING | mode & RECORDING

    def __call__(self, fn):
        return decorate(lambda: inference_mode(self.mode), fn)
