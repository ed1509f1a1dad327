"""Triton kernels of what a layer does between its base multiplies, for all trials of a batch in one launch each.

Rows of a trial are contiguous. Products that give rows run over tiles, at most BM rows of one trial; products that sum
over rows run over trials, each summed by one program in the order of its rows: there are no atomics, and the sums have
the same bits every time. What differs between trials (where A and B lie, rank, scale, dropout) comes from tables:

    tiles      (T, 3) int32: first row, the row after the last, trial
    spans      (S, 2) int32: rows of each trial
    addresses  (M, S, 4) int64: of A (R, D), B (R, O) and their gradients, for each member of the group
    ranks      (M, S) int32: 0 where a trial has no adapter there
    limits, scales (S,): what a feature's number must be at least to be kept; what the product is multiplied with

With TRITON_INTERPRET=1 the kernels run on CPU tensors.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = [
    "adamw", "expand_add", "gate", "gate_backward", "grad_a", "grad_b", "grad_input", "grad_thin", "label_loss", "norm",
    "norm_backward", "rotate", "shrink", "squares",
]  # fmt: skip


PRECISION = tl.constexpr("tf32x3")
"""How thin products in float32 are multiplied: each factor as a sum of two of the card's own short type, three products
of these, so that nearly all bits of float32 are right; plain float32 takes several times as long."""


@triton.jit
def _keep(keys, words_at, first, width, limit, BM: tl.constexpr, BK: tl.constexpr):
    """Which of BK features, from a multiple of four on, of BM rows are kept, (BM, BK): the masks of
    `kernels.keep_mask`, bit for bit. Each hash serves four features."""
    words = first // 4 + tl.arange(0, BK // 4)
    word = tl.load(words_at + words, mask=words * 4 < width, other=0).to(tl.uint64)
    z = keys.to(tl.uint64)[:, None] + word[None, :]
    z = z ^ (z >> 32)
    z = z * 0x94D049BB133111EB
    z = z ^ (z >> 32)
    z = z * 0xBF58476D1CE4E5B9
    z = z ^ (z >> 32)
    shifts = (16 * tl.arange(0, 4)).to(tl.uint64)
    lane = ((z[:, :, None] >> shifts[None, None, :]) & 0xFFFF).to(tl.int32)
    lane = tl.reshape(lane, (BM, BK))
    return tl.where(lane >= 32768, lane - 65536, lane) >= limit


@triton.jit
def _tile(tiles):
    """First row, row after the last and trial of the tile that this program computes."""
    at = tiles + 3 * tl.program_id(0)
    return tl.load(at), tl.load(at + 1), tl.load(at + 2)


@triton.jit
def _of_member(m, y0, y1, y2, O0, O1, O2):
    """The tensor of member m of a group, and its width."""
    y, width = y0, O0
    if m == 1:
        y, width = y1, O1
    if m == 2:
        y, width = y2, O2
    return y, width


@triton.jit
def shrink(
    x, stride, keys, words, thin, tiles, addresses, ranks, limits, scales, N, D, S, W,
    DROP: tl.constexpr, R: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """thin[m] = scale (x masked) A_m^T; grid (tiles, members)."""
    m = tl.program_id(1)
    first, stop, run = _tile(tiles)
    rows, r = first + tl.arange(0, BM), tl.arange(0, R)
    inside = rows < stop
    a = tl.load(addresses + (m * S + run) * 4).to(tl.pointer_type(tl.float32))
    rank, limit = tl.load(ranks + m * S + run), tl.load(limits + run)
    key = tl.load(keys + rows, mask=inside, other=0)
    sums = tl.zeros((BM, R), dtype=tl.float32)
    for k in range(0, D, BK):
        cols = k + tl.arange(0, BK)
        at = x + rows[:, None].to(tl.int64) * stride + cols[None, :]
        xs = tl.load(at, mask=inside[:, None] & (cols < D)[None, :], other=0.0).to(tl.float32)
        if DROP:
            xs = tl.where(_keep(key, words + m * W, k, D, limit, BM, BK), xs, 0.0)
        weights = tl.load(a + r[None, :] * D + cols[:, None], mask=(cols < D)[:, None] & (r < rank)[None, :], other=0.0)
        sums += tl.dot(xs, weights, input_precision=PRECISION)
    to = thin + (m * N + rows[:, None].to(tl.int64)) * R + r[None, :]
    tl.store(to, sums * tl.load(scales + run), mask=inside[:, None])


@triton.jit
def expand_add(
    thin, y0, y1, y2, O0, O1, O2, tiles, addresses, ranks, N, S, R: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr
):
    """y_m += thin[m] B_m; grid (tiles, blocks of outputs, members); rows of y without gaps."""
    m = tl.program_id(2)
    first, stop, run = _tile(tiles)
    y, width = _of_member(m, y0, y1, y2, O0, O1, O2)
    rows, r, cols = first + tl.arange(0, BM), tl.arange(0, R), tl.program_id(1) * BN + tl.arange(0, BN)
    rank = tl.load(ranks + m * S + run)
    b = tl.load(addresses + (m * S + run) * 4 + 1).to(tl.pointer_type(tl.float32))
    inside, within = rows < stop, cols < width
    left = tl.load(thin + (m * N + rows[:, None].to(tl.int64)) * R + r[None, :], mask=inside[:, None], other=0.0)
    right = tl.load(b + r[:, None] * width + cols[None, :], mask=(r < rank)[:, None] & within[None, :], other=0.0)
    at = y + rows[:, None].to(tl.int64) * width + cols[None, :]
    both = inside[:, None] & within[None, :]
    before = tl.load(at, mask=both, other=0.0)
    after = before.to(tl.float32) + tl.dot(left, right, input_precision=PRECISION)
    tl.store(at, after.to(before.dtype), mask=both)


@triton.jit
def grad_thin(
    g0, g1, g2, O0, O1, O2, out, tiles, addresses, ranks, scales, N, S,
    R: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """out[m] = scale g_m B_m^T; grid (tiles, members)."""
    m = tl.program_id(1)
    first, stop, run = _tile(tiles)
    g, width = _of_member(m, g0, g1, g2, O0, O1, O2)
    rows, r = first + tl.arange(0, BM), tl.arange(0, R)
    inside = rows < stop
    rank = tl.load(ranks + m * S + run)
    b = tl.load(addresses + (m * S + run) * 4 + 1).to(tl.pointer_type(tl.float32))
    sums = tl.zeros((BM, R), dtype=tl.float32)
    for k in range(0, width, BK):
        cols = k + tl.arange(0, BK)
        at = g + rows[:, None].to(tl.int64) * width + cols[None, :]
        gs = tl.load(at, mask=inside[:, None] & (cols < width)[None, :], other=0.0).to(tl.float32)
        used = (cols < width)[:, None] & (r < rank)[None, :]
        sums += tl.dot(
            gs, tl.load(b + r[None, :] * width + cols[:, None], mask=used, other=0.0), input_precision=PRECISION
        )
    to = out + (m * N + rows[:, None].to(tl.int64)) * R + r[None, :]
    tl.store(to, sums * tl.load(scales + run), mask=inside[:, None])


@triton.jit
def grad_b(
    thin, g0, g1, g2, O0, O1, O2, spans, addresses, ranks, N, S, R: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr
):
    """Gradient of B_m += thin[m]^T g_m; grid (trials, blocks of outputs, members)."""
    run, m = tl.program_id(0), tl.program_id(2)
    g, width = _of_member(m, g0, g1, g2, O0, O1, O2)
    first, stop = tl.load(spans + 2 * run), tl.load(spans + 2 * run + 1)
    r, cols = tl.arange(0, R), tl.program_id(1) * BN + tl.arange(0, BN)
    sums = tl.zeros((R, BN), dtype=tl.float32)
    for start in range(first, stop, BM):
        rows = start + tl.arange(0, BM)
        inside = rows < stop
        left = tl.load(thin + (m * N + rows[None, :].to(tl.int64)) * R + r[:, None], mask=inside[None, :], other=0.0)
        at = g + rows[:, None].to(tl.int64) * width + cols[None, :]
        gs = tl.load(at, mask=inside[:, None] & (cols < width)[None, :], other=0.0).to(tl.float32)
        sums += tl.dot(left, gs, input_precision=PRECISION)
    to = tl.load(addresses + (m * S + run) * 4 + 3).to(tl.pointer_type(tl.float32)) + r[:, None] * width + cols[None, :]
    used = (r < tl.load(ranks + m * S + run))[:, None] & (cols < width)[None, :]
    tl.store(to, tl.load(to, mask=used, other=0.0) + sums, mask=used)


@triton.jit
def grad_a(
    g_thin, x, stride, keys, words, spans, addresses, ranks, limits, N, D, S, W,
    DROP: tl.constexpr, R: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Gradient of A_m += g_thin[m]^T (x masked); grid (trials, blocks of inputs, members)."""
    run, m = tl.program_id(0), tl.program_id(2)
    first, stop, limit = tl.load(spans + 2 * run), tl.load(spans + 2 * run + 1), tl.load(limits + run)
    r, cols = tl.arange(0, R), tl.program_id(1) * BN + tl.arange(0, BN)
    sums = tl.zeros((R, BN), dtype=tl.float32)
    for start in range(first, stop, BM):
        rows = start + tl.arange(0, BM)
        inside = rows < stop
        left = tl.load(g_thin + (m * N + rows[None, :].to(tl.int64)) * R + r[:, None], mask=inside[None, :], other=0.0)
        at = x + rows[:, None].to(tl.int64) * stride + cols[None, :]
        xs = tl.load(at, mask=inside[:, None] & (cols < D)[None, :], other=0.0).to(tl.float32)
        if DROP:
            key = tl.load(keys + rows, mask=inside, other=0)
            xs = tl.where(_keep(key, words + m * W, tl.program_id(1) * BN, D, limit, BM, BN), xs, 0.0)
        sums += tl.dot(left, xs, input_precision=PRECISION)
    to = tl.load(addresses + (m * S + run) * 4 + 2).to(tl.pointer_type(tl.float32)) + r[:, None] * D + cols[None, :]
    used = (r < tl.load(ranks + m * S + run))[:, None] & (cols < D)[None, :]
    tl.store(to, tl.load(to, mask=used, other=0.0) + sums, mask=used)


