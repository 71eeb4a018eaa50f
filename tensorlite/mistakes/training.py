"""What an optimizer can see in its first steps: sums of old gradients, parameters without one, layers that nobody trains."""

from __future__ import annotations

import contextlib
import functools
import gc
import weakref
from collections import deque
from itertools import islice
from types import CellType, FunctionType, MethodType, ModuleType

from .. import engine
from ..engine import TensorBase
from ..engine.trail import LOSSES, place, trail
from . import explained, warn

__all__ = ["before_step", "born", "cure", "empty", "hidden", "hiding", "holders", "holding", "holds", "labels_sorted"]

#: In how many of its first steps an optimizer is watched.
EARLY = 3

#: What can hide layers from ``parameters()``, besides objects of the user's; how many items of it are looked at.
_CONTAINERS = (list, tuple, set, frozenset, deque)
_HIDING = (dict, *_CONTAINERS, FunctionType, functools.partial)
MANY = 256
_EMPTY = CellType()

#: Every optimizer, and every module with an attribute that can hide layers.
optimizers: weakref.WeakSet = weakref.WeakSet()
holders: weakref.WeakSet = weakref.WeakSet()


def holds(module, value):
    """Something that may hide layers became an attribute of ``module``: a container, a closure, another object."""
    if value.__class__ is FunctionType:
        seen = value.__closure__
    else:
        seen = value.__class__ is not tuple or any(hasattr(v, "__dict__") or v.__class__ in _CONTAINERS for v in value)
    if seen:
        with contextlib.suppress(TypeError):  # a class that defines __eq__ alone cannot be in a set
            holders.add(module)


def born(optimizer):
    """An optimizer has been made."""
    optimizers.add(optimizer)
    optimizer._early = EARLY
    optimizer._born = engine.clock()
    trail.losses = LOSSES


def _parameters(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]


def _all_ids():
    return {id(p) for o in list(optimizers) for p in _parameters(o)}


def before_step(optimizer, closure):
    """Look at the gradients before one of the first steps."""
    optimizer._early -= 1
    params = _parameters(optimizer)
    old = [p for p in params if p._grad is not None and p._grad.__dict__.get("_used") == 2]
    if old:
        optimizer._early = 0
        warn(
            "TL001",
            f"{type(optimizer).__name__}.step() was given gradients that still contain those of the step before: "
            f"{len(old)} of {len(params)} parameters, such as one of shape {list(old[0]._data.shape)}.",
            "Call optimizer.zero_grad() in every step, before backward().",
        )
    missing = [p for p in params if p._grad is None]
    if closure is None and missing:
        _without(optimizer, params, missing)
    hidden(optimizer)
    for p in params:
        if p._grad is not None:
            p._grad.__dict__["_used"] = 1


# -- parameters without a gradient ---------------------------------------------------------------------


def _leaves(root):
    """The tensors to which a backward pass from ``root`` brings gradients."""
    found = [node.tensor() for node in engine.order([root])[0] if isinstance(node, engine.Leaf)]
    return [t for t in found if t is not None]


def _shapes(tensors):
    shown = ", ".join(str(list(t._data.shape)) for t in tensors[:4])
    return shown + (", ..." if len(tensors) > 4 else "")


_WHAT = "An optimizer updates the tensors that it was given: make it from model.parameters() after the last change of the model"


def _without(optimizer, params, missing):
    since = optimizer._born
    last = trail.passes[-1] if trail.passes else None
    if last is None or last[1] < since or last[1] != trail.latest[1]:
        return  # no backward pass since the last step (a schedule is being tried out), or none that was followed
    optimizer._born = last[1] + 1
    name, at = type(optimizer).__name__, place(*last[2:4])
    every = len(missing) == len(params)
    if every and all(p._node is None for p in params):
        optimizer._early = 0
        warn(
            "TL014",
            f"{name}.step() changes nothing: none of its {len(params)} parameters requires grad.",
            "Give the optimizer the parameters that are to be trained, or unfreeze them by requires_grad_(True).",
        )
        return
    root = last[0]()
    if root is None:
        if every and not optimizer._early:
            warn(
                "TL014",
                f"The first {EARLY} steps of {name} changed nothing: none of its {len(params)} parameters (shapes "
                f"{_shapes(params)}) got a gradient from backward(), at last at {at}.",
                _WHAT + ", and compute the loss from that model.",
            )
        return
    known = _all_ids()
    stray = [t for t in _leaves(root) if id(t) not in known and (every or type(t).__name__ == "Parameter")]
    if every and stray:
        happened = f"none of its {len(params)} parameters (shapes {_shapes(params)}) got a gradient"
    else:
        gone = _orphans([p for p in missing if p._node is not None]) if stray else ()
        if not gone:
            return
        happened = f"{len(gone)} of its {len(params)} parameters (shapes {_shapes(gone)}) are in no module any more"
    optimizer._early = 0
    warn(
        "TL014",
        f"{name}.step(): {happened}; backward() at {at} leads to tensors that are in no optimizer, of shapes "
        f"{_shapes(stray)}.",
        _WHAT + ".",
    )


def _orphans(params):
    """Those that no module holds; one look through memory, when something is wrong already."""
    held = {id(v) for r in gc.get_referrers(*params) if type(r).__name__ == "Registry" for v in r.values()}
    return [p for p in params if id(p) not in held]


# -- layers in plain containers ---------------------------------------------------------------------------


