"""New tensors: what PyTorch makes of the same arguments."""

import numpy as np
import pytest
from parity import check

import tensorlite as tl

torch = pytest.importorskip("torch")

PROGRAMS = """
t.tensor(1)
t.tensor(1.5)
t.tensor(True)
t.tensor(1 + 2j)
t.tensor([])
t.tensor([[]])
t.tensor([[1, 2], [3, 4]])
t.tensor([1, 2.5])
t.tensor([True, 2])
t.tensor([True, False])
t.tensor((1, 2))
t.tensor(range(4))
t.tensor([1, 2], dtype=t.float64)
t.tensor([1.7, -2.9], dtype=t.int64)
t.tensor([0, 1, 2], dtype=t.bool)
t.tensor([300], dtype=t.int32)
t.tensor(np.arange(3))
t.tensor(np.arange(3.0))
t.tensor(np.float32(2))
t.tensor(np.float64(2))
t.tensor([np.float64(2)])
t.tensor([np.float32(2), np.float32(3)])
t.tensor([np.int32(2)])
t.tensor([np.int64(2), 1.5])
t.tensor(np.ones((2, 2), np.float16))
t.tensor([t.tensor(1), t.tensor(2)])
t.tensor([t.tensor(1.0), t.tensor(2)])
t.tensor([t.tensor(1.0, dtype=t.float64)])
t.tensor([[1, 2], [3]])
t.tensor("abc")
t.tensor(None)
t.tensor([None])
t.tensor({})
t.tensor([2**70])
t.tensor([1, 2], requires_grad=True)
t.tensor([1.0], requires_grad=True)
t.tensor([1.0], device="cpu")
t.tensor([1.0], device="nowhere")
t.tensor([1 + 1j, 2.0])
t.as_tensor([1, 2])
t.as_tensor(np.ones(2))
t.as_tensor(np.ones(2), dtype=t.float32)
t.as_tensor(t.ones(2), dtype=t.int64)
t.asarray([1.0, 2.0])
t.asarray(np.ones(3), copy=True)
t.asarray([1, 2], dtype=t.float32)
t.scalar_tensor(3)
t.from_numpy(np.ones(3))
t.from_numpy([1, 2])
t.from_numpy(np.array(["a"]))
t.from_numpy(np.ones(3)[::-1])
t.from_numpy(np.ones((3, 4)).T)
t.frombuffer(bytearray(b"\\x01\\x02\\x03\\x04"), dtype=t.uint8)
t.frombuffer(bytearray(b"\\x01\\x02\\x03\\x04"), dtype=t.int16, offset=2)
t.zeros(2, 3)
t.zeros((2, 3))
t.zeros([2, 3])
t.zeros(2, 3, dtype=t.int64)
t.zeros(())
t.zeros(size=(2,))
t.zeros(t.Size([2, 1]))
t.zeros(2, requires_grad=True)
t.zeros(2.5)
t.zeros(-1)
t.zeros(np.int64(3))
t.zeros(t.tensor(3))
t.ones(2, 3)
t.ones((0, 3))
t.empty(2, 3).shape
t.empty((2, 3), dtype=t.int32).dtype
t.full((2, 3), 5)
t.full((2,), 5.0)
t.full((2,), True)
t.full((2,), 1j)
t.full((2, 3), 5, dtype=t.float32)
t.full((2,), t.tensor(3.0))
t.full((), 2)
t.zeros_like(t.ones(2, 3, dtype=t.int32))
t.ones_like(t.ones(2, 3), dtype=t.bool)
t.full_like(t.ones(2), 3)
t.full_like(t.ones(2, dtype=t.int64), 3.7)
t.empty_like(t.ones(2, 3)).shape
t.zeros_like(t.ones(2, requires_grad=True))
t.zeros_like([1])
t.arange(5)
t.arange(5.0)
t.arange(2, 8)
t.arange(2, 8, 3)
t.arange(0, 1, 0.1)
t.arange(1, 0, -0.25)
t.arange(5, 0, -2)
t.arange(0, 5, dtype=t.float64)
t.arange(1, 2.5, 0.5)
t.arange(0.5, 3.5)
t.arange(3, 1)
t.arange(0, 5, 0)
t.arange(t.tensor(4))
t.arange(start=1, end=4)
t.arange(end=3)
t.arange(4, requires_grad=True)
t.arange(4.0, requires_grad=True)
t.arange(10, dtype=t.uint8)
t.arange(0)
t.range(1, 4)
t.range(0, 1, 0.5)
t.linspace(0, 1, 5)
t.linspace(-3, 7, 11)
t.linspace(0, 1, 1)
t.linspace(0, 1, 0)
t.linspace(0, 10, 5, dtype=t.int64)
t.linspace(0, 1, steps=3, dtype=t.float64)
t.linspace(0, 1, -1)
t.logspace(0, 2, 3)
t.logspace(0, 4, 5, base=2)
t.eye(3)
t.eye(2, 3)
t.eye(3, 2, dtype=t.int64)
t.eye(-1)
t.tril_indices(3, 3)
t.tril_indices(3, 4, 1)
t.triu_indices(3, 4, -1)
t.complex(t.ones(2), t.zeros(2))
t.polar(t.ones(2), t.tensor([0.0, 1.0]))
t.hann_window(5)
t.hann_window(6, periodic=False)
t.hamming_window(5)
t.blackman_window(6)
t.bartlett_window(5)
t.kaiser_window(5, False, beta=6.0)
t.hamming_window(5, True, 0.6, 0.3)
t.hann_window(0)
t.hann_window(-1)
t.hann_window(2.5)
t.vander(t.tensor([1.0, 2.0, 3.0]))
t.FloatTensor([1, 2])
t.FloatTensor([[1, 2], [3, 4]])
t.FloatTensor(2, 3).shape
t.FloatTensor().shape
t.FloatTensor(t.Size([2, 2])).shape
t.FloatTensor(np.ones(2, np.float32))
t.LongTensor([1, 2])
t.LongTensor([1.0, 2.0])
t.LongTensor(2, 3).dtype
t.ByteTensor([0, 1])
t.BoolTensor([0, 1, 1])
t.DoubleTensor([1.5])
t.IntTensor([3])
t.HalfTensor([1])
t.Tensor([1, 2])
t.Tensor(2, 3).shape
t.Tensor([[1, 2]]).dtype
t.Tensor(np.ones((2, 2))).dtype
t.Tensor().shape
t.Tensor(3).shape
t.Tensor(2.5)
t.ones(2, dtype=t.float64).new_zeros(3)
t.ones(2, dtype=t.float64).new_ones((3, 1))
t.ones(2, dtype=t.int64).new_tensor([1.5])
t.ones(2).new_full((2,), 3)
t.ones(2, dtype=t.float64).new_empty(2, 3).dtype
t.ones(2).new([1, 2])
t.ones(2, dtype=t.int32).new(2).dtype
t.zeros(3, out=t.empty(3))
t.arange(3, out=t.empty(3))
t.finfo(t.float32).eps
t.finfo(t.float64).max
t.finfo().tiny
t.iinfo(t.int8).max
t.iinfo(t.int64).min
t.finfo(t.int32)
t.iinfo(t.float32)
t.result_type(t.tensor([1]), 1.5)
t.result_type(t.tensor([1.0]), t.tensor(1.0, dtype=t.float64))
t.promote_types(t.int32, t.float16)
t.promote_types(t.uint8, t.int8)
t.can_cast(t.float32, t.int32)
t.can_cast(t.int32, t.float32)
t.device("cpu")
t.device("cuda", 1)
t.device("cuda:0").index
t.device("nope")
t.zeros(2, device="cpu").device
t.get_default_dtype()
t.Size([2, 3]).numel()
t.Size([2, 3])[1:]
t.Size([2]) + t.Size([3])
t.is_tensor(t.ones(1))
t.is_tensor(1)
t.numel(t.ones(2, 3))
t.broadcast_shapes((2, 1), (3,))
""".strip().splitlines()


