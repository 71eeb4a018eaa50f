"""How the program runs: threads, determinism, compilation. Names that scripts call once, at their top."""

from ..engine import TensorBase

_chosen = {"deterministic": False, "warn_only": False, "precision": "highest"}


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Note the wish for determinism; every operation here is deterministic already."""
    _chosen["deterministic"], _chosen["warn_only"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled():
    """What :func:`use_deterministic_algorithms` was last told."""
    return _chosen["deterministic"]


def set_float32_matmul_precision(precision):
    """``'highest'``, ``'high'`` or ``'medium'``; on a CPU products of float32 are float32's, as in PyTorch."""
    if precision not in ("highest", "high", "medium"):
        raise ValueError(f"precision must be 'highest', 'high' or 'medium', not {precision!r}")
    _chosen["precision"] = precision


def get_float32_matmul_precision():
    """What :func:`set_float32_matmul_precision` was last told."""
    return _chosen["precision"]


def compile(model=None, *, fullgraph=False, dynamic=None, backend="inductor", mode=None, options=None, disable=False):
    """``model`` itself: there is no compiler, and a compiled model computes the same.

    Also a decorator. The arguments are those of PyTorch's and only steer its compiler.
    """
    return (lambda function: function) if model is None else model


def detach(input):
    """The same memory without history."""
    return input.detach()


def is_signed(input):
    """Whether elements can be negative."""
    return input.is_signed()


def is_same_size(input, other):
    """Whether two tensors have the same size."""
    return input._data.shape == other._data.shape


def is_inference(input):
    """Whether a tensor was made in inference mode; never marked here."""
    return False


def resolve_conj(input):
    """The tensor itself: conjugates are computed at once here."""
    return input


resolve_neg = resolve_conj


def typename(obj):
    """The name of a type: ``'torch.FloatTensor'`` for tensors."""
    if isinstance(obj, TensorBase):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    return f"{kind.__module__}.{kind.__qualname__}" if kind.__module__ != "builtins" else kind.__qualname__


def fill(input, value):
    """A copy of ``input`` with ``value`` everywhere."""
    return input.clone().fill_(value)


def get_num_interop_threads():
    """1: operations run one after the other."""
    return 1


def set_num_interop_threads(number):
    """Raises for another number than 1: operations run one after the other."""
    if number != 1:
        raise NotImplementedError(
            f"set_num_interop_threads({number}) is not supported: operations run one after the other"
        )


def set_flush_denormal(mode):
    """False: denormal numbers are computed with, and that cannot be changed here."""
    return False


def is_storage(obj):
    """Whether ``obj`` is what ``tensor.storage()`` returns."""
    from .._storage import TypedStorage, UntypedStorage

    return isinstance(obj, (TypedStorage, UntypedStorage))


def is_conj(input):
    """Whether a conjugation waits to be done: never."""
    return False


def is_neg(input):
    """Whether a negation waits to be done: never."""
    return False
