"""Matrix products, and what is built from them."""

import itertools
import math

import numpy as np

from .. import dtypes
from ..engine import cast, primitive, sum_to, unwrap
from ..mistakes import explained
from .axes import axis_of
from .blocks import ones
from .elementwise import _bar, is_complex, mul
from .products import times
from .shape import expand_dims, mT, permute, reshape

ndarray = np.ndarray

# -- products --------------------------------------------------------------------------------------


def _size(x):
    return "x".join(map(str, x.shape))


def _same_dtype(a, b):
    if a.dtype != b.dtype:
        message = f"expected m1 and m2 to have the same dtype, but got: {_cname(a)} != {_cname(b)}"
        if np.float64 in (a.dtype, b.dtype) and np.float32 in (a.dtype, b.dtype):
            message = explained(
                message, "TL013", "NumPy arrays are float64, weights float32: convert one, by x.float()."
            )
        raise RuntimeError(message)


def _cname(x):
    return {"float32": "float", "float64": "double", "int64": "long long", "int32": "int"}.get(
        x.dtype.name, x.dtype.name
    )


def _mismatch(a, b):
    """PyTorch's complaint about shapes that do not fit in a product."""
    if a.ndim == 1 and b.ndim == 1:
        return (f"inconsistent tensor size, expected tensor [{a.shape[0]}] and src [{b.shape[0]}] to have the same number of "
                f"elements, but got {a.shape[0]} and {b.shape[0]} elements respectively")  # fmt: skip
    if a.ndim == 2 and b.ndim == 1:
        return f"size mismatch, got input ({a.shape[0]}), mat ({_size(a)}), vec ({b.shape[0]})"
    if b.ndim <= 2:
        rows = a.size // a.shape[-1] if a.shape[-1] else 0
        return f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a.shape[-1]} and {_size(b)})"
    batches = list(zip(reversed(a.shape[:-2]), reversed(b.shape[:-2])))
    for d, (m, n) in enumerate(batches):
        if m != n and 1 not in (m, n):
            return (f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension "
                    f"{max(a.ndim, b.ndim) - 3 - d}")  # fmt: skip
    return (f"Expected size for first two dimensions of batch2 tensor to be: {[b.shape[0], a.shape[-1]]} but got: "
            f"{[b.shape[0], b.shape[-2]]}.")  # fmt: skip


#: PyTorch's names of the products that give a number, a vector, a matrix.
_PRODUCTS = {0: "DotBackward0", 1: "MvBackward0", 2: "MmBackward0"}


@primitive(broadcasts=True, grad_name=lambda node: _PRODUCTS.get(len(node.shape), "BmmBackward0"))
def matmul(a, b):
    """The matrix product with PyTorch's rules for vectors and batches."""
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    _same_dtype(a, b)
    try:
        if b.ndim == 2 and a.ndim > 2:  # one product over all rows, not one per batch
            return np.matmul(a.reshape(math.prod(a.shape[:-1]), a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[-1])
        return np.matmul(a, b)
    except ValueError:
        raise dtypes.ShapeError(_mismatch(a, b)) from None


def _matmul_a(g, a_shape, b):
    b = _bar(b)
    if len(b.shape) == 1:
        return expand_dims(g, dim=-1) * b if len(a_shape) > 1 else g * b
    if len(a_shape) == 1:
        return reshape(matmul(expand_dims(g, dim=-2), mT(b)), shape=(*g.shape[:-1], b.shape[-2]))
    return matmul(g, mT(b))


def _matmul_b(g, a, b_shape):
    a = _bar(a)
    if len(a.shape) == 1:
        if len(b_shape) == 1:
            return g * a
        return expand_dims(a, dim=-1) * expand_dims(g, dim=-2)
    if len(b_shape) == 1:
        return reshape(matmul(mT(a), expand_dims(g, dim=-1)), shape=(*g.shape[:-1], a.shape[-1]))
    if len(b_shape) == 2 and len(a.shape) > 2:  # one product over all rows, not a product per batch
        return matmul(mT(_flat_rows(a)), _flat_rows(g))
    return matmul(mT(a), g)


def _flat_rows(x):
    """``x`` as a matrix of its last dimension's rows."""
    if len(x.shape) == 2:
        return x
    return reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))


