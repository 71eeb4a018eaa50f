"""The base of all distributions, and what they share."""

from __future__ import annotations

import warnings

import tensorlite as tl

from .._device import Size
from ..engine import TensorBase
from .constraints import Constraint, is_dependent
from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits

__all__ = ["Distribution"]


class Distribution:
    """A probability distribution.

    Parameters
    ----------
    batch_shape : Size
        Shape of a batch of independent distributions.
    event_shape : Size
        Shape of one sample of one of them.
    validate_args : bool, default True
        Check parameters, and values given to ``log_prob`` and ``cdf``.

    Notes
    -----
    Subclasses name their parameters in ``arg_constraints`` and compute with tensors, so that everything has gradients.
    """

    shows = True  # whether the parameters are printed; PyTorch leaves them out where another distribution holds them
    arg_constraints: dict[str, Constraint] = {}
    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value):
        """Whether parameters and values are checked from now on."""
        if value not in (True, False):
            raise ValueError(f"value must be a bool, not {value!r}")
        Distribution._validate_args = value

    def __init__(self, batch_shape=Size(), event_shape=Size(), validate_args=None):
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        for name, constraint in self.arg_constraints.items():
            value = self.__dict__.get(name)
            if is_dependent(constraint) or not isinstance(value, TensorBase):
                continue
            if not constraint.holds(value._data).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    batch_shape = property(lambda self: self._batch_shape, doc="Shape of the batch of distributions.")
    event_shape = property(lambda self: self._event_shape, doc="Shape of one sample.")

    def __repr__(self):
        shown = []
        for name in self.arg_constraints if self.shows else ():
            value = self.__dict__.get(name)
            if value is not None:
                shown.append(f"{name}: {value if value.numel() == 1 else value.size()}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def _get_checked_instance(self, cls, _instance=None):
        """A new, empty instance for ``expand``, which a subclass with an ``__init__`` of its own must define too."""
        if _instance is None and type(self).__init__ != cls.__init__:
            name = type(self).__name__
            raise NotImplementedError(
                f"Subclass {name} of {cls.__name__} that defines a custom __init__ method must also define a custom "
                ".expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its batch expanded to ``batch_shape``."""
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.__dict__.update({k: v for k, v in self.__dict__.items() if not isinstance(v, TensorBase)})
        batch_shape = Size(batch_shape)
        for name, constraint in self.arg_constraints.items():
            value = self.__dict__.get(name)
            if isinstance(value, TensorBase):
                event = value.shape[len(value.shape) - constraint.event_dim :]
                setattr(new, name, value.expand(batch_shape + event))
        new._batch_shape = batch_shape
        return new

    def _refuse(self, what):
        raise NotImplementedError(f"{type(self).__name__} does not implement {what}")

    support = property(lambda self: self._refuse("support"), doc="The constraint that samples satisfy.")
    mean = property(lambda self: self._refuse("mean"), doc="The mean.")
    mode = property(lambda self: self._refuse("mode"), doc="The most likely value.")
    variance = property(lambda self: self._refuse("variance"), doc="The variance.")

    @property
    def stddev(self):
        """The standard deviation."""
        return self.variance.sqrt()

    def rsample(self, sample_shape=Size()):
        """Samples that have gradients with respect to the parameters, of shape sample + batch + event."""
        self._refuse("rsample: its samples have no gradient")

    def sample(self, sample_shape=Size()):
        """Samples without gradients, of shape sample + batch + event."""
        with tl.no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n):
        """``n`` samples, the older spelling of ``sample((n,))``."""
        warnings.warn("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2)
        return self.sample((n,))

    def log_prob(self, value):
        """The logarithm of the density (or of the probability) at ``value``."""
        self._refuse("log_prob")

    def cdf(self, value):
        """The probability of at most ``value``."""
        self._refuse("cdf")

    def icdf(self, value):
        """The inverse of :meth:`cdf`."""
        self._refuse("icdf")

    def enumerate_support(self, expand=True):
        """All values, along a new first dimension."""
        self._refuse("enumerate_support")

    def entropy(self):
        """The entropy, in nats."""
        self._refuse("entropy")

    def perplexity(self):
        """The exponential of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape=Size()):
        return Size(tuple(sample_shape) + tuple(self._batch_shape) + tuple(self._event_shape))

    def _validate_sample(self, value):
        if not self._validate_args:
            return
        if not isinstance(value, TensorBase):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, expected = Size(value.shape), self._batch_shape + self._event_shape
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}.")
        if any(i != 1 and j != 1 and i != j for i, j in zip(reversed(shape), reversed(expected))):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please initialize the distribution "
                "with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        if not support.holds(value._data).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be within the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )


class FromLogits:
    """Probabilities given as ``probs`` or as ``logits``; the other one is computed when it is asked for."""

    binary = True

    def _take(self, probs, logits):
        """Which of the two is given: its name and value."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        return ("logits", logits) if probs is None else ("probs", probs)

    def _take_broadcast(self, probs, logits, *others):
        """Keep the one that is given, broadcast with ``others``, which are returned."""
        name, value = self._take(probs, logits)
        *others, value = broadcast_all(*others, value)
        setattr(self, name, value)
        return others

    @lazy_property
    def logits(self):
        """Log odds (binary), or log probabilities."""
        return probs_to_logits(self.probs, self.binary)

    @lazy_property
    def probs(self):
        """Probabilities."""
        return logits_to_probs(self.logits, self.binary)

    @property
    def _param(self):
        return self.__dict__["probs"] if "probs" in self.__dict__ else self.logits

    @property
    def param_shape(self):
        """The shape of the parameter."""
        return self._param.size()
