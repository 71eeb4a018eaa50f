"""Run one program under both frameworks and compare what comes out: values, dtypes, shapes, errors."""

import warnings

import numpy as np

import tensorlite as tl

torch = None
try:
    import torch
except ImportError:
    pass


def outcome(program, t):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return program(t)
        except Exception as error:
            return error


def assert_same(a, b, tolerance=1e-5):
    """``a`` from tensorlite, ``b`` from PyTorch."""
    if isinstance(b, Exception) or isinstance(a, Exception):
        assert isinstance(a, Exception) and isinstance(b, Exception), f"ours: {a!r}, theirs: {b!r}"
        kinds = (type(b), RuntimeError) if isinstance(b, NotImplementedError) else type(b)
        assert isinstance(a, kinds), f"ours: {a!r}, theirs: {b!r}"
    elif isinstance(b, torch.Tensor):
        assert isinstance(a, tl.Tensor), f"ours: {a!r}, theirs: {b!r}"
        assert str(a.dtype) == str(b.dtype), f"ours: {a.dtype}, theirs: {b.dtype}"
        assert tuple(a.shape) == tuple(b.shape), f"ours: {a.shape}, theirs: {b.shape}"
        assert a.requires_grad == b.requires_grad
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), tolerance, tolerance)
    elif isinstance(b, (tuple, list)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_same(x, y, tolerance)
    elif isinstance(b, float) and isinstance(a, float):
        np.testing.assert_allclose(a, b, tolerance)
    elif isinstance(b, torch.dtype) or isinstance(b, torch.device):
        assert repr(a) == repr(b)
    else:
        assert a == b, f"ours: {a!r}, theirs: {b!r}"


def check(program, tolerance=1e-5):
    assert_same(outcome(program, tl), outcome(program, torch), tolerance)
