"""Every primitive: gradients of two orders, dtypes, memory layouts, read-only arrays, dimensions out of range."""

from __future__ import annotations

import contextlib
import dis
import subprocess
import sys
import types

import numpy as np
import pytest
from samples import harvest, overlapping, primitives

import tensorlite as tl
from tensorlite import engine
from tensorlite.autograd import gradcheck, gradgradcheck

OPS = primitives()
CALLS = harvest(6)

#: Only one triangle of the argument counts, so a numeric derivative must perturb both.
SYMMETRIC = {"decompose._cholesky", "decompose._eigh"}
#: Vectors are determined up to a phase.
PHASE = {"decompose.eig"}
#: Piecewise constant, or not differentiable at any sample (gradients are checked by the oracle).
ROUGH = {
    "rounding.frexp": "the mantissa is differentiable, its size jumps",
    "elementwise.nextafter": "moves by less than any step",
    "scatter.scatter": "repeated places overwrite each other",
    "elementwise.remainder": "the divisor's slope is piecewise",
}


def tensors(args, real=np.float64, grad=True):
    """Tensors for the array arguments of a sample; float ones are leaves."""
    out = []
    for a in args:
        if isinstance(a, np.ndarray):
            kind = a.dtype.kind
            d = real if kind == "f" else np.result_type(real, np.complex64) if kind == "c" else a.dtype
            t = tl.tensor(a.astype(d))
            a = t.requires_grad_() if grad and kind in "fc" else t
        out.append(a)
    return out


def differentiable(name, call):
    """The arguments of a call that take gradients: finite numbers, and the primitive has vjps for them."""
    prim = OPS[name].primitive
    args = call[0]
    names = [prim.variadic] * len(args) if prim.variadic else prim.arrays
    if not prim.differentiable:
        return []
    return [
        i
        for i, (n, a) in enumerate(zip(names, args))
        if isinstance(a, np.ndarray)
        and a.dtype.kind in "fc"
        and n not in prim.nondiff
        and np.isfinite(a).all()
        and a.size
    ]


def smooth(call, which):
    """Whether the values of the arguments ``which`` are different from each other and not near 0."""
    for a in [call[0][i] for i in which]:
        if isinstance(a, np.ndarray) and a.dtype.kind in "fc":
            f = np.sort(np.ravel(np.abs(a)))
            if f.size and (f[0] < 1e-3 or (np.diff(f) < 1e-4).any()):
                return False
    return True


def function_of(name, call, which):
    """The primitive as a function of the arguments ``which``, its differentiable results only."""
    op, (args, settings) = OPS[name], call
    fixed = [tl.tensor(a) if isinstance(a, np.ndarray) else a for a in args]

    def function(*xs):
        values = list(fixed)
        for i, x in zip(which, xs):
            values[i] = (x + x.mH) / 2 if name in SYMMETRIC else x
        out = op(*values, **settings)
        if not isinstance(out, tuple):
            return (out,)
        if name in PHASE:
            return out[0], out[1].abs()
        live = op.primitive.live
        return out if live is None else tuple([out[i] for i in live])

    return function, [fixed[i].detach().clone().requires_grad_() for i in which]


def test_every_primitive_has_samples():
    assert sorted(set(OPS) - set(CALLS)) == []


@pytest.mark.parametrize("name", sorted(n for n in OPS if OPS[n].primitive.differentiable and n not in ROUGH))
def test_gradients_of_two_orders(name):
    done = 0
    for call in CALLS[name]:
        which = differentiable(name, call)
        if not which or not (smooth(call, which) or name.split(".")[1].startswith("_")) or done == 2:
            continue
        function, xs = function_of(name, call, which)
        outs = function(*xs)
        if not any(o.requires_grad for o in outs) or any(tl.isnan(o).any() for o in outs):
            continue
        gradcheck(function, xs, rtol=1e-3, atol=1e-5)
        if not OPS[name].primitive.name.startswith("_ties"):
            gradgradcheck(function, xs, rtol=1e-2, atol=1e-4)
        done += 1
    if not done and name not in NO_GRADIENT_SAMPLE:
        pytest.fail(f"no sample of {name} could be checked: {[[np.shape(a) for a in c[0]] for c in CALLS[name]]}")


#: Primitives all of whose samples are integers or meet kinks; the oracle compares their gradients with PyTorch's.
NO_GRADIENT_SAMPLE = set()


