"""Adam and AdamW: steps of the size of the learning rate, from two moments of the gradient."""

import math

import numpy as np

from ..engine import TensorBase
from .flat import Elementwise
from .optimizer import check, check_rate, number

__all__ = ["Adam", "AdamW", "check_adam", "moments"]


def check_adam(lr, betas, eps, weight_decay):
    """The checks that the members of this family share."""
    check_rate(lr)
    check(0.0 <= eps, f"Invalid epsilon value: {eps}")
    for i, beta in enumerate(betas):
        check(0.0 <= number(beta) < 1.0, f"Invalid beta parameter at index {i}: {beta}")
    check(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")


def moments(g, m, v, beta1, beta2, s):
    """Running averages of the gradient and of its square."""
    np.subtract(g, m, out=s)
    s *= 1 - beta1
    m += s
    np.multiply(g, g, out=s)
    s *= 1 - beta2
    v *= beta2
    v += s


class Adam(Elementwise):
    r"""Adam: `adaptive moment estimation <https://arxiv.org/abs/1412.6980>`_.

    :math:`m \leftarrow \beta_1 m + (1-\beta_1) g`, :math:`v \leftarrow \beta_2 v + (1-\beta_2) g^2`,
    :math:`p \leftarrow p - \gamma\, \hat m / (\sqrt{\hat v} + \epsilon)` with
    :math:`\hat m = m / (1-\beta_1^t)`, :math:`\hat v = v / (1-\beta_2^t)`.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1e-3
    betas : (float, float), default (0.9, 0.999)
    eps : float, default 1e-8
        Added outside the square root.
    weight_decay : float, default 0
        Added to the gradient as ``weight_decay * p``.
    amsgrad : bool, default False
        Divide by the largest :math:`v` so far.
    foreach, fused : bool, optional
        Accepted: in PyTorch they choose between implementations of the same formula, and here there is one.
    maximize : bool, default False
    capturable, differentiable : bool
        True is refused.
    decoupled_weight_decay : bool, default False
        Shrink the parameter instead of changing the gradient, as :class:`AdamW`.

    Raises
    ------
    ValueError
        For options out of range.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tl.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    counters = ("step",)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False, fused=None,
                 decoupled_weight_decay=False):  # fmt: skip
        check_adam(lr, betas, eps, weight_decay)
        tensors = [isinstance(v, TensorBase) for v in (lr, *betas)]
        check(tensors[1] == tensors[2], "betas must be either both floats or both Tensors")
        for name, given in zip(("lr", "betas[0]", "betas[1]"), tensors):
            check(
                not (given and foreach and not capturable),
                f"{name} as a Tensor is not supported for capturable=False and foreach=True",
            )
        super().__init__(params, dict(
            lr=lr, betas=tuple([number(b) for b in betas]), eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
            maximize=maximize, foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=decoupled_weight_decay))  # fmt: skip

    def slots(self, group):
        slots = {"exp_avg": 0.0, "exp_avg_sq": 0.0}
        return {**slots, "max_exp_avg_sq": 0.0} if group["amsgrad"] else slots

    def constants(self, group, lr, counters, batch):
        step = counters[0] + 1
        beta1, beta2 = group["betas"]
        root = math.sqrt(1 - beta2**step)
        keep = 1 - lr * group["weight_decay"] if group["decoupled_weight_decay"] else 1
        # m / (sqrt(v) / root + eps) is root * m / (sqrt(v) + root * eps): one pass less
        return (keep, beta1, beta2, lr / (1 - beta1**step) * root, group["eps"] * root), (step,)

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        keep, beta1, beta2, rate, eps = constants
        m, v = slots[0], slots[1]
        s = scratch[0]
        moments(g, m, v, beta1, beta2, s)
        if len(slots) == 3:
            v = np.maximum(slots[2], v, out=slots[2])
        np.sqrt(v, out=s)
        s += eps
        np.divide(m, s, out=s)
        s *= rate
        if keep != 1:
            p *= keep
        p -= s


class AdamW(Adam):
    r"""Adam with `decoupled weight decay <https://arxiv.org/abs/1711.05101>`_.

    :class:`Adam` after :math:`p \leftarrow (1 - \gamma\lambda)\, p`.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html

    Parameters
    ----------
    params, lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused
        As in :class:`Adam`.
    weight_decay : float, default 1e-2

    Raises
    ------
    ValueError
        For options out of range.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tl.optim.AdamW([w], lr=0.1, weight_decay=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.8900, -1.8800])
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *,
                 maximize=False, foreach=None, capturable=False, differentiable=False, fused=None):  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
                         capturable=capturable, differentiable=differentiable, fused=fused,
                         decoupled_weight_decay=True)  # fmt: skip

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
