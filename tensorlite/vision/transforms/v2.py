"""``torchvision.transforms.v2``: the same transforms, and the two that take the place of ToTensor."""

from ... import dtypes
from ...engine import TensorBase
from . import *  # noqa: F403
from . import __all__ as _names
from . import functional as F
from .deterministic import Transform

__all__ = [*_names, "ToDtype", "ToImage"]


class ToImage(Transform):
    """A Pillow image or an array (H, W[, C]) to a tensor (C, H, W) with its own values; tensors stay."""

    def __call__(self, img):
        return img if isinstance(img, TensorBase) else F.pil_to_tensor(img)


class ToDtype(Transform):
    """Another dtype; with ``scale`` values are scaled to its range.

    Examples
    --------
    >>> import numpy as np
    >>> import tensorlite as tl
    >>> from tensorlite.vision.transforms import v2
    >>> v2.Compose([v2.ToImage(), v2.ToDtype(tl.float32, scale=True)])(np.array([[0, 255]], np.uint8))
    tensor([[[0., 1.]]])
    """

    shows = ("dtype", "scale")

    def __init__(self, dtype, scale=False):
        self.dtype, self.scale = dtypes.of(dtype), scale

    def __call__(self, img):
        return F.convert_image_dtype(img, self.dtype) if self.scale else img.to(self.dtype)
