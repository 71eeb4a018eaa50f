"""Recording: a watcher of the tape that takes the time of whatever runs."""

import contextlib
import enum
import os
import threading
import time
import warnings

import numpy as np

from .. import engine
from .events import BACKWARD, FORWARD, RANGE, Event, EventList, operations

__all__ = [
    "ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "supported_activities",
    "tensorboard_trace_handler",
]  # fmt: skip

_now = time.perf_counter_ns


class ProfilerActivity(enum.Enum):
    """What can be profiled; here: the processor."""

    CPU = 0
    XPU = 1
    CUDA = 2


class ProfilerAction(enum.Enum):
    """What a profiler does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities():
    """What can be profiled on this machine: the processor."""
    return {ProfilerActivity.CPU}


class Recorder(engine.Watcher):
    """Notes the time of every operation, every backward step and every named range."""

    def __init__(self, record_shapes, with_stack):
        self.events = EventList()
        self.open = []  # events that are running, the outermost first
        self.record_shapes, self.with_stack = record_shapes, with_stack

    def begin(self, name, kind, operation):
        event = Event(name, kind, operation, 0, threading.get_ident())
        self.events.append(event)
        self.open.append(event)
        event.start = _now()
        return event

    def end(self, event):
        event.time = _now() - event.start
        while self.open:  # an exception may have left events inside open
            if self.open.pop() is event:
                break
        if self.open:
            self.open[-1].inside += event.time

    def forward(self, prim, args, settings, raw):
        event = self.begin(prim.name, FORWARD, prim.name)
        try:
            out = super().forward(prim, args, settings, raw)
        finally:
            self.end(event)
        event.bytes = _bytes(out if isinstance(out, (tuple, list)) else (out,), raw)
        if self.record_shapes:
            event.shapes = [list(np.shape(r)) for r in raw]
        if self.with_stack:
            event.where = engine.where()
        return out

    def backward(self, node, g, taped, needed):
        plan = node.plan
        event = self.begin(node.name(), BACKWARD, plan.primitive.name if plan is not None else node.name())
        try:
            grads = super().backward(node, g, taped, needed)
        finally:
            self.end(event)
        arrived = [engine.unwrap(x) for x in (g if isinstance(g, list) else [g])]
        event.bytes = _bytes([engine.unwrap(r) for r in grads], arrived)
        if self.record_shapes:
            event.shapes = [list(np.shape(x)) for x in arrived]
        return grads


def _bytes(results, inputs):
    """Memory of the results that lie elsewhere than the inputs."""
    arrays = lambda values: [a for a in values if isinstance(a, np.ndarray)]
    given = arrays(inputs)
    return sum(a.nbytes for a in arrays(results) if not any(np.may_share_memory(a, b) for b in given))


def recorder():
    """The innermost recorder of this thread, or None."""
    w = engine.state.watch
    while w is not None and not isinstance(w, Recorder):
        w = w.inner
    return w


class record_function(contextlib.ContextDecorator):
    """Give a block (or, as a decorator, a function) a name in the profile.

    Parameters
    ----------
    name : str
    args : str, optional
        Shown behind the name.

    Examples
    --------
    >>> import tensorlite as tl
    >>> with tl.profiler.profile() as p:
    ...     with tl.profiler.record_function("square"):
    ...         _ = tl.ones(3) ** 2
    >>> [e.name for e in p.events()]
    ['square', 'pow']
    """

    def __init__(self, name, args=None):
        self.name = name if args is None else f"{name}({args})"
        self.running = []

    def __enter__(self):
        watch = recorder()
        self.running.append((watch, watch and watch.begin(self.name, RANGE, self.name)))
        return self

    def __exit__(self, *exc):
        watch, event = self.running.pop()
        if watch is not None and event in watch.open:
            watch.end(event)

    def _recreate_cm(self):
        return type(self)(self.name)


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """Cycles of ``wait`` idle steps, ``warmup`` steps whose times are not kept, and ``active`` recorded ones.

    Parameters
    ----------
    wait, warmup, active : int
    repeat : int, default 0
        How many cycles; 0 for no end.
    skip_first : int, default 0
        Idle steps before the first cycle.
    skip_first_wait : int, default 0
        If not 0, the first cycle does not wait.

    Returns
    -------
    callable
        Step number -> :class:`ProfilerAction`, for :class:`profile`.

    Examples
    --------
    >>> import tensorlite as tl
    >>> plan = tl.profiler.schedule(wait=1, warmup=1, active=1, repeat=1)
    >>> [plan(i).name for i in range(4)]
    ['NONE', 'WARMUP', 'RECORD_AND_SAVE', 'NONE']
    """
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if warmup == 0:
        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)

    def action(step):
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        cycle = wait + warmup + active
        if repeat and step >= repeat * cycle:
            return ProfilerAction.NONE
        step %= cycle
        if step < wait:
            return ProfilerAction.NONE
        if step < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if step < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """A handler for ``on_trace_ready`` that writes a Chrome trace into the folder ``dir_name``.

    Parameters
    ----------
    dir_name : str
        Made if it is not there.
    worker_name : str, optional
        The first part of the files' names; by default the machine's name and the process number.
    use_gzip : bool
    """

    def handler(prof):
        import gzip
        import socket

        os.makedirs(dir_name, exist_ok=True)
        name = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        path = os.path.join(dir_name, f"{name}.{time.time_ns()}.pt.trace.json")
        prof.export_chrome_trace(path)
        if use_gzip:
            with open(path, "rb") as source, gzip.open(path + ".gz", "wb") as target:
                target.write(source.read())
            os.remove(path)

    return handler


class profile:
    """Take the time of every operation of this thread while the block runs.

    Parameters
    ----------
    activities : iterable of ProfilerActivity, optional
        There is only the processor: others are named in a warning.
    schedule : callable, optional
        Step number -> :class:`ProfilerAction`, see :func:`schedule`; call :meth:`step` after each training step.
    on_trace_ready : callable, optional
        Called with the profiler at the end of each recorded cycle, and at the end.
    record_shapes : bool
        Note the shapes of inputs.
    profile_memory : bool
        Accepted: the memory of results is always noted.
    with_stack : bool
        Note ``file:line`` of the calls.
    with_flops, with_modules : bool
        True is refused.
    experimental_config, execution_trace_observer : None
        Anything else is refused.
    acc_events : bool
        Keep the events of all cycles; otherwise each cycle starts anew.

    Notes
    -----
    An operation is a primitive of this library: one row per NumPy kernel with its gradient. The optimizer's update
    appears as a range of its own.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.ones(3, requires_grad=True)
    >>> with tl.profiler.profile() as p:
    ...     (x * 2).sum().backward()
    >>> [(r.key, r.count) for r in p.key_averages()]
    [('mul', 1), ('sum', 1), ('SumBackward0', 1), ('MulBackward0', 1)]
    >>> print(p.table().split("\\n")[1].split())
    ['operation', 'calls', 'forward', 'backward', 'together', 'share', 'results']
    """

    def __init__(self, *, activities=None, schedule=None, on_trace_ready=None, record_shapes=False, profile_memory=False,
                 with_stack=False, with_flops=False, with_modules=False, experimental_config=None,
                 execution_trace_observer=None, acc_events=False):  # fmt: skip
        activities = set(activities) if activities is not None else {ProfilerActivity.CPU}
        if not activities:
            raise AssertionError("No valid profiler activities found")
        for activity in activities - {ProfilerActivity.CPU}:
            if not isinstance(activity, ProfilerActivity):
                raise TypeError(f"activities must be ProfilerActivity, not {type(activity).__name__}")
            warnings.warn(f"{activity.name} is not available, disabling {activity.name} profiling", stacklevel=2)
        for name, value in (("with_flops", with_flops), ("with_modules", with_modules),
                            ("experimental_config", experimental_config),
                            ("execution_trace_observer", execution_trace_observer)):  # fmt: skip
            if value:
                raise NotImplementedError(f"profile({name}=...) is not supported by tensorlite")
        self.schedule, self.on_trace_ready, self.acc_events = schedule, on_trace_ready, acc_events
        self._options = record_shapes, with_stack
        self._events = EventList()
        self._watching = self._range = None
        self.step_num = 0
        self.current_action = ProfilerAction.NONE

    # -- running -------------------------------------------------------------------------------------

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def start(self):
        """Begin; the same as entering the block."""
        self._turn(self.schedule(self.step_num) if self.schedule else ProfilerAction.RECORD)

    def stop(self):
        """End; the same as leaving the block."""
        recording = self._watching is not None
        self._close()
        self.current_action = ProfilerAction.NONE
        if recording and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self):
        """Tell the profiler that the next step begins."""
        before = self.current_action
        self.step_num += 1
        if self.schedule is None:
            return
        if before is ProfilerAction.RECORD_AND_SAVE:
            self._close()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        self._turn(self.schedule(self.step_num))

    def _turn(self, action):
        if self._range is not None:
            self._range.__exit__()
            self._range = None
        self.current_action = action
        if action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE):
            if self._watching is None:
                watch = Recorder(*self._options)
                if self.acc_events:
                    watch.events = self._events
                self._events = watch.events
                self._watching = engine.watching(watch)
                self._watching.__enter__()
            if self.schedule is not None:
                self._range = record_function(f"ProfilerStep#{self.step_num}").__enter__()
        else:
            self._close()

    def _close(self):
        if self._range is not None:
            self._range.__exit__()
            self._range = None
        if self._watching is not None:
            self._watching.__exit__(None, None, None)
            self._watching = None

    def __str__(self):
        return self.table()

    # -- results -------------------------------------------------------------------------------------

    def table(self, sort_by="total", row_limit=-1):
        """One row per operation: calls, forward and backward time (without what ran inside), memory of its results.

        Parameters
        ----------
        sort_by : 'total', 'forward', 'backward', 'calls', 'bytes' or 'name'
        row_limit : int, default -1
            How many rows; -1 for all.

        Returns
        -------
        str
        """
        return operations(self._events, sort_by, row_limit)

    def events(self):
        """All events, in the order in which they began."""
        return self._events

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0):
        """Events of one name taken together; ``.table(sort_by=..., row_limit=...)`` prints them."""
        return self._events.key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path):
        """Write the events to ``path``, for ``chrome://tracing`` or https://ui.perfetto.dev."""
        self._events.export_chrome_trace(path)

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Write ``place microseconds`` lines to ``path``, for flame graphs; needs ``with_stack=True``."""
        if not self._options[1]:
            raise ValueError("export_stacks() needs profile(with_stack=True)")
        if metric != "self_cpu_time_total":
            raise ValueError(f"metric should be 'self_cpu_time_total', not {metric!r}")
        with open(path, "w", encoding="utf-8") as f:
            for row in self._events.key_averages(group_by_stack_n=1):
                if row.where:
                    f.write(f"{row.where.replace(' ', '_')};{row.key} {int(row.self_cpu_time_total)}\n")
