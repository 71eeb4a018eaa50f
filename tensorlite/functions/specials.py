"""Special functions and the activations that PyTorch also has at the top level."""

from ..ops import activation as act
from ..ops import special as sp
from ._common import into, into_same, number, tensor_arg, to_dtype
from .pointwise import _binary, _unary

erf = _unary(act.erf)
erfc = _unary(sp.erfc)
erfinv = _unary(sp.erfinv)
lgamma = _unary(sp.lgamma)
digamma = _unary(sp.digamma)
sinc = _unary(sp.sinc)
i0 = _unary(sp.i0)
xlogy = _binary(sp.xlogy, number_first=True)
igamma = _binary(sp.gammainc, "igamma", tensors=True)
igammac = _binary(sp.gammaincc, "igammac", tensors=True)


def polygamma(n, input, *, out=None):
    """The ``n``-th derivative of :func:`digamma`."""
    result = sp.polygamma(tensor_arg(input, "input", "polygamma", 2), n=n)
    return result if out is None else into(out, result)


def mvlgamma(input, p, *, out=None):
    """The logarithm of the multivariate gamma function of dimension ``p``."""
    result = sp.multigammaln(tensor_arg(input, "input", "mvlgamma"), p)
    return result if out is None else into(out, result)


def logit(input, eps=None, *, out=None):
    """``log(x / (1 - x))``, with ``x`` kept in ``[eps, 1 - eps]``."""
    result = sp.logit(tensor_arg(input, "input", "logit"), eps=number(eps))
    return result if out is None else into(out, result)


def _one_dim(dim, name):
    if dim is None:
        raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
    if isinstance(dim, (tuple, list)):
        raise TypeError(f"{name}(): argument 'dim' must be int, not {type(dim).__name__}")
    return dim


def softmax(input, dim=None, dtype=None, *, axis=None, out=None):
    """``exp(input)`` scaled to a sum of 1 along ``dim``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.softmax(tl.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    tensor_arg(input, "input", "softmax")
    dim = _one_dim(axis if dim is None else dim, "softmax")
    result = act.softmax(input if dtype is None else to_dtype(input, dtype), dim=dim)
    return result if out is None else into_same(out, result)


def log_softmax(input, dim=None, dtype=None, *, axis=None, out=None):
    """The logarithm of :func:`softmax`, without overflow.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.log_softmax(tl.zeros(2), dim=0)
    tensor([-0.6931, -0.6931])
    """
    tensor_arg(input, "input", "log_softmax")
    dim = _one_dim(axis if dim is None else dim, "log_softmax")
    result = act.log_softmax(input if dtype is None else to_dtype(input, dtype), dim=dim)
    return result if out is None else into_same(out, result)
