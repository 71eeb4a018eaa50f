"""Exponential families, whose entropy follows from their normalizer."""

import tensorlite as tl

from .distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Densities ``exp(t(x) @ theta - F(theta) + k(x))``: a base for distributions of one's own.

    A subclass defines ``_natural_params`` (theta), ``_log_normalizer`` (F) and ``_mean_carrier_measure`` (of k).
    """

    @property
    def _natural_params(self):
        raise NotImplementedError

    def _log_normalizer(self, *natural_params):
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self):
        raise NotImplementedError

    def entropy(self):
        """The entropy, as the Bregman divergence of the log normalizer (Nielsen & Nock 2010)."""
        parameters = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*parameters)
        slopes = tl.autograd.grad(normalizer.sum(), parameters, create_graph=True)
        result = normalizer - self._mean_carrier_measure
        for p, g in zip(parameters, slopes):
            result = result - (p * g).reshape((*self._batch_shape, -1)).sum(-1)
        return result
