"""Metrics: what a run is judged by. Each accumulates over batches and computes one value.

They work on plain arrays (tensors are read, never recorded), so that measuring costs little.
"""

import functools
import re

import numpy as np

from .engine import RECORDING, state
from .engine.trail import trail
from .mistakes.evaluation import decided

__all__ = ["AUC", "Accuracy", "BinaryAccuracy", "ConfusionMatrix", "F1", "MAE", "Mean", "Metric", "Precision", "R2",
           "RMSE", "Recall", "RegressionAccuracy", "TopK", "get"]  # fmt: skip


def _array(x):
    if trail.noise and not state.mode & RECORDING:
        decided("A metric", x)
    return getattr(x, "_data", x) if not isinstance(x, np.ndarray) else x


def _classes(y, pred=None):
    """Class indices from indices, a column of indices, or one-hot rows."""
    y = np.asarray(_array(y))
    if y.ndim > 1 and y.shape[-1] > 1 and (pred is None or pred.shape == y.shape):
        return y.argmax(-1)
    if pred is not None and y.ndim == pred.ndim > 1 and y.shape[-1] == 1:
        return y[..., 0]
    return y


@functools.cache
def _snake(name):
    return re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Metric:
    """Base class: ``update`` with predictions and targets, then ``compute``; ``reset`` starts again.

    ``update`` returns the value of that batch alone. ``higher_is_better`` tells callbacks which way is up.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import Accuracy
    >>> metric = Accuracy()
    >>> metric.update(np.eye(2), np.array([0, 1])), metric.update(np.eye(2), np.array([1, 1]))
    (1.0, 0.5)
    >>> metric.compute()
    0.75
    """

    higher_is_better = True

    def __init__(self):
        self.reset()

    @property
    def name(self):
        """The key under which histories store this metric."""
        return _snake(type(self).__name__)

    def reset(self):
        """Forget all batches."""
        raise NotImplementedError

    def update(self, predictions, targets):
        """Take in a batch."""
        raise NotImplementedError

    def compute(self):
        """The value over all batches since the last reset."""
        raise NotImplementedError

    def __call__(self, predictions, targets):
        """The value for one set of predictions, without touching the accumulated state."""
        fresh = self.__class__.__new__(self.__class__)
        fresh.__dict__.update(self.__dict__)
        fresh.reset()
        fresh.update(predictions, targets)
        return fresh.compute()

    def __repr__(self):
        return f"{type(self).__name__}()"


class Mean(Metric):
    """A mean over samples; subclasses give ``per_batch`` -> (sum, count)."""

    def reset(self):
        self.total = 0.0
        self.count = 0

    def per_batch(self, predictions, targets):
        """Sum and number of the values in a batch."""
        raise NotImplementedError

    def update(self, predictions, targets):
        total, count = self.per_batch(_array(predictions), _array(targets))
        self.total += total
        self.count += count
        return total / count if count else float("nan")

    def compute(self):
        return self.total / self.count if self.count else float("nan")


class Accuracy(Mean):
    """Share of samples whose largest output stands at the right class.

    Targets are class indices or one-hot rows; predictions are probabilities or logits of shape (N, C), or
    (N, C, d1, ...) with targets (N, d1, ...).

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.metrics.Accuracy()(tl.tensor([[0.1, 0.9], [0.8, 0.2]]), tl.tensor([1, 1]))
    0.5
    """

    def per_batch(self, predictions, targets):
        if predictions.ndim < 2:
            raise ValueError(f"accuracy needs one column per class, but predictions have shape {predictions.shape}")
        if predictions.ndim > 2 and targets.ndim == predictions.ndim - 1:
            hits = predictions.argmax(1) == targets
        else:
            hits = predictions.argmax(-1) == _classes(targets, predictions)
        return int(np.count_nonzero(hits)), hits.size


class TopK(Mean):
    """Share of samples whose class is among the ``k`` largest outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import TopK
    >>> TopK(2)(np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]), np.array([1, 2]))
    0.5
    """

    def __init__(self, k=5):
        if not isinstance(k, int) or k < 1:
            raise ValueError(f"k must be an integer of at least 1, but is {k!r}")
        self.k = k
        super().__init__()

    @property
    def name(self):
        return f"top_{self.k}"

    def per_batch(self, predictions, targets):
        k = min(self.k, predictions.shape[-1])
        top = np.argpartition(-predictions, k - 1, axis=-1)[..., :k]
        hits = (top == _classes(targets, predictions)[..., None]).any(-1)
        return int(hits.sum()), hits.size


