"""Dense layers, dropout, embeddings, distances and shuffles as functions."""

import math
import warnings

import numpy as np

from .. import dtypes
from .._device import Size
from ..engine import RECORDING, broadcast_to, state, touch, unwrap, wrap
from ..engine import inplace as _inplace
from ..engine.plan import called
from ..functions._common import spelled, tensor_arg
from ..mistakes.evaluation import noted
from ..ops import elementwise as ew
from ..ops import embedding as emb
from ..ops import random
from ..ops import reduction as red
from ..ops.indexing import take_index
from ..ops.linalg import linear, matmul
from ..ops.shape import broadcast_shape, expand_dims, permute, reshape

__all__ = [
    "alpha_dropout", "bilinear", "channel_shuffle", "cosine_similarity", "dropout", "dropout1d", "dropout2d", "dropout3d",
    "embedding", "embedding_bag", "feature_alpha_dropout", "linear", "native_channel_shuffle", "normalize", "one_hot",
    "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle",
]  # fmt: skip


def bilinear(input1, input2, weight, bias=None):
    """``input1 @ weight[k] @ input2 + bias[k]`` for each output ``k``; ``weight`` is (out, in1, in2)."""
    a, b, w = unwrap(input1), unwrap(input2), unwrap(weight)
    if a.shape[:-1] != b.shape[:-1]:
        raise RuntimeError(f"bilinear(): input batch dimensions do not match: got {list(a.shape)} and {list(b.shape)}")
    if a.shape[-1:] != w.shape[1:2] or b.shape[-1:] != w.shape[2:]:
        raise RuntimeError(
            f"bilinear(): input sizes do not match weight size: got {a.shape[-1]} and {b.shape[-1]} but expected "
            f"{w.shape[1]} and {w.shape[2]}"
        )
    out, n1, n2 = w.shape
    flat = reshape(permute(weight, dims=(1, 0, 2)), shape=(n1, out * n2))
    mixed = reshape(matmul(input1, flat), shape=(*a.shape[:-1], out, n2))
    result = red.sum(mixed * expand_dims(input2, dim=-2), dim=-1)
    return result if bias is None else result + bias


# -- dropout ---------------------------------------------------------------------------------------


def _check_p(p):
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _times(input, mask, inplace):
    return _inplace(ew.mul, input, mask) if inplace else ew.mul(input, mask)


def dropout(input, p=0.5, training=True, inplace=False):
    """Zero elements with probability ``p`` and scale the others by ``1 / (1 - p)``.

    Parameters
    ----------
    input : Tensor
    p : float, default 0.5
    training : bool, default True
        Without it the input is returned as it is.
    inplace : bool

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.nn.functional.dropout(tl.ones(4), 0.5).sum().item() in (0.0, 2.0, 4.0, 6.0, 8.0)
    True
    """
    _check_p(p)
    tensor_arg(input, "input", "dropout")
    if p == 0 or not training:
        return input
    if input._data.dtype.kind not in "fc":
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {dtypes.of(input._data.dtype).title}"
        )
    if not state.mode & RECORDING:
        noted("dropout", input)
    return _times(input, _drawn_in_memory_order(input, p), inplace)


def _drawn_in_memory_order(input, p):
    """A dropout mask for ``input``; for a view with other strides than C order's, PyTorch draws in memory order."""
    x = input._data
    if not random.scattered(input):
        return random.dropout_mask(x.shape, p, x.dtype)
    order = sorted(range(x.ndim), key=lambda d: -x.strides[d])
    mask = random.dropout_mask(tuple([x.shape[d] for d in order]), p, x.dtype)
    return mask.transpose([order.index(d) for d in range(x.ndim)])


def _feature_dropout(input, p, training, inplace):
    """Whole channels at once."""
    if p == 0 or not training or not input._data.size:
        return input
    if not state.mode & RECORDING:
        noted("dropout", input)
    shape = input._data.shape
    if len(shape) < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return _times(input, random.dropout_mask(shape[:2] + (1,) * (len(shape) - 2), p, input._data.dtype), inplace)


def _batched(input, p, training, inplace, batched):
    """:func:`_feature_dropout`, also of one sample without a batch dimension."""
    if batched:
        return _feature_dropout(input, p, training, inplace)
    if p == 0 or not training or not input._data.size:
        return input
    shape = input._data.shape
    return _times(input, random.dropout_mask(shape[:1] + (1,) * (len(shape) - 1), p, input._data.dtype), inplace)


