"""A generative adversarial network (Goodfellow et al., 2014): two networks, two optimizers, a ring of points."""

import importlib
import os

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn = torch.nn
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))


def weights_init(m):
    if m.__class__.__name__.find("Linear") != -1:
        torch.nn.init.normal_(m.weight, 0.0, 0.1)
        torch.nn.init.zeros_(m.bias)


def real_points(n):
    angle = 2 * torch.pi * torch.rand(n)
    ring = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    return ring + 0.05 * torch.randn(n, 2)


def main(steps=None, iterations=20 if SMALL else 600, batch=64, latent=8):
    torch.manual_seed(11)
    generator = nn.Sequential(
        nn.Linear(latent, 32), nn.BatchNorm1d(32), nn.LeakyReLU(0.2, inplace=True), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2)
    )  # fmt: skip
    critic = nn.Sequential(
        nn.Linear(2, 32), nn.LeakyReLU(0.2, inplace=True), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1), nn.Sigmoid()
    )  # fmt: skip
    generator.apply(weights_init)
    critic.apply(weights_init)
    criterion = nn.BCELoss()
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.999))
    real_label = torch.full((batch, 1), 1.0)
    fake_label = torch.zeros(batch, 1)
    fixed_noise = torch.randn(200, latent)
    losses = []
    for i in range(iterations if steps is None else steps):
        # the critic: real points up, generated ones down
        critic.zero_grad()
        loss_real = criterion(critic(real_points(batch)), real_label)
        loss_real.backward()
        fake = generator(torch.randn(batch, latent))
        loss_fake = criterion(critic(fake.detach()), fake_label)
        loss_fake.backward()
        opt_d.step()
        # the generator: make the critic err
        generator.zero_grad()
        loss_g = criterion(critic(fake), real_label)
        loss_g.backward()
        opt_g.step()
        losses.append((loss_real + loss_fake).item() + loss_g.item())
        if steps is None and (i + 1) % 200 == 0:
            print(f"step {i + 1}: critic {(loss_real + loss_fake).item():.3f}, generator {loss_g.item():.3f}")
    if steps is None:
        with torch.no_grad():
            radius = generator(fixed_noise).norm(dim=1)
        print(f"generated points lie at radius {radius.mean().item():.2f} +- {radius.std().item():.2f} (real: 1.00)")
    return losses


if __name__ == "__main__":
    main()
