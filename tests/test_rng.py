"""The random streams against PyTorch's, number for number."""

import numpy as np
import pytest

import tensorlite as tl
from tensorlite.ops import random as fill

torch = pytest.importorskip("torch")

SEEDS = (0, 1, 12345, 2**32 - 1, 2**40 + 7, -3)
SIZES = (0, 1, 5, 15, 16, 17, 31, 32, 33, 100, 5000)
DTYPES = ("float16", "float32", "float64")


def both(seed):
    torch.manual_seed(seed)
    tl.manual_seed(seed)


def same(ours, theirs, ulps=0):
    ours, theirs = ours.numpy(), theirs.numpy()
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    if ulps and ours.dtype == np.float64:
        np.testing.assert_array_almost_equal_nulp(ours, theirs, ulps)
    else:
        np.testing.assert_array_equal(ours, theirs)


def same_state():
    np.testing.assert_array_equal(tl.get_rng_state().numpy(), torch.get_rng_state().numpy())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform_and_normal(seed, dtype):
    both(seed)
    for n in SIZES:
        d, e = getattr(tl, dtype), getattr(torch, dtype)
        same(tl.rand(n, dtype=d), torch.rand(n, dtype=e))
        ours, theirs = tl.randn(n, dtype=d).numpy(), torch.randn(n, dtype=e).numpy()
        if dtype == "float64":
            np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=4e-15)
        else:
            np.testing.assert_array_equal(ours, theirs)
    same_state()


@pytest.mark.parametrize("low, high", [(-2, 3), (-0.1, 0.1), (1e-3, 7.7), (5, 5)])
def test_uniform_range(low, high):
    for d, e in ((tl.float32, torch.float32), (tl.float16, torch.float16)):
        both(4)
        ours, theirs = tl.empty(3001, dtype=d).uniform_(low, high), torch.empty(3001, dtype=e).uniform_(low, high)
        if d is tl.float32:
            same(ours, theirs)
        else:
            np.testing.assert_array_almost_equal_nulp(ours.numpy(), theirs.numpy(), 32)
    both(4)
    ours, theirs = tl.empty(100, dtype=tl.float64).uniform_(low, high), torch.empty(100, dtype=torch.float64)
    np.testing.assert_allclose(ours.numpy(), theirs.uniform_(low, high).numpy(), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("mean, std", [(1.5, 0.3), (-2, 0), (0, 0.02)])
def test_normal_with_mean_and_std(mean, std):
    both(2)
    for n in SIZES:
        same(tl.empty(n).normal_(mean, std), torch.empty(n).normal_(mean, std))
        same(tl.normal(mean, std, (n,)), torch.normal(mean, std, (n,)))


@pytest.mark.slow
def test_a_million():
    both(9)
    same(tl.randn(10**6), torch.randn(10**6))
    same(tl.rand(10**6), torch.rand(10**6))
    same(tl.randperm(10**6), torch.randperm(10**6))
    same(tl.empty(10**6).bernoulli_(0.3), torch.empty(10**6).bernoulli_(0.3))
    same_state()


@pytest.mark.parametrize(
    "low, high", [(0, 10), (-5, 5), (0, 2**28 - 1), (0, 2**28), (7, 2**31), (-(2**40), 2**33), (-(2**63), 2**63 - 1)]
)
def test_randint(low, high):
    both(3)
    same(tl.randint(low, high, (7, 5)), torch.randint(low, high, (7, 5)))
    same_state()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool"])
def test_random_takes_all_a_dtype_holds(dtype):
    both(1)
    same(tl.empty(50, dtype=getattr(tl, dtype)).random_(), torch.empty(50, dtype=getattr(torch, dtype)).random_())
    if dtype != "bool":
        same(tl.empty(50, dtype=getattr(tl, dtype)).random_(9), torch.empty(50, dtype=getattr(torch, dtype)).random_(9))
        same(
            tl.empty(9, dtype=getattr(tl, dtype)).random_(2, 7),
            torch.empty(9, dtype=getattr(torch, dtype)).random_(2, 7),
        )


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 255, 256, 257, 1000, 60_000])
def test_randperm(n):
    for seed in SEEDS[:3]:
        both(seed)
        same(tl.randperm(n), torch.randperm(n))
        same_state()
    assert tl.randperm(5, dtype=tl.int32).dtype is tl.int32


