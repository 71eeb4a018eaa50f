"""Reinforcement learning on tiny made-up worlds; graphs; generative models."""

import collections
import random

import numpy as np

from . import program


class _World:
    """A walk on a line of random pushes, with the interface of a gym."""

    def __init__(self, seed=0):
        self.rng = np.random.RandomState(seed)

    def reset(self):
        self.s, self.t = self.rng.randn(4) * 0.1, 0
        return self.s.copy()

    def step(self, a):
        self.s = 0.9 * self.s + 0.1 * (1 if a == 1 else -1) + 0.05 * self.rng.randn(4)
        self.t += 1
        return self.s.copy(), float(-abs(self.s).sum()), self.t >= 12, {}


@program
def reinforce(torch):
    nn, F, optim = torch.nn, torch.nn.functional, torch.optim
    Categorical = torch.distributions.Categorical

    class Policy(nn.Module):
        def __init__(self):
            super(Policy, self).__init__()
            self.data = []
            self.fc1, self.fc2 = nn.Linear(4, 16), nn.Linear(16, 2)
            self.optimizer = optim.Adam(self.parameters(), lr=0.0002)

        def forward(self, x):
            return F.softmax(self.fc2(F.relu(self.fc1(x))), dim=0)

        def train_net(self):
            R = 0
            self.optimizer.zero_grad()
            for r, prob in self.data[::-1]:
                R = r + 0.98 * R
                loss = -torch.log(prob) * R
                loss.backward()
            self.optimizer.step()
            self.data = []

    torch.manual_seed(0)
    env, pi, score = _World(), Policy(), 0.0
    for n_epi in range(3):
        s, done = env.reset(), False
        while not done:
            prob = pi(torch.from_numpy(s).float())
            m = Categorical(prob)
            a = m.sample()
            s, r, done, _ = env.step(a.item())
            pi.data.append((r, prob[a]))
            score += r
        pi.train_net()
    print(f"# of episode :{n_epi}, avg score : {score / 3:.3f}", m)
    return pi.fc1.weight, m.entropy(), m.log_prob(a)


