"""PyTorch's own test databases (OpInfo) run against this library.

Each operation is tried as a function, a method, in place, with ``out=``, on tensors that are not contiguous, differentiated
twice, and on PyTorch's examples of wrong arguments. ``python -m tests.databases [substring [variant]]`` prints what
fails; ``tests/test_databases.py`` holds it to :data:`KNOWN`.
"""

from __future__ import annotations

import functools
import random
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
            memo[id(x)] = _tensor(x)
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
    return x


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


ERRORS = (RuntimeError, IndexError, TypeError, ValueError, NotImplementedError, AttributeError, AssertionError)


def check_error(op, example, dtype):
    """A wrong call: ours must refuse too."""
    sample = example.sample_input
    if issubclass(example.error_type, Warning):
        return
    fn = _function(op)
    theirs = [sample.input, *sample.args], sample.kwargs
    try:
        mine = convert(theirs)
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
    "function": (check_function, {F: 12, torch.int64: 12, D: 6, C: 5, torch.bool: 4, torch.int32: 3, torch.uint8: 3, H: 3}),
    "reference": (check_function, {F: 30}),
    "method": (check_method, {F: 4, torch.int64: 2}),
    "inplace": (check_inplace, {F: 5, torch.int64: 3, C: 2}),
    "out": (check_out, {F: 2, torch.int64: 1}),
    "noncontiguous": (check_noncontiguous, {F: 5}),
    "second": (check_second, {D: 3}),
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
    if variant == "second" and not grad:
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


_ABSENT = "not in the library"
_ACCURATE = "the library's result is the more accurate one: compared in double precision"
_HALF = "float16 is computed in float32 and rounded once; PyTorch rounds in between"
_UNSTABLE = "equal elements are ordered differently by a sort that promises no order"
_PYTORCH = "PyTorch's result is an artefact of its implementation"
_OVERLAP = "memory shared between out= and an input is not looked for; results are computed first and then written"

#: What differs from PyTorch, and why: "operation" for all variants, or "operation variant".
KNOWN = {
    "__rdiv__": "Python 2's name of division",
    "linalg.ldl_factor": _ABSENT,
    "linalg.ldl_factor_ex": _ABSENT,
    "linalg.ldl_solve": _ABSENT,
    "grid_sampler_2d": _ABSENT + "; nn.functional.grid_sample is",
    "grid_sampler_3d": _ABSENT + "; nn.functional.grid_sample is",
    "slice": "an internal name; x[a:b:c] is the function",
    "sum_to_size function": "sums of bools stay bools where nothing is summed",
    "nn.functional.layer_norm function": _HALF,
    "nn.functional.soft_margin_loss function": _HALF,
    **{f"nn.functional.{n} function": "complex numbers are not supported here" for n in ("rms_norm", "softsign", "tanhshrink")},
    **{f"nn.functional.{n} function": "refused for uint8: a floating dtype is asked for"
       for n in ("interpolate.bilinear", "interpolate.bicubic", "upsample_bilinear")},
    "nn.functional.bilinear function": "small integers are summed in int64",
    "linalg.lstsq function": "complex residuals keep their dtype",
    **{f"nn.functional.{n} error": "the mistake is not refused" for n in ("max_pool1d", "max_pool3d", "prelu", "embedding")},
    **{f"nn.functional.{n} out": "no out= here"
       for n in ("avg_pool2d", "avg_pool3d", "linear", "logsigmoid", "softshrink", "hardshrink", "gelu", "softplus")},
    "nn.functional.ctc_loss": "refused with an error",
    "nn.functional.linear_cross_entropy": _ABSENT,
    "nn.functional.linear_cross_entropy.chunked": _ABSENT,
    "nn.functional.linear_cross_entropy.chunked_none": _ABSENT,
    **{f"nn.functional.max_unpool{d}d{v}": "refused with an error" for d in (1, 2, 3) for v in ("", ".grad")},
    "as_strided_scatter": _PYTORCH + ": it passes the gradient of overwritten elements on where the view covers all",
    "as_strided.partial_views": "leaves of the example are views; PyTorch counts their gradients in the base's memory",
    "linalg.norm.subgradients_at_zero second": _PYTORCH + ": NaN at 0, here 0",
    "logcumsumexp": "complex numbers are refused; gradients in float32 are the more accurate ones, second ones finite",
    "histogramdd": "where a number of bins and no range is given edges follow the data; PyTorch's differ in one case",
    "nn.functional.triplet_margin_with_distance_loss": "the example's distance function is a module of PyTorch's",
    **{f"{n} error": _OVERLAP for n in ("cat", "gather", "kthvalue", "masked_select", "take")},
    **{f"{n} error": "a number is taken where PyTorch asks for a tensor" for n in (
        "__radd__", "__rand__", "__rmod__", "__rmul__", "__ror__", "__rpow__", "__rsub__", "__rxor__", "clamp_max", "clamp_min",
        "float_power", "gcd", "lcm", "ldexp")},
    **{f"{n} function": _HALF for n in ("dist", "kron", "matrix_exp")},
    **{f"{n} function": _UNSTABLE for n in ("sort", "msort")},
    **{f"{n} function": "PyTorch has complex32, NumPy does not" for n in ("complex", "view_as_complex")},
    **{f"{n} function": "no sums or extremes of bools" for n in ("index_add", "scatter_reduce.amax", "scatter_reduce.amin")},
    "logaddexp function": "complex numbers are refused",
    "renorm function": "complex numbers: NaN where a slice is zero",
    "scalar_tensor function": "a number that does not fit the dtype is an error, not wrapped",
    "square function": "of bools: int8, PyTorch int64",
    "__rpow__": "an integer to a negative integer power of no dimensions is an error",
    **{f"nn.functional.{n} function": "complex numbers are refused" for n in (
        "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")},
    "arange error": "one case of a zero step is not refused",
    "linalg.cross error": "sizes of 1 and 3 broadcast",
    "renorm error": "a tensor without dimensions is not refused",
    "multinomial error": "out= of another integer dtype is cast",
    "linalg.lstsq out": "no out=",
    "slice_scatter out": "no out=",
    "nonzero out": "an out= tensor of another size is replaced in one case",
    "nn.functional.silu.complex": "complex activations are refused",
}  # fmt: skip


def known(name):
    """Whether :data:`KNOWN` covers ``operation variant``."""
    return name in KNOWN or name.split(" ")[0] in KNOWN


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
            text = " ".join(str(error).split())[:170]
            errors[f"{op.full_name} {variant}"].append(
                f"{str(dtype)[6:]}: {type(error).__name__}: {text} ({place.filename.rsplit('/', 1)[-1]}:{place.lineno})"
            )
    for name, found in sorted(errors.items()):
        kinds = ",".join(sorted({f.split(":")[0] for f in found}))
        print(f"{name} ({len(found)}; {kinds}): {found[0]}")
    for variant in VARIANTS:
        print(variant, {k: n for (v, k), n in counts.items() if v == variant})


if __name__ == "__main__":
    main()
