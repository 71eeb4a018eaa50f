"""Random tensors: ``rand``, ``randn``, ``randint``, ``normal``, ``multinomial`` and their family."""

import numpy as np

from .. import engine
from .._device import check_device, strided
from ..engine import TensorBase, wrap
from ..ops import elementwise as ew
from ..ops import random as fill
from . import layouts
from ._common import into, sizes_of, tensor_arg

__all__ = [
    "bernoulli", "binomial", "multinomial", "normal", "poisson", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like", "randperm",
]  # fmt: skip


def _empty(sizes, dtype, out=None):
    if any(n < 0 for n in sizes):
        bad = next(n for n in sizes if n < 0)
        raise RuntimeError(f"Trying to create tensor with negative dimension {bad}: {list(sizes)}")
    if dtype is None and isinstance(out, TensorBase):
        dtype = out.dtype
    return wrap(np.empty(sizes, fill.to_numpy(dtype)))


def _empty_like(x, dtype, memory_format):
    """Memory in the order of ``x`` where that is dense, as PyTorch's preserved memory format."""
    return layouts.empty_like(x, x._data.dtype if dtype is None else fill.to_numpy(dtype), memory_format)


def _check(device, layout, pin_memory=False, names=None):
    """Raise for what has one possible value here, before anything is drawn."""
    check_device(device)
    if layout is not None and layout is not strided:
        raise NotImplementedError(f"layout={layout}: sparse tensors are not supported")
    if pin_memory:
        raise RuntimeError("Cannot access accelerator device when none is available.")
    if names is not None:
        raise NotImplementedError("named tensors are not supported")


def _done(t, out, requires_grad):
    if out is not None:
        return into(out, t, resizes=True)
    return t.requires_grad_() if requires_grad else t


def _size(args, size, function):
    if size is not None:
        if args:
            raise TypeError(f"{function}() got sizes and size=; give one of them")
        args = (size,)
    if not args:
        raise TypeError(f"{function}() received an invalid combination of arguments: it needs a size")
    return sizes_of(args)


def rand(*args, size=None, generator=None, names=None, out=None, dtype=None, layout=None, device=None, pin_memory=False,
         requires_grad=False):  # fmt: skip
    """Uniform numbers in [0, 1).

    Parameters
    ----------
    *size : int or sequence of int
    generator : Generator, optional
    dtype : dtype, optional
        Floating point; the default dtype.

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.rand(2, 2)
    tensor([[0.4963, 0.7682],
            [0.0885, 0.1320]])
    """
    _check(device, layout, pin_memory, names)
    return _done(fill.uniform_(_empty(_size(args, size, "rand"), dtype, out), 0.0, 1.0, generator), out, requires_grad)


