"""Recurrent layers against PyTorch: outputs, states, gradients, packed sequences, messages, initial weights."""

import copy
import pickle

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import threads
from tensorlite.autograd import gradcheck, gradgradcheck
from tensorlite.nn.layer import recurrent as layers
from tensorlite.nn.utils import rnn as ours
from tensorlite.ops import recurrent as ops
from tensorlite.ops.gru import gru
from tensorlite.ops.steps import Part
from tensorlite.rng import manual_seed

torch = pytest.importorskip("torch")
theirs = torch.nn.utils.rnn
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
TOLERANCE = {"float32": dict(rtol=2e-4, atol=2e-6), "float64": dict(rtol=1e-9, atol=1e-11)}


def pair(kind, *args, dtype="float32", seed=3, **kwargs):
    """The same layer in both worlds, from the same seed."""
    manual_seed(seed)
    a = getattr(layers, kind)(*args, **kwargs, dtype=getattr(tl, dtype))
    torch.manual_seed(seed)
    b = getattr(torch.nn, kind)(*args, **kwargs, dtype=getattr(torch, dtype))
    for (n, p), (m, q) in zip(a.named_parameters(), b.named_parameters(), strict=True):
        assert n == m
        np.testing.assert_allclose(
            p.detach().numpy(), q.detach().numpy(), rtol=1e-13 if dtype == "float64" else 0, err_msg=n
        )
    return a, b


def both(rng, *shape, dtype="float32"):
    data = rng.standard_normal(shape).astype(dtype)
    return tl.tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)


def same(a, b, tol, what=""):
    assert tuple(a.shape) == tuple(b.shape), what
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), **tol, err_msg=what)


def flat(out):
    """The tensors in a result, depth first."""
    if isinstance(out, (ours.PackedSequence, theirs.PackedSequence)):
        return [out.data]
    return [out] if not isinstance(out, tuple) else [t for o in out for t in flat(o)]


def compare(a, b, inputs_a, inputs_b, leaves, tol, rng):
    """Outputs, and gradients of leaves and parameters for a random combination of all outputs."""
    outs_a, outs_b = flat(a(*inputs_a)), flat(b(*inputs_b))
    total_a = total_b = 0
    for x, y in zip(outs_a, outs_b, strict=True):
        same(x, y, tol, "output")
        g = rng.standard_normal(tuple(x.shape)).astype(x.detach().numpy().dtype)
        total_a, total_b = total_a + (x * tl.tensor(g)).sum(), total_b + (y * torch.tensor(g)).sum()
    total_a.backward()
    total_b.backward()
    for i, (x, y) in enumerate(leaves):
        same(x.grad, y.grad, tol, f"gradient of input {i}")
    for (n, p), q in zip(a.named_parameters(), b.parameters()):
        same(p.grad, q.grad, tol, n)