class BinaryAccuracy(Mean):
    """Share of samples on the right side of ``threshold`` (a probability).

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import BinaryAccuracy
    >>> BinaryAccuracy()(np.array([0.9, 0.4]), np.array([1, 1]))
    0.5
    """

    def __init__(self, threshold=0.5):
        self.threshold = threshold
        super().__init__()

    def per_batch(self, predictions, targets):
        if predictions.shape != targets.shape:
            targets = targets.reshape(predictions.shape)
        hits = (predictions > self.threshold) == (targets > 0.5)
        return int(np.count_nonzero(hits)), hits.size


class RegressionAccuracy(Mean):
    """Share of outputs within ``std(y) / 250`` of their target; the deviation is that of the training targets.

    ``precision`` may be given; else :meth:`init` sets it from targets, or the first batch does.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import RegressionAccuracy
    >>> RegressionAccuracy(0.1)(np.array([1.05, 2.5]), np.array([1.0, 2.0]))
    0.5
    """

    def __init__(self, precision=None):
        self.given = self.precision = precision
        super().__init__()

    def init(self, targets):
        """Take the tolerance from all targets of the training set."""
        if self.given is None:
            self.precision = float(np.std(_array(targets))) / 250

    def per_batch(self, predictions, targets):
        if self.precision is None:
            self.init(targets)
        hits = np.abs(predictions - targets.reshape(predictions.shape)) < self.precision
        return int(np.count_nonzero(hits)), hits.size


class MAE(Mean):
    """Mean absolute error.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import MAE
    >>> MAE()(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    0.5
    """

    higher_is_better = False

    def per_batch(self, predictions, targets):
        error = np.abs(predictions - targets.reshape(predictions.shape))
        return float(error.sum(dtype=np.float64)), error.size


class RMSE(Mean):
    """Root of the mean squared error.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import RMSE
    >>> RMSE()(np.array([1.0, 2.0]), np.array([4.0, 5.0]))
    3.0
    """

    higher_is_better = False

    def per_batch(self, predictions, targets):
        error = np.square(predictions - targets.reshape(predictions.shape), dtype=np.float64)
        return float(error.sum()), error.size

    def update(self, predictions, targets):
        return super().update(predictions, targets) ** 0.5

    def compute(self):
        return super().compute() ** 0.5


class R2(Metric):
    """Coefficient of determination: 1 - residual / total sum of squares.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import R2
    >>> R2()(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """

    def reset(self):
        self.count, self.mean, self.spread, self.residual = 0, 0.0, 0.0, 0.0

    def update(self, predictions, targets):
        p = np.asarray(_array(predictions), np.float64).reshape(-1)
        t = np.asarray(_array(targets), np.float64).reshape(-1)
        residual = float(np.square(t - p).sum())
        # Chan's parallel update of a sum of squared deviations
        n, mean = t.size, float(t.mean())
        spread = float(np.square(t - mean).sum())
        total = self.count + n
        self.spread += spread + (mean - self.mean) ** 2 * self.count * n / total
        self.mean += (mean - self.mean) * n / total
        self.count = total
        self.residual += residual
        return 1 - residual / spread if spread else float("nan")

    def compute(self):
        return 1 - self.residual / self.spread if self.spread else float("nan")


class ConfusionMatrix(Metric):
    """Counts of (true class, predicted class) as an integer matrix of shape (C, C).

    Predictions are a column per class, or one column: probabilities of class 1, or class numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import ConfusionMatrix
    >>> ConfusionMatrix()(np.array([0.9, 0.2, 0.8]), np.array([1, 0, 0]))
    array([[1, 1],
           [0, 1]])
    """

    def __init__(self, classes=None):
        self.classes = classes
        super().__init__()

    def reset(self):
        n = self.classes or 0
        self.matrix = np.zeros((n, n), np.int64)

    def _predicted(self, predictions):
        if predictions.ndim > 1 and predictions.shape[-1] > 1:
            return predictions.argmax(-1), predictions.shape[-1]
        flat = predictions.reshape(-1)
        return (flat > 0.5).astype(np.int64) if flat.dtype.kind == "f" else flat, 2

    def update(self, predictions, targets):
        predictions = _array(predictions)
        p, n = self._predicted(predictions)
        t = _classes(targets, predictions).reshape(-1).astype(np.int64)
        p = p.reshape(-1)
        n = max(n, len(self.matrix), int(t.max(initial=-1)) + 1, int(p.max(initial=-1)) + 1)
        if n > len(self.matrix):
            self.matrix = np.pad(self.matrix, (0, n - len(self.matrix)))
        batch = np.bincount(t * n + p, minlength=n * n).reshape(n, n)
        self.matrix += batch
        return self._value(batch)

    def _value(self, matrix):
        return matrix.copy()

    def compute(self):
        return self._value(self.matrix)


