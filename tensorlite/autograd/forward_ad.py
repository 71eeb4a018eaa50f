"""Forward mode: dual tensors carry a tangent along.

A dual tensor is put on the tape, and :func:`unpack_dual` differentiates ``u -> u J`` (double vjp). So
a tangent costs two backward passes, dual tensors require grad, and operations on them must not run
under ``no_grad``.
"""

from __future__ import annotations

from typing import NamedTuple

from .. import engine
from ..engine import TensorBase, alias, wrap
from .functional import double_vjp, fresh_leaf

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

_levels: list[list] = []  # for each open level: (dual tensor, tangent, whether the primal required grad)


class UnpackedDualTensor(NamedTuple):
    """What :func:`unpack_dual` returns."""

    primal: TensorBase
    tangent: TensorBase | None


def enter_dual_level():
    """Open a level; as in PyTorch, levels do not nest.

    Raises
    ------
    RuntimeError
        If one is open.
    """
    if _levels:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _levels.append([])
    return 0


def exit_dual_level(*, level=None):
    """Close the level: its tangents are gone."""
    if not _levels:
        raise RuntimeError("Trying to exit a forward AD level that was not entered")
    _check_level(level, "exit")
    _levels.pop()


class dual_level:
    """``with dual_level():`` around forward-mode computations.

    Examples
    --------
    >>> import tensorlite as tl
    >>> import tensorlite.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(tl.tensor([1.0, 3.0]), tl.tensor([1.0, 1.0]))
    ...     fwAD.unpack_dual(x ** 2).tangent
    tensor([2., 6.])
    """

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *exc):
        exit_dual_level()


def _check_level(level, what):
    if level not in (None, 0):
        raise RuntimeError(
            f"Trying to {what} a forward AD level ({level}) that is not the last one that was created (0)."
        )


def make_dual(tensor, tangent, *, level=None):
    """A dual tensor with the value ``tensor`` and the given tangent.

    Raises
    ------
    RuntimeError
        Outside a :class:`dual_level`, or if shapes differ.
    ValueError
        For integer tensors.
    """
    if not _levels:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    _check_level(level, "use")
    if tensor._data.dtype.kind not in "fc":
        raise ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}")
    if tangent._data.dtype.kind not in "fc":
        raise ValueError(f"Expected tangent to be floating point or complex, but got: {tangent.dtype}")
    if tensor._data.shape != tangent._data.shape:
        raise RuntimeError(
            f"Expected tangent to have the size of its primal, {list(tensor._data.shape)}, got {list(tangent._data.shape)}"
        )
    with engine.recording(True):
        attached = tensor._node is not None
        dual = alias(tensor) if attached else fresh_leaf(tensor)
    _levels[-1].append((dual, tangent, attached))
    return dual


def unpack_dual(tensor, *, level=None):
    """The value and the tangent of ``tensor``; the tangent is None where it does not depend on a dual tensor."""
    _check_level(level, "use")
    if not _levels or not isinstance(tensor, TensorBase):
        return UnpackedDualTensor(tensor, None)
    for dual, tangent, attached in _levels[-1]:
        if dual is tensor:
            return UnpackedDualTensor(tensor if attached else wrap(tensor._data), tangent)
    if tensor._view is not None:
        engine.renew(tensor)
    duals = list(_levels[-1])
    if tensor._node is None or not duals:
        return UnpackedDualTensor(tensor, None)
    reached = set(engine.order([tensor._node])[0])
    duals = [(d, t, a) for d, t, a in duals if d._node in reached]
    if not duals:
        return UnpackedDualTensor(tensor, None)
    keep = any(a or t._node is not None for _, t, a in duals)
    with engine.recording(True):
        (tangent,) = double_vjp((tensor,), [d for d, _, _ in duals], [t for _, t, _ in duals], keep)
    return UnpackedDualTensor(tensor if keep else wrap(tensor._data), tangent)
