"""The profiler counts what ran, adds up times, and writes tables and traces; the timer times."""

import gzip
import json

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import profiler
from tensorlite.autograd import profiler as older
from tensorlite.profiler.events import operations
from tensorlite.utils import benchmark


def _step():
    w = tl.ones(4, 3, requires_grad=True)
    tl.relu(tl.ones(2, 4) @ w).sum().backward()


def test_counts_and_kinds():
    with profiler.profile(record_shapes=True, with_stack=True) as p:
        _step()
        _step()
    rows = {r.key: r for r in p.key_averages()}
    assert {k: r.count for k, r in rows.items()} == {
        "matmul": 2, "relu": 2, "sum": 2, "SumBackward0": 2, "ReluBackward0": 2, "MmBackward0": 2,
    }  # fmt: skip
    assert rows["matmul"].kind == "forward" and rows["MmBackward0"].kind == "backward"
    assert rows["matmul"].cpu_memory_usage == 2 * 2 * 3 * 4
    matmul = next(e for e in p.events() if e.name == "matmul")
    assert matmul.shapes == [[2, 4], [4, 3]]
    assert "test_profiler.py" in matmul.where
    assert all(e.time >= e.own >= 0 for e in p.events())


def test_nothing_outside_of_the_block():
    with profiler.profile() as p:
        pass
    _step()
    assert not p.events()
    assert tl.engine.state.watch is None


def test_result_is_unchanged():
    x = tl.tensor([1.0, -2.0], requires_grad=True)
    with profiler.profile():
        (x.exp() * x).sum().backward()
    seen, x.grad = x.grad.clone(), None
    (x.exp() * x).sum().backward()
    assert np.array_equal(seen.numpy(), x.grad.numpy())


def test_ranges_nest_and_own_time_excludes_inner():
    @profiler.record_function("inner")
    def inner():
        return tl.ones(3) + 1

    with profiler.profile() as p, profiler.record_function("outer"):
        inner()
        inner()
    outer = p.events()[0]
    assert [e.name for e in p.events()] == ["outer", "inner", "add", "inner", "add"]
    assert outer.inside == sum(e.time for e in p.events() if e.name == "inner")
    total = p.events().total_average()
    assert total.self_cpu_time_total == pytest.approx(outer.cpu_time_total)


def test_range_without_profile_does_nothing():
    with profiler.record_function("alone"):
        assert (tl.ones(2) + 1).sum().item() == 4


def test_an_error_closes_its_events():
    with profiler.profile() as p:
        with pytest.raises(RuntimeError), profiler.record_function("fails"):
            tl.ones(2, 3) @ tl.ones(2, 3)
        tl.ones(2) + 1
    fails = next(e for e in p.events() if e.name == "fails")
    add = next(e for e in p.events() if e.name == "add")
    assert fails.time > 0 and add.start >= fails.start + fails.time


def test_optimizer_step_is_a_range():
    w = tl.ones(3, requires_grad=True)
    optimizer = tl.optim.SGD([w], lr=0.1)
    with profiler.profile() as p:
        w.sum().backward()
        optimizer.step()
    assert [e.kind for e in p.events() if e.name == "Optimizer.step#SGD.step"] == ["range"]


def test_tables():
    with profiler.profile() as p:
        _step()
    own = p.table().splitlines()
    assert own[1].split() == ["operation", "calls", "forward", "backward", "together", "share", "results"]
    assert {line.split()[0] for line in own[3:6]} == {"matmul", "relu", "sum"}
    assert own[6].split()[0] == "all"
    by_name = p.table(sort_by="name", row_limit=1).splitlines()
    assert by_name[3].startswith("matmul")
    text = p.key_averages().table(sort_by="self_cpu_time_total", row_limit=2, header="title")
    lines = text.splitlines()
    assert lines[0] == "title" and "# of Calls" in lines[2] and lines[-1].startswith("Self CPU time total:")
    assert len(lines) == 1 + 3 + 2 + 1 + 1
    times = [r.self_cpu_time_total for r in p.key_averages()]
    first = text.splitlines()[4].split()[0]
    assert first == p.key_averages()[int(np.argmax(times))].key
    for bad in (lambda: p.table(sort_by="color"), lambda: p.key_averages().table(sort_by="color")):
        with pytest.raises(ValueError, match="color"):
            bad()


