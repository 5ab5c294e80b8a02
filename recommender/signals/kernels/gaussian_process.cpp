// What a whole history says of many items: signals/whole_history.py, whose docstring has the mathematics.
//
// The history's covariance is factorised in float64, K = L Lᵀ. An item's mean is k K⁻¹ r; its variance is k(i, i) minus
// the square of L⁻¹ kᵀ, which is substituted in float32 for a block of items at once. All products go through tiles of
// registers; a history is filled up to whole tiles with entries that share nothing with anything.
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

// answer (n): what the matrix whose factor this is makes `residual` of; `rest` (n) is scratch
static void solve(int64_t n, const double* panels, const double* inverse, const double* residual, double* rest,
                  double* answer) {
    memcpy(rest, residual, n * sizeof(double));
    for (int64_t first = 0; first < n; first += PANEL) {
        const double *own = panels + first * n, *inverted = inverse + first * PANEL;
        double* found = answer + first;
        for (int i = 0; i < PANEL; i++) {
            double sum = 0;
            for (int k = 0; k < PANEL; k++) sum += inverted[i * PANEL + k] * rest[first + k];
            found[i] = sum;
        }
        for (int64_t r = first + PANEL; r < n; r++) {
            double sum = 0;
            for (int k = 0; k < PANEL; k++) sum += own[r * PANEL + k] * found[k];
            rest[r] -= sum;
        }
    }
    for (int64_t first = n - PANEL; first >= 0; first -= PANEL) {
        const double *own = panels + first * n, *inverted = inverse + first * PANEL;
        double sum[PANEL], found[PANEL] = {};
        memcpy(sum, answer + first, sizeof sum);
        for (int64_t r = first + PANEL; r < n; r++)
            for (int k = 0; k < PANEL; k++) sum[k] -= own[r * PANEL + k] * answer[r];
        for (int i = 0; i < PANEL; i++)
            for (int k = 0; k < PANEL; k++) found[k] += inverted[i * PANEL + k] * sum[i];
        memcpy(answer + first, found, sizeof found);
    }
}

