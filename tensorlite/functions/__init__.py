"""``torch.*``: functions of tensors in PyTorch's spelling, grouped by what they do.

Tensor methods are the same functions (:mod:`tensorlite._methods`).
"""
