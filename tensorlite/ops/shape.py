"""Operations that move elements and never change them: views where NumPy makes views."""

from __future__ import annotations

import numpy as np

from ..engine import alias, primitive
from ..dtypes import ShapeError, result_dtype


@primitive(view=True)
def reshape(x, *, shape):
    """The same elements in C order under another shape."""
    return x.reshape(shape)


reshape.vjp(x=lambda g, x_shape: reshape(g, shape=x_shape))


@primitive(view=True)
def permute(x, *, dims):
    """Dimensions in the order ``dims``."""
    return x.transpose(dims)


def _inverse(dims):
    out = [0] * len(dims)
    for i, d in enumerate(dims):
        out[d] = i
    return tuple(out)


permute.vjp(x=lambda g, dims: permute(g, dims=_inverse([d % len(dims) for d in dims])))


@primitive(view=True)
def swapaxes(x, *, dim0, dim1):
    """Two dimensions exchanged."""
    return x.swapaxes(dim0, dim1)


swapaxes.vjp(x=lambda g, dim0, dim1: swapaxes(g, dim0=dim0, dim1=dim1))


@primitive(view=True)
def mT(x):
    """The last two dimensions exchanged."""
    return x.swapaxes(-1, -2)


mT.vjp(x=lambda g: mT(g))


@primitive(view=True)
def expand_dims(x, *, dim):
    """A dimension of size 1 inserted at ``dim``."""
    return np.expand_dims(x, dim)


expand_dims.vjp(x=lambda g, x_shape: reshape(g, shape=x_shape))


@primitive(promote="same")
def cat(*xs, dim=0):
    """Tensors joined along ``dim``."""
    return np.concatenate(xs, axis=dim)


def _cat_vjp(g, xs_shape, dim, needs):
    out, start, axis = [], 0, dim % len(g.shape)
    for shape, need in zip(xs_shape, needs):
        stop = start + shape[axis]
        out.append(narrow(g, dim=axis, start=start, stop=stop) if need else None)
        start = stop
    return out


cat.vjp(xs=_cat_vjp)


@primitive(promote="same")
def _stack(*xs, dim=0):
    """Tensors joined along a new dimension."""
    return np.stack(xs, axis=dim)


_stack.vjp(xs=lambda g, dim, needs: [select(g, dim=dim, index=i) if need else None for i, need in enumerate(needs)])


def stack(tensors, dim=0):
    """Tensors of one shape joined along a new dimension ``dim``."""
    return _stack(*tensors, dim=dim)


@primitive(view=True)
def narrow(x, *, dim, start, stop):
    """The part ``start:stop`` of ``dim``."""
    index = [slice(None)] * x.ndim
    index[dim] = slice(start, stop)
    return x[tuple(index)]


narrow.vjp(x=lambda g, x_shape, dim, start, stop: _unnarrow(g, shape=x_shape, dim=dim, start=start, stop=stop))


@primitive
def _unnarrow(g, *, shape, dim, start, stop):
    """Zeros of ``shape`` with ``g`` in ``start:stop`` of ``dim``."""
    out = np.zeros(shape, g.dtype)
    index = [slice(None)] * len(shape)
    index[dim] = slice(start, stop)
    out[tuple(index)] = g
    return out


_unnarrow.vjp(g=lambda g, dim, start, stop: narrow(g, dim=dim, start=start, stop=stop))


@primitive(view=True)
def select(x, *, dim, index):
    """One slice of ``dim``, which disappears."""
    return x[(slice(None),) * (dim % x.ndim) + (index,)] if x.ndim > 1 else x[index : index + 1 or None].reshape(())


select.vjp(x=lambda g, x_shape, dim, index: _unselect(g, shape=x_shape, dim=dim, index=index))


@primitive
def _unselect(g, *, shape, dim, index):
    """Zeros of ``shape`` with ``g`` as one slice of ``dim``."""
    out = np.zeros(shape, g.dtype)
    out[(slice(None),) * (dim % len(shape)) + (index,)] = g
    return out


_unselect.vjp(g=lambda g, dim, index: select(g, dim=dim, index=index))


@primitive(view=True, outputs="many")
def split_with_sizes(x, *, sizes, dim=0):
    """Consecutive pieces of ``dim`` with the given sizes, as views."""
    if _total(sizes) != x.shape[dim]:
        raise ShapeError(
            f"split_with_sizes expects split_sizes to sum exactly to {x.shape[dim]} (input tensor's size at dimension "
            f"{dim}), but got split_sizes={list(sizes)}"
        )
    out, start = [], 0
    index = [slice(None)] * x.ndim
    for n in sizes:
        index[dim] = slice(start, start + n)
        out.append(x[tuple(index)])
        start += n
    return tuple(out)


_total = sum


def _split_vjp(g, x_shape, sizes, dim):
    like = next(h for h in g if h is not None)
    parts = []
    for h, n in zip(g, sizes):
        shape = list(x_shape)
        shape[dim] = n
        parts.append(np.zeros(shape, getattr(like, "_data", like).dtype) if h is None else h)
    return cat(*parts, dim=dim)


split_with_sizes.vjp(x=_split_vjp)


@primitive(view=True, outputs="many")
def unbind(x, *, dim=0):
    """Every slice of ``dim``, as views."""
    if not x.ndim:
        raise RuntimeError("Dimension specified as 0 but tensor has no dimensions")
    return tuple([a[...] for a in np.moveaxis(x, dim, 0)])


def _unbind_vjp(g, x_shape, dim):
    like = next(h for h in g if h is not None)
    shape = list(x_shape)
    del shape[dim]
    return _stack(*[np.zeros(shape, getattr(like, "_data", like).dtype) if h is None else h for h in g], dim=dim)


unbind.vjp(x=_unbind_vjp)


@primitive(view=True)
def flip(x, *, dims):
    """Dimensions reversed (a copy, as in PyTorch)."""
    return np.flip(x, dims).copy()


flip.vjp(x=lambda g, dims: flip(g, dims=dims))


@primitive
def repeat(x, *, repeats):
    """``x`` tiled ``repeats`` times per dimension."""
    return np.tile(x, repeats)


def _repeat_vjp(g, x_shape, repeats):
    from .reduction import sum

    shape = (1,) * (len(repeats) - len(x_shape)) + tuple(x_shape)
    pairs = [p for r, n in zip(repeats, shape) for p in (r, n)]
    g = sum(reshape(g, shape=tuple(pairs)), dim=tuple(range(0, len(pairs), 2)))
    return reshape(g, shape=x_shape)


repeat.vjp(x=_repeat_vjp)
