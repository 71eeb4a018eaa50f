"""A drawing in Graphviz's language."""

from __future__ import annotations

from .drawing import KINDS, Drawing, Vertex, bytes_text, tensor_text
from .theme import FONT, THEMES

__all__ = ["to_dot"]

_SIZE = 10
_STYLES = {"op": "rounded,filled", "constant": "filled,dashed", "hidden": "filled,dashed"}


def to_dot(d: Drawing, legend: bool = True) -> str:
    """The drawing as DOT text; pictures get their legend otherwise."""
    t = THEMES[d.theme]
    large = len(d.arrows) > 250
    out = [
        "digraph tape {",
        f"  graph [rankdir={d.direction}, bgcolor={_q(t['page'])}, fontname={_q(FONT)}, fontsize=9, fontcolor={_q(t['soft'])},"
        f" nodesep=0.22, ranksep={'0.34' if d.direction == 'LR' else '0.3'}, pad=0.2, labelloc=b, labeljust=l, style=rounded"
        + (", nslimit=1, nslimit1=1, mclimit=0.2, splines=polyline" if large else "")
        + "];",
        f'  node [fontname={_q(FONT)}, fontsize={_SIZE}, margin="0.12,0.05", height=0.3, width=0.3, penwidth=1.1];',
        f"  edge [fontname={_q(FONT)}, fontsize=8, color={_q(t['line'])}, fontcolor={_q(t['soft'])}, arrowsize=0.6, penwidth=1];",
        f"  label={_q(''.join(n + chr(92) + 'l' for n in (d.title, *summary_lines(d), *d.notes) if n))};",
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
                f"{pad}label={_q(group_title(g, d))}; fontsize=9; fontcolor={_q(t['ink'])}; labelloc=t; labeljust=l; class=module_box;",
                f"{pad}bgcolor={_q(t['group'])}; color={_q(t['rim'])}; style=rounded; margin=10; penwidth={2 if g.repeat > 1 else 1};",
            ]
        out += [pad + _vertex(v, d, t) for v in inside.get(group, ())]
        work.append((group, level, True) if group else ("", 1, True))
        work += [(g.key, level + 1, False) for g in reversed(children.get(group, []))]
    out.pop()
    if legend:
        out += _legend(d, t)
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
    return not (
        d.vertices[a.tail].kind in ("parameter", "input", "constant", "value") or d.vertices[a.head].kind in ("value",)
    )


def _q(text):
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\\\\l", "\\l") + '"'


def rows_of(v: Vertex, d: Drawing):
    """What a box says: a list of (text, kind) with kinds title, soft, grad, bad, plain."""
    rows = (
        [
            (
                d.short(v.label, v.group) or {"parameter": "leaf", "value": ""}.get(v.kind, v.kind),
                "title" if v.kind == "op" else "name",
            )
        ]
        if v.kind != "value" or v.label
        else []
    )
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
    if v.grad is not None and (v.grad.bad or (d.grads and (v.kind != "op" or d.values != "none"))):
        rows.append((f"grad {v.grad}", "bad" if v.grad.bad else "grad"))
    if d.backward and v.kind == "op":
        rows += [(f"keeps {name}: {what}, {bytes_text(n)}", "soft") for name, what, n in v.kept if n][:6]
        if v.note:
            rows.append((v.note, "soft"))
        elif not v.kept_bytes:
            rows.append(("keeps no values", "soft") if v.kept else ("keeps nothing", "soft"))
    elif d.backward and v.kind in ("input", "constant", "parameter") and v.note and v.grad is None:
        rows.append((v.note, "soft"))
    return rows


