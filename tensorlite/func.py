"""Functions of functions: ``grad``, ``vjp``, ``jvp``, Jacobians, ``vmap``; modules with other parameters are in ``nn.utils``.

Arguments and results may be nested dicts, lists and tuples of tensors.

Cost: a Jacobian is one backward pass per output element (``jacfwd``: two per input element), and
:func:`vmap` is a Python loop that stacks its results: it saves writing the loop, not its time.
"""

import numpy as np

from . import engine
from .autograd.functional import _grads as zero_filled_grads
from .autograd.functional import _units as units
from .autograd.functional import double_vjp, fresh_leaf, stack_rows
from .autograd.trees import flatten, mapped, spread
from .engine import RECORDING, Leaf, TensorBase, alias, state, wrap

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",  # noqa: F822
    "replace_all_batch_norm_modules_", "stack_module_state", "value_and_grad", "vjp", "vmap",  # noqa: F822
]  # fmt: skip


class _Level:
    """One transform at work: its inputs, and whether anything outside of it wants gradients too."""

    def __init__(self, tree, what):
        self.recording = bool(state.mode & RECORDING)
        self.inputs, self.build = flatten(tree)
        for x in self.inputs:
            if not isinstance(x, TensorBase):
                raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)} ({what})")
            if x._data.dtype.kind not in "fc":
                raise RuntimeError(f"{what}: expected floating point or complex tensors, got {x.dtype}")
            if x._view is not None:
                engine.renew(x)
        self.outer = self.recording and any(x._node is not None for x in self.inputs)
        self.xs = [alias(x) if self.outer and x._node is not None else fresh_leaf(x) for x in self.inputs]

    def args(self):
        return self.build(self.xs)

    def ran(self, outputs):
        """Look whether the outputs also depend on what others differentiate by."""
        roots = [o._node for o in outputs if isinstance(o, TensorBase) and o._node is not None]
        if self.recording and roots and not self.outer:
            own = {x._node for x in self.xs}
            self.outer = any(isinstance(n, Leaf) and n not in own for n in engine.order(roots)[0])

    def give(self, tree):
        """Results for the caller: on the caller's tape, or on none."""
        return mapped(lambda t: wrap(t._data) if isinstance(t, TensorBase) and not self.outer else t, tree)


def _pick(args, argnums):
    """The arguments to differentiate by, and a function that puts others in their places."""
    single = isinstance(argnums, int)
    if not single and not isinstance(argnums, tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    nums = (argnums,) if single else argnums
    if not nums:
        raise RuntimeError("argnums must be non-empty")
    for n in nums:
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"Got argnum={n}, but only {len(args)} positional inputs")
    nums = tuple([n % len(args) for n in nums])
    if len(set(nums)) != len(nums):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")

    def place(values):
        new = list(args)
        for n, v in zip(nums, (values,) if single else values):
            new[n] = v
        return new

    return (args[nums[0]] if single else tuple([args[n] for n in nums])), place


