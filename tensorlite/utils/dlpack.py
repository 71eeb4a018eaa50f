"""Memory shared with other libraries without a copy: the door ``torch.utils.dlpack``."""

from .. import creation

__all__ = ["from_dlpack", "to_dlpack"]


class _Opened:
    """A capsule as an object that ``from_dlpack`` asks for it."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __dlpack__(self, **_):
        return self.capsule

    def __dlpack_device__(self):
        return (1, 0)

    data_ptr = None  # the memory of a tensor, which may be written


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor with the memory of an object with ``__dlpack__``, or of a capsule."""
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Opened(ext_tensor)
    return creation.from_dlpack(ext_tensor, device=device, copy=copy)


def to_dlpack(tensor):
    """A capsule with the memory of ``tensor``, which :func:`from_dlpack` of any library opens once.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.utils.dlpack import from_dlpack, to_dlpack
    >>> x = tl.zeros(2)
    >>> from_dlpack(to_dlpack(x)).fill_(1)
    tensor([1., 1.])
    >>> x
    tensor([1., 1.])
    """
    return tensor.__dlpack__()
