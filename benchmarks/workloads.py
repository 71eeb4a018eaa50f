"""What is timed. Each workload is written once against the API that the frameworks share.

A workload takes the framework module (``torch`` or ``tensorlite``) and returns ``step``, a function without
arguments that does one whole training step (forward, backward, update) on data prepared beforehand.
"""

from __future__ import annotations

import gzip
import math
import os
from pathlib import Path

import numpy as np

WORKLOADS = {}


def workload(title, unit="step", steps=1):
    """Register a function under its name; ``title`` is its row in the table, ``steps`` are in one ``unit``."""

    def register(fn):
        fn.title, fn.unit, fn.steps = title, unit, steps
        WORKLOADS[fn.__name__] = fn
        return fn

    return register


def images(n, *shape, seed=0):
    """Normal numbers."""
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(np.float32)


def labels(n, classes=10, seed=1):
    """Class numbers."""
    return np.random.default_rng(seed).integers(0, classes, n)


def fashion_mnist():
    """The training set, scaled to [-1, 1]; random bytes of the same shape where the files are missing."""
    folder = os.environ.get("TENSORLITE_DATA")
    if folder and (root := Path(folder) / "fashion-mnist").is_dir():
        x = np.frombuffer(gzip.open(root / "train-images-idx3-ubyte.gz").read(), np.uint8, offset=16)
        y = np.frombuffer(gzip.open(root / "train-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)
    else:
        rng = np.random.default_rng(0)
        x, y = rng.integers(0, 256, 60000 * 784).astype(np.uint8), rng.integers(0, 10, 60000)
    return (x.reshape(-1, 784).astype(np.float32) - 127.5) / 127.5, y.astype(np.int64)


def _trainer(torch, model, x, y, loss=None, optimizer=None):
    """The step of an ordinary PyTorch loop."""
    loss = loss or torch.nn.CrossEntropyLoss()
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = torch.from_numpy(x), torch.from_numpy(y)

    def step():
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    return step


@workload("100 multiply-adds on 3 numbers, forward + backward")
def scalar_tape(torch):
    w = torch.tensor([0.9, 1.1, 1.0], requires_grad=True)
    b = torch.tensor([0.1, -0.1, 0.0], requires_grad=True)
    x = torch.tensor([1.0, 2.0, 3.0])

    def step():
        y = x
        for _ in range(100):
            y = y * w + b
        y.sum().backward()
        w.grad = b.grad = None

    return step


@workload("MLP 2-16-16-2, 100 points")
def tiny_mlp(torch):
    nn = torch.nn
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
    return _trainer(torch, model, images(100, 2), labels(100, 2))


@workload("MLP 784-128-10, batch 128")
def mlp(torch):
    nn = torch.nn
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    return _trainer(torch, model, images(128, 784), labels(128))


@workload("Fashion-MNIST epoch, 784-128-10, batch 128, plain loop", unit="epoch", steps=469)
def fashion_epoch(torch):
    nn = torch.nn
    x, y = (torch.from_numpy(a) for a in fashion_mnist())
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        for start in range(0, len(x), 128):
            optimizer.zero_grad()
            loss(model(x[start : start + 128]), y[start : start + 128]).backward()
            optimizer.step()

    return step


@workload("the same through model.train with its metrics / PyTorch's plain loop", unit="epoch", steps=469)
def fashion_model(torch):
    if torch.__name__ != "tensorlite":
        return fashion_epoch(torch)
    x, y = fashion_mnist()
    model = torch.nn.model.Model("basic", [784, 128, 10])

    def step():
        model.train(x, y, epochs=1, batch_size=128, silent=True)

    return step


@workload("MLP 784-512-512-10, BatchNorm, Dropout, batch 128")
def mlp_large(torch):
    nn = torch.nn
    layers = []
    for n_in, n_out in [(784, 512), (512, 512)]:
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU(), nn.Dropout(0.2)]
    return _trainer(torch, nn.Sequential(*layers, nn.Linear(512, 10)), images(128, 784), labels(128))


@workload("LeNet, 64 x 1 x 28 x 28")
def lenet(torch):
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    return _trainer(torch, model, images(64, 1, 28, 28), labels(64))


@workload("CNN 1-32-64 (3x3), pool, dropout, dense 9216-128-10, batch 64")
def cnn(torch):
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    )  # fmt: skip
    return _trainer(torch, model, images(64, 1, 28, 28), labels(64))


