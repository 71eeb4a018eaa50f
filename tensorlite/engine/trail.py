"""What happened lately in this thread, for messages: backward passes, and places where values left the tape.

A few tuples in short queues: nothing here holds a tensor or a graph.
"""

import os
import sys
import threading
import weakref
from collections import deque
from time import monotonic

from .. import mistakes
from .node import Leaf
from .tape import clock

__all__ = ["begin", "cut", "first_pass", "left", "spot", "trail", "why_cut"]

_INSIDE = __name__.partition(".")[0] + "."
_LENGTH = len(_INSIDE)
_FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")

#: Growth: so many graphs of past losses are alive, from as many optimizer steps; or so many without counting steps.
HELD, MANY = 4, 20
#: So many backward passes of a loop are remembered with their lines; what is sound by then stays so, and costs nothing
#: more, until a pause of so many seconds or a new optimizer.
LOSSES, PAUSE = 128, 1.0


class _Trail(threading.local):
    def __init__(self):
        self.passes = deque(maxlen=32)  # (weak reference to the root, time, code, instruction, step) of passes
        self.cuts = deque(maxlen=8)  # (what, code, instruction, time) where a value left the tape
        self.lengths, self.budget = {}, 64  # of kept graphs by line; how many passes are looked at
        self.steps = 0  # of all optimizers
        self.losses = LOSSES  # how many more are followed
        self.latest = 0.0, 0  # when the last pass began: seconds, and the tape's time
        self.noise = {}  # layers in training mode off the tape: (layer, line) -> how often; see mistakes.evaluation


trail = _Trail()


def spot(depth=2):
    """Code object and instruction of the innermost caller outside this package, ``depth`` frames up at least."""
    frame = sys._getframe(depth)
    while frame is not None and frame.f_globals.get("__name__", "")[:_LENGTH] == _INSIDE:
        frame = frame.f_back
    return (None, 0) if frame is None else (frame.f_code, frame.f_lasti)


def place(code, instruction):
    """``file:line``."""
    if code is None:
        return "an unknown place"
    line = next((n for start, end, n in code.co_lines() if start <= instruction < end), code.co_firstlineno)
    return f"{code.co_filename}:{line}"


# -- values that leave the tape ----------------------------------------------------------------------


def cut(what):
    """Note that a value that was on the tape left it: by ``what``, at the user's line."""
    code, at = spot()
    cuts = trail.cuts
    if cuts and cuts[-1][0] == what and cuts[-1][1] is code and cuts[-1][2] == at:
        cuts.pop()
    cuts.append((what, code, at, clock()))


def left():
    """``what (file:line)`` for the places where values left the tape since the last backward pass, latest first."""
    since = trail.latest[1]
    found = [f"{what} at {place(code, at)}" for what, code, at, time in reversed(trail.cuts) if time > since]
    return list(dict.fromkeys(found))


def why_cut(out, recording):
    """Why a tensor has no graph, as the end of an error message."""
    ways = left()
    if not recording:
        reason = "gradients are switched off here, by no_grad() or set_grad_enabled(False)."
        remedy = "Compute the loss and call backward() outside of it."
    elif own := out.__dict__.get("_cut"):
        at = next((w for w in ways if w.startswith(own)), own)
        reason = f"it was cut from the graph by {at}."
        remedy = "Call backward() on the value before that."
    elif ways:
        reason = f"what it was computed from left the graph by {'; or by '.join(ways)}."
        remedy = "Compute the loss from the model's output itself, with differentiable operations."
    else:
        reason = "nothing that it was computed from requires grad."
        remedy = "Are all parameters frozen, or was requires_grad=True forgotten?"
    shape = list(out._data.shape)
    return ". " + mistakes.explained(f"This value of shape {shape} has no graph: {reason}", "TL010", remedy)


# -- backward passes -----------------------------------------------------------------------------------


def begin(root, accumulates, depth):
    """Note that a backward pass starts at ``root``, called from ``depth`` frames up.

    It runs in every step, so a loop in full swing is left alone, and only one frame is looked at where that is the user's.
    """
    seconds, now = monotonic(), clock()
    if seconds - trail.latest[0] > PAUSE:
        trail.losses = LOSSES
    elif not trail.losses:
        trail.latest = seconds, now
        return
    trail.losses -= 1
    frame = sys._getframe(depth)
    code, at = frame.f_code, frame.f_lasti
    if code.co_filename.startswith(_FOLDER):
        code, at = spot(depth)
    passes = trail.passes
    if not accumulates:
        pass
    elif root.__class__ is Leaf:
        _cure(root)
    elif passes and (last := passes[-1][0]()) is not None and last is not root:
        _held(root, code, at)
    trail.latest = seconds, now
    passes.append((weakref.ref(root), now, code, at, trail.steps))


def _cure(leaf):
    """A loss that was cut and then told to require grad has no way back to the parameters."""
    tensor = leaf.tensor()
    ways = left()
    if tensor is not None and ways and tensor._data.size == 1 and type(tensor).__name__ != "Parameter":
        mistakes.warn(
            "TL011",
            f"backward() of a tensor of shape {list(tensor._data.shape)} that is a leaf reaches nothing but itself: "
            f"requires_grad=True does not bring back the graph that was lost by {'; or by '.join(ways)}.",
            "Compute the loss without leaving the tape, and drop requires_grad=True.",
        )


def _held(root, code, at):
    """Warn if the graphs of the last losses of this line are all alive, each made after the one before was done."""
    count, newer, steps = 1, root.seq, {trail.steps}
    for ref, time, c, n, step in reversed(trail.passes):
        if c is not code or n != at:
            continue
        old = ref()
        if old is None or old is root or newer <= time:
            return
        count, newer = count + 1, old.seq
        steps.add(step)
        if len(steps) == HELD or count == MANY:
            mistakes.warn(
                "TL008",
                f"The graphs of the last {count} losses on which backward() was called are all still in memory: the losses "
                "are held as tensors, in a running sum (total += loss) or a list (losses.append(loss)).",
                "Hold numbers instead: total += loss.item().",
            )
            trail.passes.clear()
            return


def grows(root):
    """Warn if graphs that are kept (``retain_graph=True``) get longer with each pass from this line, by old parts."""
    from .gradient import order

    if trail.budget <= 0 or not trail.losses:
        return
    trail.budget -= 1
    nodes = order([root])[0]
    _, now, code, at, _ = trail.passes[-1]
    rows = trail.lengths.setdefault((id(code), at), [])
    if rows and (len(nodes) <= rows[-1][0] or root.seq < rows[-1][1]):
        rows.clear()
    rows.append((len(nodes), now))
    oldest = min((n.seq for n in nodes if n.__class__ is not Leaf), default=now)
    if len(rows) == 6 and oldest < rows[0][1]:
        mistakes.warn(
            "TL008",
            f"The graph under backward(retain_graph=True) grows with every step: {', '.join(str(n) for n, _ in rows)} "
            "operations. It reaches back through the steps before, by a value that is carried from one to the next.",
            "Detach that value between the steps (h = h.detach()) and drop retain_graph=True.",
        )
        trail.budget = 0


def first_pass(node):
    """``file:line`` of the backward pass that freed what ``node`` kept; None if it was long ago."""
    from .gradient import order

    for ref, time, code, at, _ in list(trail.passes):
        if node.seq < time < trail.latest[1]:  # the latest is the one that has just failed
            root = ref()
            if root is None or node in order([root])[0]:
                return place(code, at)
    return None
