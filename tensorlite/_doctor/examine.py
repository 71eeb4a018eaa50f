"""The examination: everything happens on a copy of the model, with the random numbers put back."""

import copy
import math
import time
import warnings

import numpy as np

from .. import engine, mistakes
from ..autograd.anomaly_mode import _Modules, first_anomaly
from ..autograd.grad_mode import no_grad
from ..creation import as_tensor
from ..engine import TensorBase, Watcher, watching
from ..engine.trail import trail
from ..mistakes import training
from ..nn.model import Model
from ..nn.module import Module
from ..optim.adam import Adam
from ..rng import get_rng_state, manual_seed, set_rng_state
from .report import Report

__all__ = ["doctor"]


def doctor(model, loss_fn, batch, *, steps=80, seconds=5.0, optimizer=None):
    """Examine a model with one batch before a long training.

    Parameters
    ----------
    model : Module
        A :class:`~tensorlite.nn.model.Model` may bring its own loss (``loss_fn=None``). Nothing of it changes: parameters, gradients, buffers, modes and random numbers are as before.
    loss_fn : callable
        ``loss_fn(output, target)``, a scalar.
    batch : tuple
        ``(x, y)``: tensors or arrays; ``x`` may be a tuple of inputs.
    steps : int, default 80
        At most so many steps try to learn the batch by heart,
    seconds : float, default 5
        for at most so long.
    optimizer : callable, optional
        ``optimizer(parameters)`` makes the optimizer whose updates are measured; Adam with ``lr=1e-3`` by default.

    Returns
    -------
    Report
        ``print(report)``; ``report.to_html(path)`` writes it with pictures; ``report.ok``, ``report["gradients"]``.

    Raises
    ------
    TypeError
        If ``model`` is no Module, ``loss_fn`` cannot be called or ``batch`` is not a pair.
    ValueError
        If the loss is not a scalar.

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> net = tl.nn.Sequential(tl.nn.Linear(4, 16), tl.nn.ReLU(), tl.nn.Linear(16, 3))
    >>> report = tl.doctor(net, tl.nn.CrossEntropyLoss(), (tl.randn(12, 4), tl.arange(12) % 3))
    >>> print(report["initial loss"][0].level)
    ok
    """
    if not isinstance(model, Module):
        raise TypeError(f"doctor() examines an nn.Module, not {type(model).__name__}")
    if loss_fn is None and isinstance(model, Model):
        loss_fn = model.loss
    if not callable(loss_fn):
        raise TypeError(f"loss_fn must be callable as loss_fn(output, target), not {type(loss_fn).__name__}")
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise TypeError("batch must be a pair (x, y)")
    start = time.perf_counter()
    random, grads = get_rng_state(), [(p, p._grad) for p in model.parameters()]
    tape = list(trail.passes), list(trail.cuts), dict(trail.noise)
    for p, _ in grads:
        p._grad = None  # a loss that looks at the model itself must not add to it
    try:
        with engine.recording(True), warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            report = _Examination(
                model, loss_fn, batch, steps, seconds, optimizer or (lambda p: Adam(p, lr=1e-3))
            ).run()
    finally:
        for p, g in grads:
            p._grad = g
        set_rng_state(random)
        for kept, before in zip((trail.passes, trail.cuts), tape):
            kept.clear()
            kept.extend(before)
        trail.noise.clear()
        trail.noise.update(tape[2])
    for text in dict.fromkeys(str(w.message) for w in seen if issubclass(w.category, mistakes.MistakeWarning)):
        report.add("warning", "mistakes", text)
    report.seconds = time.perf_counter() - start
    return report


