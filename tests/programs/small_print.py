"""What PyTorch does in the corners of ordinary operations: refusals, odd arguments, degenerate shapes."""

from . import program
from .complaints import said


@program
def masks_are_not_numbers(torch):
    mask, whole = torch.tensor([True, False]), torch.tensor([1, 2])
    for call in (
        lambda: 1 - mask, lambda: mask - 1, lambda: 1.0 - mask, lambda: mask - whole, lambda: True - whole, lambda: whole.sub_(mask), lambda: mask.sub_(1),
        lambda: torch.rsub(mask, 1), lambda: torch.sub(mask, mask), lambda: mask.neg_(), lambda: +mask, lambda: mask.abs(), lambda: mask + mask,
        lambda: torch.add(mask, mask, alpha=2), lambda: torch.add(whole, whole, alpha=1.5), lambda: whole.add_(whole, alpha=1.5),
        lambda: torch.add(whole * 1.0, whole, alpha=True), lambda: torch.sub(whole * 1.0, whole, alpha=1j), lambda: torch.add(mask, 1, alpha=2), lambda: whole**-1,
    ):  # fmt: skip
        print(said(call))


@program
def numbers_in_the_place_of_parameters(torch):
    for value in (torch.arange(2), torch.ones(2) > 0, torch.ones(3).double(), torch.ones(2) + 0j, [1, 2]):
        p = torch.nn.Parameter(torch.ones(2))

        def put(p=p, value=value):
            p.data = value
            return p.dtype, p.shape, p.requires_grad

        print(said(put))


@program
def names_of_gradients(torch):
    x = torch.full((2,), 0.5, requires_grad=True)
    for f in (
        lambda: x.square(),
        lambda: x**2,
        lambda: x.tanh(),
        lambda: x.sigmoid(),
        lambda: x.relu(),
        lambda: x.softmax(0),
        lambda: 1 / x,
        lambda: 1 - x,
    ):
        y = f()
        print(torch.autograd.grad(y.sum(), x, create_graph=True, allow_unused=True), y)


@program
def results_into_a_given_tensor(torch):
    x, q = torch.arange(1.0, 13.0).reshape(3, 4), torch.eye(3) * 2
    kinds = (torch.float64, torch.float16, torch.int32)
    for f, args in (
        (torch.add, (x, x)), (torch.exp, (x,)), (torch.abs, (x,)), (torch.floor, (x,)), (torch.clamp, (x, 2, 3)), (torch.sum, (x, 1)), (torch.prod, (x, 1)),
        (torch.cumsum, (x, 1)), (torch.amax, (x, 1)), (torch.argmax, (x, 1)), (torch.all, (x, 1)), (torch.std, (x, 1)), (torch.matmul, (x, x.t())),
        (torch.mm, (q, q)), (torch.outer, (x[0], x[0])), (torch.dot, (x[0], x[0])), (torch.tril, (x,)), (torch.index_select, (x, 0, torch.tensor([0, 2]))),
        (torch.masked_select, (x, x > 2)), (torch.linalg.inv, (q,)), (torch.softmax, (x, 1)), (torch.where, (x > 2, x, x)), (torch.nonzero, (x,)), (torch.logsumexp, (x, 1)),
        (torch.zeros, ((2, 2),)), (torch.full, ((2, 2), 3.0)), (torch.eye, (3,)), (torch.linspace, (0, 3, 4)), (torch.gather, (x, 1, x[:, :1].long() % 4)),
    ):  # fmt: skip
        for kind in kinds:
            out = torch.zeros(f(*args).shape, dtype=kind)

            def call(f=f, args=args, out=out):
                return f(*args, out=out) is out

            print(kind, said(call).split(":")[0], out)


