"""Tensor: an array on the tape, with PyTorch's attributes, operators and protocols.

The named methods (``x.exp()``, ``x.sum(dim=0)``, ``x.add_(y)``) are in :mod:`tensorlite._methods`; the operators in
:mod:`tensorlite._operators`, NumPy's functions on tensors in :mod:`tensorlite._numpy`.
"""

import weakref

import numpy as np

from . import dtypes, engine, mistakes
from ._device import CPU, Size, strided
from ._methods import Methods
from ._operators import Operators
from .engine import Leaf, TensorBase, wrap
from .functions import shaping
from .functions._common import wrap_dim
from .functions.layouts import is_laid_out
from .functions.shaping import settle

_tuple = tuple.__new__  # without the checks of ``Size`` itself

_NO_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated "
    "during autograd.backward().",
    "If you indeed want the .grad field to be populated for a non-leaf Tensor, use "
    ".retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf "
    "Tensor instead.",
)


def rebuild(cls, array, requires_grad, state):
    """A tensor from what ``__reduce_ex__`` wrote."""
    t = object.__new__(cls)
    t._data, t._cell, t._grad, t._view, t._node = array, [0, 0], None, None, None
    if requires_grad:
        t._node = Leaf(t)
    if state:
        t.__dict__.update(state)
    return t


