"""Data types and PyTorch's promotion rules.

https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
"""

from __future__ import annotations

import numpy as np

__all__ = ["ShapeError", "dtype", "finfo", "get_default_dtype", "iinfo", "of", "promote_types", "result_type",
           "set_default_dtype"]  # fmt: skip


class ShapeError(RuntimeError, ValueError):
    """Shapes that do not fit together; a RuntimeError to PyTorch's users, a ValueError to NumPy's."""


_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}  # bool < integer < float < complex


class dtype:
    """A data type such as ``tensorlite.float32``.

    Attributes
    ----------
    numpy : numpy.dtype
    is_floating_point, is_complex, is_signed : bool
    itemsize : int

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.zeros(2).dtype, tl.float32.itemsize
    (torch.float32, 4)
    """

    __slots__ = ("_title", "name", "numpy")

    def __init__(self, name, title):
        self.name = name
        self.numpy = np.dtype(name)
        self._title = title

    is_floating_point = property(lambda self: self.numpy.kind == "f")
    is_complex = property(lambda self: self.numpy.kind == "c")
    is_signed = property(lambda self: self.numpy.kind in "ifc")
    itemsize = property(lambda self: self.numpy.itemsize)

    @property
    def title(self):
        """The name in messages: ``Float``, ``Long``."""
        return self._title

    @property
    def typename(self):
        """The old type string: ``torch.FloatTensor``."""
        return f"torch.{self._title}Tensor"

    def to_real(self):
        """The real type of a complex type's parts."""
        return of(np.zeros((), self.numpy).real.dtype)

    def to_complex(self):
        """The complex type with parts of this type."""
        return of(np.result_type(self.numpy, np.complex64))

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return (_by_name, (self.name,))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


def _by_name(name):
    return _NAMED[name]


_NAMED = {
    n: dtype(n, t)
    for n, t in [
        ("bool", "Bool"), ("uint8", "Byte"), ("int8", "Char"), ("int16", "Short"), ("int32", "Int"), ("int64", "Long"),
        ("float16", "Half"), ("float32", "Float"), ("float64", "Double"), ("complex64", "ComplexFloat"),
        ("complex128", "ComplexDouble"), ("uint16", "UInt16"), ("uint32", "UInt32"), ("uint64", "UInt64"),
    ]
}  # fmt: skip
_OF = {d.numpy: d for d in _NAMED.values()}
bool_, uint8, int8, int16, int32, int64 = (_NAMED[n] for n in ("bool", "uint8", "int8", "int16", "int32", "int64"))
float16, float32, float64, complex64, complex128 = (
    _NAMED[n] for n in ("float16", "float32", "float64", "complex64", "complex128")
)
uint16, uint32, uint64 = (_NAMED[n] for n in ("uint16", "uint32", "uint64"))


def of(d) -> dtype:
    """The :class:`dtype` for a NumPy dtype, a name, a Python type or a :class:`dtype`."""
    if isinstance(d, dtype):
        return d
    if d.__class__ is _Missing:
        raise TypeError(f"NumPy has no {d.name}: tensors have no such dtype; use float16 or float32")
    found = _OF.get(np.dtype(d))
    if found is None:
        raise TypeError(f"tensors have no dtype {d}; supported are {', '.join(_NAMED)}")
    return found


def to_numpy(d):
    """The NumPy dtype for anything that names a dtype."""
    return d.numpy if isinstance(d, dtype) else of(d).numpy


def of_type(kind):
    """The :class:`dtype` for a dtype, an old constructor (``FloatTensor``) or its name (``'torch.FloatTensor'``)."""
    if isinstance(kind, str):
        found = next((d for d in _NAMED.values() if d.typename == kind), None)
        if found is None:
            raise ValueError(f"invalid type: '{kind}'")
        return found
    return of(getattr(kind, "tensor_dtype", kind))


class _Missing:
    """A dtype that NumPy has not: it can be named and compared, and raises where it would be used."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"torch.{self.name}"

    is_floating_point = True
    is_complex = False


bfloat16 = _Missing("bfloat16")

_default = _NAMED["float32"]


def get_default_dtype() -> dtype:
    """The dtype that Python floats become (float32 unless changed)."""
    return _default


def set_default_dtype(d) -> None:
    """Change the dtype that Python floats become.

    Raises
    ------
    TypeError
        For a dtype that is not floating point.
    """
    global _default
    d = of(d)
    if not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, not {d}")
    _default = d


class finfo:
    """Limits of a floating-point dtype: ``bits, eps, max, min, tiny, smallest_normal, resolution``."""

    def __init__(self, type=None):
        d = _default if type is None else of(type)
        if not (d.is_floating_point or d.is_complex):
            raise TypeError(f"finfo() needs a floating-point dtype, not {d}; use iinfo()")
        info = np.finfo(d.numpy)
        self.dtype = d.name if d.is_floating_point else d.to_real().name
        self.bits = info.bits
        for field in ("eps", "max", "min", "tiny", "smallest_normal"):
            setattr(self, field, float(getattr(info, field)))
        self.resolution = 10.0**-info.precision

    def __repr__(self):
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer dtype: ``bits, min, max``."""

    def __init__(self, type):
        d = of(type)
        if d.numpy.kind not in "iu":
            raise TypeError(f"iinfo() needs an integer dtype, not {d}; use finfo()")
        info = np.iinfo(d.numpy)
        self.dtype, self.bits, self.min, self.max = d.name, info.bits, int(info.min), int(info.max)

    def __repr__(self):
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


