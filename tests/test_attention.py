"""Attention and transformers against PyTorch: outputs, weights, gradients, masks, messages, initial weights."""

import copy
import math

import numpy as np
import pytest

import tensorlite as tl
from tensorlite.autograd import gradcheck, gradgradcheck
from tensorlite.nn import attention as door
from tensorlite.nn import functional_sequence as F
from tensorlite.nn.layer import attention, transformer
from tensorlite.ops.attention import attention as kernel
from tensorlite.rng import manual_seed

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
TOLERANCE = {"float32": dict(rtol=2e-4, atol=5e-6), "float64": dict(rtol=1e-9, atol=1e-11)}


def both(rng, *shape, dtype="float32", grad=True):
    data = rng.standard_normal(shape).astype(dtype)
    return tl.tensor(data, requires_grad=grad), torch.tensor(data, requires_grad=grad)


def same(a, b, tol, what=""):
    assert tuple(a.shape) == tuple(b.shape), what
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), **tol, err_msg=what)


def seeded(seed=1):
    manual_seed(seed)
    torch.manual_seed(seed)


def pair(kind, *args, dtype="float32", seed=3, **kwargs):
    """The same layer in both worlds, from the same seed; weights agree to the last bit or two."""
    seeded(seed)
    a = getattr(attention, kind, None) or getattr(transformer, kind)
    a = a(*args, **kwargs, dtype=getattr(tl, dtype))
    b = getattr(torch.nn, kind)(*args, **kwargs, dtype=getattr(torch, dtype))
    for (n, p), (m, q) in zip(a.named_parameters(), b.named_parameters(), strict=True):
        assert n == m
        same(p, q, dict(rtol=1e-6 if dtype == "float32" else 1e-13, atol=1e-8 if dtype == "float32" else 1e-15), n)
    return a, b


def backward(outs, leaves, modules, tol, rng):
    total_a = total_b = 0
    for x, y in outs:
        same(x, y, tol, "output")
        g = rng.standard_normal(tuple(x.shape)).astype(x.detach().numpy().dtype)
        total_a, total_b = total_a + (x * tl.tensor(g)).sum(), total_b + (y * torch.tensor(g)).sum()
    total_a.backward()
    total_b.backward()
    for i, (x, y) in enumerate(leaves):
        same(x.grad, y.grad, tol, f"gradient of input {i}")
    if modules:
        for (n, p), q in zip(modules[0].named_parameters(), modules[1].parameters()):
            same(p.grad, q.grad, dict(rtol=tol["rtol"] * 5, atol=tol["atol"] * 5), n)


# -- scaled dot-product attention ------------------------------------------------------------------

SHAPES = {
    "heads": ((2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 7)),
    "square": ((2, 3, 6, 4), (2, 3, 6, 4), (2, 3, 6, 4)),
    "batch": ((2, 5, 4), (2, 5, 4), (2, 5, 3)),
    "plain": ((5, 4), (5, 4), (5, 4)),
}
OPTIONS = [{}, dict(is_causal=True), dict(scale=0.3), dict(dropout_p=0.4), dict(mask="bool"), dict(mask="float"),
           dict(mask="bool", dropout_p=0.2)]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_sdpa(shapes, options, dtype):
    rng = np.random.default_rng(0)
    options = dict(options)
    leaves = [both(rng, *s, dtype=dtype) for s in shapes]
    mask = options.pop("mask", None)
    masks = None, None
    if mask:
        size = shapes[0][-2], shapes[1][-2]
        if mask == "float":
            masks = both(rng, *size, dtype=dtype)
            leaves = [*leaves, masks]
        else:
            data = rng.random(size) > 0.3
            data[:, 0] = True
            masks = tl.tensor(data), torch.tensor(data)
    seeded()
    ours = F.scaled_dot_product_attention(*[t[0] for t in leaves[:3]], masks[0], **options)
    theirs = torch.nn.functional.scaled_dot_product_attention(*[t[1] for t in leaves[:3]], masks[1], **options)
    backward([(ours, theirs)], leaves, None, TOLERANCE[dtype], rng)


