"""Linear algebra: solving, inverting and factorizing matrices, in batches.

Gradients follow Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), and for complex matrices the formulas of PyTorch's documentation.
"""

import math

import numpy as np

from .. import dtypes
from ..engine import primitive, unwrap
from .elementwise import _bar, imag, is_complex, log, real, where
from .reduction import no_zero
from .shape import cat, diag_embed, diagonal, expand_dims, mT, narrow, reshape, tril, triu


class LinAlgError(RuntimeError):
    """A matrix for which a computation has no result: singular, not positive-definite, no convergence."""


def _mH(x):
    return mT(_bar(x))


def _numpy(name, fn, *arrays):
    """Call NumPy's ``fn``; its failure in PyTorch's terms."""
    for a in arrays:
        if a.dtype.kind not in "fc" or a.dtype == np.float16:
            raise RuntimeError(
                f"linalg.{name}: Expected a floating point or complex tensor as input. Got {dtypes.of(a.dtype)}"
            )
    try:
        return fn(*arrays)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.{name}: {_why(name, str(error), fn, arrays[0])}") from None


def _why(name, text, fn, a):
    if "Singular" in text:
        place, matrix = _first_bad(np.linalg.inv, a)
        if name in ("solve", "solve_triangular"):
            return f"{place}The solver failed because the input matrix is singular."
        zero = 1 + int(np.argmin(np.abs(np.diagonal(_lu(matrix)[2]))))
        return (f"{place}The diagonal element {zero} is zero, the inversion could not be completed because the input matrix "
                "is singular.")  # fmt: skip
    if "positive definite" in text:
        place, matrix = _first_bad(fn, a)
        order = next(k for k in range(1, len(matrix) + 1) if not _succeeds(fn, matrix[:k, :k]))
        return (f"{place}The factorization could not be completed because the input is not positive-definite (the leading minor "
                f"of order {order} is not positive-definite).")  # fmt: skip
    if "did not converge" in text:
        return "The algorithm failed to converge because the input matrix is ill-conditioned or has non-finite values."
    return text


def _succeeds(fn, matrix):
    try:
        fn(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def _first_bad(fn, a):
    """The first matrix of a batch that ``fn`` fails for, and PyTorch's words for its place."""
    i = next(i for i in np.ndindex(a.shape[:-2]) if not _succeeds(fn, a[i]))
    return f"(Batch element {np.ravel_multi_index(i, a.shape[:-2])}): " if i else "", a[i]


def square_matrix(name, x):
    """Raise PyTorch's error unless ``x`` is a (batch of) square matrix."""
    if len(x.shape) < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if x.shape[-1] != x.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} matrices"
        )


def matrix(name, x):
    """Raise PyTorch's error unless ``x`` is a (batch of) matrix."""
    if len(x.shape) < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")


def eye_like(x):
    """Unit matrices in the shape and dtype of square matrices ``x``."""
    a = unwrap(x)
    return x * 0 + np.eye(a.shape[-1], dtype=a.dtype)


def _gaps(values):
    """``values[j] - values[i]``, 1 on the diagonal."""
    n = values.shape[-1]
    return expand_dims(values, dim=-2) - expand_dims(values, dim=-1) + np.eye(n, dtype=unwrap(values).real.dtype)


def _off(x):
    """``x`` without its diagonal."""
    return x * (1 - np.eye(x.shape[-1], dtype=unwrap(x).real.dtype))


# -- solving and inverting -------------------------------------------------------------------------


@primitive
def inv(a):
    """The inverse of square matrices."""
    square_matrix("linalg.inv", a)
    return _numpy("inv", np.linalg.inv, a)


inv.vjp(a=lambda g, out: -(_mH(out) @ g @ _mH(out)))


@primitive(promote="same", broadcasts=True)
def _solve(a, b):
    """``x`` with ``a @ x = b`` for matrices ``b``."""
    square_matrix("linalg.solve", a)
    if b.shape[-2] != a.shape[-1]:
        raise RuntimeError(f"linalg.solve: Incompatible shapes of A and B for the equation AX = B ({a.shape[-2]}x{a.shape[-1]} "
                           f"and {b.shape[-2]}x{b.shape[-1]})")  # fmt: skip
    return _numpy("solve", np.linalg.solve, a, b)


_solve.vjp(a=lambda g, a, out: -(_solve(_mH(a), g) @ _mH(out)), b=lambda g, a: _solve(_mH(a), g))


