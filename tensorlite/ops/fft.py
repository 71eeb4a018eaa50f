"""Discrete Fourier transforms; each is linear, so its gradient is another one.

Every transform is one of three kinds over the last of its dimensions: complex to complex, real to
half-complex, half-complex to real. Sizes are adjusted before (by zeros or by cutting), scales follow ``norm``.
"""

import numpy as np

from .. import dtypes
from ..engine import cast, primitive, unwrap
from .axes import axis_of, integers
from .elementwise import conj, is_complex, real
from .padding import constant_pad
from .shape import narrow, roll

#: The adjoint of a transform goes the other way with the same scale, which then has another name.
_ADJOINT = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


# -- the three kinds -------------------------------------------------------------------------------


@primitive
def _c2c(x, *, dims, norm, inverse):
    """Complex to complex along ``dims``."""
    return (np.fft.ifftn if inverse else np.fft.fftn)(x, axes=dims, norm=norm)


_c2c.vjp(x=lambda g, dims, norm, inverse: _c2c(g, dims=dims, norm=_ADJOINT[norm], inverse=not inverse))


@primitive
def _r2c(x, *, dims, norm):
    """Real to complex along ``dims``; the last one keeps the half that determines the rest."""
    return np.fft.rfftn(x, axes=dims, norm=norm)


def _r2c_vjp(g, x_shape, dims, norm):
    g = _sized(g, dims[-1], x_shape[dims[-1]])
    return real(_c2c(g, dims=dims, norm=_ADJOINT[norm], inverse=True))


_r2c.vjp(x=_r2c_vjp)


@primitive
def _c2r(x, *, dims, n, norm):
    """Half-complex to real along ``dims``; the last one gets size ``n``."""
    sizes = [x.shape[d] for d in dims[:-1]] + [n]
    return np.fft.irfftn(x, s=sizes, axes=dims, norm=norm)


def _c2r_vjp(g, x_shape, dims, n, norm):
    return _r2c(g, dims=dims, norm=_ADJOINT[norm]) * _halves(x_shape, dims[-1], n, g)


_c2r.vjp(x=_c2r_vjp)


def _halves(shape, dim, n, like):
    """2 where an element of the half spectrum stands for two, else 1."""
    w = np.full(shape[dim], 2, unwrap(like).real.dtype)
    w[0] = 1
    if n % 2 == 0:
        w[-1] = 1
    return w.reshape([-1 if d == dim else 1 for d in range(len(shape))])


# -- arguments -------------------------------------------------------------------------------------


def _sized(x, dim, n):
    """``x`` with size ``n`` along ``dim``: cut, or filled with zeros."""
    size = x.shape[dim]
    if n == size:
        return x
    if n < size:
        return narrow(x, dim=dim, start=0, stop=n)
    return constant_pad(x, widths=tuple([(0, n - size) if d == dim else (0, 0) for d in range(len(x.shape))]))


def _norm(norm):
    norm = "backward" if norm is None else norm
    if norm not in _ADJOINT:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return norm


def _kind(x, to_complex):
    """``x`` as a float or complex tensor; half precision and integers as PyTorch treats them."""
    d = unwrap(x).dtype
    if d.kind not in "fc":
        d = dtypes.get_default_dtype().numpy
    if d == np.float16:
        raise RuntimeError("Unsupported dtype Half")
    if to_complex and d.kind != "c":
        d = np.result_type(d, np.complex64)
    return x if unwrap(x).dtype == d else cast(x, dtype=d)


def _need_real(name, x):
    if is_complex(x):
        raise RuntimeError(f"{name} expects a real input tensor, but got {dtypes.of(unwrap(x).dtype).title}")


def _plan(name, x, s, dim, last=None):
    """Checked dimensions and sizes; ``last`` is the size of the last dimension where none is given."""
    ndim = len(x.shape)
    dim, s = [v if v is None else integers(v) for v in (dim, s)]
    if dim is None:
        dim = tuple(range(ndim)) if s is None else tuple(range(ndim - len(s), ndim))
        if s is not None and len(s) > ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
    dims = tuple([axis_of(d, ndim) for d in dim])
    if len(set(dims)) != len(dims):
        raise RuntimeError("FFT dims must be unique")
    if s is not None and len(s) != len(dims):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    sizes = [x.shape[d] if s is None or s[i] in (-1, None) else s[i] for i, d in enumerate(dims)]
    if last is not None and dims and (s is None or s[-1] in (-1, None)):
        sizes[-1] = last(x.shape[dims[-1]])
    for n in sizes:
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return dims, sizes


def _complex(name, x, s, dim, norm, inverse):
    norm = _norm(norm)
    x = _kind(x, True)
    dims, sizes = _plan(name, x, s, dim)
    for d, n in zip(dims, sizes):
        x = _sized(x, d, n)
    return _c2c(x, dims=dims, norm=norm, inverse=inverse) if dims else x


