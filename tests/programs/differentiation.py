"""Autograd by itself: graphs, hooks, functions, Jacobians, functional models."""

from . import failure, program


@program
def autograd_tutorial(torch):
    x, y = torch.ones(5), torch.zeros(3)
    torch.manual_seed(0)
    w, b = torch.randn(5, 3, requires_grad=True), torch.randn(3, requires_grad=True)
    z = torch.matmul(x, w) + b
    loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
    loss.backward(retain_graph=True)
    loss.backward()
    with torch.no_grad():
        print(
            (torch.matmul(x, w) + b).requires_grad,
            z.detach().requires_grad,
            type(z.grad_fn).__name__,
            loss.grad_fn.name(),
        )
    inp = torch.eye(4, 5, requires_grad=True)
    out = (inp + 1).pow(2).t()
    out.backward(torch.ones_like(out), retain_graph=True)
    first = inp.grad.clone()
    out.backward(torch.ones_like(out), retain_graph=True)
    return loss, w.grad, first, inp.grad, z.is_leaf, w.is_leaf


@program
def custom_functions(torch):
    class LegendrePolynomial3(torch.autograd.Function):
        @staticmethod
        def forward(ctx, input):
            ctx.save_for_backward(input)
            return 0.5 * (5 * input**3 - 3 * input)

        @staticmethod
        def backward(ctx, grad_output):
            (input,) = ctx.saved_tensors
            return grad_output * 1.5 * (5 * input**2 - 1)

    class GradientReversal(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, alpha):
            ctx.alpha = alpha
            return x.view_as(x)

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output.neg() * ctx.alpha, None

    class StraightThrough(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            out = x.sign()
            ctx.mark_non_differentiable(out)
            return out, x.clone()

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, _, g):
            return None if g is None else g * 3

    torch.manual_seed(1)
    x = torch.randn(6, dtype=torch.float64, requires_grad=True)
    y = LegendrePolynomial3.apply(x)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (gg,) = torch.autograd.grad(g.sum(), x)
    GradientReversal.apply(x, 0.5).pow(2).sum().backward()
    a, b = StraightThrough.apply(x)
    b.sum().backward()
    ok = torch.autograd.gradcheck(LegendrePolynomial3.apply, (x,), eps=1e-6, atol=1e-4)
    print(ok, a.requires_grad, b.grad_fn.name(), torch.autograd.gradgradcheck(LegendrePolynomial3.apply, (x,)))
    return y, g, gg, x.grad, a


@program
def numpy_extension(torch):
    class Sort(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            import numpy as np

            order = np.argsort(x.detach().numpy())
            ctx.order = torch.as_tensor(order)
            return torch.from_numpy(np.sort(x.detach().numpy()))

        @staticmethod
        def backward(ctx, g):
            return torch.zeros_like(g).scatter(0, ctx.order, g)

    x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
    (Sort.apply(x) * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    return x.grad


@program
def higher_derivatives(torch):
    x = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    outs, y = [], torch.tanh(x) * torch.sin(x)
    for _ in range(3):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        outs.append(y)
    f = lambda a, b: (a.exp() * b).sum()
    a, b = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)).double()
    A = torch.autograd.functional
    return (
        outs,
        A.hessian(f, (a, b)),
        A.jacobian(lambda a: a**3, a),
        A.vjp(f, (a, b)),
        A.jvp(lambda a: a * 2, a, a),
        A.hvp(f, (a, b), (b, a)),
        A.vhp(f, (a, b), (a, b)),
    )


@program
def tensor_hooks(torch):
    seen = []
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.retain_grad()
    handle = y.register_hook(lambda g: seen.append(g.clone()) or g * 2)
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.clone()))
    y.pow(2).sum().backward()
    handle.remove()
    fn = y.grad_fn
    print(type(fn).__name__, fn.next_functions[0][0].name().split("::")[-1], len(seen))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().numpy(), lambda a: torch.from_numpy(a)):
        z = (x.exp() * x).sum()
    z.backward()
    return seen, y.grad, x.grad


