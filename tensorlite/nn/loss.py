"""Losses under the small library's names, beside PyTorch's.

In a :class:`~tensorlite.nn.model.Model`, ``CategoricalCrossentropy`` after a last ``Softmax`` and
``BinaryCrossentropy`` after a last ``Sigmoid`` are computed from the scores as one stable operation. Called
by themselves, as here, both take probabilities.
"""

import numpy as np

from .. import dtypes
from ..engine import unwrap, wrap
from ..mistakes import losses as checks
from ..ops import elementwise as ew
from ..ops import losses as _ops
from ..ops.indexing import take_index
from .layer.loss import *  # noqa: F403
from .layer.loss import BCELoss, L1Loss, MSELoss, _Loss
from .layer.loss import __all__ as _names

__all__ = sorted({
    *_names, "BinaryCrossentropy", "CategoricalCrossentropy", "MeanAbsoluteError", "MeanSquaredError", "class_indices",
    "shares",
})  # fmt: skip

#: Probabilities are kept this far from 0 and 1, so that logarithms stay finite.
_EPSILON = 1e-7


class MeanSquaredError(MSELoss):
    """The mean of ``(prediction - target)**2``: :class:`~tensorlite.nn.MSELoss` under another name."""


class MeanAbsoluteError(L1Loss):
    """The mean of ``abs(prediction - target)``: :class:`~tensorlite.nn.L1Loss` under another name."""


class BinaryCrossentropy(BCELoss):
    """Binary cross-entropy of probabilities: :class:`~tensorlite.nn.BCELoss`, for targets of any number type.

    Paired by ``Model`` with a last ``Sigmoid``.
    """

    def forward(self, input, target):
        t = unwrap(target)
        if t.dtype != unwrap(input).dtype:
            target = wrap(t.astype(unwrap(input).dtype))
        return super().forward(input, shares(target))


def shares(target):
    """``target``, whose values must lie between 0 and 1.

    Raises
    ------
    ValueError
        If one does not.
    """
    t = unwrap(target)
    if t.size and not (0 <= t.min() and t.max() <= 1):
        wrong = t[~((0 <= t) & (t <= 1))][0]
        raise ValueError(
            f"binary targets lie between 0 and 1, but one is {wrong:g}; for more than two classes, use Softmax and "
            "CategoricalCrossentropy"
        )
    return target


class CategoricalCrossentropy(_Loss):
    """``-log(probability of the class)`` from probabilities ``(N, C)``, such as a softmax gives.

    Parameters
    ----------
    reduction : 'mean', 'sum' or 'none'

    Notes
    -----
    Targets are class indices ``(N,)`` or one-hot rows ``(N, C)``. Probabilities are clipped to
    [1e-7, 1 - 1e-7]. ``Model`` pairs it with a last ``Softmax`` and then computes from the scores.

    Examples
    --------
    >>> import tensorlite as tl
    >>> p = tl.tensor([[0.5, 0.25, 0.25]])
    >>> tl.nn.loss.CategoricalCrossentropy()(p, tl.tensor([0]))
    tensor(0.6931)
    """

    def __init__(self, reduction="mean"):
        super().__init__(reduction=reduction)

    def forward(self, input, target):
        indices = class_indices(target, input)
        checks.probabilities(input, "CategoricalCrossentropy", False)
        rows = np.arange(unwrap(input).shape[0])
        chosen = take_index(ew.clamp(input, _EPSILON, 1 - _EPSILON), index=(rows, unwrap(indices)))
        return _ops.reduce(-ew.log(chosen), self.reduction)


def class_indices(target, scores, ranged=True):
    """Class indices ``(N,)`` from labels ``(N,)`` or ``(N, 1)`` or one-hot rows ``(N, C)``, checked against ``scores``.

    Whether each label is a class is left to the loss where ``ranged`` is False.

    Raises
    ------
    IndexError
        For a label that is no class.
    ValueError
        If the number of samples or classes differs, or rows are not one-hot.
    """
    t, s = np.asarray(unwrap(target)), unwrap(scores)
    n, c = s.shape
    if t.ndim == 2 and t.shape[1] == 1 and c != 1:
        t = t[:, 0]
    if t.shape[:1] != (n,) or t.ndim > 2 or (t.ndim == 2 and t.shape[1] != c):
        raise ValueError(
            f"expected {n} labels or one-hot rows of shape {[n, c]}, but got targets of shape {list(t.shape)}"
        )
    if t.ndim == 2:
        if not (((t == 0) | (t == 1)).all() and (t.sum(axis=1) == 1).all()):
            raise ValueError("expected one-hot targets: every row has one 1 and zeros")
        return wrap(np.argmax(t, axis=1))
    if t.dtype.kind == "f":
        if (t != np.floor(t)).any():
            raise ValueError(
                f"labels must be class indices, but found {dtypes.of(t.dtype).name} values with fractions; to predict "
                "quantities, use MeanSquaredError"
            )
        t = t.astype(np.int64)
    t = t.astype(np.int64, copy=False)
    if ranged and t.size and np.maximum.reduce(t.view(np.uint64)) >= c:  # negative labels become the largest numbers
        wrong = (t < 0) | (t >= c)
        message = f"Target {int(t[wrong][0])} is out of bounds. The scores are for {c} classes, labels 0 to {c - 1}."
        raise IndexError(checks.out_of_range(message, t, c, None))
    return wrap(t)
