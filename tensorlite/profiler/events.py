"""What a profile consists of: events, their averages, tables and traces."""

import json
import os

__all__ = ["Average", "Event", "EventList", "operations"]

FORWARD, BACKWARD, RANGE = "forward", "backward", "range"


class Event:
    """One run of an operation, of a backward step or of a block that the user named.

    Attributes
    ----------
    name : str
        The operation's name (``linear``), its node's (``AddmmBackward0``), or the user's.
    kind : 'forward', 'backward' or 'range'
    operation : str
        The operation that a backward step belongs to.
    start, time : int
        Nanoseconds: since some fixed moment, and how long it took.
    own : int
        ``time`` without the events inside this one.
    bytes : int
        Memory of the results that are no views.
    shapes : list, optional
        Of the inputs, with ``record_shapes=True``.
    where : str, optional
        ``file:line`` of the call, with ``with_stack=True``.
    """

    __slots__ = ("bytes", "inside", "kind", "name", "operation", "shapes", "start", "thread", "time", "where")

    def __init__(self, name, kind, operation, start, thread):
        self.name, self.kind, self.operation, self.start, self.thread = name, kind, operation, start, thread
        self.time = self.inside = self.bytes = 0
        self.shapes = self.where = None

    @property
    def own(self):
        return self.time - self.inside

    key = property(lambda self: self.name)
    cpu_time_total = property(lambda self: self.time / 1e3, doc="Microseconds.")
    self_cpu_time_total = property(lambda self: self.own / 1e3, doc="Microseconds, without the events inside.")
    cpu_memory_usage = property(lambda self: self.bytes)
    input_shapes = property(lambda self: self.shapes)

    def __repr__(self):
        return f"<Event {self.name}: {duration(self.time / 1e3)}>"


class Average:
    """Events of one name taken together: a row of :meth:`EventList.table`. Times are in microseconds, as PyTorch's."""

    device_time = device_time_total = self_device_time_total = 0.0  # there is no device but the processor
    device_memory_usage = self_device_memory_usage = 0
    cuda_time = cuda_time_total = self_cuda_time_total = 0.0
    cuda_memory_usage = self_cuda_memory_usage = 0

    def __init__(self, key, kind, shapes=None, where=None):
        self.key, self.kind, self.input_shapes, self.where = key, kind, shapes, where
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = 0

    def add(self, event):
        """Count one more event."""
        self.count += 1
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.cpu_memory_usage += event.bytes

    @property
    def cpu_time(self):
        """Microseconds per call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def self_cpu_memory_usage(self):
        return self.cpu_memory_usage

    def __repr__(self):
        return (
            f"<Average key={self.key} self_cpu_time={duration(self.self_cpu_time_total)} "
            f"cpu_time={duration(self.cpu_time)}>"
        )


_SORTS = {
    "count", "cpu_time", "cpu_time_total", "self_cpu_time_total", "cpu_memory_usage", "self_cpu_memory_usage",
    "device_time", "device_time_total", "self_device_time_total", "device_memory_usage", "self_device_memory_usage",
    "cuda_time", "cuda_time_total", "self_cuda_time_total", "cuda_memory_usage", "self_cuda_memory_usage",
}  # fmt: skip


class EventList(list):
    """A list of events or of their averages."""

    @property
    def self_cpu_time_total(self):
        """Microseconds of all together."""
        return sum(e.self_cpu_time_total for e in self)

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0):
        """Events of one name taken together, in the order of their first appearance.

        Parameters
        ----------
        group_by_input_shape : bool
            Separate rows for separate input shapes (needs ``record_shapes=True``).
        group_by_stack_n : int
            If positive, separate rows for separate places of the call (needs ``with_stack=True``).
        """
        rows = {}
        for e in self:
            shapes = str(e.shapes) if group_by_input_shape and e.shapes is not None else None
            where = e.where if group_by_stack_n > 0 else None
            row = rows.get((e.name, e.kind, shapes, where))
            if row is None:
                row = rows[e.name, e.kind, shapes, where] = Average(
                    e.name, e.kind, e.shapes if shapes is not None else None, where
                )
            row.add(e)
        return EventList(rows.values())

    def total_average(self):
        """All events as one row."""
        total = Average("Total", RANGE)
        for e in self:
            total.add(e)
        total.cpu_time_total = total.self_cpu_time_total
        return total

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55,
              max_shapes_column_width=80, header=None, top_level_events_only=False):  # fmt: skip
        """A table with one row per entry.

        Parameters
        ----------
        sort_by : str, optional
            ``cpu_time_total``, ``self_cpu_time_total``, ``cpu_time``, ``count``, ``cpu_memory_usage``, ...; the largest
            come first.
        row_limit : int, default 100
            -1 for all rows.
        max_src_column_width, max_name_column_width, max_shapes_column_width : int
            Longer entries are cut.
        header : str, optional
            A line above the table.
        top_level_events_only : bool
            Refused.

        Raises
        ------
        ValueError
            For an unknown ``sort_by``.
        """
        if top_level_events_only:
            raise NotImplementedError("top_level_events_only=True is not supported: name ranges with record_function")
        rows = self
        if sort_by is not None:
            if sort_by not in _SORTS:
                raise ValueError(f"table() cannot sort by {sort_by!r}; it can by {', '.join(sorted(_SORTS))}")
            rows = sorted(self, key=lambda r: getattr(r, sort_by), reverse=True)
        if row_limit >= 0:
            rows = rows[:row_limit]
        if self and isinstance(self[0], Event):
            rows = [_single(e) for e in rows]
        whole = sum(r.self_cpu_time_total for r in self) or 1.0
        columns = [
            "Name",
            "Self CPU %",
            "Self CPU",
            "CPU total %",
            "CPU total",
            "CPU time avg",
            "CPU Mem",
            "# of Calls",
        ]
        extra = [
            (title, name, width)
            for title, name, width in (
                ("Input Shapes", "input_shapes", max_shapes_column_width),
                ("Source Location", "where", max_src_column_width),
            )
            if any(getattr(r, name, None) is not None for r in rows)
        ]
        lines = [
            [
                _cut(r.key, max_name_column_width), f"{100 * r.self_cpu_time_total / whole:.2f}%",
                duration(r.self_cpu_time_total), f"{100 * r.cpu_time_total / whole:.2f}%", duration(r.cpu_time_total),
                duration(r.cpu_time), size(r.cpu_memory_usage), str(r.count),
                *[_cut(str(getattr(r, name) or ""), width) for _, name, width in extra],
            ]
            for r in rows
        ]  # fmt: skip
        text = grid([*columns, *[title for title, _, _ in extra]], lines)
        total = f"Self CPU time total: {duration(whole if self else 0)}\n"
        return (header + "\n" if header else "") + text + total

    def __str__(self):
        return self.table()

    def export_chrome_trace(self, path):
        """Write the events to ``path``, for ``chrome://tracing`` or https://ui.perfetto.dev."""
        pid = os.getpid()
        trace = [
            {
                "ph": "X", "cat": {FORWARD: "cpu_op", BACKWARD: "backward", RANGE: "user_annotation"}[e.kind],
                "name": e.name, "pid": pid, "tid": e.thread, "ts": e.start / 1e3, "dur": e.time / 1e3,
                "args": {
                    "operation": e.operation, "bytes": e.bytes,
                    **({"Input Dims": e.shapes} if e.shapes is not None else {}),
                    **({"where": e.where} if e.where else {}),
                },
            }
            for e in self
        ]  # fmt: skip
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"displayTimeUnit": "ms", "traceEvents": trace}, f)


