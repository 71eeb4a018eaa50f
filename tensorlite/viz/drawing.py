"""What is drawn, as plain data: vertices, arrows and nested groups. Writers read this and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Arrow", "Drawing", "Group", "Stats", "Vertex", "bytes_text", "number_text", "tensor_text"]

#: What a vertex can be; the order is that of the legend.
KINDS = {
    "op": "operation",
    "module": "module, collapsed",
    "parameter": "parameter",
    "input": "input",
    "constant": "constant",
    "value": "number",
    "output": "output",
    "hidden": "operations left out",
}


@dataclass
class Stats:
    """A tensor in a few numbers; ``value`` is set where it has one element."""

    min: float = 0.0
    mean: float = 0.0
    max: float = 0.0
    zeros: float = 0.0
    nan: int = 0
    inf: int = 0
    value: float | complex | None = None
    array: str = ""

    @classmethod
    def of(cls, array, full=False):
        """Statistics of an array; None for what has none (no elements, no numbers)."""
        a = np.asarray(array)
        if not a.size or a.dtype.kind not in "fciub":
            return None
        value = a.reshape(-1)[0].item() if a.size == 1 else None
        text = np.array2string(a, precision=4, threshold=200, edgeitems=3) if full else ""
        real = np.abs(a) if a.dtype.kind == "c" else a
        if a.dtype.kind in "fc":
            nan, inf = int(np.isnan(real).sum()), int(np.isinf(real).sum())
            fine = real[np.isfinite(real)] if nan or inf else real
        else:
            nan, inf, fine = 0, 0, real
        zeros = 1 - np.count_nonzero(a) / a.size
        if not fine.size:
            return cls(np.nan, np.nan, np.nan, zeros, nan, inf, value, text)
        mean = float(fine.mean(dtype=np.float64))
        return cls(float(fine.min()), mean, float(fine.max()), zeros, nan, inf, value, text)

    @property
    def bad(self):
        """Whether a number is not finite."""
        return bool(self.nan or self.inf)

    def __str__(self):
        if self.value is not None:
            return number_text(self.value)
        parts = [f"{number_text(self.min)} .. {number_text(self.mean)} .. {number_text(self.max)}"]
        if self.zeros:
            parts.append(f"{self.zeros:.0%} zeros")
        parts += [f"{n:,} {what}" for n, what in ((self.nan, "nan"), (self.inf, "inf")) if n]
        return ", ".join(parts)


@dataclass
class Vertex:
    """One box. ``group`` is the key of the innermost group around it (empty: none)."""

    key: str
    kind: str
    label: str
    shape: tuple | None = None
    dtype: str = ""
    group: str = ""
    value: Stats | None = None
    grad: Stats | None = None
    kept: list = field(default_factory=list)  # (name, what, bytes)
    kept_bytes: int = 0
    note: str = ""
    where: str = ""
    count: int = 1  # operations that this box stands for
    numel: int = 0

    @property
    def bad(self):
        """Whether its value or gradient has a number that is not finite."""
        return bool((self.value and self.value.bad) or (self.grad and self.grad.bad))


@dataclass
class Arrow:
    """``tail`` is used by ``head``. ``differentiable`` tells whether a gradient flows back; ``why`` if not."""

    tail: str
    head: str
    shape: tuple | None = None
    dtype: str = ""
    differentiable: bool = True
    why: str = ""
    grad: Stats | None = None


@dataclass
class Group:
    """A module call around vertices: its dotted path, its class and the group around it."""

    key: str
    path: str
    kind: str
    parent: str = ""
    repeat: int = 1
    parameters: int = 0


@dataclass
class Drawing:
    """Everything that the writers need."""

    vertices: dict[str, Vertex] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    title: str = ""
    notes: list[str] = field(default_factory=list)
    backward: bool = False
    direction: str = "LR"
    values: str = "none"
    grads: bool = True
    theme: str = "light"
    folded: tuple = (0, 0, 0)  # operations, parameters and kept bytes of repeated blocks that are not drawn

    def depth_of(self, group):
        """How many groups are around and including ``group``."""
        depth = 0
        while group:
            depth, group = depth + 1, self.groups[group].parent
        return depth

    def short(self, name, group):
        """A dotted name relative to the box that it stands in."""
        path = self.groups[group].path if group else ""
        if self.groups and group and self.groups[group].repeat > 1:
            path = path.partition(" … ")[0]
        return name[len(path) + 1 :] if path and name.startswith(path + ".") else name

    def operations(self):
        """The number of operations, also those inside collapsed boxes."""
        return self.folded[0] + sum(v.count for v in self.vertices.values() if v.kind in ("op", "module", "hidden"))

    def kept_bytes(self):
        """Bytes that the operations keep for the backward pass."""
        return self.folded[2] + sum(v.kept_bytes for v in self.vertices.values())

    def parameters(self):
        """The number of trained numbers."""
        return self.folded[1] + sum(
            v.numel for v in self.vertices.values() if v.kind in ("parameter", "module", "hidden")
        )


def tensor_text(shape, dtype):
    """``float32[4, 64]``; several results are joined."""
    if shape is None:
        return ""
    if shape and isinstance(shape[0], tuple):
        return ", ".join(tensor_text(s, d) for s, d in zip(shape, dtype.split(", ")))
    return f"{dtype}[{', '.join(map(str, shape))}]"


def number_text(x):
    """A number in at most about eight characters."""
    if isinstance(x, bool):
        return str(x)
    if isinstance(x, complex):
        return f"{x.real:.3g}{x.imag:+.3g}j"
    if isinstance(x, int) or (np.isfinite(x) and x == int(x) and abs(x) < 1e6):
        return f"{int(x)}" if isinstance(x, int) else f"{x:.1f}"
    return f"{x:.4f}" if 1e-3 <= abs(x) < 1e4 else f"{x:.3g}"


def bytes_text(n):
    """``1.5 kB``."""
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "B" or n >= 100 else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"
