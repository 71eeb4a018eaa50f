"""Writes docs/api_table.md: for each PyTorch name of a usage survey, whether it is here and gives PyTorch's results.

    python tools/api_table.py > table.md && mv table.md docs/api_table.md

Everything is decided by running both libraries: the short programs of ``tests/surface.py``, the expressions of ``tests/samples.py``,
the programs of ``tests/programs`` and PyTorch's own databases of operations, modules and optimizers. It takes half a minute.
The names are those of the table itself, or of a survey (``python tools/api_table.py SURVEY.md``) of rows ``| 1 | `name` | files |``.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import io
import pkgutil
import re
import sys
import types
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
TABLE = ROOT / "docs" / "api_table.md"

#: What differs although the compared results are the same, or is no matter of results.
NOTES = {
    "torch.device": "only the CPU computes; other devices can be named",
    "torch.save": "files are NumPy's npz with a manifest, or safetensors; no pickle",
    "torch.load": "PyTorch's weight files load too; pickled objects are refused",
    "torch.use_deterministic_algorithms": "recorded; everything is deterministic",
    "torch.compile": "returns its argument",
    "torch.inference_mode": "its results are ordinary tensors: `is_inference()` is False, and they may be used in recorded computations",
    "decorator @torch.inference_mode": "its results are ordinary tensors",
    "torch.func.vmap": "loops and stacks: no speed-up",
    "torch.vmap": "loops and stacks: no speed-up",
    "torch.func.jvp": "forward mode by a double reverse pass",
    "torch.func.jacfwd": "forward mode by a double reverse pass",
    "nn.DataParallel": "one device: calls the module itself",
    "torch.bernoulli": "the stream is that of PyTorch's portable path; on Intel processors PyTorch draws from another library",
    "Tensor.bernoulli_": "the stream is that of PyTorch's portable path; on Intel processors PyTorch draws from another library",
    "nn.Dropout": "the stream is that of PyTorch's portable path; on Intel processors PyTorch draws from another library",
    "F.dropout": "the stream is that of PyTorch's portable path; on Intel processors PyTorch draws from another library",
}


def rows(text):
    """(heading, name, files) for each row of a survey or of the table."""
    heading = ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = re.sub(r" — \d+ names| \(files\)", "", line[3:])
        row = re.match(r"\| (?:\d+ \| )?`([^`]+)`[^|]*\| (\d+) \|", line)
        if row is None and heading.startswith("Syntax"):
            row = re.match(r"\| ([^|`]*[a-z@][^|`]*) \| (\d+) \|", line)
        if row:
            yield heading, row[1], int(row[2])


def resolve(name):
    """The object that a survey name means here, or None."""
    import tensorlite

    roots = {
        "Tensor.": "Tensor.", "nn.": "nn.", "F.": "nn.functional.", "optim.": "optim.", "utils.data.": "utils.data.",
        "torch.": "", "torchvision.": "vision.", "Module.": "nn.Module.", "Optimizer.": "optim.Optimizer.",
        "LRScheduler.": "optim.lr_scheduler.LRScheduler.",
    }  # fmt: skip
    if name == "torchvision":
        return tensorlite.vision
    prefix = next((p for p in roots if name.startswith(p)), None)
    if prefix is None:
        return None
    value, done = tensorlite, "tensorlite"
    for part in filter(None, (roots[prefix] + name[len(prefix) :]).split(".")):
        done += "." + part
        try:
            value = getattr(value, part)
        except (AttributeError, ImportError):
            try:
                value = importlib.import_module(done)
            except (ImportError, ValueError):
                return None
        except NotImplementedError:
            return None
    return True if value is None else value


# -- what was run ------------------------------------------------------------------------------------


def names_of(expression):
    """The survey names that occur in an expression over tensors."""
    found = set()
    for node in ast.walk(ast.parse(expression)):
        if isinstance(node, ast.Attribute):
            path = ast.unparse(node)
            if path.startswith("torch."):
                found.add(path.replace("torch.nn.functional.", "F."))
            else:
                found.add(f"Tensor.{node.attr}")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            found.add("@ operator")
    return found


def expressions():
    """Name -> (expressions that agree, the complaint of the first that does not)."""
    import test_oracle_ops as oracle

    counts, wrong = defaultdict(int), {}
    for expression in oracle.EXPRESSIONS:
        names = names_of(expression)
        if expression in oracle.DIFFERS:
            for name in names:
                wrong[name] = f"`{expression}`: {oracle.DIFFERS[expression]}"
            continue
        found = oracle.compare(expression, np.float32)[0]
        for name in names:
            counts[name] += 1
            if found:
                wrong[name] = f"`{expression}`: {found[0]}"
    return counts, wrong


def operations(wanted):
    """The same from PyTorch's database of operations, for the ``wanted`` names."""
    from torch.testing._internal.common_methods_invocations import op_db

    from tests import databases

    counts, wrong = defaultdict(int), {}
    for op in op_db:
        if not databases.in_scope(op):
            continue
        function = op.name.replace("nn.functional.", "F.") if op.name.startswith("nn.") else f"torch.{op.name}"
        method = getattr(op.method_variant, "__name__", None)
        inplace = getattr(op.inplace_variant, "__name__", None)
        for name, variants in (
            (function, ("function", "noncontiguous", "out", "second")), (f"Tensor.{method}", ("method",)),
            (f"Tensor.{inplace}", ("inplace",)), (function.replace("torch.", "Tensor."), ("method",)),
        ):  # fmt: skip
            if name not in wanted or resolve(name) is None:
                continue
            for variant in dict.fromkeys(variants):
                for dtype in (databases.F, databases.torch.int64):
                    if dtype not in databases.VARIANTS[variant][1] or not op.supports_dtype(dtype, "cpu"):
                        continue
                    for _, _, _, error in databases.run_one(op, variant, dtype, 6):
                        if error is None:
                            counts[name] += 1
                        else:
                            reason = databases.reason(f"{op.full_name} {variant}", dtype, error)
                            wrong[name] = reason or f"{variant}: {' '.join(str(error).split())[:120]}"
    return counts, wrong


