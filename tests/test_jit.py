"""Scripts that decorate what they want compiled run; what would need a compiled program refuses."""

import pytest

import tensorlite as tl
from tensorlite import jit, nn


class Cell(jit.ScriptModule):
    __constants__ = ["size"]

    def __init__(self, size: int):
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(tl.ones(size, size))

    @jit.script_method
    def forward(
        self, x: tl.Tensor, state: tuple[tl.Tensor, tl.Tensor]
    ) -> tuple[tl.Tensor, tuple[tl.Tensor, tl.Tensor]]:
        h = tl.tanh(x @ self.weight + state[0])
        return h, (h, state[1])

    @jit.export
    def helper(self, x):
        return self.hidden(x)

    @jit.ignore
    def hidden(self, x):
        return x

    @jit.unused
    def never(self):
        return 1

    @jit.ignore(drop=True)
    def dropped(self):
        return 2


@jit.script
def gelu(x):
    return x * 0.5 * (1.0 + tl.erf(x / 1.41421))


def test_scripted_code_is_the_code():
    cell, x = Cell(3), tl.ones(2, 3)
    y, state = cell(x, (x, x))
    y.sum().backward()
    assert cell.weight.grad.shape == (3, 3) and cell.helper(x) is x and cell.never() == 1 and cell.dropped() == 2
    assert gelu(x).shape == (2, 3)
    net = nn.Linear(3, 2)
    assert jit.script(net) is net and jit.trace(net, x) is net and jit.freeze(net.eval()) is net
    assert jit.trace(gelu, (x,)) is gelu and jit.script_if_tracing(gelu) is gelu
    assert (
        not jit.is_scripting()
        and not jit.is_tracing()
        and isinstance(cell, jit.ScriptModule)
        and not isinstance(net, jit.ScriptModule)
    )
    assert jit.annotate(int, 3) == 3 and jit.isinstance(3, int)
    with jit.optimized_execution(False):
        gelu(x)


def test_a_trace_runs_its_example_once():
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        jit.trace(nn.Linear(3, 2), tl.ones(2, 4))


def test_compiled_programs_are_refused(tmp_path):
    for call in (
        lambda: jit.save(nn.Linear(1, 1), tmp_path / "x.pt"),
        lambda: jit.load(tmp_path / "x.pt"),
        lambda: jit.fork(gelu, 1),
    ):
        with pytest.raises(NotImplementedError, match="not supported"):
            call()
    with pytest.raises(AttributeError, match="graph"):
        jit.script(nn.Linear(1, 1)).graph
