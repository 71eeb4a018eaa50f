"""L-BFGS with a line search: logistic regression on a real table, and Rosenbrock's valley."""

import importlib
import os

from sklearn.datasets import load_breast_cancer

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn = torch.nn
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def main(steps=None, iterations=3 if SMALL else 15):
    torch.manual_seed(0)
    table = load_breast_cancer()
    x = torch.tensor(table.data, dtype=torch.float64)
    x = (x - x.mean(0)) / x.std(0)
    y = torch.tensor(table.target, dtype=torch.float64).unsqueeze(1)
    model = nn.Linear(x.shape[1], 1).double()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.LBFGS(
        model.parameters(), lr=0.8, max_iter=4, history_size=10, line_search_fn="strong_wolfe"
    )
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = criterion(model(x), y) + 1e-3 * model.weight.pow(2).sum()
        loss.backward()
        return loss

    for _ in range(iterations if steps is None else min(steps, 10)):
        losses.append(optimizer.step(closure).item())
    point = torch.tensor([-1.5, 2.0], dtype=torch.float64, requires_grad=True)
    valley = torch.optim.LBFGS([point], max_iter=4, line_search_fn="strong_wolfe")

    def fall():
        valley.zero_grad()
        value = rosenbrock(point)
        value.backward()
        return value

    for _ in range(iterations if steps is None else min(steps, 10)):
        losses.append(valley.step(fall).item())
    if steps is None:
        accuracy = ((model(x) > 0).double() == y).double().mean().item()
        print(
            f"logistic regression: accuracy {accuracy:.3f}; Rosenbrock: {losses[-1]:.1e} at ({point[0]:.4f}, {point[1]:.4f})"
        )
    return losses


if __name__ == "__main__":
    main()
