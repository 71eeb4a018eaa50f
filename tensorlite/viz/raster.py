"""PNG and PDF without the ``dot`` program: Graphviz lays out, matplotlib draws what it says."""

from __future__ import annotations

import io
import json

from .render import layout

__all__ = ["draw"]

_MARGIN, _LEGEND = 6, 18
_NARROW = 0.87  # Graphviz measures Helvetica; matplotlib's own typeface is wider


def draw(
    dot: str, format: str, rows: dict, legend: list, theme: dict, dpi: float = 160, seconds: float = 20.0
) -> bytes:
    """A picture of ``dot``, drawn from Graphviz's own drawing instructions.

    ``rows`` maps the name of a box to the kinds of its lines, which decide size and colour.
    """
    from ._matplotlib import need

    need()
    from matplotlib.figure import Figure

    plan = json.loads(layout(dot, "json", seconds))
    x0, y0, x1, y1 = map(float, plan["bb"].split(","))
    y0, x1 = y0 - _LEGEND, max(x1, x0 + sum(item[-1] + 8 for item in legend) + 24)
    width, height = x1 - x0 + 2 * _MARGIN, y1 - y0 + 2 * _MARGIN
    dpi = min(dpi, 60_000 * 72 / max(width, height))
    figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(x0 - _MARGIN, x1 + _MARGIN)
    axes.set_ylim(y0 - _MARGIN, y1 + _MARGIN)
    axes.set_axis_off()
    page = next((op["color"] for op in plan.get("_draw_", ()) if op["op"] == "C"), "#ffffff")
    figure.set_facecolor(page)
    objects = plan.get("objects", [])
    groups = [o for o in objects if o["name"].startswith("cluster")]
    nodes = [o for o in objects if not o["name"].startswith("cluster")]
    for z, item in enumerate(
        [*groups, *plan.get("edges", []), *nodes, {k: v for k, v in plan.items() if k == "_ldraw_"}]
    ):
        for part in ("_draw_", "_hdraw_", "_tdraw_", "_ldraw_"):
            kinds = rows.get(item.get("name")) if part == "_ldraw_" else None
            _Pen(axes, z + 1, kinds, theme).run(item.get(part, ()))
    _legend(axes, legend, x0 + 8, y0 + 6)
    out = io.BytesIO()
    figure.savefig(out, format=format, dpi=dpi, facecolor=page)
    return out.getvalue()


def _legend(axes, items, x, y):
    """The row below the drawing that explains its boxes."""
    from matplotlib.patches import FancyBboxPatch

    for text, (fill, border, ink), style, kind, w in items:
        shape = "round,pad=0,rounding_size=5" if "rounded" in style else "square,pad=0"
        line = (0, (4, 2.5)) if "dashed" in style else "-"
        axes.add_patch(FancyBboxPatch((x, y), w, 14, boxstyle=shape, facecolor=fill, edgecolor=border, linestyle=line))
        if kind == "module":
            axes.add_patch(
                FancyBboxPatch((x - 2, y - 2), w + 4, 18, boxstyle=shape, facecolor="none", edgecolor=border)
            )
        axes.text(x + w / 2, y + 4.2, text, fontsize=8 * _NARROW, color=ink, ha="center", family="sans-serif")
        x += w + 8


class _Pen:
    """The state of Graphviz's pen, and what it does."""

    def __init__(self, axes, z, kinds, theme):
        self.axes, self.z = axes, z
        self.kinds, self.theme = iter(kinds or ()), theme
        self.line, self.fill = "#000000", "none"
        self.size = 10.0
        self.width, self.dashes = 1.0, "-"

    def run(self, operations):
        from matplotlib.patches import Ellipse, PathPatch, Polygon
        from matplotlib.path import Path

        for op in operations:
            kind = op["op"]
            style = dict(linewidth=self.width, linestyle=self.dashes, zorder=self.z, edgecolor=self.line)
            if kind == "c":
                self.line = op["color"]
            elif kind == "C":
                self.fill = op["color"]
            elif kind == "S":
                if op["style"].startswith("setlinewidth("):
                    self.width = float(op["style"][13:-1])
                elif op["style"] in ("solid", "dashed", "dotted"):
                    self.dashes = {"solid": "-", "dashed": (0, (4, 2.5)), "dotted": ":"}[op["style"]]
            elif kind == "F":
                self.size = op["size"]
            elif kind in "Pp":
                self.axes.add_patch(Polygon(op["points"], facecolor=self.fill if kind == "P" else "none", **style))
            elif kind in "Ee":
                x, y, a, b = op["rect"]
                self.axes.add_patch(
                    Ellipse((x, y), 2 * a, 2 * b, facecolor=self.fill if kind == "E" else "none", **style)
                )
            elif kind in "Bb":
                codes = [Path.MOVETO] + [Path.CURVE4] * (len(op["points"]) - 1)
                fill = (
                    self.fill if len(op["points"]) > 7 and op["points"][0] == op["points"][-1] else "none"
                )  # arrows are open
                self.axes.add_patch(PathPatch(Path(op["points"], codes), facecolor=fill, **style))
            elif kind == "L":
                self.axes.plot(
                    *zip(*op["points"]), color=self.line, linewidth=self.width, linestyle=self.dashes, zorder=self.z
                )
            elif kind == "T":
                x, y = op["pt"]
                kind = next(self.kinds, None)
                size = (
                    self.size
                    * _NARROW
                    * (0.85 if kind in ("soft", "plain", "grad", "bad") else 0.94 if kind == "name" else 1)
                )
                ink = self.theme[kind] if kind in ("soft", "grad", "bad") else self.line
                self.axes.text(
                    x, y, op["text"], fontsize=size, color=ink, zorder=self.z, family="sans-serif",
                    ha={"l": "left", "c": "center", "r": "right"}[op["align"]], va="baseline",
                    weight="bold" if kind == "name" else "normal", parse_math=False)  # fmt: skip
