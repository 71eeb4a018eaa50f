"""Filling tensors with random numbers, and drawing samples whose parameters are tensors.

Results are constants to the tape: what was there before, and the parameters of a distribution, get a
gradient of zero, as in PyTorch. The numbers themselves come from :mod:`tensorlite.rng`.
"""

import math

import numpy as np

from .. import dtypes, engine, rng
from ..engine import primitive, wrap
from .blocks import zero
from .elementwise import assign


@primitive(broadcasts=True)
def sampled(a, b=None, *, values):
    """``values``, drawn with parameters ``a`` and ``b``."""
    return values


sampled.vjp(a=lambda g: zero(g), b=lambda g: zero(g))


def generator_or_default(generator):
    """``generator``, or the default one."""
    if generator is None:
        return rng.default_generator
    if not isinstance(generator, rng.Generator):
        raise TypeError(f"argument 'generator' must be torch.Generator, not {type(generator).__name__}")
    return generator


# -- where the numbers go --------------------------------------------------------------------------


def scattered(t):
    """Whether ``t`` is not contiguous in PyTorch, which then fills it in the order of its memory."""
    return not t._data.flags.c_contiguous and (t._view is not None or "_fixed" in t.__dict__ or _follows_a_transpose(t))


#: Operations on single elements that do not broadcast: their results lie in memory as their inputs do.
_POINTWISE = frozenset(
    "abs acos acosh asin asinh atan atanh cast cos cosh elu erf exp exp2 expm1 gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu log "
    "log10 log1p log2 logsigmoid mish neg reciprocal relu rsqrt sgn sigmoid silu sin sinh softplus softshrink softsign sqrt square tan tanh "
    "tanhshrink threshold".split()
)


def _follows_a_transpose(t):
    """Whether the tape shows ``t`` to be computed element by element from a view with its dimensions in another order."""
    todo, seen = [t._node], set()
    while todo:
        node = todo.pop()
        plan = getattr(node, "plan", None)
        if plan is None or node in seen:
            continue
        seen.add(node)
        op = plan.primitive
        if op.name in ("permute", "swapaxes", "mT"):
            return True
        if op.broadcasts or op.name in _POINTWISE:
            todo += node.edges
    return False


def memory_order(a):
    """The dimensions of ``a`` from the largest stride to the smallest."""
    return sorted(range(a.ndim), key=lambda d: -a.strides[d])


def put(t, values):
    """Write ``values`` (one-dimensional, in the order they were drawn) into the tensor ``t``; returns ``t``."""
    a = t._data
    if scattered(t):
        order = memory_order(a)
        values = values.reshape([a.shape[d] for d in order]).transpose(np.argsort(order))
    else:
        values = values.reshape(a.shape)
    if t._node is not None and engine.state.mode & engine.RECORDING:
        return engine.inplace(assign, t, wrap(values.astype(a.dtype, copy=False)))
    engine.check_writable(t)
    a[...] = values
    engine.touch(t)
    return t


def _floating(t, kernel):
    if t._data.dtype.kind not in "fc":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{t.dtype.title}'")


def _parts(t, fill):
    """Fill a complex tensor through its real and imaginary parts, in turn."""
    real = wrap(np.empty((*t._data.shape, 2), t._data.real.dtype))
    return put(t, fill(real)._data.reshape(-1).view(t._data.dtype))


# -- continuous distributions ----------------------------------------------------------------------


def uniform_(t, low=0.0, to=1.0, generator=None):
    """Fill ``t`` with uniform numbers in [low, to)."""
    _floating(t, "check_uniform_bounds")
    for name, value in (("from", low), ("to", to)):
        if not abs(value) <= np.finfo(t._data.dtype).max:
            raise RuntimeError(f"{name} is out of bounds for {t.dtype.name}")
    if low > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={to:g}")
    if t._data.dtype.kind == "c":
        return _parts(t, lambda real: uniform_(real, low, to, generator))
    return put(t, generator_or_default(generator).uniform(t._data.size, t._data.dtype, low, to))


def normal_(t, mean=0.0, std=1.0, generator=None):
    """Fill ``t`` with normal numbers."""
    _floating(t, "normal_kernel_cpu")
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if t._data.dtype.kind == "c":
        return _parts(t, lambda real: normal_(real, mean, std / math.sqrt(2), generator))
    g = generator_or_default(generator)
    return put(t, g.normal(t._data.size, t._data.dtype, mean, std, pairs=scattered(t)))


