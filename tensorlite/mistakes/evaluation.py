"""Dropout and batch normalisation in training mode while a model is being evaluated.

Off the tape, a layer in training mode notes its call. When then a loss, or predictions compared with labels, are computed off
the tape too, and each such layer ran exactly once since the last time, this was an evaluation. Monte-Carlo dropout and
the re-estimation of batch statistics run their layers several times, or once on a batch repeated several times; sampling (the fixed noise of a GAN) compares nothing; a
model in evaluation mode whose dropout was switched on by hand is meant.
"""

import sys
import weakref

import numpy as np

from ..engine.trail import trail
from . import warn

__all__ = ["compared", "decided", "guessed", "noted"]


def _modules(frame):
    """The modules whose ``forward`` is running, innermost first, with the frame of each."""
    while frame is not None:
        if frame.f_code.co_name == "forward":
            owner = frame.f_locals.get(frame.f_code.co_varnames[0]) if frame.f_code.co_argcount else None
            if hasattr(owner, "_modules"):
                yield owner, frame
        frame = frame.f_back


def noted(what, input):
    """A layer of kind ``what`` ran in training mode off the tape on ``input``; called by the functional."""
    running = list(_modules(sys._getframe(2)))
    if running and not running[-1][0].training:
        return  # switched on by hand
    key = tuple([(id(m), f.f_lasti) for m, f in running]) or id(sys._getframe(2).f_code)
    noise = trail.noise
    name = type(running[0][0]).__name__ if running else what
    outer = running[-1][0] if len(running) > 1 else None
    path = _path(outer, running[0][0]) if outer is not None else ""
    layer = weakref.ref(running[0][0]) if running else None
    noise[key] = noise[key][0] + 1 if key in noise else 1, _rows(input), name, path, layer


def _rows(x):
    shape = np.shape(x)
    return shape[0] if shape else 1


def _path(outer, inner):
    path = next((n for n, m in outer.named_modules() if m is inner), "")
    return f" ({type(outer).__name__}.{path})" if path else f" (in {type(outer).__name__})"


def decided(what, judged):
    """``judged`` is being judged off the tape (``what``: by a loss, an accuracy): was it made in training mode?"""
    noise = list(trail.noise.values())
    trail.noise.clear()
    if noise and max(count for count, *_ in noise) == 1:
        rows, judged = min(rows for _, rows, *_ in noise), _rows(judged)
        if judged and rows > judged and rows % judged == 0:
            return  # several samples for each
        _, _, name, path, layer = noise[0]
        layer = layer and layer()
        if layer is not None and not layer.training:
            return  # the evaluation came after eval(): that run was for the statistics
        effect = "drops values at random" if "ropout" in name else "uses and changes the statistics of the batch"
        warn(
            "TL006",
            f"{what} was computed under no_grad() from a model in training mode, where {name}{path} {effect}.",
            "Call model.eval() before the evaluation, and model.train() after it.",
        )


def guessed(result):
    """Mark class decisions made off the tape by a model in training mode."""
    if trail.noise:
        result.__dict__["_guess"] = True
    return result


def compared(a, b):
    """Predictions are compared with labels."""
    if trail.noise and ("_guess" in a.__dict__ or "_guess" in getattr(b, "__dict__", ())):
        decided("An accuracy", a)