@program
def rows_without_elements(torch):
    F, found = torch.nn.functional, []
    for shape in ((5, 0, 0), (0, 4), (2, 0, 3), (3, 0)):
        for dim in range(-len(shape), len(shape)):
            x = torch.zeros(shape, requires_grad=True)
            for f in (
                x.softmax,
                x.log_softmax,
                x.logsumexp,
                x.sum,
                x.cumsum,
                x.sort,
                x.argsort,
                x.prod,
                lambda d: x.transpose(0, d),
            ):
                y = f(dim)
                found.append(y)
        found += [
            F.layer_norm(x, shape[-1:]),
            F.rms_norm(x, shape[-1:]),
            F.normalize(x),
            F.softmin(x, 0),
            F.gelu(x),
            F.dropout(x),
        ]
        F.layer_norm(x, shape[-1:]).sum().backward()
        found.append(x.grad)
    layer = torch.nn.LayerNorm(3)
    layer(torch.zeros(0, 3)).sum().backward()
    return (
        found,
        [p.grad for p in layer.parameters()],
        F.cross_entropy(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long), reduction="sum"),
    )


@program
def numbers_that_do_not_fit(torch):
    inf, nan = float("inf"), float("nan")
    for kind in (torch.uint8, torch.int8, torch.int64, torch.float16, torch.float32, torch.bool):
        for value in (-2, -1.5, 2.5, 300, -300, 1e10, 2**40, inf, nan, 1 + 2j, 1 + 0j, 1e300, True):
            for call in (
                lambda x: x.fill_(value), lambda x: x.__setitem__(0, value) or x, lambda x: x.__setitem__(x == 0, value) or x, lambda x: x.masked_fill(x == 0, value),
                lambda x: torch.full((2,), value, dtype=x.dtype), lambda x: torch.full_like(x, value), lambda x: torch.tensor([value], dtype=x.dtype),
                lambda x: x.scatter(0, torch.tensor([0]), value), lambda x: x.copy_(torch.tensor(value)),
            ):  # fmt: skip
                if kind == torch.float16 and value in (1e10, 2**40, 1e300):
                    continue  # the text of an infinite half says how it was rounded
                print(kind, value, said(lambda: call(torch.zeros(2, dtype=kind))).split(":")[0])
    x = torch.tensor([250, 5], dtype=torch.uint8)
    x += 300
    x *= -3
    x -= 2**20
    return x, x.clamp(max=7), torch.xlogy(torch.ones(2).half(), 2), torch.ones(3).copy_(2)


@program
def assignments_of_another_kind(torch):
    mask, index = torch.tensor([True, False, True]), torch.tensor([0, 2])
    for place in (mask, index, [0, 2], slice(0, 2), 0):
        for value in (
            torch.tensor([1, 2]),
            torch.tensor(1),
            torch.tensor([1]),
            torch.ones(2),
            1,
            torch.ones(3),
            torch.ones(1, 2),
        ):
            x = torch.zeros(3)

            def put(x=x, place=place, value=value):
                x[place] = value
                return x

            print(place, value, said(put).split(":")[0])
    for call in (
        lambda: torch.zeros(3).index_put((index,), torch.ones(2).long()), lambda: torch.lerp(torch.ones(2), torch.ones(2).double(), 0.5),
        lambda: torch.gcd(torch.tensor([4]), 2), lambda: torch.ones(2) % (1 + 1j), lambda: mask // mask, lambda: torch.ones(2).addcmul(1, 2),
        lambda: torch.nn.functional.mse_loss(index, index), lambda: torch.nn.functional.huber_loss(index, index), lambda: torch.zeros(3)[torch.tensor([0]).short()],
    ):  # fmt: skip
        print(said(call).split(":")[0])


@program
def overloads_of_old(torch):
    g, m, v = torch.tensor([1.0, 2.0]), torch.ones(2, 2), torch.ones(2)
    return (
        v.clone().add_(-0.1, g), torch.add(v, 2, g), v.clone().sub_(0.5, g), torch.sub(v, 2, g), v.clone().addcmul_(0.5, g, g), v.clone().addcdiv_(-0.5, g, g),
        torch.addcmul(v, 0.5, g, g), torch.addmm(0.5, m, 2, m, m), torch.addmm(0.5, m, m, m), m.addmm(0.5, m, m), v.addmv(0.5, 2, m, g), v.add(1, 2),
    )  # fmt: skip


