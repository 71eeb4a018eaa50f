"""Arguments by name, and the order that functions of PyTorch's top level have, where it is not that of ``nn.functional``."""

import numpy as np
import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")

CALLS = {}


def call(function):
    CALLS[function.__name__] = function


def data(lib):
    return lib.arange(1.0, 7).reshape(2, 3)


@call
def sizes(lib):
    x = data(lib)
    return [
        x.view(size=(3, 2)), x.view(dtype=lib.int32), x.reshape(shape=(3, 2)), lib.reshape(x, shape=(6,)), lib.reshape(input=x, shape=(-1,)),
        x.expand(size=(2, 2, 3)), lib.broadcast_to(x, size=(1, 2, 3)), x.broadcast_to(size=(1, 2, 3)), x.repeat(repeats=(2, 1)), x.tile(dims=(2,)),
        lib.tile(x, dims=(2, 1)), x.sum_to_size(size=(1, 3)), x.clone().resize_(size=(3, 2)), x.new_zeros(size=(2,)), x.new_ones(size=(2, 1)),
        x.new_full(size=(2,), fill_value=3), x.new_empty(size=(4, 2)).shape,
    ]  # fmt: skip


@call
def dimensions(lib):
    x = data(lib)
    return [
        x.permute(dims=(1, 0)), lib.permute(x, dims=(1, 0)), lib.permute(input=x, dims=[0, 1]), x.transpose(dim0=0, dim1=1),
        x.swapaxes(axis0=0, axis1=1), lib.swapaxes(x, axis0=1, axis1=0), x.swapdims(dim0=0, dim1=1), x.clone().swapaxes_(axis0=0, axis1=1),
        x.flip(dims=(0,)), *x.split(split_size=2, dim=1), *x.split(split_size=[1, 2], dim=1), *lib.split(x, split_size_or_sections=1),
    ]  # fmt: skip


@call
def operands(lib):
    x = data(lib)
    return [
        lib.pow(x, exponent=2), lib.pow(input=x, exponent=x), lib.pow(2, exponent=x), x.pow(exponent=2), x.clone().pow_(exponent=2),
        x.clone().mul_(other=2), x.clone().remainder_(other=2), x.clone().fmod_(other=2), x.clone().floor_divide_(other=2),
        x.clone().true_divide_(other=x), x.long().bitwise_and_(other=1), x.long().bitwise_left_shift_(other=1), x.clone().copysign_(other=-1.0),
        x.clone().atan2_(other=x), x.clone().hypot_(other=x), x.clone().copy_(other=x + 1), lib.heaviside(x, values=x), x.heaviside(values=x),
        x.clone().masked_fill_(mask=x > 2, value=0), x.long().gcd_(other=x.long()),
    ]  # fmt: skip


@call
def top_level_layers(lib):
    x, two, one = data(lib), lib.full((3,), 2.0), lib.ones(3)
    mean = lib.tensor([1.0, 2.0, 3.0])
    return [
        lib.embedding(x, lib.tensor([1, 0])), lib.embedding(weight=x, indices=lib.tensor([1])), lib.embedding_bag(x, lib.tensor([1, 0]), lib.tensor([0]))[0],
        lib.batch_norm(x, two, one, lib.zeros(3), lib.ones(3), True, 0.1, 1e-5, False),
        lib.batch_norm(x, weight=two, bias=None, running_mean=mean, running_var=one, training=False, momentum=0.1, eps=1e-5, cudnn_enabled=True),
        lib.instance_norm(x[None], None, None, None, None, True, 0.1, 1e-5, False), lib.layer_norm(x, (3,), two, one, 1e-5, False),
        lib.layer_norm(x, [3]), lib.group_norm(x, 1, two, one, 1e-5, False), lib.dropout(x, 0.5, train=False), lib.dropout(x, 0.5, False),
        lib.dropout(x, p=0.0, train=True), lib.dropout_(x.clone(), 0.5, False), lib.alpha_dropout(x, 0.5, train=False),
        lib.feature_dropout(x[None, None], 0.5, False), lib.feature_alpha_dropout(x[None, None], 0.5, False), lib.kl_div(x, x, 2),
        lib.binary_cross_entropy_with_logits(x, x / 9, None, None, 1), lib.hinge_embedding_loss(x, lib.ones(2, 3), 1.0, 1),
        lib.cosine_embedding_loss(x, -x, lib.ones(2), 0.0, 1), lib.margin_ranking_loss(x, x, lib.ones(2, 3), 1.0, 2),
        lib.poisson_nll_loss(x, x, True, False, 1e-8, 1), lib.triplet_margin_loss(x, x, -x, 1.0, 2.0, 1e-6, False, 1), lib.kl_div(x, x),
    ]  # fmt: skip


