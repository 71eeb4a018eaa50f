"""Spectral normalization by attributes: a weight divided by its largest singular value (Miyato et al. 2018), the old form."""

import numpy as np

from ...engine import wrap
from ...ops.linalg import matmul
from ...ops.reduction import sum
from ...ops.shape import permute, reshape
from .. import init
from ..parameter import Parameter
from .weight_norm import _hook

__all__ = ["as_matrix", "power_iteration", "remove_spectral_norm", "spectral_norm", "unit"]


def as_matrix(weight, dim):
    """``weight`` with dimension ``dim`` as rows and all others as columns."""
    n = len(weight.shape)
    if dim % n:
        weight = permute(weight, dims=(dim % n, *[i for i in range(n) if i != dim % n]))
    return reshape(weight, shape=(weight.shape[0], -1))


def unit(x, eps):
    """An array scaled to length 1."""
    return x / max(float(np.linalg.norm(x)), eps)


def power_iteration(matrix, u, v, count, eps):
    """``count`` steps towards the first singular vectors, in place."""
    for _ in range(count):
        v[...] = unit(matrix.T @ u, eps)
        u[...] = unit(matrix @ v, eps)


class SpectralNorm:
    """The hook that computes the weight before each call; in training it iterates first."""

    def __init__(self, name="weight", n_power_iterations=1, dim=0, eps=1e-12):
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.dim = dim
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def compute_weight(self, module, do_power_iteration):
        """``weight / (u @ weight @ v)``."""
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            power_iteration(as_matrix(weight._data, self.dim), u._data, v._data, self.n_power_iterations, self.eps)
        sigma = sum(wrap(u._data.copy()) * matmul(matrix, wrap(v._data.copy())))
        return weight / sigma

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module, module.training))

    def _note_version(self, module, state_dict, prefix, local_metadata):
        """Write the version of the format into a state dict."""
        local_metadata.setdefault("spectral_norm", {})[self.name + ".version"] = 1

    def _upgrade(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        """Find ``v`` for a state dict of the oldest format, which had the weight itself in its place."""
        if local_metadata.get("spectral_norm", {}).get(self.name + ".version") is not None:
            return
        weight, original, u, v = [prefix + self.name + part for part in ("", "_orig", "_u", "_v")]
        if weight not in state_dict and all(key in state_dict for key in (original, u, v)):
            return
        missing = [key for key in (original, weight, u) if key not in state_dict]
        if missing:
            missing_keys.extend(missing if strict else ())
            return
        matrix, first = as_matrix(state_dict[original]._data, self.dim), state_dict[u]._data
        sigma = np.mean(state_dict[original]._data / state_dict.pop(weight)._data)
        found = np.linalg.pinv(matrix.T @ matrix) @ (matrix.T @ first)
        state_dict[v] = wrap((found * (sigma / (first @ (matrix @ found)))).astype(matrix.dtype))


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide parameter ``name`` by its largest singular value, found by power iteration.

    Parameters
    ----------
    module : Module
    name : str, default "weight"
    n_power_iterations : int, default 1
        Steps per call in training.
    eps : float
    dim : int, optional
        The dimension of outputs; 1 for transposed convolutions, else 0.
    """
    if _hook(module, SpectralNorm, name):
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    h, w = as_matrix(weight._data, dim).shape
    dtype = weight._data.dtype
    u = init.normal_(wrap(np.empty(h, dtype)))
    v = init.normal_(wrap(np.empty(w, dtype)))
    u._data[...], v._data[...] = unit(u._data, eps), unit(v._data, eps)
    del module._parameters[name]
    module.register_parameter(name + "_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(name + "_u", u)
    module.register_buffer(name + "_v", v)
    module.register_forward_pre_hook(hook)
    module._register_state_dict_hook(hook._note_version)
    module._register_load_state_dict_pre_hook(hook._upgrade)
    return module


def remove_spectral_norm(module, name="weight"):
    """Undo :func:`spectral_norm`: the present weight becomes a parameter."""
    found = _hook(module, SpectralNorm, name)
    if found is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    key, hook = found
    weight = hook.compute_weight(module, False).detach()
    delattr(module, name)
    for part in ("_u", "_v", "_orig"):
        delattr(module, name + part)
    module.register_parameter(name, Parameter(weight))
    del module._forward_pre_hooks[key]
    for hooks in (module._state_dict_hooks, module._load_state_dict_pre_hooks):
        for key, method in list(hooks.items()):
            if getattr(method, "__self__", None) is hook:
                del hooks[key]
    return module
