"""torchvision's door. torchvision itself is not needed: values are compared with Pillow's, PyTorch's and by hand."""

import gzip
import hashlib
import io
import os
import pickle
import struct

import numpy as np
import pytest

import tensorlite as tl
from tensorlite.vision import datasets, transforms, utils
from tensorlite.vision.datasets import download
from tensorlite.vision.datasets.download import CorruptFile, Resource
from tensorlite.vision.transforms import functional as F

Image = pytest.importorskip("PIL.Image")

rng = np.random.default_rng(0)
RGB = rng.integers(0, 256, (13, 17, 3), dtype=np.uint8)
GREY = rng.integers(0, 256, (13, 17), dtype=np.uint8)


# -- files -----------------------------------------------------------------------------------------


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


IMAGES = {
    "train": rng.integers(0, 256, (30, 28, 28), dtype=np.uint8),
    "t10k": rng.integers(0, 256, (9, 28, 28), dtype=np.uint8),
}
LABELS = {k: rng.integers(0, 10, len(v), dtype=np.uint8) for k, v in IMAGES.items()}
CONTENT = {}
for part in IMAGES:
    CONTENT[f"{part}-images-idx3-ubyte.gz"] = idx(IMAGES[part])
    CONTENT[f"{part}-labels-idx1-ubyte.gz"] = idx(LABELS[part])


@pytest.fixture
def small(monkeypatch, tmp_path):
    """MNIST with a few made-up images: their files in ``tmp_path/server``, an empty cache."""
    server = tmp_path / "server"
    server.mkdir()
    resources = []
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
                 "t10k-labels-idx1-ubyte.gz"):  # fmt: skip
        packed = gzip.compress(CONTENT[name])
        (server / name).write_bytes(packed)
        resources.append(Resource(name, hashlib.md5(packed).hexdigest(), hashlib.sha256(CONTENT[name]).hexdigest()))
    monkeypatch.setattr(datasets.MNIST, "resources", tuple(resources))
    monkeypatch.setattr(datasets.MNIST, "mirrors", ((tmp_path / "nowhere").as_uri() + "/", server.as_uri() + "/"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TENSORLITE_DATA", raising=False)
    return tmp_path


def check(data, part="train"):
    assert (data.data.numpy() == IMAGES[part]).all() and data.targets.tolist() == LABELS[part].tolist()


def test_download_from_the_second_mirror(small, capsys):
    data = datasets.MNIST(small / "root")
    check(data)
    folder = small / "root" / "MNIST" / "raw"
    assert sorted(os.listdir(folder)) == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    assert "train-images" in capsys.readouterr().err
    check(datasets.MNIST(small / "root", train=False), "t10k")
    assert data.raw_folder == str(folder)
    check(datasets.MNIST(small / "root", download=False))
    check(datasets.MNIST())
    assert (small / "cache" / "tensorlite" / "MNIST" / "raw").is_dir()


def test_a_plain_progress_line(small, monkeypatch, capsys):
    import builtins

    real = builtins.__import__
    monkeypatch.setattr(
        builtins,
        "__import__",
        lambda n, *a, **k: (_ for _ in ()).throw(ImportError(n)) if "tqdm" in n else real(n, *a, **k),
    )
    datasets.MNIST(small / "root")
    assert "100%" in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["", "mnist", "MNIST/raw", "unpacked"])
def test_files_that_are_there(small, monkeypatch, layout):
    folder = small / "mine" / layout
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        if layout == "unpacked":
            (folder / name[:-3]).write_bytes(content)
        else:
            (folder / name).write_bytes(gzip.compress(content, 1))  # packed anew: only the content counts
    monkeypatch.setattr(datasets.MNIST, "mirrors", ())
    root = folder if layout == "unpacked" else small / "mine"
    check(datasets.MNIST(root, download=False))
    monkeypatch.setenv("TENSORLITE_DATA", str(root))
    check(datasets.MNIST(train=False), "t10k")


def test_nothing_there(small, monkeypatch):
    with pytest.raises(RuntimeError, match=r"download=True.*MNIST/raw.*TENSORLITE_DATA") as error:
        datasets.MNIST(small / "root", download=False)
    assert "train-images-idx3-ubyte.gz" in str(error.value)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ("http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"))
    with pytest.raises(RuntimeError) as error:
        datasets.MNIST(small / "root")
    for part in (
        "train-images-idx3-ubyte.gz",
        "127.0.0.1:9/a/",
        "127.0.0.1:9/b/",
        "MNIST/raw",
        "TENSORLITE_DATA",
        "t10k-labels",
    ):
        assert part in str(error.value)
    assert os.listdir(small / "root" / "MNIST" / "raw") == []


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-20], lambda b: b[:50] + b"x" * 9 + b[59:], lambda b: b"", lambda b: b"hello"]
)
def test_damaged_files(small, monkeypatch, damage):
    datasets.MNIST(small / "root")
    path = small / "root" / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RuntimeError, match=r"(truncated|damaged|published)") as error:
        datasets.MNIST(small / "root", download=False)
    assert str(path) in str(error.value)
    (small / "server" / path.name).write_bytes(b"also wrong")
    with pytest.raises(RuntimeError, match="damaged"):
        datasets.MNIST(small / "root")
    (small / "server" / path.name).write_bytes(gzip.compress(CONTENT[path.name]))
    check(datasets.MNIST(small / "root"))  # got anew


