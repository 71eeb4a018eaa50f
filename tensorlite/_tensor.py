"""Tensor: an array on the tape, with PyTorch's methods."""

from __future__ import annotations

import warnings

import numpy as np

from . import _indexing, dtypes, engine
from .device import Size, device
from .engine import TensorBase, inplace, wrap
from .functions import matrices, pointwise, reducing, shaping
from .functions.shaping import settle
from .ops import elementwise as ew, linalg, shape as sh


def _inplace(op):
    """The in-place method of a primitive."""

    def method(self, *others):
        return inplace(op, self, *others)

    method.__name__ = method.__qualname__ = op.primitive.name + "_"
    method.__doc__ = f"In-place :func:`{op.primitive.name}`."
    return method


class Tensor(TensorBase):
    """An n-dimensional array that remembers how it was computed.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ()
    __array_priority__ = 1000

    def __new__(cls, *args, **kwargs):
        from .creation import legacy_tensor

        return legacy_tensor("Float", *args, **kwargs)

    # -- what it is --------------------------------------------------------------------------------

    @property
    def shape(self):
        """The sizes of all dimensions."""
        return Size(self._data.shape)

    @property
    def dtype(self):
        """The type of the elements."""
        return dtypes.of(self._data.dtype)

    ndim = property(lambda self: self._data.ndim, doc="The number of dimensions.")
    device = property(lambda self: device("cpu"), doc="Where the memory is: always the CPU.")
    itemsize = property(lambda self: self._data.itemsize, doc="Bytes per element.")
    nbytes = property(lambda self: self._data.nbytes, doc="Bytes of all elements.")
    is_cuda = is_sparse = is_quantized = is_mps = is_meta = is_xpu = is_nested = property(lambda self: False)

    def size(self, dim=None):
        """The sizes, or the size of dimension ``dim``."""
        if dim is None:
            return Size(self._data.shape)
        if not self._data.ndim:
            raise IndexError("Dimension specified as 0 but tensor has no dimensions")
        from .functions._common import wrap_dim

        return self._data.shape[wrap_dim(dim, self._data.ndim)]

    def dim(self):
        """The number of dimensions."""
        return self._data.ndim

    ndimension = dim

    def numel(self):
        """The number of elements."""
        return self._data.size

    nelement = numel

    def element_size(self):
        """Bytes per element."""
        return self._data.itemsize

    def is_floating_point(self):
        """Whether the elements are real floats."""
        return self._data.dtype.kind == "f"

    def is_complex(self):
        """Whether the elements are complex."""
        return self._data.dtype.kind == "c"

    def is_signed(self):
        """Whether elements can be negative."""
        return self._data.dtype.kind in "ifc"

    def stride(self, dim=None):
        """Steps in elements between neighbours of each dimension (or of ``dim``)."""
        a = settle(self)._data
        strides = tuple([s // a.itemsize for s in a.strides])
        return strides if dim is None else strides[dim]

    def is_contiguous(self, memory_format=None):
        """Whether the elements lie in C order."""
        return bool(settle(self)._data.flags.c_contiguous)

    # -- gradient ----------------------------------------------------------------------------------

    @property
    def requires_grad(self):
        """Whether operations on this tensor are recorded."""
        if self._view is not None:
            engine.renew(self)
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value):
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad=True):
        """Start or stop recording for a leaf."""
        if requires_grad:
            if self._node is None:
                if self._data.dtype.kind not in "fc":
                    raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
                self._node = engine.Leaf(self)
        elif self._node is not None:
            if not isinstance(self._node, engine.Leaf):
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                    "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            self._node = None
        return self

    @property
    def is_leaf(self):
        """Whether no recorded operation made this tensor."""
        return not self.requires_grad or isinstance(self._node, engine.Leaf)

    @property
    def grad_fn(self):
        """The node of the operation that made this tensor."""
        return None if self.is_leaf else self._node

    @property
    def grad(self):
        """The accumulated gradient, or None."""
        return self._grad

    @grad.setter
    def grad(self, value):
        if value is not None:
            if not isinstance(value, TensorBase):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
            if value._data.shape != self._data.shape:
                raise RuntimeError(
                    f"assigned grad has data of a different size: {list(value._data.shape)} for {list(self._data.shape)}"
                )
        self._grad = value

    @property
    def data(self):
        """The same memory without history."""
        return self._share([0, 0])

    @data.setter
    def data(self, value):
        if not isinstance(value, TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        self._data = value._data
        if isinstance(self._node, engine.Leaf):
            self._node.shape, self._node.dtype = self._data.shape, self._data.dtype

    def _share(self, version):
        t = wrap(settle(self)._data, None, version)
        if not t._data.flags.c_contiguous:
            t.__dict__["_fixed"] = True
        return t

    def detach(self):
        """The same memory without history; in-place changes of one show in the other."""
        return self._share(self._version)

    def detach_(self):
        """Forget the history."""
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._node = None
        return self

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        """Accumulate the gradients of this tensor into the leaves it depends on."""
        engine.backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self):
        """Keep ``grad`` although this tensor is no leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.is_leaf:
            return
        import weakref

        ref = weakref.ref(self)

        def keep(g):
            t = ref()
            if t is not None:
                t._grad = g.clone() if t._grad is None or g._node is None else t._grad + g

        self.__dict__["_retain"] = engine.add_hook(self._node, "retain", keep)

    @property
    def retains_grad(self):
        """Whether :meth:`retain_grad` was called."""
        return "_retain" in self.__dict__

    def register_hook(self, hook):
        """Call ``hook(grad)`` when the gradient arrives; what it returns replaces the gradient."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return engine.add_hook(self._node, "grad", hook)

    def register_post_accumulate_grad_hook(self, hook):
        """Call ``hook(tensor)`` after its ``grad`` has been updated."""
        if not self.is_leaf or not self.requires_grad:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return engine.add_hook(self._node, "accumulated", hook)

    # -- Python and NumPy --------------------------------------------------------------------------

    def item(self):
        """The only element, as a Python number."""
        if self._data.size != 1:
            raise RuntimeError(f"a Tensor with {self._data.size} elements cannot be converted to Scalar")
        return self._data.item()

    def tolist(self):
        """Nested lists of Python numbers."""
        return self._data.tolist()

    def numpy(self, *, force=False):
        """The array, sharing memory; refused where a gradient is required (or ``force=True``)."""
        if self._node is not None and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return settle(self)._data

    def __array__(self, dtype=None, copy=None):
        a = self.numpy()
        return a if dtype is None and not copy else np.array(a, dtype=dtype, copy=bool(copy) or None)

    def __len__(self):
        if not self._data.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._data)

    def __iter__(self):
        if not self._data.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(shaping.unbind(self, 0))

    def __bool__(self):
        if self._data.size != 1:
            if not self._data.size:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self._data.item())

    def __int__(self):
        return int(self.item())

    def __float__(self):
        return float(self.item())

    def __index__(self):
        if self._data.size != 1 or self._data.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._data.item())

    def __contains__(self, element):
        return bool((self._data == engine.unwrap(element)).any())

    __hash__ = object.__hash__

    def __repr__(self):
        from ._printing import tensor_repr

        return tensor_repr(self)

    def __format__(self, spec):
        if not self._data.ndim:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    # -- operators ---------------------------------------------------------------------------------

    def __add__(self, other): return ew.add(self, other)
    def __radd__(self, other): return ew.add(other, self)
    def __sub__(self, other): return ew.sub(self, other)
    def __rsub__(self, other): return ew.sub(other, self)
    def __mul__(self, other): return ew.mul(self, other)
    def __rmul__(self, other): return ew.mul(other, self)
    def __truediv__(self, other): return ew.div(self, other)
    def __rtruediv__(self, other): return ew.div(other, self)
    def __floordiv__(self, other): return ew.floor_divide(self, other)
    def __rfloordiv__(self, other): return ew.floor_divide(other, self)
    def __mod__(self, other): return ew.remainder(self, other)
    def __rmod__(self, other): return ew.remainder(other, self)
    def __pow__(self, other): return ew.pow(self, other)
    def __rpow__(self, other): return ew.pow(other, self)
    def __matmul__(self, other): return linalg.matmul(self, other)
    def __rmatmul__(self, other): return linalg.matmul(other, self)
    def __neg__(self): return ew.neg(self)
    def __pos__(self): return self
    def __abs__(self): return ew.abs(self)
    def __invert__(self): return ew.bitwise_not(self)
    def __and__(self, other): return ew.bitwise_and(self, other)
    def __or__(self, other): return ew.bitwise_or(self, other)
    def __xor__(self, other): return ew.bitwise_xor(self, other)
    def __rand__(self, other): return ew.bitwise_and(other, self)
    def __ror__(self, other): return ew.bitwise_or(other, self)
    def __rxor__(self, other): return ew.bitwise_xor(other, self)
    def __lshift__(self, other): return ew.bitwise_left_shift(self, other)
    def __rshift__(self, other): return ew.bitwise_right_shift(self, other)
    def __eq__(self, other): return ew.eq(self, other)
    def __ne__(self, other): return ew.ne(self, other)
    def __lt__(self, other): return ew.lt(self, other)
    def __le__(self, other): return ew.le(self, other)
    def __gt__(self, other): return ew.gt(self, other)
    def __ge__(self, other): return ew.ge(self, other)
    def __iadd__(self, other): return inplace(ew.add, self, other)
    def __isub__(self, other): return inplace(ew.sub, self, other)
    def __imul__(self, other): return inplace(ew.mul, self, other)
    def __itruediv__(self, other): return inplace(ew.div, self, other)
    def __ifloordiv__(self, other): return inplace(ew.floor_divide, self, other)
    def __imod__(self, other): return inplace(ew.remainder, self, other)
    def __ipow__(self, other): return inplace(ew.pow, self, other)
    def __iand__(self, other): return inplace(ew.bitwise_and, self, other)
    def __ior__(self, other): return inplace(ew.bitwise_or, self, other)
    def __ixor__(self, other): return inplace(ew.bitwise_xor, self, other)

    def __getitem__(self, index):
        if not self._data.flags.c_contiguous:
            settle(self)
        return _indexing.getitem(self, index)

    def __setitem__(self, index, value):
        settle(self)
        _indexing.setitem(self, index, value)

    # -- dtype and device --------------------------------------------------------------------------

    def to(self, *args, device=None, dtype=None, non_blocking=False, copy=False, memory_format=None):
        """``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or ``to(other)``."""
        from .device import check_device

        for a in args:
            if isinstance(a, TensorBase):
                dtype = a.dtype
            elif isinstance(a, (dtypes.dtype, type, np.dtype)):
                dtype = a
            elif isinstance(a, bool):
                pass
            elif a is not None:
                device = a
        check_device(device)
        d = self._data.dtype if dtype is None else dtypes.to_numpy(dtype)
        if d != self._data.dtype:
            return engine.cast(self, dtype=d)
        return engine.clone(self) if copy else self

    def type(self, dtype=None, non_blocking=False):
        """The name of the type (``torch.FloatTensor``), or the tensor as another type."""
        if dtype is None:
            return self.dtype.typename
        if isinstance(dtype, str):
            dtype = next(d for d in dtypes._NAMED.values() if d.typename == dtype)
        return self.to(dtype=getattr(dtype, "tensor_dtype", dtype))

    def type_as(self, other): return self.to(dtype=other.dtype)
    def float(self): return self.to(dtype=dtypes.of("float32"))
    def double(self): return self.to(dtype=dtypes.of("float64"))
    def half(self): return self.to(dtype=dtypes.of("float16"))
    def long(self): return self.to(dtype=dtypes.of("int64"))
    def int(self): return self.to(dtype=dtypes.of("int32"))
    def short(self): return self.to(dtype=dtypes.of("int16"))
    def char(self): return self.to(dtype=dtypes.of("int8"))
    def byte(self): return self.to(dtype=dtypes.of("uint8"))
    def bool(self): return self.to(dtype=dtypes.of("bool"))
    def cpu(self, memory_format=None): return self

    def cuda(self, device=None, non_blocking=False, memory_format=None):
        """Raises: there is no GPU here."""
        from .device import check_device

        check_device("cuda")

    # -- the functions of tensorlite.functions, as methods ------------------------------------------

    T = property(lambda self: sh.permute(settle(self), dims=tuple(range(self._data.ndim))[::-1]))
    mT = property(lambda self: sh.mT(settle(self)))
    H = property(shaping.adjoint)
    mH = property(shaping.adjoint)
    real = property(pointwise.real)
    imag = property(pointwise.imag)

    def clone(self, *, memory_format=None):
        """A copy on the tape."""
        return engine.clone(self)

    def fill_(self, value):
        """Every element ``value``."""
        return inplace(ew.assign, self, value)

    def zero_(self):
        """Every element 0."""
        return inplace(ew.assign, self, 0)

    def copy_(self, src, non_blocking=False):
        """The elements of ``src``, broadcast."""
        return inplace(ew.assign, self, src)

    def add_(self, other, *, alpha=1):
        """``self += alpha * other``."""
        return inplace(ew.add, self, other if alpha == 1 else ew.mul(other, alpha))

    def sub_(self, other, *, alpha=1):
        """``self -= alpha * other``."""
        return inplace(ew.sub, self, other if alpha == 1 else ew.mul(other, alpha))

    def masked_fill(self, mask, value):
        """``value`` where ``mask`` holds, else the tensor's own elements."""
        return ew.where(mask, ew.assign(self, value) if False else value, self)

    def new_zeros(self, *size, dtype=None, device=None, requires_grad=False):
        """Zeros with this tensor's dtype."""
        from .creation import zeros

        return zeros(*size, dtype=self.dtype if dtype is None else dtype, requires_grad=requires_grad)

    def new_ones(self, *size, dtype=None, device=None, requires_grad=False):
        """Ones with this tensor's dtype."""
        from .creation import ones

        return ones(*size, dtype=self.dtype if dtype is None else dtype, requires_grad=requires_grad)

    def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
        """A copy of ``data`` with this tensor's dtype."""
        from .creation import tensor

        return tensor(data, dtype=self.dtype if dtype is None else dtype, requires_grad=requires_grad)


