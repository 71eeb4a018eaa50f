"""Convolutions, their adjoints, unfold and fold, against PyTorch."""

import random

import numpy as np
import pytest
from spatial import check_function, check_layer, data, same_error, second_order

import tensorlite as tl
from tensorlite import threads as pool
from tensorlite.ops import conv as ops

torch = pytest.importorskip("torch")


def _cases(count, seed):
    """Random settings that leave at least one pixel."""
    rng = random.Random(seed)
    while count:
        dims = rng.choice([1, 2, 2, 3])
        groups = rng.choice([1, 1, 2, 3])
        channels, outs = groups * rng.choice([1, 2, 5]), groups * rng.choice([1, 2])
        if rng.random() < 0.2:
            groups, outs = channels, channels * rng.choice([1, 2])
        size = [rng.randint(3, 8) for _ in range(dims)]
        kernel = [rng.randint(1, 3) for _ in range(dims)]
        stride = [rng.randint(1, 3) for _ in range(dims)]
        padding = [rng.randint(0, 2) for _ in range(dims)]
        dilation = [rng.randint(1, 2) for _ in range(dims)]
        if any(n + 2 * p < d * (k - 1) + 1 for n, p, d, k in zip(size, padding, dilation, kernel)):
            continue
        count -= 1
        yield dims, groups, channels, outs, size, kernel, stride, padding, dilation, rng.random() < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_random_convolutions(seed):
    for dims, groups, channels, outs, size, kernel, stride, padding, dilation, last in _cases(15, seed):
        x = data(2, channels, *size, last=last)
        w, b = data(outs, channels // groups, *kernel, seed=1), data(outs, seed=2)
        check_function(
            lambda F, x, w, b: getattr(F, f"conv{dims}d")(x, w, b, stride, padding, dilation, groups), x, w, b
        )


@pytest.mark.parametrize("seed", range(3))
def test_random_transposed_convolutions(seed):
    for dims, groups, channels, outs, size, kernel, stride, padding, dilation, last in _cases(12, 50 + seed):
        extra = [max(s, d) - 1 for s, d in zip(stride, dilation)]
        out = [(n - 1) * s - 2 * p + d * (k - 1) + e + 1
               for n, s, p, d, k, e in zip(size, stride, padding, dilation, kernel, extra)]  # fmt: skip
        if min(out) < 1:
            continue
        x = data(2, channels, *size, last=last)
        w, b = data(channels, outs // groups, *kernel, seed=1), data(outs, seed=2)
        check_function(
            lambda F, x, w, b: getattr(F, f"conv_transpose{dims}d")(
                x, w, b, stride, padding, extra, groups, dilation
            ), x, w, b,
        )  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2])
def test_many_images_and_rows(threads, monkeypatch):
    """Several chunks of images, rows in blocks, halves on two threads."""
    monkeypatch.setattr(ops, "BUFFER", 4096)
    monkeypatch.setattr("tensorlite.threads.WORTHWHILE", 1)
    before = pool.get_num_threads()
    pool.set_num_threads(threads)
    try:
        for channels in (1, 3, 6):
            x, w, b = data(7, channels, 20, 19), data(8, channels, 3, 3, seed=1), data(8, seed=2)
            for stride in (1, 2):
                check_function(lambda F, x, w, b: F.conv2d(x, w, b, stride, 1), x, w, b)
        check_function(lambda F, x, w: F.conv2d(x, w, groups=6), data(5, 6, 9, 9), data(6, 1, 3, 3))
    finally:
        pool.set_num_threads(before)


