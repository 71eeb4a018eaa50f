"""The training loop behind ``Model.train`` and ``Model.fit``."""

from __future__ import annotations

import math
import warnings

import numpy as np

from .. import engine
from ..autograd.grad_mode import no_grad
from ..creation import as_tensor
from ..dtypes import get_default_dtype
from ..functions.sampling import randperm
from ..callbacks import CallbackList
from .history import History
from .module import Module
from .progress import Progress

__all__ = ["Trainer"]


class Trainer:
    """One run of training or evaluation over a model; ``Model.fit`` documents the options."""

    def __init__(self, model, *, batch_size=32, verbose="auto", callbacks=None, shuffle=True, accumulate=1,
                 class_weight=None, nan="warn", print_every=None, needs_optimizer=True):  # fmt: skip
        if not len(model.layers):
            raise RuntimeError("the model has no layers; add some with model.add(...) or use a template")
        if model.loss is None or (needs_optimizer and model.optimizer is None):
            missing = [n for n in ("loss", "optimizer") if getattr(model, n) is None]
            raise RuntimeError(f"the model has no {' and no '.join(missing)}; call model.set({'=..., '.join(missing)}=...)")
        if batch_size is not None and (not isinstance(batch_size, (int, np.integer)) or batch_size < 1):
            raise ValueError(f"batch_size must be an integer of at least 1, but is {batch_size!r}")
        if not isinstance(accumulate, (int, np.integer)) or accumulate < 1:
            raise ValueError(f"accumulate must be an integer of at least 1, but is {accumulate!r}")
        if nan not in ("warn", "raise", "stop"):
            raise ValueError(f"nan must be 'warn', 'raise' or 'stop', not {nan!r}")
        self.model = model
        self.batch_size = batch_size or 32
        self.verbose = verbose
        self.callbacks = callbacks
        self.shuffle = shuffle
        self.accumulate = accumulate
        self.class_weight = class_weight
        self.nan = nan
        self.print_every = print_every
        self.stop = None  # a reason, once training is to end
        self._warned = False
        self.step_in_epoch = 0

    # -- data ----------------------------------------------------------------------------------------

    def _tensor(self, a, what):
        if isinstance(a, engine.TensorBase):
            return a
        try:
            t = as_tensor(a)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{what} must be an array or tensor of numbers: {error}") from None
        return t

    def arrays(self, x, y, weight=None):
        """Whole data sets as tensors, checked."""
        x = self.model._input(self._tensor(x, "X"))
        y = self._tensor(y, "y")
        if y.is_floating_point() and y.dtype != get_default_dtype():
            y = y.to(get_default_dtype())
        if x.dim() == 0 or len(x) == 0:
            raise ValueError(f"the data set is empty: X has shape {tuple(x.shape)}")
        if len(x) != len(y):
            raise ValueError(f"X has {len(x)} samples, but y has {len(y)}")
        if weight is not None:
            weight = self._tensor(weight, "sample_weight").to(get_default_dtype())
            if tuple(weight.shape) != (len(x),):
                raise ValueError(f"sample_weight has shape {tuple(weight.shape)}, expected {(len(x),)}")
        return x, y, weight

    def batches(self, x, y, weight, shuffle):
        """(x, y, weight) batches of whole arrays, in random order if ``shuffle``."""
        n, size = len(x), self.batch_size
        order = randperm(n)._data if shuffle else None
        for start in range(0, n, size):
            part = slice(start, start + size)
            if order is not None:
                index = order[part]
                yield (
                    engine.wrap(x._data[index]),
                    engine.wrap(y._data[index]),
                    None if weight is None else engine.wrap(weight._data[index]),
                )
            else:
                yield x[part], y[part], None if weight is None else weight[part]

    def loader(self, source):
        """Batches from a DataLoader, an iterable or a function that returns one."""
        for batch in source() if callable(source) and not hasattr(source, "__iter__") else source:
            if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
                raise TypeError(f"a loader must give (x, y) or (x, y, weight) batches, not {type(batch).__name__}")
            x, y, *weight = batch
            x, y = self._tensor(x, "x"), self._tensor(y, "y")
            if len(x) == 0:
                raise ValueError("the loader gave an empty batch")
            yield x, y, self._tensor(weight[0], "weight") if weight else None

    # -- one step ------------------------------------------------------------------------------------

    def _weights(self, y, weight):
        """Sample weights times the weights of their classes, or None."""
        if self.class_weight is None:
            return weight
        labels = y._data.argmax(-1) if y.dim() > 1 and y.shape[-1] > 1 else y._data.reshape(len(y))
        table = np.array([self.class_weight.get(int(c), 1.0) for c in labels], np.float32)
        return engine.wrap(table) if weight is None else weight * engine.wrap(table)

    def loss(self, z, y, weight):
        """The data loss of a batch."""
        weight = self._weights(y, weight)
        if weight is None:
            return self.criterion(z, y)
        values = self.model.criterion(self.link, "none")(z, y)
        values = values.reshape(len(y), -1).mean(1)
        return (values * weight).sum() / len(y)

    def step(self, x, y, weight, update, scale):
        """Forward, backward and, if ``update``, the optimizer; returns the record of the step."""
        model, optimizer = self.model, self.model.optimizer
        z = model.logits(x, self.link)
        data_loss = self.loss(z, y, weight)
        extra = model.regularization_loss()
        loss = data_loss + extra if extra.__class__ is not float else data_loss
        value = float(data_loss._data)
        if not math.isfinite(value) and not self._not_finite(value):
            return None
        (loss if scale == 1 else loss * scale).backward()
        rate = getattr(optimizer, "current_learning_rate", None)
        if rate is None:
            rate = optimizer.param_groups[0]["lr"]
        self.callbacks_list.before_step(self)
        if update:
            optimizer.step()
            optimizer.zero_grad()
        record = {
            "epoch": self.epoch, "step": self.step_in_epoch, "data_loss": value,
            "regularization_loss": float(extra), "learning_rate": float(rate),
        }  # fmt: skip
        if model.accuracy is not None:
            record["accuracy"] = self._measure(model.accuracy, z, y)
        for metric in model.metrics:
            self._measure(metric, z, y)
        return record

    def _measure(self, metric, z, y):
        """Update a metric; class decisions are the same on logits, so probabilities are made only where needed."""
        z = z.detach()
        if self.link == "softmax" and getattr(metric, "name", "") in ("accuracy", "confusion_matrix"):
            return metric.update(z, y)
        return metric.update(self.model.predictions(z, self.link), y)

    def _not_finite(self, value):
        """Act on a loss that is not finite; True to go on."""
        where = f"epoch {self.epoch + 1}, step {self.step_in_epoch}"
        if self.nan == "raise":
            raise FloatingPointError(
                f"the loss is {value} at {where}; lower the learning rate, scale the inputs, or look for the first bad "
                "operation with tensorlite.autograd.detect_anomaly()"
            )
        if self.nan == "stop":
            self.stop = f"the loss is {value} at {where}"
            warnings.warn(f"training stopped: {self.stop}", RuntimeWarning, stacklevel=2)
            return False
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"the loss is {value} at {where}. Lower the learning rate, scale the inputs, or find the first bad "
                "operation with tensorlite.autograd.detect_anomaly(). (Said once; fit(nan='raise') or 'stop' ends the run.)",
                RuntimeWarning,
                stacklevel=2,
            )
        return True

    # -- a run ---------------------------------------------------------------------------------------

    def run(self, x, y, epochs, initial_epoch, validation_data, validation_split, sample_weight):
        """Train for ``epochs``; returns the model's History."""
        model = self.model
        self.link = model.link()
        self.criterion = model.criterion(self.link)
        whole = y is not None
        if whole:
            x, y, sample_weight = self.arrays(x, y, sample_weight)
            if validation_split:
                if not 0 < validation_split < 1:
                    raise ValueError(f"validation_split must lie between 0 and 1, but is {validation_split}")
                if validation_data is None:
                    cut = len(x) - int(len(x) * validation_split)
                    validation_data = x[cut:], y[cut:]
                    x, y = x[:cut], y[:cut]
                    sample_weight = None if sample_weight is None else sample_weight[:cut]
                    if not len(x):
                        raise ValueError("validation_split leaves no samples for training")
            total = -(-len(x) // self.batch_size)
        else:
            if isinstance(x, (np.ndarray, engine.TensorBase)):
                raise ValueError("y is missing: train(X, y), or give a DataLoader of (X, y) batches")
            if validation_split or sample_weight is not None:
                raise ValueError("validation_split and sample_weight need whole arrays; a loader brings its own weights")
            total = len(x) if hasattr(x, "__len__") else None
            if total == 0:
                raise ValueError("the data set is empty: the loader has no batches")
        if hasattr(model.accuracy, "init") and whole:
            model.accuracy.init(y)
        if any(isinstance(p, _lazy()) for p in model.parameters()) or any(_unbuilt(m) for m in model.modules()):
            first = x[: min(len(x), 2)] if whole else None
            if first is not None:
                model.build(tuple(first.shape[1:]))
        if hasattr(model.optimizer, "bind"):
            model.optimizer.bind([p for p in model.parameters() if p.requires_grad])
        history = model._history if model._history is not None else History()
        model._history = history
        history.interrupted, history.stopped = False, None
        history.params = {"epochs": epochs, "batch_size": self.batch_size, "steps": total}
        self.history = history
        self.callbacks_list = CallbackList(self.callbacks, model)
        start = initial_epoch or (history.epoch[-1] + 1 if history.epoch else 0)
        self.progress = Progress(self.verbose, start + epochs, self.print_every)
        self.epochs = start + epochs
        callbacks = self.callbacks_list
        try:
            callbacks.call("on_train_begin", self)
            for self.epoch in range(start, start + epochs):
                Module.train(model, True)
                callbacks.call("on_epoch_begin", self)
                batches = self.batches(x, y, sample_weight, self.shuffle) if whole else self.loader(x)
                values = self._epoch(batches, total)
                if validation_data is not None and not self.stop:
                    values.update({f"val_{k}": v for k, v in self._validate(validation_data).items()})
                history.append(self.epoch, values)
                model.log.epochs.append({"epoch": self.epoch, "step": self.step_in_epoch, **self._record(values)})
                self.values = values
                callbacks.call("on_epoch_end", self)
                self.progress.end_epoch(self.epoch, values)
                if self.stop:
                    history.stopped = self.stop
                    break
        except KeyboardInterrupt:
            history.interrupted = True
            model.zero_grad()
            self.progress.interrupted()
        finally:
            callbacks.call("on_train_end", self)
            self.progress.close()
            Module.train(model, False)
        return history

    def _record(self, values):
        record = {k: values[k] for k in ("data_loss", "regularization_loss", "learning_rate", "accuracy") if k in values}
        record.update({k: v for k, v in values.items() if k.startswith("val_")})
        return record

    def _epoch(self, batches, total):
        model = self.model
        for metric in self._metrics():
            metric.reset()
        sums = np.zeros(2)
        count, record = 0, None
        model.optimizer.zero_grad()
        self.progress.start_epoch(self.epoch, total)
        self.step_in_epoch = 0
        for x, y, weight in batches:
            last = total is not None and self.step_in_epoch + 1 == total
            self.step_in_epoch += 1
            update = last or self.step_in_epoch % self.accumulate == 0
            new = self.step(x, y, weight, update, 1 if self.accumulate == 1 else 1 / self.accumulate)
            if new is None:
                break
            record = new
            model.log.steps.append(record)
            n = len(x)
            sums += (record["data_loss"] * n, record["regularization_loss"] * n)
            count += n
            self.record = record
            self.callbacks_list.call("on_step_end", self)
            self.progress.step(record)
            if self.stop:
                break
        if total is None and self.accumulate > 1 and self.step_in_epoch % self.accumulate:
            model.optimizer.step()  # a stream whose length was not known: the last, smaller group
            model.optimizer.zero_grad()
        if record is None:
            if self.stop:
                return {"loss": float("nan")}
            raise ValueError("the data set is empty: the loader gave no batches")
        data, extra = (float(s) / count for s in sums)
        values = {"loss": data + extra, "data_loss": data, "regularization_loss": extra}
        values.update({m.name: m.compute() for m in self._metrics()})
        values["learning_rate"] = record["learning_rate"]
        return values

    def _metrics(self):
        return ([self.model.accuracy] if self.model.accuracy is not None else []) + self.model.metrics

    def _validate(self, data):
        x, y, *_ = data if isinstance(data, (tuple, list)) else (data, None)
        return self.evaluate(x, y)

    def evaluate(self, x, y=None):
        """Loss and metrics over data, in evaluation mode and off the tape."""
        model = self.model
        self.link = model.link()
        self.criterion = model.criterion(self.link)
        mode = model.training
        Module.train(model, False)
        for metric in self._metrics():
            metric.reset()
        total, count = 0.0, 0
        try:
            with no_grad():
                if y is not None:
                    x, y, _ = self.arrays(x, y)
                    size, self.batch_size = self.batch_size, max(self.batch_size, 1024)
                    batches = self.batches(x, y, None, False)
                else:
                    size, batches = self.batch_size, self.loader(x)
                for bx, by, weight in batches:
                    z = model.logits(bx, self.link)
                    total += float(self.criterion(z, by)._data) * len(bx)
                    count += len(bx)
                    for metric in self._metrics():
                        self._measure(metric, z, by)
                self.batch_size = size
                if not count:
                    raise ValueError("the data set is empty")
                values = {"loss": total / count + float(model.regularization_loss())}
                values.update({m.name: m.compute() for m in self._metrics()})
        finally:
            Module.train(model, mode)
        return values


def _lazy():
    from .parameter import UninitializedParameter

    return UninitializedParameter


def _unbuilt(module):
    """Whether a layer still waits for its size (``BatchNorm()`` without n)."""
    return getattr(module, "unbuilt", False)
