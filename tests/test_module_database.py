"""PyTorch's databases of modules and optimizers run against this library.

``python -m tests.test_module_database [substring]`` prints what differs; the tests hold it to :data:`KNOWN`.
"""

from __future__ import annotations

import functools
import re
import sys
import types
import warnings

import numpy as np
import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")

#: Differences that are decisions, as (name, part of the complaint).
KNOWN: tuple = ()

#: Modules and optimizers that are left out of the library or of this comparison.
OUT_OF_SCOPE = {
    "LinearCrossEntropyLoss": "chunked losses are not supported",
    "CTCLoss": "not supported",
    "SparseAdam": "not supported: there are no sparse gradients",
    "FractionalMaxPool2d": "random windows from another stream",
    "FractionalMaxPool3d": "random windows from another stream",
}


@functools.cache
def databases():
    """PyTorch's module and optimizer databases, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_modules import module_db
        from torch.testing._internal.common_optimizers import optim_db
    return {m.module_cls.__name__: m for m in module_db}, {o.optim_cls.__name__: o for o in optim_db}


def convert(x):
    """PyTorch's arguments as ours."""
    if isinstance(x, torch.Tensor):
        t = tl.from_numpy(x.detach().numpy().copy())
        t = t.requires_grad_() if x.requires_grad else t
        return tl.nn.Parameter(t.detach(), x.requires_grad) if isinstance(x, torch.nn.Parameter) else t
    if isinstance(x, torch.dtype):
        return getattr(tl, str(x)[6:])
    if isinstance(x, torch.nn.TransformerEncoderLayer):
        heads, width, hidden = x.self_attn.num_heads, x.linear1.in_features, x.linear1.out_features
        mine = tl.nn.TransformerEncoderLayer(
            width,
            heads,
            hidden,
            x.dropout.p,
            convert(x.activation),
            batch_first=x.self_attn.batch_first,
            norm_first=x.norm_first,
            bias=x.linear1.bias is not None,
        )
        mine.load_state_dict({k: convert(v) for k, v in x.state_dict().items()})
        return mine
    if isinstance(x, torch.nn.Module):
        return getattr(tl.nn, type(x).__name__)()
    if isinstance(x, (list, tuple)):
        return type(x)([convert(v) for v in x])
    if isinstance(x, dict):
        return {k: convert(v) for k, v in x.items()}
    if isinstance(x, (types.FunctionType, types.BuiltinFunctionType)) and hasattr(tl.nn.functional, x.__name__):
        return getattr(tl.nn.functional, x.__name__)
    return "cpu" if isinstance(x, torch.device) else x


def tensors(x, kind):
    """All tensors in a result, in order."""
    if isinstance(x, kind):
        return [x]
    if isinstance(x, dict):
        x = list(x.values())
    return [t for v in x for t in tensors(v, kind)] if isinstance(x, (list, tuple)) else []


def same(a, b, what, scale=1):
    """Assert equal dtypes, shapes and values."""
    assert (a is None) == (b is None), f"{what}: {a}, PyTorch {b}"
    if a is None:
        return
    assert str(a.dtype) == str(b.dtype), f"{what}: dtype {a.dtype}, PyTorch {b.dtype}"
    x, y = a.detach().numpy(), b.detach().numpy()
    assert x.shape == y.shape, f"{what}: shape {x.shape}, PyTorch {y.shape}"
    np.testing.assert_allclose(x, y, rtol=2e-4 * scale, atol=2e-4 * scale, err_msg=what)


def complaints(call, kinds=(Exception,)):
    """The error that ``call`` raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            call()
    except kinds as error:
        return error
    return None


# -- modules ---------------------------------------------------------------------------------------


def copied(module, args, kwargs):
    """Our module of the same arguments and state as PyTorch's ``module``."""
    mine = getattr(tl.nn, type(module).__name__)(*convert(args), **convert(kwargs))
    state = module.state_dict()
    assert list(mine.state_dict()) == list(state), f"state {list(mine.state_dict())}, PyTorch {list(state)}"
    for key, value in mine.state_dict().items():
        if not isinstance(value, tl.nn.parameter.UninitializedTensorMixin):
            assert tuple(value.shape) == tuple(state[key].shape) and str(value.dtype) == str(state[key].dtype), key
    return mine