def solve(A, B, *, left=True):
    """``X`` with ``A @ X = B`` (``X @ A = B`` with ``left=False``); ``B`` may hold vectors.

    Raises
    ------
    LinAlgError
        If a matrix is singular.
    """
    square_matrix("linalg.solve", A)
    if len(B.shape) == 1 or (len(A.shape) - 1 == len(B.shape) and tuple(B.shape) == tuple(A.shape[:-1])):
        if not left:
            raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In "
                               "this case linalg.solve is equivalent to B / A.squeeze(-1)")  # fmt: skip
        x = _solve(A, expand_dims(B, dim=-1))
        return reshape(x, shape=tuple(x.shape[:-1]))
    return _solve(A, B) if left else mT(_solve(mT(A), mT(B)))


def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """``X`` with ``A @ X = B``, where only one triangle of ``A`` counts."""
    square_matrix("linalg.solve_triangular", A)
    A = triu(A, diagonal=int(unitriangular)) if upper else tril(A, diagonal=-int(unitriangular))
    if unitriangular:
        A = A + eye_like(A)
    return _solve(A, B) if left else mT(_solve(mT(A), mT(B)))


def _cofactors(a):
    """``det(a) * inv(a)^H``, also for singular matrices: from ``u diag(products of other s) vh``."""
    u, s, vh = svd(a, full_matrices=False)
    n = a.shape[-1]
    rest = expand_dims(s, dim=-2) * (1 - np.eye(n)) + np.eye(n)
    from .reduction import prod

    others = prod(rest, dim=-1)
    sign = det(u) * det(vh)
    return expand_dims(expand_dims(sign, dim=-1), dim=-1) * ((u * expand_dims(others, dim=-2)) @ vh)


@primitive
def det(a):
    """The determinant of square matrices."""
    square_matrix("linalg.det", a)
    return _numpy("det", np.linalg.det, a)


def _det_vjp(g, a, out):
    g, out2 = expand_dims(expand_dims(g, dim=-1), dim=-1), expand_dims(expand_dims(out, dim=-1), dim=-1)
    if not no_zero(out) and not is_complex(a):
        return g * _cofactors(a)
    return _bar(out2) * g * _mH(inv(a))


det.vjp(a=_det_vjp)


@primitive(outputs=("sign", "logabsdet"))
def _slogdet(a):
    square_matrix("linalg.slogdet", a)
    sign, log = _numpy("slogdet", np.linalg.slogdet, a)
    return np.asarray(sign), np.asarray(log)


def _slogdet_vjp(g, a, sign):
    """With ``d log(det) = tr(inv(a) da)``: the logarithm follows its real part, a complex sign turns by the imaginary one."""
    gs, gl = g
    if not is_complex(a):
        return a * 0 if gl is None else expand_dims(expand_dims(gl, dim=-1), dim=-1) * _mH(inv(a))
    weight = 0.0 if gl is None else gl
    if gs is not None:
        weight = weight - imag(_bar(gs) * sign) * 1j
    return expand_dims(expand_dims(weight, dim=-1), dim=-1) * _mH(inv(a))


_slogdet.vjp(a=_slogdet_vjp)


def slogdet(A):
    """The sign (a phase for complex matrices) and the logarithm of the absolute value of determinants."""
    return _slogdet(A)


def logdet(A):
    """The logarithm of determinants; NaN where a real one is negative."""
    sign, size = _slogdet(A)
    return log(sign) + size if is_complex(A) else where(sign < 0, math.nan, size)


# -- factorizations --------------------------------------------------------------------------------


@primitive
def _cholesky(a):
    """The lower triangular ``l`` with ``l @ l^H = a``."""
    square_matrix("linalg.cholesky", a)
    return _numpy("cholesky", np.linalg.cholesky, a)


def _cholesky_vjp(g, out):
    inner = tril(_mH(out) @ g)
    inner = (inner + _mH(tril(inner, diagonal=-1))) * 0.5
    left = _solve(_mH(out), inner)
    return _mH(_solve(_mH(out), _mH(left)))


_cholesky.vjp(a=_cholesky_vjp)


def cholesky(A, *, upper=False):
    """The triangular factor of Hermitian positive-definite matrices: ``L @ L^H = A`` (``U^H @ U`` with ``upper``).

    Raises
    ------
    LinAlgError
        If a matrix is not positive-definite.
    """
    low = _cholesky(A)
    return _mH(low) if upper else low


def cholesky_solve(B, L, upper=False):
    """``X`` with ``A @ X = B``, given the Cholesky factor of ``A``."""
    L = _mH(L) if upper else L
    return _solve(_mH(L), _solve(L, B))


def cholesky_inverse(L, upper=False):
    """The inverse of a matrix, given its Cholesky factor."""
    return cholesky_solve(eye_like(L), L, upper)