def _items(value):
    """What ``value`` holds, if it can hide layers: the first items, no more."""
    if isinstance(value, dict):
        return islice(value.values(), MANY)
    if isinstance(value, _CONTAINERS):
        return islice(value, MANY)
    if isinstance(value, FunctionType):
        return [c.cell_contents for c in value.__closure__ or () if c != _EMPTY]
    if isinstance(value, functools.partial):
        return (value.func, *value.args, *value.keywords.values())
    if isinstance(value, (TensorBase, MethodType, ModuleType, type)):
        return ()
    return getattr(value, "__dict__", {}).values()


def _inside(value, depth=3):
    """Modules and parameters in nested plain containers, closures and objects."""
    if hasattr(value, "_modules") or type(value).__name__ == "Parameter":
        yield value
    elif depth:
        for v in list(_items(value)):
            yield from _inside(v, depth - 1)


def _parts(layer):
    """The parameters of a layer, or a parameter itself."""
    return [layer] if isinstance(layer, TensorBase) else layer.parameters()


def hiding():
    """(owner, attribute, what holds them, layers) for layers that their owner does not register."""
    for owner in list(holders):
        if "_modules" not in vars(owner):
            continue  # Module.__init__() has not run
        known = None
        for attribute, value in list(vars(owner).items()):
            if hasattr(value, "_modules") or attribute in ("_parameters", "_buffers", "_modules"):
                continue
            layers = list(_inside(value)) if isinstance(value, _HIDING) or hasattr(value, "__dict__") else ()
            if layers:
                known = {id(p) for p in owner.parameters()} if known is None else known
                layers = [m for m in layers if any(id(p) not in known for p in _parts(m)) and not _above(m, owner)]
                if layers:
                    yield owner, attribute, value, layers


def _above(layer, owner):
    """Whether ``layer`` is the module that ``owner`` is a part of: a way back, not a layer of its own."""
    return hasattr(layer, "_modules") and any(m is owner for m in layer.modules())


def holding(owner, attribute, value, layers):
    """``Net.blocks is a plain list of layers (Linear, ...)``."""
    names = type(layers[0]).__name__ + (", ..." if len(layers) > 1 else "")
    if isinstance(value, FunctionType):
        what = "a function that holds"
    elif isinstance(value, (dict, *_CONTAINERS)):
        what = f"a plain {type(value).__name__} of"
    else:
        what = f"a {type(value).__name__}, which is no Module, with"
    return f"{type(owner).__name__}.{attribute} is {what} layers ({names})"


def cure(owner, attribute, value, layers):
    """One sentence of what to do."""
    where = f"in {type(owner).__name__}"
    if isinstance(value, (dict, *_CONTAINERS)):
        kind = "Parameter" if isinstance(layers[0], TensorBase) else "Module"
        kind += "Dict" if isinstance(value, dict) else "List"
        return f"self.{attribute} = nn.{kind}(...) {where} registers them"
    if isinstance(value, (FunctionType, functools.partial)):
        return f"Assign the layer to an attribute of its own (self.layer = ...) {where}, and call that"
    return f"Derive {type(value).__name__} from nn.Module (and call super().__init__() in it)"


def hidden(optimizer):
    """Layers that got gradients but that neither their owner nor any optimizer knows."""
    known, own = None, {id(p) for p in _parameters(optimizer)}
    for owner, attribute, value, layers in hiding():
        registered = [id(p) for p in owner.parameters()]
        if registered and own.isdisjoint(registered):
            continue  # another model, which this optimizer does not train
        known = _all_ids() if known is None else known
        trained = {id(p): p for m in layers for p in _parts(m) if p._grad is not None and id(p) not in known}
        if trained:
            optimizer._early = 0
            warn(
                "TL007",
                f"{holding(owner, attribute, value, layers)}: {len(trained)} parameters (shapes "
                f"{_shapes([*trained.values()])}) got gradients, but parameters() does not list them and no optimizer "
                "updates them.",
                cure(owner, attribute, value, layers) + "; make the optimizer after that.",
            )


def empty(message):
    """The message for an optimizer without parameters, with the layers that may have been meant."""
    found = next((found for found in hiding() if next(found[0].parameters(), None) is None), None)
    if found is not None:
        remedy = f"{holding(*found)}; {cure(*found)}."
    else:
        remedy = "Has the module layers as attributes? A generator such as model.parameters() can be used only once."
    return explained(message, "TL015", remedy)


# -- the order of data ------------------------------------------------------------------------------------


def labels_sorted(y, batch_size, n):
    """``fit(shuffle=False)`` on data sorted by class: every batch shows one class or two."""
    if n <= batch_size or y.ndim > 2:
        return
    if y.ndim == 2:
        if y.shape[1] == 1:
            y = y[:, 0]
        elif ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
            y = y.argmax(1)
        else:
            return
    if y.dtype.kind not in "iub" and not (y.dtype.kind == "f" and (y == y.round()).all()):
        return
    steps = y[1:] != y[:-1]
    changes = int(steps.sum())
    classes = len(set(y.tolist())) if changes < n // 2 else 0
    if classes > 1 and changes == classes - 1 and classes <= n // 4:
        warn(
            "TL020",
            f"The {n} samples are sorted by their {classes} classes and shuffle=False: most batches of {batch_size} show a "
            "single class.",
            "Use shuffle=True, or shuffle the data before.",
        )
