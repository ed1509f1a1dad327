/* The small work between the large multiplies, in one pass over the data each; float32.
 *
 * torch does the same in several passes (native/__init__.py falls back to that). Every result of a row depends on that
 * row alone, and sums run in a fixed order, so results depend neither on the other rows nor on the number of threads.
 * Vectors are GCC's and clang's own, so nothing here is bound to one processor family.
 */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))
#define UNROLLED _Pragma("GCC unroll 8")
#define ALWAYS static inline __attribute__((always_inline))
#ifdef __AVX512F__ /* TALL: rows, or ranks, that share a load; with two vectors each they fill the registers */
#define LANES 16
#define ADJACENT 4
#define TALL 8
#else
#define LANES 8
#define ADJACENT 2
#define TALL 4
#endif
typedef float vec __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES), aligned(4)));

static inline vec load(const float *p) { return *(const vec *)p; }
static inline void store(float *p, vec v) { *(vec *)p = v; }
static inline vec splat(float x) { return x - (vec){0}; }
static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static inline float total(vec v)
{
    float part[LANES];
    store(part, v);
    for (int w = LANES / 2; w > 0; w /= 2)
        for (int k = 0; k < w; k++) part[k] += part[k + w];
    return part[0];
}

/* Threads of the loops below when they are entered from the calling thread. */
API void set_threads(int64_t n) { omp_set_num_threads((int)n); }

/* End the threads that have helped the calling thread; its next loop makes new ones, in some 0.1 ms. */
API void end_threads(void) { omp_pause_resource_all(omp_pause_soft); }

/* Have n - 1 threads wait to help the calling thread. */
API void hold_threads(int64_t n)
{
    int64_t there = 0;
#pragma omp parallel num_threads((int)n)
    {
#pragma omp atomic
        there++;
    }
}

/* ---- dropout ------------------------------------------------------------------------------------------------- */

#define WORDS 256

/* keep (4 w): 1 where the 16-bit lane of the mixed 64-bit number is at least the limit (dropout.py: _mixed). */
static void keep_row(uint64_t row, const uint64_t *words, uint8_t *keep, int64_t w, int16_t limit)
{
    for (int64_t j = 0; j < w; j += WORDS) {
        uint64_t z[WORDS];
        int16_t lanes[4 * WORDS];
        const int64_t m = least(WORDS, w - j);
        for (int64_t k = 0; k < m; k++) {
            uint64_t x = row + words[j + k];
            x ^= x >> 32;
            x *= 0x94D049BB133111EBULL;
            x ^= x >> 32;
            x *= 0xBF58476D1CE4E5B9ULL;
            z[k] = x ^ (x >> 32);
        }
        memcpy(lanes, z, sizeof(uint64_t) * (size_t)m);
        for (int64_t k = 0; k < 4 * m; k++) keep[4 * j + k] = lanes[k] >= limit;
    }
}

/* keep (n, 4 w) */
API void keep_masks(const uint64_t *rows, const uint64_t *words, uint8_t *keep, int64_t n, int64_t w, int64_t limit)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) keep_row(rows[i], words, keep + 4 * i * w, w, (int16_t)limit);
}

/* Numbers where keep is 1, zeros elsewhere. */
static inline vec kept(vec x, const uint8_t *keep)
{
    ivec m;
    for (int k = 0; k < LANES; k++) m[k] = -(int32_t)keep[k];
    return (vec)((ivec)x & m);
}

static void masked_row(const float *x, const uint8_t *keep, float *out, int64_t d)
{
    int64_t j = 0;
    for (; j + LANES <= d; j += LANES) store(out + j, kept(load(x + j), keep + j));
    for (; j < d; j++) out[j] = keep[j] ? x[j] : 0.0f;
}

/* out (n, d) = x masked, without gaps. */
API void masked_copy(const float *x, int64_t ldx, const uint8_t *keep, int64_t ldk, float *out, int64_t n, int64_t d)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) masked_row(x + i * ldx, keep + i * ldk, out + i * d, d);
}

/* out (n, d) += x masked; x is without gaps. */
API void masked_add(const float *x, const uint8_t *keep, int64_t ldk, float *out, int64_t ldo, int64_t n, int64_t d)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
        const float *from = x + i * d;
        const uint8_t *k = keep + i * ldk;
        float *to = out + i * ldo;
        int64_t j = 0;
        for (; j + LANES <= d; j += LANES) store(to + j, load(to + j) + kept(load(from + j), k + j));
        for (; j < d; j++) to[j] += k[j] ? from[j] : 0.0f;
    }
}

/* ---- thin multiplies ------------------------------------------------------------------------------------------
 *
 * n rows, d or fewer features, r ranks. A mask (keep, null: none) has the shape of the rows it belongs to. */

