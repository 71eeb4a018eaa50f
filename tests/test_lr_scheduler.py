"""Schedules against PyTorch: more than 50 steps, resumed in the middle, states exchanged."""

import math
import warnings

import pytest

import tensorlite as tl
from tensorlite import optim

torch = pytest.importorskip("torch")


def seq(s, o):
    return s.SequentialLR(
        o,
        [s.LinearLR(o, 0.1, total_iters=4), s.ExponentialLR(o, 0.9), s.CosineAnnealingLR(o, 10)],
        milestones=[5, 20],
    )


SCHEDULES = {
    "lambda": lambda s, o: s.LambdaLR(o, lambda e: 0.95**e),
    "lambdas": lambda s, o: s.LambdaLR(o, [lambda e: 1 / (e + 1), lambda e: 0.5 ** (e // 10)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.95 if e % 2 else 1.0),
    "step": lambda s, o: s.StepLR(o, 7, gamma=0.5),
    "multistep": lambda s, o: s.MultiStepLR(o, [3, 3, 10, 40], gamma=0.3),
    "constant": lambda s, o: s.ConstantLR(o, 0.25, total_iters=9),
    "linear": lambda s, o: s.LinearLR(o, 0.2, 0.7, total_iters=13),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.93),
    "polynomial": lambda s, o: s.PolynomialLR(o, total_iters=30, power=1.7),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, T_max=13, eta_min=0.003),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=5),
    "restarts-growing": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=0.01),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.01, 0.3, step_size_up=6, step_size_down=9),
    "cyclic-halving": lambda s, o: s.CyclicLR(o, [0.01, 0.02], [0.3, 0.2], step_size_up=6, mode="triangular2"),
    "cyclic-exp": lambda s, o: s.CyclicLR(o, 0.01, 0.3, step_size_up=6, mode="exp_range", gamma=0.97),
    "cyclic-own": lambda s, o: s.CyclicLR(
        o, 0.01, 0.3, step_size_up=6, scale_fn=lambda x: 1 / (x + 1), scale_mode="iterations", cycle_momentum=False
    ),
    "onecycle": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=60),
    "onecycle-three": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.2], epochs=6, steps_per_epoch=10, anneal_strategy="linear", three_phase=True, pct_start=0.4
    ),
    "sequential": seq,
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, total_iters=8), s.ExponentialLR(o, 0.97)]),
}


def optimizers(kind="SGD"):
    out = []
    for m in (tl, torch):
        a, b = m.zeros(2, requires_grad=True), m.zeros(3, requires_grad=True)
        groups = [{"params": [a]}, {"params": [b], "lr": 0.04}]
        options = dict(lr=0.1, momentum=0.9) if kind == "SGD" else dict(lr=0.1)
        out.append(getattr(m.optim, kind)(groups, **options))
    return out


def values(opt):
    return [g[k] for g in opt.param_groups for k in ("lr", "momentum", "betas") if k in g]


def flat(x):
    return [v for item in x for v in (item if isinstance(item, tuple) else (item,))]


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_fifty_steps(name, kind):
    a, b = optimizers(kind)
    x, y = SCHEDULES[name](optim.lr_scheduler, a), SCHEDULES[name](torch.optim.lr_scheduler, b)
    for i in range(59):
        assert flat(values(a)) == pytest.approx(flat(values(b)), rel=1e-12), i
        assert x.get_last_lr() == pytest.approx(y.get_last_lr(), rel=1e-12)
        a.step()
        b.step()
        x.step()
        y.step()
    assert set(x.state_dict()) == set(y.state_dict())


@pytest.mark.parametrize("name", SCHEDULES)
def test_resumed_from_pytorch(name):
    a, b = optimizers()
    y = SCHEDULES[name](torch.optim.lr_scheduler, b)
    for _ in range(17):
        b.step()
        y.step()
    x = SCHEDULES[name](optim.lr_scheduler, a)
    a.load_state_dict(b.state_dict())
    x.load_state_dict(y.state_dict())
    for _ in range(40):
        a.step(), b.step(), x.step(), y.step()
        assert flat(values(a)) == pytest.approx(flat(values(b)), rel=1e-12)


