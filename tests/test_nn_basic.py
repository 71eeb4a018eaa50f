"""Dense layers, dropout, embeddings, distances, shuffles against PyTorch; the small library's layers."""

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.nn import functional as F

torch = pytest.importorskip("torch")

rng = np.random.default_rng(0)
BOTH = ((tl, nn), (torch, torch.nn))


def normal(*shape):
    return rng.standard_normal(shape)


def compare(build, *inputs, dtype="float32", train=True, tol=1e-5):
    """The same layer from the same seed: weights, output, gradients of inputs and parameters."""
    found = []
    for lib, n in BOTH:
        lib.manual_seed(7)
        layer = build(n).to(getattr(lib, dtype)).train(train)
        xs = [lib.tensor(x.astype(dtype)).requires_grad_() if x.dtype.kind == "f" else lib.tensor(x) for x in inputs]
        out = layer(*xs)
        (out * out).sum().backward() if out.requires_grad else None
        grads = [x.grad.numpy() for x in xs if x.requires_grad]
        found.append((
            repr(layer), {k: v.numpy() for k, v in layer.state_dict().items()}, out.detach().numpy(),
            grads + [p.grad.numpy() for p in layer.parameters() if p.grad is not None],
        ))  # fmt: skip
    (repr_a, state_a, out_a, grads_a), (repr_b, state_b, out_b, grads_b) = found
    assert repr_a == repr_b
    assert list(state_a) == list(state_b)
    for k in state_a:
        np.testing.assert_array_equal(state_a[k], state_b[k], err_msg=k)
    assert out_a.dtype == out_b.dtype == dtype
    np.testing.assert_allclose(out_a, out_b, rtol=tol, atol=tol)
    assert len(grads_a) == len(grads_b)
    for a, b in zip(grads_a, grads_b):
        np.testing.assert_allclose(a, b, rtol=tol, atol=tol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("build, inputs", [
    (lambda n: n.Linear(5, 3), [normal(4, 5)]), (lambda n: n.Linear(5, 3, bias=False), [normal(2, 4, 5)]),
    (lambda n: n.Linear(5, 3), [normal(5)]), (lambda n: n.Linear(1, 1), [normal(6, 1)]),
    (lambda n: n.Bilinear(3, 4, 2), [normal(5, 3), normal(5, 4)]),
    (lambda n: n.Bilinear(3, 4, 2, bias=False), [normal(2, 5, 3), normal(2, 5, 4)]),
    (lambda n: n.Bilinear(3, 4, 2), [normal(3), normal(4)]),
    (lambda n: n.Identity(3, a=1), [normal(4)]), (lambda n: n.Flatten(), [normal(2, 3, 4)]),
    (lambda n: n.Flatten(0, 1), [normal(2, 3, 4)]), (lambda n: n.Unflatten(1, (2, 3)), [normal(4, 6)]),
    (lambda n: n.PixelShuffle(2), [normal(2, 8, 3, 4)]), (lambda n: n.PixelShuffle(3), [normal(9, 3, 4)]),
    (lambda n: n.PixelUnshuffle(2), [normal(2, 3, 4, 6)]), (lambda n: n.ChannelShuffle(2), [normal(2, 6, 3, 3)]),
    (lambda n: n.CosineSimilarity(dim=1), [normal(4, 3), normal(4, 3)]),
    (lambda n: n.PairwiseDistance(p=3), [normal(4, 3), normal(4, 3)]),
    (lambda n: n.Embedding(10, 3), [np.array([[1, 2, 1], [9, 0, 2]])]),
    (lambda n: n.Embedding(10, 3, padding_idx=2), [np.array([[1, 2, 1], [9, 0, 2]])]),
    (lambda n: n.Embedding(10, 3, padding_idx=-1, scale_grad_by_freq=True), [np.array([[1, 9, 1], [9, 0, 2]])]),
    (lambda n: n.Embedding(10, 3, max_norm=1.0), [np.array([[1, 2, 1], [9, 0, 2]])]),
    (lambda n: n.EmbeddingBag(10, 3), [np.array([[1, 2, 1], [9, 0, 2]])]),
    (lambda n: n.EmbeddingBag(10, 3, mode="sum", padding_idx=2), [np.array([1, 2, 1, 9, 0, 2]), np.array([0, 2, 2])]),
    (lambda n: n.EmbeddingBag(10, 3, mode="max"), [np.array([1, 2, 1, 9, 0, 2]), np.array([0, 2, 2])]),
    (lambda n: n.EmbeddingBag(10, 3, mode="mean", include_last_offset=True), [np.array([1, 2, 1, 9]), np.array([0, 2, 4])]),
])  # fmt: skip
def test_layers(build, inputs, dtype):
    compare(build, *inputs, dtype=dtype, tol=1e-5 if dtype == "float32" else 1e-9)


def test_embedding_bag_with_weights():
    found = []
    for lib, n in BOTH:
        lib.manual_seed(1)
        bag = n.EmbeddingBag(6, 4, mode="sum")
        w = lib.tensor(np.linspace(0.1, 1, 5)).float().requires_grad_()
        out = bag(lib.tensor([1, 2, 1, 5, 0]), lib.tensor([0, 3]), per_sample_weights=w)
        (out * out).sum().backward()
        found.append((out.detach().numpy(), bag.weight.grad.numpy(), w.grad.numpy()))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name, shape", [
    ("Dropout", (50, 40)), ("Dropout1d", (6, 5, 4)), ("Dropout1d", (6, 5)), ("Dropout2d", (6, 5, 3, 3)),
    ("Dropout3d", (6, 5, 2, 2, 2)), ("Dropout3d", (6, 2, 2, 2)), ("AlphaDropout", (30, 20)), ("FeatureAlphaDropout", (6, 5, 3, 3)),
])  # fmt: skip
@pytest.mark.parametrize("p", [0.2, 0.0, 1.0])
def test_dropout(name, shape, p):
    x = normal(*shape).astype("float32")
    tl.manual_seed(11)
    layer = getattr(nn, name)(p)
    assert repr(layer) == repr(getattr(torch.nn, name)(p))
    a = tl.tensor(x, requires_grad=True)
    out = layer(a)
    out.sum().backward()
    y, g = out.numpy(force=True), a.grad.numpy()
    if p == 0:
        np.testing.assert_array_equal(y, x)
    elif p == 1:
        np.testing.assert_array_equal(y, 0)
    elif "Alpha" not in name:
        kept = g != 0
        np.testing.assert_allclose(y[kept], x[kept] / (1 - p), rtol=1e-6)
        np.testing.assert_array_equal(y[~kept], 0)
        assert kept.any() and not kept.all()
        if name != "Dropout":  # whole channels
            channels = kept.reshape(shape[0], shape[1], -1) if len(shape) > len("Dropout1d") // 5 + 1 else kept
            lead = 2 if len(shape) == {"Dropout1d": 3, "Dropout2d": 4, "Dropout3d": 5}[name] else 1
            flat = kept.reshape(*shape[:lead], -1)
            assert (flat.all(-1) | ~flat.any(-1)).all() and channels.size
    else:
        assert abs(y.mean() - x.mean()) < 0.4
    np.testing.assert_array_equal(layer.eval()(a).numpy(force=True), x)


