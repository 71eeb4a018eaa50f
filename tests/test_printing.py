# ruff: noqa: UP031 (the old formatting is what is tested)
"""repr and formatting, compared with PyTorch letter for letter."""

import numpy as np
import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")
rng = np.random.default_rng(0)


def arrays():
    """A few hundred arrays of every dtype, size, magnitude and kind of value."""
    shapes = [(), (1,), (3,), (7,), (30,), (0,), (0, 3), (2, 0), (1, 1), (2, 3), (3, 20), (2, 2, 3), (1, 2, 1, 2), (1001,),
              (40, 40), (8, 7, 25), (2, 600)]  # fmt: skip
    for shape in shapes:
        for dtype in ("float32", "float64", "float16"):
            x = rng.standard_normal(shape)
            yield np.asarray(x, dtype)
            yield np.asarray(np.round(x * 5), dtype)
            yield np.asarray(x * 1e-3, dtype)
            yield np.asarray(np.exp(x * 2), dtype)
            special = np.asarray(x, dtype).copy()
            special.reshape(-1)[::3] = np.nan
            special.reshape(-1)[1::4] = -np.inf
            yield special
        yield np.asarray(rng.standard_normal(shape) * 1e9, "float32")
        for dtype in ("int64", "int32", "int16", "int8", "uint8"):
            yield np.asarray(rng.integers(0 if dtype == "uint8" else -100, 100, shape), dtype)
        yield np.asarray(rng.integers(-(10**12), 10**12, shape), "int64")
        yield np.asarray(rng.integers(0, 2, shape), bool)
        z = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        yield np.asarray(z, "complex64")
        yield np.asarray(np.round(z * 3), "complex128")
    for value in (0.0, -0.0, 1.0, 1e-5, 1e10, 123456.789, np.nan, np.inf, 0.1, 1e-40):
        yield np.asarray(value, "float32")
        yield np.asarray([value, 1.0], "float32")


def same(a):
    ours, theirs = tl.from_numpy(a.copy()), torch.from_numpy(a.copy())
    assert repr(ours) == repr(theirs)
    assert str(ours) == str(theirs)


def test_many_tensors_read_alike():
    count = 0
    for a in arrays():
        same(a)
        count += 1
    assert count > 350


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2}, {"precision": 8}, {"precision": 0}, {"threshold": 5}, {"threshold": 5, "edgeitems": 1},
        {"linewidth": 40}, {"linewidth": 200}, {"profile": "short"}, {"profile": "full"}, {"sci_mode": True},
        {"sci_mode": False}, {"precision": 3, "threshold": 10, "edgeitems": 2, "linewidth": 60, "sci_mode": False},
        {"edgeitems": 0, "threshold": 2},
    ],
)  # fmt: skip
def test_print_options(options):
    with tl.printoptions(**options):
        torch.set_printoptions(**options)
        try:
            for shape in [(), (3,), (12,), (4, 9), (3, 4, 5), (30, 50)]:
                for scale in (1, 1e-5, 1e4):
                    same(np.asarray(rng.standard_normal(shape) * scale, "float32"))
                same(np.asarray(rng.integers(0, 9, shape)))
        finally:
            torch.set_printoptions(profile="default")
    assert tl.get_printoptions()["precision"] == 4


@pytest.mark.parametrize("make", [
    lambda t: t.tensor([1.0, 2.0], requires_grad=True),
    lambda t: t.tensor([1.0, 2.0], requires_grad=True) * 2,
    lambda t: (t.ones(3, 4, requires_grad=True) * 2).sum(),
    lambda t: t.ones(2, 2, requires_grad=True).exp(),
    lambda t: t.ones(2, 2, requires_grad=True).t(),
    lambda t: t.ones(2, 2, dtype=t.float64, requires_grad=True) @ t.ones(2, 2, dtype=t.float64),
    lambda t: t.arange(40.0, requires_grad=True) / 3,
    lambda t: t.nn.Parameter(t.ones(2, 3)),
    lambda t: t.ones(2, 3).shape,
    lambda t: t.ones(()).shape,
    lambda t: t.ones(2, 3).max(1),
    lambda t: t.float32, lambda t: t.bool, lambda t: t.device("cpu"), lambda t: t.device("cuda:1"), lambda t: t.strided,
    lambda t: t.channels_last,
])  # fmt: skip
def test_history_and_friends(make):
    assert repr(make(tl)) == repr(make(torch))


@pytest.mark.parametrize("make", [
    lambda t: f"{t.tensor(3.14159):.3f}", lambda t: f"{t.tensor(2):>10}", lambda t: "%d" % t.tensor(3.7),
    lambda t: "%.2f" % t.tensor(3.14159), lambda t: f"{t.tensor([1.0, 2.0])}", lambda t: f"{t.tensor(1.5)}",
    lambda t: f"{t.tensor(True)}", lambda t: "%s" % t.tensor([1]), lambda t: f"{t.tensor(1.0, requires_grad=True)}",
    lambda t: f"{t.tensor(1.0, requires_grad=True) * 2:.1f}", lambda t: f"{t.tensor(5):5d}",
])  # fmt: skip
def test_format(make):
    assert make(tl) == make(torch)


def test_format_of_many_elements_refuses():
    for t in (tl, torch):
        with pytest.raises(TypeError, match="unsupported format string"):
            format(t.ones(2), ".2f")


def test_unknown_profile():
    with pytest.raises(ValueError, match="profile"):
        tl.set_printoptions(profile="shiny")


def test_default_dtype_changes_the_suffix():
    try:
        for t in (tl, torch):
            t.set_default_dtype(t.float64)
        assert repr(tl.ones(2)) == repr(torch.ones(2)) == "tensor([1., 1.])"
        assert repr(tl.ones(2, dtype=tl.float32)) == repr(torch.ones(2, dtype=torch.float32))
    finally:
        for t in (tl, torch):
            t.set_default_dtype(t.float32)