def randn(*args, size=None, generator=None, names=None, out=None, dtype=None, layout=None, device=None, pin_memory=False,
          requires_grad=False):  # fmt: skip
    """Standard normal numbers.

    Parameters
    ----------
    *size : int or sequence of int
    generator : Generator, optional
    dtype : dtype, optional
        Floating point or complex; the default dtype.

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    _check(device, layout, pin_memory, names)
    return _done(fill.normal_(_empty(_size(args, size, "randn"), dtype, out), 0.0, 1.0, generator), out, requires_grad)


def rand_like(input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    """Uniform numbers in [0, 1) with the shape and dtype of ``input``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.rand_like(tl.zeros(2, 3)).shape
    torch.Size([2, 3])
    """
    _check(device, layout)
    return _done(fill.uniform_(_empty_like(input, dtype, memory_format), 0.0, 1.0, generator), None, requires_grad)


def randn_like(input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    """Standard normal numbers with the shape and dtype of ``input``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.randn_like(tl.zeros(2, 3)).shape
    torch.Size([2, 3])
    """
    _check(device, layout)
    return _done(fill.normal_(_empty_like(input, dtype, memory_format), 0.0, 1.0, generator), None, requires_grad)


def randint(*args, low=None, high=None, size=None, generator=None, out=None, dtype=None, layout=None, device=None,
            pin_memory=False, requires_grad=False):  # fmt: skip
    """Integers: ``randint(high, size)`` of [0, high), ``randint(low, high, size)`` of [low, high).

    Parameters
    ----------
    low, high : int
    size : sequence of int
    generator : Generator, optional
    dtype : dtype, default int64

    Raises
    ------
    RuntimeError
        If the range is empty, or ``dtype`` cannot hold it.

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.randint(10, (5,))
    tensor([4, 9, 3, 0, 3])
    """
    _check(device, layout, pin_memory)
    args = list(args)
    if size is None and args and hasattr(args[-1], "__iter__"):
        size = args.pop()
    if high is None and args:
        high = args.pop()
    if low is None and args:
        low = args.pop()
    if args or size is None or high is None or not hasattr(size, "__iter__"):
        raise TypeError(
            "randint() received an invalid combination of arguments: expected (int high, tuple size) or "
            "(int low, int high, tuple size)"
        )
    t = _empty(sizes_of((size,)), np.int64 if dtype is None and out is None else dtype, out)
    return _done(fill.random_(t, 0 if low is None else low, high, generator), out, requires_grad)


def randint_like(input, low, high=None, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False,
                 memory_format=None):  # fmt: skip
    """Integers of [low, high) (``[0, low)`` if ``high`` is left out) with the shape and dtype of ``input``."""
    _check(device, layout)
    low, high = (0, low) if high is None else (low, high)
    return _done(fill.random_(_empty_like(input, dtype, memory_format), low, high, generator), None, requires_grad)


def randperm(
    n, *, generator=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):
    """A random order of the integers 0 ... n - 1.

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.randperm(4)
    tensor([0, 1, 3, 2])
    """
    _check(device, layout, pin_memory)
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    d = np.dtype(np.int64) if dtype is None else fill.to_numpy(dtype)
    if d.kind in "iu" and n - 1 > np.iinfo(d).max:
        raise RuntimeError(f"value cannot be converted to type {d.name} without overflow")
    values = fill.generator_or_default(generator).permutation(n)
    return _done(wrap(values.astype(d, copy=False)), out, requires_grad)


def normal(mean=0.0, std=1.0, size=None, *, generator=None, out=None, dtype=None, layout=None, device=None,
           pin_memory=False, requires_grad=False):  # fmt: skip
    """Normal numbers; ``mean`` and ``std`` are tensors, or numbers together with a ``size``.

    Parameters
    ----------
    mean, std : float or Tensor
        Tensors broadcast against each other.
    size : sequence of int, optional
        Needed where both are numbers.
    generator : Generator, optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.normal(tl.tensor([0.0, 100.0]), 1.0)
    tensor([ 1.5410, 99.7066])
    """
    _check(device, layout, pin_memory)
    tensors = [t for t in (mean, std) if isinstance(t, TensorBase)]
    if not tensors:
        if size is None:
            raise TypeError(
                "normal() received an invalid combination of arguments: where mean and std are numbers it needs a size"
            )
        t = fill.normal_(_empty(sizes_of((size,)), dtype, out), mean, std, generator)
        return _done(t, out, requires_grad)
    if size is not None:
        raise TypeError("normal() takes no size where mean or std is a tensor: their shape is the size")
    m, s = engine.unwrap(mean), engine.unwrap(std)
    if isinstance(std, TensorBase) and not (s >= 0).all():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    first = tensors[0]
    shape = first._data.shape if len(tensors) == 1 else ew.add(wrap(m), wrap(s))._data.shape
    t = fill.normal_(_empty(shape, first.dtype), 0.0, 1.0 if isinstance(std, TensorBase) else std, generator)
    if isinstance(std, TensorBase):
        t._data *= s
    t._data += m
    t = fill.sampled(*tensors, values=t._data)
    return into(out, t) if out is not None else t


def bernoulli(input, p=None, *, generator=None, out=None):
    """Ones with the probabilities in ``input`` (with ``p``: everywhere), else zeros.

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.bernoulli(tl.full((4,), 0.5))
    tensor([1., 0., 1., 1.])
    """
    t = fill.bernoulli(tensor_arg(input, "input", "bernoulli"), p, generator)
    return into(out, t, resizes=True) if out is not None else t


def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    """Indices drawn with the weights in the rows of ``input``.

    Parameters
    ----------
    input : Tensor (n,) or (rows, n)
        Non-negative weights; they need not sum to one.
    num_samples : int
    replacement : bool
        Whether an index may come up again.

    Returns
    -------
    Tensor of int64 (num_samples,) or (rows, num_samples)

    Raises
    ------
    RuntimeError
        For negative or non-finite weights, a row of zeros, or more samples than weights without replacement.

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.multinomial(tl.tensor([0.0, 10.0, 3.0, 0.0]), 2)
    tensor([1, 2])
    """
    if out is not None and out._data.dtype != np.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype.title}")
    t = fill.multinomial(tensor_arg(input, "input", "multinomial"), num_samples, replacement, generator)
    return into(out, t, resizes=True) if out is not None else t


def poisson(input, generator=None):
    """Poisson numbers with the rates in ``input``."""
    return fill.poisson(tensor_arg(input, "input", "poisson"), generator)


def binomial(count, prob, generator=None):
    """Numbers of successes in ``count`` trials of probability ``prob``."""
    return fill.binomial(tensor_arg(count, "count", "binomial"), tensor_arg(prob, "prob", "binomial", 2), generator)