def test_idx_errors():
    from tensorlite.vision.datasets.mnist import read_idx

    good = idx(GREY)
    assert (read_idx(good, "x") == GREY).all()
    for bad in (b"", b"abcdef", good[:6], good[:-1], good + b"x"):
        with pytest.raises(CorruptFile):
            read_idx(bad, "x")


def test_an_interrupted_download_leaves_nothing(small, monkeypatch):
    class Answer:
        headers = {"Content-Length": "100"}
        calls = 0

        def __enter__(self):
            return self

        def __exit__(self, *exc):
            pass

        def read(self, n):
            Answer.calls += 1
            if Answer.calls > 1:
                raise KeyboardInterrupt
            return b"some"

    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: Answer())
    with pytest.raises(KeyboardInterrupt):
        datasets.MNIST(small / "root")
    assert os.listdir(small / "root" / "MNIST" / "raw") == []


def test_published_checksums_are_the_issues():
    known = {r.name: r for r in datasets.FashionMNIST.resources}
    assert known["train-images-idx3-ubyte.gz"].md5 == "8d4fb7e6c68d591d4c3dfef9ec88bf0d"
    assert known["t10k-labels-idx1-ubyte.gz"].sha256.startswith("0402a96d92fd2663")
    assert all(len(r.sha256) == 64 for r in datasets.MNIST.resources)
    assert len(datasets.FashionMNIST.mirrors) > 1 and len(datasets.MNIST.mirrors) > 1


@pytest.mark.skipif(not os.environ.get("TENSORLITE_DATA"), reason="TENSORLITE_DATA names no folder with the files")
@pytest.mark.parametrize("kind", [datasets.MNIST, datasets.FashionMNIST])
def test_the_real_files(kind, monkeypatch):
    monkeypatch.setattr(kind, "mirrors", ())
    data = kind(train=False)
    assert data.data.shape == (10_000, 28, 28) and np.bincount(data.targets.numpy()).min() > 800
    assert data[0][1] == {"MNIST": 7, "FashionMNIST": 9}[kind.__name__]


# -- items and batches -----------------------------------------------------------------------------


