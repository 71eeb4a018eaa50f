"""Padding in every mode; a negative width cuts off."""

import numpy as np

from ..dtypes import number
from ..engine import primitive, unwrap
from .indexing import index_select


def _box(shape, widths):
    """The slices of a result that come from a padded array, and those of the array."""
    inner = tuple([slice(max(a, 0), n + a + b - max(b, 0)) for n, (a, b) in zip(shape, widths)])
    outer = tuple([slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(shape, widths)])
    return inner, outer


@primitive
def constant_pad(x, *, widths, value=0.0):
    """``x`` with ``widths`` (two per dimension) of ``value`` around it; a negative width cuts off."""
    shape = [n + a + b for n, (a, b) in zip(x.shape, widths)]
    if [n for n in shape if n < 0]:
        raise RuntimeError(f"The input size {list(x.shape)}, plus negative padding {[list(w) for w in widths]}, resulted in a "
                           f"negative output size {shape}")  # fmt: skip
    out = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    inner, outer = _box(x.shape, widths)
    if not [s for s in outer if s.stop <= s.start]:
        out[inner] = x[outer]
    return out


constant_pad.vjp(x=lambda g, widths: constant_pad(g, widths=tuple([(-a, -b) for a, b in widths])))

_MODES = ("constant", "reflect", "replicate", "circular")


def _source(n, before, after, mode, dim):
    """Where the elements of a padded dimension of size ``n`` come from."""
    at = np.arange(-before, n + after)
    if mode == "replicate":
        if n == 0:
            raise RuntimeError("Expected non-zero size for replicate padding")
        return at.clip(0, n - 1)
    if mode == "circular":
        if before > n or after > n:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        first = max(-before, 0)  # what negative widths leave is what goes round
        return first + (at - first) % max(n - first - max(-after, 0), 1)
    if before >= n or after >= n:
        raise RuntimeError(
            "Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) at dimension {dim} of size {n}"
        )
    at = np.abs(at)
    return np.where(at >= n, 2 * (n - 1) - at, at)


def pad(input, pad, mode="constant", value=None):
    """``input`` padded, the last dimension first.

    Parameters
    ----------
    input : Tensor
    pad : sequence of int
        ``(left, right)`` of the last dimension, then of the one before it, and so on; negative numbers cut off.
    mode : {'constant', 'reflect', 'replicate', 'circular'}
    value : float, default 0
        For mode ``'constant'``.

    Raises
    ------
    RuntimeError
        For an odd number of widths, too many of them, or a reflection wider than the dimension.
    NotImplementedError
        For an unknown mode.
    """
    widths = tuple([int(p) for p in pad])
    ndim = len(input.shape)
    if len(widths) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(widths) // 2 > ndim:
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(widths)} and input of dimension {ndim}"
        )
    pairs = list(zip(widths[::2], widths[1::2]))
    if mode == "constant":
        full = [(0, 0)] * (ndim - len(pairs)) + pairs[::-1]
        return constant_pad(input, widths=tuple(full), value=0.0 if value is None else number(value, input._data.dtype))
    if mode not in _MODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}; it may be one of {', '.join(_MODES)}")
    if value is not None and value != 0:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if not (len(pairs) in (1, 2, 3) and ndim in (len(pairs) + 1, len(pairs) + 2)):
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: pad the last 1, 2 or 3 dimensions of "
            "a tensor with one or two more"
        )
    for i, (before, after) in enumerate(pairs):
        dim = ndim - 1 - i
        if (before, after) != (0, 0):
            source = _source(unwrap(input).shape[dim], before, after, mode, dim)
            input = index_select(input, source, dim=dim)
    return input
