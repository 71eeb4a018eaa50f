"""Compare: measurements side by side."""

from .timer import Measurement, unit_of

__all__ = ["Compare"]


class Compare:
    """A table of measurements: a row per ``sub_label``, a column per ``description``.

    Parameters
    ----------
    results : list of Measurement

    Examples
    --------
    >>> from tensorlite.utils import benchmark
    >>> found = [benchmark.Timer(f"sum(range({n}))", label="sum", sub_label=str(n), description="Python").timeit(10)
    ...          for n in (10, 100)]
    >>> print(benchmark.Compare(found))  # doctest: +ELLIPSIS
    [...
    """

    def __init__(self, results):
        self._results = []
        self._trimmed = self._colored = self._highlighted = False
        self.extend_results(results)

    def __str__(self):
        return "\n".join(self._tables())

    def extend_results(self, results):
        """Add measurements."""
        for r in results:
            if not isinstance(r, Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(r)} instead.")
        self._results.extend(results)

    def trim_significant_figures(self):
        """Show only the digits that the spread of the blocks lets one believe."""
        self._trimmed = True

    def highlight_warnings(self):
        """Mark measurements that vary by more than a tenth with ``(!)``."""
        self._highlighted = True

    def print(self):
        """Print the tables."""
        print(str(self))

    def _tables(self):
        merged = Measurement.merge(self._results)
        for label in dict.fromkeys(m.label for m in merged):
            own = [m for m in merged if m.label == label]
            columns = list(dict.fromkeys(m.description for m in own))
            unit, length = unit_of(min(m.median for m in own))
            rows = []
            for threads in sorted({m.num_threads for m in own}):
                rows.append([f"{threads} threads: "])
                for name in dict.fromkeys((m.sub_label, m.env, m.stmt if m.sub_label is None else None) for m in own):
                    cells = []
                    for column in columns:
                        found = [
                            m for m in own
                            if m.num_threads == threads and m.description == column
                            and (m.sub_label, m.env, m.stmt if m.sub_label is None else None) == name
                        ]  # fmt: skip
                        cells.append(self._cell(found[0], length) if found else "")
                    if any(cells):
                        shown = name[0] if name[0] is not None else name[2]
                        rows.append([f"      {f'({name[1]}) ' if name[1] else ''}{shown}", *cells])
            head = ["", *[c or "" for c in columns]]
            widths = [max(len(r[i]) if i < len(r) else 0 for r in [head, *rows]) for i in range(len(head))]
            show = lambda r: "  |  ".join(
                [r[0].ljust(widths[0]), *[c.rjust(w) for c, w in zip(r[1:], widths[1:])]]
            ).rstrip()  # fmt: skip
            lines = [show(r) if len(r) > 1 else r[0] for r in rows]
            width = max(len(line) for line in [show(head), *lines])
            yield "\n".join([f"[{(' ' + (label or '') + ' ').center(max(width - 2, 1), '-')}]", show(head),
                             "-" * width, *lines, "", f"Times are in {_LONG[unit]} ({unit})."])  # fmt: skip

    def _cell(self, m, length):
        digits = m.significant_figures if self._trimmed else 4
        value = m.median / length
        text = f"{value:.{max(0, digits - len(str(int(value))))}f}" if self._trimmed else f"{value:.1f}"
        return text + (" (!)" if self._highlighted and m.has_warnings else "")


_LONG = {"ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds"}
