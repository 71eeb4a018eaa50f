"""The optimizers of ``nn.model.Model``: Keras's spelling over :mod:`tensorlite.optim`.

``learning_rate``, ``decay`` (the rate at step ``t`` is ``learning_rate / (1 + decay * t)``, counted from 0)
and ``epsilon``. They are made without parameters; the model binds them to its own. The update rules are
those of :mod:`tensorlite.optim`.
"""

import numbers

from ._calls import explained

__all__ = ["SGD", "Adagrad", "Adam", "Optimizer", "RMSprop"]


class Optimizer:
    """Base of the Keras-style optimizers: hyperparameters, a step count, and the rule they are bound to."""

    rule = ""  # the class in tensorlite.optim

    def __init__(self, learning_rate, decay=0.0, **options):
        for name, value in (("learning_rate", learning_rate), ("decay", decay)):
            if not isinstance(value, numbers.Real):
                raise TypeError(f"{name} must be a number, but is {value!r}")
            if not value >= 0:
                raise ValueError(f"{name} must not be negative, but is {value}")
        self._rate = learning_rate
        self.decay = decay
        self.iterations = 0
        self._options = options
        self._inner = None

    @property
    def learning_rate(self):
        """The rate before decay; once bound, that of the rule's first group, which schedules set."""
        return self._rate if self._inner is None else self._inner.param_groups[0]["lr"]

    @learning_rate.setter
    def learning_rate(self, value):
        self._rate = value
        if self._inner is not None:
            for group in self._inner.param_groups:
                group["lr"] = value

    @property
    def current_learning_rate(self):
        """The rate of the next step."""
        return self.learning_rate / (1.0 + self.decay * self.iterations)

    @property
    def inner(self):
        """The :mod:`tensorlite.optim` optimizer that does the work.

        Raises
        ------
        RuntimeError
            Before :meth:`bind`.
        """
        if self._inner is None:
            raise RuntimeError(f"{type(self).__name__} has no parameters yet; call bind(model.parameters()) first")
        return self._inner

    def bind(self, parameters):
        """Take ``parameters``; those that were bound before keep their state. Returns ``self``.

        Raises
        ------
        ValueError
            Without parameters: there is nothing to train.
        """
        from .. import optim

        parameters = list(parameters)
        old = self._inner
        if old is not None:
            bound = [p for group in old.param_groups for p in group["params"]]
            if len(bound) == len(parameters) and all(a is b for a, b in zip(bound, parameters)):
                return self
        if not parameters:
            raise ValueError("there is nothing to train: no layer has a parameter that requires a gradient")
        new = getattr(optim, self.rule)(parameters, lr=self.learning_rate, **self._options)
        if old is not None:  # layers were added, replaced or frozen: the others go on where they were
            new.state.update({p: old.state[p] for p in parameters if p in old.state})
        self._inner = new
        return self

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all bound parameters."""
        self.inner.zero_grad(set_to_none)

    def step(self):
        """One update at the current rate."""
        inner = self.inner
        if self.decay:
            groups = inner.param_groups
            rates = [group["lr"] for group in groups]
            for group, rate in zip(groups, rates):
                group["lr"] = rate / (1.0 + self.decay * self.iterations)
            try:
                inner.step()
            finally:
                for group, rate in zip(groups, rates):
                    group["lr"] = rate
        else:
            inner.step()
        self.iterations += 1

    def state_dict(self):
        """Step count, rate and the rule's own state."""
        return {
            "iterations": self.iterations,
            "learning_rate": self.learning_rate,
            "decay": self.decay,
            "inner": self.inner.state_dict(),
        }

    def load_state_dict(self, state):
        """Restore what :meth:`state_dict` gave; call :meth:`bind` first."""
        self.inner.load_state_dict(state["inner"])
        self.iterations = int(state["iterations"])
        self.learning_rate = state["learning_rate"]
        self.decay = state["decay"]

    @property
    def param_groups(self):
        """The groups of the rule."""
        return self.inner.param_groups

    def config(self):
        """Constructor arguments, for saving."""
        raise NotImplementedError

    def __repr__(self):
        args = ", ".join(f"{k}={v}" for k, v in self.config().items())
        return f"{type(self).__name__}({args})"


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

    Parameters
    ----------
    learning_rate : float, default 1.0
    decay, momentum : float, default 0

    Examples
    --------
    >>> from tensorlite import nn
    >>> nn.optimizer.SGD(0.1, momentum=0.9)
    SGD(learning_rate=0.1, decay=0.0, momentum=0.9)
    """

    rule = "SGD"

    @explained
    def __init__(self, learning_rate=1.0, decay=0.0, momentum=0.0):
        super().__init__(learning_rate, decay, momentum=momentum)
        self.momentum = momentum

    def config(self):
        return {"learning_rate": self.learning_rate, "decay": self.decay, "momentum": self.momentum}


class Adagrad(Optimizer):
    """Adagrad (Duchi et al., 2011): rates shrink with the sum of squared gradients.

    Parameters
    ----------
    learning_rate : float, default 1.0
    decay : float, default 0
    epsilon : float, default 1e-7
    """

    rule = "Adagrad"

    @explained
    def __init__(self, learning_rate=1.0, decay=0.0, epsilon=1e-7):
        super().__init__(learning_rate, decay, eps=epsilon)
        self.epsilon = epsilon

    def config(self):
        return {"learning_rate": self.learning_rate, "decay": self.decay, "epsilon": self.epsilon}


class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012): rates follow a moving mean of squared gradients.

    Parameters
    ----------
    learning_rate : float, default 0.001
    decay : float, default 0
    epsilon : float, default 1e-7
    rho : float, default 0.9
    """

    rule = "RMSprop"

    @explained
    def __init__(self, learning_rate=0.001, decay=0.0, epsilon=1e-7, rho=0.9):
        super().__init__(learning_rate, decay, eps=epsilon, alpha=rho)
        self.epsilon, self.rho = epsilon, rho

    def config(self):
        return {"learning_rate": self.learning_rate, "decay": self.decay, "epsilon": self.epsilon, "rho": self.rho}


class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015): moving means of gradients and their squares, corrected for their start at 0.

    Parameters
    ----------
    learning_rate : float, default 0.001
    decay : float, default 0
    epsilon : float, default 1e-7
    beta_1, beta_2 : float, default 0.9, 0.999

    Examples
    --------
    >>> from tensorlite import nn
    >>> optimizer = nn.optimizer.Adam(learning_rate=0.01, decay=0.5)
    >>> optimizer.iterations = 2
    >>> optimizer.current_learning_rate
    0.005
    """

    rule = "Adam"

    @explained
    def __init__(self, learning_rate=0.001, decay=0.0, epsilon=1e-7, beta_1=0.9, beta_2=0.999):
        super().__init__(learning_rate, decay, eps=epsilon, betas=(beta_1, beta_2))
        self.epsilon, self.beta_1, self.beta_2 = epsilon, beta_1, beta_2

    def config(self):
        return {
            "learning_rate": self.learning_rate, "decay": self.decay, "epsilon": self.epsilon,
            "beta_1": self.beta_1, "beta_2": self.beta_2,
        }  # fmt: skip