@program
def names_that_numpy_uses(torch):
    x = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    return (
        x.amax(axis=0), x.amin(axis=1, keepdims=True), x.median(axis=0), x.mode(axis=1), x.sort(axis=0), x.argsort(axis=-1), x.topk(2, axis=1), x.cummax(axis=1),
        x.logsumexp(axis=1), x.softmax(axis=1), x.log_softmax(axis=0), x.unbind(axis=1), x.unsqueeze(axis=0), x[None].squeeze(axis=0), x.count_nonzero(axis=0),
        x.aminmax(dim=1), x.quantile(0.5, axis=0, keepdims=True), x.kthvalue(1, axis=1), x.diff(axis=1), torch.median(x, axis=1, keepdims=True), x.std(axis=0, keepdims=True),
        torch.zeros(2, dtype=float), torch.full((2,), 1, dtype=float), x.to(float), torch.ones(3, dtype=complex), torch.cat([torch.arange(2), torch.zeros(0)]),
        torch.eye(2).long().diagonal_scatter(torch.full((2,), 7.0)),
        torch.tensor([1, 2, 3], dtype=torch.uint8).clamp(-1, 1.5), torch.tensor([1.0, 2.0]).half().softmax(0),
    )  # fmt: skip


@program
def dimensions_that_are_none(torch):
    x, whole = torch.ones(2, 3), torch.arange(6).reshape(2, 3)
    for call in (
        lambda: x.sum(True), lambda: x.sum(keepdim=True), lambda: x.mean(keepdim=True), lambda: x.max(keepdim=True), lambda: x.max(True), lambda: x.softmax((0, 1)),
        lambda: x.unique(0), lambda: x.flip(), lambda: x.unsqueeze(), lambda: torch.zeros(()).unbind(), lambda: torch.tensor(1.0).flatten(1), lambda: torch.stack(x),
        lambda: torch.full(2, 1), lambda: torch.zeros(0, 3).softmax(2), lambda: torch.tensor(2**63), lambda: whole.sqrt_(), lambda: whole.sigmoid_(), lambda: x.add(x, x),
        lambda: (x + 1j).max(0), lambda: (x + 1j).sort(), lambda: (x > 0).topk(1), lambda: torch.nn.functional.cross_entropy(whole, torch.tensor([0, 1])),
        lambda: torch.nn.functional.binary_cross_entropy_with_logits(whole, whole), lambda: torch.nn.functional.layer_norm(whole, (3,)),
    ):  # fmt: skip
        print(said(call).split(":")[0])


@program
def losses_of_lists(torch):
    F, x = torch.nn.functional, torch.ones(2, 2)
    for f in (
        F.cross_entropy,
        F.nll_loss,
        F.kl_div,
        F.poisson_nll_loss,
        F.soft_margin_loss,
        F.hinge_embedding_loss,
        F.multi_margin_loss,
        F.multilabel_margin_loss,
        F.mse_loss,
    ):
        for args in ((x, [0, 1]), ([0, 1], x), (x, 1.0), (x, None)):
            text = said(lambda: f(*args))
            print(text.split(": ")[0] if f is F.mse_loss else text)


@program
def kinds_that_have_no_kernel(torch):
    x, whole, z = torch.ones(2, 2), torch.arange(4), torch.ones(2, dtype=torch.complex64)
    for call in (
        lambda: whole.norm(), lambda: x << 1, lambda: x >> 1, lambda: z.clamp(0, 1), lambda: z.floor(), lambda: z.sign(), lambda: z.amax(), lambda: x[0].bincount(),
        lambda: whole.histc(), lambda: z % 2, lambda: z // 2, lambda: z.atan2(z),
    ):  # fmt: skip
        print(said(call).split(". Please")[0])
    for call in (lambda: x.cumsum((0, 1)), lambda: x.argmax((0, 1)), lambda: x.unsqueeze("a")):
        print(said(call).split(":")[0])
