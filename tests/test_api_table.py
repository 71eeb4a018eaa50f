"""The table of PyTorch's names in docs is what the tool finds today."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")

from tests.surface import SURFACE, same

ROOT = Path(__file__).parent.parent
TABLE = (ROOT / "docs" / "api_table.md").read_text()


def rows(text):
    """Name -> (status, how)."""
    return {
        m[1].strip("`"): (m[2], m[3]) for m in re.finditer(r"^\| (.+?) \| \d+ \| ([a-z ]+) \| (.*) \|$", text, re.M)
    }


def test_programs_name_what_they_show():
    for name, code in SURFACE.items():
        if name.split(".")[0] in ("torch", "Tensor", "nn", "F", "optim"):
            word = name.rsplit(".", 1)[-1]
            assert re.search(rf"\b{re.escape(word)}", code), f"{name} does not occur in its program"


def test_a_share_of_the_same_results():
    table = rows(TABLE)
    shown = [n for n, (status, how) in table.items() if status == "same result" and "program" in how and n in SURFACE]
    assert len(shown) > 200
    for name in shown[::9]:
        same(name, SURFACE[name])


@pytest.mark.slow
def test_the_table_is_up_to_date():
    done = subprocess.run(
        [sys.executable, "tools/api_table.py"], cwd=ROOT, capture_output=True, text=True, timeout=600, check=True
    )
    new, old = rows(done.stdout), rows(TABLE)
    assert len(new) > 600 and list(new) == list(old)
    assert {n: new[n] for n in new if new[n][0] != old[n][0]} == {}, "run tools/api_table.py again"
