"""Factored forms as LAPACK keeps them: LU in one matrix with pivots, QR as Householder's reflectors."""

import numpy as np

from ..engine import primitive, unwrap
from .decompose import _mH, _numpy, lu, matrix, solve_triangular, square_matrix
from .elementwise import _bar
from .indexing import _pad_end
from .linalg import matmul
from .shape import expand_dims, narrow, tril, triu

# -- LU --------------------------------------------------------------------------------------------


def pivots_of(p):
    """LAPACK's row exchanges (counted from 1) for permutation matrices, of which ``p @ l @ u = a``."""
    m = p.shape[-1]
    if not p.size:
        return np.empty(p.shape[:-1], np.int32)
    orders = np.argmax(p, axis=-2).reshape(-1, m)  # row i of the product l @ u is row orders[i] of a
    out = np.empty(orders.shape, np.int32)
    for order, row in zip(orders, out):
        now = list(range(m))
        for j, source in enumerate(order):
            at = now.index(source, j)
            now[j], now[at] = now[at], now[j]
            row[j] = at + 1
    return out.reshape(p.shape[:-1])


def lu_factor(A, *, pivot=True):
    """L (without its ones) and U in one matrix, and the pivots."""
    if len(A.shape) < 2:
        raise RuntimeError(
            f"linalg.lu_factor: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead"
        )
    p, low, up = lu(A, pivot=pivot)
    shape = tuple(A.shape)
    low = tril(low, diagonal=-1)
    low = low if tuple(low.shape) == shape else _pad_end(low, shape=shape)
    up = up if tuple(up.shape) == shape else _pad_end(up, shape=shape)
    return low + up, pivots_of(unwrap(p))[..., : min(shape[-2:])]


def permutation(pivots, m, dtype):
    """The matrix ``p`` with ``p @ l @ u = a`` for LAPACK's pivots."""
    lead, k = pivots.shape[:-1], pivots.shape[-1]
    rows = pivots.reshape(-1, k) if k else pivots.reshape(int(np.prod(lead)), 0)
    out = np.zeros((len(rows), m, m), dtype)
    for p, row in zip(out, rows):
        now = list(range(m))
        for j, at in enumerate(row):
            if not 1 <= at <= m:
                raise RuntimeError("LU_pivots elements should be in the range [1, LU_data.shape[-2]].")
            now[j], now[at - 1] = now[at - 1], now[j]
        p[now, range(m)] = 1
    return out.reshape(*lead, m, m)


def lu_parts(LU):
    """L and U of a compact factorization."""
    m, n = LU.shape[-2:]
    k = min(m, n)
    low = LU if n == k else narrow(LU, dim=-1, start=0, stop=k)
    up = LU if m == k else narrow(LU, dim=-2, start=0, stop=k)
    return tril(low, diagonal=-1) + np.eye(m, k, dtype=unwrap(LU).dtype), triu(up)


def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """``X`` with ``A @ X = B`` for the compact factorization of ``A``."""
    square_matrix("torch.linalg.lu_solve", LU)
    if unwrap(pivots).dtype != np.int32:
        raise RuntimeError("linalg.lu_solve: Expected pivots to be a Tensor of type torch.int32")
    if len(B.shape) < 2 or B.shape[-2 if left else -1] != LU.shape[-1]:
        raise RuntimeError("linalg.lu_solve: Incompatible shapes of A and B for the equation "
                           f"{'AX = B' if left else 'XA = B'} ({LU.shape[-2]}x{LU.shape[-1]} and "
                           f"{'x'.join(map(str, B.shape[-2:]))})")  # fmt: skip
    if not left:  # X @ A = B is A^H @ X^H = B^H
        return _mH(lu_solve(LU, pivots, _mH(B), adjoint=not adjoint))
    p = permutation(unwrap(pivots), LU.shape[-1], unwrap(LU).dtype)
    low, up = tril(LU, diagonal=-1) + np.eye(LU.shape[-1], dtype=unwrap(LU).dtype), triu(LU)
    if adjoint:
        y = solve_triangular(_mH(up), B, upper=False)
        return matmul(p, solve_triangular(_mH(low), y, upper=True, unitriangular=True))
    y = solve_triangular(low, matmul(np.swapaxes(p, -1, -2), B), upper=False, unitriangular=True)
    return solve_triangular(up, y, upper=True)


