"""Mistakes with the graph: it grows, is freed, is cut, or what it keeps is changed."""

import numpy as np
import pytest
from mistaken import data, fresh, net, off, says, total  # noqa: F401 (fresh is a fixture)

import tensorlite as tl
from tensorlite import nn
from tensorlite.nn import functional as F

# -- TL008 to TL011, TL018, TL019: the graph -------------------------------------------------------------------


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
        f"by {way} at {CUTS[way].__code__.co_filename}:{line}",
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
