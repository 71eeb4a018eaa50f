"""What the tests of mistakes share: a fresh trail, small networks, scripts with a mistake in them, and what is asserted."""

import sys
import warnings

import pytest

import tensorlite as tl
from tensorlite import mistakes, nn
from tensorlite.mistakes import MistakeWarning
from tensorlite.nn import functional as F


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
        assert (
            found[0].filename in (sys._getframe(1).f_code.co_filename, __file__)
            and f'silence("{code}")' in text
            and f"docs/mistakes/{code}.md" in text
        )
        with mistakes.silenced(code):
            script()
    for word in words:
        assert word in text, text


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


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 8), nn.Linear(8, 3)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(self.drop(x))))


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


def off(model, x, y):
    with tl.no_grad():
        return F.cross_entropy(model(x), y)
