// What a history's likes share with each other and with those of other items: signals/posterior.py, in tiles.
//
// A history is filled up to whole tiles with entries that share nothing with anything.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "tiles.h"

constexpr int PANEL = Tile<double>::WIDE; // columns of the factor at a time; a multiple of every ROWS

// Vectors of items by which likes resemble each other; those of the history side by side with what is asked about.
struct Space {
    const float* rows; // of all items
    int64_t width;
    float amplitude;  // 0: the factors, whose products count as they are
    float* met;       // (n, width) of the history
    float* met_there; // (n) 1 where the item has a vector, or 0
};

// b (width, BLOCK): the vectors of `count` items, one a column, the rest zeros; `there` (BLOCK) as above
static void gather(const Space& space, const int64_t* item, int64_t count, float* b, float* there) {
    const int64_t width = space.width;
    memset(b, 0, width * BLOCK * sizeof(float));
    memset(there, 0, BLOCK * sizeof(float));
    for (int64_t i = 0; i < count; i++) {
        const float* row = space.rows + item[i] * width;
        bool any = false;
        for (int64_t k = 0; k < width; k++) {
            b[k * BLOCK + i] = row[k];
            any |= row[k] != 0;
        }
        there[i] = any;
    }
}

// c (n, BLOCK) += amplitude · exp((cosine - 1) / near) of the history and gathered items; `rate`: log2(e) / near
static void add_near(const Space& space, int64_t first, int64_t n, const float* b, const float* there, float rate,
                     float* scratch, float* c) {
    memset(scratch + first * BLOCK, 0, (n - first) * BLOCK * sizeof(float));
    multiply<float>(n - first, space.width, space.met + first * space.width, space.width, b, scratch + first * BLOCK);
    for (int64_t r = first; r < n; r++) {
        const float scale = space.amplitude * space.met_there[r];
        const float* from = scratch + r * BLOCK;
        float* to = c + r * BLOCK;
        for (int i = 0; i < BLOCK; i++) {
            const float value = power_of_two((from[i] - 1.0f) * rate);
            to[i] += scale * there[i] * value;
        }
    }
}

// The lower factor of a matrix (n, n) in its place, PANEL columns after PANEL columns, each (n, PANEL); `inverse`: of
// each panel's own (PANEL, PANEL) block. False where the matrix has none.
static bool factorise(int64_t n, double* panels, double* inverse) {
    double packed[PANEL * PANEL], transposed[PANEL * PANEL], rows[DOUBLE_ROWS * PANEL];
    for (int64_t first = 0; first < n; first += PANEL) {
        double* own = panels + first * n;
        for (int64_t before = 0; before < first; before += PANEL) {
            const double* left = panels + before * n + first * PANEL;
            for (int c = 0; c < PANEL; c++)
                for (int k = 0; k < PANEL; k++) packed[k * PANEL + c] = -left[c * PANEL + k];
            multiply<double>(n - first, PANEL, left, PANEL, packed, own + first * PANEL);
        }
        double* block = own + first * PANEL;
        for (int j = 0; j < PANEL; j++) {
            const double square = block[j * PANEL + j];
            if (!(square > 0)) return false;
            const double root = std::sqrt(square);
            block[j * PANEL + j] = root;
            for (int i = j + 1; i < PANEL; i++) block[j * PANEL + i] = 0;
            for (int i = j + 1; i < PANEL; i++) block[i * PANEL + j] /= root;
            for (int i = j + 1; i < PANEL; i++)
                for (int k = j + 1; k <= i; k++) block[i * PANEL + k] -= block[i * PANEL + j] * block[k * PANEL + j];
        }
        double* inverted = inverse + first * PANEL;
        memset(inverted, 0, PANEL * PANEL * sizeof(double));
        for (int i = 0; i < PANEL; i++) {
            double sum[PANEL] = {};
            for (int k = 0; k < i; k++)
                for (int c = 0; c < PANEL; c++) sum[c] -= block[i * PANEL + k] * inverted[k * PANEL + c];
            sum[i] += 1;
            for (int c = 0; c < PANEL; c++) inverted[i * PANEL + c] = sum[c] / block[i * PANEL + i];
        }
        for (int i = 0; i < PANEL; i++)
            for (int c = 0; c < PANEL; c++) transposed[c * PANEL + i] = inverted[i * PANEL + c];
        for (int64_t r = first + PANEL; r < n; r += DOUBLE_ROWS) {
            memcpy(rows, own + r * PANEL, sizeof rows);
            memset(own + r * PANEL, 0, sizeof rows);
            multiply<double>(DOUBLE_ROWS, PANEL, rows, PANEL, transposed, own + r * PANEL);
        }
    }
    return true;
}

// What is asked. `factors` (·, rank) and `vectors` (·, widths) by item; `met` and `item`: rows of these; `residual` and
// `noises` (history): what a like was above its item's mean, and its variance; `noise`, `near`, `drift` and `lasts` as
// signals/posterior.py has them.
struct Told {
    int64_t history, asked;
    const int64_t *met, *item;
    const double *residual, *noises;
    int64_t rank;
    const float* factors;
    int64_t spaces;
    const float* const* vectors;
    const int64_t* widths;
    const double* amplitudes;
    double noise, near, drift, lasts;
};
constexpr int MOST_SPACES = 8;

