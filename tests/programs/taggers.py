"""Conditional random fields; optimizers and schedules that people write themselves, from the base classes."""

import copy
import math
from collections import defaultdict

from . import program


@program
def conditional_random_fields(torch):
    nn = torch.nn
    optim = torch.optim
    torch.manual_seed(1)

    def argmax(vec):
        _, idx = torch.max(vec, 1)
        return idx.item()

    def prepare_sequence(seq, to_ix):
        return torch.tensor([to_ix[w] for w in seq], dtype=torch.long)

    def log_sum_exp(vec):
        m = vec[0, argmax(vec)]
        mb = m.view(1, -1).expand(1, vec.size()[1])
        return m + torch.log(torch.sum(torch.exp(vec - mb)))

    START, STOP = ("<S>", "<E>")

    class BiLSTM_CRF(nn.Module):
        def __init__(self, vocab, t2i, emb, hid):
            super(BiLSTM_CRF, self).__init__()
            self.hidden_dim, self.t2i, self.n = (hid, t2i, len(t2i))
            self.word_embeds = nn.Embedding(vocab, emb)
            self.lstm = nn.LSTM(emb, hid // 2, num_layers=1, bidirectional=True)
            self.hidden2tag = nn.Linear(hid, self.n)
            self.transitions = nn.Parameter(torch.randn(self.n, self.n))
            self.transitions.data[t2i[START], :] = -10000
            self.transitions.data[:, t2i[STOP]] = -10000
            self.hidden = self.init_hidden()

        def init_hidden(self):
            return (torch.randn(2, 1, self.hidden_dim // 2), torch.randn(2, 1, self.hidden_dim // 2))

        def _forward_alg(self, feats):
            init = torch.full((1, self.n), -10000.0)
            init[0][self.t2i[START]] = 0.0
            fv = init
            for feat in feats:
                alphas = []
                for t in range(self.n):
                    emit = feat[t].view(1, -1).expand(1, self.n)
                    alphas.append(log_sum_exp(fv + self.transitions[t].view(1, -1) + emit).view(1))
                fv = torch.cat(alphas).view(1, -1)
            return log_sum_exp(fv + self.transitions[self.t2i[STOP]])

        def feats(self, s):
            self.hidden = self.init_hidden()
            e = self.word_embeds(s).view(len(s), 1, -1)
            o, self.hidden = self.lstm(e, self.hidden)
            return self.hidden2tag(o.view(len(s), self.hidden_dim))

        def score(self, feats, tags):
            s = torch.zeros(1)
            tags = torch.cat([torch.tensor([self.t2i[START]], dtype=torch.long), tags])
            for i, f in enumerate(feats):
                s = s + self.transitions[tags[i + 1], tags[i]] + f[tags[i + 1]]
            return s + self.transitions[self.t2i[STOP], tags[-1]]

        def viterbi(self, feats):
            bp = []
            fv = torch.full((1, self.n), -10000.0)
            fv[0][self.t2i[START]] = 0
            for feat in feats:
                b, v = ([], [])
                for t in range(self.n):
                    nt = fv + self.transitions[t]
                    best = argmax(nt)
                    b.append(best)
                    v.append(nt[0][best].view(1))
                fv = (torch.cat(v) + feat).view(1, -1)
                bp.append(b)
            term = fv + self.transitions[self.t2i[STOP]]
            best = argmax(term)
            sc = term[0][best]
            path = [best]
            for b in reversed(bp):
                best = b[best]
                path.append(best)
            start = path.pop()
            assert start == self.t2i[START]
            path.reverse()
            return (sc, path)

        def nll(self, s, tags):
            f = self.feats(s)
            return self._forward_alg(f) - self.score(f, tags)

        def forward(self, s):
            return self.viterbi(self.feats(s))

    data = [
        ("the wall street journal reported today".split(), "B I I I O O".split()),
        ("georgia tech is a university".split(), "B I O O B".split()),
    ]
    w2i = {}
    for s, t in data:
        for w in s:
            if w not in w2i:
                w2i[w] = len(w2i)
    t2i = {"B": 0, "I": 1, "O": 2, START: 3, STOP: 4}
    model = BiLSTM_CRF(len(w2i), t2i, 5, 4)
    opt = optim.SGD(model.parameters(), lr=0.01, weight_decay=0.0001)
    with torch.no_grad():
        print(model(prepare_sequence(data[0][0], w2i)))
    for e in range(5):
        for s, t in data:
            model.zero_grad()
            loss = model.nll(prepare_sequence(s, w2i), torch.tensor([t2i[x] for x in t], dtype=torch.long))
            loss.backward()
            opt.step()
        print(loss)
    with torch.no_grad():
        print(model(prepare_sequence(data[0][0], w2i)))

    class CRF(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.start, self.end, self.tr = (
                nn.Parameter(torch.empty(n)),
                nn.Parameter(torch.empty(n)),
                nn.Parameter(torch.empty(n, n)),
            )
            for p in (self.start, self.end, self.tr):
                nn.init.uniform_(p, -0.1, 0.1)

        def forward(self, em, tags, mask):
            T, B = tags.shape
            mask = mask.float()
            score = self.start[tags[0]] + em[0, torch.arange(B), tags[0]]
            for i in range(1, T):
                score += self.tr[tags[i - 1], tags[i]] * mask[i]
                score += em[i, torch.arange(B), tags[i]] * mask[i]
            ends = mask.long().sum(dim=0) - 1
            score += self.end[tags[ends, torch.arange(B)]]
            a = self.start + em[0]
            for i in range(1, T):
                nx = torch.logsumexp(a.unsqueeze(2) + self.tr + em[i].unsqueeze(1), dim=1)
                a = torch.where(mask[i].bool().unsqueeze(1), nx, a)
            return (score - torch.logsumexp(a + self.end, 1)).sum() / mask.sum()

    crf = CRF(4)
    em = torch.randn(5, 3, 4, requires_grad=True)
    tags = torch.randint(4, (5, 3))
    mask = torch.ones(5, 3, dtype=torch.uint8)
    mask[3:, 1] = 0
    mask[4, 2] = 0
    l = crf(em, tags, mask.bool())
    (-l).backward()
    print(l, em.grad[:, 1], crf.tr.grad)


@program
def optimizers_by_hand(torch):
    nn = torch.nn
    F = torch.nn.functional
    Optimizer = torch.optim.Optimizer
    _LRScheduler = torch.optim.lr_scheduler._LRScheduler
    LRScheduler = torch.optim.lr_scheduler.LRScheduler
    Opt2, required = (torch.optim.Optimizer, object())
    torch.manual_seed(0)

    class SAM(torch.optim.Optimizer):
        def __init__(self, params, base_optimizer, rho=0.05, adaptive=False, **kwargs):
            assert rho >= 0.0
            defaults = dict(rho=rho, adaptive=adaptive, **kwargs)
            super(SAM, self).__init__(params, defaults)
            self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
            self.param_groups = self.base_optimizer.param_groups
            self.defaults.update(self.base_optimizer.defaults)

        @torch.no_grad()
        def first_step(self, zero_grad=False):
            gn = self._grad_norm()
            for group in self.param_groups:
                scale = group["rho"] / (gn + 1e-12)
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    self.state[p]["old_p"] = p.data.clone()
                    e_w = (torch.pow(p, 2) if group["adaptive"] else 1.0) * p.grad * scale.to(p)
                    p.add_(e_w)
            if zero_grad:
                self.zero_grad()

        @torch.no_grad()
        def second_step(self, zero_grad=False):
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    p.data = self.state[p]["old_p"]
            self.base_optimizer.step()
            if zero_grad:
                self.zero_grad()

        @torch.no_grad()
        def step(self, closure=None):
            closure = torch.enable_grad()(closure)
            self.first_step(zero_grad=True)
            closure()
            self.second_step()

        def _grad_norm(self):
            dev = self.param_groups[0]["params"][0].device
            return torch.norm(
                torch.stack(
                    [
                        ((torch.abs(p) if group["adaptive"] else 1.0) * p.grad).norm(p=2).to(dev)
                        for group in self.param_groups
                        for p in group["params"]
                        if p.grad is not None
                    ]
                ),
                p=2,
            )

        def load_state_dict(self, sd):
            super().load_state_dict(sd)
            self.base_optimizer.param_groups = self.param_groups

    class Lookahead(Optimizer):
        def __init__(self, optimizer, k=2, alpha=0.5):
            self.optimizer, self.k, self.alpha = (optimizer, k, alpha)
            self.defaults = optimizer.defaults
            from collections import OrderedDict as OD

            self._optimizer_step_pre_hooks = OD()
            self._optimizer_step_post_hooks = OD()
            self.param_groups = self.optimizer.param_groups
            self.state = defaultdict(dict)
            self.fast_state = self.optimizer.state
            for g in self.param_groups:
                g["counter"] = 0

        def update(self, group):
            for fast in group["params"]:
                ps = self.state[fast]
                if "slow_param" not in ps:
                    ps["slow_param"] = torch.zeros_like(fast.data)
                    ps["slow_param"].copy_(fast.data)
                slow = ps["slow_param"]
                slow += (fast.data - slow) * self.alpha
                fast.data.copy_(slow)

        def step(self, closure=None):
            loss = self.optimizer.step(closure)
            for g in self.param_groups:
                if g["counter"] == 0:
                    self.update(g)
                g["counter"] += 1
                if g["counter"] >= self.k:
                    g["counter"] = 0
            return loss

    class Lamb(Opt2):
        def __init__(self, params, lr=0.001, betas=(0.9, 0.999), eps=1e-06, weight_decay=0):
            if not 0.0 <= lr:
                raise ValueError("Invalid learning rate: {}".format(lr))
            super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

        def __setstate__(self, state):
            super().__setstate__(state)
            for g in self.param_groups:
                g.setdefault("amsgrad", False)

        def step(self, closure=None):
            loss = None
            if closure is not None:
                loss = closure()
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    grad = p.grad.data
                    if grad.is_sparse:
                        raise RuntimeError("no")
                    state = self.state[p]
                    if len(state) == 0:
                        state["step"] = 0
                        state["exp_avg"] = torch.zeros_like(p.data, memory_format=torch.preserve_format)
                        state["exp_avg_sq"] = torch.zeros_like(p.data)
                    ea, eas = (state["exp_avg"], state["exp_avg_sq"])
                    b1, b2 = group["betas"]
                    state["step"] += 1
                    ea.mul_(b1).add_(grad, alpha=1 - b1)
                    eas.mul_(b2).addcmul_(grad, grad, value=1 - b2)
                    wn = p.data.pow(2).sum().sqrt().clamp(0, 10)
                    st = ea / eas.sqrt().add(group["eps"])
                    if group["weight_decay"] != 0:
                        st.add_(p.data, alpha=group["weight_decay"])
                    an = st.pow(2).sum().sqrt()
                    tr = 1 if wn == 0 or an == 0 else wn / an
                    state["weight_norm"], state["adam_norm"], state["trust_ratio"] = (wn, an, tr)
                    p.data.add_(st, alpha=-group["lr"] * tr)
            return loss

    class RAdamOld(Optimizer):
        def __init__(self, params, lr=0.001):
            self.buffer = [[None, None, None] for _ in range(10)]
            super().__init__(params, dict(lr=lr, betas=(0.9, 0.999), eps=1e-08))

        def step(self, closure=None):
            for g in self.param_groups:
                for p in g["params"]:
                    gr = p.grad.data.float()
                    pf = p.data.float()
                    s = self.state[p]
                    if len(s) == 0:
                        s["step"] = 0
                        s["m"] = torch.zeros_like(pf)
                        s["v"] = torch.zeros_like(pf)
                    else:
                        s["m"] = s["m"].type_as(pf)
                    b1, b2 = g["betas"]
                    s["v"].mul_(b2).addcmul_(gr, gr, value=1 - b2)
                    s["m"].mul_(b1).add_(gr, alpha=1 - b1)
                    s["step"] += 1
                    den = s["v"].sqrt().add_(g["eps"])
                    pf.addcdiv_(s["m"], den, value=-g["lr"] / (1 - b1 ** s["step"]))
                    p.data.copy_(pf)

    class Lion(Optimizer):
        def __init__(self, params, lr=0.0001, betas=(0.9, 0.99), weight_decay=0.0):
            super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

        @torch.no_grad()
        def step(self, closure=None):
            loss = None
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                for p in filter(lambda p: p.grad is not None, group["params"]):
                    g, lr, wd, b1, b2, st = (p.grad, group["lr"], group["weight_decay"], *group["betas"], self.state[p])
                    if len(st) == 0:
                        st["exp_avg"] = torch.zeros_like(p)
                    m = st["exp_avg"]
                    p.data.mul_(1 - lr * wd)
                    u = m.clone().mul_(b1).add(g, alpha=1 - b1).sign_()
                    p.add_(u, alpha=-lr)
                    m.mul_(b2).add_(g, alpha=1 - b2)
            return loss

    class LARS(Optimizer):
        def __init__(self, params, lr=required, momentum=0.9, wd=0.0005, eta=0.001):
            if lr is not required and lr < 0.0:
                raise ValueError
            super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=wd, eta=eta))

        @torch.no_grad()
        def step(self):
            for g in self.param_groups:
                for p in g["params"]:
                    dp = p.grad
                    if p.ndim > 1:
                        pn, un = (torch.norm(p), torch.norm(dp))
                        one = torch.ones_like(pn)
                        q = torch.where(pn > 0.0, torch.where(un > 0, g["eta"] * pn / un, one), one)
                        dp = dp.mul(q)
                    ps = self.state[p]
                    if "mu" not in ps:
                        ps["mu"] = torch.zeros_like(p)
                    mu = ps["mu"]
                    mu.mul_(g["momentum"]).add_(dp)
                    p.add_(mu, alpha=-g["lr"])

    class Adafactor(Optimizer):
        def __init__(self, params, lr=0.01):
            super().__init__(params, dict(lr=lr))

        def _rms(self, t):
            return t.norm(2) / t.numel() ** 0.5

        @torch.no_grad()
        def step(self):
            for g in self.param_groups:
                for p in g["params"]:
                    grad, st, sh = (p.grad, self.state[p], p.grad.shape)
                    if len(st) == 0:
                        st["step"] = 0
                        if len(sh) >= 2:
                            st["row"] = torch.zeros(sh[:-1]).to(grad)
                            st["col"] = torch.zeros(sh[:-2] + sh[-1:]).to(grad)
                        else:
                            st["sq"] = torch.zeros_like(grad)
                    st["step"] += 1
                    b2 = 1.0 - math.pow(st["step"], -0.8)
                    u = grad**2 + 1e-30
                    if len(sh) >= 2:
                        st["row"].mul_(b2).add_(u.mean(dim=-1), alpha=1 - b2)
                        st["col"].mul_(b2).add_(u.mean(dim=-2), alpha=1 - b2)
                        u = torch.mul(
                            (st["row"] / st["row"].mean(dim=-1, keepdim=True)).rsqrt_().unsqueeze(-1),
                            st["col"].unsqueeze(-2).rsqrt(),
                        ).mul_(grad)
                    else:
                        st["sq"].mul_(b2).add_(u, alpha=1 - b2)
                        u = st["sq"].rsqrt().mul_(grad)
                    u.div_((self._rms(u) / 1.0).clamp_(min=1.0))
                    p.add_(u, alpha=-g["lr"])

    X, Y = (torch.randn(24, 5), torch.randint(3, (24,)))

    def run(make, name):
        torch.manual_seed(1)
        m = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Linear(8, 3))
        o = make(m.parameters())
        out = []
        for i in range(4):

            def closure():
                o.zero_grad() if not isinstance(o, SAM) else None
                l = F.cross_entropy(m(X), Y)
                l.backward()
                return l

            if isinstance(o, SAM):
                l = closure()
                o.step(closure)
                o.zero_grad()
            else:
                l = closure()
                o.step()
            out.append(l.item())
        print(
            name,
            out,
            {k: v if not torch.is_tensor(v) else v.shape for k, v in list(o.state.values())[0].items()}
            if o.state
            else None,
        )
        return o

    run(lambda p: SAM(p, torch.optim.SGD, rho=0.5, adaptive=True, lr=0.1, momentum=0.9), "sam")
    run(lambda p: Lookahead(torch.optim.Adam(p, lr=0.01)), "look")
    o = run(lambda p: Lamb(p, lr=0.01, weight_decay=0.01), "lamb")
    print(o)
    o2 = copy.deepcopy(o)
    o2.load_state_dict(o.state_dict())
    print(o.state_dict()["param_groups"])
    run(lambda p: RAdamOld(p, lr=0.01), "radam")
    run(lambda p: Lion(p, lr=0.01, weight_decay=0.1), "lion")
    run(lambda p: LARS(p, lr=0.1), "lars")
    run(lambda p: Adafactor(p), "adafactor")

    class GradualWarmup(_LRScheduler):
        def __init__(self, optimizer, multiplier, total_epoch, after_scheduler=None):
            self.multiplier, self.total_epoch, self.after_scheduler, self.finished = (
                multiplier,
                total_epoch,
                after_scheduler,
                False,
            )
            super().__init__(optimizer)

        def get_lr(self):
            if self.last_epoch > self.total_epoch:
                if self.after_scheduler:
                    if not self.finished:
                        self.after_scheduler.base_lrs = [b * self.multiplier for b in self.base_lrs]
                        self.finished = True
                    return self.after_scheduler.get_last_lr()
                return [b * self.multiplier for b in self.base_lrs]
            return [b * ((self.multiplier - 1.0) * self.last_epoch / self.total_epoch + 1.0) for b in self.base_lrs]

        def step(self, epoch=None, metrics=None):
            if self.finished and self.after_scheduler:
                self.after_scheduler.step(None if epoch is None else epoch - self.total_epoch)
                self._last_lr = self.after_scheduler.get_last_lr()
            else:
                return super().step(epoch)

    sg = torch.optim.SGD([nn.Parameter(torch.zeros(2))], lr=0.1)
    sc = GradualWarmup(sg, 8, 3, torch.optim.lr_scheduler.CosineAnnealingLR(sg, 5))
    lrs = []
    for e in range(9):
        sg.step()
        sc.step()
        lrs.append(round(sg.param_groups[0]["lr"], 5))
    print(lrs, isinstance(sc, LRScheduler), sorted(k for k in sc.state_dict() if k != "after_scheduler"))

    class PolyLR(_LRScheduler):
        def __init__(self, o, mx, power=0.9, last_epoch=-1, min_lr=1e-06):
            self.power, self.mx, self.min_lr = (power, mx, min_lr)
            super(PolyLR, self).__init__(o, last_epoch)

        def get_lr(self):
            return [max(b * (1 - self.last_epoch / self.mx) ** self.power, self.min_lr) for b in self.base_lrs]

    sg = torch.optim.SGD([nn.Parameter(torch.zeros(2))], lr=0.1)
    sc = PolyLR(sg, 10)
    for e in range(3):
        sg.step()
        sc.step()
        print(sc.get_last_lr(), sc._step_count, sc.get_lr())
