"""Where tensors live (the CPU), and what describes their memory: device, Size, layout, memory formats."""

import math

__all__ = ["Size", "check_device", "device", "get_default_device", "set_default_device"]

_TYPES = ("cpu", "cuda", "mps", "xpu", "meta", "hpu", "mtia", "privateuseone", "ipu", "xla", "vulkan")


class Size(tuple):
    """The sizes of all dimensions: a tuple that knows the number of elements."""

    __slots__ = ()

    def __new__(cls, sizes=()):
        made = tuple.__new__(cls, sizes)
        for i, n in enumerate(made):
            if n.__class__ is not int:
                try:
                    return tuple.__new__(cls, [n.__index__() for n in made])
                except AttributeError:
                    raise TypeError(
                        f"torch.Size() takes an iterable of 'int' (item {i} is '{type(n).__name__}')"
                    ) from None
        return made

    def numel(self):
        """The number of elements of a tensor of this size."""
        return math.prod(self)

    def __repr__(self):
        return f"torch.Size([{', '.join(map(repr, self))}])"

    def __getitem__(self, i):
        found = tuple.__getitem__(self, i)
        return Size(found) if isinstance(i, slice) else found

    def __add__(self, other):
        return Size(tuple.__add__(self, tuple(other)))

    def __mul__(self, n):
        return Size(tuple.__mul__(self, n))

    __rmul__ = __mul__


class device:
    """A place for tensors. Only ``cpu`` can be used; the others can be named, as PyTorch's scripts do.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.device("cpu")
    device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type="cpu", index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, colon, number = type.partition(":")
        if name not in _TYPES:
            raise RuntimeError(f"Expected one of {', '.join(_TYPES)} device type at start of device string: {type}")
        if colon:
            if not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}'")
            index = int(number)
        self.type = name
        self.index = index

    def __repr__(self):
        return (
            f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"
        )

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other):
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __reduce__(self):
        return (device, (self.type, self.index))

    def __enter__(self):
        check_device(self)
        return self

    def __exit__(self, *exc):
        return None


CPU = device("cpu")


class _Constant:
    """A named constant such as ``torch.strided``."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name

    def __reduce__(self):
        return (_constant, (self.name,))


def _constant(name):
    return next(c for c in _CONSTANTS if c.name == name)


class layout(_Constant):
    """How memory is laid out; only ``strided`` exists here."""

    __slots__ = ()


class memory_format(_Constant):
    """An order of dimensions in memory, for copies and new tensors (``memory_format=``)."""

    __slots__ = ()


strided = layout("torch.strided")
sparse_coo, sparse_csr, jagged = layout("torch.sparse_coo"), layout("torch.sparse_csr"), layout("torch.jagged")
contiguous_format = memory_format("torch.contiguous_format")
preserve_format = memory_format("torch.preserve_format")
channels_last = memory_format("torch.channels_last")
channels_last_3d = memory_format("torch.channels_last_3d")
_CONSTANTS = [
    strided,
    sparse_coo,
    sparse_csr,
    jagged,
    contiguous_format,
    preserve_format,
    channels_last,
    channels_last_3d,
]


def check_device(d):
    """Raise for a device that cannot be used here."""
    if d is None:
        return
    d = d if isinstance(d, device) else device(d)
    if d.type != "cpu":
        text = (
            f"tensorlite computes on the CPU; the device {str(d)!r} is not available. Use device='cpu', or choose with "
            "'cuda' if torch.cuda.is_available() else 'cpu'."
        )
        if d.type in ("cuda", "xpu"):  # as a build of PyTorch for the CPU
            raise AssertionError(f"Torch not compiled with {d.type.upper()} enabled: {text}")
        raise RuntimeError(text)


_default = CPU


def set_default_device(device):
    """Where new tensors go: only the CPU is possible."""
    check_device(device)


def get_default_device():
    """Where new tensors go: ``device(type='cpu')``."""
    return _default