def test_items(small):
    data = datasets.MNIST(small / "root")
    image, label = data[3]
    assert isinstance(image, Image.Image) and image.mode == "L" and (np.asarray(image) == IMAGES["train"][3]).all()
    assert type(label) is int and label == LABELS["train"][3]
    assert data.data.dtype is tl.uint8 and data.targets.dtype is tl.int64
    assert data.class_to_idx["7 - seven"] == 7 and len(data) == 30
    assert "Number of datapoints: 30" in repr(data) and "Split: Train" in repr(data)
    seen = []
    datasets.MNIST(small / "root", transform=lambda img: seen.append(img), target_transform=str)[0]
    assert isinstance(seen[0], Image.Image)
    x, y = data.tensors()
    assert x.shape == (30, 1, 28, 28) and x.dtype is tl.float32 and float(x.max()) <= 1 and (y == data.targets).all()
    with pytest.raises(IndexError):
        data[30]


@pytest.mark.parametrize(
    "transform",
    [
        transforms.ToTensor(),
        transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]),
        transforms.Compose([transforms.ToTensor(), transforms.ConvertImageDtype(tl.float64)]),
        transforms.Compose([transforms.Compose([transforms.ToTensor()]), transforms.Normalize(0.5, 0.5)]),
    ],
)
def test_whole_batches_are_the_single_items(small, transform):
    data = datasets.MNIST(small / "root", transform=transform)
    assert data._batch([0, 1]) is not None
    subset = tl.data.Subset(data, list(range(5, 25)))
    for d in (data, subset):
        fast = list(tl.data.DataLoader(d, 8))
        slow = list(tl.data.DataLoader(d, 8, collate_fn=lambda samples: tl.data.default_collate(samples)))
        for (a, b), (c, e) in zip(fast, slow, strict=True):
            assert a.dtype is c.dtype and (a.numpy() == c.numpy()).all() and a.numpy().flags.c_contiguous
            assert b.dtype is e.dtype and (b == e).all()


def test_other_transforms_go_item_by_item(small):
    for transform in (
        None,
        transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: x * 2)]),
        transforms.PILToTensor(),
    ):
        assert datasets.MNIST(small / "root", transform=transform)._batch([0]) is None
    assert datasets.MNIST(small / "root", transform=transforms.ToTensor(), target_transform=str)._batch([0]) is None


def test_without_pillow_items_are_arrays(small, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "PIL", None)
    image, _ = datasets.MNIST(small / "root")[0]
    assert isinstance(image, np.ndarray) and image.shape == (28, 28)
    assert datasets.MNIST(small / "root", transform=transforms.ToTensor())[0][0].shape == (1, 28, 28)
    with pytest.raises(ImportError, match=r"tensorlite\[io\]"):
        F.to_pil_image(GREY)


def cifar(tmp_path, kind, layout):
    n = 6
    pixels = rng.integers(0, 256, (n, 3072), dtype=np.uint8)
    labels = list(range(n))
    folder = tmp_path / (kind.pickled if layout == "py" else kind.binary)
    folder.mkdir()
    for name in kind.train_files + kind.test_files:
        if layout == "py":
            (folder / name).write_bytes(pickle.dumps({b"data": pixels, kind.label_key: labels}, 2))
        else:
            marks = np.repeat(np.array(labels, np.uint8)[:, None], kind.label_bytes, 1)
            (folder / f"{name}.bin").write_bytes(np.hstack([marks, pixels]).tobytes())
    return folder, pixels, labels


@pytest.mark.parametrize("kind", [datasets.CIFAR10, datasets.CIFAR100])
@pytest.mark.parametrize("layout", ["py", "bin"])
def test_cifar(tmp_path, kind, layout):
    folder, pixels, labels = cifar(tmp_path, kind, layout)
    data = kind(tmp_path, train=False)
    assert data.data.shape == (6, 32, 32, 3) and data.targets == labels
    assert (data.data[2, :, :, 1].reshape(-1) == pixels[2, 1024:2048]).all()
    assert len(kind(tmp_path)) == 6 * len(kind.train_files)
    assert data[0][0].mode == "RGB" and len(set(data.classes)) == int(kind.__name__[5:])
    assert kind(tmp_path, transform=transforms.ToTensor())[1][0].shape == (3, 32, 32)
    path = next(folder.iterdir()).parent / (kind.test_files[0] + ("" if layout == "py" else ".bin"))
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(CorruptFile, match="truncated"):
        kind(tmp_path, train=False)
    with pytest.raises(RuntimeError, match="download=True"):
        kind(tmp_path / "nowhere")


