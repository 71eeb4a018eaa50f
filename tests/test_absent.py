"""What is left out says so; storages, and other small doors of PyTorch's."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

import tensorlite as tl


@pytest.mark.parametrize("name", ["onnx", "sparse", "nested", "hub", "quantization", "fx", "library", "masked", "ao"])
def test_absent_rooms_explain_themselves(name):
    assert not hasattr(tl, name)
    with pytest.raises(AttributeError, match="not supported"):
        getattr(tl, name)


def test_parallel_modules():
    net = tl.nn.Linear(2, 1)
    x = tl.ones(3, 2)
    assert tl.nn.DataParallel(net, device_ids=[0, 1])(x).tolist() == net(x).tolist()
    assert tl.nn.parallel.data_parallel(net, x).tolist() == net(x).tolist()
    for name in ("gather", "replicate", "scatter", "parallel_apply"):
        with pytest.raises(NotImplementedError, match="not supported"):
            getattr(tl.nn.parallel, name)


def test_a_script_for_many_processes_runs_alone():
    from tensorlite.distributed import destroy_process_group, init_process_group
    from tensorlite.nn.parallel import DistributedDataParallel as DDP

    assert not tl.distributed.is_available() and not tl.distributed.is_initialized()
    assert not isinstance(tl.nn.Linear(1, 1), DDP)
    for call in (
        lambda: init_process_group(backend="gloo"),
        destroy_process_group,
        tl.distributed.get_rank,
        lambda: DDP(tl.nn.Linear(1, 1)),
    ):
        with pytest.raises(NotImplementedError, match="not supported"):
            call()


def test_rooms_are_reached_through_their_names():
    code = """if True:
        import tensorlite as torch
        torch.utils.data.sampler.WeightedRandomSampler, torch.utils.data.dataloader.default_collate, torch.utils.data.dataset.Subset
        torch.utils.data.distributed.DistributedSampler, torch.optim.lr_scheduler.StepLR, torch.optim.swa_utils.AveragedModel
        torch.nn.utils.rnn.pad_sequence, torch.nn.init.zeros_, torch.autograd.functional.hessian, torch.autograd.profiler.profile
        torch.distributions.kl.kl_divergence, torch.utils.checkpoint.checkpoint, torch.nn.utils.parametrizations.orthogonal
        torch.nn.parameter.Parameter, torch.nn.modules.module.Module, torch.types.Device, torch.cuda.amp.autocast
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_compiling():
    assert (
        not tl.compiler.is_compiling()
        and tl.compiler.disable(abs) is abs
        and tl.compiler.disable(recursive=False)(abs) is abs
    )
    assert tl.GradScaler is tl.amp.GradScaler


def test_multiprocessing_is_pythons():
    assert tl.multiprocessing.get_sharing_strategy() == "copy"
    with pytest.raises(NotImplementedError, match="copies"):
        tl.multiprocessing.set_sharing_strategy("file_system")
    assert pickle.loads(pickle.dumps(tl.arange(3))).tolist() == [0, 1, 2]


@pytest.mark.slow
def test_spawn_runs_a_function():
    tl.multiprocessing.spawn(print, args=("hello",), nprocs=2)


def test_a_storage_shows_the_memory_of_all_views():
    x = tl.arange(6.0).reshape(2, 3)
    s = x[1, 1:].storage()
    assert len(s) == 6 and s.tolist() == [0, 1, 2, 3, 4, 5] and s[2] == 2 and s.dtype is tl.float32
    assert s.data_ptr() == x.data_ptr() == x.untyped_storage().data_ptr() and x.untyped_storage().nbytes() == 24
    version = x._version
    s[0] = 7
    assert x[0, 0] == 7 and x._version == version + 1
    s.fill_(1)
    assert x.sum() == 6 and s.untyped().element_size() == 1
    for call in (lambda: s.resize_(9), s.share_memory_):
        with pytest.raises(NotImplementedError):
            call()


def test_a_storage_notices_what_the_tape_kept():
    x = tl.ones(2, requires_grad=True)
    y = x.exp()
    y.storage()[0] = 5
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.sum().backward()


