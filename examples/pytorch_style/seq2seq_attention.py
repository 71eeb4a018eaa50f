"""Word-level sequence to sequence with additive attention (Bahdanau et al., 2015): read a date, write it in digits."""

import importlib
import os
import random

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn, F = torch.nn, torch.nn.functional
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))

MONTHS = "january february march april may june july august september october november december".split()
WORDS = ["<pad>", "the", "of", "in", *MONTHS, *[str(d) for d in range(1, 29)], *[str(y) for y in range(1990, 2010)]]
SOURCE = {w: i for i, w in enumerate(WORDS)}
TARGET = {c: i for i, c in enumerate("S0123456789-")}
LETTERS = list(TARGET)


def pair(rng):
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1990, 2009)
    words = ["the", str(day), "of", MONTHS[month - 1], "in", str(year)]
    if rng.random() < 0.5:
        words = [MONTHS[month - 1], str(day), str(year), "<pad>", "<pad>", "<pad>"]
    return [SOURCE[w] for w in words], [TARGET[c] for c in f"S{year}-{month:02d}-{day:02d}"]


class Encoder(nn.Module):
    def __init__(self, words, hidden):
        super().__init__()
        self.embedding = nn.Embedding(words, hidden, padding_idx=0)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, x):  # (B, S)
        return self.gru(self.embedding(x))  # (B, S, H), (1, B, H)


class Attention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.Wa, self.Ua, self.Va = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)

    def forward(self, query, keys, mask):  # (B, 1, H), (B, S, H), (B, S)
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys))).squeeze(2)
        weights = F.softmax(scores.masked_fill(mask, float("-inf")), dim=-1).unsqueeze(1)
        return torch.bmm(weights, keys), weights


class Decoder(nn.Module):
    def __init__(self, letters, hidden):
        super().__init__()
        self.embedding = nn.Embedding(letters, hidden)
        self.attention = Attention(hidden)
        self.gru = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, letters)

    def forward(self, keys, h, mask, target=None, length=10):
        x = torch.zeros(keys.size(0), 1, dtype=torch.long)  # "S"
        outputs = []
        for t in range(length):
            context, _ = self.attention(h.permute(1, 0, 2), keys, mask)
            out, h = self.gru(torch.cat((self.embedding(x), context), dim=2), h)
            logits = self.out(out)
            outputs.append(logits)
            x = target[:, t + 1 : t + 2] if target is not None else logits.argmax(-1).detach()
        return torch.cat(outputs, dim=1)


def main(steps=None, iterations=6 if SMALL else 400, batch=48, hidden=48):
    torch.manual_seed(5)
    rng = random.Random(5)
    encoder, decoder = Encoder(len(WORDS), hidden), Decoder(len(LETTERS), hidden)
    parameters = list(encoder.parameters()) + list(decoder.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=4e-3)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for i in range(iterations if steps is None else steps):
        rows = [pair(rng) for _ in range(batch)]
        source, target = (torch.tensor(column) for column in zip(*rows))
        keys, h = encoder(source)
        logits = decoder(keys, h, source == 0, target)
        loss = criterion(logits.transpose(1, 2), target[:, 1:])  # classes in dimension 1
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if steps is None and (i + 1) % 100 == 0:
            print(f"step {i + 1}: loss {loss.item():.3f}")
    if steps is None:
        with torch.no_grad():
            keys, h = encoder(source[:1])
            written = decoder(keys, h, source[:1] == 0).argmax(-1)[0]
        print(" ".join(WORDS[i] for i in source[0] if i), "->", "".join(LETTERS[i] for i in written))
    return losses


if __name__ == "__main__":
    main()
