"""Recurrent layers: all steps of one layer in one direction as one primitive.

The rows of all steps lie one after the other, step by step: ``x`` is (rows, features) and ``sizes`` says how
many rows each step has. Sizes never grow, as in a packed sequence; a plain (T, B, F) tensor has ``sizes = (B,) * T``.
Each loop works on preallocated buffers, with the gates of a step in one block per gate, so that every elementwise
pass runs over contiguous memory; weight gradients are one matrix product over all steps.

A sigmoid is computed as ``(1 + tanh(x / 2)) / 2``, with the half folded into the weights: one ``tanh`` then serves all
gates. Equations: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html (and GRU, RNN).
"""

import numpy as np

from ..engine import primitive, unwrap
from ..threads import parallel
from .elementwise import relu, sigmoid, tanh
from .linalg import linear
from .shape import cat, narrow

#: Elements per pass where rows may be taken in any portion: several such arrays fit in a core's cache.
_CACHED = 1 << 14


def _spans(sizes, reverse):
    """(first row, number of rows) per step, in the order in which the steps are taken."""
    spans, start = [], 0
    for n in sizes:
        spans.append((start, n))
        start += n
    return spans[::-1] if reverse else spans


def _parts(spans, first, last):
    """For the sequences ``first:last`` of the batch, per step: where their rows are, and which states are theirs."""
    for start, n in spans:
        low, high = min(first, n), min(last, n)
        if low < high:
            yield slice(start + low, start + high), slice(low, high)


def _start(state, batch, width, dtype):
    """A buffer that begins as ``state``, or as zeros."""
    return np.zeros((batch, width), dtype) if state is None else np.array(state, dtype, order="C")


def _blocks(weight, gates):
    """(gates * hidden, k) as (gates, k, hidden): one matrix per gate, ready to multiply from the right."""
    return weight.reshape(gates, -1, weight.shape[1]).transpose(0, 2, 1)


# -- LSTM ------------------------------------------------------------------------------------------


