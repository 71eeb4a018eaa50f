"""Colours and type. The hues are Okabe and Ito's, which colour-blind eyes tell apart; fills are tints of them."""

__all__ = ["FONT", "THEMES"]

FONT = "Helvetica,Arial,sans-serif"

#: kind -> (fill, border, text); plus the colours of the page.
LIGHT = {
    "page": "#ffffff", "ink": "#1f2933", "soft": "#66727f", "line": "#8a96a3", "group": "#f6f8fa", "rim": "#cdd5dd",
    "bad": "#d55e00", "bad fill": "#fde0cf", "grad": "#b35000",
    "op": ("#e9eef4", "#5b6b7b", "#1f2933"),
    "module": ("#f7e8f0", "#b8608f", "#4a1f38"),
    "parameter": ("#d9eaf6", "#0072b2", "#06344f"),
    "input": ("#d8f0e8", "#009e73", "#04402f"),
    "constant": ("#ffffff", "#9aa5b1", "#52606d"),
    "value": ("#ffffff", "#5b6b7b", "#1f2933"),
    "output": ("#fdebcb", "#d18b00", "#533800"),
    "hidden": ("#ffffff", "#9aa5b1", "#52606d"),
}  # fmt: skip

DARK = {
    "page": "#14181d", "ink": "#e4e9ee", "soft": "#9aa7b4", "line": "#74818f", "group": "#1b2128", "rim": "#39434e",
    "bad": "#ff7a1a", "bad fill": "#5a2408", "grad": "#f2a35e",
    "op": ("#2a323c", "#8796a6", "#e8edf2"),
    "module": ("#3a2431", "#d889b3", "#f7dfeb"),
    "parameter": ("#12324a", "#56b4e9", "#d8eefb"),
    "input": ("#0f3a2e", "#2cc79b", "#d3f6ea"),
    "constant": ("#14181d", "#6d7986", "#b4bfca"),
    "value": ("#1b2128", "#8796a6", "#e8edf2"),
    "output": ("#453109", "#e69f00", "#ffe9bd"),
    "hidden": ("#14181d", "#6d7986", "#b4bfca"),
}  # fmt: skip

THEMES = {"light": LIGHT, "dark": DARK, "auto": LIGHT}


def style_sheet():
    """CSS that turns an SVG drawn in the light theme dark where the reader prefers that."""
    rules = []
    for name, light in LIGHT.items():
        dark = DARK[name]
        if not isinstance(light, tuple):
            continue
        for shape in ("polygon", "path", "polyline", "rect"):
            rules.append(f".{name} > {shape}, .{name} > a > {shape} {{ fill: {dark[0]}; stroke: {dark[1]}; }}")
        rules.append(f".{name} text {{ fill: {dark[2]}; }}")
    rules += [
        f".page {{ fill: {DARK['page']}; }} .node polyline {{ fill: none !important; }}",
        f".cluster text {{ fill: {DARK['ink']}; }} .graph > text {{ fill: {DARK['soft']}; }}",
        f".node .soft {{ fill: {DARK['soft']}; }} .node .grad {{ fill: {DARK['grad']}; }} .node .bad {{ fill: {DARK['bad']}; }}",
        f".bad > a > path, .bad > a > polygon {{ fill: {DARK['bad fill']}; stroke: {DARK['bad']}; }}",
        f".cluster > path, .cluster > polygon {{ fill: {DARK['group']}; stroke: {DARK['rim']}; }}",
        f".edge path, .edge polygon {{ stroke: {DARK['line']}; }}",
        f".edge polygon {{ fill: {DARK['line']}; }}",
        f".edge text {{ fill: {DARK['soft']}; }}",
    ]
    return "@media (prefers-color-scheme: dark) { " + " ".join(rules) + " }"


def css_variables():
    """Both themes as CSS custom properties, for the HTML page."""

    def block(theme):
        out = []
        for name, value in theme.items():
            if isinstance(value, tuple):
                out += [f"--{name}-fill:{value[0]}", f"--{name}-rim:{value[1]}", f"--{name}-ink:{value[2]}"]
            else:
                out.append(f"--{name.replace(' ', '-')}:{value}")
        return ";".join(out)

    return (f":root{{color-scheme:light;{block(LIGHT)}}}\n:root[data-theme=dark]{{color-scheme:dark;{block(DARK)}}}\n"
            f"@media (prefers-color-scheme:dark){{:root[data-theme=auto]{{color-scheme:dark;{block(DARK)}}}}}\n")  # fmt: skip
