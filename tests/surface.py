"""One short program for each PyTorch name that the expressions of ``samples`` and PyTorch's own databases leave out.

A program is run under both libraries after :func:`start`; what its last line gives must agree: values, dtypes, shapes, printed
text, and the gradients of the named tensors. ``tools/api_table.py`` shows the outcome by name.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib
import io
import itertools
import math
import os
import tempfile
import warnings

import numpy as np


def start(lib):
    """The names that a program may use."""
    for name in ("utils.benchmark", "utils.data", "distributions", "multiprocessing", "nn.attention.flex_attention"):
        with contextlib.suppress(ImportError, NotImplementedError):
            importlib.import_module(f"{lib.__name__}.{name}")
    lib.manual_seed(0)
    x, y = lib.randn(3, 4, requires_grad=True), lib.randn(3, 4, requires_grad=True)
    names = {
        "torch": lib, "nn": lib.nn, "F": lib.nn.functional, "optim": lib.optim, "data": lib.utils.data, "np": np, "io": io,
        "copy": copy, "importlib": importlib, "math": math, "os": os, "itertools": itertools, "tempfile": tempfile, "warnings": warnings,
        "x": x, "y": y, "v": lib.randn(4, requires_grad=True), "A": (lib.randn(3, 3) + 3 * lib.eye(3)).requires_grad_(),
        "i": lib.randint(0, 3, (3, 4)), "b": lib.rand(3, 4) > 0.5, "image": lib.randn(2, 3, 6, 6, requires_grad=True),
    }  # fmt: skip
    torch, nn = lib, lib.nn
    names["net"] = nn.Sequential(nn.Linear(4, 5, bias=False), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))
    names["opt"] = torch.optim.SGD(names["net"].parameters(), lr=0.1, momentum=0.9)
    names["sched"] = torch.optim.lr_scheduler.StepLR(names["opt"], 2, 0.5)
    return names


def run(lib, code):
    """What the last line of ``code`` gives, and the gradients of the named tensors."""
    names = start(lib)
    tree = ast.parse(code)
    last = tree.body[-1]
    assert isinstance(last, ast.Expr), f"ends in no expression: {code}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(ast.Module(tree.body[:-1], []), "<program>", "exec"), names)
        result = eval(compile(ast.Expression(last.value), "<program>", "eval"), names)
        loss, n = None, 0
        for t in _tensors(result, lib):
            if t.requires_grad and t.grad_fn is not None and t.dtype in (lib.float32, lib.float64):
                n += 1
                weight = lib.cos(lib.arange(t.numel(), dtype=t.dtype) + n).reshape(t.shape)
                part = (t * weight).sum().to(lib.float64)
                loss = part if loss is None else loss + part
        if loss is not None:
            loss.backward()
    return result, {k: t.grad for k, t in names.items() if isinstance(t, lib.Tensor) and t.is_leaf}


def _tensors(value, lib):
    if isinstance(value, lib.Tensor):
        yield value
    elif isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for v in value:
            yield from _tensors(v, lib)


def same(name, code):
    """Run a program under both libraries; an AssertionError, or our error, if they disagree."""
    import torch

    import tensorlite
    from tests.test_programs import agree

    failed = None
    with getattr(torch.backends, "__allow_nonbracketed_mutation")():
        try:
            theirs, their_grads = run(torch, code)
        except Exception as error:
            failed = error
    with np.errstate(all="ignore"):
        try:
            ours, our_grads = run(tensorlite, code)
        except Exception as error:
            if failed is not None and not isinstance(failed, (NameError, SyntaxError)) and _kind(error) & _kind(failed):
                return
            raise
        finally:
            tensorlite.set_default_dtype(tensorlite.float32)
            torch.set_default_dtype(torch.float32)
    assert failed is None, f"PyTorch raises {failed!r}"
    agree(ours, theirs)
    agree(our_grads, their_grads, "gradients")


def _kind(error):
    return {c for c in type(error).__mro__ if c.__module__ == "builtins"} - {Exception, BaseException, object}


_DATA = "s = data.TensorDataset(torch.arange(10.), torch.arange(10))\n"
_STEP = "net(x.detach()).pow(2).sum().backward()\n"
_TRAIN = "for _ in range(3):\n    o.zero_grad()\n    net(x.detach()).pow(2).sum().backward()\n    o.step()\n"
_RATES = "rates = []\nfor _ in range(6):\n    opt.step()\n    s.step()\n    rates.append(s.get_last_lr()[0])\n[rates, s.last_epoch]"
_FUNCTION = """
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, t, power):
        ctx.power = power
        ctx.save_for_backward(t)
        return t ** power
    @staticmethod
    def backward(ctx, g):
        t, = ctx.saved_tensors
        return g * ctx.power * t ** (ctx.power - 1), None
