"""The tape: what an operation records, and the walk that turns records into gradients.

A package of small rooms, to be read in this order:

* ``tape``: modes, watchers, and :class:`TensorBase`, what the tape knows of a tensor: an array, the node that made it,
  a version.
* ``node``: :class:`Node` is one recorded operation. Edges go from node to node, never to tensors, so an intermediate
  result is freed as soon as nobody needs its value.
* ``operation``: :func:`primitive` turns a NumPy function into an operation; ``op.vjp(x=lambda g, out: ...)`` says how a
  gradient flows to argument ``x``. The *parameter names of a vjp say what the tape keeps*: ``out`` keeps the result, an
  argument's name keeps that argument, ``x_shape`` only its shape, a setting's name that setting. Nothing else is kept.
* ``plan``: for one pattern of arguments, which vjps run and what they need, compiled once.
* ``gradient``: :func:`walk` visits the nodes from the newest to the oldest and passes gradients along the edges.
* ``spare``: gradients whose memory may take the result of a vjp.
* ``view`` and ``update``: views that can be made again from their base, in-place updates that rebase history.

A vjp is an ordinary expression of operators and primitives. On raw arrays it gives the gradient; on tensors that are
attached to the tape again (``create_graph=True``) it gives a gradient that can itself be differentiated. There is no
second implementation for higher orders.
"""

from . import tape
from .basic import alias, broadcast_to, cast, clone, sum_to, view_assign
from .gradient import GradientEdge, backward, grad, order, walk
from .node import Leaf, Node, Port, RemovableHandle, add_hook, register
from .operation import Primitive, primitive, registry, titled
from .plan import PackedPlan, Plan, PrimitiveNode, pack
from .spare import spare
from .tape import (
    RECORDING,
    WATCHED,
    TensorBase,
    Watcher,
    clock,
    recording,
    results_are,
    state,
    touch,
    touch_all,
    unwrap,
    watching,
    where,
    wrap,
)  # fmt: skip
from .update import check_writable, inplace, rebase
from .view import View, renew

__all__ = [
    "RECORDING", "WATCHED", "GradientEdge", "Leaf", "Node", "PackedPlan", "Plan", "Port", "Primitive", "PrimitiveNode", "RemovableHandle",
    "TensorBase", "View", "Watcher", "add_hook", "alias", "backward", "broadcast_to", "cast", "check_writable", "clock",
    "clone", "grad", "inplace", "order", "pack", "primitive", "rebase", "recording", "register", "registry", "renew", "results_are", "spare", "state",
    "sum_to", "tape", "titled", "touch", "touch_all", "unwrap", "view_assign", "walk", "watching", "where", "wrap",
]  # fmt: skip
