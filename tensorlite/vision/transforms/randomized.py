"""Transforms that draw how to change an image, from the default generator and in torchvision's order."""

import math
import random
import warnings

import numpy as np

from ... import rng
from ...engine import wrap
from . import functional as F
from .deterministic import Compose, Transform, pair
from .interpolation import InterpolationMode

__all__ = [
    "ColorJitter", "RandomApply", "RandomChoice", "RandomCrop", "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip",
    "RandomOrder", "RandomResizedCrop", "RandomRotation", "RandomVerticalFlip",
]  # fmt: skip


def _uniform(low=0.0, high=1.0):
    return float(rng.default_generator.uniform(1, np.float32, low, high)[0])


def _integer(high):
    return int(rng.default_generator.integers(1, 0, high)[0])


class RandomHorizontalFlip(Transform):
    """Left and right exchanged, with probability ``p``."""

    shows = ("p",)
    flip = staticmethod(F.hflip)

    def __init__(self, p=0.5):
        self.p = p

    def __call__(self, img):
        return self.flip(img) if _uniform() < self.p else img


class RandomVerticalFlip(RandomHorizontalFlip):
    """Top and bottom exchanged, with probability ``p``."""

    flip = staticmethod(F.vflip)


class RandomGrayscale(RandomHorizontalFlip):
    """Grey, with probability ``p``; the number of channels stays."""

    def __init__(self, p=0.1):
        super().__init__(p)

    @staticmethod
    def flip(img):
        return F.rgb_to_grayscale(img, F.get_dimensions(img)[0])


class RandomCrop(Transform):
    """A rectangle of ``size`` somewhere in the image.

    Parameters
    ----------
    size : int or (height, width)
    padding : int or sequence, optional
        A border to add first.
    pad_if_needed : bool, default False
        Add as much border as smaller images need.
    fill, padding_mode
        Of the border, as in :func:`functional.pad`.

    Raises
    ------
    ValueError
        When called on an image that is too small.
    """

    shows = ("size", "padding")

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        self.size = pair(size, "Please provide only two dimensions (h, w) for size.")
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img, output_size):
        """A place for a rectangle of ``output_size``: (top, left, height, width)."""
        _, h, w = F.get_dimensions(img)
        th, tw = output_size
        if h < th or w < tw:
            raise ValueError(f"Required crop size {(th, tw)} is larger than input image size {(h, w)}")
        if w == tw and h == th:
            return 0, 0, h, w
        top = _integer(h - th + 1)
        return top, _integer(w - tw + 1), th, tw

    def __call__(self, img):
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, h, w = F.get_dimensions(img)
        if self.pad_if_needed and w < self.size[1]:
            img = F.pad(img, [self.size[1] - w, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and h < self.size[0]:
            img = F.pad(img, [0, self.size[0] - h], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))


class RandomResizedCrop(Transform):
    """A rectangle of random area and shape, resized to ``size``.

    Parameters
    ----------
    size : int or (height, width)
    scale : (float, float), default (0.08, 1)
        Bounds of its area, as a share of the image's.
    ratio : (float, float), default (3/4, 4/3)
        Bounds of width / height.
    interpolation, antialias
        As in :func:`functional.resize`.
    """

    shows = ("size", "scale", "ratio", "interpolation", "antialias")

    def __init__(self, size, scale=(0.08, 1.0), ratio=(3.0 / 4.0, 4.0 / 3.0), interpolation=InterpolationMode.BILINEAR,
                 antialias=True):  # fmt: skip
        self.size = pair(size, "Please provide only two dimensions (h, w) for size.")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=2)
        self.scale, self.ratio, self.antialias = scale, ratio, antialias
        self.interpolation = InterpolationMode.of(interpolation)

    @staticmethod
    def get_params(img, scale, ratio):
        """A rectangle: (top, left, height, width)."""
        _, height, width = F.get_dimensions(img)
        low, high = (float(np.log(np.float32(r))) for r in ratio)
        for _ in range(10):
            area = height * width * _uniform(*scale)
            aspect = float(np.exp(np.float32(_uniform(low, high))))
            w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < w <= width and 0 < h <= height:
                top = _integer(height - h + 1)
                return top, _integer(width - w + 1), h, w
        now = width / height
        w, h = width, height
        if now < min(ratio):
            h = round(w / min(ratio))
        elif now > max(ratio):
            w = round(h * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def __call__(self, img):
        where = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *where, self.size, self.interpolation, self.antialias)


