"""A convolution or linear layer and the batch normalisation behind it as one layer, for inference."""

from copy import deepcopy

from ... import creation
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A new convolution that computes ``bn(conv(x))``; both are in evaluation mode.

    Parameters
    ----------
    conv : convolution
    bn : batch normalisation with running statistics
    transpose : bool
        For a transposed convolution.

    Examples
    --------
    >>> import tensorlite as tl
    >>> conv, bn, x = tl.nn.Conv2d(3, 4, 1).eval(), tl.nn.BatchNorm2d(4).eval(), tl.ones(1, 3, 2, 2)
    >>> tl.allclose(tl.nn.utils.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
    True
    """
    return _fused(fuse_conv_bn_weights, conv, bn, transpose)


def fuse_linear_bn_eval(linear, bn):
    """A new linear layer that computes ``bn(linear(x))``; both are in evaluation mode."""
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got linear.out_features="
            f"{linear.out_features} and bn.num_features={bn.num_features}"
        )
    return _fused(fuse_linear_bn_weights, linear, bn)


def _fused(weights, layer, bn, *more):
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    new = deepcopy(layer)
    new.weight, new.bias = weights(
        new.weight, new.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, *more
    )
    return new


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """``(weight, bias)`` of a convolution followed by a batch normalisation: ``w s`` and ``(b - mean) s + shift``."""
    scale = (bn_rv + bn_eps).rsqrt() * (1 if bn_w is None else bn_w)
    ones = (1,) * (conv_w.dim() - 2)
    return _scaled(conv_w, conv_b, scale.reshape(*((1, -1) if transpose else (-1, 1)), *ones), scale, bn_rm, bn_b)


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """``(weight, bias)`` of a linear layer followed by a batch normalisation."""
    scale = (bn_rv + bn_eps).rsqrt() * bn_w
    return _scaled(linear_w, linear_b, scale.unsqueeze(-1), scale, bn_rm, bn_b)


def _scaled(weight, bias, by_row, scale, mean, shift):
    dtype, wants = (weight.dtype, False) if bias is None else (bias.dtype, bias.requires_grad)
    bias = creation.zeros_like(mean) if bias is None else bias
    new = (bias - mean) * scale + (0 if shift is None else shift)
    return (
        Parameter((weight * by_row).detach().to(weight.dtype), weight.requires_grad),
        Parameter(new.detach().to(dtype), wants),
    )
