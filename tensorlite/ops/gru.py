"""Gated recurrent units: all steps of one layer in one direction as one primitive; see :mod:`.recurrent`.

Every gradient of a step is the gradient of its output times something that no later step can change. So the way back
is, per step, one multiplication for all gates and one matrix product.
"""

import functools
import itertools

import numpy as np

from ..engine import primitive
from .elementwise import sigmoid, tanh
from .linalg import linear
from .memory import empty
from .shape import narrow
from .steps import CACHED, Part, Sum, gather, on_line, padded, products, repeated, scan, share, start, total, zeros


@primitive(outputs=("out", "h_n", "steps", "gates", "cuts"), constant=("steps", "gates", "cuts"))
def gru(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes, reverse=False):
    """One GRU layer in one direction; arguments as for :func:`.recurrent.lstm`, gates in the order r, z, n.

    Returns
    -------
    out, h_n : as ``x`` with hidden features, (batch, hidden)
    steps, gates, cuts : what the backward pass reads
        ``steps`` has the rows [input, 1, previous output], ``gates`` r, z, n and the hidden part of n in four blocks, for
        each part of the batch; threads share it, cut at ``cuts``.
    """
    inputs, rows = x.shape[-1], sum(sizes)
    hidden, batch, dtype = w_hh.shape[1], sizes[0], x.dtype
    used, half = inputs + 1 + hidden, dtype.type(0.5)
    weight, inner = empty((3, used, hidden), dtype), empty((1 + hidden, hidden), dtype)
    for k in range(3):  # [w_ih | bias | w_hh] for r, z; [w_ih | bias], [bias | w_hh] for n
        at = slice(k * hidden, (k + 1) * hidden)
        weight[k, :inputs] = w_ih[at].T
        weight[k, inputs] = 0 if b_ih is None else b_ih[at] if k == 2 else b_ih[at] + b_hh[at]
        weight[k, inputs + 1 :] = w_hh[at].T
    inner[0] = 0 if b_hh is None else b_hh[2 * hidden :]
    inner[1:] = weight[2, inputs + 1 :]
    weight[:2] *= half
    steps = padded(rows, used, dtype)
    gates = empty((4, rows, hidden), dtype)
    out = np.empty((*x.shape[:-1], hidden), dtype)
    h_n = start(h0, batch, hidden, dtype)
    middle = (np.arange(steps.shape[1] - inputs) == 0).astype(dtype)  # 1, and zeros in the padding

    def run(first, last):
        part = Part(sizes, first, last, reverse)
        own, saved = steps[part.own], gates[:, part.own]
        buffer = empty((last - first, hidden), dtype)
        matmul, multiply, add, subtract, tanh = np.matmul, np.multiply, np.add, np.subtract, np.tanh
        own[:, inputs:] = middle
        for run in part.runs:
            part.mine(own, run)[:, :, :inputs] = part.theirs(x, run)
        matmul(own[:, : inputs + 1], weight[2, : inputs + 1], saved[2])
        for run in part.runs:
            n = run[4]
            h, temp = h_n[first : first + n], buffer[:n]
            step, block = part.mine(own, run), part.mine(saved, run)
            before = step[:, :, inputs + 1 : used]
            before[0] = h
            views = zip(
                products(step[:, :, :used], weight[:2], block[:, :2]),
                products(step[:, :, inputs:used], inner, block[:, 3]),
                *(block[:, :2], *block.swapaxes(0, 1), before, part.theirs(out, run), [*before[1:], h]),
            )
            for pieces, inners, sig, r, z, new, hn, now, result, after in views:
                for factor, weights, to in (*pieces, *inners):
                    matmul(factor, weights, to)
                tanh(sig, sig)
                multiply(sig, half, sig)
                add(sig, half, sig)
                multiply(r, hn, temp)
                add(new, temp, new)
                tanh(new, new)
                subtract(now, new, temp)  # h = n + z (h - n)
                multiply(temp, z, temp)
                add(temp, new, result)
                after[...] = result

    cuts = share(run, batch, len(sizes), rows * hidden * (inputs + hidden) // 20)
    return out, h_n, steps, gates, cuts


def _gru_slopes(saved, before, slopes):
    """What no later step can change, for some rows: the derivatives of the output by n, r, z and the hidden part of n.

    Each before the activation, into four of six blocks.
    """
    (r, z, new, hn), (s_n, s_r, s_z, s_hn, temp, other) = saved, slopes
    np.subtract(1, z, other)
    np.multiply(new, new, temp)
    np.multiply(temp, other, temp)
    np.subtract(other, temp, s_n)  # (1 - z) (1 - n^2)
    np.multiply(s_n, r, s_hn)
    np.multiply(s_hn, hn, temp)
    np.multiply(temp, r, other)
    np.subtract(temp, other, s_r)
    np.subtract(before, new, temp)
    np.multiply(temp, z, temp)
    np.multiply(temp, z, other)
    np.subtract(temp, other, s_z)


def _gru_vjp(g, x_shape, w_ih, w_hh, steps, gates, cuts, sizes, reverse, needs):
    g_out, g_h = g
    inputs, rows = x_shape[-1], len(steps)
    hidden, batch, dtype = w_hh.shape[1], sizes[0], gates.dtype
    dh = start(g_h, batch, hidden, dtype)
    dx = np.empty(x_shape, dtype) if needs[0] else None
    w = on_line(w_hh)
    w_x = np.concatenate((w_ih[2 * hidden :], w_ih[: 2 * hidden])) if needs[0] else None
    wanted = needs[2] or needs[3] or needs[4] or needs[5]

    def run(first, last):
        part = Part(sizes, first, last, reverse)
        own, saved = steps[part.own], gates[:, part.own]
        most = min(max(last - first, CACHED // hidden), len(own))
        slopes, buffer = empty((6, most, hidden), dtype), empty((last - first, hidden), dtype)
        deltas = empty((most, 4 * hidden), dtype)  # gradients of n, r, z and the hidden part of n
        d_w, d_n = Sum((3 * hidden, steps.shape[1]), dtype), Sum((hidden, inputs + 1), dtype)
        matmul, multiply, add = np.matmul, np.multiply, np.add

        @functools.cache
        def places(n, k, begin):
            """Where a run of steps works in the buffers, step by step."""
            mine = functools.partial(part.mine, run=(0, 0, n, begin, n, k), back=True)
            flat = mine(deltas)
            delta = flat.reshape(k, n, 4, hidden).transpose(0, 2, 1, 3)
            pieces = products(flat[:, :, hidden:], w, repeated(dh[first : first + n], k))
            return list(zip(mine(slopes)[:, :4], delta, pieces))

        for at, group in part.backwards(most):
            count = at.stop - at.start
            _gru_slopes(saved[:, at], own[at, inputs + 1 : inputs + 1 + hidden], slopes[:, :count])
            for run in group:
                n = run[4]
                dhn, keep = dh[first : first + n], buffer[:n]
                given = itertools.repeat(None) if g_out is None else part.theirs(g_out, run, True)
                update = part.mine(saved[1], run, True)
                for (slope, delta, pieces), more, z in zip(places(n, run[5], run[3] - at.start), given, update):
                    if more is not None:
                        add(dhn, more, dhn)
                    multiply(slope, dhn, delta)
                    multiply(dhn, z, keep)
                    for factor, weights, to in pieces:
                        matmul(factor, weights, to)
                    add(dhn, keep, dhn)
            delta = deltas[:count]
            if wanted:
                d_w.add(delta[:, hidden:].T, own[at])
                d_n.add(delta[:, :hidden].T, own[at, : inputs + 1])
            if needs[0]:
                d_x = delta[:, : 3 * hidden] @ w_x
                for run in group:
                    part.theirs(dx, run)[...] = part.mine(d_x, run, begin=at.start)
        return d_w, d_n

    found = gather(run, cuts, rows * hidden * (inputs + 2 * hidden) // 20)
    d_w, d_n = [total(parts) for parts in zip(*found)]
    d_ih = d_hh = d_b_ih = d_b_hh = None
    if wanted:
        outer = np.concatenate((d_w[: 2 * hidden, : inputs + 1], d_n))
        d_ih, d_b_ih = outer[:, :inputs], outer[:, inputs]
        d_hh, d_b_hh = d_w[:, inputs + 1 : inputs + 1 + hidden], d_w[:, inputs]
    return dx, dh, d_ih, d_hh, d_b_ih, d_b_hh


gru.joint_vjp(_gru_vjp)


@gru.reference
def _gru_reference(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes, reverse=False):
    hidden = w_hh.shape[1]

    def step(rows, states):
        (h,) = states
        a, b = linear(rows, w_ih, b_ih), linear(h, w_hh, b_hh)
        part = lambda t, k: narrow(t, dim=1, start=k * hidden, stop=(k + 1) * hidden)
        r, z = sigmoid(part(a, 0) + part(b, 0)), sigmoid(part(a, 1) + part(b, 1))
        new = tanh(part(a, 2) + r * part(b, 2))
        h = new + z * (h - new)
        return h, (h,)

    return scan(x, step, [zeros(h0, sizes[0], hidden, x)], sizes, reverse)