@primitive(outputs=("out", "h_n", "c_n", "steps", "gates", "cells"), constant=("steps", "gates", "cells"))
def lstm(x, h0, c0, w_ih, w_hh, b_ih=None, b_hh=None, w_hr=None, *, sizes, reverse=False):
    """One LSTM layer in one direction.

    Parameters
    ----------
    x : (rows, inputs)
    h0, c0 : (batch, hidden) or None for zeros; ``h0`` is (batch, proj) with a projection
    w_ih, w_hh : (4 * hidden, inputs) and (4 * hidden, hidden or proj), gates in the order i, f, g, o
    b_ih, b_hh : (4 * hidden,), optional
    w_hr : (proj, hidden), optional projection of the hidden state
    sizes : tuple of int, rows per step, never growing
    reverse : bool, from the last step to the first

    Returns
    -------
    out, h_n, c_n : (rows, hidden or proj), (batch, hidden or proj), (batch, hidden)
    steps, gates, cells : what the backward pass reads
        ``steps`` has the rows [input, previous output, 1], ``gates`` the activated i, f, o, g in
        four blocks, ``cells`` the previous cell state and tanh of the new one.
    """
    rows, inputs = x.shape
    hidden, width, batch = w_hh.shape[0] // 4, w_hh.shape[1], sizes[0]
    dtype = x.dtype
    weight = np.empty((4, inputs + width + 1, hidden), dtype)  # [w_ih | w_hh | bias], gates in the order i, f, o, g
    order = [0, 1, 3, 2]
    weight[:, :inputs] = _blocks(w_ih, 4)[order]
    weight[:, inputs:-1] = _blocks(w_hh, 4)[order]
    weight[:, -1] = 0 if b_ih is None else (b_ih + b_hh).reshape(4, hidden)[order]
    weight[:3] *= 0.5
    half = dtype.type(0.5)
    steps = np.empty((rows, inputs + width + 1), dtype)
    steps[:, :inputs] = x
    steps[:, -1] = 1
    gates = np.empty((4, rows, hidden), dtype)
    cells = np.empty((2, rows, hidden), dtype)
    out = np.empty((rows, width), dtype)
    h, c = _start(h0, batch, width, dtype), _start(c0, batch, hidden, dtype)
    buffer = np.empty((batch, hidden), dtype)
    spans = _spans(sizes, reverse)

    def run(first, last):
        for at, part in _parts(spans, first, last):
            gate, before, after, now, temp = gates[:, at], cells[0, at], cells[1, at], c[part], buffer[part]
            step, new = steps[at], h[part]
            step[:, inputs:-1] = new
            before[...] = now
            np.matmul(step, weight, out=gate)
            np.tanh(gate, out=gate)
            sig = gate[:3]
            np.multiply(sig, half, out=sig)
            np.add(sig, half, out=sig)
            i, f, o, g = gate
            np.multiply(f, before, out=now)
            np.multiply(i, g, out=temp)
            np.add(now, temp, out=now)
            np.tanh(now, out=after)
            if w_hr is None:
                np.multiply(after, o, out=new)
            else:
                np.multiply(after, o, out=temp)
                np.matmul(temp, w_hr.T, out=new)
            out[at] = new

    parallel(run, batch, rows * hidden * (inputs + width) // 16)
    return out, h, c, steps, gates, cells


def _lstm_slopes(gates, cells, deltas, lift, scratch):
    """What no later step can change: derivatives of the cell by its gates, and of the output by the cell."""
    sig, (i, _, o, new), (before, after) = gates[:3], gates, cells
    slope, temp = scratch[:3], scratch[3]
    np.multiply(after, after, out=temp)
    np.multiply(temp, o, out=temp)
    np.subtract(o, temp, out=lift)
    np.subtract(1, sig, out=slope)
    np.multiply(slope, sig, out=slope)
    np.multiply(slope[0], new, out=deltas[:, 0])
    np.multiply(slope[1], before, out=deltas[:, 1])
    np.multiply(slope[2], after, out=deltas[:, 3])
    np.multiply(new, new, out=temp)
    np.multiply(temp, i, out=temp)
    np.subtract(i, temp, out=deltas[:, 2])


def _lstm_vjp(g, x_shape, w_ih, w_hh, w_hr, steps, gates, cells, sizes, reverse, needs):
    g_out, g_h, g_c = g
    (rows, inputs), (_, _, hidden), width, batch = x_shape, gates.shape, w_hh.shape[1], sizes[0]
    dtype = gates.dtype
    deltas = np.empty((rows, 4, hidden), dtype)  # gradients of the gates before their activation, order i, f, g, o
    flat = deltas.reshape(rows, 4 * hidden)
    lift = np.empty((rows, hidden), dtype)
    block = max(1, _CACHED // hidden)

    def prepare(first, last):
        scratch = np.empty((4, min(block, rows), hidden), dtype)
        for k in range(first, last, block):
            at = slice(k, min(k + block, last))
            _lstm_slopes(gates[:, at], cells[:, at], deltas[at], lift[at], scratch[:, : at.stop - k])

    parallel(prepare, rows, 8 * rows * hidden)
    dh, dc = _start(g_h, batch, width, dtype), _start(g_c, batch, hidden, dtype)
    buffer = np.empty((batch, hidden), dtype)
    outer = np.empty((rows, width), dtype) if w_hr is not None else None  # gradients of the projected state
    spans = _spans(sizes, reverse)[::-1]

    def run(first, last):
        for at, part in _parts(spans, first, last):
            dhn, dcn, temp, delta = dh[part], dc[part], buffer[part], deltas[at]
            if g_out is not None:
                np.add(dhn, g_out[at], out=dhn)
            if w_hr is None:
                dhid = dhn
            else:
                outer[at] = dhn
                dhid = dhn @ w_hr
            np.multiply(dhid, lift[at], out=temp)
            np.add(dcn, temp, out=dcn)
            np.multiply(delta[:, :3], dcn[:, None], out=delta[:, :3])
            np.multiply(delta[:, 3], dhid, out=delta[:, 3])
            np.multiply(dcn, gates[1, at], out=dcn)
            np.matmul(flat[at], w_hh, out=dhn)

    parallel(run, batch, rows * hidden * width // 16)
    d_ih = d_hh = d_bias = d_hr = None
    if needs[3] or needs[4] or needs[5] or needs[6]:
        whole = np.empty((4 * hidden, steps.shape[1]), dtype)
        parallel(lambda a, b: np.matmul(flat[:, a:b].T, steps, out=whole[a:b]), 4 * hidden, rows * whole.size // 64)
        d_ih, d_hh, d_bias = whole[:, :inputs], whole[:, inputs:-1], whole[:, -1]
    if needs[7]:
        d_hr = outer.T @ (gates[2] * cells[1])
    dx = flat @ w_ih if needs[0] else None
    return dx, dh, dc, d_ih, d_hh, d_bias, d_bias, d_hr


lstm.joint_vjp(_lstm_vjp)


def _rows(x, start, n):
    return narrow(x, dim=0, start=start, stop=start + n)


def _scan(step, states, sizes, reverse):
    """Run ``step(first row, rows, states) -> (output, states)`` over all steps with plain primitives."""
    batch, outs = sizes[0], []
    for start, n in _spans(sizes, reverse):
        out, news = step(start, n, [s if n == batch else _rows(s, 0, n) for s in states])
        states = [new if n == batch else cat(new, _rows(s, n, batch - n)) for new, s in zip(news, states)]
        outs.append(out)
    outs = outs[::-1] if reverse else outs
    return cat(*outs), *states


def _zeros(state, batch, width, x):
    return np.zeros((batch, width), unwrap(x).dtype) if state is None else state


@lstm.reference
def _lstm_reference(x, h0, c0, w_ih, w_hh, b_ih=None, b_hh=None, w_hr=None, *, sizes, reverse=False):
    hidden = w_hh.shape[0] // 4

    def step(start, n, states):
        h, c = states
        a = linear(_rows(x, start, n), w_ih, b_ih) + linear(h, w_hh, b_hh)
        i, f, g, o = [narrow(a, dim=1, start=k * hidden, stop=(k + 1) * hidden) for k in range(4)]
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        h = h if w_hr is None else linear(h, w_hr)
        return h, (h, c)

    states = [_zeros(h0, sizes[0], w_hh.shape[1], x), _zeros(c0, sizes[0], hidden, x)]
    return _scan(step, states, sizes, reverse)


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


# -- GRU -------------------------------------------------------------------------------------------


@primitive(outputs=("out", "h_n", "before", "gates"), constant=("before", "gates"))
def gru(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes, reverse=False):
    """One GRU layer in one direction; arguments as for :func:`lstm`, gates in the order r, z, n.

    Returns
    -------
    out, h_n : (rows, hidden), (batch, hidden)
    before, gates : what the backward pass reads
        The previous hidden state of every row; r, z, n and the hidden part of n in four blocks.
    """
    rows, hidden, batch, dtype = len(x), w_hh.shape[1], sizes[0], x.dtype
    half = dtype.type(0.5)
    w_x, w_h = np.array(_blocks(w_ih, 3)), np.array(_blocks(w_hh, 3))
    w_x[:2] *= half
    w_h[:2] *= half
    gates = np.empty((4, rows, hidden), dtype)
    np.matmul(x, w_x, out=gates[:3])
    b_n = None
    if b_ih is not None:
        bias = np.array(b_ih.reshape(3, 1, hidden))
        bias[:2] += b_hh.reshape(3, 1, hidden)[:2]
        bias[:2] *= half
        gates[:3] += bias
        b_n = b_hh[2 * hidden :]
    before = np.empty((rows, hidden), dtype)
    out = np.empty((rows, hidden), dtype)
    h = _start(h0, batch, hidden, dtype)
    buffer = np.empty((3, batch, hidden), dtype)
    for start, n in _spans(sizes, reverse):
        at = slice(start, start + n)
        now, temp, sig, new, inner = h[:n], buffer[:, :n], gates[:2, at], gates[2, at], gates[3, at]
        before[at] = now
        np.matmul(now, w_h, out=temp)
        np.add(sig, temp[:2], out=sig)
        np.tanh(sig, out=sig)
        np.multiply(sig, half, out=sig)
        np.add(sig, half, out=sig)
        if b_n is None:
            inner[...] = temp[2]
        else:
            np.add(temp[2], b_n, out=inner)
        np.multiply(sig[0], inner, out=temp[0])
        np.add(new, temp[0], out=new)
        np.tanh(new, out=new)
        np.subtract(now, new, out=now)  # h = n + z (h - n)
        np.multiply(now, sig[1], out=now)
        np.add(now, new, out=now)
        out[at] = now
    return out, h, before, gates


def _gru_vjp(g, x, w_ih, w_hh, before, gates, sizes, reverse, needs):
    g_out, g_h = g
    rows, hidden, batch, dtype = len(x), w_hh.shape[1], sizes[0], gates.dtype
    deltas = np.empty((rows, 3 * hidden), dtype)  # of the input's part of r, z, n before activation
    inner = np.empty((rows, 3 * hidden), dtype)  # of the hidden state's part
    cut = 2 * hidden
    dh = _start(g_h, batch, hidden, dtype)
    buffer, buffer2 = np.empty((batch, hidden), dtype), np.empty((batch, hidden), dtype)
    for start, n in reversed(_spans(sizes, reverse)):
        at = slice(start, start + n)
        r, z, new, hn = gates[:, at]
        temp, keep, dhn = buffer[:n], buffer2[:n], dh[:n]
        d, e = deltas[at], inner[at]
        d_r, d_z, d_n, e_n = d[:, :hidden], d[:, hidden:cut], d[:, cut:], e[:, cut:]
        if g_out is not None:
            np.add(dhn, g_out[at], out=dhn)
        np.multiply(dhn, z, out=keep)  # what goes straight to the previous state
        np.subtract(before[at], new, out=temp)
        np.multiply(temp, keep, out=temp)
        np.multiply(temp, z, out=d_z)
        np.subtract(temp, d_z, out=d_z)
        np.subtract(dhn, keep, out=dhn)  # (1 - z) dh
        np.multiply(new, new, out=temp)
        np.multiply(temp, dhn, out=temp)
        np.subtract(dhn, temp, out=d_n)
        np.multiply(d_n, r, out=e_n)
        np.multiply(e_n, hn, out=temp)
        np.multiply(temp, r, out=d_r)
        np.subtract(temp, d_r, out=d_r)
        e[:, :cut] = d[:, :cut]
        np.matmul(e, w_hh, out=dhn)
        np.add(dhn, keep, out=dhn)
    dx = deltas @ w_ih if needs[0] else None
    d_ih = deltas.T @ x if needs[2] else None
    d_hh = inner.T @ before if needs[3] else None
    d_b_ih = np.add.reduce(deltas, axis=0) if needs[4] else None
    d_b_hh = np.add.reduce(inner, axis=0) if needs[5] else None
    return dx, dh, d_ih, d_hh, d_b_ih, d_b_hh


gru.joint_vjp(_gru_vjp)


@gru.reference
def _gru_reference(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes, reverse=False):
    hidden = w_hh.shape[1]

    def step(start, n, states):
        (h,) = states
        a, b = linear(_rows(x, start, n), w_ih, b_ih), linear(h, w_hh, b_hh)
        part = lambda t, k: narrow(t, dim=1, start=k * hidden, stop=(k + 1) * hidden)
        r, z = sigmoid(part(a, 0) + part(b, 0)), sigmoid(part(a, 1) + part(b, 1))
        new = tanh(part(a, 2) + r * part(b, 2))
        h = new + z * (h - new)
        return h, (h,)

    return _scan(step, [_zeros(h0, sizes[0], hidden, x)], sizes, reverse)


# -- plain recurrence ------------------------------------------------------------------------------


@primitive(outputs=("out", "h_n", "before"), constant=("before",))
def rnn(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes, reverse=False, nonlinearity="tanh"):
    """One plain recurrent layer in one direction: ``h = act(w_ih x + b_ih + w_hh h + b_hh)``.

    Arguments as for :func:`lstm`; ``nonlinearity`` is 'tanh' or 'relu'. ``before`` holds the previous hidden state of
    every row.
    """
    rows, hidden, batch, dtype = len(x), w_hh.shape[1], sizes[0], x.dtype
    out = np.matmul(x, w_ih.T)
    if b_ih is not None:
        out += b_ih + b_hh
    before = np.empty((rows, hidden), dtype)
    h = _start(h0, batch, hidden, dtype)
    for start, n in _spans(sizes, reverse):
        at = slice(start, start + n)
        now, result = h[:n], out[at]
        before[at] = now
        np.matmul(before[at], w_hh.T, out=now)
        np.add(result, now, out=result)
        np.tanh(result, out=result) if nonlinearity == "tanh" else np.maximum(result, 0, out=result)
        now[...] = result
    return out, h, before


def _rnn_vjp(g, x, w_ih, w_hh, out, before, sizes, reverse, nonlinearity, needs):
    g_out, g_h = g
    hidden, batch, dtype = w_hh.shape[1], sizes[0], out.dtype
    deltas = out * out if nonlinearity == "tanh" else (out > 0).astype(dtype)
    if nonlinearity == "tanh":
        np.subtract(1, deltas, out=deltas)
    dh = _start(g_h, batch, hidden, dtype)
    for start, n in reversed(_spans(sizes, reverse)):
        at = slice(start, start + n)
        dhn, d = dh[:n], deltas[at]
        if g_out is not None:
            np.add(dhn, g_out[at], out=dhn)
        np.multiply(d, dhn, out=d)
        np.matmul(d, w_hh, out=dhn)
    dx = deltas @ w_ih if needs[0] else None
    d_ih = deltas.T @ x if needs[2] else None
    d_hh = deltas.T @ before if needs[3] else None
    d_bias = np.add.reduce(deltas, axis=0) if needs[4] or needs[5] else None
    return dx, dh, d_ih, d_hh, d_bias, d_bias


rnn.joint_vjp(_rnn_vjp)


@rnn.reference
def _rnn_reference(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes, reverse=False, nonlinearity="tanh"):
    act = tanh if nonlinearity == "tanh" else relu

    def step(start, n, states):
        h = act(linear(_rows(x, start, n), w_ih, b_ih) + linear(states[0], w_hh, b_hh))
        return h, (h,)

    return _scan(step, [_zeros(h0, sizes[0], w_hh.shape[1], x)], sizes, reverse)


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
