"""The tape keeps its promises: what is kept, how gradients arrive, when it complains."""

import gc
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import engine
from tensorlite.autograd import gradcheck, gradgradcheck
from tensorlite.engine import Watcher, primitive, sum_to, watching, wrap


def leaf(*values, dtype=None):
    return tl.tensor(values, dtype=dtype or tl.float64, requires_grad=True)


def random_leaf(*shape, seed=0):
    a = np.random.default_rng(seed).standard_normal(shape)
    return tl.tensor(a.tolist(), dtype=tl.float64, requires_grad=True)


# -- what is kept ----------------------------------------------------------------------------------


def test_addition_keeps_nothing():
    assert (leaf(1.0) + leaf(2.0))._node.kept == ()


def test_only_what_the_wanted_gradients_need_is_kept():
    x, w = tl.ones(4, 3), tl.ones(3, 2, requires_grad=True)
    node = (x @ w)._node
    assert len(node.edges) == 1 and node.edges[0] is w._node
    assert any(k is x._data for k in node.kept) and not any(k is w._data for k in node.kept)


def test_each_mask_keeps_the_other_factor():
    a, b = leaf(2.0), leaf(3.0)
    fixed = a.detach()
    assert [k is b._data for k in (fixed * b)._node.kept] == [False]
    assert [k is b._data for k in (a * b.detach())._node.kept] == [True]
    assert len((a * b)._node.kept) == 2


def test_kept_values_are_freed_by_backward_and_the_second_one_is_an_error():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    node = y._node.edges[0]
    y.backward()
    assert node.kept is None
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    z = x.sum() + 1  # keeps no values: PyTorch allows this one
    z.backward()
    z.backward()
    assert x.grad.tolist() == [4.0, 6.0]


def test_retain_graph():
    x = leaf(3.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12.0


def test_vjp_that_names_nothing_known_is_refused():
    @primitive
    def strange(x):
        return x

    with pytest.raises(TypeError, match="unknown parameter"):
        strange.vjp(x=lambda g, color: g)
    with pytest.raises(TypeError, match="no array argument"):
        strange.vjp(y=lambda g: g)


def test_argument_without_derivative_is_refused():
    @primitive(nondiff=("mask",))
    def masked(x, mask):
        return x * mask

    masked.vjp(x=lambda g, mask: g * mask)
    assert masked(leaf(1.0, 2.0), tl.tensor([0.0, 1.0])).requires_grad
    with pytest.raises(RuntimeError, match="'mask' is not differentiable"):
        masked(leaf(1.0, 2.0), leaf(0.0, 1.0))


# -- second order for every kind of primitive -----------------------------------------------------


@primitive(outputs=("y", "scale"), constant=("scale",))
def fused_norm(x, weight, *, eps):
    mean = np.add.reduce(x, axis=0, keepdims=True) / x.shape[0]
    centred = x - mean
    scale = 1 / np.sqrt(np.add.reduce(centred * centred, axis=0, keepdims=True) / x.shape[0] + eps)
    return centred * scale * weight, scale


@fused_norm.joint_vjp
def _fused_norm_vjp(g, x, weight, scale, needs):
    n = x.shape[0]
    h = (x - x.mean(axis=0)) * scale
    gh = g * weight
    gx = scale / n * (n * gh - gh.sum(axis=0) - h * (gh * h).sum(axis=0)) if needs[0] else None
    return gx, (g * h).sum(axis=0) if needs[1] else None


@fused_norm.reference
def _fused_norm_reference(x, weight, *, eps):
    centred = x - x.mean(0, keepdim=True)
    return centred * ((centred * centred).mean(0, keepdim=True) + eps) ** -0.5 * weight


CASES = {
    "cat": lambda a, b: tl.cat([a, b, a * b], dim=1) ** 2,
    "stack": lambda a, b: tl.stack([a, b]) ** 2,
    "split": lambda a, b: (a.split(1)[1] * b.split(1)[0]) ** 2,
    "unbind": lambda a, b: (a.unbind(1)[0] * b.unbind(1)[2]) ** 2,
    "max with indices": lambda a, b: (a * b).max(dim=1)[0] ** 2,
    "mask": lambda a, b: (a * (b.detach() > 0)) * b * a,
    "fused norm": lambda a, b: fused_norm(a, b[0], eps=1e-3)[0] ** 2,
    "broadcast": lambda a, b: (a * b[:1]) ** 2,
    "in place": lambda a, b: _assigned(a, b) ** 2,
    "matmul": lambda a, b: (a @ b.t()) ** 2,
}


def _assigned(a, b):
    x = (a * 1.0).clone()
    x[1][1:] = b[0, 1:] * b[1, 1:]
    x[0].mul_(b[0])
    return x


@pytest.mark.parametrize("name", CASES)
def test_first_and_second_order(name):
    a, b = random_leaf(3, 3), random_leaf(3, 3, seed=1)
    assert gradcheck(CASES[name], (a, b))
    assert gradgradcheck(CASES[name], (a, b))


def test_third_order():
    x = leaf(2.0)
    (g,) = tl.autograd.grad((x**4).sum(), x, create_graph=True)
    (h,) = tl.autograd.grad(g.sum(), x, create_graph=True)
    (k,) = tl.autograd.grad(h.sum(), x)
    assert (g.item(), h.item(), k.item()) == (32.0, 48.0, 48.0)


# -- grad() and backward() ------------------------------------------------------------------------


def test_grad_leaves_grad_attributes_alone_and_visits_only_what_leads_there():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (g,) = tl.autograd.grad((x * w).sum(), x)
    assert g.tolist() == [3.0, 4.0] and x.grad is None and w.grad is None


def test_grad_of_an_intermediate_result():
    x = leaf(2.0)
    y = x * 3
    z = y * y
    assert [g.item() for g in tl.autograd.grad(z, (y, x))] == [12.0, 36.0]


def test_unused_inputs():
    x, unused = leaf(1.0), leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="not have been used in the graph"):
        tl.autograd.grad(x.sum(), unused)
    assert tl.autograd.grad(x.sum(), unused, allow_unused=True) == (None,)
    assert tl.autograd.grad(x.sum(), unused, materialize_grads=True)[0].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="allow_unused"):
        tl.autograd.grad(x.sum(), unused, allow_unused=False, materialize_grads=True)
    with pytest.raises(RuntimeError, match="cannot be empty"):
        tl.autograd.grad(x.sum(), ())


