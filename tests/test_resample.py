"""interpolate, grid_sample and affine_grid against PyTorch."""

import numpy as np
import pytest
from spatial import check_function, check_layer, data, same_error, second_order

import tensorlite as tl
from tensorlite.ops import resample as ops

torch = pytest.importorskip("torch")

IMAGE, LINE, VOLUME = (2, 3, 5, 4), (2, 3, 7), (2, 2, 3, 4, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape, settings",
    [
        *[(s, {"mode": m, "size": n}) for s in (LINE, IMAGE, VOLUME) for m in ("nearest", "nearest-exact", "area")
          for n in (2, 9)],
        *[(s, {"mode": m, "scale_factor": f}) for s in (LINE, IMAGE) for m in ("nearest", "nearest-exact", "area")
          for f in (2, 0.5, 1.7)],
        *[(s, {"mode": m, "size": n, "align_corners": a}) for s, m in ((LINE, "linear"), (IMAGE, "bilinear"),
          (IMAGE, "bicubic"), (VOLUME, "trilinear")) for n in (1, 3, 8) for a in (None, True)],
        *[(IMAGE, {"mode": m, "scale_factor": f, "align_corners": a}) for m in ("bilinear", "bicubic")
          for f in (2, 0.6, (1.5, 2.3)) for a in (False, True)],
        *[(IMAGE, {"mode": m, "size": n, "align_corners": a, "antialias": True}) for m in ("bilinear", "bicubic")
          for n in (2, (3, 9)) for a in (False, True)],
        (IMAGE, {"mode": "bilinear", "scale_factor": 1.3, "recompute_scale_factor": True}),
        (IMAGE, {"mode": "nearest", "scale_factor": (1.3, 2.0), "recompute_scale_factor": True}),
    ],
)  # fmt: skip
def test_interpolate(shape, settings, dtype):
    check_function(lambda F, x: F.interpolate(x, **settings), data(*shape, dtype=dtype))


def test_layers():
    check_layer(lambda nn: nn.Upsample(scale_factor=2), IMAGE)
    check_layer(lambda nn: nn.Upsample(scale_factor=(2, 3), mode="bilinear"), IMAGE)
    check_layer(lambda nn: nn.Upsample(size=9, mode="linear", align_corners=True), LINE)
    check_layer(lambda nn: nn.UpsamplingNearest2d(scale_factor=2), IMAGE)
    check_layer(lambda nn: nn.UpsamplingBilinear2d(size=(7, 9)), IMAGE)


def test_the_identity_has_pytorchs_last_digits():
    """A spatial transformer starts there, with every place on the border between two cells."""
    for size in (7, 16, 28):
        for align in (False, True):
            ours, theirs = (
                lib.nn.functional.affine_grid(lib.eye(2, 3)[None], (1, 1, size, size), align_corners=align)
                for lib in (tl, torch)
            )
            assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [False, True])
def test_slopes_at_the_identity(padding_mode, align):
    slopes = []
    for lib in (tl, torch):
        lib.manual_seed(0)
        x, theta = lib.randn(2, 3, 8, 8), lib.eye(2, 3)[None].repeat(2, 1, 1).requires_grad_()
        grid = lib.nn.functional.affine_grid(theta, x.shape, align_corners=align)
        y = lib.nn.functional.grid_sample(x, grid, padding_mode=padding_mode, align_corners=align)
        y.square().sum().backward()
        slopes.append(theta.grad.numpy())
    np.testing.assert_allclose(*slopes, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample(mode, padding, align):
    settings = {"mode": mode, "padding_mode": padding, "align_corners": align}
    check_function(lambda F, x, g: F.grid_sample(x, g, **settings), data(*IMAGE), data(2, 3, 6, 2, seed=1))
    if mode == "bicubic":
        return
    check_function(lambda F, x, g: F.grid_sample(x, g, **settings), data(*VOLUME), 0.7 * data(2, 3, 2, 3, 3, seed=1))


@pytest.mark.parametrize("align", [True, False])
def test_affine_grid(align):
    check_function(lambda F, t: F.affine_grid(t, (2, 1, 4, 5), align_corners=align), data(2, 2, 3))
    check_function(lambda F, t: F.affine_grid(t, (2, 1, 2, 4, 3), align_corners=align), data(2, 3, 4))


def test_every_order():
    x = data(1, 2, 3, 4)
    second_order(lambda x: ops.separable(x, matrices=(data(2, 3), None)), x)
    second_order(lambda x: ops.take_pixels(x, index=(np.array([0, 2, 2]), np.array([3, 1]))), x)
    second_order(lambda x, g: ops.grid_sample(x, g, "bilinear", "zeros", True), x, 0.5 * data(1, 2, 2, 2))


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4, 4)),
        lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4, 4), size=2, scale_factor=2),
        lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4), 2, mode="bilinear"),
        lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4, 4), 2, mode="linear"),
        lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4, 4), 2, mode="nearest", align_corners=True),
        lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4, 4), (2, 2, 2)),
        lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4, 4), scale_factor=(2, 2, 2)),
        lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4, 4), 2, mode="foo"),
        lambda t: t.nn.functional.grid_sample(t.zeros(1, 1, 4, 4), t.zeros(1, 2, 2, 3), align_corners=True),
        lambda t: t.nn.functional.grid_sample(t.zeros(1, 1, 4, 4), t.zeros(2, 2, 2, 2), align_corners=True),
        lambda t: t.nn.functional.grid_sample(t.zeros(1, 1, 4, 4), t.zeros(1, 2, 2, 2), mode="foo", align_corners=True),
    ],
)
def test_errors(call):
    ours, theirs = same_error(call)
    assert ours[:60] == theirs[:60]


def test_what_is_not_there():
    with pytest.raises(RuntimeError, match="bicubic"):
        tl.nn.functional.grid_sample(
            tl.zeros(1, 1, 2, 2, 2), tl.zeros(1, 1, 1, 1, 3), mode="bicubic", align_corners=True
        )
    with pytest.warns(UserWarning, match="align_corners"):
        tl.nn.functional.affine_grid(tl.zeros(1, 2, 3), (1, 1, 2, 2))
