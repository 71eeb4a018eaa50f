"""Initial values: PyTorch's numbers from the same seed."""

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn

torch = pytest.importorskip("torch")

CASES = [
    ("uniform_", (3, 5), {}), ("uniform_", (40, 50), {"a": -0.3, "b": 2.0}), ("normal_", (3, 4), {}),
    ("normal_", (20, 5), {"mean": 1.0, "std": 0.2}), ("normal_", (37,), {"std": 3.0}), ("constant_", (3, 4), {"val": 0.3}),
    ("ones_", (3,), {}), ("zeros_", (3,), {}), ("eye_", (3, 5), {}), ("dirac_", (4, 2, 3), {}), ("dirac_", (4, 2, 3, 3), {"groups": 2}),
    ("xavier_uniform_", (30, 20), {}), ("xavier_uniform_", (3, 4, 5, 5), {"gain": 2.0}), ("xavier_normal_", (30, 20), {}),
    ("kaiming_uniform_", (30, 20), {}), ("kaiming_uniform_", (3, 4, 5), {"a": 0.1, "mode": "fan_out"}),
    ("kaiming_normal_", (30, 20), {"nonlinearity": "relu"}), ("kaiming_normal_", (3, 4, 5, 5), {"mode": "fan_out", "nonlinearity": "tanh"}),
    ("trunc_normal_", (30, 20), {}), ("trunc_normal_", (30, 20), {"mean": 0.5, "std": 0.1, "a": 0.4, "b": 0.9}),
    ("trunc_normal_", (30, 20), {"a": 1.2, "b": 1.4}), ("orthogonal_", (5, 8), {}), ("orthogonal_", (8, 3, 2), {"gain": 2.0}),
    ("orthogonal_", (6, 6), {}), ("sparse_", (10, 6), {"sparsity": 0.3}),
]  # fmt: skip
EXACT = {"uniform_", "normal_", "xavier_uniform_", "kaiming_uniform_", "constant_", "ones_", "zeros_", "eye_", "dirac_"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, shape, kwargs", CASES)
def test_same_numbers(name, shape, kwargs, dtype):
    found = []
    for lib, n in ((tl, nn), (torch, torch.nn)):
        lib.manual_seed(5)
        x = lib.zeros(shape, dtype=getattr(lib, dtype))
        assert getattr(n.init, name)(x, **kwargs) is x
        found.append(x.numpy())
        found.append(lib.rand(2).numpy())  # the streams stand at the same place
    np.testing.assert_array_equal(found[1], found[3])
    if name in EXACT and dtype == "float32":
        np.testing.assert_array_equal(found[0], found[2])
    else:
        np.testing.assert_allclose(
            found[0], found[2], rtol=2e-5 if dtype == "float32" else 1e-11, atol=2e-6 if dtype == "float32" else 1e-13
        )


def test_generators_and_gradients():
    w = nn.Parameter(tl.zeros(3, 4))
    assert nn.init.normal_(w, generator=tl.Generator().manual_seed(1)) is w and w.requires_grad and w.is_leaf
    v = nn.init.normal_(tl.zeros(3, 4), generator=tl.Generator().manual_seed(1))
    assert (v == w).all()


@pytest.mark.parametrize("name, param", [
    ("linear", None), ("conv2d", None), ("sigmoid", None), ("tanh", None), ("relu", None), ("leaky_relu", None),
    ("leaky_relu", 0.3), ("selu", None),
])  # fmt: skip
def test_gain(name, param):
    assert nn.init.calculate_gain(name, param) == torch.nn.init.calculate_gain(name, param)


def test_bad_input():
    with pytest.raises(
        ValueError, match=r"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
    ):
        nn.init.xavier_uniform_(tl.zeros(3))
    with pytest.raises(ValueError, match=r"Unsupported nonlinearity swish"):
        nn.init.calculate_gain("swish")
    with pytest.raises(ValueError, match=r"Mode sum not supported"):
        nn.init.kaiming_normal_(tl.zeros(3, 3), mode="sum")
    with pytest.raises(ValueError, match=r"2 dimensions"):
        nn.init.eye_(tl.zeros(3))
    with pytest.warns(UserWarning, match=r"zero-element"):
        nn.init.kaiming_uniform_(tl.zeros(0, 3))
    with pytest.warns(FutureWarning, match=r"nn.init.xavier_normal_"):
        nn.init.xavier_normal(tl.zeros(2, 2))
