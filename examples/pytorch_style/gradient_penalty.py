"""A Wasserstein GAN with gradient penalty (Gulrajani et al., 2017): second derivatives in a training loop."""

import importlib
import os

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn, autograd = torch.nn, torch.autograd
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))


def eight_gaussians(n):
    angle = torch.randint(0, 8, (n,)).float() * (torch.pi / 4)
    return torch.stack((angle.cos(), angle.sin()), dim=1) * 2 + torch.randn(n, 2) * 0.1


def mlp(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 64), nn.ELU(), nn.Linear(64, 64), nn.Softplus(), nn.Linear(64, n_out))


def compute_gradient_penalty(critic, real, fake):
    """(|gradient of the critic between real and fake points| - 1) squared."""
    alpha = torch.rand(real.size(0), 1)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    score = critic(between)
    gradients = autograd.grad(
        outputs=score, inputs=between, grad_outputs=torch.ones_like(score),
        create_graph=True, retain_graph=True, only_inputs=True,
    )[0]  # fmt: skip
    return ((gradients.view(gradients.size(0), -1).norm(2, dim=1) - 1) ** 2).mean()


def main(steps=None, iterations=6 if SMALL else 300, batch=64, n_critic=3, weight=1.0):
    torch.manual_seed(4)
    generator, critic = mlp(4, 2), mlp(2, 1)
    opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
    opt_c = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
    losses = []
    for i in range(iterations if steps is None else steps):
        for _ in range(n_critic):
            real, fake = eight_gaussians(batch), generator(torch.randn(batch, 4)).detach()
            penalty = compute_gradient_penalty(critic, real, fake)
            loss_c = critic(fake).mean() - critic(real).mean() + weight * penalty
            opt_c.zero_grad()
            loss_c.backward()
            opt_c.step()
        opt_g.zero_grad()
        loss_g = -critic(generator(torch.randn(batch, 4))).mean()
        loss_g.backward()
        opt_g.step()
        losses.append(loss_c.item() + penalty.item())
        if steps is None and (i + 1) % 100 == 0:
            print(
                f"step {i + 1}: critic {loss_c.item():.3f}, penalty {penalty.item():.3f}, generator {loss_g.item():.3f}"
            )
    if steps is None:
        print(f"final penalty {penalty.item():.3f}")
    return losses


if __name__ == "__main__":
    main()
