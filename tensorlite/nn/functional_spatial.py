"""Functions over images and sequences (N, C, ...): convolution, unfold and fold; pooling, normalisation and
resampling come from the files beside this one."""

import functools

import numpy as np

from .. import dtypes
from ..ops import conv as ops
from ..ops import fold as fold_ops
from ..ops.elementwise import add, complex, imag, real, sub
from ..ops.padding import pad
from ..ops.shape import reshape
from ._spatial import batched, cross, ntuple, unbatched
from .functional_norm import *  # noqa: F403
from .functional_norm import __all__ as _norm
from .functional_pooling import *  # noqa: F403
from .functional_pooling import __all__ as _pooling
from .functional_resample import *  # noqa: F403
from .functional_resample import __all__ as _resample

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "fold", "pad", "unfold",
    *_norm, *_pooling, *_resample,
]  # fmt: skip

_TYPES = {"float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long int", "int32": "int"}


def _check(input, weight, bias, stride, dilation, groups, transposed):
    """What PyTorch refuses, in its words."""
    x, w = input._data, weight._data
    if w.ndim != x.ndim:
        raise RuntimeError(
            f"expected {x.ndim}-dimensional weight, but got {w.ndim}-dimensional weight of size {list(w.shape)} instead"
        )
    if x.dtype != w.dtype or (bias is not None and bias._data.dtype != x.dtype):
        other, what = (w, "weight") if bias is None or bias._data.dtype == x.dtype else (bias._data, "bias")
        a, b = (_TYPES.get(v.dtype.name, v.dtype.name) for v in (x, other))
        raise RuntimeError(f"Input type ({a}) and {what} type ({b}) should be the same")
    if x.dtype.kind not in ("fc" if transposed else "fciu") and x.dtype != np.int64:
        kernel = f"slow_conv{'_transpose' if transposed else ''}{x.ndim - 2}d_cpu"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{dtypes.of(x.dtype).title}'")
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(d <= 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if w.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size "
            f"[{list(w.shape)}] instead"
        )
    want = w.shape[0] if transposed else w.shape[1] * groups
    if x.shape[1] != want:
        given = f"transposed={groups}" if transposed else f"groups={groups}"
        raise RuntimeError(
            f"Given {given}, weight of size {list(w.shape)}, expected input{list(x.shape)} to have {want} channels, but "
            f"got {x.shape[1]} channels instead"
        )
    outs = w.shape[1] * groups if transposed else w.shape[0]
    if bias is not None and bias._data.shape != (outs,):
        raise RuntimeError(
            f"Given {'transposed=1, ' if transposed else ''}weight of size {list(w.shape)}, expected bias to be "
            f"1-dimensional with {outs} elements, but got bias of size {list(bias._data.shape)} instead"
        )


