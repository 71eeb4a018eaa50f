"""Respectable idioms, as people write them: none of them may be taken for a mistake."""

import copy

import pytest
from mistaken import fresh  # noqa: F401 (a fixture)

import tensorlite as tl
from tensorlite import nn
from tensorlite.nn import functional as F
from tensorlite.optim import LBFGS, SGD, Adam

IDIOMS = {}


def idiom(function):
    IDIOMS[function.__name__] = function


def batch(n=12):
    return tl.randn(n, 4), tl.arange(n) % 3


def net(outputs=3):
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, outputs))


def noisy():
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.Linear(8, 3))


@idiom
def zero_at_end():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    x, y = batch()
    for _ in range(6):
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()


@idiom
def model_zero_grad():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    x, y = batch()
    for _ in range(6):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


@idiom
def grad_none_loop():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    x, y = batch()
    for _ in range(6):
        for p in model.parameters():
            p.grad = None
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


@idiom
def multi_loss_retain():
    model = net()
    optimizer = Adam(model.parameters())
    x, y = batch()
    for _ in range(8):
        optimizer.zero_grad()
        out = model(x)
        a = F.cross_entropy(out, y)
        b = out.square().mean()
        a.backward(retain_graph=True)
        b.backward()
        optimizer.step()


@idiom
def same_model_two_opts():
    model = net()
    a = SGD(model[0].parameters(), lr=0.1)
    b = Adam(model[2].parameters())
    x, y = batch()
    for _ in range(6):
        a.zero_grad()
        b.zero_grad()
        F.cross_entropy(model(x), y).backward()
        a.step()
        b.step()


@idiom
def alternating():
    e, d = nn.Linear(4, 2), nn.Linear(2, 4)
    a = SGD(e.parameters(), lr=0.1)
    b = SGD(d.parameters(), lr=0.1)
    x, _ = batch()
    for _ in range(8):
        for optimizer in (a, b):
            a.zero_grad()
            b.zero_grad()
            F.mse_loss(d(e(x)), x).backward()
            optimizer.step()


@idiom
def alternating_zero_own():
    e, d = nn.Linear(4, 2), nn.Linear(2, 4)
    a = SGD(e.parameters(), lr=0.1)
    b = SGD(d.parameters(), lr=0.1)
    x, _ = batch()
    for i in range(8):
        optimizer = a if i % 2 else b
        optimizer.zero_grad()
        F.mse_loss(d(e(x)), x).backward()
        optimizer.step()


@idiom
def gan_generator_grads_into_d():
    g, d = nn.Linear(2, 4), nn.Linear(4, 1)
    og = Adam(g.parameters())
    od = Adam(d.parameters())
    for _ in range(6):
        z = tl.randn(6, 2)
        od.zero_grad()
        (
            F.binary_cross_entropy_with_logits(d(tl.randn(6, 4)), tl.ones(6, 1))
            + F.binary_cross_entropy_with_logits(d(g(z).detach()), tl.zeros(6, 1))
        ).backward()
        od.step()
        og.zero_grad()
        F.binary_cross_entropy_with_logits(d(g(z)), tl.ones(6, 1)).backward()
        og.step()


@idiom
def n_critic():
    g, d = nn.Linear(2, 4), nn.Linear(4, 1)
    og = Adam(g.parameters())
    od = Adam(d.parameters())
    for i in range(9):
        z = tl.randn(6, 2)
        od.zero_grad()
        (d(g(z)).mean() - d(tl.randn(6, 4)).mean()).backward()
        od.step()
        if i % 3 == 0:
            og.zero_grad()
            (-d(g(z)).mean()).backward()
            og.step()


@idiom
def lbfgs():
    model = net()
    optimizer = LBFGS(model.parameters())
    x, y = batch()

    def c():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(c)


