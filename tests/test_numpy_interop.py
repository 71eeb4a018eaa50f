"""NumPy's side: arrays and tensors in one expression, memory shared both ways, DLPack, other libraries."""

import numpy as np
import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")


def leaf(*shape):
    return tl.tensor(np.arange(1.0, 1 + np.prod(shape)).reshape(shape), requires_grad=True)


UFUNCS = ["exp", "log", "sqrt", "sin", "tanh", "square", "negative", "absolute", "arctan", "log1p", "reciprocal"]


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs_stay_on_the_tape(name):
    x = leaf(3)
    y = getattr(np, name)(x)
    assert isinstance(y, tl.Tensor) and y.requires_grad
    np.testing.assert_allclose(y.detach().numpy(), getattr(np, name)(x.detach().numpy()))
    y.sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "power", "maximum", "arctan2", "remainder"])
def test_arrays_and_tensors_mix(name):
    a = np.array([0.5, 1.5, 2.5])
    for x, y in ((a, leaf(3)), (leaf(3), a), (leaf(3), 2.0), (np.float64(2), leaf(3))):
        out = getattr(np, name)(x, y)
        assert isinstance(out, tl.Tensor) and out.requires_grad
        raw = [v.detach().numpy() if isinstance(v, tl.Tensor) else v for v in (x, y)]
        np.testing.assert_allclose(out.detach().numpy(), getattr(np, name)(*raw))


def test_operators_with_arrays_on_the_left():
    x = leaf(2, 2)
    a = np.ones((2, 2))
    for out in (a + x, a @ x, a * x, np.float64(3) * x, a - x, a / x):
        assert isinstance(out, tl.Tensor) and out.requires_grad and out.shape == (2, 2)
    assert isinstance(a > x, tl.Tensor)


FUNCTIONS = [
    lambda x: np.sum(x), lambda x: np.sum(x, axis=0), lambda x: np.sum(x, 1, keepdims=True), lambda x: np.mean(x, axis=1),
    lambda x: np.prod(x), lambda x: np.max(x), lambda x: np.min(x, axis=0), lambda x: np.var(x), lambda x: np.std(x, ddof=1),
    lambda x: np.concatenate([x, x], axis=1), lambda x: np.stack([x, x]), lambda x: np.reshape(x, (3, 2)),
    lambda x: np.transpose(x), lambda x: np.squeeze(x), lambda x: np.expand_dims(x, 0), lambda x: np.ravel(x),
    lambda x: np.where(x > 2, x, 0.0), lambda x: np.clip(x, 2, 4), lambda x: np.cumsum(x), lambda x: np.cumsum(x, axis=0),
    lambda x: np.dot(x, x.T), lambda x: np.flip(x), lambda x: np.tile(x, 2), lambda x: np.add.reduce(x, axis=1),
    lambda x: np.broadcast_to(x, (2, 2, 3)), lambda x: np.round(x), lambda x: np.swapaxes(x, 0, 1),
    lambda x: np.outer(x, x), lambda x: np.sort(x), lambda x: np.linalg.norm(x), lambda x: np.split(x, [1], axis=0)[0],
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
def test_array_functions_stay_on_the_tape(function):
    x = leaf(2, 3)
    y = function(x)
    assert isinstance(y, tl.Tensor) and y.requires_grad
    expected = function(x.detach().numpy())
    assert y.shape == np.shape(expected)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:.*copy keyword")
def test_arrays_come_out_where_no_gradient_is_required():
    for lib in (tl, pytest.importorskip("torch")):
        x = lib.tensor([[1.0, 2.0], [3.0, 4.0]])
        for function in (
            lambda: np.concatenate([x, x]), lambda: np.stack([x, x]), lambda: np.sort(x), lambda: np.ravel(x), lambda: np.tile(x, 2),
            lambda: np.expand_dims(x, 0), lambda: np.where(x > 2, x, 0), lambda: np.copy(x), lambda: np.linalg.norm(x, axis=1), lambda: np.vstack([x]),
        ):  # fmt: skip
            assert type(function()) is np.ndarray and function().dtype == np.float32
        assert type(np.where(x > 2)[0]) is np.ndarray and isinstance(np.dot(x[0], x[1]), np.float32)


def test_what_would_leave_the_tape_is_refused():
    x = leaf(2, 2)
    for escape in (np.asarray, np.array, lambda t: t.numpy(), lambda t: np.asarray(t, dtype=np.float32)):
        with pytest.raises(RuntimeError, match=r"Use tensor.detach\(\).numpy\(\) instead"):
            escape(x)
    for function in (np.linalg.svd, np.histogram, np.gradient, np.spacing, lambda t: np.add.accumulate(t)):
        with pytest.raises(TypeError, match="tape"):
            function(x)
    assert np.spacing(x.detach()).shape == (2, 2)
    assert isinstance(np.histogram(x.detach())[0], np.ndarray)
    assert x.numpy(force=True).shape == (2, 2)


def test_out_and_in_place_ufuncs():
    t = tl.ones(3)
    alias = t
    assert np.add(t, 1, out=t) is t and alias.tolist() == [2, 2, 2]
    assert np.multiply(t, 2.0, out=tl.empty(3)).tolist() == [4, 4, 4]
    a = np.ones(3)
    a += t
    assert a.__class__ is np.ndarray and a.tolist() == [3, 3, 3]
    with pytest.raises(TypeError, match="tape"):
        a += tl.ones(3, requires_grad=True)
    x = tl.ones(3, requires_grad=True)
    y = x * 1
    np.exp(y, out=y)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(1), rtol=1e-6)
    with pytest.raises(RuntimeError, match="leaf"):
        np.exp(x, out=x)


