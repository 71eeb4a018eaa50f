"""Views: a tensor that shares memory with its base can be made again from the base."""

import re

from .tape import RECORDING, state


class View:
    """``base`` and the steps ``(primitive, settings, output number)`` that lead from it to a view.

    ``stamp`` is the version at which the view's node was right; ``cut`` names the mode that kept the
    view off the tape when it was made, or the kind of custom function that made it.
    """

    __slots__ = ("base", "cut", "stamp", "steps")

    def __init__(self, base, steps, stamp, cut):
        self.base = base
        self.steps = steps
        self.stamp = stamp
        self.cut = cut

    @property
    def fixed(self):
        """Whether the view cannot be made again: see ``cut``, or a function returned several views."""
        return self.cut or any(slot is not None for _, _, slot in self.steps)


def replay(steps, x):
    """Make a view of ``x`` in the way that ``steps`` of a :class:`View` say."""
    for step, settings, slot in steps:
        x = step(x, **settings)
        if slot is not None:
            x = x[slot]
    return x


def _owner(a):
    """The object whose memory ``a`` shows in the end (stride tricks put a holder in between)."""
    while (base := getattr(a, "base", None)) is not None:
        a = base
    return a


def attach_view(t, source, op, settings, slot=None):
    """Note that ``t`` is a view of ``source`` if it shares its memory."""
    a, s = t._data, source._data
    if (
        a is not s
        and a.base is not (s if s.base is None else s.base)
        and (a.base is None or _owner(a) is not _owner(s))
    ):
        return
    t._cell = source._cell
    step = ((op, settings, slot),)
    view = source._view
    stamp = t._cell[0]
    cut = None if state.mode & RECORDING else "inference_mode" if state.inference else "no_grad mode"
    if view is None:
        t._view = View(source, step, stamp, cut)
    else:
        t._view = View(view.base, view.steps + step, stamp, cut or view.cut)


def renew(t):
    """Give a view its present place on the tape if its base has been changed since."""
    view = t._view
    if view.base._view is not None:  # the base has become a view itself: see Tensor.t_
        view.base = view.base._view.base
    if view.stamp < t._cell[0] and view.base._node is not None:
        if view.fixed:
            if state.mode & RECORDING:
                raise RuntimeError(refusal(t, " and its base or another view of its base has been"))
            return
        view.stamp = t._cell[0]
        mode, state.mode = state.mode, RECORDING
        try:
            _move(t, replay(view.steps, view.base)._node)
        finally:
            state.mode = mode


#: What ``View.cut`` is for results of a custom function that returns one view, or several.
FUNCTION, FUNCTIONS = "a custom Function", "a custom Function that returns several"


def refusal(t, what):
    """Why the view ``t`` cannot follow an in-place update; ``what`` says which one."""
    view = t._view
    if view.cut and view.cut not in (FUNCTION, FUNCTIONS):
        return _CUT.format(view.cut, what)
    slot = getattr(t._node, "slot", 0)
    name = re.sub(r"Backward\d*$", "", t._node.name()) if t._node else "a function"
    return f"Output {slot} of {name} is a view{what} modified inplace. " + (_OWN if view.cut == FUNCTION else _MANY)


_MANY = (
    "This view is the output of a function that returns multiple views. Such functions do not allow the output views to be "
    "modified inplace. You should replace the inplace operation by an out-of-place one."
)

_OWN = (
    "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to "
    "handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect "
    "gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
)

_CUT = (
    "A view was created in {}{} modified inplace with grad mode enabled. Given that this use case is ambiguous and "
    "error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside "
    "the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be "
    "tracked)."
)


def _move(t, node):
    """``t`` now comes from ``node``; its ``retain_grad`` goes with it."""
    t._node = node
    if "_retain" in t.__dict__:
        t.__dict__.pop("_retain").remove()
        t.retain_grad()
