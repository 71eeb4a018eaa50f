"""Each classic mistake: a beginner's script that makes it, the message; the same script mended stays silent."""

import gc
import re
import warnings
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import mistakes, nn
from tensorlite.mistakes import MistakeWarning
from tensorlite.nn import functional as F

DOCS = Path(__file__).parent.parent / "docs" / "mistakes"


@pytest.fixture(autouse=True)
def fresh():
    """What other tests left behind must not be seen."""
    tl.engine.trail.trail.passes.clear()
    tl.engine.trail.trail.cuts.clear()
    tl.engine.trail.trail.noise.clear()
    tl.engine.trail.trail.budget = 64
    tl.engine.trail.trail.losses = tl.engine.trail.LOSSES
    tl.manual_seed(0)


def data(n=12, classes=3):
    return tl.randn(n, 4), tl.arange(n) % classes


def net(out=3):
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, out))


def says(script, code, *words, error=None):
    """The script warns of ``code`` once (or raises ``error``), with these words and this file's name."""
    if error is not None:
        with pytest.raises(error) as caught:
            script()
        text = str(caught.value)
        assert f"{code}" in text and f"docs/mistakes/{code}.md" in text, text
    else:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            script()
        found = [w for w in seen if issubclass(w.category, MistakeWarning)]
        assert [str(w.message)[:5] for w in found] == [code], [str(w.message) for w in seen]
        text = str(found[0].message)
        assert found[0].filename == __file__ and f'silence("{code}")' in text and f"docs/mistakes/{code}.md" in text
        with mistakes.silenced(code):
            script()
    for word in words:
        assert word in text, text


# -- TL001: zero_grad ------------------------------------------------------------------------------------


def train(steps=4, zero=True, clip=False, accumulate=1, set_to_none=True, by_hand=None):
    model, (x, y) = net(), data()
    optimizer = tl.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        if zero:
            optimizer.zero_grad(set_to_none=set_to_none)
        for _ in range(accumulate):
            F.cross_entropy(model(x), y).backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if by_hand:
            for p in model.parameters():
                by_hand(p)


def test_forgotten_zero_grad():
    says(lambda: train(zero=False), "TL001", "4 of 4 parameters", "[8, 4]", "zero_grad()")
    says(lambda: train(zero=False, clip=True), "TL001")
    says(lambda: train(zero=False, accumulate=2), "TL001")


def test_zeroed_gradients_are_silent():
    train()
    train(accumulate=3)
    train(set_to_none=False, accumulate=2)
    train(zero=False, by_hand=lambda p: setattr(p, "grad", None))
    train(zero=False, by_hand=lambda p: p.grad.zero_())
    train(zero=False, by_hand=lambda p: p.grad.data.zero_())


@pytest.mark.parametrize("none", [True, False])
def test_two_optimizers_of_a_gan_are_silent(none):
    g, d = (
        nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 4)),
        nn.Sequential(nn.Linear(4, 1), nn.Dropout()),
    )
    of_g, of_d = tl.optim.Adam(g.parameters()), tl.optim.Adam(d.parameters())
    fixed, real = tl.randn(6, 2), tl.randn(6, 4)
    for _ in range(8):
        of_d.zero_grad(set_to_none=none)
        fake = g(tl.randn(6, 2))
        loss_real = F.binary_cross_entropy_with_logits(d(real), tl.ones(6, 1))
        loss_real.backward()
        loss_fake = F.binary_cross_entropy_with_logits(d(fake.detach()), tl.zeros(6, 1))
        loss_fake.backward()
        of_d.step()
        of_g.zero_grad(set_to_none=none)
        loss_g = F.binary_cross_entropy_with_logits(d(fake), tl.ones(6, 1))
        loss_g.backward()
        of_g.step()
        with tl.no_grad():
            g(fixed)  # samples, in training mode


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


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 8), nn.Linear(8, 3)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(self.drop(x))))


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

    for evaluate in (loss, accuracy, by_max, inferred, outside):
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


# -- TL007, TL014, TL015: what an optimizer knows -----------------------------------------------------------


