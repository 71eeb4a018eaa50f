"""Complex numbers: their parts, and real views of them.

Gradients are conjugate Wirtinger derivatives, as in PyTorch
(https://docs.pytorch.org/docs/stable/notes/autograd.html#autograd-for-complex-numbers).
"""

import numpy as np

from ..engine import primitive, unwrap

ndarray = np.ndarray
_number = complex  # the builtin; ``complex`` below is the operation


def is_complex(x):
    """Whether ``x`` (array, tensor or number) is complex."""
    x = unwrap(x)
    return x.dtype.kind == "c" if hasattr(x, "dtype") else isinstance(x, _number)


@primitive
def conj(x):
    """The complex conjugate; a real ``x`` as it is."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


conj.vjp(x=lambda g: conj(g))


def _bar(x):
    """Conjugate where that means anything: gradients of real functions skip the call."""
    if x.__class__ is ndarray:
        return x.conj() if x.dtype.kind == "c" else x
    if isinstance(x, (int, float)):
        return x
    if isinstance(x, _number):
        return x.conjugate()
    return conj(x) if is_complex(x) else x


@primitive(view=True)
def real(x):
    """The real part, as a view."""
    return x.real if x.dtype.kind == "c" else x


real.vjp(x=lambda g: g)


@primitive(view=True)
def imag(x):
    """The imaginary part of a complex ``x``, as a view."""
    if x.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return x.imag


imag.vjp(x=lambda g: 1j * g)


@primitive(promote="float")
def angle(x):
    """The argument of a complex number; for a real one 0, pi, or NaN."""
    if x.dtype.kind == "c":
        return np.arctan2(x.imag, x.real)
    return np.where(np.isnan(x), x, np.where(x < 0, x.dtype.type(np.pi), x.dtype.type(0)))


def _angle_vjp(g, x):
    if not is_complex(x):
        return g * 0
    size = real(conj(x) * x)
    zero = size == 0
    return g * (1j * x / (size + zero)) * ~zero


angle.vjp(x=_angle_vjp)


def _pair(a, b, name):
    if a.dtype != b.dtype or a.dtype.kind != "f":
        raise RuntimeError(f"Expected both inputs of {name} to be Float or Double tensors of one dtype, but got "
                           f"{a.dtype} and {b.dtype}")  # fmt: skip


@primitive(broadcasts=True)
def complex(real, imag):
    """``real + 1j * imag``."""
    _pair(real, imag, "complex()")
    a, b = np.broadcast_arrays(real, imag)
    out = np.empty(a.shape, np.result_type(a.dtype, np.complex64))
    out.real, out.imag = a, b
    return out


_real, _imag = real, imag
complex.vjp(real=lambda g: _real(g), imag=lambda g: _imag(g))


@primitive(broadcasts=True)
def polar(abs, angle):
    """``abs * (cos(angle) + 1j * sin(angle))``."""
    _pair(abs, angle, "polar()")
    out = np.empty(np.broadcast_shapes(abs.shape, angle.shape), np.result_type(abs.dtype, np.complex64))
    out.real, out.imag = abs * np.cos(angle), abs * np.sin(angle)
    return out


polar.vjp(
    abs=lambda g, angle: _real(g * polar(angle * 0 + 1, -1 * angle)),
    angle=lambda g, out: _real(g * conj(1j * out)),
)


@primitive(view=True)
def view_as_real(x):
    """A complex tensor of shape ``(*)`` as a real view of shape ``(*, 2)``."""
    if x.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    parts = x.real.dtype
    if x.ndim and x.flags.c_contiguous:
        return x.view(parts).reshape(*x.shape, 2)
    return np.lib.stride_tricks.as_strided(x.real, (*x.shape, 2), (*x.strides, parts.itemsize))


view_as_real.vjp(x=lambda g: view_as_complex(g))


@primitive(view=True)
def view_as_complex(x):
    """A real tensor of shape ``(*, 2)`` as a complex one of shape ``(*)``."""
    if x.dtype not in (np.float32, np.float64):
        raise RuntimeError(f"view_as_complex is only supported for half, float and double tensors, but got {x.dtype}")
    if not x.ndim or x.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if x.strides[-1] != x.itemsize:
        x = np.ascontiguousarray(x)
    return x.view(np.result_type(x.dtype, np.complex64))[..., 0]


view_as_complex.vjp(x=lambda g: view_as_real(g))
