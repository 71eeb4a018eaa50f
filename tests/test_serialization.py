"""Files: what goes in comes out, interrupted writes leave the old file, hostile files do nothing."""

import collections
import io
import json
import os
import pickle
import struct
import warnings
import zipfile

import numpy as np
import pytest

import tensorlite as tl
from tensorlite.optim import SGD, Adam
from tensorlite.serialization import archive as npz
from tensorlite.serialization import pytorch


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, tl.Tensor):
        assert a.dtype == b.dtype and a.shape == b.shape and a.requires_grad == b.requires_grad
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for k in a:
            same(a[k], b[k])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    else:
        assert a == b or (a != a and b != b)


def data():
    rng = np.random.default_rng(0)
    return {
        "tensors": [
            tl.tensor(rng.normal(size=s).astype(d))
            for s, d in [
                ((2, 3), "f4"),
                ((), "f8"),
                ((0, 3), "f4"),
                ((4,), "i8"),
                ((2,), "f2"),
                ((2, 2), "u1"),
                ((3,), "c8"),
            ]
        ],
        "bool": tl.tensor([True, False]),
        "grad": tl.ones(2, requires_grad=True),
        "parameter": tl.nn.Parameter(tl.ones(3)),
        "frozen": tl.nn.Parameter(tl.ones(3), requires_grad=False),
        "transposed": tl.tensor(rng.normal(size=(3, 4))).t(),
        "array": np.arange(6).reshape(2, 3)[:, ::2],
        "text": np.array(["a", "bc"]),
        "scalar": np.float64(1.5),
        1: {"nested": (1, 2.5, "x", None, True, b"\x00\xff", 3 + 4j, [])},
        (1, "key"): {1, 2},
        "numbers": [float("inf"), float("-inf"), float("nan"), 1e-300, 0.1, 2**80, -1],
        "ordered": collections.OrderedDict(b=1, a=2),
        "counter": collections.Counter([1, 1, 2]),
        "history": collections.defaultdict(list, loss=[1.0, tl.ones(1)]),
        "size": tl.Size([1, 2]),
        "dtype": tl.float64,
        "device": tl.device("cpu"),
        "": frozenset([3]),
    }


def test_round_trip(tmp_path):
    obj = data()
    path = tmp_path / "any name.bin"
    tl.save(obj, path)
    same(obj, tl.load(path))
    same(obj, tl.load(str(path), map_location="cpu", weights_only=True))
    same(obj, tl.load(path, map_location=lambda storage, where: storage, weights_only=False))
    buffer = io.BytesIO()
    tl.save(obj, buffer)
    buffer.seek(0)
    same(obj, tl.load(buffer))
    with open(path, "rb") as file:
        same(obj, tl.load(file))
    with open(path, "wb") as file:
        tl.save([1], file)
    assert tl.load(path) == [1]
    assert os.listdir(tmp_path) == ["any name.bin"]


def test_same_memory_is_stored_once_and_stays_the_same(tmp_path):
    w = tl.rand(1000)
    tl.save({"a": w, "b": w, "c": w.detach(), "d": w[:500]}, tmp_path / "f")
    assert os.path.getsize(tmp_path / "f") < 8000
    again = tl.load(tmp_path / "f")
    with tl.no_grad():
        again["a"].zero_()
    assert again["b"].sum().item() == 0 and again["c"].sum().item() == 0 and again["d"].sum().item() != 0


def test_the_file_is_numpy_s(tmp_path):
    tl.save({"a": tl.ones(2)}, tmp_path / "f")
    with np.load(tmp_path / "f", allow_pickle=False) as z:
        np.testing.assert_array_equal(z["0"], [1, 1])


def test_training_state(tmp_path):
    w = tl.ones(3, requires_grad=True)
    opt = Adam([w])
    schedule = tl.optim.lr_scheduler.MultiStepLR(opt, [1, 2])
    w.grad = tl.ones(3)
    opt.step()
    schedule.step()
    tl.save({"w": w, "opt": opt.state_dict(), "schedule": schedule.state_dict(), "epoch": 3}, tmp_path / "ck.pt")
    ck = tl.load(tmp_path / "ck.pt")
    again = Adam([ck["w"]])
    again.load_state_dict(ck["opt"])
    more = tl.optim.lr_scheduler.MultiStepLR(again, [1, 2])
    more.load_state_dict(ck["schedule"])
    for p, o in ((w, opt), (ck["w"], again)):
        p.grad = tl.ones(3)
        o.step()
    np.testing.assert_array_equal(w.detach().numpy(), ck["w"].detach().numpy())
    assert more.state_dict() == schedule.state_dict()