class Stack(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.inp = nn.Linear(4, 4)
        self.blocks = container([nn.Linear(4, 4), nn.Linear(4, 3)])

    def forward(self, x):
        x = self.inp(x)
        for block in self.blocks.values() if isinstance(self.blocks, dict) else self.blocks:
            x = block(x)
        return x


def fit(model, steps=2, params=None):
    x, y = data()
    optimizer = tl.optim.SGD(model.parameters() if params is None else params, lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("container", [list, tuple, lambda layers: dict(enumerate(layers))])
def test_layers_in_a_plain_container(container):
    says(lambda: fit(Stack(container)), "TL007", "Stack.blocks", "4 parameters", "nn.Module", "Linear, ...")


class Plain:
    """No Module."""

    def __init__(self):
        self.layer = nn.Linear(4, 3)

    def __call__(self, x):
        return self.layer(x)


class Hiding(nn.Module):
    """One registered layer, and one more from ``make()``: where it is, and how it is called."""

    def __init__(self, make, early=False):
        if early:
            self.more, self.call = make()
        super().__init__()
        if not early:
            self.more, self.call = make()
        self.inp = nn.Linear(4, 4)

    def forward(self, x):
        return self.call(self.more, self.inp(x))


def captured():
    layer = nn.Linear(4, 3)
    return lambda x: layer(x)


def first(more, x):
    return more[0](x)


HIDDEN = {
    "before super().__init__()": (lambda: ([nn.Linear(4, 3)], first), "plain list", "nn.ModuleList"),
    "a list of lists": (lambda: ([[nn.Linear(4, 3)]], lambda m, x: m[0][0](x)), "plain list", "nn.ModuleList"),
    "a dict of lists": (lambda: ({"a": [nn.Linear(4, 3)]}, lambda m, x: m["a"][0](x)), "plain dict", "nn.ModuleDict"),
    "a list of tuples": (lambda: ([("fc", nn.Linear(4, 3))], lambda m, x: m[0][1](x)), "plain list", "nn.ModuleList"),
    "parameters in a list": (
        lambda: ([nn.Parameter(tl.ones(4, 3))], lambda m, x: x @ m[0]),
        "list",
        "nn.ParameterList",
    ),
    "a captured layer": (
        lambda: (captured(), lambda m, x: m(x)),
        "a function that holds layers (Linear)",
        "self.layer",
    ),
    "a partial": (lambda: (partial(nn.Linear(4, 3)), lambda m, x: m(x)), "partial", "self.layer"),
    "an object": (lambda: (Plain(), lambda m, x: m(x)), "a Plain, which is no Module", "Derive Plain from nn.Module"),
    "a set": (lambda: ({nn.Linear(4, 3)}, lambda m, x: next(iter(m))(x)), "plain set", "nn.ModuleList"),
}


@pytest.mark.parametrize("way", HIDDEN)
def test_layers_hidden_in_other_ways(way):
    make, *words = HIDDEN[way]
    says(
        lambda: fit(Hiding(make, early="before" in way)),
        "TL007",
        "Hiding.more",
        "[4, 3]" if "param" in way else "[3, 4]",
        *words,
    )
    fit(Hiding(lambda: (nn.Linear(4, 3), lambda m, x: m(x))))


def test_a_layer_put_into_a_list_later_is_seen():
    def script(mended):
        model = Stack(nn.ModuleList if mended else list)
        model.blocks.insert(0, nn.Linear(4, 4))
        fit(model)

    says(lambda: script(False), "TL007", "6 parameters")
    script(True)


def test_ways_back_to_a_whole_model_are_silent():
    class Part(nn.Module):
        def __init__(self, whole):
            super().__init__()
            self.fc = nn.Linear(4, 3)
            self.whole = [whole]  # not registered: that would be a circle

        def forward(self, x):
            return self.fc(self.whole[0].body(x))

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(4, 4)
            self.part = Part(self)

        def forward(self, x):
            return self.part(x)

    fit(Whole())
    model = Whole()
    fit(model, params=model.part.parameters())  # a part is trained, on purpose
    model = net()
    model.settings = SimpleNamespace(rate=0.1, layers=[4, 8], names={"a": (1, 2)}, act=F.relu)
    model.optimizer = tl.optim.Adam(model.parameters())
    model.loss, model.step = lambda a, b: F.cross_entropy(a, b), partial(F.cross_entropy, reduction="sum")
    fit(model)


def test_registered_layers_are_silent():
    fit(Stack(nn.ModuleList))
    model = Stack(nn.ModuleList)
    model.also = list(model.blocks)  # a second way to registered layers
    fit(model)
    student = nn.Linear(4, 3)
    student.teacher = [nn.Linear(4, 3)]  # hidden on purpose, and not trained
    fit(student)


def test_an_optimizer_without_parameters():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(4, 3)]

    gc.collect()  # models of other tests must not be found in memory
    model = Plain()
    says(lambda: tl.optim.SGD(model.parameters(), lr=0.1), "TL015", "Plain.layers", "ModuleList", error=ValueError)
    model = None
    gc.collect()
    params = nn.Linear(2, 2).parameters()
    list(params)
    says(lambda: tl.optim.SGD(params, lr=0.1), "TL015", "only once", error=ValueError)


def replaced(late):
    model, (x, y) = net(5), data()
    if not late:
        model[2] = nn.Linear(8, 3)
    optimizer = tl.optim.SGD(model.parameters(), lr=0.1)
    if late:
        model[2] = nn.Linear(8, 3)
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()


def test_parameters_replaced_after_the_optimizer_was_made():
    says(lambda: replaced(True), "TL014", "2 of its 4 parameters", "[3, 8]", "in no module any more")
    replaced(False)


def test_an_optimizer_of_another_model():
    def script(same, keep=True):
        model, (x, y) = net(), data()
        other = net()
        optimizer = tl.optim.Adam((model if same else other).parameters())

        def backward():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss if keep else None

        for _ in range(4):
            held = backward()
            optimizer.step()
            del held

    says(lambda: script(False), "TL014", "none of its 4 parameters", "in no optimizer")
    says(lambda: script(False, keep=False), "TL014", "first 3 steps")
    script(True)
    script(True, keep=False)


def test_frozen_parameters():
    def script(frozen):
        model, head, (x, y) = nn.Linear(4, 4), nn.Linear(4, 3), data()
        model.requires_grad_(False)
        optimizer = tl.optim.SGD([*model.parameters()] if frozen else [*model.parameters(), *head.parameters()], lr=0.1)
        F.cross_entropy(head(model(x)), y).backward()
        optimizer.step()

    says(lambda: script(True), "TL014", "requires grad")
    script(False)


def test_layers_frozen_and_thawed_are_silent():
    model, (x, y) = net(), data()
    optimizer = tl.optim.Adam(model.parameters())
    for epoch in range(4):
        model[0].requires_grad_(epoch >= 2)
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    backbone, head = nn.Linear(4, 4), nn.Linear(4, 3)
    optimizer = tl.optim.Adam(head.parameters())
    for _ in range(4):  # features without gradients
        with tl.no_grad():
            features = backbone(x)
        optimizer.zero_grad()
        F.cross_entropy(head(features), y).backward()
        optimizer.step()


@pytest.mark.parametrize("every", [2, 3])
def test_accumulation_with_a_late_step_is_silent(every):
    model, (x, y) = net(), data()
    optimizer = tl.optim.AdamW(model.parameters())
    schedule = tl.optim.lr_scheduler.StepLR(optimizer, 2)
    total = 0.0
    for i in range(12):
        loss = F.cross_entropy(model(x), y) / every
        loss.backward()
        total += loss.item()
        if (i + 1) % every == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()


def test_part_of_a_model_and_unused_parts_are_silent():
    model = net()
    fit(model, params=model[2].parameters())
    head = nn.Linear(2, 2)
    fit(model, params=[*model.parameters(), *head.parameters()])
    optimizer = tl.optim.SGD(model.parameters(), lr=0.1)
    schedule = tl.optim.lr_scheduler.StepLR(optimizer, 2)
    for _ in range(4):  # a schedule tried out
        optimizer.step()
        schedule.step()


# -- TL008 to TL011, TL018, TL019: the graph -------------------------------------------------------------------


def total(add):
    model, (x, y) = net(), data()
    optimizer = tl.optim.SGD(model.parameters(), lr=0.1)
    held = 0 if add is not None else []
    for _ in range(8):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        if add is None:
            held.append(loss)
        else:
            held = add(held, loss)


def iadd(a, b):
    a += b
    return a


def test_a_growing_graph():
    says(lambda: total(lambda t, loss: t + loss), "TL008", "last 4 losses", "loss.item()")
    says(lambda: total(iadd), "TL008")
    says(lambda: total(None), "TL008", "losses.append(loss)")
    total(lambda t, loss: t + loss.item())
    total(lambda t, loss: t + loss.detach())
    model, (x, y) = net(), data()
    optimizer = tl.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):  # the losses of one step: nothing grows
        parts = []
        optimizer.zero_grad()
        for _ in range(8):
            parts.append(F.cross_entropy(model(x), y))
            parts[-1].backward()
        optimizer.step()
    losses = [(tl.ones(2, requires_grad=True) * 2).sum() for _ in range(40)]
    for loss in losses:  # made together: nothing grows
        loss.backward()