def test_batched_grads():
    x = leaf(1.0, 2.0)
    (rows,) = tl.autograd.grad(x * x, x, tl.eye(2, dtype=tl.float64), is_grads_batched=True)
    assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_backward_into_chosen_inputs():
    x, w = leaf(1.0), leaf(2.0)
    y = x * w
    (y * y).sum().backward(inputs=[w])
    assert x.grad is None and w.grad.item() == 4.0
    with pytest.raises(RuntimeError, match="cannot be empty"):
        (x * w).sum().backward(inputs=[])


def test_what_cannot_be_differentiated():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad"):
        tl.ones(1).sum().backward()
    with pytest.raises(RuntimeError, match=r"grad_output\[0\] has a shape of torch.Size\(\[3\]\)"):
        (x * 2).backward(tl.ones(3, dtype=tl.float64))
    with pytest.raises(TypeError, match="gradients can be either Tensors or None"):
        (x * 2).backward(1.0)


def test_leaf_gradients_never_share_memory():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).sum().backward()
    a.grad.zero_()
    assert b.grad.tolist() == [1.0, 1.0]
    a.grad = b.grad = None
    (a + b).sum().backward(create_graph=True)
    a.grad.detach().zero_()
    assert b.grad.tolist() == [1.0, 1.0]


def test_the_gradient_that_was_given_is_not_taken_over():
    x, given = leaf(1.0, 2.0), tl.ones(2, dtype=tl.float64)
    x.backward(given)
    x.grad.zero_()
    (x * 1).backward(given)
    assert given.tolist() == [1.0, 1.0]


def test_gradients_accumulate_in_place():
    x = leaf(1.0)
    (x * 2).sum().backward()
    held = x.grad
    (x * 3).sum().backward()
    assert x.grad is held and held.item() == 5.0


def test_gradients_have_the_dtype_of_their_tensor():
    x = tl.ones(2, requires_grad=True)
    (x * tl.ones(2, dtype=tl.float64)).sum().backward()
    assert x.grad.dtype == tl.float32
    assert not x.long().requires_grad
    k = tl.tensor([1, 2]) * x
    assert k.dtype == tl.float32 and k.requires_grad


def test_results_are_arrays_also_without_dimensions():
    x = leaf(2.0).sum()
    for y in (x * x, x + 1, -x, x.exp(), x.max(), x**2):
        assert type(y._data) is np.ndarray and y._data.shape == ()


