"""Regression and classification."""

import math

from . import program


@program
def polynomial_by_hand(torch):
    torch.manual_seed(0)
    x = torch.linspace(-math.pi, math.pi, 200)
    y = torch.sin(x)
    a, b, c, d = (torch.randn((), requires_grad=True) for _ in range(4))
    for t in range(200):
        loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
        if t % 50 == 49:
            print(t, round(loss.item(), 2))
        loss.backward()
        with torch.no_grad():
            for p in (a, b, c, d):
                p -= 1e-6 * p.grad
                p.grad = None
    print(f"Result: y = {a.item():.4f} + {b.item():.4f} x + {c.item():.4f} x^2 + {d.item():.4f} x^3")
    return a, b, c, d


@program
def polynomial_module(torch):
    class Polynomial3(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Parameter(torch.randn(()))
            self.b = torch.nn.Parameter(torch.randn(()))

        def forward(self, x):
            return self.a + self.b * x

        def string(self):
            return f"y = {self.a.item():.3f} + {self.b.item():.3f} x"

    torch.manual_seed(1)
    x = torch.linspace(-1, 1, 50)
    model = Polynomial3()
    criterion = torch.nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(60):
        loss = criterion(model(x), torch.tanh(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(model.string(), model)
    return loss, dict(model.named_parameters())


@program
def powers_with_rmsprop(torch):
    torch.manual_seed(2)
    x = torch.linspace(-math.pi, math.pi, 100)
    xx = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for _ in range(100):
        loss = torch.nn.functional.mse_loss(model(xx), torch.sin(x), reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    layer = model[0]
    return loss, layer.weight, layer.bias, layer.weight[:, 0].item()


@program
def softmax_regression(torch):
    F = torch.nn.functional
    torch.manual_seed(3)
    x = torch.randn(90, 4)
    y = (x @ torch.randn(4, 3)).argmax(1)
    w = torch.normal(0, 0.01, size=(4, 3), requires_grad=True)
    b = torch.zeros(3, requires_grad=True)

    def net(x):
        e = torch.exp(x @ w + b)
        return e / e.sum(1, keepdim=True)

    losses = []
    for epoch in range(10):
        for i in range(0, 90, 30):
            p = net(x[i : i + 30])
            loss = -torch.log(p[range(30), y[i : i + 30]]).mean()
            loss.backward()
            with torch.no_grad():
                for q in (w, b):
                    q -= 0.5 * q.grad
                    q.grad.zero_()
        losses.append(loss.item())
    accuracy = (net(x).argmax(axis=1).type(y.dtype) == y).type(torch.float32).mean()
    return losses, accuracy, w, F.cross_entropy(x @ w + b, y)


@program
def mnist_like_cnn(torch):
    nn, F = torch.nn, torch.nn.functional

    class Net(nn.Module):
        def __init__(self):
            super(Net, self).__init__()
            self.conv1 = nn.Conv2d(1, 8, 3, 1)
            self.conv2 = nn.Conv2d(8, 12, 3, 1)
            self.dropout1 = nn.Dropout(0.25)
            self.fc1 = nn.Linear(12 * 16, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            x = F.relu(self.conv1(x))
            x = F.max_pool2d(F.relu(self.conv2(x)), 2)
            x = torch.flatten(x, 1)
            return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)

    torch.manual_seed(4)
    x, y = torch.randn(40, 1, 12, 12), torch.randint(0, 10, (40,))
    model = Net().to(torch.device("cpu"))
    print(model)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=10)
    for epoch in range(2):
        model.train()
        for batch_idx, (data, target) in enumerate(loader):
            optimizer.zero_grad()
            loss = F.nll_loss(model(data), target)
            loss.backward()
            optimizer.step()
            print("Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.4f}".format(
                epoch, batch_idx * len(data), len(loader.dataset), 100.0 * batch_idx / len(loader), loss.item()))  # fmt: skip
        scheduler.step()
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    print(scheduler.get_last_lr(), correct)
    return test_loss / len(loader.dataset), model.state_dict()


@program
def quickstart(torch):
    nn = torch.nn

    class NeuralNetwork(nn.Module):
        def __init__(self):
            super().__init__()
            self.flatten = nn.Flatten()
            self.linear_relu_stack = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 3))

        def forward(self, x):
            return self.linear_relu_stack(self.flatten(x))

    torch.manual_seed(5)
    device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
    model = NeuralNetwork().to(device)
    for name, param in model.named_parameters():
        print(f"Layer: {name} | Size: {param.size()} | Values : {param[:2].shape} {param.dtype} \n")
    x = torch.rand(24, 4, 4, device=device)
    y = torch.randint(3, (24,))
    loss_fn, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=1e-1)
    for _ in range(5):
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    pred = nn.Softmax(dim=1)(model(x)).argmax(1)
    correct = (pred == y).type(torch.float).sum().item()
    print(f"Accuracy: {(100 * correct / 24):>0.1f}%, Avg loss: {loss.item():>8f} ")
    return loss, pred, model.linear_relu_stack[0].weight.grad