class _PerClass(ConfusionMatrix):
    """A ratio per class from the confusion matrix, averaged ``'macro'``, ``'micro'``, ``'weighted'`` or ``None``.

    ``'binary'`` (the default for two classes) is the ratio of class 1.
    """

    def __init__(self, average=None, classes=None):
        if average not in (None, "macro", "micro", "weighted", "binary", "none"):
            raise ValueError(f"average must be 'macro', 'micro', 'weighted', 'binary' or 'none', not {average!r}")
        self.average = average
        super().__init__(classes)

    @property
    def name(self):
        return super().name + (f"_{self.average}" if self.average else "")

    def _parts(self, m):
        raise NotImplementedError

    def _value(self, matrix):
        m = matrix.astype(np.float64)
        how = self.average or ("binary" if len(m) == 2 else "macro")
        hit, of = self._parts(m)
        if how == "micro":
            return float(hit.sum() / of.sum()) if of.sum() else 0.0
        ratio = np.divide(hit, of, out=np.zeros_like(hit), where=of > 0)
        if how == "none":
            return ratio
        if how == "binary":
            return float(ratio[1])
        support = m.sum(1)
        if how == "weighted":
            return float((ratio * support).sum() / support.sum()) if support.sum() else 0.0
        return float(ratio[(of + hit + support) > 0].mean()) if len(ratio) else 0.0


class Precision(_PerClass):
    """Of the samples that were called a class, the share that is of it.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import Precision
    >>> Precision()(np.array([0.9, 0.8, 0.2]), np.array([1, 0, 1]))
    0.5
    """

    def _parts(self, m):
        return np.diag(m), m.sum(0)


class Recall(_PerClass):
    """Of the samples of a class, the share that was called it.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import Recall
    >>> Recall()(np.array([0.9, 0.8, 0.2]), np.array([1, 0, 1]))
    0.5
    """

    def _parts(self, m):
        return np.diag(m), m.sum(1)


class F1(_PerClass):
    """Harmonic mean of precision and recall.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import F1
    >>> round(F1()(np.array([0.9, 0.8, 0.2]), np.array([1, 0, 1])), 2)
    0.5
    """

    def _parts(self, m):
        return 2 * np.diag(m), m.sum(0) + m.sum(1)


class AUC(Metric):
    """Area under the ROC curve, exactly (ranks; ties count one half); classes against the rest, averaged.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.metrics import AUC
    >>> AUC()(np.array([0.9, 0.7, 0.2]), np.array([1, 0, 0]))
    1.0
    """

    def reset(self):
        self.scores, self.targets = [], []

    def update(self, predictions, targets):
        p = np.asarray(_array(predictions))
        t = _classes(targets, p)
        self.scores.append(p.copy())
        self.targets.append(np.array(t))
        return self._area(p, t)

    def compute(self):
        if not self.scores:
            return float("nan")
        return self._area(np.concatenate(self.scores), np.concatenate(self.targets))

    def _area(self, p, t):
        if p.ndim > 1 and p.shape[-1] > 1:
            columns = [(p[:, c], t == c) for c in ([1] if p.shape[1] == 2 else range(p.shape[1]))]
        else:
            columns = [(p.reshape(-1), t.reshape(-1) > 0.5)]
        areas = [a for a in (_rank_area(s, hit) for s, hit in columns) if a == a]
        return float(np.mean(areas)) if areas else float("nan")


def _rank_area(scores, hit):
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    n1, n0 = int(hit.sum()), int((~hit).sum())
    return float((ranks[hit].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)) if n1 and n0 else float("nan")


_NAMES = {
    "accuracy": Accuracy, "acc": Accuracy, "binary_accuracy": BinaryAccuracy, "top_5": TopK, "top_k": TopK, "precision": Precision,
    "recall": Recall, "f1": F1, "auc": AUC, "mae": MAE, "rmse": RMSE, "r2": R2, "confusion_matrix": ConfusionMatrix,
    "regression_accuracy": RegressionAccuracy,
}  # fmt: skip


def get(metric):
    """A metric from a name, a class or an instance.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    """
    if isinstance(metric, str):
        if re.fullmatch(r"top_[1-9]\d*", metric):
            return TopK(int(metric[4:]))
        if metric not in _NAMES:
            raise ValueError(f"unknown metric {metric!r}; there are {', '.join(_NAMES)}")
        return _NAMES[metric]()
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if isinstance(metric, Metric):
        return metric
    raise TypeError(f"a metric is a name, a Metric class or an instance, not {metric!r}")
