"""What the libraries say about calls that cannot work: the same class of error, the same essential words."""

import re

from . import program


def said(function):
    """The class of Python's that an error has, and its first words; both libraries may add to them."""
    try:
        return repr(function())
    except Exception as error:
        kind = next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")
        return kind + ": " + re.split(r" \(\w+ of |; |, but got [A-Z]| \(Its|\\n", str(error).splitlines()[0])[0]


@program
def shapes_that_do_not_fit(torch):
    a, ones = torch.ones(3, 4), torch.ones
    for call in (
        lambda: a @ a, lambda: a @ ones(3), lambda: torch.mv(a, ones(3)), lambda: torch.dot(ones(3), ones(4)), lambda: a + ones(5),
        lambda: torch.matmul(ones(2, 3, 4), ones(3, 4, 5)), lambda: torch.where(a > 0, ones(2), a), lambda: a.view(5, 2), lambda: a.expand(2, 4),
        lambda: torch.bmm(ones(2, 3, 4), ones(2, 3, 4)), lambda: torch.cat([a, ones(2, 3)]), lambda: torch.stack([a, ones(3)]),
    ):  # fmt: skip
        print(said(call))


@program
def kinds_that_do_not_fit(torch):
    a, whole, mask = torch.ones(3), torch.arange(3), torch.ones(3) > 0
    for call in (
        lambda: a & a, lambda: a << 1, lambda: mask - mask, lambda: whole.mean(), lambda: whole.std(), lambda: -mask,
        lambda: whole.add_(1.5), lambda: torch.dot(a, a.double()),
    ):  # fmt: skip
        print(said(call).replace("bitwise_left_shift_cpu", "lshift_cpu"))
    for call in (lambda: a + "x", lambda: a + None, lambda: a @ [1, 2], lambda: torch.nn.Linear(3, 2)([1.0, 2, 3])):
        print(said(call).split(":")[0])


@program
def gradients_that_do_not_exist(torch):
    x, unused = torch.ones(2, requires_grad=True), torch.ones(1, requires_grad=True)

    def other_shape():
        x.grad = torch.ones(3)

    print(said(other_shape), said(lambda: torch.autograd.grad((x * 2).sum(), [x, unused])))


@program
def derivatives_down_to_a_constant(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = x**3
    slopes = []
    for _ in range(4):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        slopes.append(y)
    return slopes, torch.gradient(torch.arange(4.0) ** 2), torch.histogram(torch.linspace(0, 1, 9))


@program
def layers_of_what_is_no_tensor(torch):
    F, ones = torch.nn.functional, torch.ones
    for call in (
        lambda: F.linear(5, ones(2, 3)), lambda: F.linear([1.0], ones(2, 3)), lambda: torch.nn.Linear(2, 2)([1.0, 2.0]),
        lambda: F.linear(torch.tensor(1.0), ones(2, 3)), lambda: F.linear(ones(0), ones(1, 1)), lambda: torch.exp(None),
    ):  # fmt: skip
        print(said(call).split(" (in ")[0])


@program
def matrices_without_a_result(torch):
    singular, flat = torch.tensor([[1.0, 2], [2, 4]]), torch.stack([torch.eye(2), torch.zeros(2, 2)])
    for a in (singular, flat, flat.expand(3, 2, 2, 2)):
        for call in (torch.linalg.inv, torch.inverse, torch.linalg.cholesky, lambda a: torch.linalg.solve(a, a)):
            print(said(lambda: call(a)).replace("torch.linalg", "linalg"))
