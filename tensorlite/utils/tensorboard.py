"""``torch.utils.tensorboard``: event files for TensorBoard, written by the package tensorboardX."""

import numpy as np

__all__ = ["SummaryWriter"]


def _plain(value):
    """Tensors as arrays (off the tape); anything else as it is."""
    if hasattr(value, "_data"):
        return np.asarray(value._data)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


def SummaryWriter(log_dir=None, *args, **kwargs):
    """A writer of TensorBoard event files: tensorboardX's ``SummaryWriter`` that takes tensors.

    Parameters
    ----------
    log_dir : str, optional
        The folder; ``runs/<time>_<host>`` by default.
    *args, **kwargs
        As for tensorboardX (``comment``, ``flush_secs``, ...).

    Raises
    ------
    ImportError
        Without tensorboardX.

    Notes
    -----
    ``add_scalar``, ``add_scalars``, ``add_histogram``, ``add_image``, ``add_text``, ``flush``, ``close`` and the
    others are tensorboardX's (https://tensorboardx.readthedocs.io). ``add_graph`` needs PyTorch's tracer and is
    refused; ``tensorlite.viz.graph`` draws graphs.
    """
    try:
        import tensorboardX
    except ImportError:
        raise ImportError('SummaryWriter needs tensorboardX: pip install "tensorlite[io]"') from None

    class Writer(tensorboardX.SummaryWriter):
        """tensorboardX's writer, fed with arrays."""

        def add_graph(self, *args, **kwargs):
            """Refused."""
            raise NotImplementedError("add_graph needs PyTorch's tracer; draw the graph with tensorlite.viz.graph(...)")

    def taking_tensors(method):
        def call(self, *args, **kwargs):
            return method(self, *[_plain(a) for a in args], **{k: _plain(v) for k, v in kwargs.items()})

        call.__name__, call.__doc__ = method.__name__, method.__doc__
        return call

    for name in dir(tensorboardX.SummaryWriter):
        if name.startswith("add_") and name != "add_graph":
            setattr(Writer, name, taking_tensors(getattr(tensorboardX.SummaryWriter, name)))
    return Writer(log_dir, *args, **kwargs)
