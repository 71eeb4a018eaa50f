"""Adafactor and Muon: updates that see whole matrices, not single elements."""

import math

import numpy as np

from ..engine import touch, wrap
from .flat import check_gradient
from .optimizer import Optimizer, check, check_rate, evaluated, number

__all__ = ["Adafactor", "Muon"]


class _Whole(Optimizer):
    """An optimizer whose ``update(p, g, state, group)`` changes one parameter's array."""

    def step(self, closure=None):
        """Update the parameters that have a gradient. All gradients are checked before anything is changed.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss again (with gradients enabled) and returns it.

        Returns
        -------
        The closure's result, or None.
        """
        loss = evaluated(closure)
        jobs = [(group, p) for group in self.param_groups for p in group["params"] if p._grad is not None]
        for group, p in jobs:
            check_gradient(group, p)
            if p._data.dtype.kind == "c":
                raise RuntimeError(f"{type(self).__name__} does not support complex parameters")
        with np.errstate(all="ignore"):
            for group, p in jobs:
                self.update(p._data, p._grad._data, self.state[p], group)
                touch(p)
        return loss

    def update(self, p, g, state, group):
        raise NotImplementedError


def _lerp(kept, new, weight):
    kept._data += weight * (new - kept._data)
    touch(kept)


def _size(a):
    """The root of the mean square."""
    return math.sqrt(float((a * a).sum()) / a.size) if a.size else 0.0


