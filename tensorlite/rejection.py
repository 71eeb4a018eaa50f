"""Samplers that draw until they accept: how many uniforms they use is not known beforehand.

Each takes a function that draws one uniform in [0, 1), and numbers; each consumes uniforms in PyTorch's order.
"""

from math import ceil, exp, floor, inf, lgamma, log, log1p, sqrt


def _log(x):
    return log(x) if x > 0 else -inf


def poisson(uniform, rate):
    """A Poisson number: products of uniforms below a rate of 10, transformed rejection (Hoermann 1993) above."""
    if rate == 0:
        return 0
    if rate < 10:
        limit, k, product = exp(-rate), 0, uniform()
        while product > limit:
            k += 1
            product *= uniform()
        return k
    b = 0.931 + 2.53 * sqrt(rate)
    a = -0.059 + 0.02483 * b
    inv_alpha = 1.1239 + 1.1328 / (b - 3.4)
    tight = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = uniform() - 0.5
        v = uniform()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= tight:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if _log(v) + log(inv_alpha) - log(a / (us * us) + b) <= -rate + k * log(rate) - lgamma(k + 1):
            return k


def binomial(uniform, count, p, q, expected):
    """A binomial number: geometric gaps where few are expected, else transformed rejection.

    ``q`` is the smaller of ``p`` and ``1 - p``, and ``expected`` is ``count * q``, both in the precision of the caller.
    """
    if count <= 0 or p <= 0:
        return 0
    if p >= 1:
        return count
    if p != p:
        return p
    k = (_btrs if expected >= 10 else _by_gaps)(uniform, count, q)
    return k if p <= 0.5 else count - k


def _by_gaps(uniform, count, p):
    k, trials, scale = 0, 0.0, log1p(-p)
    while True:
        u = uniform()
        trials += ceil(log(u) / scale) if u > 0 else inf
        if trials > count:
            return k
        k += 1


_TAIL = (0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
         0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287)  # fmt: skip


def _stirling_tail(k):
    """log k! minus Stirling's approximation."""
    if k <= 9:
        return _TAIL[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


def _btrs(uniform, count, p):
    """Algorithm BTRS of Hoermann 1993."""
    std = sqrt(count * p * (1 - p))
    b = 1.15 + 2.53 * std
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = count * p + 0.5
    tight = 0.92 - 4.2 / b
    r = p / (1 - p)
    alpha = (2.83 + 5.1 / b) * std
    m = floor((count + 1) * p)
    while True:
        u = uniform() - 0.5
        v = uniform()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = floor((2 * a / us + b) * u + c)
        if us >= 0.07 and v <= tight:
            return k
        if k < 0 or k > count:
            continue
        bound = (
            (m + 0.5) * log((m + 1) / (r * (count - m + 1)))
            + (count + 1) * log((count - m + 1) / (count - k + 1))
            + (k + 0.5) * log(r * (count - k + 1) / (k + 1))
            + _stirling_tail(m) + _stirling_tail(count - m) - _stirling_tail(k) - _stirling_tail(count - k)
        )  # fmt: skip
        if _log(v * alpha / (a / (us * us) + b)) <= bound:
            return k


def gamma(uniform, normal, alpha):
    """A gamma number of rate 1 (Marsaglia & Tsang 2000)."""
    scale = 1.0
    if alpha < 1:
        if alpha == 0:
            return 0.0
        scale = (1 - uniform()) ** (1 / alpha)
        alpha += 1
    d = alpha - 0.3333333432674408  # PyTorch's constants are of float32
    c = 1 / sqrt(9 * d)
    while True:
        y = 0.0
        while y <= 0:
            x = normal()
            y = 1 + c * x
        v = y * y * y
        u = 1 - uniform()
        if u < 1 - 0.03310000151395798 * x**4 or log(u) < 0.5 * x * x + d * (1 - v + log(v)):
            return scale * d * v