// A history's covariances, and what of it is needed to have those of items with it.
struct Covariances {
    const Told& told;
    int64_t n; // entries, filled up to whole tiles
    float rate;
    Space all[1 + MOST_SPACES];
    float *gathered, *there, *common, *scratch;
    double *panels, *drifting, *residual, *fading;
    bool failed = false;

    Covariances(const Told& told, Arena& arena)
        : told(told), n((told.history + PANEL - 1) / PANEL * PANEL),
          rate(static_cast<float>(1.4426950408889634 / told.near)) {
        if ((failed = told.spaces > MOST_SPACES)) return;
        const int64_t history = told.history;
        all[0] = {told.factors, told.rank, 0.0f, nullptr, nullptr};
        for (int64_t s = 0; s < told.spaces; s++)
            all[1 + s] = {told.vectors[s], told.widths[s], static_cast<float>(told.amplitudes[s]), nullptr, nullptr};
        int64_t widest = 1;
        for (int64_t s = 0; s <= told.spaces; s++) {
            Space& space = all[s];
            widest = space.width > widest ? space.width : widest;
            space.met = arena.zeros<float>(n * space.width);
            space.met_there = arena.zeros<float>(n);
            if ((failed = arena.failed)) return;
            for (int64_t r = 0; r < history; r++) {
                const float* row = space.rows + told.met[r] * space.width;
                memcpy(space.met + r * space.width, row, space.width * sizeof(float));
                for (int64_t k = 0; k < space.width; k++)
                    if (row[k] != 0) space.met_there[r] = 1;
            }
        }
        gathered = arena.zeros<float>(widest * BLOCK), there = arena.zeros<float>(BLOCK);
        common = arena.zeros<float>(n * BLOCK), scratch = arena.zeros<float>(n * BLOCK);
        panels = arena.zeros<double>(n * n), drifting = arena.zeros<double>(n * n);
        residual = arena.zeros<double>(n), fading = arena.zeros<double>(n + 1);
        double *exact = arena.zeros<double>(n * told.rank), *column = arena.zeros<double>(told.rank * PANEL);
        if ((failed = arena.failed)) return;
        memcpy(residual, told.residual, history * sizeof(double));
        for (int64_t i = 0; i <= history; i++) fading[i] = told.drift * std::exp(-static_cast<double>(i) / told.lasts);
        within(exact, column);
    }

    // Within the history: factors in float64, spaces in float32, as whole_history has them.
    void within(double* exact, double* column) {
        const int64_t rank = told.rank, history = told.history;
        for (int64_t i = 0; i < n * rank; i++) exact[i] = all[0].met[i];
        for (int64_t first = 0; first < n; first += PANEL) {
            for (int64_t k = 0; k < rank; k++)
                for (int c = 0; c < PANEL; c++) column[k * PANEL + c] = exact[(first + c) * rank + k];
            multiply<double>(n - first, rank, exact + first * rank, rank, column, panels + first * n + first * PANEL);
        }
        for (int64_t first = 0; first < history && told.spaces; first += BLOCK) {
            const int64_t count = history - first < BLOCK ? history - first : BLOCK;
            memset(common, 0, n * BLOCK * sizeof(float));
            for (int64_t s = 1; s <= told.spaces; s++) {
                gather(all[s], told.met + first, count, gathered, there);
                add_near(all[s], first, n, gathered, there, rate, scratch, common);
            }
            for (int64_t panel = first; panel < n && panel < first + BLOCK; panel += PANEL)
                for (int64_t r = panel; r < n; r++)
                    for (int c = 0; c < PANEL; c++)
                        panels[panel * n + r * PANEL + c] += common[r * BLOCK + panel - first + c];
        }
        for (int64_t i = 0; i < n; i++)
            panels[i / PANEL * PANEL * n + i * PANEL + i % PANEL] += i < history ? told.noises[i] : 1.0;
        memcpy(drifting, panels, n * n * sizeof(double));
        for (int64_t first = 0; first < n; first += PANEL)
            for (int64_t r = first; r < history; r++)
                for (int64_t c = 0; c < PANEL && first + c <= r; c++)
                    drifting[first * n + r * PANEL + c] += fading[r - first - c];
    }

    // Fills `common` (n, BLOCK): what `count` items share with the history; variance (BLOCK): with themselves.
    void with(const int64_t* item, int64_t count, float* variance) {
        const int64_t rank = told.rank;
        memset(variance, 0, BLOCK * sizeof(float));
        memset(common, 0, n * BLOCK * sizeof(float));
        gather(all[0], item, count, gathered, there);
        for (int64_t k = 0; k < rank; k++)
            for (int i = 0; i < BLOCK; i++) variance[i] += gathered[k * BLOCK + i] * gathered[k * BLOCK + i];
        multiply<float>(n, rank, all[0].met, rank, gathered, common);
        for (int64_t s = 1; s <= told.spaces; s++) {
            gather(all[s], item, count, gathered, there);
            for (int i = 0; i < BLOCK; i++) variance[i] += all[s].amplitude * there[i];
            add_near(all[s], 0, n, gathered, there, rate, scratch, common);
        }
    }
};
