"""Ready-made parametrizations: weight, spectral and orthogonal."""

import numpy as np

from ...engine import wrap
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


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Refused: orthogonal parametrizations are not implemented; ``nn.init.orthogonal_`` sets a start."""
    raise NotImplementedError(
        "parametrizations.orthogonal is not supported by tensorlite; nn.init.orthogonal_ makes an orthogonal initial value"
    )
