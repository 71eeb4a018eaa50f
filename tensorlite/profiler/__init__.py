"""Where the time goes: per operation, forward and backward, as a table or a Chrome trace.

``with tensorlite.profiler.profile() as p:`` around some steps, then ``print(p.table())``. The rest is PyTorch's door
(https://docs.pytorch.org/docs/stable/profiler.html): schedules, ``record_function``, ``key_averages``.
"""

from .events import Average, Event, EventList
from .record import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)

__all__ = [
    "Average", "Event", "EventList", "ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule",
    "supported_activities", "tensorboard_trace_handler",
]  # fmt: skip
