"""Functions of one's own, modes, checks, derivatives of functions, anomaly mode, saved-tensor hooks, checkpoints."""

import contextlib
import io
import warnings

import numpy as np
import pytest

import tensorlite as tl
from tensorlite.autograd import Function, functional, gradcheck, gradgradcheck, graph
from tensorlite.autograd import forward_ad as fwd
from tensorlite.autograd.function import once_differentiable
from tensorlite.autograd.gradcheck import GradcheckError
from tensorlite.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


def leaf(*values, dtype=None):
    return tl.tensor(values, dtype=dtype or tl.float64, requires_grad=True)


# -- modes -----------------------------------------------------------------------------------------


def test_modes_as_contexts_and_decorators():
    @tl.no_grad
    def plain():
        return tl.is_grad_enabled()

    @tl.no_grad()
    def called():
        return tl.is_grad_enabled()

    @tl.inference_mode()
    def inferring():
        return tl.is_grad_enabled(), tl.is_inference_mode_enabled()

    @tl.set_grad_enabled(False)
    def setting():
        return tl.is_grad_enabled()

    assert tl.is_grad_enabled()
    assert not plain() and not called() and not setting() and inferring() == (False, True)
    with tl.no_grad(), tl.enable_grad():
        assert tl.is_grad_enabled()
    mode = tl.no_grad()
    with mode, mode:
        pass
    assert tl.is_grad_enabled()
    tl.set_grad_enabled(False)
    assert not tl.is_grad_enabled()
    tl.set_grad_enabled(True)


def test_decorated_generator_runs_in_its_mode_and_yields_in_the_callers():
    @tl.no_grad()
    def steps():
        got = yield tl.is_grad_enabled()
        try:
            yield got, tl.is_grad_enabled()
        except ValueError:
            yield tl.is_grad_enabled()

    it = steps()
    assert next(it) is False and tl.is_grad_enabled()
    assert it.send(3) == (3, False) and tl.is_grad_enabled()
    assert it.throw(ValueError()) is False and tl.is_grad_enabled()


# -- Function --------------------------------------------------------------------------------------


class Product(Function):
    @staticmethod
    def forward(ctx, a, b, scale):
        ctx.save_for_backward(a, b)
        ctx.scale = scale
        return a * b * scale, a + b

    @staticmethod
    def backward(ctx, g, h):
        a, b = ctx.saved_tensors
        return g * b * ctx.scale + h, g * a * ctx.scale + h, None


class Power(Function):
    @staticmethod
    def forward(x, n):
        return x**n

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.n = inputs[1]

    @staticmethod
    def backward(ctx, g):
        return g * ctx.n * ctx.saved_tensors[0] ** (ctx.n - 1), None


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


@pytest.mark.parametrize(
    "fn", [lambda a, b: Product.apply(a, b, 2.0), lambda a, b: Power.apply(a, 3) * b, lambda a, b: Exp.apply(a) * b]
)
def test_functions_of_any_order(fn):
    a, b = leaf(0.5, -1.2), leaf(1.5, 0.3)
    assert gradcheck(fn, (a, b)) and gradgradcheck(fn, (a, b))


def test_function_node_and_context():
    a, b = leaf(1.0), leaf(2.0)
    p, q = Product.apply(a, b.detach(), 3.0)
    assert type(p.grad_fn).__name__ == "ProductBackward" and p.grad_fn is q.grad_fn
    assert p.grad_fn.needs_input_grad == (True, False, False) and p.grad_fn.scale == 3.0
    p.sum().backward()
    assert a.grad.item() == 6.0 and b.grad is None
    with pytest.raises(RuntimeError, match="second time"):
        q.sum().backward()
    with tl.no_grad():
        assert not Exp.apply(a).requires_grad


