"""Matrix products and linear algebra."""

from __future__ import annotations

import numpy as np

from ..engine import primitive, sum_to
from .elementwise import _bar
from .shape import mT, reshape


@primitive(promote="same", broadcasts=True)
def matmul(a, b):
    """The matrix product with PyTorch's rules for vectors and batches."""
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    try:
        return np.matmul(a, b)
    except ValueError:
        rows = f"{a.shape[0] if a.ndim == 2 else list(a.shape)}x{a.shape[1]}" if a.ndim == 2 else list(a.shape)
        cols = f"{b.shape[0]}x{b.shape[1]}" if b.ndim == 2 else list(b.shape)
        raise ValueError(f"mat1 and mat2 shapes cannot be multiplied ({rows} and {cols})") from None


def _matmul_a(g, a_shape, b):
    b = _bar(b)
    if len(b.shape) == 1:
        return reshape(g, shape=(*g.shape, 1)) * b if len(a_shape) > 1 else g * b
    if len(a_shape) == 1:
        return reshape(matmul(reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1])), mT(b)), shape=(*g.shape[:-1], b.shape[-2]))
    return matmul(g, mT(b))


def _matmul_b(g, a, b_shape):
    a = _bar(a)
    if len(a.shape) == 1:
        if len(b_shape) == 1:
            return g * a
        return reshape(a, shape=(a.shape[0], 1)) * reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1]))
    if len(b_shape) == 1:
        return reshape(matmul(mT(a), reshape(g, shape=(*g.shape, 1))), shape=(*g.shape[:-1], a.shape[-1]))
    if len(b_shape) == 2 and len(a.shape) > 2:  # one product over all rows, not a product per batch
        return matmul(mT(reshape(a, shape=(-1, a.shape[-1]))), reshape(g, shape=(-1, g.shape[-1])))
    return matmul(mT(a), g)


matmul.vjp(a=_matmul_a, b=_matmul_b)


@primitive(promote="same")
def linear(x, weight, bias=None):
    """``x @ weight.T + bias`` with ``weight`` of shape (out, in), in one step."""
    if x.shape[-1:] != weight.shape[-1:]:
        rows = f"{x.size // x.shape[-1] if x.ndim and x.shape[-1] else 0}x{x.shape[-1] if x.ndim else 0}"
        raise ValueError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows} and {'x'.join(map(str, weight.shape[::-1]))})"
        )
    if x.ndim > 2:
        out = np.matmul(x.reshape(-1, x.shape[-1]), weight.T).reshape(*x.shape[:-1], weight.shape[0])
    else:
        out = np.matmul(x, weight.T)
    return out if bias is None else np.add(out, bias, out=out) if out.ndim else out + bias


def _linear_weight(g, x):
    if len(x.shape) == 1:
        return reshape(g, shape=(-1, 1)) * x if len(g.shape) else g * x
    g2 = reshape(g, shape=(-1, g.shape[-1])) if len(g.shape) > 2 else g
    x2 = reshape(x, shape=(-1, x.shape[-1])) if len(x.shape) > 2 else x
    return matmul(mT(g2), x2)


linear.vjp(
    x=lambda g, weight: matmul(g, weight) if len(weight.shape) > 1 else reshape(g, shape=(*g.shape, 1)) * weight,
    weight=_linear_weight,
    bias=lambda g: sum_to(g, shape=g.shape[-1:]),
)
