"""Text, time series, attention."""

import math

from . import program

WORDS = ["emma", "olivia", "ava", "isabella", "sophia", "mia", "amelia", "noah", "liam", "zoe"]
TEXT = "we are about to study the idea of a computational process computational processes are abstract beings".split()


def _vocabulary():
    chars = sorted(set("".join(WORDS)))
    stoi = {s: i + 1 for i, s in enumerate(chars)}
    stoi["."] = 0
    return stoi, {i: s for s, i in stoi.items()}


@program
def bigram_counts(torch):
    stoi, itos = _vocabulary()
    n = len(stoi)
    N = torch.zeros((n, n), dtype=torch.int32)
    for w in WORDS:
        chs = ["."] + list(w) + ["."]
        for a, b in zip(chs, chs[1:]):
            N[stoi[a], stoi[b]] += 1
    P = (N + 1).float()
    P /= P.sum(1, keepdims=True)
    g = torch.Generator().manual_seed(2147483647)
    for _ in range(5):
        out, ix = [], 0
        while True:
            ix = torch.multinomial(P[ix], num_samples=1, replacement=True, generator=g).item()
            out.append(itos[ix])
            if ix == 0:
                break
        print("".join(out))
    log_likelihood = sum(torch.log(P[stoi[a], stoi[b]]) for w in WORDS for a, b in zip("." + w, w + "."))
    return N, P, -log_likelihood


@program
def bigram_network(torch):
    F = torch.nn.functional
    stoi, _ = _vocabulary()
    xs = torch.tensor([stoi[c] for w in WORDS for c in "." + w])
    ys = torch.tensor([stoi[c] for w in WORDS for c in w + "."])
    g = torch.Generator().manual_seed(2147483647)
    W = torch.randn((len(stoi), len(stoi)), generator=g, requires_grad=True)
    for _ in range(10):
        xenc = F.one_hot(xs, num_classes=len(stoi)).float()
        counts = (xenc @ W).exp()
        probs = counts / counts.sum(1, keepdims=True)
        loss = -probs[torch.arange(xs.nelement()), ys].log().mean() + 0.01 * (W**2).mean()
        W.grad = None
        loss.backward()
        W.data += -50 * W.grad
    return loss, W


@program
def makemore_mlp(torch):
    F = torch.nn.functional
    stoi, itos = _vocabulary()
    X, Y = [], []
    for w in WORDS:
        context = [0] * 3
        for ch in w + ".":
            ix = stoi[ch]
            X.append(context)
            Y.append(ix)
            context = context[1:] + [ix]
    X, Y = torch.tensor(X), torch.tensor(Y)
    g = torch.Generator().manual_seed(2147483647)
    n = len(stoi)
    C = torch.randn((n, 10), generator=g)
    W1 = torch.randn((30, 50), generator=g) * (5 / 3) / (30**0.5)
    W2 = torch.randn((50, n), generator=g) * 0.01
    b2 = torch.randn(n, generator=g) * 0
    bngain, bnbias = torch.ones((1, 50)), torch.zeros((1, 50))
    running = torch.zeros((1, 50))
    parameters = [C, W1, W2, b2, bngain, bnbias]
    print(sum(p.nelement() for p in parameters))
    for p in parameters:
        p.requires_grad = True
    lossi, ud = [], []
    for i in range(20):
        ix = torch.randint(0, X.shape[0], (16,), generator=g)
        emb = C[X[ix]]
        hpre = emb.view(emb.shape[0], -1) @ W1
        mean, std = hpre.mean(0, keepdim=True), hpre.std(0, keepdim=True)
        h = torch.tanh(bngain * (hpre - mean) / std + bnbias)
        with torch.no_grad():
            running = 0.9 * running + 0.1 * mean
        logits = h @ W2 + b2
        logits.retain_grad()
        loss = F.cross_entropy(logits, Y[ix])
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data += -0.1 * p.grad
        lossi.append(loss.log10().item())
        with torch.no_grad():
            ud.append(
                [
                    ((0.1 * p.grad).std() / p.data.std()).log10().item()
                    for p in parameters
                    if p.ndim == 2 and p.shape[0] > 1
                ]
            )
    return lossi, ud, torch.tensor(lossi).view(-1, 5).mean(1), running, logits.grad