@pytest.mark.parametrize(
    "make,message",
    [
        (lambda: tl.nn.Linear(2, 2), r"Linear.state_dict\(\)"),
        (lambda: {"net": [tl.nn.Linear(2, 2)]}, r"at \['net'\]\[0\]"),
        (lambda: {"f": print}, r"builtin_function_or_method \(at \['f'\]"),
        (lambda: object(), "builtins.object"),
        (lambda: collections.defaultdict(lambda: 1), "collections.defaultdict"),
        (lambda: {"a": np.array([object()])}, r"Python objects \(at \['a'\]"),
        (lambda: collections.namedtuple("P", "x")(1), "P"),
    ],
)
def test_what_is_no_data(make, message, tmp_path):
    with pytest.raises(TypeError, match=message):
        tl.save(make(), tmp_path / "f")
    assert os.listdir(tmp_path) == []


def test_cycles(tmp_path):
    a = []
    a.append(a)
    with pytest.raises(ValueError, match="contains itself"):
        tl.save(a, tmp_path / "f")


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "f"
    tl.save([1], path)

    def interrupted(obj, file):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(npz, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tl.save([2], path)
    with monkeypatch.context() as m:
        m.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            tl.save([3], path)
    assert tl.load(path) == [1]
    assert os.listdir(tmp_path) == ["f"]


def test_paths(tmp_path):
    with pytest.raises(RuntimeError, match="Parent directory"):
        tl.save([1], tmp_path / "no" / "f")
    with pytest.raises(IsADirectoryError):
        tl.save([1], tmp_path)
    with pytest.raises(FileNotFoundError):
        tl.load(tmp_path / "f")
    with pytest.raises(AttributeError, match="int"):
        tl.load(3)
    with pytest.raises(AttributeError, match="int"):
        tl.save([1], 3)
    tl.save([1], tmp_path / "real")
    os.symlink(tmp_path / "real", tmp_path / "link")
    os.chmod(tmp_path / "real", 0o640)
    tl.save([2], tmp_path / "link")
    assert os.path.islink(tmp_path / "link") and tl.load(tmp_path / "real") == [2]
    assert os.stat(tmp_path / "real").st_mode & 0o777 == 0o640
    tl.save([1], os.devnull)
    for mode, call in (("w", lambda f: tl.save([1], f)), ("r", tl.load)):
        with open(tmp_path / "text", mode) as file, pytest.raises(TypeError, match="binary"):
            call(file)


def test_options_are_refused(tmp_path):
    tl.save([1], tmp_path / "f")
    for options in (dict(map_location="cuda"), dict(map_location="cuda:0")):
        with pytest.raises(RuntimeError, match="map_location"):
            tl.load(tmp_path / "f", **options)
    with pytest.raises(NotImplementedError, match="mmap"):
        tl.load(tmp_path / "f", mmap=True)
    with pytest.raises(TypeError):
        tl.load(tmp_path / "f", pickle_module=pickle)
    with pytest.raises(TypeError):
        tl.save([1], tmp_path / "f", pickle_module=pickle)
    with pytest.raises(NotImplementedError, match="plain data"):
        tl.serialization.add_safe_globals([dict])
    with tl.serialization.safe_globals([]):
        assert tl.serialization.get_safe_globals() == []


def test_truncated_and_corrupt_files(tmp_path):
    path = tmp_path / "weights.pt"
    tl.save({"w": tl.rand(1000)}, path)
    whole = path.read_bytes()
    for n in (0, 1, 5, 50, 500, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:n])
        with pytest.raises(RuntimeError, match=r"weights\.pt"):
            tl.load(path)
    for spot in (900, 3000):
        damaged = bytearray(whole)
        damaged[spot] ^= 255
        path.write_bytes(damaged)
        with pytest.raises(RuntimeError, match=r"weights\.pt"):
            tl.load(path)
    path.write_bytes(b"hello, this is text")
    with pytest.raises(RuntimeError, match="unknown format"):
        tl.load(path)
    np.savez(tmp_path / "plain.npz", a=np.ones(2))
    with pytest.raises(RuntimeError, match=r"numpy\.load"):
        tl.load(tmp_path / "plain.npz")
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("manifest.json", json.dumps({"format": "tensorlite", "version": 99, "content": 1}))
    with pytest.raises(RuntimeError, match="version 99"):
        tl.load(path)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("manifest.json", json.dumps({"format": "tensorlite", "version": 1, "content": {"!": "module"}}))
    with pytest.raises(RuntimeError, match="unknown kind"):
        tl.load(path)


