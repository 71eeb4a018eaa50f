"""Probability distributions with gradients: ``torch.distributions``.

Samples are PyTorch's for the same seed. Gamma, Chi2, Beta and Dirichlet sample without gradients only.
"""

import sys as _sys

from . import constraints, transforms
from . import continuous as _continuous
from . import discrete as _discrete
from . import multivariate as _multivariate
from .continuous import (
    Beta,
    Cauchy,
    Chi2,
    Dirichlet,
    Exponential,
    Gamma,
    Gumbel,
    HalfNormal,
    Laplace,
    Normal,
    Uniform,
)  # fmt: skip
from .discrete import Bernoulli, Binomial, Categorical, Geometric, Multinomial, OneHotCategorical, Poisson
from .distribution import Distribution
from .kl import kl_divergence, register_kl
from .multivariate import Independent, LogNormal, MultivariateNormal, TransformedDistribution
from .transforms import AffineTransform, ExpTransform, SigmoidTransform, TanhTransform, Transform

__all__ = [
    "AffineTransform", "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "Dirichlet", "Distribution",
    "ExpTransform", "Exponential", "Gamma", "Geometric", "Gumbel", "HalfNormal", "Independent", "Laplace", "LogNormal",
    "Multinomial", "MultivariateNormal", "Normal", "OneHotCategorical", "Poisson", "SigmoidTransform", "TanhTransform",
    "Transform", "TransformedDistribution", "Uniform", "constraints", "kl_divergence", "register_kl", "transforms",
]  # fmt: skip

# PyTorch has one module per distribution: ``torch.distributions.categorical.Categorical``.
for _name, _module in {
    **dict.fromkeys(("normal", "uniform", "exponential", "laplace", "cauchy", "gumbel", "gamma", "beta", "dirichlet",
                     "half_normal", "chi2"), _continuous),
    **dict.fromkeys(("bernoulli", "binomial", "categorical", "geometric", "one_hot_categorical", "poisson",
                     "multinomial"), _discrete),
    **dict.fromkeys(("multivariate_normal", "independent", "log_normal", "transformed_distribution"), _multivariate),
}.items():  # fmt: skip
    _sys.modules[f"{__name__}.{_name}"] = globals()[_name] = _module