def test_large_permutations_take_64_bit_words():
    g = tl.Generator().manual_seed(0)
    assert sorted(g.permutation(300).tolist()) == list(range(300))


@pytest.mark.parametrize("p", [0.0, 1e-9, 0.1, 0.5, 0.7, 1.0])
def test_bernoulli(p):
    """PyTorch's portable path. Builds that draw it from another library on Intel processors differ (see the module)."""
    both(5)
    theirs = torch.empty(40_000).bernoulli_(p).numpy()
    g = tl.Generator().manual_seed(5)
    np.testing.assert_array_equal(tl.empty(40_000).bernoulli_(p).numpy(), g.uniform(40_000, np.float64) < p)
    torch.manual_seed(5)
    if (theirs == (torch.rand(40_000, dtype=torch.float64) < p).numpy()).all():  # the portable path it is
        both(5)
        same(tl.empty(40_000).bernoulli_(p), torch.empty(40_000).bernoulli_(p))
        both(5)
        if p < 1:
            ours = fill.dropout_mask((40_000,), p)
            np.testing.assert_array_equal(ours, torch.nn.functional.dropout(torch.ones(40_000), p).numpy())


def test_bernoulli_of_probabilities():
    p = np.linspace(0, 1, 1000)
    for dtype in ("float16", "float32", "float64"):
        both(6)
        same(tl.bernoulli(tl.tensor(p.astype(dtype))), torch.bernoulli(torch.tensor(p.astype(dtype))))
    both(6)
    same(tl.empty(2, 1000).bernoulli_(tl.tensor(p)), torch.empty(2, 1000).bernoulli_(torch.tensor(p)))
    same_state()


def test_multinomial():
    w = np.random.default_rng(0).random((4, 50)).astype(np.float32)
    w[1, 3] = 0
    for replacement, k in [(True, 200), (False, 20), (False, 50), (True, 1), (False, 1)]:
        both(7)
        same(tl.multinomial(tl.tensor(w), k, replacement), torch.multinomial(torch.tensor(w), k, replacement))
        same(tl.multinomial(tl.tensor(w[0]), k, replacement), torch.multinomial(torch.tensor(w[0]), k, replacement))
        same(tl.tensor(w).double().multinomial(k, replacement), torch.tensor(w).double().multinomial(k, replacement))
        same_state()


@pytest.mark.parametrize(
    "name, args",
    [
        ("exponential_", ()),
        ("exponential_", (2.5,)),
        ("cauchy_", (1, 2)),
        ("log_normal_", (1, 0.5)),
        ("geometric_", (0.3,)),
    ],
)
def test_inverse_distribution_functions(name, args):
    both(8)
    for n in (1, 7, 1000):
        same(getattr(tl.empty(n), name)(*args), getattr(torch.empty(n), name)(*args))
        ours, theirs = tl.empty(n, dtype=tl.float64), torch.empty(n, dtype=torch.float64)
        np.testing.assert_allclose(getattr(ours, name)(*args).numpy(), getattr(theirs, name)(*args).numpy(), rtol=1e-11)
    same_state()


def test_rejection_samplers():
    both(9)
    rates = np.array([0, 0.01, 0.5, 3, 9.9, 10, 20, 500.0], np.float32).repeat(40)
    same(tl.poisson(tl.tensor(rates)), torch.poisson(torch.tensor(rates)))
    counts = np.array([0, 1, 5, 20, 100, 1000.0], np.float32).repeat(60)
    p = np.tile(np.array([0, 0.01, 0.3, 0.5, 0.9, 1.0], np.float32), 60)
    same(tl.binomial(tl.tensor(counts), tl.tensor(p)), torch.binomial(torch.tensor(counts), torch.tensor(p)))
    alpha = np.array([0.05, 0.5, 1, 2.5, 40], np.float64).repeat(40)
    ours, theirs = fill.standard_gamma(tl.tensor(alpha)), torch._standard_gamma(torch.tensor(alpha))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-13)
    same_state()


