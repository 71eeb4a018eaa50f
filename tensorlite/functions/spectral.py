"""Short-time Fourier transforms: a signal in overlapping windows, and back."""

import numpy as np

from ..engine import wrap
from ..ops import fft
from ..ops import shape as sh
from ..ops.arrange import movedim
from ..ops.elementwise import view_as_complex, view_as_real
from ..ops.padding import constant_pad, pad
from ..ops.strides import _refold, unfold
from ._common import tensor_arg


def _weights(name, window, n_fft, win_length, like):
    """The window as a tensor of ``n_fft`` weights, zeros on both sides of a shorter one."""
    if window is None:
        window = wrap(np.ones(win_length, like._data.real.dtype))
    if window._data.shape != (win_length,):
        raise RuntimeError(f"{name}: expected a 1D window tensor of size equal to win_length={win_length}, but got window with "
                           f"size {list(window._data.shape)}")  # fmt: skip
    left = (n_fft - win_length) // 2
    return constant_pad(window, widths=((left, n_fft - win_length - left),)) if win_length < n_fft else window


def _settings(name, n_fft, hop_length, win_length):
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < win <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={win}")
    return hop, win


def stft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect", normalized=False,
         onesided=None, return_complex=None, align_to_window=None):  # fmt: skip
    """The spectra of overlapping windows of a signal.

    Parameters
    ----------
    input : Tensor
        A signal ``(length,)`` or several ``(batch, length)``.
    n_fft : int
        Samples per transform.
    hop_length : int, optional
        From one window to the next; ``n_fft // 4``.
    win_length : int, optional
        The size of ``window``, ``n_fft``.
    window : Tensor, optional
        Weights, by default ones.
    center : bool, default True
        Whether windows are centred on their samples, with the signal padded by ``pad_mode``.
    normalized : bool, default False
        Divide by ``sqrt(n_fft)``.
    onesided : bool, optional
        Only the frequencies from 0 on; True for real signals.
    return_complex : bool, optional
        Must be given for real signals; False gives real and imaginary parts in a last dimension.

    Returns
    -------
    Tensor
        ``(batch, frequencies, windows)``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.stft(tl.ones(16), 8, return_complex=True).shape
    torch.Size([5, 9])
    """
    tensor_arg(input, "input", "stft")
    if align_to_window is not None:
        raise NotImplementedError("stft(align_to_window=...) is not supported")
    if input._data.dtype.kind not in "fc":
        raise RuntimeError(f"stft: expected a tensor of floating point or complex values, but got {input.dtype}")
    if input._data.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, but got {input._data.ndim}D")
    is_complex = input._data.dtype.kind == "c" or (window is not None and window._data.dtype.kind == "c")
    if return_complex is None:
        if not is_complex:
            raise RuntimeError("stft requires the return_complex parameter be given for real inputs, and will further require "
                               "that return_complex=True in a future PyTorch release.")  # fmt: skip
        return_complex = True
    hop, win = _settings("stft", n_fft, hop_length, win_length)
    x = input if input._data.ndim == 2 else sh.expand_dims(input, dim=0)
    if center:
        # constant padding has no smallest size; the other modes take a third dimension
        x = sh.reshape(pad(sh.expand_dims(x, dim=1), (n_fft // 2, n_fft // 2), pad_mode),
                       shape=(x._data.shape[0], x._data.shape[1] + 2 * (n_fft // 2)))  # fmt: skip
    if not 0 < n_fft <= x._data.shape[1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {x._data.shape[1]}, but got n_fft={n_fft}")
    frames = unfold(x, dimension=1, size=n_fft, step=hop)
    if window is not None or win < n_fft:
        frames = frames * _weights("stft", window, n_fft, win, input)
    if onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    half = not is_complex if onesided is None else onesided
    out = (fft.rfft if half else fft.fft)(frames, norm="ortho" if normalized else None)
    out = sh.swapaxes(out, dim0=1, dim1=2)
    if input._data.ndim == 1:
        out = sh.reshape(out, shape=out._data.shape[1:])
    return out if return_complex else view_as_real(out)


def istft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False, onesided=None,
          length=None, return_complex=False):  # fmt: skip
    """The signal whose :func:`stft` is ``input`` (closest to it in least squares).

    Raises
    ------
    RuntimeError
        If settings do not fit, or the windows leave a gap.
    """
    tensor_arg(input, "input", "istft")
    a = input._data
    if a.dtype.kind != "c":
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if a.ndim not in (2, 3):
        raise RuntimeError(f"istft: expected a 2D or 3D complex tensor, but got {a.ndim}D")
    if not a.size:
        raise RuntimeError("istft: input tensor cannot be empty")
    hop, win = _settings("istft", n_fft, hop_length, win_length)
    rows = a.shape[-2]
    half = onesided if onesided is not None else rows != n_fft
    if rows != (n_fft // 2 + 1 if half else n_fft):
        raise RuntimeError(f"istft: expected the frequency dimension (3rd to the last) of the input tensor to match n_fft "
                           f"{'/ 2 + 1 ' if half else ''}when onesided={half}, but got {rows}")  # fmt: skip
    if return_complex and half:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    weights = _weights("istft", window, n_fft, win, input)
    if not return_complex and weights._data.dtype.kind == "c":
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    x = input if a.ndim == 3 else sh.expand_dims(input, dim=0)
    x, norm = movedim(x, 1, 2), "ortho" if normalized else None
    count = x._data.shape[1]
    if return_complex:
        frames = fft.ifft(x, norm=norm)
    else:
        if not half:
            x = sh.narrow(x, dim=2, start=0, stop=n_fft // 2 + 1)
        frames = fft.irfft(x, n=n_fft, norm=norm)
    whole = n_fft + hop * (count - 1)
    y = _overlap(frames * weights, whole, n_fft, hop)
    squares = sh.repeat(sh.reshape(weights * weights, shape=(1, 1, n_fft)), repeats=(1, count, 1))
    envelope = _overlap(squares, whole, n_fft, hop)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else whole - n_fft // 2 if center else whole
    stop = min(end, whole)
    y, envelope = sh.narrow(y, dim=1, start=start, stop=stop), sh.narrow(envelope, dim=1, start=start, stop=stop)
    low = np.abs(envelope._data).min(initial=np.inf)
    if low <= 1e-11:
        raise RuntimeError(f"window overlap add min: {low}")
    y = y / envelope
    if end > whole:
        y = constant_pad(y, widths=((0, 0), (0, end - whole)))
    return sh.reshape(y, shape=y._data.shape[1:]) if a.ndim == 2 else y


def _overlap(frames, length, size, step):
    """Windows added up where they lie; complex ones by their parts."""
    if frames._data.dtype.kind != "c":
        return _refold(frames, shape=(frames._data.shape[0], length), dimension=1, size=size, step=step)
    parts = movedim(view_as_real(frames), -1, 0)
    sums = [_overlap(sh.select(parts, dim=0, index=i), length, size, step) for i in (0, 1)]
    return view_as_complex(sh.stack(sums, dim=2))
