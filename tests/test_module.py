"""Module: registration, state, hooks, conversions, copies, containers; the same program under both frameworks."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn

torch = pytest.importorskip("torch")

BOTH = pytest.mark.parametrize("t", [tl, torch], ids=["tensorlite", "torch"])


def both(program):
    """The outcome of ``program(t)`` under both: values, or the kind and words of the error."""
    out = []
    for t in (tl, torch):
        try:
            out.append(program(t))
        except Exception as error:
            out.append((next(k.__name__ for k in (KeyError, AttributeError, TypeError, ValueError, IndexError, RuntimeError, Exception)
                             if isinstance(error, k)), str(error)))  # fmt: skip
    return out


def make_net(t, names=("a", "b")):
    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = t.nn.Linear(3, 4)
            self.blocks = t.nn.ModuleList([t.nn.Sequential(t.nn.Linear(4, 4), t.nn.Tanh()) for _ in range(2)])
            self.register_buffer("steps", t.zeros(2))
            self.register_buffer("scratch", t.zeros(1), persistent=False)
            self.scale = t.nn.Parameter(t.ones(1))
            self.nothing = None
            self.tied = self.fc

        def forward(self, x):
            x = self.fc(x)
            for block in self.blocks:
                x = block(x) * self.scale
            return x

    t.manual_seed(0)
    return Net()


# -- registration ----------------------------------------------------------------------------------


def test_the_tree_and_its_names():
    def program(t):
        net = make_net(t)
        return (
            repr(net), [n for n, _ in net.named_parameters()], [n for n, _ in net.named_modules()], list(net.state_dict()),
            [n for n, _ in net.named_buffers()], [n for n, _ in net.named_children()],
            [n for n, _ in net.named_parameters("p", recurse=False)],
            [n for n, _ in net.named_parameters(remove_duplicate=False)], len(list(net.modules())),
            sorted(set(dir(net)) & {"fc", "scale", "steps", "blocks", "forward"}), net._get_name(),
            [tuple(p.shape) for p in net.parameters()],
        )  # fmt: skip

    ours, theirs = both(program)
    assert ours == theirs


PROGRAMS = {
    "parameter over parameter": lambda t, m: setattr(m, "w", t.nn.Parameter(t.zeros(1))) or m.w.shape,
    "tensor over parameter": lambda t, m: setattr(m, "w", t.zeros(1)),
    "number over module": lambda t, m: setattr(m, "sub", 3),
    "number over buffer": lambda t, m: setattr(m, "buf", 3),
    "none over parameter": lambda t, m: (setattr(m, "w", None), m.w, list(m._parameters), list(m.state_dict())),
    "none over module": lambda t, m: (setattr(m, "sub", None), m.sub, list(m._modules)),
    "none over buffer": lambda t, m: (setattr(m, "buf", None), m.buf, list(m._buffers)),
    "tensor over buffer": lambda t, m: (setattr(m, "buf", t.ones(3)), list(m.state_dict()), m.buf.shape),
    "module over parameter": lambda t, m: (setattr(m, "w", t.nn.Identity()), list(m._parameters), list(m._modules)),
    "parameter over attribute": lambda t, m: (setattr(m, "x", t.nn.Parameter(t.zeros(2))), list(m._parameters)),
    "delete parameter": lambda t, m: (delattr(m, "w"), hasattr(m, "w"), list(m._parameters)),
    "delete module": lambda t, m: (delattr(m, "sub"), hasattr(m, "sub")),
    "delete buffer": lambda t, m: (delattr(m, "buf"), hasattr(m, "buf"), list(m.state_dict())),
    "delete unknown": lambda t, m: delattr(m, "unknown"),
    "missing": lambda t, m: m.missing,
    "dict write": lambda t, m: (m._parameters.__setitem__("w", t.nn.Parameter(t.full((1,), 7.0))), m.w.item()),
    "dict delete": lambda t, m: (m._parameters.pop("w"), hasattr(m, "w"))[1],
    "dotted buffer": lambda t, m: m.register_buffer("a.b", t.zeros(1)),
    "empty parameter": lambda t, m: m.register_parameter("", t.nn.Parameter(t.zeros(1))),
    "taken": lambda t, m: m.register_parameter("forward", t.nn.Parameter(t.zeros(1))),
    "taken module": lambda t, m: m.add_module("w", t.nn.Identity()),
    "not a string": lambda t, m: m.register_buffer(3, t.zeros(1)),
    "not a tensor": lambda t, m: m.register_buffer("b2", 3),
    "not a parameter": lambda t, m: m.register_parameter("p2", 3),
    "not a module": lambda t, m: m.add_module("m2", 3),
    "non-leaf": lambda t, m: m.register_parameter("p3", t.nn.Parameter(t.zeros(1)) * 2) if t else None,
    "submodule": lambda t, m: (m.get_submodule("sub.0").in_features, m.get_parameter("sub.0.weight").shape),
    "no submodule": lambda t, m: m.get_submodule("sub.7"),
    "no parameter": lambda t, m: m.get_parameter("sub.0.nothing"),
    "buffer": lambda t, m: (m.get_buffer("buf").shape, m.get_buffer("sub.0.weight")),
    "set submodule": lambda t, m: (m.set_submodule("sub.0", t.nn.Identity()), repr(m)),
    "set submodule badly": lambda t, m: m.set_submodule("sub.9", t.nn.Identity(), strict=True),
    "no forward": lambda t, m: t.nn.Module()(3),
    "no init": lambda t, m: setattr(type("Bad", (t.nn.Module,), {"__init__": lambda s: None})(), "w", t.nn.Linear(1, 1)),
    "train mode": lambda t, m: m.train(3),
    "unexpected": lambda t, m: m.load_state_dict({**m.state_dict(), "extra": t.zeros(1)}),
    "missing key": lambda t, m: m.load_state_dict({"w": t.zeros(1)}),
    "size": lambda t, m: m.load_state_dict({**m.state_dict(), "w": t.zeros(2, 2)}),
    "not tensors": lambda t, m: "expected torch.Tensor" in str(pytest.raises(  # noqa: RUF061
        RuntimeError, m.load_state_dict, {**m.state_dict(), "w": 3}).value),
    "not a dict": lambda t, m: m.load_state_dict([1]),
    "lenient": lambda t, m: repr(m.load_state_dict({"w": t.ones(1), "zz": t.ones(1)}, strict=False)),
    "matched": lambda t, m: repr(m.load_state_dict(m.state_dict())),
    "prefix": lambda t, m: list(m.state_dict(prefix="net.")),
    "keep_vars": lambda t, m: (m.state_dict(keep_vars=True)["w"] is m.w, m.state_dict()["w"].requires_grad),
    "to int": lambda t, m: m.to(t.int64),
    "share": lambda t, m: m.state_dict()["w"].data_ptr() == m.w.data_ptr(),
    "arguments": lambda t, m: t.nn.Module(3),
    "keyword": lambda t, m: t.nn.Module(a=3),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_pytorch(name):
    def program(t):
        m = t.nn.Module()
        m.w = t.nn.Parameter(t.ones(1))
        m.sub = t.nn.Sequential(t.nn.Linear(2, 3))
        m.register_buffer("buf", t.zeros(2))
        m.x = 5
        return PROGRAMS[name](t, m)

    ours, theirs = both(program)
    clean = lambda v: (
        str(v).replace("tensorlite._tensor", "torch").replace("tensorlite.nn.layer.basic", "torch.nn.modules.linear")
    )
    if isinstance(theirs, tuple) and isinstance(theirs[0], str) and theirs[0].endswith("Error"):
        assert ours[0] == theirs[0], ours
        ours, theirs = ours[1].split(" (in ")[0], theirs[1]
        if name not in ("not a dict",):
            assert clean(ours)[:60] == clean(theirs)[:60]
    else:
        assert clean(ours) == clean(theirs)


def test_buffer_class_and_assign():
    m = nn.Module()
    m.mean = nn.Buffer(tl.zeros(2))
    m.tmp = nn.Buffer(tl.zeros(2), persistent=False)
    assert list(m.state_dict()) == ["mean"] and len(list(m.buffers())) == 2
    layer = nn.Linear(2, 2)
    state = {"weight": tl.ones(2, 2), "bias": tl.zeros(2)}
    layer.load_state_dict(state, assign=True)
    assert isinstance(layer.weight, nn.Parameter) and layer.weight.data_ptr() == state["weight"].data_ptr()


def test_extra_state():
    class Counting(nn.Module):
        n = 3

        def get_extra_state(self):
            return {"n": self.n}

        def set_extra_state(self, state):
            self.n = state["n"]

    a, b = Counting(), Counting()
    a.n = 9
    b.load_state_dict(a.state_dict())
    assert list(a.state_dict()) == ["_extra_state"] and b.n == 9


# -- modes and conversions -------------------------------------------------------------------------


def test_modes_and_conversions():
    net = make_net(tl)
    w = net.fc.weight
    assert not net.eval().blocks[0].training and net.train().blocks[0].training
    net(tl.ones(2, 3)).sum().backward()
    assert net.double() is net and net.fc.weight is w and w.dtype == tl.float64 and w.grad.dtype == tl.float64
    assert net.steps.dtype == tl.float64
    net(tl.ones(2, 3, dtype=tl.float64)).sum().backward()
    net.to(tl.float32).requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters()) and net.to("cpu") is net
    net.zero_grad()
    assert w.grad is None
    net.requires_grad_()(tl.ones(2, 3)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert (w.grad == 0).all()
    with pytest.raises(AssertionError):
        net.cuda()
    with pytest.raises(AssertionError):
        net.to("cuda")
    seen = []
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net and seen[-1] == "Net"
    assert net.half().fc.weight.dtype == tl.float16 and net.float().fc.weight.dtype == tl.float32


def test_copies():
    net = make_net(tl)
    x = tl.ones(2, 3)
    clone = copy.deepcopy(net)
    assert clone.fc.weight is not net.fc.weight and clone.tied is clone.fc
    assert (clone(x) == net(x)).all()
    with tl.no_grad():
        clone.fc.weight.zero_()
    assert not (clone(x) == net(x)).all() and clone.get_parameter("fc.weight") is clone.fc.weight
    layer = nn.Sequential(OrderedDict(a=nn.Linear(3, 2), b=nn.Dropout(0.1)))
    layer.register_forward_hook(print)
    layer._forward_hooks.clear()
    again = pickle.loads(pickle.dumps(layer))
    assert repr(again) == repr(layer) and (again.a.weight == layer.a.weight).all() and again[0] is again.a
    shallow = copy.copy(net)
    assert shallow.fc is net.fc


def test_a_module_is_freed_without_the_garbage_collector():
    import gc
    import weakref

    gc.disable()
    try:
        net = make_net(tl)
        net(tl.ones(1, 3)).sum().backward()
        ref = weakref.ref(net)
        del net
        assert ref() is None
    finally:
        gc.enable()


# -- hooks -----------------------------------------------------------------------------------------


def test_forward_hooks():
    def program(t):
        log = []
        m = t.nn.Linear(2, 2)
        t.nn.init.eye_(m.weight)
        t.nn.init.zeros_(m.bias)
        handles = [
            m.register_forward_pre_hook(lambda m, a: log.append("pre")),
            m.register_forward_pre_hook(lambda m, a: (a[0] * 2,)),
            m.register_forward_pre_hook(lambda m, a, k: (log.append(sorted(k)), (a, k))[1], with_kwargs=True),
            m.register_forward_pre_hook(lambda m, a: log.append("first"), prepend=True),
            m.register_forward_hook(lambda m, a, out: log.append(out.tolist())),
            m.register_forward_hook(lambda m, a, k, out: out + 1, with_kwargs=True),
            m.register_forward_hook(lambda m, a, out: log.append("head"), prepend=True),
            m.register_forward_hook(lambda m, a, out: log.append("always"), always_call=True),
        ]
        log.append(m(t.ones(1, 2)).tolist())
        for h in handles[:-1]:
            h.remove()
        try:
            m(t.ones(1, 3))
        except RuntimeError:
            log.append("failed")
        handles[-1].remove()
        log.append(m(t.ones(1, 2)).tolist())
        return log

    ours, theirs = both(program)
    assert ours == theirs


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_backward_hooks():
    def program(t):
        log = []

        def note(name):
            def hook(module, *grads):
                log.append((name, [[None if g is None else g.tolist() for g in gs] for gs in grads]))

            return hook

        t.manual_seed(0)
        net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU(), t.nn.Linear(3, 1)).double()
        net[1].register_full_backward_hook(note("relu"))
        net[2].register_full_backward_hook(note("last"))
        net[0].register_full_backward_hook(note("first"))
        net[2].register_full_backward_pre_hook(lambda m, g: (g[0] * 2,))
        net[1].register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
        x = t.tensor([[1.0, -2.0]], dtype=t.float64)
        net(x).sum().backward()
        y = t.tensor([[1.0, -2.0]], dtype=t.float64, requires_grad=True)
        net(y).sum().backward()
        return np.round([p.grad.numpy().ravel()[0] for p in net.parameters()], 9).tolist(), y.grad.tolist(), [
            (n, np.round(np.array(list(g[1][0]), float), 9).tolist()) for n, g in log]  # fmt: skip

    ours, theirs = both(program)
    np.testing.assert_allclose(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1])
    assert [n for n, _ in ours[2]] == [n for n, _ in theirs[2]]
    for (_, a), (_, b) in zip(ours[2], theirs[2]):
        np.testing.assert_allclose(a, b)


def test_global_and_state_hooks():
    from tensorlite.nn.modules import module as hooks

    seen = []
    with hooks.register_module_forward_hook(lambda m, a, out: seen.append(type(m).__name__)):
        nn.Sequential(nn.Linear(1, 1), nn.ReLU())(tl.ones(1, 1))
    nn.ReLU()(tl.ones(1))
    assert seen == ["Linear", "ReLU", "Sequential"]
    m = nn.Linear(1, 1)
    m.register_state_dict_post_hook(lambda module, state, prefix, meta: state.update(extra=1))
    m.register_load_state_dict_pre_hook(lambda module, state, *rest: state.pop("extra", None))
    m.register_load_state_dict_post_hook(lambda module, keys: seen.append(keys))
    assert "extra" in m.state_dict()
    m.load_state_dict(m.state_dict())
    assert seen[-1].missing_keys == []


# -- containers ------------------------------------------------------------------------------------


def containers(t):
    n = t.nn
    s = n.Sequential(n.Linear(1, 2), n.ReLU(), n.Linear(2, 3))
    yield s[1:], s[-1], len(s), [type(m).__name__ for m in s]
    s.insert(1, n.Tanh()).append(n.Sigmoid())
    yield s
    del s[0]
    yield s, list(s.state_dict())
    s[0] = n.Identity()
    yield s, s.pop(0), s + s, s * 2, 2 * s
    s += n.Sequential(n.ReLU())
    s.extend([n.GELU()])
    yield s
    yield n.Sequential(OrderedDict([("in", n.Linear(1, 1)), ("out", n.ReLU())]))
    m = n.ModuleList([n.Linear(2, 2) for _ in range(3)] + [n.ReLU()])
    yield m, m[1:3], m[-1], len(m), m + [n.Tanh()], n.ModuleList()
    m.insert(1, n.Tanh())
    m.extend([n.Identity()]).append(n.SiLU())
    del m[0], m[1:3]
    yield m, list(m.state_dict())
    d = n.ModuleDict({"a": n.Linear(1, 1), "b": n.ReLU()})
    d.update([("c", n.Tanh())])
    d["d"] = n.Identity()
    yield d, list(d), "a" in d, len(d), d.pop("a"), list(d.keys())
    del d["b"]
    yield d, [k for k, v in d.items()], list(d.values())
    p = n.ParameterList([n.Parameter(t.ones(2)), t.zeros(3), 7])
    p.append(t.ones(1, 1))
    yield p, [k for k, _ in p.named_parameters()], len(p), p[-1].shape, p[2], len(p[1:3])
    q = n.ParameterDict({"b": t.ones(2), "a": n.Parameter(t.zeros(1))})
    q["c"] = t.zeros(2, 2)
    yield q, list(q), [k for k, _ in q.named_parameters()], q.get("zz", 3), q.pop("a").shape, len(q)
    yield q | n.ParameterDict({"z": t.ones(1)}), q.popitem()[0], list(q.keys())


def test_containers():
    for ours, theirs in zip(containers(tl), containers(torch), strict=True):
        assert str(ours) == str(theirs)


@pytest.mark.parametrize("program", [
    lambda t: t.nn.Sequential(t.nn.ReLU())[3], lambda t: t.nn.Sequential(3), lambda t: t.nn.ModuleList(t.nn.ReLU()),
    lambda t: t.nn.ModuleDict({"a": 3}), lambda t: t.nn.ModuleDict({"keys": t.nn.ReLU()}), lambda t: t.nn.ModuleDict(3),
    lambda t: t.nn.Sequential(t.nn.ReLU()) * 0, lambda t: t.nn.Sequential(t.nn.ReLU()) + 3,
    lambda t: t.nn.Sequential().insert(4, t.nn.ReLU()), lambda t: t.nn.ParameterList(3), lambda t: t.nn.ParameterDict({1: 2}),
    lambda t: t.nn.ModuleList([t.nn.ReLU()])(3), lambda t: t.nn.ModuleDict([("a",)]),
])  # fmt: skip
def test_container_errors(program):
    ours, theirs = both(program)
    assert ours[0] == theirs[0], (ours, theirs)


# -- errors name their place -----------------------------------------------------------------------


def test_errors_name_the_module():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.ModuleList([nn.Linear(4, 4), nn.Sequential(nn.ReLU(), nn.Linear(5, 2))])

        def forward(self, x):
            for block in self.body:
                x = block(x)
            return x

    with pytest.raises(tl.dtypes.ShapeError) as caught:
        Net()(tl.ones(3, 4))
    message = str(caught.value)
    assert "in body.1.1: Linear(in_features=5, out_features=2, bias=True), given (float32[3, 4])" in message
    assert "relu [3, 4] <- body.0 (linear) [3, 4]" in message

    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    with pytest.raises(ValueError, match=r"^no") as caught:
        nn.Sequential(OrderedDict(b=Broken()))(tl.ones(1))
    assert caught.value.__notes__ == ["in b: Broken(), given (float32[1])"]


def test_calls_are_cheap():
    import timeit

    layer = nn.Identity()
    x = tl.ones(1)
    assert min(timeit.repeat(lambda: layer(x), number=2000, repeat=20)) / 2000 < 3e-6


def test_hooks_of_gradients_are_called_in_pytorchs_order():
    def log(t):
        found = []
        net = t.nn.Sequential(
            t.nn.Conv2d(1, 2, 3), t.nn.BatchNorm2d(2), t.nn.ReLU(), t.nn.Flatten(), t.nn.LayerNorm(18),
            t.nn.Linear(18, 3), t.nn.PReLU(), t.nn.Linear(3, 3, bias=False),
        )  # fmt: skip
        for n, p in net.named_parameters():
            p.register_hook(lambda g, n=n: found.append(n))
            p.register_post_accumulate_grad_hook(lambda p, n=n: found.append(f"{n} accumulated"))
        for n, m in net.named_children():
            m.register_full_backward_hook(lambda m, g, h, n=n: found.append(f"layer {n}"))
        x = t.ones(4, 1, 5, 5, requires_grad=True)
        x.register_hook(lambda g: found.append("input"))
        net(x).square().sum().backward()
        return found

    assert log(tl) == log(torch)


def test_a_leafs_hook_waits_for_all_of_its_gradients():
    def log(t):
        found = []
        w, x = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True)
        w.register_hook(lambda g: found.append(("w", g.tolist())))
        x.register_hook(lambda g: found.append(("x", g.tolist())))
        y = w * x
        y.register_hook(lambda g: found.append("y"))
        (y * w + x).sum().backward()
        w.backward(t.ones(2))
        return found

    assert log(tl) == log(torch)


@pytest.mark.parametrize("layer", ["Linear(2, 2)", "ReLU()", "GELU()", "Dropout()", "LayerNorm(2)", "BatchNorm1d(2)",
                                   "LSTM(2, 2)", "Flatten()", "Softmax(1)", "Conv2d(1, 1, 1)", "Bilinear(2, 2, 2)"])  # fmt: skip
@pytest.mark.parametrize("value", [None, 3.0, "text"])
def test_a_layer_that_is_given_no_tensor_says_so(layer, value):
    args = (value, value) if layer.startswith("Bilinear") else (value,)
    with pytest.raises(Exception) as theirs:
        eval(f"torch.nn.{layer}")(*args)
    with pytest.raises(theirs.type, match=f"must be Tensor, not {type(value).__name__}") as error:
        nn.Sequential(nn.Identity(), eval(f"nn.{layer}"))[1](*args)
    assert any("given (" in note for note in getattr(error.value, "__notes__", ["given ("]))


def test_a_wrapper_passes_attributes_on():
    class Wrapper(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(super().__getattr__("inner"), name)

    wrapper = Wrapper(nn.Linear(2, 3))
    assert wrapper.in_features == 2 and wrapper.weight is wrapper.inner.weight
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'nothing'"):
        wrapper.nothing
