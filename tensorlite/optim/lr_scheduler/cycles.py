"""Schedules that move learning rate and momentum against each other."""

import math
from functools import partial

from .base import LRScheduler, check_optimizer, per_group, save_callable, warn_outside_step, write

__all__ = ["CyclicLR", "OneCycleLR"]


def _set_momentum(group, value, beta):
    if beta:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


class _Cycling(LRScheduler):
    """Momentum as both schedules cycle it: ``momentum``, or the first of the ``betas``."""

    def _init_momentum(self, base, largest, fresh):
        optimizer = self.optimizer
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        base = per_group("base_momentum", optimizer, base)
        largest = per_group("max_momentum", optimizer, largest)
        if fresh:
            for high, low, group in zip(largest, base, optimizer.param_groups, strict=True):
                _set_momentum(group, high, self.use_beta1)
                group["max_momentum"] = high
                group["base_momentum"] = low
        return base, largest


class CyclicLR(_Cycling):
    """A rate that goes up and down between ``base_lr`` and ``max_lr`` (`paper <https://arxiv.org/abs/1506.01186>`_).

    Parameters
    ----------
    optimizer : Optimizer
    base_lr, max_lr : float or list of float
    step_size_up : int, default 2000
        Steps from the lower to the upper rate.
    step_size_down : int, optional
        Steps back; ``step_size_up`` if left out.
    mode : {'triangular', 'triangular2', 'exp_range'}
        Constant height, halved each cycle, or times ``gamma ** step``.
    gamma : float, default 1.0
    scale_fn : callable, optional
        Height as a function of the cycle or of the step (``scale_mode``: 'cycle' or 'iterations'), instead of ``mode``.
    cycle_momentum : bool, default True
        Move momentum the other way, between ``base_momentum`` (0.8) and ``max_momentum`` (0.9).
    last_epoch : int, default -1

    Raises
    ------
    ValueError
        For an unknown mode, lists of the wrong length, or momentum cycling where there is no momentum.

    Examples
    --------
    >>> import tensorlite as tl
    >>> optimizer = tl.optim.SGD([tl.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    >>> schedule = tl.optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0,
                 scale_fn=None, scale_mode="cycle", cycle_momentum=True, base_momentum=0.8, max_momentum=0.9,
                 last_epoch=-1):  # fmt: skip
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                write(group, "lr", lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        self._init_scale_fn()
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._init_momentum(base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _init_scale_fn(self):
        if self._scale_fn_custom is not None:
            return
        self._scale_fn_ref = {
            "triangular": _constant, "triangular2": _halved, "exp_range": partial(_power, self.gamma),
        }[self.mode]  # fmt: skip
        self.scale_mode = "iterations" if self.mode == "exp_range" else "cycle"

    def scale_fn(self, x):
        """The height of the cycle, or of the step, ``x``."""
        return (self._scale_fn_custom or self._scale_fn_ref)(x)

    def get_lr(self):
        warn_outside_step(self)
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        part = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        at = cycle if self.scale_mode == "cycle" else self.last_epoch
        rates = [
            low + (high - low) * part * self.scale_fn(at)
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]  # fmt: skip
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, bounds, strict=True):
                _set_momentum(group, high - (high - low) * part * self.scale_fn(at), self.use_beta1)
        return rates

    def state_dict(self):
        """Everything but the optimizer and plain functions."""
        state = super().state_dict()
        state.pop("_scale_fn_ref", None)
        fn = state["_scale_fn_custom"]
        state["_scale_fn_custom"] = None if fn is None else save_callable(fn)
        return state

    def load_state_dict(self, state_dict):
        """Take over what :meth:`state_dict` returned; a plain function stays."""
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_scale_fn_custom"})
        saved = state_dict["_scale_fn_custom"]
        if saved is not None:
            self._scale_fn_custom.__dict__.update(saved)
        self._init_scale_fn()


def _constant(x):
    return 1.0


def _halved(x):
    return 1 / (2.0 ** (x - 1))


def _power(gamma, x):
    return gamma**x


class OneCycleLR(_Cycling):
    """Up to ``max_lr``, then down far below the start (`paper <https://arxiv.org/abs/1708.07120>`_); step it per batch.

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float or list of float
    total_steps : int, optional
        Or ``epochs`` and ``steps_per_epoch``.
    epochs, steps_per_epoch : int, optional
    pct_start : float, default 0.3
        The part of the steps that goes up.
    anneal_strategy : {'cos', 'linear'}
    cycle_momentum : bool, default True
        Move momentum the other way, between ``base_momentum`` (0.85) and ``max_momentum`` (0.95).
    div_factor : float, default 25.0
        The first rate is ``max_lr / div_factor``.
    final_div_factor : float, default 1e4
        The last rate is the first one over this.
    three_phase : bool, default False
        Down to the first rate as slowly as up, and only then to the last.
    last_epoch : int, default -1

    Raises
    ------
    ValueError
        For options out of range, or more steps than planned.

    Examples
    --------
    >>> import tensorlite as tl
    >>> optimizer = tl.optim.SGD([tl.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    >>> schedule = tl.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=11, pct_start=0.2)
    >>> rates = []
    >>> for _ in range(10):
    ...     optimizer.step(); schedule.step(); rates.append(round(schedule.get_last_lr()[0], 2))
    >>> rates[:4]
    [0.94, 0.98, 0.9, 0.77]
    """

    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3,
                 anneal_strategy="cos", cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0,
                 final_div_factor=1e4, three_phase=False, last_epoch=-1):  # fmt: skip
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if total_steps is not None:
            self.total_steps = _positive("total_steps", total_steps)
        elif epochs is not None and steps_per_epoch is not None:
            self.total_steps = _positive("epochs", epochs) * _positive("steps_per_epoch", steps_per_epoch)
        else:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        if not isinstance(pct_start, float) or pct_start < 0 or pct_start > 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        up = float(pct_start * self.total_steps) - 1
        down = [("max_lr", "min_lr", "base_momentum", "max_momentum")]
        ends = [up, self.total_steps - 1]
        if three_phase:
            ends.insert(1, float(2 * pct_start * self.total_steps) - 2)
            down = [("max_lr", "initial_lr", "base_momentum", "max_momentum"),
                    ("initial_lr", "min_lr", "max_momentum", "max_momentum")]  # fmt: skip
        names = "start_lr", "end_lr", "start_momentum", "end_momentum"
        phases = [("initial_lr", "max_lr", "max_momentum", "base_momentum"), *down]
        self._schedule_phases = [{"end_step": e, **dict(zip(names, phase))} for e, phase in zip(ends, phases)]
        self._anneal_func_type = anneal_strategy
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, per_group("max_lr", optimizer, max_lr)):
                group["initial_lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        else:
            per_group("max_lr", optimizer, max_lr)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._init_momentum(base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def _between(self, start, end, part):
        if self._anneal_func_type == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)

    def get_lr(self):
        warn_outside_step(self)
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if step <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        part = (step - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                value = self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                _set_momentum(group, value, self.use_beta1)
        return rates


def _positive(name, value):
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")
    return value