class Tensor(Operators, Methods):
    """An n-dimensional array that remembers how it was computed.

    Make one with :func:`~tensorlite.tensor`, :func:`~tensorlite.zeros` and the like; the constructor itself is
    PyTorch's old one: sizes (``Tensor(2, 3)``), or data (``Tensor([1, 2])``), always float32.

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
    _asked = True  # whether operations on derived classes go through __torch_function__

    def __new__(cls, *args, device=None):
        from .old_constructors import legacy_tensor

        t = legacy_tensor(dtypes.get_default_dtype(), *args, device=device)
        return t if cls is Tensor else t.as_subclass(cls)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls._asked:
            from .overrides import adopt

            adopt(cls, Tensor)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        """What operations on a derived class call; this one gives their results that class."""
        from .overrides import default

        return default(cls, func, args, kwargs or {})

    @staticmethod
    def _make_subclass(cls, data, require_grad=False):
        return data.detach().as_subclass(cls).requires_grad_(require_grad)

    def as_subclass(self, cls):
        """The same memory and history as an instance of ``cls``."""
        t = object.__new__(cls)
        for field in ("_data", "_node", "_cell", "_grad", "_view"):
            setattr(t, field, getattr(self, field))
        return t

    # -- what it is --------------------------------------------------------------------------------

    @property
    def shape(self):
        """The sizes of all dimensions: a tuple with ``numel()``."""
        return _tuple(Size, self._data.shape)

    @property
    def dtype(self):
        """The type of the elements."""
        return dtypes.of(self._data.dtype)

    ndim = property(lambda self: self._data.ndim, doc="The number of dimensions.")
    device = property(lambda self: CPU, doc="Where the memory is: always the CPU.")
    layout = property(lambda self: strided, doc="How the memory is laid out: always with strides.")
    itemsize = property(lambda self: self._data.itemsize, doc="Bytes per element.")
    nbytes = property(lambda self: self._data.nbytes, doc="Bytes of all elements.")
    is_cuda = is_sparse = is_quantized = is_mps = is_meta = is_xpu = is_nested = is_mkldnn = property(
        lambda self: False
    )
    is_cpu = property(lambda self: True)
    names = property(lambda self: (None,) * self._data.ndim, doc="Dimension names: never set.")
    output_nr = property(lambda self: getattr(self._node, "slot", 0), doc="Which result of ``grad_fn`` this is.")

    @property
    def _version(self):
        """How often the memory has been changed in place."""
        return self._cell[1]

    def size(self, dim=None):
        """The sizes, or the size of dimension ``dim``."""
        if dim is None:
            return _tuple(Size, self._data.shape)
        if not self._data.ndim:
            raise IndexError("Dimension specified as 0 but tensor has no dimensions")
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

    def get_device(self):
        """-1: not on a GPU."""
        return -1

    def is_floating_point(self):
        """Whether the elements are real floats."""
        return self._data.dtype.kind == "f"

    def is_complex(self):
        """Whether the elements are complex."""
        return self._data.dtype.kind == "c"

    def is_signed(self):
        """Whether elements can be negative."""
        return self._data.dtype.kind in "ifc"

    def is_inference(self):
        """Whether the tensor was made in inference mode; never marked here."""
        return False

    def is_pinned(self):
        """Whether the memory is page-locked: never."""
        return False

    def stride(self, dim=None):
        """Steps in elements between neighbours of each dimension (or of ``dim``)."""
        a = settle(self)._data
        if dim is not None:
            return a.strides[wrap_dim(dim, a.ndim)] // a.itemsize
        if a.flags.c_contiguous:  # NumPy leaves the strides of dimensions of size 1 open
            strides, step = [], 1
            for n in reversed(a.shape):
                strides.append(step)
                step *= max(n, 1)
            return tuple(reversed(strides))
        return tuple([s // a.itemsize for s in a.strides])

    def storage_offset(self):
        """Where the first element stands in the memory that views share."""
        a = settle(self)._data
        base = a
        while isinstance(base.base, np.ndarray):
            base = base.base
        return (a.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // a.itemsize

    def data_ptr(self):
        """The address of the first element."""
        return settle(self)._data.__array_interface__["data"][0]

    def is_shared(self):
        """Whether other processes see the memory: never."""
        return False

    def dim_order(self, *, ambiguity_check=False):
        """The dimensions from the one with the largest stride to the one with the smallest."""
        if ambiguity_check:
            raise NotImplementedError("dim_order(ambiguity_check=...) is not supported")
        stride = self.stride()
        return tuple(sorted(range(len(stride)), key=lambda d: -stride[d]))

    def storage(self):
        """The memory that views share, as a line of elements."""
        from ._storage import TypedStorage

        return TypedStorage(settle(self))

    def untyped_storage(self):
        """The memory that views share, as bytes."""
        from ._storage import UntypedStorage

        return UntypedStorage(settle(self))

    def module_load(self, other, assign=False):
        """What ``load_state_dict`` puts in the place of this parameter: ``other``, or this one with its values."""
        if assign:
            return other.detach()
        return self.copy_(other).detach()

    def reinforce(self, reward):
        """Raises, as in PyTorch: use :mod:`tensorlite.distributions` and ``log_prob``."""
        raise RuntimeError("reinforce() was removed. Use torch.distributions instead.")

    def is_contiguous(self, memory_format=None):
        """Whether the elements lie in C order, or in that of ``memory_format``."""
        a = settle(self)._data
        return bool(a.flags.c_contiguous) if memory_format is None else is_laid_out(a, memory_format)

    def is_set_to(self, tensor):
        """Whether both show the same memory in the same way."""
        a, b = settle(self)._data, settle(tensor)._data
        return a.__array_interface__ == b.__array_interface__

    # -- gradient ----------------------------------------------------------------------------------

    @property
    def requires_grad(self):
        """Whether operations on this tensor are recorded."""
        if self._view is not None and not self._view.fixed:
            engine.renew(self)
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value):
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad=True):
        """Start or stop recording for a leaf."""
        if requires_grad:
            if not self.requires_grad:
                if self._data.dtype.kind not in "fc":
                    raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
                self._node = Leaf(self)
        elif self.requires_grad:
            if not isinstance(self._node, Leaf):
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                    "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            self._node = None
        return self

    @property
    def is_leaf(self):
        """Whether no recorded operation made this tensor."""
        return not self.requires_grad or isinstance(self._node, Leaf)

    @property
    def grad_fn(self):
        """The node of the operation that made this tensor; None for a leaf."""
        if self._view is not None:
            engine.renew(self)
        node = self._node
        return None if node is None or isinstance(node, Leaf) else node.shown()

    @property
    def grad(self):
        """The accumulated gradient, or None."""
        g = self._grad
        if g is None and self._node is not None and not isinstance(self._node, Leaf) and not self.retains_grad:
            mistakes.warn("TL018", *_NO_GRAD)
        return g

    @grad.setter
    def grad(self, value):
        if value is not None:
            if not isinstance(value, TensorBase):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._data.dtype != self._data.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype.name}' to a tensor with grad_dtype "
                    f"'{self.dtype.name}'. The gradient must match the tensor's grad_dtype."
                )
            if value._data.shape != self._data.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value._data.shape)}' to a tensor of size "
                    f"'{list(self._data.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
        self._grad = value

    @grad.deleter
    def grad(self):
        self._grad = None

    @property
    def data(self):
        """The same memory without history; changes made through it are not noticed by the tape."""
        return self._share([0, 0], ".data")

    @data.setter
    def data(self, value):
        if not isinstance(value, TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._node is not None and value._data.dtype.kind not in "fc":
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._data = settle(value)._data
        self._view = None
        if not self._data.flags.c_contiguous:
            self.__dict__["_fixed"] = True
        if isinstance(self._node, Leaf):
            self._node.shape, self._node.dtype = self._data.shape, self._data.dtype

    def _share(self, version, why):
        """The same memory without history."""
        a = settle(self)._data
        t = wrap(a, None, version)
        if not a.flags.c_contiguous:
            t.__dict__["_fixed"] = True  # others see this memory: never reorder it
        if self._node is not None:
            t.__dict__["_cut"] = why
            engine.trail.cut(why)
        return t

    def detach(self):
        """The same memory without history; in-place changes of one show in the other."""
        return self._share(self._cell, "detach()")

    def detach_(self):
        """Forget the history."""
        if self._view is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
                "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
                "detach_() cannot be called on these gradients."
            )
        self._node = None
        return self

    @property
    def _base(self):
        """The tensor that this one is a view of, or None."""
        return None if self._view is None else self._view.base

    def _is_view(self):
        """Whether this tensor shares the memory of another one."""
        return self._view is not None

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        """Accumulate the gradients of this tensor into the ``grad`` of the leaves it depends on.

        Parameters
        ----------
        gradient : Tensor, optional
            Gradient of some later result with respect to this tensor; 1 for a scalar.
        retain_graph : bool, default ``create_graph``
            Keep the graph for another backward pass.
        create_graph : bool
            Record the backward pass, for higher derivatives.
        inputs : sequence of Tensor, optional
            Accumulate into these only.
        """
        engine.gradient.run_backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self):
        """Keep ``grad`` although this tensor is no leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if isinstance(self._node, Leaf):
            return
        if self.retains_grad:
            self.__dict__.pop("_retain").remove()
        ref = weakref.ref(self)

        def keep(g):
            t = ref()
            if t is not None:
                t._grad = (
                    (g.clone() if g._node is not None else wrap(g._data.copy())) if t._grad is None else t._grad + g
                )

        self.__dict__["_retain"] = engine.add_hook(self._node, "retain", keep)

    @property
    def retains_grad(self):
        """Whether :meth:`retain_grad` was called."""
        return "_retain" in self.__dict__

    def register_hook(self, hook):
        """Call ``hook(grad)`` when the gradient arrives; what it returns replaces the gradient.

        Returns
        -------
        handle
            With ``remove()``.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return engine.add_hook(self._node, "grad", hook)

    def register_post_accumulate_grad_hook(self, hook):
        """Call ``hook(tensor)`` after its ``grad`` has been updated; leaves only."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not isinstance(self._node, Leaf):
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return engine.add_hook(self._node, "accumulated", hook)

    # -- Python --------------------------------------------------------------------------------------

    def item(self):
        """The only element, as a Python number."""
        if self._data.size != 1:
            raise RuntimeError(f"a Tensor with {self._data.size} elements cannot be converted to Scalar")
        if self._node is not None:
            engine.trail.cut("item()")
        return self._data.item()

    def tolist(self):
        """Nested lists of Python numbers."""
        return self._data.tolist()

    def __len__(self):
        if not self._data.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._data.shape[0]

    def __iter__(self):
        if not self._data.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(shaping.unbind(self, 0))

    def __reversed__(self):
        return shaping.flip(self, 0) if self._data.ndim else self

    def __bool__(self):
        if self._data.size != 1:
            what = "more than one value" if self._data.size else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
        return bool(self._data.item())

    def _number(self):
        if self._data.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        if self._node is not None:
            engine.trail.cut("a conversion to a Python number")
        return self._data.item()

    def __int__(self):
        return int(self._number())

    def __float__(self):
        return float(self._number())

    def __complex__(self):
        return complex(self._number())

    def __index__(self):
        if self._data.size != 1 or self._data.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._data.item())

    def __contains__(self, element):
        if not isinstance(element, (TensorBase, int, float, complex, np.generic)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool((self._data == engine.unwrap(element)).any())

    def __repr__(self, *, tensor_contents=None):
        from ._printing import tensor_repr

        return tensor_repr(self, tensor_contents)

    def __format__(self, spec):
        if not self._data.ndim and type(self) is Tensor:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __dir__(self):
        return sorted(set(object.__dir__(self)))

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
                "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
                "see https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]
        from copy import deepcopy

        state = {k: v for k, v in self.__dict__.items() if k not in ("_fixed", "_cut", "_retain")}
        t = rebuild(type(self), settle(self)._data.copy(order="K"), self.requires_grad, None)
        if not t._data.flags.c_contiguous:
            t.__dict__["_fixed"] = True
        memo[id(self)] = t
        t.__dict__.update(deepcopy(state, memo))
        if self._grad is not None:
            t._grad = deepcopy(self._grad, memo)
        return t

    def __reduce_ex__(self, protocol):
        state = {k: v for k, v in self.__dict__.items() if k not in ("_fixed", "_cut", "_retain")}
        return rebuild, (type(self), settle(self)._data, self.requires_grad, state)

    # -- NumPy and DLPack ----------------------------------------------------------------------------

    def numpy(self, *, force=False):
        """The array, sharing memory.

        Raises
        ------
        RuntimeError
            If the tensor requires grad and ``force`` is False.
        """
        if not force and self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if "_cut" in self.__dict__:
            engine.trail.cut("numpy()")
        return settle(self)._data

    def __array__(self, dtype=None, copy=None):
        a = self.numpy()
        return a if dtype is None and not copy else np.array(a, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        from ._numpy import array_ufunc

        return array_ufunc(self, ufunc, method, *inputs, **kwargs)

    def __array_function__(self, func, types, args, kwargs):
        from ._numpy import array_function

        return array_function(self, func, types, args, kwargs)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        a = settle(self)._data
        return a.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)

    def __dlpack_device__(self):
        return self._data.__dlpack_device__()


engine.results_are(Tensor)
