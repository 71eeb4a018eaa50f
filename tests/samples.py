"""Sample calls: expressions over named inputs for the oracle, and samples for every primitive."""

from __future__ import annotations

import numpy as np

# -- named inputs ----------------------------------------------------------------------------------


def inputs(real=np.float64):
    """Arrays by name: what the expressions below use."""
    rng = np.random.default_rng(7)
    complex_ = np.result_type(real, np.complex64)

    def normal(*shape):
        return rng.standard_normal(shape).astype(real)

    square = normal(3, 3) + 3 * np.eye(3, dtype=real)
    batch = normal(2, 3, 3) + 3 * np.eye(3, dtype=real)
    cplx = (rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4))).astype(complex_)
    csquare = (rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3)) + 3 * np.eye(3)).astype(complex_)
    wild = normal(3, 4)
    wild[0, 1], wild[1, 2], wild[2, 0] = np.nan, np.inf, -np.inf
    holes = normal(3, 4)
    holes[0, 1] = holes[2, 2] = np.nan
    zeros = normal(3, 4)
    zeros[0, 1] = zeros[1, 2] = zeros[1, 3] = 0
    return {
        "x": normal(3, 4), "y": normal(3, 4), "v": normal(4), "u": normal(3), "s": np.asarray(normal(1)[0]),
        "p": (np.abs(normal(3, 4)) + 0.2).astype(real), "q": rng.uniform(-0.9, 0.9, (3, 4)).astype(real),
        "r": (np.abs(normal(3, 4)) + 1.1).astype(real), "m": normal(4, 3), "t": normal(2, 3, 4), "w": normal(2, 4, 5),
        "ties": np.round(normal(3, 4)).astype(real), "zeros": zeros, "e": np.zeros((0, 3), real), "wild": wild, "holes": holes,
        "A": square, "B": batch, "P": (square @ square.T).astype(real), "tall": normal(5, 3), "wide": normal(2, 3, 5),
        "T": normal(4, 3).T, "c": cplx, "C": csquare, "d": np.asarray(normal(2, 3, 4, 4)),
        "i": rng.integers(-3, 6, (3, 4)), "j": rng.integers(1, 6, (3, 4)), "k": rng.integers(0, 3, (3, 4)),
        "l": np.array([2, 0, 1, 2]), "n": np.array([1, 0, 2]), "b": rng.random((3, 4)) > 0.4, "a": rng.random(3) > 0.5,
        "i32": rng.integers(-5, 5, (3, 4)).astype(np.int32), "u8": rng.integers(0, 9, (3, 4)).astype(np.uint8),
        "half": normal(3, 4).astype(np.float16), "edges": np.sort(normal(5)), "rows": np.sort(normal(3, 6), axis=1),
    }  # fmt: skip


def overlapping(x):
    """Arrays of the shape of ``x`` with many elements in one place: strides that are 0, or equal."""
    if x.ndim and x.size:
        yield np.broadcast_to(x[:1], x.shape)
        yield np.broadcast_to(x[..., :1], x.shape)
        yield np.lib.stride_tricks.as_strided(x.ravel(), x.shape, [x.itemsize] * x.ndim)


def _each(template, names):
    return [template.replace("#", n) for n in names.split()]


UNARY = (
    "exp exp2 expm1 sin cos tan atan sinh cosh tanh asinh abs neg sign sgn square sigmoid relu erf erfc floor ceil trunc round frac "
    "deg2rad rad2deg sinc positive angle nan_to_num isnan isinf isfinite isposinf isneginf signbit logical_not real conj isreal"
)
SPECIAL = "i0 special.erfcx special.ndtr special.log_ndtr special.i1 special.i0e special.i1e special.bessel_j0 "
SPECIAL += (
    "special.airy_ai special.modified_bessel_i0 special.modified_bessel_i1 special.scaled_modified_bessel_k0 "
    "special.scaled_modified_bessel_k1 special.spherical_bessel_j0"
)
POLYNOMIALS = (
    "special.chebyshev_polynomial_t special.shifted_chebyshev_polynomial_w special.hermite_polynomial_h "
    "special.laguerre_polynomial_l special.legendre_polynomial_p"
)
POSITIVE = "log log2 log10 log1p sqrt rsqrt reciprocal lgamma digamma special.entr"
INNER = "asin acos atanh erfinv"
BINARY = (
    "add sub mul div maximum minimum fmax fmin atan2 hypot copysign logaddexp logaddexp2 remainder fmod floor_divide eq ne lt le gt "
    "ge logical_and logical_or logical_xor nextafter xlogy special.xlog1py true_divide heaviside isclose allclose"
)
REDUCE = "sum mean amax amin all any logsumexp std var nansum nanmean argmax argmin count_nonzero prod norm"

