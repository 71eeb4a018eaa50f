"""Optimizers against PyTorch: values, state, exchange; and what users may do between steps."""

import copy
import io
import pickle
import warnings

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import optim
from tensorlite.optim import flat
from tensorlite.optim.flat import BLOCK

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

CONFIGS = [
    ("SGD", dict(lr=0.1)),
    ("SGD", dict(lr=0.1, momentum=0.9, weight_decay=0.01)),
    ("SGD", dict(lr=0.1, momentum=0.9, dampening=0.3, maximize=True)),
    ("SGD", dict(lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.02)),
    ("Adam", dict()),
    ("Adam", dict(lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
    ("Adam", dict(lr=0.05, amsgrad=True, maximize=True)),
    ("Adam", dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True)),
    ("AdamW", dict(lr=0.05)),
    ("AdamW", dict(lr=0.05, weight_decay=0.3, amsgrad=True, maximize=True)),
    ("Adamax", dict(lr=0.05)),
    ("Adamax", dict(lr=0.05, betas=(0.7, 0.9), weight_decay=0.1, maximize=True)),
    ("NAdam", dict(lr=0.05)),
    ("NAdam", dict(lr=0.05, weight_decay=0.1, momentum_decay=0.1)),
    ("NAdam", dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True, maximize=True)),
    ("RAdam", dict(lr=0.05)),
    ("RAdam", dict(lr=0.05, betas=(0.9, 0.9), weight_decay=0.1)),
    ("RAdam", dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True, maximize=True)),
    ("Adagrad", dict(lr=0.1)),
    ("Adagrad", dict(lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5, maximize=True)),
    ("Adadelta", dict()),
    ("Adadelta", dict(lr=0.5, rho=0.8, eps=1e-3, weight_decay=0.1, maximize=True)),
    ("RMSprop", dict()),
    ("RMSprop", dict(lr=0.05, alpha=0.9, centered=True, weight_decay=0.1)),
    ("RMSprop", dict(lr=0.05, momentum=0.8, centered=True, maximize=True)),
    ("RMSprop", dict(lr=0.05, momentum=0.8)),
    ("Rprop", dict()),
    ("Rprop", dict(lr=0.05, etas=(0.4, 1.5), step_sizes=(1e-3, 0.1), maximize=True)),
    ("Adafactor", dict()),
    ("Adafactor", dict(lr=0.1, beta2_decay=-0.5, eps=(1e-6, 1e-2), d=1.5, weight_decay=0.1, maximize=True)),
    ("ASGD", dict()),
    ("ASGD", dict(lr=0.1, lambd=0.01, alpha=0.5, t0=5, weight_decay=0.1, maximize=True)),
]
SHAPES = [(3, 4), (4,), (70, 80), ()]  # small ones, one on its own, and zero dimensions


def make(dtype, shapes=SHAPES, seed=0):
    """The same parameters for both frameworks."""
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=s).astype(dtype) for s in shapes]
    return (
        [tl.tensor(a, requires_grad=True) for a in arrays],
        [torch.tensor(a, requires_grad=True) for a in arrays],
    )


def feed(ours, theirs, i, skip=()):
    """Give both the same gradients."""
    rng = np.random.default_rng(100 + i)
    for j, (p, q) in enumerate(zip(ours, theirs)):
        g = rng.normal(size=p.shape).astype(p._data.dtype)
        p.grad = None if j in skip else tl.tensor(g)
        q.grad = None if j in skip else torch.tensor(g)


def close(ours, theirs, tight=1.0):
    for p, q in zip(ours, theirs):
        tol = 2e-5 if p.dtype == tl.float32 else 1e-11
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=tol * tight, atol=tol * tight)


