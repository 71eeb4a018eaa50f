"""Classes derived from ``Tensor``, in PyTorch and here."""

import types

import pytest
from test_programs import agree

import tensorlite as tl
from tensorlite import overrides

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _functions_come_back():
    """The first derived class replaces public functions; the tests after these want them as they were."""
    homes = [module for part in overrides.homes() for module in part]
    before = [dict(vars(home)) for home in homes]
    yield
    for home, values in zip(homes, before):
        for name, value in values.items():
            if isinstance(value, (types.FunctionType, types.ModuleType)):
                setattr(home, name, value)


def both(program):
    agree(program(tl), program(torch))


def kinds(values):
    return [type(v).__name__ for v in values]


def test_results_keep_the_class():
    def program(lib):
        class Sub(lib.Tensor):
            pass

        x = lib.arange(6.0).view(2, 3).as_subclass(Sub)
        plain = lib.ones(2, 3)
        values = (
            x, x + 1, 1 + x, plain + x, plain * x, x @ x.t(), -x, x == x, x.sum(), x[0], x.T, x.view(-1), x.clone(), x.detach(), x.data,
            lib.cat([plain, x]), lib.stack((x, x)), lib.exp(x), lib.nn.functional.relu(x), lib.linalg.norm(x), *x.split(1), *x.max(dim=1),
            lib.where(x > 1, x, plain), lib.zeros_like(x), x.double(), x.add_(1), x.requires_grad_(), Sub([1.0, 2.0]), Sub(2, 3).shape, x.tolist(),
            lib.nn.Linear(3, 2)(x.detach()), lib.nn.functional.softmax(x.detach(), 1), x.detach().numpy(),
        )  # fmt: skip
        return (
            kinds(values),
            repr(lib.ones(2).as_subclass(Sub)),
            isinstance(x, lib.Tensor),
            values[1:4:2],
        )

    got, expected = program(tl), program(torch)
    assert got[:3] == expected[:3]
    assert [v.tolist() for v in got[3]] == [v.tolist() for v in expected[3]]


def test_gradients_flow_through_derived_classes():
    def program(lib):
        class Sub(lib.Tensor):
            pass

        w = lib.tensor([1.0, 2.0], requires_grad=True)
        y = (w.as_subclass(Sub) * 3).exp().sum()
        y.backward()
        leaf = lib.tensor([1.0, 2.0]).as_subclass(Sub).requires_grad_()
        (leaf**2).sum().backward()
        return type(y).__name__, w.grad, leaf.is_leaf, leaf.grad.tolist()

    both(program)


def test_the_protocol_sees_functions_methods_and_attributes():
    def program(lib):
        log = []

        class Logged(lib.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                if func is not lib.Tensor.__repr__:
                    log.append((func.__name__, [t.__name__ for t in types], len(args), sorted(kwargs or {})))
                return super().__torch_function__(func, types, args, kwargs or {})

        x = lib.ones(2).as_subclass(Logged)
        lib.add(x, 1, alpha=2), x * 2, x - x, x.sum(dim=0), lib.cat([x, x]), x.shape, repr(x), lib.relu(x)
        return log

    both(program)


def test_functions_can_be_replaced():
    def program(lib):
        handled = {lib.mean: lambda x: "mean of ours"}

        class Scale(lib.Tensor):
            def __init__(self, data, unit):
                self.unit = unit

            @staticmethod
            def __new__(cls, data, unit):
                return lib.Tensor._make_subclass(cls, lib.as_tensor(data))

            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                if func in handled:
                    return handled[func](*args, **(kwargs or {}))
                if func.__name__ == "dot":
                    return NotImplemented
                return super().__torch_function__(func, types, args, kwargs)

        s = Scale([1.0, 2.0], "m")
        with pytest.raises(TypeError, match="Multiple dispatch failed"):
            lib.dot(s, s)
        return s.unit, lib.mean(s), lib.sum(s).tolist(), type(s * 2).__name__, hasattr(s * 2, "unit")

    both(program)


def test_the_most_derived_class_is_asked_and_parameters_are_not():
    def program(lib):
        class A(lib.Tensor):
            pass

        class B(A):
            def twice(self):
                return self * 2

        class P(lib.nn.Parameter):
            pass

        a, b = lib.ones(2).as_subclass(A), lib.ones(2).as_subclass(B)
        p = P(lib.ones(2))
        return kinds((a + b, b + a, lib.maximum(a, b), b.twice(), p * 2, p.data, p)), isinstance(p, lib.nn.Parameter)

    both(program)


def test_other_tensors_do_not_notice():
    class Sub(tl.Tensor):
        pass

    assert type(tl.add(tl.ones(2), 1)) is tl.Tensor and tl.add == overrides.Function(tl.add.func)
    assert overrides.is_tensor_like(tl.ones(1)) and not overrides.is_tensor_like([1.0])
    assert overrides.has_torch_function((Sub([1.0]),)) and not overrides.has_torch_function((tl.ones(1),))
