"""Fashion-MNIST, 784-128-10, three ways: Model with add, Model from a template, a PyTorch-style loop.

    python examples/fashion_mnist.py [--epochs 5] [--compare]

``--compare`` trains the same network in PyTorch and Keras too, where they are installed, and prints one table.
Set TENSORLITE_DATA to a folder that has the files already; otherwise they are downloaded once.
"""

import argparse
import importlib.util
import resource
import subprocess
import sys
import time

import numpy as np

BATCH, RATE, DECAY = 128, 1e-3, 5e-5


def data():
    """Images in [-1, 1] as rows of 784 floats, and labels."""
    from tensorlite.vision.datasets import FashionMNIST

    parts = []
    for train in (True, False):
        split = FashionMNIST(train=train)
        parts += [(split.data.numpy().reshape(-1, 784).astype(np.float32) - 127.5) / 127.5, split.targets.numpy()]
    return parts


def with_add(X, y, X_test, y_test, epochs):
    """The layers one by one."""
    from tensorlite import nn

    model = nn.model.Model()
    model.add(nn.layer.Dense(784, 128, activation=nn.activation.ReLU()))
    model.add(nn.layer.Dense(128, 10, activation=nn.activation.Softmax()))
    model.set(
        loss=nn.loss.CategoricalCrossentropy(),
        accuracy=nn.accuracy.Categorical(),
        optimizer=nn.optimizer.Adam(learning_rate=RATE, decay=DECAY),
    )
    model.train(X, y, epochs=epochs, batch_size=BATCH)
    return model.evaluate(X_test, y_test).accuracy


def with_template(X, y, X_test, y_test, epochs):
    """One line instead."""
    from tensorlite import nn

    model = nn.model.Model("basic", [784, 128, 10])
    model.train(X, y, epochs=epochs, batch_size=BATCH)
    return model.evaluate(X_test, y_test).accuracy


def pytorch_style(torch, X, y, X_test, y_test, epochs):
    """The loop as one writes it for PyTorch; ``torch`` may be either framework."""
    nn = torch.nn
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + DECAY * step))
    criterion = nn.CrossEntropyLoss()
    X, y, X_test, y_test = (torch.from_numpy(np.ascontiguousarray(a)) for a in (X, y, X_test, y_test))
    for _ in range(epochs):
        order = torch.randperm(len(X))
        for start in range(0, len(X), BATCH):
            rows = order[start : start + BATCH]
            optimizer.zero_grad()
            loss = criterion(model(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            scheduler.step()
    with torch.no_grad():
        return (model(X_test).argmax(1) == y_test).float().mean().item()


def keras(X, y, X_test, y_test, epochs):
    """The same in Keras."""
    import keras as k

    model = k.Sequential([k.layers.Input((784,)), k.layers.Dense(128, "relu"), k.layers.Dense(10, "softmax")])
    rate = k.optimizers.schedules.InverseTimeDecay(RATE, 1, DECAY)
    model.compile(k.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(X, y, BATCH, epochs, verbose=0)
    return model.evaluate(X_test, y_test, verbose=0)[1]


def run(name, epochs):
    """Train one way; returns accuracy, seconds per epoch and the peak memory of the process in MB."""
    X, y, X_test, y_test = data()
    y, y_test = y.astype(np.int64), y_test.astype(np.int64)
    if name.startswith("Model"):
        import tensorlite as framework

        train = with_add if "add" in name else with_template
    elif name == "Keras":
        framework, train = None, keras
        import keras as _keras  # noqa: F401  (its import is not timed)
    else:
        framework = importlib.import_module("torch" if name == "PyTorch" else "tensorlite")
        train = lambda *args: pytorch_style(framework, *args)
    if framework is not None:
        framework.manual_seed(1)
    start = time.perf_counter()
    accuracy = train(X, y, X_test, y_test, epochs)
    seconds = (time.perf_counter() - start) / epochs
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return accuracy, seconds, memory


def main():
    """Train every way, each in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--compare", action="store_true", help="PyTorch and Keras too, where installed")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print("RESULT", *run(args.one, args.epochs))
        return
    names = ["Model with add", "Model from template", "tensorlite loop"]
    if args.compare:
        for name, module in [("PyTorch", "torch"), ("Keras", "keras")]:
            if importlib.util.find_spec(module):
                names.append(name)
            else:
                print(f"{name} is not installed: left out")
    rows = []
    for name in names:
        print(f"--- {name}", flush=True)
        command = [sys.executable, __file__, "--one", name, "--epochs", str(args.epochs)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("RESULT"):
                    rows.append((name, *map(float, line.split()[1:])))
                else:
                    print(line, end="", flush=True)
        if process.returncode:
            raise SystemExit(f"{name} failed")
    reference = {name: seconds for name, _, seconds, _ in rows}.get("PyTorch")
    print(f"\n{'':<22}{'accuracy':>10}{'s / epoch':>12}{'/ PyTorch':>12}{'peak MB':>12}")
    for name, accuracy, seconds, memory in rows:
        ratio = f"{seconds / reference:.2f}" if reference else "-"
        print(f"{name:<22}{accuracy:>10.4f}{seconds:>12.2f}{ratio:>12}{memory:>12.0f}")


if __name__ == "__main__":
    main()
