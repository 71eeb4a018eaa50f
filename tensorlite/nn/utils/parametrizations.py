"""Ready-made parametrizations: weight, spectral and orthogonal."""

import numpy as np

from ... import creation, linalg
from ..._tensor import Tensor
from ...engine import wrap
from ...functions.decomposing import geqrf
from ...functions.shaping import cat
from ...ops.linalg import matmul
from ...ops.reduction import sum, vector_norm
from .. import init
from ..module import Module
from .parametrize import register_parametrization
from .spectral_norm import as_matrix, unit
from .weight_norm import norm_except_dim

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """``g * v / norm(v)``."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight):
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Compute parameter ``name`` from a length and a direction (Salimans & Kingma 2016).

    Parameters
    ----------
    module : Module
    name : str, default "weight"
    dim : int or None, default 0
        The dimension that keeps lengths of its own; None for one length.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.utils.parametrizations.weight_norm(tl.nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    torch.Size([40, 1])
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    """A tensor divided by its largest singular value."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        n = len(weight.shape)
        if not -n <= dim < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{n}, {n - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % n
        self.eps = eps
        if n > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight._data, self.dim)
            u = init.normal_(wrap(np.empty(matrix.shape[0], matrix.dtype)))
            v = init.normal_(wrap(np.empty(matrix.shape[1], matrix.dtype)))
            u._data[...], v._data[...] = unit(u._data, eps), unit(v._data, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            power_iteration_u_first(matrix, u._data, v._data, 15, eps)

    def forward(self, weight):
        if len(weight.shape) == 1:
            return weight / vector_norm(weight).clamp(min=self.eps)
        if self.training:
            power_iteration_u_first(
                as_matrix(weight._data, self.dim), self._u._data, self._v._data, self.n_power_iterations, self.eps
            )
        u, v = wrap(self._u._data.copy()), wrap(self._v._data.copy())
        return weight / sum(u * matmul(as_matrix(weight, self.dim), v))

    def right_inverse(self, value):
        return value


def power_iteration_u_first(matrix, u, v, count, eps):
    """Power iteration in place; each step improves ``u`` first."""
    for _ in range(count):
        u[...] = unit(matrix @ v, eps)
        v[...] = unit(matrix.T @ u, eps)


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide parameter ``name`` by its largest singular value (Miyato et al. 2018).

    Parameters
    ----------
    module : Module
    name : str, default "weight"
    n_power_iterations : int, default 1
        Steps of power iteration per call in training.
    eps : float
    dim : int, optional
        The dimension of outputs; 1 for transposed convolutions, else 0.
    """
    weight = getattr(module, name, None)
    if weight is None:
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


class _Orthogonal(Module):
    """A matrix with orthonormal columns (or rows, where it is wide) from one without constraint."""

    def __init__(self, weight, orthogonal_map, use_trivialization=True):
        super().__init__()
        if orthogonal_map == "householder" and weight.is_complex():
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x):
        wide = x.size(-2) < x.size(-1)
        q = self._from(x.mT if wide else x)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def _from(self, x):
        n, k = x.size(-2), x.size(-1)
        if self.orthogonal_map == "householder":
            a = x.tril(-1)
            q = linalg.householder_product(a, 2.0 / (1.0 + (a * a).sum(-2)))
            return q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        x = x.tril()
        if n != k:
            x = cat([x, x.new_zeros((*x.shape[:-2], n, n - k))], dim=-1)
        a = x - x.mH  # antisymmetric; its exponential and its Cayley transform are orthogonal
        if self.orthogonal_map == "matrix_exp":
            q = linalg.matrix_exp(a)
        else:
            one = creation.eye(n, dtype=a.dtype)
            q = linalg.solve(one - 0.5 * a, one + 0.5 * a)
        return q[..., :k] if n != k else q

    def right_inverse(self, q):
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        start, wide = q, q.size(-2) < q.size(-1)
        q = q.mT if wide else q
        n, k = q.size(-2), q.size(-1)
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            a, tau = geqrf(q)
            diagonal = a.diagonal(dim1=-2, dim2=-1)
            diagonal.sign_()  # the signs of the columns are kept there
            diagonal[tau == 0.0] *= -1
            return a.mT if wide else a
        if n == k:
            unchanged = _is_orthogonal(q)
        else:
            rest = wrap(np.empty((*q.shape[:-2], n, n - k), q._data.dtype))
            q, unchanged = cat([q, init.normal_(rest)], dim=-1), False
        self.base = q.clone() if unchanged else _orthonormal(q)
        negative = creation.zeros_like(start)
        negative.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return negative


def _is_orthogonal(q):
    one = np.eye(q.size(-1), dtype=q._data.dtype)
    return np.allclose((q.mH @ q)._data, one, atol=10 * q.size(-1) * np.finfo(q._data.dtype).eps)


def _orthonormal(a):
    """The factor Q of ``a``, with the signs that leave an orthogonal matrix as it is."""
    x, tau = geqrf(a)
    return linalg.householder_product(x, tau) * x.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Keep matrix ``name`` orthogonal (Lezcano-Casado 2019): orthonormal columns, or rows where it is wide.

    Parameters
    ----------
    module : Module
    name : str, default "weight"
    orthogonal_map : 'matrix_exp', 'cayley' or 'householder', optional
        'matrix_exp' for square or complex matrices, else 'householder'.
    use_trivialization : bool, default True
        Measure from a fixed orthogonal matrix, so that values can be assigned.

    Raises
    ------
    ValueError
        For an unknown map, a name that is missing, or a tensor of fewer than two dimensions.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.utils.parametrizations.orthogonal(tl.nn.Linear(5, 3))
    >>> tl.allclose(layer.weight @ layer.weight.T, tl.eye(3), atol=1e-5)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    return register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)
