"""Losses against PyTorch: values, gradients, second derivatives, reductions, messages."""

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.nn import functional as F

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.standard_normal(shape)


def unit(*shape):
    return rng.uniform(0.05, 0.95, shape)


def signs(*shape):
    return np.where(rng.uniform(size=shape) < 0.5, -1.0, 1.0)


def labels(n, *shape):
    return rng.integers(0, n, shape)


W = np.array([0.5, 1.0, 2.0, 0.25, 1.5])
X, X4 = normal(7, 5), normal(3, 5, 2, 4)
Y, Y4 = labels(5, 7), labels(5, 3, 2, 4)
IGNORED = np.where(np.arange(7) % 3 == 0, -100, Y)
SOFT = rng.dirichlet(np.ones(5), 7)

#: name, differentiable arguments, constant arguments, settings
CASES = [
    ("mse_loss", [normal(4, 3), normal(4, 3)], [], {}),
    ("mse_loss", [normal(4, 3), normal(4, 3)], [], {"weight": np.abs(normal(4, 3))}),
    ("mse_loss", [normal(), normal()], [], {}),
    ("l1_loss", [normal(4, 3), normal(4, 3)], [], {}),
    ("l1_loss", [normal(4, 3), normal(4, 3)], [], {"weight": np.abs(normal(4, 3))}),
    ("smooth_l1_loss", [normal(4, 3) * 2, normal(4, 3)], [], {}),
    ("smooth_l1_loss", [normal(4, 3) * 2, normal(4, 3)], [], {"beta": 0.3}),
    ("smooth_l1_loss", [normal(4, 3) * 2, normal(4, 3)], [], {"beta": 0.0}),
    ("huber_loss", [normal(4, 3) * 2, normal(4, 3)], [], {}),
    ("huber_loss", [normal(4, 3) * 2, normal(4, 3)], [], {"delta": 0.5}),
    ("binary_cross_entropy", [unit(4, 3)], [unit(4, 3)], {}),
    ("binary_cross_entropy", [unit(4, 3)], [unit(4, 3)], {"weight": unit(3)}),
    ("binary_cross_entropy_with_logits", [normal(4, 3) * 5], [unit(4, 3)], {}),
    ("binary_cross_entropy_with_logits", [normal(4, 3) * 5], [unit(4, 3)], {"weight": unit(4, 3)}),
    ("binary_cross_entropy_with_logits", [normal(4, 3) * 5], [unit(4, 3)], {"pos_weight": unit(3) * 3}),
    ("kl_div", [np.log(SOFT[::-1].copy()), SOFT], [], {}),
    ("kl_div", [np.log(SOFT[::-1].copy()), np.log(SOFT)], [], {"log_target": True}),
    ("poisson_nll_loss", [normal(4, 3)], [labels(6, 4, 3) * 1.0], {}),
    ("poisson_nll_loss", [normal(4, 3)], [labels(6, 4, 3) * 1.0], {"full": True}),
    ("poisson_nll_loss", [unit(4, 3)], [labels(6, 4, 3) * 1.0], {"log_input": False}),
    ("gaussian_nll_loss", [normal(4, 3), normal(4, 3), unit(4, 3)], [], {}),
    ("gaussian_nll_loss", [normal(4, 3), normal(4, 3), unit(4)], [], {"full": True}),
    ("gaussian_nll_loss", [normal(4, 3), normal(4, 3), unit(4, 1)], [], {"eps": 0.5}),
    ("hinge_embedding_loss", [normal(4, 3)], [signs(4, 3)], {}),
    ("hinge_embedding_loss", [normal(4, 3)], [signs(4, 3)], {"margin": 0.3}),
    ("margin_ranking_loss", [normal(4), normal(4)], [signs(4)], {"margin": 0.3}),
    ("soft_margin_loss", [normal(4, 3)], [signs(4, 3)], {}),
    ("multilabel_soft_margin_loss", [normal(4, 3)], [labels(2, 4, 3) * 1.0], {}),
    ("multilabel_soft_margin_loss", [normal(4, 3)], [labels(2, 4, 3) * 1.0], {"weight": unit(3)}),
    ("multilabel_margin_loss", [normal(3, 4)], [np.array([[3, 0, -1, 1], [1, -1, -1, -1], [-1, 2, 0, 1]])], {}),
    ("multilabel_margin_loss", [normal(4)], [np.array([3, 0, -1, 1])], {}),
    ("multi_margin_loss", [X], [Y], {}),
    ("multi_margin_loss", [X], [Y], {"p": 2, "margin": 0.7, "weight": W}),
    ("multi_margin_loss", [X[0]], [Y[0]], {}),
    ("cosine_embedding_loss", [normal(4, 3), normal(4, 3)], [signs(4)], {"margin": 0.2}),
    ("cosine_embedding_loss", [normal(3), normal(3)], [np.array(1.0)], {}),
    ("triplet_margin_loss", [normal(4, 3), normal(4, 3), normal(4, 3)], [], {}),
    ("triplet_margin_loss", [normal(4, 3), normal(4, 3), normal(4, 3)], [], {"p": 1, "swap": True, "margin": 2.0}),
    ("triplet_margin_with_distance_loss", [normal(4, 3), normal(4, 3), normal(4, 3)], [], {"swap": True}),
    ("nll_loss", [X], [Y], {}),
    ("nll_loss", [X], [IGNORED], {"weight": W}),
    ("nll_loss", [X4], [Y4], {"weight": W, "ignore_index": 2}),
    ("nll_loss", [X[0]], [Y[0]], {}),
    ("cross_entropy", [X], [Y], {}),
    ("cross_entropy", [X * 50], [Y], {}),
    ("cross_entropy", [X], [IGNORED], {}),
    ("cross_entropy", [X], [Y], {"weight": W}),
    ("cross_entropy", [X], [Y], {"label_smoothing": 0.1}),
    ("cross_entropy", [X], [IGNORED], {"label_smoothing": 0.3, "weight": W}),
    ("cross_entropy", [X4], [Y4], {"weight": W, "label_smoothing": 0.2, "ignore_index": 1}),
    ("cross_entropy", [X4], [Y4], {}),
    ("cross_entropy", [X[0]], [Y[0]], {}),
    ("cross_entropy", [X, SOFT], [], {}),
    ("cross_entropy", [X, SOFT], [], {"weight": W, "label_smoothing": 0.1}),
    ("cross_entropy", [X4, np.moveaxis(rng.dirichlet(np.ones(5), (3, 2, 4)), -1, 1).copy()], [], {"weight": W}),
    ("cosine_similarity", [normal(4, 3), normal(4, 3)], [], {}),
    ("cosine_similarity", [normal(4, 3), normal(1, 3)], [], {"dim": 0}),
    ("pairwise_distance", [normal(4, 3), normal(4, 3)], [], {}),
    ("pairwise_distance", [normal(4, 3), normal(4, 3)], [], {"p": 1.0, "keepdim": True}),
    ("pdist", [normal(5, 3)], [], {}),
]  # fmt: skip
PLAIN = {"cosine_similarity", "pairwise_distance", "pdist"}
BENT = {"pdist", "l1_loss", "multilabel_margin_loss", "multi_margin_loss", "hinge_embedding_loss"}