@program
def cross_entropy_backward_by_hand(torch):
    F = torch.nn.functional
    g = torch.Generator().manual_seed(42)
    logits = torch.randn(8, 5, generator=g, requires_grad=True)
    Yb = torch.randint(0, 5, (8,), generator=g)
    logit_maxes = logits.max(1, keepdim=True).values
    norm = logits - logit_maxes
    counts = norm.exp()
    counts_sum_inv = counts.sum(1, keepdims=True) ** -1
    probs = counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[range(8), Yb].mean()
    for t in (logprobs, probs, counts, norm, logit_maxes, counts_sum_inv):
        t.retain_grad()
    loss.backward()
    dlogits = F.softmax(logits, 1)
    dlogits[range(8), Yb] -= 1
    dlogits /= 8
    print(
        torch.all(dlogits == logits.grad).item() in (True, False),
        torch.allclose(dlogits, logits.grad),
        (dlogits - logits.grad).abs().max().item() < 1e-6,
    )
    return loss, logprobs.grad, probs.grad, counts_sum_inv.grad, logit_maxes.grad


@program
def wavenet_modules(torch):
    nn = torch.nn

    class FlattenConsecutive(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.n = n

        def forward(self, x):
            B, T, C = x.shape
            x = x.reshape(B, T // self.n, C * self.n)
            return x.squeeze(1) if x.shape[1] == 1 else x

    class Transposed(nn.Module):
        def __init__(self, norm):
            super().__init__()
            self.norm = norm

        def forward(self, x):
            return self.norm(x.transpose(1, 2)).transpose(1, 2) if x.dim() == 3 else self.norm(x)

    torch.manual_seed(42)
    model = nn.Sequential(
        nn.Embedding(27, 6),
        FlattenConsecutive(2), nn.Linear(12, 16, bias=False), Transposed(nn.BatchNorm1d(16)), nn.Tanh(),
        FlattenConsecutive(2), nn.Linear(32, 16, bias=False), Transposed(nn.BatchNorm1d(16)), nn.Tanh(),
        FlattenConsecutive(2), nn.Linear(32, 27),
    )  # fmt: skip
    with torch.no_grad():
        model[-1].weight *= 0.1
    x, y = torch.randint(0, 27, (12, 8)), torch.randint(0, 27, (12,))
    for _ in range(5):
        loss = nn.functional.cross_entropy(model(x), y)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-0.1)
    print(model)
    return loss, [p.grad for p in model.parameters()]


@program
def minimal_gpt(torch):
    nn, F = torch.nn, torch.nn.functional

    class CausalSelfAttention(nn.Module):
        def __init__(self, n_embd, n_head, block):
            super().__init__()
            self.c_attn = nn.Linear(n_embd, 3 * n_embd)
            self.c_proj = nn.Linear(n_embd, n_embd)
            self.n_head, self.n_embd = n_head, n_embd
            self.register_buffer("bias", torch.tril(torch.ones(block, block)).view(1, 1, block, block))

        def forward(self, x, flash):
            B, T, C = x.size()
            q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
            q, k, v = (t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for t in (q, k, v))
            if flash:
                y = F.scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=True)
            else:
                att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
                att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float("-inf"))
                y = F.softmax(att, dim=-1) @ v
            return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))

    class NewGELU(nn.Module):
        def forward(self, x):
            return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))

    class Block(nn.Module):
        def __init__(self, n_embd, n_head, block):
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
            self.attn = CausalSelfAttention(n_embd, n_head, block)
            self.mlp = nn.ModuleDict(
                dict(c_fc=nn.Linear(n_embd, 4 * n_embd), c_proj=nn.Linear(4 * n_embd, n_embd), act=NewGELU())
            )

        def forward(self, x, flash):
            x = x + self.attn(self.ln_1(x), flash)
            m = self.mlp
            return x + m.c_proj(m.act(m.c_fc(self.ln_2(x))))

    class GPT(nn.Module):
        def __init__(self, vocab=20, block=8, n_embd=16, n_head=4, n_layer=2):
            super().__init__()
            self.block = block
            self.transformer = nn.ModuleDict(dict(
                wte=nn.Embedding(vocab, n_embd), wpe=nn.Embedding(block, n_embd),
                h=nn.ModuleList([Block(n_embd, n_head, block) for _ in range(n_layer)]), ln_f=nn.LayerNorm(n_embd),
            ))  # fmt: skip
            self.lm_head = nn.Linear(n_embd, vocab, bias=False)
            self.transformer.wte.weight = self.lm_head.weight
            self.apply(self._init_weights)
            for pn, p in self.named_parameters():
                if pn.endswith("c_proj.weight"):
                    torch.nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * n_layer))
            print("number of parameters: %.2fK" % (sum(p.numel() for p in self.parameters()) / 1e3,))

        def _init_weights(self, module):
            if isinstance(module, nn.Linear):
                torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
                if module.bias is not None:
                    torch.nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)

        def forward(self, idx, targets=None, flash=False):
            b, t = idx.size()
            assert t <= self.block
            pos = torch.arange(0, t, dtype=torch.long, device=idx.device).unsqueeze(0)
            x = self.transformer.wte(idx) + self.transformer.wpe(pos)
            for block in self.transformer.h:
                x = block(x, flash)
            logits = self.lm_head(self.transformer.ln_f(x))
            loss = None
            if targets is not None:
                loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)
            return logits, loss

        @torch.no_grad()
        def generate(self, idx, n, temperature=1.0, top_k=None):
            for _ in range(n):
                logits, _ = self(idx[:, -self.block :])
                logits = logits[:, -1, :] / temperature
                if top_k is not None:
                    v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
                    logits[logits < v[:, [-1]]] = -float("Inf")
                probs = F.softmax(logits, dim=-1)
                idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
            return idx

    torch.manual_seed(1337)
    model = GPT()
    decay = {pn: p for pn, p in model.named_parameters() if p.dim() >= 2}
    nodecay = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": list(decay.values()), "weight_decay": 0.1}, {"params": nodecay, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), fused=False)
    data = torch.randint(0, 20, (100,))
    for it in range(6):
        ix = torch.randint(len(data) - 8, (4,))
        x = torch.stack([data[i : i + 8] for i in ix])
        y = torch.stack([data[i + 1 : i + 9] for i in ix])
        lr = 1e-3 * 0.5 * (1 + math.cos(math.pi * it / 6))
        for group in optimizer.param_groups:
            group["lr"] = lr
        logits, loss = model(x, y, flash=it % 2 == 1)
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    out = model.generate(torch.zeros((1, 1), dtype=torch.long), 10, top_k=5)
    return loss, logits, out, list(decay), list(model.state_dict())