#define MAX_WIDTH 8192          /* longest masked row that is buffered; updates.py keeps wider ones away */
#define TILE 768                /* features of a dot product worked on at a time */
#define BLOCK 4                 /* rows of a dot product, with ADJACENT ranks each */
#define ROWS 8                  /* rows that share a pass over a; a multiple of BLOCK */
#define STRIP (WIDE * LANES)     /* columns worked on at a time */
#define WIDE 2                  /* vectors worked on side by side */
#define CHUNK 96                /* rows of a strip that is buffered */

/* Sums over four vectors at once. */
static inline void totals(vec a, vec b, vec c, vec d, float out[4])
{
#if LANES == 16 && (defined(__clang__) || __GNUC__ >= 12)
    const vec s = __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
                  __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const vec t = __builtin_shufflevector(c, d, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
                  __builtin_shufflevector(c, d, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const vec u = __builtin_shufflevector(s, t, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
                  __builtin_shufflevector(s, t, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    for (int k = 0; k < 4; k++) out[k] = (u[k] + u[4 + k]) + (u[8 + k] + u[12 + k]);
#else
    out[0] = total(a), out[1] = total(b), out[2] = total(c), out[3] = total(d);
#endif
}

/* Dot products of four rows with some ranks of a. */
ALWAYS void dots(const float *const x[BLOCK], const float *const a[ADJACENT], int64_t d, float out[ADJACENT][BLOCK])
{
    vec s[ADJACENT][BLOCK];
    for (int k = 0; k < ADJACENT; k++)
        for (int i = 0; i < BLOCK; i++) s[k][i] = splat(0);
    int64_t j = 0;
    for (; j + LANES <= d; j += LANES) {
        vec v[BLOCK];
        for (int i = 0; i < BLOCK; i++) v[i] = load(x[i] + j);
        for (int k = 0; k < ADJACENT; k++) {
            const vec p = load(a[k] + j);
            for (int i = 0; i < BLOCK; i++) s[k][i] += v[i] * p;
        }
    }
    for (int k = 0; k < ADJACENT; k++) totals(s[k][0], s[k][1], s[k][2], s[k][3], out[k]);
    for (; j < d; j++)
        for (int k = 0; k < ADJACENT; k++)
            for (int i = 0; i < BLOCK; i++) out[k][i] += x[i][j] * a[k][j];
}

/* out (m, r) = scale * rows a^T for at most ROWS rows, a (r, d). */
static void reduce_rows(const float *const rows[ROWS], const float *a, float *out, int64_t m, int64_t d, int64_t r,
                        float scale)
{
    for (int64_t j = 0; j < d; j += TILE)
        for (int64_t k = 0; k < r; k += ADJACENT) {
            const float *ranks[ADJACENT], *x[BLOCK];
            for (int64_t b = 0; b < ADJACENT; b++) ranks[b] = a + least(k + b, r - 1) * d + j;
            for (int64_t i = 0; i < m; i += BLOCK) {
                float result[ADJACENT][BLOCK];
                for (int64_t b = 0; b < BLOCK; b++) x[b] = rows[i + b] + j;
                dots(x, ranks, least(TILE, d - j), result);
                for (int64_t b = 0; b < least(BLOCK, m - i); b++)
                    for (int64_t c = 0; c < least(ADJACENT, r - k); c++) {
                        float *to = out + (i + b) * r + k + c;
                        *to = (j ? *to : 0.0f) + scale * result[c][b];
                    }
            }
        }
}

/* A mask that is made row by row: keys of the rows, keys of the words of a row, limit; rows null: nothing is dropped. */
typedef struct { const uint64_t *rows, *words; int16_t limit; } maker;

/* Rows [from, to) of out (n, r) = scale * (x masked) a^T, x (n, d). */
static void reduce(const float *x, int64_t ldx, maker mask, const float *a, float *out, int64_t from, int64_t to,
                   int64_t d, int64_t r, float scale)
{
    for (int64_t i = from; i < to; i += ROWS) {
        float masked[ROWS][MAX_WIDTH];
        uint8_t keep[MAX_WIDTH + 4];
        const float *rows[ROWS];
        const int64_t m = least(ROWS, to - i);
        for (int64_t b = 0; b < ROWS; b++) {
            const int64_t row = i + least(b, m - 1);
            rows[b] = x + row * ldx;
            if (!mask.rows) continue;
            if (b < m) {
                keep_row(mask.rows[row], mask.words, keep, (d + 3) / 4, mask.limit);
                masked_row(rows[b], keep, masked[b], d);
            }
            rows[b] = masked[least(b, m - 1)];
        }
        reduce_rows(rows, a, out + i * r, m, d, r, scale);
    }
}

/* `vectors` vectors of the below for m rows, from column j on. */
ALWAYS void expand_columns(const float *const left[TALL], const float *right, const uint8_t *keep, int64_t ldk,
                           float *out, int64_t ldo, int64_t m, int64_t d, int64_t r, int64_t j, int vectors)
{
    vec s[TALL][WIDE];
    UNROLLED for (int b = 0; b < TALL; b++)
        UNROLLED for (int v = 0; v < vectors; v++) s[b][v] = splat(0);
    for (int64_t k = 0; k < r; k++) {
        vec p[WIDE];
        UNROLLED for (int v = 0; v < vectors; v++) p[v] = load(right + k * d + j + v * LANES);
        UNROLLED for (int b = 0; b < TALL; b++) {
            const vec f = splat(left[b][k]);
            UNROLLED for (int v = 0; v < vectors; v++) s[b][v] += f * p[v];
        }
    }
    UNROLLED for (int b = 0; b < TALL; b++) {
        if (b >= m) break;
        UNROLLED for (int v = 0; v < vectors; v++) {
            float *to = out + b * ldo + j + v * LANES;
            store(to, load(to) + (keep ? kept(s[b][v], keep + b * ldk + j + v * LANES) : s[b][v]));
        }
    }
}

/* out (n, d) += (left right) masked, left (n, r), right (r, d) */
static void expand_rows(const float *left, const float *right, const uint8_t *keep, int64_t ldk, float *out,
                        int64_t ldo, int64_t n, int64_t d, int64_t r)
{
    for (int64_t i = 0; i < n; i += TALL) {
        const int64_t m = least(TALL, n - i);
        const uint8_t *own = keep ? keep + i * ldk : 0;
        const float *l[TALL];
        float *to = out + i * ldo;
        int64_t j = 0;
        for (int64_t b = 0; b < TALL; b++) l[b] = left + (i + least(b, m - 1)) * r;
        for (; j + WIDE * LANES <= d; j += WIDE * LANES) expand_columns(l, right, own, ldk, to, ldo, m, d, r, j, WIDE);
        for (; j + LANES <= d; j += LANES) expand_columns(l, right, own, ldk, to, ldo, m, d, r, j, 1);
        for (; j < d; j++)
            for (int64_t b = 0; b < m; b++) {
                float s = 0;
                for (int64_t k = 0; k < r; k++) s += l[b][k] * right[k * d + j];
                if (!own || own[b * ldk + j]) to[b * ldo + j] += s;
            }
    }
}

/* Add to acc (`ranks` rows of one strip) the products of `rows` rows. */
ALWAYS void outer_block(float strip[CHUNK][STRIP], const float *left, int64_t r, int64_t rows, float acc[TALL][STRIP],
                        int ranks)
{
    vec s[TALL][WIDE];
    UNROLLED for (int b = 0; b < ranks; b++)
        UNROLLED for (int v = 0; v < WIDE; v++) s[b][v] = load(acc[b] + v * LANES);
    for (int64_t i = 0; i < rows; i++) {
        vec p[WIDE];
        UNROLLED for (int v = 0; v < WIDE; v++) p[v] = load(strip[i] + v * LANES);
        UNROLLED for (int b = 0; b < ranks; b++) {
            const vec f = splat(left[i * r + b]);
            UNROLLED for (int v = 0; v < WIDE; v++) s[b][v] += f * p[v];
        }
    }
    UNROLLED for (int b = 0; b < ranks; b++)
        UNROLLED for (int v = 0; v < WIDE; v++) store(acc[b] + v * LANES, s[b][v]);
}

static void outer_strip(const float *x, int64_t ldx, const uint8_t *keep, int64_t ldk, const float *left, float *acc,
                        int64_t n, int64_t d, int64_t r, int64_t j)
{
    const int64_t width = least(STRIP, d - j);
    float strip[CHUNK][STRIP], sums[TALL][STRIP];
    memset(strip, 0, sizeof(strip));
    memset(sums, 0, sizeof(sums));
    for (int64_t at = 0; at < n; at += CHUNK) {
        const int64_t rows = least(CHUNK, n - at);
        for (int64_t i = 0; i < rows; i++) {
            const float *from = x + (at + i) * ldx + j;
            if (keep)
                masked_row(from, keep + (at + i) * ldk + j, strip[i], width);
            else
                memcpy(strip[i], from, 4 * (size_t)width);
        }
        for (int64_t k = 0; k < r; k += TALL) {
            const int64_t ranks = least(TALL, r - k);
            for (int64_t b = 0; b < ranks; b++) memcpy(sums[b], acc + (k + b) * d + j, 4 * (size_t)width);
            if (ranks == TALL)
                outer_block(strip, left + at * r + k, r, rows, sums, TALL);
            else
                for (int64_t b = 0; b < ranks; b++) outer_block(strip, left + at * r + k + b, r, rows, sums + b, 1);
            for (int64_t b = 0; b < ranks; b++) memcpy(acc + (k + b) * d + j, sums[b], 4 * (size_t)width);
        }
    }
}

/* acc (r, d) += left^T (x masked), left (n, r), x (n, d) */
static void outer_columns(const float *x, int64_t ldx, const uint8_t *keep, int64_t ldk, const float *left, float *acc,
                          int64_t n, int64_t d, int64_t r)
{
    for (int64_t j = 0; j < d; j += STRIP) outer_strip(x, ldx, keep, ldk, left, acc, n, d, r, j);
}

/* ---- what one adapter adds to the projections of one input ------------------------------------------------------ */

/* One projection: A (r, d), B transposed (r, n_out), their gradients, keys of its mask's words. */
typedef struct {
    const float *a, *b;
    float *grad_a, *grad_b;
    const uint64_t *words;
    int64_t n_out;
} member;

/* The calling thread's part of n pieces of work. */
static int64_t share(int64_t n, int64_t *stop)
{
    const int64_t each = omp_get_num_threads(), own = omp_get_thread_num();
    *stop = n * (own + 1) / each;
    return n * own / each;
}

/* The same of n rows, of which TALL go together. */
static int64_t share_of_rows(int64_t n, int64_t *stop)
{
    const int64_t first = share((n + TALL - 1) / TALL, stop) * TALL;
    *stop = least(*stop * TALL, n);
    return first;
}

/* For each member: thin (n, r) = scale * (x masked) A^T, outs (n, n_out) += thin B. rows null: no dropout. */
API void update(const member *members, int64_t n_members, const float *x, int64_t ldx, const uint64_t *rows,
                int64_t limit, float *const *outs, float *thin, int64_t n, int64_t d, int64_t r, float scale)
{
#pragma omp parallel
    {
        int64_t stop;
        const int64_t first = share_of_rows(n, &stop);
        for (int64_t i = 0; i < n_members; i++) {
            const member *m = members + i;
            float *own = thin + i * n * r;
            reduce(x, ldx, (maker){rows, m->words, (int16_t)limit}, m->a, own, first, stop, d, r, scale);
            expand_rows(own + first * r, m->b, 0, 0, outs[i] + first * m->n_out, m->n_out, stop - first, m->n_out, r);
        }
    }
}

static int64_t strips(int64_t columns) { return (columns + STRIP - 1) / STRIP; }

/* Gradients of `update`: those of A and B are added to the members', that of x to grad_x unless it is null. grads: of
 * the outs; scratch: for each member n * r floats, then with dropout for each n * 4 * ((d + 3) / 4) bytes. What is
 * wanted of a row is done first, then what is summed over rows, column by column. */
API void update_backward(const member *members, int64_t n_members, const float *x, int64_t ldx, const uint64_t *rows,
                         int64_t limit, const float *const *grads, const float *thin, float *grad_x, float *scratch,
                         int64_t n, int64_t d, int64_t r, float scale)
{
    const int64_t w = (d + 3) / 4, n_keep = rows ? n * 4 * w : 0;
    uint8_t *keep = rows ? (uint8_t *)(scratch + n_members * n * r) : 0;
    int64_t all = 0;
    for (int64_t i = 0; i < n_members; i++) all += strips(d) + strips(members[i].n_out);
#pragma omp parallel
    {
        int64_t stop;
        const int64_t first = share_of_rows(n, &stop);
        for (int64_t i = 0; i < n_members; i++) {
            const member *m = members + i;
            float *own = scratch + i * n * r;
            uint8_t *mask = keep ? keep + i * n_keep + first * 4 * w : 0;
            reduce(grads[i], m->n_out, (maker){0, 0, 0}, m->b, own, first, stop, m->n_out, r, scale);
            for (int64_t k = first; rows && k < stop; k++)
                keep_row(rows[k], m->words, mask + (k - first) * 4 * w, w, (int16_t)limit);
            if (grad_x) expand_rows(own + first * r, m->a, mask, 4 * w, grad_x + first * d, d, stop - first, d, r);
        }
#pragma omp barrier
        int64_t at = share(all, &stop);
        for (int64_t i = 0, before = 0; i < n_members; before += strips(d) + strips(members[i++].n_out)) {
            const member *m = members + i;
            const float *own = scratch + i * n * r;
            const uint8_t *mask = keep ? keep + i * n_keep : 0;
            for (; at < stop && at - before < strips(m->n_out); at++)
                outer_strip(grads[i], m->n_out, 0, 0, thin + i * n * r, m->grad_b, n, m->n_out, r, (at - before) * STRIP);
            for (; at < stop && at - before < strips(d) + strips(m->n_out); at++)
                outer_strip(x, ldx, mask, 4 * w, own, m->grad_a, n, d, r, (at - before - strips(m->n_out)) * STRIP);
        }
    }
}

/* ---- gated activation ----------------------------------------------------------------------------------------- */

/* exp with about two units in the last place, for |x| below 87: 2^n times a polynomial (Cephes expf). */
static inline float exp_fast(float x)
{
    x = x < -87.0f ? -87.0f : (x > 87.0f ? 87.0f : x);
    const float n = rintf(x * 1.44269504f);
    const float f = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1.0f;
    union { int32_t i; float f; } two = {((int32_t)n + 127) << 23};
    return p * two.f;
}

#define PIECE 4096 /* numbers worked on by one thread at a time */

static void gate_piece(const float *restrict gate, const float *restrict up, float *restrict out, int64_t n)
{
    for (int64_t i = 0; i < n; i++) out[i] = gate[i] * up[i] / (1.0f + exp_fast(-gate[i]));
}

/* out = silu(gate) * up */
API void silu_gate(const float *gate, const float *up, float *out, int64_t size)
{
#pragma omp parallel for schedule(static)
    for (int64_t at = 0; at < size; at += PIECE) gate_piece(gate + at, up + at, out + at, least(PIECE, size - at));
}

static void gate_piece_backward(const float *restrict grad, const float *restrict gate, const float *restrict up,
                                float *restrict grad_gate, float *restrict grad_up, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const float g = gate[i], s = 1.0f / (1.0f + exp_fast(-g));
        grad_gate[i] = grad[i] * up[i] * s * (1.0f + g * (1.0f - s));
        grad_up[i] = grad[i] * g * s;
    }
}

/* Gradients of silu_gate. */
API void silu_gate_backward(const float *grad, const float *gate, const float *up, float *grad_gate, float *grad_up,
                            int64_t size)
{
#pragma omp parallel for schedule(static)
    for (int64_t at = 0; at < size; at += PIECE)
        gate_piece_backward(grad + at, gate + at, up + at, grad_gate + at, grad_up + at, least(PIECE, size - at));
}

/* ---- root-mean-square norm ------------------------------------------------------------------------------------ */

/* y (n, d) = x * scale / rms(x); inverse (n) is kept for the backward pass. */
API void rms_norm(const float *x, const float *scale, float *y, float *inverse, int64_t n, int64_t d, float epsilon)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
        const float *row = x + i * d;
        float *out = y + i * d;
        vec s = splat(0);
        int64_t j = 0;
        for (; j + LANES <= d; j += LANES) s += load(row + j) * load(row + j);
        float sum = total(s);
        for (; j < d; j++) sum += row[j] * row[j];
        const float f = 1.0f / sqrtf(sum / (float)d + epsilon);
        inverse[i] = f;
        for (j = 0; j < d; j++) out[j] = scale[j] * (row[j] * f);
    }
}

/* grad_x (n, d) = gradient of rms_norm (+ residual, which may be null). */
API void rms_norm_backward(const float *grad, const float *x, const float *scale, const float *inverse,
                           const float *residual, float *grad_x, int64_t n, int64_t d)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
        const float *g = grad + i * d, *row = x + i * d;
        float *out = grad_x + i * d;
        vec s = splat(0);
        int64_t j = 0;
        for (; j + LANES <= d; j += LANES) s += load(g + j) * load(scale + j) * load(row + j);
        float sum = total(s);
        for (; j < d; j++) sum += g[j] * scale[j] * row[j];
        const float f = inverse[i], c = sum * f * f * f / (float)d;
        if (residual)
            for (j = 0; j < d; j++) out[j] = residual[i * d + j] + g[j] * scale[j] * f - row[j] * c;
        else
            for (j = 0; j < d; j++) out[j] = g[j] * scale[j] * f - row[j] * c;
    }
}

