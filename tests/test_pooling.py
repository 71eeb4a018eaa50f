"""Pooling against PyTorch: values, indices, gradients."""

import random

import numpy as np
import pytest
from spatial import check_function, check_layer, data, same_error, second_order

import tensorlite as tl
from tensorlite.ops import pooling as ops

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_random_windows(dims):
    rng = random.Random(dims)
    count = 25
    while count:
        size = [rng.randint(3, 8) for _ in range(dims)]
        kernel = [rng.randint(1, 4) for _ in range(dims)]
        stride = [rng.randint(1, 3) for _ in range(dims)]
        padding = [rng.randint(0, k // 2) for k in kernel]
        dilation = [rng.randint(1, 2) for _ in range(dims)]
        ceil = rng.random() < 0.5
        if any(n + 2 * p < d * (k - 1) + 1 for n, p, d, k in zip(size, padding, dilation, kernel)):
            continue
        count -= 1
        # few different values: ties show whose gradient it is
        x = np.round(data(2, 3, *size, seed=count, last=rng.random() < 0.5) * 2)
        settings = (kernel, stride, padding, dilation, ceil)
        check_function(lambda F, x: getattr(F, f"max_pool{dims}d")(x, *settings), x)
        check_function(lambda F, x: getattr(F, f"max_pool{dims}d")(x, *settings, return_indices=True), x)
        if all(d == 1 for d in dilation):
            for include in (True, False):
                check_function(
                    lambda F, x: getattr(F, f"avg_pool{dims}d")(x, kernel, stride, padding, ceil, include), x
                )
                if dims > 1:
                    check_function(
                        lambda F, x: getattr(F, f"avg_pool{dims}d")(x, kernel, stride, padding, ceil, include, 3), x
                    )


@pytest.mark.parametrize("last", [False, True])
def test_nan_wins(last):
    x = data(2, 3, 6, 7, last=last)
    x[np.random.default_rng(0).random(x.shape) < 0.3] = np.nan
    check_function(lambda F, x: F.max_pool2d(x, 2), x)
    check_function(lambda F, x: F.max_pool2d(x, 3, 2, 1), x)


def test_large_windows():
    x = np.round(data(2, 3, 34, 17, last=True))
    check_function(lambda F, x: F.max_pool2d(x, 17), x)  # more taps than a byte can count
    check_function(lambda F, x: F.adaptive_max_pool2d(x, 1), x)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_adaptive(dims, size):
    x = data(2, 3, *[6, 5, 4][:dims])
    check_function(lambda F, x: getattr(F, f"adaptive_avg_pool{dims}d")(x, size), x)
    check_function(lambda F, x: getattr(F, f"adaptive_max_pool{dims}d")(x, size), x)
    check_function(lambda F, x: getattr(F, f"adaptive_max_pool{dims}d")(x, size, return_indices=True), x)


def test_adaptive_sizes():
    x = data(2, 3, 6, 4)
    for size in ((None, 2), (3, None), (6, 4)):
        check_function(lambda F, x: F.adaptive_avg_pool2d(x, size), x)
    check_function(lambda F, x: F.adaptive_avg_pool2d(x, 2), data(3, 6, 4))


@pytest.mark.parametrize("p", [1, 2, 3])
def test_lp(p):
    for dims in (1, 2, 3):
        check_function(
            lambda F, x: getattr(F, f"lp_pool{dims}d")(x, p, 2, ceil_mode=True), np.abs(data(2, 3, *[5] * dims))
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make, shape",
    [
        (lambda nn: nn.MaxPool1d(2), (2, 3, 8)),
        (lambda nn: nn.MaxPool1d(3, 2, padding=1, dilation=2), (3, 9)),
        (lambda nn: nn.MaxPool2d(2), (2, 3, 8, 6)),
        (lambda nn: nn.MaxPool2d((3, 2), 2, (1, 0), ceil_mode=True), (2, 3, 8, 7)),
        (lambda nn: nn.MaxPool2d(3, stride=1, padding=1), (3, 8, 7)),
        (lambda nn: nn.MaxPool3d(2), (2, 3, 4, 4, 5)),
        (lambda nn: nn.AvgPool1d(3, 2, 1), (2, 3, 8)),
        (lambda nn: nn.AvgPool2d(2), (2, 3, 8, 6)),
        (lambda nn: nn.AvgPool2d(3, 2, 1, count_include_pad=False), (2, 3, 8, 6)),
        (lambda nn: nn.AvgPool3d(2, divisor_override=3), (2, 3, 4, 4, 4)),
        (lambda nn: nn.LPPool2d(2, 3, stride=2), (2, 3, 8, 6)),
        (lambda nn: nn.AdaptiveAvgPool1d(3), (2, 3, 8)),
        (lambda nn: nn.AdaptiveAvgPool2d((1, 1)), (2, 3, 8, 6)),
        (lambda nn: nn.AdaptiveAvgPool3d((None, 2, 3)), (2, 3, 4, 4, 4)),
        (lambda nn: nn.AdaptiveMaxPool1d(3), (2, 3, 8)),
        (lambda nn: nn.AdaptiveMaxPool2d(3), (2, 3, 8, 6)),
        (lambda nn: nn.AdaptiveMaxPool3d(2), (2, 3, 4, 4, 4)),
    ],
)  # fmt: skip
def test_layers(make, shape, dtype):
    check_layer(make, shape, dtype)


def test_every_order():
    x = data(2, 2, 5, 4)
    settings = {"kernel": (2, 2), "stride": (2, 1), "padding": (1, 0)}
    second_order(lambda x: ops.max_pool(x, **settings, dilation=(1, 1), size=(3, 3))[0], x)
    second_order(lambda x: ops.sum_pool(x, **settings, size=(3, 3)), x)
    second_order(lambda g: ops.sum_pool_grad(g, **settings, shape=(2, 2, 5, 4)), data(2, 2, 3, 3))
    index = np.arange(18).reshape(1, 2, 3, 3) % 7
    second_order(lambda x: ops.pick(x, index), data(1, 2, 4, 2))
    second_order(lambda g: ops.unpick(g, index, shape=(1, 2, 4, 2)), data(1, 2, 3, 3))


def test_second_derivative_of_a_maximum():
    found = []
    for t in (tl, torch):
        x = t.tensor(data(1, 2, 4, 4), requires_grad=True)
        y = t.nn.functional.max_pool2d(x, 2).pow(3).sum()
        (g,) = t.autograd.grad(y, x, create_graph=True)
        found.append(t.autograd.grad(g.pow(2).sum(), x)[0].numpy())
    np.testing.assert_allclose(*found)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.functional.max_pool2d(t.zeros(1, 1, 1, 1), 2),
        lambda t: t.nn.functional.max_pool2d(t.zeros(1, 1, 4, 4), 2, padding=2),
        lambda t: t.nn.functional.avg_pool2d(t.zeros(1, 1, 4, 4), 2, divisor_override=0),
        lambda t: t.nn.functional.adaptive_avg_pool2d(t.zeros(1, 1), 2),
    ],
)
def test_errors(call):
    ours, theirs = same_error(call)
    assert ours == theirs