def test_a_growing_graph_without_an_optimizer():
    def script(number):
        w, held = tl.ones(3, requires_grad=True), 0.0
        for _ in range(24):
            loss = (w * w).sum()
            loss.backward()
            held = held + (loss.item() if number else loss)

    says(lambda: script(False), "TL008", "last 20 losses")
    script(True)


def test_a_graph_that_is_kept_and_grows():
    def script(detach):
        cell, h = nn.GRUCell(2, 3), tl.zeros(1, 3)
        for _ in range(8):
            h = cell(tl.ones(1, 2), h.detach() if detach else h)
            h.sum().backward(retain_graph=True)

    says(lambda: script(False), "TL008", "grows with every step", "h.detach()")
    script(True)
    x = tl.ones(3, requires_grad=True)
    y = x.exp()
    for i in range(8):  # several passes through one graph
        (y * y)[i % 3].backward(retain_graph=True)


def test_a_loop_in_full_swing_is_left_alone_until_something_new_begins(monkeypatch):
    trail = tl.engine.trail.trail
    w = tl.ones(2, requires_grad=True)
    for _ in range(2 * tl.engine.trail.LOSSES):
        (w * w).sum().backward()
    assert not trail.losses and trail.latest[1] > trail.passes[-1][1]
    tl.optim.SGD([w], lr=0.1)
    assert trail.losses == tl.engine.trail.LOSSES
    trail.losses = 0
    monkeypatch.setattr(tl.engine.trail, "PAUSE", -1.0)
    (w * w).sum().backward()
    assert trail.latest[1] == trail.passes[-1][1], "after a pause passes are followed again"


