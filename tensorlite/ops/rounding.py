"""Rounding, signs and the parts of floating-point numbers: gradients that are zero or pass through."""

import numpy as np

from ..engine import primitive, titled
from .blocks import _quiet, zero
from .compare import isfinite, where


def _sign(x):
    """The sign of each element; 0 for NaN, as in PyTorch."""
    if x.dtype == bool:
        return x.copy()
    out = np.sign(x)
    if x.dtype.kind == "f" and np.isnan(x).any():
        return np.where(np.isnan(x), x.dtype.type(0), out)
    return out


@primitive
def sign(x):
    """-1, 0 or 1; its gradient is zero."""
    if x.dtype.kind == "c":
        raise NotImplementedError(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
        )
    return _sign(x)


sign.vjp(x=lambda g: zero(g))


def _step(name, ufunc):
    """A piecewise constant function: its gradient is zero everywhere."""

    @titled(name, f"Elementwise ``{name}`` of ``x``; its gradient is zero.")
    def forward(x):
        if x.dtype.kind == "c":
            raise NotImplementedError(f"{name} is not supported for complex inputs")
        return ufunc(x) if x.dtype.kind == "f" else x.copy()

    op = primitive(forward)
    op.vjp(x=lambda g: zero(g))
    return op


floor = _step("floor", np.floor)
ceil = _step("ceil", np.ceil)
trunc = _step("trunc", np.trunc)


@primitive
@_quiet
def frac(x):
    """What ``trunc`` cuts off."""
    if x.dtype.kind != "f":
        raise NotImplementedError(f"frac is not implemented for {x.dtype}; it takes floating-point tensors")
    return x - np.trunc(x)


frac.vjp(x=lambda g: g)


@primitive
def round(x, *, decimals=0):
    """Round half to even; its gradient is zero."""
    return np.round(x, decimals)


round.vjp(x=lambda g: zero(g))


@primitive
def nan_to_num(x, *, nan=0.0, posinf=None, neginf=None):
    """``x`` with numbers for NaN and infinities (by default 0 and the largest and smallest of the dtype)."""
    if x.dtype.kind not in "fc":
        return x.copy()
    return np.nan_to_num(x, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf).astype(x.dtype, copy=False)


nan_to_num.vjp(x=lambda g, x: where(isfinite(x), g, 0.0))


@primitive(outputs=("mantissa", "exponent"), constant=("exponent",))
def frexp(x):
    """``x = mantissa * 2**exponent`` with a mantissa between 0.5 and 1."""
    if x.dtype.kind != "f":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = np.frexp(x)
    return mantissa, np.asarray(exponent, np.int32)


frexp.vjp(x=lambda g, exponent: g * 0.5**exponent)
