"""``torch.testing``: comparing results in tests."""

import cmath
from collections.abc import Mapping, Sequence

import numpy as np

from . import dtypes
from .creation import tensor
from .engine import TensorBase

__all__ = ["assert_allclose", "assert_close"]

#: Relative and absolute tolerance by NumPy type character; others are compared exactly.
_TOLERANCES = {"e": (1e-3, 1e-5), "f": (1.3e-6, 1e-5), "d": (1e-7, 1e-7), "F": (1.3e-6, 1e-5), "D": (1e-7, 1e-7)}


def assert_close(actual, expected, *, allow_subclasses=True, rtol=None, atol=None, equal_nan=False, check_device=True,
                 check_dtype=True, check_layout=True, check_stride=False, msg=None):  # fmt: skip
    """Raise AssertionError unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Parameters
    ----------
    actual, expected : Tensor, array, number, or nested sequences and mappings of them
    allow_subclasses : bool, default True
        False asks for two values of one type.
    rtol, atol : float, optional
        Both or none; by default 1e-3 and 1e-5 for float16, 1.3e-6 and 1e-5 for float32, 1e-7 for float64, 0 for integers.
    equal_nan : bool, default False
        Whether two NaN are equal.
    check_device, check_layout : bool
        There is one device and one layout here, so these always agree.
    check_dtype, check_stride : bool
        Whether dtypes and strides must agree too.
    msg : str or callable, optional
        Instead of the message, or made from it.

    Raises
    ------
    AssertionError
        If the values, shapes, dtypes, keys or lengths differ.
    TypeError
        If the two cannot be compared.
    ValueError
        If only one tolerance is given.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.testing.assert_close(tl.tensor([1.0, 2.0]), tl.tensor([1.0, 2.000001]))
    >>> tl.testing.assert_close(tl.tensor([1, 2]), tl.tensor([1, 3]))
    Traceback (most recent call last):
    AssertionError: Tensor-likes are not equal!
    <BLANKLINE>
    Mismatched elements: 1 / 2 (50.0%)
    Greatest absolute difference: 1 at index (1,)
    Greatest relative difference: 0.3333333333333333 at index (1,)
    """
    if (rtol is None) != (atol is None):
        missing, given = ("atol", "rtol") if atol is None else ("rtol", "atol")
        raise ValueError(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing} beside {given}."
        )
    if not allow_subclasses and type(actual) is not type(expected):
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")
    settings = {"rtol": rtol, "atol": atol, "equal_nan": equal_nan, "dtype": check_dtype, "stride": check_stride}
    try:
        _compare(actual, expected, "", settings)
    except AssertionError as error:
        text = str(error)
        raise AssertionError(text if msg is None else msg(text) if callable(msg) else msg) from None


def _compare(actual, expected, place, settings):
    where = f"\n\nThe failure occurred for item {place}" if place else ""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        missing, more = [k for k in expected if k not in actual], [k for k in actual if k not in expected]
        if missing or more:
            raise AssertionError(f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {missing}\n"
                                 f"Additional keys in the actual mapping: {more}{where}")  # fmt: skip
        for key in expected:
            _compare(actual[key], expected[key], f"{place}[{key!r}]", settings)
    elif _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            raise AssertionError(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}{where}")
        for i, (a, b) in enumerate(zip(actual, expected)):
            _compare(a, b, f"{place}[{i}]", settings)
    elif actual is None and expected is None:
        return
    elif isinstance(actual, (bool, int, float, complex)) and isinstance(expected, (bool, int, float, complex)):
        _compare_numbers(actual, expected, settings, where)
    elif isinstance(actual, (TensorBase, np.ndarray)) and isinstance(expected, (TensorBase, np.ndarray)):
        _compare_tensors(*[x if isinstance(x, TensorBase) else tensor(x) for x in (actual, expected)], settings, where)
    else:
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")


def _is_sequence(x):
    return isinstance(x, Sequence) and not isinstance(x, (str, bytes))


def _compare_numbers(a, b, settings, where):
    if settings["dtype"] and type(a) is not type(b):
        raise AssertionError(f"The (d)types do not match: {type(a)} != {type(b)}.{where}")
    number = isinstance(a, (float, complex)) or isinstance(b, (float, complex))
    rtol, atol = (
        (settings["rtol"], settings["atol"]) if settings["rtol"] is not None else (1e-7, 1e-7) if number else (0, 0)
    )
    if a == b or (settings["equal_nan"] and a != a and b != b):
        return
    difference = abs(a - b)
    if cmath.isfinite(difference) and difference <= atol + rtol * abs(b):
        return
    close = rtol or atol
    relative = difference / abs(b) if b else float("inf")
    raise AssertionError(
        f"Scalars are not {'close' if close else 'equal'}!\n\nExpected {b} but got {a}.\nAbsolute difference: {difference}"
        f"{f' (up to {atol} allowed)' if close else ''}\nRelative difference: {relative}"
        f"{f' (up to {rtol} allowed)' if close else ''}{where}"
    )


def _compare_tensors(a, b, settings, where):
    checks = [("shape", a.shape, b.shape)]
    if settings["dtype"]:
        checks.append(("dtype", a.dtype, b.dtype))
    if settings["stride"]:
        checks.append(("stride()", a.stride(), b.stride()))
    for name, x, y in checks:
        if x != y:
            raise AssertionError(f"The values for attribute {name!r} do not match: {x} != {y}.{where}")
    rtol, atol = settings["rtol"], settings["atol"]
    if rtol is None:
        found = [_TOLERANCES.get(t._data.dtype.char, (0.0, 0.0)) for t in (a, b)]
        rtol, atol = (max(pair) for pair in zip(*found))
    x, y = (t._data.astype(np.result_type(t._data.dtype, dtypes.promote_types(a.dtype, b.dtype).numpy)) for t in (a, b))
    if x.dtype.kind in "biu":
        x, y = x.astype(np.int64), y.astype(np.int64)
    with np.errstate(all="ignore"):
        bad = ~np.isclose(x, y, rtol=rtol, atol=atol, equal_nan=settings["equal_nan"])
        if not bad.any():
            return
        absolute = np.where(bad, np.abs(x - y), 0)
        relative = np.where(bad, absolute / np.abs(y), 0)
    close = rtol or atol
    lines = [f"Tensor-likes are not {'close' if close else 'equal'}!", ""]
    if not x.ndim:
        lines = [lines[0].replace("Tensor-likes", "Scalars"), "", f"Expected {y.item()} but got {x.item()}."]
        absolute = abs(x.item() - y.item())
        relative = absolute / abs(y.item()) if y.item() else float("inf")
        lines += [f"Absolute difference: {absolute}{f' (up to {atol} allowed)' if close else ''}",
                  f"Relative difference: {relative}{f' (up to {rtol} allowed)' if close else ''}"]  # fmt: skip
    else:
        lines.append(f"Mismatched elements: {bad.sum()} / {bad.size} ({bad.sum() / bad.size:.1%})")
        for name, values, bound in (("absolute", absolute, atol), ("relative", relative, rtol)):
            at = tuple(int(i) for i in np.unravel_index(int(np.argmax(values)), values.shape))
            allowed = f" (up to {bound} allowed)" if close else ""
            lines.append(f"Greatest {name} difference: {values[at].item()} at index {at}{allowed}")
    raise AssertionError("\n".join(lines) + where)


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg=""):
    """The older name of :func:`assert_close`, without checks of dtypes; numbers and lists count as tensors."""
    actual, expected = (x if isinstance(x, TensorBase) else tensor(x) for x in (actual, expected))
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)
