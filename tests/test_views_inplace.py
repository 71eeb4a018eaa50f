"""Random programs of views, in-place updates and arithmetic: the same values, gradients and errors as PyTorch."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tensorlite as tl

SHAPE = (2, 3)

# Each step takes the framework, the list of tensors so far, and returns a new tensor or None (in place).
# Numbers choose among the tensors; an operation that does not fit raises in both frameworks.
VIEWS = {
    "first": lambda t: t[0],
    "tail": lambda t: t[1:],
    "last": lambda t: t[..., -1],
    "every": lambda t: t[..., ::2],
    "t": lambda t: t.t(),
    "transpose": lambda t: t.transpose(0, -1),
    "flat": lambda t: t.view(-1),
    "reshape": lambda t: t.reshape(3, -1),
    "unsqueeze": lambda t: t.unsqueeze(0),
    "squeeze": lambda t: t.squeeze(),
    "expand": lambda t: t.expand(2, *t.shape),
    "narrow": lambda t: t.narrow(0, 0, 1),
    "split": lambda t: t.split(1)[0],
    "unbind": lambda t: t.unbind(0)[-1],
    "detach": lambda t: t.detach(),
    "diagonal": lambda t: t.diagonal(),
    "unfold": lambda t: t.unfold(-1, 2, 2),
}
UNARY = {
    "exp": lambda t: (t * 0.1).exp(),
    "neg": lambda t: -t,
    "square": lambda t: t * t,
    "tanh": lambda t: t.tanh(),
    "clone": lambda t: t.clone(),
    "relu": lambda t: t.relu(),
    "scale": lambda t: t * 0.5,
    "sum0": lambda t: t.sum(0),
}
BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
}
INPLACE = {
    "mul_": lambda t, o: t.mul_(2),
    "add_": lambda t, o: t.add_(o),
    "sub_": lambda t, o: t.sub_(o),
    "mul_other": lambda t, o: t.mul_(o),
    "tanh_": lambda t, o: t.tanh_(),
    "exp_": lambda t, o: t.mul_(0.1).exp_(),
    "relu_": lambda t, o: t.relu_(),
    "zero_": lambda t, o: t.zero_(),
    "fill_": lambda t, o: t.fill_(1.5),
    "copy_": lambda t, o: t.copy_(o.clone()),  # a copy onto itself depends on PyTorch's loop order
    "set0": lambda t, o: t.__setitem__(0, 0.25),
    "set_tail": lambda t, o: t.__setitem__(slice(1, None), o),
    "set_last": lambda t, o: t.__setitem__((Ellipsis, -1), o.sum()),
    "iadd": lambda t, o: t.__iadd__(o),
    "detach_": lambda t, o: t.data.mul_(1.5),
}


def steps():
    place = st.integers(0, 11)
    one = st.tuples(st.sampled_from([*VIEWS, *UNARY, *BINARY]), place, place, st.booleans())
    two = st.tuples(st.sampled_from(sorted(INPLACE)), place, place, st.sampled_from([False] * 5 + [True]))
    view = st.tuples(st.sampled_from(sorted(VIEWS)), place, place, st.sampled_from([False] * 7 + [True]))
    return st.lists(st.one_of(view, two, two, one.map(lambda s: (*s[:3], False))), min_size=1, max_size=12)


def run(module, program, values):
    """Values after every step, the kind of error if any, and the gradients of the leaves."""
    leaves = [module.tensor(v, dtype=module.float64, requires_grad=r) for v, r in zip(values, (True, True, False))]
    tensors = [leaves[0].clone(), leaves[1] * 1.0, leaves[2]]
    trace = []
    for name, i, j, off in program:
        a, b = tensors[i % len(tensors)], tensors[j % len(tensors)]
        try:
            with module.set_grad_enabled(not off):
                if name in VIEWS:
                    new = VIEWS[name](a)
                elif name in UNARY:
                    new = UNARY[name](a)
                elif name in BINARY:
                    new = BINARY[name](a, b)
                else:
                    INPLACE[name](a, b)
                    new = None
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            trace.append(("error", name, _kind(error)))
            continue
        if new is not None:
            tensors.append(new)
        trace.append((name, _values(tensors)))
    total, loss_error, grads = 0.0, None, None
    try:
        for k, t in enumerate(tensors):
            if t.requires_grad:
                total = total + (t * (k + 1)).sum()
        trace.append(("requires", [t.requires_grad for t in tensors], [t.is_leaf for t in tensors]))
        if not isinstance(total, float):
            total.backward()
            grads = [None if leaf.grad is None else leaf.grad.tolist() for leaf in leaves]
    except RuntimeError as error:
        loss_error = _kind(error)
    return trace, loss_error, grads


def _kind(error):
    """What an error is about: the messages' wording is ours, the reason must be PyTorch's."""
    text = str(error)
    for reason in (
        "leaf Variable", "modified by an inplace", "no_grad mode", "returns multiple views",
        "second time", "Output 0 of",
    ):  # fmt: skip
        if reason in text:
            return "view" if reason in ("no_grad mode", "returns multiple views") else reason
    return "other"


def _values(tensors):
    return [(list(t.shape), np.round(np.array(t.detach().tolist(), dtype=float), 9).tolist()) for t in tensors]


def compare(program, values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = run(tl, program, values), run(torch, program, values)
    # PyTorch calls a view made under no_grad "requires grad", though no gradient passes it; here it does not.
    cut = any(name in VIEWS and off for name, _, _, off in program)
    for mine, other in zip(ours[0], theirs[0]):
        if mine[0] == "error" != other[0] and any(name == "expand" for name, *_ in program):
            return  # PyTorch fills expanded tensors in place; here other updates of them are refused
        if other[0] == "error" and other[2] == "leaf Variable" != mine[-1]:
            return  # PyTorch has not noticed yet that the base of this view is no leaf any more
        if cut and other[0] == "error" != mine[0] and other[2] == "view":
            return  # a consequence of the gradient that PyTorch thinks such a view has
        if other[:2] == ("error", "flat") and mine[0] == "flat":
            return  # the memory order of a result is internal here
        assert mine[0] == other[0], (program, mine, other)
        if mine[0] == "requires" and cut:
            continue
        if mine[0] == other[0] == "error" and "other" in (mine[2], other[2]):
            continue  # two things are wrong, and the checks come in another order
        if mine[0] in ("error", "requires"):
            assert mine == other, (program, mine, other)
            continue
        for (s, v), (s2, v2) in zip(mine[1], other[1]):
            assert s == s2, (program, mine, other)
            np.testing.assert_allclose(v, v2, rtol=1e-7, atol=1e-7, err_msg=str(program))
    if cut and ours[1] != theirs[1]:
        return
    if theirs[1] == "other" and any(name == "expand" for name, *_ in program):
        return  # PyTorch's backward fails after an expanded tensor was filled; here it does not
    assert ours[1] == theirs[1], (program, ours[1], theirs[1])
    if ours[2] is not None:
        for g, h in zip(ours[2], theirs[2]):
            assert (g is None) == (h is None), (program, ours[2], theirs[2])
            if g is not None:
                np.testing.assert_allclose(g, h, rtol=1e-7, atol=1e-7, err_msg=str(program))


VALUES = [
    [[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]],
    [[1.0, 0.2, -0.4], [-2.0, 0.9, 0.1]],
    [[0.1, 0.6, -0.3], [0.8, -0.5, 0.4]],
]
quiet = settings(max_examples=60, deadline=None, derandomize=True, database=None,
                 suppress_health_check=list(HealthCheck))  # fmt: skip


@quiet
@given(steps())
def test_random_programs(program):
    compare(program, VALUES)


@pytest.mark.slow
@settings(quiet, max_examples=1500)
@given(steps())
def test_many_random_programs(program):
    compare(program, VALUES)


PROGRAMS = {
    "update of a view reaches the base": [("tail", 0, 0, False), ("mul_", 3, 0, False)],
    "update of the base reaches a view": [("first", 0, 0, False), ("mul_", 0, 0, False), ("square", 3, 0, False)],
    "view of a view": [("tail", 0, 0, False), ("first", 3, 0, False), ("tanh_", 4, 0, False)],
    "kept value changed": [("square", 0, 0, False), ("mul_", 0, 0, False)],
    "kept value changed through a view": [("square", 0, 0, False), ("first", 0, 0, False), ("mul_", 4, 0, False)],
    "kept value changed through detach": [("square", 0, 0, False), ("detach", 0, 0, False), ("mul_", 4, 0, False)],
    "result changed": [("tanh", 0, 0, False), ("mul_", 3, 0, False)],
    "itself": [("mul_other", 0, 0, False)],
    "no_grad update": [("mul_", 0, 0, True), ("square", 0, 0, False)],
    "view under no_grad": [("first", 0, 0, True), ("mul_", 0, 0, False), ("square", 3, 0, False)],
    "view under no_grad updated": [("first", 0, 0, True), ("mul_", 3, 0, False)],
    "view under no_grad updated by what requires grad": [("first", 0, 0, True), ("add_", 3, 1, False)],
    "several views": [("unbind", 0, 0, False), ("mul_", 3, 0, False)],
    "split under no_grad": [("split", 0, 0, True), ("mul_", 3, 0, True), ("square", 3, 0, False)],
    "expanded": [("expand", 0, 0, False), ("mul_", 3, 0, False)],
    "plain tensor starts to require grad": [("tail", 2, 0, False), ("set0", 3, 0, False), ("copy_", 2, 0, False)],
    "plain base gets a view that requires grad": [
        ("first", 2, 0, False),
        ("copy_", 3, 3, False),
        ("set_last", 2, 0, False),
    ],
    "transposed": [("t", 0, 0, False), ("set_last", 3, 1, False), ("flat", 0, 0, False)],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    compare(PROGRAMS[name], VALUES)


STRIDED = {
    "as_strided": "v = y.as_strided((2, 2), (1, 4), 1); v.mul_(3)", "of a view": "v = y[1:].as_strided((2, 2), (1, 4)); v.mul_(3)",
    "of a transpose": "v = y.t().as_strided((2, 2), (1, 4), 1); v.exp_()", "then a slice": "v = y.as_strided((2, 2), (1, 4))[0]; v += x[0, :2]",
    "unfold": "v = y.unfold(1, 2, 2); v[0, 0] *= x[0, :2]", "base": "v = y.as_strided((3, 2), (4, 1)); y.mul_(x)",
    "overlapping": "v = y.as_strided((3, 3), (1, 1)); y.mul_(2)", "of an expansion": "z = y[:1].expand(2, 4); v = z.as_strided((1, 2), (1, 2)); v.mul_(3)", "unflatten": "v = y.unflatten(1, (2, 2)); v[:, 0] = x[:, :2]",
}  # fmt: skip


@pytest.mark.parametrize("name", STRIDED)
def test_updates_through_strided_views(name):
    found = []
    for lib in (tl, torch):
        names = {"x": lib.arange(12.0, dtype=lib.float64).reshape(3, 4).requires_grad_()}
        names["y"] = names["x"] * 1
        exec(STRIDED[name], names)
        ((names["y"] ** 2).sum() + (names["v"] ** 3).sum()).backward()
        found.append([names[n].tolist() for n in "yv"] + [names["x"].grad.tolist()])
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["embedding", "embedding_bag", "nll_loss", "cross_entropy", "multi_margin_loss", "take_along_dim", "gather", "index_select"])  # fmt: skip
def test_indices_changed_after_the_forward(name):
    """The gradient is that of the old indices, or the change is an error as in PyTorch: never another gradient."""
    F = tl.nn.functional
    calls = {
        "embedding": lambda x, i: F.embedding(i, x), "embedding_bag": lambda x, i: F.embedding_bag(i[None], x), "gather": lambda x, i: x.gather(0, i[:, None]),
        "nll_loss": lambda x, i: F.nll_loss(x, i), "cross_entropy": lambda x, i: F.cross_entropy(x, i), "index_select": lambda x, i: x.index_select(0, i),
        "multi_margin_loss": lambda x, i: F.multi_margin_loss(x, i), "take_along_dim": lambda x, i: x.take_along_dim(i[:, None], 0),
    }  # fmt: skip
    grads = []
    for change in (False, True):
        x, i = (
            tl.tensor(np.log([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]).tolist()).requires_grad_(),
            tl.tensor([2, 1, 2]),
        )
        loss = calls[name](x, i).sum()
        if change:
            i.zero_()
        try:
            loss.backward()
        except RuntimeError as error:
            assert change and "modified by an inplace" in str(error)
            return
        grads.append(x.grad.tolist())
    assert grads[0] == grads[1]


def test_leaf_in_place_is_an_error():
    for module in (tl, torch):
        x = module.ones(2, 2, requires_grad=True)
        for change in (lambda x=x: x.mul_(2), lambda x=x: x[0].mul_(2), lambda x=x: x.__setitem__(0, 1.0)):
            with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
                change()
        with module.no_grad():
            x[0].mul_(2)
        assert x.tolist() == [[2.0, 2.0], [1.0, 1.0]] and x.is_leaf


@pytest.mark.parametrize("module", [tl, torch])
def test_slice_of_slice_assignment(module):
    v = module.tensor([1.0, 2.0], dtype=module.float64, requires_grad=True)
    x = module.zeros(2, 3, dtype=module.float64)
    i = 1
    x[i][1:] = v
    (x * x).sum().backward()
    assert v.grad.tolist() == [2.0, 4.0] and x[1].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("module", [tl, torch])
def test_errors_of_in_place_operations(module):
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        module.ones(3).add_(module.ones(2, 3))
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        module.ones(3, dtype=module.int64).add_(1.5)
    with pytest.raises(RuntimeError, match="single memory location"):
        module.ones(1).expand(3).add_(1)


@pytest.mark.parametrize("module", [tl, torch])
def test_retain_grad_follows_an_in_place_update(module):
    x = module.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    (y * 5).sum().backward()
    assert y.grad.tolist() == [5.0, 5.0] and x.grad.tolist() == [30.0, 30.0]


@pytest.mark.parametrize("module", [tl, torch])
def test_parameter_gradient_changed_in_place(module):
    x = module.ones(2, requires_grad=True)
    (x * 4).sum().backward()
    x.grad[:] *= 0.5
    assert x.grad.tolist() == [2.0, 2.0]
    held = x.grad
    (x * 4).sum().backward()
    assert x.grad is held and held.tolist() == [6.0, 6.0]


IN_PLACE_OF_CONSTANTS = {
    "div_": lambda lib, x, w: x.div_(w), "clamp_": lambda lib, x, w: x.clamp_(w / 2, w * 2), "clamp_min_": lambda lib, x, w: x.clamp_min_(w),
    "xlogy_": lambda lib, x, w: x.xlogy_(w), "lerp_": lambda lib, x, w: x.lerp_(lib.ones(2, 2), w), "mul_": lambda lib, x, w: x.mul_(w),
    "scatter_reduce_": lambda lib, x, w: x.scatter_reduce_(0, lib.tensor([[0, 1], [1, 0]]), w, "amax"),
    "index_reduce_": lambda lib, x, w: x.index_reduce_(0, lib.tensor([0, 1]), w, "prod"), "pow_": lambda lib, x, w: x.pow_(w),
    "addcdiv_": lambda lib, x, w: x.addcdiv_(w, w + 1), "masked_scatter_": lambda lib, x, w: x.masked_scatter_(x > 1, w),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE_OF_CONSTANTS)
def test_a_constant_changed_in_place_by_a_parameter(name):
    found = []
    for lib in (tl, torch):
        x, w = lib.tensor([[1.5, 0.7], [2.0, 0.3]]), lib.tensor([[0.9, 1.7], [0.4, 2.2]], requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = IN_PLACE_OF_CONSTANTS[name](lib, x, w)
        (y * lib.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
        assert y is x
        found.append(w.grad.numpy())
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_slope_of_remainder_where_the_quotient_is_rounded():
    slopes = []
    for lib in (tl, torch):
        b = lib.tensor([0.4, 0.1, 0.1], requires_grad=True)
        lib.remainder(lib.tensor([2.0, 1.0, 0.3]), b).sum().backward()
        slopes.append(b.grad.tolist())
    assert slopes[0] == slopes[1]


@pytest.mark.parametrize("module", [torch, tl], ids=["torch", "tensorlite"])
def test_tensors_that_become_views_of_themselves(module):
    """``t_``, ``unsqueeze_`` and the like under views made before and after."""
    weights = module.arange(6.0)
    for turn, shape in (
        (lambda t: t.t_(), (3, 2)), (lambda t: t.unsqueeze_(0), (1, 2, 3)), (lambda t: t.transpose_(0, 1), (3, 2)), (lambda t: t.unsqueeze_(0).squeeze_(), (2, 3)),
    ):  # fmt: skip
        for view in (lambda t: t, lambda t: t.view_as(t), lambda t: t[:2]):
            x = module.arange(6.0).reshape(2, 3).requires_grad_()
            base = x * 1
            row, y = base[0], view(base)
            turn(y)
            assert tuple(y.shape) == shape
            y.mul_(2)
            first = y[0] * 1
            slope = weights.reshape(shape)
            (grad,) = module.autograd.grad((y * slope).sum() + row.sum() + first.sum(), x)
            back = slope.t() if shape == (3, 2) else slope.reshape(2, 3)
            expected = 2 * back
            expected[0] += 2
            if shape == (3, 2):
                expected[:, 0] += 2
            elif shape == (2, 3):
                expected[0] += 2
            else:
                expected += 2
            assert grad.tolist() == expected.tolist()
    w = module.ones(2, 3, requires_grad=True)
    with module.no_grad():
        w.t_()
    (w * weights.reshape(3, 2)).sum().backward()
    assert w.is_leaf and w.grad.tolist() == weights.reshape(3, 2).tolist()
    pieces = (module.ones(4, requires_grad=True) * 1).tensor_split(2)
    assert pieces[0].mul_(2).sum().item() == 4  # a slice, other than a piece of split
