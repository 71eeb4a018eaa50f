"""Plots that answer "why does it not train?": distributions of weights, activations and gradients, layer by layer."""

import numpy as np

from ..engine import TensorBase, unwrap
from ._matplotlib import CYCLE, TITLE, new_figure

__all__ = ["activations", "filters", "gradients", "weights"]


def _grid(count, columns):
    columns = min(count, columns)
    return -(-count // columns), columns


def _histogram(ax, array, title, colour, note=""):
    """One distribution with what matters about it: spread, share of zeros, numbers that are not finite."""
    a = np.asarray(array).reshape(-1)
    fine = a[np.isfinite(a)] if a.dtype.kind == "f" else a
    ax.set_title(title, loc="left", **{**TITLE, "fontsize": 8.5})
    if fine.size:
        ax.hist(fine.astype(np.float64), bins=40, color=colour, alpha=0.85)
        ax.set_yticks([])
        ax.locator_params(axis="x", nbins=3)  # small panels: few labels, short ones
        ax.ticklabel_format(axis="x", style="sci", scilimits=(-2, 4))
        ax.xaxis.get_offset_text().set(fontsize=7, color="#66727f")
        ax.set_ylim(0, ax.get_ylim()[1] * 1.3)  # room for the facts
        ax.spines["left"].set_visible(False)
        facts = [f"std {fine.std():.2g}"]
        zeros = 1 - np.count_nonzero(fine) / fine.size
        if zeros > 0.005:
            facts.append(f"{zeros:.0%} zeros")
    else:
        facts = ["nothing finite"]
    if fine.size < a.size:
        facts.append(f"{a.size - fine.size:,} not finite")
    if note:
        facts.append(note)
    bad = fine.size < a.size
    ax.text(
        0.98,
        0.95,
        "\n".join(facts),
        transform=ax.transAxes,
        ha="right",
        va="top",
        fontsize=7.5,
        color="#d55e00" if bad else "#66727f",
    )


def _no_rows(what, rows):
    if not rows:
        raise ValueError(f"{what}: there is nothing to plot")
    return rows


def weights(model, columns=4, size=(2.3, 1.7)):
    """A histogram of each parameter.

    Parameters
    ----------
    model : Module, or dict of str -> Tensor
        Such as ``model.state_dict()``.
    columns : int, default 4
    size : (float, float)
        Of one panel, in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from tensorlite import nn, viz
    >>> [ax.get_title("left") for ax in viz.weights(nn.Linear(3, 2)).axes]
    ['weight [2, 3]', 'bias [2]']
    """
    named = model if isinstance(model, dict) else dict(model.named_parameters())
    rows = _no_rows("weights()", [(name, unwrap(p)) for name, p in named.items() if np.size(unwrap(p))])
    figure, axes = new_figure(*_grid(len(rows), columns), size)
    for ax, (name, a) in zip(axes.flat, rows):
        _histogram(ax, a, f"{name} {list(a.shape)}", CYCLE[0] if a.ndim > 1 else CYCLE[5])
    for ax in axes.flat[len(rows) :]:
        ax.remove()
    return figure


def activations(model, input, columns=4, size=(2.3, 1.7)):
    """A histogram of what each layer puts out for ``input``; dead units (never above zero) are counted.

    Parameters
    ----------
    model : Module
    input : Tensor or tuple of arguments
    columns, size
        As for :func:`weights`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn, viz
    >>> net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    >>> [ax.get_title("left") for ax in viz.activations(net, tl.ones(4, 3)).axes]
    ['0 Linear', '1 ReLU']
    """
    from ..autograd.grad_mode import no_grad

    rows, handles = [], []
    for path, module in model.named_modules():
        if next(module.children(), None) is None:

            def seen(m, args, output, path=path):
                if isinstance(output, TensorBase):
                    rows.append((path, m, np.array(output._data)))

            handles.append(module.register_forward_hook(seen))
    try:
        with no_grad():
            model(*(input if isinstance(input, tuple) else (input,)))
    finally:
        for handle in handles:
            handle.remove()
    _no_rows("activations()", rows)
    figure, axes = new_figure(*_grid(len(rows), columns), size)
    for ax, (path, module, a) in zip(axes.flat, rows):
        note = ""
        if type(module).__name__.startswith(("ReLU", "LeakyReLU")) and a.ndim > 1:
            units = a if a.ndim == 2 else np.moveaxis(a, 1, -1).reshape(-1, a.shape[1])
            dead = int((units <= 0).all(axis=0).sum())
            note = f"{dead} of {units.shape[1]} units dead" if dead else ""
        kind = type(module).__name__
        _histogram(ax, a, f"{path} {kind}".strip(), CYCLE[2], note)
    for ax in axes.flat[len(rows) :]:
        ax.remove()
    return figure


def gradients(model, columns=4, size=(2.3, 1.7)):
    """Histograms of each parameter's gradient, or how the norms went over time.

    Parameters
    ----------
    model : Module, or dict of str -> sequence of float
        A module after ``backward()``; or norms that were collected step by step, one line per name.
    columns, size
        As for :func:`weights`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no parameter has a gradient.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn, viz
    >>> net = nn.Linear(3, 2)
    >>> net(tl.ones(1, 3)).sum().backward()
    >>> len(viz.gradients(net).axes)
    3
    """
    if isinstance(model, dict):
        figure, axes = new_figure(1, 1, (5.6, 3.2))
        for i, (name, values) in enumerate(_no_rows("gradients()", list(model.items()))):
            axes[0, 0].plot(
                np.asarray(values, dtype=np.float64), color=CYCLE[i % len(CYCLE)], label=name, linewidth=1.5
            )
        axes[0, 0].set_yscale("log")
        axes[0, 0].set_xlabel("step")
        axes[0, 0].set_title("gradient norm", loc="left", **TITLE)
        axes[0, 0].legend(frameon=False, fontsize=8, labelcolor="#66727f")
        return figure
    rows = [(name, p._grad._data, p._data) for name, p in model.named_parameters() if p._grad is not None]
    if not rows:
        raise ValueError("gradients(): no parameter has a gradient; call loss.backward() first")
    figure, axes = new_figure(*_grid(len(rows) + 1, columns), size)
    for ax, (name, g, _) in zip(axes.flat, rows):
        _histogram(ax, g, name, CYCLE[1], f"norm {np.linalg.norm(g):.2g}")
    ax = axes.flat[len(rows)]
    norms = [max(float(np.linalg.norm(g)), 1e-30) for _, g, _ in rows]
    ax.bar(range(len(rows)), norms, color=CYCLE[1])
    ax.set_yscale("log")
    ax.minorticks_off()
    ax.set_xticks(range(len(rows)), [name for name, _, _ in rows], rotation=60, ha="right", fontsize=6.5)
    ax.set_title("norms, first layer to last", loc="left", **{**TITLE, "fontsize": 8.5})
    for ax in axes.flat[len(rows) + 1 :]:
        ax.remove()
    return figure


def filters(weight, columns=8, size=0.9):
    """The filters of a convolution as small images, in the colours of their sign.

    Parameters
    ----------
    weight : Tensor, array or convolution
        ``(out, in, height, width)``. With three input channels a filter is an RGB image; with one, blue is negative and
        orange positive; with more, its mean over the channels is shown.
    columns : int, default 8
    size : float
        Of one image, in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from tensorlite import nn, viz
    >>> len(viz.filters(nn.Conv2d(1, 4, 3)).axes)
    4
    """
    a = np.asarray(unwrap(getattr(weight, "weight", weight)))
    if a.ndim != 4:
        raise ValueError(f"filters() takes a weight of shape (out, in, height, width), not {list(a.shape)}")
    figure, axes = new_figure(*_grid(len(a), columns), (size, size))
    limit = float(np.abs(a).max()) or 1.0
    for ax, w in zip(axes.flat, a):
        if w.shape[0] == 3:
            ax.imshow(np.clip(np.moveaxis(w, 0, -1) / (2 * limit) + 0.5, 0, 1), interpolation="nearest")
        else:
            ax.imshow(w.mean(axis=0), cmap=diverging(), vmin=-limit, vmax=limit, interpolation="nearest")
    for i, ax in enumerate(axes.flat):
        if i >= len(a):
            ax.remove()
        ax.set_axis_off()
    return figure


def diverging():
    """Blue, white, orange: a signed scale that colour-blind eyes can read."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("tensorlite", ["#0072b2", "#ffffff", "#d55e00"])
