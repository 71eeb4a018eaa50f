"""What parameters and samples must satisfy. ``constraint.check(value)`` is a bool per value (per event)."""

import numpy as np

from ..engine import TensorBase, wrap

__all__ = [
    "Constraint", "MixtureSameFamilyConstraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property",
    "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval", "interval", "is_dependent",
    "less_than", "lower_cholesky", "lower_triangular", "multinomial", "nonnegative", "nonnegative_integer", "one_hot",
    "positive", "positive_definite", "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex",
    "square", "stack", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A region, over which a variable is valid. A subclass defines ``check`` (on tensors) or ``holds`` (on arrays).

    Attributes
    ----------
    event_dim : int
        How many trailing dimensions one value has.
    is_discrete : bool

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.distributions.constraints.positive.check(tl.tensor([1.0, -1.0]))
    tensor([ True, False])
    """

    event_dim = 0
    is_discrete = False

    def check(self, value):
        """Whether each value lies in the region."""
        return wrap(np.asarray(self.holds(value._data)))

    def holds(self, a):
        """The same, on arrays."""
        if type(self).check is Constraint.check:
            raise NotImplementedError
        return self.check(wrap(a))._data

    def __repr__(self):
        return type(self).__name__[1:] + "()"


def _raw(bound):
    return bound._data if isinstance(bound, TensorBase) else bound


class _Bounded(Constraint):
    """Numbers on one side of a bound, or between two."""

    def __repr__(self):
        return f"{type(self).__name__[1:]}({', '.join(f'{k}={v}' for k, v in vars(self).items())})"


class _GreaterThan(_Bounded):
    """Numbers above ``lower_bound``."""

    def __init__(self, lower_bound):
        self.lower_bound = lower_bound

    def holds(self, a):
        return a > _raw(self.lower_bound)


class _GreaterThanEq(_GreaterThan):
    """Numbers from ``lower_bound`` on."""

    def holds(self, a):
        return a >= _raw(self.lower_bound)


class _IntegerGreaterThan(_GreaterThanEq):
    """Integers from ``lower_bound`` on."""

    is_discrete = True

    def holds(self, a):
        return super().holds(a) & (a % 1 == 0)


class _LessThan(_Bounded):
    """Numbers below ``upper_bound``."""

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def holds(self, a):
        return a < _raw(self.upper_bound)


class _Interval(_Bounded):
    """Numbers of [lower_bound, upper_bound]."""

    def __init__(self, lower_bound, upper_bound):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def holds(self, a):
        return (a >= _raw(self.lower_bound)) & (a <= _raw(self.upper_bound))


class _HalfOpenInterval(_Interval):
    """Numbers of [lower_bound, upper_bound)."""

    def holds(self, a):
        return (a >= _raw(self.lower_bound)) & (a < _raw(self.upper_bound))


class _IntegerInterval(_Interval):
    """Integers from ``lower_bound`` to ``upper_bound``."""

    is_discrete = True

    def holds(self, a):
        return super().holds(a) & (a % 1 == 0)


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


class _Multinomial(Constraint):
    """Counts that sum up to at most ``upper_bound``."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def holds(self, a):
        return (a >= 0).all(-1) & (a.sum(-1) <= _raw(self.upper_bound))


class _LowerTriangular(Constraint):
    event_dim = 2

    def holds(self, a):
        return (np.tril(a) == a).all((-2, -1))


class _LowerCholesky(_LowerTriangular):
    def holds(self, a):
        return super().holds(a) & (np.diagonal(a, axis1=-2, axis2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """Cholesky factors of correlation matrices: their rows have length 1."""

    def holds(self, a):
        tolerance = np.finfo(a.dtype).eps * a.shape[-1] * 10
        return super().holds(a) & (np.abs(np.linalg.norm(a, axis=-1) - 1) <= tolerance).all(-1)


class _Square(Constraint):
    event_dim = 2

    def holds(self, a):
        return np.full(a.shape[:-2], a.shape[-2] == a.shape[-1])


class _Symmetric(_Square):
    def holds(self, a):
        square = super().holds(a)
        return np.isclose(a, np.swapaxes(a, -2, -1), atol=1e-6).all((-2, -1)) if square.all() else square


class _PositiveSemidefinite(_Symmetric):
    def holds(self, a):
        even = super().holds(a)
        return (np.linalg.eigvalsh(a) >= 0).all(-1) if even.all() else even


class _PositiveDefinite(_Symmetric):
    def holds(self, a):
        even = super().holds(a)
        return (np.linalg.eigvalsh(a) > 0).all(-1) if even.all() else even


def _all_of_last(inside, n):
    return inside.all(tuple(range(-n, 0))) if n else inside


class _IndependentConstraint(Constraint):
    """Another constraint that must hold in all of the last dimensions."""

    def __init__(self, base_constraint, reinterpreted_batch_ndims):
        if not isinstance(base_constraint, Constraint):
            raise AssertionError(f"base_constraint must be a Constraint, got {type(base_constraint).__name__}")
        if reinterpreted_batch_ndims < 0:
            raise AssertionError(f"reinterpreted_batch_ndims must be >= 0, got {reinterpreted_batch_ndims}")
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims

    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(lambda self: self.base_constraint.event_dim + self.reinterpreted_batch_ndims)

    def holds(self, a):
        inside = self.base_constraint.holds(a)
        if inside.ndim < self.reinterpreted_batch_ndims:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {a.ndim}")
        return _all_of_last(inside, self.reinterpreted_batch_ndims)

    def __repr__(self):
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """The constraint of the components of a mixture, which must hold for each of them."""

    def __init__(self, base_constraint):
        if not isinstance(base_constraint, Constraint):
            raise AssertionError(f"base_constraint must be a Constraint, got {type(base_constraint).__name__}")
        self.base_constraint = base_constraint

    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(lambda self: self.base_constraint.event_dim)

    def holds(self, a):
        if a.ndim < self.event_dim:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {a.ndim}")
        return self.base_constraint.holds(np.expand_dims(a, -1 - self.event_dim)).all(-1)

    def __repr__(self):
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


class _Dependent(Constraint):
    """A region that depends on other variables, and is not checked here."""

    def __init__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        self._is_discrete, self._event_dim = is_discrete, event_dim

    def _static(self, name):
        if getattr(self, f"_{name}") is NotImplemented:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return getattr(self, f"_{name}")

    is_discrete = property(lambda self: self._static("is_discrete"))
    event_dim = property(lambda self: self._static("event_dim"))

    def __call__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        return _Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def holds(self, a):
        raise ValueError("Cannot determine validity of dependent constraint")


class dependent_property(property, _Dependent):
    """A property that gives a constraint; asked of the class, a dependent constraint."""

    def __init__(self, fn=None, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        property.__init__(self, fn)
        self._is_discrete, self._event_dim = is_discrete, event_dim

    def __call__(self, fn):
        return dependent_property(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


def is_dependent(constraint):
    """Whether ``constraint`` depends on other variables."""
    return isinstance(constraint, _Dependent)


class _Parts(Constraint):
    """Constraints of parts along one dimension."""

    def __init__(self, cseq, dim):
        if not all(isinstance(c, Constraint) for c in cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")
        self.cseq, self.dim = list(cseq), dim

    is_discrete = property(lambda self: any(c.is_discrete for c in self.cseq))
    event_dim = property(lambda self: max(c.event_dim for c in self.cseq))


class _Cat(_Parts):
    """Constraints of neighbouring slices, of ``lengths`` along ``dim``."""

    def __init__(self, cseq, dim=0, lengths=None):
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    def holds(self, a):
        slices = np.split(a, np.cumsum(self.lengths)[:-1], self.dim)
        return np.concatenate([c.holds(s) for c, s in zip(self.cseq, slices)], self.dim)


class _Stack(_Parts):
    """One constraint for each index of ``dim``."""

    def __init__(self, cseq, dim=0):
        super().__init__(cseq, dim)

    @property
    def event_dim(self):
        """How many trailing dimensions one value has."""
        dim = max(c.event_dim for c in self.cseq)
        return dim + (self.dim + dim < 0)

    def holds(self, a):
        return np.stack([c.holds(np.take(a, i, self.dim)) for i, c in enumerate(self.cseq)], self.dim)


dependent = _Dependent()
independent, multinomial, cat, stack = _IndependentConstraint, _Multinomial, _Cat, _Stack
greater_than, greater_than_eq, less_than = _GreaterThan, _GreaterThanEq, _LessThan
interval, half_open_interval, integer_interval = _Interval, _HalfOpenInterval, _IntegerInterval
boolean, real, one_hot, simplex = _Boolean(), _Real(), _OneHot(), _Simplex()
real_vector = independent(real, 1)
lower_triangular, lower_cholesky, corr_cholesky = _LowerTriangular(), _LowerCholesky(), _CorrCholesky()
square, symmetric = _Square(), _Symmetric()
positive_semidefinite, positive_definite = _PositiveSemidefinite(), _PositiveDefinite()
positive, nonnegative, unit_interval = greater_than(0.0), greater_than_eq(0.0), interval(0.0, 1.0)
nonnegative_integer, positive_integer = _IntegerGreaterThan(0), _IntegerGreaterThan(1)
