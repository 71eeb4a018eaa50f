"""``torch.autograd.profiler``: the older door to :mod:`tensorlite.profiler`."""

from ..profiler import profile as _profile
from ..profiler import record_function

__all__ = ["profile", "record_function"]


class profile(_profile):
    """:class:`tensorlite.profiler.profile` with the older arguments.

    Parameters
    ----------
    enabled : bool, default True
        Without it nothing is recorded.
    use_cuda, use_device, with_flops, with_modules :
        Anything but False and None is refused.
    record_shapes, profile_memory, with_stack : bool
        As there.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite.autograd import profiler
    >>> with profiler.profile() as p:
    ...     _ = tl.ones(2) + 1
    >>> p.key_averages()[0].key
    'add'
    """

    def __init__(self, enabled=True, *, use_cuda=False, use_device=None, record_shapes=False, with_flops=False,
                 profile_memory=False, with_stack=False, with_modules=False, use_kineto=False, use_cpu=True,
                 experimental_config=None, acc_events=False):  # fmt: skip
        if use_cuda or use_device:
            raise NotImplementedError("profile(use_cuda=True) is not supported: tensorlite runs on the processor")
        if not use_cpu:
            raise NotImplementedError("profile(use_cpu=False) leaves nothing to profile")
        super().__init__(
            record_shapes=record_shapes, with_flops=with_flops, profile_memory=profile_memory, with_stack=with_stack,
            with_modules=with_modules, experimental_config=experimental_config, acc_events=acc_events,
        )  # fmt: skip
        self.enabled = enabled

    def start(self):
        if self.enabled:
            super().start()

    @property
    def function_events(self):
        """All events."""
        return self.events()

    @property
    def self_cpu_time_total(self):
        """Microseconds of all operations."""
        return self.events().self_cpu_time_total

    def total_average(self):
        """All events as one row."""
        return self.events().total_average()

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55,
              max_shapes_column_width=80, header=None, top_level_events_only=False):  # fmt: skip
        """One row per event."""
        return self.events().table(sort_by, row_limit, max_src_column_width, max_name_column_width,
                                   max_shapes_column_width, header, top_level_events_only)  # fmt: skip

    def __str__(self):
        return self.table()
