"""What the members of a family of layers, ``Conv1d`` to ``Conv3d``, say alike is written once."""

__all__ = ["over"]

#: dims -> the spatial dimensions as letters; their ends, the last dimension first
_LETTERS = {1: "L", 2: "H, W", 3: "D, H, W"}
_SIDES = {1: "left, right", 2: "left, right, top, bottom", 3: "left, right, top, bottom, front, back"}


class _Each:
    """``{n:8}`` is one 8 per dimension: ``8, 8``."""

    def __init__(self, dims):
        self.dims = dims

    def __format__(self, number):
        return ", ".join([number] * self.dims)


def over(dims):
    """Decorator of a class for ``dims`` dimensions: its docstring goes on with what its base says of all ``_members``.

    There, words in braces stand for what differs: the ``{name}`` of the class, ``{spatial}`` letters, ``{sides}``, and
    ``{n:8}`` for a size in each dimension.
    """

    def complete(cls):
        cls.dims = dims
        if cls.__doc__:  # python -OO has none
            words = {"name": cls.__name__, "spatial": _LETTERS[dims], "sides": _SIDES[dims], "n": _Each(dims)}
            cls.__doc__ += "\n" + cls._members.format(**words)
        return cls

    return complete
