"""Checkpoints: exact resume after a kill, refusal of damaged files, and faults while saving."""

import errno
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.callbacks import Callback, Checkpoint, EarlyStopping
from tensorlite.checkpoint import DamagedCheckpoint, Resumable, files

SCRIPT = os.path.join(os.path.dirname(__file__), "resume_run.py")


def run(folder, kind, epoch, step):
    folder.mkdir(exist_ok=True)
    command = [sys.executable, SCRIPT, str(folder), kind, str(epoch), str(step)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("kind", ["arrays", pytest.param("loader", marks=pytest.mark.slow)])
def test_killed_and_resumed_is_never_interrupted(tmp_path, kind):
    """Weights, moments, history, log, files and all random streams: bit for bit, from an epoch's end or its middle."""
    whole = run(tmp_path / "whole", kind, -1, 0)
    assert whole.returncode == 0, whole.stderr
    expected = np.load(tmp_path / "whole" / "result.npz")
    for step in (1, 8):  # without and with checkpoints in the middle of an epoch
        folder = tmp_path / str(step)
        assert run(folder, kind, 4, step).returncode == -signal.SIGKILL
        assert not (folder / "result.npz").exists()
        partial = Checkpoint.load(folder / "run")["run"]["partial"]
        assert (partial is None) == (step == 1)
        again = run(folder, kind, -1, step)
        assert again.returncode == 0, again.stderr
        got = np.load(folder / "result.npz")
        assert sorted(got) == sorted(expected)
        for name in expected:
            np.testing.assert_array_equal(got[name], expected[name], err_msg=name)


# -- in a loop of one's own --------------------------------------------------------------------------------


class Crash(Exception):
    pass


def own_loop(folder, crash_at=None, epochs=4):
    """PyTorch style, with a checkpoint every two steps."""
    generator = tl.Generator().manual_seed(5)
    data = tl.data.TensorDataset(tl.arange(20.0).reshape(20, 1) / 10)
    loader = tl.data.DataLoader(data, batch_size=3, shuffle=True, generator=generator)
    model = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = tl.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scheduler = tl.optim.lr_scheduler.StepLR(optimizer, 2)
    losses = {"epoch": 0, "values": []}
    checkpoint = Checkpoint(folder, model=model, optimizer=optimizer, scheduler=scheduler, loader=loader, extra=losses)
    checkpoint.restore()
    for epoch in range(losses["epoch"], epochs):
        for step, (x,) in enumerate(checkpoint.loader):
            loss = (model(x) - 2 * x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses["values"].append(loss.item())
            if step % 2:
                checkpoint.save()
            if len(losses["values"]) == crash_at:
                raise Crash
        scheduler.step()
        losses["epoch"] = epoch + 1
        checkpoint.save()
    return losses["values"], model.state_dict(), optimizer.param_groups[0]["lr"], tl.rand(3)


@pytest.mark.parametrize("crash_at", [2, 3, 7, 9, 15, 27])
def test_own_loop_resumes(tmp_path, crash_at):
    tl.manual_seed(0)
    expected = own_loop(tmp_path / "whole")
    tl.manual_seed(0)
    with pytest.raises(Crash):
        own_loop(tmp_path / "parts", crash_at)
    tl.manual_seed(99)
    got = own_loop(tmp_path / "parts")
    assert got[0] == expected[0] and got[2] == expected[2]
    for name, value in expected[1].items():
        np.testing.assert_array_equal(got[1][name].numpy(), value.numpy())
    np.testing.assert_array_equal(got[3].numpy(), expected[3].numpy())


def test_parts_of_all_kinds(tmp_path):
    path = tmp_path / "one.tl"
    generator = tl.Generator().manual_seed(1)
    share = tl.data.DistributedSampler(range(6), 2, 0)
    order = tl.data.RandomSampler(range(6), generator=tl.Generator().manual_seed(2))
    checkpoint = Checkpoint(noise=generator, sampler=share, order=order, best=0.5, note="hello", table=np.eye(2))
    share.set_epoch(3)
    checkpoint.best = 0.75
    checkpoint.save(path)
    expected = tl.rand(2, generator=generator), list(order), tl.rand(2)
    share.set_epoch(9)
    checkpoint.best = checkpoint.note = None
    assert checkpoint.restore(path)
    assert checkpoint.best == 0.75 and checkpoint.note == "hello" and share.epoch == 3
    assert (tl.rand(2, generator=generator) == expected[0]).all() and list(order) == expected[1]
    assert (tl.rand(2) == expected[2]).all()
    with pytest.raises(ValueError, match="holds noise"):
        Checkpoint(other=1).restore(path)
    with pytest.raises(ValueError, match="name 'save'"):
        Checkpoint(save=1)
    with pytest.raises(ValueError, match="folder"):
        Checkpoint(a=1).save()
    with pytest.raises(ValueError, match="every"):
        Checkpoint(tmp_path, every=0)
    with pytest.raises(TypeError, match="can't write"):
        Checkpoint(x=object()).save(tmp_path / "two.tl")
    assert os.listdir(tmp_path) == ["one.tl"]
    content = tl.load(path)  # an ordinary archive, too
    assert content["parts"]["note"] == "hello"


def test_shorter_data_is_noticed():
    long = Resumable(lambda: iter(range(5)))
    taken = iter(long)
    for _ in range(4):
        next(taken)
    short = Resumable(lambda: iter(range(3)))
    short.load_state_dict(long.state_dict())
    with pytest.raises(RuntimeError, match=r"after 4 batches.*only 3"):
        list(short)


# -- damage ------------------------------------------------------------------------------------------------


def damages(content):
    yield content[: len(content) // 2]
    yield content[:-1]
    yield b""
    for at in (3, len(content) // 3, len(content) - 80, len(content) - 10):
        yield content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    yield content + b"x"


def test_damaged_checkpoints_are_refused_and_the_one_before_is_offered(tmp_path):
    model = nn.Linear(3, 2)
    checkpoint = Checkpoint(tmp_path, model=model, n=0)
    paths = []
    for checkpoint.n in range(4):
        paths.append(checkpoint.save())
    assert sorted(os.listdir(tmp_path)) == [os.path.basename(p) for p in paths[2:]]
    assert Checkpoint.latest(tmp_path) == paths[3]
    whole = open(paths[3], "rb").read()
    for content in damages(whole):
        with open(paths[3], "wb") as file:
            file.write(content)
        checkpoint.n = "untouched"
        with pytest.raises(DamagedCheckpoint, match="00000003") as error:
            checkpoint.restore()
        assert error.value.previous == paths[2] and repr(paths[2]) in str(error.value)
        assert checkpoint.n == "untouched"
    assert checkpoint.restore(paths[2]) and checkpoint.n == 2
    with open(paths[2], "r+b") as file:
        file.truncate(100)
    with pytest.raises(DamagedCheckpoint, match="no older"):
        Checkpoint.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        Checkpoint.load(tmp_path / "nothing")
    os.makedirs(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        Checkpoint.load(tmp_path / "empty")
    assert not Checkpoint(tmp_path / "none", n=1).restore()


def test_a_later_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "VERSION", 2)
    Checkpoint(n=1).save(tmp_path / "new.tl")
    monkeypatch.undo()
    with pytest.raises(DamagedCheckpoint, match=r"version 2.*up to 1"):
        Checkpoint(n=1).restore(tmp_path / "new.tl")


# -- faults while saving -----------------------------------------------------------------------------------


class FullDisk:
    """A file that takes only so many bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        if len(data) > self.room:
            self.file.write(bytes(data[: self.room]))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(data)
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1, 1000, 10_000])
def test_a_full_disk_loses_nothing(tmp_path, monkeypatch, room):
    checkpoint = Checkpoint(tmp_path, table=np.zeros(2000))
    first = checkpoint.save()
    fdopen = os.fdopen

    class Opened:
        def __init__(self, *args):
            self.file = fdopen(*args)

        def __enter__(self):
            return FullDisk(self.file.__enter__(), room)

        def __exit__(self, *exc):
            return self.file.__exit__(*exc)

    monkeypatch.setattr(os, "fdopen", Opened)
    checkpoint.table = np.ones(2000)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save()
    monkeypatch.undo()
    assert os.listdir(tmp_path) == [os.path.basename(first)]
    checkpoint.restore()
    assert checkpoint.table.sum() == 0


def test_training_outlives_a_full_disk(tmp_path, monkeypatch):
    def full(obj, path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write", full)
    model = nn.model.Model("basic", [2, 2])
    with pytest.warns(RuntimeWarning, match="No space.*training goes on"):
        history = model.fit(tl.eye(2), [0, 1], epochs=3, verbose=0, callbacks=[Checkpoint(tmp_path)])
    assert len(history) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("call", ["fdopen", "write", "fsync", "chmod", "replace", "unlink"])
@pytest.mark.parametrize("late", [False, True])
def test_a_kill_at_each_moment_of_a_save_loses_nothing(tmp_path, call, late):
    checkpoint = Checkpoint(tmp_path, n=0)
    checkpoint.save()
    checkpoint.n = 1
    checkpoint.save()
    child = os.fork()
    if child == 0:

        def deadly(fn):
            def call(*args, **kwargs):
                if late:
                    fn(*args, **kwargs)
                os.kill(os.getpid(), signal.SIGKILL)

            return call

        try:
            if call == "write":
                original = files.hashlib.sha256  # asked for between the two parts of the file
                files.hashlib.sha256 = deadly(original)
            else:
                setattr(os, call, deadly(getattr(os, call)))
            checkpoint.n = 2
            checkpoint.save()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    again = Checkpoint(tmp_path, n=None)
    assert again.restore() and again.n == (2 if call == "unlink" or (call, late) == ("replace", True) else 1)
    again.n = 3
    again.save()
    assert len(os.listdir(tmp_path)) == 2, "what the kill left behind is gone"
    assert again.restore() and again.n == 3


# -- the callback ------------------------------------------------------------------------------------------


def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 40)
    return rng.normal(size=(40, 3)) + y[:, None], y


def test_resume_ends_where_it_was_told(tmp_path):
    X, y = blobs()

    def trained(epochs, **options):
        tl.manual_seed(0)
        model = nn.model.Model("basic", [3, 4, 2])
        return model, model.fit(X, y, epochs=epochs, verbose=0, callbacks=[Checkpoint(tmp_path, **options)])

    assert trained(3)[1].epoch == [0, 1, 2]
    assert trained(3)[1].epoch == [0, 1, 2], "nothing left to do"
    model, history = trained(5)
    assert history.epoch == [0, 1, 2, 3, 4] and model.optimizer.iterations == 10
    assert trained(2, resume=False)[1].epoch == [0, 1]


def test_a_run_that_was_stopped_stays_stopped(tmp_path):
    X, y = blobs()
    results = []
    for _ in range(2):
        model = nn.model.Model("basic", [3, 4, 2])
        early = EarlyStopping("loss", min_delta=10.0, patience=2, restore_best_weights=True)
        history = model.fit(X, y, epochs=9, verbose=0, callbacks=[Checkpoint(tmp_path), early])
        assert history.epoch == [0, 1, 2] and "improved" in history.stopped
        results.append(model.get_parameters()[0][0])
    np.testing.assert_array_equal(*results)


def test_every_and_keep(tmp_path):
    X, y = blobs()
    seen = []

    class Look(Callback):
        late = True

        def on_epoch_end(self, run):
            seen.append(len(files.saved(tmp_path)))

    model = nn.model.Model("basic", [3, 2])
    model.fit(X, y, epochs=7, verbose=0, callbacks=[Checkpoint(tmp_path, every=3, keep=3), Look()])
    assert seen == [0, 0, 1, 1, 1, 2, 3]


def test_the_middle_of_an_epoch_needs_the_same_batches(tmp_path):
    X, y = blobs()

    class Stop(Callback):
        def on_step_end(self, run):
            if run.step_in_epoch == 3:
                raise Crash

    model = nn.model.Model("basic", [3, 2])
    with pytest.raises(Crash):
        model.fit(X, y, batch_size=8, verbose=0, callbacks=[Checkpoint(tmp_path, every_steps=2), Stop()])
    with pytest.raises(ValueError, match="batch_size"):
        model.fit(X, y, batch_size=4, verbose=0, callbacks=[Checkpoint(tmp_path)])
    with pytest.raises(ValueError, match="leave out model"):
        model.fit(X, y, verbose=0, callbacks=[Checkpoint(tmp_path, model=model)])
    with pytest.raises(ValueError, match="folder"):
        model.fit(X, y, verbose=0, callbacks=[Checkpoint()])
