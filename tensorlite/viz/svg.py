"""The SVG that Graphviz wrote, with the type set: names bold, facts small, dark colours for readers who prefer them."""

from __future__ import annotations

import re
from html import escape

from .dot import group_title, legend_items, rows_of
from .drawing import Drawing
from .theme import FONT, THEMES, style_sheet

__all__ = ["tidy"]

_BLOCK = re.compile(r'<g id="([^"]*)" class="(node|cluster)([^"]*)">(.*?)</g>\n(?=<|$)', re.S)
_OUTLINE = re.compile(r'(?:d|points)="[^"]*"')
_TEXT = re.compile(r"<text ([^>]*)>(.*?)</text>", re.S)


def tidy(svg: str, d: Drawing) -> str:
    """Without prologue and comments; lines of a box by their kind."""
    t = THEMES[d.theme]
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.S)
    titles = {escape(group_title(g, d), quote=False): g for g in d.groups.values()}
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
                left = min(map(float, re.findall(r"(-?[\d.]+),-?[\d.]+", _OUTLINE.search(body)[0])))
                attrs = re.sub(
                    r' x="[^"]*"', f' x="{left + 9:.1f}"', attrs.replace('text-anchor="middle"', 'text-anchor="start"')
                )
                head = f'<tspan font-weight="bold">{escape(d.short(g.path, g.parent))}</tspan>  ' if g.path else ""
                times = f'   <tspan font-weight="bold">× {g.repeat}</tspan>' if g.repeat > 1 else ""
                return f"<text {attrs}>{head}{escape(g.kind)}{times}</text>"
            kind = next(kinds, None)
            if kind == "name":
                attrs = attrs.replace('font-size="10.00"', 'font-size="9.40"')  # bold is wider than what was measured
                return f'<text {attrs} font-weight="bold">{text}</text>'
            if kind in ("soft", "plain", "grad", "bad"):
                attrs = re.sub(r'font-size="[^"]*"', 'font-size="8.50"', attrs)
                if kind != "plain":
                    attrs = re.sub(r' fill="[^"]*"', "", attrs) + f' fill="{t[kind]}" class="{kind}"'
                return f"<text {attrs}>{text}</text>"
            return line[0]

        return match[0].replace(body, _TEXT.sub(set_line, body))

    svg = _BLOCK.sub(set_block, svg)
    svg = re.sub(r"<title>[^<]*</title>\n?", "", svg).replace(
        "<svg ", '<svg role="img" aria-label="computation graph" ', 1
    )
    svg = _with_legend(svg, d, t)
    if d.theme == "auto":
        start = svg.index(">") + 1
        svg = f"{svg[:start]}\n<style>{style_sheet()}</style>{svg[start:]}"
    return svg


def _with_legend(svg, d, t):
    """A row below the drawing that explains its boxes."""
    head = re.search(r'width="[^"]*" height="[^"]*"\s*viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', svg)
    if head is None:
        return svg
    items = legend_items(d)
    width = max(float(head[1]), sum(item[-1] + 8 for item in items) + 40)
    height = float(head[2])
    x, parts = 22.0, []
    for text, (fill, border, ink), style, kind, w in items:
        shape = ' rx="5"' if "rounded" in style else ""
        dash = ' stroke-dasharray="4 2.5"' if "dashed" in style else ""
        double = (
            f'<rect x="{x - 2:.1f}" y="{height - 8:.1f}" width="{w + 4:.1f}" height="18" fill="none" stroke="{border}"/>'
            if kind == "module"
            else ""
        )
        parts.append(
            f'<g class="{kind}">{double}<rect x="{x:.1f}" y="{height - 6:.1f}" width="{w:.1f}" height="14"{shape}{dash} fill="{fill}" stroke="{border}"/>'
            f'<text x="{x + w / 2:.1f}" y="{height + 4:.1f}" text-anchor="middle" font-family="{FONT}" font-size="8" fill="{ink}">{text}</text></g>'
        )
        x += w + 8
    row = f'<g class="legend" id="legend">{"".join(parts)}</g>'
    size = f'width="{width:.0f}pt" height="{height + 20:.0f}pt" viewBox="0 0 {width:.1f} {height + 20:.1f}"'
    svg = svg.replace(head[0], size, 1)
    page = f'<rect class="page" width="100%" height="100%" fill="{t["page"]}"/>'
    start = svg.index(">") + 1
    svg = re.sub(r'(<g id="graph0"[^>]*>\n)<polygon[^>]*/>\n', r"\1", svg, count=1)
    end = svg.rindex("</svg>")
    return f"{svg[:start]}\n{page}{svg[start:end]}{row}\n</svg>\n"
