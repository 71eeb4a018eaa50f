"""Tensors made with memory of any layout."""

import numpy as np

from .. import creation
from ..engine.basic import _writable
from ..engine.view import _owner
from ..ops.shape import narrow
from ._common import sizes_of


def empty_strided(size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """Memory seen with the given sizes and strides (counted in elements)."""
    size, stride = sizes_of((size,)), sizes_of((stride,))
    if len(size) != len(stride):
        raise RuntimeError(
            f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})"
        )
    for name, values in (("size", size), ("stride", stride)):
        if any(n < 0 for n in values):
            raise RuntimeError(f"Trying to create tensor with negative {name}: {list(values)}")
    count = 0 if 0 in size else 1 + sum([(n - 1) * s for n, s in zip(size, stride)])
    t = creation.empty(count, dtype=dtype, layout=layout, device=device, pin_memory=pin_memory)
    item = t._data.itemsize
    t._data = np.lib.stride_tricks.as_strided(t._data, size, [s * item for s in stride])
    t.__dict__["_fixed"] = True
    return t.requires_grad_() if requires_grad else t


def empty_permuted(
    size, physical_layout, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
):
    """Memory in which the dimensions lie in the order ``physical_layout``, the first outermost."""
    size, order = sizes_of((size,)), sizes_of((physical_layout,))
    if len(size) != len(order):
        raise RuntimeError(f"Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
                           f"{len(size)} is not equal to len(physical_layout) = {len(order)}")  # fmt: skip
    if sorted(order) != list(range(len(size))):
        bad = next((d for d in order if not 0 <= d < len(size)), None)
        raise RuntimeError(f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {bad})"
                           if bad is not None else "Duplicate dim not allowed")  # fmt: skip
    stride, step = [0] * len(size), 1
    for d in reversed(order):
        stride[d] = step
        step *= max(size[d], 1)
    return empty_strided(size, stride, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad,
                         pin_memory=pin_memory)  # fmt: skip


def once(x):
    """The part of an expanded tensor that has every place of its memory once; another tensor itself."""
    if 0 not in x._data.strides:
        return x
    part = x
    for d, (n, step) in enumerate(zip(x._data.shape, x._data.strides)):
        if n > 1 and not step:
            part = narrow(part, dim=d, start=0, stop=1)
    if part is not x and not part._data.flags.writeable:  # NumPy's views of this kind are read-only
        owner = _owner(part._data)
        if isinstance(owner, np.ndarray) and owner.flags.writeable and owner.flags.forc:
            part._data = _writable(part._data, owner)
    return part
