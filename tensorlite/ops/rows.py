"""Sums along short rows, and numbers that go with every row, by BLAS.

A ufunc that repeats one number along each row, or adds up each row, starts anew every few elements: along rows of 64
numbers it takes three times a plain pass. A matrix product does not.
"""

import numpy as np

from .blocks import ones

SMALL = 4096  # elements up to which calls cost more than passes

WIDE = 1024  # from here on repeating a number along a row is as fast as reading one


def worth(rows):
    """Whether ``rows`` (a matrix) is large and its rows short, so that :func:`spread` pays."""
    return rows.size > SMALL and rows.shape[1] <= WIDE


def spread(values, width, out=None):
    """A matrix in whose row ``i`` the number ``values[i]`` is repeated."""
    left, right = np.zeros((2, len(values)), values.dtype), np.zeros((2, width), values.dtype)
    left[0], right[0] = values, 1
    return np.matmul(left.T, right, out=out)


def row_sums(rows):
    """The sum of each row of a matrix."""
    return rows @ ones(rows.shape[1], rows.dtype)
