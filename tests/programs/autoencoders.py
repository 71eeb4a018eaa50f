"""Losses of variational autoencoders; layers that learn alone, springs, cells and waves simulated under the tape."""

import math

from . import program


@program
def variational_losses(torch):
    nn = torch.nn
    Tensor = torch.Tensor
    F = torch.nn.functional
    Gamma = torch.distributions.Gamma
    torch.manual_seed(0)

    class MSSIM(nn.Module):
        def __init__(s, c=1, w=5, avg=True):
            super().__init__()
            s.c, s.w, s.avg = (c, w, avg)

        def gauss(s, n, sg):
            k = torch.tensor([math.exp((x - n // 2) ** 2 / (2 * sg**2)) for x in range(n)])
            return k / k.sum()

        def win(s, n, c):
            k = s.gauss(n, 1.5).unsqueeze(1)
            k2 = k.mm(k.t()).float().unsqueeze(0).unsqueeze(0)
            return k2.expand(c, 1, n, n).contiguous()

        def ssim(s, a, b):
            w = s.win(s.w, s.c)
            m1, m2 = (F.conv2d(a, w, padding=s.w // 2, groups=s.c), F.conv2d(b, w, padding=s.w // 2, groups=s.c))
            s1 = F.conv2d(a * a, w, padding=s.w // 2, groups=s.c) - m1.pow(2)
            s2 = F.conv2d(b * b, w, padding=s.w // 2, groups=s.c) - m2.pow(2)
            s12 = F.conv2d(a * b, w, padding=s.w // 2, groups=s.c) - m1 * m2
            rng = 1.0
            c1, c2 = ((0.01 * rng) ** 2, (0.03 * rng) ** 2)
            v1 = 2.0 * s12 + c2
            v2 = s1 + s2 + c2
            return (((2 * m1 * m2 + c1) * v1 / ((m1.pow(2) + m2.pow(2) + c1) * v2)).mean(), torch.mean(v1 / v2))

        def forward(s, a, b):
            ws = torch.FloatTensor([0.4, 0.3, 0.3])
            ms, mc = ([], [])
            for _ in range(3):
                x, c = s.ssim(a, b)
                ms.append(x)
                mc.append(c)
                a, b = (F.avg_pool2d(a, (2, 2)), F.avg_pool2d(b, (2, 2)))
            p1, p2 = (torch.stack(mc) ** ws, torch.stack(ms) ** ws)
            return 1 - torch.prod(p1[:-1] * p2[-1])

    class VAE(nn.Module):
        num_iter = 0

        def __init__(s, L=4):
            super().__init__()
            mods, _i = ([], 1)
            [
                mods.append(
                    nn.Sequential(
                        nn.Conv2d(a, b, kernel_size=3, stride=2, padding=1), nn.BatchNorm2d(b), nn.LeakyReLU()
                    )
                )
                for a, b in ((1, 4), (4, 8))
            ]
            s.encoder = nn.Sequential(*mods)
            s.fc_mu, s.fc_var, s.dec_in = (nn.Linear(128, L), nn.Linear(128, L), nn.Linear(L, 128))
            s.decoder = nn.Sequential(
                nn.ConvTranspose2d(8, 4, kernel_size=3, stride=2, padding=1, output_padding=1),
                nn.BatchNorm2d(4),
                nn.LeakyReLU(),
                nn.ConvTranspose2d(4, 1, 3, 2, 1, 1),
                nn.Sigmoid(),
            )

        def encode(s, x) -> list[Tensor]:
            r = torch.flatten(s.encoder(x), start_dim=1)
            return [s.fc_mu(r), s.fc_var(r)]

        def decode(s, z):
            return s.decoder(s.dec_in(z).view(-1, 8, 4, 4))

        def rep(s, mu, lv):
            std = torch.exp(0.5 * lv)
            eps = torch.randn_like(std)
            return eps * std + mu

        def forward(s, x, **kw) -> list[Tensor]:
            mu, lv = s.encode(x)
            z = s.rep(mu, lv)
            return [s.decode(z), x, mu, lv, z]

    def logn(x, mu, lv):
        norm = -0.5 * (math.log(2 * math.pi) + lv)
        return norm - 0.5 * ((x - mu) ** 2 * torch.exp(-lv))

    def l_vae(rc, x, mu, lv, z, m):
        return F.mse_loss(rc, x) + 0.1 * torch.mean(-0.5 * torch.sum(1 + lv - mu**2 - lv.exp(), dim=1), dim=0)

    def l_btc(rc, x, mu, lv, z, m):
        lq = logn(z, mu, lv).sum(1)
        lp = logn(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
        b, D = z.shape
        ml = logn(z.view(b, 1, D), mu.view(1, b, D), lv.view(1, b, D))
        ds, _sw = (50, 0)
        ds = b
        W = torch.Tensor(b, b).fill_(1 / (b - 1))
        W.view(-1)[::b] = 1 / ds
        W.view(-1)[1::b] = 0.5
        W[b - 2, 0] = 0.5
        lw = W.log()
        ml += lw.view(b, b, 1)
        lqz = torch.logsumexp(ml.sum(2), dim=1, keepdim=False)
        lpq = torch.logsumexp(ml, dim=1, keepdim=False).sum(1)
        m.num_iter += 1
        an = min(0 + 1 * m.num_iter / 20, 1)
        return (
            F.mse_loss(rc, x, reduction="sum") / b + (lq - lqz).mean() + 6 * (lqz - lpq).mean() + an * (lpq - lp).mean()
        )

    def l_dip(rc, x, mu, lv, z, m):
        c = mu - mu.mean(dim=1, keepdim=True)
        cm = c.t().matmul(c).squeeze()
        cz = cm + torch.mean(torch.diagonal((2.0 * lv).exp(), dim1=0), dim=0)
        dg = torch.diag(cz)
        off = cz - torch.diag(dg)
        return F.mse_loss(rc, x) + torch.sum(off**2) + 0.5 * torch.sum((dg - 1) ** 2)

    def l_info(rc, x, mu, lv, z, m):
        pz = torch.randn_like(z)
        k = lambda a, b: (
            lambda A, B: (
                (2 * z.size(1) / (1e-07 + 2 * z.size(1) + (A - B).pow(2).sum(-1))).sum()
                - (2 * z.size(1) / (1e-07 + 2 * z.size(1) + (A - B).pow(2).sum(-1))).diag().sum()
            )
        )(a.unsqueeze(-2).expand(len(a), len(a), a.size(1)), b.unsqueeze(-3).expand(len(a), len(a), a.size(1)))
        return F.mse_loss(rc, x) + k(pz, pz) + k(z, z) - 2 * k(pz, z)

    def l_swa(rc, x, mu, lv, z, m):
        pz = torch.randn_like(z)
        rs = torch.randn(5, z.size(1))
        pr = (rs / rs.norm(dim=1).view(-1, 1)).transpose(0, 1)
        lp, dp = (z.matmul(pr), pz.matmul(pr))
        w = torch.sort(lp.t(), dim=1)[0] - torch.sort(dp.t(), dim=1)[0]
        return F.mse_loss(rc, x) + F.l1_loss(rc, x) + 10 * w.pow(2.0).mean()

    def l_log(rc, x, mu, lv, z, m):
        t = rc - x
        a = 10.0
        return 1.0 / a * torch.mean(a * t + torch.log(1.0 + torch.exp(-2 * a * t)) - torch.log(torch.tensor(2.0)))

    def l_iw(rc, x, mu, lv, z, m):
        zs = m.rep(mu.repeat(3, 1, 1).permute(1, 0, 2), lv.repeat(3, 1, 1).permute(1, 0, 2))
        b, S, D = zs.size()
        r = m.decode(zs.contiguous().view(b * S, -1)).view([b, S, 1, 16, 16])
        lpx = ((r - x.repeat(3, 1, 1, 1, 1).permute(1, 0, 2, 3, 4)) ** 2).flatten(2).mean(-1)
        kl = -0.5 * torch.sum(1 + lv - mu**2 - lv.exp(), dim=1)[:, None]
        lw = lpx + 0.1 * kl
        w = F.softmax(lw, dim=-1)
        return torch.mean(torch.sum(w * lw, dim=-1), dim=0)

    def l_mss(rc, x, mu, lv, z, m):
        return MSSIM()(rc, x)

    def l_cap(rc, x, mu, lv, z, m):
        kl = torch.mean(-0.5 * torch.sum(1 + lv - mu**2 - lv.exp(), dim=1), dim=0)
        C = torch.clamp(torch.Tensor([25.0]) / 100.0 * m.num_iter, 0, torch.Tensor([25.0]).data[0])
        return F.mse_loss(rc, x) + 10.0 * (kl - C).abs()

    x = torch.rand(6, 1, 16, 16)
    for f in (l_vae, l_btc, l_dip, l_info, l_swa, l_log, l_iw, l_mss, l_cap):
        torch.manual_seed(3)
        m = VAE()
        o = torch.optim.Adam(m.parameters(), lr=0.005, weight_decay=0.0)
        sc = torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.95)
        r = []
        for i in range(3):
            rc, x_, mu, lv, z = m(x, labels=None)
            l = f(rc, x, mu, lv, z, m)
            o.zero_grad()
            l.backward()
            o.step()
            sc.step()
            r.append(round(float(l), 4))
        print(f.__name__, r)
    al, _be = (torch.rand(5, 3, requires_grad=True), torch.rand(5, 3).add(0.5))
    B = 2
    a_ = al + 1
    lambda e, a: (1.0 + e / torch.sqrt(9.0 * a - 3.0)) ** 3 * (a - 1.0 / 3.0)
    z_ = Gamma(a_ + B, torch.ones_like(a_)).sample()
    e = torch.sqrt(9.0 * (a_ + B) - 3.0) * ((z_ / (a_ + B - 1.0 / 3.0)) ** (1.0 / 3.0) - 1.0)
    hz = (1.0 + e / torch.sqrt(9.0 * (a_ + B) - 3.0)) ** 3 * (a_ + B - 1.0 / 3.0)
    hz.sum().backward()
    print((hz - z_).abs().max() < 0.001, al.grad.sum())
    pseudo = nn.Linear(4, 8, bias=False)
    pi = F.hardtanh(pseudo(torch.eye(4)), 0.0, 1.0)
    mu, lv, z = (pi[:, :4], pi[:, 4:], torch.randn(6, 4))
    lpz = torch.sum(
        -0.5 * (lv.unsqueeze(0) + (z.unsqueeze(1) - mu.unsqueeze(0)) ** 2) / lv.exp().unsqueeze(0), dim=2
    ) - torch.log(torch.tensor(4).float())
    print(torch.logsumexp(lpz, dim=1).mean())
    q = F.gumbel_softmax(torch.randn(2, 3, 4), tau=0.5, dim=-1)
    print(
        q.sum(-1),
        torch.sum(q * torch.log(q + 1e-07), dim=(1, 2)),
        torch.sum(q * torch.log(torch.tensor(1.0) / torch.tensor(4.0) + 1e-07), dim=(1, 2)).mean(),
        torch.cat([F.one_hot(torch.arange(2), 3).float(), torch.rand(2, 1)], dim=-1),
    )


@program
def forward_forward_and_simulations(torch):
    nn = torch.nn
    F = torch.nn.functional
    Adam = torch.optim.Adam
    torch.manual_seed(1)
    print(
        torch.cuda.is_available(), torch.backends.mps.is_available(), hasattr(torch, "xpu") and torch.xpu.is_available()
    )
    torch.xpu.is_available()
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")

    def get_y_neg(y):
        y_neg = y.clone()
        for idx, ys in enumerate(y):
            allowed = list(range(4))
            allowed.remove(ys.item())
            y_neg[idx] = torch.tensor(allowed)[torch.randint(len(allowed), size=(1,))].item()
        return y_neg.to(device)

    def overlay(x, y, classes=4):
        x_ = x.clone()
        x_[:, :classes] *= 0.0
        x_[range(x.shape[0]), y] = x.max()
        return x_

    class Layer(nn.Linear):
        def __init__(self, i, o, bias=True, device=None, dtype=None):
            super().__init__(i, o, bias, device, dtype)
            self.relu = torch.nn.ReLU()
            self.opt = Adam(self.parameters(), lr=0.03)

        def forward(self, x):
            d = x / (x.norm(2, 1, keepdim=True) + 0.0001)
            return self.relu(torch.mm(d, self.weight.T) + self.bias.unsqueeze(0))

        def train(self, xp, xn):
            for i in range(3):
                gp, gn = (self.forward(xp).pow(2).mean(1), self.forward(xn).pow(2).mean(1))
                loss = torch.log1p(torch.exp(torch.cat([-gp + 2.0, gn - 2.0]))).mean()
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                print("Loss: ", loss.item())
            return (self.forward(xp).detach(), self.forward(xn).detach())

    class Net(nn.Module):
        def __init__(self, dims):
            super().__init__()
            self.layers = []
            [
                setattr(self, "layers", self.layers + [Layer(dims[d], dims[d + 1]).to(device)])
                for d in range(len(dims) - 1)
            ]

        def predict(self, x):
            g = []
            for label in range(4):
                h = overlay(x, label)
                gs = []
                for l in self.layers:
                    h = l(h)
                    gs = gs + [h.pow(2).mean(1)]
                g += [sum(gs).unsqueeze(1)]
            return torch.cat(g, 1).argmax(1)

        def train(self, xp, xn):
            for l in self.layers:
                xp, xn = l.train(xp, xn)

    n = Net([8, 6, 5])
    x, y = (torch.rand(10, 8), torch.randint(0, 4, (10,)))
    n.train(overlay(x, y), overlay(x, get_y_neg(y)))
    print(n.predict(x).eq(y).float().mean().item())

    class MS(nn.Module):
        def __init__(self, n, springs):
            super().__init__()
            self.springs = springs
            self.p0 = torch.tensor([0.0, 0.0])
            self.rest = nn.Parameter(torch.randn(n - 1, 2))
            self.vel = torch.zeros(n, 2)

        def forward(self, steps):
            pos = torch.cat([self.p0.unsqueeze(0), self.rest], dim=0)
            vel = self.vel
            for _ in range(steps):
                f = torch.zeros_like(pos)
                for i, j, r, k in self.springs:
                    d = pos[j] - pos[i]
                    dist = d.norm()
                    force = k * (dist - r) * d / (dist + 1e-06)
                    f[i] += force
                    f[j] -= force
                f[:, 1] -= 9.81
                acc = f / 1.0
                vel = vel + acc * 0.01
                pos = pos + vel * 0.01
                pos[0] = self.p0
                vel[0] = torch.tensor([0.0, 0.0])
            return pos

    s = MS(3, [(0, 1, 1.0, 10.0), (1, 2, 0.5, 5.0)])
    o = Adam(s.parameters(), lr=0.05)
    tgt = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    for e in range(4):
        o.zero_grad()
        l = (s(10) - tgt).pow(2).mean()
        l.backward()
        o.step()
        print(f"Epoch {e + 1}, Loss: {l.item():.6f}", s.rest.grad)
    k = torch.tensor([[[[1.0, 1, 1], [1, 0, 1], [1, 1, 1]]]])
    g = (torch.rand(1, 1, 8, 8) > 0.6).float()
    for _ in range(3):
        nb = F.conv2d(F.pad(g, (1, 1, 1, 1), mode="circular"), k)
        g = ((nb == 3) | (g == 1) & (nb == 2)).float()
    print(g.sum(), g[0, 0, 0])
    p = torch.ones(1, 4, 6, 6)
    p[:, 3:, :, :] = 0
    p[:, 3:, 3, 3] = 1

    class NCA(nn.Module):
        def __init__(s):
            super().__init__()
            idn = torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]])
            sx = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
            s.k = nn.Parameter(torch.stack([idn, sx, sx.T]).repeat(4, 1, 1).unsqueeze(1), requires_grad=False)
            s.f = nn.Sequential(nn.Conv2d(12, 16, 1), nn.ReLU(), nn.Conv2d(16, 4, 1, bias=False))
            nn.init.normal_(s.f[2].weight, std=0.1)

        def forward(s, x):
            pre = F.max_pool2d(x[:, 3:4], 3, 1, 1) > 0.1
            y = s.f(F.conv2d(x, s.k, padding=1, groups=4))
            x = x + y * (torch.rand_like(x[:, :1]) <= 0.5).float()
            return x * (pre & (F.max_pool2d(x[:, 3:4], 3, 1, 1) > 0.1)).float()

    ca = NCA()
    o = Adam(ca.parameters(), lr=0.002) if False else Adam(filter(lambda q: q.requires_grad, ca.parameters()), lr=0.002)
    for i in range(3):
        z = p.clone()
        for _ in range(4):
            z = ca(z)
        l = F.mse_loss(z[:, :4], torch.ones(1, 4, 6, 6))
        o.zero_grad()
        l.backward()
        [q.grad.div_(q.grad.norm() + 1e-08) for q in ca.parameters() if q.grad is not None]
        o.step()
        print(l.item())
    u, c = (torch.zeros(20), nn.Parameter(torch.tensor(1.0)))
    u[10] = 1.0
    up = u.clone()
    tr = []
    for t in range(10):
        lap = torch.zeros_like(u)
        lap[1:-1] = u[2:] - 2 * u[1:-1] + u[:-2]
        un = 2 * u - up + (c * 0.5) ** 2 * lap
        up, u = (u, un)
        tr.append(u[15])
    torch.stack(tr).sum().backward()
    print(torch.stack(tr), c.grad)
    q = torch.randn(4, 3, requires_grad=True)
    d = q[:, None] - q[None]
    r = (d.pow(2).sum(-1) + torch.eye(4)).sqrt()
    V = -(1 / r).triu(1).sum()
    Fm = -torch.autograd.grad(V, q)[0]
    print(V, Fm.sum(0).abs().max() < 1e-05)
