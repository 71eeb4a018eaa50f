"""Order statistics: medians and modes."""

import numpy as np

from ..engine import primitive, titled
from .axes import axis_of
from .reduction import _need_elements, _ties, _unpick


def _middle(x, ignore):
    """Where the lower median of the last axis stands in sorted order (NaN sorts last), one per row."""
    n = x.shape[-1]
    bad = np.isnan(x).sum(-1) if x.dtype.kind == "f" else np.zeros(x.shape[:-1], np.int64)
    if ignore:
        return np.maximum(n - bad - 1, 0) // 2
    return np.where(bad > 0, n - 1, (n - 1) // 2)


def _median(name, ignore):
    @titled(name, "The lower median along ``dim``" + (" of what is not NaN." if ignore else "; NaN wins."))
    def forward(x, *, dim, keepdim=False):
        axis = axis_of(dim, x.ndim)
        if not x.ndim:
            return x.copy(), np.zeros((), np.int64)
        if not x.shape[axis]:
            _need_elements(name.split("_")[0], x.shape, axis)
        rows = np.moveaxis(x, axis, -1)
        order = np.argsort(rows, axis=-1, kind="stable")
        at = np.asarray(_middle(rows, ignore))[..., None]
        if not ignore and x.dtype.kind == "f":  # the first NaN
            at = np.where(
                np.isnan(rows).any(-1, keepdims=True), x.shape[axis] - np.isnan(rows).sum(-1, keepdims=True), at
            )
        indices = np.moveaxis(np.take_along_axis(order, at, -1), -1, axis)
        values = np.take_along_axis(x, indices, axis)
        return (values, indices) if keepdim else (values.squeeze(axis), indices.squeeze(axis))

    op = primitive(forward, outputs=("values", "indices"), constant=("indices",))
    op.vjp(x=lambda g, indices, x_shape, dim, keepdim: _unpick(g, indices, shape=x_shape, dim=dim, keepdim=keepdim))
    return op


median_dim = _median("median_dim", False)
nanmedian_dim = _median("nanmedian_dim", True)


def _median_all(name, ignore):
    @titled(name, "The lower median of all elements" + (" that are not NaN." if ignore else "; NaN wins."))
    def forward(x):
        if not x.size:
            return np.full((), np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
        line = np.sort(x, axis=None)
        return line[_middle(line, ignore)]

    op = primitive(forward)
    op.vjp(x=lambda g, x, out: g * _ties(x, out, dim=None))
    return op


median = _median_all("median", False)
nanmedian = _median_all("nanmedian", True)


@primitive(outputs=("values", "indices"), constant=("indices",))
def mode(x, *, dim=-1, keepdim=False):
    """The most frequent value along ``dim`` (the smallest of several) and the last place where it stands."""
    axis = axis_of(dim, x.ndim)
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    if not x.shape[axis]:
        _need_elements("mode", x.shape, axis)
    rows = np.moveaxis(x, axis, -1)
    order = np.argsort(rows, axis=-1, kind="stable")
    ranked = np.take_along_axis(rows, order, -1)
    n = x.shape[axis]
    places = np.arange(n)
    new = np.concatenate([np.ones((*ranked.shape[:-1], 1), bool), ranked[..., 1:] != ranked[..., :-1]], -1)
    start = np.maximum.accumulate(np.where(new, places, 0), -1)
    last = np.argmax(places - start, axis=-1)[..., None]  # the first run that reaches the greatest length
    indices = np.moveaxis(np.take_along_axis(order, last, -1), -1, axis)
    values = np.take_along_axis(x, indices, axis)
    return (values, indices) if keepdim else (values.squeeze(axis), indices.squeeze(axis))


mode.vjp(x=lambda g, indices, x_shape, dim, keepdim: _unpick(g, indices, shape=x_shape, dim=dim, keepdim=keepdim))
