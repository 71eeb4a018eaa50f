"""Activations against PyTorch: values, gradients, second derivatives, corners, modules."""

import warnings

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.nn import functional as F

torch = pytest.importorskip("torch")

CASES = [
    ("relu", {}), ("relu6", {}), ("leaky_relu", {}), ("leaky_relu", {"negative_slope": 0.3}),
    ("leaky_relu", {"negative_slope": -0.3}), ("leaky_relu", {"negative_slope": 2.0}), ("elu", {}), ("elu", {"alpha": 0.7}),
    ("selu", {}), ("celu", {}), ("celu", {"alpha": 2.5}), ("gelu", {}), ("gelu", {"approximate": "tanh"}), ("silu", {}),
    ("mish", {}), ("softplus", {}), ("softplus", {"beta": 2.0, "threshold": 3.0}), ("softsign", {}), ("hardtanh", {}),
    ("hardtanh", {"min_val": -2.0, "max_val": 0.5}), ("hardsigmoid", {}), ("hardswish", {}), ("hardshrink", {}),
    ("hardshrink", {"lambd": 1.0}), ("softshrink", {}), ("softshrink", {"lambd": 1.0}), ("tanhshrink", {}),
    ("threshold", {"threshold": 0.5, "value": -3.0}), ("logsigmoid", {}), ("sigmoid", {}), ("tanh", {}),
    ("rrelu", {}), ("glu", {}), ("glu", {"dim": 0}), ("softmax", {"dim": -1}), ("softmax", {"dim": 0}),
    ("softmin", {"dim": 1}), ("log_softmax", {"dim": -1}), ("log_softmax", {"dim": 0}), ("normalize", {"dim": 1}),
]  # fmt: skip
SMOOTH = {"elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "logsigmoid", "softmax", "log_softmax", "softmin", "glu",
          "softsign", "tanhshrink", "normalize"}  # fmt: skip


def sample(shape=(4, 6), seed=0, scale=3.0):
    return np.random.default_rng(seed).standard_normal(shape) * scale


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, kwargs", CASES)
def test_values_and_gradients(name, kwargs, dtype):
    x = sample().astype(dtype)
    corners = [0.0, 0.5, -0.5, 1, -1, 3, -3, 6, 20, -20, 100, -100]
    x.reshape(-1)[: len(corners)] = corners
    g = sample(seed=1).astype(dtype)
    a, b = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out, ref = getattr(F, name)(a, **kwargs), getattr(torch.nn.functional, name)(b, **kwargs)
    g = g[: ref.shape[0], : ref.shape[1]]
    assert out.numpy(force=True).dtype == dtype
    tol = 2e-6 if dtype == "float32" else 1e-12
    tol = max(tol, 1e-7) if name == "hardsigmoid" else tol  # PyTorch's 1/6 is a float32 there
    np.testing.assert_allclose(out.numpy(force=True), ref.detach().numpy(), rtol=tol, atol=tol)
    out.backward(tl.tensor(g))
    ref.backward(torch.tensor(g))
    assert a.grad.numpy().dtype == dtype
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=tol, atol=tol)


@pytest.mark.parametrize("name, kwargs", [c for c in CASES if c[0] in SMOOTH])
def test_second_derivatives(name, kwargs):
    x, g = sample((4, 4), scale=1.5), sample((4, 4), 1)
    grads = []
    for lib, f in ((tl, F), (torch, torch.nn.functional)):
        a = lib.tensor(x, requires_grad=True)
        out = getattr(f, name)(a, **kwargs)
        w = lib.tensor(g[: out.shape[0], : out.shape[1]], requires_grad=True)
        (d,) = lib.autograd.grad((out * w).sum(), a, create_graph=True)
        (d * d).sum().backward()
        grads.append((a.grad.numpy(), w.grad.numpy()))
    for ours, theirs in zip(*grads):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu", "celu", "silu", "mish", "hardtanh", "hardswish", "relu6",
                                  "hardsigmoid"])  # fmt: skip
