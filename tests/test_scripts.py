"""The scripts of examples/pytorch_style run unchanged under both frameworks and print the same losses."""

import importlib.util
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "examples" / "pytorch_style"
SCRIPTS = sorted(p.stem for p in FOLDER.glob("*.py"))
pytest.importorskip("sklearn")


def losses(script, framework, steps, monkeypatch):
    """The first losses of a script under a framework."""
    monkeypatch.setenv("FRAMEWORK", framework)
    spec = importlib.util.spec_from_file_location(f"{script}_{framework}", FOLDER / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return np.array(module.main(steps=steps))


@pytest.fixture
def portable_dropout(monkeypatch):
    """PyTorch's dropout from its portable generator; on Intel processors its own comes from another library."""
    torch = pytest.importorskip("torch")

    def dropout(x, p=0.5, training=True, inplace=False):
        if not training or p == 0:
            return x
        keep = torch.bernoulli(torch.full(x.shape, 1 - p, dtype=torch.float64)).to(x.dtype)
        return x * keep / (1 - p)

    monkeypatch.setattr(torch.nn.functional, "dropout", dropout)
    return torch


@pytest.mark.parametrize("script", SCRIPTS)
def test_same_losses(script, portable_dropout, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = losses(script, "torch", 10, monkeypatch)
    ours = losses(script, "tensorlite", 10, monkeypatch)
    assert ours.shape == theirs.shape and len(ours) >= 10
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_silent(script):
    """As a user runs them, in a small size: they end well and nothing is said on standard error."""
    env = dict(os.environ, FRAMEWORK="tensorlite", EXAMPLE_SMALL="1", PYTHONPATH=str(FOLDER.parents[1]))
    run = subprocess.run(
        [sys.executable, FOLDER / f"{script}.py"], capture_output=True, text=True, env=env, timeout=120
    )
    assert run.returncode == 0 and not run.stderr, run.stderr
    assert run.stdout


def test_scripts_are_short_and_many():
    assert len(SCRIPTS) >= 12
    for script in SCRIPTS:
        text = (FOLDER / f"{script}.py").read_text()
        assert len(text.splitlines()) < 150, script
        assert "import torch" not in text, f"{script} takes its framework from the environment"
    assert os.environ.get("FRAMEWORK") is None or os.environ["FRAMEWORK"] in ("torch", "tensorlite")
