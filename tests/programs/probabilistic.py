"""Probabilistic programs: flows, squashed policies, mixtures, relaxed classes, Bayesian networks, mixed precision."""

import math

from . import failure, program


@program
def coupling_flow(torch):
    nn, D = torch.nn, torch.distributions
    torch.manual_seed(0)

    class Coupling(D.Transform):
        domain = codomain = D.constraints.real_vector
        bijective = True

        def __init__(self, net, flip):
            super().__init__(cache_size=1)
            self.net, self.flip = net, flip

        def _parts(self, v):
            a, b = v.chunk(2, -1)
            return (b, a) if self.flip else (a, b)

        def _join(self, a, b):
            return torch.cat((b, a) if self.flip else (a, b), -1)

        def _call(self, x):
            a, b = self._parts(x)
            shift, log_scale = self.net(a).chunk(2, -1)
            return self._join(a, b * log_scale.tanh().exp() + shift)

        def _inverse(self, y):
            a, b = self._parts(y)
            shift, log_scale = self.net(a).chunk(2, -1)
            return self._join(a, (b - shift) * (-log_scale.tanh()).exp())

        def log_abs_det_jacobian(self, x, y):
            return self.net(self._parts(x)[0]).chunk(2, -1)[1].tanh().sum(-1)

    nets = nn.ModuleList([nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 2)) for _ in range(3)])
    base = D.Independent(D.Normal(torch.zeros(2), torch.ones(2)), 1)
    flow = D.TransformedDistribution(base, [Coupling(net, i % 2) for i, net in enumerate(nets)])
    data = torch.randn(64, 2) * torch.tensor([1.0, 0.3]) + torch.tensor([0.5, -1.0])
    optimizer = torch.optim.Adam(nets.parameters(), lr=0.02)
    losses = []
    for _ in range(8):
        loss = -flow.log_prob(data.clone()).mean()  # the transforms keep the last value
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    x = flow.rsample((4,))
    print(flow.event_shape, flow.batch_shape, flow.support)
    return losses, x, flow.log_prob(x), flow.transforms[0].inv(flow.transforms[0](data[:2]))


@program
def soft_actor(torch):
    nn, D, F = torch.nn, torch.distributions, torch.nn.functional
    torch.manual_seed(1)

    class TanhTransform(D.transforms.Transform):
        domain = D.constraints.real
        codomain = D.constraints.interval(-1.0, 1.0)
        bijective = True
        sign = +1

        def __eq__(self, other):
            return isinstance(other, TanhTransform)

        def _call(self, x):
            return x.tanh()

        def _inverse(self, y):
            return 0.5 * (y.log1p() - (-y).log1p())

        def log_abs_det_jacobian(self, x, y):
            return 2.0 * (math.log(2.0) - x - F.softplus(-2.0 * x))

    class SquashedNormal(D.transformed_distribution.TransformedDistribution):
        def __init__(self, loc, std):
            self.loc, self.std = loc, std
            super().__init__(D.Normal(loc, std), [TanhTransform(cache_size=1)])

        @property
        def mean(self):
            mu = self.loc
            for transform in self.transforms:
                mu = transform(mu)
            return mu

    actor, critic = nn.Linear(3, 4), nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=0.01)
    states, history = torch.randn(16, 3), []
    for _ in range(5):
        mu, log_std = actor(states).chunk(2, dim=-1)
        policy = SquashedNormal(mu, (-5 + 3.5 * (log_std.tanh() + 1)).exp())
        action = policy.rsample()
        log_prob = policy.log_prob(action).sum(-1, keepdim=True)
        loss = (0.2 * log_prob - critic(torch.cat([states, action], -1))).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append((loss.item(), policy.mean.mean().item()))
    return history, action, log_prob


@program
def beta_policy(torch):
    nn, D, F = torch.nn, torch.distributions, torch.nn.functional
    torch.manual_seed(2)
    policy = nn.Linear(4, 4)
    old = nn.Linear(4, 4)
    old.load_state_dict(policy.state_dict())
    states, advantages = torch.randn(32, 4), torch.randn(32)
    heads = lambda net: D.Independent(D.Beta(*(F.softplus(net(states)) + 1).chunk(2, -1)), 1)
    with torch.no_grad():
        before = heads(old)
        actions = before.sample()
        old_log_prob = before.log_prob(actions)
    optimizer, history = torch.optim.Adam(policy.parameters(), lr=0.05), []
    for _ in range(4):
        now = heads(policy)
        ratio = (now.log_prob(actions) - old_log_prob).exp()
        clipped = torch.min(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages)
        kl = D.kl_divergence(before, now).mean()
        loss = -clipped.mean() - 0.01 * now.entropy().mean() + 0.1 * kl
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
        optimizer.step()
        history.append((loss.item(), kl.item(), ratio.mean().item()))
    print(now, now.mean.shape, now.mode.shape)
    return history, actions, now.variance