def _continuous(t, what):
    if t._data.dtype.kind != "f":
        raise RuntimeError(
            f"{what} distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {t.dtype.title}"
        )


def exponential_(t, lambd=1.0, generator=None):
    """Fill ``t`` with exponential numbers of rate ``lambd``: ``-log(1 - u) / lambd``."""
    _continuous(t, "Exponential")
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    u = generator_or_default(generator).uniform(t._data.size, np.float64)
    return put(t, -1.0 / lambd * np.log1p(-u))


def cauchy_(t, median=0.0, sigma=1.0, generator=None):
    """Fill ``t`` with Cauchy numbers: ``median + sigma * tan(pi (u - 1/2))``."""
    _continuous(t, "Cauchy")
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    u = generator_or_default(generator).uniform(t._data.size, np.float64)
    return put(t, median + sigma * np.tan(math.pi * (u - 0.5)))


def log_normal_(t, mean=1.0, std=2.0, generator=None):
    """Fill ``t`` with numbers whose logarithm is normal."""
    _floating(t, "log_normal_cpu")
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    return put(t, np.exp(generator_or_default(generator).normal(t._data.size, np.float64, mean, std, pairs=True)))


# -- discrete distributions ------------------------------------------------------------------------


def random_(t, low=None, to=None, generator=None):
    """Fill ``t`` with integers of [low, to); ``random_(t, to)`` starts at 0, ``random_(t)`` takes all it can hold."""
    g = generator_or_default(generator)
    d = t._data.dtype
    if d.kind == "c":
        raise NotImplementedError(f"\"random_kernel_cpu\" not implemented for '{t.dtype.title}'")
    if low is None and to is None:
        return put(t, g.full_range(t._data.size, d))
    if low is None or to is None:
        low, to = 0, low if to is None else to
    low, to = int(low), int(to)
    if low >= to:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={to}")
    least, most = (0, 1) if d.kind == "b" else (np.finfo(d).min, np.finfo(d).max) if d.kind == "f" else (
        np.iinfo(d).min, np.iinfo(d).max)  # fmt: skip
    for name, value in (("from", low), ("to - 1", to - 1)):
        if not least <= value <= most:
            raise RuntimeError(f"{name} is out of bounds for {t.dtype.name}")
    return put(t, g.integers(t._data.size, low, to))


