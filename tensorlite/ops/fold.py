"""``unfold`` copies every window of an image into a column; ``fold`` adds columns back: each the adjoint of the other."""

import math

import numpy as np

from ..engine import primitive
from .conv import output_size
from .pooling import _Windows


def _pairs(padding):
    return [(p, p) for p in padding]


@primitive
def unfold(x, *, kernel, stride, padding, dilation):
    """Windows of ``x`` (N, C, *spatial) as (N, C * prod(kernel), number of windows)."""
    size = output_size(x.shape[2:], kernel, stride, _pairs(padding), dilation)
    windows = _Windows(x.shape, kernel, stride, padding, dilation, size)
    n, channels = x.shape[:2]
    out = np.empty((n, channels, len(windows.taps), *size), x.dtype)
    room = windows.room(x, 0)
    for i in range(n):
        image = windows.padded(x[i : i + 1], room)[0]
        for t, tap in enumerate(windows.taps):
            out[i, :, t] = image[tap]
    return out.reshape(n, channels * len(windows.taps), math.prod(size))


@primitive
def fold(g, *, spatial, kernel, stride, padding, dilation):
    """The adjoint of :func:`unfold`: columns added up to (N, C, *spatial)."""
    size = output_size(spatial, kernel, stride, _pairs(padding), dilation)
    n, channels = g.shape[0], g.shape[1] // math.prod(kernel)
    out = np.zeros((n, channels, *spatial), g.dtype)
    windows = _Windows(out.shape, kernel, stride, padding, dilation, size)
    columns = g.reshape(n, channels, len(windows.taps), *size)
    spare = windows.room(out, 0)
    for i in range(n):
        target = out[i] if spare is None else spare[0]
        target[...] = 0
        for t, tap in enumerate(windows.taps):
            target[tap] += columns[i, :, t]
        if spare is not None:
            windows.put_back(out[i : i + 1], spare)
    return out


unfold.vjp(
    x=lambda g, x_shape, kernel, stride, padding, dilation: fold(
        g, spatial=x_shape[2:], kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )
)
fold.vjp(
    g=lambda g_out, kernel, stride, padding, dilation: unfold(
        g_out, kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )
)
unfold.primitive.grad_name, fold.primitive.grad_name = "Im2ColBackward0", "Col2ImBackward0"  # as PyTorch calls them
