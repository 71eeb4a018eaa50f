"""Training tools: saving, schedules, data, initialisation, parametrisations, devices, profiling."""

import copy
import importlib
import io
import math
import os
import tempfile

from . import failure, program


@program
def saving_and_loading(torch):
    nn, optim = torch.nn, torch.optim
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.Linear(4, 2))
    opt = optim.Adam(model.parameters(), lr=0.01)
    x = torch.randn(6, 3)
    model(x).pow(2).sum().backward()
    opt.step()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.tar")
        torch.save(
            {"epoch": 5, "model_state_dict": model.state_dict(), "optimizer_state_dict": opt.state_dict(), "loss": 0.4},
            path,
        )
        checkpoint = torch.load(path, weights_only=True, map_location=torch.device("cpu"))
    other = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.Linear(4, 2))
    print(other.load_state_dict(checkpoint["model_state_dict"]))
    opt2 = optim.Adam(other.parameters(), lr=0.5)
    opt2.load_state_dict(checkpoint["optimizer_state_dict"])
    for m, o in ((model, opt), (other, opt2)):
        o.zero_grad()
        m(x).pow(2).sum().backward()
        o.step()
    for name in opt.state_dict()["state"][0]:
        print(name, opt.state_dict()["state"][0][name].shape)
    buffer = io.BytesIO()
    torch.save([torch.arange(3), {"a": torch.ones(2, dtype=torch.float16)}, "text", 1.5], buffer)
    buffer.seek(0)
    keys = nn.Linear(2, 2).load_state_dict({"weight": torch.zeros(2, 2), "extra": torch.zeros(1)}, strict=False)
    print(keys.missing_keys, keys.unexpected_keys)
    return (
        checkpoint["epoch"],
        checkpoint["model_state_dict"],
        opt2.param_groups[0]["lr"],
        torch.load(buffer),
        torch.equal(model[0].weight, other[0].weight),
    )


@program
def warm_start_and_surgery(torch):
    nn = torch.nn
    torch.manual_seed(1)
    model = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.ModuleList([nn.Linear(3, 3), nn.ReLU()])})
    model["c"] = nn.ParameterList([nn.Parameter(torch.ones(2))])
    model["b"].append(nn.Dropout(0.1))
    clone = copy.deepcopy(model)
    clone["a"].weight.data.fill_(7)
    own = model.state_dict()
    own.update({k: v for k, v in clone.state_dict().items() if k.startswith("a") and v.size() == own[k].size()})
    model.load_state_dict(own)
    seq = nn.Sequential(*list(model["b"].children())[:-1], nn.Identity())
    del seq[0]
    seq.insert(0, nn.Linear(1, 1))
    print(model, seq, len(model["b"]), [n for n, _ in model.named_parameters()], list(model.keys()))
    print(next(model.parameters()).device, sum(p.numel() for p in model.parameters()), model["a"].extra_repr())
    buffers = nn.BatchNorm2d(2)
    buffers.half() if False else buffers.double()
    return model["a"].weight, dict(buffers.named_buffers()), nn.Module().training, model.eval().training


@program
def schedules(torch):
    S = torch.optim.lr_scheduler
    rows = []
    makers = [
        lambda o: S.StepLR(o, 3, 0.5), lambda o: S.MultiStepLR(o, [2, 5]), lambda o: S.ExponentialLR(o, 0.9),
        lambda o: S.CosineAnnealingLR(o, T_max=10), lambda o: S.LambdaLR(o, lr_lambda=lambda e: 0.95**e),
        lambda o: S.OneCycleLR(o, max_lr=0.5, total_steps=12), lambda o: S.CosineAnnealingWarmRestarts(o, 4, 2),
        lambda o: S.CyclicLR(o, 0.01, 0.1, step_size_up=3), lambda o: S.LinearLR(o), lambda o: S.PolynomialLR(o, 8, 2.0),
        lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.9)], milestones=[3]),
        lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.9)]), lambda o: S.MultiplicativeLR(o, lambda e: 0.9),
    ]  # fmt: skip
    for make in makers:
        o = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
        s = make(o)
        row = []
        for _ in range(10):
            o.step()
            s.step()
            row.append(o.param_groups[0]["lr"])
        rows.append(row + s.get_last_lr())
    o = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    plateau = S.ReduceLROnPlateau(o, "min", patience=1, factor=0.5)
    for v in (1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5):
        plateau.step(v)
    return rows, o.param_groups[0]["lr"], plateau.num_bad_epochs


