"""Data sets, samplers and loaders against PyTorch's."""

import collections
import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import data as ours

torch = pytest.importorskip("torch")
import torch.utils.data as theirs

X = np.arange(40, dtype=np.float32).reshape(20, 2)
Y = np.arange(20)


def both(seed=0):
    tl.manual_seed(seed)
    torch.manual_seed(seed)


def plain(batch):
    """Nested lists with dtypes, of either framework's batch."""
    if hasattr(batch, "tolist"):
        return str(batch.dtype), batch.tolist()
    if isinstance(batch, dict):
        return {k: plain(v) for k, v in batch.items()}
    if isinstance(batch, (list, tuple, collections.UserList)):
        return type(batch).__name__, [plain(b) for b in batch]
    return batch


def pair():
    return ours.TensorDataset(tl.tensor(X), tl.tensor(Y)), theirs.TensorDataset(torch.tensor(X), torch.tensor(Y))


def same_errors(call):
    with pytest.raises(Exception) as b:
        call(theirs, torch)
    with pytest.raises(b.type) as a:
        call(ours, tl)
    return a.value, b.value


class Squares(ours.Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, i):
        if i == 7:
            raise KeyError("seven")
        return i * i


class Mine(ours.TensorDataset):
    def __getitem__(self, i):
        return self.tensors[0][i] * 2


