"""The primitives of recurrent layers and attention: gradients of two orders, dtypes, memory layouts, read-only arrays."""

import numpy as np
import pytest
from samples_sequence import SAMPLES

import tensorlite as tl
from tensorlite import engine
from tensorlite.autograd import gradcheck, gradgradcheck
from tensorlite.ops import attention, gru, recurrent  # noqa: F401  (registers the primitives)

CASES = [(name, i) for name, calls in SAMPLES.items() for i in range(len(calls))]
case = pytest.mark.parametrize("name, i", CASES, ids=[f"{n}-{i}" for n, i in CASES])


def call_of(name, i, dtype=np.float64, layout=np.array):
    """The primitive as a function of its float arguments, and these as leaves."""
    op = engine.registry[f"tensorlite.ops.{name}"]
    args, settings = SAMPLES[name][i]
    free = [n for n, a in zip(op.primitive.arrays, args) if n not in op.primitive.nondiff]
    where = [k for k, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype.kind == "f" and k < len(free)]
    leaves = [tl.from_numpy(layout(args[k].astype(dtype))).requires_grad_() for k in where]

    def function(*xs):
        values = [a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args]
        for k, x in zip(where, xs):
            values[k] = x
        out = op(*values, **settings)
        return out if not isinstance(out, tuple) else tuple([out[k] for k in op.primitive.live])

    return function, leaves


def grads(function, leaves):
    outs = function(*leaves)
    outs = outs if isinstance(outs, tuple) else (outs,)
    seeds = []
    for o in outs:
        seed = np.random.default_rng(o.dim()).standard_normal(o.shape).astype(o.detach().numpy().dtype)
        seed.flags.writeable = False
        seeds.append(engine.wrap(seed))
    return outs, tl.autograd.grad(outs, leaves, seeds)


def test_every_primitive_has_samples():
    rooms = {name.split(".")[0] for name in SAMPLES}
    known = {n.removeprefix("tensorlite.ops.") for n in engine.registry if n.split(".")[-2] in rooms}
    assert known == set(SAMPLES)


@case
def test_gradients_of_two_orders(name, i):
    function, leaves = call_of(name, i)
    assert gradcheck(function, leaves)
    assert gradgradcheck(function, leaves)


@case
def test_float32_stays_float32(name, i):
    outs, gs = grads(*call_of(name, i, np.float32))
    assert {t.dtype for t in (*outs, *gs)} == {tl.float32}


@case
def test_layout_of_memory_does_not_matter_and_nothing_is_written(name, i):
    def backwards(a):
        a = a[..., ::-1].copy()[..., ::-1] if a.ndim else a
        a = np.asfortranarray(a) if a.ndim == 2 else a
        a.flags.writeable = False
        return a

    function, leaves = call_of(name, i)
    expected = grads(function, leaves)
    other = [engine.wrap(backwards(t.detach().numpy())).requires_grad_() for t in leaves]
    found = grads(function, other)
    for ours, theirs in zip((*expected[0], *expected[1]), (*found[0], *found[1])):
        np.testing.assert_allclose(theirs.detach().numpy(), ours.detach().numpy(), rtol=1e-12, atol=1e-14)
