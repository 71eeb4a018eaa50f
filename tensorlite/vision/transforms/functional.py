"""Image operations as functions: ``torchvision.transforms.functional``.

Images are tensors (..., C, H, W), Pillow images, or NumPy arrays (H, W) and (H, W, C); an operation gives
back the kind it was given.
"""

import numbers

import numpy as np

from ... import dtypes
from ...engine import TensorBase, wrap
from .interpolation import InterpolationMode, resample
from .interpolation import rotate as rotate_planes

__all__ = [
    "adjust_brightness", "adjust_contrast", "adjust_hue", "adjust_saturation", "center_crop", "convert_image_dtype", "crop",
    "get_dimensions", "get_image_num_channels", "get_image_size", "hflip", "normalize", "pad", "pil_to_tensor",
    "resize", "resized_crop", "rgb_to_grayscale", "rotate", "to_grayscale", "to_pil_image", "to_tensor", "vflip",
]  # fmt: skip


def _pillow(what):
    try:
        import PIL.Image as image
    except ImportError:
        raise ImportError(f'{what} needs Pillow: pip install "tensorlite[io]"') from None
    return image


def is_pil(img):
    """Whether ``img`` is a Pillow image."""
    return hasattr(img, "getbands") and hasattr(img, "convert")


def _check(img):
    if not (isinstance(img, (TensorBase, np.ndarray)) or is_pil(img)):
        raise TypeError(f"img should be PIL Image, Tensor or ndarray. Got {type(img)}")


def planes(img, function):
    """Apply ``function`` to an array (..., H, W) of the image's values; the result as the kind of ``img``."""
    _check(img)
    if isinstance(img, TensorBase):
        return wrap(np.ascontiguousarray(function(img._data)))
    if isinstance(img, np.ndarray):
        if img.ndim == 2:
            return np.ascontiguousarray(function(img))
        return np.ascontiguousarray(np.moveaxis(function(np.moveaxis(img, -1, 0)), 0, -1))
    image = _pillow("this")
    result = image.fromarray(planes(np.asarray(img), function))
    return result if result.mode == img.mode else result.convert(img.mode)


def get_dimensions(img):
    """``[channels, height, width]``."""
    _check(img)
    if isinstance(img, TensorBase):
        shape = img._data.shape
        return [1 if len(shape) == 2 else shape[-3], *shape[-2:]]
    if isinstance(img, np.ndarray):
        return [1 if img.ndim == 2 else img.shape[-1], *img.shape[:2]]
    return [len(img.getbands()), img.size[1], img.size[0]]


def get_image_size(img):
    """``[width, height]``."""
    _, h, w = get_dimensions(img)
    return [w, h]


def get_image_num_channels(img):
    """The number of channels."""
    return get_dimensions(img)[0]


# -- kinds -----------------------------------------------------------------------------------------


def _channels_first(a):
    if a.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {a.ndim} dimensions.")
    return a[None] if a.ndim == 2 else a.transpose(2, 0, 1)


def batch_to_tensor(images):
    """uint8 arrays (n, H, W) or (n, H, W, C) as a float tensor (n, C, H, W) in [0, 1]."""
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    d = dtypes.get_default_dtype().numpy
    out = np.ascontiguousarray(images).astype(d)
    return wrap(np.divide(out, 255, out=out))


def to_tensor(pic):
    """A Pillow image or an array (H, W[, C]) as a tensor (C, H, W); bytes become floats in [0, 1].

    Raises
    ------
    TypeError
        For something else, such as a tensor.
    ValueError
        For an array of other than two or three dimensions.
    """
    if is_pil(pic):
        if pic.mode == "1":
            a = np.asarray(pic, np.uint8) * 255
        else:
            a = np.asarray(pic)
            if pic.mode.startswith("I;16"):
                a = a.astype(np.uint16)
    elif isinstance(pic, np.ndarray):
        a = pic
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    a = _channels_first(a)
    if a.dtype == np.uint8:
        return wrap(np.divide(a, 255, dtype=dtypes.get_default_dtype().numpy, order="C"))
    dtypes.of(a.dtype)
    return wrap(a.copy(order="C"))


def pil_to_tensor(pic):
    """A Pillow image (or a uint8 array) as a tensor (C, H, W) with its own values.

    Raises
    ------
    TypeError
        For something else.
    """
    if not (is_pil(pic) or isinstance(pic, np.ndarray)):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    return wrap(_channels_first(np.asarray(pic)).copy(order="C"))


def to_array(img):
    """A tensor (C, H, W) as a uint8 array (H, W) or (H, W, C); floats are scaled by 255 and cut off."""
    a = img._data
    a = a[None] if a.ndim == 2 else a
    if a.dtype.kind == "f":
        a = (a * 255).astype(np.int64).astype(np.uint8)
    a = a.transpose(1, 2, 0)
    return np.ascontiguousarray(a[:, :, 0] if a.shape[2] == 1 else a)


