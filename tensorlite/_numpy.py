"""NumPy's functions on tensors: they stay on the tape, or say why they cannot.

``np.exp(t)``, ``np.add(array, t)`` and ``np.sum(t, axis=0)`` give tensors; so does ``np.concatenate([t, t])`` where a
gradient is required, and else an array, as with PyTorch's tensors. A NumPy function without a counterpart here computes
on the plain array where no gradient is required, and raises where it would silently cut the tape.
"""

from itertools import pairwise

import numpy as np

from .engine import TensorBase, inplace, wrap
from .functions import matrices, pointwise, reducing, shaping, sorting
from .functions._common import into
from .ops import elementwise as ew
from .ops import linalg

UFUNCS = {
    np.add: ew.add, np.subtract: ew.sub, np.multiply: ew.mul, np.divide: ew.div, np.floor_divide: ew.floor_divide,
    np.remainder: ew.remainder, np.fmod: ew.fmod, np.power: ew.pow, np.negative: ew.neg, np.absolute: ew.abs,
    np.sign: ew.sign, np.exp: ew.exp, np.exp2: ew.exp2, np.expm1: ew.expm1, np.log: ew.log, np.log2: ew.log2,
    np.log10: ew.log10, np.log1p: ew.log1p, np.sqrt: ew.sqrt, np.square: ew.square, np.reciprocal: ew.reciprocal,
    np.sin: ew.sin, np.cos: ew.cos, np.tan: ew.tan, np.arcsin: ew.asin, np.arccos: ew.acos, np.arctan: ew.atan,
    np.sinh: ew.sinh, np.cosh: ew.cosh, np.tanh: ew.tanh, np.arcsinh: ew.asinh, np.arccosh: ew.acosh,
    np.arctanh: ew.atanh, np.arctan2: ew.atan2, np.floor: ew.floor, np.ceil: ew.ceil, np.trunc: ew.trunc,
    np.maximum: ew.maximum, np.minimum: ew.minimum, np.matmul: linalg.matmul, np.conjugate: ew.conj,
    np.equal: ew.eq, np.not_equal: ew.ne, np.less: ew.lt, np.less_equal: ew.le, np.greater: ew.gt,
    np.greater_equal: ew.ge, np.bitwise_and: ew.bitwise_and, np.bitwise_or: ew.bitwise_or,
    np.bitwise_xor: ew.bitwise_xor, np.invert: ew.bitwise_not, np.logical_and: ew.logical_and,
    np.logical_or: ew.logical_or, np.logical_xor: ew.logical_xor, np.logical_not: ew.logical_not,
    np.isnan: ew.isnan, np.isinf: ew.isinf, np.isfinite: ew.isfinite,
}  # fmt: skip


def _refuse(name, values):
    """A TypeError where a function that is no operation here would drop a gradient."""
    if any(isinstance(v, TensorBase) and v.requires_grad for v in values):
        raise TypeError(
            f"np.{name} has no counterpart on the tape, and the tensor requires grad; use a tensorlite function, or "
            "pass tensor.detach()"
        )


def _tensors(values):
    """Tensors in arguments, one level deep in lists and tuples."""
    for v in values:
        if isinstance(v, (list, tuple)):
            yield from (w for w in v if isinstance(w, TensorBase))
        elif isinstance(v, TensorBase):
            yield v


def _raw(v):
    if isinstance(v, (list, tuple)):
        return type(v)(_raw(w) for w in v) if not hasattr(v, "_fields") else v
    return v._data if isinstance(v, TensorBase) else v


def array_ufunc(self, ufunc, method, *inputs, out=None, **kwargs):
    """``Tensor.__array_ufunc__``."""
    target = out[0] if out is not None and len(out) == 1 else None
    op = UFUNCS.get(ufunc)
    if method == "reduce" and ufunc in (np.add, np.multiply, np.maximum, np.minimum) and target is None:
        fold = {np.add: reducing.sum, np.multiply: reducing.prod, np.maximum: reducing.amax,
                np.minimum: reducing.amin}[ufunc]  # fmt: skip
        x, axis = inputs[0], kwargs.pop("axis", 0)
        return fold(x, () if axis is None else axis, **{k: v for k, v in kwargs.items() if k == "keepdims"})
    if method == "__call__" and op is not None and not kwargs and not isinstance(target, np.ndarray):
        inputs = [v if isinstance(v, (TensorBase, int, float, complex, np.ndarray)) else np.asarray(v) for v in inputs]
        if target is None:
            return op(*inputs)
        if inputs[0] is target:
            return inplace(op, *inputs)
        return into(target, op(*inputs))
    _refuse(ufunc.__name__, [*inputs, *(out or ())])
    if out is not None:
        kwargs["out"] = tuple(_raw(o) for o in out)
    result = getattr(ufunc, method)(*[_raw(v) for v in inputs], **kwargs)
    if out is not None:
        from .engine import touch

        for o in out:
            if isinstance(o, TensorBase):
                touch(o)
        return out[0] if len(out) == 1 else out
    if isinstance(result, tuple):
        return tuple(wrap(r) for r in result)
    return result if result is None else wrap(result)


def _axis(function):
    """A NumPy reduction ``f(a, axis=None, dtype=None, out=None, keepdims=False)``."""

    def adapted(a, axis=None, dtype=None, out=None, keepdims=False):
        a = a if dtype is None else a.to(dtype=dtype)
        result = function(a, axis, keepdims)
        return result if out is None else into(out, result)

    return adapted


