"""One process for one framework; takes orders as JSON lines on standard input.

``{"workload": name, "seconds": s}`` runs blocks of steps for about ``s`` seconds and answers with the
seconds per step and the cores that were at work on average: 1.0 where one thread never waited.
``{"memory": name, "steps": n}`` answers with the growth of resident memory.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import warnings
from pathlib import Path


def resident(field="VmRSS"):
    """Resident memory of this process in bytes (``VmHWM``: its peak)."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(field))


def main():
    """Import the framework, then serve orders until standard input ends."""
    name, threads = sys.argv[1], int(sys.argv[2])
    warnings.simplefilter("ignore")
    if name == "jax" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    framework = importlib.import_module(name)
    if name != "jax":  # its pool is as large as the set of cores that the process may use
        framework.set_num_threads(threads)
        framework.manual_seed(0)
    from .workloads import build

    steps = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "memory" in order:
            step = build(framework, order["memory"])
            gc.collect()
            Path("/proc/self/clear_refs").write_text("5")  # forget the peak of preparing the data
            base = resident()
            for _ in range(order["steps"]):
                step()
            answer = {"bytes": resident("VmHWM") - base}
        else:
            key = order["workload"]
            if key not in steps:
                steps[key] = build(framework, key)
                for _ in range(0 if order.get("once") else 2):
                    steps[key]()
            step, count = steps[key], 0
            gc.collect()
            start, worked = time.perf_counter(), time.process_time()
            while True:
                step()
                count += 1
                spent = time.perf_counter() - start
                if spent > order["seconds"] or (order.get("once") and count):
                    break
            cores = (time.process_time() - worked) / spent
            answer = {"seconds": spent / count, "steps": count, "cores": cores}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("KMP_BLOCKTIME", "0")  # an idle framework must not spin while the other is timed
    main()
