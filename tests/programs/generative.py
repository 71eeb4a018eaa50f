"""Diffusion, codebooks with straight-through gradients, differential equations with their adjoint."""

import copy
import math
from functools import partial
from inspect import isfunction

from . import program


@program
def denoising_diffusion(torch):
    nn = torch.nn
    F = torch.nn.functional
    einsum = torch.einsum
    torch.manual_seed(0)

    def exists(x):
        return x is not None

    def default(val, d):
        return val if exists(val) else (d() if isfunction(d) else d)

    class SinusoidalPositionEmbeddings(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.dim = dim

        def forward(self, time):
            device = time.device
            half = self.dim // 2
            e = math.log(10000) / (half - 1)
            e = torch.exp(torch.arange(half, device=device) * -e)
            e = time[:, None] * e[None, :]
            return torch.cat((e.sin(), e.cos()), dim=-1)

    class WeightStandardizedConv2d(nn.Conv2d):
        def forward(self, x):
            eps = 1e-5 if x.dtype == torch.float32 else 1e-3
            weight = self.weight
            mean = weight.mean(dim=(1, 2, 3), keepdim=True)
            var = torch.var(weight, dim=(1, 2, 3), unbiased=False, keepdim=True)
            return F.conv2d(
                x,
                (weight - mean) * (var + eps).rsqrt(),
                self.bias,
                self.stride,
                self.padding,
                self.dilation,
                self.groups,
            )

    class Block(nn.Module):
        def __init__(self, dim, dim_out, groups=4):
            super().__init__()
            self.proj = WeightStandardizedConv2d(dim, dim_out, 3, padding=1)
            self.norm = nn.GroupNorm(groups, dim_out)
            self.act = nn.SiLU()

        def forward(self, x, scale_shift=None):
            x = self.norm(self.proj(x))
            if exists(scale_shift):
                scale, shift = scale_shift
                x = x * (scale + 1) + shift
            return self.act(x)

    class ResnetBlock(nn.Module):
        def __init__(self, dim, dim_out, *, time_emb_dim=None):
            super().__init__()
            self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(time_emb_dim, dim_out * 2)) if exists(time_emb_dim) else None
            self.block1 = Block(dim, dim_out)
            self.block2 = Block(dim_out, dim_out)
            self.res_conv = nn.Conv2d(dim, dim_out, 1) if dim != dim_out else nn.Identity()

        def forward(self, x, t=None):
            ss = None
            if exists(self.mlp) and exists(t):
                ss = self.mlp(t)[:, :, None, None].chunk(2, dim=1)
            return self.block2(self.block1(x, ss)) + self.res_conv(x)

    class LinearAttention(nn.Module):
        def __init__(self, dim, heads=2, dim_head=4):
            super().__init__()
            self.scale = dim_head**-0.5
            self.heads = heads
            self.to_qkv = nn.Conv2d(dim, heads * dim_head * 3, 1, bias=False)
            self.to_out = nn.Sequential(nn.Conv2d(heads * dim_head, dim, 1), nn.GroupNorm(1, dim))

        def forward(self, x):
            b, c, h, w = x.shape
            q, k, v = (t.reshape(b, self.heads, -1, h * w) for t in self.to_qkv(x).chunk(3, dim=1))
            q = q.softmax(dim=-2) * self.scale
            k = k.softmax(dim=-1)
            ctx = torch.einsum("b h d n, b h e n -> b h d e", k, v)
            out = einsum("b h d e, b h d n -> b h e n", ctx, q)
            return self.to_out(out.reshape(b, -1, h, w))

    class Residual(nn.Module):
        def __init__(self, fn):
            super().__init__()
            self.fn = fn

        def forward(self, x, *args, **kwargs):
            return self.fn(x, *args, **kwargs) + x

    class Unet(nn.Module):
        def __init__(self, dim=8):
            super().__init__()
            td = dim * 4
            self.init = nn.Conv2d(1, dim, 1)
            self.time = nn.Sequential(
                SinusoidalPositionEmbeddings(dim), nn.Linear(dim, td), nn.GELU(), nn.Linear(td, td)
            )
            rb = partial(ResnetBlock, time_emb_dim=td)
            self.downs = nn.ModuleList(
                [nn.ModuleList([rb(dim, dim), Residual(LinearAttention(dim)), nn.Conv2d(dim, dim * 2, 4, 2, 1)])]
            )
            self.mid = rb(dim * 2, dim * 2)
            self.ups = nn.ModuleList(
                [
                    nn.ModuleList(
                        [
                            nn.Sequential(
                                nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(dim * 2, dim, 3, padding=1)
                            ),
                            rb(dim * 2, dim),
                        ]
                    )
                ]
            )
            self.final = nn.Conv2d(dim, 1, 1)

        def forward(self, x, t):
            x = self.init(x)
            t = self.time(t)
            h = []
            for b, a, d in self.downs:
                x = a(b(x, t))
                h.append(x)
                x = d(x)
            x = self.mid(x, t)
            for u, b in self.ups:
                x = b(torch.cat((u(x), h.pop()), dim=1), t)
            return self.final(x)

    def cosine_beta_schedule(T, s=0.008):
        x = torch.linspace(0, T, T + 1)
        ac = torch.cos(((x / T) + s) / (1 + s) * torch.pi * 0.5) ** 2
        ac = ac / ac[0]
        return torch.clip(1 - (ac[1:] / ac[:-1]), 0.0001, 0.9999)

    def quadratic(T):
        return torch.linspace(0.0001**0.5, 0.02**0.5, T) ** 2

    def sigmoid_b(T):
        return torch.sigmoid(torch.linspace(-6, 6, T)) * (0.02 - 0.0001) + 0.0001

    T = 20
    torch.manual_seed(0)
    betas = cosine_beta_schedule(T)
    print(betas[:3], quadratic(4), sigmoid_b(4))
    alphas = 1.0 - betas
    ac = torch.cumprod(alphas, axis=0)
    acp = F.pad(ac[:-1], (1, 0), value=1.0)
    sra = torch.sqrt(1.0 / alphas)
    pv = betas * (1.0 - acp) / (1.0 - ac)

    def extract(a, t, x_shape):
        b = t.shape[0]
        out = a.gather(-1, t.cpu())
        return out.reshape(b, *((1,) * (len(x_shape) - 1))).to(t.device)

    def q_sample(x0, t, noise=None):
        noise = default(noise, lambda: torch.randn_like(x0))
        return extract(ac.sqrt(), t, x0.shape) * x0 + extract((1 - ac).sqrt(), t, x0.shape) * noise

    def p_losses(m, x0, t, noise=None, loss_type="l1"):
        if noise is None:
            noise = torch.randn_like(x0)
        pr = m(q_sample(x0, t, noise), t)
        if loss_type == "l1":
            return F.l1_loss(noise, pr)
        elif loss_type == "l2":
            return F.mse_loss(noise, pr)
        elif loss_type == "huber":
            return F.smooth_l1_loss(noise, pr)
        raise NotImplementedError()

    class EMA:
        def __init__(self, beta):
            self.beta, self.step = beta, 0

        def update_model_average(self, ma, cur):
            for c, m in zip(cur.parameters(), ma.parameters()):
                m.data = self.update_average(m.data, c.data)

        def update_average(self, old, new):
            return new if old is None else old * self.beta + (1 - self.beta) * new

    model = Unet()
    ema = EMA(0.9)
    ema_model = copy.deepcopy(model).eval().requires_grad_(False)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    print(sum(p.numel() for p in model.parameters()))
    data = torch.rand(4, 1, 8, 8) * 2 - 1
    for step, lt in enumerate(["l1", "l2", "huber", "huber"]):
        opt.zero_grad()
        t = torch.randint(0, T, (4,), device="cpu").long()
        loss = p_losses(model, data, t, loss_type=lt)
        loss.backward()
        opt.step()
        ema.update_model_average(ema_model, model)
        print(step, "Loss:", loss.item())

    @torch.no_grad()
    def p_sample(m, x, t, i):
        bt = extract(betas, t, x.shape)
        mean = extract(sra, t, x.shape) * (x - bt * m(x, t) / extract((1 - ac).sqrt(), t, x.shape))
        return mean if i == 0 else mean + torch.sqrt(extract(pv, t, x.shape)) * torch.randn_like(x)

    img = torch.randn(2, 1, 8, 8)
    for i in reversed(range(T)):
        img = p_sample(ema_model, img, torch.full((2,), i, dtype=torch.long), i)
    print(img.mean(), img.std(), img[0, 0, 0])
    print(((img.clamp(-1, 1) + 1) * 127.5).to(torch.uint8)[0, 0, :2])


