"""Losses that get what they do not take: scores for probabilities, probabilities for scores, labels that are no classes.

What made the input of a loss stands on the tape; where that looks wrong, the numbers decide.
"""

import numpy as np

from . import explained, warn

__all__ = ["labels", "negative", "probabilities", "scores", "source"]

#: Operations that pass values on as they are; views are known by their primitive.
_THROUGH = frozenset(
    {"cast", "clone", "alias", "reshape", "getitem", "take_index", "take_slice", "contiguous", "cat", "stack"}
)
#: What makes scores: the last operation of a layer without activation.
_SCORES = frozenset({"linear", "matmul", "addmm", "conv1d", "conv2d", "conv3d", "conv", "add", "bilinear"})
#: What makes probabilities, or their logarithms.
_CHANCES = frozenset({"softmax", "log_softmax", "sigmoid"})
_PROBABLE, _EITHER = _CHANCES | _THROUGH, _CHANCES | _THROUGH | _SCORES


def source(node):
    """The recorded operation that made a value, seen through views: its name, or None."""
    for _ in range(20):
        plan = getattr(node, "plan", None)
        if plan is None:
            if not node.edges or not hasattr(node, "slot"):  # a leaf, or a function of the user's
                return None
        else:
            prim = plan.primitive
            if not (prim.view or prim.name in _THROUGH):
                return prim.name
        if not node.edges:
            return None
        node = node.edges[0]
    return None


def _suspect(input, names):
    """What made ``input``, if the last operation is one of ``names`` or a view; usually that ends it."""
    node = getattr(input, "_node", None)
    if node is None:
        return None
    plan = getattr(node, "plan", None)
    if plan is None:
        return source(node) if node.edges else None
    prim = plan.primitive
    return source(node) if prim.name in names or prim.view else None


def _sums_to_one(a, axis):
    return a.size > 0 and a.shape[axis] > 1 and np.allclose(a.sum(axis=axis), 1, atol=1e-3)


def scores(input, loss, axis=None):
    """``input`` of a loss that applies softmax (along ``axis``) or the sigmoid itself: is it a probability already?"""
    name = _suspect(input, _PROBABLE)
    if name not in _CHANCES:
        return
    a = input._data
    shape = list(a.shape)
    if axis is None:
        if name == "sigmoid":
            warn(
                "TL004",
                f"{loss} got probabilities of shape {shape}: its input comes from sigmoid, which it applies itself.",
                "Drop the sigmoid and pass the scores, or use binary_cross_entropy (BCELoss).",
            )
        return
    if name == "softmax" and _sums_to_one(a, axis) and (a >= 0).all():
        what, cure = "probabilities", "Drop the softmax and pass the scores; apply softmax only to show probabilities."
    elif name == "log_softmax" and (a <= 0).all() and _sums_to_one(np.exp(a), axis):
        what, cure = (
            "log-probabilities",
            "Drop the log_softmax, or use nll_loss (NLLLoss), which takes log-probabilities.",
        )
    else:
        return
    warn("TL003", f"{loss} got {what} of shape {shape}: its input comes from {name}, which it applies itself.", cure)


def probabilities(input, loss, log, axis=None):
    """``input`` of a loss of probabilities (``log``: of their logarithms): is it something else?"""
    name = _suspect(input, _EITHER)
    if name is None:
        return
    a = input._data
    shape = list(a.shape)
    if log and name in ("softmax", "sigmoid") and (a >= 0).all() and (name == "sigmoid" or _sums_to_one(a, axis)):
        warn(
            "TL004",
            f"{loss} takes log-probabilities, but got probabilities of shape {shape}, which come from {name}.",
            "Use log_softmax in place of softmax." if name == "softmax" else "Use logsigmoid in place of sigmoid.",
        )
    elif name in _SCORES and log and (a > 0).any():
        warn(
            "TL005",
            f"{loss} takes log-probabilities, but got scores of shape {shape} up to {a.max():.3g}, which come from {name}.",
            "Apply log_softmax first, or use cross_entropy, which takes scores.",
        )
    elif name in _SCORES and not log and a.size and (a.min() < 0 or a.max() > 1):
        warn(
            "TL005",
            f"{loss} takes probabilities, but got scores of shape {shape} between {a.min():.3g} and {a.max():.3g}, which "
            f"come from {name}.",
            "Apply softmax first (as the last activation of a Model), or use CrossEntropyLoss, which takes scores.",
        )


def outside(input, error):
    """The error for probabilities outside [0, 1], with where they come from."""
    name = _suspect(input, _EITHER)
    a = input._data
    came = f" They come from {name}." if name in _SCORES else ""
    message = f"{error}, but it has values from {a.min():.4g} to {a.max():.4g}.{came}"
    remedy = "Apply sigmoid to scores first, or use binary_cross_entropy_with_logits (BCEWithLogitsLoss)."
    return RuntimeError(explained(message, "TL005", remedy))


def negative(loss, target):
    """Binary cross-entropy below zero proves targets outside [0, 1]."""
    if not loss.size or not loss.min() < 0:
        return
    t = target._data if hasattr(target, "_data") else np.asarray(target)
    if not (t.min() < 0 or t.max() > 1):
        return
    values = np.unique(t)
    shown = ", ".join(f"{v:g}" for v in values[:5]) + (", ..." if len(values) > 5 else "")
    remedy = "Targets are 0 and 1, or probabilities between them"
    remedy += (
        "; labels -1 and 1 become them by (y + 1) / 2." if t.min() < 0 else "; for several classes use cross_entropy."
    )
    warn("TL012", f"binary cross-entropy got targets of shape {list(t.shape)} outside [0, 1]: {shown}.", remedy)


_ONE_HOT = "One-hot labels become class indices by target.argmax(1), or probabilities by target.float()."


def labels(message, scores, target):
    """A message about labels, with what they look like and what to do."""
    t = target
    if t.ndim == scores.ndim and t.shape == scores.shape and scores.ndim > 1:
        hot = t.size > 0 and bool(((t == 0) | (t == 1)).all() and (t.sum(axis=1) == 1).all())
        remedy = _ONE_HOT if hot else "Class indices have one dimension less than the scores, of shape (N, C)."
    elif t.ndim == 2 and t.shape[1] == 1:
        remedy = "Labels of shape (N, 1) become class indices of shape (N,) by target.squeeze(1)."
    elif t.ndim == scores.ndim and scores.ndim > 1:
        remedy = _ONE_HOT
    elif t.dtype.kind == "f":
        whole = t.size > 0 and bool((t == np.floor(t)).all())
        remedy = "Class indices are integers: target.long()." if whole else (
            "The labels have fractions: for regression use mse_loss; class indices are integers.")  # fmt: skip
    else:
        remedy = "Class indices are int64, between 0 and the number of classes less one."
    return explained(message, "TL012", remedy)


def out_of_range(message, flat, classes, ignore):
    """A message about a label that is no class: one-based, or too many classes for the scores?"""
    counted = flat[flat != ignore]
    low, high = int(counted.min()), int(counted.max())
    if low >= 1 and high == classes:
        remedy = f"The labels go from {low} to {high}; do the labels start at 1? Subtract 1: target - 1."
    elif low < 0:
        remedy = f"The labels go from {low} to {high}; a label that is not to count needs ignore_index={low}."
    else:
        remedy = f"The labels go from {low} to {high}; the last layer needs {high + 1} outputs, not {classes}."
    return explained(message, "TL012", remedy)
