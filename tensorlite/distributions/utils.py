"""What distributions share: broadcasting, probabilities and log odds, triangular matrices as vectors."""

import math
from functools import cached_property

import numpy as np

import tensorlite as tl

from .. import dtypes
from ..engine import TensorBase, wrap

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits", "tril_matrix_to_vec",
           "vec_to_tril_matrix"]  # fmt: skip

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
EULER = 0.57721566490153286060


def broadcast_all(*values):
    """Tensors and numbers as tensors of one shape.

    Raises
    ------
    ValueError
        For anything else.
    """
    if not all(isinstance(v, (TensorBase, int, float, np.number)) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    first = next((v for v in values if isinstance(v, TensorBase)), None)
    d = dtypes.get_default_dtype().numpy if first is None else first._data.dtype
    tensors = [v if isinstance(v, TensorBase) else wrap(np.array(v, dtype=d)) for v in values]
    shape = tensors[0]._data.shape
    if all(t._data.shape == shape for t in tensors):
        return tensors
    return list(tl.broadcast_tensors(*tensors))


def sum_rightmost(value, dim):
    """The sum over the last ``dim`` dimensions."""
    return value if dim == 0 else value.sum(tuple(range(-dim, 0)))


def smallest(t):
    """The smallest normal number in the dtype of ``t``."""
    return tl.finfo(t.dtype).tiny


def clamp_probs(probs):
    """Probabilities away from 0 and 1, by one rounding error."""
    eps = float(np.finfo(probs._data.dtype).eps)
    return probs.clamp(eps, 1 - eps)


def probs_to_logits(probs, is_binary=False):
    """Log odds (binary), or log probabilities."""
    p = clamp_probs(probs)
    return p.log() - (-p).log1p() if is_binary else p.log()


def logits_to_probs(logits, is_binary=False):
    """The inverse of :func:`probs_to_logits`; log probabilities may miss a constant."""
    return tl.sigmoid(logits) if is_binary else tl.softmax(logits, dim=-1)


class lazy_property(cached_property):
    """A property computed once, with its gradient even where none are recorded (sampling must not lose it)."""

    def __get__(self, instance, owner=None):
        with tl.enable_grad():
            return super().__get__(instance, owner)


def normal_like(t, shape):
    """Standard normal numbers of a shape, in the dtype of ``t``."""
    return tl.randn(shape, dtype=t.dtype)


def tril_matrix_to_vec(mat, diag=0):
    """The entries of lower triangles up to the diagonal ``diag``, row by row."""
    n = mat.shape[-1]
    if diag < -n or diag >= n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[(..., *np.tril_indices(n, diag))]


def vec_to_tril_matrix(vec, diag=0):
    """The inverse of :func:`tril_matrix_to_vec`."""
    k = 1 + 2 * diag
    n = (-k + (k**2 + 8 * vec.shape[-1] + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(n) != n:
        raise ValueError(
            f"The size of last dimension is {vec.shape[-1]} which cannot be expressed as the lower triangular part of "
            "a square D x D matrix."
        )
    matrix = vec.new_zeros((*vec.shape[:-1], round(n), round(n)))
    matrix[(..., *np.tril_indices(round(n), diag))] = vec
    return matrix