def test_dirty_inputs():
    class Triple(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(3)

        @staticmethod
        def backward(ctx, g):
            return g * 3

    x = leaf(1.0, 2.0)
    z = x * 1
    assert Triple.apply(z[1:]) is not None
    z.sum().backward()
    assert x.grad.tolist() == [1.0, 3.0]
    with pytest.raises(RuntimeError, match="leaf Variable"):
        Triple.apply(leaf(1.0))


def test_non_differentiable_outputs_and_missing_gradients():
    class Max(Function):
        @staticmethod
        def forward(ctx, x):
            v, i = x.max(0)
            ctx.mark_non_differentiable(i)
            ctx.set_materialize_grads(False)
            ctx.i, ctx.n = i, x.shape[0]
            return v, i

        @staticmethod
        def backward(ctx, g, gi):
            assert gi is None
            out = tl.zeros(ctx.n, dtype=tl.float64)
            out[ctx.i] = g
            return out

    x = leaf(1.0, 5.0, 2.0)
    v, i = Max.apply(x)
    assert not i.requires_grad
    v.backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


def test_wrong_numbers_and_kinds_of_gradients():
    def make(result):
        class Wrong(Function):
            forward = staticmethod(lambda ctx, a, b: a * b)
            backward = staticmethod(lambda ctx, g: result(g))

        return Wrong.apply(leaf(1.0, 2.0), leaf(1.0, 2.0)).sum()

    with pytest.raises(
        RuntimeError, match=r"WrongBackward returned an incorrect number of gradients \(expected 2, got 1\)"
    ):
        make(lambda g: g).backward()
    with pytest.raises(RuntimeError, match="expected Variable or None"):
        make(lambda g: (1.0, g)).backward()
    with pytest.raises(RuntimeError, match="invalid gradient at index 1"):
        make(lambda g: (g, tl.ones(3, dtype=tl.float64))).backward()
    make(lambda g: (g, g.expand(4, 2))).backward()  # summed back, as PyTorch does
    make(lambda g: (g, None, None)).backward()


def test_gradients_of_a_function_are_never_taken_over():
    kept = tl.ones(2, dtype=tl.float64)

    class Constant(Function):
        forward = staticmethod(lambda ctx, x: x * 1)
        backward = staticmethod(lambda ctx, g: kept)

    x = leaf(1.0, 2.0)
    (Constant.apply(x) + x).sum().backward()
    x.grad.zero_()
    assert kept.tolist() == [1.0, 1.0]


def test_once_differentiable():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0]

    x = leaf(3.0)
    weight = leaf(1.0)
    (g,) = tl.autograd.grad((Square.apply(x) * weight).sum(), x, create_graph=True)
    assert g.item() == 6.0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


def test_changed_saved_tensor_is_an_error():
    y = Exp.apply(leaf(1.0))
    with tl.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


# -- checks ----------------------------------------------------------------------------------------


def test_gradcheck_finds_wrong_gradients():
    class Wrong(Function):
        forward = staticmethod(lambda ctx, x: x * 2)
        backward = staticmethod(lambda ctx, g: g * 2.1)

    x = leaf(1.0, 2.0)
    with pytest.raises(
        GradcheckError, match=r"(?s)Jacobian mismatch for output 0 with respect to input 0.*numerical.*analytical"
    ):
        gradcheck(Wrong.apply, x)
    assert gradcheck(Wrong.apply, x, raise_exception=False) is False
    assert gradcheck(Wrong.apply, x, raise_exception=False, fast_mode=True) is False
    assert gradcheck(lambda x: x.detach() * x, x, raise_exception=False) is False


def test_gradcheck_options():
    x = leaf(1.0, 2.0)
    everything = dict(check_batched_grad=True, check_grad_dtypes=True, check_forward_ad=True)
    assert gradcheck(lambda x: (x * x, x.sum()), x, **everything)
    assert gradcheck(lambda x: x * x, x, fast_mode=True)
    assert gradgradcheck(lambda x: x**3, x, gen_non_contig_grad_outputs=True, check_fwd_over_rev=True)
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x, tl.ones(1))
    with pytest.warns(UserWarning, match="double precision"):
        gradcheck(lambda x: x * 1, tl.ones(1, requires_grad=True), eps=1e-2, atol=1e-2)


