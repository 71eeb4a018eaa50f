"""Train a network on real digits in a few seconds, then draw its computation graph and its history.

    pip install ".[examples]" && python examples/quickstart.py

The 1,797 digits come with scikit-learn; nothing is downloaded.
"""

import argparse
import time
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import tensorlite as tl
from tensorlite import nn, viz

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)

digits = load_digits()
X = digits.data / 8 - 1  # pixels from [0, 16] to [-1, 1]
X_train, X_test, y_train, y_test = train_test_split(X, digits.target, test_size=0.25, random_state=0)

tl.manual_seed(0)
model = nn.model.Model("basic", [64, 128, 10])

start = time.perf_counter()
history = model.train(X_train, y_train, epochs=30, batch_size=32, validation_data=(X_test, y_test))
seconds = time.perf_counter() - start

loss, accuracy = model.evaluate(X_test, y_test)
print(f"accuracy on {len(X_test)} held-out digits: {accuracy:.3f}, trained in {seconds:.1f} s")

# One batch through the network, drawn: what was computed, and where gradients flow.
x, y = tl.tensor(X_test[:4], dtype=tl.float32), tl.tensor(y_test[:4])
graph = viz.graph(nn.functional.nll_loss(model(x).log(), y), params=dict(model.named_parameters()))
print("computation graph:", graph.save(args.out / "graph.svg"))

figure = viz.history(history)
path = args.out / "history.png"
figure.savefig(path, dpi=120)
print("training history: ", path)