@pytest.mark.parametrize("source", PROGRAMS)
def test_as_pytorch(source):
    check(lambda t: eval(source, {"t": t, "np": np}))


def test_memory_is_shared_or_copied():
    a = np.zeros(3, np.float32)
    shared, copied = tl.from_numpy(a), tl.tensor(a)
    view, cast = tl.as_tensor(a), tl.as_tensor(a, dtype=tl.float64)
    a[0] = 5
    assert shared[0] == 5 and view[0] == 5 and copied[0] == 0 and cast[0] == 0
    shared[1] = 7
    assert a[1] == 7


def test_a_transposed_array_stays_shared_through_views():
    a = np.zeros((2, 3, 4), np.float32)
    t = tl.from_numpy(a.transpose(2, 0, 1))
    assert not t.is_contiguous() and t.stride() == (1, 12, 4)
    t[0, 0, 0] = 1
    t.detach()[1, 0, 0] = 2
    assert a[0, 0, 0] == 1 and a[0, 0, 1] == 2
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        t.view(-1)


def test_default_dtype_reaches_everything():
    try:
        tl.set_default_dtype(tl.float64)
        assert tl.tensor(1.0).dtype == tl.zeros(1).dtype == tl.arange(1.0).dtype == tl.float64
        assert (tl.tensor([1]) * 1.5).dtype == tl.float64
        with pytest.raises(TypeError):
            tl.set_default_dtype(tl.int64)
        tl.set_default_tensor_type("torch.FloatTensor")
        assert tl.get_default_dtype() == tl.float32
    finally:
        tl.set_default_dtype(tl.float32)


def test_other_devices_can_be_named_but_not_used():
    assert tl.device("cuda:1").index == 1
    for make in (lambda: tl.zeros(2, device="cuda"), lambda: tl.ones(2).cuda(), lambda: tl.ones(2).to("xpu:0")):
        with pytest.raises(AssertionError, match=r"not compiled with .* the CPU"):
            make()
    with pytest.raises(RuntimeError, match="CPU"):
        tl.ones(2).to("mps")


def test_what_is_left_out_says_so():
    for make in (
        lambda: tl.sparse_coo_tensor([[0], [1]], [1.0]), lambda: tl.ones(2).to_sparse(),
        lambda: tl.zeros(2, layout=tl.sparse_coo), lambda: tl.quantize_per_tensor(tl.ones(2), 0.1, 0, None),
    ):  # fmt: skip
        with pytest.raises(NotImplementedError, match="not supported"):
            make()
    with pytest.raises(TypeError, match="bfloat16"):
        tl.zeros(2, dtype=tl.bfloat16)


def test_unknown_names_come_with_near_ones():
    with pytest.raises(AttributeError, match="arange"):
        tl.arangee


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linspace_has_pytorchs_last_digits(dtype):
    for start, end in ((-1, 1), (0, 1), (-5, 5), (0.1, 7.3)):
        for steps in (1, 2, 3, 7, 10, 16, 33, 100, 257):
            ours = tl.linspace(start, end, steps, dtype=getattr(tl, dtype))
            assert ours.tolist() == torch.linspace(start, end, steps, dtype=getattr(torch, dtype)).tolist()
