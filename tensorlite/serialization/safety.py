"""PyTorch's list of classes that a file may construct: here it is empty and stays so."""

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]


def add_safe_globals(safe_globals):
    """Refused, unless the list is empty: files hold tensors and plain data, and construct no classes.

    Raises
    ------
    NotImplementedError
    """
    if list(safe_globals):
        raise NotImplementedError(
            "files can't construct classes here, not even allowed ones: save plain data (tensors, numbers, strings, lists, "
            "dicts), for example vars(namespace) instead of a namespace"
        )


class safe_globals:
    """As :func:`add_safe_globals`, for a block."""

    def __init__(self, safe_globals):
        add_safe_globals(safe_globals)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


def clear_safe_globals():
    """Nothing to clear: the list is always empty."""


def get_safe_globals():
    """The classes that files may construct: none."""
    return []