def test_sdpa_masks_broadcast_and_empty_rows_give_zero():
    rng = np.random.default_rng(1)
    q, k, v = [both(rng, 2, 3, 5, 4, dtype="float64") for _ in range(3)]
    for size in [(2, 1, 5, 5), (1, 3, 5, 5), (2, 3, 1, 5), (2, 1, 1, 5)]:
        data = rng.random(size) > 0.4
        data[0] = False
        for t in (*q, *k, *v):
            t.grad = None
        ours = F.scaled_dot_product_attention(q[0], k[0], v[0], tl.tensor(data))
        theirs = torch.nn.functional.scaled_dot_product_attention(q[1], k[1], v[1], torch.tensor(data))
        backward([(ours, theirs)], [q, k, v], None, TOLERANCE["float64"], rng)
        if size[0] == 2:
            assert (ours.detach().numpy()[0] == 0).all()


@pytest.mark.parametrize("mask", [None, (5, 6), (2, 1, 5, 6), (2, 4, 5, 6)], ids=str)
def test_sdpa_grouped_queries(mask):
    rng = np.random.default_rng(2)
    q, k, v = [both(rng, *s, dtype="float64") for s in ((2, 4, 5, 3), (2, 2, 6, 3), (2, 2, 6, 3))]
    data = None if mask is None else rng.standard_normal(mask)
    ours = F.scaled_dot_product_attention(q[0], k[0], v[0], data if data is None else tl.tensor(data), enable_gqa=True)
    theirs = torch.nn.functional.scaled_dot_product_attention(
        q[1], k[1], v[1], data if data is None else torch.tensor(data), enable_gqa=True)  # fmt: skip
    backward([(ours, theirs)], [q, k, v], None, TOLERANCE["float64"], rng)


def test_sdpa_large_scores_do_not_overflow():
    q = tl.full((1, 2, 4), 1e4)
    assert np.isfinite(F.scaled_dot_product_attention(q, q, q).numpy()).all()


def test_joined_heads_are_contiguous():
    q = tl.randn(2, 3, 5, 4)
    assert F.scaled_dot_product_attention(q, q, q).transpose(1, 2).is_contiguous()


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("length", [5, 70])
def test_heads_of_one_projection(heads, length):
    """Queries, keys and values that are views of one matrix, and a gradient that lies head beside head."""
    rng = np.random.default_rng(4)
    x, g = rng.standard_normal((3, length, 24 * heads)), rng.standard_normal((3, length, 8 * heads))
    grads = []
    for lib, f in ((tl, F), (torch, torch.nn.functional)):
        leaf = lib.tensor(x.astype("float32"), requires_grad=True)
        parts = (t.view(3, length, heads, 8).transpose(1, 2) for t in leaf.split(8 * heads, dim=2))
        out = f.scaled_dot_product_attention(*parts, is_causal=True).transpose(1, 2).contiguous()
        out.view(3, length, 8 * heads).backward(lib.tensor(g.astype("float32")))
        grads.append(leaf.grad.numpy())
    np.testing.assert_allclose(*grads, rtol=1e-4, atol=5e-6)


@pytest.mark.parametrize("case", ["plain", "causal", "mask", "drop", "bool"])
def test_kernel_gradients_of_any_order(case):
    rng = np.random.default_rng(3)
    make = lambda *s: tl.tensor(rng.standard_normal(s), requires_grad=True)
    args = (make(2, 3, 2), make(2, 3, 2), make(2, 3, 2))
    drop = (rng.random((2, 3, 3)) > 0.3) / 0.7 if case == "drop" else None
    allowed = np.array([[True, False, True], [False, False, False], [True, True, True]]) if case == "bool" else None
    if case == "mask":
        args = (*args, make(3, 3))
        fn = lambda q, k, v, m: kernel(q, k, v, m, scale=0.5)[0]
    else:
        fn = lambda q, k, v: kernel(q, k, v, allowed, drop, scale=0.5, causal=case == "causal")[0]
    assert gradcheck(fn, args)
    assert gradgradcheck(fn, args)