def test_normal_of_tensors():
    mean, std = np.arange(20, dtype=np.float32), np.linspace(1, 2, 20, dtype=np.float32)
    both(1)
    same(tl.normal(tl.tensor(mean), tl.tensor(std)), torch.normal(torch.tensor(mean), torch.tensor(std)))
    same(tl.normal(tl.tensor(mean), 2.0), torch.normal(torch.tensor(mean), 2.0))
    same(tl.normal(1.5, tl.tensor(std)), torch.normal(1.5, torch.tensor(std)))
    same(tl.normal(mean=tl.tensor(mean)), torch.normal(mean=torch.tensor(mean)))
    a, b = tl.normal(tl.zeros(3), tl.ones(2, 3)), torch.normal(torch.zeros(3), torch.ones(2, 3))
    same(a, b)


def test_complex():
    both(2)
    same(tl.rand(5, dtype=tl.complex64), torch.rand(5, dtype=torch.complex64))
    same(tl.randn(20, dtype=tl.complex64), torch.randn(20, dtype=torch.complex64))


def test_memory_order_and_likes():
    both(3)
    a, b = tl.zeros(5, 7), torch.zeros(5, 7)
    same(a.t().uniform_(), b.t().uniform_())
    same(a.t().normal_(), b.t().normal_())
    same(a[:, ::2].normal_(), b[:, ::2].normal_())
    same(a, b)
    for name in ("rand_like", "randn_like"):
        same(getattr(tl, name)(a.t()), getattr(torch, name)(b.t()))
        same(getattr(tl, name)(a), getattr(torch, name)(b))
    same(tl.randint_like(a, 5), torch.randint_like(b, 5))
    same(tl.randint_like(a.t(), 2, 9, dtype=tl.int64), torch.randint_like(b.t(), 2, 9, dtype=torch.int64))
    p, q = tl.rand(5, 7), torch.rand(5, 7)
    same(a.t().bernoulli_(p.t()), b.t().bernoulli_(q.t()))
    same_state()


def test_paired_normals_wait_for_the_next_call():
    both(4)
    for n in (1, 3, 2, 15, 1, 20, 1):
        same(tl.randn(n), torch.randn(n))
        same_state()


def test_states_cross_over():
    both(11)
    for n in (0, 1, 3, 623, 700):
        tl.rand(n), torch.rand(n)
        same_state()
    tl.randn(3)
    torch.set_rng_state(torch.from_numpy(tl.get_rng_state().numpy().copy()))
    same(tl.randn(5), torch.randn(5))
    torch.randn(1)
    tl.set_rng_state(tl.from_numpy(torch.get_rng_state().numpy()))
    same(tl.randn(30), torch.randn(30))


def test_generators_are_independent():
    import copy
    import pickle

    g, h = tl.Generator(), torch.Generator()
    assert g.initial_seed() == h.initial_seed()
    assert g.device == tl.device("cpu")
    g.manual_seed(5), h.manual_seed(5)
    tl.manual_seed(0)
    before = tl.get_rng_state()
    same(tl.rand(3, generator=g), torch.rand(3, generator=h))
    same(tl.randperm(10, generator=g), torch.randperm(10, generator=h))
    assert (tl.get_rng_state() == before).all()
    for twin in (g.clone_state(), pickle.loads(pickle.dumps(g)), copy.deepcopy(g)):
        assert (twin.get_state() == g.get_state()).all()
    assert tl.seed() == tl.initial_seed()
    assert tl.manual_seed(3) is tl.default_generator
    with pytest.raises(RuntimeError, match="cpu"):
        tl.Generator("cuda")


