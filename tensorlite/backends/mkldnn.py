"""``torch.backends.mkldnn``: not there."""


def is_available():
    """Whether mkldnn can be used: False."""
    return False
