"""Trainers and callbacks around a model."""

import abc
import enum
import functools
import inspect
from dataclasses import dataclass, field

from . import program


@program
def trainers_by_hand(torch):
    nn = torch.nn
    optim = torch.optim
    F = torch.nn.functional
    DataLoader = torch.utils.data.DataLoader
    TensorDataset = torch.utils.data.TensorDataset
    torch.manual_seed(0)

    def add_to_class(Class):

        def w(obj):
            setattr(Class, obj.__name__, obj)

        return w

    class HyperParameters:
        def save_hyperparameters(self, ignore=None):
            if ignore is None:
                ignore = []
            frame = inspect.currentframe().f_back
            _, _, _, lv = inspect.getargvalues(frame)
            self.hparams = {
                k: v
                for k, v in lv.items()
                if k not in set(ignore + ["self", "__class__", "nn"]) and (not k.startswith("_"))
            }
            for k, v in self.hparams.items():
                setattr(self, k, v)

    class Module(nn.Module, HyperParameters):
        def __init__(self, plot_every=2):
            super().__init__()
            self.save_hyperparameters()
            self.board = []

        def loss(self, yh, y):
            raise NotImplementedError

        def forward(self, X):
            assert hasattr(self, "net"), "Neural network is defined"
            return self.net(X)

        def plot(self, key, v, train):
            self.board.append((key, v.detach().numpy().item() if torch.is_tensor(v) else v, train))

        def training_step(self, b):
            l = self.loss(self(*b[:-1]), b[-1])
            self.plot("loss", l, True)
            return l

        def validation_step(self, b):
            l = self.loss(self(*b[:-1]), b[-1])
            self.plot("loss", l, False)

        def apply_init(self, inputs, init=None):
            self.forward(*inputs)
            if init is not None:
                self.net.apply(init)

        @property
        def device(self):
            return next(self.parameters()).device

        @property
        def dtype(self):
            return next(self.parameters()).dtype

    class Lazy(Module):
        def __init__(self, n=8, lr=0.1):
            super().__init__()
            self.save_hyperparameters()
            self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(n), nn.ReLU(), nn.LazyBatchNorm1d(), nn.LazyLinear(3))

    @add_to_class(Lazy)
    def loss(self, yh, y, averaged=True):
        yh = yh.reshape((-1, yh.shape[-1]))
        return F.cross_entropy(yh, y.reshape((-1,)), reduction="mean" if averaged else "none")

    @add_to_class(Lazy)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    class Trainer(HyperParameters):
        def __init__(self, max_epochs, num_gpus=0, gradient_clip_val=0):
            self.save_hyperparameters()
            assert num_gpus == 0

        def prepare_batch(self, b):
            return [a.to(self.model.device) for a in b]

        def fit(self, model, dl):
            self.model = model
            model.trainer = self
            self.optim = model.configure_optimizers()
            for self.epoch in range(self.max_epochs):  # noqa: B020
                model.train()
                for b in dl:
                    l = model.training_step(self.prepare_batch(b))
                    self.optim.zero_grad()
                    with torch.no_grad():
                        l.backward()
                        if self.gradient_clip_val > 0:
                            self.clip(self.gradient_clip_val, model)
                        self.optim.step()
                model.eval()
                with torch.no_grad():
                    [model.validation_step(self.prepare_batch(b)) for b in dl]

        def clip(self, v, model):
            ps = [p for p in model.parameters() if p.requires_grad]
            n = torch.sqrt(sum(torch.sum(p.grad**2) for p in ps))
            if n > v:
                for p in ps:
                    p.grad[:] *= v / n

    X, y = (torch.randn(24, 2, 3), torch.randint(3, (24,)))
    m = Lazy()
    print(m, m.hparams, m.net[1].weight)
    m.apply_init([X[:2]], lambda l: nn.init.xavier_uniform_(l.weight) if type(l) is nn.Linear else None)
    print(m.net[1].weight.shape, type(m.net[1]).__name__, m.device, m.dtype, m.net[3])
    tr = Trainer(2, gradient_clip_val=1)
    tr.fit(m, DataLoader(TensorDataset(X, y), 8, shuffle=False))
    print(m.board[-2:])
    yh = m(X)
    preds = yh.argmax(axis=1).astype(y.dtype) if hasattr(yh, "astype") else yh.argmax(axis=1).type(y.dtype)
    cmp = (preds == y.reshape(-1)).type(torch.float32)
    print(cmp.mean())

    class CancelFit(Exception):
        pass

    class Callback:
        order = 0

    class with_cbs:
        def __init__(self, nm):
            self.nm = nm

        def __call__(self, f):

            def _f(o, *a, **k):
                try:
                    o.callback(f"before_{self.nm}")
                    f(o, *a, **k)
                    o.callback(f"after_{self.nm}")
                except CancelFit:
                    pass
                finally:
                    o.callback(f"cleanup_{self.nm}")

            return _f

    class Learner:
        def __init__(self, model, dl, loss_func, lr, cbs, opt_func=optim.SGD):
            self.model, self.dl, self.loss_func, self.lr, self.cbs, self.opt_func = (
                model,
                dl,
                loss_func,
                lr,
                cbs,
                opt_func,
            )

        @with_cbs("batch")
        def _one(self):
            self.predict()
            self.callback("after_predict")
            self.get_loss()
            self.callback("after_loss")
            self.backward()
            self.step()
            self.zero_grad()

        @with_cbs("fit")
        def fit(self, n):
            self.opt = self.opt_func(self.model.parameters(), self.lr)
            for self.epoch in range(n):
                for self.it, self.batch in enumerate(self.dl):  # noqa: B020
                    self._one()

        def callback(self, n):
            for cb in sorted(self.cbs, key=lambda c: c.order):
                f = getattr(cb, n, None)
                if f is not None:
                    f(self)

        def __getattr__(self, name):
            if name in ("predict", "get_loss", "backward", "step", "zero_grad"):
                return functools.partial(self.callback, name)
            raise AttributeError(name)

    class TrainCB(Callback):
        def predict(self, l):
            l.preds = l.model(l.batch[0])

        def get_loss(self, l):
            l.loss = l.loss_func(l.preds, l.batch[1])

        def backward(self, l):
            l.loss.backward()

        def step(self, l):
            l.opt.step()

        def zero_grad(self, l):
            l.opt.zero_grad()

    class Hook:
        def __init__(self, m, f):
            self.hook = m.register_forward_hook(functools.partial(f, self))

        def remove(self):
            self.hook.remove()

        def __del__(self):
            self.remove()

    def append_stats(hook, mod, inp, outp):
        if not hasattr(hook, "stats"):
            hook.stats = ([], [], [])
        a = outp.data.cpu()
        hook.stats[0].append(a.mean())
        hook.stats[1].append(a.std())
        hook.stats[2].append(a.abs().histc(10, 0, 5))

    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    hooks = [Hook(l, append_stats) for l in net if isinstance(l, nn.Linear)]

    class LRF(Callback):
        def before_fit(self, l):
            self.lrs, self.losses = ([], [])
            self.min = float("inf")
            l.sched = optim.lr_scheduler.ExponentialLR(l.opt, 1.3) if hasattr(l, "opt") else None

        def after_batch(self, l):
            self.lrs.append(l.opt.param_groups[0]["lr"])
            self.losses.append(l.loss.detach().item())
            if l.loss < self.min:
                self.min = l.loss.item()
            if len(self.lrs) > 4:
                raise CancelFit()
            for g in l.opt.param_groups:
                g["lr"] *= 1.3

    lc = LRF()
    Learner(net, DataLoader(TensorDataset(X, y), 6), F.cross_entropy, 0.1, [TrainCB(), lc]).fit(3)
    print(lc.lrs, lc.losses)
    print(torch.stack(hooks[0].stats[2]).t().float().log1p()[:, :2], hooks[1].stats[1][:2])
    [h.remove() for h in hooks]

    class BNGeneral(nn.Module):
        def __init__(self, leak=None, sub=None, maxv=None):
            super().__init__()
            self.leak, self.sub, self.maxv = (leak, sub, maxv)

        def forward(self, x):
            x = F.leaky_relu(x, self.leak) if self.leak is not None else F.relu(x)
            if self.sub is not None:
                x -= self.sub
            if self.maxv is not None:
                x.clamp_max_(self.maxv)
            return x

    g = BNGeneral(0.1, 0.4, 2.0)
    xx = torch.randn(5, requires_grad=True)
    g(xx * 1).sum().backward()
    print(xx.grad)

    def lsuv(model, m, xb):
        st = {}
        h = m.register_forward_hook(lambda mod, i, o: st.update(mean=o.mean(), std=o.std()))
        with torch.no_grad():
            while (
                model(xb) is not None
                and (k := (locals().get("k", 0) + 1)) < 9
                and (abs(st["std"] - 1) > 0.001 or abs(st["mean"]) > 0.001)
            ):
                m.bias -= st["mean"]
                m.weight.data /= st["std"]
        h.remove()
        return st["mean"].abs() < 0.001

    print(lsuv(net, net[1], X))

    class Act(enum.Enum):
        RELU = nn.ReLU
        GELU = nn.GELU

    class Base(nn.Module, abc.ABC):
        @abc.abstractmethod
        def forward(self, x): ...

        @classmethod
        def build(cls, **k):
            return cls(**k)

    class Impl(Base):
        scale: float

        def __init__(self, scale: float = 2.0):
            super().__init__()
            self.scale = scale
            self.act = nn.ReLU()
            self.register_buffer("k", torch.ones(1))
            self.layers = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ModuleList([nn.Identity()])})

        def forward(self, x):
            return self.act(self.layers["a"](x)) * self.scale * self.k

        def extra_repr(self):
            return "scale={}".format(self.scale)

        def __len__(self):
            return len(self.layers)

    im = Impl.build(scale=3.0)
    print(
        im,
        len(im),
        "a" in im.layers,
        list(im.layers.items())[0][0],
        [n for n, _ in im.named_modules()],
        im.get_parameter("layers.a.weight").shape,
        im.get_submodule("layers.b.0"),
    )

    @dataclass(eq=False)
    class DC(nn.Module):
        i: int = 2
        o: int = 3
        sizes: list = field(default_factory=lambda: [4])

        def __post_init__(self):
            super().__init__()
            self.l = nn.Linear(self.i, self.o)

        def forward(self, x):
            return self.l(x)

    dc = DC()
    print(dc(torch.ones(1, 2)).shape, hash(dc) is not None)

    @functools.cache
    def table(n, device):
        return torch.arange(n, device=device)

    print(
        table(3, torch.device("cpu")) is table(3, torch.device("cpu")),
        {torch.device("cpu"): 1}[torch.device("cpu")],
        {torch.float32: "f"}[torch.zeros(1).dtype],
    )
    sig = inspect.signature(nn.Linear.__init__)
    print(
        list(sig.parameters)[:4],
        inspect.isclass(nn.Linear),
        issubclass(nn.Linear, nn.Module),
        nn.Linear.__mro__[1].__name__,
    )
    acts = {n: getattr(nn, n) for n in ["ReLU", "Tanh", "GELU", "SiLU", "ELU"]}
    print(
        {k: v()(torch.tensor([-1.0, 1.0])).tolist() for k, v in acts.items()},
        torch.relu(torch.tensor(-1.0)),
        F.gelu(torch.tensor(1.0), approximate="tanh"),
    )
    for k, v in vars(optim).items():
        if k == "Adam":
            print(k, issubclass(v, optim.Optimizer))
    opt_cls = optim.AdamW
    o = opt_cls(params=net.parameters(), lr=0.001, betas=(0.9, 0.99), eps=1e-08, weight_decay=0.01, amsgrad=True)
    print(o)
    o.add_param_group({"params": [nn.Parameter(torch.zeros(2))], "lr": 0.5})
    print(len(o.param_groups), o.defaults["lr"], {k: v for k, v in o.param_groups[1].items() if k != "params"})
