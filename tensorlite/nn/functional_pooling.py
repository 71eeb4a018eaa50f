"""Pooling functions."""

import functools
import math

import numpy as np

from .. import dtypes
from ..engine import wrap
from ..engine.plan import called
from ..functions.refused import refused
from ..ops import pooling as ops
from ..ops.axes import integers
from ..ops.elementwise import abs as abs_
from ..ops.elementwise import mul, pow, relu, sign
from ..ops.reduction import mean
from ..ops.resample import average_matrix, separable
from ..ops.shape import cat, narrow
from ._spatial import batched, ntuple, unbatched

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "fractional_max_pool2d", "fractional_max_pool3d",
    "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool1d", "max_unpool2d",
    "max_unpool3d", "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d_with_indices",
]  # fmt: skip


def _windows(input, dims, kernel_size, stride, padding, dilation, ceil_mode):
    """The settings of a pooling primitive, checked as PyTorch does."""
    kernel = ntuple(kernel_size, dims, "kernel_size")
    none = stride is None or not integers(stride)
    stride = kernel if none else ntuple(stride, dims, "stride")
    padding, dilation = ntuple(padding, dims, "padding"), ntuple(dilation, dims, "dilation")
    if min(kernel) <= 0 or min(dilation) <= 0:
        raise RuntimeError("kernel size and dilation should be greater than zero")
    if min(stride) <= 0:
        raise RuntimeError("stride should not be zero")
    for p, k, d in zip(padding, kernel, dilation):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > ((k - 1) * d + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={d}"
            )
    size = ops.pooled_size(input.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    if min(size) < 1:
        channels = input.shape[1]
        given, found = ("x".join(map(str, (channels, *s))) for s in (input.shape[2:], size))
        raise RuntimeError(f"Given input size: ({given}). Calculated output size: ({found}). Output size is too small")
    return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "size": size}


def _filled(name, dims, input):
    """Refuse an input without channels or pixels; it may have no samples."""
    if 0 in input.shape[1:]:
        if dims == 3:
            raise RuntimeError(
                f"{name}(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
                f"{list(input.shape)} and non-batch dimension {input.shape[1:].index(0)} has length zero!"
            )
        who = f"{name}: " if dims == 1 else ""
        raise RuntimeError(
            f"{who}Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(input.shape)}"
        )


