"""Sample calls ``(arrays, settings)`` for the primitives of convolution, pooling, normalisation and resampling."""

import numpy as np


def _normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def _last(x):
    """The same values with dimension 1 last in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


_PLAIN = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
_ODD = {"stride": (2, 1), "padding": ((1, 0), (1, 2)), "dilation": (1, 2)}
_POOL = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
_OVER = {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 1)}
_LAYER = {"rows": 6, "view": (6, 4), "affine": (4,), "eps": 1e-3}
_GROUP = {"rows": 4, "view": (2, 4, 3), "affine": (4, 1), "eps": 1e-3}
_WINNERS = np.array([[[[4, 1], [2, 2]], [[3, 4], [1, 3]]]], np.uint8)
_EVERY = {"kernel": (2, 2), "stride": (1, 1), "padding": (1, 1), "dilation": (2, 2), "size": (2, 2)}
_COUNTS = np.array([[[[0, 3], [1, 0]], [[2, 2], [3, 1]]]])

SAMPLES = {
    "conv.conv": [
        ((_normal(2, 2, 4, 4), _normal(3, 2, 2, 2), _normal(3)), _PLAIN),
        ((_last(_normal(2, 5, 4, 4)), _normal(2, 5, 2, 2)), _ODD),
        ((_normal(2, 4, 4, 4), _normal(4, 2, 3, 2), _normal(4)), {**_ODD, "groups": 2}),
        ((_normal(2, 3, 4, 4), _normal(6, 1, 2, 2), _normal(6)), {**_ODD, "groups": 3}),
        ((_last(_normal(2, 5, 2, 3)), _normal(2, 5, 1, 1)), _PLAIN),
    ],
    "conv.conv_input_grad": [
        ((_normal(2, 2, 3, 2), _normal(2, 3, 2, 2)), {**_PLAIN, "size": (4, 3)}),
        ((_normal(1, 4, 2, 5), _normal(4, 1, 2, 2)), {**_ODD, "size": (4, 4), "groups": 2}),
    ],
    "conv.conv_weight_grad": [
        ((_normal(2, 2, 4, 4), _normal(2, 3, 3, 3)), {**_PLAIN, "kernel": (2, 2)}),
        ((_normal(1, 2, 4, 4), _normal(1, 4, 2, 5)), {**_ODD, "kernel": (2, 2), "groups": 2}),
    ],
    "conv.channel_sum": [((_normal(2, 3, 2),), {}), ((_last(_normal(2, 3, 2, 2)),), {})],
    "pooling.max_pool": [
        ((_normal(2, 2, 4, 4),), {**_POOL, "dilation": (1, 1), "size": (2, 2)}),
        ((_last(_normal(2, 3, 4, 4)),), {**_OVER, "dilation": (1, 2), "size": (2, 4)}),
    ],
    "pooling.to_winners": [
        (
            (_normal(1, 2, 2, 2), _WINNERS),
            {**_POOL, "dilation": (1, 1), "size": (2, 2), "shape": (1, 2, 5, 4), "last": False},
        ),
        ((_normal(1, 2, 2, 2), _WINNERS), {**_EVERY, "shape": (1, 2, 2, 2), "last": True}),
    ],
    "pooling.from_winners": [
        ((_normal(1, 2, 5, 4), _WINNERS), {**_POOL, "dilation": (1, 1), "size": (2, 2)}),
        ((_last(_normal(1, 2, 2, 2)), _WINNERS), _EVERY),
    ],
    "pooling.max_pool_index": [((_normal(2, 2, 4, 4),), {**_OVER, "dilation": (1, 1), "size": (2, 5)})],
    "pooling.adaptive_max_index": [((_normal(2, 2, 5, 4),), {"size": (2, 3)})],
    "pooling.pick": [((_normal(1, 2, 2, 2), _COUNTS), {})],
    "pooling.unpick": [((_normal(1, 2, 2, 2), _COUNTS), {"shape": (1, 2, 2, 2)})],
    "pooling.sum_pool": [
        ((_normal(2, 2, 4, 4),), {**_POOL, "size": (2, 2)}),
        ((_last(_normal(2, 3, 4, 4)),), {**_OVER, "size": (2, 5)}),
    ],
    "pooling.sum_pool_grad": [
        ((_normal(2, 2, 2, 2),), {**_POOL, "shape": (2, 2, 4, 4)}),
        ((_normal(2, 2, 2, 5),), {**_OVER, "shape": (2, 2, 4, 4)}),
    ],
    "norm.batch_norm": [
        ((_normal(3, 2, 4), _normal(2), _normal(2)), {"eps": 1e-3}),
        ((_last(_normal(3, 4, 2, 2)),), {"eps": 1e-3}),
    ],
    "norm.channel_affine": [
        ((_normal(3, 2, 4), _normal(2), _normal(2)), {"mean": _normal(2), "inverse": np.array([0.5, 2.0])}),
    ],
    "gelu.gelu": [((_normal(3, 5),), {}), ((_normal(3, 5),), {"approximate": "tanh"})],
    "row_norm.row_norm": [
        ((_normal(2, 3, 4), _normal(4), _normal(4)), _LAYER),
        ((_normal(2, 4, 3), _normal(4), _normal(4)), _GROUP),
        ((_normal(2, 3, 4), _normal(4)), {**_LAYER, "centre": False}),
    ],
    "resample.separable": [((_normal(1, 2, 3, 4),), {"matrices": (_normal(2, 3), _normal(5, 4))})],
    "resample.take_pixels": [((_normal(1, 2, 3, 4),), {"index": (np.array([0, 0, 2]), np.array([3, 1]))})],
    "fold.unfold": [((_normal(1, 2, 4, 4),), {**_OVER, "dilation": (1, 1)})],
    "fold.fold": [((_normal(1, 12, 10),), {**_OVER, "dilation": (1, 1), "spatial": (4, 4)})],
}
