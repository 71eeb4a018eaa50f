"""Short programs in the manner of tutorials and examples: each takes the library and returns what it computed.

``tests/test_programs.py`` runs every one under PyTorch and under this library and compares all of it.
"""

PROGRAMS = []


def program(function):
    """Collect ``function``."""
    PROGRAMS.append(function)
    return function


def failure(function, *args, **kwargs):
    """The name of Python's class of the error that a call raises, or None."""
    try:
        function(*args, **kwargs)
    except Exception as error:
        return next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")
    return None
