"""Initial values: functions that fill a tensor in place, with PyTorch's numbers from the same seed.

Sources: Glorot & Bengio 2010 (``xavier_*``), He et al. 2015 (``kaiming_*``), Saxe et al. 2013
(``orthogonal_``), Martens 2010 (``sparse_``).
"""

import math
import warnings

import numpy as np

from .. import engine, rng
from ..ops import random

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal", "kaiming_normal_",
    "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal", "orthogonal_", "sparse", "sparse_",
    "trunc_normal_", "uniform", "uniform_", "xavier_normal", "xavier_normal_", "xavier_uniform", "xavier_uniform_",
    "zeros_",
]  # fmt: skip


def _write(tensor, values):
    """Put ``values`` into ``tensor`` outside the tape."""
    with engine.recording(False):
        tensor.copy_(engine.wrap(np.asarray(values, tensor._data.dtype)))
    return tensor


def _uniform(tensor, a, b, generator):
    """Uniform numbers in [a, b) for ``tensor``, as an array."""
    if a > b:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}")
    dtype = tensor._data.dtype
    if dtype.kind != "f":
        return random.uniform_(engine.wrap(np.empty(tensor._data.shape, dtype)), a, b, generator)._data
    u = (generator or rng.default_generator).uniform(tensor._data.size, dtype)
    scale, start = float(dtype.type(b) - dtype.type(a)), float(dtype.type(a))
    # one rounding at the end, as the fused multiply-add of PyTorch's kernel
    return (u.astype(np.float64) * scale + start).astype(dtype).reshape(tensor._data.shape)


def _normal(tensor, mean, std, generator):
    """Normal numbers for ``tensor``, as an array."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    if tensor._data.dtype.kind != "f":
        return random.normal_(engine.wrap(np.empty_like(tensor._data)), mean, std, generator)._data
    values = (generator or rng.default_generator).normal(tensor._data.size, tensor._data.dtype, mean, std)
    return values.reshape(tensor._data.shape)


def calculate_gain(nonlinearity, param=None):
    """The recommended gain for a nonlinearity: its output keeps the variance of its input.

    Parameters
    ----------
    nonlinearity : str
        ``linear``, ``conv1d`` and so on, ``sigmoid``, ``tanh``, ``relu``, ``leaky_relu``, ``selu``.
    param : float, optional
        The negative slope of ``leaky_relu`` (0.01).

    Returns
    -------
    float

    Examples
    --------
    >>> from tensorlite.nn import init
    >>> round(init.calculate_gain("relu"), 4)
    1.4142
    """
    linear = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
    if nonlinearity in linear or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            slope = 0.01
        elif not isinstance(param, bool) and isinstance(param, (int, float)):
            slope = param
        else:
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Fill with uniform numbers in [a, b).

    Parameters
    ----------
    tensor : Tensor
    a, b : float, default 0.0 and 1.0
    generator : Generator, optional

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.nn.init.uniform_(tl.empty(2), -1, 1)
    tensor([-0.0075,  0.5364])
    """
    return _write(tensor, _uniform(tensor, a, b, generator))


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Fill with normal numbers."""
    return _write(tensor, _normal(tensor, mean, std, generator))


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Fill with normal numbers that lie in [a, b].

    Numbers outside are drawn again; where few normals would fall inside, uniform ones are accepted with
    the probability that the density gives them.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.", stacklevel=2)  # fmt: skip

    def cdf(x):
        return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0

    one = tensor._data.dtype.type
    if cdf((b - mean) / std) - cdf((a - mean) / std) > 0.3:
        values = _normal(tensor, mean, std, generator)
        while (outside := (values < one(a)) | (values > one(b))).any():
            values = np.where(outside, _normal(tensor, mean, std, generator), values)
        return _write(tensor, values)
    mode = max(a, min(mean, b))
    log_peak = -0.5 * ((mode - mean) / std) ** 2

    def rejected(values):
        log_density = ((values - mean) / std) ** 2 * -0.5 - log_peak
        with np.errstate(divide="ignore"):
            return np.log(_uniform(tensor, 0.0, 1.0, generator)) > log_density

    values = _uniform(tensor, a, b, generator)
    pending = rejected(values)
    while pending.any():
        candidates = _uniform(tensor, a, b, generator)
        values = np.where(pending, candidates, values)
        pending &= rejected(candidates)
    return _write(tensor, values)


def constant_(tensor, val):
    """Fill with ``val``."""
    with engine.recording(False):
        return tensor.fill_(val)


def ones_(tensor):
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor):
    """Fill a matrix with the identity.

    Raises
    ------
    ValueError
        If ``tensor`` has not two dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _write(tensor, np.eye(*tensor.shape))


