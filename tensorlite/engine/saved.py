"""What a node keeps, under PyTorch's names: ``y.grad_fn._saved_self``, ``y.grad_fn._raw_saved_self.register_hooks(...)``."""

from .node import Leaf
from .plan import PackedPlan, changed, pack, twice
from .tape import TensorBase, ndarray, state

#: PyTorch's names of arguments where they are not ``self`` and ``other``.
NAMES = {
    "addcdiv": {"a": "tensor1", "b": "tensor2"},
    "addcmul": {"a": "tensor1", "b": "tensor2"},
    "clamp": {"low": "min", "high": "max"},
    "linear": {"x": "input"},
    "matmul": {"b": "mat2"},
    "mse_loss": {"b": "target"},
    "pow": {"b": "exponent"},
}


def _plan(node):
    return node.plan.plan if isinstance(node.plan, PackedPlan) else node.plan


def places(node):
    """PyTorch's name of each value that ``node`` keeps, and its number there."""
    plan = _plan(node)
    prim = plan.primitive
    own = NAMES.get(prim.name, {})
    usual = {"x": "self", "a": "self", "b": "other", "start": "self"}
    found = {}
    for i, name in enumerate(plan.kept_names):
        base = name.removesuffix("_shape")
        known = "result" if name == "out" else own.get(base) or usual.get(base, base)
        found[f"{known}_sym_sizes" if base != name else known] = i
    return found


def _values(node):
    if node.kept is None:
        raise twice(node)
    for cell in node.cells:
        if cell[0] > node.seq:
            raise changed(node, cell)
    return node.kept() if callable(node.kept) else node.kept


def value(node, i):
    """The value number ``i`` that ``node`` keeps, as users see it."""
    found = _plan(node).attach(node, _values(node))[i]
    if isinstance(found, TensorBase) and found._node.__class__ is Leaf:
        leaf = found._node.tensor()
        return leaf if leaf is not None and leaf._data is found._data else found
    return found


class watching_nothing:
    """Hooks run off the tape and unobserved."""

    def __enter__(self):
        self.old = state.mode, state.watch
        state.mode, state.watch = 0, None

    def __exit__(self, *exc):
        state.mode, state.watch = self.old


def packed(tensor, pack_hook, unpack_hook):
    """Keep ``pack_hook(tensor)``; a function that makes the array of it again, by ``unpack_hook``.

    Raises
    ------
    RuntimeError
        If ``pack_hook`` changes the tensor; TypeError, later, if ``unpack_hook`` gives something else.
    """
    version = tensor._cell[1]
    with watching_nothing():
        held = pack_hook(tensor)
    if tensor._cell[1] != version:
        raise RuntimeError(
            "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be "
            "modified by in-place operations as this can lead to unexpected side-effects."
        )

    def unpacked():
        with watching_nothing():
            t = unpack_hook(held)
        if not isinstance(t, TensorBase):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}"
            )
        return t._data

    return unpacked


class SavedTensor:
    """The place of one kept tensor."""

    def __init__(self, node, i):
        self._node, self._i = node, i

    def register_hooks(self, pack_hook, unpack_hook):
        """Keep ``pack_hook(tensor)`` instead; ``unpack_hook`` gives the tensor back when it is needed."""
        node, i = self._node, self._i
        tensor = value(node, i)
        if not isinstance(tensor, TensorBase):
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
        unpacked, rest = packed(tensor.detach(), pack_hook, unpack_hook), node.kept
        if rest.__class__ is tuple:
            rest = rest[:i] + (None,) + rest[i + 1 :]

        def holder():
            values = rest() if callable(rest) else rest
            return values[:i] + (unpacked(),) + values[i + 1 :]

        if callable(rest):
            node.kept = holder
        else:
            pack(node, holder)


def attribute(node, name):
    """``node._saved_<name>`` and ``node._raw_saved_<name>``.

    Raises
    ------
    AttributeError
        If the node keeps nothing of that name.
    """
    raw, _, known = name.partition("_saved_")
    if raw in ("", "_raw") and known:
        i = places(node).get(known)
        if i is not None and not raw:
            return value(node, i)
        if i is not None and (node.kept is None or callable(node.kept) or isinstance(node.kept[i], ndarray)):
            return SavedTensor(node, i)
    raise AttributeError(f"{node.name()!r} object has no attribute {name!r}")
