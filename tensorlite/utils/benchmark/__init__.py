"""``torch.utils.benchmark``: how long a statement takes, measured with care."""

from .compare import Compare
from .timer import Measurement, Timer

__all__ = ["Compare", "Measurement", "Timer"]
