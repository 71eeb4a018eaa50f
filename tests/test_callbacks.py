"""The callbacks of fit."""

import csv
import io
import json
import os
import zipfile

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    GradientClipping,
    JSONLogger,
    LambdaCallback,
    LRFinder,
    LRScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
)
from tensorlite.optim import lr_scheduler


def blobs(n=60, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    angle = 2 * np.pi * y / classes
    return np.stack([np.cos(angle), np.sin(angle)], 1) * 2 + rng.normal(0, 0.4, (n, 2)), y


def basic(rate=0.01, **options):
    tl.manual_seed(0)
    return nn.model.Model("basic", [2, 8, 3]).set(optimizer=nn.optimizer.Adam(rate, **options))


class Script(Callback):
    """Puts given numbers into the history, under the name 'val_score'."""

    def __init__(self, values):
        self.values = values
        self.weights = []

    def on_epoch_end(self, run):
        run.values["val_score"] = self.values[run.epoch]
        self.weights.append(run.model.get_parameters()[0][0])


# -- stopping ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "options", "epochs", "best"),
    [
        ([3, 2, 1, 1, 1, 1], {"patience": 2}, 5, 2),
        ([3, 2, 2.5, 1, 4, 4, 4], {"patience": 2}, 6, 3),
        ([3, 2.95, 2.9, 2.85], {"patience": 2, "min_delta": 0.2}, 3, 0),
        ([1, 2, 3, 2, 2], {"patience": 2, "mode": "max"}, 5, 2),
        ([1, 2], {}, 2, 0),
        ([float("nan"), float("nan"), 1], {"patience": 2}, 2, None),
        ([4, 3, 2, 1], {"patience": 2}, 4, 3),
    ],
)
def test_early_stopping(values, options, epochs, best):
    script = Script([float(v) for v in values])
    stop = EarlyStopping("val_score", restore_best_weights=True, **options)
    model = basic()
    history = model.fit(*blobs(), epochs=len(values), verbose=0, callbacks=[script, stop])
    assert len(history) == epochs and stop.best_epoch == best
    assert (history.stopped is None) == (epochs == len(values) and stop.stopped_epoch is None)
    if best is not None:
        np.testing.assert_array_equal(model.get_parameters()[0][0], script.weights[best])


def test_the_metric_says_which_way_is_up():
    model = basic()
    model.compile(loss="categorical_crossentropy", metrics=["accuracy", "rmse"])
    directions = {}

    class Look(Callback):
        def on_train_begin(self, run):
            for name in ("loss", "val_loss", "accuracy", "val_accuracy", "rmse"):
                directions[name] = EarlyStopping(name).direction(run)

    model.metrics = [tl.metrics.RMSE()]
    model.fit(tl.eye(2), tl.eye(3)[:2], epochs=1, verbose=0, callbacks=[Look()])
    assert directions == {"loss": "min", "val_loss": "min", "accuracy": "max", "val_accuracy": "max", "rmse": "min"}


def test_watching_what_is_not_there():
    X, y = blobs()
    with pytest.raises(ValueError, match=r"'val_loss', but an epoch has loss, .*validation_data"):
        basic().fit(X, y, verbose=0, callbacks=[EarlyStopping()])
    with pytest.raises(ValueError, match="'lss'"):
        basic().fit(X, y, verbose=0, callbacks=[ReduceLROnPlateau("lss")])
    for bad in ({"mode": "up"}, {"patience": -1}, {"patience": 1.5}, {"min_delta": -1}):
        with pytest.raises(ValueError):
            EarlyStopping(**bad)


# -- files -------------------------------------------------------------------------------------------------


def test_model_checkpoint_keeps_the_best(tmp_path):
    X, y = blobs()
    script = Script([3.0, 1.0, 2.0])
    model = basic()
    keep = ModelCheckpoint(tmp_path / "best.tl", "val_score", save_best_only=True)
    model.fit(X, y, epochs=3, verbose=0, callbacks=[script, keep])
    best = nn.model.Model.load(tmp_path / "best.tl")
    np.testing.assert_array_equal(best.get_parameters()[0][0], script.weights[1])


