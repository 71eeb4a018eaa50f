"""The primitives that the tape itself uses."""

import numpy as np

from .operation import primitive
from .view import _owner, replay


@primitive
def alias(x):
    """The same value under a new node."""
    return x


alias.vjp(x=lambda g: g)


@primitive
def clone(x):
    """A copy of ``x`` on the tape."""
    return x.copy(order="K") if x.ndim else np.array(x)


clone.vjp(x=lambda g: g)


@primitive(differentiable="float", grad_name="ToCopyBackward0")
def cast(x, *, dtype):
    """``x`` with another dtype; a complex value loses its imaginary part where a real one is asked for."""
    x = x.real if x.dtype.kind == "c" and dtype.kind != "c" else x
    return x.astype(dtype)


cast.vjp(x=lambda g: g)  # the walk brings a gradient to the dtype of its value


@primitive
def sum_to(x, *, shape):
    """Sum ``x`` down to ``shape``: the adjoint of broadcasting."""
    if x.shape == shape:
        return x
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1)
    return np.add.reduce(x, axis=axes, keepdims=True).reshape(shape)


sum_to.vjp(x=lambda g, x_shape: broadcast_to(g, shape=x_shape))


@primitive(broadcasts=True, view=True)
def broadcast_to(x, *, shape):
    """A view of ``x`` repeated to ``shape`` without a copy."""
    return np.broadcast_to(x, shape)


broadcast_to.vjp(x=lambda g: g)


def _writable(part, out):
    """The same view of the memory of ``out``, for writing."""
    offset = part.__array_interface__["data"][0] - out.__array_interface__["data"][0]
    return np.ndarray(part.shape, part.dtype, out.ravel(order="K"), offset, part.strides)


@primitive
def view_assign(base, value, *, steps):
    """A copy of ``base`` in which the part that the ``steps`` of a view show is ``value``."""
    for (
        order
    ) in "CKF":  # gradients arrive in any memory order; the steps were made for the base's, which is C's as a rule
        out = np.array(base, order=order)
        part = replay(steps, out)
        if part is out or _owner(part) is out:
            break
    else:
        raise RuntimeError(
            "the gradient of an in-place update of a view: the view cannot be made of a copy of its base"
        )
    if not part.flags.writeable:  # NumPy's broadcast views are read-only; ``out`` is ours
        part = _writable(part, out)
    part[...] = value
    return out


def _view_assign_value(g, steps):
    return replay(steps, np.asarray(g, order="C") if g.__class__ is np.ndarray else g)


view_assign.vjp(base=lambda g, steps: view_assign(g, 0, steps=steps), value=_view_assign_value)
