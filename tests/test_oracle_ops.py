"""The same expressions in PyTorch and here: values, dtypes, shapes, gradients, and which calls raise."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from samples import EXPRESSIONS, inputs

import tensorlite as tl

torch = pytest.importorskip("torch")

#: Expressions where this library differs on purpose, and how.
DIFFERS = {
    "torch.ldexp(x, i)": "the gradient for negative integer exponents; PyTorch's is 0",
    "x.scatter(0, k[:1], y)": "a source larger than the index has a gradient; PyTorch's call fails",
    "x.scatter_add(1, k[:, :2], y)": "a source larger than the index has a gradient; PyTorch's call fails",
    "torch.nn.functional.linear(x, v, s)": "a bias of a vector's weight is added; PyTorch's call fails",
    "torch.vander(v)": "has a gradient; PyTorch's call fails",
    "torch.vander(v, 3, increasing=True)": "has a gradient; PyTorch's call fails",
    "torch.linalg.vander(v)": "has a gradient; PyTorch's call fails",
    **{f"torch.linalg.cond(A, {p})": "has a gradient; PyTorch's call fails" for p in ("'fro'", "1", "float('inf')")},
}


def _numpy(t):
    t = t.detach()
    return t.numpy(force=True) if isinstance(t, torch.Tensor) else t.numpy()


def run(lib, expression, arrays, grads=True):
    """The results of an expression and the gradients of its inputs, or the error."""
    make = torch.from_numpy if lib is torch else tl.from_numpy
    tensors = {}
    for name, a in arrays.items():
        a = a.copy("K") if a.ndim else a.copy()
        t = make(a) if a.ndim else lib.tensor(a.item(), dtype=getattr(lib, a.dtype.name))
        if grads and a.dtype.kind in "fc":
            t.requires_grad_()
        tensors[name] = t
    try:
        out = eval(expression, {"torch": lib, **tensors})
        outs = [o for o in (out if isinstance(out, (tuple, list)) else (out,)) if hasattr(o, "requires_grad")]
        if not outs:
            return [np.asarray(out)], {}
        loss = None
        for n, o in enumerate(outs):
            if not o.requires_grad:
                continue
            shape = tuple(o.shape)
            weight = np.cos(np.arange(int(np.prod(shape, dtype=int))) + n).reshape(shape)
            part = o * lib.tensor(weight.tolist(), dtype=lib.float64).reshape(shape).to(o.dtype)
            part = part.abs().sum() if o.dtype in (lib.complex64, lib.complex128) else part.sum()
            loss = part if loss is None else loss + part
        if loss is not None:
            loss.backward()
        grads = {k: _numpy(t.grad) for k, t in tensors.items() if t.grad is not None}
        return [_numpy(o) for o in outs], grads
    except Exception as error:
        return error, None


KINDS = (IndexError, NotImplementedError, RuntimeError, TypeError, ValueError, AttributeError, ImportError)


def kind(error):
    """The classes of builtin errors that an error belongs to."""
    return {k for k in KINDS if isinstance(error, k)}


def compare(expression, real):
    """A list of differences and the number of comparisons."""
    arrays = inputs(real)
    used = {n: a for n, a in arrays.items() if n in names_in(expression)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, their_grads = run(torch, expression, used)
    with np.errstate(all="ignore"):
        ours, our_grads = run(tl, expression, used)
    if their_grads is None and "derivative" in str(theirs):  # not differentiable there: compare the values
        theirs, their_grads = run(torch, expression, used, grads=False)
        ours, our_grads = run(tl, expression, used, grads=False)
    if their_grads is None or our_grads is None:
        if their_grads is None and our_grads is None:
            same = kind(theirs) & kind(ours)
            return ([] if same else [f"raises {theirs!r} / {ours!r}"]), 1
        return [f"torch {theirs!r}\nours  {ours!r}"], 1
    wrong, count = [], 0
    if len(theirs) != len(ours):
        return [f"{len(theirs)} / {len(ours)} results"], 1
    tolerance = dict(rtol=2e-4, atol=2e-5) if real is np.float32 else dict(rtol=1e-6, atol=1e-8)
    pairs = [(f"result {n}", a, b) for n, (a, b) in enumerate(zip(theirs, ours))]
    pairs += [(f"gradient of {k}", their_grads.get(k), our_grads.get(k)) for k in used]
    for what, a, b in pairs:
        if a is None and b is None:
            continue
        if a is None and not b.any():  # no gradient, or one of zeros
            continue
        count += 3
        if a is None or b is None:
            wrong.append(f"{what}: {a} / {b}")
        elif a.dtype != b.dtype or a.shape != b.shape:
            wrong.append(f"{what}: {a.dtype}{a.shape} / {b.dtype}{b.shape}")
        elif not np.allclose(
            a, b, equal_nan=True, **({"rtol": 2e-3, "atol": 2e-3} if a.dtype == np.float16 else tolerance)
        ):
            wrong.append(f"{what}:\n{a}\n{b}")
    return wrong, count


def names_in(expression):
    """The identifiers of an expression."""
    import ast

    return {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_expressions_agree(real):
    failures, total = [], 0
    for expression in EXPRESSIONS:
        if expression in DIFFERS:
            continue
        wrong, count = compare(expression, real)
        total += count
        failures += [f"{expression}: {w}" for w in wrong]
    assert not failures, f"{len(failures)} differences:\n" + "\n".join(failures[:40])
    assert total > 2000


def test_no_expression_twice():
    assert len(EXPRESSIONS) == len(set(EXPRESSIONS))
    assert not set(DIFFERS) - set(EXPRESSIONS)