def _max_pool(name, dims, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    input, single = batched(input, dims, name)
    _filled(name, dims, input)
    if dims == 1 and not return_indices and input._data.dtype.kind in "iub":
        raise NotImplementedError(f"\"max_pool1d_impl\" not implemented for '{dtypes.of(input._data.dtype).title}'")
    settings = _windows(input, dims, kernel_size, stride, padding, dilation, ceil_mode)
    if not return_indices:
        return unbatched(ops.max_pool(input, **settings)[0], single)
    index = ops.max_pool_index(input, **settings)
    out = called(ops.pick(input, index), f"MaxPool{dims}DWithIndicesBackward0")
    return unbatched(out, single), unbatched(index, single)


def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of every window of a sequence.

    Parameters
    ----------
    input : Tensor, (N, C, L) or (C, L)
    kernel_size, padding, dilation : int or tuple of int
    stride : int or tuple of int, default ``kernel_size``
    ceil_mode : bool, default False
        Whether windows may reach over the end.
    return_indices : bool, default False
        Return where the maxima are as well, counted through the spatial dimensions.

    Returns
    -------
    Tensor, or pair of Tensor (values, int64 indices)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.max_pool1d(tl.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of every window of an image (N, C, H, W); parameters as for :func:`max_pool1d`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.max_pool2d(tl.zeros(8, 16, 28, 28), 2).shape
    torch.Size([8, 16, 14, 14])
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of every window of a volume (N, C, D, H, W); parameters as for :func:`max_pool1d`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.max_pool3d(tl.zeros(1, 2, 4, 4, 4), 2).shape
    torch.Size([1, 2, 2, 2, 2])
    """
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _avg_pool(name, dims, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    input, single = batched(input, dims, name)
    _filled(name, dims, input)
    settings = _windows(input, dims, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0 and divisor_override is not None:
        raise RuntimeError("divisor must be not zero")
    dtype = input._data.dtype
    if dtype.kind != "f" and dtype != np.int64:
        raise NotImplementedError(f"\"{name}\" not implemented for '{dtypes.of(dtype).title}'")
    del settings["dilation"]
    total = ops.sum_pool(input, **settings)
    if dtype.kind == "i":
        counts = ops.window_counts(input.shape[2:], *settings.values(), count_include_pad)
        mean = np.trunc(total._data / (divisor_override or counts))  # PyTorch's division of integers
        return unbatched(wrap(mean.astype(dtype)), single)
    if divisor_override is not None:
        factor = 1 / divisor_override
    else:
        counts = ops.window_counts(input.shape[2:], *settings.values(), count_include_pad)
        same = counts.flat[0]
        factor = 1 / float(same) if (counts == same).all() else (1 / counts).astype(input._data.dtype)
    return unbatched(called(mul(total, factor), f"AvgPool{dims}DBackward0"), single)


def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of every window of a sequence.

    Parameters
    ----------
    input : Tensor, (N, C, L) or (C, L)
    kernel_size, padding : int or tuple of int
    stride : int or tuple of int, default ``kernel_size``
    ceil_mode : bool, default False
        Whether windows may reach over the end.
    count_include_pad : bool, default True
        Whether padding counts in the mean.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.avg_pool1d(tl.tensor([[1.0, 3.0, 2.0, 6.0]]), 2)
    tensor([[2., 4.]])
    """
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):  # fmt: skip
    """The mean of every window of an image; parameters as for :func:`avg_pool1d`.

    ``divisor_override`` (int) is divided by instead of the number of elements.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.avg_pool2d(tl.ones(1, 1, 4, 4), 2, divisor_override=1)
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):  # fmt: skip
    """The mean of every window of a volume; parameters as for :func:`avg_pool2d`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.avg_pool3d(tl.zeros(1, 2, 4, 4, 4), 2).shape
    torch.Size([1, 2, 2, 2, 2])
    """
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _lp_pool(name, dims, input, norm_type, kernel_size, stride, ceil_mode):
    kernel = ntuple(kernel_size, dims, "kernel_size")
    mean = _avg_pool(name, dims, pow(input, norm_type), kernel, stride, 0, ceil_mode, True, None)
    return pow(mul(mul(sign(mean), relu(abs_(mean))), float(math.prod(kernel))), 1.0 / norm_type)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """``(sum of x ** p) ** (1 / p)`` over every window of a sequence.

    Parameters
    ----------
    input : Tensor, (N, C, L) or (C, L)
    norm_type : float
        ``p``; 1 is a sum pooling, infinity is not supported.
    kernel_size : int
    stride : int, default ``kernel_size``
    ceil_mode : bool, default False

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.lp_pool1d(tl.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """``(sum of x ** p) ** (1 / p)`` over every window of an image; parameters as for :func:`lp_pool1d`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.lp_pool2d(tl.ones(1, 1, 4, 4), 2, 2).shape
    torch.Size([1, 1, 2, 2])
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """``(sum of x ** p) ** (1 / p)`` over every window of a volume; parameters as for :func:`lp_pool1d`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.lp_pool3d(tl.ones(1, 1, 4, 4, 4), 2, 2).shape
    torch.Size([1, 1, 2, 2, 2])
    """
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _adaptive_size(name, dims, input, output_size):
    if len(input.shape) not in (dims + 1, dims + 2):
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got {list(input.shape)}")
    spatial = tuple(input.shape[-dims:])
    if output_size is None or isinstance(output_size, (int, np.integer)):
        output_size = (output_size,) * dims
    if len(output_size) != dims:
        raise RuntimeError(f"{name}: output_size must be {dims} ints (or one int), but got {tuple(output_size)}")
    dtype, first = input._data.dtype, len(input.shape) - dims - (dims == 3 or "max" in name)
    for i, n in enumerate(input.shape):
        if i >= first and n == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {i} being empty"
            )
    if dtype.kind in "iub":
        kernel = f"{name}_cpu" if dims == 3 else name.replace("1d", "2d")
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{dtypes.of(dtype).title}'")
    return tuple([n if o is None else int(o) for n, o in zip(spatial, output_size)])


def _adaptive_avg_pool(name, dims, input, output_size):
    size = _adaptive_size(name, dims, input, output_size)
    input, single = batched(input, dims, name)
    out = _averages(name, dims, input, size)
    if max(size) > 1:  # PyTorch takes a plain mean too
        called(out, f"AdaptiveAvgPool{dims}DBackward0")
    return unbatched(out, single)


def _averages(name, dims, input, size):
    spatial = input.shape[2:]
    if all(o and n % o == 0 for n, o in zip(spatial, size)):
        kernel = tuple([n // o for n, o in zip(spatial, size)])
        if all(k == 1 for k in kernel):
            return mul(input, 1.0)
        if all(o == 1 for o in size):
            return mean(input, dim=tuple(range(2, dims + 2)), keepdim=True)
        return _avg_pool(name, dims, input, kernel, None, 0, False, True, None)
    dtype = input._data.dtype
    matrices = tuple([None if n == o else average_matrix(n, o, dtype) for n, o in zip(spatial, size)])
    out = separable(input, matrices=matrices)
    if np.isnan(out._data).any():  # an infinity times the zeros of a matrix, unless it is the input's own
        out = input
        for d, o in enumerate(size, 2):
            windows = [ops.adaptive_window(i, out.shape[d], o) for i in range(o)]
            out = cat(*[mean(narrow(out, dim=d, start=a, stop=b), dim=d, keepdim=True) for a, b in windows], dim=d)
    return out


def adaptive_avg_pool1d(input, output_size):
    """Means of windows chosen so that ``output_size`` of them cover the sequence.

    Parameters
    ----------
    input : Tensor, (N, C, L) or (C, L)
    output_size : int or tuple of int (None: as the input)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.adaptive_avg_pool1d(tl.tensor([[1.0, 3.0, 5.0]]), 2)
    tensor([[2., 4.]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input, output_size):
    """As :func:`adaptive_avg_pool1d`, over images.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.adaptive_avg_pool2d(tl.zeros(2, 8, 7, 7), 1).shape
    torch.Size([2, 8, 1, 1])
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input, output_size):
    """As :func:`adaptive_avg_pool1d`, over volumes.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.adaptive_avg_pool3d(tl.zeros(2, 8, 5, 7, 7), (2, None, 3)).shape
    torch.Size([2, 8, 2, 7, 3])
    """
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def _adaptive_max_pool(name, dims, input, output_size, return_indices):
    size = _adaptive_size(name, dims, input, output_size)
    input, single = batched(input, dims, name)
    spatial = input.shape[2:]
    if not return_indices and all(o and n % o == 0 for n, o in zip(spatial, size)):
        kernel = tuple([n // o for n, o in zip(spatial, size)])
        out = _max_pool(name, dims, input, kernel, None, 0, 1, False, False)
        return unbatched(called(out, f"AdaptiveMaxPool{dims}DBackward0"), single)
    index = ops.adaptive_max_index(input, size=size)
    out = unbatched(called(ops.pick(input, index), f"AdaptiveMaxPool{dims}DBackward0"), single)
    return (out, unbatched(index, single)) if return_indices else out


def adaptive_max_pool1d(input, output_size, return_indices=False):
    """Maxima of windows chosen so that ``output_size`` of them cover the sequence.

    Parameters
    ----------
    input : Tensor, (N, C, L) or (C, L)
    output_size : int or tuple of int (None: as the input)
    return_indices : bool, default False
        Return where the maxima are as well.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.adaptive_max_pool1d(tl.tensor([[1.0, 3.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input, output_size, return_indices=False):
    """As :func:`adaptive_max_pool1d`, over images.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.adaptive_max_pool2d(tl.zeros(2, 8, 7, 7), 3).shape
    torch.Size([2, 8, 3, 3])
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input, output_size, return_indices=False):
    """As :func:`adaptive_max_pool1d`, over volumes.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.adaptive_max_pool3d(tl.zeros(2, 8, 4, 7, 7), 2).shape
    torch.Size([2, 8, 2, 2, 2])
    """
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices = (
    functools.partial(f, return_indices=True) for f in (max_pool1d, max_pool2d, max_pool3d)
)
adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices = (
    functools.partial(f, return_indices=True) for f in (adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)
)


_UNPOOL = "use interpolate() or a transposed convolution to enlarge an image"
max_unpool1d, max_unpool2d, max_unpool3d = (refused(f"max_unpool{d}d", _UNPOOL) for d in (1, 2, 3))
_FRACTIONAL = "use max_pool or adaptive_max_pool"
fractional_max_pool2d, fractional_max_pool3d = (refused(f"fractional_max_pool{d}d", _FRACTIONAL) for d in (2, 3))
