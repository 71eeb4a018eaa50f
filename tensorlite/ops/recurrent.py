"""Recurrent layers: all steps of one layer in one direction as one primitive.

``x`` is (rows, features), the rows of all steps one after the other, and ``sizes`` says how many rows each step has (see
:mod:`.steps`); or (steps, batch, features) where all have the same number. Each loop works on preallocated buffers,
with the gates of a step in one block per gate, so that every elementwise pass runs over contiguous memory; weight
gradients are one matrix product over many steps.

A sigmoid is computed as ``(1 + tanh(x / 2)) / 2``, with the half folded into the weights: one ``tanh`` then serves all
gates. Equations: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html (and GRU, RNN).
"""

import functools
import itertools

import numpy as np

from ..engine import primitive
from .elementwise import relu, sigmoid, tanh
from .linalg import linear
from .memory import empty
from .shape import narrow
from .steps import (
    CACHED,
    Part,
    Sum,
    gather,
    on_line,
    padded,
    products,
    repeated,
    scan,
    share,
    spans,
    start,
    total,
    zeros,
)

# -- LSTM ------------------------------------------------------------------------------------------


@primitive(outputs=("out", "h_n", "c_n", "steps", "gates", "cuts"), constant=("steps", "gates", "cuts"))
def lstm(x, h0, c0, w_ih, w_hh, b_ih=None, b_hh=None, w_hr=None, *, sizes, reverse=False):
    """One LSTM layer in one direction.

    Parameters
    ----------
    x : (rows, inputs), or (steps, batch, inputs) where all steps have the same number of rows
    h0, c0 : (batch, hidden) or None for zeros; ``h0`` is (batch, proj) with a projection
    w_ih, w_hh : (4 * hidden, inputs) and (4 * hidden, hidden or proj), gates in the order i, f, g, o
    b_ih, b_hh : (4 * hidden,), optional
    w_hr : (proj, hidden), optional projection of the hidden state
    sizes : tuple of int, rows per step, never growing
    reverse : bool, from the last step to the first

    Returns
    -------
    out, h_n, c_n : as ``x`` with hidden or proj features, (batch, hidden or proj), (batch, hidden)
    steps, gates, cuts : what the backward pass reads
        ``steps`` has the rows [input, previous output, 1], ``gates`` the activated o, i, f, g, the previous cell
        state and tanh of the new one in six blocks, for each part of the batch; threads share it, cut at ``cuts``.
        In this order whatever is combined with one another lies together, and takes one call.
    """
    inputs, rows = x.shape[-1], sum(sizes)
    hidden, width, batch = w_hh.shape[0] // 4, w_hh.shape[1], sizes[0]
    dtype = x.dtype
    used = inputs + width + 1
    weight = empty((4, used, hidden), dtype)  # [w_ih | w_hh | bias], gates in the order o, i, f, g
    for a, b in enumerate([3, 0, 1, 2]):
        at = slice(b * hidden, (b + 1) * hidden)
        weight[a, :inputs] = w_ih[at].T
        weight[a, inputs:-1] = w_hh[at].T
        weight[a, -1] = 0 if b_ih is None else b_ih[at] + b_hh[at]
    weight[:3] *= 0.5
    half = dtype.type(0.5)
    steps = padded(rows, used, dtype)
    gates = empty((6, rows, hidden), dtype)
    out = np.empty((*x.shape[:-1], width), dtype)
    h_n, c_n = start(h0, batch, width, dtype), start(c0, batch, hidden, dtype)
    last_columns = (np.arange(steps.shape[1] - used + 1) == 0).astype(dtype)  # 1, and zeros in the padding

    def run(first, last):
        part = Part(sizes, first, last, reverse)
        own, saved = steps[part.own], gates[:, part.own]
        matmul, multiply, add, tanh = np.matmul, np.multiply, np.add, np.tanh
        buffer = empty((2, last - first, hidden), dtype)
        for run in part.runs:
            n = run[4]
            h, c = h_n[first : first + n], c_n[first : first + n]
            terms = buffer[:, :n]
            term, other = terms
            step, block = part.mine(own, run), part.mine(saved, run)
            step[:, :, used - 1 :] = last_columns
            before, cells = step[:, :, inputs : used - 1], block[:, 4]
            before[0], cells[0] = h, c
            views = zip(
                step[:, :, :inputs], part.theirs(x, run), products(step[:, :, :used], weight, block[:, :4]),
                block[:, :4], block[:, :3], block[:, 1:3], block[:, 3:5], block[:, 0], [*cells[1:], c], block[:, 5],
                part.theirs(out, run), [*before[1:], h],
            )  # fmt: skip
            for now, given, pieces, raw, sig, i_f, g_c, o, cell, bent, result, after in views:
                now[...] = given
                for factor, weights, to in pieces:
                    matmul(factor, weights, to)
                tanh(raw, raw)
                multiply(sig, half, sig)
                add(sig, half, sig)
                multiply(i_f, g_c, terms)
                add(term, other, cell)
                tanh(cell, bent)
                if w_hr is None:
                    multiply(bent, o, result)
                else:
                    matmul(multiply(bent, o, term), w_hr.T, result)
                after[...] = result

    cuts = share(run, batch, len(sizes), rows * hidden * (inputs + width) // 16)
    return out, h_n, c_n, steps, gates, cuts


def _lstm_slopes(saved, slopes):
    """What no later step can change, for some rows of ``gates``, into five of eight blocks.

    These are the derivatives of the output by o, of the cell by i, f and g, each before the activation, and of the
    output by the cell. The sixth block is o * tanh(c), the output before its projection.
    """
    terms = slopes[5:]
    np.multiply(saved[0], saved[5], terms[0])  # o * tanh(c), i * g, f * c
    np.multiply(saved[1:3], saved[3:5], terms[1:])
    np.multiply(terms, saved[:3], slopes[:3])  # s = o, i, f: what it multiplies, times s (1 - s)
    np.subtract(terms, slopes[:3], slopes[:3])
    np.multiply(terms[:2], saved[5:2:-2], slopes[4:2:-1])  # o (1 - tanh(c)^2) and i (1 - g^2)
    np.subtract(saved[:2], slopes[4:2:-1], slopes[4:2:-1])


def _lstm_vjp(g, x_shape, w_ih, w_hh, w_hr, steps, gates, cuts, sizes, reverse, needs):
    g_out, g_h, g_c = g
    inputs, hidden, width, batch = x_shape[-1], w_hh.shape[0] // 4, w_hh.shape[1], sizes[0]
    rows, dtype = len(steps), gates.dtype
    dh, dc = start(g_h, batch, width, dtype), start(g_c, batch, hidden, dtype)
    dx = np.empty(x_shape, dtype) if needs[0] else None
    w = on_line(w_hh)
    wanted = needs[3] or needs[4] or needs[5] or needs[6]

    def run(first, last):
        part = Part(sizes, first, last, reverse)
        own, saved = steps[part.own], gates[:, part.own]
        most = min(max(last - first, CACHED // hidden), len(own))
        slopes, buffer = empty((8, most, hidden), dtype), empty((last - first, hidden), dtype)
        deltas = empty((most, 4 * hidden), dtype)  # gradients of i, f, g, o before their activation
        outer = np.empty((most, width), dtype)  # gradients of the projected state
        d_w, d_hr = Sum((4 * hidden, steps.shape[1]), dtype), Sum((width, hidden), dtype)
        matmul, multiply, add = np.matmul, np.multiply, np.add

        @functools.cache
        def places(n, k, begin):
            """Where a run of steps works in the buffers, step by step."""
            mine = functools.partial(part.mine, run=(0, 0, n, begin, n, k), back=True)
            slope, flat = mine(slopes), mine(deltas)
            delta = flat.reshape(k, n, 4, hidden).transpose(0, 2, 1, 3)
            pieces = products(flat, w, repeated(dh[first : first + n], k))
            return list(zip(mine(outer), slope[:, 4], slope[:, 1:4], delta[:, :3], slope[:, 0], delta[:, 3], pieces))

        for at, group in part.backwards(most):
            count = at.stop - at.start
            _lstm_slopes(saved[:, at], slopes[:, :count])
            for run in group:
                n = run[4]
                dhn, dcn, temp = dh[first : first + n], dc[first : first + n], buffer[:n]
                given = itertools.repeat(None) if g_out is None else part.theirs(g_out, run, True)
                forget = part.mine(saved[2], run, True)
                for place, more, f in zip(places(n, run[5], run[3] - at.start), given, forget):
                    projected, lift, s_ifg, to_ifg, s_o, to_o, pieces = place
                    if more is not None:
                        add(dhn, more, dhn)
                    dhid = dhn
                    if w_hr is not None:
                        projected[...] = dhn
                        dhid = dhn @ w_hr
                    multiply(dhid, lift, temp)
                    add(dcn, temp, dcn)
                    multiply(s_ifg, dcn, to_ifg)
                    multiply(s_o, dhid, to_o)
                    multiply(dcn, f, dcn)
                    for factor, weights, to in pieces:
                        matmul(factor, weights, to)
            delta = deltas[:count]
            if wanted:
                d_w.add(delta.T, own[at])
            if needs[7]:
                d_hr.add(outer[:count].T, slopes[5, :count])
            if needs[0]:
                d_x = delta @ w_ih
                for run in group:
                    part.theirs(dx, run)[...] = part.mine(d_x, run, begin=at.start)
        return d_w, d_hr

    found = gather(run, cuts, rows * hidden * (inputs + 2 * width) // 16)
    d_w, d_hr = [total(parts) for parts in zip(*found)]
    d_ih = d_hh = d_bias = None
    if wanted:
        d_ih, d_hh, d_bias = d_w[:, :inputs], d_w[:, inputs : inputs + width], d_w[:, inputs + width]
    return dx, dh, dc, d_ih, d_hh, d_bias, d_bias, d_hr if needs[7] else None


lstm.joint_vjp(_lstm_vjp)


@lstm.reference
def _lstm_reference(x, h0, c0, w_ih, w_hh, b_ih=None, b_hh=None, w_hr=None, *, sizes, reverse=False):
    hidden = w_hh.shape[0] // 4

    def step(rows, states):
        h, c = states
        a = linear(rows, w_ih, b_ih) + linear(h, w_hh, b_hh)
        i, f, g, o = [narrow(a, dim=1, start=k * hidden, stop=(k + 1) * hidden) for k in range(4)]
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        h = h if w_hr is None else linear(h, w_hr)
        return h, (h, c)

    states = [zeros(h0, sizes[0], w_hh.shape[1], x), zeros(c0, sizes[0], hidden, x)]
    return scan(x, step, states, sizes, reverse)


# -- one step of an LSTM ---------------------------------------------------------------------------


@primitive(outputs=("h", "c_new", "gates", "bent"), constant=("gates", "bent"))
def lstm_gates(a, c):
    """The elementwise part of one LSTM step.

    Parameters
    ----------
    a : (batch, 4 * hidden), the gates i, f, g, o before their activation
    c : (batch, hidden), the cell state

    Returns
    -------
    h, c_new : (batch, hidden)
    gates, bent : the activated gates, and tanh of the new cell state
    """
    hidden = c.shape[1]
    gates = a * a.dtype.type(0.5)
    gates[:, 2 * hidden : 3 * hidden] = a[:, 2 * hidden : 3 * hidden]
    np.tanh(gates, out=gates)
    for part in (gates[:, : 2 * hidden], gates[:, 3 * hidden :]):
        part *= 0.5
        part += 0.5
    i, f, g, o = [gates[:, k * hidden : (k + 1) * hidden] for k in range(4)]
    c_new = f * c
    c_new += i * g
    bent = np.tanh(c_new)
    return o * bent, c_new, gates, bent


def _lstm_gates_vjp(g, c, gates, bent):
    g_h, g_c = g
    hidden = c.shape[1]
    i, f, new, o = [gates[:, k * hidden : (k + 1) * hidden] for k in range(4)]
    slope = 1 - gates
    slope *= gates
    dc = np.zeros_like(bent) if g_c is None else g_c
    if g_h is not None:
        dc = dc + g_h * (o - o * bent * bent)
    slope[:, :hidden] *= dc * new
    slope[:, hidden : 2 * hidden] *= dc * c
    slope[:, 2 * hidden : 3 * hidden] = dc * i * (1 - new * new)
    slope[:, 3 * hidden :] *= 0 if g_h is None else g_h * bent
    return slope, dc * f


lstm_gates.joint_vjp(_lstm_gates_vjp)


@lstm_gates.reference
def _lstm_gates_reference(a, c):
    hidden = c.shape[1]
    i, f, g, o = [narrow(a, dim=1, start=k * hidden, stop=(k + 1) * hidden) for k in range(4)]
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c, None, None


# -- plain recurrence ------------------------------------------------------------------------------


@primitive(outputs=("out", "h_n", "before"), constant=("before",))
def rnn(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes, reverse=False, nonlinearity="tanh"):
    """One plain recurrent layer in one direction: ``h = act(w_ih x + b_ih + w_hh h + b_hh)``.

    Arguments as for :func:`lstm`; ``nonlinearity`` is 'tanh' or 'relu'. ``before`` holds the previous hidden state of
    every row.
    """
    rows, hidden, batch, dtype = sum(sizes), w_hh.shape[1], sizes[0], x.dtype
    out = np.matmul(x.reshape(rows, x.shape[-1]), w_ih.T)
    if b_ih is not None:
        out += b_ih + b_hh
    before = np.empty((rows, hidden), dtype)
    h = start(h0, batch, hidden, dtype)
    for begin, n in spans(sizes, reverse):
        at = slice(begin, begin + n)
        now, result = h[:n], out[at]
        before[at] = now
        np.matmul(before[at], w_hh.T, out=now)
        np.add(result, now, out=result)
        np.tanh(result, out=result) if nonlinearity == "tanh" else np.maximum(result, 0, out=result)
        now[...] = result
    return out.reshape(*x.shape[:-1], hidden), h, before


def _rnn_vjp(g, x, w_ih, w_hh, out, before, sizes, reverse, nonlinearity, needs):
    g_out, g_h = g
    rows, hidden, batch, dtype = sum(sizes), w_hh.shape[1], sizes[0], out.dtype
    out = out.reshape(rows, hidden)
    g_out = None if g_out is None else g_out.reshape(rows, hidden)
    deltas = out * out if nonlinearity == "tanh" else (out > 0).astype(dtype)
    if nonlinearity == "tanh":
        np.subtract(1, deltas, out=deltas)
    dh = start(g_h, batch, hidden, dtype)
    for begin, n in reversed(spans(sizes, reverse)):
        at = slice(begin, begin + n)
        dhn, d = dh[:n], deltas[at]
        if g_out is not None:
            np.add(dhn, g_out[at], out=dhn)
        np.multiply(d, dhn, out=d)
        np.matmul(d, w_hh, out=dhn)
    dx = (deltas @ w_ih).reshape(x.shape) if needs[0] else None
    d_ih = deltas.T @ x.reshape(rows, x.shape[-1]) if needs[2] else None
    d_hh = deltas.T @ before if needs[3] else None
    d_bias = np.add.reduce(deltas, axis=0) if needs[4] or needs[5] else None
    return dx, dh, d_ih, d_hh, d_bias, d_bias


rnn.joint_vjp(_rnn_vjp)


@rnn.reference
def _rnn_reference(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes, reverse=False, nonlinearity="tanh"):
    act = tanh if nonlinearity == "tanh" else relu

    def step(rows, states):
        h = act(linear(rows, w_ih, b_ih) + linear(states[0], w_hh, b_hh))
        return h, (h,)

    return scan(x, step, [zeros(h0, sizes[0], w_hh.shape[1], x)], sizes, reverse)


# -- rows of padded batches ------------------------------------------------------------------------


@primitive
def take_rows(x, *, index):
    """The rows of ``x`` at ``index``, an array without repeated entries."""
    return x[index]


@primitive
def put_rows(x, *, index, count, fill=0):
    """``count`` rows of ``fill`` with ``x`` at ``index``, an array without repeated entries."""
    out = np.full((count, *x.shape[1:]), fill, x.dtype)
    out[index] = x
    return out


take_rows.vjp(x=lambda g, x_shape, index: put_rows(g, index=index, count=x_shape[0]))
put_rows.vjp(x=lambda g, index: take_rows(g, index=index))
