"""Images at other sizes and angles, on arrays (..., H, W)."""

import enum
import math

import numpy as np

__all__ = ["InterpolationMode", "resample", "rotate"]


class InterpolationMode(enum.Enum):
    """How values between pixels are found."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"

    @property
    def pillow(self):
        """Pillow's number for it."""
        return {"nearest": 0, "nearest-exact": 0, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5, "lanczos": 1}[
            self.value
        ]

    @classmethod
    def of(cls, mode):
        """From a mode, its name, or Pillow's number."""
        if isinstance(mode, cls):
            return mode
        if isinstance(mode, int):
            return {0: cls.NEAREST, 1: cls.LANCZOS, 2: cls.BILINEAR, 3: cls.BICUBIC, 4: cls.BOX, 5: cls.HAMMING}[mode]
        return cls(mode)


def _triangle(x):
    return np.maximum(0.0, 1 - np.abs(x))


def _cubic(x, a):
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _weights(n, m, mode, antialias):
    """The matrix (m, n) that takes ``n`` values to ``m``."""
    scale = n / m
    width = max(scale, 1.0) if antialias else 1.0
    centre = (np.arange(m)[:, None] + 0.5) * scale
    if antialias:
        x = (np.arange(n) + 0.5 - centre) / width
        w = _triangle(x) if mode is InterpolationMode.BILINEAR else _cubic(x, -0.5)
        return w / w.sum(1, keepdims=True)
    w = np.zeros((m, n))
    reach = 1 if mode is InterpolationMode.BILINEAR else 2
    start = np.floor(centre[:, 0] - 0.5).astype(int)
    for offset in range(1 - reach, 1 + reach):
        x = centre[:, 0] - 0.5 - (start + offset)
        share = _triangle(x) if reach == 1 else _cubic(x, -0.75)
        np.add.at(w, (np.arange(m), np.clip(start + offset, 0, n - 1)), share)  # the edge is repeated
    return w


def resample(a, height, width, mode, antialias=True):
    """``a`` (..., H, W) at another size; weights as in Pillow and PyTorch (``align_corners=False``)."""
    h, w = a.shape[-2:]
    if mode in (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT):
        shift = 0.5 if mode is InterpolationMode.NEAREST_EXACT else 0.0
        rows = np.minimum(np.floor((np.arange(height) + shift) * (h / height)).astype(int), h - 1)
        columns = np.minimum(np.floor((np.arange(width) + shift) * (w / width)).astype(int), w - 1)
        return a[..., rows[:, None], columns]
    if mode not in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
        raise ValueError(
            f"{mode.value} is for Pillow images; tensors take nearest, nearest-exact, bilinear and bicubic"
        )
    d = a.dtype if a.dtype.kind == "f" else np.float32
    x = a.astype(d)
    x = x @ _weights(w, width, mode, antialias).T.astype(d)
    x = _weights(h, height, mode, antialias).astype(d) @ x
    if a.dtype.kind == "f":
        return x
    limits = np.iinfo(a.dtype)
    return np.clip(np.rint(x), limits.min, limits.max).astype(a.dtype)


def rotate(a, angle, mode, expand=False, center=None, fill=0):
    """``a`` (..., H, W) turned counter-clockwise by ``angle`` degrees: each result looks up where it came from."""
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(f"rotate takes nearest or bilinear, not {mode.value}")
    h, w = a.shape[-2:]
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    height, width = h, w
    if expand:
        corners = [(x * cos + y * sin, -x * sin + y * cos) for x in (-w / 2, w / 2) for y in (-h / 2, h / 2)]
        ends = [[c[i] + half for c in corners] for i, half in ((0, w / 2), (1, h / 2))]  # from 0, as Pillow counts
        width, height = (math.ceil(round(max(e), 4)) - math.floor(round(min(e), 4)) for e in ends)
    cx, cy = (0.0, 0.0) if center is None else (center[0] - w / 2, center[1] - h / 2)
    x = np.arange(width) + 0.5 - width / 2 - cx
    y = (np.arange(height) + 0.5 - height / 2 - cy)[:, None]
    from_x = cos * x - sin * y + cx + w / 2 - 0.5
    from_y = sin * x + cos * y + cy + h / 2 - 0.5
    values = np.asarray(fill, dtype=np.float64)
    values = values.reshape(-1, 1, 1) if values.ndim else values
    if mode is InterpolationMode.NEAREST:
        i, j = np.rint(from_y).astype(int), np.rint(from_x).astype(int)
        inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)
        found = a[..., np.clip(i, 0, h - 1), np.clip(j, 0, w - 1)]
        return np.where(inside, found, values.astype(a.dtype))
    total = np.zeros((*a.shape[:-2], height, width))
    cover = np.zeros((height, width))
    top, left = np.floor(from_y).astype(int), np.floor(from_x).astype(int)
    for i, share_i in ((top, top + 1 - from_y), (top + 1, from_y - top)):
        for j, share_j in ((left, left + 1 - from_x), (left + 1, from_x - left)):
            share = share_i * share_j * ((i >= 0) & (i < h) & (j >= 0) & (j < w))
            total += share * a[..., np.clip(i, 0, h - 1), np.clip(j, 0, w - 1)]
            cover += share
    total += (1 - cover) * values
    return total.astype(a.dtype) if a.dtype.kind == "f" else np.rint(total).astype(a.dtype)
