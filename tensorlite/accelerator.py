"""``torch.accelerator``: which accelerator there is (none)."""

__all__ = ["current_accelerator", "device_count", "is_available", "set_device_index", "synchronize"]


def is_available():
    """Whether there is an accelerator: False."""
    return False


def current_accelerator(check_available=False):
    """The device of the accelerator: None.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.accelerator.current_accelerator().type if tl.accelerator.is_available() else "cpu"
    'cpu'
    """
    return None


def device_count():
    """The number of accelerators: 0."""
    return 0


def set_device_index(device):
    """Raises: there is no accelerator."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


def synchronize(device=None):
    """Raises: there is no accelerator."""
    raise RuntimeError("Cannot access accelerator device when none is available.")
