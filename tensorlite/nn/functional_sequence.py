"""Functional forms of attention: ``scaled_dot_product_attention`` and ``multi_head_attention_forward``."""

import math
import warnings

import numpy as np

from ..creation import zeros
from ..dtypes import ShapeError
from ..engine import unwrap
from ..ops import shape as sh
from ..ops.activation import softmax
from ..ops.attention import attention
from ..ops.linalg import linear, matmul
from ..ops.random import dropout_mask

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
                                 enable_gqa=False):  # fmt: skip
    """``softmax(query key^T * scale + mask) value``, in one fused step.

    Parameters
    ----------
    query : Tensor of shape (N, ..., Hq, L, E)
    key : Tensor of shape (N, ..., H, S, E)
    value : Tensor of shape (N, ..., H, S, Ev)
    attn_mask : Tensor broadcastable to (N, ..., L, S), optional
        Bool: True takes part. Float: added to the scores.
    dropout_p : float, default 0
        Probability of dropping a weight. It applies always: pass 0 in evaluation.
    is_causal : bool, default False
        Query ``i`` sees keys ``0 .. i`` only; excludes ``attn_mask``.
    scale : float, default ``1 / sqrt(E)``
    enable_gqa : bool, default False
        Grouped queries: ``Hq`` may be a multiple of ``H``.

    Returns
    -------
    Tensor of shape (N, ..., Hq, L, Ev)
        A query whose keys are all masked gets 0.

    Raises
    ------
    RuntimeError
        If both ``attn_mask`` and ``is_causal`` are given, or shapes or dtypes do not fit.

    Notes
    -----
    A. Vaswani et al., "Attention is all you need", 2017, equation 1.

    Examples
    --------
    >>> import tensorlite as tl
    >>> q = k = v = tl.ones(1, 2, 3, 4)
    >>> tl.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).shape
    torch.Size([1, 2, 3, 4])
    """
    shapes = query.shape, key.shape, value.shape
    if min(len(s) for s in shapes) < 2:
        raise RuntimeError(
            "scaled_dot_product_attention: Expected query, key, and value to all be at least 2 dimensional, but got "
            f"query.dim: {len(shapes[0])}, key.dim: {len(shapes[1])} and value.dim: {len(shapes[2])} instead."
        )
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{query.dtype} key.dtype: {key.dtype} and value.dtype: {value.dtype} instead."
        )
    if attn_mask is not None:
        if is_causal:
            raise RuntimeError("scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
        if attn_mask.dtype not in (_BOOL, query.dtype):
            raise RuntimeError(
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{attn_mask.dtype} and  query.dtype: {query.dtype} instead."
            )
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]:
        raise ShapeError(
            "scaled_dot_product_attention: query and key must agree in their last dimension, key and value in the one "
            f"before, but got query {list(shapes[0])}, key {list(shapes[1])}, value {list(shapes[2])}"
        )
    heads = shapes[0][-3:-2]
    grouped = enable_gqa and heads != shapes[1][-3:-2]
    if grouped:  # the heads of a group stand beside each other and share one key and value
        query, key, value, attn_mask = _group(query, key, value, attn_mask)
    scale = 1 / math.sqrt(shapes[0][-1]) if scale is None else float(scale)
    drop = None
    if dropout_p > 0:
        lead = np.broadcast_shapes(query.shape[:-2], key.shape[:-2])
        drop = dropout_mask((*lead, query.shape[-2], key.shape[-2]), dropout_p, query._data.dtype)
    try:
        out = attention(query, key, value, attn_mask, drop, scale=scale, causal=bool(is_causal))[0]
    except ShapeError:
        scores = (*query.shape[:-1], key.shape[-2])
        _check_broadcast(query.shape[:-2], key.shape[:-2])
        _check_broadcast(query.shape[:-2], value.shape[:-2])
        if attn_mask is not None:
            _check_broadcast(scores, attn_mask.shape)
        raise
    out.__dict__["_fixed"] = True  # (..., L, heads, E) in memory, as PyTorch's: joining the heads copies nothing
    if grouped:
        out = sh.reshape(out, shape=(*out.shape[:-4], *heads, *out.shape[-2:]))
    return out


