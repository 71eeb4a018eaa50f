"""How element-by-element update rules are run: in blocks that stay in the cache, small parameters together.

An optimizer writes its formula once, as a function of raw arrays. A large parameter goes through it in blocks of
``BLOCK`` elements, so that the handful of passes that the formula makes find their operands in the cache. (A second thread
was tried: the passes are so short that waiting for the interpreter's lock eats what it gains.) Small parameters
(biases, little layers) would spend more time in calls than in arithmetic: they are collected into *batches* of at most
``BLOCK`` elements whose moments are slices of one array; their values and gradients are gathered into scratch memory,
updated with one run of the formula, and copied back. Parameters and gradients never move, so nobody can tell; the
state's tensors are views of the batch's arrays, and are checked to be so at each step.
"""

from __future__ import annotations

import math

import numpy as np

from .. import dtypes, engine
from ..engine import TensorBase, wrap
from .optimizer import Optimizer, evaluated, number

__all__ = ["BLOCK", "SMALL", "Elementwise"]

BLOCK = 65536  # elements per run of a formula
SMALL = 4096  # parameters up to this size share a run: beyond it, copying costs more than the calls it saves


class Elementwise(Optimizer):
    """An optimizer whose rule treats every element alike. A subclass gives its four parts.

    ``counters`` : tuple of str
        State with one number per parameter.
    ``slots(group)`` : dict
        State with one number per element, and its first value.
    ``first(group)`` : tuple
        First values of the counters.
    ``constants(group, lr, counters, batch)`` : tuple
        What the formula needs besides arrays, and the new values of the counters; ``batch.fresh`` says whether the slots
        are new.
    ``rule(p, g, slots, scratch, constants)``
        The formula: updates ``p`` and ``slots`` in place; two scratch arrays are there to be used.
    """

    counters: tuple = ()
    decoupled = "decoupled_weight_decay"  # the option that takes weight decay out of the gradient

    def slots(self, group):
        return {}

    def first(self, group):
        return (0.0,) * len(self.counters)

    def constants(self, group, lr, counters, batch):
        raise NotImplementedError

    rule: staticmethod

    def add_param_group(self, param_group):
        if isinstance(param_group, dict):
            self._refuse({**self.defaults, **param_group})
        super().add_param_group(param_group)

    @staticmethod
    def _refuse(options):
        if options.get("fused") and options.get("differentiable"):
            raise RuntimeError("`fused` does not support `differentiable`")
        if options.get("fused") and options.get("foreach"):
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        if options.get("differentiable"):
            raise NotImplementedError(
                "differentiable=True is not supported: updates are not recorded on the tape. Write the update with "
                "tensor operations (p_new = p - lr * g, g from autograd.grad(..., create_graph=True)) instead"
            )
        if options.get("capturable"):
            raise NotImplementedError("capturable=True is for CUDA graphs, which this library does not have")

    def __init__(self, params, defaults):
        self._plans = {}  # per group
        self._memory = {}  # per dtype
        super().__init__(params, defaults)

    def __setstate__(self, state):
        super().__setstate__(state)
        self._plans, self._memory = {}, {}
        for group in self.param_groups:  # files of older versions lack the newer options
            for name, default in self.defaults.items():
                group.setdefault(name, default)

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
        plans = self._plans
        jobs = []
        for i, group in enumerate(self.param_groups):
            present = [p for p in group["params"] if p._grad is not None]
            if not present:
                continue
            plan = plans.get(i)
            if plan is None or not plan.holds(self, group, present):
                for p in present:
                    check_gradient(group, p)
                plan = plans[i] = Plan(self, group, present)
            lr = self._rate(group)
            for batch in plan.batches:
                constants, counts = self.constants(group, lr, [row.item(0) for row in batch.counts], batch)
                jobs.append((batch, group, constants, counts))
        self._run(jobs)
        return loss

    @np.errstate(all="ignore")  # infinities and NaN go their way without a word, as in PyTorch
    def _run(self, jobs):
        for batch, group, constants, counts in jobs:
            batch.run(self, group, constants)
            batch.fresh = False
            for row, value in zip(batch.counts, counts):
                row.fill(value)


