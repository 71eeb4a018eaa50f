"""``viz.summary``: a table of the layers of a model, from one forward pass."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

import numpy as np

from ..engine import TensorBase, Watcher, watching
from ..nn.progress import place
from .drawing import bytes_text

__all__ = ["Row", "Summary", "multiply_adds", "summary"]


def multiply_adds(name, raw, out):
    """Multiply-adds of one operation; operations without matrix products count none.

    Parameters
    ----------
    name : str
        Of the primitive.
    raw : sequence of ndarray
        Its arguments.
    out : ndarray or tuple of ndarray
        Its result.
    """
    size = lambda a: a.size if isinstance(a, np.ndarray) else 0
    if name == "linear":
        return raw[0].size * raw[1].shape[0]
    if name == "matmul":
        return size(out) * raw[0].shape[-1] if raw[0].ndim else 0
    if name in ("addmm", "baddbmm"):
        return size(out) * raw[1].shape[-1]
    if name == "conv":
        return size(out) * (raw[1].size // raw[1].shape[0])
    if name == "conv_input_grad":  # a transposed convolution
        return raw[0].size * (raw[1].size // raw[1].shape[0])
    if name == "attention":
        q, k, v = raw[:3]
        return (q.size // q.shape[-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])
    if name in ("lstm", "gru", "rnn"):
        weights = sum(map(size, (raw[3], raw[4], raw[7]) if name == "lstm" else raw[2:4]))
        return (raw[0].size // raw[0].shape[-1]) * weights
    return 0


@dataclass
class Row:
    """One module call. ``depth`` 0 is the model; memory is what its operations' results take."""

    name: str
    kind: str
    depth: int
    path: str = ""
    input: str = ""
    output: str = ""
    parameters: int = 0
    trainable: int = 0
    madds: int = 0
    bytes: int = 0
    seconds: float = 0.0
    leaf: bool = True
    failed: bool = False
    again: bool = False
    counted: list = field(default_factory=list)


class Summary:
    """The table. ``str()`` writes it; notebooks show it as HTML, an interpreter and a notebook not twice.

    Attributes
    ----------
    rows : list of Row
        In the order of the calls.
    parameters, trainable, madds, bytes : int
    """

    def __init__(self, rows, parameters, trainable, parameter_bytes, buffers=0, ran=True):
        self.rows = rows
        self.parameters, self.trainable, self.parameter_bytes = parameters, trainable, parameter_bytes
        self.buffers, self.ran = buffers, ran
        self.shown = False  # printed already: as the result of a line it would come a second time
        self.madds = rows[0].madds if rows else 0
        self.bytes = rows[0].bytes if rows else 0

    def _cells(self):
        total = self.rows[0].seconds if self.rows else 0.0
        head = ["layer", "output"] if self.ran else ["layer"]
        head += ["parameters", "multiply-adds", "activations", "time"] if self.ran else ["parameters"]
        lines = []
        last_at = self._last()
        bars = []
        for i, r in enumerate(self.rows):
            bars = bars[: max(r.depth - 1, 0)]
            lead = "".join(bars) + (("└─ " if last_at[i] else "├─ ") if r.depth else "")
            if r.depth:
                bars.append("   " if last_at[i] else "│  ")
            label = f"{lead}{r.name}: {r.kind}" if r.name else f"{lead}{r.kind}"
            cells = [label]
            if self.ran:
                cells.append(f"failed on {r.input}" if r.failed and r.leaf else "" if r.failed else r.output)
            own = f"{r.parameters:,}" if r.parameters else "-"
            cells.append("(above)" if r.again else own)
            if self.ran:
                share = f"{r.seconds / total:.0%}" if total and not r.failed else "-"
                cells += [count_text(r.madds), bytes_text(r.bytes) if r.bytes else "-", share]
            lines.append(cells)
        return head, lines

    def _last(self):
        """For each row whether it is the last child of its parent."""
        flags, open_at = [False] * len(self.rows), {}
        for i in range(len(self.rows) - 1, -1, -1):
            depth = self.rows[i].depth
            flags[i] = not open_at.get(depth, False)
            open_at = {d: v for d, v in open_at.items() if d <= depth}
            open_at[depth] = True
        return flags

    def _totals(self):
        out = [f"{self.parameters:,} parameters ({bytes_text(self.parameter_bytes)})"
               + (f", {self.parameters - self.trainable:,} of them frozen" if self.parameters != self.trainable else "")
               + (f"; {self.buffers:,} numbers in buffers" if self.buffers else "")]  # fmt: skip
        if self.ran and self.rows[0].failed:
            failed = self.rows[-1]
            out.append(f"the forward pass failed in {failed.path or failed.kind}")
        elif self.ran:
            out.append(
                f"{count_text(self.madds)} multiply-adds, {bytes_text(self.bytes)} of results, {self.rows[0].seconds * 1e3:.3g} ms for one forward pass"
            )
        return out

    def __str__(self):
        head, lines = self._cells()
        widths = [max(len(row[i]) for row in [head, *lines]) for i in range(len(head))]
        left = 2 if self.ran else 1

        def line(row):
            return "  ".join(
                c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))
            ).rstrip()

        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([line(head), rule, *map(line, lines), rule, *self._totals()])

    def __repr__(self):
        return f"Summary({self.parameters:,} parameters)" if self.shown else str(self)

    def show(self):
        """Print the table, or display it in a notebook."""
        if place(sys.stdout) == "notebook":
            self._ipython_display_()
        else:
            print(self)
        self.shown = True

    def _ipython_display_(self):
        if not self.shown:
            from IPython.display import HTML, display

            display(HTML(self._repr_html_()))

    def _repr_html_(self):
        """The table for a notebook."""
        from html import escape

        head, lines = self._cells()
        left = 2 if self.ran else 1
        cell = lambda tag, i, c: (
            f'<{tag} style="text-align:{"left" if i < left else "right"};white-space:pre">{escape(c)}</{tag}>'
        )
        rows = "".join(f"<tr>{''.join(cell('td', i, c) for i, c in enumerate(row))}</tr>" for row in lines)
        head_row = "".join(cell("th", i, c) for i, c in enumerate(head))
        return (f'<table style="font-variant-numeric:tabular-nums"><thead><tr>{head_row}</tr></thead><tbody>{rows}</tbody></table>'
                f"<p>{'<br>'.join(map(escape, self._totals()))}</p>")  # fmt: skip