def run(lib, f, name, inputs, constants, settings, dtype, **more):
    def convert(a):
        return lib.tensor(a.astype(dtype) if a.dtype.kind == "f" else a)

    xs = [convert(np.asarray(a)).requires_grad_() for a in inputs]
    settings = {k: convert(v) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
    return xs, getattr(f, name)(*xs, *[convert(np.asarray(c)) for c in constants], **settings, **more)


def reductions(name):
    return [{}] if name in PLAIN else [{"reduction": r} for r in ("mean", "sum", "none")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{'-'.join(c[3])}")
def test_against_pytorch(case, dtype):
    tol = {"rtol": 2e-5, "atol": 2e-6} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-11}
    for more in reductions(case[0]):
        found = []
        for lib, f in ((tl, F), (torch, torch.nn.functional)):
            xs, out = run(lib, f, *case, dtype, **more)
            g = np.random.default_rng(1).standard_normal(tuple(out.shape)).astype(dtype)
            out.backward(lib.tensor(g))
            found.append([out.detach().numpy(), *[x.grad.numpy() for x in xs]])
        for ours, theirs in zip(*found):
            assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, **tol, err_msg=str(more))


@pytest.mark.parametrize("case", [c for c in CASES if c[0] not in BENT], ids=lambda c: f"{c[0]}-{'-'.join(c[3])}")
def test_second_derivatives(case):
    found = []
    for lib, f in ((tl, F), (torch, torch.nn.functional)):
        xs, out = run(lib, f, *case, "float64")
        ds = lib.autograd.grad((out * out).sum(), xs[:1], create_graph=True)
        (ds[0] * ds[0]).sum().backward()
        found.append(xs[0].grad.numpy())
    np.testing.assert_allclose(*found, rtol=1e-7, atol=1e-9)


def test_gradcheck_of_fused_losses():
    x = tl.tensor(X, requires_grad=True)
    w = tl.tensor(W)
    for settings in ({}, {"weight": w}, {"label_smoothing": 0.1}, {"reduction": "none", "weight": w}):
        assert tl.autograd.gradcheck(lambda x: F.cross_entropy(x, tl.tensor(IGNORED), **settings), (x,))
    a, b = (tl.tensor(normal(3, 2), requires_grad=True) for _ in range(2))
    assert tl.autograd.gradcheck(F.mse_loss, (a, b)) and tl.autograd.gradgradcheck(F.mse_loss, (a, b))


