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
    yield
