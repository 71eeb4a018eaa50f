"""The methods that give a tensor another dtype or place, and new tensors like it."""

import numpy as np

from . import creation, dtypes, old_constructors
from ._device import check_device
from .engine import TensorBase, titled
from .functions import refused, strided
from .functions.layouts import converted


def _cast(name, dtype, doc=None):
    @titled(name, doc or f"As {dtype.name}.")
    def method(self, memory_format=None):
        return self.to(dtype=dtype, memory_format=memory_format)

    return method


class Conversions(TensorBase):
    """Methods of :class:`~tensorlite.Tensor`."""

    __slots__ = ()

    def to(self, *args, device=None, dtype=None, non_blocking=False, copy=False, memory_format=None):
        """The tensor with another dtype: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``, ``to(other)``.

        Returns the tensor itself where nothing changes and ``copy`` is False.
        """
        flags = []
        for a in args:
            if isinstance(a, TensorBase):
                dtype = a.dtype
            elif isinstance(a, bool):
                flags.append(a)
            elif isinstance(a, (dtypes.dtype, type, np.dtype)):
                dtype = a
            elif a is not None:
                device = a
        copy = flags[1] if len(flags) > 1 else copy
        check_device(device)
        return converted(self, dtype, memory_format, copy)

    def type(self, dtype=None, non_blocking=False):
        """The name of the type (``'torch.FloatTensor'``); with ``dtype`` the tensor as that type."""
        if dtype is None:
            return self.dtype.typename
        return self.to(dtype=dtypes.of_type(dtype))

    def type_as(self, other):
        """This tensor with the dtype of ``other``."""
        return self.to(dtype=other.dtype)

    float = _cast("float", dtypes.float32)
    double = _cast("double", dtypes.float64)
    half = _cast("half", dtypes.float16)
    long = _cast("long", dtypes.int64)
    int = _cast("int", dtypes.int32)
    short = _cast("short", dtypes.int16)
    char = _cast("char", dtypes.int8)
    byte = _cast("byte", dtypes.uint8)
    bool = _cast("bool", dtypes.bool_, "As bool: True where nonzero.")
    cfloat = _cast("cfloat", dtypes.complex64)
    cdouble = _cast("cdouble", dtypes.complex128)
    bfloat16 = _cast("bfloat16", dtypes.bfloat16, "Raises: NumPy has no bfloat16.")

    def cpu(self, memory_format=None):
        """The tensor itself: it is on the CPU."""
        return self.to(memory_format=memory_format)

    def cuda(self, device=None, non_blocking=False, memory_format=None):
        """Raises: there is no GPU here."""
        check_device("cuda" if device is None else device)

    def pin_memory(self, device=None):
        """Raises, as PyTorch does without a GPU: page-locked memory serves copies to one."""
        raise RuntimeError("Cannot access accelerator device when none is available.")

    def share_memory_(self):
        """Raises: tensors are not shared between processes; pass arrays from ``multiprocessing.shared_memory``."""
        raise NotImplementedError("share_memory_() is not supported; processes receive copies of tensors")

    def resolve_conj(self):
        """The tensor itself: conjugates are computed at once here."""
        return self

    resolve_neg = resolve_conj

    def is_conj(self):
        """Whether a conjugation waits to be done: never."""
        return False

    is_neg = is_conj

    def to_dense(self, dtype=None):
        """The tensor itself, which is dense."""
        return self if dtype is None else self.to(dtype=dtype)

    to_sparse = refused.to_sparse
    to_sparse_csr = refused.to_sparse_csr
    dequantize = refused.dequantize
    to_padded_tensor = refused.to_padded_tensor

    to_sparse_coo = to_sparse_csc = refused.to_sparse
    coalesce = indices = values = refused.of_sparse

    # -- new tensors like this one -------------------------------------------------------------------

    def new(self, *args, device=None):
        """The old constructor with this tensor's dtype: sizes, or data."""
        return old_constructors.legacy_tensor(self.dtype, *args, device=device)

    def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
        """A copy of ``data`` with this tensor's dtype."""
        return creation.tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)

    def new_zeros(self, *sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
        """Zeros with this tensor's dtype."""
        return creation.zeros(*sizes, size=size, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory,
                              requires_grad=requires_grad)  # fmt: skip

    def new_ones(self, *sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
        """Ones with this tensor's dtype."""
        return creation.ones(*sizes, size=size, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory,
                              requires_grad=requires_grad)  # fmt: skip

    def new_empty(self, *sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
        """Memory of shape ``size`` with this tensor's dtype."""
        return creation.empty(*sizes, size=size, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory,
                              requires_grad=requires_grad)  # fmt: skip

    def new_empty_strided(
        self, size, stride, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
    ):
        """Memory with the given sizes and strides and this tensor's dtype."""
        return strided.empty_strided(
            size, stride, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory,
            requires_grad=requires_grad,
        )  # fmt: skip

    def new_full(
        self, size, fill_value, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
    ):
        """``fill_value`` with this tensor's dtype."""
        return creation.full(size, fill_value, dtype=dtype or self.dtype, layout=layout, device=device,
                             pin_memory=pin_memory, requires_grad=requires_grad)  # fmt: skip
