"""The adaptive softmax: for many classes of which few are frequent (https://arxiv.org/abs/1609.04309)."""

from collections import namedtuple

from ...ops.activation import log_softmax
from ...ops.shape import cat
from ..container import ModuleList, Sequential
from ..module import Module
from .dense import Linear

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log probabilities of the labels and their mean, negated. Labels are to be sorted by how frequent they are.

    Parameters
    ----------
    in_features, n_classes : int
    cutoffs : sequence of int
        The first labels of the clusters of rarer classes; the head tells the classes before the first one and the clusters.
    div_value : float, default 4.0
        Cluster i works in ``in_features / div_value ** (i + 1)`` features.
    head_bias : bool, default False

    Returns
    -------
    (output, loss)
        ``output`` (N,) for inputs (N, in_features) and labels (N,); or a number for one input and label.

    Raises
    ------
    ValueError
        If the cutoffs are not between 1 and ``n_classes - 1``, each above the last.
    RuntimeError
        If shapes or labels do not fit.

    Examples
    --------
    >>> import tensorlite as tl
    >>> m = tl.nn.AdaptiveLogSoftmaxWithLoss(16, 20, cutoffs=[5, 10])
    >>> m.log_prob(tl.zeros(3, 16)).shape
    torch.Size([3, 20])
    """

    def __init__(self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, device=None, dtype=None):
        super().__init__()
        cutoffs = list(cutoffs)
        if len(cutoffs) == 0:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if cutoffs != sorted(set(cutoffs)) or any(int(c) != c or not 0 < c < n_classes for c in cutoffs):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                "value is between 1 and n_classes-1"
            )
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = cutoffs[0], len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        made = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width, classes = int(in_features // div_value ** (i + 1)), self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(Linear(in_features, width, bias=False, **made), Linear(width, classes, bias=False, **made))
            )

    def reset_parameters(self):
        """New random weights."""
        for layer in (self.head, *[layer for cluster in self.tail for layer in cluster]):
            layer.reset_parameters()

    def forward(self, input_, target_):
        dims = target_.dim()
        if dims > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if dims == 1 and len(input_) != len(target_):
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if input_.dim() != dims + 1:
            raise RuntimeError(
                f"{dims}D target tensor expects {dims + 1}D input tensors, but found inputs with size {input_.shape}"
            )
        x, y = (input_, target_) if dims else (input_.unsqueeze(0), target_.unsqueeze(0))
        if ((y < 0) | (y >= self.n_classes)).any():
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{y.min().item()}, {y.max().item()}] were found. "
            )
        inside, place = x.new_zeros(len(y)), y.clone()
        for i in range(self.n_clusters):
            low = self.cutoffs[i]
            rows = ((y >= low) & (y < self.cutoffs[i + 1])).nonzero().squeeze(1)
            if len(rows):
                place[rows] = self.shortlist_size + i
                logs = log_softmax(self.tail[i](x[rows]), dim=1).gather(1, (y[rows] - low).unsqueeze(1))
                inside = inside.index_copy(0, rows, logs.squeeze(1))
        output = inside + log_softmax(self.head(x), dim=1).gather(1, place.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if dims else output.squeeze(0), loss)

    def log_prob(self, input):
        """Log probabilities (N, n_classes) of all classes for inputs (N, in_features)."""
        head, n = log_softmax(self.head(input), dim=1), self.shortlist_size
        clusters = [log_softmax(t(input), dim=1) + head[:, n + i, None] for i, t in enumerate(self.tail)]
        return cat(head[:, :n], *clusters, dim=1)

    def predict(self, input):
        """The most likely class of each input, (N,): of all classes where the head chooses a cluster."""
        head = self.head(input)
        found = head.argmax(1)
        rare = found >= self.shortlist_size
        if rare.any():
            found[rare] = self.log_prob(input[rare]).argmax(1)
        return found