# --------------------------------------------------------------------------------------------------
# Promotion
# --------------------------------------------------------------------------------------------------

_cache: dict = {}


def _pair(a: np.dtype, b: np.dtype) -> np.dtype:
    """The dtype of a result of two tensors with dimensions."""
    if a == b:
        return a
    found = _cache.get((a, b))
    if found is None:
        ra, rb = _RANK[a.kind], _RANK[b.kind]
        if ra == rb:
            found = np.promote_types(a, b)
        elif {ra, rb} == {2, 3}:
            found = np.promote_types(a, b)  # float64 with complex64 is complex128
        else:
            found = a if ra > rb else b  # an integer never widens a float
        _cache[a, b] = found
    return found


def promote_types(type1, type2) -> dtype:
    """The smallest dtype that both can be promoted to, as PyTorch's ``promote_types``."""
    return of(_pair(of(type1).numpy, of(type2).numpy))


def _scalar_type(value):
    if isinstance(value, (bool, np.bool_)):
        return np.dtype(bool)
    if isinstance(value, (int, np.integer)):
        return np.dtype(np.int64)
    if isinstance(value, (float, np.floating)):
        return _default.numpy
    if isinstance(value, (complex, np.complexfloating)):
        return np.result_type(_default.numpy, np.complex64)
    return None


def result_dtype(values) -> np.dtype:
    """The NumPy dtype of a result: tensors with dimensions, then zero-dimensional ones, then numbers."""
    found: list[np.dtype | None] = [None, None, None]
    raw = own = False
    for v in values:
        if v is None:
            continue
        a = getattr(v, "_data", v)  # a tensor's array
        if isinstance(a, np.ndarray):
            level, d = (0 if a.ndim else 1), a.dtype
            raw, own = raw or a is v, own or a is not v
        else:
            level, d = 2, _scalar_type(a)
            if d is None:
                raise TypeError(
                    f"unsupported operand type(s): cannot compute with a {type(v).__name__}; expected a tensor, an array or a "
                    "number"
                )
        old = found[level]
        found[level] = d if old is None else _pair(old, d)
    if raw and own and found[0] is not None:  # PyTorch leaves an operation with an array of NumPy's to NumPy
        found[0] = np.result_type(*[a.dtype for a in (getattr(v, "_data", v) for v in values) if getattr(a, "ndim", 0)])
    result: np.dtype | None = None
    for d in found:
        if d is None:
            continue
        if result is None:
            result = d
        elif _RANK[d.kind] > _RANK[result.kind]:
            # a weaker operand only lends its kind: float over int; complex keeps the precision of a float
            result = np.result_type(result, np.complex64) if d.kind == "c" and result.kind == "f" else d
    assert result is not None  # there was at least one value
    return result


def result_type(*values) -> dtype:
    """The dtype of an operation on ``values`` (tensors and numbers).

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.result_type(tl.tensor([1, 2]), 1.5)
    torch.float32
    """
    return of(result_dtype(values))


def plain_float(*raw):
    """Whether the arguments are one float array and Python numbers: NumPy treats those as PyTorch does."""
    kind = None
    for r in raw:
        if r.__class__ is np.ndarray:
            if kind is not None and r.dtype is not kind:
                return False
            kind = r.dtype
        elif not (r.__class__ is float or r.__class__ is int or r is None):
            return False
    return kind is not None and kind.kind in "fc"


def can_cast(source: np.dtype, target: np.dtype) -> bool:
    """Whether an in-place result of dtype ``source`` may be written into ``target`` (PyTorch's rule)."""
    return _RANK[source.kind] <= _RANK[target.kind] or (source.kind in "iu" and target.kind in "iu")


_C_NAMES = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t", "float16": "c10::Half",
            "float32": "float", "float64": "double"}  # fmt: skip
_limits: dict = {}


def number(value, d: np.dtype, name=None):
    """The number ``value`` (Python's or NumPy's) as one that ``d`` holds; anything else as it is.

    Integers lose their fraction, unsigned ones wrap negative numbers around.

    Raises
    ------
    RuntimeError
        If ``d`` cannot hold it; the message calls ``d`` by its ``name``, or as C++ does.
    """
    kind = d.kind
    if value.__class__ is float and kind == "f" and -6e4 < value < 6e4:  # the usual case
        return value
    if not isinstance(value, (bool, int, float, complex, np.number, np.bool_)):
        return value
    if kind == "b":
        return bool(value)
    fits = True
    if isinstance(value, (complex, np.complexfloating)):
        if kind == "c":
            return value
        value, fits = value.real, value.imag == 0
    if kind in "iuf":
        low, high = _limits.get(d) or _limits.setdefault(d, _range(d))
        if kind == "f":
            fits = fits and (abs(value) <= high or value != value or abs(value) == float("inf"))
        elif isinstance(value, (float, np.floating)):
            fits = fits and low <= value <= high
            value = int(value) if fits else 0
        else:
            fits = fits and (low or -high) <= value <= high
            value = int(value) & high if kind == "u" else int(value)
    if not fits:
        raise RuntimeError(f"value cannot be converted to type {name or _C_NAMES.get(d.name, d.name)} without overflow")
    return value


def _range(d):
    info = np.finfo(d) if d.kind == "f" else np.iinfo(d)
    return (float(info.min), float(info.max)) if d.kind == "f" else (int(info.min), int(info.max))
