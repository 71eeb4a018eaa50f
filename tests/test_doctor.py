"""The doctor finds what is wrong with a model, and changes nothing of it."""

from html.parser import HTMLParser

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn


@pytest.fixture(autouse=True)
def seed():
    tl.manual_seed(0)


def image_net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * 16, 10)
    )  # fmt: skip


def batch(n=20, classes=10):
    return tl.randn(n, 1, 6, 6), tl.arange(n) % classes


def levels(report, topic):
    return [f.level for f in report[topic]]


def says(report, topic, *words):
    text = "\n".join(str(f) for f in report[topic] if f.level in ("warning", "problem"))
    for word in words:
        assert word in text, report


def test_a_sound_model():
    report = tl.doctor(image_net(), nn.CrossEntropyLoss(), batch())
    assert report.ok, report
    assert report["initial loss"][0].text.endswith("expected 2.303 (ln(10) for 10 classes)")
    assert levels(report, "one batch") == ["ok"] and report.losses[-1] < 0.2 * report.losses[0]
    assert [r["name"] for r in report.parameters][:2] == ["0.weight", "0.bias"]
    assert report.parameters[-1]["gradient"] > 0 and 1e-5 < report.parameters[-2]["update"] < 0.2
    assert "0.weight" in str(report) and report.seconds < 20


def test_update_ratios_and_constant_features():
    model, x = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)), tl.randn(30, 4)
    x[:, 1] = 3.0
    report = tl.doctor(model, nn.CrossEntropyLoss(), (x, tl.arange(30) % 2))
    for row, p in zip(report.parameters, model.parameters()):  # Adam's first step moves every number by its rate
        assert row["update"] == pytest.approx(1e-3 * p.numel() ** 0.5 / p.norm().item(), rel=0.01)
    assert "1 of 4 features" in str(report)


def test_nothing_is_changed():
    model, (x, y) = image_net(), batch()
    nn.CrossEntropyLoss()(model(x), y).backward()
    model[4].eval()
    model[0].weight.requires_grad_(False)
    tl.rand(3)
    before = {k: v.numpy().tobytes() for k, v in model.state_dict().items()}
    grads = [(p, p._grad, None if p._grad is None else p._grad.numpy().copy()) for p in model.parameters()]
    modes = [m.training for m in model.modules()]
    flags = [p.requires_grad for p in model.parameters()]
    versions = [p._version for p in model.parameters()]
    random, data = tl.get_rng_state().numpy().copy(), x.numpy().copy()
    penalty = lambda out, target: nn.CrossEntropyLoss()(out, target) + 0.1 * model[5].weight.square().sum()
    tl.doctor(model, penalty, (x, y), steps=5)
    assert {k: v.numpy().tobytes() for k, v in model.state_dict().items()} == before
    for p, g, values in grads:
        assert p._grad is g and (g is None or (g.numpy() == values).all())
    assert [m.training for m in model.modules()] == modes and [p.requires_grad for p in model.parameters()] == flags
    assert [p._version for p in model.parameters()] == versions
    assert (tl.get_rng_state().numpy() == random).all() and (x.numpy() == data).all()
    assert tl.is_grad_enabled()


def test_inputs_and_initial_loss():
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    report = tl.doctor(net, nn.CrossEntropyLoss(), (tl.randn(30, 4) * 300 + 500, tl.arange(30) % 3), steps=3)
    says(report, "inputs", "scale it")
    says(report, "initial loss", "knows nothing has 1.099")
    report = tl.doctor(
        net, nn.CrossEntropyLoss(), (tl.randn(30, 4) * tl.tensor([1e-5, 1.0, 1.0, 1.0]), tl.arange(30) % 3)
    )
    says(report, "inputs", "differ in scale")
    report = tl.doctor(net, nn.CrossEntropyLoss(), (tl.full((30, 4), float("nan")), tl.arange(30) % 3))
    says(report, "inputs", "120 values that are not finite")
    assert levels(report, "initial loss") == ["problem"] and not report.ok


def test_labels():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
    x = tl.randn(12, 4)
    says(tl.doctor(net, nn.CrossEntropyLoss(), (x, tl.arange(12) % 3 + 1), steps=2), "labels", "start at 1")
    says(tl.doctor(net, nn.CrossEntropyLoss(), (x, tl.ones(12).long()), steps=2), "labels", "single class")


