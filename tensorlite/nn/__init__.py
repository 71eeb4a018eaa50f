"""Networks: modules, layers, losses, initial values; PyTorch's names, and the small library's rooms."""

# ruff: noqa: F401, I001 (this module shows names)

from . import activation, functional, init, layer, loss, modules, parameter, utils
from .container import DataParallel, ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .layer import (
    CELU, ELU, GELU, GLU, GRU, LSTM, RNN, SELU, AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d,
    AdaptiveLogSoftmaxWithLoss, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d, AlphaDropout, AvgPool1d,
    AvgPool2d, AvgPool3d, BatchNorm1d, BatchNorm2d, BatchNorm3d, BCELoss, BCEWithLogitsLoss, Bilinear, ChannelShuffle,
    CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad1d, ConstantPad2d, ConstantPad3d, Conv1d, Conv2d, Conv3d,
    ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, CosineEmbeddingLoss, CosineSimilarity, CrossEntropyLoss,
    CrossMapLRN2d, CTCLoss, Dropout1d, Dropout2d, Dropout3d, Embedding, EmbeddingBag, FeatureAlphaDropout, Flatten,
    Fold, FractionalMaxPool2d, FractionalMaxPool3d, GaussianNLLLoss, GroupNorm, GRUCell, Hardshrink, Hardsigmoid,
    Hardswish, Hardtanh, HingeEmbeddingLoss, HuberLoss, Identity, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d,
    KLDivLoss, L1Loss, LayerNorm, LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, LazyConv1d, LazyConv2d,
    LazyConv3d, LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d, LazyInstanceNorm1d, LazyInstanceNorm2d,
    LazyInstanceNorm3d, LazyLinear, LazyModuleMixin, LeakyReLU, Linear, LocalResponseNorm, LogSigmoid, LogSoftmax,
    LPPool1d, LPPool2d, LPPool3d, LSTMCell, MarginRankingLoss, MaxPool1d, MaxPool2d, MaxPool3d, MaxUnpool1d,
    MaxUnpool2d, MaxUnpool3d, Mish, MSELoss, MultiheadAttention, MultiLabelMarginLoss, MultiLabelSoftMarginLoss,
    MultiMarginLoss, NLLLoss, NLLLoss2d, NonDynamicallyQuantizableLinear, PairwiseDistance, PixelShuffle,
    PixelUnshuffle, PoissonNLLLoss, PReLU, ReflectionPad1d, ReflectionPad2d, ReflectionPad3d, ReLU, ReLU6,
    ReplicationPad1d, ReplicationPad2d, ReplicationPad3d, RMSNorm, RNNBase, RNNCell, RNNCellBase, RReLU, Sigmoid, SiLU,
    SmoothL1Loss, SoftMarginLoss, Softmax, Softmax2d, Softmin, Softplus, Softshrink, Softsign, SyncBatchNorm, Tanh,
    Tanhshrink, Threshold, Transformer, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer, TripletMarginLoss, TripletMarginWithDistanceLoss, Unflatten, Unfold, Upsample,
    UpsamplingBilinear2d, UpsamplingNearest2d, ZeroPad1d, ZeroPad2d, ZeroPad3d,
)  # fmt: skip
from .layer.dropout import Dropout
from .module import Module
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter


def __getattr__(name):
    # rooms that are loaded when somebody enters them
    if name in ("accuracy", "attention", "common_types", "grad", "model", "optimizer", "parallel"):
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    import sys

    # with the module at hand, Python says which name was perhaps meant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])