@idiom
def reinforce():
    model = net()
    optimizer = Adam(model.parameters())
    for _ in range(5):
        lp = []
        for _ in range(5):
            p = tl.distributions.Categorical(logits=model(tl.randn(4)))
            a = p.sample()
            lp.append(p.log_prob(a))
        R = tl.randn(5)
        loss = tl.stack([-loss * r for loss, r in zip(lp, R)]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@idiom
def epoch_loss_backward_at_end():
    model = net()
    optimizer = Adam(model.parameters())
    x, y = batch()
    for _ in range(5):
        t = 0
        for _ in range(4):
            t = t + F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        t.backward()
        optimizer.step()


@idiom
def best_loss_kept():
    model = net()
    optimizer = Adam(model.parameters())
    x, y = batch()
    best = None
    for _ in range(12):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        if best is None or loss < best:
            best = loss


@idiom
def last_few_losses():
    model = net()
    optimizer = Adam(model.parameters())
    x, y = batch()
    h = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        h.append(loss.detach())


@idiom
def tbptt():
    c = nn.LSTM(4, 5, batch_first=True)
    f = nn.Linear(5, 3)
    optimizer = Adam([*c.parameters(), *f.parameters()])
    s = None
    for _ in range(6):
        out, s = c(tl.randn(2, 3, 4), s)
        s = tuple(t.detach() for t in s)
        optimizer.zero_grad()
        F.cross_entropy(f(out[:, -1]), tl.tensor([0, 1])).backward()
        optimizer.step()


@idiom
def maml():
    w = tl.randn(4, 3, requires_grad=True)
    optimizer = SGD([w], lr=0.1)
    x, y = batch()
    for _ in range(6):
        (g,) = tl.autograd.grad(F.cross_entropy(x @ w, y), w, create_graph=True)
        optimizer.zero_grad()
        F.cross_entropy(x @ (w - 0.1 * g), y).backward()
        optimizer.step()


@idiom
def grad_penalty():
    d = net(1)
    optimizer = Adam(d.parameters())
    for _ in range(5):
        x = tl.randn(6, 4, requires_grad=True)
        (g,) = tl.autograd.grad(d(x).sum(), x, create_graph=True)
        optimizer.zero_grad()
        ((g.norm(dim=1) - 1) ** 2).mean().backward()
        optimizer.step()


@idiom
def unfreeze_new_group():
    b, h = nn.Linear(4, 8), nn.Linear(8, 3)
    b.requires_grad_(False)
    optimizer = Adam(h.parameters())
    x, y = batch()
    for i in range(6):
        if i == 3:
            b.requires_grad_(True)
            optimizer.add_param_group({"params": b.parameters()})
        optimizer.zero_grad()
        F.cross_entropy(h(b(x)), y).backward()
        optimizer.step()


@idiom
def filter_params():
    model = net()
    model[0].requires_grad_(False)
    optimizer = Adam(filter(lambda p: p.requires_grad, model.parameters()))
    x, y = batch()
    for _ in range(5):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


@idiom
def ema():
    model = net()
    e = copy.deepcopy(model)
    optimizer = Adam(model.parameters())
    x, y = batch()
    for _ in range(5):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        with tl.no_grad():
            for p, q in zip(e.parameters(), model.parameters()):
                p.lerp_(q, 0.1)
        e.eval()
        with tl.no_grad():
            F.cross_entropy(e(x), y)


@idiom
def dqn():
    q, t = net(), net()
    t.load_state_dict(q.state_dict())
    optimizer = Adam(q.parameters())
    for _ in range(6):
        s, a = batch()
        with tl.no_grad():
            target = tl.randn(12) + 0.9 * t(tl.randn(12, 4)).max(1).values
        v = q(s).gather(1, a[:, None]).squeeze(1)
        optimizer.zero_grad()
        F.smooth_l1_loss(v, target).backward()
        optimizer.step()


@idiom
def dqn_bn():
    q, t = (
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)),
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)),
    )
    optimizer = Adam(q.parameters())
    for _ in range(6):
        s, a = batch()
        with tl.no_grad():
            target = tl.randn(12) + 0.9 * t(s).max(1).values
        v = q(s).gather(1, a[:, None]).squeeze(1)
        optimizer.zero_grad()
        F.smooth_l1_loss(v, target).backward()
        optimizer.step()


@idiom
def pseudo_labels():
    model = noisy()
    optimizer = Adam(model.parameters())
    x, y = batch()
    for _ in range(4):
        with tl.no_grad():
            lab = model(x).argmax(1)  # noisy student, in training mode
        optimizer.zero_grad()
        F.cross_entropy(model(x), lab).backward()
        optimizer.step()


@idiom
def train_accuracy_on_tape():
    model = noisy()
    optimizer = Adam(model.parameters())
    x, y = batch()
    for _ in range(4):
        optimizer.zero_grad()
        out = model(x)
        F.cross_entropy(out, y).backward()
        optimizer.step()
        with tl.no_grad():
            (out.argmax(1) == y).float().mean()


@idiom
def train_loss_logging_no_grad():
    model = noisy()
    optimizer = Adam(model.parameters())
    x, y = batch()
    for _ in range(4):
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        with tl.no_grad():
            F.mse_loss(out.softmax(1), F.one_hot(y, 3).float())


@idiom
def mse_scalar_target():
    model = nn.Linear(4, 1)
    x, _ = batch()
    F.mse_loss(model(x).mean(), tl.tensor(0.0))
    F.mse_loss(model(x), tl.zeros(12, 1))
    F.mse_loss(model(x).squeeze(), tl.zeros(12))


