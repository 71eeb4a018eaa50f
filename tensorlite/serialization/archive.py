"""The format of :func:`tensorlite.save`: a zip with one ``.npy`` per array and a manifest in JSON.

The manifest mirrors the nesting. Numbers, strings, booleans, None and lists stand for themselves; anything else is
an object ``{"!": kind, ...}``, where arrays are named by number.
"""

import base64
import json
import zipfile
from collections import Counter, OrderedDict, defaultdict

import numpy as np

from .. import dtypes, engine
from ..engine import TensorBase

__all__ = ["MANIFEST", "read", "write"]

MANIFEST = "manifest.json"
VERSION = 1
_DICTS = {"dict": dict, "OrderedDict": OrderedDict, "Counter": Counter}
_FACTORIES = {"list": list, "dict": dict, "set": set, "int": int, "float": float, "None": None}  # of defaultdicts
_ROWS = {"tuple": tuple, "set": set, "frozenset": frozenset}


def write(obj, file):
    """Write ``obj`` to a binary file."""
    encoder = _Encoder()
    content = encoder.encode(obj, "")
    manifest = {"format": "tensorlite", "version": VERSION, "content": content}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as z:
        z.writestr(MANIFEST, json.dumps(manifest))
        for i, array in enumerate(encoder.arrays):
            with z.open(f"{i}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read(z):
    """The object in an open zip file."""
    manifest = json.loads(z.read(MANIFEST))
    if manifest.get("format") != "tensorlite":
        raise ValueError("its manifest is not one of tensorlite.save")
    if manifest["version"] > VERSION:
        raise RuntimeError(f"the file has version {manifest['version']}; this library reads up to {VERSION}")
    return _Decoder(z).decode(manifest["content"])


def _flat_kind(obj):
    for kind, cls in (*_DICTS.items(), *_ROWS.items()):
        if type(obj) is cls:
            return kind
    return None


class _Encoder:
    def __init__(self):
        self.arrays = []
        self.known = {}  # place in memory -> number
        self.tensors = []  # those written, by number: one that occurs twice is one again when it is read
        self.numbers = {}  # id of a tensor -> number
        self.open = set()  # the containers that are being written

    def encode(self, obj, path):
        from .._device import Size, device
        from ..nn.module import Module

        if obj is None or type(obj) in (bool, int, float, str):
            return obj
        if isinstance(obj, TensorBase):
            return self._tensor(obj)
        if isinstance(obj, np.ndarray):
            return {"!": "array", "at": self._array(obj, path)}
        if isinstance(obj, np.generic):
            return {"!": "scalar", "at": self._array(np.asarray(obj), path)}
        if type(obj) is bytes:
            return {"!": "bytes", "base64": base64.b64encode(obj).decode()}
        if type(obj) is complex:
            return {"!": "complex", "parts": [obj.real, obj.imag]}
        if isinstance(obj, dtypes.dtype):
            return {"!": "dtype", "name": obj.name}
        if isinstance(obj, device):
            return {"!": "device", "name": str(obj)}
        if isinstance(obj, Module):
            raise TypeError(
                f"save() writes data, not whole modules{_at(path)}: save {type(obj).__name__}.state_dict() and load it "
                "into a module built by code, with load_state_dict()"
            )
        if id(obj) in self.open:
            raise ValueError(f"save(): the object contains itself{_at(path)}")
        self.open.add(id(obj))
        try:
            return self._container(obj, path, Size)
        finally:
            self.open.discard(id(obj))

    def _container(self, obj, path, size):
        if type(obj) is list:
            return [self.encode(v, f"{path}[{i}]") for i, v in enumerate(obj)]
        if type(obj) is size:
            return {"!": "Size", "items": list(obj)}
        kind = _flat_kind(obj)
        if kind in _ROWS:
            return {"!": kind, "items": [self.encode(v, f"{path}[{i}]") for i, v in enumerate(obj)]}
        if kind in _DICTS:
            result = {
                "!": kind,
                "keys": [self.encode(k, path) for k in obj],
                "values": [self.encode(v, f"{path}[{k!r}]") for k, v in obj.items()],
            }
            metadata = getattr(obj, "_metadata", None)  # versions, which a module's state_dict carries
            if metadata is not None:
                result["metadata"] = self.encode(metadata, f"{path}._metadata")
            return result
        if type(obj) is defaultdict:
            factory = next((k for k, v in _FACTORIES.items() if v is obj.default_factory), None)
            if factory is not None:
                return {"!": "defaultdict", "factory": factory, "items": self.encode(dict(obj), path)}
        raise TypeError(
            f"save() can't write a {type(obj).__module__}.{type(obj).__qualname__}{_at(path)}: it writes tensors, arrays, "
            "numbers, strings, None, dtypes, sizes, and dicts, lists, tuples and sets of them"
        )

    def _tensor(self, t):
        from ..nn.parameter import Parameter

        kind = "parameter" if isinstance(t, Parameter) else "tensor"
        number = self.numbers.setdefault(id(t), len(self.tensors))
        if number == len(self.tensors):
            self.tensors.append(t)  # alive, so that its id stays its own
        result = {"!": kind, "at": self._array(t._data, ""), "tensor": number}
        if t._node is not None:
            result["requires_grad"] = True
        return result

    def _array(self, array, path):
        if array.dtype.hasobject:
            raise TypeError(f"save() can't write an array of Python objects{_at(path)}")
        key = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)
        number = self.known.get(key) if array.size else None
        if number is None:
            number = self.known[key] = len(self.arrays)
            self.arrays.append(array)
        return number