def test_in_place(name):
    x = sample()
    results = []
    for lib, f in ((tl, F), (torch, torch.nn.functional)):
        a = lib.tensor(x, requires_grad=True)
        h = a * 1.5
        out = getattr(f, name)(h, inplace=True)
        assert out is h
        out.sum().backward()
        results.append((out.detach().numpy(), a.grad.numpy()))
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    "name", ["relu", "gelu", "silu", "elu", "softplus", "mish", "hardswish", "leaky_relu", "logsigmoid"]
)
@pytest.mark.parametrize("shape", [(), (0, 3), (70000,)])
def test_shapes(name, shape):
    x = sample(shape).astype("float32") if shape else np.float32(0.7)
    a, b = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out, ref = getattr(F, name)(a), getattr(torch.nn.functional, name)(b)
    assert tuple(out.shape) == tuple(ref.shape)
    np.testing.assert_allclose(out.numpy(force=True), ref.detach().numpy(), rtol=2e-6, atol=2e-6)
    out.sum().backward()
    ref.sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_exact(approximate):
    """float32 against float64: value and slope, as exact as PyTorch's where rounding allows, and far out."""
    x = np.linspace(-12, 12, 70001).astype("float32")
    a, b = tl.tensor(x, requires_grad=True), torch.tensor(x, dtype=torch.float64, requires_grad=True)
    out, ref = F.gelu(a, approximate), torch.nn.functional.gelu(b, approximate=approximate)
    out.sum().backward()
    ref.sum().backward()
    np.testing.assert_allclose(out.numpy(force=True), ref.detach().numpy(), rtol=1e-6, atol=2e-7)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=0, atol=3e-7 if approximate == "none" else 3e-6)
    with tl.no_grad():
        np.testing.assert_array_equal(F.gelu(a, approximate).numpy(), out.numpy(force=True))
        far = F.gelu(tl.tensor([1e12, -1e12, 3e38, -3e38]), approximate)
    assert far.tolist() == [float(np.float32(1e12)), 0, float(np.float32(3e38)), 0]


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_in_any_order_of_memory(approximate):
    x = sample((3, 5, 80, 60))
    for order in ((0, 2, 3, 1), (3, 1, 0, 2)):
        a, b = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        out = F.gelu(a.permute(order)[:, ::2], approximate)
        ref = torch.nn.functional.gelu(b.permute(order)[:, ::2], approximate=approximate)
        out.square().sum().backward()
        ref.square().sum().backward()
        np.testing.assert_allclose(out.numpy(force=True), ref.detach().numpy(), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spread", [1, 20, 500])
@pytest.mark.parametrize("shape", [(300, 64), (4, 8, 30, 30), (100, 1500)])
def test_softmax_of_many_rows(shape, spread, dtype):
    """With masked elements, rows far below the others, and rows of infinities and NaN."""
    x = (sample(shape) * spread).astype(dtype)
    x[sample(shape) > 1] = -np.inf
    rows, g = x.reshape(-1, shape[-1]), sample(shape).astype(dtype)
    rows[2] -= 80
    rows[3], rows[4, 0], rows[5, 0] = -np.inf, np.nan, np.inf
    a, b = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out, ref = F.softmax(a, -1), torch.nn.functional.softmax(b, -1)
    out.backward(tl.tensor(g))
    ref.backward(torch.tensor(g))
    tolerance = dict(rtol=3e-6, atol=2e-7) if dtype == "float32" else dict(rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(out.numpy(force=True), ref.detach().numpy(), **tolerance)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-5, atol=tolerance["atol"] * 10)


def test_prelu():
    x, w = sample((3, 4, 2)), np.array([0.1, -0.2, 0.3, 0.0])
    for weight in (w, w[:1]):
        grads = []
        for lib, f in ((tl, F), (torch, torch.nn.functional)):
            a, p = lib.tensor(x, requires_grad=True), lib.tensor(weight, requires_grad=True)
            out = f.prelu(a, p)
            (out * out).sum().backward()
            grads.append((out.detach().numpy(), a.grad.numpy(), p.grad.numpy()))
        for ours, theirs in zip(*grads):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    with pytest.raises(RuntimeError, match=r"Mismatch of parameter numbers"):
        F.prelu(tl.tensor(x), tl.tensor(w[:3]))


def test_rrelu_draws_the_same_slopes():
    x = sample((5, 7)).astype("float32")
    results = []
    for lib, f in ((tl, F), (torch, torch.nn.functional)):
        lib.manual_seed(3)
        a = lib.tensor(x, requires_grad=True)
        out = f.rrelu(a, training=True)
        out.sum().backward()
        results.append((out.detach().numpy(), a.grad.numpy()))
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("hard", [False, True])
def test_gumbel_softmax(hard):
    x = sample((5, 7)).astype("float32")
    results = []
    for lib, f in ((tl, F), (torch, torch.nn.functional)):
        lib.manual_seed(3)
        a = lib.tensor(x, requires_grad=True)
        out = f.gumbel_softmax(a, tau=0.7, hard=hard)
        (out * lib.arange(7)).sum().backward()
        results.append((out.detach().numpy(), a.grad.numpy()))
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-5)


