"""Activations as functions: PyTorch's arguments over the primitives of :mod:`tensorlite.ops.activation`."""

import warnings

import numpy as np

from .. import dtypes
from ..engine import TensorBase, cast, unwrap, wrap
from ..engine import inplace as _inplace
from ..engine.plan import called
from ..functions._common import number, tensor_arg
from ..ops import activation as ops
from ..ops import elementwise as ew
from ..ops import random
from ..ops.axes import axis_of
from ..ops.gelu import gelu as _gelu
from ..ops.gelu import wants_slope
from ..ops.shape import reshape, split_with_sizes

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6", "relu_",
    "rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink", "softsign",
    "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _run(op, input, inplace, **settings):
    if not isinstance(input, TensorBase):
        tensor_arg(input, "input", op.primitive.name)
    return _inplace(op, input, **settings) if inplace else op(input, **settings)


def relu(input, inplace=False):
    """``max(x, 0)``.

    Parameters
    ----------
    input : Tensor
    inplace : bool
        Write the result into ``input``.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.relu(tl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if not isinstance(input, TensorBase):
        tensor_arg(input, "input", "relu")
    return _inplace(ew.relu, input) if inplace else ew.relu(input)


def relu6(input, inplace=False):
    """``min(max(x, 0), 6)``."""
    return _run(ops.hardtanh, input, inplace, low=0.0, high=6.0)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """``x`` where positive, else ``negative_slope * x``."""
    return _run(ops.leaky_relu, input, inplace, slope=negative_slope)


def prelu(input, weight):
    """``x`` where positive, else ``weight * x``, with one weight or one per channel (dimension 1).

    Raises
    ------
    RuntimeError
        If the number of weights is neither 1 nor the number of channels.
    """
    if weight._data.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight._data.ndim}")
    if weight._data.dtype != input._data.dtype:
        kinds = " and ".join(dtypes.of(t._data.dtype).title for t in (input, weight))
        raise RuntimeError(f"prelu: Type promoting not supported. Got {kinds}")
    n = weight._data.size
    shape = input._data.shape
    if n != 1:
        if not shape:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = shape[1] if len(shape) > 1 else 1
        if channels != n:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {n} and channel size = "
                f"{channels}."
            )
        weight = reshape(weight, shape=(1, n) + (1,) * (len(shape) - 2))
    elif len(shape) == 0:
        weight = reshape(weight, shape=())
    return ops.prelu(input, weight)


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """``x`` where positive, else ``a * x``: ``a`` is drawn from [lower, upper] in training, their mean otherwise."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    x = input._data
    noise = np.ones(x.shape, x.dtype)
    below = x <= 0
    u = random.generator_or_default(None).uniform(int(np.count_nonzero(below)), np.float64)
    noise[below] = u * (upper - lower) + lower
    return _inplace(ops.rrelu, input, noise) if inplace else ops.rrelu(input, noise)


def threshold(input, threshold, value, inplace=False):
    """``x`` where it exceeds ``threshold``, else ``value``."""
    return _run(ops.threshold, input, inplace, threshold=threshold, value=value)


def elu(input, alpha=1.0, inplace=False):
    """``x`` where positive, else ``alpha * (exp(x) - 1)``."""
    return _run(ops.elu, input, inplace, alpha=alpha)


def selu(input, inplace=False):
    """``scale * elu(x, alpha)`` with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return _run(ops.elu, input, inplace, alpha=_SELU_ALPHA, scale=_SELU_SCALE)


def celu(input, alpha=1.0, inplace=False):
    """``x`` where positive, else ``alpha * (exp(x / alpha) - 1)``."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return called(_run(ops.elu, input, inplace, alpha=alpha, input_scale=1.0 / alpha), "CeluBackward0")


def gelu(input, approximate="none"):
    """``x`` times the normal distribution function at ``x`` (Hendrycks & Gimpel 2016).

    Parameters
    ----------
    input : Tensor
    approximate : 'none' or 'tanh'
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    tensor_arg(input, "input", "gelu")
    return _gelu(input, approximate=approximate, keep=wants_slope(input))[0]


def silu(input, inplace=False):
    """``x * sigmoid(x)``, also called swish."""
    return _run(ops.silu, input, inplace)


def mish(input, inplace=False):
    """``x * tanh(softplus(x))``."""
    return _run(ops.mish, input, inplace)


def softplus(input, beta=1.0, threshold=20.0):
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x > threshold``."""
    return ops.softplus(tensor_arg(input, "input", "softplus"), beta=beta, threshold=threshold)


