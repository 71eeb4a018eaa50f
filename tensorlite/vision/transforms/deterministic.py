"""Transforms that always do the same."""

from __future__ import annotations

from ... import dtypes
from . import functional as F
from .interpolation import InterpolationMode

__all__ = [
    "CenterCrop", "Compose", "ConvertImageDtype", "Grayscale", "Lambda", "Normalize", "PILToTensor", "Pad", "Resize",
    "ToPILImage", "ToTensor", "on_batch", "takes_array",
]  # fmt: skip


class Compose:
    """Several transforms, one after the other.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.vision import transforms
    >>> f = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    >>> f(np.array([[0, 255]], np.uint8))
    tensor([[[-1.,  1.]]])
    """

    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for t in self.transforms:
            img = t(img)
        return img

    def __repr__(self):
        return "\n".join([f"{type(self).__name__}(", *[f"    {t}" for t in self.transforms], ")"])


class Transform:
    """A transform that shows its settings."""

    shows: tuple[str, ...] = ()

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self.shows)})"


class ToTensor(Transform):
    """A Pillow image or an array (H, W[, C]) to a tensor (C, H, W); bytes to floats in [0, 1]."""

    def __call__(self, pic):
        return F.to_tensor(pic)


class PILToTensor(Transform):
    """A Pillow image to a tensor (C, H, W) with its own values."""

    def __call__(self, pic):
        return F.pil_to_tensor(pic)


class ToPILImage(Transform):
    """A tensor (C, H, W) or an array (H, W, C) to a Pillow image."""

    def __init__(self, mode=None):
        self.mode = mode

    def __call__(self, pic):
        return F.to_pil_image(pic, self.mode)


class ConvertImageDtype(Transform):
    """Another dtype, values scaled to its range."""

    def __init__(self, dtype):
        self.dtype = dtypes.of(dtype)

    def __call__(self, image):
        return F.convert_image_dtype(image, self.dtype)


class Normalize(Transform):
    """``(x - mean) / std`` per channel."""

    shows = ("mean", "std")

    def __init__(self, mean, std, inplace=False):
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, tensor):
        return F.normalize(tensor, self.mean, self.std, self.inplace)


class Lambda(Transform):
    """Any function.

    Raises
    ------
    TypeError
        If it is not callable.
    """

    def __init__(self, lambd):
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)


def pair(size, message):
    """``size`` as (height, width)."""
    if isinstance(size, int):
        return size, size
    size = tuple(size)
    if len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError(message)
    return size


class Resize(Transform):
    """Another size; an int is the length of the shorter edge."""

    shows = ("size", "interpolation", "max_size", "antialias")

    def __init__(self, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
        if not isinstance(size, (int, list, tuple)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if not isinstance(size, int) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = InterpolationMode.of(interpolation)

    def __call__(self, img):
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)


class CenterCrop(Transform):
    """The middle of an image."""

    shows = ("size",)

    def __init__(self, size):
        self.size = pair(size, "Please provide only two dimensions (h, w) for size.")

    def __call__(self, img):
        return F.center_crop(img, self.size)


class Pad(Transform):
    """A border."""

    shows = ("padding", "fill", "padding_mode")

    def __init__(self, padding, fill=0, padding_mode="constant"):
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def __call__(self, img):
        return F.pad(img, self.padding, self.fill, self.padding_mode)


class Grayscale(Transform):
    """One grey channel, or three equal ones."""

    shows = ("num_output_channels",)

    def __init__(self, num_output_channels=1):
        self.num_output_channels = num_output_channels

    def __call__(self, img):
        return F.rgb_to_grayscale(img, self.num_output_channels)


# -- transforms on arrays and on batches -----------------------------------------------------------


def _steps(transform):
    if type(transform) is Compose:
        return [step for t in transform.transforms for step in _steps(t)]
    return [transform]


def takes_array(transform):
    """Whether ``transform`` starts by making a tensor, so that it need not be handed a Pillow image."""
    steps = _steps(transform)
    return bool(steps) and type(steps[0]) in (ToTensor, PILToTensor)


def on_batch(transform, images):
    """``transform`` of all ``images()`` (uint8, (n, H, W[, C])) at once, where it works value by value; else None."""
    steps = _steps(transform)
    if not steps or type(steps[0]) is not ToTensor:
        return None
    if any(type(s) not in (Normalize, ConvertImageDtype) or getattr(s, "inplace", False) for s in steps[1:]):
        return None
    batch = F.batch_to_tensor(images())
    for step in steps[1:]:
        batch = step(batch)
    return batch