matmul.vjp(a=_matmul_a, b=_matmul_b)


def _lines(x):
    """A raw array as a matrix of its last dimension's rows, also where they are empty."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _linear_name(node):
    if len(node.shape) != 2:
        return "LinearBackward0"
    return "AddmmBackward0" if 2 in node.plan.targets else "MmBackward0"


@primitive(grad_name=_linear_name)
def linear(x, weight, bias=None):
    """``x @ weight.T + bias`` with ``weight`` of shape (out, in) or (in,), in one step."""
    if x.dtype is not weight.dtype and x.dtype != weight.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {dtypes.of(x.dtype).title} and "
                           f"{dtypes.of(weight.dtype).title}")  # fmt: skip
    if not x.ndim or not weight.ndim:
        raise dtypes.ShapeError(
            f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {weight.ndim}D"
        )
    if x.shape[-1:] != weight.shape[-1:]:
        rows = f"{math.prod(x.shape[:-1])}x{x.shape[-1]}"
        raise dtypes.ShapeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows} and {'x'.join(map(str, weight.shape[::-1]))})"
        )
    if weight.ndim == 1 or x.ndim == 1:
        out = np.matmul(x, weight.T)
        return out if bias is None else out + bias
    if x.ndim == 2:
        out = times(x, weight.T)
    else:  # one product over all rows, not one per batch
        out = times(_lines(x), weight.T).reshape(*x.shape[:-1], weight.shape[0])
    if bias is not None:
        out += bias
    return out


def _linear_weight(g, x, weight_shape):
    x = _bar(x)
    if g.__class__ is ndarray and len(weight_shape) == 2 and g.ndim == x.ndim > 1:  # first order: two calls
        if g.ndim > 2:
            g, x = _lines(g), _lines(x)
        return times(g.T, x)
    if len(weight_shape) == 1:
        return matmul(reshape(g, shape=(math.prod(g.shape),)), _flat_rows(x)) if len(g.shape) else g * x
    if len(x.shape) == 1:
        return expand_dims(g, dim=-1) * x
    return matmul(mT(_flat_rows(g)), _flat_rows(x))


def _linear_x(g, weight):
    if g.__class__ is ndarray and weight.ndim == 2 and g.ndim > 1:
        weight = _bar(weight)
        if g.ndim > 2:  # one product over all rows
            return times(_lines(g), weight).reshape(*g.shape[:-1], weight.shape[1])
        return times(g, weight)
    return matmul(g, _bar(weight)) if len(weight.shape) > 1 else expand_dims(g, dim=-1) * _bar(weight)


def _linear_bias(g, bias_shape):
    if g.__class__ is ndarray and g.ndim > 1 and len(bias_shape) == 1 and g.dtype.char in "fd":
        rows = g if g.ndim == 2 else _lines(g)
        return ones(len(rows), g.dtype).dot(rows)  # BLAS adds columns in half of the time
    return sum_to(g, shape=bias_shape)


linear.vjp(x=_linear_x, weight=_linear_weight, bias=_linear_bias)
linear.primitive.listed = (2, 0, 1)  # as addmm: bias, x, weight


def mm(input, mat2):
    """The product of two matrices."""
    if len(input.shape) != 2:
        raise RuntimeError("self must be a matrix")
    if len(mat2.shape) != 2:
        raise RuntimeError("mat2 must be a matrix")
    return matmul(input, mat2)


def mv(input, vec):
    """The product of a matrix and a vector."""
    if len(input.shape) != 2 or len(vec.shape) != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {len(vec.shape)}, {len(input.shape)}, {len(vec.shape)}"
        )
    return matmul(input, vec)


def bmm(input, mat2):
    """The products of two stacks of matrices."""
    for name, x in (("batch1", input), ("batch2", mat2)):
        if len(x.shape) != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    a, b = input.shape, mat2.shape
    if a[0] != b[0] or a[2] != b[1]:
        raise dtypes.ShapeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}]."
        )
    return matmul(input, mat2)


def _blend(input, product, beta, alpha):
    kind = unwrap(product).dtype.kind
    if kind == "b":
        beta, alpha = bool(beta), bool(alpha)
    elif kind in "iu":
        beta, alpha = int(beta), int(alpha)  # PyTorch cuts fractions off
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    return (input if beta == 1 else input * beta) + product


def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """``beta * input + alpha * mat1 @ mat2``."""
    if len(mat1.shape) != 2 or len(mat2.shape) != 2:
        raise RuntimeError(f"mat1 must be a matrix, got {len(mat1.shape)}-D tensor and {len(mat2.shape)}-D tensor")
    return _blend(input, matmul(mat1, mat2), beta, alpha)


def addmv(input, mat, vec, *, beta=1, alpha=1):
    """``beta * input + alpha * mat @ vec``."""
    return _blend(input, mv(mat, vec), beta, alpha)


def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """``beta * input + alpha * outer(vec1, vec2)``."""
    return _blend(input, outer(vec1, vec2), beta, alpha)


def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """``beta * input + alpha * batch1 @ batch2``."""
    return _blend(input, bmm(batch1, batch2), beta, alpha)


def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """``beta * input + alpha * sum(batch1 @ batch2)`` over the batch."""
    from .reduction import sum

    products = bmm(batch1, batch2)
    return _blend(input, cast(sum(products, dim=0), dtype=unwrap(products).dtype), beta, alpha)


def dot(input, tensor):
    """The inner product of two vectors."""
    if len(input.shape) != 1 or len(tensor.shape) != 1:
        raise RuntimeError(f"1D tensors expected, but got {len(input.shape)}D and {len(tensor.shape)}D tensors")
    if unwrap(input).dtype != unwrap(tensor).dtype:
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {dtypes.of(unwrap(input).dtype).title} "
                           f"and {dtypes.of(unwrap(tensor).dtype).title}")  # fmt: skip
    return matmul(input, tensor)


def vdot(input, other):
    """The inner product of two vectors, the first one conjugated."""
    return dot(_bar(input), other)


def inner(input, other):
    """Products summed over the last dimension of both."""
    if not len(input.shape) or not len(other.shape):
        return mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise dtypes.ShapeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


def outer(input, vec2):
    """All products of two vectors."""
    if len(input.shape) != 1:
        raise RuntimeError(f"outer: Expected 1-D argument self, but got {len(input.shape)}-D")
    if len(vec2.shape) != 1:
        raise RuntimeError(f"outer: Expected 1-D argument vec2, but got {len(vec2.shape)}-D")
    return mul(expand_dims(input, dim=1), vec2)


ger = outer


def kron(input, other):
    """Kronecker's product."""
    n = max(len(input.shape), len(other.shape))
    a = (1,) * (n - len(input.shape)) + tuple(input.shape)
    b = (1,) * (n - len(other.shape)) + tuple(other.shape)
    left = reshape(input, shape=tuple([m for s in a for m in (s, 1)]))
    right = reshape(other, shape=tuple([m for s in b for m in (1, s)]))
    return reshape(mul(left, right), shape=tuple([s * t for s, t in zip(a, b)]))


