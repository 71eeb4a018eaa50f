"""Views: a tensor that shares memory with its base can be made again from the base."""

from .tape import RECORDING, state


class View:
    """``base`` and the steps ``(primitive, settings, output number)`` that lead from it to a view.

    ``stamp`` is the version at which the view's node was right; ``cut`` names the mode that kept the
    view off the tape when it was made.
    """

    __slots__ = ("base", "cut", "stamp", "steps")

    def __init__(self, base, steps, stamp, cut):
        self.base = base
        self.steps = steps
        self.stamp = stamp
        self.cut = cut

    @property
    def many(self):
        """Whether a function that returns several views made this one."""
        return any(slot is not None for _, _, slot in self.steps)


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


def _attach_view(t, source, op, settings, slot=None):
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
    if view.stamp < t._cell[0] and view.base._node is not None:
        if state.mode & RECORDING:
            if view.cut:
                raise RuntimeError(_CUT.format(view.cut, _ELSEWHERE))
            if view.many:
                raise RuntimeError(_MANY.format(t._node.name() if t._node else "a function", _ELSEWHERE))
        if view.cut or view.many:
            return
        view.stamp = t._cell[0]
        mode, state.mode = state.mode, RECORDING
        try:
            _move(t, replay(view.steps, view.base)._node)
        finally:
            state.mode = mode


_ELSEWHERE = "its base or another view of its base has been"

_MANY = (
    "Output 0 of {} is a view and {} modified inplace. This view is the output of a function that returns multiple views. "
    "Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an "
    "out-of-place one."
)

_CUT = (
    "A view was created in {} and {} modified inplace with grad mode enabled. Given that this use case is ambiguous and "
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
