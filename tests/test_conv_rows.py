"""Convolution without packing patches, and products in pieces, against the plain ways."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tensorlite.ops import conv_columns, conv_pairs, conv_rows, memory, products
from tensorlite.ops.conv import conv, conv_input_grad, conv_weight_grad

SETTINGS = [  # way, channels, image, outputs, kernel, stride, dilation, padding
    ("Pairs", 9, (12, 14), 5, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1))),
    ("Pairs", 9, (11, 20), 8, (3, 3), (1, 1), (1, 1), ((0, 0), (0, 0))),
    ("Pairs", 9, (7, 20), 4, (3, 3), (1, 1), (1, 1), ((2, 4), (0, 1))),
    ("Pairs", 5, (12, 20), 17, (3, 2), (1, 1), (1, 1), ((-2, 1), (-3, 1))),
    ("Pairs", 9, (1, 20), 4, (3, 1), (1, 1), (1, 1), ((3, 5), (1, 1))),
    ("Rows", 6, (13, 20), 7, (3, 3), (2, 2), (1, 1), ((1, 1), (1, 1))),
    ("Rows", 6, (13, 20), 7, (4, 2), (3, 1), (2, 1), ((0, 2), (3, 0))),
    ("Rows", 5, (9, 31), 4, (1, 5), (1, 2), (1, 1), ((0, 0), (2, 2))),
    ("Rows", 5, (9, 31), 4, (3, 1), (1, 3), (1, 2), ((4, 0), (1, 1))),
    ("Rows", 9, (40,), 3, (3,), (1,), (1,), ((1, 1),)),
    ("Columns", 1, (12, 14), 3, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1))),
    ("Columns", 4, (11, 17), 6, (5, 5), (1, 1), (1, 1), ((0, 0), (0, 0))),
    ("Columns", 8, (6, 7), 16, (2, 5), (1, 1), (1, 1), ((2, 4), (0, 1))),
    ("Columns", 3, (12, 9), 4, (5, 4), (1, 1), (1, 1), ((-2, 1), (-3, 1))),
    ("Columns", 2, (12, 9), 4, (5, 4), (1, 1), (1, 1), ((0, -3), (0, -2))),
]


@pytest.fixture
def everywhere(monkeypatch):
    """Take the ways without packing on any processor."""
    monkeypatch.setattr(products, "UNPACKED", True)


def _all_three(x, w, b, g, settings):
    return (
        conv.primitive.kernel(x, w, b, **settings),
        conv_input_grad.primitive.kernel(g, w, size=x.shape[2:], **settings),
        conv_weight_grad.primitive.kernel(x, g, kernel=w.shape[2:], **settings),
    )


def _problem(way, channels, image, outs, kernel, stride, dilation, padding, seed=0, images=7):
    rng = np.random.default_rng(seed)
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    x = np.moveaxis(rng.standard_normal((images, *image, channels)), -1, 1)
    w = rng.standard_normal((outs, channels, *kernel))
    b = rng.standard_normal(outs)
    g = rng.standard_normal(conv.primitive.kernel(x, w, b, **settings).shape)
    return (x, w, b, g), settings


@pytest.mark.parametrize("buffer", [1 << 20, 1 << 15])
@pytest.mark.parametrize("problem", SETTINGS)
def test_rows_agree_with_patches(everywhere, monkeypatch, buffer, problem):
    taken = []
    for plan in (conv_rows.Rows, conv_pairs.Pairs, conv_columns.Columns):
        for name in ("correlate", "weight_grad", "input_grad"):
            if hasattr(plan, name):
                monkeypatch.setattr(plan, name, _noting(getattr(plan, name), taken))
    monkeypatch.setattr(conv_rows, "BUFFER", buffer)
    arrays, settings = _problem(*problem)
    exact = _all_three(*arrays, settings)  # float64 takes the patches
    assert not taken
    for ours, right in zip(_all_three(*[a.astype(np.float32, order="K") for a in arrays], settings), exact):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, right, rtol=1e-4, atol=1e-4)
    expected = {"correlate", "weight_grad"}
    if problem[0] == "Columns" and problem[4][0] * problem[4][1] >= 16 and not any(low for low, _ in problem[7]):
        expected |= {"input_grad"}
    assert {f"{problem[0]}.{name}" for name in expected} <= set(taken)


def _noting(function, taken):
    def wrapped(*args):
        taken.append(function.__qualname__)
        return function(*args)

    return wrapped


def test_scratch_memory_leaves_no_trace(everywhere):
    """The same convolution twice, with others and other numbers between, in several threads at once."""
    problems = [_problem(*settings, seed=i, images=5 + i % 2) for i, settings in enumerate(SETTINGS)]
    singles = [([a.astype(np.float32, order="K") for a in arrays], settings) for arrays, settings in problems]
    fresh = []
    for arrays, settings in singles:
        memory._local.scratch = None
        fresh.append(_all_three(*arrays, settings))

    def again(order):
        results = {}
        for i in order:
            arrays, settings = singles[i]
            _all_three(*[np.full_like(a, np.nan) for a in arrays], settings)
            results[i] = _all_three(*arrays, settings)
        return results

    orders = [range(len(singles)), range(len(singles))[::-1], [0, 5, 0, 5, 1, 1]]
    with ThreadPoolExecutor(3) as pool:
        everything = [again(range(len(singles))), *pool.map(again, orders)]
    for results in everything:
        for i, ours in results.items():
            for a, b in zip(ours, fresh[i]):
                np.testing.assert_array_equal(a, b)


def test_a_layout_in_use_is_not_lent_again():
    class Layout:
        cleared = 0

        def __init__(self, take, n):
            self.a, self.b = take((n,), np.float32), take((3, n), np.float64)

        def clear(self):
            self.cleared += 1
            self.a[...] = 0

    size = np.getbufsize()
    with memory.layout(Layout, 5) as outer:
        assert not np.shares_memory(outer.a, outer.b) and not outer.a.any()
        outer.a[...] = 1
        with memory.layout(Layout, 5) as inner:
            assert not np.shares_memory(outer.a, inner.a) and not inner.a.any()
            inner.a[...] = 2
        assert (outer.a == 1).all()
    assert np.getbufsize() == size
    with memory.layout(Layout, 5) as same:
        assert same is outer and same.cleared == 1 and (same.a == 1).all()
    with pytest.raises(KeyError), memory.layout(Layout, 7) as other:
        other.b[...] = 3
        raise KeyError
    with memory.layout(Layout, 5) as same:
        assert same is outer and same.cleared == 2
    with memory.layout(Layout, memory.SCRATCH) as large:
        assert large.b.shape == (3, memory.SCRATCH)


def test_windows_beyond_the_image_leave_no_trace(everywhere):
    x = np.ones((2, 8, 12, 12), np.float32)
    w = np.ones((4, 8, 3, 3), np.float32)
    settings = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}
    with np.errstate(all="ignore"):
        x[0, 0, 5, 11] = np.nan
        out = conv.primitive.kernel(x, w, **settings)
    bad = np.isnan(out)
    assert bad[0, :, 4:7, 10:].all() and bad.sum() == 4 * 6


@pytest.mark.parametrize(
    "rows, inner, columns", [(5, 7, 3), (1000, 144, 16), (777, 576, 64), (300, 97, 640), (0, 4, 4)]
)
def test_products_in_pieces(everywhere, rows, inner, columns):
    rng = np.random.default_rng(0)
    a, w, g = (rng.standard_normal(s).astype(np.float32) for s in ((rows, inner), (inner, columns), (rows, columns)))
    out = np.empty((rows, columns), np.float32)
    products.rows_times(a, w, out)
    np.testing.assert_allclose(out, a.astype(float) @ w, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(products.transposed_times(a, g), a.T.astype(float) @ g, rtol=1e-4, atol=1e-3)
