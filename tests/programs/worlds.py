"""Message passing by index; distributional and actor-critic agents."""

import copy
import math
import random
from collections import deque, namedtuple

import numpy as np

from . import program


@program
def message_passing_models(torch):
    nn = torch.nn
    F = torch.nn.functional
    Parameter = torch.nn.parameter.Parameter
    torch.manual_seed(0)
    np.random.seed(0)
    N = 8
    A = (torch.rand(N, N) > 0.6).float().triu(1)
    A = A + A.t()
    X = torch.randn(N, 5)
    ei = A.nonzero().t().contiguous()
    y = torch.randint(0, 3, (N,))
    torch.arange(N)
    A.sum(1)

    def scatter(src, index, dim=0, n=None, reduce="sum"):
        sz = list(src.shape)
        sz[dim] = n
        ix = index.view(*[-1 if i == dim else 1 for i in range(src.dim())]).expand_as(src)
        o = src.new_zeros(sz)
        if reduce == "sum":
            return o.scatter_add_(dim, ix, src)
        if reduce == "mean":
            c = src.new_zeros(n).scatter_add_(0, index, torch.ones_like(index, dtype=src.dtype)).clamp_(min=1)
            return o.scatter_add_(dim, ix, src) / c.view(-1, *[1] * (src.dim() - 1))
        return o.scatter_reduce_(dim, ix, src, "a" + reduce, include_self=False)

    class MP(nn.Module):
        def __init__(s, aggr):
            super().__init__()
            s.aggr = aggr

        def propagate(s, ei, x, **kw):
            m = s.message(x[ei[0]], x[ei[1]], ei, **kw)
            return s.update(scatter(m, ei[1], 0, x.size(0), s.aggr), x)

        def update(s, o, x):
            return o

    class SAGE(MP):
        def __init__(s, i, o):
            super().__init__("max")
            s.lin, s.upd = (nn.Linear(i, i), nn.Linear(2 * i, o, bias=False))

        def message(s, xj, xi, ei):
            return F.relu(s.lin(xj))

        def update(s, a, x):
            return F.normalize(s.upd(torch.cat([a, x], 1)), p=2.0, dim=-1)

        def forward(s, x, e):
            return s.propagate(e, x)

    class GIN(MP):
        def __init__(s, i, o):
            super().__init__("sum")
            s.nn = nn.Sequential(nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU(), nn.Linear(o, o))
            s.eps = Parameter(torch.Tensor([0.0]))

        def message(s, xj, xi, ei):
            return xj

        def update(s, a, x):
            return s.nn((1 + s.eps) * x + a)

        def forward(s, x, e):
            return s.propagate(e, x)

    class GATv2(MP):
        def __init__(s, i, o, h):
            super().__init__("sum")
            s.h, s.o = (h, o)
            s.l, s.r = (nn.Linear(i, h * o, bias=False), nn.Linear(i, h * o, bias=False))
            s.att = Parameter(torch.Tensor(1, h, o))
            nn.init.xavier_uniform_(s.att.data, gain=1.414)

        def forward(s, x, e):
            l, r = (s.l(x).view(-1, s.h, s.o), s.r(x).view(-1, s.h, s.o))
            a = (F.leaky_relu(l[e[0]] + r[e[1]], 0.2) * s.att).sum(-1)
            mx = scatter(a.detach(), e[1], 0, len(x), "max")[e[1]]
            a = (a - mx).exp()
            a = a / (scatter(a, e[1], 0, len(x)).index_select(0, e[1]) + 1e-16)
            a = F.dropout(a, p=0.0, training=s.training)
            return scatter(l[e[0]] * a.unsqueeze(-1), e[1], 0, len(x)).mean(dim=1)

    class GCNe(MP):
        def __init__(s, i, o):
            super().__init__("sum")
            s.lin = nn.Linear(i, o, bias=False)
            s.bias = Parameter(torch.zeros(o))

        def message(s, xj, xi, ei, norm):
            return norm.view(-1, 1) * xj

        def forward(s, x, e):
            loop = torch.arange(len(x)).unsqueeze(0).repeat(2, 1)
            e = torch.cat([e, loop], 1)
            r, c = e
            d = torch.bincount(c, minlength=len(x)).to(x.dtype)
            di = d.pow(-0.5)
            di[di == float("inf")] = 0
            return s.propagate(e, s.lin(x), norm=di[r] * di[c]) + s.bias

    class Net(nn.Module):
        def __init__(s):
            super().__init__()
            s.c = nn.ModuleList([SAGE(5, 8), GIN(8, 8), GATv2(8, 8, 2), GCNe(8, 3)])

        def forward(s, x, e):
            for i, c in enumerate(s.c):
                x = c(x, e)
                x = F.elu(x) if i < 3 else x
            return F.log_softmax(x, dim=1)

    n = Net()
    o = torch.optim.Adam(
        [dict(params=n.c[:2].parameters(), weight_decay=0.0005), dict(params=n.c[2:].parameters(), weight_decay=0)],
        lr=0.01,
    )
    tm = torch.zeros(N, dtype=torch.bool)
    tm[:5] = True
    for ep in range(4):
        n.train()
        o.zero_grad()
        out = n(X, ei)
        l = F.nll_loss(out[tm], y[tm])
        l.backward()
        o.step()
        n.eval()
        pr = n(X, ei).max(dim=1)[1]
        accs = [pr[m].eq(y[m]).sum().item() / m.sum().item() for m in (tm, ~tm)]
        print("Epoch: {:03d}, Train: {:.4f}, Test: {:.4f} {:.5f}".format(ep, *accs, l))

    class VGAE(nn.Module):
        def __init__(s):
            super().__init__()
            s.w0, s.w1, s.w2 = [
                Parameter(torch.rand(i, o) * 2 * np.sqrt(6.0 / (i + o)) - np.sqrt(6.0 / (i + o)))
                for i, o in ((5, 6), (6, 3), (6, 3))
            ]

        def forward(s, X, A):
            h = F.relu(A @ X @ s.w0)
            s.mean, s.logstd = (torch.mm(A, h @ s.w1), torch.mm(A, h @ s.w2))
            z = torch.randn(N, 3) * torch.exp(s.logstd) + s.mean
            return torch.sigmoid(torch.matmul(z, z.t()))

    An = A + torch.eye(N)
    dd = torch.diag(An.sum(1).pow(-0.5))
    An = dd.matmul(An).matmul(dd)
    v = VGAE()
    o = torch.optim.Adam(v.parameters(), lr=0.01)
    wm = A.view(-1) == 1
    wt = torch.ones(wm.size(0))
    wt[wm] = float(N * N - A.sum()) / A.sum()
    norm = N * N / float((N * N - A.sum()) * 2)
    for i in range(3):
        P = v(X, An)
        ll = norm * F.binary_cross_entropy(P.view(-1), A.view(-1), weight=wt)
        kl = 0.5 / P.size(0) * (1 + 2 * v.logstd - v.mean**2 - torch.exp(v.logstd) ** 2).sum(1).mean()
        l = ll - kl
        o.zero_grad()
        l.backward()
        o.step()
        print("{:.5f} {:.5f}".format(l.item(), (P > 0.5).float().eq(A).float().mean()))
    lab = A.view(-1).long()
    pb = (P > 0.5).view(-1).long()
    print((lab == pb).sum().float() / lab.size(0))
    Lh = torch.eye(N) - An
    lam = torch.linalg.eigvalsh(Lh).max()
    Lt = 2 * Lh / lam - torch.eye(N)
    Ts = [X, Lt @ X]
    [Ts.append(2 * Lt @ Ts[-1] - Ts[-2]) for _ in range(2)]
    print(torch.stack(Ts).sum((1, 2)))
    S = torch.softmax(torch.randn(N, 2), -1)
    print(S.t() @ A @ S, (A - S @ S.t()).norm(p=2) / A.numel(), (-S * torch.log(S + 1e-15)).sum(-1).mean())
    batch = torch.tensor([0, 0, 0, 1, 1, 1, 1, 2])
    print(scatter(X, batch, 0, 3, "mean"), scatter(X, batch, 0, 3, "max")[0], scatter(X, batch, 0, 3, "min")[1])
    sc = torch.tanh(X @ torch.ones(5))
    k = (0.5 * torch.bincount(batch).float()).ceil().long()
    dense = sc.new_full((3, 4), torch.finfo(sc.dtype).min)
    pos = torch.arange(N) - torch.cat([torch.zeros(1).long(), torch.bincount(batch).cumsum(0)[:-1]])[batch]
    dense[batch, pos] = sc
    _, perm = dense.sort(dim=-1, descending=True)
    print([perm[i, : k[i]].tolist() for i in range(3)], k)
    walks = []
    nb = [A[i].nonzero().view(-1) for i in range(N)]
    for s_ in range(4):
        w = [s_]
        for _ in range(4):
            if nb[w[-1]].numel() == 0:
                break
            w.append(nb[w[-1]][torch.randint(len(nb[w[-1]]), (1,))].item())
        walks.append(w)
    print(walks)

    def normalize(mx):
        rs = np.array(mx.sum(1))
        ri = np.power(rs, -1).flatten()
        ri[np.isinf(ri)] = 0.0
        return np.diag(ri).dot(mx)

    class DeepSets(nn.Module):
        def __init__(s):
            super().__init__()
            s.g, s.l = (nn.Linear(5, 6), nn.Linear(5, 6, bias=False))

        def forward(s, x):
            xm, _ = x.max(1, keepdim=True)
            return s.g(x) - s.l(xm)

    class MAB(nn.Module):
        def __init__(s, q, k, v, h):
            super().__init__()
            s.v, s.h = (v, h)
            s.q, s.k, s.vv, s.o = (nn.Linear(q, v), nn.Linear(k, v), nn.Linear(k, v), nn.Linear(v, v))

        def forward(s, Q, K):
            Q = s.q(Q)
            K, V = (s.k(K), s.vv(K))
            d = s.v // s.h
            Q_, K_, V_ = [torch.cat(t.split(d, 2), 0) for t in (Q, K, V)]
            A = torch.softmax(Q_.bmm(K_.transpose(1, 2)) / math.sqrt(s.v), 2)
            O = torch.cat((Q_ + A.bmm(V_)).split(Q.size(0), 0), 2)
            return O + F.relu(s.o(O))

    xx = X.view(2, 4, 5)
    d = DeepSets()
    mb = MAB(4, 6, 4, 2)
    S = Parameter(torch.Tensor(1, 1, 4))
    nn.init.xavier_uniform_(S)
    out = mb(S.repeat(2, 1, 1), d(xx))
    out.sum().backward()
    print(out.squeeze(), S.grad)

    class TNet(nn.Module):
        def __init__(s, k=3):
            super().__init__()
            s.k = k
            s.c = nn.Conv1d(k, 8, 1)
            s.bn = nn.BatchNorm1d(8)
            s.f = nn.Linear(8, k * k)

        def forward(s, x):
            x = F.relu(s.bn(s.c(x)))
            x = torch.max(x, 2, keepdim=True)[0]
            x = s.f(x.view(-1, 8))
            iden = torch.from_numpy(np.eye(s.k).flatten().astype(np.float32)).view(1, s.k * s.k).repeat(x.size()[0], 1)
            return (x + iden).view(-1, s.k, s.k)

    pts = torch.randn(3, 3, 10)
    t = TNet()(pts)
    z = torch.bmm(pts.transpose(2, 1), t).transpose(2, 1)
    I = torch.eye(3)[None, :, :]
    print(torch.mean(torch.norm(torch.bmm(t, t.transpose(2, 1)) - I, dim=(1, 2))), z.sum())
    inner = -2 * torch.matmul(pts.transpose(2, 1), pts)
    sq = torch.sum(pts**2, dim=1, keepdim=True)
    kn = (-sq - inner - sq.transpose(2, 1)).topk(k=3, dim=-1)[1]
    base = torch.arange(0, 3).view(-1, 1, 1) * 10
    ft = pts.transpose(2, 1).contiguous().view(30, -1)[(kn + base).view(-1), :].view(3, 10, 3, 3)
    print(
        torch.cat((ft - pts.transpose(2, 1).view(3, 10, 1, 3).repeat(1, 1, 3, 1), ft), dim=3)
        .permute(0, 3, 1, 2)
        .contiguous()
        .sum((0, 2, 3))
    )

    def fps(xyz, n):
        B, P, C = xyz.shape
        c = torch.zeros(B, n, dtype=torch.long)
        dist = torch.ones(B, P) * 10000000000.0
        far = torch.zeros(B, dtype=torch.long)
        bi = torch.arange(B, dtype=torch.long)
        for i in range(n):
            c[:, i] = far
            ce = xyz[bi, far, :].view(B, 1, 3)
            d = torch.sum((xyz - ce) ** 2, -1)
            m = d < dist
            dist[m] = d[m]
            far = torch.max(dist, -1)[1]
        return c

    print(fps(pts.transpose(1, 2), 4))
    try:
        torch.sparse_coo_tensor(ei, torch.ones(ei.shape[1]), (N, N)).to_dense().equal(A) if False else print("skip")
    except Exception as e:
        print(e)