def _check_broadcast(a, b):
    n = max(len(a), len(b))
    for d in reversed(range(n)):
        i, j = (s[d - n] if n - d <= len(s) else 1 for s in (a, b))
        if i != j and 1 not in (i, j):
            raise ShapeError(
                f"The size of tensor a ({i}) must match the size of tensor b ({j}) at non-singleton dimension {d}"
            ) from None


_BOOL = zeros(0).bool().dtype


def _group(query, key, value, mask):
    heads, few = query.shape[-3], key.shape[-3]
    if query.dim() < 4 or heads % few or value.shape[-3] != few:
        raise RuntimeError(
            "scaled_dot_product_attention: with enable_gqa the number of heads of key and value must divide the number "
            f"of heads of query, but got query {list(query.shape)}, key {list(key.shape)}, value {list(value.shape)}"
        )
    split = lambda t: sh.reshape(t, shape=(*t.shape[:-3], few, heads // few, *t.shape[-2:]))
    if mask is not None and mask.dim() > 2:
        mask = split(mask) if mask.shape[-3] == heads else sh.expand_dims(mask, dim=-3)
    return split(query), sh.expand_dims(key, dim=-3), sh.expand_dims(value, dim=-3), mask


# -- several heads ---------------------------------------------------------------------------------


def _canonical_mask(mask, mask_name, other_type, other_name, target_type, check_other=True):
    """A mask as floats that are added: -inf where a bool mask is True."""
    if mask is None:
        return None
    floating = mask.is_floating_point()
    if mask.dtype != _BOOL and not floating:
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=3,
        )
    if floating:
        return mask
    return zeros(mask.shape, dtype=target_type).masked_fill(mask, -math.inf)


def _none_or_dtype(input):
    return None if input is None else input.dtype


def _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads):
    """Whether there is a batch; refuses what does not fit, in PyTorch's words."""
    if query.dim() not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D query tensor"
        )
    batched = query.dim() == 3
    kind, dims = ("batched (3-D)", 3) if batched else ("unbatched (2-D)", 2)
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {dims}-D but found {key.dim()}-D and {value.dim()}-D "
            "tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != dims - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {dims - 1}-D but found "
            f"{key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(
                f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor "
                "instead"
            )
        expected = (num_heads, query.shape[0], key.shape[0])
        if not batched and attn_mask.dim() == 3 and tuple(attn_mask.shape) != expected:
            raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {attn_mask.shape}")
    return batched


def _pad_last(mask):
    """One more key, not masked."""
    return sh.cat(mask, zeros((*mask.shape[:-1], 1), dtype=mask.dtype), dim=-1)


def _project(query, key, value, weight, bias, separate):
    """The projections of query, key and value; as few matrix products as the arguments allow."""
    e = query.shape[-1]
    if separate is None:
        if query is key and key is value:
            return sh.split_with_sizes(linear(query, weight, bias), sizes=(e, e, e), dim=-1)
        if key is value:
            w_q, w_kv = sh.split_with_sizes(weight, sizes=(e, 2 * e), dim=0)
            b_q, b_kv = (None, None) if bias is None else sh.split_with_sizes(bias, sizes=(e, 2 * e), dim=0)
            return linear(query, w_q, b_q), *sh.split_with_sizes(linear(key, w_kv, b_kv), sizes=(e, e), dim=-1)
        separate = sh.split_with_sizes(weight, sizes=(e, e, e), dim=0)
    biases = (None,) * 3 if bias is None else sh.split_with_sizes(bias, sizes=(e, e, e), dim=0)
    return [linear(x, w, b) for x, w, b in zip((query, key, value), separate, biases)]