# -- Householder's reflectors ----------------------------------------------------------------------


@primitive(outputs=("a", "tau"), differentiable=False)
def geqrf(x):
    """QR as LAPACK leaves it: R above, reflectors below the diagonal, and their factors."""
    matrix("torch.geqrf", x)
    if 0 in x.shape[-2:]:
        return x.copy(), np.zeros((*x.shape[:-2], 0), x.dtype)
    h, tau = _numpy("geqrf", lambda a: np.linalg.qr(a, "raw"), x)
    return np.ascontiguousarray(np.swapaxes(h, -1, -2)), tau


def _reflect(A, tau, C, adjoint):
    """``Q @ C`` or ``Q^H @ C`` where ``Q`` is the product of the reflectors ``1 - tau v v^H`` in columns of ``A``."""
    m, k = A.shape[-2], tau.shape[-1]
    v = tril(narrow(A, dim=-1, start=0, stop=k), diagonal=-1) + np.eye(m, k, dtype=unwrap(A).dtype)
    for i in range(k) if adjoint else reversed(range(k)):
        column = narrow(v, dim=-1, start=i, stop=i + 1)
        factor = expand_dims(narrow(tau, dim=-1, start=i, stop=i + 1), dim=-1)
        C = C - matmul(column * (_bar(factor) if adjoint else factor), matmul(_mH(column), C))
    return C


def householder_product(A, tau):
    """The first columns of the product of reflectors ``1 - tau v v^H``, of which ``A`` holds the ``v``."""
    if len(A.shape) < 2:
        raise RuntimeError("torch.linalg.householder_product: input must have at least 2 dimensions.")
    m, n = A.shape[-2:]
    if m < n:
        raise RuntimeError(
            "torch.linalg.householder_product: input.shape[-2] must be greater than or equal to input.shape[-1]"
        )
    if n < tau.shape[-1]:
        raise RuntimeError(
            "torch.linalg.householder_product: input.shape[-1] must be greater than or equal to tau.shape[-1]"
        )
    if len(A.shape) - len(tau.shape) != 1:
        raise RuntimeError("torch.linalg.householder_product: Expected tau to have one dimension less than input, but got "
                           f"tau.ndim equal to {len(tau.shape)} and input.ndim is equal to {len(A.shape)}")  # fmt: skip
    if tuple(A.shape[:-2]) != tuple(tau.shape[:-1]):
        raise RuntimeError("torch.linalg.householder_product: Expected batch dimensions of tau to be equal to "
                           f"input.shape[:-2], but got {list(tau.shape[:-1])}")  # fmt: skip
    return _reflect(A, tau, A * 0 + np.eye(m, n, dtype=unwrap(A).dtype), adjoint=False)


def ormqr(A, tau, C, left=True, transpose=False):
    """``C`` times the square orthogonal matrix of reflectors, from the left or right, adjoint with ``transpose``."""
    if len(A.shape) < 2:
        raise RuntimeError("torch.ormqr: input must have at least 2 dimensions.")
    if len(C.shape) < 2:
        raise RuntimeError("torch.ormqr: other must have at least 2 dimensions.")
    side = -2 if left else -1
    if C.shape[side] < tau.shape[-1]:
        raise RuntimeError(f"torch.ormqr: other.shape[{side}] must be greater than or equal to tau.shape[-1]")
    if C.shape[side] != A.shape[-2]:
        raise RuntimeError(f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2]")
    if tau.shape[-1] > A.shape[-1]:
        raise RuntimeError("torch.ormqr: tau.shape[-1] must be less than or equal to input.shape[-1]")
    for name, x, dims in (("tau", tau, 1), ("other", C, 0)):
        if len(A.shape) - len(x.shape) != dims or tuple(x.shape[: len(A.shape) - 2]) != tuple(A.shape[:-2]):
            raise RuntimeError(f"torch.ormqr: Expected batch dimensions of {name} to be equal to input.shape[:-2], but got "
                               f"{list(x.shape)}")  # fmt: skip
    if left:
        return _reflect(A, tau, C, adjoint=transpose)
    return _mH(_reflect(A, tau, _mH(C), adjoint=not transpose))
