"""``torch.amp``: mixed precision serves GPUs; without one it is off, as in PyTorch.

Code that uses :class:`autocast` and :class:`GradScaler` runs unchanged, in full precision.
"""

import functools
import warnings

__all__ = ["GradScaler", "autocast"]


class autocast:
    """A block in which PyTorch would compute in lower precision on a GPU.

    Parameters
    ----------
    device_type : str
        'cuda' and the other accelerators: a warning, and full precision. 'cpu': only with ``enabled=False``.
    dtype : dtype, optional
    enabled : bool, default True

    Raises
    ------
    NotImplementedError
        If it is enabled for the CPU: NumPy has no fast half precision.
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if enabled and device_type == "cpu":
            raise NotImplementedError(
                "autocast(device_type='cpu') is not supported: NumPy has no fast half precision; pass enabled=False"
            )
        if enabled:
            warnings.warn(
                f"User provided device_type of '{device_type}', but {device_type.upper()} is not available. Disabling",
                UserWarning, stacklevel=3)  # fmt: skip
        self.device, self.fast_dtype = device_type, dtype

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False

    def __call__(self, function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper


class GradScaler:
    """Scales losses against underflow in half precision; without a GPU it is disabled and passes everything through.

    Examples
    --------
    >>> import tensorlite as tl
    >>> scaler = tl.amp.GradScaler(enabled=False)
    >>> scaler.scale(tl.tensor(2.0)).item(), scaler.is_enabled()
    (2.0, False)
    """

    def __init__(self, device="cuda", init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000,
                 enabled=True):  # fmt: skip
        if enabled:
            warnings.warn("GradScaler is enabled, but CUDA is not available.  Disabling.", UserWarning, stacklevel=2)

    def is_enabled(self):
        """Whether losses are scaled: False."""
        return False

    def scale(self, outputs):
        """``outputs`` as they are."""
        return outputs

    def unscale_(self, optimizer):
        """Nothing: gradients are not scaled."""

    def step(self, optimizer, *args, **kwargs):
        """``optimizer.step()``."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale=None):
        """Nothing: there is no scale."""

    def get_scale(self):
        """The factor of the loss: 1."""
        return 1.0

    def state_dict(self):
        """Empty, as of a disabled scaler."""
        return {}

    def load_state_dict(self, state_dict):
        """Nothing, as of a disabled scaler."""
