"""Everything in :mod:`tensorlite.nn` as plain functions, under PyTorch's names."""

from .functional_activation import *  # noqa: F403
from .functional_activation import __all__ as _activation
from .functional_basic import *  # noqa: F403
from .functional_basic import __all__ as _basic
from .functional_loss import *  # noqa: F403
from .functional_loss import __all__ as _loss
from .functional_margin import *  # noqa: F403
from .functional_margin import __all__ as _margin
from .functional_norm import *  # noqa: F403
from .functional_pooling import *  # noqa: F403
from .functional_resample import *  # noqa: F403
from .functional_sequence import *  # noqa: F403
from .functional_sequence import __all__ as _sequence
from .functional_spatial import *  # noqa: F403
from .functional_spatial import __all__ as _spatial

__all__ = sorted({*_activation, *_basic, *_loss, *_margin, *_sequence, *_spatial})
