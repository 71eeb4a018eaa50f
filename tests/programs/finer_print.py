"""More corners: arrays of NumPy's beside tensors, expanded memory, empty dimensions, names of overloads, warnings."""

import math
import operator
import warnings

import numpy as np

from . import program
from .complaints import said


@program
def arrays_of_numpy_beside_tensors(torch):
    kinds = ("float32", "float64", "int64", "int32", "uint8", "bool")
    return [
        operation(torch.ones(2, dtype=getattr(torch, a)), np.ones(2, b))
        for operation in (operator.add, operator.mul, operator.sub)
        for a in kinds[:3]
        for b in kinds[: 5 if operation is operator.sub else 6]
    ]


@program
def expanded_memory_filled(torch):
    x = torch.arange(2.0)
    column = x[:, None].expand(2, 3)
    shown = [column.fill_(3).clone(), x.clone(), x[1:].expand(4).zero_().clone(), x.clone()]
    print(said(lambda: column.add_(1)).split(".")[0])
    return shown


@program
def functions_given_lists(torch):
    F, x = torch.nn.functional, torch.ones(3, 3)
    for f in (
        F.relu,
        F.gelu,
        F.silu,
        F.elu,
        F.leaky_relu,
        F.mish,
        F.softplus,
        F.hardtanh,
        F.hardswish,
        F.hardsigmoid,
        F.hardshrink,
        F.softshrink,
        F.logsigmoid,
        F.dropout,
    ):
        for given in ([1.0, 2.0], None, np.ones(2)):
            print(said(lambda: f(given)))
    for call in (lambda: F.embedding([1], x), lambda: F.embedding(torch.tensor([1]), [1.0])):
        print(said(call))


@program
def devices_that_are_not_there(torch):
    x = torch.ones(1)
    for call in (
        lambda: x.cuda(),
        lambda: x.to("cuda:0"),
        lambda: torch.zeros(1, device="cuda"),
        lambda: torch.nn.Linear(1, 1).to("cuda"),
    ):
        print(said(call).split(":")[0])


@program
def nothing_at_all(torch):
    x, F = torch.tensor([[1.0, 0.0], [2.0, 3.0]]), torch.nn.functional
    for call in (lambda: torch.tril_indices(-1, 3), lambda: torch.triu_indices(3, -1), lambda: (x + 1j).argmax()):
        print(said(call))
    return (
        torch.combinations(x[0], r=0), torch.block_diag(), x.all(dim=()), x.any(dim=()), x.byte().all(dim=()),
        torch.vmap(lambda r: r * 2)(torch.ones(0, 3)), torch.vmap(lambda r: r.sum(), in_dims=1)(torch.ones(3, 0)),
        torch.vmap(lambda r: (r, r.sum()), out_dims=(1, 0))(torch.ones(0, 3)), F.adaptive_avg_pool1d(torch.tensor([[math.inf, 1, 2, 3]]), 3),
        F.adaptive_avg_pool2d(torch.tensor([[math.inf, 1, 2, 3], [0, 1, -math.inf, 2], [1, 2, 3, math.nan]])[None], (2, 3)),
    )  # fmt: skip


@program
def names_of_overloads(torch):
    x, q = torch.arange(6), torch.eye(2) * 2
    torch.manual_seed(0)
    return (
        torch.linalg.inv(A=q), torch.linalg.det(A=q), torch.tensor_split(x, sections=4), x.tensor_split(indices=(1, 4)), x.hsplit(sections=2),
        torch.tensor_split(x, tensor_indices_or_sections=torch.tensor([2, 3])), q.vsplit(indices=[1]), torch.zeros(2).uniform_(**{"from": 2, "to": 3}) >= 2,
        torch.zeros(2).random_(**{"from": 7, "to": 8}),
    )  # fmt: skip


@program
def words_of_warning(torch):
    x, z = torch.ones(1, 3), torch.ones(2, dtype=torch.complex64)
    for call in (
        lambda: torch.std(x[0, :1]), lambda: x.var(0), lambda: x.var(1, correction=4), lambda: torch.var_mean(x, 0), lambda: torch.std_mean(x[:, :1]),
        lambda: x.std(0, correction=0), lambda: z.bool(), lambda: x[None].mT, lambda: x.T,
    ):  # fmt: skip
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            call()
        print([(w.category.__name__, str(w.message).split(" (Triggered")[0].strip()) for w in seen])


@program
def heads_that_do_not_fit(torch):
    attend, ones = torch.nn.functional.scaled_dot_product_attention, torch.ones
    for call in (
        lambda: attend(ones(1, 2, 4, 8), ones(1, 3, 5, 8), ones(1, 3, 5, 8)),
        lambda: attend(ones(2, 4, 8), ones(3, 4, 8), ones(3, 4, 8)),
        lambda: attend(ones(1, 2, 4, 8), ones(1, 2, 5, 8), ones(1, 2, 5, 8), attn_mask=ones(4, 4)),
    ):
        print(said(call))


@program
def counters_saved_as_numbers(torch):
    found = []
    for name in ("Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Adamax", "ASGD", "Rprop"):
        p = torch.nn.Parameter(torch.ones(2))
        make, p.grad = getattr(torch.optim, name), torch.full((2,), 0.5)
        old, new = make([p], lr=0.1), make([p], lr=0.1)
        old.step()
        saved = old.state_dict()
        saved["state"][0]["step"] = 7
        new.load_state_dict(saved)
        found.append(new.state[p]["step"].clone())
        new.step()
        found += [new.state[p]["step"], p.detach()]
    return found
