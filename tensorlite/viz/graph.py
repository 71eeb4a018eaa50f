"""``viz.graph``: the one call that draws, and the picture that it returns."""

from __future__ import annotations

import sys
from pathlib import Path

from ..engine import TensorBase
from . import dot as _dot
from . import render, svg, text
from .collect import Names, collect, finish
from .mermaid import to_mermaid
from .record import Recording
from .shrink import fold_repeats, nearest, shrink
from .theme import THEMES

__all__ = ["Picture", "graph"]

_SUFFIXES = (".svg", ".png", ".pdf", ".dot", ".gv", ".html", ".mmd")
_PAGE = 800  # boxes that the HTML page can fold and unfold by itself


class Picture:
    """A drawn computation: shows itself in notebooks, prints as a tree, saves by suffix.

    Attributes
    ----------
    drawing : Drawing
        The description that is drawn.
    """

    def __init__(self, drawing, full=None, depth=None):
        self.drawing = drawing
        self.depth = depth
        self.full = full or drawing  # before modules were collapsed: the HTML page does that by itself

    # -- text --------------------------------------------------------------------------------------

    def to_dot(self) -> str:
        """The graph in Graphviz's language."""
        return _dot.to_dot(self.drawing)

    @property
    def source(self) -> str:
        """The DOT text, as ``graphviz.Digraph.source``."""
        return self.to_dot()

    def to_mermaid(self) -> str:
        """The graph as a Mermaid flowchart."""
        return to_mermaid(self.drawing)

    def __str__(self):
        return text.to_text(self.drawing)

    def __repr__(self):
        d = self.drawing
        return f"<Picture of {d.operations():,} operations ({len(d.vertices):,} boxes, {len(d.arrows):,} arrows); print() it, or save('graph.svg')>"

    # -- pictures ----------------------------------------------------------------------------------

    def to_svg(self, seconds: float = 8.0) -> str:
        """The graph as SVG text, laid out by Graphviz.

        Parameters
        ----------
        seconds : float, default 8
            Time limit. A graph that needs longer is drawn smaller, and says so.

        Raises
        ------
        RuntimeError
            If no Graphviz is installed or it fails; the message says what to install.
        """
        return self._laid_out(
            lambda d, limit: svg.tidy(render.layout(_dot.to_dot(d, False), "svg", limit).decode(), d), seconds
        )

    def _laid_out(self, make, seconds):
        """``make(drawing, time limit)`` for the whole drawing, or for a smaller one that Graphviz manages."""
        parts = ((None, 0.55), (250, 0.25), (60, 0.2)) if len(self.drawing.vertices) > 60 else ((None, 1.0),)
        reason = None
        for limit, share in parts:
            d = self.drawing
            if limit is not None:
                if len(d.vertices) <= limit:
                    continue
                d = shrink(d, None, limit)
                d.notes = [*d.notes, "drawn smaller: Graphviz could not lay out all of it in time"]
            try:
                return make(d, seconds * share)
            except render.NoGraphviz as error:
                reason = error
                if not render.available():
                    break
        raise RuntimeError(f"{reason}: {render.HINT.partition(';')[0]}") from None

    def to_html(self) -> str:
        """One file that works offline: pan, zoom, search, collapse and expand, details on hover."""
        from .html import to_html

        return to_html(self.full, folded_depth=self.depth)

    def save(self, path) -> Path:
        """Write the picture; the suffix decides: ``.svg .png .pdf .dot .html .mmd``.

        Returns
        -------
        pathlib.Path
            Where it was written.

        Raises
        ------
        ValueError
            For another suffix.
        RuntimeError
            If it cannot be laid out here.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in _SUFFIXES:
            raise ValueError(
                f"cannot save as {suffix or 'a file without a suffix'!r}; there are {', '.join(_SUFFIXES)}"
            )
        if suffix in (".png", ".pdf"):
            path.write_bytes(self._raster(suffix[1:]))
        else:
            make = {".svg": self.to_svg, ".html": self.to_html, ".mmd": self.to_mermaid}.get(suffix, self.to_dot)
            path.write_text(make(), encoding="utf-8")
        return path

    def render(self, filename, format="svg"):
        """Graphviz's spelling: write ``filename.format`` and return its path."""
        return str(self.save(f"{filename}.{format}"))

    def _raster(self, format):
        from .raster import draw

        def make(d, limit):
            rows = {k: [kind for _, kind in _dot.rows_of(v, d)] for k, v in d.vertices.items()}
            return draw(_dot.to_dot(d, False), format, rows, _dot.legend_items(d), THEMES[d.theme], seconds=limit)

        return self._laid_out(make, 8.0)

    def _repr_mimebundle_(self, include=None, exclude=None):
        """What a notebook shows: SVG; without Graphviz a hint and the DOT text."""
        try:
            return {"image/svg+xml": self.to_svg(), "text/plain": repr(self)}
        except RuntimeError as error:
            return {"text/plain": f"{error}\n\n{self.to_dot()}"}


