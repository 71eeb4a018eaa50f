"""Make a large drawing small and honest: fold modules, draw equal blocks once, leave out what is far away."""

from __future__ import annotations

from dataclasses import replace

from .drawing import Arrow, Drawing, Vertex

__all__ = ["collapse", "fold_repeats", "shrink"]


def _chains(d):
    """Group -> the groups around it, outermost first, itself last."""
    chains = {"": ()}
    for key in d.groups:
        todo = []
        while key not in chains:
            todo.append(key)
            key = d.groups[key].parent
        for k in reversed(todo):
            chains[k] = (*chains[d.groups[k].parent], k)
    return chains


def _rewire(d, moved, vertices):
    """A drawing with ``vertices``, the ends of arrows replaced by ``moved``; doubles and loops go."""
    seen, arrows = {}, []
    for a in d.arrows:
        tail, head = moved.get(a.tail, a.tail), moved.get(a.head, a.head)
        if tail == head or tail not in vertices or head not in vertices:
            continue
        if (tail, head) == (a.tail, a.head):
            arrows.append(a)
        elif (tail, head) in seen:
            seen[tail, head].differentiable |= a.differentiable
        else:
            seen[tail, head] = new = Arrow(tail, head, a.shape, a.dtype, a.differentiable, a.why, a.grad)
            arrows.append(new)
    used = set()
    chains = _chains(d)
    for v in vertices.values():
        used.update(chains[v.group])
    return replace(d, vertices=vertices, arrows=arrows, groups={k: g for k, g in d.groups.items() if k in used})


def collapse(d: Drawing, depth: int) -> Drawing:
    """Modules at ``depth`` become one box each (1: the outermost)."""
    chains = _chains(d)
    moved: dict[str, str] = {}
    vertices: dict[str, Vertex] = {}
    order: dict[str, Vertex] = {}
    outputs: dict[str, set] = {}
    for a in d.arrows:
        outputs.setdefault(a.tail, set()).add(a.head)
    for key, v in d.vertices.items():
        chain = chains[v.group]
        if len(chain) < depth:
            vertices[key] = v
            continue
        group = d.groups[chain[depth - 1]]
        box = order.get(group.key)
        if box is None:
            path = d.short(group.path, group.parent)
            name = (f"{path}: {group.kind}" if path else group.kind) + (
                f"  × {group.repeat}" if group.repeat > 1 else ""
            )
            box = order[group.key] = Vertex(f"m{len(order)}_{key}", "module", name, group=group.parent, count=0)
            vertices[box.key] = box
        moved[key] = box.key
        box.count += v.count if v.kind in ("op", "module", "hidden") else 0
        box.kept_bytes += v.kept_bytes
        if v.kind == "parameter":
            box.numel += v.numel
        if v.bad:
            bad = v.value if v.value is not None and v.value.bad else v.grad
            box.value = box.value or bad
    members: dict[str, list] = {}
    for key, box_key in moved.items():
        members.setdefault(box_key, []).append(key)
    for box in order.values():
        last = next((k for k in members[box.key] if d.vertices[k].kind in ("op", "module", "value")
                     and any(moved.get(h) != box.key for h in outputs.get(k, ()))), None)  # fmt: skip
        if last is not None:
            box.shape, box.dtype = d.vertices[last].shape, d.vertices[last].dtype
        words = [f"{box.count:,} operation{'s' if box.count != 1 else ''}"]
        if box.numel:
            words.append(f"{box.numel:,} parameters")
        box.note = "\n".join(words)
    return _rewire(d, moved, vertices)


def _signatures(d):
    """Group -> a description of all inside it; equal blocks have equal ones."""
    chains = _chains(d)
    parts = {k: [] for k in d.groups}
    for v in d.vertices.values():
        for depth, g in enumerate(chains[v.group]):
            inner = chains[v.group][depth + 1 :]
            parts[g].append((v.kind, v.shape, v.dtype, v.label if v.kind in ("op", "module") else "",
                             tuple(d.groups[i].kind for i in inner)))  # fmt: skip
    return {k: (d.groups[k].kind, tuple(sorted(map(repr, p)))) for k, p in parts.items()}


def fold_repeats(d: Drawing, least: int = 3) -> Drawing:
    """A run of at least ``least`` equal neighbouring modules is drawn once, with its number.

    Neighbours means that each gives its result to the next one.
    """
    while True:
        found = _find_run(d, least)
        if found is None:
            return d
        d = _fold(d, found)


def _find_run(d, least):
    chains = _chains(d)
    signatures = _signatures(d)
    follows = {}
    for a in d.arrows:
        tail, head = chains[d.vertices[a.tail].group], chains[d.vertices[a.head].group]
        common = 0
        while common < min(len(tail), len(head)) and tail[common] == head[common]:
            common += 1
        if common < len(tail) and common < len(head):
            s, t = tail[common], head[common]
            if signatures[s] == signatures[t]:
                follows.setdefault(s, set()).add(t)
    best = None
    targets = {t for ts in follows.values() for t in ts}
    for start in follows:
        if start in targets:
            continue
        run = [start]
        while len(ts := follows.get(run[-1], ())) == 1 and next(iter(ts)) not in run:
            run.append(next(iter(ts)))
        if len(run) >= least:
            depth = len(chains[start])
            if best is None or depth < best[0]:
                best = (depth, run)
    return best and best[1]


