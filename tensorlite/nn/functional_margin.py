"""Losses with margins and of embeddings, as functions."""

import numpy as np

from ..engine import unwrap
from ..engine.plan import called
from ..ops import elementwise as ew
from ..ops import losses as ops
from ..ops import reduction as red
from ..ops.activation import logsigmoid
from ..ops.indexing import take_index
from ..ops.shape import expand_dims, reshape
from .functional_basic import pairwise_distance
from .functional_loss import check_given, check_reduction, legacy_reduction

__all__ = [
    "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "soft_margin_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip


def _positive(x):
    """``max(x, 0)`` with gradient 1 at 0, as ``clamp_min``."""
    return ew.clamp(x, 0.0, None)


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """``max(0, -target * (input1 - input2) + margin)``: 1 asks for the first to be larger, -1 for the second."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if not unwrap(input1).ndim == unwrap(input2).ndim == unwrap(target).ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return ops.reduce(_positive(-target * (input1 - input2) + margin), reduction)


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """``input`` where ``target`` is 1, ``max(0, margin - input)`` where it is -1."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_given("hinge_embedding_loss", input, target)
    t = unwrap(target)
    loss = ew.where(t != 1, _positive(margin - input), 0.0) + ew.where(t != -1, input, 0.0)
    return ops.reduce(loss, reduction)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """``log(1 + exp(-target * input))`` for targets 1 and -1."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_given("soft_margin_loss", input, target)
    return called(ops.reduce(-logsigmoid(input * target), reduction), "SoftMarginLossBackward0")


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Binary cross-entropy of logits, averaged over the classes (the last dimension)."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return ops.reduce(red.sum(loss, dim=-1) / unwrap(input).shape[-1], reduction)


def _one_row(x):
    """Whether ``x`` is one sample without a batch dimension."""
    return x.ndim < 2


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    """``sum_i max(0, margin - input[target] + input[i])**p / C`` over the other classes.

    Parameters
    ----------
    input : Tensor, (C,) or (N, C)
    target : Tensor, () or (N,)
        Class indices.
    p : 1 or 2
    margin : float
    weight : Tensor, (C,), optional
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    check_given("multi_margin_loss", input, target)
    if weight is not None and unwrap(weight).ndim != 1:
        raise ValueError("weight must be one-dimensional")
    x = unwrap(input)
    rows = reshape(input, shape=(1, -1)) if _one_row(x) else input
    n, c = unwrap(rows).shape
    t = unwrap(target).reshape(-1).copy()  # the tape keeps it; ``target`` may change
    if t.shape != (n,):
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
            f"Expected target size {[n]}, but got {list(unwrap(target).shape)}. Input has shape {list(x.shape)}."
        )
    if t.size and not ((t >= 0) & (t < c)).all():
        raise RuntimeError(f"multi_margin_loss: target out of range: {int(t[(t < 0) | (t >= c)][0])} of {c} classes")
    picked = expand_dims(take_index(rows, index=(np.arange(n), t)), dim=1)
    z = ew.relu(margin - picked + rows)
    z = z * z if p == 2 else z
    others = np.ones((n, c), x.dtype)
    others[np.arange(n), t] = 0
    if weight is not None:
        others = others * unwrap(weight)[t][:, None]
    loss = red.sum(z * others, dim=1) / c
    if reduction == "none" and unwrap(target).ndim == 0:
        loss = reshape(loss, shape=())
    return called(ops.reduce(loss, reduction), "MultiMarginLossBackward0")


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """``sum_ij max(0, 1 - input[y_j] + input[i]) / C`` over labels ``y_j`` and the classes ``i`` that are none.

    Parameters
    ----------
    input : Tensor, (C,) or (N, C)
    target : Tensor
        Of the same shape: the labels of a row, then -1.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    check_given("multilabel_margin_loss", input, target)
    x, t = unwrap(input), unwrap(target)
    if x.shape != t.shape:
        raise RuntimeError(f"inconsistent target size: {list(t.shape)} for input of size: {list(x.shape)}")
    rows = reshape(input, shape=(1, -1)) if _one_row(x) else input
    t = t.reshape(unwrap(rows).shape)
    n, c = t.shape
    if t.size and (t.max() >= c or t.min() < -1):
        raise RuntimeError("argument #2 'target' is out of range")
    counts = np.logical_and.accumulate(t >= 0, axis=1)
    labels = np.where(counts, t, 0)
    is_label = np.zeros((n, c), bool)
    np.logical_or.at(is_label, (np.arange(n)[:, None], labels), counts)
    picked = take_index(rows, index=(np.arange(n)[:, None], labels))
    z = ew.relu(1 - expand_dims(picked, dim=2) + expand_dims(rows, dim=1))
    pairs = (counts[:, :, None] & ~is_label[:, None, :]).astype(x.dtype)
    loss = red.sum(z * pairs, dim=(1, 2)) / c
    if reduction == "none" and _one_row(x):
        loss = reshape(loss, shape=())
    return called(ops.reduce(loss, reduction), "MultilabelMarginLossBackward0")


def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """``1 - cos`` where ``target`` is 1, ``max(0, cos - margin)`` where it is -1.

    Parameters
    ----------
    input1, input2 : Tensor, (N, D) or (D,)
    target : Tensor, (N,) or ()
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    a, t = unwrap(input1), unwrap(target)
    if t.ndim > 1 or a.ndim != t.ndim + 1:
        expected = "1D target tensor expects 2D input tensors" if t.ndim == 1 else (
            "0D target tensor expects 1D input tensors" if t.ndim == 0 else "0D or 1D target tensor expected, multi-target "
            "not supported")  # fmt: skip
        raise RuntimeError(
            expected + (f", but found inputs with sizes {list(a.shape)} and {list(unwrap(input2).shape)}."
                        if t.ndim < 2 else ""))  # fmt: skip
    tiny = 1e-12
    dot = red.sum(input1 * input2, dim=-1)
    size = ew.sqrt((red.sum(input1 * input1, dim=-1) + tiny) * (red.sum(input2 * input2, dim=-1) + tiny))
    cos = dot / size
    return ops.reduce(ew.where(t == 1, 1 - cos, 0.0) + ew.where(t == -1, _positive(cos - margin), 0.0), reduction)


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None,
                        reduce=None, reduction="mean"):  # fmt: skip
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))`` with the ``p``-norm as distance.

    Parameters
    ----------
    anchor, positive, negative : Tensor, (N, D) or (D,)
    margin : float, default 1
    p, eps : float
        Of :func:`pairwise_distance`.
    swap : bool
        Use the smaller of the distances from the negative to the anchor and to the positive.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return _triplet(
        anchor, positive, negative, lambda a, b: pairwise_distance(a, b, p, eps), margin, swap, reduction
    )  # fmt: skip


def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False,
                                      reduction="mean"):  # fmt: skip
    """:func:`triplet_margin_loss` with a distance of your own (default :func:`pairwise_distance`)."""
    check_reduction(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return _triplet(anchor, positive, negative, distance_function or pairwise_distance, margin, swap, reduction)


def _triplet(anchor, positive, negative, distance, margin, swap, reduction):
    dims = [unwrap(t).ndim for t in (anchor, positive, negative)]
    if len(set(dims)) != 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {dims[0]}D, positive {dims[1]}D, and negative {dims[2]}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ew.minimum(far, distance(positive, negative))
    return ops.reduce(_positive(margin + near - far), reduction)