def test_sdpa_errors():
    q = tl.zeros(2, 3, 4)
    f = F.scaled_dot_product_attention
    with pytest.raises(RuntimeError, match="Explicit attn_mask should not be set when is_causal=True"):
        f(q, q, q, tl.ones(3, 3).bool(), is_causal=True)
    with pytest.raises(RuntimeError, match="same dtype"):
        f(q, q.double(), q)
    with pytest.raises(RuntimeError, match="Expected attn_mask dtype to be bool or float"):
        f(q, q, q, tl.ones(3, 3).long())
    with pytest.raises(RuntimeError, match="at least 2 dimensional"):
        f(tl.zeros(4), q, q)
    with pytest.raises(RuntimeError, match="must agree in their last dimension"):
        f(q, tl.zeros(2, 3, 5), q)
    with pytest.raises(RuntimeError, match="dropout probability has to be between 0 and 1"):
        f(q, q, q, dropout_p=1.5)
    with pytest.raises(RuntimeError, match="enable_gqa"):
        f(tl.zeros(1, 3, 2, 4), tl.zeros(1, 2, 2, 4), tl.zeros(1, 2, 2, 4), enable_gqa=True)


# -- several heads ---------------------------------------------------------------------------------

HEADS = [
    dict(),
    dict(batch_first=True, dropout=0.3),
    dict(bias=False, kdim=5, vdim=3),
    dict(add_bias_kv=True, add_zero_attn=True),
    dict(add_bias_kv=True, batch_first=True, kdim=5, vdim=8),
]


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("masks", ["none", "padding", "both", "3d", "float", "causal"])
@pytest.mark.parametrize("config", HEADS, ids=str)
def test_heads(config, masks, need_weights):
    rng = np.random.default_rng(4)
    dtype = "float64" if need_weights else "float32"
    a, b = pair("MultiheadAttention", 8, 2, **config, dtype=dtype)
    n, length, keys = 3, 4, 4 if masks == "causal" else 6
    lay = (lambda t, m: (m, t)) if config.get("batch_first") else (lambda t, m: (t, m))
    q = both(rng, *lay(length, n), 8, dtype=dtype)
    k = both(rng, *lay(keys, n), config.get("kdim", 8), dtype=dtype)
    v = both(rng, *lay(keys, n), config.get("vdim", 8), dtype=dtype)
    given = {}
    if masks in ("padding", "both"):
        given["key_padding_mask"] = np.arange(keys) >= np.array([[keys], [3], [2]])
    if masks == "both":
        given["attn_mask"] = np.arange(keys) > np.arange(length)[:, None] + 2
    if masks == "3d":
        given["attn_mask"] = np.repeat(np.arange(keys) > np.arange(length)[:, None], 2 * n, 0).reshape(
            2 * n, length, keys
        )
        given["attn_mask"][..., 0] = False
    if masks == "float":
        given["attn_mask"] = rng.standard_normal((length, keys)).astype(dtype)
        given["key_padding_mask"] = rng.standard_normal((n, keys)).astype(dtype)
    if masks == "causal":
        given["attn_mask"] = np.arange(keys) > np.arange(length)[:, None]
    more = dict(is_causal=True) if masks == "causal" else dict(average_attn_weights=masks != "both")
    seeded()
    ours = a(q[0], k[0], v[0], need_weights=need_weights, **more, **{m: tl.tensor(x) for m, x in given.items()})
    theirs = b(q[1], k[1], v[1], need_weights=need_weights, **more, **{m: torch.tensor(x) for m, x in given.items()})
    outs = list(zip(ours, theirs)) if need_weights else [(ours[0], theirs[0])]
    assert need_weights or ours[1] is theirs[1] is None
    backward(outs, [q, k, v], (a, b), TOLERANCE[dtype], rng)


