"""A drawing as an indented tree, for terminals: an operation, and below it what it is computed from."""

from __future__ import annotations

from .drawing import Drawing, bytes_text, tensor_text

__all__ = ["to_text"]

_LINES = 400


def to_text(d: Drawing) -> str:
    """The tree below every output. A box that several others use is written once; later it is ``(above)``."""
    inputs: dict[str, list] = {}
    used = set()
    for a in d.arrows:
        inputs.setdefault(a.head, []).append(a)
        used.add(a.tail)
    roots = [k for k in d.vertices if k not in used]
    out: list[str] = []
    seen: set[str] = set()
    stack = [(root, "", "", None) for root in reversed(roots)]
    while stack:
        key, lead, below, arrow = stack.pop()
        if len(out) >= _LINES:
            out.append(f"... ({len(d.vertices) - len(seen):,} more)")
            break
        v = d.vertices[key]
        again = key in seen and inputs.get(key)
        out.append(lead + _line(v, d, arrow) + ("  (above)" if again else ""))
        if key in seen:
            continue
        seen.add(key)
        arrows = inputs.get(key, [])
        for i in reversed(range(len(arrows))):
            last = i == len(arrows) - 1
            stack.append(
                (arrows[i].tail, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "), arrows[i])
            )
    return "\n".join([*out, *([f"({n})" for n in d.notes])])


def _line(v, d, arrow):
    parts = [v.label or v.kind]
    if v.kind == "parameter" and not v.label:
        parts = ["leaf"]
    if v.kind in ("input", "constant", "output") and v.label and v.label != v.kind:
        parts.append(f"({v.kind})")
    if not (v.kind == "value" or (v.kind == "constant" and v.shape == ())):
        parts.append(tensor_text(v.shape, v.dtype))
    if v.group and v.kind in ("op", "module"):
        parts.append(f"in {v.group}")
    if v.value is not None and (d.values != "none" or (v.value.value is not None and v.kind != "op") or v.value.bad):
        parts.append(f"data {v.value}" if v.value.value is not None else f"[{v.value}]")
    if d.grads and v.grad is not None and v.kind != "op":
        parts.append(f"grad {v.grad}")
    if d.backward and v.kind == "op":
        parts.append(f"keeps {', '.join(name for name, _, n in v.kept if n) or 'nothing'}"
                     + (f" ({bytes_text(v.kept_bytes)})" if v.kept_bytes else ""))  # fmt: skip
    if d.backward and arrow is not None and not arrow.differentiable:
        parts.append(f"[no gradient: {arrow.why}]")
    if v.kind == "module":
        parts.append(v.note.replace("\n", ", "))
    if v.bad:
        parts.append("<-- NaN" if (v.value and v.value.nan) or (v.grad and v.grad.nan) else "<-- inf")
    return " ".join(p for p in parts if p)
