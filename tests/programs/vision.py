"""Images: blocks of known networks, transfer, adversaries, style."""

from . import program


def _train(torch, model, x, y, steps=2, lr=0.01):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@program
def resnet_basic_block(torch):
    nn, F = torch.nn, torch.nn.functional

    class BasicBlock(nn.Module):
        expansion = 1

        def __init__(self, in_planes, planes, stride=1):
            super(BasicBlock, self).__init__()
            self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.shortcut = nn.Sequential()
            if stride != 1 or in_planes != planes:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(in_planes, planes, 1, stride=stride, bias=False), nn.BatchNorm2d(planes)
                )

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += self.shortcut(x)
            return F.relu(out)

    torch.manual_seed(0)
    net = nn.Sequential(
        BasicBlock(3, 8), BasicBlock(8, 12, 2), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(12, 5)
    ).double()
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.constant_(m.weight, 1)
            nn.init.constant_(m.bias, 0)
    x, y = torch.randn(4, 3, 8, 8).double(), torch.tensor([0, 1, 2, 3])
    print(net)
    losses = _train(torch, net, x, y)
    net.eval()
    return losses, net(x), [n for n, _ in net.named_modules()]


@program
def mobilenet_block(torch):
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self, in_planes, out_planes, expansion, stride):
            super().__init__()
            self.stride = stride
            planes = expansion * in_planes
            self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=1, stride=1, padding=0, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, groups=planes, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.conv3 = nn.Conv2d(planes, out_planes, kernel_size=1, bias=False)
            self.bn3 = nn.BatchNorm2d(out_planes)

        def forward(self, x):
            out = F.relu6(self.bn1(self.conv1(x)))
            out = F.relu6(self.bn2(self.conv2(out)), inplace=True)
            out = self.bn3(self.conv3(out))
            return out + x if self.stride == 1 else out

    torch.manual_seed(1)
    net = nn.Sequential(
        Block(4, 4, 3, 1), Block(4, 6, 2, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(6, 3)
    ).double()
    return _train(torch, net, torch.randn(4, 4, 9, 9).double(), torch.tensor([0, 1, 2, 0])), [
        p.grad.norm() for p in net.parameters()
    ]


@program
def senet_and_densenet(torch):
    nn, F = torch.nn, torch.nn.functional

    class SE(nn.Module):
        def __init__(self, planes):
            super().__init__()
            self.fc1, self.fc2 = nn.Conv2d(planes, planes // 2, 1), nn.Conv2d(planes // 2, planes, 1)

        def forward(self, out):
            w = F.avg_pool2d(out, out.size(2))
            w = F.sigmoid(self.fc2(F.relu(self.fc1(w))))
            return out * w

    class Bottleneck(nn.Module):
        def __init__(self, in_planes, growth):
            super().__init__()
            self.bn1, self.conv1 = nn.BatchNorm2d(in_planes), nn.Conv2d(in_planes, growth, 3, padding=1, bias=False)

        def forward(self, x):
            return torch.cat([self.conv1(F.relu(self.bn1(x))), x], 1)

    torch.manual_seed(2)
    net = nn.Sequential()
    planes = 4
    for i in range(3):
        net.add_module(f"dense{i}", Bottleneck(planes, 2))
        planes += 2
    net.add_module("se", SE(planes))
    net.add_module(
        "trans",
        nn.Sequential(nn.Conv2d(planes, 4, 1), nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False), nn.Flatten()),
    )
    net.add_module("head", nn.LazyLinear(3))
    net(torch.zeros(1, 4, 5, 5))
    print(net)
    return _train(torch, net.double(), torch.randn(3, 4, 5, 5).double(), torch.tensor([0, 1, 2])), net.state_dict()[
        "head.bias"
    ]


@program
def shufflenet_and_pixelshuffle(torch):
    nn = torch.nn

    class ShuffleBlock(nn.Module):
        def __init__(self, groups):
            super(ShuffleBlock, self).__init__()
            self.groups = groups

        def forward(self, x):
            N, C, H, W = x.size()
            g = self.groups
            return x.view(N, g, C // g, H, W).permute(0, 2, 1, 3, 4).reshape(N, C, H, W)

    torch.manual_seed(3)
    net = nn.Sequential(
        nn.Conv2d(6, 12, 1, groups=3), ShuffleBlock(3), nn.Conv2d(12, 8, 3, padding=1, groups=2), nn.PixelShuffle(2)
    )
    x = torch.randn(2, 6, 4, 4, requires_grad=True)
    y = net(x)
    y.abs().sum().backward()
    return y, x.grad, nn.PixelUnshuffle(2)(y), nn.functional.channel_shuffle(x, 3)


@program
def lenet_d2l(torch):
    nn = torch.nn

    def init_cnn(module):
        if type(module) is nn.Linear or type(module) is nn.Conv2d:
            nn.init.xavier_uniform_(module.weight)

    torch.manual_seed(4)
    net = nn.Sequential(
        nn.LazyConv2d(6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
        nn.LazyConv2d(8, kernel_size=5), nn.LazyBatchNorm2d(), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Flatten(), nn.LazyLinear(20), nn.Sigmoid(), nn.LazyLinear(10),
    )  # fmt: skip
    X = torch.randn(2, 1, 16, 16)
    for layer in net:
        X = layer(X)
        print(layer.__class__.__name__, "output shape:\t", X.shape)
    net.apply(init_cnn)
    return _train(torch, net, torch.randn(3, 1, 16, 16), torch.tensor([1, 2, 3]), lr=0.1), net[0].weight


@program
def fgsm(torch):
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(5)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    data, target = torch.rand(5, 1, 8, 8), torch.randint(3, (5,))
    accuracies = []
    for epsilon in (0, 0.1, 0.5):
        data = data.detach().clone()
        data.requires_grad = True
        loss = F.cross_entropy(model(data), target)
        model.zero_grad()
        loss.backward()
        perturbed = torch.clamp(data + epsilon * data.grad.data.sign(), 0, 1)
        accuracies.append((model(perturbed).max(1, keepdim=True)[1].squeeze() == target).sum().item())
    return perturbed, accuracies, data.grad


@program
def neural_style(torch):
    nn, F = torch.nn, torch.nn.functional

    def gram_matrix(input):
        a, b, c, d = input.size()
        features = input.view(a * b, c * d)
        return torch.mm(features, features.t()).div(a * b * c * d)

    class StyleLoss(nn.Module):
        def __init__(self, target_feature):
            super().__init__()
            self.target = gram_matrix(target_feature).detach()

        def forward(self, input):
            self.loss = F.mse_loss(gram_matrix(input), self.target)
            return input

    class Normalization(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            self.mean, self.std = torch.tensor(mean).view(-1, 1, 1), torch.tensor(std).view(-1, 1, 1)

        def forward(self, img):
            return (img - self.mean) / self.std

    torch.manual_seed(6)
    cnn = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU()
    ).eval()
    style, content = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    model, losses = nn.Sequential(Normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])), []
    for i, layer in enumerate(cnn.children()):
        if isinstance(layer, nn.ReLU):
            layer = nn.ReLU(inplace=False)
        model.add_module(f"{type(layer).__name__}_{i}", layer)
        if isinstance(layer, nn.Conv2d):
            losses.append(StyleLoss(model(style).detach()))
            model.add_module(f"style_{i}", losses[-1])
    img = content.clone().requires_grad_(True)
    model.requires_grad_(False)
    optimizer = torch.optim.LBFGS([img], max_iter=4)
    run = [0]
    while run[0] < 8:

        def closure():
            with torch.no_grad():
                img.clamp_(0, 1)
            optimizer.zero_grad()
            model(img)
            loss = sum(s.loss for s in losses) * 1000
            loss.backward()
            run[0] += 1
            return loss

        loss = optimizer.step(closure)
    print(run, model)
    return loss, [s.loss for s in losses]


@program
def transfer_learning(torch):
    nn, optim = torch.nn, torch.optim
    torch.manual_seed(7)
    backbone = nn.Sequential(nn.Linear(10, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 5))
    for param in backbone.parameters():
        param.requires_grad = False
    backbone[3] = nn.Linear(backbone[3].in_features, 2)
    optimizer = optim.SGD(filter(lambda p: p.requires_grad, backbone.parameters()), lr=0.1, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
    x, y = torch.randn(12, 10), torch.randint(2, (12,))
    before = backbone[0].weight.clone()
    lrs = []
    for epoch in range(4):
        with torch.set_grad_enabled(epoch != 3):
            outputs = backbone(x)
            _, preds = torch.max(outputs, 1)
            loss = nn.functional.cross_entropy(outputs, y)
            if epoch != 3:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        scheduler.step()
        lrs.append(optimizer.param_groups[0]["lr"])
    print(torch.equal(before, backbone[0].weight), loss.requires_grad, torch.sum(preds == y.data).double() / 12 >= 0)
    return lrs, outputs, backbone[0].weight.grad, sum(p.numel() for p in backbone.parameters() if p.requires_grad)


@program
def knowledge_distillation(torch):
    nn = torch.nn
    torch.manual_seed(8)
    teacher, student = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4)), nn.Linear(6, 4)
    x, labels = torch.randn(10, 6), torch.randint(4, (10,))
    optimizer, T = torch.optim.Adam(student.parameters(), lr=0.01), 2
    teacher.eval()
    for _ in range(5):
        optimizer.zero_grad()
        with torch.no_grad():
            teacher_logits = teacher(x)
        student_logits = student(x)
        soft_targets = nn.functional.softmax(teacher_logits / T, dim=-1)
        soft_prob = nn.functional.log_softmax(student_logits / T, dim=-1)
        soft = torch.sum(soft_targets * (soft_targets.log() - soft_prob)) / soft_prob.size()[0] * (T**2)
        kl = nn.KLDivLoss(reduction="batchmean", log_target=False)(soft_prob, soft_targets) * T**2
        cos = nn.CosineEmbeddingLoss()(student_logits, teacher_logits, target=torch.ones(10))
        loss = 0.25 * soft + 0.75 * nn.CrossEntropyLoss()(student_logits, labels) + 0.1 * cos
        loss.backward()
        optimizer.step()
    return soft, kl, cos, loss, student.weight


