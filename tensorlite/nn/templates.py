"""The templates of ``Model('basic', [784, 128, 10])``: layers and parts for usual tasks."""

import itertools

import numpy as np

from . import accuracy as accuracies
from . import activation as activations
from . import layer as layers
from . import loss as losses
from . import optimizer as optimizers

__all__ = ["TEMPLATES"]


def _basic(sizes):
    hidden = [layers.Dense(a, b, activation=activations.ReLU()) for a, b in itertools.pairwise(sizes[:-1])]
    return [*hidden, layers.Dense(sizes[-2], sizes[-1], activation=activations.Softmax())]


def _with_output(sizes, output):
    rows = _basic(sizes)
    rows[-1].activation = output
    return rows


def _image(structure):
    """Convolution blocks (3x3, ReLU, 2x2 max pooling), then dense layers."""
    from .layer import Conv2d, Flatten, MaxPool2d

    (channels, height, width), convolutions, *dense = structure
    rows = []
    for n in convolutions:
        rows += [Conv2d(channels, n, 3, padding=1), activations.ReLU(), MaxPool2d(2)]
        channels, height, width = n, height // 2, width // 2
    if min(height, width) < 1:
        raise ValueError(
            f"Model('image'): {len(convolutions)} convolution blocks halve an image of {structure[0]} away to nothing"
        )
    return [*rows, Flatten(), *_basic([channels * height * width, *dense])]


def _sizes(template, structure):
    good = (
        isinstance(structure, (list, tuple))
        and len(structure) >= 2
        and all(isinstance(n, (int, np.integer)) and n > 0 for n in structure)
    )
    if not good:
        raise ValueError(
            f"Model({template!r}) needs a list of at least two positive layer sizes, inputs first, such as "
            f"[784, 128, 10], not {structure!r}"
        )


def _image_structure(template, structure):
    try:
        shape, convolutions, *dense = structure
        numbers = [*shape, *convolutions, *dense]
        good = len(shape) == 3 and dense and all(isinstance(n, (int, np.integer)) and n > 0 for n in numbers)
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(
            f"Model({template!r}) needs [(channels, height, width), (convolution channels, ...), dense sizes ..., "
            f"classes], such as [(1, 28, 28), (16, 32), 128, 10], not {structure!r}"
        )


def _classification():
    return dict(
        loss=losses.CategoricalCrossentropy(),
        accuracy=accuracies.Categorical(),
        optimizer=optimizers.Adam(decay=5e-5),
    )


#: template -> (check of the structure, layers, parts)
TEMPLATES = {
    "basic": (_sizes, _basic, _classification),
    "binary": (
        _sizes,
        lambda sizes: _with_output(sizes, activations.Sigmoid()),
        lambda: dict(
            loss=losses.BinaryCrossentropy(),
            accuracy=accuracies.Binary(),
            optimizer=optimizers.Adam(decay=5e-5),
        ),
    ),
    "regression": (
        _sizes,
        lambda sizes: _with_output(sizes, activations.Linear()),
        lambda: dict(
            loss=losses.MeanSquaredError(),
            accuracy=accuracies.Regression(),
            optimizer=optimizers.Adam(decay=5e-5),
        ),
    ),
    "image": (_image_structure, _image, _classification),
}
