"""A graph convolutional network (Kipf & Welling, 2017): label the nodes of a graph from a few known ones."""

import importlib
import math
import os

torch = importlib.import_module(os.environ.get("FRAMEWORK", "tensorlite"))
nn, F = torch.nn, torch.nn.functional
Parameter = importlib.import_module(torch.__name__ + ".nn.parameter").Parameter
SMALL = bool(os.environ.get("EXAMPLE_SMALL"))


def make_graph(per_group=30, groups=4):
    """Groups that are dense inside and sparse between; returns the normalised adjacency, features, labels."""
    n = per_group * groups
    labels = torch.arange(groups).repeat_interleave(per_group)
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    p = torch.where(same, torch.tensor(0.2), torch.tensor(0.01))
    upper = torch.triu(torch.rand(n, n) < p, diagonal=1).float()
    adj = upper + upper.t() + torch.eye(n)
    d = adj.sum(1).pow(-0.5)
    adj = d.view(-1, 1) * adj * d.view(1, -1)
    features = torch.eye(n)
    return adj, features, labels


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        self.bias = Parameter(torch.FloatTensor(out_features))
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        return torch.mm(adj, torch.mm(input, self.weight)) + self.bias


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


def accuracy(output, labels):
    preds = output.max(1)[1].type_as(labels)
    return preds.eq(labels).double().sum() / len(labels)


def main(steps=None, epochs=10 if SMALL else 150):
    torch.manual_seed(42)
    adj, features, labels = make_graph()
    order = torch.randperm(len(labels))
    known, rest = order[:20], order[20:]
    model = GCN(features.shape[1], 16, int(labels.max().item()) + 1, dropout=0.5)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
    losses = []
    for epoch in range(epochs if steps is None else steps):
        model.train()
        optimizer.zero_grad()
        output = model(features, adj)
        loss = F.nll_loss(output[known], labels[known])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if steps is None and (epoch + 1) % 50 == 0:
            model.eval()
            found = accuracy(model(features, adj)[rest], labels[rest])
            print(f"epoch {epoch + 1}: loss {loss.item():.4f}, accuracy on unlabelled nodes {found.item():.3f}")
    if steps is None:
        print(f"final loss {losses[-1]:.4f}")
    return losses


if __name__ == "__main__":
    main()