EXPRESSIONS = [
    *_each("torch.#(x)", UNARY), *_each("torch.#(x)", SPECIAL), *_each("torch.#(e)", SPECIAL), *_each("torch.#(i)", SPECIAL), *_each("torch.#(s)", UNARY), *_each("torch.#(e)", UNARY), *_each("torch.#(T)", UNARY),
    *_each("torch.#(wild)", UNARY), *_each("torch.#(i)", UNARY),
    *_each("torch.#(x, k)", POLYNOMIALS), *_each("torch.#(x, 4)", POLYNOMIALS),
    "torch.geqrf(tall)", "torch.linalg.lu_factor(B)", "torch.linalg.lu_factor(tall)", "torch.tensordot(x, v[:, None], ([1], [0]))",
    "torch.stft(torch.cat([v, v, v, v]), 4, return_complex=True)", "torch.index_reduce(x, 0, n, y, 'mean')",
    "torch.linalg.vander(v, N=3)", "torch.trapezoid(u8)", "torch.cov(x, aweights=torch.abs(v))", "torch.slogdet(C)",
    *_each("torch.#(p)", POSITIVE), *_each("torch.#(zeros)", POSITIVE), *_each("torch.#(j)", POSITIVE),
    *_each("torch.#(q)", INNER), *_each("torch.#(wild)", INNER), "torch.acosh(r)", "torch.acosh(x)",
    *_each("torch.#(p, r)", BINARY), *_each("torch.#(x, v)", BINARY), *_each("torch.#(ties, ties)", BINARY),
    *_each("torch.#(i, j)", BINARY), *_each("torch.#(x, s)", BINARY), *_each("torch.#(x, u)", BINARY),
    *_each("torch.#(x)", REDUCE), *_each("torch.#(x, dim=1)", REDUCE), *_each("torch.#(t, dim=-2)", REDUCE),
    *_each("torch.#(t, dim=3)", REDUCE), *_each("torch.#(ties, dim=0)", REDUCE), *_each("torch.#(s)", REDUCE),
    *_each("torch.#(i)", REDUCE), *_each("torch.#(b)", REDUCE), *_each("torch.#(e)", REDUCE), *_each("torch.#(e, dim=1)", REDUCE),
    *_each("torch.#(wild, dim=0)", REDUCE.replace(" amax amin", "")), *_each("torch.#(T, dim=0)", REDUCE), *_each("torch.#(u8)", REDUCE),
    *_each("torch.#(t, dim=(0, 2))", "sum mean amax amin all any logsumexp std var nansum count_nonzero"),
    *_each("torch.#(t, dim=(0, 2), keepdim=True)", "sum mean amax amin all any logsumexp std var"),
    *_each("torch.#(t, dim=(0, 0))", "sum mean amax"), *_each("torch.#(s, dim=0)", REDUCE), *_each("torch.#(s, dim=1)", REDUCE),
    # complex numbers
    *_each("torch.#(c)", "exp sin cos tanh sinh cosh abs angle conj real imag sqrt log square neg sgn reciprocal sum mean sigmoid"),
    *_each("torch.#(C, C)", "add sub mul div matmul"), "c * 2.5", "c ** 2", "torch.view_as_real(c)", "torch.complex(x, y)",
    "torch.polar(p, x)", "torch.view_as_complex(torch.stack([x, y], -1))", "torch.imag(x)", "c @ c.mH", "torch.var(c)",
    "x * 1j", "torch.abs(c * 0)", "c.prod(1)", "c.cumsum(0)", "torch.vdot(c[0], c[1])",
    # arithmetic with numbers and settings
    "x ** 2", "x ** 3", "p ** 0.5", "p ** -1.5", "2 ** x", "p ** y", "zeros ** 2", "zeros ** 0", "x ** 1", "i ** 2", "i ** -1", "i ** 2.0",
    "0.0 ** p", "torch.div(x, y, rounding_mode='floor')", "torch.div(x, y, rounding_mode='trunc')",
    "torch.div(i, j, rounding_mode='floor')", "torch.div(i, j, rounding_mode='trunc')", "torch.div(x, y, rounding_mode='up')",
    "i // 0", "i % 0", "x // 0", "x % 0.7", "-x % 0.7", "torch.fmod(-x, 0.7)", "i % 3", "b - b", "-b", "b + b", "b * 2.5", "i + 1.5",
    "u8 + i", "half + 1", "half * x", "i32 + u8", "torch.add(x, y, alpha=3)", "torch.lerp(x, y, 0.3)", "torch.lerp(x, y, p)",
    "torch.lerp(x, y, 0.8)", "torch.addcmul(x, y, p, value=0.5)", "torch.addcdiv(x, y, p, value=0.5)", "torch.addcdiv(i, i, j)",
    "torch.clamp(x, -0.5, 0.5)", "torch.clamp(x, min=0.1)", "torch.clamp(x, max=0.1)", "torch.clamp(x, y, p)", "torch.clamp(x, p, y)",
    "torch.clamp(x, 0.5, -0.5)", "torch.clamp(x, v, None)", "torch.clamp(i, 0.5, 2)", "torch.clamp(x)", "torch.clamp(wild, -1, 1)",
    "torch.round(x * 100, decimals=1)", "torch.float_power(x, 2)", "torch.float_power(i, 2)", "torch.nan_to_num(wild, 7.0, 2.0, -2.0)",
    "torch.logit(q.abs())", "torch.logit(q, eps=0.1)", "torch.polygamma(1, p)", "torch.polygamma(2, p)", "torch.mvlgamma(r + 2, 3)",
    "torch.frexp(x)", "torch.ldexp(x, i)", "torch.gcd(i, j)", "torch.lcm(i, j)", "torch.bitwise_and(i, j)", "torch.bitwise_or(i, j)",
    "torch.bitwise_xor(i, j)", "torch.bitwise_not(i)", "torch.bitwise_and(b, ~b)", "torch.bitwise_and(x, y)", "i << 2", "i >> 1",
    "torch.bitwise_not(x)", "torch.where(b, x, y)", "torch.where(b, x, 0.0)", "torch.where(b, 1, y)", "torch.where(b, i, x)",
    "torch.where(x > 0)", "torch.where(x, x, y)", "torch.masked_fill(x, b, 2.0)", "x.masked_fill(b, s)", "x.masked_fill(i, 1)",
    "torch.isclose(x, x + 1e-9)", "torch.isin(i, j)", "torch.isin(i, 2)", "torch.special.zeta(r, p)", "torch.special.ndtri(p / 9)",
    "torch.special.gammainc(j * 1.0, p)", "torch.special.gammaincc(j * 1.0, p)", "torch.special.multigammaln(r + 1, 2)",
    # extremes, order statistics
    "x.max()", "x.min()", "ties.max()", "x.max(1)", "x.min(0)", "x.max(0, keepdim=True)", "torch.max(x, y)", "e.max()", "e.max(0)", "e.max(1)",
    "wild.max()", "holes.max(1)", "torch.aminmax(x)", "torch.aminmax(x, dim=1)", "x.median()", "x.median(1)", "x.nanmedian()",
    "holes.median()", "holes.nanmedian()", "holes.nanmedian(1).values", "holes.median(1).values", "i.median()", "torch.mode(x, 1)",
    "torch.mode(ties, 1).values", "torch.quantile(x, 0.3)", "torch.quantile(x, 0.3, dim=1)", "torch.quantile(t, 0.6, dim=1)",
    "torch.quantile(x, u.abs().clamp(max=1).detach(), dim=0)", "torch.quantile(x, 0.4, dim=1, keepdim=True)",
    *_each("torch.quantile(x, 0.37, dim=1, interpolation='#')", "linear lower higher midpoint nearest other"),
    "torch.nanquantile(holes, 0.4, dim=1)", "torch.nanquantile(holes, 0.4)", "torch.quantile(holes, 0.4)", "torch.quantile(i, 0.4)",
    "torch.quantile(x, 1.4)", "x.kthvalue(2, 1)", "x.kthvalue(9, 1)", "x.topk(2)", "x.topk(2, 0)", "x.topk(2, largest=False)", "x.topk(5)",
    "x.sort()", "x.sort(0, descending=True)", "ties.sort(dim=1, stable=True)", "ties.sort(dim=1, descending=True, stable=True)", "x.argsort(0)",
    "ties.argsort(descending=True, stable=True)", "s.sort()", "x.sort(2)", "wild.sort(0)", "torch.msort(x)", "b.sort()", "u8.sort(dim=0, descending=True, stable=True)",
    "torch.var(x, dim=1, correction=0)", "torch.var(x, dim=1, unbiased=False)", "torch.std(x, 0, correction=2)", "torch.var_mean(t, dim=(0, 1))",
    "torch.std_mean(x, dim=1)", "torch.std(x[:, :1].expand(3, 4), dim=1)", "torch.var(x[:1], dim=0)", "x.prod()", "zeros.prod()",
    "zeros.prod(1)", "zeros.prod(0, keepdim=True)", "i.prod(1)", "x.sum(dtype=torch.float64)", "x.mean(dim=())", "x.sum(dim=())",
    # norms
    *_each("torch.norm(x, p=#)", "0 1 2 3 0.5 1.5 float('inf') float('-inf') 'fro'"),
    *_each("torch.norm(zeros, p=#, dim=1)", "0 1 2 3 1.5 float('inf')"),
    *_each("torch.linalg.vector_norm(t, #, dim=(0, 2), keepdim=True)", "0 1 2 3.5 float('inf') float('-inf')"),
    *_each("torch.linalg.matrix_norm(t, #)", "'fro' 'nuc' 1 -1 2 -2 float('inf') float('-inf') 3"),
    *_each("torch.linalg.norm(x, #)", "None 'fro' 'nuc' 1 2 float('inf') 5"), "torch.linalg.norm(t)", "torch.linalg.norm(t, 2)",
    "torch.norm(x * 0)", "torch.norm(x * 0, dim=1)", "torch.norm(c)", "torch.linalg.vector_norm(c, 3)", "torch.norm(x, 2, 1, True)",
    "torch.dist(x, y)", "torch.dist(x, y, 1)", "torch.cdist(x, y)", "torch.cdist(x, y, 1)", "torch.cdist(t, t[:, :2], 3)", "torch.pdist(x)",
    "torch.cdist(x.repeat(9, 1), y)", "torch.cdist(x, m)", "torch.nn.functional.pdist(x)", "torch.renorm(x, 2, 0, 1.0)",
    # running reductions
    *_each("torch.#(x, 1)", "cumsum cumprod logcumsumexp cummax cummin"), *_each("torch.#(t, -2)", "cumsum cumprod logcumsumexp"),
    *_each("torch.#(zeros, 0)", "cumsum cumprod logcumsumexp"), *_each("torch.#(s, 0)", "cumsum cumprod logcumsumexp cummax"),
    *_each("torch.#(x, 2)", "cumsum cumprod logcumsumexp cummax"), *_each("torch.#(i, 1)", "cumsum cumprod cummax cummin"),
    *_each("torch.#(b, 1)", "cumsum cumprod"), "torch.cummax(ties, 1)", "torch.cummin(ties, 0)", "torch.cummax(holes, 1)", "torch.cumsum(e, 0)",
    "torch.diff(x)", "torch.diff(x, n=2, dim=0)", "torch.diff(x, prepend=y[:, :1], append=y[:, :2])", "torch.diff(b)", "torch.diff(s)",
    "torch.trapezoid(x)", "torch.trapezoid(x, dx=0.5, dim=0)", "torch.trapezoid(x, y)", "torch.trapezoid(x, v)",
    "torch.cumulative_trapezoid(x)", "torch.cumulative_trapezoid(x, y, dim=0)", "torch.trapz(x)",
    # indexing
    "torch.gather(x, 0, k)", "torch.gather(x, 1, k)", "torch.gather(x, 0, k[:2, :3])", "torch.gather(x, 0, k + 3)", "torch.gather(x, 0, k[0])",
    "torch.gather(x, 0, -k)", "torch.gather(x, 2, k)", "torch.gather(x, 0, x)", "x.scatter(0, k, y)", "x.scatter(0, k[:1], y)",
    "x.scatter(1, l[None, :2], 5.0)", "x.scatter(0, k + 3, y)", "x.scatter(0, k, i)", "x.scatter_add(0, k, y)", "x.scatter_add(1, k[:, :2], y)",
    *_each("x.scatter_reduce(0, k, y, '#')", "sum mean prod amax amin median"),
    *_each("x.scatter_reduce(1, k, y, '#', include_self=False)", "sum mean prod amax amin"), *_each("i.scatter_reduce(0, k, j, '#')", "sum mean amax"),
    "torch.scatter(x, 0, k, y, reduce='add')", "torch.scatter(x, 0, k, y, reduce='multiply')",
    "torch.index_select(x, 0, l)", "torch.index_select(t, 2, l)", "torch.index_select(x, 0, l + 3)", "torch.index_select(x, 0, k)",
    "torch.index_select(x, 3, l)", "x.index_add(0, n, y)", "x.index_add(0, l[:3], y, alpha=2)", "x.index_add(1, l, y)", "x.index_copy(0, n, y)",
    "x.index_copy(1, n, y[:, :3])", "x.index_fill(0, n[:2], 3.0)", "x.index_fill(1, n[:2], s)", "x.index_fill(1, n + 5, 3.0)",
    "x.index_put((n, l[:3]), u)", "x.index_put((l[:3], n), u, accumulate=True)", "x.index_put((l,), v, accumulate=True)", "x.index_put((b,), s)",
    "torch.masked_select(x, b)", "torch.masked_select(x, a[:, None])", "torch.masked_select(x, i)", "x.masked_scatter(b, y)", "x.masked_scatter(b, u[:1])",
    "torch.take(x, l * 5)", "torch.take(x, l + 20)", "x.put(l[:3] * 2, u)", "x.put(l, v, accumulate=True)", "torch.take_along_dim(x, k, 0)",
    "torch.take_along_dim(x, k)", "torch.take_along_dim(x, k[:1], 0)", "torch.nonzero(x > 0)", "torch.nonzero(x > 0, as_tuple=True)",
    "torch.argwhere(x > 0)", "torch.nn.functional.one_hot(k)", "torch.nn.functional.one_hot(k, 5)", "torch.nn.functional.one_hot(k, 1)",
    "torch.nn.functional.one_hot(x)", "x[l[:3]]", "x[n, l[:3]]", "x[:, l]", "x[b]", "x[a]", "x[l[:, None] * 0, l]", "x[5]", "x[l + 3]", "x[0, l]", "t[0, :, l]",
    "t[:, n, l[:3]]", "t[..., l]", "t[n % 2, :, l[:3]]", "x[None, :, 1]", "x[..., 0]", "x[-1]", "x[::2, 1:]", "s[None]", "x[x > 0]", "x[True]",
    "x.select_scatter(v, 0, 1)", "x.select_scatter(u, 1, -1)", "x.select_scatter(u, 1, 7)", "x.slice_scatter(y[:, :2], 1, 1, 3)",
    "x.slice_scatter(y[:2], 0, 0, 3, 2)", "x.diagonal_scatter(u)", "x.diagonal_scatter(u, 1)", "x.diagonal_scatter(v)",
    "torch.unravel_index(l * 3, (3, 4))", "torch.gradient(x)", "torch.gradient(l.double())", "torch.gradient(x, spacing=0.5, dim=1)", "torch.gradient(x, edge_order=2, dim=0)",
    "torch.gradient(x, spacing=(edges[:3].detach(), v.sort().values.detach()))", "torch.gradient(x, spacing=(1.0,))",
    # sorting, searching, counting
    "torch.searchsorted(edges, x)", "torch.searchsorted(edges, x, right=True)", "torch.searchsorted(rows, x)", "torch.searchsorted(edges, 0.1)",
    "torch.searchsorted(edges, x, side='right', out_int32=True)", "torch.searchsorted(edges, x, right=True, side='left')", "torch.searchsorted(rows, v)",
    "torch.bucketize(x, edges)", "torch.bucketize(x, edges, right=True)", "torch.bucketize(x, rows)", "torch.unique(i)",
    "torch.unique(i, return_inverse=True, return_counts=True)", "torch.unique(k, dim=0)", "torch.unique(ties, dim=1, return_inverse=True)",
    "torch.unique_consecutive(k.flatten(), return_inverse=True, return_counts=True)", "torch.unique_consecutive(k.sort(0).values, dim=0)",
    "torch.bincount(j.flatten())", "torch.bincount(l, v)", "torch.bincount(l, minlength=6)", "torch.bincount(j)", "torch.bincount(x.flatten())",
    "torch.bincount(-j.flatten())", "torch.histc(x, 5)", "torch.histc(x, 4, -1, 1)", "torch.histc(x, 0)", "torch.histc(i)",
    "torch.histogram(x, 4)", "torch.histogram(x, 4, range=(-1., 1.), density=True)", "torch.histogram(x, edges)", "torch.histogram(x, edges, weight=p)",
    # shaping
    "torch.as_strided(x, (2, 2), (1, 2))", "torch.as_strided(x, (2, 3), (4, 1), 1)", "torch.as_strided(x, (3, 3), (1, 1))", "torch.as_strided(x, (9, 9), (4, 1))",
    "x.unfold(1, 2, 1)", "x.unfold(0, 2, 2)", "t.unfold(2, 3, 1)", "x.unfold(1, 5, 1)", "s.unfold(0, 1, 1)", "torch.diagonal(x)", "torch.diagonal(t, 1, 1, 2)",
    "torch.diagonal(t, -1, 0, 2)", "torch.diagonal(v)", "torch.diag(v)", "torch.diag(x, 1)", "torch.diag(v, -1)", "torch.diag(t)", "torch.diag_embed(x)",
    "torch.diag_embed(x, 1, 0, 2)", "torch.diag_embed(x, -2)", "torch.diagflat(x, 1)", "torch.tril(x)", "torch.tril(t, -1)", "torch.triu(x, 1)",
    "torch.triu(v)", "torch.movedim(t, 0, 2)", "torch.movedim(t, (0, 1), (2, 0))", "torch.movedim(t, 0, 5)", "torch.movedim(t, (0, 0), (1, 2))",
    "torch.moveaxis(t, 1, 0)", "torch.swapdims(t, 0, 1)", "torch.swapaxes(t, 0, 2)", "torch.tile(x, (2,))", "torch.tile(v, (2, 3))", "x.repeat(2, 1)",
    "x.repeat(2, 1, 3)", "x.repeat(2)", "x.repeat_interleave(2)", "x.repeat_interleave(2, 0)", "x.repeat_interleave(n, 0)", "x.repeat_interleave(l, 1)",
    "torch.repeat_interleave(l)", "x.repeat_interleave(n, 1)", "x.repeat_interleave(-n, 0)", "torch.roll(x, 1)", "torch.roll(x, 2, 1)",
    "torch.roll(t, (1, 2), (0, 2))", "torch.roll(x, (1, 2))", "torch.flip(t, (0, 2))", "torch.flip(x, (-1,))", "torch.flip(x, (2,))", "torch.fliplr(x)",
    "torch.flipud(v)", "torch.fliplr(v)", *_each("torch.rot90(x, #)", "0 1 2 3 -1"), "torch.rot90(t, 1, (1, 2))", "torch.rot90(v)",
    "torch.tensor_split(x, 3, 1)", "torch.tensor_split(x, (1, 2))", "torch.tensor_split(x, (1, 9), 1)", "torch.tensor_split(s, 1)", "torch.hsplit(x, 2)",
    "torch.hsplit(x, 3)", "torch.vsplit(x, (1, 2))", "torch.dsplit(t, 2)", "torch.vsplit(v, 2)", "torch.hstack((x, y))", "torch.hstack((v, u))",
    "torch.vstack((x, v))", "torch.dstack((x, y))", "torch.column_stack((x, u))", "torch.row_stack((x, y))", "torch.atleast_1d(s)", "torch.atleast_2d(v, s)",
    "torch.atleast_3d(x, v)", "torch.meshgrid(u, v, indexing='ij')", "torch.meshgrid(u, v, s, indexing='xy')", "torch.meshgrid(x, indexing='ij')",
    "torch.cartesian_prod(u, v)", "torch.cartesian_prod(u)", "torch.combinations(v)", "torch.combinations(v, 3, True)", "torch.combinations(x)",
    "torch.block_diag(x, v, A)", "torch.block_diag(t)", "x.unflatten(1, (2, 2))", "x.unflatten(1, (-1, 2))", "x.unflatten(1, (3, 2))", "x.ravel()", "T.ravel()",
    "torch.vander(v)", "torch.vander(v, 3, increasing=True)", "torch.cat((x, y), 1)", "torch.cat((x, v))", "torch.cat((x, torch.ones(0), y))", "torch.cat(())",
    "torch.stack((x, y), 1)", "torch.stack((x, v))", "torch.stack((x, y), 4)", "torch.broadcast_tensors(x, v)", "torch.broadcast_tensors(x, u)",
    "t.permute(2, 0, 1)", "t.permute(0, 1)", "t.permute(0, 0, 1)", "x.select(1, 2)", "x.select(1, 4)", "x.narrow(1, 1, 2)", "x.narrow(1, 3, 2)",
    "torch.nn.functional.pad(x, (1, 2))", "torch.nn.functional.pad(x, (1, -1, 0, 2), value=3.0)", "torch.nn.functional.pad(x, (-2, -3))",
    "torch.nn.functional.pad(x, (1, 2, 3))", "torch.nn.functional.pad(x, (1,) * 6)", *_each("torch.nn.functional.pad(t, (1, 2), mode='#')", "reflect replicate circular odd"),
    *_each("torch.nn.functional.pad(d, (1, 2, 3, 0), mode='#')", "reflect replicate circular"), "torch.nn.functional.pad(t, (5, 0), mode='reflect')",
    *_each("torch.nn.functional.pad(d, (-1, 2, 1, -1), mode='#')", "reflect replicate"), "torch.nn.functional.pad(t, (5, 0), mode='circular')",
    # products
    "x @ m", "t @ w", "x @ v", "u @ x", "v @ v", "t @ v", "v @ w", "t @ m", "x @ w", "B @ A", "x @ x", "t @ t", "v @ u", "x @ s", "x @ i", "i @ i.T", "half.float() @ m.float()",
    "torch.mm(x, m)", "torch.mm(t, x)", "torch.mv(x, v)", "torch.mv(x, u)", "torch.bmm(t, w)", "torch.bmm(t, t)", "torch.bmm(x, x)", "torch.dot(v, v)", "torch.dot(x, x)",
    "torch.vdot(v, v)", "torch.inner(x, y)", "torch.inner(x, v)", "torch.inner(v, u)", "torch.inner(s, x)", "torch.outer(u, v)", "torch.outer(x, v)", "torch.ger(u, v)",
    "torch.kron(x, A)", "torch.kron(v, x)", "torch.kron(t, v)", "torch.tensordot(t, w, ([0, 2], [0, 1]))", "torch.tensordot(x, m, 1)", "torch.tensordot(x, x, 1)",
    "torch.tensordot(u, v, 0)", "torch.addmm(A, x, m, beta=0.5, alpha=2)", "torch.addmm(u, x, m)", "torch.addmv(u, x, v)", "torch.addr(x, u, v)",
    "torch.addbmm(A[:, :1], t, w[:, :, :3])", "torch.baddbmm(B[:, :, :1], t, w, alpha=0.5)", "torch.chain_matmul(x, m, A)", "torch.linalg.multi_dot((v, m, A, u))",
    "torch.linalg.multi_dot((x, m, x, m))", "torch.trace(A)", "torch.trace(t)", "torch.cross(A, A.T, dim=1)", "torch.linalg.cross(A, u)", "torch.linalg.cross(x, y)",
    "torch.linalg.cross(u[None], A)", "torch.cov(x)", "torch.cov(v)", "torch.cov(x, correction=0)", "torch.cov(x, aweights=v.abs().detach())",
    "torch.cov(x, fweights=l)", "torch.corrcoef(x)", "torch.corrcoef(v)", "torch.linalg.vecdot(x, y)", "torch.nn.functional.linear(x, m.T)",
    "torch.nn.functional.linear(x, v)", "torch.nn.functional.linear(v, x)", "torch.nn.functional.linear(v, x, u)", "torch.nn.functional.linear(t, x, u)",
    "torch.nn.functional.linear(x, v, s)", "torch.nn.functional.linear(v, v)", "torch.nn.functional.linear(x, x[:, :2])", "torch.nn.functional.linear(x, x.to(torch.int64))",
    *_each("torch.einsum('#', x, y)", "ij,ij->ij ij,ij ij,kj->ik ij,ik->jk ij,kl ij,ij->i i...,i...->... ij,ij->j ij,jk->ik"),
    *_each("torch.einsum('#', A)", "ii ii->i ij->ji ij-> ij->j ij->ijj i"), "torch.einsum('bij,bjk->bik', t, w)", "torch.einsum('bij,bjk,il->lk', t, w, x)",
    "torch.einsum('...ij,...jk->...ik', t, m)", "torch.einsum('i,j,k->ijk', u, v, u)", "torch.einsum('i,ij,j->', u, x, v)", "torch.einsum('bii->bi', B)",
    "torch.einsum('bii,ii->b', B, A)", "torch.einsum('iij,jk', torch.stack([A, A, A]), A)", "torch.einsum(x, [0, 1], m, [1, 2], [0, 2])",
    "torch.einsum('ij,jk->ik', c, m + 0j)", "torch.einsum('bhqd,bhkd->bhqk', d, d)", "torch.einsum('ij,ij->ij', x, v[None])",
    # linear algebra
    "torch.linalg.solve(A, u)", "torch.linalg.solve(A, m.T)", "torch.linalg.solve(B, B)", "torch.linalg.solve(B, u)", "torch.linalg.solve(B, t[:, :, 0])",
    "torch.linalg.solve(A, m, left=False)", "torch.linalg.solve(x, u)", "torch.linalg.solve(A * 0, u)", "torch.linalg.inv(A)", "torch.linalg.inv(B)",
    "torch.linalg.inv(C)", "torch.linalg.inv(A * 0)", "torch.linalg.inv(x)", "torch.inverse(A)", "torch.linalg.det(A)", "torch.linalg.det(B)", "torch.linalg.det(C)",
    "torch.linalg.det(u[:, None] * u)", "torch.linalg.det(x)", "torch.det(A)", "torch.linalg.slogdet(B)", "torch.logdet(P)", "torch.slogdet(-A)",
    "torch.linalg.cholesky(P)", "torch.linalg.cholesky(P, upper=True)", "torch.linalg.cholesky(-P)", "torch.linalg.cholesky(C @ C.mH)", "torch.linalg.qr(tall)",
    "torch.linalg.qr(wide)", "torch.linalg.qr(A, mode='complete')", "torch.linalg.qr(A, mode='odd')", "torch.linalg.eigvalsh(P)", "torch.linalg.eigh(P).eigenvalues",
    "torch.linalg.eigh(P).eigenvectors.abs()", "torch.linalg.eigvals(A).abs().sum()", "torch.linalg.eig(A).eigenvectors.abs().sum()", "torch.linalg.svdvals(tall)",
    "torch.linalg.svd(A).S", "torch.linalg.svd(tall, full_matrices=False).U.abs()", "torch.linalg.svd(wide, full_matrices=False).Vh.abs()",
    "torch.linalg.pinv(tall)", "torch.linalg.pinv(wide)", "torch.linalg.pinv(u[:, None] * v)", "torch.linalg.lstsq(tall, x[:, :1].repeat(2, 1)[:5]).solution",
    "torch.linalg.matrix_rank(A)", "torch.linalg.matrix_rank(u[:, None] * v)", *_each("torch.linalg.cond(A, #)", "None 'fro' 1 -2 float('inf')"),
    "torch.linalg.matrix_exp(A)", "torch.matrix_exp(B * 3)", "torch.linalg.matrix_power(A, 5)", "torch.linalg.matrix_power(A, -2)", "torch.linalg.matrix_power(A, 0)",
    "torch.linalg.matrix_power(x, 2)", "torch.linalg.solve_triangular(A, m.T, upper=True)", "torch.linalg.solve_triangular(A, m, upper=False, left=False)",
    "torch.linalg.solve_triangular(A, m.T, upper=False, unitriangular=True)", "torch.linalg.lu(A)", "torch.linalg.tensorinv(d[0, 0].reshape(2, 2, 4), 2)",
    "torch.linalg.tensorsolve(d[0, 0].reshape(2, 2, 4), x[:2, :2])", "torch.linalg.diagonal(t)", "torch.linalg.vander(v)", "torch.cholesky_solve(A, torch.linalg.cholesky(P))",
    "torch.cholesky_inverse(torch.linalg.cholesky(P))", "torch.linalg.cholesky_ex(P)", "torch.linalg.inv_ex(A)",
    # Fourier
    *_each("torch.fft.#(x)", "fft ifft rfft irfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn hfft ihfft fftshift ifftshift"),
    *_each("torch.fft.#(c)", "fft ifft rfft irfft fft2 irfft2 fftn irfftn hfft ihfft"),
    *_each("torch.fft.#(x, 5, 0)", "fft ifft rfft irfft hfft ihfft"), *_each("torch.fft.#(x, 2)", "fft ifft rfft irfft hfft ihfft"),
    *_each("torch.fft.fft(c, norm='#')", "forward ortho backward odd"), *_each("torch.fft.rfft(x, norm='#')", "forward ortho backward"),
    *_each("torch.fft.irfft(c, 5, norm='#')", "forward ortho backward"), *_each("torch.fft.irfftn(c, (4, 5), norm='#')", "forward ortho"),
    *_each("torch.fft.hfft(c, norm='#')", "forward ortho"), "torch.fft.fft(x, dim=2)", "torch.fft.fft(x, 0)", "torch.fft.fft(i)", "torch.fft.fftn(t, dim=(0, 2))",
    "torch.fft.rfftn(t, s=(2, 6), dim=(1, 2))", "torch.fft.fftshift(t, dim=(1,))", "torch.fft.fftfreq(5, 0.1)", "torch.fft.rfftfreq(6)",
]  # fmt: skip