def test_a_hostile_cifar_file(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.system, ("echo boom > " + str(tmp_path / "boom"),)

    folder, _, _ = cifar(tmp_path, datasets.CIFAR10, "py")
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": Bomb()}))
    with pytest.raises(CorruptFile, match="not loaded"):
        datasets.CIFAR10(tmp_path, train=False)
    assert not (tmp_path / "boom").exists()


def test_image_folder(tmp_path):
    for name, value in (("cats", 10), ("dogs", 200)):
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.fromarray(np.full((4, 5, 3), value + i, np.uint8)).save(tmp_path / name / f"{i}.png")
    (tmp_path / "cats" / "notes.txt").write_text("no image")
    data = datasets.ImageFolder(tmp_path, transform=transforms.PILToTensor())
    assert data.classes == ["cats", "dogs"] and data.targets == [0, 0, 1, 1] and len(data.imgs) == 4
    assert data[3][0].shape == (3, 4, 5) and data[3][0].max().item() == 201 and data[3][1] == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="empty"):
        datasets.ImageFolder(tmp_path)
    assert len(datasets.ImageFolder(tmp_path, allow_empty=True)) == 4
    with pytest.raises(FileNotFoundError, match="class folder"):
        datasets.ImageFolder(tmp_path / "cats")


def test_fake_data():
    data = datasets.FakeData(5, (3, 8, 9), transform=transforms.ToTensor())
    assert data[2][0].shape == (3, 8, 9) and (data[2][0] == data[2][0]).all() and len(data) == 5
    with pytest.raises(IndexError):
        data[5]


def test_small_sets():
    for make, classes in ((datasets.moons, 2), (datasets.circles, 2), (datasets.spirals, 3), (datasets.blobs, 3)):
        x, y = make(101, seed=3)
        assert x.shape == (101, 2) and x.dtype is tl.float32 and y.dtype is tl.int64
        assert sorted(set(y.tolist())) == list(range(classes)) and (make(101, seed=3)[0] == x).all()
        assert not (make(101, seed=4)[0] == x).all()
        with pytest.raises(ValueError, match="at least"):
            make(1)
    pytest.importorskip("sklearn")
    x, y = datasets.digits()
    assert x.shape == (1797, 1, 8, 8) and float(x.max()) == 1 and len(y) == 1797
    assert datasets.table("iris")[0].shape == (150, 4) and datasets.table("diabetes")[1].dtype is tl.float32
    with pytest.raises(ValueError, match="iris"):
        datasets.table("lunch")


# -- transforms ------------------------------------------------------------------------------------


def kinds(array):
    """The same image as an array, a tensor and a Pillow image."""
    first = array if array.ndim == 3 else array[:, :, None]
    return array, tl.tensor(np.ascontiguousarray(first.transpose(2, 0, 1))), Image.fromarray(array)


def back(img):
    if isinstance(img, tl.Tensor):
        a = img.numpy().transpose(1, 2, 0)
        return a[:, :, 0] if a.shape[2] == 1 else a
    return np.asarray(img)


