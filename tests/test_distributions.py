"""Distributions against PyTorch's: samples, densities, moments, entropies, divergences, gradients."""

import inspect
import warnings

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import distributions as ours

torch = pytest.importorskip("torch")
import torch.distributions as theirs

# PyTorch's takes its good samples for singular ones, warns, and draws them again
theirs.Wishart.rsample = lambda self, sample_shape=(): self._bartlett_sampling(torch.Size(sample_shape))
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
    "LowRankMultivariateNormal": [{"loc": L, "cov_factor": A[:, :2], "cov_diag": P[0]}],
    "StudentT": [{"df": 4 * P, "loc": L, "scale": Q}],
    "FisherSnedecor": [{"df1": 9 * P, "df2": 9 * Q}],
    "GeneralizedPareto": [
        {"loc": np.float32(L), "scale": np.float32(P), "concentration": np.array([-0.4, 0.0, 0.7], np.float32)}
    ],
    "VonMises": [{"loc": L, "concentration": 5 * P}],
    "ContinuousBernoulli": [{"probs": P}, {"logits": L}, {"probs": np.array([0.5, 0.4995, 0.1])}],
    "NegativeBinomial": [{"total_count": 5, "probs": P}, {"total_count": 3 * Q, "logits": L}],
    "OneHotCategoricalStraightThrough": [{"probs": P}, {"logits": L}],
    "LogitRelaxedBernoulli": [{"temperature": np.array(0.7), "probs": P}, {"temperature": np.array(2.0), "logits": L}],
    "RelaxedBernoulli": [{"temperature": np.array(0.7), "probs": P}, {"temperature": np.array(2.0), "logits": L}],
    "RelaxedOneHotCategorical": [
        {"temperature": np.array(0.7), "probs": P},
        {"temperature": np.array(2.0), "logits": L},
    ],
    "HalfCauchy": [{"scale": P}],
    "InverseGamma": [{"concentration": 4 * P, "rate": Q}],
    "Kumaraswamy": [{"concentration1": 3 * P, "concentration0": 3 * Q}],
    "LogisticNormal": [{"loc": L, "scale": P}],
    "Pareto": [{"scale": P, "alpha": 4 * Q}],
    "Weibull": [{"scale": P, "concentration": 3 * Q + 0.3}],
    "LKJCholesky": [{"dim": 4, "concentration": 3 * P}],
    "Wishart": [
        {"df": np.array([4.0, 7.5]), "covariance_matrix": COV},
        {"df": np.array(3.5), "precision_matrix": COV},
        {"df": 5, "scale_tril": np.linalg.cholesky(COV)},
    ],
}
RTOL = {"VonMises": 1e-5}  # PyTorch's Bessel functions are single precision
GAMMA = ("df", "df1", "df2", "concentration", "concentration1", "concentration0")  # PyTorch's gradients are rounded
NO_RULE = ("Multinomial", "Chi2", "StudentT", "FisherSnedecor", "GeneralizedPareto", "VonMises", "NegativeBinomial",
           "LogitRelaxedBernoulli", "RelaxedBernoulli", "RelaxedOneHotCategorical", "Kumaraswamy", "Weibull", "LKJCholesky",
           "Wishart")  # fmt: skip
ALL = [(name, i) for name, cases in CASES.items() for i in range(len(cases))]


def make(name, i=0, grad=False):
    result = []
    for module, framework in ((ours, tl), (theirs, torch)):
        args = {
            k: framework.tensor(v, requires_grad=grad) if isinstance(v, np.ndarray) else v
            for k, v in CASES[name][i].items()
        }
        where = module.relaxed_bernoulli if name == "LogitRelaxedBernoulli" else module
        result.append((getattr(where, name)(**args), args))
    return result


