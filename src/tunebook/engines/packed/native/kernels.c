/* The small work between the large multiplies, in one pass over the data each; float32.
 *
 * torch does the same in several passes (native/__init__.py falls back to that). Every result of a row depends on that
 * row alone, and sums run in a fixed order, so results depend neither on the other rows nor on the number of threads.
 * Vectors are GCC's and clang's own, so nothing here is bound to one processor family.
 */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <string.h>

#define API __attribute__((visibility("default")))
#define LANES 8
typedef float vec __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES), aligned(4)));

static inline vec load(const float *p) { return *(const vec *)p; }
static inline void store(float *p, vec v) { *(vec *)p = v; }
static inline vec splat(float x) { return (vec){x, x, x, x, x, x, x, x}; }
static inline float total(vec v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }
static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Threads of the loops below when they are entered from the calling thread. */
API void set_threads(int64_t n) { omp_set_num_threads((int)n); }

/* ---- dropout ------------------------------------------------------------------------------------------------- */

#define WORDS 256

/* keep (n, 4 w): 1 where the 16-bit lane of the mixed 64-bit number is at least the threshold (dropout.py: _mixed). */
API void keep_masks(const uint64_t *rows, const uint64_t *words, uint8_t *keep, int64_t n, int64_t w, int64_t threshold)
{
    const int16_t limit = (int16_t)threshold;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
        const uint64_t row = rows[i];
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
            uint8_t *out = keep + (i * w + j) * 4;
            for (int64_t k = 0; k < 4 * m; k++) out[k] = lanes[k] >= limit;
        }
    }
}

/* Eight numbers where keep is 1, zeros elsewhere. */
static inline vec kept(vec x, const uint8_t *keep)
{
    ivec m;
    for (int k = 0; k < LANES; k++) m[k] = -(int32_t)keep[k];
    return (vec)((ivec)x & m);
}

/* ---- thin multiplies ------------------------------------------------------------------------------------------ */

#define MAX_WIDTH 8192  /* longest masked row that is buffered; native/__init__.py keeps wider ones away */
#define BLOCK 4         /* rows, or ranks, that share one load */
#define ROWS 16         /* rows that share a pass over a; a multiple of BLOCK */
#define STRIP 16        /* columns of an outer product worked on at a time: one cache line */
#define CHUNK 256       /* rows of a strip */

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

/* Dot products of four rows with two rows of a. */
static inline void dots(const float *const x[BLOCK], const float *a0, const float *a1, int64_t d, float out[BLOCK][2])
{
    vec s[BLOCK][2];
    for (int i = 0; i < BLOCK; i++) s[i][0] = s[i][1] = splat(0);
    int64_t j = 0;
    for (; j + LANES <= d; j += LANES) {
        const vec p = load(a0 + j), q = load(a1 + j);
        for (int i = 0; i < BLOCK; i++) {
            const vec v = load(x[i] + j);
            s[i][0] += v * p;
            s[i][1] += v * q;
        }
    }
    for (int i = 0; i < BLOCK; i++) {
        out[i][0] = total(s[i][0]), out[i][1] = total(s[i][1]);
        for (int64_t k = j; k < d; k++) out[i][0] += x[i][k] * a0[k], out[i][1] += x[i][k] * a1[k];
    }
}

/* One block of rows of thin_reduce: every pair of ranks meets all its rows while it lies in the nearest cache. */
static void reduce_rows(const float *const rows[ROWS], const float *a, float *out, int64_t m, int64_t d, int64_t r,
                        float scale)
{
    float result[BLOCK][2];
    for (int64_t k = 0; k < r; k += 2)
        for (int64_t i = 0; i < m; i += BLOCK) {
            dots(rows + i, a + k * d, a + least(k + 1, r - 1) * d, d, result);
            for (int64_t b = 0; b < least(BLOCK, m - i); b++) {
                out[(i + b) * r + k] = scale * result[b][0];
                if (k + 1 < r) out[(i + b) * r + k + 1] = scale * result[b][1];
            }
        }
}

/* out (n, r) = scale * (x masked) a^T with x (n, d), a (r, d). keep may be null. */
API void thin_reduce(const float *x, int64_t ldx, const uint8_t *keep, int64_t ldk, const float *a, float *out,
                     int64_t n, int64_t d, int64_t r, float scale)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i += ROWS) {
        float masked[ROWS][MAX_WIDTH];
        const float *rows[ROWS];
        const int64_t m = least(ROWS, n - i);
        for (int64_t b = 0; b < ROWS; b++) {
            const int64_t row = i + least(b, m - 1);
            rows[b] = x + row * ldx;
            if (keep && b < m) masked_row(rows[b], keep + row * ldk, masked[b], d);
            if (keep) rows[b] = masked[least(b, m - 1)];
        }
        reduce_rows(rows, a, out + i * r, m, d, r, scale);
    }
}

