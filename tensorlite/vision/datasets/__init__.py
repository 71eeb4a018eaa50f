"""Data sets of images, and small ones that need no download."""

from .cifar import CIFAR10, CIFAR100
from .folder import DatasetFolder, FakeData, ImageFolder
from .mnist import KMNIST, MNIST, FashionMNIST
from .small import blobs, circles, digits, moons, spirals, table
from .vision import VisionDataset

__all__ = [
    "CIFAR10", "CIFAR100", "DatasetFolder", "FakeData", "FashionMNIST", "ImageFolder", "KMNIST", "MNIST", "VisionDataset",
    "blobs", "circles", "digits", "moons", "spirals", "table",
]  # fmt: skip