def test_units_gradients_and_parameters():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    with tl.no_grad():
        net[0].bias.fill_(-1000.0)
    report = tl.doctor(net, nn.CrossEntropyLoss(), (tl.randn(12, 4), tl.arange(12) % 3), steps=20)
    says(report, "units", "8 of 8 units of relu in Sequential.1 never fire")
    says(report, "gradients", "of all weights are zero")
    assert levels(report, "one batch") == ["warning"]
    deep = nn.Sequential(*[m for _ in range(30) for m in (nn.Linear(4, 4), nn.Sigmoid())], nn.Linear(4, 3))
    says(
        tl.doctor(deep, nn.CrossEntropyLoss(), (tl.randn(12, 4), tl.arange(12) % 3), steps=2), "gradients", "vanishing"
    )
    with tl.no_grad():
        for p in deep.parameters():
            p.mul_(1e3)
    wild = nn.Sequential(*[nn.Linear(4, 4) for _ in range(6)], nn.Linear(4, 1))
    with tl.no_grad():
        for p in wild.parameters():
            p.mul_(20)
    says(tl.doctor(wild, nn.MSELoss(), (tl.randn(12, 4), tl.randn(12, 1)), steps=2), "gradients", "exploding")


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(6, 1), nn.Linear(2, 2)
        self.frozen = nn.Linear(1, 1).requires_grad_(False)
        self.hidden = [nn.Linear(2, 2)]

    def forward(self, x):
        return self.frozen(self.used(x.t().reshape(-1, 6)))


def test_parameters_and_mixed_samples():
    report = tl.doctor(Odd(), nn.MSELoss(), (np.random.default_rng(0).normal(size=(5, 6)), np.ones((5, 1))), steps=5)
    says(report, "parameters", "unused.weight, unused.bias", "Odd.hidden is a plain list")
    assert any("frozen.weight" in f.text and f.level == "note" for f in report["parameters"])
    says(report, "samples", "other samples of the batch")


def test_mistakes_and_a_loss_that_is_cut():
    net = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))
    x, y = tl.randn(9, 4), tl.arange(9) % 3
    says(tl.doctor(net, nn.CrossEntropyLoss(), (x, y), steps=2), "mistakes", "TL003")
    report = tl.doctor(net, lambda out, y: nn.CrossEntropyLoss()(out.detach(), y), (x, y))
    says(report, "gradients", "no graph")


def test_model_with_its_own_loss():
    model = nn.model.Model("basic", [4, 16, 3])
    report = tl.doctor(model, None, (np.random.default_rng(0).normal(size=(12, 4)), np.arange(12) % 3))
    assert "ln(3)" in report["initial loss"][0].text and report.ok, report
    binary = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
    report = tl.doctor(binary, nn.BCEWithLogitsLoss(), (tl.randn(12, 4), (tl.arange(12) % 2).float().unsqueeze(1)))
    assert "ln(2)" in report["initial loss"][0].text


def test_html(tmp_path):
    class Count(HTMLParser):
        tags = {}

        def handle_starttag(self, tag, attrs):
            self.tags[tag] = self.tags.get(tag, 0) + 1

    report = tl.doctor(image_net(), nn.CrossEntropyLoss(), batch(), steps=5)
    path = report.to_html(tmp_path / "report.html")
    count = Count()
    count.feed(path.read_text())
    assert count.tags["svg"] == 3 and count.tags["polyline"] == 1 and count.tags["rect"] >= 10
    assert "http" not in path.read_text().replace("http-equiv", "") and "src=" not in path.read_text()
    assert report.save == report.to_html and "<svg" in report._repr_html_()


def test_refusals():
    with pytest.raises(TypeError, match=r"nn\.Module"):
        tl.doctor(lambda x: x, nn.MSELoss(), (1, 2))
    with pytest.raises(TypeError, match="pair"):
        tl.doctor(nn.Linear(2, 1), nn.MSELoss(), tl.zeros(2, 2))
    with pytest.raises(ValueError, match="scalar"):
        tl.doctor(nn.Linear(2, 1), lambda a, b: a - b, (tl.zeros(3, 2), tl.zeros(3, 1)))
    with pytest.raises(TypeError, match="callable"):
        tl.doctor(nn.Linear(2, 1), None, (tl.zeros(3, 2), tl.zeros(3, 1)))
