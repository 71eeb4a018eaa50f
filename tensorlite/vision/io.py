"""Pictures in files as tensors of bytes: ``torchvision.io``'s functions for images, through Pillow."""

import enum

from .transforms.functional import _pillow, pil_to_tensor

__all__ = ["ImageReadMode", "read_image"]


class ImageReadMode(enum.Enum):
    """What a picture is converted to: nothing, grey, grey with opacity, colours, colours with opacity."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


_MODES = {"GRAY": "L", "GRAY_ALPHA": "LA", "RGB": "RGB", "RGB_ALPHA": "RGBA"}


def read_image(path, mode=ImageReadMode.UNCHANGED, apply_exif_orientation=False):
    """A picture as a uint8 tensor (C, H, W).

    Parameters
    ----------
    path : str or path
    mode : ImageReadMode or its name, default UNCHANGED
    apply_exif_orientation : bool, default False
        Turn the picture as its camera was held.

    Raises
    ------
    ImportError
        Without Pillow.
    """
    mode = ImageReadMode[mode] if isinstance(mode, str) else mode
    with _pillow("read_image").open(path) as picture:
        if apply_exif_orientation:
            from PIL import ImageOps

            picture = ImageOps.exif_transpose(picture)
        if mode.name in _MODES:
            picture = picture.convert(_MODES[mode.name])
        elif picture.mode == "P":
            picture = picture.convert("RGB")
        return pil_to_tensor(picture)