class RandomRotation(Transform):
    """Turned by an angle of ``degrees``: (low, high), or a number for (-degrees, degrees)."""

    shows = ("degrees", "interpolation", "expand", "fill")

    def __init__(self, degrees, interpolation=InterpolationMode.NEAREST, expand=False, center=None, fill=0):
        if isinstance(degrees, (int, float)):
            if degrees < 0:
                raise ValueError("If degrees is a single number, it must be positive.")
            degrees = (-degrees, degrees)
        if len(degrees) != 2:
            raise ValueError("degrees should be a sequence of length 2.")
        self.degrees = [float(d) for d in degrees]
        self.interpolation = InterpolationMode.of(interpolation)
        self.expand, self.center, self.fill = expand, center, fill

    @staticmethod
    def get_params(degrees):
        """An angle."""
        return _uniform(*degrees)

    def __call__(self, img):
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, self.fill)


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed at random, in random order.

    Parameters
    ----------
    brightness, contrast, saturation : float or (low, high), default 0
        A number x means factors of [max(0, 1 - x), 1 + x].
    hue : float or (low, high), default 0
        A number x (up to 0.5) means [-x, x].
    """

    shows = ("brightness", "contrast", "saturation", "hue")

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        self.brightness = self._range(brightness, "brightness")
        self.contrast = self._range(contrast, "contrast")
        self.saturation = self._range(saturation, "saturation")
        self.hue = self._range(hue, "hue", 0, (-0.5, 0.5))

    @staticmethod
    def _range(value, name, centre=1, bound=(0, math.inf)):
        if isinstance(value, (int, float)):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            value = [centre - value, centre + value]
            if centre:
                value[0] = max(value[0], 0.0)
        value = [float(v) for v in value]
        if not bound[0] <= value[0] <= value[1] <= bound[1]:
            raise ValueError(f"{name} values should be between {bound}, but got {value}.")
        return None if value[0] == value[1] == centre else tuple(value)

    def __call__(self, img):
        order = rng.default_generator.permutation(4).tolist()
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        factors = [None if r is None else _uniform(*r) for r in ranges]
        adjust = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in order:
            if factors[i] is not None:
                img = adjust[i](img, factors[i])
        return img


class RandomErasing(Transform):
    """A rectangle of a tensor erased, with probability ``p``.

    Parameters
    ----------
    p : float, default 0.5
    scale, ratio : (float, float)
        Bounds of the share of the area, and of height / width.
    value : number, sequence or "random", default 0
        What to put there.
    inplace : bool
    """

    shows = ("p", "scale", "ratio", "value", "inplace")

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False):
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    def __call__(self, img):
        if _uniform() >= self.p:
            return img
        c, height, width = F.get_dimensions(img)
        low, high = (float(np.log(np.float32(r))) for r in self.ratio)
        for _ in range(10):
            area = height * width * _uniform(*self.scale)
            aspect = float(np.exp(np.float32(_uniform(low, high))))
            h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if not (h < height and w < width):
                continue
            if self.value == "random":
                value = rng.default_generator.normal(c * h * w, np.float32).reshape(c, h, w)
            else:
                value = np.asarray(self.value, np.float32).reshape(-1, 1, 1)
            top = _integer(height - h + 1)
            return F.erase(img, top, _integer(width - w + 1), h, w, wrap(value.astype(img._data.dtype)), self.inplace)
        return img


class RandomApply(Transform):
    """A list of transforms, applied with probability ``p``."""

    shows = ("p", "transforms")

    def __init__(self, transforms, p=0.5):
        self.transforms, self.p = transforms, p

    def __call__(self, img):
        return img if self.p < _uniform() else Compose(self.transforms)(img)


class RandomOrder(Compose):
    """A list of transforms in random order (drawn by Python's ``random``, as in torchvision)."""

    def __call__(self, img):
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for i in order:
            img = self.transforms[i](img)
        return img


class RandomChoice(Compose):
    """One of a list of transforms (drawn by Python's ``random``, as in torchvision), with weights ``p``."""

    def __init__(self, transforms, p=None):
        super().__init__(transforms)
        self.p = p

    def __call__(self, img):
        return random.choices(self.transforms, weights=self.p)[0](img)