def test_unseeded_default_generator_differs_between_processes():
    import subprocess
    import sys

    code = "import tensorlite as tl; print(tl.initial_seed(), tl.rand(1).item())"
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "ab"
    }
    assert len(runs) == 2


def test_fork_rng():
    tl.manual_seed(0)
    with tl.random.fork_rng():
        first = tl.rand(4)
        tl.manual_seed(77)
    assert (tl.rand(4) == first).all()
    with tl.random.fork_rng(enabled=False):
        tl.manual_seed(5)
    assert tl.initial_seed() == 5
    with pytest.raises(RuntimeError, match="CPU"), tl.random.fork_rng(devices=[0]):
        pass


def test_gradients_are_zero():
    x = tl.ones(3, requires_grad=True)
    y = x * 2
    y.uniform_()
    (y.sum() + tl.bernoulli(x * 0.5).sum() + tl.normal(x, 1.0).sum() + x.sum()).backward()
    assert x.grad.tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match="leaf Variable"):
        x.uniform_()
    with tl.no_grad():
        x.normal_()


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.empty(3).uniform_(2, 1),
        lambda t: t.empty(3).uniform_(0, float("inf")),
        lambda t: t.empty(3, dtype=t.int64).uniform_(),
        lambda t: t.empty(3, dtype=t.int64).normal_(),
        lambda t: t.empty(3).normal_(0, -1),
        lambda t: t.normal(t.zeros(2), t.tensor([1.0, -1.0])),
        lambda t: t.normal(t.zeros(2), t.ones(3)),
        lambda t: t.normal(0.0, 1.0),
        lambda t: t.empty(3, dtype=t.int64).random_(5, 3),
        lambda t: t.empty(3, dtype=t.uint8).random_(0, 300),
        lambda t: t.empty(3, dtype=t.uint8).random_(-1, 3),
        lambda t: t.empty(3, dtype=t.int64).exponential_(),
        lambda t: t.empty(3).exponential_(0),
        lambda t: t.empty(3).geometric_(0),
        lambda t: t.empty(3).cauchy_(0, -1),
        lambda t: t.empty(3).log_normal_(0, 0),
        lambda t: t.empty(3).bernoulli_(1.5),
        lambda t: t.empty(3).bernoulli_(t.empty(3, dtype=t.int64)),
        lambda t: t.bernoulli(t.tensor([2.0])),
        lambda t: t.bernoulli(0.5),
        lambda t: t.randint(5),
        lambda t: t.randint(0, 3, 2),
        lambda t: t.randint(3, 3, (2,)),
        lambda t: t.randint(0, 10, (2,), requires_grad=True),
        lambda t: t.randperm(-1),
        lambda t: t.randperm(300, dtype=t.uint8),
        lambda t: t.rand(-1),
        lambda t: t.rand(2, dtype=t.int64),
        lambda t: t.rand(),
        lambda t: t.multinomial(t.ones(3), 4),
        lambda t: t.multinomial(t.ones(3), 0),
        lambda t: t.multinomial(-t.ones(3), 2, True),
        lambda t: t.multinomial(t.zeros(3), 2, True),
        lambda t: t.multinomial(t.ones(3, dtype=t.int64), 2),
        lambda t: t.multinomial(t.ones(1, 1, 1), 1),
        lambda t: t.poisson(t.tensor([-1.0])),
        lambda t: t.poisson(t.tensor([1])),
        lambda t: t.manual_seed(2**64),
        lambda t: t.manual_seed("a"),
        lambda t: t.set_rng_state(t.zeros(3)),
        lambda t: t.set_rng_state(t.zeros(3, dtype=t.uint8)),
        lambda t: t.rand(3, generator=5),
    ],
)
def test_errors_are_pytorchs(call):
    with pytest.raises(Exception) as theirs:
        call(torch)
    with pytest.raises(Exception) as ours:
        call(tl)
    assert isinstance(ours.value, theirs.type)


