"""Metrics against scikit-learn, whole and batch by batch."""

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import metrics
from tensorlite.metrics import (
    AUC,
    F1,
    MAE,
    R2,
    RMSE,
    Accuracy,
    BinaryAccuracy,
    ConfusionMatrix,
    Metric,
    Precision,
    Recall,
    RegressionAccuracy,
    TopK,
)

reference = pytest.importorskip("sklearn.metrics")
RNG = np.random.default_rng(0)
N = 203


def problem(classes, seed=0):
    """Probabilities that know a little, and labels; some scores are equal."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, N)
    z = np.round(rng.normal(size=(N, classes)) + 1.2 * np.eye(classes)[y], 1)
    p = np.exp(z)
    return (p / p.sum(1, keepdims=True)).astype(np.float32), y


def both(metric, p, y):
    """The value of everything at once, after checking that batches of uneven sizes give the same."""
    whole = metric(p, y)
    metric.reset()
    for part in np.split(np.arange(len(y)), [1, 50, 51, 180]):
        metric.update(tl.tensor(p[part]), tl.tensor(y[part]))
    np.testing.assert_allclose(metric.compute(), whole, rtol=1e-6)
    return whole


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("one_hot", [False, True])
def test_classification(classes, one_hot):
    p, y = problem(classes)
    given = np.eye(classes, dtype=np.float32)[y] if one_hot else y
    called = p.argmax(1)
    assert both(Accuracy(), p, given) == pytest.approx(reference.accuracy_score(y, called))
    np.testing.assert_array_equal(both(ConfusionMatrix(), p, given), reference.confusion_matrix(y, called))
    for ours, name in [(Precision, "precision"), (Recall, "recall"), (F1, "f1")]:
        theirs = getattr(reference, f"{name}_score")
        for average in ("macro", "micro", "weighted"):
            expected = theirs(y, called, average=average, zero_division=0)
            assert both(ours(average), p, given) == pytest.approx(expected)
        np.testing.assert_allclose(both(ours("none"), p, given), theirs(y, called, average=None, zero_division=0))
        if classes == 2:
            assert both(ours(), p, given) == pytest.approx(theirs(y, called))
    for k in range(1, classes):
        scores = p + np.arange(classes) * 1e-6  # without ties, whose order is nobody's
        expected = reference.top_k_accuracy_score(y, scores[:, 1] if classes == 2 else scores, k=k)
        assert both(TopK(k), scores, given) == pytest.approx(expected)
    assert TopK(99)(p, given) == 1.0


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_binary(shape):
    p, y = problem(2)
    p, y = p[:, 1].reshape(shape), y.reshape(shape)
    called = p > 0.5
    assert both(BinaryAccuracy(), p, y) == pytest.approx(reference.accuracy_score(y.ravel(), called.ravel()))
    assert both(AUC(), p, y) == pytest.approx(reference.roc_auc_score(y.ravel(), p.ravel()))
    for ours, name in [(Precision, "precision"), (Recall, "recall"), (F1, "f1")]:
        assert both(ours(), p, y) == pytest.approx(getattr(reference, f"{name}_score")(y.ravel(), called.ravel()))
    strict = BinaryAccuracy(0.8)(p, y)
    assert strict == pytest.approx(reference.accuracy_score(y.ravel(), p.ravel() > 0.8))
    assert BinaryAccuracy()(p.reshape(N, 1), y.reshape(N)) == BinaryAccuracy()(p, y)


def test_area_under_the_curve():
    p, y = problem(4)
    assert both(AUC(), p, y) == pytest.approx(reference.roc_auc_score(y, p, multi_class="ovr"))
    two, labels = problem(2)
    assert both(AUC(), two, labels) == pytest.approx(reference.roc_auc_score(labels, two[:, 1]))
    assert np.isnan(AUC()(np.array([0.1, 0.9]), np.array([1, 1])))
    assert np.isnan(AUC().compute())


@pytest.mark.parametrize("shape", [(N,), (N, 1), (N, 3)])
def test_regression(shape):
    y = RNG.normal(size=shape) * 3 + 1e3
    p = y + RNG.normal(size=shape)
    flat = y.reshape(-1), p.reshape(-1)
    assert both(MAE(), p, y) == pytest.approx(reference.mean_absolute_error(*flat))
    assert both(RMSE(), p, y) == pytest.approx(reference.mean_squared_error(*flat) ** 0.5)
    assert both(R2(), p, y) == pytest.approx(reference.r2_score(*flat))
    close = RegressionAccuracy()
    close.init(y)
    assert close.precision == pytest.approx(y.std() / 250)
    assert both(RegressionAccuracy(0.5), p, y) == pytest.approx(np.mean(abs(p - y) < 0.5))


def test_a_column_against_a_row_is_no_table():
    p = RNG.normal(size=(N, 1))
    y = p[:, 0] + 1
    for metric, value in [(MAE(), 1), (RMSE(), 1), (RegressionAccuracy(2.0), 1)]:
        assert metric(p, y) == pytest.approx(value)


def test_pictures_of_classes():
    """(N, C, H, W) against (N, H, W)."""
    p = RNG.normal(size=(4, 3, 5, 5))
    y = RNG.integers(0, 3, (4, 5, 5))
    assert Accuracy()(p, y) == pytest.approx(np.mean(p.argmax(1) == y))


def test_nothing_yet_is_nan():
    for metric in (Accuracy(), MAE(), RMSE(), R2(), BinaryAccuracy()):
        assert np.isnan(metric.compute())


def test_calling_does_not_touch_what_was_gathered():
    p, y = problem(3)
    for metric in (Accuracy(), F1(), AUC(), ConfusionMatrix()):
        metric.update(p[:20], y[:20])
        before = metric.compute()
        metric(p, y)
        np.testing.assert_array_equal(metric.compute(), before)


def test_a_returned_matrix_stays_as_it_is():
    p, y = problem(3)
    metric = ConfusionMatrix()
    first = metric.update(p, y)
    whole = metric.compute()
    kept = first.copy(), whole.copy()
    metric.update(p, y)
    np.testing.assert_array_equal(first, kept[0])
    np.testing.assert_array_equal(whole, kept[1])


def test_classes_that_appear_late():
    metric = ConfusionMatrix()
    metric.update(np.array([0, 1]), np.array([1, 1]))
    metric.update(np.array([4]), np.array([2]))
    expected = reference.confusion_matrix([1, 1, 2], [0, 1, 4], labels=range(5))
    np.testing.assert_array_equal(metric.compute(), expected)


def test_names():
    expected = {"auc": AUC, "f1": F1, "mae": MAE, "rmse": RMSE, "r2": R2, "confusion_matrix": ConfusionMatrix}
    for name, cls in expected.items():
        assert type(metrics.get(name)) is cls and metrics.get(name).name == name
    assert metrics.get("top_3").k == 3 and metrics.get("top_3").name == "top_3"
    assert metrics.get(F1("micro")).name == "f1_micro"
    assert isinstance(metrics.get(Recall), Recall)
    with pytest.raises(ValueError, match="unknown metric 'acuracy'; there are accuracy"):
        metrics.get("acuracy")
    with pytest.raises(TypeError, match="Metric class"):
        metrics.get(3)
    with pytest.raises(ValueError, match="average"):
        F1("mean")
    with pytest.raises(ValueError, match="column per class"):
        Accuracy()(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="k must"):
        TopK(0)
    assert not MAE.higher_is_better and Metric.higher_is_better
