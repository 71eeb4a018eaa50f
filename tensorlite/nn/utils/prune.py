"""Pruning, which is not supported: every name of ``torch.nn.utils.prune`` raises when it is used."""

_NAMES = frozenset({
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
    "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
})  # fmt: skip


def __getattr__(name):
    if name in _NAMES:
        raise NotImplementedError(f"nn.utils.prune.{name} is not supported: tensorlite does not prune")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
