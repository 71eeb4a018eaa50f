"""Half precision and other dtypes where a plain kernel would overflow or round: PyTorch's results."""

from __future__ import annotations

import numpy as np
import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")


def both(call, array, **attributes):
    """Results and gradients of ``call(lib, x)``."""
    found = []
    for lib, make in ((tl, tl.from_numpy), (torch, torch.from_numpy)):
        x = make(array.copy())
        if array.dtype.kind in "fc":
            x.requires_grad_()
        out = call(lib, x)
        if out.requires_grad:
            out.backward(lib.ones_like(out))
        found.append((out.detach().numpy(), x.grad.numpy() if x.requires_grad else None))
    return found


LARGE = (np.random.default_rng(0).standard_normal((4, 6, 5)) * 400).astype(np.float16)
CALLS = {
    "layer_norm": lambda lib, x: lib.nn.functional.layer_norm(x, (5,)), "rms_norm": lambda lib, x: lib.nn.functional.rms_norm(x, (5,)),
    "group_norm": lambda lib, x: lib.nn.functional.group_norm(x, 2), "instance_norm": lambda lib, x: lib.nn.functional.instance_norm(x),
    "batch_norm": lambda lib, x: lib.nn.functional.batch_norm(x, None, None, training=True), "norm": lambda lib, x: (x * 0.1).norm(),
    "norm of rows": lambda lib, x: x.norm(dim=1), "std": lambda lib, x: x.std(1), "normalize": lambda lib, x: lib.nn.functional.normalize(x),
    "var": lambda lib, x: (x / 10).var(0), "cosine": lambda lib, x: lib.nn.functional.cosine_similarity(x, x.flip(0)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_squares_of_half_precision_do_not_overflow(name):
    (a, ga), (b, gb) = both(CALLS[name], LARGE)
    assert a.dtype == b.dtype == np.float16 and np.isfinite(b).all()
    np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(ga, gb, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_integers_to_negative_powers(dtype):
    a, b = np.array([2, -2, 1, -1, 3, 0, -1, 2, -1], dtype), np.array([-1, -2, -3, -3, -1, 1, -2, 3, 0], dtype)
    for call in ("lib.pow(a, b)", "2 ** b", "(-1) ** b", "1 ** b", "a ** b"):
        ours, theirs = (
            eval(call, {"lib": lib, "a": make(a), "b": make(b)})
            for lib, make in ((tl, tl.from_numpy), (torch, torch.from_numpy))
        )
        assert ours.tolist() == theirs.tolist() and str(ours.dtype) == str(theirs.dtype), call
    for make in (tl.from_numpy, torch.from_numpy):
        with pytest.raises(RuntimeError, match="negative integer powers"):
            make(a) ** -1


@pytest.mark.parametrize("name", ["softsign", "tanhshrink", "rms_norm"])
def test_complex_gradients(name):
    rng = np.random.default_rng(1)
    x = (rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4))).astype(np.complex64)
    more = ((4,), None, 0.1) if name == "rms_norm" else ()
    (a, ga), (b, gb) = both(lambda lib, t: getattr(lib.nn.functional, name)(t, *more), x)
    np.testing.assert_allclose(a, b, rtol=1e-4)
    np.testing.assert_allclose(ga, gb, rtol=1e-4, atol=1e-5)