# -- safetensors -------------------------------------------------------------------------------------


def test_safetensors_both_ways(tmp_path):
    pytest.importorskip("safetensors")
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    path = tmp_path / "w.safetensors"
    w = tl.rand(3, 4)
    ours = {
        "w": w,
        "t": w.t(),
        "cut": w[::2, 1:3],
        "p": tl.nn.Parameter(tl.ones(2)),
        "i": tl.arange(3),
        "s": tl.tensor(2.0),
    }
    tl.save(ours, path)
    theirs = load_file(path)
    for k, v in ours.items():
        np.testing.assert_array_equal(v.detach().numpy(), theirs[k].numpy())
        np.testing.assert_array_equal(v.detach().numpy(), tl.load(path)[k].numpy())
    save_file({"a": torch.rand(2, 3), "b": torch.arange(4), "h": torch.ones(2, dtype=torch.bfloat16) / 3}, path)
    with pytest.warns(UserWarning, match="bfloat16"):
        again = tl.load(path)
    for k, v in load_file(path).items():
        np.testing.assert_array_equal(again[k].numpy(), v.float().numpy() if k == "h" else v.numpy())
    again["a"].zero_()  # writable
    model, twin = tl.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    tl.save(model.state_dict(), path)
    twin.load_state_dict(load_file(path))
    np.testing.assert_array_equal(twin.weight.detach().numpy(), model.weight.detach().numpy())
    for wrong in ([tl.ones(1)], {"a": 1}, {"a": {"b": tl.ones(1)}}, {1: tl.ones(1)}):
        with pytest.raises(TypeError, match="safetensors"):
            tl.save(wrong, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises(RuntimeError, match=r"w\.safetensors"):
        tl.load(path)


# -- files of torch.save -----------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [True, False])
def test_pytorch_files(tmp_path, zipped):
    torch = pytest.importorskip("torch")
    base = torch.arange(12.0).reshape(3, 4)
    obj = {
        "a": base, "b": base.t(), "c": base[1:, ::2], "p": torch.nn.Parameter(torch.ones(2)), "i": torch.tensor(3),
        "none": torch.zeros(0, 3), "expanded": torch.ones(1).expand(3), "bool": torch.tensor([True]),
        "h": torch.ones(2).half(), "u": torch.ones(2, dtype=torch.uint8), "z": torch.ones(2, dtype=torch.complex64),
        "d": torch.ones(2).double(), "g": torch.ones(2, requires_grad=True), "u16": torch.ones(2, dtype=torch.uint16),
        "size": torch.Size([1, 2]), "dtype": torch.float32, "device": torch.device("cpu"),
        "l": [1, 2.5, "x", None, True, (1, 2), 2**70, {"k": torch.int64}], "bytes": b"a\xff", "set": {1}, "c2": 1 + 2j,
    }  # fmt: skip
    path = tmp_path / "f.pt"
    torch.save(obj, path, _use_new_zipfile_serialization=zipped)
    for source in (path, io.BytesIO(path.read_bytes())):
        got = tl.load(source)
        for k, v in obj.items():
            if isinstance(v, torch.Tensor):
                assert str(got[k].dtype) == str(v.dtype) and got[k].requires_grad == v.requires_grad
                np.testing.assert_array_equal(got[k].detach().numpy(), v.detach().numpy())
        assert isinstance(got["p"], tl.nn.Parameter)
        assert got["l"] == [1, 2.5, "x", None, True, (1, 2), 2**70, {"k": tl.int64}]
        assert got["size"] == (1, 2) and got["dtype"] == tl.float32 and got["device"] == tl.device("cpu")
        assert got["bytes"] == b"a\xff" and got["set"] == {1} and got["c2"] == 1 + 2j
        got["a"][0, 0] = 7.0  # storages stay shared
        assert got["b"][0, 0].item() == 7.0
    whole = path.read_bytes()
    for n in (5, 100, len(whole) // 2, len(whole) - 40):
        path.write_bytes(whole[:n])
        with pytest.raises((RuntimeError, pickle.UnpicklingError)):
            tl.load(path)


def test_bfloat16_and_checkpoints_of_pytorch(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "f.pt"
    value = torch.randn(3, 4).bfloat16()
    torch.save({"x": value.t(), "dtype": torch.bfloat16}, path)
    with pytest.warns(UserWarning, match="bfloat16"):
        got = tl.load(path)
    assert got["x"].dtype == tl.float32
    np.testing.assert_array_equal(got["x"].numpy(), value.t().float().numpy())

    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    opt = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.MultiStepLR(opt, [1, 2])
    model(torch.ones(4, 3)).sum().backward()
    opt.step()
    torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "schedule": schedule.state_dict()}, path)
    got = tl.load(path)
    assert type(got["model"]) is collections.OrderedDict and got["model"]._metadata[""] == {"version": 1}
    assert got["schedule"] == schedule.state_dict()
    params = [tl.tensor(p.detach().numpy(), requires_grad=True) for p in model.parameters()]
    ours = Adam(params)
    ours.load_state_dict(got["opt"])
    assert ours.state[params[0]]["step"].item() == 1

    torch.save({"best": np.float64(0.5), "n": np.int32(3)}, path)
    got = tl.load(path)
    assert got["best"] == 0.5 and got["n"] == 3 and type(got["n"]) is np.int32


@pytest.mark.parametrize("zipped", [True, False])
def test_whole_pytorch_models_are_refused(tmp_path, zipped):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(torch.nn.Linear(2, 2), tmp_path / "f.pt", _use_new_zipfile_serialization=zipped)
    for flag in (True, False, None):
        with pytest.raises(pickle.UnpicklingError, match=r"state_dict\(\)"):
            tl.load(tmp_path / "f.pt", weights_only=flag)


class Marker:
    """Unpickled by anybody but us, this leaves a mark."""

    marks: list = []

    def __reduce__(self):
        return Marker.marks.append, (1,)


class System:
    def __reduce__(self):
        return os.system, ("echo hacked > hacked",)


class Eval:
    def __reduce__(self):
        return eval, ("1/0",)


def archive(content, storages=()):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as z:
        z.writestr("f/data.pkl", content)
        for key, value in storages:
            z.writestr(f"f/data/{key}", value)
    file.seek(0)
    return file


HOSTILE = [
    pickle.dumps(System(), 2),
    pickle.dumps(System(), 4),
    pickle.dumps({"w": [Eval()]}, 2),
    pickle.dumps(Marker(), 2),
    pickle.dumps(collections.deque([1])),
    pickle.dumps(collections.namedtuple),
    pickle.dumps(tl.ones),
    b"cos\nsystem\n(S'echo hacked > hacked'\ntR.",
    b"(S'echo hacked > hacked'\nios\nsystem\n.",
    b"(cos\nsystem\nS'echo hacked > hacked'\no.",
    b"\x80\x02c__builtin__\neval\nX\x03\x00\x00\x001/0\x85R.",
    b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.",
    b"\x80\x02ccollections\nOrderedDict\nN}X\x06\x00\x00\x00updateK\x01s\x86b.",  # attributes of a class
    b"\x80\x02ccollections\nOrderedDict\n)R}X\x06\x00\x00\x00updateK\x01sb.",  # attributes of an instance
    b"\x80\x02ccollections\nCounter\n)R}X\x06\x00\x00\x00updateK\x01sb.",
    b"\x80\x02ccollections\nOrderedDict\n)\x81.",  # NEWOBJ
    b"\x80\x02\x82\x01.",  # an extension code
    b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",  # a great deal of memory
    b"\x80\x02ctorch\nfloat32\n)R.",
    b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00)))Nt" + b"R.",
    b"\x80\x02cdtypes\n_default\n.",
    b"\x80\x02cnumpy\ndtype\nX\x01\x00\x00\x00O\x85R.",
    b"\x80\x02cnumpy._core.multiarray\n_reconstruct\n.",
    b"\x80\x02cnumpy\nload\nX\x01\x00\x00\x00f\x85R.",
    b"\x80\x02ctorch\nload\nX\x01\x00\x00\x00f\x85R.",
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_pickles_do_nothing(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Marker.marks.clear()
    magic = b"".join(pickle.dumps(v, 2) for v in (pytorch._MAGIC, 1001, {"little_endian": True}))
    for file in (archive(content), io.BytesIO(magic + content), io.BytesIO(b"\x80\x02" + content)):
        with pytest.raises((pickle.UnpicklingError, RuntimeError)):
            tl.load(file)
    assert os.listdir(tmp_path) == [] and not Marker.marks
    assert collections.OrderedDict.update is not 1  # noqa: F632
    collections.Counter().update([1])


def tensor_file(storage, numel, offset, size, stride):
    """A file like PyTorch's with one tensor, and any numbers one likes."""

    def code(x):
        return pickle.dumps(x, 2)[2:-1]  # without PROTO and STOP

    reference = b"(" + code("storage") + b"ctorch\nFloatStorage\n" + code("0") + code("cpu") + code(numel) + b"tQ"
    rest = code(offset) + code(size) + code(stride) + b"\x89N"
    return archive(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + reference + rest + b"tR.", [("0", storage)])


def test_tensors_stay_within_their_storage():
    good = struct.pack("<6f", *range(6))
    assert tl.load(tensor_file(good, 6, 1, (2, 2), (3, 1))).tolist() == [[1, 2], [4, 5]]
    for args in [
        (good, 6, 1, (2, 3), (3, 1)),
        (good, 6, 0, (7,), (1,)),
        (good, 6, -1, (2,), (1,)),
        (good, 6, 5, (2,), (-1,)),
        (good, 6, 0, (-2,), (1,)),
        (good, 6, 0, (2, 2), (1,)),
        (good, 7, 0, (7,), (1,)),
        (good, -1, 0, (1,), (1,)),
        (good, 6, 0, (2.0,), (1,)),
        (good, 6, 2**62, (2,), (2**62,)),
        (good, 6, 0, (2**40, 2**40), (0, 1)),
    ]:
        with pytest.raises((RuntimeError, pickle.UnpicklingError)):
            tl.load(tensor_file(*args))


def test_state_dicts_of_modules(tmp_path):
    """The usual lines of a script: save, build anew, load, go on."""
    model = tl.nn.Sequential(tl.nn.Linear(3, 2), tl.nn.Linear(2, 1))
    loss = model(tl.ones(4, 3)).sum()
    tl.save({"model": model.state_dict(), "loss": loss, "epoch": 1}, tmp_path / "c.pt")
    ck = tl.load(tmp_path / "c.pt", map_location=tl.device("cpu"), weights_only=True)
    assert type(ck["model"]) is type(model.state_dict())
    twin = tl.nn.Sequential(tl.nn.Linear(3, 2), tl.nn.Linear(2, 1))
    assert str(twin.load_state_dict(ck["model"])) == "<All keys matched successfully>"
    np.testing.assert_array_equal(twin(tl.ones(4, 3)).detach().numpy(), model(tl.ones(4, 3)).detach().numpy())
    assert ck["loss"].item() == loss.item()


def test_optimizer_of_a_loaded_tensor_trains(tmp_path):
    tl.save({"w": tl.ones(2, requires_grad=True)}, tmp_path / "f")
    w = tl.load(tmp_path / "f")["w"]
    (w * w).sum().backward()
    SGD([w], lr=0.5).step()
    assert w.tolist() == [0.0, 0.0]


def test_a_tensor_that_occurs_twice_is_one_again():
    p, x = tl.nn.Parameter(tl.ones(2)), tl.zeros(3)
    file = io.BytesIO()
    tl.save({"tied": [p, p], "x": x, "y": x, "other": x.clone()}, file)
    file.seek(0)
    found = tl.load(file)
    assert found["tied"][0] is found["tied"][1] and found["x"] is found["y"]
    found["x"][0] = 5
    assert found["other"].tolist() == [0, 0, 0]


def test_strings_of_python_2_are_read_in_the_encoding_asked_for(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "old.pt"
    torch.save({"key": 1.5}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    new = b"X\x03\x00\x00\x00key"
    assert data.count(new) == 1
    path.write_bytes(data.replace(new, b"U\x03k\xe9y"))  # as protocol 2 of Python 2 wrote a str
    assert tl.load(path, encoding="latin1", weights_only=False) == {"k\xe9y": 1.5}
    assert tl.load(path, encoding="bytes", weights_only=False) == {b"k\xe9y": 1.5}
    with pytest.raises(RuntimeError, match="utf-8"):
        tl.load(path)
