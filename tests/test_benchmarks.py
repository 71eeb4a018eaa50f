"""The benchmarks run and count; nothing here is about time."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tensorlite as tl

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks import __main__ as command
from benchmarks import numpy_calls
from benchmarks.counters import count_step
from benchmarks.in_jax import IN_JAX
from benchmarks.workloads import CORE, WORKLOADS, build, can_run, geometric_mean


def _run(*args):
    return subprocess.run([sys.executable, "-m", "benchmarks", *args], cwd=ROOT, capture_output=True, text=True)


def test_smoke_writes_table_and_json(tmp_path):
    names = ["scalar_tape", "tiny_mlp"]
    done = _run("--smoke", "--only", ",".join(names), "--against", "", "--threads", "1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "results.json").read_text())
    assert [row["workload"] for row in report["1"]] == names
    assert all(row["ms"]["tensorlite"] > 0 and row["operations"] > 0 and row["numpy_calls"] > 50 for row in report["1"])
    assert report["import_ms"] > 0 and report["installed_bytes"] > 100_000
    assert WORKLOADS["tiny_mlp"].title in (tmp_path / "results.md").read_text()


@pytest.mark.parametrize("args", [("--only", "nothing"), ("--against", "nothing")])
def test_unknown_names_are_errors(args):
    done = _run("--smoke", *args)
    assert done.returncode == 2 and "nothing" in done.stderr


def test_counts_of_a_step():
    counts = count_step(WORKLOADS["scalar_tape"])
    assert counts["operations"] == 2 * 201  # 100 products, 100 sums, their total; forward and backward
    assert 200 < counts["arrays"] < 1000 and 200 * 12 <= counts["allocated"] < 100_000
    assert count_step(WORKLOADS["scalar_tape"]) == counts


KNOWN = {
    "b = np.exp(a) + a\nb *= 2\nout = b[1:].sum()": {"exp": 1, "+": 1, "*=": 1, "a[i]": 1, "ndarray.sum": 1},
    "out = np.add.reduce(a, axis=0) @ np.ones(3, a.dtype)": {"add.reduce": 1, "@": 1, "ones": 1},
    "a[0] += 1\nout = -a": {"a[i]": 1, "+=": 1, "a[i] =": 1, "-a": 1},
    "n = len(a) + 1\ntable = {'k': 1}\ntable['k'] += n\nout = table['k'] < n or not n": {},
    "out = [np.float32(i) * 2 for i in range(3)]": {"float32": 3, "*": 3},
    "f = np.multiply\nout = [f(a, a), np.concatenate([a, a]), np.pad(a, 1), a.T, a.shape[0]]": {
        "multiply": 1, "concatenate": 1, "pad": 1,
    },
    "out = np.random.default_rng(0).random(3) if a is not None and a.any() else None": {
        "default_rng": 1, "Generator.random": 1, "ndarray.any": 1,
    },
    "class A:\n    def f(self): return 1\nclass B(A):\n    def f(self, x: a[0] = 2): return super().f() + x\nout = B().f()": {},
    "out = (a < 2) & (a[..., None] == a)": {"<": 1, "&": 1, "a[i]": 1, "==": 1},
}  # fmt: skip


@pytest.mark.parametrize("program", KNOWN)
def test_calls_of_known_programs(program):
    plain, noted = ({"np": np, "a": np.arange(9.0).reshape(3, 3)} for _ in range(2))
    exec(program, plain)
    code = numpy_calls.noting(program, "<program>")
    numpy_calls.calls.clear()
    exec(code, noted)
    assert dict(numpy_calls.calls) == KNOWN[program]
    np.testing.assert_equal(noted["out"], plain["out"])
    np.testing.assert_equal(noted["a"], plain["a"])


def test_calls_of_a_step():
    by_name = numpy_calls.count_apart(["scalar_tape"])["scalar_tape"]
    # forward 100 products and 100 sums; backward 99 + 100 products (x wants no gradient), 2 * 99 gradients added up
    assert by_name["multiply"] + by_name["*"] == 299 and by_name["add"] + by_name["+"] == 298
    assert 597 < sum(by_name.values()) < 650


def test_a_step_trains():
    tl.manual_seed(0)
    step = build(tl, "tiny_mlp")
    parts = {c.cell_contents.__class__.__name__: c.cell_contents for c in step.__closure__}
    loss = lambda: parts["CrossEntropyLoss"](parts["Sequential"](inputs), targets).item()
    inputs, targets = sorted((c for c in (c.cell_contents for c in step.__closure__) if isinstance(c, tl.Tensor)),
                             key=lambda t: -t.dim())  # fmt: skip
    before = loss()
    for _ in range(30):
        step()
    assert loss() < before


def test_core_rows_exist():
    assert set(CORE) <= set(WORKLOADS) and set(IN_JAX) <= set(WORKLOADS)
    assert can_run("torch", "gpt") and can_run("jax", "mlp") and not can_run("jax", "gpt")


def test_geometric_mean():
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)


def test_table_with_a_row_that_a_peer_lacks():
    frameworks = ["tensorlite", "torch", "jax"]
    times = {
        "mlp": {"tensorlite": [1.0, 1.2, 1.4], "torch": [2.0, 2.0, 2.0], "jax": [0.5, 0.6, 0.7]},
        "gpt": {"tensorlite": [3.0], "torch": [2.0]},
    }
    memory = {"mlp": {"tensorlite": 2**20, "torch": 3 * 2**20, "jax": 2**21}}
    cores = {"mlp": {"tensorlite": [0.9, 1.0, 1.1]}, "gpt": {}}
    rows = command.summarise(times, cores, frameworks, memory, {})
    assert rows[0]["cores"] == {"tensorlite": 1.0}
    assert rows[0]["ratio/torch"] == pytest.approx([0.6, 0.5, 0.7]) and rows[0]["ratio/jax"][0] == pytest.approx(2.0)
    assert "ratio/jax" not in rows[1]
    lines = command.markdown(rows, frameworks, "title").splitlines()
    assert lines[0] == "### title"
    cells = [c.strip() for c in lines[4].strip("|").split("|")]
    assert cells[1:7] == [
        "1.2e+03",
        "2e+03",
        "600",
        "**0.60** (0.50 - 0.70)",
        "**2.00** (2.00 - 2.00)",
        "1.0 / 3.0 / 2.0",
    ]
    assert [c.strip() for c in lines[5].strip("|").split("|")][3:6] == ["-", "**1.50** (1.50 - 1.50)", "-"]


@pytest.mark.parametrize("name", ["tiny_mlp", "mlp"])
def test_jax_forms(name):
    jax = pytest.importorskip("jax")
    step = build(jax, name)
    step()
    state = step.__closure__[[c.cell_contents.__class__ for c in step.__closure__].index(tuple)].cell_contents
    assert float(state[3]) == 1.0


def test_the_cost_of_the_checks_is_measured():
    from benchmarks import checks

    ratio, low, high = checks.cost("tiny_mlp", 2, 0.002)
    assert low <= ratio <= high
    assert all(getattr(m, n) is check for m, n, check in checks.places()), "the checks are back in their places"
