"""L-BFGS: a quasi-Newton method with limited memory and an optional line search."""

import numpy as np

from .. import engine
from .optimizer import Optimizer, check_rate, number

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    r"""Limited-memory BFGS (`minFunc <https://www.cs.ubc.ca/~schmidtm/Software/minFunc.html>`_).

    The direction is :math:`-H g`, where the two-loop recursion builds :math:`H` from the last ``history_size``
    changes of parameters and gradients (Nocedal & Wright, Numerical Optimization, algorithm 7.4).
    https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html

    Parameters
    ----------
    params : iterable of Tensor
        One group only.
    lr : float, default 1
    max_iter : int, default 20
        Iterations per step.
    max_eval : int, optional
        Evaluations of the closure per step; ``max_iter * 5 // 4`` if left out.
    tolerance_grad : float, default 1e-7
    tolerance_change : float, default 1e-9
    history_size : int, default 100
    line_search_fn : None or 'strong_wolfe'

    Raises
    ------
    ValueError
        For a negative learning rate or several groups.
    RuntimeError
        In ``step``, for another line search.

    Examples
    --------
    >>> import tensorlite as tl
    >>> w = tl.tensor([3.0], requires_grad=True)
    >>> optimizer = tl.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> loss = optimizer.step(closure)
    >>> round(loss.item(), 4), round(w.item(), 4)
    (4.0, 1.0)
    """

    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9,
                 history_size=100, line_search_fn=None):  # fmt: skip
        check_rate(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        super().__init__(params, dict(
            lr=lr, max_iter=max_iter, max_eval=max_eval, tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change, history_size=history_size, line_search_fn=line_search_fn))  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    # -- parameters as one vector --------------------------------------------------------------------

    @property
    def _params(self):
        return self.param_groups[0]["params"]

    def _gradient(self):
        parts = []
        for p in self._params:
            g = np.zeros_like(p._data) if p._grad is None else p._grad._data
            if g.shape != p._data.shape:
                raise RuntimeError(f"a gradient of shape {list(g.shape)} for a parameter of {list(p._data.shape)}")
            parts.append(_vector(g))
        return np.concatenate(parts)

    def _move(self, t, direction):
        at = 0
        for p in self._params:
            a = p._data
            count = a.size * (2 if a.dtype.kind == "c" else 1)
            step = np.ascontiguousarray(direction[at : at + count])
            if a.dtype.kind == "c":
                step = step.view(a.dtype)
            a += (step * t).reshape(a.shape).astype(a.dtype, copy=False)
            engine.touch(p)
            at += count

    def _restore(self, copies):
        for p, saved in zip(self._params, copies):
            p._data[...] = saved
            engine.touch(p)

    # -- one step ------------------------------------------------------------------------------------

    def step(self, closure):
        """Run up to ``max_iter`` iterations.

        Parameters
        ----------
        closure : callable
            Clears the gradients, computes the loss, calls ``backward`` and returns the loss.

        Returns
        -------
        The first value of the closure.
        """
        with np.errstate(all="ignore"):
            return self._step(closure)

    def _step(self, closure):
        def evaluate():
            with engine.recording(True):
                return closure()

        (group,) = self.param_groups
        lr = self._rate(group)
        if isinstance(group["lr"], engine.TensorBase):  # the step lengths are tensors then
            lr = group["lr"]._data.dtype.type(lr)
        max_iter, max_eval = group["max_iter"], group["max_eval"]
        tolerance_grad, tolerance_change = group["tolerance_grad"], group["tolerance_change"]
        search, history = group["line_search_fn"], group["history_size"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")

        stored = self.state[self._params[0]]  # the first parameter's state holds everything
        stored.setdefault("func_evals", 0)
        stored.setdefault("n_iter", 0)
        first = evaluate()
        loss = number(first)
        evals = 1
        stored["func_evals"] += 1
        grad = self._gradient()
        if abs(grad).max() <= tolerance_grad:
            return first
        state = {k: _unpack(stored.get(k)) for k in _KEPT}
        d, t, previous = state["d"], state["t"], state["prev_flat_grad"]
        changes, steps, ro, scale = state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"]

        done = 0
        while done < max_iter:
            done += 1
            stored["n_iter"] += 1
            if stored["n_iter"] == 1:
                d, changes, steps, ro, scale = -grad, [], [], [], 1
            else:
                y, s = grad - previous, d * t
                ys = y.dot(s)
                if ys > 1e-10:
                    if len(changes) == history:
                        for kept in (changes, steps, ro):
                            kept.pop(0)
                    changes.append(y)
                    steps.append(s)
                    ro.append(1.0 / ys)
                    scale = ys / y.dot(y)
                stored.setdefault("al", [None] * history)  # PyTorch's scratch space is part of its state
                d = _direction(grad, changes, steps, ro, scale)
            previous, last_loss = grad.copy(), loss

            t = min(1.0, 1.0 / abs(grad).sum()) * lr if stored["n_iter"] == 1 else lr
            slope = grad.dot(d)
            if slope > -tolerance_change:
                break
            used = 0
            if search is not None:
                start = [p._data.copy() for p in self._params]

                def probe(t, start=start, d=d):
                    self._move(t, d)
                    try:
                        return number(evaluate()), self._gradient()
                    finally:
                        self._restore(start)

                loss, grad, t, used = strong_wolfe(probe, t, d, loss, grad, slope, max_ls=max_eval - evals)
                self._move(t, d)
            else:
                self._move(t, d)
                if done != max_iter:  # nobody needs the value after the last iteration
                    loss = number(evaluate())
                    grad = self._gradient()
                    used = 1
            evals += used
            stored["func_evals"] += used
            if done == max_iter or evals >= max_eval or abs(grad).max() <= tolerance_grad:
                break
            if abs(d * t).max() <= tolerance_change or abs(loss - last_loss) < tolerance_change:
                break

        values = (d, t, changes, steps, ro, scale, previous, last_loss)
        stored.update({k: _pack(v) for k, v in zip(_KEPT, values)})
        return first


_KEPT = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


def _vector(a):
    flat = np.ascontiguousarray(a).reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


def _pack(x):
    """Arrays as tensors, for the state."""
    if isinstance(x, list):
        return [_pack(v) for v in x]
    return engine.wrap(np.asarray(x)) if isinstance(x, (np.ndarray, np.generic)) else x


def _unpack(x):
    if isinstance(x, list):
        return [_unpack(v) for v in x]
    x = engine.unwrap(x)
    return x[()] if isinstance(x, np.ndarray) and x.ndim == 0 else x


def _direction(grad, changes, steps, ro, scale):
    """``-H grad`` by the two-loop recursion."""
    q = -grad
    weights = [None] * len(changes)
    for i in range(len(changes) - 1, -1, -1):
        weights[i] = steps[i].dot(q) * ro[i]
        q -= changes[i] * weights[i]
    q *= scale
    for i, weight in enumerate(weights):
        q += steps[i] * (weight - changes[i].dot(q) * ro[i])
    return q


def cubic_minimum(x1, f1, g1, x2, f2, g2, bounds=None):
    """Where the cubic through two values and slopes is smallest, between ``bounds``."""
    low, high = bounds if bounds is not None else (x1, x2) if x1 <= x2 else (x2, x1)
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return (low + high) / 2.0
    d2 = np.sqrt(square)
    if x1 <= x2:
        best = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        best = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(best, low), high)


def strong_wolfe(probe, t, d, f, g, slope, c1=1e-4, c2=0.9, tolerance_change=1e-9, max_ls=25):
    """A step that satisfies the strong Wolfe conditions (Nocedal & Wright, algorithms 3.5 and 3.6).

    Returns loss, gradient and size of the step, and how often ``probe`` was called.
    """
    size = abs(d).max()
    f_new, g_new = probe(t)
    slope_new = g_new.dot(d)
    calls, tries, done = 1, 0, False
    before = 0, f, g, slope
    while tries < max_ls:
        here = t, f_new, g_new, slope_new
        if f_new > f + c1 * t * slope or (tries > 1 and f_new >= before[1]):
            bracket = [before, here]
            break
        if abs(slope_new) <= -c2 * slope:
            bracket, done = [here], True
            break
        if slope_new >= 0:
            bracket = [before, here]
            break
        t = cubic_minimum(before[0], before[1], before[3], t, f_new, slope_new,
                          bounds=(t + 0.01 * (t - before[0]), t * 10))  # fmt: skip
        before = here
        f_new, g_new = probe(t)
        slope_new = g_new.dot(d)
        calls += 1
        tries += 1
    if tries == max_ls:
        bracket = [(0, f, g, slope), (t, f_new, g_new, slope_new)]

    stuck = False
    low, high = (0, 1) if bracket[0][1] <= bracket[-1][1] else (1, 0)
    while not done and tries < max_ls:
        ends = [b[0] for b in bracket]
        left, right = min(ends), max(ends)
        if abs(ends[1] - ends[0]) * size < tolerance_change:
            break
        t = cubic_minimum(*[bracket[0][i] for i in (0, 1, 3)], *[bracket[1][i] for i in (0, 1, 3)])
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # too close to an end: go there once, then a tenth inside
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        f_new, g_new = probe(t)
        slope_new = g_new.dot(d)
        calls += 1
        tries += 1
        here = t, f_new, g_new, slope_new
        if f_new > f + c1 * t * slope or f_new >= bracket[low][1]:
            bracket[high] = here
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
        else:
            if abs(slope_new) <= -c2 * slope:
                done = True
            elif slope_new * (bracket[high][0] - bracket[low][0]) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = here
    t, f_new, g_new, _ = bracket[low]
    return f_new, g_new, t, calls