def test_out_and_refusals():
    both(0)
    for dtype in ("float32", "float64"):
        a, b = tl.empty(20, dtype=getattr(tl, dtype)), torch.empty(20, dtype=getattr(torch, dtype))
        for name, args in (
            ("rand", (20,)),
            ("randn", (20,)),
            ("randint", (3, (20,))),
            ("randperm", (20,)),
            ("normal", (0, 1, (20,))),
        ):
            result = getattr(tl, name)(*args, out=a)
            getattr(torch, name)(*args, out=b)
            assert result is a
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-13)
    a, b = tl.zeros(3, 4).t(), torch.zeros(3, 4).t()
    same(
        tl.randn_like(a, memory_format=tl.contiguous_format), torch.randn_like(b, memory_format=torch.contiguous_format)
    )
    state = tl.get_rng_state()
    for options in ({"layout": tl.sparse_coo}, {"names": ("a",)}):
        with pytest.raises(NotImplementedError):
            tl.rand(2, **options)
    with pytest.raises(RuntimeError, match="rank 4"):
        tl.rand_like(a, memory_format=tl.channels_last)
    with pytest.raises(RuntimeError, match="accelerator"):
        tl.rand(2, pin_memory=True)
    with pytest.raises(AssertionError, match="cuda"):
        tl.rand(2, device="cuda")
    assert (tl.get_rng_state() == state).all()  # what is refused draws nothing


@pytest.mark.parametrize("trial", range(30))
def test_one_stream_through_many_kinds(trial):
    import random

    r = random.Random(trial)
    both(r.randrange(2**32))
    for _ in range(8):
        n, high = r.choice([1, 3, 7, 15, 16, 17, 40, 100, 257]), r.choice([5, 1000, 2**27, 2**29, 2**40])
        draw = r.choice(
            [
                lambda t: t.rand(n),
                lambda t: t.randn(n),
                lambda t: t.randn(n, dtype=t.float64),
                lambda t: t.randint(0, high, (n,)),
                lambda t: t.randperm(n),
                lambda t: t.empty(n).exponential_(),
                lambda t: t.multinomial(t.ones(n), max(1, n // 2)),
                lambda t: t.multinomial(t.ones(n), 5, True),
                lambda t: t.poisson(t.ones(n) * 9.5),
                lambda t: t.empty(n).log_normal_(),
                lambda t: t.bernoulli(t.full((n,), 0.3)),
                lambda t: t.rand(n, dtype=t.float16),
                lambda t: t.empty(n, dtype=t.float64).uniform_(-1, 2),
            ]
        )
        np.testing.assert_allclose(draw(tl).numpy(), draw(torch).numpy(), rtol=1e-11, atol=1e-14)
    same_state()


def test_numbers_follow_the_memory_of_what_was_computed_from_a_transposed_view():
    for make in (
        lambda lib, x: lib.relu(x.transpose(0, 1)), lambda lib, x: x.permute(2, 0, 1) * 2 + 1, lambda lib, x: x.mT + x.mT.exp(),
        lambda lib, x: lib.nn.functional.gelu(x.transpose(0, 1) + x[0, 0]), lambda lib, x: x * 2,
        lambda lib, x: (x @ x.mT).relu(), lambda lib, x: lib.nn.functional.layer_norm(x.transpose(0, 1), (8,)),
    ):  # fmt: skip
        drawn = []
        for lib in (tl, torch):
            lib.manual_seed(0)
            y = make(lib, lib.randn(3, 4, 8, requires_grad=True))
            drawn.append([lib.randn_like(y).detach().numpy(), lib.empty_like(y).bernoulli_(0.5).numpy()])
        for ours, theirs in zip(*drawn):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    y = tl.randn(3, 4, 8, requires_grad=True).transpose(0, 1) + 1
    tl.manual_seed(0)
    kept = tl.empty_like(y).bernoulli_(0.5)
    tl.manual_seed(0)
    assert ((tl.nn.functional.dropout(y, 0.5) != 0) == (kept != 0)).all()
