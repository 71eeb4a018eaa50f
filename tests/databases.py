"""PyTorch's own test databases (OpInfo) run against this library.

Each operation is tried as a function, a method, in place, with ``out=``, on tensors that are not contiguous, differentiated
twice, with values that change before the backward pass, and on PyTorch's examples of wrong arguments. ``python -m tests.databases [substring [variant]]`` prints what
fails; ``tests/test_databases.py`` holds it to :data:`KNOWN`.
"""

from __future__ import annotations

import functools
import random
import re
import sys
import traceback
import types
import warnings
from collections import Counter, defaultdict

import numpy as np

import tensorlite as tl

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch
    from torch.testing._internal import common_utils

DTYPES = {getattr(torch, n): getattr(tl, n) for n in (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128",
    "bfloat16")}  # fmt: skip

#: Left out of the library by decision; each refuses or is absent.
OUT_OF_SCOPE = (
    "sparse", "nested", "quant", "_refs", "jiterator", "masked.", "native_", "segment_reduce", "to_sparse", "chalf",
    "bfloat16", "torch.ops", "torchvision", "nn.functional.fractional", "nn.functional.embedding_bag_sparse",
    "nn.functional.scaled_mm", "nn.functional.scaled_grouped_mm", "nn.functional.grouped_mm", "hash_tensor",
    "max_pool2d_with_indices_backward",
)  # fmt: skip

# -- seeds ---------------------------------------------------------------------------------------------


def seed(n=42):
    """Seed both libraries. ``torch.manual_seed`` notes the stack for devices that may come: half of the time went there."""
    torch.default_generator.manual_seed(n)
    tl.manual_seed(n)


def _seed_example(n=None):
    torch.default_generator.manual_seed(42 if n is None else n)
    random.seed(42), np.random.seed(42)


# PyTorch's examples are seeded one by one, and look for the test that runs them through the whole stack
common_utils.set_rng_seed = _seed_example
common_utils.extract_test_fn = lambda: None

# -- PyTorch's arguments as ours ---------------------------------------------------------------------


def convert(x, memo=None):
    """PyTorch's arguments as ours: same memory layout, one tensor for one tensor."""
    memo = {} if memo is None else memo
    if isinstance(x, torch.Tensor):
        if id(x) not in memo:
            memo[id(x)] = _tensor(x) if SHARED not in memo else _shared(x, memo)
        return memo[id(x)]
    if isinstance(x, torch.dtype):
        return DTYPES[x]
    if isinstance(x, torch.device):
        return tl.device(str(x))
    if isinstance(x, torch.layout):
        return getattr(tl, str(x).split(".")[-1], tl.sparse_coo)
    if isinstance(x, torch.memory_format):
        return getattr(tl, str(x).split(".")[-1])
    if isinstance(x, torch.Generator):
        return tl.Generator()
    if isinstance(x, torch.Size):
        return tl.Size(x)
    if isinstance(x, (list, tuple)):
        items = [convert(v, memo) for v in x]
        return type(x)(items) if not hasattr(x, "_fields") else type(x)(*items)
    if isinstance(x, dict):
        return {k: convert(v, memo) for k, v in x.items()}
    if isinstance(x, types.FunctionType):
        return rebound(x)
    if isinstance(x, torch.nn.PairwiseDistance):
        return tl.nn.PairwiseDistance(x.norm, x.eps, x.keepdim)
    return x


#: In a memo: tensors that share memory shall share it when converted.
SHARED = object()


def _shared(x, memo):
    if not x.untyped_storage().nbytes() or x.requires_grad:
        return _tensor(x)
    place = x.untyped_storage().data_ptr()
    if place not in memo:
        line = torch.empty(0, dtype=x.dtype).set_(x.untyped_storage())
        memo[place] = tl.from_numpy(line.numpy().copy())
    return memo[place].as_strided(tuple(x.shape), x.stride(), x.storage_offset())


def _tensor(x):
    plain = x.detach().resolve_conj().resolve_neg()
    used, size = plain.untyped_storage().nbytes(), plain.numel() * plain.element_size()
    if not used or (plain.is_contiguous() and used == size):
        t = tl.from_numpy(plain.numpy(force=True).copy(order="K"))
    else:
        line = torch.empty(0, dtype=plain.dtype).set_(plain.untyped_storage())
        line = tl.from_numpy(line.numpy().copy())
        t = line.as_strided(tuple(plain.shape), plain.stride(), plain.storage_offset())
    return t.requires_grad_() if x.requires_grad else t


