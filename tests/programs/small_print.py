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