def _at(path):
    return f" (at {path})" if path else ""


class _Decoder:
    def __init__(self, z):
        self.z = z
        self.arrays = {}
        self.tensors = {}

    def decode(self, x):
        if isinstance(x, list):
            return [self.decode(v) for v in x]
        if not isinstance(x, dict):
            return x
        kind = x["!"]
        if kind in _DICTS:
            pairs = zip(map(self.decode, x["keys"]), map(self.decode, x["values"]), strict=True)
            result = _DICTS[kind]() if kind == "Counter" else _DICTS[kind](pairs)
            if kind == "Counter":
                result.update(dict(pairs))
            if "metadata" in x:
                result._metadata = self.decode(x["metadata"])
            return result
        if kind in _ROWS:
            return _ROWS[kind]([self.decode(v) for v in x["items"]])
        number = x.get("tensor")
        if number is None:
            return getattr(self, f"_{kind}", self._unknown)(x)
        if number not in self.tensors:
            self.tensors[number] = getattr(self, f"_{kind}", self._unknown)(x)
        return self.tensors[number]

    def _unknown(self, x):
        raise ValueError(f"its manifest names an unknown kind {x['!']!r}")

    def array(self, x):
        number = x["at"]
        if number not in self.arrays:
            with self.z.open(f"{int(number)}.npy") as member:
                array = np.lib.format.read_array(member, allow_pickle=False)
            native = array.dtype.newbyteorder("=")
            self.arrays[number] = array if array.dtype == native else array.astype(native)
        return self.arrays[number]

    def _array(self, x):
        return self.array(x)

    def _scalar(self, x):
        return self.array(x)[()]

    def _tensor(self, x):
        t = engine.wrap(self.array(x))
        return t.requires_grad_() if x.get("requires_grad") else t

    def _parameter(self, x):
        from ..nn.parameter import Parameter

        return Parameter(engine.wrap(self.array(x)), requires_grad=bool(x.get("requires_grad")))

    def _Size(self, x):
        from .._device import Size

        return Size(x["items"])

    def _defaultdict(self, x):
        return defaultdict(_FACTORIES[x["factory"]], self.decode(x["items"]))

    def _bytes(self, x):
        return base64.b64decode(x["base64"])

    def _complex(self, x):
        return complex(*x["parts"])

    def _dtype(self, x):
        return dtypes.of(x["name"])

    def _device(self, x):
        from .._device import device

        return device(x["name"])