def softsign(input):
    """``x / (1 + abs(x))``."""
    if input._data.dtype.kind == "c":
        return ew.div(input, ew.add(ew.abs(input), 1))
    return ops.softsign(input)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """``x`` clipped to [min_val, max_val]."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _run(ops.hardtanh, input, inplace, low=number(min_val), high=number(max_val))


def hardsigmoid(input, inplace=False):
    """``clip(x + 3, 0, 6) / 6``."""
    return _run(ops.hardsigmoid, input, inplace)


def hardswish(input, inplace=False):
    """``x * clip(x + 3, 0, 6) / 6``."""
    return _run(ops.hardswish, input, inplace)


def hardshrink(input, lambd=0.5):
    """``x`` where ``abs(x) > lambd``, else 0."""
    return ops.hardshrink(tensor_arg(input, "input", "hardshrink"), lambd=lambd)


def softshrink(input, lambd=0.5):
    """``x`` moved towards 0 by ``lambd``, not past it."""
    if not lambd >= 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd:g}.")
    return ops.softshrink(tensor_arg(input, "input", "softshrink"), lambd=number(lambd))


def tanhshrink(input):
    """``x - tanh(x)``."""
    if input._data.dtype.kind == "c":
        return ew.sub(input, ew.tanh(input))
    return ops.tanhshrink(input)


def logsigmoid(input):
    """``log(sigmoid(x))`` without overflow."""
    return ops.logsigmoid(tensor_arg(input, "input", "log_sigmoid"))


def sigmoid(input):
    """``1 / (1 + exp(-x))``."""
    return ew.sigmoid(tensor_arg(input, "input", "sigmoid"))


def tanh(input):
    """The hyperbolic tangent."""
    return ew.tanh(tensor_arg(input, "input", "tanh"))


def glu(input, dim=-1):
    """``a * sigmoid(b)`` for the two halves of ``input`` along ``dim``.

    Raises
    ------
    RuntimeError
        If the dimension has an odd size.
    """
    shape = input._data.shape
    if not shape:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    axis = axis_of(dim, len(shape))
    n = shape[axis]
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {axis} is size {n}")
    a, b = split_with_sizes(input, sizes=(n // 2, n // 2), dim=axis)
    return ops.gated(a, b)


def _implicit_dim(name, ndim, stacklevel):
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


def _along(op, name, input, dim, stacklevel, dtype):
    if not isinstance(input, TensorBase):  # a method in PyTorch
        raise AttributeError(f"{type(input).__name__!r} object has no attribute {name!r}")
    if dim is None:
        dim = _implicit_dim(name, input._data.ndim, stacklevel + 1)
    if dtype is not None and unwrap(input).dtype != (d := dtypes.to_numpy(dtype)):
        input = cast(input, dtype=d)
    return op(input, dim=axis_of(dim, unwrap(input).ndim))


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """``exp(x) / sum(exp(x))`` along ``dim``.

    Parameters
    ----------
    input : Tensor
    dim : int
        Without it a warning, and the dimension that PyTorch chooses (0 of 0, 1 or 3 dimensions, else 1).
    dtype : dtype, optional
        Convert ``input`` first.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.softmax(tl.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _along(ops.softmax, "softmax", input, dim, _stacklevel, dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """``softmax(-x)``."""
    return _along(ops.softmax, "softmin", ew.neg(tensor_arg(input, "input", "softmin")), dim, _stacklevel, dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """``log(softmax(x))`` along ``dim``, computed stably; see :func:`softmax`."""
    return _along(ops.log_softmax, "log_softmax", input, dim, _stacklevel, dtype)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """A sample from the Gumbel-softmax distribution (Jang et al. 2016).

    Parameters
    ----------
    logits : Tensor
    tau : float, default 1
        The temperature.
    hard : bool
        One-hot in the forward pass, the soft sample's gradient in the backward pass.
    dim : int, default -1
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = random.exponential_(wrap(np.empty_like(logits._data)))
    soft = softmax((logits - noise.log()) / tau, dim)
    if not hard:
        return soft
    y = soft._data
    axis = axis_of(dim, y.ndim)
    chosen = np.zeros_like(y)
    np.put_along_axis(chosen, np.expand_dims(np.argmax(y, axis=axis), axis), 1, axis)
    return wrap(chosen) - soft.detach() + soft


def relu_(input):
    """:func:`relu` in place."""
    return _inplace(ew.relu, input)


def leaky_relu_(input, negative_slope=0.01):
    """:func:`leaky_relu` in place."""
    return leaky_relu(input, negative_slope, inplace=True)


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False):
    """:func:`rrelu` in place."""
    return rrelu(input, lower, upper, training, inplace=True)


def threshold_(input, threshold_, value):
    """:func:`threshold` in place."""
    return threshold(input, threshold_, value, inplace=True)


def elu_(input, alpha=1.0):
    """:func:`elu` in place."""
    return elu(input, alpha, inplace=True)


def selu_(input):
    """:func:`selu` in place."""
    return selu(input, inplace=True)


def celu_(input, alpha=1.0):
    """:func:`celu` in place."""
    return celu(input, alpha, inplace=True)


def hardtanh_(input, min_val=-1.0, max_val=1.0):
    """:func:`hardtanh` in place."""
    return hardtanh(input, min_val, max_val, inplace=True)
