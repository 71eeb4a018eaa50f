"""``torch.backends.mkl``: not there."""


def is_available():
    """Whether mkl can be used: False."""
    return False
