"""Writes docs/api_table.md: each PyTorch name of a usage survey, and whether it is here.

    python tools/api_table.py SURVEY.md > docs/api_table.md

The survey is a Markdown file of tables ``| # | `name` | files | ...``. A name is *present* if it resolves here,
*compared* if the name occurs as a word in the tests or scripts that run beside PyTorch (a lead, no proof), *refused* if calling it raises an error that says so.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: What differs, and how; everything else that is present is meant to give PyTorch's result.
DIFFERS = {
    "torch.device": "only the CPU computes; others can be named",
    "torch.bfloat16": "named, but not computed with: NumPy has no such type",
    "torch.load": "PyTorch's weight files load; pickled objects are refused",
    "torch.save": "NumPy's npz with a manifest, or safetensors; no pickle",
    "torch.sparse_coo_tensor": "refused: no sparse tensors",
    "torch.use_deterministic_algorithms": "recorded; everything is deterministic",
    "torch.set_default_device": "the CPU only",
    "torch.compile": "returns its argument",
    "torch.func.vmap": "loops and stacks: the same results, no speed-up",
    "torch.vmap": "loops and stacks: the same results, no speed-up",
    "torch.func.jvp": "forward mode by a double reverse pass",
    "torch.func.jacfwd": "forward mode by a double reverse pass",
    "Tensor.to_sparse": "refused: no sparse tensors",
    "Tensor.pin_memory": "refused as in PyTorch without an accelerator",
    "Tensor.cuda": "refused: no GPU",
    "nn.DataParallel": "one device: calls the module itself",
    "torch.cuda.is_available": "False",
}

#: Names that count as refused when they are missing or raise.
REFUSED = ("sparse", "nested", "jagged", "quant", "prune", "ops.aten", "jit", "onnx", "_C", "distributed", "torchtext")


def resolve(name):
    """The object that a survey name means here, or None."""
    import tensorlite

    name = name.split(" (")[0]
    roots = {
        "Tensor.": "Tensor.", "nn.": "nn.", "F.": "nn.functional.", "optim.": "optim.", "utils.data.": "utils.data.",
        "torch.": "", "torchvision.": "vision.",
    }  # fmt: skip
    if name.startswith("Function ctx."):
        return True
    for owner, where in (
        ("Module/Optimizer.", ["nn.Module", "optim.Optimizer"]), ("Optimizer/LRScheduler.", ["optim.Optimizer"]),
        ("LRScheduler.", ["optim.lr_scheduler.LRScheduler"]), ("Optimizer.", ["optim.Optimizer"]),
        ("Module.", ["nn.Module"]),
    ):  # fmt: skip
        if name.startswith(owner):
            attribute = name[len(owner) :]
            if attribute in ("training", "param_groups", "state"):
                return True  # set on the instance
            return next((o for o in (resolve(f"torch.{w}.{attribute}") for w in where) if o is not None), None)
    for prefix, target in roots.items():
        if name.startswith(prefix):
            path = target + name[len(prefix) :]
            break
    else:
        return None
    value = tensorlite
    done = "tensorlite"
    for part in filter(None, path.split(".")):
        done += "." + part
        try:
            value = getattr(value, part)
        except (AttributeError, ImportError):
            try:
                value = importlib.import_module(done)
            except (ImportError, ValueError):
                return None
        except Exception:  # a property that refuses: it is there
            return True
    return value if value is not None else True


def main():
    """Parse the survey, print the table."""
    survey = Path(sys.argv[1]).read_text()
    tests = "\n".join(p.read_text() for p in (ROOT / "tests").glob("*.py"))
    tests += "\n".join(p.read_text() for p in (ROOT / "examples" / "pytorch_style").glob("*.py"))
    print(
        "# PyTorch's names, here\n\nMade by `python tools/api_table.py SURVEY.md`; the survey counts names in 501 real scripts."
    )
    print(
        "*Compared* means only that the name occurs as a word in the test suite or the scripts run beside PyTorch: a lead, no proof of equal results.\n"
    )
    totals = {}
    lines = []
    for line in survey.splitlines():
        if line.startswith("## "):
            lines.append(f"\n{line}\n\n| name | files | here |\n|---|---|---|")
        row = re.match(r"\| \d+ \| `([^`]+)`[^|]*\| (\d+) \|", line)
        if not row:
            continue
        name, files = row.groups()
        short = name.split(" (")[0].rsplit(".", 1)[-1]
        found = resolve(name)
        if found is None:
            status = "refused" if any(r in name for r in REFUSED) else "missing"
        elif re.search(rf"\b{re.escape(short)}\b", tests):
            status = "compared"
        else:
            status = "present"
        totals[status] = totals.get(status, 0) + 1
        note = DIFFERS.get(name)
        lines.append(f"| `{name}` | {files} | {status}{'; differs: ' + note if note else ''} |")
    print("Totals: " + ", ".join(f"{v} {k}" for k, v in sorted(totals.items())) + ".")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