@pytest.mark.parametrize("name", sorted(OPS))
def test_float32_stays_float32(name):
    for args, settings in CALLS[name][:2]:
        if not any(isinstance(a, np.ndarray) and a.dtype == np.float64 for a in args):
            continue
        if "dtype" in settings:
            continue
        xs = tensors(args, np.float32, grad=OPS[name].primitive.differentiable)
        prim = OPS[name].primitive
        names = [prim.variadic] * len(xs) if prim.variadic else prim.arrays
        xs = [x.detach() if isinstance(x, tl.Tensor) and n in prim.nondiff else x for x, n in zip(xs, names)]
        out = OPS[name](*xs, **settings)
        for o in out if isinstance(out, tuple) else (out,):
            assert o.dtype not in (tl.float64, tl.complex128), name
            if o.requires_grad:
                o = tl.view_as_real(o) if o.is_complex() else o
                o.sum().backward(retain_graph=True)
        for x in xs:
            if isinstance(x, tl.Tensor) and x.grad is not None:
                assert x.grad.dtype == x.dtype


def strided(a):
    """The same values in memory with gaps, the last dimension backwards."""
    if not isinstance(a, np.ndarray) or not a.ndim:
        return a
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1] + 1), a.dtype)
    view = wide[..., 1::2][..., ::-1]
    view[...] = a
    return view


@pytest.mark.parametrize("name", sorted(set(OPS) - {"strides._strided", "complex.view_as_complex"}))
def test_memory_layout_does_not_matter(name):
    op = OPS[name].primitive
    for args, settings in CALLS[name][:3]:
        with np.errstate(all="ignore"):
            a = op.forward(*args, **settings)
            b = op.forward(*[strided(x) for x in args], **settings)
        for x, y in zip(a if isinstance(a, tuple) else (a,), b if isinstance(b, tuple) else (b,)):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(OPS) - {"strides._strided", "complex.view_as_complex"}))
def test_elements_may_share_memory(name):
    op = OPS[name].primitive
    for args, settings in CALLS[name][:3]:
        for i, x in enumerate(args):
            for shared in overlapping(x) if isinstance(x, np.ndarray) and x.dtype.kind in "fc" else ():
                with np.errstate(all="ignore"), contextlib.suppress(tl.linalg.LinAlgError):
                    a = op.forward(*args[:i], np.array(shared, order="C"), *args[i + 1 :], **settings)
                    b = op.forward(*args[:i], shared, *args[i + 1 :], **settings)
                    for u, v in zip(a if isinstance(a, tuple) else (a,), b if isinstance(b, tuple) else (b,)):
                        np.testing.assert_allclose(u, v, rtol=1e-9, atol=1e-12)


@pytest.fixture
def read_only(monkeypatch):
    """The debugging switch: incoming gradients and everything a node kept refuse writes while its vjps run."""
    plain = engine.PrimitiveNode.apply

    def arrays(values):
        for v in values:
            v = v._data if isinstance(v, tl.Tensor) else v
            if isinstance(v, np.ndarray):
                yield v
            elif isinstance(v, (tuple, list)):
                yield from arrays(v)

    def apply(node, g, taped, needed=None):
        locked = [a for a in arrays([g, node.kept or ()]) if a.flags.writeable]
        for a in locked:
            a.flags.writeable = False
        try:
            return plain(node, g, taped, needed)
        finally:
            for a in locked:
                a.flags.writeable = True

    monkeypatch.setattr(engine.PrimitiveNode, "apply", apply)


@pytest.mark.parametrize("name", sorted(n for n in OPS if OPS[n].primitive.differentiable))
def test_vjps_do_not_write_into_what_they_get(name, read_only):
    for call in CALLS[name][:2]:
        which = differentiable(name, call)
        if which:
            function, xs = function_of(name, call, which)
            before = [x.detach().clone() for x in xs]
            for o in [o for o in function(*xs) if o.requires_grad]:
                (tl.view_as_real(o) if o.is_complex() else o).sum().backward(retain_graph=True)
            for x, old in zip(xs, before):
                assert np.array_equal(x.detach().numpy(), old.numpy(), equal_nan=True)


@pytest.mark.parametrize("name", sorted(n for n in OPS if {"dim", "dim0"} & set(OPS[n].primitive.settings)))
def test_dimensions_out_of_range(name):
    if name.split(".")[1].startswith("_") or name in ("shape.narrow", "shape.split_with_sizes"):
        pytest.skip("called with checked dimensions only")
    args, settings = CALLS[name][0]
    key = "dim" if "dim" in settings else "dim0"
    with pytest.raises(
        IndexError, match=r"Dimension out of range \(expected to be in range of \[-\d, \d\], but got 9\)"
    ):
        OPS[name](*tensors(args, grad=False), **{**settings, key: 9})


# -- the vjps themselves ---------------------------------------------------------------------------


