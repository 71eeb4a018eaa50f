"""LRScheduler: when a learning rate changes, and how schedules are saved and resumed."""

import contextlib
import types
import warnings

from ... import mistakes
from ...engine import TensorBase
from ..optimizer import Optimizer, number

__all__ = ["LRScheduler"]

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed form "
    "is used instead of the new chainable form, where available. Please open an issue if you are unable to replicate your "
    "use case: https://github.com/pytorch/pytorch/issues/new/choose."
)
_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Failure to do this in the opposite order will result in "
    "skipping the first value of the learning rate schedule.",
    "You should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`. See more details at "
    "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
)
_OVERRIDDEN = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, make sure to "
    "call `optimizer.step()` before `lr_scheduler.step()`. See more details at "
    "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
)


def per_group(name, optimizer, value):
    """One value per parameter group, from one value or a list."""
    count = len(optimizer.param_groups)
    if isinstance(value, (list, tuple)):
        if len(value) != count:
            raise ValueError(
                f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, "
                f"param_groups has {count}."
            )
    else:
        value = [value] * count
    return [_copy(v) for v in value]


def _copy(value):
    return value.clone() if isinstance(value, TensorBase) else value


def read(optimizer, key):
    """An option of every parameter group."""
    return [_copy(group[key]) for group in optimizer.param_groups]


def write(group, key, value):
    """Set an option; a tensor that holds one is filled, so that whoever shares it sees the change."""
    if isinstance(group[key], TensorBase):
        group[key].fill_(number(value))
    else:
        group[key] = value


def check_optimizer(optimizer):
    """Refuse anything that is not an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def warn_outside_step(scheduler):
    """``get_lr`` computes the next value from the present one; asked twice it is wrong."""
    if not scheduler._get_lr_called_within_step:
        warnings.warn(
            "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
            UserWarning,
            stacklevel=3,
        )


def without(scheduler, *names):
    """The attributes that make up a schedule's state."""
    return {k: v for k, v in scheduler.__dict__.items() if k not in ("optimizer", *names)}


def save_callable(fn):
    """Functions are not saved; the attributes of callable objects are."""
    return None if isinstance(fn, types.FunctionType) else fn.__dict__.copy()


class LRScheduler:
    """Base class of schedules. A subclass gives ``get_lr()``, a list with one rate per group.

    Parameters
    ----------
    optimizer : Optimizer
    last_epoch : int, default -1
        Where to resume; -1 starts anew.

    Raises
    ------
    TypeError
        If ``optimizer`` is none.
    KeyError
        If resumed without ``initial_lr`` in the parameter groups.

    Examples
    --------
    >>> import tensorlite as tl
    >>> class Halving(tl.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [base / 2**self.last_epoch for base in self.base_lrs]
    >>> optimizer = tl.optim.SGD([tl.zeros(1, requires_grad=True)], lr=0.8)
    >>> schedule = Halving(optimizer)
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.4]
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer, last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copy(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch "
                    ">= 0. Load the optimizer's state first, or start with last_epoch=-1"
                )
        self.base_lrs = read(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        optimizer.__dict__.setdefault("_opt_called", False)
        optimizer.__dict__["_step_at_schedule"] = optimizer.__dict__.get("step")
        self._initial_step()

    def _initial_step(self):
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self):
        """Everything but the optimizer, as a dict in PyTorch's layout."""
        return without(self)

    def load_state_dict(self, state_dict):
        """Take over what :meth:`state_dict` returned."""
        self.__dict__.update(state_dict)

    def get_last_lr(self):
        """The rates that this schedule set last, one per group."""
        return self._last_lr

    def get_lr(self):
        """The next rates, from the present ones."""
        raise NotImplementedError

    def step(self, epoch=None):
        """Go on by one epoch (or batch) and set the learning rates."""
        if self._step_count == 1:
            seen = self.optimizer.__dict__
            if seen.get("step") is not seen.get("_step_at_schedule"):
                warnings.warn(_OVERRIDDEN, UserWarning, stacklevel=2)
            elif not seen.get("_opt_called", False):
                mistakes.warn("TL016", *_ORDER)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    @contextlib.contextmanager
    def _within_step(self):
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _update_lr(self, epoch=None):
        with self._within_step():
            if epoch is None:
                self.last_epoch += 1
                values = self.get_lr()
            else:
                self.last_epoch = epoch
                closed = getattr(self, "_get_closed_form_lr", None)
                values = self.get_lr() if closed is None else closed()
        self._set(values)

    def _set(self, values):
        for group, lr in zip(self.optimizer.param_groups, values, strict=True):
            write(group, "lr", lr)
        self._last_lr = read(self.optimizer, "lr")