def test_backward_inside_backward():
    inner = []
    x = leaf(2.0)

    def hook(g):
        z = leaf(3.0)
        with tl.enable_grad():
            (z * z).sum().backward()
        inner.append(z.grad.item())
        return g * 10

    y = x * 1
    y.register_hook(hook)
    (y * y).sum().backward()
    assert inner == [6.0] and x.grad.item() == 40.0


# -- hooks -----------------------------------------------------------------------------------------


def test_tensor_hooks_run_in_order_and_change_gradients():
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()) or g * 2)
    handle = x.register_hook(lambda g: seen.append(g.item()))
    (x * 3).sum().backward()
    assert seen == [3.0, 6.0] and x.grad.item() == 6.0
    handle.remove()
    handle.remove()
    (x * 3).sum().backward()
    assert seen == [3.0, 6.0, 3.0] and x.grad.item() == 12.0


def test_hook_sees_the_sum_of_all_paths():
    x = leaf(2.0)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    (y * 3 + y * y).sum().backward()
    assert seen == [7.0]


def test_hook_on_one_of_several_outputs_sees_second_order_gradients_too():
    x = leaf(1.0, 5.0)
    values, _ = x.reshape(1, 2).max(dim=1)
    seen = []
    values.register_hook(lambda g: seen.append(g.tolist()))
    (g,) = tl.autograd.grad((values * values).sum(), x, create_graph=True)
    (g * g).sum().backward()
    assert seen == [[10.0], [40.0]]


@pytest.mark.parametrize("answer", ["text", None, "shape"])
def test_what_a_hook_returns_is_checked(answer):
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: tl.ones(3) if answer == "shape" else answer)
    if answer is None:
        x.sum().backward()
    else:
        with pytest.raises(RuntimeError if answer == "shape" else TypeError):
            x.sum().backward()


def test_post_accumulate_and_node_hooks():
    x = leaf(1.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(("accumulated", t.grad.item())))
    y = x * 2
    y.grad_fn.register_prehook(lambda gs: seen.append(("before", gs[0].item())) or (gs[0] * 10,))
    y.grad_fn.register_hook(lambda ins, outs: seen.append(("after", ins[0].item(), outs[0].item())))
    y.sum().backward()
    assert seen == [("before", 1.0), ("after", 20.0, 10.0), ("accumulated", 20.0)]
    x.register_post_accumulate_grad_hook(lambda t: t.grad.mul_(0))  # a tensor that it returns is no matter
    x.sum().backward()
    assert x.grad.item() == 0
    x.register_post_accumulate_grad_hook(lambda t: 5)
    with pytest.raises(TypeError, match="expected Variable, but hook returned 'int'"):
        x.sum().backward()


def test_retain_grad():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.item() == 4.0 and y.retains_grad


def test_names_and_edges_read_like_pytorch():
    x = leaf(1.0, 2.0)
    y = x * 2
    node = y.grad_fn
    assert node.name() == "MulBackward0" and type(node).__name__ == "MulBackward0"
    assert repr(node).startswith("<MulBackward0 object at 0x")
    assert (
        node.next_functions[0][0].name() == "torch::autograd::AccumulateGrad"
        and node.next_functions[0][0].variable is x
    )
    node.metadata["note"] = 1
    assert y.grad_fn.metadata == {"note": 1}


# -- size and memory -------------------------------------------------------------------------------


def test_a_chain_of_100_000_operations():
    def seconds(n):
        x = leaf(1.0)
        start = time.perf_counter()
        y = x
        for _ in range(n):
            y = y + x
        y.sum().backward()
        assert x.grad.item() == n + 1
        del y
        return time.perf_counter() - start

    short = min(seconds(10_000) for _ in range(2))
    assert seconds(100_000) < 40 * short


def test_training_leaves_no_cycles():
    w = random_leaf(8, 8)
    x = tl.ones(4, 8, dtype=tl.float64)

    def step():
        y = (x @ w).tanh() + 1
        y[0] = 0.0
        values, _ = y.max(dim=1)
        parts = tl.cat([values, values]).split(2)
        (parts[0] * parts[1]).sum().backward()
        w.grad = None

    step()
    gc.collect()
    gc.disable()
    try:
        for _ in range(200):
            step()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_intermediate_results_are_freed_when_nobody_needs_them():
    import weakref

    x = leaf(1.0, 2.0)
    y = x + 1
    gone = weakref.ref(y)
    z = y + 1
    del y
    assert gone() is None
    z.sum().backward()