def check_module(info, sample, training):
    """One sample of a module: printing, state, results, gradients of inputs and parameters."""
    args, kwargs = sample.constructor_input.args, sample.constructor_input.kwargs
    torch.manual_seed(0)
    module = info.module_cls(*args, **kwargs)
    mine = copied(module, args, kwargs)
    assert repr(mine) == repr(module), f"prints {mine!r}, PyTorch {module!r}"
    module.train(training), mine.train(training)
    inputs = sample.forward_input.args, sample.forward_input.kwargs
    ours = convert(inputs)
    if info.is_lazy:
        module(*inputs[0], **inputs[1]), mine(*ours[0], **ours[1])
        assert repr(mine) == repr(module), f"prints {mine!r}, PyTorch {module!r}"
    mine.load_state_dict({k: tl.from_numpy(v.numpy().copy()) for k, v in module.state_dict().items()})
    torch.manual_seed(1), tl.manual_seed(1)
    theirs = module(*inputs[0], **inputs[1])
    got = mine(*ours[0], **ours[1])
    a, b = tensors(got, tl.Tensor), tensors(theirs, torch.Tensor)
    assert len(a) == len(b), f"{len(a)} results, PyTorch {len(b)}"
    for i, (x, y) in enumerate(zip(a, b)):
        same(x, y, f"result {i}")
        assert x.requires_grad == y.requires_grad, f"requires_grad {x.requires_grad}, PyTorch {y.requires_grad}"
    pairs = [(x, y) for x, y in zip(a, b) if y.requires_grad]
    if pairs:
        torch.manual_seed(2)
        weights = [torch.randn(y.shape) for _, y in pairs]
        for y in tensors(inputs, torch.Tensor):
            y.grad = None
        torch.autograd.backward([y for _, y in pairs], weights)
        tl.autograd.backward([x for x, _ in pairs], [tl.from_numpy(w.numpy()) for w in weights])
        for i, (x, y) in enumerate(zip(tensors(ours, tl.Tensor), tensors(inputs, torch.Tensor))):
            if y.is_leaf:
                same(x.grad, y.grad, f"gradient of input {i}")
        for (name, x), y in zip(mine.named_parameters(), module.parameters()):
            same(x.grad, y.grad, f"gradient of {name}")
    for (name, x), y in zip(mine.named_buffers(), module.buffers()):
        same(x, y, name)


