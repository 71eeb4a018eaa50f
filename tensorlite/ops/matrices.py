"""Functions of matrices: pseudo-inverses, least squares, norms, exponentials."""

import math

import numpy as np

from ..engine import primitive, unwrap, wrap
from .arrange import movedim
from .axes import axis_of
from .decompose import _mH, _numpy, inv, matrix, solve, square_matrix, svdvals
from .elementwise import abs
from .linalg import matmul
from .reduction import amax, amin, sum, vector_norm
from .shape import cat, expand_dims, narrow, reshape

# -- least squares and the pseudo-inverse ----------------------------------------------------------


@primitive
def _pinv(a, *, rcond, hermitian):
    matrix("linalg.pinv", a)
    return _numpy("pinv", lambda x: np.linalg.pinv(x, rcond, hermitian), a)


def _pinv_vjp(g, a, out):
    p, ph, gh = out, _mH(out), _mH(g)
    if a.shape[-2] <= a.shape[-1]:
        k = gh @ p
        kp = k @ ph
        return -_mH(p @ k) + kp - (a @ p) @ kp + (ph @ p) @ (gh - k @ a)
    k = p @ gh
    pk = ph @ k
    return -_mH(k @ p) + (gh - a @ k) @ p @ ph + pk - (pk @ p) @ a


_pinv.vjp(a=_pinv_vjp)


def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    """The pseudo-inverse; singular values below ``max(atol, rtol * largest)`` count as 0."""
    return _pinv(A, rcond=_cutoff(A, rcond if rtol is None else rtol, atol), hermitian=hermitian)


def _cutoff(A, rtol, atol):
    """The relative cutoff of singular values, as PyTorch's default."""
    a = unwrap(A)
    if rtol is None:
        rtol = 0.0 if atol is not None else max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
    rtol = np.asarray(unwrap(rtol))
    if atol is not None:
        top = np.linalg.svd(a, compute_uv=False).max(-1)
        rtol = np.maximum(rtol, np.asarray(unwrap(atol)) / np.where(top == 0, 1, top))
    return rtol.astype(a.real.dtype) if rtol.ndim else float(rtol)


def lstsq(A, B, rcond=None, *, driver=None):
    """Least squares: ``X`` that minimizes ``|A @ X - B|``.

    Returns
    -------
    tuple
        Solution (differentiable for matrices of full rank), residuals, rank, singular values; the last two as
        PyTorch's driver ``'gelsd'`` gives them, the default ``'gelsy'`` has no singular values.
    """

    if driver not in (None, "gelsy", "gelsd", "gelss", "gels"):
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), not {driver}"
        )
    a, b = unwrap(A), unwrap(B)
    matrix("linalg.lstsq", A)
    vector = b.ndim == a.ndim - 1 and b.shape == a.shape[:-1]
    right = expand_dims(B, dim=-1) if vector else B
    if right.shape[-2] != a.shape[-2]:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    x = matmul(pinv(A, rcond=rcond), right)
    m, n = a.shape[-2:]
    s = np.linalg.svd(a, compute_uv=False)
    tol = _cutoff(A, rcond, None)
    rank = (s > np.asarray(tol)[..., None] * s.max(-1, keepdims=True, initial=0)).sum(-1)
    if m > n and driver not in (None, "gelsy") and np.all(rank == n):
        residuals = sum(abs(matmul(A, x) - right) ** 2, dim=-2)  # real, also for complex matrices
    else:
        residuals = abs(narrow(reshape(x, shape=(math.prod(x.shape),)), dim=0, start=0, stop=0))
    singular = s if driver in ("gelsd", "gelss") else np.zeros(0, a.real.dtype)
    if vector:
        x = reshape(x, shape=tuple(x.shape[:-1]))
    rank = np.zeros(0, np.int64) if driver == "gels" else np.asarray(rank, np.int64)
    if x is a or isinstance(x, np.ndarray):
        return x, residuals, rank, singular
    return x, residuals, wrap(rank), wrap(singular)


def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    """How many singular values are larger than ``max(atol, rtol * largest)``."""

    a = unwrap(A)
    matrix("linalg.matrix_rank", A)
    s = np.abs(np.linalg.eigvalsh(a)) if hermitian else np.linalg.svd(a, compute_uv=False)
    atol = tol if atol is None else atol
    if rtol is None:
        rtol = 0.0 if atol is not None else max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
    bound = np.maximum(
        np.asarray(unwrap(rtol)) * s.max(-1, initial=0), 0.0 if atol is None else np.asarray(unwrap(atol))
    )
    rank = np.asarray((s > bound[..., None]).sum(-1), np.int64)
    return rank if A is a else wrap(rank)


