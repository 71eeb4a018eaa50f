"""See it: computation graphs, the backward pass step by step, summaries and plots.

``graph`` draws how a tensor was computed; ``play`` and ``backward_steps`` go through its backward pass; ``summary`` is a
table of a model's layers; the plots show training, weights, gradients, decision boundaries and more.
"""

from .graph import Picture, graph
from .inspection import activations, filters, gradients, weights
from .record import Recording, record
from .steps import Flow, Player, Step, backward_steps, play
from .summary import Summary, summary
from .surfaces import attention, confusion, contour, decision_boundary
from .training import history

__all__ = [
    "Flow", "Picture", "Player", "Recording", "Step", "Summary", "activations", "attention", "backward_steps", "confusion",
    "contour", "decision_boundary", "filters", "gradients", "graph", "history", "play", "record", "summary", "weights",
]  # fmt: skip
