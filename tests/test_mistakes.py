"""Each classic mistake: a beginner's script that makes it, the message; the same script mended stays silent."""

import re
import warnings
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from mistaken import Net, Stack, data, fit, fresh, net, off, replaced, says, total, train  # noqa: F401 (fresh is a fixture)

import tensorlite as tl
from tensorlite import mistakes, nn
from tensorlite.mistakes import MistakeWarning
from tensorlite.nn import functional as F

DOCS = Path(__file__).parent.parent / "docs" / "mistakes"


# -- TL002 to TL005: losses ------------------------------------------------------------------------------


def test_column_against_row():
    x, y = tl.randn(8, 4), tl.randn(8)
    model = nn.Linear(4, 1)
    says(lambda: nn.MSELoss()(model(x), y), "TL002", "torch.Size([8, 1])", "8x8 differences", "input.squeeze(1)")
    says(lambda: F.l1_loss(y, tl.zeros(8, 1)), "TL002", "target.squeeze(1)")
    nn.MSELoss()(model(x).squeeze(1), y)


def test_softmax_before_cross_entropy():
    model, (x, y) = net(), data()
    loss = nn.CrossEntropyLoss()
    says(lambda: loss(model(x).softmax(1), y), "TL003", "comes from softmax", "[12, 3]", "Drop the softmax")
    says(lambda: loss(nn.LogSoftmax(dim=1)(model(x)), y), "TL003", "log_softmax", "NLLLoss")
    says(lambda: loss(model(x).softmax(-1).view(-1, 3)[:4], y[:4]), "TL003")
    loss(model(x), y)
    F.nll_loss(model(x).log_softmax(1), y)
    loss(model(x), model(x).softmax(1).detach())  # distillation: probabilities as targets
    attention = tl.randn(3, 3, requires_grad=True).softmax(0)
    loss(attention @ model(x[:3]), y[:3])


def test_probabilities_into_a_loss_of_scores():
    model, x = net(1), tl.randn(6, 4)
    y = (tl.arange(6) % 2).float().unsqueeze(1)
    loss = nn.BCEWithLogitsLoss()
    says(lambda: loss(tl.sigmoid(model(x)), y), "TL004", "comes from sigmoid", "Drop the sigmoid")
    says(lambda: loss(tl.sigmoid(model(x)).squeeze(1), y.squeeze(1)), "TL004")
    says(lambda: F.nll_loss(net()(x).softmax(1), tl.arange(6) % 3), "TL004", "log_softmax in place of softmax")
    loss(model(x), y)
    nn.BCELoss()(tl.sigmoid(model(x)), y)


def test_scores_into_a_loss_of_probabilities():
    model, (x, y) = net(), data()
    one, target = net(1), tl.ones(12, 1)
    says(
        lambda: nn.BCELoss()(5 * one(x) + 9, target),
        "TL005",
        "between 0 and 1",
        "add",
        "BCEWithLogitsLoss",
        error=RuntimeError,
    )
    says(lambda: F.nll_loss(model(x), y), "TL005", "come from linear", "log_softmax")
    says(lambda: nn.loss.CategoricalCrossentropy()(model(x), y), "TL005", "softmax first")
    nn.loss.CategoricalCrossentropy()(model(x).softmax(1), y)
    F.nll_loss(model(x).log_softmax(1), y)


def test_scores_in_a_model():
    x, y = np.random.default_rng(0).normal(size=(40, 4)) * 9, np.arange(40) % 3
    model = nn.model.Model()
    model.add(nn.layer.Dense(4, 3))
    model.set(loss=nn.loss.CategoricalCrossentropy(), accuracy="categorical", optimizer="adam")
    says(lambda: model.fit(x, y, verbose=0), "TL005", "last activation of a Model")
    model = nn.model.Model("basic", [4, 3, 3])
    model.fit(x, y, verbose=0)


def in_a_model(activation, loss, labels=None, outputs=3):
    x = np.random.default_rng(0).normal(size=(40, 4)) * 9
    model = nn.model.Model()
    model.add(nn.layer.Dense(4, outputs, activation=activation))
    model.set(loss=loss, optimizer="adam")
    model.fit(x, np.arange(40) % 3 if labels is None else labels, verbose=0)


