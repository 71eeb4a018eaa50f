"""A variational autoencoder (Kingma & Welling, 2013) on real digits."""

import importlib
import os

import numpy as np
from sklearn.datasets import load_digits

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn, F = torch.nn, torch.nn.functional
DataLoader = torch.utils.data.DataLoader
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))


class VAE(nn.Module):
    def __init__(self, pixels=64, hidden=64, latent=8):
        super().__init__()
        self.fc1 = nn.Linear(pixels, hidden)
        self.fc21 = nn.Linear(hidden, latent)
        self.fc22 = nn.Linear(hidden, latent)
        self.fc3 = nn.Linear(latent, hidden)
        self.fc4 = nn.Linear(hidden, pixels)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(reconstruction, x, mu, logvar):
    bce = F.binary_cross_entropy(reconstruction, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


def main(steps=None, epochs=1 if SMALL else 10):
    torch.manual_seed(1)
    images = torch.from_numpy((load_digits().data / 16).astype(np.float32))
    loader = DataLoader(images, batch_size=128, shuffle=True)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    losses = []
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for x in loader:
            optimizer.zero_grad()
            reconstruction, mu, logvar = model(x)
            loss = loss_function(reconstruction, x, mu, logvar)
            loss.backward()
            total += loss.item()
            optimizer.step()
            losses.append(loss.item() / len(x))
            if len(losses) == steps:
                return losses
        print(f"epoch {epoch + 1}: loss per image {total / len(images):.3f}")
    with torch.no_grad():
        sample = model.decode(torch.randn(2, 8)).view(2, 8, 8)
    for row in sample[0]:
        print("".join(" .:-=+*#%@"[min(int(v * 10), 9)] for v in row.tolist()))
    return losses


if __name__ == "__main__":
    main()
