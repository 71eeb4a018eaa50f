"""A run that stores checkpoints, and kills itself where it is told to: `python resume_run.py FOLDER KIND EPOCH STEP`.

Run again, it goes on from its last checkpoint; at the end it writes everything that it computed to FOLDER/result.npz.
"""

import os
import random
import signal
import sys

import numpy as np

import tensorlite as tl
from tensorlite import nn
from tensorlite.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    GradientClipping,
    JSONLogger,
    LRScheduler,
    ReduceLROnPlateau,
)


class Kill(Callback):
    """Ends the process without a chance to clean up."""

    def __init__(self, epoch, step):
        self.epoch, self.step = epoch, step

    def on_step_end(self, run):
        if (run.epoch, run.step_in_epoch) == (self.epoch, self.step):
            os.kill(os.getpid(), signal.SIGKILL)


def jitter(batch):
    """Samples collated with noise from all three kinds of stream."""
    x, y = tl.data.default_collate(batch)
    return x + 0.1 * tl.randn(x.shape) + random.random() * 0.1 + float(np.random.normal()) * 0.1, y


def main(folder, kind, epoch, step):
    tl.manual_seed(int.from_bytes(os.urandom(4), "little") if os.path.exists(f"{folder}/run") else 7)
    np.random.seed(None if os.path.exists(f"{folder}/run") else 7)
    random.seed(None if os.path.exists(f"{folder}/run") else 7)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    X = rng.normal(size=(90, 5)) + y[:, None]
    model = nn.model.Model()
    model.add(nn.layer.Dense(5, 40, activation=nn.activation.ReLU(), weight_regularizer_l2=1e-3))
    model.add(nn.layer.BatchNorm()).add(nn.layer.Dropout(0.3))
    model.add(nn.layer.Dense(40, 3, activation=nn.activation.Softmax()))
    model.compile(optimizer=nn.optimizer.Adam(0.02, decay=1e-3), loss="categorical_crossentropy",
                  metrics=["accuracy", "auc", "confusion_matrix"])  # fmt: skip
    options = {"batch_size": 8, "accumulate": 2}
    source = (X, y)
    if kind == "loader":
        data = tl.data.TensorDataset(tl.tensor(X, dtype=tl.float32), tl.tensor(y))
        generator = tl.Generator().manual_seed(3)
        source = (tl.data.DataLoader(data, batch_size=8, shuffle=True, generator=generator, collate_fn=jitter),)
        options = {}
    history = model.fit(
        *source, epochs=10, verbose=0, validation_data=(X[:30], y[:30]), **options,
        callbacks=[Checkpoint(f"{folder}/run", every_steps=3 if step > 2 else None), Kill(epoch, step),
                   EarlyStopping(patience=50, restore_best_weights=True), JSONLogger(f"{folder}/log.jsonl"),
                   LRScheduler(tl.optim.lr_scheduler.OneCycleLR, max_lr=0.05, total_steps=200, per="step"),
                   ReduceLROnPlateau(patience=2), GradientClipping(norm=1.0)],
    )  # fmt: skip
    values = {f"history {k}": np.array(v) for k, v in history.history.items()}
    values |= {f"state {k}": v.numpy() for k, v in model.state_dict().items()}
    moments = model.optimizer.state_dict()["inner"]["state"]
    values |= {f"moment {i} {k}": v.numpy() for i, s in moments.items() for k, v in s.items()}
    values["loss of each step"] = np.array([r["data_loss"] for r in model.log.steps])
    values["streams"] = np.array([tl.rand(1).item(), np.random.random(), random.random()])
    values["lines"] = np.array(open(f"{folder}/log.jsonl").read())
    np.savez(f"{folder}/result.npz", **values)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
