"""``torch.cuda`` where there is no GPU: the questions scripts ask get their answers, uses raise."""

from . import amp

__all__ = [
    "amp", "current_device", "device_count", "empty_cache", "get_device_name", "is_available", "is_bf16_supported",
    "is_initialized", "manual_seed", "manual_seed_all", "max_memory_allocated", "memory_allocated", "memory_reserved",
    "reset_peak_memory_stats", "seed_all", "set_device", "synchronize",
]  # fmt: skip


def is_available():
    """Whether a GPU can be used: False.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.device("cuda" if tl.cuda.is_available() else "cpu")
    device(type='cpu')
    """
    return False


is_initialized = is_available


def is_bf16_supported(including_emulation=True):
    """Whether a GPU computes in bfloat16: False."""
    return False


def device_count():
    """The number of GPUs: 0."""
    return 0


def manual_seed(seed):
    """Seed the GPUs' generators, of which there are none; the CPU's is :func:`tensorlite.manual_seed`."""
    int(seed)


manual_seed_all = manual_seed


def seed_all():
    """Seed the GPUs' generators, of which there are none."""


def empty_cache():
    """Release the GPUs' unused memory, of which there is none."""


def memory_allocated(device=None):
    """Bytes in use on a GPU: 0."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def reset_peak_memory_stats(device=None):
    """Forget the largest memory use on a GPU; there is none."""


def _absent(name):
    def function(*args, **kwargs):
        raise AssertionError(f"torch.cuda.{name}: tensorlite computes on the CPU, there is no CUDA device")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Raises AssertionError, as PyTorch does without CUDA."
    return function


current_device, set_device, synchronize = _absent("current_device"), _absent("set_device"), _absent("synchronize")
get_device_name, get_device_properties = _absent("get_device_name"), _absent("get_device_properties")
get_device_capability, mem_get_info = _absent("get_device_capability"), _absent("mem_get_info")
Event, Stream, current_stream = _absent("Event"), _absent("Stream"), _absent("current_stream")
FloatTensor, LongTensor, ByteTensor = _absent("FloatTensor"), _absent("LongTensor"), _absent("ByteTensor")
DoubleTensor, IntTensor, HalfTensor = _absent("DoubleTensor"), _absent("IntTensor"), _absent("HalfTensor")
