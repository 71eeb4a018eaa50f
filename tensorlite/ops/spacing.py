"""Places at even distances."""

import numpy as np


def evenly(start, end, steps, d):
    """From each end by whole steps of the dtype to the middle, each place rounded once, as PyTorch does."""
    if d.kind not in "f" or steps < 2:
        a = np.linspace(start, end, steps)
        return np.trunc(a).astype(d) if d.kind in "iu" else a.astype(d)
    wide = np.longdouble if d.itemsize == 8 else np.float64
    start, end = d.type(start), d.type(end)
    step, places = wide((end - start) / d.type(steps - 1)), np.arange(steps, dtype=wide)
    half = steps // 2
    places[:half] = wide(start) + step * places[:half]
    places[half:] = wide(end) - step * (steps - 1 - places[half:])
    return places.astype(d)
