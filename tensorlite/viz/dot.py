"""A drawing in Graphviz's language."""

from __future__ import annotations

from html import escape

from .drawing import KINDS, Drawing, Vertex, bytes_text, number_text, tensor_text
from .theme import FONT, THEMES

__all__ = ["to_dot"]

_SIZE = 10
_MINUS = str.maketrans({"-": "\u2212"})


def to_dot(d: Drawing) -> str:
    """The drawing as DOT text."""
    t = THEMES[d.theme]
    large = len(d.vertices) > 400
    out = [
        "digraph tape {",
        f"  graph [rankdir={d.direction}, bgcolor={_q(t['page'])}, fontname={_q(FONT)}, fontsize={_SIZE}, fontcolor={_q(t['ink'])},"
        f" nodesep=0.22, ranksep={'0.34' if d.direction == 'LR' else '0.3'}, pad=0.2, labelloc=b, labeljust=l, style=rounded"
        + (', nslimit=2, nslimit1=2, mclimit=0.5, splines=polyline' if large else "")
        + "];",
        f"  node [fontname={_q(FONT)}, fontsize={_SIZE}, margin=\"0.12,0.05\", height=0.3, width=0.3, penwidth=1.1];",
        f"  edge [fontname={_q(FONT)}, fontsize=8, color={_q(t['line'])}, fontcolor={_q(t['soft'])}, arrowsize=0.6, penwidth=1];",
        f"  label={_legend(d, t)};",
    ]
    inside: dict[str, list] = {}
    for v in d.vertices.values():
        inside.setdefault(v.group, []).append(v)
    children: dict[str, list] = {}
    for g in d.groups.values():
        children.setdefault(g.parent, []).append(g)
    work = [("", 1, False)]
    while work:  # no recursion: groups may be nested deeply
        group, level, close = work.pop()
        pad = "  " * level
        if close:
            out.append("  " * (level - 1) + "}")
            continue
        if group:
            g = d.groups[group]
            out += [
                "  " * (level - 1) + f"subgraph {_q('cluster_' + group)} {{",
                f"{pad}label={_group_label(g, t)}; labelloc=t; labeljust=l; class=module_box;",
                f"{pad}bgcolor={_q(t['group'])}; color={_q(t['rim'])}; style=rounded; margin=10; penwidth={2 if g.repeat > 1 else 1};",
            ]
        out += [pad + _vertex(v, d, t) for v in inside.get(group, ())]
        work.append((group, level, True) if group else ("", 1, True))
        work += [(g.key, level + 1, False) for g in reversed(children.get(group, []))]
    out.pop()
    for a in d.arrows:
        tail, head = (a.head, a.tail) if d.backward else (a.tail, a.head)
        attrs = [f"label={_q(' ' + tensor_text(a.shape, a.dtype) + ' ')}"] if not large and _labelled(d, a) else []
        if not a.differentiable:
            attrs.append("style=dashed" if d.backward else "style=solid")
            attrs.append(f"tooltip={_q('no gradient: ' + a.why)}")
        if d.backward and not a.differentiable:
            attrs.append("arrowhead=none")
        out.append(f"  {_q(tail)} -> {_q(head)}" + (f" [{', '.join(attrs)}]" if attrs else "") + ";")
    out.append("}")
    return "\n".join(out) + "\n"


def _labelled(d, a):
    """Shapes stand on arrows between operations; boxes of tensors say theirs themselves."""
    return not (d.vertices[a.tail].kind in ("parameter", "input", "constant", "value") or d.vertices[a.head].kind in ("value",))


def _q(text):
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _e(text):
    return escape(str(text), quote=False)


def rows_of(v: Vertex, d: Drawing):
    """What a box says: a list of (text, kind) with kinds title, soft, grad, bad, plain."""
    rows = [(v.label or {"parameter": "leaf", "value": ""}.get(v.kind, v.kind), "title")] if v.kind != "value" or v.label else []
    if v.kind in ("parameter", "input", "constant", "output") and v.shape not in ((), None):
        rows.append((tensor_text(v.shape, v.dtype), "soft"))
    if v.kind == "module":
        rows += [(line, "soft") for line in v.note.split("\n") if line]
    single = v.value is not None and v.value.value is not None
    if v.value is not None and (d.values != "none" or v.bad or (single and v.kind != "op")):
        kind = "bad" if v.value.bad else "plain"
        rows.append((f"data {v.value}" if single else str(v.value), kind))
        if d.values == "full" and v.value.array and not single:
            rows += [(line, "soft") for line in v.value.array.split("\n")[:12]]
    if d.grads and v.grad is not None and v.kind != "op" or (v.grad is not None and v.grad.bad):
        rows.append((f"grad {v.grad}", "bad" if v.grad.bad else "grad"))
    if d.backward and v.kind == "op":
        rows += [(f"keeps {name}: {what}" + (f", {bytes_text(n)}" if n else ""), "soft") for name, what, n in v.kept[:6]]
        if v.note:
            rows.append((v.note, "soft"))
        elif not v.kept:
            rows.append(("keeps nothing", "soft"))
    elif d.backward and v.kind in ("input", "constant", "parameter") and v.note and v.grad is None:
        rows.append((v.note, "soft"))
    return rows


