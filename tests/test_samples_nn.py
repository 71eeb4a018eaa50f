"""Every primitive of the spatial rooms: what each must hold, on its sample calls."""

import importlib

import numpy as np
import pytest
from samples import overlapping
from samples_nn import SAMPLES

import tensorlite as tl
from tensorlite.engine import registry

ROOMS = sorted({name.split(".")[0] for name in SAMPLES})
CASES = [pytest.param(name, *call, id=f"{name}-{i}") for name, calls in SAMPLES.items() for i, call in enumerate(calls)]


def _primitives():
    for room in ROOMS:
        importlib.import_module(f"tensorlite.ops.{room}")
    return {
        k.removeprefix("tensorlite.ops."): v
        for k, v in registry.items()
        if k.split(".")[2:3] and k.split(".")[2] in ROOMS
    }


def _first(out):
    return out[0] if isinstance(out, tuple) else out


def _settings(settings, dtype):
    return {k: v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for k, v in settings.items()}


def test_every_primitive_has_samples():
    assert set(_primitives()) == set(SAMPLES)


@pytest.mark.parametrize("name, arrays, settings", CASES)
def test_layouts_and_dtypes(name, arrays, settings):
    """Read-only inputs in any memory order give the same numbers; float32 stays float32."""
    op = _primitives()[name]
    expected = _first(op(*arrays, **settings))
    locked = [np.array(a, order="F") for a in arrays]
    for a in locked:
        a.flags.writeable = False
    np.testing.assert_allclose(_first(op(*locked, **settings)), expected, rtol=1e-12, atol=1e-12)
    single = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays]
    out = _first(op(*single, **_settings(settings, np.float32)))
    assert out.dtype == (np.float32 if expected.dtype.kind == "f" else expected.dtype)
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name, arrays, settings", CASES)
def test_elements_may_share_memory(name, arrays, settings):
    op = _primitives()[name]
    for i, x in enumerate(arrays):
        for shared in overlapping(x) if x.dtype.kind == "f" else ():
            apart = op(*arrays[:i], np.array(shared, order="C"), *arrays[i + 1 :], **settings)
            out = op(*arrays[:i], shared, *arrays[i + 1 :], **settings)
            np.testing.assert_allclose(_first(out), _first(apart), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name, arrays, settings", [c for c in CASES if not c.values[0].endswith("_index")])
def test_gradients(name, arrays, settings):
    op = _primitives()[name]
    floats = [a for a in arrays if a.dtype.kind == "f"]
    rest = [a for a in arrays if a.dtype.kind != "f"]
    inputs = [tl.tensor(a, requires_grad=True) for a in floats]
    call = lambda *x: _first(op(*x, *rest, **settings))
    assert tl.autograd.gradcheck(call, inputs)
    assert tl.autograd.gradgradcheck(call, inputs)
    out = call(*inputs)
    for x, g in zip(inputs, tl.autograd.grad(out, inputs, tl.ones_like(out))):
        assert g.shape == x.shape and g.dtype == x.dtype
