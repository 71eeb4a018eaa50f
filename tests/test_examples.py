"""The examples do what they promise."""

import contextlib
import importlib.util
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tensorlite as tl

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_quickstart(tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    run = subprocess.run(
        [sys.executable, EXAMPLES / "quickstart.py", "--out", tmp_path], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert not run.stderr, "a good example is silent"
    accuracy = float(run.stdout.split("held-out digits: ")[1].split(",")[0])
    assert accuracy > 0.96
    assert (tmp_path / "history.png").stat().st_size > 10_000
    assert "<svg" in (tmp_path / "graph.svg").read_text()


def test_readme_runs_as_it_is_written(tmp_path, monkeypatch, capsys):
    for name in ("sklearn", "graphviz"):
        pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall("```python\n(.*?)```", (EXAMPLES.parent / "README.md").read_text(), re.DOTALL):
        exec(block, names)
    assert {path.name for path in tmp_path.iterdir()} == {"digits.tl", "graph.svg", "backward.html"}
    assert "Evaluation(loss=" in capsys.readouterr().out and float(names["exp"](1.0)) == pytest.approx(np.e)


@pytest.mark.slow
@pytest.mark.skipif("TENSORLITE_DATA" not in os.environ, reason="needs TENSORLITE_DATA")
def test_fashion_mnist_three_ways_reach_the_accuracy_of_the_inspiring_library():
    example = load("fashion_mnist")
    X, y, X_test, y_test = example.data()
    y, y_test = y.astype(np.int64), y_test.astype(np.int64)
    ways = [example.with_add, example.with_template, lambda *args: example.pytorch_style(tl, *args)]
    for way in ways:
        tl.manual_seed(1)
        with contextlib.redirect_stdout(io.StringIO()):
            accuracy = way(X, y, X_test, y_test, 5)
        assert accuracy >= 0.865, way