def _split_aux(out, has_aux, name):
    if not has_aux:
        return out, None
    if not (isinstance(out, tuple) and len(out) == 2):
        raise RuntimeError(
            f"{name}(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return out


def grad_and_value(func, argnums=0, has_aux=False):
    """A function that returns the gradient of ``func`` and its value.

    Parameters
    ----------
    func : callable
        Returns a zero-dimensional tensor (with ``has_aux``: a pair of it and anything).
    argnums : int or tuple of int
        The arguments to differentiate by.
    has_aux : bool

    Returns
    -------
    callable
        ``(gradient, value)``, with ``has_aux`` ``(gradient, (value, aux))``; gradients have the structure of
        the arguments.

    Raises
    ------
    RuntimeError
        If ``func`` does not return a scalar tensor.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.func.grad_and_value(lambda x: x ** 2)(tl.tensor(3.0))
    (tensor(6.), tensor(9.))
    """

    def wrapped(*args, **kwargs):
        chosen, place = _pick(args, argnums)
        level = _Level(chosen, "grad")
        with engine.recording(True):
            out, aux = _split_aux(func(*place(level.args()), **kwargs), has_aux, "grad")
            if not isinstance(out, TensorBase):
                raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(out)}")
            if out._data.ndim != 0:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{out._data.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            level.ran([out])
            grads = zero_filled_grads((out,), level.xs, None, level.outer)
        result = level.give(level.build(list(grads)))
        return (result, (level.give(out), level.give(aux))) if has_aux else (result, level.give(out))

    return wrapped


value_and_grad = grad_and_value


def grad(func, argnums=0, has_aux=False):
    """A function that returns the gradient of ``func``.

    Parameters
    ----------
    func, argnums, has_aux
        As for :func:`grad_and_value`.

    Returns
    -------
    callable
        The gradient, with ``has_aux`` ``(gradient, aux)``. It can itself be differentiated.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.func.grad(tl.func.grad(lambda x: x ** 3))(tl.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    def wrapped(*args, **kwargs):
        result, value = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return wrapped


def vjp(func, *primals, has_aux=False):
    """``func(*primals)``, and a function from cotangents to their product with the Jacobian.

    Parameters
    ----------
    func : callable
    *primals : trees of tensors
    has_aux : bool
        ``func`` returns ``(output, aux)``.

    Returns
    -------
    (output, vjp_fn) or (output, vjp_fn, aux)
        ``vjp_fn`` returns a tuple with one entry per primal.

    Examples
    --------
    >>> import tensorlite as tl
    >>> out, pull = tl.func.vjp(lambda x: x ** 2, tl.tensor([1.0, 3.0]))
    >>> pull(tl.ones(2))
    (tensor([2., 6.]),)
    """
    level = _Level(primals, "vjp")
    with engine.recording(True):
        out, aux = _split_aux(func(*level.args()), has_aux, "vjp")
    outputs, _ = flatten(out)
    level.ran(outputs)

    def vjp_fn(cotangents, retain_graph=True, create_graph=None):
        given, _ = flatten(cotangents)
        if len(given) != len(outputs):
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be that of the outputs ({len(outputs)} tensors)"
            )
        outer = create_graph or level.outer or any(isinstance(c, TensorBase) and c._node is not None for c in given)
        with engine.recording(True):
            grads = zero_filled_grads(outputs, level.xs, given, outer)
        return level.build([g if outer else wrap(g._data) for g in grads])

    return (level.give(out), vjp_fn, level.give(aux)) if has_aux else (level.give(out), vjp_fn)


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """``func(*primals)`` and the product of its Jacobian with ``tangents``, by two backward passes.

    Parameters
    ----------
    func : callable
    primals, tangents : tuple of trees of tensors
        Of equal structure.
    strict : bool
        Raise if the output does not depend on the primals.
    has_aux : bool

    Returns
    -------
    (output, product) or (output, product, aux)

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.func.jvp(lambda x: x ** 2, (tl.tensor(3.0),), (tl.tensor(1.0),))
    (tensor(9.), tensor(6.))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to be tuples")
    given, _ = flatten(tangents)
    level = _Level(primals, "jvp")
    if [t._data.shape for t in given] != [x._data.shape for x in level.inputs]:
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals and tangents to have the same structure and shapes"
        )
    level.outer = level.outer or (level.recording and any(t._node is not None for t in given))
    with engine.recording(True):
        out, aux = _split_aux(func(*level.args()), has_aux, "jvp")
        outputs, build = flatten(out)
        level.ran(outputs)
        if strict and any(o._node is None for o in outputs):
            raise RuntimeError("jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs")
        product = build(list(double_vjp(outputs, level.xs, given, level.outer)))
    return (
        (level.give(out), level.give(product), level.give(aux)) if has_aux else (level.give(out), level.give(product))
    )


def linearize(func, *primals):
    """``func(*primals)``, and a function from tangents to their product with the Jacobian.

    Parameters
    ----------
    func : callable
    *primals : trees of tensors

    Returns
    -------
    (output, jvp_fn)
        ``jvp_fn(*tangents)`` has the structure of the output; ``func`` does not run again for it.

    Examples
    --------
    >>> import tensorlite as tl
    >>> out, push = tl.func.linearize(lambda x: x ** 2, tl.tensor([1.0, 3.0]))
    >>> push(tl.ones(2))
    tensor([2., 6.])
    """
    level = _Level(primals, "linearize")
    with engine.recording(True):
        out = func(*level.args())
    outputs, build = flatten(out)
    level.ran(outputs)

    def jvp_fn(*tangents):
        with engine.recording(True):
            return level.give(build(list(double_vjp(outputs, level.xs, flatten(tangents)[0], level.outer))))

    return level.give(out), jvp_fn


