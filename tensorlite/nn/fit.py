"""The training loop behind ``Model.train`` and ``Model.fit``."""

import math
import time
import warnings

import numpy as np

from .. import engine
from ..autograd.grad_mode import no_grad
from ..callbacks.base import CallbackList
from ..checkpoint.streams import Resumable, generators_of, random_state, set_random_state
from ..mistakes.training import labels_sorted
from ..rng import get_rng_state, set_rng_state
from . import feeding
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
            wanted = ("loss", "optimizer") if needs_optimizer else ("loss",)
            missing = [n for n in wanted if getattr(model, n) is None]
            raise RuntimeError(
                f"the model has no {' and no '.join(missing)}; call model.set({'=..., '.join(missing)}=...)"
            )
        if batch_size is not None and (not isinstance(batch_size, (int, np.integer)) or batch_size < 1):
            raise ValueError(f"batch_size must be an integer of at least 1, but is {batch_size!r}")
        if not isinstance(accumulate, (int, np.integer)) or accumulate < 1:
            raise ValueError(f"accumulate must be an integer of at least 1, but is {accumulate!r}")
        if nan not in ("warn", "raise", "stop"):
            raise ValueError(f"nan must be 'warn', 'raise' or 'stop', not {nan!r}")
        if class_weight is not None and not isinstance(class_weight, dict):
            raise TypeError(f"class_weight is a dict of class index -> weight, not {type(class_weight).__name__}")
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
        self.inside = False  # an epoch
        self.updated = False  # whether the last step updated the weights

    # -- one step ------------------------------------------------------------------------------------

    def _weights(self, z, y, weight):
        """Sample weights times the weights of their classes, or None."""
        if self.class_weight is None:
            return weight
        last = max(z.shape[-1] if z.dim() > 1 else 1, 2) - 1
        if foreign := [c for c in self.class_weight if c not in range(last + 1)]:
            raise ValueError(f"class_weight has a weight for class {foreign[0]!r}, but classes are 0 to {last}")
        labels = y._data.argmax(-1) if y.dim() > 1 and y.shape[-1] > 1 else y._data.reshape(len(y))
        table = np.array([self.class_weight.get(int(c), 1.0) for c in labels], np.float32)
        return engine.wrap(table) if weight is None else weight * engine.wrap(table)

    def loss(self, z, y, weight, classes=True):
        """The data loss of a batch, weighted by its samples and (in training) their classes."""
        weight = self._weights(z, y, weight) if classes else weight
        if weight is None:
            return self.criterion(z, y)
        values = self.model.criterion(self.link, "none")(z, y)
        values = values.reshape(len(y), -1).mean(1)
        return (values * weight).sum() / len(y)

    def step(self, x, y, weight, update):
        """Forward, backward and, if ``update``, the optimizer; returns the record of the step."""
        model, optimizer = self.model, self.model.optimizer
        start = get_rng_state() if self.nan == "raise" else None
        z = model.logits(x, self.link)
        data_loss = self.loss(z, y, weight)
        extra = model.regularization_loss()
        loss = data_loss + extra if extra.__class__ is not float else data_loss
        value = float(data_loss._data)
        if not math.isfinite(value) and not self._not_finite(value, x, lambda: self._again(x, y, weight, start)):
            return None
        if self.accumulate == 1 or self.sums_up:
            loss.backward()
        else:  # the mean over the samples of a group, whatever the sizes of its batches
            (loss * len(x)).backward()
        self.pending += len(x)
        rate = getattr(optimizer, "current_learning_rate", None)
        if rate is None:
            rate = optimizer.param_groups[0]["lr"]
        if update:
            self.update()
        record = {
            "epoch": self.epoch, "step": self.step_in_epoch, "data_loss": value,
            "regularization_loss": float(extra), "learning_rate": float(rate),
        }  # fmt: skip
        if model.accuracy is not None:
            record["accuracy"] = self._measure(model.accuracy, z, y)
        for metric in model.metrics:
            self._measure(metric, z, y)
        return record

    def update(self):
        """Let the optimizer use the gradients that have added up."""
        optimizer = self.model.optimizer
        if self.accumulate > 1 and not self.sums_up:
            with no_grad():
                for p in self.model.parameters():
                    if p.grad is not None:
                        p.grad.mul_(1 / self.pending)
        self.callbacks_list.before_step(self)
        optimizer.step()
        optimizer.zero_grad()
        self.pending = 0

    def _measure(self, metric, z, y):
        """Update a metric; class decisions are the same on logits, so probabilities are made only where needed."""
        z = engine.wrap(z._data)
        if self.link == "softmax" and getattr(metric, "name", "") in ("accuracy", "confusion_matrix"):
            return metric.update(z, y)
        return metric.update(self.model.predictions(z, self.link), y)

    def _again(self, x, y, weight, start):
        """The loss of the batch once more, with the same random numbers."""
        set_rng_state(start)
        bad = [name for name, p in self.model.named_parameters() if not np.isfinite(p._data).all()]
        if bad:
            raise FloatingPointError(f"the parameter {bad[0]} is not finite: the step before was too large")
        if x._data.dtype.kind == "f" and not np.isfinite(x._data).all():
            raise FloatingPointError("the inputs of the batch are not finite")
        self.loss(self.model.logits(x, self.link), y, weight)

    def _not_finite(self, value, x, again):
        """Act on a loss that is not finite; True to go on. ``again`` computes it once more, to find the operation."""
        where = f"epoch {self.epoch + 1}, step {self.step_in_epoch}"
        if x._data.dtype.kind == "f" and (bad := np.count_nonzero(~np.isfinite(x._data.reshape(len(x), -1)).all(1))):
            where += f": {bad} of the {len(x)} samples of the batch are not finite numbers"
        if self.nan == "raise":
            from ..autograd.anomaly_mode import first_anomaly

            try:
                reason = first_anomaly(again)
            except FloatingPointError as error:
                reason = str(error)
            raise FloatingPointError(
                f"the loss is {value} at {where}; lower the learning rate or scale the inputs"
                + (f": {reason}" if reason else "")
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
        for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
            if value is not None and (not isinstance(value, (int, np.integer)) or value < 0):
                raise ValueError(f"{name} must be an integer of at least 0, but is {value!r}")
        self.link = model.link()
        self.criterion = model.criterion(self.link)
        x, y, sample_weight, validation_data, total = self._data(x, y, sample_weight, validation_data, validation_split)
        if y is not None and not self.shuffle:
            labels_sorted(y._data, self.batch_size, len(x))
        x = self._size_layers(x, y)
        self._take_parameters()
        generators = generators_of(x) if y is None else []
        if y is None:
            batches = lambda: feeding.from_loader(x)
        else:
            batches = lambda: feeding.slices(x, y, sample_weight, self.batch_size, self.shuffle)
        self.source = Resumable(batches, generators, track=False)
        history = self.history = model._history = model._history if model._history is not None else History()
        history.interrupted, history.stopped = False, None
        history.params = {"epochs": epochs, "batch_size": self.batch_size, "steps": total}
        if initial_epoch is None:  # go on after what was trained before
            self.next_epoch = history.epoch[-1] + 1 if history.epoch else 0
            self.epochs = self.next_epoch + epochs
        else:
            self.next_epoch, self.epochs = initial_epoch, epochs
        self.sums_up = getattr(model.loss, "reduction", "mean") == "sum"
        self.partial = None  # what was done of an epoch that a checkpoint was saved in
        callbacks = self.callbacks_list = CallbackList(self.callbacks, model)
        self.progress = Progress(self.verbose, self.epochs, self.print_every)
        try:
            callbacks.call("on_train_begin", self)
            while self.next_epoch < self.epochs and not self.stop:
                self.epoch = self.next_epoch
                Module.train(model, True)
                if self.partial is None:
                    callbacks.call("on_epoch_begin", self)
                self.inside = True
                values = self._epoch(total)
                if validation_data is not None and not self.stop:
                    values.update({f"val_{k}": v for k, v in self._validate(validation_data).items()})
                history.append(self.epoch, values)
                model.log.epochs.append({"epoch": self.epoch, "step": self.step_in_epoch, **self._record(values)})
                self.values = values
                self.inside = False
                self.next_epoch += 1
                callbacks.call("on_epoch_end", self)
                self.progress.end_epoch(self.epoch, values, self.trained)
            history.stopped = self.stop
        except KeyboardInterrupt:
            history.interrupted = True
            model.zero_grad()
            self.progress.interrupted()
        finally:
            callbacks.call("on_train_end", self)
            self.progress.close()
            Module.train(model, False)
        return history

    def _data(self, x, y, sample_weight, validation_data, validation_split):
        """The training and validation data, checked, and the steps of an epoch (None where not known)."""
        if y is None:
            if feeding.is_whole(x):
                raise ValueError("y is missing: train(X, y), or give a DataLoader of (X, y) batches")
            if validation_split or sample_weight is not None:
                raise ValueError(
                    "validation_split and sample_weight need whole arrays; a loader brings its own weights"
                )
            total = len(x) if hasattr(x, "__len__") else None
            if total == 0:
                raise ValueError("the data set is empty: the loader has no batches")
            return x, None, None, validation_data, total
        if not (feeding.is_whole(x) or isinstance(x, (list, tuple))):
            raise ValueError(
                f"X is a loader or an iterator ({type(x).__name__}), which brings its own targets; leave y out"
            )
        x, y, sample_weight = feeding.arrays(self.model, x, y, sample_weight)
        if validation_split:
            if not 0 < validation_split < 1:
                raise ValueError(f"validation_split must lie between 0 and 1, but is {validation_split}")
            if validation_data is not None:
                raise ValueError("give validation_split or validation_data, not both")
            cut = len(x) - int(len(x) * validation_split)
            validation_data = x[cut:], y[cut:], None if sample_weight is None else sample_weight[cut:]
            x, y = x[:cut], y[:cut]
            sample_weight = None if sample_weight is None else sample_weight[:cut]
        if hasattr(self.model.accuracy, "init"):
            self.model.accuracy.init(y)
        return x, y, sample_weight, validation_data, -(-len(x) // self.batch_size)

    def _size_layers(self, x, y):
        """Give layers that wait for their first batch their sizes, before the optimizer takes the parameters."""
        model = self.model
        if any(isinstance(p, _lazy()) for p in model.parameters()) or any(_unbuilt(m) for m in model.modules()):
            first, x = (x[:2], x) if y is not None else feeding.peek(x)
            if first is not None:
                model._dry_run(first)
        return x

    def _take_parameters(self):
        """Bind the optimizer to the model, or check that it was made for it."""
        model, optimizer = self.model, self.model.optimizer
        wanted = {name: p for name, p in model.named_parameters() if p.requires_grad}
        if hasattr(optimizer, "bind"):
            optimizer.bind(wanted.values())
            return
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        known = {id(p) for p in model.parameters()}
        foreign = len(held - known)
        missing = [name for name, p in wanted.items() if id(p) not in held]
        if foreign or missing:
            found = [f"{foreign} parameters that are not the model's"] if foreign else []
            found += [f"not {', '.join(missing)}"] if missing else []
            raise ValueError(
                f"the optimizer holds {' and '.join(found)}. Make it after the last layer was added or replaced: "
                f"model.set(optimizer=optim.{type(optimizer).__name__}(model.parameters(), ...)); what shall stay as it "
                "is gets requires_grad_(False)"
            )

    # -- checkpoints ---------------------------------------------------------------------------------

    def state_dict(self):
        """Everything that the rest of this run depends on."""
        model = self.model
        partial = None
        if self.inside:
            partial = {
                "position": self.source.state_dict(), "step": self.step_in_epoch, "sums": self.sums.tolist(),
                "count": self.count, "record": self.record, "settings": self._settings(),
                "metrics": [_state(m) for m in self._metrics()],
            }  # fmt: skip
        return {
            "model": dict(model.state_dict()), "optimizer": model.optimizer.state_dict(),
            "history": self.history.state_dict(), "log": model.log.state_dict(), "next_epoch": self.next_epoch,
            "stop": self.stop, "partial": partial, "callbacks": self.callbacks_list.state_dict(),
            "random": random_state(self.source.generators),
        }  # fmt: skip

    def load_state_dict(self, state):
        """Go on from what :meth:`state_dict` gave, here or in an earlier process."""
        model, partial = self.model, state["partial"]
        if partial is not None and partial["settings"] != self._settings():
            raise ValueError(
                f"the checkpoint lies within an epoch that ran with {partial['settings']}; it can't go on with "
                f"{self._settings()}"
            )
        model.load_state_dict(state["model"])
        model.optimizer.load_state_dict(state["optimizer"])
        self.history.load_state_dict(state["history"])
        model.log.load_state_dict(state["log"])
        self.next_epoch, self.stop, self.partial = state["next_epoch"], state["stop"], partial
        if partial is not None:
            self.source.load_state_dict(partial["position"])
        self.callbacks_list.load_state_dict(state["callbacks"])
        set_random_state(state["random"], self.source.generators)

    def _settings(self):
        return {"batch_size": self.batch_size, "accumulate": self.accumulate, "shuffle": bool(self.shuffle)}

    def _record(self, values):
        record = {
            k: values[k] for k in ("data_loss", "regularization_loss", "learning_rate", "accuracy") if k in values
        }
        record.update({k: v for k, v in values.items() if k.startswith("val_")})
        return record

    def _epoch(self, total):
        model = self.model
        for metric in self._metrics():
            metric.reset()
        self.sums, self.count, self.step_in_epoch = np.zeros(2), 0, 0
        self.pending = self.since_update = 0
        record, partial, self.partial = None, self.partial, None
        if partial is not None:
            self.sums, self.count, self.step_in_epoch = np.array(partial["sums"]), partial["count"], partial["step"]
            record = partial["record"]
            for metric, state in zip(self._metrics(), partial["metrics"], strict=True):
                vars(metric).update(state)
        model.optimizer.zero_grad()
        self.progress.start_epoch(self.epoch, total, self.step_in_epoch)
        for x, y, weight in self.source:
            last = total is not None and self.step_in_epoch + 1 == total
            self.step_in_epoch += 1
            self.updated = last or self.step_in_epoch % self.accumulate == 0
            self.since_update += 1
            new = self.step(x, y, weight, self.updated)
            if new is None:
                break
            record = new
            model.log.steps.append(record)
            n = len(x)
            self.sums += (record["data_loss"] * n, record["regularization_loss"] * n)
            self.count += n
            self.record = record
            self.callbacks_list.call("on_step_end", self)
            self.progress.step(record)
            if self.updated:
                self.since_update = 0
            if self.stop:
                break
            x = y = weight = None  # the next batch may take their memory
        else:
            if self.pending:  # a stream whose length was not known: the last, smaller group
                self.update()
        model.optimizer.zero_grad()
        self.trained = time.perf_counter()
        if record is None:
            if self.stop:
                return {"loss": float("nan")}
            raise ValueError(
                "the data set is empty: the loader gave no batches. (A generator can be used up only once; for several "
                "epochs give the function that makes it.)"
            )
        data, extra = (float(s) / self.count for s in self.sums)
        values = {"loss": data + extra, "data_loss": data, "regularization_loss": extra}
        values.update({m.name: m.compute() for m in self._metrics()})
        values["learning_rate"] = record["learning_rate"]
        return values

    def _metrics(self):
        return ([self.model.accuracy] if self.model.accuracy is not None else []) + self.model.metrics

    def _validate(self, data):
        if isinstance(data, tuple) or (isinstance(data, list) and data and feeding.is_whole(data[0])):
            if len(data) not in (2, 3):
                raise ValueError(
                    f"validation_data is (X, y), (X, y, sample_weight) or a loader, not {len(data)} arrays"
                )
            return self.evaluate(*data)
        if feeding.is_whole(data):
            raise ValueError("validation_data is (X, y) or a loader, not X alone")
        return self.evaluate(data)

    def evaluate(self, x, y=None, weight=None, batch_size=None):
        """Loss and metrics over data, in evaluation mode and off the tape."""
        model = self.model
        self.link = model.link()
        self.criterion = model.criterion(self.link)
        if y is None and feeding.is_whole(x):
            raise ValueError("y is missing: evaluate(X, y), or give a DataLoader of (X, y) batches")
        mode = model.training
        Module.train(model, False)
        for metric in self._metrics():
            metric.reset()
        total, count = 0.0, 0
        try:
            with no_grad():
                if y is not None:
                    x, y, weight = feeding.arrays(model, x, y, weight)
                    batches = feeding.slices(x, y, weight, batch_size or max(self.batch_size, 1024), False)
                else:
                    batches = feeding.from_loader(x)
                for bx, by, w in batches:
                    z = model.logits(bx, self.link)
                    total += float(self.loss(z, by, w, classes=False)._data) * len(bx)
                    count += len(bx)
                    for metric in self._metrics():
                        self._measure(metric, z, by)
                if not count:
                    raise ValueError("the data set is empty")
                values = {"loss": total / count + float(model.regularization_loss())}
                values.update({m.name: m.compute() for m in self._metrics()})
        finally:
            Module.train(model, mode)
        return values


def _state(metric):
    """What a metric has taken in so far."""
    return {k: v.copy() if isinstance(v, (list, np.ndarray)) else v for k, v in vars(metric).items()}


def _lazy():
    from .parameter import UninitializedParameter

    return UninitializedParameter


def _unbuilt(module):
    """Whether a layer still waits for its size (``BatchNorm()`` without n)."""
    return getattr(module, "unbuilt", False)