@pytest.mark.parametrize("image", [RGB, GREY])
@pytest.mark.parametrize(
    "function",
    [
        F.hflip,
        F.vflip,
        lambda x: F.crop(x, 2, 3, 5, 6),
        lambda x: F.crop(x, -2, 10, 9, 11),
        lambda x: F.center_crop(x, 6),
        lambda x: F.center_crop(x, (20, 5)),
        lambda x: F.pad(x, 2),
        lambda x: F.pad(x, (1, 2)),
        lambda x: F.pad(x, (1, 2, 3, 0), fill=7),
        lambda x: F.pad(x, 2, padding_mode="reflect"),
        lambda x: F.pad(x, 2, padding_mode="edge"),
        lambda x: F.pad(x, 2, padding_mode="symmetric"),
        lambda x: F.rotate(x, 90, expand=True),
        lambda x: F.rotate(x, 180),
        lambda x: F.rotate(x, 30),
        lambda x: F.rotate(x, -25, expand=True),
        lambda x: F.rotate(x, 30, center=(3, 4), fill=9 if back(x).ndim == 2 else [1, 2, 3]),
    ],
)
def test_geometry_is_the_same_for_all_kinds(image, function):
    a, b, c = (back(function(x)) for x in kinds(image))
    assert a.dtype == b.dtype == c.dtype == np.uint8
    np.testing.assert_array_equal(a, b)
    assert a.shape == c.shape and (a != c).mean() < 0.05  # Pillow rounds halves of rotated coordinates otherwise


@pytest.mark.parametrize("size", [7, (20, 30), (5, 40), [9]])
def test_resize(size):
    torch = pytest.importorskip("torch")
    for mode in ("bilinear", "bicubic", "nearest"):
        ours = F.resize(tl.tensor(RGB.transpose(2, 0, 1).copy()), size, transforms.InterpolationMode(mode))
        h, w = ours.shape[-2:]
        x = torch.tensor(RGB.transpose(2, 0, 1).astype(np.float32))[None]
        extra = {} if mode == "nearest" else {"antialias": True, "align_corners": False}
        theirs = torch.nn.functional.interpolate(x, (h, w), mode=mode, **extra)[0].numpy()
        assert np.abs(ours.numpy() - np.clip(np.rint(theirs), 0, 255)).max() <= 1
        floats = F.resize(tl.tensor(x[0].numpy()), size, transforms.InterpolationMode(mode), antialias=True)
        np.testing.assert_allclose(floats.numpy(), theirs, rtol=1e-4, atol=2e-3)
        if mode != "nearest":
            plain = torch.nn.functional.interpolate(x, (h, w), mode=mode, align_corners=False)[0].numpy()
            floats = F.resize(tl.tensor(x[0].numpy()), size, mode, antialias=False)
            np.testing.assert_allclose(floats.numpy(), plain, rtol=1e-4, atol=2e-3)
        pillow = np.asarray(F.resize(Image.fromarray(RGB), size, mode))
        assert mode != "bilinear" or np.abs(pillow.transpose(2, 0, 1).astype(int) - ours.numpy()).max() <= 1
    assert F.resize(GREY, 26).shape == (26, 34) and F.resize(GREY, 26, max_size=30).shape == (22, 30)
    with pytest.raises(ValueError, match="max_size"):
        F.resize(GREY, (3, 4), max_size=9)


def test_to_tensor_and_back():
    for image in (RGB, GREY):
        for x in (image, Image.fromarray(image)):
            t = F.to_tensor(x)
            assert t.dtype is tl.float32 and t.numpy().flags.c_contiguous
            first = image if image.ndim == 3 else image[:, :, None]
            np.testing.assert_array_equal(t.numpy(), first.transpose(2, 0, 1).astype(np.float32) / np.float32(255))
            assert (np.asarray(F.to_pil_image(t)) == image).all()
            assert F.pil_to_tensor(x).dtype is tl.uint8
    assert F.to_tensor(np.ones((2, 3, 1))).dtype is tl.float64
    assert F.to_tensor(Image.fromarray(GREY > 99)).max().item() == 1
    assert F.to_tensor(Image.fromarray(GREY.astype(np.int32))).dtype is tl.int32
    for bad in (tl.zeros(3), "x", None):
        with pytest.raises(TypeError, match="PIL Image or ndarray"):
            F.to_tensor(bad)
    with pytest.raises(ValueError, match="2/3 dimensional"):
        F.to_tensor(np.zeros(3))
    with pytest.raises(ValueError, match="4 channels"):
        F.to_pil_image(tl.zeros(5, 2, 2))