CONFIGS = [
    dict(),
    dict(num_layers=2, bidirectional=True, batch_first=True),
    dict(num_layers=3, bias=False),
    dict(num_layers=2, dropout=0.4),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("kind", ["RNN", "RELU", "GRU", "LSTM", "PROJ"])
def test_layer(kind, config, dtype):
    rng = np.random.default_rng(0)
    extra = dict(RELU=dict(nonlinearity="relu"), PROJ=dict(proj_size=3)).get(kind, {})
    name = dict(RELU="RNN", PROJ="LSTM").get(kind, kind)
    a, b = pair(name, 5, 6, **config, **extra, dtype=dtype)
    tol = TOLERANCE[dtype]
    x = both(rng, 4, 3, 5, dtype=dtype)
    batch = 4 if config.get("batch_first") else 3
    count = config.get("num_layers", 1) * (2 if config.get("bidirectional") else 1)
    h = both(rng, count, batch, 3 if kind == "PROJ" else 6, dtype=dtype)
    c = both(rng, count, batch, 6, dtype=dtype)
    hx = [(h[i], c[i]) if name == "LSTM" else h[i] for i in (0, 1)]
    leaves = [x, h, c] if name == "LSTM" else [x, h]
    manual_seed(1)
    torch.manual_seed(1)
    compare(a, b, (x[0], hx[0]), (x[1], hx[1]), leaves, tol, rng)
    a.eval(), b.eval()
    with tl.no_grad(), torch.no_grad():
        for y, z in zip(flat(a(x[0])), flat(b(x[1])), strict=True):
            same(y, z, tol)


@pytest.mark.parametrize(
    "config", [dict(), dict(num_layers=2, bidirectional=True), dict(num_layers=2, bias=False, dropout=0.3)]
)
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM", "PROJ"])
def test_packed(kind, config):
    rng = np.random.default_rng(1)
    extra = dict(proj_size=2) if kind == "PROJ" else {}
    name = "LSTM" if kind == "PROJ" else kind
    a, b = pair(name, 4, 5, **config, **extra, dtype="float64")
    x = both(rng, 6, 4, 4, dtype="float64")
    lengths = [3, 6, 1, 3]
    count = config.get("num_layers", 1) * (2 if config.get("bidirectional") else 1)
    h = both(rng, count, 4, 2 if kind == "PROJ" else 5, dtype="float64")
    c = both(rng, count, 4, 5, dtype="float64")
    hx = [(h[i], c[i]) if name == "LSTM" else h[i] for i in (0, 1)]
    packed = [w.pack_padded_sequence(t, lengths, enforce_sorted=False) for w, t in zip((ours, theirs), x)]
    manual_seed(1)
    torch.manual_seed(1)
    compare(a, b, (packed[0], hx[0]), (packed[1], hx[1]), [x, h], TOLERANCE["float64"], rng)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_unbatched(kind):
    rng = np.random.default_rng(1)
    a, b = pair(kind, 4, 5, batch_first=True, dtype="float64")
    x = both(rng, 6, 4, dtype="float64")
    compare(a, b, (x[0],), (x[1],), [x], TOLERANCE["float64"], rng)
    h = both(rng, 1, 5, dtype="float64")
    hx = [(t, t) if kind == "LSTM" else t for t in h]
    compare(a, b, (x[0], hx[0]), (x[1], hx[1]), [x, h], TOLERANCE["float64"], rng)


@pytest.mark.parametrize("kind, extra", [("RNNCell", {}), ("RNNCell", dict(nonlinearity="relu")), ("GRUCell", {}),
                                         ("LSTMCell", {}), ("LSTMCell", dict(bias=False)), ("GRUCell", dict(bias=False))])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cell(kind, extra, dtype):
    rng = np.random.default_rng(2)
    a, b = pair(kind, 4, 5, **extra, dtype=dtype)
    x, h, c = both(rng, 3, 4, dtype=dtype), both(rng, 3, 5, dtype=dtype), both(rng, 3, 5, dtype=dtype)
    hx = [(h[i], c[i]) if kind == "LSTMCell" else h[i] for i in (0, 1)]
    leaves = [x, h, c] if kind == "LSTMCell" else [x, h]
    compare(a, b, (x[0], hx[0]), (x[1], hx[1]), leaves, TOLERANCE[dtype], rng)
    for y, z in zip(flat(a(x[0][0])), flat(b(x[1][0])), strict=True):  # unbatched, from zeros
        same(y, z, TOLERANCE[dtype])
    with pytest.raises(ValueError, match="Expected input to be 1D or 2D, got 3D"):
        a(tl.zeros(1, 2, 4))
    with pytest.raises(RuntimeError, match="inconsistent input_size"):
        a(tl.zeros(2, 3, dtype=x[0].dtype))


def test_only_the_last_output_or_state_is_used():
    rng = np.random.default_rng(3)
    a, b = pair("LSTM", 4, 5, dtype="float64")
    x = both(rng, 6, 2, 4, dtype="float64")
    for pick in (lambda o: o[0][-1], lambda o: o[1][0], lambda o: o[1][1]):
        for m, t in ((a, x[0]), (b, x[1])):
            m.zero_grad()
            t.grad = None
            pick(m(t)).sum().backward()
        same(x[0].grad, x[1].grad, TOLERANCE["float64"])
        for p, q in zip(a.parameters(), b.parameters()):
            same(p.grad, q.grad, TOLERANCE["float64"])


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM", "PROJ"])
@pytest.mark.parametrize("lengths", [None, [9, 9, 7, 4, 4, 4, 1]], ids=["even", "packed"])
def test_threads_share_the_batch(kind, lengths, monkeypatch):
    monkeypatch.setattr(threads, "WORTHWHILE", 0)
    before = tl.get_num_threads()
    kind, config = ("LSTM", dict(proj_size=3)) if kind == "PROJ" else (kind, {})
    try:
        for count in (2, 3):
            tl.set_num_threads(count)
            rng = np.random.default_rng(6)
            a, b = pair(kind, 4, 6, num_layers=2, bidirectional=True, **config)
            x = both(rng, 9, 7, 4)
            inputs = x if lengths is None else [w.pack_padded_sequence(t, lengths) for w, t in zip((ours, theirs), x)]
            compare(a, b, inputs[:1], inputs[1:], [x], TOLERANCE["float32"], rng)
    finally:
        tl.set_num_threads(before)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_no_sequences(kind):
    a, b = pair(kind, 4, 5)
    x = both(np.random.default_rng(7), 3, 0, 4)
    compare(a, b, x[:1], x[1:], [x], TOLERANCE["float32"], np.random.default_rng(8))


@pytest.mark.parametrize("most", [1, 4, 5, 100])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sizes", [(3, 3, 3, 3), (5, 3, 3, 1), (1, 1)], ids=str)
def test_groups_of_steps_cover_the_rows_backwards(sizes, reverse, most):
    for first, last in ((0, sizes[0]), (0, 1), (1, sizes[0])):
        part = Part(sizes, first, last, reverse)
        taken = [
            (step + j, own + j * n, n) for step, _, _, own, n, k in part.runs for j in range(k)[:: 1 - 2 * reverse]
        ]
        count = sum(n for *_, n in taken)
        back = []
        for at, runs in part.backwards(most):
            rows = sum(n * k for *_, n, k in runs)
            assert rows == at.stop - at.start
            assert rows <= most or (len(runs), runs[0][5]) == (1, 1)
            for step, row, size, own, n, k in runs:
                assert at.start <= own and own + n * k <= at.stop
                assert row == sum(sizes[:step]) and size == sizes[step]
                back += [(step + j, own + j * n, n) for j in range(k)[:: 2 * reverse - 1]]
        assert back == taken[::-1]
        assert sorted(own + j for _, own, n in taken for j in range(n)) == list(range(count))


SIZES = [(2, 2, 2), (3, 2, 1)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", ["lstm", "proj", "gru", "tanh", "relu", "lstm_gates"])
def test_gradients_of_any_order(kind, reverse, sizes):
    rng = np.random.default_rng(4)
    make = lambda *s: tl.tensor(rng.standard_normal(s) * 0.7, requires_grad=True)
    batch, rows, k = sizes[0], sum(sizes), dict(gru=3, tanh=1, relu=1).get(kind, 4)
    if kind == "lstm_gates":
        args, fn = (make(3, 8), make(3, 2)), lambda a, c: ops.lstm_gates(a, c)[:2]
    else:
        width = 1 if kind == "proj" else 2
        weights = make(k * 2, 3), make(k * 2, width), make(k * 2), make(k * 2)
        states = (make(batch, width), make(batch, 2)) if k == 4 else (make(batch, width),)
        args = (make(rows, 3), *states, *weights) + ((make(1, 2),) if kind == "proj" else ())
        op, count = (ops.lstm, 3) if k == 4 else (gru, 2) if k == 3 else (ops.rnn, 2)
        more = dict(nonlinearity=kind) if k == 1 else {}
        fn = lambda *a: op(*a, sizes=sizes, reverse=reverse, **more)[:count]
    assert gradcheck(fn, args)
    assert gradgradcheck(fn, args)


def test_packing_matches():
    rng = np.random.default_rng(5)
    x = both(rng, 4, 5, 3, 2, dtype="float64")
    for first in (False, True):
        lengths = [2, 5, 1, 3] if first else [4, 4, 2, 1, 1]
        p, q = [w.pack_padded_sequence(t, lengths, batch_first=first, enforce_sorted=not first)
                for w, t in zip((ours, theirs), x)]  # fmt: skip
        same(p.data, q.data, {})
        for i in (1, 2, 3):
            assert (p[i] is None) == (q[i] is None)
            if p[i] is not None:
                assert p[i].tolist() == q[i].tolist()
        for kw in (dict(), dict(total_length=7, padding_value=-2.0), dict(batch_first=True)):
            (y, n), (z, m) = ours.pad_packed_sequence(p, **kw), theirs.pad_packed_sequence(q, **kw)
            same(y, z, {})
            assert n.tolist() == m.tolist()
        x[0].grad = x[1].grad = None
        (y * y).sum().backward()
        (z * z).sum().backward()
        same(x[0].grad, x[1].grad, {})
    parts = [rng.standard_normal((n, 2)) for n in (3, 5, 2)]
    p, q = [tl.tensor(s) for s in parts], [torch.tensor(s) for s in parts]
    for kw in (dict(), dict(batch_first=True, padding_value=1.5), dict(padding_side="left", batch_first=True)):
        same(ours.pad_sequence(p, **kw), theirs.pad_sequence(q, **kw), {})
    for y, z in zip(ours.unpack_sequence(ours.pack_sequence(p, enforce_sorted=False)), parts, strict=True):
        np.testing.assert_array_equal(y.numpy(), z)
    packed = ours.pack_sequence(p, enforce_sorted=False)
    assert packed.float().data.dtype == tl.float32 and packed.double() is packed
    data, sizes, order, inverse = packed
    assert data is packed.data and inverse is packed.unsorted_indices


@pytest.mark.parametrize("lengths", [[5, 2, 2], [4, 2, 0], [4, 2], [2, 3, 4]], ids=str)
def test_packing_errors(lengths):
    x = np.zeros((4, 3))
    with pytest.raises(RuntimeError) as a:
        ours.pack_padded_sequence(tl.tensor(x), lengths)
    if lengths != [5, 2, 2]:  # PyTorch reads past the end here
        with pytest.raises(RuntimeError) as b:
            theirs.pack_padded_sequence(torch.tensor(x), lengths)
        assert str(a.value) == str(b.value)


BAD = [
    ("LSTM", (3, 4), dict(), lambda w: (w.zeros(0, 2, 3),)),
    ("LSTM", (3, 4), dict(), lambda w: (w.zeros(2, 2, 5),)),
    ("LSTM", (3, 4), dict(), lambda w: (w.zeros(2, 2, 2, 5),)),
    ("RNN", (3, 4), dict(), lambda w: (w.zeros(2),)),
    ("LSTM", (3, 4), dict(), lambda w: (w.zeros(2, 2, 3), (w.zeros(1, 3, 4), w.zeros(1, 2, 4)))),
    ("LSTM", (3, 4), dict(proj_size=2), lambda w: (w.zeros(2, 2, 3), (w.zeros(1, 2, 2), w.zeros(1, 2, 2)))),
    ("LSTM", (3, 4), dict(), lambda w: (w.zeros(2, 2, 3), (w.zeros(2, 4), w.zeros(2, 4)))),
    ("GRU", (3, 4), dict(), lambda w: (w.zeros(2, 2, 3), w.zeros(2, 4))),
    ("GRU", (3, 4), dict(), lambda w: (w.zeros(2, 3), w.zeros(1, 1, 4))),
    ("GRU", (3, 4), dict(), lambda w: (w.zeros(2, 2, 3), w.zeros(1, 3, 4))),
    ("GRU", (3, 4), dict(), lambda w: (w.zeros(2, 2, 3, dtype=w.float64),)),
]


@pytest.mark.parametrize("kind, args, config, inputs", BAD, ids=range(len(BAD)))
def test_wrong_shapes(kind, args, config, inputs):
    a, b = pair(kind, *args, **config)
    with pytest.raises(Exception) as e:
        a(*inputs(tl))
    with pytest.raises(type(e.value)) as f:
        b(*inputs(torch))
    expected = str(f.value)
    assert expected in str(e.value) or expected in str(e.value).replace("tensorlite.", "torch.")


@pytest.mark.parametrize("config", [dict(dropout=2), dict(dropout=True), dict(bias=1), dict(batch_first=1),
                                    dict(num_layers=0), dict(proj_size=-1), dict(proj_size=4)])  # fmt: skip
def test_wrong_options(config):
    with pytest.raises((ValueError, TypeError)) as e:
        layers.LSTM(3, 4, **config)
    with pytest.raises(type(e.value)) as f:
        torch.nn.LSTM(3, 4, **config)
    assert str(e.value) == str(f.value)
    with pytest.raises(ValueError, match="proj_size argument is only supported"):
        layers.GRU(3, 4, proj_size=2)
    with pytest.raises(ValueError, match="Unknown nonlinearity"):
        layers.RNN(3, 4, nonlinearity="gelu")


def test_warning_for_dropout_without_effect():
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last"):
        layers.GRU(3, 4, dropout=0.5)


def test_repr_copies_and_pickles():
    for kind, args, config in [("LSTM", (3, 4), dict(num_layers=2, batch_first=True, bidirectional=True, proj_size=2,
                                                     dropout=0.5, bias=False)), ("GRU", (3, 4), {}),
                               ("RNNCell", (3, 4), dict(nonlinearity="relu"))]:  # fmt: skip
        a, b = pair(kind, *args, **config)
        assert repr(a) == repr(b)
        assert list(a.state_dict()) == list(b.state_dict())
        for twin in (copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
            same(twin.eval()(tl.ones(2, 3))[0], a.eval()(tl.ones(2, 3))[0], {})
    a.double()
    assert a(tl.ones(2, 3, dtype=tl.float64)).dtype == tl.float64
    assert [len(w) for w in layers.GRU(3, 4, num_layers=2).all_weights] == [4, 4]