@program
def datasets_and_loaders(torch):
    data = torch.utils.data

    class Squares(data.Dataset):
        def __init__(self, n, transform=None):
            self.n, self.transform = n, transform

        def __len__(self):
            return self.n

        def __getitem__(self, i):
            sample = {"x": torch.tensor([i, i * i], dtype=torch.float), "y": i % 2, "name": f"n{i}"}
            return self.transform(sample) if self.transform else sample

    class Stream(data.IterableDataset):
        def __iter__(self):
            yield from (torch.full((2,), float(i)) for i in range(5))

    def collate(batch):
        seqs = [torch.arange(b["y"] + 1) for b in batch]
        return torch.nn.utils.rnn.pad_sequence(seqs, batch_first=True), torch.tensor([len(s) for s in seqs])

    torch.manual_seed(2)
    rows = [b for b in data.DataLoader(Squares(7), batch_size=3)]
    shuffled = [b["y"] for b in data.DataLoader(Squares(7), batch_size=3, shuffle=True)]
    padded = [b for b in data.DataLoader(Squares(4), batch_size=2, collate_fn=collate)]
    streamed = list(data.DataLoader(Stream(), batch_size=2))
    sampler = data.WeightedRandomSampler([0.1, 0.9, 0.5], num_samples=6, replacement=True)
    picks = list(sampler)
    sub = data.Subset(Squares(5), [0, 3])
    batches = list(data.BatchSampler(data.SequentialSampler(range(5)), batch_size=2, drop_last=False))
    one = data.SubsetRandomSampler([1, 2, 3, 4], generator=torch.Generator().manual_seed(0))
    train, valid = data.random_split(Squares(10), [0.7, 0.3])
    for x, y in data.DataLoader(data.TensorDataset(torch.arange(4), torch.arange(4) * 2), batch_size=4):
        pass
    print(
        len(data.DataLoader(Squares(7), batch_size=3, drop_last=True)),
        len(sub),
        batches,
        list(one),
        train.indices,
        len(valid),
    )
    return rows, shuffled, padded, streamed, picks, x, y, data.default_collate([(1, {"a": 2.0}), (3, {"a": 4.0})])


@program
def seeded_worker_loading(torch):
    dataset = torch.utils.data.TensorDataset(torch.arange(20))
    out = []
    for workers in (0, 2):
        loader = torch.utils.data.DataLoader(
            dataset, batch_size=6, shuffle=True, num_workers=workers, generator=torch.Generator().manual_seed(7)
        )
        out.append(torch.cat([b for (b,) in loader]))
    return out


@program
def initialisation(torch):
    init = torch.nn.init
    torch.manual_seed(3)
    w = torch.empty(6, 4)
    out = []
    for f in (init.uniform_, init.normal_, init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_, init.kaiming_normal_,
              init.orthogonal_, init.trunc_normal_, init.eye_, init.ones_, init.zeros_, lambda w: init.sparse_(w, 0.5), lambda w: init.constant_(w, 0.3)):  # fmt: skip
        f(w)
        out.append(w.clone() if f is not init.orthogonal_ else w.t() @ w)
    print(init.calculate_gain("relu"), init.calculate_gain("leaky_relu", 0.2), init.calculate_gain("tanh"))
    return (
        out,
        torch.nn.Linear(3, 2).weight,
        torch.nn.Conv2d(1, 2, 3).bias,
        torch.nn.Embedding(3, 2).weight,
        torch.nn.LSTM(2, 2).weight_ih_l0,
        torch.nn.MultiheadAttention(4, 2).in_proj_weight,
    )


