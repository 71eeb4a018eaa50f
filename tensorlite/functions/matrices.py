"""Matrix products under PyTorch's names, with ``out=``."""

import functools
import inspect

from ..engine import TensorBase
from ..engine.plan import called
from ..ops import linalg
from ..ops.einsum import einsum as _einsum
from ._common import into, into_same, tensor_arg, turned_round


def _product(function, grad_name=None, *, casts=False):
    """``function`` with its first argument checked and ``out=`` added, which must have the dtype of the result."""
    name, write = function.__name__, into if casts else into_same

    @functools.wraps(function)
    def wrapper(input, *args, out=None, **kwargs):
        if len(args) > 2 and "add" in name:  # beta and alpha before the matrices
            given = turned_round(name, input, *args)
            input, *args = given[:3]
            kwargs |= zip(("beta", "alpha"), given[3:])
        if not isinstance(input, TensorBase):
            tensor_arg(input, "input", name)
        result = function(input, *args, **kwargs)
        if grad_name is not None and result._node is not None:
            called(result, grad_name)
        return result if out is None else write(out, result)

    signature = inspect.signature(function)
    extra = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)
    wrapper.__signature__ = signature.replace(parameters=[*signature.parameters.values(), extra])
    return wrapper


def matmul(input, other, *, out=None):
    """The matrix product, with broadcasting over batches; vectors are rows on the left, columns on the right.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.matmul(tl.tensor([[1, 2], [3, 4]]), tl.tensor([1, 1]))
    tensor([3, 7])
    """
    result = linalg.matmul(tensor_arg(input, "input", "matmul"), tensor_arg(other, "other", "matmul", 2))
    return result if out is None else into_same(out, result)


mm = _product(linalg.mm)
mv = _product(linalg.mv)
bmm = _product(linalg.bmm)
dot = _product(linalg.dot)
vdot = _product(linalg.vdot)
inner = _product(linalg.inner)
outer = ger = _product(linalg.outer, casts=True)
addmm = _product(linalg.addmm, "AddmmBackward0")
addmv = _product(linalg.addmv, "AddmvBackward0")
addr = _product(linalg.addr, "AddrBackward0", casts=True)
baddbmm = _product(linalg.baddbmm, "BaddbmmBackward0")
addbmm = _product(linalg.addbmm, "AddbmmBackward0")
kron = _product(linalg.kron, casts=True)
cross = _product(linalg.cross)
cov = _product(linalg.cov)
corrcoef = _product(linalg.corrcoef)
cdist = linalg.cdist
pdist = linalg.pdist
chain_matmul = linalg.chain_matmul
matrix_power = _product(linalg.matrix_power)
einsum = _einsum
_tensordot = _product(linalg.tensordot)
spmm = mm


def tensordot(a, b, dims=2, *, out=None):
    """Sums of products over the last ``dims`` dimensions of ``a`` and the first of ``b``, or over two lists of them."""
    return _tensordot(a, b, dims, out=out)