def _fold(d, run):
    """Keep the first block of ``run``; what left the last one leaves it."""
    chains = _chains(d)
    which = {g: i for i, g in enumerate(run)}
    block = {}
    members = [[] for _ in run]
    for key, v in d.vertices.items():
        for g in chains[v.group]:
            if g in which:
                block[key] = which[g]
                members[which[g]].append(key)
    last = len(run) - 1
    leaving = {a.tail for a in d.arrows if block.get(a.tail) == last and block.get(a.head) != last}
    inner = {a.tail for a in d.arrows if block.get(a.tail) == 0 and block.get(a.head) == 1}
    sinks = sorted(inner) or members[0][:1]
    moved = {key: key if d.vertices[key].group == "" else sinks[0] for key in leaving}
    vertices = {}
    for key, v in d.vertices.items():
        if block.get(key, 0) == 0:
            vertices[key] = v
    bad = [v for k, v in d.vertices.items() if block.get(k, 0) > 0 and v.bad]
    arrows = [a for a in d.arrows if not (block.get(a.head, 0) > 0)]
    kept = replace(d, arrows=arrows)
    # side inputs of the later blocks (a mask, a state) already reach the first one, or enter there
    for a in d.arrows:
        if (
            block.get(a.head, 0) > 0
            and a.tail not in block
            and not any(b.tail == a.tail and block.get(b.head) == 0 for b in arrows)
        ):
            kept.arrows.append(replace(a, head=members[0][0]))
    for k in range(1, len(run)):
        for a in d.arrows:
            if block.get(a.tail) == k and k != last and a.head not in block:
                moved[a.tail] = sinks[0]
    out = _rewire(kept, moved, vertices)
    group = out.groups[run[0]]
    extra = sum(
        d.vertices[k].numel for k, b in block.items() if b > 0 and d.vertices[k].kind in ("parameter", "module")
    )
    kept_more = sum(d.vertices[k].kept_bytes for k, b in block.items() if b > 0)
    ops = sum(
        d.vertices[k].count for k, b in block.items() if b > 0 and d.vertices[k].kind in ("op", "module", "hidden")
    )
    out.groups = {**out.groups, run[0]: replace(group, repeat=group.repeat * len(run),
                                                path=f"{group.path} … {d.groups[run[-1]].path.rpartition(chr(46))[2]}")}  # fmt: skip
    out.folded = tuple(a + b for a, b in zip(d.folded, (ops, extra, kept_more)))
    if bad:
        out.notes = [
            *out.notes,
            f"{len(bad)} boxes of repeated blocks hold numbers that are not finite: draw with repeat=False",
        ]
    return out


def nearest(d: Drawing, limit: int) -> Drawing:
    """The ``limit`` boxes nearest to the outputs; all others are one box."""
    if len(d.vertices) <= limit:
        return d
    inputs: dict[str, list] = {}
    used = set()
    for a in d.arrows:
        inputs.setdefault(a.head, []).append(a.tail)
        used.add(a.tail)
    level = [k for k in d.vertices if k not in used]
    keep = dict.fromkeys(level)
    while level and len(keep) < limit:
        after = []
        for key in level:
            for tail in inputs.get(key, ()):
                if tail not in keep and len(keep) < limit:
                    keep[tail] = None
                    after.append(tail)
        level = after
    hidden = [v for k, v in d.vertices.items() if k not in keep]
    if not hidden:
        return d
    count = sum(v.count for v in hidden if v.kind in ("op", "module", "hidden"))
    rest = Vertex("rest", "hidden", f"… {count:,} earlier operations", count=count)
    rest.note = f"{sum(v.kind == 'parameter' for v in hidden):,} parameters among them"
    rest.numel = sum(v.numel for v in hidden if v.kind == "parameter")
    rest.kept_bytes = sum(v.kept_bytes for v in hidden)
    vertices = {rest.key: rest, **{k: v for k, v in d.vertices.items() if k in keep}}
    out = _rewire(d, {v.key: rest.key for v in hidden}, vertices)
    out.notes = [*out.notes, f"{len(keep):,} of {len(d.vertices):,} boxes drawn, those nearest to the output"]
    return out


def shrink(d: Drawing, depth, limit) -> Drawing:
    """Apply ``depth``; then, as long as there are more than ``limit`` boxes, collapse further and say so."""
    if depth is not None:
        d = collapse(d, depth)
    if len(d.vertices) <= limit:
        return d
    deepest = max((len(c) for c in _chains(d).values()), default=0)
    for level in range(deepest, 0, -1):
        smaller = collapse(d, level)
        if len(smaller.vertices) <= limit:
            smaller.notes = [
                *smaller.notes,
                f"collapsed to depth {level} ({len(d.vertices):,} boxes are more than max_nodes={limit:,})",
            ]
            return smaller
    return nearest(collapse(d, 1) if deepest else d, limit)
