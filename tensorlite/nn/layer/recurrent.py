"""Recurrent layers (RNN, LSTM, GRU) and their cells, on the fused primitives of ``ops.recurrent``."""

import math
import numbers
import warnings

from ...creation import empty
from ...ops import recurrent as ops
from ...ops import shape as sh
from ...ops.elementwise import relu, sigmoid, tanh
from ...ops.gru import gru
from ...ops.linalg import linear
from ...ops.random import dropout_mask
from .. import init
from ..module import Module
from ..parameter import Parameter
from ..utils.rnn import PackedSequence

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _check_sizes(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size):
    """What PyTorch's constructor refuses, in its words."""
    if not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={num_layers}",
            stacklevel=4,
        )
    for name, value, kind in [("bias", bias, bool), ("batch_first", batch_first, bool),
                              ("input_size", input_size, int), ("hidden_size", hidden_size, int)]:  # fmt: skip
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
    for name, value in [("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)]:
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


class RNNBase(Module):
    """What RNN, LSTM and GRU share: weights, checks, and the walk over layers and directions.

    Parameters
    ----------
    mode : {'LSTM', 'GRU', 'RNN_TANH', 'RNN_RELU'}
    input_size, hidden_size : int
    num_layers : int, default 1
    bias : bool, default True
    batch_first : bool, default False
    dropout : float, default 0
        Applied to the output of every layer but the last while training.
    bidirectional : bool, default False
    proj_size : int, default 0
        Width of the projected hidden state (LSTM only).
    device, dtype : optional
    """

    def __init__(self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
                 bidirectional=False, proj_size=0, device=None, dtype=None):  # fmt: skip
        super().__init__()
        _check_sizes(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        rows, width = _GATES[mode] * hidden_size, proj_size or hidden_size
        self._all_weights = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                inputs = input_size if layer == 0 else width * (2 if bidirectional else 1)
                shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, width)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = {f"{name}_l{layer}{suffix}": shape for name, shape in shapes.items()}
                for name, shape in names.items():
                    setattr(self, name, Parameter(empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(list(names))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw every weight from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def all_weights(self):
        """The parameters, one list per layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self):
        return [getattr(self, name) for names in self._all_weights for name in names]

    def flatten_parameters(self):
        """Nothing to do: PyTorch's packing of weights for cuDNN has no meaning here."""

    def extra_repr(self):
        shown = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0,
                    "bidirectional": False}  # fmt: skip
        shown += [f"{name}={getattr(self, name)}" for name, usual in defaults.items() if getattr(self, name) != usual]
        return ", ".join(shown)

    # -- checks ------------------------------------------------------------------------------------

    def _check_input(self, input, dims):
        weight = getattr(self, self._all_weights[0][0])
        if input.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        if input.dim() != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _check_states(self, states, batch):
        """Each state is (layers * directions, batch, width); the cell state is never projected."""
        count = self.num_layers * (2 if self.bidirectional else 1)
        for i, (state, width) in enumerate(zip(states, (self.proj_size or self.hidden_size, self.hidden_size))):
            if tuple(state.shape) != (count, batch, width):
                name = f"hidden[{i}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {name} size {(count, batch, width)}, got {list(state.shape)}")
            if state.dtype != getattr(self, self._all_weights[0][0]).dtype:
                raise RuntimeError(
                    f"the initial hidden state has dtype {state.dtype}, and the weights have "
                    f"{getattr(self, self._all_weights[0][0]).dtype}; convert one of them with .to()"
                )

    def _check_batched(self, states, batched):
        """Initial states have the batch dimension exactly when the input has it."""
        dims = 3 if batched else 2
        if all(s.dim() == dims for s in states):
            return
        kind = "batched 3-D" if batched else "unbatched 2-D"
        if self.mode == "LSTM":
            found = ", ".join(f"{s.dim()}-D" for s in states)
            raise RuntimeError(f"For {kind} input, hx and cx should also be {dims}-D but got ({found}) tensors")
        raise RuntimeError(f"For {kind} input, hx should also be {dims}-D but got {states[0].dim()}-D tensor")

    # -- the walk over layers ----------------------------------------------------------------------

    def _states(self, hx):
        """The initial states as a list: none, one, or hidden and cell state."""
        if hx is None:
            return []
        if self.mode != "LSTM":
            return [hx]
        if not isinstance(hx, (tuple, list)) or len(hx) != 2:
            raise RuntimeError("LSTM: Expected hx to be a tuple (h_0, c_0) of two tensors")
        return list(hx)

    def forward(self, input, hx=None):
        """Outputs of all steps of the last layer, and the final states of every layer and direction.

        Parameters
        ----------
        input : Tensor of shape (T, B, input_size), (B, T, input_size) with ``batch_first``, (T, input_size)
            without a batch, or PackedSequence
        hx : Tensor (LSTM: tuple of two) of shape (layers * directions, B, width), optional
            Initial states; zeros if not given.

        Returns
        -------
        output : Tensor of shape (T, B, directions * width), or as the input is laid out
        h_n : Tensor (LSTM: tuple of two) of shape (layers * directions, B, width)
        """
        states = self._states(hx)
        if isinstance(input, PackedSequence):
            self._check_input(input.data, 2)
            sizes = tuple(input.batch_sizes.tolist())
            self._check_states(states, sizes[0])
            if input.sorted_indices is not None:
                states = [_reordered(s, input.sorted_indices) for s in states]
            rows, finals = self._layers(input.data, states, sizes)
            if input.unsorted_indices is not None:
                finals = [_reordered(s, input.unsorted_indices) for s in finals]
            output = PackedSequence(rows, *input[1:])
            return output, (tuple(finals) if self.mode == "LSTM" else finals[0])
        if input.dim() not in (2, 3):
            found = f"{input.dim()}D tensor" if self.mode.startswith("RNN") else f"{input.dim()}D"
            raise ValueError(f"{self.mode.split('_')[0]}: Expected input to be 2D or 3D, got {found} instead")
        batched = input.dim() == 3
        self._check_batched(states, batched)
        x = input if batched else sh.expand_dims(input, dim=1)
        states = states if batched else [sh.expand_dims(s, dim=1) for s in states]
        first = self.batch_first and batched
        if first:
            x = sh.swapaxes(x, dim0=0, dim1=1)
        self._check_input(x, 3)
        steps, batch = x.shape[:2]
        if steps == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        self._check_states(states, batch)
        output, finals = self._layers(x, states, (batch,) * steps)
        if not batched:
            output = sh.reshape(output, shape=(steps, -1))
        if first:
            output = sh.swapaxes(output, dim0=0, dim1=1)
        if not batched:
            finals = [sh.reshape(s, shape=(s.shape[0], s.shape[2])) for s in finals]
        return output, (tuple(finals) if self.mode == "LSTM" else finals[0])

    def _layers(self, rows, states, sizes):
        """(rows, features) or (steps, batch, features) through all layers; the final states of every layer and direction."""
        count = 2 if self.mode == "LSTM" else 1
        given = [sh.unbind(s, dim=0) for s in states]
        finals = [[] for _ in range(count)]
        directions = 2 if self.bidirectional else 1
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                rows = rows * dropout_mask(rows.shape, self.dropout, rows._data.dtype)
            outs = []
            for d in range(directions):
                k = layer * directions + d
                start = [s[k] for s in given] if given else [None] * count
                out, *last = self._run(rows, start, self._weights_of(k), sizes, d == 1)
                outs.append(out)
                for final, state in zip(finals, last):
                    final.append(state)
            rows = outs[0] if directions == 1 else sh.cat(*outs, dim=-1)
        return rows, [sh.stack(final) for final in finals]

    def _weights_of(self, k):
        """Weights of the ``k``-th (layer, direction): w_ih, w_hh, b_ih, b_hh, w_hr, None for what is absent."""
        weights = [getattr(self, name) for name in self._all_weights[k]]
        hr = weights.pop() if self.proj_size else None
        return [*weights, *([] if self.bias else [None, None]), hr]

    def _run(self, rows, start, weights, sizes, reverse):
        w_ih, w_hh, b_ih, b_hh, w_hr = weights
        if self.mode == "LSTM":
            return ops.lstm(rows, *start, w_ih, w_hh, b_ih, b_hh, w_hr, sizes=sizes, reverse=reverse)[:3]
        if self.mode == "GRU":
            return gru(rows, *start, w_ih, w_hh, b_ih, b_hh, sizes=sizes, reverse=reverse)[:2]
        kind = self.mode[4:].lower()
        return ops.rnn(rows, *start, w_ih, w_hh, b_ih, b_hh, sizes=sizes, reverse=reverse, nonlinearity=kind)[:2]


def _reordered(state, order):
    """(layers, B, width) with the sequences of the batch in another order."""
    rows = ops.take_rows(sh.swapaxes(state, dim0=0, dim1=1), index=order._data)
    return sh.swapaxes(rows, dim0=0, dim1=1)


class RNN(RNNBase):
    """Plain recurrent layers: ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int, default 1
    nonlinearity : {'tanh', 'relu'}
    bias : bool, default True
    batch_first : bool, default False
        Input and output are (B, T, features); states never are.
    dropout : float, default 0
        After every layer but the last, while training.
    bidirectional : bool, default False
    device, dtype : optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> rnn = tl.nn.RNN(10, 20, 2)
    >>> output, h_n = rnn(tl.zeros(5, 3, 10))
    >>> output.shape, h_n.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))
    """

    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False,
                 dropout=0.0, bidirectional=False, device=None, dtype=None, **kwargs):  # fmt: skip
        _no_projection(kwargs)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        mode = "RNN_" + nonlinearity.upper()
        super().__init__(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
                         device=device, dtype=dtype)  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (S. Hochreiter and J. Schmidhuber 1997), gates in the order i, f, g, o.

    ``c' = f * c + i * g`` and ``h' = o * tanh(c')``; with ``proj_size`` the hidden state is ``W_hr h'``.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int, default 1
    bias : bool, default True
    batch_first : bool, default False
        Input and output are (B, T, features); states never are.
    dropout : float, default 0
        After every layer but the last, while training.
    bidirectional : bool, default False
    proj_size : int, default 0
        Width of the projected hidden state; 0 for no projection.
    device, dtype : optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> lstm = tl.nn.LSTM(10, 20, 2)
    >>> output, (h_n, c_n) = lstm(tl.zeros(5, 3, 10))
    >>> output.shape, c_n.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
                 bidirectional=False, proj_size=0, device=None, dtype=None):  # fmt: skip
        super().__init__("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
                         proj_size, device, dtype)  # fmt: skip


class GRU(RNNBase):
    """Gated recurrent units (K. Cho et al. 2014), gates in the order r, z, n.

    ``n = tanh(W_in x + b_in + r * (W_hn h + b_hn))`` and ``h' = (1 - z) * n + z * h``.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int, default 1
    bias : bool, default True
    batch_first : bool, default False
        Input and output are (B, T, features); states never are.
    dropout : float, default 0
        After every layer but the last, while training.
    bidirectional : bool, default False
    device, dtype : optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> gru = tl.nn.GRU(10, 20, batch_first=True, bidirectional=True)
    >>> output, h_n = gru(tl.zeros(3, 5, 10))
    >>> output.shape, h_n.shape
    (torch.Size([3, 5, 40]), torch.Size([2, 3, 20]))
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
                 bidirectional=False, device=None, dtype=None, **kwargs):  # fmt: skip
        _no_projection(kwargs)
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
                         device=device, dtype=dtype)  # fmt: skip


def _no_projection(kwargs):
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if kwargs:
        raise TypeError(f"got an unexpected keyword argument {next(iter(kwargs))!r}")


# -- one step at a time ----------------------------------------------------------------------------


class RNNCellBase(Module):
    """What the cells share: four weights and their checks."""

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw every weight from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _begin(self, input, states):
        """Check dimensions; add the batch dimension where it is missing. (input, states, batched)"""
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for i, s in enumerate(states):
            if s.dim() not in (1, 2):
                which = f"hx[{i}]" if name == "LSTMCell" else "hidden"
                raise ValueError(f"{name}: Expected {which} to be 1D or 2D, got {s.dim()}D instead")
        batched = input.dim() == 2
        if not batched:
            input, states = sh.expand_dims(input, dim=0), [sh.expand_dims(s, dim=0) for s in states]
        if input.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected {self.input_size}")
        for i, s in enumerate(states):
            if s.shape[0] != input.shape[0]:
                raise RuntimeError(f"Input batch size {input.shape[0]} doesn't match hidden{i} batch size {s.shape[0]}")
            if s.shape[1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{i} has inconsistent hidden_size: got {s.shape[1]}, expected {self.hidden_size}"
                )
        return input, states, batched

    def _run(self, input, hx, many):
        states = [] if hx is None else list(hx) if many else [hx]
        input, states, batched = self._begin(input, states)
        if not states:
            states = [input.new_zeros(input.shape[0], self.hidden_size) for _ in range(2 if many else 1)]
        news = self._step(input, *states)
        news = news if batched else [sh.reshape(s, shape=(self.hidden_size,)) for s in news]
        return tuple(news) if many else news[0]


class RNNCell(RNNCellBase):
    """One step of :class:`RNN`.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool, default True
    nonlinearity : {'tanh', 'relu'}
    device, dtype : optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.RNNCell(10, 20)(tl.zeros(3, 10)).shape
    torch.Size([3, 20])
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        """``input`` (B, input_size) or (input_size,), ``hx`` (B, hidden_size); the next hidden state."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._run(input, hx, False)

    def _step(self, x, h):
        a = linear(x, self.weight_ih, self.bias_ih) + linear(h, self.weight_hh, self.bias_hh)
        return [tanh(a) if self.nonlinearity == "tanh" else relu(a)]


class LSTMCell(RNNCellBase):
    """One step of :class:`LSTM`.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool, default True
    device, dtype : optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> h, c = tl.nn.LSTMCell(10, 20)(tl.zeros(3, 10))
    >>> h.shape
    torch.Size([3, 20])
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        """``input`` (B, input_size) or (input_size,), ``hx`` a pair (B, hidden_size); the next pair."""
        return self._run(input, hx, True)

    def _step(self, x, h, c):
        a = linear(x, self.weight_ih, self.bias_ih) + linear(h, self.weight_hh, self.bias_hh)
        return list(ops.lstm_gates(a, c)[:2])


class GRUCell(RNNCellBase):
    """One step of :class:`GRU`.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool, default True
    device, dtype : optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.GRUCell(10, 20)(tl.zeros(3, 10)).shape
    torch.Size([3, 20])
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        """``input`` (B, input_size) or (input_size,), ``hx`` (B, hidden_size); the next hidden state."""
        return self._run(input, hx, False)

    def _step(self, x, h):
        a, b = linear(x, self.weight_ih, self.bias_ih), linear(h, self.weight_hh, self.bias_hh)
        n = self.hidden_size
        a_r, a_z, a_n = sh.split_with_sizes(a, sizes=(n, n, n), dim=1)
        b_r, b_z, b_n = sh.split_with_sizes(b, sizes=(n, n, n), dim=1)
        r, z = sigmoid(a_r + b_r), sigmoid(a_z + b_z)
        new = tanh(a_n + r * b_n)
        return [new + z * (h - new)]