def to_pil_image(pic, mode=None):
    """A tensor (C, H, W) or an array (H, W, C) as a Pillow image.

    Raises
    ------
    TypeError, ValueError
        For something else, or with more than four channels.
    """
    image = _pillow("to_pil_image")
    if isinstance(pic, TensorBase):
        if pic._data.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic._data.ndim} dimensions.")
        if pic._data.ndim == 3 and pic._data.shape[0] > 4:
            raise ValueError(f"pic should not have > 4 channels. Got {pic._data.shape[0]} channels.")
        pic = to_array(pic)
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    if pic.ndim == 3 and pic.shape[2] == 1:
        pic = pic[:, :, 0]
    if pic.ndim == 3 and pic.shape[2] > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {pic.shape[2]} channels.")
    if pic.ndim == 3 and pic.dtype != np.uint8:
        raise TypeError(f"Input type {pic.dtype} is not supported")
    found = image.fromarray(pic)
    return found if mode is None or mode == found.mode else found.convert(mode)


def convert_image_dtype(image, dtype=None):
    """A tensor with another dtype, its values scaled to that dtype's range (floats lie in [0, 1]).

    Raises
    ------
    RuntimeError
        From a float to integers that it cannot count up to.
    """
    d = dtypes.to_numpy("float32" if dtype is None else dtype)
    a = image._data
    if a.dtype == d:
        return image
    if a.dtype.kind == "f":
        if d.kind == "f":
            return wrap(a.astype(d))
        if (a.dtype == np.float32 and d.itemsize >= 4) or (a.dtype == np.float64 and d.itemsize == 8):
            raise RuntimeError(f"The cast from {a.dtype} to {d} cannot be performed safely.")
        top = np.iinfo(d).max
        return wrap((a * (top + 1.0 - 1e-3)).astype(d))
    top = np.iinfo(a.dtype).max
    if d.kind == "f":
        return wrap(a.astype(d) / d.type(top))
    new = np.iinfo(d).max
    if top > new:
        return wrap((a // ((top + 1) // (new + 1))).astype(d))
    return wrap(a.astype(d) * ((new + 1) // (top + 1)))


def normalize(tensor, mean, std, inplace=False):
    """``(tensor - mean) / std`` per channel of a float tensor (..., C, H, W).

    Raises
    ------
    TypeError
        For other dtypes, and for images that are no tensors.
    ValueError
        For fewer than three dimensions, or a ``std`` of zero.
    """
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if tensor._data.dtype.kind != "f":
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor._data.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.shape}"
        )
    d = tensor._data.dtype
    mean, std = (np.asarray(getattr(v, "_data", v), d) for v in (mean, std))
    if (std == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    mean, std = (v.reshape(-1, 1, 1) if v.ndim == 1 else v for v in (mean, std))
    if inplace:
        return tensor.sub_(wrap(mean)).div_(wrap(std))
    if tensor._node is not None:
        return (tensor - wrap(mean)) / wrap(std)
    out = tensor._data - mean
    return wrap(np.divide(out, std, out=out) if out.shape == np.broadcast_shapes(out.shape, std.shape) else out / std)


# -- geometry --------------------------------------------------------------------------------------


def crop(img, top, left, height, width):
    """The rectangle of ``height`` x ``width`` at (``top``, ``left``); what lies outside of the image is 0."""
    _, h, w = get_dimensions(img)
    if is_pil(img):
        return img.crop((left, top, left + width, top + height))

    def cut(a):
        inside = a[..., max(top, 0) : max(min(top + height, h), 0), max(left, 0) : max(min(left + width, w), 0)]
        around = (
            (max(min(-top, height), 0), max(top + height - max(h, top), 0)),
            (max(min(-left, width), 0), max(left + width - max(w, left), 0)),
        )
        return np.pad(inside, [(0, 0)] * (a.ndim - 2) + list(around)) if any(map(any, around)) else inside

    return planes(img, cut)


def _pair(size):
    if isinstance(size, numbers.Number):
        return int(size), int(size)
    size = list(size)
    return (size[0], size[0]) if len(size) == 1 else tuple(size)


def center_crop(img, output_size):
    """The rectangle of ``output_size`` (an int or (height, width)) in the middle; smaller images get a black border."""
    th, tw = _pair(output_size)
    _, h, w = get_dimensions(img)
    if tw > w or th > h:
        img = pad(
            img, [max((tw - w) // 2, 0), max((th - h) // 2, 0), max((tw - w + 1) // 2, 0), max((th - h + 1) // 2, 0)]
        )
        _, h, w = get_dimensions(img)
        if (tw, th) == (w, h):
            return img
    return crop(img, round((h - th) / 2.0), round((w - tw) / 2.0), th, tw)


def _target(size, max_size, h, w):
    """The height and width that a ``size`` of :func:`resize` means for an image of ``h`` x ``w``."""
    if not isinstance(size, int) and len(size) == 2:
        if max_size is not None:
            raise ValueError("max_size should only be passed if size specifies the length of the smaller edge")
        return tuple(size)
    size = size if isinstance(size, int) else size[0]
    short, long = (w, h) if w <= h else (h, w)
    new_short, new_long = size, int(size * long / short)
    if max_size is not None:
        if max_size <= size:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge size = {size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if w <= h else (new_short, new_long)


def resize(img, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
    """Another size: (height, width), or an int for the shorter edge (the longer one in proportion, up to ``max_size``).

    Pillow images are resized by Pillow, others by the same filters in floating point.
    """
    _, h, w = get_dimensions(img)
    height, width = _target(size, max_size, h, w)
    mode = InterpolationMode.of(interpolation)
    if (height, width) == (h, w):
        return img
    if is_pil(img):
        return img.resize((width, height), mode.pillow)
    return planes(img, lambda a: resample(a, height, width, mode, antialias))


def resized_crop(img, top, left, height, width, size, interpolation=InterpolationMode.BILINEAR, antialias=True):
    """:func:`crop`, then :func:`resize`."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img):
    """Left and right exchanged."""
    if is_pil(img):
        return img.transpose(0)  # FLIP_LEFT_RIGHT
    return planes(img, lambda a: a[..., ::-1])


def vflip(img):
    """Top and bottom exchanged."""
    if is_pil(img):
        return img.transpose(1)  # FLIP_TOP_BOTTOM
    return planes(img, lambda a: a[..., ::-1, :])


def pad(img, padding, fill=0, padding_mode="constant"):
    """A border: ``padding`` is one width, (left and right, top and bottom), or (left, top, right, bottom).

    ``padding_mode`` is ``constant`` (of ``fill``: a number, or one per channel), ``edge``, ``reflect`` or ``symmetric``.
    """
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    p = [padding] if isinstance(padding, numbers.Number) else list(padding)
    if len(p) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(p)} element tuple")
    left, top, right, bottom = p * 4 if len(p) == 1 else p * 2 if len(p) == 2 else p

    def extend(a):
        widths = [(0, 0)] * (a.ndim - 2) + [(top, bottom), (left, right)]
        if padding_mode != "constant":
            return np.pad(a, widths, mode=padding_mode)
        if isinstance(fill, numbers.Number):
            return np.pad(a, widths, constant_values=fill)
        out = np.pad(a, widths)
        inside = np.zeros(out.shape[-2:], bool)
        inside[top : out.shape[-2] - bottom, left : out.shape[-1] - right] = True
        return np.where(inside, out, np.asarray(fill, a.dtype).reshape(-1, 1, 1))

    return planes(img, extend)


def rotate(img, angle, interpolation=InterpolationMode.NEAREST, expand=False, center=None, fill=None):
    """Turned by ``angle`` degrees, counter-clockwise, around ``center`` (x, y) (the middle).

    Parameters
    ----------
    interpolation : nearest or bilinear
    expand : bool
        Make room for the corners.
    fill : number or sequence, default 0
        What comes in from outside.
    """
    mode = InterpolationMode.of(interpolation)
    if is_pil(img):
        return img.rotate(angle, mode.pillow, expand, center, fillcolor=tuple(fill) if isinstance(fill, list) else fill)
    return planes(img, lambda a: rotate_planes(a, angle, mode, expand, center, 0 if fill is None else fill))


# -- colours ---------------------------------------------------------------------------------------


def rgb_to_grayscale(img, num_output_channels=1):
    """Luminance ``0.2989 r + 0.587 g + 0.114 b`` in one channel, or three equal ones."""
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if is_pil(img):
        grey = img.convert("L")
        return grey if num_output_channels == 1 else _pillow("this").merge("RGB", (grey,) * 3)

    if isinstance(img, np.ndarray) and img.ndim == 2:
        return img if num_output_channels == 1 else np.repeat(img[:, :, None], 3, axis=2)

    def mix(a):
        if a.ndim < 3 or a.shape[-3] not in (1, 3):
            raise TypeError(f"Input image tensor permitted channel values are 1 or 3, but found {a.shape}")
        if a.shape[-3] == 3:
            a = _luminance(a).astype(a.dtype)
        return np.repeat(a, num_output_channels, axis=-3)

    return planes(img, mix)


to_grayscale = rgb_to_grayscale


def _luminance(a):
    d = a.dtype.type if a.dtype.kind == "f" else np.float32
    r, g, b = (a[..., i : i + 1, :, :] for i in range(3))
    return d(0.2989) * r + d(0.587) * g + d(0.114) * b


def _blend(a, b, ratio):
    top = 1.0 if a.dtype.kind == "f" else np.iinfo(a.dtype).max
    d = a.dtype.type if a.dtype.kind == "f" else np.float32
    return np.clip(d(ratio) * a + d(1 - ratio) * b, 0, top).astype(a.dtype)


def _enhance(img, kind, factor):
    if factor < 0:
        raise ValueError(f"{kind.lower()} factor ({factor}) is not non-negative.")
    if is_pil(img):
        from PIL import ImageEnhance

        return getattr(ImageEnhance, kind)(img).enhance(factor)
    return None


def adjust_brightness(img, brightness_factor):
    """Brightness times ``brightness_factor``: 0 is black, 1 the image as it is."""
    done = _enhance(img, "Brightness", brightness_factor)
    return planes(img, lambda a: _blend(a, np.zeros_like(a), brightness_factor)) if done is None else done


def adjust_contrast(img, contrast_factor):
    """Contrast times ``contrast_factor``: 0 is the mean grey, 1 the image as it is."""
    done = _enhance(img, "Contrast", contrast_factor)
    if done is not None:
        return done

    def change(a):
        grey = _luminance(a) if a.ndim > 2 and a.shape[-3] == 3 else a
        grey = grey if a.dtype.kind == "f" else np.floor(grey).astype(np.float32)
        axes = tuple(range(-3, 0)) if a.ndim > 2 else (-2, -1)
        return _blend(a, grey.mean(axis=axes, keepdims=True), contrast_factor)

    return planes(img, change)


def adjust_saturation(img, saturation_factor):
    """Saturation times ``saturation_factor``: 0 is grey, 1 the image as it is."""
    done = _enhance(img, "Color", saturation_factor)
    if done is not None:
        return done
    if get_dimensions(img)[0] == 1:
        return img

    def change(a):
        grey = _luminance(a)
        return _blend(a, grey if a.dtype.kind == "f" else np.floor(grey), saturation_factor)

    return planes(img, change)


def adjust_hue(img, hue_factor):
    """Hues turned by ``hue_factor`` (in [-0.5, 0.5]) of the circle of colours."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if get_dimensions(img)[0] == 1:
        return img
    if is_pil(img):
        h, s, v = img.convert("HSV").split()
        turned = (np.asarray(h).astype(np.int16) + int(hue_factor * 255)).astype(np.uint8)
        image = _pillow("this")
        return image.merge("HSV", (image.fromarray(turned), s, v)).convert(img.mode)
    return planes(img, lambda a: _turn_hue(a, hue_factor))


def _turn_hue(a, factor):
    x = a if a.dtype.kind == "f" else a / np.float32(255)
    r, g, b = (x[..., i, :, :] for i in range(3))
    high, low = x.max(-3), x.min(-3)
    spread = high - low
    safe = np.where(spread == 0, 1, spread)
    rc, gc, bc = ((high - c) / safe for c in (r, g, b))
    h = np.where(high == r, bc - gc, np.where(high == g, 2 + rc - bc, 4 + gc - rc))
    h = (h / 6 + 1 + factor) % 1
    s = spread / np.where(high == 0, 1, high)
    i = np.floor(h * 6)
    f = h * 6 - i
    p, q, t = (np.clip(high * (1 - s * k), 0, 1) for k in (1, f, 1 - f))
    i = i.astype(int) % 6
    out = np.stack(
        [np.choose(i, c) for c in ((high, q, p, p, t, high), (t, high, high, q, p, p), (p, p, t, high, high, q))], -3
    )
    return out.astype(a.dtype) if a.dtype.kind == "f" else (out * 255.999).astype(a.dtype)


def adjust_gamma(img, gamma, gain=1):
    """``gain * value ** gamma`` of values in [0, 1]."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")

    def change(a):
        if a.dtype.kind == "f":
            return np.clip(gain * a**gamma, 0, 1)
        return (np.clip(gain * (a / np.float32(255)) ** np.float32(gamma), 0, 1) * (256 - 1e-3)).astype(a.dtype)

    return planes(img, change)


def invert(img):
    """Light and dark exchanged."""
    return planes(img, lambda a: (1 if a.dtype.kind == "f" else np.iinfo(a.dtype).max) - a)


def erase(img, i, j, h, w, v, inplace=False):
    """The rectangle of ``h`` x ``w`` at (``i``, ``j``) of a tensor replaced by ``v``."""
    if not isinstance(img, TensorBase):
        raise TypeError(f"Tensor expected, got {type(img)}")
    out = img if inplace else img.clone()
    out[..., i : i + h, j : j + w] = v
    return out