class _Torch(types.ModuleType):
    """This library under PyTorch's name, for the lambdas of the database."""

    def __getattr__(self, name):
        return getattr(tl, name)


_TORCH = _Torch("torch")


def _seeded(op, *args, **kwargs):
    tl.manual_seed(42)
    return op(*args, **kwargs)


def rebound(fn):
    """A function of PyTorch's test files in which ``torch`` is this library."""
    names = {"torch": _TORCH, "wrapper_set_seed": _seeded}
    cells = None
    if fn.__closure__:
        cells = tuple([types.CellType(ours(c.cell_contents, ()) or c.cell_contents) for c in fn.__closure__])
    new = types.FunctionType(fn.__code__, {**fn.__globals__, **names}, fn.__name__, fn.__defaults__, cells)
    new.__kwdefaults__ = fn.__kwdefaults__
    return new


def _find(name):
    target = tl
    for part in name.split("."):
        target = getattr(target, part, None)
        if target is None:
            return None
    return target if callable(target) else None


def ours(fn, names):
    """Our counterpart of PyTorch's function ``fn``, which the database calls by one of ``names``."""
    if isinstance(fn, types.FunctionType) and fn.__module__.startswith("torch.testing"):
        return rebound(fn)
    for name in names:
        if (found := _find(name)) is not None:
            return found
    method = getattr(tl.Tensor, getattr(fn, "__name__", "").split(".")[-1], None)
    return method if callable(method) else None


def tensors(x, kind):
    """All tensors in a result, in order."""
    if isinstance(x, kind):
        return [x]
    if isinstance(x, dict):
        return [t for v in x.values() for t in tensors(v, kind)]
    return [t for v in x for t in tensors(v, kind)] if isinstance(x, (list, tuple)) else []


# -- comparison --------------------------------------------------------------------------------------

_TOLERANCE = {16: 1e-2, 32: 2e-4, 64: 1e-6}


def array(t):
    """A tensor of either library as an array."""
    if isinstance(t, torch.Tensor):
        return t.detach().resolve_conj().resolve_neg().numpy(force=True)
    return t.detach().numpy()


def same(a, b, what, scale=1):
    """Assert that our tensor equals theirs: dtype, shape, values."""
    assert str(a.dtype) == str(b.dtype), f"{what}: dtype {a.dtype}, PyTorch {b.dtype}"
    x, y = array(a), array(b)
    assert x.shape == y.shape, f"{what}: shape {x.shape}, PyTorch {y.shape}"
    if x.dtype.kind in "fc":
        tolerance = _TOLERANCE[np.finfo(x.dtype).bits] * scale
        finite = np.abs(y[np.isfinite(y)])  # single elements may be what is left of large terms
        small = tolerance * max(1.0, float(finite.max(initial=0)) / 100)
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=small, err_msg=what)
    else:
        np.testing.assert_array_equal(x, y, err_msg=what)


def same_gradient(a, b, what, scale=1):
    """Like :func:`same`; None and zeros are alike."""
    if a is None or b is None:
        other = b if a is None else a
        assert other is None or not array(other).any(), f"{what}: {a}, PyTorch {b}"
        return
    same(a, b, what, scale)


#: Results that nobody may rely on.
ANY_VALUE = (
    "empty",
    "new_empty",
    "empty_like",
    "empty_strided",
    "empty_permuted",
    "new_empty_strided",
    "resize_",
    "resize_as_",
)
#: Random numbers from another stream than PyTorch's: shapes and dtypes are compared.
RANDOM = ("dropout", "bernoulli", "multinomial", "normal", "rand", "uniform", "exponential", "cauchy", "geometric",
          "log_normal", "rrelu", "poisson", "gumbel", "svd_lowrank", "pca_lowrank", "scaled_dot_product_attention", "fractional_max")  # fmt: skip
#: Unique up to signs or phases.
DECOMPOSITIONS = ("linalg.svd", "svd", "linalg.eig", "linalg.eigh", "linalg.qr", "qr", "geqrf")
#: Which of several equal elements is named is not defined.
TIES = ("topk", "kthvalue", "mode", "median", "nanmedian", "sort", "argsort")


