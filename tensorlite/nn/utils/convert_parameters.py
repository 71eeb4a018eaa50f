"""Parameters as one vector, and back."""

from ..._tensor import Tensor
from ...ops.shape import cat, reshape

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters):
    """All ``parameters`` flattened into one vector, on the tape.

    Examples
    --------
    >>> import tensorlite as tl
    >>> tl.nn.utils.parameters_to_vector(tl.nn.Linear(3, 2).parameters()).shape
    torch.Size([8])
    """
    return cat(*[reshape(p, shape=(-1,)) for p in parameters], dim=0)


def vector_to_parameters(vec, parameters):
    """Make consecutive slices of ``vec`` the data of ``parameters``.

    Raises
    ------
    TypeError
        If ``vec`` is no tensor.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__module__}.{type(vec).__name__}")
    start = 0
    for p in parameters:
        n = p.numel()
        p.data = vec.detach()[start : start + n].view(p.shape)
        start += n
