"""Files of public data sets: where they may lie, where they come from, and whether they are the right ones."""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CorruptFile", "Resource", "base_folders", "cache_folder", "data_folders", "fetch", "find"]


class CorruptFile(RuntimeError):
    """A data file whose content is not what it should be."""


@dataclass(frozen=True)
class Resource:
    """One file: its name, the md5 of the published file, and the sha256 of what it holds when unpacked."""

    name: str
    md5: str
    sha256: str | None = None


def cache_folder():
    """Where downloads go without ``root``: ``tensorlite`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "tensorlite"


def base_folders(root):
    """``root`` (or the cache), the folder that ``TENSORLITE_DATA`` names, and the cache."""
    bases = [Path(root).expanduser() if root is not None else cache_folder()]
    if os.environ.get("TENSORLITE_DATA"):
        bases.append(Path(os.environ["TENSORLITE_DATA"]).expanduser())
    bases.append(cache_folder())
    return list(dict.fromkeys(bases))


def data_folders(root, name):
    """The folders to look in, and (first) the one downloads go to.

    ``name`` is the data set's, such as ``FashionMNIST``: files lie in ``<folder>/FashionMNIST/raw`` as torchvision
    puts them, in ``<folder>/fashion-mnist``, or in the folder itself.
    """
    short = {"FashionMNIST": "fashion-mnist"}.get(name, name.lower())
    return [base / part for base in base_folders(root) for part in (f"{name}/raw", short, name, ".")]


def unpack(path, resource):
    """The checked content of a file, unpacked if it ends in ``.gz``.

    Raises
    ------
    CorruptFile
        If it is truncated, no gzip file, or has the wrong checksum.
    """
    data = path.read_bytes()
    published = hashlib.md5(data, usedforsecurity=False).hexdigest() == resource.md5
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise CorruptFile(f"{path} is truncated or damaged ({error}); delete it and get it again") from None
    if published or (resource.sha256 is None and path.suffix != ".gz"):
        return data
    if resource.sha256 is None:
        raise CorruptFile(f"{path} is not the published file: its md5 is not {resource.md5}")
    found = hashlib.sha256(data).hexdigest()
    if found != resource.sha256:
        raise CorruptFile(
            f"{path} does not hold the published data: the sha256 of its {len(data)} bytes, unpacked, is {found}, not "
            f"{resource.sha256}"
        )
    return data


def find(resource, folders, problems):
    """The content of ``resource`` from the first folder that has it; None if none does. Notes what was wrong."""
    stem = resource.name.removesuffix(".gz")
    for folder in folders:
        for path in (folder / resource.name, folder / stem):
            if path.is_file():
                try:
                    return unpack(path, resource)
                except CorruptFile as error:
                    problems.append(str(error))
    return None


class _Progress:
    """A bar by tqdm where it is installed, else a line on stderr."""

    def __init__(self, name, total):
        self.name, self.total, self.done, self.shown = name, total, 0, -1
        try:
            from tqdm.auto import tqdm

            self.bar = tqdm(total=total or None, unit="B", unit_scale=True, desc=name)
        except ImportError:
            self.bar = None

    def __call__(self, count):
        self.done += count
        if self.bar is not None:
            self.bar.update(count)
        elif self.total and (percent := 100 * self.done // self.total) != self.shown:
            self.shown = percent
            print(f"\r{self.name}: {percent:3d}% of {self.total / 1e6:.1f} MB", end="", file=sys.stderr, flush=True)

    def close(self):
        if self.bar is not None:
            self.bar.close()
        elif self.shown >= 0:
            print(file=sys.stderr)


def fetch(resource, mirrors, folder, check=unpack, timeout=30):
    """Download ``resource`` from the first of ``mirrors`` that has it, check it, and put it into ``folder`` at once.

    Returns
    -------
    bytes
        The unpacked content.

    Raises
    ------
    RuntimeError
        If no mirror gives the right file; the message says what each one answered, and where a file got elsewhere
        belongs.
    """
    from urllib.request import Request, urlopen

    problems = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RuntimeError(f"cannot make the folder {folder} for downloads ({error}); give another root=") from error
    for mirror in mirrors:
        url = mirror + resource.name
        handle, part = tempfile.mkstemp(dir=folder, prefix=resource.name + ".", suffix=".part")
        # A partial file never gets the final name, whatever interrupts.
        try:
            with os.fdopen(handle, "wb") as out:
                request = Request(url, headers={"User-Agent": "tensorlite"})
                with urlopen(request, timeout=timeout) as answer:
                    progress = _Progress(resource.name, int(answer.headers.get("Content-Length") or 0))
                    try:
                        while block := answer.read(1 << 16):
                            out.write(block)
                            progress(len(block))
                    finally:
                        progress.close()
            named = Path(part).with_name(Path(part).name + ("x.gz" if resource.name.endswith(".gz") else "x"))
            os.replace(part, named)
            part = str(named)
            content = check(named, resource)
            os.replace(part, folder / resource.name)
            return content
        except (OSError, CorruptFile, ValueError) as error:
            problems.append(f"  {url}: {str(error).replace(part, 'the file')}")
        finally:
            if os.path.exists(part):
                os.unlink(part)
    raise RuntimeError(
        f"could not get {resource.name}:\n"
        + "\n".join(problems)
        + f"\nWithout a network: put it into {folder} yourself, "
        "or set TENSORLITE_DATA to a folder that has it."
    )
