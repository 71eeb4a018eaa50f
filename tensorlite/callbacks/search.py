"""LRFinder: a learning rate from a short trial (L. Smith, https://arxiv.org/abs/1506.01186)."""

import copy
import functools
import math
import warnings

import numpy as np

from ..checkpoint.streams import generators_of, random_state, set_random_state
from .base import Callback
from .rates import rule

__all__ = ["Finding", "LRFinder"]


class Finding:
    """What a trial found; unpacks to ``(value, figure)``.

    Attributes
    ----------
    value : float
        The suggested rate: the middle of the longest way down of the smoothed loss, which may have bumps.
    rates, losses : ndarray
        Rates tried, and the smoothed loss after each.
    """

    def __init__(self, rates, losses):
        self.rates, self.losses = np.array(rates), np.array(losses)
        self.value = float(self.rates[_valley(losses)])

    @functools.cached_property
    def figure(self):
        """Loss over rate, with the suggestion marked (needs matplotlib)."""
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise ImportError('the figure needs matplotlib: pip install "tensorlite[viz]"') from None
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(self.rates, self.losses)
        axes.axvline(self.value, linestyle="--", color="0.4", label=f"suggested: {self.value:.2g}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss (smoothed)")
        axes.legend()
        return figure

    def __iter__(self):
        return iter((self.value, self.figure))

    def __repr__(self):
        return (
            f"Finding(value={self.value:.3g}, {len(self.rates)} rates from {self.rates[0]:.3g} to {self.rates[-1]:.3g})"
        )


def _valley(losses):
    """The middle of the longest falling subsequence (fastai's "valley" rule)."""
    length, before = [1] * len(losses), [None] * len(losses)
    for i, loss in enumerate(losses):
        for j in range(i):
            if loss < losses[j] and length[j] >= length[i]:
                length[i], before[i] = length[j] + 1, j
    at = length.index(max(length))
    way = []
    while at is not None:
        way.append(at)
        at = before[at]
    return way[len(way) // 2]


class LRFinder:
    """Try growing learning rates, step by step, on a copy of a model.

    The model, its optimizer, its history and all random streams stay as they were.

    Parameters
    ----------
    low, high : float, default 1e-6, 10.0
        The first and the last rate.
    steps : int, default 100
    smoothing : float, default 0.9
        Of the moving average of the loss.
    diverged : float, default 4.0
        The trial ends where the loss exceeds the lowest one by this factor.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import LRFinder
    >>> _ = tl.manual_seed(0)
    >>> x = tl.randn(256, 4); y = (x[:, 0] > 0).long()
    >>> model = nn.model.Model('basic', [4, 16, 2])
    >>> found = LRFinder().find(model, x, y)
    >>> 1e-4 < found.value < 1.0
    True
    """

    def __init__(self, low=1e-6, high=10.0, steps=100, smoothing=0.9, diverged=4.0):
        if not 0 < low < high:
            raise ValueError(f"need 0 < low < high, but low is {low} and high is {high}")
        if not isinstance(steps, int) or steps < 3:
            raise ValueError(f"steps must be an integer of at least 3, but is {steps!r}")
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must lie in [0, 1), but is {smoothing}")
        self.rates = np.geomspace(low, high, steps).tolist()
        self.smoothing, self.diverged = smoothing, diverged

    def find(self, model, x, y=None, batch_size=32, **options):
        """Run the trial.

        Parameters
        ----------
        model : Model
            With a loss and an optimizer.
        x, y, batch_size, **options
            As for ``model.fit``.

        Returns
        -------
        Finding
            ``value, figure = finder.find(...)``

        Raises
        ------
        ValueError
            If the loss was not finite from the start.
        """
        if hasattr(x, "__next__"):
            raise TypeError("a generator would be used up by the trial; give the function that makes it")
        generators = generators_of(x)
        state = random_state(generators)
        try:
            trial = copy.deepcopy(model)
            trial._history = None
            trial.log = type(trial.log)()
            if hasattr(trial.optimizer, "decay"):
                trial.optimizer.decay = 0.0
            sweep = _Sweep(self)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "training stopped", RuntimeWarning)
                trial.fit(x, y, batch_size=batch_size, epochs=len(self.rates), verbose=0, nan="stop", callbacks=[sweep],
                          **options)  # fmt: skip
        finally:
            set_random_state(state, generators)
        if len(sweep.losses) < 3:
            raise ValueError("the loss was not finite from the start; scale the inputs or choose a smaller low=")
        return Finding(self.rates[: len(sweep.losses)], sweep.losses)


class _Sweep(Callback):
    """Sets the next rate before each update, and watches the loss."""

    def __init__(self, finder):
        self.finder = finder
        self.mean, self.losses = 0.0, []

    def on_step_end(self, run):
        self._take(run, run.record["data_loss"] + run.record["regularization_loss"])

    def before_step(self, run):
        done = len(self.losses)
        for group in rule(run.model.optimizer).param_groups:
            group["lr"] = self.finder.rates[done]

    def _take(self, run, loss):
        if not run.updated:
            return
        beta = self.finder.smoothing
        self.mean = beta * self.mean + (1 - beta) * loss
        smooth = self.mean / (1 - beta ** (len(self.losses) + 1))
        if not math.isfinite(smooth) or (self.losses and smooth > self.finder.diverged * min(self.losses)):
            run.stop = "the loss has diverged"
            return
        self.losses.append(smooth)
        if len(self.losses) == len(self.finder.rates):
            run.stop = "all rates were tried"
