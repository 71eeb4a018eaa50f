"""``torch.linalg``: linear algebra with gradients, in batches.

Results of several parts are named tuples. Names, arguments and defaults are PyTorch's; the formulas and the
limits stand in :mod:`tensorlite.ops.decompose`.
"""

import numpy as np

from .engine import broadcast_to as _broadcast_to
from .engine import wrap as _wrap
from .functions._common import into_same, named, spelled, to_dtype, with_out
from .ops import decompose as _dec
from .ops import factors as _fac
from .ops import linalg as _lin
from .ops import matrices as _mat
from .ops.decompose import LinAlgError
from .ops.reduction import vector_norm as _vector_norm
from .ops.scan import cumprod as _cumprod
from .ops.shape import cat as _cat
from .ops.shape import diagonal as _diagonal

__all__ = ["LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
           "householder_product", "lu_factor", "lu_factor_ex", "lu_solve", "solve_ex", "inv", "inv_ex", "lstsq", "lu", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot",
           "norm", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve",
           "vander", "vecdot", "vector_norm"]  # fmt: skip

solve, solve_triangular = with_out(_dec.solve, into_same), with_out(_dec.solve_triangular, into_same)
cholesky = with_out(_dec.cholesky, into_same)
eigvalsh, eigvals = with_out(_dec.eigvalsh, into_same), with_out(_dec.eigvals)
svdvals = with_out(_dec.svdvals, into_same)
pinv, cond, matrix_rank = with_out(_mat.pinv), with_out(_mat.cond), with_out(_mat.matrix_rank)
matrix_exp = _mat.matrix_exp
tensorsolve, tensorinv = with_out(_mat.tensorsolve), with_out(_mat.tensorinv)
matmul = with_out(_lin.matmul, into_same)
matrix_power, multi_dot = with_out(_lin.matrix_power, into_same), with_out(_lin.multi_dot, into_same)


def inv(A, *, out=None):
    """The inverse of square matrices."""
    result = _dec.inv(A)
    return result if out is None else into_same(out, result)


def det(A, *, out=None):
    """The determinant of square matrices."""
    result = _dec.det(A)
    return result if out is None else into_same(out, result)


def slogdet(A, *, out=None):
    """The sign and the logarithm of the absolute value of determinants.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.linalg.slogdet(2 * tl.eye(2)).sign
    tensor(1.)
    """
    return _named("linalg_slogdet", "sign logabsdet", _dec.slogdet(A), out)


def _named(name, fields, values, out=None):
    result = named(name, fields)(*values)
    return result if out is None else into_same(out, result)


def qr(A, mode="reduced", *, out=None):
    """``Q @ R = A`` with orthonormal columns of ``Q`` and an upper triangular ``R``."""
    return _named("linalg_qr", "Q R", _dec.qr(A, mode), out)


@spelled
def eigh(A, UPLO="L", *, out=None):
    """Eigenvalues (ascending) and eigenvectors of Hermitian matrices."""
    return _named("linalg_eigh", "eigenvalues eigenvectors", _dec.eigh(A, UPLO), out)


@spelled
def eig(A, *, out=None):
    """Eigenvalues and eigenvectors of square matrices, complex."""
    return _named("linalg_eig", "eigenvalues eigenvectors", _dec.eig(A), out)


def svd(A, full_matrices=True, *, driver=None, out=None):
    """``U @ diag(S) @ Vh = A``; gradients take the first ``min(m, n)`` singular vectors."""
    return _named("linalg_svd", "U S Vh", _dec.svd(A, full_matrices, driver=driver), out)


def lu(A, *, pivot=True, out=None):
    """``P @ L @ U = A``: a permutation, a unit lower and an upper triangular matrix."""
    return _named("linalg_lu", "P L U", _dec.lu(A, pivot=pivot), out)


def lstsq(A, B, rcond=None, *, driver=None):
    """Least squares: the solution (differentiable), residuals, rank and singular values."""
    return _named("linalg_lstsq", "solution residuals rank singular_values", _mat.lstsq(A, B, rcond, driver=driver))


def _attempt(fn, A, check_errors):
    """``fn(A)`` and an error code per matrix: 0 for success."""
    from .creation import full, full_like

    try:
        return fn(A), full(A.shape[:-2], 0, dtype=_int32())
    except LinAlgError:
        if check_errors:
            raise
    return full_like(A, float("nan")), full(A.shape[:-2], 1, dtype=_int32())


def _int32():
    from .dtypes import of

    return of("int32")


@spelled
def cholesky_ex(A, *, upper=False, check_errors=False, out=None):
    """:func:`cholesky` that does not raise: ``info`` is 1 and ``L`` NaN if some matrix is not positive-definite."""
    return _named(
        "linalg_cholesky_ex", "L info", _attempt(lambda a: _dec.cholesky(a, upper=upper), A, check_errors), out
    )


def inv_ex(A, *, check_errors=False, out=None):
    """:func:`inv` that does not raise: ``info`` is 1 and ``inverse`` NaN if some matrix is singular."""
    return _named("linalg_inv_ex", "inverse info", _attempt(_dec.inv, A, check_errors), out)


def _typed(A, dtype):
    return A if dtype is None else to_dtype(A, dtype)


