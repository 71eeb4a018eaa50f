"""``torch.backends.cuda``: not there; its switches steer GPU kernels only."""

from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True)


def is_built():
    """Whether CUDA kernels were built: False."""
    return False