@workload("residual CNN, 8 layers 16-32-64 with BatchNorm, 32 x 3 x 32 x 32")
def residual_cnn(torch):
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, n_in, n_out, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(n_out)
            self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(n_out)
            self.relu = nn.ReLU()
            self.shortcut = nn.Sequential()
            if stride != 1 or n_in != n_out:
                self.shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))

        def forward(self, x):
            y = self.relu(self.bn1(self.conv1(x)))
            return self.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16, 1), Block(16, 32, 2),
        Block(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    return _trainer(torch, model, images(32, 3, 32, 32), labels(32))


@workload("GPT 4 layers, 4 heads, width 128, 12 x 64 tokens, AdamW")
def gpt(torch):
    nn, F = torch.nn, torch.nn.functional
    vocabulary, width, heads, layers, length, batch = 65, 128, 4, 4, 64, 12

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(width, 3 * width)
            self.out = nn.Linear(width, width)

        def forward(self, x):
            B, T, C = x.shape
            q, k, v = self.qkv(x).split(width, dim=2)
            q, k, v = (t.view(B, T, heads, C // heads).transpose(1, 2) for t in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).contiguous().view(B, T, C))

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attention = Attention()
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x):
            x = x + self.attention(self.ln1(x))
            return x + self.mlp(self.ln2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Embedding(vocabulary, width)
            self.position = nn.Embedding(length, width)
            self.blocks = nn.Sequential(*[Layer() for _ in range(layers)])
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary, bias=False)
            self.register_buffer("places", torch.arange(length))

        def forward(self, tokens):
            x = self.token(tokens) + self.position(self.places[: tokens.shape[1]])
            return self.head(self.norm(self.blocks(x)))

    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    data = torch.from_numpy(np.random.default_rng(0).integers(0, vocabulary, (batch, length + 1)))
    x, y = data[:, :-1].contiguous(), data[:, 1:].contiguous()

    def step():
        optimizer.zero_grad()
        logits = model(x)
        F.cross_entropy(logits.view(-1, vocabulary), y.view(-1)).backward()
        optimizer.step()

    return step


@workload("LSTM 28 x 28, hidden 128, batch 100")
def lstm(torch):
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(28, 128, batch_first=True)
            self.head = nn.Linear(128, 10)

        def forward(self, x):
            out, _ = self.lstm(x)
            return self.head(out[:, -1])

    return _trainer(torch, Net(), images(100, 28, 28), labels(100))


@workload("elementwise chain on 2M floats")
def elementwise(torch):
    x = torch.from_numpy(images(2_000_000))
    w = torch.from_numpy(images(2_000_000, seed=2)).requires_grad_()

    def step():
        ((torch.tanh(x * w + 0.5)) ** 2).mean().backward()
        w.grad = None

    return step


@workload("x[idx] and its backward, 100k of 1M rows x 16")
def indexing(torch):
    x = torch.from_numpy(images(1_000_000, 16)).requires_grad_()
    index = torch.from_numpy(np.random.default_rng(0).integers(0, 1_000_000, 100_000))

    def step():
        x[index].sum().backward()
        x.grad = None

    return step


@workload("DataLoader over 60,000 x 784, batch 64, shuffled", unit="epoch", steps=938)
def loader(torch):
    from importlib import import_module

    data = import_module(torch.__name__ + ".utils.data")
    set_ = data.TensorDataset(torch.zeros(60000, 784), torch.zeros(60000, dtype=torch.int64))
    loader = data.DataLoader(set_, batch_size=64, shuffle=True)

    def step():
        for _ in loader:
            pass

    return step


def build(framework, name):
    """The step of a workload in a framework (a module)."""
    if framework.__name__ == "jax":
        from .in_jax import IN_JAX

        return IN_JAX[name](framework)
    return WORKLOADS[name](framework)


def can_run(framework, name):
    """Whether a workload exists for the framework of that name."""
    if framework == "jax":
        from .in_jax import IN_JAX

        return name in IN_JAX
    return framework in ("tensorlite", "torch")


#: the workloads whose geometric mean is reported
CORE = [
    "scalar_tape", "tiny_mlp", "mlp", "mlp_large", "lenet", "cnn", "residual_cnn", "gpt", "lstm", "elementwise",
]  # fmt: skip


def geometric_mean(ratios):
    """The mean that treats 2 and 1/2 alike."""
    return math.exp(sum(math.log(r) for r in ratios) / len(ratios))
