"""PyTorch's names of backward steps where ``<Name>Backward0`` is not the rule: what ``grad_fn`` shows.

An entry is a name or a function of the node. Names follow from what a node knows (its shape, the shapes of
its edges, the settings it keeps), so a few calls that PyTorch tells apart look the same here.
"""

import numpy as np


def _setting(node, name):
    kept = node.kept if isinstance(node.kept, tuple) else ()
    return dict(zip(node.plan.kept_names, kept)).get(name)


def _reduced(name):
    """``SumBackward0`` over everything, ``SumBackward1`` over some dimensions."""
    return lambda node: f"{name}Backward{0 if node.shape == () and _setting(node, 'dim') is None else 1}"


def _indexed(node):
    """The last step of ``x[0, 1:, None]``, which PyTorch makes item by item."""
    index = _setting(node, "index")
    for item in reversed(index if isinstance(index, tuple) else (index,)):
        if isinstance(item, (int, np.integer)):
            return "SelectBackward0"
        if isinstance(item, slice) and item != slice(None):
            return "SliceBackward0"
        if item is None:
            return "UnsqueezeBackward0"
    return "AliasBackward0"


def _extreme(name):
    """The largest of all numbers is ``max()``, a reduction of some dimensions ``amax``."""
    return lambda node: f"{name}Backward1" if node.shape == () else f"A{name.lower()}Backward0"


def _clamped(node):
    """Bounds that are tensors, or numbers."""
    bounds = _setting(node, "low"), _setting(node, "high")
    return f"ClampBackward{0 if any(isinstance(v, np.ndarray) for v in bounds) else 1}"


NAMES = {
    "assign": lambda node: "CopyBackwards" if 1 in node.plan.targets else "FillBackward0",
    "c2c": "FftC2CBackward0",
    "c2r": "FftC2RBackward0",
    "cholesky": "LinalgCholeskyExBackward0",
    "div": lambda node: "DivBackward0" if 0 in node.plan.tensors else "MulBackward0",
    "lerp": lambda node: f"LerpBackward{int(2 in node.plan.tensors)}",
    "product": "MulBackward0",
    "relu_grad": "ThresholdBackwardBackward0",
    "sigmoid_grad": "SigmoidBackwardBackward0",
    "softmax_grad": "SoftmaxBackwardDataBackward0",
    "sub": lambda node: "SubBackward0" if 0 in node.plan.tensors else "RsubBackward1",
    "tanh_grad": "TanhBackwardBackward0",
    "deg2rad": "Deg2RadBackward0",
    "eig": "LinalgEigBackward0",
    "eigh": "LinalgEighBackward0",
    "entr": "SpecialEntrBackward0",
    "erfcx": "SpecialErfcxBackward0",
    "i0e": "SpecialI0EBackward0",
    "i1": "SpecialI1Backward0",
    "i1e": "SpecialI1EBackward0",
    "log_ndtr": "SpecialLogNdtrBackward0",
    "lu": "LinalgLuBackward0",
    "matrix_exp": "LinalgMatrixExpBackward0",
    "median_dim": "MedianBackward1",
    "mT": "TransposeBackward0",
    "nanmedian_dim": "NanmedianBackward1",
    "narrow": "SliceBackward0",
    "pinv": "LinalgPinvBackward0",
    "qr": "LinalgQrBackward0",
    "r2c": "FftR2CBackward0",
    "rad2deg": "Rad2DegBackward0",
    "slogdet": "LinalgSlogdetBackward0",
    "solve": "LinalgSolveExBackward0",
    "square": "PowBackward0",
    "strided": "AsStridedBackward0",
    "svd": "LinalgSvdBackward0",
    "take_pixels": lambda node: f"UpsampleNearest{len(node.shape) - 2}DBackward0",
    "xlog1py": "SpecialXlog1PyBackward0",
    "add_index": "IndexBackward0",
    "amax": _extreme("Max"),
    "amin": _extreme("Min"),
    "broadcast_to": "ExpandBackward0",
    "clamp": _clamped,
    "clone": "CloneBackward0",
    "contiguous": "CloneBackward0",
    "constant_pad": "ConstantPadNdBackward0",
    "cross_entropy": "NllLossBackward0",
    "det": "LinalgDetBackward0",
    "getitem": _indexed,
    "gated": "GluBackward0",
    "inv": "LinalgInvExBackward0",
    "log1p": "Log1PBackward0",
    "logsigmoid": "LogSigmoidBackward0",
    "max_dim": "MaxBackward0",
    "mean": _reduced("Mean"),
    "min_dim": "MinBackward0",
    "pow": lambda node: (
        f"PowBackward{len({0, 1}.intersection(node.plan.tensors)) - 1 if 0 in node.plan.tensors else 2}"
    ),
    "prelu": "PreluKernelBackward0",
    "prod": _reduced("Prod"),
    "split_with_sizes": "SplitBackward0",
    "sum": _reduced("Sum"),
    "take_index": "IndexBackward0",
    "undiagonal": "DiagEmbedBackward0",
    "vector_norm": "LinalgVectorNormBackward0",
    "view_assign": "CopySlices",
}