def check_gradient(group, p):
    """Raise if the gradient of ``p`` is not one of its shape and dtype."""
    a, g = p._data, p._grad._data
    if g.shape == a.shape and g.dtype == a.dtype:
        return
    i = next(i for i, q in enumerate(group["params"]) if q is p)
    name = f"{group['param_names'][i]!r}" if "param_names" in group else f"number {i} of its group"
    raise RuntimeError(
        f"the gradient of parameter {name} has shape {list(g.shape)} and dtype {dtypes.of(g.dtype)}, but the parameter "
        f"has shape {list(a.shape)} and dtype {dtypes.of(a.dtype)}; nothing has been updated"
    )


class Plan:
    """The batches in which one group's present parameters are updated."""

    def __init__(self, optimizer, group, present):
        self.slots = optimizer.slots(group)
        kinds = {}
        for p in {id(p): p for p in present}.values():
            state, fresh = _complete(optimizer, group, p)
            counts = tuple(float(state[c]._data) for c in optimizer.counters)
            small = p._data.size <= SMALL
            kinds.setdefault((p._data.dtype, counts, fresh) if small else id(p), []).append((p, state, fresh))
        self.batches = []
        for members in kinds.values():
            batch, total = [], 0
            for member in members:
                size = member[0]._data.size
                if batch and total + size > BLOCK:
                    self.batches.append(Batch(optimizer, self.slots, batch))
                    batch, total = [], 0
                batch.append(member)
                total += size
            self.batches.append(Batch(optimizer, self.slots, batch))
        self.expected = [(p, p._data, p._data.shape, p._data.dtype) for p in present]
        self.state = [
            (p, state, [(name, state[name]._data) for name in (*optimizer.counters, *self.slots)])
            for b in self.batches
            for p, state in zip(b.params, b.states)
        ]

    def holds(self, optimizer, group, present):
        """Whether parameters, gradients and state are still what the batches were made for."""
        expected = self.expected
        if len(present) != len(expected) or self.slots != optimizer.slots(group):
            return False
        for p, (known, array, shape, dtype) in zip(present, expected):
            a, g = p._data, p._grad._data
            if p is not known or g.shape != shape or (g.dtype is not dtype and g.dtype != dtype):
                return False
            if a is not array and (a.shape != shape or a.dtype is not dtype):
                return False
        return optimizer._private or self._holds_state(optimizer._state)

    def _holds_state(self, state):
        """The state has been shown to somebody: is it still ours, and are the counters of a batch still equal?"""
        for p, own, arrays in self.state:
            if arrays and state.get(p) is not own:
                return False
            for name, array in arrays:
                t = own.get(name)
                if t.__class__ is not engine.tape.result_class or t._data is not array:
                    return False
        for batch in self.batches:
            if len(batch.params) > 1:
                for row in batch.counts:
                    values = row.tolist()
                    if values.count(values[0]) != len(values):
                        return False
        return True


def _complete(optimizer, group, p):
    """The state of ``p`` with everything there, as tensors; and whether some of it is new."""
    counters, slots = optimizer.counters, optimizer.slots(group)
    if not counters and not slots:
        return {}, False
    state = optimizer._state[p]
    for name, value in zip(counters, optimizer.first(group)):
        held = state.get(name, value)
        if not isinstance(held, TensorBase):
            state[name] = wrap(np.array(number(held), dtypes.get_default_dtype().numpy))
    fresh = False
    for name, value in slots.items():
        held = state.get(name)
        if held is None:
            fresh = True
            array = _aligned(p._data.shape, p._data.dtype) if p._data.flags.c_contiguous else np.empty_like(p._data)
            _real(array).fill(value)
            state[name] = wrap(array)
        elif held._data.shape != p._data.shape:
            raise RuntimeError(
                f"the optimizer's state {name!r} has shape {list(held._data.shape)}, but its parameter has shape "
                f"{list(p._data.shape)}"
            )
    return state, fresh


