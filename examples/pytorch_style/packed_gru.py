"""A bidirectional GRU over sequences of different lengths, packed: which class of rhythm is it?"""

import importlib
import os

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn = torch.nn
rnn_utils = importlib.import_module(torch.__name__ + ".nn.utils.rnn")
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))
CLASSES = 3


def make_data(n):
    """Noisy sines of period 4, 6 or 9 with 10 to 40 samples each."""
    sequences, labels = [], torch.randint(0, CLASSES, (n,))
    lengths = torch.randint(10, 41, (n,))
    for label, length in zip(labels.tolist(), lengths.tolist()):
        t = torch.arange(length, dtype=torch.float32)
        phase = torch.rand(1) * 6.28
        wave = torch.sin(2 * torch.pi * t / (4, 6, 9)[label] + phase) + 0.2 * torch.randn(length)
        sequences.append(wave.unsqueeze(1))  # (T, 1)
    return sequences, lengths, labels


class Classifier(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(1, hidden, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, CLASSES)

    def forward(self, x, lengths):
        packed = rnn_utils.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, h = self.gru(packed)
        _, out_lengths = rnn_utils.pad_packed_sequence(out, batch_first=True)
        assert torch.equal(out_lengths, lengths)
        return self.fc(torch.cat([h[-2], h[-1]], dim=1))  # last states of both directions


def main(steps=None, iterations=10 if SMALL else 120, batch=32):
    torch.manual_seed(3)
    sequences, lengths, labels = make_data(256)
    x = rnn_utils.pad_sequence(sequences, batch_first=True)  # (N, T_max, 1)
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for i in range(iterations if steps is None else steps):
        rows = torch.randperm(len(x))[:batch]
        output = model(x[rows], lengths[rows])
        loss = criterion(output, labels[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if steps is None and (i + 1) % 40 == 0:
            accuracy = (output.argmax(1) == labels[rows]).float().mean()
            print(f"step {i + 1}: loss {loss.item():.3f}, batch accuracy {accuracy.item():.2f}")
    if steps is None:
        print(f"final loss {losses[-1]:.3f}")
    return losses


if __name__ == "__main__":
    main()
