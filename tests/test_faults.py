"""Faults injected into saving: a kill before and after every call into the system, and disks that are full."""

import errno
import os
import signal
import sys

import numpy as np
import pytest

import tensorlite as tl
from tensorlite import nn
from tensorlite.callbacks import Checkpoint

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def in_a_child(action):
    """The status of a forked process that runs ``action``."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def killed_at(moment, action):
    """Run ``action`` and kill the process at the n-th event of its calls to files and to the system; False once it lives."""

    def script():
        left = moment

        def watch(frame, event, call):
            nonlocal left
            of = type(getattr(call, "__self__", None)).__module__
            if event.startswith("c_") and (getattr(call, "__module__", None) == "posix" or of == "_io"):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(watch)
        action()

    status = in_a_child(script)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def model_of(n):
    model = nn.model.Model("basic", [2, 3])
    for p in model.parameters():
        p.data.fill_(n)
    return model


def save_tensors(path, n):
    tl.save({"n": tl.full((1000,), float(n))}, path)


def load_tensors(path):
    values = np.unique(tl.load(path)["n"].numpy())
    return int(values[0]) if values.size == 1 else None


def save_model(path, n):
    model_of(n).save(path)


def load_model(path):
    values = {float(v) for p in nn.model.Model.load(path).parameters() for v in p.flatten()}
    return int(values.pop()) if len(values) == 1 else None


def save_parameters(path, n):
    model_of(n).save_parameters(path)


def load_parameters(path):
    model = model_of(9)
    model.load_parameters(path)
    return int(next(model.parameters())[0, 0])


def save_checkpoint(path, n):
    os.makedirs(path, exist_ok=True)
    Checkpoint(path, table=np.full(1000, n), n=n).save()


def load_checkpoint(path):
    checkpoint = Checkpoint(path, table=None, n=None)
    assert checkpoint.restore()
    return checkpoint.n if (checkpoint.table == checkpoint.n).all() else None


KINDS = {
    "tensors": (save_tensors, load_tensors),
    "model": (save_model, load_model),
    "parameters": (save_parameters, load_parameters),
    "checkpoint": (save_checkpoint, load_checkpoint),
}


@pytest.mark.parametrize("kind", ["tensors", "model", "checkpoint", pytest.param("parameters", marks=pytest.mark.slow)])
def test_a_kill_at_every_call_leaves_the_old_or_the_new(tmp_path, kind):
    save, load = KINDS[kind]
    path = str(tmp_path / "kept.tl")
    save(path, 1)
    moment, found = 0, []
    while killed_at(moment, lambda: save(path, 2)):
        found.append(load(path))
        save(path, 1)
        assert load(path) == 1
        moment += 1
        assert moment < 500
    assert load(path) == 2, "the last run came through"
    assert set(found) == {1, 2} and found == sorted(found), "the old one up to a moment, the new one after it"
    assert moment >= 12


def limited(room, action):
    """``action`` in a child whose files can't grow beyond ``room`` bytes: the system itself refuses to write on."""
    resource = pytest.importorskip("resource")

    def script():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then write() fails with an error
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            action()
        except OSError as error:
            os._exit(3 if error.errno == errno.EFBIG else 4)

    return os.WEXITSTATUS(in_a_child(script))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("room", [0, 1, 100, 500])
def test_a_write_that_the_system_refuses_loses_nothing(tmp_path, kind, room):
    save, load = KINDS[kind]
    path = str(tmp_path / "kept.tl")
    save(path, 1)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    assert limited(room, lambda: save(path, 2)) == 3
    assert load(path) == 1
    assert sorted(p.name for p in tmp_path.rglob("*")) == before, "nothing half-written is left behind"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_device_is_an_error():
    with pytest.raises(OSError, match="No space left"):
        tl.save({"n": tl.ones(10)}, "/dev/full")
