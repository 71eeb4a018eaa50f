"""Convolution without packing patches, and products in pieces, against the plain ways."""

import numpy as np
import pytest

from tensorlite.ops import conv_rows, products
from tensorlite.ops.conv import conv, conv_input_grad, conv_weight_grad

SETTINGS = [  # channels, image, outputs, kernel, stride, dilation, padding
    (8, (12, 14), 5, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1))),
    (6, (13, 20), 7, (3, 3), (2, 2), (1, 1), ((1, 1), (1, 1))),
    (6, (13, 20), 7, (4, 2), (3, 1), (2, 1), ((0, 2), (3, 0))),
    (5, (9, 31), 4, (1, 5), (1, 2), (1, 1), ((0, 0), (2, 2))),
    (5, (9, 31), 4, (3, 1), (1, 3), (1, 2), ((4, 0), (1, 1))),
    (9, (40,), 3, (3,), (1,), (1,), ((1, 1),)),
]


@pytest.fixture
def everywhere(monkeypatch):
    """Take the way without packing on any processor."""
    monkeypatch.setattr(products, "UNPACKED", True)


@pytest.mark.parametrize("buffer", [1 << 20, 1 << 15])
@pytest.mark.parametrize("channels, image, outs, kernel, stride, dilation, padding", SETTINGS)
def test_rows_agree_with_patches(
    everywhere, monkeypatch, buffer, channels, image, outs, kernel, stride, dilation, padding
):
    monkeypatch.setattr(conv_rows, "BUFFER", buffer)
    taken = []
    monkeypatch.setattr(conv_rows, "correlate", _noting(conv_rows.correlate, taken))
    monkeypatch.setattr(conv_rows, "weight_grad", _noting(conv_rows.weight_grad, taken))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((7, channels, *image))
    w = rng.standard_normal((outs, channels, *kernel))
    b = rng.standard_normal(outs)
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    right = conv.primitive.kernel(x, w, b, **settings)
    g = rng.standard_normal(right.shape)

    def all_three(x, w, b, g):
        return (
            conv.primitive.kernel(x, w, b, **settings),
            conv_input_grad.primitive.kernel(g, w, size=image, **settings),
            conv_weight_grad.primitive.kernel(x, g, kernel=kernel, **settings),
        )

    singles = all_three(*[a.astype(np.float32) for a in (x, w, b, g)])
    for ours, exact in zip(singles, all_three(x, w, b, g)):  # float64 takes the patches
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, exact, rtol=1e-4, atol=1e-4)
    assert {"correlate", "weight_grad"} <= set(taken)


def _noting(function, taken):
    def wrapped(*args):
        taken.append(function.__name__)
        return function(*args)

    return wrapped


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
