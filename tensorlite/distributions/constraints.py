"""What parameters and samples must satisfy. ``constraint.check(value)`` is a bool per value (per event)."""

import numpy as np

from ..engine import wrap

__all__ = [
    "Constraint", "boolean", "dependent", "greater_than", "greater_than_eq", "half_open_interval", "independent",
    "integer_interval", "interval", "less_than", "lower_cholesky", "multinomial", "nonnegative", "nonnegative_integer",
    "one_hot", "positive", "positive_definite", "positive_integer", "real", "real_vector", "simplex", "unit_interval",
]  # fmt: skip


class Constraint:
    """A region, over which a variable is valid.

    Attributes
    ----------
    event_dim : int
        How many trailing dimensions one value has.
    is_discrete : bool
    """

    event_dim = 0
    is_discrete = False

    def check(self, value):
        """Whether each value lies in the region."""
        return wrap(np.asarray(self.holds(value._data)))

    def holds(self, a):
        """The same, on arrays."""
        raise NotImplementedError

    def __repr__(self):
        return type(self).__name__ + "()"


class _Bounded(Constraint):
    """Numbers on one side of a bound, or between two."""

    def __init__(self, name, test, discrete=False, **bounds):
        self.name, self.test, self.is_discrete, self.bounds = name, test, discrete, bounds

    def holds(self, a):
        bounds = [getattr(b, "_data", b) for b in self.bounds.values()]
        inside = self.test(a, *bounds)
        return inside & (a == np.floor(a)) if self.is_discrete else inside

    def __repr__(self):
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.bounds.items())})"


def greater_than(lower_bound):
    """Numbers above ``lower_bound``."""
    return _Bounded("GreaterThan", lambda a, low: a > low, lower_bound=lower_bound)


def greater_than_eq(lower_bound):
    """Numbers from ``lower_bound`` on."""
    return _Bounded("GreaterThanEq", lambda a, low: a >= low, lower_bound=lower_bound)


def less_than(upper_bound):
    """Numbers below ``upper_bound``."""
    return _Bounded("LessThan", lambda a, high: a < high, upper_bound=upper_bound)


def interval(lower_bound, upper_bound):
    """Numbers of [lower_bound, upper_bound]."""
    return _Bounded("Interval", lambda a, b, c: (a >= b) & (a <= c), lower_bound=lower_bound, upper_bound=upper_bound)


def half_open_interval(lower_bound, upper_bound):
    """Numbers of [lower_bound, upper_bound)."""
    return _Bounded(
        "HalfOpenInterval", lambda a, b, c: (a >= b) & (a < c), lower_bound=lower_bound, upper_bound=upper_bound
    )


def integer_interval(lower_bound, upper_bound):
    """Integers from ``lower_bound`` to ``upper_bound``."""
    return _Bounded(
        "IntegerInterval", lambda a, b, c: (a >= b) & (a <= c), True, lower_bound=lower_bound, upper_bound=upper_bound
    )


class _Boolean(Constraint):
    is_discrete = True

    def holds(self, a):
        return (a == 0) | (a == 1)


class _Real(Constraint):
    def holds(self, a):
        return a == a


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def holds(self, a):
        return ((a == 0) | (a == 1)).all(-1) & (a.sum(-1) == 1)


class _Simplex(Constraint):
    event_dim = 1

    def holds(self, a):
        return (a >= 0).all(-1) & (np.abs(a.sum(-1) - 1) < 1e-6)


class _LowerCholesky(Constraint):
    event_dim = 2

    def holds(self, a):
        return (np.tril(a) == a).all((-2, -1)) & (np.diagonal(a, axis1=-2, axis2=-1) > 0).all(-1)


class _PositiveDefinite(Constraint):
    event_dim = 2

    def holds(self, a):
        even = np.isclose(a, np.swapaxes(a, -2, -1), atol=1e-6).all((-2, -1))
        if not even.all():
            return even
        return (np.linalg.eigvalsh(a) > 0).all(-1)


class multinomial(Constraint):
    """Counts that sum up to ``upper_bound``."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def holds(self, a):
        return (a >= 0).all(-1) & (a.sum(-1) <= self.upper_bound)

    def __repr__(self):
        return f"Multinomial(upper_bound={self.upper_bound})"


class independent(Constraint):
    """Another constraint that must hold in all of the last dimensions."""

    def __init__(self, base_constraint, reinterpreted_batch_ndims):
        self.base_constraint, self.ndims = base_constraint, reinterpreted_batch_ndims
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete

    def holds(self, a):
        inside = self.base_constraint.holds(a)
        return inside.all(tuple(range(-self.ndims, 0))) if self.ndims else inside

    def __repr__(self):
        return f"IndependentConstraint({self.base_constraint!r}, {self.ndims})"


class _Dependent(Constraint):
    """A region that depends on other variables, and is not checked here."""

    def holds(self, a):
        raise ValueError("Cannot determine validity of dependent constraint")


dependent = _Dependent()
boolean, real, one_hot, simplex = _Boolean(), _Real(), _OneHot(), _Simplex()
real_vector = independent(real, 1)
lower_cholesky, positive_definite = _LowerCholesky(), _PositiveDefinite()
positive, nonnegative, unit_interval = greater_than(0.0), greater_than_eq(0.0), interval(0.0, 1.0)
nonnegative_integer = _Bounded("IntegerGreaterThan", lambda a, low: a >= low, True, lower_bound=0)
positive_integer = _Bounded("IntegerGreaterThan", lambda a, low: a >= low, True, lower_bound=1)
