"""The NaN tracer: the first operation that is not finite, its module and line; ``fit(nan=...)``."""

import warnings

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.nn import hooks


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        self.head = Head()

    def forward(self, x):
        return self.head(self.body(x))


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(tl.zeros(3))

    def forward(self, x):
        return (x * 0 + self.shift).log()


def run(shift, backward=True):
    net = Net()
    with tl.no_grad():
        net.head.shift.fill_(shift)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with tl.autograd.detect_anomaly():
            y = net(tl.ones(4, 2)).sum()
            try:
                if backward:
                    y.backward()
                error = ""
            except RuntimeError as e:
                error = str(e)
    assert not hooks.active
    return [w for w in seen if w.category is RuntimeWarning], error


def test_forward_nan_names_operation_ranges_module_and_line():
    seen, _ = run(-1.0, backward=False)
    assert len(seen) == 1 and seen[0].filename == __file__
    text = str(seen[0].message)
    line = Head.forward.__code__.co_firstlineno + 1
    assert "'log' was the first to return nan" in text and "from -1 to -1" in text
    assert f"{__file__}:{line} in module Net.head" in text and "(x * 0 + self.shift).log()" in text


def test_forward_infinity_and_gradient():
    seen, _ = run(0.0)
    texts = [str(w.message) for w in seen]
    assert "'log' was the first to return inf" in texts[0] and "Net.head" in texts[0]
    assert "'LogBackward0' returned inf values in its 0th output" in texts[1] and "Net.head" in texts[1]
    assert run(1.0) == ([], "")


def test_backward_nan_names_module():
    x = tl.zeros(3, requires_grad=True)

    class Root(nn.Module):
        def forward(self, x):
            return x.sqrt() * 0

    with (
        tl.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match=r"'SqrtBackward0' returned nan(.|\n)*in module Root"),
    ):
        Root()(x).sum().backward()


def test_masks_of_infinity_are_no_anomaly():
    x = tl.randn(3, 3, requires_grad=True)
    with tl.autograd.detect_anomaly():
        x.masked_fill(tl.eye(3).bool(), float("-inf")).softmax(1).sum().backward()
        tl.where(tl.eye(3).bool(), x, tl.tensor(float("-inf"))).softmax(1).sum().backward()


class Log(nn.Module):
    def forward(self, x):
        return (x - 100).log()


def model():
    m = nn.model.Model()
    m.add(nn.layer.Dense(4, 3))
    m.add(Log())
    m.set(loss="mse", optimizer="adam")
    return m


X, Y = np.ones((8, 4)), np.ones((8, 3))


def test_fit_raises_with_the_operation():
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 1(.|\n)*'log' was the first(.|\n)*Model.layers.1"):
        model().fit(X, Y, nan="raise", verbose=0)
    basic = nn.model.Model("regression", [4, 8, 3])
    bad = X.copy()
    bad[2, 1] = np.inf
    with pytest.raises(FloatingPointError, match="inputs of the batch are not finite"), np.errstate(all="ignore"):
        basic.fit(bad, Y, nan="raise", verbose=0)
    with tl.no_grad():
        basic.layers[0].weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match=r"layers.0.weight is not finite"):
        basic.fit(X, Y, nan="raise", verbose=0)


def test_fit_stops_or_warns():
    with pytest.warns(RuntimeWarning, match="training stopped: the loss is nan"):
        history = model().fit(X, Y, nan="stop", epochs=3, verbose=0)
    assert "nan" in history.stopped
    with pytest.warns(RuntimeWarning, match="detect_anomaly") as seen:
        model().fit(X, Y, epochs=3, verbose=0)
    assert len(seen) == 1
