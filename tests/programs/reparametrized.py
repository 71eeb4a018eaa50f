"""Weights that are computed from others: parametrizations, weight and spectral normalisation, clipped gradients."""

import copy

from . import failure, program
from .complaints import said


def known(torch, module):
    """``module`` with weights that depend on no generator."""
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.cos(torch.arange(p.numel(), dtype=p.dtype)).view(p.shape))
    return module


def _maps(torch):
    nn = torch.nn

    class Skew(nn.Module):
        def forward(self, x):
            x = x.tril(-1)
            return x - x.T

    class Twice(nn.Module):
        def forward(self, x):
            return x * 2

        def right_inverse(self, x):
            return x / 2

    class Halves(nn.Module):
        def forward(self, a, b):
            return a + b

        def right_inverse(self, x):
            return x * 0.25, x * 0.75

    return Skew, Twice, Halves


@program
def parametrizations_and_what_they_refuse(torch):
    nn, tools = torch.nn, torch.nn.utils.parametrize
    Skew, Twice, Halves = _maps(torch)
    result = []
    for maps in ([Skew], [Skew, Twice], [Twice, Skew], [Halves], [Halves, Twice]):
        m = known(torch, nn.Linear(3, 3))
        for f in maps:
            tools.register_parametrization(m, "weight", f())
        first = m.weight
        m(torch.ones(1, 3)).sum().backward()
        listed = m.parametrizations.weight
        print([f.__name__ for f in maps], [n for n, _ in m.named_parameters()], type(m).__name__, len(listed))
        print(
            said(lambda: setattr(m, "weight", torch.ones(3, 3))),
            failure(setattr, m, "weight", 5),
        )
        double = copy.deepcopy(m)
        result.append([first, [p.grad for p in m.parameters()], m.weight, double.weight])
        print(said(lambda: tools.remove_parametrizations(m, "weight", leave_parametrized=False)).split(" (`")[0])
        if tools.is_parametrized(m):
            tools.remove_parametrizations(m, "weight")
        result.append([m.weight, type(m).__name__])
    with tools.cached():
        m = tools.register_parametrization(known(torch, nn.Linear(3, 3)), "weight", Skew())
        print(m.weight is m.weight)
    return result


def _changed(torch, forward, inverse=None):
    members = {"forward": lambda self, x: forward(x)}
    if inverse is not None:
        members["right_inverse"] = lambda self, x: inverse(x)
    return type("Changed", (torch.nn.Module,), members)()


@program
def parametrizations_that_change_what_they_may_not(torch):
    nn, tools = torch.nn, torch.nn.utils.parametrize
    same = lambda x: x
    bad = (
        (lambda x: x.double(), None), (lambda x: x[:1], None), (lambda x: 5, None), (same, lambda x: x.double()),
        (same, lambda x: x[:1]), (same, lambda x: 5), (lambda x: x * 2, lambda x: x / 2),
    )  # fmt: skip
    for forward, inverse in bad:
        for unsafe in (False, True):
            for before in (False, True):
                m = known(torch, nn.Linear(3, 3))
                if before:
                    tools.register_parametrization(m, "weight", _changed(torch, lambda x: x * 3, lambda x: x / 3))
                text = said(
                    lambda: tools.register_parametrization(
                        m, "weight", _changed(torch, forward, inverse), unsafe=unsafe
                    )
                )
                print(text.split("(")[0].split(", unless")[0], list(m.state_dict()))


