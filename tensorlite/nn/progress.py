"""Progress of training: a bar in a terminal or notebook, a line per epoch in a file."""

from __future__ import annotations

import sys
import time

__all__ = ["Progress"]


def _interactive():
    """Whether a bar can be redrawn where we print: a terminal, or a notebook."""
    if "ipykernel" in sys.modules:
        return True
    return bool(getattr(sys.stderr, "isatty", lambda: False)())


def _shown(values):
    keep = {k: v for k, v in values.items() if isinstance(v, (int, float)) and k not in ("epoch", "step")}
    if keep.get("regularization_loss") == 0:
        keep.pop("regularization_loss")
        if "loss" in keep:
            keep.pop("data_loss", None)
    rate = keep.pop("learning_rate", None)
    text = " - ".join(f"{k} {v:.4f}" for k, v in keep.items())
    return text if rate is None else f"{text} - lr {rate:.3g}"


class Progress:
    """Shows steps and epochs as ``verbose`` asks: 0 nothing, 1 a bar, 2 lines, 'auto' what suits the place."""

    def __init__(self, verbose, epochs, print_every=None):
        if verbose not in ("auto", 0, 1, 2, True, False):
            raise ValueError(f"verbose must be 'auto', 0, 1 or 2, not {verbose!r}")
        if print_every is not None and print_every < 1:
            raise ValueError(f"print_every must be at least 1, but is {print_every}")
        self.mode = (1 if _interactive() else 2) if verbose == "auto" else int(verbose)
        self.epochs = epochs
        self.print_every = print_every
        self.bar = None

    def start_epoch(self, epoch, total):
        """A new epoch of ``total`` steps (None where that is not known)."""
        self.began = self.drawn = time.perf_counter()
        self.total = total
        self.count = 0
        self.mean = {}
        if self.mode == 1:
            try:
                from tqdm import tqdm
            except ImportError:
                self.mode = 2  # tqdm is optional: lines instead of a bar
            else:
                self.bar = tqdm(total=total, desc=f"epoch {epoch + 1}/{self.epochs}", unit="step", leave=True,
                                dynamic_ncols=True)  # fmt: skip

    def step(self, record):
        """A step is done."""
        self.count += 1
        if self.print_every and (self.count % self.print_every == 0 or self.count == self.total):
            line = f"epoch {record['epoch'] + 1}, step {record['step']}: {_shown(record)}"
            self.bar.write(line) if self.bar is not None else print(line, flush=True)
        if self.bar is not None:
            for key in ("data_loss", "accuracy"):  # moving averages
                if key in record:
                    old = self.mean.get(key, record[key])
                    self.mean[key] = old + 0.05 * (record[key] - old)
            now = time.perf_counter()
            if now - self.drawn > 0.1:
                self.drawn = now
                self.bar.update(self.count - self.bar.n)
                self.bar.set_postfix_str(_shown(self.mean), refresh=False)

    def end_epoch(self, epoch, values):
        """An epoch is done, validation included."""
        seconds = time.perf_counter() - self.began
        if self.bar is not None:
            self.bar.update(self.count - self.bar.n)
            self.bar.set_postfix_str(_shown(values))
            self.bar.close()
            self.bar = None
        elif self.mode == 2:
            rate = f"{self.count / seconds:.0f} steps/s" if seconds else ""
            print(f"epoch {epoch + 1}/{self.epochs} - {seconds:.1f} s, {rate} - {_shown(values)}", flush=True)

    def interrupted(self):
        """Ctrl-C."""
        if self.mode:
            print("interrupted: the history so far is returned, the model is usable", flush=True)

    def close(self):
        """Put the bar away."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
