"""The teaching notebooks: stored as the house wants them, and executed from the first cell to the last."""

import json
import os
import re
import resource
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
#: (notebook, whether it may use the data of TENSORLITE_DATA)
RUNS = [(path, False) for path in NOTEBOOKS]
if os.environ.get("TENSORLITE_DATA"):
    RUNS += [(path, True) for path in NOTEBOOKS if path.name.startswith("03")]


def _name(value):
    return value.stem if isinstance(value, Path) else "data" if value else "no-data"


def _text(cells, kind):
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == kind)


def test_there_are_ten():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{i:02d}" for i in range(1, 11)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=_name)
def test_stored_form(path):
    """No outputs, no counters, no machine paths; a title, goals, exercises with hidden answers, a summary."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = notebook["cells"]
    assert 10 <= len(cells) <= 40
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, cell["id"]
            compile("".join(cell["source"]), f"{path.name}:{cell['id']}", "exec")
    prose, code = _text(cells, "markdown"), _text(cells, "code")
    assert prose.startswith(f"# {path.name[:2]} · ")
    assert "**After this notebook you can**" in prose and "## What we saw" in prose
    assert prose.count("<details><summary>Answer</summary>\n\n") == prose.count("\n</details>") >= 3
    assert len(re.findall(r"^\*\*\d\.\*\* ", prose, re.M)) == prose.count("<details>")
    assert "viz." in code
    assert not re.search(r"/(home|tmp|work|opt|Users)/", prose + code)


@pytest.mark.slow
@pytest.mark.parametrize(("path", "data"), RUNS, ids=_name)
def test_runs(path, data, monkeypatch):
    """Every cell, in a fresh kernel, without a network; pictures are pictures.

    Nothing comes on standard error, above all no warning of a mistake, but from cells with the tag ``warns``, where it is
    the lesson.
    """
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    for name in ("matplotlib", "sklearn", "graphviz"):
        pytest.importorskip(name)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody answers there
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parents[1]))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel's own: inline
    if not data:
        monkeypatch.delenv("TENSORLITE_DATA", raising=False)
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    client.execute()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # The promise is 60 seconds on two quiet cores; processor time does not depend on the neighbours.
    assert 0.5 < after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 60
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        said = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stderr")
        assert bool(said) == ("warns" in cell.metadata.get("tags", ())), (cell.id, said)
    pictures = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            pictures += bool({"image/png", "image/svg+xml", "text/html"} & set(shown))
            assert set(shown) != {"text/plain"} or not shown["text/plain"].startswith(
                ("<Figure", "<Picture", "digraph")
            ), cell.id
    assert pictures >= 3
