"""What PyTorch's own tests ask of autograd: functions of one's own, hooks, edges, in-place updates, modes."""

from . import program
from .complaints import said


@program
def functions_that_return_what_they_got(torch):
    class Tenfold(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 10

    class Part(Tenfold):
        @staticmethod
        def forward(ctx, x):
            return x[:1]

    class Parts(Tenfold):
        @staticmethod
        def forward(ctx, x):
            return x[:1], x[1:]

    leaf = torch.tensor([-1.0, 1.0], requires_grad=True)
    out = Tenfold.apply(leaf)
    print(out is leaf, out._is_view(), Tenfold.apply(leaf.detach()) is leaf)
    with torch.no_grad():
        off = Tenfold.apply(leaf)
    print(off is leaf, off.requires_grad)
    for make in (Tenfold.apply, Part.apply, lambda x: Parts.apply(x)[1]):
        print(said(lambda: make(leaf.clone()).mul_(2)).split("Such functions")[0])
    base = leaf.clone()
    out = Tenfold.apply(base)
    base.mul_(2)
    print(said(lambda: out.sum().backward()))
    return out.detach(), torch.autograd.grad(Tenfold.apply(leaf).sum(), leaf)


@program
def functions_that_get_no_gradient(torch):
    seen = []

    class Silent(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return None

    class Listening(Silent):
        @staticmethod
        def forward(ctx, x, materialize):
            ctx.set_materialize_grads(materialize)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            seen.append(g)
            return g, None

    x = torch.ones(2, requires_grad=True)
    for materialize in (True, False):
        x.grad = None
        Silent.apply(Listening.apply(x, materialize)).sum().backward()
        seen.append(x.grad)
    y = x * 3
    y.register_hook(lambda g: seen.append(("hook", g)))
    Silent.apply(y).sum().backward()
    return seen, torch.autograd.grad(Silent.apply(x).sum(), x, allow_unused=True)


@program
def functions_with_mistakes(torch):
    def function(forward, backward=lambda ctx, g: g):
        body = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        return type("Mine", (torch.autograd.Function,), body).apply

    def dirty(ctx, x):
        ctx.mark_dirty(x)
        return x + 1

    def marks(name):
        return lambda ctx, x: getattr(ctx, name)(3) or x * 2

    x = torch.ones(2, requires_grad=True)
    double = lambda ctx, x: x * 2
    for call in (
        lambda: function(double, lambda ctx, g: 3)(x).sum().backward(), lambda: function(double, lambda ctx, g: (g, g))(x).sum().backward(),
        lambda: function(dirty)(x.clone()), lambda: function(dirty)(torch.ones(2)), lambda: function(marks("mark_non_differentiable"))(x),
        lambda: function(lambda ctx, x: ctx.save_for_backward(3))(x), lambda: function(double, lambda ctx, g: g[:1].expand(5))(x).sum().backward(),
    ):  # fmt: skip
        print(said(call).split("argument")[0].split(" from")[0])
    as_list = function(lambda ctx, x: [x * 2, x * 3])(x)
    return as_list, function(lambda ctx, x: (x * 2, "text", None))(x)[1:]


@program
def contexts(torch):
    leaf = torch.tensor([2.0, 3.0], requires_grad=True)
    found = []

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(x, y, scale=3):
            return x * y * scale

        @staticmethod
        def setup_context(ctx, inputs, output):
            *tensors, ctx.scale = inputs
            ctx.save_for_backward(*tensors, output)

        @staticmethod
        def backward(ctx, g):
            x, y, out = ctx.saved_tensors
            found.extend([x is leaf, y.requires_grad, out.grad_fn is not None, ctx.needs_input_grad, ctx.name()])
            found.append([(n is None, i) for n, i in ctx.next_functions])
            return g * y * ctx.scale, g * x * ctx.scale, None

    (g,) = torch.autograd.grad(Product.apply(leaf, y=torch.ones(2)).sum(), leaf)

    class Old(torch.autograd.function.InplaceFunction):
        @staticmethod
        def forward(ctx, x, inplace=False):
            ctx.inplace = inplace
            return x.sign()

        @staticmethod
        def backward(ctx, g):
            return (g, None)[:2]

    return g, found, torch.autograd.grad(Old.apply(leaf, True).sum(), leaf)


@program
def gradients_at_edges(torch):
    edge = torch.autograd.graph.get_gradient_edge
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    a, b = y.split(1)
    grad = torch.autograd.grad
    print(edge(b).output_nr, edge(b).node is b.grad_fn, edge(x).node.variable is x)
    at = grad((y * 3).sum(), [edge(x), y]), grad((b * 3).sum(), edge(b)), grad(edge(x * 5), x, torch.ones(2))
    torch.autograd.backward(edge(x * x), torch.ones(2), inputs=edge(x))
    print(said(lambda: grad(edge(x * 3), x)).split(",")[0], said(lambda: grad((x * 3).sum(), "x")))
    print(said(lambda: grad(x.sum(), [])), said(lambda: x.sum().backward(inputs=[])))
    return at, x.grad


@program
def hooks_of_nodes(torch):
    log = []
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    note = lambda name: lambda *args: log.append((name, args))

    def hooked(y, *hooks):
        for kind, hook in hooks:
            getattr(y.grad_fn, f"register_{kind}")(hook)
        x.grad = None
        y.sum().backward()
        return x.grad

    double = lambda grads, *_: tuple([None if g is None else g * 2 for g in grads])
    results = [
        hooked(x * 2, ("prehook", note("before")), ("prehook", double), ("hook", note("after"))),
        hooked(x * 2, ("hook", double)),
        hooked(x + torch.ones(2), ("hook", note("sum"))),
        hooked(torch.ones(3, 2) @ x, ("hook", note("product"))),
    ]
    accumulator = (x * 1).grad_fn.next_functions[0][0]
    accumulator.register_hook(note("accumulated"))
    x.register_post_accumulate_grad_hook(lambda p: log.append(p.grad.clone()))
    x.register_hook(lambda g: log.append("first") or g * 3)
    results.append(hooked(x * 5))
    return results, log


@program
def integers_that_are_written_into_stay_off_the_tape(torch):
    whole, x = torch.zeros(2, dtype=torch.int64), torch.tensor([1.5, 2.5], requires_grad=True)
    print(said(lambda: whole.add_(x)))
    whole.copy_(x)
    whole[0] = x[1]
    return whole


@program
def layers_of_single_samples(torch):
    layer = torch.nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(6.0).view(2, 3))
    x = torch.ones(3, requires_grad=True)
    (layer(x * 1) - layer.bias).pow(2).sum().backward()
    w = torch.ones(3, requires_grad=True)
    torch.nn.functional.linear(w * 1, torch.ones(2, 3)).sum().backward()
    return x.grad, layer.weight.grad, w.grad


@program
def what_nodes_keep(torch):
    x, y = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 4.0], requires_grad=True)
    product, power, chosen = x * y, x**3, torch.where(x > 1, x, y)
    print(product.grad_fn._saved_self is x, sorted(n for n in dir(product.grad_fn) if n.startswith("_saved")))
    print(power.grad_fn._saved_exponent, chosen.grad_fn._saved_condition, x.clamp(0, 1.5).grad_fn._saved_max)
    values = x.exp().grad_fn._saved_result, x.log().grad_fn._saved_self, product.grad_fn._saved_other
    handled = product * 2
    product.grad_fn._raw_saved_self.register_hooks(lambda t: t * 10, lambda t: t / 10)
    handled.sum().backward()
    print(
        said(lambda: product.grad_fn._saved_self).split("), at")[0].split(")")[0],
        hasattr(product.grad_fn, "_saved_dim"),
    )
    return values, x.grad, y.grad


