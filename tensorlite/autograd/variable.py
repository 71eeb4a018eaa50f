"""``Variable``: the name that tensors with gradients had before they were tensors."""

import warnings

from .. import engine
from ..engine import Leaf, TensorBase, wrap


class _Meta(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, engine.tape.result_class)


class Variable(metaclass=_Meta):
    """``Variable(data, requires_grad=False)``: a tensor that shares the memory of ``data``.

    Parameters
    ----------
    data : Tensor
    requires_grad : bool, default False
    volatile : bool
        Has no effect but a warning: ``torch.no_grad()`` replaced it.

    Returns
    -------
    Tensor
        A leaf; every tensor counts as an instance of ``Variable``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.autograd.Variable(tl.tensor([1.0]), requires_grad=True)
    tensor([1.], requires_grad=True)
    """

    def __new__(cls, data=None, requires_grad=False, volatile=False):
        if volatile:
            warnings.warn(
                "volatile was removed (Variable.volatile is always False), please use with torch.no_grad() instead.",
                UserWarning,
                stacklevel=2,
            )
        if data is None:
            import numpy as np

            from ..dtypes import get_default_dtype

            data = wrap(np.empty(0, get_default_dtype().numpy))
        if not isinstance(data, TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        t = wrap(data._data, None, data._cell)
        if requires_grad:
            if t._data.dtype.kind not in "fc":
                raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
            t._node = Leaf(t)
        return t