def tensordot(a, b, dims=2):
    """Products summed over ``dims``: the last of ``a`` with the first of ``b``, or two lists of dimensions."""
    from .reduction import sum

    dims = unwrap(dims)
    if isinstance(dims, np.ndarray):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(len(a.shape), len(b.shape)):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = (range(len(a.shape) - dims, len(a.shape)), range(dims))
    left, right = [(d,) if isinstance(d, int) else tuple(d) for d in dims]
    if len(left) != len(right):
        raise RuntimeError(f"both dimension lists should have same length, got {list(left)} and {list(right)}")
    left = [axis_of(d, len(a.shape)) for d in left]
    right = [axis_of(d, len(b.shape)) for d in right]
    for i, j in zip(left, right):
        if a.shape[i] == b.shape[j]:
            continue
        if b.shape[j] == 1:  # a size of 1 stands for any: the other operand is added up first
            a = cast(sum(a, dim=i, keepdim=True), dtype=unwrap(a).dtype)
        elif a.shape[i] == 1:
            b = cast(sum(b, dim=j, keepdim=True), dtype=unwrap(b).dtype)
        else:
            raise dtypes.ShapeError(
                f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} and second has size "
                f"{b.shape[j]} in dim {j}"
            )
    free_a = [d for d in range(len(a.shape)) if d not in left]
    free_b = [d for d in range(len(b.shape)) if d not in right]
    shape = tuple([a.shape[d] for d in free_a] + [b.shape[d] for d in free_b])
    k = math.prod([a.shape[d] for d in left])
    rows, columns = math.prod([a.shape[d] for d in free_a]), math.prod([b.shape[d] for d in free_b])
    a2 = reshape(permute(a, dims=tuple(free_a + left)), shape=(rows, k))
    b2 = reshape(permute(b, dims=tuple(right + free_b)), shape=(k, columns))
    return reshape(matmul(a2, b2), shape=shape)