class _Activations(Watcher):
    """Which units of rectifiers never fire, and which of squashing functions are saturated."""

    def __init__(self):
        self.modules = _Modules()
        self.seen = []  # (module path, primitive, share of dead or saturated units)

    def forward(self, prim, args, settings, raw):
        out = super().forward(prim, args, settings, raw)
        if prim.name in ("relu", "sigmoid", "tanh") and isinstance(out, np.ndarray) and out.ndim > 1 and len(out):
            others = tuple(i for i in range(out.ndim) if i != (1 if out.ndim != 3 else 2))
            if prim.name == "relu":
                bad = (out <= 0).all(axis=others)
            else:
                low = 0 if prim.name == "sigmoid" else -1
                bad = ((out > 0.99) | (out < low + 0.01)).all(axis=others)
            self.seen.append((self.modules.path(), prim.name, int(bad.sum()), bad.size))
        return out


class _Examination:
    def __init__(self, model, loss_fn, batch, steps, seconds, optimizer):
        self.source, self.loss_fn = model, loss_fn
        self.steps, self.seconds, self.optimizer = steps, seconds, optimizer
        x, self.y = batch
        dtype = next((p.dtype for p in model.parameters() if p._data.dtype.kind == "f"), None)
        self.x = tuple([_tensor(v, dtype) for v in x]) if isinstance(x, (tuple, list)) else (_tensor(x, dtype),)
        self.y = _tensor(self.y, dtype)
        self.report = Report(type(model).__name__)
        self.link = model.link() if isinstance(model, Model) and loss_fn is model.loss else None

    def copy(self):
        """A copy of the model in training mode, without gradients, at the same random numbers."""
        model = copy.deepcopy(self.source)
        for m in model.modules():
            m.training = True
        for p in model.parameters():
            p._grad = None
        manual_seed(0)
        return model

    def loss(self, model):
        if self.link is not None:  # the last activation and the loss of a Model are computed as one
            self.output = model.logits(*self.x, self.link)
            loss = model.criterion(self.link)(self.output, self.y)
        else:
            self.output = model(*self.x)
            loss = self.loss_fn(self.output, self.y)
        if not isinstance(loss, TensorBase) or loss._data.size != 1:
            raise ValueError(
                f"loss_fn must return a scalar tensor, but returned {getattr(loss, 'shape', type(loss).__name__)}"
            )
        return loss

    def run(self):
        self.inputs()
        model = self.copy()
        watcher = _Activations()
        watcher.modules.start()
        try:
            with watching(watcher):
                loss = self.loss(model)
        finally:
            watcher.modules.stop()
        self.labels()
        finite = self.initial(loss)
        self.units(watcher.seen)
        if loss._node is None:
            self.report.add("problem", "gradients", "the loss is not connected to the parameters: it has no graph")
            return self.report
        loss.backward()
        self.gradients(model)
        if finite:
            self.update(model)
            self.modes()
            self.samples()
            self.by_heart()
        return self.report

    # -- the data ------------------------------------------------------------------------------------------

    def inputs(self):
        add = self.report.add
        for i, x in enumerate(self.x):
            a, name = x._data, "the input" if len(self.x) == 1 else f"input {i}"
            if a.dtype.kind != "f":
                add("note", "inputs", f"{name} is {x.dtype.name}{list(a.shape)}: taken as indices")
                continue
            if not np.isfinite(a).all():
                add("problem", "inputs", f"{name} has {int((~np.isfinite(a)).sum())} values that are not finite")
                continue
            if not a.size:
                add("problem", "inputs", f"{name} of shape {list(a.shape)} is empty")
                continue
            mean, std, top = float(a.mean()), float(a.std()), float(np.abs(a).max())
            what = f"{name} has mean {mean:.3g}, standard deviation {std:.3g}, largest absolute value {top:.3g}"
            if std > 10 or abs(mean) > 10 or top > 1000:
                add("warning", "inputs", f"{what}: scale it, for example (x - mean) / std")
            elif std < 1e-2:
                add("warning", "inputs", f"{what}: it hardly varies; scale it")
            else:
                add("ok", "inputs", what)
            if a.ndim == 2 and len(a) > 1 and a.shape[1] > 1:
                spread = a.std(axis=0)
                if (constant := int((spread == 0).sum())) and constant < spread.size:
                    add("note", "inputs", f"{constant} of {spread.size} features of {name} are constant in this batch")
                some = spread[spread > 0]
                if some.size and some.max() > 1000 * some.min():
                    add(
                        "warning",
                        "inputs",
                        f"features of {name} differ in scale by {some.max() / some.min():.2g}: scale each",
                    )

    def labels(self):
        add, y, out = self.report.add, self.y._data, self.output
        shape = list(out._data.shape) if isinstance(out, TensorBase) else None
        if shape is None or y.dtype.kind not in "iu" or len(shape) < 2 or not y.size or y.ndim != len(shape) - 1:
            what = f"targets {self.y.dtype.name}{list(y.shape)}" + (f", outputs {shape}" if shape else "")
            same = shape is None or list(y.shape) == shape
            add("ok" if same else "note", "labels", what + ("" if same else ": the shapes differ"))
            return
        classes = shape[1]
        counted = y[y != -100]
        counts = np.bincount(counted.reshape(-1), minlength=classes)
        missing = int((counts[:classes] == 0).sum())
        what = f"class indices from {counted.min()} to {counted.max()} for {classes} outputs"
        if missing == classes - 1 and counted.size > 1:
            add("warning", "labels", f"{what}: the batch has a single class; is the data sorted and not shuffled?")
        elif missing and counted.min() == 1:
            add("warning", "labels", f"{what}: class 0 never occurs; do the labels start at 1?")
        elif missing > 0:
            add("note", "labels", f"{what}: {missing} classes do not occur in this batch")
        else:
            add("ok", "labels", what)

    # -- the loss ------------------------------------------------------------------------------------------

    def expected(self, loss):
        """The loss of a model that knows nothing, and why; the tape says what kind of loss it is."""
        names = set()
        for node in engine.order([loss._node])[0] if loss._node is not None else ():
            plan = getattr(node, "plan", None)
            if plan is not None:
                names.add(plan.primitive.name)
        y = self.y._data
        if (
            names & {"cross_entropy", "log_softmax"}
            and isinstance(self.output, TensorBase)
            and self.output._data.ndim > 1
        ):
            classes = self.output._data.shape[1]
            return math.log(classes), f"ln({classes}) for {classes} classes"
        if names & {"bce_with_logits", "binary_cross_entropy"}:
            return math.log(2), "ln(2) for two classes"
        if "mse_loss" in names and y.size:
            return float(y.var()), "the variance of the targets"
        return None, ""

    def initial(self, loss):
        value, add = float(loss._data.reshape(())), self.report.add
        if not math.isfinite(value):
            reason = first_anomaly(lambda: self.loss(self.copy()))
            add("problem", "initial loss", f"{value}" + (f": {reason}" if reason else ""))
            return False
        self.first = value
        expected, why = self.expected(loss)
        if expected is None or expected <= 0:
            add("note", "initial loss", f"{value:.4g}")
        elif value > 2 * expected + 0.1:
            add("warning", "initial loss", f"{value:.4g}, but a model that knows nothing has {expected:.4g} ({why}): the last layer "
                "starts too large, or inputs and targets need scaling")  # fmt: skip
        elif value < 0.5 * expected:
            add(
                "note",
                "initial loss",
                f"{value:.4g}, less than {expected:.4g} ({why}): the model is trained, or sees the target",
            )
        else:
            add("ok", "initial loss", f"{value:.4g}, expected {expected:.4g} ({why})")
        return True

    # -- units and parameters ------------------------------------------------------------------------------

    def units(self, seen):
        total = sum(n for *_, n in seen)
        if not total:
            return
        worst = [(path or "the model", name, bad, n) for path, name, bad, n in seen if bad > 0.4 * n]
        for path, name, bad, n in worst:
            what = "never fire" if name == "relu" else "are saturated"
            self.report.add("warning", "units", f"{bad} of {n} units of {name} in {path} {what} in this batch")
        if not worst:
            bad = sum(b for *_, b, _ in seen)
            self.report.add("ok", "units", f"{bad} of {total} units are dead or saturated in this batch")

    def gradients(self, model):
        add, rows = self.report.add, self.report.parameters
        frozen, unused, wild = [], [], []
        for name, p in model.named_parameters():
            g = p._grad
            norm = None if g is None else float(np.linalg.norm(g._data.astype(np.float64).reshape(-1)))
            rows.append({"name": name, "shape": tuple(p._data.shape), "frozen": p._node is None, "update": None,
                         "gradient": norm, "weight": float(np.linalg.norm(p._data.astype(np.float64).reshape(-1)))})  # fmt: skip
            if p._node is None:
                frozen.append(name)
            elif g is None:
                unused.append(name)
            elif not math.isfinite(norm):
                wild.append(name)
        if frozen:
            add("note", "parameters", f"{len(frozen)} frozen: {_list(frozen)}")
        if unused:
            add("warning", "parameters", f"{len(unused)} get no gradient, the loss does not use them: {_list(unused)}")
        for found in training.hiding():
            if any(found[0] is m for m in self.source.modules()):
                text = f"TL007: {training.holding(*found)} that parameters() does not list. {training.cure(*found)}"
                add("problem", "parameters", text)
        if not frozen and not unused and rows:
            add("ok", "parameters", f"all {len(rows)} get a gradient")
        if not rows:
            add("problem", "parameters", "the model has no parameters")
        if wild:
            add("problem", "gradients", f"not finite: {_list(wild)}")
            return
        sizes = {
            r["name"]: r["gradient"] / math.sqrt(max(1, math.prod(r["shape"])))
            for r in rows
            if r["gradient"] is not None
        }
        if not sizes:
            return
        weights = {n: s for n, s in sizes.items() if len(next(r["shape"] for r in rows if r["name"] == n)) > 1} or sizes
        top = max(weights.values())
        total = math.sqrt(sum(r["gradient"] ** 2 for r in rows if r["gradient"] is not None))
        still = [n for n, s in weights.items() if s < 1e-5 * top or s == 0]
        if total > 1000:
            add("warning", "gradients", f"the norm is {total:.3g}, largest in {max(sizes, key=sizes.get)}: exploding; lower the "
                "initial weights or the scale of the inputs, or clip")  # fmt: skip
        if top == 0:
            add("problem", "gradients", "the gradients of all weights are zero")
        elif still:
            add("warning", "gradients", f"vanishing (less than 1e-5 of the largest) in {_list(still)}")
        elif total <= 1000:
            low = min(weights, key=weights.get)
            add("ok", "gradients", f"norm {total:.3g}; per weight from {weights[low]:.2g} ({low}) to {top:.2g}")

    def update(self, model):
        before = {n: p._data.copy() for n, p in model.named_parameters()}
        trained = [p for p in model.parameters() if p._grad is not None]
        if not trained:
            return
        optimizer = self.optimizer(trained)
        optimizer.step()
        ratios = {}
        for row, (name, p) in zip(self.report.parameters, model.named_parameters()):
            if p._grad is not None and row["weight"] > 0:
                change = np.linalg.norm((p._data - before[name]).astype(np.float64).reshape(-1))
                ratios[name] = row["update"] = float(change) / row["weight"]
        many = {n: r for n, r in ratios.items() if before[n].ndim > 1}
        if not many:
            return
        low, high = min(many, key=many.get), max(many, key=many.get)
        what = f"one step of {type(optimizer).__name__} changes weights by {many[low]:.2g} ({low}) to {many[high]:.2g} ({high})"
        if many[high] > 0.2:
            self.report.add("warning", "updates", f"{what} of their norm: lower the learning rate")
        elif many[high] < 1e-6:
            self.report.add("warning", "updates", f"{what} of their norm: training will hardly move")
        else:
            self.report.add("ok", "updates", f"{what} of their norm; about 1e-3 is usual")

    # -- behaviour -------------------------------------------------------------------------------------------

    def modes(self):
        model = self.copy()
        kinds = [
            type(m).__name__
            for m in model.modules()
            if "Dropout" in type(m).__name__ or "BatchNorm" in type(m).__name__
        ]
        with no_grad(), mistakes.silenced("TL006"):
            train = float(self.loss(model)._data.reshape(()))
            again = float(self.loss(model)._data.reshape(()))
            for m in model.modules():
                m.training = False
            evaluated = float(self.loss(model)._data.reshape(()))
        what = f"loss {train:.4g} in training mode, {evaluated:.4g} in evaluation mode"
        names = ", ".join(dict.fromkeys(kinds)) or "no layer that knows the difference"
        if not kinds and (train != again or not math.isclose(train, evaluated, rel_tol=1e-4, abs_tol=1e-6)):
            self.report.add(
                "note", "modes", f"{what}, though there is {names}: forward() is random or looks at self.training"
            )
        elif evaluated > 3 * train + 1:
            self.report.add(
                "note",
                "modes",
                f"{what} ({names}): running statistics are far from this batch until the model has trained",
            )
        else:
            self.report.add("ok", "modes", f"{what} ({names})")

    def samples(self):
        """In evaluation mode, one sample's output must not depend on the others."""
        x, out = self.x[0], self.output
        if len(self.x) > 1 or x._data.dtype.kind != "f" or len(x._data) < 2 or not isinstance(out, TensorBase):
            return
        if out._data.ndim < 1 or len(out._data) != len(x._data):
            return
        model = self.copy()
        for m in model.modules():
            m.training = False
        probe = engine.wrap(x._data.copy())
        probe.requires_grad_(True)
        out = model(probe) if self.link is None else model.logits(probe, self.link)
        if out._node is None:
            return
        (g,) = engine.grad(out[0].sum(), probe, allow_unused=True)
        if g is not None and np.abs(g._data[1:]).max(initial=0) > 0:
            self.report.add("problem", "samples", "the output of a sample depends on other samples of the batch: is a view or a "
                            "transpose mixing the batch with another dimension?")  # fmt: skip

    def by_heart(self):
        """A model that cannot learn one batch by heart will not learn more."""
        best = []
        deadline = time.perf_counter() + self.seconds
        for rate in (1e-2, 1e-3):
            model = self.copy()
            for m in model.modules():
                m.training = "Dropout" not in type(m).__name__
            params = [p for p in model.parameters() if p._node is not None]
            optimizer, losses = Adam(params, lr=rate), []
            for _ in range(self.steps):
                optimizer.zero_grad()
                loss = self.loss(model)
                losses.append(float(loss._data.reshape(())))
                if not math.isfinite(losses[-1]) or time.perf_counter() > deadline:
                    break
                loss.backward()
                optimizer.step()
            if not best or min(losses) < min(best):
                best = losses
            if min(best) < 0.2 * best[0]:
                break
        self.report.losses = best
        first, last = best[0], min(v for v in best if math.isfinite(v))
        what = f"the loss went from {first:.4g} to {last:.4g} in {len(best) - 1} steps on this batch"
        if last < 0.2 * first or last < 1e-3:
            self.report.add("ok", "one batch", what)
        elif last < 0.7 * first:
            self.report.add("note", "one batch", f"{what}: slowly")
        else:
            self.report.add("warning", "one batch", f"{what}: it is not learnt; do inputs and labels belong together, and is the "
                            "loss computed from the outputs?")  # fmt: skip


def _tensor(value, dtype):
    """A tensor without history; arrays of floats take the dtype of the weights."""
    if isinstance(value, TensorBase):
        return engine.wrap(value._data)
    t = as_tensor(value)
    return t.to(dtype) if t._data.dtype == np.float64 and dtype is not None else t


def _list(names):
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