def test_normalize():
    x = tl.tensor(rng.random((2, 3, 4, 5)).astype(np.float32), requires_grad=True)
    y = F.normalize(x, (0.1, 0.2, 0.3), [1.0, 2.0, 3.0])
    mean, std = np.float32([0.1, 0.2, 0.3])[:, None, None], np.float32([1, 2, 3])[:, None, None]
    np.testing.assert_array_equal(y.detach().numpy(), (x.detach().numpy() - mean) / std)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(1 / std, x.shape), rtol=1e-6)
    z = tl.zeros(1, 2, 2)
    assert F.normalize(z, 0.5, 0.5, inplace=True) is z and (z == -1).all()
    assert F.normalize(tl.zeros(1, 2, 2), (1.0, 2.0), (1.0, 1.0)).shape == (2, 2, 2)
    with pytest.raises(ValueError, match="zero"):
        F.normalize(z, 0.5, 0.0)
    with pytest.raises(TypeError, match="float tensor"):
        F.normalize(tl.zeros(1, 2, 2, dtype=tl.uint8), 0.5, 0.5)
    with pytest.raises(TypeError, match="Tensor Image"):
        F.normalize(RGB, 0.5, 0.5)
    with pytest.raises(ValueError, match=r"\(\.\.\., C, H, W\)"):
        F.normalize(tl.zeros(2, 2), 0.5, 0.5)


def test_convert_image_dtype():
    x = tl.tensor(np.array([[[0, 128, 255]]], np.uint8))
    assert F.convert_image_dtype(x, tl.float32).tolist() == [[[0.0, np.float32(128 / 255), 1.0]]]
    assert F.convert_image_dtype(F.convert_image_dtype(x, tl.float64), tl.uint8).tolist() == x.tolist()
    assert F.convert_image_dtype(x, tl.int16).tolist() == [[[0, 128 * 128, 255 * 128]]]
    assert F.convert_image_dtype(F.convert_image_dtype(x, tl.int16), tl.uint8).tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="safely"):
        F.convert_image_dtype(tl.zeros(1, 1, 1), tl.int32)


def test_colours_follow_pillow():
    _, tensor, image = kinds(RGB)
    for name, value in (("brightness", 1.5), ("contrast", 0.4), ("saturation", 0.3), ("saturation", 1.7)):
        adjust = getattr(F, f"adjust_{name}")
        assert np.abs(back(adjust(tensor, value)).astype(int) - back(adjust(image, value))).max() <= 2
        floats = adjust(tensor.float() / 255, value)
        assert np.abs(back(floats) * 255 - back(adjust(image, value))).max() <= 2
    assert np.abs(back(F.adjust_hue(tensor, 0.0)).astype(int) - RGB).max() <= 1
    turned = back(F.adjust_hue(tl.tensor(np.float32([1, 0, 0])[:, None, None]), 1 / 3))
    np.testing.assert_allclose(turned.reshape(-1), [0, 1, 0], atol=1e-5)
    assert back(F.adjust_hue(image, 0.2)).shape == RGB.shape
    grey = back(F.rgb_to_grayscale(tensor)).astype(int)
    assert np.abs(grey - back(F.rgb_to_grayscale(image))).max() <= 1
    assert F.rgb_to_grayscale(image, 3).mode == "RGB" and F.rgb_to_grayscale(tensor, 3).shape == (3, 13, 17)
    assert (back(F.invert(tensor)) == 255 - RGB).all()
    with pytest.raises(ValueError, match="non-negative"):
        F.adjust_contrast(tensor, -1)
    with pytest.raises(ValueError, match=r"\[-0\.5, 0\.5\]"):
        F.adjust_hue(tensor, 0.7)


