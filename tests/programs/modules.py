"""How modules, their hooks and state dicts behave, down to what they refuse."""

import copy
import importlib
import pickle
import warnings
import weakref

import numpy as np

from . import program
from .complaints import said


def _ours(torch, path):
    return importlib.import_module(f"{torch.__name__}.{path}")


def _warned(call):
    """The categories and first words of what a call warns of."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call()
    return [(w.category.__name__, str(w.message)[:90]) for w in seen]


@program
def what_backward_hooks_see_and_may_return(torch):
    nn, x = torch.nn, torch.linspace(-1, 1, 4).view(2, 2)
    answers = (
        lambda m, gi, *go: gi[:-1], lambda m, gi, *go: gi + (torch.zeros(2, 2),), lambda m, gi, *go: tuple([g * 3 for g in gi]),
        lambda m, gi, *go: (None,), lambda m, gi, *go: [gi[0] * 2], lambda m, gi, *go: 5, lambda m, gi, *go: (torch.zeros(3),),
    )  # fmt: skip
    for kind in ("register_backward_hook", "register_full_backward_hook", "register_full_backward_pre_hook"):
        for hook in answers[:3] + answers[4:] if "pre" in kind else answers:
            leaf = x.clone().requires_grad_()
            layer = nn.Sigmoid()
            getattr(layer, kind)(hook)
            print(kind, said(lambda: layer(leaf).sum().backward()).split(": [2")[0].split("hook '")[0], leaf.grad)


class _Log(list):
    def hook(self, *args):
        self.append([[None if g is None else (g.shape, g.dtype, g.tolist()) for g in gs] for gs in args[1:]])


@program
def gradients_of_arguments_that_take_no_part(torch):
    nn, log = torch.nn, _Log()

    class Several(nn.Module):
        def forward(self, a, flag, b, c):
            return (a * c).sum(), b

    m = Several()
    m.register_full_backward_hook(log.hook)
    m.register_full_backward_pre_hook(log.hook)
    a, c = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    out = m(a, True, torch.arange(2), c)
    out[0].backward()
    print(type(out[0].grad_fn).__name__)
    only = nn.L1Loss()
    only.register_full_backward_hook(log.hook)
    only(torch.zeros(1), torch.ones(1, requires_grad=True)).backward()
    return [str(entry).replace(torch.__name__, "torch") for entry in log]


@program
def old_backward_hooks_say_what_they_miss(torch):
    nn, a, b = torch.nn, torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    forwards = (
        (lambda self, pair: pair[0].clone(), ([a, b],)), (lambda self, a, b: [a.clone(), b.clone()], (a, b)),
        (lambda self, a, b: (a.clone(), b.clone()), (a, b)), (lambda self, a: a.clone().clone(), (a * 1,)),
        (lambda self, a: a.clone(), (a * 1,)), (lambda self, a, b: a * b, (a * 1, b * 1)), (lambda self, a: a.unbind(), (a * 1,)),
    )  # fmt: skip
    result = []
    for forward, args in forwards:
        m = type("M", (nn.Module,), {"forward": forward})()
        m.register_backward_hook(lambda *args: None)
        result.append(_warned(lambda: m(*args)))
    return result


@program
def hooks_around_failures_and_in_order(torch):
    nn, log = torch.nn, []

    class Refuses(nn.Module):
        def forward(self, x, scale=1):
            if scale == 0:
                raise ValueError("no")
            return x * scale

    m = Refuses()
    for i, first in ((0, False), (1, True), (2, False), (3, True)):
        for kind in ("forward_hook", "forward_pre_hook", "full_backward_hook", "full_backward_pre_hook"):
            getattr(m, f"register_{kind}")(lambda *a, k=kind, i=i: log.append((k, i)), prepend=first)
    m.register_forward_hook(lambda *a: log.append("always"), always_call=True)
    m(torch.ones(1, requires_grad=True)).backward()
    print(said(lambda: m(torch.ones(1), scale=0)))
    m.register_forward_pre_hook(lambda m, a, k: (a, {"scale": 5}), with_kwargs=True)
    m.register_forward_hook(lambda m, a, k, out: out + k["scale"], with_kwargs=True)
    handle = nn.Sigmoid().register_forward_hook(lambda *a: None)
    print(len(log), log, handle.hooks_dict_ref(), isinstance(handle, _ours(torch, "utils.hooks").RemovableHandle))
    for name in ("register_forward_pre_hook", "register_forward_hook"):
        layer, handles = nn.ReLU(), []
        for i in range(2):
            handles.append(getattr(layer, name)(lambda m, a, *out, i=i: handles[i].remove()))
        layer(torch.ones(1))
        print(handles[0].id in handles[0].hooks_dict_ref(), len(handles[1].hooks_dict_ref()))
    return m(torch.ones(1), scale=2)


def pickled_hook(*args):
    """What a hook needs to be pickled: a place in a module."""


@program
def hooks_of_state_dicts(torch):
    nn, log = torch.nn, []
    a = nn.Linear(1, 1)
    a._register_load_state_dict_pre_hook(lambda *args: log.append(len(args)))
    a.register_load_state_dict_pre_hook(lambda *args: log.append((len(args), args[0] is a)))
    a.load_state_dict(a.state_dict())
    b = nn.Linear(1, 1)
    b.register_load_state_dict_pre_hook(pickled_hook)
    alive, again = weakref.ref(b), pickle.loads(pickle.dumps(b))
    del b
    log.append((alive() is None, len(again._load_state_dict_pre_hooks)))
    box = nn.ModuleList([a])

    def amend(module, keys):
        keys.missing_keys.append("foo"), keys.unexpected_keys.append("bar")

    handle = a.register_load_state_dict_post_hook(amend)
    log += [box.load_state_dict(box.state_dict(), strict=False), said(lambda: box.load_state_dict(box.state_dict()))]
    handle.remove()
    log.append(box.load_state_dict(box.state_dict()))
    for older in ("_load_state_dict_post_hooks", "_state_dict_pre_hooks", "_forward_hooks_always_called"):
        old = nn.Softmax(1)
        delattr(old, older)
        new = pickle.loads(pickle.dumps(old))
        log.append((new.load_state_dict(new.state_dict()), new(torch.zeros(1, 2))))
    return log


@program
def buffers_and_gradients_keep_their_places(torch):
    nn = torch.nn
    m = nn.Linear(2, 2)
    m(torch.ones(1, 2)).sum().backward()
    grad = m.weight.grad
    m.zero_grad(set_to_none=False)
    m.mean, m.tmp = nn.Buffer(torch.ones(2)), nn.Buffer(torch.ones(2), persistent=False)
    m.taken = 5
    print(
        said(lambda: setattr(m, "taken", nn.Buffer(torch.ones(1)))),
        type(m.mean).__name__,
        isinstance(m.mean, nn.Buffer),
    )

    class Short(nn.Module):
        def register_buffer(self, name, value):
            super().register_buffer(name, value, True)

    short = Short()
    short.kept = nn.Buffer(torch.ones(1))
    double = copy.deepcopy(m)
    print(
        isinstance(double.mean, nn.Buffer),
        isinstance(torch.ones(1), nn.Buffer),
        list(double.state_dict()),
        list(short.state_dict()),
    )
    return m.weight.grad is grad, grad, short.kept


@program
def what_to_refuses(torch):
    m, cpu = torch.nn.Linear(1, 1), torch.device("cpu")
    for call in (
        lambda: m.to(cpu, True), lambda: m.to(None, True), lambda: m.to(torch.long), lambda: m.to(cpu, torch.long, True), lambda: m.to([]),
        lambda: m.to({}, non_blocking=True), lambda: m.to(cpu, torch.ones(1)), lambda: m.to("cpu", copy=True), lambda: m.to(other=1),
        lambda: m.to(cpu, torch.float64, True), lambda: m.to(torch.float32, True), lambda: m.to(torch.ones(1).double(), True),
    ):  # fmt: skip
        print(said(call).split(" - got")[0])
    return m.weight.dtype


@program
def names_where_scripts_import_them(torch):
    nn = torch.nn
    batchnorm, utils, fusion = (_ours(torch, f"nn.{p}") for p in ("modules.batchnorm", "modules.utils", "utils.fusion"))
    layers = [
        nn.BatchNorm2d(2),
        nn.Dropout2d(),
        nn.MaxPool2d(2),
        nn.AdaptiveMaxPool1d(1),
        nn.ConvTranspose1d(1, 1, 1),
        nn.LazyBatchNorm1d(),
    ]
    bases = ["batchnorm._BatchNorm", "dropout._DropoutNd", "pooling._MaxPoolNd", "pooling._AdaptiveAvgPoolNd",
             "conv._ConvTransposeNd", "batchnorm._LazyNormBase"]  # fmt: skip
    for base in bases:
        file, name = base.split(".")
        print(base, [isinstance(layer, getattr(_ours(torch, f"nn.modules.{file}"), name)) for layer in layers])
    state = torch.nn.Sequential(nn.Linear(1, 1)).state_dict(prefix="module.")
    utils.consume_prefix_in_state_dict_if_present(state, "module.")
    conv, bn, x = nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), torch.randn(4, 2, 5, 5)
    bn(conv(x))
    fused = fusion.fuse_conv_bn_eval(conv.eval(), bn.eval())
    up, line = nn.ConvTranspose1d(2, 3, 2).eval(), nn.Linear(4, 3, bias=False).eval()
    norm = nn.BatchNorm1d(3)
    norm(torch.randn(5, 3))
    norm.eval()
    near = [
        torch.allclose(fused(x), bn(conv(x)), atol=1e-5),
        torch.allclose(fusion.fuse_conv_bn_eval(up, norm, True)(x[:, :, 0]), norm(up(x[:, :, 0])), atol=1e-5),
        torch.allclose(
            fusion.fuse_linear_bn_eval(line, norm)(torch.ones(2, 4)), norm(line(torch.ones(2, 4))), atol=1e-5
        ),
    ]
    grad = _ours(torch, "nn.grad")
    x, w, g = torch.arange(16.0).view(1, 1, 4, 4), torch.ones(1, 1, 2, 2), torch.arange(9.0).view(1, 1, 3, 3)
    return [
        type(batchnorm).__name__, utils._pair(3), utils._triple([1, 2]), utils._reverse_repeat_tuple((1, 2), 2), list(state), near,
        grad.conv2d_input(x.shape, w, g), grad.conv2d_weight(x, w.shape, g), said(lambda: fusion.fuse_conv_bn_eval(nn.Conv1d(1, 1, 1), norm)),
        np.isfinite(fused.bias.detach().numpy()).all(), fused.weight.requires_grad,
    ]  # fmt: skip
