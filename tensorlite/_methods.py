"""The named methods of tensors. A method is the function of the same name: ``x.exp()`` is ``exp(x)``.

In-place methods end in an underscore. Where the operation is one primitive it runs in the tensor's own
memory; a composition is computed first and then assigned. Either way history is rebased.
"""

import functools
import inspect

import numpy as np

from . import dtypes, engine
from ._conversions import Conversions
from ._inplace_shapes import InplaceShapes
from .engine import TensorBase, inplace, wrap
from .functions import (
    arranging,
    copies,
    decomposing,
    matrices,
    pointwise,
    reducing,
    sampling,
    selecting,
    shaping,
    sorting,
    specials,
    spectral,
    strided,
)  # fmt: skip
from .functions._common import turned_round
from .ops import elementwise as ew
from .ops import random
from .ops.indexing import index_put as _index_put


def inplace_function(function, self, *args, **kwargs):
    """``self = function(self, ...)`` in the memory of ``self``, for functions made of several primitives."""
    engine.check_writable(self)
    source = self
    if engine.state.mode & engine.RECORDING and any(getattr(x, "_node", None) for x in (self, *args, *kwargs.values())):
        source = wrap(self._data.copy(), self._node)  # the tape may keep the old value
    new = function(source, *args, **kwargs)
    if new._data.shape != self._data.shape:
        raise RuntimeError(
            f"output with shape {list(self._data.shape)} doesn't match the broadcast shape {list(new._data.shape)}"
        )
    if not dtypes.can_cast(new._data.dtype, self._data.dtype):
        raise RuntimeError(f"result type {new.dtype.title} can't be cast to the desired output type {self.dtype.title}")
    return inplace(ew.assign, self, new)


def _one(op):
    """The in-place method of a primitive."""

    def method(self):
        return inplace(op, self)

    return _dressed(method, op.primitive.name)


def _two(op):
    """The in-place method of a primitive of two arguments."""

    def method(self, other):
        return inplace(op, self, other)

    return _dressed(method, op.primitive.name)


def _many(function):
    """The in-place method of a composed function."""

    def method(self, *args, **kwargs):
        return inplace_function(function, self, *args, **kwargs)

    return _dressed(method, function.__name__, inspect.signature(function))


def _real_only(op):
    """The in-place method of a primitive whose result for complex numbers is real."""

    def method(self):
        if self._data.dtype.kind == "c":
            raise RuntimeError(f"In-place {op.primitive.name} is not supported for complex tensors.")
        return inplace(op, self)

    return _dressed(method, op.primitive.name)


def _wide(function):
    """The in-place method of a function whose result is always in double precision."""

    def method(self, *args):
        if (
            self._data.dtype.itemsize != (16 if self._data.dtype.kind == "c" else 8)
            or self._data.dtype.kind not in "fc"
        ):
            raise RuntimeError(f"the base given to {function.__name__}_ has dtype {self.dtype.title} but the operation's result "
                               "requires dtype Double")  # fmt: skip
        return inplace_function(function, self, *args)

    return _dressed(method, function.__name__, inspect.signature(function))


def _from(function):
    """``function`` whose ``low`` has PyTorch's name too, ``from``: a word of Python's, given as ``**{"from": 0}``."""

    @functools.wraps(function)
    def method(self, *args, **kwargs):
        if "from" in kwargs:
            kwargs["low"] = kwargs.pop("from")
        return function(self, *args, **kwargs)

    return method


def _dressed(method, name, signature=None):
    method.__name__ = name + "_"
    method.__qualname__ = f"Tensor.{name}_"
    method.__doc__ = f"In-place :func:`~tensorlite.{name}`."
    if signature is not None:
        parameters = [p for p in signature.parameters.values() if p.name not in ("out", "dtype")]
        method.__signature__ = signature.replace(parameters=parameters)
    return method


