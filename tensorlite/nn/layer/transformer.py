"""Transformer layers, stacks of them, and the whole encoder-decoder (A. Vaswani et al. 2017)."""

import copy
import warnings

import numpy as np

from ... import engine
from ..._device import check_device
from ...dtypes import get_default_dtype
from ...engine import wrap
from .. import init
from ..container import ModuleList
from ..functional_activation import gelu, relu
from ..functional_sequence import _canonical_mask, _none_or_dtype
from ..module import Module
from .attention import MultiheadAttention
from .dense import Linear
from .dropout import Dropout
from .norm import LayerNorm

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
]  # fmt: skip


def _generate_square_subsequent_mask(sz, device=None, dtype=None):
    check_device(device)
    d = (dtype or get_default_dtype()).numpy
    return wrap(np.triu(np.full((sz, sz), -np.inf, d), 1))


def _get_clones(module, N):
    return ModuleList([copy.deepcopy(module) for _ in range(N)])


def _get_activation_fn(activation):
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return relu if activation == "relu" else gelu


def _is_causal(mask, hint, x, batch_first):
    """Whether ``mask`` is the causal one: as the caller says, or else found by looking."""
    if hint is not None or mask is None:
        return hint is True
    size = x.shape[0] if x.dim() == 2 else x.shape[1 if batch_first else 0]
    return tuple(mask.shape) == (size, size) and bool(np.all(mask._data == np.triu(np.full((size, size), -np.inf), 1)))


