"""What the spatial functions share: sizes as tuples, batches around single samples, names of dtypes."""

from operator import index

from ..engine import TensorBase, wrap
from ..ops.axes import integers
from ..ops.shape import reshape


def ntuple(value, dims, name):
    """An int repeated ``dims`` times, or a sequence of one or ``dims`` ints as a tuple."""
    if value.__class__ is int:
        return (value,) * dims
    try:
        values = tuple([index(v) for v in (value if isinstance(value, bool) else integers(value))])
    except TypeError:
        raise TypeError(f"{name} must be an int or a tuple of ints, but got {value!r}") from None
    if len(values) == 1:
        return values * dims
    if len(values) != dims:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {dims} values to match the convolution "
            f"dimensions, but got {name}={list(values)}"
        )
    return values


def batched(input, dims, name):
    """``(input with a batch dimension, whether it had none)``; refuses other numbers of dimensions."""
    if not isinstance(input, TensorBase):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    n = len(input.shape)
    if n == dims + 2:
        return input, False
    if n == dims + 1:
        return reshape(input, shape=(1, *input.shape)), True
    given, pooling = list(input.shape), "pool" in name
    if pooling and name.startswith("adaptive") and dims > 1:
        words = f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got {given}"
    elif pooling and dims > 1:
        words = (
            f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input of {name}, but got: {given}"
        )
    elif name.startswith("max_pool"):
        words = (
            f"{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{given}"
        )
    elif pooling:
        words = (
            f"Expected 2 to 3 dimensions, but got {n}-dimensional tensor for argument #1 'self' (while checking arguments "
            f"for {name})"
        )
    else:
        words = (
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: {given}"
        )
    raise RuntimeError(words)


def unbatched(out, single):
    """Without the batch dimension that :func:`batched` added."""
    return reshape(out, shape=out.shape[1:]) if single else out


def constant(array):
    """A tensor without gradient around a new array."""
    return wrap(array)


def cross(sizes):
    """``(3 x 4)``, as PyTorch writes sizes."""
    return "(" + " x ".join(map(str, sizes)) + ")"
