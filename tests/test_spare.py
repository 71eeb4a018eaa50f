"""Gradients that only the walk holds give their memory to the next one; all others are left alone."""

import numpy as np
import pytest

import tensorlite as tl
from tensorlite.engine.spare import MANY

N = 2 * MANY


class Passed(tl.autograd.Function):
    """The identity; its backward pass notes where the gradient lies that comes in, and where the one that goes out."""

    places: list = []

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        new = g * 1.0
        Passed.places.append((g.data_ptr(), new.data_ptr()))
        return new


@pytest.fixture
def x():
    Passed.places.clear()
    return tl.tensor(np.random.default_rng(0).standard_normal(N).astype("f4"), requires_grad=True)


def one_after_the_other(f, x):
    """``f`` between two that note places; whether its gradient took the place of the one it came from."""
    y = f(Passed.apply(x))
    Passed.apply(y).sum().backward()
    (_, after), (before, _) = Passed.places
    return after == before


@pytest.mark.parametrize("f", [tl.relu, tl.nn.functional.gelu])
def test_a_gradient_that_only_the_walk_holds_is_overwritten(f, x):
    assert one_after_the_other(f, x)
    found = x.grad.clone()
    small = x.detach()[:100].requires_grad_()  # too few numbers to look
    f(small).sum().backward()
    np.testing.assert_array_equal(found[:100].numpy(), small.grad.numpy())


def test_gradients_that_are_kept_or_seen_stay_as_they_were(x):
    expected = np.where(x.detach().numpy() > 0, 3.0, 0.0).astype("f4")
    seen = []

    def check(register):
        x.grad = None
        y = tl.relu(x * 1)
        register(y)
        (y * 3).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), expected)

    check(lambda y: y.register_hook(seen.append))
    check(lambda y: seen.append(y) or y.retain_grad())
    check(lambda y: y.grad_fn.register_hook(lambda inputs, outputs: seen.append(outputs[0])))
    check(lambda y: y.grad_fn.register_prehook(lambda outputs: seen.append(outputs[0])))
    for found in seen:
        found = found.grad if found.grad is not None else found
        np.testing.assert_array_equal(found.detach().numpy(), np.full(N, 3, "f4"))


def test_a_gradient_for_two_operations_serves_both(x):
    w = x.detach().clone().neg_().requires_grad_()
    (tl.relu(x) + tl.relu(w)).sum().backward()
    np.testing.assert_array_equal((x.grad + w.grad).numpy(), np.ones(N, "f4"))


def test_the_gradient_that_the_caller_gave_is_left_alone(x):
    given = tl.ones(N)
    y = tl.relu(x)
    for count in (1, 2):
        y.backward(given, retain_graph=count == 1)
        np.testing.assert_array_equal(given.numpy(), 1)
        np.testing.assert_array_equal(x.grad.numpy(), count * (x.detach().numpy() > 0))


def test_a_view_of_what_somebody_holds_is_left_alone(x):
    """What arrives is a view of an array that a backward pass returned and its author kept."""
    kept = tl.ones(2 * N)

    class Part(tl.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            return kept[:N]

    Part.apply(tl.relu(x)).sum().backward()
    np.testing.assert_array_equal(kept.numpy(), 1)
    np.testing.assert_array_equal(x.grad.numpy(), x.detach().numpy() > 0)
