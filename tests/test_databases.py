"""PyTorch's own test database, run against this library: a seeded share always, everything in the slow tier."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")

from tests import databases


def failures(**settings):
    """The (operation, variant) pairs that differ from PyTorch, with a first error each."""
    threads = databases.torch.get_num_threads()
    databases.torch.set_num_threads(1)
    found, done = {}, 0
    try:
        for op, variant, dtype, error in databases.run(**settings):
            done += 1
            if error is not None:
                found.setdefault(f"{op.full_name} {variant}", f"{dtype}: {type(error).__name__}: {error}"[:300])
    finally:
        databases.torch.set_num_threads(threads)
    return found, done


def test_reasons_are_given():
    assert all(reason for reason in databases.KNOWN.values())


def test_a_share_of_the_database():
    found, done = failures(share=0.015, seed=3)
    assert done > 200
    assert {k: v for k, v in found.items() if not databases.known(k)} == {}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_larger_share_of_the_database():
    # all of it, and the reference inputs, take many minutes: `python -m tests.databases` runs them
    variants = [v for v in databases.VARIANTS if v != "reference"]
    found, done = failures(share=0.1, seed=7, variants=variants)
    assert done > 1500
    assert {k: v for k, v in found.items() if not databases.known(k)} == {}, "new differences"