def count_text(n):
    """``1.5 M``; ``-`` for none."""
    if not n:
        return "-"
    for unit in ("", " k", " M", " G"):
        if n < 1000:
            return f"{n:.0f}{unit}" if not unit or n >= 100 else f"{n:.3g}{unit}"
        n /= 1000
    return f"{n:.3g} T"


class _Meter(Watcher):
    """Counts what happens inside the module calls that are open."""

    def __init__(self, model) -> None:
        self.paths = {m: path for path, m in model.named_modules()}
        self.rows: list[Row] = []
        self.open: list[Row | None] = []
        self.seen: set = set()

    def forward(self, prim, args, settings, raw):
        out = super().forward(prim, args, settings, raw)
        results = out if isinstance(out, (tuple, list)) else (out,)
        held = sum(o.nbytes for o in results if isinstance(o, np.ndarray) and (not prim.view or o.base is None))
        madds = multiply_adds(prim.name, raw, out)
        for row in self.open:
            if row is not None:
                row.bytes += held
                row.madds += madds
        return out

    def enter(self, module, args):
        if self.open and module not in self.paths:  # made on the fly: counts for the module around it
            self.open.append(None)
            return
        depth = sum(r is not None for r in self.open)
        path = self.paths.get(module, "")
        parent = next((r for r in reversed(self.open) if r is not None), None)
        if parent is not None:
            parent.leaf = False
        name = (
            path[len(parent.path) + 1 :]
            if parent is not None and parent.path and path.startswith(parent.path + ".")
            else path
        )
        shapes = [f"{list(a._data.shape)}" for a in args if isinstance(a, TensorBase)]
        row = Row(name, type(module).__name__, depth, path, ", ".join(shapes))
        row.again = module in self.seen
        self.seen.add(module)
        parameters = list(module.parameters())
        row.parameters = sum(p._data.size for p in parameters)
        row.trainable = sum(p._data.size for p in parameters if p._node is not None)
        row.failed = True
        row.seconds = time.perf_counter()
        self.rows.append(row)
        self.open.append(row)

    def leave(self, module, args, output):
        row = self.open.pop()
        if row is not None and output is not None:
            row.seconds = time.perf_counter() - row.seconds
            row.failed = False
            row.output = _shapes(output)


