"""Smooth stand-ins for classes, whose samples have gradients (Maddison et al. 2016, https://arxiv.org/abs/1611.00712)."""

import tensorlite as tl

from .._device import Size
from . import constraints
from .discrete import _BINARY, _OverClasses
from .distribution import Distribution, FromLogits
from .transformed import TransformedDistribution, _of_base
from .transforms import ExpTransform, SigmoidTransform
from .utils import broadcast_all, clamp_probs, probs_to_logits

__all__ = ["ExpRelaxedCategorical", "LogitRelaxedBernoulli", "RelaxedBernoulli", "RelaxedOneHotCategorical"]


class LogitRelaxedBernoulli(FromLogits, Distribution):
    """The log odds of a :class:`RelaxedBernoulli`."""

    arg_constraints = _BINARY
    support = constraints.real
    has_rsample = True

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        self._take_broadcast(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        return new

    def rsample(self, sample_shape=Size()):
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        uniform = tl.rand(shape, dtype=probs.dtype)
        return (probs_to_logits(uniform, True) + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value):
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        difference = logits - value.mul(self.temperature)
        return self.temperature.log() + difference - 2 * difference.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """Numbers in (0, 1), near to 0 and 1 at a low ``temperature`` (a tensor).

    Parameters
    ----------
    temperature : Tensor
    probs, logits : float or Tensor
        One of the probability of 1 and its log odds.
    """

    arg_constraints = _BINARY
    support = constraints.unit_interval
    temperature, logits, probs = _of_base("temperature", "logits", "probs")

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(), validate_args)


class ExpRelaxedCategorical(_OverClasses):
    """The logarithm of a :class:`RelaxedOneHotCategorical`."""

    shows = False
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        super().__init__(probs, logits, validate_args)

    def rsample(self, sample_shape=Size()):
        uniform = clamp_probs(tl.rand(self._extended_shape(sample_shape), dtype=self.logits.dtype))
        scores = (self.logits - (-uniform.log()).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, value):
        self._validate_sample(value)
        n = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        log_scale = tl.full_like(self.temperature, float(n)).lgamma() + self.temperature.log() * (n - 1)
        score = logits - value.mul(self.temperature)
        return (score - score.logsumexp(dim=-1, keepdim=True)).sum(-1) + log_scale


class RelaxedOneHotCategorical(TransformedDistribution):
    """Vectors that sum up to one, near to one-hot vectors at a low ``temperature`` (a tensor).

    Parameters
    ----------
    temperature : Tensor
    probs, logits : Tensor (..., classes)
        One of the probabilities of the classes and their logarithms.

    Examples
    --------
    >>> import tensorlite as tl
    >>> d = tl.distributions.RelaxedOneHotCategorical(tl.tensor(0.5), probs=tl.tensor([0.2, 0.8]))
    >>> d.rsample((3,)).shape
    torch.Size([3, 2])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    temperature, logits, probs = _of_base("temperature", "logits", "probs")

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args)