@idiom
def softmax_attention_then_ce():
    model = nn.MultiheadAttention(4, 2, batch_first=True)
    f = nn.Linear(4, 3)
    optimizer = Adam([*model.parameters(), *f.parameters()])
    for _ in range(3):
        x = tl.randn(2, 5, 4)
        a, _ = model(x, x, x)
        optimizer.zero_grad()
        F.cross_entropy(f(a).reshape(-1, 3), tl.zeros(10).long()).backward()
        optimizer.step()


@idiom
def mixture_softmax_scaled():
    x = tl.randn(6, 3, requires_grad=True)
    F.cross_entropy(x.softmax(1) * 10, tl.zeros(6).long())


@idiom
def kl_between():
    x = tl.randn(6, 3, requires_grad=True)
    F.kl_div(F.log_softmax(x, 1), tl.randn(6, 3).softmax(1), reduction="batchmean")


@idiom
def ignore_index():
    F.cross_entropy(tl.randn(4, 3, requires_grad=True), tl.tensor([0, -100, 2, 1]))


@idiom
def swa():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    a = tl.optim.swa_utils.AveragedModel(model)
    s = tl.optim.swa_utils.SWALR(optimizer, swa_lr=0.05)
    x, y = batch()
    for _ in range(5):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        a.update_parameters(model)
        s.step()


@idiom
def sched_per_batch():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    s = tl.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    x, y = batch()
    for _ in range(9):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        s.step()


@idiom
def warm_restart_resume():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    s = tl.optim.lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    s.step()
    again = SGD(model.parameters(), lr=0.1)
    again.load_state_dict(optimizer.state_dict())
    s2 = tl.optim.lr_scheduler.StepLR(again, 2)
    s2.load_state_dict(s.state_dict())
    again.step()
    s2.step()


@idiom
def adversarial():
    model = net()
    x, y = batch()
    model.eval()
    for _ in range(4):
        x = x.detach().requires_grad_(True)
        F.cross_entropy(model(x), y).backward()
        x = x + 0.1 * x.grad.sign()


@idiom
def style_transfer():
    img = tl.randn(1, 3, 8, 8, requires_grad=True)
    net = nn.Conv2d(3, 4, 3)
    optimizer = Adam([img], lr=0.1)
    for _ in range(6):
        optimizer.zero_grad()
        net(img).square().mean().backward()
        optimizer.step()


@idiom
def style_transfer_hidden():
    class S(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = [nn.Conv2d(3, 4, 3).requires_grad_(False)]
            self.img = nn.Parameter(tl.randn(1, 3, 8, 8))

        def forward(self):
            return self.features[0](self.img)

    model = S()
    optimizer = Adam(model.parameters(), lr=0.1)
    for _ in range(6):
        optimizer.zero_grad()
        model().square().mean().backward()
        optimizer.step()


@idiom
def loss_modules_in_list():
    class S(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)
            self.losses = [nn.CrossEntropyLoss(), nn.L1Loss()]
            self.cfg = {"a": nn.ReLU()}

        def forward(self, x):
            return self.cfg["a"](self.fc(x))

    model = S()
    optimizer = Adam(model.parameters())
    x, y = batch()
    for _ in range(4):
        optimizer.zero_grad()
        model.losses[0](model(x), y).backward()
        optimizer.step()


@idiom
def replay_buffer():
    class A(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)
            self.buffer = [(tl.randn(4), 0)] * 5000

        def forward(self, x):
            return self.fc(x)

    model = A()
    optimizer = Adam(model.parameters())
    x, y = batch()
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


@idiom
def clip_inplace_grad():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    x, y = batch()
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        for p in model.parameters():
            p.grad.clamp_(-1, 1)
        optimizer.step()


@idiom
def weight_clamp():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    x, y = batch()
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        for p in model.parameters():
            p.data.clamp_(-0.5, 0.5)


@idiom
def inplace_relu_bn():
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Linear(8, 3))
    optimizer = SGD(model.parameters(), lr=0.1)
    x, y = batch()
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.eval()
    with tl.no_grad():
        (model(x).argmax(1) == y).sum()


@idiom
def mc_single_repeat():
    model = noisy()
    x, y = batch()
    with tl.no_grad():
        p = model(x.repeat(10, 1)).softmax(1).reshape(10, 12, 3).mean(0)
        (p.argmax(1) == y).sum()


@idiom
def tape_logger():
    model = net()
    optimizer = Adam(model.parameters())
    x, y = batch()
    tot = 0.0
    for _ in range(8):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        tot += loss.item() * len(x)


@idiom
def amp():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    s = tl.amp.GradScaler("cpu", enabled=False)
    x, y = batch()
    for _ in range(4):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        s.scale(loss).backward()
        s.step(optimizer)
        s.update()


@pytest.mark.parametrize("name", IDIOMS)
def test_silent(name):
    """Warnings are errors here."""
    IDIOMS[name]()
