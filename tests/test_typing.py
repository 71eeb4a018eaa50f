"""What a type checker and an editor see of the package: names, their signatures, and no complaint about a usual program."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import tensorlite as tl

#: modules whose names are looked up in the source, not at run time
MODULES = [
    "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn", "nn.model", "nn.layer", "nn.loss", "nn.activation",
    "nn.optimizer", "nn.accuracy", "optim", "optim.lr_scheduler", "utils.data", "linalg", "fft", "special", "func",
    "autograd", "distributions", "viz", "callbacks", "metrics", "profiler", "vision.datasets", "vision.transforms",
]  # fmt: skip

PROGRAM = """
import numpy as np

import tensorlite as torch
from tensorlite import nn, optim
from tensorlite.nn import functional as F
from tensorlite.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, width), nn.Linear(width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(F.relu(self.first(x)))


def train(net: Net, loader: DataLoader, epochs: int = 2) -> list[float]:
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    losses: list[float] = []
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


x = torch.tensor(np.zeros((8, 4)), dtype=torch.float32)
net = Net(5)
train(net, DataLoader(TensorDataset(x, torch.zeros(8, dtype=torch.long)), batch_size=4))
with torch.no_grad():
    z: torch.Tensor = 2.0 * (x @ x.T).sum(dim=1, keepdim=True) ** 2
    n: int = z.shape[0]
model = nn.model.Model("basic", [4, 8, 3])
history = model.train(np.zeros((8, 4)), np.zeros(8, int), silent=True)
print(history.history["loss"], model.evaluate(x, x).accuracy)
"""


def test_the_package_says_that_it_can_be_checked():
    assert (Path(tl.__file__).parent / "py.typed").exists()


@pytest.mark.slow
def test_a_checker_finds_every_public_name(tmp_path):
    pytest.importorskip("mypy")
    lines = ["import tensorlite", *[f"import tensorlite.{m}" for m in MODULES]]
    for m in MODULES:
        module = importlib.import_module(f"tensorlite.{m}")
        names = getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]
        lines += [f"tensorlite.{m}.{n}" for n in names]
    for owner in ("Tensor", "nn.Module"):
        cls = getattr(tl, owner) if owner == "Tensor" else tl.nn.Module
        lines += [f"tensorlite.{owner}.{n}" for n in dir(cls) if not n.startswith("_")]
    assert len(lines) > 1300
    (tmp_path / "names.py").write_text("\n".join(lines))
    (tmp_path / "program.py").write_text(PROGRAM)
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", "names.py", "program.py"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout
