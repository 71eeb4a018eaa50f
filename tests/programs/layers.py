"""What layers refuse: dtypes, sizes and members that do not fit, and tensors without a shape yet."""

import warnings

from . import failure, program
from .complaints import said as _said


def said(call):
    """What a call says, without the place that is named behind it."""
    return _said(call).split(" (in ")[0].split(" [TL")[0]


@program
def normalisation_of_other_dtypes(torch):
    nn, x = torch.nn, torch.linspace(-1, 1, 24).view(2, 4, 3)
    made = (
        lambda: nn.BatchNorm1d(4), lambda: nn.BatchNorm1d(4).eval(), lambda: nn.BatchNorm1d(4, affine=False), lambda: nn.LayerNorm(3),
        lambda: nn.GroupNorm(2, 4), lambda: nn.InstanceNorm1d(4, affine=True), lambda: nn.InstanceNorm1d(4), lambda: nn.PReLU(),
        lambda: nn.LayerNorm(3, elementwise_affine=False), lambda: nn.GroupNorm(2, 4, affine=False),
    )  # fmt: skip
    for make in made:
        for dtype in ("float64", "float16", "int64", "complex64", "bool"):
            layer = make()
            print(
                type(layer).__name__,
                dtype,
                said(lambda: layer(x.to(getattr(torch, dtype))).dtype).replace(torch.__name__, "torch"),
            )
        print(said(lambda: make().double()(x).dtype).replace(torch.__name__, "torch"))
    print(failure(nn.RMSNorm(3), x.long()), nn.RMSNorm(3)(x.double()).dtype == torch.float64)


@program
def normalisation_of_too_few_values(torch):
    nn, F = torch.nn, torch.nn.functional
    for call in (
        lambda: nn.BatchNorm1d(3)(torch.zeros(1, 3)), lambda: nn.GroupNorm(3, 3)(torch.zeros(1, 3)), lambda: F.group_norm(torch.ones(1, 6), 3),
        lambda: F.group_norm(torch.ones(2, 3), 3), lambda: nn.InstanceNorm2d(3)(torch.zeros(2, 3, 1, 1)), lambda: nn.LayerNorm(())(torch.ones(2)),
        lambda: F.batch_norm(torch.ones(2, 3), torch.zeros(3), None, training=True), lambda: F.batch_norm(torch.ones(2, 3), None, None),
        lambda: F.batch_norm(torch.ones(2, 3), torch.zeros(2), torch.ones(3)), lambda: F.layer_norm(torch.ones(2, 3), (3,), torch.ones(2)),
    ):  # fmt: skip
        print(said(call).replace("torch.Size(", "").replace(")", ""))
    kept = nn.BatchNorm2d(3)
    kept.num_batches_tracked = torch.tensor(10)
    print(kept.load_state_dict({}, strict=False))
    return kept.num_batches_tracked


@program
def layers_without_a_shape(torch):
    nn, lazy = torch.nn, torch.nn.parameter
    net = nn.Sequential(nn.LazyLinear(4), nn.LazyConv1d(2, 3), nn.LazyBatchNorm1d())
    for use in (
        lambda p: p.numel(), lambda p: p.shape, lambda p: p.sum(), lambda p: p + 1, lambda p: 2 * p, lambda p: p[0], lambda p: len(p),
        lambda p: p.clone(), lambda p: p.tolist(), lambda p: bool(p), lambda p: p.requires_grad, lambda p: p.is_leaf, lambda p: p.fill_(1),
    ):  # fmt: skip
        print([failure(use, p) for p in net.parameters()])
    print(said(lambda: sum(p.numel() for p in net.parameters()))[:46])
    box = nn.Module()
    box.state = lazy.UninitializedBuffer()
    print(
        [n for n, _ in box.named_buffers()],
        isinstance(box.state, nn.Buffer),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = net[2](net[1](torch.ones(2, 3, 5)))
    return result, [p.shape for p in net[1:].parameters()], [type(m).__name__ for m in net]


@program
def resampling_that_cannot_be(torch):
    F, image, grid = torch.nn.functional, torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 1, 2)
    theta, off = torch.ones(1, 2, 3), dict(align_corners=False)
    for call in (
        lambda: F.grid_sample(image[0], grid, **off), lambda: F.grid_sample(image, torch.zeros(1, 1, 1, 1, 3), **off),
        lambda: F.grid_sample(torch.zeros(1, 1, 0, 2), grid, **off), lambda: F.grid_sample(image, torch.zeros(2, 1, 1, 2), **off),
        lambda: F.affine_grid(theta[0], (1, 1, 2, 2), **off), lambda: F.affine_grid(theta, torch.Size([1, 2, 2]), **off),
        lambda: F.affine_grid(theta.int(), (1, 1, 2, 2), **off), lambda: F.interpolate(image, size=0), lambda: F.interpolate(image, scale_factor=-1.0),
    ):  # fmt: skip
        print(said(call).replace(torch.__name__, "torch"))
    print(failure(F.interpolate, image.long(), size=3), F.interpolate(image.byte(), size=3).dtype == torch.uint8)
    result = []
    for call in (
        lambda: F.grid_sample(image, grid), lambda: F.affine_grid(theta, (1, 1, 2, 1), align_corners=True), lambda: F.upsample(image, size=3),
        lambda: F.affine_grid(theta, (1, 1, 2, 1), align_corners=False), lambda: F.upsample_bilinear(image, size=3),
    ):  # fmt: skip
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            result.append([call(), [(w.category.__name__, str(w.message)) for w in seen]])
    empty = [F.grid_sample(torch.zeros(*s, 2, 2), torch.zeros(s[0], 3, 3, 2), **off).shape for s in ((0, 1), (1, 0))]
    return result, empty


@program
def bags_of_embeddings_and_what_they_refuse(torch):
    nn, F, table, rows = (
        torch.nn,
        torch.nn.functional,
        torch.arange(12.0).view(4, 3),
        torch.tensor([[1, 3, 2], [0, 2, 1]]),
    )
    flat = rows.flatten()
    for call in (
        lambda: F.embedding_bag(flat, table, torch.tensor([1, 2])), lambda: F.embedding_bag(flat, table, torch.tensor([0, 9])),
        lambda: F.embedding_bag(rows + 1, table), lambda: F.embedding_bag(rows, table, padding_idx=4), lambda: F.embedding_bag(flat, table),
        lambda: F.embedding_bag(rows, table, mode="sum", per_sample_weights=torch.ones(2)), lambda: nn.EmbeddingBag(4, 3, padding_idx=-5),
        lambda: F.embedding_bag(rows, table, mode="sum", per_sample_weights=torch.ones(2, 3).double()), lambda: nn.Embedding(4, 3, padding_idx=4),
        lambda: F.one_hot(rows, 0), lambda: F.dropout(flat, 0.5), lambda: nn.init.normal_(torch.zeros(2, dtype=torch.int64)),
    ):  # fmt: skip
        print(said(call).split("\n")[0].replace("[ torch", ""))
    result = []
    for mode in ("sum", "mean", "max"):
        for offsets in (None, torch.tensor([0, 2, 2]), torch.tensor([0, 0, 6])):
            for padding in (None, 2):
                leaf = table.clone().requires_grad_()
                out = F.embedding_bag(rows if offsets is None else flat, leaf, offsets, mode=mode, padding_idx=padding)
                out.sum().backward()
                result.append([out, leaf.grad])
    result.append(F.embedding_bag(torch.zeros(0, dtype=torch.int64), table, torch.tensor([0, 0])))
    return result, failure(nn.utils.rnn.pad_sequence, [[1, 2], [3]])


@program
def pooling_of_nothing(torch):
    F = torch.nn.functional
    pools = [
        ("max_pool1d", 1), ("max_pool2d", 2), ("avg_pool1d", 1), ("avg_pool2d", 2), ("avg_pool3d", 3), ("adaptive_avg_pool1d", 1),
        ("adaptive_avg_pool2d", 2), ("adaptive_avg_pool3d", 3), ("adaptive_max_pool1d", 1), ("adaptive_max_pool2d", 2),
        ("adaptive_max_pool3d", 3),
    ]  # fmt: skip
    shapes = []
    for name, dims in pools:
        pool = getattr(F, name)
        for sizes in ((0, 2, 5), (2, 0, 5), (2, 2, 0)):
            x = torch.zeros(sizes[:2] + sizes[2:] * dims)
            print(name, sizes, failure(pool, x, 2))
        shapes.append(pool(torch.zeros((0, 2) + (5,) * dims), 2).shape)
        print(failure(pool, torch.ones((1, 2) + (4,) * dims, dtype=torch.int64), 2))
    return shapes, F.adaptive_max_pool2d(torch.zeros(0, 2, 5, 5), 3, return_indices=True)