def _axis_out(function):
    """A NumPy reduction ``f(a, axis=None, out=None, keepdims=False)``."""
    return lambda a, axis=None, out=None, keepdims=False: function(a, axis, keepdims)


def _deviation(function):
    def adapted(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
        result = function(a if dtype is None else a.to(dtype=dtype), axis, correction=ddof, keepdim=keepdims)
        return result if out is None else into(out, result)

    return adapted


def _transpose(a, axes=None):
    return shaping.permute(a, tuple(range(a.ndim))[::-1] if axes is None else axes)


def _split(ary, indices_or_sections, axis=0):
    n = ary.shape[axis]
    if isinstance(indices_or_sections, int):
        if n % indices_or_sections:
            raise ValueError("array split does not result in an equal division")
        return list(shaping.split(ary, n // indices_or_sections, axis))
    cuts = [0, *indices_or_sections, n]
    return list(shaping.split(ary, [b - a for a, b in pairwise(cuts)], axis))


def _as_tensors(values):
    from .creation import as_tensor

    return [as_tensor(v) for v in values]


FUNCTIONS = {
    np.sum: _axis(reducing.sum),
    np.mean: _axis(reducing.mean),
    np.prod: _axis(reducing.prod),
    np.var: _deviation(reducing.var),
    np.std: _deviation(reducing.std),
    np.cumsum: lambda a, axis=None, dtype=None, out=None: reducing.cumsum(
        shaping.ravel(a) if axis is None else a, axis or 0, dtype=dtype, out=out),
    np.sort: lambda a, axis=-1, kind=None, order=None, stable=None: sorting.sort(a, axis)[0],
    np.argsort: lambda a, axis=-1, kind=None, order=None, stable=None: sorting.argsort(a, axis),
    np.linalg.norm: lambda x, ord=None, axis=None, keepdims=False: reducing.norm(
        x, 2 if ord is None else ord, axis, keepdims) if x.ndim == 1 or ord in (None, "fro") else NotImplemented,
    np.max: _axis_out(reducing.amax),
    np.min: _axis_out(reducing.amin),
    np.amax: _axis_out(reducing.amax),
    np.amin: _axis_out(reducing.amin),
    np.all: _axis_out(reducing.all),
    np.any: _axis_out(reducing.any),
    np.argmax: lambda a, axis=None, out=None, keepdims=False: reducing.argmax(a, axis, keepdims),
    np.argmin: lambda a, axis=None, out=None, keepdims=False: reducing.argmin(a, axis, keepdims),
    np.concatenate: lambda arrays, axis=0, out=None: shaping.cat(_as_tensors(arrays), axis, out=out),
    np.stack: lambda arrays, axis=0, out=None: shaping.stack(_as_tensors(arrays), axis, out=out),
    np.reshape: lambda a, shape, order="C": shaping.reshape(a, shape),
    np.ravel: lambda a, order="C": shaping.ravel(a),
    np.transpose: _transpose,
    np.swapaxes: lambda a, axis1, axis2: shaping.transpose(a, axis1, axis2),
    np.squeeze: lambda a, axis=None: shaping.squeeze(a, axis),
    np.expand_dims: lambda a, axis: shaping.unsqueeze(a, axis),
    np.broadcast_to: lambda array, shape, subok=False: shaping.expand(array, shape),
    np.split: _split,
    np.tile: lambda A, reps: shaping.tile(A, *((reps,) if isinstance(reps, int) else reps)),
    np.flip: lambda m, axis=None: shaping.flip(m, range(m.ndim) if axis is None else axis),
    np.clip: lambda a, a_min=None, a_max=None, out=None, **kw: pointwise.clamp(a, kw.get("min", a_min), kw.get("max", a_max), out=out),
    np.where: lambda condition, x=None, y=None: pointwise.where(_as_tensors([condition])[0], x, y),
    np.dot: lambda a, b, out=None: linalg.matmul(a, b),
    np.outer: lambda a, b, out=None: matrices.outer(shaping.ravel(a), shaping.ravel(b)),
    np.real: lambda val: pointwise.real(val),
    np.imag: lambda val: pointwise.imag(val),
    np.round: lambda a, decimals=0, out=None: pointwise.round(a, decimals=decimals, out=out),
    np.copy: lambda a, order="K", subok=False: pointwise.clone(a),
    np.shape: lambda a: tuple(a.shape),
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.numel() if axis is None else a.shape[axis],
}  # fmt: skip


#: What reads its arguments as arrays in NumPy itself: without gradients the result is one.
READERS = {
    np.concatenate,
    np.stack,
    np.dot,
    np.sort,
    np.ravel,
    np.expand_dims,
    np.tile,
    np.where,
    np.outer,
    np.linalg.norm,
    np.copy,
}


def array_function(self, func, types, args, kwargs):
    """``Tensor.__array_function__``."""
    known = FUNCTIONS.get(func)
    tensors = list(_tensors([*args, *kwargs.values()]))
    if known is not None and (func not in READERS or any(t._node is not None for t in tensors)):
        try:
            result = known(*args, **kwargs)
            if result is not NotImplemented:
                return result
        except TypeError as error:
            if "unexpected keyword" not in str(error):
                raise
    _refuse(func.__name__, tensors)
    return func(*[_raw(a) for a in args], **{k: _raw(v) for k, v in kwargs.items()})
