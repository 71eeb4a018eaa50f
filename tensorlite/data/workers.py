"""Loading in other processes.

Each worker has one pipe: indices go in, pickled batches come back. A pipe closes when its other end dies, so
neither side ever waits for the dead: a worker ends when this process does, and this process learns at once of a
worker that was killed. Workers ignore Ctrl-C; this process gets it and ends them.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import queue
import random
import signal
import sys
import threading
import time
import traceback
import warnings
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import rng, threads
from .loader import base_seed, warn_if_longer

__all__ = ["WorkerInfo", "WorkerIterator", "get_worker_info"]


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself: its number ``id``, ``num_workers``, its ``seed``, its copy of the ``dataset``."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info():
    """The :class:`WorkerInfo` of this worker process; None in the main process."""
    return _info


class _Failure:
    """An exception on its way from a worker to the main process."""

    def __init__(self, error, worker):
        self.kind = type(error)
        self.where = f"in DataLoader worker process {worker}"
        self.text = "".join(traceback.format_exception(error))

    def reraise(self):
        """Raise the original type with the worker's traceback in the message."""
        message = f"Caught {self.kind.__name__} {self.where}.\nOriginal {self.text}"
        if self.kind is KeyError:
            raise _KeyError(message)
        try:
            error = self.kind(message)
        except Exception:  # a constructor that takes other arguments
            raise RuntimeError(message) from None
        raise error


class _KeyError(KeyError):
    """A KeyError shows the repr of its key; this one shows a readable message."""

    def __str__(self):
        return self.args[0]


class _Ended:
    """A worker's stream is at its end."""


_AGAIN = "again"  # start the stream once more


# --------------------------------------------------------------------------------------------------
# In the worker
# --------------------------------------------------------------------------------------------------


def _pack(message, worker):
    """``message`` pickled; its failure to be pickled is a message too."""
    from multiprocessing.reduction import ForkingPickler

    try:
        return ForkingPickler.dumps(message)
    except Exception as error:
        number, payload = message
        if isinstance(payload, _Failure):  # an exception type that cannot be pickled
            payload.kind = RuntimeError
        else:
            payload = _Failure(error, worker)
        return ForkingPickler.dumps((number, payload))


def _run(loader, pipe, number, count, seed):
    """A worker's life."""
    global _info
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threads.set_num_threads(1)  # the others did not come along with the fork
    random.seed(seed + number)
    rng.manual_seed(seed + number)
    np.random.seed(np.random.SeedSequence([number, seed & 0xFFFFFFFF, seed >> 32, 0]).generate_state(4))
    _info = WorkerInfo(number, count, seed + number, loader["dataset"])

    from multiprocessing import connection, parent_process

    from .loader import Fetcher

    outgoing = queue.SimpleQueue()

    def send():  # a thread, so that loading goes on while the pipe is full
        while (data := outgoing.get()) is not None:
            try:
                pipe.send_bytes(data)
            except (BrokenPipeError, ConnectionResetError, OSError):
                os._exit(0)

    threading.Thread(target=send, daemon=True).start()
    fetch = failed = None
    ended = False
    try:
        if loader["init"] is not None:
            loader["init"](number)
        fetch = Fetcher(*loader["fetch"])
    except Exception as error:
        failed = _Failure(error, number)
    sentinel = parent_process().sentinel
    while True:
        if pipe not in connection.wait([pipe, sentinel]):
            os._exit(1)
        try:
            task = pipe.recv()
        except (EOFError, ConnectionResetError):
            os._exit(1)
        if task is None:
            break
        if task == _AGAIN:
            fetch, ended = Fetcher(*loader["fetch"]), False
            continue
        index, indices = task
        if ended:
            continue
        if failed is not None:
            result = failed
        else:
            try:
                result = fetch(indices)
            except StopIteration:
                result = _Ended()
                ended = True
            except Exception as error:
                result = _Failure(error, number)
        outgoing.put(_pack((index, result), number))
    os._exit(0)


# --------------------------------------------------------------------------------------------------
# In the main process
# --------------------------------------------------------------------------------------------------


def _stop(processes, pipes, owner):
    if os.getpid() != owner:  # a forked process holds a copy of the iterator
        return
    for pipe in pipes:
        with contextlib.suppress(OSError, ValueError):  # the worker has ended already, or its pipe is closed
            pipe.send(None)
        pipe.close()
    deadline = time.monotonic() + 0.5  # for what they are loading
    for process in processes:
        process.join(max(0, deadline - time.monotonic()))
        if process.is_alive():
            process.terminate()
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()


