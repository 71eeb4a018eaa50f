"""The SVG that Graphviz wrote, with the type set: names bold, facts small, dark colours for readers who prefer them."""

from __future__ import annotations

import re
from html import escape

from .dot import group_title, rows_of
from .drawing import Drawing
from .theme import THEMES, style_sheet

__all__ = ["tidy"]

_BLOCK = re.compile(r'<g id="([^"]*)" class="(node|cluster)([^"]*)">(.*?)</g>\n(?=<|$)', re.S)
_TEXT = re.compile(r"<text ([^>]*)>(.*?)</text>", re.S)


def tidy(svg: str, d: Drawing) -> str:
    """Without prologue and comments; lines of a box by their kind."""
    t = THEMES[d.theme]
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.S)
    titles = {escape(group_title(g), quote=False): g for g in d.groups.values()}
    rows = {key: [kind for _, kind in rows_of(v, d)] for key, v in d.vertices.items()}

    def set_block(match):
        key, what, _, body = match.groups()
        kinds = iter(rows.get(key, ()))

        def set_line(line):
            attrs, text = line.groups()
            if what == "cluster":
                g = titles.get(text.replace("\\u00a0", " ").replace("&#160;", " "))
                if g is None:
                    return line[0]
                head = f'<tspan font-weight="bold">{escape(g.path)}</tspan>  ' if g.path else ""
                times = f'   <tspan font-weight="bold">× {g.repeat}</tspan>' if g.repeat > 1 else ""
                return f'<text {attrs} xml:space="preserve">{head}{escape(g.kind)}{times}</text>'
            kind = next(kinds, None)
            if kind == "name":
                return f'<text {attrs} font-weight="bold">{text}</text>'
            if kind in ("soft", "plain", "grad", "bad"):
                attrs = re.sub(r'font-size="[^"]*"', 'font-size="8.50"', attrs)
                if kind != "plain":
                    attrs = re.sub(r' fill="[^"]*"', "", attrs) + f' fill="{t[kind]}" class="{kind}"'
                return f"<text {attrs}>{text}</text>"
            return line[0]

        return match[0].replace(body, _TEXT.sub(set_line, body))

    svg = _BLOCK.sub(set_block, svg)
    svg = re.sub(r"<title>[^<]*</title>\n?", "", svg).replace("<svg ", '<svg role="img" aria-label="computation graph" ', 1)
    if d.theme == "auto":
        start = svg.index(">") + 1
        svg = f"{svg[:start]}\n<style>{style_sheet()}</style>{svg[start:]}"
    return svg
