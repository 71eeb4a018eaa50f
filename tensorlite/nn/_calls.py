"""Wrong arguments, explained: what a call takes, and which name was perhaps meant."""

import difflib
import functools
import inspect

__all__ = ["explained"]


def explained(fn):
    """``fn``, whose complaint about its arguments says which ones it takes.

    Examples
    --------
    >>> from tensorlite import nn
    >>> nn.layer.Dropout(probability=0.5)
    Traceback (most recent call last):
    TypeError: Dropout() got an unexpected keyword argument 'probability'. It takes rate=0.5, inplace=False.
    """

    @functools.wraps(fn)
    def call(*args, **kwargs):
        try:
            return fn(*args, **kwargs)
        except TypeError:
            complaint = _complaint(fn, args, kwargs)
            if complaint is None:  # the arguments were right: something inside has failed
                raise
        raise TypeError(complaint)

    return call


def _complaint(fn, args, kwargs):
    signature = inspect.signature(fn)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        *_, owner, name = fn.__qualname__.split(".")
        name = owner if name == "__init__" else name
        takes = list(signature.parameters.values())[1:]
        names = [p.name for p in takes]
        close = [m for k in kwargs if k not in names for m in difflib.get_close_matches(k, names, 1)]
        guess = f"; did you mean {close[0]!r}?" if close else "."
        words = ", ".join(str(p.replace(annotation=p.empty)) for p in takes)
        return f"{name}() {error}{guess} It takes {words}."
    return None
