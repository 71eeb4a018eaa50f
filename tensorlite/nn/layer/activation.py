"""Activations as modules."""

import warnings

from ...creation import empty
from .. import functional_activation as F
from ..init import constant_
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


def _inplace(module, lead=""):
    """The part of ``repr`` that says ``inplace=True``."""
    return f"{lead}inplace=True" if module.inplace else ""


class _Plain(Module):
    """An activation without numbers to choose, which may write its result into its input."""

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return type(self).function(input, self.inplace)

    def extra_repr(self):
        return _inplace(self)


class _Curved(Module):
    """An activation with a number ``alpha``."""

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input):
        return type(self).function(input, self.alpha, self.inplace)

    def extra_repr(self):
        return f"alpha={self.alpha}{_inplace(self, ', ')}"


class _Shrink(Module):
    """An activation with a number ``lambd``."""

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return type(self).function(input, self.lambd)

    def extra_repr(self):
        return str(self.lambd)


class _Along(Module):
    """An activation along a dimension."""

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return type(self).function(input, self.dim, _stacklevel=5)

    def extra_repr(self):
        return f"dim={self.dim}"


class ReLU(_Plain):
    """``max(x, 0)``.

    Parameters
    ----------
    inplace : bool, default False
        Write the result into the input.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ReLU()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """

    function = staticmethod(F.relu)


class SELU(_Plain):
    """The self-normalizing unit (Klambauer et al. 2017).

    Parameters
    ----------
    inplace : bool, default False
        Write the result into the input.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.SELU()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.1113,  0.0000,  2.1014])
    """

    function = staticmethod(F.selu)


class SiLU(_Plain):
    """``x * sigmoid(x)``, also called swish.

    Parameters
    ----------
    inplace : bool, default False
        Write the result into the input.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.SiLU()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2689,  0.0000,  1.7616])
    """

    function = staticmethod(F.silu)


class Mish(_Plain):
    """``x * tanh(softplus(x))``.

    Parameters
    ----------
    inplace : bool, default False
        Write the result into the input.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Mish()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3034,  0.0000,  1.9440])
    """

    function = staticmethod(F.mish)


class Hardsigmoid(_Plain):
    """``clip(x + 3, 0, 6) / 6``.

    Parameters
    ----------
    inplace : bool, default False
        Write the result into the input.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Hardsigmoid()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([0.3333, 0.5000, 0.8333])
    """

    function = staticmethod(F.hardsigmoid)

    def extra_repr(self):
        return ""  # as PyTorch shows it


class Hardswish(_Plain):
    """``x * clip(x + 3, 0, 6) / 6``.

    Parameters
    ----------
    inplace : bool, default False
        Write the result into the input.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Hardswish()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3333,  0.0000,  1.6667])
    """

    function = staticmethod(F.hardswish)

    def extra_repr(self):
        return ""  # as PyTorch shows it


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Sigmoid()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([0.2689, 0.5000, 0.8808])
    """

    def forward(self, input):
        return F.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Tanh()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.7616,  0.0000,  0.9640])
    """

    def forward(self, input):
        return F.tanh(input)


class LogSigmoid(Module):
    """``log(sigmoid(x))`` without overflow.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.LogSigmoid()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.3133, -0.6931, -0.1269])
    """

    def forward(self, input):
        return F.logsigmoid(input)


class Softsign(Module):
    """``x / (1 + abs(x))``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Softsign()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.5000,  0.0000,  0.6667])
    """

    def forward(self, input):
        return F.softsign(input)


class Tanhshrink(Module):
    """``x - tanh(x)``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Tanhshrink()(tl.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2384,  0.0000,  1.0360])
    """

    def forward(self, input):
        return F.tanhshrink(input)


class LeakyReLU(Module):
    """``x`` where positive, else ``negative_slope * x``.

    Parameters
    ----------
    negative_slope : float, default 0.01
    inplace : bool, default False

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.LeakyReLU()
    LeakyReLU(negative_slope=0.01)
    """

    def __init__(self, negative_slope=0.01, inplace=False):
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input):
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}{_inplace(self, ', ')}"


class ELU(_Curved):
    """``x`` where positive, else ``alpha * (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float, default 1.0
    inplace : bool, default False

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.ELU()
    ELU(alpha=1.0)
    """

    function = staticmethod(F.elu)


class CELU(_Curved):
    """``x`` where positive, else ``alpha * (exp(x / alpha) - 1)``.

    Parameters
    ----------
    alpha : float, default 1.0
    inplace : bool, default False

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.CELU()
    CELU(alpha=1.0)
    """

    function = staticmethod(F.celu)


