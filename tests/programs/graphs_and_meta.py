"""Graph attention, contrastive losses, meta-learning and curvature."""

import copy
import math
from collections import OrderedDict

import numpy as np

from . import program


@program
def graph_attention(torch):
    nn = torch.nn
    F = torch.nn.functional
    Module = nn.Module
    Parameter = nn.Parameter
    optim = torch.optim
    torch.manual_seed(0)

    class GraphConvolution(Module):
        def __init__(self, in_features, out_features, bias=True):
            super(GraphConvolution, self).__init__()
            self.in_features, self.out_features = in_features, out_features
            self.weight = Parameter(torch.FloatTensor(in_features, out_features))
            if bias:
                self.bias = Parameter(torch.FloatTensor(out_features))
            else:
                self.register_parameter("bias", None)
            self.reset_parameters()

        def reset_parameters(self):
            stdv = 1.0 / math.sqrt(self.weight.size(1))
            self.weight.data.uniform_(-stdv, stdv)
            if self.bias is not None:
                self.bias.data.uniform_(-stdv, stdv)

        def forward(self, input, adj):
            support = torch.mm(input, self.weight)
            output = torch.mm(adj, support)
            return output + self.bias if self.bias is not None else output

        def __repr__(self):
            return self.__class__.__name__ + " (" + str(self.in_features) + " -> " + str(self.out_features) + ")"

    class GraphAttentionLayer(nn.Module):
        def __init__(self, i, o, n_heads, concat=False, dropout=0.4, leaky=0.2):
            super().__init__()
            self.n_heads, self.concat = n_heads, concat
            self.h = o // n_heads if concat else o
            self.W = nn.Parameter(torch.empty(size=(i, self.h * n_heads)))
            self.a = nn.Parameter(torch.empty(size=(n_heads, 2 * self.h, 1)))
            self.leakyrelu = nn.LeakyReLU(leaky)
            self.softmax = nn.Softmax(dim=1)
            self.p = dropout
            nn.init.xavier_normal_(self.W)
            nn.init.xavier_normal_(self.a)

        def forward(self, h, adj):
            n = h.shape[0]
            ht = torch.mm(h, self.W)
            ht = ht.view(n, self.n_heads, self.h).permute(1, 0, 2)
            src = torch.matmul(ht, self.a[:, : self.h, :])
            tgt = torch.matmul(ht, self.a[:, self.h :, :])
            e = self.leakyrelu(src + tgt.mT)
            cm = -9e16 * torch.ones_like(e)
            at = torch.where(adj > 0, e, cm)
            at = F.softmax(at, dim=-1)
            at = F.dropout(at, self.p, training=self.training)
            hp = torch.matmul(at, ht)
            return hp.permute(1, 0, 2).contiguous().view(n, -1) if self.concat else hp.mean(dim=0)

    torch.manual_seed(13)
    N = 10
    A = (torch.rand(N, N) > 0.7).float()
    A = ((A + A.T) > 0).float()
    A.fill_diagonal_(1)
    deg = A.sum(1)
    Dm = torch.diag(deg.pow(-0.5))
    Ahat = Dm @ A @ Dm
    X = F.normalize(torch.rand(N, 6), p=1, dim=1)
    y = torch.randint(0, 3, (N,))
    tr, va = torch.LongTensor(range(6)), torch.LongTensor(range(6, 10))

    class GCN(nn.Module):
        def __init__(self, f, h, c, d):
            super().__init__()
            self.gc1 = GraphConvolution(f, h)
            self.gc2 = GraphConvolution(h, c)
            self.dropout = d

        def forward(self, x, adj):
            x = F.relu(self.gc1(x, adj))
            x = F.dropout(x, self.dropout, training=self.training)
            return F.log_softmax(self.gc2(x, adj), dim=1)

    class GAT(nn.Module):
        def __init__(self):
            super().__init__()
            self.g1 = GraphAttentionLayer(6, 8, 4, concat=True)
            self.g2 = GraphAttentionLayer(8, 3, 1)

        def forward(self, x, a):
            return F.log_softmax(self.g2(F.elu(self.g1(x, a)), a), dim=1)

    def accuracy(output, labels):
        preds = output.max(1)[1].type_as(labels)
        correct = preds.eq(labels).double()
        return correct.sum() / len(labels)

    for model, a in ((GCN(6, 8, 3, 0.5), Ahat), (GAT(), A)):
        opt = optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
        print(model)
        for e in range(5):
            model.train()
            opt.zero_grad()
            out = model(X, a)
            l = F.nll_loss(out[tr], y[tr])
            acc = accuracy(out[tr], y[tr])
            l.backward()
            opt.step()
            model.eval()
            out = model(X, a)
            print(
                "Epoch: {:04d}".format(e + 1),
                "loss_train: {:.4f}".format(l.item()),
                "acc: {:.4f}".format(acc.item()),
                "loss_val: {:.4f}".format(F.nll_loss(out[va], y[va]).item()),
            )
    src, dst = torch.nonzero(A, as_tuple=True)
    msg = X[src] * 0.5
    agg = torch.zeros(N, 6).index_add_(0, dst, msg)
    agg2 = torch.zeros(N, 6).scatter_add_(0, dst[:, None].expand(-1, 6), msg)
    print(torch.allclose(agg, agg2), agg.sum())
    mx = torch.full((N,), float("-inf")).scatter_reduce(0, dst, msg[:, 0], reduce="amax")
    print(mx)
    al = torch.exp(msg[:, 0])
    den = torch.zeros(N).index_add(0, dst, al)
    print(
        (al / den[dst])[:5],
        torch.bincount(dst, minlength=N),
        torch.zeros(N).scatter_reduce_(0, dst, al, "mean", include_self=False),
    )
    ei = torch.stack([src, dst])
    print(ei[:, :4], torch.unique(ei, dim=1).shape, torch.unique_consecutive(ei[0], return_counts=True)[1])
    L = torch.eye(N) - Ahat
    w, v = torch.linalg.eigh(L)
    print(w[:3], (v[:, 1].abs()).sum())