def close(a, b, **tolerance):
    assert isinstance(a, tl.Tensor)
    a, b = a.detach().numpy(), b.detach().numpy()
    assert a.shape == b.shape and a.dtype == b.dtype
    tolerance = {"rtol": 1e-9, "atol": 1e-11} | tolerance if a.dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(a, b, **tolerance)


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
        close(p, q, rtol=RTOL.get(name, 1e-7))
    names = [k for k in x if isinstance(x[k], tl.Tensor)]
    grads = torch.autograd.grad(q.sum(), [y[k] for k in names], allow_unused=True, retain_graph=True)
    for g, h in zip(
        tl.autograd.grad(p.sum(), [x[k] for k in names], None, True, allow_unused=True), grads, strict=True
    ):
        if h is None:
            assert g is None or (g == 0).all()
        else:
            close(g if g is not None else tl.zeros_like(x[names[0]]), h, rtol=RTOL.get(name, 1e-6), atol=1e-8)
    if a.has_rsample:
        tl.manual_seed(6), torch.manual_seed(6)
        s, t = a.rsample((3,)), b.rsample((3,))
        close(s, t)
        for k in names:
            (g,), (h,) = (
                tl.autograd.grad(s.sum(), [x[k]], retain_graph=True),
                torch.autograd.grad(t.sum(), [y[k]], retain_graph=True),
            )
            close(g, h, rtol=2e-3 if k in GAMMA else 1e-7, atol=1e-4 if k in GAMMA else 1e-11)
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
        if isinstance(expected, torch.Tensor):
            close(getattr(a, what), expected, rtol=RTOL.get(name, 1e-7))
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
    (a, _), (b, _) = make(name, i)
    c, d = a.expand((4, *a.batch_shape)), b.expand((4, *b.batch_shape))
    assert repr(a) == repr(b) and repr(c) == repr(d)
    assert repr(outcome(lambda: a.support)) == repr(outcome(lambda: b.support))
    if outcome(lambda: b.cdf(b.sample())) is not None:
        torch.manual_seed(0)
        t = b.sample((3,))
        close(a.cdf(tl.tensor(t.detach().numpy())), b.cdf(t), rtol=1e-7)
    u = rng.random((3, 2, 3))
    if outcome(lambda: b.icdf(torch.tensor(u))) is not None:
        close(a.icdf(tl.tensor(u)), b.icdf(torch.tensor(u)), rtol=1e-7)
    assert c.batch_shape == tuple(d.batch_shape) and c.event_shape == tuple(d.event_shape)
    tl.manual_seed(1), torch.manual_seed(1)
    s, t = c.sample((2,)), d.sample((2,))
    close(s, t)
    close(c.log_prob(s), d.log_prob(t), rtol=RTOL.get(name, 1e-7))


@pytest.mark.parametrize("name", [n for n in CASES if n not in NO_RULE])
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


# -- transforms ------------------------------------------------------------------------------------

T = {
    "exp": lambda m, t: m.ExpTransform(),
    "sigmoid": lambda m, t: m.SigmoidTransform(),
    "softplus": lambda m, t: m.SoftplusTransform(),
    "tanh": lambda m, t: m.TanhTransform(),
    "abs": lambda m, t: m.AbsTransform(),
    "power": lambda m, t: m.PowerTransform(t.tensor(2.0)),
    "affine": lambda m, t: m.AffineTransform(t.tensor(L), t.tensor(-P), event_dim=1),
    "affine of numbers": lambda m, t: m.AffineTransform(1.0, -2.0),
    "compose": lambda m, t: m.ComposeTransform([m.AffineTransform(1.0, 2.0), m.SigmoidTransform()]),
    "independent": lambda m, t: m.IndependentTransform(m.ExpTransform(), 1),
    "reshape": lambda m, t: m.ReshapeTransform((2, 3), (6,)),
    "softmax": lambda m, t: m.SoftmaxTransform(),
    "stick": lambda m, t: m.StickBreakingTransform(),
    "correlation": lambda m, t: m.CorrCholeskyTransform(),
    "cdf": lambda m, t: m.CumulativeDistributionTransform(m_of(t).Normal(0.0, 1.0)),
    "cat": lambda m, t: m.CatTransform([m.ExpTransform(), m.TanhTransform()], dim=1, lengths=[1, 2]),
    "stack": lambda m, t: m.StackTransform([m.ExpTransform(), m.TanhTransform()], dim=0),
    "identity": lambda m, t: m.identity_transform,
    "mixed": lambda m, t: m.ComposeTransform([m.TanhTransform(), m.StickBreakingTransform()]),
}