@program
def distributional_and_actor_critic_agents(torch):
    nn = torch.nn
    F = torch.nn.functional
    Categorical = torch.distributions.Categorical
    Normal = torch.distributions.Normal
    TransformedDistribution = torch.distributions.TransformedDistribution
    TanhTransform = torch.distributions.transforms.TanhTransform
    BatchSampler = torch.utils.data.sampler.BatchSampler
    SubsetRandomSampler = torch.utils.data.sampler.SubsetRandomSampler
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))

    class NoisyLinear(nn.Module):
        def __init__(self, i, o, std_init=0.4):
            super().__init__()
            self.i, self.o, self.std_init = (i, o, std_init)
            self.weight_mu, self.weight_sigma = (
                nn.Parameter(torch.FloatTensor(o, i)),
                nn.Parameter(torch.FloatTensor(o, i)),
            )
            self.register_buffer("weight_epsilon", torch.FloatTensor(o, i))
            self.bias_mu, self.bias_sigma = (nn.Parameter(torch.FloatTensor(o)), nn.Parameter(torch.FloatTensor(o)))
            self.register_buffer("bias_epsilon", torch.FloatTensor(o))
            self.reset_parameters()
            self.reset_noise()

        def reset_parameters(self):
            r = 1 / math.sqrt(self.weight_mu.size(1))
            self.weight_mu.data.uniform_(-r, r)
            self.weight_sigma.data.fill_(self.std_init / math.sqrt(self.weight_sigma.size(1)))
            self.bias_mu.data.uniform_(-r, r)
            self.bias_sigma.data.fill_(self.std_init / math.sqrt(self.bias_sigma.size(0)))

        def reset_noise(self):
            ei, eo = (self._scale(self.i), self._scale(self.o))
            self.weight_epsilon.copy_(eo.ger(ei))
            self.bias_epsilon.copy_(self._scale(self.o))

        def _scale(self, n):
            x = torch.randn(n)
            return x.sign().mul(x.abs().sqrt())

        def forward(self, x):
            if self.training:
                return F.linear(
                    x,
                    self.weight_mu + self.weight_sigma * self.weight_epsilon,
                    self.bias_mu + self.bias_sigma * self.bias_epsilon,
                )
            return F.linear(x, self.weight_mu, self.bias_mu)

    class C51(nn.Module):
        def __init__(self, s, a, atoms=11):
            super().__init__()
            self.a, self.atoms = (a, atoms)
            self.register_buffer("supp", torch.linspace(-5, 5, atoms))
            self.f = nn.Linear(s, 16)
            self.v = NoisyLinear(16, atoms)
            self.ad = NoisyLinear(16, atoms * a)

        def forward(self, x):
            h = F.relu(self.f(x))
            v = self.v(h).view(-1, 1, self.atoms)
            ad = self.ad(h).view(-1, self.a, self.atoms)
            return F.softmax(v + ad - ad.mean(1, keepdim=True), -1)

        def act(self, s):
            with torch.no_grad():
                return (self(s.unsqueeze(0)) * self.supp).sum(2).max(1)[1].item()

    def projection(net, ns, r, done, N=11, Vmin=-5, Vmax=5):
        b = ns.size(0)
        dz = float(Vmax - Vmin) / (N - 1)
        sup = torch.linspace(Vmin, Vmax, N)
        nd = net(ns).data.cpu() * sup
        na = nd.sum(2).max(1)[1]
        na = na.unsqueeze(1).unsqueeze(1).expand(nd.size(0), 1, nd.size(2))
        nd = nd.gather(1, na).squeeze(1)
        r, done, sup = (r.unsqueeze(1).expand_as(nd), done.unsqueeze(1).expand_as(nd), sup.unsqueeze(0).expand_as(nd))
        Tz = (r + (1 - done) * 0.99 * sup).clamp(min=Vmin, max=Vmax)
        bj = (Tz - Vmin) / dz
        l, u = (bj.floor().long(), bj.ceil().long())
        off = torch.linspace(0, (b - 1) * N, b).long().unsqueeze(1).expand(b, N)
        pd = torch.zeros(nd.size())
        pd.view(-1).index_add_(0, (l + off).view(-1), (nd * (u.float() - bj)).view(-1))
        pd.view(-1).index_add_(0, (u + off).view(-1), (nd * (bj - l.float())).view(-1))
        return pd

    net, tgt = (C51(4, 2), C51(4, 2))
    tgt.load_state_dict(net.state_dict())
    o = torch.optim.Adam(net.parameters(), 0.001)
    mem = deque(maxlen=100)
    for i in range(20):
        s = np.random.randn(4)
        mem.append((s, net.act(torch.FloatTensor(s)), random.random(), s + 0.1, random.random() < 0.2))
    for i in range(3):
        s, a, r, ns, dn = zip(*random.sample(mem, 8))
        s = torch.FloatTensor(np.float32(np.stack(s)))
        ns = torch.FloatTensor(np.float32(np.stack(ns)))
        a = torch.LongTensor(a)
        r = torch.FloatTensor(r)
        dn = torch.FloatTensor(np.float32(dn))
        pd = projection(tgt, ns, r, dn)
        dist = net(s)
        dist = dist.gather(1, a.unsqueeze(1).unsqueeze(1).expand(8, 1, 11)).squeeze(1)
        dist.data.clamp_(0.01, 0.99)
        loss = -(pd * dist.log()).sum(1).mean()
        o.zero_grad()
        loss.backward()
        o.step()
        net.ad.reset_noise()
        print(loss.item(), pd.sum().item())

    class NaivePER:
        def __init__(self, cap, alpha=0.6):
            self.alpha, self.cap, self.buf, self.pos, self.pr = (alpha, cap, [], 0, np.zeros((cap,), dtype=np.float32))

        def push(self, t):
            mp = self.pr.max() if self.buf else 1.0
            self.buf.append(t)
            self.pr[self.pos] = mp
            self.pos += 1

        def sample(self, n, beta=0.4):
            p = self.pr[: len(self.buf)] ** self.alpha
            p /= p.sum()
            ix = np.random.choice(len(self.buf), n, p=p)
            w = (len(self.buf) * p[ix]) ** (-beta)
            w /= w.max()
            return ([self.buf[i] for i in ix], ix, np.array(w, dtype=np.float32))

    per = NaivePER(30)
    [per.push(t) for t in mem]
    q, qt = (
        nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)),
        nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)),
    )
    oq = torch.optim.RMSprop(q.parameters())
    for i in range(3):
        b, ix, w = per.sample(6)
        w = torch.tensor(w)
        S = torch.tensor(np.array([t[0] for t in b]), dtype=torch.float)
        A = torch.tensor([t[1] for t in b])
        R = torch.tensor([t[2] for t in b])
        nm = torch.tensor(tuple(not t[4] for t in b), dtype=torch.bool)
        NS = (
            torch.cat([torch.tensor(t[3], dtype=torch.float).unsqueeze(0) for t in b if not t[4]])
            if nm.any()
            else torch.zeros(0, 4)
        )
        qa = q(S).gather(1, A.unsqueeze(1)).squeeze(1)
        nv = torch.zeros(6)
        with torch.no_grad():
            nv[nm] = qt(NS).gather(1, q(NS).max(1)[1].unsqueeze(1)).squeeze(1)
        td = qa - (R + 0.99 * nv)
        l = (td.pow(2) * w).mean()
        oq.zero_grad()
        l.backward()
        for p in q.parameters():
            p.grad.data.clamp_(-1, 1)
        oq.step()
        per.pr[ix] = (td.abs() + 1e-05).data.cpu().numpy()
        sd, tsd = (q.state_dict(), qt.state_dict())
        for k in sd:
            tsd[k] = sd[k] * 0.05 + tsd[k] * 0.95
        qt.load_state_dict(tsd)
        print(l.item(), per.pr[:20].sum(), nm.sum())

    class AC(nn.Module):
        def __init__(s, i, a):
            super().__init__()
            s.gru = nn.GRUCell(i, 8)
            s.pi, s.v = (nn.Linear(8, a), nn.Linear(8, 1))
            s.log_std = nn.Parameter(torch.ones(1, a) * -0.5)
            [
                nn.init.orthogonal_(p, gain=np.sqrt(2)) if p.ndim > 1 else nn.init.zeros_(p)
                for n, p in s.named_parameters()
                if "log_std" not in n
            ]

        def forward(s, x, h):
            h = s.gru(x, h)
            return (Normal(s.pi(h), s.log_std.exp().expand_as(s.pi(h))), s.v(h), h)

    ac = AC(3, 2)
    oa = torch.optim.Adam(ac.parameters(), lr=0.003, eps=1e-05)
    h = torch.zeros(4, 8)
    st = torch.randn(4, 3)
    buf = []
    with torch.no_grad():
        for t in range(6):
            d, v, h2 = ac(st, h)
            a = d.sample()
            buf.append((st, h, a, d.log_prob(a).sum(-1), v.squeeze(-1), -(a**2).sum(-1), (torch.rand(4) < 0.1).float()))
            st, h = (st + 0.1 * torch.tanh(a).repeat(1, 2)[:, :3], h2)
    S, H, A, LP, V, R, M = map(torch.stack, zip(*buf))
    adv = torch.zeros_like(R)
    last = 0
    for t in reversed(range(6)):
        nvv = V[t + 1] if t < 5 else 0
        delta = R[t] + 0.99 * nvv * (1 - M[t]) - V[t]
        last = adv[t] = delta + 0.99 * 0.95 * (1 - M[t]) * last
    ret = adv + V
    adv = (adv - adv.mean()) / (adv.std() + 1e-08)
    for ep in range(2):
        for ix in BatchSampler(SubsetRandomSampler(range(24)), 8, False):
            d, v, _ = ac(S.view(24, -1)[ix], H.view(24, -1)[ix])
            lp = d.log_prob(A.view(24, -1)[ix]).sum(-1)
            ratio = torch.exp(lp - LP.view(-1)[ix])
            s1, s2 = (ratio * adv.view(-1)[ix], torch.clamp(ratio, 0.8, 1.2) * adv.view(-1)[ix])
            vl = F.smooth_l1_loss(v.squeeze(-1), ret.view(-1)[ix])
            loss = -torch.min(s1, s2).mean() + 0.5 * vl - 0.01 * d.entropy().sum(-1).mean()
            oa.zero_grad()
            loss.backward()
            gn = nn.utils.clip_grad_norm_(ac.parameters(), 0.5)
            oa.step()
            kl = (LP.view(-1)[ix] - lp).mean()
            print("%.5f %.5f %.5f" % (loss, gn, kl))

    class Actor(nn.Module):
        def __init__(s):
            super().__init__()
            s.net = nn.Sequential(nn.Linear(3, 16), nn.ReLU())
            s.mu, s.ls = (nn.Linear(16, 2), nn.Linear(16, 2))
            s.register_buffer("scale", torch.tensor([2.0, 1.0]))
            s.register_buffer("bias", torch.tensor((0.0, 0.5)))

        def forward(s, x):
            f = s.net(x)
            mu, ls = (s.mu(f), torch.tanh(s.ls(f)))
            ls = -5 + 0.5 * (2 + 5) * (ls + 1)
            n = Normal(mu, ls.exp())
            xt = n.rsample()
            yt = torch.tanh(xt)
            a = yt * s.scale + s.bias
            lp = n.log_prob(xt) - torch.log(s.scale * (1 - yt.pow(2)) + 1e-06)
            lp2 = n.log_prob(xt) - 2 * (np.log(2) - xt - F.softplus(-2 * xt))
            return (a, lp.sum(1, keepdim=True), lp2.sum(1))

    class Q(nn.Module):
        def __init__(s):
            super().__init__()
            s.n = nn.Sequential(nn.Linear(5, 16), nn.Mish(), nn.Linear(16, 1))
            s.n[-1].weight.data.mul_(0.1)
            s.n[-1].bias.data.mul_(0.1)

        def forward(s, x, a):
            return s.n(torch.cat([x, a], 1))

    ac, q1, q2 = (Actor(), Q(), Q())
    t1, t2 = (copy.deepcopy(q1).requires_grad_(False), copy.deepcopy(q2).eval())
    la = torch.zeros(1, requires_grad=True)
    oA, oQ, oL = (
        torch.optim.Adam(ac.parameters(), 0.003),
        torch.optim.Adam(list(q1.parameters()) + list(q2.parameters()), 0.003),
        torch.optim.Adam([la], lr=0.003),
    )
    for i in range(3):
        x, nx, r = (torch.randn(8, 3), torch.randn(8, 3), torch.rand(8, 1))
        with torch.no_grad():
            na, nlp, _ = ac(nx)
            y = r + 0.99 * (torch.min(t1(nx, na), t2(nx, na)) - la.exp() * nlp)
        a = torch.rand(8, 2)
        lq = F.mse_loss(q1(x, a), y) + F.mse_loss(q2(x, a), y)
        oQ.zero_grad()
        lq.backward()
        oQ.step()
        pa, lp, lp2 = ac(x)
        lac = (la.exp().detach() * lp - torch.min(q1(x, pa), q2(x, pa))).mean()
        oA.zero_grad()
        lac.backward()
        oA.step()
        ll = (-la.exp() * (lp + -2).detach()).mean()
        oL.zero_grad()
        ll.backward()
        oL.step()
        for p, tp in zip(q1.parameters(), t1.parameters()):
            tp.data.copy_(0.005 * p.data + 0.995 * tp.data)
        with torch.no_grad():
            for p, tp in zip(q2.parameters(), t2.parameters()):
                tp.mul_(0.995)
                torch.add(tp, p, alpha=0.005, out=tp)
        print(lq.item(), lac.item(), la.item(), lp2.mean().item())
    td = TransformedDistribution(Normal(torch.zeros(2), torch.ones(2)), [TanhTransform(cache_size=1)])
    s = td.rsample()
    print(s, td.log_prob(s).sum(-1))
    noise = (torch.randn_like(s) * 0.2).clamp(-0.5, 0.5)
    print((s + noise).clamp(-1, 1))
    c = Categorical(logits=torch.tensor([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]]))
    a = c.sample()
    print(
        a,
        c.log_prob(a),
        c.entropy(),
        c.probs,
        torch.distributions.kl_divergence(c, Categorical(probs=torch.ones(2, 3) / 3)),
        torch.distributions.kl.kl_divergence(Normal(0.0, 1.0), Normal(1.0, 2.0)),
    )
    disc = []
    R = 0
    for r in [1.0, 0.0, 2.0][::-1]:
        R = r + 0.9 * R
        disc.insert(0, R)
    disc = torch.tensor(disc)
    disc = (disc - disc.mean()) / (disc.std() + np.finfo(np.float32).eps.item())
    print(
        disc, torch.tensor([[True, False]]).float(), Transition(*zip(*[Transition(1, 2, 3, 4), Transition(5, 6, 7, 8)]))
    )
    ou = np.zeros(2)
    act = pa[0].cpu().data.numpy() + ou
    print(np.clip(act, -1, 1).dtype, torch.from_numpy(act).float().unsqueeze(0))