@program
def char_rnn_classifier(torch):
    nn = torch.nn

    class RNN(nn.Module):
        def __init__(self, input_size, hidden_size, output_size):
            super(RNN, self).__init__()
            self.hidden_size = hidden_size
            self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
            self.h2o = nn.Linear(hidden_size, output_size)
            self.softmax = nn.LogSoftmax(dim=1)

        def forward(self, input, hidden):
            hidden = torch.tanh(self.i2h(torch.cat((input, hidden), 1)))
            return self.softmax(self.h2o(hidden)), hidden

        def initHidden(self):
            return torch.zeros(1, self.hidden_size)

    torch.manual_seed(12)
    rnn, criterion = RNN(26, 16, 3), nn.NLLLoss()
    for step in range(12):
        word, category = WORDS[step % len(WORDS)], torch.tensor([step % 3], dtype=torch.long)
        line = torch.zeros(len(word), 1, 26)
        for li, letter in enumerate(word):
            line[li][0][ord(letter) - 97] = 1
        hidden = rnn.initHidden()
        rnn.zero_grad()
        for i in range(line.size()[0]):
            output, hidden = rnn(line[i], hidden)
        loss = criterion(output, category)
        loss.backward()
        for p in rnn.parameters():
            p.data.add_(p.grad.data, alpha=-0.05)
        top_n, top_i = output.topk(1)
        print(step, word, top_i[0].item(), "%.4f" % loss.item())
    return output, hidden, [p.grad for p in rnn.parameters()]


@program
def lstm_tagger(torch):
    nn, F = torch.nn, torch.nn.functional

    class LSTMTagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.word_embeddings = nn.Embedding(20, 6)
            self.lstm = nn.LSTM(6, 8)
            self.hidden2tag = nn.Linear(8, 3)

        def forward(self, sentence):
            embeds = self.word_embeddings(sentence)
            lstm_out, _ = self.lstm(embeds.view(len(sentence), 1, -1))
            return F.log_softmax(self.hidden2tag(lstm_out.view(len(sentence), -1)), dim=1)

    torch.manual_seed(1)
    ids = {w: i for i, w in enumerate(dict.fromkeys(TEXT))}
    sentence = torch.tensor([ids[w] for w in TEXT], dtype=torch.long)
    tags = torch.tensor([len(w) % 3 for w in TEXT])
    model = LSTMTagger()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(15):
        model.zero_grad()
        loss = nn.NLLLoss()(model(sentence), tags)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return loss, model(sentence), torch.max(model(sentence), 1)[1]