class Batch:
    """Parameters that one run of the formula updates: several small ones, or one."""

    def __init__(self, optimizer, slots, members):
        self.params = [p for p, _, _ in members]
        self.fresh = members[0][2]
        self.states = states = [state for _, state, _ in members]
        counters = optimizer.counters
        self.counts = []
        for name in counters:
            row = np.empty(len(members), np.result_type(*[state[name]._data for state in states]))
            self.counts.append(row)
            for i, state in enumerate(states):
                row[i] = state[name]._data
                state[name]._data = row[i : i + 1].reshape(())
        self.shapes = [p._data.shape for p in self.params]
        ends = np.cumsum([p._data.size for p in self.params]).tolist()
        self.spans = list(zip([0, *ends], ends))
        self.views = None
        if len(members) == 1:
            self.arrays = [states[0][name]._data for name in slots]
        else:
            self.arrays = []
            dtype = self.params[0]._data.dtype
            for name in slots:
                flat = _aligned((ends[-1],), dtype)
                for state, shape, (a, b) in zip(states, self.shapes, self.spans):
                    part = flat[a:b].reshape(shape)
                    part[...] = state[name]._data
                    state[name]._data = part
                self.arrays.append(flat)

    def run(self, optimizer, group, constants):
        """Update the parameters and their moments."""
        how = optimizer.rule, constants, _coupled(optimizer, group), group["maximize"]
        params = self.params
        scratch = _scratch(optimizer, params[0]._data.dtype)
        if len(params) == 1:
            _run_alone(scratch, params[0]._data, params[0]._grad._data, self.arrays, how)
        else:
            if self.views is None or self.views[0] is not scratch:
                self._cut(scratch)
            _, values, grads, lines, free = self.views
            for p, value, grad in zip(params, values, grads):
                value[...] = p._data
                grad[...] = p._grad._data
            _run_block(lines, free, *how)
            for p, value in zip(params, values):
                p._data[...] = value
        engine.touch_all(params)

    def _cut(self, scratch):
        """The parts of the scratch memory that stand for each parameter."""
        cut = [[row[a:b].reshape(s) for s, (a, b) in zip(self.shapes, self.spans)] for row in scratch[:2]]
        total = self.spans[-1][1]
        lines = [_real(a) for a in (scratch[0][:total], scratch[1][:total], *self.arrays)]
        self.views = (scratch, *cut, lines, [_real(row[:total]) for row in scratch[2:]])


def _run_alone(scratch, p, g, slots, how):
    """Update one parameter, block by block."""
    if not p.flags.c_contiguous and p.T.flags.c_contiguous:
        p, g, slots = p.T, g.T, [s.T for s in slots]
    lines = [_real(np.ascontiguousarray(a).reshape(-1)) for a in (p, g, *slots)]
    rows = [_real(row) for row in scratch[2:]]
    size, total = rows[0].size, lines[0].size
    for i in range(0, total, size):
        free = rows if i + size <= total else [row[: total - i] for row in rows]
        _run_block([line[i : i + size] for line in lines], free, *how)
    for a, line in zip((p, *slots), (lines[0], *lines[2:])):
        if not a.flags.c_contiguous:  # another layout was worked on in a copy
            a[...] = line.view(a.dtype).reshape(a.shape)


def _run_block(lines, free, rule, constants, decay, maximize):
    p, g, *slots = lines
    extra, s, t = free
    g = _direction(p, g, extra, s, decay, maximize)
    rule(p, g, slots, (s, t), constants)


def _coupled(optimizer, group):
    """The weight decay that goes into the gradient."""
    return 0 if group.get(optimizer.decoupled) else number(group.get("weight_decay", 0))


def _direction(p, g, out, scratch, decay, maximize):
    """``g``, or ``-g`` to maximize, plus weight decay; written to ``out`` where it is not ``g`` itself."""
    if maximize:
        g = np.negative(g, out=out)
    if decay != 0:
        np.multiply(p, decay, out=scratch)
        g = np.add(g, scratch, out=out)
    return g


def _real(a):
    """A complex array as twice as many real numbers; formulas treat the parts alike."""
    return a.view(a.real.dtype) if a.dtype.kind == "c" else a


def _aligned(shape, dtype):
    """Memory that begins where a cache line does: passes that write to it are up to twice as fast."""
    count = math.prod(shape)
    raw = np.empty(count * dtype.itemsize + 63, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count * dtype.itemsize].view(dtype).reshape(shape)


def _scratch(optimizer, dtype):
    """Five rows of memory: values, gradients, and three for the formula."""
    found = optimizer._memory.get(dtype)
    if found is None:
        found = optimizer._memory[dtype] = list(_aligned((5, BLOCK), dtype))
    return found
