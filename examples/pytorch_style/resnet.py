"""A residual network with batch normalisation on real digits; SGD with momentum and a one-cycle schedule."""

import importlib
import os

import numpy as np
from sklearn.datasets import load_digits

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn, F = torch.nn, torch.nn.functional
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))


class BasicBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self, blocks=(1, 1), width=16, classes=10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True))
        layers, planes = [], width
        for i, count in enumerate(blocks):
            for j in range(count):
                out = width * 2**i
                layers.append(BasicBlock(planes, out, stride=2 if i and not j else 1))
                planes = out
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(planes, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        out = self.layers(self.stem(x))
        out = F.adaptive_avg_pool2d(out, 1).flatten(1)
        return self.linear(out)


def main(steps=None, epochs=1 if SMALL else 6, batch=64):
    torch.manual_seed(0)
    digits = load_digits()
    x = torch.from_numpy((digits.images / 8 - 1).astype(np.float32))[:, None]
    y = torch.from_numpy(digits.target).long()
    model = ResNet()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    per_epoch = 1500 // batch
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=max(epochs, 1) * per_epoch + 1)
    losses = []
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(1500)
        for i in range(per_epoch):
            rows = order[i * batch : (i + 1) * batch]
            loss = criterion(model(x[rows]), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
            if len(losses) == steps:
                return losses
        model.eval()
        with torch.no_grad():
            accuracy = (model(x[1500:]).max(1)[1] == y[1500:]).sum().item() / (len(y) - 1500)
        print(f"epoch {epoch + 1}: loss {losses[-1]:.4f}, accuracy {accuracy:.3f}, lr {scheduler.get_last_lr()[0]:.4f}")
    return losses


if __name__ == "__main__":
    main()