def loose(op):
    """Whether results are compared by shape and dtype alone."""
    return op.name in ANY_VALUE or op.name in DECOMPOSITIONS or any(r in op.name for r in RANDOM)


def compare(op, got, theirs, sample):
    """Results against PyTorch's."""
    a, b = tensors(got, tl.Tensor), tensors(theirs, torch.Tensor)
    assert len(a) == len(b), f"{len(a)} results, PyTorch {len(b)}"
    if not b and not isinstance(theirs, (list, tuple, types.NoneType)) and not loose(op):
        assert got == theirs or (got != got and theirs != theirs), f"{got!r}, PyTorch {theirs!r}"
    for i, (x, y) in enumerate(zip(a, b)):
        if loose(op):
            assert str(x.dtype) == str(y.dtype) and tuple(x.shape) == tuple(y.shape), (
                f"result {i}: {x.dtype} {tuple(x.shape)}, PyTorch {y.dtype} {tuple(y.shape)}"
            )
        elif op.name in TIES and y.dtype == torch.int64 and (i == 1 or op.name == "argsort"):
            _points(sample, x, y)
        else:
            same(x, y, f"result {i}")
    return a, b


def _points(sample, x, y):
    """Whether other indices name equal elements."""
    source, x, y = array(sample.input), array(x), array(y)
    assert x.shape == y.shape
    if np.array_equal(x, y):
        return
    dim = sample.kwargs.get("dim", next((a for a in sample.args[-2:] if type(a) is int), -1))
    dims = [dim] if isinstance(dim, int) else []
    for d in [*dims, *range(source.ndim)]:
        try:
            grow = (lambda i: i) if x.ndim == source.ndim else (lambda i: np.expand_dims(i, d))
            np.testing.assert_array_equal(*[np.take_along_axis(source, grow(i), d) for i in (x, y)])
            return
        except (AssertionError, IndexError, ValueError):
            continue
    raise AssertionError("indices name other elements")


def gradients(op, a, b, mine, theirs, scale=1):
    """First derivatives, with random weights of the results."""
    pairs = [(x, y) for x, y in zip(a, b) if y.requires_grad]
    for x, y in zip(a, b):
        assert bool(x.requires_grad) == bool(y.requires_grad), (
            f"requires_grad {x.requires_grad}, PyTorch {y.requires_grad}"
        )
    if not pairs:
        return
    for y in theirs:  # examples of the database share tensors
        if y.is_leaf:
            y.grad = None
    torch.default_generator.manual_seed(0)
    weights = [
        torch.randn(y.shape, dtype=torch.complex128 if y.is_complex() else torch.float64).to(y.dtype) for _, y in pairs
    ]
    torch.autograd.backward([y for _, y in pairs], weights)
    tl.autograd.backward([x for x, _ in pairs], [tl.from_numpy(w.numpy()) for w in weights])
    for i, (x, y) in enumerate(zip(mine, theirs)):
        if y.requires_grad and y.is_leaf:
            same_gradient(x.grad, y.grad, f"gradient {i}", scale)


# -- variants: what is tried -------------------------------------------------------------------------


def _arguments(sample, noncontiguous=False):
    if noncontiguous:
        sample = sample.noncontiguous()
    theirs = [sample.input, *sample.args], sample.kwargs
    return theirs, convert(theirs)


class Unusable(Exception):
    """PyTorch itself refuses the example."""


def _call(op, fn, theirs, mine, their_fn=None):
    seed(), np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = (their_fn or op)(*theirs[0], **theirs[1])
        except Exception as error:
            raise Unusable from error
        tl.manual_seed(42)
        got = fn(*mine[0], **mine[1])
    return got, expected


def _function(op):
    fn = ours(op.op, [op.name])
    if fn is None:
        raise LookupError(f"no function {op.name}")
    return fn


def check_function(op, sample, dtype, noncontiguous=False):
    """Results and, for floats, gradients."""
    fn = _function(op)
    theirs, mine = _arguments(sample, noncontiguous)
    got, expected = _call(op, fn, theirs, mine)
    a, b = compare(op, got, expected, sample)
    if op.supports_autograd and not loose(op):
        gradients(op, a, b, tensors(mine, tl.Tensor), tensors(theirs, torch.Tensor))


def check_noncontiguous(op, sample, dtype):
    """Tensors with gaps and strides."""
    check_function(op, sample, dtype, noncontiguous=True)