def _padding(padding, dims, kernel, stride, dilation):
    """(low, high) pairs from an int, a tuple, 'same' or 'valid'."""
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * dims
        if padding != "same":
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        if any(s != 1 for s in stride):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        totals = [d * (k - 1) for k, d in zip(kernel, dilation)]
        return tuple([(t // 2, t - t // 2) for t in totals])
    padding = ntuple(padding, dims, "padding")
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    return tuple([(p, p) for p in padding])


def _by_parts(convolve, x, weight):
    """A convolution of complex numbers: four of real ones."""
    a, b, c, d = real(x), imag(x), real(weight), imag(weight)
    return complex(sub(convolve(a, c), convolve(b, d)), add(convolve(a, d), convolve(b, c)))


def _with_bias(out, bias):
    return out if bias is None else add(out, reshape(bias, shape=(-1,) + (1,) * (len(out.shape) - 2)))


def _conv(name, dims, input, weight, bias, stride, padding, dilation, groups):
    input, single = batched(input, dims, name)
    stride, dilation = ntuple(stride, dims, "stride"), ntuple(dilation, dims, "dilation")
    _check(input, weight, bias, stride, dilation, groups, False)
    kernel = weight.shape[2:]
    pairs = _padding(padding, dims, kernel, stride, dilation)
    padded = [n + lo + hi for n, (lo, hi) in zip(input.shape[2:], pairs)]
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    if any(p < s for p, s in zip(padded, span)):
        raise RuntimeError(
            f"Calculated padded input size per channel: {cross(padded)}. Kernel size: {cross(span)}. Kernel size can't "
            "be greater than actual input size"
        )
    settings = {"stride": stride, "padding": pairs, "dilation": dilation, "groups": groups}
    if input._data.dtype.kind == "c":
        out = _with_bias(_by_parts(functools.partial(ops.conv, **settings), input, weight), bias)
    else:
        out = ops.conv(input, weight, bias, **settings)
    return unbatched(out, single)


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution over sequences.

    Parameters
    ----------
    input : Tensor, (N, C, L) or (C, L)
    weight : Tensor, (O, C / groups, K)
    bias : Tensor, (O,), optional
    stride, dilation : int or tuple of int, default 1
    padding : int, tuple of int, 'same' or 'valid', default 0
    groups : int, default 1

    Returns
    -------
    Tensor, (N, O, (L + 2 * padding - dilation * (K - 1) - 1) // stride + 1)

    Raises
    ------
    RuntimeError
        If the channels, dtypes or dimensions do not fit.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    >>> tl.nn.functional.conv1d(x, tl.tensor([[[1.0, -1.0]]]))
    tensor([[[-1., -1., -1.]]])
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution over images (N, C, H, W); parameters as for :func:`conv1d`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.conv2d(tl.zeros(8, 3, 32, 32), tl.zeros(16, 3, 5, 5), padding="same").shape
    torch.Size([8, 16, 32, 32])
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution over volumes (N, C, D, H, W); parameters as for :func:`conv1d`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.conv3d(tl.zeros(1, 2, 4, 6, 6), tl.zeros(3, 2, 3, 3, 3)).shape
    torch.Size([1, 3, 2, 4, 4])
    """
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _conv_transpose(name, dims, input, weight, bias, stride, padding, output_padding, groups, dilation):
    input, single = batched(input, dims, name)
    stride, dilation = ntuple(stride, dims, "stride"), ntuple(dilation, dims, "dilation")
    padding, extra = ntuple(padding, dims, "padding"), ntuple(output_padding, dims, "output_padding")
    _check(input, weight, bias, stride, dilation, groups, True)
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    if any(e < 0 for e in extra):
        raise RuntimeError("negative output_padding is not supported")
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation)):
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got output_padding: {extra} stride: "
            f"{stride} dilation: {dilation}"
        )
    size = tuple(
        [
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, s, p, d, k, e in zip(input.shape[2:], stride, padding, dilation, weight.shape[2:], extra)
        ]
    )
    if any(n <= 0 for n in size):
        raise RuntimeError(
            f"Given input size per channel: {cross(input.shape[2:])}. Calculated output size per channel: "
            f"{cross(size)}. Output size is too small"
        )
    pairs = tuple([(p, p) for p in padding])
    convolve = functools.partial(
        ops.conv_input_grad, size=size, stride=stride, padding=pairs, dilation=dilation, groups=groups
    )
    out = _by_parts(convolve, input, weight) if input._data.dtype.kind == "c" else convolve(input, weight)
    return unbatched(_with_bias(out, bias), single)


def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Transposed convolution over sequences: the gradient of :func:`conv1d` in its input.

    Parameters
    ----------
    input : Tensor, (N, C, L) or (C, L)
    weight : Tensor, (C, O / groups, K)
    bias : Tensor, (O,), optional
    stride, padding, output_padding, dilation : int or tuple of int
    groups : int, default 1

    Returns
    -------
    Tensor, (N, O, (L - 1) * stride - 2 * padding + dilation * (K - 1) + output_padding + 1)

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([[[1.0, 2.0]]])
    >>> tl.nn.functional.conv_transpose1d(x, tl.tensor([[[1.0, 3.0]]]), stride=2)
    tensor([[[1., 3., 2., 6.]]])
    """
    return _conv_transpose(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Transposed convolution over images; parameters as for :func:`conv_transpose1d`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.conv_transpose2d(tl.zeros(1, 8, 7, 7), tl.zeros(8, 4, 4, 4), stride=2, padding=1).shape
    torch.Size([1, 4, 14, 14])
    """
    return _conv_transpose(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Transposed convolution over volumes; parameters as for :func:`conv_transpose1d`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.conv_transpose3d(tl.zeros(1, 2, 3, 3, 3), tl.zeros(2, 1, 2, 2, 2), stride=2).shape
    torch.Size([1, 1, 6, 6, 6])
    """
    return _conv_transpose(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


# -- unfold and fold -------------------------------------------------------------------------------


def _blocks(spatial, kernel, dilation, padding, stride):
    return ops.output_size(spatial, kernel, stride, [(p, p) for p in padding], dilation)


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Every window of an image as a column.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
    kernel_size, dilation, padding, stride : int or pair of int

    Returns
    -------
    Tensor, (N, C * prod(kernel_size), L)
        ``L`` is the number of windows.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.unfold(tl.zeros(2, 3, 8, 8), 3).shape
    torch.Size([2, 27, 36])
    """
    input, single = batched(input, 2, "unfold")
    kernel, dilation, padding, stride = (
        ntuple(v, 2, n)
        for v, n in ((kernel_size, "kernel_size"), (dilation, "dilation"), (padding, "padding"), (stride, "stride"))
    )
    blocks = _blocks(input.shape[2:], kernel, dilation, padding, stride)
    if min(blocks) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(input.shape[2:])}, kernel_size={kernel}, dilation={dilation}, "
            f"padding={padding}, calculated shape of the array of sliding blocks as {blocks}, but its components must be "
            "at least one."
        )
    return unbatched(fold_ops.unfold(input, kernel=kernel, stride=stride, padding=padding, dilation=dilation), single)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns added up to an image: the adjoint of :func:`unfold`.

    Parameters
    ----------
    input : Tensor, (N, C * prod(kernel_size), L) or without N
    output_size : int or pair of int
    kernel_size, dilation, padding, stride : int or pair of int

    Returns
    -------
    Tensor, (N, C, *output_size)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.fold(tl.ones(1, 4, 4), (3, 3), 2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    input, single = batched(input, 1, "fold")
    output_size, kernel, dilation, padding, stride = (
        ntuple(v, 2, n)
        for v, n in (
            (output_size, "output_size"), (kernel_size, "kernel_size"), (dilation, "dilation"), (padding, "padding"),
            (stride, "stride"),
        )
    )  # fmt: skip
    if input.shape[1] % (kernel[0] * kernel[1]):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={input.shape[1]} and kernel_size={kernel}."
        )
    blocks = _blocks(output_size, kernel, dilation, padding, stride)
    if min(blocks) < 1 or blocks[0] * blocks[1] != input.shape[2]:
        raise RuntimeError(
            f"Given output_size={output_size}, kernel_size={kernel}, dilation={dilation}, padding={padding}, "
            f"stride={stride}, expected size of input's dimension 2 to match the calculated number of sliding blocks "
            f"{blocks[0]} * {blocks[1]} = {blocks[0] * blocks[1]}, but got input.size(2)={input.shape[2]}."
        )
    out = fold_ops.fold(input, spatial=output_size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    return unbatched(out, single)
