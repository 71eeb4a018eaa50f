"""Plots of functions and predictions: decision boundaries, optimizer paths, confusion, attention."""

import numpy as np

from ..engine import unwrap
from ._matplotlib import CYCLE, TITLE, new_figure

__all__ = ["attention", "confusion", "contour", "decision_boundary"]


def _array(x):
    return np.asarray(unwrap(x.detach()) if hasattr(x, "detach") else unwrap(x))


def confusion(target, prediction, classes=None, normalize=False, size=None):
    """The confusion matrix: rows are true classes, columns predicted ones.

    Parameters
    ----------
    target : Tensor or array of int, (n,)
    prediction : Tensor or array
        Classes ``(n,)``, or scores ``(n, classes)`` of which the largest counts.
    classes : sequence of str, optional
        Their names.
    normalize : bool, default False
        Shares of each true class instead of counts.
    size : (float, float), optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the numbers of targets and predictions differ.

    Examples
    --------
    >>> from tensorlite import viz
    >>> viz.confusion([0, 1, 1], [0, 1, 0]).axes[0].get_xlabel()
    'predicted'
    """
    t, p = _array(target).astype(int).reshape(-1), _array(prediction)
    p = p.argmax(axis=1) if p.ndim == 2 else p.astype(int).reshape(-1)
    if len(t) != len(p) or not len(t):
        raise ValueError(f"confusion(): {len(t)} targets and {len(p)} predictions")
    n = max(int(max(t.max(), p.max())) + 1, len(classes or ()))
    table = np.zeros((n, n), dtype=int)
    np.add.at(table, (t, p), 1)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    side = max(2.8, 0.42 * n + 1.2)
    figure, axes = new_figure(1, 1, size or (side, side))
    ax = axes[0, 0]
    ax.grid(False)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i in range(n):
        for j in range(n):
            if table[i, j]:
                text = f"{shares[i, j]:.0%}" if normalize else f"{table[i, j]:,}"
                ax.text(
                    j,
                    i,
                    text,
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color="white" if shares[i, j] > 0.55 else "#1f2933",
                )
    names = list(classes) if classes is not None else [str(i) for i in range(n)]
    ax.set_xticks(
        range(n), names, rotation=45 if classes is not None else 0, ha="right" if classes is not None else "center"
    )
    ax.set_yticks(range(n), names)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    ax.set_title(f"{np.trace(table) / len(t):.1%} correct", loc="left", **TITLE)
    return figure


def decision_boundary(model, X, y, steps=200, size=(4.2, 3.8)):
    """The classes that a model gives to the points of the plane, behind the data.

    Parameters
    ----------
    model : Module or callable
        From a tensor ``(n, 2)`` to scores ``(n, classes)``, or ``(n,)`` / ``(n, 1)`` for two classes: a probability where
        all outputs lie in [0, 1], else a logit.
    X : Tensor or array, (n, 2)
    y : Tensor or array, (n,)
        Classes.
    steps : int, default 200
        Points of the grid along each axis.
    size : (float, float)

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If ``X`` has not two columns.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite import nn, viz
    >>> figure = viz.decision_boundary(nn.Linear(2, 2), np.eye(2), [0, 1], steps=10)
    """
    from matplotlib.colors import ListedColormap

    from .. import dtypes
    from ..autograd.grad_mode import no_grad
    from ..creation import as_tensor

    X, y = _array(X), _array(y).reshape(-1).astype(int)
    if X.ndim != 2 or X.shape[1] != 2:
        raise ValueError(f"decision_boundary() needs points in the plane, (n, 2), not {list(X.shape)}")
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.12 * np.maximum(high - low, 1e-6)
    xs, ys = (np.linspace(low[i] - margin[i], high[i] + margin[i], steps) for i in (0, 1))
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(dtypes.get_default_dtype().numpy)
    training = getattr(model, "training", False)
    if training:
        model.eval()
    try:
        with no_grad():
            out = _array(model(as_tensor(points)))
    finally:
        if training:
            model.train()
    if out.ndim == 2 and out.shape[1] > 1:
        classes = out.argmax(axis=1)
        e = np.exp(out - out.max(axis=1, keepdims=True))
        sure = (
            out if out.min() >= 0 and np.allclose(out.sum(axis=1), 1, atol=1e-3) else e / e.sum(axis=1, keepdims=True)
        ).max(axis=1)
    else:
        p = out.reshape(-1)
        p = p if p.min() >= 0 and p.max() <= 1 else 1 / (1 + np.exp(-p))
        classes, sure = (p > 0.5).astype(int), np.maximum(p, 1 - p)
    n = int(max(classes.max(), y.max())) + 1
    colours = [CYCLE[i % len(CYCLE)] for i in range(n)]
    figure, axes = new_figure(1, 1, size)
    ax = axes[0, 0]
    ax.grid(False)
    extent = (xs[0], xs[-1], ys[0], ys[-1])
    grid = classes.reshape(steps, steps)
    shade = 0.12 + 0.3 * (sure.reshape(steps, steps) - 1 / max(n, 2)) / (1 - 1 / max(n, 2))
    ax.imshow(grid, extent=extent, origin="lower", aspect="auto", cmap=ListedColormap(colours), vmin=-0.5, vmax=n - 0.5,
              alpha=np.clip(shade, 0, 1), interpolation="nearest")  # fmt: skip
    for k in range(n - 1):
        ax.contour(xs, ys, (grid > k).astype(float), levels=[0.5], colors="#52606d", linewidths=0.8)
    for k in range(n):
        ax.scatter(*X[y == k].T, s=16, color=colours[k], edgecolor="white", linewidth=0.6, label=str(k), zorder=3)
    right = None
    with no_grad():
        if len(X):
            own = _array(model(as_tensor(X.astype(points.dtype))))
            own = (
                own.argmax(axis=1)
                if own.ndim == 2 and own.shape[1] > 1
                else (own.reshape(-1) > (0.5 if 0 <= out.min() and out.max() <= 1 else 0))
            )
            right = float((own.astype(int) == y).mean())
    ax.set_title(f"{right:.1%} of the points on their side", loc="left", **TITLE)
    ax.legend(frameon=True, framealpha=0.8, edgecolor="none", fontsize=8, title="class", title_fontsize=8)
    return figure