class RReLU(Module):
    """``x`` where positive, else ``a * x`` with ``a`` drawn from [lower, upper] in training, their mean in evaluation.

    Parameters
    ----------
    lower : float, default 1/8
    upper : float, default 1/3
    inplace : bool, default False

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.RReLU()
    RReLU(lower=0.125, upper=0.3333333333333333)
    """

    def __init__(self, lower=1.0 / 8, upper=1.0 / 3, inplace=False):
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input):
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self):
        return f"lower={self.lower}, upper={self.upper}{_inplace(self, ', ')}"


class Threshold(Module):
    """``x`` where it exceeds ``threshold``, else ``value``.

    Parameters
    ----------
    threshold : float
    value : float
    inplace : bool, default False

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Threshold(0.1, 20)
    Threshold(threshold=0.1, value=20)
    """

    def __init__(self, threshold, value, inplace=False):
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input):
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self):
        return f"threshold={self.threshold}, value={self.value}{_inplace(self, ', ')}"


class GELU(Module):
    """``x`` times the normal distribution function at ``x`` (Hendrycks & Gimpel 2016).

    Parameters
    ----------
    approximate : 'none' or 'tanh'

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.GELU()
    GELU(approximate='none')
    """

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        return F.gelu(input, self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class GLU(Module):
    """``a * sigmoid(b)`` for the two halves of the input along ``dim``.

    Parameters
    ----------
    dim : int, default -1

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.GLU()
    GLU(dim=-1)
    """

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.glu(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class Hardshrink(_Shrink):
    """``x`` where ``abs(x) > lambd``, else 0.

    Parameters
    ----------
    lambd : float, default 0.5

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Hardshrink()
    Hardshrink(0.5)
    """

    function = staticmethod(F.hardshrink)


class Softshrink(_Shrink):
    """``x`` moved towards 0 by ``lambd``, not past it.

    Parameters
    ----------
    lambd : float, default 0.5

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Softshrink()
    Softshrink(0.5)
    """

    function = staticmethod(F.softshrink)


class Softplus(Module):
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x > threshold``.

    Parameters
    ----------
    beta : float, default 1.0
    threshold : float, default 20.0

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Softplus()
    Softplus(beta=1.0, threshold=20.0)
    """

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input):
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self):
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(_Along):
    """``exp(x) / sum(exp(x))`` along ``dim``. Without ``dim`` a warning, and PyTorch's choice.

    Parameters
    ----------
    dim : int

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Softmax(1)
    Softmax(dim=1)
    """

    function = staticmethod(F.softmax)


class Softmin(_Along):
    """``softmax(-x)`` along ``dim``. Without ``dim`` a warning, and PyTorch's choice.

    Parameters
    ----------
    dim : int

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.Softmin(1)
    Softmin(dim=1)
    """

    function = staticmethod(F.softmin)


class LogSoftmax(_Along):
    """``log(softmax(x))`` along ``dim``, computed stably. Without ``dim`` a warning, and PyTorch's choice.

    Parameters
    ----------
    dim : int

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.LogSoftmax(1)
    LogSoftmax(dim=1)
    """

    function = staticmethod(F.log_softmax)


class Softmax2d(Module):
    """Softmax over the channels of ``(N, C, H, W)`` or ``(C, H, W)``."""

    def forward(self, input):
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3)


class Hardtanh(Module):
    """``x`` clipped to [min_val, max_val].

    Parameters
    ----------
    min_val, max_val : float, default -1.0 and 1.0
    inplace : bool, default False
    min_value, max_value : float, optional
        The old names.
    """

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None):
        super().__init__()
        for old, new, value in (("min_value", "min_val", min_value), ("max_value", "max_val", max_value)):
            if value is not None:
                warnings.warn(
                    f"keyword argument `{old}` is deprecated and renamed to `{new}`", FutureWarning, stacklevel=2
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")

    def forward(self, input):
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self):
        return f"min_val={self.min_val}, max_val={self.max_val}{_inplace(self, ', ')}"


class ReLU6(Hardtanh):
    """``min(max(x, 0), 6)``."""

    def __init__(self, inplace=False):
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self):
        return _inplace(self)


class PReLU(Module):
    """``x`` where positive, else ``weight * x`` with a learned weight, or one per channel (He et al. 2015).

    Parameters
    ----------
    num_parameters : int, default 1
        1, or the number of channels (dimension 1).
    init : float, default 0.25

    Attributes
    ----------
    weight : Parameter, (num_parameters,)
    """

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self):
        """Set the weight to its initial value again."""
        constant_(self.weight, self.init)

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"