@program
def module_hooks(torch):
    nn = torch.nn
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    acts, order = {}, []

    def get_activation(name):
        def hook(model, input, output):
            acts[name] = output.detach()

        return hook

    handles = [layer.register_forward_hook(get_activation(name)) for name, layer in net.named_children()]
    net[0].register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    net[2].register_full_backward_hook(
        lambda m, gi, go: order.append((tuple(g.shape for g in gi if g is not None), go[0].sum().item()))
    )
    net[1].register_forward_hook(lambda m, args, kwargs, out: out + 1, with_kwargs=True)
    out = net(torch.ones(1, 3, requires_grad=True))
    out.sum().backward()
    for h in handles:
        h.remove()
    net(torch.zeros(1, 3))
    return acts, order, out, net[0].weight.grad


@program
def functional_ensemble(torch):
    nn = torch.nn
    func = torch.func
    torch.manual_seed(3)
    models = [nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)) for _ in range(3)]
    x = torch.randn(3, 5, 4)
    params, buffers = func.stack_module_state(models)
    base = models[0]

    def fmodel(params, buffers, x):
        return func.functional_call(base, (params, buffers), (x,))

    each = torch.vmap(fmodel)(params, buffers, x)
    shared = torch.vmap(fmodel, in_dims=(0, 0, None))(params, buffers, x[0])
    predictions = torch.stack([m(x[0]) for m in models])
    return each, (shared - predictions).abs().max() < 1e-5, list(params)


@program
def per_sample_gradients(torch):
    func, F = torch.func, torch.nn.functional
    torch.manual_seed(4)
    net = torch.nn.Linear(3, 2)
    params = {k: v.detach() for k, v in net.named_parameters()}
    data, targets = torch.randn(6, 3), torch.randint(0, 2, (6,))

    def loss(params, sample, target):
        out = func.functional_call(net, params, (sample.unsqueeze(0),))
        return F.cross_entropy(out, target.unsqueeze(0))

    per_sample = torch.vmap(func.grad(loss), in_dims=(None, 0, 0))(params, data, targets)
    value, grads = func.vjp(lambda p: loss(p, data[0], targets[0]), params)
    return per_sample, value, grads(torch.ones(()))


@program
def func_transforms(torch):
    func = torch.func
    f = lambda x: x.sin() @ x
    x = torch.tensor([0.1, 0.5, -0.3])
    out, tangent = func.jvp(f, (x,), (torch.ones(3),))
    predict = lambda w, b, x: torch.tanh(x @ w.t() + b)
    torch.manual_seed(5)
    w, b = torch.randn(4, 3), torch.randn(4)
    j_rev, j_fwd = func.jacrev(predict, argnums=(0, 1))(w, b, x), func.jacfwd(predict, argnums=1)(w, b, x)
    value = func.grad_and_value(f)(x)
    batched = func.vmap(torch.dot)(torch.arange(6.0).view(2, 3), torch.ones(2, 3))
    nested = func.vmap(func.vmap(lambda a, b: a * b, in_dims=(None, 0)), in_dims=(0, None))(x, x)
    return func.grad(f)(x), func.hessian(f)(x), out, tangent, j_rev, j_fwd, value, batched, nested


@program
def physics_informed(torch):
    nn = torch.nn
    torch.manual_seed(6)
    net = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1)).double()
    t = torch.linspace(0, 1, 20, dtype=torch.float64).view(-1, 1).requires_grad_(True)
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(5):
        u = net(t)
        du = torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]
        d2u = torch.autograd.grad(du, t, torch.ones_like(du), create_graph=True)[0]
        loss = ((d2u + 4 * u) ** 2).mean() + (u[0] - 1).pow(2).squeeze() + du[0].pow(2).squeeze()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss, d2u, u


@program
def maml(torch):
    F = torch.nn.functional
    torch.manual_seed(7)
    w, b = torch.randn(1, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
    meta = 0.0
    for task in range(3):
        x = torch.randn(5, 1)
        y = (task + 1) * x
        loss = F.mse_loss(x @ w + b, y)
        grads = torch.autograd.grad(loss, (w, b), create_graph=True)
        fast = [p - 0.1 * g for p, g in zip((w, b), grads)]
        meta = meta + F.mse_loss(x @ fast[0] + fast[1], y)
    meta.backward()
    return meta, w.grad, b.grad


@program
def checkpointing(torch):
    checkpoint = torch.utils.checkpoint
    nn = torch.nn
    torch.manual_seed(8)
    blocks = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Dropout(0.3)) for _ in range(4)])
    x = torch.randn(3, 4, requires_grad=True)
    torch.manual_seed(1)
    plain = blocks(x)
    plain.sum().backward()
    g, x.grad = x.grad, None
    torch.manual_seed(1)
    y = checkpoint.checkpoint_sequential(blocks, 2, x, use_reentrant=False)
    y.sum().backward()
    z = checkpoint.checkpoint(lambda a: a.sin().exp(), x, use_reentrant=False)
    print(torch.allclose(g, x.grad), torch.allclose(plain, y))
    return z