def test_numbers_of_the_tables():
    def event(name, kind, operation, milliseconds, inside=0.0, nbytes=0):
        e = profiler.Event(name, kind, operation, 0, 1)
        e.time, e.inside, e.bytes = int(milliseconds * 1e6), int(inside * 1e6), nbytes
        return e

    events = profiler.EventList([
        event("mul", "forward", "mul", 2.0, nbytes=2 << 20), event("mul", "forward", "mul", 1.0),
        event("MulBackward0", "backward", "mul", 0.004), event("range", "range", "range", 6.0, inside=3.0),
    ])  # fmt: skip
    rows = [line.split() for line in operations(events).splitlines()]
    assert rows[3] == ["mul", "2", "3.000ms", "4.000us", "3.004ms", "50.0%", "2.00", "MB"]
    assert rows[4] == ["range", "1", "3.000ms", "0.000us", "3.000ms", "50.0%", "0", "B"]
    assert rows[5] == ["all", "3", "6.000ms", "4.000us", "6.004ms", "100.0%", "2.00", "MB"]
    row = events.key_averages().table(max_name_column_width=10).splitlines()[4].split()
    assert row == ["MulBack...", "0.07%", "4.000us", "0.07%", "4.000us", "4.000us", "0", "B", "1"]
    uncut = events.key_averages().table(max_name_column_width=None).splitlines()[4].split()
    assert uncut[0] == "MulBackward0"


@pytest.mark.parametrize("use_gzip", [False, True])
def test_traces_of_scheduled_steps(tmp_path, use_gzip):
    plan = profiler.schedule(wait=1, warmup=1, active=2, repeat=1)
    handler = profiler.tensorboard_trace_handler(str(tmp_path / "runs"), "me", use_gzip)
    with profiler.profile(schedule=plan, on_trace_ready=handler) as p:
        for _ in range(6):
            _step()
            p.step()
    (path,) = (tmp_path / "runs").iterdir()
    assert path.name.startswith("me.") and path.suffix == (".gz" if use_gzip else ".json")
    data = json.loads(gzip.decompress(path.read_bytes()) if use_gzip else path.read_text())
    events = data["traceEvents"]
    steps = [e for e in events if e["name"].startswith("ProfilerStep#")]
    assert [e["name"] for e in steps] == ["ProfilerStep#2", "ProfilerStep#3"]
    assert sum(e["name"] == "matmul" for e in events) == 2 and {e["ph"] for e in events} == {"X"}
    assert steps[0]["ts"] + steps[0]["dur"] <= steps[1]["ts"]


def test_memory_of_results():
    x, w = tl.randn(8, 4, 12, 12, requires_grad=True), tl.randn(16, 4, 3, 3, requires_grad=True)
    with profiler.profile() as p:
        y = tl.nn.functional.max_pool2d(tl.conv2d(x, w), 2)
        y.reshape(8, -1).backward(tl.ones(8, 400))
    seen = {e.name: e.bytes for e in p.events()}
    results = {
        "conv": 8 * 16 * 10 * 10 * 4,
        "reshape": 0,
        "ViewBackward0": 0,
        "ConvolutionBackward0": x.nbytes + w.nbytes,
    }
    assert {name: seen[name] for name in results} == results, seen
    assert seen["max_pool"] >= y.nbytes and str(p) == p.table()


def test_grouping_by_shape():
    with profiler.profile(record_shapes=True) as p:
        tl.ones(2) + 1
        tl.ones(3) + 1
        tl.ones(3) + 1
    assert [r.count for r in p.key_averages(group_by_input_shape=True)] == [1, 2]
    assert [r.count for r in p.key_averages()] == [3]


def test_chrome_trace(tmp_path):
    with profiler.profile(with_stack=True) as p, profiler.record_function("all"):
        _step()
    p.export_chrome_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert len(trace) == len(p.events()) and {e["ph"] for e in trace} == {"X"}
    everything = trace[0]
    assert everything["name"] == "all" and everything["cat"] == "user_annotation"
    for e in trace[1:]:  # inside the range that surrounds them
        assert everything["ts"] <= e["ts"] and e["ts"] + e["dur"] <= everything["ts"] + everything["dur"] + 1e-3
    p.export_stacks(tmp_path / "stacks.txt")
    assert "test_profiler.py" in (tmp_path / "stacks.txt").read_text()


def test_schedule_against_pytorch():
    torch = pytest.importorskip("torch")
    for options in (
        dict(wait=1, warmup=1, active=2), dict(wait=0, warmup=1, active=3, repeat=2), dict(wait=2, warmup=2, active=1, repeat=1),
        dict(wait=1, warmup=1, active=1, repeat=2, skip_first=3), dict(wait=2, warmup=1, active=1, skip_first=1, skip_first_wait=1),
    ):  # fmt: skip
        ours, theirs = profiler.schedule(**options), torch.profiler.schedule(**options)
        assert [ours(i).name for i in range(20)] == [theirs(i).name for i in range(20)], options