@program
def vector_quantised_autoencoders(torch):
    nn = torch.nn
    F = torch.nn.functional
    optim = torch.optim
    torch.manual_seed(0)

    class VectorQuantizerEMA(nn.Module):
        def __init__(self, num_embeddings, embedding_dim, commitment_cost, decay, epsilon=1e-5):
            super(VectorQuantizerEMA, self).__init__()
            self._embedding_dim, self._num_embeddings = embedding_dim, num_embeddings
            self._embedding = nn.Embedding(num_embeddings, embedding_dim)
            self._embedding.weight.data.normal_()
            self._commitment_cost = commitment_cost
            self.register_buffer("_ema_cluster_size", torch.zeros(num_embeddings))
            self._ema_w = nn.Parameter(torch.Tensor(num_embeddings, embedding_dim))
            self._ema_w.data.normal_()
            self._decay, self._epsilon = decay, epsilon

        def forward(self, inputs):
            inputs = inputs.permute(0, 2, 3, 1).contiguous()
            input_shape = inputs.shape
            flat_input = inputs.view(-1, self._embedding_dim)
            distances = (
                torch.sum(flat_input**2, dim=1, keepdim=True)
                + torch.sum(self._embedding.weight**2, dim=1)
                - 2 * torch.matmul(flat_input, self._embedding.weight.t())
            )
            encoding_indices = torch.argmin(distances, dim=1).unsqueeze(1)
            encodings = torch.zeros(encoding_indices.shape[0], self._num_embeddings, device=inputs.device)
            encodings.scatter_(1, encoding_indices, 1)
            quantized = torch.matmul(encodings, self._embedding.weight).view(input_shape)
            if self.training:
                self._ema_cluster_size = self._ema_cluster_size * self._decay + (1 - self._decay) * torch.sum(
                    encodings, 0
                )
                n = torch.sum(self._ema_cluster_size.data)
                self._ema_cluster_size = (
                    (self._ema_cluster_size + self._epsilon) / (n + self._num_embeddings * self._epsilon) * n
                )
                dw = torch.matmul(encodings.t(), flat_input)
                self._ema_w = nn.Parameter(self._ema_w * self._decay + (1 - self._decay) * dw)
                self._embedding.weight = nn.Parameter(self._ema_w / self._ema_cluster_size.unsqueeze(1))
            e_latent_loss = F.mse_loss(quantized.detach(), inputs)
            loss = self._commitment_cost * e_latent_loss
            quantized = inputs + (quantized - inputs).detach()
            avg_probs = torch.mean(encodings, dim=0)
            perplexity = torch.exp(-torch.sum(avg_probs * torch.log(avg_probs + 1e-10)))
            return loss, quantized.permute(0, 3, 1, 2).contiguous(), perplexity, encodings

    class VectorQuantizer(nn.Module):
        def __init__(self, n, d, beta):
            super().__init__()
            self.n, self.d, self.beta = n, d, beta
            self.embedding = nn.Embedding(n, d)
            self.embedding.weight.data.uniform_(-1 / n, 1 / n)

        def forward(self, z):
            z = z.permute(0, 2, 3, 1).contiguous()
            zf = z.view(-1, self.d)
            d = torch.cdist(zf, self.embedding.weight)
            idx = d.argmin(1)
            zq = self.embedding(idx).view_as(z)
            loss = torch.mean((zq.detach() - z) ** 2) + self.beta * torch.mean((zq - z.detach()) ** 2)
            zq = z + (zq - z).detach()
            return loss, zq.permute(0, 3, 1, 2), torch.tensor(idx.unique().numel()).float(), idx

    class Residual(nn.Module):
        def __init__(self, c, h, r):
            super().__init__()
            self._block = nn.Sequential(
                nn.ReLU(True), nn.Conv2d(c, r, 3, 1, 1, bias=False), nn.ReLU(True), nn.Conv2d(r, h, 1, bias=False)
            )

        def forward(self, x):
            return x + self._block(x)

    class Model(nn.Module):
        def __init__(self, vq):
            super().__init__()
            self.enc = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1), Residual(8, 8, 4))
            self.pre = nn.Conv2d(8, 6, 1)
            self.vq = vq
            self.dec = nn.Sequential(
                nn.Conv2d(6, 8, 3, padding=1), Residual(8, 8, 4), nn.ConvTranspose2d(8, 3, 4, 2, 1)
            )

        def forward(self, x):
            l, q, p, _ = self.vq(self.pre(self.enc(x)))
            return l, self.dec(q), p

    torch.manual_seed(2)
    X = torch.rand(8, 3, 8, 8) - 0.5
    var = X.var()
    for vq in (VectorQuantizerEMA(10, 6, 0.25, 0.99), VectorQuantizer(10, 6, 0.25)):
        m = Model(vq)
        opt = optim.Adam(m.parameters(), lr=1e-2, amsgrad=False)
        m.train()
        for i in range(4):
            opt.zero_grad()
            l, r, p = m(X)
            re = F.mse_loss(r, X) / var
            loss = re + l
            loss.backward()
            opt.step()
            print("%d iterations" % (i + 1), "recon_error: %.3f" % re.item(), "perplexity: %.3f" % p.item(), loss)
        m.eval()
        print(m(X)[1].shape, [n for n, _ in m.named_parameters() if "vq" in n], [n for n, _ in m.named_buffers()])


