"""The dense networks once more, in JAX's own style: a pure function of the parameters, compiled as a whole.

The other workloads are written against PyTorch's API, which JAX does not have; they are left out of its column.
"""

from __future__ import annotations

import itertools

import numpy as np

from .workloads import fashion_mnist, images, labels


def _trainer(jax, sizes):
    """``update(state, x, y)``: forward, backward and Adam in one compiled function; and the first state."""
    jnp = jax.numpy
    rng = np.random.default_rng(0)
    params = []
    for n_in, n_out in itertools.pairwise(sizes):
        bound = 1 / np.sqrt(n_in)
        params.append(
            [jnp.asarray(rng.uniform(-bound, bound, s).astype(np.float32)) for s in ((n_in, n_out), (n_out,))]
        )
    zeros = jax.tree_util.tree_map(jnp.zeros_like, params)

    def loss(params, x, y):
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        scores = jax.nn.log_softmax(x @ w + b)
        return -jnp.take_along_axis(scores, y[:, None], 1).mean()

    @jax.jit
    def update(state, x, y):
        params, m, v, t = state
        grads = jax.grad(loss)(params, x, y)
        t = t + 1
        each = jax.tree_util.tree_map
        m = each(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = each(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        rate = 1e-3 / (1 - 0.9**t)
        correct = jnp.sqrt(1 - 0.999**t)
        params = each(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / correct + 1e-8), params, m, v)
        return params, m, v, t

    return update, (params, zeros, zeros, jnp.float32(0))


def _steps(jax, sizes, x, y):
    update, state = _trainer(jax, sizes)
    x, y = jax.numpy.asarray(x), jax.numpy.asarray(y)

    def step():
        nonlocal state
        state = update(state, x, y)
        jax.block_until_ready(state)

    return step


def tiny_mlp(jax):
    return _steps(jax, [2, 16, 16, 2], images(100, 2), labels(100, 2))


def mlp(jax):
    return _steps(jax, [784, 128, 10], images(128, 784), labels(128))


def fashion_epoch(jax):
    x, y = fashion_mnist()
    update, state = _trainer(jax, [784, 128, 10])
    last = len(x) - len(x) % 128  # a smaller last batch would be compiled on its own

    def step():
        nonlocal state
        for start in range(0, last, 128):
            state = update(state, x[start : start + 128], y[start : start + 128])
        jax.block_until_ready(state)

    return step


IN_JAX = {f.__name__: f for f in (tiny_mlp, mlp, fashion_epoch)} | {"fashion_model": fashion_epoch}