/* ---- rotary position encoding --------------------------------------------------------------------------------- */

/* y (n, h, e) = x turned by the angles of each row. Half-split layout, as in transformers:
 * y1 = x1 cos1 - x2 sin1, y2 = x2 cos2 + x1 sin2. */
API void rotate(const float *x, const float *cosine, const float *sine, float *y, int64_t n, int64_t h, int64_t e)
{
    const int64_t half = e / 2;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < h; k++) {
            const float *a = x + (i * h + k) * e, *c = cosine + i * e, *s = sine + i * e;
            float *restrict out = y + (i * h + k) * e;
            for (int64_t j = 0; j < half; j++) {
                out[j] = a[j] * c[j] - a[half + j] * s[j];
                out[half + j] = a[half + j] * c[half + j] + a[j] * s[half + j];
            }
        }
}

/* ---- attention ------------------------------------------------------------------------------------------------ */

/* Some queries of one node, rows [first, stop), and the rows of all keys up to the last query, in their order. */
typedef struct { int64_t first, stop, keys_at, n_keys; } piece;

typedef struct { int64_t n_heads, n_groups, size, window; } heads;

static int64_t padded(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

/* to (width, size) = rows of one group's keys or values, times scale; zeros beyond n. */
static void gather_keys(const float *from, const int64_t *rows, int64_t n, heads h, int64_t group, float scale, float *to)
{
    for (int64_t i = 0; i < n; i++) {
        const float *row = from + (rows[i] * h.n_groups + group) * h.size;
        for (int64_t e = 0; e < h.size; e++) to[i * h.size + e] = scale * row[e];
    }
    memset(to + n * h.size, 0, 4 * (size_t)((padded(n) - n) * h.size));
}

/* to (size, width): the same, transposed. */
static void gather_keys_across(const float *from, const int64_t *rows, int64_t n, heads h, int64_t group, float *to)
{
    const int64_t width = padded(n);
    memset(to, 0, 4 * (size_t)(width * h.size));
    for (int64_t i = 0; i < n; i++) {
        const float *row = from + (rows[i] * h.n_groups + group) * h.size;
        for (int64_t e = 0; e < h.size; e++) to[e * width + i] = row[e];
    }
}

/* to (J L, size) = the piece's rows of the J heads of one group, times scale. */
static void gather_queries(const float *from, piece p, heads h, int64_t group, float scale, float *to)
{
    const int64_t each = h.n_heads / h.n_groups, n = p.stop - p.first;
    for (int64_t j = 0; j < each; j++)
        for (int64_t i = 0; i < n; i++) {
            const float *row = from + ((p.first + i) * h.n_heads + group * each + j) * h.size;
            for (int64_t e = 0; e < h.size; e++) to[(j * n + i) * h.size + e] = scale * row[e];
        }
}

static void put_queries(const float *from, piece p, heads h, int64_t group, float *to)
{
    const int64_t each = h.n_heads / h.n_groups, n = p.stop - p.first;
    for (int64_t j = 0; j < each; j++)
        for (int64_t i = 0; i < n; i++)
            memcpy(to + ((p.first + i) * h.n_heads + group * each + j) * h.size, from + (j * n + i) * h.size,
                   4 * (size_t)h.size);
}

/* Scores (J L, width) to probabilities, in place: each query sees the keys of `window` positions up to its own. */
static void softmax(float *scores, piece p, heads h)
{
    const int64_t n = p.stop - p.first, width = padded(p.n_keys);
    for (int64_t row = 0; row < h.n_heads / h.n_groups * n; row++) {
        const int64_t last = p.n_keys - n + row % n, first = last - h.window + 1 > 0 ? last - h.window + 1 : 0;
        float *s = scores + row * width, most = s[first];
        vec sum = splat(0);
        for (int64_t j = first; j <= last; j++) most = s[j] > most ? s[j] : most;
        for (int64_t j = 0; j < width; j++) s[j] = exp_fast(s[j] - most);
        for (int64_t j = 0; j < first; j++) s[j] = 0;
        for (int64_t j = last + 1; j < width; j++) s[j] = 0;
        for (int64_t j = 0; j < width; j += LANES) sum += load(s + j);
        const float f = 1.0f / total(sum);
        for (int64_t j = 0; j < width; j += LANES) store(s + j, load(s + j) * f);
    }
}

/* Rows of the widest piece: of its queries, of its keys. */
static void widest(const piece *pieces, int64_t n_pieces, heads h, int64_t *queries, int64_t *width)
{
    *queries = *width = 0;
    for (int64_t i = 0; i < n_pieces; i++) {
        const int64_t n = h.n_heads / h.n_groups * (pieces[i].stop - pieces[i].first), w = padded(pieces[i].n_keys);
        *queries = n > *queries ? n : *queries, *width = w > *width ? w : *width;
    }
}

static void block(float **buffer, float **parts, const int64_t *sizes, int n)
{
    int64_t all = 0;
    for (int i = 0; i < n; i++) all += sizes[i];
    *buffer = malloc(4 * (size_t)all);
    for (int64_t i = 0, at = 0; i < n; at += sizes[i++]) parts[i] = *buffer ? *buffer + at : 0;
}

/* out (n, H, E): attention of queries (n, H, E) over keys and values (n, G, E), piece by piece; what no piece has stays.
 * Gives 1 when memory ran out. */
API int64_t attend(const float *q, const float *k, const float *v, float *out, const piece *pieces, int64_t n_pieces,
                   const int64_t *key_rows, int64_t n_heads, int64_t n_groups, int64_t size, int64_t window, float scale)
{
    const heads h = {n_heads, n_groups, size, window};
    int64_t queries, width, failed = 0;
    widest(pieces, n_pieces, h, &queries, &width);
#pragma omp parallel
    {
        float *buffer, *part[5];
        block(&buffer, part, (int64_t[]){queries * size, queries * width, queries * size, size * width, width * size}, 5);
#pragma omp for schedule(dynamic)
        for (int64_t at = 0; at < n_pieces * n_groups; at++) {
            const piece p = pieces[at / n_groups];
            const int64_t group = at % n_groups, n = n_heads / n_groups * (p.stop - p.first), w = padded(p.n_keys);
            float *own = part[0], *scores = part[1], *result = part[2], *across = part[3], *values = part[4];
            if (!buffer) {
#pragma omp atomic write
                failed = 1;
                continue;
            }
            gather_queries(q, p, h, group, scale, own);
            gather_keys_across(k, key_rows + p.keys_at, p.n_keys, h, group, across);
            gather_keys(v, key_rows + p.keys_at, p.n_keys, h, group, 1.0f, values);
            memset(scores, 0, 4 * (size_t)(n * w));
            memset(result, 0, 4 * (size_t)(n * size));
            expand_rows(own, across, 0, 0, scores, w, n, w, size);
            softmax(scores, p, h);
            expand_rows(scores, values, 0, 0, result, size, n, size, w);
            put_queries(result, p, h, group, out);
        }
        free(buffer);
    }
    return failed;
}

/* scores (J, width): products of the J queries of one group with n keys, times scale. */
static void score_rows(const float *q, const float *k, const int64_t *rows, int64_t n, heads h, int64_t group,
                       float scale, float *scores, int64_t width)
{
    const int64_t each = h.n_heads / h.n_groups;
    for (int64_t i = 0; i < n; i += BLOCK) {
        const float *keys[BLOCK], *queries[ADJACENT];
        float result[ADJACENT][BLOCK];
        for (int64_t b = 0; b < BLOCK; b++) keys[b] = k + (rows[least(i + b, n - 1)] * h.n_groups + group) * h.size;
        for (int64_t j = 0; j < each; j += ADJACENT) {
            for (int64_t b = 0; b < ADJACENT; b++) queries[b] = q + least(j + b, each - 1) * h.size;
            dots(keys, queries, h.size, result);
            for (int64_t c = 0; c < least(ADJACENT, each - j); c++)
                for (int64_t b = 0; b < least(BLOCK, n - i); b++) scores[(j + c) * width + i + b] = scale * result[c][b];
        }
    }
}

/* `vectors` vectors of out (m, size) from column e on: weights times the rows of one group's values. */
ALWAYS void weigh_columns(const float *const weights[BLOCK], const float *v, const int64_t *rows, int64_t n, heads h,
                          int64_t e, float *out, int64_t m, int vectors)
{
    vec s[BLOCK][WIDE];
    UNROLLED for (int b = 0; b < BLOCK; b++)
        UNROLLED for (int x = 0; x < vectors; x++) s[b][x] = splat(0);
    for (int64_t i = 0; i < n; i++) {
        const float *row = v + rows[i] * h.n_groups * h.size + e;
        vec p[WIDE];
        UNROLLED for (int x = 0; x < vectors; x++) p[x] = load(row + x * LANES);
        UNROLLED for (int b = 0; b < BLOCK; b++) {
            const vec f = splat(weights[b][i]);
            UNROLLED for (int x = 0; x < vectors; x++) s[b][x] += f * p[x];
        }
    }
    for (int64_t b = 0; b < m; b++)
        for (int x = 0; x < vectors; x++) store(out + b * h.size + e + x * LANES, s[b][x]);
}

/* out (J, size) = weights (J, width) times the rows of one group's values. */
static void weigh_rows(const float *weights, int64_t width, const float *v, const int64_t *rows, int64_t n, heads h,
                       int64_t group, float *out)
{
    const int64_t each = h.n_heads / h.n_groups;
    v += group * h.size;
    for (int64_t j = 0; j < each; j += BLOCK) {
        const int64_t m = least(BLOCK, each - j);
        const float *w[BLOCK];
        float *to = out + j * h.size;
        int64_t e = 0;
        for (int64_t b = 0; b < BLOCK; b++) w[b] = weights + (j + least(b, m - 1)) * width;
        for (; e + WIDE * LANES <= h.size; e += WIDE * LANES) weigh_columns(w, v, rows, n, h, e, to, m, WIDE);
        for (; e + LANES <= h.size; e += LANES) weigh_columns(w, v, rows, n, h, e, to, m, 1);
        for (; e < h.size; e++)
            for (int64_t b = 0; b < m; b++) {
                float s = 0;
                for (int64_t i = 0; i < n; i++) s += w[b][i] * v[rows[i] * h.n_groups * h.size + e];
                to[b * h.size + e] = s;
            }
    }
}

/* out (n, H, E): attention of one query of each sequence (n, H, E) over its counts[i] + 1 keys and values, which are rows
 * of (R, G, E): table (n, width). Gives 1 when memory ran out. */
API int64_t attend_rows(const float *q, const float *k, const float *v, float *out, const int64_t *table, int64_t width,
                        const int64_t *counts, int64_t n, int64_t n_heads, int64_t n_groups, int64_t size,
                        int64_t window, float scale)
{
    const heads h = {n_heads, n_groups, size, window};
    const int64_t each = n_heads / n_groups;
    int64_t failed = 0;
#pragma omp parallel
    {
        float *scores = malloc(4 * (size_t)(each * padded(width)));
#pragma omp for schedule(static)
        for (int64_t at = 0; at < n * n_groups; at++) {
            const int64_t i = at / n_groups, group = at % n_groups, n_keys = counts[i] + 1, w = padded(n_keys);
            const int64_t *rows = table + i * width, first = i * n_heads * size + group * each * size;
            if (!scores) {
#pragma omp atomic write
                failed = 1;
                continue;
            }
            score_rows(q + first, k, rows, n_keys, h, group, scale, scores, w);
            softmax(scores, (piece){0, 1, 0, n_keys}, h);
            weigh_rows(scores, w, v, rows, n_keys, h, group, out + first);
        }
        free(scores);
    }
    return failed;
}

/* Gradients of `attend`: of the queries' written, of keys' and values' added. Heads are done side by side, pieces one
 * after another, so that sums over pieces run in their order. */
API int64_t attend_backward(const float *q, const float *k, const float *v, const float *grad_out, float *grad_q,
                            float *grad_k, float *grad_v, const piece *pieces, int64_t n_pieces,
                            const int64_t *key_rows, int64_t n_heads, int64_t n_groups, int64_t size, int64_t window,
                            float scale)
{
    const heads h = {n_heads, n_groups, size, window};
    int64_t queries, width, failed = 0;
    widest(pieces, n_pieces, h, &queries, &width);
#pragma omp parallel
    {
        float *buffer, *part[9];
        const int64_t qs = queries * size, qw = queries * width, ws = width * size;
        block(&buffer, part, (int64_t[]){qs, qs, qs, qw, qw, ws, ws, ws, ws}, 9);
#pragma omp for schedule(static)
        for (int64_t group = 0; group < n_groups; group++) {
            float *own = part[0], *grad = part[1], *result = part[2], *scores = part[3], *slopes = part[4];
            float *across = part[5], *keys = part[6], *more_k = part[7], *more_v = part[8];
            if (!buffer) {
#pragma omp atomic write
                failed = 1;
                continue;
            }
            for (int64_t i = 0; i < n_pieces; i++) {
                const piece p = pieces[i];
                const int64_t *rows = key_rows + p.keys_at;
                const int64_t n = n_heads / n_groups * (p.stop - p.first), w = padded(p.n_keys);
                gather_queries(q, p, h, group, scale, own);
                gather_queries(grad_out, p, h, group, 1.0f, grad);
                gather_keys_across(k, rows, p.n_keys, h, group, across);
                memset(scores, 0, 4 * (size_t)(n * w));
                expand_rows(own, across, 0, 0, scores, w, n, w, size);
                softmax(scores, p, h);
                gather_keys_across(v, rows, p.n_keys, h, group, across);
                memset(slopes, 0, 4 * (size_t)(n * w));
                expand_rows(grad, across, 0, 0, slopes, w, n, w, size);
                memset(more_v, 0, 4 * (size_t)(w * size));
                outer_columns(grad, size, 0, 0, scores, more_v, n, size, w);
                for (int64_t row = 0; row < n; row++) {
                    float *s = slopes + row * w, *prob = scores + row * w;
                    vec sum = splat(0);
                    for (int64_t j = 0; j < w; j += LANES) sum += load(s + j) * load(prob + j);
                    const float mean = total(sum);
                    for (int64_t j = 0; j < w; j += LANES) store(s + j, (load(s + j) - mean) * load(prob + j));
                }
                memset(more_k, 0, 4 * (size_t)(w * size));
                outer_columns(own, size, 0, 0, slopes, more_k, n, size, w);
                gather_keys(k, rows, p.n_keys, h, group, scale, keys);
                memset(result, 0, 4 * (size_t)(n * size));
                expand_rows(slopes, keys, 0, 0, result, size, n, size, w);
                put_queries(result, p, h, group, grad_q);
                for (int64_t j = 0; j < p.n_keys; j++)
                    for (int64_t e = 0; e < size; e++) {
                        grad_k[(rows[j] * n_groups + group) * size + e] += more_k[j * size + e];
                        grad_v[(rows[j] * n_groups + group) * size + e] += more_v[j * size + e];
                    }
            }
        }
        free(buffer);
    }
    return failed;
}
