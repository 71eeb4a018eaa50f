"""``python -m benchmarks``: time every workload in tensorlite and its peers, side by side.

One process per framework, blocks of about half a second in turn (A B A B ...), a ratio per round, and the
median of the ratios with the smallest and largest. Memory is measured in fresh processes; calls of NumPy, operations,
arrays and bytes of a step are counted on one thread (``python -m benchmarks.numpy_calls gpt`` lists the calls by name).
Run it on an idle machine: with anything else running, thread barriers inflate the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .counters import count_step
from .numpy_calls import count_apart
from .workloads import CORE, WORKLOADS, can_run, geometric_mean


class Worker:
    """A process that runs workloads in one framework."""

    def __init__(self, framework, threads):
        env = dict(os.environ)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            env[name] = str(threads)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", framework, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
        )  # fmt: skip

    def ask(self, **order):
        """Send an order, wait for the answer."""
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker died on {order}")
        return json.loads(line)

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def time_rounds(names, frameworks, threads, rounds, seconds, smoke):
    """{workload: {framework: [seconds per step, one per round]}}, blocks in turn; and the cores at work, likewise."""
    result, cores = {}, {}
    workers = {}
    try:
        for name in names:
            times = {f: [] for f in frameworks if can_run(f, name)}
            busy = cores[name] = {f: [] for f in times}
            for f in times:
                if f not in workers:
                    workers[f] = Worker(f, threads)
            for i in range(1 if smoke else rounds + 1):
                for f in times:
                    if not smoke:
                        time.sleep(0.2)  # let the other's threads fall asleep
                    answer = workers[f].ask(workload=name, seconds=seconds, once=smoke)
                    if i or smoke:  # the first round warms up
                        times[f].append(answer["seconds"])
                        busy[f].append(answer["cores"])
            result[name] = times
            shown = "  ".join(f"{f} {statistics.median(t) * 1e3:9.3f} ms" for f, t in times.items())
            print(f"  {WORKLOADS[name].title:<75} {shown}", flush=True)
            if not smoke:  # a fresh process per workload: nobody profits from another's warm memory
                _close(workers)
    finally:
        _close(workers)
    return result, cores


def _close(workers):
    while workers:
        workers.popitem()[1].close()


def memory_growth(name, framework, threads, steps):
    """Peak resident memory over the baseline after import and data, in bytes, in a fresh process."""
    worker = Worker(framework, threads)
    try:
        return worker.ask(memory=name, steps=steps)["bytes"]
    finally:
        worker.close()


def import_milliseconds(repeat=7):
    """Import time of tensorlite beyond NumPy's: compiled files in place, the smallest of several processes."""
    program = (
        "import numpy, time; start = time.perf_counter(); import tensorlite; print(time.perf_counter() - start)"
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as cache:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPYCACHEPREFIX": cache}
        run = lambda: subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
        )
        run()  # compiles
        return 1e3 * min(float(run().stdout) for _ in range(repeat))


