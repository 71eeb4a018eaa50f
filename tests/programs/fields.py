"""Networks of coordinates: sines, physics-informed losses, Fourier operators, Gaussian processes, Kalman filters."""

import math
from collections import OrderedDict

import numpy as np

from . import program


@program
def sine_networks_and_physics(torch):
    nn = torch.nn
    torch.manual_seed(0)

    class SineLayer(nn.Module):
        def __init__(self, i, o, bias=True, is_first=False, omega_0=30):
            super().__init__()
            self.omega_0, self.is_first, self.i = (omega_0, is_first, i)
            self.linear = nn.Linear(i, o, bias=bias)
            self.init_weights()

        def init_weights(self):
            with torch.no_grad():
                if self.is_first:
                    self.linear.weight.uniform_(-1 / self.i, 1 / self.i)
                else:
                    self.linear.weight.uniform_(-np.sqrt(6 / self.i) / self.omega_0, np.sqrt(6 / self.i) / self.omega_0)

        def forward(self, x):
            return torch.sin(self.omega_0 * self.linear(x))

    class Siren(nn.Module):
        def __init__(self, i, h, L, o, fo=30, ho=30.0):
            super().__init__()
            self.net = [SineLayer(i, h, is_first=True, omega_0=fo)]
            for _ in range(L):
                self.net.append(SineLayer(h, h, omega_0=ho))
            fl = nn.Linear(h, o)
            with torch.no_grad():
                fl.weight.uniform_(-np.sqrt(6 / h) / ho, np.sqrt(6 / h) / ho)
            self.net.append(fl)
            self.net = nn.Sequential(*self.net)

        def forward(self, coords):
            coords = coords.clone().detach().requires_grad_(True)
            return (self.net(coords), coords)

    def get_mgrid(s, dim=2):
        return torch.stack(torch.meshgrid(*(torch.linspace(-1, 1, steps=s),) * dim, indexing="ij"), dim=-1).reshape(
            -1, dim
        )

    def divergence(y, x):
        div = 0.0
        for i in range(y.shape[-1]):
            div += torch.autograd.grad(y[..., i], x, torch.ones_like(y[..., i]), create_graph=True)[0][..., i : i + 1]
        return div

    def gradient(y, x, grad_outputs=None):
        if grad_outputs is None:
            grad_outputs = torch.ones_like(y)
        return torch.autograd.grad(y, [x], grad_outputs=grad_outputs, create_graph=True)[0]

    s = Siren(2, 16, 1, 1)
    c = get_mgrid(6)
    pix = torch.rand(36, 1)
    o = torch.optim.Adam(lr=0.0001, params=s.parameters())
    for st in range(3):
        out, co = s(c)
        l = ((out - pix) ** 2).mean()
        g = gradient(out, co)
        lap = divergence(g, co)
        l2 = l + 1e-06 * (lap**2).mean()
        o.zero_grad()
        l2.backward()
        o.step()
        print("Step %d, Total loss %0.6f" % (st, l), g.norm(dim=-1).mean(), lap.abs().mean())

    class DNN(torch.nn.Module):
        def __init__(self, layers):
            super(DNN, self).__init__()
            self.depth = len(layers) - 1
            self.activation = torch.nn.Tanh
            ll = list()
            for i in range(self.depth - 1):
                ll.append(("layer_%d" % i, torch.nn.Linear(layers[i], layers[i + 1])))
                ll.append(("activation_%d" % i, self.activation()))
            ll.append(("layer_%d" % (self.depth - 1), torch.nn.Linear(layers[-2], layers[-1])))
            self.layers = torch.nn.Sequential(OrderedDict(ll))

        def forward(self, x):
            return self.layers(x)

    class PINN:
        def __init__(self, X_u, u, X_f, layers, lb, ub, nu):
            self.lb, self.ub = (torch.tensor(lb).float(), torch.tensor(ub).float())
            self.x_u = torch.tensor(X_u[:, 0:1], requires_grad=True).float()
            self.t_u = torch.tensor(X_u[:, 1:2], requires_grad=True).float()
            self.x_f = torch.tensor(X_f[:, 0:1], requires_grad=True).float()
            self.t_f = torch.tensor(X_f[:, 1:2], requires_grad=True).float()
            self.u = torch.tensor(u).float()
            self.lambda_1 = torch.nn.Parameter(torch.tensor([0.0], requires_grad=True))
            self.nu = nu
            self.dnn = DNN(layers)
            self.dnn.register_parameter("lambda_1", self.lambda_1)
            self.optimizer = torch.optim.LBFGS(
                self.dnn.parameters(),
                lr=1.0,
                max_iter=12,
                max_eval=50,
                history_size=50,
                tolerance_grad=1e-05,
                tolerance_change=1.0 * np.finfo(float).eps,
                line_search_fn="strong_wolfe",
            )
            self.iter = 0

        def net_u(self, x, t):
            return self.dnn(torch.cat([x, t], dim=1))

        def net_f(self, x, t):
            u = self.net_u(x, t)
            u_t = torch.autograd.grad(u, t, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
            u_x = torch.autograd.grad(u, x, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
            u_xx = torch.autograd.grad(u_x, x, grad_outputs=torch.ones_like(u_x), retain_graph=True, create_graph=True)[
                0
            ]
            return u_t + u * u_x - self.nu * u_xx

        def loss_func(self):
            self.optimizer.zero_grad()
            lu = torch.mean((self.u - self.net_u(self.x_u, self.t_u)) ** 2)
            lf = torch.mean(self.net_f(self.x_f, self.t_f) ** 2)
            loss = lu + lf
            loss.backward()
            self.iter += 1
            if self.iter % 4 == 0:
                print(
                    "Iter %d, Loss: %.5e, Loss_u: %.5e, Loss_f: %.5e" % (self.iter, loss.item(), lu.item(), lf.item())
                )
            return loss

        def train(self):
            self.dnn.train()
            self.optimizer.step(self.loss_func)

    rs = np.random.RandomState(0)
    Xu = rs.rand(20, 2) * 2 - 1
    u = -np.sin(np.pi * Xu[:, :1])
    Xf = rs.rand(40, 2) * 2 - 1
    p = PINN(Xu, u, Xf, [2, 10, 10, 1], [-1.0, 0.0], [1.0, 1.0], 0.01 / np.pi)
    p.train()
    print(sum(q.numel() for q in p.dnn.parameters()), list(p.dnn.state_dict())[:2])
    X, Y = np.mgrid[0:2, 0:3]
    print(torch.from_numpy(X), torch.tensor(np.hstack([X.flatten()[:, None], Y.flatten()[:, None]])).dtype)


@program
def operators_and_energies(torch):
    nn = torch.nn
    F = torch.nn.functional
    grad = torch.func.grad
    hessian = torch.func.hessian
    jacfwd = torch.func.jacfwd
    torch.manual_seed(0)
    np.random.seed(0)

    class SpectralConv2d(nn.Module):
        def __init__(s, i, o, m1, m2):
            super().__init__()
            s.o, s.m1, s.m2 = (o, m1, m2)
            sc = 1 / (i * o)
            s.weights1, s.weights2 = [nn.Parameter(sc * torch.rand(i, o, m1, m2, dtype=torch.cfloat)) for _ in range(2)]

        def mul(s, a, w):
            return torch.einsum("bixy,ioxy->boxy", a, w)

        def forward(s, x):
            b = x.shape[0]
            xf = torch.fft.rfft2(x)
            of = torch.zeros(b, s.o, x.size(-2), x.size(-1) // 2 + 1, dtype=torch.cfloat, device=x.device)
            of[:, :, : s.m1, : s.m2] = s.mul(xf[:, :, : s.m1, : s.m2], s.weights1)
            of[:, :, -s.m1 :, : s.m2] = s.mul(xf[:, :, -s.m1 :, : s.m2], s.weights2)
            return torch.fft.irfft2(of, s=(x.size(-2), x.size(-1)))

    class FNO(nn.Module):
        def __init__(s):
            super().__init__()
            s.p = nn.Linear(3, 6)
            s.c = SpectralConv2d(6, 6, 3, 3)
            s.w = nn.Conv2d(6, 6, 1)
            s.n = nn.InstanceNorm2d(6)
            s.q = nn.Conv2d(6, 1, 1)

        def grid(s, sh):
            b, nx, ny = (sh[0], sh[1], sh[2])
            gx = torch.tensor(np.linspace(0, 1, nx), dtype=torch.float).reshape(1, nx, 1, 1).repeat([b, 1, ny, 1])
            gy = torch.tensor(np.linspace(0, 1, ny), dtype=torch.float).reshape(1, 1, ny, 1).repeat([b, nx, 1, 1])
            return torch.cat((gx, gy), dim=-1)

        def forward(s, x):
            x = torch.cat((x, s.grid(x.shape)), dim=-1)
            x = s.p(x).permute(0, 3, 1, 2)
            x = F.pad(x, [0, 2, 0, 2])
            x = F.gelu(s.n(s.c(s.n(x))) + s.w(x))
            x = x[..., :-2, :-2]
            return s.q(x).permute(0, 2, 3, 1)

    class LpLoss:
        def __call__(s, x, y):
            n = x.size()[0]
            return torch.sum(torch.norm(x.reshape(n, -1) - y.reshape(n, -1), 2, 1) / torch.norm(y.reshape(n, -1), 2, 1))

    f = FNO()
    o = torch.optim.Adam(f.parameters(), lr=0.01, weight_decay=0.0001)
    x, y = (torch.randn(3, 8, 8, 1), torch.randn(3, 8, 8, 1))
    sc = torch.optim.lr_scheduler.OneCycleLR(
        o, max_lr=0.02, total_steps=6, div_factor=10000.0, pct_start=0.2, final_div_factor=10000.0
    )
    for i in range(4):
        o.zero_grad()
        l = LpLoss()(f(x), y)
        l.backward()
        o.step()
        sc.step()
        print(l.item(), f.c.weights1.grad.abs().sum().item(), sc.get_last_lr())
    print(sum(p.numel() * (2 if p.is_complex() else 1) for p in f.parameters()))

    class HNN(nn.Module):
        def __init__(s):
            super().__init__()
            s.m = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1, bias=None))
            [nn.init.orthogonal_(l.weight) for l in s.m if isinstance(l, nn.Linear)]
            s.M = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])

        def forward(s, x):
            F2 = s.m(x)
            dF = torch.autograd.grad(F2.sum(), x, create_graph=True)[0]
            return dF @ s.M.t()

    h = HNN()
    o = torch.optim.Adam(h.parameters(), 0.001, weight_decay=0.0001)
    x = torch.tensor(np.random.rand(10, 2), requires_grad=True, dtype=torch.float32)
    dx = torch.stack([x[:, 1], -x[:, 0]], 1).detach()
    for i in range(3):
        l = (dx - h(x)).pow(2).mean()
        l.backward()
        o.step()
        o.zero_grad()
        print(l)
    L = nn.Sequential(nn.Linear(2, 8), nn.Softplus(), nn.Linear(8, 1))

    def lag(q, qd):
        return L(torch.cat([q, qd])).squeeze() + 0.5 * qd.pow(2).sum()

    q, qd = (torch.tensor([0.3]), torch.tensor([0.5]))
    H = hessian(lag, 1)(q, qd)
    qdd = torch.linalg.pinv(H) @ (grad(lag, 0)(q, qd) - jacfwd(grad(lag, 1), 0)(q, qd) @ qd)
    print(qdd)
    qdd.sum().backward()
    print(L[0].weight.grad.norm())
    J = torch.autograd.functional.jacobian(lambda a: L(a).squeeze(), torch.randn(5, 2))
    print(J.shape, J.diagonal(dim1=0, dim2=1).sum())
    k = nn.Parameter(torch.tensor(1.0))
    pos, vel = ([torch.tensor([1.0, 0.0])], torch.zeros(2))
    for t in range(10):
        a = -k * pos[-1] - 0.1 * vel
        vel = vel + 0.1 * a
        pos.append(pos[-1] + 0.1 * vel)
    l = (torch.stack(pos)[-1] - torch.tensor([0.5, 0.0])).norm()
    l.backward()
    print(l, k.grad)

    def dopri(f, y, t0, t1, rtol=0.0001, atol=1e-05):
        t, h, n = (torch.as_tensor(t0, dtype=y.dtype), torch.as_tensor(0.1, dtype=y.dtype), 0)
        while t < t1:
            h = torch.min(h, torch.as_tensor(t1, dtype=y.dtype) - t)
            k1 = f(t, y)
            k2 = f(t + h / 2, y + h / 2 * k1)
            k3 = f(t + 3 * h / 4, y + 3 * h / 4 * k2)
            yn = y + h * (2 * k1 + 3 * k2 + 4 * k3) / 9
            k4 = f(t + h, yn)
            e = h * (-5 * k1 / 72 + k2 / 12 + k3 / 9 - k4 / 8)
            tol = atol + rtol * torch.max(y.abs(), yn.abs())
            r = (e / tol).pow(2).mean().sqrt()
            n += 1
            if r <= 1:
                t, y = (t + h, yn)
            h = h * torch.clamp(0.9 * r.clamp_min(1e-08) ** (-1 / 3), 0.2, 5.0).detach()
        return (y, n)

    fn = nn.Linear(2, 2)
    y1, n = dopri(lambda t, y: torch.tanh(fn(y)) * torch.cos(t), torch.ones(3, 2), 0.0, 2.0)
    y1.sum().backward()
    print(n, y1[0], fn.weight.grad)
    S = nn.Sequential(nn.Linear(3, 16), nn.SiLU(), nn.Linear(16, 2))
    o = torch.optim.Adam(S.parameters(), 0.01)

    def std(t, s=25.0):
        return torch.sqrt((s ** (2 * t) - 1.0) / 2.0 / np.log(s))

    for i in range(3):
        x = torch.randn(8, 2)
        t = torch.rand(x.shape[0]) * (1.0 - 1e-05) + 1e-05
        z = torch.randn_like(x)
        sd = std(t)
        sco = S(torch.cat([x + z * sd[:, None], t[:, None]], 1)) / sd[:, None]
        l = torch.mean(torch.sum((sco * sd[:, None] + z) ** 2, dim=1))
        o.zero_grad()
        l.backward()
        o.step()
        print(l.item())
    x = torch.randn(4, 2, requires_grad=True)
    v = torch.randn_like(x)
    sco = S(torch.cat([x, torch.zeros(4, 1)], 1))
    gv = torch.autograd.grad((sco * v).sum(), x, create_graph=True)[0]
    ssm = ((gv * v).sum(-1) + 0.5 * (sco**2).sum(-1)).mean()
    ssm.backward()
    print(ssm)
    E_ = nn.Sequential(nn.Linear(2, 8), nn.SiLU(), nn.Linear(8, 1))
    xs = torch.rand(6, 2)
    for p in E_.parameters():
        p.requires_grad = False
    xs.requires_grad = True
    for i in range(4):
        noise = torch.zeros_like(xs.data).normal_(0, 0.005)
        xs.data.add_(noise.data)
        xs.data.clamp_(min=-1.0, max=1.0)
        out = -E_(xs)
        out.sum().backward()
        xs.grad.data.clamp_(-0.03, 0.03)
        xs.data.add_(-10 * xs.grad.data)
        xs.grad.detach_()
        xs.grad.zero_()
    for p in E_.parameters():
        p.requires_grad = True
    print(xs.detach()[0], xs.grad.sum())

    class RBM(nn.Module):
        def __init__(s, v, h):
            super().__init__()
            s.W, s.vb, s.hb = (
                nn.Parameter(torch.randn(h, v) * 0.01),
                nn.Parameter(torch.zeros(v)),
                nn.Parameter(torch.zeros(h)),
            )

        def samp(s, p):
            return F.relu(torch.sign(p - torch.rand(p.size())))

        def forward(s, v):
            h = s.samp(torch.sigmoid(F.linear(v, s.W, s.hb)))
            for _ in range(2):
                v_ = s.samp(torch.sigmoid(F.linear(h, s.W.t(), s.vb)))
                h = s.samp(torch.sigmoid(F.linear(v_, s.W, s.hb)))
            return (v, v_)

        def fe(s, v):
            return (-F.linear(v, s.W, s.hb).exp().add(1).log().sum(1) - v.mv(s.vb)).mean()

    r = RBM(6, 4)
    o = torch.optim.SGD(r.parameters(), lr=0.1)
    for i in range(3):
        d = torch.rand(5, 6).bernoulli()
        v, v1 = r(d)
        l = r.fe(v) - r.fe(v1)
        o.zero_grad()
        l.backward()
        o.step()
        print(l.item(), r.vb.data)
    C = torch.cdist(torch.randn(4, 2), torch.randn(5, 2)) ** 2
    C.requires_grad_()
    u = torch.zeros(4)
    mu, nu = (torch.full((4,), 0.25), torch.full((5,), 0.2))
    for _ in range(20):
        vv = 0.1 * (torch.log(nu + 1e-08) - torch.logsumexp((u[:, None] - C) / 0.1, dim=0))
        u = 0.1 * (torch.log(mu + 1e-08) - torch.logsumexp((vv[None] - C) / 0.1, dim=-1))
    P = torch.exp((u[:, None] + vv[None] - C) / 0.1)
    (P * C).sum().backward()
    print(P.sum(0), C.grad.sum())
    D = torch.rand(4, 5, requires_grad=True)
    R = {(i, j): torch.tensor(float("inf")) for i in range(5) for j in range(6)}
    R[0, 0] = torch.tensor(0.0)
    for i in range(1, 5):
        for j in range(1, 6):
            R[i, j] = D[i - 1, j - 1] - 0.5 * torch.logsumexp(
                torch.stack([-R[i - 1, j - 1], -R[i - 1, j], -R[i, j - 1]]) / 0.5, 0
            )
    R[4, 5].backward()
    print(R[4, 5], D.grad)
    s = torch.randn(5, requires_grad=True)
    A = (s[:, None] - s[None]).abs()
    Bm = A.sum(1)
    ns = torch.softmax(((6 - 2 * torch.arange(1, 6)).float()[:, None] * s[None] - Bm[None]) / 0.5, -1)
    (ns @ s).diff().pow(2).sum().backward()
    print(ns.argmax(1), s.grad)
    print(
        torch.trapz(torch.sin(torch.linspace(0, math.pi, 20)), dx=math.pi / 19),
        torch.cumulative_trapezoid(torch.ones(4)),
        torch.gradient(torch.tensor([1.0, 4.0, 9.0]))[0],
        torch.special.expit(torch.tensor(0.0)),
        torch.special.gammaln(torch.tensor(4.5)),
        torch.bucketize(torch.tensor([0.5, 2.0]), torch.tensor([0.0, 1.0, 2.0])),
    )