@program
def cbow_and_skipgram(torch):
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(13)
    vocab = list(dict.fromkeys(TEXT))
    ids = {w: i for i, w in enumerate(vocab)}

    class CBOW(nn.Module):
        def __init__(self):
            super().__init__()
            self.embeddings = nn.Embedding(len(vocab), 10)
            self.linear1, self.linear2 = nn.Linear(10, 16), nn.Linear(16, len(vocab))

        def forward(self, inputs):
            embeds = self.embeddings(inputs).sum(dim=0).view((1, -1))
            return F.log_softmax(self.linear2(F.relu(self.linear1(embeds))), dim=1)

    model, opt = CBOW(), None
    opt = torch.optim.SGD(model.parameters(), lr=0.01)
    total = 0.0
    for i in range(2, len(TEXT) - 2):
        context = torch.tensor([ids[TEXT[j]] for j in (i - 2, i - 1, i + 1, i + 2)])
        model.zero_grad()
        loss = F.nll_loss(model(context), torch.tensor([ids[TEXT[i]]]))
        loss.backward()
        opt.step()
        total += loss.item()
    centre, outer = nn.Embedding(len(vocab), 8), nn.Embedding(len(vocab), 8)
    v = centre(torch.tensor([[1], [2]]))
    u = outer(torch.tensor([[3, 4, 5, 0], [6, 7, 0, 0]]))
    mask = torch.tensor([[1.0, 1, 1, 0], [1, 1, 0, 0]])
    pred = torch.bmm(v, u.permute(0, 2, 1))
    label = torch.tensor([[1.0, 0, 0, 0], [1, 0, 0, 0]])
    out = F.binary_cross_entropy_with_logits(pred.reshape(label.shape), label, weight=mask, reduction="none")
    skip = (out.mean(dim=1) * mask.shape[1] / mask.sum(axis=1)).mean()
    skip.backward()
    W = model.embeddings.weight.data
    cos = torch.matmul(W, W[0]) / torch.sqrt(torch.sum(W * W, dim=1) * torch.sum(W[0] * W[0]) + 1e-9)
    return total, skip, centre.weight.grad, torch.topk(cos, k=4)


@program
def seq2seq_attention(torch):
    nn, F = torch.nn, torch.nn.functional

    class EncoderRNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.gru = nn.Embedding(12, 8), nn.GRU(8, 8, batch_first=True)

        def forward(self, input):
            return self.gru(self.embedding(input))

    class BahdanauAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.Wa, self.Ua, self.Va = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 1)

        def forward(self, query, keys):
            scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys))).squeeze(2).unsqueeze(1)
            weights = F.softmax(scores, dim=-1)
            return torch.bmm(weights, keys), weights

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.attention = nn.Embedding(12, 8), BahdanauAttention()
            self.gru, self.out = nn.GRU(16, 8, batch_first=True), nn.Linear(8, 12)

        def forward(self, encoder_outputs, hidden, target=None):
            input = torch.empty(encoder_outputs.size(0), 1, dtype=torch.long).fill_(0)
            outputs, attentions = [], []
            for i in range(5):
                context, weights = self.attention(hidden.permute(1, 0, 2), encoder_outputs)
                output, hidden = self.gru(torch.cat((self.embedding(input), context), dim=2), hidden)
                output = self.out(output)
                outputs.append(output)
                attentions.append(weights)
                if target is not None:
                    input = target[:, i].unsqueeze(1)
                else:
                    _, topi = output.topk(1)
                    input = topi.squeeze(-1).detach()
            return F.log_softmax(torch.cat(outputs, dim=1), dim=-1), hidden, torch.cat(attentions, dim=1)

    torch.manual_seed(14)
    enc, dec = EncoderRNN(), Decoder()
    x = torch.randint(1, 12, (6, 5))
    opts = [torch.optim.Adam(m.parameters(), lr=0.01) for m in (enc, dec)]
    for _ in range(5):
        out, hid = enc(x)
        logp, _, _ = dec(out, hid, x.flip(1))
        loss = nn.NLLLoss()(logp.view(-1, logp.size(-1)), x.flip(1).reshape(-1))
        for o in opts:
            o.zero_grad()
        loss.backward()
        for o in opts:
            o.step()
    with torch.no_grad():
        logp, _, att = dec(*enc(x))
    return loss, logp.argmax(-1), att