def installed_bytes():
    """Size of the package without caches."""
    import tensorlite

    root = Path(tensorlite.__file__).parent
    return sum(p.stat().st_size for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def summarise(times, cores, frameworks, memory, counts):
    """Rows of the table: medians, ratios per round, cores at work, memory, counts."""
    rows = []
    for name, by_framework in times.items():
        row = {"workload": name, "title": WORKLOADS[name].title, "unit": WORKLOADS[name].unit}
        row["ms"] = {f: 1e3 * statistics.median(t) for f, t in by_framework.items()}
        row["cores"] = {f: statistics.median(t) for f, t in cores[name].items()}
        for peer in frameworks[1:]:
            if peer not in by_framework:
                continue
            ratios = [a / b for a, b in zip(by_framework["tensorlite"], by_framework[peer])]
            row[f"ratio/{peer}"] = [statistics.median(ratios), min(ratios), max(ratios)]
        row["memory"] = memory.get(name, {})
        row.update(counts.get(name, {}))
        rows.append(row)
    return rows


def markdown(rows, frameworks, title):
    """The table of the README."""
    peers = frameworks[1:]
    head = ["workload", *[f"{f}, ms" for f in frameworks]]
    for p in peers:
        head += [f"ours / {p} (min - max)"]
    head += [f"memory, MB ({' / '.join(frameworks)})", "NumPy calls, operations, arrays, MB allocated a step"]
    lines = [f"### {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for r in rows:
        cells = [r["title"], *[f"{r['ms'][f]:.3g}" if f in r["ms"] else "-" for f in frameworks]]
        for p in peers:
            m, low, high = r.get(f"ratio/{p}", (0, 0, 0))
            cells.append(f"**{m:.2f}** ({low:.2f} - {high:.2f})" if m else "-")
        cells.append(" / ".join(f"{r['memory'][f] / 2**20:.1f}" for f in frameworks if f in r["memory"]) or "-")
        counted = [str(r[k]) for k in ("numpy_calls", "operations", "arrays") if k in r]
        cells.append(", ".join([*counted, f"{r['allocated'] / 2**20:.3g}"]) if counted else "-")
        lines.append("| " + " | ".join(cells) + " |")
    for p in peers:
        core = [r[f"ratio/{p}"][0] for r in rows if r["workload"] in CORE and f"ratio/{p}" in r]
        if len(core) == len(CORE):
            lines += ["", f"Geometric mean of the core rows, ours / {p}: **{geometric_mean(core):.2f}**"]
    return "\n".join(lines)


def main():
    """Parse the command line, measure, print, write JSON and Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--against", default="torch", help="peers, separated by commas; missing ones are left out")
    parser.add_argument("--only", help="workloads, separated by commas: " + ", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of one block")
    parser.add_argument("--threads", help="numbers of threads, separated by commas (default: all cores and 1)")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="every workload once, no claim about time")
    parser.add_argument("--out", type=Path, help="folder for results.json and results.md")
    args = parser.parse_args()
    names = args.only.split(",") if args.only else list(WORKLOADS)
    if unknown := set(names) - set(WORKLOADS):
        parser.error(f"unknown workloads {sorted(unknown)}; there are {', '.join(WORKLOADS)}")
    frameworks = ["tensorlite"]
    for peer in filter(None, args.against.split(",")):
        if peer not in ("torch", "jax"):
            parser.error(f"--against {peer}: there are workloads for torch and jax")
        probe = subprocess.run([sys.executable, "-c", f"import {peer}"], capture_output=True)
        if probe.returncode == 0:
            frameworks.append(peer)
        else:
            print(f"{peer} is not installed: left out")
    cores = os.cpu_count() or 1
    threads = [int(t) for t in args.threads.split(",")] if args.threads else ([1] if args.smoke else [cores, 1])
    if not args.smoke and hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        print(f"the machine is not idle (load {os.getloadavg()[0]:.1f}): with several threads the figures mean little")
    rounds, seconds = (1, 0.0) if args.smoke else (args.rounds, args.seconds)
    report, text = {}, []
    for t in threads:
        print(f"{t} thread(s):")
        times, cores = time_rounds(names, frameworks, t, rounds, seconds, args.smoke)
        memory, counts = {}, {}
        if t == threads[0] and not args.no_memory and not args.smoke:
            for name in names:
                steps = 1 if WORKLOADS[name].unit == "epoch" else 20
                memory[name] = {f: memory_growth(name, f, t, steps) for f in frameworks if can_run(f, name)}
        if t == threads[0]:
            calls = count_apart(names)
            for name in names:
                counts[name] = count_step(WORKLOADS[name]) | {
                    "numpy_calls": round(sum(calls[name].values())), "by_name": calls[name],
                }  # fmt: skip
        report[str(t)] = summarise(times, cores, frameworks, memory, counts)
        title = f"{t} thread{'s' if t > 1 else ''}" + (
            ": one cold step each, its time means nothing" if args.smoke else ""
        )
        text.append(markdown(report[str(t)], frameworks, title))
    report["import_ms"] = import_milliseconds(1 if args.smoke else 7)
    report["installed_bytes"] = installed_bytes()
    text.append(
        f"`import tensorlite` beyond NumPy: {report['import_ms']:.0f} ms; installed size: "
        f"{report['installed_bytes'] / 1e6:.2f} MB"
    )
    print("\n" + "\n\n".join(text))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "results.json").write_text(json.dumps(report, indent=1))
        (args.out / "results.md").write_text("\n\n".join(text) + "\n")


if __name__ == "__main__":
    main()