@triton.jit
def grad_input(
    g_thin, grad_x, stride, keys, words, tiles, addresses, ranks, limits, N, D, S, W, M,
    DROP: tl.constexpr, R: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """grad_x += sum over members of (g_thin[m] A_m) masked; grid (tiles, blocks of inputs)."""
    first, stop, run = _tile(tiles)
    rows, r, cols = first + tl.arange(0, BM), tl.arange(0, R), tl.program_id(1) * BN + tl.arange(0, BN)
    inside, limit = rows < stop, tl.load(limits + run)
    key = tl.load(keys + rows, mask=inside, other=0)
    sums = tl.zeros((BM, BN), dtype=tl.float32)
    for m in range(0, M):
        a = tl.load(addresses + (m * S + run) * 4).to(tl.pointer_type(tl.float32))
        used = (r < tl.load(ranks + m * S + run))[:, None] & (cols < D)[None, :]
        left = tl.load(g_thin + (m * N + rows[:, None].to(tl.int64)) * R + r[None, :], mask=inside[:, None], other=0.0)
        product = tl.dot(
            left, tl.load(a + r[:, None] * D + cols[None, :], mask=used, other=0.0), input_precision=PRECISION
        )
        if DROP:
            product = tl.where(_keep(key, words + m * W, tl.program_id(1) * BN, D, limit, BM, BN), product, 0.0)
        sums += product
    at = grad_x + rows[:, None].to(tl.int64) * stride + cols[None, :]
    both = inside[:, None] & (cols < D)[None, :]
    before = tl.load(at, mask=both, other=0.0)
    tl.store(at, (before.to(tl.float32) + sums).to(before.dtype), mask=both)


@triton.jit
def norm(x, scale, y, inverse, D, epsilon, ROUND: tl.constexpr, BD: tl.constexpr):
    """y = x scale / rms(x), and 1 / rms(x); grid (rows,). ROUND: to the type of x before the scale is applied."""
    row, cols = tl.program_id(0).to(tl.int64), tl.arange(0, BD)
    within = cols < D
    raw = tl.load(x + row * D + cols, mask=within, other=0.0)
    wide = raw.to(tl.float32)
    by = 1.0 / tl.sqrt(tl.sum(wide * wide, axis=0) / D + epsilon)
    weights, normed = tl.load(scale + cols, mask=within, other=0.0), wide * by
    if ROUND:
        normed = normed.to(raw.dtype).to(tl.float32)
    tl.store(y + row * D + cols, (normed * weights.to(tl.float32)).to(raw.dtype), mask=within)
    tl.store(inverse + row, by)


@triton.jit
def norm_backward(grad, x, scale, inverse, out, D, BD: tl.constexpr):
    """Gradient of `norm` with respect to x; grid (rows,)."""
    row, cols = tl.program_id(0).to(tl.int64), tl.arange(0, BD)
    within = cols < D
    raw = tl.load(x + row * D + cols, mask=within, other=0.0)
    wide, by = raw.to(tl.float32), tl.load(inverse + row)
    scaled = tl.load(grad + row * D + cols, mask=within, other=0.0).to(tl.float32)
    scaled = scaled * tl.load(scale + cols, mask=within, other=0.0).to(tl.float32)
    c = tl.sum(scaled * wide, axis=0) / D * by * by * by
    tl.store(out + row * D + cols, (scaled * by - wide * c).to(raw.dtype), mask=within)


@triton.jit
def gate(g, u, out, n, B: tl.constexpr):
    """silu(g) u; grid (blocks,)."""
    at = tl.program_id(0).to(tl.int64) * B + tl.arange(0, B)
    raw = tl.load(g + at, mask=at < n, other=0.0)
    wide, up = raw.to(tl.float32), tl.load(u + at, mask=at < n, other=0.0).to(tl.float32)
    tl.store(out + at, (wide / (1.0 + tl.exp(-wide)) * up).to(raw.dtype), mask=at < n)


@triton.jit
def gate_backward(grad, g, u, grad_g, grad_u, n, B: tl.constexpr):
    """Gradients of `gate`; grid (blocks,)."""
    at = tl.program_id(0).to(tl.int64) * B + tl.arange(0, B)
    raw = tl.load(g + at, mask=at < n, other=0.0)
    wide, up = raw.to(tl.float32), tl.load(u + at, mask=at < n, other=0.0).to(tl.float32)
    out, s = tl.load(grad + at, mask=at < n, other=0.0).to(tl.float32), 1.0 / (1.0 + tl.exp(-wide))
    tl.store(grad_u + at, (out * wide * s).to(raw.dtype), mask=at < n)
    tl.store(grad_g + at, (out * up * s * (1.0 + wide * (1.0 - s))).to(raw.dtype), mask=at < n)


@triton.jit
def rotate(x, row_stride, head_stride, cosine, sine, sign, y, H, E: tl.constexpr, BH: tl.constexpr):
    """Rotary encoding in the half-split layout; sign -1 turns back; grid (rows, blocks of heads); y without gaps."""
    row = tl.program_id(0).to(tl.int64)
    heads, e = tl.program_id(1) * BH + tl.arange(0, BH), tl.arange(0, E)
    other = tl.where(e < E // 2, e + E // 2, e - E // 2)
    at, inside = x + row * row_stride + heads[:, None] * head_stride, (heads < H)[:, None]
    raw = tl.load(at + e[None, :], mask=inside, other=0.0)
    turned = tl.load(at + other[None, :], mask=inside, other=0.0).to(tl.float32)
    turned = tl.where((e < E // 2)[None, :], -turned, turned)
    cos, sin = tl.load(cosine + row * E + e).to(tl.float32), tl.load(sine + row * E + e).to(tl.float32) * sign
    value = raw.to(tl.float32) * cos[None, :] + turned * sin[None, :]
    tl.store(y + (row * H + heads[:, None]) * E + e[None, :], value.to(raw.dtype), mask=inside)


@triton.jit
def label_loss(logits, starts, tokens, shares, nll, grad, V, BV: tl.constexpr):
    """Negative log-likelihood of each label of a row, and the gradient of its labels' shares' sum; grid (rows,).

    Starts: of each row the first of its labels, and one more.
    """
    row = tl.program_id(0)
    at, to = logits + row.to(tl.int64) * V, grad + row.to(tl.int64) * V
    first, stop = tl.load(starts + row), tl.load(starts + row + 1)
    most, sums = tl.full((BV,), -3.0e38, dtype=tl.float32), tl.zeros((BV,), dtype=tl.float32)
    for v in range(0, V, BV):
        cols = v + tl.arange(0, BV)
        x = tl.load(at + cols, mask=cols < V, other=-3.0e38).to(tl.float32)
        larger = tl.maximum(most, x)
        sums = sums * tl.exp(most - larger) + tl.exp(x - larger)
        most = larger
    top = tl.max(most, axis=0)
    log_total = top + tl.log(tl.sum(sums * tl.exp(most - top), axis=0))
    weight = 0.0
    for label in range(first, stop):
        weight += tl.load(shares + label)
        tl.store(nll + label, (log_total - tl.load(at + tl.load(tokens + label)).to(tl.float32)).to(tl.float64))
    for v in range(0, V, BV):
        cols = v + tl.arange(0, BV)
        x = tl.load(at + cols, mask=cols < V, other=0.0)
        g = tl.exp(x.to(tl.float32) - log_total) * weight
        for label in range(first, stop):
            g = tl.where(cols == tl.load(tokens + label), g - tl.load(shares + label), g)
        tl.store(to + cols, g.to(x.dtype), mask=cols < V)


@triton.jit
def squares(addresses, sizes, out, BLOCKS, B: tl.constexpr):
    """Sums of squares of gradients by blocks, (S, BLOCKS); grid (trials, blocks). Addresses as for `adamw`."""
    run, block = tl.program_id(0), tl.program_id(1)
    n, at = tl.load(sizes + run), block.to(tl.int64) * B + tl.arange(0, B)
    g = tl.load(addresses + run * 5 + 1).to(tl.pointer_type(tl.float32))
    values = tl.load(g + at, mask=at < n, other=0.0)
    tl.store(out + run * BLOCKS + block, tl.sum(values * values, axis=0))


@triton.jit
def adamw(addresses, sizes, facts, norms, beta1, epsilon, clip_epsilon, B: tl.constexpr):
    """One step of AdamW for all trials, which clips and clears the gradients; grid (trials, blocks).

    Addresses (S, 5): of values, gradients, first and second moments, and the shares of the way that entries go
    (LoRA+), 0 where all go the whole way. Facts (S, 6): rate, largest norm, decay, beta2, and the corrections
    1 - beta1^t and sqrt(1 - beta2^t). Norms (S,): a trial whose norm is not finite stays as it is.
    """
    run, at = tl.program_id(0), tl.program_id(1).to(tl.int64) * B + tl.arange(0, B)
    facts_at, addresses_at = facts + run * 6, addresses + run * 5
    rate, most, decay, beta2 = tl.load(facts_at), tl.load(facts_at + 1), tl.load(facts_at + 2), tl.load(facts_at + 3)
    bias1, bias2 = tl.load(facts_at + 4), tl.load(facts_at + 5)
    norm = tl.load(norms + run)
    going = (norm < float("inf")).to(tl.int64)  # nor where it is no number
    factor = tl.minimum(1.0, most.to(tl.float64) / (norm + clip_epsilon)).to(tl.float32)
    n = tl.load(sizes + run) * going
    inside, shared = at < n, at < n * (tl.load(addresses_at + 4) != 0).to(tl.int64)
    value = tl.load(addresses_at).to(tl.pointer_type(tl.float32)) + at
    grad = tl.load(addresses_at + 1).to(tl.pointer_type(tl.float32)) + at
    first = tl.load(addresses_at + 2).to(tl.pointer_type(tl.float32)) + at
    second = tl.load(addresses_at + 3).to(tl.pointer_type(tl.float32)) + at
    share = tl.load(tl.load(addresses_at + 4).to(tl.pointer_type(tl.float32)) + at, mask=shared, other=1.0)
    g = tl.load(grad, mask=inside, other=0.0) * factor
    m = tl.load(first, mask=inside, other=0.0) * beta1 + g * (1.0 - beta1)
    v = tl.load(second, mask=inside, other=0.0) * beta2 + g * g * (1.0 - beta2)
    w = tl.load(value, mask=inside, other=0.0)
    change = rate * decay * w + (rate / bias1) * (m / (tl.sqrt(v) / bias2 + epsilon))
    tl.store(value, w - share * change, mask=inside)
    tl.store(first, m, mask=inside)
    tl.store(second, v, mask=inside)
    tl.store(grad, tl.zeros_like(g), mask=inside)
