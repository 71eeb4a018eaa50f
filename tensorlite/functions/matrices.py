"""Matrix products under PyTorch's names."""

from __future__ import annotations

from ..engine import TensorBase
from ..ops import elementwise as ew, linalg, reduction as red, shape as sh
from ._common import into, tensor_arg


def matmul(input, other, *, out=None):
    """The matrix product, with broadcasting over batches."""
    result = linalg.matmul(tensor_arg(input, "input", "matmul"), tensor_arg(other, "other", "matmul", 2))
    return result if out is None else into(out, result)


def _product(name, left, right, message):
    def function(input, mat2, *, out=None):
        tensor_arg(input, "input", name)
        tensor_arg(mat2, "mat2", name, 2)
        if input._data.ndim != left or mat2._data.ndim != right:
            raise RuntimeError(message)
        result = linalg.matmul(input, mat2)
        return result if out is None else into(out, result)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The product of a {left}-dimensional and a {right}-dimensional tensor."
    return function


mm = _product("mm", 2, 2, "self must be a matrix")
bmm = _product("bmm", 3, 3, "batch1 must be a 3D tensor")
mv = _product("mv", 2, 1, "vector + matrix @ vector expected, got other dimensions")
dot = _product("dot", 1, 1, "1D tensors expected, but got other dimensions")


def addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None):
    """``beta * input + alpha * mat1 @ mat2``."""
    product = linalg.matmul(mat1, mat2)
    if alpha != 1:
        product = ew.mul(product, alpha)
    result = product if beta == 0 else ew.add(product, input if beta == 1 else ew.mul(input, beta))
    return result if out is None else into(out, result)


def outer(input, vec2, *, out=None):
    """The matrix of all products of two vectors."""
    result = ew.mul(sh.expand_dims(input, dim=1), vec2)
    return result if out is None else into(out, result)
