"""A character-level LSTM that learns to continue a text, and samples from it."""

import importlib
import os

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn, F = torch.nn, torch.nn.functional
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))

TEXT = (
    "the tape remembers every step that the numbers took, and when the last one has been reached it walks "
    "back, from the newest to the oldest, and tells each of them how much it mattered. "
) * 20
CHARS = sorted(set(TEXT))
INDEX = {c: i for i, c in enumerate(CHARS)}


class CharLSTM(nn.Module):
    def __init__(self, vocabulary, embedding=16, hidden=64, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, num_layers=layers, batch_first=True)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, x, state=None):  # x: (B, T) characters
        out, state = self.lstm(self.embedding(x), state)
        return self.head(out), state  # (B, T, V)


@torch.no_grad()
def sample(model, start="the ", length=60, temperature=0.7):
    model.eval()
    text, state = start, None
    x = torch.tensor([[INDEX[c] for c in start]])
    for _ in range(length):
        logits, state = model(x, state)
        p = F.softmax(logits[0, -1] / temperature, dim=-1)
        x = torch.multinomial(p, 1).unsqueeze(0)
        text += CHARS[x.item()]
    model.train()
    return text


def main(steps=None, iterations=20 if SMALL else 300):
    torch.manual_seed(7)
    codes = torch.tensor([INDEX[c] for c in TEXT])
    model = CharLSTM(len(CHARS))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    losses, length, batch = [], 32, 16
    for i in range(iterations if steps is None else steps):
        starts = torch.randint(0, len(codes) - length - 1, (batch,))
        x = torch.stack([codes[s : s + length] for s in starts])
        y = torch.stack([codes[s + 1 : s + length + 1] for s in starts])
        logits, _ = model(x)
        loss = F.cross_entropy(logits.reshape(-1, len(CHARS)), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        losses.append(loss.item())
        if steps is None and (i + 1) % 100 == 0:
            print(f"step {i + 1}: loss {loss.item():.3f}")
    if steps is None:
        print(f"loss {losses[-1]:.3f}; sample: {sample(model)!r}")
    return losses


if __name__ == "__main__":
    main()