def cross(input, other, dim=None):
    """The vector product along a dimension of size 3 (``dim=None``: the first such)."""
    from .arrange import broadcast_tensors
    from .shape import roll

    input, other = broadcast_tensors(input, other)
    if dim is None:
        dim = next((d for d, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    axis = axis_of(dim, len(input.shape))
    if input.shape[axis] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[axis]} and "
                           f"{other.shape[axis]}")  # fmt: skip

    def turn(x, k):
        return roll(x, shifts=-k, dims=axis)

    return turn(input, 1) * turn(other, 2) - turn(input, 2) * turn(other, 1)


def trace(input):
    """The sum of a matrix's diagonal."""
    from .reduction import sum
    from .shape import diagonal

    if len(input.shape) != 2:
        raise RuntimeError("trace: expected a matrix")
    return sum(diagonal(input))


def _best_order(sizes):
    """Where to cut a chain of matrices for the fewest multiplications (dynamic programming)."""
    n = len(sizes) - 1
    cost, cut = {(i, i): 0 for i in range(n)}, {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], cut[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return cut


def multi_dot(tensors):
    """The product of several matrices in the cheapest order; the first and last may be vectors."""
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    first, last = len(tensors[0].shape) == 1, len(tensors[-1].shape) == 1
    chain = list(tensors)
    if first:
        chain[0] = expand_dims(chain[0], dim=0)
    if last:
        chain[-1] = expand_dims(chain[-1], dim=1)
    for i, m in enumerate(chain):
        if len(m.shape) != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {len(m.shape)}D")
    cut = _best_order([chain[0].shape[0], *[m.shape[1] for m in chain]])

    def product(i, j):
        return chain[i] if i == j else matmul(product(i, cut[i, j]), product(cut[i, j] + 1, j))

    out = product(0, len(chain) - 1)
    return reshape(out, shape=tuple(out.shape[int(first) : 1 if last else 2]))


def chain_matmul(*matrices):
    """The product of several matrices in the cheapest order."""
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


def matrix_power(A, n):
    """``A`` multiplied with itself ``n`` times; inverted first for a negative ``n``."""
    from .decompose import eye_like, inv, square_matrix

    square_matrix("linalg.matrix_power", A)
    if n < 0:
        A, n = inv(A), -n
    out = None
    while n:
        if n & 1:
            out = A if out is None else matmul(out, A)
        n >>= 1
        if n:
            A = matmul(A, A)
    return eye_like(A) if out is None else out


# -- statistics ------------------------------------------------------------------------------------


def cov(input, *, correction=1, fweights=None, aweights=None):
    """The covariance of variables in rows; columns may be weighted by counts and by importance.

    Raises
    ------
    RuntimeError
        For more than two dimensions, or weights that do not fit: one count (integer) or importance (float) per column,
        none negative.
    """
    from .reduction import sum

    n = len(input.shape)
    if n > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {n} dimensions"
        )
    kind = unwrap(input).dtype.kind
    if kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input if n == 2 else reshape(input, shape=(1, math.prod(input.shape)))
    count = x.shape[1]
    for name, w, allowed in (("fweights", fweights, "iu"), ("aweights", aweights, "f")):
        if w is None:
            continue
        if len(w.shape) > 1:
            raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with {len(w.shape)} "
                               "dimensions")  # fmt: skip
        if unwrap(w).dtype.kind not in allowed:
            raise RuntimeError(f"cov(): expected {name} to have {'integral' if allowed == 'iu' else 'floating point'} dtype "
                               f"but got {name} with {unwrap(w).dtype} dtype")  # fmt: skip
        if math.prod(w.shape) != count:
            raise RuntimeError(f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                               f"{math.prod(w.shape)} != {count}")  # fmt: skip
        if count and unwrap(w).min() < 0:
            raise RuntimeError(f"cov(): {name} cannot be negative")
    if kind not in "fc":
        x = cast(x, dtype=dtypes.get_default_dtype().numpy)
    weights = fweights if aweights is None else aweights if fweights is None else mul(fweights, aweights)
    with np.errstate(all="ignore"):
        if weights is None:
            x, free = x - sum(x, dim=1, keepdim=True) / count, float(count - correction)
            right = x
        else:
            total = sum(weights)
            x = x - sum(x * weights, dim=1, keepdim=True) / total
            free = total - correction
            if aweights is not None and correction:
                free = total - correction * sum(weights * aweights) / total
            right = x * weights
        if float(unwrap(free)) <= 0:
            free = 0.0
        out = (
            matmul(right, mT(_bar(x))) / np.asarray(free, unwrap(x).real.dtype)
            if isinstance(free, float)
            else matmul(right, mT(_bar(x))) / free
        )
    return out if n == 2 and input.shape[0] != 1 else reshape(out, shape=())