# -- samples of primitives -------------------------------------------------------------------------

#: Calls that reach primitives which no function of the public face above reaches; ``ops`` is ``tensorlite.ops``.
DIRECT = [
    "x.nanmedian(1)", "w.clone()[None].clone(memory_format=torch.channels_last)", "x.t().clone()",
    "ops.elementwise.assign(x, v)", "ops.indexing.one_hot(k, num_classes=4)", "ops.scan.recur(x, p, dim=1)",
    "torch.special.gammainc(j * 1.0, p + r)", "torch.special.gammaincc(j * 1.0, p + r)",
    "ops.scan.recur(x, y, dim=1)", "ops.reduction._repick(x, n, dim=1, keepdim=False)", "ops.unary.tanh_grad(x, y)", "ops.unary.relu_grad(x, y)",
    "ops.unary.sigmoid_grad(x, y)", "ops.blocks.product(x, y, 2.0)", "ops.blocks.zero(x)", "x.clone()", "x.expand(2, 3, 4) * 1", "x.to(torch.float32)",
    "torch.special.bessel_j1(x)", "torch.special.bessel_y0(p)", "torch.special.bessel_y1(p)", "torch.special.modified_bessel_k0(p)",
    "torch.special.modified_bessel_k1(p)", "ops.indexing.index_put(x, s, index=(n, n))", "ops.shape.mT(t)", "x[1:].mul_(2)",
    "x.clone()[1:].mul_(y[1:])", "ops.shape.swapaxes(t, dim0=0, dim1=1)", "x.unbind(1)", "x.split([1, 3], 1)", "torch.special.ndtri(q.abs())",
]  # fmt: skip


