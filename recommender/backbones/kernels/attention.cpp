// DIN's attention, forward and backward, over the history slots that are there: padding costs nothing.
//
// Slots are taken in blocks that stay in cache, so that neither the products of candidate and past nor their gradients
// are ever written to memory. Compiled for fixed sizes: WIDTH of an item's vector, FIRST and SECOND units of the attention.
// A row of `items` and `feedbacks` is a past vector and what the first layer makes of it: WIDTH + FIRST numbers.
#include <cstdint>
#include <cstring>

#ifdef __AVX512F__
constexpr int LANES = 16, REGISTERS = 24;
#else
constexpr int LANES = 8, REGISTERS = 12;
#endif
constexpr int BLOCK = 64;
using Vector = float __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

static inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
static inline void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }

template <int ROWS, int K, int N, int COLS>
static inline void tile(const float* a, const float* b, float* c) {
    Vector sum[ROWS][COLS];
#pragma GCC unroll 32
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 32
        for (int n = 0; n < COLS; n++) sum[r][n] = load(c + r * N + n * LANES);
    for (int k = 0; k < K; k++) {
        Vector right[COLS];
#pragma GCC unroll 32
        for (int n = 0; n < COLS; n++) right[n] = load(b + k * N + n * LANES);
#pragma GCC unroll 32
        for (int r = 0; r < ROWS; r++) {
            const float left = a[r * K + k];
#pragma GCC unroll 32
            for (int n = 0; n < COLS; n++) sum[r][n] += left * right[n];
        }
    }
#pragma GCC unroll 32
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 32
        for (int n = 0; n < COLS; n++) store(c + r * N + n * LANES, sum[r][n]);
}
// c (rows, N) += a (rows, K) b (K, N)
template <int K, int N>
static inline void multiply(int rows, const float* a, const float* b, float* c) {
    constexpr int VECTORS = N / LANES;
    constexpr int COLS = VECTORS % 4 == 0 ? 4 : VECTORS % 2 == 0 ? 2 : 1;
    constexpr int ROWS = REGISTERS / COLS;
    int r = 0;
    for (; r + ROWS <= rows; r += ROWS)
        for (int n = 0; n < VECTORS; n += COLS) tile<ROWS, K, N, COLS>(a + r * K, b + n * LANES, c + r * N + n * LANES);
    for (; r < rows; r++)
        for (int n = 0; n < VECTORS; n += COLS) tile<1, K, N, COLS>(a + r * K, b + n * LANES, c + r * N + n * LANES);
}
// c (M, N) += aT b with a (rows, M), b (rows, N)
template <int M, int N>
static inline void outer(int rows, const float* a, const float* b, float* c) {
    constexpr int VECTORS = N / LANES;
    constexpr int COLS = VECTORS % 4 == 0 ? 4 : VECTORS % 2 == 0 ? 2 : 1;
    constexpr int HIGH = REGISTERS / COLS >= 4 ? 4 : 2;
    static_assert(M % HIGH == 0);
    for (int m = 0; m < M; m += HIGH)
        for (int n = 0; n < VECTORS; n += COLS) {
            Vector sum[HIGH][COLS];
#pragma GCC unroll 32
            for (int h = 0; h < HIGH; h++)
#pragma GCC unroll 32
                for (int v = 0; v < COLS; v++) sum[h][v] = load(c + (m + h) * N + (n + v) * LANES);
            for (int r = 0; r < rows; r++) {
                Vector right[COLS];
#pragma GCC unroll 32
                for (int v = 0; v < COLS; v++) right[v] = load(b + r * N + (n + v) * LANES);
#pragma GCC unroll 32
                for (int h = 0; h < HIGH; h++) {
                    const float left = a[r * M + m + h];
#pragma GCC unroll 32
                    for (int v = 0; v < COLS; v++) sum[h][v] += left * right[v];
                }
            }
#pragma GCC unroll 32
            for (int h = 0; h < HIGH; h++)
#pragma GCC unroll 32
                for (int v = 0; v < COLS; v++) store(c + (m + h) * N + (n + v) * LANES, sum[h][v]);
        }
}

constexpr int W = WIDTH, A = FIRST, S = SECOND, ROW = W + A;

struct Block {
    int rows = 0;
    int64_t sample[BLOCK];
    const float *item[BLOCK], *feedback[BLOCK];
    int64_t place_item[BLOCK], place_feedback[BLOCK];
    alignas(64) float past[BLOCK * W], product[BLOCK * W], first[BLOCK * A], second[BLOCK * S];
    alignas(64) float of_product[BLOCK * W], of_first[BLOCK * A], of_second[BLOCK * S], weight[BLOCK];
};

