"""GradientClipping: no step too far."""

from .base import Callback

__all__ = ["GradientClipping"]


class GradientClipping(Callback):
    """Limit the gradients before each update: their common norm, or each value.

    Parameters
    ----------
    norm : float, optional
        The largest norm of all gradients together; larger ones are scaled down to it.
    value : float, optional
        The largest absolute value of an element. Exactly one of the two is given.
    norm_type : float, default 2.0

    Attributes
    ----------
    last_norm : float
        The norm at the last update, before clipping (with ``norm``).

    Raises
    ------
    ValueError
        For neither or both limits, or one that is not positive.

    Examples
    --------
    >>> import tensorlite as tl
    >>> from tensorlite import nn
    >>> from tensorlite.callbacks import GradientClipping
    >>> model = nn.model.Model('regression', [1, 1]).set(optimizer=nn.optimizer.SGD(1.0))
    >>> before = model.get_parameters()[0][0]
    >>> _ = model.fit([[1.0]], [[1e6]], verbose=0, callbacks=[GradientClipping(value=0.25)])
    >>> abs(model.get_parameters()[0][0] - before).round(4)
    array([[0.25]], dtype=float32)
    """

    def __init__(self, norm=None, value=None, norm_type=2.0):
        if (norm is None) == (value is None):
            raise ValueError("give either norm or value")
        if not (norm if value is None else value) > 0:
            raise ValueError(f"the limit must be positive, but is {norm if value is None else value}")
        self.norm, self.value, self.norm_type = norm, value, norm_type
        self.last_norm = None

    def before_step(self, run):
        from ..nn.utils import clip_grad_norm_, clip_grad_value_

        parameters = [p for p in run.model.parameters() if p.grad is not None]
        if self.norm is not None:
            self.last_norm = float(clip_grad_norm_(parameters, self.norm, self.norm_type))
        else:
            clip_grad_value_(parameters, self.value)
