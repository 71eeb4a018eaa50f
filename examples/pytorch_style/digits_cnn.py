"""A convolutional network on real digits (8 x 8 pixels, from scikit-learn), as in PyTorch's MNIST example."""

import importlib
import os

import numpy as np
from sklearn.datasets import load_digits

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn, F, data = torch.nn, torch.nn.functional, torch.utils.data
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(32 * 4 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):  # (B, 1, 8, 8)
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (B, 32, 4, 4)
        x = self.dropout(x.view(x.size(0), -1))
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


def main(steps=None, epochs=1 if SMALL else 8):
    torch.manual_seed(1)
    digits = load_digits()
    images = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
    labels = torch.from_numpy(digits.target.astype(np.int64))
    train = data.TensorDataset(images[:1500], labels[:1500])
    loader = data.DataLoader(train, batch_size=64, shuffle=True)
    model = Net()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    losses = []
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.nll_loss(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == steps:
                return losses
        scheduler.step()
        model.eval()
        with torch.no_grad():
            hits = (model(images[1500:]).argmax(dim=1) == labels[1500:]).float().mean()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, accuracy {hits.item():.3f}")
    return losses


if __name__ == "__main__":
    main()
