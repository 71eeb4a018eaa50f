"""Random numbers: PyTorch's CPU streams, number for number.

A :class:`Generator` is a Mersenne twister (mt19937) with the legacy seeding. Everything is made of its 32-bit words;
a 64-bit word is two of them, the first one high:

=============================  ==============================================================================
float32, float16 uniforms      the low 24 bits of a word, over 2^24
float64 uniforms               the low 53 bits of a 64-bit word, over 2^53
normals, 16 or more            Box-Muller in blocks of 16: eight radii, eight angles; the last block is drawn again
                               where the size is no multiple of 16. Float32 follows PyTorch's AVX2 kernel
                               (the cephes polynomials with fused multiply-adds) to the last bit
normals, fewer than 16         Box-Muller on two float64 uniforms; the second value waits for the next call
integers in a range            words modulo the range; 64-bit words from a range of 2^28 on
permutations                   Fisher-Yates, words modulo what is left
bernoulli, dropout             a float64 uniform is below p (a float32 uniform where p is a float32 tensor)
exponential, geometric, ...    the inverse of the distribution function at a float64 uniform
=============================  ==============================================================================

Logarithms, sines and cosines of float64 come from NumPy, which may differ from PyTorch's in the last bit.
Some builds of PyTorch draw ``bernoulli_(p)`` and dropout from a generator of Intel's library when they run on an Intel
processor; that stream is not followed: the portable one above is, on every machine.
"""

import math
import os

import numpy as np

