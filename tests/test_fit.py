"""fit: what is shown where, what it is fed with, weights, accumulation, epochs."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.callbacks import Callback
from tensorlite.nn import progress

TRAIN = """
import time
import numpy as np
import tensorlite as tl
from tensorlite import nn
from tensorlite.callbacks import LambdaCallback

tl.manual_seed(0)
X = np.random.default_rng(0).normal(size=(60, 3))
y = (X[:, 0] > 0).astype(int)
model = nn.model.Model('basic', [3, 8, 2])
model.compile(metrics=['accuracy', 'confusion_matrix'])
slow = LambdaCallback(on_step_end=lambda run: time.sleep(0.03))
history = model.fit(X, y, epochs=2, batch_size=5, validation_data=(X, y), callbacks=[slow])
"""
LINE = r"epoch \d/2 - [\d.]+ s, [\d.]+ steps/s - loss [\d.]+ - accuracy [\d.]+ - val_loss [\d.]+ - val_accuracy [\d.]+ - lr 0.000999"


def blobs(n=60, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    angle = 2 * np.pi * y / classes
    return np.stack([np.cos(angle), np.sin(angle)], 1) * 2 + rng.normal(0, 0.4, (n, 2)), y


def basic(optimizer=None):
    tl.manual_seed(0)
    return nn.model.Model("basic", [2, 8, 3]).set(optimizer=optimizer)


# -- what is shown -----------------------------------------------------------------------------------------


def test_piped_to_a_file_it_writes_a_line_per_epoch(tmp_path):
    with open(tmp_path / "log", "w") as log:
        subprocess.run([sys.executable, "-c", TRAIN], stdout=log, stderr=subprocess.STDOUT, check=True)
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 2 and all(re.fullmatch(LINE, line) for line in lines), lines


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_in_a_terminal_it_draws_a_bar_that_fits(term):
    import fcntl
    import struct
    import termios

    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    environment = {**os.environ, "TERM": term, "PYTHONIOENCODING": "utf-8"}
    environment.pop("COLUMNS", None)
    child = subprocess.Popen([sys.executable, "-c", TRAIN], stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    parts = []
    try:
        while part := os.read(master, 10_000):
            parts.append(part)
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(master)
    assert child.wait() == 0
    text = b"".join(parts).decode()
    lines = text.split("\r\n")
    assert lines.pop() == "" and len(lines) == 2, text
    for line in lines:
        *bars, last = [s.rstrip() for s in line.split("\r") if s]
        assert re.match(r"epoch \d/2 - ", last) and "val_accuracy" in last
        assert bool(bars) == (term == "xterm")
        assert all(len(bar) < 90 for bar in bars)
        for bar in bars:
            assert re.match(r"epoch \d/2 +\d+% [█░]{24} \d+/12 - 0:0\d, 0:0\d left, [\d.]+ steps/s - data_loss", bar), (
                bar
            )


def notebook(code):
    """The text that a notebook's cell shows."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(book, timeout=60, kernel_name="python3").execute()
    return book.cells[0].outputs


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_in_a_notebook_it_draws_text():
    outputs = notebook(TRAIN.replace("0.03", "0.1"))
    assert all(o.output_type == "stream" and o.name == "stdout" for o in outputs), "no widget, nothing on stderr"
    text = "".join(o.text for o in outputs)
    assert "\x1b" not in text
    lines = [line for line in text.split("\n") if line]
    assert len(lines) == 2
    for line in lines:
        assert re.match(LINE[:30], line.split("\r")[-1].rstrip())


class Screen:
    """A terminal of which we only ask what was written."""

    encoding = "ascii"

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        text.encode(self.encoding)
        self.text += text

    def flush(self):
        pass


