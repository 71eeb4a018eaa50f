"""The source of a vjp: the very line that says how a gradient flows."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import textwrap

__all__ = ["rule_of", "rules_of"]


@functools.lru_cache(maxsize=64)
def _functions(file):
    """Line -> the functions and lambdas that begin there."""
    found = {}
    text = "".join(linecache.getlines(file))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return text, found
    for item in ast.walk(tree):
        if isinstance(item, (ast.Lambda, ast.FunctionDef)):
            first = min([item.lineno, *[d.lineno for d in getattr(item, "decorator_list", ())]])
            found.setdefault(first, []).append(item)
    return text, found


def rule_of(fn) -> str:
    """The source text of a function or lambda; empty where it cannot be read."""
    fn = inspect.unwrap(fn)
    code = getattr(fn, "__code__", None)
    if code is None:
        return ""
    text, found = _functions(code.co_filename)
    names = list(code.co_varnames[: code.co_argcount])
    for item in found.get(code.co_firstlineno, ()):
        if [a.arg for a in (*item.args.posonlyargs, *item.args.args)] == names:
            source = ast.get_source_segment(text, item) or ""
            lines = source.split("\n")
            return "\n".join(
                [lines[0].strip(), *textwrap.dedent("\n".join(lines[1:])).split("\n")] if len(lines) > 1 else lines
            )
    return ""


def rules_of(node):
    """Pairs (argument, source) of the vjps that a node runs; one pair with an empty name where they are joint."""
    plan = getattr(node, "plan", None)
    prim = getattr(plan, "primitive", None)
    if prim is None:
        function = getattr(node, "function", None)
        return [("", rule_of(function.backward))] if hasattr(function, "backward") else []
    if prim.joint is not None:
        return [("", rule_of(prim.joint))]
    if prim.variadic:
        return [(prim.variadic, rule_of(prim.vjps[prim.variadic]))]
    targets = getattr(plan, "targets", None) or getattr(getattr(plan, "plan", None), "targets", ())
    return [(prim.arrays[i], rule_of(prim.vjps[prim.arrays[i]])) for i in targets]