@program
def contrastive_losses(torch):
    nn = torch.nn
    F = torch.nn.functional
    torch.manual_seed(0)
    torch.manual_seed(0)

    class NT_Xent(nn.Module):
        def __init__(self, batch_size, temperature):
            super().__init__()
            self.batch_size, self.temperature = batch_size, temperature
            self.mask = self.mask_correlated_samples(batch_size)
            self.criterion = nn.CrossEntropyLoss(reduction="sum")
            self.similarity_f = nn.CosineSimilarity(dim=2)

        def mask_correlated_samples(self, b):
            N = 2 * b
            mask = torch.ones((N, N), dtype=bool)
            mask = mask.fill_diagonal_(0)
            for i in range(b):
                mask[i, b + i] = 0
                mask[b + i, i] = 0
            return mask

        def forward(self, z_i, z_j):
            N = 2 * self.batch_size
            z = torch.cat((z_i, z_j), dim=0)
            sim = self.similarity_f(z.unsqueeze(1), z.unsqueeze(0)) / self.temperature
            a, b = torch.diag(sim, self.batch_size), torch.diag(sim, -self.batch_size)
            pos = torch.cat((a, b), dim=0).reshape(N, 1)
            neg = sim[self.mask].reshape(N, -1)
            labels = torch.zeros(N).to(pos.device).long()
            return self.criterion(torch.cat((pos, neg), dim=1), labels) / N

    def info_nce(features, bs, nv=2, temp=0.07):
        labels = torch.cat([torch.arange(bs) for i in range(nv)], dim=0)
        labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
        features = F.normalize(features, dim=1)
        sm = torch.matmul(features, features.T)
        mask = torch.eye(labels.shape[0], dtype=torch.bool)
        labels = labels[~mask].view(labels.shape[0], -1)
        sm = sm[~mask].view(sm.shape[0], -1)
        pos = sm[labels.bool()].view(labels.shape[0], -1)
        neg = sm[~labels.bool()].view(sm.shape[0], -1)
        logits = torch.cat([pos, neg], dim=1) / temp
        return logits, torch.zeros(logits.shape[0], dtype=torch.long)

    net = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 4, bias=False))
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    x = torch.randn(8, 6)
    crit = NT_Xent(8, 0.5)
    for i in range(4):
        loss = crit(net(x + 0.1 * torch.randn_like(x)), net(x + 0.1 * torch.randn_like(x)))
        opt.zero_grad()
        loss.backward()
        opt.step()
        lo, la = info_nce(net(torch.cat([x, x])), 8)
        acc = (lo.topk(3, 1)[1] == la[:, None]).any(1).float().mean()
        print(loss.item(), F.cross_entropy(lo, la).item(), acc)

    class CLIP(nn.Module):
        def __init__(self):
            super().__init__()
            self.i, self.t = nn.Linear(5, 4), nn.EmbeddingBag(10, 4, mode="mean")
            self.logit_scale = nn.Parameter(torch.ones([]) * np.log(1 / 0.07))

        def forward(self, im, tx):
            a, b = self.i(im), self.t(tx)
            a = a / a.norm(dim=1, keepdim=True)
            b = b / b.norm(dim=-1, keepdim=True)
            s = self.logit_scale.exp()
            l = s * a @ b.t()
            return l, l.t()

    c = CLIP()
    o = torch.optim.AdamW(
        [
            {"params": [p for n, p in c.named_parameters() if "logit_scale" in n], "lr": 1e-3, "weight_decay": 0.0},
            {"params": [p for n, p in c.named_parameters() if "logit_scale" not in n]},
        ],
        lr=1e-2,
        weight_decay=0.2,
    )
    im, tx = torch.randn(4, 5), torch.randint(10, (4, 3))
    gt = torch.arange(4, dtype=torch.long)
    for i in range(3):
        a, b = c(im, tx)
        loss = (F.cross_entropy(a, gt) + F.cross_entropy(b, gt)) / 2
        o.zero_grad()
        loss.backward()
        o.step()
        c.logit_scale.data = torch.clamp(c.logit_scale.data, 0, 4.6052)
        print(loss.item(), c.logit_scale, c.logit_scale.exp().item())
    print(c.logit_scale.dtype, c.logit_scale.shape, a.softmax(dim=-1).cpu().detach().numpy().round(3).shape)
    # MoCo queue, BYOL EMA
    q = F.normalize(torch.randn(4, 16), dim=0)
    ptr = torch.zeros(1, dtype=torch.long)
    k = F.normalize(torch.randn(4, 4), dim=1)
    p = int(ptr)
    q[:, p : p + 4] = k.T
    ptr[0] = (p + 4) % 16
    print(ptr, q[:, :2])
    tgt = copy.deepcopy(net)
    for a, b in zip(net.parameters(), tgt.parameters()):
        b.data = b.data * 0.99 + a.data * (1.0 - 0.99)
        b.requires_grad = False
    lp = torch.einsum("nc,nc->n", [k, k]).unsqueeze(-1)
    ln = torch.einsum("nc,ck->nk", [k, q.clone().detach()])
    print(torch.cat([lp, ln], dim=1)[:, :3], sum(b.sum() for b in tgt.parameters()))
    cc = (k.T @ k).add_(torch.eye(4), alpha=-1).pow_(2)
    off = cc.flatten()[:-1].view(3, 5)[:, 1:].flatten()
    print(
        off.sum(), torch.diagonal(cc).add(-1).pow(2).sum(), 4 - 2 * F.cosine_similarity(k, k.roll(1, 0), dim=-1).mean()
    )


