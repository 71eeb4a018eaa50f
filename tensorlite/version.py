"""``torch.version``: what was built with what; there is no accelerator here."""

from . import __version__

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "xpu"]

cuda = hip = xpu = git_version = None
debug = False
