"""Files of ``torch.save``, read without PyTorch by an unpickler that knows a short list of names.

Only the operations of pickle that build plain data are known at all. The others (making instances, extension codes)
are refused like names outside the list, and so is setting attributes of anything but a state_dict. Sizes, strides and
offsets are checked against the storage before memory is looked at.
"""

import math
import pickle
from collections import Counter, OrderedDict

import numpy as np

from .. import dtypes, engine
from . import tensors

__all__ = ["read_legacy", "read_zip"]

_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?", "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16", "BFloat16Storage": "bfloat16", "UntypedStorage": "u1",
}  # fmt: skip
_CLASSES = {
    "collections.OrderedDict", "collections.Counter", "torch.Size", "torch.device", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_tensor", "torch._utils._rebuild_parameter", "_codecs.encode",
    "builtins.set", "builtins.complex", "builtins.bytearray", "numpy.dtype", "numpy._core.multiarray.scalar",
}  # fmt: skip


class _Name:
    """A name in a file that stands for something allowed; it can be called by REDUCE or be an argument."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name


def _refuse(what):
    raise pickle.UnpicklingError(
        f"the file holds {what}, which is not plain data. Nothing in a file is executed here, so that only tensors, "
        "numbers, strings, lists, tuples, sets and dicts load: in PyTorch, save model.state_dict() instead of the model "
        "(torch.save(model.state_dict(), path))"
    )


class _Storage:
    """The memory of tensors, as NumPy has it."""

    def __init__(self, kind, data):
        self.kind = kind
        if kind == "bfloat16":
            self.array = tensors.widen(np.frombuffer(data, "<u2"))
        else:
            self.array = np.frombuffer(bytearray(data), kind)


class _Unpickler(pickle._Unpickler):  # the one in Python: its operations can be left out
    def __init__(self, file, storage, encoding):
        super().__init__(file, encoding=encoding)
        self.storage = storage
        self.widened = False

    def find_class(self, module, name):
        module = {"__builtin__": "builtins", "numpy.core.multiarray": "numpy._core.multiarray"}.get(module, module)
        full = f"{module}.{name}"
        if full in _CLASSES:
            return _Name(full)
        if module in ("torch", "torch.storage") and name in _STORAGES:
            return _Name(name)
        if module == "torch" and (name in dtypes._NAMED or name == "bfloat16"):
            return _Name(f"dtype {name}")
        _refuse(full)

    def persistent_load(self, pid):
        if not isinstance(pid, tuple) or len(pid) < 5 or _text(pid[0]) != "storage":
            _refuse(f"a reference {pid!r}")
        kind = _STORAGES.get(getattr(pid[1], "name", None))
        if kind is None:
            _refuse(f"a storage of type {getattr(pid[1], 'name', pid[1])!r}")
        if len(pid) > 5 and pid[5] is not None:
            _refuse("a view of a storage in an old format")
        numel = pid[4]
        if type(numel) is not int or numel < 0:
            raise ValueError(f"a storage of {numel!r} elements")
        self.widened |= kind == "bfloat16"
        return self.storage(kind, _text(pid[2]), numel)

    # -- the operations that could do more than build data ---------------------------------------------

    def load_reduce(self):
        args = self.stack.pop()
        name = self.stack[-1]
        if type(name) is not _Name or type(args) is not tuple:
            _refuse("a call of something that is no function")
        self.stack[-1] = self._call(name.name, args)

    def load_build(self):
        state = self.stack.pop()
        if isinstance(self.stack[-1], np.dtype) and type(state) is tuple and state[1:2] in (("<",), ("|",)):
            return  # the byte order that it has
        if type(self.stack[-1]) is not OrderedDict or type(state) is not dict or set(state) - {"_metadata"}:
            _refuse(f"attributes of a {type(self.stack[-1]).__name__}")
        if "_metadata" in state:
            self.stack[-1]._metadata = state["_metadata"]

    dispatch = {
        code[0]: pickle._Unpickler.dispatch[code[0]]
        for code in (
            pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK, pickle.DUP, pickle.NONE,
            pickle.NEWTRUE, pickle.NEWFALSE, pickle.INT, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG,
            pickle.LONG1, pickle.LONG4, pickle.FLOAT, pickle.BINFLOAT, pickle.STRING, pickle.BINSTRING,
            pickle.SHORT_BINSTRING, pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8, pickle.UNICODE,
            pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.BINUNICODE8, pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1,
            pickle.TUPLE2, pickle.TUPLE3, pickle.EMPTY_LIST, pickle.LIST, pickle.EMPTY_DICT, pickle.DICT, pickle.EMPTY_SET,
            pickle.ADDITEMS, pickle.FROZENSET, pickle.APPEND, pickle.APPENDS, pickle.SETITEM, pickle.SETITEMS, pickle.PUT,
            pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.GET, pickle.BINGET, pickle.LONG_BINGET,
            pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.PERSID, pickle.BINPERSID,
        )
    }  # fmt: skip
    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.BUILD[0]] = load_build

    def load(self):
        try:
            return _finish(super().load())
        except KeyError as error:
            if error.args and isinstance(error.args[0], int) and error.args[0] not in self.dispatch:
                _refuse(f"the pickle operation {bytes([error.args[0] % 256])!r}")
            raise

    def _call(self, name, args):
        if name == "collections.OrderedDict":
            return OrderedDict(*args)
        if name == "collections.Counter":
            return Counter(*args)
        if name == "builtins.set":
            return set(*args)
        if name == "builtins.complex":
            return complex(*args)
        if name == "builtins.bytearray" and args and type(args[0]) is bytes:
            return bytearray(args[0])
        if name == "_codecs.encode" and type(args[0]) is str:
            return args[0].encode("latin-1")
        if name == "numpy.dtype" and type(args[0]) is str and args[0].strip("<|")[:1] in tuple("biufc"):
            return np.dtype(args[0])
        if name == "numpy._core.multiarray.scalar" and isinstance(args[0], np.dtype):
            return np.frombuffer(args[1], args[0], 1)[0]
        if name == "torch.Size":
            from .._device import Size

            return Size(*args)
        if name == "torch.device":
            from .._device import device

            return device("cpu") if args[0] != "meta" else _refuse("a tensor without data (device 'meta')")
        if name == "torch._utils._rebuild_parameter":
            from ..nn.parameter import Parameter

            return Parameter(args[0], requires_grad=bool(args[1]))
        if name.startswith("torch._utils._rebuild_tensor"):
            return self._tensor(*args)
        _refuse(f"a call of {name} with {args!r}")

    def _tensor(self, storage, offset, size, stride, requires_grad=False, hooks=None, extra=None, metadata=None):
        if type(storage) is not _Storage:
            _refuse("a tensor without a storage")
        if hooks:
            _refuse("a tensor with hooks")
        array = storage.array
        if type(extra) is _Name:  # an untyped storage, and the dtype apart from it
            kind = extra.name.removeprefix("dtype ")
            array = tensors.widen(array.view("<u2")) if kind == "bfloat16" else array.view(dtypes.to_numpy(kind))
            self.widened |= kind == "bfloat16"
        size, stride = tuple(size), tuple(stride)
        numbers = (offset, *size, *stride)
        if len(size) != len(stride) or any(type(n) is not int or n < 0 for n in numbers):
            raise ValueError(f"a tensor of shape {size}, strides {stride} and offset {offset}")
        last = offset + sum((n - 1) * s for n, s in zip(size, stride))
        if math.prod(size) and last >= array.size:
            raise ValueError(f"a tensor of shape {size} that reaches beyond its storage of {array.size} elements")
        width = array.itemsize
        if math.prod(size) == 0:
            view = np.empty(size, array.dtype)
        else:
            view = np.ndarray(size, array.dtype, array, offset * width, tuple([s * width for s in stride]))
        t = engine.wrap(view)
        if not view.flags.c_contiguous:
            t._fixed = True  # strides as they were saved: others may share the storage
        return t.requires_grad_() if requires_grad is True else t


def _finish(x):
    """Names that stayed in the data are dtypes."""
    if type(x) is _Name:
        if not x.name.startswith("dtype "):
            _refuse(x.name)
        name = x.name.removeprefix("dtype ")
        return dtypes.bfloat16 if name == "bfloat16" else dtypes.of(name)
    if type(x) in (list, tuple, set):
        return type(x)([_finish(v) for v in x]) if any(_deep(v) for v in x) else x
    if isinstance(x, dict):
        for k, v in x.items():
            if _deep(v):
                x[k] = _finish(v)
    return x


def _deep(x):
    return type(x) in (_Name, list, tuple, set) or isinstance(x, dict)


def _text(x):
    return x.decode("ascii") if isinstance(x, bytes) else x


def read_zip(z, encoding):
    """The object in the zip that PyTorch has written since version 1.6."""
    names = set(z.namelist())
    main = next((n for n in sorted(names, key=len) if n == "data.pkl" or n.endswith("/data.pkl")), None)
    if main is None:
        raise RuntimeError(
            "this zip file is neither an archive of tensorlite.save nor of torch.save"
            + ("; use numpy.load for it" if any(n.endswith(".npy") for n in names) else "")
        )
    folder = main.removesuffix("data.pkl")
    if f"{folder}constants.pkl" in names:
        _refuse("a TorchScript program")
    if f"{folder}byteorder" in names and z.read(f"{folder}byteorder") != b"little":
        raise RuntimeError("the file was written on a big-endian machine, which is not supported")
    found = {}

    def storage(kind, key, numel):
        if (key, kind) not in found:
            data = z.read(f"{folder}data/{key}")
            width = 2 if kind == "bfloat16" else np.dtype(kind).itemsize
            if len(data) < numel * width:
                raise ValueError(f"storage {key} has {len(data)} bytes instead of {numel * width}")
            found[key, kind] = _Storage(kind, memoryview(data)[: numel * width])
        return found[key, kind]

    with z.open(main) as file:
        return _run(file, storage, encoding)


def read_legacy(file, encoding):
    """The object in a file of PyTorch before 1.6: several pickles, then the storages."""

    def nothing(kind, key, numel):
        raise pickle.UnpicklingError("a storage before the data")

    if _Unpickler(file, nothing, encoding).load() != _MAGIC:
        _refuse("a pickle that torch.save did not write")
    _Unpickler(file, nothing, encoding).load()  # protocol
    _Unpickler(file, nothing, encoding).load()  # sizes of the writing machine
    start = file.tell()
    wanted = {}

    def dry(kind, key, numel):  # which storages there are, to find them behind the pickle
        wanted[key] = kind, numel
        return None

    survey = _Unpickler(file, dry, encoding)
    survey._tensor = lambda *args: None
    survey._call = lambda name, args: None if "_rebuild" in name else _Unpickler._call(survey, name, args)
    survey.load()
    found = {}
    for key in _Unpickler(file, nothing, encoding).load():
        kind, numel = wanted[_text(key)]
        if int.from_bytes(file.read(8), "little") != numel:
            raise ValueError(f"storage {key} is not of the announced size")
        width = 2 if kind == "bfloat16" else np.dtype(kind).itemsize
        data = file.read(numel * width)
        if len(data) < numel * width:
            raise ValueError(f"storage {key} has {len(data)} bytes instead of {numel * width}")
        found[_text(key)] = _Storage(kind, data)
    file.seek(start)
    return _run(file, lambda kind, key, numel: found[key], encoding)


def _run(file, storage, encoding):
    unpickler = _Unpickler(file, storage, encoding)
    result = unpickler.load()
    if unpickler.widened:
        tensors.note()
    return result
