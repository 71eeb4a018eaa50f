"""Adagrad, RMSprop and Adadelta: gradients divided by a measure of their past size."""

import numpy as np

from .flat import Elementwise, _complete
from .optimizer import check, check_rate

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


class Adagrad(Elementwise):
    r"""Adagrad: `adaptive subgradient methods <https://jmlr.org/papers/v12/duchi11a.html>`_.

    :math:`s \leftarrow s + g^2`, :math:`p \leftarrow p - \frac{\gamma}{1 + (t-1)\eta} g / (\sqrt s + \epsilon)`.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1e-2
    lr_decay, weight_decay, initial_accumulator_value : float, default 0
    eps : float, default 1e-10
    foreach, fused, maximize, differentiable
        As in :class:`Adam`.

    Raises
    ------
    ValueError
        For negative options.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0], requires_grad=True)
    >>> optimizer = tl.optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.9000])
    """

    counters = ("step",)

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10,
                 foreach=None, *, maximize=False, differentiable=False, fused=None):  # fmt: skip
        check_rate(lr)
        check(0.0 <= lr_decay, f"Invalid lr_decay value: {lr_decay}")
        check(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        check(0.0 <= initial_accumulator_value, f"Invalid initial_accumulator_value value: {initial_accumulator_value}")
        check(0.0 <= eps, f"Invalid epsilon value: {eps}")
        super().__init__(params, dict(
            lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, foreach=foreach, maximize=maximize,
            differentiable=differentiable, fused=fused))  # fmt: skip
        for group in self.param_groups:  # PyTorch has this optimizer's state from the start
            for p in group["params"]:
                _complete(self, group, p)

    def share_memory(self):
        """Refused: state lives in this process."""
        raise NotImplementedError("share_memory() is not supported")

    def slots(self, group):
        return {"sum": group["initial_accumulator_value"]}

    def constants(self, group, lr, counters, batch):
        step = counters[0] + 1
        return (lr / (1 + (step - 1) * group["lr_decay"]), group["eps"]), (step,)

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        rate, eps = constants
        (total,) = slots
        s = scratch[0]
        np.multiply(g, g, out=s)
        total += s
        np.sqrt(total, out=s)
        s += eps
        np.divide(g, s, out=s)
        s *= rate
        p -= s


class RMSprop(Elementwise):
    r"""RMSprop: gradients divided by the root of a running mean of their squares.

    :math:`v \leftarrow \alpha v + (1-\alpha) g^2`, :math:`p \leftarrow p - \gamma\, g / (\sqrt v + \epsilon)`; with
    ``centered`` the variance :math:`v - \bar g^2` replaces :math:`v`; with ``momentum`` the quotients are summed in a buffer.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1e-2
    alpha : float, default 0.99
    eps : float, default 1e-8
    weight_decay, momentum : float, default 0
    centered : bool, default False
    foreach, maximize, capturable, differentiable
        As in :class:`Adam`.

    Raises
    ------
    ValueError
        For negative options.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0], requires_grad=True)
    >>> optimizer = tl.optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.9000])
    """

    counters = ("step",)

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False,
                 capturable=False, foreach=None, maximize=False, differentiable=False):  # fmt: skip
        check_rate(lr)
        check(0.0 <= eps, f"Invalid epsilon value: {eps}")
        check(0.0 <= momentum, f"Invalid momentum value: {momentum}")
        check(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        check(0.0 <= alpha, f"Invalid alpha value: {alpha}")
        super().__init__(params, dict(
            lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay,
            capturable=capturable, foreach=foreach, maximize=maximize, differentiable=differentiable))  # fmt: skip

    def slots(self, group):
        slots = {"square_avg": 0.0}
        if group["momentum"] > 0:
            slots["momentum_buffer"] = 0.0
        if group["centered"]:
            slots["grad_avg"] = 0.0
        return slots

    def constants(self, group, lr, counters, batch):
        return (lr, group["alpha"], group["eps"], group["momentum"], group["centered"]), (counters[0] + 1,)

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        lr, alpha, eps, momentum, centered = constants
        v, s, t = slots[0], scratch[0], scratch[1]
        np.multiply(g, g, out=s)
        s *= 1 - alpha
        v *= alpha
        v += s
        if centered:
            mean = slots[-1]
            np.subtract(g, mean, out=s)
            s *= 1 - alpha
            mean += s
            np.multiply(mean, mean, out=t)
            np.subtract(v, t, out=s)
            np.sqrt(s, out=s)
        else:
            np.sqrt(v, out=s)
        s += eps
        np.divide(g, s, out=s)
        if momentum > 0:
            buffer = slots[1]
            buffer *= momentum
            buffer += s
            np.multiply(buffer, lr, out=s)
        else:
            s *= lr
        p -= s


class Adadelta(Elementwise):
    r"""Adadelta: `steps in the units of the parameter <https://arxiv.org/abs/1212.5701>`_.

    :math:`v \leftarrow \rho v + (1-\rho) g^2`, :math:`d = \sqrt{u + \epsilon} / \sqrt{v + \epsilon}\; g`,
    :math:`u \leftarrow \rho u + (1-\rho) d^2`, :math:`p \leftarrow p - \gamma d`.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adadelta.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1.0
    rho : float, default 0.9
    eps : float, default 1e-6
    weight_decay : float, default 0
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
    >>> optimizer = tl.optim.Adadelta([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.9968])
    """

    counters = ("step",)

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *, capturable=False,
                 maximize=False, differentiable=False):  # fmt: skip
        check_rate(lr)
        check(0.0 <= rho <= 1.0, f"Invalid rho value: {rho}")
        check(0.0 <= eps, f"Invalid epsilon value: {eps}")
        check(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        super().__init__(params, dict(
            lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize, capturable=capturable,
            foreach=foreach, differentiable=differentiable))  # fmt: skip

    def slots(self, group):
        return {"square_avg": 0.0, "acc_delta": 0.0}

    def constants(self, group, lr, counters, batch):
        return (lr, group["rho"], group["eps"]), (counters[0] + 1,)

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        lr, rho, eps = constants
        v, u = slots
        s, d = scratch[0], scratch[1]
        np.multiply(g, g, out=s)
        s *= 1 - rho
        v *= rho
        v += s
        np.add(v, eps, out=s)
        np.sqrt(s, out=s)
        np.add(u, eps, out=d)
        np.sqrt(d, out=d)
        d /= s
        d *= g
        np.multiply(d, d, out=s)
        s *= 1 - rho
        u *= rho
        u += s
        d *= lr
        p -= d