__all__ = ["Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]

_DEFAULT_SEED = 67280421310721
_STATE_BYTES = 5056  # PyTorch's legacy layout: see Generator.get_state
_u64 = np.uint64
_f4 = np.float32


class Generator:
    """A source of random numbers.

    Parameters
    ----------
    device : str or device, default "cpu"
        Only the CPU has one.

    Notes
    -----
    Every sampling function takes one as ``generator=``; without it, :data:`default_generator` is used.

    Examples
    --------
    >>> import tensorlite as tl
    >>> g = tl.Generator().manual_seed(0)
    >>> tl.rand(3, generator=g)
    tensor([0.4963, 0.7682, 0.0885])
    """

    __slots__ = ("__weakref__", "_bits", "_seed", "_waiting")

    def __init__(self, device="cpu"):
        if str(device).split(":")[0] != "cpu":
            raise RuntimeError(f"Device type {device} is not supported for a Generator: only 'cpu' is")
        self._seed = _DEFAULT_SEED
        self._bits = None  # numpy.random is loaded when the first number is drawn
        self._waiting = None  # the second normal of a pair

    @property
    def device(self):
        """The device, always the CPU."""
        from ._device import CPU

        return CPU

    def __repr__(self):
        return f"<tensorlite.Generator seed={self._seed}>"

    # -- seeds and states --------------------------------------------------------------------------

    def manual_seed(self, seed):
        """Start the stream that belongs to ``seed``; returns the generator.

        ``seed`` is an int in [-2^63, 2^64 - 1]; negative ones count from 2^64 down.
        """
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"Overflow when unpacking long long: a seed lies in [-2^63, 2^64 - 1], got {seed}")
        self._seed = seed % 2**64
        self._waiting = None
        if self._bits is not None:
            self._start()
        return self

    def seed(self):
        """Seed from the operating system's entropy; returns the seed."""
        seed = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(seed)
        return seed

    def initial_seed(self):
        """The seed that the stream was started from."""
        if self._seed is None:
            self.seed()
        return self._seed

    def _start(self):
        from numpy.random import MT19937, RandomState

        if self._bits is None:
            self._bits = MT19937()
        key = RandomState(self.initial_seed() & 0xFFFFFFFF).get_state()[1]
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": 624}}
        return self._bits

    def get_state(self):
        """The state as a uint8 tensor of 5056 elements, byte for byte as PyTorch's."""
        from .engine import wrap

        state = (self._bits or self._start()).state["state"]
        key, pos = state["key"], state["pos"]
        fresh = pos == 624 and key[0] == self._seed & 0xFFFFFFFF  # seeded, no word drawn yet
        out = np.zeros(_STATE_BYTES, np.uint8)
        head, tail = out[:24].view(np.uint64), out[5016:]
        head[0] = self._seed
        out[8:16].view(np.int32)[:] = (1 if pos == 624 else 625 - pos, 1)
        head[2] = 0 if fresh else pos
        out[24:5016].view(np.uint64)[:] = key
        if self._waiting is not None:
            tail[8:16].view(np.float64)[0] = self._waiting
            tail[24:28].view(np.int32)[0] = 1
        return wrap(out)

    def set_state(self, new_state):
        """Go on from a state that :meth:`get_state` returned, here or in PyTorch; returns the generator."""
        data = np.ascontiguousarray(getattr(new_state, "_data", new_state))
        if data.dtype != np.uint8:
            raise TypeError(f"RNG state must be a torch.ByteTensor, not of dtype {data.dtype}")
        if data.size != _STATE_BYTES:
            raise RuntimeError(f"Expected an RNG state of {_STATE_BYTES} bytes, but found {data.size}")
        left = int(data[8:12].view(np.int32)[0])
        pos = int(data[16:24].view(np.uint64)[0])
        if not (1 <= left <= 624 and (left == 1 or left + pos == 625)):
            raise RuntimeError("RNG state is not valid")
        self._seed = int(data[:8].view(np.uint64)[0])
        if self._bits is None:
            self._start()
        key = data[24:5016].view(np.uint64).astype(np.uint32)
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": 624 if left == 1 else pos}}
        tail = data[5016:]
        self._waiting = float(tail[8:16].view(np.float64)[0]) if tail[24:28].view(np.int32)[0] else None
        return self

    def clone_state(self):
        """A new generator in the same state."""
        return Generator().set_state(self.get_state())

    graphsafe_get_state = clone_state

    def __getstate__(self):
        return self.get_state()._data

    def __setstate__(self, state):
        self.__init__()
        self.set_state(state)

    # -- words and uniforms ------------------------------------------------------------------------

    def words(self, n):
        """``n`` words of 32 bits, as uint64."""
        return (self._bits or self._start()).random_raw(n)

    def words64(self, n):
        """``n`` words of 64 bits."""
        w = (self._bits or self._start()).random_raw(2 * n)
        high = w[0::2] << _u64(32)
        return np.bitwise_or(high, w[1::2], out=high)

    def uniform(self, n, dtype=np.float32, low=0.0, high=1.0):
        """``n`` uniforms in [low, high) of a floating dtype."""
        dtype = np.dtype(dtype)
        if dtype == np.float64:
            w = self.words64(n)
            w &= _u64(2**53 - 1)
            w = w.astype(np.float64)
            np.multiply(w, 2.0**-53, out=w)
        else:
            w = self.words(n)
            w &= _u64(2**24 - 1)
            w = w.view(np.int64).astype(_f4)
            np.multiply(w, _f4(2.0**-24), out=w)
        if low == 0.0 and high == 1.0 and dtype != np.float16:
            return w
        low, high = w.dtype.type(low), w.dtype.type(high)
        w = w.astype(np.float64)  # PyTorch's multiply-add is fused: rounded once
        w *= float(high - low)
        w += float(low)
        w = w.astype(dtype)
        w[w == dtype.type(high)] = low  # what rounding carried to the open end
        return w

    def doubles(self):
        """A function that draws one float64 uniform per call, for loops whose need is not known beforehand."""
        word = (self._bits or self._start()).random_raw
        return lambda: ((word() << 32 | word()) & (2**53 - 1)) * 2.0**-53

    def below(self, n, p, dtype=np.float64):
        """``n`` bools, each true with probability ``p`` (a number, or an array of ``n``): uniform < p."""
        if dtype != np.float64 or isinstance(p, np.ndarray):
            return self.uniform(n, dtype) < p
        # 53 bits against p * 2^53. The first word of each pair holds the upper 21, which nearly always decide.
        out = np.empty(n, np.bool_)
        bound = math.ceil(p * 2.0**53)
        upper, lower = bound >> 32, bound & 0xFFFFFFFF
        for start in range(0, n, 32768):  # blocks that stay in cache
            part = out[start : start + 32768]
            w = self.words(2 * part.size)
            high = w[0::2] & _u64(0x1FFFFF)
            np.less(high, _u64(upper), out=part)
            if lower and (tied := np.flatnonzero(high == _u64(upper))).size:
                part[tied] = w[2 * tied + 1] < _u64(lower)
        return out

    # -- integers ----------------------------------------------------------------------------------

    def integers(self, n, low, high):
        """``n`` integers in [low, high) as int64."""
        span = high - low
        if span >= 2**64:
            return self.words64(n).view(np.int64)
        w = self.words64(n) if span >= 2**28 else self.words(n)
        w %= _u64(span)
        w += _u64(low % 2**64)
        return w.view(np.int64)

    def full_range(self, n, dtype):
        """What ``random_()`` without bounds gives: all non-negative numbers that ``dtype`` can hold exactly."""
        dtype = np.dtype(dtype)
        if dtype.kind == "b":
            return (self.words(n) & _u64(1)).astype(dtype)
        span = 2 ** (np.finfo(dtype).nmant + 1) + 1 if dtype.kind == "f" else int(np.iinfo(dtype).max) + 1
        wide = dtype in (np.int64, np.float64, np.uint64)
        w = self.words64(n) if wide else self.words(n)
        return (w if span == 2**64 else w % _u64(span)).astype(dtype)

    def permutation(self, n):
        """A random order of 0 ... n - 1 as int64: for each i, swap i with a place from i on."""
        if n < 2:
            return np.arange(n)
        wide = n >= (2**32 - 1) // 20  # the modulus of a 32-bit word would be biased
        place = np.arange(n)
        swap = place.copy()
        swap[:-1] += ((self.words64 if wide else self.words)(n - 1) % np.arange(n, 1, -1, dtype=_u64)).view(np.int64)
        if n < 256:
            order = place.tolist()
            for i, j in enumerate(swap.tolist()):
                order[i], order[j] = order[j], order[i]
            return np.array(order)
        # All swaps at once. What lies at i when its turn comes was put there by the last swap with i, which took it
        # from its own place, and so on: follow the chain to its root, by doubling.
        root = place.copy()
        moved = swap != place
        root[swap[moved]] = place[moved]
        while True:
            further = root[root]
            if np.array_equal(further, root):
                break
            root = further
        # What i receives from swap[i] was put there by the last earlier swap with the same place, if there was one.
        key = np.sort(swap << 32 | place)
        turn = key & (2**32 - 1)
        key >>= 32
        again = key[1:] == key[:-1]
        swap[turn[1:][again]] = root[turn[:-1][again]]
        return swap

    # -- normals -----------------------------------------------------------------------------------

    def normal(self, n, dtype=np.float32, mean=0.0, std=1.0, pairs=False):
        """``n`` normals; ``pairs`` asks for the path of small sizes whatever ``n`` is."""
        dtype = np.dtype(dtype)
        if n < 16 or pairs:
            return (self._paired(n) * std + mean).astype(dtype)
        if dtype == np.float16:  # as float32, but nothing is drawn for the part that is drawn again
            u = np.empty(n, _f4)
            u[: n - n % 16] = self.normal(n - n % 16, _f4, mean, std)
            if n % 16:
                u[-16:] = self.normal(16, _f4, mean, std)
            return u.astype(dtype)
        fill = _box_muller32 if dtype == np.float32 else _box_muller
        u = self.uniform(n, dtype)
        fill(u[: n - n % 16].reshape(-1, 2, 8), mean, std)
        if n % 16:
            last = self.uniform(16, dtype)
            fill(last.reshape(-1, 2, 8), mean, std)
            u[-16:] = last
        return u

    def _paired(self, n):
        """``n`` normals of float64, two from every two uniforms."""
        out = np.empty(n)
        start = 0
        if n and self._waiting is not None:
            out[0], self._waiting, start = self._waiting, None, 1
        m = n - start
        if m <= 0:
            return out
        u = self.uniform(m + m % 2, np.float64)
        if m <= 32:  # the C library's functions, as PyTorch calls them
            values = []
            for u1, u2 in zip(u[0::2].tolist(), u[1::2].tolist()):
                r, theta = math.sqrt(-2.0 * math.log1p(-u2)), 2.0 * math.pi * u1
                values += (r * math.cos(theta), r * math.sin(theta))
        else:
            r, theta = np.sqrt(-2.0 * np.log1p(-u[1::2])), 2.0 * math.pi * u[0::2]
            values = np.stack([r * np.cos(theta), r * np.sin(theta)], axis=1).reshape(-1)
        out[start:] = values[:m]
        if m % 2:
            self._waiting = float(values[m])
        return out