// Mean, standard deviation and mean with the drift of items (`asked`) after a history. `factors` (·, rank) and `spaces`
// (·, widths) by item; `met` and `item`: rows of these; `residual` and `noises` (history): what a like was above its
// item's mean, and its variance. 0, or why there is no answer: 1 without memory, 2 where no factor exists.
extern "C" int64_t gaussian_process(int64_t history, int64_t asked, const int64_t* met, const int64_t* item, const double* residual,
                        const double* noises, int64_t rank, const float* factors, int64_t spaces,
                        const float* const* vectors, const int64_t* widths, const double* amplitudes, double noise,
                        double near, double drift, double lasts, double* mean, double* std, double* with_drift) {
    constexpr int MOST_SPACES = 8;
    if (spaces > MOST_SPACES) return 1;
    const int64_t n = (history + PANEL - 1) / PANEL * PANEL;
    const float rate = static_cast<float>(1.4426950408889634 / near);
    Arena arena;
    Space all[1 + MOST_SPACES];
    all[0] = {factors, rank, 0.0f, nullptr, nullptr};
    for (int64_t s = 0; s < spaces; s++)
        all[1 + s] = {vectors[s], widths[s], static_cast<float>(amplitudes[s]), nullptr, nullptr};
    int64_t widest = 1;
    for (int64_t s = 0; s <= spaces; s++) {
        Space& space = all[s];
        widest = space.width > widest ? space.width : widest;
        space.met = arena.zeros<float>(n * space.width);
        space.met_there = arena.zeros<float>(n);
        if (arena.failed) return 1;
        for (int64_t r = 0; r < history; r++) {
            const float* row = space.rows + met[r] * space.width;
            memcpy(space.met + r * space.width, row, space.width * sizeof(float));
            for (int64_t k = 0; k < space.width; k++)
                if (row[k] != 0) space.met_there[r] = 1;
        }
    }
    float *gathered = arena.zeros<float>(widest * BLOCK), *there = arena.zeros<float>(BLOCK);
    float *common = arena.zeros<float>(n * BLOCK), *scratch = arena.zeros<float>(n * BLOCK);
    double *panels = arena.zeros<double>(n * n), *drifting = arena.zeros<double>(n * n);
    double *inverse = arena.zeros<double>(n * PANEL), *rest = arena.zeros<double>(n), *r0 = arena.zeros<double>(n);
    double *answer = arena.zeros<double>(n), *answer_drifting = arena.zeros<double>(n);
    double *exact = arena.zeros<double>(n * rank), *column = arena.zeros<double>(rank * PANEL);
    float *lower = arena.zeros<float>(n * n), *inverse_of = arena.zeros<float>(n * PANEL);
    if (arena.failed) return 1;

    // Within the history: factors in float64, spaces in float32, as whole_history has them.
    memcpy(r0, residual, history * sizeof(double));
    for (int64_t i = 0; i < n * rank; i++) exact[i] = all[0].met[i];
    for (int64_t first = 0; first < n; first += PANEL) {
        for (int64_t k = 0; k < rank; k++)
            for (int c = 0; c < PANEL; c++) column[k * PANEL + c] = exact[(first + c) * rank + k];
        multiply<double>(n - first, rank, exact + first * rank, rank, column, panels + first * n + first * PANEL);
    }
    for (int64_t first = 0; first < history && spaces; first += BLOCK) {
        const int64_t count = history - first < BLOCK ? history - first : BLOCK;
        memset(common, 0, n * BLOCK * sizeof(float));
        for (int64_t s = 1; s <= spaces; s++) {
            gather(all[s], met + first, count, gathered, there);
            add_near(all[s], first, n, gathered, there, rate, scratch, common);
        }
        for (int64_t panel = first; panel < n && panel < first + BLOCK; panel += PANEL)
            for (int64_t r = panel; r < n; r++)
                for (int c = 0; c < PANEL; c++)
                    panels[panel * n + r * PANEL + c] += common[r * BLOCK + panel - first + c];
    }
    for (int64_t i = 0; i < n; i++)
        panels[i / PANEL * PANEL * n + i * PANEL + i % PANEL] += i < history ? noises[i] : 1.0;
    memcpy(drifting, panels, n * n * sizeof(double));
    for (int64_t i = 0; i < history; i++) rest[i] = drift * std::exp(-static_cast<double>(i) / lasts);
    for (int64_t first = 0; first < n; first += PANEL)
        for (int64_t r = first; r < history; r++)
            for (int64_t c = 0; c < PANEL && first + c <= r; c++)
                drifting[first * n + r * PANEL + c] += rest[r - first - c];
    double next = 0; // the drift of whatever comes next
    if (!factorise(n, drifting, inverse)) return 2;
    solve(n, drifting, inverse, r0, rest, answer_drifting);
    for (int64_t i = 0; i < history; i++)
        next += drift * std::exp(static_cast<double>(i - history) / lasts) * answer_drifting[i];
    if (!factorise(n, panels, inverse)) return 2;
    solve(n, panels, inverse, r0, rest, answer);
    for (int64_t r = 0; r < n; r++)
        for (int64_t c = 0; c < r; c++)
            lower[r * n + c] = static_cast<float>(-panels[c / PANEL * PANEL * n + r * PANEL + c % PANEL]);
    for (int64_t i = 0; i < n * PANEL; i++) inverse_of[i] = static_cast<float>(inverse[i]);

    for (int64_t first = 0; first < asked; first += BLOCK) {
        const int64_t count = asked - first < BLOCK ? asked - first : BLOCK;
        float variance[BLOCK] = {}, sum[BLOCK] = {}, sum_drifting[BLOCK] = {};
        memset(common, 0, n * BLOCK * sizeof(float));
        gather(all[0], item + first, count, gathered, there);
        for (int64_t k = 0; k < rank; k++)
            for (int i = 0; i < BLOCK; i++) variance[i] += gathered[k * BLOCK + i] * gathered[k * BLOCK + i];
        multiply<float>(n, rank, all[0].met, rank, gathered, common);
        for (int64_t s = 1; s <= spaces; s++) {
            gather(all[s], item + first, count, gathered, there);
            for (int i = 0; i < BLOCK; i++) variance[i] += all[s].amplitude * there[i];
            add_near(all[s], 0, n, gathered, there, rate, scratch, common);
        }
        for (int64_t r = 0; r < n; r += PANEL) { // sums of sums: of a long history less is rounded away
            float part[BLOCK] = {}, part_drifting[BLOCK] = {};
            for (int64_t q = r; q < r + PANEL; q++) {
                const float one = static_cast<float>(answer[q]), other = static_cast<float>(answer_drifting[q]);
                for (int i = 0; i < BLOCK; i++) {
                    part[i] += one * common[q * BLOCK + i];
                    part_drifting[i] += other * common[q * BLOCK + i];
                }
            }
            for (int i = 0; i < BLOCK; i++) {
                sum[i] += part[i];
                sum_drifting[i] += part_drifting[i];
            }
        }
        for (int64_t r = 0; r < n; r += PANEL) { // L⁻¹ in the place of what it is multiplied with
            float* own = common + r * BLOCK;
            multiply<float>(PANEL, r, lower + r * n, n, common, own);
            memcpy(scratch, own, PANEL * BLOCK * sizeof(float));
            memset(own, 0, PANEL * BLOCK * sizeof(float));
            multiply<float>(PANEL, PANEL, inverse_of + r * PANEL, PANEL, scratch, own);
            for (int q = 0; q < PANEL; q++)
                for (int i = 0; i < BLOCK; i++) variance[i] -= own[q * BLOCK + i] * own[q * BLOCK + i];
        }
        for (int64_t i = 0; i < count; i++) {
            mean[first + i] = sum[i];
            std[first + i] = std::sqrt((variance[i] > 0 ? variance[i] : 0.0) + noise);
            with_drift[first + i] = sum_drifting[i] + next;
        }
    }
    return 0;
}
