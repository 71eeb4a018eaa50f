"""Losses as functions: PyTorch's arguments and checks over the primitives of :mod:`tensorlite.ops.losses`."""

import math
import warnings

import numpy as np

from .. import dtypes, mistakes
from .._device import Size
from ..dtypes import ShapeError
from ..engine import RECORDING, broadcast_to, state, unwrap, wrap
from ..engine.plan import called
from ..engine.trail import trail
from ..functions._common import number
from ..mistakes import losses as checks
from ..mistakes.evaluation import decided
from ..ops import elementwise as ew
from ..ops import losses as ops
from ..ops import reduction as red
from ..ops.activation import log_softmax, logsigmoid
from ..ops.shape import expand_dims
from ..ops.special import xlogy

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "ctc_loss", "gaussian_nll_loss",
    "huber_loss", "kl_div", "l1_loss", "mse_loss", "nll_loss", "poisson_nll_loss", "smooth_l1_loss",
]  # fmt: skip


def legacy_reduction(size_average, reduce, reduction, stacklevel=4):
    """The reduction that the arguments of old scripts mean."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        reduction = "none"
    else:
        reduction = "mean" if size_average is None or size_average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
        stacklevel=stacklevel,
    )
    return reduction


def check_given(name, input, target):
    """Raise for an input or a target that is no tensor."""
    for i, (argument, x) in enumerate((("input", input), ("target", target)), 1):
        if not isinstance(unwrap(x), np.ndarray):
            raise TypeError(f"{name}(): argument '{argument}' (position {i}) must be Tensor, not {type(x).__name__}")


def check_reduction(reduction):
    """Raise for a reduction that is neither 'none' nor 'mean' nor 'sum'."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")


def _judge(what, input):
    """A loss off the tape judges a model: not in training mode, one hopes."""
    if trail.noise and not state.mode & RECORDING:
        decided(what, input)


def _title(a):
    return dtypes.of(a.dtype).title


# -- one number per element ------------------------------------------------------------------------


def _aligned(input, target):
    """Both with one shape; PyTorch's warning where they broadcast."""
    _judge("A loss", input)
    a, b = unwrap(input), unwrap(target)
    if a.shape == b.shape:
        return input, target
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ShapeError(
            f"The size of tensor a {list(a.shape)} must match the size of tensor b {list(b.shape)}: the input and the target "
            "of a loss need one shape"
        ) from None
    squeeze = "input.squeeze(1)" if a.ndim == 2 and a.shape[1:] == (1,) else "target.squeeze(1)"
    cure = f"use {squeeze}" if a.size == b.size else "bring them to one shape"
    mistakes.warn(
        "TL002",
        f"Using a target size ({Size(b.shape)}) that is different to the input size ({Size(a.shape)}). This will likely lead "
        f"to incorrect results due to broadcasting: the loss is over {'x'.join(map(str, shape))} differences.",
        f"Please ensure they have the same size: {cure}.",
    )
    return broadcast_to(input, shape=shape), broadcast_to(target, shape=shape)


