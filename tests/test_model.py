"""The small library's interface: Model, its parts, its training loop, its files."""

import os
import signal
import threading
import warnings

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.callbacks import Callback

RNG = np.random.default_rng(0)


def blobs(n=200, classes=3, seed=0):
    """Points around the corners of a triangle: float64 and int64, as NumPy users have them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    angle = 2 * np.pi * y / classes
    return np.stack([np.cos(angle), np.sin(angle)], 1) * 2 + rng.normal(0, 0.4, (n, 2)), y


def test_template_basic_is_what_the_readme_says():
    model = nn.model.Model("basic", [1000, 128, 128, 10])
    assert len(model.layers) == 3
    assert all(isinstance(layer, nn.layer.Dense) for layer in model.layers)
    kinds = [type(layer.activation) for layer in model.layers]
    assert kinds == [nn.activation.ReLU, nn.activation.ReLU, nn.activation.Softmax]
    assert isinstance(model.loss, nn.loss.CategoricalCrossentropy)
    assert isinstance(model.accuracy, nn.accuracy.Categorical)
    assert isinstance(model.optimizer, nn.optimizer.Adam) and model.optimizer.decay == 5e-5
    assert model.trainable_layers == list(model.layers)
    assert model(tl.zeros(3, 1000)).shape == (3, 10)


@pytest.mark.parametrize(
    ("template", "structure"),
    [("basik", [2, 2]), ("basic", None), ("basic", [5]), ("basic", [5, -1]), ("basic", "5,2"), ("image", [3, 2]), ("image", [(1, 2, 2), (4, 4), 10])],
)  # fmt: skip
def test_bad_templates_and_structures(template, structure):
    with pytest.raises(ValueError, match=r"basic|needs|halve"):
        nn.model.Model(template, structure)


def test_structure_without_template():
    with pytest.raises(ValueError, match="needs a template"):
        nn.model.Model(structure=[2, 3])


def test_add_set_train_evaluate():
    tl.manual_seed(0)
    X, y = blobs()
    model = nn.model.Model()
    model.add(nn.layer.Dense(2, 32, activation=nn.activation.ReLU()))
    model.add(nn.layer.Dropout(0.1))
    model.add(nn.layer.BatchNorm())
    model.add(nn.layer.Dense(32, 3, activation=nn.activation.Softmax()))
    model.set(loss=nn.loss.CategoricalCrossentropy(), accuracy=nn.accuracy.Categorical(),
              optimizer=nn.optimizer.Adam(learning_rate=0.01, decay=1e-3))  # fmt: skip
    history = model.train(X, y, epochs=15, batch_size=20, validation_data=blobs(seed=1), silent=True)
    assert history["accuracy"][-1] > 0.9 and history["val_accuracy"][-1] > 0.9
    assert history["loss"][-1] < history["loss"][0]
    assert len(model.log.steps) == 150 and len(model.log.epochs) == 15
    last = model.log.steps[-1]
    assert last["learning_rate"] == pytest.approx(0.01 / (1 + 1e-3 * 149))
    assert set(last) >= {"epoch", "step", "accuracy", "data_loss", "regularization_loss", "learning_rate"}
    loss, accuracy = model.evaluate(X, y)
    assert accuracy > 0.9 and loss < 0.5
    p = model.predict(X)
    assert isinstance(p, np.ndarray) and p.dtype == np.float32
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


def test_parts_can_be_classes_and_are_overridden():
    model = nn.model.Model("basic", [2, 8, 3])
    model.set(optimizer=nn.optimizer.SGD)
    assert isinstance(model.optimizer, nn.optimizer.SGD) and model.optimizer.learning_rate == 1.0
    model.compile(optimizer="rmsprop", loss="mse", metrics=["accuracy", "mae"])
    assert isinstance(model.accuracy, nn.accuracy.Regression)
    assert isinstance(model.optimizer, nn.optimizer.RMSprop)
    with pytest.raises(ValueError, match="adam"):
        model.set(optimizer="adamm")
    with pytest.raises(TypeError):
        model.set(accuracy=3)


def test_layers_can_be_edited_before_training():
    tl.manual_seed(0)
    X, y = blobs()
    model = nn.model.Model("basic", [2, 16, 3])
    model.layers[0].activation = nn.activation.Tanh()
    model.layers[1] = nn.layer.Dense(16, 3, activation=nn.activation.Linear())
    assert model.link() is None
    model.layers[1].activation = nn.activation.Softmax()
    assert model.link() == "softmax"
    model.train(X, y, epochs=5, batch_size=20, silent=True)
    hidden = model.layers[0](tl.tensor(X[:5], dtype=tl.float32))
    assert float(hidden.min()) < 0, "tanh, not ReLU"


def test_softmax_cross_entropy_is_stable():
    model = nn.model.Model("basic", [1, 2])
    with tl.no_grad():
        model.layers[0].weight.copy_(tl.tensor([[1e4], [-1e4]]))
    loss, _ = model.evaluate(np.ones((2, 1)), np.array([1, 0]))
    assert np.isfinite(loss) and loss > 1e3


@pytest.mark.parametrize("one_hot", [False, True])
def test_gradients_equal_those_of_the_plain_loss(one_hot):
    """The pairing changes stability, not the function."""
    tl.manual_seed(0)
    X, y = blobs(12)
    model = nn.model.Model("basic", [2, 4, 3])
    target = tl.tensor(np.eye(3, dtype=np.float32)[y] if one_hot else y)
    x = tl.tensor(X, dtype=tl.float32)
    model.loss(model(x), target).backward()
    plain = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    model.criterion("softmax")(model.logits(x, "softmax"), target).backward()
    for p, g in zip(model.parameters(), plain):
        np.testing.assert_allclose(p.grad.numpy(), g.numpy(), rtol=1e-4, atol=1e-6)


def test_regularization_enters_loss_and_gradient():
    layer = nn.layer.Dense(3, 2, weight_regularizer_l1=0.1, weight_regularizer_l2=0.2, bias_regularizer_l1=0.3,
                           bias_regularizer_l2=0.4)  # fmt: skip
    model = nn.model.Model().add(layer)
    with tl.no_grad():
        layer.bias.copy_(tl.tensor([1.0, -2.0]))
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = 0.1 * abs(w).sum() + 0.2 * (w**2).sum() + 0.3 * abs(b).sum() + 0.4 * (b**2).sum()
    total = model.regularization_loss()
    assert float(total) == pytest.approx(expected, rel=1e-5)
    total.backward()
    np.testing.assert_allclose(layer.weight.grad.numpy(), 0.1 * np.sign(w) + 0.4 * w, rtol=1e-4)
    assert nn.model.Model("basic", [2, 3]).regularization_loss() == 0.0


def test_regularization_is_reported():
    X, y = blobs(40)
    model = nn.model.Model()
    model.add(
        nn.layer.Dense(2, 3, activation=nn.activation.Softmax(), weight_regularizer_l1=0.1, weight_regularizer_l2=0.1)
    )
    model.set(loss="categorical_crossentropy", optimizer=nn.optimizer.SGD())
    model.train(X, y, epochs=1, batch_size=10, silent=True)
    record = model.log.steps[-1]
    assert record["regularization_loss"] > 0 and "accuracy" not in record


@pytest.mark.parametrize("name", ["SGD", "Adagrad", "RMSprop", "Adam"])
def test_every_optimizer_learns_with_and_without_decay(name):
    X, y = blobs(60)
    for decay in (0.0, 1e-3):
        tl.manual_seed(0)
        model = nn.model.Model("basic", [2, 16, 3])
        rate = {"SGD": 0.5, "Adagrad": 0.3}.get(name, 0.02)
        model.set(optimizer=getattr(nn.optimizer, name)(learning_rate=rate, decay=decay))
        history = model.train(X, y, epochs=20, batch_size=20, silent=True)
        assert history["loss"][-1] < 0.5 * history["loss"][0]


def test_defaults_are_the_small_librarys():
    o = nn.optimizer
    assert o.SGD().learning_rate == 1.0 and o.Adagrad().learning_rate == 1.0
    assert o.RMSprop().learning_rate == 0.001 and o.RMSprop().rho == 0.9
    assert o.Adam().epsilon == 1e-7 and o.Adam().beta_2 == 0.999
    with pytest.raises(ValueError):
        o.Adam(learning_rate=-1)
    with pytest.raises(TypeError):
        o.Adam(learning_rte=1)
    with pytest.raises(RuntimeError, match="bind"):
        o.Adam().step()


def test_binary_and_regression_templates():
    tl.manual_seed(0)
    X = RNG.normal(size=(200, 3))
    model = nn.model.Model("binary", [3, 16, 1])
    y = (X.sum(1) > 0).astype(int)
    history = model.train(X, y, epochs=30, batch_size=20, silent=True)
    assert history["accuracy"][-1] > 0.9
    assert model.predict(X).shape == (200, 1)
    regression = nn.model.Model("regression", [3, 32, 1])
    target = X @ [[1.0], [2.0], [-1.0]]
    history = regression.train(X, target, epochs=30, batch_size=10, silent=True)
    assert history["loss"][-1] < 0.1
    assert regression.accuracy.precision == pytest.approx(np.std(target) / 250, rel=1e-3)


def test_image_template_learns_real_digits():
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    tl.manual_seed(0)
    X = (digits.images / 8 - 1)[:, None]
    model = nn.model.Model("image", [(1, 8, 8), (8, 16), 32, 10])
    model.set(optimizer=nn.optimizer.Adam(0.005))
    model.train(X[:1400], digits.target[:1400], epochs=5, batch_size=32, silent=True)
    assert model.evaluate(X[1400:], digits.target[1400:]).accuracy > 0.85


def test_pytorch_style_loop_over_a_model():
    tl.manual_seed(0)
    X, y = blobs()
    x, t = tl.tensor(X, dtype=tl.float32), tl.tensor(y)
    model = nn.model.Model("basic", [2, 16, 3])
    optimizer = tl.optim.Adam(model.parameters(), lr=0.01)
    first = None
    for _ in range(60):
        loss = nn.functional.nll_loss(model(x).log(), t) + model.regularization_loss()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        first = first or loss.item()
    assert loss.item() < 0.4 * first
    assert list(model.state_dict()) == [f"layers.{i}.{n}" for i in (0, 1) for n in ("weight", "bias")]


def test_mixed_parts_from_both_styles():
    X, y = blobs(60)
    model = nn.model.Model().add(nn.Linear(2, 8)).add(nn.ReLU()).add(nn.Linear(8, 3))
    model.set(loss=nn.CrossEntropyLoss(), optimizer=tl.optim.SGD(model.parameters(), lr=0.5), accuracy="categorical")
    history = model.fit(X, y, epochs=10, batch_size=20, verbose=0)
    assert history["loss"][-1] < history["loss"][0]


# -- fit -------------------------------------------------------------------------------------------


def test_fit_like_keras():
    tl.manual_seed(0)
    X, y = blobs()
    model = nn.model.Model("basic", [2, 16, 3])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy", "f1"])
    history = model.fit(X, y, validation_split=0.25, epochs=3, batch_size=16, verbose=0)
    assert set(history.history) >= {"loss", "accuracy", "f1", "val_loss", "val_accuracy", "val_f1"}
    again = model.fit(X, y, epochs=2, verbose=0)
    assert again is history and history.epoch == [0, 1, 2, 3, 4]
    assert history["val_loss"][-1] is None


def test_loaders_and_generators():
    X, y = blobs(50)
    data = tl.utils.data
    loader = data.DataLoader(data.TensorDataset(tl.tensor(X, dtype=tl.float32), tl.tensor(y)), batch_size=10)
    model = nn.model.Model("basic", [2, 8, 3])
    assert model.train(loader, epochs=2, validation_data=loader, silent=True)["val_loss"][-1] > 0

    def stream():
        for i in range(0, 50, 10):
            yield X[i : i + 10], y[i : i + 10]

    model.train(stream, epochs=2, silent=True)
    assert len(model._history) == 4
    with pytest.raises(ValueError, match="empty"):
        model.train(iter([]), silent=True)
    with pytest.raises(TypeError, match="batches"):
        model.train([3], silent=True)


def test_weights_of_samples_and_classes():
    X, y = blobs(30)
    model = nn.model.Model("basic", [2, 3])
    model.set(optimizer=nn.optimizer.SGD(0.1))
    start = model.get_parameters()

    def trained(**options):
        model.set_parameters(start)
        model.set(optimizer=nn.optimizer.SGD(0.1))
        model.train(X, y, batch_size=30, shuffle=False, silent=True, **options)
        return model.get_parameters()[0][0]

    by_class = trained(class_weight={0: 2.0, 1: 0.5})
    by_sample = trained(sample_weight=np.where(y == 0, 2.0, np.where(y == 1, 0.5, 1.0)))
    np.testing.assert_allclose(by_class, by_sample, rtol=1e-5)
    assert not np.allclose(by_class, trained())


def test_accumulation_equals_a_larger_batch():
    X, y = blobs(40)
    model = nn.model.Model("basic", [2, 3])
    start = model.get_parameters()
    results = []
    for batch, accumulate in [(40, 1), (10, 4)]:
        model.set_parameters(start)
        model.set(optimizer=nn.optimizer.SGD(0.1))
        model.train(X, y, batch_size=batch, accumulate=accumulate, shuffle=False, silent=True)
        results.append(model.get_parameters()[0][0])
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_interrupt_returns_the_history_and_a_usable_model():
    X, y = blobs()

    class PressCtrlC(Callback):
        def on_step_end(self, run):
            if run.epoch == 1 and run.step_in_epoch == 3:
                signal.raise_signal(signal.SIGINT)

    assert threading.current_thread() is threading.main_thread()
    model = nn.model.Model("basic", [2, 8, 3])
    history = model.train(X, y, epochs=5, batch_size=20, silent=True, callbacks=[PressCtrlC()])
    assert history.interrupted and history.epoch == [0]
    assert np.isfinite(model.evaluate(X, y).loss)
    model.train(X, y, epochs=1, batch_size=20, silent=True)
    assert not history.interrupted and history.epoch == [0, 1]


def test_nan_is_noticed_once_with_its_step():
    X, y = blobs(40)
    X[25] = np.nan
    model = nn.model.Model("basic", [2, 3])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model.train(X, y, epochs=2, batch_size=10, shuffle=False, silent=True)
    texts = [str(w.message) for w in seen if "loss is nan" in str(w.message)]
    assert len(texts) == 1 and "epoch 1, step 3" in texts[0]
    with pytest.raises(FloatingPointError, match="epoch"):
        nn.model.Model("basic", [2, 3]).fit(X, y, verbose=0, nan="raise")
    stopped = nn.model.Model("basic", [2, 3])
    with pytest.warns(RuntimeWarning, match="stopped"):
        history = stopped.fit(X, y, epochs=5, batch_size=10, shuffle=False, verbose=0, nan="stop")
    assert "nan" in history.stopped and len(history) == 1
    assert all(np.isfinite(p).all() for row in stopped.get_parameters() for p in row)


# -- bad input ---------------------------------------------------------------------------------------


def test_errors_of_train():
    X, y = blobs(20)
    with pytest.raises(RuntimeError, match="no layers"):
        nn.model.Model().train(X, y)
    with pytest.raises(RuntimeError, match=r"no loss and no optimizer.*set"):
        nn.model.Model().add(nn.layer.Dense(2, 3)).train(X, y)
    model = nn.model.Model("basic", [2, 3])
    for bad in (0, -1, 2.5):
        with pytest.raises(ValueError, match="batch_size"):
            model.train(X, y, batch_size=bad)
    with pytest.raises(ValueError, match="empty"):
        model.train(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(ValueError, match=r"20 samples.* 19"):
        model.train(X, y[:-1])
    with pytest.raises(ValueError, match="y is missing"):
        model.train(X)
    with pytest.raises(TypeError):
        model.train(X, y, epoch=3)
    with pytest.raises(IndexError, match="out of bounds"):
        model.train(X, y + 1, silent=True)
    with pytest.raises(TypeError, match="callback"):
        model.train(X, y, callbacks=[print], silent=True)
    with pytest.raises(TypeError, match="add"):
        model.add(3)
    with pytest.raises(RuntimeError) as error:
        model.train(np.zeros((4, 5)), y[:4], silent=True)
    shown = str(error.value) + "".join(getattr(error.value, "__notes__", []))
    assert "4x5" in shown and "2x3" in shown


def test_build_takes_sizes_from_the_first_batch():
    model = nn.model.Model().add(nn.layer.Dense(4, 6)).add(nn.layer.BatchNorm())
    model.build((None, 4))
    assert model.layers[1].weight.shape == (6,)
    with pytest.raises(ValueError):
        model.build((0,))


# -- files -------------------------------------------------------------------------------------------


def test_parameters_round_trip(tmp_path):
    X, y = blobs(40)
    model = nn.model.Model("basic", [2, 8, 3])
    model.train(X, y, epochs=2, batch_size=10, silent=True)
    values = model.get_parameters()
    path = tmp_path / "weights.npz"
    model.save_parameters(path)
    other = nn.model.Model("basic", [2, 8, 3])
    other.load_parameters(path)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    with pytest.raises(ValueError, match=r"shape|layers"):
        nn.model.Model("basic", [2, 9, 3]).set_parameters(values)
    with pytest.raises(RuntimeError, match="size mismatch"):
        nn.model.Model("basic", [2, 9, 3]).load_parameters(path)


def test_whole_model_round_trip_goes_on_training(tmp_path):
    X, y = blobs(60)
    tl.manual_seed(1)
    model = nn.model.Model()
    model.add(nn.layer.Dense(2, 8, activation=nn.activation.LeakyReLU(), weight_regularizer_l2=1e-3))
    model.add(nn.layer.BatchNorm()).add(nn.layer.Dropout(0.2))
    model.add(nn.layer.Dense(8, 3, activation=nn.activation.Softmax()))
    model.set(loss="categorical_crossentropy", accuracy="categorical", optimizer=nn.optimizer.Adam(0.01, decay=1e-3))
    model.train(X, y, epochs=2, batch_size=10, silent=True)
    path = tmp_path / "model.tl"
    model.save(path)
    twin = nn.model.Model.load(path)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    for m in (model, twin):
        tl.manual_seed(5)
        m.train(X, y, epochs=1, batch_size=10, silent=True)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    assert twin.optimizer.iterations == 18 and twin._history.epoch == [0, 1, 2]


def test_saving_what_cannot_be_described(tmp_path):
    class Own(nn.Module):
        def forward(self, x):
            return x

    path = tmp_path / "model.tl"
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match="save_parameters"):
        nn.model.Model().add(Own()).save(path)
    assert path.read_bytes() == b"old"
    with pytest.raises((ValueError, RuntimeError, OSError), match="model"):
        nn.model.Model.load(path)
    assert os.listdir(tmp_path) == ["model.tl"]


def test_output_in_a_file_is_a_line_per_epoch(capsys):
    X, y = blobs(20)
    nn.model.Model("basic", [2, 3]).train(X, y, epochs=3, batch_size=10)
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 3 and lines[0].startswith("epoch 1/3") and "accuracy" in lines[0]
    nn.model.Model("basic", [2, 3]).train(X, y, batch_size=5, print_every=2, silent=True)
    assert capsys.readouterr().out == ""
    nn.model.Model("basic", [2, 3]).train(X, y, batch_size=5, print_every=2)
    assert "step 4" in capsys.readouterr().out


def test_truncated_and_altered_files_are_refused(tmp_path):
    path = tmp_path / "model.tl"
    nn.model.Model("basic", [2, 8, 3]).save(path)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-1], content[:200] + b"\0\0\0\0" + content[204:], b""):
        path.write_bytes(damaged)
        with pytest.raises(RuntimeError, match=r"model\.tl"):
            nn.model.Model.load(path)
        with pytest.raises(RuntimeError, match=r"model\.tl"):
            nn.model.Model("basic", [2, 8, 3]).load_parameters(path)


@pytest.mark.parametrize("method", ["save", "save_parameters"])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch, method, call):
    path = tmp_path / "model.tl"
    model = nn.model.Model("basic", [2, 3])
    getattr(model, method)(path)
    before = path.read_bytes()
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def fail(*args, error=error):
            raise error

        monkeypatch.setattr(os, call, fail)
        with pytest.raises(type(error)):
            getattr(model, method)(path)
        monkeypatch.undo()
        assert path.read_bytes() == before and os.listdir(tmp_path) == ["model.tl"]


def test_wrong_dtypes():
    X, y = blobs(20)
    model = nn.model.Model("basic", [2, 3])
    with pytest.raises(TypeError, match="X must be an array or tensor of numbers"):
        model.train(X.astype(object).tolist() + [["a", "b"]], np.append(y, 0), silent=True)
    with pytest.raises((ValueError, TypeError), match=r"class indices|fractions"):
        model.train(X, y + 0.5, silent=True)
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        model.train(X + 1j, y, silent=True)


def test_build_of_a_model_that_looks_up_indices():
    model = nn.model.Model().add(nn.Embedding(5, 4)).add(nn.Flatten()).add(nn.LazyLinear(2))
    model.build((3,))
    assert model.layers[2].weight.shape == (2, 12)