def _single(event):
    row = Average(event.name, event.kind, event.shapes, event.where)
    row.add(event)
    return row


def operations(events, sort_by="total", row_limit=-1):
    """A table with one row per operation: its calls, its forward and its backward time, the memory of its results."""
    rows = {}
    for e in events:
        row = rows.setdefault(
            (e.kind == RANGE, e.operation), {"calls": 0, "forward": 0, "backward": 0, "bytes": 0, "name": e.operation}
        )
        row["bytes"] += e.bytes
        if e.kind == BACKWARD:
            row["backward"] += e.own
        else:
            row["calls"] += 1
            row["forward"] += e.own
    if sort_by not in ("total", "forward", "backward", "calls", "bytes", "name"):
        raise ValueError(f"sort_by is 'total', 'forward', 'backward', 'calls', 'bytes' or 'name', not {sort_by!r}")
    for row in rows.values():
        row["total"] = row["forward"] + row["backward"]
    whole = sum(r["total"] for r in rows.values()) or 1
    ordered = sorted(rows.values(), key=lambda r: r[sort_by], reverse=sort_by != "name")
    shown = ordered if row_limit < 0 else ordered[:row_limit]
    lines = [
        [r["name"], str(r["calls"]), duration(r["forward"] / 1e3), duration(r["backward"] / 1e3),
         duration(r["total"] / 1e3), f"{100 * r['total'] / whole:.1f}%", size(r["bytes"])]
        for r in shown
    ]  # fmt: skip
    lines.append(
        ["all", str(sum(r["calls"] for r in rows.values())), duration(sum(r["forward"] for r in rows.values()) / 1e3),
         duration(sum(r["backward"] for r in rows.values()) / 1e3), duration(sum(r["total"] for r in rows.values()) / 1e3),
         "100.0%", size(sum(r["bytes"] for r in rows.values()))]
    )  # fmt: skip
    return grid(["operation", "calls", "forward", "backward", "together", "share", "results"], lines)


def grid(head, lines):
    """Columns of text between rules; the first to the left, the others to the right."""
    widths = [max([len(h), *[len(line[i]) for line in lines]]) for i, h in enumerate(head)]
    rule = "  ".join("-" * w for w in widths) + "\n"
    show = lambda cells: "  ".join(
        c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths))
    ).rstrip() + "\n"  # fmt: skip
    return rule + show(head) + rule + "".join(map(show, lines)) + rule


def duration(us):
    """Microseconds in a readable unit."""
    return f"{us / 1e6:.3f}s" if us >= 1e6 else f"{us / 1e3:.3f}ms" if us >= 1e3 else f"{us:.3f}us"


def size(n):
    """Bytes in a readable unit."""
    for unit, factor in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if abs(n) >= factor:
            return f"{n / factor:.2f} {unit}"
    return f"{n} B"


def _cut(text, width):
    return text if width is None or width <= 3 or len(text) <= width else text[: width - 3] + "..."