@call
def names_of_numpy(lib):
    x = data(lib)
    return [
        *lib.chunk(x, 3, axis=1), *lib.unsafe_chunk(x, 2, axis=0), *lib.split_with_sizes(x, (1, 1), axis=0), lib.trapezoid(x, axis=0),
        lib.cumulative_trapezoid(x, axis=1), lib.linalg.vecdot(x, x, axis=0), lib.nn.functional.cosine_similarity(x, x + 1, axis=0),
        lib.fft.fft(x, axis=0).real, lib.fft.fftshift(x, axis=1), lib.fft.rfftn(x, axis=(0,)).real, lib.all(x, axis=0, keepdims=True),
    ]  # fmt: skip


@call
def all_dimensions_kept(lib):
    x = data(lib)
    return [
        x.sum(dim=None, keepdim=True),
        x.mean(None, True),
        x.nansum(keepdim=True),
        lib.all(x, keepdim=True),
        x.sum(axis=None, keepdims=True),
    ]


@call
def the_first_is_called_input(lib):
    x = data(lib)
    square = x @ x.mT + lib.eye(2)
    return [
        lib.linalg.cholesky(input=square), lib.linalg.eigvalsh(input=square), lib.linalg.cond(input=square), lib.special.ndtr(input=x),
        lib.special.log_ndtr(input=x), lib.linalg.matrix_rank(input=square),
    ]  # fmt: skip


@call
def integers_of_every_kind(lib):
    x, three = data(lib), np.int64(3)
    image = lib.arange(16.0).reshape(1, 1, 4, 4)
    two = lib.tensor(2)
    return [
        lib.roll(x, three), lib.roll(x, lib.tensor(1), np.int64(1)), *lib.hsplit(x, three), *lib.vsplit(x, two), lib.movedim(x, two - 2, np.int64(1)),
        lib.fft.fftn(x, s=three, dim=lib.tensor(1)).real, lib.nn.functional.max_pool2d(image, two), lib.nn.functional.avg_pool2d(image, 2, two),
        lib.nn.functional.conv2d(image, lib.ones(1, 1, 2, 2), stride=two), *lib.gradient(x, dim=np.int64(0)),
        lib.clamp(lib.arange(3.0), max=lib.ones(2, 3)),
    ]  # fmt: skip


@call
def numbers_of_numpy_do_not_widen(lib):
    x, f = data(lib), lib.nn.functional
    return [
        y for n in (np.float64(0.5), np.float32(0.5), np.int64(1), lib.tensor(1.0)) for y in (
            f.hardtanh(x, -1, n), f.softshrink(x, n), f.huber_loss(x, x + 1, delta=n), f.smooth_l1_loss(x, x + 1, beta=n),
            f.gaussian_nll_loss(x, x, x, eps=n), lib.addcmul(x, x, x, value=n), lib.addcdiv(x, x, x, value=n),
            lib.logit(x / 10, n / 10), f.cross_entropy(x, lib.tensor([0, 1]), label_smoothing=n),
            lib.where(x > 2, n, n), lib.full((2,), float(n) if n.ndim == 0 and isinstance(n, np.integer) else n, dtype=None),
        )
    ]  # fmt: skip


@call
def without_elements(lib):
    none = lib.zeros(0, 5)
    return [
        *lib.linalg.lu(none),
        *lib.linalg.lu_factor(none),
        lib.linalg.cond(lib.zeros(0, 0)),
        lib.slice_scatter(lib.zeros(3), lib.ones(1, dtype=lib.int64), end=1),
    ]


@pytest.mark.parametrize("name", CALLS)
def test_arguments_by_pytorchs_names(name):
    for i, (a, b) in enumerate(zip(CALLS[name](tl), CALLS[name](torch))):
        assert str(getattr(a, "dtype", "")) == str(getattr(b, "dtype", "")), i
        torch.testing.assert_close(
            torch.from_numpy(a.numpy()) if isinstance(a, tl.Tensor) else tuple(a),
            b if isinstance(b, torch.Tensor) else tuple(b),
        )


def test_names_that_pytorch_does_not_know():
    x = data(tl)
    for wrong in (
        lambda: x.permute(order=(1, 0)), lambda: x.permute(0, 1, dims=(1, 0)), lambda: x.pow_(other=2), lambda: x.reshape(size=(6,)),
        lambda: x.split(split_size_or_sections=2), lambda: x.flip(0, dims=(0,)), lambda: x.mul_(),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            wrong()
