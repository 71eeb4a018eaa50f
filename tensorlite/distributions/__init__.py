"""Probability distributions with gradients: ``torch.distributions``. Samples are PyTorch's for the same seed."""

import sys as _sys

from . import constraints, heavy, matrices, mixture, relaxed, transformed, transforms
from . import continuous as _continuous
from . import discrete as _discrete
from . import multivariate as _multivariate
from .constraint_registry import biject_to, transform_to
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
from .discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    Multinomial,
    NegativeBinomial,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    Poisson,
)  # fmt: skip
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .heavy import ContinuousBernoulli, FisherSnedecor, GeneralizedPareto, StudentT, VonMises
from .independent import Independent
from .kl import kl_divergence, register_kl
from .kl_mixed import *  # noqa: F403
from .matrices import LKJCholesky, Wishart
from .mixture import MixtureSameFamily
from .multivariate import LowRankMultivariateNormal, MultivariateNormal
from .relaxed import RelaxedBernoulli, RelaxedOneHotCategorical
from .transformed import (
    HalfCauchy,
    InverseGamma,
    Kumaraswamy,
    LogisticNormal,
    LogNormal,
    Pareto,
    TransformedDistribution,
    Weibull,
)
from .transforms import *  # noqa: F403

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ContinuousBernoulli", "Dirichlet", "Distribution",
    "Exponential", "ExponentialFamily", "FisherSnedecor", "Gamma", "GeneralizedPareto", "Geometric", "Gumbel",
    "HalfCauchy", "HalfNormal", "Independent", "InverseGamma", "Kumaraswamy", "LKJCholesky", "Laplace", "LogNormal",
    "LogisticNormal", "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial", "MultivariateNormal",
    "NegativeBinomial", "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough", "Pareto", "Poisson",
    "RelaxedBernoulli", "RelaxedOneHotCategorical", "StudentT", "TransformedDistribution", "Uniform", "VonMises",
    "Weibull", "Wishart", "biject_to", "constraints", "kl_divergence", "register_kl", "transform_to", "transforms",
    *transforms.__all__,
]  # fmt: skip

# PyTorch has one module per distribution: ``torch.distributions.categorical.Categorical``.
for _names, _module in {
    "normal uniform exponential laplace cauchy gumbel gamma beta dirichlet half_normal chi2": _continuous,
    "bernoulli binomial categorical geometric negative_binomial one_hot_categorical poisson multinomial": _discrete,
    "multivariate_normal lowrank_multivariate_normal": _multivariate,
    "continuous_bernoulli fishersnedecor generalized_pareto studentT von_mises": heavy,
    "half_cauchy inverse_gamma kumaraswamy log_normal logistic_normal pareto transformed_distribution weibull": transformed,
    "relaxed_bernoulli relaxed_categorical": relaxed,
    "mixture_same_family": mixture,
    "lkj_cholesky wishart": matrices,
}.items():
    for _name in _names.split():
        _sys.modules[f"{__name__}.{_name}"] = globals()[_name] = _module
