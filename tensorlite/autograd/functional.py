"""Derivatives of functions: ``jacobian``, ``hessian`` and products with vectors.

Everything is reverse mode: a row of a Jacobian is one backward pass, and a Jacobian-vector product is
two (differentiate ``v -> v J`` with respect to ``v``, which is linear).
"""

import numpy as np

from .. import engine
from ..engine import Leaf, TensorBase, alias, wrap

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _tuple(x, what, fn):
    single = not isinstance(x, tuple)
    items = (x,) if single else x
    for i, t in enumerate(items):
        if not isinstance(t, TensorBase):
            found = f"the given {what}" if single else f"the value at index {i}"
            raise TypeError(
                f"The {what} given to {fn} must be either a Tensor or a tuple of Tensors but {found} has type {type(t)}."
            )
    return single, items


def fresh_leaf(t):
    """A leaf that requires grad and shares the memory of ``t``."""
    leaf = wrap(t._data)
    leaf._node = Leaf(leaf)
    return leaf


def _prepare(inputs, keep):
    """Inputs to differentiate by: attached to the caller's graph if ``keep``, else leaves of their own."""
    return tuple([alias(x) if keep and x._node is not None else fresh_leaf(x) for x in inputs])


def _run(func, xs, fn):
    single, outputs = _tuple(func(*xs), "outputs of the user-provided function", fn)
    return single, outputs


def _grads(outputs, inputs, vectors=None, create_graph=False, strict=None):
    """``engine.grad`` that gives zeros for what does not depend, or raises in strict mode."""
    pairs = [(o, v) for o, v in zip(outputs, vectors or [None] * len(outputs)) if o._node is not None]
    found = (None,) * len(inputs)
    if pairs:
        outs, vs = zip(*pairs)
        found = engine.grad(outs, inputs, list(vs), retain_graph=True, create_graph=create_graph, allow_unused=True)
    if strict is not None:
        for i, g in enumerate(found):
            if g is None:
                raise RuntimeError(strict.format(i))
    return tuple([wrap(np.zeros_like(x._data)) if g is None else g for g, x in zip(found, inputs)])


def _finish(tensors, keep):
    return tuple([t if keep else wrap(t._data) for t in tensors])


def _check_vector(v, like, what):
    if len(v) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}.")
    for i, (a, b) in enumerate(zip(v, like)):
        if a._data.shape != b._data.shape:
            raise RuntimeError(
                f"Entry {i} in v has invalid size: should be {list(b._data.shape)} but got {list(a._data.shape)}."
            )
    return v


def _vector(v, like, fn, what):
    if v is None:
        if len(like) != 1 or like[0]._data.size != 1:
            raise RuntimeError(
                f"The vector v can only be None if the {what} is a single Tensor with a single element. You should give v "
                "explicitly."
            )
        return (wrap(np.ones_like(like[0]._data)),)
    return _check_vector(_tuple(v, "v", fn)[1], like, what)


def _units(t):
    """One tensor per element of ``t``, zero but for a one there."""
    for i in range(t._data.size):
        g = np.zeros(t._data.shape, t._data.dtype)
        g.reshape(-1)[i] = 1
        yield wrap(g)


def stack_rows(rows, shape, like):
    """Rows of a Jacobian as one tensor of shape ``shape + like.shape``."""
    from ..ops.shape import reshape, stack

    if not rows:
        return wrap(np.zeros((*shape, *like._data.shape), like._data.dtype))
    return reshape(stack(rows), shape=(*shape, *like._data.shape))


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The Jacobian of ``func`` at ``inputs``.

    Parameters
    ----------
    func : callable
        Tensors in, a tensor or a tuple of tensors out.
    inputs : Tensor or tuple of Tensor
    create_graph : bool
        Make the result differentiable.
    strict : bool
        Raise if an output does not depend on an input, instead of giving zeros.
    vectorize : bool
        Accepted; one backward pass per output element is run either way.
    strategy : 'reverse-mode' or 'forward-mode'
        The same numbers; as in PyTorch, 'forward-mode' needs ``vectorize=True``.

    Returns
    -------
    Tensor, tuple, or tuple of tuples
        ``result[i][j]`` has the shape of output i followed by that of input j.

    Raises
    ------
    RuntimeError
        In strict mode, see above.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.autograd.functional.jacobian(lambda x: x ** 2, tl.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(f'Expected strategy to be either "forward-mode" or "reverse-mode", but got {strategy!r}')
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError('Computing Jacobian using strategy="forward-mode" needs vectorize=True')
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together."
        )
    with engine.recording(True):
        one_in, inputs = _tuple(inputs, "inputs", "jacobian")
        xs = _prepare(inputs, create_graph)
        one_out, outputs = _run(func, xs, "jacobian")
        table = []
        for i, out in enumerate(outputs):
            if strict and out._node is None:
                raise RuntimeError(f"Output {i} of the user-provided function does not require gradients.")
            message = f"Output {i} of the user-provided function is independent of input {{}}." if strict else None
            columns = [[] for _ in xs]
            for g in _units(out):
                for column, r in zip(columns, _grads((out,), xs, (g,), create_graph, message)):
                    column.append(r)
            row = tuple([stack_rows(c, out._data.shape, x) for c, x in zip(columns, xs)])
            table.append(row[0] if one_in else _finish(row, create_graph))
        if one_in:
            table = list(_finish(table, create_graph))
    return table[0] if one_out else tuple(table)


def _scalar(func, fn):
    def checked(*xs):
        single, (out, *_) = _run(func, xs, fn)
        if not single:
            raise RuntimeError(f"The function given to {fn} should return a single Tensor")
        if out._data.size != 1:
            raise RuntimeError(f"The Tensor returned by the function given to {fn} should contain a single element")
        return out if out._data.ndim == 0 else _reshape(out, ())

    return checked


