"""What ``Model.train`` does to numbers, step by step: faults of the library that it was modelled on are not copied."""

import zipfile

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.callbacks import Callback
from tensorlite.nn.model import Model

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 6)), RNG.integers(0, 3, 40)


def test_both_terms_of_the_regularization_move_weights_and_are_reported():
    model = Model()
    model.add(nn.layer.Dense(3, 2, weight_regularizer_l1=0.3, weight_regularizer_l2=0.5, bias_regularizer_l2=0.7))
    model.set(loss="mse", optimizer=nn.optimizer.SGD(learning_rate=0.1))
    w, b = (p.detach().numpy().copy() for p in model.parameters())
    model.train(np.zeros((5, 3)), np.tile(b, (5, 1)), silent=True)  # the data's own gradient is zero
    after, bias = (p.detach().numpy() for p in model.parameters())
    np.testing.assert_allclose(after, w - 0.1 * (0.3 * np.sign(w) + 2 * 0.5 * w), rtol=1e-5)
    np.testing.assert_allclose(bias, b - 0.1 * 2 * 0.7 * b, rtol=1e-5)
    expected = 0.3 * np.abs(w).sum() + 0.5 * (w**2).sum() + 0.7 * (b**2).sum()
    assert model.log.steps[0]["regularization_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_regularization_of_all_layers_is_averaged_over_an_epoch():
    model = Model()
    model.add(nn.layer.Dense(6, 8, weight_regularizer_l2=1e-2)).add(nn.layer.Dense(8, 1, weight_regularizer_l1=1e-2))
    model.set(loss="mse", optimizer="adam")
    first, second = (layer.weight.detach().numpy() for layer in model.layers)
    expected = 1e-2 * (first**2).sum() + 1e-2 * np.abs(second).sum()
    assert model.regularization_loss().item() == pytest.approx(expected, rel=1e-5)
    history = model.train(X, X[:, 0], batch_size=25, silent=True).history  # batches of 25 and 15
    terms = [s["regularization_loss"] for s in model.log.steps]
    assert history["regularization_loss"] == [pytest.approx((25 * terms[0] + 15 * terms[1]) / 40)]
    assert history["loss"][0] == pytest.approx(history["data_loss"][0] + history["regularization_loss"][0])


def test_dropout_and_batch_norm_know_whether_they_train():
    model, seen = Model(), []
    for layer in (nn.layer.Dense(6, 16, activation=nn.activation.ReLU()), nn.layer.BatchNorm(), nn.layer.Dropout(0.5),
                  nn.layer.Dense(16, 3, activation=nn.activation.Softmax())):  # fmt: skip
        model.add(layer)
    model.set(loss=nn.loss.CategoricalCrossentropy(), accuracy=nn.accuracy.Categorical(), optimizer="adam")
    model.layers[2].register_forward_hook(lambda layer, args, out: seen.append((layer.training, len(args[0]))))
    model.train(X, Y, batch_size=20, validation_data=(X[:7], Y[:7]), silent=True)
    assert [s for s in seen if s[1] != 2] == [(True, 20), (True, 20), (False, 7)]
    mean = model.layers[1].running_mean.numpy().copy()
    assert np.abs(mean).max() > 0.01
    seen.clear()
    assert np.array_equal(model.predict(X), model.predict(X)) and model.evaluate(X, Y).accuracy >= 0
    assert {training for training, _ in seen} == {False} and np.array_equal(model.layers[1].running_mean.numpy(), mean)


@pytest.mark.parametrize("name", ["SGD", "Adagrad"])
def test_decay_counts_steps_from_zero(name):
    model = Model()
    model.add(nn.layer.Dense(1, 1))
    model.set(loss="mae", optimizer=getattr(nn.optimizer, name)(learning_rate=1.0, decay=1.0))
    start = model.layers[0].bias.item()
    model.train(np.zeros((4, 1)), np.full(4, -100.0), epochs=3, silent=True)  # the slope of the bias is always 1
    steps = [1, 1 / 2, 1 / 3] if name == "SGD" else [1, 1 / 2 / 2**0.5, 1 / 3 / 3**0.5]
    assert start - model.layers[0].bias.item() == pytest.approx(sum(steps), rel=1e-5)
    assert [s["learning_rate"] for s in model.log.steps] == pytest.approx([1, 1 / 2, 1 / 3])


def test_regression_accuracy_is_within_a_250th_of_the_spread():
    y = np.linspace(-3, 5, 41)
    off = np.where(np.arange(41) % 2, 0.98, 1.02) * y.std() / 250
    accuracy = nn.accuracy.Regression()
    accuracy.init(tl.tensor(y))
    assert accuracy(tl.tensor(y + off), tl.tensor(y)) == pytest.approx(20 / 41)


def test_everything_is_float32():
    model, seen = Model("basic", [6, 8, 3]), []
    for layer in model.layers:
        layer.register_forward_hook(lambda layer, args, out: seen.append(out.dtype))
        layer.weight.register_hook(lambda g: seen.append(g.dtype))
    model.train(X, Y, silent=True)
    state = [v for s in model.optimizer.inner.state.values() for v in s.values() if isinstance(v, tl.Tensor)]
    assert {*seen, *(p.dtype for p in model.parameters()), *(v.dtype for v in state)} == {tl.float32}
    assert model.predict(X).dtype == np.float32


def test_labels_are_checked_without_a_softmax_too():
    for labels in ([0, 3], [-1, 0]):
        with pytest.raises(IndexError, match="labels 0 to 2"):
            nn.loss.CategoricalCrossentropy()(tl.full((2, 3), 1 / 3), tl.tensor(labels))


def test_files_hold_arrays_and_no_programs(tmp_path):
    model = Model("basic", [6, 8, 3])
    model.train(X, Y, silent=True)
    for method in ("save", "save_parameters"):
        getattr(model, method)(tmp_path / method)
        with zipfile.ZipFile(tmp_path / method) as file:
            assert {name.rpartition(".")[2] for name in file.namelist()} <= {"npy", "json"}
            for name in file.namelist():
                if name.endswith("npy"):
                    np.load(file.open(name), allow_pickle=False)


def test_class_weights_are_for_training_only():
    model = Model("basic", [6, 8, 3])
    history = model.fit(X, Y, class_weight={0: 50.0}, validation_data=(X, Y), verbose=0)
    assert history.history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y).loss)


def test_an_interrupted_step_leaves_no_gradients():
    class Press(Callback):
        def before_step(self, run):
            raise KeyboardInterrupt

    model = Model("basic", [6, 8, 3])
    before = model.get_parameters()
    assert model.fit(X, Y, verbose=0, callbacks=[Press()]).interrupted
    assert all(p.grad is None for p in model.parameters()) and not model.training
    np.testing.assert_equal(model.get_parameters(), before)