def test_model_checkpoint_names_and_steps(tmp_path):
    X, y = blobs()
    weights = ModelCheckpoint(tmp_path / "w{epoch:02d}-{loss:.0f}.npz", save_weights_only=True)
    steps = ModelCheckpoint(tmp_path / "s{step}.tl", save_freq=2)
    basic().fit(X, y, epochs=1, batch_size=12, verbose=0, callbacks=[weights, steps])
    assert sorted(os.listdir(tmp_path)) == ["s2.tl", "s4.tl", "w01-1.npz"]
    basic().load_parameters(tmp_path / "w01-1.npz")
    with pytest.raises(ValueError, match="names 'val_loss'"):
        basic().fit(X, y, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "{val_loss}.tl")])
    for bad in ({"save_freq": 0}, {"save_freq": 2, "save_best_only": True}):
        with pytest.raises(ValueError):
            ModelCheckpoint("x", **bad)


def test_csv_and_json(tmp_path):
    X, y = blobs()
    model = basic()
    model.compile(metrics=["accuracy", "confusion_matrix"])
    table, lines, steps = tmp_path / "a.csv", tmp_path / "a.jsonl", tmp_path / "b.csv"
    history = model.fit(
        X, y, epochs=3, batch_size=30, verbose=0, validation_data=(X, y),
        callbacks=[CSVLogger(table), JSONLogger(lines), CSVLogger(steps, per="step")],
    )  # fmt: skip
    rows = list(csv.DictReader(table.open()))
    assert [int(r["epoch"]) for r in rows] == [0, 1, 2]
    assert [float(r["val_loss"]) for r in rows] == history["val_loss"]
    assert np.array(json.loads(rows[0]["confusion_matrix"])).sum() == 60
    records = [json.loads(line) for line in lines.open()]
    assert [r["accuracy"] for r in records] == history["accuracy"]
    assert np.array(records[2]["val_confusion_matrix"]).shape == (3, 3)
    assert len(list(csv.DictReader(steps.open()))) == 6
    model.fit(X, y, epochs=1, verbose=0, callbacks=[JSONLogger(lines, append=True), CSVLogger(table, append=True)])
    assert len(lines.read_text().splitlines()) == 4
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 4 and rows[3]["val_loss"] == "" and float(rows[3]["loss"]) == history["loss"][3]
    model.fit(X, y, epochs=1, verbose=0, callbacks=[CSVLogger(table)])
    assert len(table.read_text().splitlines()) == 2
    with pytest.raises(ValueError, match="lack val_loss"):
        model.fit(X, y, verbose=0, validation_data=(X, y), callbacks=[CSVLogger(table, append=True)])
    with pytest.raises(ValueError, match="per"):
        CSVLogger(table, per="batch")


def test_json_has_no_nan(tmp_path):
    X, y = blobs()
    X[0] = np.nan
    with pytest.warns(RuntimeWarning, match="nan"):
        basic().fit(X, y, verbose=0, callbacks=[JSONLogger(tmp_path / "a.jsonl")])
    assert json.loads((tmp_path / "a.jsonl").read_text(), parse_constant=pytest.fail)["loss"] is None


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    X, y = blobs()
    board = TensorBoard(tmp_path / "runs", per="step", histograms=True)
    basic().fit(X, y, epochs=2, batch_size=30, verbose=0, validation_data=(X, y), callbacks=[board])
    (name,) = os.listdir(tmp_path / "runs")
    content = (tmp_path / "runs" / name).read_bytes()
    for tag in (b"loss/training", b"loss/validation", b"step/data_loss", b"layers.0.weight"):
        assert tag in content


# -- learning rates ----------------------------------------------------------------------------------------

SCHEDULES = [
    (lr_scheduler.StepLR, {"step_size": 2}),
    (lr_scheduler.ExponentialLR, {"gamma": 0.5}),
    (lr_scheduler.CosineAnnealingLR, {"T_max": 5}),
    (lr_scheduler.LambdaLR, {"lr_lambda": lambda e: 1 / (1 + e)}),
]


