// What kernels of serving share: products by tiles of registers, and the memory of one call.
//
// Items stand side by side, BLOCK of them, so that a row of numbers is one number of each.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#ifdef __AVX512F__
constexpr int BYTES = 64, FLOAT_COLS = 4, DOUBLE_ROWS = 8;
#else
constexpr int BYTES = 32, FLOAT_COLS = 2, DOUBLE_ROWS = 4;
#endif

template <typename T> struct Tile;
template <> struct Tile<float> {
    typedef float Vector __attribute__((vector_size(BYTES), aligned(4), may_alias));
    static constexpr int LANES = BYTES / 4, COLS = FLOAT_COLS, ROWS = 4, WIDE = COLS * LANES;
};
template <> struct Tile<double> {
    typedef double Vector __attribute__((vector_size(BYTES), aligned(8), may_alias));
    static constexpr int LANES = BYTES / 8, COLS = 2, ROWS = DOUBLE_ROWS, WIDE = COLS * LANES;
};
constexpr int BLOCK = Tile<float>::WIDE; // items at a time

// c (rows, WIDE) += a (rows, k), of which a row is `step` long, times b (k, WIDE); rows are whole tiles
template <typename T>
static void multiply(int64_t rows, int64_t k, const T* a, int64_t step, const T* b, T* c) {
    using Of = Tile<T>;
    using Vector = typename Of::Vector;
    for (int64_t r = 0; r < rows; r += Of::ROWS) {
        Vector sum[Of::ROWS][Of::COLS];
#pragma GCC unroll 32
        for (int q = 0; q < Of::ROWS; q++)
#pragma GCC unroll 32
            for (int n = 0; n < Of::COLS; n++)
                sum[q][n] = *reinterpret_cast<const Vector*>(c + (r + q) * Of::WIDE + n * Of::LANES);
        for (int64_t i = 0; i < k; i++) {
            Vector right[Of::COLS];
#pragma GCC unroll 32
            for (int n = 0; n < Of::COLS; n++)
                right[n] = *reinterpret_cast<const Vector*>(b + i * Of::WIDE + n * Of::LANES);
#pragma GCC unroll 32
            for (int q = 0; q < Of::ROWS; q++) {
                const T left = a[(r + q) * step + i];
#pragma GCC unroll 32
                for (int n = 0; n < Of::COLS; n++) sum[q][n] += left * right[n];
            }
        }
#pragma GCC unroll 32
        for (int q = 0; q < Of::ROWS; q++)
#pragma GCC unroll 32
            for (int n = 0; n < Of::COLS; n++)
                *reinterpret_cast<Vector*>(c + (r + q) * Of::WIDE + n * Of::LANES) = sum[q][n];
    }
}

// 2^power, to 2e-7 of it; powers beyond what float32 holds count as the last it holds
static inline float power_of_two(float power) {
    power = power < -126.0f ? -126.0f : power > 126.0f ? 126.0f : power;
    const float whole = floorf(power + 0.5f), x = power - whole; // 2^power = 2^whole · 2^x, |x| <= 1/2
    float value = 1.52527338e-5f;                                // ln(2)^k / k!, k from 7 to 0
    value = value * x + 1.54035304e-4f;
    value = value * x + 1.33335581e-3f;
    value = value * x + 9.61812911e-3f;
    value = value * x + 5.55041087e-2f;
    value = value * x + 2.40226507e-1f;
    value = value * x + 6.93147181e-1f;
    value = value * x + 1.0f;
    int32_t bits;
    memcpy(&bits, &value, 4);
    bits += static_cast<int32_t>(whole) * (1 << 23);
    memcpy(&value, &bits, 4);
    return value;
}

// Memory of one call, let go of at its end.
struct Arena {
    static constexpr int MOST = 64; // pieces
    void* held[MOST];
    int count = 0;
    bool failed = false;
    template <typename T> T* zeros(int64_t size) {
        void* got = count < MOST ? aligned_alloc(64, (size * sizeof(T) + 127) / 64 * 64) : nullptr;
        if (!got) {
            failed = true;
            return nullptr;
        }
        memset(got, 0, size * sizeof(T));
        held[count++] = got;
        return static_cast<T*>(got);
    }
    ~Arena() {
        while (count) free(held[--count]);
    }
};