@program
def changing_what_nodes_keep(torch):
    graph = torch.autograd.graph
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0]

    with graph.allow_mutation_on_saved_tensors():
        a = x.clone()
        b, c, d = a * a, a.exp(), Square.apply(a)
        a.zero_()
        c.mul_(2)
        a[0] = 7.0
        (b + c + d).sum().backward()
        plain, w = torch.tensor([2.0, 3.0]), torch.ones(2, requires_grad=True)
        product = (plain * w).sum()
        plain[plain > 2] = 0.0
        plain[0] = 5.0
        plain.view(-1)[1] = 7.0
        product.backward()
    a = x.clone()
    b = a * a
    a.zero_()

    def pack(t):
        return t.mul_(2)

    def packed():
        with graph.saved_tensors_hooks(pack, lambda t: t):
            return x.exp()

    print(said(b.sum().backward).split(":")[1], said(packed).split(". Tensors")[0])
    b, d = x * x, x * x
    b.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: 3)
    print(
        said(b.sum().backward), said(lambda: d.grad_fn._raw_saved_self.register_hooks(pack, pack)).split(". Tensors")[0]
    )
    return x.grad, c, w.grad


@program
def modes_and_old_spellings(torch):
    import warnings

    found = []

    @torch.no_grad()
    class Model:
        def __init__(self, x):
            self.y = x * 2

    x = torch.ones(2, requires_grad=True)
    found.append(Model(x).y)
    with torch.no_grad():
        view = (x * 1)[:1]
        view.mul_(2)
    with torch.autograd.set_detect_anomaly(True, check_nan=False):
        print(torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found.append(torch.autograd.Variable(torch.ones(2), volatile=True))
        found.append(torch.autograd.grad((x * 2).sum(), x, only_inputs=False))
        torch.autograd.backward((x * 3).sum(), None, None, False, None, [x])
        torch.autograd.backward(x * 5, grad_tensors=torch.ones(2))
    checkpoint = torch.utils.checkpoint
    with checkpoint.set_checkpoint_early_stop(False):
        y = checkpoint.checkpoint(torch.sin, x, use_reentrant=False, context_fn=checkpoint.noop_context_fn)
    return found, x.grad, y


@program
def functional_arguments(torch):
    A, func = torch.autograd.functional, torch.func
    x = torch.tensor([1.0, 2.0])
    cube, linear = lambda a: (a**3).sum(), lambda a: a.sum()
    for call in (
        lambda: A.jacobian(cube, [x, x]), lambda: A.jacobian(lambda a: [a], x), lambda: A.hvp(linear, x, x, strict=True),
        lambda: A.vhp(linear, x, x, strict=True), lambda: A.jvp(cube, x, "v"), lambda: func.grad(cube, argnums=())(x),
        lambda: func.grad(cube, argnums="a")(x), lambda: func.grad(lambda a, b: a.sum(), argnums=(0, 0))(x, x), lambda: func.grad(torch.sin)(x),
        lambda: func.grad(lambda a: 3.0)(x),
    ):  # fmt: skip
        print(said(call).split(" This is")[0])
    net, ones = (
        torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(1)),
        {"0.bias": torch.ones(1), "unknown": x},
    )
    print(
        said(lambda: func.functional_call(net, ones, x, strict=True)),
        said(lambda: func.functional_call(net, {"0.bias": 3}, x)),
    )
    func.replace_all_batch_norm_modules_(net)
    print([name for name, _ in net.named_buffers()], func.functional_call(net, ones, torch.ones(2, 2)).shape)
    out, push = func.linearize(lambda a, b: {"s": a * b, "t": a.sin()}, x, x + 1)
    _, pull = func.vjp(torch.sin, x)
    return out, push(x, x), pull(x, retain_graph=False)


