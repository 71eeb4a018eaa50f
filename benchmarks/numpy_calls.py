"""How often a training step enters NumPy: ``python -m benchmarks.numpy_calls mlp gpt`` lists the calls by name.

A profiler does not see them: ufuncs raise no event when they are called, nor do operators and indexing. So the package is
imported from a copy of its syntax tree in which every call asks what is about to be called, every operator what came out, and
every index what it is applied to; nothing else differs. The code that the engine generates is treated in the same way.

A call counts once, whatever NumPy does inside: functions, ufuncs and their methods, methods and operators of arrays and of
NumPy's numbers, indexing, types that make arrays or numbers. Reading an attribute (``a.shape``, ``a.T``) does not count, nor
does what C code calls back (``map(np.exp, arrays)``).
"""

from __future__ import annotations

import ast
import builtins
import collections
import importlib.machinery
import json
import subprocess
import sys

import numpy as np

#: How often each was called while counting; operators under their sign, indexing under ``a[i]`` and ``a[i] =``.
calls: collections.Counter[str] = collections.Counter()

_ARRAYS = (np.ndarray, np.generic)
_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    ast.USub: "-a", ast.UAdd: "+a", ast.Invert: "~a", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=",
    ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


def _from_numpy(value):
    return (getattr(value, "__module__", None) or "").partition(".")[0] == "numpy"


def called(function):
    """Note ``function``, which is about to be called, if it is NumPy's."""
    owner, name = getattr(function, "__self__", None), getattr(function, "__name__", type(function).__name__)
    if isinstance(owner, np.ufunc):
        calls[f"{owner.__name__}.{name}"] += 1
    elif owner is not None and _from_numpy(type(owner)):
        calls[f"{type(owner).__name__}.{name}"] += 1
    elif isinstance(function, np.ufunc) or _from_numpy(function):
        calls[name] += 1
    return function


def result(value, sign):
    """Note an operator whose result is NumPy's: then an operand was."""
    if isinstance(value, _ARRAYS):
        calls[sign] += 1
    return value


def indexed(value, sign):
    """Note an index into an array."""
    if isinstance(value, np.ndarray):
        calls[sign] += 1
    return value


_NOTES = {f"_numpy_{f.__name__}": f for f in (called, result, indexed)}


class _Noting(ast.NodeTransformer):
    """Puts the notes into a syntax tree."""

    @staticmethod
    def _note(kind, value, *sign):
        name = ast.Name(f"_numpy_{kind}", ast.Load())
        return ast.copy_location(ast.Call(name, [value, *map(ast.Constant, sign)], []), value)

    def visit_Call(self, node):
        self.generic_visit(node)
        node.func = self._note("called", node.func)
        return node

    def _operator(self, node, sign):
        self.generic_visit(node)
        return self._note("result", node, sign)

    def visit_BinOp(self, node):
        return self._operator(node, _SIGNS[type(node.op)])

    def visit_UnaryOp(self, node):
        return (
            node if isinstance(node.operand, ast.Constant) else self._operator(node, _SIGNS.get(type(node.op), "not"))
        )

    def visit_Compare(self, node):
        sign = _SIGNS.get(type(node.ops[0]))  # none for `is` and `in`
        return self._operator(node, sign) if sign else self.generic_visit(node)

    def visit_Subscript(self, node):
        self.generic_visit(node)
        node.value = self._note("indexed", node.value, "a[i]" if isinstance(node.ctx, ast.Load) else "a[i] =")
        return node

    def visit_AugAssign(self, node):
        """The value that is updated is read once more, for its type; an index counts for reading and for writing."""
        sign = _SIGNS[type(node.op)] + "="
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        if isinstance(target, ast.Subscript):
            read = self._note("indexed", target.value, "a[i]")
        again = self._note("result", target, sign)
        self.generic_visit(node)
        after = [ast.Expr(again)]
        if isinstance(target, ast.Subscript):
            after.append(ast.Expr(read))
        return [node, *(ast.fix_missing_locations(ast.copy_location(line, node)) for line in after)]

    def visit_AnnAssign(self, node):
        node.value = node.value and self.visit(node.value)
        return node

    def visit_arg(self, node):
        return node  # annotations are no program


def noting(source, filename):
    """Code of ``source`` that notes its calls of NumPy in ``calls``."""
    vars(builtins).update(_NOTES)
    tree = _Noting().visit(ast.parse(source))
    return compile(ast.fix_missing_locations(tree), filename, "exec")


def _noting_compile(source, filename, mode="exec", *args, **kwargs):
    return noting(source, filename) if mode == "exec" else compile(source, filename, mode, *args, **kwargs)


def _noting_exec(source, *scopes):
    exec(noting(source, "<generated>") if isinstance(source, str) else source, *scopes)


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):
        return noting(self.get_source(fullname), self.path)

    def exec_module(self, module):
        module.compile, module.exec = _noting_compile, _noting_exec
        super().exec_module(module)


class Finder:
    """Finds the modules of ``package`` before anybody else, to import them with notes."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != self.package:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def count(names):
    """``{workload: {call: how often}}`` of one step (the mean over an epoch's) of each, warmed up, on one thread."""
    sys.meta_path.insert(0, Finder("tensorlite"))
    import tensorlite

    from .counters import warm_up
    from .workloads import WORKLOADS, build

    tensorlite.set_num_threads(1)
    tensorlite.manual_seed(0)
    found = {}
    for name in names:
        step = build(tensorlite, name)
        for _ in range(warm_up(WORKLOADS[name])):
            step()
        calls.clear()
        step()
        found[name] = {call: times / WORKLOADS[name].steps for call, times in calls.most_common()}
    return found


def count_apart(names):
    """:func:`count` in a process of its own: this one has the package without notes."""
    program = [sys.executable, "-m", "benchmarks.numpy_calls", "--json", *names]
    return json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)


def main():
    """Count and print."""
    arguments = sys.argv[1:]
    as_json = "--json" in arguments
    found = count([a for a in arguments if a != "--json"])
    if as_json:
        print(json.dumps(found))
        return
    for name, by_call in found.items():
        print(f"{name}: {sum(by_call.values()):.0f} calls of NumPy a step")
        for call, times in by_call.items():
            print(f"  {times:6.3g} {call}")


if __name__ == "__main__":
    from benchmarks import numpy_calls  # the notes write into the module's counter, not into __main__'s

    numpy_calls.main()