def test_threads_give_the_same_numbers_every_time(monkeypatch):
    monkeypatch.setattr("tensorlite.threads.WORTHWHILE", 1)
    x, w = data(16, 8, 12, 12, dtype="float32"), data(8, 8, 3, 3, dtype="float32")
    settings = {"kernel": (3, 3), "stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}
    before = pool.get_num_threads()
    pool.set_num_threads(2)
    try:
        first = ops.conv_weight_grad(x, x, **settings)
        assert all(np.array_equal(first, ops.conv_weight_grad(x, x, **settings)) for _ in range(5))
    finally:
        pool.set_num_threads(before)
    assert w.shape == first.shape


def test_results_lie_channels_last_through_a_network():
    net = tl.nn.Sequential(tl.nn.Conv2d(3, 8, 3), tl.nn.BatchNorm2d(8), tl.nn.ReLU(), tl.nn.MaxPool2d(2))
    y = net(tl.randn(2, 3, 10, 10))
    assert ops.channels_last(y._data).flags.c_contiguous


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make, shape",
    [
        (lambda nn: nn.Conv1d(3, 4, 3), (2, 3, 9)),
        (lambda nn: nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2, bias=False), (2, 4, 9)),
        (lambda nn: nn.Conv1d(4, 6, 4, padding="same", padding_mode="circular"), (4, 9)),
        (lambda nn: nn.Conv2d(1, 6, 5, padding=2), (3, 1, 12, 12)),
        (lambda nn: nn.Conv2d(6, 6, 3, padding="same", dilation=2, groups=6), (2, 6, 9, 8)),
        (lambda nn: nn.Conv2d(6, 4, (3, 2), (2, 1), (1, 0), padding_mode="reflect"), (2, 6, 9, 8)),
        (lambda nn: nn.Conv2d(3, 4, 1), (2, 3, 5, 5)),
        (lambda nn: nn.Conv2d(3, 4, 3, padding="valid"), (3, 6, 5)),
        (lambda nn: nn.Conv3d(2, 3, 3, padding=1, padding_mode="replicate"), (2, 2, 4, 5, 4)),
        (lambda nn: nn.Conv3d(2, 4, 2, stride=2, groups=2), (2, 2, 4, 5, 4)),
        (lambda nn: nn.Conv3d(2, 2, 1, bias=False), (2, 4, 5, 4)),
        (lambda nn: nn.ConvTranspose1d(3, 4, 4, stride=2, padding=1), (2, 3, 5)),
        (lambda nn: nn.ConvTranspose1d(4, 4, 3, groups=2, dilation=2), (4, 5)),
        (lambda nn: nn.ConvTranspose1d(4, 2, 2, stride=3, output_padding=1, bias=False), (2, 4, 5)),
        (lambda nn: nn.ConvTranspose2d(3, 4, 4, 2, 1), (2, 3, 5, 4)),
        (lambda nn: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2), (2, 4, 5, 4)),
        (lambda nn: nn.ConvTranspose2d(3, 4, 4, 1, 0, bias=False), (2, 3, 1, 1)),
        (lambda nn: nn.ConvTranspose3d(2, 3, 2, 2), (2, 2, 3, 2, 3)),
        (lambda nn: nn.ConvTranspose3d(2, 2, 3, (1, 2, 1), 1), (2, 3, 2, 3)),
        (lambda nn: nn.ConvTranspose3d(2, 4, 3, groups=2, output_padding=(0, 0, 0)), (2, 2, 3, 2, 3)),
    ],
)  # fmt: skip
def test_layers(make, shape, dtype):
    check_layer(make, shape, dtype)


def test_output_size():
    make = lambda nn: nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1)
    check_layer(make, (2, 3, 4, 4), output_size=(8, 7))
    check_layer(make, (2, 3, 4, 4), output_size=(2, 4, 8, 8))
    ours, theirs = same_error(lambda t: make(t.nn)(t.zeros(1, 3, 4, 4), output_size=(20, 20)))
    assert ours == theirs


@pytest.mark.parametrize("name", ["LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d",
                                  "LazyConvTranspose3d"])  # fmt: skip
def test_lazy_layers(name):
    shape = (2, 3, *[5] * int(name[-2]))
    found = []
    for t in (tl, torch):
        t.manual_seed(0)
        layer = getattr(t.nn, name)(4, 3)
        y = layer(t.ones(*shape))
        found.append((repr(layer), y.detach().numpy(), {k: tuple(v.shape) for k, v in layer.state_dict().items()}))
    assert found[0][0] == found[1][0]
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-5)
    assert found[0][2] == found[1][2]


SETTINGS = {"stride": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 2)}


