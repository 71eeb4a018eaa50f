"""MNIST and two data sets in its format: 28 x 28 grey pictures of ten classes, 60,000 to train on, 10,000 to test."""

import struct

import numpy as np

from ...engine import wrap
from .download import CorruptFile, Resource, data_folders, fetch, find
from .vision import ArrayDataset

__all__ = ["KMNIST", "MNIST", "FashionMNIST"]


def read_idx(data, name):
    """The uint8 array in an IDX file (http://yann.lecun.com/exdb/mnist/).

    Raises
    ------
    CorruptFile
        If it is something else, or its size is not what its header says.
    """
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise CorruptFile(f"{name} is no IDX file of bytes: it starts with {data[:4]!r}")
    ndim = data[3]
    if len(data) < 4 + 4 * ndim:
        raise CorruptFile(f"{name} is truncated: its header ends after {len(data)} bytes")
    shape = struct.unpack(f">{ndim}I", data[4 : 4 + 4 * ndim])
    array = np.frombuffer(data, np.uint8, offset=4 + 4 * ndim)
    if array.size != np.prod(shape, dtype=np.int64):
        raise CorruptFile(f"{name} is truncated: its header promises {shape}, but {array.size} bytes follow")
    return array.reshape(shape).copy()


class MNIST(ArrayDataset):
    """Handwritten digits (Y. LeCun, C. Cortes, C. Burges).

    Parameters
    ----------
    root : path, optional
        Files lie in ``<root>/MNIST/raw`` (or ``<root>/mnist``, or ``root`` itself); without it, in the user's cache
        folder. A folder named by the environment variable ``TENSORLITE_DATA`` is looked into as well.
    train : bool, default True
        The training images, or the test images.
    transform, target_transform : callable, optional
    download : bool, default True
        Get missing files from public mirrors. Files are checked before use, whether they were there or not.

    Attributes
    ----------
    data : Tensor of uint8 (n, 28, 28)
    targets : Tensor of int64 (n,)
    classes : list of str
    class_to_idx : dict

    Raises
    ------
    RuntimeError
        If files are missing or damaged and cannot be downloaded; it says which, from where, and where to put them.
    """

    mirrors = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    )
    resources = (
        Resource("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                 "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        Resource("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432",
                 "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        Resource("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3",
                 "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        Resource("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c",
                 "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    )  # fmt: skip
    classes = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven",
               "8 - eight", "9 - nine"]  # fmt: skip

    def __init__(self, root=None, train=True, transform=None, target_transform=None, download=True):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        images, labels = self.resources[:2] if train else self.resources[2:]
        pixels = read_idx(self._get(images, download), images.name)
        targets = read_idx(self._get(labels, download), labels.name)
        if pixels.ndim != 3 or targets.ndim != 1 or len(pixels) != len(targets):
            raise CorruptFile(
                f"{images.name} and {labels.name} do not belong together: they hold {pixels.shape} and {targets.shape}"
            )
        self.data = wrap(pixels)
        self.targets = wrap(targets.astype(np.int64))

    def _get(self, resource, download):
        name = type(self).__name__
        folders = data_folders(self.root, name)
        problems = []
        data = find(resource, folders, problems)
        if data is not None:
            return data
        notes = "".join(f"\n  {p}" for p in problems)
        if not download:
            raise RuntimeError(
                f"Dataset not found: {name} needs {resource.name}. You can use download=True to download it, or put it "
                f"into {folders[0]}, or set TENSORLITE_DATA to a folder that has it.{notes}"
            )
        try:
            return fetch(resource, self.mirrors, folders[0])
        except RuntimeError as error:
            missing = ", ".join(r.name for r in self.resources if find(r, folders, []) is None)
            raise RuntimeError(f"{name}: {error}\nMissing so far: {missing}.{notes}") from None

    @property
    def raw_folder(self):
        """Where downloads go."""
        return str(data_folders(self.root, type(self).__name__)[0])

    @property
    def class_to_idx(self):
        """From the name of a class to its number."""
        return {name: i for i, name in enumerate(self.classes)}

    def _images(self):
        return self.data._data

    def _labels(self):
        return self.targets._data

    def extra_repr(self):
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Pictures of clothes (Zalando SE, MIT licence); see :class:`MNIST` for the arguments."""

    mirrors = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    )
    resources = (
        Resource("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                 "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        Resource("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe",
                 "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        Resource("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79",
                 "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        Resource("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310",
                 "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    )  # fmt: skip
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


class KMNIST(MNIST):
    """Cursive Japanese characters (CODH, CC BY-SA 4.0); see :class:`MNIST` for the arguments.

    Only the md5 of the published ``.gz`` files is known; unpacked files are checked for their format.
    """

    mirrors = (
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    )
    resources = (
        Resource("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        Resource("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        Resource("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        Resource("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    )
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