def test_large_batches_in_blocks():
    x = normal(5000, 40).astype("float32")
    y = labels(40, 5000)
    found = []
    for lib, f in ((tl, F), (torch, torch.nn.functional)):
        a = lib.tensor(x, requires_grad=True)
        loss = f.cross_entropy(a, lib.tensor(y))
        loss.backward()
        found.append((loss.item(), a.grad.numpy()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-4, atol=1e-9)


def test_nothing_to_average():
    assert np.isnan(F.cross_entropy(tl.zeros(2, 3), tl.tensor([-100, -100])).item())
    assert np.isnan(F.mse_loss(tl.zeros(0), tl.zeros(0)).item())
    assert F.cross_entropy(tl.zeros(2, 3), tl.tensor([-100, -100]), reduction="sum").item() == 0


@pytest.mark.parametrize("name, make", [
    ("L1Loss", {}), ("MSELoss", {"reduction": "sum"}), ("SmoothL1Loss", {"beta": 0.5}), ("HuberLoss", {"delta": 2.0}),
    ("SoftMarginLoss", {}), ("BCEWithLogitsLoss", {}), ("HingeEmbeddingLoss", {}), ("MultiLabelSoftMarginLoss", {}),
    ("KLDivLoss", {"reduction": "batchmean"}), ("PoissonNLLLoss", {}),
])  # fmt: skip
def test_modules(name, make):
    a, b = normal(4, 3), labels(2, 4, 3) * 1.0
    ours, theirs = getattr(nn, name)(**make), getattr(torch.nn, name)(**make)
    assert repr(ours) == repr(theirs)
    np.testing.assert_allclose(
        ours(tl.tensor(a), tl.tensor(b)).item(), theirs(torch.tensor(a), torch.tensor(b)).item(), rtol=1e-9
    )  # fmt: skip


def test_modules_with_weights():
    for lib, n in ((tl, nn), (torch, torch.nn)):
        loss = n.CrossEntropyLoss(weight=lib.tensor(W), ignore_index=3, label_smoothing=0.1)
        assert list(loss.state_dict()) == ["weight"]
    assert nn.NLLLoss()(tl.tensor(X), tl.tensor(Y)).item() == pytest.approx(-X[np.arange(7), Y].mean())


def test_legacy_arguments():
    with pytest.warns(UserWarning, match=r"please use reduction='sum' instead"):
        assert F.mse_loss(tl.ones(3), tl.zeros(3), size_average=False).item() == 3
    with pytest.warns(UserWarning, match=r"please use reduction='none' instead"):
        assert nn.L1Loss(reduce=False)(tl.ones(3), tl.zeros(3)).shape == (3,)
    with pytest.raises(ValueError, match=r"is not a valid value for reduction"):
        F.mse_loss(tl.ones(3), tl.zeros(3), reduction="avg")


def test_broadcast_warning():
    message = (
        r"Using a target size \(torch.Size\(\[4\]\)\) that is different to the input size \(torch.Size\(\[4, 1\]\)\)"
    )
    with pytest.warns(UserWarning, match=message):
        out = F.mse_loss(tl.ones(4, 1, requires_grad=True), tl.zeros(4))
    assert out.item() == 1


@pytest.mark.parametrize("target, error, message", [
    (tl.tensor([0, 3, 1]), IndexError, "Target 3 is out of bounds"),
    (tl.tensor([0, -1, 1]), IndexError, "Target -1 is out of bounds"),
    (tl.tensor([1, 2, 3]), IndexError, "labels start at 1"),
    (tl.tensor([0.0, 1.0, 2.0]), RuntimeError, "expected target dtype to be Long or Byte, but got Float"),
    (tl.tensor([0, 1, 2]).int(), RuntimeError, "expected target dtype to be Long or Byte, but got Int"),
    (tl.tensor([0, 1]), ValueError, r"Expected input batch_size \(3\) to match target batch_size \(2\)"),
    (tl.tensor([[0], [1], [2]]), RuntimeError, "multi-target not supported"),
    (tl.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 1]]), RuntimeError, "Expected floating point type for target"),
])  # fmt: skip
def test_bad_labels(target, error, message):
    with pytest.raises(error, match=message):
        F.cross_entropy(tl.zeros(3, 3), target)


def test_bad_probabilities():
    with pytest.raises(RuntimeError, match=r"all elements of input should be between 0 and 1"):
        F.binary_cross_entropy(tl.tensor([1.5]), tl.tensor([1.0]))
    with pytest.raises(RuntimeError, match=r"Found dtype Long but expected Float"):
        F.binary_cross_entropy(tl.tensor([0.5]), tl.tensor([1]))
    with pytest.raises(ValueError, match=r"Target size"):
        F.binary_cross_entropy_with_logits(tl.zeros(4, 1), tl.zeros(4))
    for refused in (lambda: nn.CTCLoss(), lambda: F.ctc_loss()):
        with pytest.raises(NotImplementedError):
            refused()


