"""Blocks in which PyTorch computes in lower precision; here they change nothing."""

import functools
import warnings

from .. import dtypes

__all__ = [
    "autocast", "custom_bwd", "custom_fwd", "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype",
    "is_autocast_available", "is_autocast_cache_enabled", "is_autocast_cpu_enabled", "is_autocast_enabled",
]  # fmt: skip

_DEVICES = ("cpu", "cuda", "hpu", "ipu", "maia", "mps", "mtia", "xla", "xpu")
_told = False


def is_autocast_available(device_type):
    """Whether :class:`autocast` knows the name of this device."""
    return device_type in _DEVICES


def is_autocast_enabled(device_type="cuda"):
    """Whether operations on this device are computed in lower precision now: never."""
    get_autocast_dtype(device_type)
    return False


def is_autocast_cache_enabled():
    """Whether weights are kept in lower precision inside a block: PyTorch's default, True."""
    return True


def get_autocast_dtype(device_type):
    """The dtype that PyTorch would compute in: bfloat16 on the CPU, float16 on GPUs."""
    if device_type not in _DEVICES:
        raise RuntimeError(f"Unsupported device type for autocast: {device_type!r}")
    return dtypes.float16 if device_type in ("cuda", "mps") else dtypes.bfloat16


def _older(name, now):
    warnings.warn(
        f"torch.{name}() is deprecated. Please use torch.{now} instead.",
        DeprecationWarning, stacklevel=3)  # fmt: skip


def get_autocast_gpu_dtype():
    """:func:`get_autocast_dtype` of 'cuda'."""
    _older("get_autocast_gpu_dtype", "get_autocast_dtype('cuda')")
    return dtypes.float16


def get_autocast_cpu_dtype():
    """:func:`get_autocast_dtype` of 'cpu'."""
    _older("get_autocast_cpu_dtype", "get_autocast_dtype('cpu')")
    return dtypes.bfloat16


def is_autocast_cpu_enabled():
    """:func:`is_autocast_enabled` of 'cpu': False."""
    _older("is_autocast_cpu_enabled", "is_autocast_enabled('cpu')")
    return False


class autocast:
    """A block, or a decorated function, in which PyTorch would compute in lower precision.

    Parameters
    ----------
    device_type : str
        'cpu': full precision, which is said once. 'cuda' and other accelerators: a warning that there are none.
    dtype : dtype, optional
        float16 or bfloat16 (the CPU's default); another one is refused with PyTorch's warning.
    enabled : bool, default True
    cache_enabled : bool, optional
        Has no effect.

    Raises
    ------
    ValueError, RuntimeError
        If ``device_type`` is no string, or no device that PyTorch knows.

    Examples
    --------
    >>> import tensorlite as tl
    >>> with tl.autocast("cpu", enabled=False):
    ...     (tl.ones(2) @ tl.ones(2)).dtype
    torch.float32
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        if enabled:
            self._say()

    def _say(self):
        global _told
        name = self.device.upper()
        if self.device != "cpu":
            text = f"{name} is not available or torch_xla is imported. Disabling autocast."
        elif self.fast_dtype not in (dtypes.bfloat16, dtypes.float16):
            text = (
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{name} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently."
            )
        elif not _told:
            _told = True
            text = (
                "autocast has no effect: NumPy has no fast half precision, so everything is computed in full precision"
            )
        else:
            return
        warnings.warn(text, UserWarning, stacklevel=3)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False

    def __call__(self, func):
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use autocast as "
                "a context manager? For example:\n    with torch.autocast(device_type=...):\n        output = model(input)"
            )

        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            return func(*args, **kwargs)

        return wrapper


def _decorator(function, device_type):
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    return function if function is not None else lambda f: f


def custom_fwd(fwd=None, *, device_type, cast_inputs=None):
    """A decorator of ``forward`` of a :class:`~tensorlite.autograd.Function`, which casts inside of enabled blocks: never.

    Parameters
    ----------
    fwd : callable, optional
    device_type : str
    cast_inputs : dtype, optional
        What PyTorch would cast to; a dtype of floats.
    """
    if cast_inputs is not None and not cast_inputs.is_floating_point:
        raise ValueError(f"cast_inputs must be a floating point dtype, not {cast_inputs}")
    return _decorator(fwd, device_type)


def custom_bwd(bwd=None, *, device_type):
    """A decorator of ``backward``, beside :func:`custom_fwd`."""
    return _decorator(bwd, device_type)
