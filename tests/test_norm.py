"""Normalisation against PyTorch: values, gradients, running statistics, higher orders."""

import numpy as np
import pytest
from spatial import check_function, check_layer, close, data, same_error, second_order

import tensorlite as tl
from tensorlite.ops import norm as ops
from tensorlite.ops import norm_few

torch = pytest.importorskip("torch")


@pytest.fixture(params=[4096, 0], ids=["few", "blocks"])
def few(request, monkeypatch):
    """Both ways of computing: plain expressions for few numbers, blocks."""
    monkeypatch.setattr(norm_few, "FEW", request.param)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make, shape",
    [
        (lambda nn: nn.BatchNorm1d(5), (6, 5)),
        (lambda nn: nn.BatchNorm1d(5, momentum=None), (6, 5, 3)),
        (lambda nn: nn.BatchNorm1d(5, affine=False), (6, 5)),
        (lambda nn: nn.BatchNorm2d(5, eps=1e-3, momentum=0.3), (3, 5, 4, 6)),
        (lambda nn: nn.BatchNorm2d(5, track_running_stats=False), (3, 5, 4, 6)),
        (lambda nn: nn.BatchNorm2d(5, bias=False), (3, 5, 4, 6)),
        (lambda nn: nn.BatchNorm3d(2), (3, 2, 4, 3, 5)),
        (lambda nn: nn.InstanceNorm1d(3), (2, 3, 5)),
        (lambda nn: nn.InstanceNorm1d(3, affine=True), (3, 5)),
        (lambda nn: nn.InstanceNorm2d(3, affine=True, track_running_stats=True), (2, 3, 5, 4)),
        (lambda nn: nn.InstanceNorm3d(3), (2, 3, 2, 3, 2)),
        (lambda nn: nn.GroupNorm(2, 6), (3, 6, 4, 4)),
        (lambda nn: nn.GroupNorm(6, 6, affine=False), (3, 6, 4)),
        (lambda nn: nn.GroupNorm(1, 6, eps=1e-3), (3, 6)),
        (lambda nn: nn.LayerNorm(6), (3, 5, 6)),
        (lambda nn: nn.LayerNorm((5, 6), elementwise_affine=False), (3, 5, 6)),
        (lambda nn: nn.LayerNorm(6, bias=False), (7, 6)),
        (lambda nn: nn.RMSNorm(6), (3, 5, 6)),
        (lambda nn: nn.RMSNorm((5, 6), eps=1e-3), (3, 5, 6)),
        (lambda nn: nn.RMSNorm(6, elementwise_affine=False), (3, 6)),
        (lambda nn: nn.LocalResponseNorm(2), (2, 5, 4)),
        (lambda nn: nn.LocalResponseNorm(3, alpha=0.5, beta=0.6, k=2), (2, 5, 4, 3)),
        (lambda nn: nn.LocalResponseNorm(4, alpha=0.5), (2, 5, 2, 4, 3)),
    ],
)  # fmt: skip
def test_layers(make, shape, dtype, train):
    check_layer(make, shape, dtype, train=train)


@pytest.mark.parametrize("name", ["LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyInstanceNorm1d",
                                  "LazyInstanceNorm2d", "LazyInstanceNorm3d"])  # fmt: skip
def test_lazy_layers(name):
    x = data(2, 3, *[4] * int(name[-2]), dtype="float32")
    found = []
    for t in (tl, torch):
        layer = getattr(t.nn, name)()
        y = layer(t.tensor(x))
        found.append((repr(layer), list(layer.state_dict()), y.detach().numpy()))
    assert found[0][:2] == found[1][:2]
    np.testing.assert_allclose(found[0][2], found[1][2], atol=1e-5)


@pytest.mark.usefixtures("few")
def test_channels_last_and_many_blocks(monkeypatch):
    monkeypatch.setattr(ops, "_BLOCK", 64)
    for last in (False, True):
        x, w, b = data(7, 6, 5, 3, last=last), data(6, seed=1), data(6, seed=2)
        check_function(lambda F, x, w, b: F.batch_norm(x, None, None, w, b, True), x, w, b)
        check_function(lambda F, x, w, b: F.group_norm(x, 3, w, b), x, w, b)
    x, w, b = data(40, 12), data(12, seed=1), data(12, seed=2)
    check_function(lambda F, x, w, b: F.layer_norm(x, (12,), w, b), x, w, b)
    check_function(lambda F, x, w: F.rms_norm(x, (12,), w), x, w)


