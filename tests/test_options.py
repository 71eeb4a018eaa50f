"""No option is accepted and ignored: every parameter of a public function is used in its body, or stands here with the reason."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "tensorlite"

CPU = "there is one device, the CPU: as PyTorch's own on a machine without accelerators"
SPEED = "only chooses how PyTorch computes, never what"
SHAPE = "a part of the protocol that this case does not need"
#: Parameter names (everywhere) or "file function parameter" that are without effect by meaning.
WITHOUT_EFFECT = {
    "non_blocking": CPU, "foreach": SPEED, "cudnn_enabled": SPEED, "cudnn_enable": SPEED, "implicit": "set by PyTorch's own compiler only", "check_available": CPU,
    "amp/autocast_mode.py __init__ cache_enabled": SPEED,
    "autograd/grad_mode.py __init__ fn": "__new__ has taken it", "backends/cudnn.py flags benchmark_limit": "steers GPU kernels only",
    "autograd/functional.py hessian vectorize": SPEED,
    "func.py vjp_fn retain_graph": "the graph lives as long as the function",
    "autograd/graph.py __init__ pin_memory": CPU, "autograd/graph.py __init__ device_type": CPU, "autograd/profiler.py __init__ use_kineto": SPEED,
    "cuda/__init__.py is_bf16_supported including_emulation": CPU, "cuda/__init__.py memory_allocated device": CPU,
    "functions/running.py compile fullgraph": SPEED, "functions/running.py compile dynamic": SPEED, "functions/running.py compile backend": SPEED,
    "functions/running.py compile mode": SPEED, "functions/running.py compile options": SPEED, "functions/running.py compile disable": SPEED,
    "functions/running.py is_inference input": "inference tensors are ordinary ones", "functions/running.py set_flush_denormal mode": "answers that it cannot",
    "functions/running.py is_conj input": "never", "functions/running.py is_neg input": "never",
    "functions/sorting.py sort stable": "sorts are always stable", "functions/sorting.py argsort stable": "sorts are always stable",
    "ops/sorting.py topk sorted": "sorted always", "ops/sorting.py unique sorted": "sorted always",
    **{f"jit.py {name}": SPEED for name in ("script optimize", "script example_inputs", "trace optimize", "trace check_trace",
       "trace check_inputs", "trace check_tolerance", "trace strict", "ignore kwargs", "freeze preserved_attrs", "freeze optimize_numerics",
       "optimize_for_inference other_methods", "annotate the_type", "Attribute type", "optimized_execution should_optimize")},
    "compiler.py disable recursive": SPEED, "compiler.py disable reason": SPEED, "nn/attention.py sdpa_kernel set_priority": SPEED, "nn/container.py __init__ device_ids": CPU, "nn/container.py __init__ output_device": CPU,
    "nn/container.py __init__ dim": CPU, "nn/layer/basic.py __init__ args": "Identity takes anything", "nn/layer/basic.py __init__ kwargs": "Identity takes anything",
    "nn/parallel.py data_parallel device_ids": CPU, "nn/parallel.py data_parallel output_device": CPU, "nn/parallel.py data_parallel dim": CPU,
    "profiler/record.py __init__ profile_memory": "memory is always noted", "random.py fork_rng device_type": CPU,
    "serialization/files.py load weights_only": "nothing but weights and plain data is ever loaded",
    "testing.py assert_close check_device": CPU, "testing.py assert_close check_layout": "there is one layout",
    "_conversions.py cuda non_blocking": CPU, "_conversions.py cuda memory_format": "raises", "nn/utils/rnn.py cpu args": CPU, "nn/utils/rnn.py cpu kwargs": CPU,
    "_numpy.py array_function types": "NumPy's protocol",
}  # fmt: skip


def unused():
    """(file, function, parameter) for the parameters of public functions that their bodies do not name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        for f in ast.walk(ast.parse(path.read_text())):
            if not isinstance(f, ast.FunctionDef) or (f.name.startswith("_") and f.name != "__init__"):
                continue
            body = [s for s in f.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            if not body or all(isinstance(s, (ast.Raise, ast.Pass)) for s in body):
                continue  # a declaration, or a refusal
            names = {n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name)}
            a = f.args
            for p in [
                *a.posonlyargs,
                *a.args,
                *a.kwonlyargs,
                *([a.vararg] if a.vararg else []),
                *([a.kwarg] if a.kwarg else []),
            ]:
                if p.arg not in names and p.arg not in ("self", "cls", "ctx") and not p.arg.startswith("_"):
                    yield file, f.name, p.arg


#: Rooms whose functions are called by the house itself, with every argument that the protocol has.
PROTOCOLS = ("callbacks/", "data/collate.py", "distributions/", "engine/", "optim/", "ops/", "viz/", "mistakes/", "nn/hooks.py", "nn/layer/lazy_conv.py",
             "autograd/function.py", "autograd/functional.py _", "profiler/record.py __exit__", "signal/")  # fmt: skip


def test_every_option_does_something():
    found = [u for u in unused() if not u[0].startswith(PROTOCOLS) or " ".join(u) in WITHOUT_EFFECT]
    strange = [u for u in found if u[2] not in WITHOUT_EFFECT and " ".join(u) not in WITHOUT_EFFECT]
    assert not strange, f"accepted and ignored: {strange}"
    met = {u[2] for u in found} | {" ".join(u) for u in found}
    assert not set(WITHOUT_EFFECT) - met, f"used by now: {sorted(set(WITHOUT_EFFECT) - met)}"