def corrcoef(input):
    """Pearson's correlation of variables in rows."""
    from .elementwise import clamp, complex, imag, real, sqrt
    from .shape import diagonal

    if len(input.shape) > 2:
        raise RuntimeError("corrcoef(): expected input to have two or fewer dimensions but got an input with "
                           f"{len(input.shape)} dimensions")  # fmt: skip
    c = cov(input)
    if not len(c.shape):
        return c / c
    spread = sqrt(real(diagonal(c)))
    out = c / expand_dims(spread, dim=1) / expand_dims(spread, dim=0)
    return complex(clamp(real(out), -1, 1), clamp(imag(out), -1, 1)) if is_complex(out) else clamp(out, -1, 1)


# -- distances -------------------------------------------------------------------------------------


def dist(input, other, p=2):
    """The ``p``-norm of the difference."""
    from .reduction import vector_norm

    return vector_norm(input - other, ord=p)


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """The ``p``-distances between all rows of ``x1`` and all rows of ``x2``, in batches.

    Raises
    ------
    RuntimeError
        For a negative ``p`` or rows of different lengths.
    """
    from .elementwise import clamp, sqrt, where
    from .reduction import sum, vector_norm

    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if len(x1.shape) < 2 or len(x2.shape) < 2:
        raise RuntimeError("cdist only supports at least 2D tensors")
    if x1.shape[-1] != x2.shape[-1]:
        raise dtypes.ShapeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    many = x1.shape[-2] > 25 or x2.shape[-2] > 25
    if p == 2 and (compute_mode == modes[1] or (compute_mode == modes[0] and many)):
        square = expand_dims(sum(x1 * x1, dim=-1), dim=-1) + expand_dims(sum(x2 * x2, dim=-1), dim=-2)
        square = clamp(square - 2 * matmul(x1, mT(x2)), 0)
        apart = square > 0  # a finite slope at distance 0
        return where(apart, sqrt(where(apart, square, 1.0)), 0.0)
    return vector_norm(expand_dims(x1, dim=-2) - expand_dims(x2, dim=-3), ord=p, dim=-1)


def pdist(input, p=2):
    """The ``p``-distances between all pairs of rows, in order."""
    from .indexing import index_select
    from .reduction import vector_norm

    if len(input.shape) != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {len(input.shape)}D")
    pairs = np.array(list(itertools.combinations(range(input.shape[0]), 2)), np.int64).reshape(-1, 2)
    first, second = index_select(input, pairs[:, 0], dim=0), index_select(input, pairs[:, 1], dim=0)
    return vector_norm(first - second, ord=p, dim=-1)