def test_other_mistakes_in_a_model():
    y, two = np.arange(40) % 3, (np.arange(40) % 2)[:, None]
    says(lambda: in_a_model(nn.LogSoftmax(1), nn.CrossEntropyLoss()), "TL003", "log_softmax", "[32, 3]")
    says(lambda: in_a_model(nn.activation.Softmax(), nn.NLLLoss()), "TL004", "come from softmax")
    says(lambda: in_a_model(None, nn.loss.BinaryCrossentropy(), two, 1), "TL005", "linear", error=RuntimeError)
    says(lambda: in_a_model(nn.activation.Softmax(), nn.loss.CategoricalCrossentropy(), y + 1), "TL012",
         "do the labels start at 1?", error=IndexError)  # fmt: skip
    in_a_model(nn.activation.Softmax(), nn.CrossEntropyLoss())  # paired with its softmax: computed once
    in_a_model(nn.activation.Sigmoid(), nn.BCEWithLogitsLoss(), two, 1)
    in_a_model(nn.LogSoftmax(1), nn.NLLLoss())
    for labels in (y, y[:, None], y.astype(np.float32), np.eye(3)[y]):
        in_a_model(nn.activation.Softmax(), nn.loss.CategoricalCrossentropy(), labels)


# -- TL006: evaluation in training mode -------------------------------------------------------------------


def test_evaluation_in_training_mode():
    model, (x, y) = Net(), data()
    batch = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))

    def loss(model):
        with tl.no_grad():
            return F.cross_entropy(model(x), y)

    def accuracy(model):
        with tl.no_grad():
            return (model(x).argmax(1) == y).float().mean()

    def by_max(model):
        correct = 0
        with tl.no_grad():
            for i in range(0, 12, 4):
                _, predicted = tl.max(model(x[i : i + 4]), 1)
                correct += predicted.eq(y[i : i + 4]).sum().item()

    @tl.inference_mode()
    def inferred(model):
        return F.cross_entropy(model(x), y)

    def outside(model):
        with tl.set_grad_enabled(False):
            out = model(x)
        return (y == out.argmax(1)).float().mean()

    def by_metric(model):
        metric = tl.metrics.Accuracy()
        with tl.no_grad():
            for i in range(0, 12, 4):
                metric.update(model(x[i : i + 4]), y[i : i + 4])

    def absolute(model):
        with tl.no_grad():
            F.l1_loss(model(x), tl.zeros(12, 3))

    for evaluate in (loss, accuracy, by_max, inferred, outside, by_metric, absolute):
        says(lambda: evaluate(model), "TL006", "Dropout (Net.drop)", "model.eval()")
        says(lambda: evaluate(batch), "TL006", "BatchNorm1d (Sequential.1)", "statistics of the batch")
        for m in (model, batch):
            m.eval()
            evaluate(m)
            m.train()


def test_meant_noise_is_silent():
    model, (x, y) = Net(), data()
    with tl.no_grad():
        mean = tl.stack([model(x).softmax(1) for _ in range(5)]).mean(0)  # Monte-Carlo dropout
        (mean.argmax(1) == y).sum()
    model.eval()
    model.drop.train()  # the same, by hand
    with tl.no_grad():
        F.cross_entropy(model(x), y)
    batch = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    with tl.no_grad():
        batch(x)  # statistics estimated again
        batch.eval()
        F.cross_entropy(batch(x), y)
    batch.train()
    with tl.no_grad():
        batch(x)  # samples in training mode, before another evaluation
    with tl.inference_mode():
        F.cross_entropy(net()(x), y)
    tl.optim.swa_utils.update_bn([x], batch)
    with tl.no_grad():
        F.cross_entropy(batch.eval()(x), y)


