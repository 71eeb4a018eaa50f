"""``autograd.Function``: an operation whose backward step the user writes.

It becomes a node like any other. Its ``forward`` runs off the tape; its ``backward`` gets tensors,
and with ``create_graph=True`` what it computes is recorded, so it can be differentiated again.
"""

import functools
import inspect
import warnings
import weakref

import numpy as np

from .. import engine
from ..engine import RECORDING, WATCHED, Leaf, Node, Port, TensorBase, state, wrap
from ..engine.view import FUNCTION, FUNCTIONS, attach_view

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]


class FunctionCtx:
    """What ``forward`` leaves for ``backward``.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        One per argument of ``forward``.
    saved_tensors : tuple of Tensor
        What ``save_for_backward`` was given.
    """

    def __init__(self):
        self._to_save = ()
        self._dirty = ()
        self._constant = ()
        self._node = None
        self._materialize = True
        self.needs_input_grad = ()

    def save_for_backward(self, *tensors):
        """Keep tensors (inputs, outputs or intermediates; None is allowed) for ``backward``.

        Raises
        ------
        TypeError
            For anything else: keep it as an attribute of ``ctx``.
        """
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, TensorBase):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}"
                )
        self._to_save = tensors

    save_for_forward = save_for_backward

    def mark_dirty(self, *tensors):
        """Say which inputs ``forward`` has changed in place; each must be returned."""
        self._dirty = self._marked(tensors, "mark_dirty can only accept variables")

    def mark_non_differentiable(self, *tensors):
        """Say which outputs carry no gradient."""
        self._constant = self._marked(tensors, "mark_non_differentiable only accepts variable arguments")

    @staticmethod
    def _marked(tensors, rule):
        for i, t in enumerate(tensors):
            if not isinstance(t, TensorBase):
                raise RuntimeError(f"{rule}, but argument {i} is of type {type(t).__name__}")
        return tensors

    def set_materialize_grads(self, value):
        """False: gradients that did not arrive are None in ``backward`` instead of zeros."""
        self._materialize = value

    @property
    def saved_tensors(self):
        node = self._node and self._node()
        if node is None:  # not recorded (yet)
            return tuple(self._to_save)
        return node.saved()

    def __getattr__(self, name):  # PyTorch's ctx is the node
        if name in ("metadata", "name", "next_functions", "register_hook", "register_prehook"):
            node = self._node and self._node()
            if node is not None:
                return getattr(node, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class FunctionNode(Node):
    """A recorded call of a :class:`Function`."""

    broadcasts = True  # a gradient of a broadcast shape is summed, as PyTorch does
    undefined = True  # it runs though no gradient arrived

    def __getattr__(self, name):  # PyTorch's ctx is the node: its attributes are found here too
        if name in Node.__slots__:
            raise AttributeError(name)
        return getattr(self.ctx, name)

    @property
    def places(self):
        """As PyTorch's: one edge for each tensor among the arguments."""
        found = {i: j for j, i in enumerate(self.wanted)}
        return tuple([found.get(i) for i in self.tensors])

    def kept_array(self, i):
        return [array for array, cell, node in self.kept if cell is not None][i]

    def saved(self):
        kept = self.kept
        if kept is None:
            raise engine.plan.twice(self)
        for cell in self.cells:
            if cell[0] > self.seq:
                raise engine.plan.changed(self, cell)
        entries = kept() if callable(kept) else kept
        result = []
        for array, _, source in entries:
            if source.__class__ is int:  # an output of this very call
                source = self if self.single else Port.of(self, source, self.shape[source], self.dtype[source])
            leaf = source.tensor() if source.__class__ is Leaf else None
            if leaf is not None and leaf._data is array:
                result.append(leaf)
            else:
                result.append(None if array is None else wrap(array, source))
        return tuple(result)

    def apply(self, g, taped, needed=None):
        if self.kept is None:
            raise engine.plan.twice(self)
        grads = [g] if self.single else g or [None] * len(self.live)
        shapes, dtypes = ((self.shape,), (self.dtype,)) if self.single else (self.shape, self.dtype)
        slots = dict(zip(self.live, grads))
        full = []
        for i, spec in enumerate(self.outputs):
            h = slots.get(i)
            if h is None and self.ctx._materialize and spec is not None:
                slot = self.live.index(i) if i in self.live else None
                h = np.zeros(*((shapes[slot], dtypes[slot]) if slot is not None else spec))
            full.append(engine.node.tensor_or_none(h))
        result = self.function.backward(self.ctx, *full)
        return self._checked(result if isinstance(result, tuple) else (result,), taped)

    def _checked(self, result, taped):
        count = len(self.ctx.needs_input_grad)
        if len(result) > count and all(r is None for r in result[count:]):
            result = result[:count]
        if len(result) != count:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, got {len(result)})"
            )
        out = []
        for i in self.wanted:
            r = result[i]
            if r is not None and not isinstance(r, TensorBase):
                raise RuntimeError(
                    f"expected Variable or None (got {type(r).__name__}) from function {self.name()} at position {i}"
                )
            out.append(r if taped or r is None else r._data)
        return tuple(out)

    def release(self):
        """Forget the saved tensors; a call that saved none can run again."""
        if self.kept:
            self.kept = None
            self.cells = ()


