"""A layer or function under both frameworks from the same seed: everything that comes out is compared."""

import numpy as np
import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")

TOLERANCE = {"float32": 2e-5, "float64": 1e-11}


def data(*shape, seed=0, dtype="float64", last=False):
    """Random numbers; ``last`` puts dimension 1 last in memory, as behind a convolution."""
    x = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if last else x


def close(a, b, tolerance, what=""):
    a = a.detach().numpy() if isinstance(a, tl.Tensor) else a
    b = b.detach().numpy()
    assert a.shape == b.shape, f"{what}: {a.shape} instead of {b.shape}"
    assert a.dtype == b.dtype, f"{what}: {a.dtype} instead of {b.dtype}"
    scale = max(1.0, float(np.abs(b).max()) if b.size else 1.0)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def tensors(*arrays, grad=True):
    """The same arrays as tensors of both frameworks."""
    ours = [tl.tensor(np.ascontiguousarray(a), requires_grad=grad and a.dtype.kind == "f") for a in arrays]
    theirs = [torch.tensor(np.ascontiguousarray(a), requires_grad=grad and a.dtype.kind == "f") for a in arrays]
    return ours, theirs


def check_function(call, *arrays, tolerance=None):
    """``call(functional, *tensors)``: values, and gradients for random gradients of the results."""
    tolerance = tolerance or TOLERANCE[str(arrays[0].dtype)]
    ours, theirs = tensors(*arrays)
    for t, a in zip(ours, arrays):
        if not a.flags.c_contiguous:
            t._data = np.array(a, order="K")
    y, z = call(tl.nn.functional, *ours), call(torch.nn.functional, *theirs)
    y, z = (y if isinstance(y, tuple) else (y,)), (z if isinstance(z, tuple) else (z,))
    grads = []
    for i, (a, b) in enumerate(zip(y, z)):
        close(a, b, tolerance, f"result {i}")
        if b.requires_grad:
            grads.append((a, b, data(*b.shape, seed=i + 7, dtype=str(arrays[0].dtype))))
    tl.autograd.backward([a for a, _, _ in grads], [tl.tensor(g) for _, _, g in grads])
    torch.autograd.backward([b for _, b, _ in grads], [torch.tensor(g) for _, _, g in grads])
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if b.grad is None or a.grad is None:  # PyTorch gives zeros where we know that nothing flows
            assert a.grad is None and (b.grad is None or not b.grad.any())
        else:
            close(a.grad, b.grad, tolerance, f"gradient {i}")


def check_layer(make, shape, dtype="float32", steps=2, train=True, **call):
    """``make(nn, **kind)`` under both; several forward and backward passes, then eval mode."""
    tolerance = TOLERANCE[dtype]
    tl.manual_seed(3)
    torch.manual_seed(3)
    ours, theirs = make(tl.nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    if dtype == "float64":
        ours, theirs = ours.double(), theirs.double()
    if not train:
        ours.eval(), theirs.eval()
    for step in range(steps):
        (x,), (u,) = tensors(data(*shape, seed=step, dtype=dtype))
        y, z = ours(x, **call), theirs(u, **call)
        close(y, z, tolerance, "output")
        g = data(*z.shape, seed=9 + step, dtype=dtype)
        y.backward(tl.tensor(g))
        z.backward(torch.tensor(g))
        close(x.grad, u.grad, tolerance, "input gradient")
    state, other = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(other)
    for name in other:
        close(state[name], other[name], tolerance, name)
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters()):
        close(p.grad, q.grad, 5 * tolerance, f"gradient of {name}")
    (x,), (u,) = tensors(data(*shape, seed=99, dtype=dtype), grad=False)
    close(ours.eval()(x, **call), theirs.eval()(u, **call), tolerance, "output in eval mode")


def same_error(call):
    """``call(t)`` raises the same kind of error, beginning with the same words, under both."""
    found = []
    for t in (tl, torch):
        with pytest.raises(Exception) as caught:
            call(t)
        found.append(caught.value)
    ours, theirs = found
    assert isinstance(ours, type(theirs)), (ours, theirs)
    return str(ours), str(theirs)


def second_order(function, *arrays):
    """gradcheck and gradgradcheck in float64."""
    inputs = [tl.tensor(a, requires_grad=True) for a in arrays]
    assert tl.autograd.gradcheck(function, inputs)
    assert tl.autograd.gradgradcheck(function, inputs)