class Methods(Conversions, InplaceShapes):
    """Named methods; :class:`~tensorlite.Tensor` adds properties, operators and protocols."""

    __slots__ = ()

    # -- elementwise -------------------------------------------------------------------------------

    exp, exp_ = pointwise.exp, _one(ew.exp)
    exp2, exp2_ = pointwise.exp2, _one(ew.exp2)
    expm1, expm1_ = pointwise.expm1, _one(ew.expm1)
    log, log_ = pointwise.log, _one(ew.log)
    log2, log2_ = pointwise.log2, _one(ew.log2)
    log10, log10_ = pointwise.log10, _one(ew.log10)
    log1p, log1p_ = pointwise.log1p, _one(ew.log1p)
    sqrt, sqrt_ = pointwise.sqrt, _one(ew.sqrt)
    rsqrt, rsqrt_ = pointwise.rsqrt, _one(ew.rsqrt)
    square, square_ = pointwise.square, _one(ew.square)
    reciprocal, reciprocal_ = pointwise.reciprocal, _many(pointwise.reciprocal)
    sin, sin_ = pointwise.sin, _one(ew.sin)
    cos, cos_ = pointwise.cos, _one(ew.cos)
    tan, tan_ = pointwise.tan, _one(ew.tan)
    asin, asin_ = pointwise.asin, _one(ew.asin)
    acos, acos_ = pointwise.acos, _one(ew.acos)
    atan, atan_ = pointwise.atan, _one(ew.atan)
    arcsin, arcsin_ = asin, asin_
    arccos, arccos_ = acos, acos_
    arctan, arctan_ = atan, atan_
    sinh, sinh_ = pointwise.sinh, _one(ew.sinh)
    cosh, cosh_ = pointwise.cosh, _one(ew.cosh)
    tanh, tanh_ = pointwise.tanh, _one(ew.tanh)
    asinh, asinh_ = pointwise.asinh, _one(ew.asinh)
    acosh, acosh_ = pointwise.acosh, _one(ew.acosh)
    atanh, atanh_ = pointwise.atanh, _one(ew.atanh)
    arcsinh, arcsinh_ = asinh, asinh_
    arccosh, arccosh_ = acosh, acosh_
    arctanh, arctanh_ = atanh, atanh_
    abs, abs_ = pointwise.abs, _real_only(ew.abs)
    absolute, absolute_ = abs, abs_
    neg, neg_ = pointwise.neg, _one(ew.neg)
    negative, negative_ = neg, neg_
    sgn, sgn_ = pointwise.sgn, _one(ew.sgn)
    sign, sign_ = pointwise.sign, _one(ew.sign)
    floor, floor_ = pointwise.floor, _one(ew.floor)
    ceil, ceil_ = pointwise.ceil, _one(ew.ceil)
    trunc, trunc_ = pointwise.trunc, _one(ew.trunc)
    fix, fix_ = trunc, trunc_
    round, round_ = pointwise.round, _many(pointwise.round)
    sigmoid, sigmoid_ = pointwise.sigmoid, _one(ew.sigmoid)
    relu, relu_ = pointwise.relu, _one(ew.relu)
    angle = pointwise.angle
    conj = pointwise.conj
    positive = pointwise.positive
    clamp, clamp_ = pointwise.clamp, _many(pointwise.clamp)
    clip, clip_ = clamp, clamp_
    clamp_min, clamp_min_ = pointwise.clamp_min, _many(pointwise.clamp_min)
    clamp_max, clamp_max_ = pointwise.clamp_max, _many(pointwise.clamp_max)
    add = pointwise.add
    sub = subtract = pointwise.sub
    mul, mul_ = pointwise.mul, _two(ew.mul)
    multiply, multiply_ = mul, mul_
    div, div_ = pointwise.div, _many(pointwise.div)
    divide, divide_ = div, div_
    true_divide, true_divide_ = pointwise.true_divide, _two(ew.div)
    floor_divide, floor_divide_ = pointwise.floor_divide, _two(ew.floor_divide)
    remainder, remainder_ = pointwise.remainder, _two(ew.remainder)
    fmod, fmod_ = pointwise.fmod, _two(ew.fmod)
    pow = pointwise.pow
    maximum = pointwise.maximum
    minimum = pointwise.minimum
    atan2, atan2_ = pointwise.atan2, _two(ew.atan2)
    arctan2, arctan2_ = atan2, atan2_
    lerp, lerp_ = pointwise.lerp, _many(pointwise.lerp)
    addcmul, addcmul_ = pointwise.addcmul, _many(pointwise.addcmul)
    addcdiv, addcdiv_ = pointwise.addcdiv, _many(pointwise.addcdiv)
    bitwise_not, bitwise_not_ = pointwise.bitwise_not, _one(ew.bitwise_not)
    bitwise_and, bitwise_and_ = pointwise.bitwise_and, _two(ew.bitwise_and)
    bitwise_or, bitwise_or_ = pointwise.bitwise_or, _two(ew.bitwise_or)
    bitwise_xor, bitwise_xor_ = pointwise.bitwise_xor, _two(ew.bitwise_xor)
    bitwise_left_shift, bitwise_left_shift_ = pointwise.bitwise_left_shift, _two(ew.bitwise_left_shift)
    bitwise_right_shift, bitwise_right_shift_ = pointwise.bitwise_right_shift, _two(ew.bitwise_right_shift)
    logical_not, logical_not_ = pointwise.logical_not, _many(pointwise.logical_not)
    logical_and, logical_and_ = pointwise.logical_and, _many(pointwise.logical_and)
    logical_or, logical_or_ = pointwise.logical_or, _many(pointwise.logical_or)
    logical_xor, logical_xor_ = pointwise.logical_xor, _many(pointwise.logical_xor)
    isnan = pointwise.isnan
    isinf = pointwise.isinf
    isfinite = pointwise.isfinite
    isposinf = pointwise.isposinf
    isneginf = pointwise.isneginf
    isreal = pointwise.isreal
    signbit = pointwise.signbit
    frac, frac_ = pointwise.frac, _one(ew.frac)
    deg2rad, deg2rad_ = pointwise.deg2rad, _one(ew.deg2rad)
    rad2deg, rad2deg_ = pointwise.rad2deg, _one(ew.rad2deg)
    nan_to_num, nan_to_num_ = pointwise.nan_to_num, _many(pointwise.nan_to_num)
    frexp = pointwise.frexp
    fmax = pointwise.fmax
    fmin = pointwise.fmin
    hypot, hypot_ = pointwise.hypot, _two(ew.hypot)
    logaddexp = pointwise.logaddexp
    logaddexp2 = pointwise.logaddexp2
    copysign, copysign_ = pointwise.copysign, _two(ew.copysign)
    nextafter, nextafter_ = pointwise.nextafter, _two(ew.nextafter)
    heaviside, heaviside_ = pointwise.heaviside, _many(pointwise.heaviside)
    gcd, gcd_ = pointwise.gcd, _two(ew.gcd)
    lcm, lcm_ = pointwise.lcm, _two(ew.lcm)
    ldexp, ldexp_ = pointwise.ldexp, _many(pointwise.ldexp)
    float_power, float_power_ = pointwise.float_power, _wide(pointwise.float_power)
    isin = pointwise.isin
    eq, eq_ = pointwise.eq, _many(pointwise.eq)
    ne, ne_ = pointwise.ne, _many(pointwise.ne)
    lt, lt_ = pointwise.lt, _many(pointwise.lt)
    le, le_ = pointwise.le, _many(pointwise.le)
    gt, gt_ = pointwise.gt, _many(pointwise.gt)
    ge, ge_ = pointwise.ge, _many(pointwise.ge)
    not_equal, not_equal_ = ne, ne_
    less, less_equal, greater, greater_equal = lt, le, gt, ge
    less_, less_equal_, greater_, greater_equal_ = lt_, le_, gt_, ge_

    erf, erf_ = specials.erf, _many(specials.erf)
    erfc, erfc_ = specials.erfc, _many(specials.erfc)
    erfinv, erfinv_ = specials.erfinv, _many(specials.erfinv)
    lgamma, lgamma_ = specials.lgamma, _many(specials.lgamma)
    digamma, digamma_ = specials.digamma, _many(specials.digamma)
    mvlgamma, mvlgamma_ = specials.mvlgamma, _many(specials.mvlgamma)
    igamma, igamma_ = specials.igamma, _many(specials.igamma)
    igammac, igammac_ = specials.igammac, _many(specials.igammac)
    sinc, sinc_ = specials.sinc, _many(specials.sinc)
    i0, i0_ = specials.i0, _many(specials.i0)
    logit, logit_ = specials.logit, _many(specials.logit)
    xlogy, xlogy_ = specials.xlogy, _many(specials.xlogy)
    softmax = specials.softmax
    log_softmax = specials.log_softmax

    # -- reductions --------------------------------------------------------------------------------

    sum = reducing.sum
    mean = reducing.mean
    max = reducing.max
    min = reducing.min
    amax = reducing.amax
    amin = reducing.amin
    argmax = reducing.argmax
    argmin = reducing.argmin
    all = reducing.all
    any = reducing.any
    logsumexp = reducing.logsumexp
    nansum = reducing.nansum
    nanmean = reducing.nanmean
    prod = reducing.prod
    var = reducing.var
    std = reducing.std
    norm = reducing.norm
    dist = reducing.dist
    renorm, renorm_ = reducing.renorm, _many(reducing.renorm)
    count_nonzero = reducing.count_nonzero
    aminmax = reducing.aminmax
    median = reducing.median
    nanmedian = reducing.nanmedian
    mode = reducing.mode
    cumsum, cumsum_ = reducing.cumsum, _many(reducing.cumsum)
    cumprod, cumprod_ = reducing.cumprod, _many(reducing.cumprod)
    logcumsumexp = reducing.logcumsumexp
    cummax = reducing.cummax
    cummin = reducing.cummin
    diff = reducing.diff
    equal = pointwise.equal
    isclose = pointwise.isclose
    allclose = pointwise.allclose
    is_nonzero = pointwise.is_nonzero

    # -- order and counts --------------------------------------------------------------------------

    sort = sorting.sort
    argsort = sorting.argsort
    msort = sorting.msort
    topk = sorting.topk
    kthvalue = sorting.kthvalue
    quantile = sorting.quantile
    nanquantile = sorting.nanquantile
    unique = sorting.unique
    unique_consecutive = sorting.unique_consecutive
    bincount = sorting.bincount
    histc = sorting.histc
    histogram = sorting.histogram

    # -- indices and masks -------------------------------------------------------------------------

    gather = selecting.gather
    scatter, scatter_ = selecting.scatter, _many(selecting.scatter)
    scatter_add, scatter_add_ = selecting.scatter_add, _many(selecting.scatter_add)
    scatter_reduce, scatter_reduce_ = selecting.scatter_reduce, _many(selecting.scatter_reduce)
    index_select = selecting.index_select
    index_add, index_add_ = selecting.index_add, _many(selecting.index_add)
    index_copy, index_copy_ = selecting.index_copy, _many(selecting.index_copy)
    index_reduce, index_reduce_ = selecting.index_reduce, _many(selecting.index_reduce)
    nonzero_static = selecting.nonzero_static
    index_fill, index_fill_ = selecting.index_fill, _many(selecting.index_fill)
    index_put, index_put_ = selecting.index_put, _many(selecting.index_put)
    masked_fill = pointwise.masked_fill
    masked_select = selecting.masked_select
    masked_scatter, masked_scatter_ = selecting.masked_scatter, _many(selecting.masked_scatter)
    take = selecting.take
    take_along_dim = selecting.take_along_dim
    select_scatter, slice_scatter = selecting.select_scatter, selecting.slice_scatter
    diagonal_scatter = selecting.diagonal_scatter
    put, put_ = selecting.put, _many(selecting.put)
    nonzero = selecting.nonzero
    argwhere = selecting.argwhere

    # -- shapes ------------------------------------------------------------------------------------

    reshape = shaping.reshape
    reshape_as = shaping.reshape_as
    view = shaping.view
    view_as = shaping.view_as
    contiguous = shaping.contiguous
    permute = shaping.permute
    transpose = shaping.transpose
    swapaxes, swapdims = shaping.swapaxes, shaping.swapdims
    t = shaping.t
    adjoint = shaping.adjoint
    squeeze = shaping.squeeze
    unsqueeze = shaping.unsqueeze
    flatten = shaping.flatten
    ravel = shaping.ravel
    unflatten = shaping.unflatten
    expand = shaping.expand
    expand_as = shaping.expand_as
    broadcast_to = shaping.broadcast_to

    def split(self, split_size, dim=0):
        """Consecutive pieces of ``dim``: of one size, or of the given sizes. Views."""
        return shaping.split(self, split_size, dim)

    split_with_sizes = shaping.split_with_sizes
    chunk = shaping.chunk
    unbind = shaping.unbind
    narrow = shaping.narrow
    select = shaping.select
    flip = shaping.flip
    repeat = shaping.repeat
    tile = shaping.tile
    movedim = moveaxis = arranging.movedim
    tensor_split = arranging.tensor_split
    hsplit = arranging.hsplit
    vsplit = arranging.vsplit
    dsplit = arranging.dsplit
    as_strided = arranging.as_strided
    rot90 = arranging.rot90
    fliplr = arranging.fliplr
    flipud = arranging.flipud
    roll = arranging.roll
    repeat_interleave = arranging.repeat_interleave
    unfold = arranging.unfold
    diag = arranging.diag
    diag_embed = arranging.diag_embed
    diagflat = arranging.diagflat
    diagonal = arranging.diagonal
    tril, tril_ = arranging.tril, _many(arranging.tril)
    triu, triu_ = arranging.triu, _many(arranging.triu)
    trace = arranging.trace
    narrow_copy = copies.narrow_copy
    as_strided_scatter = copies.as_strided_scatter
    conj_physical, conj_physical_ = copies.conj_physical, _many(copies.conj_physical)
    unsafe_chunk, unsafe_split = copies.unsafe_chunk, copies.unsafe_split
    unsafe_split_with_sizes = copies.unsafe_split_with_sizes
    stft, istft = spectral.stft, spectral.istft
    sum_to_size = arranging.sum_to_size
    is_same_size = arranging.is_same_size

    # -- matrices ----------------------------------------------------------------------------------

    matmul = matrices.matmul
    mm = matrices.mm
    bmm = matrices.bmm
    mv = matrices.mv
    dot = matrices.dot
    vdot = matrices.vdot
    inner = matrices.inner
    outer = ger = matrices.outer
    addmm, addmm_ = matrices.addmm, _many(matrices.addmm)
    addmv, addmv_ = matrices.addmv, _many(matrices.addmv)
    addr, addr_ = matrices.addr, _many(matrices.addr)
    baddbmm, baddbmm_ = matrices.baddbmm, _many(matrices.baddbmm)
    addbmm, addbmm_ = matrices.addbmm, _many(matrices.addbmm)
    kron = matrices.kron
    cross = matrices.cross
    cov = matrices.cov
    corrcoef = matrices.corrcoef
    matrix_power = matrices.matrix_power
    matrix_exp = decomposing.matrix_exp
    det = decomposing.det
    logdet = decomposing.logdet
    slogdet = decomposing.slogdet
    inverse = decomposing.inverse
    pinverse = decomposing.pinverse
    svd = decomposing.svd
    qr = decomposing.qr
    lu, lu_solve = decomposing.lu, decomposing.lu_solve
    geqrf, orgqr, ormqr = decomposing.geqrf, decomposing.orgqr, decomposing.ormqr
    triangular_solve = decomposing.triangular_solve
    cholesky = decomposing.cholesky
    cholesky_solve = decomposing.cholesky_solve
    cholesky_inverse = decomposing.cholesky_inverse

    def polygamma(self, n):
        """The ``n``-th derivative of :meth:`digamma`."""
        return specials.polygamma(n, self)

    polygamma_ = _many(polygamma)

    def fill_diagonal_(self, fill_value, wrap=False):
        """``fill_value`` on the main diagonal of a matrix (of equal dimensions, where there are more than two).

        With ``wrap`` the diagonal of a tall matrix begins again one row below its end.
        """
        if self._data.ndim < 2:
            raise RuntimeError("dimensions must larger than 1")
        if self._data.ndim > 2 and len(set(self._data.shape)) != 1:
            raise RuntimeError("all dimensions of input must be of equal length")
        rows, columns = self._data.shape[:2]
        n = np.arange(rows if wrap and self._data.ndim == 2 else min(self._data.shape))
        index = (n,) * self._data.ndim
        if wrap and rows > columns:
            period = columns + 1
            n = n[n % period < columns]
            index = n, n % period
        inplace(_index_put, self, fill_value, index=index)
        return self

    clone = pointwise.clone

    def fill_(self, value):
        """Every element ``value`` (a number or a 0-d tensor)."""
        if isinstance(value, TensorBase) and value._data.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value._data.ndim} dimensions."
            )
        inplace(ew.assign, strided.once(self), dtypes.number(value, self._data.dtype))
        return self

    def zero_(self):
        """Every element 0."""
        inplace(ew.assign, strided.once(self), 0)
        return self

    def copy_(self, other, non_blocking=False):
        """The elements of ``other`` (a tensor or a number), broadcast and cast."""
        if not isinstance(other, (TensorBase, int, float, complex)):
            raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {other.__class__.__name__}")
        return inplace(ew.assign, self, other)

    def pow_(self, exponent):
        """In-place :func:`~tensorlite.pow`."""
        return inplace(ew.pow, self, exponent)

    def masked_fill_(self, mask, value):
        """In-place :func:`~tensorlite.masked_fill`."""
        return inplace(ew.masked_fill, self, mask, dtypes.number(value, self._data.dtype))

    def add_(self, other, *old, alpha=1):
        """``self += alpha * other``."""
        if old:
            other, alpha = turned_round("add_", other, *old)
        return inplace(ew.add, self, pointwise.scaled(self, other, alpha))

    def sub_(self, other, *old, alpha=1):
        """``self -= alpha * other``."""
        if old:
            other, alpha = turned_round("sub_", other, *old)
        return inplace(ew.sub, self, pointwise.scaled(self, other, alpha))

    subtract_ = sub_

    def where(self, condition, other):
        """This tensor where ``condition`` holds, else ``other``."""
        return pointwise.where(condition, self, other)

    def apply_(self, callable):
        """Each element replaced by ``callable`` of it (a Python number): slow, and not recorded."""
        engine.check_writable(self)
        flat = [callable(v) for v in self._data.reshape(-1).tolist()]
        self._data[...] = np.array(flat, self._data.dtype).reshape(self._data.shape)
        engine.touch(self)
        return self

    def map_(self, tensor, callable):
        """Each element replaced by ``callable`` of it and the one of ``tensor``: slow, and not recorded."""
        other = np.broadcast_to(tensor._data, self._data.shape)
        rest = iter(other.reshape(-1).tolist())
        return self.apply_(lambda v: callable(v, next(rest)))

    def hardshrink(self, lambd=0.5):
        """The elements beyond ``[-lambd, lambd]``, else 0."""
        from .nn.functional import hardshrink

        return hardshrink(self, lambd)

    def prelu(self, weight):
        """The elements where positive, else ``weight`` times them."""
        from .nn.functional import prelu

        return prelu(self, weight)

    # -- random numbers ------------------------------------------------------------------------------

    uniform_, random_ = _from(random.uniform_), _from(random.random_)
    normal_, bernoulli_ = random.normal_, random.bernoulli_
    exponential_, geometric_ = random.exponential_, random.geometric_
    cauchy_, log_normal_ = random.cauchy_, random.log_normal_
    bernoulli, multinomial = sampling.bernoulli, sampling.multinomial
