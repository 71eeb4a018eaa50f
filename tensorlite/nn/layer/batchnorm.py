"""Batch and instance normalisation: statistics per channel, running averages of them."""

from __future__ import annotations

import warnings

from ...creation import empty, ones, tensor, zeros
from ...ops.shape import reshape
from .. import functional_spatial as F
from .. import init
from ..module import Module
from ..parameter import Parameter, UninitializedBuffer, UninitializedParameter
from ._dimensions import over
from ._lazy import LazyModuleMixin

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d",
    "LazyInstanceNorm3d", "SyncBatchNorm",
]  # fmt: skip


class _NormBase(Module):
    """What batch and instance normalisation share: parameters and running statistics."""

    _version = 2
    dims: int

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None,
                 dtype=None, *, bias=True):  # fmt: skip
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        kind = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(empty(num_features, **kind)) if affine else None)
        self.register_parameter("bias", Parameter(empty(num_features, **kind)) if affine and bias else None)
        track = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **kind) if track else None)
        self.register_buffer("running_var", ones(num_features, **kind) if track else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track else None)
        self.reset_parameters()

    def reset_running_stats(self):
        """Mean 0, variance 1, no batch seen."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self):
        """Scale 1, shift 0, and fresh running statistics."""
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def _check_input_dim(self, input):
        n, ranks = len(input.shape), self._ranks()
        if n not in ranks:
            want = " or ".join(f"{d}D" for d in ranks)
            raise ValueError(f"expected {want} input (got {n}D input)")

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *args):
        version = local_metadata.get("version", None)
        if (version is None or version < 2) and self.track_running_stats:  # files from before this buffer existed
            state_dict.setdefault(prefix + "num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class _BatchNorm(_NormBase):
    """Batch normalisation; the dimensional classes below say of what."""

    _members = """
    Parameters
    ----------
    num_features : int
        Channels.
    eps : float, default 1e-5
    momentum : float or None, default 0.1
        Weight of a new batch in the running statistics; None: plain average of all batches.
    affine : bool, default True
        Whether there are a scale and a shift per channel.
    track_running_stats : bool, default True
        Without, the batch's own statistics are used in eval mode as well.

    Attributes
    ----------
    weight, bias : Parameter, (num_features,), or None
    running_mean, running_var, num_batches_tracked : buffers

    Shapes
    ------
    ``(N, C, {spatial})`` to the same shape.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(3)(tl.zeros(2, 3, {n:4})).shape
    torch.Size([2, 3, {n:4}])
    """

    def _ranks(self):
        return (2, 3) if self.dims == 1 else (self.dims + 2,)

    def forward(self, input):
        self._check_input_dim(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked._data[...] += 1
            if self.momentum is None:  # the plain average of all batches
                momentum = 1.0 / float(self.num_batches_tracked._data)
        keep = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if keep else None,
            self.running_var if keep else None,
            self.weight,
            self.bias,
            self.training or (self.running_mean is None and self.running_var is None),
            momentum,
            self.eps,
        )


class _InstanceNorm(_NormBase):
    """Instance normalisation; the dimensional classes below say of what."""

    _members = """
    Parameters
    ----------
    num_features : int
        Channels.
    eps, momentum : float
    affine : bool, default False
    track_running_stats : bool, default False

    Shapes
    ------
    ``(N, C, {spatial})`` or ``(C, {spatial})`` to the same shape.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.{name}(3)(tl.ones(2, 3, {n:4})).shape
    torch.Size([2, 3, {n:4}])
    """

    def _ranks(self):
        return self.dims + 1, self.dims + 2

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False, device=None,
                 dtype=None, *, bias=True):  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input):
        self._check_input_dim(input)
        axis = len(input.shape) - self.dims - 1
        single = axis == 0
        if input.shape[axis] != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={axis} to match num_features ({self.num_features}), but got: "
                    f"{input.shape[axis]}."
                )
            warnings.warn(
                f"input's size at dim={axis} does not match num_features. You can silence this warning by not passing "
                "in num_features, which is not used because affine=False",
                stacklevel=2,
            )
        x = reshape(input, shape=(1, *input.shape)) if single else input
        out = F.instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )
        return reshape(out, shape=input.shape) if single else out


class _LazyNormBase(LazyModuleMixin):
    """Takes ``num_features`` from the first batch."""

    _members = """
    The other parameters are the same.

    Examples
    --------
    >>> import tensorlite as tl
    >>> layer = tl.nn.{name}()
    >>> _ = layer(tl.zeros(2, 3, {n:4}))
    >>> layer.num_features
    3
    """

    def __init__(self, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *,
                 bias=True):  # fmt: skip
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        kind = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**kind)
            if bias:
                self.bias = UninitializedParameter(**kind)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**kind)
            self.running_var = UninitializedBuffer(**kind)
            self.num_batches_tracked = tensor(0)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input):
        """Give parameters and statistics the size that ``input`` asks for, and their initial values."""
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        for member in (self.weight, self.bias, self.running_mean, self.running_var):
            if member is not None:
                member.materialize((self.num_features,))
        self.reset_parameters()


@over(1)
class BatchNorm1d(_BatchNorm):
    """Batch normalisation over vectors ``(N, C)`` and sequences (Ioffe & Szegedy, 2015)."""


@over(2)
class BatchNorm2d(_BatchNorm):
    """Batch normalisation over images (Ioffe & Szegedy, 2015)."""


@over(3)
class BatchNorm3d(_BatchNorm):
    """Batch normalisation over volumes (Ioffe & Szegedy, 2015)."""


@over(1)
class LazyBatchNorm1d(_LazyNormBase, BatchNorm1d):
    """A :class:`BatchNorm1d` that takes ``num_features`` from its first batch."""

    cls_to_become = BatchNorm1d


@over(2)
class LazyBatchNorm2d(_LazyNormBase, BatchNorm2d):
    """A :class:`BatchNorm2d` that takes ``num_features`` from its first batch."""

    cls_to_become = BatchNorm2d


@over(3)
class LazyBatchNorm3d(_LazyNormBase, BatchNorm3d):
    """A :class:`BatchNorm3d` that takes ``num_features`` from its first batch."""

    cls_to_become = BatchNorm3d


@over(1)
class InstanceNorm1d(_InstanceNorm):
    """Normalisation of each channel of each sample over sequences."""


@over(2)
class InstanceNorm2d(_InstanceNorm):
    """Normalisation of each channel of each sample over images."""


@over(3)
class InstanceNorm3d(_InstanceNorm):
    """Normalisation of each channel of each sample over volumes."""


@over(1)
class LazyInstanceNorm1d(_LazyNormBase, InstanceNorm1d):
    """A :class:`InstanceNorm1d` that takes ``num_features`` from its first batch."""

    cls_to_become = InstanceNorm1d


@over(2)
class LazyInstanceNorm2d(_LazyNormBase, InstanceNorm2d):
    """A :class:`InstanceNorm2d` that takes ``num_features`` from its first batch."""

    cls_to_become = InstanceNorm2d


@over(3)
class LazyInstanceNorm3d(_LazyNormBase, InstanceNorm3d):
    """A :class:`InstanceNorm3d` that takes ``num_features`` from its first batch."""

    cls_to_become = InstanceNorm3d


class SyncBatchNorm(_BatchNorm):
    """Not supported: there is one process; use :class:`BatchNorm2d`."""

    def __init__(self, *args, **kwargs):
        raise NotImplementedError("SyncBatchNorm is not supported; in one process BatchNorm1d/2d/3d do the same")

    @classmethod
    def convert_sync_batchnorm(cls, module, process_group=None):
        """Not supported."""
        raise NotImplementedError("SyncBatchNorm is not supported; in one process BatchNorm1d/2d/3d do the same")
