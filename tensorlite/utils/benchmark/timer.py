"""Timer: runs a statement in blocks long enough to be timed and summarizes them."""

import statistics
import textwrap
import timeit as _timeit

from ...threads import get_num_threads, set_num_threads

__all__ = ["Measurement", "Timer", "unit_of"]

_OVERHEAD = 1e-3  # a block is long enough when reading the clock is a thousandth of it


def unit_of(seconds):
    """``(unit, its length in seconds)`` that suits a duration."""
    for unit, length in (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * length:
            return unit, length
    return "s", 1.0


class Measurement:
    """What a :class:`Timer` measured.

    Attributes
    ----------
    number_per_run : int
        Executions per block.
    raw_times : list of float
        Seconds of each block.
    times : list of float
        Seconds per execution, one per block.
    median, mean, iqr : float
        Of ``times``.
    significant_figures : int
        How many digits of the median the spread of the blocks lets one believe.
    """

    def __init__(self, number_per_run, raw_times, task_spec, metadata=None):
        self.number_per_run, self.raw_times = number_per_run, list(raw_times)
        self.task_spec, self.metadata = task_spec, metadata

    def __getattr__(self, name):
        if name in ("stmt", "setup", "label", "sub_label", "description", "env", "num_threads"):
            return self.task_spec[name]
        raise AttributeError(f"'Measurement' object has no attribute {name!r}")

    def __getstate__(self):
        return dict(self.__dict__)

    def __setstate__(self, state):
        self.__dict__.update(state)

    @property
    def times(self):
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self):
        return statistics.median(self.times)

    @property
    def mean(self):
        return statistics.mean(self.times)

    def _percentile(self, q):
        times = sorted(self.times)
        at = q * (len(times) - 1)
        low = int(at)
        high = min(low + 1, len(times) - 1)
        return times[low] + (at - low) * (times[high] - times[low])

    @property
    def iqr(self):
        return self._percentile(0.75) - self._percentile(0.25)

    @property
    def significant_figures(self):
        import math

        n = len(self.raw_times)
        if n < 2 or self.iqr == 0:
            return 4
        # the width of a 95 % interval of the median, from the spread of the blocks
        width = max(1.58 * self.iqr / math.sqrt(n), 1e-12 * self.median)
        return max(1, min(4, 1 + math.floor(math.log10(self.median / width)))) if self.median else 1

    @property
    def has_warnings(self):
        """Whether the blocks vary by more than a tenth."""
        return self.iqr > 0.1 * self.median

    @property
    def title(self):
        """What was measured, in a line."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        stmt = textwrap.dedent(self.stmt).strip()
        return stmt if "\n" not in stmt else "\n" + textwrap.indent(stmt, "  ")

    def __repr__(self):
        unit, length = unit_of(self.median)
        digits = self.significant_figures
        show = lambda t: f"{t / length:.{max(0, digits - len(str(int(self.median / length))))}f}"
        runs = "run" if self.number_per_run == 1 else "runs"
        lines = [f"<{__name__}.{type(self).__name__} object at {id(self):#x}>", self.title]
        if self.description:
            lines.append(self.description)
        if self.setup not in ("", "pass"):
            setup = textwrap.dedent(self.setup).strip()
            lines.append(f"setup: {setup}" if "\n" not in setup else "setup:\n" + textwrap.indent(setup, "  "))
        if len(self.raw_times) == 1:
            lines += [f"  {show(self.median)} {unit}"]
            count = "1 measurement"
        else:
            lines.append(f"  Median: {show(self.median)} {unit}")
            low, high = self._percentile(0.25), self._percentile(0.75)
            lines.append(f"  IQR:    {show(self.iqr)} {unit} ({show(low)} to {show(high)})")
            count = f"{len(self.raw_times)} measurements"
        threads = f"{self.num_threads} thread{'s' if self.num_threads > 1 else ''}"
        lines.append(
            f"  {count}, {self.number_per_run} {runs} {'per measurement, ' if count[0] != '1' else ', '}{threads}"
        )
        if len(self.raw_times) > 1 and self.has_warnings:
            lines.append(
                f"  WARNING: Interquartile range is {100 * self.iqr / self.median:.1f}% of the median measurement."
            )
        return "\n".join(lines)

    @staticmethod
    def merge(measurements):
        """Measurements of one task as one each."""
        groups = {}
        for m in measurements:
            groups.setdefault((m.number_per_run, tuple(map(str, m.task_spec.values()))), []).append(m)
        return [
            Measurement(ms[0].number_per_run, [t for m in ms for t in m.raw_times], ms[0].task_spec)
            for ms in groups.values()
        ]


class Timer:
    """Time a statement.

    Parameters
    ----------
    stmt, setup : str
        Python code; ``setup`` runs once before each block.
    global_setup : str
        For C++ in PyTorch; refused here.
    timer : callable, default :func:`time.perf_counter`
    globals : dict, optional
        Names that the code may use.
    label, sub_label, description : str, optional
        For :class:`Measurement` and :class:`Compare`.
    env : str, optional
    num_threads : int, default 1
        Threads of the library while the statement runs.
    language : 'python'
        Anything else is refused.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.utils import benchmark
    >>> timer = benchmark.Timer("x + x", globals={"x": tl.ones(3)})
    >>> timer.timeit(100).median > 0
    True
    """

    def __init__(self, stmt="pass", setup="pass", global_setup="", timer=_timeit.default_timer, globals=None, label=None,
                 sub_label=None, description=None, env=None, num_threads=1, language="python"):  # fmt: skip
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if str(getattr(language, "name", language)).lower() not in ("python", "py"):
            raise NotImplementedError("Timer times Python code only")
        if global_setup:
            raise ValueError(
                f"global_setup is C++ only, got `{global_setup}`. Most likely this code can simply be moved to `setup`."
            )
        names = dict(globals or {})
        stmt, setup = textwrap.dedent(stmt).strip("\n").rstrip(), textwrap.dedent(setup).strip("\n").rstrip()
        self._timer = _timeit.Timer(stmt, setup, timer, names)
        self._clock = timer
        self._task_spec = {
            "stmt": stmt, "setup": setup, "label": label, "sub_label": sub_label, "description": description, "env": env,
            "num_threads": num_threads,
        }  # fmt: skip

    def _run(self, number):
        before = get_num_threads()
        set_num_threads(self._task_spec["num_threads"])
        try:
            return self._timer.timeit(number)
        finally:
            set_num_threads(before)

    def timeit(self, number=1000000):
        """The mean of ``number`` executions, as a :class:`Measurement` with one block; a hundredth of them warms up."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], self._task_spec)

    def _block_size(self, min_run_time):
        clock = min(_timeit.Timer("pass", timer=self._clock).repeat(5, 1000)) / 1000
        number = 1
        while True:
            spent = self._run(number)
            if (clock / max(spent, 1e-12) <= _OVERHEAD and spent >= min_run_time / 1000) or spent > min_run_time:
                return number
            number *= 10

    def blocked_autorange(self, callback=None, min_run_time=0.2):
        """Blocks of a suitable number of executions until ``min_run_time`` seconds are over.

        Parameters
        ----------
        callback : callable, optional
            Called with ``(number, seconds)`` after each block.
        min_run_time : float, default 0.2
        """
        number = self._block_size(min_run_time)
        times, total = [], 0.0
        while total < min_run_time:
            times.append(self._run(number))
            total += times[-1]
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, self._task_spec)

    def adaptive_autorange(self, threshold=0.1, *, min_run_time=0.01, max_run_time=10.0, callback=None):
        """Blocks until their spread (interquartile range over median) is below ``threshold``."""
        number = self._block_size(0.05)
        times = []
        while True:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
            found = Measurement(number, times, self._task_spec)
            total = sum(times)
            if total >= max_run_time or (
                total >= min_run_time and len(times) > 3 and found.iqr < threshold * found.median
            ):
                return found

    def collect_callgrind(self, *args, **kwargs):
        """Refused: instruction counts need Valgrind and compiled code."""
        raise NotImplementedError("collect_callgrind is not supported by tensorlite")