@program
def neural_differential_equations(torch):
    nn = torch.nn
    torch.manual_seed(0)
    torch.manual_seed(0)

    def rk4(f, y0, t):
        ys = [y0]
        y = y0
        for t0, t1 in zip(t[:-1], t[1:]):
            h = t1 - t0
            k1 = f(t0, y)
            k2 = f(t0 + h / 2, y + h * k1 / 2)
            k3 = f(t0 + h / 2, y + h * k2 / 2)
            k4 = f(t1, y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            ys.append(y)
        return torch.stack(ys, dim=0)

    def ode_solve(z0, t0, t1, f, h_max=0.05):
        n_steps = math.ceil((abs(t1 - t0) / h_max).max().item())
        h = (t1 - t0) / n_steps
        t, z = t0, z0
        for _ in range(n_steps):
            z = z + h * f(z, t)
            t = t + h
        return z

    class ODEF(nn.Module):
        def forward_with_grad(self, z, t, grad_outputs):
            batch_size = z.shape[0]
            out = self.forward(z, t)
            a = grad_outputs
            adfdz, adfdt, *adfdp = torch.autograd.grad(
                (out,), (z, t) + tuple(self.parameters()), grad_outputs=(a), allow_unused=True, retain_graph=True
            )
            if adfdp is not None:
                adfdp = torch.cat([p.flatten() for p in adfdp]).unsqueeze(0)
                adfdp = adfdp.expand(batch_size, -1) / batch_size
            if adfdt is not None:
                adfdt = adfdt.expand(batch_size, 1) / batch_size
            return out, adfdz, adfdt, adfdp

        def flatten_parameters(self):
            return torch.cat([p.flatten() for p in self.parameters()])

    class ODEAdjoint(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z0, t, flat_parameters, func):
            bs, *z_shape = z0.size()
            time_len = t.size(0)
            with torch.no_grad():
                z = torch.zeros(time_len, bs, *z_shape).to(z0)
                z[0] = z0
                for i in range(time_len - 1):
                    z0 = ode_solve(z0, t[i], t[i + 1], func)
                    z[i + 1] = z0
            ctx.func = func
            ctx.save_for_backward(t, z.clone(), flat_parameters)
            return z

        @staticmethod
        def backward(ctx, dLdz):
            func = ctx.func
            t, z, flat = ctx.saved_tensors
            time_len, bs, *z_shape = z.size()
            n_dim = int(torch.prod(torch.tensor(z_shape)))
            n_params = flat.size(0)

            def aug(aug_z_i, t_i):
                z_i, a = aug_z_i[:, :n_dim], aug_z_i[:, n_dim : 2 * n_dim]
                z_i = z_i.view(bs, *z_shape)
                a = a.view(bs, *z_shape)
                with torch.set_grad_enabled(True):
                    t_i = t_i.detach().requires_grad_(True)
                    z_i = z_i.detach().requires_grad_(True)
                    fe, dz, dt, dp = func.forward_with_grad(z_i, t_i, grad_outputs=a)
                    dz = dz.to(z_i) if dz is not None else torch.zeros(bs, *z_shape).to(z_i)
                    dp = dp.to(z_i) if dp is not None else torch.zeros(bs, n_params).to(z_i)
                    dt = dt.to(z_i) if dt is not None else torch.zeros(bs, 1).to(z_i)
                fe = fe.view(bs, n_dim)
                dz = dz.view(bs, n_dim)
                return torch.cat((fe, -dz, -dp, -dt), dim=1)

            dLdz = dLdz.view(time_len, bs, n_dim)
            with torch.no_grad():
                adj_z = torch.zeros(bs, n_dim).to(dLdz)
                adj_p = torch.zeros(bs, n_params).to(dLdz)
                adj_t = torch.zeros(time_len, bs, 1).to(dLdz)
                for i in range(time_len - 1, 0, -1):
                    z_i, t_i = z[i], t[i]
                    f_i = func(z_i, t_i).view(bs, n_dim)
                    dLdz_i = dLdz[i]
                    dLdt_i = torch.bmm(torch.transpose(dLdz_i.unsqueeze(-1), 1, 2), f_i.unsqueeze(-1))[:, 0]
                    adj_z += dLdz_i
                    adj_t[i] = adj_t[i] - dLdt_i
                    aug_z = torch.cat((z_i.view(bs, n_dim), adj_z, torch.zeros(bs, n_params).to(z), adj_t[i]), dim=-1)
                    ans = ode_solve(aug_z, t_i, t[i - 1], aug)
                    adj_z[:] = ans[:, n_dim : 2 * n_dim]
                    adj_p[:] += ans[:, 2 * n_dim : 2 * n_dim + n_params]
                    adj_t[i - 1] = ans[:, 2 * n_dim + n_params :]
                    del aug_z, ans
                adj_z += dLdz[0]
            return adj_z.view(bs, *z_shape), adj_t, adj_p, None

    class SpiralFunc(ODEF):
        def __init__(self, W):
            super().__init__()
            self.lin = nn.Linear(2, 2, bias=False)
            self.lin.weight = nn.Parameter(W)

        def forward(self, x, t):
            return self.lin(x)

    true = SpiralFunc(torch.tensor([[-0.1, -1.0], [1.0, -0.1]]))
    model = SpiralFunc(torch.randn(2, 2) / 2.0)
    t = torch.linspace(0, 1.5, 6)
    z0 = torch.tensor([[0.6, 0.3], [0.1, -0.5]])
    obs = ODEAdjoint.apply(z0, t, true.flatten_parameters(), true).detach()
    opt = torch.optim.RMSprop(model.parameters(), lr=0.05)
    for i in range(3):
        z = ODEAdjoint.apply(z0, t, model.flatten_parameters(), model)
        loss = nn.functional.mse_loss(z, obs)
        opt.zero_grad()
        loss.backward(retain_graph=True)
        opt.step()
        print(i, loss.item(), model.lin.weight)

    class ODEFunc(nn.Module):
        def __init__(self):
            super(ODEFunc, self).__init__()
            self.net = nn.Sequential(nn.Linear(2, 10), nn.Tanh(), nn.Linear(10, 2))
            for m in self.net.modules():
                if isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, mean=0, std=0.1)
                    nn.init.constant_(m.bias, val=0)
            self.nfe = 0

        def forward(self, t, y):
            self.nfe += 1
            return self.net(y**3)

    f = ODEFunc()
    o = torch.optim.Adam(f.parameters(), lr=1e-2)
    tt = torch.linspace(0.0, 1.0, 5)
    A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
    with torch.no_grad():
        ty = rk4(lambda t, y: torch.mm(y**3, A), torch.tensor([[2.0, 0.0]]), tt)
    for i in range(3):
        o.zero_grad()
        p = rk4(f, torch.tensor([[2.0, 0.0]]), tt)
        l = torch.mean(torch.abs(p - ty))
        l.backward()
        o.step()
        print("Iter {:04d} | Total Loss {:.6f} | nfe {}".format(i, l.item(), f.nfe))
    print(
        ty.squeeze(),
        torch.gradient(ty[:, 0, 0], spacing=0.25),
        torch.trapezoid(ty[:, 0, 1], tt),
        torch.cumulative_trapezoid(ty[:, 0, 0], tt),
        torch.diff(ty[:, 0, 0]),
    )
