"""One thread per test process: the suite runs several of them side by side."""

import os
import signal

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# a shell ignores Ctrl-C for what it runs in the background; the tests press it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import warnings

import pytest

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None


@pytest.fixture(autouse=True)
def _fresh_modes():
    """No test leaves another default dtype, grad mode or random stream behind."""
    import tensorlite

    yield
    tensorlite.set_default_dtype(tensorlite.float32)
    assert tensorlite.is_grad_enabled()