@program
def mixture_density_network(torch):
    nn, D = torch.nn, torch.distributions
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 9))
    x = torch.linspace(-1, 1, 40).unsqueeze(1)
    y = torch.sin(4 * x) + 0.1 * torch.randn_like(x)
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=0.02), []
    for _ in range(6):
        weights, means, scales = net(x).chunk(3, -1)
        mixture = D.MixtureSameFamily(D.Categorical(logits=weights), D.Normal(means, scales.exp()))
        loss = -mixture.log_prob(y.squeeze(1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(mixture)
    return losses, mixture.mean[:3], mixture.variance[:3], mixture.sample((2,))[:, :4], mixture.cdf(y.squeeze(1))[:3]


@program
def relaxed_classes(torch):
    nn, D, F = torch.nn, torch.distributions, torch.nn.functional
    torch.manual_seed(4)
    encoder, decoder = nn.Linear(8, 6), nn.Linear(6, 8)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.05)
    data, history = (torch.rand(24, 8) > 0.5).float(), []
    for step in range(5):
        temperature = torch.tensor(max(0.5, math.exp(-0.3 * step)))
        logits = encoder(data).view(-1, 2, 3)
        code = D.RelaxedOneHotCategorical(temperature, logits=logits).rsample()
        hard = D.OneHotCategoricalStraightThrough(logits=logits).rsample()
        prior = D.Categorical(logits=torch.zeros_like(logits))
        kl = D.kl_divergence(D.Categorical(logits=logits), prior).sum(-1).mean()
        reconstruction = decoder(0.5 * (code + hard).flatten(1))
        loss = F.binary_cross_entropy_with_logits(reconstruction, data) + 0.1 * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append((loss.item(), kl.item()))
    gate = D.RelaxedBernoulli(torch.tensor(0.3), probs=torch.tensor([0.2, 0.7]))
    return history, code[0], hard[0], gate.rsample((3,)), gate.log_prob(torch.tensor([0.4, 0.6]))


@program
def bayes_by_backprop(torch):
    nn, D = torch.nn, torch.distributions
    torch.manual_seed(5)

    class Layer(nn.Module):
        def __init__(self, n_in, n_out):
            super().__init__()
            self.mu = nn.Parameter(torch.randn(n_out, n_in) * 0.1)
            self.rho = nn.Parameter(torch.full((n_out, n_in), -3.0))

        def forward(self, x):
            self.posterior = D.Normal(self.mu, nn.functional.softplus(self.rho))
            return x @ self.posterior.rsample().T

        def kl(self):
            return D.kl_divergence(self.posterior, D.Laplace(0.0, 1.0)).sum()

    net = nn.Sequential(Layer(2, 8), nn.ReLU(), Layer(8, 1))
    x = torch.randn(20, 2)
    y = (x[:, :1] - 0.5 * x[:, 1:]).tanh()
    optimizer, history = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9), []
    for _ in range(5):
        likelihood = D.StudentT(torch.tensor(4.0), net(x), 0.3).log_prob(y).sum()
        kl = sum(layer.kl() for layer in net if isinstance(layer, Layer))
        loss = (kl / 10 - likelihood) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append((loss.item(), kl.item()))
    return history


@program
def simplex_and_covariances(torch):
    D = torch.distributions
    torch.manual_seed(6)
    free = {
        "weights": torch.zeros(3, requires_grad=True),
        "scale": torch.zeros(2, requires_grad=True),
        "factor": torch.zeros(1, requires_grad=True),
    }
    regions = {"weights": D.constraints.simplex, "scale": D.constraints.positive, "factor": D.constraints.corr_cholesky}
    data = torch.randn(30, 2) @ torch.tensor([[1.0, 0.4], [0.0, 0.8]])
    optimizer, losses = torch.optim.Adam(free.values(), lr=0.1), []
    for _ in range(6):
        value = {name: D.biject_to(regions[name])(v) for name, v in free.items() if name != "weights"}
        value["weights"] = D.transform_to(regions["weights"])(free["weights"])
        factor = value["scale"].unsqueeze(-1) * value["factor"]
        model = D.MultivariateNormal(torch.zeros(2), scale_tril=factor)
        prior = D.Dirichlet(torch.tensor([2.0, 3.0, 4.0])).log_prob(value["weights"]) + D.LKJCholesky(2, 1.5).log_prob(
            value["factor"]
        )
        loss = -model.log_prob(data).mean() - 0.1 * prior
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    low_rank = D.LowRankMultivariateNormal(torch.zeros(3), torch.randn(3, 1), torch.ones(3))
    return losses, model.covariance_matrix, low_rank.rsample((2,)), low_rank.log_prob(torch.ones(3))


@program
def scaled_losses(torch):
    nn = torch.nn
    torch.manual_seed(7)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=12)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12, growth_interval=3)
    x, history = torch.randn(16, 4), []
    for step in range(10):
        with torch.autocast(device_type="cpu", enabled=False):
            loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
        if step == 4:
            loss = loss * float("inf")
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        before = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        if scaler.get_scale() >= before:
            schedule.step()
        history.append((scaler.get_scale(), optimizer.param_groups[0]["lr"], float(norm) if step != 4 else 0.0))
    return history, scaler.state_dict(), [p.detach() for p in net.parameters()]


@program
def complaints(torch):
    D = torch.distributions
    return [
        failure(call)
        for call in (
            lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), 3),
            lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform()),
            lambda: D.StudentT(-1.0),
            lambda: D.Pareto(1.0, 2.0).log_prob(torch.tensor(0.5)),
            lambda: D.RelaxedBernoulli(torch.tensor(1.0)),
            lambda: D.LKJCholesky(1),
            lambda: D.ReshapeTransform((2,), (3,)),
            lambda: D.transform_to(D.constraints.boolean),
            lambda: D.biject_to.register("text"),
            lambda: D.kl_divergence(D.StudentT(2.0), D.StudentT(2.0)),
            lambda: D.AffineTransform(0.0, 1.0, cache_size=2),
            lambda: D.ComposeTransform([D.ExpTransform(), D.SoftmaxTransform()]).forward_shape(torch.Size()),
        )
    ]
