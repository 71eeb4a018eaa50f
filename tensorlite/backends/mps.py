"""``torch.backends.mps``: not there."""


def is_available():
    """Whether mps can be used: False."""
    return False


def is_built():
    """Whether kernels for Apple's GPUs were built: False."""
    return False