@program
def parametrisations(torch):
    nn, parametrize = torch.nn, torch.nn.utils.parametrize

    class Symmetric(nn.Module):
        def forward(self, X):
            return X.triu() + X.triu(1).transpose(-1, -2)

    torch.manual_seed(4)
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    print(layer, torch.allclose(layer.weight, layer.weight.T), [n for n, _ in layer.named_parameters()])
    layer(torch.ones(1, 3)).sum().backward()
    with parametrize.cached():
        w = layer.weight
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    wn = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    torch.manual_seed(5)
    sn = nn.utils.spectral_norm(nn.Linear(4, 3))
    y = sn(torch.ones(2, 4))
    print(sorted(wn.state_dict()), sorted(sn.state_dict()), parametrize.is_parametrized(wn))
    return w, layer.weight, wn(torch.ones(1, 3)), y.shape


@program
def optimizers_side_by_side(torch):
    O = torch.optim
    torch.manual_seed(6)
    results = []
    makers = [
        lambda p: O.SGD(p, 0.01, 0.9, 0.1, 0.01), lambda p: O.Adam(p, amsgrad=True, maximize=True), lambda p: O.AdamW(p, 0.01, weight_decay=0.1),
        lambda p: O.Adagrad(p, lr_decay=0.1), lambda p: O.Adadelta(p), lambda p: O.RMSprop(p, momentum=0.5, centered=True), lambda p: O.Rprop(p),
        lambda p: O.ASGD(p), lambda p: O.Adamax(p), lambda p: O.NAdam(p, weight_decay=0.01), lambda p: O.RAdam(p, decoupled_weight_decay=True),
    ]  # fmt: skip
    for make in makers:
        p = torch.linspace(-1, 1, 5).requires_grad_()
        opt = make([p])
        for _ in range(6):
            opt.zero_grad()
            ((p - 0.3) ** 4).sum().backward()
            opt.step()
        results.append(p)
    opt.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.5})
    print(opt, len(opt.param_groups), sorted(opt.state_dict()), opt.state[p].keys())
    return results


@program
def averaging_and_clipping(torch):
    nn = torch.nn
    torch.manual_seed(7)
    net = nn.Linear(3, 1)
    ema = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    swa = torch.optim.swa_utils.SWALR(opt, swa_lr=0.05)
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    for i in range(5):
        loss = nn.functional.l1_loss(net(x), y) / 2
        loss.backward()
        if (i + 1) % 2 == 0:
            nn.utils.clip_grad_value_(net.parameters(), clip_value=0.1)
            total = nn.utils.clip_grad_norm_(net.parameters(), max_norm=0.05, norm_type=2.0)
            opt.step()
            opt.zero_grad()
            ema.update_parameters(net)
            swa.step()
    vector = nn.utils.parameters_to_vector(net.parameters())
    nn.utils.vector_to_parameters(vector * 2, net.parameters())
    return total, ema(x), net.weight, opt.param_groups[0]["lr"]


@program
def device_doors(torch):
    x = torch.ones(2, device="cpu", pin_memory=False)
    x = x.to("cpu", non_blocking=True).to(device=torch.device("cpu"), dtype=torch.float64).cpu()
    print(
        x.device,
        x.device.type,
        torch.device("cpu").index,
        x.is_cuda,
        torch.get_default_dtype(),
        torch.cuda.is_available(),
    )
    print(torch.backends.mps.is_available(), torch.accelerator.is_available(), torch.cuda.device_count())
    with torch.autocast(device_type="cpu", enabled=False):
        y = x * 2
    scaler = torch.amp.GradScaler("cuda", enabled=False)
    p = torch.nn.Parameter(torch.ones(2))
    opt = torch.optim.SGD([p], lr=0.1)
    scaler.scale((p * 2).sum()).backward()
    scaler.unscale_(opt)
    scaler.step(opt)
    scaler.update()
    torch.set_default_dtype(torch.float64)
    z = torch.zeros(1)
    torch.set_default_dtype(torch.float32)
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("high")
    torch.set_float32_matmul_precision("highest")
    print(
        torch.are_deterministic_algorithms_enabled(), torch.initial_seed() is not None, failure(torch.device, "nowhere")
    )
    return x, y, p, z, failure(lambda: torch.zeros(1, device="cuda")) is not None