@program
def meta_learning_and_curvature(torch):
    nn = torch.nn
    F = torch.nn.functional
    functional_call, grad, vmap, hessian, jacrev, jacfwd, vjp, jvp = (
        getattr(torch.func, n) for n in "functional_call grad vmap hessian jacrev jacfwd vjp jvp".split()
    )
    torch.manual_seed(0)
    torch.manual_seed(0)
    net = nn.Sequential(
        OrderedDict(
            [
                ("l1", nn.Linear(1, 16)),
                ("relu1", nn.ReLU()),
                ("l2", nn.Linear(16, 16)),
                ("relu2", nn.ReLU()),
                ("l3", nn.Linear(16, 1)),
            ]
        )
    )
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)

    def task():
        a, ph = torch.rand(1) * 4.9 + 0.1, torch.rand(1) * torch.pi
        x = torch.rand(10, 1) * 10 - 5
        return x, a * torch.sin(x + ph)

    def inner(params, x, y, steps=2, lr=0.01, create_graph=True):
        for _ in range(steps):
            loss = F.mse_loss(functional_call(net, params, (x,)), y)
            grads = torch.autograd.grad(loss, params.values(), create_graph=create_graph)
            params = {n: p - lr * g for (n, p), g in zip(params.items(), grads)}
        return params

    for it in range(3):
        opt.zero_grad()
        ml = 0
        for _ in range(3):
            x, y = task()
            ps = inner(dict(net.named_parameters()), x[:5], y[:5])
            ml = ml + F.mse_loss(functional_call(net, ps, (x[5:],)), y[5:])
        ml.backward()
        opt.step()
        print(it, ml.item(), net.l1.weight.grad.norm(), net.l3.bias.grad)
    fast = inner(dict(net.named_parameters()), x, y, create_graph=False)
    print(list(fast)[:2], fast["l3.bias"].requires_grad)
    # manual MAML with weights list and F.linear
    ws = [torch.nn.Parameter(torch.ones(*s) * 0.1) for s in ((4, 1), (4,), (1, 4), (1,))]

    def f(x, w):
        return F.linear(F.relu(F.linear(x, w[0], w[1])), w[2], w[3])

    g = torch.autograd.grad(F.mse_loss(f(x, ws), y), ws, create_graph=True)
    fw = [w - 0.1 * q for q, w in zip(g, ws)]
    l = F.mse_loss(f(x, fw), y)
    print(torch.autograd.grad(l, ws)[0])
    # HVP, influence
    m = nn.Linear(3, 1)
    X, Y = torch.randn(20, 3), torch.randn(20, 1)

    def hvp(loss, params, v):
        g = torch.autograd.grad(loss, params, create_graph=True, retain_graph=True)
        dot = sum((a * b).sum() for a, b in zip(g, v))
        return torch.autograd.grad(dot, params, retain_graph=True)

    ps = list(m.parameters())
    loss = F.mse_loss(m(X), Y)
    v = [torch.randn_like(p) for p in ps]
    print(hvp(loss, ps, v))
    h = [x.clone() for x in v]
    for i in range(30):
        hv = hvp(loss, ps, h)
        h = [a + b - 0.2 * c for a, b, c in zip(v, h, hv)]
    print("ihvp", [0.2 * a for a in h])

    def flat_loss(w):
        return F.mse_loss(X @ w[:3, None] + w[3], Y)

    w = torch.cat([p.detach().flatten() for p in ps])
    H = hessian(flat_loss)(w)
    print(H, torch.linalg.eigvalsh(H))
    print(
        torch.autograd.functional.hessian(flat_loss, w)[0],
        torch.autograd.functional.hvp(flat_loss, w, torch.ones(4))[1],
        torch.autograd.functional.vhp(flat_loss, w, torch.ones(4))[1],
    )
    print(
        jacrev(lambda q: (q**2).cumsum(0))(w),
        jacfwd(torch.sin)(w).diag(),
        jvp(torch.exp, (w,), (torch.ones_like(w),))[1],
    )
    o, vf = vjp(lambda a, b: (a @ b).tanh(), X[:2], w[:3])
    print(o, [t.shape for t in vf(torch.ones(2))])
    params = {k: p.detach() for k, p in m.named_parameters()}

    def loss1(p, x, y):
        return F.mse_loss(functional_call(m, p, (x.unsqueeze(0),)), y.unsqueeze(0))

    psg = vmap(grad(loss1), in_dims=(None, 0, 0))(params, X, Y)
    print({k: t.shape for k, t in psg.items()}, psg["weight"].mean(0), psg["bias"].std())
    print(
        vmap(torch.dot)(X, X.flip(0))[:3],
        vmap(lambda a: a.sort()[0])(X[:2]),
        torch.vmap(lambda a, b: a * b, in_dims=(0, None), out_dims=1)(X[:2], w[:3]),
    )
    # power iteration
    p = list(m.parameters())
    vec = [torch.ones_like(q) for q in p]
    for _ in range(15):
        hv = hvp(loss, p, vec)
        n = torch.sqrt(sum((a**2).sum() for a in hv))
        vec = [a / n for a in hv]
    print("top eig", n.item())
    trace = torch.stack(
        [
            sum(
                (a * b).sum()
                for a, b in zip(
                    hvp(loss, p, [torch.ones_like(q).bernoulli_().mul(2).sub(1) for q in p]),
                    [torch.ones_like(q) for q in p],
                )
            )
        ]
    ).mean()
    print(trace.shape)
    g1 = torch.autograd.grad(loss, p, retain_graph=True)
    fim = sum((a.flatten()[:, None] * a.flatten()).trace() for a in g1)
    print(fim, torch.nn.utils.parameters_to_vector(g1).norm())
