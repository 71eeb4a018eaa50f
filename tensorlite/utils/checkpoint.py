"""Trade time for memory: forget what a part of the forward pass kept, and compute it again for backward."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np

from .. import engine
from ..autograd.function import FunctionNode
from ..engine import RECORDING, TensorBase, Watcher, pack, state, watching

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn", "set_checkpoint_early_stop"]

_early_stop: bool | None = None  # what set_checkpoint_early_stop says


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function did something else than the first."""


class _Enough(Exception):
    """All that backward needs has been computed again."""


def _signature(kept):
    """Shapes and dtypes of what a node keeps, to compare two runs."""
    return [(v.shape, v.dtype) for v in _arrays(kept)]


def _arrays(kept):
    for v in kept:
        if isinstance(v, np.ndarray):
            yield v
        elif isinstance(v, tuple):
            yield from _arrays(v)


class _Forgetting(Watcher):
    """First run: every node learns to ask the frame for what it would have kept."""

    def __init__(self, frame):
        self.frame = frame

    def recorded(self, node, args, result):
        frame = self.frame
        if isinstance(node.kept, tuple) and node.kept:
            i = len(frame.expected)
            frame.expected.append((node.name(), _signature(node.kept)))
            holder = lambda: frame.value(i)
            if isinstance(node, FunctionNode):
                node.kept, node.cells = holder, ()
            else:
                pack(node, holder)
        super().recorded(node, args, result)


class _Collecting(Watcher):
    """Second run: takes what the nodes keep, in the same order."""

    def __init__(self, frame):
        self.frame = frame

    def recorded(self, node, args, result):
        super().recorded(node, args, result)
        frame = self.frame
        if isinstance(node.kept, tuple) and node.kept:
            i = len(frame.values)
            name, signature = frame.expected[i] if i < len(frame.expected) else (None, None)
            if frame.strict and (name != node.name() or signature != _signature(node.kept)):
                raise CheckpointError(
                    "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during "
                    f"the forward pass: value {i} was kept by {name} {signature}, and now by {node.name()} "
                    f"{_signature(node.kept)}"
                )
            frame.values.append(node.kept)
            if frame.early_stop and len(frame.values) == len(frame.expected):
                raise _Enough


class _Frame:
    """One checkpointed call: how to run it again, and what that gave."""

    def __init__(self, run, args, preserve_rng, strict, early_stop) -> None:
        self.run, self.args = run, args
        self.strict, self.early_stop = strict, early_stop
        self.expected: list = []
        self.values: list = []
        self.rng = None
        if preserve_rng:
            from ..rng import get_rng_state

            self.rng = get_rng_state()

    def value(self, i):
        if i >= len(self.values):
            self.recompute()
        value = self.values[i]
        self.uses -= 1
        if self.uses == 0:
            self.values = []
        return value

    def recompute(self):
        self.values, self.uses = [], len(self.expected)
        # Leaves of its own: the second run must not reach into the graph of the first.
        args = [_detached(a) if isinstance(a, TensorBase) else a for a in self.args]
        mode, watch = state.mode, state.watch
        state.mode, state.watch = RECORDING, None
        try:
            with _rng(self.rng), watching(_Collecting(self)), contextlib.suppress(_Enough):
                self.run(*args)
        finally:
            state.mode, state.watch = mode, watch
        if len(self.values) != len(self.expected):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation. Number of tensors saved during forward: {len(self.expected)}. Number of tensors saved during "
                f"recomputation: {len(self.values)}."
            )


def _detached(t):
    copy = engine.wrap(t._data, None, t._cell)
    if t._node is not None:
        copy._node = engine.Leaf(copy)
    return copy


@contextlib.contextmanager
def _rng(start):
    """Run with the random state ``start``; afterwards the present one goes on."""
    if start is None:
        yield
        return
    from ..rng import get_rng_state, set_rng_state

    now = get_rng_state()
    set_rng_state(start)
    try:
        yield
    finally:
        set_rng_state(now)


def noop_context_fn():
    """Two context managers without effect: the usual ``context_fn``."""
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def set_checkpoint_early_stop(enable):
    """Whether second runs of checkpoints made in the block end early; goes before their own ``early_stop``.

    Parameters
    ----------
    enable : bool
    """
    global _early_stop
    outer, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = outer


def checkpoint(function, *args, use_reentrant=None, context_fn=noop_context_fn, determinism_check="default", debug=False,
               early_stop=True, preserve_rng_state=True, **kwargs):  # fmt: skip
    """Run ``function`` without keeping what its backward needs; backward runs it again.

    Parameters
    ----------
    function : callable
    *args, **kwargs
        Its arguments.
    use_reentrant : bool
        True demands, as PyTorch's older variant does, an argument that requires grad: with none the result
        has no gradient. Otherwise both variants are the same here.
    context_fn : callable, optional
        Returns two context managers, for the first and for the second run.
    determinism_check : 'default' or 'none'
        Whether the second run's shapes and dtypes are compared with the first's.
    debug : bool
        Traces of both runs; not available, True is refused.
    early_stop : bool
        End the second run as soon as everything has been computed that backward needs.
    preserve_rng_state : bool
        Dropout draws the same numbers in both runs.

    Returns
    -------
    What ``function`` returns.

    Raises
    ------
    CheckpointError
        At backward, if the second run kept other values than the first.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.utils.checkpoint import checkpoint
    >>> x = tl.ones(2, requires_grad=True)
    >>> checkpoint(lambda x: x.exp() * x, x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([5.4366, 5.4366])
    """
    if debug:
        raise NotImplementedError(
            "checkpoint(debug=True) is not supported; a CheckpointError names the first difference"
        )
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be 'default' or 'none', but got {determinism_check}")
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. use_reentrant=False is "
            "recommended.",
            stacklevel=2,
        )
        use_reentrant = False
    if use_reentrant and (kwargs or context_fn is not noop_context_fn):
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs) if kwargs else "Passing context_fn is only "
                         "supported when use_reentrant=False.")  # fmt: skip
    if not state.mode & RECORDING:
        return function(*args, **kwargs)
    if use_reentrant and not any(isinstance(a, TensorBase) and a._node is not None for a in args):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        with engine.recording(False):
            return function(*args, **kwargs)
    first, second = context_fn()

    def run(*args):
        with second:
            return function(*args, **kwargs)

    frame = _Frame(run, args, preserve_rng_state, determinism_check == "default",
                   early_stop if _early_stop is None else _early_stop)  # fmt: skip
    with watching(_Forgetting(frame)), first:
        return function(*args, **kwargs)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """Run a sequence of modules in ``segments`` parts, each but the last a :func:`checkpoint`.

    Parameters
    ----------
    functions : nn.Sequential or sequence of callables
    segments : int
    input : Tensor
    use_reentrant, **kwargs
        As for :func:`checkpoint` (``preserve_rng_state``).

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.utils.checkpoint import checkpoint_sequential
    >>> x = tl.ones(2, requires_grad=True)
    >>> checkpoint_sequential([tl.exp, tl.sin, tl.cos], 2, x, use_reentrant=False).shape
    torch.Size([2])
    """
    parts = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(start, stop):
        def forward(x):
            for part in parts[start:stop]:
                x = part(x)
            return x

        return forward

    size = len(parts) // segments
    stop = 0
    for start in range(0, size * (segments - 1), size) if size else ():
        stop = start + size
        input = checkpoint(run(start, stop), input, use_reentrant=use_reentrant, **kwargs)
    return run(stop, len(parts))(input)
