"""Fully connected layers."""

import math

from ...creation import empty
from ...ops import linalg
from .. import init
from ..module import Module
from ..parameter import Parameter, UninitializedParameter
from ._lazy import LazyModuleMixin

__all__ = ["Bilinear", "LazyLinear", "Linear", "NonDynamicallyQuantizableLinear"]


class Linear(Module):
    """``y = x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool, default True
    device, dtype
        Where the parameters are and their type (default dtype).

    Attributes
    ----------
    weight : Parameter, (out_features, in_features)
        Starts uniform in ``(-k, k)`` with ``k = 1 / sqrt(in_features)``.
    bias : Parameter, (out_features,), or None
        Starts like the weight.

    Shapes
    ------
    ``(*, in_features)`` to ``(*, out_features)``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Linear(20, 30)(tl.zeros(128, 20)).shape
    torch.Size([128, 30])
    """

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input):
        return linalg.linear(input, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """A :class:`Linear` under the name that attention gives its output projection."""


class Bilinear(Module):
    """``y = x1 @ A @ x2 + b`` with one matrix ``A`` per output.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
    bias : bool, default True

    Attributes
    ----------
    weight : Parameter, (out_features, in1_features, in2_features)
    bias : Parameter, (out_features,), or None

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Bilinear(3, 4, 2)(tl.zeros(5, 3), tl.zeros(5, 4)).shape
    torch.Size([5, 2])
    """

    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in1_features, in2_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.weight.size(1))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1, input2):
        from ..functional import bilinear

        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self):
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """A :class:`Linear` that takes ``in_features`` from its first batch.

    Parameters
    ----------
    out_features : int
    bias : bool, default True

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.LazyLinear(3)
    >>> _ = layer(tl.zeros(2, 7))
    >>> layer
    Linear(in_features=7, out_features=3, bias=True)
    """

    cls_to_become = Linear

    def __init__(self, out_features, bias=True, device=None, dtype=None):
        # without a shape there is nothing to draw yet
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input):
        """Give the parameters the shape that ``input`` asks for, and their initial values."""
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
        if self.in_features == 0:
            self.in_features = self.weight.shape[-1]
