"""Memory shared with other libraries without a copy: the door ``torch.utils.dlpack``."""

from ..creation import from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


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