def test_other_meant_noise_is_silent():
    (x, y), steps = data(), 3
    student, teacher = Net(), Net()
    optimizer = tl.optim.SGD(student.parameters(), lr=0.1)
    for _ in range(steps):  # a mean teacher: targets with noise of their own, then a proper evaluation
        student.train()
        with tl.no_grad():
            targets = teacher(x)
        optimizer.zero_grad()
        F.mse_loss(student(x), targets).backward()
        optimizer.step()
        with tl.no_grad():
            for p, q in zip(teacher.parameters(), student.parameters()):
                p.mul_(0.9).add_(q, alpha=0.1)
        student.eval()
        with tl.no_grad():
            F.cross_entropy(student(x), y)
            (student(x).argmax(1) == y).sum()
    student.train()
    with tl.no_grad():  # Monte-Carlo dropout of a regression, batch by batch
        for i in range(0, 12, 4):
            draws = tl.stack([student(x[i : i + 4]) for _ in range(5)])
            F.mse_loss(draws.mean(0), tl.zeros(4, 3))
            draws.var(0)
    with tl.no_grad():  # or in one run, every sample repeated
        mean = student(x.repeat(10, 1)).softmax(1).reshape(10, 12, 3).mean(0)
        (mean.argmax(1) == y).sum()

    class Always(nn.Module):
        def forward(net, x):
            return F.dropout(x, 0.5, training=True)

    with tl.no_grad():  # noise in evaluation mode is meant
        F.cross_entropy(Always().eval()(x[:, :3]), y)
    frozen = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    frozen.train()
    frozen[1].eval()  # statistics frozen while the rest is trained
    with tl.no_grad():
        F.cross_entropy(frozen(x), y)
    batch = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    with tl.no_grad():  # statistics estimated again, over several batches
        for i in range(0, 12, 4):
            batch(x[i : i + 4])
    with tl.no_grad():
        F.cross_entropy(batch.eval()(x), y)


# -- TL012, TL013: labels and dtypes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels, error, words",
    [
        (tl.tensor([1, 2, 3]), IndexError, ("from 1 to 3", "start at 1")),
        (tl.tensor([0, 2, 7]), IndexError, ("from 0 to 7", "8 outputs, not 3")),
        (tl.tensor([0, -1, 1]), IndexError, ("ignore_index=-1",)),
        (tl.tensor([0.0, 1.0, 2.0]), RuntimeError, ("Float", "target.long()")),
        (tl.tensor([0.5, 1.0, 2.0]), RuntimeError, ("mse_loss",)),
        (tl.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), RuntimeError, ("One-hot", "argmax(1)")),
        (tl.tensor([[0], [1], [2]]), RuntimeError, ("target.squeeze(1)",)),
    ],
)
def test_labels(labels, error, words):
    says(lambda: F.cross_entropy(tl.zeros(3, 3), labels), "TL012", *words, error=error)
    F.cross_entropy(tl.zeros(3, 3), tl.tensor([0, 1, 2]))


def test_two_class_labels():
    x = tl.tensor([3.0, -3.0, 3.0], requires_grad=True)
    loss = nn.BCEWithLogitsLoss()
    says(lambda: loss(x, tl.tensor([1.0, -1.0, 2.0])), "TL012", "-1, 1, 2", "(y + 1) / 2")
    loss(x, tl.tensor([1.0, 0.0, 1.0]))


def test_float64_inputs():
    x = tl.from_numpy(np.zeros((5, 4)))
    for model in (nn.Linear(4, 2), nn.Sequential(nn.Linear(4, 2))):
        says(lambda: model(x), "TL013", "float64", "float32", "x.float()", error=RuntimeError)
        model(x.float())
    says(lambda: F.binary_cross_entropy(tl.ones(2), tl.from_numpy(np.ones(2))), "TL013", error=RuntimeError)


# -- TL016, TL017, TL020, TL021 ----------------------------------------------------------------------------


def test_scheduler_before_optimizer():
    def script(right):
        optimizer = tl.optim.SGD([tl.ones(1, requires_grad=True)], lr=0.1)
        schedule = tl.optim.lr_scheduler.StepLR(optimizer, 1)
        for step in (optimizer.step, schedule.step) if right else (schedule.step, optimizer.step):
            step()

    says(lambda: script(False), "TL016", "before `optimizer.step()`")
    script(True)


