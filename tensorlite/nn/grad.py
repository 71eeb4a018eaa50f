"""``torch.nn.grad``: the gradients of a convolution, from the gradient of its result."""

from .. import creation
from ..autograd import grad as _grad
from . import functional as F

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _both(conv):
    def of_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
        x = creation.zeros(tuple(input_size), dtype=weight.dtype, requires_grad=True)
        y = conv(x, weight.detach(), None, stride, padding, dilation, groups)
        return _grad(y, x, grad_output)[0]

    def of_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
        w = creation.zeros(tuple(weight_size), dtype=input.dtype, requires_grad=True)
        y = conv(input.detach(), w, None, stride, padding, dilation, groups)
        return _grad(y, w, grad_output)[0]

    of_input.__name__, of_weight.__name__ = f"{conv.__name__}_input", f"{conv.__name__}_weight"
    of_input.__doc__ = f"The gradient of ``{conv.__name__}`` with respect to its input, of shape ``input_size``."
    of_weight.__doc__ = f"The gradient of ``{conv.__name__}`` with respect to its weight, of shape ``weight_size``."
    return of_input, of_weight


conv1d_input, conv1d_weight = _both(F.conv1d)
conv2d_input, conv2d_weight = _both(F.conv2d)
conv3d_input, conv3d_weight = _both(F.conv3d)
