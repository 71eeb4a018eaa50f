"""Compare gradients with finite differences.

A complex number counts as two real ones: every Jacobian here is real, its rows the real (then
imaginary) parts of the outputs, its columns those of the inputs. A vector-Jacobian product with 1
gives the row of a real part, with 1j that of an imaginary part.
"""

import warnings

import numpy as np

from .. import engine
from ..engine import TensorBase, wrap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """Gradients that do not agree with finite differences."""


def _tuple(x):
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _is_float(t):
    return isinstance(t, TensorBase) and t._data.dtype.kind in "fc"


def _parts(a):
    """The real numbers in ``a``, flat: real parts, then imaginary ones."""
    a = np.asarray(a)
    flat = a.reshape(-1)
    return np.concatenate([flat.real, flat.imag]) if a.dtype.kind == "c" else flat


def _units(t):
    """One array per row of the Jacobian of ``t``: the gradient of that real number."""
    a = t._data
    for unit in (1, 1j) if a.dtype.kind == "c" else (1,):
        for i in range(a.size):
            g = np.zeros(a.shape, a.dtype)
            g.reshape(-1)[i] = unit
            yield g


def _checked_inputs(inputs, eps):
    wanted = [t for t in inputs if isinstance(t, TensorBase) and t._node is not None]
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    for i, t in enumerate(inputs):
        if not (isinstance(t, TensorBase) and t._node is not None):
            continue
        if t._data.dtype not in (np.float64, np.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will "
                "likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=4,
            )
        if any(s == 0 and n > 1 for s, n in zip(t._data.strides, t._data.shape)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping "
                "to be able to compute the numerical gradients correctly. You should call .contiguous on the input "
                "before passing it to gradcheck."
            )
    return wanted


def _outputs(func, inputs):
    """All the tensors that ``func`` returns, and the positions of the differentiable ones."""
    outs = _tuple(func(*inputs))
    for o in outs:
        if not isinstance(o, TensorBase):
            raise ValueError(f"gradcheck needs a function that returns tensors, not a {type(o).__name__}")
    return outs, [i for i, o in enumerate(outs) if o._node is not None]


def _values(func, inputs):
    with engine.recording(False):
        return [np.array(o._data) for o in _tuple(func(*inputs))]


def _numeric(func, inputs, x, eps):
    """Jacobians of all the outputs with respect to ``x``, by central differences in its memory."""
    a = x._data
    columns = []
    for step in (eps, eps * 1j) if a.dtype.kind == "c" else (eps,):
        for index in np.ndindex(a.shape):
            old = a[index]
            a[index] = old + step
            above = _values(func, inputs)
            a[index] = old - step
            below = _values(func, inputs)
            a[index] = old
            columns.append([_parts((p - m) / (2 * eps)) for p, m in zip(above, below) if p.dtype.kind in "fc"])
    floats = [i for i, v in enumerate(_values(func, inputs)) if v.dtype.kind in "fc"]
    return {o: np.stack([c[i] for c in columns], axis=1) if columns else None for i, o in enumerate(floats)}


def _vjp(out, xs, g):
    return engine.grad(out, xs, wrap(g), retain_graph=True, allow_unused=True)


def _analytic(out, xs, check_dtypes=False):
    """Jacobians of ``out`` with respect to each of ``xs``, a row per vector-Jacobian product."""
    rows = [[] for _ in xs]
    for g in _units(out):
        for row, x, r in zip(rows, xs, _vjp(out, xs, g)):
            if r is not None and r._data.shape != x._data.shape:
                raise GradcheckError(f"Analytical gradient has incorrect size: {r._data.shape} for {x._data.shape}")
            if check_dtypes and r is not None and r._data.dtype != x._data.dtype:
                raise GradcheckError(f"Analytical gradient has dtype {r.dtype}, its input {x.dtype}")
            row.append(_parts(np.zeros_like(x._data) if r is None else r._data))
    return [np.stack(row) if row else np.zeros((0, _parts(x._data).size)) for row, x in zip(rows, xs)]


def _compare(analytic, numeric, atol, rtol, where, how="Jacobian"):
    if not np.allclose(analytic, numeric, rtol=rtol, atol=atol, equal_nan=True):
        worst = np.unravel_index(np.nanargmax(np.abs(analytic - numeric)), analytic.shape) if analytic.size else ()
        raise GradcheckError(
            f"{how} mismatch for {where},\nnumerical:{numeric}\nanalytical:{analytic}\n"
            f"(largest difference at {[int(i) for i in worst]}; complex numbers as pairs of real ones)"
        )