def test_random_transforms_draw_pytorchs_numbers():
    torch = pytest.importorskip("torch")

    def both(seed):
        tl.manual_seed(seed), torch.manual_seed(seed)

    _, tensor, _ = kinds(RGB)
    both(0)
    for _ in range(20):
        flipped = transforms.RandomHorizontalFlip()(tensor)
        assert (flipped == tensor).all().item() != (torch.rand(1) < 0.5).item()
        top, left, h, w = transforms.RandomCrop.get_params(tensor, (5, 6))
        assert (top, left) == (torch.randint(0, 9, (1,)).item(), torch.randint(0, 12, (1,)).item()) and (h, w) == (5, 6)
        assert transforms.RandomRotation.get_params([-9.0, 9.0]) == torch.empty(1).uniform_(-9, 9).item()
        area = 13 * 17 * torch.empty(1).uniform_(0.9, 1.0).item()
        ratios = torch.log(torch.tensor((0.99, 1.01)))
        aspect = torch.exp(torch.empty(1).uniform_(ratios[0], ratios[1])).item()
        w, h = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if h <= 13:
            where = torch.randint(0, 13 - h + 1, (1,)).item(), torch.randint(0, 17 - w + 1, (1,)).item()
            assert transforms.RandomResizedCrop.get_params(tensor, (0.9, 1.0), (0.99, 1.01)) == (*where, h, w)
        else:
            both(1)


def test_random_transforms_work():
    for image in (*kinds(RGB), *kinds(GREY)):
        for t in (
            transforms.RandomHorizontalFlip(1.0), transforms.RandomVerticalFlip(1.0), transforms.RandomCrop(8, padding=2),
            transforms.RandomCrop(40, pad_if_needed=True), transforms.RandomResizedCrop(6), transforms.RandomRotation(20),
            transforms.RandomGrayscale(1.0), transforms.ColorJitter(0.3, 0.3, 0.3, 0.1), transforms.Grayscale(),
            transforms.RandomApply([transforms.RandomVerticalFlip(1.0)], 0.5),
            transforms.RandomOrder([transforms.CenterCrop(9), transforms.Pad(2)]),
            transforms.RandomChoice([transforms.CenterCrop(9), transforms.Pad(2)]), transforms.Resize(9),
        ):  # fmt: skip
            if isinstance(t, transforms.Grayscale) and back(image).ndim == 2:
                continue
            result = t(image)
            assert isinstance(result, type(image)) or isinstance(image, Image.Image)
            assert back(result).dtype == np.uint8, t
            repr(t)
    x = tl.zeros(3, 20, 20)
    for value in (1.0, (1.0, 2.0, 3.0), "random"):
        assert (transforms.RandomErasing(1.0, value=value)(x) != 0).any()
    assert (transforms.RandomErasing(0.0, value=1.0)(x) == 0).all()
    with pytest.raises(ValueError, match=r"larger than input image size \(13, 17\)"):
        transforms.RandomCrop(50)(RGB)
    with pytest.raises(TypeError, match="callable"):
        transforms.Lambda(3)
    with pytest.raises(TypeError, match="img should be"):
        F.hflip("x")
    with pytest.raises(ValueError, match="brightness"):
        transforms.ColorJitter(brightness=-1)
    assert repr(transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])).splitlines() == [
        "Compose(", "    ToTensor()", "    Normalize(mean=(0.5,), std=(0.5,))", ")",
    ]  # fmt: skip


# -- pictures --------------------------------------------------------------------------------------


