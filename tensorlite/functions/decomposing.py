"""Matrix decompositions under their names at the top level; :mod:`tensorlite.linalg` has them all."""

from __future__ import annotations

from ..ops import decompose as dec
from ..ops import matrices as mat
from ._common import into, named, tensor_arg
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
    return result if out is None else into(out, result)


def slogdet(input, *, out=None):
    """Sign and logarithm of the absolute value of the determinant."""
    result = named("slogdet", ("sign", "logabsdet"))(*dec.slogdet(tensor_arg(input, "input", "slogdet")))
    return result if out is None else into(out, result)


def svd(input, some=True, compute_uv=True, *, out=None):
    """Singular values: a named tuple ``(U, S, V)`` with ``input = U @ diag(S) @ V.mH``."""
    tensor_arg(input, "input", "svd")
    if not compute_uv:
        raise NotImplementedError("svd(compute_uv=False) is not supported; use tensorlite.linalg.svdvals")
    u, s, vh = dec.svd(input, full_matrices=not some)
    result = named("svd", ("U", "S", "V"))(u, s, vh.mH)
    return result if out is None else into(out, result)


def qr(input, some=True, *, out=None):
    """An orthogonal times an upper triangular matrix: a named tuple ``(Q, R)``."""
    result = named("qr", ("Q", "R"))(*dec.qr(tensor_arg(input, "input", "qr"), "reduced" if some else "complete"))
    return result if out is None else into(out, result)


def cholesky(input, upper=False, *, out=None):
    """The triangular root of a positive definite matrix."""
    result = dec.cholesky(tensor_arg(input, "input", "cholesky"), upper=upper)
    return result if out is None else into(out, result)


def nuclear_norm(input, keepdim=False, *, dim=None):
    """The sum of the singular values of the matrices in ``dim`` (the only two, or a pair)."""
    return mat.matrix_norm(input, "nuc", (-2, -1) if dim is None else tuple(dim), keepdim)