for _module in (pointwise, reducing, shaping, matrices):
    for _name, _function in list(vars(_module).items()):
        if not _name.startswith("_") and getattr(_function, "__module__", "").startswith("tensorlite.functions"):
            if _name not in vars(Tensor) and _name not in ("cat", "stack", "concat", "concatenate", "into"):
                setattr(Tensor, _name, _function)
for _op in (ew.mul, ew.div, ew.pow, ew.remainder, ew.exp, ew.log, ew.sqrt, ew.tanh, ew.sigmoid, ew.relu, ew.neg, ew.abs,
            ew.sin, ew.cos, ew.floor, ew.ceil, ew.round, ew.square, ew.reciprocal):
    setattr(Tensor, _op.primitive.name + "_", _inplace(_op))
Tensor.masked_fill_ = lambda self, mask, value: inplace(_MASKED, self, mask, value)
Tensor.clamp_ = lambda self, min=None, max=None: inplace(ew._clamp, self, min, max)


@engine.primitive(broadcasts=True, nondiff=("mask",))
def _masked_fill(x, mask, value):
    """``value`` where ``mask`` holds, else ``x``."""
    return np.where(mask, np.asarray(value).astype(x.dtype), x)


_masked_fill.vjp(x=lambda g, mask: ew.where(mask, 0.0, g), value=lambda g, mask: ew.where(mask, g, 0.0))
_MASKED = _masked_fill
engine.result_class = Tensor
