"""``testing.assert_close`` accepts, refuses and explains as PyTorch's."""

from __future__ import annotations

import re

import numpy as np
import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")

CALLS = [
    "(t([1., 2.]), t([1., 2.1]))", "(t([1., 2.]), t([1., 2.0000001]))", "(t([1, 2]), t([1, 3]))", "(lib.ones(2), lib.ones(3))",
    "(lib.ones(2), lib.ones(2).double())", "(lib.ones(2), lib.ones(2).double(), check_dtype=False)", "(1.0, 1.1)", "(1, 1)", "(1, 2)",
    "([1., 2.], [1., 3.])", "([1.], [1., 3.])", "({'a': 1}, {'b': 1})", "({'a': t([1.]), 'b': [t([2.])]}, {'a': t([1.]), 'b': [t([3.])]})",
    "(t(float('nan')), t(float('nan')))", "(t(float('nan')), t(float('nan')), equal_nan=True)", "(lib.ones(2), [1., 1.])", "('a', 'a')",
    "(lib.ones(2), lib.ones(2), rtol=1e-3)", "(lib.ones(2), lib.ones(2) * 1.01, rtol=0.1, atol=0)", "(lib.zeros(2, 2), lib.eye(2) * 1e-3, rtol=0, atol=1e-4)",
    "(t([True]), t([False]))", "(t(1.5), t(2.5))", "(lib.ones(2), lib.ones(2) + 1, msg='own')", "(lib.ones(2), lib.ones(2) + 1, msg=lambda m: 'see: ' + m)",
    "(lib.ones(2, 3).t(), lib.ones(3, 2), check_stride=True)", "(t([1 + 1j]), t([1 + 2j]))", "(t([1.], dtype=lib.float16), t([1.002], dtype=lib.float16))",
    "(None, None)", "(np.ones(2), np.ones(2))", "(1.0, float('nan'))", "(1, 1.0)", "(t([float('inf')]), t([float('inf')]))",
]  # fmt: skip


def outcome(lib, call):
    try:
        eval(f"lib.testing.assert_close{call}", {"lib": lib, "t": lib.tensor, "np": np})
    except (AssertionError, TypeError, ValueError) as error:
        return type(error), re.sub(r"(\d\.\d{6})\d*", r"\1", str(error)).replace("tensorlite", "torch")
    return None


@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    ours, theirs = outcome(tl, call), outcome(torch, call)
    assert (ours is None) == (theirs is None) and (ours is None or ours[0] is theirs[0])
    if theirs is not None and theirs[0] is AssertionError:
        assert ours[1] == theirs[1]


def test_the_older_name():
    tl.testing.assert_allclose([1.0, 2.0], tl.tensor([1.0, 2.0], dtype=tl.float64))
    with pytest.raises(AssertionError):
        tl.testing.assert_allclose(1.0, 2.0)
