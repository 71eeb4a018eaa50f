"""A physics-informed network (Raissi et al., 2019): solve the damped oscillator from its equation alone.

u'' + 2 d u' + w^2 u = 0, u(0) = 1, u'(0) = 0. The loss contains second derivatives of the network's output.
"""

import importlib
import math
import os
from itertools import pairwise

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn = torch.nn
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))
D, W = 0.5, 3.0


class Network(nn.Module):
    def __init__(self, width=32, depth=3):
        super().__init__()
        sizes = [1] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.out = nn.Linear(width, 1)
        for layer in self.hidden:
            nn.init.xavier_normal_(layer.weight)

    def forward(self, t):
        for layer in self.hidden:
            t = torch.tanh(layer(t))
        return self.out(t)


def derivative(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


def exact(t):
    w = math.sqrt(W**2 - D**2)
    return torch.exp(-D * t) * (torch.cos(w * t) + D / w * torch.sin(w * t))


def main(steps=None, iterations=20 if SMALL else 1500):
    torch.manual_seed(123)
    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    t_physics = torch.linspace(0, 2, 40).view(-1, 1).requires_grad_(True)
    t_start = torch.zeros(1, 1, requires_grad=True)
    losses = []
    for i in range(iterations if steps is None else steps):
        optimizer.zero_grad()
        u0 = model(t_start)
        start = (u0.squeeze() - 1) ** 2 + 0.1 * derivative(u0, t_start).squeeze() ** 2
        u = model(t_physics)
        du = derivative(u, t_physics)
        ddu = derivative(du, t_physics)
        physics = torch.mean((ddu + 2 * D * du + W**2 * u) ** 2)
        loss = start + 1e-2 * physics
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if steps is None and (i + 1) % 500 == 0:
            print(f"step {i + 1}: loss {loss.item():.5f}")
    if steps is None:
        t = torch.linspace(0, 2, 100).view(-1, 1)
        with torch.no_grad():
            print(f"largest error against the exact solution: {(model(t) - exact(t)).abs().max().item():.4f}")
    return losses


if __name__ == "__main__":
    main()