def test_batch_norm_on_one_sample():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    says(lambda: model(tl.zeros(1, 4)), "TL017", "more than 1 value", "[1, 3]", "model.eval()", error=ValueError)
    model.eval()(tl.zeros(1, 4))


def test_sorted_data_without_shuffling():
    x, y = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) // 20
    says(
        lambda: nn.model.Model("basic", [4, 3, 3]).fit(x, y, shuffle=False, batch_size=10, verbose=0),
        "TL020",
        "60 samples",
        "3 classes",
    )
    for labels in (y.reshape(-1, 1), np.eye(3)[y]):
        says(
            lambda y=labels: nn.model.Model("basic", [4, 3, 3]).fit(x, y, shuffle=False, batch_size=10, verbose=0),
            "TL020",
        )
    nn.model.Model("basic", [4, 3, 3]).fit(x, y, batch_size=10, verbose=0)
    nn.model.Model("regression", [4, 3, 2]).fit(x, np.sort(x[:, :2], 0), shuffle=False, batch_size=10, verbose=0)
    nn.model.Model("basic", [4, 3, 3]).fit(x, np.arange(60) % 3, shuffle=False, batch_size=10, verbose=0)


def test_a_wrong_shape_in_a_module():
    class Body(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3)
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(100, 10))

        def forward(self, x):
            return self.head(self.conv(x).relu())

    says(lambda: Body()(tl.zeros(2, 1, 8, 8)), "TL021", "in head.1: Linear(in_features=100", "expected an input of shape (*, 100)",
         "found (2, 144)", "conv (conv", error=RuntimeError)  # fmt: skip
    says(lambda: Body()(tl.zeros(2, 3, 8, 8)), "TL021", "in conv: Conv2d", "(N, 1, H, W)", error=RuntimeError)


@pytest.mark.parametrize(("layer", "given", "words"), [
    (nn.Conv2d(1, 4, 3), (32, 8, 8), ["(N, 1, H, W), found (32, 8, 8)", "x.unsqueeze(1)"]),
    (nn.Conv2d(3, 4, 3), (1, 8, 8), ["(N, 3, H, W), found (1, 8, 8)"]),
    (nn.Conv1d(3, 4, 3), (5, 2, 9), ["(N, 3, L), found (5, 2, 9)"]),
    (nn.Linear(12, 2), (5, 3, 4), ["(*, 12), found (5, 3, 4)", "x.flatten(1)"]),
    (nn.LayerNorm((3, 5)), (2, 3, 4), ["(*, 3, 5), found (2, 3, 4)"]),
    (nn.BatchNorm1d(4), (2, 5), ["(N, 4, *), found (2, 5)"]),
    (nn.GroupNorm(2, 4), (2, 6, 3), ["(N, 4, *), found (2, 6, 3)"]),
    (nn.LSTM(4, 3), (2, 3, 5), ["(*, 4), found (2, 3, 5)"]),
], ids=lambda v: type(v).__name__)  # fmt: skip
def test_the_shape_that_a_layer_takes(layer, given, words):
    says(lambda: layer(tl.zeros(given)), "TL021", *words, error=RuntimeError)


# -- the machinery ------------------------------------------------------------------------------------------


def test_every_code_has_a_page():
    index = (DOCS / "index.md").read_text()
    for code, title in mistakes.CODES.items():
        text = (DOCS / f"{code}.md").read_text()
        assert text.startswith(f"# {code}: {title}\n") and f'tensorlite.mistakes.silence("{code}")' in text
        assert f"({code}.md)" in index
    assert len(list(DOCS.glob("TL*.md"))) == len(mistakes.CODES)


def schedule_first():
    optimizer = tl.optim.SGD([tl.ones(1, requires_grad=True)], lr=0.1)
    schedule = tl.optim.lr_scheduler.StepLR(optimizer, 1)
    schedule.step()
    optimizer.step()


def backward_twice():
    loss = tl.ones(1, requires_grad=True).exp()
    loss.backward()
    loss.backward()


def cured():
    loss = F.cross_entropy(net()(data()[0]).detach(), data()[1])
    loss.requires_grad = True
    loss.backward()