def test_make_grid():
    x = tl.tensor(rng.random((5, 3, 4, 6)).astype(np.float32))
    grid = utils.make_grid(x, nrow=2, padding=1, pad_value=0.5)
    assert grid.shape == (3, 3 * 5 + 1, 2 * 7 + 1)
    assert (grid[:, 6:10, 8:14] == x[3]).all() and (grid[:, 11:, 8:] == 0.5).all() and (grid[:, 0] == 0.5).all()
    assert utils.make_grid(tl.zeros(4, 1, 2, 2)).shape == (3, 6, 18)
    assert utils.make_grid(tl.zeros(5, 7)).shape == (3, 5, 7)
    assert utils.make_grid(tl.zeros(3, 5, 7)).shape == (3, 5, 7)
    assert utils.make_grid([tl.zeros(1, 2, 2)] * 3).shape == (3, 6, 14)
    n = utils.make_grid(x * 9 - 3, normalize=True, padding=0, nrow=5)
    assert n.min().item() == 0 and n.max().item() == 1
    n = utils.make_grid(x, normalize=True, value_range=(0.25, 0.75), padding=0, nrow=5)
    np.testing.assert_allclose(n.numpy()[:, :, :6], (np.clip(x.numpy()[0], 0.25, 0.75) - 0.25) / 0.5, rtol=1e-6)
    each = utils.make_grid(x * tl.arange(5).view(5, 1, 1, 1), normalize=True, scale_each=True, padding=0, nrow=5)
    assert all(each[:, :, 6 * i : 6 * i + 6].max().item() == 1 for i in range(1, 5))
    with pytest.raises(TypeError, match="tensor or list"):
        utils.make_grid([1, 2])


def test_save_image(tmp_path):
    x = tl.tensor(rng.random((3, 5, 7)).astype(np.float32) * 1.2 - 0.1)
    expected = np.clip(x.numpy() * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    utils.save_image(x, tmp_path / "a.png")
    assert (np.asarray(Image.open(tmp_path / "a.png")) == expected).all()
    utils.save_image(x, tmp_path / "a.bmp")
    assert (np.asarray(Image.open(tmp_path / "a.bmp")) == expected).all()
    buffer = io.BytesIO()
    utils.save_image(tl.zeros(6, 1, 4, 4), buffer, nrow=3)
    assert Image.open(io.BytesIO(buffer.getvalue())).size == (20, 14)
    for image in (GREY, RGB, np.dstack([RGB, GREY])):
        utils.write_png(tmp_path / "b.png", image)
        assert (np.asarray(Image.open(tmp_path / "b.png")) == image).all()
    assert sorted(os.listdir(tmp_path)) == ["a.bmp", "a.png", "b.png"]


def test_doors():
    import tensorlite.vision.transforms.functional as functional

    assert tl.vision.transforms.functional is functional and tl.vision.datasets.MNIST is datasets.MNIST
    assert download.cache_folder().name == "tensorlite"
    for name in ("models", "ops"):
        with pytest.raises(AttributeError, match=f"{name} is not supported: "):
            getattr(tl.vision, name)


def test_read_image(tmp_path):
    from tensorlite.vision.io import ImageReadMode, read_image

    utils.write_png(tmp_path / "a.png", RGB)
    assert (read_image(tmp_path / "a.png") == F.pil_to_tensor(RGB)).all()
    grey = read_image(str(tmp_path / "a.png"), ImageReadMode.GRAY)
    assert grey.dtype is tl.uint8 and (grey[0].numpy() == np.asarray(Image.fromarray(RGB).convert("L"))).all()
    assert read_image(tmp_path / "a.png", "RGB_ALPHA").shape[0] == 4
    picture = Image.fromarray(RGB)
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg", apply_exif_orientation=True).shape[1:] == RGB.shape[1::-1]


def test_v2():
    from tensorlite.vision.transforms import v2

    f = v2.Compose([v2.ToImage(), v2.ToDtype(tl.float32, scale=True), v2.Normalize((0.5,), (0.5,))])
    g = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    for image in (GREY, Image.fromarray(RGB)):
        assert (f(image) == g(image)).all()
    assert v2.ToDtype(tl.float64)(F.pil_to_tensor(GREY)).max().item() == GREY.max()
    assert v2.RandomCrop is transforms.RandomCrop