def test_every_order():
    x, w, b = data(2, 4, 5, 6), data(4, 2, 2, 2), data(4)
    second_order(lambda x, w, b: ops.conv(x, w, b, **SETTINGS, groups=2), x, w, b)
    g = data(2, 4, 3, 5)
    second_order(lambda g, w: ops.conv_input_grad(g, w, size=(5, 6), **SETTINGS, groups=2), g, w)
    second_order(lambda x, g: ops.conv_weight_grad(x, g, kernel=(2, 2), **SETTINGS, groups=2), x, g)
    depth = data(4, 1, 2, 2)
    second_order(lambda x, w: ops.conv(x, w, None, **SETTINGS, groups=4), x, depth)
    second_order(ops.channel_sum, x)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.functional.conv2d(t.zeros(2, 1, 8, 8), t.zeros(16, 3, 3, 3)),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 3), t.zeros(16, 3, 3, 3)),
        lambda t: t.nn.functional.conv1d(t.zeros(2, 3, 4, 5), t.zeros(16, 3, 3)),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 3, 2, 2), t.zeros(16, 3, 3, 3)),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 3, 8, 8).double(), t.zeros(16, 3, 3, 3), t.zeros(16)),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 3, 8, 8), t.zeros(16, 3, 3, 3), t.zeros(15)),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 3, 8, 8), t.zeros(16, 3, 3, 3), stride=2, padding="same"),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 3, 8, 8), t.zeros(16, 3, 3, 3), padding="x"),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 3, 8, 8), t.zeros(16, 3, 3, 3), stride=0),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 3, 8, 8), t.zeros(16, 3, 3, 3), padding=-1),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 4, 8, 8), t.zeros(15, 2, 3, 3), groups=2),
        lambda t: t.nn.functional.conv2d(t.zeros(2, 3, 8, 8), t.zeros(16, 3, 3, 3), stride=(1, 2, 3)),
        lambda t: t.nn.functional.unfold(t.zeros(1, 1, 1, 4), 2),
        lambda t: t.nn.functional.fold(t.zeros(1, 4, 4), (4, 4), (2, 2)),
        lambda t: t.nn.functional.fold(t.zeros(1, 5, 9), (4, 4), (2, 2)),
        lambda t: t.nn.Conv2d(3, 4, 3, groups=2),
        lambda t: t.nn.Conv2d(4, 3, 3, groups=2),
        lambda t: t.nn.Conv2d(3, 4, 3, groups=0),
        lambda t: t.nn.Conv2d(3, 4, 3, padding="same", stride=2),
    ],
)
def test_errors(call):
    ours, theirs = same_error(call)
    assert ours[:60] == theirs[:60]


def test_unfold_and_fold():
    for kernel, dilation, padding, stride in ((2, 1, 0, 1), ((2, 3), 1, (1, 0), 2), (2, 2, 1, (1, 2))):
        check_function(lambda F, x: F.unfold(x, kernel, dilation, padding, stride), data(2, 3, 6, 7))
        columns = torch.nn.functional.unfold(torch.zeros(2, 3, 6, 7), kernel, dilation, padding, stride)
        check_function(lambda F, x: F.fold(x, (6, 7), kernel, dilation, padding, stride), data(*columns.shape))
    check_layer(lambda nn: nn.Unfold(2, stride=2), (2, 3, 4, 4))
    check_layer(lambda nn: nn.Fold((4, 4), 2, stride=2), (2, 12, 4))
    second_order(lambda x: tl.nn.functional.unfold(x, 2, padding=1), data(1, 2, 3, 3))


def test_padding_layers():
    for kind in ("ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad"):
        for dims, widths in ((1, (2, 1)), (2, (1, 2, 0, 1)), (3, (1, 0, 2, 1, 0, 1)), (2, 1)):
            check_layer(lambda nn: getattr(nn, f"{kind}{dims}d")(widths), (2, 3, *[4] * dims))
    check_layer(lambda nn: nn.ConstantPad1d((1, -1), 2.5), (2, 3, 4))
    check_layer(lambda nn: nn.ConstantPad2d(1, 2.5), (2, 3, 4, 4))
    check_layer(lambda nn: nn.ConstantPad3d((1, 2, 0, 0, 0, 1), 2.5), (3, 4, 4, 2))
    assert same_error(lambda t: t.nn.ReflectionPad2d(5)(t.zeros(1, 1, 4, 4)))
