"""Programs written for the first releases."""

import numpy as np

from . import failure, program


@program
def variables(torch):
    Variable = torch.autograd.Variable
    torch.manual_seed(0)
    x = Variable(torch.randn(8, 10))
    y = Variable(torch.randn(8, 3), requires_grad=False)
    w1, w2 = Variable(torch.randn(10, 6), requires_grad=True), Variable(torch.randn(6, 3), requires_grad=True)
    for t in range(20):
        y_pred = x.mm(w1).clamp(min=0).mm(w2)
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        w1.data -= 1e-3 * w1.grad.data
        w2.data -= 1e-3 * w2.grad.data
        w1.grad.data.zero_()
        w2.grad.data.zero_()
    print(t, loss.data.item(), w1.data.size(), type(w1.data).__name__, isinstance(w1, Variable))
    return loss, w1, w2


@program
def old_functional_names(torch):
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(1)
    net = nn.Linear(4, 3)
    torch.nn.init.xavier_normal(net.weight)
    torch.nn.init.constant(net.bias, 0.1)
    torch.nn.init.kaiming_normal(net.weight, mode="fan_out")
    torch.nn.init.normal(net.weight, std=0.5)
    x = torch.FloatTensor(5, 4).fill_(0.5)
    h = F.tanh(F.sigmoid(net(x)))
    t = torch.LongTensor([0, 1, 2, 1, 0])
    a = F.nll_loss(F.log_softmax(h, 1), t, size_average=False)
    b = F.cross_entropy(h, t, size_average=True, reduce=True)
    c = F.binary_cross_entropy(F.sigmoid(h), torch.ones(5, 3), size_average=False)
    d = nn.MSELoss(size_average=False)(h, torch.zeros(5, 3))
    (a + b + c + d).backward()
    up = F.upsample(torch.arange(4.0).view(1, 1, 2, 2), scale_factor=2, mode="nearest")
    return a, b, c, d, net.weight.grad, up


@program
def typed_tensors(torch):
    a = torch.Tensor([[1, 2], [3, 4]])
    b = torch.IntTensor([1, 2, 3])
    c = torch.ByteTensor([0, 1, 1])
    d = torch.DoubleTensor(2, 2).zero_()
    print(a.type(), b.type(), c.type(), d.type(), torch.Tensor(2, 3).size(), torch.BoolTensor([1, 0]))
    e = a.type(torch.DoubleTensor).type("torch.LongTensor")
    f = a.new(3, 2).fill_(7)
    g = a.type_as(d) + d.new_zeros(2, 2) + a.new_tensor([1.0, 2.0]).double()
    print(torch.is_tensor(a), torch.typename(a), a.is_cuda)
    return (
        e,
        f,
        g,
        torch.from_numpy(np.arange(3)),
        a.numpy(),
        torch.max(a, 1)[1],
        a.t(),
        a.nelement(),
        torch.equal(a, a.clone()),
    )


