"""Doors where PyTorch has them (``torch.utils.data``); each is imported when it is first used."""

import weakref


def swap_tensors(t1, t2):
    """Exchange two tensors: everything that refers to one refers to the other afterwards.

    Raises
    ------
    RuntimeError
        If one is needed by a recorded computation.

    Examples
    --------
    >>> import tensorlite as tl
    >>> a, b = tl.zeros(1), tl.ones(2)
    >>> tl.utils.swap_tensors(a, b)
    >>> a, b
    (tensor([1., 1.]), tensor([0.]))
    """
    for t in (t1, t2):
        if t._view is not None or (t._node is not None and not t.is_leaf):
            raise RuntimeError("Cannot swap t1 and t2: one is a view, or the result of a recorded computation")
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__
    for slot in ("_data", "_node", "_cell", "_grad"):
        a, b = getattr(t1, slot), getattr(t2, slot)
        setattr(t1, slot, b), setattr(t2, slot, a)
    for t in (t1, t2):
        if t._node is not None:
            t._node.tensor = weakref.ref(t)


def __getattr__(name):
    from importlib import import_module

    if not name.startswith("__"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
