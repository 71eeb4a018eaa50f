"""SGD and ASGD: steps along the gradient, with momentum or with averaging."""

import numpy as np

from .. import dtypes
from .flat import Elementwise
from .optimizer import check, check_rate, number

__all__ = ["ASGD", "SGD"]


class SGD(Elementwise):
    r"""Stochastic gradient descent.

    With gradient :math:`g`, decayed by ``weight_decay * p``: :math:`b \leftarrow \mu b + (1-\tau) g` (the first time
    :math:`b = g`), then :math:`p \leftarrow p - \gamma b`, or :math:`p - \gamma (g + \mu b)` with ``nesterov``.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1e-3
    momentum, dampening, weight_decay : float, default 0
    nesterov : bool, default False
    maximize : bool, default False
        Climb instead.
    foreach, fused : bool, optional
        Accepted: in PyTorch they choose between implementations of the same formula, and here there is one.
    differentiable : bool
        True is refused.

    Raises
    ------
    ValueError
        For negative options, or nesterov without momentum or with dampening.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = tl.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.8000, 1.6000])
    """

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False,
                 foreach=None, differentiable=False, fused=None):  # fmt: skip
        check_rate(lr)
        check(momentum >= 0.0, f"Invalid momentum value: {momentum}")
        check(number(weight_decay) >= 0.0, f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize, foreach=foreach, differentiable=differentiable, fused=fused))  # fmt: skip

    def slots(self, group):
        return {"momentum_buffer": 0.0} if group["momentum"] != 0 else {}

    def constants(self, group, lr, counters, batch):
        dampening = 0 if batch.fresh else group["dampening"]  # the first buffer is the gradient itself
        return (lr, group["momentum"], 1 - dampening, group["nesterov"]), ()

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        lr, momentum, gain, nesterov = constants
        s = scratch[0]
        if momentum:
            (b,) = slots
            b *= momentum
            b += g if gain == 1 else np.multiply(g, gain, out=s)
            if nesterov:
                np.multiply(b, momentum, out=s)
                s += g
                g = s
            else:
                g = b
        np.multiply(g, lr, out=s)
        p -= s


class ASGD(Elementwise):
    r"""Averaged stochastic gradient descent.

    :math:`p \leftarrow (1 - \lambda\eta_t) p - \eta_t g` and a running average ``ax`` of :math:`p` in the state, with
    :math:`\eta_t = \gamma / (1 + \lambda\gamma t)^\alpha` and :math:`\mu_t = 1 / \max(1, t - t_0)`.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.ASGD.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1e-2
    lambd : float, default 1e-4
    alpha : float, default 0.75
    t0 : float, default 1e6
        The step at which averaging starts.
    weight_decay : float, default 0
    foreach, maximize, differentiable, capturable
        As in :class:`Adam`.

    Raises
    ------
    ValueError
        For a negative learning rate or weight decay.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0], requires_grad=True)
    >>> optimizer = tl.optim.ASGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.8000])
    """

    counters = ("step", "eta", "mu")

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, foreach=None, maximize=False,
                 differentiable=False, capturable=False):  # fmt: skip
        check_rate(lr)
        check(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        super().__init__(params, dict(
            lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable))  # fmt: skip

    def slots(self, group):
        return {"ax": 0.0}

    def first(self, group):
        return 0.0, number(group["lr"]), 1.0

    def constants(self, group, lr, counters, batch):
        step, eta, mu = counters
        step += 1
        decay = group["lambd"]
        kept = dtypes.get_default_dtype().numpy.type  # PyTorch rounds both to this precision
        new = lr / (1 + decay * lr * step) ** group["alpha"], 1 / max(1, step - group["t0"])
        new = [float(kept(x)) for x in new]
        return (eta, 1 - decay * eta, mu), (step, *new)

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        eta, keep, mu = constants
        (ax,) = slots
        s = scratch[0]
        np.multiply(g, eta, out=s)
        p *= keep
        p -= s
        if mu == 1:
            np.copyto(ax, p)
        else:
            np.subtract(p, ax, out=s)
            s *= mu
            ax += s
