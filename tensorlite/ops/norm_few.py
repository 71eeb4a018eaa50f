"""Normalisation of few numbers, where calls cost more than passes: plain expressions, in double precision."""

import numpy as np

#: Numbers up to which that is faster than blocks.
FEW = 4096


def _count(x, axes):
    """How many numbers lie along ``axes``."""
    return x.shape[1] if axes == 1 else x.size // x.shape[1]


def forward(x, axes, w, b, eps, centre=True):
    """``x`` normalised over ``axes``: dimension 1, or all others.

    Returns the result, and in float64 with ``axes`` of length 1 the mean, the mean square of the rest, and 1 / its root.
    ``w`` and ``b`` broadcast to ``x``. Without ``centre`` the mean is not subtracted, and is None.
    """
    mean, n = None, _count(x, axes)
    if centre:
        mean = np.add.reduce(x, axes, np.float64, None, True) / n
        x, dtype = x - mean, x.dtype
    else:
        x, dtype = x.astype(np.float64), x.dtype
    var = np.add.reduce(x * x, axes, None, None, True) / n
    inverse = 1 / np.sqrt(var + eps)
    x *= inverse
    if w is not None:
        x *= w
    if b is not None:
        x += b
    return x.astype(dtype), mean, var, inverse


def backward(g, x, axes, w, mean, inverse, shared, needs):
    """Gradients of ``x``, ``w`` and ``b``; the latter are summed over the axes ``shared`` that they are repeated along.

    ``mean`` (or None) and ``inverse``, 1 / standard deviation, broadcast to ``x``.
    """
    x, n = (x if mean is None else x - mean) * inverse, _count(x, axes)
    d_x = d_w = d_b = None
    if needs[0]:
        d_x = g if w is None else g * w
        pull = np.add.reduce(d_x * x, axes, np.float64, None, True) / n
        rest = d_x - x * pull
        if mean is not None:
            rest -= np.add.reduce(d_x, axes, np.float64, None, True) / n
        d_x = (rest * inverse).astype(g.dtype)
    if needs[1]:
        d_w = np.add.reduce(g * x, shared, np.float64).astype(g.dtype)
    if needs[2]:
        d_b = np.add.reduce(g, shared, np.float64).astype(g.dtype)
    return d_x, d_w, d_b
