"""Mixtures of distributions of one kind."""

import tensorlite as tl

from .._device import Size
from . import constraints
from .discrete import Categorical
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """One of several distributions of a kind, drawn anew for each sample.

    Parameters
    ----------
    mixture_distribution : Categorical
        Which component.
    component_distribution : Distribution
        The components, along the last dimension of the batch.

    Raises
    ------
    ValueError
        If the number of components or the batches differ.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.distributions import Categorical, MixtureSameFamily, Normal
    >>> d = MixtureSameFamily(Categorical(tl.ones(2)), Normal(tl.tensor([-1.0, 1.0]), tl.ones(2)))
    >>> d.mean, d.variance
    (tensor(0.), tensor(2.))
    """

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
        self.mixture_distribution, self.component_distribution = mixture_distribution, component_distribution
        mine, parts = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        if any(i != 1 and j != 1 and i != j for i, j in zip(reversed(mine), reversed(parts))):
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({mine}) is not compatible with "
                f"`component_distribution.batch_shape`({parts})"
            )
        n, count = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if n != count:
            raise ValueError(
                f"`mixture_distribution component` ({n}) does not equal `component_distribution.batch_shape[-1]` ({count})"
            )
        self._num_component, self._event_ndims = n, len(component_distribution.event_shape)
        super().__init__(parts, component_distribution.event_shape, validate_args)

    @constraints.dependent_property
    def support(self):
        """The constraint that samples satisfy."""
        return constraints.MixtureSameFamilyConstraint(self.component_distribution.support)

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        new = super().expand(batch_shape, _instance)
        new.component_distribution = self.component_distribution.expand((*batch_shape, self._num_component))
        new.mixture_distribution = self.mixture_distribution.expand(batch_shape)
        return new

    def _pad(self, x):
        return x.unsqueeze(-1 - self._event_ndims)

    @property
    def _weights(self):
        """The probabilities, with dimensions for the batch of the components and the event."""
        p = self.mixture_distribution.probs
        own = len(self.mixture_distribution.batch_shape)
        missing = 0 if own == 1 else len(self.batch_shape) - own
        return p.reshape((*p.shape[:-1], *[1] * missing, p.shape[-1], *[1] * self._event_ndims))

    def _average(self, x):
        return (self._weights * x).sum(-1 - self._event_ndims)

    mean = property(lambda self: self._average(self.component_distribution.mean))

    @property
    def variance(self):
        part = self.component_distribution
        return self._average(part.variance) + self._average((part.mean - self._pad(self.mean)) ** 2)

    def cdf(self, x):
        return (self.component_distribution.cdf(self._pad(x)) * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, x):
        self._validate_sample(x)
        log_weights = tl.log_softmax(self.mixture_distribution.logits, dim=-1)
        return tl.logsumexp(self.component_distribution.log_prob(self._pad(x)) + log_weights, dim=-1)

    def sample(self, sample_shape=Size()):
        with tl.no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            chosen = self.mixture_distribution.sample(sample_shape)
            values = self.component_distribution.sample(sample_shape)
            chosen = chosen.reshape((*chosen.shape, *[1] * (self._event_ndims + 1)))
            chosen = chosen.expand((*values.shape[:dim], 1, *self.event_shape))
            return values.gather(dim, chosen).squeeze(dim)

    def __repr__(self):
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