# -- norms and functions of matrices ---------------------------------------------------------------


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False):
    """A norm of matrices: ``'fro'``, ``'nuc'``, 1, -1, 2, -2, infinity or its negative."""

    if len(A.shape) < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    rows, columns = axis_of(dim[0], len(A.shape)), axis_of(dim[1], len(A.shape))
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord in ("fro", None):
        return vector_norm(A, ord=2, dim=(rows, columns), keepdim=keepdim)
    if ord in (2, -2, "nuc"):
        s = svdvals(movedim(A, (rows, columns), (-2, -1)))
        s = sum(s, dim=-1) if ord == "nuc" else (amax if ord == 2 else amin)(s, dim=-1)
        if keepdim:
            s = reshape(s, shape=tuple([1 if d in (rows, columns) else n for d, n in enumerate(A.shape)]))
        return s
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    first, second = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = sum(abs(A), dim=first, keepdim=True)
    out = (amax if ord > 0 else amin)(sums, dim=second, keepdim=True)
    return out if keepdim else reshape(out, shape=tuple([n for d, n in enumerate(A.shape) if d not in (rows, columns)]))


def norm(A, ord=None, dim=None, keepdim=False):
    """A vector norm, or a matrix norm for two dimensions: the 2-norm of all elements by default."""

    if dim is not None and not isinstance(dim, int) and len(dim) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    if ord is not None:
        if dim is None and len(A.shape) not in (1, 2):
            raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                               f"{len(A.shape)}D.")  # fmt: skip
        if (dim is None and len(A.shape) == 2) or (dim is not None and not isinstance(dim, int) and len(dim) == 2):
            return matrix_norm(A, ord, dim or (-2, -1), keepdim)
    return vector_norm(A, ord=2 if ord is None else ord, dim=dim, keepdim=keepdim)


def cond(A, p=None):
    """The condition number ``norm(A) * norm(inv(A))``."""
    if p in (None, 2, -2):
        s = svdvals(A)
        k = s.shape[-1]
        if not k:
            return sum(s, dim=-1)  # PyTorch's 0 for matrices without elements
        first, last = narrow(s, dim=-1, start=0, stop=1), narrow(s, dim=-1, start=k - 1, stop=k)
        out = last / first if p == -2 else first / last
        return reshape(out, shape=tuple(out.shape[:-1]))
    square_matrix("linalg.cond", A)
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


@primitive
def matrix_exp(A):
    """The exponential of square matrices: Pade's approximation of order 13, scaled and squared (Higham 2005)."""
    square_matrix("linalg.matrix_exp", A)
    if not A.size:
        return A.copy()
    kind = A.dtype
    A = A.astype(np.result_type(kind, np.float64), copy=False)  # the squarings lose digits
    n = A.shape[-1]
    size = np.abs(A).sum(-2).max()
    power = max(0, int(np.ceil(np.log2(size / 5.37)))) if np.isfinite(size) and size > 5.37 else 0
    a = A * A.dtype.type(2.0**-power)
    unit = np.eye(n, dtype=A.dtype)
    b = [64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
         670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1]  # fmt: skip
    b = [A.dtype.type(c / b[0]) for c in b]
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = a @ (a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * unit)
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * unit
    out = np.linalg.solve(even - odd, even + odd)
    for _ in range(power):
        out = out @ out
    return out.astype(kind, copy=False)


def _matrix_exp_vjp(g, A):
    """The derivative stands in a corner of the exponential of a block matrix (Mathias 1996)."""
    a, n = _mH(A), A.shape[-1]
    block = cat(cat(a, g, dim=-1), cat(a * 0, a, dim=-1), dim=-2)
    big = matrix_exp(block)
    return narrow(narrow(big, dim=-2, start=0, stop=n), dim=-1, start=n, stop=2 * n)


matrix_exp.vjp(A=_matrix_exp_vjp)


def tensorsolve(A, B, dims=None):
    """``X`` with ``tensordot(A, X, X.ndim) = B``."""

    if dims is not None:
        A = movedim(A, tuple(dims), tuple(range(len(A.shape) - len(dims), len(A.shape))))
    shape = tuple(A.shape[len(B.shape) :])
    n = math.prod(shape)
    if n != math.prod(B.shape):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim"
                           f"]), but got {n} != {math.prod(B.shape)}")  # fmt: skip
    return reshape(solve(reshape(A, shape=(n, n)), reshape(B, shape=(n,))), shape=shape)


def tensorinv(A, ind=2):
    """The inverse with respect to ``tensordot(.., ind)``."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    first, second = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    if math.prod(first) != math.prod(second):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
                           f"{math.prod(second)} != {math.prod(first)}")  # fmt: skip
    return reshape(inv(reshape(A, shape=(math.prod(first), -1))), shape=(*second, *first))
