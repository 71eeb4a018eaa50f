"""``torch.nn.attention``: the choice of an attention kernel, of which there is one here."""

import enum
from contextlib import contextmanager

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.IntEnum):
    """PyTorch's names for its kernels; here every one of them means the one that exists.

    Examples
    --------
    >>> from tensorlite.nn.attention import SDPBackend
    >>> SDPBackend.MATH.name
    'MATH'
    """

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends, set_priority=False):
    """A context that changes nothing: ``scaled_dot_product_attention`` has one kernel, whatever is asked for.

    Parameters
    ----------
    backends : SDPBackend or list of SDPBackend
    set_priority : bool, default False
        The order is a preference; there is nothing to prefer.

    Raises
    ------
    AssertionError
        If ``backends`` is something else.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.nn.attention import SDPBackend, sdpa_kernel
    >>> q = tl.ones(1, 2, 4)
    >>> with sdpa_kernel(SDPBackend.MATH):
    ...     tl.nn.functional.scaled_dot_product_attention(q, q, q).shape
    torch.Size([1, 2, 4])
    """
    listed = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(listed, list) or not all(isinstance(b, SDPBackend) for b in listed):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend instances")
    yield


def __getattr__(name):
    if name in ("flex_attention", "bias", "varlen", "experimental"):
        raise NotImplementedError(
            f"tensorlite.nn.attention.{name} is not supported: score and mask functions need a compiler. Use "
            "scaled_dot_product_attention(attn_mask=...) with a mask of bools or of floats to add."
        )
    raise AttributeError(f"module 'tensorlite.nn.attention' has no attribute {name!r}")