def check_method(op, sample, dtype):
    """The method of the tensor."""
    their_fn = op.method_variant
    name = getattr(their_fn, "__name__", None)
    if name is None or not hasattr(torch.Tensor, name) or not isinstance(sample.input, torch.Tensor):
        return
    fn = getattr(tl.Tensor, name, None)
    if fn is None:
        raise LookupError(f"no method {name}")
    theirs, mine = _arguments(sample)
    got, expected = _call(op, fn, theirs, mine, their_fn)
    compare(op, got, expected, sample)


def check_inplace(op, sample, dtype):
    """The in-place method, on a copy of the input."""
    their_fn = op.inplace_variant
    if isinstance(their_fn, functools.partial):
        return
    name = getattr(their_fn, "__name__", None)
    if name is None or sample.broadcasts_input or not isinstance(sample.input, torch.Tensor):
        return
    fn = rebound(their_fn) if name == "<lambda>" else getattr(tl.Tensor, name, None)
    if fn is None:
        raise LookupError(f"no method {name}")
    theirs, mine = _arguments(sample)
    a, b = mine[0][0].clone(), theirs[0][0].clone()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seed()
        try:
            expected = their_fn(b, *theirs[0][1:], **theirs[1])
        except RuntimeError:
            try:
                fn(a, *mine[0][1:], **mine[1])
            except (RuntimeError, TypeError, IndexError, ValueError):
                return
            raise AssertionError("in place this is an error in PyTorch") from None
        got = fn(a, *mine[0][1:], **mine[1])
    compare(op, got, expected, sample)
    compare(op, a, b, sample)
    if op.supports_inplace_autograd and not loose(op):
        gradients(op, [a], [b], tensors(mine, tl.Tensor), tensors(theirs, torch.Tensor))


def check_out(op, sample, dtype):
    """``out=`` with tensors of the right size."""
    if not op.supports_out or not isinstance(op.op, types.BuiltinFunctionType):
        return
    fn = _function(op)
    with torch.no_grad(), tl.no_grad():
        theirs, _ = _arguments(sample)
        theirs = torch.utils._pytree.tree_map(lambda x: x.detach() if isinstance(x, torch.Tensor) else x, theirs)
        mine = convert(theirs)
        got, expected = _call(op, fn, theirs, mine)
        results = tensors(expected, torch.Tensor)
        if not results:
            return
        out = [tl.from_numpy(np.zeros_like(array(y))) for y in results]
        out = out[0] if isinstance(expected, torch.Tensor) else tuple(out)
        tl.manual_seed(42)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                like = [torch.zeros_like(y) for y in results]
                op(*theirs[0], **theirs[1], out=like[0] if isinstance(expected, torch.Tensor) else tuple(like))
            except (RuntimeError, TypeError) as error:
                raise Unusable from error
            again = fn(*mine[0], **mine[1], out=out)
    compare(op, out, expected, sample)
    for x, y in zip(tensors(again, tl.Tensor), tensors(out, tl.Tensor)):
        assert x is y, "out= is not what comes back"


def check_second(op, sample, dtype):
    """Second derivatives."""
    if not op.supports_gradgrad or loose(op):
        return
    fn = _function(op)
    theirs, mine = _arguments(sample)
    got, expected = _call(op, fn, theirs, mine)
    a, b = tensors(got, tl.Tensor), tensors(expected, torch.Tensor)
    pairs = [(x, y) for x, y in zip(a, b) if y.requires_grad]
    leaves = [(x, y) for x, y in zip(tensors(mine, tl.Tensor), tensors(theirs, torch.Tensor)) if y.requires_grad]
    if not pairs or not leaves:
        return
    torch.default_generator.manual_seed(0)

    def weights(like):
        w = [torch.randn(y.shape, dtype=torch.float64).to(y.dtype) for y in like]
        return [tl.from_numpy(v.numpy().copy()) for v in w], w

    xs, ys = [x for x, _ in leaves], [y for _, y in leaves]
    mine_w, their_w = weights([y for _, y in pairs])
    for w, v in zip(mine_w, their_w):
        w.requires_grad_(), v.requires_grad_()
    settings = {"create_graph": True, "allow_unused": True}
    theirs = torch.autograd.grad([y for _, y in pairs], ys, their_w, **settings)
    firsts = tl.autograd.grad([x for x, _ in pairs], xs, mine_w, **settings)
    chosen = [i for i, y in enumerate(theirs) if y is not None and y.requires_grad]
    if not chosen:
        return
    assert all(firsts[i] is not None for i in chosen), "a first derivative is missing"
    mine_v, their_v = weights([theirs[i] for i in chosen])
    second = torch.autograd.grad([theirs[i] for i in chosen], [*ys, *their_w], their_v, allow_unused=True)
    tracked = [(firsts[i], v) for i, v in zip(chosen, mine_v) if firsts[i].requires_grad]
    if tracked:
        own = tl.autograd.grad([f for f, _ in tracked], [*xs, *mine_w], [v for _, v in tracked], allow_unused=True)
    else:
        own = [None] * len(second)
    for i, (x, y) in enumerate(zip(own, second)):
        same_gradient(x, y, f"second derivative {i}", 10)


