"""Progress of training: a bar in a terminal or notebook, a line per epoch in a file."""

import os
import shutil
import sys
import time

__all__ = ["Progress"]

_BETWEEN = {"terminal": 0.1, "notebook": 0.3}  # seconds between two drawings
_WIDTH = 24  # of the bar itself


def place(stream):
    """What ``stream`` (standard output) is: 'terminal', 'notebook', or 'file' where nothing can be redrawn."""
    if type(stream).__module__.startswith("ipykernel."):
        return "notebook"
    try:
        terminal = stream.isatty()
    except (AttributeError, ValueError):  # a closed file, or an object that only writes
        return "file"
    return "terminal" if terminal and os.environ.get("TERM") != "dumb" else "file"


def shown(values):
    """The numbers of a record as text; matrices and the like have no place in a line."""
    keep = {k: v for k, v in values.items() if isinstance(v, (int, float)) and k not in ("epoch", "step")}
    if keep.get("regularization_loss") == 0:
        keep.pop("regularization_loss")
        if "loss" in keep:
            keep.pop("data_loss", None)
    rate = keep.pop("learning_rate", None)
    text = " - ".join(f"{k} {v:.4f}" for k, v in keep.items())
    return text if rate is None else f"{text} - lr {rate:.3g}"


def clock(seconds):
    """Seconds as ``m:ss``, or ``h:mm:ss``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def pace(count, seconds):
    """Steps per second, or seconds per step where they are slow."""
    if not count or seconds <= 0:
        return "? steps/s"
    rate = count / seconds
    return f"{rate:.0f} steps/s" if rate >= 10 else f"{rate:.1f} steps/s" if rate >= 1 else f"{1 / rate:.1f} s/step"


class Progress:
    """Shows steps and epochs as ``verbose`` asks: 0 nothing, 1 a bar, 2 lines, 'auto' what suits the place.

    The bar is plain text that rewrites its own line, which terminals and notebooks show alike; the finished epoch
    becomes a line of the same kind as in a file. It shows moving averages, the pace and the time that remains.
    """

    def __init__(self, verbose, epochs, print_every=None):
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose must be 'auto', 0, 1 or 2, not {verbose!r}")
        if print_every is not None and print_every < 1:
            raise ValueError(f"print_every must be at least 1, but is {print_every}")
        self.out = sys.stdout
        self.place = place(self.out)
        self.mode = (2 if self.place == "file" else 1) if verbose == "auto" else int(verbose)
        self.between = _BETWEEN.get(self.place, 1.0)
        self.epochs = epochs
        self.print_every = print_every
        self.drawn = 0  # characters of the line that stands there
        self.looked = 0.0  # when the bar was drawn last; epochs may be shorter than what lies between two drawings
        full, empty = "█", "░"
        try:
            (full + empty).encode(getattr(self.out, "encoding", None) or "ascii")
        except UnicodeEncodeError:
            full, empty = "#", "."
        self.full, self.empty = full, empty

    # -- moments -------------------------------------------------------------------------------------

    def start_epoch(self, epoch, total, done=0):
        """A new epoch of ``total`` steps (None where that is not known), of which ``done`` were made before."""
        self.began = time.perf_counter()
        self.epoch, self.total = epoch, total
        self.count = self.before = done
        self.mean = {}

    def step(self, record):
        """A step is done."""
        self.count += 1
        if self.print_every and (self.count % self.print_every == 0 or self.count == self.total):
            self._line(f"epoch {record['epoch'] + 1}, step {record['step']}: {shown(record)}")
        if self.mode != 1:
            return
        for key in ("data_loss", "accuracy"):
            if key in record:
                old = self.mean.get(key, record[key])
                self.mean[key] = old + 0.05 * (record[key] - old)
        now = time.perf_counter()
        if now - self.looked > self.between:
            self.looked = now
            self._draw(now)

    def end_epoch(self, epoch, values, trained=None):
        """An epoch is done, validation included; ``trained`` is when its last step was."""
        if not self.mode:
            return
        now = time.perf_counter()
        speed = pace(self.count - self.before, (trained or now) - self.began)
        self._line(f"epoch {epoch + 1}/{self.epochs} - {now - self.began:.1f} s, {speed} - {shown(values)}")

    def interrupted(self):
        """Ctrl-C."""
        if self.mode:
            self._line("interrupted: the history so far is returned, the model is usable")

    def close(self):
        """Leave the cursor on a line of its own."""
        if self.drawn:
            self.out.write("\n")
            self.out.flush()
            self.drawn = 0

    # -- writing -------------------------------------------------------------------------------------

    def _draw(self, now):
        seconds = now - self.began
        done = self.count - self.before
        head = f"epoch {self.epoch + 1}/{self.epochs} "
        if self.total:
            share = self.count / self.total
            filled = int(_WIDTH * share)
            left = clock(seconds / done * (self.total - self.count)) if done else "?"
            head += f"{share:4.0%} {self.full * filled}{self.empty * (_WIDTH - filled)} {self.count}/{self.total}"
            head += f" - {clock(seconds)}, {left} left, {pace(done, seconds)}"
        else:
            head += f"{self.count} steps - {clock(seconds)}, {pace(done, seconds)}"
        text = f"{head} - {shown(self.mean)}"
        if self.place == "terminal":  # a line that wraps could not be rewritten
            text = text[: shutil.get_terminal_size().columns - 1]
        self.out.write("\r" + text.ljust(self.drawn))
        self.out.flush()
        self.drawn = len(text)

    def _line(self, text):
        """A line that stays, in place of the bar."""
        self.out.write(("\r" + text.ljust(self.drawn) if self.drawn else text) + "\n")
        self.out.flush()
        self.drawn = 0
