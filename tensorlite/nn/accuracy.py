"""The accuracies of ``nn.model.Model``: names of the small library over :mod:`tensorlite.metrics`."""

from ..metrics import Accuracy, BinaryAccuracy, RegressionAccuracy

__all__ = ["Binary", "Categorical", "Regression"]


class Categorical(Accuracy):
    """Share of samples whose largest output is the right class (indices or one-hot).

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn
    >>> nn.accuracy.Categorical()(tl.tensor([[0.2, 0.8]]), tl.tensor([1]))
    1.0
    """

    name = "accuracy"


class Binary(BinaryAccuracy):
    """Share of outputs on the right side of 0.5."""

    name = "accuracy"


class Regression(RegressionAccuracy):
    """Share of outputs within ``std(y) / 250`` of the target, ``y`` being the training targets."""

    name = "accuracy"