@program
def ridge_and_logistic(torch):
    torch.manual_seed(6)
    x = torch.randn(50, 5, dtype=torch.float64)
    w = torch.arange(1.0, 6.0, dtype=torch.double)
    y = x.mv(w) + 0.1 * torch.randn(50, dtype=torch.float64)
    closed = torch.linalg.solve(x.T @ x + 0.1 * torch.eye(5, dtype=torch.float64), x.T @ y)
    lstsq = torch.linalg.lstsq(x, y.unsqueeze(1)).solution.squeeze()
    labels = (y > 0).double()
    p = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    opt = torch.optim.LBFGS([p], lr=1, max_iter=10, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ p, labels) + 0.01 * p.dot(p)
        loss.backward()
        return loss

    print(round(opt.step(closure).item(), 4))
    return closed, lstsq, p, torch.det(x.T.mm(x)), torch.dist(closed, lstsq)


@program
def regularised_polynomial(torch):
    nn = torch.nn
    torch.manual_seed(7)
    x = torch.unsqueeze(torch.linspace(-1, 1, 20), 1)
    y = x.pow(2) + 0.3 * torch.normal(torch.zeros(20, 1), torch.ones(20, 1))
    net = nn.Sequential(nn.Linear(1, 30), nn.ReLU(), nn.BatchNorm1d(30), nn.Tanh(), nn.Linear(30, 1))
    weights = [p for n, p in net.named_parameters() if n.endswith("weight")]
    others = [p for n, p in net.named_parameters() if not n.endswith("weight")]
    net, x, y = net.double(), x.double(), y.double()  # Adam makes rounding errors large
    opt = torch.optim.AdamW(
        [{"params": weights, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], lr=0.02
    )
    for _ in range(15):
        l1 = sum(p.abs().sum() for p in weights)
        loss = nn.MSELoss()(net(x), y) + 1e-4 * l1
        opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        opt.step()
    print(opt)
    net.eval()
    return loss, norm, net(x), net[2].running_mean, net[2].num_batches_tracked


@program
def label_smoothing_and_mixup(torch):
    nn = torch.nn
    torch.manual_seed(8)
    x, y = torch.randn(16, 6), torch.randint(0, 4, (16,))
    lam = 0.3
    index = torch.randperm(16)
    mixed = lam * x + (1 - lam) * x[index]
    net = nn.Linear(6, 4)
    ce = nn.CrossEntropyLoss(label_smoothing=0.1, weight=torch.tensor([1.0, 2.0, 0.5, 1.0]))
    loss = lam * ce(net(mixed), y) + (1 - lam) * ce(net(mixed), y[index])
    loss.backward()
    soft = nn.functional.one_hot(y, num_classes=4).float() * 0.9 + 0.025
    loss2 = nn.functional.cross_entropy(net(x), soft)
    return loss, net.weight.grad, loss2, index


@program
def multi_label_and_focal(torch):
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(9)
    logits = torch.randn(8, 5, requires_grad=True)
    target = torch.empty(8, 5).random_(2)
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.ones([5]) * 2)(logits, target)
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    p = torch.sigmoid(logits)
    p_t = p * target + (1 - p) * (1 - target)
    focal = (0.25 * (1 - p_t) ** 2 * bce).mean()
    (loss + focal).backward()
    inter = (p * target).sum(dim=1)
    dice = 1 - (2 * inter + 1) / (p.sum(1) + target.sum(1) + 1)
    return loss, focal, logits.grad, dice, (p > 0.5).eq(target.bool()).float().mean()


@program
def gaussian_mixture_density(torch):
    nn = torch.nn
    torch.manual_seed(10)
    x = torch.rand(64, 1)
    y = torch.sin(5 * x) + 0.1 * torch.randn(64, 1)
    trunk = nn.Sequential(nn.Linear(1, 16), nn.Tanh())
    pi, mu, sigma = nn.Linear(16, 3), nn.Linear(16, 3), nn.Linear(16, 3)
    params = [p for m in (trunk, pi, mu, sigma) for p in m.parameters()]
    opt = torch.optim.Adam(params, lr=1e-2)
    for _ in range(20):
        h = trunk(x)
        normal = torch.distributions.Normal(mu(h), torch.exp(sigma(h)))
        loss = -torch.logsumexp(torch.log_softmax(pi(h), dim=1) + normal.log_prob(y), dim=1).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss, pi.bias, sigma.weight


@program
def kfold_ensemble(torch):
    nn, data = torch.nn, torch.utils.data
    torch.manual_seed(11)
    dataset = data.TensorDataset(torch.randn(30, 3), torch.randn(30))
    folds = data.random_split(dataset, [10, 10, 10], generator=torch.Generator().manual_seed(1))
    scores = []
    for i, fold in enumerate(folds):
        train = data.ConcatDataset([f for j, f in enumerate(folds) if j != i])
        net = nn.Linear(3, 1)
        opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
        for xb, yb in data.DataLoader(train, batch_size=5, drop_last=True):
            opt.zero_grad()
            ((net(xb).squeeze(-1) - yb) ** 2).mean().backward()
            opt.step()
        x, y = zip(*[fold[k] for k in range(len(fold))])
        scores.append(((net(torch.stack(x)).squeeze(1) - torch.stack(y)) ** 2).mean().item())
    return scores, [f.indices for f in folds]