def check_kept(op, sample, dtype):
    """An input, an index or a result that changes after the forward: the old gradient, or an error; never another one."""
    if loose(op) or not op.supports_autograd:
        return
    fn, old = _function(op), None
    for change in (None, "results", "constants", 0, 1, 2):
        _, (args, kwargs) = _arguments(sample)
        leaves = tensors((args, list(kwargs.values())), tl.Tensor)
        own = {id(t): t * 1 for t in leaves if t.requires_grad}
        seed()
        args, kwargs = torch.utils._pytree.tree_map(
            lambda x, own=own: own.get(id(x), x), (args, kwargs), is_leaf=lambda x: isinstance(x, tl.Tensor)
        )
        results = [t for t in tensors(fn(*args, **kwargs), tl.Tensor) if t.requires_grad]
        if not results:
            return
        loss = sum([t.abs().sum() for t in results])
        changed = {None: [], "results": results, "constants": [t for t in leaves if not t.requires_grad]}
        try:
            for t in changed[change] if change in changed else list(own.values())[change : change + 1]:
                t.mul_(0 if change == "constants" else 2)
        except RuntimeError:  # one of several views
            continue
        try:
            loss.backward()
        except RuntimeError as error:
            assert change is not None and "modified by an inplace" in str(error), f"{change}: {error}"
            continue
        found = [t.grad for t in leaves]
        for x, y in zip(found, old or found):
            assert (x is None) == (y is None), f"{change}: {x} {y}"
            if x is not None:
                np.testing.assert_allclose(array(x), array(y), rtol=1e-9, err_msg=f"{change} changed")
        old = old or found


ERRORS = (RuntimeError, IndexError, TypeError, ValueError, NotImplementedError, AttributeError, AssertionError)


def check_error(op, example, dtype):
    """A wrong call: ours must refuse too."""
    sample = example.sample_input
    if issubclass(example.error_type, Warning):
        return
    fn = _function(op)
    theirs = [sample.input, *sample.args], sample.kwargs
    try:
        mine = convert(theirs, {SHARED: True})
    except Exception:  # an argument that this library cannot even make
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if fn(*mine[0], **mine[1]) is NotImplemented:
                return
        except ERRORS:
            return
    raise AssertionError(f"no error; PyTorch: {example.error_regex}")


F, D, C, H = torch.float32, torch.float64, torch.complex64, torch.float16
#: variant: (check, dtypes, samples per operation and dtype)
VARIANTS = {
    "function": (check_function, {F: 60, D: 300, torch.int64: 200, C: 40, torch.bool: 30, torch.int32: 6, torch.uint8: 6, torch.int8: 30, H: 3}),
    "reference": (check_function, {F: 8}),
    "method": (check_method, {F: 30, torch.int64: 10, torch.bool: 4}),
    "inplace": (check_inplace, {F: 30, torch.int64: 10, C: 4, torch.int32: 4}),
    "out": (check_out, {F: 20, torch.int64: 4}),
    "noncontiguous": (check_noncontiguous, {F: 5, D: 40}),
    "second": (check_second, {D: 25}),
    "kept": (check_kept, {D: 2}),
    "error": (check_error, {F: 60}),
}  # fmt: skip


def in_scope(op):
    """Whether the library claims this operation."""
    private = op.name.startswith("_") and not op.name.startswith("__")
    return not (private or op.name.startswith(OUT_OF_SCOPE) or "sparse" in op.name)