def primitives():
    """Every primitive of the rooms that these samples are for, by ``module.name``."""
    import importlib

    import tensorlite as tl

    rooms = (
        "arrange blocks compare complex decompose einsum elementwise fft indexing linalg matrices order padding reduction rounding scan "
        "scatter shape sorting special strides unary"
    ).split()
    for room in rooms:
        importlib.import_module(f"tensorlite.ops.{room}")
    found = {}
    for name, op in tl.engine.registry.items():
        if name.rsplit(".", 1)[0].removeprefix("tensorlite.ops.") in rooms:
            found[name.removeprefix("tensorlite.ops.")] = op
    return found


def harvest(limit=3):
    """Sample calls ``(args, settings)`` by primitive: those that the expressions and their gradients make."""
    import tensorlite as tl
    from tensorlite.engine import Watcher, watching

    found = {}
    names = {id(op.primitive): name for name, op in primitives().items()}

    class Collector(Watcher):
        def forward(self, prim, args, settings, raw):
            out = super().forward(prim, args, settings, raw)
            name = names.get(id(prim))
            if name is not None:
                held = found.setdefault(name, {})
                key = (tuple([(np.shape(r), str(getattr(r, "dtype", type(r)))) for r in raw]), repr(settings))
                small = all(np.size(r) <= 40 for r in raw)
                if key not in held and small:
                    held[key] = (
                        [np.array(r, order="K") if isinstance(r, np.ndarray) else r for r in raw],
                        dict(settings),
                    )
            return out

    arrays = inputs(np.float64)
    with np.errstate(all="ignore"):
        for expression in DIRECT + EXPRESSIONS:
            tensors = {}
            for name, a in arrays.items():
                tensors[name] = tl.tensor(a)
                if a.dtype.kind in "fc":
                    tensors[name].requires_grad_()
            try:
                with watching(Collector()):
                    out = eval(expression, {"torch": tl, "ops": tl.ops, **tensors})
                    outs = [
                        o
                        for o in (out if isinstance(out, (tuple, list)) else (out,))
                        if getattr(o, "requires_grad", False)
                    ]
                    for o in outs:
                        o = tl.view_as_real(o) if o.is_complex() else o
                        leaves = [t for t in tensors.values() if t.requires_grad]
                        gs = tl.autograd.grad(
                            (o * o).sum(), leaves, create_graph=True, allow_unused=True, retain_graph=True
                        )
                        gs = [
                            tl.view_as_real(g) if g.is_complex() else g for g in gs if g is not None and g.requires_grad
                        ]
                        if gs:
                            tl.autograd.grad(
                                sum((g * g).sum() for g in gs), leaves, create_graph=True, allow_unused=True
                            )
            except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError, AttributeError):
                continue  # which calls raise is the oracle's business
    return {name: _best(list(held.values()), limit) for name, held in found.items()}


def _best(calls, limit):
    """The first calls whose values are finite and different from each other come first."""

    def plain(call):
        floats = [np.ravel(a) for a in call[0] if isinstance(a, np.ndarray) and a.dtype.kind in "fc"]
        return sum(
            [
                not np.isfinite(f).all() or len(np.unique(f)) < f.size or (np.abs(f) < 1e-6).any() or not f.size
                for f in floats
            ]
        )

    return sorted(calls, key=plain)[:limit]
