"""Plots of a training run: losses, accuracies, learning rate."""

from ._matplotlib import CYCLE, TITLE, new_figure

__all__ = ["history"]


def history(history, size=(4.4, 3.0)):
    """Plot what a training run left behind: one panel each for losses, accuracies, learning rate and other values.

    Parameters
    ----------
    history : History, Model, or dict of str -> sequence of float
        ``val_`` values are drawn beside the training values of the same name.
    size : (float, float), default (4.4, 3.0)
        Of one panel, in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is nothing to plot.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> from tensorlite import viz
    >>> figure = viz.history({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]})
    >>> [ax.get_title("left") for ax in figure.axes]
    ['loss']
    """
    inner = getattr(history, "history", history)
    data = getattr(inner, "history", inner)
    epochs = list(getattr(history, "epoch", ()) or getattr(inner, "epoch", ()))
    if not isinstance(data, dict):
        raise TypeError(f"history() takes a History, a Model or a dict of lists, not {type(history).__name__}")
    panels = {}
    for name, values in data.items():
        if not any(isinstance(v, (int, float)) for v in values):
            continue
        if (name == "regularization_loss" and not any(values)) or (name == "data_loss" and values == data.get("loss")):
            continue
        bare = name.removeprefix("val_")
        kind = ("learning rate" if bare in ("lr", "learning_rate") else "loss" if bare.endswith("loss")
                else "accuracy" if "acc" in bare else bare)  # fmt: skip
        panels.setdefault(kind, []).append((name, values))
    if not panels:
        raise ValueError("history(): there is nothing to plot: no epoch has been recorded")
    rank = {"loss": 0, "accuracy": 1, "learning rate": 3}
    order = sorted(panels, key=lambda k: rank.get(k, 2))
    columns = min(len(order), 3)
    figure, axes = new_figure(-(-len(order) // columns), columns, size)
    for ax, kind in zip(axes.flat, order):
        bases = list(dict.fromkeys(name.removeprefix("val_") for name, _ in panels[kind]))
        for name, values in panels[kind]:
            x = epochs if len(epochs) == len(values) else range(len(values))
            points = [(i + 1, v) for i, v in zip(x, values) if isinstance(v, (int, float))]
            colour = CYCLE[bases.index(name.removeprefix("val_")) % len(CYCLE)]
            held_out = name.startswith("val_")
            label = name.replace("_", " ").replace("val ", "validation ")
            if not held_out and f"val_{name}" in data:
                label = f"training {label}"
            ax.plot(*zip(*points), color=CYCLE[1] if held_out and len(bases) == 1 else colour, label=label, linewidth=1.8,
                    linestyle="--" if held_out and len(bases) > 1 else "-", marker="o" if len(points) < 3 else None)  # fmt: skip
        ax.set_title(kind, loc="left", **TITLE)
        ax.set_xlabel("epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
        numbers = [v for _, values in panels[kind] for v in values if isinstance(v, (int, float)) and v == v]
        if kind == "loss" and numbers and min(numbers) > 0 and max(numbers) > 50 * min(numbers):
            ax.set_yscale("log")
        if len(panels[kind]) > 1:
            ax.legend(frameon=False, fontsize=8, labelcolor="#66727f")
    for ax in axes.flat[len(order) :]:
        ax.remove()
    return figure
