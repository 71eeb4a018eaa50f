"""``torch.backends.cudnn``: not there; its switches steer GPU kernels only."""

import contextlib

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True


def is_available():
    """Whether cuDNN can be used: False."""
    return False


def version():
    """The version of cuDNN: None."""
    return None


@contextlib.contextmanager
def flags(enabled=False, benchmark=False, benchmark_limit=10, deterministic=False, allow_tf32=True):
    """A block with other switches, which steer GPU kernels only."""
    names = ("enabled", "benchmark", "deterministic", "allow_tf32")
    before = {name: globals()[name] for name in names}
    globals().update(zip(names, (enabled, benchmark, deterministic, allow_tf32)))
    try:
        yield
    finally:
        globals().update(before)