@program
def packed_bidirectional_sentiment(torch):
    nn = torch.nn
    rnn = nn.utils.rnn
    torch.manual_seed(15)
    sequences = [torch.randint(1, 30, (n,)) for n in (7, 5, 2, 2)]
    padded = rnn.pad_sequence(sequences, batch_first=True, padding_value=0)
    lengths = torch.LongTensor([len(s) for s in sequences])
    embedding = nn.Embedding(30, 6, padding_idx=0)
    lstm = nn.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True)
    packed = rnn.pack_padded_sequence(embedding(padded), lengths.cpu(), batch_first=True)
    out, (h, c) = lstm(packed)
    output, sizes = rnn.pad_packed_sequence(out, batch_first=True, padding_value=-1.0)
    hidden = torch.cat((h[-2, :, :], h[-1, :, :]), dim=1)
    loss = nn.BCEWithLogitsLoss()(nn.Linear(10, 1)(hidden).squeeze(1), torch.tensor([1.0, 0, 1, 0]))
    loss.backward()
    shuffled = rnn.pack_sequence([sequences[2].float(), sequences[0].float()], enforce_sorted=False)
    print(lstm, packed.batch_sizes.tolist(), shuffled.sorted_indices, shuffled.unsorted_indices)
    return loss, output, sizes, c, embedding.weight.grad, shuffled.data


@program
def transformer_translation(torch):
    nn = torch.nn

    class PositionalEncoding(nn.Module):
        def __init__(self, d_model, max_len=20):
            super().__init__()
            position = torch.arange(max_len).unsqueeze(1)
            div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
            pe = torch.zeros(max_len, 1, d_model)
            pe[:, 0, 0::2] = torch.sin(position * div_term)
            pe[:, 0, 1::2] = torch.cos(position * div_term)
            self.register_buffer("pe", pe, persistent=False)

        def forward(self, x):
            return x + self.pe[: x.size(0)]

    torch.manual_seed(16)
    src, tgt = torch.randint(1, 10, (6, 3)), torch.randint(1, 10, (5, 3))
    src[4:, 1] = 0
    emb, pos, gen = nn.Embedding(10, 16), PositionalEncoding(16), nn.Linear(16, 10)
    model = nn.Transformer(
        d_model=16, nhead=4, num_encoder_layers=1, num_decoder_layers=2, dim_feedforward=32, dropout=0.0
    )
    for p in model.parameters():
        if p.dim() > 1:
            nn.init.xavier_uniform_(p)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    pad = (src == 0).transpose(0, 1)
    out = model(
        pos(emb(src) * math.sqrt(16)),
        pos(emb(tgt)),
        tgt_mask=mask,
        src_key_padding_mask=pad,
        memory_key_padding_mask=pad,
    )
    logits = gen(out)
    loss = nn.CrossEntropyLoss(ignore_index=0)(logits.reshape(-1, 10), tgt.reshape(-1))
    loss.backward()
    print(mask)
    return (
        loss,
        logits,
        emb.weight.grad,
        model.decoder.layers[1].multihead_attn.in_proj_weight.grad,
        list(model.state_dict())[:8],
    )


@program
def encoder_language_model(torch):
    nn = torch.nn
    torch.manual_seed(17)
    layer = nn.TransformerEncoderLayer(
        12, 3, dim_feedforward=24, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(12))
    x = torch.randn(2, 5, 12, requires_grad=True)
    mask = torch.triu(torch.full((5, 5), float("-inf")), diagonal=1)
    y = encoder(x, mask=mask)
    y.pow(2).mean().backward()
    attn = nn.MultiheadAttention(12, 4, dropout=0.0, batch_first=True)
    z, weights = attn(x, x, x, need_weights=True, average_attn_weights=False)
    encoder.eval()
    return y, x.grad, z, weights, encoder(x.detach(), src_key_padding_mask=torch.zeros(2, 5, dtype=torch.bool))


