"""Primitives: a NumPy function, its vjps, and the callable that is generated from its signature."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from types import FunctionType

import numpy as np

from .. import dtypes
from . import tape
from .node import Port
from .plan import Plan
from .tape import RECORDING, WATCHED, TensorBase, _new, ndarray, state, unwrap, wrap
from .trail import cut
from .view import attach_view, renew

#: PyTorch computes with infinities and NaN without a word; NumPy warns of them, in kernels that are not worth an errstate.
warnings.filterwarnings("ignore", r"\w+( \w+)* encountered in", RuntimeWarning, __name__.partition(".")[0] + r"\.")


class Primitive:
    """The description of an operation; the callable itself is generated from its signature.

    Positional parameters are arrays (or tensors, or numbers); keyword-only parameters are settings.
    A ``*xs`` parameter is a sequence of arrays.
    """

    def __init__(self, forward, promote, broadcasts, view, outputs, constant, nondiff, differentiable, into, kernel,
                 grad_name) -> None:  # fmt: skip
        self.forward = forward
        self.kernel = kernel or forward
        self.name = forward.__name__.rstrip("_")
        self.grad_name = grad_name
        self.promote = promote
        self.broadcasts = broadcasts
        self.view = view
        self.outputs = outputs
        self.constant = frozenset(constant)
        self.nondiff = frozenset(nondiff)
        self.differentiable = differentiable
        self.into = into
        self.remakes = False  # whether a kept result that was changed in place is computed again from the arguments
        self.reference: Callable | None = None
        self.joint: Callable | None = None
        self.vjps: dict[str, Callable] = {}
        self.names: dict[str, list[str]] = {}
        self.plans: dict[int, Plan] = {}
        plain = inspect.unwrap(forward)
        code = plain.__code__  # read directly: inspect.signature would take a third of the import time
        names, count, keywords = code.co_varnames, code.co_argcount, code.co_kwonlyargcount
        self.arrays = list(names[:count])
        self.listed: tuple[int, ...] = tuple(range(count))  # the arguments in the order in which PyTorch lists them
        self.variadic = names[count + keywords] if code.co_flags & inspect.CO_VARARGS else None
        self.settings = {
            n: (plain.__kwdefaults__ or {}).get(n, inspect.Parameter.empty) for n in names[count : count + keywords]
        }
        if taken := {"key", "mode", "node", "out", "plan", "raw", "result", "t"} & {*self.arrays, *self.settings}:
            raise TypeError(
                f"{self.name}: the generated callable uses the name(s) {sorted(taken)} itself; choose others"
            )
        #: numbers of the differentiable results; None where the number of results varies
        self.live = None if outputs == "many" else [i for i, o in enumerate(outputs or ["out"]) if o not in constant]

    @functools.cached_property
    def signature(self):
        """The signature of the forward function."""
        return inspect.signature(self.forward)

    @property
    def source(self):
        """The text of the generated callable."""
        return _write(self)[0]

    def __repr__(self):
        return f"<primitive {self.name}{self.signature}>"

    def usual_name(self):
        """``MulBackward0`` for ``mul``."""
        return "".join(w[:1].upper() + w[1:] for w in self.name.strip("_").split("_")) + "Backward0"

    # -- registration ------------------------------------------------------------------------------

    def _check(self, fn, skip):
        """The names of what ``fn`` wants kept; refuses names that mean nothing here."""
        code = None if hasattr(fn, "__wrapped__") else getattr(fn, "__code__", None)
        names = list(code.co_varnames[: code.co_argcount] if code else inspect.signature(fn).parameters)[skip:]
        arrays = [self.variadic] if self.variadic else self.arrays
        known = {*arrays, *(f"{a}_shape" for a in arrays), *self.settings, "needs", "out"}
        if isinstance(self.outputs, (tuple, list)):
            known |= set(self.outputs)
        if unknown := set(names) - known:
            raise TypeError(f"vjp of {self.name}: unknown parameter(s) {sorted(unknown)}; it may name {sorted(known)}")
        return names

    def set_vjps(self, vjps):
        arrays = [self.variadic] if self.variadic else self.arrays
        for arg, fn in vjps.items():
            if arg not in arrays:
                raise TypeError(f"{self.name} has no array argument {arg!r}; it has {arrays}")
            self.names[arg] = self._check(fn, 1)
            self.vjps[arg] = fn
        if missing := set(arrays) - set(self.vjps) - self.nondiff:
            raise TypeError(f"{self.name}: no vjp for {sorted(missing)}; declare it, or list it as nondiff")

    def set_joint(self, fn):
        self.joint = fn
        self.names["*"] = self._check(fn, 1)

    def plan(self, key, count):
        if self.variadic:  # the number of arguments is a part of the pattern; long ones are not worth keeping
            pattern = (key, count)
            plan = self.plans.get(pattern) or Plan(self, key, count)
            if count <= 16:
                self.plans[pattern] = plan
            return plan
        plan = self.plans[key] = self.plans.get(key) or Plan(self, key, count)
        return plan


def _promote(how, args):
    """Arguments brought to their common dtype; tensors by a recorded cast."""
    from .basic import cast  # a primitive itself

    d = dtypes.result_dtype(args)
    if how == "signed" and any(
        isinstance(a, bool) or np.dtype(bool) is getattr(unwrap(a), "dtype", None) for a in args
    ):
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
                           "invert a mask, use the `~` or `logical_not()` operator instead.")  # fmt: skip
    if how == "float" and d.kind not in "fc":
        d = dtypes.get_default_dtype().numpy
    out = []
    for a in args:
        if isinstance(a, TensorBase):
            out.append(a if a._data.dtype == d else cast(a, dtype=d))
        elif a is None:
            out.append(a)
        elif isinstance(a, ndarray):
            out.append(a.astype(d, copy=False))
        else:
            out.append(np.asarray(a).astype(d))
    return out


def _explain(prim, error, raw):
    """NumPy's complaint in PyTorch's terms: the operation, what it was given."""
    if prim.kernel is not prim.forward:
        try:
            prim.forward(*raw)
        except (ValueError, TypeError, IndexError, RuntimeError) as better:
            error = better
    if isinstance(error, np.exceptions.AxisError) and error.ndim is not None:
        n = max(error.ndim, 1)
        return IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {error.axis})")
    if isinstance(error, AttributeError):
        odd = [i for i, r in enumerate(raw) if not isinstance(r, (ndarray, np.generic)) and (r is not None or not i)]
        if not odd:
            return error
        i, names = odd[0], list(inspect.signature(prim.forward).parameters)
        called = f" '{'input' if names[i] == 'x' else names[i]}'" if i < len(names) else ""
        return TypeError(
            f"{prim.name}(): argument{called} (position {i + 1}) must be Tensor, not {type(raw[i]).__name__}"
        )
    shown = ", ".join(
        f"{dtypes.of(r.dtype).name}{list(r.shape)}" if isinstance(r, ndarray) else repr(r) for r in raw
    )  # fmt: skip
    if isinstance(error, dtypes.ShapeError):
        return error
    broadcasts = prim.broadcasts or "could not be broadcast together" in str(error)
    shapes = [r.shape for r in raw if isinstance(r, ndarray)] if broadcasts else []
    n = max(map(len, shapes), default=0)
    for d in reversed(range(n)):
        sizes = [s[d - n] for s in shapes if len(s) >= n - d and s[d - n] != 1]
        other = next((m for m in sizes if m != sizes[0]), None)
        if other is not None:
            return dtypes.ShapeError(
                f"The size of tensor a ({sizes[0]}) must match the size of tensor b ({other}) at non-singleton dimension "
                f"{d} ({prim.name} of {shown})"
            )
    if isinstance(error, TypeError) and any(
        s in str(error)
        for s in ("not supported for the input types", "did not contain a loop", "Cannot cast ufunc", "numpy boolean")
    ):
        return NotImplementedError(
            f"\"{prim.name}_cpu\" not implemented for '{dtypes.of(dtypes.result_dtype(raw)).title}'"
        )
    if isinstance(error, (IndexError, NotImplementedError, RuntimeError, TypeError)):
        return error
    return dtypes.ShapeError(f"{prim.name}({shown}): {error}")


def _finish_many(prim, op, args, raw, out, settings, key, mode):
    """Results of an operation that has several: tensors, with ports where gradients can enter."""
    result = tuple([wrap(o) for o in out])
    if prim.view:
        for i, t in enumerate(result):
            attach_view(t, args[0], op, settings, i)
    if key & _GRAD_BITS(len(args)) and mode & RECORDING and prim.differentiable:
        node = prim.plan(key, len(args)).recorded(args, raw, out, result, settings)
        live = prim.live if prim.live is not None else range(len(out))
        if len(live) == 1 and prim.outputs != "many":
            result[live[0]]._node = node
        else:
            for slot, i in enumerate(live):
                result[i]._node = Port.of(node, slot, out[i].shape, out[i].dtype)
        if mode & WATCHED:
            state.watch.recorded(node, args, result)
    return result


def _GRAD_BITS(count):
    return (1 << 2 * count) // 3 * 2  # 0b1010...10


_OP = """
def {name}({signature}):
{unwrap}
    if not key:
        try:
            return forward({raws}{settings})
        except AttributeError as error:
            raise explain(prim, error, ({raws})) from error
    mode = state.mode
{promote}
    try:
        out = forward({raws}{settings}) if mode < 2 else state.watch.forward(prim, ({args}), {{{pairs}}}, ({raws}))
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise explain(prim, error, ({raws})) from error
{finish}
"""

_FINISH_ONE = """
    if out.__class__ is not ndarray:
        out = asarray(out)
    t = new(tape.result_class)
    t._data = out
    t._cell = [0, 0]
    t._grad = t._view = None
{view}
{record}
    return t