def to_torch(x):
    if isinstance(x, tl.Tensor):
        return torch.tensor(np.array(x.detach().numpy()))
    if isinstance(x, dict):
        return {k: to_torch(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(to_torch(v) for v in x)
    return x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name,options", CONFIGS, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_twenty_steps_and_exchange(name, options, dtype):
    ours, theirs = make(dtype)
    # two groups, the second with a rate of its own
    a = getattr(optim, name)([{"params": ours[:2]}, {"params": ours[2:], "lr": 0.02}], **options)
    b = getattr(torch.optim, name)([{"params": theirs[:2]}, {"params": theirs[2:], "lr": 0.02}], **options)
    for i in range(20):
        feed(ours, theirs, i)
        a.step()
        b.step()
    close(ours, theirs)
    assert str(a) == str(b)

    mine, other = a.state_dict(), b.state_dict()
    assert mine["param_groups"] == other["param_groups"]
    assert {k: list(v) for k, v in mine["state"].items()} == {k: list(v) for k, v in other["state"].items()} or {
        k: set(v) for k, v in mine["state"].items()
    } == {k: set(v) for k, v in other["state"].items()}
    for k, slots in other["state"].items():
        for slot, value in slots.items():
            assert tuple(mine["state"][k][slot].shape) == tuple(value.shape)
            assert str(mine["state"][k][slot].dtype) == str(value.dtype)

    # PyTorch -> ours -> PyTorch, going on from there
    c = getattr(optim, name)([{"params": ours[:2]}, {"params": ours[2:]}], **options)
    c.load_state_dict(copy.deepcopy(other))
    d = getattr(torch.optim, name)([{"params": theirs[:2]}, {"params": theirs[2:]}], **options)
    d.load_state_dict(to_torch(mine))
    for i in range(20, 30):
        feed(ours, theirs, i)
        c.step()
        d.step()
    close(ours, theirs, 3)


@pytest.mark.parametrize("name", ["SGD", "Adam", "NAdam", "ASGD", "Rprop", "RMSprop", "Adagrad"])
def test_complex_parameters(name):
    rng = np.random.default_rng(0)
    size = (3, 2) if name != "Adam" else (BLOCK + 10, 2)
    a = rng.normal(size=size) + 1j * rng.normal(size=size)
    p, q = tl.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    options = dict(lr=0.05) | (dict(momentum=0.9) if name == "SGD" else {})
    x, y = getattr(optim, name)([p], **options), getattr(torch.optim, name)([q], **options)
    for _ in range(5):
        g = rng.normal(size=size) + 1j * rng.normal(size=size)
        p.grad, q.grad = tl.tensor(g), torch.tensor(g)
        x.step()
        y.step()
    np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-10)


def test_large_and_odd_layouts():
    """Blocks, transposed and sliced parameters give what one run of the formula gives."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(300, 200))
    for view in (lambda a: a, lambda a: a.T, lambda a: a[::2, ::3]):
        p = tl.tensor(base)
        p = tl.engine.wrap(view(base.copy()))
        p.requires_grad_()
        q = torch.tensor(np.ascontiguousarray(view(base)), requires_grad=True)
        a, b = optim.Adam([p], lr=0.1, weight_decay=0.1), torch.optim.Adam([q], lr=0.1, weight_decay=0.1)
        for i in range(3):
            feed([p], [q], i)
            a.step()
            b.step()
        close([p], [q])


def test_absent_gradients_and_late_ones():
    ours, theirs = make("float64", [(2, 3), (3,), (4,), (2,)])
    a, b = optim.Adam(ours, lr=0.1), torch.optim.Adam(theirs, lr=0.1)
    for i, skip in enumerate([(0,), (0, 2), (), (1,), (0, 1, 2, 3), (), (3,)]):
        feed(ours, theirs, i, skip)
        a.step()
        b.step()
        close(ours, theirs)
    for p, q in zip(ours, theirs):
        assert a.state[p]["step"].item() == b.state[q]["step"].item()


def test_what_a_user_may_do_between_steps():
    ours, theirs = make("float64", [(2, 3), (3,), (4,)])
    a, b = optim.Adam(ours, lr=0.1), torch.optim.Adam(theirs, lr=0.1)

    def go(i):
        feed(ours, theirs, i)
        a.step()
        b.step()
        close(ours, theirs)

    go(0)
    held = ours[0].data
    go(1)
    assert np.shares_memory(held.numpy(), ours[0].detach().numpy())  # parameters stay where they are
    for p, q in zip(ours, theirs):  # new memory
        p.data, q.data = tl.ones(p.shape, dtype=tl.float64), torch.ones(q.shape, dtype=torch.float64)
    go(2)
    with tl.no_grad():  # by hand
        ours[1] -= 0.1 * ours[1].grad
    with torch.no_grad():
        theirs[1] -= 0.1 * theirs[1].grad
    go(3)
    for p, q in zip(ours, theirs):  # state by hand
        a.state[p]["exp_avg"] = tl.zeros(p.shape, dtype=tl.float64)
        b.state[q]["exp_avg"] = torch.zeros(q.shape, dtype=torch.float64)
        a.state[p]["exp_avg_sq"].mul_(2.0)
        b.state[q]["exp_avg_sq"].mul_(2.0)
    go(4)
    a.state[ours[2]]["step"] += 5
    b.state[theirs[2]]["step"] += 5
    go(5)
    a.state.pop(ours[0])
    b.state.pop(theirs[0])
    go(6)
    ours[0].requires_grad_(False)
    theirs[0].requires_grad_(False)
    go(7)
    for group in (*a.param_groups, *b.param_groups):
        group["lr"] = 0.03
        group["weight_decay"] = 0.1
    go(8)
    more, others = make("float64", [(2,)], seed=5)
    a.add_param_group({"params": more, "lr": 0.5})
    b.add_param_group({"params": others, "lr": 0.5})
    ours += more
    theirs += others
    go(9)
    go(10)


RANDOM = [
    ("SGD", dict(lr=0.1, momentum=0.9, dampening=0.5)),
    ("Adam", dict(lr=0.1)),
    ("AdamW", dict(lr=0.1, amsgrad=True)),
    ("NAdam", dict(lr=0.05)),
    ("ASGD", dict(lr=0.1, t0=3)),
    ("RMSprop", dict(lr=0.05, momentum=0.5, centered=True)),
    ("Rprop", dict(lr=0.05)),
]


@pytest.mark.parametrize("seed", range(40))
def test_random_lives(seed, monkeypatch):
    """Batches and blocks of any size can't be told from PyTorch's loop, whatever happens between the steps."""
    rng = np.random.default_rng(seed)
    small = int(rng.choice([0, 5, 4096]))
    monkeypatch.setattr(flat, "SMALL", small)
    monkeypatch.setattr(flat, "BLOCK", max(small, int(rng.choice([7, 20, 32768]))))
    name, options = RANDOM[seed % len(RANDOM)]
    choices = [(2, 3), (4,), (), (0,), (5, 5)]
    ours, theirs = make("float64", [choices[i] for i in rng.integers(0, 5, rng.integers(1, 7))], seed)
    a, b = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    for step in range(12):
        what = rng.choice(["", "", "data", "load", "pickle", "copy", "state", "step", "rate", "add"])
        i = int(rng.integers(len(ours)))
        mine, other = a.state.get(ours[i]) or {}, b.state.get(theirs[i]) or {}
        if what == "data":
            value = rng.normal(size=ours[i].shape)
            ours[i].data, theirs[i].data = tl.tensor(value), torch.tensor(value)
        elif what == "load":
            state = to_torch(a.state_dict())
            a.load_state_dict(copy.deepcopy(b.state_dict()))
            b.load_state_dict(state)
        elif what in ("pickle", "copy"):
            a = pickle.loads(pickle.dumps(a)) if what == "pickle" else copy.deepcopy(a)
            ours = [p for group in a.param_groups for p in group["params"]]
        elif what == "state" and mine:
            key = list(mine)[-1]
            value = np.abs(rng.normal(size=ours[i].shape))
            mine[key], other[key] = tl.tensor(value), torch.tensor(value)
        elif what == "step" and "step" in mine:
            mine["step"] += 2
            other["step"] += 2
        elif what == "rate":
            for group in (*a.param_groups, *b.param_groups):
                group["lr"] *= 0.7
        elif what == "add":
            more, others = make("float64", [(3,)], step)
            a.add_param_group({"params": more})
            b.add_param_group({"params": others})
            ours, theirs = ours + more, theirs + others
        feed(ours, theirs, step, np.flatnonzero(rng.random(len(ours)) < 0.25))
        a.step()
        b.step()
        close(ours, theirs, 10)


def test_two_optimizers_share_parameters():
    ours, theirs = make("float64")
    a1, a2 = optim.Adam(ours, lr=0.1), optim.SGD(ours[:2], lr=0.1, momentum=0.9)
    b1, b2 = torch.optim.Adam(theirs, lr=0.1), torch.optim.SGD(theirs[:2], lr=0.1, momentum=0.9)
    for i in range(6):
        feed(ours, theirs, i)
        for o in (a1, a2, b1, b2):
            o.step()
    close(ours, theirs)


def test_gradients_are_left_alone():
    (w, v), _ = make("float32", [(3,), (2,)])
    opt = optim.AdamW([w, v], lr=0.1, weight_decay=0.5, maximize=True)
    (w.sum() + (v * v).sum()).backward()
    held, before = w.grad, w.grad.clone()
    opt.step()
    assert w.grad is held
    opt.zero_grad()
    (w * 3).sum().backward()
    opt.step()
    assert np.array_equal(held.numpy(), before.numpy())
    opt.zero_grad(set_to_none=False)
    assert w.grad.abs().sum().item() == 0


def test_versions_are_bumped():
    w = tl.tensor([1.0, 2.0], requires_grad=True)
    opt = optim.SGD([w], lr=0.1)
    y = (w * w).sum()
    w.grad = tl.ones(2)
    opt.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_model_copies_and_pickles_after_steps():
    model = tl.nn.Sequential(tl.nn.Linear(3, 4), tl.nn.ReLU(), tl.nn.Linear(4, 1))
    opt = optim.Adam(model.parameters(), lr=0.1)
    x = tl.ones(5, 3)

    def train(model, opt):
        opt.zero_grad()
        model(x).pow(2).mean().backward()
        opt.step()

    train(model, opt)
    twin, twin_opt = pickle.loads(pickle.dumps((model, opt)))
    other, other_opt = copy.deepcopy((model, opt))
    for m, o in ((model, opt), (twin, twin_opt), (other, other_opt)):
        train(m, o)
        train(m, o)
    for p, q, r in zip(model.parameters(), twin.parameters(), other.parameters()):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())
        np.testing.assert_array_equal(p.detach().numpy(), r.detach().numpy())


def test_loading_copies():
    ours, _ = make("float64", [(2,), (3,)])
    a = optim.Adam(ours)
    for p in ours:
        p.grad = tl.ones(p.shape, dtype=tl.float64)
    a.step()
    saved = copy.deepcopy(a.state_dict())
    before = copy.deepcopy(saved)
    a.load_state_dict(saved)
    a.step()
    for k, slots in before["state"].items():
        for slot, value in slots.items():
            np.testing.assert_array_equal(saved["state"][k][slot].numpy(), value.numpy())


def test_a_failed_step_changes_nothing():
    ours, _ = make("float32", [(3,), (2,), (BLOCK + 1,)])
    opt = optim.SGD(ours, lr=0.1, momentum=0.9)
    for p in ours:
        p._grad = tl.ones(p.shape)
    ours[2]._grad = tl.ones(2)
    before = [p.detach().clone() for p in ours]
    with pytest.raises(RuntimeError, match="nothing has been updated"):
        opt.step()
    for p, b in zip(ours, before):
        np.testing.assert_array_equal(p.detach().numpy(), b.numpy())


def test_closure_and_hooks():
    w = tl.tensor([1.0], requires_grad=True)
    opt = optim.SGD([w], lr=0.1)
    seen = []
    pre = opt.register_step_pre_hook(lambda o, args, kwargs: seen.append("pre"))
    opt.register_step_post_hook(lambda o, args, kwargs: seen.append("post"))

    def closure():
        opt.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with tl.no_grad():
        assert opt.step(closure).item() == 1.0
    assert seen == ["pre", "post"]
    pre.remove()
    opt.step(closure)
    assert seen == ["pre", "post", "post"]
    opt.register_state_dict_post_hook(lambda o, sd: {**sd, "note": 1})
    opt.register_state_dict_pre_hook(lambda o: seen.append("save"))
    opt.register_load_state_dict_pre_hook(lambda o, sd: seen.append(sd.pop("note")))
    opt.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    opt.load_state_dict(opt.state_dict())
    assert seen[3:] == ["save", 1, "loaded"]


def test_hooks_of_a_user_s_optimizer_run_once():
    class Mine(optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    w = tl.tensor([1.0], requires_grad=True)
    opt, seen = Mine([w], lr=0.1), []
    opt.register_step_post_hook(lambda o, a, k: seen.append(1))
    w.grad = tl.ones(1)
    opt.step()
    assert seen == [1]


@pytest.mark.parametrize(
    "call",
    [
        lambda m, o, w: o.SGD([], lr=0.1),
        lambda m, o, w: o.SGD(w, lr=0.1),
        lambda m, o, w: o.SGD([w * 2], lr=0.1),
        lambda m, o, w: o.SGD(["w"], lr=0.1),
        lambda m, o, w: o.SGD([w], lr=-1),
        lambda m, o, w: o.SGD([w], lr=0.1, momentum=-1),
        lambda m, o, w: o.SGD([w], lr=0.1, nesterov=True),
        lambda m, o, w: o.SGD([{"params": {w}}], lr=0.1),
        lambda m, o, w: o.SGD([{"params": [w]}, {"params": [w]}], lr=0.1),
        lambda m, o, w: o.SGD([("w", w), w], lr=0.1),
        lambda m, o, w: o.SGD([w], lr=0.1).add_param_group([w]),
        lambda m, o, w: o.Adam([w], betas=(1.0, 0.9)),
        lambda m, o, w: o.Adam([w], eps=-1.0),
        lambda m, o, w: o.Adam([w], weight_decay=-1),
        lambda m, o, w: o.Rprop([w], etas=(1.5, 1.2)),
        lambda m, o, w: o.Adadelta([w], rho=2.0),
        lambda m, o, w: o.Adagrad([w], lr_decay=-1),
        lambda m, o, w: o.NAdam([w], momentum_decay=-1),
        lambda m, o, w: o.LBFGS([{"params": [w]}, {"params": [m.zeros(1, requires_grad=True)]}]),
        lambda m, o, w: o.SGD([w], lr=0.1).load_state_dict({"state": {}, "param_groups": []}),
        lambda m, o, w: o.SGD([w], lr=0.1).load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]}),
        lambda m, o, w: o.SGD([w], lr=0.1, fused=True, foreach=True),
    ],
)
def test_errors_are_pytorch_s(call):
    with pytest.raises(Exception) as theirs:
        call(torch, torch.optim, torch.zeros(1, requires_grad=True))
    with pytest.raises(type(theirs.value)) as ours:
        call(tl, optim, tl.zeros(1, requires_grad=True))
    a, b = (
        str(e.value).replace("torch.FloatTensor", "T").replace("tensorlite._tensor.Tensor", "T") for e in (theirs, ours)
    )
    assert a.replace("torch.cuda.", "") == b.partition(" [TL")[0]


@pytest.mark.parametrize("option", ["differentiable", "capturable"])
def test_refusals(option):
    w = tl.zeros(1, requires_grad=True)
    with pytest.raises(NotImplementedError, match=option):
        optim.Adam([w], **{option: True})
    with pytest.raises(NotImplementedError, match=option):
        optim.Adam([{"params": [w], option: True}])


def test_names_duplicates_and_tensor_rates():
    model = tl.nn.Linear(2, 1)
    opt = optim.SGD(model.named_parameters(), lr=0.1)
    assert opt.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    model.weight._grad = tl.ones(3)
    with pytest.raises(RuntimeError, match="'weight'"):
        opt.step()
    w = tl.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([w, w], lr=0.1)
    rate = tl.tensor(0.5)
    opt = optim.Adam([w], lr=rate)
    w.grad = tl.ones(1)
    opt.step()
    assert abs(w.item() - 0.5) < 1e-5
    rate.fill_(0.25)
    opt.step()
    assert abs(w.item() - 0.25) < 1e-5


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("dtype", ["float64"])
def test_lbfgs(search, dtype):
    rng = np.random.default_rng(0)
    matrix, goal = rng.normal(size=(8, 5)).astype(dtype), rng.normal(size=(8, 3)).astype(dtype)
    ours, theirs = make(dtype, [(5, 3), (3,)])

    def closures(m, opt, params):
        x, y = m.tensor(matrix), m.tensor(goal)

        def closure():
            opt.zero_grad()
            out = (x @ params[0] + params[1] - y) ** 2
            loss = (out + out * out).mean()
            loss.backward()
            return loss

        return closure

    options = dict(lr=0.3, max_iter=6, history_size=3, line_search_fn=search)
    a, b = optim.LBFGS(ours, **options), torch.optim.LBFGS(theirs, **options)
    for i in range(6):
        if i == 3:  # exchange in the middle
            state, other = to_torch(a.state_dict()), b.state_dict()
            a, b = optim.LBFGS(ours, **options), torch.optim.LBFGS(theirs, **options)
            a.load_state_dict(copy.deepcopy(other))
            b.load_state_dict(state)
        mine, other = a.step(closures(tl, a, ours)), b.step(closures(torch, b, theirs))
        assert abs(mine.item() - other.item()) < 1e-9
    close(ours, theirs, 1e3)
    assert a.state[ours[0]]["func_evals"] == b.state[theirs[0]]["func_evals"]


def test_training_from_real_gradients_matches():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)).astype("float32"), rng.integers(0, 3, 30)
    ours, theirs = make("float32", [(16, 4), (16,), (3, 16), (3,)])

    def losses(m, params, opt):
        out = []
        for _ in range(20):
            opt.zero_grad()
            h = m.relu(m.tensor(x) @ params[0].t() + params[1])
            logits = h @ params[2].t() + params[3]
            loss = m.nn.functional.cross_entropy(logits, m.tensor(y))
            loss.backward()
            opt.step()
            out.append(loss.item())
        return out

    a = losses(tl, ours, optim.AdamW(ours, lr=0.01))
    b = losses(torch, theirs, torch.optim.AdamW(theirs, lr=0.01))
    np.testing.assert_allclose(a, b, rtol=1e-4)


def test_averages():
    utils, other = optim.swa_utils, torch.optim.swa_utils
    for kwargs in (dict(), dict(ema=0.9), dict(ema_multi=0.9), dict(swa=1)):
        model, twin = tl.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        averages = []
        for u, m in ((utils, model), (other, twin)):
            fns = {
                "ema": lambda u=u: dict(avg_fn=u.get_ema_avg_fn(0.9)),
                "ema_multi": lambda u=u: dict(multi_avg_fn=u.get_ema_multi_avg_fn(0.9)),
                "swa": lambda u=u: dict(avg_fn=u.get_swa_avg_fn()),
            }
            averages.append(u.AveragedModel(m, **(fns[next(iter(kwargs))]() if kwargs else {})))
        for i in range(4):
            value = np.random.default_rng(i).normal(size=(2, 2)).astype("float32")
            with tl.no_grad():
                model.weight.copy_(tl.tensor(value))
            with torch.no_grad():
                twin.weight.copy_(torch.tensor(value))
            averages[0].update_parameters(model)
            averages[1].update_parameters(twin)
        np.testing.assert_allclose(
            averages[0].module.weight.detach().numpy(), averages[1].module.weight.detach().numpy(), rtol=1e-5
        )
        assert list(averages[0].state_dict()) == list(averages[1].state_dict())
    with pytest.raises(ValueError):
        utils.get_ema_avg_fn(2.0)


def test_update_bn():
    from tensorlite.nn.layer.norm import BatchNorm1d

    model, twin = BatchNorm1d(3), torch.nn.BatchNorm1d(3)
    batches = [np.random.default_rng(i).normal(size=(8, 3)).astype("float32") for i in range(3)]
    model.eval(), twin.eval()
    optim.swa_utils.update_bn([(tl.tensor(b), 0) for b in batches], model)
    torch.optim.swa_utils.update_bn([(torch.tensor(b), 0) for b in batches], twin)
    np.testing.assert_allclose(model.running_mean.numpy(), twin.running_mean.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.running_var.numpy(), twin.running_var.numpy(), rtol=1e-5)
    assert model.momentum == 0.1 and not model.training


def test_no_copies_of_large_parameters():
    """Memory beyond the parameters is the two moments, and scratch of a fixed size."""
    import tracemalloc

    w = tl.zeros(1_000_000, requires_grad=True)
    w.grad = tl.ones(1_000_000)
    opt = optim.Adam([w])
    tracemalloc.start()
    opt.step()
    opt.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * 4_000_000


def test_state_dict_survives_pickle_in_a_file():
    ours, _ = make("float32", [(2,), (3,)])
    opt = optim.Adam(ours)
    for p in ours:
        p.grad = tl.ones(p.shape)
    opt.step()
    file = io.BytesIO()
    pickle.dump(opt.state_dict(), file)
    again = pickle.loads(file.getvalue())
    assert again["state"][0]["exp_avg"].shape == (2,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opt.load_state_dict(again)


def test_hooks_of_all_optimizers():
    def run(t):
        from importlib import import_module

        module, seen = import_module(f"{t.__name__}.optim.optimizer"), []
        first, second = [t.optim.SGD([t.nn.Parameter(t.ones(1))], lr=0.1) for _ in range(2)]
        before = module.register_optimizer_step_pre_hook(
            lambda o, args, kwargs: seen.append(("before", len(args), kwargs))
        )
        after = module.register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append(("after", o is first)))
        first.register_step_pre_hook(lambda o, args, kwargs: seen.append("own before"))
        first.register_step_post_hook(lambda o, args, kwargs: seen.append("own after"))
        first.step(), second.step(closure=None)
        before.remove(), after.remove()
        second.step()
        return seen

    assert run(tl) == run(torch)


@pytest.mark.parametrize("lr", ["x", None, [0.1]])
def test_a_rate_that_is_no_number_is_a_type_error(lr):
    for t in (tl, torch):
        with pytest.raises(TypeError):
            t.optim.SGD([t.nn.Parameter(t.ones(1))], lr=lr)


@pytest.mark.parametrize("options", [{}, {"nesterov": False, "ns_steps": 3}, {"adjust_lr_fn": "match_rms_adamw"}])
def test_muon(options):
    ours, theirs = make("float32", [(3, 4), (30, 8), (8, 30)])
    a, b = optim.Muon(ours, lr=0.1, **options), torch.optim.Muon(theirs, lr=0.1, **options)
    for i in range(5):
        feed(ours, theirs, i)
        a.step(), b.step()
    for p, q in zip(ours, theirs):  # bfloat16 may round the other way
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), atol=5e-3)
    assert str(a) == str(b)
    mine, other = a.state_dict(), b.state_dict()
    assert mine["param_groups"] == other["param_groups"]
    for k, slots in other["state"].items():
        np.testing.assert_allclose(
            mine["state"][k]["momentum_buffer"].numpy(), slots["momentum_buffer"], rtol=1e-5, atol=1e-6
        )


def test_modules_of_optimizers():
    from tensorlite.optim.adamw import AdamW
    from tensorlite.optim.asgd import ASGD
    from tensorlite.optim.nadam import NAdam
    from tensorlite.optim.rmsprop import RMSprop

    assert (AdamW, ASGD, NAdam, RMSprop) == (optim.AdamW, optim.ASGD, optim.NAdam, optim.RMSprop)
    assert optim.radam.RAdam is optim.RAdam


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_updates_of_whole_matrices_check_everything_before_they_change_anything(name):
    w = tl.ones(2, 2, requires_grad=True)
    z = tl.ones(2, 2, dtype=tl.complex64, requires_grad=True)
    optimizer = getattr(tl.optim, name)([w, z], lr=0.1)
    w.grad, z.grad = tl.ones(2, 2), tl.ones(2, 2, dtype=tl.complex64)
    with pytest.raises(RuntimeError, match="complex"):
        optimizer.step()
    assert (w == 1).all() and not optimizer.state
    z = tl.ones(2, 2, requires_grad=True)
    optimizer = getattr(tl.optim, name)([w, z], lr=0.1)
    z.grad = tl.ones(2, 2)
    z.data = tl.ones(3, 2)
    with pytest.raises(RuntimeError, match="shape"):
        optimizer.step()
    assert (w == 1).all() and not optimizer.state
