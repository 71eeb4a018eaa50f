"""One HTML file that needs no network: the drawing to pan, zoom, search, fold and hover over."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from .dot import is_record, rows_of, summary_lines
from .drawing import KINDS, Drawing, bytes_text, tensor_text
from .theme import css_variables

__all__ = ["frame", "to_html"]

_HERE = Path(__file__).parent
_OPEN = 120  # boxes above which the page starts with modules folded

_PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="{theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{css}</style>
</head>
<body>
<header>
<div class="title">{title}<span>{facts}</span></div>
<span id="found" class="count"></span>
<input id="search" type="search" placeholder="search  /" aria-label="search boxes; Enter jumps there">
{folding}<button id="out" title="zoom out (-)" aria-label="zoom out">\u2212</button>
<button id="in" title="zoom in (+)" aria-label="zoom in">+</button>
<button id="fit" title="show everything (0)">fit</button>
</header>
<main>
<div id="stage">
<svg id="svg" role="group" aria-label="{title}"><defs>
{markers}</defs><g id="scene"></g></svg>
<div id="legend" aria-hidden="true">{legend}</div>
<div id="tip" role="tooltip" hidden></div>
</div>
{panel}</main>
{footer}<div id="live" aria-live="polite" style="position:absolute;left:-9999px"></div>
<script>
const DATA = {data};
{js}</script>
</body>
</html>
"""

_MARKERS = "".join(
    f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" markerWidth="{size}" markerHeight="{size}" '
    'orient="auto-start-reverse"><path d="M0,1 L10,5 L0,9 z"/></marker>\n'
    for name, size in (("head", 8), ("past-head", 9), ("lit-head", 13))
)
_FOLDING = '<button id="fold" title="collapse all modules">collapse all</button>\n<button id="unfold" title="expand all modules">expand all</button>\n'
_PANEL = '<aside id="panel" aria-live="polite" tabindex="0"></aside>\n'
_FOOTER = (
    '<footer><button id="back" title="previous step (left arrow)" aria-label="previous step">\u2190</button>'
    '<button id="play" title="play (p)">play</button>'
    '<button id="next" title="next step (right arrow)" aria-label="next step">\u2192</button>'
    '<input id="slider" type="range" min="0" value="0" aria-label="step"><span id="now"></span></footer>\n'
)


def to_html(d: Drawing, steps=None, folded_depth=None) -> str:
    """The page; with ``steps`` (plain data, see :mod:`.steps`) it is the backward player."""
    kinds = [k for k in KINDS if any(v.kind == k for v in d.vertices.values())]
    if d.groups:
        kinds = [k for k in KINDS if k in kinds or k == "module"]
    legend = "".join(
        f'<span class="{k}" style="background:var(--{k}-fill);color:var(--{k}-ink);border-color:var(--{k}-rim)">{KINDS[k]}</span>'
        for k in kinds
    )
    css = css_variables() + _HERE.joinpath("page.css").read_text(encoding="utf-8")
    js = _HERE.joinpath("page.js").read_text(encoding="utf-8")
    if steps is not None:
        js += _HERE.joinpath("player.js").read_text(encoding="utf-8")
    data = _data(d, folded_depth)
    data["steps"] = steps
    title = escape(d.title or ("the backward pass, step by step" if steps is not None else "computation graph"))
    return _PAGE.format(
        theme=d.theme, title=title, markers=_MARKERS, facts=escape("; ".join([*summary_lines(d), *d.notes])), css=css, legend=legend,
        folding=_FOLDING if d.groups else "", panel=_PANEL if steps is not None else "",
        footer=_FOOTER if steps is not None else "", js=js,
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    )  # fmt: skip


def _data(d, folded_depth):
    if folded_depth is None and len(d.vertices) > _OPEN:
        folded_depth = 2 if sum(d.depth_of(v.group) < 2 for v in d.vertices.values()) < _OPEN else 1
    vertices = []
    for v in d.vertices.values():
        rows = [[text, kind] for text, kind in rows_of(v, d)]
        vertices.append({
            "key": v.key, "kind": v.kind, "rows": rows, "record": is_record(v), "group": v.group, "bad": v.bad,
            "details": _details(v), "find": f"{v.label} {v.group} {v.kind}".lower(),
        })  # fmt: skip
    chains = {"": []}
    for key in sorted(d.groups, key=d.depth_of):
        chains[key] = [*chains[d.groups[key].parent], key]
    count = dict.fromkeys(d.groups, 0)
    kept = dict.fromkeys(d.groups, 0)
    bad = dict.fromkeys(d.groups, False)
    for v in d.vertices.values():
        for g in chains[v.group]:
            count[g] += v.count if v.kind in ("op", "module", "hidden") else 0
            kept[g] += v.kept_bytes
            bad[g] = bad[g] or v.bad
    groups = [
        {"key": g.key, "path": g.path, "kind": g.kind, "short": d.short(g.path, g.parent), "parent": g.parent, "repeat": g.repeat, "parameters": g.parameters, "bad": bad[g.key],
         "folded": folded_depth is not None and len(chains[g.key]) >= folded_depth, "count": count[g.key],
         "details": [["inside", f"{count[g.key]:,} operations, {g.parameters:,} parameters"], ["keeps", bytes_text(kept[g.key])]]}
        for g in d.groups.values()
    ]  # fmt: skip
    arrows = [
        {
            "tail": a.tail,
            "head": a.head,
            "text": tensor_text(a.shape, a.dtype),
            "differentiable": a.differentiable,
            "why": a.why,
        }
        for a in d.arrows
    ]
    return {"direction": d.direction, "backward": d.backward, "vertices": vertices, "groups": groups, "arrows": arrows}


def _details(v):
    rows = [["kind", KINDS[v.kind]], ["shape", tensor_text(v.shape, v.dtype)]]
    if v.value is not None:
        rows.append(["value", _stats(v.value)])
    if v.grad is not None:
        rows.append(["gradient", _stats(v.grad)])
    rows += [["keeps", f"{name}: {what}" + (f" ({bytes_text(n)})" if n else "")] for name, what, n in v.kept]
    rows += [["note", v.note.replace("\n", ", ")]] if v.note else []
    rows += [["module", v.group]] if v.group else []
    rows += [["line", v.where]] if v.where else []
    if v.value is not None and v.value.array and v.value.value is None:
        rows.append(["array", v.value.array])
    return [r for r in rows if r[1]]


def _stats(s):
    if s.value is not None:
        return str(s)
    from .drawing import number_text as n

    bad = "".join(f", {count:,} {what}" for count, what in ((s.nan, "nan"), (s.inf, "inf")) if count)
    return f"min {n(s.min)}, mean {n(s.mean)}, max {n(s.max)}, {s.zeros:.0%} zeros{bad}"


def frame(page, height=520):
    """The page inside a notebook: an iframe that carries it along."""
    return (f'<iframe srcdoc="{escape(page, quote=True)}" style="width:100%;height:{height}px;border:1px solid #cdd5dd;border-radius:6px" '
            'sandbox="allow-scripts" title="computation graph"></iframe>')  # fmt: skip
