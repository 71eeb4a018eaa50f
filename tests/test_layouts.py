"""Memory formats and strides of copies: what PyTorch shows."""

from __future__ import annotations

import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")

IMAGE = "lib.arange(2 * 3 * 4 * 5.).reshape(2, 3, 4, 5)"
VOLUME = "lib.arange(2 * 3 * 2 * 2 * 3.).reshape(2, 3, 2, 2, 3)"
MATRIX = "lib.arange(12.).reshape(3, 4)"


def described(lib, expression):
    t = eval(expression, {"lib": lib})
    formats = [
        lib.contiguous_format,
        *([lib.channels_last] if t.ndim == 4 else []),
        *([lib.channels_last_3d] if t.ndim == 5 else []),
    ]
    return tuple(t.stride()), str(t.dtype), [t.is_contiguous(memory_format=f) for f in formats]


CALLS = [
    *[f"{{}}.{call}" for call in (
        "clone()", "clone(memory_format=lib.contiguous_format)", "clone(memory_format=lib.preserve_format)", "contiguous()",
        "double()", "long(memory_format=lib.contiguous_format)", "to(lib.float64)", "to(lib.float32, copy=True)", "float()",
        "to(memory_format=lib.contiguous_format)", "new_zeros(2, 3)",
    )],
    *[f"lib.{name}_like({{}}{fill}{more})" for name, fill in (("zeros", ""), ("ones", ""), ("empty", ""), ("full", ", 3"), ("rand", ""), ("randn", ""))
      for more in ("", ", memory_format=lib.contiguous_format", ", dtype=lib.float64")],
    "lib.randint_like({}, 5)",
]  # fmt: skip
SOURCES = [MATRIX, MATRIX + ".T", MATRIX + "[:, ::2]", MATRIX + ".T[1:, :2]", "lib.arange(4.).expand(3, 4)", "lib.arange(3.)[:, None].expand(3, 4)",
           IMAGE, IMAGE + ".permute(1, 0, 3, 2)", IMAGE + ".to(memory_format=lib.channels_last)", "lib.tensor(1.)", "lib.zeros(0, 3)"]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_copies_have_pytorchs_strides(source):
    for call in CALLS:
        expression = call.format(source)
        assert described(tl, expression) == described(torch, expression), expression


@pytest.mark.parametrize(
    "call",
    ["clone(memory_format=F)", "contiguous(memory_format=F)", "to(memory_format=F)", "double(memory_format=F)", "to(lib.float16, memory_format=F)",
     "to(memory_format=F).clone()", "to(memory_format=F)[:1].clone()", "contiguous(memory_format=F).permute(0, 2, 3, 1)"],
)  # fmt: skip
def test_channels_last(call):
    for source, name in (
        (IMAGE, "channels_last"),
        (VOLUME, "channels_last_3d"),
        ("lib.zeros(2, 1, 4, 5)", "channels_last"),
    ):
        if "permute" in call and name == "channels_last_3d":
            continue
        expression = f"{source}.{call.replace('F', f'lib.{name}')}"
        if "zeros" in source:  # strides of dimensions of size 1 are anything
            assert described(tl, expression)[2] == described(torch, expression)[2]
            continue
        assert described(tl, expression) == described(torch, expression), expression
        ours, theirs = (eval(expression, {"lib": lib}) for lib in (tl, torch))
        assert ours.tolist() == theirs.tolist()


def test_makers_take_a_memory_format():
    for name in ("zeros_like", "ones_like", "empty_like", "rand_like", "randn_like"):
        expression = f"lib.{name}({IMAGE}, memory_format=lib.channels_last)"
        assert described(tl, expression) == described(torch, expression), expression
    expression = "lib.empty(2, 3, 4, 5, memory_format=lib.channels_last)"
    assert described(tl, expression) == described(torch, expression)
    expression = "lib.empty(0).resize_(2, 3, 4, 5, memory_format=lib.channels_last)"
    assert described(tl, expression) == described(torch, expression)


def test_like_makers_fill_every_order():
    for source in SOURCES:
        for name in ("zeros_like", "ones_like"):
            for more in ("", ", memory_format=lib.contiguous_format"):
                junk = tl.full((24,), 7.0)  # memory that is used again is not zero
                del junk
                t = eval(f"lib.{name}({source}{more})", {"lib": tl})
                assert set(t.flatten().tolist()) <= {float(name == "ones_like")}, (source, name)


def test_the_gradient_passes():
    x = tl.arange(120.0).reshape(2, 3, 4, 5).requires_grad_()
    y = x.contiguous(memory_format=tl.channels_last)
    (y * y).sum().backward()
    assert x.grad.tolist() == (2 * x.detach()).tolist()
    assert y.is_contiguous(memory_format=tl.channels_last) and y.contiguous(memory_format=tl.channels_last) is y


@pytest.mark.parametrize("call", ["contiguous(memory_format=lib.channels_last)", "clone(memory_format=lib.channels_last)",
                                  "to(memory_format=lib.channels_last)", "T.contiguous(memory_format=lib.preserve_format)"])  # fmt: skip
def test_wrong_ranks_raise(call):
    for lib in (torch, tl):
        with pytest.raises(RuntimeError, match=r"memory|required rank 4"):
            eval(f"lib.zeros(2, 3).{call}", {"lib": lib})


def test_a_module_moves_to_channels_last():
    for lib in (torch, tl):
        net = lib.nn.Sequential(lib.nn.Conv2d(3, 4, 3), lib.nn.BatchNorm2d(4)).to(memory_format=lib.channels_last)
        assert net[0].weight.stride() == (27, 1, 9, 3) and net[0].bias.stride() == (1,)
        net(lib.zeros(2, 3, 5, 5).contiguous(memory_format=lib.channels_last)).sum().backward()
        assert net[0].weight.grad.shape == (4, 3, 3, 3)


def test_new_tensors_refuse_what_is_not_here():
    x = tl.ones(2)
    for call in (x.new_zeros, x.new_ones, x.new_empty):
        with pytest.raises(NotImplementedError, match="sparse"):
            call(2, layout=tl.sparse_coo)
        with pytest.raises(RuntimeError, match="accelerator"):
            call(2, pin_memory=True)
    with pytest.raises(RuntimeError, match="accelerator"):
        x.new_full((2,), 1, pin_memory=True)