def m_of(t):
    return ours if t is tl else theirs


def both(call):
    """What a call gives under both libraries; for an error, its class."""
    results = []
    for module, framework in ((ours, tl), (theirs, torch)):
        try:
            results.append(call(module, framework))
        except Exception as error:
            results.append(type(error))
    return results


def same(call):
    a, b = both(call)
    if isinstance(b, torch.Tensor):
        close(a, b, rtol=1e-7)
    else:
        assert repr(a).replace("tensorlite", "torch") == repr(b)


@pytest.mark.parametrize("name", T)
@pytest.mark.parametrize("cache", [0, 1])
def test_transforms(name, cache):
    def make_one(m, t):
        return T[name](m.transforms, t).with_cache(cache)

    x = np.abs(L) if name in ("power", "abs") else L
    same(lambda m, t: make_one(m, t)(t.tensor(x)))
    same(lambda m, t: (lambda f, x: f.inv(f(x)))(make_one(m, t), t.tensor(x)))
    same(lambda m, t: (lambda f, x: f.log_abs_det_jacobian(x, f(x)))(make_one(m, t), t.tensor(x)))
    same(lambda m, t: (lambda f, x: f.inv.log_abs_det_jacobian(f(x), x))(make_one(m, t), t.tensor(x)))
    for what in ("domain", "codomain", "bijective", "sign", "event_dim", "inv"):
        same(lambda m, t, what=what: getattr(make_one(m, t), what))
    same(lambda m, t: (lambda f: [f == f, f.inv.inv is f, f.inv == f.inv, repr(f)])(make_one(m, t)))
    for shape in ((), (3,), (4, 6), (2, 3), (5, 3, 3)):
        same(lambda m, t, shape=shape: make_one(m, t).forward_shape(t.Size(shape)))
        same(lambda m, t, shape=shape: make_one(m, t).inverse_shape(t.Size(shape)))
    same(lambda m, t: m.TransformedDistribution(m.Normal(t.tensor(L), t.tensor(P)), make_one(m, t)).batch_shape)
    same(lambda m, t: m.TransformedDistribution(m.Normal(t.tensor(L), t.tensor(P)), make_one(m, t)).event_shape)


@pytest.mark.parametrize("to", ["biject_to", "transform_to"])
@pytest.mark.parametrize(
    "name",
    ["real", "positive", "nonnegative", "unit_interval", "real_vector", "simplex", "lower_cholesky", "positive_definite",
     "positive_semidefinite", "corr_cholesky", "boolean", "dependent", "one_hot"],
)  # fmt: skip
def test_transforms_to_regions(to, name):
    same(lambda m, t: getattr(m, to)(getattr(m.constraints, name)))
    x = rng.standard_normal((2, 3, 3))
    same(lambda m, t: getattr(m, to)(getattr(m.constraints, name))(t.tensor(x)))
    for region in (
        lambda c, t: c.greater_than(2.0), lambda c, t: c.less_than(-1.0), lambda c, t: c.interval(-1.0, 3.0),
        lambda c, t: c.half_open_interval(0, 1), lambda c, t: c.stack([c.positive, c.real, c.positive], -1),
        lambda c, t: c.cat([c.positive, c.unit_interval], 1, [1, 2]), lambda c, t: c.independent(c.positive, 1),
        lambda c, t: c.greater_than_eq(t.tensor(L)),
    ):  # fmt: skip
        same(lambda m, t, region=region: getattr(m, to)(region(m.constraints, t))(t.tensor(x[:, 0])))


CONSTRAINTS = [n for n in theirs.constraints.__all__ if isinstance(getattr(theirs.constraints, n), theirs.constraints.Constraint)]  # fmt: skip


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(name):
    values = [np.array(v) for v in (0.0, 1.0, -1.0, 0.5, 2.0, np.nan)]
    values += [P, P / P.sum(-1, keepdims=True), np.eye(3), COV, A, np.linalg.cholesky(COV), np.tril(A), -np.eye(3)]
    dim = 0 if name == "dependent" else getattr(theirs.constraints, name).event_dim
    for v in [v for v in values if v.ndim >= dim]:
        same(lambda m, t, v=v: getattr(m.constraints, name).check(t.tensor(v)).tolist())
    for what in ("event_dim", "is_discrete"):
        same(lambda m, t, what=what: getattr(getattr(m.constraints, name), what))
    same(lambda m, t: repr(getattr(m.constraints, name)))
    same(lambda m, t: m.constraints.is_dependent(getattr(m.constraints, name)))


