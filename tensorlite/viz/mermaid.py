"""A drawing in Mermaid's language, which GitHub and many wikis render."""

from __future__ import annotations

from .dot import rows_of
from .drawing import Drawing, tensor_text
from .theme import THEMES

__all__ = ["to_mermaid"]

_SHAPES = {"op": ("([", "])"), "module": ("[[", "]]"), "parameter": ("[", "]"), "input": ("[/", "/]"),
           "constant": ("[", "]"), "value": ("[", "]"), "output": ("[\\", "\\]"), "hidden": ("[", "]")}  # fmt: skip


def to_mermaid(d: Drawing) -> str:
    """The drawing as a Mermaid flowchart."""
    t = THEMES[d.theme]
    out = [f"flowchart {d.direction}"]
    inside: dict[str, list] = {}
    for v in d.vertices.values():
        inside.setdefault(v.group, []).append(v)
    children: dict[str, list] = {}
    for g in d.groups.values():
        children.setdefault(g.parent, []).append(g.key)
    work: list[tuple[str, int, bool]] = [("", 0, False)]
    while work:
        group, level, close = work.pop()
        pad = "  " * (level + 1)
        if close:
            out.append("  " * level + "end")
            continue
        if group:
            g = d.groups[group]
            times = f" × {g.repeat}" if g.repeat > 1 else ""
            out.append("  " * level + f'subgraph {_id("g_" + group)} ["{_text(f"{g.path} {g.kind}{times}".strip())}"]')
            work.append((group, level, True))
        for v in inside.get(group, ()):
            left, right = _SHAPES[v.kind]
            label = "<br/>".join(_text(text) for text, _ in rows_of(v, d) if text) or v.kind
            out.append(f'{pad}{_id(v.key)}{left}"{label}"{right}:::{"bad" if v.bad else v.kind}')
        work += [(key, level + 1, False) for key in reversed(children.get(group, []))]
    for a in d.arrows:
        tail, head = (a.head, a.tail) if d.backward else (a.tail, a.head)
        link = "-->" if a.differentiable or not d.backward else "-.-"
        label = f'|"{_text(tensor_text(a.shape, a.dtype))}"|' if d.vertices[a.tail].kind in ("op", "module") else ""
        out.append(f"  {_id(tail)} {link}{label} {_id(head)}")
    used = {v.kind for v in d.vertices.values()}
    for kind in sorted(used):
        fill, border, ink = t[kind]
        out.append(f"  classDef {kind} fill:{fill},stroke:{border},color:{ink}")
    out.append(f"  classDef bad fill:#fde0cf,stroke:{t['bad']},stroke-width:3px,color:#1f2933")
    return "\n".join(out) + "\n"


def _id(key):
    return "".join(c if c.isalnum() else f"_{ord(c):x}_" for c in key)


def _text(text):
    for char, code in (("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("|", "#124;")):
        text = text.replace(char, code)
    return text