def test_two_threads_train_at_once():
    def train(result, seed):
        w = random_leaf(4, 4, seed=seed)
        for _ in range(50):
            (w * w).sum().backward()
            with tl.no_grad():
                w -= 0.1 * w.grad
            w.grad = None
        result[seed] = w.tolist()

    together, alone = {}, {}
    threads = [threading.Thread(target=train, args=(together, s)) for s in (1, 2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    train(alone, 1)
    train(alone, 2)
    assert together == alone


def test_threads_may_share_a_leaf():
    w = tl.zeros(1000, requires_grad=True)

    def work():
        for _ in range(100):
            (w * 1.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert w.grad.unique().tolist() == [200.0]


def test_grad_mode_belongs_to_a_thread():
    seen = []
    with tl.no_grad():
        t = threading.Thread(target=lambda: seen.append(tl.is_grad_enabled()))
        t.start()
        t.join()
    assert seen == [True]


# -- errors and watchers ---------------------------------------------------------------------------


def test_a_changed_value_is_an_error_that_names_operation_and_shape():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y += 1
    with pytest.raises(
        RuntimeError, match=r"modified by an inplace operation: \[torch.DoubleTensor \[2\]\].*ExpBackward0"
    ):
        y.sum().backward()


def test_with_anomaly_mode_it_names_the_line():
    x = leaf(1.0, 2.0)
    with tl.autograd.set_detect_anomaly(True):
        y = x.exp()
        y += 1
        with pytest.raises(RuntimeError, match=r"recorded at .*test_engine.py:\d+"):
            y.sum().backward()


def test_a_vjp_of_the_wrong_shape_is_an_error():
    @primitive
    def halved(x):
        return x[:1]

    halved.vjp(x=lambda g: g)
    with pytest.raises(RuntimeError, match="HalvedBackward0 returned an invalid gradient at index 0"):
        halved(leaf(1.0, 2.0)).sum().backward()


def test_watchers_nest_and_leave():
    class Log(Watcher):
        def __init__(self, name, log):
            self.name, self.log = name, log

        def forward(self, prim, args, settings, raw):
            self.log.append((self.name, prim.name))
            return super().forward(prim, args, settings, raw)

        def backward(self, node, g, taped, needed):
            self.log.append((self.name, node.name()))
            return super().backward(node, g, taped, needed)

        def accumulate(self, leaf, g):
            self.log.append((self.name, "grad"))
            super().accumulate(leaf, g)

    log = []
    x = leaf(2.0)
    outer = Log("outer", log)
    with watching(outer), watching(Log("inner", log)):
        with pytest.raises(RuntimeError, match="already watching"), watching(outer):
            pass
        (x * 3).sum().backward()
    assert [e for e in log if e[0] == "inner"] == [
        ("inner", n) for n in ("mul", "sum", "SumBackward0", "MulBackward0", "grad")
    ]
    assert [n for name, n in log if name == "outer"] == [n for name, n in log if name == "inner"]
    assert engine.state.watch is None and engine.state.mode == engine.RECORDING
    before = len(log)
    x * 2
    assert len(log) == before


def test_where_is_outside_the_package():
    seen = []

    class Where(Watcher):
        def recorded(self, node, args, result):
            seen.append(engine.where())

    with watching(Where()):
        leaf(1.0) * 2
    assert all("test_engine.py:" in place for place in seen) and seen


def test_sum_to_is_the_adjoint_of_broadcasting():
    x = wrap(np.arange(6.0).reshape(2, 3))
    assert sum_to(x, shape=(1, 3)).tolist() == [[3.0, 5.0, 7.0]]
    assert sum_to(x, shape=()).item() == 15.0


def test_infinities_pass_without_a_word_but_numpy_still_warns_its_own_users():
    code = """
import numpy as np
import tensorlite as tl
a = tl.tensor([float("inf"), 1.0])
a - a, (a - a).sum(), tl.stack([a, -a]).mean(0), tl.tensor([1e10]).half(), tl.tensor([float("nan")]).long()
np.array([np.inf]) - np.array([np.inf])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr.count("Warning") == 1 and "<string>:6: RuntimeWarning" in run.stderr, run.stderr