def attend(query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
           dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True,
           attn_mask=None, separate=None, static_k=None, static_v=None, average_attn_weights=True, is_causal=False,
           batch_first=False):  # fmt: skip
    """Multi-head attention on (L, N, E), or (N, L, E) with ``batch_first``; see :func:`multi_head_attention_forward`."""
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        batch_first = False
        same_q, same_k = query is key, key is value
        value = sh.expand_dims(value, dim=1)
        key = value if same_k else sh.expand_dims(key, dim=1)
        query = key if same_q else sh.expand_dims(query, dim=1)
        key_padding_mask = None if key_padding_mask is None else sh.expand_dims(key_padding_mask, dim=0)
    time, batch_dim = (1, 0) if batch_first else (0, 1)
    embed, length, batch = query.shape[2], query.shape[time], query.shape[batch_dim]
    key_padding_mask = _canonical_mask(
        key_padding_mask, "key_padding_mask", _none_or_dtype(attn_mask), "attn_mask", query.dtype
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)
        is_causal = is_causal and key_padding_mask is None
    if embed != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed}")
    width = embed // num_heads
    if width * num_heads != embed:
        raise AssertionError(f"embed_dim {embed} not divisible by num_heads {num_heads}")
    if separate is not None and key.shape[:2] != value.shape[:2]:
        raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}")
    if separate is None and key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
    keys = key.shape[time]
    if attn_mask is not None:
        expected = (length, keys) if attn_mask.dim() == 2 else (batch * num_heads, length, keys)
        if tuple(attn_mask.shape) != expected:
            raise RuntimeError(
                f"The shape of the {attn_mask.dim()}D attn_mask is {attn_mask.shape}, but should be {expected}."
            )
    q, k, v = _project(query, key, value, in_proj_weight, in_proj_bias, separate)
    extra = 0
    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v are given together, or neither of them")
    if bias_k is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key or value.")
        ones = np.ones((batch, 1, 1) if batch_first else (1, batch, 1), unwrap(k).dtype)
        k, v = sh.cat(k, bias_k * ones, dim=time), sh.cat(v, bias_v * ones, dim=time)
        extra += 1

    def heads(t):  # (L, N, E) or (N, L, E) -> (N, heads, L, width)
        t = sh.reshape(t, shape=(*t.shape[:2], num_heads, width))
        return sh.permute(t, dims=(0, 2, 1, 3) if batch_first else (1, 2, 0, 3))

    def static(t, name):
        if t.shape[0] != batch * num_heads:
            raise AssertionError(f"expecting {name}.size(0) of {batch * num_heads}, but got {t.shape[0]}")
        if t.shape[2] != width:
            raise AssertionError(f"expecting {name}.size(2) of {width}, but got {t.shape[2]}")
        return sh.reshape(t, shape=(batch, num_heads, *t.shape[1:]))

    q = heads(q)
    k = heads(k) if static_k is None else static(static_k, "static_k")
    v = heads(v) if static_v is None else static(static_v, "static_v")
    if add_zero_attn:
        blank = np.zeros((batch, num_heads, 1, width), unwrap(k).dtype)
        k, v = sh.cat(k, blank, dim=2), sh.cat(v, blank, dim=2)
        extra += 1
    for _ in range(extra):
        attn_mask = None if attn_mask is None else _pad_last(attn_mask)
        key_padding_mask = None if key_padding_mask is None else _pad_last(key_padding_mask)
    mask = None
    if attn_mask is not None:
        mask = attn_mask
        if mask.dim() == 3:
            mask = sh.reshape(mask, shape=(batch, num_heads, *mask.shape[1:]))
    if key_padding_mask is not None:
        expected = (batch, k.shape[2])
        for i in (0, 1):
            if key_padding_mask.shape[i] != expected[i]:
                raise AssertionError(
                    f"Expected key_padded_mask.shape[{i}] to be {expected[i]}, but got {key_padding_mask.shape[i]}"
                )
        padding = sh.reshape(key_padding_mask, shape=(batch, 1, 1, -1))
        mask = padding if mask is None else mask + padding
    p = dropout_p if training else 0.0
    weights = None
    if need_weights:
        scores = matmul(q * math.sqrt(1.0 / width), sh.mT(k))
        weights = softmax(scores if mask is None else scores + mask, dim=-1)
        if p > 0.0:
            weights = weights * dropout_mask(weights.shape, p, weights._data.dtype)
        out = matmul(weights, v)
    else:
        out = scaled_dot_product_attention(q, k, v, mask, p, is_causal)
    out = sh.reshape(sh.permute(out, dims=(2, 0, 1, 3)), shape=(length, batch, embed))
    out = linear(out, out_proj_weight, out_proj_bias)
    if batch_first:  # as PyTorch's: (L, N, E) in memory, the order in which a dropout that follows draws its mask
        out = sh.swapaxes(out, dim0=0, dim1=1)
    if need_weights and average_attn_weights:
        weights = weights.mean(dim=1)
    if not batched:
        out = sh.reshape(out, shape=(length, out.shape[2]))
        weights = None if weights is None else sh.reshape(weights, shape=weights.shape[1:])
    return out, weights


