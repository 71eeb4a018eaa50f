"""What data sets of images share: transforms, and whole batches at once where that gives the same numbers."""

import numpy as np

from ...data.dataset import Dataset
from ...engine import wrap

__all__ = ["ArrayDataset", "VisionDataset", "picture"]


def picture(array):
    """A Pillow image of a uint8 array (H, W) or (H, W, 3); the array itself where Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError:
        return array
    return Image.fromarray(array)


class VisionDataset(Dataset):
    """A data set with ``transform`` for images and ``target_transform`` for labels.

    Parameters
    ----------
    root : path
    transforms : callable, optional
        Of (image, target), instead of the other two.
    transform, target_transform : callable, optional
    """

    def __init__(self, root=None, transforms=None, transform=None, target_transform=None):
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.root = root
        self.transforms = transforms
        self.transform = transform
        self.target_transform = target_transform

    def _apply(self, image, target):
        if self.transforms is not None:
            return self.transforms(image, target)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __repr__(self):
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"    Root location: {self.root}")
        lines += [f"    {line}" for line in self.extra_repr().splitlines()]
        if self.transform is not None:
            lines.append(f"    Transform: {self.transform}")
        return "\n".join(lines)

    def extra_repr(self):
        """More lines for ``repr``."""
        return ""


class ArrayDataset(VisionDataset):
    """Images in one uint8 array (n, H, W) or (n, H, W, C), as ``_images()``, and labels, as ``_labels()``.

    Items are Pillow images, as torchvision's (uint8 arrays where Pillow is not installed), and ints. A
    :class:`DataLoader` takes whole batches where the transforms are ToTensor, ConvertImageDtype and Normalize.
    """

    def __len__(self):
        return len(self._images())

    def __getitem__(self, index):
        from ..transforms import takes_array

        array = self._images()[index]
        image = array if self.transforms is None and takes_array(self.transform) else picture(array)
        return self._apply(image, int(self._labels()[index]))

    def tensors(self):
        """All images as float32 (n, C, H, W) in [0, 1], and all labels as int64."""
        from ..transforms import functional

        return functional.batch_to_tensor(self._images()), wrap(np.array(self._labels(), np.int64))

    def _batch(self, indices):
        from ..transforms import on_batch

        if type(self).__getitem__ is not ArrayDataset.__getitem__ or hasattr(self, "__getitems__"):
            return None
        if self.transforms is not None or self.target_transform is not None:
            return None
        images = on_batch(self.transform, lambda: np.take(self._images(), indices, axis=0))
        if images is None:
            return None
        return [images, wrap(np.take(np.asarray(self._labels(), np.int64), indices))]