class Odd(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


class Raises(ours.Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 4

    def __getitem__(self, i):
        raise self.error


class Random(ours.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        import random

        info = ours.get_worker_info()
        return tl.rand(1), random.random(), np.random.rand(), info.id, info.num_workers, info.seed


class TorchRandom(theirs.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        import random

        info = theirs.get_worker_info()
        return torch.rand(1), random.random(), np.random.rand(), info.id, info.num_workers, info.seed


def stream(base, n=10):
    class Stream(base):
        def __len__(self):
            return n

        def __iter__(self):
            info = (ours if base is ours.IterableDataset else theirs).get_worker_info()
            return iter(range(n) if info is None else range(info.id * 100, info.id * 100 + n - 3 * info.id))

    return Stream()


# -- loaders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
def test_shuffled_epochs(workers, given, drop_last):
    a, b = pair()
    both(3)
    ga, gb = (tl.Generator().manual_seed(9), torch.Generator().manual_seed(9)) if given else (None, None)
    options = {"batch_size": 6, "shuffle": True, "num_workers": workers, "drop_last": drop_last}
    la, lb = ours.DataLoader(a, generator=ga, **options), theirs.DataLoader(b, generator=gb, **options)
    assert len(la) == len(lb)
    for _ in range(3):
        assert [plain(x) for x in la] == [plain(x) for x in lb]
        assert tl.rand(1).item() == torch.rand(1).item()
        next(iter(la)), next(iter(lb))


@pytest.mark.parametrize("workers", [0, 1])
def test_other_samplers(workers):
    a, b = pair()
    w = np.linspace(0.1, 3, 20)
    for make in (
        lambda m, d: m.RandomSampler(d, replacement=True, num_samples=70),
        lambda m, d: m.RandomSampler(d, num_samples=45),
        lambda m, d: m.SubsetRandomSampler([3, 1, 8, 5]),
        lambda m, d: m.WeightedRandomSampler(w, 50),
        lambda m, d: m.WeightedRandomSampler(list(w), 10, replacement=False),
        lambda m, d: m.DistributedSampler(d, 3, 1, seed=4),
        lambda m, d: m.DistributedSampler(d, 3, 2, shuffle=False, drop_last=True),
        lambda m, d: m.DistributedSampler(d, 64, 50),
    ):
        both(1)
        sa = make(ours, a)
        sb = make(theirs, b) if not isinstance(sa, ours.DistributedSampler) else None
        if sb is None:
            from torch.utils.data.distributed import DistributedSampler

            sb = make(type("m", (), {"DistributedSampler": DistributedSampler}), b)
        assert len(sa) == len(sb) and list(sa) == list(sb)
        la, lb = (m.DataLoader(d, 4, sampler=s, num_workers=workers) for m, d, s in ((ours, a, sa), (theirs, b, sb)))
        assert [plain(x) for x in la] == [plain(x) for x in lb]


def test_a_sampler_of_ten_billion():
    sampler = ours.RandomSampler(range(10), replacement=True, num_samples=10**10)
    assert len(sampler) == 10**10
    assert 0 <= next(iter(sampler)) < 10
    assert next(iter(ours.DataLoader(pair()[0], 4, sampler=sampler)))[0].shape == (4, 2)


def test_fast_path_is_the_slow_path():
    a, _ = pair()
    subset = ours.Subset(ours.Subset(a, [5, 3, 1, 8, 9]), [4, 2, 0])
    for data in (a, subset):
        fast = [plain(b) for b in ours.DataLoader(data, 3)]
        slow = [plain(b) for b in ours.DataLoader(data, 3, collate_fn=lambda samples: ours.default_collate(samples))]
        assert fast == slow
    assert plain(next(iter(ours.DataLoader(Mine(tl.tensor(X)), 2)))) == ("torch.float32", (X[:2] * 2).tolist())
    batch = next(iter(ours.DataLoader(a, 3)))
    batch[0].zero_()  # a copy, not the data
    assert a.tensors[0].sum().item() == X.sum()


def test_gradients_pass_through_batches():
    x = tl.tensor(X, requires_grad=True)
    loader = ours.DataLoader(ours.TensorDataset(x), 8)
    sum(b.sum() for (b,) in loader).backward()
    assert (x.grad == 1).all()


def test_without_batches():
    a, b = pair()
    assert [plain(x) for x in ours.DataLoader(a, None)] == [plain(x) for x in theirs.DataLoader(b, None)]
    batches = [[0, 3], [5], [1, 1, 2]]
    assert [plain(x) for x in ours.DataLoader(a, batch_sampler=batches)] == [
        plain(x) for x in theirs.DataLoader(b, batch_sampler=batches)
    ]
    assert list(ours.DataLoader([1, 2, 3], None)) == [1, 2, 3]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("size, drop_last", [(3, False), (3, True), (None, False)])
def test_streams(workers, size, drop_last):
    a, b = stream(ours.IterableDataset), stream(theirs.IterableDataset)
    la, lb = (m.DataLoader(d, size, drop_last=drop_last, num_workers=workers) for m, d in ((ours, a), (theirs, b)))
    assert [plain(x) for x in la] == [plain(x) for x in lb]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(la) == len(lb)
    chained = ours.ChainDataset([a, a])
    assert len(list(chained)) == 20 == len(chained)
    assert isinstance(a + a, ours.ChainDataset)


def test_persistent_workers():
    a, b = pair()
    both(2)
    options = {"batch_size": 6, "shuffle": True, "num_workers": 2, "persistent_workers": True}
    la, lb = ours.DataLoader(a, **options), theirs.DataLoader(b, **options)
    pids = None
    for _ in range(3):
        assert [plain(x) for x in la] == [plain(x) for x in lb]
        now = [p.pid for p in la._iterator.processes]
        assert pids in (None, now)
        pids = now
    next(iter(la))
    assert len(list(la)) == 4  # a pass that was left early leaves nothing behind
    la._iterator.close()


def test_workers_are_seeded_as_pytorchs():
    both(5)
    la, lb = ours.DataLoader(Random(), 2, num_workers=2), theirs.DataLoader(TorchRandom(), 2, num_workers=2)
    assert [plain(x) for x in la] == [plain(x) for x in lb]
    assert ours.get_worker_info() is None


def test_a_workers_error_reaches_the_user():
    with pytest.raises(KeyError, match="seven") as error:
        list(ours.DataLoader(Squares(), 2, num_workers=2))
    assert "Caught KeyError in DataLoader worker process 1" in str(error.value)
    assert "test_data.py" in str(error.value) and 'raise KeyError("seven")' in str(error.value)
    with pytest.raises(ZeroDivisionError, match="worker process 0"):
        list(ours.DataLoader(Raises(ZeroDivisionError("x")), num_workers=1))
    with pytest.raises(RuntimeError, match="Caught Odd"):
        list(ours.DataLoader(Raises(Odd(1, 2)), num_workers=1))

    class Local(Exception):
        pass

    with pytest.raises(RuntimeError, match="Local"):
        list(ours.DataLoader(Raises(Local("x")), num_workers=1))

    def init(number):
        raise ValueError("no init")

    with pytest.raises(ValueError, match="no init"):
        list(ours.DataLoader(pair()[0], num_workers=1, worker_init_fn=init))
    with pytest.raises(Exception, match=r"[Pp]ickle"):
        list(ours.DataLoader(pair()[0], num_workers=1, collate_fn=lambda samples: lambda: 0))


class Sleeps(Squares):
    def __getitem__(self, i):
        time.sleep(60)


class Dies(Squares):
    def __getitem__(self, i):
        os._exit(3)


def test_a_worker_that_sleeps_or_dies():
    with pytest.raises(RuntimeError, match=r"timed out after 0\.2 seconds"):
        list(ours.DataLoader(Sleeps(), num_workers=1, timeout=0.2))
    with pytest.raises(RuntimeError, match=r"exited unexpectedly .exit code 3."):
        list(ours.DataLoader(Dies(), num_workers=1))


def alive(pids):
    return [
        pid for pid in pids if os.path.exists(f"/proc/{pid}") and "Z" not in open(f"/proc/{pid}/stat").read().split()[2]
    ]


CHILD = """
import sys, time
import tensorlite as tl
class Slow(tl.data.Dataset):
    def __len__(self): return 1000
    def __getitem__(self, i):
        time.sleep(0.05)
        return i
loader = tl.data.DataLoader(Slow(), 4, num_workers=2)
iterator = iter(loader)
print(*[p.pid for p in iterator.processes], flush=True)
for batch in iterator:
    pass
"""


@pytest.mark.skipif(not os.path.exists("/proc"), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_its_parent(how):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    pids = [int(p) for p in child.stdout.readline().split()]
    assert len(alive(pids)) == 2
    time.sleep(0.3)
    if how == signal.SIGINT:
        os.killpg(child.pid, how)  # as a terminal does it
    else:
        child.send_signal(how)
    _, errors = child.communicate(timeout=20)
    if how == signal.SIGINT:
        assert errors.count("KeyboardInterrupt") == 1
    deadline = time.monotonic() + 10
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pids)


def test_loaders_in_any_order_and_with_spawn():
    a, _ = pair()
    loader = ours.DataLoader(a, 4, num_workers=2, in_order=False)
    assert sorted(y for _, ys in loader for y in ys.tolist()) == list(range(20))


@pytest.mark.slow
def test_spawned_workers():
    a, _ = pair()
    loader = ours.DataLoader(a, 8, num_workers=1, multiprocessing_context="spawn")
    assert [len(y) for _, y in loader] == [8, 8, 4]


# -- data sets -------------------------------------------------------------------------------------


def test_dataset_families():
    a, b = pair()
    assert plain((a + a)[25]) == plain((b + b)[25]) and len(a + a) == 40
    assert plain(ours.ConcatDataset([a, a])[-3]) == plain(theirs.ConcatDataset([b, b])[-3])
    for make in (lambda m, d: m.StackDataset(d, d), lambda m, d: m.StackDataset(u=d, v=d)):
        assert plain(make(ours, a)[4]) == plain(make(theirs, b)[4])
        both()
        la, lb = ours.DataLoader(make(ours, a), 4, shuffle=True), theirs.DataLoader(make(theirs, b), 4, shuffle=True)
        assert [plain(x) for x in la] == [plain(x) for x in lb]

    class Typed(ours.Dataset[int]):
        pass

    with pytest.raises(NotImplementedError):
        Typed()[0]


@pytest.mark.parametrize("lengths", [[15, 5], [0.75, 0.25], [0.33, 0.33, 0.34], [20]])
def test_random_split(lengths):
    a, b = pair()
    both(8)
    assert [s.indices for s in ours.random_split(a, lengths)] == [s.indices for s in theirs.random_split(b, lengths)]
    ga, gb = tl.Generator().manual_seed(42), torch.Generator().manual_seed(42)
    assert [s.indices for s in ours.random_split(a, lengths, ga)] == [
        s.indices for s in theirs.random_split(b, lengths, gb)
    ]


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "samples",
    [
        [1, 2, 3],
        [True, False],
        [1.5, 2.5],
        ["a", "b"],
        [b"a"],
        [np.float32(1), np.float32(2)],
        [np.int8(1), np.int8(2)],
        [np.bool_(True)],
        [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)],
        [(1, "a"), (2, "b")],
        [[1, 2.0], [3, 4.0]],
        [{"x": 1, "y": np.ones(2)}, {"x": 2, "y": np.zeros(2)}],
        [Point(1, 2.0), Point(3, 4.0)],
        [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
        [collections.UserList([1, 2]), collections.UserList([3, 4])],
        [range(3), range(3)],
    ],
)
def test_collate(samples):
    a, b = ours.default_collate(samples), theirs.default_collate(samples)
    assert plain(a) == plain(b) and type(a).__name__ == type(b).__name__
    a, b = ours.default_convert(samples), theirs.default_convert(samples)
    assert plain(a) == plain(b) and type(a).__name__ == type(b).__name__


@pytest.mark.parametrize(
    "call",
    [
        lambda m, t: m.default_collate([object()]),
        lambda m, t: m.default_collate([None]),
        lambda m, t: m.default_collate([[1], [1, 2]]),
        lambda m, t: m.default_collate([np.array(["a"])]),
        lambda m, t: m.default_collate([t.zeros(2), t.zeros(3)]),
        lambda m, t: m.DataLoader([1], 0),
        lambda m, t: m.DataLoader([1], -1),
        lambda m, t: m.DataLoader([1], 1.5),
        lambda m, t: m.DataLoader([1], num_workers=-1),
        lambda m, t: m.DataLoader([1], timeout=-1),
        lambda m, t: iter(m.DataLoader([1], timeout=1)),
        lambda m, t: m.DataLoader([1], prefetch_factor=2),
        lambda m, t: m.DataLoader([1], persistent_workers=True),
        lambda m, t: m.DataLoader([1], shuffle=True, sampler=[0]),
        lambda m, t: m.DataLoader([1], 2, batch_sampler=[[0]]),
        lambda m, t: m.DataLoader([1], None, drop_last=True),
        lambda m, t: m.DataLoader([], shuffle=True),
        lambda m, t: m.DataLoader([1], multiprocessing_context="fork"),
        lambda m, t: m.DataLoader([1], num_workers=1, multiprocessing_context="spoon"),
        lambda m, t: m.DataLoader([1], num_workers=1, multiprocessing_context=4),
        lambda m, t: m.DataLoader(type("S", (m.IterableDataset,), {"__iter__": iter})(), shuffle=True),
        lambda m, t: setattr(m.DataLoader([1]), "batch_size", 3),
        lambda m, t: len(m.DataLoader(type("S", (m.IterableDataset,), {"__iter__": lambda s: iter(())})())),
        lambda m, t: m.RandomSampler([1], replacement=1),
        lambda m, t: m.RandomSampler([1], num_samples=0),
        lambda m, t: m.WeightedRandomSampler([1.0], 0),
        lambda m, t: m.WeightedRandomSampler([[1.0]], 1),
        lambda m, t: m.WeightedRandomSampler([1.0], 1, replacement=2),
        lambda m, t: m.BatchSampler([1], 2, None),
        lambda m, t: m.TensorDataset(t.zeros(2), t.zeros(3)),
        lambda m, t: m.StackDataset(),
        lambda m, t: m.StackDataset([1], b=[1]),
        lambda m, t: m.StackDataset([1], [1, 2]),
        lambda m, t: m.ConcatDataset([]),
        lambda m, t: m.ConcatDataset([[1]])[-2],
        lambda m, t: m.ConcatDataset([[1]])[1],
        lambda m, t: m.random_split([1, 2], [1, 2]),
        lambda m, t: m.random_split([1, 2], [1.5, -0.5]),
        lambda m, t: type("S", (m.Subset,), {"__getitem__": lambda s, i: 0})([1], [0]),
        lambda m, t: next(iter(m.DataLoader(m.TensorDataset(t.zeros(2)), sampler=[5]))),
    ],
)
def test_errors_are_pytorchs(call):
    same_errors(call)


def test_warnings():
    with pytest.warns(UserWarning, match="no accelerator is found"):
        list(ours.DataLoader([1], pin_memory=True))
    with pytest.warns(UserWarning, match="will create 99 worker processes"):
        ours.DataLoader([1], num_workers=99)
    with pytest.warns(UserWarning, match="split at index 1 is 0"):
        ours.random_split([1], [1.0, 0.0])
    short = stream(ours.IterableDataset)
    short.__class__.__len__ = lambda self: 2
    loader = ours.DataLoader(short, 1)
    len(loader)
    with pytest.warns(UserWarning, match="reported to be 2"):
        list(loader)


def test_doors():
    from tensorlite.utils.data import DataLoader, get_worker_info, random_split  # noqa: F401
    from tensorlite.utils.data.dataset import TensorDataset
    from tensorlite.utils.data.distributed import DistributedSampler  # noqa: F401
    from tensorlite.utils.data.sampler import SubsetRandomSampler  # noqa: F401

    assert tl.utils.data.DataLoader is DataLoader is ours.DataLoader
    assert TensorDataset is ours.TensorDataset
    with pytest.raises(AttributeError, match="nonsense"):
        tl.utils.nonsense


def test_a_big_shuffled_epoch_is_fast():
    x = tl.zeros(60_000, 784, dtype=tl.uint8)
    loader = ours.DataLoader(ours.TensorDataset(x, tl.arange(60_000)), 64, shuffle=True)
    start = time.perf_counter()
    assert sum(len(y) for _, y in loader) == 60_000
    assert time.perf_counter() - start < 1.0


def test_collate_where_pytorch_keeps_it():
    from tensorlite.utils.data._utils.collate import collate, default_collate

    assert default_collate is ours.default_collate and tl.utils.data._utils.collate.collate is collate
    assert collate([1, 2], collate_fn_map={int: lambda batch, collate_fn_map: sum(batch)}) == 3


def test_a_forked_process_leaves_the_workers_of_its_parent_alone():
    batches = iter(ours.DataLoader(range(8), num_workers=1))
    next(batches)
    with warnings.catch_warnings():  # Python warns of forking beside threads
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        try:
            batches.close()
        finally:
            os._exit(1 if batches.close.alive else 0)
    assert os.waitpid(pid, 0)[1] == 0
    assert [b.item() for b in batches] == list(range(1, 8))