@program
def in_place_and_views(torch):
    x = torch.arange(12.0).reshape(3, 4).requires_grad_()
    y = x * 1
    y[0] *= 2
    y[:, 1] = -1.0
    y[y > 8] = 0.5
    v = y.view(4, 3)[1:]
    v.add_(1)
    z = y.t().reshape(-1)
    z[::2] = z[1::2].detach()
    (z * torch.arange(12.0)).sum().backward()
    a = torch.zeros(3, 3)
    for shape in ((7, 3), (3, 7), (2, 1), (3, 3, 3)):
        print(torch.zeros(shape).fill_diagonal_(5, wrap=True))
    a.fill_diagonal_(5).index_fill_(0, torch.tensor([1]), 7).masked_fill_(a == 7, 1)
    b = a.clone()
    b[[0, 2]] += 10
    a[..., None].squeeze(-1)[1:, :2].zero_()
    print(a.data_ptr() == a.view(-1).data_ptr(), a.is_contiguous(), a.t().is_contiguous() is False)
    return x.grad, a, b, z, failure(lambda: x.add_(1)), failure(lambda: torch.ones(2).expand(3, 2).add_(1))


@program
def grad_modes(torch):
    @torch.no_grad()
    def evaluate(x):
        return x * 2, torch.is_grad_enabled()

    x = torch.ones(2, requires_grad=True)
    a, flag = evaluate(x)
    with torch.no_grad():
        with torch.enable_grad():
            b = x * 3
    with torch.set_grad_enabled(False):
        c = x + 1
    with torch.inference_mode():
        d = x + 1
    with torch.autograd.set_detect_anomaly(True):
        e = (x * 2).sum()
        e.backward()
    return flag, a, b, c, d, x.grad, failure(c.sum().backward)


@program
def linear_algebra(torch):
    torch.manual_seed(9)
    A = torch.randn(4, 4, dtype=torch.float64)
    S = (A @ A.T + 4 * torch.eye(4, dtype=torch.float64)).requires_grad_()
    L = torch.linalg.cholesky(S)
    logdet = 2 * L.diagonal().log().sum()
    x = torch.cholesky_solve(torch.ones(4, 1, dtype=torch.float64), L)
    values, vectors = torch.linalg.eigh(S)
    u, s, vh = torch.linalg.svd(A, full_matrices=False)
    q, r = torch.linalg.qr(A)
    (logdet + x.sum() + values[-1]).backward()
    print(torch.allclose(q @ r, A), torch.allclose(u @ torch.diag(s) @ vh, A), torch.linalg.matrix_rank(A).item())
    return (
        logdet,
        x,
        values,
        s,
        S.grad,
        torch.linalg.inv(A),
        torch.linalg.slogdet(A),
        torch.matrix_exp(A * 0.1),
        torch.linalg.norm(A),
        torch.trace(A),
        torch.pinverse(A),
        torch.linalg.cond(A),
    )


@program
def gradients_that_are_cut_off_though_infinite(torch):
    F, inf = torch.nn.functional, float("inf")
    functions = [
        F.relu, torch.relu, F.hardtanh, F.relu6, F.hardsigmoid, lambda x: F.threshold(x, 0.2, 1.0), lambda x: x.clamp(min=0), lambda x: x.max(),
        lambda x: torch.maximum(x, torch.zeros(6)), lambda x: torch.minimum(x, torch.zeros(6)), lambda x: x.cummax(0)[0],
        lambda x: F.max_pool1d(x[None], 2), lambda x: torch.where(x > 0, x, torch.zeros(6)),
    ]  # fmt: skip
    result = []
    for function in functions:
        for upstream in (inf, float("nan"), None):
            x = torch.tensor([-3.0, -0.5, 0.0, 0.5, 4.0, 7.0], requires_grad=True)
            out = function(x)
            (out.sqrt().sum() if upstream is None else out).backward(
                None if upstream is None else torch.full_like(out, upstream)
            )
            result.append(x.grad)
    return result