def test_a_transform_of_ones_own():
    def squashed(m, t):
        class Squash(m.transforms.Transform):
            domain = m.constraints.real
            codomain = m.constraints.interval(-1.0, 1.0)
            bijective = True
            sign = +1

            def __init__(self, cache_size=1):
                super().__init__(cache_size=cache_size)

            def __eq__(self, other):
                return isinstance(other, Squash)

            def _call(self, x):
                return x.tanh()

            def _inverse(self, y):
                return 0.5 * (y.log1p() - (-y).log1p())

            def log_abs_det_jacobian(self, x, y):
                return 2.0 * (np.log(2.0) - x - t.nn.functional.softplus(-2.0 * x))

        class Squashed(m.transformed_distribution.TransformedDistribution):
            def __init__(self, loc, scale):
                self.base_dist = m.Normal(loc, scale)
                super().__init__(self.base_dist, [Squash()])

            @property
            def mean(self):
                mu = self.base_dist.loc
                for f in self.transforms:
                    mu = f(mu)
                return mu

        t.manual_seed(0)
        d = Squashed(t.tensor(L), t.tensor(P))
        action = d.rsample()
        return t.stack([action, d.log_prob(action), d.mean])

    same(squashed)


def test_a_distribution_of_ones_own():
    def poisson(m, t):
        class Mine(m.ExponentialFamily):
            arg_constraints = {"rate": m.constraints.positive}
            support = m.constraints.nonnegative
            _mean_carrier_measure = 0

            def __init__(self, rate, validate_args=None):
                (self.rate,) = m.utils.broadcast_all(rate)
                super().__init__(self.rate.size(), validate_args=validate_args)

            def expand(self, batch_shape, _instance=None):
                new = self._get_checked_instance(Mine, _instance)
                new.rate = self.rate.expand(batch_shape)
                super(Mine, new).__init__(t.Size(batch_shape), validate_args=False)
                return new

            @property
            def _natural_params(self):
                return (-self.rate,)

            def _log_normalizer(self, x):
                return -t.log(-x)

        return Mine(t.tensor(P)).expand((5, 2, 3)).entropy()

    same(poisson)
    same(lambda m, t: m.Exponential(t.tensor(P)).entropy())


def mixture(m, t, batch=()):
    weights = m.Categorical(t.tensor(np.ones((*batch, 3)) * P[0]))
    parts = m.Independent(m.Normal(t.tensor(np.ones((*batch, 3, 2)) * A[:, :2]), 1.0), 1)
    return m.MixtureSameFamily(weights, parts)


@pytest.mark.parametrize("batch", [(), (4,)])
def test_mixtures(batch):
    def sampled(m, t):
        t.manual_seed(0)
        return mixture(m, t, batch).sample((5,))

    same(sampled)
    x = rng.standard_normal((5, *batch, 2))
    for call in (
        lambda d, t: d.mean, lambda d, t: d.variance, lambda d, t: d.log_prob(t.tensor(x)), repr,
        lambda d, t: repr(d.support), lambda d, t: d.expand((2, *batch)).log_prob(t.tensor(x[:2, None])),
        lambda d, t: d.expand((2, *batch)).batch_shape, lambda d, t: d.event_shape,
    ):  # fmt: skip
        same(lambda m, t, call=call: call(*[mixture(m, t, batch), t][: 1 if call is repr else 2]))
    scalar = lambda m, t: m.MixtureSameFamily(m.Categorical(t.tensor(P)), m.Normal(t.tensor(L), t.tensor(Q)))
    same(lambda m, t: scalar(m, t).cdf(t.tensor(0.3)))
    same(lambda m, t: m.MixtureSameFamily(m.Categorical(t.ones(2)), m.Normal(t.zeros(3), 1.0)))
    same(lambda m, t: m.MixtureSameFamily(m.Normal(0.0, 1.0), m.Normal(t.zeros(3), 1.0)))