def _samples(op, variant, dtype):
    if variant == "error":
        return op.error_inputs("cpu") if op.error_inputs_func is not None else []
    grad = (
        op.supports_autograd
        and (dtype.is_floating_point or dtype.is_complex)
        and dtype in op.supported_backward_dtypes("cpu")
    )
    if variant in ("second", "kept") and not grad:
        return []
    if variant == "reference":
        return op.reference_inputs("cpu", dtype, requires_grad=False) if op.reference_inputs_func is not None else []
    return op.sample_inputs("cpu", dtype, requires_grad=grad)


def run(only="", variants=VARIANTS, share=1.0, seed=0):
    """Yields (operation, variant, dtype, error or None) over a seeded share of PyTorch's OpInfo database."""
    from torch.testing._internal.common_methods_invocations import op_db

    rng = random.Random(seed)
    for op in op_db:
        if only not in op.full_name or not in_scope(op):
            continue
        for variant in variants:
            for dtype, limit in VARIANTS[variant][1].items():
                if variant != "error" and not op.supports_dtype(dtype, "cpu"):
                    continue
                if share < 1 and rng.random() > share:
                    continue
                yield from run_one(op, variant, dtype, limit)


def run_one(op, variant, dtype, limit):
    """The same for the first samples of one operation."""
    check = VARIANTS[variant][0]
    torch.default_generator.manual_seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            samples = [s for s, _ in zip(_samples(op, variant, dtype), range(limit))]
    except Exception:  # the database itself needs something that is not here
        return
    for sample in samples:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                check(op, sample, dtype)
        except Unusable:
            continue
        except LookupError as error:
            if isinstance(error, (KeyError, IndexError)):
                yield op, variant, dtype, error
                continue
            yield op, variant, dtype, error
            break
        except Exception as error:
            yield op, variant, dtype, error
        else:
            yield op, variant, dtype, None


_ABSENT = ("not in the library", "LookupError: no (function|method)")
_HALF = "float16 is computed in float32 and rounded once; PyTorch rounds in between"
_UNSTABLE = (
    "equal elements are ordered differently by a sort that promises no order",
    r"float16: AssertionError: .*gradient 0",
)
_COMPLEX = "refused for complex numbers"
_NUMBER = ("a number is taken where PyTorch asks for a tensor", "no error; PyTorch:$")
_NO_OUT = ("no out=", "TypeError: .* unexpected keyword argument 'out'")

