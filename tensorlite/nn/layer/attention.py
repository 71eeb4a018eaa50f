"""Attention with several heads."""

from ...creation import empty
from .. import init
from ..functional_sequence import _canonical_mask, _none_or_dtype, attend
from ..module import Module
from ..parameter import Parameter
from .dense import NonDynamicallyQuantizableLinear

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention with several heads (A. Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.2.2).

    Parameters
    ----------
    embed_dim : int
        Width of the query and of the output; split evenly over the heads.
    num_heads : int
    dropout : float, default 0
        Of the attention weights, while training.
    bias : bool, default True
        Whether the projections have one.
    add_bias_kv : bool, default False
        Append a learned key and value to every sequence.
    add_zero_attn : bool, default False
        Append a key and value of zeros.
    kdim, vdim : int, default ``embed_dim``
        Widths of key and value.
    batch_first : bool, default False
        Sequences are (N, L, E) instead of (L, N, E).
    device, dtype : optional

    Raises
    ------
    ValueError
        If ``embed_dim`` or ``num_heads`` is not positive.
    AssertionError
        If ``num_heads`` does not divide ``embed_dim``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> attention = tl.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = tl.ones(1, 3, 8)
    >>> out, weights = attention(x, x, x)
    >>> out.shape, weights.shape
    (torch.Size([1, 3, 8]), torch.Size([1, 3, 3]))
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None,
                 vdim=None, batch_first=False, device=None, dtype=None):  # fmt: skip
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} "
                "instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        make = lambda *shape: Parameter(empty(shape, device=device, dtype=dtype))
        if self._qkv_same_embed_dim:
            self.in_proj_weight = make(3 * embed_dim, embed_dim)
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        else:
            self.q_proj_weight = make(embed_dim, embed_dim)
            self.k_proj_weight = make(embed_dim, self.kdim)
            self.v_proj_weight = make(embed_dim, self.vdim)
            self.register_parameter("in_proj_weight", None)
        self.register_parameter("in_proj_bias", make(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        if add_bias_kv:
            self.bias_k = make(1, 1, embed_dim)
            self.bias_v = make(1, 1, embed_dim)
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        if self._qkv_same_embed_dim:
            init.xavier_uniform_(self.in_proj_weight)
        else:
            for weight in (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        if self.bias_k is not None:
            init.xavier_normal_(self.bias_k)
            init.xavier_normal_(self.bias_v)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
                average_attn_weights=True, is_causal=False):  # fmt: skip
        """Attend.

        Parameters
        ----------
        query, key, value : Tensor of shape (L, N, E), (S, N, kdim), (S, N, vdim)
            With ``batch_first`` N comes first; without N for one sequence.
        key_padding_mask : Tensor of shape (N, S), or (S,), optional
            Bool: True is ignored. Float: added to the scores.
        need_weights : bool, default True
            Return the weights too; the fused kernel serves False.
        attn_mask : Tensor of shape (L, S) or (N * num_heads, L, S), optional
            Bool: True is not allowed. Float: added to the scores.
        average_attn_weights : bool, default True
            Average the weights over the heads.
        is_causal : bool, default False
            A hint that ``attn_mask`` is the causal one.

        Returns
        -------
        output : Tensor, shaped as the query
        weights : Tensor of shape (N, L, S), (N, num_heads, L, S) if not averaged, or None
        """
        key_padding_mask = _canonical_mask(
            key_padding_mask, "key_padding_mask", _none_or_dtype(attn_mask), "attn_mask", query.dtype
        )
        attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)
        separate = None
        if not self._qkv_same_embed_dim:
            separate = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        return attend(query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias,
                      self.bias_k, self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight,
                      self.out_proj.bias, self.training, key_padding_mask, need_weights, attn_mask, separate,
                      None, None, average_attn_weights, is_causal, self.batch_first)  # fmt: skip