class WorkerIterator:
    """One pass over a loader (several, with persistent workers) whose batches come from worker processes."""

    def __init__(self, loader):
        import multiprocessing

        context = loader.multiprocessing_context
        if context is None:
            context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
        self.loader = loader
        self.limit = max(1, loader.prefetch_factor) * loader.num_workers
        self.indices = iter(loader._index_sampler)
        seed = base_seed(loader)
        parts = {
            "dataset": loader.dataset,
            "init": loader.worker_init_fn,
            "fetch": (loader.dataset, loader.collate_fn, loader.batch_sampler is not None, loader.drop_last),
        }
        self.processes, self.pipes = [], []
        for number in range(loader.num_workers):
            here, there = context.Pipe()
            process = context.Process(
                target=_run, args=(parts, there, number, loader.num_workers, seed), daemon=True,
                name=f"DataLoader worker {number}",
            )  # fmt: skip
            with warnings.catch_warnings():  # Python warns of forking beside threads: workers use none of them
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
            there.close()
            self.processes.append(process)
            self.pipes.append(here)
        self.close = weakref.finalize(self, _stop, self.processes, self.pipes, os.getpid())
        self._begin()

    def _begin(self):
        self.sent = self.received = self.outstanding = self.count = 0
        self.tasks = {}  # number of a batch -> (worker,) or, when it has come, (worker, batch)
        self.active = [True] * self.loader.num_workers
        self.turns = itertools.cycle(range(self.loader.num_workers))
        for _ in range(self.limit):
            self._ask()

    def restart(self):
        """Start another pass with the same workers."""
        if not self.close.alive:
            raise RuntimeError("the workers of this DataLoader have ended; make a new one")
        while self.outstanding:  # of a pass that was left early
            self._receive()
        for pipe in self.pipes:
            pipe.send(_AGAIN)
        self.indices = iter(self.loader._index_sampler)
        self._begin()

    def __iter__(self):
        return self

    def __len__(self):
        return len(self.loader._index_sampler)

    def _ask(self):
        """Send the next indices to the next worker."""
        if self.outstanding >= self.limit:
            return
        try:
            indices = next(self.indices)
        except StopIteration:
            return
        for _ in self.active:
            worker = next(self.turns)
            if self.active[worker]:
                break
        else:
            return
        try:
            self.pipes[worker].send((self.sent, indices))
        except OSError:
            self._died(worker)
        self.tasks[self.sent] = (worker,)
        self.outstanding += 1
        self.sent += 1

    def _died(self, worker):
        process = self.processes[worker]
        process.join(1)
        self.close()
        raise RuntimeError(
            f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly (exit code {process.exitcode}). Possible "
            "causes: it ran out of memory, was killed, or its data set crashed the interpreter. num_workers=0 loads in "
            "the main process, where the cause shows."
        )

    def _receive(self):
        """The next message of any worker that is expected to send one: its number and what came."""
        from multiprocessing.connection import wait

        waiting = {self.pipes[task[0]]: task[0] for task in self.tasks.values() if len(task) == 1}
        ready = wait(list(waiting), self.loader.timeout or None)
        if not ready:
            self.close()
            raise RuntimeError(f"DataLoader timed out after {self.loader.timeout} seconds")
        pipe = ready[0]
        try:
            number, data = pickle.loads(pipe.recv_bytes())
        except (EOFError, ConnectionResetError):
            self._died(waiting[pipe])
        self.outstanding -= 1
        return number, data

    def __next__(self):
        try:
            data = self._next()
        except BaseException as error:
            ended = isinstance(error, StopIteration)
            if not (ended and self.loader.persistent_workers):
                self.close()
            raise
        self._ask_safely()
        if isinstance(data, _Failure):
            if not self.loader.persistent_workers:
                self.close()
            data.reraise()
        self.count += 1
        warn_if_longer(self)
        return data

    def _ask_safely(self):
        try:
            self._ask()
        except BaseException:
            self.close()
            raise

    def _next(self):
        while True:
            while self.received < self.sent:
                task = self.tasks.get(self.received)
                if task is not None and (len(task) == 2 or self.active[task[0]]):
                    break
                self.tasks.pop(self.received, None)
                self.received += 1
            else:
                raise StopIteration
            if len(self.tasks[self.received]) == 2:
                return self._take(self.received)
            number, data = self._receive()
            worker = self.tasks[number][0]
            if isinstance(data, _Ended):
                self.active[worker] = False
                for other, task in list(self.tasks.items()):  # it will not answer these
                    if task == (worker,):
                        self.outstanding -= other != number
                        del self.tasks[other]
                self._ask()
                continue
            self.tasks[number] = (worker, data)
            if not self.loader.in_order:
                return self._take(number)

    def _take(self, number):
        _, data = self.tasks.pop(number)
        if number == self.received:
            self.received += 1
        return data
