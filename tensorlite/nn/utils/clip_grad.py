"""Gradients held within bounds."""

import warnings
from types import GeneratorType

import numpy as np

from ..._tensor import Tensor
from ...engine import touch, wrap
from ...ops.reduction import vector_norm

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _list(parameters):
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm of all ``tensors`` as one vector.

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
    norm_type : float, default 2.0
        ``inf`` for the largest absolute value.
    error_if_nonfinite : bool
        Raise where the norm is infinite or NaN.
    foreach : bool, optional
        Accepted; there is one implementation.

    Returns
    -------
    Tensor
        A scalar.
    """
    tensors = _list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return wrap(np.zeros((), np.float32))
    norms = [vector_norm(t._data, ord=norm_type) for t in tensors]
    total = np.asarray(vector_norm(np.stack([np.asarray(n) for n in norms]), ord=norm_type))
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped. "
            "To disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return wrap(total)


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Scale the gradients of ``parameters`` by ``max_norm / (total_norm + 1e-6)`` where that is below 1, in place."""
    grads = [p._grad for p in _list(parameters) if p._grad is not None]
    total = np.asarray(getattr(total_norm, "_data", total_norm))
    with np.errstate(invalid="ignore"):
        factor = np.minimum(float(max_norm) / (total + total.dtype.type(1e-6)), total.dtype.type(1))
        for g in grads:
            np.multiply(g._data, factor.astype(g._data.dtype), out=g._data)
            touch(g)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale gradients down, in place, so that their norm as one vector is at most ``max_norm``.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
    max_norm : float
    norm_type : float, default 2.0
    error_if_nonfinite : bool
    foreach : bool, optional
        Accepted; there is one implementation.

    Returns
    -------
    Tensor
        The norm before.

    Examples
    --------
    >>> import tensorlite as tl
    >>> p = tl.ones(4, requires_grad=True)
    >>> (p * 3).sum().backward()
    >>> tl.nn.utils.clip_grad_norm_([p], max_norm=1.0)
    tensor(6.)
    """
    generated, parameters = isinstance(parameters, GeneratorType), _list(parameters)
    if generated and not parameters:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    grads = [p._grad for p in parameters if p._grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The old name of :func:`clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.", FutureWarning,
        stacklevel=2)  # fmt: skip
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Clip every element of the gradients to [-clip_value, clip_value], in place."""
    clip_value = float(clip_value)
    for p in _list(parameters):
        if p._grad is not None:
            np.clip(p._grad._data, -clip_value, clip_value, out=p._grad._data)
            touch(p._grad)