@program
def dqn(torch):
    nn, F = torch.nn, torch.nn.functional

    class ReplayBuffer:
        def __init__(self):
            self.buffer = collections.deque(maxlen=500)

        def sample(self, n):
            batch = random.sample(self.buffer, n)
            s, a, r, s2, d = zip(*batch)
            f = torch.float
            return (torch.tensor(np.array(s), dtype=f), torch.tensor([[x] for x in a]), torch.tensor([[x] for x in r]),
                    torch.tensor(np.array(s2), dtype=f), torch.tensor([[x] for x in d]))  # fmt: skip

    class Qnet(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(4, 16), nn.Linear(16, 2)

        def forward(self, x):
            return self.fc2(F.relu(self.fc1(x)))

        def sample_action(self, obs, epsilon):
            out = self.forward(obs)
            return random.randint(0, 1) if random.random() < epsilon else out.argmax().item()

    torch.manual_seed(1), random.seed(1)
    q, q_target, memory, env = Qnet(), Qnet(), ReplayBuffer(), _World(1)
    q_target.load_state_dict(q.state_dict())
    optimizer = torch.optim.Adam(q.parameters(), lr=0.0005)
    for _ in range(5):
        s, done = env.reset(), False
        while not done:
            a = q.sample_action(torch.from_numpy(s).float(), 0.1)
            s2, r, done, _ = env.step(a)
            memory.buffer.append((s, a, r / 100.0, s2, 0.0 if done else 1.0))
            s = s2
    for _ in range(5):
        s, a, r, s2, mask = memory.sample(32)
        q_a = q(s).gather(1, a)
        target = r + 0.98 * q_target(s2).max(1)[0].unsqueeze(1) * mask
        loss = F.smooth_l1_loss(q_a, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for p_target, p in zip(q_target.parameters(), q.parameters()):
            p_target.data.copy_(p_target.data * 0.995 + p.data * 0.005)
    return loss, q_a, q_target.fc1.weight


@program
def ppo(torch):
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(2)
    body, pi_head, v_head = nn.Linear(4, 16), nn.Linear(16, 2), nn.Linear(16, 1)
    params = [*body.parameters(), *pi_head.parameters(), *v_head.parameters()]
    optimizer = torch.optim.Adam(params, lr=0.0005)
    pi = lambda x, softmax_dim=0: F.softmax(pi_head(F.relu(body(x))), dim=softmax_dim)
    v = lambda x: v_head(F.relu(body(x)))
    env, data = _World(2), []
    s, done = env.reset(), False
    while not done:
        prob = pi(torch.from_numpy(s).float())
        a = torch.distributions.Categorical(prob).sample().item()
        s2, r, done, _ = env.step(a)
        data.append((s, [a], [r / 100.0], s2, [prob[a].item()], [0 if done else 1]))
        s = s2
    s, a, r, s2, prob_a, mask = (torch.tensor(np.array(x)) for x in zip(*data))
    s, s2, r, prob_a = s.float(), s2.float(), r.float(), prob_a.float()
    for _ in range(3):
        td_target = r + 0.98 * v(s2) * mask
        delta = (td_target - v(s)).detach().numpy()
        advantage, lst = 0.0, []
        for d in delta[::-1]:
            advantage = 0.98 * 0.95 * advantage + d[0]
            lst.append([advantage])
        lst.reverse()
        advantage = torch.tensor(lst, dtype=torch.float)
        pi_a = pi(s, softmax_dim=1).gather(1, a)
        ratio = torch.exp(torch.log(pi_a) - torch.log(prob_a))
        surr = torch.min(ratio * advantage, torch.clamp(ratio, 0.9, 1.1) * advantage)
        loss = -surr + F.smooth_l1_loss(v(s), td_target.detach())
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    return loss, advantage, body.weight


@program
def sac_style_gaussian_policy(torch):
    F, D = torch.nn.functional, torch.distributions
    torch.manual_seed(3)
    net, log_alpha = torch.nn.Linear(3, 2), torch.tensor(np.log(0.01))
    log_alpha.requires_grad = True
    mu, std = net(torch.randn(6, 3)).chunk(2, dim=1)
    std = F.softplus(std)
    dist = D.Normal(mu, std)
    action = dist.rsample()
    log_prob = dist.log_prob(action)
    real = torch.tanh(action)
    real_log_prob = log_prob - torch.log(1 - torch.tanh(action).pow(2) + 1e-7)
    squashed = D.TransformedDistribution(dist, [D.TanhTransform(cache_size=1)])
    loss = (-real + log_alpha.exp() * real_log_prob).mean()
    loss.backward()
    kl = D.kl_divergence(dist, D.Normal(0.0, 1.0)).sum()
    print(dist, round(squashed.log_prob(real.detach()).sum().item(), 2))
    return loss, action, log_alpha.grad, net.weight.grad, kl, dist.entropy()


@program
def graph_convolution(torch):
    nn, F = torch.nn, torch.nn.functional

    class GraphConvolution(nn.Module):
        def __init__(self, in_features, out_features, bias=True):
            super(GraphConvolution, self).__init__()
            self.in_features, self.out_features = in_features, out_features
            self.weight = nn.Parameter(torch.FloatTensor(in_features, out_features))
            if bias:
                self.bias = nn.Parameter(torch.FloatTensor(out_features))
            else:
                self.register_parameter("bias", None)
            stdv = 1.0 / self.weight.size(1) ** 0.5
            self.weight.data.uniform_(-stdv, stdv)
            if self.bias is not None:
                self.bias.data.uniform_(-stdv, stdv)

        def forward(self, input, adj):
            output = torch.mm(adj, torch.mm(input, self.weight))
            return output + self.bias if self.bias is not None else output

        def __repr__(self):
            return self.__class__.__name__ + " (" + str(self.in_features) + " -> " + str(self.out_features) + ")"

    torch.manual_seed(4)
    adj = (torch.rand(8, 8) > 0.6).float()
    adj = adj + adj.t() + torch.eye(8)
    adj = torch.where(adj > 0, torch.ones_like(adj), torch.zeros_like(adj))
    d = adj.sum(1).pow(-0.5).flatten()
    d[torch.isinf(d)] = 0.0
    adj = torch.diag(d) @ adj @ torch.diag(d)
    features, labels = torch.randn(8, 5), torch.LongTensor([0, 1, 2, 0, 1, 2, 0, 1])
    gc1, gc2 = GraphConvolution(5, 6), GraphConvolution(6, 3, bias=False)
    optimizer = torch.optim.Adam([*gc1.parameters(), *gc2.parameters()], lr=0.01, weight_decay=5e-4)
    idx = torch.LongTensor(range(4))
    for _ in range(5):
        optimizer.zero_grad()
        output = F.log_softmax(gc2(F.relu(gc1(features, adj)), adj), dim=1)
        loss = F.nll_loss(output[idx], labels[idx])
        loss.backward()
        optimizer.step()
    preds = output.max(1)[1].type_as(labels)
    print(gc1, gc2, preds.eq(labels).double().sum().item() / len(labels))
    a = nn.Parameter(torch.empty(size=(6, 1)))
    nn.init.xavier_uniform_(a.data, gain=1.414)
    h = gc1(features, adj)
    e = F.leaky_relu(h @ a + (h @ a).T, 0.2)
    attention = F.softmax(torch.where(adj > 0, e, -9e15 * torch.ones_like(e)), dim=1)
    return loss, output, attention


@program
def message_passing_by_index(torch):
    torch.manual_seed(5)
    edge = torch.tensor([[0, 1, 2, 3, 0], [1, 2, 0, 0, 3]])
    x = torch.randn(4, 3, requires_grad=True)
    out = torch.zeros(4, 3).index_add_(0, edge[1], x[edge[0]])
    mean = torch.zeros(4, 3).scatter_add(0, edge[1].unsqueeze(1).expand(-1, 3), x[edge[0]])
    deg = torch.bincount(edge[1], minlength=4)
    best = torch.full((4, 3), -1e9).scatter_reduce(0, edge[1][:, None].expand(-1, 3), x[edge[0]], reduce="amax")
    (out.relu().sum() + (mean / deg[:, None].clamp(min=1)).pow(2).sum() + best.clamp(min=-1).sum()).backward()
    return out, deg, best, x.grad


@program
def gan(torch):
    nn = torch.nn

    def weights_init_normal(m):
        classname = m.__class__.__name__
        if classname.find("Linear") != -1:
            torch.nn.init.normal_(m.weight.data, 0.0, 0.2)
        elif classname.find("BatchNorm") != -1:
            torch.nn.init.normal_(m.weight.data, 1.0, 0.02)
            torch.nn.init.constant_(m.bias.data, 0.0)

    torch.manual_seed(6)

    def block(in_feat, out_feat, normalize=True):
        layers = [nn.Linear(in_feat, out_feat)]
        if normalize:
            layers.append(nn.BatchNorm1d(out_feat, 0.8))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        return layers

    Tensor = torch.cuda.FloatTensor if torch.cuda.is_available() else torch.FloatTensor
    generator = nn.Sequential(*block(4, 8, normalize=False), *block(8, 12), nn.Linear(12, 6), nn.Tanh()).double()
    discriminator = nn.Sequential(
        nn.Linear(6, 8), nn.LeakyReLU(0.2, inplace=True), nn.Linear(8, 1), nn.Sigmoid()
    ).double()
    generator.apply(weights_init_normal)
    adversarial_loss = torch.nn.BCELoss()
    g_opt = torch.optim.Adam(generator.parameters(), lr=0.002, betas=(0.5, 0.999))
    d_opt = torch.optim.Adam(discriminator.parameters(), lr=0.002, betas=(0.5, 0.999))
    for i in range(4):
        real = torch.autograd.Variable(torch.randn(10, 6).double())
        valid = torch.autograd.Variable(Tensor(10, 1).fill_(1.0), requires_grad=False).double()
        fake = torch.autograd.Variable(Tensor(10, 1).fill_(0.0), requires_grad=False).double()
        g_opt.zero_grad()
        z = torch.autograd.Variable(Tensor(np.random.RandomState(i).normal(0, 1, (10, 4)))).double()
        gen = generator(z)
        g_loss = adversarial_loss(discriminator(gen), valid)
        g_loss.backward()
        g_opt.step()
        d_opt.zero_grad()
        d_loss = (
            adversarial_loss(discriminator(real), valid) + adversarial_loss(discriminator(gen.detach()), fake)
        ) / 2
        d_loss.backward()
        d_opt.step()
        print("[Epoch %d] [D loss: %f] [G loss: %f]" % (i, d_loss.item(), g_loss.item()))
    return gen, g_loss, d_loss


@program
def wgan_gradient_penalty(torch):
    nn = torch.nn
    torch.manual_seed(7)
    D = nn.Sequential(nn.Linear(6, 12), nn.LeakyReLU(0.2), nn.Linear(12, 1))
    real, fake = torch.randn(8, 6), torch.randn(8, 6)
    alpha = torch.rand(8, 1)
    interpolates = (alpha * real + ((1 - alpha) * fake)).requires_grad_(True)
    d = D(interpolates)
    ones = torch.autograd.Variable(torch.FloatTensor(8, 1).fill_(1.0), requires_grad=False)
    gradients = torch.autograd.grad(
        outputs=d, inputs=interpolates, grad_outputs=ones, create_graph=True, retain_graph=True, only_inputs=True
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    penalty = ((gradients.norm(2, dim=1) - 1) ** 2).mean()
    loss = -torch.mean(D(real)) + torch.mean(D(fake)) + 10 * penalty
    loss.backward()
    for p in D.parameters():
        p.data.clamp_(-0.01, 0.01)
    return penalty, loss, [p.grad for p in D.parameters()], list(D.parameters())


@program
def dcgan_shapes(torch):
    nn = torch.nn
    torch.manual_seed(8)
    G = nn.Sequential(
        nn.ConvTranspose2d(5, 8, 4, 1, 0, bias=False), nn.BatchNorm2d(8), nn.ReLU(True),
        nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    D = nn.Sequential(
        nn.Conv2d(3, 6, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(6, 1, 4, 1, 0), nn.Sigmoid()
    )
    out = D(G(torch.randn(3, 5, 1, 1)))
    label = torch.full((3,), 1.0, dtype=torch.float)
    loss = nn.BCELoss()(out.view(-1), label)
    loss.backward()
    print(G, D)
    return loss, out, G[0].weight.grad, nn.utils.parameters_to_vector(D.parameters())


@program
def variational_autoencoder(torch):
    nn, F = torch.nn, torch.nn.functional

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc21, self.fc22 = nn.Linear(12, 8), nn.Linear(8, 2), nn.Linear(8, 2)
            self.fc3, self.fc4 = nn.Linear(2, 8), nn.Linear(8, 12)

        def reparameterize(self, mu, logvar):
            std = torch.exp(0.5 * logvar)
            return mu + torch.randn_like(std) * std

        def forward(self, x):
            h = F.relu(self.fc1(x.view(-1, 12)))
            mu, logvar = self.fc21(h), self.fc22(h)
            z = self.reparameterize(mu, logvar)
            return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar

    torch.manual_seed(9)
    model, x = VAE(), torch.rand(10, 1, 3, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(4):
        recon, mu, logvar = model(x)
        bce = F.binary_cross_entropy(recon, x.view(-1, 12), reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        optimizer.zero_grad()
        (bce + kld).backward()
        optimizer.step()
    return bce, kld, recon


@program
def diffusion(torch):
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(10)
    betas = torch.linspace(1e-4, 0.02, 50)
    alphas = 1.0 - betas
    bar = torch.cumprod(alphas, dim=0)
    prev = F.pad(bar[:-1], (1, 0), value=1.0)
    x0, t = torch.randn(6, 2), torch.randint(0, 50, (6,)).long()
    noise = torch.randn_like(x0)
    xt = bar.sqrt().gather(-1, t).reshape(6, 1) * x0 + (1 - bar).sqrt()[t].view(-1, 1) * noise
    half = torch.exp(-torch.arange(4) * np.log(10000) / 3)
    emb = t[:, None] * half[None, :]
    emb = torch.cat((emb.sin(), emb.cos()), dim=-1)
    net = nn.Sequential(nn.Linear(10, 16), nn.SiLU(), nn.GroupNorm(4, 16), nn.Mish(), nn.Linear(16, 2))
    ema = [p.clone().detach() for p in net.parameters()]
    opt = torch.optim.RAdam(net.parameters(), lr=1e-2)
    for _ in range(3):
        loss = F.huber_loss(net(torch.cat([xt, emb], 1)), noise)
        opt.zero_grad()
        loss.backward()
        opt.step()
        for e, p in zip(ema, net.parameters()):
            e.lerp_(p.detach(), 0.1)
    variance = betas * (1.0 - prev) / (1.0 - bar)
    with torch.inference_mode():
        x = torch.randn(2, 2)
        for i in reversed(range(3)):
            x = (x - 0.1 * net(torch.cat([x, emb[:2]], 1))) / alphas[i].sqrt() + (
                variance[i].sqrt() * torch.randn_like(x) if i else 0
            )
    return loss, ema, x, variance


@program
def mcmc_and_bayes(torch):
    D = torch.distributions
    torch.manual_seed(11)
    prior = D.Independent(D.Normal(torch.zeros(2), 2 * torch.ones(2)), 1)
    data = torch.randn(20, 2) + torch.tensor([1.0, -1.0])

    def potential(q):
        return -(prior.log_prob(q) + D.MultivariateNormal(q, torch.eye(2)).log_prob(data).sum())

    q = torch.zeros(2)
    for _ in range(5):
        p = torch.randn(2)
        for _ in range(4):
            q = q.detach().requires_grad_()
            (g,) = torch.autograd.grad(potential(q), q)
            p = p - 0.05 * g
            q = q + 0.05 * p
    beta, gamma, dirichlet = (
        D.Beta(torch.tensor([2.0]), torch.tensor([3.0])),
        D.Gamma(2.0, 3.0),
        D.Dirichlet(torch.ones(3) * 2),
    )
    x = torch.tensor([0.3])
    print(beta, prior, D.Bernoulli(0.3), D.Poisson(2.0))
    return (
        q, beta.log_prob(x), gamma.mean, dirichlet.log_prob(torch.tensor([0.2, 0.3, 0.5])), D.Bernoulli(logits=x).log_prob(torch.ones(1)),
        D.Poisson(x).log_prob(torch.tensor([2.0])), D.Binomial(5, probs=x).log_prob(torch.tensor([2.0])), D.Laplace(0.0, 1.0).cdf(x),
        D.kl_divergence(D.Beta(1.0, 2.0), D.Beta(2.0, 2.0)), D.Multinomial(5, torch.ones(3)).log_prob(torch.tensor([1.0, 2, 2])),
    )  # fmt: skip
