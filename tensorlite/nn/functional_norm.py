"""Normalisation functions."""

import math

import numpy as np

from .. import dtypes
from ..engine import RECORDING, cast, state, touch
from ..engine.plan import called
from ..mistakes import explained
from ..mistakes.evaluation import noted
from ..ops import norm as ops
from ..ops.elementwise import add, div, mul, pow, sqrt
from ..ops.pooling import sum_pool
from ..ops.reduction import mean as average
from ..ops.shape import reshape

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


def _channels(x, **members):
    for name, value in members.items():
        if value is not None and value._data.size != x.shape[1]:
            raise RuntimeError(f"{name} should contain {x.shape[1]} elements not {value._data.size}")


def _one_dtype(kernel, input, *members, strict=True):
    """PyTorch's complaints about dtypes: all the same floating one; members of float16 inputs may be float32."""
    dtype = input._data.dtype
    kinds = {m._data.dtype for m in members if m is not None} - {dtype}
    if strict and kinds and (dtype.kind == "f" or kernel != "batch_norm"):
        if kinds != {np.dtype(np.float32)}:
            raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")
        if dtype.char != "e":
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
    if dtype.kind != "f" and (strict or dtype.kind != "c"):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{dtypes.of(dtype).title}'")


def _average(running, value, momentum):
    """``running = (1 - momentum) * running + momentum * value``, in place and outside the tape."""
    if running is not None:
        a = running._data
        a[...] = (1 - momentum) * a + momentum * value.astype(a.dtype)
        touch(running)


def _empty(input, weight, bias, channels=True):
    """Nothing to normalise: ``input`` with the history that the scale and shift give it."""
    out = mul(input, 1.0)
    for op, value in ((mul, weight), (add, bias)):
        if value is not None:
            if channels and len(input.shape) > 1:
                value = reshape(value, shape=(-1,) + (1,) * (len(input.shape) - 2))
            out = op(out, value)
    return out


def _single(op, input, *others, **settings):
    """``op`` of float16 computed in float32, where its squares do not overflow, and rounded once."""
    if input._data.dtype.char != "e":
        return op(input, *others, **settings)
    wide = [x if x is None else cast(x, dtype=np.dtype(np.float32)) for x in (input, *others)]
    out, *more = op(*wide, **settings)
    return cast(out, dtype=input._data.dtype), *more


