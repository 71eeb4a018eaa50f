"""In-place updates: the tape moves on, a view takes its base along, and kept values are guarded."""

import numpy as np

from .. import dtypes
from .basic import cast, view_assign
from .node import Leaf
from .operation import _explain
from .tape import RECORDING, WATCHED, TensorBase, clock, ndarray, state, touch, unwrap, where, wrap
from .view import _move, refusal, renew


def check_writable(target, tracked=None):
    """Raise what PyTorch raises for in-place updates that cannot be done or that the tape cannot follow.

    ``tracked`` says whether the update is to be recorded (by default: if it would be for ``target`` alone).
    """
    view = target._view
    if view is not None:
        renew(target)
    if tracked is None:
        tracked = state.mode & RECORDING and target._node is not None
    if tracked:
        if view is not None and view.fixed:
            raise RuntimeError(refusal(target, " and is being"))
        leaf = target._node if view is None else view.base._node
        if isinstance(leaf, Leaf) or isinstance(target._node, Leaf):
            kind = "a leaf Variable" if view is None else "a view of a leaf Variable"
            raise RuntimeError(
                f"{kind} that requires grad is being used in an in-place operation. Wrap the update in torch.no_grad() if "
                "it is not to be differentiated, or make a copy with .clone() first."
            )
    a = target._data
    if 0 in a.strides and a.size and any(s == 0 and n > 1 for s, n in zip(a.strides, a.shape)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    if not a.flags.writeable:
        raise RuntimeError("the memory of this tensor is read-only (an expanded or imported array); clone() it first")
    if state.mode & WATCHED:
        state.watch.changing(target)


def inplace(op, target, *others, **settings):
    """``target = op(target, *others)``, written into the memory of ``target``.

    The tape sees a new value: ``target`` moves on to a new node. If it is a view, its base does too
    (``base = view_assign(base, op(view(base)))``), and the other views of the base renew their places.
    """
    prim = op.primitive
    for o in others:
        if isinstance(o, TensorBase) and o._view is not None:
            renew(o)
    tracked = state.mode & RECORDING and (
        target._node is not None
        or any(isinstance(o, TensorBase) and o._node is not None for o in others)
        or (target._view is not None and target._view.cut and target._view.base._node is not None)
    )
    tracked = tracked and target._data.dtype.kind in "fc"
    check_writable(target, tracked)
    a = target._data
    for o in others:
        if isinstance(o, TensorBase) and o._cell is target._cell:
            check_overlap(a, o._data)
    if not tracked:
        whole = prim.promote == "float" and a.dtype.kind not in "fc"  # the result is no integer
        if prim.into is None or whole or state.mode & WATCHED or not _fits_in_place(a, others):
            _write(target, op(target, *others, **settings), prim)
        else:
            raw = [unwrap(o) for o in others]
            try:
                prim.into(a, *raw, **settings)
            except (ValueError, TypeError) as error:
                raise _explain_inplace(prim, error, a, raw) from error
        touch(target)
        return target
    out = op(target, *others, **settings)
    node = out._node
    if node is not None:
        _keep_old_value(node, target)
    _write(target, out, prim)
    if out._data.dtype != a.dtype:
        out = cast(out, dtype=a.dtype)
        node = out._node
    touch(target)
    if node is not None:
        node.seq = clock()  # the result is newer than the update that wrote it
        _rebind_out(node, out, target)
    rebase(target, node)
    return target


def overlap(a, b):
    """Whether two dense arrays share a part of their memory without being the same (PyTorch's rule)."""
    (a0, a1), (b0, b1) = np.lib.array_utils.byte_bounds(a), np.lib.array_utils.byte_bounds(b)
    if a1 - a0 != a.nbytes or b1 - b0 != b.nbytes:
        return False
    if (a0, a1) == (b0, b1):
        return a.strides != b.strides
    return a0 < b1 and b0 < a1


def check_overlap(a, b):
    """Raise if ``b``, from which ``a`` is computed in place, shares a part of its memory."""
    if overlap(a, b):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )


def _fits_in_place(a, others):
    """Whether NumPy computes in the dtype of ``a`` without promotion."""
    scalars = (int, float) if a.dtype.kind in "fc" else (int,) if a.dtype.kind in "iu" else ()
    for o in others:
        o = unwrap(o)
        if not (
            o.dtype == a.dtype and o.ndim <= a.ndim if isinstance(o, ndarray) else o.__class__ in scalars or o is None
        ):
            return False
        if o.__class__ is int and not (0 <= o < 128) and a.dtype.kind in "iu":
            info = np.iinfo(a.dtype)
            if not info.min <= o <= info.max:  # wraps around, which NumPy refuses to do
                return False
    return True


def _explain_inplace(prim, error, a, raw):
    try:
        shape = np.broadcast_shapes(a.shape, *[np.shape(r) for r in raw])
    except ValueError:
        return _explain(prim, error, (a, *raw))
    if shape != a.shape:
        return dtypes.ShapeError(_WRONG_SHAPE.format(list(a.shape), list(shape), prim.name))
    return _explain(prim, error, (a, *raw))


_WRONG_SHAPE = "output with shape {} doesn't match the broadcast shape {} (in-place {})"


def _keep_old_value(node, target):
    """If the tape kept the value that is about to be overwritten as the first argument, give it a copy.

    Kept as another argument (``x.mul_(x)``) it is lost: its cell says so to the backward pass.
    """
    plan, a = node.plan, target._data
    if node.kept.__class__ is not tuple or not node.cells:
        return
    kept, cells = list(node.kept), list(node.cells)
    for j, (slot, _) in enumerate(plan.cell_slots):
        if cells[j] is target._cell:
            if plan.kept_names[slot] == plan.primitive.arrays[0]:
                kept[slot], cells[j] = a.copy(), [0, 0]
            else:
                cells[j] = [float("inf"), 0, where()]  # overwritten at once
    node.kept, node.cells = tuple(kept), tuple(cells)


def _write(target, out, prim):
    a, b = target._data, out._data
    if b.shape != a.shape:
        raise dtypes.ShapeError(_WRONG_SHAPE.format(list(a.shape), list(b.shape), prim.name))
    if not dtypes.can_cast(b.dtype, a.dtype):
        raise RuntimeError(
            f"result type {dtypes.of(b.dtype).title} can't be cast to the desired output type {dtypes.of(a.dtype).title}"
        )
    a[...] = b


def _rebind_out(node, out, target):
    """A kept result is now ``target``'s own memory, under its version."""
    plan = node.plan
    if (
        "out" in plan.kept_names
        and node.kept.__class__ is tuple
        and node.kept[plan.kept_names.index("out")] is out._data
    ):
        i = plan.kept_names.index("out")
        node.kept = node.kept[:i] + (target._data,) + node.kept[i + 1 :]
        cell = next(j for j, (slot, _) in enumerate(plan.cell_slots) if slot == i)
        node.cells = node.cells[:cell] + (target._cell,) + node.cells[cell + 1 :]


def rebase(target, node):
    """Make ``node`` the origin of ``target``'s present value; a base follows its view."""
    view = target._view
    if view is None:
        _move(target, node)
        return
    base = view.base
    args = (base, wrap(target._data, node))
    key = (3 if base._node is not None else 1) | (12 if node is not None else 4)
    plan = view_assign.primitive.plan(key, 2)
    new = plan.recorded(args, (base._data, target._data), base._data, base, {"steps": view.steps})
    if state.mode & WATCHED:
        state.watch.recorded(new, args, base)
    _move(base, new)
    view.stamp = -1
    renew(target)
