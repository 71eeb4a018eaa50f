"""Mistakes with optimizers, parameters and the layers that hold them."""

import gc
from functools import partial
from types import SimpleNamespace

import pytest
from mistaken import Stack, data, fit, fresh, net, replaced, says, train  # noqa: F401 (fresh is a fixture)

import tensorlite as tl
from tensorlite import nn
from tensorlite.nn import functional as F

# -- TL001: zero_grad ------------------------------------------------------------------------------------


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


# -- TL007, TL014, TL015: what an optimizer knows -----------------------------------------------------------


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


def test_other_models_in_memory_are_not_blamed():
    first = Stack(list)
    fit(first, params=[*first.parameters(), *[p for block in first.blocks for p in block.parameters()]])
    gc.collect()  # its optimizer is gone; its gradients are there
    fit(net())
    with pytest.raises(ValueError, match="empty parameter list") as error:
        tl.optim.SGD([], lr=0.1)
    assert "Stack" not in str(error.value)


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