def test_streams_without_an_end_and_narrow_character_sets(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_BETWEEN", {"terminal": -1.0})
    X, y = blobs()

    def stream():
        for i in range(0, 60, 20):
            yield X[i : i + 20], y[i : i + 20]

    for source, expected in [((stream,), "2 steps - 0:00"), ((X, y), "50% ############............ 1/2")]:
        screen = Screen()
        monkeypatch.setattr(sys, "stdout", screen)
        basic().fit(*source)
        monkeypatch.undo()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(progress, "_BETWEEN", {"terminal": -1.0})
        assert expected in screen.text


def test_short_epochs_have_a_bar_too(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    basic().fit(*blobs(), epochs=3)
    monkeypatch.undo()
    assert "#" in screen.text and screen.text.count("\n") == 3


def test_text_of_times():
    assert progress.clock(59.6) == "1:00" and progress.clock(3725) == "1:02:05"
    assert progress.pace(0, 1) == "? steps/s" and progress.pace(5, 10) == "2.0 s/step"
    assert progress.pace(15, 10) == "1.5 steps/s" and progress.pace(5000, 1) == "5000 steps/s"
    for bad in ({"verbose": 3}, {"verbose": "yes"}, {"print_every": 0}):
        with pytest.raises(ValueError):
            basic().fit(*blobs(), **bad)


def test_interrupted_in_the_middle_of_a_bar(monkeypatch, capsys):
    class Press(Callback):
        def on_step_end(self, run):
            if run.step_in_epoch == 2:
                raise KeyboardInterrupt

    basic().fit(*blobs(), callbacks=[Press()])
    assert capsys.readouterr().out == "interrupted: the history so far is returned, the model is usable\n"


# -- data --------------------------------------------------------------------------------------------------


def test_arrays_loader_list_and_function_train_alike():
    X, y = blobs()
    x, t = tl.tensor(X, dtype=tl.float32), tl.tensor(y)
    batches = [(X[i : i + 16], y[i : i + 16]) for i in range(0, 60, 16)]
    sources = [
        (X, y), (x, t), (X.tolist(), y.tolist()), (tl.data.DataLoader(tl.data.TensorDataset(x, t), batch_size=16),), (batches,),
        (lambda: iter(batches),),
    ]  # fmt: skip
    results = []
    for source in sources:
        model = basic()
        history = model.fit(*source, epochs=2, batch_size=16, shuffle=False, verbose=0, validation_data=(X, y))
        results.append((history.history, model.get_parameters()[0][0]))
    for values, weights in results[1:]:
        assert values == results[0][0]
        np.testing.assert_array_equal(weights, results[0][1])


def test_a_generator_lasts_for_one_epoch():
    X, y = blobs()
    batches = [(X, y)] * 3
    assert len(basic().fit(iter(batches), verbose=0)) == 1
    with pytest.raises(ValueError, match="used up only once"):
        basic().fit(iter(batches), epochs=2, verbose=0)


@pytest.mark.parametrize("kind", ["array", "loader", "generator"])
def test_layers_that_wait_for_their_first_batch_are_trained(kind):
    X, y = blobs()
    x = tl.tensor(X, dtype=tl.float32)
    tl.manual_seed(0)
    model = nn.model.Model().add(nn.layer.BatchNorm()).add(nn.LazyLinear(3)).add(nn.Softmax(-1))
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    source = {
        "array": (X, y),
        "loader": (tl.data.DataLoader(tl.data.TensorDataset(x, tl.tensor(y)), 30, shuffle=True),),
        "generator": (iter([(X, y)] * 2),),
    }[kind]
    history = model.fit(*source, batch_size=30, verbose=0)
    assert len(model.log.steps) == 2 and len(history) == 1
    assert all((p != 1).all() for p in [model.layers[0].weight.detach()])
    assert len([p for g in model.optimizer.param_groups for p in g["params"]]) == 4


def test_what_is_no_data():
    X, y = blobs()
    cases = [
        ((X, None), {}, ValueError, "y is missing"), ((X, y[:-1]), {}, ValueError, "60 samples, but y has 59"),
        ((X, 3), {}, ValueError, "no dimension"), ((["a", "b"], [0, 1]), {}, TypeError, "X must be"),
        (([(X, y, y, y)],), {}, TypeError, "batches"), (([(X, y[:-1])],), {}, ValueError, "60 samples, but 59"),
        (([(X[:0], y[:0])],), {}, ValueError, "empty batch"), (([],), {}, ValueError, "empty"),
        ((X, y), {"epochs": -1}, ValueError, "epochs"), ((X, y), {"epochs": 1.5}, ValueError, "epochs"),
        ((X, y), {"validation_split": 1.5}, ValueError, "validation_split"),
        ((X, y), {"validation_data": (X, y, y, y)}, ValueError, "not 4 arrays"),
        ((X, y), {"validation_data": X}, ValueError, r"\(X, y\) or a loader, not X alone"),
        ((X, y), {"validation_data": (X, y[1:])}, ValueError, "60 samples"),
        ((X, y), {"sample_weight": np.ones(3)}, ValueError, r"shape \(3,\), expected \(60,\)"),
        ((X, y), {"class_weight": [1, 2, 3]}, TypeError, "class_weight"),
        (([(X, y)],), {"sample_weight": np.ones(60)}, ValueError, "loader brings its own"),
        ((X, y), {"accumulate": 0}, ValueError, "accumulate"), ((X, y), {"nan": "ignore"}, ValueError, "nan"),
    ]  # fmt: skip
    for source, options, error, text in cases:
        with pytest.raises(error, match=text):
            basic().fit(*source, **{"verbose": 0, **options})


def test_whole_numbers_of_pixels_and_rows_of_targets():
    X, y = blobs()
    model = nn.model.Model("regression", [2, 8, 1])
    pixels = (X * 10).astype(np.uint8)
    results = []
    for target in (y, y[:, None], y.astype(np.float64)):
        model = basic()
        model = nn.model.Model("regression", [2, 8, 1])
        history = model.fit(pixels, target, epochs=2, verbose=0, validation_data=(pixels, target))
        results.append((history["loss"], history["val_loss"], history["accuracy"]))
    assert results[0] == results[1] == results[2], "(N,) is (N, 1), not a table of N x N"


# -- weights, accumulation ---------------------------------------------------------------------------------


def after(optimizer=None, epochs=1, loss=None, **options):
    X, y = blobs()
    model = basic(nn.optimizer.SGD(0.1))
    if loss is not None:
        model.set(loss=loss)
    history = model.fit(X, y, epochs=epochs, shuffle=False, verbose=0, **options)
    return model.get_parameters()[0][0], history


@pytest.mark.parametrize(
    ("small", "group", "large"), [(10, 6, 60), (10, 3, 30), (7, 3, 21), (16, 2, 32), (25, 2, 50), (10, 99, 60)]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_accumulation_is_a_larger_batch_also_for_the_last_group(small, group, large, weighted):
    options = {}
    if weighted:
        options = {"sample_weight": np.linspace(0, 2, 60), "class_weight": {0: 2.0, 2: 0.25}}
    expected, _ = after(batch_size=large, epochs=2, **options)
    got, _ = after(batch_size=small, accumulate=group, epochs=2, **options)
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-7)


def test_accumulation_over_a_stream_of_unknown_length():
    X, y = blobs()

    def stream():
        for i in range(0, 60, 8):
            yield X[i : i + 8], y[i : i + 8]

    model = basic(nn.optimizer.SGD(0.1))
    model.fit(stream, accumulate=3, epochs=2, verbose=0)
    np.testing.assert_allclose(model.get_parameters()[0][0], after(batch_size=24, epochs=2)[0], rtol=2e-5, atol=1e-7)
    assert model.optimizer.iterations == 6


def test_sums_add_up():
    loss = nn.CrossEntropyLoss(reduction="sum")
    expected, _ = after(batch_size=20, loss=loss)
    got, _ = after(batch_size=10, accumulate=2, loss=nn.CrossEntropyLoss(reduction="sum"))
    np.testing.assert_allclose(got, expected, rtol=1e-4)


def test_a_weight_of_two_is_a_sample_twice():
    X, y = blobs()
    w = np.where(np.arange(60) < 20, 2.0, 1.0)
    model = basic(nn.optimizer.SGD(0.1))
    model.fit(X, y, batch_size=60, sample_weight=w, shuffle=False, verbose=0, validation_data=(X, y, w))
    twin = basic(nn.optimizer.SGD(0.1 * 80 / 60))
    twin.fit(np.concatenate([X, X[:20]]), np.concatenate([y, y[:20]]), batch_size=80, verbose=0)
    np.testing.assert_allclose(model.get_parameters()[0][0], twin.get_parameters()[0][0], rtol=1e-4)
    z = model.predict(X)
    expected = np.mean(-np.log(z[np.arange(60), y]) * w)
    assert model._history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


def test_validation_split_takes_the_last_samples_with_their_weights():
    X, y = blobs()
    w = np.linspace(1, 2, 60)
    model = basic()
    history = model.fit(X, y, batch_size=15, sample_weight=w, validation_split=0.25, verbose=0)
    assert len(model.log.steps) == 3
    z = model.predict(X[45:])
    assert history["val_loss"][0] == pytest.approx(np.mean(-np.log(z[np.arange(15), y[45:]]) * w[45:]), rel=1e-5)
    other = basic()
    loader = [(X[:45], y[:45], w[:45])]
    assert other.fit(loader, verbose=0, validation_data=[(X[45:], y[45:], w[45:])])["val_loss"][0] > 0


# -- epochs, optimizers ------------------------------------------------------------------------------------


def test_epochs_go_on_and_can_be_numbered():
    X, y = blobs()
    model = basic()
    assert model.fit(X, y, epochs=0, verbose=0).epoch == []
    model.fit(X, y, epochs=2, verbose=0)
    assert model.fit(X, y, epochs=1, verbose=0).epoch == [0, 1, 2]
    assert model.fit(X, y, epochs=6, initial_epoch=4, verbose=0).epoch == [0, 1, 2, 4, 5]
    assert model.fit(X, y, epochs=3, initial_epoch=3, verbose=0).epoch == [0, 1, 2, 4, 5]
    assert [r["epoch"] for r in model.log] == model._history.epoch


def test_an_optimizer_that_was_made_for_something_else():
    X, y = blobs()
    model = basic()
    optimizer = tl.optim.SGD(model.parameters(), lr=0.1)
    model.layers[1] = nn.layer.Dense(8, 3, activation=nn.activation.Softmax())
    model.set(optimizer=optimizer)
    with pytest.raises(
        ValueError, match=r"2 parameters that are not the model's and not layers.1.weight, layers.1.bias"
    ):
        model.fit(X, y, verbose=0)
    part = basic()
    part.set(optimizer=tl.optim.SGD(part.layers[1].parameters(), lr=0.1))
    with pytest.raises(ValueError, match=r"not layers.0.weight.*requires_grad_"):
        part.fit(X, y, verbose=0)
    part.layers[0].requires_grad_(False)
    before = part.get_parameters()
    part.fit(X, y, verbose=0)
    np.testing.assert_array_equal(part.get_parameters()[0][0], before[0][0])
    assert (part.get_parameters()[1][0] != before[1][0]).any()
    frozen = basic()
    frozen.requires_grad_(False)
    with pytest.raises(ValueError, match="nothing to train"):
        frozen.fit(X, y, verbose=0)


def test_freezing_a_layer_keeps_the_others_moments(tmp_path):
    X, y = blobs()
    model = basic()
    model.fit(X, y, epochs=2, verbose=0)
    model.layers[0].requires_grad_(False)
    weight = model.layers[1].weight
    moment = model.optimizer.inner.state[weight]["exp_avg"].clone()
    model.optimizer.bind([p for p in model.parameters() if p.requires_grad])
    assert (model.optimizer.inner.state[weight]["exp_avg"] == moment).all()
    model.save(tmp_path / "m.tl")
    twin = nn.model.Model.load(tmp_path / "m.tl")
    assert [p.requires_grad for p in twin.parameters()] == [False, False, True, True]
    for m in (model, twin):
        m.fit(X, y, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.predict(X), twin.predict(X))


def test_metrics_in_history_and_evaluation(capsys):
    X, y = blobs()
    model = basic()
    model.compile(metrics=["accuracy", "confusion_matrix", "top_2", tl.metrics.F1("micro")])
    history = model.fit(X, y, epochs=2, validation_data=(X, y), verbose=2)
    assert history["val_confusion_matrix"][-1].sum() == 60 and "History(2 epochs" in repr(history)
    result = model.evaluate(X, y, verbose=1)
    assert "confusion_matrix: [[" in capsys.readouterr().out
    loss, accuracy = result
    assert (loss, accuracy) == (result.loss, result.accuracy) and result.values["f1_micro"] == pytest.approx(accuracy)
    assert result.values["confusion_matrix"].trace() == pytest.approx(60 * accuracy)
    with pytest.raises(ValueError, match="several metrics have the name f1"):
        model.compile(metrics=["f1", tl.metrics.F1])


def test_an_exception_leaves_a_usable_model():
    X, y = blobs()
    model = basic()

    class Fail(Callback):
        def on_step_end(self, run):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        model.fit(X, y, verbose=0, callbacks=[Fail()])
    assert not model.training and np.isfinite(model.evaluate(X, y).loss)
    assert len(model.fit(X, y, verbose=0)) == 1