def multi_head_attention_forward(query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k,
                                 bias_v, add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, training=True,
                                 key_padding_mask=None, need_weights=True, attn_mask=None, use_separate_proj_weight=False,
                                 q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None, static_v=None,
                                 average_attn_weights=True, is_causal=False):  # fmt: skip
    """Attention with several heads: project, attend per head, join, project.

    Parameters
    ----------
    query, key, value : Tensor of shape (L, N, E), (S, N, E), (S, N, E); without N for one sequence
    embed_dim_to_check : int
        E, to be compared with the shape of ``query``.
    num_heads : int
    in_proj_weight, in_proj_bias : Tensor of shape (3 E, E) and (3 E,), or None
    bias_k, bias_v : Tensor of shape (1, 1, E), or None
        One more key and value.
    add_zero_attn : bool
        One more key and value of zeros.
    dropout_p : float
        Of the attention weights, while ``training``.
    out_proj_weight, out_proj_bias : Tensor of shape (E, E) and (E,)
    training : bool, default True
    key_padding_mask : Tensor of shape (N, S), optional
        Bool: True is ignored. Float: added to the scores.
    need_weights : bool, default True
        Return the weights too; the fused kernel serves False.
    attn_mask : Tensor of shape (L, S) or (N * heads, L, S), optional
        Bool: True is not allowed. Float: added to the scores.
    use_separate_proj_weight : bool, default False
        Use ``q_proj_weight`` (E, E), ``k_proj_weight`` (E, kdim) and ``v_proj_weight`` (E, vdim).
    static_k, static_v : Tensor of shape (N * heads, S, E / heads), optional
        Instead of the projected key and value.
    average_attn_weights : bool, default True
        Average the weights over the heads.
    is_causal : bool, default False
        A hint that ``attn_mask`` is the causal one.

    Returns
    -------
    output : Tensor of shape (L, N, E)
    weights : Tensor of shape (N, L, S), (N, heads, L, S) if not averaged, or None

    Examples
    --------
    >>> import tensorlite as tl
    >>> x, eye = tl.ones(3, 1, 4), tl.eye(4)
    >>> out, weights = tl.nn.functional.multi_head_attention_forward(
    ...     x, x, x, 4, 2, tl.cat([eye, eye, eye]), None, None, None, False, 0.0, eye, None)
    >>> weights.shape
    torch.Size([1, 3, 3])
    """
    separate = None
    if use_separate_proj_weight:
        separate = q_proj_weight, k_proj_weight, v_proj_weight
        for name, weight in zip("qkv", separate):
            if weight is None:
                raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
    elif in_proj_weight is None:
        raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
    return attend(query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v,
                  add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, training, key_padding_mask, need_weights,
                  attn_mask, separate, static_k, static_v, average_attn_weights, is_causal)  # fmt: skip