def dirac_(tensor, groups=1):
    """Fill a convolution's weight (3 to 5 dimensions) so that it keeps its channels, group by group."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    sizes = tuple(tensor.shape)
    if sizes[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = sizes[0] // groups
    values = np.zeros(sizes)
    for g in range(groups):
        for d in range(min(per_group, sizes[1])):
            values[(g * per_group + d, d, *[n // 2 for n in sizes[2:]])] = 1
    return _write(tensor, values)


def _calculate_fan_in_and_fan_out(tensor):
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor, mode):
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode == "fan_in" else fan_out


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Fill with uniform numbers in (-a, a), ``a = gain * sqrt(6 / (fan_in + fan_out))``."""
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    std = gain * math.sqrt(2.0 / float(fan_in + fan_out))
    a = math.sqrt(3.0) * std
    return uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Fill with normal numbers, ``std = gain * sqrt(2 / (fan_in + fan_out))``."""
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def _kaiming_std(tensor, a, mode, nonlinearity):
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill with uniform numbers in (-b, b), ``b = gain * sqrt(3 / fan)``.

    Parameters
    ----------
    tensor : Tensor
    a : float, default 0
        The negative slope of the leaky relu that follows.
    mode : 'fan_in' or 'fan_out'
        Keep the variance in the forward or in the backward pass.
    nonlinearity : str, default 'leaky_relu'
    generator : Generator, optional
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill with normal numbers, ``std = gain / sqrt(fan)``; see :func:`kaiming_uniform_`."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Fill with a (semi-)orthogonal matrix; dimensions after the first count as one."""
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    a = _normal(tensor, 0.0, 1.0, generator).reshape(rows, columns)
    q, r = np.linalg.qr(a.T if rows < columns else a)
    q = q * np.sign(np.diagonal(r))
    q = q.T if rows < columns else q
    return _write(tensor, (q * gain).reshape(tensor.shape))


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Fill a matrix with normal numbers, a fraction ``sparsity`` of each column with zeros."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    values = _normal(tensor, 0.0, std, generator)
    for column in range(columns):
        # PyTorch draws these rows from the default generator too
        values[rng.default_generator.permutation(rows)[:zeros], column] = 0
    return _write(tensor, values)


def _old(function):
    """The name that a function had before it got its underscore."""
    name = function.__name__

    @engine.titled(name[:-1], f"The old name of :func:`{name}`.")
    def deprecated(*args, **kwargs):
        warnings.warn(
            f"`nn.init.{name[:-1]}` is now deprecated in favor of `nn.init.{name}`.", FutureWarning, stacklevel=2
        )
        return function(*args, **kwargs)

    return deprecated


uniform = _old(uniform_)
normal = _old(normal_)
constant = _old(constant_)
eye = _old(eye_)
dirac = _old(dirac_)
xavier_uniform = _old(xavier_uniform_)
xavier_normal = _old(xavier_normal_)
kaiming_uniform = _old(kaiming_uniform_)
kaiming_normal = _old(kaiming_normal_)
orthogonal = _old(orthogonal_)
sparse = _old(sparse_)
