"""Windows of signals: weights that fade towards the ends. ``sym=False`` makes them periodic."""

import numpy as np

from .. import dtypes
from ..creation import _finish

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming",
           "hann", "kaiser", "nuttall"]  # fmt: skip


def _window(name, weights, M, sym, dtype, layout, device, requires_grad):
    """``weights(i, n)`` at the places ``i`` of ``n`` points, of which a periodic window leaves the last one out."""
    if M < 0:
        raise ValueError(f"Requires non-negative window length, got M={M}")
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    kind = dtypes.to_numpy(dtype)
    if kind not in (np.float32, np.float64):
        raise ValueError(f"Expected float32 or float64 dtype, got {dtype}")
    n = M if sym else M + 1
    values = weights(np.arange(n, dtype=np.float64), n)[:M] if M > 1 else np.ones(M)
    return _finish(values.astype(kind), requires_grad, device, None, layout)


def exponential(M, *, center=None, tau=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """``exp(-|i - center| / tau)``; a ``center`` may only be given with ``sym=False``."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")

    def weights(i, n):
        middle = (n - 1) / 2 if center is None else center
        return np.exp(-np.abs(i - middle) / tau)

    return _window("exponential", weights, M, sym, dtype, layout, device, requires_grad)


def cosine(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """``sin(pi (i + 0.5) / M)``."""
    return _window("cosine", lambda i, n: np.sin(np.pi * (i + 0.5) / n), M, sym, dtype, layout, device, requires_grad)


def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """``exp(-((i - center) / std)**2 / 2)``."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return _window("gaussian", lambda i, n: np.exp(-(((i - (n - 1) / 2) / std) ** 2) / 2), M, sym, dtype, layout, device,
                   requires_grad)  # fmt: skip


def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """``i0(beta * sqrt(1 - x**2)) / i0(beta)`` for x from -1 to 1."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")

    def weights(i, n):
        x = 2 * i / (n - 1) - 1
        return np.i0(beta * np.sqrt(np.maximum(1 - x * x, 0))) / np.i0(beta)

    return _window("kaiser", weights, M, sym, dtype, layout, device, requires_grad)


def general_cosine(M, *, a, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """``a[0] - a[1] cos(t) + a[2] cos(2 t) - ...`` for t from 0 to two pi."""
    try:
        factors = [float(c) for c in a]
    except TypeError:
        raise TypeError("Coefficients must be a list/tuple") from None
    if not factors:
        raise ValueError("Coefficients cannot be empty")

    def weights(i, n):
        t = 2 * np.pi * i / (n - 1)
        return np.add.reduce([(-1) ** k * c * np.cos(k * t) for k, c in enumerate(factors)])

    return _window("general_cosine", weights, M, sym, dtype, layout, device, requires_grad)


def general_hamming(M, *, alpha=0.54, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """``alpha - (1 - alpha) cos(t)``."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device,
                          requires_grad=requires_grad)  # fmt: skip


def hamming(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """``0.54 - 0.46 cos(t)``."""
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """``0.5 - 0.5 cos(t)``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.signal.windows.hann(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def blackman(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """``0.42 - 0.5 cos(t) + 0.08 cos(2 t)``."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device,
                          requires_grad=requires_grad)  # fmt: skip


def bartlett(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """A triangle: ``1 - |x|`` for x from -1 to 1."""
    return _window(
        "bartlett", lambda i, n: 1 - np.abs(2 * i / (n - 1) - 1), M, sym, dtype, layout, device, requires_grad
    )


def nuttall(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """Four cosines with Nuttall's factors."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, dtype=dtype, layout=layout,
                          device=device, requires_grad=requires_grad)  # fmt: skip
