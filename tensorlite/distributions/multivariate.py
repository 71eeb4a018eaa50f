"""Normal distributions of vectors."""

import math

import tensorlite as tl

from .._device import Size
from . import constraints
from .distribution import Distribution
from .utils import HALF_LOG_2PI, lazy_property, normal_like

__all__ = ["LowRankMultivariateNormal", "MultivariateNormal"]


class MultivariateNormal(Distribution):
    """The normal distribution of vectors.

    Parameters
    ----------
    loc : Tensor (..., n)
        Mean.
    covariance_matrix, precision_matrix, scale_tril : Tensor (..., n, n)
        One of the covariance, its inverse, and its Cholesky factor.

    Raises
    ------
    ValueError
        If not exactly one matrix is given, or it is not of its kind.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {name: m for name, m in given.items() if m is not None}
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch = tl.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand((*batch, -1))
        setattr(self, name, matrix.expand((*batch, -1, -1)))
        super().__init__(batch, loc.shape[-1:], validate_args)
        if name == "covariance_matrix":
            self._factor = tl.linalg.cholesky(matrix)
        elif name == "precision_matrix":
            self._factor = _factor_of_inverse(matrix)
        else:
            self._factor = matrix

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        new = super().expand(batch_shape, _instance)
        new._factor = self._factor
        return new

    @lazy_property
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        return self._factor.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self):
        """The covariance."""
        return (self._factor @ self._factor.mT).expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self):
        """The inverse of the covariance."""
        inverse = tl.linalg.inv(self._factor)
        return (inverse.mT @ inverse).expand(self._batch_shape + self._event_shape + self._event_shape)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: (self._factor**2).sum(-1).expand(self._batch_shape + self._event_shape))

    def rsample(self, sample_shape=Size()):
        eps = normal_like(self.loc, self._extended_shape(sample_shape))
        return self.loc + (self._factor @ eps.unsqueeze(-1)).squeeze(-1)

    def _log_volume(self):
        return self._factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value):
        self._validate_sample(value)
        difference = (value - self.loc).unsqueeze(-1)
        factor = self._factor.expand(difference.shape[:-2] + tuple(self._factor.shape[-2:]))
        y = tl.linalg.solve_triangular(factor, difference, upper=False).squeeze(-1)
        return -0.5 * (y**2).sum(-1) - self._event_shape[0] * HALF_LOG_2PI - self._log_volume()

    def entropy(self):
        h = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_volume()
        return h.expand(self._batch_shape)


def _factor_of_inverse(p):
    """The lower Cholesky factor of the inverse of ``p``."""
    flipped = tl.linalg.cholesky(p.flip((-2, -1)))
    upper = flipped.flip((-2, -1)).mT
    eye = tl.eye(p.shape[-1], dtype=p.dtype).expand(p.shape)
    return tl.linalg.solve_triangular(upper, eye, upper=False)


class LowRankMultivariateNormal(Distribution):
    """The normal distribution of vectors with covariance ``W @ W.T + diag(D)``.

    Parameters
    ----------
    loc : Tensor (..., n)
        Mean.
    cov_factor : Tensor (..., n, m)
        W, with few columns.
    cov_diag : Tensor (..., n)
        D.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
        try:
            batch = tl.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = loc.expand((*batch, -1)), cov_diag.expand((*batch, -1))
        self.cov_factor = cov_factor.expand((*batch, -1, -1))
        super().__init__(batch, event, validate_args)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: self.cov_factor.pow(2).sum(-1) + self.cov_diag)

    @lazy_property
    def _scaled(self):
        """``W.T @ D^-1``, and the Cholesky factor of ``1 + W.T @ D^-1 @ W`` (the matrix determinant lemma's)."""
        w = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
        inner = w @ self.cov_factor
        return w, tl.linalg.cholesky(inner + tl.eye(inner.shape[-1], dtype=inner.dtype))

    @lazy_property
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        root = self.cov_diag.sqrt().unsqueeze(-1)
        w = self.cov_factor / root
        return root * tl.linalg.cholesky(w @ w.mT + tl.eye(w.shape[-2], dtype=w.dtype))

    _factor = property(lambda self: self.scale_tril)

    @lazy_property
    def covariance_matrix(self):
        """The covariance."""
        return self.cov_factor @ self.cov_factor.mT + tl.diag_embed(self.cov_diag)

    @lazy_property
    def precision_matrix(self):
        """The inverse of the covariance."""
        w, inner = self._scaled
        a = tl.linalg.solve_triangular(inner, w, upper=False)
        return tl.diag_embed(self.cov_diag.reciprocal()) - a.mT @ a

    def rsample(self, sample_shape=Size()):
        shape = self._extended_shape(sample_shape)
        of_factor = normal_like(self.loc, shape[:-1] + self.cov_factor.shape[-1:])
        of_diagonal = normal_like(self.loc, shape)
        return self.loc + (self.cov_factor @ of_factor.unsqueeze(-1)).squeeze(-1) + self.cov_diag.sqrt() * of_diagonal

    def _log_volume(self):
        return self._scaled[1].diagonal(dim1=-2, dim2=-1).log().sum(-1) + 0.5 * self.cov_diag.log().sum(-1)

    def log_prob(self, value):
        self._validate_sample(value)
        difference, (w, inner) = value - self.loc, self._scaled
        y = w @ difference.unsqueeze(-1)
        inner = inner.expand(y.shape[:-2] + tuple(inner.shape[-2:]))
        inside = (tl.linalg.solve_triangular(inner, y, upper=False) ** 2).sum((-2, -1))
        distance = (difference**2 / self.cov_diag).sum(-1) - inside
        return -0.5 * distance - self._event_shape[0] * HALF_LOG_2PI - self._log_volume()

    def entropy(self):
        return 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_volume()
