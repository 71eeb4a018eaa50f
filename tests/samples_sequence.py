"""Sample calls ``(args, settings)`` for recurrent layers and attention, by ``module.name``; float arrays are float64."""

from __future__ import annotations

import numpy as np


def _normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape) * 0.7


def _recurrent(gates, width, sizes, states, bias=True, projection=False):
    """Arguments of a recurrent layer of 2 units on 3 features."""
    rows, batch = sum(sizes), sizes[0]
    initial = [_normal(batch, width, seed=1), _normal(batch, 2, seed=2)][:states]
    biases = [_normal(2 * gates, seed=3), _normal(2 * gates, seed=4)] if bias else [None, None]
    weights = [_normal(2 * gates, 3, seed=5), _normal(2 * gates, width, seed=6), *biases]
    return [_normal(rows, 3), *initial, *weights, *([_normal(1, 2, seed=7)] if projection else [])]


def _attention(*masks, lead=(2,)):
    return [_normal(*lead, 3, 2, seed=8), _normal(*lead, 4, 2, seed=9), _normal(*lead, 4, 3, seed=10), *masks]


_EVEN, _RAGGED = (2, 2, 2), (3, 2, 1)

SAMPLES = {
    "gru.gru": [
        (_recurrent(3, 2, _EVEN, 1), dict(sizes=_EVEN)),
        (_recurrent(3, 2, _RAGGED, 1, bias=False), dict(sizes=_RAGGED, reverse=True)),
    ],
    "recurrent.lstm": [
        (_recurrent(4, 2, _EVEN, 2), dict(sizes=_EVEN)),
        (_recurrent(4, 2, _RAGGED, 2, bias=False), dict(sizes=_RAGGED, reverse=True)),
        (_recurrent(4, 1, _RAGGED, 2, projection=True), dict(sizes=_RAGGED)),
    ],
    "recurrent.lstm_gates": [([_normal(3, 8), _normal(3, 2)], {})],
    "recurrent.rnn": [
        (_recurrent(1, 2, _EVEN, 1), dict(sizes=_EVEN)),
        (_recurrent(1, 2, _RAGGED, 1), dict(sizes=_RAGGED, reverse=True, nonlinearity="relu")),
    ],
    "recurrent.take_rows": [([_normal(4, 3)], dict(index=np.array([2, 0, 3])))],
    "recurrent.put_rows": [([_normal(2, 3)], dict(index=np.array([3, 1]), count=5, fill=0.5))],
    "attention.attention": [
        (_attention(), dict(scale=0.5)),
        (_attention(lead=(2, 2)), dict(scale=0.5, causal=True)),
        (_attention(_normal(3, 4, seed=11)), dict(scale=0.7)),
        (_attention(np.arange(12).reshape(3, 4) % 3 > 0), dict(scale=0.7)),
        (_attention(None, (np.arange(24).reshape(2, 3, 4) % 4 > 0) / 0.75), dict(scale=0.7)),
    ],
}
