"""Model: layers in a row with a loss, an accuracy and an optimizer, and everything around training them.

A Model is an ordinary :class:`~tensorlite.nn.Module`; a PyTorch-style loop over it works like over any other.
"""

import inspect
from collections import namedtuple

import numpy as np

from .. import engine
from ..autograd.grad_mode import no_grad
from ..creation import as_tensor, zeros
from ..dtypes import int64
from ..functions.shaping import cat
from . import accuracy as accuracies
from . import activation as activations
from . import functional as F
from . import layer as layers
from . import loss as losses
from . import optimizer as optimizers
from ._calls import explained
from .container import ModuleList
from .history import Log
from .module import Module
from .templates import TEMPLATES

__all__ = ["Evaluation", "Model"]


class Evaluation(namedtuple("Evaluation", "loss accuracy")):
    """What :meth:`Model.evaluate` returns: ``(loss, accuracy)``.

    Attributes
    ----------
    loss : float
    accuracy : float or None
        None where the model has none.
    values : dict
        The loss and all metrics by name.
    """


_LOSSES = {
    "mse": "MeanSquaredError", "mean_squared_error": "MeanSquaredError", "mae": "MeanAbsoluteError",
    "mean_absolute_error": "MeanAbsoluteError", "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "CategoricalCrossentropy", "binary_crossentropy": "BinaryCrossentropy",
}  # fmt: skip
_OPTIMIZERS = {"sgd": "SGD", "adagrad": "Adagrad", "rmsprop": "RMSprop", "adam": "Adam"}
_ACCURACIES = {
    "accuracy": "Categorical", "categorical": "Categorical", "categorical_accuracy": "Categorical",
    "binary": "Binary", "binary_accuracy": "Binary", "regression": "Regression",
}  # fmt: skip


def _part(kind, value, names, module):
    """An instance from an instance, a class or a name."""
    if isinstance(value, str):
        key = value.lower()
        if key not in names:
            example = (
                "optim.AdamW(model.parameters())"
                if kind == "optimizer"
                else f"nn.{kind}.{next(iter(names.values()))}()"
            )
            raise ValueError(f"unknown {kind} {value!r}; there are {', '.join(names)}, and instances such as {example}")
        value = getattr(module, names[key])
    if not inspect.isclass(value):
        return value
    try:
        return value()
    except TypeError as error:
        raise TypeError(f"{value.__name__} cannot be made without arguments; give an instance. {error}") from None


def per_sample(loss):
    """A copy of a loss that gives one value per sample, for weighting."""
    if not hasattr(loss, "reduction"):
        raise TypeError(f"weights need a loss with a 'reduction' attribute, which {type(loss).__name__} has not")
    twin = type(loss).__new__(type(loss))
    twin.__dict__.update(loss.__dict__)
    twin.reduction = "none"
    return twin


#: The ``ignore_index`` that ignores no label: negative ones are mistakes here.
_NONE = -(2**63)


