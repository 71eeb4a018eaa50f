"""save() and load(): which format, which file, and writing that leaves the old file whole if it fails."""

import contextlib
import io
import os
import stat

__all__ = ["load", "save"]


def save(obj, f, pickle_module=None, pickle_protocol=None):
    """Write tensors and plain data to a file.

    Parameters
    ----------
    obj : object
        Tensors, arrays, numbers, strings, None, dtypes, sizes, and dicts, lists, tuples and sets of them. Tensors that
        are the same memory stay so. For a name that ends in ``.safetensors``: a flat dict of tensors.
    f : str, path or binary file
        A path is written completely or not at all: to a temporary file beside it, which then takes its place.
    pickle_module, pickle_protocol : None
        PyTorch's; anything but None is refused, as nothing is pickled.

    Raises
    ------
    TypeError
        For objects that are no data, such as a whole Module (save its ``state_dict()``).
    RuntimeError
        If the folder does not exist.
    ImportError
        For ``.safetensors`` without that package.

    Examples
    --------
    >>> import io, tensorlite as tl
    >>> file = io.BytesIO()
    >>> tl.save({"weight": tl.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> tl.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    if pickle_module is not None or pickle_protocol is not None:
        raise TypeError("save() does not pickle; leave out pickle_module and pickle_protocol")
    from . import archive, tensors  # here: importing tensorlite should not import zipfile and json

    if isinstance(f, io.TextIOBase):
        raise TypeError(f"{getattr(f, 'name', 'the file')} is opened as text; open it in binary mode ('wb')")
    if hasattr(f, "write"):
        archive.write(obj, f)
        return
    path = _path(f)
    write = tensors.write if path.endswith(".safetensors") else archive.write
    with _replacing(path) as file:
        write(obj, file)


def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, encoding="utf-8"):
    """Read what :func:`save`, safetensors or PyTorch's ``torch.save`` wrote.

    Parameters
    ----------
    f : str, path or binary file
    map_location : optional
        ``'cpu'``, or PyTorch's dicts and functions: there is one device, so all of them mean the same.
    pickle_module : None
        PyTorch's; anything else is refused.
    weights_only : bool, optional
        Accepted with either value: files of whole PyTorch objects are refused in any case, as reading one would execute it.
    mmap : bool, optional
        True is refused.
    encoding : str
        How strings that Python 2 wrote are read, such as ``'latin1'``; ``'bytes'`` leaves them as they are.

    Returns
    -------
    The saved object. Tensors of a type that NumPy lacks (bfloat16) become float32, with a warning.

    Raises
    ------
    pickle.UnpicklingError
        For a PyTorch file that holds anything but tensors and plain data.
    RuntimeError
        For a truncated, corrupt or unknown file.

    Examples
    --------
    >>> import io, tensorlite as tl
    >>> file = io.BytesIO()
    >>> tl.save([tl.zeros(2), (1, "a")], file)
    >>> _ = file.seek(0)
    >>> tl.load(file)
    [tensor([0., 0.]), (1, 'a')]
    """
    if pickle_module is not None:
        raise TypeError("load() does not use pickle; leave out pickle_module")
    if mmap:
        raise NotImplementedError("load(mmap=True) is not supported")
    _check_location(map_location)
    if hasattr(f, "read"):
        name = getattr(f, "name", None) or f"the {type(f).__name__}"
        if not hasattr(f, "seek") or (hasattr(f, "seekable") and not f.seekable()):
            f = io.BytesIO(f.read())
        return _read(f, str(name), encoding)
    path = _path(f)
    with open(path, "rb") as file:
        return _read(file, path, encoding)


def _path(f):
    if not isinstance(f, (str, os.PathLike)):
        raise AttributeError(f"expected a path or a file opened in binary mode, but got {type(f).__name__}")
    return os.fsdecode(f)


def _check_location(where):
    if where is None or callable(where) or isinstance(where, dict):
        return
    if str(getattr(where, "type", where)).split(":")[0] != "cpu":
        raise RuntimeError(f"map_location={where!r}: there is no device but 'cpu'")


def _read(file, name, encoding):
    import struct
    import zipfile
    import zlib

    from . import archive, pytorch, tensors

    # what readers run into when the content makes no sense
    damage = (zipfile.BadZipFile, EOFError, LookupError, ValueError, ArithmeticError, MemoryError, TypeError, AttributeError,
              AssertionError, RecursionError, NotImplementedError, struct.error, zlib.error)  # fmt: skip
    start = file.tell()
    head = file.read(10)
    file.seek(start)
    if isinstance(head, str):
        raise TypeError(f"{name} is opened as text; open it in binary mode ('rb')")
    try:
        if head[:2] == b"PK":
            with zipfile.ZipFile(file) as z:
                if archive.MANIFEST in z.namelist():
                    return archive.read(z)
                return pytorch.read_zip(z, encoding)
        if head[8:9] == b"{":
            return tensors.read(file)
        if head[:1] == b"\x80":
            return pytorch.read_legacy(file, encoding)
    except damage as error:
        raise RuntimeError(f"{name} is truncated or corrupt: {error}") from error
    if not head:
        raise RuntimeError(f"{name} is empty")
    raise RuntimeError(
        f"{name} is truncated, corrupt, or in an unknown format: it is neither an archive of tensorlite.save, nor a "
        "safetensors file, nor a file of torch.save"
    )


@contextlib.contextmanager
def _replacing(path):
    """A file that takes the place of ``path`` once it is complete and on disk."""
    import tempfile

    path = os.path.realpath(path)  # a link stays a link
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    mode = os.stat(path).st_mode if os.path.exists(path) else None
    if mode is not None and not stat.S_ISREG(mode):
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(f"{path} is a folder")
        whole = io.BytesIO()
        yield whole
        with open(path, "wb") as file:  # a device or a pipe can't be replaced
            file.write(whole.getvalue())
        return
    number, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is None:
            mask = os.umask(0)
            os.umask(mask)
            mode = 0o666 & ~mask
        os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
