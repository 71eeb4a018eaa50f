"""Scaling of losses against underflow in half precision."""

import math
import warnings
from collections import defaultdict
from collections.abc import Iterable
from enum import Enum

import numpy as np

from ..autograd import no_grad
from ..creation import tensor
from ..dtypes import float16, float32, int32
from ..engine import TensorBase

__all__ = ["GradScaler", "OptState"]


class OptState(Enum):
    """How far one optimizer is in this iteration."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _fresh():
    return {"stage": OptState.READY, "found_inf": None}


class GradScaler:
    """Multiplies losses by a factor, divides the gradients by it again, and skips steps whose gradients overflowed.

    Parameters
    ----------
    device : str, default 'cuda'
        'cpu' scales. 'cuda' is disabled with a warning, as in PyTorch on a machine without a GPU.
    init_scale : float, default 2.0**16
    growth_factor, backoff_factor : float, default 2.0 and 0.5
        What :meth:`update` multiplies the scale by: after ``growth_interval`` steps in a row, and after a skipped one.
    growth_interval : int, default 2000
    enabled : bool, default True
        If False, everything passes through.

    Raises
    ------
    AssertionError
        If ``growth_factor`` is not above 1 or ``backoff_factor`` not below 1.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.nn.Parameter(tl.ones(1))
    >>> optimizer, scaler = tl.optim.SGD([w], lr=0.5), tl.amp.GradScaler("cpu", init_scale=8.0)
    >>> scaler.scale(w.sum()).backward()
    >>> w.grad
    tensor([8.])
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> w.data, w.grad
    (tensor([0.5000]), tensor([1.]))
    """

    def __init__(self, device="cuda", init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000,
                 enabled=True):  # fmt: skip
        self._device, self._enabled = device, enabled
        if enabled and device == "cuda":
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                UserWarning, stacklevel=2)  # fmt: skip
            self._enabled = False
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale, self._init_growth_tracker = init_scale, 0
        self._growth_factor, self._backoff_factor, self._growth_interval = (
            growth_factor,
            backoff_factor,
            growth_interval,
        )
        self._scale = self._growth_tracker = None
        self._per_optimizer_states = defaultdict(_fresh)

    def _check(self, name):
        if self._scale is None:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  "
                "This may indicate your script did not use scaler.scale(loss or outputs) earlier in the iteration."
            )

    def scale(self, outputs):
        """A tensor, or a list, tuple or other iterable of tensors, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, TensorBase):
            if self._scale is None:
                self._scale = tensor(self._init_scale, dtype=float32)
                self._growth_tracker = tensor(self._init_growth_tracker, dtype=int32)
            return outputs * self._scale
        if not isinstance(outputs, Iterable):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        scaled = map(self.scale, outputs)
        return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled

    def unscale_(self, optimizer):
        """Divide the gradients of an optimizer's parameters by the scale, once per :meth:`update`.

        Raises
        ------
        RuntimeError
            If it is called twice, or after :meth:`step`.
        ValueError
            For gradients of float16: parameters are to be float32.
        """
        if not self._enabled:
            return
        self._check("unscale_")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if any(g.dtype is float16 for g in gradients):
            raise ValueError("Attempting to unscale FP16 gradients.")
        factor = tensor(1 / self.get_scale(), dtype=float32)
        with no_grad():
            if gradients:
                state["found_inf"] = float(not all(np.isfinite(g._data).all() for g in gradients))
            for g in gradients:
                g.mul_(factor)
        state["stage"] = OptState.UNSCALED

    def step(self, optimizer, *args, **kwargs):
        """Unscale, if that has not been done, and take the optimizer's step unless a gradient is infinite or NaN.

        Returns
        -------
        object
            What ``optimizer.step(*args, **kwargs)`` returns; None for a skipped step.

        Raises
        ------
        RuntimeError
            For a closure, and for a second step before :meth:`update`.
        AssertionError
            If no parameter has a gradient.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check("step")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state["stage"] is OptState.READY:
            self.unscale_(optimizer)
        if state["found_inf"] is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if state["found_inf"] else optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    def update(self, new_scale=None):
        """Adapt the scale, at the end of an iteration.

        Parameters
        ----------
        new_scale : float or Tensor of one element, optional
            The scale from now on, instead.
        """
        if not self._enabled:
            return
        self._check("update")
        if isinstance(new_scale, float):
            self._scale.fill_(new_scale)
        elif new_scale is not None:
            if not isinstance(new_scale, TensorBase) or new_scale.numel() != 1 or new_scale.requires_grad:
                raise AssertionError(
                    "new_scale should be a float or a 1-element torch.cuda.FloatTensor or torch.FloatTensor with "
                    "requires_grad=False."
                )
            self._scale.copy_(new_scale.reshape(()))
        else:
            found = [s["found_inf"] for s in self._per_optimizer_states.values() if s["found_inf"] is not None]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._adapt(any(found))
        self._per_optimizer_states = defaultdict(_fresh)

    def _adapt(self, overflowed):
        steps = 0 if overflowed else int(self._growth_tracker) + 1
        if overflowed:
            self._scale.mul_(self._backoff_factor)
        elif steps == self._growth_interval:
            steps, grown = 0, self._scale * self._growth_factor
            if math.isfinite(grown.item()):
                self._scale.copy_(grown)
        self._growth_tracker.fill_(steps)

    def get_scale(self):
        """The factor of the loss; 1.0 if disabled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self):
        """What the scale is multiplied by after ``growth_interval`` steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor):
        """Set :meth:`get_growth_factor`."""
        self._growth_factor = new_factor

    def get_backoff_factor(self):
        """What the scale is multiplied by after a skipped step."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor):
        """Set :meth:`get_backoff_factor`."""
        self._backoff_factor = new_factor

    def get_growth_interval(self):
        """After how many steps in a row the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval):
        """Set :meth:`get_growth_interval`."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self):
        if not self._enabled:
            return 0
        return self._init_growth_tracker if self._growth_tracker is None else self._growth_tracker.item()

    def is_enabled(self):
        """Whether losses are scaled."""
        return self._enabled

    def state_dict(self):
        """The scale and its settings, in PyTorch's layout; empty if disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(), "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval, "_growth_tracker": self._get_growth_tracker(),
        }  # fmt: skip

    def load_state_dict(self, state_dict):
        """Take over a :meth:`state_dict`, this library's or PyTorch's."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale, self._init_growth_tracker = state_dict["scale"], state_dict["_growth_tracker"]
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        if self._scale is not None:
            self._scale.fill_(self._init_scale)
            self._growth_tracker.fill_(self._init_growth_tracker)

    def __getstate__(self):
        state = self.__dict__.copy()
        if self._enabled:
            if self._per_optimizer_states:
                raise AssertionError(
                    "A GradScaler instance may only be pickled at the beginning of an iteration, or at the end after "
                    "scaler.update()."
                )
            state |= {"_init_scale": self.get_scale(), "_init_growth_tracker": self._get_growth_tracker()}
            state |= {"_scale": None, "_growth_tracker": None}
        return state