@pytest.mark.parametrize(("cls", "options"), SCHEDULES)
@pytest.mark.parametrize("kind", ["keras", "pytorch"])
def test_schedules(cls, options, kind):
    X, y = blobs()
    p = tl.zeros(1, requires_grad=True)
    plain = tl.optim.SGD([p], lr=0.3)
    schedule = cls(plain, **options)
    expected = []
    for _ in range(6):
        expected.append(plain.param_groups[0]["lr"])
        plain.step()
        schedule.step()
    model = basic()
    model.set(optimizer=nn.optimizer.SGD(0.3) if kind == "keras" else tl.optim.SGD(model.parameters(), lr=0.3))
    callback = LRScheduler(cls, **options)
    history = model.fit(X, y, epochs=2, verbose=0, callbacks=[callback])
    model.fit(X, y, epochs=4, verbose=0, callbacks=[callback])
    assert history["learning_rate"] == pytest.approx(expected), "a second fit goes on with the schedule"


def test_schedule_and_decay_multiply():
    X, y = blobs()
    model = basic(0.1, decay=0.5)
    model.fit(X, y, epochs=2, batch_size=30, verbose=0, callbacks=[LRScheduler(lr_scheduler.StepLR, step_size=1)])
    rates = [r["learning_rate"] for r in model.log.steps]
    assert rates == pytest.approx([0.1, 0.1 / 1.5, 0.01 / 2, 0.01 / 2.5])
    assert model.optimizer.learning_rate == pytest.approx(0.001)


def test_schedule_by_step_function_and_factory():
    X, y = blobs()
    model = basic(1e-3)
    cycle = LRScheduler(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=20, per="step")
    model.fit(X, y, epochs=4, batch_size=12, verbose=0, callbacks=[cycle])
    rates = [r["learning_rate"] for r in model.log.steps]
    assert len(set(rates)) == 20 and max(rates) == pytest.approx(0.1, rel=0.1)
    model = basic()
    by_epoch = LRScheduler(lambda epoch: 0.1 / (epoch + 1))
    assert model.fit(X, y, epochs=3, verbose=0, callbacks=[by_epoch])["learning_rate"] == pytest.approx(
        [0.1, 0.05, 0.1 / 3]
    )

    def chain(optimizer):
        warm = lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
        return lr_scheduler.SequentialLR(optimizer, [warm, lr_scheduler.ExponentialLR(optimizer, 0.1)], [2])

    model = basic(1.0)
    rates = model.fit(X, y, epochs=4, verbose=0, callbacks=[LRScheduler(factory=chain)])["learning_rate"]
    assert rates == pytest.approx([0.5, 0.75, 1.0, 0.1])


def test_schedules_that_cannot_be():
    X, y = blobs()
    for arguments, options in [
        ((), {}),
        ((lambda e: 1,), {"factory": print}),
        ((3,), {}),
        ((lambda e: 1,), {"gamma": 2}),
    ]:
        with pytest.raises(TypeError):
            LRScheduler(*arguments, **options)
    with pytest.raises(ValueError, match="per"):
        LRScheduler(lr_scheduler.StepLR, per="batch", step_size=1)
    with pytest.raises(TypeError, match="ReduceLROnPlateau"):
        basic().fit(X, y, verbose=0, callbacks=[LRScheduler(lr_scheduler.ReduceLROnPlateau)])
    with pytest.raises(TypeError, match="factory must return"):
        basic().fit(X, y, verbose=0, callbacks=[LRScheduler(factory=lambda o: None)])