def overwritten():
    y = tl.ones(2, requires_grad=True).exp()
    y += 1
    y.sum().backward()


#: code -> (the mistake, in short; the error, where it is one)
MISTAKES = {
    "TL001": (lambda: train(zero=False), None),
    "TL002": (lambda: F.mse_loss(tl.zeros(3, 1), tl.zeros(3)), None),
    "TL003": (lambda: F.cross_entropy(net()(data()[0]).softmax(1), data()[1]), None),
    "TL004": (lambda: F.binary_cross_entropy_with_logits(net(1)(data()[0]).sigmoid(), tl.ones(12, 1)), None),
    "TL005": (lambda: F.nll_loss(net()(data()[0]), data()[1]), None),
    "TL006": (lambda: off(Net(), *data()), None),
    "TL007": (lambda: fit(Stack(list)), None),
    "TL008": (lambda: total(lambda t, loss: t + loss), None),
    "TL009": (backward_twice, RuntimeError),
    "TL010": (lambda: off(net(), *data()).backward(), RuntimeError),
    "TL011": (cured, None),
    "TL012": (lambda: F.binary_cross_entropy_with_logits(tl.tensor([-3.0]), tl.tensor([-1.0])), None),
    "TL013": (lambda: nn.Linear(4, 2)(tl.from_numpy(np.zeros((5, 4)))), RuntimeError),
    "TL014": (lambda: replaced(True), None),
    "TL015": (lambda: tl.optim.SGD([], lr=0.1), ValueError),
    "TL016": (schedule_first, None),
    "TL017": (lambda: nn.BatchNorm1d(3)(tl.zeros(1, 3)), ValueError),
    "TL018": (lambda: (tl.ones(2, requires_grad=True) * 2).grad, None),
    "TL019": (overwritten, RuntimeError),
    "TL020": (lambda: nn.model.Model("basic", [4, 3, 3]).fit(
        np.ones((60, 4)), np.arange(60) // 20, shuffle=False, batch_size=10, verbose=0), None),
    "TL021": (lambda: nn.Sequential(nn.Linear(4, 2))(tl.zeros(1, 5)), RuntimeError),
}  # fmt: skip


@pytest.mark.parametrize("code", mistakes.CODES)
def test_the_line_on_the_page_silences(code, monkeypatch):
    """Every code: the mistake is named, its page ends with the line that silences it, and that line does."""
    monkeypatch.setattr(mistakes, "_silent", set())
    script, error = MISTAKES[code]
    last = (DOCS / f"{code}.md").read_text().rstrip().splitlines()[-1]
    assert last.startswith("To silence it"), last
    lines = re.findall(r"`(?:with )?(tensorlite\.mistakes\.silenced?\(\"TL\d+\"\)):?`", last)
    assert len(lines) == 2 and all(code in line for line in lines)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(error, match=code) if error else nullcontext():
            script()
    assert [str(w.message)[:5] for w in seen] == ([] if error else [code]), [str(w.message) for w in seen]
    assert ("errors stay errors" in last) >= bool(error)
    for line in lines:
        with eval(line, {"tensorlite": tl}) or nullcontext(), pytest.raises(error) if error else nullcontext():
            script()  # where it is silent by itself, a warning would be an error
        mistakes._silent.clear()


def test_once_per_line_and_by_filters():
    a, b = tl.zeros(3, 1), tl.zeros(3)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for n in (2, 3, 3):
            F.mse_loss(a[:n], b[:n])
        F.mse_loss(a, b)
    assert len(seen) == 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="TL002")
        F.mse_loss(a, b)
    with pytest.raises(ValueError, match="unknown code 'TL999'"):
        mistakes.silence("TL999")


def test_silence(monkeypatch):
    monkeypatch.setattr(mistakes, "_silent", set())
    mistakes.silence("TL002")
    F.mse_loss(tl.zeros(3, 1), tl.zeros(3))
    with mistakes.silenced():
        nn.CrossEntropyLoss()(net()(data()[0]).softmax(1), data()[1])
    with pytest.warns(MistakeWarning, match=r"^TL003"):
        nn.CrossEntropyLoss()(net()(data()[0]).softmax(1), data()[1])