#: What differs from PyTorch: "operation variant" ("operation" for all variants) -> (reason, pattern of the complaint
#: "dtype: Error: message"). Nothing else is excused, and ``tests/test_databases.py`` asks for each to be met.
KNOWN = {
    **dict.fromkeys(("__rdiv__", "linalg.ldl_factor", "linalg.ldl_factor_ex", "linalg.ldl_solve", "grid_sampler_2d", "grid_sampler_3d", "slice", "nn.functional.linear_cross_entropy", "nn.functional.linear_cross_entropy.chunked", "nn.functional.linear_cross_entropy.chunked_none"), _ABSENT),
    **{f"{name} error": _NUMBER for name in (
        "__radd__", "__rand__", "__rmod__", "__rmul__", "__ror__", "__rpow__", "__rsub__", "__rxor__", "clamp_max", "clamp_min",
        "float_power")},
    **{f"nn.functional.{name} out": _NO_OUT for name in (
        "avg_pool2d", "avg_pool3d", "linear", "logsigmoid", "softshrink", "hardshrink", "gelu", "softplus")},
    **{f"{name} out": _NO_OUT for name in ("linalg.lstsq", "slice_scatter")},
    **{f"{name} function": _UNSTABLE for name in ("sort", "msort")},
    "nn.functional.silu.complex": (_COMPLEX, "complex(64|128): NotImplementedError"),
    "logaddexp function": (_COMPLEX, "complex(64|128): NotImplementedError"),
    **{f"nn.functional.{name} function": ("refused for uint8: a floating dtype is asked for", "uint8: NotImplementedError")
       for name in ("interpolate.bilinear", "interpolate.bicubic", "upsample_bilinear")},
    "nn.functional.ctc_loss": ("refused", "NotImplementedError: ctc_loss is not supported"),
    **{f"nn.functional.max_unpool{d}d{grad}": ("refused", "NotImplementedError: max_unpool") for d in (1, 2, 3) for grad in ("", ".grad")},
    **{f"{name} second": ("refused where elements are zero", "NotImplementedError: gradients of gradients")
       for name in ("index_reduce.prod", "scatter_reduce.prod")},
    "cumprod second": ("the derivative of one element is 0, rounded", "second derivative 0: tensor.*PyTorch None"),
    "histogramdd function": ("edges that do not ascend are sorted for counting", "AssertionError: .*result 0"),
    "istft function": ("has the gradient of a complex window", "complex(64|128): .*gradient 1: tensor.*PyTorch None"),
    "logsumexp function": ("complex numbers: another branch of the logarithm", "complex(64|128): "),
    **{f"{n} function": ("poles of negative integers are infinite", "int(8|32|64): .*inf location") for n in (
        *[f"polygamma.polygamma_n_{n}" for n in range(5)], "special.polygamma.special_polygamma_n_0")},
    "__rpow__": ("an integer to a negative power of no dimensions is an error, as to a number", "Integers to negative integer powers"),
    **{f"as_strided_scatter {variant}": ("PyTorch passes the gradient of overwritten elements on where the view covers all of them",
                                         "AssertionError: .*(gradient|derivative)")
       for variant in ("function", "noncontiguous", "second")},
    "gather error": ("an out= of another size is replaced, and shares no memory then", "no error; PyTorch: unsupported"),
    "complex function": ("PyTorch has complex32, NumPy does not", "float16: AssertionError: .*complex32"),
    "view_as_complex function": ("PyTorch has complex32, NumPy does not", "float16: RuntimeError: view_as_complex"),
    "kron function": (_HALF, "float16: AssertionError: .*gradient 1"),
    "matrix_exp function": (_HALF, "float16: AssertionError: .*nan location"),
    "nn.functional.soft_margin_loss function": (_HALF + "; ours does not overflow", "float16: AssertionError: .*inf location"),
    "linalg.norm.subgradients_at_zero second": ("PyTorch's second derivative at 0 is NaN, here 0", "nan location"),
    **{f"logcumsumexp {variant}": ("gradients are computed in double precision, and finite", "(float(16|32|64): .*gradient 0|nan location)")
       for variant in ("noncontiguous", "second")},
    "logcumsumexp function": ("gradients are computed in double precision; refused for complex numbers",
                              "(float(16|32|64): .*gradient 0|complex(64|128): .*Error)"),
    "nn.functional.bilinear function": ("small integers are summed in int64", "dtype torch.int64, PyTorch torch.(int32|int8|uint8)"),
    "nn.functional.cosine_embedding_loss function": ("PyTorch's products of uint8 wrap before they are summed", "uint8: AssertionError"),
    **{f"renorm {variant}": ("complex numbers: the gradient is NaN where a slice is zero", "complex64: AssertionError: .*gradient 0 nan location")
       for variant in ("function", "inplace")},
}  # fmt: skip


def reason(name, dtype, error):
    """Why ``operation variant`` may fail with ``error``; None: it may not."""
    found = KNOWN.get(name) or KNOWN.get(name.split(" ")[0])
    return found[0] if found and re.search(found[1], complaint(dtype, error)) else None


def complaint(dtype, error):
    """An error in one line."""
    return f"{str(dtype)[6:]}: {type(error).__name__}: {' '.join(str(error).split())}"


def main():
    """Print failures by operation and variant."""
    torch.set_num_threads(1)
    only, *variants = sys.argv[1:] or [""]
    counts, errors = Counter(), defaultdict(list)
    for op, variant, dtype, error in run(only, variants or VARIANTS):
        missing = type(error) is LookupError
        counts[variant, "pass" if error is None else "missing" if missing else "fail"] += 1
        if error is not None:
            place = traceback.extract_tb(error.__traceback__)[-1]
            name = f"{op.full_name} {variant}"
            mark = "" if reason(name, dtype, error) is None else "known: "
            errors[name].append(
                f"{mark}{complaint(dtype, error)[:190]} ({place.filename.rsplit('/', 1)[-1]}:{place.lineno})"
            )
    for name, found in sorted(errors.items()):
        unknown = [f for f in found if not f.startswith("known: ")]
        for f in dict.fromkeys([*unknown[:3], *(() if unknown else found[:1])]):
            print(f"{name} ({len(found)}, unknown {len(unknown)}): {f}")
    for variant in VARIANTS:
        print(variant, {k: n for (v, k), n in counts.items() if v == variant})


if __name__ == "__main__":
    main()
