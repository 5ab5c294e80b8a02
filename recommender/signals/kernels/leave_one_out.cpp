// What a history would say had one of its entries never been: signals/leave_one_out.py, whose docstring has the
// mathematics. All in float64 but for what items share with the history, which gaussian_process.cpp has in float32 too.
#include "covariances.h"

// L⁻¹ times columns, in their place; `columns` (n, PANEL), zeros before row `from`, a whole number of panels
static void substitute(int64_t n, const double* panels, const double* inverse, int64_t from, double* columns) {
    double right[PANEL * PANEL];
    for (int64_t first = from; first < n; first += PANEL) {
        double* own = columns + first * PANEL;
        memcpy(right, own, sizeof right);
        memset(own, 0, sizeof right);
        multiply<double>(PANEL, PANEL, inverse + first * PANEL, PANEL, right, own);
        for (int i = 0; i < PANEL * PANEL; i++) right[i] = -own[i];
        const int64_t below = first + PANEL;
        multiply<double>(n - below, PANEL, panels + first * n + below * PANEL, PANEL, right, columns + below * PANEL);
    }
}

static double product(int64_t n, const double* one, const double* other) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += one[i] * other[i];
    return sum;
}

// Vectors of a history (n each, one after the other) times L⁻¹, so that the product of two of them is x K⁻¹ y.
struct Halves {
    int64_t n;
    const double *panels, *inverse;
    double *columns, *scratch; // (count, n), (n, PANEL)

    // `count` vectors from `first` on, each zeros before row `from`
    void substitute_all(int64_t first, int64_t count, int64_t from) {
        from = from / PANEL * PANEL;
        for (int64_t begin = first; begin < first + count; begin += PANEL) {
            const int64_t some = first + count - begin < PANEL ? first + count - begin : PANEL;
            for (int64_t i = 0; i < n; i++)
                for (int64_t c = 0; c < PANEL; c++) scratch[i * PANEL + c] = c < some ? at(begin + c)[i] : 0;
            substitute(n, panels, inverse, from, scratch);
            for (int64_t c = 0; c < some; c++)
                for (int64_t i = 0; i < n; i++) at(begin + c)[i] = scratch[i * PANEL + c];
        }
    }
    double* at(int64_t column) const { return columns + column * n; }
    double of(int64_t one, int64_t other) const { return product(n, at(one), at(other)); }
};

