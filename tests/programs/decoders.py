"""Language models of today by hand: rotary embeddings and caches, selective scans, low-rank updates, kinds of attention."""

import inspect
import math
from dataclasses import dataclass

from . import program


@program
def rotary_decoder_scan_and_adapters(torch):
    F = torch.nn.functional
    nn = torch.nn
    torch.manual_seed(0)

    @dataclass
    class ModelArgs:
        dim: int = 16
        n_layers: int = 2
        n_heads: int = 4
        n_kv_heads: int | None = 2
        vocab_size: int = 20
        norm_eps: float = 1e-05
        max_batch_size: int = 3
        max_seq_len: int = 16

    class RMSNorm(torch.nn.Module):
        def __init__(self, dim: int, eps: float = 1e-06):
            super().__init__()
            self.eps = eps
            self.weight = nn.Parameter(torch.ones(dim))

        def _norm(self, x):
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

        def forward(self, x):
            return self._norm(x.float()).type_as(x) * self.weight

    def precompute_freqs_cis(dim, end, theta=10000.0):
        freqs = 1.0 / theta ** (torch.arange(0, dim, 2)[: dim // 2].float() / dim)
        t = torch.arange(end, device=freqs.device, dtype=torch.float32)
        return torch.polar(torch.ones_like(torch.outer(t, freqs)), torch.outer(t, freqs))

    def reshape_for_broadcast(f, x):
        ndim = x.ndim
        assert f.shape == (x.shape[1], x.shape[-1])
        return f.view(*[d if i == 1 or i == ndim - 1 else 1 for i, d in enumerate(x.shape)])

    def apply_rotary_emb(xq, xk, f):
        a = torch.view_as_complex(xq.float().reshape(*xq.shape[:-1], -1, 2))
        b = torch.view_as_complex(xk.float().reshape(*xk.shape[:-1], -1, 2))
        f = reshape_for_broadcast(f, a)
        return (torch.view_as_real(a * f).flatten(3).type_as(xq), torch.view_as_real(b * f).flatten(3).type_as(xk))

    def repeat_kv(x, n):
        bs, s, h, d = x.shape
        return x if n == 1 else x[:, :, :, None, :].expand(bs, s, h, n, d).reshape(bs, s, h * n, d)

    class Attention(nn.Module):
        def __init__(self, a):
            super().__init__()
            self.kv = a.n_heads if a.n_kv_heads is None else a.n_kv_heads
            self.h = a.n_heads
            self.d = a.dim // a.n_heads
            self.rep = self.h // self.kv
            self.wq, self.wk, self.wv, self.wo = (
                nn.Linear(a.dim, a.dim, bias=False),
                nn.Linear(a.dim, self.kv * self.d, bias=False),
                nn.Linear(a.dim, self.kv * self.d, bias=False),
                nn.Linear(a.dim, a.dim, bias=False),
            )
            self.cache_k = torch.zeros((a.max_batch_size, a.max_seq_len, self.kv, self.d))
            self.cache_v = torch.zeros((a.max_batch_size, a.max_seq_len, self.kv, self.d))

        def forward(self, x, start_pos, f, mask, cache=False):
            b, s, _ = x.shape
            q, k, v = (
                self.wq(x).view(b, s, self.h, self.d),
                self.wk(x).view(b, s, self.kv, self.d),
                self.wv(x).view(b, s, self.kv, self.d),
            )
            q, k = apply_rotary_emb(q, k, f)
            if cache:
                self.cache_k = self.cache_k.to(q)
                self.cache_k[:b, start_pos : start_pos + s] = k
                self.cache_v[:b, start_pos : start_pos + s] = v
                k, v = (self.cache_k[:b, : start_pos + s], self.cache_v[:b, : start_pos + s])
            k, v = (repeat_kv(k, self.rep).transpose(1, 2), repeat_kv(v, self.rep).transpose(1, 2))
            q = q.transpose(1, 2)
            sc = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(self.d)
            if mask is not None:
                sc = sc + mask
            return self.wo(
                torch.matmul(F.softmax(sc.float(), dim=-1).type_as(q), v).transpose(1, 2).contiguous().view(b, s, -1)
            )

    class Block(nn.Module):
        def __init__(self, i, a):
            super().__init__()
            self.attention = Attention(a)
            hd = 8 * ((int(2 * 4 * a.dim / 3) + 7) // 8)
            self.w1, self.w2, self.w3 = (
                nn.Linear(a.dim, hd, bias=False),
                nn.Linear(hd, a.dim, bias=False),
                nn.Linear(a.dim, hd, bias=False),
            )
            self.n1, self.n2 = (RMSNorm(a.dim, eps=a.norm_eps), RMSNorm(a.dim, eps=a.norm_eps))

        def forward(self, x, p, f, m, c):
            h = x + self.attention(self.n1(x), p, f, m, c)
            y = self.n2(h)
            return h + self.w2(F.silu(self.w1(y)) * self.w3(y))

    class Transformer(nn.Module):
        def __init__(self, a):
            super().__init__()
            self.params = a
            self.tok_embeddings = nn.Embedding(a.vocab_size, a.dim)
            self.layers = torch.nn.ModuleList()
            for i in range(a.n_layers):
                self.layers.append(Block(i, a))
            self.norm = RMSNorm(a.dim)
            self.output = nn.Linear(a.dim, a.vocab_size, bias=False)
            self.tok_embeddings.weight = self.output.weight
            self.register_buffer(
                "freqs_cis", precompute_freqs_cis(a.dim // a.n_heads, a.max_seq_len * 2), persistent=False
            )
            self.apply(self._init_weights)
            for pn, p in self.named_parameters():
                if pn.endswith(("w3.weight", "wo.weight")):
                    torch.nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * a.n_layers))

        def _init_weights(self, m):
            if isinstance(m, nn.Linear):
                torch.nn.init.normal_(m.weight, mean=0.0, std=0.2)

        def forward(self, tokens, start_pos=0, cache=False):
            b, s = tokens.shape
            h = self.tok_embeddings(tokens)
            f = self.freqs_cis[start_pos : start_pos + s]
            mask = None
            if s > 1:
                mask = torch.full((s, s), float("-inf"), device=tokens.device)
                mask = torch.triu(mask, diagonal=1)
                mask = torch.hstack([torch.zeros((s, start_pos)), mask]).type_as(h)
            for l in self.layers:
                h = l(h, start_pos, f, mask, cache)
            return self.output(self.norm(h)).float()

    def sample_top_p(probs, p):
        ps, pi = torch.sort(probs, dim=-1, descending=True)
        cs = torch.cumsum(ps, dim=-1)
        mask = cs - ps > p
        ps[mask] = 0.0
        ps.div_(ps.sum(dim=-1, keepdim=True))
        nt = torch.multinomial(ps, num_samples=1)
        return torch.gather(pi, -1, nt)

    m = Transformer(ModelArgs())
    pd = {pn: p for pn, p in m.named_parameters() if p.requires_grad}
    dec = [p for n, p in pd.items() if p.dim() >= 2]
    nod = [p for n, p in pd.items() if p.dim() < 2]
    fused = "fused" in inspect.signature(torch.optim.AdamW).parameters
    opt = torch.optim.AdamW(
        [{"params": dec, "weight_decay": 0.1}, {"params": nod, "weight_decay": 0.0}], lr=0.003, betas=(0.9, 0.95)
    )
    print(fused, len(pd), sum(p.numel() for p in dec))
    X = torch.randint(20, (3, 9))
    for i in range(4):
        l = m(X[:, :-1])
        loss = F.cross_entropy(l.view(-1, l.size(-1)), X[:, 1:].reshape(-1), ignore_index=-1)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        print(loss.item())

    @torch.inference_mode()
    def gen(prompt, n, temp=0.8, p=0.9):
        toks = torch.full((1, len(prompt) + n), 0, dtype=torch.long)
        toks[0, : len(prompt)] = torch.tensor(prompt, dtype=torch.long)
        prev = 0
        ttm = toks != 0
        for cur in range(len(prompt), toks.shape[1]):
            lg = m.forward(toks[:, prev:cur], prev, cache=True)
            nt = sample_top_p(torch.softmax(lg[:, -1] / temp, dim=-1), p).reshape(-1)
            nt = torch.where(ttm[:, cur], toks[:, cur], nt)
            toks[:, cur] = nt
            prev = cur
        return toks.tolist()

    print(gen([3, 5, 7], 6))
    m.eval()
    m(X)

    class MambaBlock(nn.Module):
        def __init__(self, d, n=4, k=3, dtr=2):
            super().__init__()
            self.d_in, self.n, self.dtr = (2 * d, n, dtr)
            self.in_proj = nn.Linear(d, 4 * d, bias=False)
            self.conv1d = nn.Conv1d(
                in_channels=2 * d, out_channels=2 * d, bias=True, kernel_size=k, groups=2 * d, padding=k - 1
            )
            self.x_proj = nn.Linear(2 * d, dtr + n * 2, bias=False)
            self.dt_proj = nn.Linear(dtr, 2 * d)
            A = torch.arange(1, n + 1).repeat(2 * d, 1)
            self.A_log = nn.Parameter(torch.log(A))
            self.D = nn.Parameter(torch.ones(2 * d))
            self.out_proj = nn.Linear(2 * d, d, bias=False)
            dt = torch.exp(torch.rand(2 * d) * (math.log(0.1) - math.log(0.001)) + math.log(0.001)).clamp(min=0.0001)
            inv = dt + torch.log(-torch.expm1(-dt))
            with torch.no_grad():
                self.dt_proj.bias.copy_(inv)
            self.A_log._no_weight_decay = True

        def forward(self, x):
            b, l, d = x.shape
            x, res = self.in_proj(x).split(split_size=[self.d_in, self.d_in], dim=-1)
            x = F.silu(self.conv1d(x.transpose(1, 2))[:, :, :l].transpose(1, 2))
            A = -torch.exp(self.A_log.float())
            dl, B, C = self.x_proj(x).split([self.dtr, self.n, self.n], dim=-1)
            dl = F.softplus(self.dt_proj(dl))
            dA = torch.exp(torch.einsum("bld,dn->bldn", dl, A))
            dBu = torch.einsum("bld,bln,bld->bldn", dl, B, x)
            h = torch.zeros((b, self.d_in, self.n), device=dA.device)
            ys = []
            for i in range(l):
                h = dA[:, i] * h + dBu[:, i]
                ys.append(torch.einsum("bdn,bn->bd", h, C[:, i, :]))
            y = torch.stack(ys, dim=1) + x * self.D
            dac = F.pad(dA[:, 1:], (0, 0, 0, 0, 0, 1)).flip(1).cumsum(1).exp().flip(1)
            return self.out_proj(y * F.silu(res)) + 0 * dac.mean()

    mb = MambaBlock(6)
    u = torch.randn(2, 7, 6)
    o = mb(u)
    o.square().mean().backward()
    print(o[0, -1], mb.A_log.grad.norm(), mb.dt_proj.bias.grad.norm(), getattr(mb.A_log, "_no_weight_decay", False))

    class LoRALinear(nn.Linear):
        def __init__(self, i, o, r=2, alpha=4, **kw):
            nn.Linear.__init__(self, i, o, **kw)
            self.lora_A, self.lora_B = (
                nn.Parameter(self.weight.new_zeros((r, i))),
                nn.Parameter(self.weight.new_zeros((o, r))),
            )
            self.scaling = alpha / r
            self.weight.requires_grad = False
            self.merged = False
            nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

        def train(self, mode: bool = True):
            nn.Linear.train(self, mode)
            if mode and self.merged:
                self.weight.data -= self.lora_B @ self.lora_A * self.scaling
                self.merged = False
            if not mode and (not self.merged):
                self.weight.data += self.lora_B @ self.lora_A * self.scaling
                self.merged = True
            return self

        def forward(self, x):
            r = F.linear(x, self.weight, bias=self.bias)
            return (
                r
                if self.merged
                else r + F.dropout(x, 0.0) @ self.lora_A.transpose(0, 1) @ self.lora_B.transpose(0, 1) * self.scaling
            )

    def mark(model):
        for n, p in model.named_parameters():
            if "lora_" not in n:
                p.requires_grad = False

    net = nn.Sequential(LoRALinear(4, 6), nn.ReLU(), LoRALinear(6, 2))
    mark(net)
    o = torch.optim.Adam(filter(lambda p: p.requires_grad, net.parameters()), lr=0.05)
    xx = torch.randn(5, 4)
    for _ in range(3):
        l = net(xx).pow(2).sum()
        o.zero_grad()
        l.backward()
        o.step()
        print(l)
    a = net(xx)
    net.eval()
    print(
        (net(xx) - a).abs().max() < 1e-05,
        net[0],
        {k: v.shape for k, v in net.state_dict().items() if "lora" in k},
        net[0].weight.grad,
    )

    def replace(m):
        for n, c in m.named_children():
            if isinstance(c, nn.Linear):
                new = nn.Linear(c.in_features, c.out_features, bias=c.bias is not None)
                new.load_state_dict(c.state_dict(), strict=False)
                setattr(m, n, new)
            else:
                replace(c)

    replace(net)
    print(net)


@program
def kinds_of_attention(torch):
    nn = torch.nn
    F = torch.nn.functional
    torch.manual_seed(0)
    B, H, T, D = (2, 2, 6, 4)
    x = torch.randn(B, T, 8)

    def softmax_kernel(d, *, pm, is_q, eps=0.0001):
        dn = d.shape[-1] ** (-0.25)
        ratio = pm.shape[0] ** (-0.5)
        dd = torch.einsum("...id,...jd->...ij", dn * d, pm.expand(*d.shape[:-2], *pm.shape))
        dg = (torch.sum(d**2, dim=-1) / 2.0 * dn**2).unsqueeze(dim=-1)
        return ratio * (
            torch.exp(
                dd
                - dg
                - (
                    torch.amax(dd, dim=-1, keepdim=True) if is_q else torch.amax(dd, dim=(-1, -2), keepdim=True)
                ).detach()
            )
            + eps
        )

    def orth(n, d):
        bl = []
        [bl.append(torch.linalg.qr(torch.randn((d, d)), mode="reduced")[0].t()) for _ in range(int(n / d))]
        r = n - int(n / d) * d
        bl += [torch.linalg.qr(torch.randn(d, d))[0].t()[:r]] if r else []
        return torch.diag(torch.randn((n, d)).norm(dim=1)) @ torch.cat(bl)

    q, k, v = [torch.randn(B, H, T, D, requires_grad=True) for _ in range(3)]
    pm = orth(6, D)
    qp, kp = (softmax_kernel(q, pm=pm, is_q=True), softmax_kernel(k, pm=pm, is_q=False))
    out = torch.einsum(
        "...de,...nd,...n->...ne",
        torch.einsum("...nd,...ne->...de", kp, v),
        qp,
        1.0 / torch.einsum("...nd,...d->...n", qp, kp.sum(dim=-2).type_as(qp)),
    )
    out.sum().backward()
    print(out.sum(), q.grad.norm(), pm.abs().sum())
    kc = kp.cumsum(dim=-2)
    print(
        torch.einsum("...nd,...nd->...n", qp, kc)[0, 0], torch.einsum("...nd,...ne->...nde", kp, v).cumsum(dim=-3).shape
    )

    def slopes(n):
        s = 2 ** (-(2 ** (-(math.log2(n) - 3))))
        return (
            [s * s**i for i in range(n)]
            if math.log2(n).is_integer()
            else slopes(2 ** math.floor(math.log2(n)))
            + slopes(2 * 2 ** math.floor(math.log2(n)))[0::2][: n - 2 ** math.floor(math.log2(n))]
        )

    al = torch.Tensor(slopes(3)).unsqueeze(1).unsqueeze(1) * torch.arange(T).unsqueeze(0).unsqueeze(0).expand(3, -1, -1)
    print(al[:, 0], al.shape)

    def bucket(rp, bi=True, nb=8, md=20):
        rb = 0
        if bi:
            nb //= 2
            rb += (rp > 0).to(torch.long) * nb
            rp = torch.abs(rp)
        else:
            rp = -torch.min(rp, torch.zeros_like(rp))
        me = nb // 2
        small = rp < me
        lg = me + (torch.log(rp.float() / me) / math.log(md / me) * (nb - me)).to(torch.long)
        lg = torch.min(lg, torch.full_like(lg, nb - 1))
        rb += torch.where(small, rp, lg)
        return rb

    cp, mp = (torch.arange(T, dtype=torch.long)[:, None], torch.arange(T, dtype=torch.long)[None, :])
    print(bucket(mp - cp), bucket(mp - cp, False)[3])
    rel = nn.Embedding(8, H)(bucket(mp - cp)).permute([2, 0, 1]).unsqueeze(0)
    print(rel.shape)

    def rel_shift(x):
        z = torch.zeros((*x.size()[:-1], 1), device=x.device, dtype=x.dtype)
        xp = torch.cat([z, x], dim=-1)
        return xp.view(x.size(0), x.size(1), x.size(3) + 1, x.size(2))[:, :, 1:].view_as(x)

    print(rel_shift(torch.arange(16.0).view(1, 1, 4, 4)))
    u = nn.Parameter(torch.Tensor(H, D))
    nn.init.kaiming_uniform_(u)
    r = torch.randn(T, H, D)
    AC = torch.einsum("bhid,bhjd->bhij", q + u.view(1, H, 1, D), k)
    BD = rel_shift(torch.einsum("bhid,jhd->bhij", q, r))
    sc = (AC + BD).mul_(1 / math.sqrt(D))
    sc = sc.float().masked_fill(torch.triu(torch.ones(T, T), 1).bool()[None, None], -float("inf")).type_as(sc)
    print(torch.nan_to_num(F.softmax(sc, -1))[0, 0, 2])
    chunks = x.view(B, 2, 3, 8)
    look = torch.cat([F.pad(chunks, (0, 0, 0, 0, 1, 0), value=-1)[:, :-1], chunks], dim=2)
    print(look[:, 0, :3].sum(), look.shape)
    bm = F.pad(torch.ones(B, 5, dtype=torch.bool), (0, 1), value=False)
    print(bm)
    hsh = torch.einsum("btd,dr->btr", x, torch.randn(8, 2))
    bk = torch.argmax(torch.cat([hsh, -hsh], -1), -1)
    st, ix = (T * bk + torch.arange(T)).sort(dim=-1)
    und = ix.sort(dim=-1)[1]
    print(bk, torch.equal(x.gather(1, ix[..., None].expand_as(x)).gather(1, und[..., None].expand_as(x)), x))
    x.reshape(B, T // 2, 2, 8)
    gam = 1 - torch.exp(torch.linspace(math.log(1 / 32), math.log(1 / 512), H)).detach()
    n = torch.arange(T).unsqueeze(1)
    m = torch.arange(T).unsqueeze(0)
    Dm = gam.view(-1, 1, 1) ** (n - m) * (n >= m).float()
    Dm[Dm != Dm] = 0
    ret = q @ k.mT * Dm @ v
    print(ret.sum(), Dm[0, -1])
    S = torch.zeros(B, H, D, D)
    outs = []
    for t in range(T):
        S = gam.view(1, -1, 1, 1) * S + k[:, :, t].unsqueeze(-1) * v[:, :, t].unsqueeze(-2)
        outs.append((q[:, :, t].unsqueeze(-2) @ S).squeeze(-2))
    print((torch.stack(outs, 2) - ret).abs().max() < 0.0001)

    class TimeMix(nn.Module):
        def __init__(s):
            super().__init__()
            s.decay, s.first = (nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8)))
            s.mix = nn.Parameter(torch.pow(torch.tensor([[[i / 8 for i in range(8)]]]), 0.5))
            s.shift = nn.ZeroPad2d((0, 0, 1, -1))
            s.k, s.v, s.r = [nn.Linear(8, 8, bias=False) for _ in range(3)]

        def forward(s, x):
            xx = s.shift(x)
            xm = x * s.mix + xx * (1 - s.mix)
            k, v, r = (s.k(xm), s.v(xm), torch.sigmoid(s.r(xm)))
            a = b = torch.zeros(x.shape[0], 8)
            p = torch.full_like(a, -1e38)
            ys = []
            for t in range(x.shape[1]):
                ww = s.first + k[:, t]
                pp = torch.maximum(p, ww)
                e1, e2 = (torch.exp(p - pp), torch.exp(ww - pp))
                ys.append((e1 * a + e2 * v[:, t]) / (e1 * b + e2))
                ww = p - torch.exp(s.decay)
                pp = torch.maximum(ww, k[:, t])
                e1, e2 = (torch.exp(ww - pp), torch.exp(k[:, t] - pp))
                a = e1 * a + e2 * v[:, t]
                b = e1 * b + e2
                p = pp
            return r * torch.stack(ys, 1)

    tm = TimeMix()
    y = tm(x)
    y.pow(2).sum().backward()
    print(y[0, -1], tm.decay.grad, tm.mix.grad.sum())
    mha = nn.MultiheadAttention(
        8, 2, dropout=0.0, bias=True, batch_first=True, kdim=5, vdim=3, add_bias_kv=True, add_zero_attn=True
    )
    o, w = mha(
        x,
        torch.randn(2, 4, 5),
        torch.randn(2, 4, 3),
        key_padding_mask=torch.tensor([[0, 0, 0, 1], [0, 0, 0, 0]]).bool(),
        average_attn_weights=False,
    )
    print(o.sum(), w.shape, list(mha.state_dict()))
    o = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3)
    print(o.sum())
    o = F.scaled_dot_product_attention(q, k[:, :1], v[:, :1], enable_gqa=True)
    print(
        o.shape,
        F.scaled_dot_product_attention(q, k, v, attn_mask=torch.tril(torch.ones(T, T)).bool()).sum(),
        F.scaled_dot_product_attention(q, k, v, attn_mask=al[:2, :, :].expand(2, T, T)).sum(),
    )
    with (
        torch.backends.cuda.sdp_kernel(enable_flash=False)
        if False
        else torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
    ):
        print(F.scaled_dot_product_attention(q, k, v).sum())
    q.grad = None
    F.scaled_dot_product_attention(q, k, v, dropout_p=0.0).sum().backward()
    print(q.grad.norm())

    class FF(nn.Sequential):
        def __init__(s, d):
            super().__init__(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GLU(dim=-1), nn.SiLU(), nn.Linear(d, d))

    class Res(nn.Module):
        def __init__(s, f):
            super().__init__()
            s.fn = f

        def forward(s, x, **k):
            return s.fn(x, **k) + x

    mix = nn.Sequential(
        *[
            nn.Sequential(
                Res(nn.Sequential(nn.LayerNorm(8), nn.Conv1d(T, 12, kernel_size=1), nn.GELU(), nn.Conv1d(12, T, 1))),
                Res(FF(8)),
            )
            for _ in range(2)
        ],
        nn.LayerNorm(8),
    )
    mix(x).mean(1).sum().backward()
    print(mix[0][0].fn[1].weight.grad.norm(), mix(x).sum())
    xl = nn.TransformerDecoder(
        nn.TransformerDecoderLayer(
            8, 2, 16, 0.0, activation=F.gelu, layer_norm_eps=1e-06, batch_first=False, norm_first=True, bias=False
        ),
        2,
    )
    print(
        xl(x, x[:, :4].repeat(1, 1, 1)[:2], tgt_mask=None).sum()
        if False
        else xl(x.transpose(0, 1), x.transpose(0, 1)[:4]).sum()
    )
    enc = nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, dropout=0.0)
    print(
        enc(x.transpose(0, 1), src_mask=nn.Transformer.generate_square_subsequent_mask(T)).sum(),
        enc.self_attn.in_proj_weight.shape,
    )
    e = nn.TransformerEncoder(enc, num_layers=2)
    [nn.init.uniform_(p, -0.1, 0.1) for p in e.parameters()]
    e.eval()
    print(e(x.transpose(0, 1))[0, 0])
    pos = torch.zeros(6, 1, 8)
    ps = torch.arange(6).unsqueeze(1)
    dv = torch.exp(torch.arange(0, 8, 2).float() * (-math.log(10000.0) / 8))
    pos[:, 0, 0::2], pos[:, 0, 1::2] = (torch.sin(ps * dv), torch.cos(ps * dv))
    print(pos.sum())
    inv = 1.0 / 10000 ** (torch.arange(0, 4, 2).float() / 4)
    f = torch.outer(torch.arange(T).type_as(inv), inv)
    emb = torch.cat((f, f), dim=-1)
    rot = lambda z: torch.cat((-z[..., z.shape[-1] // 2 :], z[..., : z.shape[-1] // 2]), dim=-1)
    print((q * emb.cos() + rot(q) * emb.sin()).sum())
    torch.tensor(5.0)
    print(
        x.new_tensor([1.0, 2.0]).dtype,
        q.new_ones(1, 2),
        F.pad(x, (0, 0, 1, 1), mode="replicate").shape,
        torch.chunk(x, 3, dim=1)[2].shape,
        x.unfold(1, 3, 2).shape,
    )
