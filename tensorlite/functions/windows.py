"""Windows of signals under their older names; :mod:`tensorlite.signal.windows` computes them."""

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(name, window_length, periodic, like=None, **options):
    """The window ``name``, computed as ``like``."""
    from ..signal import windows  # loaded by those who use it

    if not hasattr(window_length, "__index__"):
        raise TypeError(
            f"{name}_window(): argument 'window_length' (position 1) must be int, not {type(window_length).__name__}"
        )
    if window_length < 0:
        raise RuntimeError(f"{name}_window requires non-negative window_length, got window_length={window_length}")
    return getattr(windows, like or name)(int(window_length), sym=not periodic, **options)


def hann_window(window_length, periodic=True, *, dtype=None, layout=None, device=None, requires_grad=False):
    """Hann's window of a signal.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window("hann", window_length, periodic, dtype=dtype, layout=layout, device=device,
                   requires_grad=requires_grad)  # fmt: skip


def bartlett_window(window_length, periodic=True, *, dtype=None, layout=None, device=None, requires_grad=False):
    """Bartlett's window of a signal: a triangle."""
    return _window("bartlett", window_length, periodic, dtype=dtype, layout=layout, device=device,
                   requires_grad=requires_grad)  # fmt: skip


def kaiser_window(
    window_length, periodic=True, beta=12.0, *, dtype=None, layout=None, device=None, requires_grad=False
):
    """Kaiser's window of a signal."""
    return _window("kaiser", window_length, periodic, beta=beta, dtype=dtype, layout=layout, device=device,
                   requires_grad=requires_grad)  # fmt: skip


def hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None, layout=None, device=None,
                   requires_grad=False):  # fmt: skip
    """Hamming's window of a signal."""
    return _window("hamming", window_length, periodic, "general_cosine", a=(alpha, beta), dtype=dtype, layout=layout,
                   device=device, requires_grad=requires_grad)  # fmt: skip


def blackman_window(window_length, periodic=True, *, dtype=None, layout=None, device=None, requires_grad=False):
    """Blackman's window of a signal."""
    return _window("blackman", window_length, periodic, dtype=dtype, layout=layout, device=device,
                   requires_grad=requires_grad)  # fmt: skip