def _forward_real(name, x, s, dim, norm):
    _need_real(name, x)
    norm = _norm(norm)
    x = _kind(x, False)
    dims, sizes = _plan(name, x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    for d, n in zip(dims, sizes):
        x = _sized(x, d, n)
    return _r2c(x, dims=dims, norm=norm)


def _to_real(name, x, s, dim, norm):
    norm = _norm(norm)
    x = _kind(x, True)
    dims, sizes = _plan(name, x, s, dim, lambda n: 2 * (n - 1))
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    for d, n in zip(dims[:-1], sizes):
        x = _sized(x, d, n)
    x = _sized(x, dims[-1], sizes[-1] // 2 + 1)
    return _c2r(x, dims=dims, n=sizes[-1], norm=norm)


# -- torch.fft -------------------------------------------------------------------------------------


def fft(input, n=None, dim=-1, norm=None):
    """The discrete Fourier transform along ``dim``.

    Parameters
    ----------
    input : Tensor
    n : int, optional
        The size of the transform: ``input`` is cut or filled with zeros first.
    dim : int
    norm : {'backward', 'ortho', 'forward'}
        Which direction is scaled: the inverse by ``1 / n``, both by ``1 / sqrt(n)``, or this one by ``1 / n``.

    Returns
    -------
    Tensor
        complex64 or complex128.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.fft.fft(tl.tensor([1.0, 0.0, 0.0, 0.0])).real
    tensor([1., 1., 1., 1.])
    """
    return _complex("fft", input, n, dim, norm, False)


def ifft(input, n=None, dim=-1, norm=None):
    """The inverse of :func:`fft`."""
    return _complex("ifft", input, n, dim, norm, True)


def fft2(input, s=None, dim=(-2, -1), norm=None):
    """:func:`fft` along two dimensions."""
    return _complex("fft2", input, s, dim, norm, False)


def ifft2(input, s=None, dim=(-2, -1), norm=None):
    """The inverse of :func:`fft2`."""
    return _complex("ifft2", input, s, dim, norm, True)


def fftn(input, s=None, dim=None, norm=None):
    """:func:`fft` along several dimensions, by default all."""
    return _complex("fftn", input, s, dim, norm, False)


def ifftn(input, s=None, dim=None, norm=None):
    """The inverse of :func:`fftn`."""
    return _complex("ifftn", input, s, dim, norm, True)


def rfft(input, n=None, dim=-1, norm=None):
    """:func:`fft` of a real tensor; only the first ``n // 2 + 1`` frequencies."""
    return _forward_real("rfft", input, n, dim, norm)


def irfft(input, n=None, dim=-1, norm=None):
    """The inverse of :func:`rfft`; ``n`` is the size of the result, by default even."""
    return _to_real("irfft", input, n, dim, norm)


def rfft2(input, s=None, dim=(-2, -1), norm=None):
    """:func:`rfft` along two dimensions."""
    return _forward_real("rfft2", input, s, dim, norm)


def irfft2(input, s=None, dim=(-2, -1), norm=None):
    """The inverse of :func:`rfft2`."""
    return _to_real("irfft2", input, s, dim, norm)


def rfftn(input, s=None, dim=None, norm=None):
    """:func:`rfft` along several dimensions, by default all."""
    return _forward_real("rfftn", input, s, dim, norm)


def irfftn(input, s=None, dim=None, norm=None):
    """The inverse of :func:`rfftn`."""
    return _to_real("irfftn", input, s, dim, norm)


def hfft(input, n=None, dim=-1, norm=None):
    """The transform of a Hermitian signal given by its half: a real spectrum."""
    return _to_real("hfft", conj(_kind(input, True)), n, dim, _ADJOINT[_norm(norm)])


def ihfft(input, n=None, dim=-1, norm=None):
    """The inverse of :func:`hfft`."""
    return conj(_forward_real("ihfft", input, n, dim, _ADJOINT[_norm(norm)]))


def hfft2(input, s=None, dim=(-2, -1), norm=None):
    """:func:`hfft` along two dimensions."""
    return _to_real("hfft2", conj(_kind(input, True)), s, dim, _ADJOINT[_norm(norm)])


def ihfft2(input, s=None, dim=(-2, -1), norm=None):
    """The inverse of :func:`hfft2`."""
    return conj(_forward_real("ihfft2", input, s, dim, _ADJOINT[_norm(norm)]))


def hfftn(input, s=None, dim=None, norm=None):
    """:func:`hfft` along several dimensions, by default all."""
    return _to_real("hfftn", conj(_kind(input, True)), s, dim, _ADJOINT[_norm(norm)])


def ihfftn(input, s=None, dim=None, norm=None):
    """The inverse of :func:`hfftn`."""
    return conj(_forward_real("ihfftn", input, s, dim, _ADJOINT[_norm(norm)]))


def fftshift(input, dim=None):
    """Frequencies reordered so that 0 stands in the middle."""
    return _shifted(input, dim, 1)


def ifftshift(input, dim=None):
    """The inverse of :func:`fftshift`."""
    return _shifted(input, dim, -1)


def _shifted(input, dim, sign):
    dims = tuple(range(len(input.shape))) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    sizes = [input.shape[axis_of(d, len(input.shape))] for d in dims]
    return roll(input, shifts=tuple([n // 2 if sign > 0 else -(n // 2) for n in sizes]), dims=dims)