def test_small_names():
    p = F.softmax(tl.tensor(X), dim=1)
    loss = nn.loss.CategoricalCrossentropy()
    expected = F.cross_entropy(tl.tensor(X), tl.tensor(Y)).item()
    assert loss(p, tl.tensor(Y)).item() == pytest.approx(expected)
    assert loss(p, F.one_hot(tl.tensor(Y), 5)).item() == pytest.approx(expected)
    assert nn.loss.MeanSquaredError()(tl.ones(3), tl.zeros(3)).item() == 1
    assert nn.loss.MeanAbsoluteError()(tl.ones(3) * 2, tl.zeros(3)).item() == 2
    q = tl.sigmoid(tl.tensor(normal(4, 1)))
    assert nn.loss.BinaryCrossentropy()(q, tl.tensor([[1], [0], [1], [1]])).item() > 0
    with pytest.raises(IndexError, match=r"out of bounds"):
        loss(p, tl.tensor(Y + 3))
    with pytest.raises(ValueError, match=r"one-hot"):
        loss(p, tl.tensor(SOFT))


def test_cross_entropy_keeps_small_losses_exact_and_ignores_what_is_not_finite():
    x = np.array([[30.0, 12.0, 1.0], [900.0, 880.0, 3.0], [np.nan, np.inf, 1.0]], np.float32)
    t = np.array([0, 0, -100])
    theirs = torch.tensor(x.astype(np.float64), requires_grad=True)
    want = torch.nn.functional.cross_entropy(theirs, torch.tensor(t), reduction="none")
    got = tl.nn.functional.cross_entropy(tl.tensor(x), tl.tensor(t), reduction="none")
    np.testing.assert_allclose(got.numpy(), want.detach().numpy(), atol=1e-7)
    alone = tl.nn.functional.cross_entropy(tl.tensor(x[:1]), tl.tensor(t[:1]))
    np.testing.assert_allclose(alone.item(), want[0].item(), atol=1e-7)


def test_targets_of_double_precision_against_float_logits():
    for x, y in ((tl.float32, tl.float64), (tl.float64, tl.float32), (tl.float16, tl.float32)):

        def run(t):
            logits = t.tensor([[0.3, -1.0]], dtype=getattr(t, str(x)[6:]), requires_grad=True)
            target = t.tensor([[1.0, 0.25]], dtype=getattr(t, str(y)[6:]))
            loss = t.nn.BCEWithLogitsLoss()(logits, target)
            loss.backward()
            return str(loss.dtype), loss.item(), str(logits.grad.dtype), logits.grad.tolist()

        a, b = run(tl), run(torch)
        assert a[::2] == b[::2] and a[1] == pytest.approx(b[1], rel=1e-3)
        np.testing.assert_allclose(a[3], b[3], rtol=1e-2)


def test_multi_margin_refuses_labels_outside():
    for t in (tl, torch):
        with pytest.raises(RuntimeError, match="target out of range"):
            t.nn.MultiMarginLoss()(t.ones(1, 4), t.tensor([4]))


def test_adaptive_softmax():
    def run(t, batch=True):
        t.manual_seed(0)
        m = t.nn.AdaptiveLogSoftmaxWithLoss(8, 16, [4, 10], div_value=2.0, head_bias=True)
        x, y = t.randn(7, 8, requires_grad=True), t.tensor([0, 3, 9, 15, 2, 10, 4])
        out = m(x, y) if batch else m(x[3], y[3])
        out.loss.backward()
        more = [
            out.output,
            m.log_prob(x),
            m.predict(x),
            x.grad,
            *[p.grad for p in m.parameters() if p.grad is not None],
        ]
        return list(m.state_dict()), repr(m), [v.detach().numpy() for v in (out.loss, *more)]

    for batch in (True, False):
        a, b = run(tl, batch), run(torch, batch)
        assert a[:2] == b[:2]
        for x, y in zip(a[2], b[2], strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)
    for call in (
        lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 16, []),
        lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 16, [4, 4]),
        lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 16, [16]),
        lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 16, [4])(t.zeros(2, 8), t.tensor([16, 0])),
        lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 16, [4])(t.zeros(2, 8), t.tensor([1])),
        lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 16, [4])(t.zeros(8), t.tensor([1])),
        lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 16, [4])(t.zeros(2, 8), t.tensor(1)),
    ):
        with pytest.raises(Exception) as theirs:
            call(torch)
        with pytest.raises(theirs.type):
            call(tl)