def _shapes(value):
    if isinstance(value, TensorBase):
        return f"{list(value._data.shape)}"
    if isinstance(value, (tuple, list)):
        return ", ".join(filter(None, map(_shapes, value)))
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_shapes(v)}" for k, v in value.items())
    return ""


def summary(model, input=None, depth=None, verbose=True):
    """A table of the layers of ``model``: output shapes, parameters, multiply-adds, memory, time.

    Parameters
    ----------
    model : Module
    input : Tensor, array, tuple of arguments, or a shape (tuple of int), optional
        An example batch; for a shape, zeros of the default dtype. Without it, only what needs no forward pass is
        shown. The pass runs as in ``eval`` mode under ``no_grad``: nothing of the model changes.
    depth : int, optional
        How many levels of modules are shown.
    verbose : bool, default True
        Print the table too.

    Returns
    -------
    Summary
        Multiply-adds are those of matrix products and convolutions. Activations are the results of all operations
        inside a module, in bytes; views are free.

    Raises
    ------
    Exception
        What the forward pass raises, after the table up to the failing layer has been printed.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn
    >>> s = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).summary((5, 4), verbose=False)
    >>> [(r.name, r.output, r.parameters, r.madds) for r in s.rows[1:]]
    [('0', '[5, 8]', 40, 160), ('1', '[5, 8]', 0, 0), ('2', '[5, 2]', 18, 80)]
    """
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise ValueError(f"summary(): depth must be an int of at least 0 or None, not {depth!r}")
    if input is None:
        if hasattr(model, "layers") and any(_lazy(p) for p in model.parameters()):
            raise ValueError("summary(): sizes are taken from the first batch; give an example input or its shape")
        return _finish(model, _static(model), depth, verbose, ran=False)
    args = _example(input)
    meter = _Meter(model)
    training = [(m, m.training) for m in model.modules()]
    try:
        _run(model, args, meter)
        meter = _Meter(model)  # again: the first pass compiled the operations, its times mean little
        _run(model, args, meter)
    except Exception:
        result = _finish(model, meter.rows, depth, False)
        print(result)
        raise
    finally:
        for m, flag in training:
            m.__dict__["training"] = flag
    return _finish(model, meter.rows, depth, verbose)


def _run(model, args, meter):
    from ..autograd.grad_mode import no_grad
    from ..nn import hooks

    handles = [
        hooks.register_module_forward_pre_hook(meter.enter),
        hooks.register_module_forward_hook(meter.leave, always_call=True),
    ]
    try:
        model.eval()
        with no_grad(), watching(meter):
            model(*args)
    finally:
        for handle in handles:
            handle.remove()


def _lazy(p):
    return type(p).__name__.startswith("Uninitialized")


def _example(input):
    from ..creation import as_tensor, zeros

    if isinstance(input, (tuple, list)) and input and all(isinstance(n, int) for n in input):
        return (zeros(*input),)
    if isinstance(input, tuple):
        return tuple(a if isinstance(a, TensorBase) or not isinstance(a, np.ndarray) else as_tensor(a) for a in input)
    if isinstance(input, TensorBase):
        return (input,)
    from .. import dtypes

    a = np.asarray(input)
    return (as_tensor(a.astype(dtypes.get_default_dtype().numpy) if a.dtype == np.float64 else a),)


def _static(model):
    rows = []
    for path, m in model.named_modules():
        parameters = list(m.parameters())
        depth = path.count(".") + 1 if path else 0
        rows.append(Row(path.rpartition(".")[2], type(m).__name__, depth, path,
                        parameters=sum(p._data.size for p in parameters if not _lazy(p))))  # fmt: skip
    return rows


def _finish(model, rows, depth, verbose, ran=True):
    parameters = [p for p in model.parameters() if not _lazy(p)]
    for r in rows:
        if r.failed:
            r.seconds = 0.0
    if depth is not None:
        rows = [r for r in rows if r.depth <= depth]
    result = Summary(rows, sum(p._data.size for p in parameters), sum(p._data.size for p in parameters if p._node is not None),
                     sum(p._data.nbytes for p in parameters), sum(b._data.size for b in model.buffers()), ran)  # fmt: skip
    if verbose:
        result.show()
    return result
