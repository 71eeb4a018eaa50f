"""Sorting, searching and counting."""

import numpy as np

from .. import dtypes
from ..engine import primitive, unwrap, wrap
from .axes import axis_of
from .elementwise import lerp
from .reduction import _need_elements, _unpick
from .scatter import gather

ndarray = np.ndarray
_indices = range  # PyTorch has an argument of this name


def _order(x, axis, descending):
    """Stable order along ``axis``; NaN is the greatest of all."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    back = (slice(None),) * axis + (slice(None, None, -1),)
    return x.shape[axis] - 1 - np.argsort(x[back], axis=axis, kind="stable")[back]


def _scattered(g, indices, x_shape, dim):
    """Zeros of ``x_shape`` with ``g`` at different ``indices``."""
    return _unpick(g, indices, shape=x_shape, dim=dim, keepdim=True)


@primitive(outputs=("values", "indices"), constant=("indices",))
def sort(x, *, dim=-1, descending=False):
    """``x`` sorted along ``dim`` and where each value came from; equal values keep their order."""
    axis = axis_of(dim, x.ndim)
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    order = _order(x, axis, descending)
    return np.take_along_axis(x, order, axis), order


sort.vjp(x=lambda g, indices, x_shape, dim: _scattered(g, indices, x_shape, dim))


@primitive(differentiable=False)
def argsort(x, *, dim=-1, descending=False):
    """The indices that sort ``x`` along ``dim``; equal values keep their order."""
    axis = axis_of(dim, x.ndim)
    return _order(x, axis, descending) if x.ndim else np.zeros((), np.int64)


def msort(input):
    """``input`` sorted along its first dimension."""
    return sort(input, dim=0)[0]


@primitive(outputs=("values", "indices"), constant=("indices",))
def topk(x, *, k, dim=-1, largest=True, sorted=True):
    """The ``k`` largest (or smallest) values along ``dim`` and where they stand."""
    axis = axis_of(dim, x.ndim)
    if not x.ndim:
        if not 0 <= k <= 1:
            raise RuntimeError("selected index k out of range")
        return (x.copy(), np.zeros((), np.int64)) if k else (x.reshape(1)[:0], np.zeros(0, np.int64))
    n = x.shape[axis]
    if not 0 <= k <= n:
        raise RuntimeError("selected index k out of range")
    first = (slice(None),) * axis + (slice(0, k),)
    if k == 1 and n:
        order = (np.argmax if largest else np.argmin)(x, axis=axis, keepdims=True)
        if not largest and x.dtype.kind == "f" and np.isnan(x).any():
            order = _order(x, axis, False)[first]
    elif 4 * k < n and n > 64 and (x.dtype.kind != "f" or not np.isnan(x).any()):
        side = (slice(None),) * axis + (slice(n - k, n) if largest else slice(0, k),)
        order = np.argpartition(x, n - k if largest else max(k - 1, 0), axis=axis)[side]
        part = np.take_along_axis(x, order, axis)
        order = np.take_along_axis(order, _order(part, axis, largest), axis)
    else:
        order = _order(x, axis, largest)[first]
    return np.take_along_axis(x, order, axis), order


topk.vjp(x=lambda g, indices, x_shape, dim: _scattered(g, indices, x_shape, dim))


@primitive(outputs=("values", "indices"), constant=("indices",))
def kthvalue(x, *, k, dim=-1, keepdim=False):
    """The ``k``-th smallest value along ``dim`` (counted from 1) and where it stands."""
    axis = axis_of(dim, x.ndim)
    n = x.shape[axis] if x.ndim else 1
    if not 1 <= k <= n:
        if n == 0:
            _need_elements("kthvalue", x.shape, axis)
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {axis}")
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    indices = np.take(np.argsort(x, axis=axis, kind="stable"), [k - 1], axis)
    values = np.take_along_axis(x, indices, axis)
    return (values, indices) if keepdim else (values.squeeze(axis), indices.squeeze(axis))


kthvalue.vjp(x=lambda g, indices, x_shape, dim, keepdim: _unpick(g, indices, shape=x_shape, dim=dim, keepdim=keepdim))

# -- quantiles -------------------------------------------------------------------------------------


def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear", ignore_nan=False):
    """Values below which a fraction ``q`` of ``input`` lies, along ``dim`` or over all elements.

    Parameters
    ----------
    input : Tensor
        float32 or float64.
    q : float or Tensor
        A fraction, or a vector of them, which becomes the first dimension of the result.
    dim : int, optional
    keepdim : bool
    interpolation : {'linear', 'lower', 'higher', 'midpoint', 'nearest'}
    ignore_nan : bool
        NaN does not count (otherwise it is the result).

    Raises
    ------
    RuntimeError
        For fractions outside [0, 1], an empty input, another dtype.
    ValueError
        For an unknown interpolation.
    """
    from .shape import reshape, swapaxes

    a = unwrap(input)
    if a.dtype.kind != "f" or a.dtype.itemsize < 4:
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    fractions = np.asarray(unwrap(q))
    if isinstance(unwrap(q), ndarray) and fractions.dtype != a.dtype:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    if fractions.ndim > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    if not a.size:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got "
            + interpolation
        )
    if not np.all((fractions >= 0) & (fractions <= 1)):
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    ndim = a.ndim
    if dim is None:
        rows, shape = reshape(input, shape=(1, a.size)), (1,) * ndim if keepdim else ()
    else:
        axis = axis_of(dim, ndim)
        shape = [1 if i == axis else n for i, n in enumerate(a.shape) if keepdim or i != axis]
        rows = swapaxes(reshape(input, shape=a.shape or (1,)), dim0=axis, dim1=-1)
        if ndim > 2:  # the other dimensions keep their order
            from .shape import permute

            rows = permute(input, dims=tuple([i for i in range(ndim) if i != axis] + [axis]))
        rows = reshape(rows, shape=(-1, a.shape[axis] if ndim else 1))
    ranked = sort(rows, dim=-1)[0]
    r = unwrap(ranked)
    bad = np.isnan(r).sum(-1, keepdims=True)
    n = r.shape[-1]
    last = np.maximum(n - bad - 1, 0) if ignore_nan else np.full_like(bad, n - 1)
    place = fractions.reshape(1, -1).astype(a.dtype) * last.astype(a.dtype)
    if not ignore_nan:
        place = np.where(bad > 0, n - 1, place)
    low, high = np.floor(place).astype(np.int64), np.ceil(place).astype(np.int64)
    if interpolation == "lower":
        out = gather(ranked, low, dim=-1)
    elif interpolation == "higher":
        out = gather(ranked, high, dim=-1)
    elif interpolation == "nearest":
        out = gather(ranked, np.round(place).astype(np.int64), dim=-1)
    else:
        weight = np.full_like(place, 0.5) if interpolation == "midpoint" else place - low
        weight = weight.astype(a.dtype)
        if interpolation == "linear" and getattr(q, "_node", None) is not None:
            far = last.astype(a.dtype) if ignore_nan else np.where(bad > 0, 0, n - 1).astype(a.dtype)
            weight = reshape(q, shape=(1, -1)) * far - low.astype(a.dtype)
        out = lerp(gather(ranked, low, dim=-1), gather(ranked, high, dim=-1), weight)
    if not fractions.ndim:
        return reshape(out, shape=tuple(shape))
    return reshape(swapaxes(out, dim0=0, dim1=1), shape=(len(fractions), *shape))


def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """:func:`quantile` of what is not NaN."""
    return quantile(input, q, dim, keepdim, interpolation=interpolation, ignore_nan=True)


# -- searching -------------------------------------------------------------------------------------


@primitive(differentiable=False)
def searchsorted(sorted_sequence, values, sorter=None, *, right=False, side=None, out_int32=False):
    """Where ``values`` would stand in rows of ``sorted_sequence``, which ascend."""
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while right "
                           "was True")  # fmt: skip
    side = "right" if right or side == "right" else "left"
    values = np.asarray(values)
    if sorter is not None:
        sorted_sequence = np.take_along_axis(sorted_sequence, sorter, -1)
    kind = np.int32 if out_int32 else np.int64
    if sorted_sequence.ndim == 1:
        return np.asarray(np.searchsorted(sorted_sequence, values, side), kind)
    if sorted_sequence.ndim == 0 or sorted_sequence.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor "
            f"and input value tensor must match, but we got boundaries tensor {list(sorted_sequence.shape)} and input value "
            f"tensor {list(values.shape)}"
        )
    out = np.empty(values.shape, kind)
    for i in np.ndindex(values.shape[:-1]):
        out[i] = np.searchsorted(sorted_sequence[i], values[i], side)
    return out


def bucketize(input, boundaries, *, out_int32=False, right=False):
    """The number of the bucket between ``boundaries`` (one dimension, ascending) that holds each value."""
    if np.ndim(unwrap(boundaries)) != 1:
        raise RuntimeError(
            f"bucketize(): boundaries tensor must be 1 dimension, but got dim({np.ndim(unwrap(boundaries))})"
        )
    return searchsorted(boundaries, input, right=right, out_int32=out_int32)


# -- distinct values -------------------------------------------------------------------------------


def _as_tensors(source, *arrays):
    """Tensors for a tensor, arrays for an array."""
    return arrays if isinstance(source, ndarray) else tuple([wrap(np.asarray(a)) for a in arrays])


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The distinct values (or slices along ``dim``), sorted; never differentiable.

    Returns
    -------
    Tensor or tuple of Tensor
        The values, then, as asked for, where each element went and how often each value occurs.
    """
    a = unwrap(input)
    if dim is not None:
        dim = axis_of(dim, a.ndim)
    out, inverse, counts = np.unique(a, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    inverse = inverse.reshape(a.shape if dim is None else -1)
    chosen = [out] + [inverse] * bool(return_inverse) + [counts] * bool(return_counts)
    chosen = _as_tensors(input, *chosen)
    return chosen[0] if len(chosen) == 1 else chosen


def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The values (or slices along ``dim``) without immediate repetitions; never differentiable."""
    a = unwrap(input)
    rows = a.reshape(-1) if dim is None else np.moveaxis(a, axis_of(dim, a.ndim), 0)
    new = np.ones(len(rows), bool)
    if len(rows):
        changed = rows[1:] != rows[:-1]
        new[1:] = changed.any(tuple(_indices(1, changed.ndim))) if changed.ndim > 1 else changed
    inverse = np.cumsum(new) - 1
    counts = np.diff(np.append(np.flatnonzero(new), len(rows)))
    out = rows[new] if dim is None else np.moveaxis(rows[new], 0, axis_of(dim, a.ndim))
    chosen = (
        [out]
        + [inverse.reshape(a.shape if dim is None else -1)] * bool(return_inverse)
        + [counts] * bool(return_counts)
    )
    chosen = _as_tensors(input, *chosen)
    return chosen[0] if len(chosen) == 1 else chosen


# -- counting --------------------------------------------------------------------------------------


@primitive(differentiable=False)
def bincount(x, weights=None, *, minlength=0):
    """How often each non-negative integer occurs, or the sum of its ``weights``."""
    if x.dtype.kind not in "iu":
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{dtypes.of(x.dtype).title}'")
    if x.ndim != 1 or (x.size and x.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is None:
        return np.bincount(x, minlength=minlength)
    if weights.shape != x.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    out = np.bincount(x, weights, minlength)
    return out.astype(weights.dtype if weights.dtype == np.float32 else np.float64, copy=False)


def _edges(x, bins, low, high):
    if low == high and x.size:
        low, high = x.min(), x.max()
    if low == high:
        low, high = low - 1, high + 1
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError("max must be larger than min")
    return float(low), float(high)


@primitive(differentiable=False)
def histc(x, *, bins=100, min=0, max=0):
    """How many elements fall into each of ``bins`` equal parts of ``[min, max]`` (of the data if both are equal)."""
    if x.dtype.kind != "f":
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{dtypes.of(x.dtype).title}'")
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    low, high = _edges(x, bins, min, max)
    return np.histogram(x, bins, (low, high))[0].astype(x.dtype)


def histogram(input, bins=100, *, range=None, weight=None, density=False):
    """The histogram of ``input`` over ``bins`` (a number, or a tensor of edges) and the edges; never differentiable."""
    a, w = unwrap(input), unwrap(weight)
    if a.dtype.kind != "f":
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{dtypes.of(a.dtype).title}'")
    edges = unwrap(bins)
    if not isinstance(edges, ndarray):
        low, high = range or ((a.min(), a.max()) if a.size else (0, 1))
        low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
        edges = np.linspace(low, high, edges + 1, dtype=a.dtype)
    hist, edges = np.histogram(a.reshape(-1), edges, weights=None if w is None else w.reshape(-1), density=density)
    return _as_tensors(input, hist.astype(a.dtype), edges.astype(a.dtype))


@primitive(differentiable=False)
def nonzero(x):
    """The indices of nonzero elements, one row each."""
    return np.argwhere(x).astype(np.int64, copy=False)