@program
def sums_in_other_dtypes(torch):
    x = torch.tensor([[3, 1, 2], [1, 1, 1]])
    sums = [x.sum(dtype=d) for d in (torch.int32, torch.uint8, torch.bool, torch.float16, torch.float64)]
    return (
        sums,
        x.sum(1, dtype=torch.int16),
        x.float().nansum(dtype=torch.int32),
        torch.ones(2, dtype=torch.uint8).sum(),
    )


@program
def lists_as_indices(torch):
    x = torch.arange(27.0).view(3, 3, 3)
    i, j = torch.tensor(0), torch.tensor(2)
    print(said(lambda: x["a":]), said(lambda: x[:1.5]))
    return x[[i, j]], x[[0, 2]], x[i, [1, 2]], torch.polygamma(1, torch.tensor([float("nan"), 2.0, float("inf")]))


@program
def views_and_memory_that_overlap(torch):
    x = torch.arange(4.0)
    square = x.clone().view(2, 2)
    print(
        said(lambda: x[1:].copy_(x[:-1])),
        said(lambda: x.__setitem__(slice(1, None), x[:-1])),
        said(lambda: square.copy_(square.t())),
    )
    square[:, 0] = square[:, 1]
    w = torch.tensor(0.5, requires_grad=True, dtype=torch.float64)
    base = w * 2
    base.unsqueeze(0)[0].exp_()
    (base.reshape(1, 1)[0, 0] ** 2).backward()
    leaf = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    base = leaf * 1
    view = base.squeeze(0)
    with torch.no_grad():
        view.unsqueeze_(1)
    (view[0] * base.t()).sum().backward()
    return x, square, w.grad, leaf.grad, view.shape
