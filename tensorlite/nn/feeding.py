"""What ``Model.fit`` is fed with: whole arrays, loaders, generators, all as (x, y, weight) batches."""

import itertools

from .. import engine
from ..checkpoint.streams import generators_of, random_state, set_random_state
from ..creation import as_tensor
from ..dtypes import get_default_dtype
from ..functions.sampling import randperm

__all__ = ["arrays", "from_loader", "peek", "slices", "tensor"]


def tensor(a, what):
    """``a`` as a tensor; ``what`` names it in the error."""
    if isinstance(a, engine.TensorBase):
        return a
    try:
        return as_tensor(a)
    except (TypeError, ValueError) as error:
        kind, cure = getattr(getattr(a, "dtype", None), "kind", ""), ""
        if what == "y" and kind in ("U", "S"):
            cure = " Number the classes with: names, y = np.unique(y, return_inverse=True)"
        elif kind in ("O", "U", "S"):
            cure = f" Try {what}.astype(float)."
        raise TypeError(f"{what} must be an array or tensor of numbers: {error}{cure}") from None


def arrays(model, x, y, weight=None):
    """Whole data sets as tensors, checked."""
    x = model._input(tensor(x, "X"))
    y = tensor(y, "y")
    if y.is_floating_point() and y.dtype != get_default_dtype():
        y = y.to(get_default_dtype())
    if x.dim() == 0 or len(x) == 0:
        raise ValueError(f"the data set is empty: X has shape {tuple(x.shape)}")
    if y.dim() == 0 or len(x) != len(y):
        rows = f" (X has shape {tuple(x.shape)}; samples are rows)" if x.dim() == 1 else ""
        raise ValueError(f"X has {len(x)} samples, but y has {len(y) if y.dim() else 'no dimension'}{rows}")
    if weight is not None:
        weight = tensor(weight, "sample_weight").to(get_default_dtype())
        if tuple(weight.shape) != (len(x),):
            raise ValueError(f"sample_weight has shape {tuple(weight.shape)}, expected {(len(x),)}")
    return x, y, weight


def slices(x, y, weight, size, shuffle):
    """Batches of ``size`` from whole arrays, in random order if ``shuffle``."""
    n = len(x)
    order = randperm(n)._data if shuffle else None
    for start in range(0, n, size):
        part = slice(start, start + size)
        if order is not None:
            index = order[part]
            yield (
                engine.wrap(x._data.take(index, axis=0)),
                engine.wrap(y._data.take(index, axis=0)),
                None if weight is None else engine.wrap(weight._data[index]),
            )
        else:
            yield x[part], y[part], None if weight is None else weight[part]


def start(source):
    """An iterator over a loader, or over what a function returns."""
    return iter(source() if callable(source) and not hasattr(source, "__iter__") else source)


def from_loader(source):
    """Batches from a DataLoader, an iterable or a function that returns one, checked."""
    for batch in start(source):
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise TypeError(f"a loader must give (x, y) or (x, y, weight) batches, not {type(batch).__name__}")
        x, y, *weight = batch
        x, y = tensor(x, "x"), tensor(y, "y")
        if x.dim() == 0 or len(x) == 0:
            raise ValueError("the loader gave an empty batch")
        if y.dim() == 0 or len(x) != len(y):
            raise ValueError(f"a batch has {len(x)} samples, but {len(y) if y.dim() else 'no dimension of'} targets")
        yield x, y, tensor(weight[0], "weight") if weight else None


def peek(source):
    """The first inputs of a loader, and the loader as it was: no stream moves, no batch of a generator is lost."""
    if hasattr(source, "__next__"):
        first = next(source, None)
        if first is None:
            return None, source
        return first[0], itertools.chain([first], source)
    generators = generators_of(source)
    state = random_state(generators)
    first = next(from_loader(source), None)
    set_random_state(state, generators)
    return None if first is None else first[0], source


def is_whole(x):
    """Whether ``x`` is one array of samples rather than a loader of batches."""
    return hasattr(x, "__array__")
