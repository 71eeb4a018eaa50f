"""Dimensions as PyTorch reads them: negative ones count from the end, a 0-d tensor has dimension 0."""

from operator import index as _int


def integers(value):
    """``value`` as a tuple of integers: one integer of any kind (Python's, NumPy's, a tensor), or a sequence of them."""
    try:
        return (_int(value),)
    except TypeError:
        return tuple(value)


def axis_of(dim, ndim):
    """``dim`` as a non-negative axis of something with ``ndim`` dimensions.

    Raises
    ------
    IndexError
        If it is out of range, in PyTorch's words.
    TypeError
        If it is no integer.
    """
    if dim.__class__ is bool:
        raise TypeError("argument 'dim' must be int, not bool")
    try:
        dim, n = _int(dim), ndim or 1
    except TypeError:
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}") from None
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim % n


def axes_of(dim, ndim):
    """``dim`` (None or empty: all; an int; a sequence) as a tuple of different non-negative axes."""
    if dim is None:
        return tuple(range(ndim))
    dims = tuple([axis_of(d, ndim) for d in dim]) if isinstance(dim, (tuple, list)) else (axis_of(dim, ndim),)
    if len(set(dims)) != len(dims):
        twice = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return (dims or tuple(range(ndim))) if ndim else ()


def normal_dim(dim, ndim):
    """``dim`` as a NumPy ``axis`` argument: None for all dimensions, an int or a tuple otherwise."""
    if dim is None or (dim.__class__ is int and ndim):
        return dim  # NumPy checks the range
    axes = axes_of(dim, ndim)
    return axes or None