def _vertex(v, d, t):
    fill, border, ink = t[v.kind]
    if v.bad:
        fill, border = t["bad fill"], t["bad"]
    style = _STYLES.get(v.kind, "filled")
    attrs = [f"id={_q(v.key)}", f'class="{v.kind}{" bad" if v.bad else ""}"', f"fillcolor={_q(fill)}", f"color={_q(border)}",
             f"fontcolor={_q(ink)}"]  # fmt: skip
    rows = [_roomy(text, kind) for text, kind in rows_of(v, d)] or [v.kind]
    if is_record(v):
        cells = "|".join(_field(row) for row in rows)
        attrs += [
            "shape=record",
            'style="filled"',
            f'label="{{{cells}}}"' if d.direction in ("LR", "RL") else f'label="{cells}"',
        ]
    else:
        attrs += ["shape=box", f'style="{style}"', f"label={_q(chr(10).join(rows))}"]
    if v.kind == "module":
        attrs.append("peripheries=2")
    if v.bad:
        attrs.append("penwidth=2")
    attrs.append(f"tooltip={_q(tip(v))}")
    return f"{_q(v.key)} [{', '.join(attrs)}];"


def _roomy(text, kind):
    """Room for typefaces that are wider than the Helvetica that Graphviz measures: most are, and bold ones are anyway."""
    pad = (
        " " * round(len(text) * (0.19 if kind == "name" else 0.1))
        if kind in ("name", "title") and len(text) > 8
        else ""
    )
    return pad + text + pad


def is_record(v):
    """Numbers are drawn as micrograd draws them: ``name | data | grad``."""
    return v.kind in ("value", "output", "parameter", "input", "constant") and v.shape == () and v.value is not None


def _field(text):
    for char in "\\{}|<>":
        text = text.replace(char, "\\" + char)
    return text.replace('"', '\\"')


def tip(v):
    """What hovering over a box shows."""
    lines = [v.label or v.kind, tensor_text(v.shape, v.dtype)]
    if v.value is not None:
        lines.append(f"value {v.value}")
    if v.grad is not None:
        lines.append(f"grad {v.grad}")
    lines += [f"keeps {name}: {what}" for name, what, _ in v.kept[:6]]
    return "\n".join(line for line in [*lines, v.note, v.where] if line)


def group_title(g, d):
    """What stands on a module's box: its path and class, and how often it is there."""
    times = f"   × {g.repeat}" if g.repeat > 1 else ""
    path = d.short(g.path, g.parent)
    return (f"{path}  " if path else "") + g.kind + times


def legend_items(d):
    """What the legend explains: (text, colours, style, kind, width in points) for each kind that occurs."""
    t = THEMES[d.theme]
    kinds = [k for k in KINDS if any(v.kind == k for v in d.vertices.values())]
    items = [(KINDS[k], t[k], _STYLES.get(k, "filled"), k) for k in kinds]
    if any(v.bad for v in d.vertices.values()):
        items.append(("not finite", (t["bad fill"], t["bad"], t["op"][2]), "filled,bold", "bad"))
    return [(*item, 4.0 * len(item[0]) + 14) for item in items]


def _legend(d, t):
    """One small box for each kind, in a box of their own."""
    out = ['  subgraph "cluster_legend" {', f'    label="legend"; class=legend; color={_q(t["rim"])}; bgcolor={_q(t["page"])}; margin=6;',
           f"    fontcolor={_q(t['soft'])}; fontsize=8;", '    node [fontsize=8, height=0.2, margin="0.08,0.03"];']  # fmt: skip
    for text, (fill, border, ink), style, kind, _ in legend_items(d):
        extra = ", peripheries=2" if kind == "module" else ""
        out.append(f'    "legend_{kind}" [class="{kind}", shape=box, style="{style}", fillcolor={_q(fill)}, color={_q(border)}, '
                   f"fontcolor={_q(ink)}, label={_q(text)}{extra}];")  # fmt: skip
    return [*out, "  }"]


def summary_lines(d):
    """``12 operations, 3,200 parameters, 1.2 kB kept for backward``, and how to read the arrows."""
    n = d.operations()
    parts = [f"{n:,} operation{'s' if n != 1 else ''}"]
    if total := d.parameters():
        parts.append(f"{total:,} parameter{'s' if total != 1 else ''}")
    if kept := d.kept_bytes():
        parts.append(f"{bytes_text(kept)} kept for backward")
    lines = [", ".join(parts)]
    if d.backward:
        lines.append("arrows: how gradients flow; dashed: none does")
    return lines