@pytest.mark.parametrize(
    ("values", "options", "rates"),
    [
        ([5, 4, 4, 4, 4, 4], {"patience": 2}, [1, 1, 1, 1, 0.5, 0.5]),
        ([5, 5, 5, 5, 5, 5], {"patience": 1, "cooldown": 2}, [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ([5, 5, 5, 5, 5, 5], {"patience": 1, "min_lr": 0.3}, [1, 1, 0.5, 0.3, 0.3, 0.3]),
        ([1, 2, 3, 3, 3, 3], {"patience": 2, "mode": "max"}, [1, 1, 1, 1, 1, 0.5]),
        ([5, 4.9, 4.8, 4.7, 4.6, 4.5], {"patience": 2, "min_delta": 0.15}, [1, 1, 1, 1, 1, 1]),
    ],
)
def test_plateaus(values, options, rates):
    X, y = blobs()
    callback = ReduceLROnPlateau("val_score", factor=0.5, **options)
    history = basic(1.0).fit(X, y, epochs=6, verbose=0, callbacks=[Script([float(v) for v in values]), callback])
    assert history["learning_rate"] == pytest.approx(rates)
    with pytest.raises(ValueError, match="factor"):
        ReduceLROnPlateau(factor=1.0)


@pytest.mark.parametrize("kind", ["keras", "pytorch", "unbound", "loader"])
def test_the_finder_leaves_everything_as_it_was(kind):
    X, y = blobs(200)
    model = nn.model.Model("basic", [2, 16, 3])
    model.layers.insert(1, nn.layer.BatchNorm(16))
    source = (X, y)
    if kind == "pytorch":
        model.set(optimizer=tl.optim.Adam(model.parameters(), lr=0.01))
    if kind == "loader":
        data = tl.data.TensorDataset(tl.tensor(X, dtype=tl.float32), tl.tensor(y))
        source = (tl.data.DataLoader(data, 16, shuffle=True, generator=tl.Generator().manual_seed(1)),)
    if kind != "unbound":
        model.fit(*source, epochs=1, verbose=0)

    def state():
        optimizer = None if kind == "unbound" else model.optimizer.state_dict()
        streams = tl.get_rng_state(), source[0].generator.get_state() if kind == "loader" else None
        history = model._history and model._history.history
        file = io.BytesIO()
        tl.save([dict(model.state_dict()), optimizer, streams, history, model.log.steps, model.training], file)
        with zipfile.ZipFile(file) as z:
            return {name: z.read(name) for name in z.namelist()}

    before = state()
    found = LRFinder().find(model, *source, batch_size=16)
    assert state() == before
    assert 1e-4 < found.value < 2 and found.value in found.rates
    assert len(found.rates) == len(found.losses) > 20 and "Finding" in repr(found)
    if kind == "unbound":
        with pytest.raises(RuntimeError, match="bind"):
            model.optimizer.step()


def test_the_finders_figure():
    pytest.importorskip("matplotlib")
    X, y = blobs(100)
    value, figure = LRFinder(steps=20).find(basic(), X, y)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log" and f"{value:.2g}" in axes.get_legend().get_texts()[0].get_text()
    for bad in ({"low": 0}, {"low": 1, "high": 0.1}, {"steps": 2}, {"smoothing": 1}):
        with pytest.raises(ValueError):
            LRFinder(**bad)
    with pytest.raises(TypeError, match="used up"):
        LRFinder().find(basic(), iter([(X, y)]))
    with pytest.raises(ValueError, match="not finite"):
        LRFinder().find(basic(), X * np.nan, y)


# -- gradients, functions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("accumulate", [1, 2])
def test_clipping_sees_the_whole_gradient_once_per_update(accumulate):
    X, y = blobs()
    norms = []

    class Look(Callback):
        late = True

        def before_step(self, run):
            norms.append(sum(float(p.grad.square().sum()) for p in run.model.parameters()) ** 0.5)

    clip = GradientClipping(norm=0.01)
    basic().fit(X * 10, y, batch_size=10, accumulate=accumulate, verbose=0, callbacks=[Look(), clip])
    assert len(norms) == 6 // accumulate
    assert norms == pytest.approx([0.01] * len(norms), rel=1e-3) and clip.last_norm > 0.02
    for bad in ({}, {"norm": 1, "value": 1}, {"norm": 0}, {"value": -1}):
        with pytest.raises(ValueError):
            GradientClipping(**bad)


def test_functions_at_each_moment():
    X, y = blobs()
    seen = []
    names = ["on_train_begin", "on_epoch_begin", "before_step", "on_step_end", "on_epoch_end", "on_train_end"]
    functions = {name: (lambda run, name=name: seen.append(name)) for name in names}
    basic().fit(X, y, epochs=2, batch_size=30, verbose=0, callbacks=[LambdaCallback(**functions)])
    epoch = ["on_epoch_begin", *["before_step", "on_step_end"] * 2, "on_epoch_end"]
    assert seen == ["on_train_begin", *epoch * 2, "on_train_end"]
    with pytest.raises(TypeError):
        LambdaCallback(on_batch=print)
    with pytest.raises(TypeError, match="function"):
        LambdaCallback(on_epoch_end=3)


def test_a_callback_that_fails_does_not_hide_why():
    X, y = blobs()

    def fail(run):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        basic().fit(X, y, verbose=0, callbacks=[LambdaCallback(on_train_begin=fail), EarlyStopping(), TensorBoard()])