def _reshape(t, shape):
    from ..ops.shape import reshape

    return reshape(t, shape=shape)


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The matrix of second derivatives of a scalar function.

    Parameters
    ----------
    func : callable
        Tensors in, a tensor with one element out.
    inputs : Tensor or tuple of Tensor
    create_graph, strict, vectorize
        As for :func:`jacobian`.
    outer_jacobian_strategy : 'reverse-mode' or 'forward-mode'
        The same numbers.

    Returns
    -------
    Tensor or tuple of tuples
        ``result[i][j]`` has the shape of input i followed by that of input j.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.autograd.functional.hessian(lambda x: (x ** 3).sum(), tl.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    if outer_jacobian_strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode"')
    one_in, inputs = _tuple(inputs, "inputs", "hessian")
    checked = _scalar(func, "hessian")

    def gradient(*xs):
        return jacobian(checked, xs[0] if one_in else xs, create_graph=True, strict=strict)

    return jacobian(gradient, inputs[0] if one_in else inputs, create_graph=create_graph, strict=strict)


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """``func(inputs)`` and the product of ``v`` with its Jacobian.

    Parameters
    ----------
    func : callable
    inputs : Tensor or tuple of Tensor
    v : Tensor or tuple of Tensor, optional
        Of the shape of the outputs; may be left out for one output with one element.
    create_graph, strict : bool
        As for :func:`jacobian`.

    Returns
    -------
    (outputs, products)
        Products have the shapes of the inputs.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.autograd.functional.vjp(lambda x: x ** 2, tl.tensor([1.0, 3.0]), tl.ones(2))[1]
    tensor([2., 6.])
    """
    with engine.recording(True):
        one_in, inputs = _tuple(inputs, "inputs", "vjp")
        xs = _prepare(inputs, create_graph)
        one_out, outputs = _run(func, xs, "vjp")
        v = _vector(v, outputs, "vjp", "user-provided function's output")
        message = "The output of the user-provided function is independent of input {}." if strict else None
        products = _finish(_grads(outputs, xs, v, create_graph, message), create_graph)
        outputs = _finish(outputs, create_graph)
    return outputs[0] if one_out else outputs, products[0] if one_in else products


def double_vjp(outputs, xs, tangents, create_graph, strict=None):
    """Products of the Jacobian with ``tangents``: differentiate ``u -> u J`` with respect to ``u``."""
    us = tuple([fresh_leaf(wrap(np.zeros_like(o._data))) for o in outputs])
    gs = _grads(outputs, xs, us, True, strict)
    return _grads(gs, us, tangents, create_graph)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """``func(inputs)`` and the product of its Jacobian with ``v``, by two backward passes.

    Parameters
    ----------
    func : callable
    inputs : Tensor or tuple of Tensor
    v : Tensor or tuple of Tensor, optional
        Of the shape of the inputs; may be left out for one input with one element.
    create_graph, strict : bool
        As for :func:`jacobian`.

    Returns
    -------
    (outputs, products)
        Products have the shapes of the outputs.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.autograd.functional.jvp(lambda x: x ** 2, tl.tensor([1.0, 3.0]), tl.ones(2))[1]
    tensor([2., 6.])
    """
    with engine.recording(True):
        _, inputs = _tuple(inputs, "inputs", "jvp")
        v = _vector(v, inputs, "jvp", "input to the user-provided function")
        xs = _prepare(inputs, create_graph)
        one_out, outputs = _run(func, xs, "jvp")
        message = "The output of the user-provided function is independent of input {}." if strict else None
        products = _finish(double_vjp(outputs, xs, v, create_graph, message), create_graph)
        outputs = _finish(outputs, create_graph)
    return outputs[0] if one_out else outputs, products[0] if one_out else products


_LINEAR = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is "
    "independent of the input. This is not allowed in strict mode."
)


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """``func(inputs)`` and the product of ``v`` with its Hessian.

    Parameters and errors as for :func:`vjp`; ``func`` returns one element.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.autograd.functional.vhp(lambda x: (x ** 3).sum(), tl.tensor([1.0, 2.0]), tl.ones(2))[1]
    tensor([ 6., 12.])
    """
    with engine.recording(True):
        one_in, inputs = _tuple(inputs, "inputs", "vhp")
        v = _vector(v, inputs, "vhp", "input to the user-provided function")
        xs = _prepare(inputs, create_graph)
        out = _scalar(func, "vhp")(*xs)
        message = "The output of the user-provided function is independent of input {}." if strict else None
        gs = _grads((out,), xs, None, True, message)
        products = _finish(_grads(gs, xs, v, create_graph, _LINEAR if strict else None), create_graph)
        (out,) = _finish((out,), create_graph)
    return out, products[0] if one_in else products


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """``func(inputs)`` and the product of its Hessian with ``v``.

    The Hessian of a function with continuous second derivatives is symmetric, so this is :func:`vhp`; for
    others it is computed as PyTorch does, by a third backward pass.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.autograd.functional.hvp(lambda x: (x ** 3).sum(), tl.tensor([1.0, 2.0]), tl.ones(2))[1]
    tensor([ 6., 12.])
    """
    with engine.recording(True):
        one_in, inputs = _tuple(inputs, "inputs", "hvp")
        v = _vector(v, inputs, "hvp", "input to the user-provided function")
        xs = _prepare(inputs, create_graph)
        out = _scalar(func, "hvp")(*xs)
        message = "The output of the user-provided function is independent of input {}." if strict else None
        gs = _grads((out,), xs, None, True, message)
        products = _finish(double_vjp(gs, xs, v, create_graph, _LINEAR if strict else None), create_graph)
        (out,) = _finish((out,), create_graph)
    return out, products[0] if one_in else products
