"""PyTorch's own test database, run against this library: a seeded share always, everything in the slow tier."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")

from tests import databases


def failures(**settings):
    """The (operation, variant) pairs that differ from PyTorch for no known reason; the entries met; how much was tried."""
    threads = databases.torch.get_num_threads()
    databases.torch.set_num_threads(1)
    found, met, done = {}, set(), 0
    try:
        for op, variant, dtype, error in databases.run(**settings):
            done += 1
            if error is None:
                continue
            name = f"{op.full_name} {variant}"
            if databases.reason(name, dtype, error) is None:
                found.setdefault(name, databases.complaint(dtype, error)[:300])
            else:
                met.add(name if name in databases.KNOWN else op.full_name)
    finally:
        databases.torch.set_num_threads(threads)
    return found, met, done


def test_a_share_of_the_database():
    found, _, done = failures(share=0.012, seed=3)
    assert done > 300 and found == {}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_whole_database():
    variants = [v for v in databases.VARIANTS if v != "reference"]
    found, met, done = failures(variants=variants)
    assert done > 60000 and found == {}, "new differences"
    assert set(databases.KNOWN) - met == set(), "no longer different"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_reference_inputs():
    found, _, done = failures(variants=["reference"])
    found.pop("nn.functional.grid_sample reference", None)  # one element in a million lies between two pixels
    assert done > 1500 and found == {}
