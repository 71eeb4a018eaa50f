"""Averages of weights: stochastic weight averaging and exponential moving averages."""

import copy
import itertools
import math

from .. import engine
from ..creation import tensor
from ..dtypes import of
from ..nn.module import Module
from .lr_scheduler.base import LRScheduler, per_group, warn_outside_step, without

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


def _check_decay(decay):
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _blend(average, current, weight):
    """``average += weight * (current - average)``, in place."""
    a, b = average._data, current._data
    a[...] = (a + weight * (b - a)).astype(a.dtype, copy=False)
    engine.touch(average)


def get_ema_multi_avg_fn(decay=0.999):
    """A function that updates lists of parameters to an exponential moving average."""
    _check_decay(decay)

    def ema_update(ema_param_list, current_param_list, _):
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            _blend(average, current, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn():
    """A function that updates lists of parameters to their mean over the calls."""

    def swa_update(averaged_param_list, current_param_list, num_averaged):
        weight = 1.0 / (int(num_averaged) + 1)
        for average, current in zip(averaged_param_list, current_param_list, strict=True):
            _blend(average, current, weight)

    return swa_update


def get_ema_avg_fn(decay=0.999):
    """A function that gives the exponential moving average of one parameter."""
    _check_decay(decay)

    def ema_update(ema_param, current_param, num_averaged):
        with engine.recording(False):
            return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn():
    """A function that gives the mean of one parameter over the calls."""

    def swa_update(averaged_param, current_param, num_averaged):
        with engine.recording(False):
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages.

    Parameters
    ----------
    model : Module
    device : optional
        Where to put the copy: ``cpu``.
    avg_fn : callable, optional
        ``avg_fn(averaged, current, n)`` returns the new average of one parameter; the mean by default.
    multi_avg_fn : callable, optional
        ``multi_avg_fn(averaged_list, current_list, n)`` updates all in place.
    use_buffers : bool, default False
        Average buffers too; otherwise they are copied.

    Raises
    ------
    AssertionError
        If both functions are given.

    Examples
    --------
    >>> import tensorlite as tl
    >>> model = tl.nn.Linear(1, 1)
    >>> average = tl.optim.swa_utils.AveragedModel(model)
    >>> average.update_parameters(model)
    >>> average.n_averaged
    tensor(1)
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=of("int64")))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def update_parameters(self, model):
        """Take the present parameters of ``model`` into the average."""
        mine, theirs = [
            [t.detach() for t in (itertools.chain(m.parameters(), m.buffers()) if self.use_buffers else m.parameters())]
            for m in (self.module, model)
        ]  # fmt: skip
        if int(self.n_averaged) == 0:
            _copy_all(mine, theirs)
        elif self.avg_fn is not None:
            _copy_all(mine, [self.avg_fn(a, b, self.n_averaged) for a, b in zip(mine, theirs)])
        else:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            kinds = {}
            for a, b in zip(mine, theirs):
                kinds.setdefault(a._data.dtype, ([], []))
                kinds[a._data.dtype][0].append(a)
                kinds[a._data.dtype][1].append(b)
            for averages, values in kinds.values():
                update(averages, values, self.n_averaged)
        if not self.use_buffers:
            _copy_all(list(self.module.buffers()), list(model.buffers()))
        self.n_averaged._data[...] += 1
        engine.touch(self.n_averaged)


def _copy_all(targets, sources):
    for target, source in zip(targets, sources, strict=True):
        target._data[...] = source._data
        engine.touch(target)


def update_bn(loader, model, device=None):
    """Compute the running statistics of a model's BatchNorm layers anew, over one pass through ``loader``.

    Parameters
    ----------
    loader : iterable
        Of inputs, or of tuples whose first entry is the input.
    model : Module
    device : optional
        Where to move the inputs.
    """
    from ..nn.layer.batchnorm import _BatchNorm

    layers = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    if not layers:
        return
    momenta = [m.momentum for m in layers]
    training = model.training
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over the batches
    model.train()
    try:
        with engine.recording(False):
            for batch in loader:
                if isinstance(batch, (list, tuple)):
                    batch = batch[0]
                model(batch if device is None else batch.to(device))
    finally:
        for layer, momentum in zip(layers, momenta):
            layer.momentum = momentum
        model.train(training)


class SWALR(LRScheduler):
    """Bring the rates to ``swa_lr`` within ``anneal_epochs``, and hold them there.

    Parameters
    ----------
    optimizer : Optimizer
    swa_lr : float or list of float
    anneal_epochs : int, default 10
    anneal_strategy : {'cos', 'linear'}
    last_epoch : int, default -1

    Raises
    ------
    ValueError
        For an unknown strategy or negative epochs.

    Examples
    --------
    >>> import tensorlite as tl
    >>> optimizer = tl.optim.SGD([tl.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tl.optim.swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.75]
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        for value, group in zip(per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = value
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step):
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self):
        warn_outside_step(self)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            goal = group["swa_lr"]
            start = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates

    def state_dict(self):
        """Everything but the optimizer."""
        return without(self, "anneal_func")
