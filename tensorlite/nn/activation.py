"""Activations under the small library's names: ``nn.activation.ReLU()``, ``Softmax()``, ``Linear()`` ...

The classes are those of :mod:`tensorlite.nn` (``nn.ReLU`` and so on), with two differences: ``Softmax`` takes
the last dimension unless told otherwise, and ``Linear`` is the identity.

In a :class:`~tensorlite.nn.model.Model`, a last ``Softmax`` followed by ``CategoricalCrossentropy`` (or
``Sigmoid`` by ``BinaryCrossentropy``) is computed as one operation on the scores, which is stable and has the
one fused gradient ``softmax - target``; everywhere else each is computed by itself.
"""

from .layer import activation as _layers
from .layer.activation import *  # noqa: F403
from .layer.activation import __all__ as _names
from .layer.basic import Identity

__all__ = sorted({*_names, "Linear"})


class Softmax(_layers.Softmax):
    """``exp(x) / sum(exp(x))`` along ``dim``, by default the last.

    Paired with ``CategoricalCrossentropy`` by :class:`~tensorlite.nn.model.Model`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.activation.Softmax()(tl.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def __init__(self, dim=-1):
        super().__init__(dim)


class Linear(Identity):
    """The identity: a layer without an activation.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.activation.Linear()(tl.tensor([3.0]))
    tensor([3.])
    """
