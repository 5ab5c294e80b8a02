// DIN's logits of many items after one history: backbones/din.py, FoldedDin, whose docstring says what is folded.
//
// Items are taken in blocks, and nothing that is made of a block leaves the cache: the graph writes the first layer of
// the attention, a number for each item, entry and unit, to memory three times. All sizes are whole multiples of 4.
#include "tiles.h"

struct Sizes {
    int64_t asked, entries, width, attributes, first, second, head, rows, last, signals, temperatures;
};

// What a version has (`table` to `slope`), and what was made of one history (`past` on).
struct Given {
    const float *table;                           // (V, width) vectors of items, attributes last
    const float *rows;                            // (V, rows) what the head's first layer makes of an item, or
    const float *of_rows;                         // (head, rows) what it makes of a row; else null
    const float *of_product, *of_candidate;       // (first, width) of the attention
    const float *second, *second_bias;            // (second, first), (second)
    const float *third, *third_bias;              // (second), (1)
    const float *head, *head_bias;                // (last, head), (last)
    const float *out, *out_bias;                  // (last), (1)
    const float *rates;                           // (temperatures) log2(e) / temperature of the history match
    const float *slope;                           // slope and intercept of the calibration
    const float *past;                            // (entries, width)
    const float *alone;                           // (entries, first) what the attention makes of an entry, with its bias
    const float *met, *worth;                     // (entries, width - attributes) of length 1, (entries)
    const float *to_head;                         // (head, entries + features + signals)
    const float *of_end_user;                     // (head)
    const float *signals;                         // (asked, signals)
};
constexpr float SCALE = 4.0f; // of the history match: backbones/match.py

static void relu(int64_t size, float* values) {
    for (int64_t i = 0; i < size; i++) values[i] = values[i] > 0 ? values[i] : 0;
}

// to (rows, BLOCK): row r holds bias[r]
static void spread(int64_t rows, const float* bias, float* to) {
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < BLOCK; i++) to[r * BLOCK + i] = bias[r];
}

// to (width, BLOCK): rows of a table, one a column; columns past `count` are the first one's
static void gather(const float* table, int64_t width, const int64_t* item, int64_t count, float* to) {
    const float* from[BLOCK];
    for (int i = 0; i < BLOCK; i++) from[i] = table + item[i < count ? i : 0] * width;
    for (int64_t k = 0; k < width; k++)
        for (int i = 0; i < BLOCK; i++) to[k * BLOCK + i] = from[i][k];
}

// to (1 + 2 · temperatures, BLOCK): what was thought of items that are alike (backbones/match.py)
static void match(const Sizes& size, const Given& given, const float* items, float* alike, float* to) {
    const int64_t width = size.width - size.attributes;
    const float* own = items + size.attributes * BLOCK;
    float length[BLOCK] = {}, worth = 0;
    for (int64_t k = 0; k < width; k++)
        for (int i = 0; i < BLOCK; i++) length[i] += own[k * BLOCK + i] * own[k * BLOCK + i];
    for (int i = 0; i < BLOCK; i++) {
        length[i] = std::sqrt(length[i]);
        length[i] = 1.0f / (length[i] > 1e-12f ? length[i] : 1e-12f);
    }
    const int64_t filled = (size.entries + 3) / 4 * 4; // `met` is filled up with zeros to whole tiles
    memset(alike, 0, filled * BLOCK * sizeof(float));
    multiply<float>(filled, width, given.met, width, own, alike);
    for (int64_t l = 0; l < size.entries; l++) worth += given.worth[l];
    for (int i = 0; i < BLOCK; i++) to[i] = SCALE * worth / static_cast<float>(size.entries + 1);
    for (int64_t t = 0; t < size.temperatures; t++) {
        float total[BLOCK] = {}, weighed[BLOCK] = {};
        for (int64_t l = 0; l < size.entries; l++)
            for (int i = 0; i < BLOCK; i++) {
                const float weight = power_of_two((alike[l * BLOCK + i] * length[i] - 1.0f) * given.rates[t]);
                total[i] += weight;
                weighed[i] += weight * given.worth[l];
            }
        float* mean = to + (1 + 2 * t) * BLOCK;
        for (int i = 0; i < BLOCK; i++) {
            mean[i] = SCALE * weighed[i] / (total[i] + 1.0f);
            mean[BLOCK + i] = SCALE * log1pf(total[i]);
        }
    }
}

