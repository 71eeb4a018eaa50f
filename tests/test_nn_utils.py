"""nn.utils against PyTorch: clipping, vectors, parametrizations, weight and spectral norm, stateless calls."""

import copy

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.nn.utils import parametrizations, parametrize

torch = pytest.importorskip("torch")

BOTH = ((tl, nn), (torch, torch.nn))


def state(module):
    return {k: v.detach().numpy().copy() for k, v in module.state_dict().items()}


def assert_same(a, b, tol=1e-5):
    assert list(a) == list(b)
    for k in a:
        np.testing.assert_allclose(a[k], b[k], rtol=tol, atol=tol, err_msg=k)


@pytest.mark.parametrize("max_norm, norm_type", [(1.0, 2), (0.5, 1), (0.1, float("inf")), (100.0, 2), (1.0, 3)])
def test_clip_grad_norm(max_norm, norm_type):
    found = []
    for lib, n in BOTH:
        lib.manual_seed(0)
        net = n.Sequential(n.Linear(3, 4), n.Linear(4, 2))
        (net(lib.ones(5, 3)) ** 2).sum().backward()
        total = n.utils.clip_grad_norm_(net.parameters(), max_norm, norm_type)
        found.append([total.item(), *[p.grad.numpy() for p in net.parameters()]])
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_clip_value_and_errors():
    p = tl.ones(3, requires_grad=True)
    p.grad = tl.tensor([-3.0, 0.5, 3.0])
    nn.utils.clip_grad_value_(p, 1.0)
    np.testing.assert_array_equal(p.grad.numpy(), [-1, 0.5, 1])
    p.grad = tl.tensor([float("inf"), 0.0, 1.0])
    with pytest.raises(
        RuntimeError, match=r"The total norm of order 2.0 for gradients from `parameters` is non-finite"
    ):
        nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    with pytest.warns(UserWarning, match=r"empty generator"):
        assert nn.utils.clip_grad_norm_((p for p in ()), 1.0).item() == 0


def test_vectors():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (26,) and vector.requires_grad
    nn.utils.vector_to_parameters(tl.arange(26).float(), net.parameters())
    np.testing.assert_array_equal(net[1].bias.numpy(force=True), [24, 25])
    assert net[0].weight.requires_grad
    with pytest.raises(TypeError, match=r"expected torch.Tensor"):
        nn.utils.vector_to_parameters([1], net.parameters())


def train(lib, module, steps=3):
    x = lib.tensor(np.linspace(-1, 1, 12).reshape(4, 3).astype("float32"))
    outs = []
    for _ in range(steps):
        out = module(x)
        module.zero_grad()
        (out**2).sum().backward()
        with lib.no_grad():
            for p in module.parameters():
                p -= 0.05 * p.grad
        outs.append(out.detach().numpy())
    return outs


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
@pytest.mark.parametrize("wrap", [
    lambda n: n.utils.weight_norm(n.Linear(3, 4)), lambda n: n.utils.weight_norm(n.Linear(3, 4), dim=1),
    lambda n: n.utils.weight_norm(n.Linear(3, 4), dim=None), lambda n: n.utils.spectral_norm(n.Linear(3, 4)),
    lambda n: n.utils.spectral_norm(n.Linear(3, 4), n_power_iterations=3),
    lambda n: n.utils.parametrizations.weight_norm(n.Linear(3, 4)),
    lambda n: n.utils.parametrizations.weight_norm(n.Linear(3, 4), dim=None),
    lambda n: n.utils.parametrizations.spectral_norm(n.Linear(3, 4)),
    lambda n: n.utils.parametrizations.spectral_norm(n.Linear(3, 4), dim=1, n_power_iterations=2),
])  # fmt: skip
def test_norms(wrap):
    found = []
    for lib, n in BOTH:
        lib.manual_seed(3)
        module = wrap(n)
        outs = train(lib, module)
        found.append((repr(module), outs, state(module), module.eval()(lib.ones(1, 3)).detach().numpy()))
    assert found[0][0] == found[1][0]
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-4, atol=1e-5)
    assert_same(found[0][2], found[1][2], 1e-4)
    np.testing.assert_allclose(found[0][3], found[1][3], rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
def test_norms_are_removed():
    x = tl.ones(1, 3)
    for add, remove in (
        (nn.utils.weight_norm, nn.utils.remove_weight_norm),
        (nn.utils.spectral_norm, nn.utils.remove_spectral_norm),
        (parametrizations.weight_norm, lambda m: parametrize.remove_parametrizations(m, "weight")),
        (parametrizations.spectral_norm, lambda m: parametrize.remove_parametrizations(m, "weight")),
    ):
        module = add(nn.Linear(3, 4)).eval()
        before = module(x).numpy(force=True)
        remove(module)
        assert type(module) is nn.Linear and sorted(module.state_dict()) == ["bias", "weight"]
        np.testing.assert_allclose(module(x).numpy(force=True), before, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"weight_norm of 'weight' not found"):
        nn.utils.remove_weight_norm(nn.Linear(1, 1))


class Skew(nn.Module):
    def forward(self, x):
        x = x.triu(1)
        return x - x.transpose(-1, -2)

    def right_inverse(self, a):
        return a.triu(1)


class Double(nn.Module):
    calls = 0

    def forward(self, x):
        Double.calls += 1
        return x * 2

    def right_inverse(self, x):
        return x / 2


def test_parametrizations():
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Skew())
    w = layer.weight
    np.testing.assert_allclose(w.numpy(force=True), -w.numpy(force=True).T)
    assert parametrize.is_parametrized(layer, "weight") and not parametrize.is_parametrized(layer, "bias")
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    target = tl.tensor([[0.0, 1.0, 2.0], [-1.0, 0.0, 3.0], [-2.0, -3.0, 0.0]])
    layer.weight = target
    np.testing.assert_allclose(layer.weight.numpy(force=True), target.numpy())
    layer(tl.ones(1, 3)).sum().backward()
    assert layer.parametrizations.weight.original.grad is not None
    clone = copy.deepcopy(layer)
    np.testing.assert_allclose(clone.weight.numpy(force=True), target.numpy())
    assert clone.parametrizations.weight.original is not layer.parametrizations.weight.original
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and isinstance(layer.weight, nn.Parameter)
    np.testing.assert_allclose(layer.weight.numpy(force=True), target.numpy())
    with pytest.raises(ValueError, match=r"does not have a parameter, a buffer"):
        parametrize.register_parametrization(layer, "nothing", Skew())