"""

_RECORD = """
    if key & {grad_bits} and mode & 1{if_float}:
        plan = plans.get(key) or prim.plan(key, {count})
        t._node = plan.record({record}out, t, {values})
        if mode > 1:
            state.watch.recorded(t._node, ({args}), t)
{otherwise}
    else:
        t._node = None
"""

_LEFT = """
    t._node = None
    if key & {grad_bits} and mode & 1:
        cut({what!r})
"""


def _stub(*args, **kwargs):
    return finish_op()(*args, **kwargs)  # noqa: F821 (in the operation's own scope)


#: What an operation runs at its first call: compiling hundreds of them at import would take longer than NumPy's import.
_STUB = _stub.__code__


def _write(prim: Primitive):
    """The source of the callable of a primitive (unwrap, promote, run, record), with and without promotion."""
    params = list(prim.signature.parameters.values())
    pairs = "".join(f"{s!r}: {s}, " for s in prim.settings)
    settings = "".join(f"{s}={s}, " for s in prim.settings)
    shown = [p.replace(annotation=p.empty) for p in params]
    signature = []
    star = False
    for p in shown:
        if p.kind is p.VAR_POSITIONAL:
            signature.append("*args")
            star = True
        else:
            if p.kind is p.KEYWORD_ONLY and not star:
                signature.append("*")
                star = True
            signature.append(p.name if p.default is p.empty else f"{p.name}=default_{p.name}")
    if prim.variadic:
        raws, args, count = "*raw, ", "*args, ", "len(args)"
        unwrap = [
            "    key = 0",
            "    raw = list(args)",
            "    for i, a in enumerate(args):",
            "        if isinstance(a, TensorBase):",
            "            if a._view is not None:",
            "                renew(a)",
            "            raw[i] = a._data",
            "            key |= (1 if a._node is None else 3) << 2 * i",
        ]
    else:
        raws = "".join(f"x_{a}, " for a in prim.arrays)
        args = "".join(f"{a}, " for a in prim.arrays)
        count = str(len(prim.arrays))
        unwrap = []
        for i, a in enumerate(prim.arrays):
            unwrap += [
                f"    if isinstance({a}, TensorBase):",
                f"        if {a}._view is not None:",
                f"            renew({a})",
                f"        x_{a} = {a}._data",
                f"        key {'|' if i else ''}= {1 << 2 * i} if {a}._node is None else {3 << 2 * i}",
                "    else:",
                f"        x_{a} = {a}",
                *([] if i else ["        key = 0"]),
            ]
    promote = ""
    if prim.promote:
        call_args = args
        test = _promotion_test(prim)
        promote = f"    if {test}:\n        return unpromoted(*promote({prim.promote!r}, ({call_args})), {settings})"
    if prim.outputs is not None:
        finish = f"    return finish_many(prim, self, ({args}), ({raws}), out, {{{pairs}}}, key, mode)"
    else:
        view = f"    attach_view(t, {prim.arrays[0]}, self, {{{pairs}}})" if prim.view else ""
        bits = "grad_bits(len(args))" if prim.variadic else str(_GRAD_BITS(len(prim.arrays)))
        if_float = otherwise = ""
        if prim.differentiable == "float":
            if_float = " and out.dtype.kind in 'fc'"
            otherwise = (
                f"    elif key & {bits} and mode & 1:\n        t._node = None\n        cut('a conversion to integers')"
            )
        record = (
            _RECORD.format(grad_bits=bits, args=args, record="args, raw, " if prim.variadic else args + raws,
                           values="".join(f"{s}, " for s in prim.settings), count=count, if_float=if_float,
                           otherwise=otherwise)
            if prim.differentiable
            else _LEFT.format(grad_bits=bits, what=f"{prim.name}()")
        )  # fmt: skip
        finish = _FINISH_ONE.format(view=view, record=record)
    fields = dict(name=prim.forward.__name__, signature=", ".join(signature), unwrap="\n".join(unwrap), raws=raws,
                  settings=settings, args=args, pairs=pairs, finish=finish)  # fmt: skip

    def text(promote):
        return "\n".join(line for line in _OP.format(promote=promote, **fields).split("\n") if line.strip())

    return text(promote), text("") if promote else None


def _generate(prim: Primitive):
    """The callable of a primitive; it is written and compiled at its first call."""
    scope = {
        "np": np, "cut": cut, "tape": tape, "grad_bits": _GRAD_BITS, "TensorBase": TensorBase, "state": state, "forward": prim.kernel, "prim": prim,
        "plans": prim.plans, "new": _new, "ndarray": ndarray, "asarray": np.asarray, "renew": renew,
        "promote": _promote, "explain": _explain, "finish_many": _finish_many, "attach_view": attach_view,
        "plain_float": dtypes.plain_float, "__name__": __name__,
    }  # fmt: skip

    def build(source, local):
        local.update(
            {f"default_{p.name}": p.default for p in prim.signature.parameters.values() if p.default is not p.empty}
        )
        exec(compile(source, f"<primitive {prim.name}>", "exec"), local)
        return local[prim.forward.__name__]

    def finish_op():
        """Compile the operation into ``op``, which other modules hold already."""
        source, unpromoted = _write(prim)
        if unpromoted:
            local["unpromoted"] = build(unpromoted, dict(scope))
        fn = build(source, local)
        op.__defaults__, op.__kwdefaults__ = fn.__defaults__, fn.__kwdefaults__
        op.__code__ = fn.__code__
        return op

    local = dict(scope)
    op = FunctionType(_STUB, local, prim.forward.__name__)
    local["self"] = op
    local["finish_op"] = finish_op
    op.__doc__ = prim.forward.__doc__
    op.__module__ = prim.forward.__module__
    op.__qualname__ = prim.forward.__qualname__
    op.__wrapped__ = prim.forward  # for inspect.signature and editors
    return op


def _promotion_test(prim):
    """When do the arguments need :func:`dtypes.promote`? The usual case is decided inline."""
    if prim.variadic:
        return "len({getattr(r, 'dtype', None) for r in raw}) > 1" + (
            " or raw[0].dtype.kind not in 'fc'" if prim.promote == "float" else ""
        )
    arrays = [f"x_{a}" for a in prim.arrays]
    if len(arrays) == 1:
        test = f"{arrays[0]}.__class__ is not ndarray"
    else:
        first, *rest = arrays
        same = " or ".join(f"{first}.dtype is not {r}.dtype" for r in rest)
        tensors = (1 << 2 * len(arrays)) // 3  # 0b01...01
        every = " and ".join(f"{r}.__class__ is ndarray" for r in arrays)
        test = f"({same} if key & {tensors} == {tensors} or {every} else not plain_float({', '.join(arrays)}))"
    if prim.promote == "float":
        a = arrays[0]
        test = f"{test} or ({a}.__class__ is ndarray and {a}.dtype.kind not in 'fc')"
    return test


def titled(name, doc):
    """A decorator that gives a function, made by another one, its name and docstring."""

    def dress(function):
        function.__name__ = function.__qualname__ = name
        function.__doc__ = doc
        return function

    return dress


def primitive(forward=None, *, promote=None, broadcasts=False, view=False, outputs=None, constant=(), nondiff=(),
              differentiable=True, into=None, kernel=None, grad_name=None):  # fmt: skip
    """Turn a NumPy function into an operation of the tape.

    Parameters
    ----------
    forward : callable
        Raw arrays in, raw array (or tuple of arrays) out. Positional parameters are arrays, keyword-only
        ones settings, ``*xs`` a sequence of arrays.
    promote : None, 'same', 'signed' or 'float'
        Bring arguments to one dtype first (PyTorch's rules); 'signed' refuses bools beside other dtypes, 'float' also
        turns integers into floats.
    broadcasts : bool
        Whether arguments broadcast, so that gradients must be summed back to their shapes.
    view : bool
        Whether the result may share memory with the first argument.
    outputs : tuple of str or 'many'
        Names of the results where there are several; 'many' where the number varies.
    constant : tuple of str
        Results that are not differentiable (indices).
    nondiff : tuple of str
        Array arguments without a gradient (indices, masks).
    differentiable : bool or 'float'
        False for operations whose result never carries a gradient (comparisons); 'float' where only results of a
        floating dtype do (conversions).
    into : callable
        ``into(target, *others, **settings)`` computes the operation in place, for ``x.op_()``.
    kernel : callable, optional
        Called in place of ``forward`` (a bare ufunc saves a Python call); where it fails, ``forward`` explains why.
    grad_name : str or callable, optional
        PyTorch's name of the node, if it is not ``<Name>Backward0``; or a function of the node that returns it.

    Returns
    -------
    callable
        With ``op.vjp(arg=lambda g, names...: ...)`` to register gradients, one per argument;
        ``op.joint_vjp(lambda g, names..., needs: (...))`` where they share work; and
        ``op.reference(function)`` for a composition that higher orders differentiate instead.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorlite.engine import primitive
    >>> @primitive
    ... def cube(x):
    ...     return x * x * x
    >>> cube.vjp(x=lambda g, x: g * (3 * x * x))
    >>> import tensorlite as tl
    >>> t = tl.tensor(2.0, requires_grad=True)
    >>> cube(t).backward()
    >>> t.grad
    tensor(12.)
    """
    if forward is None:
        return lambda f: primitive(f, promote=promote, broadcasts=broadcasts, view=view, outputs=outputs,
                                   constant=constant, nondiff=nondiff, differentiable=differentiable,
                                   into=into, kernel=kernel, grad_name=grad_name)  # fmt: skip
    prim = Primitive(forward, promote, broadcasts, view, outputs, constant, nondiff, differentiable, into, kernel,
                     grad_name)  # fmt: skip
    op = _generate(prim)
    op.primitive = prim
    op.vjp = lambda **vjps: prim.set_vjps(vjps)
    op.joint_vjp = lambda fn: prim.set_joint(fn)
    op.reference = lambda fn: setattr(prim, "reference", fn) or fn
    registry[f"{forward.__module__}.{prim.name}"] = op
    return op


#: Every primitive, by module and name; the tests demand sample inputs for each.
registry: dict[str, Callable] = {}