def _jacobian(func, argnums, has_aux, table, name):
    """``table(outputs, xs, outer)`` computes a list of rows of Jacobians."""

    def wrapped(*args, **kwargs):
        chosen, place = _pick(args, argnums)
        level = _Level(chosen, name)
        with engine.recording(True):
            out, aux = _split_aux(func(*place(level.args()), **kwargs), has_aux, name)
            outputs, build = flatten(out)
            for o in outputs:
                if not isinstance(o, TensorBase):
                    raise RuntimeError(f"{name}: expected f to return only tensors, got {type(o).__name__}")
            level.ran(outputs)
            rows = table(outputs, level.xs, level.outer)
        result = level.give(build([level.build(list(row)) for row in rows]))
        return (result, level.give(aux)) if has_aux else result

    return wrapped


def _by_rows(outputs, xs, outer):
    for o in outputs:
        columns = list(zip(*[zero_filled_grads((o,), xs, (g,), outer) for g in units(o)])) or [()] * len(xs)
        yield [stack_rows(list(c), o._data.shape, x) for c, x in zip(columns, xs)]


def _by_columns(outputs, xs, outer):
    from .ops.arrange import movedim
    from .ops.shape import reshape, stack

    table = [[] for _ in outputs]
    for i, x in enumerate(xs):
        zeros = [wrap(np.zeros_like(other._data)) for other in xs]
        columns = [double_vjp(outputs, xs, [*zeros[:i], v, *zeros[i + 1 :]], outer) for v in units(x)]
        for row, o, column in zip(table, outputs, list(zip(*columns)) or [()] * len(outputs)):
            shape = (*o._data.shape, *x._data.shape)
            if column:
                row.append(reshape(movedim(stack(list(column)), 0, -1), shape=shape))
            else:
                row.append(wrap(np.zeros(shape, o._data.dtype)))
    return table


