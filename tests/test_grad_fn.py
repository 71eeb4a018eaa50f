"""What ``grad_fn`` is called: PyTorch's names, for what its tutorials print."""

from __future__ import annotations

import pytest

import tensorlite as tl

torch = pytest.importorskip("torch")

CALLS = """
x + y; x - y; x * y; x / y; x ** 2; x ** y; 2 ** x; 1 - x; 1 / x; -x; x @ y.t(); x @ v; v @ v; A @ A; image @ image.mT; x + 1; x * 2
x.abs(); x.exp(); x.log(); x.sqrt(); x.sin(); x.cos(); x.tan(); x.tanh(); x.sigmoid(); x.relu(); x.square(); x.reciprocal(); x.neg(); x.floor()
x.round(); x.sign(); x.erf(); x.lgamma(); x.digamma(); x.log1p(); x.expm1(); x.log2(); x.log10(); x.rsqrt(); x.asin(); x.acos(); x.atan(); x.sinh()
x.cosh(); x.atan2(y); x.pow(3.0); x.clamp(0, 1); x.clamp(min=0); x.clamp_min(0); x.clamp_max(1); x.clamp(y, y + 1); x.maximum(y); x.minimum(y); x.lerp(y, 0.5); x.lerp(y, y)
x.addcmul(x, y); x.addcdiv(x, y); lib.where(b, x, y); x.masked_fill(b, 0.0); x.nan_to_num(); x.fmod(2); x.remainder(2); x.deg2rad(); x.rad2deg()
x.sum(); x.sum(1); x.mean(); x.mean(1); x.prod(); x.prod(1); x.var(); x.var(1); x.std(); x.std(1); x.max(); x.max(1)[0]; x.min(); x.amax(1); x.amax(); x.amin(0)
x.norm(); x.norm(dim=1); lib.linalg.vector_norm(x); x.logsumexp(1); x.cumsum(1); x.cumprod(1); x.median(); x.median(1)[0]; x.kthvalue(1)[0]; x.mode(1)[0]
x.nansum(); x.sort()[0]; x.sort(dim=1, stable=True)[0]; x.topk(2)[0]; x.cummax(1)[0]; x.logcumsumexp(1); x.dist(y); lib.cdist(x, y); x.std(0, keepdim=True)
x.view(-1); x.reshape(4, 3); x.flatten(); x.t(); x.T; x.mT; x.transpose(0, 1); x.permute(1, 0); x.unsqueeze(0); x[None]; image[:1].squeeze(); image[:1].squeeze(0)
x.expand(2, 3, 4); x.repeat(2, 1); x[0]; x[1:]; x[:, 1]; x[0, 1]; x[b]; x[i]; x[..., 0]; x[:, ::2]; x.split(2)[0]; x.split([1, 2])[1]; x.chunk(2)[0]; x.unbind()[0]; x.narrow(0, 0, 1)
x.select(0, 1); x.diagonal(); x.diag(); v.diag(); x.tril(); x.triu(); A.trace(); x.flip(0); x.roll(1); x.rot90(); x.unfold(1, 2, 1); x.as_strided((2,), (1,)); x.movedim(0, 1)
lib.cat([x, y]); lib.stack([x, y]); x.clone(); x.contiguous(); x.t().contiguous(); x.double(); x.half(); x.to(lib.float64); x.index_select(0, i); x.gather(0, k)
x.scatter(0, k, y); x.scatter_add(0, k, y); x.index_add(0, i, y[:2]); x.take(i); x.masked_select(b); x.repeat_interleave(2); x.tile(2); x.unflatten(1, (2, 2))
lib.einsum('ij,kj->ik', x, y); x.mm(y.t()); x.mv(v); v.dot(v); lib.outer(v, v); lib.addmm(A, x, y.t()); lib.bmm(image[0], image[0]); lib.baddbmm(image[0], image[0], image[0])
lib.linalg.inv(A); lib.linalg.det(A); lib.linalg.solve(A, x); lib.linalg.cholesky(A @ A.t()); lib.linalg.svd(x)[1]; lib.linalg.eigh(A @ A.t())[0]; lib.linalg.qr(A)[0]; lib.linalg.pinv(x)
lib.linalg.slogdet(A)[1]; lib.linalg.matrix_exp(A); lib.linalg.norm(x); lib.linalg.eigvals(A); lib.fft.fft(x); lib.fft.rfft(x); lib.fft.irfft(lib.fft.rfft(x)); lib.fft.ifft(lib.fft.fft(x))
F.relu(x); F.leaky_relu(x); F.gelu(x); F.silu(x); F.elu(x); F.celu(x); F.selu(x); F.softplus(x); F.hardtanh(x); F.relu6(x); F.mish(x); F.glu(x); F.logsigmoid(x); F.hardswish(x); F.prelu(x, v[:1])
F.softmax(x, 1); F.log_softmax(x, 1); F.dropout(x); F.linear(x, y); F.linear(x, y, v[:3]); F.linear(image, w6); F.linear(image, w6, w6[0]); F.layer_norm(x, (4,)); F.batch_norm(image, None, None, training=True); F.group_norm(image, 1)
F.conv2d(image, k2); F.conv2d(image, k2, k2[0, :, 0, 0]); F.conv_transpose2d(image, k2); F.conv1d(image[:, :, 0], k2[:, :, 0]); F.max_pool2d(image, 2); F.avg_pool2d(image, 2); F.adaptive_avg_pool2d(image, 1); F.adaptive_avg_pool2d(image, 2); F.adaptive_max_pool2d(image, 2)
F.max_pool1d(image[0], 2); F.avg_pool1d(image[0], 2); F.interpolate(image, scale_factor=2); F.interpolate(image, scale_factor=2, mode='bilinear'); F.pad(x, (1, 1)); F.pad(image, (1, 1, 1, 1), mode='reflect'); F.pixel_shuffle(image[:, :1].repeat(1, 4, 1, 1), 2); F.unfold(image, 2); F.grid_sample(image, image[:, :, :, :2])
F.mse_loss(x, y); F.l1_loss(x, y); F.smooth_l1_loss(x, y); F.huber_loss(x, y); F.cross_entropy(x, i.repeat(2)[:3]); F.nll_loss(x, i.repeat(2)[:3]); F.cross_entropy(image, (image[:, 0] > 0.6).long()); F.cross_entropy(x, i.repeat(2)[:3], label_smoothing=0.1)
F.nll_loss(image, (image[:, 0] > 0.6).long()); F.soft_margin_loss(x, b.float()); F.multi_margin_loss(x, i.repeat(2)[:3]); F.multilabel_margin_loss(x, k.repeat(3, 1))
F.binary_cross_entropy(x.sigmoid(), b.float()); F.binary_cross_entropy_with_logits(x, b.float()); F.kl_div(x, y); F.cosine_similarity(x, y)
F.embedding(k, x); F.embedding_bag(k, x); F.embedding_bag(k, x, mode='sum'); F.embedding_bag(k, x, mode='max'); F.normalize(x); F.one_hot(k).float() * x.sum(); F.scaled_dot_product_attention(x[None], x[None], x[None]); F.cosine_embedding_loss(x, y, b[:, 0].float() * 2 - 1); F.triplet_margin_loss(x, y, x + 1)
lib.complex(x, y); lib.view_as_real(lib.complex(x, y)); lib.complex(x, y).real; lib.complex(x, y).abs(); lib.complex(x, y).conj(); x.mul_(2); x.add_(y); x.exp_(); x.fill_(1.0) + x; x.zero_() + x; x.copy_(y); x[0].mul_(2)
"""
#: Where PyTorch computes in several steps and this library in one, or the other way round: ours.
OTHERS = {
    'image @ image.mT': 'BmmBackward0',
    'x.amax()': 'MaxBackward1',
    'x.nansum()': 'SumBackward0',
    'x.sort(dim=1, stable=True)[0]': 'SortBackward0',
    'lib.cdist(x, y)': 'LinalgVectorNormBackward0',
    'x.mT': 'TBackward0',
    'x.split([1, 2])[1]': 'SplitBackward0',
    'x.diag()': 'CloneBackward0',
    'x.rot90()': 'TransposeBackward0',
    'x.repeat_interleave(2)': 'IndexSelectBackward0',
    "lib.einsum('ij,kj->ik', x, y)": 'EinsumBackward0',
    'lib.fft.fft(x)': 'FftC2CBackward0',
    'F.linear(image, w6)': 'LinearBackward0',
    'F.linear(image, w6, w6[0])': 'LinearBackward0',
    'F.max_pool1d(image[0], 2)': 'MaxPool2DWithIndicesBackward0',
    'F.avg_pool1d(image[0], 2)': 'AvgPool1DBackward0',
    "F.pad(image, (1, 1, 1, 1), mode='reflect')": 'IndexSelectBackward0',
    'F.grid_sample(image, image[:, :, :, :2])': 'AddBackward0',
    'F.scaled_dot_product_attention(x[None], x[None], x[None])': 'AttentionBackward0',
    'lib.complex(x, y).real': 'RealBackward0',
    'x[0].mul_(2)': 'SelectBackward0',
}  # fmt: skip


def name(lib, call):
    lib.manual_seed(0)
    names = {"lib": lib, "F": lib.nn.functional}
    for key, shape in (
        ("x", (3, 4)),
        ("y", (3, 4)),
        ("v", (4,)),
        ("A", (3, 3)),
        ("image", (2, 3, 6, 6)),
        ("w6", (6, 6)),
        ("k2", (3, 3, 2, 2)),
    ):
        names[key] = lib.rand(shape).add(0.1).requires_grad_() * 1
    names |= {"i": lib.tensor([0, 2]), "k": lib.tensor([[0, 1, 2, 0]]), "b": lib.rand(3, 4) > 0.5}
    t = eval(call, names)
    return type(t.grad_fn).__name__


@pytest.mark.filterwarnings("ignore")
def test_names():
    calls = [c.strip() for line in CALLS.strip().splitlines() for c in line.split(";")]
    ours = {c: name(tl, c) for c in calls}
    theirs = {c: name(torch, c) for c in calls}
    different = {c: (ours[c], theirs[c]) for c in calls if ours[c] != theirs[c] and OTHERS.get(c) != ours[c]}
    assert different == {}
    assert len(calls) > 250
