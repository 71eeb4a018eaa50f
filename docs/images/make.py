"""Make the pictures of this folder again: ``python docs/images/make.py`` (screenshots only where Chromium is installed)."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import tensorlite as tl
from tensorlite import nn, optim, viz

HERE = Path(__file__).parent
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def screenshot(page, name, script="", height=560):
    if BROWSER is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
        subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1.5",
             f"--user-data-dir={folder}/profile", f"--window-size=1280,{height}", f"--screenshot={HERE / name}", path.as_uri()],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip


def scalars():
    """The classic of micrograd: one neuron."""
    x1, x2 = tl.tensor(2.0, requires_grad=True), tl.tensor(0.0, requires_grad=True)
    w1, w2 = tl.tensor(-3.0, requires_grad=True), tl.tensor(1.0, requires_grad=True)
    b = tl.tensor(6.8814, requires_grad=True)
    n = x1 * w1 + x2 * w2 + b
    o = n.tanh()
    o.backward(retain_graph=True)
    viz.graph(o, theme="auto").save(HERE / "neuron.svg")
    screenshot(viz.play(o).to_html(), "player.png", "go(2)")


def network():
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    x, y = tl.randn(32, 784), tl.randint(0, 10, (32,))
    loss = nn.functional.cross_entropy(model(x), y)
    viz.graph(loss, params=dict(model.named_parameters()), theme="auto").save(HERE / "graph.svg")
    picture = viz.graph((model, x), values="stats", theme="auto")
    picture.save(HERE / "modules.svg")
    viz.graph((model, x), view="backward", theme="auto").save(HERE / "backward.svg")
    screenshot(picture.to_html(), "page.png", "drawn.get([...vertices.values()].find((v) => v.rows[0][0] === 'relu').key)"
               ".dispatchEvent(new PointerEvent('pointerenter', {clientX: 0, clientY: 0}));tip.style.top='310px';tip.style.left='560px'", 600)  # fmt: skip


def transformer():
    tl.manual_seed(0)
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True), 24)
    viz.graph((net, tl.randn(2, 10, 64)), depth=3, theme="auto").save(HERE / "transformer.svg")


def plots():
    tl.manual_seed(0)

    def rosenbrock(x, y):
        return (1 - x) ** 2 + 10 * (y - x * x) ** 2

    paths = {}
    for name, kind, options in (("SGD", optim.SGD, {"lr": 0.01}), ("momentum", optim.SGD, {"lr": 0.003, "momentum": 0.9}),
                                ("Adam", optim.Adam, {"lr": 0.1})):  # fmt: skip
        point = tl.tensor([-1.5, 1.5], requires_grad=True)
        optimizer, path = kind([point], **options), []
        for _ in range(80):
            path.append(point.detach().numpy().copy())
            optimizer.zero_grad()
            rosenbrock(point[0], point[1]).backward()
            optimizer.step()
        paths[name] = path
    viz.contour(rosenbrock, paths).savefig(HERE / "optimizers.png", dpi=120)

    X = tl.rand(300, 2) * 4 - 2
    y = ((X**2).sum(1).sqrt() * 2 - tl.atan2(X[:, 1], X[:, 0])).remainder(6.2832) > 3.1416
    net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    for _ in range(600):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X), y.long()).backward()
        optimizer.step()
    viz.decision_boundary(net, X, y.long()).savefig(HERE / "boundary.png", dpi=120)


if __name__ == "__main__":
    scalars()
    network()
    transformer()
    plots()