def test_integers_and_what_is_not_there():
    y = tl.nn.functional.max_pool2d(tl.arange(16).reshape(1, 1, 4, 4), 2)
    assert y.tolist() == [[[[5, 7], [13, 15]]]]
    with pytest.raises(NotImplementedError, match=r"max_unpool2d\(\) is not supported"):
        tl.nn.functional.max_unpool2d(y, y, 2)
    with pytest.raises(NotImplementedError, match="FractionalMaxPool2d is not supported"):
        tl.nn.FractionalMaxPool2d(2, output_size=3)


def test_no_images():
    for layer in (tl.nn.MaxPool2d(2), tl.nn.AvgPool2d(2, padding=1), tl.nn.Conv2d(3, 2, 3), tl.nn.AdaptiveAvgPool2d(1)):
        x = tl.zeros(0, 3, 4, 4, requires_grad=True)
        y = layer(x)
        y.sum().backward()
        assert len(y) == 0 and x.grad.shape == x.shape


@pytest.mark.parametrize("name", ["max_pool", "adaptive_max_pool"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_functions_that_always_name_the_indices(name, dims):
    x = np.random.default_rng(0).standard_normal((2, 3, *[6] * dims)).astype(np.float32)
    function = f"{name}{dims}d_with_indices"
    a = getattr(tl.nn.functional, function)(tl.tensor(x), 2)
    b = getattr(torch.nn.functional, function)(torch.tensor(x), 2)
    for p, q in zip(a, b, strict=True):
        assert (p.numpy() == q.numpy()).all()
