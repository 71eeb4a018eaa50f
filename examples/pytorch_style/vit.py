"""A vision transformer (Dosovitskiy et al., 2021) on real digits: 16 patches of 2 x 2 pixels and a class token."""

import importlib
import os

import numpy as np
from sklearn.datasets import load_digits

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn = torch.nn
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))


class ViT(nn.Module):
    def __init__(self, image=8, patch=2, width=32, depth=2, heads=4, classes=10):
        super().__init__()
        self.patch = nn.Conv2d(1, width, kernel_size=patch, stride=patch)
        tokens = (image // patch) ** 2
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embedding = nn.Parameter(torch.randn(1, tokens + 1, width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width, heads, dim_feedforward=64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, classes))

    def forward(self, x):  # (B, 1, 8, 8)
        x = self.patch(x).flatten(2).transpose(1, 2)  # (B, 16, width)
        cls = self.cls_token.expand(x.shape[0], -1, -1)
        x = torch.cat([cls, x], dim=1) + self.pos_embedding
        return self.head(self.encoder(x)[:, 0])


def main(steps=None, epochs=1 if SMALL else 12, batch=100):
    torch.manual_seed(2)
    digits = load_digits()
    x = torch.from_numpy((digits.images / 8 - 1).astype(np.float32)).unsqueeze(1)
    y = torch.from_numpy(digits.target.astype(np.int64))
    model = ViT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for epoch in range(epochs):
        model.train()
        for rows in torch.randperm(1500).split(batch):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == steps:
                return losses
        scheduler.step()
        model.eval()
        with torch.inference_mode():
            accuracy = (model(x[1500:]).argmax(-1) == y[1500:]).float().mean().item()
        print(f"epoch {epoch + 1}: loss {losses[-1]:.4f}, accuracy {accuracy:.3f}")
    return losses


if __name__ == "__main__":
    main()
