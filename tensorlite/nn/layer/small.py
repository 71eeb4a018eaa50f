"""The small library's layers: ``Dense``, ``Dropout(rate)`` and ``BatchNorm(n)``, thin shapes of PyTorch's."""

import operator

from ...ops import elementwise as ew
from ...ops import reduction as red
from .._calls import explained
from ..module import Module
from . import dropout
from .batchnorm import _BatchNorm
from .dense import Linear

__all__ = ["BatchNorm", "BatchNormalization", "Dense", "Dropout"]


def _strength(name, value):
    """A regularization strength: a number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"Dense: {name} must be a number, not {type(value).__name__}")
    if not value >= 0:
        raise ValueError(f"Dense: {name} must not be negative, but got {value}")
    return value


def _size(name, n):
    """A number of units: a positive integer, also one of NumPy's."""
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"{name} must be an int, not {type(n).__name__}")
    if n < 1:
        raise ValueError(f"{name} must be at least 1, but got {n}")
    return operator.index(n)


class Dense(Linear):
    """A :class:`~tensorlite.nn.Linear` followed by an activation.

    Parameters
    ----------
    n_inputs, n_outputs : int
    activation : Module or class of one, optional
        Such as ``nn.activation.ReLU()``; none is the identity.
    weight_regularizer_l1, weight_regularizer_l2 : float, default 0
        Strengths of ``sum(abs(weight))`` and ``sum(weight**2)`` in :meth:`regularization_loss`.
    bias_regularizer_l1, bias_regularizer_l2 : float, default 0
        The same for the bias.

    Attributes
    ----------
    weight : Parameter, (n_outputs, n_inputs)
    bias : Parameter, (n_outputs,)
    activation : Module or None
        May be exchanged at any time.

    Raises
    ------
    TypeError, ValueError
        For sizes that are no positive integers, an activation that is no module, a negative strength.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn
    >>> layer = nn.layer.Dense(4, 2, activation=nn.activation.ReLU(), weight_regularizer_l2=1e-3)
    >>> layer(tl.zeros(3, 4)).shape
    torch.Size([3, 2])
    """

    @explained
    def __init__(self, n_inputs, n_outputs, activation=None, weight_regularizer_l1=0, weight_regularizer_l2=0,
                 bias_regularizer_l1=0, bias_regularizer_l2=0):  # fmt: skip
        super().__init__(_size("Dense: n_inputs", n_inputs), _size("Dense: n_outputs", n_outputs))
        self._modules["activation"] = None
        self.activation = activation
        self.weight_regularizer_l1 = _strength("weight_regularizer_l1", weight_regularizer_l1)
        self.weight_regularizer_l2 = _strength("weight_regularizer_l2", weight_regularizer_l2)
        self.bias_regularizer_l1 = _strength("bias_regularizer_l1", bias_regularizer_l1)
        self.bias_regularizer_l2 = _strength("bias_regularizer_l2", bias_regularizer_l2)

    def __setattr__(self, name, value):
        if name == "activation":
            if isinstance(value, type) and issubclass(value, Module):
                value = value()
            if value is not None and not isinstance(value, Module):
                raise TypeError(
                    f"Dense: activation must be a module such as nn.activation.ReLU(), not {type(value).__name__}"
                )
        super().__setattr__(name, value)

    n_inputs = property(lambda self: self.in_features, doc="The number of inputs.")
    n_outputs = property(lambda self: self.out_features, doc="The number of outputs.")

    def preactivation(self, input):
        """The output before the activation."""
        return super().forward(input)

    def forward(self, input):
        out = super().forward(input)
        return out if self.activation is None else self.activation(out)

    def regularization_loss(self):
        """``l1 * sum(abs(p)) + l2 * sum(p**2)`` over weight and bias, on the tape; 0.0 without strengths."""
        total = 0.0
        for p, l1, l2 in (
            (self.weight, self.weight_regularizer_l1, self.weight_regularizer_l2),
            (self.bias, self.bias_regularizer_l1, self.bias_regularizer_l2),
        ):
            if l1:
                total = red.sum(ew.abs(p)) * l1 + total
            if l2:
                total = red.sum(ew.mul(p, p)) * l2 + total
        return total


class Dropout(dropout.Dropout):
    """Zero a fraction ``rate`` of the inputs in training and scale the others by ``1 / (1 - rate)``.

    Parameters
    ----------
    rate : float, default 0.5

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.layer.Dropout(0.1)
    Dropout(p=0.1, inplace=False)
    """

    @explained
    def __init__(self, rate=0.5, inplace=False):
        super().__init__(rate, inplace)

    rate = property(lambda self: self.p, doc="The fraction that is zeroed.")


class BatchNorm(_BatchNorm):
    """Batch normalisation of ``(N, C)`` or ``(N, C, ...)``; ``C`` may be left to the first batch.

    Parameters
    ----------
    n : int, optional
        ``C``; without it the layer takes it from its first batch.
    eps : float, default 1e-5
    momentum : float, default 0.1

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.layer.BatchNorm()
    >>> layer(tl.randn(8, 5)).shape, layer.n
    (torch.Size([8, 5]), 5)
    """

    def _ranks(self):
        return 2, 3, 4, 5

    @explained
    def __init__(self, n=None, eps=1e-5, momentum=0.1):
        if n is None:
            Module.__init__(self)
            self.num_features, self.eps, self.momentum = None, eps, momentum
            self.affine = self.track_running_stats = True
            for name in ("weight", "bias"):
                self.register_parameter(name, None)
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)
        else:
            super().__init__(_size("BatchNorm: n", n), eps, momentum)

    n = property(lambda self: self.num_features, doc="The number of channels, None before the first batch.")
    unbuilt = property(lambda self: self.num_features is None, doc="Whether the number of channels is still open.")

    def make(self, n):
        """Settle the number of channels."""
        sized = BatchNorm(n, self.eps, self.momentum)
        self.num_features = n
        self._parameters.update(sized._parameters)
        self._buffers.update(sized._buffers)

    def forward(self, input):
        if self.unbuilt:
            self._check_input_dim(input)
            self.make(input.shape[1])
        return super().forward(input)


BatchNormalization = BatchNorm
