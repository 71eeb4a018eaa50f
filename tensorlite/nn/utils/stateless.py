"""A module called with other parameters than its own."""

from contextlib import contextmanager

__all__ = ["functional_call"]


@contextmanager
def _swapped(module, tensors, tie_weights):
    """``tensors`` (by path) in the places of parameters and buffers, for a block."""
    owners = {}
    for path, m in module.named_modules(remove_duplicate=False):
        for members in (m._parameters, m._buffers):
            for name, value in members.items():
                owners.setdefault(f"{path}.{name}" if path else name, (members, name, value))
    if tie_weights:  # one tensor under several names is replaced under all of them
        given = {id(owners[k][2]): v for k, v in tensors.items() if k in owners}
        tensors = {
            **{k: given[id(o[2])] for k, o in owners.items() if o[2] is not None and id(o[2]) in given},
            **tensors,
        }
    if unknown := [k for k in tensors if k not in owners]:
        raise KeyError(f"Unexpected key(s): {', '.join(unknown)}: no parameter or buffer of {type(module).__name__}")
    try:
        for k, value in tensors.items():
            members, name, _ = owners[k]
            members[name] = value
        yield
    finally:
        for k in tensors:
            members, name, old = owners[k]
            members[name] = old


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """``module(*args, **kwargs)`` with the tensors of a dict in place of its parameters and buffers.

    Parameters
    ----------
    module : Module
    parameter_and_buffer_dicts : dict, or tuple of dicts
        Tensors by path; gradients flow to them.
    args : tuple or anything
        Positional arguments; a single one need not be in a tuple.
    kwargs : dict, optional
    tie_weights : bool, default True
        Replace a shared parameter under all its names.
    strict : bool
        Every parameter and buffer must be given.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.nn.utils.stateless import functional_call
    >>> layer = tl.nn.Linear(2, 1)
    >>> functional_call(layer, {"weight": tl.ones(1, 2), "bias": tl.zeros(1)}, tl.ones(2))
    tensor([2.])
    """
    dicts = parameter_and_buffer_dicts
    if isinstance(dicts, dict):
        tensors = dict(dicts)
    else:
        tensors = {}
        for d in dicts:
            if repeated := [k for k in d if k in tensors]:
                raise ValueError(
                    f"{repeated[0]} appears in multiple dictionaries; behavior of functional call is ambiguous"
                )
            tensors.update(d)
    if strict:
        own = {k for k, _ in [*module.named_parameters(remove_duplicate=False), *module.named_buffers()]}
        if missing := sorted(own - set(tensors)):
            raise RuntimeError(f"Missing key(s): {', '.join(missing)}.")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(module, tensors, tie_weights):
        return module(*args, **(kwargs or {}))
