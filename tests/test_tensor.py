"""Tensor: attributes, operators, methods, indexing, in-place updates, protocols, as in PyTorch."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parity import assert_same, check, outcome

import tensorlite as tl

torch = pytest.importorskip("torch")

SETUP = """
a = t.tensor([[1.5, -2.0, 0.5, 3.0], [0.25, 4.0, -1.0, 2.0], [2.5, 0.0, 1.0, -0.5]])
b = t.tensor([[2.0, 1.0, -1.0, 0.5], [1.0, 3.0, 2.0, 1.5], [0.5, 2.0, 1.0, 4.0]])
v = t.tensor([1.0, 2.0, 3.0, 4.0])
p = t.tensor([0.1, 0.5, 0.9])
i = t.tensor([[3, -1, 4, 1], [5, 9, -2, 6], [5, 3, 5, 8]])
j = t.tensor([2, 0, 1])
m = i > 3
s = t.tensor(2.5)
e = t.zeros(0, 3)
c = t.arange(24.0).reshape(2, 3, 4)
r = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
"""

UNARY = """exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh asinh
acosh atanh abs absolute neg negative sgn sign floor ceil trunc fix round sigmoid relu frac erf erfc lgamma digamma sinc
deg2rad rad2deg logical_not isnan isinf isfinite isposinf isneginf signbit positive i0""".split()

PROGRAMS = (
    [f"a.{n}()" for n in UNARY]
    + [f"t.{n}(i)" for n in UNARY if n != "frac"]
    + [f"p.{n}()" for n in ("erfinv", "logit")]
)
PROGRAMS += [f"a.clone().{n}_()" for n in UNARY if hasattr(torch.Tensor, n + "_")]
PROGRAMS += [f"{x} {op} {y}" for op in ("+", "-", "*", "/", "//", "%", "**", "==", "<", ">=")
             for x, y in (("a", "b"), ("a", "v"), ("i", "2"), ("i", "2.5"), ("2", "a"), ("i", "a"), ("a", "s"), ("i", "s"))]  # fmt: skip
PROGRAMS += [f"{x} {op} {y}" for op in "&|^" for x, y in (("i", "3"), ("m", "m"), ("3", "i"), ("a", "a"))]
PROGRAMS += [f"a.{n}({args})" for n in ("sum", "mean", "amax", "amin", "all", "any", "logsumexp", "var", "std", "norm",
                                        "nansum", "count_nonzero")
             for args in ("dim=0", "dim=-1", "dim=(0, 1)", "dim=5")]  # fmt: skip
PROGRAMS += [f"a.{n}()" for n in ("sum", "mean", "max", "min", "amax", "amin", "argmax", "argmin", "all", "any", "var", "std",
                                  "prod", "median", "norm", "nansum", "nanmean", "aminmax", "count_nonzero")]  # fmt: skip
PROGRAMS += [f"a.{n}({args})" for n in ("max", "min", "median", "mode", "cummax", "cummin", "sort", "argsort", "argmax",
                                        "cumsum", "cumprod", "logcumsumexp", "prod", "softmax", "log_softmax")
             for args in ("0", "1", "-1", "dim=1", "7")]  # fmt: skip
PROGRAMS += """
a.sum(1, keepdim=True)
a.sum(axis=0)
a.sum(0, dtype=t.float64)
i.sum()
m.sum()
m.sum(0)
i.mean()
i.mean(dtype=t.float32)
i.prod(1)
a.var(1, unbiased=False)
a.var(unbiased=False)
a.var(dim=1, correction=0, keepdim=True)
a.std(False)
t.var_mean(a, 1)
t.std_mean(a)
a.max(b)
t.max(a, b)
t.max(a, 1, keepdim=True)
t.min(i, dim=0)
t.maximum(a, b)
t.maximum(a, 2.0)
t.zeros(0).max()
e.max(0)
e.max(1)
e.sum(0)
e.mean()
t.exp(2.0)
t.sum([1, 2])
t.add(a, b, alpha=2)
t.sub(a, 1, alpha=3)
t.add(a, [1])
a + [1]
a + None
a == None
a != "x"
t.div(a, b, rounding_mode="floor")
t.div(a, b, rounding_mode="trunc")
t.div(i, 2, rounding_mode="trunc")
t.div(i, 2)
t.div(a, b, rounding_mode="up")
a.clamp(0, 1)
a.clamp(min=0)
a.clamp(max=v)
a.clamp()
i.clamp(min=1.5)
t.clip(a, -1, 1)
t.where(a > 0, a, b)
t.where(a > 0, a, 0.0)
t.where(a > 0, 1, 0)
t.where(m)
t.where(a > 0, i, a)
t.lerp(a, b, 0.3)
t.addcmul(a, a, b, value=2)
t.addcdiv(a, a, b, value=0.5)
t.pow(2, a)
t.pow(i, 2)
t.pow(i, -1)
i // 0
a // 0
i % 3
t.remainder(i, -3)
t.fmod(i, -3)
t.atan2(a, b)
t.hypot(a, b)
t.isclose(a, a + 1e-9)
t.allclose(a, b)
t.equal(a, a.clone())
t.bitwise_not(i)
~m
~a
-m
m - m
i << 1
i >> 1
a @ v
a @ b.T
v @ v
a @ b
v @ a.T
c @ t.ones(4, 2)
t.mm(a, b.t())
t.mm(v, v)
t.bmm(c, c.transpose(1, 2))
t.mv(a, v)
t.dot(v, v)
t.dot(a, a)
t.outer(v, p)
t.addmm(t.ones(3, 3), a, b.T, beta=2, alpha=0.5)
a.view(-1)
a.view(2, 6)
a.view((4, 3))
a.view(5)
a.view(-1, 5)
a.view(-1, -1)
a.view(t.int32)
a.t().view(-1)
a.t().reshape(-1)
a.reshape(2, -1)
a.T
c.mT
c.permute(2, 0, 1)
c.permute((2, 0, 1)).is_contiguous()
c.permute(0, 1)
c.permute(0, 0, 1)
c.transpose(0, 2).stride()
c.transpose(0, 3)
c.t()
a.unsqueeze(1)
a.unsqueeze(-1).squeeze(-1)
a.unsqueeze(4)
c.unsqueeze(0).squeeze()
c[None].squeeze(1)
c.flatten()
c.flatten(1)
c.flatten(0, 1)
c.flatten(2, 1)
c.unflatten(2, (2, 2))
c.unflatten(2, (3, 2))
v.expand(3, 4)
v.expand(-1)
v.expand(3, -1)
v.expand(5)
a[:, :1].expand(3, 5)
a[:, :1].expand(-1, 2)
a.expand_as(t.ones(2, 3, 4))
a.split(2)
a.split([1, 2])
a.split([1, 1])
a.split(3, dim=1)
a.chunk(2)
a.chunk(3, dim=1)
a.chunk(5)
a.chunk(0)
a.unbind()
a.unbind(1)
t.cat([a, b])
t.cat((a, b), dim=1)
t.cat([a, b], dim=-1)
t.cat([a, i])
t.cat([a, v])
t.cat([])
t.cat([a, t.zeros(0)])
t.cat([a, b[:, :2]])
t.stack([a, b])
t.stack([a, b], dim=2)
t.stack([a, v])
t.concat([a, a], axis=1)
a.narrow(1, 1, 2)
a.narrow(1, 3, 2)
a.select(1, -1)
a.select(1, 4)
a.flip(0)
a.flip(0, 1)
t.flip(a, (1,))
a.repeat(2, 1)
a.repeat(2)
a.repeat(2, 1, 3)
a.tile(2)
t.tile(a, (2, 2))
a.roll(1)
a.roll(1, 0)
t.roll(a, (1, 2), (0, 1))
t.rot90(a)
c.movedim(0, 2)
a.diagonal()
t.diag(v)
t.diag(a)
t.tril(a)
t.triu(a, 1)
a.trace()
t.ones(3, 3).trace()
v.unfold(0, 2, 1)
a.repeat_interleave(2)
a.repeat_interleave(2, dim=0)
t.meshgrid(v, p, indexing="ij")
t.meshgrid(v, p, indexing="xy")
t.cartesian_prod(v, p)
t.combinations(v)
t.block_diag(a, b)
t.broadcast_tensors(v, a)
t.hstack([v, v])
t.vstack([v, v])
t.tensor_split(v, 3)
t.atleast_2d(v)
a.gather(1, t.tensor([[0, 1], [2, 3], [0, 0]]))
t.gather(a, 0, t.tensor([[0, 1, 2, 5]]))
t.zeros(3, 4).scatter_(1, t.tensor([[0], [1], [2]]), 1.0)
t.zeros(3, 4).scatter_(1, t.tensor([[0], [1], [2]]), a)
t.zeros(3, 4).scatter_add_(0, t.tensor([[0, 1, 2, 0]]), b)
t.zeros(3, 4).scatter(1, t.tensor([[0], [1], [2]]), 2.0, reduce="add")
a.index_select(0, j)
a.index_select(1, j)
a.clone().index_add_(0, j, b)
a.clone().index_fill_(0, j[:1], 7.0)
a.clone().index_copy_(0, j, b)
a.clone().index_put_((j, j), t.tensor(9.0))
a.take(t.tensor([0, 5]))
t.take_along_dim(a, a.argsort(1), 1)
a.masked_fill(m, -1)
a.masked_fill(m, float("-inf"))
a.clone().masked_fill_(m, 0)
a.masked_fill(a, 0)
a.masked_select(m)
m.nonzero()
t.nonzero(m, as_tuple=True)
t.nonzero(t.tensor(3))
t.argwhere(i > 4)
a.topk(2)
a.topk(2, dim=0, largest=False)
t.topk(v, 9)
a.kthvalue(2)
t.sort(a, descending=True)
t.sort(i, 0)
t.unique(i)
t.unique(i, return_counts=True)
t.unique(i, return_inverse=True, return_counts=True)
t.bincount(j)
t.bincount(j, minlength=5)
t.histc(a, 4)
t.searchsorted(v, p)
t.bucketize(a, v)
t.quantile(a, 0.5)
t.quantile(a, 0.25, dim=1)
a.diff()
a.norm(1)
a.norm(dim=1)
a.norm(2, 1, True)
t.norm(a, p=float("inf"))
t.dist(a, b)
a.renorm(2, 0, 1.0)
a.nan_to_num()
a.float().dtype
a.double()
a.half()
a.long()
a.int()
a.short()
a.char()
a.abs().byte()
a.bool()
a.to(t.int64)
a.to("cpu")
a.to("cpu", t.float64)
a.to(i)
a.to(dtype=t.float16)
a.to(a.device)
a.type()
i.type()
a.type(t.int64)
a.type("torch.DoubleTensor")
a.type(t.LongTensor)
a.type("torch.NoTensor")
a.type_as(i)
i.float()
m.int()
a.to(t.complex64)
a.numel()
a.nelement()
a.dim()
a.ndim
a.size()
a.size(0)
a.size(-1)
a.size(5)
s.size(0)
a.element_size()
a.itemsize
a.nbytes
a.stride()
a.stride(0)
a[:, 1:].storage_offset()
a[:, 1:].is_contiguous()
a[:, 1:].stride()
a.t().contiguous().stride()
t.ones(1, 3, 1).stride()
a.is_floating_point()
i.is_complex()
a.device
a.is_cuda
a.layout is t.strided
a.requires_grad
a.is_leaf
a.grad
r.grad_fn
(r * 2).is_leaf
r.detach().requires_grad
r.data.requires_grad
r[0].requires_grad
i.requires_grad_()
(r * 2).requires_grad_(False)
r.clone().detach_().requires_grad
r.numpy()
(r * 2).numpy()
r.tolist()
s.item()
a.item()
v.tolist()
s.tolist()
i.tolist()
m.tolist()
len(a)
len(s)
list(v)
list(s)
[x.shape for x in c]
bool(s)
bool(a)
bool(t.zeros(0))
int(s)
float(s)
float(v)
int(t.tensor(True))
[10, 20, 30][t.tensor(1)]
[10, 20, 30][t.tensor(1.0)]
list(range(t.tensor(3)))
2.0 in v
7 in v
[1] in v
"a" in v
hash(a) == hash(a)
a.equal(a)
abs(a)
+a
-a
round(2.5)
a.new_zeros(2, 2)
a.clone().add_(b)
a.clone().add_(b, alpha=2)
a.clone().sub_(1)
a.clone().mul_(2)
a.clone().div_(b)
a.clone().pow_(2)
a.clone().clamp_(0, 1)
a.clone().clamp_(min=0)
a.clone().fill_(3)
a.clone().fill_(s)
a.clone().fill_(v)
a.clone().zero_()
a.clone().copy_(b)
a.clone().copy_(v)
a.clone().copy_(i)
v.clone().copy_(a)
i.clone().copy_(a)
i.clone().add_(1.5)
i.clone().mul_(2)
i.clone().div_(2)
v.clone().add_(a)
m.clone().mul_(a)
a.clone().lerp_(b, 0.5)
a.clone().addcmul_(a, b)
a.clone().addcdiv_(a, b, value=2)
a.clone().eq_(b)
a.clone().logical_not_()
a.clone().unsqueeze_(0)
a.clone().unsqueeze_(0).squeeze_(0)
a.clone().t_()
a.clone().transpose_(0, 1)
a.clone().tril_()
a.clone().cumsum_(0)
t.zeros(0).resize_(2, 3).shape
v.expand(3, 4).add_(1)
v.expand(3, 4).clone().add_(1)
r.add_(1)
r[0].mul_(2)
r[0].fill_(0)
r.data.add_(1)
r.detach().mul_(2)
t.real(a)
t.complex(v, v).imag
t.complex(v, v).conj().resolve_conj()
t.complex(v, v).abs()
t.view_as_real(t.complex(v, v))
a.H
c.H
t.cumsum(a, 0)
t.cumsum(a)
t.add(a, b, out=t.empty(0))
t.exp(a, out=t.empty(3, 4))
t.exp(a, out=t.empty(3, 4, dtype=t.int64))
t.exp(r, out=t.empty(2, 2))
t.max(a, 1, out=(t.empty(0), t.empty(0, dtype=t.int64)))
t.matmul(a, v, out=t.empty(3))
t.cat([a, b], out=t.empty(0))
a.sum(dim=(0, 0))
a.squeeze((0, 1)).shape
a.where(a > 0, b)
t.square(i)
t.sqrt(i)
t.sigmoid(i)
t.floor(i)
t.relu(i)
t.isnan(i)
t.softmax(a, dim=1)
t.softmax(i, dim=1)
t.softmax(i, dim=1, dtype=t.float32)
t.is_floating_point(a)
t.numel(a)
t.count_nonzero(a, 0)
t.trapezoid(v)
a.backward()
(a * 2).sum().backward()
(r * 2).backward()
a.retain_grad()
a.register_hook(print)
""".strip().splitlines()  # fmt: skip


def run(source, t):
    scope = {"t": t, "np": np}
    exec(SETUP, scope)
    return eval(source, scope)


@pytest.mark.parametrize("source", PROGRAMS)
def test_as_pytorch(source):
    check(lambda t: run(source, t), 1e-4)


# -- protocols -------------------------------------------------------------------------------------


def test_pickle_keeps_values_flags_and_class():
    for x in (
        tl.ones(2, 3, requires_grad=True),
        tl.arange(3),
        tl.tensor(2.5),
        tl.nn.Parameter(tl.ones(2)),
        tl.zeros(0, 2),
    ):
        y = pickle.loads(pickle.dumps(x))
        assert type(y) is type(x) and y.requires_grad == x.requires_grad and y.dtype == x.dtype and y.shape == x.shape
        assert tl.equal(x.detach(), y.detach()) and y.is_leaf
    assert pickle.loads(pickle.dumps(tl.float32)) is tl.float32
    assert pickle.loads(pickle.dumps(tl.device("cpu"))) == tl.device("cpu")
    assert pickle.loads(pickle.dumps(tl.Size([1, 2]))) == (1, 2)


def test_copies():
    x = tl.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    x.tag = ["note"]
    shallow, deep = copy.copy(x), copy.deepcopy(x)
    with tl.no_grad():
        x[0] = 5
        x.grad[0] = 7
    assert shallow.tolist() == [5, 1] and deep.tolist() == [1, 1]
    assert deep.grad.tolist() == [3, 3] and deep.requires_grad and deep.tag == ["note"] and deep.tag is not x.tag
    pair = copy.deepcopy([x, x])
    assert pair[0] is pair[1]
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(x * 2)
    parameter = copy.deepcopy(tl.nn.Parameter(tl.ones(2)))
    assert isinstance(parameter, tl.nn.Parameter) and parameter.requires_grad


def test_hash_and_identity():
    a, b = tl.ones(2), tl.ones(2)
    assert len({a, b, a}) == 2 and {a: 1}[a] == 1


def test_views_share_memory_and_version():
    x = tl.zeros(2, 3)
    views = [x.view(3, 2), x.t(), x[0], x.reshape(-1), x.unsqueeze(0), x.expand(2, 2, 3), x.detach(), x.data, x.unbind()[0],
             x.split(1)[0], x.diagonal(), x.flatten(), x.squeeze(), x.movedim(0, 1), x.permute(1, 0), x.T, x.mT, x.narrow(0, 0, 1),
             x.select(0, 0), x.view_as(tl.ones(6)), x.chunk(2)[0], x.unfold(1, 2, 1)]  # fmt: skip
    x[0, 0] = 9
    for v in views:
        assert v.max() == 9, v
    version = x._version
    x.detach().add_(1)
    assert x[1, 1] == 1
    now = x._version
    assert now > version


def test_grad_attribute():
    x = tl.ones(2, requires_grad=True)
    y = x * 2
    with pytest.warns(UserWarning, match="not a leaf Tensor"):
        assert y.grad is None
    y.retain_grad()
    y.sum().backward()
    assert y.grad.tolist() == [1, 1] and y.retains_grad and x.grad.tolist() == [2, 2]
    for bad, kind in (
        (1.0, TypeError),
        (tl.ones(3), RuntimeError),
        (tl.ones(2, dtype=tl.float64), RuntimeError),
        (x, RuntimeError),
    ):
        with pytest.raises(kind):
            x.grad = bad
    x.grad = None
    assert x.grad is None
    x.grad = tl.zeros(2)
    x.grad[:] = 3
    assert x.grad.tolist() == [3, 3]


def test_hooks():
    x = tl.ones(2, requires_grad=True)
    seen = []
    handle = x.register_hook(lambda g: g * 10)
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    (x * 2).sum().backward()
    assert x.grad.tolist() == [20, 20] and seen == [[20, 20]]
    handle.remove()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [22, 22]
    with pytest.raises(RuntimeError, match="non-leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_data_setter_changes_shape_and_dtype():
    x = tl.ones(2, requires_grad=True)
    x.data = tl.ones(3, dtype=tl.float64)
    (x * 2).sum().backward()
    assert x.grad.shape == (3,) and x.grad.dtype == tl.float64


def test_retained_grad_follows_in_place_updates():
    def program(t):
        x = t.ones(3, requires_grad=True)
        y = x * 2
        y.retain_grad()
        y.mul_(3)
        (y * y).sum().backward()
        return x.grad, y.grad

    check(program)


def test_old_uint8_masks_warn():
    with pytest.warns(UserWarning, match="uint8"):
        assert tl.arange(3)[tl.tensor([1, 0, 1], dtype=tl.uint8)].tolist() == [0, 2]


def test_result_named_tuples():
    out = tl.ones(2, 3).max(dim=1)
    values, indices = out
    assert out.values is values and out.indices is indices and out[0] is values


# -- indexing ------------------------------------------------------------------

items = st.one_of(
    st.integers(-4, 3),
    st.builds(
        slice, st.sampled_from([None, 0, 1, -2]), st.sampled_from([None, 2, -1, 9]), st.sampled_from([None, 1, 2])
    ),
    st.none(),
    st.booleans(),
    st.lists(st.integers(-3, 2), min_size=1, max_size=3),
    st.builds(lambda v: ("tensor", v), st.lists(st.integers(-3, 2), min_size=2, max_size=2)),
    st.builds(lambda v: ("mask", v), st.lists(st.booleans(), min_size=3, max_size=3)),
)


def make_index(t, parts):
    return tuple(t.tensor(p[1]) if isinstance(p, tuple) else p for p in parts)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=0, max_size=3), st.lists(items, min_size=1, max_size=4), st.integers(0, 4))
def test_any_index_reads_writes_and_differentiates(shape, parts, ellipsis):
    values = np.arange(float(np.prod(shape))).reshape(shape)
    if ellipsis < len(parts) and all(p is not Ellipsis for p in parts):
        parts = [*parts[:ellipsis], Ellipsis, *parts[ellipsis:]]

    def program(t):
        x = t.from_numpy(values.copy()).requires_grad_()
        picked = (x * 2)[make_index(t, parts)]
        picked.sum().backward()
        y = t.from_numpy(values.copy())
        y[make_index(t, parts)] = -1.0
        return picked, x.grad, y

    ours, theirs = outcome(program, tl), outcome(program, torch)
    if isinstance(ours, IndexError) and isinstance(theirs, tuple) and 0 in theirs[0].shape:
        return  # PyTorch does not look at indices where nothing is picked
    assert_same(ours, theirs)


def test_as_strided_scatter_stays_inside_the_memory():
    for framework in (torch, tl):
        with pytest.raises(RuntimeError, match="out of bounds"):
            framework.as_strided_scatter(framework.zeros(4), framework.ones(3), (3,), (2,), 1)


def test_a_sequence_times_an_integer_tensor_is_repeated():
    for lib in (tl, torch):
        n = lib.tensor(2)
        assert [0] * n == [0, 0] and (1, 2) * n == (1, 2, 1, 2) and "ab" * n == "abab"


def test_casts_and_transposes_that_are_warned_of():
    for x, told in ((tl.ones(2, 3, 4), "x.T"), (tl.ones(3), "x.T"), (tl.tensor(1.0), "0-D")):
        with pytest.warns(UserWarning, match=told):
            assert x.T.shape == x.shape[::-1]
    for call in (lambda z: z.float(), lambda z: z.to(tl.int64)):
        with pytest.warns(UserWarning, match="Casting complex values to real discards the imaginary part"):
            call(tl.ones(2, dtype=tl.complex64))