def test_heads_self_attention_and_shared_memory():
    rng = np.random.default_rng(5)
    a, b = pair("MultiheadAttention", 8, 4, batch_first=True, dtype="float64")
    x, m = both(rng, 2, 5, 8, dtype="float64"), both(rng, 2, 3, 8, dtype="float64")
    backward(list(zip(a(x[0], x[0], x[0]), b(x[1], x[1], x[1]))), [x], (a, b), TOLERANCE["float64"], rng)
    a.zero_grad(), b.zero_grad()
    x[0].grad = x[1].grad = None
    backward(list(zip(a(x[0], m[0], m[0]), b(x[1], m[1], m[1]))), [x, m], (a, b), TOLERANCE["float64"], rng)
    y = both(rng, 5, 8, dtype="float64")
    a.eval(), b.eval()
    backward(list(zip(a(y[0], y[0], y[0]), b(y[1], y[1], y[1]))), [y], None, TOLERANCE["float64"], rng)
    with tl.no_grad(), torch.no_grad():  # PyTorch's fast path
        for p, q in zip(a(x[0], x[0], x[0]), b(x[1], x[1], x[1])):
            same(p, q, TOLERANCE["float64"])


BAD = [
    lambda w, m: m(w.zeros(8), w.zeros(8), w.zeros(8)),
    lambda w, m: m(w.zeros(2, 1, 8), w.zeros(2, 8), w.zeros(2, 8)),
    lambda w, m: m(w.zeros(2, 1, 6), w.zeros(2, 1, 6), w.zeros(2, 1, 6)),
    lambda w, m: m(w.zeros(2, 1, 8), w.zeros(3, 1, 8), w.zeros(2, 1, 8)),
    lambda w, m: m(*[w.zeros(2, 1, 8)] * 3, attn_mask=w.zeros(2, 3)),
    lambda w, m: m(*[w.zeros(2, 1, 8)] * 3, attn_mask=w.zeros(1, 2, 2)),
    lambda w, m: m(*[w.zeros(2, 1, 8)] * 3, attn_mask=w.zeros(2)),
    lambda w, m: m(*[w.zeros(2, 1, 8)] * 3, attn_mask=w.zeros(2, 2).long()),
    lambda w, m: m(*[w.zeros(2, 1, 8)] * 3, key_padding_mask=w.zeros(2)),
    lambda w, m: m(*[w.zeros(2, 1, 8)] * 3, key_padding_mask=w.zeros(1, 3)),
    lambda w, m: m(*[w.zeros(2, 1, 8)] * 3, is_causal=True),
    lambda w, m: m(*[w.zeros(2, 8)] * 3, attn_mask=w.zeros(3, 2, 2)),
]


@pytest.mark.parametrize("call", BAD, ids=range(len(BAD)))
def test_heads_wrong_shapes(call):
    a, b = pair("MultiheadAttention", 8, 2)
    with pytest.raises((AssertionError, RuntimeError)) as e:
        call(tl, a)
    with pytest.raises(type(e.value)) as f:
        call(torch, b)
    assert str(f.value) in str(e.value)


def test_heads_options():
    with pytest.raises(AssertionError, match="embed_dim must be divisible by num_heads"):
        attention.MultiheadAttention(7, 2)
    with pytest.raises(ValueError, match="must be greater than 0"):
        attention.MultiheadAttention(0, 2)
    a, b = pair("MultiheadAttention", 8, 2, bias=False, kdim=3)
    assert repr(a) == repr(b)
    assert list(a.state_dict()) == list(b.state_dict())


def test_static_keys():
    rng = np.random.default_rng(6)
    a, b = pair("MultiheadAttention", 8, 2, dtype="float64")
    x, s = both(rng, 4, 3, 8, dtype="float64"), both(rng, 6, 5, 4, dtype="float64")
    outs = []
    for i, (m, f) in enumerate(((a, F), (b, torch.nn.functional))):
        outs.append(f.multi_head_attention_forward(
            x[i], x[i], x[i], 8, 2, m.in_proj_weight, m.in_proj_bias, None, None, False, 0.0, m.out_proj.weight,
            m.out_proj.bias, static_k=s[i], static_v=s[i]))  # fmt: skip
    backward(list(zip(*outs)), [x, s], None, TOLERANCE["float64"], rng)


