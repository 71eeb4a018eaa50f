"""``torch.multiprocessing``: Python's own ``multiprocessing``, and :func:`spawn`.

Tensors that go through queues and pipes are copied; they are not shared between processes.
"""

import multiprocessing
from multiprocessing import *  # noqa: F403

__all__ = [
    *multiprocessing.__all__,
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
]


def _run(function, rank, args):
    function(rank, *args)


def spawn(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """Start ``nprocs`` processes that run ``fn(i, *args)``.

    Parameters
    ----------
    fn : callable
        A function of a module, so that a new process can import it.
    args : tuple
    nprocs : int, default 1
    join : bool, default True
        Wait for all; False returns the list of processes.
    daemon : bool
    start_method : {'spawn', 'fork', 'forkserver'}

    Raises
    ------
    RuntimeError
        If a process fails.
    """
    context = multiprocessing.get_context(start_method)
    processes = [context.Process(target=_run, args=(fn, rank, tuple(args)), daemon=daemon) for rank in range(nprocs)]
    for process in processes:
        process.start()
    if not join:
        return processes
    for process in processes:
        process.join()
    for rank, process in enumerate(processes):
        if process.exitcode:
            raise RuntimeError(f"process {rank} terminated with exit code {process.exitcode}")
    return None


def get_all_sharing_strategies():
    """No memory is shared: the empty set."""
    return set()


def get_sharing_strategy():
    """``'copy'``: what a process receives is a copy."""
    return "copy"


def set_sharing_strategy(new_strategy):
    """Raises for every strategy but ``'copy'``."""
    if new_strategy != "copy":
        raise NotImplementedError(
            f"the sharing strategy {new_strategy!r} is not supported: processes receive copies of tensors"
        )
