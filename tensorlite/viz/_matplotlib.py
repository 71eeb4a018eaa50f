"""matplotlib, when it is needed: an own Figure, never pyplot's global state."""

import functools
import io

from .theme import LIGHT

__all__ = ["CYCLE", "TITLE", "new_figure", "need", "polish"]

#: Okabe and Ito's colours, in an order in which neighbours differ in lightness too.
CYCLE = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#7a6a00", "#3c4650")

TITLE = {"color": LIGHT["ink"], "fontsize": 10, "fontweight": "bold"}


def need():
    """Raise what to install if matplotlib is absent."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError('this picture needs matplotlib: pip install "tensorlite[viz]"') from error


@functools.cache
def _figure_class():
    from matplotlib.figure import Figure

    class _Figure(Figure):
        """Shows itself as the value of a notebook cell, also where pyplot was never used."""

        def _repr_png_(self):
            buffer = io.BytesIO()
            self.savefig(buffer, format="png", dpi=110)
            return buffer.getvalue()

    _Figure.__name__ = _Figure.__qualname__ = "Figure"
    return _Figure


def new_figure(rows=1, columns=1, size=(4.2, 2.9), **options):
    """A figure and a grid (2-d array) of polished axes; ``size`` is that of one of them in inches."""
    need()
    figure = _figure_class()(figsize=(size[0] * columns, size[1] * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        polish(ax)
    return figure, axes


def polish(ax, grid=True):
    """Quiet axes: thin lines, no box, soft labels."""
    from cycler import cycler

    ax.set_prop_cycle(cycler(color=CYCLE))
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LIGHT["line"])
    ax.tick_params(colors=LIGHT["soft"], labelsize=8)
    ax.xaxis.label.set(color=LIGHT["soft"], fontsize=9)
    ax.yaxis.label.set(color=LIGHT["soft"], fontsize=9)
    if grid:
        ax.grid(True, color="#e6eaee", linewidth=0.8)
        ax.set_axisbelow(True)
