"""Einstein's summation: pairs of operands contracted by matrix products, gradients by the same function."""

import math
from functools import lru_cache

import numpy as np

from ..engine import broadcast_to, primitive
from .elementwise import _bar
from .shape import reshape

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


# -- reading an equation ---------------------------------------------------------------------------


def _from_sublists(args):
    """``einsum(a, [0, 1], b, [1, 2], [0, 2])`` as an equation and operands."""
    operands, lists = list(args[0::2]), list(args[1::2])
    output = operands.pop() if len(args) % 2 else None

    def text(labels):
        out = ""
        for n in labels:
            if n is Ellipsis:
                out += "..."
            elif 0 <= n < 52:
                out += _LETTERS[n]
            else:
                raise ValueError(f"einsum: subscripts must be in range [0, 52), got {n}")
        return out

    equation = ",".join([text(labels) for labels in lists])
    return equation if output is None else f"{equation}->{text(output)}", operands


def _read(equation, ndims):
    """The labels of each operand and of the result, without ellipses; spare letters stand for theirs."""
    equation = equation.replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        more = "more operands were provided than specified in the equation" if len(terms) < len(ndims) else (
            "fewer operands were provided than specified in the equation")  # fmt: skip
        raise RuntimeError(f"einsum(): {more}")
    for c in left.replace("...", "") + right.replace("...", ""):
        if not (c.isalpha() and c.isascii()) and c != ",":
            raise RuntimeError(
                f"einsum(): invalid subscript given in the equation string, subscripts must be in [a-zA-Z]: {c}"
            )
    spare = [c for c in _LETTERS if c not in left]
    extra = 0
    for i, (term, ndim) in enumerate(zip(terms, ndims)):
        named = len(term.replace("...", ""))
        if "..." in term:
            if named > ndim:
                raise RuntimeError(f"einsum(): the number of subscripts in the equation ({named}) is more than the number of "
                                   f"dimensions ({ndim}) for operand {i}")  # fmt: skip
            extra = max(extra, ndim - named)
        elif named != ndim:
            word = "does not match" if named < ndim else "is more than"
            tail = " and no ellipsis was given" if named < ndim else ""
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({named}) {word} the number of dimensions "
                               f"({ndim}) for operand {i}{tail}")  # fmt: skip
    dots = "".join(spare[:extra])
    out_terms = []
    for term, ndim in zip(terms, ndims):
        named = len(term.replace("...", ""))
        out_terms.append(term.replace("...", dots[len(dots) - (ndim - named) :] if ndim > named else ""))
    if arrow:
        result = right.replace("...", dots)
        if len(set(result)) != len(result):
            twice = next(c for c in result if result.count(c) > 1)
            raise RuntimeError(f"einsum(): output subscript {twice} appears more than once in the output")
        for c in result:
            if not any(c in term for term in out_terms):
                raise RuntimeError(
                    f"einsum(): output subscript {c} does not appear in the equation for any input operand"
                )
    else:
        joined = "".join(out_terms)
        result = dots + "".join(sorted([c for c in set(joined) if joined.count(c) == 1 and c not in dots]))
    return out_terms, result


def _squeezed(x, labels, sizes):
    """``x`` without dimensions of size 1 whose label is longer elsewhere, and its labels."""
    keep = [i for i, c in enumerate(labels) if x.shape[i] == sizes[c]]
    if len(keep) == len(labels):
        return x, labels
    return reshape(x, shape=tuple([x.shape[i] for i in keep])), "".join([labels[i] for i in keep])


