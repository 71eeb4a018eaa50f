"""Adamax, NAdam and RAdam: Adam with another norm, with Nesterov's momentum, with a rectified start."""

import math

import numpy as np

from .adam import check_adam, moments
from .flat import Elementwise
from .optimizer import check

__all__ = ["Adamax", "NAdam", "RAdam"]


class Adamax(Elementwise):
    r"""Adam with the infinity norm.

    :math:`m \leftarrow \beta_1 m + (1-\beta_1) g`, :math:`u \leftarrow \max(\beta_2 u, |g| + \epsilon)`,
    :math:`p \leftarrow p - \gamma\, m / ((1-\beta_1^t)\, u)`.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adamax.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 2e-3
    betas : (float, float), default (0.9, 0.999)
    eps : float, default 1e-8
    weight_decay : float, default 0
    foreach, maximize, differentiable, capturable
        As in :class:`Adam`.

    Raises
    ------
    ValueError
        For options out of range.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0], requires_grad=True)
    >>> optimizer = tl.optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.9000])
    """

    counters = ("step",)

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None, *, maximize=False,
                 differentiable=False, capturable=False):  # fmt: skip
        check_adam(lr, betas, eps, weight_decay)
        super().__init__(params, dict(
            lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable))  # fmt: skip

    def slots(self, group):
        return {"exp_avg": 0.0, "exp_inf": 0.0}

    def constants(self, group, lr, counters, batch):
        step = counters[0] + 1
        beta1, beta2 = group["betas"]
        return (beta1, beta2, group["eps"], lr / (1 - beta1**step)), (step,)

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        beta1, beta2, eps, rate = constants
        m, u = slots
        s = scratch[0]
        np.subtract(g, m, out=s)
        s *= 1 - beta1
        m += s
        np.abs(g, out=s)
        s += eps
        u *= beta2
        np.maximum(u, s, out=u)
        np.divide(m, u, out=s)
        s *= rate
        p -= s


class NAdam(Elementwise):
    r"""Adam with `Nesterov momentum <https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ>`_.

    With :math:`\mu_t = \beta_1 (1 - \tfrac12 0.96^{t\psi})` the step is
    :math:`\hat m = \mu_{t+1} m / (1 - \prod_{i \le t+1} \mu_i) + (1 - \mu_t) g / (1 - \prod_{i \le t} \mu_i)`.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.NAdam.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 2e-3
    betas : (float, float), default (0.9, 0.999)
    eps : float, default 1e-8
    weight_decay : float, default 0
    momentum_decay : float, default 4e-3
    decoupled_weight_decay : bool, default False
        Shrink the parameter instead of changing the gradient.
    foreach, maximize, capturable, differentiable
        As in :class:`Adam`.

    Raises
    ------
    ValueError
        For options out of range.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0], requires_grad=True)
    >>> optimizer = tl.optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.8944])
    """

    counters = ("step", "mu_product")

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3,
                 decoupled_weight_decay=False, *, foreach=None, maximize=False, capturable=False,
                 differentiable=False):  # fmt: skip
        check_adam(lr, betas, eps, weight_decay)
        check(0.0 <= momentum_decay, f"Invalid momentum_decay value: {momentum_decay}")
        super().__init__(params, dict(
            lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable))  # fmt: skip

    def slots(self, group):
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def first(self, group):
        return 0.0, 1.0

    def constants(self, group, lr, counters, batch):
        step, product = counters
        step += 1
        beta1, beta2 = group["betas"]
        psi = group["momentum_decay"]
        mu, following = [beta1 * (1.0 - 0.5 * 0.96 ** (t * psi)) for t in (step, step + 1)]
        kept = batch.counts[1].dtype.type
        product = float(kept(product) * kept(mu))  # in the precision of the state, as PyTorch
        root = math.sqrt(1 - beta2**step)
        keep = 1 - lr * group["weight_decay"] if group["decoupled_weight_decay"] else 1
        now = lr * (1.0 - mu) / (1.0 - product) * root
        ahead = lr * following / (1.0 - product * following) * root
        return (keep, beta1, beta2, now, ahead, group["eps"] * root), (step, product)

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        keep, beta1, beta2, now, ahead, eps = constants
        m, v = slots
        s, t = scratch[0], scratch[1]
        moments(g, m, v, beta1, beta2, s)
        if keep != 1:
            p *= keep
        np.multiply(g, now, out=s)
        np.multiply(m, ahead, out=t)
        s += t
        np.sqrt(v, out=t)
        t += eps
        s /= t
        p -= s


class RAdam(Elementwise):
    r"""Adam with a `rectified <https://arxiv.org/abs/1908.03265>`_ start.

    As long as the variance of :math:`1/\sqrt{\hat v}` is not tractable (:math:`\rho_t \le 5`) the step is
    :math:`\gamma \hat m`; from then on :math:`\gamma \hat m\, r_t \sqrt{1-\beta_2^t} / (\sqrt v + \epsilon)`.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.RAdam.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1e-3
    betas : (float, float), default (0.9, 0.999)
    eps : float, default 1e-8
    weight_decay : float, default 0
    decoupled_weight_decay : bool, default False
        Shrink the parameter instead of changing the gradient.
    foreach, maximize, capturable, differentiable
        As in :class:`Adam`.

    Raises
    ------
    ValueError
        For options out of range.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0], requires_grad=True)
    >>> optimizer = tl.optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.8000])
    """

    counters = ("step",)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *,
                 foreach=None, maximize=False, capturable=False, differentiable=False):  # fmt: skip
        check_adam(lr, betas, eps, weight_decay)
        super().__init__(params, dict(
            lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, maximize=maximize, foreach=foreach,
            capturable=capturable, decoupled_weight_decay=decoupled_weight_decay,
            differentiable=differentiable))  # fmt: skip

    def slots(self, group):
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def constants(self, group, lr, counters, batch):
        step = counters[0] + 1
        beta1, beta2 = group["betas"]
        rate = lr / (1 - beta1**step)
        correction = 1 - beta2**step
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * step * beta2**step / correction
        rectified = rho > 5.0
        if rectified:
            rate *= math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho) * correction)
        keep = 1 - lr * group["weight_decay"] if group["decoupled_weight_decay"] else 1
        return (keep, beta1, beta2, rate, rectified, group["eps"]), (step,)

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        keep, beta1, beta2, rate, rectified, eps = constants
        m, v = slots
        s, t = scratch[0], scratch[1]
        moments(g, m, v, beta1, beta2, s)
        if keep != 1:
            p *= keep
        np.multiply(m, rate, out=s)
        if rectified:
            np.sqrt(v, out=t)
            t += eps
            s /= t
        p -= s
