"""Indexing: basic indices make views, index arrays make copies; gather, scatter and friends."""

from __future__ import annotations

import numpy as np

from ..engine import primitive


@primitive(view=True)
def getitem(x, *, index):
    """``x[index]`` for integers, slices, None and Ellipsis: a view."""
    out = x[index]
    if out.__class__ is not np.ndarray:  # a NumPy scalar: keep it a view of one element
        out = x[(*index, ...)] if isinstance(index, tuple) else x[index, ...]
    return out


getitem.vjp(x=lambda g, x_shape, index: _ungetitem(g, shape=x_shape, index=index))


@primitive
def _ungetitem(g, *, shape, index):
    """Zeros of ``shape`` with ``g`` at a basic ``index``."""
    out = np.zeros(shape, g.dtype)
    out[index] = g
    return out


_ungetitem.vjp(g=lambda g, index: getitem(g, index=index))


@primitive
def take_index(x, *, index):
    """``x[index]`` with index arrays or masks: a copy."""
    return x[index]


take_index.vjp(x=lambda g, x_shape, index: add_index(g, shape=x_shape, index=index))


@primitive
def add_index(g, *, shape, index):
    """Zeros of ``shape`` with ``g`` added at ``index``; repeated places add up."""
    out = np.zeros(shape, g.dtype)
    np.add.at(out, index, g)
    return out


add_index.vjp(g=lambda g, index: take_index(g, index=index))


@primitive(broadcasts=True)
def index_put(x, value, *, index, accumulate=False):
    """``x`` with ``value`` at ``index`` (index arrays or masks)."""
    out = np.array(x)
    _index_put_into(out, value, index=index, accumulate=accumulate)
    return out


def _index_put_into(x, value, *, index, accumulate=False):
    value = np.asarray(value).astype(x.dtype, copy=False)
    if accumulate:
        np.add.at(x, index, value)
    else:
        x[index] = value


index_put.primitive.into = _index_put_into
index_put.vjp(
    x=lambda g, index, accumulate: g if accumulate else index_put(g, 0.0, index=index),
    value=lambda g, index: take_index(g, index=index),
)
