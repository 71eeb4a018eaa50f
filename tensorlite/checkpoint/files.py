"""Checkpoint files: an archive of :func:`tensorlite.save`, followed by its checksum.

The last line is ``tensorlite-checkpoint <version> sha256:<hex>`` over everything before it. Zip readers look past it,
so that ``tensorlite.load`` and every zip tool open the file too.
"""

import contextlib
import hashlib
import io
import os
import re

from ..serialization import archive
from ..serialization.files import _replacing

__all__ = ["DamagedCheckpoint", "name_of", "read", "rotate", "saved", "sweep", "write"]

VERSION = 1
_TRAILER = re.compile(rb"\ntensorlite-checkpoint (\d{4}) sha256:([0-9a-f]{64})\n\Z")
_LENGTH = len("\ntensorlite-checkpoint 0001 sha256:") + 64 + 1
_NAME = re.compile(r"checkpoint-(\d{8,})\.tl\Z")


class DamagedCheckpoint(RuntimeError):
    """A checkpoint whose content does not match its checksum.

    Attributes
    ----------
    path : str
    previous : str or None
        The newest older checkpoint beside it that is whole.
    """

    def __init__(self, path, reason, previous):
        self.path, self.previous = path, previous
        cure = (
            f"the one before it is whole: restore {previous!r}, or delete {os.path.basename(path)!r} to go on from there"
            if previous
            else "there is no older one beside it"
        )
        super().__init__(f"{path} {reason}; it is not used. As for others, {cure}.")


def write(obj, path):
    """Write ``obj`` completely or not at all: a temporary file is put in place once it is on disk."""
    whole = io.BytesIO()
    archive.write(obj, whole)
    content = whole.getbuffer()
    with _replacing(os.fspath(path)) as file:
        file.write(content)
        file.write(f"\ntensorlite-checkpoint {VERSION:04d} sha256:{hashlib.sha256(content).hexdigest()}\n".encode())


def fault(content):
    """What is wrong with the bytes of a file, or None."""
    trailer = _TRAILER.search(content[-_LENGTH:])
    if trailer is None:
        return "is truncated or no checkpoint (its last line holds no checksum)"
    if int(trailer[1]) > VERSION:
        return f"has format version {int(trailer[1])}; this library reads up to {VERSION}"
    if hashlib.sha256(memoryview(content)[:-_LENGTH]).hexdigest().encode() != trailer[2]:
        return "was altered or damaged (its checksum does not match)"
    return None


def read(path):
    """What :func:`write` wrote.

    Raises
    ------
    DamagedCheckpoint
        If the checksum is missing or wrong; the message names the checkpoint before it.
    FileNotFoundError
        If there is no such file.
    """
    import zipfile

    path = os.fspath(path)
    with open(path, "rb") as file:
        content = file.read()
    wrong = fault(content)
    if wrong is not None:
        raise DamagedCheckpoint(path, wrong, before(path))
    with zipfile.ZipFile(io.BytesIO(content[:-_LENGTH])) as z:
        return archive.read(z)


def name_of(number):
    """The name of the ``number``-th checkpoint of a folder."""
    return f"checkpoint-{number:08d}.tl"


def saved(folder):
    """``(number, path)`` of the checkpoints in a folder, oldest first."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted((int(m[1]), os.path.join(folder, m[0])) for m in map(_NAME.match, names) if m)


def before(path):
    """The newest whole checkpoint in the folder of ``path`` that is older, or None."""
    folder, name = os.path.split(path)
    match = _NAME.match(name)
    for number, other in reversed(saved(folder or ".")):
        if match and number < int(match[1]):
            with contextlib.suppress(OSError), open(other, "rb") as file:
                if fault(file.read()) is None:
                    return other
    return None


def sweep(folder):
    """Delete what interrupted writes left behind."""
    for name in os.listdir(folder):
        if name.startswith(".checkpoint-") and name.endswith(".tmp"):
            os.unlink(os.path.join(folder, name))


def rotate(folder, keep):
    """Delete all but the ``keep`` newest checkpoints."""
    for _, path in saved(folder)[:-keep]:
        os.unlink(path)
