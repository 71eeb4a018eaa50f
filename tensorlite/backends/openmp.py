"""``torch.backends.openmp``: not there."""


def is_available():
    """Whether openmp can be used: False."""
    return False