// As gaussian_process, (1 + left, asked) each: after the whole history, then without each of its last `left` entries in
// turn, the oldest first. With e an entry's place, what x K⁻¹ y becomes without it is x K⁻¹ y - (x K⁻¹ e)(e K⁻¹ y) /
// (e K⁻¹ e), and K⁻¹ = L⁻ᵀ L⁻¹: products of vectors that were multiplied with L⁻¹ are all it takes. What is older than
// an entry fades by a step towards the next, and gains the entry; so does what is newer, the other way round.
extern "C" int64_t gaussian_process_without(
    int64_t history, int64_t asked, const int64_t* met, const int64_t* item, const double* residual,
    const double* noises, int64_t rank, const float* factors, int64_t spaces, const float* const* vectors,
    const int64_t* widths, const double* amplitudes, double noise, double near, double drift, double lasts,
    double* mean, double* std, double* with_drift, int64_t left) {
    const Told told{history, asked, met, item, residual, noises, rank, factors, spaces, vectors, widths, amplitudes,
                    noise, near, drift, lasts};
    Arena arena;
    Covariances own(told, arena);
    const int64_t n = own.n, start = history - left;
    if (own.failed) return 1;
    const int64_t OF_LIKES = 0, OLDER = 1, LEFT = 2, ITEMS = LEFT + left, NEWER = ITEMS + asked, columns = NEWER + 1;
    double *inverse = arena.zeros<double>(n * PANEL), *scratch = arena.zeros<double>(n * PANEL);
    double *given = arena.zeros<double>(columns * n), *variances = arena.zeros<double>(asked);
    Halves plain{n, own.panels, inverse, arena.zeros<double>(columns * n), scratch};
    double *about_older = arena.zeros<double>(asked), *about_newer = arena.zeros<double>(left * asked);
    double* newer = arena.zeros<double>(left * n);
    if (arena.failed) return 1;

    memcpy(given + OF_LIKES * n, own.residual, n * sizeof(double));
    for (int64_t i = 0; i < start; i++) given[OLDER * n + i] = own.fading[start - i] / told.drift;
    for (int64_t e = 0; e < left; e++) given[(LEFT + e) * n + start + e] = 1;
    for (int64_t first = 0; first < asked; first += BLOCK) {
        const int64_t count = asked - first < BLOCK ? asked - first : BLOCK;
        float variance[BLOCK];
        own.with(told.item + first, count, variance);
        for (int64_t i = 0; i < count; i++) {
            variances[first + i] = variance[i];
            for (int64_t r = 0; r < n; r++) given[(ITEMS + first + i) * n + r] = own.common[r * BLOCK + i];
        }
    }

    if (!factorise(n, own.panels, inverse)) return 2;
    memcpy(plain.columns, given, columns * n * sizeof(double));
    plain.substitute_all(OF_LIKES, 1, 0);
    plain.substitute_all(LEFT, left, start);
    plain.substitute_all(ITEMS, asked, 0);
    for (int64_t i = 0; i < asked; i++) {
        const double whole = plain.of(ITEMS + i, OF_LIKES);
        const double remaining = variances[i] - plain.of(ITEMS + i, ITEMS + i);
        mean[i] = whole;
        std[i] = std::sqrt((remaining > 0 ? remaining : 0) + told.noise);
        for (int64_t e = 0; e < left; e++) {
            const double about = plain.of(ITEMS + i, LEFT + e), alone = plain.of(LEFT + e, LEFT + e);
            const double more = remaining + about * about / alone;
            mean[(1 + e) * asked + i] = whole - about * plain.of(LEFT + e, OF_LIKES) / alone;
            std[(1 + e) * asked + i] = std::sqrt((more > 0 ? more : 0) + told.noise);
        }
    }

    Halves drifting{n, own.drifting, inverse, plain.columns, scratch};
    if (!factorise(n, own.drifting, inverse)) return 2;
    for (int64_t i = 0; i < asked; i++)
        for (int64_t r = 0; r < history; r++) given[(ITEMS + i) * n + r] += own.fading[history - r];
    memcpy(drifting.columns, given, columns * n * sizeof(double));
    drifting.substitute_all(OF_LIKES, 2, 0);
    drifting.substitute_all(LEFT, left, start);
    drifting.substitute_all(ITEMS, asked, 0);
    const double step = std::exp(-1 / told.lasts), nearer = told.drift * (1 / step - 1);
    for (int64_t i = 0; i < asked; i++) {
        with_drift[i] = drifting.of(ITEMS + i, OF_LIKES);
        about_older[i] = drifting.of(ITEMS + i, OLDER);
    }
    for (int64_t e = left - 2; e >= 0; e--) // of what is newer than each; nothing is newer than the last
        for (int64_t r = 0; r < n; r++)
            newer[e * n + r] = step * (newer[(e + 1) * n + r] + drifting.at(LEFT + e + 1)[r]);
    for (int64_t e = left - 2; e >= 0; e--)
        for (int64_t i = 0; i < asked; i++)
            about_newer[e * asked + i] =
                step * (about_newer[(e + 1) * asked + i] + drifting.of(ITEMS + i, LEFT + e + 1));
    for (int64_t e = 0; e < left; e++) {
        memcpy(drifting.at(NEWER), newer + e * n, n * sizeof(double));
        const double alone = drifting.of(LEFT + e, LEFT + e), likes = drifting.of(LEFT + e, OF_LIKES);
        const double of_older = drifting.of(LEFT + e, OLDER), of_newer = drifting.of(LEFT + e, NEWER);
        const double first = drifting.of(OLDER, OLDER) - of_older * of_older / alone;
        const double second = drifting.of(NEWER, NEWER) - of_newer * of_newer / alone;
        const double both = drifting.of(OLDER, NEWER) - of_older * of_newer / alone, mixed = 1 / nearer + both;
        const double one = drifting.of(OLDER, OF_LIKES) - of_older * likes / alone;
        const double other = drifting.of(NEWER, OF_LIKES) - of_newer * likes / alone;
        const double determinant = first * second - mixed * mixed;
        const double by_older = (second * one - mixed * other) / determinant;
        const double by_newer = (first * other - mixed * one) / determinant;
        const double left_of_older = one - by_older * first - by_newer * both;
        const double comes_nearer = nearer * own.fading[left - e] / told.drift * left_of_older;
        for (int64_t i = 0; i < asked; i++) {
            const double about = drifting.of(ITEMS + i, LEFT + e) / alone;
            const double whole = with_drift[i] - about * likes;
            const double older = about_older[i] - about * of_older;
            const double later = about_newer[e * asked + i] - about * of_newer;
            with_drift[(1 + e) * asked + i] = whole - by_older * older - by_newer * later + comes_nearer;
            about_older[i] = step * (about_older[i] + about * alone);
        }
        double *of_next = drifting.at(OLDER), *left_out = drifting.at(LEFT + e);
        for (int64_t r = 0; r < n; r++) of_next[r] = step * (of_next[r] + left_out[r]);
    }
    return 0;
}