def test_dropout_draws_pytorchs_mask():
    x = np.ones((100, 100), "float32")
    masks = []
    for lib in (tl, torch):
        lib.manual_seed(5)
        # bernoulli of a tensor of probabilities is PyTorch's portable stream, on every machine
        masks.append(lib.bernoulli(lib.full((100, 100), 0.5, dtype=lib.float64)).numpy() if lib is torch else None)
    tl.manual_seed(5)
    ours = F.dropout(tl.tensor(x), 0.5).numpy() / 2
    np.testing.assert_array_equal(ours, masks[1])


def test_dropout_in_place_and_bad_p():
    x = tl.ones(1000)
    assert F.dropout(x, 0.5, inplace=True) is x and (x == 0).any()
    with pytest.raises(ValueError, match=r"dropout probability has to be between 0 and 1, but got 1.5"):
        nn.Dropout(1.5)
    with pytest.raises(ValueError, match=r"but got -0.1"):
        F.dropout(x, -0.1)


def test_embedding_from_pretrained_and_bad_indices():
    table = tl.tensor(normal(4, 3).astype("float32"))
    frozen = nn.Embedding.from_pretrained(table)
    assert not frozen.weight.requires_grad and frozen.weight.data_ptr() == table.data_ptr()
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(IndexError, match=r"index out of range in self"):
        frozen(tl.tensor([4]))
    with pytest.raises(IndexError, match=r"index out of range in self"):
        frozen(tl.tensor([-1]))
    with pytest.raises(RuntimeError, match=r"scalar types: Long, Int; but got torch.FloatTensor"):
        frozen(tl.tensor([1.0]))
    with pytest.raises(NotImplementedError, match=r"sparse"):
        nn.Embedding(3, 2, sparse=True)


def test_embedding_second_order():
    w = tl.tensor(normal(5, 3), requires_grad=True)
    i = tl.tensor([[0, 1], [1, 4]])
    assert tl.autograd.gradcheck(lambda w: F.embedding(i, w), (w,))
    assert tl.autograd.gradgradcheck(lambda w: F.embedding(i, w) ** 2, (w,))