# -- transformers ----------------------------------------------------------------------------------

LAYERS = [dict(), dict(batch_first=True, norm_first=True, activation="gelu"), dict(bias=False, dropout=0.0),
          dict(batch_first=True, activation=math.tanh)]  # fmt: skip


def _layer(kind, config, dtype):
    config = dict(config)
    if callable(config.get("activation")):
        config["activation"] = lambda x: x.tanh()
    return pair(kind, 8, 2, 16, **config, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("config", LAYERS, ids=range(len(LAYERS)))
def test_layers(config, dtype):
    rng = np.random.default_rng(7)
    a, b = _layer("TransformerEncoderLayer", config, dtype)
    c, d = _layer("TransformerDecoderLayer", config, dtype)
    assert "TransformerEncoderLayer(" in repr(a) and list(c.state_dict()) == list(d.state_dict())
    x, m = both(rng, 4, 4, 8, dtype=dtype), both(rng, 4, 4, 8, dtype=dtype)
    mask = np.triu(np.full((4, 4), -np.inf, dtype), 1)
    padding = np.zeros((4, 4), dtype)
    padding[1, 2:] = -np.inf
    seeded()
    ours = a(x[0], tl.tensor(mask), tl.tensor(padding))
    theirs = b(x[1], torch.tensor(mask), torch.tensor(padding))
    backward([(ours, theirs)], [x], (a, b), TOLERANCE[dtype], rng)
    x[0].grad = x[1].grad = None
    seeded()
    ours = c(x[0], m[0], tgt_mask=tl.tensor(mask), memory_key_padding_mask=tl.tensor(padding))
    theirs = d(x[1], m[1], tgt_mask=torch.tensor(mask), memory_key_padding_mask=torch.tensor(padding))
    backward([(ours, theirs)], [x, m], (c, d), TOLERANCE[dtype], rng)
    for p, q in ((a, b), (c, d)):
        p.eval(), q.eval()
    same(c(x[0], m[0]), d(x[1], m[1]), TOLERANCE[dtype])
    with tl.no_grad(), torch.no_grad():
        same(a(x[0]), b(x[1]), TOLERANCE[dtype])


@pytest.mark.parametrize("batch_first", [True, False])
def test_whole(batch_first):
    rng = np.random.default_rng(8)
    with pytest.warns(UserWarning) if not batch_first else _quiet():
        a, b = pair("Transformer", 8, 2, 2, 2, 16, batch_first=batch_first, dtype="float64")
    x, y = both(rng, 3, 3, 8, dtype="float64"), both(rng, 3, 3, 8, dtype="float64")
    masks = [k.Transformer.generate_square_subsequent_mask(3) for k in (transformer, torch.nn)]
    same(masks[0], masks[1], {})
    seeded()
    ours = a(x[0], y[0], tgt_mask=masks[0].double())
    theirs = b(x[1], y[1], tgt_mask=masks[1].double())
    backward([(ours, theirs)], [x, y], (a, b), TOLERANCE["float64"], rng)
    with pytest.raises(RuntimeError, match="the feature number of src and tgt must be equal to d_model"):
        a(x[0][..., :4], y[0])
    with pytest.raises(RuntimeError, match="the batch number of src and tgt must be equal"):
        a(x[0][:2] if batch_first else x[0][:, :2], y[0])


def _quiet():
    import contextlib

    return contextlib.nullcontext()


def test_encoder_in_evaluation_drops_padding():
    rng = np.random.default_rng(9)
    a, b = pair("TransformerEncoderLayer", 8, 2, 16, batch_first=True, dtype="float64")
    a, b = transformer.TransformerEncoder(a, 2), torch.nn.TransformerEncoder(b, 2)
    a.eval(), b.eval()
    x = both(rng, 3, 5, 8, dtype="float64", grad=False)
    for lengths in ([5, 3, 2], [5, 5, 5]):
        padding = np.arange(5) >= np.array(lengths)[:, None]
        with tl.no_grad(), torch.no_grad():
            ours = a(x[0], src_key_padding_mask=tl.tensor(padding))
            same(ours, b(x[1], src_key_padding_mask=torch.tensor(padding)), TOLERANCE["float64"])
        same(a(x[0], src_key_padding_mask=tl.tensor(padding)), b(x[1], src_key_padding_mask=torch.tensor(padding)),
             TOLERANCE["float64"])  # fmt: skip


def test_clones_start_equal_and_are_independent():
    layer = transformer.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    stack = transformer.TransformerEncoder(layer, 2)
    first, second = stack.layers
    same(first.linear1.weight, second.linear1.weight, {})
    assert first.linear1.weight is not second.linear1.weight
    twin = copy.deepcopy(stack)
    same(twin.eval()(tl.ones(1, 2, 8)), stack.eval()(tl.ones(1, 2, 8)), {})
    with pytest.raises(RuntimeError, match="activation should be relu/gelu, not tanh"):
        transformer.TransformerEncoderLayer(8, 2, activation="tanh")


# -- the door to PyTorch's kernels -----------------------------------------------------------------


def test_kernel_choice_changes_nothing():
    q = tl.randn(1, 2, 4)
    plain = F.scaled_dot_product_attention(q, q, q)
    with door.sdpa_kernel([door.SDPBackend.FLASH_ATTENTION, door.SDPBackend.MATH]):
        same(F.scaled_dot_product_attention(q, q, q), plain, {})
    with pytest.raises(AssertionError, match="Backend must be an instance"), door.sdpa_kernel("math"):
        pass
    with pytest.raises(NotImplementedError, match="flex_attention is not supported"):
        door.flex_attention


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows, keys", [(128, 128), (130, 130), (300, 300), (200, 40), (130, 170), (129, 1)])
def test_causal_attention_of_many_queries_leaves_out_what_nobody_sees(rows, keys, dtype):
    """Bands of queries of unequal length, and more or fewer keys than queries."""
    rng = np.random.default_rng(rows + keys)
    for spread in (1.0, 40.0):  # moderate scores, and such as need the row's maximum
        q, k, v = [both(rng, 2, 3, n, 8, dtype=dtype) for n in (rows, keys, keys)]
        with torch.no_grad(), tl.no_grad():
            q[0].mul_(spread), q[1].mul_(spread)
        ours, theirs = zip(q, k, v)
        outs = tl.nn.functional.scaled_dot_product_attention(*ours, is_causal=True)
        other = torch.nn.functional.scaled_dot_product_attention(*theirs, is_causal=True)
        tol = dict(rtol=1e-3, atol=1e-3) if dtype == "float32" else TOLERANCE[dtype]
        backward([(outs, other)], [q, k, v], None, tol, rng)


def test_bands_of_queries_share_dropped_weights_and_broadcast_keys():
    rng = np.random.default_rng(0)
    q = tl.tensor(rng.standard_normal((2, 3, 130, 4)), requires_grad=True)
    k, v = [tl.tensor(rng.standard_normal((3, 130, 4)), requires_grad=True) for _ in range(2)]
    drop = (rng.random((2, 3, 130, 130)) > 0.3) / 0.7
    raised = kernel(q, k, v, None, drop, scale=0.5, causal=True)[1]
    assert raised.ndim == 1 and raised.numel() < drop.size
    out = kernel(q, k, v, None, drop, scale=0.5, causal=True)[0]
    scores = (q @ k.transpose(-1, -2) * 0.5).masked_fill(tl.ones(130, 130).triu(1).bool(), -math.inf)
    plain = (scores.softmax(-1) * tl.tensor(drop)) @ v
    g = tl.tensor(rng.standard_normal(out.shape))
    for a, b in zip(tl.autograd.grad(out, (q, k, v), g), tl.autograd.grad(plain, (q, k, v), g)):
        same(a, b, TOLERANCE["float64"])
    same(out, plain, TOLERANCE["float64"])
