"""tensorlite: PyTorch's imperative style on NumPy alone.

``import tensorlite as torch`` and a PyTorch script runs. Nothing is defined here: the tape is in
:mod:`tensorlite.engine`, operations in :mod:`tensorlite.ops`, tensors in :mod:`tensorlite._tensor`, functions in
:mod:`tensorlite.functions`, layers in :mod:`tensorlite.nn`. Submodules are imported when they are first used.

Examples
--------
>>> import tensorlite as torch
>>> x = torch.tensor(2.0, requires_grad=True)
>>> (x ** 3).backward()
>>> x.grad
tensor(12.)
"""

# ruff: noqa: F401, I001 (this module shows names, in groups)
import math as _math

from . import _malloc, dtypes as _dtypes
from ._device import (
    Size, channels_last, channels_last_3d, contiguous_format, device, get_default_device, jagged, layout, memory_format,
    preserve_format, set_default_device, sparse_coo, sparse_csr, strided,
)  # fmt: skip
from ._printing import get_printoptions, printoptions, set_printoptions
from ._tensor import Tensor
from .autograd.grad_mode import (
    enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled,
)  # fmt: skip

# -- functions: one module each ---------------------------------------------------------------------

from .creation import (
    arange, as_tensor, asarray, complex, empty, empty_like, eye, from_dlpack, from_numpy, frombuffer, full, full_like,
    linspace, logspace, ones, ones_like, polar, range, scalar_tensor, tensor, tril_indices, triu_indices, zeros, zeros_like,
)  # fmt: skip
from .old_constructors import (
    BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor, ShortTensor,
    set_default_tensor_type,
)  # fmt: skip
from .functions.pointwise import (
    abs, absolute, acos, acosh, add, addcdiv, addcmul, allclose, angle, arccos, arccosh, arcsin, arcsinh, arctan,
    arctan2, arctanh, asin, asinh, atan, atan2, atanh, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or,
    bitwise_right_shift, bitwise_xor, can_cast, ceil, clamp, clamp_max, clamp_min, clip, clone, conj, copysign, cos,
    cosh, deg2rad, div, divide, eq, equal, exp, exp2, expm1, fix, float_power, floor, floor_divide, fmax, fmin,
    fmod, frac, frexp, gcd, ge, greater, greater_equal, gt, heaviside, hypot, imag, is_complex, is_floating_point,
    is_nonzero, is_tensor, isclose, isfinite, isin, isinf, isnan, isneginf, isposinf, isreal, lcm, ldexp, le, lerp,
    less, less_equal, log, log10, log1p, log2, logaddexp, logaddexp2, logical_and, logical_not, logical_or,
    logical_xor, lt, masked_fill, maximum, minimum, mul, multiply, nan_to_num, ne, neg, negative, nextafter,
    not_equal, numel, positive, pow, rad2deg, real, reciprocal, relu, remainder, round, rsqrt, rsub, sgn, sigmoid,
    sign, signbit, sin, sinh, sqrt, square, sub, subtract, tan, tanh, true_divide, trunc, view_as_complex,
    view_as_real, where,
)  # fmt: skip
from .functions.reducing import (
    all, amax, amin, aminmax, any, argmax, argmin, count_nonzero, cummax, cummin, cumprod, cumsum,
    cumulative_trapezoid, diff, dist, gradient, logcumsumexp, logsumexp, max, mean, median, min, mode, nanmean, nanmedian,
    nansum, norm, prod, renorm, std, std_mean, sum, trapezoid, trapz, var, var_mean,
)  # fmt: skip
from .functions.shaping import (
    adjoint, broadcast_to, cat, chunk, concat, concatenate, flatten, flip, narrow, permute, ravel, reshape, select,
    split, split_with_sizes, squeeze, stack, swapaxes, swapdims, t, tile, transpose, unbind, unflatten, unsqueeze,
)  # fmt: skip
from .functions.copies import (
    alias_copy, as_strided_copy, as_strided_scatter, conj_physical, constant_pad_nd, diagonal_copy, expand_copy,
    narrow_copy, permute_copy, select_copy, split_copy, split_with_sizes_copy, squeeze_copy, t_copy, transpose_copy,
    unbind_copy, unfold_copy, unsafe_chunk, unsafe_split, unsafe_split_with_sizes, unsqueeze_copy,
    view_as_complex_copy, view_as_real_copy, view_copy,
)  # fmt: skip
from .functions.spectral import istft, stft
from .functions.strided import empty_permuted, empty_strided
from .functions.windows import bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window
from .functions.arranging import (
    as_strided, atleast_1d, atleast_2d, atleast_3d, block_diag, broadcast_shapes, broadcast_tensors, cartesian_prod,
    column_stack, combinations, diag, diag_embed, diagflat, diagonal, dsplit, dstack, fliplr, flipud, hsplit,
    hstack, meshgrid, moveaxis, movedim, repeat_interleave, roll, rot90, row_stack, sum_to_size, tensor_split,
    trace, tril, triu, unfold, vander, vsplit, vstack,
)  # fmt: skip
from .functions.selecting import (
    argwhere, gather, index_add, index_copy, index_fill, index_put, index_select, masked_scatter, masked_select,
    diagonal_scatter, nonzero, put, scatter, scatter_add, scatter_reduce, select_scatter, slice_scatter, take,
    take_along_dim, unravel_index, index_reduce, nonzero_static,
)  # fmt: skip
from .functions.specials import (
    digamma, erf, erfc, erfinv, i0, igamma, igammac, lgamma, log_softmax, logit, mvlgamma, polygamma, sinc, softmax,
    xlogy,
)  # fmt: skip
from .functions.refused import (
    dequantize, quantize_per_channel, quantize_per_tensor, sparse_coo_tensor, sparse_csc_tensor, sparse_csr_tensor,
    sspaddmm,
)  # fmt: skip
from .functions.matrices import (
    addbmm, addmm, addmv, addr, baddbmm, bmm, cdist, chain_matmul, corrcoef, cov, cross, dot, einsum, ger, inner,
    kron, matmul, matrix_power, mm, mv, outer, pdist, spmm, tensordot, vdot,
)  # fmt: skip
from .functions.decomposing import (
    cholesky, cholesky_inverse, cholesky_solve, det, inverse, logdet, matrix_exp, nuclear_norm, pinverse, qr,
    slogdet, svd, geqrf, lu, lu_solve, lu_unpack, orgqr, ormqr, pca_lowrank, svd_lowrank, triangular_solve,
)  # fmt: skip
from .functions.running import (
    are_deterministic_algorithms_enabled, compile, detach, fill, get_float32_matmul_precision, get_num_interop_threads, is_conj,
    is_inference, is_neg, is_same_size, is_signed, is_storage, resolve_conj, resolve_neg, set_float32_matmul_precision,
    set_flush_denormal, set_num_interop_threads, typename, use_deterministic_algorithms,
)  # fmt: skip
from .functions.sorting import (
    argsort, bincount, bucketize, histc, histogram, histogramdd, kthvalue, msort, nanquantile, quantile, searchsorted, sort,
    topk, unique, unique_consecutive,
)  # fmt: skip
from .functions.sampling import (
    bernoulli, binomial, multinomial, normal, poisson, rand, rand_like, randint, randint_like, randn, randn_like,
    randperm,
)  # fmt: skip

