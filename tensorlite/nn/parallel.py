"""``torch.nn.parallel``: on one CPU a parallel module is the module itself; what needs several devices raises."""

from .container import DataParallel
from .module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]

_REFUSED = ("gather", "parallel_apply", "replicate", "scatter")


def data_parallel(module, inputs, device_ids=None, output_device=None, dim=0, module_kwargs=None):
    """``module(*inputs)``, as PyTorch's on a machine without accelerators."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """Refused where one is made; scripts that import it and go on alone run."""

    def __init__(self, *args, **kwargs):
        raise NotImplementedError(
            "nn.parallel.DistributedDataParallel is not supported: tensorlite computes in one process on one CPU"
        )


def __getattr__(name):
    if name in _REFUSED:
        raise NotImplementedError(f"nn.parallel.{name} is not supported: tensorlite computes in one process on one CPU")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
