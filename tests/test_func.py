"""``tensorlite.func`` against ``torch.func``."""

import numpy as np
import pytest

import tensorlite as tl
import tensorlite.func

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

X = [[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]]
Y = [1.0, 0.2, -0.4]


def f(x, y):
    return (x * y).sin()


def loss(x, y):
    return ((x * y).sin() ** 2).sum()


def _functional_call(m, x, y):
    net = m.nn.Linear(3, 2).double()
    params = {"weight": x * 2, "bias": y[:2]}
    out = m.func.functional_call(net, params, (x,))
    grads = m.func.grad(lambda p: m.func.functional_call(net, p, (x,)).sum())(params)
    own = m.func.functional_call(net, {"weight": x, "unknown": y}, (x,)).shape
    return out, grads, m.ones(*own)


def _ensemble(m, x, y):
    nets = [m.nn.Linear(3, 2).double() for _ in range(2)]
    for k, net in enumerate(nets):
        with m.no_grad():
            net.weight.copy_(x * (k + 1))
            net.bias.copy_(y[:2])
    params, buffers = m.func.stack_module_state(nets)
    call = lambda p, x: m.func.functional_call(nets[0], p, (x,))
    return params, m.func.vmap(call, in_dims=(0, None))(params, x)


def _pull(m, x, y):
    out, pull = m.func.vjp(f, x, y)
    return out, pull(m.ones(2, 3, dtype=m.float64)), pull(out)


CALLS = {
    "grad": lambda m, x, y: m.func.grad(loss)(x, y),
    "two arguments": lambda m, x, y: m.func.grad(loss, argnums=(0, 1))(x, y),
    "last argument": lambda m, x, y: m.func.grad(loss, argnums=-1)(x, y),
    "value and aux": lambda m, x, y: m.func.grad_and_value(lambda x, y: (loss(x, y), x * 2), has_aux=True)(x, y),
    "nested": lambda m, x, y: m.func.grad(lambda x: m.func.grad(lambda z: (z**3).sum())(x).sum())(y),
    "trees": lambda m, x, y: m.func.grad(lambda d: (d["a"] * d["b"][0]).sum())({"a": x, "b": [y]}),
    "closure that requires grad": lambda m, x, y: _closure(m, x, y),
    "input that requires grad": lambda m, x, y: m.func.grad(loss)(x.requires_grad_(), y),
    "vjp": _pull,
    "jvp": lambda m, x, y: m.func.jvp(f, (x, y), (x, y)),
    "jacrev": lambda m, x, y: m.func.jacrev(f, argnums=(0, 1))(x, y),
    "jacfwd": lambda m, x, y: m.func.jacfwd(f, argnums=(0, 1))(x, y),
    "jacrev of a tree": lambda m, x, y: m.func.jacrev(lambda x, y: {"p": x * y, "q": y}, argnums=1)(x, y),
    "jacfwd of a tuple": lambda m, x, y: m.func.jacfwd(lambda x, y: (x * y, y), argnums=1)(x, y),
    "hessian": lambda m, x, y: m.func.hessian(loss, argnums=(0, 1))(x, y),
    "vmap": lambda m, x, y: m.func.vmap(lambda x, y: x * y, in_dims=(0, None))(x, y),
    "vmap over columns": lambda m, x, y: m.func.vmap(lambda x, y: x * y, in_dims=(1, 0), out_dims=1)(x, y),
    "vmap of grad": lambda m, x, y: m.func.vmap(m.func.grad(loss), in_dims=(0, None))(x, y),
    "vmap of vmap": lambda m, x, y: m.func.vmap(m.func.vmap(lambda x: x.sin()))(x),
    "vmap of trees": lambda m, x, y: m.func.vmap(lambda d: {"s": d["a"].sum(), "t": d["a"]}, in_dims=({"a": 1},))(
        {"a": x}
    ),
    "grad through vmap": lambda m, x, y: m.func.grad(lambda x: m.func.vmap(lambda r: (r**2).sum())(x).sum())(x),
    "functional_call": _functional_call,
    "stack_module_state": _ensemble,
}


def _closure(m, x, y):
    w = y.clone().requires_grad_()
    g = m.func.grad(lambda x: (w * x**2).sum())(x)
    g.sum().backward()
    return g, w.grad


def flat(r):
    if isinstance(r, dict):
        r = tuple(r.values())
    return [z for part in r for z in flat(part)] if isinstance(r, (tuple, list)) else [r]


@pytest.mark.parametrize("name", CALLS)
def test_same_as_pytorch(name):
    results = [CALLS[name](m, m.tensor(X, dtype=m.float64), m.tensor(Y, dtype=m.float64)) for m in (tl, torch)]
    for a, b in zip(*map(flat, results), strict=True):
        assert tuple(a.shape) == tuple(b.shape) and a.requires_grad == b.requires_grad
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)


ERRORS = {
    "random": (RuntimeError, lambda m, x, y: m.func.vmap(lambda x: x + m.rand(3))(x)),
    "sizes": (ValueError, lambda m, x, y: m.func.vmap(lambda x, y: x * y)(x, y)),
    "not a scalar": (RuntimeError, lambda m, x, y: m.func.grad(f)(x, y)),
    "no such argument": (RuntimeError, lambda m, x, y: m.func.grad(loss, argnums=5)(x, y)),
    "randomness": (RuntimeError, lambda m, x, y: m.func.vmap(f, randomness="maybe")(x, y)),
    "strict": (
        RuntimeError,
        lambda m, x, y: m.func.functional_call(m.nn.Linear(3, 2), {"weight": x}, (x,), strict=True),
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_same_errors_as_pytorch(name):
    kind, call = ERRORS[name]
    for m in (tl, torch):
        with pytest.raises(kind):
            call(m, m.tensor(X), m.tensor(Y))


def test_randomness_of_vmap():
    x = tl.zeros(4, 2)
    tl.manual_seed(0)
    same = tl.func.vmap(lambda x: x + tl.rand(2), randomness="same")(x)
    different = tl.func.vmap(lambda x: x + tl.rand(2), randomness="different")(x)
    assert len({tuple(r) for r in same.tolist()}) == 1 and len({tuple(r) for r in different.tolist()}) == 4


def test_parameters_come_back_after_an_error():
    net = tl.nn.Linear(3, 2)
    own = net.weight
    with pytest.raises(RuntimeError):
        tl.func.functional_call(net, {"weight": tl.ones(5, 5)}, (tl.ones(1, 3),))
    assert net.weight is own