def test_swap_tensors_keeps_gradients_where_they_belong():
    a, b = tl.nn.Parameter(tl.zeros(2)), tl.nn.Parameter(tl.ones(3))
    net = tl.nn.Linear(1, 2, bias=False)
    old = net.weight
    tl.utils.swap_tensors(old, tl.nn.Parameter(tl.full((2, 1), 3.0)))
    assert net.weight is old and net(tl.ones(1)).tolist() == [3, 3]
    net(tl.ones(1)).sum().backward()
    assert old.grad.tolist() == [[1], [1]]
    tl.utils.swap_tensors(a, b)
    (a * 2).sum().backward()
    assert a.tolist() == [1, 1, 1] and a.grad.tolist() == [2, 2, 2] and b.grad is None
    with pytest.raises(RuntimeError, match="Cannot swap"):
        tl.utils.swap_tensors(a, a * 2)


def test_small_doors():
    assert tl.get_num_interop_threads() == 1 and tl.set_flush_denormal(True) is False
    with pytest.raises(NotImplementedError):
        tl.set_num_interop_threads(2)
    x = tl.tensor([1.0, -2.0])
    assert tl.is_storage(x.storage()) and not tl.is_storage(x) and not x.is_shared()
    assert x.apply_(lambda v: v * 2).tolist() == [2, -4] and x.map_(tl.tensor([1.0]), lambda a, b: a + b).tolist() == [
        3,
        -3,
    ]
    assert tl.selu_(x.clone()).tolist() == tl.nn.functional.selu(x).tolist() and x.hardshrink(3).tolist() == [0, 0]
    assert tl.ones(2, 3).t().dim_order() == (1, 0) and x.prelu(tl.tensor([0.5])).tolist() == [3, -1.5]
    for name in ("coalesce", "indices", "values"):
        with pytest.raises(NotImplementedError, match="sparse"):
            getattr(x, name)()
    leaf = tl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.apply_(abs)


def test_out_may_be_an_input_but_not_a_part_of_one():
    x = tl.arange(6.0)
    assert tl.exp(x, out=x) is x and tl.add(x, 1, out=x) is x
    square = x[:4].view(2, 2)
    for call in (
        lambda: tl.sin(x[:-1], out=x[1:]), lambda: tl.add(tl.ones(5), x[1:], out=x[:-1]), lambda: tl.neg(square.t(), out=square),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match="single memory location"):
            call()
    with pytest.raises(RuntimeError, match="single memory location"):
        tl.cat([x[:2], x[2:4]], out=x[:4])


def test_out_may_be_a_parameter_where_nothing_is_recorded():
    average, new = tl.nn.Parameter(tl.ones(2)), tl.nn.Parameter(tl.zeros(2))
    with pytest.raises(RuntimeError, match="automatic differentiation"):
        tl.add(average, new, out=average)
    with tl.no_grad():
        average.mul_(0.5)
        assert tl.add(average, new, alpha=0.5, out=average) is average
    assert average.tolist() == [0.5, 0.5] and average.is_leaf and average.requires_grad


def test_files_of_modules():
    assert tl.nn.modules.linear.Linear is tl.nn.Linear and tl.nn.modules.batchnorm.BatchNorm2d is tl.nn.BatchNorm2d
    with pytest.raises(AttributeError):
        tl.nn.modules.nothing


def test_switches_of_cudnn_come_back():
    flags = tl.backends.cudnn
    before = flags.benchmark
    with flags.flags(enabled=True, benchmark=not before):
        assert flags.benchmark != before
    assert flags.benchmark == before


def test_next_functions_name_what_needs_no_gradient():
    x = tl.ones(2, 2, requires_grad=True)
    assert [n and n.name() for n, _ in (x * 2).grad_fn.next_functions] == ["torch::autograd::AccumulateGrad", None]
    assert len((x**2).grad_fn.next_functions) == 1
    assert [n is None for n, _ in (tl.ones(2, 2) @ x).grad_fn.next_functions] == [True, False]
    assert [n is None for n, _ in tl.cat([x, tl.ones(2, 2)]).grad_fn.next_functions] == [False, True]
