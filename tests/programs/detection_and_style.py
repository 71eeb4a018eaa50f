"""Detection anchors by hand; style transfer by Gram matrices, factors of a matrix."""

from . import program


@program
def single_shot_detection(torch):
    nn = torch.nn
    torch.manual_seed(0)
    torch.set_printoptions(2)

    def multibox_prior(data, sizes, ratios):
        in_height, in_width = data.shape[-2:]
        device, num_sizes, num_ratios = data.device, len(sizes), len(ratios)
        boxes_per_pixel = num_sizes + num_ratios - 1
        size_tensor = torch.tensor(sizes, device=device)
        ratio_tensor = torch.tensor(ratios, device=device)
        offset_h, offset_w = 0.5, 0.5
        steps_h, steps_w = 1.0 / in_height, 1.0 / in_width
        center_h = (torch.arange(in_height, device=device) + offset_h) * steps_h
        center_w = (torch.arange(in_width, device=device) + offset_w) * steps_w
        shift_y, shift_x = torch.meshgrid(center_h, center_w, indexing="ij")
        shift_y, shift_x = shift_y.reshape(-1), shift_x.reshape(-1)
        w = (
            torch.cat((size_tensor * torch.sqrt(ratio_tensor[0]), sizes[0] * torch.sqrt(ratio_tensor[1:])))
            * in_height
            / in_width
        )
        h = torch.cat((size_tensor / torch.sqrt(ratio_tensor[0]), sizes[0] / torch.sqrt(ratio_tensor[1:])))
        anchor_manipulations = torch.stack((-w, -h, w, h)).T.repeat(in_height * in_width, 1) / 2
        out_grid = torch.stack([shift_x, shift_y, shift_x, shift_y], dim=1).repeat_interleave(boxes_per_pixel, dim=0)
        return (out_grid + anchor_manipulations).unsqueeze(0)

    X = torch.rand(size=(1, 3, 11, 13))
    Y = multibox_prior(X, sizes=[0.75, 0.5, 0.25], ratios=[1, 2, 0.5])
    print(Y.shape)
    boxes = Y.reshape(11, 13, 5, 4)
    print(boxes[5, 5, 0, :], boxes[2, 2])

    def box_iou(boxes1, boxes2):
        box_area = lambda boxes: (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        areas1, areas2 = box_area(boxes1), box_area(boxes2)
        inter_upperlefts = torch.max(boxes1[:, None, :2], boxes2[:, :2])
        inter_lowerrights = torch.min(boxes1[:, None, 2:], boxes2[:, 2:])
        inters = (inter_lowerrights - inter_upperlefts).clamp(min=0)
        inter_areas = inters[:, :, 0] * inters[:, :, 1]
        return inter_areas / (areas1[:, None] + areas2 - inter_areas)

    def assign_anchor_to_bbox(ground_truth, anchors, device, iou_threshold=0.5):
        num_anchors, num_gt_boxes = anchors.shape[0], ground_truth.shape[0]
        jaccard = box_iou(anchors, ground_truth)
        anchors_bbox_map = torch.full((num_anchors,), -1, dtype=torch.long, device=device)
        max_ious, indices = torch.max(jaccard, dim=1)
        anc_i = torch.nonzero(max_ious >= iou_threshold).reshape(-1)
        box_j = indices[max_ious >= iou_threshold]
        anchors_bbox_map[anc_i] = box_j
        col_discard = torch.full((num_anchors,), -1)
        row_discard = torch.full((num_gt_boxes,), -1)
        for _ in range(num_gt_boxes):
            max_idx = torch.argmax(jaccard)
            box_idx = (max_idx % num_gt_boxes).long()
            anc_idx = (max_idx / num_gt_boxes).long()
            anchors_bbox_map[anc_idx] = box_idx
            jaccard[:, box_idx] = col_discard
            jaccard[anc_idx, :] = row_discard
        return anchors_bbox_map

    def corner_to_center(b):
        x1, y1, x2, y2 = b[:, 0], b[:, 1], b[:, 2], b[:, 3]
        return torch.stack(((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1), axis=-1)

    def center_to_corner(b):
        cx, cy, w, h = b[:, 0], b[:, 1], b[:, 2], b[:, 3]
        return torch.stack((cx - 0.5 * w, cy - 0.5 * h, cx + 0.5 * w, cy + 0.5 * h), axis=-1)

    def offset_boxes(anchors, assigned, eps=1e-6):
        c_anc, c_ass = corner_to_center(anchors), corner_to_center(assigned)
        return torch.cat(
            [10 * (c_ass[:, :2] - c_anc[:, :2]) / c_anc[:, 2:], 5 * torch.log(eps + c_ass[:, 2:] / c_anc[:, 2:])],
            axis=1,
        )

    def multibox_target(anchors, labels):
        batch_size, anchors = labels.shape[0], anchors.squeeze(0)
        bo, bm, bc = [], [], []
        device, num_anchors = anchors.device, anchors.shape[0]
        for i in range(batch_size):
            label = labels[i, :, :]
            amap = assign_anchor_to_bbox(label[:, 1:], anchors, device)
            mask = ((amap >= 0).float().unsqueeze(-1)).repeat(1, 4)
            cls = torch.zeros(num_anchors, dtype=torch.long, device=device)
            assigned = torch.zeros((num_anchors, 4), dtype=torch.float32, device=device)
            idx_true = torch.nonzero(amap >= 0)
            bb_idx = amap[idx_true]
            cls[idx_true] = label[bb_idx, 0].long() + 1
            assigned[idx_true] = label[bb_idx, 1:]
            bo.append((offset_boxes(anchors, assigned) * mask).reshape(-1))
            bm.append(mask.reshape(-1))
            bc.append(cls)
        return torch.stack(bo), torch.stack(bm), torch.stack(bc)

    ground_truth = torch.tensor([[0, 0.1, 0.08, 0.52, 0.92], [1, 0.55, 0.2, 0.9, 0.88]])
    anchors = torch.tensor(
        [
            [0, 0.1, 0.2, 0.3],
            [0.15, 0.2, 0.4, 0.4],
            [0.63, 0.05, 0.88, 0.98],
            [0.66, 0.45, 0.8, 0.8],
            [0.57, 0.3, 0.92, 0.9],
        ]
    )
    labels = multibox_target(anchors.unsqueeze(dim=0), ground_truth.unsqueeze(dim=0))
    print(labels[2], labels[1], labels[0])

    def nms(boxes, scores, iou_threshold):
        B = torch.argsort(scores, dim=-1, descending=True)
        keep = []
        while B.numel() > 0:
            i = B[0]
            keep.append(i)
            if B.numel() == 1:
                break
            iou = box_iou(boxes[i, :].reshape(-1, 4), boxes[B[1:], :].reshape(-1, 4)).reshape(-1)
            inds = torch.nonzero(iou <= iou_threshold).reshape(-1)
            B = B[inds + 1]
        return torch.tensor(keep, device=boxes.device)

    anchors = torch.tensor(
        [[0.1, 0.08, 0.52, 0.92], [0.08, 0.2, 0.56, 0.95], [0.15, 0.3, 0.62, 0.91], [0.55, 0.2, 0.9, 0.88]]
    )
    offset_preds = torch.tensor([0] * anchors.numel())
    cls_probs = torch.tensor([[0] * 4, [0.9, 0.8, 0.7, 0.1], [0.1, 0.2, 0.3, 0.9]])

    def multibox_detection(cls_probs, offset_preds, anchors, nms_threshold=0.5, pos_threshold=0.009999999):
        device, batch_size = cls_probs.device, cls_probs.shape[0]
        anchors = anchors.squeeze(0)
        num_anchors = cls_probs.shape[2]
        out = []
        for i in range(batch_size):
            cls_prob, offset_pred = cls_probs[i], offset_preds[i].reshape(-1, 4)
            conf, class_id = torch.max(cls_prob[1:], 0)
            anc = corner_to_center(anchors)
            predicted_bb = center_to_corner(
                torch.cat(
                    (
                        (offset_pred[:, :2] * anc[:, 2:] / 10) + anc[:, :2],
                        torch.exp(offset_pred[:, 2:] / 5) * anc[:, 2:],
                    ),
                    axis=1,
                )
            )
            keep = nms(predicted_bb, conf, nms_threshold)
            all_idx = torch.arange(num_anchors, dtype=torch.long, device=device)
            combined = torch.cat((keep, all_idx))
            uniques, counts = combined.unique(return_counts=True)
            non_keep = uniques[counts == 1]
            all_id_sorted = torch.cat((keep, non_keep))
            class_id[non_keep] = -1
            class_id = class_id[all_id_sorted]
            conf, predicted_bb = conf[all_id_sorted], predicted_bb[all_id_sorted]
            below = conf < pos_threshold
            class_id[below] = -1
            conf[below] = 1 - conf[below]
            out.append(torch.cat((class_id.unsqueeze(1), conf.unsqueeze(1), predicted_bb), dim=1))
        return torch.stack(out)

    output = multibox_detection(cls_probs.unsqueeze(dim=0), offset_preds.unsqueeze(dim=0), anchors.unsqueeze(dim=0))
    print(output)
    for i in output[0].detach().numpy():
        if i[0] == -1:
            continue
        print(("dog=", "cat=")[int(i[0])] + str(i[1]), [torch.tensor(i[2:]).tolist()])

    def cls_predictor(i, a, c):
        return nn.Conv2d(i, a * (c + 1), kernel_size=3, padding=1)

    def flatten_pred(pred):
        return torch.flatten(pred.permute(0, 2, 3, 1), start_dim=1)

    def concat_preds(preds):
        return torch.cat([flatten_pred(p) for p in preds], dim=1)

    def forward(x, block):
        return block(x)

    Y1 = forward(torch.zeros((2, 8, 20, 20)), cls_predictor(8, 5, 10))
    Y2 = forward(torch.zeros((2, 16, 10, 10)), cls_predictor(16, 3, 10))
    print(Y1.shape, concat_preds([Y1, Y2]).shape)

    class TinySSD(nn.Module):
        def __init__(self, num_classes, **kwargs):
            super(TinySSD, self).__init__(**kwargs)
            self.num_classes = num_classes
            idx_to_in = [4, 8]
            for i in range(2):
                setattr(
                    self,
                    f"blk_{i}",
                    nn.Sequential(
                        nn.Conv2d(3 if i == 0 else 4, idx_to_in[i], 3, padding=1),
                        nn.BatchNorm2d(idx_to_in[i]),
                        nn.ReLU(),
                        nn.MaxPool2d(2),
                    ),
                )
                setattr(self, f"cls_{i}", cls_predictor(idx_to_in[i], 4, num_classes))
                setattr(self, f"bbox_{i}", nn.Conv2d(idx_to_in[i], 16, 3, padding=1))

        def forward(self, X):
            anchors, cls_preds, bbox_preds = [None] * 2, [None] * 2, [None] * 2
            for i in range(2):
                X = getattr(self, f"blk_{i}")(X)
                anchors[i] = multibox_prior(X, [[0.2, 0.272], [0.37, 0.447]][i], [1, 2, 0.5])
                cls_preds[i], bbox_preds[i] = getattr(self, f"cls_{i}")(X), getattr(self, f"bbox_{i}")(X)
            anchors = torch.cat(anchors, dim=1)
            cls_preds = concat_preds(cls_preds)
            return anchors, cls_preds.reshape(cls_preds.shape[0], -1, self.num_classes + 1), concat_preds(bbox_preds)

    net = TinySSD(1)
    trainer = torch.optim.SGD(net.parameters(), lr=0.2, weight_decay=5e-4)
    X = torch.rand(2, 3, 16, 16)
    L = torch.tensor([[[0, 0.1, 0.1, 0.5, 0.5]], [[0, 0.4, 0.4, 0.9, 0.8]]])
    cls_loss = nn.CrossEntropyLoss(reduction="none")
    bbox_loss = nn.L1Loss(reduction="none")
    for epoch in range(4):
        trainer.zero_grad()
        a, c, b = net(X)
        bl, bm, cl = multibox_target(a, L)
        cls = cls_loss(c.reshape(-1, 2), cl.reshape(-1)).reshape(2, -1).mean(dim=1)
        bbox = bbox_loss(b * bm, bl * bm).mean(dim=1)
        l = cls + bbox
        l.mean().backward()
        trainer.step()
        print(epoch, l, float((c.argmax(dim=-1).type(cl.dtype) == cl).sum()), float((torch.abs((bl - b) * bm)).sum()))
    torch.set_printoptions(profile="default")


@program
def style_transfer_and_factors(torch):
    nn = torch.nn
    F = torch.nn.functional
    optim = torch.optim
    torch.manual_seed(0)
    torch.manual_seed(0)

    class ContentLoss(nn.Module):
        def __init__(self, target):
            super().__init__()
            self.target = target.detach()

        def forward(self, input):
            self.loss = F.mse_loss(input, self.target)
            return input

    def gram_matrix(input):
        a, b, c, d = input.size()
        features = input.view(a * b, c * d)
        G = torch.mm(features, features.t())
        return G.div(a * b * c * d)

    class StyleLoss(nn.Module):
        def __init__(self, t):
            super().__init__()
            self.target = gram_matrix(t).detach()

        def forward(self, i):
            self.loss = F.mse_loss(gram_matrix(i), self.target)
            return i

    class Normalization(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            self.mean = torch.tensor(mean).view(-1, 1, 1)
            self.std = torch.tensor(std).view(-1, 1, 1)

        def forward(self, img):
            return (img - self.mean) / self.std

    cnn = (
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        .eval()
        .requires_grad_(False)
    )
    content, style = torch.rand(1, 3, 12, 12), torch.rand(1, 3, 12, 12)
    norm = Normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    cl, sl = [], []
    model = nn.Sequential(norm)
    i = 0
    for layer in cnn.children():
        if isinstance(layer, nn.Conv2d):
            i += 1
            name = "conv_{}".format(i)
        elif isinstance(layer, nn.ReLU):
            name = "relu_{}".format(i)
            layer = nn.ReLU(inplace=False)
        elif isinstance(layer, nn.MaxPool2d):
            name = "pool_{}".format(i)
        else:
            raise RuntimeError("Unrecognized layer: {}".format(layer.__class__.__name__))
        model.add_module(name, layer)
        if name == "conv_2":
            c = ContentLoss(model(content).detach())
            model.add_module("content_loss_{}".format(i), c)
            cl.append(c)
        if name in ("conv_1", "conv_2"):
            s = StyleLoss(model(style).detach())
            model.add_module(f"style_loss_{i}", s)
            sl.append(s)
    for i in range(len(model) - 1, -1, -1):
        if isinstance(model[i], ContentLoss) or isinstance(model[i], StyleLoss):
            break
    model = model[: (i + 1)]
    print(model)
    img = content.clone()
    img.requires_grad_(True)
    model.eval()
    model.requires_grad_(False)
    opt = optim.LBFGS([img])
    run = [0]
    while run[0] <= 20:

        def closure():
            with torch.no_grad():
                img.clamp_(0, 1)
            opt.zero_grad()
            model(img)
            ss = 1e5 * sum(s.loss for s in sl)
            cc = sum(c.loss for c in cl)
            loss = ss + cc
            loss.backward()
            run[0] += 1
            if run[0] % 10 == 0 or run[0] < 4:
                print("run {}: Style Loss : {:4f} Content Loss: {:4f}".format(run, ss.item(), cc.item()))
            return ss + cc

        opt.step(closure)

    def tv(x):
        return 0.5 * (
            torch.abs(x[:, :, 1:, :] - x[:, :, :-1, :]).mean() + torch.abs(x[:, :, :, 1:] - x[:, :, :, :-1]).mean()
        )

    print(img.shape, tv(style))

    class SynthesizedImage(nn.Module):
        def __init__(self, img_shape, **kwargs):
            super(SynthesizedImage, self).__init__(**kwargs)
            self.weight = nn.Parameter(torch.rand(*img_shape))

        def forward(self):
            return self.weight

    g = SynthesizedImage((1, 3, 8, 8))
    g.weight.data.copy_(content.data[:, :, :8, :8])
    tr = torch.optim.Adam(g.parameters(), lr=0.3)
    sch = torch.optim.lr_scheduler.StepLR(tr, 2, 0.8)
    for e in range(4):
        tr.zero_grad()
        X = g()
        l = tv(X) * 10 + gram_matrix(X).sum()
        l.backward()
        tr.step()
        sch.step()
        print(e, float(l), sch.get_last_lr())

    class MF(nn.Module):
        def __init__(self, num_factors, nu, ni):
            super().__init__()
            self.P = nn.Embedding(nu, num_factors)
            self.Q = nn.Embedding(ni, num_factors)
            self.user_bias = nn.Embedding(nu, 1)
            self.item_bias = nn.Embedding(ni, 1)

        def forward(self, u, i):
            return (
                (self.P(u) * self.Q(i)).sum(dim=-1) + self.user_bias(u).squeeze() + self.item_bias(i).squeeze()
            ).flatten()

    R = torch.randint(1, 6, (6, 5)).float()
    u, i = torch.where(R > 2)
    r = R[u, i]
    print(u, r)
    m = MF(3, 6, 5)
    o = optim.SGD(m.parameters(), lr=0.05, weight_decay=1e-3)
    for e in range(4):
        loss = F.mse_loss(m(u, i), r)
        o.zero_grad()
        loss.backward()
        o.step()
        print(f"{loss:.5f} rmse {loss.sqrt().item():.4f}")
    P, Q = torch.rand(6, 2, requires_grad=True), torch.rand(5, 2, requires_grad=True)
    e = ((R - P @ Q.T)[R > 2] ** 2).sum() + 0.1 * (P.norm() ** 2 + Q.norm(p="fro") ** 2)
    e.backward()
    print(e, P.grad, P @ Q.t())
    emb = nn.Embedding(6, 3, sparse=False, padding_idx=0, max_norm=1.0)
    print(emb, emb(torch.tensor([[0, 1], [2, 0]])).norm(dim=-1))
    print(nn.EmbeddingBag(6, 3, mode="sum")(torch.tensor([1, 2, 4, 5]), torch.tensor([0, 2])).shape)