@program
def orthogonal_matrices(torch):
    nn, tools = torch.nn, torch.nn.utils.parametrizations
    result = []
    for shape in ((4, 4), (5, 3), (3, 5)):
        for how in (None, "matrix_exp", "cayley", "householder"):
            for free in (True, False):
                m = known(torch, nn.Linear(*shape))
                with torch.no_grad():
                    m.weight += torch.eye(*m.weight.shape)
                    start = nn.init.orthogonal_(torch.empty(m.weight.shape))
                tools.orthogonal(m, orthogonal_map=how, use_trivialization=free)
                singular = torch.linalg.svdvals(m.weight)
                m(torch.ones(1, shape[0])).sum().backward()
                text = said(lambda: setattr(m, "weight", start))
                kept = torch.allclose(m.weight, start, atol=1e-5)
                result.append([singular, text, list(m.state_dict()), m.weight.grad_fn is None, kept])
                if how is not None or shape != (3, 5):
                    result.append(m.weight.abs().sum() if kept and shape == (4, 4) else len(result))
    for arguments in (dict(name="bias"), dict(name="none"), dict(orthogonal_map="other")):
        print(said(lambda: tools.orthogonal(nn.Linear(2, 2), **arguments)))
    return [r[:1] + r[1:4] if isinstance(r, list) else type(r).__name__ for r in result]


@program
def the_old_forms_of_weight_and_spectral_norm(torch):
    nn, tools = torch.nn, torch.nn.utils
    x = torch.linspace(-1, 1, 15).view(3, 5)
    result = []
    for dim in (0, 1, None):
        m = tools.weight_norm(known(torch, nn.Linear(5, 4)), dim=dim)
        m(x).sum().backward()
        result.append([m.weight, m.weight_g, m.weight_v.grad, list(m.state_dict()), said(lambda: tools.weight_norm(m))])
        tools.remove_weight_norm(m)
        result.append([m.weight, list(m.state_dict())])
    result.append(tools.weight_norm(known(torch, nn.Linear(5, 4)), "bias").bias_g)
    m = tools.spectral_norm(known(torch, nn.Linear(5, 4)))
    m.weight_u.copy_(torch.ones(4) / 2)
    m.weight_v.copy_(torch.ones(5) / 5**0.5)
    for training in (True, True, False):
        m.train(training)
        result.append([m(x), m.weight_u.clone(), m.weight_v.clone()])
    state = m.state_dict()
    print(dict(state._metadata))
    old = copy.deepcopy(state)
    del old["weight_v"], old._metadata[""]["spectral_norm"]
    old["weight"] = m.weight.detach().clone()
    for loaded in (old, state, dict(state)):
        other = tools.spectral_norm(nn.Linear(5, 4))
        print(other.load_state_dict(loaded), torch.allclose(other.eval()(x), m(x), atol=1e-5))
    print(said(lambda: m.load_state_dict(old | {"more": 1})), said(lambda: tools.spectral_norm(m)))
    tools.remove_spectral_norm(m)
    return result, m.weight, list(m.state_dict()), len(m._state_dict_hooks)


@program
def norms_of_gradients_of_every_order(torch):
    tools = torch.nn.utils

    def some():
        parameters = [torch.nn.Parameter(torch.zeros(s)) for s in ((3, 2), 4, 1)]
        parameters[0].grad, parameters[1].grad = torch.arange(6.0).view(3, 2), -torch.ones(4) * 2
        return parameters

    result = []
    for order in (0.5, 2, "inf", float("inf"), float("-inf"), "3", 0, -1):
        for most in (1.0, 1e6, torch.tensor(2.0)):
            ps = some()
            result.append([tools.clip_grad_norm_(ps, most, norm_type=order), [p.grad for p in ps]])
    ps = some()
    ps[1].grad[0] = float("nan")
    print(said(lambda: tools.clip_grad_norm_(ps, 1.0, error_if_nonfinite=True)), tools.clip_grad_norm_(ps[0], 1.0))
    tools.clip_grad_value_(ps, 2.5)
    tools.clip_grads_with_norm_(ps[0], 1.0, torch.tensor(10.0))
    return (
        result,
        ps[0].grad,
        tools.get_total_norm([]),
        tools.clip_grad_norm_([], 1.0),
        tools.clip_grad_norm_((p for p in ()), 1.0),
    )