def _check_slow(func, inputs, xs, eps, atol, rtol, nondet_tol, grad_dtypes, batched):
    outs, live = _outputs(func, inputs)
    places = {id(x): i for i, x in enumerate(inputs)}
    numeric = [_numeric(func, inputs, x, eps) for x in xs]
    for o, out in enumerate(outs):
        if not _is_float(out):
            continue
        if o not in live:
            for x, jacobians in zip(xs, numeric):
                if jacobians[o] is not None and np.any(np.abs(jacobians[o]) > atol):
                    raise GradcheckError(
                        f"Numerical gradient for function expected to be zero: output {o} does not require grad, but "
                        f"depends on input {places[id(x)]}"
                    )
            continue
        analytic = _analytic(out, xs, grad_dtypes)
        for x, jacobians, a in zip(xs, numeric, analytic):
            if jacobians[o] is not None:
                _compare(a, jacobians[o], atol, rtol, f"output {o} with respect to input {places[id(x)]}")
        again = _analytic(out, xs)
        for a, b, x in zip(analytic, again, xs):
            if a.size and np.max(np.abs(a - b)) > nondet_tol:
                raise GradcheckError(
                    f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                    f"gives different values (output {o}, input {places[id(x)]}); the tolerance for nondeterminism was "
                    f"{nondet_tol}."
                )
        if batched and out._data.size:
            g = wrap(np.stack(list(_units(out))))
            rows = engine.grad(
                out, xs, g, retain_graph=True, allow_unused=True, is_grads_batched=True, materialize_grads=True
            )
            for r, a, x in zip(rows, analytic, xs):
                b = np.stack([_parts(v) for v in r._data])
                _compare(b, a, atol, rtol, f"output {o} with respect to input {places[id(x)]}", "Batched gradient")
    return outs, live


def _check_fast(func, inputs, xs, eps, atol, rtol):
    """Compare u J v for random u and v, with one difference and one product per pair."""
    outs, live = _outputs(func, inputs)
    random = np.random.default_rng(0)

    def direction(a):
        v = random.standard_normal(a.shape)
        v = v + 1j * random.standard_normal(a.shape) if a.dtype.kind == "c" else v
        return np.asarray(v / max(np.linalg.norm(v), 1e-30), dtype=a.dtype)

    for x in xs:
        v, old = direction(x._data), np.array(x._data)
        x._data[...] = old + eps * v
        above = _values(func, inputs)
        x._data[...] = old - eps * v
        below = _values(func, inputs)
        x._data[...] = old
        for o in live:
            u = direction(outs[o]._data)
            (r,) = _vjp(outs[o], (x,), u)
            a = 0.0 if r is None else float(_parts(r._data) @ _parts(v))
            n = float(_parts(u) @ _parts((above[o] - below[o]) / (2 * eps)))
            i = next(i for i, t in enumerate(inputs) if t is x)
            _compare(np.array([a]), np.array([n]), atol, rtol, f"output {o} with respect to input {i} (fast mode)")
    return outs, live


def _check_forward(func, inputs, xs, eps, atol, rtol):
    """Columns of the Jacobian by forward mode against finite differences."""
    from .functional import jvp

    places = [next(i for i, t in enumerate(inputs) if t is x) for x in xs]

    for place, x in zip(places, xs):
        numeric = _numeric(func, inputs, x, eps)

        def one(z, place=place):
            outs = _tuple(func(*[z if i == place else t for i, t in enumerate(inputs)]))
            return tuple([o for o in outs if _is_float(o)])

        columns = [[_parts(o._data) for o in _tuple(jvp(one, x, wrap(v))[1])] for v in _units(x)]
        for i, o in enumerate(numeric):
            if numeric[o] is not None:
                a = np.stack([c[i] for c in columns], axis=1)
                _compare(a, numeric[o], atol, rtol, f"output {o} with respect to input {place} (forward mode)")