@program
def spatial_transformer(torch):
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(9)
    loc = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2, stride=2), nn.ReLU(True), nn.Flatten(), nn.Linear(36, 6))
    loc[-1].weight.data.zero_()
    loc[-1].bias.data.copy_(torch.tensor([1, 0, 0.1, 0, 0.9, 0], dtype=torch.float))
    x = torch.rand(2, 1, 8, 8)
    theta = loc(x).view(-1, 2, 3)
    grid = F.affine_grid(theta, x.size(), align_corners=False)
    out = F.grid_sample(x, grid, align_corners=False)
    out.pow(2).sum().backward()
    return theta, out, loc[-1].weight.grad, F.interpolate(out, scale_factor=2, mode="bilinear", align_corners=False)


@program
def patches_vit(torch):
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(10)
    img = torch.randn(2, 3, 8, 8)
    patches = img.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).reshape(2, 4, -1)
    columns = F.unfold(img, kernel_size=4, stride=4).transpose(1, 2)
    embed = nn.Linear(48, 16)
    cls, pos = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(torch.randn(1, 5, 16))
    x = torch.cat((cls.repeat(2, 1, 1), embed(patches)), dim=1) + pos
    q, k, v = [
        t.reshape(2, 5, 4, 4).transpose(1, 2)
        for t in nn.Linear(16, 48, bias=False)(nn.LayerNorm(16)(x)).chunk(3, dim=-1)
    ]
    out = (torch.matmul(q, k.transpose(-1, -2)) * 4**-0.5).softmax(dim=-1) @ v
    out.mean().backward()
    return patches, columns, out, cls.grad, pos.grad, F.fold(columns.transpose(1, 2), (8, 8), 4, stride=4)