@primitive(outputs=("q", "r"))
def _qr(a, *, form):
    matrix("linalg.qr", a)
    if form == "r":
        return np.zeros(0, a.dtype), _numpy("qr", lambda x: np.linalg.qr(x, "r"), a)
    return tuple(_numpy("qr", lambda x: np.linalg.qr(x, form), a))


def _qr_vjp(g, a, q, r, form):
    if form == "r":
        raise RuntimeError("The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                           "linalg.qr(A, mode='reduced')")  # fmt: skip
    m, n = a.shape[-2:]
    if form == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols")
    gq, gr = g
    gq, gr = q * 0 if gq is None else gq, r * 0 if gr is None else gr
    if m >= n:
        return _qr_tall(gq, gr, q, r)
    # a wide matrix is [x | y] with x = q u and y = q v
    u, gu = narrow(r, dim=-1, start=0, stop=m), narrow(gr, dim=-1, start=0, stop=m)
    gv, y = narrow(gr, dim=-1, start=m, stop=n), narrow(a, dim=-1, start=m, stop=n)
    gx = _qr_tall(gq + y @ _mH(gv), gu, q, u)
    return cat(gx, q @ gv, dim=-1)


def _qr_tall(gq, gr, q, r):
    m = r @ _mH(gr) - _mH(gq) @ q
    low = tril(m, diagonal=-1)
    own = tril(triu(m))
    if is_complex(m):
        own = (own + _mH(own)) * 0.5
    right = gq + q @ (low + _mH(low) + own)
    return _mH(_solve(r, _mH(right)))


_qr.vjp(a=_qr_vjp)


def qr(A, mode="reduced"):
    """``Q @ R = A`` with orthonormal columns of ``Q`` and an upper triangular ``R``."""
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return _qr(A, form=mode)


@primitive(outputs=("values", "vectors"))
def _eigh(a, *, UPLO="L"):
    square_matrix("linalg.eigh", a)
    return tuple(_numpy("eigh", lambda x: np.linalg.eigh(x, UPLO), a))


def _eigh_vjp(g, values, vectors):
    gl, gv = g
    back = _mH(vectors)
    if gv is None:
        return (vectors * expand_dims(gl, dim=-2)) @ back
    inner = _off(back @ gv) / _gaps(values)
    if gl is not None:
        inner = inner + diag_embed(gl)
    out = vectors @ inner @ back
    return (out + _mH(out)) * 0.5


_eigh.vjp(a=_eigh_vjp)


def eigh(A, UPLO="L"):
    """Eigenvalues (ascending) and eigenvectors of Hermitian matrices; one triangle counts."""
    if UPLO not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return _eigh(A, UPLO=UPLO)


def eigvalsh(A, UPLO="L"):
    """Eigenvalues of Hermitian matrices, ascending."""
    return eigh(A, UPLO)[0]


@primitive(outputs=("values", "vectors"))
def eig(A):
    """Eigenvalues and eigenvectors of square matrices, complex."""
    square_matrix("linalg.eig", A)
    values, vectors = _numpy("eig", np.linalg.eig, A)
    kind = np.result_type(A.dtype, np.complex64)
    return values.astype(kind, copy=False), vectors.astype(kind, copy=False)


def _eig_vjp(g, values, vectors):
    gl, gv = g
    back = _mH(vectors)
    if gv is None:
        inner = diag_embed(gl)
    else:
        w = back @ gv
        own = real(diagonal(w, dim1=-2, dim2=-1))
        inner = _off(w - (back @ vectors) * expand_dims(own, dim=-2)) / _bar(_gaps(values))
        if gl is not None:
            inner = inner + diag_embed(gl)
    return _solve(back, inner @ back)


eig.vjp(A=_eig_vjp)


def eigvals(A):
    """Eigenvalues of square matrices, complex."""
    return eig(A)[0]


@primitive(outputs=("u", "s", "vh"))
def _svd(a, *, full_matrices):
    matrix("linalg.svd", a)
    return tuple(_numpy("svd", lambda x: np.linalg.svd(x, full_matrices), a))


def _svd_vjp(g, u, s, vh):
    gu, gs, gvh = g
    k = s.shape[-1]
    u, vh = narrow(u, dim=-1, start=0, stop=k), narrow(vh, dim=-2, start=0, stop=k)
    if gu is None and gvh is None:
        return (u * expand_dims(gs, dim=-2)) @ vh
    m, n = u.shape[-2], vh.shape[-1]
    column, row = expand_dims(s, dim=-2), expand_dims(s, dim=-1)
    gaps = _gaps(s * s)
    inner = None if gs is None else diag_embed(gs)
    out = None
    if gu is not None:
        gu = narrow(gu, dim=-1, start=0, stop=k)
        w = _mH(u) @ gu
        part = ((w - _mH(w)) / gaps) * column
        if is_complex(w):
            part = part + tril(triu((w - _mH(w)) / (2 * row) - (w - _mH(w)) * column))
        inner = part if inner is None else inner + part
        if m > k:
            rest = gu - u @ w
            out = (rest / column) @ vh
    if gvh is not None:
        gv = _mH(narrow(gvh, dim=-2, start=0, stop=k))
        w = vh @ gv
        part = row * _off((w - _mH(w)) / gaps)
        inner = part if inner is None else inner + part
        if n > k:
            rest = (u / column) @ (_mH(gv) - _mH(w) @ vh)
            out = rest if out is None else out + rest
    core = u @ inner @ vh
    return core if out is None else core + out


_svd.vjp(a=_svd_vjp)


def svd(A, full_matrices=True, *, driver=None):
    """``U @ diag(S) @ Vh = A`` with orthonormal columns of ``U``, rows of ``Vh``, and descending ``S``."""
    if driver is not None:
        raise RuntimeError(
            "linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )
    return _svd(A, full_matrices=full_matrices)


def svdvals(A, *, driver=None):
    """Singular values, descending."""
    return svd(A, full_matrices=False, driver=driver)[1]


@primitive(outputs=("p", "l", "u"), constant=("p",))
def _lu(a):
    matrix("linalg.lu", a)
    *lead, m, n = a.shape
    k = min(m, n)
    u = np.array(a).reshape(math.prod(lead), m, n)
    order = np.tile(np.arange(m), (len(u), 1))
    low = np.zeros((len(u), m, k), a.dtype)
    batch = np.arange(len(u))
    for j in range(k):
        column = u[:, j:, j]  # LAPACK compares |re| + |im|
        size = np.abs(column.real) + np.abs(column.imag) if a.dtype.kind == "c" else np.abs(column)
        pivot = j + np.argmax(size, axis=1)
        for x in (u, low, order):
            x[batch, j], x[batch, pivot] = x[batch, pivot].copy(), x[batch, j].copy()
        head = u[:, j, j]
        low[:, j, j] = 1
        low[:, j + 1 :, j] = u[:, j + 1 :, j] / np.where(head == 0, 1, head)[:, None]
        u[:, j + 1 :] -= low[:, j + 1 :, j, None] * u[:, j, None]
        u[:, j + 1 :, j] = 0
    p = np.zeros((len(u), m, m), a.dtype)
    p[batch[:, None], order, np.arange(m)] = 1
    return p.reshape(*lead, m, m), low.reshape(*lead, m, k), u[:, :k].reshape(*lead, k, n)


def _lu_vjp(g, a, p, l, u):
    """One square part determines L or U alone; the rest of a wide or tall matrix follows it linearly."""
    m, n = a.shape[-2:]
    k = min(m, n)
    gl, gu = g
    gl, gu = l * 0 if gl is None else gl, u * 0 if gu is None else gu
    if m <= n:
        u1, gu1 = narrow(u, dim=-1, start=0, stop=k), narrow(gu, dim=-1, start=0, stop=k)
        u2, gu2 = narrow(u, dim=-1, start=k, stop=n), narrow(gu, dim=-1, start=k, stop=n)
        inner = tril(_mH(l) @ gl - gu2 @ _mH(u2), diagonal=-1) + triu(gu1 @ _mH(u1))
        first = _mH(_solve(u1, _mH(inner)))
        return p @ _solve(_mH(l), cat(first, gu2, dim=-1) if m < n else first)
    l1, gl1 = narrow(l, dim=-2, start=0, stop=k), narrow(gl, dim=-2, start=0, stop=k)
    l2, gl2 = narrow(l, dim=-2, start=k, stop=m), narrow(gl, dim=-2, start=k, stop=m)
    inner = tril(_mH(l1) @ gl1, diagonal=-1) + triu(gu @ _mH(u) - _mH(l2) @ gl2)
    first = _solve(_mH(l1), inner)
    return p @ _mH(_solve(u, _mH(cat(first, gl2, dim=-2))))


_lu.vjp(a=_lu_vjp)


def lu(A, *, pivot=True):
    """``P @ L @ U = A``: a permutation, a unit lower and an upper triangular matrix."""
    if not pivot:
        raise RuntimeError("linalg.lu: LU without pivoting is not implemented on the CPU")
    return _lu(A)
