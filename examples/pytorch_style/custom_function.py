"""Custom autograd Functions: a Legendre polynomial, and a binary layer with a straight-through gradient."""

import importlib
import math
import os

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn = torch.nn
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))


class LegendrePolynomial3(torch.autograd.Function):
    """P3(x) = (5 x^3 - 3 x) / 2, with its derivative written by hand."""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class SignSTE(torch.autograd.Function):
    """The sign forward; backward as if it were the identity within [-1, 1] (Bengio et al., 2013)."""

    @staticmethod
    def forward(ctx, x, limit):
        ctx.save_for_backward(x)
        ctx.limit = limit
        return torch.where(x >= 0, torch.ones_like(x), -torch.ones_like(x))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x.abs() <= ctx.limit).to(grad_output.dtype), None


def fit_sine(iterations):
    x = torch.linspace(-math.pi, math.pi, 2000)
    y = torch.sin(x)
    a, b, c, d = (torch.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
    losses = []
    for _ in range(iterations):
        y_pred = a + b * LegendrePolynomial3.apply(c + d * x)
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            for p in (a, b, c, d):
                p -= 5e-6 * p.grad
                p.grad = None
        losses.append(loss.item())
    return losses, (a, b, c, d)


def train_binary(iterations):
    inputs = torch.randn(256, 8)
    labels = (inputs[:, :2].prod(dim=1) > 0).long()  # exclusive or of two signs
    first, second = nn.Linear(8, 64), nn.Linear(64, 2)
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=1e-2)
    losses = []
    for _ in range(iterations):
        hidden = SignSTE.apply(first(inputs), 1.0)
        loss = nn.functional.cross_entropy(second(hidden), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main(steps=None, iterations=50 if SMALL else 2000):
    torch.manual_seed(0)
    n = iterations if steps is None else steps
    sine, (a, b, c, d) = fit_sine(n)
    binary = train_binary(min(n, 200))
    if steps is None:
        print(f"y = {a.item():.2f} + {b.item():.2f} * P3({c.item():.2f} + {d.item():.2f} x), error {sine[-1]:.2f}")
        print(f"binary network: loss {binary[0]:.3f} -> {binary[-1]:.3f}")
        x = torch.randn(5, dtype=torch.double, requires_grad=True)
        print("gradcheck:", torch.autograd.gradcheck(LegendrePolynomial3.apply, (x,)))
    return sine + binary


if __name__ == "__main__":
    main()