@program
def unet_and_segmentation(torch):
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(11)
    down, mid = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, stride=2, padding=1)
    up, head = nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Conv2d(8, 3, 1)
    x, y = torch.randn(2, 1, 8, 8), torch.randint(0, 3, (2, 8, 8))
    a = F.leaky_relu(down(x), 0.2)
    b = F.elu(mid(a))
    out = head(torch.cat([F.pad(up(b), (0, 0, 0, 0)), a], dim=1))
    loss = F.cross_entropy(out, y, ignore_index=2, weight=torch.tensor([0.3, 0.7, 0.1]))
    loss.backward()
    pred = out.argmax(1)
    confusion = torch.bincount(3 * y.flatten() + pred.flatten(), minlength=9).reshape(3, 3)
    iou = confusion.diag() / (confusion.sum(0) + confusion.sum(1) - confusion.diag()).clamp(min=1)
    return loss, confusion, iou, up.weight.grad


@program
def boxes(torch):
    torch.manual_seed(12)
    corners = torch.rand(5, 2, 2).sort(dim=1).values.reshape(5, 4)
    area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    lt = torch.max(corners[:, None, :2], corners[:, :2])
    rb = torch.min(corners[:, None, 2:], corners[:, 2:])
    wh = (rb - lt).clamp(min=0)
    inter = wh[:, :, 0] * wh[:, :, 1]
    iou = inter / (area[:, None] + area - inter)
    scores = torch.rand(5)
    B, keep = torch.argsort(scores, dim=-1, descending=True), []
    while B.numel() > 0:
        i = B[0]
        keep.append(i)
        if B.numel() == 1:
            break
        inds = torch.nonzero(iou[i, B[1:]] <= 0.2).reshape(-1)
        B = B[inds + 1]
    shift_y, shift_x = torch.meshgrid(torch.arange(3), torch.arange(2), indexing="ij")
    anchors = torch.stack((shift_x.reshape(-1), shift_y.reshape(-1)), axis=1).repeat_interleave(2, dim=0)
    return iou, torch.tensor(keep), anchors, torch.nn.functional.smooth_l1_loss(corners, torch.zeros(5, 4))
