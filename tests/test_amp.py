"""Mixed precision: a block without effect, and a scaler that scales, against PyTorch's."""

import pickle
import warnings

import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("overflow", [None, 3])
def test_scaled_steps_are_pytorchs(overflow):
    def run(t):
        w = t.nn.Parameter(t.tensor([1.0, 2.0]))
        optimizer = t.optim.SGD([w], lr=0.1)
        scaler = t.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
        for i in range(6):
            optimizer.zero_grad()
            loss = (w * w).sum() * (float("inf") if i == overflow else 1.0)
            scaler.scale(loss).backward()
            if i % 2:
                scaler.unscale_(optimizer)
            yield w.grad.tolist()
            scaler.step(optimizer)
            scaler.update()
            yield w.tolist(), scaler.get_scale(), scaler.state_dict()
        scaler.update(3.0)
        copy = pickle.loads(pickle.dumps(scaler))
        yield copy.state_dict()
        other = t.amp.GradScaler("cpu")
        other.load_state_dict(copy.state_dict())
        yield other.scale(t.ones(2)).tolist(), other.state_dict()

    assert list(map(repr, run(tl))) == list(map(repr, run(torch)))


def outcome(call):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            result = repr(call())
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
    return "an object" if "object at" in result else result, [
        (w.category, str(w.message).split(" (Triggered")[0]) for w in told
    ]


def twice(t, name):
    w = t.nn.Parameter(t.ones(1))
    optimizer, scaler = t.optim.SGD([w], lr=0.1), t.amp.GradScaler("cpu")
    scaler.scale(w.sum()).backward()
    getattr(scaler, name)(optimizer), getattr(scaler, name)(optimizer)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: twice(t, "unscale_"),
        lambda t: twice(t, "step"),
        lambda t: t.amp.GradScaler("cpu").update(),
        lambda t: t.amp.GradScaler("cpu").unscale_(None),
        lambda t: t.amp.GradScaler("cpu", growth_factor=1.0),
        lambda t: t.amp.GradScaler("cpu", backoff_factor=1.0),
        lambda t: t.amp.GradScaler("cpu").step(None, closure=1),
        lambda t: t.amp.GradScaler("cpu").load_state_dict({}),
        lambda t: t.amp.GradScaler("cpu").scale(3),
        lambda t: t.amp.GradScaler("cpu").scale([t.ones(2), (t.ones(1),)]),
        lambda t: t.amp.GradScaler().state_dict(),
        lambda t: t.cuda.amp.GradScaler().get_scale(),
        lambda t: t.cuda.amp.autocast(),
        lambda t: t.autocast("cuda"),
        lambda t: t.autocast(3),
        lambda t: t.autocast("cpu", dtype=t.float32),
        lambda t: t.autocast("cpu", enabled=False)(3),
        lambda t: (t.get_autocast_dtype("cpu"), t.get_autocast_dtype("cuda"), t.is_autocast_enabled("cpu")),
        lambda t: (t.get_autocast_gpu_dtype(), t.get_autocast_cpu_dtype(), t.is_autocast_cpu_enabled()),
        lambda t: (t.amp.is_autocast_available("cpu"), t.amp.is_autocast_available("meta")),
    ],
)
def test_answers_warnings_and_errors_are_pytorchs(call):
    assert outcome(lambda: call(tl)) == outcome(lambda: call(torch))


def test_autocast_says_once_that_it_changes_nothing(monkeypatch):
    monkeypatch.setattr(tl.amp.autocast_mode, "_told", False)
    with pytest.warns(UserWarning, match="no fast half precision"), tl.autocast("cpu", dtype=tl.bfloat16):
        assert (tl.ones(2, 2) @ tl.ones(2, 2)).dtype is tl.float32
        assert not tl.is_autocast_enabled("cpu")
    with tl.autocast("cpu"):  # no second time: warnings are errors here
        pass
    assert tl.autocast("cpu")(lambda x: x + 1)(1) == 2
    with pytest.warns(UserWarning, match="Disabling"), tl.autocast(device_type="cuda", dtype=tl.float16):
        assert (tl.ones(2) @ tl.ones(2)).dtype == tl.float32


def test_modules_of_mixed_precision():
    from tensorlite.cuda.amp.autocast_mode import autocast
    from tensorlite.cuda.amp.grad_scaler import GradScaler, OptState

    assert autocast is tl.cuda.amp.autocast and GradScaler is tl.cuda.amp.GradScaler
    assert OptState is tl.amp.grad_scaler.OptState


def test_decorators_of_functions_change_nothing():
    class Double(tl.autograd.Function):
        @staticmethod
        @tl.amp.custom_fwd(device_type="cpu", cast_inputs=tl.float32)
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        @tl.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            return 2 * g

    x = tl.ones(2, requires_grad=True)
    Double.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2]
    with pytest.raises(ValueError, match="device_type"):
        tl.amp.custom_fwd(device_type=1)
