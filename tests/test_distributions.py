"""Distributions against PyTorch's: samples, densities, moments, entropies, divergences, gradients."""

import inspect
import warnings

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import distributions as ours

torch = pytest.importorskip("torch")
import torch.distributions as theirs

rng = np.random.default_rng(0)
P = rng.random((2, 3))
Q = rng.random((2, 3))
L = rng.standard_normal((2, 3))
A = rng.standard_normal((3, 3))
COV = A @ A.T + 3 * np.eye(3)

CASES = {
    "Normal": [{"loc": L, "scale": P}],
    "HalfNormal": [{"scale": P}],
    "LogNormal": [{"loc": L, "scale": P}],
    "Laplace": [{"loc": L, "scale": P}],
    "Cauchy": [{"loc": L, "scale": P}],
    "Gumbel": [{"loc": L, "scale": P}],
    "Uniform": [{"low": -P, "high": Q}],
    "Exponential": [{"rate": P}],
    "Gamma": [{"concentration": 3 * P, "rate": Q}],
    "Chi2": [{"df": 3 * P}],
    "Beta": [{"concentration1": 3 * P, "concentration0": Q}],
    "Dirichlet": [{"concentration": 3 * P}],
    "Bernoulli": [{"probs": P}, {"logits": L}],
    "Geometric": [{"probs": P}, {"logits": L}],
    "Binomial": [{"total_count": 7, "probs": P}, {"total_count": 40, "logits": L}],
    "Poisson": [{"rate": 9 * P}],
    "Categorical": [{"probs": P}, {"logits": L}],
    "OneHotCategorical": [{"probs": P}, {"logits": L}],
    "Multinomial": [{"total_count": 9, "probs": P}, {"total_count": 5, "logits": L}],
    "MultivariateNormal": [
        {"loc": L, "covariance_matrix": COV},
        {"loc": L, "precision_matrix": COV},
        {"loc": L[0], "scale_tril": np.linalg.cholesky(np.stack([COV, COV + 1]))},
    ],
}
ALL = [(name, i) for name, cases in CASES.items() for i in range(len(cases))]


def make(name, i=0, grad=False):
    result = []
    for module, framework in ((ours, tl), (theirs, torch)):
        args = {
            k: framework.tensor(v, requires_grad=grad) if isinstance(v, np.ndarray) else v
            for k, v in CASES[name][i].items()
        }
        result.append((getattr(module, name)(**args), args))
    return result


def close(a, b, **tolerance):
    assert isinstance(a, tl.Tensor)
    a, b = a.detach().numpy(), b.detach().numpy()
    assert a.shape == b.shape and a.dtype == b.dtype
    np.testing.assert_allclose(a, b, **{"rtol": 1e-9, "atol": 1e-11} | tolerance)


def outcome(function):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function()
        except (NotImplementedError, AttributeError):
            return None


@pytest.mark.parametrize("name, i", ALL)
def test_same_samples_and_densities(name, i):
    (a, x), (b, y) = make(name, i, grad=True)
    assert a.batch_shape == tuple(b.batch_shape) and a.event_shape == tuple(b.event_shape)
    assert a.has_enumerate_support == b.has_enumerate_support
    for shape in ((), (4,), (30, 2)):
        tl.manual_seed(5), torch.manual_seed(5)
        s, t = a.sample(shape), b.sample(shape)
        close(s, t)
        assert not s.requires_grad
        p, q = a.log_prob(s), b.log_prob(t)
        close(p, q, rtol=1e-7)
    names = [k for k in x if isinstance(x[k], tl.Tensor)]
    grads = torch.autograd.grad(q.sum(), [y[k] for k in names], allow_unused=True, retain_graph=True)
    for g, h in zip(
        tl.autograd.grad(p.sum(), [x[k] for k in names], None, True, allow_unused=True), grads, strict=True
    ):
        if h is None:
            assert g is None or (g == 0).all()
        else:
            close(g if g is not None else tl.zeros_like(x[names[0]]), h, rtol=1e-6, atol=1e-8)
    if a.has_rsample:
        tl.manual_seed(6), torch.manual_seed(6)
        s, t = a.rsample((3,)), b.rsample((3,))
        close(s, t)
        for k in names:
            (g,), (h,) = (
                tl.autograd.grad(s.sum(), [x[k]], retain_graph=True),
                torch.autograd.grad(t.sum(), [y[k]], retain_graph=True),
            )
            close(g, h, rtol=1e-7)
    else:
        with pytest.raises(NotImplementedError, match="rsample"):
            a.rsample()


