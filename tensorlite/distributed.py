"""PyTorch's door ``torch.distributed``: everything runs in one process, so it is not available.

A script asks :func:`is_available` or :func:`is_initialized` and goes on alone; what would reach other processes can be
imported, and refuses where it is called.

Examples
--------
>>> import tensorlite as torch
>>> torch.distributed.is_available(), torch.distributed.is_initialized()
(False, False)
"""

from .functions.refused import refused

_REFUSED = (
    "all_gather", "all_gather_into_tensor", "all_gather_object", "all_reduce", "all_to_all", "barrier", "broadcast",
    "broadcast_object_list", "destroy_process_group", "gather", "get_backend", "get_rank", "get_world_size", "init_process_group", "irecv", "isend",
    "monitored_barrier", "new_group", "recv", "reduce", "reduce_scatter", "reduce_scatter_tensor", "scatter", "send",
)  # fmt: skip


def is_available():
    """False: there is one process."""
    return False


is_initialized = is_gloo_available = is_mpi_available = is_nccl_available = is_torchelastic_launched = is_available


for _name in _REFUSED:
    globals()[_name] = refused(f"distributed.{_name}", "computations run in one process; ask is_available()")
