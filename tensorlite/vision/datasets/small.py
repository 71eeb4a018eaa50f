"""Small data sets that need no download: points in the plane, and what scikit-learn brings along.

Each function returns two tensors, ``x`` (float32) and ``y``.
"""

import math

import numpy as np

from ... import rng
from ...engine import wrap

__all__ = ["blobs", "circles", "digits", "moons", "spirals", "table"]


def _points(parts, noise, g, shuffle=True):
    x = np.concatenate(parts)
    y = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    if noise:
        x = x + noise * g.normal(x.size, np.float64).reshape(x.shape)
    order = g.permutation(len(x)) if shuffle else slice(None)
    return wrap(x[order].astype(np.float32)), wrap(y[order])


def _shares(n, classes):
    if n < classes:
        raise ValueError(f"{classes} classes need at least as many points, not {n}")
    return [n // classes + (i < n % classes) for i in range(classes)]


def moons(n=200, noise=0.1, seed=0):
    """Two half circles that reach into each other.

    Parameters
    ----------
    n : int, default 200
        The number of points.
    noise : float, default 0.1
        The standard deviation of what is added to each coordinate.
    seed : int, default 0

    Returns
    -------
    x : Tensor of float32 (n, 2)
    y : Tensor of int64 (n,)

    Examples
    --------
    >>> from tensorlite.vision import datasets
    >>> x, y = datasets.moons(100)
    >>> x.shape, y.sum()
    (torch.Size([100, 2]), tensor(50))
    """
    a, b = (np.linspace(0, math.pi, k) for k in _shares(n, 2))
    upper = np.stack([np.cos(a), np.sin(a)], 1)
    lower = np.stack([1 - np.cos(b), 0.5 - np.sin(b)], 1)
    return _points([upper, lower], noise, rng.Generator().manual_seed(seed))


def circles(n=200, noise=0.05, factor=0.5, seed=0):
    """A circle inside another one, ``factor`` times as large."""
    a, b = (np.linspace(0, 2 * math.pi, k, endpoint=False) for k in _shares(n, 2))
    outer = np.stack([np.cos(a), np.sin(a)], 1)
    inner = factor * np.stack([np.cos(b), np.sin(b)], 1)
    return _points([outer, inner], noise, rng.Generator().manual_seed(seed))


def spirals(n=300, classes=3, noise=0.2, turns=0.65, seed=0):
    """Spiral arms, one per class; ``noise`` is on the angle."""
    g = rng.Generator().manual_seed(seed)
    parts = []
    for c, k in enumerate(_shares(n, classes)):
        r = np.linspace(0, 1, k)
        angle = 2 * math.pi * (c / classes + turns * r) + noise * g.normal(k, np.float64)
        parts.append(np.stack([r * np.sin(angle), r * np.cos(angle)], 1))
    return _points(parts, 0, g)


def blobs(n=300, classes=3, spread=1.0, dim=2, seed=0):
    """Normal clouds of standard deviation ``spread`` around centres drawn from [-10, 10)."""
    g = rng.Generator().manual_seed(seed)
    centres = g.uniform(classes * dim, np.float64, -10.0, 10.0).reshape(classes, dim)
    return _points([np.repeat(c[None], k, 0) for c, k in zip(centres, _shares(n, classes))], spread, g)


def _sklearn():
    try:
        import sklearn.datasets
    except ImportError:
        raise ImportError('this data set comes with scikit-learn: pip install "tensorlite[examples]"') from None
    return sklearn.datasets


def digits():
    """1,797 handwritten digits of 8 x 8 pixels, scaled to [0, 1]: ``x`` (1797, 1, 8, 8) and ``y``. Needs scikit-learn."""
    bunch = _sklearn().load_digits()
    return wrap((bunch.images[:, None] / 16).astype(np.float32)), wrap(bunch.target.astype(np.int64))


def table(name):
    """A table that scikit-learn brings along.

    Parameters
    ----------
    name : {"iris", "wine", "breast_cancer", "diabetes"}

    Returns
    -------
    x : Tensor of float32 (rows, columns)
    y : Tensor
        Class numbers (int64), or float32 for the regression ``diabetes``.

    Raises
    ------
    ValueError
        For another name.
    """
    names = ("iris", "wine", "breast_cancer", "diabetes")
    if name not in names:
        raise ValueError(f"no table {name!r}; there are {', '.join(names)}")
    x, y = getattr(_sklearn(), f"load_{name}")(return_X_y=True)
    return wrap(x.astype(np.float32)), wrap(y.astype(np.float32 if name == "diabetes" else np.int64))
