"""Convolutional blocks with a spatial transformer; vocoders and causal convolutions."""

import itertools
import math
from collections import OrderedDict

import numpy as np

from . import program


@program
def convolutional_blocks(torch):
    nn = torch.nn
    Tensor = torch.Tensor
    F = torch.nn.functional
    _pair = torch.nn.modules.utils._pair
    _single = torch.nn.modules.utils._single
    trunc_normal_ = torch.nn.init.trunc_normal_
    fuse_conv_bn_eval = torch.nn.utils.fusion.fuse_conv_bn_eval
    torch.manual_seed(0)

    def _make_divisible(v, d, mn=None):
        mn = mn or d
        nv = max(mn, int(v + d / 2) // d * d)
        return nv + d if nv < 0.9 * v else nv

    class ConvBNReLU(nn.Sequential):
        def __init__(self, i, o, k=3, s=1, groups=1, act=nn.ReLU6):
            super(ConvBNReLU, self).__init__(
                nn.Conv2d(i, o, k, s, (k - 1) // 2, groups=groups, bias=False), nn.BatchNorm2d(o), act(inplace=True)
            )

    class SE(nn.Module):
        def __init__(self, c, r=4):
            super().__init__()
            self.avg_pool = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Sequential(nn.Conv2d(c, c // r, 1), nn.Hardswish(), nn.Conv2d(c // r, c, 1), nn.Hardsigmoid())

        def forward(self, x):
            return x * self.fc(self.avg_pool(x)).expand_as(x)

    class IR(nn.Module):
        def __init__(self, i, o, stride, t):
            super().__init__()
            assert stride in [1, 2]
            h = int(round(i * t))
            self.use_res = stride == 1 and i == o
            L = [] if t == 1 else [ConvBNReLU(i, h, k=1)]
            L.extend(
                [
                    ConvBNReLU(h, h, s=stride, groups=h, act=nn.SiLU),
                    SE(h),
                    nn.Conv2d(h, o, 1, bias=False),
                    nn.BatchNorm2d(o),
                ]
            )
            self.conv = nn.Sequential(*L)

        def forward(self, x):
            return drop_path(self.conv(x), 0.2, self.training) + x if self.use_res else self.conv(x)

    def drop_path(x, p=0.0, training=False):
        if p == 0.0 or not training:
            return x
        k = 1 - p
        sh = (x.shape[0],) + (1,) * (x.ndim - 1)
        rt = k + torch.rand(sh, dtype=x.dtype, device=x.device)
        rt.floor_()
        return x.div(k) * rt

    def channel_shuffle(x: Tensor, groups: int) -> Tensor:
        b, c, h, w = x.size()
        return torch.transpose(x.view(b, groups, c // groups, h, w), 1, 2).contiguous().view(b, -1, h, w)

    class Shuffle(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.b = nn.Sequential(
                nn.Conv2d(c // 2, c // 2, 1),
                nn.BatchNorm2d(c // 2),
                nn.ReLU(True),
                nn.Conv2d(c // 2, c // 2, 3, padding=1, groups=c // 2),
                nn.BatchNorm2d(c // 2),
            )

        def forward(self, x):
            x1, x2 = x.chunk(2, dim=1)
            return channel_shuffle(torch.cat((x1, self.b(x2)), dim=1), 2)

    class DenseLayer(nn.Module):
        def __init__(self, i, g, drop=0, eff=False):
            super().__init__()
            self.add_module("norm1", nn.BatchNorm2d(i))
            self.add_module("relu1", nn.ReLU(inplace=True))
            self.add_module("conv1", nn.Conv2d(i, g, 3, padding=1, bias=False))
            self.eff, self.drop = (eff, drop)

        def forward(self, *prev):
            f = lambda *xs: self.conv1(self.relu1(self.norm1(torch.cat(xs, 1))))
            import torch.utils.checkpoint as cp

            y = (
                cp.checkpoint(f, *prev, use_reentrant=False)
                if self.eff and any(p.requires_grad for p in prev)
                else f(*prev)
            )
            return F.dropout(y, p=self.drop, training=self.training) if self.drop > 0 else y

    class DenseBlock(nn.ModuleDict):
        def __init__(self, n, i, g):
            super().__init__()
            for k in range(n):
                self.add_module("denselayer%d" % (k + 1), DenseLayer(i + k * g, g, eff=k == 1))

        def forward(self, x):
            fs = [x]
            for name, l in self.items():
                fs.append(l(*fs))
            return torch.cat(fs, 1)

    class LayerNorm(nn.Module):
        def __init__(self, n, eps=1e-06, data_format="channels_last"):
            super().__init__()
            self.weight, self.bias = (nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n)))
            self.eps, self.df, self.ns = (eps, data_format, (n,))

        def forward(self, x):
            if self.df == "channels_last":
                return F.layer_norm(x, self.ns, self.weight, self.bias, self.eps)
            u = x.mean(1, keepdim=True)
            s = (x - u).pow(2).mean(1, keepdim=True)
            x = (x - u) / torch.sqrt(s + self.eps)
            return self.weight[:, None, None] * x + self.bias[:, None, None]

    class CNX(nn.Module):
        def __init__(self, d, ls=1e-06):
            super().__init__()
            self.dw = nn.Conv2d(d, d, 7, padding=3, groups=d)
            self.norm = LayerNorm(d)
            self.p1, self.act, self.p2 = (nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
            self.gamma = nn.Parameter(ls * torch.ones(d), requires_grad=True) if ls > 0 else None

        def forward(self, x):
            i = x
            x = self.dw(x).permute(0, 2, 3, 1)
            x = self.p2(self.act(self.p1(self.norm(x))))
            if self.gamma is not None:
                x = self.gamma * x
            return i + x.permute(0, 3, 1, 2)

    class Net(nn.Module):
        def __init__(self, nc=5):
            super().__init__()
            self.features = nn.Sequential(
                OrderedDict(
                    [
                        ("conv0", nn.Conv2d(3, 8, 3, 2, 1, bias=False)),
                        ("norm0", nn.BatchNorm2d(8)),
                        ("pool0", nn.MaxPool2d(3, 2, 1)),
                    ]
                )
            )
            [
                self.features.add_module(n, m)
                for n, m in [
                    ("ir", IR(8, 8, 1, 2)),
                    ("sh", Shuffle(8)),
                    ("db", DenseBlock(2, 8, 4)),
                    ("cn", CNX(16)),
                    ("ln", LayerNorm(16, data_format="channels_first")),
                    ("gn", nn.GroupNorm(4, 16)),
                ]
            ]
            self.classifier = nn.Sequential(nn.Dropout(0.0), nn.Linear(16, nc))
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels // m.groups
                    m.weight.data.normal_(0, math.sqrt(2.0 / n))
                    if m.bias is not None:
                        m.bias.data.zero_()
                elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                    m.weight.data.fill_(1)
                    m.bias.data.zero_()
                elif isinstance(m, nn.Linear):
                    trunc_normal_(m.weight, std=0.02, a=-2.0, b=2.0)
                    nn.init.constant_(m.bias, 0)

        def forward(self, x):
            x = self.features(x)
            x = F.adaptive_avg_pool2d(x, (1, 1)).flatten(1)
            return self.classifier(x)

    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = True
    n = Net()
    print(n.features.ir, n.features.db)
    print(sum(p.numel() for p in n.parameters()) / 1000000.0)

    class LSCE(nn.Module):
        def __init__(s, c, sm=0.1):
            super().__init__()
            s.c, s.sm = (c, sm)

        def forward(s, p, t):
            lp = p.log_softmax(dim=-1)
            with torch.no_grad():
                td = torch.zeros_like(lp)
                td.fill_(s.sm / (s.c - 1))
                td.scatter_(1, t.data.unsqueeze(1), 1 - s.sm)
            return torch.mean(torch.sum(-td * lp, dim=-1))

    def accuracy(output, target, topk=(1,)):
        with torch.no_grad():
            maxk = max(topk)
            bs = target.size(0)
            _, pred = output.topk(maxk, 1, True, True)
            pred = pred.t()
            correct = pred.eq(target.view(1, -1).expand_as(pred))
            return [correct[:k].reshape(-1).float().sum(0, keepdim=True).mul_(100.0 / bs) for k in topk]

    decay, no = ([], [])
    for nm, p in n.named_parameters():
        if not p.requires_grad:
            continue
        (no if len(p.shape) == 1 or nm.endswith(".bias") else decay).append(p)
    o = torch.optim.SGD(
        [{"params": no, "weight_decay": 0.0}, {"params": decay, "weight_decay": 0.0001}],
        lr=0.05,
        momentum=0.9,
        nesterov=True,
    )
    sc = torch.optim.lr_scheduler.SequentialLR(
        o,
        [
            torch.optim.lr_scheduler.LinearLR(o, start_factor=0.01, total_iters=2),
            torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=5),
        ],
        milestones=[2],
    )
    X, Y = (torch.randn(6, 3, 16, 16), torch.randint(5, (6,)))
    cr = LSCE(5)
    ema = torch.optim.swa_utils.AveragedModel(n, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    for i in range(4):
        lam = 0.7
        ix = torch.randperm(6)
        bbx1, bby1, bbx2, bby2 = (2, 3, 9, 9)
        Xm = X.clone()
        if i % 2:
            Xm[:, :, bbx1:bbx2, bby1:bby2] = X[ix, :, bbx1:bbx2, bby1:bby2]
        else:
            Xm = lam * X + (1 - lam) * X[ix, :]
        out = n(Xm)
        l = lam * cr(out, Y) + (1 - lam) * F.cross_entropy(out, Y[ix], label_smoothing=0.1)
        o.zero_grad()
        l.backward()
        o.step()
        sc.step()
        ema.update_parameters(n)
        a1, a5 = accuracy(out, Y, topk=(1, 3))
        print("%.4f" % l.item(), a1[0], a5, sc.get_last_lr())
    torch.optim.swa_utils.update_bn([(X, Y)], ema)
    ema.eval()
    print(ema(X)[0], _pair(3), _single((1,)))

    def fuse(conv, bn):
        w = conv.weight.clone().view(conv.out_channels, -1)
        wb = torch.diag(bn.weight.div(torch.sqrt(bn.eps + bn.running_var)))
        f = nn.Conv2d(
            conv.in_channels,
            conv.out_channels,
            kernel_size=conv.kernel_size,
            stride=conv.stride,
            padding=conv.padding,
            bias=True,
        ).requires_grad_(False)
        f.weight.copy_(torch.mm(wb, w).view(f.weight.size()))
        b = torch.zeros(conv.weight.size(0)) if conv.bias is None else conv.bias
        f.bias.copy_(
            torch.mm(wb, b.reshape(-1, 1)).reshape(-1)
            + bn.bias
            - bn.weight.mul(bn.running_mean).div(torch.sqrt(bn.running_var + bn.eps))
        )
        return f

    n.eval()
    f = fuse(n.features.conv0, n.features.norm0)
    print((f(X) - n.features.norm0(n.features.conv0(X))).abs().max() < 1e-05)
    print((fuse_conv_bn_eval(n.features.conv0, n.features.norm0)(X) - f(X)).abs().max() < 1e-05)

    class DeformLike(nn.Module):
        def __init__(s):
            super().__init__()
            s.loc = nn.Sequential(nn.Conv2d(3, 4, 5), nn.MaxPool2d(2, stride=2), nn.ReLU(True))
            s.fc = nn.Linear(4 * 36, 6)
            s.fc.weight.data.zero_()
            s.fc.bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))

        def forward(s, x):
            th = s.fc(s.loc(x).view(-1, 144)).view(-1, 2, 3)
            g = F.affine_grid(th, x.size(), align_corners=False)
            return F.grid_sample(x, g, align_corners=False, padding_mode="border")

    st = DeformLike()
    y = st(X)
    y.pow(2).mean().backward()
    print(y.sum(), st.fc.bias.grad)


@program
def vocoder_and_causal_convolutions(torch):
    nn = torch.nn
    F = torch.nn.functional
    Conv1d = torch.nn.Conv1d
    ConvTranspose1d = torch.nn.ConvTranspose1d
    Conv2d = torch.nn.Conv2d
    weight_norm = torch.nn.utils.weight_norm
    remove_weight_norm = torch.nn.utils.remove_weight_norm
    spectral_norm = torch.nn.utils.spectral_norm
    torch.manual_seed(0)
    LRELU_SLOPE = 0.1

    def init_weights(m, mean=0.0, std=0.01):
        classname = m.__class__.__name__
        if classname.find("Conv") != -1:
            m.weight.data.normal_(mean, std)

    def get_padding(k, d=1):
        return int((k * d - d) / 2)

    class ResBlock1(torch.nn.Module):
        def __init__(self, h, channels, kernel_size=3, dilation=(1, 3, 5)):
            super().__init__()
            self.convs1 = nn.ModuleList(
                [
                    weight_norm(
                        Conv1d(channels, channels, kernel_size, 1, dilation=d, padding=get_padding(kernel_size, d))
                    )
                    for d in dilation
                ]
            )
            self.convs1.apply(init_weights)
            self.convs2 = nn.ModuleList(
                [
                    weight_norm(
                        Conv1d(channels, channels, kernel_size, 1, dilation=1, padding=get_padding(kernel_size, 1))
                    )
                    for d in dilation
                ]
            )
            self.convs2.apply(init_weights)

        def forward(self, x):
            for c1, c2 in zip(self.convs1, self.convs2):
                xt = F.leaky_relu(x, LRELU_SLOPE)
                xt = c1(xt)
                xt = F.leaky_relu(xt, LRELU_SLOPE)
                xt = c2(xt)
                x = xt + x
            return x

        def remove_weight_norm(self):
            for l in self.convs1:
                remove_weight_norm(l)
            for l in self.convs2:
                remove_weight_norm(l)

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv_pre = weight_norm(Conv1d(6, 8, 7, 1, padding=3))
            self.ups = nn.ModuleList()
            self.resblocks = nn.ModuleList()
            for i, (u, k) in enumerate(zip([2, 2], [4, 4])):
                self.ups.append(weight_norm(ConvTranspose1d(8 // 2**i, 8 // 2 ** (i + 1), k, u, padding=(k - u) // 2)))
            for i in range(len(self.ups)):
                self.resblocks.append(ResBlock1(None, 8 // 2 ** (i + 1)))
            self.conv_post = weight_norm(Conv1d(2, 1, 7, 1, padding=3))
            self.ups.apply(init_weights)
            self.conv_post.apply(init_weights)

        def forward(self, x):
            x = self.conv_pre(x)
            for u, r in zip(self.ups, self.resblocks):
                x = r(u(F.leaky_relu(x, LRELU_SLOPE)))
            return torch.tanh(self.conv_post(F.leaky_relu(x)))

    class DiscP(nn.Module):
        def __init__(self, period, use_spectral_norm=False):
            super().__init__()
            self.period = period
            norm_f = spectral_norm if use_spectral_norm else weight_norm
            self.convs = nn.ModuleList(
                [
                    norm_f(Conv2d(1, 4, (5, 1), (3, 1), padding=(get_padding(5, 1), 0))),
                    norm_f(Conv2d(4, 4, (5, 1), 1, padding=(2, 0))),
                ]
            )
            self.conv_post = norm_f(Conv2d(4, 1, (3, 1), 1, padding=(1, 0)))

        def forward(self, x):
            fmap = []
            b, c, t = x.shape
            if t % self.period != 0:
                n_pad = self.period - t % self.period
                x = F.pad(x, (0, n_pad), "reflect")
                t = t + n_pad
            x = x.view(b, c, t // self.period, self.period)
            for l in self.convs:
                x = l(x)
                x = F.leaky_relu(x, LRELU_SLOPE)
                fmap.append(x)
            x = self.conv_post(x)
            fmap.append(x)
            return (torch.flatten(x, 1, -1), fmap)

    def mel(y, n_fft=32, hop=8, win=32):
        w = torch.hann_window(win)
        y = F.pad(y.unsqueeze(1), (int((n_fft - hop) / 2), int((n_fft - hop) / 2)), mode="reflect").squeeze(1)
        s = torch.stft(
            y,
            n_fft,
            hop_length=hop,
            win_length=win,
            window=w,
            center=False,
            pad_mode="reflect",
            normalized=False,
            onesided=True,
            return_complex=True,
        )
        s = torch.view_as_real(s)
        s = torch.sqrt(s.pow(2).sum(-1) + 1e-09)
        fb = torch.from_numpy(np.abs(np.random.RandomState(0).randn(6, n_fft // 2 + 1))).float()
        return torch.log(torch.clamp(torch.matmul(fb, s), min=1e-05) * 1)

    G, Ds = (Generator(), [DiscP(2), DiscP(3, True)])
    print(G.ups[0], list(G.state_dict())[:4])
    og = torch.optim.AdamW(G.parameters(), 0.0002, betas=[0.8, 0.99])
    od = torch.optim.AdamW(itertools.chain(Ds[0].parameters(), Ds[1].parameters()), 0.0002, betas=[0.8, 0.99])
    sg = torch.optim.lr_scheduler.ExponentialLR(og, gamma=0.999, last_epoch=-1)
    y = torch.sin(torch.arange(64) * 0.3).repeat(2, 1).unsqueeze(1) * torch.tensor([1.0, 0.5]).view(2, 1, 1)
    x = mel(y.squeeze(1))
    x = F.interpolate(x, size=16)
    print(x.shape)
    for i in range(3):
        yg = G(x)
        od.zero_grad()
        ld = 0
        for d in Ds:
            r, _ = d(y)
            g, _ = d(yg.detach())
            ld += torch.mean((1 - r) ** 2) + torch.mean(g**2)
        ld.backward()
        od.step()
        og.zero_grad()
        lm = F.l1_loss(mel(y.squeeze(1)), mel(yg.squeeze(1))) * 45
        lg = 0
        for d in Ds:
            r, fr = d(y)
            g, fg = d(yg)
            lg = lg + torch.mean((1 - g) ** 2) + sum((torch.mean(torch.abs(a - b)) for a, b in zip(fr, fg))) * 2
        (lg + lm).backward()
        og.step()
        sg.step()
        print("{:.4f} {:.4f} {:.4f}".format(ld.item(), lg.item(), lm.item()))
    G.eval()
    a = G(x)
    for r in G.resblocks:
        r.remove_weight_norm()
    remove_weight_norm(G.conv_pre)
    print((a - G(x)).abs().max() < 1e-06, list(G.state_dict())[:3])

    class CausalConv1d(nn.Conv1d):
        def __init__(self, i, o, kernel_size, stride=1, dilation=1, groups=1, bias=True):
            self.__padding = (kernel_size - 1) * dilation
            super().__init__(
                i,
                o,
                kernel_size=kernel_size,
                stride=stride,
                padding=self.__padding,
                dilation=dilation,
                groups=groups,
                bias=bias,
            )

        def forward(self, input):
            r = super().forward(input)
            return r[:, :, : -self.__padding] if self.__padding != 0 else r

    class Chomp1d(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.c = c

        def forward(self, x):
            return x[:, :, : -self.c].contiguous()

    class TB(nn.Module):
        def __init__(self, i, o, k, s, d, p, drop=0.0):
            super().__init__()
            self.conv1 = weight_norm(nn.Conv1d(i, o, k, stride=s, padding=p, dilation=d))
            self.net = nn.Sequential(self.conv1, Chomp1d(p), nn.ReLU(), nn.Dropout(drop))
            self.downsample = nn.Conv1d(i, o, 1) if i != o else None
            self.conv1.weight.data.normal_(0, 0.01)

        def forward(self, x):
            return F.relu(self.net(x) + (x if self.downsample is None else self.downsample(x)))

    t = nn.Sequential(*[TB(1 if i == 0 else 5, 5, 3, 1, 2**i, (3 - 1) * 2**i) for i in range(3)])
    head = nn.Linear(5, 1)
    head.weight.data.normal_(0, 0.01)
    op = torch.optim.Adam([*t.parameters(), *head.parameters()], lr=0.01)
    X = torch.rand(4, 1, 20)
    Y = X.sum(2)
    for i in range(4):
        op.zero_grad()
        o = head(t(X)[:, :, -1])
        l = F.mse_loss(o, Y)
        l.backward()
        torch.nn.utils.clip_grad_norm_(t.parameters(), 0.4)
        op.step()
        print(l.item())
    q = 256
    xx = torch.linspace(-1, 1, 7)
    mu = torch.tensor(q - 1, dtype=torch.float)
    e = ((torch.sign(xx) * torch.log1p(mu * torch.abs(xx)) / torch.log1p(mu) + 1) / 2 * mu + 0.5).to(torch.int64)
    print(e, torch.nn.functional.one_hot(e, q).float().argmax(-1).dtype)
    cc = CausalConv1d(1, 2, 2, dilation=4)
    g = cc(torch.rand(1, 1, 9))
    print(torch.tanh(g) * torch.sigmoid(g), cc)