@pytest.mark.parametrize("name, i", ALL)
def test_same_moments_and_functions(name, i):
    (a, x), (b, y) = make(name, i, grad=True)
    for what in (
        "mean",
        "variance",
        "stddev",
        "mode",
        "probs",
        "logits",
        "covariance_matrix",
        "precision_matrix",
        "scale_tril",
    ):
        expected = outcome(lambda: getattr(b, what))
        if isinstance(expected, torch.Tensor) and not (what == "mode" and name in ("Dirichlet", "Beta")):
            close(getattr(a, what), expected, rtol=1e-7)
    for what in ("entropy", "perplexity", "enumerate_support"):
        expected = outcome(getattr(b, what))
        if expected is not None:
            close(getattr(a, what)(), expected, rtol=1e-7)
    if outcome(b.entropy) is not None:
        names = [k for k in x if isinstance(x[k], tl.Tensor)]
        theirs_ = torch.autograd.grad(b.entropy().sum(), [y[k] for k in names], allow_unused=True)
        for g, h in zip(
            tl.autograd.grad(a.entropy().sum(), [x[k] for k in names], allow_unused=True), theirs_, strict=True
        ):
            if g is None or h is None:
                assert (g is None or (g == 0).all()) and (h is None or (h == 0).all())
            else:
                close(g, h, rtol=1e-6)
    if name not in ("Gamma", "Chi2", "Beta") and outcome(lambda: b.cdf(b.sample())) is not None:
        torch.manual_seed(0)
        t = b.sample((3,))
        close(a.cdf(tl.tensor(t.detach().numpy())), b.cdf(t), rtol=1e-7)
        u = rng.random((3, 2, 3))
        close(a.icdf(tl.tensor(u)), b.icdf(torch.tensor(u)), rtol=1e-7)
    c, d = a.expand((4, *a.batch_shape)), b.expand((4, *b.batch_shape))
    assert c.batch_shape == tuple(d.batch_shape) and c.event_shape == tuple(d.event_shape)
    tl.manual_seed(1), torch.manual_seed(1)
    s, t = c.sample((2,)), d.sample((2,))
    close(s, t)
    close(c.log_prob(s), d.log_prob(t), rtol=1e-7)
    assert repr(a).split("(")[0] == name


@pytest.mark.parametrize("name", [n for n in CASES if n not in ("Multinomial", "Chi2")])
def test_divergences(name):
    for i in range(len(CASES[name])):
        (a, x), (b, y) = make(name, 0, grad=True)
        (c, _), (d, _) = make(name, i)
        if name == "Binomial" and i:
            with pytest.raises(NotImplementedError):
                ours.kl_divergence(a, c)
            continue
        p, q = ours.kl_divergence(a, c), theirs.kl_divergence(b, d)
        close(p, q, rtol=1e-6, atol=1e-9)
    for module, framework in ((ours, tl), (theirs, torch)):
        args = {k: framework.tensor(v * 1.3) if isinstance(v, np.ndarray) and k != "probs" else (framework.tensor(v**0.5) if k == "probs" else v) for k, v in CASES[name][0].items()}  # fmt: skip
        if module is ours:
            p = ours.kl_divergence(a, getattr(module, name)(**args))
        else:
            q = theirs.kl_divergence(b, getattr(module, name)(**args))
    close(p, q, rtol=1e-6)
    first = next(k for k in x if isinstance(x[k], tl.Tensor))
    if np.isfinite(p.detach().numpy()).all():
        (g,), (h,) = tl.autograd.grad(p.sum(), [x[first]]), torch.autograd.grad(q.sum(), [y[first]])
        close(g, h, rtol=1e-6, atol=1e-9)


