"""Distributions of matrices."""

import math
import warnings

import tensorlite as tl

from .._device import Size
from . import constraints
from .continuous import Beta, Chi2
from .distribution import Distribution
from .multivariate import MultivariateNormal, _factor_of_inverse
from .utils import broadcast_all, lazy_property, smallest

__all__ = ["LKJCholesky", "Wishart"]


class LKJCholesky(Distribution):
    """Cholesky factors of correlation matrices (Lewandowski, Kurowicka & Joe 2009; the onion method). No gradients.

    Parameters
    ----------
    dim : int
        Rows of the matrices, at least 2.
    concentration : float or Tensor, default 1.0
        1: all correlation matrices are alike; more: nearer to the identity.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, Size((dim, dim)), validate_args)

    @property
    def _beta(self):
        """Of the squared lengths of the rows left of the diagonal."""
        n = self.dim
        offset = tl.arange(n - 1, dtype=self.concentration.dtype)
        offset = tl.cat([offset.new_zeros((1,)), offset])
        rest = (self.concentration + 0.5 * (n - 2)).unsqueeze(-1) - 0.5 * offset
        return Beta(offset + 0.5, rest, validate_args=False)

    def sample(self, sample_shape=Size()):
        with tl.no_grad():
            y = self._beta.sample(sample_shape).unsqueeze(-1)
            u = tl.randn(self._extended_shape(sample_shape), dtype=y.dtype).tril(-1)
            u = u / u.norm(dim=-1, keepdim=True)
            u[..., 0, :] = 0.0
            w = y.sqrt() * u
            return w + (1 - (w**2).sum(-1)).clamp(min=smallest(w)).sqrt().diag_embed()

    def log_prob(self, value):
        self._validate_sample(value)
        n, less = self.dim, self.dim - 1
        order = 2 * (self.concentration - 1).unsqueeze(-1) + n - tl.arange(2, n + 1)
        density = (order * value.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1)
        a = self.concentration + 0.5 * less
        return density - 0.5 * less * math.log(math.pi) - tl.mvlgamma(a - 0.5, less) + tl.lgamma(a) * less


class Wishart(Distribution):
    """Sums of ``x @ x.T`` over ``df`` normal vectors ``x`` (Bartlett's decomposition).

    Parameters
    ----------
    df : float or Tensor
        Degrees of freedom, more than the rows of the matrices minus 1.
    covariance_matrix, precision_matrix, scale_tril : Tensor (..., n, n)
        One of the covariance of the vectors, its inverse, and its Cholesky factor.

    Raises
    ------
    AssertionError, ValueError
        If not exactly one matrix is given; if it is none, or ``df`` is too small.
    """

    support = constraints.positive_definite
    has_rsample = True

    @property
    def arg_constraints(self):
        """What the parameters must satisfy."""
        matrices = {n: MultivariateNormal.arg_constraints[n] for n in self._names}
        return {**matrices, "df": constraints.greater_than(self.event_shape[-1] - 1)}

    _names = ("covariance_matrix", "precision_matrix", "scale_tril")

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        given = dict(zip(self._names, (covariance_matrix, precision_matrix, scale_tril)))
        given = {name: m for name, m in given.items() if m is not None}
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        df_ = df if isinstance(df, tl.Tensor) else tl.tensor(df, dtype=matrix.dtype)
        batch, n = tl.broadcast_shapes(matrix.shape[:-2], df_.shape), matrix.shape[-1]
        self.df = df_.expand(batch)
        if (self.df <= n - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        if (self.df < n).any():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                UserWarning, stacklevel=2)  # fmt: skip
        setattr(self, name, matrix.expand((*batch, -1, -1)))
        super().__init__(batch, matrix.shape[-2:], validate_args)
        factor = {"covariance_matrix": tl.linalg.cholesky, "precision_matrix": _factor_of_inverse}
        self._factor = factor[name](matrix) if name in factor else matrix

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        new = super().expand(batch_shape, _instance)
        new._factor = self._factor
        return new

    @lazy_property
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        return self._factor.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self):
        """The covariance of the vectors."""
        return self.scale_tril @ self.scale_tril.mT

    @lazy_property
    def precision_matrix(self):
        """The inverse of the covariance."""
        inverse = tl.linalg.inv(self.scale_tril)
        return inverse.mT @ inverse

    def _scaled(self, factor):
        return factor.reshape((*self._batch_shape, 1, 1)) * self.covariance_matrix

    mean = property(lambda self: self._scaled(self.df))

    @property
    def mode(self):
        factor = self.df - self.event_shape[-1] - 1
        return self._scaled(factor.masked_fill(factor <= 0, math.nan))

    @property
    def variance(self):
        v = self.covariance_matrix
        d = v.diagonal(dim1=-2, dim2=-1)
        return self.df.reshape((*self._batch_shape, 1, 1)) * (v**2 + d.unsqueeze(-1) * d.unsqueeze(-2))

    def _bartlett(self, sample_shape):
        n = self.event_shape[-1]
        chi2 = Chi2(self.df.unsqueeze(-1) - tl.arange(n, dtype=self.df.dtype), validate_args=False)
        roots = chi2.rsample(sample_shape).sqrt()
        noise = roots.clamp(min=tl.finfo(roots.dtype).eps).diag_embed()
        i, j = tl.tril_indices(n, n, -1)
        below = tl.zeros_like(noise)
        below[..., i, j] = tl.randn((*sample_shape, *self._batch_shape, n * (n - 1) // 2), dtype=noise.dtype)
        factor = self._factor @ (noise + below)
        return factor @ factor.mT

    def rsample(self, sample_shape=Size(), max_try_correction=10):
        """Samples with gradients; singular ones (after a warning) are drawn again, at most ``max_try_correction`` times."""
        value = self._bartlett(Size(sample_shape))
        for i in range(max_try_correction + 1):
            singular = ~self.support.check(value)
            if not singular.any() or i == max_try_correction:
                break
            if i == 0:
                warnings.warn("Singular sample detected.", UserWarning, stacklevel=2)
            value = tl.where(singular[..., None, None], self._bartlett(Size(sample_shape)), value)
        return value

    def _log_volume(self):
        n = self.event_shape[-1]
        return n * math.log(2) / 2 + self._factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value):
        self._validate_sample(value)
        df, n = self.df, self.event_shape[-1]
        distance = tl.cholesky_solve(value, self._factor.expand(value.shape)).diagonal(dim1=-2, dim2=-1).sum(-1)
        norm = df * self._log_volume() + tl.mvlgamma(df / 2, n)
        return (df - n - 1) / 2 * tl.linalg.slogdet(value).logabsdet - distance / 2 - norm

    def entropy(self):
        df, n = self.df, self.event_shape[-1]
        psi = tl.digamma((df / 2).unsqueeze(-1) - tl.arange(n, dtype=df.dtype) / 2).sum(-1)
        return (n + 1) * self._log_volume() + tl.mvlgamma(df / 2, n) - (df - n - 1) / 2 * psi + df * n / 2