@program
def profiling_and_timing(torch):
    net = torch.nn.Linear(4, 4)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) as prof:
        with torch.profiler.record_function("model_inference"):
            net(torch.ones(2, 4)).sum().backward()
    table = prof.key_averages().table(sort_by="cpu_time_total", row_limit=10)
    benchmark = importlib.import_module(f"{torch.__name__}.utils.benchmark")
    timer = benchmark.Timer(stmt="x + x", globals={"x": torch.ones(3)})
    return "model_inference" in table, timer.timeit(5).mean > 0


@program
def printing(torch):
    torch.manual_seed(8)
    print(
        torch.tensor([1.5, -2.25, 1e10]),
        torch.rand(2, 3),
        torch.arange(3),
        torch.zeros(0),
        torch.tensor(True),
        torch.tensor(2.5),
    )
    print(
        torch.full((2, 2), 1e-8),
        torch.tensor([float("nan"), float("inf")]),
        torch.ones(2, requires_grad=True) * 2,
        torch.randn(30, 40) * 0 + 1,
    )
    print(
        torch.tensor([1 + 2j]),
        torch.tensor([1.0], dtype=torch.float64),
        torch.int32,
        torch.Size([2, 3]),
        torch.finfo(torch.float32).eps,
    )
    torch.set_printoptions(precision=2, sci_mode=False)
    print(
        torch.tensor([3.14159, 1000.5]),
        f"{torch.tensor(3.14159):.2f}",
        torch.tensor([1, 2]).tolist(),
        str(torch.device("cpu")),
    )
    torch.set_printoptions(profile="default")
    print(
        torch.nn.Parameter(torch.ones(1)),
        torch.nn.LSTM(2, 3, 2),
        torch.nn.TransformerEncoderLayer(4, 2),
        torch.nn.Sequential(torch.nn.Conv2d(1, 2, (3, 1), padding="same", bias=False), torch.nn.MaxPool2d(2, 1)),
    )
    return torch.iinfo(torch.int8).max, math.isclose(torch.pi, math.pi)


@program
def tensor_tutorial(torch):
    import numpy as np

    data = [[1, 2], [3, 4]]
    x = torch.tensor(data)
    n = torch.from_numpy(np.array(data))
    t = torch.ones(4, 4)
    t[:, 1] = 0
    print(torch.ones_like(x), torch.rand_like(x, dtype=torch.float).shape, f"First row: {t[0]}", t[..., -1], n.dtype)
    a = torch.ones(5)
    b = a.numpy()
    a.add_(1)
    np.add(b, 1, out=b)
    y = torch.rand(2, 2)
    torch.matmul(t[:2, :2], t[:2, :2].T, out=y)
    agg = t.sum().item()
    print(agg, type(agg), a, b, t.mul_(5).sum(), torch.cat([t, t, t], dim=1).shape, torch.is_tensor(b))
    r = torch.arange(24).view(2, 3, 4)
    mask = r % 3 == 0
    parts = torch.split(r, [1, 2], dim=1) + torch.chunk(r, 2, dim=2) + torch.unbind(r)
    return (
        y, parts, r[mask], r[:, [0, 2]], r[..., ::2], r.permute(2, 0, 1).contiguous(), r.float().std(dim=(0, 1), unbiased=False), r.roll(1, 2),
        r.flip(0), torch.unique(mask, return_counts=True), r.cumsum(1), torch.nonzero(mask)[:3], torch.where(mask, r, -1), r.unfold(2, 2, 1).shape,
        torch.std_mean(r.float(), 0), torch.quantile(r.float(), 0.3), torch.histc(r.float(), 5), torch.cartesian_prod(x[0], x[1]), r.amax((0, 2)),
        torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([0, 3, 9])), torch.bucketize(torch.tensor([2.5]), torch.tensor([1.0, 2.0, 3.0])),
    )  # fmt: skip
