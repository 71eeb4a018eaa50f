"""What the doctor found: findings, a table of parameters and two pictures, as text and as one HTML file."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Finding", "Report"]

_MARKS = {"ok": "ok     ", "note": "note   ", "warning": "WARNING", "problem": "PROBLEM"}
_COLORS = {"ok": "#2e7d32", "note": "#1565c0", "warning": "#b26a00", "problem": "#b71c1c"}


@dataclass
class Finding:
    """One result: how serious (``ok``, ``note``, ``warning``, ``problem``), of what, and a sentence or two."""

    level: str
    topic: str
    text: str

    def __str__(self):
        return f"{_MARKS[self.level]}  {self.topic}: {self.text}"


@dataclass
class Report:
    """The result of :func:`tensorlite.doctor`.

    Attributes
    ----------
    findings : list of Finding
    parameters : list of dict
        Per parameter: ``name``, ``shape``, ``gradient`` (its norm or None), ``weight`` (norm), ``update`` (size of one
        optimizer step relative to the weight, or None), ``frozen``.
    losses : list of float
        The losses while one batch was being learnt by heart.
    """

    model: str
    findings: list = field(default_factory=list)
    parameters: list = field(default_factory=list)
    losses: list = field(default_factory=list)
    seconds: float = 0.0

    def add(self, level, topic, text):
        """Append a finding."""
        self.findings.append(Finding(level, topic, text))

    @property
    def ok(self):
        """Whether nothing is worse than a note."""
        return all(f.level in ("ok", "note") for f in self.findings)

    def __getitem__(self, topic):
        """The findings of one topic."""
        found = [f for f in self.findings if f.topic == topic]
        if not found:
            raise KeyError(topic)
        return found

    def __str__(self):
        lines = [f"doctor: {self.model} ({self.seconds:.1f} s)", *map(str, self.findings)]
        if self.parameters:
            width = max(len(row["name"]) for row in self.parameters)
            lines += ["", f"{'parameter':{width}}  {'shape':>16}  {'gradient':>9}  {'weight':>9}  {'update':>9}"]
            for row in self.parameters:
                numbers = "  ".join(f"{_short(row[k]):>9}" for k in ("gradient", "weight", "update"))
                lines.append(
                    f"{row['name']:{width}}  {row['shape']!s:>16}  {numbers}{'  frozen' if row['frozen'] else ''}"
                )
        return "\n".join(lines)

    __repr__ = __str__

    # -- HTML ----------------------------------------------------------------------------------------------

    def _repr_html_(self):
        return self._body()

    def to_html(self, path):
        """Write the report with its pictures as one HTML file that needs nothing else; returns the path."""
        path = Path(path)
        title = html.escape(f"doctor: {self.model}")
        text = f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>{title}</title></head>\n"
        path.write_text(text + f"<body>{self._body()}</body></html>\n", encoding="utf-8")
        return path

    save = to_html

    def _body(self):
        rows = "".join(
            f"<tr><td style='color:{_COLORS[f.level]};font-weight:bold'>{f.level}</td><td>{html.escape(f.topic)}</td>"
            f"<td>{html.escape(f.text)}</td></tr>\n"
            for f in self.findings
        )
        table = "".join(
            f"<tr><td>{html.escape(r['name'])}</td><td>{html.escape(str(r['shape']))}</td><td>{_short(r['gradient'])}</td>"
            f"<td>{_short(r['weight'])}</td><td>{_short(r['update'])}</td><td>{'frozen' if r['frozen'] else ''}</td></tr>\n"
            for r in self.parameters
        )
        style = "<style>.doctor{font:14px sans-serif;color:#222;max-width:60em}.doctor td,.doctor th{padding:3px 10px;"
        style += "text-align:left;vertical-align:top}.doctor svg{margin:8px 24px 8px 0}</style>"
        return (
            f"{style}<div class='doctor'><h2>doctor: {html.escape(self.model)}</h2>\n<table>{rows}</table>\n"
            + _curve("One batch learnt by heart: loss by step", self.losses)
            + _bars("Norm of the gradient", [(r["name"], r["gradient"]) for r in self.parameters])
            + _bars("Update relative to the weight, one step", [(r["name"], r["update"]) for r in self.parameters])
            + "<table><tr><th>parameter</th><th>shape</th><th>gradient</th><th>weight</th><th>update</th><th></th></tr>\n"
            + f"{table}</table></div>"
        )


def _short(value):
    return "-" if value is None else f"{value:.3g}"


def _svg(width, height, title, inside):
    return (
        f"<svg width='{width}' height='{height}' viewBox='0 0 {width} {height}' role='img' font-family='sans-serif' "
        f"font-size='11'><title>{html.escape(title)}</title><text x='8' y='14' font-size='13' font-weight='bold'>"
        f"{html.escape(title)}</text>{inside}</svg>\n"
    )


def _curve(title, values, width=420, height=200):
    values = [v for v in values if math.isfinite(v)]
    if len(values) < 2:
        return ""
    top, low = max(values), min(0.0, *values)
    span = top - low or 1.0
    x = lambda i: 48 + i * (width - 60) / (len(values) - 1)
    y = lambda v: height - 24 - (v - low) * (height - 56) / span
    points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(values))
    inside = "".join(
        f"<line x1='48' x2='{width - 12}' y1='{y(v):.1f}' y2='{y(v):.1f}' stroke='#ddd'/>"
        f"<text x='44' y='{y(v) + 4:.1f}' text-anchor='end'>{v:.3g}</text>"
        for v in (low, low + span / 2, top)
    )
    inside += f"<polyline points='{points}' fill='none' stroke='#1565c0' stroke-width='2'/>"
    inside += f"<text x='48' y='{height - 8}'>0</text><text x='{width - 12}' y='{height - 8}' text-anchor='end'>"
    return _svg(width, height, title, inside + f"{len(values) - 1} steps</text>")


def _bars(title, rows, width=520):
    """Horizontal bars on a logarithmic scale."""
    rows = [(n, v) for n, v in rows if v is not None and math.isfinite(v) and v > 0][:60]
    if not rows:
        return ""
    logs = [math.log10(v) for _, v in rows]
    low, high = math.floor(min(logs)) - 0.2, math.ceil(max(logs))
    left = 16 + 6.5 * max(len(n) for n, _ in rows)
    scale = (width - left - 70) / max(high - low, 1)
    inside = ""
    for i, ((name, value), log) in enumerate(zip(rows, logs)):
        y = 26 + 17 * i
        length = max(1.0, (log - low) * scale)
        inside += f"<text x='{left - 6:.0f}' y='{y + 10}' text-anchor='end'>{html.escape(name)}</text>"
        inside += f"<rect x='{left:.0f}' y='{y}' width='{length:.1f}' height='12' fill='#5c9bd5'/>"
        inside += f"<text x='{left + length + 5:.1f}' y='{y + 10}'>{value:.2g}</text>"
    return _svg(width, 34 + 17 * len(rows), f"{title} (logarithmic)", inside)
