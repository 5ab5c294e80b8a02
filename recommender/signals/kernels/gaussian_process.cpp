// What a whole history says of many items: signals/whole_history.py, whose docstring has the mathematics.
//
// The history's covariance is factorised in float64, K = L Lᵀ. An item's mean is k K⁻¹ r; its variance is k(i, i) minus
// the square of L⁻¹ kᵀ, which is substituted in float32 for a block of items at once. All products go through tiles of
// registers.
#include "covariances.h"

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

// Mean, standard deviation and mean with the drift of items after a history, (asked) each. 0, or why there is no
// answer: 1 without memory, 2 where no factor exists.
extern "C" int64_t gaussian_process(
    int64_t history, int64_t asked, const int64_t* met, const int64_t* item, const double* residual,
    const double* noises, int64_t rank, const float* factors, int64_t spaces, const float* const* vectors,
    const int64_t* widths, const double* amplitudes, double noise, double near, double drift, double lasts,
    double* mean, double* std, double* with_drift) {
    const Told told{history, asked, met, item, residual, noises, rank, factors, spaces, vectors, widths, amplitudes,
                    noise, near, drift, lasts};
    Arena arena;
    Covariances own(told, arena);
    const int64_t n = own.n;
    if (own.failed) return 1;
    double *inverse = arena.zeros<double>(n * PANEL), *rest = arena.zeros<double>(n);
    double *answer = arena.zeros<double>(n), *answer_drifting = arena.zeros<double>(n);
    float *lower = arena.zeros<float>(n * n), *inverse_of = arena.zeros<float>(n * PANEL);
    if (arena.failed) return 1;

    double next = 0; // the drift of whatever comes next
    if (!factorise(n, own.drifting, inverse)) return 2;
    solve(n, own.drifting, inverse, own.residual, rest, answer_drifting);
    for (int64_t i = 0; i < history; i++) next += own.fading[history - i] * answer_drifting[i];
    if (!factorise(n, own.panels, inverse)) return 2;
    solve(n, own.panels, inverse, own.residual, rest, answer);
    for (int64_t r = 0; r < n; r++)
        for (int64_t c = 0; c < r; c++)
            lower[r * n + c] = static_cast<float>(-own.panels[c / PANEL * PANEL * n + r * PANEL + c % PANEL]);
    for (int64_t i = 0; i < n * PANEL; i++) inverse_of[i] = static_cast<float>(inverse[i]);

    float *common = own.common, *scratch = own.scratch;
    for (int64_t first = 0; first < asked; first += BLOCK) {
        const int64_t count = asked - first < BLOCK ? asked - first : BLOCK;
        float variance[BLOCK], sum[BLOCK] = {}, sum_drifting[BLOCK] = {};
        own.with(told.item + first, count, variance);
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
            float* block = common + r * BLOCK;
            multiply<float>(PANEL, r, lower + r * n, n, common, block);
            memcpy(scratch, block, PANEL * BLOCK * sizeof(float));
            memset(block, 0, PANEL * BLOCK * sizeof(float));
            multiply<float>(PANEL, PANEL, inverse_of + r * PANEL, PANEL, scratch, block);
            for (int q = 0; q < PANEL; q++)
                for (int i = 0; i < BLOCK; i++) variance[i] -= block[q * BLOCK + i] * block[q * BLOCK + i];
        }
        for (int64_t i = 0; i < count; i++) {
            mean[first + i] = sum[i];
            std[first + i] = std::sqrt((variance[i] > 0 ? variance[i] : 0.0) + told.noise);
            with_drift[first + i] = sum_drifting[i] + next;
        }
    }
    return 0;
}
