"""Modules as functions: called with other parameters than their own, several of them stacked."""

import numpy as np

from ...engine import Leaf, TensorBase, wrap

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """Call ``module`` with other parameters and buffers in the places of its own.

    Parameters
    ----------
    module : nn.Module
    parameter_and_buffer_dicts : dict or sequence of dicts
        Names as in ``named_parameters`` and ``named_buffers``; what is not named stays, and (unless ``strict``)
        names that the module does not have are passed over.
    args : tuple or a single argument
    kwargs : dict
    tie_weights : bool
        A tensor that the module has under several names is replaced under all of them.
    strict : bool
        Every parameter and buffer must be given, and nothing else.

    Returns
    -------
    What the module returns.

    Raises
    ------
    RuntimeError
        In strict mode for missing or unexpected names.
    ValueError
        If a name is given twice, or two values for tied names.

    Examples
    --------
    >>> import tensorlite as tl
    >>> net = tl.nn.Linear(2, 1)
    >>> tl.func.functional_call(net, {"weight": tl.ones(1, 2), "bias": tl.zeros(1)}, tl.tensor([1.0, 2.0]))
    tensor([3.])
    """
    if isinstance(parameter_and_buffer_dicts, dict):
        values = dict(parameter_and_buffer_dicts)
    else:
        if not isinstance(parameter_and_buffer_dicts, (tuple, list)):
            raise ValueError(
                "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
                f"{type(parameter_and_buffer_dicts)}"
            )
        values = {}
        for d in parameter_and_buffer_dicts:
            if repeated := values.keys() & d.keys():
                raise ValueError(
                    f"{sorted(repeated)} appeared in multiple dictionaries; behavior of functional call is ambiguous"
                )
            values.update(d)
    places = {}
    for kind in ("_parameters", "_buffers"):
        for prefix, part in module.named_modules(remove_duplicate=False):
            for name, own in getattr(part, kind).items():
                if own is not None:
                    places[f"{prefix}.{name}" if prefix else name] = (getattr(part, kind), name, own)
    unexpected = [n for n in values if n not in places]
    ties = {}
    if tie_weights:
        for name, (_, _, own) in places.items():
            ties.setdefault(id(own), []).append(name)
        for names in ties.values():
            given = [n for n in names if n in values]
            if len({id(values[n]) for n in given}) > 1:
                raise ValueError(
                    f"functional_call got multiple values for keys {given}, which are tied. Consider using tie_weights=False"
                )
            if given:
                values.update(dict.fromkeys(names, values[given[0]]))
    missing = [n for n in places if n not in values]
    if strict and (unexpected or missing):
        lines = [
            f"\n\t{kind} key(s): {', '.join(map(repr, sorted(names)))}."
            for kind, names in (("Unexpected", unexpected), ("Missing", missing))
            if names
        ]
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:{''.join(lines)}")
    for value in values.values():
        if not isinstance(value, TensorBase):
            raise TypeError(f"{value} is not an instance of torch.Tensor")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for name, value in values.items():
            if name in places:
                registry, key, _ = places[name]
                registry[key] = value
        return module(*args, **(kwargs or {}))
    finally:
        for name in values:
            if name in places:
                registry, key, own = places[name]
                registry[key] = own


def stack_module_state(models):
    """Parameters and buffers of several modules of one class, stacked along a new first dimension.

    Parameters
    ----------
    models : sequence of nn.Module

    Returns
    -------
    (dict, dict)
        Stacked parameters (leaves that require grad where theirs do) and buffers.

    Raises
    ------
    RuntimeError
        If there is none, or classes or modes differ.

    Examples
    --------
    >>> import tensorlite as tl
    >>> params, buffers = tl.func.stack_module_state([tl.nn.Linear(2, 1) for _ in range(3)])
    >>> params["weight"].shape
    torch.Size([3, 1, 2])
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or not any(m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(dicts):
        result = {}
        for name in dicts[0]:
            t = wrap(np.stack([d[name]._data for d in dicts]))
            if any(d[name]._node is not None for d in dicts):
                t._node = Leaf(t)
            result[name] = t
        return result

    return stacked([dict(m.named_parameters()) for m in models]), stacked([dict(m.named_buffers()) for m in models])


def replace_all_batch_norm_modules_(root):
    """Let every batch norm below ``root`` use the statistics of its batch alone, so that it has no state; returns ``root``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> net = tl.func.replace_all_batch_norm_modules_(tl.nn.Sequential(tl.nn.BatchNorm1d(2)))
    >>> net[0].running_mean is None
    True
    """
    for module in root.modules():
        if getattr(module, "track_running_stats", False) and type(module).__name__.startswith("BatchNorm"):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