def bernoulli_(t, p=0.5, generator=None):
    """Fill ``t`` with ones with probability ``p`` (a number or a tensor of probabilities), else zeros."""
    g = generator_or_default(generator)
    n = t._data.size
    if isinstance(p, engine.TensorBase):
        if p._data.dtype.kind != "f":
            raise NotImplementedError(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{p.dtype.title}'")
        chance = np.broadcast_to(p._data, t._data.shape)
        if not ((chance >= 0) & (chance <= 1)).all():
            raise RuntimeError("bernoulli expects all probabilities to be in [0, 1]")
        if scattered(t):
            chance = chance.transpose(memory_order(t._data))
        return put(t, g.below(n, chance.reshape(-1), np.float64 if chance.dtype == np.float64 else np.float32))
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    return put(t, g.below(n, p))


def geometric_(t, p, generator=None):
    """Fill ``t`` with the number of trials until the first success: ``ceil(log(u) / log(1 - p))``."""
    if t._data.dtype.kind in "bc":
        raise NotImplementedError(f"\"geometric_cpu\" not implemented for '{t.dtype.title}'")
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    u = generator_or_default(generator).uniform(t._data.size, np.float64)
    with np.errstate(divide="ignore"):
        return put(t, np.ceil(np.log(u) / math.log1p(-p)))


# -- samples ---------------------------------------------------------------------------------------


def dropout_mask(shape, p, dtype=np.float32, generator=None):
    """What dropout multiplies with: 0 with probability ``p``, else ``1 / (1 - p)``; an array.

    Drawn exactly as ``torch.nn.functional.dropout`` draws it, and nothing is drawn where that draws nothing
    (``p`` of 0 or 1).

    Parameters
    ----------
    shape : tuple of int
    p : float
        The probability of zero.
    dtype : dtype, default float32
    generator : Generator, optional
    """
    dtype = np.dtype(dtype)
    if p == 0:
        return np.ones(shape, dtype)
    if p == 1:
        return np.zeros(shape, dtype)
    keep = 1.0 - p
    mask = generator_or_default(generator).below(math.prod(shape), keep).astype(dtype).reshape(shape)
    mask *= dtype.type(1) / dtype.type(keep)
    return mask


def bernoulli(x, p=None, generator=None):
    """Ones with probabilities ``x`` (or ``p`` everywhere), else zeros; dtype and shape of ``x``."""
    out = wrap(np.empty_like(x._data))
    bernoulli_(out, wrap(x._data) if p is None else p, generator)
    return sampled(x, values=out._data)


def multinomial(x, num_samples, replacement=False, generator=None):
    """Indices drawn with the weights in the rows of ``x``, an int64 tensor (..., num_samples).

    Without replacement (and for one sample) the indices of the largest ``weight / q`` with exponential q; with
    replacement the inverse of the cumulative weights.
    """
    w = x._data
    if w.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if w.dtype.kind != "f":
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {x.dtype.title}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    n = w.shape[-1]
    if not replacement and num_samples > n:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if n == 0 or w.size == 0:
        return wrap(np.empty((*w.shape[:-1], num_samples), np.int64))
    if not (np.isfinite(w).all() and (w >= 0).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not (w.sum(-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    g = generator_or_default(generator)
    if not replacement or num_samples == 1:
        q = (-np.log1p(-g.uniform(w.size, np.float64))).astype(w.dtype).reshape(w.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            race = w / q
        if num_samples == 1:
            return wrap(np.argmax(race, axis=-1)[..., None])
        return wrap(np.argsort(-race, axis=-1, kind="stable")[..., :num_samples].copy())
    rows = np.atleast_2d(w)
    total = np.cumsum(rows, axis=-1, dtype=w.dtype)
    total /= total[:, -1:]
    total[:, -1] = 1
    u = g.uniform(len(rows) * num_samples, np.float64).reshape(len(rows), num_samples)
    found = np.stack([np.searchsorted(c, r) for c, r in zip(total.astype(np.float64), u)])
    return wrap(found.reshape(*w.shape[:-1], num_samples))


def _each(sampler, *parameters, generator=None):
    """``sampler(uniform, *numbers)`` for every element of arrays of one shape, one after the other; an array."""
    uniform = generator_or_default(generator).doubles()
    first = parameters[0]
    values = [sampler(uniform, *numbers) for numbers in zip(*[a.reshape(-1).tolist() for a in parameters])]
    return np.array(values, dtype=first.dtype).reshape(first.shape)


def poisson(x, generator=None):
    """Poisson numbers with rates ``x``, in the dtype of ``x``."""
    from ..rejection import poisson as sampler

    if x._data.dtype.kind != "f":
        raise NotImplementedError(f"\"poisson_cpu\" not implemented for '{x.dtype.title}'")
    if not (x._data >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return sampled(x, values=_each(sampler, x._data, generator=generator))


def binomial(count, prob, generator=None):
    """The number of successes in ``count`` trials of probability ``prob``, in the dtype of ``count``."""
    from ..rejection import binomial as sampler

    if count._data.dtype.kind != "f":
        raise ValueError(f"binomial only supports floating-point dtypes for count, got: {count.dtype.title}")
    if prob._data.dtype.kind != "f":
        raise ValueError(f"binomial only supports floating-point dtypes for prob, got: {prob.dtype.title}")
    if count._data.dtype != prob._data.dtype:
        raise RuntimeError(f"Found dtype {prob.dtype.title} but expected {count.dtype.title}")
    n, p = np.broadcast_arrays(count._data, prob._data)
    q = np.where(p > 0.5, 1 - p, p)
    return sampled(count, prob, values=_each(sampler, n, p, q, n * q, generator=generator))


def standard_gamma(x, generator=None):
    """Gamma numbers of shape ``x`` and rate 1. The sample has no derivative here."""
    from ..rejection import gamma as sampler

    g = generator_or_default(generator)

    def one(uniform, alpha):
        return sampler(uniform, lambda: g.normal(1, np.float64).item(), alpha)

    return wrap(np.maximum(_each(one, x._data, generator=g), np.finfo(x._data.dtype).tiny))


def to_numpy(dtype):
    """The NumPy dtype that ``dtype`` names, by default the default dtype."""
    return dtypes.get_default_dtype().numpy if dtype is None else dtypes.to_numpy(dtype)
