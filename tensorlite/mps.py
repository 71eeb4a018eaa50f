"""``torch.mps`` where there is no Apple GPU."""

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed"]


def is_available():
    """Whether a GPU can be used: False."""
    return False


def device_count():
    """The number of GPUs: 0."""
    return 0


def manual_seed(seed):
    """Seed the GPU's generator; there is none."""
    int(seed)


def empty_cache():
    """Release the GPU's unused memory; there is none."""
