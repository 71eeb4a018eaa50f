"""Images in folders, one folder per class; and made-up images to try things with."""

import os

from ... import rng
from ...ops import random as draw
from .vision import VisionDataset, picture

__all__ = ["DatasetFolder", "FakeData", "ImageFolder"]

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def load_image(path):
    """A Pillow image in RGB."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError('reading image files needs Pillow: pip install "tensorlite[io]"') from None
    with open(path, "rb") as file:
        return Image.open(file).convert("RGB")


class DatasetFolder(VisionDataset):
    """Files in ``root/<class>/...``; the classes are the sorted names of the folders.

    Parameters
    ----------
    root : path
    loader : callable
        From a path to a sample.
    extensions : tuple of str, optional
        Of the files to take; or give ``is_valid_file``.
    transform, target_transform : callable, optional
    is_valid_file : callable, optional
        From a path to a bool.
    allow_empty : bool, default False
        Accept classes without files.

    Attributes
    ----------
    classes : list of str
    class_to_idx : dict
    samples : list of (path, class number)
    targets : list of int

    Raises
    ------
    FileNotFoundError
        If there is no class folder, or a class has no file.
    """

    def __init__(self, root, loader, extensions=None, transform=None, target_transform=None, is_valid_file=None,
                 allow_empty=False):  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        if (extensions is None) == (is_valid_file is None):
            raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
        if is_valid_file is None:

            def is_valid_file(path):
                return path.lower().endswith(extensions)

        self.loader = loader
        self.extensions = extensions
        self.classes, self.class_to_idx = self.find_classes(root)
        self.samples = [
            (os.path.join(folder, name), number)
            for label, number in self.class_to_idx.items()
            for folder, _, names in sorted(os.walk(os.path.join(root, label), followlinks=True))
            for name in sorted(names)
            if is_valid_file(os.path.join(folder, name))
        ]
        self.targets = [number for _, number in self.samples]
        empty = sorted(set(self.classes) - {self.classes[number] for number in self.targets})
        if empty and not allow_empty:
            supported = f" Supported extensions are: {', '.join(extensions)}" if extensions else ""
            raise FileNotFoundError(f"Found no valid file for the classes {', '.join(empty)}.{supported}")

    def find_classes(self, directory):
        """The sorted names of the folders in ``directory``, and their numbers."""
        classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        if not classes:
            raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
        return classes, {name: i for i, name in enumerate(classes)}

    def __getitem__(self, index):
        path, target = self.samples[index]
        return self._apply(self.loader(path), target)

    def __len__(self):
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """Images in ``root/<class>/...``, as Pillow images in RGB; see :class:`DatasetFolder`. Needs Pillow."""

    def __init__(self, root, transform=None, target_transform=None, loader=load_image, is_valid_file=None,
                 allow_empty=False):  # fmt: skip
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples


class FakeData(VisionDataset):
    """Random images and labels, the same for the same index.

    Parameters
    ----------
    size : int, default 1000
    image_size : tuple, default (3, 224, 224)
        (channels, height, width).
    num_classes : int, default 10
    transform, target_transform : callable, optional
    random_offset : int, default 0
        Added to the index to seed an image.
    """

    def __init__(self, size=1000, image_size=(3, 224, 224), num_classes=10, transform=None, target_transform=None,
                 random_offset=0):  # fmt: skip
        super().__init__(None, transform=transform, target_transform=target_transform)
        self.size, self.image_size, self.num_classes = size, tuple(image_size), num_classes
        self.random_offset = random_offset

    def __getitem__(self, index):
        if not 0 <= index < self.size:
            raise IndexError(f"{type(self).__name__} index out of range")
        import numpy as np

        from ...engine import wrap
        from ..transforms import functional

        g = rng.Generator().manual_seed(index + self.random_offset)
        image = draw.normal_(wrap(np.empty(self.image_size, np.float32)), generator=g)
        target = int(g.integers(1, 0, self.num_classes)[0])
        return self._apply(picture(functional.to_array(image)), target)

    def __len__(self):
        return self.size