def _row_norm(input, weight, bias, **settings):
    return _single(ops.row_norm, input, weight, bias, **settings)


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05):
    """Normalise each channel over the batch and its pixels.

    Parameters
    ----------
    input : Tensor, (N, C, *)
    running_mean, running_var : Tensor, (C,), or None
        Used instead of the batch's statistics where not ``training``; else moved towards them in place.
    weight, bias : Tensor, (C,), optional
        Scale and shift.
    training : bool, default False
    momentum : float, default 0.1
        Weight of the batch in the running statistics (whose variance is the unbiased one).
    eps : float, default 1e-5

    Raises
    ------
    ValueError
        If a channel has a single value in training.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([[1.0], [3.0]])
    >>> tl.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    x = input._data
    if eps < 0 or (training and eps == 0):
        raise ValueError(
            f"batch_norm eps must be {'positive during training' if training else 'non-negative'}, but got {eps}"
        )
    if x.size == 0:
        return _empty(input, weight, bias)
    if x.ndim < 2:
        raise IndexError(
            "Dimension out of range (expected to be in range of [-1, 0], but got 1): batch_norm needs a batch and channels"
        )
    _channels(x, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    _one_dtype("batch_norm", input, weight, bias, running_mean, running_var)
    if training and (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    if not training:
        if running_mean is None or running_var is None:
            name = "running_mean" if running_mean is None else "running_var"
            raise RuntimeError(f"{name} must be defined in evaluation mode")
        mean = running_mean._data.astype(np.float64)
        inverse = 1 / np.sqrt(running_var._data.astype(np.float64) + eps)
        return ops.channel_affine(input, weight, bias, mean=mean, inverse=inverse)
    count = x.size // x.shape[1] if x.shape[1] else 0
    if count <= 1:
        raise ValueError(explained(_ONE.format(_size(x.shape)), "TL017", _ONE_REMEDY))
    if not state.mode & RECORDING:
        noted("batch_norm", x)
    out, mean, var = _single(ops.batch_norm, input, weight, bias, eps=eps)
    _average(running_mean, mean._data, momentum)
    _average(running_var, var._data * (count / (count - 1)), momentum)
    return out


_ONE = "Expected more than 1 value per channel when training, got input size {}"
_ONE_REMEDY = (
    "One value has no variance: call model.eval() to predict, use drop_last=True in the DataLoader, or larger batches."
)


def _size(shape):
    return f"torch.Size({list(shape)})"


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True,
                  momentum=0.1, eps=1e-05):  # fmt: skip
    """Normalise each channel of each sample over its pixels.

    Parameters
    ----------
    input : Tensor, (N, C, *)
    running_mean, running_var : Tensor, (C,), or None
        Used where not ``use_input_stats``; else moved towards the batch's mean statistics in place.
    weight, bias : Tensor, (C,), optional
    use_input_stats : bool, default True
    momentum, eps : float

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.instance_norm(tl.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    x = input._data
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    _channels(x, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    _one_dtype("batch_norm", input, weight, bias, running_mean, running_var)
    n, channels = x.shape[:2]
    pixels = math.prod(x.shape[2:])
    if x.size == 0:
        return _empty(input, weight, bias)
    if pixels <= 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {_size(x.shape)}")
    if running_mean is not None:
        seen = x.reshape(n, channels, pixels)
        _average(running_mean, seen.mean(2, dtype=np.float64).mean(0), momentum)
        _average(running_var, seen.var(2, dtype=np.float64, ddof=1).mean(0), momentum)
    out, _, _ = _row_norm(
        input, weight, bias, rows=n * channels, view=(n, channels, pixels), affine=(channels, 1), eps=eps
    )
    return out


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    """Normalise groups of channels of each sample over their pixels.

    Parameters
    ----------
    input : Tensor, (N, C, *)
    num_groups : int
        A divisor of C.
    weight, bias : Tensor, (C,), optional
    eps : float, default 1e-5

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.group_norm(tl.tensor([[1.0, 3.0, 5.0, 5.0]]), 2)
    tensor([[-1.0000,  1.0000,  0.0000,  0.0000]])
    """
    x = input._data
    if x.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {x.ndim}")
    n, channels = x.shape[:2]
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if (n * channels // num_groups) * math.prod(x.shape[2:]) == 1:
        raise ValueError(_ONE.format([n * channels // num_groups, num_groups, *x.shape[2:]]))
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(x.shape)} and num_groups={num_groups}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and value._data.shape != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(value._data.shape)} and input of shape {list(x.shape)}"
            )
    _one_dtype("GroupNormKernelImpl", input, weight, bias)
    if x.size == 0:
        return _empty(input, weight, bias)
    view = (n, channels, math.prod(x.shape[2:]))
    out, _, _ = _row_norm(input, weight, bias, rows=n * num_groups, view=view, affine=(channels, 1), eps=eps)
    return called(out, "NativeGroupNormBackward0")


def _rows(input, normalized_shape, weight, bias, star):
    x = input._data
    shape = (normalized_shape,) if isinstance(normalized_shape, (int, np.integer)) else tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and tuple(value._data.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(value._data.shape)} and normalized_shape = {list(shape)}"
            )
    if x.shape[x.ndim - len(shape) :] != shape or x.ndim < len(shape):
        want = ", ".join(map(str, shape))
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*{star}{want}], but got input of "
            f"size{list(x.shape)}"
        )
    columns = math.prod(shape)
    rows = math.prod(x.shape[: x.ndim - len(shape)])
    return {"rows": rows, "view": (rows, columns), "affine": (columns,)}


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """Normalise over the last dimensions.

    Parameters
    ----------
    input : Tensor, (*, *normalized_shape)
    normalized_shape : int or tuple of int
    weight, bias : Tensor, normalized_shape, optional
    eps : float, default 1e-5

    Raises
    ------
    RuntimeError
        If the shapes do not fit.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.layer_norm(tl.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    settings = _rows(input, normalized_shape, weight, bias, ", ")
    _one_dtype("LayerNormKernelImpl", input, weight, bias)
    if input._data.size == 0:
        return _empty(input, weight, bias, channels=False)
    out, _, _ = _row_norm(input, weight, bias, eps=eps, **settings)
    return out


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """Divide by the root of the mean square over the last dimensions.

    Parameters
    ----------
    input : Tensor, (*, *normalized_shape)
    normalized_shape : int or tuple of int
    weight : Tensor, normalized_shape, optional
    eps : float, default the machine epsilon of the dtype

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.rms_norm(tl.tensor([[3.0, 3.0]]), (2,))
    tensor([[1., 1.]])
    """
    settings = _rows(input, normalized_shape, weight, None, "")
    _one_dtype("rms_norm", input, strict=False)
    if input._data.size == 0:
        return _empty(input, weight, None, channels=False)
    eps = float(np.finfo(input._data.dtype).eps) if eps is None else eps
    if input._data.dtype.kind == "c":  # as PyTorch: squares, not absolute ones
        dims = tuple(range(-np.size(normalized_shape), 0))
        out = input / sqrt(average(input * input, dim=dims, keepdim=True) + eps)
        return out if weight is None else out * weight
    out, _, _ = _row_norm(input, weight, None, eps=eps, centre=False, **settings)
    return out


def local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0):
    """Divide by ``(k + alpha * mean of x ** 2 over size neighbouring channels) ** beta``.

    Parameters
    ----------
    input : Tensor, (N, C, *)
        At least three dimensions.
    size : int
        How many channels.
    alpha, beta, k : float

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.local_response_norm(tl.ones(1, 1, 1), 2, alpha=2.0, beta=1.0)
    tensor([[[0.5000]]])
    """
    shape = tuple(input.shape)
    if len(shape) < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {len(shape)} dimensions)")
    if input._data.size == 0:
        return input
    square = reshape(mul(input, input), shape=(shape[0], 1, shape[1], math.prod(shape[2:])))
    # size // 2 channels before and (size - 1) // 2 behind: the last window of an even size is cut off
    total = sum_pool(square, kernel=(size, 1), stride=(1, 1), padding=(size // 2, 0), size=(shape[1], square.shape[3]))
    return div(input, pow(add(mul(reshape(total, shape=shape), alpha / size), k), beta))
