"""Rprop: step sizes from the signs of successive gradients."""

import numpy as np

from .flat import Elementwise
from .optimizer import check, check_rate, number

__all__ = ["Rprop"]


class Rprop(Elementwise):
    r"""Resilient backpropagation.

    Each element has a step size, multiplied by :math:`\eta_+` where the gradient kept its sign and by :math:`\eta_-` where
    it changed it (there the step is left out); :math:`p \leftarrow p - \operatorname{sign}(g)\, s`.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Rprop.html

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1e-2
        The first step size.
    etas : (float, float), default (0.5, 1.2)
    step_sizes : (float, float), default (1e-6, 50)
        Smallest and largest step size.
    foreach, maximize, capturable, differentiable
        As in :class:`Adam`.

    Raises
    ------
    ValueError
        Unless ``0 < etas[0] < 1 < etas[1]`` and the learning rate is not negative.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0], requires_grad=True)
    >>> optimizer = tl.optim.Rprop([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.9000])
    """

    counters = ("step",)

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, capturable=False, foreach=None,
                 maximize=False, differentiable=False):  # fmt: skip
        check_rate(lr)
        check(0.0 < etas[0] < 1.0 < etas[1], f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, dict(
            lr=lr, etas=etas, step_sizes=step_sizes, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable))  # fmt: skip

    def slots(self, group):
        return {"prev": 0.0, "step_size": number(group["lr"])}

    def constants(self, group, lr, counters, batch):
        return (*group["etas"], *group["step_sizes"]), (counters[0] + 1,)

    @staticmethod
    def rule(p, g, slots, scratch, constants):
        shrink, grow, smallest, largest = constants
        previous, size = slots
        s = scratch[0]
        np.multiply(g, previous, out=s)
        turned = s < 0
        np.multiply(size, grow, out=size, where=s > 0)
        np.multiply(size, shrink, out=size, where=turned)
        np.clip(size, smallest, largest, out=size)
        np.copyto(previous, g)
        previous[turned] = 0
        np.sign(previous, out=s)
        s *= size
        p -= s