def _check_zero(outs, live, xs):
    """Gradients of zero (or none) must give zero or none."""
    for o in live:
        for x, r in zip(xs, _vjp(outs[o], xs, np.zeros_like(outs[o]._data))):
            if r is not None and np.any(r._data != 0):
                raise GradcheckError(
                    'Expected backward function to handle undefined output grads. Please look at "Notes about undefined '
                    f'output gradients": a zero gradient of output {o} gave {r._data} for an input of shape '
                    f"{list(x._data.shape)}"
                )


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0,
              check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False,
              check_batched_forward_grad=False, check_forward_ad=False, check_backward_ad=True, fast_mode=False,
              masked=None):  # fmt: skip
    """Check gradients of ``func`` against central differences.

    Parameters
    ----------
    func : callable
        Takes tensors, returns a tensor or a sequence of tensors.
    inputs : Tensor or sequence
        Those that require grad are checked; use float64 or complex128.
    eps : float
        Step of the differences.
    atol, rtol : float
        Tolerances of the comparison.
    raise_exception : bool
        False returns False instead of raising.
    nondet_tol : float
        How much two runs of the same backward pass may differ.
    check_undefined_grad : bool
        Check that zero gradients arriving give zero gradients.
    check_grad_dtypes : bool
        Check that gradients have the dtypes of their inputs.
    check_batched_grad, check_batched_forward_grad : bool
        Check ``autograd.grad(is_grads_batched=True)``; its forward-mode form is the same loop here.
    check_forward_ad, check_backward_ad : bool
        Which modes to check.
    fast_mode : bool
        Compare one random projection of each Jacobian instead of all of it.
    masked : bool, optional
        For sparse layouts, which do not exist here: True is refused.

    Returns
    -------
    bool

    Raises
    ------
    GradcheckError
        Names output and input and shows both Jacobians.
    ValueError
        If no input requires grad.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([0.5, 2.0], dtype=tl.float64, requires_grad=True)
    >>> tl.autograd.gradcheck(tl.exp, (x,))
    True
    """
    if check_batched_forward_grad and not check_forward_ad:
        raise ValueError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    if masked:
        raise NotImplementedError("gradcheck(masked=True) concerns sparse tensors, which are not supported")
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    inputs = _tuple(inputs)
    try:
        xs = _checked_inputs(inputs, eps)
        with engine.recording(True):
            if check_backward_ad:
                if fast_mode:
                    outs, live = _check_fast(func, inputs, xs, eps, atol, rtol)
                else:
                    outs, live = _check_slow(
                        func, inputs, xs, eps, atol, rtol, nondet_tol, check_grad_dtypes, check_batched_grad
                    )
                if check_undefined_grad:
                    _check_zero(outs, live, xs)
            if check_forward_ad:
                _check_forward(func, inputs, xs, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3,
                  gen_non_contig_grad_outputs=False, raise_exception=True, nondet_tol=0.0, check_undefined_grad=True,
                  check_grad_dtypes=False, check_batched_grad=False, check_fwd_over_rev=False,
                  check_rev_over_rev=True, fast_mode=False, masked=False):  # fmt: skip
    """Check second derivatives: :func:`gradcheck` of the gradients of ``func``.

    Parameters
    ----------
    func, inputs
        As for :func:`gradcheck`.
    grad_outputs : Tensor or sequence, optional
        Gradients of the outputs, one per differentiable output; random numbers if None.
    gen_non_contig_grad_outputs : bool
        Make those random numbers non-contiguous.
    eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad
        As for :func:`gradcheck`.
    check_fwd_over_rev, check_rev_over_rev : bool
        Forward or reverse mode over the backward pass.
    fast_mode, masked : bool
        As for :func:`gradcheck`.

    Returns
    -------
    bool

    Raises
    ------
    GradcheckError
        If they do not agree.

    Examples
    --------
    >>> import tensorlite as tl
    >>> x = tl.tensor([0.5, 2.0], dtype=tl.float64, requires_grad=True)
    >>> tl.autograd.gradgradcheck(lambda x: x ** 3, (x,))
    True
    """
    inputs = _tuple(inputs)
    xs = _checked_inputs(inputs, eps)
    with engine.recording(True):
        outs, live = _outputs(func, inputs)
    if grad_outputs is None:
        grads = []
        for o in live:
            a = outs[o]._data
            g = np.empty(a.shape, a.dtype)
            parts = g[..., None].view(g.real.dtype) if a.dtype.kind == "c" else g
            wrap(parts).uniform_(-1, 1)  # as PyTorch draws them: what comes after has its numbers
            if gen_non_contig_grad_outputs:
                g = np.stack([g, g], axis=-1)[..., 0]
            t = wrap(g)
            t._node = engine.Leaf(t)
            grads.append(t)
    else:
        grads = list(_tuple(grad_outputs))
    count = len(inputs)
    places = [next(i for i, t in enumerate(inputs) if t is x) for x in xs]

    def gradients(*args):
        with engine.recording(True):
            ins, gs = list(args[:count]), args[count:]
            for p in places:  # under no_grad (differences) the perturbed inputs are still to be differentiated
                if ins[p]._node is None:
                    ins[p]._node = engine.Leaf(ins[p])
            outs, live = _outputs(func, ins)
            found = engine.grad([outs[o] for o in live], [ins[p] for p in places], gs, create_graph=True,
                                allow_unused=True)  # fmt: skip
        return tuple([f for f in found if f is not None])

    return gradcheck(gradients, (*inputs, *grads), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
                     nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad,
                     check_grad_dtypes=check_grad_dtypes, check_batched_grad=check_batched_grad,
                     check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev, fast_mode=fast_mode,
                     masked=masked)  # fmt: skip
