"""Order and counts: sort, topk, quantile, unique, histograms."""

import numpy as np

from ..engine import TensorBase, wrap
from ..ops import sorting as so
from ._common import apart, into_same, named, spelled, tensor_arg

PAIR = ("values", "indices")


def _ordered(input, name):
    """``input``, a tensor of numbers that have an order."""
    if tensor_arg(input, "input", name)._data.dtype.kind == "c":
        raise RuntimeError("Sort does not support complex dtypes on CPU")
    return input


@spelled
def sort(input, dim=-1, descending=False, stable=False, *, out=None):
    """The elements along ``dim`` in order, and where they stood; equal ones keep their order.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.sort(tl.tensor([3, 1, 2])).values
    tensor([1, 2, 3])
    """
    result = named("sort", PAIR)(*so.sort(_ordered(input, "sort"), dim=dim, descending=descending))
    return result if out is None else into_same(out, result)


@spelled
def argsort(input, dim=-1, descending=False, stable=False):
    """The indices that sort along ``dim``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.argsort(tl.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return so.argsort(_ordered(input, "argsort"), dim=dim, descending=descending)


def msort(input, *, out=None):
    """The elements along the first dimension in order."""
    result = so.msort(input)
    return result if out is None else into_same(out, result)


@spelled
def topk(input, k, dim=-1, largest=True, sorted=True, *, out=None):
    """The ``k`` largest (or smallest) elements along ``dim`` and their indices.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.topk(tl.tensor([1, 5, 3]), 2).indices
    tensor([1, 2])
    """
    if tensor_arg(input, "input", "topk")._data.dtype.kind in "bc":
        raise RuntimeError(
            f"topk does not support {'bool' if input._data.dtype.kind == 'b' else 'complex'} dtypes on CPU"
        )
    values = so.topk(input, k=int(k), dim=dim, largest=largest, sorted=sorted)
    result = named("topk", PAIR)(*values)
    return result if out is None else into_same(out, result)


@spelled
def kthvalue(input, k, dim=-1, keepdim=False, *, out=None):
    """The ``k``-th smallest element along ``dim`` and its index."""
    if out is not None:
        apart(out, input)
    values = so.kthvalue(tensor_arg(input, "input", "kthvalue"), k=k, dim=dim, keepdim=keepdim)
    result = named("kthvalue", PAIR)(*values)
    return result if out is None else into_same(out, result)


@spelled
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    """The ``q``-quantiles over ``dim``."""
    result = so.quantile(input, q, dim, keepdim, interpolation=interpolation)
    return result if out is None else into_same(out, result)


@spelled
def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    """The ``q``-quantiles over ``dim`` of what is not NaN."""
    result = so.nanquantile(input, q, dim, keepdim, interpolation=interpolation)
    return result if out is None else into_same(out, result)


def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None, out=None):
    """Where ``input`` would be inserted into a sorted sequence."""
    result = so.searchsorted(sorted_sequence, input, sorter, right=right, side=side, out_int32=out_int32)
    return result if out is None else into_same(out, result)


def bucketize(input, boundaries, *, out_int32=False, right=False, out=None):
    """The number of the interval between ``boundaries`` in which each element falls."""
    result = so.bucketize(input, boundaries, out_int32=out_int32, right=right)
    return result if out is None else into_same(out, result)


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements in order; on request their places in ``input`` and their counts.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.unique(tl.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    if not isinstance(sorted, bool):
        raise TypeError(f"unique(): argument 'sorted' must be bool, not {type(sorted).__name__}; the dimension is dim=")
    return so.unique(tensor_arg(input, "input", "unique"), sorted, return_inverse, return_counts, dim)


def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The elements without repetitions of the one before."""
    return so.unique_consecutive(input, return_inverse, return_counts, dim)


def bincount(input, weights=None, minlength=0):
    """How often each non-negative integer occurs."""
    return so.bincount(tensor_arg(input, "input", "bincount"), weights, minlength=minlength)


def histc(input, bins=100, min=0, max=0, *, out=None):
    """Counts in ``bins`` equal intervals from ``min`` to ``max`` (of the data where both are 0)."""
    result = so.histc(tensor_arg(input, "input", "histc"), bins=bins, min=min, max=max)
    return result if out is None else into_same(out, result)


def histogramdd(input, bins, *, range=None, weight=None, density=False):
    """Counts of points ``(..., N)`` in a grid of N dimensions, and the edges of each.

    ``bins`` is a number, a number per dimension or a tensor of edges per dimension; ``range`` the lower and upper ends of
    all dimensions in turn.
    """
    a = tensor_arg(input, "input", "histogramdd")._data
    if a.ndim < 2:
        raise RuntimeError(f"torch.histogramdd: input tensor should have at least 2 dimensions, but got {a.ndim}")
    points = a.reshape(-1, a.shape[-1])
    n = points.shape[1]
    if isinstance(bins, int):
        bins = (bins,) * n
    if len(bins) != n:
        raise RuntimeError(f"torch.histogramdd: Expected {n} sequences of bin edges for a {n}-dimensional histogram but got "
                           f"{len(bins)}")  # fmt: skip
    edges = []
    for d, b in enumerate(bins):
        if isinstance(b, TensorBase):
            edges.append(b._data.copy())
            continue
        if range is not None:
            low, high = range[2 * d], range[2 * d + 1]
        else:
            low, high = (points[:, d].min(), points[:, d].max()) if len(points) else (0.0, 1.0)
        low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
        edges.append(np.linspace(low, high, b + 1, dtype=a.dtype))
    w = None if weight is None else weight._data.reshape(-1)
    hist, _ = np.histogramdd(points, [np.sort(e) for e in edges], weights=w, density=density)
    return named("histogramdd", ("hist", "bin_edges"))(wrap(hist.astype(a.dtype)), tuple([wrap(e) for e in edges]))


def histogram(input, bins=100, *, range=None, weight=None, density=False, out=None):
    """Counts in intervals and their edges: ``bins`` is a number or a tensor of edges."""
    values = so.histogram(input, bins, range=range, weight=weight, density=density)
    result = named("histogram", ("hist", "bin_edges"))(*values)
    return result if out is None else into_same(out, result)
