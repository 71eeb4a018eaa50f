"""``torch.fft``: discrete Fourier transforms with gradients."""

import numpy as np

from . import dtypes
from .creation import _finish
from .functions._common import spelled, with_out
from .ops import fft as _ops

__all__ = ["fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift",
           "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn"]  # fmt: skip

fft, fft2, fftn = with_out(_ops.fft), with_out(_ops.fft2), with_out(_ops.fftn)
ifft, ifft2, ifftn = with_out(_ops.ifft), with_out(_ops.ifft2), with_out(_ops.ifftn)
rfft, rfft2, rfftn = with_out(_ops.rfft), with_out(_ops.rfft2), with_out(_ops.rfftn)
irfft, irfft2, irfftn = with_out(_ops.irfft), with_out(_ops.irfft2), with_out(_ops.irfftn)
hfft, hfft2, hfftn = with_out(_ops.hfft), with_out(_ops.hfft2), with_out(_ops.hfftn)
ihfft, ihfft2, ihfftn = with_out(_ops.ihfft), with_out(_ops.ihfft2), with_out(_ops.ihfftn)
fftshift, ifftshift = spelled(_ops.fftshift), spelled(_ops.ifftshift)


def _frequencies(values, dtype):
    return np.asarray(values).astype(dtypes.to_numpy(dtypes.get_default_dtype() if dtype is None else dtype))


def fftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of a transform of size ``n`` over samples ``d`` apart.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _finish(_frequencies(np.fft.fftfreq(n, d), dtype), requires_grad, device, out, layout)


def rfftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of a half spectrum: :func:`fftfreq` without the negative ones.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return _finish(_frequencies(np.fft.rfftfreq(n, d), dtype), requires_grad, device, out, layout)