/* out (n, d) += (left right) masked, with left (n, r), right (r, d). */
API void thin_expand(const float *left, const float *right, const uint8_t *keep, int64_t ldk, float *out, int64_t ldo,
                     int64_t n, int64_t d, int64_t r)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t m = least(BLOCK, n - i);
        const float *l[BLOCK];
        for (int64_t b = 0; b < BLOCK; b++) l[b] = left + (i + least(b, m - 1)) * r;
        int64_t j = 0;
        for (; j + 2 * LANES <= d; j += 2 * LANES) {
            vec s[BLOCK][2];
            for (int b = 0; b < BLOCK; b++) s[b][0] = s[b][1] = splat(0);
            for (int64_t k = 0; k < r; k++) {
                const vec p = load(right + k * d + j), q = load(right + k * d + j + LANES);
                for (int b = 0; b < BLOCK; b++) {
                    s[b][0] += splat(l[b][k]) * p;
                    s[b][1] += splat(l[b][k]) * q;
                }
            }
            for (int64_t b = 0; b < m; b++)
                for (int h = 0; h < 2; h++) {
                    float *to = out + (i + b) * ldo + j + h * LANES;
                    store(to, load(to) + kept(s[b][h], keep + (i + b) * ldk + j + h * LANES));
                }
        }
        for (; j < d; j++)
            for (int64_t b = 0; b < m; b++) {
                float s = 0;
                for (int64_t k = 0; k < r; k++) s += l[b][k] * right[k * d + j];
                if (keep[(i + b) * ldk + j]) out[(i + b) * ldo + j] += s;
            }
    }
}

/* Add to acc (BLOCK ranks of one strip) the products of `rows` rows. */
static inline void outer_block(float strip[CHUNK][STRIP], const float *left, int64_t r, int64_t rows, float *const acc[BLOCK])
{
    vec s[BLOCK][2];
    for (int b = 0; b < BLOCK; b++) s[b][0] = load(acc[b]), s[b][1] = load(acc[b] + LANES);
    for (int64_t i = 0; i < rows; i++) {
        const vec p = load(strip[i]), q = load(strip[i] + LANES);
        for (int b = 0; b < BLOCK; b++) {
            const vec f = splat(left[i * r + b]);
            s[b][0] += f * p;
            s[b][1] += f * q;
        }
    }
    for (int b = 0; b < BLOCK; b++) store(acc[b], s[b][0]), store(acc[b] + LANES, s[b][1]);
}

static void outer_strip(const float *x, int64_t ldx, const uint8_t *keep, int64_t ldk, const float *left, float *acc,
                        int64_t n, int64_t d, int64_t r, int64_t j)
{
    const int64_t width = least(STRIP, d - j);
    float strip[CHUNK][STRIP], spare[BLOCK][STRIP], *to[BLOCK];
    for (int64_t at = 0; at < n; at += CHUNK) {
        const int64_t rows = least(CHUNK, n - at);
        for (int64_t i = 0; i < rows; i++) {
            const float *from = x + (at + i) * ldx + j;
            const uint8_t *k = keep + (at + i) * ldk + j;
            if (width == STRIP)
                for (int64_t c = 0; c < STRIP; c += LANES) store(strip[i] + c, kept(load(from + c), k + c));
            else
                for (int64_t c = 0; c < STRIP; c++) strip[i][c] = c < width && k[c] ? from[c] : 0.0f;
        }
        for (int64_t k = 0; k + BLOCK <= r; k += BLOCK) {
            for (int b = 0; b < BLOCK; b++) {
                to[b] = spare[b];
                memcpy(spare[b], acc + (k + b) * d + j, 4 * (size_t)width);
            }
            outer_block(strip, left + at * r + k, r, rows, to);
            for (int b = 0; b < BLOCK; b++) memcpy(acc + (k + b) * d + j, spare[b], 4 * (size_t)width);
        }
        for (int64_t k = r / BLOCK * BLOCK; k < r; k++)
            for (int64_t i = 0; i < rows; i++)
                for (int64_t c = 0; c < width; c++) acc[k * d + j + c] += left[(at + i) * r + k] * strip[i][c];
    }
}

/* acc (r, d) += left^T (x masked), with left (n, r), x (n, d). */
API void thin_outer(const float *x, int64_t ldx, const uint8_t *keep, int64_t ldk, const float *left, float *acc,
                    int64_t n, int64_t d, int64_t r)
{
#pragma omp parallel for schedule(static)
    for (int64_t j = 0; j < d; j += STRIP) outer_strip(x, ldx, keep, ldk, left, acc, n, d, r, j);
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