# --------------------------------------------------------------------------------------------------
# Box-Muller in blocks of 16, in place: [:, 0] holds the uniforms of the radii, [:, 1] those of the angles
# --------------------------------------------------------------------------------------------------


def _box_muller(u, mean, std):
    radius = np.sqrt(-2.0 * np.log(1.0 - u[:, 0]))
    theta = 2.0 * math.pi * u[:, 1]
    u[:, 0] = radius * np.cos(theta) * std + mean
    u[:, 1] = radius * np.sin(theta) * std + mean


def _box_muller32(u, mean, std):
    mean, std = float(_f4(mean)), float(_f4(std))
    for start in range(0, len(u), 512):  # blocks whose temporaries stay in cache
        block = u[start : start + 512]
        radius = _log32(_f4(1) - block[:, 0])
        radius *= _f4(-2)
        np.sqrt(radius, out=radius)
        sine, cosine = _sincos32(block[:, 1] * _f4(2 * math.pi))
        sine *= radius
        cosine *= radius
        if mean != 0.0 or std != 1.0:
            cosine = cosine.astype(np.float64) * std + mean
            sine = sine.astype(np.float64) * std + mean
        block[:, 0] = cosine
        block[:, 1] = sine


# A fused multiply-add of float32 numbers: the product is exact in float64, the sum is rounded once. Values are
# float64 arrays that hold float32 numbers; ``_round`` brings them back to float32 precision.