// 0, or 1 without memory
extern "C" int64_t folded_din(const Sizes* sizes, const Given* all, const int64_t* item, double* logits) {
    const Sizes& size = *sizes;
    const Given& given = *all;
    const int64_t W = size.width, F = size.first, S = size.second, H = size.head;
    const int64_t features = size.temperatures ? 1 + 2 * size.temperatures : 0;
    const int64_t beside = size.entries + features + size.signals;
    Arena arena;
    float* weights = arena.zeros<float>(size.entries * F * W); // of the attention's first layer, for each entry
    float *items = arena.zeros<float>(W * BLOCK), *first = arena.zeros<float>(F * BLOCK);
    float *second = arena.zeros<float>(S * BLOCK), *joined = arena.zeros<float>(beside * BLOCK);
    float *alike = arena.zeros<float>((size.entries + 4) * BLOCK), *hidden = arena.zeros<float>(H * BLOCK);
    float *rows = arena.zeros<float>(size.rows * BLOCK), *last = arena.zeros<float>(size.last * BLOCK);
    if (arena.failed) return 1;
    for (int64_t l = 0; l < size.entries; l++)
        for (int64_t f = 0; f < F; f++)
            for (int64_t w = 0; w < W; w++)
                weights[(l * F + f) * W + w] =
                    given.of_product[f * W + w] * given.past[l * W + w] + given.of_candidate[f * W + w];
    for (int64_t begin = 0; begin < size.asked; begin += BLOCK) {
        const int64_t count = size.asked - begin < BLOCK ? size.asked - begin : BLOCK;
        gather(given.table, W, item + begin, count, items);
        for (int64_t l = 0; l < size.entries; l++) {
            spread(F, given.alone + l * F, first);
            multiply<float>(F, W, weights + l * F * W, W, items, first);
            relu(F * BLOCK, first);
            spread(S, given.second_bias, second);
            multiply<float>(S, F, given.second, F, first, second);
            float* weight = joined + l * BLOCK;
            spread(1, given.third_bias, weight);
            for (int64_t s = 0; s < S; s++)
                for (int i = 0; i < BLOCK; i++) {
                    const float unit = second[s * BLOCK + i];
                    weight[i] += (unit > 0 ? unit : 0) * given.third[s];
                }
        }
        if (features) match(size, given, items, alike, joined + size.entries * BLOCK);
        for (int64_t k = 0; k < size.signals; k++)
            for (int64_t i = 0; i < count; i++)
                joined[(beside - size.signals + k) * BLOCK + i] = given.signals[(begin + i) * size.signals + k];
        if (given.of_rows) {
            gather(given.rows, size.rows, item + begin, count, rows);
            memset(hidden, 0, H * BLOCK * sizeof(float));
            multiply<float>(H, size.rows, given.of_rows, size.rows, rows, hidden);
        } else {
            gather(given.rows, H, item + begin, count, hidden);
        }
        multiply<float>(H, beside, given.to_head, beside, joined, hidden);
        for (int64_t h = 0; h < H; h++)
            for (int i = 0; i < BLOCK; i++) {
                const float unit = hidden[h * BLOCK + i] + given.of_end_user[h];
                hidden[h * BLOCK + i] = unit > 0 ? unit : 0;
            }
        spread(size.last, given.head_bias, last);
        multiply<float>(size.last, H, given.head, H, hidden, last);
        float answer[BLOCK];
        spread(1, given.out_bias, answer);
        for (int64_t r = 0; r < size.last; r++)
            for (int i = 0; i < BLOCK; i++) {
                const float unit = last[r * BLOCK + i];
                answer[i] += (unit > 0 ? unit : 0) * given.out[r];
            }
        for (int64_t i = 0; i < count; i++) logits[begin + i] = answer[i] * given.slope[0] + given.slope[1];
    }
    return 0;
}