def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None):
    """A function that returns the Jacobian of ``func``, one backward pass per output element.

    Parameters
    ----------
    func : callable
    argnums : int or tuple of int
    has_aux : bool
    chunk_size : int, optional
        Rows computed at once in PyTorch; here they are computed one by one in any case.

    Returns
    -------
    callable
        The Jacobian: output structure outside, argument structure inside.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.func.jacrev(lambda x: x ** 2)(tl.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    _check_chunk(chunk_size)
    return _jacobian(func, argnums, has_aux, _by_rows, "jacrev")


def jacfwd(func, argnums=0, has_aux=False, *, randomness="error"):
    """A function that returns the Jacobian of ``func``, one Jacobian-vector product per input element.

    Parameters
    ----------
    func, argnums, has_aux
        As for :func:`jacrev`, which needs fewer passes unless there are far more outputs than inputs.
    randomness : 'error', 'same' or 'different'
        ``func`` runs once, so that its random numbers are the same for every column.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.func.jacfwd(lambda x: x ** 2)(tl.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    _check_randomness(randomness)
    return _jacobian(func, argnums, has_aux, _by_columns, "jacfwd")


def hessian(func, argnums=0):
    """A function that returns the second derivatives of ``func``.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.func.hessian(lambda x: (x ** 3).sum())(tl.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)


def _check_chunk(chunk_size):
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"chunk_size should be greater than 0, got {chunk_size}")


def _check_randomness(randomness):
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")


class _Randomness:
    """Gives every turn of ``vmap`` the random numbers that ``randomness`` asks for."""

    def __init__(self, how):
        from . import rng

        self.rng, self.how = rng, how
        self.start = None if how == "different" else rng.get_rng_state()

    def before(self):
        if self.how == "same":
            self.rng.set_rng_state(self.start)

    def after(self):
        if self.how == "error" and not np.array_equal(
            engine.unwrap(self.start), engine.unwrap(self.rng.get_rng_state())
        ):
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
                "randomness flags on vmap or perform the randomness operation out of vmap"
            )


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """``func`` over a dimension of its arguments.

    Parameters
    ----------
    func : callable
    in_dims : int, None or nested structure of them
        For each argument the dimension to map over; None for an argument passed as it is.
    out_dims : int or nested structure
        Where that dimension goes in the results; None for a result that is the same for all.
    randomness : 'error', 'different' or 'same'
        What random operations in ``func`` do.
    chunk_size : int, optional
        How many are computed at once in PyTorch; here one by one in any case.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If there is nothing to map over, or sizes differ.

    Notes
    -----
    This is a loop followed by a stack: n calls of ``func``, so it is as slow as writing the loop.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.func.vmap(tl.dot)(tl.tensor([[1.0, 2.0], [3.0, 4.0]]), tl.ones(2, 2))
    tensor([3., 7.])
    """
    _check_chunk(chunk_size)
    _check_randomness(randomness)

    def wrapped(*args, **kwargs):
        leaves, build = flatten(args)
        dims = _in_dims(in_dims, args, leaves)
        sizes = {x._data.shape[d] for x, d in zip(leaves, dims) if d is not None}
        if not sizes:
            raise ValueError(
                f"vmap(in_dims={in_dims})(<inputs>): got no inputs to map over; in_dims must not be None for all of them"
            )
        if len(sizes) > 1:
            raise ValueError(
                f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sorted(sizes)} for "
                "the mapped dimension"
            )
        (size,) = sizes
        if size == 0:  # a row of zeros tells the results' shapes
            leaves = [x if d is None else x.new_zeros([n or 1 for n in x.shape]) for x, d in zip(leaves, dims)]
        random = _Randomness(randomness)
        rows = []
        for i in range(size or 1):
            random.before()
            rows.append(
                func(*build([_select(x, d, i) if d is not None else x for x, d in zip(leaves, dims)]), **kwargs)
            )
            random.after()
        return _stack_results(rows, out_dims, size)

    return wrapped


def _in_dims(in_dims, args, leaves):
    try:
        dims = spread(in_dims if isinstance(in_dims, (int, type(None))) else tuple(in_dims), args)
    except ValueError:
        raise ValueError(
            f"vmap(in_dims={in_dims}): in_dims is not compatible with the structure of inputs ({len(args)} arguments)"
        ) from None
    for k, (x, d) in enumerate(zip(leaves, dims)):
        if d is None:
            continue
        if not isinstance(x, TensorBase):
            if isinstance(in_dims, int):
                raise ValueError(
                    f"vmap(in_dims={in_dims}): Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap "
                    "over non-Tensor arguments, please use None as the respective in_dim"
                )
            raise ValueError(f"vmap: in_dim {d} for a {type(x).__name__}; use None for what is not a tensor")
        if not -x._data.ndim <= d < x._data.ndim:
            raise ValueError(
                f"vmap: Got in_dim={d} for some input, but that input is a Tensor of dimensionality {x._data.ndim} so expected "
                f"in_dim to satisfy -{x._data.ndim} <= in_dim < {x._data.ndim}."
            )
        dims[k] = d % x._data.ndim
    return dims


def _select(x, dim, index):
    from .ops.indexing import getitem

    return getitem(x, index=(slice(None),) * dim + (index,))


def _stack_results(rows, out_dims, size):
    from .ops.shape import narrow, stack

    first, build = flatten(rows[0])
    columns = list(zip(*[flatten(row)[0] for row in rows]))
    dims = spread(out_dims, rows[0])
    results = []
    for column, dim in zip(columns, dims):
        if not isinstance(column[0], TensorBase):
            raise ValueError(f"vmap: expected the function to return only tensors, got {type(column[0]).__name__}")
        if dim is None:
            results.append(column[0])
        else:
            n = column[0]._data.ndim + 1
            if not -n <= dim < n:
                raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
            whole = stack(list(column), dim=dim % n)
            results.append(whole if size else narrow(whole, dim=dim % n, start=0, stop=0))
    return build(results)


def __getattr__(name):
    """What works on modules, from :mod:`tensorlite.nn.utils.stateless`."""
    if name in ("functional_call", "replace_all_batch_norm_modules_", "stack_module_state"):
        from .nn.utils import stateless

        return getattr(stateless, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