@program
def einsum_attention_with_rope(torch):
    torch.manual_seed(18)
    q, k, v = torch.randn(3, 2, 6, 4, 8).unbind(0)
    freqs = 1.0 / (10000 ** (torch.arange(0, 8, 2)[:4].float() / 8))
    angles = torch.outer(torch.arange(6), freqs)
    cos, sin = angles.cos()[None, :, None, :], angles.sin()[None, :, None, :]

    def rope(x):
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)

    q, k = rope(q), rope(k)
    energy = torch.einsum("bqhd,bkhd->bhqk", q, k) / 8**0.5
    mask = torch.ones(6, 6).tril().bool()
    energy = torch.where(mask, energy, torch.tensor(float("-inf")))
    attention = energy.softmax(-1)
    out = torch.einsum("bhqk,bkhd->bqhd", [attention, v]).reshape(2, 6, -1)
    complex_form = torch.view_as_real(
        torch.view_as_complex(q.reshape(2, 6, 4, 4, 2)) * torch.polar(torch.ones(4), freqs)
    )
    return out, attention.sum(-1), complex_form


@program
def beam_search(torch):
    torch.manual_seed(19)
    logits = torch.randn(7, 9, 9)
    beams = [([0], 0.0)]
    for t in range(7):
        candidates = []
        for tokens, score in beams:
            logp = torch.log_softmax(logits[t, tokens[-1]], dim=-1)
            values, indices = torch.topk(logp, 3)
            candidates += [(tokens + [i.item()], score + v.item()) for v, i in zip(values, indices)]
        beams = sorted(candidates, key=lambda c: c[1], reverse=True)[:3]
    for tokens, score in beams:
        print(tokens, f"{score:.3f}")
    scores = torch.zeros(3)
    ids = torch.zeros(3, 1, dtype=torch.long)
    for t in range(7):
        step = torch.log_softmax(logits[t][ids[:, -1]], -1) + scores[:, None]
        scores, flat = step.view(-1).topk(3)
        ids = torch.cat([ids[torch.div(flat, 9, rounding_mode="floor")], (flat % 9).unsqueeze(1)], dim=1)
    return scores, ids


@program
def time_series_sine(torch):
    nn = torch.nn

    class Sequence(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm1, self.lstm2, self.linear = nn.LSTMCell(1, 11), nn.LSTMCell(11, 11), nn.Linear(11, 1)

        def forward(self, input, future=0):
            outputs = []
            h1 = c1 = h2 = c2 = torch.zeros(input.size(0), 11, dtype=torch.double)
            for part in input.split(1, dim=1):
                h1, c1 = self.lstm1(part, (h1, c1))
                h2, c2 = self.lstm2(h1, (h2, c2))
                output = self.linear(h2)
                outputs += [output]
            for _ in range(future):
                h1, c1 = self.lstm1(output, (h1, c1))
                h2, c2 = self.lstm2(h1, (h2, c2))
                output = self.linear(h2)
                outputs += [output]
            return torch.cat(outputs, dim=1)

    torch.manual_seed(0)
    data = torch.sin(torch.arange(0, 20, dtype=torch.float64) / 3 + torch.randn(5, 1).double())
    seq = Sequence().double()
    optimizer = torch.optim.LBFGS(seq.parameters(), lr=0.8, max_iter=5)

    def closure():
        optimizer.zero_grad()
        loss = nn.MSELoss()(seq(data[:, :-1]), data[:, 1:])
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(2)]
    with torch.no_grad():
        return losses, seq(data[:, :-1], future=4).detach().numpy()


@program
def d2l_rnn_from_scratch(torch):
    F = torch.nn.functional
    torch.manual_seed(20)
    W_xh, W_hh = torch.randn(10, 8) * 0.01, torch.randn(8, 8) * 0.01
    W_xz, W_hz, b = (torch.normal(0, 0.01, s) for s in ((10, 8), (8, 8), (8,)))
    params = [W_xh, W_hh, W_xz, W_hz, b]
    for p in params:
        p.requires_grad_(True)
    X = F.one_hot(torch.arange(20).reshape((2, 10)).T % 10, 10).type(torch.float32)
    H = torch.zeros((2, 8))
    outputs = []
    for x in X:
        Z = torch.sigmoid(torch.mm(x, W_xz) + torch.mm(H, W_hz) + b)
        H = Z * H + (1 - Z) * torch.tanh(x @ W_xh + H @ W_hh)
        outputs.append(H)
    loss = torch.cat(outputs, dim=0).square().mean()
    loss.backward()
    norm = torch.sqrt(sum(torch.sum(p.grad**2) for p in params))
    if norm > 1e-4:
        for p in params:
            p.grad[:] *= 1e-4 / norm
    return loss, norm, [p.grad for p in params]
