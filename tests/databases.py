"""PyTorch's own test databases (OpInfo, ModuleInfo) run against this library.

``python -m tests.databases [substring]`` prints what fails; ``tests/test_databases.py`` holds it to a floor.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from collections import Counter, defaultdict

import numpy as np

import tensorlite as tl

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch

DTYPES = {getattr(torch, n): getattr(tl, n) for n in (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128",
    "bfloat16")}  # fmt: skip

#: Left out of the library by decision; each refuses or is absent.
OUT_OF_SCOPE = (
    "sparse", "nested", "quant", "_refs", "jiterator", "masked.", "signal.windows", "native_", "_", "segment_reduce",
    "to_sparse", "chalf", "bfloat16", "torch.ops", "nn.functional.ctc_loss", "nn.functional.max_unpool",
    "nn.functional.fractional", "torchvision", "linalg.lu", "linalg.ldl", "stft", "istft", "grid_sampler_2d",
    "nn.functional.embedding_bag_sparse", "nn.functional.scaled_mm", "nn.functional.grouped_mm", "hash_tensor",
)  # fmt: skip


def convert(x):
    """PyTorch's arguments as ours."""
    if isinstance(x, torch.Tensor):
        t = tl.from_numpy(x.detach().resolve_conj().resolve_neg().numpy().copy(order="K"))
        return t.requires_grad_() if x.requires_grad else t
    if isinstance(x, torch.dtype):
        return DTYPES[x]
    if isinstance(x, torch.device):
        return "cpu"
    if isinstance(x, torch.layout):
        return tl.strided
    if isinstance(x, torch.memory_format):
        return getattr(tl, str(x).split(".")[-1])
    if isinstance(x, torch.Generator):
        return tl.Generator()
    if isinstance(x, torch.Size):
        return tl.Size(x)
    if isinstance(x, (list, tuple)):
        items = [convert(v) for v in x]
        return type(x)(items) if not hasattr(x, "_fields") else type(x)(*items)
    if isinstance(x, dict):
        return {k: convert(v) for k, v in x.items()}
    return x


def tensors(x, kind):
    """All tensors in a result, in order."""
    if isinstance(x, kind):
        return [x]
    if isinstance(x, dict):
        return [t for v in x.values() for t in tensors(v, kind)]
    return [t for v in x for t in tensors(v, kind)] if isinstance(x, (list, tuple)) else []


def ours(name):
    """Our function for an OpInfo's name, or None."""
    target = tl
    for part in name.split("."):
        target = getattr(target, part, None)
        if target is None:
            break
    if callable(target):
        return target
    method = getattr(tl.Tensor, name.split(".")[-1], None)
    return method if callable(method) else None


def same(a, b, what):
    """Assert that our tensor equals theirs: dtype, shape, values."""
    assert str(a.dtype) == str(b.dtype), f"{what}: dtype {a.dtype}, PyTorch {b.dtype}"
    x, y = a.detach().numpy(), b.detach().resolve_conj().resolve_neg().numpy()
    assert x.shape == y.shape, f"{what}: shape {x.shape}, PyTorch {y.shape}"
    if x.dtype.kind in "fc":
        wide = np.finfo(x.dtype)
        tolerance = {16: 1e-2, 32: 2e-4, 64: 1e-6}[wide.bits if x.dtype.kind == "f" else wide.bits]
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance, err_msg=what)
    else:
        np.testing.assert_array_equal(x, y, err_msg=what)


RANDOM = ("dropout", "bernoulli", "multinomial", "normal", "rand", "uniform", "exponential", "cauchy", "geometric",
          "log_normal", "empty", "new_empty", "rrelu", "poisson", "gumbel")  # fmt: skip


def check(op, sample, dtype):
    """One sample: results and, for floats, gradients."""
    fn = ours(op.name)
    if fn is None:
        raise LookupError(f"no function {op.name}")
    args = [sample.input, *sample.args]
    mine = convert(args), convert(sample.kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = op(*args, **sample.kwargs)
        got = fn(*mine[0], **mine[1])
    a, b = tensors(got, tl.Tensor), tensors(theirs, torch.Tensor)
    assert len(a) == len(b), f"{len(a)} results, PyTorch {len(b)}"
    loose = any(r in op.name for r in RANDOM)
    decomposition = op.name in ("linalg.svd", "svd", "linalg.eig", "linalg.eigh", "linalg.qr", "qr", "geqrf", "pca_lowrank", "svd_lowrank")
    for i, (x, y) in enumerate(zip(a, b)):
        if loose or decomposition:
            assert str(x.dtype) == str(y.dtype) and tuple(x.shape) == tuple(y.shape)
        else:
            same(x, y, f"result {i}")
    if loose or decomposition or not op.supports_autograd or dtype not in (torch.float32, torch.float64):
        return
    pairs = [(x, y) for x, y in zip(a, b) if y.requires_grad]
    for x, y in zip(a, b):
        assert bool(x.requires_grad) == bool(y.requires_grad), f"requires_grad {x.requires_grad}, PyTorch {y.requires_grad}"
    if not pairs:
        return
    torch.manual_seed(0)
    weights = [torch.randn(y.shape, dtype=torch.float64).to(y.dtype) for _, y in pairs]
    torch.autograd.backward([y for _, y in pairs], weights)
    tl.autograd.backward([x for x, _ in pairs], [tl.from_numpy(w.numpy()) for w in weights])
    for i, (x, y) in enumerate(zip(tensors(mine, tl.Tensor), tensors((args, sample.kwargs), torch.Tensor))):
        if y.requires_grad and y.is_leaf:
            assert (x.grad is None) == (y.grad is None), f"gradient {i}: {x.grad}, PyTorch {y.grad}"
            if y.grad is not None:
                same(x.grad, y.grad, f"gradient {i}")


def run(only="", dtypes=(torch.float32, torch.int64), limit=12):
    """Yields (op, dtype, error or None) over the samples of PyTorch's OpInfo database."""
    from torch.testing._internal.common_methods_invocations import op_db

    for op in op_db:
        if only not in op.name or op.name.startswith(OUT_OF_SCOPE) or "sparse" in op.name:
            continue
        for dtype in dtypes:
            if not op.supports_dtype(dtype, "cpu"):
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    samples = [s for s, _ in zip(op.sample_inputs("cpu", dtype, requires_grad=op.supports_autograd and dtype.is_floating_point), range(limit))]
            except Exception:  # the database itself needs something that is not here
                continue
            for sample in samples:
                try:
                    check(op, sample, dtype)
                except LookupError as error:
                    yield op, dtype, error
                    break
                except Exception as error:
                    yield op, dtype, error
                else:
                    yield op, dtype, None


def main():
    """Print failures by operation."""
    torch.set_num_threads(1)
    counts, errors = Counter(), defaultdict(list)
    for op, dtype, error in run(*sys.argv[1:2]):
        counts["pass" if error is None else "missing" if isinstance(error, LookupError) else "fail"] += 1
        if error is not None:
            place = traceback.extract_tb(error.__traceback__)[-1]
            text = " ".join(str(error).split())[:170]
            errors[f"{op.name}{'/' + op.variant_test_name if op.variant_test_name else ''}"].append(
                f"{str(dtype)[6:]}: {type(error).__name__}: {text} ({place.filename.rsplit('/', 1)[-1]}:{place.lineno})"
            )
    for name, found in sorted(errors.items()):
        print(f"{name} ({len(found)}): {found[0]}")
    print(dict(counts))


if __name__ == "__main__":
    main()