def einsum(equation, *operands):
    """Products summed as an equation says, such as ``'bij,bjk->bik'``.

    Parameters
    ----------
    equation : str
        Labels of the operands' dimensions, ``->`` and those of the result; ``...`` stands for dimensions that
        broadcast. Without ``->`` the labels that occur once, in alphabetical order.
    *operands : Tensor
        Also as one list; or, without an equation, operands and lists of numbers in turn.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If equation and operands do not fit.
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = operands[0]
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    terms, result = _read(equation, [len(x.shape) for x in operands])
    sizes = {}
    for i, (x, term) in enumerate(zip(operands, terms)):
        for d, c in enumerate(term):
            n = x.shape[d]
            if sizes.get(c, 1) != 1 and n not in (1, sizes[c]):
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {n} for operand {i} which does not broadcast with previously seen size "
                    f"{sizes[c]}"
                )
            if c not in sizes or sizes[c] == 1:
                sizes[c] = n
    pairs = [_squeezed(x, term, sizes) for x, term in zip(operands, terms)]
    return _einsum(*[x for x, _ in pairs], equation=",".join([t for _, t in pairs]) + "->" + result)


# -- contraction -----------------------------------------------------------------------------------


def _reduced(x, labels, wanted):
    """The diagonal of repeated labels, and the sum over those that are not wanted."""
    if len(set(labels)) != len(labels):
        once = "".join(dict.fromkeys(labels))
        x, labels = np.einsum(f"{labels}->{once}", x), once
    gone = tuple([i for i, c in enumerate(labels) if c not in wanted])
    if gone:
        x, labels = (
            np.add.reduce(x, axis=gone, dtype=np.int64 if x.dtype.kind in "bui" else None),
            "".join([c for c in labels if c in wanted]),
        )
    return x, labels


def _lined_up(x, labels, order):
    """``x`` with its dimensions in another order."""
    return x if labels == order else x.transpose([labels.index(c) for c in order])


def _pair(a, la, b, lb, out):
    """Two operands contracted to the labels ``out``: a (batched) matrix product, or a product that broadcasts."""
    a, la = _reduced(a, la, lb + out)
    b, lb = _reduced(b, lb, la + out)
    summed = [c for c in la if c in lb and c not in out]
    if not summed:
        wide_a = _lined_up(a, la, [c for c in out if c in la])
        wide_b = _lined_up(b, lb, [c for c in out if c in lb])
        sizes = dict(zip(la, a.shape)), dict(zip(lb, b.shape))
        return np.multiply(
            wide_a.reshape([sizes[0].get(c, 1) for c in out]), wide_b.reshape([sizes[1].get(c, 1) for c in out])
        )
    batch = [c for c in out if c in la and c in lb]
    free_a, free_b = [c for c in out if c in la and c not in lb], [c for c in out if c in lb and c not in la]
    a = _lined_up(a, la, [*batch, *free_a, *summed])
    b = _lined_up(b, lb, [*batch, *summed, *free_b])
    nb, na = len(batch), len(free_a)
    lead, rows, columns = a.shape[:nb], a.shape[nb : nb + na], b.shape[nb + len(summed) :]
    k = math.prod(a.shape[nb + na :])
    product = np.matmul(a.reshape(*lead, math.prod(rows), k), b.reshape(*lead, k, math.prod(columns)))
    product = product.reshape((*lead, *rows, *columns))
    return _lined_up(product, batch + free_a + free_b, list(out))


@lru_cache(512)
def _path(equation, shapes):
    """The order of pairs with the fewest multiplications, found greedily by NumPy."""
    return np.einsum_path(equation, *[np.broadcast_to(np.float32(0), s) for s in shapes], optimize="greedy")[0][1:]


@primitive(promote="same")
def _einsum(*xs, equation):
    """A summation without ellipsis and broadcasting."""
    left, out = equation.split("->")
    terms, xs = left.split(","), list(xs)
    path = [(0, 1)] if len(xs) == 2 else _path(equation, tuple([x.shape for x in xs])) if len(xs) > 2 else []
    for step in path:
        chosen = sorted(step, reverse=True)
        parts = [(xs.pop(i), terms.pop(i)) for i in chosen][::-1]
        while len(parts) > 1:
            (a, la), (b, lb) = parts[:2]
            rest = "".join(terms) + "".join([t for _, t in parts[2:]]) + out
            last = len(parts) == 2 and not terms
            keep = out if last else "".join([c for c in dict.fromkeys(la + lb) if c in rest])
            parts[:2] = [(_pair(a, la, b, lb, keep), keep)]
        xs.append(parts[0][0])
        terms.append(parts[0][1])
    x, labels = xs[0], terms[0]
    if len(xs) == 1 and labels == out:
        return np.array(x) if not path else x
    x, labels = _reduced(x, labels, out)
    return np.array(_lined_up(x, labels, list(out)))


def _unit(n, like):
    """The unit matrix in the dtype of ``like``."""
    from ..engine import unwrap

    return np.eye(n, dtype=unwrap(like).dtype)


def _einsum_vjp(g, xs, equation, needs):
    left, out = equation.split("->")
    terms = left.split(",")
    grads = []
    for i, need in enumerate(needs):
        if not need:
            grads.append(None)
            continue
        shape = xs[i].shape
        own, units = "", []
        spare = iter([c for c in _LETTERS if c not in equation])
        for d, c in enumerate(terms[i]):  # a label that comes again: its gradient stands on a diagonal
            if c in own:
                new = next(spare)
                units.append((_unit(shape[d], g), c + new))
                c = new
            own += c
        others = [(_bar(x), t) for j, (x, t) in enumerate(zip(xs, terms)) if j != i] + units
        given = out + "".join([t for _, t in others])
        known = "".join([c for c in own if c in given])
        grad = _einsum(g, *[x for x, _ in others], equation=",".join([out, *[t for _, t in others]]) + "->" + known)
        if known != own:
            grad = reshape(grad, shape=tuple([n if c in known else 1 for c, n in zip(own, shape)]))
            grad = broadcast_to(grad, shape=tuple(shape))
        grads.append(grad)
    return grads


_einsum.vjp(xs=_einsum_vjp)