def _weighted(loss, weight, input, reduction, divide):
    """``loss * weight``, reduced; the mean divides by the weights' sum where ``divide`` says so."""
    if unwrap(weight).shape != unwrap(input).shape:
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    if reduction == "mean" and divide:
        return red.sum(loss) / red.sum(weight)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")
    return ops.reduce(loss, reduction)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The squared error ``(input - target)**2``.

    Parameters
    ----------
    input, target : Tensor
        Of one shape; others broadcast, with a warning.
    size_average, reduce : bool, optional
        The old way to choose ``reduction``.
    reduction : 'mean', 'sum' or 'none'
    weight : Tensor, optional
        Of the shape of ``input``; the mean divides by its sum.

    Returns
    -------
    Tensor
        A scalar, or with 'none' one value per element.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.mse_loss(tl.tensor([1.0, 2.0]), tl.tensor([1.0, 4.0]))
    tensor(2.)
    """
    a, b = _aligned(input, target)
    reduction = legacy_reduction(size_average, reduce, reduction)
    if weight is not None:
        return _weighted(ops.mse_loss(a, b, reduction="none"), weight, input, reduction, True)
    check_reduction(reduction)
    return ops.mse_loss(a, b, reduction=reduction)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The absolute error ``abs(input - target)``; arguments as :func:`mse_loss`."""
    a, b = _aligned(input, target)
    reduction = legacy_reduction(size_average, reduce, reduction)
    loss = ew.abs(ew.sub(a, b))
    return ops.reduce(loss, reduction) if weight is None else _weighted(loss, weight, input, reduction, True)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """``d**2 / (2 beta)`` where ``d = abs(input - target) < beta``, else ``d - beta / 2``."""
    a, b = _aligned(input, target)
    reduction = legacy_reduction(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    loss = ops.reduce(ew.abs(ew.sub(a, b)) if beta == 0 else ops.smooth_l1(a, b, beta=number(beta)), reduction)
    return called(loss, "SmoothL1LossBackward0")


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """``d**2 / 2`` where ``d = abs(input - target) <= delta``, else ``delta * (d - delta / 2)``."""
    a, b = _aligned(input, target)
    if not delta > 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    loss = ops.huber(a, b, delta=number(delta))
    return (
        called(ops.reduce(loss, reduction), "HuberLossBackward0")
        if weight is None
        else _weighted(loss, weight, input, reduction, False)
    )


def _check_two_class(input, target):
    a, b = unwrap(input), unwrap(target)
    if b.dtype != a.dtype:
        code = "TL013" if b.dtype == np.float64 else "TL012"
        message = f"Found dtype {_title(b)} but expected {_title(a)}"
        remedy = (
            "The input and the target need one floating-point dtype; convert the target with target.to(input.dtype)."
        )
        raise RuntimeError(mistakes.explained(message, code, remedy))


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """``-(y log p + (1 - y) log(1 - p))`` from probabilities; each logarithm is at least -100.

    Parameters
    ----------
    input : Tensor
        Probabilities in [0, 1].
    target : Tensor
        Of the same shape, between 0 and 1.
    weight : Tensor, optional
        Factors that broadcast to the shape of ``input``.

    Raises
    ------
    ValueError
        If the shapes differ.
    RuntimeError
        If a probability lies outside [0, 1], or the dtypes differ.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    a, b = unwrap(input), unwrap(target)
    if a.shape != b.shape:
        raise ValueError(
            f"Using a target size ({Size(b.shape)}) that is different to the input size ({Size(a.shape)}) is deprecated. "
            "Please ensure they have the same size."
        )
    _check_two_class(input, target)
    try:
        loss = ops.binary_cross_entropy(input, target)
    except RuntimeError as error:
        raise (checks.outside(input, error) if "between 0 and 1" in str(error) else error) from None
    _judge("A binary cross-entropy", input)
    return called(ops.reduce(loss if weight is None else loss * weight, reduction), "BinaryCrossEntropyBackward0")


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """Binary cross-entropy of ``sigmoid(input)``, computed stably.

    Parameters
    ----------
    input, target : Tensor
        Logits, and values between 0 and 1 of the same shape.
    weight : Tensor, optional
        Factors that broadcast to the shape of ``input``.
    pos_weight : Tensor, optional
        Factors of the positive class, one per class.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    a, b = unwrap(input), unwrap(target)
    if a.shape != b.shape:
        raise ValueError(f"Target size ({Size(b.shape)}) must be the same as input size ({Size(a.shape)})")
    if a.dtype != b.dtype and a.dtype.kind == b.dtype.kind == "f":
        input = input.to(target.dtype)
    _check_two_class(input, target)
    checks.scores(input, "binary_cross_entropy_with_logits")
    _judge("A binary cross-entropy", input)
    if pos_weight is None:
        loss = ops.bce_with_logits(input, target)
        checks.negative(loss._data, target)
    else:
        loss = (1 - target) * input - ((pos_weight - 1) * target + 1) * logsigmoid(input)
    loss = ops.reduce(loss if weight is None else loss * weight, reduction)
    return called(loss, "BinaryCrossEntropyWithLogitsBackward0")


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """The Kullback-Leibler divergence, pointwise ``target * (log(target) - input)``.

    Parameters
    ----------
    input : Tensor
        Log-probabilities.
    target : Tensor
        Probabilities, or with ``log_target`` their logarithms.
    reduction : 'mean', 'batchmean', 'sum' or 'none'
        'batchmean' divides the sum by the batch size, as the definition does.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    elif reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    check_given("kl_div", input, target)
    if unwrap(input).dtype.kind in "iu" or unwrap(target).dtype.kind in "iu":
        raise RuntimeError("kl_div: Integral inputs not supported.")
    checks.probabilities(input, "kl_div", True, -1)
    loss = ew.exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    if reduction != "batchmean":
        return ops.reduce(loss, reduction)
    total = red.sum(loss)
    shape = unwrap(input).shape
    return total / shape[0] if shape else total


def poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None,
                     reduction="mean"):  # fmt: skip
    """The negative log-likelihood of counts: ``exp(input) - target * input``, or without ``log_input``
    ``input - target * log(input + eps)``; ``full`` adds Stirling's term for ``log(target!)``.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    check_given("poisson_nll_loss", input, target)
    loss = ew.exp(input) - target * input if log_input else input - target * ew.log(input + eps)
    if full:
        t = unwrap(target)
        safe = ew.where(t <= 1, 1.0, target)
        stirling = safe * ew.log(safe) - safe + 0.5 * ew.log(2 * math.pi * safe)
        loss = loss + ew.where(t <= 1, 0.0, stirling)
    return ops.reduce(loss, reduction)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """``(log(var) + (input - target)**2 / var) / 2``, ``var`` at least ``eps``; ``full`` adds ``log(2 pi) / 2``.

    Raises
    ------
    ValueError
        If a variance is negative, or its shape does not fit.
    """
    shape = unwrap(input).shape
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = wrap(np.full(shape, var, unwrap(input).dtype))
    elif (unwrap(var) < 0).any():
        raise ValueError("var has negative entry/entries")
    given = unwrap(var).shape
    if given != shape:
        if shape[:-1] == given:
            var = expand_dims(var, dim=-1)
        elif not (len(shape) == len(given) and sum(y for x, y in zip(shape, given) if x != y) == 1):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    # the gradient passes as if the variance had not been raised to eps
    raised = var + wrap(np.maximum(unwrap(var), number(eps)) - unwrap(var))
    d = input - target
    loss = 0.5 * (ew.log(raised) + d * d / raised)
    return ops.reduce(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


# -- classes ---------------------------------------------------------------------------------------


_LABELS = np.dtype(np.int64)


def _check_classes(x, t, weight):
    """PyTorch's complaints about scores, labels and class weights that do not fit together."""
    if not x.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if x.ndim > 1 and t.ndim and x.shape[0] != t.shape[0]:
        raise ValueError(f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({t.shape[0]}).")
    if t.dtype.kind not in "iu" or t.dtype.itemsize not in (1, 8) or t.dtype == np.int8:
        message = f"expected target dtype to be Long or Byte, but got {_title(t)}: labels are class indices"
        raise RuntimeError(checks.labels(message, x, t))
    classes = x.shape[1] if x.ndim > 1 else x.shape[0]
    if x.ndim == 1:
        if t.ndim > 1 or (t.ndim == 1 and t.shape != (1,)):
            raise ValueError(f"Expected input batch_size (1) to match target batch_size ({t.shape[0]}).")
    else:
        expected = (x.shape[0], *x.shape[2:])
        if t.shape != expected:
            if x.ndim == 2:
                message = "0D or 1D target tensor expected, multi-target not supported: the scores have shape "
                raise RuntimeError(checks.labels(f"{message}{list(x.shape)}, the labels {list(t.shape)}", x, t))
            message = f"Expected target size {list(expected)}, got {list(t.shape)}"
            raise RuntimeError(checks.labels(message, x, t))
    if weight is not None and unwrap(weight).shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(unwrap(weight).shape)}"
        )
    if weight is not None and unwrap(weight).dtype != x.dtype:
        raise RuntimeError(f"expected scalar type {_title(x)} but found {_title(unwrap(weight))} (class weights)")


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean",
                  label_smoothing=0.0):  # fmt: skip
    """The cross-entropy of ``softmax(input)`` and the target.

    Parameters
    ----------
    input : Tensor, (C,), (N, C) or (N, C, d1, ...)
        Scores before the softmax.
    target : Tensor
        Class indices (int64) of shape (), (N,) or (N, d1, ...), or probabilities of the shape of ``input``.
    weight : Tensor, (C,), optional
        A factor per class; the mean divides by the factors of the labels.
    size_average, reduce : bool, optional
        The old way to choose ``reduction``.
    ignore_index : int, default -100
        A label that does not count.
    reduction : 'mean', 'sum' or 'none'
    label_smoothing : float, default 0
        How much of the target is spread evenly over all classes.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        For a label that is no class.
    ValueError, RuntimeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.cross_entropy(tl.zeros(3, 4), tl.tensor([0, 3, 1]))
    tensor(1.3863)
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    if reduction not in ("mean", "sum", "none"):
        check_reduction(reduction)
    if label_smoothing:
        if not 0.0 <= label_smoothing <= 1.0:
            raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
        label_smoothing = number(label_smoothing)
    x, t = unwrap(input), unwrap(target)
    if x.__class__ is not np.ndarray or t.__class__ is not np.ndarray:
        check_given("cross_entropy_loss", input, target)
    checks.scores(input, "cross_entropy", 1 if x.ndim > 1 else 0)
    _judge("A cross-entropy", x)
    if x.shape == t.shape and x.ndim:
        return _soft_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    if weight is not None or x.ndim != 2 or t.dtype is not _LABELS or t.shape != x.shape[:1]:
        _check_classes(x, t, weight)
    loss = ops.cross_entropy(
        input, target, weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing
    )[0]
    if label_smoothing:
        return called(loss, "AddBackward0")
    return called(loss, "NllLoss2DBackward0") if x.ndim > 2 else loss


def _soft_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing):
    """Cross-entropy with probabilities as targets."""
    x, t = unwrap(input), unwrap(target)
    if t.dtype.kind != "f":
        message = f"Expected floating point type for target with class probabilities, got {_title(t)}: labels of the shape of "
        raise RuntimeError(checks.labels(message + "the scores are read as probabilities", x, t))
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    axis = 1 if x.ndim > 1 else 0
    classes = x.shape[axis]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    loss = log_softmax(input, dim=axis) * target
    if weight is not None:
        if unwrap(weight).shape != (classes,):
            raise RuntimeError(
                f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes but got "
                f"weight tensor of shape: {list(unwrap(weight).shape)}"
            )
        loss = loss * weight.reshape((classes,) + (1,) * (x.ndim - 1 - axis))
    loss = -red.sum(loss, dim=axis)
    return red.sum(loss) / (x.size / classes) if reduction == "mean" else ops.reduce(loss, reduction)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """``-input[target]``: the loss of log-probabilities; arguments as :func:`cross_entropy`, indices only."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    check_given("nll_loss_nd", input, target)
    x = unwrap(input)
    _check_classes(x, unwrap(target), weight)
    checks.probabilities(input, "nll_loss", True, 1 if x.ndim > 1 else 0)
    _judge("A negative log-likelihood", x)
    loss = ops.nll_loss(input, target, weight, ignore_index=ignore_index, reduction=reduction)
    return called(loss, "NllLoss2DBackward0" if x.ndim > 2 else "NllLossBackward0")


def ctc_loss(*args, **kwargs):
    """Refused: connectionist temporal classification is not implemented."""
    raise NotImplementedError("ctc_loss is not supported by tensorlite")