extern "C" void forward(int64_t samples, int64_t length, const int64_t* item, const int64_t* feedback,
                           const float* candidate, const float* of_candidate, const float* items, const float* feedbacks,
                           const float* product_t, const float* second_t, const float* second_bias, const float* last,
                           const float* last_bias, float* pooled, float* firsts, float* seconds, float* weights) {
    static thread_local Block block;
    block.rows = 0;
    int64_t done = 0;
    memset(pooled, 0, samples * W * sizeof(float));
    auto flush = [&] {
        const int rows = block.rows;
        float *first = firsts + done * A, *second = seconds + done * S;
        multiply<W, A>(rows, block.product, product_t, first);
        for (int i = 0; i < rows * A; i++) first[i] = first[i] > 0 ? first[i] : 0;
        for (int r = 0; r < rows; r++) memcpy(second + r * S, second_bias, S * sizeof(float));
        multiply<A, S>(rows, first, second_t, second);
        for (int r = 0; r < rows; r++) {
            float weight = *last_bias;
            for (int s = 0; s < S; s++) {
                float& x = second[r * S + s];
                x = x > 0 ? x : 0;
                weight += x * last[s];
            }
            weights[done + r] = weight;
            float* to = pooled + block.sample[r] * W;
            for (int w = 0; w < W; w++) to[w] += weight * block.past[r * W + w];
        }
        done += rows;
        block.rows = 0;
    };
    for (int64_t b = 0; b < samples; b++)
        for (int64_t l = 0; l < length; l++) {
            const int64_t which = item[b * length + l];
            if (which == 0) continue;
            const int r = block.rows++;
            const float *of_item = items + which * ROW, *of_feedback = feedbacks + feedback[b * length + l] * ROW;
            const float *q = candidate + b * W, *start = of_candidate + b * A;
            block.sample[r] = b;
            for (int w = 0; w < W; w++) {
                const float past = of_item[w] + of_feedback[w];
                block.past[r * W + w] = past;
                block.product[r * W + w] = q[w] * past;
            }
            float* first = firsts + (done + r) * A;
            for (int a = 0; a < A; a++) first[a] = start[a] + of_item[W + a] + of_feedback[W + a];
            if (block.rows == BLOCK) flush();
        }
    flush();
}

extern "C" void backward(int64_t samples, int64_t length, const int64_t* item, const int64_t* feedback,
                         const float* candidate, const float* items, const float* feedbacks, const float* product,
                         const float* second_w, const float* last, const float* firsts, const float* seconds,
                         const float* weights, const float* grad, float* d_candidate, float* d_of_candidate,
                         float* d_items, float* d_feedbacks, float* d_product, float* d_second, float* d_second_bias,
                         float* d_last, float* d_last_bias) {
    static thread_local Block block;
    block.rows = 0;
    int64_t done = 0;
    float bias = 0;
    auto flush = [&] {
        const int rows = block.rows;
        const float *first = firsts + done * A, *second = seconds + done * S;
        for (int r = 0; r < rows; r++) {
            const float* up = grad + block.sample[r] * W;
            float sum = 0;
            for (int w = 0; w < W; w++) sum += up[w] * block.past[r * W + w];
            bias += sum;
            for (int s = 0; s < S; s++) {
                const float x = second[r * S + s];
                d_last[s] += sum * x;
                const float down = x > 0 ? sum * last[s] : 0;
                block.of_second[r * S + s] = down;
                d_second_bias[s] += down;
            }
        }
        outer<S, A>(rows, block.of_second, first, d_second);
        memset(block.of_first, 0, rows * A * sizeof(float));
        multiply<S, A>(rows, block.of_second, second_w, block.of_first);
        for (int i = 0; i < rows * A; i++) block.of_first[i] = first[i] > 0 ? block.of_first[i] : 0;
        outer<A, W>(rows, block.of_first, block.product, d_product);
        memset(block.of_product, 0, rows * W * sizeof(float));
        multiply<A, W>(rows, block.of_first, product, block.of_product);
        for (int r = 0; r < rows; r++) {
            const int64_t b = block.sample[r];
            const float *up = grad + b * W, *q = candidate + b * W, weight = weights[done + r];
            float *d_q = d_candidate + b * W, *d_start = d_of_candidate + b * A;
            float *d_item = d_items + block.place_item[r] * ROW, *d_feedback = d_feedbacks + block.place_feedback[r] * ROW;
            for (int w = 0; w < W; w++) {
                const float down = block.of_product[r * W + w];
                d_q[w] += down * block.past[r * W + w];
                const float of_past = down * q[w] + weight * up[w];
                d_item[w] += of_past;
                d_feedback[w] += of_past;
            }
            for (int a = 0; a < A; a++) {
                const float down = block.of_first[r * A + a];
                d_start[a] += down;
                d_item[W + a] += down;
                d_feedback[W + a] += down;
            }
        }
        done += rows;
        block.rows = 0;
    };
    for (int64_t b = 0; b < samples; b++)
        for (int64_t l = 0; l < length; l++) {
            const int64_t which = item[b * length + l];
            if (which == 0) continue;
            const int64_t how = feedback[b * length + l];
            const int r = block.rows++;
            const float *of_item = items + which * ROW, *of_feedback = feedbacks + how * ROW, *q = candidate + b * W;
            block.sample[r] = b;
            block.place_item[r] = which;
            block.place_feedback[r] = how;
            for (int w = 0; w < W; w++) {
                const float past = of_item[w] + of_feedback[w];
                block.past[r * W + w] = past;
                block.product[r * W + w] = q[w] * past;
            }
            if (block.rows == BLOCK) flush();
        }
    flush();
    *d_last_bias += bias;
}