# -- the rest ----------------------------------------------------------------------------------------
from .dtypes import (
    bfloat16, complex64, complex128, dtype, finfo, float16, float32, float64, get_default_dtype, iinfo, int8,
    int16, int32, int64, promote_types, result_type, set_default_dtype, uint8, uint16, uint32, uint64,
)  # fmt: skip
from .rng import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .serialization import load, save
from .threads import get_num_threads, set_num_threads

float, double, half = float32, float64, float16
long, int, short = int64, int32, int16
cfloat, cdouble = complex64, complex128
bool = _dtypes.bool_
pi, e, inf, nan, newaxis = _math.pi, _math.e, _math.inf, _math.nan, None

__version__ = "0.1.0"

#: Submodules that are imported when they are first asked for.
_SUBMODULES = (
    "accelerator", "amp", "autograd", "backends", "callbacks", "checkpoint", "compiler", "cuda", "data", "distributed",
    "distributions", "engine", "fft", "func", "jit", "linalg", "metrics", "mps", "multiprocessing", "nn", "ops", "optim",
    "overrides", "profiler", "random", "serialization", "signal", "special", "testing", "types", "utils", "version",
    "vision", "viz", "xpu",
)  # fmt: skip

#: Functions of neural networks that PyTorch also has at the top level; :mod:`tensorlite.nn.functional` defines them.
_FROM_NN = (
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "affine_grid_generator", "avg_pool1d", "bilinear", "celu", "channel_shuffle",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_similarity", "ctc_loss",
    "hardshrink", "max_pool1d", "max_pool2d", "max_pool3d", "pairwise_distance", "pixel_shuffle", "pixel_unshuffle", "prelu",
    "rms_norm", "rrelu", "selu", "threshold",
)  # fmt: skip