def dropout1d(input, p=0.5, training=True, inplace=False):
    """Zero whole channels of ``(N, C, L)`` or ``(C, L)`` with probability ``p``."""
    _check_p(p)
    n = input._data.ndim
    if n not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {n}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension "
            "(i.e. 2D or 3D inputs)."
        )
    return _batched(input, p, training, inplace, n == 3)


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Zero whole channels of ``(N, C, H, W)`` with probability ``p``; ``(N, C, L)`` is read as a batch too."""
    _check_p(p)
    n = input._data.ndim
    if n not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {n}-D input to dropout2d, which is deprecated and will result in an error in a future "
            "release. To retain the behavior and silence this warning, please use dropout instead. Note that dropout2d "
            "exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a channel dimension, and an "
            "optional batch dimension (i.e. 3D or 4D inputs).", stacklevel=2)  # fmt: skip
    if n == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - "
            "input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a future "
            "release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D "
            "channel-wise dropout behavior, please switch to using dropout1d instead.", stacklevel=2)  # fmt: skip
    return _feature_dropout(input, p, training, inplace)


def dropout3d(input, p=0.5, training=True, inplace=False):
    """Zero whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` with probability ``p``."""
    _check_p(p)
    n = input._data.ndim
    if n not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {n}-D input to dropout3d, which is deprecated and will result in an error in a future "
            "release. To retain the behavior and silence this warning, please use dropout instead. Note that dropout3d "
            "exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel dimension, and an "
            "optional batch dimension (i.e. 4D or 5D inputs).", stacklevel=2)  # fmt: skip
    return _batched(input, p, training, inplace, n != 4)


_ALPHA = 1.7580993408473766


def _alpha_dropout(input, p, training, inplace, shape):
    _check_p(p)
    if p == 0 or not training or not input._data.size:
        return input
    p, dtype = float(p), input._data.dtype
    if p == 1:
        return _times(input, np.zeros(shape, dtype), inplace)
    kept = random.generator_or_default(None).below(math.prod(shape), 1 - p).astype(dtype).reshape(shape)
    a = 1.0 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
    shift = (kept - 1) * (_ALPHA * a) + _ALPHA * a * p
    kept *= a
    if inplace:
        return _inplace(ew.add, _inplace(ew.mul, input, kept), shift)
    return ew.add(ew.mul(input, kept), shift)


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout that keeps mean 0 and variance 1 of self-normalizing networks (Klambauer et al. 2017)."""
    return _alpha_dropout(input, p, training, inplace, input._data.shape)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """:func:`alpha_dropout` of whole channels."""
    shape = input._data.shape
    if len(shape) < 2 and training and p:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return _alpha_dropout(input, p, training, inplace, shape[:2] + (1,) * (len(shape) - 2))


# -- embeddings ------------------------------------------------------------------------------------


def _indices(input, rows, bag=False):
    """The indices of an embedding (``bag``: of an ``embedding_bag``), checked."""
    i = unwrap(input)
    if not isinstance(i, np.ndarray):
        i = np.asarray(i)
    if i.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{dtypes.of(i.dtype).typename} instead (while checking arguments for embedding); convert it with .long()"
        )
    if i.size and (i.view(np.uint64 if i.dtype == np.int64 else np.uint32) >= rows).any():
        outside = (i < 0) | (i >= rows)
        wrong = int(i[outside][0])
        if bag:
            at = int(np.flatnonzero(outside)[0])
            raise RuntimeError(f"Index {at} of input takes value {wrong} which is not in the valid range [0, {rows})")
        raise IndexError(f"index out of range in self: {wrong} is no row of a table of {rows} rows")
    return i


def _padding(padding_idx, rows):
    if padding_idx is None:
        return -1
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def _renorm(weight, index, max_norm, norm_type):
    """Scale the rows that are looked up down to ``max_norm``, in place, outside of the tape."""
    table = weight._data
    used = np.unique(index)
    rows = table[used]
    norms = np.linalg.norm(rows.astype(np.float64), ord=norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        table[used[long]] = rows[long] * (max_norm / (norms[long] + 1e-7))[:, None].astype(table.dtype)
        touch(weight)


def _no_sparse(sparse):
    if sparse:
        raise NotImplementedError("sparse gradients are not supported by tensorlite; use sparse=False")


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """Rows of ``weight`` by index.

    Parameters
    ----------
    input : Tensor of int64 or int32, any shape
    weight : Tensor, (rows, width)
    padding_idx : int, optional
        A row that gets no gradient.
    max_norm : float, optional
        Rows that are looked up and longer than this are scaled down in place.
    norm_type : float, default 2
    scale_grad_by_freq : bool
        Divide gradients by how often the row occurs in ``input``.
    sparse : bool
        Refused.

    Returns
    -------
    Tensor, (*input.shape, width)

    Raises
    ------
    IndexError
        For an index that is no row.
    """
    _no_sparse(sparse)
    tensor_arg(weight, "weight", "embedding")
    tensor_arg(input, "indices", "embedding", 2)
    if weight._data.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    rows = weight._data.shape[0]
    index = _indices(input, rows)
    padding_idx = _padding(padding_idx, rows)
    if max_norm is not None:
        _renorm(weight, index, max_norm, norm_type)
    return emb.embedding(weight, input, padding_idx=padding_idx, by_frequency=scale_grad_by_freq)


def embedding_bag(input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean",
                  sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None):  # fmt: skip
    """Sums, means or maxima of bags of rows of ``weight``.

    Parameters
    ----------
    input : Tensor of int64 or int32
        ``(B, n)``: a bag per row; or ``(n,)`` with ``offsets``.
    weight : Tensor, (rows, width)
    offsets : Tensor, (B,), optional
        Where each bag starts in a one-dimensional ``input``.
    mode : 'sum', 'mean' or 'max'
    per_sample_weights : Tensor of the shape of ``input``, optional
        Factors, with 'sum' only.
    include_last_offset : bool
        ``offsets`` has one more element: the end of the last bag.
    padding_idx : int, optional
        A row that does not count.

    Returns
    -------
    Tensor, (B, width)
    """
    _no_sparse(sparse)
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if scale_grad_by_freq and mode == "max":
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode='{mode}'). Please open a feature request on GitHub."
        )
    if unwrap(weight).dtype == np.int64 and unwrap(input).dtype.kind == "f":
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is "
            "deprecated, and should now be `embedding_bag(input, weight, ...)`.", stacklevel=2)  # fmt: skip
        input, weight = weight, input
    rows = weight._data.shape[0]
    index = _indices(input, rows, bag=True)
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, {-rows} through {rows - 1}, but got {padding_idx}"
        )
    if per_sample_weights is not None and per_sample_weights._data.shape != index.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
            f"same shape as the input ({Size(index.shape)})"
        )
    if per_sample_weights is not None and per_sample_weights._data.dtype != weight._data.dtype:
        kinds = " does not equal ".join(dtypes.of(t._data.dtype).typename for t in (weight, per_sample_weights))
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 'per_sample_weights'; "
            f"but type {kinds} (while checking arguments for embedding_bag)"
        )
    if index.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
                             f"length sequences. However, found offsets of type {type(offsets)}")  # fmt: skip
        bags = index.shape[0]
        bag = np.repeat(np.arange(bags), index.shape[1])
    elif index.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        starts = unwrap(offsets)
        if starts.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        if starts.dtype.kind not in "iu":
            raise RuntimeError("Expected offsets to have one of the following scalar types: Long, Int")
        if starts.size and starts[0] != 0:
            raise RuntimeError(f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
                             f"position 0. However, got {starts[0]}")  # fmt: skip
        if starts.size and starts[-1] > index.size:
            raise RuntimeError(f"offsets[-1] can not be greater than input's length {index.size} but got offsets[-1] of "
                               f"{starts[-1]}")  # fmt: skip
        if include_last_offset:
            starts = starts[:-1]
        bags = starts.size
        bag = np.searchsorted(starts, np.arange(index.size), side="right") - 1
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {index.ndim}")
    if max_norm is not None:
        _renorm(weight, index, max_norm, norm_type)
    flat = index.reshape(-1).copy()  # the tape keeps it; ``input`` may change
    factors = None if per_sample_weights is None else reshape(per_sample_weights, shape=(-1,))
    if padding_idx is not None:
        kept = np.flatnonzero(flat != _padding(padding_idx, rows))
        flat, bag = flat[kept], bag[kept]
        factors = None if factors is None else take_index(factors, index=(kept,))
    found = emb.embedding(weight, flat, by_frequency=scale_grad_by_freq)
    if factors is not None:
        found = found * expand_dims(factors, dim=1)
    result = _bag_max(found, bag, bags) if mode == "max" else emb.embedding_grad(found, bag, rows=bags)
    if mode == "mean":
        result = result / np.maximum(np.bincount(bag, minlength=bags), 1).astype(weight._data.dtype)[:, None]
    return called(result, "EmbeddingBagBackward0")


def _bag_max(found, bag, bags):
    """The maximum of each bag, 0 for an empty one."""
    values = unwrap(found)
    width = values.shape[1]
    where = np.zeros((bags, width), np.int64)
    filled = np.zeros((bags, 1), bool)
    for b in np.unique(bag):
        members = np.flatnonzero(bag == b)
        where[b] = members[np.argmax(values[members], axis=0)]
        filled[b] = True
    if not values.size:
        return red.sum(found) * np.zeros((bags, width), values.dtype)
    return ew.where(filled, take_index(found, index=(where, np.arange(width))), 0.0)


def one_hot(tensor, num_classes=-1):
    """Zeros with a one at each index, along a new last dimension.

    Parameters
    ----------
    tensor : Tensor of int64
    num_classes : int, default -1
        One more than the largest index.

    Returns
    -------
    Tensor of int64, (*tensor.shape, num_classes)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.functional.one_hot(tl.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    i = unwrap(tensor)
    if i.dtype != np.int64:
        raise RuntimeError(
            "one_hot is only applicable to index tensor of type LongTensor, but got "
            f"{dtypes.of(i.dtype).typename}; convert it with .long()"
        )
    if not i.size:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return wrap(np.zeros((*i.shape, num_classes), np.int64))
    if i.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(i.max()) + 1
    elif i.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap((i[..., None] == np.arange(num_classes)).astype(np.int64))


# -- distances -------------------------------------------------------------------------------------


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """The ``p``-norm of ``x1 - x2 + eps`` along the last dimension."""
    return red.vector_norm(x1 - x2 + eps, ord=p, dim=-1, keepdim=keepdim)


def pdist(input, p=2.0):
    """The ``p``-norm distances between all pairs of rows of an ``(N, M)`` tensor, the upper triangle by rows."""
    if unwrap(input).ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {unwrap(input).ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    i, j = np.triu_indices(unwrap(input).shape[0], 1)
    return red.vector_norm(take_index(input, index=(i,)) - take_index(input, index=(j,)), ord=p, dim=1)


def _at_least(norm, eps):
    """``norm``, raised to ``eps`` without a change of its gradient."""
    raw = unwrap(norm)
    return norm + np.maximum(eps - raw, 0).astype(raw.dtype)


@spelled
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))`` along ``dim``; the inputs broadcast."""
    shape = broadcast_shape(unwrap(x1).shape, unwrap(x2).shape)
    x1, x2 = [x if unwrap(x).shape == shape else broadcast_to(x, shape=shape) for x in (x1, x2)]
    n1 = _at_least(red.vector_norm(x1, dim=dim, keepdim=True), eps)
    n2 = _at_least(red.vector_norm(x2, dim=dim, keepdim=True), eps)
    return red.sum((x1 / n1) * (x2 / n2), dim=dim)


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """``input / max(norm, eps)``, with the ``p``-norm along ``dim``."""
    result = input / ew.clamp(red.vector_norm(input, ord=p, dim=dim, keepdim=True), eps, None)
    return result if out is None else out.copy_(result)


# -- shuffles --------------------------------------------------------------------------------------


def _check_image(name, x):
    if x.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {x.ndim} dimension(s)"
        )


def pixel_shuffle(input, upscale_factor):
    """``(*, C r^2, H, W)`` to ``(*, C, H r, W r)``: channels become pixels (Shi et al. 2016)."""
    x, r = unwrap(input), upscale_factor
    _check_image("pixel_shuffle", x)
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, c, h, w = x.shape
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
            f"input.size(-3)={c} is not divisible by {r * r}"
        )
    n = len(lead)
    parts = reshape(input, shape=(*lead, c // (r * r), r, r, h, w))
    moved = permute(parts, dims=(*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return called(reshape(moved, shape=(*lead, c // (r * r), h * r, w * r)), "PixelShuffleBackward0")


def pixel_unshuffle(input, downscale_factor):
    """``(*, C, H r, W r)`` to ``(*, C r^2, H, W)``: the inverse of :func:`pixel_shuffle`."""
    x, r = unwrap(input), downscale_factor
    _check_image("pixel_unshuffle", x)
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, c, h, w = x.shape
    for name, size, at in (("height", h, -2), ("width", w, -1)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({at})={size} is not "
                f"divisible by {r}"
            )
    n = len(lead)
    parts = reshape(input, shape=(*lead, c, h // r, r, w // r, r))
    moved = permute(parts, dims=(*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return called(reshape(moved, shape=(*lead, c * r * r, h // r, w // r)), "PixelUnshuffleBackward0")


def channel_shuffle(input, groups):
    """Interleave ``groups`` groups of channels (dimension 1), as ShuffleNet (Zhang et al. 2017)."""
    shape = unwrap(input).shape
    if len(shape) < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}")
    n, c, *rest = shape
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups.")
    parts = reshape(input, shape=(n, groups, c // groups, *rest))
    return reshape(permute(parts, dims=(0, 2, 1, *range(3, 3 + len(rest)))), shape=shape)


native_channel_shuffle = channel_shuffle