KINDS = {
    "Bernoulli": lambda m, t: m.Bernoulli(t.tensor(P)),
    "Beta": lambda m, t: m.Beta(t.tensor(3 * P), t.tensor(Q)),
    "Binomial": lambda m, t: m.Binomial(3, t.tensor(P)),
    "ContinuousBernoulli": lambda m, t: m.ContinuousBernoulli(t.tensor(P)),
    "Exponential": lambda m, t: m.Exponential(t.tensor(P)),
    "Gamma": lambda m, t: m.Gamma(t.tensor(3 * P), t.tensor(Q)),
    "Gumbel": lambda m, t: m.Gumbel(t.tensor(L), t.tensor(P)),
    "Laplace": lambda m, t: m.Laplace(t.tensor(L), t.tensor(P)),
    "LowRankMultivariateNormal": lambda m, t: m.LowRankMultivariateNormal(
        t.tensor(L), t.tensor(A[:, :1]), t.tensor(P[0])
    ),
    "MultivariateNormal": lambda m, t: m.MultivariateNormal(t.tensor(L), t.tensor(COV)),
    "Normal": lambda m, t: m.Normal(t.tensor(L), t.tensor(P)),
    "Pareto": lambda m, t: m.Pareto(t.tensor(P), t.tensor(3 * Q)),
    "Poisson": lambda m, t: m.Poisson(t.tensor(P)),
    "Uniform": lambda m, t: m.Uniform(t.tensor(P), t.tensor(P + Q)),
    "unit": lambda m, t: m.Uniform(t.tensor(P * 0.5), t.tensor(P * 0.5 + 0.4)),
}
# PyTorch's conditions on the bounds are the wrong way round; an infinite value for a finite divergence
WRONG = {("ContinuousBernoulli", "Uniform"), ("ContinuousBernoulli", "unit"), ("Uniform", "ContinuousBernoulli"),
         ("unit", "ContinuousBernoulli"), ("unit", "Pareto"), ("Pareto", "Normal")}  # fmt: skip


@pytest.mark.parametrize("p", KINDS)
def test_divergences_between_kinds(p):
    for q in KINDS:
        if (p, q) not in WRONG:
            same(lambda m, t, q=q: m.kl_divergence(KINDS[p](m, t), KINDS[q](m, t)))


def test_the_small_print():
    with pytest.warns(FutureWarning, match="sample_n"):
        assert ours.Normal(0.0, 1.0).sample_n(3).shape == (3,)

    def bare(m, t):
        class Bare(m.Distribution):
            arg_constraints = {}

            def log_prob(self, value):
                self._validate_sample(value)
                return value

        with pytest.warns(UserWarning, match="does not define `support`"):
            return Bare().log_prob(t.tensor(1.0))

    same(bare)
    same(lambda m, t: m.Gamma(1.0, 2.0).log_prob(0.5).double())
    same(lambda m, t: m.Uniform(0.0, 1.0).arg_constraints)
    for call in (
        lambda m, t: m.Uniform(t.zeros(2), t.tensor([1.0, -1.0])),
        lambda m, t: m.Gamma(-1.0, 1.0),
        lambda m, t: m.NegativeBinomial(-1, 0.5),
        lambda m, t: m.Pareto(1.0, 2.0).log_prob(t.tensor(0.5)),
        lambda m, t: m.OneHotCategorical(t.ones(3)).log_prob(t.ones(3)),
        lambda m, t: m.MixtureSameFamily(m.Categorical(t.ones(2)), m.Normal(t.zeros(3), 1.0)),
        lambda m, t: m.Wishart(0.5, t.eye(3)),
        lambda m, t: m.LowRankMultivariateNormal(t.zeros(3), t.ones(2, 1), t.ones(3)),
        lambda m, t: m.TransformedDistribution(m.Normal(0.0, 1.0), m.StickBreakingTransform()),
    ):
        messages = []
        for module, framework in ((ours, tl), (theirs, torch)):
            with pytest.raises(ValueError) as error:
                call(module, framework)
            messages.append(" ".join(str(error.value).split()))
        assert messages[0] == messages[1]