@pytest.mark.parametrize(
    "name", ["lambda", "step", "multistep", "linear", "exponential", "polynomial", "cosine", "constant"]
)
def test_last_epoch_and_closed_forms(name):
    from inspect import signature

    classes = {"lambda": "LambdaLR", "step": "StepLR", "multistep": "MultiStepLR", "linear": "LinearLR",
               "exponential": "ExponentialLR", "polynomial": "PolynomialLR", "cosine": "CosineAnnealingLR",
               "constant": "ConstantLR"}  # fmt: skip
    extra = {"lambda": dict(lr_lambda=lambda e: 0.9**e), "step": dict(step_size=4), "multistep": dict(milestones=[5]),
             "exponential": dict(gamma=0.9), "cosine": dict(T_max=8)}.get(name, {})  # fmt: skip
    a, b = optimizers()
    for o in (a, b):
        for g in o.param_groups:
            g["initial_lr"] = g["lr"]
    x = getattr(optim.lr_scheduler, classes[name])(a, **extra, last_epoch=6)
    y = getattr(torch.optim.lr_scheduler, classes[name])(b, **extra, last_epoch=6)
    assert list(signature(type(x)).parameters) == list(signature(type(y)).parameters)
    for _ in range(10):
        assert values(a) == pytest.approx(values(b), rel=1e-12)
        a.step(), b.step(), x.step(), y.step()
    for epoch in (0, 3, 12, 40):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x.step(epoch), y.step(epoch)
        assert values(a) == pytest.approx(values(b), rel=1e-12)
    fresh, _ = optimizers()
    with pytest.raises(KeyError, match="initial_lr"):
        getattr(optim.lr_scheduler, classes[name])(fresh, **extra, last_epoch=6)


@pytest.mark.parametrize(
    "options",
    [
        dict(patience=2),
        dict(mode="max", factor=0.5, patience=0, cooldown=2),
        dict(patience=1, threshold=0.1, threshold_mode="abs", min_lr=[0.01, 0.02]),
        dict(mode="max", threshold_mode="abs", patience=1, eps=0.02),
    ],
)
def test_plateau(options):
    a, b = optimizers()
    x = optim.lr_scheduler.ReduceLROnPlateau(a, **options)
    y = torch.optim.lr_scheduler.ReduceLROnPlateau(b, **options)
    for i in range(50):
        metric = abs(math.sin(i * 1.7)) / (1 + i // 12)
        x.step(tl.tensor(metric))
        y.step(torch.tensor(metric))
        assert values(a) == pytest.approx(values(b), rel=1e-12)
        if i == 25:
            again = optim.lr_scheduler.ReduceLROnPlateau(a, **options)
            again.load_state_dict(y.state_dict())
            x = again
    assert x.state_dict() == y.state_dict()


def test_swa_schedule():
    for options in (dict(), dict(anneal_epochs=5, anneal_strategy="linear"), dict(anneal_epochs=0)):
        a, b = optimizers()
        x = optim.swa_utils.SWALR(a, swa_lr=0.02, **options)
        y = torch.optim.swa_utils.SWALR(b, swa_lr=0.02, **options)
        for _ in range(20):
            a.step(), b.step(), x.step(), y.step()
            assert values(a) == pytest.approx(values(b), rel=1e-9)


def test_a_tensor_rate_is_filled():
    w = tl.zeros(1, requires_grad=True)
    rate = tl.tensor(0.5)
    opt = optim.Adam([w], lr=rate)
    schedule = optim.lr_scheduler.ExponentialLR(opt, 0.5)
    opt.step()
    schedule.step()
    assert rate.item() == 0.25 and opt.param_groups[0]["lr"] is rate


def test_warnings():
    a, _ = optimizers()
    schedule = optim.lr_scheduler.StepLR(a, 3)
    with pytest.warns(UserWarning, match="before `optimizer.step\\(\\)`"):
        schedule.step()
    a, _ = optimizers()
    schedule = optim.lr_scheduler.StepLR(a, 3)
    a.step()
    schedule.step()  # no warning: warnings are errors here
    with pytest.warns(UserWarning, match="get_last_lr"):
        schedule.get_lr()
    with pytest.warns(UserWarning, match="epoch parameter"):
        schedule.step(4)


def test_a_user_s_schedule_and_isinstance():
    class Warmup(optim.lr_scheduler._LRScheduler):
        def __init__(self, optimizer, steps):
            self.steps = steps
            super().__init__(optimizer)

        def get_lr(self):
            return [base * min(1, (self.last_epoch + 1) / self.steps) for base in self.base_lrs]

    a, _ = optimizers()
    schedule = Warmup(a, 4)
    rates = []
    for _ in range(4):
        rates.append(a.param_groups[0]["lr"])
        a.step()
        schedule.step()
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1])
    plateau = optim.lr_scheduler.ReduceLROnPlateau(a)
    assert isinstance(plateau, optim.lr_scheduler.LRScheduler)


