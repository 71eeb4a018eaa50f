"""``torch.random``: the default generator's seed and state."""

import contextlib

from .rng import default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


@contextlib.contextmanager
def fork_rng(devices=None, enabled=True, _caller="fork_rng", _devices_kw="devices", device_type="cpu"):
    """A block after which the default generator is in the state it had before.

    Parameters
    ----------
    devices : sequence, optional
        Other devices; there are none here, so it must be empty.
    enabled : bool, default True
        False makes the block an ordinary one.

    Examples
    --------
    >>> import tensorlite as tl
    >>> _ = tl.manual_seed(0)
    >>> with tl.random.fork_rng():
    ...     first = tl.rand(2)
    >>> bool((tl.rand(2) == first).all())
    True
    """
    if devices:
        raise RuntimeError(f"fork_rng: only the CPU has a generator here, got devices={list(devices)}")
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
