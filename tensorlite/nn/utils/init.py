"""Modules whose initial values are not drawn."""

import inspect

from ... import rng

__all__ = ["skip_init"]


def skip_init(module_cls, *args, **kwargs):
    """Make a module without its initial values: whatever is in its parameters is to be overwritten.

    The random stream stays where it was.

    Raises
    ------
    RuntimeError
        If ``module_cls`` is no module class with a ``device`` argument.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.utils.skip_init(tl.nn.Linear, 3, 2)
    Linear(in_features=3, out_features=2, bias=True)
    """
    from ..module import Module

    if not (inspect.isclass(module_cls) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = rng.get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        rng.set_rng_state(state)