Cube.apply(x, 3)
"""

SURFACE = {
    # -- making tensors
    "torch.tensor": "[torch.tensor([[1., 2], [3, 4]]), torch.tensor(3), torch.tensor([True]), torch.tensor(2.5, dtype=torch.float64), torch.tensor([1, 2], dtype=torch.float16), torch.tensor([]), torch.tensor(np.arange(3)), torch.tensor([1 + 2j]), torch.tensor([1.], requires_grad=True).requires_grad]",
    "torch.as_tensor": "[torch.as_tensor([1, 2]), torch.as_tensor(np.ones(2), dtype=torch.float32), torch.as_tensor(x) is x]",
    "torch.from_numpy": "a = np.ones((2, 3))\nt = torch.from_numpy(a)\nt[0] = 7\n[t, a, torch.from_numpy(np.arange(3, dtype=np.int16))]",
    **{f"torch.{n}": f"[torch.{n}(2, 3), torch.{n}((2, 3), dtype=torch.int64), torch.{n}([2], requires_grad=True), torch.{n}(()), torch.{n}(2, dtype=torch.bool), torch.{n}(0, 3)]" for n in ("zeros", "ones")},
    "torch.empty": "t = torch.empty(2, 3, dtype=torch.float64)\n[t.shape, t.dtype, torch.empty((0, 2)), torch.empty(size=(2,)).shape]",
    "torch.full": "[torch.full((2, 2), 3), torch.full((2,), 1.5), torch.full((2,), True), torch.full((), 2, dtype=torch.float64)]",
    "torch.eye": "[torch.eye(3), torch.eye(2, 3), torch.eye(2, dtype=torch.int64)]",
    "torch.arange": "[torch.arange(5), torch.arange(1, 2, 0.3), torch.arange(4.), torch.arange(5, 0, -2), torch.arange(3, dtype=torch.float16)]",
    "torch.range": "[torch.range(0, 4), torch.range(1, 2, 0.25)]",
    "torch.linspace": "[torch.linspace(0, 1, 5), torch.linspace(-1, 1, steps=4, dtype=torch.float64), torch.linspace(3, 3, 1), torch.linspace(0, 1, 0)]",
    **{f"torch.{n}_like": f"[torch.{n}_like(x), torch.{n}_like(i), torch.{n}_like(i, dtype=torch.float64)]" for n in ("zeros", "ones")},
    "torch.empty_like": "[torch.empty_like(x).shape, torch.empty_like(i).dtype, torch.empty_like(x.T).stride()]",
    "torch.full_like": "[torch.full_like(x, 2), torch.full_like(i, 2.0)]",
    "torch.rand_like": "torch.rand_like(x), torch.rand_like(x, dtype=torch.float64)",
    "torch.randn_like": "torch.randn_like(x), torch.randn_like(x, dtype=torch.float64)",
    "torch.rand": "[torch.rand(3, 4), torch.rand((2,), dtype=torch.float64), torch.rand(30), torch.rand(2, generator=torch.Generator().manual_seed(3))]",
    "torch.randn": "[torch.randn(3), torch.randn(3, 40), torch.randn((2,), dtype=torch.float64), torch.randn(2, requires_grad=True).requires_grad]",
    "torch.randint": "[torch.randint(10, (3, 4)), torch.randint(-5, 5, (6,)), torch.randint(2, size=(2,), dtype=torch.int32)]",
    "torch.randperm": "[torch.randperm(10), torch.randperm(5, generator=torch.Generator().manual_seed(1))]",
    "torch.normal": "[torch.normal(0., 1., (3,)), torch.normal(0, 0.01, size=(20, 1)), torch.normal(torch.zeros(3), torch.ones(3)), torch.normal(mean=torch.arange(4.), std=2.)]",
    "torch.multinomial": "[torch.multinomial(torch.tensor([.1, .2, .7]), 2), torch.multinomial(torch.ones(2, 5), 8, replacement=True)]",
    "torch.bernoulli": "t = torch.bernoulli(torch.full((3, 5), 0.0))\n[t, torch.bernoulli(torch.ones(3)), torch.bernoulli(torch.rand(9)).unique()]",
    "torch.manual_seed": "torch.manual_seed(7)\na = torch.rand(3)\ng = torch.manual_seed(7)\n[a, torch.rand(3), type(g).__name__]",
    "torch.Generator": "g = torch.Generator()\ng.manual_seed(5)\ns = g.get_state()\na = torch.rand(3, generator=g)\ng.set_state(s)\n[a, torch.rand(3, generator=g), g.initial_seed(), str(g.device)]",
    **{f"torch.{n}Tensor": f"[torch.{n}Tensor([[1, 2], [3, 0]]), torch.{n}Tensor(2, 3).shape, torch.{n}Tensor(), torch.{n}Tensor([1, 0]).dtype]" for n in ("Float", "Long", "Byte", "Bool")},
    "torch.Tensor": "[torch.Tensor([1, 2]), torch.Tensor(2, 3).shape, torch.Tensor([[1., 2]]), isinstance(x, torch.Tensor), torch.Tensor().dtype]",
    "torch.Size": "s = torch.Size([2, 3])\n[s, s.numel(), s + (1,), s[0], isinstance(x.shape, torch.Size), repr(s)]",
    # -- dtypes and settings
    **{f"torch.{n}": f"t = torch.zeros(3).to(torch.{n})\n[t, torch.{n}, torch.{n}.is_floating_point, torch.{n}.itemsize, (x * t).dtype, (i + t).dtype]" for n in ("float", "float32", "float64", "double", "long", "int64", "float16", "int32", "int16", "bool", "uint8")},
    "torch.bfloat16": "torch.zeros(2, dtype=torch.bfloat16).dtype",
    "torch.device": "d = torch.device('cpu')\n[d, repr(d), d.type, d.index, torch.device('cuda', 0).index, str(torch.device('cuda:1')), torch.zeros(1, device=d).device == d]",
    "torch.pi": "[torch.pi, math.pi == torch.pi]",
    "torch.set_printoptions": "torch.set_printoptions(precision=2, sci_mode=False, linewidth=40)\ns = [repr(x), str(x[0] * 1e5), repr(torch.arange(30))]\ntorch.set_printoptions(profile='default')\ns + [repr(x)]",
    "torch.set_default_device": "torch.set_default_device(device='cpu')\n[torch.zeros(2).device]",
    "torch.get_default_device": "torch.get_default_device()",
    "torch.use_deterministic_algorithms": "torch.use_deterministic_algorithms(True)\na = torch.are_deterministic_algorithms_enabled()\ntorch.use_deterministic_algorithms(False)\n[a, torch.are_deterministic_algorithms_enabled()]",
    "torch.is_tensor": "[torch.is_tensor(x), torch.is_tensor(1.0), torch.is_tensor(np.ones(1))]",
    "torch.no_grad": "with torch.no_grad():\n    z = x * 2\n@torch.no_grad()\ndef f(t):\n    return t * 3\n[z.requires_grad, f(x).requires_grad, (x * 2).requires_grad, z]",
    "torch.inference_mode": "with torch.inference_mode():\n    z = x * 2\n    inside = torch.is_inference_mode_enabled()\n@torch.inference_mode()\ndef f(t):\n    return t * 3\n[z, inside, f(x).requires_grad, z.is_inference(), x.is_inference()]",
    "torch.set_grad_enabled": "with torch.set_grad_enabled(False):\n    z = x * 2\ntorch.set_grad_enabled(False)\nw = x * 3\ntorch.set_grad_enabled(True)\n[z, w, x * 4]",
    "torch.is_grad_enabled": "with torch.no_grad():\n    a = torch.is_grad_enabled()\n[a, torch.is_grad_enabled()]",
    "torch.__version__": "isinstance(torch.__version__, str)",
    "torch.save": "f = io.BytesIO()\ntorch.save({'a': x.detach(), 'b': [1, 'two'], 'net': net.state_dict()}, f)\nf.seek(0)\nr = torch.load(f)\n[r['a'], r['b'], dict(r['net'])]",
    "torch.load": "f = io.BytesIO()\ntorch.save(net.state_dict(), f)\nf.seek(0)\nr = torch.load(f, map_location='cpu', weights_only=True)\n[dict(r), net.load_state_dict(r)]",
    "torch.serialization.safe_globals": "f = io.BytesIO()\ntorch.save({'a': 1}, f)\nf.seek(0)\nwith torch.serialization.safe_globals([set]):\n    r = torch.load(f, weights_only=True)\nr",
    # -- functions not in the lists of expressions
    "torch.max_pool2d": "torch.max_pool2d(image, 2), torch.max_pool2d(image, 3, stride=1, padding=1)",
    "torch.sin_": "t = x.detach().clone()\ntorch.sin_(t)\nt",
    "torch.allclose": "[torch.allclose(x, x + 1e-9), torch.allclose(x, y), torch.allclose(x, x + 1, atol=2), torch.allclose(x, x * 1.1, rtol=0.2)]",
    "torch.spmm": "torch.spmm(A, x)",
    "torch.sparse_coo_tensor": "torch.sparse_coo_tensor([[0, 1], [1, 0]], [1., 2.], (2, 2))",
    "torch.jagged": "torch.nested.nested_tensor([x, y], layout=torch.jagged)",
    "torch.ops.aten._to_copy": "torch.ops.aten._to_copy(x, dtype=torch.float64)",
    "torch.ops.aten.detach": "torch.ops.aten.detach(x)",
    "torch.utils.swap_tensors": "a, c = torch.zeros(2), torch.ones(3)\ntorch.utils.swap_tensors(a, c)\n[a, c]",
    "torch.utils.model_zoo": "torch.utils.model_zoo.load_url",
    "torch.svd": "u, s, w = torch.svd(A)\n[s, u @ torch.diag(s) @ w.T]",
    "torch.linalg.eig": "r = torch.linalg.eig(A.detach())\n[torch.allclose(A.detach().to(torch.complex64) @ r.eigenvectors, r.eigenvectors * r.eigenvalues, atol=1e-4), r.eigenvalues.dtype]",
    "torch.matrix_exp": "torch.matrix_exp(A * 0.1)",
    # -- torch.func
    "torch.func.grad": "torch.func.grad(lambda t: (t ** 3).sum())(x.detach()), torch.func.grad(lambda a, c: (a * c).sum(), argnums=1)(v.detach(), v.detach() + 1)",
    "torch.func.vjp": "out, f = torch.func.vjp(lambda t: t.sin(), v.detach())\n[out, f(torch.ones(4))]",
    "torch.func.jvp": "torch.func.jvp(lambda t: t.sin(), (v.detach(),), (torch.ones(4),))",
    "torch.func.vmap": "torch.func.vmap(lambda a, c: a @ c, in_dims=(0, None))(x.detach(), v.detach()), torch.func.vmap(torch.sum, in_dims=1)(x.detach())",
    "torch.vmap": "torch.vmap(lambda t: t * 2 + 1)(x.detach())",
    "torch.func.jacrev": "torch.func.jacrev(lambda a, c: a * c, argnums=1)(v.detach(), v.detach())",
    "torch.func.jacfwd": "torch.func.jacfwd(lambda a, c: a ** 2 * c, argnums=0)(v.detach(), v.detach())",
    "torch.func.hessian": "torch.func.hessian(lambda t: (t ** 3).sum())(v.detach())",
    "torch.func.functional_call": "w = {k: p.detach() * 2 for k, p in net.named_parameters()}\ntorch.func.functional_call(net, w, (x,))",
    "torch.func.stack_module_state": "nets = [nn.Linear(2, 3) for _ in range(2)]\np, buf = torch.func.stack_module_state(nets)\n[p['weight'], list(buf), sorted(p)]",
    # -- distributions
    "torch.distributions.Categorical": "torch.manual_seed(1)\nd = torch.distributions.Categorical(logits=x)\ns = d.sample()\n[s, d.log_prob(s), d.entropy(), d.probs, torch.distributions.Categorical(torch.tensor([.2, .8])).sample((5,))]",
    "torch.distributions.Normal": "torch.manual_seed(1)\nd = torch.distributions.Normal(x, y.exp())\n[d.sample(), d.rsample((2,)), d.log_prob(torch.zeros(3, 4)), d.entropy(), d.cdf(torch.zeros(3, 4)), d.mean]",
    "torch.distributions.binomial.Binomial": "torch.manual_seed(1)\nd = torch.distributions.binomial.Binomial(10, probs=torch.tensor([.2, .7]))\n[d.sample((3,)), d.log_prob(torch.tensor([3., 4.])), d.mean, d.variance]",
    "torch.distributions.multinomial.Multinomial": "torch.manual_seed(1)\nd = torch.distributions.multinomial.Multinomial(20, probs=torch.ones(4))\n[d.sample(), d.sample((2,)), d.log_prob(torch.tensor([5., 5, 5, 5]))]",
    "torch.distributions.multivariate_normal.MultivariateNormal": "torch.manual_seed(1)\nd = torch.distributions.multivariate_normal.MultivariateNormal(torch.zeros(3), A @ A.T)\n[d.sample(), d.log_prob(torch.ones(3)), d.entropy()]",
    "torch.distributions.poisson.Poisson": "torch.manual_seed(1)\nd = torch.distributions.poisson.Poisson(torch.tensor([1., 4., 20.]))\n[d.sample(), d.log_prob(torch.tensor([1., 2., 3.])), d.mean]",
    "torch.utils.benchmark.Timer": "t = torch.utils.benchmark.Timer(stmt='f(2)', globals={'f': lambda n: n * n})\nm = t.timeit(5)\n[m.number_per_run, m.mean > 0, type(m).__name__]",
    "torch.utils.benchmark": "m = torch.utils.benchmark.Timer('1 + 1').timeit(3)\n[m.median > 0, m.number_per_run]",
    "torch.utils.tensorboard": "with tempfile.TemporaryDirectory() as d:\n    from_torch = importlib.import_module(torch.__name__ + '.utils.tensorboard')\n    w = from_torch.SummaryWriter(log_dir=d)\n    w.add_scalar('loss', 1.5, 0)\n    w.close()\n    n = len(os.listdir(d))\nn",
    # -- methods of tensors
    "Tensor.backward": "(x * y).sum().backward()\nx.backward(torch.ones(3, 4))\n(x ** 2).sum().backward(retain_graph=True)\n[x.grad.clone(), y.grad.clone()]",
    "Tensor.item": "[x.sum().item(), i[0, 0].item(), b[0, 0].item(), torch.tensor(2.5).item()]",
    "Tensor.data": "x.data[0] = 5\nx.data.mul_(2)\nx.data = x.data[:2]\n[x, x.data.requires_grad]",
    "Tensor.shape": "[x.shape, x.shape[0], tuple(x.sum().shape), torch.zeros(0, 2).shape]",
    "Tensor.size": "[x.size(), x.size(0), x.size(-1), x.size(dim=1), x.size()[1:]]",
    "Tensor.numpy": "[x.detach().numpy(), i.numpy(), b.numpy(), x.detach().T.numpy()]",
    "Tensor.to": "[x.to(torch.float64), x.to('cpu') is x, x.to(i), i.to(torch.float32, non_blocking=True), x.to(dtype=torch.float16), x.to(torch.device('cpu'), torch.float64), x.to(x.dtype, copy=True) is x]",
    "Tensor.detach": "z = (x * 2).detach()\nz[0] = 1\n[z, z.requires_grad, x.detach().is_leaf]",
    "Tensor.type": "[x.type(), i.type(), b.type(), x.type(torch.LongTensor), x.type('torch.DoubleTensor'), x.type(torch.float64)]",
    "Tensor.grad": "a = x.grad\n(x * y).sum().backward()\n[a, x.grad.clone(), x.grad.requires_grad]",
    "Tensor._grad": "(x * 3).sum().backward()\nx._grad",
    "Tensor.cpu": "[x.cpu() is x, x.cpu()]",
    "Tensor.requires_grad": "t = torch.ones(2)\na = t.requires_grad\nt.requires_grad = True\n[a, t.requires_grad, (t * 2).requires_grad]",
    "Tensor.requires_grad_": "t = torch.ones(2).requires_grad_()\n[t.requires_grad, t.requires_grad_(False).requires_grad, t * 2]",
    "Tensor.fill_": "[torch.ones(2, 3).fill_(7), torch.zeros(2, dtype=torch.int64).fill_(2.7)]",
    "Tensor.zero_": "(x * x).sum().backward()\ng = x.grad.clone()\nx.grad.zero_()\n[g, x.grad.clone()]",
    "Tensor.numel": "[x.numel(), torch.zeros(0).numel(), torch.zeros(()).numel()]",
    "Tensor.nelement": "x.nelement()",
    "Tensor.dtype": "[x.dtype, i.dtype, b.dtype, (x > 0).dtype, x.dtype == torch.float32]",
    "Tensor.device": "[x.device, x.device.type, str(x.device), x.device == torch.device('cpu')]",
    "Tensor.T": "[x.T, x.T.shape, x.T.stride(), A.T @ A]",
    "Tensor.mT": "[x.mT, image.mT.shape]",
    "Tensor.tolist": "[i.tolist(), x.tolist(), torch.tensor(1).tolist(), b.tolist()]",
    "Tensor.copy_": "t = torch.zeros(3, 4)\nt.copy_(x)\nu = torch.zeros(2, 4)\nu.copy_(v.detach())\n[t, u, torch.zeros(3, 4, dtype=torch.int64).copy_(x.detach() * 10)]",
    "Tensor.dim": "[x.dim(), x.sum().dim(), image.dim()]",
    "Tensor.ndim": "[x.ndim, x.sum().ndim, image.ndim]",
    "Tensor.add_": "z = x * 1\nz.add_(y)\nz.add_(y, alpha=0.5)\nz[0].add_(v)\n[z, torch.ones(2).add_(1)]",
    "Tensor.sub_": "z = x * 1\nz.sub_(y, alpha=2)\nz",
    "Tensor.mul_": "z = x * 1\nz.mul_(y)\nz[:, 0].mul_(3)\nz",
    "Tensor.div_": "z = x * 1\nz.div_(y)\nz.div_(2, rounding_mode='floor')\nz",
    "Tensor.neg_": "z = x * 1\nz.neg_()",
    "Tensor.clamp_": "z = x * 1\nz.clamp_(-0.5, 0.5)\nz",
    "Tensor.clamp_max_": "z = x * 1\nz.clamp_max_(0.3)\nz",
    "Tensor.lerp_": "z = x * 1\nz.lerp_(y, 0.3)\nz",
    "Tensor.index_add_": "z = x * 1\nz.index_add_(0, torch.tensor([0, 2]), y[:2], alpha=2)\nz",
    "Tensor.index_fill_": "z = x * 1\nz.index_fill_(1, torch.tensor([0, 2]), -1)\nz",
    "Tensor.masked_fill_": "z = x * 1\nz.masked_fill_(b, 9.0)\nz",
    "Tensor.scatter_": "z = torch.zeros(3, 4)\nz.scatter_(0, i, y)\n[z, torch.zeros(3, 3).scatter_(1, i[:, :1], 1.0)]",
    "Tensor.unsqueeze_": "z = x * 1\nz.unsqueeze_(1)\nz",
    "Tensor.uniform_": "torch.manual_seed(2)\n[torch.empty(5).uniform_(), torch.empty(3, 40).uniform_(-2, 3), torch.empty(2, dtype=torch.float64).uniform_(0, 1)]",
    "Tensor.normal_": "torch.manual_seed(2)\n[torch.empty(5).normal_(), torch.empty(3, 40).normal_(1, 0.5), torch.empty(2).normal_(std=2)]",
    "Tensor.random_": "torch.manual_seed(2)\n[torch.empty(5, dtype=torch.int64).random_(0, 9), torch.empty(3).random_(4)]",
    "Tensor.bernoulli_": "torch.manual_seed(2)\nt = torch.empty(50).bernoulli_(0.5)\n[t.unique(), torch.ones(3).bernoulli_(0.0), torch.zeros(3).bernoulli_(1.0)]",
    "Tensor.grad_fn": "z = x * 2\n[z.grad_fn.name(), x.grad_fn, type((x + y).sum().grad_fn).__name__, (x @ v).grad_fn.next_functions[0][0].name(), len(z.grad_fn.next_functions)]",
    "Tensor.is_leaf": "[x.is_leaf, (x * 2).is_leaf, x.detach().is_leaf, i.is_leaf]",
    "Tensor.retain_grad": "z = x * 2\nz.retain_grad()\n(z * z).sum().backward()\n[z.grad.clone(), z.retains_grad]",
    "Tensor.register_hook": "seen = []\nh = x.register_hook(lambda g: seen.append(g.clone()))\nz = x * 2\nz.register_hook(lambda g: g * 10)\nz.sum().backward()\nh.remove()\n[seen, x.grad.clone()]",
    "Tensor.register_post_accumulate_grad_hook": "seen = []\nx.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.sum().item()))\n(x * 2).sum().backward()\nseen",
    "Tensor.new": "[x.new(2, 3).shape, x.new([1, 2]), i.new([1]).dtype, i.new(3).dtype]",
    "Tensor.new_zeros": "[x.new_zeros(2), i.new_zeros((2, 3)), x.new_zeros(2, dtype=torch.bool)]",
    "Tensor.new_tensor": "[x.new_tensor([1, 2]), i.new_tensor([1, 2])]",
    "Tensor.stride": "[x.stride(), x.T.stride(), x.stride(0), x[:, 1:].stride(), torch.zeros(2, 1, 3).stride()]",
    "Tensor.storage_offset": "[x.storage_offset(), x[1:, 2].storage_offset()]",
    "Tensor.storage": "s = x.detach().storage()\n[len(s), s.size(), s[1], s.tolist()[:3], s.data_ptr() == x.data_ptr(), x[1:].storage().data_ptr() == s.data_ptr()]",
    "Tensor.is_cuda": "x.is_cuda",
    "Tensor.is_xpu": "x.is_xpu",
    "Tensor.pin_memory": "x.detach().pin_memory()",
    "Tensor.cuda": "x.cuda()",
    "Tensor.to_sparse": "A.detach().to_sparse()",
    "Tensor.to_padded_tensor": "x.to_padded_tensor(0.0)",
    "Tensor.indices": "A.detach().to_sparse().indices()",
    "Tensor.values": "A.detach().to_sparse().values()",
    "Tensor.reinforce": "x.reinforce(1.0)",
    "Tensor._make_wrapper_subclass": "torch.Tensor._make_wrapper_subclass(torch.Tensor, (2,), dtype=torch.float32).shape",
    "Tensor.module_load": "x.detach().module_load(y.detach())",
    "Tensor.contiguous": "[x.T.contiguous(), x.contiguous() is x, x.T.contiguous().stride(), image.contiguous(memory_format=torch.channels_last).stride()]",
    "Tensor.clone": "z = x.clone()\nz[0] = 0\n[z, x.T.clone().stride(), image.clone(memory_format=torch.channels_last).stride()]",
    "Tensor.view": "[x.view(-1), x.view(4, 3), x.view((2, -1)), x.detach().view(torch.int32).dtype, x.view(12).view(1, 12).shape]",
    "Tensor.type_as": "[x.type_as(i), i.type_as(x), x.type_as(y) is x]",
    "Tensor.relu": "[x.relu(), (x * 2).relu().sum()]",
    "Tensor.swapaxes": "[x.swapaxes(0, 1), image.swapaxes(-1, 1).shape]",
    "Tensor.clip": "[x.clip(-0.5, 0.5), x.clip(min=0.1)]",
    "Tensor.det": "A.det()",
    "nn.Upsample": "m = nn.Upsample(scale_factor=2, mode='bilinear')\n[m(image), repr(m), nn.Upsample(size=(3, 4))(image)]",
    "nn.EmbeddingBag": "m = nn.EmbeddingBag(5, 3, mode='sum')\n[m(i), m.weight, repr(m), m(i.flatten(), torch.tensor([0, 5]))]",
    # -- syntax
    "tensor[...] = value": "z = x * 1\nz[0] = 1\nz[1, 1:3] = v[:2]\nz[..., -1] = 0\nz[i[:1, 0]] = v\nz[b] = 2.0\nw = torch.zeros(3, 4)\nw[1] = v\nw[:, 0][1:] = 5\n[z, w]",
    "tensor augmented assignment (in place)": "z = x * 1\nz += y\nz *= 2\nz -= 1\nz /= 3\nz[0] += 1\nz[:, 1] *= v[0]\nc = i.clone()\nc //= 2\nc %= 2\nc |= 1\n[z, c]",
    "@ operator": "[x @ v, A @ x, v @ v, image @ image.mT, x @ y.T]",
    "tensor[index tensor/list]": "[x[torch.tensor([0, 2])], x[[0, 1]], x[i[0], i[0]], x[:, [0, 0, 1]], x[[0, 2], [1, 3]]]",
    "tensor[..., None]": "[x[..., None].shape, x[None].shape, x[:, None, :], v[None, :, None]]",
    "decorator @torch.no_grad": "@torch.no_grad()\ndef f():\n    x.mul_(2)\n    return x * 1\n@torch.no_grad\ndef g():\n    return x * 3\n[f(), g(), f().requires_grad]",
    "tensor[a:b:step]": "[x[1:], x[::2, 1:4:2], v[-2:], x[:, :-1], v[5:], x[0:0]]",
    "tensor[bool mask expr]": "[x[x > 0], x[b], x[b & (x < 1)], x[v > 0] if False else x[:, v > 0], i[i != 0]]",
    "tensor[Ellipsis]": "[x[...], image[..., 0], image[0, ..., 1], x[..., 1:]]",
    "decorator @torch.inference_mode": "@torch.inference_mode()\ndef f():\n    return x * 3\n[f(), f().requires_grad, f().is_inference()]",
    "decorator @torch.autograd.function.once_differentiable": _FUNCTION.replace("    @staticmethod\n    def backward", "    @staticmethod\n    @torch.autograd.function.once_differentiable\n    def backward"),
    # -- modules
    "nn.Module": "class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(4, 2)\n        self.w = nn.Parameter(torch.ones(2))\n    def forward(self, t):\n        return self.a(t) * self.w\nm = N()\n[m(x), repr(m), [n for n, _ in m.named_parameters()], dict(m.state_dict())]",
    "nn.Parameter": "p = nn.Parameter(torch.ones(2))\n[p, p.requires_grad, isinstance(p, torch.Tensor), repr(p), nn.Parameter(torch.zeros(1), requires_grad=False).requires_grad, p * 2]",
    "nn.Sequential": "m = nn.Sequential(nn.Linear(4, 3), nn.Tanh())\nm.append(nn.Linear(3, 1))\nm.add_module('last', nn.Sigmoid())\n[m(x), repr(m), len(m), repr(m[0]), repr(m[-1]), repr(m[1:])]",
    "nn.ModuleList": "m = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])\nm.append(nn.ReLU())\nm.extend([nn.Tanh()])\nz = x\nfor l in m:\n    z = l(z)\n[z, repr(m), len(m), list(m.state_dict())]",
    "nn.ModuleDict": "m = nn.ModuleDict({'a': nn.Linear(4, 2)})\nm['b'] = nn.ReLU()\n[m['b'](m['a'](x)), repr(m), list(m.keys()), 'a' in m]",
    "nn.Dropout": "torch.manual_seed(3)\nm = nn.Dropout(0.5)\nz = m(torch.ones(1000))\n[z.unique(), m.eval()(x), repr(m), nn.Dropout(p=0.0)(x), nn.Dropout(1.0)(x)]",
    "nn.Dropout2d": "m = nn.Dropout2d(0.5)\nz = m(torch.ones(8, 16, 3, 3))\n[z.unique(), z.sum((2, 3)).unique(), m.eval()(image), repr(m)]",
    "nn.LazyLinear": "torch.manual_seed(1)\nm = nn.LazyLinear(3)\ns = repr(m)\n[s, m(x), repr(m), m.weight.shape]",
    "nn.LazyConv2d": "torch.manual_seed(1)\nm = nn.LazyConv2d(4, kernel_size=3, padding=1)\ns = repr(m)\n[s, m(image), repr(m)]",
    "nn.LazyBatchNorm1d": "m = nn.LazyBatchNorm1d()\n[m(x), repr(m), dict(m.state_dict())]",
    "nn.LazyBatchNorm2d": "m = nn.LazyBatchNorm2d()\n[m(image), repr(m)]",
    "nn.NonDynamicallyQuantizableLinear": "torch.manual_seed(1)\nnn.modules.linear.NonDynamicallyQuantizableLinear(4, 2)(x)",
    "nn.UpsamplingNearest2d": "m = nn.UpsamplingNearest2d(scale_factor=2)\n[m(image), repr(m)]",
    "nn.Embedding": "m = nn.Embedding(5, 3)\n[m(i), m.weight, repr(m), nn.Embedding(4, 2, padding_idx=1).weight[1], nn.Embedding.from_pretrained(torch.eye(3), freeze=True)(i)]",
    "nn.LSTM": "torch.manual_seed(1)\nm = nn.LSTM(4, 3, num_layers=2, bidirectional=True, batch_first=True)\nout, (h, c) = m(x[None])\n[out, h, c, repr(m), [n for n, _ in m.named_parameters()]]",
    "nn.LSTMCell": "m = nn.LSTMCell(4, 2)\nh, c = m(x)\n[h, c, m(x, (h, c))]",
    "nn.RNNCell": "m = nn.RNNCell(4, 2)\n[m(x), m(x, m(x))]",
    "nn.DataParallel": "m = nn.DataParallel(nn.Linear(4, 2))\n[m(x), list(m.state_dict())]",
    # -- init
    **{f"nn.init.{n}": f"torch.manual_seed(4)\nt = torch.empty(4, 6)\nnn.init.{n}(t{a})\nt" for n, a in (
        ("normal_", ", 1, 0.5"), ("constant_", ", 3"), ("xavier_uniform_", ", gain=2.0"), ("zeros_", ""), ("uniform_", ", -1, 2"),
        ("kaiming_normal_", ", a=0.1"), ("orthogonal_", ""), ("xavier_normal_", ""), ("constant", ", 2"),
        ("kaiming_normal", ", mode='fan_out'"), ("kaiming_uniform_", ", nonlinearity='relu'"), ("normal", ", std=2"), ("ones_", ""))},
    "nn.init.calculate_gain": "[nn.init.calculate_gain(n) for n in ('relu', 'tanh', 'linear', 'sigmoid', 'selu')] + [nn.init.calculate_gain('leaky_relu', 0.2)]",
    # -- nn.utils
    "nn.utils.clip_grad_norm_": _STEP + "n = nn.utils.clip_grad_norm_(net.parameters(), 0.5)\n[n, [p.grad.clone() for p in net.parameters()]]",
    "nn.utils.clip_grad_value_": _STEP + "nn.utils.clip_grad_value_(net.parameters(), 0.1)\n[p.grad.clone() for p in net.parameters()]",
    "nn.utils.rnn.pad_sequence": "s = [torch.arange(3.), torch.arange(5.), torch.ones(1)]\n[nn.utils.rnn.pad_sequence(s), nn.utils.rnn.pad_sequence(s, batch_first=True, padding_value=-1)]",
    "nn.utils.rnn.pack_padded_sequence": "p = nn.utils.rnn.pack_padded_sequence(x, [3, 2, 1, 1])\n[p.data, p.batch_sizes, nn.utils.rnn.pack_padded_sequence(x, torch.tensor([1, 4, 2]), batch_first=True, enforce_sorted=False).sorted_indices]",
    "nn.utils.rnn.pad_packed_sequence": "p = nn.utils.rnn.pack_padded_sequence(x, [3, 2, 1, 1])\nnn.utils.rnn.pad_packed_sequence(p)",
    "nn.utils.parametrize.register_parametrization": "class Sym(nn.Module):\n    def forward(self, w):\n        return w.triu() + w.triu(1).mT\nm = nn.Linear(3, 3)\nnn.utils.parametrize.register_parametrization(m, 'weight', Sym())\n[m.weight, m(A), list(m.state_dict())]",
    "nn.utils.parametrize.remove_parametrizations": "class Twice(nn.Module):\n    def forward(self, w):\n        return 2 * w\nm = nn.Linear(3, 3)\nnn.utils.parametrize.register_parametrization(m, 'weight', Twice())\nnn.utils.parametrize.remove_parametrizations(m, 'weight', leave_parametrized=True)\n[m.weight, m(A), list(m.state_dict())]",
    "nn.utils.parametrize.cached": "class Twice(nn.Module):\n    def forward(self, w):\n        return 2 * w\nm = nn.Linear(3, 3)\nnn.utils.parametrize.register_parametrization(m, 'weight', Twice())\nwith nn.utils.parametrize.cached():\n    a = m.weight is m.weight\n[a, m.weight is m.weight]",
    "nn.utils.prune.l1_unstructured": "m = nn.Linear(4, 3)\nnn.utils.prune.l1_unstructured(m, name='weight', amount=0.3)\n[m.weight, m.weight_mask, list(m.state_dict()), m(x)]",
    "nn.utils.prune.random_unstructured": "m = nn.Linear(4, 3)\nnn.utils.prune.random_unstructured(m, name='weight', amount=0.25)\n[m.weight_mask.sum(), list(m.state_dict())]",
    "nn.utils.prune.ln_structured": "m = nn.Linear(4, 3)\nnn.utils.prune.ln_structured(m, name='weight', amount=0.34, n=2, dim=0)\n[m.weight, m.weight_mask]",
    "nn.utils.prune.remove": "m = nn.Linear(4, 3)\nnn.utils.prune.l1_unstructured(m, 'weight', 2)\nnn.utils.prune.remove(m, 'weight')\n[m.weight, list(m.state_dict())]",
    "nn.utils.prune.global_unstructured": "m = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))\nnn.utils.prune.global_unstructured([(m[0], 'weight'), (m[1], 'weight')], pruning_method=nn.utils.prune.L1Unstructured, amount=0.4)\n[m[0].weight, m[1].weight]",
    "nn.utils.prune.L1Unstructured": "m = nn.Linear(4, 3)\nnn.utils.prune.L1Unstructured.apply(m, 'weight', amount=3)\nm.weight_mask",
    "nn.utils.prune.BasePruningMethod": "class Half(nn.utils.prune.BasePruningMethod):\n    PRUNING_TYPE = 'unstructured'\n    def compute_mask(self, t, default_mask):\n        mask = default_mask.clone()\n        mask.view(-1)[::2] = 0\n        return mask\nm = nn.Linear(4, 3)\nHalf.apply(m, 'bias')\n[m.bias, m.bias_mask]",
    # -- functional
    "F.dropout": "[F.dropout(torch.ones(1000), 0.25).unique(), F.dropout(x, training=False), F.dropout(x, p=0.0)]",
    "F.sigmoid": "F.sigmoid(x)",
    "F.tanh": "F.tanh(x)",
    "F.relu_": "z = x * 1\nF.relu_(z)\nz",
    "F.upsample": "F.upsample(image, scale_factor=2, mode='nearest'), F.upsample(image, scale_factor=2, mode='bilinear', align_corners=True)",
    "F.affine_grid": "F.affine_grid(torch.eye(2, 3)[None] * v[0], (1, 1, 3, 4), align_corners=False)",
    "F.scaled_dot_product_attention": "q = x.view(1, 3, 4)\n[F.scaled_dot_product_attention(q, q, q), F.scaled_dot_product_attention(q, y[None], q, is_causal=True), F.scaled_dot_product_attention(q, q, q, attn_mask=torch.eye(3).bool())]",
    # -- optimizers and schedules
    **{f"optim.{n}": f"o = optim.{n}(net.parameters(), {a})\n" + _TRAIN + "[[p.detach() for p in net.parameters()], sorted(o.state_dict()), repr(o)]" for n, a in (
        ("Adam", "lr=0.01, betas=(0.8, 0.9), weight_decay=0.1"), ("SGD", "lr=0.1, momentum=0.9, nesterov=True"), ("AdamW", "lr=0.01, amsgrad=True"),
        ("Adadelta", "lr=0.5"), ("RMSprop", "lr=0.01, alpha=0.9, momentum=0.5"), ("Adagrad", "lr=0.1"))},
    "optim.LBFGS": "w = x.detach().clone().requires_grad_()\no = optim.LBFGS([w], lr=0.5)\ndef closure():\n    o.zero_grad()\n    l = ((w - 1) ** 4).sum()\n    l.backward()\n    return l\n[o.step(closure), o.step(closure), w.detach()]",
    "optim.Optimizer": "class Sign(optim.Optimizer):\n    def __init__(self, params, lr):\n        super().__init__(params, {'lr': lr})\n    @torch.no_grad()\n    def step(self):\n        for g in self.param_groups:\n            for p in g['params']:\n                p -= g['lr'] * p.grad.sign()\no = Sign(net.parameters(), 0.1)\n" + _TRAIN + "[[p.detach() for p in net.parameters()], repr(o), isinstance(opt, optim.Optimizer)]",
    "optim.lr_scheduler.StepLR": "s = optim.lr_scheduler.StepLR(opt, step_size=2, gamma=0.3)\n" + _RATES,
    "optim.lr_scheduler.LambdaLR": "s = optim.lr_scheduler.LambdaLR(opt, lr_lambda=lambda e: 1 / (1 + e))\n" + _RATES,
    "optim.lr_scheduler.OneCycleLR": "s = optim.lr_scheduler.OneCycleLR(opt, 0.5, total_steps=8)\n" + _RATES,
    "optim.lr_scheduler.CosineAnnealingLR": "s = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=5)\n" + _RATES,
    "optim.lr_scheduler.ExponentialLR": "s = optim.lr_scheduler.ExponentialLR(opt, 0.9)\n" + _RATES,
    "optim.lr_scheduler.MultiStepLR": "s = optim.lr_scheduler.MultiStepLR(opt, milestones=[2, 4], gamma=0.1)\n" + _RATES,
    "optim.lr_scheduler": "from_module = optim.lr_scheduler\ns = from_module.ReduceLROnPlateau(opt, patience=1)\nfor l in [1., 1., 1., 1.]:\n    s.step(l)\n[opt.param_groups[0]['lr']]",
    # -- data
    "utils.data.DataLoader": _DATA + "torch.manual_seed(5)\nl = data.DataLoader(s, batch_size=4, shuffle=True)\n[list(l), list(data.DataLoader(s, batch_size=4, drop_last=True)), len(l)]",
    "utils.data.Dataset": "class D(data.Dataset):\n    def __len__(self):\n        return 3\n    def __getitem__(self, n):\n        return torch.full((2,), n), {'k': n}\n[list(data.DataLoader(D(), 2)), len(D() + D())]",
    "utils.data.default_collate": "data.default_collate([{'a': 1, 'b': torch.ones(2)}, {'a': 2, 'b': torch.zeros(2)}]), data.default_collate([(1.5, 'x'), (2.5, 'y')])",
    "utils.data.TensorDataset": _DATA + "[s[2], len(s), s[1:3]]",
    "utils.data.RandomSampler": "torch.manual_seed(5)\n[list(data.RandomSampler(range(7))), list(data.RandomSampler(range(4), replacement=True, num_samples=9))]",
    "utils.data.SubsetRandomSampler": "torch.manual_seed(5)\nlist(data.SubsetRandomSampler([3, 1, 8]))",
    "utils.data.BatchSampler": "[list(data.BatchSampler(data.SequentialSampler(range(7)), 3, drop_last=d)) for d in (False, True)]",
    "utils.data.SequentialSampler": "list(data.SequentialSampler(range(4)))",
    "utils.data.distributed.DistributedSampler": "[list(data.distributed.DistributedSampler(range(9), num_replicas=2, rank=r, shuffle=h)) for r in (0, 1) for h in (False, True)]",
    "utils.data.random_split": "torch.manual_seed(5)\na, c = data.random_split(range(10), [7, 3])\nd = data.random_split(range(10), [0.5, 0.5], generator=torch.Generator().manual_seed(1))\n[list(a), list(c), a.indices, [list(e) for e in d]]",
    "utils.data.IterableDataset": "class D(data.IterableDataset):\n    def __iter__(self):\n        return iter(range(5))\nlist(data.DataLoader(D(), 2))",
    "utils.data.Sampler": "class S(data.Sampler):\n    def __iter__(self):\n        return iter([2, 0])\n    def __len__(self):\n        return 2\n" + _DATA + "list(data.DataLoader(s, sampler=S()))",
    "utils.data.Subset": _DATA + "t = data.Subset(s, [4, 2])\n[t[0], len(t), list(t)]",
    # -- autograd
    "torch.autograd.Variable": "t = torch.autograd.Variable(torch.ones(2), requires_grad=True)\n(t * 3).sum().backward()\n[t.grad, isinstance(t, torch.Tensor), torch.autograd.Variable(torch.zeros(1)).requires_grad, isinstance(x, torch.autograd.Variable)]",
    "torch.autograd.grad": "g, = torch.autograd.grad((x ** 3).sum(), x, create_graph=True)\nh, = torch.autograd.grad(outputs=g, inputs=x, grad_outputs=torch.ones_like(g), retain_graph=True)\n[g, h, torch.autograd.grad((x * 2).sum(), [x, y], allow_unused=True)]",
    "torch.autograd.Function": _FUNCTION, "Function ctx.save_for_backward": _FUNCTION, "Function ctx.saved_tensors": _FUNCTION,
    "Function ctx.<own attribute>": _FUNCTION,
    "torch.autograd.function.once_differentiable": _FUNCTION.replace("    @staticmethod\n    def backward", "    @staticmethod\n    @torch.autograd.function.once_differentiable\n    def backward"),
    "torch.autograd.gradcheck": "d = x.detach().double().requires_grad_()\n[torch.autograd.gradcheck(lambda t: t.sin() * t, (d,)), torch.autograd.gradcheck(torch.exp, d, fast_mode=True), torch.autograd.gradcheck(lambda t: t.detach() * t, d, raise_exception=False)]",
    "torch.autograd.backward": "torch.autograd.backward([(x * 2).sum(), y * 3], [None, torch.ones(3, 4)])\n[x.grad.clone(), y.grad.clone()]",
    "torch.autograd.functional.jacobian": "torch.autograd.functional.jacobian(lambda t: t ** 2, v), torch.autograd.functional.jacobian(lambda a, c: a * c, (v, v))",
    "torch.autograd.functional.vjp": "torch.autograd.functional.vjp(lambda t: t.exp(), v, v=torch.ones(4))",
    **{f"torch.autograd.forward_ad.{n}": "with torch.autograd.forward_ad.dual_level():\n    d = torch.autograd.forward_ad.make_dual(v.detach(), torch.ones(4))\n    r = torch.autograd.forward_ad.unpack_dual(d.sin() * d)\n[r.primal, r.tangent]" for n in ("dual_level", "make_dual", "unpack_dual")},
    "torch.autograd.graph.save_on_cpu": "with torch.autograd.graph.save_on_cpu():\n    z = x.exp() * y\nz",
    "torch.autograd.graph.saved_tensors_hooks": "seen = []\nwith torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(tuple(t.shape)) or t, lambda t: t):\n    z = x * y\n[z, seen]",
    "torch.autograd.profiler.profile": "with torch.autograd.profiler.profile() as p:\n    x @ v\nlen(p.key_averages()) > 0",
    # -- methods of modules, optimizers, schedules
    "Module.parameters": "[[p.shape for p in net.parameters()], sum(p.numel() for p in net.parameters()), list(net.parameters())]",
    "Optimizer.step": _STEP + "opt.step()\n[p.detach() for p in net.parameters()]",
    **{f"{n}.zero_grad": _STEP + f"{o}.zero_grad()\na = [p.grad for p in net.parameters()]\n" + _STEP + f"{o}.zero_grad(set_to_none=False)\n[a, [p.grad for p in net.parameters()]]" for n, o in (("Optimizer", "opt"), ("Module/Optimizer", "opt"), ("Module", "net"))},
    "Module.eval": "net.eval()\n[net.training, net[0].training, net(x), net.eval() is net]",
    "Module.train": "net.train(False)\na = net.training\nnet.train(mode=True)\n[a, net[1].training, net(x)]",
    "Module.to": "[net.to('cpu') is net, net.to(torch.float64)[0].weight.dtype, net(x.detach().double()), net.to(device=torch.device('cpu')) is net]",
    "Optimizer/LRScheduler.step": _STEP + "opt.step()\nsched.step()\nopt.step()\nsched.step()\n[opt.param_groups[0]['lr'], [p.detach() for p in net.parameters()]]",
    "Module.state_dict": "[dict(net.state_dict()), list(net.state_dict(prefix='a.')), type(net.state_dict()).__name__]",
    "Module.cuda": "net.cuda()",
    "Module.apply": "def f(m):\n    if isinstance(m, nn.Linear):\n        nn.init.constant_(m.weight, 0.5)\nnet.apply(f)\nnet(x)",
    "Module.load_state_dict": "s = {k: w + 1 for k, w in net.state_dict().items()}\n[net.load_state_dict(s), net(x), str(net.load_state_dict({}, strict=False)), net.load_state_dict(s, assign=True)]",
    "Module.training": "[net.training, net.eval().training, nn.Linear(1, 1).training]",
    **{f"{n}.state_dict": _STEP + "opt.step()\nd = opt.state_dict()\n[sorted(d), d['param_groups'], d['state']]" for n in ("Module/Optimizer", "Optimizer")},
    **{f"{n}.load_state_dict": _STEP + "opt.step()\no = optim.SGD(net.parameters(), lr=9., momentum=0.1)\no.load_state_dict(copy.deepcopy(opt.state_dict()))\no.step()\n[o.param_groups[0]['lr'], [p.detach() for p in net.parameters()]]" for n in ("Module/Optimizer", "Optimizer")},
    "LRScheduler.step": "s = sched\n" + _RATES,
    "Module.named_parameters": "[[n for n, _ in net.named_parameters()], [n for n, _ in net[0].named_parameters(prefix='p')], dict(net.named_parameters())]",
    "Module.add_module": "m = nn.Module()\nm.add_module('a', nn.Linear(4, 2))\n[m.a(x), repr(m)]",
    "Module.register_buffer": "m = nn.Module()\nm.register_buffer('r', torch.ones(2))\nm.register_buffer('h', torch.zeros(1), persistent=False)\n[m.r, list(m.state_dict()), [n for n, _ in m.named_buffers()], m.double().r.dtype]",
    "Module.register_parameter": "m = nn.Module()\nm.register_parameter('w', nn.Parameter(torch.ones(2)))\nm.register_parameter('n', None)\n[m.w * 2, m.n, list(m.state_dict())]",
    "Module.forward": "[nn.Linear(4, 2).forward(x), net.forward(x)]",
    "Module.modules": "[type(m).__name__ for m in net.modules()]",
    "Module.named_modules": "[(n, type(m).__name__) for n, m in net.named_modules()]",
    "Module.children": "[repr(m) for m in net.children()]",
    "Module.named_children": "[(n, repr(m)) for n, m in net.named_children()]",
    "Module.named_buffers": "dict(net.named_buffers())",
    "Optimizer/LRScheduler.param_groups": "[len(opt.param_groups), sorted(opt.param_groups[0]), opt.param_groups[0]['lr'], opt.param_groups[0]['momentum']]",
    "Optimizer.param_groups": "opt.param_groups[0]['lr'] = 0.5\no = optim.Adam([{'params': [x]}, {'params': [y], 'lr': 0.1}], lr=0.01)\n[opt.param_groups[0]['lr'], [g['lr'] for g in o.param_groups], sorted(o.param_groups[0])]",
    "Module.register_forward_hook": "seen = []\nh = net[0].register_forward_hook(lambda m, a, out: seen.append((type(m).__name__, a[0].shape, out.shape)))\nnet(x)\nh.remove()\n[net(x), seen]",
    "LRScheduler.get_last_lr": "a = sched.get_last_lr()\nopt.step()\nsched.step()\nsched.step()\n[a, sched.get_last_lr()]",
    "Module.share_memory": "net.share_memory()",
    "LRScheduler.load_state_dict": "opt.step()\nsched.step()\ns = optim.lr_scheduler.StepLR(opt, 5)\ns.load_state_dict(sched.state_dict())\n[s.last_epoch, s.step_size, s.gamma]",
    "LRScheduler.state_dict": "opt.step()\nsched.step()\nd = sched.state_dict()\n[d['last_epoch'], d['step_size'], d['gamma'], d['base_lrs']]",
    "Module.bfloat16": "net.bfloat16()",
    "Module.double": "net.double()\n[net(x.detach().double()), net[0].weight.dtype]",
    "Module.register_backward_hook": "seen = []\nm = nn.Linear(4, 2)\nm.register_backward_hook(lambda m, gi, go: seen.append(go[0].clone()))\nm(x).sum().backward()\nseen",
    "Optimizer.state": _STEP + "opt.step()\n[len(opt.state), sorted(opt.state[net[0].weight]), opt.state[net[0].weight]['momentum_buffer']]",
    # -- devices that are not here
    "torch.cuda.is_available": "torch.cuda.is_available()", "torch.cuda.device_count": "torch.cuda.device_count()",
    "torch.backends.mps.is_available": "torch.backends.mps.is_available()",
    "torch.accelerator.is_available": "torch.accelerator.is_available()",
    "torch.accelerator.current_accelerator": "torch.accelerator.current_accelerator()",
    "torch.accelerator.device_count": "torch.accelerator.device_count()",
    "torch.accelerator.set_device_index": "torch.accelerator.set_device_index(0)",
    "torch.cuda.FloatTensor": "torch.cuda.FloatTensor([1.0])", "torch.cuda.LongTensor": "torch.cuda.LongTensor([1])",
    "torch.cuda.manual_seed": "torch.cuda.manual_seed(1)", "torch.cuda.manual_seed_all": "torch.cuda.manual_seed_all(1)",
    "torch.cuda.set_device": "torch.cuda.set_device(0)", "torch.cuda.empty_cache": "torch.cuda.empty_cache()",
    "torch.cuda.synchronize": "torch.cuda.synchronize()", "torch.cuda.is_bf16_supported": "torch.cuda.is_bf16_supported()",
    "torch.cuda.max_memory_allocated": "torch.cuda.max_memory_allocated()", "torch.cuda.memory_allocated": "torch.cuda.memory_allocated()",
    "torch.cuda.reset_peak_memory_stats": "torch.cuda.reset_peak_memory_stats()",
    "torch.cuda.memory._record_memory_history": "torch.cuda.memory._record_memory_history(enabled=None)",
    "torch.cuda.memory._snapshot": "torch.cuda.memory._snapshot()",
    **{f"torch.backends.cudnn.{n}": f"torch.backends.cudnn.{n} = {v}\ntorch.backends.cudnn.{n}" for n, v in (("benchmark", True), ("deterministic", True), ("enabled", True), ("allow_tf32", True))},
    "torch.backends.cudnn.flags": "with torch.backends.cudnn.flags(allow_tf32=True):\n    r = 1\nr", "torch.backends.cudnn.version": "torch.backends.cudnn.version()",
    "torch.backends.cuda.matmul": "torch.backends.cuda.matmul.allow_tf32 = True\ntorch.backends.cuda.matmul.allow_tf32",
    "torch.set_float32_matmul_precision": "torch.set_float32_matmul_precision('high')\ntorch.get_float32_matmul_precision()",
    "torch.amp.autocast": "with torch.amp.autocast(device_type='cpu', dtype=torch.bfloat16, enabled=False):\n    z = x * 2\nz",
    "torch.autocast": "with torch.autocast('cuda', dtype=torch.float16):\n    z = x @ v\nz",
    "torch.cuda.amp.GradScaler": "s = torch.cuda.amp.GradScaler(enabled=False)\nl = net(x).sum()\ns.scale(l).backward()\ns.step(opt)\ns.update()\n[p.detach() for p in net.parameters()]",
    **{f"nn.parallel.{n}": f"nn.parallel.{c}" for n, c in (
        ("DistributedDataParallel", "DistributedDataParallel(net)"), ("scatter", "scatter(x, [0])"), ("gather", "gather([x], 0)"),
        ("replicate", "replicate(net, [0])"), ("parallel_apply", "parallel_apply([net], [(x,)])"), ("data_parallel", "data_parallel(net, x)"))},
    # -- compilers, profilers, attention
    "torch.compile": "f = torch.compile(lambda t: t * 2 + 1, backend='eager')\nf(x)",
    "torch.nested.nested_tensor": "torch.nested.nested_tensor([x, y])",
    "torch.profiler.ProfilerActivity": "[torch.profiler.ProfilerActivity.CPU.name]",
    "torch.profiler.profile": "with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) as p:\n    x @ v\nlen(p.key_averages()) > 0",
    "torch.profiler.record_function": "with torch.profiler.profile() as p:\n    with torch.profiler.record_function('mine'):\n        x @ v\n'mine' in [e.key for e in p.key_averages()]",
    "torch.profiler.schedule": "s = torch.profiler.schedule(wait=1, warmup=1, active=2, repeat=1)\n[s(n).name for n in range(6)]",
    "torch.profiler.tensorboard_trace_handler": "with tempfile.TemporaryDirectory() as d:\n    with torch.profiler.profile(on_trace_ready=torch.profiler.tensorboard_trace_handler(d)):\n        x @ v\n    n = len(os.listdir(d))\nn",
    "nn.attention.SDPBackend": "[nn.attention.SDPBackend.MATH.name]",
    "nn.attention.sdpa_kernel": "with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):\n    z = F.scaled_dot_product_attention(x[None], x[None], x[None])\nz",
    "nn.attention.bias": "F.scaled_dot_product_attention(x[None], x[None], x[None], attn_mask=nn.attention.bias.causal_upper_left(3, 3))",
    "nn.attention.bias.causal_lower_right": "F.scaled_dot_product_attention(x[None, :2], x[None], x[None], attn_mask=nn.attention.bias.causal_lower_right(2, 3))",
    **{f"nn.attention.flex_attention{n}": "q = x.detach()[None, None]\nnn.attention.flex_attention.flex_attention(q, q, q, score_mod=lambda s, b, h, i, j: s + (i - j))" for n in ("", ".flex_attention")},
    "torch._C.DisableTorchFunctionSubclass": "with torch._C.DisableTorchFunctionSubclass():\n    z = x * 2\nz",
    "torch.__future__.set_swap_module_params_on_conversion": "torch.__future__.set_swap_module_params_on_conversion(False)",
    "torch.jit.script": "torch.jit.script(nn.Linear(4, 2))(x.detach()).shape", "torch.jit.trace": "torch.jit.trace(net.eval(), x.detach())(x.detach()).shape",
    "torch.onnx.export": "torch.onnx.export", "torch.sparse.FloatTensor": "torch.sparse.FloatTensor(2, 2)",
    "torch.hub.download_url_to_file": "torch.hub.download_url_to_file",
    "torch.multiprocessing.Process": "torch.multiprocessing.Process(target=print).daemon",
    "torch.multiprocessing.set_start_method": "torch.multiprocessing.set_start_method(torch.multiprocessing.get_start_method(), force=True)",
    "torch.multiprocessing.get_start_method": "torch.multiprocessing.get_start_method()",
    "torch.multiprocessing.Pipe": "a, c = torch.multiprocessing.Pipe()\na.send(3)\nc.recv()",
    "torch.multiprocessing.Pool": "p = torch.multiprocessing.Pool(1)\nr = p.map(abs, [-1, 2])\np.terminate()\np.join()\nr",
    "torch.multiprocessing.spawn": "callable(torch.multiprocessing.spawn)",
    "torch.distributed.init_process_group": "torch.distributed.init_process_group()", "torch.distributed.ReduceOp": "torch.distributed.ReduceOp",
    "torch.distributed.all_reduce": "torch.distributed.all_reduce(torch.ones(1))", "torch.distributed.destroy_process_group": "torch.distributed.destroy_process_group()",
}  # fmt: skip