def module_samples(info, training, limit=None):
    """PyTorch's samples."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=True, training=training)
    return found[:limit]


def check_module_error(info, example):
    """The same kind of error at the same time, and words that match."""
    sample, where = example.module_error_input, example.error_on.name
    args, kwargs = sample.constructor_input.args, sample.constructor_input.kwargs
    make = lambda: getattr(tl.nn, info.module_cls.__name__)(*convert(args), **convert(kwargs))
    if where == "CONSTRUCTION_ERROR":
        error = complaints(make)
    else:
        mine, inputs = make(), convert((sample.forward_input.args, sample.forward_input.kwargs))
        error = complaints(lambda: mine(*inputs[0], **inputs[1]))
    expect(error, example)


def expect(error, example):
    """``error`` is what the example announces."""
    assert error is not None, f"no error; PyTorch: {example.error_regex}"
    assert isinstance(error, example.error_type), (
        f"{error!r}; PyTorch {example.error_type.__name__}: {example.error_regex}"
    )
    assert re.search(example.error_regex, str(error)), f"{error!r}; PyTorch: {example.error_regex}"


def module_differences(name, limit=None):
    """What differs in a module, in words; and how much was tried."""
    info, found, tried = databases()[0][name], [], 0
    for training in (True, False):
        for i, sample in enumerate(module_samples(info, training, limit)):
            if sample.forward_input is None:
                continue
            tried += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    check_module(info, sample, training)
            except Exception as error:
                where = f"{'train' if training else 'eval'} {i} {sample.desc}"
                found.append(f"{where}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
    if info.module_error_inputs_func:
        examples = info.module_error_inputs_func(
            info, device="cpu", dtype=torch.float32, requires_grad=False, training=True
        )
        for i, example in enumerate(examples):
            tried += 1
            try:
                check_module_error(info, example)
            except Exception as error:
                found.append(f"error {i}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
    return found, tried


# -- optimizers ------------------------------------------------------------------------------------


def _parameters(library, grouped):
    rng = np.random.default_rng(0)
    made = [rng.standard_normal(s).astype("float32") for s in ((3, 4), (4, 2), (5, 5))]
    params = [library.nn.Parameter(library.from_numpy(a.copy())) for a in made]
    return params, [{"params": params[:2]}, {"params": params[2:], "lr": 0.02}] if grouped else params


def check_optimizer(info, example, grouped=False, steps=4):
    """Parameters and state after some steps."""
    name, results = info.optim_cls.__name__, []
    for library in (tl, torch):
        params, groups = _parameters(library, grouped)
        kwargs = convert(example.kwargs) if library is tl else dict(example.kwargs)
        optimizer = getattr(library.optim, name)(groups, **kwargs)

        def closure(params=params, optimizer=optimizer):
            optimizer.zero_grad()
            loss = sum(((p * (i + 1) - 0.5) ** 2).sum() for i, p in enumerate(params))
            loss.backward()
            return loss

        losses = [optimizer.step(closure) for _ in range(steps)]
        results.append((params, losses, optimizer))
    (ours, a, mine), (theirs, b, other) = results
    for i, (x, y) in enumerate(zip([*a, *ours], [*b, *theirs])):
        same(x, y, f"loss or parameter {i}")
    assert repr(mine) == repr(other), f"prints {mine!r}, PyTorch {other!r}"
    x, y = mine.state_dict(), other.state_dict()
    assert set(x["state"]) == set(y["state"]), f"state of {set(x['state'])}, PyTorch {set(y['state'])}"
    for i, state in y["state"].items():
        assert set(x["state"][i]) == set(state), f"state {sorted(x['state'][i])}, PyTorch {sorted(state)}"
        for key, value in state.items():
            if isinstance(value, torch.Tensor):
                same(x["state"][i][key], value, f"state {key}", 50 if name == "LBFGS" else 1)  # it follows rounding
    for ours_, theirs_ in zip(x["param_groups"], y["param_groups"]):
        assert list(ours_) == list(theirs_), f"groups {list(ours_)}, PyTorch {list(theirs_)}"


def check_optimizer_error(info, example):
    """The announced error on construction or in a step."""
    sample = example.optimizer_error_input
    params = convert(sample.params) if sample.params is not None else _parameters(tl, False)[0]
    if (
        isinstance(sample.params, list)
        and isinstance(sample.params[0], torch.Tensor)
        and len({*map(id, sample.params)}) == 1
    ):
        params = params[:1] * len(params)
    if sample.desc.startswith("duplicate"):
        params[1]["params"] = params[0]["params"]
    make = lambda: getattr(tl.optim, info.optim_cls.__name__)(params, **convert(sample.kwargs))
    if example.error_on.name == "CONSTRUCTION_ERROR":
        expect(complaints(make), example)
    else:
        optimizer = make()
        for p in params:
            p.grad = tl.randn_like(p)
        expect(complaints(optimizer.step), example)


def optimizer_differences(name):
    """What differs in an optimizer, in words; and how much was tried."""
    info, found, tried = databases()[1][name], [], 0
    for example in info.optim_inputs_func(device="cpu"):
        for grouped in (False, True) if info.supports_param_groups else (False,):
            tried += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    check_optimizer(info, example, grouped)
            except Exception as error:
                found.append(
                    f"{example.desc} {example.kwargs}: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
                )
    for example in info.optim_error_inputs_func(device="cpu", dtype=torch.float32):
        tried += 1
        try:
            check_optimizer_error(info, example)
        except Exception as error:
            found.append(
                f"error {example.optimizer_error_input.desc}: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
            )
    return found, tried


# -- reports ---------------------------------------------------------------------------------------


def new(name, found):
    """Differences that are not known."""
    return [f for f in found if not any(name == n and part in f for n, part in KNOWN)]


MODULES = [n for n in databases()[0] if n not in OUT_OF_SCOPE]
OPTIMIZERS = [n for n in databases()[1] if n not in OUT_OF_SCOPE]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_pytorchs_on_its_first_samples(name):
    found, tried = module_differences(name, limit=2)
    assert tried and not new(name, found)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_pytorchs_on_all_samples(name):
    assert not new(name, module_differences(name)[0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_pytorchs(name):
    found, tried = optimizer_differences(name)
    assert tried and not new(name, found)


@pytest.mark.parametrize("name", sorted(OUT_OF_SCOPE))
def test_what_is_left_out_refuses_or_is_random(name):
    if name.startswith("Fractional"):
        return
    with pytest.raises((AttributeError, NotImplementedError), match=r"not supported|no attribute"):
        (getattr(tl.nn, name) if hasattr(tl.nn, name) else getattr(tl.optim, name))()


def main():
    """Print differences."""
    torch.set_num_threads(1)
    only, bad, all_ = (sys.argv[1] if len(sys.argv) > 1 else ""), 0, 0
    for differences, names in ((module_differences, databases()[0]), (optimizer_differences, databases()[1])):
        for name in names:
            if only in name and name not in OUT_OF_SCOPE:
                found, tried = differences(name)
                bad, all_ = bad + len(found), all_ + tried
                if found:
                    print(f"{name} ({len(found)} of {tried}): {found[0]}")
                    if only:
                        print(*found[1:], sep="\n")
    print(f"{bad} of {all_}")


if __name__ == "__main__":
    main()
