"""Parameters and buffers: tensors that a :class:`~tensorlite.nn.Module` registers when they become attributes."""

import numpy as np

from .. import dtypes
from .._device import check_device
from .._tensor import Tensor
from ..engine import Leaf

__all__ = [
    "Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin", "is_lazy",
]  # fmt: skip

_new = object.__new__


def _make(cls, data, requires_grad):
    """A leaf of class ``cls`` that shares the memory and the version of ``data``."""
    if data is None:
        data = np.empty(0, dtypes.get_default_dtype().numpy)
    t = _new(cls)
    if isinstance(data, Tensor):
        t._data, t._cell = data._data, data._cell
    elif isinstance(data, np.ndarray):
        t._data, t._cell = data, [0, 0]
    else:
        raise TypeError(f"{cls.__name__}() needs a Tensor, not {type(data).__name__}; use tensor(...) around it")
    t._grad = t._view = t._node = None
    if requires_grad:
        if t._data.dtype.kind not in "fc":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        t._node = Leaf(t)
    return t


class Parameter(Tensor):
    """A tensor that is a module's parameter.

    Assigned as an attribute of a module, it appears in ``module.parameters()`` and ``module.state_dict()``.

    Parameters
    ----------
    data : Tensor
        The value; its memory is shared.
    requires_grad : bool, default True

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Parameter(tl.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    __slots__ = ()
    _asked = False  # results are tensors, also of classes derived from this one

    def __new__(cls, data=None, requires_grad=True):
        return _make(cls, data, requires_grad)

    def __init__(self, data=None, requires_grad=True):
        pass

    def __deepcopy__(self, memo):
        found = memo.get(id(self))
        if found is None:
            found = memo[id(self)] = type(self)(np.array(self._data), self.requires_grad)
        return found

    def __reduce_ex__(self, protocol):
        return _rebuild, (type(self), np.ascontiguousarray(self._data).reshape(self._data.shape), self.requires_grad)

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()


def _rebuild(cls, data, requires_grad):
    return cls(data, requires_grad)


class _BufferType(type):
    def __instancecheck__(cls, instance):
        return type.__instancecheck__(cls, instance) or (
            isinstance(instance, Tensor) and "_is_buffer" in instance.__dict__
        )


class Buffer(Tensor, metaclass=_BufferType):
    """A tensor that is a module's buffer: part of its state, not trained.

    The result is an ordinary tensor that ``isinstance(t, Buffer)`` recognises.

    Parameters
    ----------
    data : Tensor
    persistent : bool, default True
        Whether ``state_dict`` contains it.

    Examples
    --------
    >>> import tensorlite as tl
    >>> m = tl.nn.Module()
    >>> m.mean = tl.nn.Buffer(tl.zeros(2))
    >>> list(m.state_dict())
    ['mean']
    """

    _asked = False

    def __new__(cls, data=None, *, persistent=True):
        t = _make(Tensor, data, getattr(data, "requires_grad", False))
        t.persistent, t._is_buffer = persistent, True
        return t


def _refused(name):
    def use(self, *args, **kwargs):
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {name}. This error happens when you are using a `LazyModule` or "
            "explicitly manipulating `torch.nn.parameter.UninitializedParameter` objects. When using LazyModules Call "
            "`forward` with a dummy batch to initialize the parameters before calling torch functions"
        )

    return use


#: What a tensor without a shape can do.
_ALLOWED = {
    "char", "copy_", "cpu", "cuda", "detach", "double", "float", "get_device", "half", "int", "is_complex",
    "is_floating_point", "long", "requires_grad_", "short", "size", "to", "type",
}  # fmt: skip
_OPERATORS = {
    "__add__", "__bool__", "__getitem__", "__iter__", "__len__", "__matmul__", "__mul__", "__neg__", "__pow__", "__radd__",
    "__rmatmul__", "__rmul__", "__rsub__", "__rtruediv__", "__setitem__", "__sub__", "__truediv__",
}  # fmt: skip


class UninitializedTensorMixin:
    """A tensor whose shape is learned from the first batch; see :class:`~tensorlite.nn.modules.LazyModuleMixin`."""

    __slots__ = ()

    def materialize(self, shape, device=None, dtype=None):
        """Give it memory of ``shape``, uninitialised, and make it an ordinary parameter or buffer."""
        check_device(device)
        d = self._data.dtype if dtype is None else dtypes.to_numpy(dtype)
        self._data = np.empty(tuple(shape), d)
        self._cell = [0, 0]
        requires_grad, self._node = self._node is not None, None
        self.__class__ = self.cls_to_become
        if requires_grad:
            self._node = Leaf(self)

    @property
    def shape(self):
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    def share_memory_(self):
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo):
        found = memo.get(id(self))
        if found is None:
            found = memo[id(self)] = type(self)(self._node is not None, dtype=dtypes.of(self._data.dtype))
        return found

    def __reduce_ex__(self, protocol):
        return type(self), (self._node is not None, None, dtypes.of(self._data.dtype))


for _name in {n for c in Tensor.__mro__ for n, v in vars(c).items() if callable(v) and n[0] != "_"} | _OPERATORS:
    if _name not in _ALLOWED and _name not in vars(UninitializedTensorMixin):
        setattr(UninitializedTensorMixin, _name, _refused(_name))


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter without a shape yet, made by lazy layers."""

    __slots__ = ()
    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        check_device(device)
        return _make(cls, np.empty(0, dtypes.to_numpy(dtype or dtypes.get_default_dtype())), requires_grad)

    def __init__(self, requires_grad=True, device=None, dtype=None):
        pass


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer without a shape yet, made by lazy layers."""

    __slots__ = ()
    _asked = False
    cls_to_become = Tensor

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        check_device(device)
        t = _make(cls, np.empty(0, dtypes.to_numpy(dtype or dtypes.get_default_dtype())), requires_grad)
        t.persistent, t._is_buffer = persistent, True
        return t

    def __init__(self, requires_grad=False, device=None, dtype=None, persistent=True):
        pass


def is_lazy(param):
    """Whether ``param`` has no shape yet.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.parameter.is_lazy(tl.nn.LazyLinear(3).weight)
    True
    """
    return isinstance(param, UninitializedTensorMixin)