#: The same with the arguments of PyTorch's C++ functions; :mod:`tensorlite.nn.native` defines them.
_NATIVE = (
    "alpha_dropout", "alpha_dropout_", "batch_norm", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "dropout",
    "dropout_", "embedding", "embedding_bag", "feature_alpha_dropout", "feature_dropout", "group_norm", "hinge_embedding_loss",
    "instance_norm", "kl_div", "layer_norm", "margin_ranking_loss", "poisson_nll_loss", "triplet_margin_loss",
)  # fmt: skip

#: What PyTorch has and this library leaves out, and what to do instead.
_ABSENT = {
    "ao": "there are no quantized tensors",
    "export": "there is no compiler; call the module itself",
    "futures": "computations run in one process; use concurrent.futures",
    "fx": "there is no compiler; tensorlite.viz draws what a computation does",
    "hub": "download files with urllib, and load weights with load()",
    "library": "there is no dispatcher; write a tensorlite.autograd.Function",
    "masked": "use masked_fill(), where(), or nansum() and its kin",
    "nested": "there are no nested tensors; pad to one length",
    "onnx": "save the weights with save(), or as safetensors",
    "package": "save weights with save(), and ship code as a Python package",
    "quantization": "there are no quantized tensors",
    "sparse": "there are no sparse tensors; use dense ones",
}


def __getattr__(name):
    if name in _FROM_NN:
        from .nn import functional

        return getattr(functional, name)
    if name in _NATIVE:
        from .nn import native

        return getattr(native, name)
    if name == "GradScaler":
        from .amp import GradScaler

        return GradScaler
    if "autocast" in name:
        from .amp import autocast_mode

        if name in autocast_mode.__all__:
            return getattr(autocast_mode, name)
    if name in ("is_anomaly_check_nan_enabled", "is_anomaly_enabled"):
        from .autograd import anomaly_mode

        return getattr(anomaly_mode, name)
    if name == "doctor":
        from ._doctor import doctor

        return doctor
    if name == "vmap":
        from .func import vmap

        return vmap
    if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
        return getattr(Tensor, name)  # torch.sin_(x) is x.sin_()
    if name in ("celu_", "rrelu_", "selu_", "threshold_"):
        from .nn import functional

        return getattr(functional, name)
    if name in _SUBMODULES:
        from importlib import import_module

        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    if name in _ABSENT:
        raise AttributeError(f"tensorlite.{name} is not supported: {_ABSENT[name]}")
    if not name.startswith("__"):
        from difflib import get_close_matches

        near = get_close_matches(name, [*globals(), *_SUBMODULES], 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise AttributeError(f"module 'tensorlite' has no attribute {name!r}{hint}")
    raise AttributeError(f"module 'tensorlite' has no attribute {name!r}")


def __dir__():
    return sorted([n for n in globals() if not n.startswith("_")] + [*_SUBMODULES, "doctor"])
