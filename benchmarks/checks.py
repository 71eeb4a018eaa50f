"""``python -m benchmarks.checks``: what the checks for classic mistakes cost when nothing is wrong.

One process, blocks of steps in turn with the checks and without them (their functions do nothing then), a ratio per round, the
median of the ratios. The bound is 1.02.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time

import tensorlite
from tensorlite.engine import tape, trail
from tensorlite.mistakes import evaluation, losses
from tensorlite.nn import functional_loss

from .workloads import WORKLOADS, build

#: What looks for mistakes in a training step, or remembers something for their messages.
CHECKS = [
    trail.begin, trail.grows, trail.cut, tape.touch, losses.scores, losses.probabilities, losses.negative,
    evaluation.noted, evaluation.compared, evaluation.guessed, functional_loss._judge,
]  # fmt: skip
INSTEAD = {"touch": lambda tensor: _count(tensor._cell), "guessed": lambda result: result}


def _count(cell):
    cell[0] = tape.clock()
    cell[1] += 1


def places():
    """(module, name, check) wherever the package has a check under a name."""
    modules = [m for name, m in list(sys.modules.items()) if name.startswith("tensorlite")]
    return [(m, n, v) for m in modules for n, v in list(vars(m).items()) if any(v is c for c in CHECKS)]


def switch(found, on):
    """Put the checks in their places, or functions that do nothing."""
    for module, name, check in found:
        setattr(module, name, check if on else INSTEAD.get(check.__name__, lambda *args, **kwargs: None))


def block(step, seconds):
    """Seconds per step over a block."""
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        step()
        count += 1
    return spent / count


def cost(name, rounds, seconds):
    """``(ratio, smallest, largest)`` of a step with the checks to one without."""
    step = build(tensorlite, name)
    for _ in range(2 * trail.LOSSES):  # the first steps are looked at more closely
        step()
    found, ratios = places(), []
    assert {c.__name__ for _, _, c in found} == {c.__name__ for c in CHECKS}
    gc.disable()
    try:
        for i in range(rounds):
            times = {}
            for on in (True, False) if i % 2 else (False, True):
                switch(found, on)
                times[on] = block(step, seconds)
            ratios.append(times[True] / times[False])
    finally:
        gc.enable()
        switch(found, True)
    return statistics.median(ratios), min(ratios), max(ratios)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--only", default="tiny_mlp,mlp", help="workloads, separated by commas: " + ", ".join(WORKLOADS)
    )
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--seconds", type=float, default=0.1, help="length of one block")
    args = parser.parse_args()
    tensorlite.manual_seed(0)
    for name in args.only.split(","):
        ratio, low, high = cost(name, args.rounds, args.seconds)
        print(f"{WORKLOADS[name].title}: with / without checks {ratio:.4f} ({low:.3f} - {high:.3f})", flush=True)


if __name__ == "__main__":
    main()