def test_parametrizations_chain_and_cache():
    layer = nn.Linear(2, 2)
    before = layer.weight.numpy(force=True).copy()
    parametrize.register_parametrization(layer, "weight", Double())
    np.testing.assert_allclose(layer.weight.numpy(force=True), before, rtol=1e-6)
    Double.calls = 0
    with parametrize.cached():
        layer(tl.ones(1, 2))
        layer(tl.ones(1, 2))
    assert Double.calls == 1
    layer(tl.ones(1, 2))
    assert Double.calls == 2
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    np.testing.assert_allclose(layer.weight.numpy(force=True), before / 2, rtol=1e-6)


def test_functional_call():
    from tensorlite.nn.utils.stateless import functional_call

    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    x = tl.ones(3, 2)
    own = net[0].weight
    w = tl.zeros(2, 2, requires_grad=True)
    functional_call(net, {"0.weight": w}, (x,)).sum().backward()
    assert w.grad is not None and net[0].weight is own and own.grad is None
    with pytest.raises(RuntimeError, match=r"Unexpected key"):
        functional_call(net, {"5.weight": w}, x, strict=True)
    with pytest.raises(RuntimeError, match=r"Missing key"):
        functional_call(net, {"0.weight": w}, x, strict=True)


def test_skip_init_and_refusals():
    tl.manual_seed(1)
    assert nn.utils.skip_init(nn.Linear, 3, 2).weight.shape == (2, 3)
    after = tl.rand(1)
    tl.manual_seed(1)
    assert (after == tl.rand(1)).all()
    with pytest.raises(RuntimeError, match=r"device"):
        nn.utils.skip_init(nn.ReLU)
    with pytest.raises(NotImplementedError, match=r"prune.l1_unstructured is not supported"):
        nn.utils.prune.l1_unstructured(nn.Linear(1, 1), "weight", 0.5)


def test_weights_of_convolutions_in_another_format():
    def run(t):
        net = t.nn.Sequential(
            t.nn.Conv2d(3, 4, 2), t.nn.Linear(2, 2), t.nn.ConvTranspose2d(4, 2, 3), t.nn.Conv3d(2, 3, 2)
        )
        weight = net[0].weight
        same = t.nn.utils.convert_conv2d_weight_memory_format(net, t.channels_last)
        t.nn.utils.convert_conv3d_weight_memory_format(net, t.channels_last_3d)
        return same is net, net[0].weight is weight, [tuple(p.stride()) for p in net.parameters() if p.dim() > 1]

    assert run(tl) == run(torch)