@program
def gaussian_processes_and_filters(torch):
    nn = torch.nn
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)

    class GP(nn.Module):
        def __init__(self):
            super().__init__()
            self.raw_l = nn.Parameter(torch.zeros(1))
            self.raw_s = nn.Parameter(torch.tensor(0.0))
            self.raw_n = nn.Parameter(torch.tensor(-2.0))
            self.softplus = torch.nn.Softplus()

        def kernel(self, a, b):
            return self.softplus(self.raw_s) * torch.exp(
                -0.5 * torch.cdist(a, b).pow(2) / self.softplus(self.raw_l) ** 2
            )

        def nll(self, x, y):
            K = self.kernel(x, x) + self.softplus(self.raw_n) * torch.eye(len(x))
            self.L = torch.linalg.cholesky(K)
            self.alpha = torch.cholesky_solve(y.unsqueeze(-1), self.L)
            return 0.5 * y @ self.alpha.squeeze() + self.L.diagonal().log().sum() + 0.5 * len(x) * math.log(2 * math.pi)

        def predict(self, x, xs):
            Ks = self.kernel(x, xs)
            v = torch.linalg.solve_triangular(self.L, Ks, upper=False)
            return ((Ks.T @ self.alpha).squeeze(), self.kernel(xs, xs) - v.T @ v)

    x = torch.linspace(0, 1, 12).unsqueeze(-1) * 6
    y = torch.sin(x).squeeze() + 0.1 * torch.randn(12)
    gp = GP()
    dist = lambda a, b: (a.unsqueeze(1) - b.unsqueeze(0)).pow(2).sum(-1)
    print(torch.allclose(dist(x, x), torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").pow(2)))

    class GP2(GP):
        def kernel(self, a, b):
            return self.softplus(self.raw_s) * torch.exp(-0.5 * dist(a, b) / self.softplus(self.raw_l) ** 2)

    gp = GP2()
    o = torch.optim.Adam(gp.parameters(), lr=0.1)
    for i in range(5):
        o.zero_grad()
        l = gp.nll(x, y)
        l.backward()
        o.step()
        print(i, l.item(), gp.raw_l.grad)
    with torch.no_grad():
        m, c = gp.predict(x, torch.tensor([[0.5], [2.5]]))
        print(m, c)
    lb = torch.optim.LBFGS(gp.parameters(), max_iter=5, line_search_fn="strong_wolfe")
    print(lb.step(lambda: (lb.zero_grad(), (l := gp.nll(x, y)), l.backward())[1] if False else cl()) if False else None)

    def cl():
        lb.zero_grad()
        l = gp.nll(x, y)
        l.backward()
        return l

    print(lb.step(cl), [p.data for p in gp.parameters()])
    mvn = torch.distributions.MultivariateNormal(
        torch.zeros(12), covariance_matrix=gp.kernel(x, x).detach() + 1e-06 * torch.eye(12)
    )
    print(mvn.log_prob(y), mvn.entropy(), mvn.rsample((2,)).shape, mvn.scale_tril[3, :4], mvn.precision_matrix.shape)
    A = torch.randn(3, 3, requires_grad=True)
    S = A @ A.mT + torch.eye(3)
    (torch.logdet(S) + torch.linalg.inv(S).trace() + torch.inverse(S)[0, 0] + torch.linalg.slogdet(S)[1]).backward()
    print(A.grad)
    U, s, Vh = torch.linalg.svd(A.detach(), full_matrices=False)
    print(s, torch.linalg.cond(A.detach()), torch.linalg.matrix_rank(A.detach()))
    ev, evec = torch.linalg.eigh(S)
    ev.detach_()
    w2 = torch.linalg.eigvalsh(A @ A.mT + torch.eye(3))
    w2.log().sum().backward()
    print(A.grad.norm())
    print(
        torch.linalg.lstsq(x, y.unsqueeze(1)).solution,
        torch.linalg.multi_dot([x.T, x, x.T]).shape,
        torch.linalg.matrix_exp(A.detach() * 0.1),
        torch.linalg.matrix_power(A.detach(), 3),
        torch.linalg.solve(S.detach(), torch.ones(3)),
        torch.linalg.norm(A.detach(), "nuc"),
        torch.linalg.vector_norm(A.detach(), ord=1),
        torch.linalg.det(A.detach()),
    )
    F_, H, Q, R = (
        torch.tensor([[1.0, 1.0], [0.0, 1.0]]),
        torch.tensor([[1.0, 0.0]]),
        nn.Parameter(torch.eye(2) * 0.1),
        nn.Parameter(torch.tensor([[0.5]])),
    )
    z = torch.arange(8.0) + torch.randn(8) * 0.3
    mu, P, ll = (torch.zeros(2), torch.eye(2), 0.0)
    for t in range(8):
        mu = F_ @ mu
        P = F_ @ P @ F_.T + Q
        inn = z[t : t + 1] - H @ mu
        Sg = H @ P @ H.t() + R
        K = P @ H.T @ Sg.inverse()
        mu = mu + K @ inn
        P = (torch.eye(2) - K @ H) @ P
        ll = ll - 0.5 * (inn @ Sg.inverse() @ inn + torch.logdet(Sg) + math.log(2 * math.pi))
    ll.backward()
    print(mu, P, ll, Q.grad, R.grad)
    logA, logB, logpi = (
        torch.log_softmax(torch.randn(3, 3), 1),
        torch.log_softmax(torch.randn(3, 5), 1),
        torch.log_softmax(torch.randn(3), 0),
    )
    obs = torch.randint(5, (7,))
    a = logpi + logB[:, obs[0]]
    for ob in obs[1:]:
        a = torch.logsumexp(a.unsqueeze(1) + logA, 0) + logB[:, ob]
    print(torch.logsumexp(a, 0))
    d = logpi + logB[:, obs[0]]
    bp = []
    for ob in obs[1:]:
        v, i = (d[:, None] + logA).max(0)
        bp.append(i)
        d = v + logB[:, ob]
    print(d.max(0), torch.stack(bp))
    X = torch.cat([torch.randn(20, 2) * 0.5 + c for c in torch.tensor([[0.0, 0.0], [3.0, 3.0], [0.0, 4.0]])])
    C = X[torch.randperm(60)[:3]].clone()
    for _ in range(4):
        lab = torch.cdist(X, C).argmin(1)
        C = torch.stack([X[lab == k].mean(0) if (lab == k).any() else C[k] for k in range(3)])
        C2 = torch.zeros_like(C).index_add_(0, lab, X) / torch.bincount(lab, minlength=3)[:, None]
    print(C, torch.allclose(C, C2), lab.unique(return_counts=True))
    Xc = X - X.mean(0)
    u, s, v = torch.svd(Xc)
    print(s, (Xc @ v[:, :1]).abs().sum(), torch.pca_lowrank(X, q=2)[1], torch.cov(X.T), torch.corrcoef(X.T)[0, 1])
    pi, mu, var = (torch.ones(3) / 3, C, torch.ones(3, 2))
    for _ in range(3):
        lp = (
            torch.distributions.Independent(torch.distributions.Normal(mu, var.sqrt()), 1).log_prob(X.unsqueeze(1))
            + pi.log()
        )
        r = torch.softmax(lp, 1)
        N = r.sum(0)
        mu = r.T @ X / N[:, None]
        var = r.T @ X.pow(2) / N[:, None] - mu**2 + 1e-06
        pi = N / N.sum()
    print(lp.logsumexp(1).mean(), mu)
    mix = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(probs=pi),
        torch.distributions.Independent(torch.distributions.Normal(mu, var.sqrt()), 1),
    )
    print(mix.log_prob(X[:3]), mix.sample((2,)).shape, mix.mean)
    D = torch.cdist(X, X)
    Pm = torch.softmax(-D.pow(2).masked_fill(torch.eye(60).bool(), float("inf")), 1)
    Y = (torch.randn(60, 2) * 0.01).requires_grad_()
    for _ in range(3):
        num = 1 / (1 + torch.pdist(Y).pow(2))
        q = num / (2 * num.sum())
        iu = torch.triu_indices(60, 60, 1)
        pp = ((Pm + Pm.T) / 120)[iu[0], iu[1]]
        kl = (pp * (pp.clamp_min(1e-12).log() - q.log())).sum()
        (g,) = torch.autograd.grad(kl, Y)
        Y.data -= 10 * g
    print(kl)
    torch.set_default_dtype(torch.float32)
