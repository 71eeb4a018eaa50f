"""The thread pool: even parts, errors, nesting, BLAS held."""

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import threads
from tensorlite.ops import products


@pytest.fixture
def two():
    before = threads.get_num_threads()
    threads.set_num_threads(2)
    yield
    threads.set_num_threads(before)


def test_parts_cover_everything_in_order(two):
    seen = threads.parallel(lambda start, stop: list(range(start, stop)), 7, 1 << 30)
    assert len(seen) == 2 and [*seen[0], *seen[1]] == list(range(7))
    assert threads.parallel(lambda start, stop: (start, stop), 7, 1) == [(0, 7)]
    assert threads.parallel(lambda start, stop: (start, stop), 1, 1 << 30) == [(0, 1)]


def test_nested_sections_stay_in_their_thread(two):
    inner = threads.parallel(lambda a, b: threads.parallel(lambda c, d: (c, d), 4, 1 << 30), 2, 1 << 30)
    assert inner == [[(0, 4)], [(0, 4)]]


@pytest.mark.parametrize("bad", [0, 1])
def test_errors_reach_the_caller_and_the_pool_lives_on(two, bad):
    def body(start, stop):
        if start == bad * 2:
            raise ValueError("broken half")
        return start

    with pytest.raises(ValueError, match="broken half"):
        threads.parallel(body, 4, 1 << 30)
    assert threads.parallel(lambda start, stop: start, 4, 1 << 30) == [0, 2]


def test_blas_is_held_to_one_thread_from_the_first_split(two):
    if threads.pool.blas is None:
        pytest.skip("this NumPy has another BLAS")
    get = threads.pool.blas[0]
    assert get() == 2
    assert threads.parallel(lambda start, stop: get(), 4, 1 << 30) == [1, 1]
    assert get() == 1
    threads.set_num_threads(2)
    assert get() == 2


@pytest.mark.parametrize("shape", [(900, 600, 200), (200, 600, 900)])
def test_products_are_split_where_blas_is_held(two, shape, monkeypatch):
    rows, inner, columns = shape
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((rows, inner)), rng.standard_normal((inner, columns))
    monkeypatch.setattr(threads.pool, "splits", True)
    sections = []
    real = threads.parallel
    monkeypatch.setattr(products, "parallel", lambda *args: sections.append(args[1]) or real(*args))
    np.testing.assert_allclose(products.times(a, b), a @ b, rtol=1e-12, atol=1e-11)
    assert sections == [900]
    monkeypatch.setattr(threads.pool, "splits", False)
    np.testing.assert_allclose(products.times(a, b), a @ b, rtol=1e-12, atol=1e-11)
    assert sections == [900]


def test_wrong_counts():
    with pytest.raises(RuntimeError, match="positive"):
        threads.set_num_threads(0)
    with pytest.raises(TypeError):
        threads.set_num_threads(1.5)


def test_halves_of_a_large_array(two):
    x = np.arange(10.0)
    out = np.empty_like(x)
    threads.parallel(lambda a, b: np.multiply(x[a:b], 2, out=out[a:b]), 10, 1 << 30)
    assert np.array_equal(out, x * 2)


@pytest.mark.parametrize("name", ["relu", "gelu", "silu"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 3, 1, 2)])
def test_large_activations_are_the_same_on_any_number_of_threads(name, order):
    values = (
        np.random.default_rng(0).standard_normal((4, 64, 72, 64)).astype(np.float32) * 100
    )  # exp overflows without a word
    values = values.transpose(order)
    f = getattr(tl.nn.functional, name)
    before, seen = tl.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            tl.set_num_threads(threads)
            x = tl.from_numpy(values).clone().requires_grad_()
            y = f(x)
            (g,) = tl.autograd.grad(y, x, tl.from_numpy(values))
            seen.append((y._data, g._data))
    finally:
        tl.set_num_threads(before)
    small = f(tl.from_numpy(values[:1, :1]))._data
    assert np.allclose(seen[0][0][:1, :1], small, rtol=1e-6, atol=1e-6)
    for y, g in seen[1:]:
        assert np.array_equal(y, seen[0][0]) and np.array_equal(g, seen[0][1])
        assert y.strides == seen[0][0].strides


def test_large_products_are_quiet_about_infinities():
    x = tl.full((160, 160), 3e38)
    assert tl.nn.functional.linear(x, x - x).isfinite().all() and tl.nn.functional.linear(x, x).isinf().all()
