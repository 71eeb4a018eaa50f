"""What lazy layers share: they take missing sizes from their first batch."""

from itertools import chain

from ...engine import recording
from ..parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin:
    """Turns a layer into one that learns its sizes from the first call, and then becomes ``cls_to_become``.

    The layer makes :class:`UninitializedParameter` and :class:`UninitializedBuffer` members and defines
    ``initialize_parameters(*args)``, which materialises them.
    """

    cls_to_become = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, member in chain(self._parameters.items(), self._buffers.items()):
            if member is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = member if keep_vars or is_lazy(member) else member.detach()

    def _lazy_load_hook(self, state_dict, prefix, *_):
        """Members without a shape take it from the state that is loaded."""
        for name, member in chain(self._parameters.items(), self._buffers.items()):
            value = state_dict.get(prefix + name)
            if value is not None and is_lazy(member) and not is_lazy(value):
                with recording(False):
                    member.materialize(value.shape)

    def initialize_parameters(self, *args, **kwargs):
        """Materialise the members for these arguments of ``forward``; a lazy layer defines it."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self):
        """Whether some parameter or buffer has no shape yet."""
        return any(is_lazy(m) for m in chain(self._parameters.values(), self._buffers.values()))

    def _infer_parameters(self, module, args, kwargs=None):
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become