def test_gradcheck_of_complex_functions():
    z = tl.tensor([1.0 + 0.5j, -0.3 + 2j], dtype=tl.complex128, requires_grad=True)
    assert gradcheck(lambda z: (z * z, z.exp(), z.abs(), z.conj() * z), z)
    assert gradgradcheck(lambda z: (z * z * z, z.abs()), z)


# -- functional ------------------------------------------------------------------------------------

CALLS = {
    "jacobian": lambda m, f, x, y: f.jacobian(lambda x, y: (x * y).sin(), (x, y)),
    "jacobian of two": lambda m, f, x, y: f.jacobian(lambda x: (x.sum(), x * 2), x),
    "hessian": lambda m, f, x, y: f.hessian(lambda x, y: ((x * y).sin() ** 2).sum(), (x, y)),
    "vjp": lambda m, f, x, y: f.vjp(lambda x, y: (x * y).sin(), (x, y), x.detach()),
    "jvp": lambda m, f, x, y: f.jvp(lambda x, y: (x * y).sin(), (x, y), (x.detach(), y.detach())),
    "hvp": lambda m, f, x, y: f.hvp(lambda x: (x**3).sum(), x, x.detach()),
    "vhp": lambda m, f, x, y: f.vhp(lambda x: (x**3).sum(), x, x.detach()),
    "with a graph": lambda m, f, x, y: f.jacobian(lambda x: x**2, x.requires_grad_(), create_graph=True),
}


@pytest.mark.parametrize("name", CALLS)
def test_functional_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    x, y = [[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]], [1.0, 0.2, -0.4]
    results = []
    for m, f in ((tl, functional), (torch, torch.autograd.functional)):
        results.append(CALLS[name](m, f, m.tensor(x, dtype=m.float64), m.tensor(y, dtype=m.float64)))

    def flat(r):
        return [z for part in r for z in flat(part)] if isinstance(r, tuple) else [r]

    for a, b in zip(*map(flat, results), strict=True):
        assert tuple(a.shape) == tuple(b.shape) and a.requires_grad == b.requires_grad
        np.testing.assert_allclose(a.tolist(), b.tolist(), rtol=1e-9)


def test_strict_mode_finds_independence():
    with pytest.raises(RuntimeError, match="is independent of input 1"):
        functional.jacobian(lambda x, y: x * 2, (leaf(1.0), leaf(1.0)), strict=True)


def test_forward_mode():
    x = tl.tensor([1.0, 3.0])
    with fwd.dual_level():
        d = fwd.make_dual(x, tl.tensor([1.0, 2.0]))
        out = fwd.unpack_dual(d * d)
        assert out.primal.tolist() == [1.0, 9.0] and out.tangent.tolist() == [2.0, 12.0]
        assert fwd.unpack_dual(x).tangent is None
    with pytest.raises(RuntimeError, match="no level exists"):
        fwd.make_dual(x, x)


# -- anomaly mode, hooks on what is saved, checkpoints ------------------------------------------------


def test_anomaly_in_backward_names_operation_ranges_and_line():
    x = leaf(0.0, 4.0)
    with tl.autograd.detect_anomaly():
        y = (x.sqrt() * tl.tensor([0.0, 1.0])).sum()
        with pytest.raises(RuntimeError, match=r"(?s)'SqrtBackward0' returned nan values in its 0th output.*from 0 to 2.*"
                           r"test_autograd.py:\d+"):  # fmt: skip
            y.backward()
    assert not tl.autograd.anomaly_mode.is_anomaly_enabled()
    (x.sqrt() * tl.tensor([0.0, 1.0])).sum().backward()


def test_anomaly_in_forward_is_a_warning():
    x = leaf(-1.0, 4.0)
    with tl.autograd.set_detect_anomaly(True):
        with pytest.warns(RuntimeWarning, match=r"(?s)'log' was the first to return nan.*from -1 to 4"):
            y = x.log() * 2
    assert np.isnan(y.tolist()[0])


