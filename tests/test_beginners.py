"""What a beginner does wrong with a Model: each message says what, where, and what to do instead."""

import subprocess
import sys

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import callbacks, nn, optim
from tensorlite.nn.model import Model

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), RNG.integers(0, 3, 60)
BAD = np.where(np.arange(240).reshape(60, 4) == 14, np.nan, X)


def basic():
    return Model("basic", [4, 8, 3])


def fit(model="basic", sizes=(4, 8, 3), x=X, y=Y, **options):
    return Model(model, list(sizes)).fit(x, y, verbose=0, **options)


def replaced(loss, last=3, **options):
    model = Model("regression", [4, 8, last])
    model.set(loss=loss)
    return model.fit(X, options.pop("y", Y), verbose=0, **options)


def saved(path, how):
    getattr(basic(), how)(path)
    return path


#: (program, kind of error, words of the message)
MISTAKES = [
    (lambda: Model("mlp", [4, 3]), ValueError, ["'mlp'", "'basic', 'binary', 'regression', 'image'"]),
    (lambda: Model([4, 8, 3]), ValueError, ["[4, 8, 3]", "Model('basic', [4, 8, 3])"]),
    (lambda: Model("basic"), ValueError, ["needs a list", "[784, 128, 10]", "None"]),
    (lambda: Model("image", [784, 10]), ValueError, ["(channels, height, width)", "[784, 10]"]),
    (lambda: Model().add("Dense"), TypeError, ["'Dense'", "nn.layer.Dense(64, 10)"]),
    (lambda: nn.layer.Dense(4), TypeError, ["Dense()", "n_outputs", "It takes n_inputs, n_outputs, activation=None"]),
    (lambda: nn.layer.Dense(4, 3, kernel_regularizer=1), TypeError, ["kernel_regularizer", "weight_regularizer_l2=0"]),
    (lambda: nn.layer.Dense(4, 3, weight_regulariser_l2=1), TypeError, ["did you mean 'weight_regularizer_l2'?"]),
    (lambda: nn.layer.Dense(4, 3, activation="relu"), TypeError, ["activation", "nn.activation.ReLU()", "str"]),
    (lambda: nn.layer.Dense(4.0, 3), TypeError, ["n_inputs", "int", "float"]),
    (lambda: nn.layer.Dense(0, 3), ValueError, ["n_inputs", "at least 1"]),
    (lambda: nn.layer.Dense(4, 3, weight_regularizer_l2=-1), ValueError, ["weight_regularizer_l2", "negative", "-1"]),
    (lambda: nn.layer.Dropout(50), ValueError, ["between 0 and 1", "50"]),
    (lambda: nn.layer.Dropout(p=0.5), TypeError, ["'p'", "It takes rate=0.5"]),
    (lambda: nn.optimizer.Adam(lr=0.1), TypeError, ["Adam()", "'lr'", "learning_rate=0.001"]),
    (lambda: nn.optimizer.SGD(learning_rate="0.1"), TypeError, ["learning_rate", "'0.1'"]),
    (lambda: nn.optimizer.SGD(decay=-1), ValueError, ["decay", "-1"]),
    (lambda: Model().set(nn.loss.MeanSquaredError()), TypeError, ["set()", "It takes loss=None, accuracy=None"]),
    (lambda: Model().set(metric="accuracy"), TypeError, ["metric", "accuracy=None"]),
    (lambda: Model().set(loss="crossentropy"), ValueError, ["'crossentropy'", "categorical_crossentropy"]),
    (lambda: basic().compile(optimizer="adamw"), ValueError, ["'adamw'", "adam", "optim.AdamW(model.parameters())"]),
    (lambda: basic().set(optimizer=optim.AdamW), TypeError, ["AdamW", "params", "give an instance"]),
    (lambda: basic().compile(metrics=["acuracy"]), ValueError, ["'acuracy'", "accuracy"]),
    (lambda: Model().fit(X, Y), RuntimeError, ["no layers", "model.add(...)"]),
    (lambda: Model().add(nn.layer.Dense(4, 3)).fit(X, Y), RuntimeError, ["no loss and no optimizer", "model.set(loss="]),
    (lambda: Model().add(nn.layer.Dense(4, 3)).evaluate(X, Y), RuntimeError, ["no loss;", "model.set(loss=...)"]),
    (lambda: basic().train(X, Y, epoch=5), TypeError, ["'epoch'", "did you mean 'epochs'?"]),
    (lambda: basic().train(X), ValueError, ["y is missing", "train(X, y)"]),
    (lambda: basic().evaluate(X), ValueError, ["y is missing", "evaluate(X, y)"]),
    (lambda: fit(x=X[0], y=Y[:1]), ValueError, ["X has 4 samples", "shape (4,)", "samples are rows"]),
    (lambda: fit(y=Y[:50]), ValueError, ["60 samples", "50"]),
    (lambda: fit(x=X[:0], y=Y[:0]), ValueError, ["empty", "(0, 4)"]),
    (lambda: fit(x=X[:, :3]), RuntimeError, ["(32, 3)", "(*, 4)", "Dense"]),
    (lambda: fit(x=X.reshape(60, 2, 2)), RuntimeError, ["(32, 2, 2)", "(*, 4)", "x.flatten(1)"]),
    (lambda: fit(x=X.astype(str)), TypeError, ["X must be", "str_", "X.astype(float)"]),
    (lambda: fit(y=np.array(["cat", "dog", "cow"])[Y]), TypeError, ["y must be", "np.unique(y, return_inverse=True)"]),
    (lambda: fit(y=Y + 1), IndexError, ["Target 3", "labels 0 to 2", "start at 1"]),
    (lambda: fit(y=Y + 0.5), ValueError, ["class indices", "fractions", "MeanSquaredError"]),
    (lambda: fit(y=np.eye(4)[Y]), ValueError, ["[32, 3]", "[32, 4]"]),
    (lambda: fit("binary", (4, 8, 1)), ValueError, ["between 0 and 1", "2", "CategoricalCrossentropy"]),
    (lambda: fit("binary", (4, 8, 2), y=Y % 2), ValueError, ["(32, 2)", "(32,)", "targets"]),
    (lambda: replaced("mse"), ValueError, ["(32, 3)", "(32,)", "CategoricalCrossentropy"]),
    (lambda: replaced("mse", last=1, y=X[:, :2]), ValueError, ["(32, 1)", "(32, 2)", "targets"]),
    (lambda: fit(batch_size=0), ValueError, ["batch_size", "at least 1", "0"]),
    (lambda: fit(epochs=1.5), ValueError, ["epochs", "integer", "1.5"]),
    (lambda: fit(validation_data=X), ValueError, ["validation_data is (X, y)"]),
    (lambda: fit(validation_split=20), ValueError, ["validation_split", "between 0 and 1", "20"]),
    (lambda: fit(validation_split=0.2, validation_data=(X, Y)), ValueError, ["validation_split", "validation_data"]),
    (lambda: fit(class_weight=[1, 2, 3]), TypeError, ["class_weight", "dict", "list"]),
    (lambda: fit(class_weight={7: 2.0}), ValueError, ["class_weight", "7", "0 to 2"]),
    (lambda: fit(sample_weight=np.ones(3)), ValueError, ["sample_weight", "(3,)", "(60,)"]),
    (lambda: fit(callbacks=[print]), TypeError, ["callback", "builtin_function"]),
    (lambda: fit(callbacks=[callbacks.EarlyStopping()]), ValueError, ["'val_loss'", "validation_data"]),
    (lambda: fit(x=iter([(X, Y)]), y=Y), ValueError, ["iterator", "its own targets", "leave y out"]),
    (lambda: fit(x=iter([X]), y=None), TypeError, ["(x, y)", "ndarray"]),
    (lambda: fit(nan="ignore"), ValueError, ["'warn', 'raise' or 'stop'", "'ignore'"]),
    (lambda: basic().fit(X, Y, verbose="yes"), ValueError, ["verbose", "'yes'"]),
    (lambda: basic().build(None), ValueError, ["build", "input_shape", "None"]),
    (lambda: basic().predict(X[:, :2]), RuntimeError, ["layers.0", "(*, 4)", "(60, 2)"]),
    (lambda: nn.Linear(4, 3)(X), RuntimeError, ["Double", "TL013"]),
    (lambda: basic().set_parameters([[np.zeros(2)]]), ValueError, ["2 layers", "[2, 2]", "[1]"]),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::tensorlite.mistakes.MistakeWarning")
@pytest.mark.parametrize("mistake", range(len(MISTAKES)))
def test_says_what_where_and_what_to_do(mistake):
    program, kind, words = MISTAKES[mistake]
    with pytest.raises(kind) as error:
        program()
    assert not [w for w in words if w not in str(error.value)], str(error.value)


@pytest.mark.parametrize(("module", "wrong", "meant"), [("nn", "Relu", "ReLU"), ("optim", "Adamw", "AdamW")])
def test_misspelt_names_are_guessed(module, wrong, meant):
    program = f"from tensorlite import {module}; {module}.{wrong}"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stderr
    assert f"has no attribute '{wrong}'" in said and f"Did you mean: '{meant}'" in said


def test_files(tmp_path):
    with pytest.raises(ValueError, match=r"holds a whole model.*Model\.load"):
        basic().load_parameters(saved(tmp_path / "a.tl", "save"))
    with pytest.raises(ValueError, match=r"load_parameters\(\)"):
        Model.load(saved(tmp_path / "b.tl", "save_parameters"))


def test_inputs_that_are_not_finite_are_named_as_the_reason():
    with pytest.warns(RuntimeWarning, match=r"the loss is nan at epoch 1, step 1: 1 of the 60 samples .* not finite"):
        basic().train(BAD, Y, silent=True)


def test_what_is_meant_all_the_same():
    assert nn.layer.Dense(4, Y.max() + 1).n_outputs == 3, "NumPy's integers"
    assert len(fit(callbacks=callbacks.LambdaCallback()).epoch) == 1, "a callback without a list"
    assert fit("binary", (4, 8, 1), y=(Y > 0)).epoch == [0] and fit(class_weight={0: 2.0}).epoch == [0]


def test_tables_are_arrays():
    class Table:
        """As pandas has them."""

        def __init__(self, values):
            self.values = values

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.values, dtype)

        def __len__(self):
            return len(self.values)

    model = basic()
    history = model.fit(Table(X), Table(Y), verbose=0, validation_data=(Table(X), Table(Y)))
    assert "val_loss" in history.history and model.predict(Table(X)).shape == (60, 3)
    with pytest.raises(ValueError, match="y is missing"):
        model.train(Table(X))


def test_batches_of_evaluate_have_the_size_that_was_asked_for(monkeypatch):
    model, seen = basic(), []
    model.layers[0].register_forward_hook(lambda m, args, out: seen.append(len(args[0])))
    model.evaluate(X, Y, batch_size=25)
    assert seen == [25, 25, 10]


def test_training_that_explodes_says_so_once():
    model = Model("regression", [4, 8, 1])
    model.set(optimizer=nn.optimizer.SGD(learning_rate=1e6))
    with pytest.warns(RuntimeWarning) as said:
        model.train(X, X[:, 0], epochs=20, silent=True)
    assert sum("Lower the learning rate" in str(w.message) for w in said) == 1


def test_dtype_of_raw_arrays():
    assert nn.Linear(4, 3)(X.astype(np.float32)).shape == (60, 3)
    assert tl.Tensor is type(nn.Linear(4, 3)(tl.tensor(X).float()))