def _vertex(v, d, t):
    fill, border, ink = t[v.kind]
    rows = rows_of(v, d)
    if v.bad:
        fill, border = ("#fde0cf" if d.theme != "dark" else "#5a2408"), t["bad"]
    style = {"op": "rounded,filled", "constant": "filled,dashed", "hidden": "filled,dashed"}.get(v.kind, "filled")
    classes = v.kind + (" bad" if v.bad else "")
    attrs = [f"id={_q(v.key)}", f'class="{classes}"', "shape=box", f'style="{style}"', f"fillcolor={_q(fill)}",
             f"color={_q(border)}", f"fontcolor={_q(ink)}"]  # fmt: skip
    if v.kind == "module":
        attrs += ["peripheries=2"]
    if v.bad:
        attrs += ["penwidth=2"]
    if v.kind in ("value", "output", "parameter", "input", "constant") and v.shape == () and v.value is not None:
        cells = [r for r in rows if r[0]]
        attrs[2:4] = ["shape=plain"]
        attrs.append(f"label={_record(cells, fill, border, ink, t, v)}")
    elif len(rows) == 1:
        attrs.append(f"label={_q(rows[0][0])}")
    else:
        colour = {"title": ink, "plain": ink, "soft": t["soft"], "grad": t["grad"], "bad": t["bad"]}
        lines = [
            f'<font point-size="{_SIZE if kind == "title" else 8}" color="{colour[kind]}">'
            f"{'<b>' + _e(text) + '</b>' if kind == 'title' and v.kind != 'op' else _e(text.translate(_MINUS) if kind in ('plain', 'grad') else text)}</font>"
            for text, kind in rows
        ]
        attrs.append(f"label=<{'<br/>'.join(lines)}>")
    attrs.append(f"tooltip={_q(tip(v))}")
    return f"{_q(v.key)} [{', '.join(attrs)}];"


def _record(cells, fill, border, ink, t, v):
    """``name | data | grad`` as one row of cells."""
    width = 2 if v.bad else 1
    parts = []
    for text, kind in cells:
        colour = t["bad"] if kind == "bad" else t["grad"] if kind == "grad" else ink
        body = f"<b>{_e(text)}</b>" if kind == "title" else _e(text.translate(_MINUS))
        parts.append(f'<td><font color="{colour}" point-size="{_SIZE if kind == "title" else 9}">{body}</font></td>')
    return (f'<<table border="{width}" cellborder="0" cellspacing="0" cellpadding="5" bgcolor="{fill}" color="{border}" '
            f'rules="cols" columns="*">' + "<tr>" + "<vr/>".join(parts) + "</tr></table>>").replace(' rules="cols"', "")  # fmt: skip


def tip(v):
    """What hovering over a box shows."""
    lines = [v.label or v.kind, tensor_text(v.shape, v.dtype)]
    if v.value is not None:
        lines.append(f"value {v.value}")
    if v.grad is not None:
        lines.append(f"grad {v.grad}")
    lines += [f"keeps {name}: {what}" for name, what, _ in v.kept[:6]]
    return "\n".join(line for line in [*lines, v.note, v.where] if line)


def _group_label(g, t):
    title = f"<b>{_e(g.path)}</b>  " if g.path else ""
    times = f'  <font color="{t["grad"]}"><b>× {g.repeat}</b></font>' if g.repeat > 1 else ""
    return f'<<font point-size="9">{title}<font color="{t["soft"]}">{_e(g.kind)}</font>{times}</font>>'


def _legend(d, t):
    """The kinds that occur, and what else is to be said, in one row."""
    kinds = [k for k in KINDS if any(v.kind == k for v in d.vertices.values())]
    cells = []
    for k in kinds:
        fill, border, ink = t[k]
        style = ' style="rounded"' if k == "op" else ' style="dashed"' if k in ("constant", "hidden") else ""
        cells.append(f'<td border="1" bgcolor="{fill}" color="{border}"{style}><font color="{ink}" point-size="8"> {KINDS[k]} </font></td>')
    notes = [n for n in (d.title, summary_line(d), *d.notes) if n]
    text = _e("   ·   ".join(notes))
    span = max(len(cells), 1)
    return (f'<<table border="0" cellborder="0" cellspacing="6" cellpadding="3"><tr>{"".join(cells)}</tr>'
            f'<tr><td colspan="{span}" align="left"><font color="{t["soft"]}" point-size="8">{text}</font></td></tr></table>>')  # fmt: skip


def summary_line(d):
    """``12 operations, 3.2k parameters, 1.2 kB kept``."""
    n = d.operations()
    parts = [f"{n:,} operation{'s' if n != 1 else ''}"]
    total = sum(v.numel for v in d.vertices.values() if v.kind == "parameter" and v.count)
    if total:
        parts.append(f"{total:,} parameters")
    if kept := d.kept_bytes():
        parts.append(f"{bytes_text(kept)} kept for backward")
    if d.backward:
        parts.append("arrows show how gradients flow; dashed: none does")
    return ", ".join(parts)
