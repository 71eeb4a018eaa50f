"""``torch.backends``: switches of libraries that are not here; scripts may set them, and ask whether they are."""

from . import cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
