"""Nested dicts, lists and tuples of tensors: taken apart into a list, and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def flatten(tree) -> tuple[list, Callable[[list], Any]]:
    """The leaves of ``tree`` and a function that builds the same structure around other leaves."""
    leaves: list = []

    def visit(node):
        if isinstance(node, dict):
            parts = [(key, visit(value)) for key, value in node.items()]
            kind = type(node)
            return lambda new: kind([(key, build(new)) for key, build in parts])
        if isinstance(node, (tuple, list)):
            parts = [visit(value) for value in node]
            kind = type(node)
            if hasattr(kind, "_fields"):
                return lambda new: kind(*[build(new) for build in parts])
            return lambda new: kind([build(new) for build in parts])
        place = len(leaves)
        leaves.append(node)
        return lambda new: new[place]

    return leaves, visit(tree)


def mapped(fn, tree):
    """``tree`` with ``fn`` applied to each leaf."""
    leaves, build = flatten(tree)
    return build([fn(leaf) for leaf in leaves])


def spread(prefix, tree):
    """One entry of ``prefix`` for each leaf of ``tree``; an entry stands for everything below its place.

    Raises
    ------
    ValueError
        If ``prefix`` is not a beginning of ``tree``'s structure.
    """
    if isinstance(prefix, dict):
        if not isinstance(tree, dict) or prefix.keys() != tree.keys():
            raise ValueError("the structures do not match")
        return [x for key, value in tree.items() for x in spread(prefix[key], value)]
    if isinstance(prefix, (tuple, list)):
        if not isinstance(tree, (tuple, list)) or len(prefix) != len(tree):
            raise ValueError("the structures do not match")
        return [x for p, value in zip(prefix, tree) for x in spread(p, value)]
    return [prefix] * len(flatten(tree)[0])