def test_backward_twice():
    def script(retain):
        loss = F.cross_entropy(net()(data()[0]), data()[1])
        loss.backward(retain_graph=retain)
        loss.backward()

    line = script.__code__.co_firstlineno + 2
    says(
        lambda: script(False),
        "TL009",
        "second time",
        f"first backward pass was at {__file__}:{line}",
        error=RuntimeError,
    )
    script(True)


def test_a_carried_state_needs_detach():
    def script(detach):
        cell, h = nn.GRUCell(2, 3), tl.zeros(1, 3)
        for _ in range(3):
            h = cell(tl.ones(1, 2), h.detach() if detach else h)
            h.sum().backward()

    says(lambda: script(False), "TL009", "detach()", "first backward pass was at", error=RuntimeError)
    script(True)


def off(model, x, y):
    with tl.no_grad():
        return F.cross_entropy(model(x), y)


CUTS = {
    "no_grad()": off,
    "detach()": lambda m, x, y: F.cross_entropy(m(x).detach(), y),
    ".data": lambda m, x, y: F.cross_entropy(m(x).data, y),
    "argmax()": lambda m, x, y: (m(x).argmax(1).float() - y.float()).abs().mean(),
    "a conversion to integers": lambda m, x, y: ((m(x).long()[:, 0] - y) ** 2).float().mean(),
    "item()": lambda m, x, y: tl.tensor(F.cross_entropy(m(x), y).item()),
    "gt()": lambda m, x, y: ((m(x) > 0).float() - 1).abs().mean(),
}