def test_schedule_checks():
    with pytest.raises(AssertionError, match="active=0"):
        profiler.schedule(wait=0, warmup=1, active=0)
    with pytest.warns(UserWarning, match="warmup"):
        profiler.schedule(wait=0, warmup=0, active=1)


def test_scheduled_cycles():
    seen = []
    plan = profiler.schedule(wait=1, warmup=1, active=2, repeat=2)
    with profiler.profile(schedule=plan, on_trace_ready=lambda p: seen.append([e.name for e in p.events()])) as p:
        for _ in range(10):
            tl.ones(2) + 1
            p.step()
    steps = [[f"ProfilerStep#{i}", "add", f"ProfilerStep#{i + 1}", "add"] for i in (2, 6)]
    assert seen == steps


def test_trace_handler(tmp_path):
    handler = profiler.tensorboard_trace_handler(str(tmp_path / "logs"), worker_name="w")
    with profiler.profile(on_trace_ready=handler):
        tl.ones(2) + 1
    (file,) = (tmp_path / "logs").iterdir()
    assert file.name.startswith("w.") and json.loads(file.read_text())["traceEvents"][0]["name"] == "add"


def test_refusals():
    with pytest.warns(UserWarning, match="CUDA is not available"):
        profiler.profile(activities=[profiler.ProfilerActivity.CPU, profiler.ProfilerActivity.CUDA])
    for options in (dict(with_flops=True), dict(with_modules=True), dict(experimental_config=1)):
        with pytest.raises(NotImplementedError):
            profiler.profile(**options)
    with pytest.raises(NotImplementedError):
        older.profile(use_cuda=True)


def test_older_door():
    with older.profile(record_shapes=True) as p:
        with older.record_function("part"):
            tl.ones(2) + 1
    assert [e.name for e in p.function_events] == ["part", "add"]
    assert "# of Calls" in p.key_averages().table(sort_by="cpu_time_total", row_limit=10)
    assert p.self_cpu_time_total > 0
    with older.profile(enabled=False) as p:
        tl.ones(2) + 1
    assert not p.function_events


def test_second_order_and_other_watchers():
    x = tl.tensor([2.0], requires_grad=True)
    with profiler.profile() as p, tl.autograd.detect_anomaly():
        (g,) = tl.autograd.grad((x**3).sum(), x, create_graph=True)
        g.sum().backward()
    assert x.grad.item() == pytest.approx(12.0)
    assert {"pow", "PowBackward0"} <= {e.name for e in p.events()}


def test_timer():
    x = tl.ones(3)
    timer = benchmark.Timer(
        "y = f(x)", setup="f = abs", globals={"x": x}, label="abs", sub_label="3", description="ours"
    )
    found = timer.timeit(20)
    assert found.number_per_run == 20 and len(found.raw_times) == 1
    assert found.median == found.mean == found.raw_times[0] / 20
    text = repr(found).splitlines()
    assert text[1] == "abs: 3" and text[2] == "ours" and text[3] == "setup: f = abs"
    assert text[-1] == "  1 measurement, 20 runs , 1 thread"
    ranged = timer.blocked_autorange(min_run_time=0.02)
    assert sum(ranged.raw_times) >= 0.02 and ranged.iqr >= 0 and 1 <= ranged.significant_figures <= 4
    assert timer.adaptive_autorange(max_run_time=0.05).median > 0
    with pytest.raises(ValueError, match="str"):
        benchmark.Timer(stmt=len)


def test_timer_sets_threads_for_the_statement_only():
    before = tl.get_num_threads()
    seen = []
    benchmark.Timer("seen.append(tl.get_num_threads())", globals={"seen": seen, "tl": tl}, num_threads=1).timeit(1)
    assert set(seen) == {1} and tl.get_num_threads() == before


def test_compare():
    make = lambda name, size, t: benchmark.Measurement(
        1, [t], dict(stmt="f()", setup="pass", label="L", sub_label=size, description=name, env=None, num_threads=1)
    )
    table = str(benchmark.Compare([make("a", "x", 1e-3), make("b", "x", 2.5e-3), make("a", "y", 3e-3)]))
    lines = [[c.strip() for c in line.split("|")] for line in table.splitlines()]
    assert "[ L ]" in table.replace("-", "") and lines[1] == ["", "a", "b"]
    assert ["x", "1.0", "2.5"] in lines and "Times are in milliseconds (ms)." in table
