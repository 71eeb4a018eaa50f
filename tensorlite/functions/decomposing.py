"""Matrix decompositions under their names at the top level; :mod:`tensorlite.linalg` has them all."""

import numpy as np

from ..engine import wrap
from ..ops import decompose as dec
from ..ops import factors
from ..ops import matrices as mat
from ._common import into, into_same, named, tensor_arg
from .matrices import _product

det = _product(dec.det)
logdet = _product(dec.logdet)
matrix_exp = _product(mat.matrix_exp)
pinverse = _product(mat.pinv)
cholesky_solve = _product(dec.cholesky_solve)
cholesky_inverse = _product(dec.cholesky_inverse)


def inverse(input, *, out=None):
    """The inverse of a square matrix, or of each in a batch."""
    result = dec.inv(tensor_arg(input, "input", "inverse"))
    return result if out is None else into_same(out, result)


def slogdet(input, *, out=None):
    """Sign and logarithm of the absolute value of the determinant."""
    result = named("slogdet", ("sign", "logabsdet"))(*dec.slogdet(tensor_arg(input, "input", "slogdet")))
    return result if out is None else into_same(out, result)


def svd(input, some=True, compute_uv=True, *, out=None):
    """Singular values: a named tuple ``(U, S, V)`` with ``input = U @ diag(S) @ V.mH``."""
    tensor_arg(input, "input", "svd")
    if not compute_uv:
        a = input._data
        m, n = a.shape[-2:]
        s = dec.svdvals(input)
        u, v = [wrap(np.zeros((*a.shape[:-2], k, k), a.dtype)) for k in (m, n)]
        return named("svd", ("U", "S", "V"))(u, s, v)
    u, s, vh = dec.svd(input, full_matrices=not some)
    result = named("svd", ("U", "S", "V"))(u, s, vh.mH)
    return result if out is None else into_same(out, result)


def qr(input, some=True, *, out=None):
    """An orthogonal times an upper triangular matrix: a named tuple ``(Q, R)``."""
    result = named("qr", ("Q", "R"))(*dec.qr(tensor_arg(input, "input", "qr"), "reduced" if some else "complete"))
    return result if out is None else into_same(out, result)


def cholesky(input, upper=False, *, out=None):
    """The triangular root of a positive definite matrix."""
    result = dec.cholesky(tensor_arg(input, "input", "cholesky"), upper=upper)
    return result if out is None else into(out, result)


def nuclear_norm(input, keepdim=False, *, dim=None):
    """The sum of the singular values of the matrices in ``dim`` (the only two, or a pair)."""
    return mat.matrix_norm(input, "nuc", (-2, -1) if dim is None else tuple(dim), keepdim)


def geqrf(input, *, out=None):
    """QR as LAPACK leaves it: R above and reflectors below the diagonal, and the reflectors' factors."""
    result = named("geqrf", ("a", "tau"))(*factors.geqrf(tensor_arg(input, "input", "geqrf")))
    return result if out is None else into(out, result)


def orgqr(input, tau, *, out=None):
    """The first columns of the product of reflectors (:func:`geqrf`)."""
    result = factors.householder_product(tensor_arg(input, "input", "orgqr"), tau)
    return result if out is None else into(out, result)


def ormqr(input, tau, other, left=True, transpose=False, *, out=None):
    """``other`` times the square orthogonal matrix of reflectors (:func:`geqrf`)."""
    result = factors.ormqr(tensor_arg(input, "input", "ormqr"), tau, other, left, transpose)
    return result if out is None else into_same(out, result)


def lu(A, pivot=True, get_infos=False, out=None):
    """L and U in one matrix, LAPACK's pivots, and on request zeros for success."""
    compact, pivots = factors.lu_factor(A, pivot=pivot)
    result = (compact, wrap(pivots))
    if get_infos:
        result += (wrap(np.zeros(compact._data.shape[:-2], np.int32)),)
    return result if out is None else into_same(out, result)


def lu_solve(b, LU_data, LU_pivots, *, out=None):
    """``X`` with ``A @ X = b``, given :func:`lu` of ``A``."""
    result = factors.lu_solve(LU_data, LU_pivots, b)
    return result if out is None else into_same(out, result)


def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True, *, out=None):
    """P, L and U of a compact factorization; empty what is not asked for."""
    a = tensor_arg(LU_data, "LU_data", "lu_unpack")._data
    if LU_pivots._data.dtype != np.int32:
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype. Note: this "
                           "function is intended to be used with the output produced by torch.linalg.lu_factor")  # fmt: skip
    empty = wrap(np.zeros(0, a.dtype))
    p = wrap(factors.permutation(LU_pivots._data, a.shape[-2], a.dtype)) if unpack_pivots else empty
    low, up = factors.lu_parts(LU_data) if unpack_data else (empty, empty)
    result = named("lu_unpack", ("P", "L", "U"))(p, low, up)
    return result if out is None else into_same(out, result)


def triangular_solve(b, A, upper=True, transpose=False, unitriangular=False, *, out=None):
    """``X`` with ``A @ X = b`` where one triangle of ``A`` counts, and a copy of ``A``."""
    if b._data.ndim < 2 or A._data.ndim < 2:
        raise RuntimeError("torch.triangular_solve: Expected b and A to have at least 2 dimensions, but they have "
                           f"{b._data.ndim} and {A._data.ndim} dimensions instead")  # fmt: skip
    matrix, triangle = (A.mT, not upper) if transpose else (A, upper)
    x = dec.solve_triangular(matrix, b, upper=triangle, unitriangular=unitriangular)
    copy = A.expand(*x._data.shape[:-2], *A._data.shape[-2:]).clone()
    result = named("triangular_solve", ("solution", "cloned_coefficient"))(x, copy)
    return result if out is None else into_same(out, result)


def svd_lowrank(A, q=6, niter=2, M=None):
    """About the ``q`` largest singular values and their vectors, from random projections (Halko et al. 2009)."""
    from .sampling import randn

    if M is not None:
        A = A - M
    m, n = A._data.shape[-2:]
    tall = m >= n
    X = A if tall else A.mH
    q = 6 if q is None else q
    if q < 0:
        raise ValueError(f"q(={q}) must be a non-negative integer")
    Q = dec.qr(X @ randn(min(m, n), q, dtype=A.dtype))[0]
    for _ in range(niter):
        Q = dec.qr(X.mH @ Q)[0]
        Q = dec.qr(X @ Q)[0]
    u, s, vh = dec.svd(Q.mH @ X, full_matrices=False)
    u = Q @ u
    return (u, s, vh.mH) if tall else (vh.mH, s, u)


def pca_lowrank(A, q=None, center=True, niter=2):
    """Principal components: :func:`svd_lowrank` of the matrix without the mean of its rows."""
    m, n = A._data.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(dim=-2, keepdim=True) if center else A, q, niter=niter)
