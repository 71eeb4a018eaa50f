"""Actor-critic on a cart-pole written here: Categorical actions, returns, a smooth L1 critic loss."""

import importlib
import math
import os
from collections import namedtuple

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn, F = torch.nn, torch.nn.functional
Categorical = importlib.import_module(torch.__name__ + ".distributions").Categorical
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))
SavedAction = namedtuple("SavedAction", ["log_prob", "value"])


class CartPole:
    """A pole on a cart (Barto, Sutton & Anderson, 1983); Euler steps of 0.02 s."""

    def reset(self):
        self.state = (torch.rand(4) * 0.1 - 0.05).tolist()
        self.steps = 0
        return self.state

    def step(self, action):
        x, v, angle, spin = self.state
        force = 10.0 if action else -10.0
        push = (force + 0.05 * spin**2 * math.sin(angle)) / 1.1
        turn = (9.8 * math.sin(angle) - math.cos(angle) * push) / (0.5 * (4 / 3 - 0.1 * math.cos(angle) ** 2 / 1.1))
        move = push - 0.05 * turn * math.cos(angle) / 1.1
        self.state = [x + 0.02 * v, v + 0.02 * move, angle + 0.02 * spin, spin + 0.02 * turn]
        self.steps += 1
        done = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.2095 or self.steps >= 200
        return self.state, 1.0, done


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 64)
        self.action_head = nn.Linear(64, 2)
        self.value_head = nn.Linear(64, 1)
        self.saved_actions, self.rewards = [], []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)

    def select_action(self, state):
        probs, value = self(torch.tensor(state))
        m = Categorical(probs)
        action = m.sample()
        self.saved_actions.append(SavedAction(m.log_prob(action), value))
        return action.item()


def finish_episode(model, optimizer, gamma=0.99):
    R, returns = 0, []
    for r in model.rewards[::-1]:
        R = r + gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    policy_losses, value_losses = [], []
    for (log_prob, value), R in zip(model.saved_actions, returns):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    del model.rewards[:], model.saved_actions[:]
    return loss.item()


def main(steps=None, episodes=5 if SMALL else 200):
    torch.manual_seed(543)
    env, model = CartPole(), Policy()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses, running = [], 10.0
    for episode in range(episodes if steps is None else steps):
        state, done, total = env.reset(), False, 0.0
        while not done:
            state, reward, done = env.step(model.select_action(state))
            model.rewards.append(reward)
            total += reward
        losses.append(finish_episode(model, optimizer))
        running = 0.05 * total + 0.95 * running
        if steps is None and (episode + 1) % 50 == 0:
            print(f"episode {episode + 1}: last {total:.0f} steps, running mean {running:.1f}")
    if steps is None:
        print(f"running mean of steps survived: {running:.1f}")
    return losses


if __name__ == "__main__":
    main()