def _entry(t, outputs, live):
    """(array, version cell, node or number of the output) of a saved tensor."""
    if t is None:
        return None, None, None
    for slot, i in enumerate(live):
        if outputs[i] is t:
            return t._data, t._cell, slot
    if t._view is not None:
        engine.renew(t)
    return t._data, t._cell, t._node


def _record(function, ctx, args, raw_outputs):
    """Make the node of a call and give the outputs their places on the tape."""
    single_value = not isinstance(raw_outputs, tuple)
    outputs = [raw_outputs] if single_value else list(raw_outputs)
    dirty, constant = {id(t) for t in ctx._dirty}, {id(t) for t in ctx._constant}
    tensors = [i for i, a in enumerate(args) if isinstance(a, TensorBase)]
    inputs = {id(args[i]) for i in tensors}
    wanted = [i for i in tensors if args[i]._node is not None]
    for t in ctx._dirty:
        engine.check_writable(t)
        engine.touch(t)
    node = function._node_class()()
    node.function, node.ctx, node.wanted, node.tensors = function, ctx, wanted, tensors
    node.edges = tuple([args[i]._node for i in wanted])
    node.seq = engine.clock()
    node.hooks = node.where = node.plan = None
    node.kept = node.cells = ()
    results, live = [], []
    for i, o in enumerate(outputs):
        if isinstance(o, TensorBase) and id(o) not in dirty and (id(o) in inputs or o._node is not None):
            # an input handed through: a tensor of its own; saving it means saving the output
            fresh = wrap(o._data, None, o._cell) if id(o) in constant else _handed_through(o)
            ctx._to_save = tuple([fresh if t is o and id(o) not in inputs else t for t in ctx._to_save])
            o = fresh
            if id(outputs[i]) in constant:
                constant.add(id(o))
        results.append(o)
        if isinstance(o, TensorBase) and id(o) not in constant and o._data.dtype.kind in "fc":
            live.append(i)
    node.outputs = [(o._data.shape, o._data.dtype) if isinstance(o, TensorBase) else None for o in results]
    node.live = live
    node.single = len(live) == 1
    shapes, dtypes = tuple([node.outputs[i][0] for i in live]), tuple([node.outputs[i][1] for i in live])
    node.shape, node.dtype = (shapes[0], dtypes[0]) if node.single else (shapes, dtypes)
    entries = [_entry(t, results, live) for t in ctx._to_save]
    node.kept = tuple(entries)
    node.cells = tuple([cell for _, cell, _ in entries if cell is not None])
    for slot, i in enumerate(live):
        o = results[i]
        place = node if node.single else Port.of(node, slot, o._data.shape, o._data.dtype)
        if id(o) in dirty:
            engine.rebase(o, place)
        else:
            o._node = place
            if o._view is not None:
                o._view.cut = FUNCTION if len(live) == 1 else FUNCTIONS
    ctx._node = weakref.ref(node)
    ctx._to_save = ()
    if state.mode & WATCHED:
        state.watch.recorded(node, args, results[0] if single_value else tuple(results))
    return results[0] if single_value else tuple(results)


