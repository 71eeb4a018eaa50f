"""Whole programs under PyTorch and under this library: results, dtypes, shapes and printed text agree."""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import re
import sys
import warnings

import numpy as np
import pytest

import tensorlite as tl
from tests import programs

torch = pytest.importorskip("torch")

for _module in pkgutil.iter_modules(programs.__path__):
    importlib.import_module(f"{programs.__name__}.{_module.name}")

_NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?")


def run(function, library):
    """What a program returns, and what it prints."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function(library)
    return result, text.getvalue()


def agree(a, b, where="result"):
    """Assert that our value is PyTorch's."""
    if isinstance(b, torch.Tensor):
        assert isinstance(a, tl.Tensor), f"{where}: {type(a)}"
        assert str(a.dtype) == str(b.dtype), f"{where}: {a.dtype}, PyTorch {b.dtype}"
        assert a.requires_grad == b.requires_grad, f"{where}: requires_grad"
        x, y = (t.detach().cpu().numpy() for t in (a, b.resolve_conj()))
        assert x.shape == y.shape, f"{where}: {x.shape}, PyTorch {y.shape}"
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4, err_msg=where)
    elif isinstance(b, dict):
        assert list(a) == list(b), f"{where}: {list(a)}, PyTorch {list(b)}"
        for key in b:
            agree(a[key], b[key], f"{where}[{key!r}]")
    elif isinstance(b, (list, tuple)):
        assert isinstance(a, (list, tuple)) and len(a) == len(b), f"{where}: {a}, PyTorch {b}"
        for i, (x, y) in enumerate(zip(a, b)):
            agree(x, y, f"{where}[{i}]")
    elif isinstance(b, float):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4, err_msg=where)
    elif isinstance(b, np.ndarray):
        assert a.dtype == b.dtype and a.shape == b.shape, f"{where}: {a.dtype} {a.shape}, PyTorch {b.dtype} {b.shape}"
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4, err_msg=where)
    elif isinstance(b, str):
        assert isinstance(a, str), f"{where}: {a!r}, PyTorch {b!r}"
        agree_text(a, b)
    else:
        assert str(a) == str(b), f"{where}: {a!r}, PyTorch {b!r}"


def agree_text(a, b):
    """The same words around numbers that agree."""
    assert _NUMBER.sub("#", a) == _NUMBER.sub("#", b), f"prints\n{a}\nPyTorch\n{b}"
    x, y = ([float(n) for n in _NUMBER.findall(text)] for text in (a, b))
    np.testing.assert_allclose(x, y, rtol=2e-3, atol=2e-3, err_msg=f"prints\n{a}\nPyTorch\n{b}")


def compare(function):
    """Run a program under both libraries."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # PyTorch's test helpers, once imported, forbid plain assignments to its backends' flags
        with getattr(torch.backends, "__allow_nonbracketed_mutation")():
            expected, text = run(function, torch)
        result, printed = run(function, tl)
    finally:
        torch.set_num_threads(before)
    agree(result, expected)
    agree_text(printed, text)


@pytest.mark.parametrize("function", programs.PROGRAMS, ids=lambda f: f.__name__)
def test_a_program_gives_what_pytorch_gives(function):
    compare(function)


def main():
    """Print which programs differ."""
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [f for f in programs.PROGRAMS if only in f"{f.__module__}.{f.__name__}"]
    bad = 0
    for function in chosen:
        try:
            compare(function)
        except Exception as error:
            bad += 1
            frame = error.__traceback__
            while frame.tb_next and ("programs/" not in frame.tb_frame.f_code.co_filename):
                frame = frame.tb_next
            text = str(error)[: 3000 if only else 500]
            print(f"{function.__module__}.{function.__name__}: line {frame.tb_lineno}: {type(error).__name__}: {text}")
    print(f"{bad} of {len(chosen)} differ")


if __name__ == "__main__":
    main()