def test_independent():
    (a, _), (b, _) = make("Normal")
    p, q = ours.Independent(a, 1), theirs.Independent(b, 1)
    assert p.batch_shape == (2,) and p.event_shape == (3,) and p.has_rsample
    tl.manual_seed(0), torch.manual_seed(0)
    s, t = p.rsample((5,)), q.rsample((5,))
    close(s, t)
    close(p.log_prob(s), q.log_prob(t))
    close(p.entropy(), q.entropy())
    close(ours.kl_divergence(p, ours.Independent(ours.Normal(0.0 * a.loc, 1.0), 1)), theirs.kl_divergence(q, theirs.Independent(theirs.Normal(0.0 * b.loc, 1.0), 1)))  # fmt: skip
    assert p.expand((7, 2)).sample().shape == (7, 2, 3)
    assert repr(p) == "Independent(Normal(loc: torch.Size([2, 3]), scale: torch.Size([2, 3])), 1)" == repr(q)
    with pytest.raises(ValueError, match="reinterpreted_batch_ndims"):
        ours.Independent(a, 3)


@pytest.mark.parametrize(
    "transforms",
    [
        lambda m, t: m.transforms.ExpTransform(),
        lambda m, t: [m.AffineTransform(1.0, -2.0), m.SigmoidTransform()],
        lambda m, t: [m.TanhTransform(), m.AffineTransform(t.tensor(L), t.tensor(P))],
    ],
)
def test_transformed(transforms):
    (a, _), (b, _) = make("Normal")
    p, q = (
        ours.TransformedDistribution(a, transforms(ours, tl)),
        theirs.TransformedDistribution(b, transforms(theirs, torch)),
    )
    tl.manual_seed(0), torch.manual_seed(0)
    s, t = p.rsample((5,)), q.rsample((5,))
    close(s, t)
    close(p.log_prob(s), q.log_prob(t), rtol=1e-6)
    close(p.cdf(s), q.cdf(t), rtol=1e-6)
    u = rng.random((2, 3))
    close(p.icdf(tl.tensor(u)), q.icdf(torch.tensor(u)), rtol=1e-7)


def test_numbers_as_parameters_and_float32():
    tl.manual_seed(3), torch.manual_seed(3)
    for make_one in (
        lambda m: m.Normal(0, 1), lambda m: m.Uniform(0.0, 5), lambda m: m.Bernoulli(0.3), lambda m: m.Exponential(2.0),
        lambda m: m.Poisson(4.0), lambda m: m.Binomial(5, 0.5), lambda m: m.Gamma(2.0, 3.0), lambda m: m.Laplace(0, 1.0),
    ):  # fmt: skip
        a, b = make_one(ours), make_one(theirs)
        s, t = a.sample((20,)), b.sample((20,))
        assert s.dtype is tl.float32
        close(s, t, rtol=2e-6)
        close(a.log_prob(s), b.log_prob(t), rtol=2e-5, atol=1e-6)
        assert repr(a) == repr(b)


def test_gradients_survive_sampling():
    logits = tl.zeros(3, requires_grad=True)
    d = ours.Categorical(logits=logits)
    action = d.sample()  # computes the probabilities without recording
    (d.log_prob(action) + d.entropy() + d.probs[0]).backward()
    assert logits.grad is not None and (logits.grad != 0).any()