class Adafactor(_Whole):
    r"""`Adafactor <https://arxiv.org/abs/1804.04235>`_: second moments of a matrix from the means of its rows and columns.

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1e-2
        The largest relative step :math:`\rho_t = \min(\gamma, 1 / \sqrt t)`.
    beta2_decay : float, default -0.8
        The weight of a new square is :math:`t^\tau`.
    eps : (float or None, float), default (None, 1e-3)
        The smallest divisor (None: the dtype's rounding error), and the smallest size of a parameter.
    d : float, default 1.0
        The largest size of an update before it is scaled.
    weight_decay : float, default 0
        Decoupled.
    foreach, maximize
        As in :class:`Adam`.

    Raises
    ------
    ValueError
        For options out of range.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([1.0], requires_grad=True)
    >>> optimizer = tl.optim.Adafactor([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.9900])
    """

    def __init__(self, params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, *, foreach=None,
                 maximize=False):  # fmt: skip
        check_rate(lr, "Learning rate should be >= 0 but is")
        check(beta2_decay <= 0.0, f"beta2_decay should be <= 0 but is: {beta2_decay}")
        check(eps[0] is None or eps[0] >= 0.0, f"epsilon1 should be >= 0 but is: {eps[0]}")
        check(eps[1] >= 0.0, f"epsilon2 should be >= 0 but is: {eps[1]}")
        check(d >= 1.0, f"Clipping threshold d should be >= 1 but is: {d}")
        check(weight_decay >= 0.0, f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(params, dict(
            lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, foreach=foreach,
            maximize=maximize))  # fmt: skip

    def update(self, p, g, state, group):
        """One parameter's step."""
        if not state:
            state["step"] = wrap(np.zeros((), np.float32))
            if g.ndim > 1:
                state["row_var"] = wrap(np.zeros((*g.shape[:-1], 1), g.dtype))
                state["col_var"] = wrap(np.zeros((*g.shape[:-2], 1, g.shape[-1]), g.dtype))
            else:
                state["variance"] = wrap(np.zeros_like(g))
        lr, smallest = number(group["lr"]), group["eps"][0]
        smallest = float(np.finfo(p.dtype).eps) if smallest is None else smallest
        g = -g if group["maximize"] else g
        state["step"]._data += 1
        step = state["step"].item()
        weight = step ** group["beta2_decay"]
        rate = max(group["eps"][1], _size(p)) * min(lr, 1 / step**0.5)
        if group["weight_decay"]:
            p *= 1 - lr * group["weight_decay"]
        square = g * g
        if g.ndim > 1:
            rows, columns = state["row_var"], state["col_var"]
            _lerp(rows, square.mean(-1, keepdims=True), weight)
            _lerp(columns, square.mean(-2, keepdims=True), weight)
            variance = rows._data @ columns._data
            variance /= np.maximum(rows._data.mean(-2, keepdims=True), smallest)
        else:
            _lerp(state["variance"], square, weight)
            variance = state["variance"]._data
        update = g / np.sqrt(np.maximum(variance, smallest * smallest))
        p -= rate / max(1.0, _size(update) / group["d"]) * update


def _to_bfloat16(a):
    """float32 values rounded to bfloat16, ties to even."""
    bits = a.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def _orthogonal(g, coefficients, steps, eps):
    """The nearest orthogonal matrix, roughly, by a Newton-Schulz iteration in bfloat16's precision, as PyTorch's."""
    check(steps < 100, "Number of steps must be less than 100 for computational efficiency")
    check(len(coefficients) == 3, "Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    x, short = _to_bfloat16(g.astype(np.float32)), _to_bfloat16
    x = x.T if g.shape[0] > g.shape[1] else x
    x = short(np.ascontiguousarray(x / max(short(np.sqrt(np.float32((x * x).sum()))[None])[0], np.float32(eps))))
    for _ in range(steps):
        gram = short(x @ x.T)
        x = short(a * x + short(b * gram + c * (gram @ gram)) @ x)
    return x.T if g.shape[0] > g.shape[1] else x


class Muon(_Whole):
    r"""`Muon <https://kellerjordan.github.io/posts/muon/>`_: momentum, made orthogonal. For matrices only.

    Parameters
    ----------
    params : iterable of Tensor, (name, Tensor) or dict
    lr : float, default 1e-3
    weight_decay : float, default 0.1
        Decoupled.
    momentum : float, default 0.95
    nesterov : bool, default True
    ns_coefficients : (float, float, float), default (3.4445, -4.775, 2.0315)
    eps : float, default 1e-7
    ns_steps : int, default 5
        Steps of the iteration that makes the update orthogonal.
    adjust_lr_fn : 'original' or 'match_rms_adamw', default 'original'
        Scale the step by :math:`\sqrt{\max(1, m / n)}`, or by :math:`0.2 \sqrt{\max(m, n)}`.

    Raises
    ------
    ValueError
        For options out of range, and parameters that are no matrices.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.eye(2).requires_grad_()
    >>> optimizer = tl.optim.Muon([w], lr=0.1, weight_decay=0.0)
    >>> w.sum().backward()
    >>> optimizer.step()
    >>> w.detach().diagonal() < 1
    tensor([True, True])
    """

    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True,
                 ns_coefficients=(3.4445, -4.775, 2.0315), eps=1e-7, ns_steps=5, adjust_lr_fn=None):  # fmt: skip
        check_rate(lr, "Learning rate should be >= 0 but is")
        check(momentum >= 0.0, f"momentum should be >= 0 but is: {momentum}")
        check(weight_decay >= 0.0, f"weight decay should be >= 0 but is: {weight_decay}")
        check(adjust_lr_fn in (None, "original", "match_rms_adamw"),
              f"Adjust learning rate function {adjust_lr_fn} is not supported")  # fmt: skip
        super().__init__(params, dict(
            lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, ns_coefficients=ns_coefficients,
            eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn))  # fmt: skip
        for p in [p for group in self.param_groups for p in group["params"]]:
            check(p.ndim == 2, f"Muon only supports 2D parameters whereas we found a parameter with size: {p.shape}")

    def update(self, p, g, state, group):
        """One matrix's step."""
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = wrap(np.zeros_like(g))
        kept, momentum, lr = state["momentum_buffer"], group["momentum"], number(group["lr"])
        _lerp(kept, g, 1 - momentum)
        update = g + momentum * (kept._data - g) if group["nesterov"] else kept._data
        update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        m, n = p.shape
        scale = 0.2 * math.sqrt(max(m, n)) if group["adjust_lr_fn"] == "match_rms_adamw" else math.sqrt(max(1, m / n))
        p *= 1 - lr * group["weight_decay"]
        p -= (lr * scale * update).astype(p.dtype, copy=False)