def graph(x, params=None, model=None, direction="LR", depth=None, values="none", grads=True, theme="light",
          max_nodes=2000, view="forward", tape=None, repeat=True, title=""):  # fmt: skip
    """Draw how a tensor was computed.

    Parameters
    ----------
    x : Tensor, sequence of Tensor, or (Module, example input)
        What to draw. A module is run on the example (a tensor, or a tuple of arguments) and everything is known of that
        run: modules, constants, values, source lines. Of a bare tensor the tape knows the operations, the
        parameters, and what was kept; variables of the caller give their names to it.
    params : dict of str -> Tensor, optional
        Names of tensors, such as ``dict(model.named_parameters())``.
    model : Module, optional
        Names its parameters and buffers; an operation that uses a parameter is drawn inside the module that owns it.
    direction : {'LR', 'TB'}
    depth : int, optional
        Draw modules at this depth as one box (1: the outermost).
    values : {'none', 'stats', 'full'}
        What boxes say of their values: only numbers and what is not finite; minimum, mean, maximum and the share of zeros;
        the array, too. Values are known of parameters, of numbers, and of all that was recorded.
    grads : bool, default True
        Show gradients after a backward pass.
    theme : {'light', 'dark', 'auto'}
        'auto' follows the reader's preference (SVG and HTML).
    max_nodes : int, default 2000
        A larger graph is collapsed, and says so.
    view : {'forward', 'backward'}
        The backward view shows how gradients flow, what each operation keeps for it, in bytes, and where no
        gradient goes, and why.
    tape : Recording, optional
        From ``with viz.record(model) as tape:`` around the computation.
    repeat : bool, default True
        Draw a run of equal modules once, with its number.
    title : str, optional

    Returns
    -------
    Picture
        With ``save(path)``, ``to_svg()``, ``to_html()``, ``to_dot()``; shown in notebooks, printed as a tree.

    Raises
    ------
    TypeError, ValueError
        For something that is no computation, and for unknown options.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import viz
    >>> w = tl.tensor([1.0, -2.0], requires_grad=True)
    >>> y = (w * w).sum()
    >>> print(viz.graph(y))
    y (output) float32[] data 5.0
    └─ sum float32[]
       └─ mul float32[2]
          ├─ w float32[2]
          └─ w float32[2]
    """
    for name, value, allowed in (("direction", direction, ("LR", "TB", "RL", "BT")), ("values", values, ("none", "stats", "full")),
                                 ("theme", theme, ("light", "dark", "auto")), ("view", view, ("forward", "backward"))):  # fmt: skip
        if value not in allowed:
            raise ValueError(f"graph(): {name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
    if depth is not None and (not isinstance(depth, int) or depth < 1):
        raise ValueError(f"graph(): depth must be a positive int or None, not {depth!r}")
    if not isinstance(max_nodes, int) or max_nodes < 2:
        raise ValueError(f"graph(): max_nodes must be an int of at least 2, not {max_nodes!r}")
    names = Names()
    for name, tensor in (params or {}).items():
        names.add(name, tensor, "parameter" if isinstance(tensor, TensorBase) and tensor._node is not None else None)
    if model is not None:
        names.add_model(model)
    roots, tape = _roots(x, model, tape)
    names.add_variables(sys._getframe(1).f_locals)
    d = collect(roots, names, tape, model)
    d.direction, d.values, d.grads, d.theme, d.backward, d.title = (
        direction,
        values,
        grads,
        theme,
        view == "backward",
        title,
    )
    if not d.groups:
        d = nearest(d, max_nodes)  # before the statistics of what is not drawn are computed
    finish(d, values)
    if repeat and d.groups:
        d = fold_repeats(d)
    return Picture(shrink(d, depth, max_nodes), d if len(d.vertices) <= _PAGE else shrink(d, None, _PAGE), depth)


def _roots(x, model, tape):
    """The tensors to start from; a module is run under a recording."""
    from ..nn import Module

    if isinstance(x, tuple) and len(x) == 2 and isinstance(x[0], Module):
        net, example = x
        with Recording(model or net) as tape:
            net(*(example if isinstance(example, tuple) else (example,)))
        if not tape.outputs:
            raise TypeError(f"{type(net).__name__} returned no tensor")
        return tape.outputs, tape
    if isinstance(x, Module):
        raise TypeError("graph(): a module needs an example input: graph((model, input))")
    roots = [x] if isinstance(x, TensorBase) else list(x) if isinstance(x, (list, tuple)) else []
    if not roots or not all(isinstance(r, TensorBase) for r in roots):
        raise TypeError(f"graph() draws a tensor, several, or (module, example input), not {type(x).__name__}")
    for r in roots:
        if r._node is None and (tape is None or id(r._data) not in tape.made):
            raise ValueError(
                "graph(): this tensor is on no tape: it does not require grad and has no grad_fn. Compute it from tensors "
                "with requires_grad=True, or inside `with viz.record() as tape:`, and pass tape=tape"
            )
    return roots, tape