def codes(code):
    """A code object and those inside it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from codes(const)


#: Attributes that vjps may read: shapes, and what belongs to Python numbers, lists and strings.
ALLOWED = {"shape", "append", "inf", "nan", "pi", "prod", "log", "sqrt", "split", "join"}


#: vjps with a branch for raw arrays (fewer calls, several threads); on tensors they are the plain expression.
RAW_BRANCH = {"linalg.linear", "unary.relu"}


def test_vjps_use_operators_and_primitives_only():
    wrong = []
    for name, op in OPS.items():
        if op.primitive.reference is not None or name in RAW_BRANCH:
            continue
        vjps = [*op.primitive.vjps.values(), *([op.primitive.joint] if op.primitive.joint else [])]
        for vjp in vjps:
            for code in codes(vjp.__code__):
                for step in dis.get_instructions(code):
                    if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and step.argval not in ALLOWED:
                        wrong.append(f"{name}: .{step.argval}")
                    if step.opname == "LOAD_GLOBAL" and step.argval == "np":
                        wrong.append(f"{name}: np")
    assert not wrong


# -- without SciPy ---------------------------------------------------------------------------------


def test_special_functions_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    x = tl.tensor([0.5, 1.5])
    for name in ("erf", "erfc", "erfinv", "gammaln", "digamma", "i0", "ndtr", "erfcx"):
        assert tl.isfinite(getattr(tl.special, name)(x / 2)).all()
    with pytest.raises(ImportError, match=r'pip install "tensorlite\[special\]"'):
        tl.special.i1(x)


def test_gamma_functions_match_python_math():
    import math

    x = np.concatenate([np.linspace(-4.31, -0.12, 57), np.linspace(0.05, 40, 400)])
    np.testing.assert_allclose(tl.lgamma(tl.tensor(x)).numpy(), [math.lgamma(v) for v in x], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(
        tl.special.erfc(tl.tensor(x)).numpy(), [math.erfc(v) for v in x], rtol=1e-12, atol=1e-300
    )
    np.testing.assert_allclose(tl.erf(tl.tensor(x)).numpy(), [math.erf(v) for v in x], rtol=1e-14)
    y = x[np.abs(x) < 4].astype(np.float32)
    np.testing.assert_allclose(tl.erf(tl.tensor(y)).numpy(), [math.erf(float(v)) for v in y], rtol=4e-7)


def test_rows_that_repeat_add_up_exactly():
    rng = np.random.default_rng(0)
    for height, count in ((5000, 3000), (50, 3000), (7, 4)):  # few repetitions, many, a handful
        rows = rng.integers(-height, height, count)
        g = rng.integers(-4, 5, (count, 6)).astype(np.float32)
        expected = np.zeros((height, 6), np.float32)
        np.add.at(expected, rows, g)
        x = tl.zeros(height, 6, requires_grad=True)
        x[tl.tensor(rows)].backward(tl.tensor(g))
        assert np.array_equal(x.grad.numpy(), expected)


def test_choose_is_where():
    from tensorlite.ops.choose import choose

    rng = np.random.default_rng(0)
    for n in (10, 5000, 40000):
        mask = rng.random(n) > 0.5
        for d in (np.float16, np.float32, np.float64, np.int64):
            a, b = (rng.standard_normal((2, n)) * 9).astype(d)
            for x in (a, a[0].reshape(()), np.zeros((), d)):
                for y in (b, b[1].reshape(()), np.zeros((), d)):
                    assert np.array_equal(choose(mask, x, y), np.where(mask, x, y))
    nan = np.where(mask, np.nan, 1.0)
    assert np.array_equal(choose(~mask, nan, np.zeros(())), np.where(mask, 0.0, 1.0))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32, np.int64])
def test_negation_in_place_of_any_stride(kind):
    for stride in range(1, 9):  # NumPy's own errs for some
        base = np.arange(1, 8 * 20 + 1).astype(kind)
        t = tl.from_numpy(base.copy())
        t[::stride].neg_()
        expected = base.copy()
        expected[::stride] = [-n for n in base[::stride].tolist()]
        assert np.array_equal(t.numpy(), expected)


def test_infinities_and_nan_are_quiet():
    code = (
        "import numpy as np, tensorlite as tl\n"
        "x = tl.full((3, 3), 3e38, requires_grad=True)\n"
        "(x @ x * x - x / 0).sum().backward()\n"
        "(x.half(), x.detach().int(), x.sum(), x.var(), x.norm(), x.cumsum(0), x.detach().square_(), tl.inf * x - tl.inf * x)\n"
        "np.float32(3e38) * np.float32(3e38)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "Warning" in line]
    assert len(said) == 1 and said[0].startswith("<string>:5:"), done.stderr  # the user's own arithmetic still warns