class _Layer(Module):
    """The feed-forward part that encoder and decoder layers share."""

    def __init__(self, attentions, d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
                 norm_first, bias, device, dtype):  # fmt: skip
        place = dict(device=device, dtype=dtype)
        super().__init__()
        for name in attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first,
                                                   **place))  # fmt: skip
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **place)
        self.norm_first = norm_first
        count = len(attentions) + 1
        for i in range(1, count + 1):
            setattr(self, f"norm{i}", LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place))
        for i in range(1, count + 1):
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _get_activation_fn(activation)

    def _add(self, x, part, norm):
        """A residual connection around ``part``, normalised before or after."""
        return x + part(norm(x)) if self.norm_first else norm(x + part(x))

    def _attend(self, attention, dropout, x, memory, mask, padding, is_causal):
        out = attention(x, memory, memory, attn_mask=mask, key_padding_mask=padding, need_weights=False,
                        is_causal=is_causal)[0]  # fmt: skip
        return dropout(out)

    def _feed_forward(self, x, dropout):
        return dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoderLayer(_Layer):
    """Self-attention, then two dense layers, each with a residual connection and a layer norm.

    Parameters
    ----------
    d_model, nhead : int
        Width of the sequence and number of heads.
    dim_feedforward : int, default 2048
    dropout : float, default 0.1
    activation : {'relu', 'gelu'} or callable, default relu
    layer_norm_eps : float, default 1e-5
    batch_first : bool, default False
        Sequences are (N, L, d_model) instead of (L, N, d_model).
    norm_first : bool, default False
        Normalise before each part instead of after it.
    bias : bool, default True
    device, dtype : optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(tl.ones(4, 3, 8)).shape
    torch.Size([4, 3, 8])
    """

    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=relu, layer_norm_eps=1e-5,
                 batch_first=False, norm_first=False, bias=True, device=None, dtype=None):  # fmt: skip
        super().__init__(["self_attn"], d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
                         batch_first, norm_first, bias, device, dtype)  # fmt: skip

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        """``src`` (L, N, d_model), masks as for :class:`MultiheadAttention`; a Tensor of the same shape."""
        padding = _canonical_mask(
            src_key_padding_mask, "src_key_padding_mask", _none_or_dtype(src_mask), "src_mask", src.dtype
        )
        mask = _canonical_mask(src_mask, "src_mask", None, "", src.dtype, check_other=False)
        attend = lambda x: self._attend(self.self_attn, self.dropout1, x, x, mask, padding, is_causal)
        x = self._add(src, attend, self.norm1)
        return self._add(x, lambda x: self._feed_forward(x, self.dropout2), self.norm2)


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to ``memory``, then two dense layers; see :class:`TransformerEncoderLayer`.

    Parameters
    ----------
    d_model, nhead : int
    dim_feedforward : int, default 2048
    dropout : float, default 0.1
    activation : {'relu', 'gelu'} or callable, default relu
    layer_norm_eps : float, default 1e-5
    batch_first : bool, default False
    norm_first : bool, default False
    bias : bool, default True
    device, dtype : optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.TransformerDecoderLayer(d_model=8, nhead=2, dim_feedforward=16)
    >>> layer(tl.ones(5, 4, 8), tl.ones(3, 4, 8)).shape
    torch.Size([5, 4, 8])
    """

    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=relu, layer_norm_eps=1e-5,
                 batch_first=False, norm_first=False, bias=True, device=None, dtype=None):  # fmt: skip
        super().__init__(["self_attn", "multihead_attn"], d_model, nhead, dim_feedforward, dropout, activation,
                         layer_norm_eps, batch_first, norm_first, bias, device, dtype)  # fmt: skip

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False):  # fmt: skip
        """``tgt`` (L, N, d_model) and ``memory`` (S, N, d_model); a Tensor shaped as ``tgt``."""
        own = lambda x: self._attend(self.self_attn, self.dropout1, x, x, tgt_mask,
                                     tgt_key_padding_mask, tgt_is_causal)  # fmt: skip
        other = lambda x: self._attend(self.multihead_attn, self.dropout2, x, memory, memory_mask,
                                       memory_key_padding_mask, memory_is_causal)  # fmt: skip
        x = self._add(tgt, own, self.norm1)
        x = self._add(x, other, self.norm2)
        return self._add(x, lambda x: self._feed_forward(x, self.dropout3), self.norm3)


class TransformerEncoder(Module):
    """A stack of copies of one encoder layer.

    Parameters
    ----------
    encoder_layer : TransformerEncoderLayer
        Copied ``num_layers`` times, with its present weights.
    num_layers : int
    norm : Module, optional
        Applied to the output of the last layer.
    enable_nested_tensor : bool, default True
        There are no nested tensors here and no time to be saved by them. Their visible effect is kept: in evaluation,
        without gradients and with a padding mask only, the last layer's output is 0 at padded places.
    mask_check : bool, default True
        Whether that needs padding at the end of every sequence.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> tl.nn.TransformerEncoder(layer, num_layers=2)(tl.ones(4, 3, 8)).shape
    torch.Size([4, 3, 8])
    """

    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        super().__init__()
        self.layers = _get_clones(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        why = _not_nested(encoder_layer)
        self.use_nested_tensor = enable_nested_tensor and not why
        if enable_nested_tensor and why:
            warnings.warn(
                f"enable_nested_tensor is True, but self.use_nested_tensor is False because {why}", stacklevel=2
            )

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        """``src`` through all layers; masks as for :class:`MultiheadAttention`."""
        padding = _canonical_mask(src_key_padding_mask, "src_key_padding_mask", _none_or_dtype(mask), "mask", src.dtype)
        mask = _canonical_mask(mask, "mask", None, "", src.dtype, check_other=False)
        first = self.layers[0]
        attention = getattr(first, "self_attn", None)
        is_causal = _is_causal(mask, is_causal, src, getattr(attention, "batch_first", False))
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, is_causal=is_causal, src_key_padding_mask=padding)
        if padding is not None and mask is None and self._drops_padding(first, src, padding):
            x = x.masked_fill(wrap(padding._data != 0)[..., None], 0.0)
        return x if self.norm is None else self.norm(x)

    def _drops_padding(self, first, src, padding):
        if not self.use_nested_tensor or first.training or src.dim() != 3:
            return False
        if engine.state.mode & engine.RECORDING and any(t.requires_grad for t in (src, *first.parameters())):
            return False
        kept = padding._data == 0
        return not self.mask_check or bool(np.all(kept[:, :-1] >= kept[:, 1:]))


def _not_nested(layer):
    """Why PyTorch would not use nested tensors for this layer; '' where it would."""
    if not isinstance(layer, TransformerEncoderLayer):
        return "encoder_layer was not TransformerEncoderLayer"
    if layer.norm_first:
        return "encoder_layer.norm_first was True"
    if not layer.self_attn.batch_first:
        return "encoder_layer.self_attn.batch_first was not True(use batch_first for better inference performance)"
    if not layer.self_attn._qkv_same_embed_dim:
        return "encoder_layer.self_attn._qkv_same_embed_dim was not True"
    if layer.self_attn.in_proj_bias is None:
        return "encoder_layer.self_attn was passed bias=False"
    if layer.activation not in (relu, gelu) and type(layer.activation).__name__ not in ("ReLU", "GELU"):
        return "encoder_layer.activation_relu_or_gelu was not True"
    if layer.norm1.eps != layer.norm2.eps:
        return "encoder_layer.norm1.eps was not equal to encoder_layer.norm2.eps"
    if layer.self_attn.num_heads % 2 == 1:
        return "encoder_layer.self_attn.num_heads is odd"
    return ""


class TransformerDecoder(Module):
    """A stack of copies of one decoder layer.

    Parameters
    ----------
    decoder_layer : TransformerDecoderLayer
        Copied ``num_layers`` times, with its present weights.
    num_layers : int
    norm : Module, optional
        Applied to the output of the last layer.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.TransformerDecoderLayer(d_model=8, nhead=2, dim_feedforward=16)
    >>> tl.nn.TransformerDecoder(layer, num_layers=2)(tl.ones(5, 4, 8), tl.ones(3, 4, 8)).shape
    torch.Size([5, 4, 8])
    """

    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers = _get_clones(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=None, memory_is_causal=False):  # fmt: skip
        """``tgt`` through all layers, each attending to ``memory``."""
        batch_first = getattr(getattr(self.layers[0], "self_attn", None), "batch_first", False)
        tgt_is_causal = _is_causal(tgt_mask, tgt_is_causal, tgt, batch_first)
        x = tgt
        for layer in self.layers:
            x = layer(x, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
                      memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
                      memory_is_causal=memory_is_causal)  # fmt: skip
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """An encoder and a decoder.

    Parameters
    ----------
    d_model : int, default 512
    nhead : int, default 8
    num_encoder_layers, num_decoder_layers : int, default 6
    dim_feedforward : int, default 2048
    dropout : float, default 0.1
    activation : {'relu', 'gelu'} or callable, default relu
    custom_encoder, custom_decoder : Module, optional
    layer_norm_eps : float, default 1e-5
    batch_first : bool, default False
    norm_first : bool, default False
    bias : bool, default True
    device, dtype : optional

    Examples
    --------
    >>> import tensorlite as tl
    >>> model = tl.nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    >>> model(tl.ones(4, 3, 8), tl.ones(4, 5, 8)).shape
    torch.Size([4, 5, 8])
    """

    def __init__(self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048,
                 dropout=0.1, activation=relu, custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5,
                 batch_first=False, norm_first=False, bias=True, device=None, dtype=None):  # fmt: skip
        super().__init__()
        place = dict(device=device, dtype=dtype)
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        norm = lambda: LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        if custom_encoder is None:
            custom_encoder = TransformerEncoder(TransformerEncoderLayer(*options, **place), num_encoder_layers, norm())
        self.encoder = custom_encoder
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(TransformerDecoderLayer(*options, **place), num_decoder_layers, norm())
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self):
        for p in self.parameters():
            if p.dim() > 1:
                init.xavier_uniform_(p)

    def forward(self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None, src_key_padding_mask=None,
                tgt_key_padding_mask=None, memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None,
                memory_is_causal=False):  # fmt: skip
        """``src`` (S, N, d_model) and ``tgt`` (L, N, d_model); a Tensor shaped as ``tgt``."""
        batch_dim = 0 if self.batch_first else 1
        if src.dim() == 3 and src.shape[batch_dim] != tgt.shape[batch_dim]:
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                            tgt_key_padding_mask=tgt_key_padding_mask,
                            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
                            memory_is_causal=memory_is_causal)  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        """The causal mask of shape (sz, sz): -inf above the diagonal, 0 elsewhere.

        Examples
        --------
        >>> import tensorlite as tl
        >>> tl.nn.Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        return _generate_square_subsequent_mask(sz, device, dtype)