def modules():
    """The same from PyTorch's databases of modules and optimizers."""
    import test_module_database as database

    counts, wrong = defaultdict(int), {}
    for kind, names, differences in (
        ("nn", database.MODULES, functools.partial(database.module_differences, limit=4)),
        ("optim", database.OPTIMIZERS, database.optimizer_differences),
    ):
        for name in names:
            found, tried = differences(name)
            counts[f"{kind}.{name}"] = tried - len(found)
            if found:
                wrong[f"{kind}.{name}"] = found[0]
    return counts, wrong


class _Seen(types.ModuleType):
    """A library that notes which names a program takes from it."""

    def __init__(self, module, path, seen):
        super().__init__(module.__name__)
        self.__dict__.update(_module=module, _path=path, _seen=seen)

    def __getattr__(self, name):
        value = getattr(self._module, name)
        path = f"{self._path}.{name}"
        for long, short in (("torch.nn.functional.", "F."), ("torch.nn.", "nn."), ("torch.optim.", "optim."),
                            ("torch.utils.data.", "utils.data.")):  # fmt: skip
            path = path.replace(long, short) if path.startswith(long) else path
        self._seen.add(path)
        return _Seen(value, f"{self._path}.{name}", self._seen) if isinstance(value, types.ModuleType) else value

    def __setattr__(self, name, value):
        setattr(self._module, name, value)


def programs():
    """Name -> programs that took it and gave the same results."""
    import test_programs

    import tensorlite

    counts = defaultdict(int)
    for function in test_programs.programs.PROGRAMS:
        seen = set()
        try:
            test_programs.compare(function)
            test_programs.run(function, _Seen(tensorlite, "torch", seen))
        except Exception as error:
            print(f"{function.__name__}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            continue
        for name in seen:
            counts[name] += 1
    return counts


def status(name, evidence):
    """(status, what shows it) of one name."""
    from tests.surface import SURFACE, same

    shown, differs = [], []
    if name in SURFACE:
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                same(name, SURFACE[name])
            shown.append("program")
        except (NotImplementedError, ImportError) as error:
            return "refused", _line(error)
        except Exception as error:
            if _explains(error):
                return "refused", _line(error)
            if isinstance(error, AssertionError) and str(error).startswith("PyTorch raises"):
                return "present", "not compared: " + _line(error)
            if "." in name and " " not in name and resolve(name) is None:
                return "missing", ""
            differs.append(
                _line(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {_line(error)}"
            )
    for what, (counts, wrong) in evidence.items():
        if counts.get(name):
            shown.append(f"{counts[name]} {what}")
        if name in wrong:
            differs.append(_line(wrong[name]))
    if name in NOTES:
        differs.append(NOTES[name])
    by = ", ".join(shown)
    if differs:
        same_too = f" (else the same: {by})" if by else ""
        return "differs", "; ".join(dict.fromkeys(differs)) + same_too
    if shown:
        return "same result", by
    if name.startswith("torchtext"):
        return "missing", "no text rooms"
    if name.startswith("torchvision") and resolve(name) is not None:
        return "present", "in `tensorlite.vision`; not compared, torchvision is no oracle here"
    if resolve(name) is not None:
        return "present", "not compared"
    return "missing", ""


def _explains(error):
    return bool(re.search(r"not supported|no bfloat16|computes on the CPU", str(error)))


def _line(error):
    text = re.sub(r"\s+", " ", str(error)).replace("|", "\\|").strip()
    return text if len(text) < 200 else text[:197] + "..."


def main():
    """Print the table."""
    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    text = Path(sys.argv[1] if len(sys.argv) > 1 else TABLE).read_text()
    names = list(rows(text))
    wanted = {name for _, name, _ in names}
    evidence = {
        "expressions": expressions(), "OpInfo samples": operations(wanted), "module and optimizer samples": modules(),
        "tutorial programs": (programs(), {}),
    }  # fmt: skip
    heading, totals, lines = None, defaultdict(int), []
    for where, name, files in names:
        if where != heading:
            heading = where
            lines.append(f"\n## {heading}\n\n| name | files | here | what shows it, or how |\n|---|---|---|---|")
        kind, how = status(name, evidence)
        totals[kind] += 1
        shown = name if where.startswith("Syntax") else f"`{name}`"
        lines.append(f"| {shown} | {files} | {kind} | {how} |")
    print(
        "# PyTorch's names, here\n\nMade by `python tools/api_table.py`, which runs both libraries and compares; the survey counts the names"
    )
    print(
        "that 501 real scripts use. *Same result*: values, dtypes, shapes and gradients agree in everything that was run. *Differs*: how."
    )
    print("*Present*: there is nothing to compare with. *Refused*: raises an error that says so.\n")
    print("Totals: " + ", ".join(f"{v} {k}" for k, v in sorted(totals.items())) + ".")
    print("\n".join(lines))


if __name__ == "__main__":
    for module in pkgutil.iter_modules([str(ROOT / "tests" / "programs")]):
        importlib.import_module(f"tests.programs.{module.name}")
    main()
