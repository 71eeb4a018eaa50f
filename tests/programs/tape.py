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
