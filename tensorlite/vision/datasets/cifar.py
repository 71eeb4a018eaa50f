"""CIFAR-10 and CIFAR-100: 32 x 32 colour pictures (A. Krizhevsky), 50,000 to train on, 10,000 to test."""

import hashlib
import io
import pickle
import tarfile

import numpy as np

from .download import CorruptFile, Resource, base_folders, fetch
from .vision import ArrayDataset

__all__ = ["CIFAR10", "CIFAR100"]


class _ArraysOnly(pickle.Unpickler):
    """Reads dicts, lists, numbers, bytes and NumPy arrays, and nothing else."""

    def find_class(self, module, name):
        if (module, name) == ("_codecs", "encode"):
            return __import__("_codecs").encode
        if module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray"):
            if name == "_reconstruct":
                return np._core.multiarray._reconstruct
            if name in ("ndarray", "dtype"):
                return getattr(np, name)
        raise CorruptFile(f"a CIFAR file asks for {module}.{name}, which no such file needs: it is not loaded")


def _whole(path, resource):
    data = path.read_bytes()
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != resource.md5:
        raise CorruptFile(f"{path} is truncated or not the published file: its md5 is not {resource.md5}")
    return data


class CIFAR10(ArrayDataset):
    """Ten classes of things and animals.

    Parameters
    ----------
    root : path, optional
        Holds the folder ``cifar-10-batches-py`` (torchvision's), ``cifar-10-batches-bin``, or the archive of the
        latter; without it the user's cache folder does. ``TENSORLITE_DATA`` may name another folder.
    train : bool, default True
    transform, target_transform : callable, optional
    download : bool, default False

    Attributes
    ----------
    data : ndarray of uint8 (n, 32, 32, 3)
    targets : list of int
    classes : list of str
    class_to_idx : dict

    Raises
    ------
    RuntimeError
        If the files are missing or damaged.
    """

    mirrors = ("https://www.cs.toronto.edu/~kriz/", "http://www.cs.toronto.edu/~kriz/")
    resource = Resource("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530")
    pickled, binary = "cifar-10-batches-py", "cifar-10-batches-bin"
    train_files = tuple(f"data_batch_{i}" for i in range(1, 6))
    test_files = ("test_batch",)
    label_bytes, label_key = 1, b"labels"
    classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

    def __init__(self, root=None, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        parts = [self._read(name, download) for name in (self.train_files if train else self.test_files)]
        pixels = np.concatenate([p for p, _ in parts])
        self.data = np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        self.targets = [label for _, labels in parts for label in labels]

    def _read(self, name, download):
        for base in base_folders(self.root):
            if (path := base / self.pickled / name).is_file():
                return self._from_pickle(path)
            if (path := base / self.binary / f"{name}.bin").is_file():
                return self._from_binary(path.read_bytes(), path)
            if (path := base / self.resource.name).is_file():
                return self._from_archive(_whole(path, self.resource), name)
        folder = base_folders(self.root)[0]
        if not download:
            raise RuntimeError(
                f"Dataset not found or corrupted: {type(self).__name__} needs {self.resource.name}. You can use "
                f"download=True to download it, or put it into {folder}."
            )
        return self._from_archive(fetch(self.resource, self.mirrors, folder, check=_whole), name)

    def _from_archive(self, data, name):
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            file = archive.extractfile(f"{self.binary}/{name}.bin")
            return self._from_binary(file.read(), name)

    def _from_binary(self, data, name):
        record = self.label_bytes + 3072
        if not data or len(data) % record:
            raise CorruptFile(f"{name} is truncated: {len(data)} bytes are no whole number of records of {record}")
        rows = np.frombuffer(data, np.uint8).reshape(-1, record)
        return rows[:, self.label_bytes :], rows[:, self.label_bytes - 1].tolist()

    def _from_pickle(self, path):
        try:
            with open(path, "rb") as file:
                entry = _ArraysOnly(file, encoding="bytes").load()
            pixels, labels = np.asarray(entry[b"data"]), list(entry[self.label_key])
        except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptFile(f"{path} is truncated or damaged: {error}") from None
        if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3072):
            raise CorruptFile(f"{path} holds {pixels.dtype}{pixels.shape} for {len(labels)} labels")
        return pixels, labels

    @property
    def class_to_idx(self):
        """From the name of a class to its number."""
        return {name: i for i, name in enumerate(self.classes)}

    def _images(self):
        return self.data

    def _labels(self):
        return self.targets

    def extra_repr(self):
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """A hundred classes; see :class:`CIFAR10` for the arguments."""

    resource = Resource("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8")
    pickled, binary = "cifar-100-python", "cifar-100-binary"
    train_files, test_files = ("train",), ("test",)
    label_bytes, label_key = 2, b"fine_labels"
    classes = (
        "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle "
        "caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant "
        "flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man "
        "maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree "
        "plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper "
        "snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train "
        "trout tulip turtle wardrobe whale willow_tree wolf woman worm"
    ).split()