def test_extreme_values_stay_finite():
    x = np.array([[1e4, -1e4, 0.0], [-np.inf, 0.0, 1.0]], "float32")
    for name in ("softmax", "log_softmax"):
        ours = getattr(F, name)(tl.tensor(x), dim=1).numpy()
        np.testing.assert_allclose(ours, getattr(torch.nn.functional, name)(torch.tensor(x), dim=1).numpy(), rtol=1e-6)
    x = np.array([-1e4, -90.0, 90.0, 1e4, np.inf, -np.inf, np.nan], "float32")
    for name in ("silu", "mish", "softplus", "elu", "logsigmoid", "hardswish", "selu"):
        np.testing.assert_allclose(
            getattr(F, name)(tl.tensor(x)).numpy(), getattr(torch.nn.functional, name)(torch.tensor(x)).numpy(), rtol=1e-6,
            err_msg=name)  # fmt: skip


def test_implicit_dim_warns():
    with pytest.warns(UserWarning, match=r"Implicit dimension choice for softmax has been deprecated"):
        out = F.softmax(tl.ones(2, 3))
    np.testing.assert_allclose(out.numpy(), 1 / 3, rtol=1e-6)
    with pytest.warns(UserWarning):
        np.testing.assert_allclose(nn.LogSoftmax()(tl.ones(2, 3, 4)).numpy(), -np.log(2), rtol=1e-6)


@pytest.mark.parametrize("make", [
    lambda n: n.ReLU(), lambda n: n.ReLU(inplace=True), lambda n: n.ReLU6(), lambda n: n.LeakyReLU(0.2),
    lambda n: n.LeakyReLU(0.2, inplace=True), lambda n: n.ELU(), lambda n: n.SELU(), lambda n: n.CELU(), lambda n: n.GELU(),
    lambda n: n.GELU("tanh"), lambda n: n.SiLU(), lambda n: n.Mish(), lambda n: n.Softplus(), lambda n: n.Softsign(),
    lambda n: n.Hardtanh(), lambda n: n.Hardsigmoid(), lambda n: n.Hardswish(), lambda n: n.Hardshrink(),
    lambda n: n.Softshrink(), lambda n: n.Tanhshrink(), lambda n: n.Threshold(0.1, 20), lambda n: n.LogSigmoid(),
    lambda n: n.GLU(), lambda n: n.Softmax(dim=1), lambda n: n.Softmin(dim=1), lambda n: n.LogSoftmax(dim=1),
    lambda n: n.Sigmoid(), lambda n: n.Tanh(), lambda n: n.PReLU(), lambda n: n.PReLU(6), lambda n: n.RReLU().eval(),
])  # fmt: skip
def test_modules(make):
    ours, theirs = make(nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    x = sample((2, 6)).astype("float32")
    np.testing.assert_allclose(
        ours(tl.tensor(x)).numpy(force=True), theirs(torch.tensor(x)).detach().numpy(), rtol=2e-6, atol=1e-6
    )


def test_softmax2d_and_small_names():
    x = sample((2, 3, 4, 4)).astype("float32")
    np.testing.assert_allclose(
        nn.Softmax2d()(tl.tensor(x)).numpy(), torch.nn.Softmax2d()(torch.tensor(x)).numpy(), rtol=1e-5
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(nn.activation.Softmax()(tl.zeros(2, 4)).numpy(), 0.25)
    assert isinstance(nn.activation.ReLU(), nn.ReLU) and isinstance(nn.activation.Softmax(), nn.Softmax)
    np.testing.assert_array_equal(nn.activation.Linear()(tl.ones(2)).numpy(), 1)


def test_bad_input():
    with pytest.raises(RuntimeError, match=r"Halving dimension must be even, but dimension 1 is size 3"):
        F.glu(tl.zeros(2, 3))
    with pytest.raises(RuntimeError, match=r"approximate"):
        F.gelu(tl.zeros(2), approximate="quick")
    with pytest.raises(RuntimeError, match=r"lambda must be greater or equal to 0"):
        F.softshrink(tl.zeros(2), -1.0)
    with pytest.raises(IndexError):
        F.softmax(tl.zeros(2, 3), dim=2)
    for f in (lambda x: F.softmax(x, 0), F.gelu, F.silu, F.elu):
        with pytest.raises(NotImplementedError, match=r"not implemented for 'Long'"):
            f(tl.tensor([1, 2]))
    with pytest.raises(TypeError):
        nn.ReLU(slope=3)