def test_saved_tensor_hooks():
    seen = []

    def pack(t):
        seen.append(tuple(t.shape))
        return t.numpy().copy()  # what is kept comes without its history, leaves too

    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    with graph.saved_tensors_hooks(pack, tl.from_numpy):
        y = (x * w).exp()
        z = Exp.apply(y)
    z.sum().backward(retain_graph=True)
    assert len(seen) == 4
    plain = x.detach().requires_grad_()
    (plain * w).exp().exp().sum().backward()
    assert x.grad.tolist() == plain.grad.tolist()
    assert gradgradcheck(lambda a: _hooked(a), leaf(0.5))
    with (
        graph.disable_saved_tensors_hooks("not here"),
        pytest.raises(RuntimeError, match="not here"),
        graph.save_on_cpu(),
    ):
        pass


def _hooked(a):
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        return (a * a).exp()


def test_multi_grad_hook():
    seen = []
    p, q = leaf(1.0), leaf(2.0)
    handle = graph.register_multi_grad_hook(
        [p, q], lambda gs: seen.append([None if g is None else g.item() for g in gs])
    )
    (p * 3 + q).sum().backward()
    (p * 3).sum().backward()
    handle.remove()
    (p * 3).sum().backward()
    assert seen == [[3.0, 1.0], [3.0, None]]


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoint_computes_the_same_again(reentrant):
    w = tl.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=tl.float64, requires_grad=True)
    runs = []

    def part(x):
        runs.append(1)
        return ((x @ w).tanh() * (tl.rand(2, dtype=tl.float64) > 0.5)).exp() * x

    def loss(fn):
        tl.manual_seed(1)
        x = leaf(1.0, 2.0)
        y = fn(x * 2).sum()
        after = tl.rand(1).item()
        y.backward()
        gradients = x.grad.tolist(), w.grad.tolist()
        w.grad = None
        return y.item(), after, gradients, tl.rand(1).item()

    plain = loss(part)
    runs.clear()
    again = loss(lambda x: checkpoint(part, x, use_reentrant=reentrant))
    assert plain == again and len(runs) == 2


def test_checkpoint_keeps_nothing_and_differentiates_twice():
    x = leaf(0.5, 1.5)
    fn = lambda x: checkpoint(lambda x: x.exp() * x, x, use_reentrant=False)
    y = fn(x)
    assert callable(y._node.kept)
    assert gradcheck(fn, x) and gradgradcheck(fn, x)
    assert gradcheck(lambda x: checkpoint_sequential([tl.exp, tl.sin, tl.cos], 2, x, use_reentrant=False), x)


def test_checkpoint_that_changes_its_mind():
    runs = []

    def part(x):
        runs.append(1)
        return x.exp() if len(runs) == 1 else x.sin() * x

    y = checkpoint(part, leaf(1.0), use_reentrant=False)
    with pytest.raises(CheckpointError):
        y.sum().backward()


def test_the_same_scripts_print_the_same_as_pytorch():
    torch = pytest.importorskip("torch")

    def script(torch):
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            def backward(ctx, g):
                return g * 3 * ctx.saved_tensors[0] ** 2

        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = Cube.apply(x)
        print(type(y.grad_fn).__name__, y.requires_grad, y.is_leaf)
        (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        print(g.tolist(), torch.autograd.grad(g.sum(), x)[0].tolist())
        v = torch.autograd.Variable(torch.ones(2), requires_grad=True)
        print(isinstance(v, torch.autograd.Variable), v.requires_grad)
        h = v.register_hook(lambda g: g * 2)
        (v * v).sum().backward()
        print(v.grad.tolist())
        h.remove()

    printed = []
    for module in (tl, torch):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            script(module)
        printed.append(out.getvalue())
    assert printed[0] == printed[1]


def test_gradgradcheck_draws_as_pytorch_does():
    torch = pytest.importorskip("torch")
    after = []
    for lib in (tl, torch):
        lib.manual_seed(0)
        x = lib.tensor([0.5, 2.0], dtype=lib.float64, requires_grad=True)
        assert lib.autograd.gradgradcheck(lambda x: x**3, (x,))
        after.append(lib.rand(3).tolist())
    assert after[0] == after[1]