def test_large_mean_keeps_precision():
    """A mean a thousand times the spread: the variance must not drown in rounding."""
    x = (data(64, 4, 8, 8) + 1000).astype(np.float32)
    running = [(t.zeros(4), t.ones(4)) for t in (tl, torch)]
    y = tl.nn.functional.batch_norm(tl.tensor(x), *running[0], training=True, momentum=1.0)
    exact = x.astype(np.float64)
    mean, var = exact.mean((0, 2, 3), keepdims=True), exact.var((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(y.numpy(), (exact - mean) / np.sqrt(var + 1e-5), atol=2e-3)
    np.testing.assert_allclose(running[0][1].numpy(), var.ravel() * 4096 / 4095, rtol=1e-4)


def test_running_statistics_are_outside_the_tape():
    layer = tl.nn.BatchNorm1d(3)
    x = tl.randn(5, 3, requires_grad=True)
    version = layer.running_mean._version
    layer(x)
    assert not layer.running_mean.requires_grad and layer.running_mean._version == version + 1
    assert layer.num_batches_tracked.item() == 1


def test_cumulative_average():
    ours, theirs = tl.nn.BatchNorm1d(3, momentum=None), torch.nn.BatchNorm1d(3, momentum=None)
    for seed in range(4):
        x = data(5, 3, seed=seed, dtype="float32")
        ours(tl.tensor(x)), theirs(torch.tensor(x))
    close(ours.running_var, theirs.running_var, 1e-6)


@pytest.mark.parametrize("offset", [0.5, 3, 100])
@pytest.mark.parametrize(
    "make, shape",
    [
        (lambda nn: nn.LayerNorm(64), (40, 64)),
        (lambda nn: nn.LayerNorm(1500), (100, 1500)),
        (lambda nn: nn.LayerNorm(7, bias=False), (40, 7)),
        (lambda nn: nn.RMSNorm(1100), (6, 1100)),
        (lambda nn: nn.GroupNorm(3, 6), (5, 6, 4, 4)),
        (lambda nn: nn.GroupNorm(2, 4), (3, 4, 40, 40)),
    ],
)
def test_rows_far_from_zero(make, shape, offset):
    """float32 with means of many deviations: as close to float64 as PyTorch's float32 is."""
    x, g = data(*shape) + offset, data(*shape, seed=1)
    results = []
    for lib, dtype in ((tl, tl.float32), (torch, torch.float32), (torch, torch.float64)):
        layer = make(lib.nn).to(dtype)
        a = lib.tensor(x.astype("float32"), dtype=dtype, requires_grad=True)
        out = layer(a)
        out.backward(lib.tensor(g.astype("float32"), dtype=dtype))
        results.append([t.detach().numpy() for t in (out, a.grad, *[p.grad for p in layer.parameters()])])
    for ours, theirs, exact in zip(*results):
        scale = np.abs(exact).max()
        assert np.abs(ours - exact).max() <= max(4 * np.abs(theirs - exact).max(), 1e-6 * scale)


@pytest.mark.usefixtures("few")
def test_every_order():
    x, w, b = data(3, 4, 3), data(4, seed=1), data(4, seed=2)
    second_order(lambda x, w, b: ops.batch_norm(x, w, b, eps=1e-3)[0], x, w, b)
    second_order(lambda x: ops.batch_norm(x, eps=1e-3)[0], x)
    mean, inverse = data(4, seed=3), np.abs(data(4, seed=4))
    second_order(lambda x, w, b: ops.channel_affine(x, w, b, mean=mean, inverse=inverse), x, w, b)
    group = {"rows": 6, "view": (3, 4, 3), "affine": (4, 1), "eps": 1e-3}
    second_order(lambda x, w, b: ops.row_norm(x, w, b, **group)[0], x, w, b)
    layer = {"rows": 12, "view": (12, 3), "affine": (3,), "eps": 1e-3}
    second_order(lambda x, w: ops.row_norm(x, w, None, **layer, centre=False)[0], x, data(3))
    second_order(lambda x: ops.row_norm(x, **layer)[0], x)
    wide = {"rows": 1, "view": (1, 1030), "affine": (1030,), "eps": 1e-3}
    rows = [tl.tensor(data(*s), requires_grad=True) for s in ((1, 1030), (1030,))]
    assert tl.autograd.gradcheck(lambda x, w: ops.row_norm(x, w, w, **wide)[0].square().sum(), rows)
    second_order(lambda x: tl.nn.functional.local_response_norm(x, 3, alpha=0.5), x)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.functional.batch_norm(t.zeros(1, 3), None, None, training=True),
        lambda t: t.nn.functional.batch_norm(t.zeros(2, 3), t.zeros(4), t.zeros(4), training=True),
        lambda t: t.nn.functional.batch_norm(t.zeros(2, 3), None, None, training=False),
        lambda t: t.nn.functional.batch_norm(t.zeros(2, 3), t.zeros(3), t.zeros(3), t.zeros(4), training=True),
        lambda t: t.nn.BatchNorm1d(3)(t.zeros(2, 3, 4, 5)),
        lambda t: t.nn.BatchNorm2d(3)(t.zeros(2, 3)),
        lambda t: t.nn.BatchNorm3d(3)(t.zeros(2, 3)),
        lambda t: t.nn.InstanceNorm2d(3)(t.zeros(2, 3)),
        lambda t: t.nn.InstanceNorm2d(3)(t.zeros(2, 3, 1, 1)),
        lambda t: t.nn.BatchNorm2d(3)(t.zeros(2, 4, 5, 5)),
        lambda t: t.nn.GroupNorm(2, 3),
        lambda t: t.nn.GroupNorm(2, 4)(t.zeros(2, 6, 3)),
        lambda t: t.nn.functional.group_norm(t.zeros(2, 5, 3), 2),
        lambda t: t.nn.LayerNorm(3)(t.zeros(2, 4)),
        lambda t: t.nn.RMSNorm(3)(t.zeros(2, 4)),
        lambda t: t.nn.functional.layer_norm(t.zeros(2, 3), (3,), t.zeros(4)),
    ],
)
def test_errors(call):
    ours, theirs = same_error(call)
    assert ours.startswith(theirs)


def test_what_is_not_there():
    with pytest.raises(NotImplementedError, match="SyncBatchNorm is not supported"):
        tl.nn.SyncBatchNorm(3)
    with pytest.raises(NotImplementedError, match="use LocalResponseNorm"):
        tl.nn.CrossMapLRN2d(3)