def test_one_hot():
    x = np.array([[0, 2], [1, 1]])
    for n in (-1, 5):
        np.testing.assert_array_equal(
            F.one_hot(tl.tensor(x), n).numpy(), torch.nn.functional.one_hot(torch.tensor(x), n).numpy()
        )
    with pytest.raises(RuntimeError, match=r"smaller than num_classes"):
        F.one_hot(tl.tensor(x), 2)
    with pytest.raises(RuntimeError, match=r"LongTensor"):
        F.one_hot(tl.tensor([1.0]))


# -- lazy layers -----------------------------------------------------------------------------------


def test_lazy_linear():
    found = []
    for lib, n in BOTH:
        lib.manual_seed(2)
        net = n.Sequential(n.LazyLinear(4), n.ReLU(), n.LazyLinear(2, bias=False))
        before = repr(net)
        out = net(lib.ones(3, 5))
        found.append((before, repr(net), out.detach().numpy(), [p.detach().numpy() for p in net.parameters()]))
    assert found[0][:2] == found[1][:2]
    for a, b in zip([found[0][2], *found[0][3]], [found[1][2], *found[1][3]]):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_lazy_loading():
    import copy
    import pickle

    lazy = nn.LazyLinear(4)
    with pytest.raises(RuntimeError, match=r"uninitialized parameter"):
        nn.Linear(5, 4).load_state_dict(lazy.state_dict())
    for clone in (copy.deepcopy(lazy), pickle.loads(pickle.dumps(lazy)), lazy):
        full = nn.Linear(5, 4)
        clone.load_state_dict(full.state_dict())
        x = tl.randn(2, 5)
        np.testing.assert_array_equal(clone(x).numpy(force=True), full(x).numpy(force=True))
        assert type(clone) is nn.Linear


# -- the small library's layers --------------------------------------------------------------------


def test_dense():
    layer = nn.layer.Dense(3, 2, activation=nn.activation.ReLU, weight_regularizer_l1=0.1, weight_regularizer_l2=0.2,
                           bias_regularizer_l2=0.3)  # fmt: skip
    w, b = layer.weight.numpy(force=True), layer.bias.numpy(force=True)
    expected = 0.1 * np.abs(w).sum() + 0.2 * (w**2).sum() + 0.3 * (b**2).sum()
    assert layer.regularization_loss().item() == pytest.approx(expected, rel=1e-6)
    assert nn.layer.Dense(3, 2).regularization_loss() == 0.0
    x = tl.randn(4, 3)
    np.testing.assert_array_equal(layer(x).numpy(force=True), np.maximum(layer.preactivation(x).numpy(force=True), 0))
    layer.activation = nn.activation.Tanh()
    np.testing.assert_allclose(layer(x).numpy(force=True), np.tanh(layer.preactivation(x).numpy(force=True)), rtol=1e-6)
    layer.activation = None
    assert list(layer.state_dict()) == ["weight", "bias"] and layer.n_inputs == 3


@pytest.mark.parametrize("arguments, error", [
    ((0, 2), ValueError), ((2.0, 2), TypeError), ((2, 2, "relu"), TypeError), ((2, 2, None, -1), ValueError),
    ((2, 2, None, "x"), TypeError),
])  # fmt: skip
def test_dense_refuses(arguments, error):
    with pytest.raises(error, match=r"Dense"):
        nn.layer.Dense(*arguments)
    with pytest.raises(TypeError):
        nn.layer.Dense(2, 2, units=3)


def test_small_dropout_and_batch_norm():
    assert nn.layer.Dropout(rate=0.3).p == 0.3
    layer = nn.layer.BatchNorm()
    x = tl.randn(16, 4)
    assert layer.unbuilt
    reference = torch.nn.BatchNorm1d(4)
    np.testing.assert_allclose(
        layer(x).numpy(force=True), reference(torch.tensor(x.numpy())).detach().numpy(), rtol=1e-4, atol=1e-5
    )
    assert layer.n == 4 and nn.layer.BatchNormalization is nn.layer.BatchNorm
    assert list(layer.state_dict()) == list(reference.state_dict())


def test_wrong_shapes_name_the_layer():
    net = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Sequential(nn.Linear(5, 2)))
    with pytest.raises(
        RuntimeError, match=r"3x4 and 5x2.*in 2.0: Linear\(in_features=5, out_features=2.*float32\[3, 4\]"
    ):
        net(tl.zeros(3, 8))
    with pytest.raises(ValueError):
        net(tl.zeros(3, 8))
    with pytest.raises(RuntimeError, match=r"divisible by the square of upscale_factor"):
        nn.PixelShuffle(2)(tl.zeros(1, 3, 2, 2))
    with pytest.raises(RuntimeError, match=r"input batch dimensions do not match"):
        nn.Bilinear(2, 3, 1)(tl.zeros(4, 2), tl.zeros(5, 3))