def _round(y):
    y[...] = y.astype(_f4)
    return y


def _polynomial(x, coefficients):
    """Horner's rule in fused multiply-adds."""
    y = x * float(_f4(coefficients[0]))
    y += float(_f4(coefficients[1]))
    _round(y)
    for c in coefficients[2:]:
        y *= x
        y += float(_f4(c))
        _round(y)
    return y


_LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
        2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
_SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = (2.443315711809948e-005, -1.388731625493765e-003, 4.166664568298827e-002)
_PI_4 = [float(_f4(part)) for part in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)]


def _log32(x):
    """The natural logarithm of cephes in float32 with fused multiply-adds, for normal numbers 0 < x <= 1."""
    bits = x.view(np.int32)
    m = ((bits & 0x007FFFFF) | 0x3F000000).view(_f4)  # x = m * 2^e, 0.5 <= m < 1
    low = m < _f4(0.707106781186547524)
    e = ((bits >> 23) - 126 - low).astype(np.float64)
    np.add(m, m, out=m, where=low)
    m -= _f4(1)
    x = m.astype(np.float64)
    z = _round(x * x)
    y = _polynomial(x, _LOG)
    y *= x
    _round(y)
    y *= z
    y += _round(e * float(_f4(-2.12194440e-4)))
    _round(y)
    z *= -0.5
    y += z
    x += _round(y)
    _round(x)
    e *= 0.693359375
    x += e
    return x.astype(_f4)


def _sincos32(x):
    """Sine and cosine of cephes in float32 with fused multiply-adds, for x >= 0."""
    j = (x * _f4(1.27323954473516)).astype(np.int32)  # 4 / pi
    j += 1
    j &= ~1
    y = j.astype(np.float64)
    x = x.astype(np.float64)
    for part in _PI_4:
        x += y * part
        _round(x)
    z = _round(x * x)
    c = _polynomial(z, _COS)
    c *= z
    _round(c)
    c *= z
    c -= z * 0.5
    _round(c)
    c += 1.0
    s = _polynomial(z, _SIN)
    s *= z
    _round(s)
    s *= x
    s += x
    s, c = s.astype(_f4), c.astype(_f4)
    swap = (j & 2) != 0
    sine, cosine = np.where(swap, c, s), np.where(swap, s, c)
    np.negative(sine, out=sine, where=(j & 4) != 0)
    np.negative(cosine, out=cosine, where=((j + 2) & 4) != 0)
    return sine, cosine


# --------------------------------------------------------------------------------------------------
# The default generator
# --------------------------------------------------------------------------------------------------

#: The generator behind every sampling function that is not given another; seeded from entropy until
#: ``manual_seed`` is called.
default_generator = Generator()
default_generator._seed = None


def manual_seed(seed):
    """Start PyTorch's stream for ``seed`` in the default generator, which is returned.

    Parameters
    ----------
    seed : int
        In [-2^63, 2^64 - 1].

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(42)
    >>> tl.randn(2)
    tensor([0.3367, 0.1288])
    """
    return default_generator.manual_seed(seed)


def seed():
    """Seed the default generator from entropy; returns the seed."""
    return default_generator.seed()


def initial_seed():
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of the default generator, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Put the default generator into a state that :func:`get_rng_state` returned."""
    default_generator.set_state(new_state)