@spelled
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    """``sum(|x|**ord) ** (1 / ord)`` over ``dim`` (an int, several, or all).

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.linalg.vector_norm(tl.tensor([3.0, 4.0]))
    tensor(5.)
    """
    result = _vector_norm(
        _typed(x, dtype), ord=float(ord), dim=tuple(dim) if isinstance(dim, list) else dim, keepdim=keepdim
    )
    return result if out is None else into_same(out, result)


@spelled
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    """A norm of matrices: ``'fro'``, ``'nuc'``, 1, -1, 2, -2, infinity or its negative."""
    result = _mat.matrix_norm(_typed(A, dtype), ord, dim, keepdim)
    return result if out is None else into_same(out, result)


@spelled
def norm(A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    """A vector norm, or a matrix norm for two dimensions; by default the 2-norm of all elements."""
    result = _mat.norm(_typed(A, dtype), ord, tuple(dim) if isinstance(dim, list) else dim, keepdim)
    return result if out is None else into_same(out, result)


def cross(input, other, *, dim=-1, out=None):
    """The vector product along a dimension of size 3."""
    if len(input.shape) != len(other.shape):
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    sizes = input.size(dim), other.size(dim)
    if sizes != (3, 3):
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes[0]} and {sizes[1]}")
    result = _lin.cross(input, other, dim)
    return result if out is None else into_same(out, result)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonal of matrices: a view."""
    return _diagonal(A, offset=offset, dim1=dim1, dim2=dim2)


@spelled
def vecdot(x, y, *, dim=-1, out=None):
    """Products summed along ``dim``, the first factor conjugated."""
    from .ops.elementwise import _bar, mul
    from .ops.reduction import sum

    result = sum(mul(_bar(x), y), dim=dim)
    return result if out is None else into_same(out, result)


def vander(x, *, N=None):
    """Powers of the elements of ``x``, rising, in a new last dimension: ``N`` of them, by default as many as elements."""
    n = x.shape[-1] if N is None and x.shape else N
    if n is None or n <= 1:
        raise RuntimeError("N must be greater than 1.")
    wide = _lin.expand_dims(x if x.shape else x.reshape(1), dim=-1)
    powers = _broadcast_to(wide, shape=(*wide.shape[:-1], n - 1))
    one = to_dtype(wide * 0 + 1, x.dtype)
    result = _cat(one, _cumprod(powers, dim=-1), dim=-1) if x.is_floating_point() or x.is_complex() else _cat(
        one.long(), _cumprod(powers, dim=-1), dim=-1)  # fmt: skip
    return result


def householder_product(A, tau, *, out=None):
    """The first columns of the product of reflectors ``1 - tau v v^H``, of which ``A`` holds the ``v``."""
    result = _fac.householder_product(A, tau)
    return result if out is None else into_same(out, result)


def lu_factor(A, *, pivot=True, out=None):
    """L (without its ones) and U in one matrix, and LAPACK's pivots."""
    factors, pivots = _fac.lu_factor(A, pivot=pivot)
    singular = _zero_pivots(factors)
    if singular.any():
        raise LinAlgError(f"torch.linalg.lu_factor: U[{singular.max()},{singular.max()}] is zero and using it on lu_solve would "
                          "result in a division by zero. If you still want to perform the factorization, consider calling "
                          "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)")  # fmt: skip
    return _named("linalg_lu_factor", "LU pivots", (factors, _wrap(pivots)), out)


def _zero_pivots(factors):
    """Per matrix where (counted from 1) the first zero on U's diagonal stands, 0 without one."""
    zero = np.diagonal(factors._data, axis1=-2, axis2=-1) == 0
    return np.where(zero.any(-1), zero.argmax(-1) + 1, 0).astype(np.int32) if zero.shape[-1] else np.zeros(
        zero.shape[:-1], np.int32)  # fmt: skip


def lu_factor_ex(A, *, pivot=True, check_errors=False, out=None):
    """:func:`lu_factor` that does not raise for a zero on U's diagonal: ``info`` says where it stands."""
    factors, pivots = _fac.lu_factor(A, pivot=pivot)
    info = _zero_pivots(factors)
    if check_errors and info.any():
        raise LinAlgError(f"torch.linalg.lu_factor_ex: U[{info.max()},{info.max()}] is zero")
    return _named("linalg_lu_factor_ex", "LU pivots info", (factors, _wrap(pivots), _wrap(info)), out)


def lu_solve(LU, pivots, B, *, left=True, adjoint=False, out=None):
    """``X`` with ``A @ X = B``, given :func:`lu_factor` of ``A``."""
    result = _fac.lu_solve(LU, pivots, B, left=left, adjoint=adjoint)
    return result if out is None else into_same(out, result)


def solve_ex(A, B, *, left=True, check_errors=False, out=None):
    """:func:`solve` that does not raise: ``info`` is 1 and ``result`` NaN if some matrix is singular."""
    from .creation import full, full_like

    try:
        values = _dec.solve(A, B, left=left), full(A.shape[:-2], 0, dtype=_int32())
    except LinAlgError:
        if check_errors:
            raise
        values = full_like(B, float("nan")), full(A.shape[:-2], 1, dtype=_int32())
    return _named("linalg_solve_ex", "result info", values, out)