@pytest.mark.parametrize("way", CUTS)
def test_a_loss_cut_from_the_graph(way):
    model, (x, y) = net(), data()
    line = CUTS[way].__code__.co_firstlineno + (way == "no_grad()")
    says(
        lambda: CUTS[way](model, x, y).backward(),
        "TL010",
        "does not require grad",
        f"by {way} at {__file__}:{line}",
        error=RuntimeError,
    )
    F.cross_entropy(model(x), y).backward()


def test_a_loss_through_numpy_or_without_gradients():
    model, (x, y) = net(), data()

    def through_numpy():
        out = model(x).detach().numpy()
        F.cross_entropy(tl.tensor(out), y).backward()

    says(through_numpy, "TL010", "numpy() at", "detach() at", error=RuntimeError)
    tl.engine.trail.trail.cuts.clear()

    def inside():
        with tl.no_grad():
            F.cross_entropy(model(x), y).backward()

    says(inside, "TL010", "switched off here", error=RuntimeError)
    tl.engine.trail.trail.cuts.clear()
    model.requires_grad_(False)
    says(lambda: F.cross_entropy(model(x), y).backward(), "TL010", "all parameters frozen", error=RuntimeError)


def test_requires_grad_is_no_cure():
    model, (x, y) = net(), data()

    def script(cured):
        loss = F.cross_entropy(model(x).detach() if cured else model(x), y)
        if cured:
            loss.requires_grad = True
        loss.backward()

    says(lambda: script(True), "TL011", "detach() at", "reaches nothing but itself")
    script(False)
    tl.tensor(2.0, requires_grad=True).backward()


def test_gradient_of_a_value_that_is_no_leaf():
    w = tl.ones(2, requires_grad=True)
    y = w * 2
    y.sum().backward()
    says(lambda: y.grad, "TL018", "not a leaf", "retain_grad()")
    y = w * 2
    y.retain_grad()
    y.sum().backward()
    assert y.grad.tolist() == [1.0, 1.0]


def grow(y):
    y += 1


def write(y):
    y[0] = 5.0


def of_data(y):
    tl.exp(tl.ones(2), out=y.detach())


def step(y):
    with tl.no_grad():
        y.mul_(2)


def by_numpy(y):
    np.add(y.detach(), 1, out=y.detach())


@pytest.mark.parametrize("change", [grow, write, of_data, step, by_numpy])
def test_a_kept_value_changed_in_place(change):
    w = tl.ones(2, requires_grad=True)

    def script(inplace):
        y = (w * w).sin().exp()
        z = y * y
        if inplace:
            change(y)
        z.sum().backward()

    line = change.__code__.co_firstlineno + 1 + (change is step)
    says(
        lambda: script(True),
        "TL019",
        "Backward0 kept",
        "[torch.FloatTensor [2]]",
        f"was changed after the forward call, at {__file__}:{line}.",
        "clone()",
        error=RuntimeError,
    )
    script(False)


def test_a_step_between_forward_and_backward():
    """The classic of two optimizers: the line of the step that changed the weights is named."""
    model, (x, y) = net(), data()
    optimizer = tl.optim.SGD(model.parameters(), lr=0.1)

    def script(late):
        first, second = (F.cross_entropy(model(x), y) for _ in range(2))
        optimizer.zero_grad()
        first.backward()
        if late:
            optimizer.step()
        second.backward()
        optimizer.step()

    line = script.__code__.co_firstlineno + 5
    says(lambda: script(True), "TL019", f"at {__file__}:{line}.", "optimizer steps come after", error=RuntimeError)
    script(False)


def test_an_argument_overwritten_by_its_own_operation():
    def script(mended):
        w = tl.ones(2, requires_grad=True)
        x = w * 2
        x = x * x if mended else x.mul_(x)
        x.sum().backward()

    line = script.__code__.co_firstlineno + 3
    says(lambda: script(False), "TL019", f"at {__file__}:{line}", error=RuntimeError)
    script(True)


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
    nn.model.Model("basic", [4, 3, 3]).fit(x, y, batch_size=10, verbose=0)
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