@program
def morvan_regression(torch):
    Variable = torch.autograd.Variable

    class Net(torch.nn.Module):
        def __init__(self, n_feature, n_hidden, n_output):
            super(Net, self).__init__()
            self.hidden = torch.nn.Linear(n_feature, n_hidden)
            self.predict = torch.nn.Linear(n_hidden, n_output)

        def forward(self, x):
            return self.predict(torch.nn.functional.relu(self.hidden(x)))

    torch.manual_seed(1)
    x = torch.unsqueeze(torch.linspace(-1, 1, 100), dim=1)
    y = x.pow(2) + 0.2 * torch.rand(x.size())
    x, y = Variable(x), Variable(y)
    net = Net(n_feature=1, n_hidden=10, n_output=1)
    print(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
    loss_func = torch.nn.MSELoss()
    for t in range(30):
        prediction = net(x)
        loss = loss_func(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if t % 10 == 0:
            print("Loss=%.4f" % loss.data.numpy())
    return prediction.data.numpy(), loss.data.numpy()


@program
def cuda_guards(torch):
    use_cuda = torch.cuda.is_available()
    FloatTensor = torch.cuda.FloatTensor if use_cuda else torch.FloatTensor
    LongTensor = torch.cuda.LongTensor if use_cuda else torch.LongTensor
    torch.manual_seed(2)
    if use_cuda:
        torch.cuda.manual_seed(2)
    net = torch.nn.Linear(2, 2)
    if use_cuda:
        net.cuda()
    x = FloatTensor([[1, 2]])
    labels = LongTensor([1])
    kwargs = {"num_workers": 1, "pin_memory": True} if use_cuda else {}
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    print(use_cuda, kwargs, device, torch.cuda.device_count(), x.device, device.type == "cpu")
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = False
    torch.manual_seed(3)
    mps = torch.backends.mps.is_available()
    return torch.nn.CrossEntropyLoss()(net(x), labels), mps, torch.cuda.is_bf16_supported() if use_cuda else None


@program
def udacity_validation_loop(torch):
    nn, optim = torch.nn, torch.optim
    torch.manual_seed(3)
    images, labels = torch.rand(60, 1, 7, 7), torch.randint(0, 4, (60,))
    loader = torch.utils.data.DataLoader(list(zip(images, labels)), batch_size=15, shuffle=False)
    model = nn.Sequential(nn.Linear(49, 24), nn.ReLU(), nn.Dropout(p=0.0), nn.Linear(24, 4), nn.LogSoftmax(dim=1))
    criterion, optimizer = nn.NLLLoss(), optim.Adam(model.parameters(), lr=0.003)
    losses, valid_loss_min = [], np.inf
    for e in range(3):
        running_loss, accuracy = 0, 0
        for images, labels in loader:
            images = images.view(images.shape[0], -1)
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * images.size(0)
        with torch.no_grad():
            model.eval()
            for images, labels in loader:
                ps = torch.exp(model(images.resize_(images.size()[0], 49)))
                top_p, top_class = ps.topk(1, dim=1)
                equals = top_class == labels.view(*top_class.shape)
                accuracy += torch.mean(equals.type(torch.FloatTensor)).item()
        model.train()
        if running_loss <= valid_loss_min:
            print("Validation loss decreased ({:.3f} --> {:.3f}).".format(valid_loss_min, running_loss))
            valid_loss_min = running_loss
        losses.append(running_loss / len(loader))
        print("Epoch: {}/{}.. ".format(e + 1, 3), "Test Accuracy: {:.3f}".format(accuracy / len(loader)))
    return losses, model[0].weight


@program
def class_correct_counts(torch):
    torch.manual_seed(4)
    class_correct, class_total = [0.0] * 3, [0.0] * 3
    for _ in range(3):
        output, target = torch.randn(6, 3), torch.randint(3, (6,))
        _, pred = torch.max(output, 1)
        correct_tensor = pred.eq(target.data.view_as(pred))
        correct = np.squeeze(correct_tensor.numpy())
        for i in range(6):
            label = target.data[i]
            class_correct[label] += correct[i].item()
            class_total[label] += 1
    for i in range(3):
        print(
            "Test Accuracy of %5s: %2d%% (%2d/%2d)"
            % (str(i), 100 * class_correct[i] / class_total[i], np.sum(class_correct[i]), np.sum(class_total[i]))
        )
    return class_correct, class_total


@program
def char_rnn_hidden_repackaged(torch):
    nn, F = torch.nn, torch.nn.functional

    class CharRNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(8, 12, 2, dropout=0.0, batch_first=True)
            self.fc = nn.Linear(12, 8)

        def forward(self, x, hidden):
            r, hidden = self.lstm(x, hidden)
            return self.fc(r.contiguous().view(-1, 12)), hidden

        def init_hidden(self, n):
            weight = next(self.parameters()).data
            return (weight.new(2, n, 12).zero_(), weight.new(2, n, 12).zero_())

    torch.manual_seed(5)
    encoded = np.random.RandomState(0).randint(0, 8, 4 * 21).reshape(4, 21)
    net = CharRNN()
    opt = torch.optim.Adam(net.parameters(), lr=0.001)
    h = net.init_hidden(4)
    for n in range(0, 20, 5):
        x, y = encoded[:, n : n + 5], encoded[:, n + 1 : n + 6]
        inputs = F.one_hot(torch.from_numpy(x), 8).float()
        targets = torch.from_numpy(y)
        h = tuple([each.data for each in h])
        net.zero_grad()
        output, h = net(inputs, h)
        loss = nn.CrossEntropyLoss()(output, targets.reshape(4 * 5).long())
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        opt.step()
    p = F.softmax(output, dim=1).data
    p, top_ch = p.topk(3)
    return loss, p, top_ch.numpy().squeeze(), h


@program
def mistakes_of_beginners(torch):
    nn = torch.nn
    x = torch.randn(3, 4)
    w = torch.randn(4, requires_grad=True)
    print(failure(torch.mm, x, x), failure(nn.Linear(5, 2), x), failure(w.numpy), failure((x * w).backward))
    print(
        failure(nn.CrossEntropyLoss(), x, torch.tensor([0, 1])),
        failure(nn.CrossEntropyLoss(), x, torch.tensor([0, 1, 9])),
    )
    print(failure(lambda: nn.Module().missing), failure(x.view, 5, 3), failure(torch.cat, [x, x[0]]), failure(x.item))
    loss = (x * w).sum()
    loss.backward()
    print(failure(loss.backward), failure(bool, x), failure(lambda: w.add_(1)), failure(torch.zeros(2).backward))
    print(
        failure(nn.Embedding(3, 2), torch.tensor([3])),
        failure(nn.Linear(4, 2).load_state_dict, {"weight": torch.zeros(2, 4)}),
    )
    print(
        failure(torch.optim.SGD, [], lr=0.1),
        failure(torch.optim.Adam, [w], lr=-1.0),
        failure(nn.Conv2d(3, 4, 3), torch.zeros(1, 1, 5, 5)),
    )
    y = w.exp()
    y.add_(1)
    print(
        failure(y.sum().backward),
        failure(torch.tensor, [[1, 2], [3]]),
        failure(torch.stack, [x, x[:2]]),
        failure(int, x),
    )
    print(
        failure(lambda: x[5]),
        failure(lambda: x[0, 0, 0]),
        failure(lambda: x @ torch.randn(3)),
        failure(torch.arange(3).requires_grad_),
    )
    print(
        failure(lambda: torch.randn(2).double() @ torch.randn(2)),
        failure(torch.nn.BCELoss(), x, x),
        failure(x.cuda) is not None,
    )
    return w.grad.shape
