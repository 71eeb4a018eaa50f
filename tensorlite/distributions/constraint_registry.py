"""Transforms from all real numbers to a region: ``biject_to`` (one to one) and ``transform_to`` (for optimization)."""

from . import constraints as c
from . import transforms as t

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Functions that make a transform for a constraint, by the class of the constraint.

    Examples
    --------
    >>> from tensorlite.distributions import constraints, transform_to
    >>> transform_to(constraints.simplex)
    SoftmaxTransform()
    """

    def __init__(self):
        self._registry = {}

    def register(self, constraint, factory=None):
        """Register ``factory(constraint)``; without it, a decorator.

        Raises
        ------
        TypeError
            If ``constraint`` is neither a constraint nor a class of constraints.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, c.Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, c.Constraint):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint):
        if type(constraint) not in self._registry:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return self._registry[type(constraint)](constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _interval(region):
    low, high = region.lower_bound, region.upper_bound
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1):
        return t.SigmoidTransform()
    return t.ComposeTransform([t.SigmoidTransform(), t.AffineTransform(low, high - low)])


def _above(region):
    return t.ComposeTransform([t.ExpTransform(), t.AffineTransform(region.lower_bound, 1)])


def _below(region):
    return t.ComposeTransform([t.ExpTransform(), t.AffineTransform(region.upper_bound, -1)])


for _to in (biject_to, transform_to):
    _to.register(c.real, lambda region: t.identity_transform)
    for _kind in (c.greater_than, c.greater_than_eq):
        _to.register(_kind, _above)
    _to.register(c.less_than, _below)
    _to.register(c.interval, _interval)
    _to.register(c.half_open_interval, _interval)
    _to.register(c.corr_cholesky, lambda region: t.CorrCholeskyTransform())
    _to.register(
        c.independent,
        lambda region, to=_to: t.IndependentTransform(to(region.base_constraint), region.reinterpreted_batch_ndims),
    )
    _to.register(
        c.cat, lambda region, to=_to: t.CatTransform([to(part) for part in region.cseq], region.dim, region.lengths)
    )
    _to.register(c.stack, lambda region, to=_to: t.StackTransform([to(part) for part in region.cseq], region.dim))

biject_to.register(c.simplex, lambda region: t.StickBreakingTransform())
transform_to.register(c.simplex, lambda region: t.SoftmaxTransform())
transform_to.register(c.lower_cholesky, lambda region: t.LowerCholeskyTransform())
transform_to.register(c.positive_definite, lambda region: t.PositiveDefiniteTransform())
transform_to.register(c.positive_semidefinite, lambda region: t.PositiveDefiniteTransform())
