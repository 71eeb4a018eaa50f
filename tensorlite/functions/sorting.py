"""Order and counts: sort, topk, quantile, unique, histograms."""

from __future__ import annotations

from ..ops import sorting as so
from ._common import into, named, tensor_arg

PAIR = ("values", "indices")


def sort(input, dim=-1, descending=False, stable=False, *, out=None):
    """The elements along ``dim`` in order, and where they stood; equal ones keep their order."""
    result = named("sort", PAIR)(*so.sort(tensor_arg(input, "input", "sort"), dim=dim, descending=descending))
    return result if out is None else into(out, result)


def argsort(input, dim=-1, descending=False, stable=False):
    """The indices that sort along ``dim``."""
    return so.argsort(tensor_arg(input, "input", "argsort"), dim=dim, descending=descending)


def msort(input, *, out=None):
    """The elements along the first dimension in order."""
    result = so.msort(input)
    return result if out is None else into(out, result)


def topk(input, k, dim=-1, largest=True, sorted=True, *, out=None):
    """The ``k`` largest (or smallest) elements along ``dim`` and their indices."""
    values = so.topk(tensor_arg(input, "input", "topk"), k=int(k), dim=dim, largest=largest, sorted=sorted)
    result = named("topk", PAIR)(*values)
    return result if out is None else into(out, result)


def kthvalue(input, k, dim=-1, keepdim=False, *, out=None):
    """The ``k``-th smallest element along ``dim`` and its index."""
    values = so.kthvalue(tensor_arg(input, "input", "kthvalue"), k=k, dim=dim, keepdim=keepdim)
    result = named("kthvalue", PAIR)(*values)
    return result if out is None else into(out, result)


def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    """The ``q``-quantiles over ``dim``."""
    result = so.quantile(input, q, dim, keepdim, interpolation=interpolation)
    return result if out is None else into(out, result)


def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    """The ``q``-quantiles over ``dim`` of what is not NaN."""
    result = so.nanquantile(input, q, dim, keepdim, interpolation=interpolation)
    return result if out is None else into(out, result)


def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None, out=None):
    """Where ``input`` would be inserted into a sorted sequence."""
    result = so.searchsorted(sorted_sequence, input, sorter, right=right, side=side, out_int32=out_int32)
    return result if out is None else into(out, result)


def bucketize(input, boundaries, *, out_int32=False, right=False, out=None):
    """The number of the interval between ``boundaries`` in which each element falls."""
    result = so.bucketize(input, boundaries, out_int32=out_int32, right=right)
    return result if out is None else into(out, result)


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements in order; on request their places in ``input`` and their counts."""
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
    return result if out is None else into(out, result)


def histogram(input, bins, *, range=None, weight=None, density=False, out=None):
    """Counts in intervals and their edges: ``bins`` is a number or a tensor of edges."""
    values = so.histogram(input, bins, range=range, weight=weight, density=density)
    result = named("histogram", ("hist", "bin_edges"))(*values)
    return result if out is None else into(out, result)
