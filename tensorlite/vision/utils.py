"""Pictures of tensors: ``make_grid`` and ``save_image``."""

import math
import os
import struct
import zlib

import numpy as np

from ..engine import TensorBase, wrap

__all__ = ["make_grid", "save_image", "write_png"]


def make_grid(tensor, nrow=8, padding=2, normalize=False, value_range=None, scale_each=False, pad_value=0.0):
    """Images side by side in one image.

    Parameters
    ----------
    tensor : Tensor (n, C, H, W), or a list of images of one size
    nrow : int, default 8
        Images in a row.
    padding : int, default 2
        The width of the border around each.
    normalize : bool, default False
        Shift and scale values to [0, 1].
    value_range : (low, high), optional
        What becomes 0 and 1, by default the least and the largest value.
    scale_each : bool, default False
        Take that range of each image, not of all.
    pad_value : float, default 0
        The border.

    Returns
    -------
    Tensor (C, rows, columns)

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.vision.utils import make_grid
    >>> make_grid(tl.zeros(10, 1, 28, 28), nrow=5).shape
    torch.Size([3, 62, 152])
    """
    if not isinstance(tensor, TensorBase):
        if not (isinstance(tensor, (list, tuple)) and all(isinstance(t, TensorBase) for t in tensor)):
            kind = type(tensor) if not isinstance(tensor, (list, tuple)) else "a list with other things"
            raise TypeError(f"tensor or list of tensors expected, got {kind}")
        a = np.stack([t._data for t in tensor])
    else:
        a = tensor._data
    if a.ndim == 2:
        a = a[None]
    if a.ndim == 3:
        a = np.repeat(a, 3, axis=0)[None] if a.shape[0] == 1 else a[None]
    if a.ndim == 4 and a.shape[1] == 1:
        a = np.repeat(a, 3, axis=1)
    if normalize:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
        if scale_each:
            a = np.stack([_scaled(image, value_range) for image in a])
        else:
            a = _scaled(a, value_range)
    if a.shape[0] == 1:
        return wrap(np.array(a[0]))
    n, c, h, w = a.shape
    columns = min(nrow, n)
    rows = math.ceil(n / columns)
    h, w = h + padding, w + padding
    grid = np.full((c, h * rows + padding, w * columns + padding), pad_value, a.dtype)
    for k, image in enumerate(a):
        y, x = divmod(k, columns)
        grid[:, y * h + padding : (y + 1) * h, x * w + padding : (x + 1) * w] = image
    return wrap(grid)


def _scaled(a, value_range):
    low, high = (a.min(), a.max()) if value_range is None else value_range
    d = a.dtype.type
    return (np.clip(a, low, high) - d(low)) / d(max(high - low, 1e-5))


def write_png(path, array):
    """Write a uint8 array (H, W), (H, W, 3) or (H, W, 4) as a PNG file (or into a file object).

    The format: https://www.w3.org/TR/png/
    """
    h, w = array.shape[:2]
    colour = {2: 0, 3: 2, 4: 6}[array.ndim if array.ndim == 2 else array.shape[2]]
    rows = np.zeros((h, 1 + array[0].size), np.uint8)  # each row starts with its filter: none
    rows[:, 1:] = array.reshape(h, -1)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", w, h, 8, colour, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes()))
        + chunk(b"IEND", b"")
    )
    if hasattr(path, "write"):
        path.write(data)
        return
    part = f"{os.fspath(path)}.part"
    try:
        with open(part, "wb") as file:
            file.write(data)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def save_image(tensor, fp, format=None, **kwargs):
    """Save an image, or a grid of images, to a file. PNG needs nothing else; other formats need Pillow.

    Parameters
    ----------
    tensor : Tensor or list of Tensor
        With values in [0, 1].
    fp : path or file object
    format : str, optional
        By default what the name ends in; PNG for file objects.
    **kwargs
        Of :func:`make_grid`.
    """
    grid = make_grid(tensor, **kwargs)._data
    array = np.clip(grid * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    name = "" if hasattr(fp, "write") else os.path.splitext(os.fspath(fp))[1].lstrip(".")
    kind = (format or name or "png").lower()
    if kind == "png":
        write_png(fp, array)
        return
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(f'writing {kind} needs Pillow: pip install "tensorlite[io]" (png needs nothing)') from None
    Image.fromarray(array).save(fp, format=format)
