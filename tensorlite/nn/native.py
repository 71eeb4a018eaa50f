"""Layers and losses that PyTorch also has at the top level, where the arguments are those of its C++ functions.

Weights come before running statistics, ``train`` must be said, and reductions are numbers: 0 for none, 1 for the mean,
2 for the sum. Everything is computed by :mod:`tensorlite.nn.functional`.
"""

from ..engine import titled
from . import functional as F

_REDUCTIONS = ("none", "mean", "sum")


def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """Rows of ``weight``."""
    padding_idx = None if padding_idx == -1 else padding_idx
    return F.embedding(indices, weight, padding_idx, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def embedding_bag(weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False, per_sample_weights=None,
                  include_last_offset=False, padding_idx=None):  # fmt: skip
    """Sums (``mode`` 0), means (1) or maxima (2) of rows of ``weight``, in a tuple; what else PyTorch has in it is None."""
    bags = F.embedding_bag(
        indices, weight, offsets, mode=("sum", "mean", "max")[mode], scale_grad_by_freq=scale_grad_by_freq, sparse=sparse,
        per_sample_weights=per_sample_weights, include_last_offset=include_last_offset, padding_idx=padding_idx,
    )  # fmt: skip
    return bags, None, None, None


def batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled):
    """:func:`tensorlite.nn.functional.batch_norm`; ``cudnn_enabled`` steers GPU kernels only."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled):
    """:func:`tensorlite.nn.functional.instance_norm`; ``cudnn_enabled`` steers GPU kernels only."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    """:func:`tensorlite.nn.functional.layer_norm`; ``cudnn_enable`` steers GPU kernels only."""
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    """:func:`tensorlite.nn.functional.group_norm`; ``cudnn_enabled`` steers GPU kernels only."""
    return F.group_norm(input, num_groups, weight, bias, eps)


def _dropout(function, *, inplace=False):
    @titled(function.__name__ + "_" * inplace, function.__doc__)
    def wrapper(input, p, train):
        return function(input, p, train, inplace)

    return wrapper


dropout, dropout_ = _dropout(F.dropout), _dropout(F.dropout, inplace=True)
alpha_dropout, alpha_dropout_ = _dropout(F.alpha_dropout), _dropout(F.alpha_dropout, inplace=True)
feature_alpha_dropout = _dropout(F.feature_alpha_dropout)
feature_dropout = _dropout(F.dropout2d)


def kl_div(input, target, reduction=0, *, log_target=False):
    """:func:`tensorlite.nn.functional.kl_div`."""
    return F.kl_div(input, target, reduction=_REDUCTIONS[reduction], log_target=log_target)


def binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=0):
    """:func:`tensorlite.nn.functional.binary_cross_entropy_with_logits`."""
    return F.binary_cross_entropy_with_logits(
        input, target, weight, reduction=_REDUCTIONS[reduction], pos_weight=pos_weight
    )


def hinge_embedding_loss(input, target, margin=1.0, reduction=0):
    """:func:`tensorlite.nn.functional.hinge_embedding_loss`."""
    return F.hinge_embedding_loss(input, target, margin, reduction=_REDUCTIONS[reduction])


def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=0):
    """:func:`tensorlite.nn.functional.cosine_embedding_loss`."""
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])


def margin_ranking_loss(input1, input2, target, margin=0.0, reduction=0):
    """:func:`tensorlite.nn.functional.margin_ranking_loss`."""
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])


def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """:func:`tensorlite.nn.functional.poisson_nll_loss`."""
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_REDUCTIONS[reduction])


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction=0):
    """:func:`tensorlite.nn.functional.triplet_margin_loss`."""
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=_REDUCTIONS[reduction])