def contour(f, paths=None, xlim=(-2.0, 2.0), ylim=(-2.0, 2.0), steps=160, levels=24, log=True, size=(5.2, 4.0)):
    """A function of two variables as contours, with the paths that optimizers took.

    Parameters
    ----------
    f : callable
        ``f(x, y)`` of two tensors of the same shape.
    paths : dict of str -> sequence of (x, y), or one sequence, optional
    xlim, ylim : (float, float), default (-2, 2)
    steps, levels : int
    log : bool, default True
        Space the levels by the logarithm of the height above the lowest point.
    size : (float, float)

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from tensorlite import viz
    >>> figure = viz.contour(lambda x, y: x * x + y * y, {"SGD": [(1, 1), (0.5, 0.4)]}, steps=20)
    """
    from ..autograd.grad_mode import no_grad
    from ..creation import as_tensor

    xs, ys = np.linspace(*xlim, steps), np.linspace(*ylim, steps)
    gx, gy = np.meshgrid(xs, ys)
    with no_grad():
        z = _array(f(as_tensor(gx), as_tensor(gy))).astype(np.float64)
    if z.shape != gx.shape:
        raise ValueError(f"contour(): f(x, y) must keep the shape {list(gx.shape)}, but gave {list(z.shape)}")
    shown = np.log10(z - z.min() + 1e-3 * max(np.ptp(z), 1e-12)) if log else z
    figure, axes = new_figure(1, 1, size)
    ax = axes[0, 0]
    ax.grid(False)
    ax.contourf(xs, ys, shown, levels=levels, cmap="Greys", alpha=0.55)
    ax.contour(xs, ys, shown, levels=levels, colors="white", linewidths=0.5)
    if paths is not None:
        named = paths if isinstance(paths, dict) else {"": paths}
        for i, (name, path) in enumerate(named.items()):
            p = np.asarray([[float(a) for a in point] for point in path], dtype=np.float64)
            colour = CYCLE[i % len(CYCLE)]
            ax.plot(*p.T, color=colour, linewidth=1.6, marker=".", markersize=3.5, label=name or None)
            ax.scatter(*p[-1], color=colour, s=42, edgecolor="white", zorder=4)
        if any(named):
            ax.legend(frameon=True, framealpha=0.85, edgecolor="none", fontsize=8)
        ax.set_xlim(xlim)
        ax.set_ylim(ylim)
    low = np.unravel_index(np.argmin(z), z.shape)
    ax.scatter(xs[low[1]], ys[low[0]], marker="*", s=90, color="#1f2933", edgecolor="white", zorder=5)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    return figure


def attention(weights, queries=None, keys=None, columns=4, size=None):
    """Attention weights as heat maps, one per head: rows attend to columns.

    Parameters
    ----------
    weights : Tensor or array
        ``(queries, keys)`` or ``(heads, queries, keys)``; a batch in front must have one element.
    queries, keys : sequence of str, optional
        Tokens; ``keys`` is ``queries`` where it is left out.
    columns : int, default 4
    size : (float, float), optional
        Of one map, in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For other shapes, and for labels of another length.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite import viz
    >>> [ax.get_title("left") for ax in viz.attention(np.full((2, 3, 3), 1 / 3)).axes]
    ['head 0', 'head 1']
    """
    a = _array(weights)
    while a.ndim > 3 and a.shape[0] == 1:
        a = a[0]
    a = a[None] if a.ndim == 2 else a
    if a.ndim != 3:
        raise ValueError(f"attention() takes (queries, keys) or (heads, queries, keys), not {list(a.shape)}")
    keys = queries if keys is None and a.shape[1] == a.shape[2] else keys
    for labels, n, what in ((queries, a.shape[1], "queries"), (keys, a.shape[2], "keys")):
        if labels is not None and len(labels) != n:
            raise ValueError(f"attention(): {len(labels)} labels for {n} {what}")
    columns = min(len(a), columns)
    side = max(1.9, 0.2 * max(a.shape[1:]) + 0.7)
    figure, axes = new_figure(-(-len(a) // columns), columns, size or (side, side))
    for i, ax in enumerate(axes.flat):
        if i >= len(a):
            ax.remove()
            continue
        ax.grid(False)
        ax.imshow(a[i], cmap="Blues", vmin=0, vmax=max(float(a.max()), 1e-12), interpolation="nearest")
        if len(a) > 1:
            ax.set_title(f"head {i}", loc="left", **{**TITLE, "fontsize": 8.5})
        if keys is not None:
            ax.set_xticks(range(len(keys)), keys, rotation=60, ha="right", fontsize=7)
        if queries is not None:
            ax.set_yticks(range(len(queries)), queries, fontsize=7)
    return figure
