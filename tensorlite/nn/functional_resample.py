"""Functions that change the resolution of images or sample them elsewhere."""

import functools
import math
import warnings

import numpy as np

from .. import dtypes
from ..engine.plan import called
from ..ops import resample as ops

__all__ = ["affine_grid", "grid_sample", "interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

_DIMS = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}


def _target(input, size, scale_factor):
    """Output size and the scale factors (None where the sizes alone say them)."""
    dims = len(input.shape) - 2
    spatial = list(input.shape[2:])
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    given = size if size is not None else scale_factor
    if given is None:
        raise ValueError("either size or scale_factor should be defined")
    if isinstance(given, (list, tuple)):
        if len(given) != dims:
            what = "output size of" if size is not None else "scale_factor of shape"
            raise ValueError(
                f"Input and {'output' if size is not None else 'scale_factor'} must have the same number of spatial "
                f"dimensions, but got input with spatial dimensions of {spatial} and {what} {given}. Please provide input "
                "tensor in (N, C, d1, d2, ...,dK) format."
            )
        given = tuple(given)
    else:
        given = (given,) * dims
    if size is not None:
        return tuple([int(s) for s in given]), (None,) * dims
    factors = tuple([float(s) for s in given])
    return tuple([math.floor(float(n) * f) for n, f in zip(spatial, factors)]), factors


def _named(sizes):
    return "(" + ", ".join(f"{name}: {n}" for name, n in zip("DHW"[-len(sizes) :], sizes)) + ")"


def interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None,
                recompute_scale_factor=None, antialias=False):  # fmt: skip
    """Resample the spatial dimensions to another size.

    Parameters
    ----------
    input : Tensor, (N, C, *spatial), one to three spatial dimensions
    size : int or tuple of int, optional
    scale_factor : float or tuple of float, optional
        One of ``size`` and ``scale_factor``.
    mode : str, default 'nearest'
        'nearest', 'nearest-exact', 'linear' (3D input), 'bilinear', 'bicubic' (4D), 'trilinear' (5D), 'area'.
    align_corners : bool, optional
        For the linear and cubic modes: whether the corner pixels' centres stay in place.
    recompute_scale_factor : bool, optional
        Whether to use the exact ratio of sizes instead of ``scale_factor``.
    antialias : bool
        For 'bilinear' and 'bicubic': average over as many pixels as shrinking leaves out.

    Raises
    ------
    ValueError
        If the arguments contradict each other.
    NotImplementedError
        If the mode does not fit the number of dimensions.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.interpolate(tl.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    dims = len(input.shape) - 2
    modes = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
            )
    align = bool(align_corners)
    if mode not in ("nearest", "area", "nearest-exact", *_DIMS) or dims not in (1, 2, 3):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {dims + 2}D) for the modes: {modes} (got {mode})"
        )
    if mode in _DIMS and _DIMS[mode] != dims:
        raise NotImplementedError(f"Got {dims + 2}D input, but {mode} mode needs {_DIMS[mode] + 2}D input")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    size, factors = _target(input, size, scale_factor)
    spatial = tuple(input.shape[2:])
    if min(size) < 1 or min(spatial) < 1:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input {_named(spatial)} output {_named(size)}"
        )
    if recompute_scale_factor:
        factors = (None,) * dims
    dtype = input._data.dtype
    if mode == "area":
        from . import functional_pooling

        return getattr(functional_pooling, f"adaptive_avg_pool{dims}d")(input, size)
    kind = f"upsample_{mode.replace('-', '_')}{dims}d"
    if dtype.kind in "iub" and not (dtype == np.uint8 and mode.startswith("nearest")):
        raise NotImplementedError(f"\"{kind}\" not implemented for '{dtypes.of(dtype).title}'")
    if mode.startswith("nearest"):
        real = dtype if dtype.kind == "f" else np.dtype(np.float32)
        exact = mode == "nearest-exact"
        index = tuple([ops.nearest_index(n, o, f, exact, real) for n, o, f in zip(spatial, size, factors)])
        return ops.take_pixels(input, index=index)
    build = ops.cubic_matrix if mode == "bicubic" else ops.linear_matrix
    if antialias:
        build = functools.partial(ops.smooth_matrix, cubic=mode == "bicubic")
    matrices = tuple([build(n, o, f, align, dtype) for n, o, f in zip(spatial, size, factors)])
    return called(ops.separable(input, matrices=matrices), f"Upsample{mode.capitalize()}{dims}DBackward0")


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """The old name of :func:`interpolate`, which says so in a warning."""
    _renamed("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def _renamed(name):
    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3)


def upsample_nearest(input, size=None, scale_factor=None):
    """:func:`interpolate` with ``mode='nearest'``."""
    _renamed("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """:func:`interpolate` with ``mode='bilinear'`` and ``align_corners=True``."""
    _renamed("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def _default_align(align_corners):
    if align_corners is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
            "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details.",
            stacklevel=3,
        )
    return bool(align_corners)


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """Values of ``input`` at the places that ``grid`` names.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (N, C, D, H, W)
    grid : Tensor, (N, H_out, W_out, 2) or (N, D_out, H_out, W_out, 3)
        Coordinates (x, y[, z]) from -1 to 1.
    mode : 'bilinear' (default), 'nearest' or 'bicubic' (two dimensions)
    padding_mode : 'zeros' (default), 'border' or 'reflection'
    align_corners : bool, default False
        Whether -1 and 1 are the centres of the corner pixels, not their outer edges.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> tl.nn.functional.grid_sample(x, tl.zeros(1, 1, 1, 2), align_corners=True)
    tensor([[[[2.5000]]]])
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    align = _default_align(align_corners)
    dims = len(input.shape) - 2
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[-1] != dims:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {dims} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}"
        )
    if dims not in (2, 3) or len(grid.shape) != dims + 2:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    for i, n in enumerate(input.shape):
        if i > 1 and n == 0:
            raise RuntimeError(
                f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {i} being empty"
            )
    if mode == "bicubic" and dims != 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input._data.dtype != grid._data.dtype:
        raise RuntimeError("grid_sampler(): expected input and grid to have same dtype")
    return ops.grid_sample(input, grid, mode, padding_mode, align)


def affine_grid(theta, size, align_corners=None):
    """The grid of an affine map, for :func:`grid_sample`.

    Parameters
    ----------
    theta : Tensor, (N, 2, 3) or (N, 3, 4)
    size : tuple of int, (N, C, H, W) or (N, C, D, H, W)
        Of the output.
    align_corners : bool, default False

    Returns
    -------
    Tensor, (N, H, W, 2) or (N, D, H, W, 3)

    Examples
    --------
    >>> import tensorlite as tl
    >>> theta = tl.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> tl.nn.functional.affine_grid(theta, (1, 1, 1, 2), align_corners=False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    align = _default_align(align_corners)
    dims, given = len(size) - 2, size
    size = tuple(size)
    if theta._data.dtype.kind != "f":
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if dims not in (2, 3):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {given}."
        )
    if tuple(theta.shape[1:]) != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {given}. Got {theta.shape}."
        )
    if align and 1 in size[2:]:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This is not "
            "an intended use case of affine_grid. See the documentation of affine_grid for details.",
            stacklevel=2,
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {given}")
    return ops.affine_grid(theta, size, align)