@pytest.mark.parametrize(
    "call",
    [
        lambda s, o: s.StepLR(None, 1),
        lambda s, o: s.LambdaLR(o, [lambda e: 1.0]),
        lambda s, o: s.ConstantLR(o, factor=2),
        lambda s, o: s.LinearLR(o, start_factor=0),
        lambda s, o: s.LinearLR(o, end_factor=2),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=0),
        lambda s, o: s.OneCycleLR(o, 0.1),
        lambda s, o: s.OneCycleLR(o, 0.1, total_steps=0),
        lambda s, o: s.OneCycleLR(o, 0.1, total_steps=5, pct_start=2.0),
        lambda s, o: s.OneCycleLR(o, 0.1, total_steps=5, anneal_strategy="x"),
        lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="x"),
        lambda s, o: s.CyclicLR(o, [0.1], 0.2),
        lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
        lambda s, o: s.ReduceLROnPlateau(o, mode="x"),
        lambda s, o: s.ReduceLROnPlateau(o, min_lr=[1]),
        lambda s, o: s.SequentialLR(o, [], []),
        lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1)], [3]),
        lambda s, o: s.ChainedScheduler([]),
        lambda s, o: s.ChainedScheduler([s.ReduceLROnPlateau(o)]),
    ],
)
def test_errors_are_pytorch_s(call):
    a, b = optimizers()
    with pytest.raises(Exception) as theirs:
        call(torch.optim.lr_scheduler, b)
    with pytest.raises(type(theirs.value)) as ours:
        call(optim.lr_scheduler, a)
    assert str(ours.value) == str(theirs.value)


def test_too_many_steps():
    a, _ = optimizers()
    schedule = optim.lr_scheduler.OneCycleLR(a, 0.1, total_steps=3)
    a.step()
    with pytest.raises(ValueError, match="Tried to step 4 times"):
        for _ in range(5):
            schedule.step()


def test_a_step_that_was_replaced_since_is_pointed_out():
    p = tl.zeros(1, requires_grad=True)
    optimizer = tl.optim.SGD([p], lr=0.1)
    schedule = tl.optim.lr_scheduler.StepLR(optimizer, 3)
    plain = optimizer.step
    optimizer.step = lambda *args: plain(*args)
    optimizer.step()
    with pytest.warns(UserWarning, match=r"`optimizer.step\(\)` has been overridden"):
        schedule.step()
    assert tl.optim.lr_scheduler.EPOCH_DEPRECATION_WARNING.startswith("The epoch parameter")