@pytest.mark.parametrize(
    "call",
    [
        lambda m, t: m.Normal(0.0, -1.0),
        lambda m, t: m.Normal(t.tensor([0.0, float("nan")]), 1.0),
        lambda m, t: m.Normal("a", 1.0),
        lambda m, t: m.Normal(0.0, 1.0).log_prob(1.0),
        lambda m, t: m.Normal(t.zeros(3), 1.0).log_prob(t.zeros(2)),
        lambda m, t: m.Uniform(1.0, 0.0),
        lambda m, t: m.Uniform(0.0, 1.0).log_prob(t.tensor(2.0)),
        lambda m, t: m.Bernoulli(1.5),
        lambda m, t: m.Bernoulli(),
        lambda m, t: m.Bernoulli(0.5, 0.5),
        lambda m, t: m.Bernoulli(0.5).log_prob(t.tensor(0.5)),
        lambda m, t: m.Categorical(t.tensor(0.5)),
        lambda m, t: m.Categorical(t.tensor([-1.0, 2.0])),
        lambda m, t: m.Categorical(t.ones(3)).log_prob(t.tensor(3)),
        lambda m, t: m.OneHotCategorical(t.ones(3)).log_prob(t.tensor([1.0, 1.0, 0.0])),
        lambda m, t: m.Poisson(-1.0),
        lambda m, t: m.Multinomial(5, t.ones(3)).log_prob(t.tensor([5.0, 1.0, 1.0])),
        lambda m, t: m.MultivariateNormal(t.zeros(2)),
        lambda m, t: m.MultivariateNormal(t.zeros(2), t.tensor([[1.0, 2.0], [0.0, 1.0]])),
        lambda m, t: m.MultivariateNormal(t.zeros(2), scale_tril=t.tensor([[1.0, 2.0], [0.0, 1.0]])),
        lambda m, t: m.MultivariateNormal(t.zeros(2), t.eye(2)).log_prob(t.zeros(3)),
        lambda m, t: m.kl_divergence(m.Normal(0.0, 1.0), m.Poisson(1.0)),
        lambda m, t: m.Distribution.set_default_validate_args(3),
        lambda m, t: m.Poisson(1.0).cdf(t.tensor(1.0)),
        lambda m, t: m.Poisson(1.0).rsample(),
    ],
)
def test_errors_are_pytorchs(call):
    with pytest.raises(Exception) as b:
        call(theirs, torch)
    with pytest.raises(b.type):
        call(ours, tl)


def test_messages_and_validation():
    with pytest.raises(
        ValueError,
        match=r"parameter scale \(Tensor of shape \(2,\)\) of distribution Normal\(.*GreaterThan\(lower_bound=0\.0\)",
    ):
        ours.Normal(tl.zeros(2), tl.tensor([1.0, -1.0]))
    with pytest.raises(ValueError, match=r"within the support \(IntegerInterval\(lower_bound=0, upper_bound=2\)\)"):
        ours.Categorical(tl.ones(3)).log_prob(tl.tensor(7))
    assert ours.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    ours.Distribution.set_default_validate_args(False)
    try:
        assert ours.Poisson(1.0).log_prob(tl.tensor(-0.5)).item() < 0
    finally:
        ours.Distribution.set_default_validate_args(True)


def test_divergences_that_are_infinite():
    p, q = tl.tensor([0.5, 0.5, 0.0]), tl.tensor([1.0, 0.0, 0.0])
    assert ours.kl_divergence(ours.Categorical(p), ours.Categorical(q)).item() == float("inf")
    assert ours.kl_divergence(ours.Categorical(q), ours.Categorical(p)).item() == pytest.approx(np.log(2), rel=1e-5)
    assert ours.kl_divergence(ours.Uniform(0.0, 2.0), ours.Uniform(0.0, 1.0)).item() == float("inf")
    assert ours.kl_divergence(ours.Bernoulli(1.0), ours.Bernoulli(0.0)).item() == float("inf")


def test_own_rules_and_doors():
    class Mine(ours.Normal):
        pass

    @ours.register_kl(Mine, Mine)
    def rule(p, q):
        return "mine"

    assert ours.kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0)) == "mine"
    assert ours.kl_divergence(Mine(0.0, 1.0), ours.Normal(0.0, 1.0)).item() == 0
    from tensorlite.distributions.binomial import Binomial
    from tensorlite.distributions.multivariate_normal import MultivariateNormal

    assert Binomial is ours.Binomial and MultivariateNormal is ours.MultivariateNormal
    assert tl.distributions.categorical.Categorical is ours.Categorical
    for name in ours.__all__:
        item = getattr(ours, name)
        assert not inspect.isclass(item) or item.__doc__