def _handed_through(t):
    """An input that is returned as it is: a view of it."""
    view = wrap(t._data)
    attach_view(view, t, engine.alias, {})
    return view


class Function:
    """An operation with a backward step of one's own.

    Subclasses define static methods ``forward(ctx, *args)`` and ``backward(ctx, *grads)``, which returns one
    gradient (or None) per argument of ``forward``; or ``forward(*args)`` and ``setup_context(ctx, inputs, output)``.
    Call it through ``apply``.

    Notes
    -----
    ``jvp`` and ``vmap`` static methods are not called: forward mode is a double application of ``backward``
    here, and ``func.vmap`` loops over the ordinary ``forward``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> class Double(tl.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         return g * 2
    >>> x = tl.tensor([3.0], requires_grad=True)
    >>> Double.apply(x).sum().backward()
    >>> x.grad
    tensor([2.])
    """

    generate_vmap_rule = False

    def __init__(self, *args, **kwargs):
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke "
            "them on the class itself. Instantiating an autograd function will raise an error in a future version.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function "
            f"with static forward method: {type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args, **kwargs):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grads):
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @classmethod
    def _node_class(cls):
        made = cls.__dict__.get("_node_type")
        if made is None:
            made = cls._node_type = type(f"{cls.__name__}Backward", (FunctionNode,), {})
        return made

    def __init_subclass__(cls):
        if "vjp" in cls.__dict__ and "backward" not in cls.__dict__:
            cls.backward = cls.__dict__["vjp"]

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run ``forward`` and put the result on the tape."""
        ctx = FunctionCtx()
        apart = cls.setup_context is not Function.setup_context
        if apart:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        for a in args:
            if isinstance(a, TensorBase) and a._view is not None:
                engine.renew(a)
        recording = bool(state.mode & RECORDING)
        ctx.needs_input_grad = tuple([recording and isinstance(a, TensorBase) and a._node is not None for a in args])
        with engine.recording(False):
            if apart:
                out = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, out)
            else:
                out = cls.forward(ctx, *args, **kwargs)
        outputs = out if isinstance(out, tuple) else (out,)
        if any(all(t is not o for o in outputs) for t in ctx._dirty):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
                "modified inplace must all be outputs of the Function."
            )
        if any(ctx.needs_input_grad):
            return _record(cls, ctx, args, out)
        for t in ctx._dirty:
            engine.touch(t)
        known = {id(a) for a in args if isinstance(a, TensorBase)} - {id(t) for t in ctx._dirty}
        outputs = tuple([_handed_through(o) if id(o) in known else o for o in outputs])
        return outputs if isinstance(out, tuple) else outputs[0]


class InplaceFunction(Function):
    """A :class:`Function` that notes whether it works in place; older programs derive from it.

    Parameters
    ----------
    inplace : bool, default False
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace


class Error(Node):
    """Where a backward step that is not differentiable was differentiated."""

    def __init__(self, edges, shape, dtype):
        self.edges, self.shape, self.dtype = edges, shape, dtype
        self.seq = engine.clock()
        self.kept = self.cells = ()
        self.hooks = self.where = self.plan = None

    def name(self):
        return "Error"

    def apply(self, g, taped, needed=None):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(fn):
    """Decorates a ``backward`` that cannot be differentiated again: doing so raises.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.autograd.function import once_differentiable
    >>> class Square(tl.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     @once_differentiable
    ...     def backward(ctx, g):
    ...         return 2 * g * ctx.saved_tensors[0]
    """

    @functools.wraps(fn)
    def backward(ctx, *grads):
        with engine.recording(False):
            result = fn(ctx, *grads)
        sources = tuple([g._node for g in grads if isinstance(g, TensorBase) and g._node is not None])
        if not (state.mode & RECORDING) or not sources:
            return result
        many = isinstance(result, tuple)
        out = []
        for r in result if many else (result,):
            if isinstance(r, TensorBase):
                r = wrap(r._data, Error(sources, r._data.shape, r._data.dtype))
            out.append(r)
        return tuple(out) if many else out[0]

    return backward