def test_numpy_shares_memory_and_versions_are_kept():
    t = tl.zeros(2, 2)
    a = t.numpy()
    a[0, 0] = 5
    t[1, 1] = 7
    assert t[0, 0] == 5 and a[1, 1] == 7
    assert np.asarray(t) is not None and np.shares_memory(np.asarray(t), a)
    assert np.asarray(t, dtype=np.int64).dtype == np.int64
    assert not np.shares_memory(np.array(t), a)


def test_dlpack_both_ways_without_a_copy():
    ours = tl.arange(6.0).reshape(2, 3)
    theirs = torch.from_dlpack(ours)
    theirs[0, 0] = 9
    assert ours[0, 0] == 9
    back = tl.from_dlpack(torch.arange(4))
    assert back.dtype == tl.int64 and back.tolist() == [0, 1, 2, 3]
    source = torch.zeros(3)
    shared = tl.from_dlpack(source)
    source[1] = 4
    assert shared[1] == 4
    shared[2] = 5
    assert source[2] == 5
    assert np.from_dlpack(ours).shape == (2, 3)
    with pytest.raises(BufferError, match="require gradient"):
        torch.from_dlpack(tl.ones(2, requires_grad=True))
    strided = torch.arange(6.0).reshape(2, 3).t()
    assert tl.from_dlpack(strided).stride() == (1, 3)


def test_torch_tensors_are_read_as_arrays():
    assert tl.tensor(torch.ones(2, dtype=torch.float64)).dtype == tl.float64
    assert tl.as_tensor(torch.arange(3)).tolist() == [0, 1, 2]


def test_matplotlib_accepts_tensors():
    plt = pytest.importorskip("matplotlib.pyplot")
    figure, axes = plt.subplots()
    x = tl.linspace(0, 1, 5)
    axes.plot(x, x**2)
    axes.scatter(x, x, c=x)
    axes.hist(tl.arange(10.0))
    axes.imshow(tl.ones(3, 3))
    axes.bar(tl.arange(3), tl.ones(3))
    figure.canvas.draw()
    plt.close(figure)


def test_sklearn_accepts_tensors():
    linear = pytest.importorskip("sklearn.linear_model")
    x = tl.arange(10.0).reshape(5, 2)
    y = x.sum(1)
    model = linear.LinearRegression().fit(x, y)
    np.testing.assert_allclose(model.predict(x), y.numpy(), rtol=1e-5)
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import train_test_split

    assert accuracy_score(tl.tensor([0, 1, 1]), tl.tensor([0, 1, 0])) == pytest.approx(2 / 3)
    train, test = train_test_split(x, test_size=2, random_state=0)
    assert len(train) == 3 and len(test) == 2


def test_python_functions_take_tensors():
    import math

    assert math.sqrt(tl.tensor(4.0)) == 2
    assert sum(tl.ones(3)).item() == 3
    assert max(tl.tensor([1, 3, 2])).item() == 3
    assert [x.item() for x in reversed(tl.arange(3))] == [2, 1, 0]
    assert sorted(tl.tensor([3, 1, 2]))[0].item() == 1


def test_old_constructors_are_types_to_isinstance():
    x = tl.ones(2)
    assert isinstance(x, tl.FloatTensor) and isinstance(x.long(), tl.LongTensor) and not isinstance(x, tl.LongTensor)
    assert repr(tl.FloatTensor) == "<class 'torch.FloatTensor'>" and x.type(tl.DoubleTensor).dtype is tl.float64


def test_capsules_share_memory():
    from tensorlite.utils.dlpack import from_dlpack, to_dlpack

    x = tl.zeros(2)
    from_dlpack(to_dlpack(x)).add_(1)
    assert x.tolist() == [1.0, 1.0]
    theirs = torch.zeros(2)
    tl.from_dlpack(torch.utils.dlpack.to_dlpack(theirs)).add_(1)
    assert theirs.tolist() == [1.0, 1.0]


def test_lists_of_tensors_hold_single_numbers():
    assert tl.tensor([tl.ones(1), tl.tensor(2.0)]).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="only one element tensors can be converted"):
        tl.tensor([tl.ones(2), tl.ones(2)])
    with pytest.raises(TypeError, match=r"item 1 is 'float'"):
        tl.Size([1, 1.5])
