"""The weights of convolutions in another memory format."""

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _convert(module, dims, memory_format):
    for m in module.modules():
        if type(m).__name__ in (f"Conv{dims}d", f"ConvTranspose{dims}d"):
            m.weight.data = m.weight.detach().clone().contiguous(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module, memory_format):
    """Lay the weights of all 2-D convolutions in ``module`` out anew; returns the module.

    Examples
    --------
    >>> import tensorlite as tl
    >>> conv = tl.nn.Conv2d(3, 4, 2)
    >>> tl.nn.utils.convert_conv2d_weight_memory_format(conv, tl.channels_last).weight.stride()
    (12, 1, 6, 3)
    """
    return _convert(module, 2, memory_format)


def convert_conv3d_weight_memory_format(module, memory_format):
    """Lay the weights of all 3-D convolutions in ``module`` out anew; returns the module."""
    return _convert(module, 3, memory_format)
