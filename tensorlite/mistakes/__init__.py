"""Classic mistakes, named: each has a code, a sentence of what happened, one of what to do, and a page in the docs.

A check rests on proof: the tape, the modules, the values at hand. Where PyTorch raises an error, so does this library, and
the message ends with the explanation; what is only doubtful is a :class:`MistakeWarning`, once per line of the program.
One line silences a code: ``tensorlite.mistakes.silence("TL003")``, for a block ``with tensorlite.mistakes.silenced("TL003"):``;
a filter of the ``warnings`` module does too, since each message begins with its code.

Nothing here imports the rest of the library: the tape, the modules and the optimizers call in from places that are slow
already (errors, warnings, the first steps of an optimizer).
"""

from __future__ import annotations

import sys
import warnings

__all__ = ["CODES", "MistakeWarning", "explained", "page", "silence", "silenced", "warn"]

#: code -> what the page about it is called
CODES = {
    "TL001": "Gradients of several steps add up",
    "TL002": "(N, 1) against (N,) in a loss",
    "TL003": "Softmax before cross-entropy",
    "TL004": "Probabilities into a loss of scores",
    "TL005": "Scores into a loss of probabilities",
    "TL006": "Evaluation in training mode",
    "TL007": "A layer that parameters() does not know",
    "TL008": "A graph that grows over steps",
    "TL009": "Backward twice",
    "TL010": "A loss that is cut from the graph",
    "TL011": "requires_grad = True on a loss that was cut",
    "TL012": "Labels that are no classes",
    "TL013": "float64 inputs against float32 weights",
    "TL014": "An optimizer whose parameters get no gradient",
    "TL015": "An optimizer without parameters",
    "TL016": "Scheduler before optimizer",
    "TL017": "BatchNorm on a batch of one",
    "TL018": "The gradient of a value that is no leaf",
    "TL019": "A value that the tape needs was changed in place",
    "TL020": "Sorted data without shuffling",
    "TL021": "A shape that a layer does not take",
}

_PACKAGE = __name__.partition(".")[0]
_silent: set[str] = set()
_told: set = set()
_filters: list | None = None


class MistakeWarning(UserWarning):
    """Something that is allowed but probably not meant; the message begins with a code such as ``TL003``."""


def page(code):
    """The page of the documentation about ``code``."""
    return f"docs/mistakes/{code}.md"


def _known(codes):
    for code in codes:
        if code not in CODES:
            raise ValueError(f"unknown code {code!r}; there are {', '.join(CODES)}")
    return set(codes or CODES)


def silence(*codes):
    """Do not warn of these mistakes any more; without arguments, of none.

    Parameters
    ----------
    *codes : str
        Such as ``"TL003"``. Errors stay errors.

    Raises
    ------
    ValueError
        For an unknown code.

    Examples
    --------
    >>> import tensorlite as tl
    >>> with tl.mistakes.silenced("TL002"):  # what is silenced inside a block ends with it
    ...     tl.mistakes.silence("TL003")
    ...     loss = tl.nn.functional.cross_entropy(tl.ones(2, 3, requires_grad=True).softmax(1), tl.tensor([0, 1]))
    """
    _silent.update(_known(codes))


class silenced:
    """``with silenced("TL003"):`` does not warn of these mistakes inside the block; without codes, of none.

    Examples
    --------
    >>> import tensorlite as tl
    >>> with tl.mistakes.silenced("TL002"):
    ...     loss = tl.nn.functional.mse_loss(tl.zeros(3, 1), tl.zeros(3))
    """

    def __init__(self, *codes):
        _known(codes)
        self.codes = codes

    def __enter__(self):
        self._before = set(_silent)
        _silent.update(_known(self.codes))
        return self

    def __exit__(self, *exc):
        _silent.clear()
        _silent.update(self._before)


def explained(message, code, remedy):
    """The message of an error with the code, what to do and the page behind it."""
    return f"{message} [{code}: {remedy} See {page(code)}]"


def caller():
    """The innermost frame outside this package: the line that a user wrote."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    return frame


def warn(code, happened, remedy):
    """A :class:`MistakeWarning` at the user's line, once per line.

    Parameters
    ----------
    code : str
    happened, remedy : str
        One sentence each: what happened, with names and shapes; what to do.

    Returns
    -------
    bool
        Whether it was said: False where the code is silenced or the line has been told.
    """
    global _filters
    if code in _silent:
        return False
    if warnings.filters is not _filters:  # another catch_warnings block (a test, say) wants to hear it again
        _filters = warnings.filters
        _told.clear()
    frame = caller()
    file, line, names = ("<unknown>", 0, {}) if frame is None else (
        frame.f_code.co_filename, frame.f_lineno, frame.f_globals)  # fmt: skip
    if (code, file, line) in _told:
        return False
    _told.add((code, file, line))
    text = f'{code}: {happened} {remedy} (at {file}:{line}; see {page(code)}, or tensorlite.mistakes.silence("{code}"))'
    registry = names.setdefault("__warningregistry__", {})
    warnings.warn_explicit(text, MistakeWarning, file, line, names.get("__name__", "<unknown>"), registry)
    return True