class Model(Module):
    """Layers in a row, trained with ``train`` (or Keras's ``fit``).

    Parameters
    ----------
    template : str, optional
        'basic' (Dense + ReLU, a Softmax output, categorical cross-entropy, Adam with ``decay=5e-5``), 'binary'
        (Sigmoid output, binary cross-entropy), 'regression' (linear output, mean squared error) or 'image'
        (3x3 convolutions with ReLU and 2x2 pooling, then as 'basic').
    structure : list
        Layer sizes, inputs first: ``[784, 128, 10]``. For 'image': ``[(C, H, W), (conv channels ...), dense
        sizes ..., classes]``.

    Raises
    ------
    ValueError
        For an unknown template or a structure that does not fit it; the message lists the choices.

    Notes
    -----
    When the last activation is a Softmax and the loss a cross-entropy (or Sigmoid and binary cross-entropy),
    the two are computed as one stable operation on the logits. The pairing is looked up at every call of
    ``train`` and ``evaluate``, so later edits count.

    Examples
    --------
    >>> import numpy as np, tensorlite as tl
    >>> from tensorlite import nn
    >>> _ = tl.manual_seed(0)
    >>> model = nn.model.Model('basic', [2, 16, 2])
    >>> X = np.random.default_rng(0).normal(size=(200, 2)); y = (X[:, 0] > 0).astype(int)
    >>> history = model.train(X, y, epochs=20, batch_size=20, silent=True)
    >>> bool(model.evaluate(X, y).accuracy > 0.9)
    True
    """

    def __init__(self, template=None, structure=None):
        super().__init__()
        self.layers = ModuleList()
        self.loss = None
        self.accuracy = None
        self.optimizer = None
        self.metrics = []
        self.log = Log()
        self._history = None
        self._template = None
        if template is not None:
            if not isinstance(template, str) or template not in TEMPLATES:
                first = "" if isinstance(template, str) else f"; the template comes first: Model('basic', {template!r})"
                raise ValueError(f"unknown template {template!r}; there are {', '.join(map(repr, TEMPLATES))}{first}")
            check, make, parts = TEMPLATES[template]
            check(template, structure)
            self.layers.extend(make(structure))
            self.set(**parts())
        elif structure is not None:
            raise ValueError(f"a structure needs a template: one of {', '.join(map(repr, TEMPLATES))}")

    # -- structure -----------------------------------------------------------------------------------

    def add(self, layer):
        """Append a layer (any Module, or a class that needs no arguments). Returns the model."""
        layer = layer() if inspect.isclass(layer) else layer
        if not isinstance(layer, Module):
            raise TypeError(f"add() takes a layer (an nn.Module) such as nn.layer.Dense(64, 10), not {layer!r}")
        self.layers.append(layer)
        return self

    @property
    def trainable_layers(self):
        """The layers that have parameters."""
        return [layer for layer in self.layers if any(True for _ in layer.parameters())]

    @explained
    def set(self, *, loss=None, accuracy=None, optimizer=None):
        """Choose loss, accuracy or optimizer: instances, classes or names. What is left out stays."""
        if loss is not None:
            self.loss = _part("loss", loss, _LOSSES, losses)
            if not callable(self.loss):
                raise TypeError(f"a loss is a callable (prediction, target), not {loss!r}")
        if accuracy is not None:
            accuracy = _part("accuracy", accuracy, _ACCURACIES, accuracies)
            if not hasattr(accuracy, "update"):
                raise TypeError(f"an accuracy has update() and compute(), which {accuracy!r} has not")
            self.accuracy = accuracy
        if optimizer is not None:
            optimizer = _part("optimizer", optimizer, _OPTIMIZERS, optimizers)
            if not hasattr(optimizer, "step"):
                raise TypeError(f"an optimizer has step() and zero_grad(), which {optimizer!r} has not")
            self.optimizer = optimizer
        return self

    @explained
    def compile(self, optimizer=None, loss=None, metrics=None, *, accuracy=None):
        """Keras's spelling of :meth:`set`; ``metrics`` lists further metrics (names, classes, instances).

        ``'accuracy'`` among the metrics means the accuracy that fits the loss.
        """
        from .. import metrics as measures

        self.set(loss=loss, accuracy=accuracy, optimizer=optimizer)
        if metrics is not None:
            rest = [m for m in metrics if m not in ("accuracy", "acc")]
            if len(rest) < len(metrics) and accuracy is None:
                if isinstance(self.loss, (losses.BinaryCrossentropy, losses.BCELoss, losses.BCEWithLogitsLoss)):
                    self.accuracy = accuracies.Binary()
                elif isinstance(self.loss, (losses.MeanSquaredError, losses.MeanAbsoluteError, losses.MSELoss)):
                    self.accuracy = accuracies.Regression()
                else:
                    self.accuracy = accuracies.Categorical()
            self.metrics = [measures.get(m) for m in rest]
            names = [m.name for m in self.metrics]
            twice = {n for n in names if names.count(n) > 1}
            if twice:
                raise ValueError(f"several metrics have the name {', '.join(sorted(twice))}")
        return self

    def build(self, input_shape):
        """Give layers that take their size from the first batch that size, by a forward pass of zeros.

        ``input_shape`` leaves out the batch, or has None in its place.
        """
        shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else (input_shape,)
        shape = shape[1:] if shape and shape[0] is None else shape
        if not shape or any(not isinstance(n, (int, np.integer)) or n < 1 for n in shape):
            raise ValueError(f"build(input_shape) takes positive integers such as (784,), not {input_shape!r}")
        self._dry_run(zeros(2, *shape, dtype=int64 if self._starts_with_indices() else None))
        return self

    def _dry_run(self, x):
        """A forward pass that changes nothing but the layers that wait for their size."""
        mode = self.training
        self.eval()
        try:
            with no_grad():
                self(x)
        finally:
            self.train(mode)

    # -- forward, loss -------------------------------------------------------------------------------

    def forward(self, x):
        """The output of the last layer, its activation included."""
        x = self._input(x)
        for layer in self.layers:
            x = layer(x)
        return x

    def _input(self, x):
        """Arrays become tensors; floats take the dtype of the weights."""
        if not isinstance(x, engine.TensorBase):
            x = as_tensor(x)
        first = self._first_parameter()
        if first is not None and x._data.dtype.kind in "fbui" and x._data.dtype != first._data.dtype:
            if x._data.dtype.kind == "f" or not self._starts_with_indices():
                x = x.to(first.dtype)
        return x

    def _first_parameter(self):
        for layer in self.layers:  # where it usually is; a walk over all modules in every step costs more
            for p in layer._parameters.values():
                if p is not None:
                    return p
            if layer._modules:
                break
        return next(self.parameters(), None)

    def _starts_with_indices(self):
        """Whether the first layer looks things up by integer."""
        return len(self.layers) > 0 and type(self.layers[0]).__name__.startswith("Embedding")

    def link(self):
        """'softmax' or 'sigmoid' if the last activation and the loss are computed as one, else None."""
        last = self._last_activation()
        if (
            isinstance(last, layers.Softmax)
            and last.dim in (None, -1, 1)
            and isinstance(self.loss, (losses.CategoricalCrossentropy, losses.CrossEntropyLoss))
        ):
            return "softmax"
        if isinstance(last, activations.Sigmoid) and isinstance(
            self.loss, (losses.BinaryCrossentropy, losses.BCEWithLogitsLoss, losses.BCELoss)
        ):
            return "sigmoid"
        return None

    def _last_activation(self):
        if not len(self.layers):
            return None
        last = self.layers[-1]
        return last.activation if isinstance(last, layers.Dense) else last

    def logits(self, x, link):
        """The output before the last activation if that is paired with the loss (``link``), else the output."""
        if link is None:
            return self(x)
        x = self._input(x)
        *body, last = self.layers
        for layer in body:
            x = layer(x)
        return last.preactivation(x) if isinstance(last, layers.Dense) else x

    def criterion(self, link, reduction="mean"):
        """The loss as a function of :meth:`logits` and targets."""
        loss = self.loss
        if reduction == "none":
            loss = per_sample(loss)
        if link == "softmax":
            if isinstance(loss, losses.CategoricalCrossentropy):
                return lambda z, y: F.cross_entropy(
                    z, losses.class_indices(y, z, False), ignore_index=_NONE, reduction=reduction
                )
            return loss
        if link == "sigmoid":
            weight = getattr(loss, "pos_weight", None)
            return lambda z, y: F.binary_cross_entropy_with_logits(
                z, losses.shares(_column(y, z)), pos_weight=weight, reduction=reduction
            )
        if isinstance(loss, _ELEMENTWISE):
            return lambda z, y: loss(z, _column(y, z))
        return loss

    def predictions(self, z, link):
        """What the user sees as the output, from :meth:`logits`."""
        if link == "softmax":
            return F.softmax(z, -1)
        return z.sigmoid() if link == "sigmoid" else z

    def regularization_loss(self):
        """The sum of all L1 and L2 terms of the layers, on the tape; 0.0 where there are none.

        ``l1 * sum(|w|) + l2 * sum(w ** 2)`` for weights and biases of each layer that asks for it.
        """
        total = 0.0
        for layer in self.layers:
            regularize = getattr(layer, "regularization_loss", None)
            if regularize is not None:
                total = regularize() + total
        return total

    # -- training ------------------------------------------------------------------------------------

    def train(self, X=True, y=None, epochs=1, batch_size=None, validation_data=None, print_every=None, silent=False,
              **options):  # fmt: skip
        """Train on arrays, tensors or a loader; or, with a single bool, PyTorch's ``train(mode)``.

        Parameters
        ----------
        X, y : array_like or Tensor
            Samples in rows and their targets; or X alone: a DataLoader or generator of (X, y) batches.
        epochs : int, default 1
        batch_size : int, optional
            All samples at once when left out.
        validation_data : tuple (X, y), optional
        print_every : int, optional
            Print a line every so many steps.
        silent : bool, default False
            Print nothing.
        **options
            As in :meth:`fit`: ``shuffle``, ``callbacks``, ``class_weight``, ...

        Returns
        -------
        History

        Raises
        ------
        RuntimeError
            Without loss or optimizer.
        ValueError
            For an empty data set, targets of another length, a batch size below 1.
        """
        if isinstance(X, bool):
            return super().train(X)
        if batch_size is None and hasattr(X, "__len__") and y is not None:
            batch_size = max(len(X), 1)
        verbose = 0 if silent else "auto"
        return self.fit(
            X, y, epochs=epochs, batch_size=batch_size, validation_data=validation_data, verbose=verbose,
            print_every=None if silent else print_every, **options,
        )  # fmt: skip

    @explained
    def fit(self, x, y=None, batch_size=32, epochs=1, verbose="auto", callbacks=None, validation_split=0.0,
            validation_data=None, shuffle=True, class_weight=None, sample_weight=None, initial_epoch=None,
            accumulate=1, nan="warn", print_every=None):  # fmt: skip
        """Train; Keras's spelling.

        Parameters
        ----------
        x, y : array_like, Tensor, DataLoader, generator or generator function
        batch_size : int, default 32
            For arrays; loaders bring their own.
        epochs : int, default 1
        verbose : 'auto', 0, 1 or 2
            0 nothing, 1 a progress bar, 2 a line per epoch; 'auto' is 1 in a terminal or notebook, else 2.
        callbacks : list of tensorlite.callbacks.Callback
        validation_split : float
            Share of the samples (the last ones) that are held out.
        validation_data : tuple (x, y) or (x, y, sample_weight), or loader
        shuffle : bool, default True
        class_weight : dict, optional
            Class index -> weight in the loss.
        sample_weight : array_like, optional
            One weight per sample.
        initial_epoch : int, optional
            The number of the first epoch; ``epochs`` is then where training ends, as in Keras. Without it, numbers
            go on after earlier calls and ``epochs`` more are trained.
        accumulate : int, default 1
            Batches that make one update: the gradient is the mean over all their samples, also of a last, smaller
            group.
        nan : {'warn', 'raise', 'stop'}
            What to do at a loss that is not finite: warn once, raise FloatingPointError, or stop training.
        print_every : int, optional
            Print a line every so many steps.

        Returns
        -------
        History
            ``history.history['loss']`` and so on, one value per epoch; a second ``fit`` continues it. After
            Ctrl-C it holds the epochs so far and ``history.interrupted`` is True.
        """
        from .fit import Trainer

        return Trainer(
            self, batch_size=batch_size, verbose=verbose, callbacks=callbacks, shuffle=shuffle, accumulate=accumulate,
            class_weight=class_weight, nan=nan, print_every=print_every,
        ).run(x, y, epochs, initial_epoch, validation_data, validation_split, sample_weight)  # fmt: skip

    def evaluate(self, X, y=None, batch_size=1024, verbose=0):
        """Mean loss and accuracy over data, in evaluation mode.

        Returns
        -------
        Evaluation
            A named tuple ``(loss, accuracy)``; accuracy is None where none was set. Its ``values`` hold all metrics.
        """
        from .fit import Trainer

        trainer = Trainer(self, batch_size=batch_size, verbose=0, needs_optimizer=False)
        values = trainer.evaluate(X, y, batch_size=trainer.batch_size)
        result = Evaluation(values["loss"], values.get("accuracy"))
        result.values = values
        if verbose:
            print(", ".join(f"{k}: {v:.4f}" if isinstance(v, float) else f"{k}: {v}" for k, v in values.items()))
        return result

    def predict(self, X, batch_size=1024):
        """Outputs for ``X`` in evaluation mode: an array for an array, a tensor for a tensor."""
        if not len(self.layers):
            raise RuntimeError("the model has no layers; add some first")
        given = isinstance(X, engine.TensorBase)
        X = self._input(X)
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, but is {batch_size}")
        mode = self.training
        super().train(False)
        try:
            with no_grad():
                n = len(X)
                size = batch_size or max(n, 1)
                parts = [self(X[i : i + size]) for i in range(0, n, size)] or [self(X)]
        finally:
            super().train(mode)
        out = cat(parts) if len(parts) > 1 else parts[0]
        return out if given else out.numpy()

    # -- parameters and files ------------------------------------------------------------------------

    def get_parameters(self):
        """Copies of all parameters as arrays, layer by layer: a list with one list per trainable layer."""
        return [[p.detach().numpy().copy() for p in layer.parameters()] for layer in self.trainable_layers]

    def set_parameters(self, parameters):
        """Set what :meth:`get_parameters` gave.

        Raises
        ------
        ValueError
            If a number of layers or a shape differs; nothing is changed then.
        """
        targets = [list(layer.parameters()) for layer in self.trainable_layers]
        parameters = [list(row) for row in parameters]
        if [len(row) for row in parameters] != [len(row) for row in targets]:
            raise ValueError(
                f"expected parameters for {len(targets)} layers with {[len(r) for r in targets]} arrays each, got "
                f"{[len(r) for r in parameters]}"
            )
        pairs = [(p, np.asarray(v)) for row, values in zip(targets, parameters) for p, v in zip(row, values)]
        for p, v in pairs:
            if tuple(p.shape) != v.shape:
                raise ValueError(f"a parameter has shape {tuple(p.shape)}, but was given {v.shape}")
        with no_grad():
            for p, v in pairs:
                p.copy_(as_tensor(v))

    def save_parameters(self, path):
        """Write parameters and buffers to ``path`` (atomically, without pickle)."""
        from ..serialization import save

        save(self.state_dict(), path)

    def load_parameters(self, path):
        """Read what :meth:`save_parameters` wrote.

        Raises
        ------
        RuntimeError
            If the file belongs to another structure; the message names the layers.
        """
        from ..serialization import load

        state = load(path)
        if "format" in state and "layers" in state:
            raise ValueError(f"{path} holds a whole model; get it by Model.load(path)")
        self.load_state_dict(state)
        return self

    def save(self, path):
        """Write the whole model: layers, parameters, loss, accuracy, optimizer with its state, history."""
        from .saving import save_model

        save_model(self, path)

    @classmethod
    def load(cls, path):
        """A model as :meth:`save` wrote it."""
        from .saving import load_model

        return load_model(cls, path)

    def summary(self, input=None, **options):
        """Print and return a table of the layers: output shapes, parameters, multiply-adds, memory.

        ``input`` is an example batch or its shape; without it, only what needs no forward pass is shown.
        """
        from ..viz import summary

        return summary(self, input, **options)


#: Losses that compare outputs and targets one by one.
_ELEMENTWISE = (
    losses.MSELoss, losses.L1Loss, losses.SmoothL1Loss, losses.HuberLoss, losses.BCELoss, losses.BCEWithLogitsLoss,
)  # fmt: skip


def _column(y, z):
    """Targets in the dtype of the outputs; ``(N,)`` stands for ``(N, 1)``. Other shapes never broadcast."""
    y = y.to(z.dtype)
    if y.shape == z.shape:
        return y
    if (*y.shape, 1) != tuple(z.shape) and (*z.shape, 1) != tuple(y.shape):
        cure = " For one class per sample, use CategoricalCrossentropy." if y.dim() == 1 and z.dim() == 2 else ""
        raise ValueError(
            f"the model's outputs have shape {tuple(z.shape)}, but the targets {tuple(y.shape)}: this loss compares them "
            f"one by one.{cure}"
        )
    return y.reshape(z.shape)
